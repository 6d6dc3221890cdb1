//! The workers: each takes the most advanced work there is — detection before parsing — so that
//! reading, parsing and detection overlap and memory stays bounded.
//!
//! Records that wait for others take at most the budget. Beyond it they are put into ranges of time in
//! temporary files, and so is everything behind them; when the supply has ended, these are the supply.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow_array::RecordBatch;

use super::again::Again;
use super::carry;
use super::collect::{Collector, Done};
use super::framing::{Supply, Work};
use super::jobs::{Job, Queues, Units};
use super::pool::Pool;
use super::work::done;
use super::{Context, Control};
use crate::arrow::BlockReader;
use crate::block::Block;
use crate::detect::bits::Bits;
use crate::detect::predicate::Evaluator;
use crate::detect::shards::{PerRules, ShardContext, ShardOut};
use crate::error::{Error, Result};
use crate::findings::flagged::{self, Flagged};
use crate::findings::tables::Names;
use crate::findings::totals::{FlagTotals, RecordTotals};
use crate::findings::{Finding, Flag};
use crate::individual::watch::{self, Leaks, Seen, Watch};
use crate::log::parse::Parser;
use crate::order::batcher::Target;
use crate::order::ranges::{Ordered, Ranges, Room};
use crate::order::spill::Spool;
use crate::order::{Batcher, Disorder};
use crate::policy::Key;
use crate::record::Field;
use crate::state::Memory;

/// Batches under way at once, beyond which no more is read.
const MOST_JOBS: usize = 2;

/// Batches of flagged rows that may wait to be taken, beyond which no more is read.
const MOST_OUTPUTS: usize = 8;

/// What a run of the pipeline gave.
pub struct Outcome {
    /// Counts and rejects by source.
    pub collector: Collector<Vec<Seen>>,
    /// Individual Numbers in the columns that feed fields.
    pub leaks: Leaks,
    /// Flagged rows, in output order, unless they were handed to a sink.
    pub flagged: Vec<RecordBatch>,
    /// All findings, in no order.
    pub findings: Vec<Finding>,
    /// Counts of flags.
    pub flags: FlagTotals,
    /// Counts of records.
    pub records: RecordTotals,
    /// What the next scan goes on from, if it was asked for.
    pub memory: Option<Memory>,
    /// The temporary files that it took, if any.
    pub spilled: Option<Spilled>,
}

/// Temporary files that a run took.
pub struct Spilled {
    /// Where they were.
    pub folder: String,
    /// How much was written to them.
    pub bytes: u64,
}

/// Why a run stopped.
pub enum Failure {
    /// An error for the caller.
    Error(Error),
    /// The input is not in time order, and that was seen too late: run again without a target.
    Disorder,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Error(error)
    }
}

impl From<Disorder> for Failure {
    fn from(_: Disorder) -> Failure {
        Failure::Disorder
    }
}

struct State {
    collector: Collector<Vec<Seen>>,
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
    outputs: BTreeMap<u64, Flagged>,
    next_output: u64,
    findings: Vec<Finding>,
    flags: FlagTotals,
    records: RecordTotals,
    failure: Option<Failure>,
    workers: usize,
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
    supply: Mutex<(Supply, u64)>,
    state: Mutex<State>,
    /// Workers wait here for work.
    work: Condvar,
    /// The caller's thread waits here for output and the end.
    done: Condvar,
    stopped: AtomicBool,
    read: AtomicU64,
}

