//! What comes out: flags, findings, counts, and the Arrow tables they become.

pub mod flagged;
pub mod packed;
pub mod ranked;
pub mod ranking;
pub mod rarest;
pub mod share;
pub mod tables;
pub mod totals;
pub mod users;

use smallvec::SmallVec;

use crate::detect::values::Value;

/// Values of a rule's `by` fields.
pub type ByValues = SmallVec<[Value; 2]>;

/// A record that a rule flagged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flag {
    /// Row in the batch.
    pub row: u32,
    /// The rule's place in the policy.
    pub rule: u32,
    /// `observed`, by the rule's kind.
    pub observed: i64,
    /// `since`, civil milliseconds; [`NO_TIME`] for none.
    pub since: i64,
    /// |B|, the active days of the lookback; −1 where the kind has none.
    pub active_days: i32,
    /// The finding it belongs to.
    pub finding: u64,
    /// The threshold, if it is not the same for all of the rule's flags.
    pub threshold: Option<f64>,
}

/// No time.
pub const NO_TIME: i64 = i64::MIN;

/// Flagged rows that a person checks once.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Hash of the rule, the key, the `by` values, the value and `first`: the same in every run.
    pub id: u64,
    /// The rule's place in the policy.
    pub rule: u32,
    /// Value of the rule's `per` field, 0 for null.
    pub key: Value,
    /// Values of the rule's `by` fields.
    pub by: ByValues,
    /// `novelty`: the new value; 0 for the other kinds.
    pub value: Value,
    /// Time of the first flagged record.
    pub first: i64,
    /// Of the last.
    pub last: i64,
    /// Number of flagged records.
    pub records: u64,
    /// How many of them were flagged by the scans whose state was carried on; 0 if it began in this.
    pub carried: u64,
    /// Largest `observed`.
    pub peak: i64,
    /// How strong it is within its rule (larger is stronger).
    pub magnitude: f64,
}
