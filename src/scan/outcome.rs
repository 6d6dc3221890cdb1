//! What a run of the pipeline gives, or why it stopped.

use arrow_array::RecordBatch;

use super::collect::Collector;
use super::work::Made;
use crate::error::Error;
use crate::findings::packed::Findings;
use crate::findings::totals::{FlagTotals, RecordTotals};
use crate::individual::watch::Leaks;
use crate::order::Disorder;
use crate::state::Memory;

/// What a run of the pipeline gave.
pub struct Outcome {
    /// Counts and rejects by source.
    pub collector: Collector<Made>,
    /// Individual Numbers in the log.
    pub leaks: Leaks,
    /// Flagged rows, in output order, unless they were handed to a sink.
    pub flagged: Vec<RecordBatch>,
    /// All findings, in no order.
    pub findings: Findings,
    /// Counts of flags.
    pub flags: FlagTotals,
    /// Counts of records.
    pub records: RecordTotals,
    /// What the next scan goes on from, if it was asked for.
    pub memory: Option<Memory>,
    /// The folder of the temporary files that it took, if any.
    pub spilled_to: Option<String>,
}

/// Why a run stopped.
pub enum Failure {
    /// An error for the caller.
    Error(Error),
    /// The input is not in time order, and that was seen too late: run again without a target.
    Disorder,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Error(error)
    }
}

impl From<Disorder> for Failure {
    fn from(_: Disorder) -> Failure {
        Failure::Disorder
    }
}
