//! Counts: of records in scope by day and by department × weekday × hour, of flags by rule, user, day.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::Finding;
use crate::block::Columns;
use crate::detect::bits::Bits;
use crate::detect::calendar::weekday;
use crate::detect::evaluated::Evaluated;
use crate::detect::run::RuleCounts;
use crate::detect::values::{Value, day_of};
use crate::dictionary::{Id, id_column};
use crate::log::scan;
use crate::policy::Rule;
use crate::record::{DAY_MS, Field};

const HOUR_MS: i64 = 3_600_000;

/// Days whose counts are at hand.
const RECENT: i32 = 128;

/// Hours of a week.
const WEEK: usize = 7 * 24;

/// Counts of records in scope. One per thread, summed at the end.
#[derive(Debug, Default)]
pub struct RecordTotals {
    /// Records by weekday × 24 + hour, department id.
    by_hour: Vec<Vec<u64>>,
    /// Records by civil day.
    by_day: HashMap<i32, u64, foldhash::fast::RandomState>,
    /// Days counted last, by their last bits, and their records that are not in `by_day` yet: records in
    /// no order are of another day at every step.
    recent: Vec<(i32, u64)>,
    /// Records.
    pub in_scope: u64,
}

impl RecordTotals {
    /// Counts the records of a block.
    pub fn add(&mut self, columns: &Columns, bits: Bits) {
        let departments = columns.ids[id_column(Field::Department).unwrap_or(0)].as_slice();
        let most = scan::hot(Most(departments)) as usize;
        self.by_hour.resize_with(WEEK, Vec::new);
        let (words, n) = (bits.words(), columns.len());
        let mut today = (i32::MIN, 0u64);
        let mut row = 0;
        while row < n {
            // The hour that is being counted: where it begins and ends, and its place in the week.
            let time = columns.time[row];
            let day = day_of(time);
            if day != today.0 {
                self.put_day(today);
                today = (day, 0);
            }
            let from = time - time.rem_euclid(HOUR_MS);
            let of_day = (from.rem_euclid(DAY_MS) / HOUR_MS).unsigned_abs();
            let hour = weekday(day) * 24 + usize::try_from(of_day).unwrap_or(0);
            // (The last hour that there is may have no end.)
            let end = row + columns.within(row, from..from.wrapping_add(HOUR_MS));
            let by_department = &mut self.by_hour[hour];
            if by_department.len() <= most {
                by_department.resize(most + 1, 0);
            }
            let masks = &columns.masks[row * words..end * words];
            let departments = departments.get(row..end).unwrap_or(&[]);
            today.1 += count(by_department, departments, masks, bits);
            row = end;
        }
        self.put_day(today);
        for at in 0..self.recent.len() {
            let counted = std::mem::take(&mut self.recent[at]);
            self.put_away(counted);
        }
    }

    fn put_day(&mut self, (day, records): (i32, u64)) {
        if self.recent.is_empty() {
            self.recent.resize(RECENT.unsigned_abs() as usize, (0, 0));
        }
        let at = day.rem_euclid(RECENT).unsigned_abs() as usize;
        if self.recent[at].0 != day {
            let counted = std::mem::replace(&mut self.recent[at], (day, 0));
            self.put_away(counted);
        }
        self.recent[at].1 += records;
        self.in_scope += records;
    }

    fn put_away(&mut self, (day, records): (i32, u64)) {
        if records > 0 {
            *self.by_day.entry(day).or_insert(0) += records;
        }
    }

    /// Adds the counts of another thread.
    pub fn merge(&mut self, other: &RecordTotals) {
        if self.by_hour.len() < other.by_hour.len() {
            self.by_hour.resize_with(other.by_hour.len(), Vec::new);
        }
        for (to, from) in self.by_hour.iter_mut().zip(&other.by_hour) {
            if to.len() < from.len() {
                to.resize(from.len(), 0);
            }
            for (to, from) in to.iter_mut().zip(from) {
                *to += from;
            }
        }
        for (&day, &records) in &other.by_day {
            *self.by_day.entry(day).or_insert(0) += records;
        }
        self.in_scope += other.in_scope;
    }

    /// Records by department id, weekday (Monday = 0) and hour, where there are any.
    pub fn activity(&self) -> impl Iterator<Item = (Id, usize, usize, u64)> + '_ {
        let departments = self.by_hour.iter().map(Vec::len).max().unwrap_or(0);
        (0..departments).flat_map(move |department| {
            let id = Id::try_from(department).unwrap_or(0);
            let hours = self.by_hour.iter().enumerate();
            hours.filter_map(move |(h, by_department)| {
                let &n = by_department.get(department)?;
                (n > 0).then_some((id, h / 24, h % 24, n))
            })
        })
    }

    /// Records by civil day.
    #[must_use]
    pub fn by_day(&self) -> BTreeMap<i32, u64> {
        self.by_day.iter().map(|(&d, &n)| (d, n)).collect()
    }
}

/// The greatest id; 0 if there is none.
struct Most<'a>(&'a [Id]);

impl scan::Hot for Most<'_> {
    type Output = Id;

    #[inline(always)]
    fn run(self) -> Id {
        self.0.iter().fold(0, |most, &id| most.max(id))
    }
}

/// Counts the records in scope by department (all null, if there is none); how many they are.
fn count(by_department: &mut [u64], departments: &[Id], masks: &[u64], bits: Bits) -> u64 {
    let (word, bit) = (bits.scope() / 64, bits.scope() % 64);
    let in_scope = masks
        .chunks_exact(bits.words())
        .map(|mask| mask[word] >> bit & 1);
    if departments.is_empty() {
        let records = in_scope.sum();
        by_department[0] += records;
        return records;
    }
    let mut records = 0;
    for (&department, one) in departments.iter().zip(in_scope) {
        by_department[department as usize] += one;
        records += one;
    }
    records
}

