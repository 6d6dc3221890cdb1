//! Both forms against a list, over windows, thresholds, ties and cuts, also when carried over.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::*;
use crate::block::Columns;
use crate::detect::bits::Bits;
use crate::dictionary::{Dictionaries, id_column};
use crate::policy::Policy;
use crate::record::Field;

/// Value (0: null), time, whether `where` holds, whether in scope.
type Record = (Value, i64, bool, bool);

/// Row, observed and since.
type Flagged = (u32, i64, i64);

/// Value, first and last time, records, peak.
type Found = (Value, i64, i64, u64, i64);

/// What comes out.
type Result = (Vec<Flagged>, RuleCounts, Vec<Found>);

const POLICY: &str = "[[rules]]\nid = \"r\"\nviewpoint = 5\nkind = \"count\"\nby = [\"subject\"]\nwindow = \"7d\"\nat_least = 5\n";

fn policy() -> Policy {
    Policy::from_toml(POLICY, "test", None).expect("a policy")
}

fn what(window: i64, at_least: u64) -> Keyed {
    Keyed {
        window,
        at_least,
        by: Key::Field(Field::Subject),
    }
}

/// Records of `values` values, now and then several of an instant, now and then a window apart.
fn records(random: &mut Xoshiro256PlusPlus, count: usize, values: u64) -> Vec<Record> {
    let mut time = 0;
    // Also values that differ in their highest bits only.
    let apart = [1, 1 << 40, 1 << 48][(random.next_u64() % 3) as usize];
    let record = |_| {
        let n = random.next_u64();
        let step = [0, 0, 1, 3, 10, 900][(n >> 32) as usize % 6];
        time += step * i64::from(!n.is_multiple_of(9));
        let value = n % values * apart;
        (value, time, n >> 40 & 15 != 3, n >> 44 & 15 != 5)
    };
    (0..count).map(record).collect()
}

/// What semantics say of each record that is flagged.
fn expected(records: &[Record], what: Keyed) -> Result {
    let mut counts = RuleCounts::default();
    let (mut flagged, mut found) = (Vec::new(), Vec::<Found>::new());
    for (row, &(value, time, holds, in_scope)) in (0..).zip(records) {
        if !holds || !in_scope {
            continue;
        }
        if value == 0 {
            counts.not_evaluable += 1;
            continue;
        }
        counts.evaluated += 1;
        let mut inside = records
            .iter()
            .filter(|r| r.0 == value && r.2 && r.1 > time - what.window && r.1 <= time);
        let observed = inside.clone().count();
        if observed as u64 >= what.at_least {
            let since = inside.next().expect("the record itself").1;
            let observed = observed.cast_signed() as i64;
            flagged.push((row, observed, since));
            // Flagged records of a value less than a window apart are one finding.
            let grows = |f: &&mut Found| f.0 == value && time - f.2 < what.window;
            match found.iter_mut().find(grows) {
                Some((_, _, last, count, peak)) => {
                    (*last, *count, *peak) = (time, *count + 1, observed.max(*peak));
                }
                None => found.push((value, time, time, 1, observed)),
            }
        }
    }
    found.sort_unstable();
    (flagged, counts, found)
}

/// What a state says of them, taken in runs of whole instants.
struct Taker<'a> {
    policy: &'a Policy,
    bits: Bits,
    out: Out<'a>,
}

impl<'a> Taker<'a> {
    fn new(policy: &'a Policy, dictionaries: &'a Dictionaries) -> Self {
        let out = Out {
            flags: Vec::new(),
            findings: Vec::new(),
            counts: vec![RuleCounts::default()],
            dictionaries,
            room: Room::default(),
        };
        let bits = Bits::of(policy);
        Taker { policy, bits, out }
    }

