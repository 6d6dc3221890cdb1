//! Temporary files: bins as Arrow IPC, compressed (LZ4), of which only the place stays in memory.
//!
//! A file has no name (it is deleted as it is made, or marked to be): nobody else can open it, and it
//! is gone when the process is, however it ends.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_schema::ArrowError;

use super::bin::{self, Bin, Texts};
use crate::block::{Block, Columns};
use crate::detect::bits::Bits;
use crate::error::{Error, Result};
use crate::words::{Words, count, of_system};

/// Where temporary files are made, and how.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    /// What is asked of the text of records.
    pub texts: Texts,
    /// Bytes written so far, of all files.
    written: AtomicU64,
    /// Bytes of the input that were read, and all there are (0: unknown).
    input: (Arc<AtomicU64>, u64),
}

/// A temporary file; it is made when there is something to write.
#[derive(Debug, Default)]
pub struct Temporary(Mutex<Option<File>>);

/// Records in a temporary file.
#[derive(Debug)]
pub struct Stored {
    file: Arc<Temporary>,
    folder: Arc<str>,
    at: u64,
    len: usize,
}

impl Spool {
    /// Makes temporary files in `folder`, once there is something to write. `input` is how many
    /// bytes of the input were read, and all there are (0: unknown): from them follows how much
    /// room is needed.
    #[must_use]
    pub fn new(folder: PathBuf, bits: Bits, input: (Arc<AtomicU64>, u64)) -> Spool {
        Spool {
            folder,
            texts: Texts::new(bits),
            written: AtomicU64::new(0),
            input,
        }
    }

    /// The folder of the temporary files.
    #[must_use]
    pub fn folder(&self) -> String {
        self.folder.display().to_string()
    }

    /// Bytes written to temporary files so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// What all of the input comes to, if what was read of it comes to `part`; none: unknown.
    #[must_use]
    pub fn whole(&self, part: u64) -> Option<u64> {
        let (read, all) = (self.input.0.load(Ordering::Relaxed), self.input.1);
        if read == 0 || all == 0 {
            return None;
        }
        let whole = u128::from(part) * u128::from(all) / u128::from(read);
        Some(u64::try_from(whole).unwrap_or(u64::MAX))
    }

    /// Writes a bin to the end of a file.
    ///
    /// # Errors
    /// [`Error::Temporary`] if it cannot be written.
    pub fn write(&self, to: &Arc<Temporary>, bin: &Bin) -> Result<Stored> {
        let bytes = bin
            .table(self.texts.words())
            .and_then(|table| encoded(&table))
            .map_err(|e| self.failed(unreadable(&e)))?;
        let at = {
            let mut file = to.0.lock().unwrap_or_else(PoisonError::into_inner);
            let file = match &mut *file {
                Some(file) => file,
                none => none.insert(self.make()?),
            };
            let wrote = file
                .seek(SeekFrom::End(0))
                .and_then(|at| file.write_all(&bytes).map(|()| at));
            wrote.map_err(|e| self.full(bytes.len(), &e))?
        };
        self.written
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(Stored {
            file: Arc::clone(to),
            folder: self.folder().into(),
            at,
            len: bytes.len(),
        })
    }

    fn make(&self) -> Result<File> {
        tempfile::tempfile_in(&self.folder).map_err(|e| {
            self.failed((
                format!("none can be made here ({e}); name another folder (--temp-dir, temp_dir)"),
                format!(
                    "一時ファイルを作れません（{}）。別のフォルダーを --temp-dir に指定してください",
                    of_system(&e).ja
                ),
            ))
        })
    }

    fn failed(&self, words: impl Into<Words>) -> Error {
        Error::Temporary {
            folder: self.folder(),
            needed: None,
            words: words.into(),
        }
    }

    /// What to say of a write of `bytes` that failed.
    fn full(&self, bytes: usize, error: &io::Error) -> Error {
        let written = self.written();
        let least = bytes as u64;
        // All of the input will take in proportion what its part took.
        let whole = self.whole(written + least).unwrap_or(0);
        let more = whole.saturating_sub(written).max(least);
        let (put, left) = (count(written), count(more));
        let words = (
            format!(
                "writing failed ({error}). The records are not in time order and are sorted here: {put} bytes were written, about {left} more are needed. Make room, name another folder (--temp-dir, temp_dir) or allow more memory (--memory-limit, memory_limit)"
            ),
            format!(
                "一時ファイルを書き込めません（{}）。記録が時刻順でないため、このフォルダーで並べ替えています（{put} バイト書き込み済み。あと約 {left} バイト必要です）。空き容量を増やすか、別のフォルダー（--temp-dir）またはもっと多くのメモリ（--memory-limit）を指定して、やり直してください",
                of_system(error).ja
            ),
        );
        Error::Temporary {
            folder: self.folder(),
            needed: Some(more),
            words: words.into(),
        }
    }
}

fn unreadable(why: &impl std::fmt::Display) -> Words {
    (
        format!("reading failed ({why})"),
        format!(
            "一時ファイルを読み取れません（{why}）。分析の間に消したり書き換えたりしないでください。やり直しても同じなら、別のフォルダーを --temp-dir に指定してください"
        ),
    )
        .into()
}

fn encoded(table: &RecordBatch) -> std::result::Result<Vec<u8>, ArrowError> {
    let options =
        IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new_with_options(&mut bytes, table.schema_ref(), options)?;
    writer.write(table)?;
    writer.finish()?;
    drop(writer);
    Ok(bytes)
}

impl Stored {
    /// The records; masks have `words` words. `spare` holds columns to use again.
    ///
    /// # Errors
    /// [`Error::Temporary`] if they cannot be read.
    pub fn read(&self, words: usize, spare: Columns) -> Result<Block> {
        let failed = |why: String| Error::Temporary {
            folder: self.folder.to_string(),
            needed: None,
            words: unreadable(&why),
        };
        let bytes = self.bytes().map_err(|e| failed(e.to_string()))?;
        let table = StreamReader::try_new(bytes.as_slice(), None)
            .and_then(|mut reader| reader.next().transpose())
            .map_err(|e| failed(e.to_string()))?;
        table
            .and_then(|table| bin::block(&table, words, spare))
            .ok_or_else(|| failed("it does not hold what was written".into()))
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.len);
        let mut file = self.file.0.lock().unwrap_or_else(PoisonError::into_inner);
        let file = file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.seek(SeekFrom::Start(self.at))?;
        file.take(self.len as u64).read_to_end(&mut bytes)?;
        if bytes.len() < self.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }
}
