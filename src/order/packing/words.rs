//! The loops that put words together, move them and take them apart.

use super::Part;
use crate::log::scan;

/// Rows that are packed at a time: they stay in the cache.
pub(super) const AT_A_TIME: usize = 1024;

/// A word of such rows.
pub(super) type Word = [u64; AT_A_TIME];

/// Puts the words of records one behind the other, each record to its place.
#[inline(always)]
pub(super) fn put_in_place(words: &[&[u64]], places: impl Iterator<Item = u32>, to: &mut [u64]) {
    match words {
        [a] => in_place([a], places, to),
        [a, b] => in_place([a, b], places, to),
        [a, b, c] => in_place([a, b, c], places, to),
        words => {
            for (i, place) in places.enumerate() {
                let record = &mut to[place as usize * words.len()..][..words.len()];
                for (to, word) in record.iter_mut().zip(words) {
                    *to = word[i];
                }
            }
        }
    }
}

#[inline(always)]
fn in_place<const N: usize>(words: [&[u64]; N], places: impl Iterator<Item = u32>, to: &mut [u64]) {
    let (to, _) = to.as_chunks_mut::<N>();
    let count = words.iter().map(|word| word.len()).min().unwrap_or(0);
    let words = words.map(|word| &word[..count]);
    for (i, place) in (0..count).zip(places) {
        to[place as usize] = words.map(|word| word[i]);
    }
}

/// Takes the words of records apart, each of them into the front of a vector that is as long at least.
pub(super) struct Apart<'a>(pub(super) &'a [u64], pub(super) &'a mut [Vec<u64>]);

impl scan::Hot for Apart<'_> {
    type Output = ();

    /// (Two or three words at once, each at a place that is known: so the compiler takes wide registers and
    /// shuffles them, and gathers nothing.)
    #[inline(always)]
    fn run(self) {
        let Apart(packed, to) = self;
        let all = to.len();
        match to {
            [a] => a[..packed.len()].copy_from_slice(packed),
            [a, b] => {
                let records = packed.as_chunks::<2>().0.iter();
                for ((record, a), b) in records.zip(a).zip(b) {
                    (*a, *b) = (record[0], record[1]);
                }
            }
            [a, b, c] => {
                let records = packed.as_chunks::<3>().0.iter();
                for (((record, a), b), c) in records.zip(a).zip(b).zip(c) {
                    (*a, *b, *c) = (record[0], record[1], record[2]);
                }
            }
            words => {
                for (number, word) in words.iter_mut().enumerate() {
                    let packed = packed.iter().skip(number).step_by(all);
                    for (to, &word) in word.iter_mut().zip(packed) {
                        *to = word;
                    }
                }
            }
        }
    }
}

/// Puts the numbers of a column to what words have already.
pub(super) struct Put<'a, T, F> {
    pub(super) to: &'a mut [u64],
    pub(super) values: &'a [T],
    pub(super) shift: u32,
    pub(super) number: F,
}

impl<T: Copy, F: Fn(T) -> u64> scan::Hot for Put<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let numbers = self
            .values
            .iter()
            .map(|&value| (self.number)(value) << self.shift);
        for (to, number) in self.to.iter_mut().zip(numbers) {
            *to |= number;
        }
    }
}

/// How parts of words come to other words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    /// Number of the word that they are in.
    pub(super) from: usize,
    /// Of the word that they come to.
    pub(super) to: usize,
    /// Their bits.
    pub(super) mask: u64,
    /// How far they move.
    pub(super) left: u32,
    pub(super) right: u32,
    /// What they are multiplied by, and what is added, when they are there.
    pub(super) times: u64,
    pub(super) more: u64,
}

/// Moves parts of words to other words: to what these have already, or as the first that they have.
pub(super) struct Moving<'a>(
    pub(super) Move,
    pub(super) &'a [u64],
    pub(super) &'a mut [u64],
    pub(super) bool,
);

impl scan::Hot for Moving<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Moving(of, words, to, first) = self;
        let moved = |word: u64| ((word & of.mask) << of.left >> of.right) + of.more;
        let both = to.iter_mut().zip(words);
        match (of.times, first) {
            (1, true) => both.for_each(|(to, &word)| *to = moved(word)),
            (1, false) => both.for_each(|(to, &word)| *to |= moved(word)),
            (times, _) => {
                let moved = |word: u64| ((word & of.mask) << of.left >> of.right) * times + of.more;
                both.for_each(|(to, &word)| *to = moved(word) | if first { 0 } else { *to });
            }
        }
    }
}

/// Takes a part of words for values of a column.
pub(super) struct Take<'a, T, F> {
    pub(super) to: &'a mut Vec<T>,
    pub(super) packed: &'a [u64],
    pub(super) part: Part,
    pub(super) value: F,
}

impl<T, F: Fn(u64) -> T> scan::Hot for Take<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let values = self
            .packed
            .iter()
            .map(|&word| (self.value)(self.part.of(word)));
        self.to.extend(values);
    }
}
