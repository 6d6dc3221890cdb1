//! `count` with one `by` field: for each of its values, the times in the window.
//!
//! The hottest state there is, so it comes in two forms that say the same: a `sieve` that notes
//! little of values that are rare in the window, which nearly all are; and a `table` that holds
//! the times of every value, where the threshold is too low or the window too full for a sieve.

mod counts;
mod open;
mod queue;
mod sieve;
mod table;

use serde::{Deserialize, Serialize};
use smallvec::smallvec;

pub use self::sieve::Room;
use self::sieve::Sieve;
use self::table::Table;
use super::rule::Placed;
use super::run::{Hit, Open, Out, RuleCounts, Run};
use super::saved::{SavedOpen, Whose};
use super::values::Value;
use crate::policy::Key;
use crate::state::texts::{Loader, Saver};

/// State of such a rule for one key.
pub enum KeyedState {
    /// Notes little of rare values.
    Sieve(Sieve),
    /// Holds every value.
    Table(Table),
}

/// The parameters of the rule.
#[derive(Clone, Copy)]
pub struct Keyed {
    /// Milliseconds.
    pub window: i64,
    /// Inclusive.
    pub at_least: u64,
    /// The field whose values are counted.
    pub by: Key,
}

/// The state, saved: whichever of the forms it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedKeyed {
    /// The values in the window.
    pub values: Vec<SavedTimes>,
}

/// The times of a value, saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedTimes {
    value: Value,
    times: Vec<i64>,
    /// The finding that may grow.
    pub open: Option<SavedOpen>,
}

/// The times of a value, ascending, and the finding that is open.
struct Known {
    value: Value,
    times: Vec<i64>,
    open: Option<Open>,
}

/// Records in scope.
#[derive(Default)]
struct Tally {
    /// Those that satisfy `where`.
    judged: u64,
    /// Those of them that have a value.
    evaluated: u64,
}

impl Tally {
    fn add_to(self, counts: &mut RuleCounts) {
        counts.evaluated += self.evaluated;
        counts.not_evaluable += self.judged - self.evaluated;
    }
}

impl KeyedState {
    /// The state before any record.
    #[must_use]
    pub fn new(at_least: u64) -> KeyedState {
        if Sieve::THRESHOLDS.contains(&at_least) {
            KeyedState::Sieve(Sieve::default())
        } else {
            KeyedState::Table(Table::default())
        }
    }

    /// See [`RuleState::bring_near`](super::rule::RuleState::bring_near).
    #[must_use]
    pub fn bring_near(&self, depth: u8) -> u64 {
        match self {
            KeyedState::Sieve(sieve) => sieve.bring_near(depth),
            KeyedState::Table(_) => 0,
        }
    }

    /// Takes the next records of the key.
    pub fn advance(&mut self, of: Placed<'_>, what: Keyed, run: &Run<'_>, out: &mut Out<'_>) {
        let mut from = 0;
        if let KeyedState::Sieve(sieve) = self {
            from = sieve.advance(of, what, run, out);
            if sieve.is_full() {
                *self = KeyedState::Table(std::mem::take(sieve).into_table(what.window));
            }
        }
        if let KeyedState::Table(table) = self {
            table.advance(of, what, (run, from), out);
        }
    }

    /// The times in a window to come. (A finding that may grow has one of them.)
    #[must_use]
    pub fn save(&self, window: i64, by: Key, to: &mut Saver) -> Option<SavedKeyed> {
        let until = to.next.saturating_sub(window);
        let known = match self {
            KeyedState::Sieve(sieve) => sieve.known(),
            KeyedState::Table(table) => table.known(),
        };
        let mut values: Vec<SavedTimes> = Vec::new();
        for Known { value, times, open } in known {
            let times: Vec<i64> = times.into_iter().filter(|&t| t > until).collect();
            if !times.is_empty() {
                let open = open.filter(|open| open.may_grow(to.next, window));
                values.push(SavedTimes {
                    value: to.value(by, value),
                    times,
                    open: open.as_ref().map(Open::save),
                });
            }
        }
        values.sort_unstable_by_key(|value| value.value);
        (!values.is_empty()).then_some(SavedKeyed { values })
    }

    /// The state that was saved.
    #[must_use]
    pub fn load(
        saved: &SavedKeyed,
        whose: Whose<'_>,
        what: Keyed,
        from: &mut Loader,
    ) -> KeyedState {
        let known = saved.values.iter().map(|saved| {
            let value = from.value(what.by, saved.value);
            let open = saved.open.as_ref();
            Known {
                value,
                times: saved.times.clone(),
                open: open.map(|open| Open::load(open, whose, smallvec![value], 0)),
            }
        });
        let known: Vec<Known> = known.collect();
        match KeyedState::new(what.at_least) {
            KeyedState::Sieve(_) => {
                let sieve = Sieve::of(known);
                if sieve.is_full() {
                    return KeyedState::Table(sieve.into_table(what.window));
                }
                KeyedState::Sieve(sieve)
            }
            KeyedState::Table(_) => KeyedState::Table(Table::of(known, what.window)),
        }
    }

    /// Closes what is open.
    pub fn finish(&mut self, out: &mut Out<'_>) {
        match self {
            KeyedState::Sieve(sieve) => sieve.finish(out),
            KeyedState::Table(table) => table.finish(out),
        }
    }
}

/// Adds record `i` of a run, which is flagged, to the finding of its value, or to a new one: so many stand in
/// its window, the first of them at `since`.
fn add(
    open: &mut Option<Open>,
    of: Placed<'_>,
    what: Keyed,
    (run, i, value): (&Run<'_>, usize, Value),
    (observed, since): (usize, i64),
    out: &mut Out<'_>,
) {
    let hit = Hit {
        row: run.rows[i],
        time: run.time[i],
        observed: observed.cast_signed() as i64,
        since,
        active_days: -1,
    };
    super::count::add(open, hit, what.window, out, |dictionaries| {
        Open::new(
            (of.place, of.rule),
            run.key,
            (&[what.by], smallvec![value]),
            (Key::Date, 0),
            hit.time,
            dictionaries,
        )
    });
}

#[cfg(test)]
mod tests;
