//! One scan, from sources to results: wires the stages.
//!
//! Input in time order streams through with flat memory. When it turns out not to be, the scan
//! starts again with everything in one batch; the result is the same either way.

pub mod collect;
pub mod framing;
pub mod inputs;
pub mod jobs;
pub mod leaks;
pub mod notes;
pub mod pipeline;
pub mod pool;
pub mod report;
pub mod usable;
pub mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::arrow::{STREAM_NAME, map_schema, natures_of, time_format};
use crate::detect::calendar::{HolidayCache, Holidays};
use crate::detect::predicate::Conditions;
use crate::detect::shards::PerRules;
use crate::dictionary::Dictionaries;
use crate::error::Result;
use crate::findings::flagged;
use crate::findings::tables::{self, Names};
use crate::individual::column::Natures;
use crate::individual::mask::Mask;
use crate::log::encoding::Encoding;
use crate::log::header::Mapping;
use crate::log::meaning::Meaning;
use crate::log::plan::ReadOptions;
use crate::log::time::TimeFormat;
use crate::order::Batch;
use crate::policy::Policy;
use crate::source::MAX_RATIO;

use collect::Collector;
use framing::{Files, Stream, Supply};
use inputs::{InputCounts, Planned};
use notes::Note;
use pipeline::{Failure, Outcome};

/// Bytes read at a time.
pub const CHUNK: usize = 1 << 19;

/// The most of it: places in a chunk are 32 bits wide.
pub const MOST_CHUNK: usize = 1 << 28;

/// The most threads.
pub const MOST_THREADS: usize = 256;

/// Records of a batch.
pub const BATCH: usize = 1 << 19;

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
        }
    }
}

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

    /// The input turned out not to be in time order: the rows so far are void, all come again.
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
    listener: &'a mut dyn Listener,
    taken: Arc<AtomicU64>,
    total: u64,
}

impl Control<'_> {
    fn output(&mut self, rows: RecordBatch, kept: &mut Vec<RecordBatch>) -> Result<()> {
        if self.listener.wants_flagged() {
            if rows.num_rows() > 0 {
                self.listener.flagged(rows)?;
            }
        } else if rows.num_rows() > 0 {
            kept.push(rows);
        }
        Ok(())
    }

    fn tick(&mut self, records: u64) -> Result<()> {
        self.listener.progress(Progress {
            bytes: self.taken.load(Ordering::Relaxed),
            total: self.total,
            records,
        })
    }
}

/// What every stage knows of a scan.
pub struct Context {
    /// The policy.
    pub policy: Policy,
    /// How logs read.
    pub options: ReadOptions,
    /// The sources.
    pub planned: Arc<Planned>,
    /// How the times of a stream of record batches read.
    pub stream_times: Option<TimeFormat>,
    /// Their names, by number.
    pub source_names: Vec<String>,
    /// What words mean.
    pub meaning: Arc<Meaning>,
    /// Distinct values.
    pub dictionaries: Arc<Dictionaries>,
    /// What the columns of each source hold.
    pub natures: Arc<Vec<Natures>>,
    /// What hides Individual Numbers in everything that comes out.
    pub mask: Mask,
    /// The `where` of all rules.
    pub conditions: Arc<Conditions>,
    /// Public holidays.
    pub holidays: Arc<HolidayCache>,
    /// Worker threads.
    pub threads: usize,
}

/// What a scan found.
pub struct ScanResult {
    /// One row per flag; empty if a listener took them.
    pub flagged: Vec<RecordBatch>,
    /// Schema of `flagged`.
    pub flagged_schema: SchemaRef,
    /// A row per finding.
    pub findings: RecordBatch,
    /// Of each, which key it is of.
    pub finding_keys: Vec<u64>,
    /// A row per rule.
    pub summary: RecordBatch,
    /// How much each rule evaluated: a row per rule.
    pub evaluated_days: RecordBatch,
    /// A row per user and rule with flagged records.
    pub by_user: RecordBatch,
    /// A row per day.
    pub by_day: RecordBatch,
    /// Records by department, weekday and hour.
    pub activity: RecordBatch,
    /// A row per source.
    pub inputs: RecordBatch,
    /// A row per rejected record.
    pub rejects: RecordBatch,
    /// A row per source and column in which Individual Numbers were found.
    pub leaks: RecordBatch,
    /// Every assumption made.
    pub notes: Vec<Note>,
}