    fn run(&mut self, state: &mut KeyedState, records: &[Record], from: usize, what: Keyed) {
        let (bits, words) = (self.bits, self.bits.words());
        let mut columns = Columns {
            time: records.iter().map(|r| r.1).collect(),
            masks: vec![0; records.len() * words],
            ..Columns::default()
        };
        for (mask, r) in columns.masks.chunks_exact_mut(words).zip(records) {
            mask[0] |= u64::from(r.2);
            mask[bits.scope() / 64] |= u64::from(r.3) << (bits.scope() % 64);
        }
        let small = records.iter().map(|r| u32::try_from(r.0).unwrap_or(0));
        match what.by {
            Key::Field(Field::Subject) => columns.subject = records.iter().map(|r| r.0).collect(),
            Key::Field(Field::Terminal) => {
                let terminal = id_column(Field::Terminal).expect("an id field");
                columns.ids[terminal] = small.collect();
            }
            _ => {
                let codes = small.map(|value| u8::try_from(value).unwrap_or(0));
                columns.result = codes.collect();
            }
        }
        let row = |i: usize| u32::try_from(from + i).expect("few records");
        let rows: Vec<u32> = (0..records.len()).map(row).collect();
        let run = Run {
            key: 1,
            rows: &rows,
            time: &columns.time,
            masks: &columns.masks,
            words,
            bits,
            columns: &columns,
        };
        let rule = &self.policy.rules[0];
        let (place, steps) = (0, 0);
        state.advance(Placed { place, rule, steps }, what, &run, &mut self.out);
    }

    /// Takes `records[range]`, cut where `cuts` says so and an instant ends.
    fn take(
        &mut self,
        state: &mut KeyedState,
        (records, range): (&[Record], std::ops::Range<usize>),
        what: Keyed,
        cuts: impl Fn(usize) -> bool,
    ) {
        let mut from = range.start;
        for to in range.start + 1..=range.end {
            let whole = to == records.len() || records[to].1 != records[to - 1].1;
            if to == range.end || whole && cuts(to) {
                self.run(state, &records[from..to], from, what);
                from = to;
            }
        }
    }

    /// Flags, counts and findings.
    fn end(mut self, mut state: KeyedState) -> Result {
        state.finish(&mut self.out);
        let Out {
            flags,
            findings,
            counts,
            ..
        } = self.out;
        let mut flags: Vec<Flagged> = flags
            .iter()
            .map(|flag| (flag.row, flag.observed, flag.since))
            .collect();
        flags.sort_unstable();
        let found = findings.iter();
        let mut found: Vec<Found> = found
            .map(|f| (f.by[0], f.first, f.last, f.records, f.peak))
            .collect();
        found.sort_unstable();
        (flags, counts[0], found)
    }
}

/// A place near the middle where an instant ends.
fn middle(records: &[Record]) -> usize {
    let half = records.len() / 2;
    let ends = (half..records.len()).find(|&to| records[to].1 != records[to - 1].1);
    ends.unwrap_or(records.len())
}

fn sieve_of(state: &KeyedState) -> &Sieve {
    match state {
        KeyedState::Sieve(sieve) => sieve,
        KeyedState::Table(_) => panic!("a table"),
    }
}

#[test]
fn both_forms_say_what_a_list_says_however_the_records_are_cut() {
    let (policy, dictionaries) = (policy(), Dictionaries::default());
    let mut random = Xoshiro256PlusPlus::seed_from_u64(8);
    let (mut some, mut kept, mut many) = (0, 0, 0);
    for round in 0..100 {
        let what = what(
            [1, 30, 500, 4000, 60_000][round / 4 % 5],
            4 + round as u64 % 5,
        );
        // From a few values again and again to many that hardly recur.
        let values = [3, 7, 40, 600][round % 4];
        let records = records(&mut random, 1200, values);
        let list = expected(&records, what);
        some += list.0.len();
        let values: std::collections::HashSet<Value> = list.2.iter().map(|f| f.0).collect();
        many += usize::from(values.len() > 30);
        for every in [1, 2, 7, 100, 1 << 20] {
            for table in [false, true] {
                let mut state = KeyedState::new(what.at_least);
                assert!(matches!(state, KeyedState::Sieve(_)));
                if table {
                    state = KeyedState::Table(Table::default());
                }
                let mut taker = Taker::new(&policy, &dictionaries);
                let all = (&records[..], 0..records.len());
                taker.take(&mut state, all, what, |to| to.is_multiple_of(every));
                let keeps = |state: &KeyedState| matches!(state, KeyedState::Sieve(s) if s.kept_count(1).is_some());
                kept += usize::from(keeps(&state));
                assert_eq!(taker.end(state), list, "round {round}, {every}, {table}");
            }
        }
    }
    assert!(
        some > 5_000 && kept > 20 && many > 2,
        "{some}, {kept}, {many}"
    );
}

