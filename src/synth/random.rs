//! Chance, the same on every platform.
//!
//! The stream is xoshiro256++ of `rand_xoshiro`, seeded by `SplitMix64`; both are fixed algorithms.
//! How its words become choices is decided here and not by `rand`, whose distributions may change
//! between versions. Every person and day has a stream of its own, found by hashing, so that what
//! happens to one does not depend on how much chance another has used.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// What a stream is for; streams of different purposes are independent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// The traits of a member of staff.
    Staff = 1,
    /// Who works on which day.
    Attendance,
    /// A person's ordinary day.
    Day,
    /// Whose files a person handles.
    Caseload,
    /// Who is chosen for an incident.
    Cast,
    /// What an incident is like.
    Incident,
}

/// A chance of one in a hundred thousand is `1`.
pub(super) const CERTAIN: u32 = 100_000;

/// The finaliser of `SplitMix64`: a bijection that spreads every bit over the word.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number that depends on nothing but its arguments.
pub(super) const fn hash(seed: u64, purpose: Purpose, a: u64, b: u64) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let h = mix(seed.wrapping_add(ODD.wrapping_mul(purpose as u64)));
    let h = mix(h ^ a.wrapping_mul(ODD));
    mix(h ^ b.wrapping_add(1).wrapping_mul(ODD))
}

/// Maps a uniform word onto `0..n`, by its upper half.
pub(super) const fn scale(word: u64, n: u32) -> u32 {
    (((word >> 32) * n as u64) >> 32) as u32
}

/// A stream of choices.
pub(super) struct Random(Xoshiro256PlusPlus);

impl Random {
    /// The stream of a purpose and two numbers (usually a person and a day).
    pub(super) fn new(seed: u64, purpose: Purpose, a: u32, b: u32) -> Self {
        let key = hash(seed, purpose, a.into(), b.into());
        Random(Xoshiro256PlusPlus::seed_from_u64(key))
    }

    /// A uniform word.
    pub(super) fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// One of `0..n`; 0 when `n` is 0.
    pub(super) fn below(&mut self, n: u32) -> u32 {
        scale(self.word(), n)
    }

    /// One of `low..=high`.
    pub(super) fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high - low + 1)
    }

    /// True in `parts` of a hundred thousand cases.
    pub(super) fn chance(&mut self, parts: u32) -> bool {
        self.below(CERTAIN) < parts
    }

    /// One of the items.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let n = u32::try_from(items.len()).unwrap_or(u32::MAX);
        &items[self.below(n) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_pinned() {
        let mut random = Random::new(1, Purpose::Day, 2, 3);
        let words: Vec<u64> = (0..3).map(|_| random.word()).collect();
        assert_eq!(
            words, PINNED,
            "a changed stream changes every synthetic log"
        );
    }

    const PINNED: [u64; 3] = [
        3_599_666_595_176_957_867,
        8_128_246_759_978_119_679,
        16_720_851_796_777_973_925,
    ];

    #[test]
    fn choices_stay_in_range_and_reach_the_ends() {
        let mut random = Random::new(9, Purpose::Staff, 0, 0);
        let mut seen = [false; 3];
        for _ in 0..200 {
            seen[random.between(5, 7) as usize - 5] = true;
        }
        assert_eq!(seen, [true; 3]);
        assert_eq!(random.below(0), 0);
        assert!(random.chance(CERTAIN) && !random.chance(0));
        assert_eq!(scale(u64::MAX, 10), 9);
    }
}
