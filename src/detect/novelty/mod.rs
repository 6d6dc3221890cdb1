//! `novelty`: a value that the key did not (or hardly) use on the days of the lookback.
//!
//! Everything about it is a matter of whole days, so a value is judged once a day.

mod saved;

use std::ops::Range;

use hashbrown::HashMap;

use super::days::{Newest, words};
use super::glance::Glance;
use super::rule::Placed;
use super::run::{Hit, Open, Out, Run};
use super::values::{Value, day_of};
use crate::dictionary::Id;
use crate::findings::{ByValues, NO_TIME};
use crate::policy::{Key, Kind};
use crate::record::DAY_MS;

pub use saved::SavedNovelty;

/// Parameters.
#[derive(Clone, Copy)]
pub struct Novelty {
    /// The field looked at.
    pub field: Key,
    /// Days.
    pub lookback: u32,
    /// Days.
    pub min_active_days: u32,
    /// Days.
    pub max_days: u32,
}

impl Novelty {
    /// The parameters of a rule of this kind.
    #[must_use]
    pub fn of(kind: &Kind) -> Option<Novelty> {
        let Kind::Novelty {
            field,
            lookback,
            min_active_days,
            max_days,
        } = *kind
        else {
            return None;
        };
        Some(Novelty {
            field,
            lookback,
            min_active_days,
            max_days,
        })
    }
}

const FORGET_AT: usize = 64;
const MET: usize = 16;

/// Values that are brought near.
const NEAR: usize = 16;

/// A value met on the day that is being looked at; values of the same low bits take turns.
#[derive(Clone, Copy)]
struct Met {
    value: Value,
    slot: u32,
    /// Whether it is known not to be flagged on this day.
    usual: bool,
}

impl Met {
    const NOTHING: Met = Met {
        value: 0,
        slot: u32::MAX,
        usual: false,
    };
}

/// What is known of a value.
struct Slot {
    days: Newest,
    /// The day that `verdict` is of.
    judged: i32,
    verdict: Verdict,
    open: Option<Box<Open>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Usual,
    New { used: u32, since: i64 },
}

/// Days of activity, and of each value.
pub struct NoveltyState {
    words: usize,
    active: Newest,
    active_words: Vec<u64>,
    slots: HashMap<Value, u32, foldhash::fast::RandomState>,
    values: Vec<(Value, Slot)>,
    bits: Vec<u64>,
    /// |B| of the day, and the day.
    today: (i32, u32),
    /// Magnitude of the day's findings, once asked for.
    magnitude: Option<f64>,
    /// Values whose finding of the day is open.
    flagged: Vec<u32>,
    /// Number of values at which those out of reach are dropped.
    forget_at: usize,
}

impl NoveltyState {
    /// The state before any record.
    #[must_use]
    pub fn new(lookback: u32) -> NoveltyState {
        let words = words(lookback);
        NoveltyState {
            words,
            active: Newest::NONE,
            active_words: vec![0; words],
            slots: HashMap::default(),
            values: Vec::new(),
            bits: Vec::new(),
            today: (i32::MIN, 0),
            magnitude: None,
            flagged: Vec::new(),
            forget_at: FORGET_AT,
        }
    }

    /// See [`RuleState::bring_near`](super::rule::RuleState::bring_near).
    #[must_use]
    pub fn bring_near(&self, depth: u8) -> u64 {
        match depth {
            0 => {
                let sizes = self.words ^ self.values.len() ^ self.bits.len() ^ self.forget_at;
                sizes as u64 ^ u64::from(self.today.1) ^ u64::from(self.magnitude.is_some())
            }
            1 => {
                let values = self.values.iter().take(NEAR);
                let values = values.fold(0, |sum, (value, slot)| {
                    sum ^ value ^ u64::from(slot.judged.cast_unsigned())
                });
                let bits = self.bits.iter().take(NEAR * self.words).step_by(8);
                let first = self.values.first().and_then(|(v, _)| self.slots.get(v));
                bits.fold(values, |sum, word| sum ^ word) ^ u64::from(*first.unwrap_or(&0))
            }
            _ => 0,
        }
    }

