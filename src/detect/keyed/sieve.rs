//! Times of values in a window, for a threshold that few values reach.
//!
//! The records in the window stand in a queue. A small array counts them by a hash of their value;
//! only when a count reaches the threshold is the queue searched for the value that is added. A value
//! that has reached the threshold is *hot*: it leaves queue and counts, and its times are held apart.
//! So a record costs a step at either end of the queue and a look at an array that fits the cache.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use hashbrown::HashMap;

use super::queue::{Print, Queue, hash};
use super::table::Table;
use super::{Keyed, Known, Tally, Times};
use crate::detect::run::{Open, Out, Run};
use crate::detect::values::Value;
use crate::policy::Key;
use crate::record::Field;

/// Records of values that are not hot, at which a sieve is no gain any more: a search would be long.
const FULL: usize = 1 << 16;

/// Counts per record in the queue, at least: few counts are reached by several values together.
const COUNTS_PER_RECORD: usize = 4;

/// Lines of the cache whose counts are brought near before it is known how many records come.
const NEAR: usize = 64;

/// Of a count: some value of this hash is hot.
const HOT: u8 = 1 << 7;

/// Rooms for times of hot values that are kept for use again.
const MOST_SPARE: usize = 32;

/// Times that such a room has place for, at most.
const SMALL: usize = 64;

/// The largest count. One that has come so far stays there: it says too much, never too little.
const MOST: u8 = HOT - 1;

/// The records of a window, sieved.
pub struct Sieve {
    /// Records of values that were not hot when they came.
    queue: Queue,
    /// Records in the queue by hash of the value, those of hot values left out; and [`HOT`].
    counts: Vec<u8>,
    hot: HashMap<Value, Hot, foldhash::fast::RandomState>,
    /// Room for times that values left behind which are not hot any more. (What one thread makes room
    /// for, another gives up: the allocator would have them wait for each other.)
    spare: Vec<VecDeque<i64>>,
    /// Number of hot values at which those that have left the window are looked for.
    forget_at: usize,
    full: bool,
}

#[derive(Default)]
struct Hot {
    times: VecDeque<i64>,
    open: Option<Open>,
}

/// Closes what is open of a value that is not hot any more, and keeps its room.
fn keep(spare: &mut Vec<VecDeque<i64>>, mut hot: Hot, out: &mut Out<'_>) {
    if spare.len() < MOST_SPARE && hot.times.capacity() <= SMALL {
        hot.times.clear();
        spare.push(hot.times);
    }
    if let Some(open) = hot.open {
        open.close_by_peak(out);
    }
}

/// Counts some records less; the largest count stays.
#[inline]
fn uncount(count: &mut u8, records: u8) {
    if *count & MOST != MOST {
        *count -= records;
    }
}

impl Default for Sieve {
    fn default() -> Self {
        Sieve {
            queue: Queue::default(),
            counts: vec![0; 64],
            hot: HashMap::default(),
            spare: Vec::new(),
            forget_at: 16,
            full: false,
        }
    }
}

impl Sieve {
    /// Thresholds that a sieve is good for: below, too many values reach them; beyond, a count could
    /// pass what a byte holds.
    pub const THRESHOLDS: RangeInclusive<u64> = 4..=32;

    /// How many counts there are.
    #[cfg(test)]
    pub(super) fn counts(&self) -> usize {
        self.counts.len()
    }

    /// See [`RuleState::bring_near`](crate::detect::rule::RuleState::bring_near).
    pub(super) fn bring_near(&self, depth: u8) -> u64 {
        match depth {
            0 => (self.counts.len() ^ self.queue.gone ^ self.queue.entries.len()) as u64,
            1 => {
                let Queue { entries, gone, .. } = &self.queue;
                let ends = [entries.get(*gone), entries.last()];
                let ends = ends.map(|entry| entry.copied().unwrap_or_default());
                let ends = ends.map(|(value, time)| value ^ time.cast_unsigned());
                // (Of a long one, `prepare` reads the rest, if so many records come.)
                let counts = self.counts.iter().step_by(64).take(NEAR);
                counts.fold(ends[0] ^ ends[1], |sum, &count| sum ^ u64::from(count))
            }
            _ => 0,
        }
    }

    #[inline]
    fn place(&self, value: Value) -> usize {
        hash(value) & (self.counts.len() - 1)
    }

    #[inline]
    fn count(&mut self, place: usize) -> u8 {
        let count = &mut self.counts[place];
        if *count & MOST != MOST {
            *count += 1;
        }
        *count & MOST
    }

