//! Times of values in a window: one small slot a value, which holds its times while there are no more
//! than two.

use std::collections::VecDeque;

use super::open::Opens;
use super::{Keyed, Known, Tally};
use crate::detect::rule::Placed;
use crate::detect::run::{Out, Run};
use crate::detect::values::Value;

/// The times of every value.
pub struct Table {
    slots: Vec<Slot>,
    used: usize,
    /// The times of values with more than two of them.
    many: Vec<List>,
    free: Vec<u32>,
    open: Opens,
}

/// A value and its times in the window, as of its last record.
#[derive(Clone, Copy)]
struct Slot {
    /// 0: empty.
    value: Value,
    /// Its only time but the last, [`NONE`], or below that the list (counted downwards) of all.
    before: i64,
    last: i64,
}

/// No time before the last: no log reaches so far back.
const NONE: i64 = i64::MIN / 2;

impl Slot {
    const EMPTY: Slot = Slot {
        value: 0,
        before: NONE,
        last: NONE,
    };

    /// The list of all times.
    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn list(self) -> Option<usize> {
        (self.before < NONE).then(|| (NONE - 1 - self.before) as usize)
    }
}

/// Times that a list holds in place.
const FEW: usize = 6;

/// Times in a window, ascending.
enum List {
    Few(u8, [i64; FEW]),
    Many(VecDeque<i64>),
}

impl List {
    const EMPTY: List = List::Few(0, [0; FEW]);

    fn len(&self) -> usize {
        match self {
            List::Few(len, _) => usize::from(*len),
            List::Many(times) => times.len(),
        }
    }

    fn first(&self) -> i64 {
        match self {
            List::Few(_, times) => times[0],
            List::Many(times) => times[0],
        }
    }

    fn times(&self) -> Vec<i64> {
        match self {
            List::Few(len, times) => times[..usize::from(*len)].to_vec(),
            List::Many(times) => times.iter().copied().collect(),
        }
    }

    /// Takes the times at or before `until` out, adds one.
    #[inline]
    fn push(&mut self, time: i64, until: i64) {
        match self {
            List::Few(len, times) => {
                let old = usize::from(*len);
                let gone = times[..old].iter().take_while(|&&t| t <= until).count();
                if old - gone == FEW {
                    *self = List::Many(times.iter().copied().chain([time]).collect());
                    return;
                }
                times.copy_within(gone..old, 0);
                times[old - gone] = time;
                *len = *len + 1 - u8::try_from(gone).unwrap_or(0);
            }
            List::Many(times) => {
                while times.pop_front_if(|t| *t <= until).is_some() {}
                times.push_back(time);
            }
        }
    }
}

const SLOTS: usize = 16;

/// Slots that one line of the cache touches, at least.
const LINE: usize = 64 / size_of::<Slot>();

impl Default for Table {
    fn default() -> Self {
        Table {
            slots: vec![Slot::EMPTY; SLOTS],
            used: 0,
            many: Vec::new(),
            free: Vec::new(),
            open: Opens::default(),
        }
    }
}

impl Table {
    /// A table that knows these times.
    #[must_use]
    pub(super) fn of(known: Vec<Known>, window: i64) -> Table {
        let mut table = Table::default();
        for Known { value, times, open } in known {
            for time in times {
                table.add(value, time, window);
            }
            if let Some(open) = open {
                table.open.put(value, open);
            }
        }
        table
    }

    /// Reads the table from end to end: one stream from memory instead of a wait at every value.
    #[inline(never)]
    fn bring_near(&self) {
        let sum = self
            .slots
            .iter()
            .step_by(LINE)
            .fold(0, |sum, slot| sum ^ slot.value);
        let lens = self.many.iter().fold(0, |sum, list| sum ^ list.len());
        std::hint::black_box((sum, lens));
    }

    /// Takes over findings that may grow.
    pub(super) fn take_open(&mut self, open: Opens) {
        self.open = open;
    }

    /// Adds a time of a value; how many stand in the window now.
    #[inline]
    pub fn add(&mut self, value: Value, time: i64, window: i64) -> usize {
        let until = time.saturating_sub(window);
        let mask = self.slots.len() - 1;
        let mut at = home(value) & mask;
        let mut dead = None;
        loop {
            let slot = &mut self.slots[at];
            if slot.value == value {
                break;
            }
            if slot.value == 0 {
                self.insert(dead.unwrap_or(at), value, time, until);
                return 1;
            }
            if slot.last <= until && dead.is_none() {
                dead = Some(at);
            }
            at = (at + 1) & mask;
        }
        let slot = &mut self.slots[at];
        if slot.list().is_some() {
            return self.push_many(at, time, until);
        }
        let (before, last) = (slot.before, slot.last);
        slot.last = time;
        if last <= until {
            slot.before = NONE;
            1
        } else if before <= until {
            slot.before = last;
            2
        } else {
            self.make_many(at, [before, last, time])
        }
    }

    /// Puts a new value into a slot that is empty, or whose value has left the window.
    fn insert(&mut self, mut at: usize, value: Value, time: i64, until: i64) {
        if let Some(list) = self.slots[at].list() {
            self.give_up(list);
        }
        if self.slots[at].value == 0 {
            if (self.used + 1) * 4 > self.slots.len() * 3 {
                self.make_room(until);
                at = find(&self.slots, value);
            }
            self.used += 1;
        }
        self.slots[at] = Slot {
            value,
            before: NONE,
            last: time,
        };
    }