#[test]
fn what_is_carried_over_or_becomes_a_table_says_the_same() {
    let (policy, dictionaries) = (policy(), Dictionaries::default());
    let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
    for round in 0..48 {
        let what = what([30, 500, 4000][round / 4 % 3], 4 + round as u64 % 5);
        let records = records(&mut random, 1000, [3, 7, 40, 600][round % 4]);
        let list = expected(&records, what);
        let half = middle(&records);
        let cuts = |to: usize| to.is_multiple_of(50);
        for form in 0..3 {
            let mut taker = Taker::new(&policy, &dictionaries);
            let mut state = KeyedState::new(what.at_least);
            taker.take(&mut state, (&records, 0..half), what, cuts);
            state = match form {
                0 => KeyedState::Sieve(Sieve::of(sieve_of(&state).known())),
                1 => KeyedState::Table(Table::of(sieve_of(&state).known(), what.window)),
                _ => {
                    let KeyedState::Sieve(sieve) = state else {
                        panic!("a table")
                    };
                    KeyedState::Table(sieve.into_table(what.window))
                }
            };
            taker.take(&mut state, (&records, half..records.len()), what, cuts);
            assert_eq!(taker.end(state), list, "round {round}, {form}");
        }
    }
}

#[test]
fn whatever_is_counted_and_however_many_rules_there_are() {
    let (policy, dictionaries) = (policy(), Dictionaries::default());
    let mut random = Xoshiro256PlusPlus::seed_from_u64(10);
    for round in 0..24 {
        let values = [3, 4][round % 2];
        // (None of them is too large for a column of codes.)
        let numbered = (0u64..).zip(records(&mut random, 600, values));
        let records: Vec<Record> = numbered
            .map(|(i, r)| (i * i / 3 % values, r.1, r.2, r.3))
            .collect();
        for by in [Field::Subject, Field::Terminal, Field::Result] {
            let what = Keyed {
                by: Key::Field(by),
                ..what([4000, 60_000][round / 2 % 2], 4)
            };
            let list = expected(&records, what);
            assert!(list.0.len() > 10);
            for rules in [1, 62, 63, 64, 130] {
                for table in [false, true] {
                    let mut state = KeyedState::new(what.at_least);
                    if table {
                        state = KeyedState::Table(Table::default());
                    }
                    let mut taker = Taker::new(&policy, &dictionaries);
                    taker.bits = Bits { rules, steps: 0 };
                    let all = (&records[..], 0..records.len());
                    taker.take(&mut state, all, what, |to| to.is_multiple_of(90));
                    assert_eq!(taker.end(state), list, "{by:?}, {rules}, {table}");
                }
            }
        }
    }
}