    /// Takes what has left the window out of the queue.
    #[inline]
    fn expire(&mut self, until: i64) {
        let Sieve { queue, counts, .. } = self;
        let last = counts.len() - 1;
        if last <= usize::from(Print::MAX) {
            queue.leave(until, |hash, _| {
                uncount(&mut counts[usize::from(hash) & last], 1);
            });
        } else {
            queue.leave(until, |_, value| {
                uncount(&mut counts[hash(value) & last], 1);
            });
        }
    }

    /// See [`Times::pass`]: no more than one count is looked at for a record. What has left the window
    /// since the first of them is counted, too, so that a count says too much, never too little.
    #[inline(always)]
    fn pass_values(
        &mut self,
        run: &Run<'_>,
        from: usize,
        place: usize,
        what: Keyed,
        to: &mut Tally,
        value: impl Fn(usize) -> Value,
    ) -> usize {
        let (n, scope) = (run.len(), run.bits.scope());
        if run.words != 1 || from == n {
            return from;
        }
        self.expire(run.time[from].saturating_sub(what.window));
        let most = (self.counts.len() / COUNTS_PER_RECORD).min(FULL - 1);
        let mut room = most.saturating_sub(self.queue.len());
        let stop = u8::try_from(what.at_least - 1).unwrap_or(0);
        let last = self.counts.len() - 1;
        let (times, masks) = (&run.time[..n], &run.masks[..n]);
        for i in from..n {
            if masks[i] >> place & 1 == 0 {
                continue;
            }
            let (value, in_scope) = (value(i), masks[i] >> scope & 1);
            if value == 0 {
                to.not_evaluable += in_scope;
                continue;
            }
            // (A hot value's count is above every threshold.)
            let hash = hash(value);
            let count = &mut self.counts[hash & last];
            if *count >= stop || room == 0 {
                return i;
            }
            *count += 1;
            room -= 1;
            self.queue.push(value, hash, times[i]);
            to.evaluated += in_scope;
        }
        n
    }

    /// Adds a time of a hot value; none if it has left the window and is not hot any more.
    fn push_hot(
        &mut self,
        value: Value,
        time: i64,
        until: i64,
        out: &mut Out<'_>,
    ) -> Option<usize> {
        let hot = self.hot.get_mut(&value)?;
        while hot.times.pop_front_if(|t| *t <= until).is_some() {}
        if !hot.times.is_empty() {
            hot.times.push_back(time);
            return Some(hot.times.len());
        }
        if let Some(hot) = self.hot.remove(&value) {
            // Its last flagged record is a window or more away.
            keep(&mut self.spare, hot, out);
        }
        let place = self.place(value);
        if !self.hot.keys().any(|&other| self.place(other) == place) {
            self.counts[place] &= !HOT;
        }
        None
    }

    /// Searches the queue for a value whose count has reached the threshold; how often it is there if
    /// that is the threshold at least.
    #[cold]
    fn search(&mut self, value: Value, at_least: u64, until: i64, out: &mut Out<'_>) -> usize {
        let places = self.queue.places(value, at_least);
        let found = places.len();
        if (found as u64) < at_least {
            return 0;
        }
        if self.hot.len() >= self.forget_at {
            self.forget(until, out);
        }
        let mut times = self.spare.pop().unwrap_or_default();
        times.reserve(found * 2);
        for place in places {
            times.push_back(self.queue.take(place));
        }
        let place = self.place(value);
        // (A value is found at the threshold itself, or at a count that stays at the most.)
        uncount(&mut self.counts[place], u8::try_from(found).unwrap_or(MOST));
        self.counts[place] |= HOT;
        self.hot.insert(value, Hot { times, open: None });
        found
    }

    /// Drops hot values that have left the window.
    fn forget(&mut self, until: i64, out: &mut Out<'_>) {
        let gone = |hot: &Hot| hot.times.back().is_none_or(|&t| t <= until);
        for (_, hot) in self.hot.extract_if(|_, hot| gone(hot)) {
            keep(&mut self.spare, hot, out);
        }
        self.forget_at = (self.hot.len() * 2).max(16);
        for count in &mut self.counts {
            *count &= !HOT;
        }
        self.mark_hot();
    }

    /// Notes which counts are those of hot values.
    fn mark_hot(&mut self) {
        let last = self.counts.len() - 1;
        for &value in self.hot.keys() {
            self.counts[hash(value) & last] |= HOT;
        }
    }

