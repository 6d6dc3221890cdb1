//! The workers: each takes the most advanced work there is — detection before parsing — so that
//! reading, parsing and detection overlap and memory stays bounded. (But of a lone file that is compressed,
//! decompressing comes first and then parsing: what cannot be divided is to go on all the time, and what it
//! gives is not to lie about. Batches under way are as many as always.)
//!
//! Records that wait for others take at most the budget. Beyond it they are put into ranges of time in
//! temporary files, and so is everything behind them; when the supply has ended, these are the supply.

mod caller;
mod output;
mod steps;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::again::Again;
use super::collect::Collector;
use super::feed::{Feed, Piece, Turn};
use super::framing::Supply;
use super::jobs::{Job, Queues, Units};
use super::outcome::{Failure, Outcome};
use super::pool::Pool;
use super::work::Made;
use super::{Context, Control};
use crate::arrow::BlockReader;
use crate::block::{Block, Columns};
use crate::detect::bits::Bits;
use crate::detect::group::Grouped;
use crate::detect::predicate::Evaluator;
use crate::detect::shards::{PerRules, ShardContext, ShardOut};
use crate::findings::flagged::Flagged;
use crate::findings::packed::Findings;
use crate::findings::tables::Names;
use crate::findings::totals::{FlagTotals, RecordTotals};
use crate::individual::watch::{Leaks, Watch};
use crate::log::parse::Parser;
use crate::order::batcher::Target;
use crate::order::packing::Packer;
use crate::order::ranges::{Ordered, Ranges};
use crate::order::spill::Spool;
use crate::order::{Batcher, Waiting};
use crate::state::Memory;
use output::{Exit, Outputs};

/// Batches under way at once, beyond which no more is read.
const MOST_JOBS: usize = 2;

/// Batches of flagged rows that may wait to be taken, beyond which no more is read.
const MOST_OUTPUTS: usize = 8;

struct State {
    collector: Collector<Made>,
    leaks: Leaks,
    batcher: Option<Batcher>,
    /// Ranges of time, if records are put into such, and how many workers are at it.
    ranges: Option<Arc<Ranges>>,
    sorting: usize,
    /// Whether the supply is what was put in order.
    sorted: bool,
    queues: Queues,
    next_batch: u64,
    jobs: usize,
    parsing: usize,
    supply_ended: bool,
    outputs: Outputs,
    findings: Findings,
    flags: FlagTotals,
    records: RecordTotals,
    failure: Option<Failure>,
    workers: usize,
    /// What was closed when all was detected, and whether a worker is, or was, at it.
    closed: Option<Closed>,
    closing: bool,
}

/// What detection leaves behind the last batch.
struct Closed {
    /// What the next scan goes on from.
    memory: Option<Memory>,
    outs: Vec<ShardOut>,
}

struct Pipeline<'a> {
    context: &'a Context,
    bits: Bits,
    units: Units,
    pool: Pool,
    spool: Arc<Spool>,
    again: Again,
    /// The size of a batch of what was put in order.
    target: Target,
    feed: Feed,
    state: Mutex<State>,
    /// Where flagged rows go. Only the worker that hands some on asks for it.
    exit: Mutex<Exit<'a>>,
    /// Workers wait here for work.
    work: Condvar,
    /// The caller's thread waits here for the end, or a failure.
    done: Condvar,
    stopped: AtomicBool,
    /// Whether records go to ranges of time: those are not packed.
    sorting: AtomicBool,
    read: AtomicU64,
}

enum Step {
    HandOn(Box<Flagged>),
    Detect(usize, Arc<Job>),
    Read,
    Parse(Option<Piece>),
    ReadAndParse,
    Rest(Vec<Waiting>),
    Sort(Arc<Ranges>, Vec<Block>),
    Close,
    End,
}

