//! `count`, without `by` or with one field: how many records stand in the window of a record.
//!
//! The window of `r` is `(r.time − window, r.time]`; records of the same instant are all inside, so
//! an instant is taken in whole before any of it is judged.

use std::collections::VecDeque;

use hashbrown::HashMap;
use smallvec::smallvec;

use super::rule::Placed;
use super::run::{Hit, Open, Out, Run};
use super::values::Value;
use crate::findings::ByValues;
use crate::policy::Key;

/// `count` without `by`: the times in the window.
#[derive(Default)]
pub struct CountState {
    times: VecDeque<i64>,
    open: Option<Open>,
}

impl CountState {
    /// Takes the next records of the key.
    pub fn advance(
        &mut self,
        of: Placed<'_>,
        window: i64,
        at_least: u64,
        run: &Run<'_>,
        out: &mut Out<'_>,
    ) {
        let mut i = 0;
        while i < run.len() {
            if !run.has(i, of.place) {
                i += 1;
                continue;
            }
            let end = run.instant_end(i);
            let time = run.time[i];
            while self
                .times
                .front()
                .is_some_and(|&t| t <= time.saturating_sub(window))
            {
                self.times.pop_front();
            }
            self.times
                .extend((i..end).filter(|&j| run.has(j, of.place)).map(|_| time));
            let observed = self.times.len();
            for j in i..end {
                if !run.has(j, of.place) || !run.in_scope(j) {
                    continue;
                }
                out.counts[of.place].evaluated += 1;
                if (observed as u64) < at_least {
                    continue;
                }
                let since = self.times[0];
                let hit = Hit {
                    row: run.rows[j],
                    time,
                    observed: observed.cast_signed() as i64,
                    since,
                    active_days: -1,
                };
                add(&mut self.open, hit, window, out, |d| {
                    Open::new(
                        (of.place, of.rule),
                        run.key,
                        (&[], ByValues::new()),
                        (Key::Date, 0),
                        time,
                        d,
                    )
                });
            }
            i = end;
        }
    }

    /// Closes what is open.
    pub fn finish(self, out: &mut Out<'_>) {
        if let Some(open) = self.open {
            open.close_by_peak(out);
        }
    }
}

/// Adds a hit to the open finding, or to a new one if the last flagged record is a window or more away.
pub(super) fn add(
    slot: &mut Option<Open>,
    hit: Hit,
    window: i64,
    out: &mut Out<'_>,
    new: impl FnOnce(&crate::dictionary::Dictionaries) -> Open,
) {
    if let Some(open) = slot.take_if(|open| hit.time - open.0.last >= window) {
        open.close_by_peak(out);
    }
    let dictionaries = out.dictionaries;
    slot.get_or_insert_with(|| new(dictionaries)).add(hit, out);
}

/// `count` with one `by` field: for each of its values, the times in the window. A table of its own,
/// because it is the hottest state there is: one probe finds a value and its first two times.
pub struct KeyedState {
    slots: Vec<Slot>,
    used: usize,
    /// All times of values with more than two of them.
    many: Vec<VecDeque<i64>>,
    free: Vec<u32>,
    open: HashMap<Value, Open, foldhash::fast::RandomState>,
}

/// A value and its times in the window, as of its last record.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// 0: empty.
    value: Value,
    /// The first and the second time; of more than two, the last is in `times[1]`.
    times: [i64; 2],
    count: u32,
    many: u32,
}

const SLOTS: usize = 16;

impl Default for KeyedState {
    fn default() -> Self {
        KeyedState {
            slots: vec![Slot::default(); SLOTS],
            used: 0,
            many: Vec::new(),
            free: Vec::new(),
            open: HashMap::default(),
        }
    }
}

impl KeyedState {
    /// Takes the next records of the key.
    pub fn advance(
        &mut self,
        of: Placed<'_>,
        what: (i64, u64, Key),
        run: &Run<'_>,
        out: &mut Out<'_>,
    ) {
        let (window, at_least, by) = what;
        let (mut evaluated, mut not_evaluable) = (0, 0);
        let mut i = 0;
        while i < run.len() {
            if !run.has(i, of.place) {
                i += 1;
                continue;
            }
            let end = run.instant_end(i);
            let mut most = 0;
            for j in (i..end).filter(|&j| run.has(j, of.place)) {
                let value = run.value(j, by);
                let in_scope = u64::from(run.in_scope(j));
                if value == 0 {
                    not_evaluable += in_scope;
                } else {
                    evaluated += in_scope;
                    most = most.max(self.push(value, run.time[j], window));
                }
            }
            if u64::from(most) >= at_least {
                for j in (i..end).filter(|&j| run.has(j, of.place) && run.in_scope(j)) {
                    let value = run.value(j, by);
                    if value != 0 {
                        self.judge(of, what, run, j, value, out);
                    }
                }
            }
            i = end;
        }
        out.counts[of.place].evaluated += evaluated;
        out.counts[of.place].not_evaluable += not_evaluable;
    }