#[test]
fn a_sieve_becomes_a_table_when_it_is_full() {
    let (policy, dictionaries) = (policy(), Dictionaries::default());
    let mut random = Xoshiro256PlusPlus::seed_from_u64(6);
    // As many stand in the window as it is long: more than prints tell apart, at last.
    let records: Vec<Record> = (0..90_000)
        .map(|time| (1 + random.next_u64() % 30_000, time, true, true))
        .collect();
    for (window, full) in [(20_000, false), (80_000, true)] {
        let what = what(window, 5);
        let end = |mut state: KeyedState| {
            let mut taker = Taker::new(&policy, &dictionaries);
            let all = (&records[..], 0..records.len());
            taker.take(&mut state, all, what, |to| to.is_multiple_of(1000));
            assert_eq!(matches!(state, KeyedState::Table(_)), full);
            taker.end(state)
        };
        let by_sieve = end(KeyedState::new(5));
        let mut taker = Taker::new(&policy, &dictionaries);
        let mut state = KeyedState::Table(Table::default());
        let all = (&records[..], 0..records.len());
        taker.take(&mut state, all, what, |_| false);
        assert!(by_sieve.0.len() > 100);
        assert_eq!(by_sieve, taker.end(state));
    }
}

#[test]
fn what_no_window_holds_any_more_does_not_wait_for_the_next_run() {
    let (policy, dictionaries) = (policy(), Dictionaries::default());
    let what = what(500, 5);
    let records: Vec<Record> = (0..2000)
        .map(|time: i64| (1 + time.cast_unsigned(), time, true, true))
        .collect();
    let mut state = KeyedState::new(5);
    let mut taker = Taker::new(&policy, &dictionaries);
    taker.take(&mut state, (&records, 0..records.len()), what, |_| false);
    let known = sieve_of(&state).known();
    let times: Vec<i64> = known
        .iter()
        .flat_map(|known| &known.times)
        .copied()
        .collect();
    // Those within the window all stand; of the others no more than a block with one of them.
    assert!((1500..2000).all(|time| times.contains(&time)));
    assert!(times.len() < 500 + 128, "{}", times.len());
}

#[test]
fn searches_that_cost_more_than_a_table_end_in_one() {
    let (policy, dictionaries) = (policy(), Dictionaries::default());
    let what = what(1 << 40, 5);
    // One value again and again, a record a run: each looks at all before it.
    let records: Vec<Record> = (0..3000).map(|time| (7, time, true, true)).collect();
    let mut state = KeyedState::new(5);
    let mut taker = Taker::new(&policy, &dictionaries);
    taker.take(&mut state, (&records, 0..records.len()), what, |_| true);
    assert!(matches!(state, KeyedState::Table(_)));
    assert_eq!(taker.end(state), expected(&records, what));
}

#[test]
fn records_weeks_apart_stand_in_one_window() {
    let (policy, dictionaries) = (policy(), Dictionaries::default());
    // Steps beyond what a block of the queue tells from its first record, and just not.
    let step = i64::from(u32::MAX);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(10);
    for window in [step - 1, 3 * step, 40 * step] {
        let what = what(window, 4);
        let mut time = -5 * step;
        let records: Vec<Record> = (0..600)
            .map(|_| {
                let n = random.next_u64();
                time += [0, 0, 1, step - 1, step, step + 1, 9 * step][(n >> 32) as usize % 7];
                (n % 5, time, n >> 40 & 15 != 3, true)
            })
            .collect();
        for every in [1, 7, 600] {
            let mut state = KeyedState::new(4);
            let mut taker = Taker::new(&policy, &dictionaries);
            let all = (&records[..], 0..records.len());
            taker.take(&mut state, all, what, |to| to.is_multiple_of(every));
            let found = taker.end(state);
            assert!(!found.0.is_empty());
            assert_eq!(found, expected(&records, what), "{window}, {every}");
        }
    }
}

