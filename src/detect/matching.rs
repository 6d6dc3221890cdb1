//! `match`: flags every record that satisfies `where`. Findings are the flagged records of one day.

use super::rule::Placed;
use super::run::{Hit, Open, Out, Run};
use super::saved::{SavedOpen, Whose};
use super::values::day_of;
use crate::findings::{ByValues, NO_TIME};
use crate::policy::Key;
use crate::state::texts::Saver;

/// The finding of the day.
#[derive(Default)]
pub struct MatchState {
    open: Option<Open>,
}

impl MatchState {
    /// Takes the next records of the key.
    pub fn advance(&mut self, of: Placed<'_>, run: &Run<'_>, out: &mut Out<'_>) {
        let mut next = run.next(0, of.place);
        while next < run.len() {
            let i = next;
            next = run.next(i + 1, of.place);
            if !run.in_scope(i) {
                continue;
            }
            out.counts[of.place].evaluated += 1;
            let time = run.time[i];
            if let Some(open) = self
                .open
                .take_if(|open| day_of(open.0.first) != day_of(time))
            {
                open.close_by_records(out);
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
            open.add(
                Hit {
                    row: run.rows[i],
                    time,
                    observed: 1,
                    since: NO_TIME,
                    active_days: -1,
                },
                out,
            );
        }
    }

    /// The finding of the day, if the day may go on.
    #[must_use]
    pub fn save(&self, to: &Saver) -> Option<SavedOpen> {
        let open = self.open.as_ref()?;
        (day_of(open.0.first) == day_of(to.next)).then(|| open.save())
    }

    /// The state that was saved.
    #[must_use]
    pub fn load(saved: &SavedOpen, whose: Whose<'_>) -> MatchState {
        MatchState {
            open: Some(Open::load(saved, whose, ByValues::new(), 0)),
        }
    }

    /// Closes what is open.
    pub fn finish(&mut self, out: &mut Out<'_>) {
        if let Some(open) = self.open.take() {
            open.close_by_records(out);
        }
    }
}
