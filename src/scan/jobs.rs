//! Batches on their way through detection: every unit (a shard of the keys of one `per` field)
//! takes the batches in order; different units take different batches at the same time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::pool::Pool;
use crate::detect::bits::Bits;
use crate::detect::group::Grouped;
use crate::detect::shards::{PerRules, Shard, ShardContext, ShardOut};
use crate::dictionary::Dictionaries;
use crate::join::join;
use crate::order::packing::{BatchPacking, Packer, Wanted, bucket_of};
use crate::order::{Batch, Waiting};
use crate::policy::{Key, Policy};
use crate::state::texts::{Loader, Saver};
use crate::state::{SavedKey, SavedPer};

/// A batch, and what the units made of it.
pub struct Job {
    /// The batch's number.
    pub seq: u64,
    /// The records.
    pub batch: Batch,
    /// By `per` field: how its records are packed when they are grouped.
    packings: Vec<BatchPacking>,
    left: AtomicUsize,
    outs: Mutex<Vec<ShardOut>>,
}

impl Job {
    /// Gives the buffers back.
    pub fn give_back(self, pool: &Pool) {
        pool.give_back(self.batch.into_blocks());
    }

    /// What the units made of the batch.
    #[must_use]
    pub fn take_outs(&self) -> Vec<ShardOut> {
        std::mem::take(&mut *self.outs.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The units of a scan.
pub struct Units {
    pers: Vec<PerRules>,
    /// What they ask of packed records.
    wanted: Arc<Vec<Wanted>>,
    /// Shards of each `per` field: a power of two.
    shards: usize,
    /// Buckets of each: as many, or a multiple.
    buckets: usize,
    all: Vec<Mutex<Shard>>,
}

/// Buckets of a `per` field, or more where there are more shards. The records of a batch that are in one
/// fit into the cache of a processor.
pub const BUCKETS: usize = 64;

impl Units {
    /// At least `shards` units for each `per` field.
    #[must_use]
    pub fn new(policy: &Policy, pers: Vec<PerRules>, bits: Bits, shards: usize) -> Units {
        let shards = shards.next_power_of_two();
        let all = pers
            .iter()
            .flat_map(|per| (0..shards).map(|_| Mutex::new(Shard::new(policy, per.clone()))))
            .collect();
        Units {
            wanted: Arc::new(pers.iter().map(|per| per.wanted(bits)).collect()),
            pers,
            shards,
            buckets: shards.max(BUCKETS),
            all,
        }
    }

    /// A packer of blocks for these units.
    #[must_use]
    pub fn packer(&self, dictionaries: &Arc<Dictionaries>) -> Packer {
        Packer::new(
            Arc::clone(&self.wanted),
            self.buckets,
            Arc::clone(dictionaries),
        )
    }

    /// The number of units.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none: no rule can be evaluated.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Takes up saved states.
    pub fn load(&self, saved: &[SavedPer], of: ShardContext<'_>, from: &mut Loader) {
        from.broken |= saved.len() != self.pers.len();
        for (number, (saved, per)) in saved.iter().zip(&self.pers).enumerate() {
            from.broken |= saved.per != per.per.name();
            for saved in &saved.keys {
                let key = from.value(Key::Field(per.per), saved.key);
                let shard = bucket_of(per.per, key, self.buckets) % self.shards;
                let unit = number * self.shards + shard;
                self.all[unit]
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .load(of, key, saved, from);
            }
        }
    }

    /// The states of all keys, to be saved.
    pub fn save(&self, of: ShardContext<'_>, to: &mut Saver) -> Vec<SavedPer> {
        let shards = self.all.chunks(self.shards.max(1));
        let pers = self.pers.iter().zip(shards);
        pers.map(|(per, shards)| {
            let mut keys: Vec<SavedKey> = Vec::new();
            for shard in shards {
                let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                keys.extend(shard.save(of, to));
            }
            keys.sort_unstable_by_key(|key| key.key);
            SavedPer {
                per: per.per.name().to_owned(),
                keys,
            }
        })
        .collect()
    }

    /// Makes the job of a batch.
    #[must_use]
    pub fn job(&self, seq: u64, mut blocks: Vec<Waiting>, packer: &mut Packer) -> Job {
        for block in &mut blocks {
            block.pack(packer);
        }
        let batch = Batch::of(blocks);
        let wanted = self.wanted.iter().enumerate();
        let packings = wanted.map(|(number, wanted)| {
            let blocks = batch.blocks().iter();
            BatchPacking::of(blocks.map(|block| block.packed(number)), wanted)
        });
        Job {
            seq,
            packings: packings.collect(),
            batch,
            left: AtomicUsize::new(self.len()),
            outs: Mutex::default(),
        }
    }

    /// Takes a job through a unit; whether it was the last unit of that job. `grouped` is used again.
    pub fn advance(
        &self,
        unit: usize,
        job: &Job,
        of: ShardContext<'_>,
        grouped: &mut Grouped,
    ) -> bool {
        let (per, shard) = (unit / self.shards, unit % self.shards);
        let mine = (shard..self.buckets).step_by(self.shards);
        let out = self.all[unit]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .advance(
                of,
                (&job.batch, &job.packings[per], per),
                (mine, self.buckets),
                grouped,
            );
        job.outs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(out);
        job.left.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// No more batches: closes all findings.
    #[must_use]
    pub fn finish(&self, of: ShardContext<'_>) -> Vec<ShardOut> {
        let finish = |unit: &Mutex<Shard>| {
            let mut shard = unit.lock().unwrap_or_else(PoisonError::into_inner);
            shard.finish(of)
        };
        let (half, rest) = self.all.split_at(self.all.len() / 2);
        let (mut outs, others) = join(
            || half.iter().map(finish).collect::<Vec<_>>(),
            || rest.iter().map(finish).collect::<Vec<_>>(),
        );
        outs.extend(others);
        outs
    }
}

/// Which unit may take which job.
pub struct Queues {
    waiting: Vec<VecDeque<Arc<Job>>>,
    busy: Vec<bool>,
    early: BTreeMap<u64, Arc<Job>>,
    next: u64,
}

impl Queues {
    /// Queues for `units` units.
    #[must_use]
    pub fn new(units: usize) -> Queues {
        Queues {
            waiting: vec![VecDeque::new(); units],
            busy: vec![false; units],
            early: BTreeMap::new(),
            next: 0,
        }
    }

    /// Adds a job; units see jobs in the order of their numbers.
    pub fn add(&mut self, job: Arc<Job>) {
        self.early.insert(job.seq, job);
        while let Some(job) = self.early.remove(&self.next) {
            self.next += 1;
            for queue in &mut self.waiting {
                queue.push_back(Arc::clone(&job));
            }
        }
    }

    /// A unit that is free and its next job; the unit is busy from now on. Each of `workers` has units
    /// of its own, which it takes first: what a unit keeps is in the memory of the thread that made it,
    /// and threads that make room and give it up in each other's memory wait for each other.
    pub fn take(&mut self, worker: usize, workers: usize) -> Option<(usize, Arc<Job>)> {
        let free = |&unit: &usize| !self.busy[unit] && !self.waiting[unit].is_empty();
        let mut units = (0..self.busy.len()).filter(free);
        let other = units.clone().next()?;
        let own = units.find(|unit| unit % workers == worker);
        let unit = own.unwrap_or(other);
        self.busy[unit] = true;
        self.waiting[unit].pop_front().map(|job| (unit, job))
    }

    /// A unit has done its job.
    pub fn release(&mut self, unit: usize) {
        self.busy[unit] = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_see_jobs_in_their_order_and_one_at_a_time() {
        let policy = &Policy::default_policy();
        let units = Units::new(policy, Vec::new(), Bits::of(policy), 2);
        let mut packer = units.packer(&Arc::default());
        let mut job = |seq| Arc::new(units.job(seq, Vec::new(), &mut packer));
        let mut queues = Queues::new(2);
        let take = |queues: &mut Queues| queues.take(0, 1).map(|(unit, job)| (unit, job.seq));
        // Whichever thread is faster.
        queues.add(job(1));
        queues.add(job(2));
        assert_eq!(take(&mut queues), None);
        queues.add(job(0));
        assert_eq!(take(&mut queues), Some((0, 0)));
        assert_eq!(take(&mut queues), Some((1, 0)));
        assert_eq!(take(&mut queues), None);
        queues.release(1);
        assert_eq!(take(&mut queues), Some((1, 1)));
        queues.release(0);
        assert_eq!(take(&mut queues), Some((0, 1)));
    }

    #[test]
    fn a_worker_takes_its_own_units_first() {
        let policy = &Policy::default_policy();
        let units = Units::new(policy, Vec::new(), Bits::of(policy), 4);
        let mut packer = units.packer(&Arc::default());
        let mut queues = Queues::new(4);
        queues.add(Arc::new(units.job(0, Vec::new(), &mut packer)));
        let mut take = |worker| queues.take(worker, 2).map(|(unit, _)| unit);
        let taken = [take(1), take(1), take(1), take(0), take(0)];
        assert_eq!(taken, [Some(1), Some(3), Some(0), Some(2), None]);
    }
}
