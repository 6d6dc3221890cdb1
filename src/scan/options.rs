//! How a scan runs, as its caller wishes.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::log::encoding::Encoding;
use crate::log::plan::ReadOptions;
use crate::policy::Policy;
use crate::source::MAX_RATIO;

/// Bytes read at a time.
pub const CHUNK: usize = 1 << 19;

/// The most of it: places in a chunk are 32 bits wide.
pub const MOST_CHUNK: usize = 1 << 28;

/// The most threads.
pub const MOST_THREADS: usize = 256;

/// Records of a batch.
pub const BATCH: usize = 1 << 20;

/// Rejected records that are listed.
pub const MAX_REJECTS: usize = 100_000;

/// How a scan runs; results do not depend on it but for what is refused.
#[derive(Clone, Debug)]
pub struct ScanOptions {
    /// Encoding of every source; none: detected.
    pub encoding: Option<Encoding>,
    /// Delimiter of every source; none: detected.
    pub delimiter: Option<u8>,
    /// Worker threads; none: as many as the machine has.
    pub threads: Option<usize>,
    /// Stop at the first rejected record.
    pub strict: bool,
    /// Show Individual Numbers as they stand instead of `*`.
    pub unmask: bool,
    /// Go on when a source cannot be read, and report it.
    pub skip_unreadable: bool,
    /// Times its size that a compressed source may decompress to.
    pub max_ratio: u64,
    /// Rejected records that are listed, the first of the input; the rest are counted.
    pub max_rejects: usize,
    /// Bytes read at a time.
    pub chunk: usize,
    /// Records that are detected at a time.
    pub batch: usize,
    /// The file of the state to go on from, which need not exist yet. The state that the scan leaves
    /// is in its result: write it there ([`crate::state::file::write`]) when the rest is safe.
    pub state: Option<PathBuf>,
    /// Bytes of memory for records that wait; none: a quarter of what there is.
    pub memory_limit: Option<u64>,
    /// Folder of temporary files; none: the system's.
    pub temp_dir: Option<PathBuf>,
}

impl Default for ScanOptions {
    fn default() -> Self {
        ScanOptions {
            encoding: None,
            delimiter: None,
            threads: None,
            strict: false,
            unmask: false,
            skip_unreadable: false,
            max_ratio: MAX_RATIO,
            max_rejects: MAX_REJECTS,
            chunk: CHUNK,
            batch: BATCH,
            state: None,
            memory_limit: None,
            temp_dir: None,
        }
    }
}

/// How logs read, by the policy and the options.
///
/// # Errors
/// [`Error::Usage`] for an unknown time zone.
pub fn read_options(policy: &Policy, options: &ScanOptions) -> Result<ReadOptions> {
    Ok(ReadOptions {
        encoding: options.encoding,
        delimiter: options.delimiter,
        ..ReadOptions::of(policy)?
    })
}

/// The folder of temporary files; whether they can be made there turns out when one is needed.
pub(super) fn temp_dir(options: &ScanOptions) -> Result<PathBuf> {
    match &options.temp_dir {
        Some(folder) if !folder.is_dir() => {
            let folder = folder.display();
            Err(Error::usage(
                "temp_dir",
                (
                    format!("temp_dir: {folder} is no folder"),
                    format!(
                        "一時ファイルを置く場所 {folder} がないか、フォルダーではありません。フォルダーを作るか、別のフォルダーを --temp-dir に指定してください"
                    ),
                ),
            ))
        }
        Some(folder) => Ok(folder.clone()),
        None => Ok(std::env::temp_dir()),
    }
}

/// The number of worker threads that options ask for.
#[must_use]
pub fn threads(options: &ScanOptions) -> usize {
    options
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .clamp(1, MOST_THREADS)
}
