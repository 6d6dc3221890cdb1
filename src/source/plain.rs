//! A file that is not compressed: any of its bytes can be read at any time, by several at once.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::decode::Counted;
use super::watch::{Watch, Watched};

/// A file whose bytes are those of the source.
#[derive(Debug, Clone)]
pub struct Plain {
    file: Arc<File>,
    len: u64,
    watch: Watch,
    taken: Arc<AtomicU64>,
}

impl Plain {
    /// An open file; `taken` counts the bytes that are read of it.
    ///
    /// # Errors
    /// What the system says of its length.
    pub(super) fn new(file: Arc<File>, watch: Watch, taken: Arc<AtomicU64>) -> io::Result<Plain> {
        Ok(Plain {
            len: file.metadata()?.len(),
            file,
            watch,
            taken,
        })
    }

    /// Its length in bytes when it was opened. It may have another by now.
    #[must_use]
    pub fn len_at_first(&self) -> u64 {
        self.len
    }

    /// Fills a buffer with the bytes at an offset. They are not counted: see [`Plain::count`].
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::UnexpectedEof`] if the file ends before.
    pub fn fill(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            match read_at(&self.file, buffer, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(got) => {
                    buffer = &mut buffer[got..];
                    offset += got as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Counts so many bytes as read, once they are.
    pub fn count(&self, bytes: u64) {
        self.taken.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many bytes that were counted will be read again.
    pub fn count_back(&self, bytes: u64) {
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// All that is behind an offset, as one reads a file: counted, and watched to its end.
    #[must_use]
    pub fn from(&self, offset: u64) -> Box<dyn Read + Send> {
        Box::new(Counted {
            input: Watched {
                file: Arc::clone(&self.file),
                read: offset,
                watch: self.watch.clone(),
            },
            taken: Arc::clone(&self.taken),
            own: Arc::default(),
        })
    }
}

/// Reads bytes at an offset, as [`Read::read`] does at the file's position, which counts for nothing here.
///
/// # Errors
/// What the system says.
#[cfg(unix)]
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

/// Reads bytes at an offset, as [`Read::read`] does at the file's position, which counts for nothing here.
///
/// # Errors
/// What the system says.
#[cfg(windows)]
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}
