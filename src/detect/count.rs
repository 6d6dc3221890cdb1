//! `count` without `by`: how many records stand in the window of a record.
//!
//! The window of `r` is `(r.time − window, r.time]`; records of the same instant are all inside, so
//! an instant is taken in whole before any of it is judged.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::rule::Placed;
use super::run::{Hit, Open, Out, Run};
use super::saved::{SavedOpen, Whose};
use crate::findings::ByValues;
use crate::policy::Key;
use crate::state::texts::Saver;

/// `count` without `by`: the times in the window.
#[derive(Default)]
pub struct CountState {
    times: VecDeque<i64>,
    open: Option<Open>,
}

/// The state, saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedCount {
    times: Vec<i64>,
    /// The finding that may grow.
    pub open: Option<SavedOpen>,
}

impl CountState {
    /// The times that still stand in a window to come. (A finding that may grow has one of them.)
    #[must_use]
    pub fn save(&self, window: i64, to: &Saver) -> Option<SavedCount> {
        let until = to.next.saturating_sub(window);
        let times: Vec<i64> = self.times.iter().copied().filter(|&t| t > until).collect();
        let open = self.open.as_ref().filter(|o| o.may_grow(to.next, window));
        (!times.is_empty()).then(|| SavedCount {
            times,
            open: open.map(Open::save),
        })
    }

    /// The state that was saved.
    #[must_use]
    pub fn load(saved: &SavedCount, whose: Whose<'_>) -> CountState {
        let open = saved.open.as_ref();
        CountState {
            times: saved.times.iter().copied().collect(),
            open: open.map(|open| Open::load(open, whose, ByValues::new(), 0)),
        }
    }

    /// Takes the next records of the key.
    pub fn advance(
        &mut self,
        of: Placed<'_>,
        window: i64,
        at_least: u64,
        run: &Run<'_>,
        out: &mut Out<'_>,
    ) {
        let mut i = run.next(0, of.place);
        while i < run.len() {
            let end = run.instant_end(i);
            let time = run.time[i];
            while self
                .times
                .front()
                .is_some_and(|&t| t <= time.saturating_sub(window))
            {
                self.times.pop_front();
            }
            for _ in (i..end).filter(|&j| run.has(j, of.place)) {
                self.times.push_back(time);
            }
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
            i = run.next(end, of.place);
        }
    }

    /// Closes what is open.
    pub fn finish(&mut self, out: &mut Out<'_>) {
        if let Some(open) = self.open.take() {
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
