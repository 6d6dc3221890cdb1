//! One scan, from sources to results: wires the stages.
//!
//! Input in time order streams through with flat memory. What is not is gathered, sorted and then
//! streams through as well; if some of it was detected already, the scan starts again. The result is
//! the same either way.

pub mod again;
pub mod carry;
pub mod collect;
pub mod copies;
pub mod feed;
pub mod framing;
pub mod inputs;
pub mod jobs;
pub mod leaks;
pub mod listener;
pub mod notes;
pub mod options;
pub mod outcome;
pub mod pipeline;
pub mod pool;
pub mod report;
pub mod split;
#[cfg(test)]
mod tests;
pub mod usable;
pub mod work;

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::arrow::{STREAM_NAME, map_schema, natures_of, time_format};
use crate::detect::calendar::{HolidayCache, Holidays};
use crate::detect::conditions::Conditions;
use crate::detect::run::RuleCounts;
use crate::detect::shards::PerRules;
use crate::dictionary::Dictionaries;
use crate::error::Result;
use crate::findings::flagged::{Flagged, Reread};
use crate::findings::ranked::{Naming, Ranked, Unranked};
use crate::findings::tables;
use crate::individual::column::Natures;
use crate::individual::mask::Mask;
use crate::join::join;
use crate::log::header::Mapping;
use crate::log::meaning::Meaning;
use crate::log::plan::ReadOptions;
use crate::log::time::TimeFormat;
use crate::order::batcher::Target;
use crate::order::memory::{self, Budget};
use crate::policy::Policy;
use crate::state::file::NewState;

use carry::Carry;
use collect::Collector;
use framing::{Files, Reading, Stream, Supply};
use inputs::{InputCounts, Planned};
use notes::Note;
use options::{OWN_CHUNK, temp_dir};
use outcome::{Failure, Outcome};

pub use listener::{Control, Listener, Progress, Silent, Sink};
pub use options::{
    BATCH, MAX_REJECTS, MOST_CHUNK, MOST_THREADS, ScanOptions, read_options, threads,
};

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
    /// The state that the scan goes on from, and leaves.
    pub carry: Option<Arc<Carry>>,
    /// What may wait in memory.
    pub budget: Budget,
    /// Folder of temporary files.
    pub temp_dir: PathBuf,
}

/// What a scan found.
pub struct ScanResult {
    /// One row per flag; empty if a sink took them.
    pub flagged: Vec<RecordBatch>,
    /// Schema of `flagged`.
    pub flagged_schema: SchemaRef,
    /// A row per rule.
    pub summary: RecordBatch,
    /// How much each rule evaluated: a row per rule.
    pub evaluated_days: RecordBatch,
    /// A row per finding, and a row per user and rule with flagged records.
    pub ranked: Ranked,
    /// How many users have flagged records; those who read the same are one.
    pub users: usize,
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
    /// The state that the scan leaves, if it was asked for.
    pub state: Option<NewState>,
}