    /// Takes the next records of the key.
    pub fn advance(&mut self, of: Placed<'_>, what: Novelty, run: &Run<'_>, out: &mut Out<'_>) {
        let mut from = 0;
        while from < run.len() {
            let day = day_of(run.time[from]);
            if day != self.today.0 {
                self.new_day(day, what, out);
            }
            let tomorrow = (i64::from(day) + 1) * DAY_MS;
            let to = from + run.time[from..].partition_point(|&time| time < tomorrow);
            let today = from..to;
            match run.ids(what.field) {
                Some([]) => self.take_null(of, what, run, today, out),
                Some(ids) => self.take_ids(of, what, run, (today, ids), out),
                None => self.take_values(of, what, run, today, |i| run.value(i, what.field), out),
            }
            from = to;
        }
    }

    /// Takes records of the day that is under way, without a value.
    fn take_null(
        &mut self,
        of: Placed<'_>,
        what: Novelty,
        run: &Run<'_>,
        today: Range<usize>,
        out: &mut Out<'_>,
    ) {
        let judged = run.count_judged(today, of.place);
        self.count(of, what, (judged, judged), out);
    }

    /// Takes records of the day that is under way, of which `ids` are the values: where they are few,
    /// each value is looked at once, and the records only if one of them is new.
    fn take_ids(
        &mut self,
        of: Placed<'_>,
        what: Novelty,
        run: &Run<'_>,
        (today, ids): (Range<usize>, &[Id]),
        out: &mut Out<'_>,
    ) {
        let value = |i: usize| ids[i].into();
        if run.words != 1 {
            return self.take_values(of, what, run, today, value, out);
        }
        let masks = &run.masks[today.clone()];
        let glance = Glance::at(&ids[today.clone()], masks, of.place, run.bits.scope());
        let Some(few) = glance.few() else {
            return self.take_values(of, what, run, today, value, out);
        };
        let asked = glance.judged > glance.null && self.today.1 >= what.min_active_days;
        let mut new = false;
        for id in few {
            let slot = self.used(id.into(), self.today.0);
            new |= asked && self.verdict(slot as usize, what) != Verdict::Usual;
        }
        if new {
            for i in today.filter(|&i| ids[i] != 0 && run.judged(i, of.place)) {
                let slot = self.slot(value(i));
                self.judge(of, what, run, i, slot as usize, out);
            }
        }
        self.count(of, what, (glance.judged, glance.null), out);
    }

    /// Takes records of the day that is under way one by one.
    #[inline(always)]
    fn take_values(
        &mut self,
        of: Placed<'_>,
        what: Novelty,
        run: &Run<'_>,
        today: Range<usize>,
        value: impl Fn(usize) -> Value,
        out: &mut Out<'_>,
    ) {
        let day = self.today.0;
        let too_early = self.today.1 < what.min_active_days;
        let judged = run.count_judged(today.clone(), of.place);
        let mut null = 0;
        let mut met = [Met::NOTHING; MET];
        for i in today {
            let value = value(i);
            if value == 0 {
                null += u64::from(run.judged(i, of.place));
                continue;
            }
            #[allow(clippy::cast_possible_truncation)]
            let place = &mut met[value as usize % MET];
            if place.value != value {
                *place = Met {
                    value,
                    slot: self.used(value, day),
                    usual: too_early,
                };
            }
            if !place.usual && run.judged(i, of.place) {
                place.usual = !self.judge(of, what, run, i, place.slot as usize, out);
            }
        }
        self.count(of, what, (judged, null), out);
    }

    /// Counts records of the day that is under way: those that may be flagged, and those of them
    /// without a value.
    fn count(&self, of: Placed<'_>, what: Novelty, (judged, null): (u64, u64), out: &mut Out<'_>) {
        let too_early = self.today.1 < what.min_active_days;
        let counts = &mut out.counts[of.place];
        counts.not_evaluable += if too_early { judged } else { null };
        counts.evaluated += if too_early { 0 } else { judged - null };
    }

    /// Notes that a value is used on a day; its slot.
    fn used(&mut self, value: Value, day: i32) -> u32 {
        let slot = self.slot(value);
        let bits = &mut self.bits[slot as usize * self.words..][..self.words];
        self.values[slot as usize].1.days.add(bits, day);
        slot
    }

    fn slot(&mut self, value: Value) -> u32 {
        *self.slots.entry(value).or_insert_with(|| {
            let slot = Slot {
                days: Newest::NONE,
                judged: i32::MIN,
                verdict: Verdict::Usual,
                open: None,
            };
            self.values.push((value, slot));
            self.bits.resize(self.values.len() * self.words, 0);
            u32::try_from(self.values.len() - 1).expect("fewer than 2^32 values of a key")
        })
    }

