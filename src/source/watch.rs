//! Whether a file changes while it is read.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::plain::read_at;
use crate::fault::{InputFault, InputKind};
use crate::words::count;

/// What a file was when its scan was planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Its length.
    pub len: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// What a file is now.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            len: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

/// How a file changed while it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It became longer: so many bytes of it were read.
    Longer(u64),
    /// It was written to.
    Written,
}

/// What is seen of a file when it was read to its end: shared by all who read it.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<Mutex<(Option<Stamp>, Option<Change>)>>);

impl Watch {
    fn lock(&self) -> MutexGuard<'_, (Option<Stamp>, Option<Change>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to watch: the file was so when the scan was planned.
    pub fn begin(&self, stamp: Stamp) {
        *self.lock() = (Some(stamp), None);
    }

    /// How the file had changed when it was last read to its end.
    #[must_use]
    pub fn change(&self) -> Option<Change> {
        self.lock().1
    }
}

/// A file, held against what it was when the scan was planned. That it is shorter is an error: its
/// records would be fewer than it had, and where it was cut nobody knows. That it is longer is told.
pub(super) struct Watched {
    pub(super) file: Arc<File>,
    /// Bytes before the next one that is read.
    pub(super) read: u64,
    pub(super) watch: Watch,
}

impl Watched {
    fn at_end(&self) -> io::Result<()> {
        let mut state = self.watch.lock();
        let Some(planned) = state.0 else {
            return Ok(());
        };
        if self.read < planned.len {
            let words = (
                format!(
                    "the file became shorter while it was read: it had {} bytes, and ends after {} now",
                    count(planned.len),
                    count(self.read)
                ),
                format!(
                    "読み取り中にファイルが短くなりました（{} バイトあったものが、いまは {} バイトです）。書き込みが終わってから、もう一度分析してください",
                    count(planned.len),
                    count(self.read)
                ),
            );
            return Err(InputFault::new(InputKind::Changed, words).io());
        }
        state.1 = if self.read > planned.len {
            Some(Change::Longer(self.read))
        } else if Stamp::of(&self.file.metadata()?) == planned {
            None
        } else {
            Some(Change::Written)
        };
        Ok(())
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = read_at(&self.file, buffer, self.read)?;
        self.read += n as u64;
        if n == 0 && !buffer.is_empty() {
            self.at_end()?;
        }
        Ok(n)
    }
}
