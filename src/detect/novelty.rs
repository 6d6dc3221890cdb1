//! `novelty`: a value that the key did not (or hardly) use on the days of the lookback.
//!
//! Everything about it is a matter of whole days, so a value is judged once a day.

use hashbrown::HashMap;

use super::days::{Newest, words};
use super::rule::Placed;
use super::run::{Hit, Open, Out, Run};
use super::values::{Value, day_of};
use crate::findings::{ByValues, NO_TIME};
use crate::policy::Key;
use crate::record::DAY_MS;

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

const FORGET_AT: usize = 64;
const MET: usize = 16;
const NO_SLOT: u32 = u32::MAX;

/// What is known of a value.
struct Slot {
    days: Newest,
    /// The day that `verdict` is of.
    judged: i32,
    verdict: Verdict,
    open: Option<Box<Open>>,
}

#[derive(Clone, Copy)]
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

    /// Takes the next records of the key.
    pub fn advance(&mut self, of: Placed<'_>, what: Novelty, run: &Run<'_>, out: &mut Out<'_>) {
        // Slots of the values met last in this run, by their low bits; `NO_SLOT` where there is none.
        let mut met = [(0, NO_SLOT); MET];
        let (mut evaluated, mut not_evaluable) = (0, 0);
        for i in 0..run.len() {
            let day = day_of(run.time[i]);
            if day != self.today.0 {
                self.new_day(day, what, out);
                met = [(0, NO_SLOT); MET];
            }
            let value = run.value(i, what.field);
            let judged = run.has(i, of.place) && run.in_scope(i);
            if value == 0 {
                not_evaluable += u64::from(judged);
                continue;
            }
            #[allow(clippy::cast_possible_truncation)]
            let place = &mut met[value as usize % MET];
            if place.0 != value {
                let slot = self.slot(value);
                *place = (value, slot);
                let bits = &mut self.bits[slot as usize * self.words..][..self.words];
                self.values[slot as usize].1.days.add(bits, day);
            }
            if !judged {
                continue;
            }
            if self.today.1 < what.min_active_days {
                not_evaluable += 1;
            } else {
                evaluated += 1;
                self.judge(of, what, run, i, place.1 as usize, out);
            }
        }
        out.counts[of.place].evaluated += evaluated;
        out.counts[of.place].not_evaluable += not_evaluable;
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

    fn judge(
        &mut self,
        of: Placed<'_>,
        what: Novelty,
        run: &Run<'_>,
        i: usize,
        at: usize,
        out: &mut Out<'_>,
    ) {
        let time = run.time[i];
        let (value, slot) = &mut self.values[at];
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
        let Verdict::New { used, since } = slot.verdict else {
            return;
        };
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
    pub fn finish(mut self, out: &mut Out<'_>) {
        self.close(out);
    }
}
