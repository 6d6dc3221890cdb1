//! How a scan runs, as its caller wishes.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::error::{Error, Result};
use crate::log::encoding::Encoding;
use crate::log::plan::ReadOptions;
use crate::policy::Policy;
use crate::source::MAX_RATIO;

/// Bytes read at a time, at least, if nobody says how many: see [`usual_chunk`].
const CHUNK: usize = 1 << 19;

/// Bytes read at a time by whoever parses them, at most, if nobody asks for less: they pass a processor's own cache
/// twice, as the system holds them and where it copies them to.
pub(super) const OWN_CHUNK: usize = 3 << 17;

/// The most bytes read at a time: places in a chunk are 32 bits wide.
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
    /// Bytes read at a time; by default from half a mebibyte to one, as a processor's own cache is.
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
            chunk: usual_chunk(),
            batch: BATCH,
            state: None,
            memory_limit: None,
            temp_dir: None,
        }
    }
}

/// Bytes read at a time, if nobody says how many: as many as a processor's own cache holds beside what
/// parsing makes of them (places, columns, packed records: somewhat more than the text itself), and no less
/// than half a mebibyte, because each chunk costs something.
fn usual_chunk() -> usize {
    static USUAL: OnceLock<usize> = OnceLock::new();
    *USUAL.get_or_init(|| chunk_beside(own_cache().unwrap_or(0)))
}

/// Bytes read at a time where a processor's own cache is so long.
fn chunk_beside(cache: usize) -> usize {
    (cache / 8 * 3).clamp(CHUNK, 2 * CHUNK)
}

/// Bytes of the second cache of a processor, which it shares with no other as a rule, where Linux tells it.
fn own_cache() -> Option<usize> {
    let told = std::fs::read_to_string("/sys/devices/system/cpu/cpu0/cache/index2/size").ok()?;
    let kibibytes: usize = told.trim_end().strip_suffix('K')?.parse().ok()?;
    kibibytes.checked_mul(1024)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_leaves_room_in_the_cache_and_is_neither_short_nor_long() {
        let kibibytes = |cache: usize| chunk_beside(cache << 10) >> 10;
        let caches = [0, 256, 1024, 1280, 2048, 4096, 1 << 20];
        assert_eq!(caches.map(kibibytes), [512, 512, 512, 512, 768, 1024, 1024]);
        assert!((CHUNK..=2 * CHUNK).contains(&usual_chunk()));
    }
}