/// Scans files, directories and globs.
///
/// # Errors
/// [`NotFound`], [`Input`], [`Columns`] for sources that cannot be scanned, [`Policy`][rule] if a rule needs a
/// column that there is not, [`Strict`] under `strict`, [`State`] if the state is of another policy, version or
/// period, or damaged,
/// and what the listener, the sink or the source of holidays says.
///
/// [`NotFound`]: crate::error::Error::NotFound
/// [`Input`]: crate::error::Error::Input
/// [`Columns`]: crate::error::Error::Columns
/// [rule]: crate::error::Error::Policy
/// [`Strict`]: crate::error::Error::Strict
/// [`State`]: crate::error::Error::State
pub fn scan_paths(
    paths: &[String],
    policy: &Policy,
    options: &ScanOptions,
    holidays: &Arc<dyn Holidays>,
    listener: &mut dyn Listener,
    sink: Option<&dyn Sink>,
) -> Result<ScanResult> {
    let read = read_options(policy, options)?;
    let carry = carry(policy, options)?;
    let mut check = || listener.progress(Progress::default());
    let planned = Arc::new(Planned::of(paths, &read, options, &mut check)?);
    if let Some(carry) = &carry {
        carry.refuse_known(&planned, options.max_ratio, &mut check)?;
    }
    let natures = natures(&planned);
    let mut context = context(
        policy,
        read,
        Arc::clone(&planned),
        natures.clone(),
        holidays,
        options,
    )?;
    context.carry.clone_from(&carry);
    let reasons = usable::reasons(policy, |field| planned.has_column(field))?;
    let total = planned.sources.iter().map(|s| s.size).sum();
    let target = Some(context.budget.target(options.batch));
    let control = control(listener, sink, total);
    let streamed = attempt(&context, &reasons, options, target, control);
    match streamed {
        Err(Failure::Disorder) => {
            if let Some(sink) = sink {
                sink.restart()?;
            }
            let read = context.options.clone();
            let mut fresh = self::context(policy, read, planned, natures, holidays, options)?;
            fresh.carry = carry;
            let control = self::control(listener, sink, total);
            match attempt(&fresh, &reasons, options, None, control) {
                Ok(outcome) => ended(sink, || finish(fresh, outcome, &reasons, true)),
                Err(Failure::Error(error)) => Err(error),
                Err(Failure::Disorder) => unreachable!("what is sorted is in order"),
            }
        }
        Err(Failure::Error(error)) => Err(error),
        Ok(outcome) => ended(sink, || finish(context, outcome, &reasons, false)),
    }
}

/// Scans record batches. They wait until all have come: beyond the memory limit in temporary files.
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
    sink: Option<&dyn Sink>,
) -> Result<ScanResult> {
    let read = read_options(policy, options)?;
    let mapping = map_schema(schema, &read)?;
    let carry = carry(policy, options)?;
    let (times, mut first) = time_format(&mut stream, schema, &mapping, &read)?;
    if first.is_empty() {
        first.extend(stream.next().transpose()?);
    }
    let natures = vec![natures_of(&first, &mapping)?];
    let mut context = context(policy, read, Arc::default(), natures, holidays, options)?;
    context.carry = carry;
    context.source_names = vec![STREAM_NAME.to_owned()];
    context.stream_times = times;
    let stream: Stream = Box::new(first.into_iter().map(Ok).chain(stream));
    let reasons = usable::reasons(policy, |field| mapping.column(field).is_some())?;
    let collector = Collector::new(
        context.source_names.clone(),
        vec![0],
        vec![InputCounts::default()],
        options,
    );
    let pers = pers(&context, &reasons);
    match pipeline::run(
        &context,
        pers,
        Supply::Stream(stream),
        collector,
        None,
        control(listener, sink, 0),
    ) {
        Ok(outcome) => ended(sink, || finish_stream(context, outcome, &reasons, &mapping)),
        Err(Failure::Error(error)) => Err(error),
        Err(Failure::Disorder) => unreachable!("what is sorted is in order"),
    }
}

/// What a scan of `total` bytes tells and hands on.
fn control<'a>(
    listener: &'a mut dyn Listener,
    sink: Option<&'a dyn Sink>,
    total: u64,
) -> Control<'a> {
    Control {
        listener,
        sink,
        taken: Arc::default(),
        total,
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
        carry: None,
        budget: Budget::of(
            scan.memory_limit.unwrap_or_else(memory::default_limit),
            scan.chunk,
        ),
        temp_dir: temp_dir(scan)?,
    })
}

/// The state to go on from, if one is asked for.
fn carry(policy: &Policy, options: &ScanOptions) -> Result<Option<Arc<Carry>>> {
    let path = options.state.as_deref();
    path.map(|path| Carry::open(path, policy).map(Arc::new))
        .transpose()
}

/// The rules that are run. A state that is carried on is that of all rules: a later log may have the
/// column that this one lacks.
fn pers(context: &Context, reasons: &[Option<String>]) -> Vec<PerRules> {
    let all = context.carry.is_some();
    PerRules::of(&context.policy, |place| all || reasons[place].is_none())
}

