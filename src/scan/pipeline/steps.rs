//! What a worker does at each step.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::block::Block;
use crate::detect::shards::ShardOut;
use crate::error::Result;
use crate::findings::Flag;
use crate::findings::flagged::{self, Flagged, Row};
use crate::findings::totals::{Counted, RecordTotals};
use crate::individual::watch::Looked;
use crate::order::ranges::{Ranges, Room};
use crate::order::{Batcher, Waiting};
use crate::scan::carry;
use crate::scan::collect::Done;
use crate::scan::feed::Piece;
use crate::scan::framing::Work;
use crate::scan::jobs::Job;
use crate::scan::outcome::Failure;
use crate::scan::work::{Made, done};
use crate::state::Memory;

use super::{Closed, Excess, MOST_JOBS, Pipeline, State, Tools, lock};

impl Pipeline<'_> {
    /// Puts blocks into ranges of time.
    pub(super) fn sort(&self, ranges: Arc<Ranges>, blocks: Vec<Block>) -> Result<()> {
        for (at, block) in blocks.into_iter().enumerate() {
            ranges.add(&block, &self.spool, &|source| self.again.can(source))?;
            // Of the many that waited when it began, few are needed again.
            if at < MOST_JOBS {
                self.pool.give_back(vec![block.into()]);
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

    /// Reads one piece of a heavy supply.
    pub(super) fn read(&self) {
        self.feed.read(&self.pool);
        // Under the lock: between a worker's look and its wait nobody may say so.
        drop(lock(&self.state));
        self.work.notify_one();
    }

    /// Parses one piece, and starts the batch that it completes; without one, the supply has ended.
    pub(super) fn parse(
        &self,
        tools: &mut Tools,
        records: &mut RecordTotals,
        piece: Option<Piece>,
    ) -> std::result::Result<(), Failure> {
        let Some((seq, work)) = piece else {
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
        let held_up = state.collector.waiting() >= self.most_ahead();
        let State {
            collector,
            batcher,
            leaks,
            ..
        } = &mut *state;
        collector.put(seq, done, |taken| -> std::result::Result<(), Failure> {
            let block = &taken.block;
            let Made { looked, packed } = taken.extra.unwrap_or_default();
            if let Some(looked) = &looked {
                leaks.add(block.origin.source, looked, |at| block.line(at));
            }
            let waiting = Waiting::of(taken.block, packed);
            if let Some(carry) = &self.context.carry {
                carry.refuse_early(&waiting, taken.span, &self.context.source_names)?;
            }
            if let Some(batcher) = batcher {
                batcher.push(waiting, taken.span, taken.promise)?;
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
        let others_wait = state.supply_ended || held_up;
        drop(state);
        if others_wait {
            self.work.notify_all();
        }
        if let Some(blocks) = ready {
            self.enqueue(tools, seq, blocks)?;
        }
        if let Some((ranges, blocks)) = excess {
            self.sort(ranges, blocks)?;
        }
        Ok(())
    }

    /// What waits, if that is more than may; it is to go to ranges of time.
    pub(super) fn excess(&self, state: &mut State) -> std::result::Result<Option<Excess>, Failure> {
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
        let blocks = batcher.take().into_iter();
        let blocks: Vec<Block> = blocks.map(Waiting::into_block).collect();
        self.sorting.store(true, Ordering::Relaxed);
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
    pub(super) fn work_done(
        &self,
        tools: &mut Tools,
        records: &mut RecordTotals,
        work: Work,
    ) -> Result<Done<Made>> {
        let Tools {
            parser,
            evaluator,
            watch,
            reader,
            packer,
            room,
            ..
        } = tools;
        let mut spare = self.pool.columns();
        spare.take_from(room);
        let mut done = done(
            work,
            &self.context.planned,
            parser,
            spare,
            self.bits.words(),
            |batch| reader.read(batch),
            |parsed| {
                let source = parsed.block.origin.source;
                self.pool.take_text(parsed);
                let columns = &mut parsed.block.columns;
                evaluator.masks(columns)?;
                records.add(columns, self.bits);
                self.read.fetch_add(columns.len() as u64, Ordering::Relaxed);
                let seen = watch.look(source, columns);
                let beside = std::mem::take(&mut parsed.beside);
                Ok(Made {
                    looked: Some(Looked { seen, beside }),
                    ..Made::default()
                })
            },
        )?;
        let made = match &mut done {
            Done::Parsed(parsed, _, _, made) => Some((&mut parsed.block, made)),
            Done::Sorted(block, _, _, made) => Some((&mut **block, made.insert(Made::default()))),
            _ => None,
        };
        if let Some((block, made)) = made {
            if !self.sorting.load(Ordering::Relaxed) {
                made.packed = packer.pack(block, || self.pool.packed());
            }
            if let Some(packed) = made.packed.first() {
                *room = packed.take_columns(&mut block.columns);
            }
        }
        Ok(done)
    }

    pub(super) fn start(&self, tools: &mut Tools, blocks: Vec<Waiting>) -> Result<()> {
        let mut state = lock(&self.state);
        let seq = state.next_batch;
        state.next_batch += 1;
        drop(state);
        self.enqueue(tools, seq, blocks)
    }

    pub(super) fn enqueue(&self, tools: &mut Tools, seq: u64, blocks: Vec<Waiting>) -> Result<()> {
        let job = Arc::new(self.units.job(seq, blocks, &mut tools.packer));
        if self.units.is_empty() {
            return self.complete(&job);
        }
        lock(&self.state).queues.add(job);
        self.work.notify_all();
        Ok(())
    }

    pub(super) fn detect(&self, tools: &mut Tools, unit: usize, job: Arc<Job>) -> Result<()> {
        let grouped = &mut tools.grouped;
        let last = self
            .units
            .advance(unit, &job, self.shard_context(), grouped);
        lock(&self.state).queues.release(unit);
        // (Before the batch is completed: what waits for the unit need not wait for that.)
        self.work.notify_all();
        if last {
            self.complete(&job)?;
        }
        if let Some(job) = Arc::into_inner(job) {
            job.give_back(&self.pool);
        }
        Ok(())
    }

    /// Brings together what the units made of a batch.
    pub(super) fn complete(&self, job: &Job) -> Result<()> {
        let outs: Vec<ShardOut> = job.take_outs();
        let mut flags: Vec<Flag> = Vec::with_capacity(outs.iter().map(|out| out.flags.len()).sum());
        for out in &outs {
            flags.extend_from_slice(&out.flags);
        }
        let again = self.again.texts(&job.batch, &flags)?;
        let rows = flagged::rows(&job.batch, flags);
        let else_runs = {
            let state = lock(&self.state);
            let others = state.jobs > 1 || state.outputs.are_handed_on();
            !state.supply_ended || others || self.context.threads == 1
        };
        let table = Flagged::new(self.names(), &rows, &again, else_runs);
        let counted: Vec<Counted> = rows.iter().map(Row::counted).collect();
        let mut state = lock(&self.state);
        state.flags.add(&counted);
        state.take(outs);
        state.outputs.add(job.seq, table);
        state.jobs -= 1;
        drop(state);
        self.work.notify_all();
        Ok(())
    }

    /// Hands on the flagged rows whose turn it is. After an error nobody takes those behind them.
    pub(super) fn hand_on(&self, rows: Flagged) -> Result<()> {
        let rows = rows.shown(&self.context.mask);
        if self.stopped.load(Ordering::Relaxed) {
            return Ok(());
        }
        lock(&self.exit).take(rows)?;
        lock(&self.state).outputs.handed();
        self.work.notify_all();
        Ok(())
    }

    /// Closes what detection holds open, all of it being done.
    pub(super) fn close(&self) {
        let memory = self.memory();
        let outs = self.units.finish(self.shard_context());
        lock(&self.state).closed = Some(Closed { memory, outs });
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
}
