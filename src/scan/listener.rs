//! What the caller hears during a scan.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;

use crate::error::Result;

/// How far a scan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read of the files.
    pub bytes: u64,
    /// Bytes of the files; 0 if unknown.
    pub total: u64,
    /// Records accepted.
    pub records: u64,
}

/// What the caller hears during a scan. Called on the caller's own thread.
pub trait Listener {
    /// About ten times a second; an error stops the scan.
    ///
    /// # Errors
    /// [`Error::Interrupted`], or what the caller's callback says.
    fn progress(&mut self, progress: Progress) -> Result<()>;

    /// Whether [`Listener::flagged`] wants the flagged rows; otherwise they are in the result.
    fn wants_flagged(&self) -> bool {
        false
    }

    /// The next flagged rows, in output order.
    ///
    /// # Errors
    /// What the caller's callback says.
    fn flagged(&mut self, _rows: RecordBatch) -> Result<()> {
        Ok(())
    }

    /// The input turned out late not to be in time order: the rows so far are void, all come again.
    ///
    /// # Errors
    /// What the caller's callback says.
    fn restart(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Hears nothing.
pub struct Silent;

impl Listener for Silent {
    fn progress(&mut self, _progress: Progress) -> Result<()> {
        Ok(())
    }
}

/// A listener and what it may see.
pub struct Control<'a> {
    pub(super) listener: &'a mut dyn Listener,
    pub(super) taken: Arc<AtomicU64>,
    pub(super) total: u64,
}

impl Control<'_> {
    pub(super) fn output(&mut self, rows: RecordBatch, kept: &mut Vec<RecordBatch>) -> Result<()> {
        if self.listener.wants_flagged() {
            if rows.num_rows() > 0 {
                self.listener.flagged(rows)?;
            }
        } else if rows.num_rows() > 0 {
            kept.push(rows);
        }
        Ok(())
    }

    pub(super) fn tick(&mut self, records: u64) -> Result<()> {
        self.listener.progress(Progress {
            bytes: self.taken.load(Ordering::Relaxed),
            total: self.total,
            records,
        })
    }
}
