//! Flagged rows on their way out: made side by side, handed on in order, by one worker at a time.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;

use crate::error::Result;
use crate::findings::flagged::Flagged;
use crate::scan::Sink;

/// Flagged rows that wait until it is their turn.
#[derive(Default)]
pub struct Outputs {
    waiting: BTreeMap<u64, Flagged>,
    next: u64,
    /// Whether a worker hands some on.
    handing: bool,
}

impl Outputs {
    /// Adds those of the batch with this number.
    pub fn add(&mut self, seq: u64, rows: Flagged) {
        self.waiting.insert(seq, rows);
    }

    /// How many batches of them wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Those whose turn it is; none are given before they are [`Outputs::handed`] on.
    pub fn take(&mut self) -> Option<Flagged> {
        if self.handing {
            return None;
        }
        let rows = self.waiting.remove(&self.next)?;
        self.next += 1;
        self.handing = true;
        Some(rows)
    }

    /// Whether a worker hands some on.
    pub fn are_handed_on(&self) -> bool {
        self.handing
    }

    /// What was taken is handed on.
    pub fn handed(&mut self) {
        self.handing = false;
    }

    /// Whether all are handed on.
    pub fn is_over(&self) -> bool {
        self.waiting.is_empty() && !self.handing
    }
}

/// Where flagged rows go.
pub struct Exit<'a> {
    sink: Option<&'a dyn Sink>,
    kept: Vec<RecordBatch>,
}

impl<'a> Exit<'a> {
    /// To a sink; without one they are kept.
    pub fn to(sink: Option<&'a dyn Sink>) -> Exit<'a> {
        Exit {
            sink,
            kept: Vec::new(),
        }
    }

    /// Takes the next rows.
    ///
    /// # Errors
    /// What the sink says.
    pub fn take(&mut self, rows: RecordBatch) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        if let Some(sink) = self.sink {
            return sink.flagged(rows);
        }
        self.kept.push(rows);
        Ok(())
    }

    /// What was kept.
    pub fn into_kept(self) -> Vec<RecordBatch> {
        self.kept
    }
}