/// Blocks and the ranges that they are to go to.
type Excess = (Arc<Ranges>, Vec<Block>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a supply through detection. `target` is the size of a batch; none: nothing is detected
/// before all is there.
///
/// # Errors
/// What any stage, the listener or the sink says; [`Failure::Disorder`] if the input is not in time order.
pub fn run(
    context: &Context,
    pers: Vec<PerRules>,
    supply: Supply,
    collector: Collector<Made>,
    target: Option<Target>,
    mut control: Control<'_>,
) -> std::result::Result<Outcome, Failure> {
    let units = Units::new(
        &context.policy,
        pers,
        context.conditions.bits(),
        context.threads * 2,
    );
    let mut batcher = Batcher::new(target);
    if supply.is_heavy() {
        batcher = batcher.sooner();
    }
    let pipeline = Pipeline {
        context,
        bits: context.conditions.bits(),
        state: Mutex::new(State {
            collector,
            leaks: Leaks::default(),
            batcher: Some(batcher),
            ranges: None,
            sorting: 0,
            sorted: false,
            queues: Queues::new(units.len()),
            next_batch: 0,
            jobs: 0,
            parsing: 0,
            supply_ended: false,
            outputs: Outputs::default(),
            findings: Findings::default(),
            flags: FlagTotals::new(&context.policy.rules),
            records: RecordTotals::default(),
            failure: None,
            workers: context.threads,
            closed: None,
            closing: false,
        }),
        units,
        pool: Pool::default(),
        spool: Arc::new(Spool::new(
            context.temp_dir.clone(),
            context.conditions.bits(),
            (Arc::clone(&control.taken), control.total),
        )),
        again: Again::new(Arc::clone(&context.planned)),
        target: target.unwrap_or(context.budget.target(super::BATCH)),
        feed: Feed::new(supply, context.threads),
        exit: Mutex::new(Exit::to(control.sink)),
        work: Condvar::new(),
        done: Condvar::new(),
        stopped: AtomicBool::new(false),
        sorting: AtomicBool::new(false),
        read: AtomicU64::new(0),
    };
    pipeline.load()?;
    std::thread::scope(|scope| {
        let pipeline = &pipeline;
        let guard = CallerEnd(pipeline);
        let worker = |number| scope.spawn(move || pipeline.worker(number));
        let workers: Vec<_> = (0..context.threads).map(worker).collect();
        pipeline.watch(&mut control);
        drop(guard);
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    pipeline.finish()
}

impl Pipeline<'_> {
    fn shard_context(&self) -> ShardContext<'_> {
        ShardContext {
            policy: &self.context.policy,
            bits: self.bits,
            dictionaries: &self.context.dictionaries,
        }
    }

    fn names(&self) -> Names<'_> {
        Names {
            policy: &self.context.policy,
            dictionaries: &self.context.dictionaries,
            sources: &self.context.source_names,
            mask: &self.context.mask,
        }
    }

    fn fail(&self, failure: Failure) {
        let mut state = lock(&self.state);
        // An error (an interruption above all) is not lost to a restart that is due.
        if matches!(
            (&state.failure, &failure),
            (None, _) | (Some(Failure::Disorder), Failure::Error(_))
        ) {
            state.failure = Some(failure);
        }
        self.stopped.store(true, Ordering::Relaxed);
        drop(state);
        self.work.notify_all();
        self.done.notify_all();
    }

    /// Whether there is an error to tell; the listener is left alone then.
    fn failed(&self) -> bool {
        matches!(lock(&self.state).failure, Some(Failure::Error(_)))
    }

    fn worker(&self, number: usize) {
        let guard = WorkerEnd(self);
        let mut records = RecordTotals::default();
        if let Err(failure) = self.work(number, &mut records) {
            self.fail(failure);
        }
        lock(&self.state).records.merge(&records);
        drop(guard);
    }

    fn work(&self, number: usize, records: &mut RecordTotals) -> std::result::Result<(), Failure> {
        let context = self.context;
        let mut tools = Tools {
            parser: Parser::new(
                Arc::clone(&context.meaning),
                Arc::clone(&context.dictionaries),
                context.options.zone.clone(),
            )
            .watching(),
            evaluator: Evaluator::new(
                Arc::clone(&context.conditions),
                Arc::clone(&context.dictionaries),
                &context.policy,
                Arc::clone(&context.holidays),
            )?,
            watch: Watch::new(
                Arc::clone(&context.natures),
                Arc::clone(&context.dictionaries),
            ),
            reader: BlockReader::new(
                Arc::clone(&context.meaning),
                Arc::clone(&context.dictionaries),
                &context.options,
                context.stream_times.clone(),
                context.natures.first(),
            ),
            packer: self.units.packer(&context.dictionaries),
            room: Columns::default(),
            grouped: Grouped::default(),
        };
        loop {
            match self.next_step(number) {
                Step::End => return Ok(()),
                Step::HandOn(rows) => self.hand_on(*rows)?,
                Step::Detect(unit, job) => self.detect(&mut tools, unit, job)?,
                Step::Read => self.read(),
                Step::Parse(piece) => self.parse(&mut tools, records, piece)?,
                Step::ReadAndParse => {
                    let piece = self.feed.next(&self.pool);
                    self.parse(&mut tools, records, piece)?;
                }
                Step::Rest(blocks) => self.start(&mut tools, blocks)?,
                Step::Sort(ranges, blocks) => self.sort(ranges, blocks)?,
                Step::Close => self.close(),
            }
        }
    }

    /// Pieces that may be parsed ahead of one that a worker is held up over.
    fn most_ahead(&self) -> usize {
        8 + 2 * self.context.threads
    }

    fn next_step(&self, worker: usize) -> Step {
        let mut state = lock(&self.state);
        loop {
            if self.stopped.load(Ordering::Relaxed) {
                return Step::End;
            }
            if let Some(rows) = state.outputs.take() {
                return Step::HandOn(Box::new(rows));
            }
            let heavy = self.feed.is_heavy();
            if heavy && let Some(step) = self.supply_step(&mut state) {
                return step;
            }
            if let Some((unit, job)) = state.queues.take(worker, self.context.threads) {
                return Step::Detect(unit, job);
            }
            if !heavy && let Some(step) = self.supply_step(&mut state) {
                return step;
            }
            if state.supply_ended
                && state.parsing == 0
                && let Some(step) = self.behind_supply(&mut state)
            {
                return step;
            }
            state = self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What there is to do for the supply; none: nothing now. A heavy supply is asked before detection, so
    /// that somebody reads all the time.
    fn supply_step(&self, state: &mut State) -> Option<Step> {
        if state.supply_ended {
            return None;
        }
        let may_parse = state.jobs < MOST_JOBS
            && state.outputs.waiting() < MOST_OUTPUTS
            && state.collector.waiting() < self.most_ahead();
        let step = if self.feed.is_heavy() {
            match self.feed.turn(may_parse)? {
                Turn::Read => return Some(Step::Read),
                Turn::Parse(piece) => Step::Parse(piece),
            }
        } else {
            may_parse.then_some(Step::ReadAndParse)?
        };
        state.parsing += 1;
        Some(step)
    }

    /// What there is to do when the supply has ended; none: nothing until others are done.
    fn behind_supply(&self, state: &mut State) -> Option<Step> {
        let Some(ranges) = &state.ranges else {
            return match state.batcher.take() {
                Some(mut batcher) => {
                    state.jobs += 1;
                    Some(Step::Rest(batcher.take()))
                }
                None if state.jobs > 0 => None,
                // (As the last rows are handed on.)
                None if !state.closing => {
                    state.closing = true;
                    Some(Step::Close)
                }
                None => state.outputs.is_over().then_some(Step::End),
            };
        };
        let rest = state.batcher.as_mut().map(Batcher::take);
        if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
            state.sorting += 1;
            let rest = rest.into_iter().map(Waiting::into_block).collect();
            return Some(Step::Sort(Arc::clone(ranges), rest));
        }
        if state.sorting > 0 {
            return None;
        }
        self.pool.clear();
        let ranges = state.ranges.take().and_then(Arc::into_inner)?;
        let ordered = Ordered::of(ranges, Arc::clone(&self.spool));
        self.feed.replace(Supply::Sorted(Box::new(ordered)));
        state.batcher = Some(Batcher::new(Some(self.target)));
        state.sorted = true;
        self.sorting.store(false, Ordering::Relaxed);
        state.supply_ended = false;
        state.parsing += 1;
        self.work.notify_all();
        Some(Step::ReadAndParse)
    }
}

impl State {
    fn take(&mut self, outs: Vec<ShardOut>) {
        for out in outs {
            self.findings.append(&out.findings);
            self.flags.add_findings(&out.found);
            self.flags.add_counts(&out.counts);
            self.flags.add_evaluated(&out.evaluated);
        }
    }
}

/// Tells, however a worker ends, that it has; a panic stops the others.
struct WorkerEnd<'a, 'b>(&'a Pipeline<'b>);

impl Drop for WorkerEnd<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stopped.store(true, Ordering::Relaxed);
        }
        lock(&self.0.state).workers -= 1;
        self.0.work.notify_all();
        self.0.done.notify_all();
    }
}

/// Stops the workers if the caller's thread panics: it waits for them before anybody hears of that.
struct CallerEnd<'a, 'b>(&'a Pipeline<'b>);

impl Drop for CallerEnd<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stopped.store(true, Ordering::Relaxed);
            // Under the lock: between a worker's look and its wait nobody may say so.
            drop(lock(&self.0.state));
            self.0.work.notify_all();
        }
    }
}

/// What a worker parses with.
pub struct Tools {
    parser: Parser,
    evaluator: Evaluator,
    watch: Watch,
    reader: BlockReader,
    packer: Packer,
    /// Columns that were packed last: they are near.
    room: Columns,
    grouped: Grouped,
}
