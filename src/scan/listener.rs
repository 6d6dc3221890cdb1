//! What the caller hears during a scan, and what takes the flagged rows.

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
    /// [`Interrupted`](crate::error::Error::Interrupted), or what the caller's callback says.
    fn progress(&mut self, progress: Progress) -> Result<()>;
}

/// Takes the flagged rows of a scan. Called by one thread at a time, which may be any of the scan's:
/// they go on meanwhile. A scan that fails, or is interrupted, ends when it has returned.
pub trait Sink: Sync {
    /// The next flagged rows, in output order; at least one.
    ///
    /// # Errors
    /// What takes them says.
    fn flagged(&self, rows: RecordBatch) -> Result<()>;

    /// The input turned out late not to be in time order: the rows so far are void, all come again.
    ///
    /// # Errors
    /// What takes them says.
    fn restart(&self) -> Result<()>;

    /// All rows have come; the rest of the result is made meanwhile.
    ///
    /// # Errors
    /// What takes them says.
    fn end(&self) -> Result<()>;
}

/// Hears nothing.
pub struct Silent;

impl Listener for Silent {
    fn progress(&mut self, _progress: Progress) -> Result<()> {
        Ok(())
    }
}

/// A listener and what it may see, and a sink.
pub struct Control<'a> {
    pub(super) listener: &'a mut dyn Listener,
    /// None: the flagged rows are in the result.
    pub(super) sink: Option<&'a dyn Sink>,
    pub(super) taken: Arc<AtomicU64>,
    pub(super) total: u64,
}

impl Control<'_> {
    pub(super) fn tick(&mut self, records: u64) -> Result<()> {
        self.listener.progress(Progress {
            bytes: self.taken.load(Ordering::Relaxed),
            total: self.total,
            records,
        })
    }
}
