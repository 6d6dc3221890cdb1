//! What comes out: flags, findings, counts, and the Arrow tables they become.

pub mod flagged;
pub mod ranked;
pub mod ranking;
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

/// All findings of a scan, as they come. They stay until its end, so they stand close together, in
/// stretches of one size: vectors that grow leave holes between what is in use for a while only.
#[derive(Debug, Default)]
pub struct Findings(Vec<Vec<Finding>>);

/// Findings in a stretch.
const STRETCH: usize = 4096;

impl Findings {
    /// Adds findings.
    pub fn add(&mut self, findings: Vec<Finding>) {
        let mut findings = findings.into_iter();
        while findings.len() > 0 {
            let full = self.0.last().is_none_or(|last| last.len() == STRETCH);
            if full {
                self.0.push(Vec::with_capacity(STRETCH));
            }
            if let Some(last) = self.0.last_mut() {
                last.extend(findings.by_ref().take(STRETCH - last.len()));
            }
        }
    }

    /// All of them, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter().flatten()
    }
}
