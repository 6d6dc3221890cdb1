//! The sources of a scan: opened once to see how they read, then counted as they are read.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::{ScanOptions, copies};
use crate::error::{Error, Result};
use crate::fault::InputFault;
use crate::individual::tally::Places;
use crate::log::encoding::Encoding;
use crate::log::head::Head;
use crate::log::plan::{Plan, ReadOptions};
use crate::record::Field;
use crate::source::{Change, Compression, Source, expand, open};
use crate::words::Words;

/// A source and how it reads.
#[derive(Debug)]
pub struct PlannedSource {
    /// The file.
    pub source: Source,
    /// How it reads; none if it cannot be read.
    pub plan: Option<Plan>,
    /// Bytes of the file, or of the archive's member as it is compressed.
    pub size: u64,
    /// Whether it is compressed.
    pub compressed: bool,
    /// Why it cannot be read.
    pub error: Option<Words>,
}

impl PlannedSource {
    /// Bytes of the file that were read, once it is read to its end.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self.source.watch.change() {
            Some(Change::Longer(bytes)) => bytes,
            _ => self.size,
        }
    }
}

/// The sources of a scan, by name.
#[derive(Debug, Default)]
pub struct Planned {
    /// Each once, by name; their numbers are their places.
    pub sources: Vec<PlannedSource>,
    /// Files of directories that do not look like logs.
    pub ignored: Vec<String>,
    /// Directories with results of earlier scans.
    pub results: Vec<String>,
    /// Members of archives that nobody would call a log.
    pub litter: Vec<String>,
    /// Paths that were named more than once.
    pub repeated: Vec<String>,
    /// Groups of sources with the same content, see [`copies`].
    pub copies: Vec<Vec<usize>>,
}

impl Planned {
    /// Expands paths and makes the plan of every source.
    ///
    /// # Errors
    /// As [`expand`], [`open`] and [`Plan::of`]; with `options.skip_unreadable`, what concerns one source
    /// is kept with it instead. What `check`, called before each source and now and then, says.
    pub fn of(
        paths: &[String],
        read: &ReadOptions,
        options: &ScanOptions,
        check: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Planned> {
        let found = expand(paths)?;
        let mut sources = Vec::with_capacity(found.sources.len());
        for source in found.sources {
            check()?;
            let size = source.size();
            let (plan, compressed, error) = match plan(&source, read, options.max_ratio) {
                Ok((plan, compression)) => (Some(plan), compression != Compression::None, None),
                Err(error) if options.skip_unreadable && concerns_one_source(&error) => {
                    (None, false, Some(message_of(&error)))
                }
                Err(error) => return Err(error),
            };
            sources.push(PlannedSource {
                source,
                plan,
                size,
                compressed,
                error,
            });
        }
        Ok(Planned {
            copies: copies::of(&sources, check)?,
            sources,
            ignored: found.ignored,
            results: found.results,
            litter: found.litter,
            repeated: found.repeated,
        })
    }

    /// Numbers of the readable sources, in the order of their first times: what is in time order
    /// over all files streams through.
    #[must_use]
    pub fn reading_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.sources.len())
            .filter(|&i| self.sources[i].plan.is_some())
            .collect();
        order.sort_by_key(|&i| (self.sources[i].plan.as_ref().and_then(|p| p.first_time), i));
        order
    }

    /// By source: its place in the reading order; those that cannot be read have the last.
    #[must_use]
    pub fn ranks(&self) -> Vec<usize> {
        let mut ranks = vec![usize::MAX; self.sources.len()];
        for (rank, number) in self.reading_order().into_iter().enumerate() {
            ranks[number] = rank;
        }
        ranks
    }

    /// Whether any source has a column for the field.
    #[must_use]
    pub fn has_column(&self, field: Field) -> bool {
        self.sources
            .iter()
            .filter_map(|s| s.plan.as_ref())
            .any(|p| p.mapping.column(field).is_some())
    }
}

fn plan(source: &Source, options: &ReadOptions, max_ratio: u64) -> Result<(Plan, Compression)> {
    let mut input = open(source, Arc::new(AtomicU64::new(0)), max_ratio)?;
    let damaged = |e: &std::io::Error| Error::input(&source.name, InputFault::of(e));
    let head = Head::read(&mut input).map_err(|e| damaged(&e))?;
    match (Plan::of(&source.name, &head, options), &head.damage) {
        // The rest would tell how it reads; why there is none is what matters.
        (Err(_), Some(damage)) => Err(damaged(damage)),
        (plan, _) => Ok((plan?, input.compression)),
    }
}

/// Whether other sources may be fine.
#[must_use]
pub fn concerns_one_source(error: &Error) -> bool {
    matches!(error, Error::Input { .. } | Error::Columns { .. })
}

/// The message of an error without the name of its source.
#[must_use]
pub fn message_of(error: &Error) -> Words {
    match error {
        Error::Input { fault, .. } => fault.words.clone(),
        Error::Columns { fault, .. } => fault.words(),
        other => {
            let en = other.to_string();
            let ja = other.ja().unwrap_or_else(|| en.clone());
            (en, ja).into()
        }
    }
}

/// Counts of one source.
#[derive(Debug, Clone, Default)]
pub struct InputCounts {
    /// Physical lines so far.
    pub lines: u64,
    /// Records accepted.
    pub records: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Blank lines.
    pub blank: u64,
    /// U+FFFD that stand for undecodable bytes in mapped columns of accepted records.
    pub replaced: u64,
    /// `references` cells with an unknown word.
    pub unknown_references: u64,
    /// Records whose result is neither success nor failure and not empty.
    pub other_results: u64,
    /// Records that refer to Individual Numbers.
    pub touching: u64,
    /// Records without a user.
    pub no_user: u64,
    /// Encoding found while reading.
    pub encoding: Option<Encoding>,
    /// Earliest time.
    pub first: Option<i64>,
    /// Latest time.
    pub last: Option<i64>,
    /// Why reading stopped early.
    pub error: Option<Words>,
    /// Lines inside quotes that look like records, and the first of them.
    pub swallowed: Places,
    /// Rejected records with an Individual Number that is named, and the line of the first.
    pub leaking: Places,
}

/// A rejected record and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRecord {
    /// Number of the source.
    pub source: u32,
    /// Physical line, 1-based.
    pub line: u64,
    /// Byte offset in the decompressed source.
    pub offset: u64,
    /// `time`, `columns`, `quote`, `too_long`.
    pub reason: &'static str,
    /// Its first characters.
    pub excerpt: String,
}
