//! Every instruction set against plain Rust, and that against what is meant.

use super::super::tests::numbers;
use super::{Classes, HotBy, Isa, Kept, LONGEST_KEY, Scalar};

/// What work gives by plain Rust, and by each instruction set of this machine.
fn by_each<H: HotBy + Clone>(work: H) -> Vec<H::Output> {
    #[cfg(target_arch = "x86_64")]
    let mut all = super::x86::by_each(&work);
    #[cfg(not(target_arch = "x86_64"))]
    let mut all = Vec::new();
    all.insert(0, work.run(Scalar));
    all
}

#[derive(Clone)]
struct Classify<'a>(&'a [u8; 64]);

impl HotBy for Classify<'_> {
    type Output = (Classes, u64);

    fn run<I: Isa>(self, isa: I) -> (Classes, u64) {
        let classes = isa.classify(self.0, b',');
        (classes, isa.prefix_xor(classes.quote))
    }
}

#[test]
fn bytes_are_classified() {
    let mut next = numbers(3);
    for _ in 0..1000 {
        let mut block = [0u8; 64];
        for b in &mut block {
            *b = b",\"\n\rxyz\x80\xFF\0"[usize::try_from(next() % 10).unwrap()];
        }
        let places = |wanted: u8| {
            let places = (0..64).filter(|&i| block[i] == wanted);
            places.fold(0u64, |mask, i| mask | 1 << i)
        };
        let expected = Classes {
            delimiter: places(b','),
            lf: places(b'\n'),
            cr: places(b'\r'),
            quote: places(b'"'),
        };
        let parity = (0..64).fold(0, |parity, i| {
            let ones = (expected.quote << (63 - i)).count_ones();
            parity | u64::from(ones % 2 == 1) << i
        });
        for found in by_each(Classify(&block)) {
            assert_eq!(found, (expected, parity));
        }
    }
}

#[derive(Clone)]
struct Alike<'a>(&'a [u16; 32], u16);

impl HotBy for Alike<'_> {
    type Output = u32;

    fn run<I: Isa>(self, isa: I) -> u32 {
        isa.alike(self.0, self.1)
    }
}

#[test]
fn numbers_are_found() {
    let mut next = numbers(4);
    for _ in 0..1000 {
        let mut numbers = [0u16; 32];
        for number in &mut numbers {
            *number = [0, 7, 0x0700, 0x0707, u16::MAX][usize::try_from(next() % 5).unwrap()];
        }
        for wanted in [0, 7, 0x0700, 8, u16::MAX] {
            let places = (0..32).filter(|&i| numbers[i] == wanted);
            let expected = places.fold(0u32, |mask, i| mask | 1 << i);
            for found in by_each(Alike(&numbers, wanted)) {
                assert_eq!(found, expected);
            }
        }
    }
}

#[derive(Clone)]
struct Keep<'a>(&'a [u64; 8], &'a [u32; 8], u64);

impl HotBy for Keep<'_> {
    type Output = Vec<(u64, u32, u16)>;

    fn run<I: Isa>(self, isa: I) -> Self::Output {
        let (mut values, mut with, mut prints) = ([1; 8], [1; 8], [1; 8]);
        let to = Kept {
            values: &mut values,
            with: &mut with,
            prints: &mut prints,
        };
        let kept = isa.keep((self.0, self.1), self.2, to);
        (0..kept).map(|i| (values[i], with[i], prints[i])).collect()
    }
}

#[test]
fn values_are_kept() {
    let mut next = numbers(5);
    for _ in 0..1000 {
        let factor = next() | 1;
        let values: [u64; 8] = std::array::from_fn(|_| next().wrapping_mul(next() % 3));
        let with: [u32; 8] = std::array::from_fn(|_| u32::try_from(next() >> 32).unwrap());
        let expected: Vec<(u64, u32, u16)> = (0..8)
            .filter(|&i| values[i] != 0)
            .map(|i| {
                let product = values[i].wrapping_mul(factor).to_be_bytes();
                let first = u16::from_be_bytes([product[0], product[1]]);
                (values[i], with[i], first)
            })
            .collect();
        for found in by_each(Keep(&values, &with, factor)) {
            assert_eq!(found, expected);
        }
    }
}

