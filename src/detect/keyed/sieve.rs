//! Times of values in a window, for a threshold that few values reach.
//!
//! The records in the window stand in a queue. The records of a run are added to it all at once; then an
//! array that fits the cache counts all that stand there by a hash of their value, and only the values of
//! those new ones whose count reaches the threshold are looked for in the queue, each once. Counts say too
//! much, never too little: they count what has left the window since the run began, and what stands in a
//! block of the queue with what has not.
//!
//! Where many more records stand than come in a run, counts are kept from run to run.

use std::ops::{Range, RangeInclusive};

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::counts::{Counts, MOST};
use super::open::Opens;
use super::queue::{Alike, Queue, Spare, print};
use super::table::Table;
use super::{Keyed, Known, Tally};
use crate::block::resize;
use crate::detect::rule::Placed;
use crate::detect::run::{Open, Out, Run};
use crate::detect::values::Value;
use crate::log::scan;
use crate::policy::Key;
use crate::record::Field;

/// Records in the queue at which a sieve is no gain any more: a search would be long.
const FULL: usize = 1 << 16;

/// Records that are taken at once, whatever their times are.
const FEW: usize = 1 << 8;

/// Records that are taken at once, at most, but for those of one instant.
const MANY: usize = 1 << 12;

/// Steps that a record may cost on an average: records that are counted, or as many of them looked at in a
/// search as are compared together. Beyond, counts are kept, or a table is better.
const STEPS_PER_RECORD: usize = 16;

/// Steps more than records may cost at which counts are kept.
const KEPT: usize = 1 << 12;

/// Values that are looked for before the first of them is judged: what was found of them has come by then.
const SEARCHED: usize = 32;

/// Counts that are brought near before it is known how many records come.
const NEAR: usize = 1 << 12;

/// The records of a window, sieved.
#[derive(Default)]
pub struct Sieve {
    queue: Queue,
    /// The counts, where they are kept.
    kept: Counts,
    /// Findings that may grow.
    open: Opens,
    /// Steps of counting beyond what records may cost.
    counted: usize,
    /// The same of searches.
    searched: usize,
    full: bool,
}

/// What sieves use one after the other.
#[derive(Default)]
pub struct Room {
    /// Of records that are taken at once; 0 where the rule does not count one.
    values: Vec<Value>,
    /// Of values that are looked for together, one after the other.
    found: Vec<Alike>,
    /// Of one value after the other.
    times: Vec<i64>,
    spare: Spare,
    counts: Counts,
}

impl Sieve {
    /// Thresholds that a sieve is good for: below, too many values reach them; beyond, too many counts come
    /// to the most that a byte holds, which says nothing any more.
    pub const THRESHOLDS: RangeInclusive<u64> = 4..=32;

    /// See [`RuleState::bring_near`](crate::detect::rule::RuleState::bring_near).
    pub(super) fn bring_near(&self, depth: u8) -> u64 {
        match depth {
            0 => (self.kept.counts.len() ^ self.queue.len()) as u64,
            1 => {
                let counts = &self.kept.counts;
                scan::prefetch(&counts[..counts.len().min(NEAR)]);
                self.queue.bring_near(0)
            }
            _ => self.queue.bring_near(1),
        }
    }

    /// Whether another form would do better.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// The count of a value, if counts are kept.
    #[cfg(test)]
    pub(super) fn kept_count(&self, value: Value) -> Option<u8> {
        (!self.kept.is_empty()).then(|| self.kept.of(print(value)))
    }

    /// Takes the records of a run until it is full; how far it came.
    pub(super) fn advance(
        &mut self,
        of: Placed<'_>,
        what: Keyed,
        run: &Run<'_>,
        out: &mut Out<'_>,
    ) -> usize {
        let mut from = 0;
        while from < run.len() && !self.full {
            let to = run.instant_end(end(run.time, from, what.window) - 1);
            if to - from > 2 * MANY {
                // (Records of one instant are looked at once for every value of them.)
                self.full = true;
                break;
            }
            self.take(of, what, (run, from..to), out);
            from = to;
        }
        from
    }

