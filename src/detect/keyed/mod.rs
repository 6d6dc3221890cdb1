//! `count` with one `by` field: for each of its values, the times in the window.
//!
//! The hottest state there is, so it comes in two forms that say the same: a [`sieve`] that notes
//! little of values that are rare in the window, which nearly all are; and a [`table`] that holds
//! the times of every value, where the threshold is too low or the window too full for a sieve.

mod queue;
mod sieve;
mod table;

use serde::{Deserialize, Serialize};
use smallvec::smallvec;

use self::sieve::Sieve;
use self::table::Table;
use super::count::add;
use super::rule::Placed;
use super::run::{Hit, Open, Out, Run};
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

/// Times of values in a window that moves on.
trait Times {
    /// What is known of every value; more than stands in the window, if it is not looked at yet.
    fn known(&self) -> Vec<Known>;
    /// Something to do before `records` records come.
    fn prepare(&mut self, records: usize);
    /// Takes the records of a run from a place on, quickly, for as long as none of them can reach the
    /// threshold; the first that it did not take.
    fn pass(
        &mut self,
        run: &Run<'_>,
        from: usize,
        place: usize,
        what: Keyed,
        to: &mut Tally,
    ) -> usize;
    /// Whether another form would do better.
    fn is_full(&self) -> bool;
    /// Adds a time of a value, not before any other; how many stand in the window now, or some
    /// number below the threshold.
    fn push(&mut self, value: Value, time: i64, what: Keyed, out: &mut Out<'_>) -> usize;
    /// Of a value that has reached the threshold: how many stand in the window, and the first. Of
    /// others: anything, with a number below the threshold.
    fn standing(&self, value: Value) -> (usize, i64);
    /// Hands over the open finding of a value that has reached the threshold.
    fn with_open(&mut self, value: Value, change: impl FnOnce(&mut Option<Open>));
}

/// Records in scope.
#[derive(Default)]
struct Tally {
    evaluated: u64,
    not_evaluable: u64,
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
            from = advance(sieve, of, what, (run, from), out);
            if sieve.is_full() {
                *self = KeyedState::Table(std::mem::take(sieve).into_table(what.window));
            }
        }
        if let KeyedState::Table(table) = self {
            advance(table, of, what, (run, from), out);
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
                let sieve = Sieve::of(known, what.at_least);
                if sieve.is_full() {
                    return KeyedState::Table(sieve.into_table(what.window));
                }
                KeyedState::Sieve(sieve)
            }
            KeyedState::Table(_) => KeyedState::Table(Table::of(known, what.window)),
        }
    }

    /// Closes what is open.
    pub fn finish(self, out: &mut Out<'_>) {
        match self {
            KeyedState::Sieve(sieve) => sieve.finish(out),
            KeyedState::Table(table) => table.finish(out),
        }
    }
}