/// Counts of flags.
#[derive(Debug, Default)]
pub struct FlagTotals {
    /// By rule.
    pub counts: Vec<RuleCounts>,
    /// How much each rule evaluated, by rule.
    pub evaluated: Vec<Evaluated>,
    /// Flagged rows by rule.
    pub flagged: Vec<u64>,
    /// Findings by rule, those that go on from earlier scans left out: they were counted there.
    pub findings: Vec<u64>,
    /// Findings that go on from earlier scans.
    pub continued: u64,
    /// Flagged rows and findings by user and rule.
    pub by_user: HashMap<(Id, u32), (u64, u64), foldhash::fast::RandomState>,
    /// Flagged rows by civil day.
    pub by_day: BTreeMap<i32, u64>,
    /// By rule: whether its findings are one user's each, so that they tell themselves whose they are.
    pub(super) per_user: Vec<bool>,
    /// Of the other rules: findings and their users, and whether a record of theirs was flagged now.
    pub(super) seen: HashMap<(u64, Id), bool, foldhash::fast::RandomState>,
}

/// What is counted of a flag.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// The rule's place in the policy.
    pub(super) rule: u32,
    pub(super) finding: u64,
    pub(super) user: Id,
    pub(super) day: i32,
}

/// What is counted of the findings of a rule and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The rule's place in the policy.
    rule: u32,
    key: Value,
    /// How many begin in this scan.
    begun: u64,
    /// How many go on from earlier scans.
    continued: u64,
}

impl Found {
    /// What is counted of findings; those of a rule and key one after the other are one.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Vec<Found> {
        let alike = |a: &Finding, b: &Finding| (a.rule, a.key) == (b.rule, b.key);
        let found = findings.chunk_by(alike).map(|alike| {
            let begun = alike.iter().filter(|f| f.carried == 0).count();
            Found {
                rule: alike[0].rule,
                key: alike[0].key,
                begun: begun as u64,
                continued: (alike.len() - begun) as u64,
            }
        });
        found.collect()
    }
}

impl FlagTotals {
    /// No counts yet, for the rules of a policy.
    #[must_use]
    pub fn new(rules: &[Rule]) -> FlagTotals {
        FlagTotals {
            counts: vec![RuleCounts::default(); rules.len()],
            evaluated: vec![Evaluated::default(); rules.len()],
            flagged: vec![0; rules.len()],
            findings: vec![0; rules.len()],
            per_user: rules.iter().map(|rule| rule.per == Field::User).collect(),
            ..FlagTotals::default()
        }
    }

    /// Findings and users that earlier scans have counted.
    pub fn know(&mut self, seen: impl Iterator<Item = (u64, Id)>) {
        self.seen.extend(seen.map(|one| (one, false)));
    }

    /// Findings and the users they are counted for.
    pub fn seen(&self) -> impl Iterator<Item = (u64, Id)> + '_ {
        self.seen.keys().copied()
    }

    /// Of rules whose findings are not one user's each: the findings and the users of their records
    /// that were flagged now, in order.
    #[must_use]
    pub fn members(&self) -> Vec<(u64, Id)> {
        let now = self.seen.iter().filter(|(_, now)| **now);
        let mut members: Vec<(u64, Id)> = now
            .map(|(&one, _)| one)
            .filter(|(_, user)| *user != 0)
            .collect();
        members.sort_unstable();
        members
    }

    /// Whether the findings of a rule are one user's each.
    #[must_use]
    pub fn is_per_user(&self, rule: usize) -> bool {
        self.per_user[rule]
    }

    /// Counts flags.
    pub fn add(&mut self, flags: &[Counted]) {
        for of_day in flags.chunk_by(|one, next| one.day == next.day) {
            *self.by_day.entry(of_day[0].day).or_insert(0) += of_day.len() as u64;
        }
        for &Counted {
            rule,
            finding,
            user,
            ..
        } in flags
        {
            self.flagged[rule as usize] += 1;
            let counts = self.by_user.entry((user, rule)).or_insert((0, 0));
            counts.0 += 1;
            if !self.per_user[rule as usize] {
                let known = self.seen.insert((finding, user), true);
                counts.1 += u64::from(known.is_none());
            }
        }
    }

    /// Counts findings.
    pub fn add_findings(&mut self, found: &[Found]) {
        for &Found {
            rule,
            key,
            begun,
            continued,
        } in found
        {
            self.findings[rule as usize] += begun;
            self.continued += continued;
            if self.per_user[rule as usize] && begun > 0 {
                let user = Id::try_from(key).unwrap_or(0);
                self.by_user.entry((user, rule)).or_insert((0, 0)).1 += begun;
            }
        }
    }

    /// Adds the counts of rules.
    pub fn add_counts(&mut self, counts: &[RuleCounts]) {
        for (to, from) in self.counts.iter_mut().zip(counts) {
            to.evaluated += from.evaluated;
            to.not_evaluable += from.not_evaluable;
            to.unattributed += from.unattributed;
        }
    }

    /// Adds how much rules evaluated, by their places in the policy.
    pub fn add_evaluated(&mut self, evaluated: &[(usize, Evaluated)]) {
        for (place, figures) in evaluated {
            self.evaluated[*place].add(figures);
        }
    }
}