    /// Takes records of a run: all of their instants.
    fn take(
        &mut self,
        of: Placed<'_>,
        what: Keyed,
        (run, records): (&Run<'_>, Range<usize>),
        out: &mut Out<'_>,
    ) {
        let until = run.time[records.start].saturating_sub(what.window);
        let last = run.time[records.end - 1].saturating_sub(what.window);
        self.open.forget(until, out);
        self.leave(until, &mut out.room.spare);
        let tally = values(
            of.place,
            what.by,
            (run, records.clone()),
            &mut out.room.values,
        );
        tally.add_to(&mut out.counts[of.place]);
        let Room { values, spare, .. } = &mut out.room;
        let added = self.queue.extend(values, &run.time[records.clone()], spare);
        let budget = records.len() * STEPS_PER_RECORD;
        let candidates = self.candidates((added, budget), what.at_least, &mut out.room);
        let steps = self.judge(of, what, (run, records), &candidates, out);
        self.searched = (self.searched + steps).saturating_sub(budget);
        self.full = self.queue.len() >= FULL || self.searched >= FULL;
        // (Else it would stand until the next records come.)
        self.leave(last, &mut out.room.spare);
    }

    /// Lets go of records that are in no window any more.
    fn leave(&mut self, until: i64, spare: &mut Spare) {
        let kept = &mut self.kept;
        self.queue.leave(until, spare, |prints| kept.drop(prints));
    }

    /// The values of the last `added` records whose counts have reached the threshold, each once. Counting
    /// may cost so many steps on an average, or counts are kept from now on.
    fn candidates(
        &mut self,
        (added, budget): (usize, usize),
        at_least: u64,
        room: &mut Room,
    ) -> SmallVec<[Value; 32]> {
        let mut candidates = SmallVec::new();
        let all = self.queue.len();
        let counts = if !self.kept.is_empty() {
            self.kept.keep(&self.queue, added);
            &self.kept
        } else if added == 0 || (all as u64) < at_least {
            return candidates;
        } else {
            room.counts.count(&self.queue);
            self.counted = (self.counted + all).saturating_sub(budget);
            if self.counted >= KEPT {
                self.kept.clone_from(&room.counts);
            }
            &room.counts
        };
        let at_least = u8::try_from(at_least).unwrap_or(MOST);
        for (prints, values) in self.queue.last(added) {
            counts.reached(prints, at_least, |place| candidates.push(values[place]));
        }
        candidates.sort_unstable();
        candidates.dedup();
        candidates
    }

    /// Judges the records whose values may have reached the threshold; how many steps the searches took.
    fn judge(
        &mut self,
        of: Placed<'_>,
        what: Keyed,
        (run, records): (&Run<'_>, Range<usize>),
        candidates: &[Value],
        out: &mut Out<'_>,
    ) -> usize {
        let (mut steps, mut too_much) = (0, false);
        let mut found = std::mem::take(&mut out.room.found);
        let mut times = std::mem::take(&mut out.room.times);
        for candidates in candidates.chunks(SEARCHED) {
            found.clear();
            let search = |&value: &Value| {
                self.queue.search(value, what.at_least, &mut found);
                (value, found.len())
            };
            let searched: SmallVec<[(Value, usize); SEARCHED]> =
                candidates.iter().map(search).collect();
            let mut from = 0;
            for (value, to) in searched {
                self.queue.times(value, &found[from..to], &mut times);
                from = to;
                steps += self.queue.len() / Queue::TOGETHER + times.len();
                if times.len() as u64 >= what.at_least {
                    let mut open = self.open.take(value);
                    let some = (run, records.clone());
                    steps += judge(&mut open, of, what, some, (value, &times), out);
                    if let Some(open) = open {
                        self.open.put(value, open);
                    }
                } else if !self.kept.is_empty() {
                    too_much |= self.kept.of(print(value)) == MOST;
                }
            }
        }
        (out.room.found, out.room.times) = (found, times);
        if too_much {
            // (A count that stays at the most stays there when its values have left.)
            self.kept.count(&self.queue);
            steps += self.queue.len();
        }
        steps
    }

    /// What is known of every value; more than stands in the window, if it is not looked at yet. (What has a
    /// finding may stand there no more: it is closed before long.)
    pub(super) fn known(&self) -> Vec<Known> {
        let mut places: HashMap<Value, usize> = HashMap::new();
        let mut known: Vec<Known> = Vec::new();
        for (value, time) in self.queue.standing() {
            let at = *places.entry(value).or_insert_with(|| {
                known.push(Known {
                    value,
                    times: Vec::new(),
                    open: self.open.get(value).cloned(),
                });
                known.len() - 1
            });
            known[at].times.push(time);
        }
        let gone = self
            .open
            .iter()
            .filter(|(value, _)| !places.contains_key(value));
        known.extend(gone.map(|(value, open)| Known {
            value,
            times: Vec::new(),
            open: Some(open.clone()),
        }));
        known
    }

    /// A sieve that knows these times.
    #[must_use]
    pub(super) fn of(known: Vec<Known>) -> Sieve {
        let mut sieve = Sieve::default();
        let mut entries: Vec<(i64, Value)> = Vec::new();
        for Known { value, times, open } in known {
            entries.extend(times.into_iter().map(|time| (time, value)));
            if let Some(open) = open {
                sieve.open.put(value, open);
            }
        }
        entries.sort_by_key(|entry| entry.0);
        let times: Vec<i64> = entries.iter().map(|entry| entry.0).collect();
        let values: Vec<Value> = entries.iter().map(|entry| entry.1).collect();
        sieve.queue.extend(&values, &times, &mut Spare::default());
        sieve.full = entries.len() >= FULL;
        sieve
    }

    /// The same times in a table.
    #[must_use]
    pub fn into_table(self, window: i64) -> Table {
        let mut table = Table::default();
        for (value, time) in self.queue.standing() {
            table.add(value, time, window);
        }
        table.take_open(self.open);
        table
    }

    /// Closes what is open.
    pub fn finish(&mut self, out: &mut Out<'_>) {
        self.open.finish(out);
    }
}

/// The values of records, 0 where a rule does not count one.
fn values(
    place: usize,
    by: Key,
    (run, records): (&Run<'_>, Range<usize>),
    to: &mut Vec<Value>,
) -> Tally {
    resize(to, records.len(), 0);
    let len = run.len();
    let subjects = &run.columns.subject;
    if run.words == 1 && by == Key::Field(Field::Subject) && subjects.len() >= len {
        return scan::hot(Valued::of(place, run, &subjects[..len], records, to));
    }
    if let Some(ids) = run.ids(by).filter(|ids| run.words == 1 && ids.len() == len) {
        return scan::hot(Valued::of(place, run, ids, records, to));
    }
    let mut tally = Tally::default();
    for (i, to) in records.zip(to) {
        let (holds, in_scope) = (run.has(i, place), run.in_scope(i));
        *to = if holds { run.value(i, by) } else { 0 };
        tally.judged += u64::from(holds && in_scope);
        tally.evaluated += u64::from(*to != 0 && in_scope);
    }
    tally
}

/// [`values`] of a column, where masks have one word.
struct Valued<'a, T> {
    column: &'a [T],
    masks: &'a [u64],
    place: usize,
    scope: usize,
    to: &'a mut [Value],
}

impl<'a, T> Valued<'a, T> {
    fn of(
        place: usize,
        run: &Run<'a>,
        column: &'a [T],
        records: Range<usize>,
        to: &'a mut [Value],
    ) -> Self {
        Valued {
            column: &column[records.clone()],
            masks: &run.masks[records],
            place,
            scope: run.bits.scope(),
            to,
        }
    }
}

impl<T: Copy + Into<Value>> scan::Hot for Valued<'_, T> {
    type Output = Tally;

    #[inline(always)]
    fn run(self) -> Tally {
        let mut tally = Tally::default();
        let (place, scope) = (self.place, self.scope);
        for ((&value, &mask), to) in self.column.iter().zip(self.masks).zip(self.to) {
            let (holds, in_scope) = (mask >> place & 1, mask >> scope & 1);
            *to = value.into() & holds.wrapping_neg();
            tally.judged += holds & in_scope;
            tally.evaluated += u64::from(*to != 0) & in_scope;
        }
        tally
    }
}

/// Judges the records of a value from the first of `records` on; `times` are those in the queue. How many
/// records were looked at.
fn judge(
    open: &mut Option<Open>,
    of: Placed<'_>,
    what: Keyed,
    (run, records): (&Run<'_>, Range<usize>),
    (value, times): (Value, &[i64]),
    out: &mut Out<'_>,
) -> usize {
    let (mut next, mut looked_at) = (records.start, 0);
    let mut end = times.partition_point(|&time| time < run.time[next]);
    let mut first = 0;
    while let Some(&time) = times.get(end) {
        let until = time.saturating_sub(what.window);
        end += times[end..].iter().take_while(|&&t| t == time).count();
        first += times[first..end]
            .iter()
            .take_while(|&&t| t <= until)
            .count();
        let observed = end - first;
        if (observed as u64) < what.at_least {
            continue;
        }
        next += scan::before(&run.time[next..records.end], |t| t >= time);
        if next == records.end || run.time[next] != time {
            // (A state that was made up may say times that no record has.)
            continue;
        }
        let instant = next..run.instant_end(next);
        looked_at += instant.len();
        let judged = instant.filter(|&i| run.judged(i, of.place));
        for i in judged.filter(|&i| run.value(i, what.by) == value) {
            let found = (observed, times[first]);
            super::add(open, of, what, (run, i, value), found, out);
        }
    }
    looked_at
}

/// Where records that are taken at once end. (The more time passes in them, the more values may seem to have
/// reached the threshold.)
fn end(times: &[i64], from: usize, window: i64) -> usize {
    let few = times.len().min(from + FEW);
    let later = &times[few..times.len().min(from + MANY)];
    let last = times[from].saturating_add(window);
    few + later.partition_point(|&time| time < last)
}