#[derive(Clone)]
struct Hashed([u8; 16], [u8; 16], u64);

impl HotBy for Hashed {
    type Output = u64;

    fn run<I: Isa>(self, isa: I) -> u64 {
        isa.hash(&self.0, &self.1, self.2)
    }
}

#[test]
fn every_bit_of_a_span_changes_all_bits_of_its_hash() {
    let mut next = numbers(6);
    let mut bytes = || {
        let words = [next(), next()].map(u64::to_le_bytes);
        std::array::from_fn(|i| words[i / 8][i % 8])
    };
    // How often each bit of a hash changed, by instruction set.
    let mut changed: Vec<[u32; 64]> = Vec::new();
    let mut flips = 0u32;
    for _ in 0..20 {
        let span = Hashed(bytes(), bytes(), 16 + u64::from(flips % 30));
        let hashes = by_each(span.clone());
        changed.resize(hashes.len(), [0; 64]);
        for bit in 0..262 {
            let mut other = span.clone();
            match bit {
                0..128 => other.0[bit / 8] ^= 1 << (bit % 8),
                128..256 => other.1[bit / 8 - 16] ^= 1 << (bit % 8),
                _ => other.2 ^= 1 << (bit - 256),
            }
            let others = by_each(other);
            for ((hash, other), changed) in hashes.iter().zip(others).zip(&mut changed) {
                assert_ne!(*hash, other);
                for (bit, changed) in changed.iter_mut().enumerate() {
                    *changed += u32::from((hash ^ other) >> bit & 1 == 1);
                }
            }
            flips += 1;
        }
    }
    // Half of the time, but for chance.
    let half = f64::from(flips) / 2.0;
    for changed in changed.iter().flatten() {
        assert!((f64::from(*changed) - half).abs() < half / 8.0, "{changed}");
    }
}

#[derive(Clone)]
struct Same<'a, const WORDS: usize>(&'a [u8], usize, u16, &'a [u64; WORDS]);

impl<const WORDS: usize> HotBy for Same<'_, WORDS> {
    type Output = bool;

    fn run<I: Isa>(self, isa: I) -> bool {
        isa.same(self.0, self.1, self.2, self.3)
    }
}

/// Texts against the key of one of them, of every length.
fn same<const WORDS: usize>() {
    let mut next = numbers(7);
    for len in 0..=8 * WORDS - 2 {
        let mut text: Vec<u8> = (0..LONGEST_KEY).map(|_| next().to_le_bytes()[0]).collect();
        let mark = u16::from_le_bytes([next().to_le_bytes()[0], 1 + len.to_le_bytes()[0]]);
        let mut padded = [0; LONGEST_KEY];
        padded[..len].copy_from_slice(&text[..len]);
        padded[8 * WORDS - 2..8 * WORDS].copy_from_slice(&mark.to_le_bytes());
        let words = padded.as_chunks().0;
        let key: [u64; WORDS] = std::array::from_fn(|i| u64::from_le_bytes(words[i]));
        let all = |text: &[u8], mark: u16, expected: bool| {
            for found in by_each(Same(text, len, mark, &key)) {
                assert_eq!(found, expected, "{WORDS}, {len}");
            }
        };
        all(&text, mark, true);
        all(&text, mark ^ 1, false);
        all(&text, mark ^ 1 << 15, false);
        for at in 0..LONGEST_KEY {
            text[at] ^= 1 << (at % 8);
            all(&text, mark, at >= len);
            text[at] ^= 1 << (at % 8);
        }
    }
}

#[test]
fn texts_are_held_against_keys() {
    same::<6>();
    same::<14>();
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
        let fast = super::x86::pushed_by_compression(1 << 31, mask);
        assert!(fast.is_none_or(|fast| fast == slow), "{mask:x}");
    }
}