fn attempt(
    context: &Context,
    reasons: &[Option<String>],
    options: &ScanOptions,
    target: Option<Target>,
    control: Control<'_>,
) -> std::result::Result<Outcome, Failure> {
    let digests = context.carry.as_ref().map(|carry| carry.digests());
    // What has to be sorted anyway is read from one file after another, and so it is where the first
    // rejected record ends the scan: which one that is must not hang on how much is read at a time.
    let beside = if target.is_some() && !options.strict {
        context.budget.sources
    } else {
        1
    };
    let files = Files::new(
        Arc::clone(&context.planned),
        &context.options,
        options,
        Reading {
            most: beside,
            chunk: context.budget.chunk,
            own_chunk: context.budget.chunk.min(OWN_CHUNK),
            by_reader: true,
        },
        Arc::clone(&control.taken),
        digests,
    );
    let collector = Collector::new(
        context.source_names.clone(),
        context.planned.ranks(),
        counts_before(&context.planned),
        options,
    );
    let pers = pers(context, reasons);
    pipeline::run(
        context,
        pers,
        Supply::Files(Box::new(files)),
        collector,
        target,
        control,
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

/// Makes the result, while the sink is told that it has all rows. (By a thread of its own: it takes over
/// the heap of a worker that has ended, with what is free in it, where this thread would have to ask for
/// more memory at the very peak.)
fn ended(
    sink: Option<&dyn Sink>,
    finish: impl FnOnce() -> Result<ScanResult> + Send,
) -> Result<ScanResult> {
    let (result, told) = join(finish, || sink.map_or(Ok(()), Sink::end));
    told.and(result)
}

fn finish(
    context: Context,
    outcome: Outcome,
    reasons: &[Option<String>],
    sorted: bool,
) -> Result<ScanResult> {
    let inputs = report::inputs(&context.planned, &outcome.collector.inputs);
    let notes = notes::of_scan(&context, &outcome, reasons, sorted);
    result(context, outcome, reasons, inputs, notes)
}

fn finish_stream(
    context: Context,
    outcome: Outcome,
    reasons: &[Option<String>],
    mapping: &Mapping,
) -> Result<ScanResult> {
    let inputs = report::stream_input(STREAM_NAME, mapping, &outcome.collector.inputs[0]);
    let notes = notes::of_stream(&context, &outcome, reasons, mapping);
    result(context, outcome, reasons, inputs, notes)
}

fn result(
    context: Context,
    mut outcome: Outcome,
    reasons: &[Option<String>],
    inputs: RecordBatch,
    mut notes: Vec<Note>,
) -> Result<ScanResult> {
    let leaks = leaks::of_scan(&context, &outcome);
    notes.splice(0..0, leaks::note(&leaks));
    for (counts, reason) in outcome.flags.counts.iter_mut().zip(reasons) {
        if reason.is_some() {
            *counts = RuleCounts {
                not_evaluable: outcome.records.in_scope,
                ..RuleCounts::default()
            };
        }
    }
    let mut state = None;
    if let Some(carry) = &context.carry {
        notes.extend(carry.notes(outcome.flags.continued));
        let memory = outcome.memory.take().unwrap_or_default();
        let (planned, sources) = (&context.planned, &context.source_names);
        state = Some(carry.encode(planned, sources, &outcome.collector, memory)?);
    }
    let unranked = Unranked {
        naming: Naming {
            policy: context.policy,
            dictionaries: context.dictionaries,
            sources: context.source_names,
            mask: context.mask,
        },
        findings: outcome.findings,
        flags: outcome.flags,
    };
    let names = unranked.naming.names();
    let (flags, records) = (&unranked.flags, &outcome.records);
    Ok(ScanResult {
        flagged_schema: Flagged::new(names, &[], &Reread::default(), true)
            .shown(names.mask)
            .schema(),
        summary: tables::summary(names, flags, reasons),
        evaluated_days: tables::evaluated_days(names, flags),
        by_day: tables::by_day(flags, records),
        activity: tables::activity(names, records),
        inputs,
        leaks: report::leaks(&leaks),
        rejects: report::rejects(names.sources, outcome.collector.rejects.into_values()),
        flagged: outcome.flagged,
        notes,
        state,
        users: unranked.users(),
        ranked: Ranked::new(unranked),
    })
}
