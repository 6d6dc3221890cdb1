//! One look over the ids and masks of some records, without a branch: which ids there are, where
//! they are few, and how many records may be flagged.

use crate::dictionary::Id;
use crate::log::scan;

/// Ids below this are told apart by a bit each.
const SMALL: Id = 64;

/// What a look over records tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// Records that satisfy the `where` and may be flagged.
    pub judged: u64,
    /// Those among them whose id is null.
    pub null: u64,
    /// The id of the first record, and the bits in which any other differs from it.
    first: Id,
    differ: Id,
    /// All ids, put together by OR.
    all: Id,
    /// A bit for the last six bits of each id.
    bits: u64,
}

impl Glance {
    /// Looks over records: `ids` and `masks` (of one word) of each, the bit of the `where`, the bit
    /// of the scope.
    ///
    /// # Panics
    /// If there are fewer masks than ids.
    #[must_use]
    pub fn at(ids: &[Id], masks: &[u64], bit: usize, scope: usize) -> Glance {
        scan::hot(Look {
            ids,
            masks: &masks[..ids.len()],
            bit,
            scope,
        })
    }

    /// The distinct ids but null, ascending; none if they are too many to tell without a look at each.
    #[must_use]
    pub fn few(&self) -> Option<impl Iterator<Item = Id>> {
        let bits = if self.differ == 0 {
            None
        } else if self.all < SMALL {
            Some(self.bits & !1)
        } else {
            return None;
        };
        let only = (bits.is_none() && self.first != 0).then_some(self.first);
        let mut left = bits.unwrap_or(0);
        let each = std::iter::from_fn(move || {
            let id = (left != 0).then(|| left.trailing_zeros())?;
            left &= left - 1;
            Some(id)
        });
        Some(only.into_iter().chain(each))
    }
}

struct Look<'a> {
    ids: &'a [Id],
    masks: &'a [u64],
    bit: usize,
    scope: usize,
}

impl scan::Hot for Look<'_> {
    type Output = Glance;

    #[inline(always)]
    fn run(self) -> Glance {
        let first = self.ids.first().copied().unwrap_or(0);
        let mut found = Glance {
            first,
            ..Glance::default()
        };
        for (&id, &mask) in self.ids.iter().zip(self.masks) {
            let judged = mask >> self.bit & mask >> self.scope & 1;
            found.judged += judged;
            found.null += judged & u64::from(id == 0);
            found.differ |= id ^ first;
            found.all |= id;
            found.bits |= 1 << (id % SMALL);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glance_says_what_a_look_at_each_says() {
        let masks: Vec<u64> = (0..200u64).map(|i| i.wrapping_mul(0x9E37_79B9)).collect();
        for (most, n) in [
            (1u32, 9),
            (2, 40),
            (7, 100),
            (63, 150),
            (64, 150),
            (900, 200),
        ] {
            for shift in [0, 1, 5, 64] {
                let ids = (0..n).map(|i| (i * 7919 + 13) % most + shift);
                let ids: Vec<Id> = ids.collect();
                let glance = Glance::at(&ids, &masks, 3, 5);
                let judged = |i: &usize| masks[*i] >> 3 & 1 == 1 && masks[*i] >> 5 & 1 == 1;
                let expected: Vec<usize> = (0..ids.len()).filter(judged).collect();
                assert_eq!(glance.judged, expected.len() as u64);
                let null = expected.iter().filter(|&&i| ids[i] == 0).count();
                assert_eq!(glance.null, null as u64);
                let mut distinct = ids.clone();
                distinct.sort_unstable();
                distinct.dedup();
                let (one, small) = (distinct.len() == 1, distinct.iter().all(|&id| id < 64));
                distinct.retain(|&id| id != 0);
                let few: Option<Vec<Id>> = glance.few().map(Iterator::collect);
                assert_eq!(few, (one || small).then_some(distinct));
            }
        }
        assert_eq!(Glance::at(&[], &masks, 0, 1), Glance::default());
    }
}