    /// Whether a value is new on the day that is under way.
    fn verdict(&mut self, at: usize, what: Novelty) -> Verdict {
        let slot = &mut self.values[at].1;
        if slot.judged != self.today.0 {
            slot.judged = self.today.0;
            let used = slot.days.before(
                &self.bits[at * self.words..(at + 1) * self.words],
                self.today.0,
                what.lookback,
            );
            slot.verdict = if used.count <= what.max_days {
                let since = used.newest.map_or(NO_TIME, |day| i64::from(day) * DAY_MS);
                Verdict::New {
                    used: used.count,
                    since,
                }
            } else {
                Verdict::Usual
            };
        }
        slot.verdict
    }

    /// Flags a record if its value is new; whether it is.
    fn judge(
        &mut self,
        of: Placed<'_>,
        what: Novelty,
        run: &Run<'_>,
        i: usize,
        at: usize,
        out: &mut Out<'_>,
    ) -> bool {
        let verdict = self.verdict(at, what);
        let Verdict::New { used, since } = verdict else {
            return false;
        };
        let time = run.time[i];
        let (value, slot) = &self.values[at];
        if slot.open.is_none() {
            let dictionaries = out.dictionaries;
            let mut open = Open::new(
                (of.place, of.rule),
                run.key,
                (&[], ByValues::new()),
                (what.field, *value),
                time,
                dictionaries,
            );
            open.0.magnitude = self.magnitude(what);
            self.values[at].1.open = Some(Box::new(open));
            self.flagged.push(u32::try_from(at).unwrap_or(u32::MAX));
        }
        let hit = Hit {
            row: run.rows[i],
            time,
            observed: used.into(),
            since,
            active_days: self.today.1.cast_signed(),
        };
        if let Some(open) = &mut self.values[at].1.open {
            open.add(hit, out);
        }
        true
    }

    /// `(|B| + 1) / (h + 0.5)`, with `h` the days of `B`, its first apart, on which a value was used
    /// for the first time within `B`.
    fn magnitude(&mut self, what: Novelty) -> f64 {
        let (today, active) = self.today;
        if let Some(known) = self.magnitude {
            return known;
        }
        let first_active = self
            .active
            .before(&self.active_words, today, what.lookback)
            .oldest;
        let mut first_uses: Vec<i32> = self
            .values
            .iter()
            .enumerate()
            .filter_map(|(at, (_, slot))| {
                slot.days
                    .before(&self.bits[at * self.words..], today, what.lookback)
                    .oldest
            })
            .filter(|&day| Some(day) != first_active)
            .collect();
        first_uses.sort_unstable();
        first_uses.dedup();
        #[allow(clippy::cast_precision_loss)]
        let magnitude = f64::from(active + 1) / (first_uses.len() as f64 + 0.5);
        self.magnitude = Some(magnitude);
        magnitude
    }

    fn new_day(&mut self, day: i32, what: Novelty, out: &mut Out<'_>) {
        self.close(out);
        self.active.add(&mut self.active_words, day);
        let active = self
            .active
            .before(&self.active_words, day, what.lookback)
            .count;
        self.today = (day, active);
        self.magnitude = None;
        if self.values.len() >= self.forget_at {
            self.forget(day, what.lookback);
            self.forget_at = (2 * self.values.len()).max(FORGET_AT);
        }
    }

    /// Drops values whose last use lies before every lookback to come.
    fn forget(&mut self, day: i32, lookback: u32) {
        let oldest = i64::from(day) - i64::from(lookback);
        let (old, words) = (std::mem::take(&mut self.values), self.words);
        let bits = std::mem::take(&mut self.bits);
        self.slots.clear();
        for (at, (value, slot)) in old.into_iter().enumerate() {
            if i64::from(slot.days.0) >= oldest {
                self.slots
                    .insert(value, u32::try_from(self.values.len()).unwrap_or(u32::MAX));
                self.values.push((value, slot));
                self.bits
                    .extend_from_slice(&bits[at * words..(at + 1) * words]);
            }
        }
    }

    fn close(&mut self, out: &mut Out<'_>) {
        for at in std::mem::take(&mut self.flagged) {
            if let Some(open) = self.values[at as usize].1.open.take() {
                open.close(out);
            }
        }
    }

    /// Closes what is open.
    pub fn finish(&mut self, out: &mut Out<'_>) {
        self.close(out);
    }
}
