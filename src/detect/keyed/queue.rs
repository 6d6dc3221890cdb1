//! The records that stand in a window, in the order of their coming, and a quick search for a value.

use smallvec::SmallVec;

use crate::detect::values::Value;
use crate::log::scan;

/// Values and their times in the order of their coming; those that have left stand in front until there
/// are many.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) entries: Vec<(Value, i64)>,
    /// Of each value: a search reads nothing but these, unless as many as it asks for are alike.
    prints: Vec<Print>,
    /// Those that have left.
    pub(super) gone: usize,
}

impl Queue {
    /// Values and times that have neither left nor moved.
    pub(super) fn standing(&self) -> impl Iterator<Item = (Value, i64)> + '_ {
        let standing = self.entries[self.gone..].iter().copied();
        standing.filter(|entry| entry.0 != MOVED)
    }

    /// How many have not left.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.gone
    }

    /// Adds one, not before any other.
    pub(super) fn push(&mut self, value: Value, time: i64) {
        self.entries.push((value, time));
        self.prints.push(print(value));
    }

    /// The places of a value, if it stands so often at least; or of fewer.
    pub(super) fn places(&self, value: Value, at_least: u64) -> Places {
        let mut places = scan::hot(Alike(&self.prints[self.gone..], print(value)));
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

/// Some bits of a value's hash, others than those that its count is found by (as long as there are
/// not too many counts).
type Print = u16;

#[inline]
#[allow(clippy::cast_possible_truncation)]
fn print(value: Value) -> Print {
    (hash(value) >> 16) as Print
}

/// Prints that are compared together.
const TOGETHER: usize = 32;

/// The value of entries whose times have moved to a hot value.
pub(super) const MOVED: Value = 0;

#[inline]
#[allow(clippy::cast_possible_truncation)]
pub(super) fn hash(value: Value) -> usize {
    (value.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize
}