enum Step {
    Detect(usize, Arc<Job>),
    Parse,
    Rest(Vec<Block>),
    Sort(Arc<Ranges>, Vec<Block>),
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
/// What any stage or the listener says; [`Failure::Disorder`] if the input is not in time order.
pub fn run(
    context: &Context,
    pers: Vec<PerRules>,
    supply: Supply,
    collector: Collector<Vec<Seen>>,
    target: Option<Target>,
    control: &mut Control<'_>,
) -> std::result::Result<Outcome, Failure> {
    let units = Units::new(
        &context.policy,
        pers,
        context.threads * 2,
        context.conditions.bits().words(),
    );
    let pipeline = Pipeline {
        context,
        bits: context.conditions.bits(),
        state: Mutex::new(State {
            collector,
            leaks: Leaks::default(),
            batcher: Some(Batcher::new(target)),
            ranges: None,
            sorting: 0,
            sorted: false,
            queues: Queues::new(units.len()),
            next_batch: 0,
            jobs: 0,
            parsing: 0,
            supply_ended: false,
            outputs: BTreeMap::new(),
            next_output: 0,
            findings: Vec::new(),
            flags: FlagTotals::new(&context.policy.rules),
            records: RecordTotals::default(),
            failure: None,
            workers: context.threads,
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
        supply: Mutex::new((supply, 0)),
        work: Condvar::new(),
        done: Condvar::new(),
        stopped: AtomicBool::new(false),
        read: AtomicU64::new(0),
    };
    pipeline.load()?;
    let mut flagged = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..context.threads {
            scope.spawn(|| pipeline.worker());
        }
        pipeline.watch(control, &mut flagged);
    });
    pipeline.finish(flagged)
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

    fn worker(&self) {
        let guard = WorkerEnd(self);
        let mut records = RecordTotals::default();
        if let Err(failure) = self.work(&mut records) {
            self.fail(failure);
        }
        lock(&self.state).records.merge(&records);
        drop(guard);
    }

    fn work(&self, records: &mut RecordTotals) -> std::result::Result<(), Failure> {
        let context = self.context;
        let mut tools = Tools {
            parser: Parser::new(
                Arc::clone(&context.meaning),
                Arc::clone(&context.dictionaries),
                context.options.zone.clone(),
            ),
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
            ),
        };
        loop {
            match self.next_step() {
                Step::End => return Ok(()),
                Step::Detect(unit, job) => self.detect(unit, job)?,
                Step::Parse => self.parse(&mut tools, records)?,
                Step::Rest(blocks) => self.start(blocks)?,
                Step::Sort(ranges, blocks) => self.sort(ranges, blocks)?,
            }
        }
    }

