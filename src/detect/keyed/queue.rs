//! The records that stand in a window, in the order of their coming, and a quick search for a value.

use smallvec::SmallVec;

use crate::detect::values::Value;
use crate::log::scan;

/// Values and their times in the order of their coming; those that have left stand in front until there
/// are many.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) entries: Vec<(Value, i64)>,
    /// Of each value; [`MOVED`] of one that has moved to a hot value. What leaves is told by these, and a
    /// search reads nothing else, unless as many as it asks for are alike. (They have the bits that a count is
    /// found by: of the values that share one of 65,536 counts or more, they tell none from the other.)
    prints: Vec<Print>,
    /// Those that have left.
    pub(super) gone: usize,
}

impl Queue {
    /// Values and times that have neither left nor moved.
    pub(super) fn standing(&self) -> impl Iterator<Item = (Value, i64)> + '_ {
        let standing = self.entries[self.gone..].iter();
        let standing = standing.zip(&self.prints[self.gone..]);
        standing
            .filter(|(_, print)| **print != MOVED)
            .map(|(&entry, _)| entry)
    }

    /// How many have not left.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.gone
    }

    /// Adds one with the hash of its value, not before any other.
    #[inline]
    pub(super) fn push(&mut self, value: Value, hash: usize, time: i64) {
        self.entries.push((value, time));
        self.prints.push(print(hash));
    }

    /// Lets those leave that are not later; tells the lowest bits of their hashes and their values, but of
    /// those that have moved.
    #[inline]
    pub(super) fn leave(&mut self, until: i64, mut left: impl FnMut(Print, Value)) {
        let from = self.gone;
        let later = self.entries[from..]
            .iter()
            .position(|entry| entry.1 > until);
        let to = later.map_or(self.entries.len(), |later| from + later);
        for (&print, entry) in self.prints[from..to].iter().zip(&self.entries[from..to]) {
            if print != MOVED {
                left(print, entry.0);
            }
        }
        self.gone = to;
    }

    /// The time of an entry, which has moved from now on.
    pub(super) fn take(&mut self, place: usize) -> i64 {
        self.prints[place] = MOVED;
        self.entries[place].1
    }

    /// The places of a value, if it stands so often at least; or of fewer.
    pub(super) fn places(&self, value: Value, at_least: u64) -> Places {
        let mut places = scan::hot(Alike(&self.prints[self.gone..], print(hash(value))));
        if places.len() as u64 >= at_least {
            places.retain(|place| {
                *place += self.gone;
                self.entries[*place].0 == value
            });
        }
        places
    }

    /// Makes room for more.
    pub(super) fn reserve(&mut self, more: usize) {
        if self.gone * 2 >= self.entries.len()
            || self.entries.capacity() - self.entries.len() < more
        {
            self.entries.drain(..self.gone);
            self.prints.drain(..self.gone);
            self.gone = 0;
        }
        let wanted = self.entries.len() + more;
        if self.entries.capacity() < wanted {
            // (By itself a vector would become twice as long; there is one for every key.)
            let more = more + wanted / 8 + 4;
            self.entries.reserve_exact(more);
            self.prints.reserve_exact(more);
        }
    }
}

type Places = SmallVec<[usize; 32]>;

/// The places of a print among others.
struct Alike<'a>(&'a [Print], Print);

impl scan::Hot for Alike<'_> {
    type Output = Places;

    #[inline(always)]
    fn run(self) -> Places {
        let mut places = Places::new();
        for (number, prints) in self.0.chunks(TOGETHER).enumerate() {
            // (Most of them have none.)
            let alike = prints.iter().map(|&print| u16::from(print == self.1));
            if alike.fold(0, std::ops::BitOr::bitor) != 0 {
                for (place, _) in (number * TOGETHER..)
                    .zip(prints)
                    .filter(|(_, print)| **print == self.1)
                {
                    places.push(place);
                }
            }
        }
        places
    }
}

/// The lowest bits of a value's hash.
pub(super) type Print = u16;

/// The print of entries whose times have moved to a hot value: no value's.
const MOVED: Print = 0;

#[inline]
#[allow(clippy::cast_possible_truncation)]
fn print(hash: usize) -> Print {
    hash as Print
}

/// Prints that are compared together.
const TOGETHER: usize = 32;

/// The hash of a value, of 32 bits; the lowest sixteen are not all 0.
#[inline]
#[allow(clippy::cast_possible_truncation)]
pub(super) fn hash(value: Value) -> usize {
    let hash = (value.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize;
    hash | usize::from(print(hash) == MOVED)
}
