//! Every routine against its slow twin.

use super::isa::{Isa, Kept, Scalar};
use super::{Index, PAD, Special, State, automaton, index, separators};

/// A small portable generator of pseudo-random numbers (splitmix64).
fn numbers(mut seed: u64) -> impl FnMut() -> u64 {
    move || {
        seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// The whole scan, byte by byte, sharing nothing with the block-wise code.
fn slow(text: &[u8], special: Special) -> (Index, State) {
    let mut out = Index::default();
    let mut state = State::FieldStart;
    for (i, &b) in text.iter().enumerate() {
        let at = u32::try_from(i).unwrap();
        let second_of_crlf = b == b'\n' && i > 0 && text[i - 1] == b'\r';
        let delimiter = b == special.delimiter
            && !(special.cp932_trail && automaton::drop_trail_bytes(text, i, 1) == 0);
        state = match (b, state) {
            (b'"', State::FieldStart | State::QuoteInQuoted) if special.quotes => State::Quoted,
            (b'"', State::Quoted) => State::QuoteInQuoted,
            (b'\n' | b'\r', State::Quoted) => {
                if !second_of_crlf {
                    out.inner.push(at);
                }
                State::Quoted
            }
            (_, State::Quoted) => State::Quoted,
            (b'\n' | b'\r', _) => {
                if !second_of_crlf {
                    out.seps.push(at);
                    out.ends.push(at);
                }
                State::FieldStart
            }
            _ if delimiter => {
                out.seps.push(at);
                State::FieldStart
            }
            _ => State::Unquoted,
        };
    }
    (out, state)
}

#[test]
fn the_fast_scan_equals_the_slow_one() {
    let mut next = numbers(7);
    let alphabets: [&[u8]; 5] = [
        b"a,\"\n",
        b"ab,,\"\"\"\r\n",
        b"abcdefghij,\n",
        b"\"\",,abcdefghijklmnop\n\r|\x83|",
        b"abcd,|\x83|\r\n",
    ];
    for round in 0..5000 {
        let alphabet = alphabets[round % alphabets.len()];
        let len = usize::try_from(next() % 400).unwrap();
        let mut text: Vec<u8> = (0..len)
            .map(|_| alphabet[usize::try_from(next()).unwrap_or(0) % alphabet.len()])
            .collect();
        for special in [
            Special {
                delimiter: b',',
                quotes: true,
                cp932_trail: false,
            },
            Special {
                delimiter: b',',
                quotes: false,
                cp932_trail: false,
            },
            Special {
                delimiter: b'|',
                quotes: true,
                cp932_trail: true,
            },
        ] {
            let expected = slow(&text, special);
            let mut padded = text.clone();
            padded.resize(len + PAD, 0);
            let mut found = Index::default();
            let state = index(&padded, len, special, &mut found);
            assert_eq!(found, expected.0, "{:?}", String::from_utf8_lossy(&text));
            if len > 0 && special.quotes {
                assert_eq!(state, expected.1, "{:?}", String::from_utf8_lossy(&text));
            }
            let ends = separators(&padded, len, special, &mut found);
            if !text.contains(&b'"') {
                let Index { seps, ends: at, .. } = &expected.0;
                assert_eq!((ends, &found.seps), (at.len(), seps));
                assert_eq!((found.ends.len(), found.inner.len()), (0, 0));
            }
        }
        text.clear();
    }
}

#[test]
fn well_quoted_text_equals_the_slow_scan() {
    let mut next = numbers(11);
    for _ in 0..500 {
        let mut text = Vec::new();
        for _ in 0..next() % 30 {
            match next() % 4 {
                0 => text.extend_from_slice(b"\"plain\""),
                1 => text.extend_from_slice(b"\"with \"\"quotes\"\", commas\r\nand lines\""),
                2 => text.extend_from_slice(b"\"\""),
                _ => text.extend_from_slice(b"bare"),
            }
            text.extend_from_slice(if next().is_multiple_of(5) {
                b"\r\n"
            } else {
                b","
            });
        }
        let special = Special {
            delimiter: b',',
            quotes: true,
            cp932_trail: false,
        };
        let expected = slow(&text, special);
        let len = text.len();
        text.resize(len + PAD, 0);
        let mut found = Index::default();
        index(&text, len, special, &mut found);
        assert_eq!(found, expected.0);
    }
}

#[test]
fn every_instruction_set_classifies_like_plain_rust() {
    let mut next = numbers(3);
    for _ in 0..1000 {
        let mut block = [0u8; 64];
        for b in &mut block {
            *b = b",\"\n\rxyz\x80\xFF\0"[usize::try_from(next() % 10).unwrap()];
        }
        let expected = Scalar.classify(&block, b',');
        #[cfg(target_arch = "x86_64")]
        for found in super::isa::x86::classify_each(&block, b',') {
            assert_eq!(found, expected);
        }
        let mut parity = 0;
        for i in 0..64 {
            let ones = (expected.quote << (63 - i)).count_ones();
            parity |= u64::from(ones % 2 == 1) << i;
        }
        assert_eq!(Scalar.prefix_xor(expected.quote), parity);
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn every_instruction_set_finds_the_same_numbers() {
    let mut next = numbers(4);
    for _ in 0..1000 {
        let mut numbers = [0u16; 32];
        for number in &mut numbers {
            *number = [0, 7, 0x0700, 0x0707, u16::MAX][usize::try_from(next() % 5).unwrap()];
        }
        for wanted in [0, 7, 0x0700, 8, u16::MAX] {
            let places = (0..32).filter(|&i| numbers[i] == wanted);
            let expected = places.fold(0u32, |mask, i| mask | 1 << i);
            assert_eq!(Scalar.alike(&numbers, wanted), expected);
            for found in super::isa::x86::alike_each(&numbers, wanted) {
                assert_eq!(found, expected);
            }
        }
    }
}

#[test]
fn every_instruction_set_keeps_the_same_values() {
    type Out = ([u64; 8], [u32; 8], [u16; 8]);
    fn to((values, with, prints): &mut Out) -> Kept<'_> {
        Kept {
            values,
            with,
            prints,
        }
    }
    let mut next = numbers(5);
    for _ in 0..1000 {
        let factor = next() | 1;
        let values: [u64; 8] = std::array::from_fn(|_| next().wrapping_mul(next() % 3));
        let with: [u32; 8] = std::array::from_fn(|_| u32::try_from(next() >> 32).unwrap());
        let mut plain = Out::default();
        let kept = Scalar.keep((&values, &with), factor, to(&mut plain));
        let expected: Vec<(u64, u32, u16)> = (0..8)
            .filter(|&i| values[i] != 0)
            .map(|i| {
                let product = values[i].wrapping_mul(factor).to_be_bytes();
                let first = u16::from_be_bytes([product[0], product[1]]);
                (values[i], with[i], first)
            })
            .collect();
        let of = |out: &Out| -> Vec<(u64, u32, u16)> {
            (0..kept).map(|i| (out.0[i], out.1[i], out.2[i])).collect()
        };
        assert_eq!(of(&plain), expected);
        #[cfg(target_arch = "x86_64")]
        {
            let mut wide = Out::default();
            let found = super::isa::x86::kept((&values, &with), factor, to(&mut wide));
            if let Some(found) = found {
                assert_eq!((found, of(&wide)), (kept, expected));
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn compression_pushes_the_same_bits() {
    let mut next = numbers(11);
    for round in 0..2000 {
        let mask = match round % 4 {
            0 => next(),
            1 => next() & next() & next(),
            2 => next() | next() | next(),
            _ => [0, 1, u64::MAX, 1 << 63, 0xFFFF, 0xFFFF_FFFF][round / 4 % 6],
        };
        let mut slow = vec![7];
        Scalar.push_bits(&mut slow, 1 << 31, mask);
        let fast = super::isa::x86::pushed_by_compression(1 << 31, mask);
        assert!(fast.is_none_or(|fast| fast == slow), "{mask:x}");
    }
}
