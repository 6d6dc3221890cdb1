//! `count` without `by`: how many records stand in the window of a record.
//!
//! The window of `r` is `(r.time − window, r.time]`; records of the same instant are all inside, so
//! an instant is taken in whole before any of it is judged.

use std::collections::VecDeque;

use super::rule::Placed;
use super::run::{Hit, Open, Out, Run};
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