/// Scans files, directories and globs.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Input`], [`Error::Columns`] for sources that cannot be scanned,
/// [`Error::Policy`] if a rule needs a column that there is not, [`Error::Strict`] under `strict`,
/// and what the listener or the source of holidays says.
pub fn scan_paths(
    paths: &[String],
    policy: &Policy,
    options: &ScanOptions,
    holidays: &Arc<dyn Holidays>,
    listener: &mut dyn Listener,
) -> Result<ScanResult> {
    let read = read_options(policy, options)?;
    let planned = Arc::new(Planned::of(paths, &read, options, &mut || {
        listener.progress(Progress::default())
    })?);
    let natures = natures(&planned);
    let context = context(
        policy,
        read,
        Arc::clone(&planned),
        natures.clone(),
        holidays,
        options,
    )?;
    let reasons = usable::reasons(policy, |field| planned.has_column(field))?;
    let total = planned.sources.iter().map(|s| s.size).sum();
    let streamed = attempt(
        &context,
        &reasons,
        options,
        Some(options.batch),
        total,
        listener,
    );
    let outcome = match streamed {
        Err(Failure::Disorder) => {
            listener.restart()?;
            let read = context.options.clone();
            let fresh = self::context(policy, read, planned, natures, holidays, options)?;
            return match attempt(&fresh, &reasons, options, None, total, listener) {
                Ok(outcome) => Ok(finish(&fresh, outcome, &reasons, true)),
                Err(Failure::Error(error)) => Err(error),
                Err(Failure::Disorder) => unreachable!("a single batch has no order"),
            };
        }
        Err(Failure::Error(error)) => return Err(error),
        Ok(outcome) => outcome,
    };
    Ok(finish(&context, outcome, &reasons, false))
}

/// Scans record batches. They are held in memory until all have come.
///
/// # Errors
/// As [`scan_paths`], and what the stream says.
pub fn scan_stream(
    mut stream: Stream,
    schema: &SchemaRef,
    policy: &Policy,
    options: &ScanOptions,
    holidays: &Arc<dyn Holidays>,
    listener: &mut dyn Listener,
) -> Result<ScanResult> {
    let read = read_options(policy, options)?;
    let mapping = map_schema(schema, &read)?;
    let (times, mut first) = time_format(&mut stream, schema, &mapping, &read)?;
    if first.is_empty() {
        first.extend(stream.next().transpose()?);
    }
    let natures = vec![natures_of(&first, &mapping)?];
    let mut context = context(policy, read, Arc::default(), natures, holidays, options)?;
    context.source_names = vec![STREAM_NAME.to_owned()];
    context.stream_times = times;
    let stream: Stream = Box::new(first.into_iter().map(Ok).chain(stream));
    let reasons = usable::reasons(policy, |field| mapping.column(field).is_some())?;
    let mut control = Control {
        listener,
        taken: Arc::default(),
        total: 0,
    };
    let collector = Collector::new(
        context.source_names.clone(),
        vec![InputCounts::default()],
        options,
    );
    let pers = PerRules::of(policy, |place| reasons[place].is_none());
    match pipeline::run(
        &context,
        pers,
        Supply::Stream(stream),
        collector,
        None,
        &mut control,
    ) {
        Ok(outcome) => Ok(finish_stream(&context, outcome, &reasons, &mapping)),
        Err(Failure::Error(error)) => Err(error),
        Err(Failure::Disorder) => unreachable!("a single batch has no order"),
    }
}

