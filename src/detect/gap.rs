//! `gap`: the first records of a key after a long time without any. One finding per gap: two of them
//! are never less than `idle` apart.

use super::rule::Placed;
use super::run::{Hit, Open, Out, Run};
use crate::findings::{ByValues, NO_TIME};
use crate::policy::Key;

/// The last time of the key.
pub struct GapState {
    last: i64,
}

impl Default for GapState {
    fn default() -> Self {
        GapState { last: NO_TIME }
    }
}

impl GapState {
    /// The last time: however long ago, the next record is told when it was.
    #[must_use]
    pub fn save(&self) -> Option<i64> {
        (self.last != NO_TIME).then_some(self.last)
    }

    /// The state that was saved.
    #[must_use]
    pub fn load(last: i64) -> GapState {
        GapState { last }
    }

    /// Takes the next records of the key; `idle` in milliseconds.
    pub fn advance(&mut self, of: Placed<'_>, idle: i64, run: &Run<'_>, out: &mut Out<'_>) {
        let mut i = 0;
        while i < run.len() {
            let (time, end) = (run.time[i], run.instant_end(i));
            let last = std::mem::replace(&mut self.last, time);
            let passed = (last != NO_TIME).then(|| time.saturating_sub(last));
            let mut finding: Option<Open> = None;
            for j in (i..end).filter(|&j| run.has(j, of.place) && run.in_scope(j)) {
                out.counts[of.place].evaluated += 1;
                let Some(passed) = passed.filter(|&passed| passed >= idle) else {
                    continue;
                };
                let dictionaries = out.dictionaries;
                let open = finding.get_or_insert_with(|| {
                    Open::new(
                        (of.place, of.rule),
                        run.key,
                        (&[], ByValues::new()),
                        (Key::Date, 0),
                        time,
                        dictionaries,
                    )
                });
                let hit = Hit {
                    row: run.rows[j],
                    time,
                    observed: passed / 1000,
                    since: last,
                    active_days: -1,
                };
                open.add(hit, out);
            }
            if let Some(open) = finding {
                open.close_by_peak(out);
            }
            i = end;
        }
    }
}
