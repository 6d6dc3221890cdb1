//! `hours`: a half-hour of the day far from every one in which the key was active on the days of
//! the lookback. Findings are the flagged records of one day.

use serde::{Deserialize, Serialize};

use super::days::{Newest, words};
use super::rule::Placed;
use super::run::{Hit, Open, Out, Run};
use super::saved::{SavedOpen, Whose};
use super::values::day_of;
use crate::findings::{ByValues, NO_TIME};
use crate::policy::{Key, Kind};
use crate::record::DAY_MS;
use crate::state::texts::Saver;

const HALF_HOURS: usize = 48;

/// Parameters.
#[derive(Clone, Copy)]
pub struct Hours {
    /// Days.
    pub lookback: u32,
    /// Days.
    pub min_active_days: u32,
    /// Whole minutes of the threshold.
    pub at_least: i64,
    /// Whether that is all of it.
    pub exact: bool,
}

impl Hours {
    /// The parameters of a rule of this kind.
    #[must_use]
    pub fn of(kind: &Kind) -> Option<Hours> {
        let Kind::Hours {
            lookback,
            min_active_days,
            at_least,
        } = *kind
        else {
            return None;
        };
        Some(Hours {
            lookback,
            min_active_days,
            at_least: at_least / 60_000,
            exact: at_least % 60_000 == 0,
        })
    }
}

/// Active days, and the last day of activity in each half-hour.
pub struct HoursState {
    active: Newest,
    active_words: Vec<u64>,
    /// Before today.
    last_used: [i32; HALF_HOURS],
    /// Half-hours of today, as bits.
    used_today: u64,
    today: i32,
    /// |B|.
    days: u32,
    /// Minutes from each half-hour to the nearest in use; −1 if none is.
    distance: [i64; HALF_HOURS],
    open: Option<Open>,
}

/// The state, saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedHours {
    active: i32,
    active_words: Vec<u64>,
    /// Half-hours in use before today, and the last day of each.
    last_used: Vec<(u8, i32)>,
    used_today: u64,
    today: i32,
    /// The finding that may grow.
    pub open: Option<SavedOpen>,
}

impl HoursState {
    /// The days that a lookback to come may reach.
    #[must_use]
    pub fn save(&self, lookback: u32, to: &Saver) -> Option<SavedHours> {
        let next = day_of(to.next);
        let oldest = i64::from(next) - i64::from(lookback);
        let open = self.open.as_ref().filter(|_| self.today == next);
        (i64::from(self.active.0) >= oldest).then(|| SavedHours {
            active: self.active.0,
            active_words: self.active_words.clone(),
            last_used: (0..)
                .zip(self.last_used)
                .filter(|&(_, last)| i64::from(last) >= oldest)
                .collect(),
            used_today: self.used_today,
            today: self.today,
            open: open.map(Open::save),
        })
    }

    /// The state that was saved.
    #[must_use]
    pub fn load(saved: &SavedHours, whose: Whose<'_>, lookback: u32) -> HoursState {
        let mut state = HoursState::new(lookback);
        state.active = Newest(saved.active);
        for (word, &saved) in state.active_words.iter_mut().zip(&saved.active_words) {
            *word = saved;
        }
        for &(half_hour, last) in &saved.last_used {
            if let Some(place) = state.last_used.get_mut(usize::from(half_hour)) {
                *place = last;
            }
        }
        state.used_today = saved.used_today;
        state.today = saved.today;
        let open = saved.open.as_ref();
        state.open = open.map(|open| Open::load(open, whose, ByValues::new(), 0));
        state.measure(lookback);
        state
    }

    /// The state before any record.
    #[must_use]
    pub fn new(lookback: u32) -> HoursState {
        HoursState {
            active: Newest::NONE,
            active_words: vec![0; words(lookback)],
            last_used: [i32::MIN; HALF_HOURS],
            used_today: 0,
            today: i32::MIN,
            days: 0,
            distance: [-1; HALF_HOURS],
            open: None,
        }
    }

    /// Takes the next records of the key.
    pub fn advance(&mut self, of: Placed<'_>, what: Hours, run: &Run<'_>, out: &mut Out<'_>) {
        for i in 0..run.len() {
            let time = run.time[i];
            let day = day_of(time);
            if day != self.today {
                self.new_day(day, what.lookback, out);
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let half_hour = (time.rem_euclid(DAY_MS) / 1_800_000) as usize;
            self.used_today |= 1 << half_hour;
            if !run.has(i, of.place) || !run.in_scope(i) {
                continue;
            }
            let observed = self.distance[half_hour];
            if self.days < what.min_active_days || observed < 0 {
                out.counts[of.place].not_evaluable += 1;
                continue;
            }
            out.counts[of.place].evaluated += 1;
            if observed < what.at_least || observed == what.at_least && !what.exact {
                continue;
            }
            let dictionaries = out.dictionaries;
            let open = self.open.get_or_insert_with(|| {
                Open::new(
                    (of.place, of.rule),
                    run.key,
                    (&[], ByValues::new()),
                    (Key::Date, 0),
                    time,
                    dictionaries,
                )
            });
            let active_days = self.days.cast_signed();
            open.add(
                Hit {
                    row: run.rows[i],
                    time,
                    observed,
                    since: NO_TIME,
                    active_days,
                },
                out,
            );
        }
    }

    fn new_day(&mut self, day: i32, lookback: u32, out: &mut Out<'_>) {
        if let Some(open) = self.open.take() {
            open.close_by_peak(out);
        }
        for (half_hour, last) in self.last_used.iter_mut().enumerate() {
            if self.used_today >> half_hour & 1 == 1 {
                *last = self.today;
            }
        }
        self.used_today = 0;
        self.today = day;
        self.active.add(&mut self.active_words, day);
        self.measure(lookback);
    }

    /// What the days before today say.
    fn measure(&mut self, lookback: u32) {
        let day = self.today;
        self.days = self.active.before(&self.active_words, day, lookback).count;
        let oldest = i64::from(day) - i64::from(lookback);
        let in_use: Vec<usize> = (0..HALF_HOURS)
            .filter(|&h| i64::from(self.last_used[h]) >= oldest)
            .collect();
        for (half_hour, distance) in self.distance.iter_mut().enumerate() {
            let steps = in_use
                .iter()
                .map(|&h| {
                    h.abs_diff(half_hour)
                        .min(HALF_HOURS - h.abs_diff(half_hour))
                })
                .min();
            *distance = steps.map_or(-1, |steps| steps.cast_signed() as i64 * 30);
        }
    }

    /// Closes what is open.
    pub fn finish(&mut self, out: &mut Out<'_>) {
        if let Some(open) = self.open.take() {
            open.close_by_peak(out);
        }
    }
}