/// What the columns of each source hold.
fn natures(planned: &Planned) -> Vec<Natures> {
    let of = |source: &inputs::PlannedSource| source.plan.as_ref().map(|p| p.natures.clone());
    planned
        .sources
        .iter()
        .map(|source| of(source).unwrap_or_default())
        .collect()
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

/// The number of worker threads that options ask for.
#[must_use]
pub fn threads(options: &ScanOptions) -> usize {
    options
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .clamp(1, MOST_THREADS)
}

fn context(
    policy: &Policy,
    options: ReadOptions,
    planned: Arc<Planned>,
    natures: Vec<Natures>,
    holidays: &Arc<dyn Holidays>,
    scan: &ScanOptions,
) -> Result<Context> {
    let meaning = Arc::new(Meaning::of(policy, true));
    let dictionaries = Arc::new(Dictionaries::default());
    let conditions = Arc::new(Conditions::new(policy, &meaning, &dictionaries)?);
    Ok(Context {
        policy: policy.clone(),
        options,
        stream_times: None,
        source_names: planned
            .sources
            .iter()
            .map(|s| s.source.name.clone())
            .collect(),
        planned,
        meaning,
        dictionaries,
        conditions,
        mask: Mask::new(!scan.unmask, natures.clone()),
        natures: Arc::new(natures),
        holidays: Arc::new(HolidayCache::new(&policy.calendar, Arc::clone(holidays))),
        threads: threads(scan),
    })
}

fn attempt(
    context: &Context,
    reasons: &[Option<String>],
    options: &ScanOptions,
    target: Option<usize>,
    total: u64,
    listener: &mut dyn Listener,
) -> std::result::Result<Outcome, Failure> {
    let taken = Arc::new(AtomicU64::new(0));
    let files = Files::new(Arc::clone(&context.planned), options, Arc::clone(&taken));
    let collector = Collector::new(
        context.source_names.clone(),
        counts_before(&context.planned),
        options,
    );
    let pers = PerRules::of(&context.policy, |place| reasons[place].is_none());
    let mut control = Control {
        listener,
        taken,
        total,
    };
    pipeline::run(
        context,
        pers,
        Supply::Files(Box::new(files)),
        collector,
        target,
        &mut control,
    )
}

/// Counts of every source before its first record: the header is read already.
#[must_use]
pub fn counts_before(planned: &Planned) -> Vec<InputCounts> {
    planned
        .sources
        .iter()
        .map(|source| InputCounts {
            lines: source.plan.as_ref().map_or(0, |p| p.skip_lines),
            blank: source.plan.as_ref().map_or(0, |p| p.skip_blank),
            encoding: source.plan.as_ref().and_then(|p| p.encoding),
            error: source.error.clone(),
            ..InputCounts::default()
        })
        .collect()
}

fn finish(
    context: &Context,
    outcome: Outcome,
    reasons: &[Option<String>],
    sorted: bool,
) -> ScanResult {
    let inputs = report::inputs(&context.planned, &outcome.collector.inputs);
    let notes = notes::of_scan(context, &outcome.collector, reasons, sorted);
    result(context, outcome, reasons, inputs, notes)
}

fn finish_stream(
    context: &Context,
    outcome: Outcome,
    reasons: &[Option<String>],
    mapping: &Mapping,
) -> ScanResult {
    let inputs = report::stream_input(STREAM_NAME, mapping, &outcome.collector.inputs[0]);
    let notes = notes::of_stream(context, &outcome.collector, reasons, mapping);
    result(context, outcome, reasons, inputs, notes)
}

fn result(
    context: &Context,
    mut outcome: Outcome,
    reasons: &[Option<String>],
    inputs: RecordBatch,
    mut notes: Vec<Note>,
) -> ScanResult {
    let leaks = leaks::of_scan(context, &outcome);
    notes.splice(0..0, leaks::note(&leaks));
    let names = Names {
        policy: &context.policy,
        dictionaries: &context.dictionaries,
        sources: &context.source_names,
        mask: &context.mask,
    };
    for (counts, reason) in outcome.flags.counts.iter_mut().zip(reasons) {
        if reason.is_some() {
            counts.not_evaluable = outcome.records.in_scope;
        }
    }
    let (findings, finding_keys) = tables::findings(names, &outcome.findings);
    ScanResult {
        flagged_schema: flagged::table(names, &Batch::default(), &[]).schema(),
        findings,
        finding_keys,
        summary: tables::summary(names, &outcome.flags, &outcome.findings, reasons),
        evaluated_days: tables::evaluated_days(names, &outcome.flags),
        by_user: tables::by_user(names, &outcome.flags),
        by_day: tables::by_day(&outcome.flags, &outcome.records),
        activity: tables::activity(names, &outcome.records),
        inputs,
        leaks: report::leaks(&leaks),
        rejects: report::rejects(&context.source_names, outcome.collector.rejects),
        flagged: outcome.flagged,
        notes,
    }
}
