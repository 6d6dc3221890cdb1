//! Every routine against its slow twin.

use super::{Index, PAD, Special, State, automaton, index, separators};

/// A small portable generator of pseudo-random numbers (splitmix64).
pub(super) fn numbers(mut seed: u64) -> impl FnMut() -> u64 {
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