    fn count_anew(&mut self, size: usize) {
        self.counts.clear();
        self.counts.resize(size, 0);
        let queue = std::mem::take(&mut self.queue);
        for (value, _) in queue.standing() {
            let place = self.place(value);
            self.count(place);
        }
        self.queue = queue;
        self.mark_hot();
    }

    /// A sieve that knows these times.
    #[must_use]
    pub(super) fn of(known: Vec<Known>, at_least: u64) -> Sieve {
        let mut sieve = Sieve::default();
        let mut entries: Vec<(i64, Value)> = Vec::new();
        for Known { value, times, open } in known {
            if open.is_some() || times.len() as u64 >= at_least {
                let times = times.into_iter().collect();
                sieve.hot.insert(value, Hot { times, open });
            } else {
                entries.extend(times.into_iter().map(|time| (time, value)));
            }
        }
        entries.sort_by_key(|entry| entry.0);
        sieve.full = entries.len() >= FULL;
        for (time, value) in entries {
            sieve.queue.push(value, hash(value), time);
        }
        sieve.forget_at = (sieve.hot.len() * 2).max(sieve.forget_at);
        let counts = (sieve.queue.len() * COUNTS_PER_RECORD).next_power_of_two();
        sieve.count_anew(counts.max(sieve.counts.len()));
        sieve
    }

    /// The same times in a table.
    #[must_use]
    pub fn into_table(self, window: i64) -> Table {
        let mut table = Table::default();
        for (value, time) in self.queue.standing() {
            table.add(value, time, window);
        }
        for (value, hot) in self.hot {
            for time in hot.times {
                table.add(value, time, window);
            }
            if let Some(open) = hot.open {
                table.open(value, open);
            }
        }
        table
    }

    /// Closes what is open.
    pub fn finish(self, out: &mut Out<'_>) {
        for (_, hot) in self.hot {
            if let Some(open) = hot.open {
                open.close_by_peak(out);
            }
        }
    }
}

impl Times for Sieve {
    fn known(&self) -> Vec<Known> {
        let mut places: HashMap<Value, usize> = HashMap::new();
        let mut known: Vec<Known> = Vec::new();
        for (value, time) in self.queue.standing() {
            let at = *places.entry(value).or_insert_with(|| {
                known.push(Known {
                    value,
                    times: Vec::new(),
                    open: None,
                });
                known.len() - 1
            });
            known[at].times.push(time);
        }
        // (No value is in the queue and hot at once.)
        known.extend(self.hot.iter().map(|(&value, hot)| Known {
            value,
            times: hot.times.iter().copied().collect(),
            open: hot.open.clone(),
        }));
        known
    }

    fn prepare(&mut self, records: usize) {
        self.queue.reserve(records.min(FULL));
        if records * 4 >= self.counts.len() / 64 {
            super::bring_near(&self.counts);
        }
    }

    fn pass(
        &mut self,
        run: &Run<'_>,
        from: usize,
        place: usize,
        what: Keyed,
        to: &mut Tally,
    ) -> usize {
        match what.by {
            Key::Field(Field::Subject) => match run.columns.subject.get(..run.len()) {
                Some(subjects) => self.pass_values(run, from, place, what, to, |i| subjects[i]),
                None => from,
            },
            key => match run.ids(key) {
                Some(ids) if ids.len() == run.len() => {
                    self.pass_values(run, from, place, what, to, |i| ids[i].into())
                }
                _ => from,
            },
        }
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.full
    }

    #[inline]
    fn push(&mut self, value: Value, time: i64, what: Keyed, out: &mut Out<'_>) -> usize {
        let until = time.saturating_sub(what.window);
        self.expire(until);
        let mut place = self.place(value);
        if self.counts[place] & HOT != 0
            && let Some(count) = self.push_hot(value, time, until, out)
        {
            return count;
        }
        if (self.queue.len() + 1) * COUNTS_PER_RECORD > self.counts.len() {
            self.count_anew(self.counts.len() * 2);
            place = self.place(value);
        }
        self.queue.push(value, hash(value), time);
        let count = self.count(place);
        self.full |= self.queue.len() >= FULL || count == MOST;
        if u64::from(count) < what.at_least {
            return 0;
        }
        self.search(value, what.at_least, until, out)
    }

    fn standing(&self, value: Value) -> (usize, i64) {
        match self.hot.get(&value) {
            Some(hot) if !hot.times.is_empty() => (hot.times.len(), hot.times[0]),
            _ => (0, 0),
        }
    }

    fn with_open(&mut self, value: Value, change: impl FnOnce(&mut Option<Open>)) {
        if let Some(hot) = self.hot.get_mut(&value) {
            change(&mut hot.open);
        }
    }
}