    fn next_step(&self) -> Step {
        let mut state = lock(&self.state);
        loop {
            if self.stopped.load(Ordering::Relaxed) {
                return Step::End;
            }
            if let Some((unit, job)) = state.queues.take() {
                return Step::Detect(unit, job);
            }
            if !state.supply_ended && state.jobs < MOST_JOBS && state.outputs.len() < MOST_OUTPUTS {
                state.parsing += 1;
                return Step::Parse;
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

    /// What there is to do when the supply has ended; none: nothing until others are done.
    fn behind_supply(&self, state: &mut State) -> Option<Step> {
        let Some(ranges) = &state.ranges else {
            return match state.batcher.take() {
                Some(mut batcher) => {
                    state.jobs += 1;
                    Some(Step::Rest(batcher.take()))
                }
                None => (state.jobs == 0).then_some(Step::End),
            };
        };
        let rest = state.batcher.as_mut().map(Batcher::take);
        if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
            state.sorting += 1;
            return Some(Step::Sort(Arc::clone(ranges), rest));
        }
        if state.sorting > 0 {
            return None;
        }
        self.pool.clear();
        let ranges = state.ranges.take().and_then(Arc::into_inner)?;
        let ordered = Ordered::of(ranges, Arc::clone(&self.spool));
        lock(&self.supply).0 = Supply::Sorted(Box::new(ordered));
        state.batcher = Some(Batcher::new(Some(self.target)));
        state.sorted = true;
        state.supply_ended = false;
        state.parsing += 1;
        self.work.notify_all();
        Some(Step::Parse)
    }

    /// Puts blocks into ranges of time.
    fn sort(&self, ranges: Arc<Ranges>, blocks: Vec<Block>) -> Result<()> {
        for (at, block) in blocks.into_iter().enumerate() {
            ranges.add(&block, &self.spool, &|source| self.again.can(source))?;
            // Of the many that waited when it began, few are needed again.
            if at < MOST_JOBS {
                self.pool.give_back(vec![block], Vec::new());
            }
        }
        // Whoever takes the ranges finds that nobody else has them.
        drop(ranges);
        let mut state = lock(&self.state);
        state.sorting -= 1;
        let ended = state.supply_ended;
        drop(state);
        if ended {
            self.work.notify_all();
        }
        Ok(())
    }

    /// Reads and parses one piece, and starts the batch that it completes.
    fn parse(
        &self,
        tools: &mut Tools,
        records: &mut RecordTotals,
    ) -> std::result::Result<(), Failure> {
        let (seq, work) = {
            let mut supply = lock(&self.supply);
            let work = supply.0.next(self.pool.text());
            let seq = supply.1;
            // An end has no number: what was sorted comes behind it.
            supply.1 += u64::from(!matches!(work, Ok(None)));
            (seq, work)
        };
        let Some(work) = work.transpose() else {
            let mut state = lock(&self.state);
            state.supply_ended = true;
            state.parsing -= 1;
            drop(state);
            self.work.notify_all();
            return Ok(());
        };
        let done = match work.and_then(|work| self.work_done(tools, records, work)) {
            Ok(done) => done,
            Err(error) => Done::Failed(error),
        };
        let mut state = lock(&self.state);
        let State {
            collector,
            batcher,
            leaks,
            ..
        } = &mut *state;
        collector.put(seq, done, |taken| -> std::result::Result<(), Failure> {
            let block = &taken.block;
            if let Some(seen) = &taken.extra {
                watch::add(leaks, block.origin.source, seen, |at| block.line(at));
            }
            if let Some(carry) = &self.context.carry {
                carry.refuse_early(&taken.block, &self.context.source_names)?;
            }
            if let Some(batcher) = batcher {
                batcher.push(taken.block, taken.span, taken.promise)?;
            }
            Ok(())
        })?;
        let ready = batcher.as_mut().and_then(Batcher::cut);
        let excess = match ready {
            None => self.excess(&mut state)?,
            Some(_) => None,
        };
        state.parsing -= 1;
        state.jobs += usize::from(ready.is_some());
        let seq = state.next_batch;
        state.next_batch += u64::from(ready.is_some());
        let ended = state.supply_ended;
        drop(state);
        if ended {
            self.work.notify_all();
        }
        if let Some(blocks) = ready {
            self.enqueue(seq, blocks)?;
        }
        if let Some((ranges, blocks)) = excess {
            self.sort(ranges, blocks)?;
        }
        Ok(())
    }

    /// What waits, if that is more than may; it is to go to ranges of time.
    fn excess(&self, state: &mut State) -> std::result::Result<Option<Excess>, Failure> {
        // Of what is put in order, a range waits: there is no less.
        let waits = state.batcher.as_mut().filter(|_| !state.sorted);
        let Some(batcher) = waits.filter(|batcher| batcher.bytes() > 0) else {
            return Ok(None);
        };
        if state.ranges.is_none() && batcher.bytes() <= self.context.budget.hold {
            return Ok(None);
        }
        if batcher.has_cut() {
            return Err(Failure::Disorder);
        }
        let blocks = batcher.take();
        let ranges = state.ranges.get_or_insert_with(|| {
            let room = Room::of(&self.context.budget);
            Arc::new(Ranges::for_blocks(room, &self.spool, &blocks))
        });
        let ranges = Arc::clone(ranges);
        // From now on there is no batch until all is in order.
        state.batcher = Some(Batcher::new(None));
        state.sorting += 1;
        Ok(Some((ranges, blocks)))
    }

    /// Parses a piece, evaluates its conditions, counts its records.
    fn work_done(
        &self,
        tools: &mut Tools,
        records: &mut RecordTotals,
        work: Work,
    ) -> Result<Done<Vec<Seen>>> {
        let Tools {
            parser,
            evaluator,
            watch,
            reader,
        } = tools;
        done(
            work,
            &self.context.planned,
            parser,
            self.pool.columns(),
            self.bits.words(),
            |batch| reader.read(batch),
            |parsed| {
                let source = parsed.block.origin.source;
                let columns = &mut parsed.block.columns;
                evaluator.masks(columns)?;
                records.add(columns, self.bits);
                self.read.fetch_add(columns.len() as u64, Ordering::Relaxed);
                Ok(watch.look(source, columns))
            },
        )
    }

    fn start(&self, blocks: Vec<Block>) -> Result<()> {
        let mut state = lock(&self.state);
        let seq = state.next_batch;
        state.next_batch += 1;
        drop(state);
        self.enqueue(seq, blocks)
    }

    fn enqueue(&self, seq: u64, blocks: Vec<Block>) -> Result<()> {
        let job = Arc::new(self.units.job(seq, blocks, &self.pool));
        if self.units.is_empty() {
            return self.complete(&job);
        }
        lock(&self.state).queues.add(job);
        self.work.notify_all();
        Ok(())
    }

    fn detect(&self, unit: usize, job: Arc<Job>) -> Result<()> {
        let last = self.units.advance(unit, &job, self.shard_context());
        lock(&self.state).queues.release(unit);
        if last {
            self.complete(&job)?;
        }
        if let Some(job) = Arc::into_inner(job) {
            job.give_back(&self.pool);
        }
        self.work.notify_all();
        Ok(())
    }

    /// Brings together what the units made of a batch.
    fn complete(&self, job: &Job) -> Result<()> {
        let mut flags: Vec<Flag> = Vec::new();
        let outs: Vec<ShardOut> = job.take_outs();
        for out in &outs {
            flags.extend_from_slice(&out.flags);
        }
        flagged::sort(&job.batch, &mut flags);
        let again = self.again.texts(&job.batch, &flags)?;
        let table = Flagged::new(self.names(), &job.batch, &flags, &again);
        let mut state = lock(&self.state);
        state.flags.add(&job.batch, &flags);
        state.take(outs);
        state.outputs.insert(job.seq, table);
        state.jobs -= 1;
        drop(state);
        self.work.notify_all();
        self.done.notify_all();
        Ok(())
    }

    /// The caller's thread: hands on output in order, tells progress, notices interruption.
    fn watch(&self, control: &mut Control<'_>, flagged: &mut Vec<RecordBatch>) {
        loop {
            let mut state = lock(&self.state);
            let mut ready = Vec::new();
            while let Some(batch) = {
                let next = state.next_output;
                state.outputs.remove(&next)
            } {
                state.next_output += 1;
                ready.push(batch);
            }
            // After a failure, output behind the batch that failed never gets its turn.
            let stopped = self.stopped.load(Ordering::Relaxed);
            let over = state.workers == 0 && (stopped || state.outputs.is_empty());
            if !ready.is_empty() {
                self.work.notify_all();
            }
            if ready.is_empty() && !over {
                let waited = self.done.wait_timeout(state, Duration::from_millis(100));
                drop(waited.unwrap_or_else(PoisonError::into_inner));
            } else {
                drop(state);
            }
            let records = self.read.load(Ordering::Relaxed);
            let mut handed = Ok(());
            for batch in ready {
                if handed.is_ok() && !self.stopped.load(Ordering::Relaxed) {
                    handed = control.output(batch.shown(&self.context.mask), flagged);
                }
            }
            if handed.is_ok() && !self.failed() {
                handed = control.tick(records);
            }
            if let Err(error) = handed {
                self.fail(Failure::Error(error));
            }
            if over {
                return;
            }
        }
    }

    /// Takes up the state of an earlier scan.
    fn load(&self) -> Result<()> {
        let Some(carry) = &self.context.carry else {
            return Ok(());
        };
        let flags = &mut lock(&self.state).flags;
        carry.load(&self.context.dictionaries, |memory, from| {
            self.units.load(&memory.pers, self.shard_context(), from);
            let user = Key::Field(Field::User);
            let seen = memory.seen.iter();
            flags.know(seen.map(|&(finding, number)| {
                let user = from.value(user, number);
                (finding, u32::try_from(user).unwrap_or(0))
            }));
        })
    }

    /// What the next scan goes on from.
    fn memory(&self) -> Option<Memory> {
        let state = lock(&self.state);
        let carry = self.context.carry.as_ref()?;
        if state.failure.is_some() {
            return None;
        }
        let dictionaries = &self.context.dictionaries;
        let mut saver = carry.saver(dictionaries, &state.collector);
        let pers = self.units.save(self.shard_context(), &mut saver);
        Some(carry::memory(dictionaries, saver, pers, state.flags.seen()))
    }

    fn finish(self, flagged: Vec<RecordBatch>) -> std::result::Result<Outcome, Failure> {
        let memory = self.memory();
        let outs = self.units.finish(self.shard_context());
        let mut state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = state.failure.take() {
            return Err(failure);
        }
        state.take(outs);
        let spilled = state.sorted.then(|| Spilled {
            folder: self.spool.folder(),
            bytes: self.spool.written(),
        });
        Ok(Outcome {
            spilled,
            collector: state.collector,
            leaks: state.leaks,
            flagged,
            findings: state.findings,
            flags: state.flags,
            records: state.records,
            memory,
        })
    }
}

impl State {
    fn take(&mut self, outs: Vec<ShardOut>) {
        for out in outs {
            self.findings.extend(out.findings);
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

/// What a worker parses with.
pub struct Tools {
    parser: Parser,
    evaluator: Evaluator,
    watch: Watch,
    reader: BlockReader,
}
