//! `spike`: a day on which the key does far more than on its usual day, the median of the active
//! days of the lookback. Findings are the flagged records of one day.

use std::collections::VecDeque;

use hashbrown::HashSet;
use serde::{Deserialize, Serialize};

use super::rule::Placed;
use super::run::{Hit, Open, Out, Run};
use super::saved::{SavedOpen, Whose};
use super::values::{Value, day_of};
use crate::findings::{ByValues, NO_TIME};
use crate::policy::{Key, Spike};
use crate::state::texts::{Loader, Saver};

/// A thousandth of half a record: the unit in which thresholds are whole numbers, so that
/// 1.1 × 10 is 11.
const PARTS: u128 = 2000;

/// The measure of today so far, and of the active days before.
pub struct SpikeState {
    today: i32,
    measured: u64,
    /// `distinct`: the values of today.
    values: HashSet<Value, foldhash::fast::RandomState>,
    /// Time of the first record measured today.
    since: i64,
    /// Active days before today within the lookback, and their measure.
    days: VecDeque<(i32, u64)>,
    /// Today's threshold in [`PARTS`], once asked for.
    threshold: Option<u128>,
    open: Option<Open>,
}

impl Default for SpikeState {
    fn default() -> Self {
        SpikeState {
            today: i32::MIN,
            measured: 0,
            values: HashSet::default(),
            since: NO_TIME,
            days: VecDeque::new(),
            threshold: None,
            open: None,
        }
    }
}

/// The state, saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedSpike {
    today: i32,
    measured: u64,
    values: Vec<Value>,
    since: i64,
    days: Vec<(i32, u64)>,
    /// The finding that may grow.
    pub open: Option<SavedOpen>,
}

impl SpikeState {
    /// The measures of the days that a lookback to come may reach; of today, if it may go on, all.
    #[must_use]
    pub fn save(&self, what: Spike, to: &mut Saver) -> Option<SavedSpike> {
        let next = day_of(to.next);
        let oldest = i64::from(next) - i64::from(what.lookback);
        if i64::from(self.today) < oldest {
            return None;
        }
        let goes_on = self.today == next;
        let mut values: Vec<Value> = match what.distinct {
            Some(field) if goes_on => self.values.iter().map(|&v| to.value(field, v)).collect(),
            _ => Vec::new(),
        };
        values.sort_unstable();
        let days = self.days.iter().copied();
        Some(SavedSpike {
            today: self.today,
            measured: self.measured,
            values,
            since: self.since,
            days: days.filter(|day| i64::from(day.0) >= oldest).collect(),
            open: self.open.as_ref().filter(|_| goes_on).map(Open::save),
        })
    }

    /// The state that was saved.
    #[must_use]
    pub fn load(
        saved: &SavedSpike,
        whose: Whose<'_>,
        what: Spike,
        from: &mut Loader,
    ) -> SpikeState {
        let values = match what.distinct {
            Some(field) => saved.values.iter().map(|&v| from.value(field, v)).collect(),
            None => HashSet::default(),
        };
        let open = saved.open.as_ref();
        SpikeState {
            today: saved.today,
            measured: saved.measured,
            values,
            since: saved.since,
            days: saved.days.iter().copied().collect(),
            threshold: None,
            open: open.map(|open| Open::load(open, whose, ByValues::new(), 0)),
        }
    }

    /// Takes the next records of the key.
    pub fn advance(&mut self, of: Placed<'_>, what: Spike, run: &Run<'_>, out: &mut Out<'_>) {
        let mut i = 0;
        while i < run.len() {
            let (time, end) = (run.time[i], run.instant_end(i));
            let day = day_of(time);
            if day != self.today {
                self.new_day(day, what.lookback, out);
            }
            for j in (i..end).filter(|&j| run.has(j, of.place)) {
                if self.since == NO_TIME {
                    self.since = time;
                }
                self.measured += u64::from(match what.distinct {
                    None => true,
                    Some(field) => match run.value(j, field) {
                        0 => false,
                        value => self.values.insert(value),
                    },
                });
            }
            for j in (i..end).filter(|&j| run.has(j, of.place) && run.in_scope(j)) {
                self.judge(of, what, run, j, out);
            }
            i = end;
        }
    }

    fn judge(&mut self, of: Placed<'_>, what: Spike, run: &Run<'_>, j: usize, out: &mut Out<'_>) {
        let active = self.days.len();
        if active == 0 || active < what.min_active_days as usize {
            out.counts[of.place].not_evaluable += 1;
            return;
        }
        out.counts[of.place].evaluated += 1;
        let days = &self.days;
        let threshold = *self.threshold.get_or_insert_with(|| threshold(what, days));
        if u128::from(self.measured) * PARTS < threshold {
            return;
        }
        let time = run.time[j];
        let hit = Hit {
            row: run.rows[j],
            time,
            observed: self.measured.cast_signed(),
            since: self.since,
            active_days: i32::try_from(active).unwrap_or(i32::MAX),
        };
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
        #[allow(clippy::cast_precision_loss)]
        let threshold = threshold as f64 / PARTS as f64;
        open.add_against(hit, threshold, out);
    }

    fn new_day(&mut self, day: i32, lookback: u32, out: &mut Out<'_>) {
        if let Some(open) = self.open.take() {
            open.close_by_peak(out);
        }
        if self.today != i32::MIN {
            self.days.push_back((self.today, self.measured));
        }
        let oldest = i64::from(day) - i64::from(lookback);
        while self
            .days
            .pop_front_if(|before| i64::from(before.0) < oldest)
            .is_some()
        {}
        self.today = day;
        self.measured = 0;
        self.values.clear();
        self.since = NO_TIME;
        self.threshold = None;
    }

    /// Closes what is open.
    pub fn finish(&mut self, out: &mut Out<'_>) {
        if let Some(open) = self.open.take() {
            open.close_by_peak(out);
        }
    }
}

/// `max(at_least, factor × median)` in [`PARTS`]; there is at least one day.
fn threshold(what: Spike, days: &VecDeque<(i32, u64)>) -> u128 {
    let mut measures: Vec<u64> = days.iter().map(|day| day.1).collect();
    measures.sort_unstable();
    let n = measures.len();
    let twice_median = u128::from(measures[(n - 1) / 2]) + u128::from(measures[n / 2]);
    (u128::from(what.at_least) * PARTS).max(u128::from(what.factor) * twice_median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_exact_decimals() {
        let cases: [(u64, u64, &[u64], u128); 6] = [
            (1, 1_100, &[10], 11 * PARTS),
            (1, 1_500, &[2, 3], 3_750 * PARTS / 1000),
            (50, 3_000, &[1, 1, 9], 50 * PARTS),
            (2, 3_000, &[9, 1, 4], 12 * PARTS),
            (5, 1, &[0, 0], 5 * PARTS),
            (
                u64::MAX,
                1_000,
                &[u64::MAX, u64::MAX],
                u128::from(u64::MAX) * PARTS,
            ),
        ];
        for (at_least, factor, measures, expected) in cases {
            let what = Spike {
                distinct: None,
                lookback: 30,
                min_active_days: 1,
                at_least,
                factor,
            };
            let days = measures.iter().map(|&m| (0, m)).collect();
            assert_eq!(threshold(what, &days), expected, "{measures:?}");
        }
    }
}