/// Takes the records from a place on, until the form is full; how far it came.
fn advance(
    times: &mut impl Times,
    of: Placed<'_>,
    what: Keyed,
    (run, mut i): (&Run<'_>, usize),
    out: &mut Out<'_>,
) -> usize {
    let mut tally = Tally::default();
    times.prepare(run.len() - i);
    while i < run.len() && !times.is_full() {
        i = times.pass(run, i, of.place, what, &mut tally);
        if i == run.len() {
            break;
        }
        if !run.has(i, of.place) {
            i += 1;
            continue;
        }
        let end = run.instant_end(i);
        let mut most = 0;
        for j in (i..end).filter(|&j| run.has(j, of.place)) {
            let value = run.value(j, what.by);
            let in_scope = u64::from(run.in_scope(j));
            if value == 0 {
                tally.not_evaluable += in_scope;
            } else {
                tally.evaluated += in_scope;
                most = most.max(times.push(value, run.time[j], what, out));
            }
        }
        if most as u64 >= what.at_least {
            // (Records of this instant that were passed reach what is reached at its end.)
            let instant = run.instant_start(i)..end;
            for j in instant.filter(|&j| run.has(j, of.place) && run.in_scope(j)) {
                judge(times, of, what, run, j, out);
            }
        }
        i = end;
    }
    out.counts[of.place].evaluated += tally.evaluated;
    out.counts[of.place].not_evaluable += tally.not_evaluable;
    i
}

/// Reads all of a state: one stream from memory instead of a wait at every value.
#[inline(never)]
fn bring_near<T: Copy + Into<u64>>(state: &[T]) {
    let line = 64 / size_of::<T>();
    let sum = state.iter().step_by(line).fold(0, |sum, &x| sum ^ x.into());
    std::hint::black_box(sum);
}

fn judge(
    times: &mut impl Times,
    of: Placed<'_>,
    what: Keyed,
    run: &Run<'_>,
    j: usize,
    out: &mut Out<'_>,
) {
    let value = run.value(j, what.by);
    if value == 0 {
        return;
    }
    let (observed, since) = times.standing(value);
    if (observed as u64) < what.at_least {
        return;
    }
    let hit = Hit {
        row: run.rows[j],
        time: run.time[j],
        observed: observed.cast_signed() as i64,
        since,
        active_days: -1,
    };
    times.with_open(value, |open| {
        add(open, hit, what.window, out, |d| {
            Open::new(
                (of.place, of.rule),
                run.key,
                (&[what.by], smallvec![value]),
                (Key::Date, 0),
                hit.time,
                d,
            )
        });
    });
}

#[cfg(test)]
mod tests {
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::{Rng, SeedableRng};

    use super::*;
    use crate::block::Columns;
    use crate::detect::bits::Bits;
    use crate::detect::run::RuleCounts;
    use crate::dictionary::Dictionaries;
    use crate::policy::Policy;
    use crate::record::Field;

    /// What stands in the window at each record, where that is the threshold or more.
    fn standing(
        times: &mut impl Times,
        records: &[(Value, i64)],
        what: Keyed,
    ) -> Vec<(usize, i64)> {
        let dictionaries = Dictionaries::default();
        let mut out = Out {
            flags: Vec::new(),
            findings: Vec::new(),
            counts: Vec::new(),
            dictionaries: &dictionaries,
        };
        let mut all = Vec::new();
        for &(value, time) in records {
            let pushed = times.push(value, time, what, &mut out);
            let (observed, since) = times.standing(value);
            let reached = observed as u64 >= what.at_least;
            assert_eq!(pushed as u64 >= what.at_least, reached);
            all.push(if reached { (observed, since) } else { (0, 0) });
        }
        all
    }

    fn expected(records: &[(Value, i64)], what: Keyed) -> Vec<(usize, i64)> {
        let before = |i: usize| {
            let (value, time) = records[i];
            let mut inside = records[..=i]
                .iter()
                .filter(|&&(v, t)| v == value && t > time - what.window);
            let count = inside.clone().count();
            if count as u64 >= what.at_least {
                (count, inside.next().expect("the record itself").1)
            } else {
                (0, 0)
            }
        };
        (0..records.len()).map(before).collect()
    }

    #[test]
    fn both_forms_say_what_a_list_says_also_when_carried_over() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
        for round in 0..60usize {
            // From a few values again and again to many that hardly recur.
            let values = [2, 7, 40, 600][round % 4];
            let what = Keyed {
                window: [1, 30, 500, 4000][round / 4 % 4],
                at_least: 4 + round as u64 % 5,
                by: Key::Field(Field::Subject),
            };
            let mut time = 0;
            let records: Vec<(Value, i64)> = (0..1500)
                .map(|_| {
                    let n = random.next_u64();
                    // Steps of nothing, of a little and, now and then, of more than a window.
                    let step = (n >> 32) % 6;
                    let steps = [0, 0, 1, 3, 10, 900];
                    time += steps[usize::try_from(step).unwrap()] * i64::from(n % 9 != 0);
                    // Values that share their lowest bits meet in one count.
                    let value = 1 + (n % values) * if round % 2 == 0 { 1 } else { 1 << 40 };
                    (value, time)
                })
                .collect();
            let list = expected(&records, what);
            assert_eq!(standing(&mut Table::default(), &records, what), list);
            assert_eq!(standing(&mut Sieve::default(), &records, what), list);
            let mut sieve = Sieve::default();
            let (early, late) = records.split_at(700);
            let mut both = standing(&mut sieve, early, what);
            let (mut carried, mut in_table) = (both.clone(), both.clone());
            let mut again = Sieve::of(sieve.known(), what.at_least);
            carried.extend(standing(&mut again, late, what));
            assert_eq!(carried, list);
            let mut again = Table::of(sieve.known(), what.window);
            in_table.extend(standing(&mut again, late, what));
            assert_eq!(in_table, list);
            let mut table = sieve.into_table(what.window);
            both.extend(standing(&mut table, late, what));
            assert_eq!(both, list);
        }
    }

    #[test]
    fn a_window_of_more_records_than_a_print_tells_apart_loses_nothing() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(6);
        let what = Keyed {
            window: 20_000,
            at_least: 5,
            by: Key::Field(Field::Subject),
        };
        // As many stand in the window as it is long, so that there are more counts than prints.
        let records: Vec<(Value, i64)> = (0..60_000)
            .map(|time| (1 + random.next_u64() % 12_000, time))
            .collect();
        let mut sieve = Sieve::default();
        let found = standing(&mut sieve, &records, what);
        assert!(!sieve.is_full() && sieve.counts() > 1 << 16);
        assert!(found.iter().any(|&(observed, _)| observed > 0));
        assert_eq!(found, standing(&mut Table::default(), &records, what));
    }

    /// Row, observed and since of the records that a state flags, taken in runs of whole instants.
    fn flagged(
        state: &mut KeyedState,
        records: &[(Value, i64)],
        policy: &Policy,
        what: Keyed,
        cuts: impl Fn(usize) -> bool,
    ) -> (Vec<(u32, i64, i64)>, RuleCounts) {
        let bits = Bits::of(policy);
        let dictionaries = Dictionaries::default();
        let mut out = Out {
            flags: Vec::new(),
            findings: Vec::new(),
            counts: vec![RuleCounts::default()],
            dictionaries: &dictionaries,
        };
        let columns = Columns {
            subject: records.iter().map(|r| r.0).collect(),
            time: records.iter().map(|r| r.1).collect(),
            // The first rule's `where` holds for most, the scope for nearly all.
            masks: (0..records.len() as u64)
                .map(|i| u64::from(i % 11 != 3) | u64::from(i % 13 != 5) << bits.scope())
                .collect(),
            ..Columns::default()
        };
        let rows: Vec<u32> = (0..).take(records.len()).collect();
        let mut from = 0;
        for to in 1..=records.len() {
            let whole = to == records.len() || columns.time[to] != columns.time[to - 1];
            if whole && (to == records.len() || cuts(to)) {
                let some: Vec<usize> = (from..to).collect();
                let columns = columns.select(&some);
                let run = Run {
                    key: 1,
                    rows: &rows[from..to],
                    time: &columns.time,
                    masks: &columns.masks,
                    words: 1,
                    bits,
                    columns: &columns,
                };
                let rule = &policy.rules[0];
                let (place, steps) = (0, 0);
                state.advance(Placed { place, rule, steps }, what, &run, &mut out);
                from = to;
            }
        }
        let mut flags: Vec<(u32, i64, i64)> = out
            .flags
            .iter()
            .map(|flag| (flag.row, flag.observed, flag.since))
            .collect();
        flags.sort_unstable();
        (flags, out.counts[0])
    }

    #[test]
    fn records_are_passed_only_where_a_table_flags_none() {
        let policy = "[[rules]]\nid = \"r\"\nviewpoint = 5\nkind = \"count\"\nby = [\"subject\"]\nwindow = \"7d\"\nat_least = 5\n";
        let policy = Policy::from_toml(policy, "test", None).expect("a policy");
        let mut random = Xoshiro256PlusPlus::seed_from_u64(8);
        let mut some = 0;
        for round in 0..80u64 {
            let what = Keyed {
                window: [1, 30, 500, 4000][usize::try_from(round / 4 % 4).unwrap()],
                at_least: 4 + round % 5,
                by: Key::Field(Field::Subject),
            };
            let values = [2, 7, 40, 600][usize::try_from(round % 4).unwrap()];
            let mut time = 0;
            let records: Vec<(Value, i64)> = (0..1500)
                .map(|_| {
                    let n = random.next_u64();
                    time += [0, 0, 1, 3, 10, 900][usize::try_from((n >> 32) % 6).unwrap()]
                        * i64::from(n % 9 != 0);
                    (n % values, time) // 0: null
                })
                .collect();
            let mut sieve = KeyedState::new(what.at_least);
            assert!(matches!(sieve, KeyedState::Sieve(_)));
            let mut table = KeyedState::Table(Table::default());
            let (by_table, counts) = flagged(&mut table, &records, &policy, what, |_| false);
            some += by_table.len();
            for every in [1, 7, 1 << 20] {
                let cuts = |to: usize| to.is_multiple_of(every);
                let by_sieve = flagged(&mut sieve, &records, &policy, what, cuts);
                assert_eq!(by_sieve, (by_table.clone(), counts), "round {round}");
                sieve = KeyedState::new(what.at_least);
            }
        }
        assert!(some > 1000);
    }

    #[test]
    fn a_count_that_stays_at_the_most_loses_nothing() {
        let what = Keyed {
            window: 1 << 40,
            at_least: 32,
            by: Key::Field(Field::Subject),
        };
        // One place for all: values that differ in bits that the hash does not show.
        let records: Vec<(Value, i64)> = (0..400u64)
            .map(|i| ((i % 10 + 1) << 44, i.cast_signed()))
            .collect();
        let list = expected(&records, what);
        assert_eq!(standing(&mut Sieve::default(), &records, what), list);
    }
}
