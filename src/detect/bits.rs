//! The bits of a record's mask: what they stand for, and how one is read.
//!
//! Bit `r`: rule `r`'s `where` holds. Behind the rules: the steps of sequences, in the order of the
//! policy; [`Bits::scope`], whether the record may be flagged; and [`Bits::closed`], whether its day is
//! closed for its department.

use crate::policy::Policy;

/// Numbers of the bits of a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// Bits 0 … rules − 1 are the rules' `where`.
    pub rules: usize,
    /// As many bits behind these are the steps'.
    pub steps: usize,
}

impl Bits {
    /// The bits that the masks of a policy have.
    #[must_use]
    pub fn of(policy: &Policy) -> Bits {
        Bits {
            rules: policy.rules.len(),
            steps: policy.rules.iter().map(|r| r.kind.steps().len()).sum(),
        }
    }

    /// By rule: the bit of its first step; the others follow.
    pub fn first_steps(policy: &Policy) -> impl Iterator<Item = usize> + '_ {
        let rules = policy.rules.len();
        policy.rules.iter().scan(rules, |next, rule| {
            let first = *next;
            *next += rule.kind.steps().len();
            Some(first)
        })
    }

    /// The record is within `[scope]`.
    #[must_use]
    pub const fn scope(self) -> usize {
        self.rules + self.steps
    }

    /// The record's day is closed.
    #[must_use]
    pub const fn closed(self) -> usize {
        self.scope() + 1
    }

    /// Words of 64 bits that a mask takes.
    #[must_use]
    pub const fn words(self) -> usize {
        (self.closed() + 1).div_ceil(64)
    }
}

/// Whether a bit of a mask is set.
#[inline]
#[must_use]
pub fn has(mask: &[u64], bit: usize) -> bool {
    mask[bit / 64] >> (bit % 64) & 1 == 1
}

/// Clears a bit of a mask.
pub fn clear(mask: &mut [u64], bit: usize) {
    mask[bit / 64] &= !(1 << (bit % 64));
}