#[test]
fn a_count_that_stays_at_the_most_loses_nothing() {
    let (policy, dictionaries) = (policy(), Dictionaries::default());
    let what = what(500, 32);
    // One count for all: values of one hash. Then one of them alone, when the others have left the window
    // and what was too much is counted anew.
    let values: Vec<Value> = (1..).filter(|&v| queue::print(v) == 7).take(10).collect();
    let crowd = (0..400).map(|i| (values[i % 10], i.cast_signed() as i64, true, true));
    let alone = (0..300).map(|i| (values[0], 3000 + i * 10, true, true));
    let records: Vec<Record> = crowd.chain(alone).collect();
    for every in [1, 60, 400] {
        let mut state = KeyedState::new(32);
        let mut taker = Taker::new(&policy, &dictionaries);
        let all = (&records[..], 0..records.len());
        taker.take(&mut state, all, what, |to| to.is_multiple_of(every));
        if every == 1 {
            let count = sieve_of(&state).kept_count(values[0]);
            assert!(count.is_some_and(|count| count < u8::MAX), "{count:?}");
        }
        let found = taker.end(state);
        assert!(!found.0.is_empty());
        assert_eq!(found, expected(&records, what), "{every}");
    }
}

#[test]
fn very_many_records_of_one_instant_are_no_work_for_a_sieve() {
    let (policy, dictionaries) = (policy(), Dictionaries::default());
    let what = what(1000, 5);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(9);
    let day = |time: i64, count: usize, values: u64| -> Vec<Record> {
        let value = |_| (1 + random.next_u64() % values, time, true, true);
        (0..count).map(value).collect()
    };
    // A few, then so many that each of their values would have to be looked for among all.
    let (mut day, mut records) = (day, Vec::new());
    for (time, count, values) in [(0, 300, 60), (500, 20_000, 5000), (1400, 300, 60)] {
        records.extend(day(time, count, values));
    }
    let mut state = KeyedState::new(5);
    let mut taker = Taker::new(&policy, &dictionaries);
    taker.take(&mut state, (&records, 0..records.len()), what, |_| true);
    assert!(matches!(state, KeyedState::Table(_)));
    let mut by_table = Taker::new(&policy, &dictionaries);
    let mut table = KeyedState::Table(Table::default());
    by_table.take(&mut table, (&records, 0..records.len()), what, |_| false);
    let found = taker.end(state);
    assert!(found.0.len() > 1000);
    assert_eq!(found, by_table.end(table));
}

#[test]
fn a_state_that_says_times_to_come_does_no_harm() {
    let (policy, dictionaries) = (policy(), Dictionaries::default());
    let what = what(1000, 5);
    let value = |time: i64| Known {
        value: 7,
        times: vec![time; 6],
        open: None,
    };
    for time in [i64::MIN, 50, 99, 100, 101, 5000, i64::MAX] {
        let mut state = KeyedState::Sieve(Sieve::of(vec![value(time)]));
        let mut taker = Taker::new(&policy, &dictionaries);
        let records: Vec<Record> = (98..101).map(|time| (7, time, true, true)).collect();
        taker.take(&mut state, (&records, 0..3), what, |_| false);
        let (flagged, counts, _) = taker.end(state);
        assert!(flagged.len() <= 3 && counts.evaluated == 3);
    }
}

#[test]
fn a_finding_grows_until_a_window_after_its_last_record_also_among_many() {
    let (policy, dictionaries) = (policy(), Dictionaries::default());
    let what = what(1000, 4);
    for apart in [998, 999, 1000, 1001] {
        // All values are flagged at once; then each again, in the window of its last record or not any more.
        let all = |time: i64, each: u64| {
            (0..each * 40).map(move |i| -> Record { (1 + i % 40, time, true, true) })
        };
        let records: Vec<Record> = all(0, 4).chain(all(apart, 4)).collect();
        let list = expected(&records, what);
        assert_eq!(list.2.len(), if apart < 1000 { 40 } else { 80 });
        for mut state in [KeyedState::new(4), KeyedState::Table(Table::default())] {
            let mut taker = Taker::new(&policy, &dictionaries);
            taker.take(&mut state, (&records, 0..records.len()), what, |_| true);
            assert_eq!(taker.end(state), list, "{apart}");
        }
    }
}