    fn push_many(&mut self, at: usize, time: i64, until: i64) -> usize {
        let slot = &mut self.slots[at];
        slot.last = time;
        let list = slot.list().expect("a list");
        let times = &mut self.many[list];
        times.push(time, until);
        let count = times.len();
        if count <= 2 {
            slot.before = if count == 2 { times.first() } else { NONE };
            self.give_up(list);
        }
        count
    }

    fn make_many(&mut self, at: usize, times: [i64; 3]) -> usize {
        let list = self
            .free
            .pop()
            .map_or(self.many.len(), |list| list as usize);
        if list == self.many.len() {
            self.many.push(List::EMPTY);
        }
        let [a, b, c] = times;
        self.many[list] = List::Few(3, [a, b, c, 0, 0, 0]);
        self.slots[at].before = NONE - 1 - list.cast_signed() as i64;
        3
    }

    fn give_up(&mut self, list: usize) {
        self.many[list] = List::EMPTY;
        let list = u32::try_from(list).expect("fewer than 2^32 values in a window");
        self.free.push(list);
    }

    /// Drops the values without a time after `until`; makes the table larger if most are left.
    #[cold]
    fn make_room(&mut self, until: i64) {
        let old = std::mem::take(&mut self.slots);
        let mut live = Vec::with_capacity(self.used);
        for slot in old.iter().filter(|s| s.value != 0) {
            if slot.last > until {
                live.push(*slot);
            } else if let Some(list) = slot.list() {
                self.give_up(list);
            }
        }
        let size = if live.len() * 2 > old.len() {
            old.len() * 2
        } else {
            old.len()
        };
        self.slots = vec![Slot::EMPTY; size];
        self.used = live.len();
        for slot in live {
            let at = find(&self.slots, slot.value);
            self.slots[at] = slot;
        }
    }

    /// Closes what is open.
    pub fn finish(&mut self, out: &mut Out<'_>) {
        self.open.finish(out);
    }
}

impl Table {
    /// What is known of every value; more than stands in the window, if it is not looked at yet.
    pub(super) fn known(&self) -> Vec<Known> {
        let used = self.slots.iter().filter(|slot| slot.value != 0);
        used.map(|slot| Known {
            value: slot.value,
            times: match slot.list() {
                Some(list) => self.many[list].times(),
                None if slot.before == NONE => vec![slot.last],
                None => vec![slot.before, slot.last],
            },
            open: self.open.get(slot.value).cloned(),
        })
        .collect()
    }

    /// Takes the records of a run from a place on, where an instant begins.
    pub(super) fn advance(
        &mut self,
        of: Placed<'_>,
        what: Keyed,
        (run, mut i): (&Run<'_>, usize),
        out: &mut Out<'_>,
    ) {
        let mut tally = Tally::default();
        if let Some(time) = run.time.get(i) {
            self.open.forget(time.saturating_sub(what.window), out);
        }
        if (run.len() - i) * 4 >= self.slots.len() / LINE {
            self.bring_near();
        }
        i = run.next(i, of.place);
        while i < run.len() {
            let end = run.instant_end(i);
            let mut most = 0;
            for j in (i..end).filter(|&j| run.has(j, of.place)) {
                let value = run.value(j, what.by);
                let in_scope = u64::from(run.in_scope(j));
                tally.judged += in_scope;
                if value != 0 {
                    tally.evaluated += in_scope;
                    most = most.max(self.add(value, run.time[j], what.window));
                }
            }
            if most as u64 >= what.at_least {
                for j in (i..end).filter(|&j| run.judged(j, of.place)) {
                    self.judge(of, what, (run, j), out);
                }
            }
            i = run.next(end, of.place);
        }
        tally.add_to(&mut out.counts[of.place]);
    }

    /// Judges a record of an instant of which every record was added.
    fn judge(
        &mut self,
        of: Placed<'_>,
        what: Keyed,
        (run, j): (&Run<'_>, usize),
        out: &mut Out<'_>,
    ) {
        let value = run.value(j, what.by);
        if value == 0 {
            return;
        }
        let (observed, since) = self.standing(value);
        if (observed as u64) < what.at_least {
            return;
        }
        let mut open = self.open.take(value);
        super::add(&mut open, of, what, (run, j, value), (observed, since), out);
        if let Some(open) = open {
            self.open.put(value, open);
        }
    }

    /// Of a value that was added: how many times stand in the window, and the first.
    fn standing(&self, value: Value) -> (usize, i64) {
        let slot = self.slots[find(&self.slots, value)];
        match slot.list() {
            Some(list) => (self.many[list].len(), self.many[list].first()),
            None if slot.before == NONE => (1, slot.last),
            None => (2, slot.before),
        }
    }
}

/// Where a value's slot is looked for first, before the mask.
#[inline]
#[allow(clippy::cast_possible_truncation)]
fn home(value: Value) -> usize {
    (value.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize
}

/// The slot of a value, or the empty one where it belongs.
#[inline]
fn find(slots: &[Slot], value: Value) -> usize {
    let mask = slots.len() - 1;
    let mut at = home(value) & mask;
    while slots[at].value != value && slots[at].value != 0 {
        at = (at + 1) & mask;
    }
    at
}