    fn judge(
        &mut self,
        of: Placed<'_>,
        what: (i64, u64, Key),
        run: &Run<'_>,
        j: usize,
        value: Value,
        out: &mut Out<'_>,
    ) {
        let (window, at_least, by) = what;
        let slot = &self.slots[find(&self.slots, value)];
        if u64::from(slot.count) < at_least {
            return;
        }
        let since = if slot.count > 2 {
            self.many[slot.many as usize][0]
        } else {
            slot.times[0]
        };
        let hit = Hit {
            row: run.rows[j],
            time: run.time[j],
            observed: slot.count.into(),
            since,
            active_days: -1,
        };
        let mut open = self.open.remove(&value);
        add(&mut open, hit, window, out, |d| {
            Open::new(
                (of.place, of.rule),
                run.key,
                (&[by], smallvec![value]),
                (Key::Date, 0),
                hit.time,
                d,
            )
        });
        if let Some(open) = open {
            self.open.insert(value, open);
        }
    }

    /// Adds a time of a value; how many stand in the window now.
    #[inline]
    fn push(&mut self, value: Value, time: i64, window: i64) -> u32 {
        let until = time.saturating_sub(window);
        let mut at = find(&self.slots, value);
        if self.slots[at].value == 0 {
            if (self.used + 1) * 3 > self.slots.len() * 2 {
                self.make_room(until);
                at = find(&self.slots, value);
            }
            self.used += 1;
            self.slots[at] = Slot {
                value,
                times: [time, 0],
                count: 1,
                many: 0,
            };
            return 1;
        }
        let slot = &mut self.slots[at];
        if slot.count > 2 {
            let times = &mut self.many[slot.many as usize];
            while times.front().is_some_and(|&t| t <= until) {
                times.pop_front();
            }
            times.push_back(time);
            slot.count = u32::try_from(times.len()).expect("fewer than 2^32 records in a window");
            slot.times[1] = time;
            if slot.count <= 2 {
                slot.times = [times[0], time];
                times.clear();
                self.free.push(slot.many);
            }
            return slot.count;
        }
        while slot.count > 0 && slot.times[0] <= until {
            slot.times[0] = slot.times[1];
            slot.count -= 1;
        }
        if slot.count < 2 {
            slot.times[slot.count as usize] = time;
            slot.count += 1;
        } else {
            let many = self.free.pop().unwrap_or_else(|| {
                self.many.push(VecDeque::new());
                u32::try_from(self.many.len() - 1).expect("fewer than 2^32 values in a window")
            });
            self.many[many as usize].extend([slot.times[0], slot.times[1], time]);
            *slot = Slot {
                value,
                times: [slot.times[0], time],
                count: 3,
                many,
            };
        }
        slot.count
    }

    /// Drops the values without a time after `until`; makes the table larger if most are left.
    #[cold]
    fn make_room(&mut self, until: i64) {
        let old = std::mem::take(&mut self.slots);
        let live: Vec<Slot> = old
            .iter()
            .filter(|s| s.value != 0)
            .filter(|s| {
                let alive = s.times[usize::from(s.count > 1)] > until;
                if !alive && s.count > 2 {
                    self.many[s.many as usize].clear();
                    self.free.push(s.many);
                }
                alive
            })
            .copied()
            .collect();
        let size = if live.len() * 3 > old.len() {
            old.len() * 2
        } else {
            old.len()
        };
        self.slots = vec![Slot::default(); size];
        self.used = live.len();
        for slot in live {
            let at = find(&self.slots, slot.value);
            self.slots[at] = slot;
        }
    }

    /// Closes what is open.
    pub fn finish(self, out: &mut Out<'_>) {
        for (_, open) in self.open {
            open.close_by_peak(out);
        }
    }
}

/// The slot of a value, or the empty one where it belongs.
#[inline]
fn find(slots: &[Slot], value: Value) -> usize {
    let mask = slots.len() - 1;
    #[allow(clippy::cast_possible_truncation)]
    let mut at = (value.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & mask;
    while slots[at].value != value && slots[at].value != 0 {
        at = (at + 1) & mask;
    }
    at
}
