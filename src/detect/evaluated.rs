//! How much each rule evaluated: pairs of key and civil day that it could judge, of keys, and of
//! users. Runs go in, as the rules take them; figures per rule come out at the end.
//!
//! A day of a key is decided when the key's next day begins, so it does not matter how a day falls
//! into batches. What a day costs is a look at each record's mask and a verdict per rule; which
//! records a rule could judge is asked only until one is found.

use hashbrown::HashSet;
use serde::{Deserialize, Serialize};

use super::bits::{Bits, has};
use super::days::{Newest, words};
use super::run::Run;
use super::values::{Value, day_of};
use crate::dictionary::Id;
use crate::log::scan;
use crate::policy::{Key, Kind, Policy, Rule, Sequence};
use crate::record::{DAY_MS, Field};

/// How much a rule evaluated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evaluated {
    /// Pairs of key and civil day.
    pub key_days: u64,
    /// Keys with such a day.
    pub keys: u64,
    /// Of rules per user: keys with such a day, the null key apart.
    user_keys: u64,
    /// Of other rules: the users with a record in scope on such a day, as the bits of their ids.
    user_bits: Vec<u64>,
}

impl Evaluated {
    /// Figures of a rule per user, to try out what is made of them.
    #[cfg(test)]
    #[must_use]
    pub fn of(key_days: u64, users: u64) -> Evaluated {
        Evaluated {
            key_days,
            user_keys: users,
            ..Evaluated::default()
        }
    }

    /// Distinct users with a record in scope on such days.
    #[must_use]
    pub fn users(&self) -> u64 {
        let bits = self.user_bits.iter().map(|w| u64::from(w.count_ones()));
        self.user_keys + bits.sum::<u64>()
    }

    /// Adds what was counted of other keys.
    pub fn add(&mut self, other: &Evaluated) {
        self.key_days += other.key_days;
        self.keys += other.keys;
        self.user_keys += other.user_keys;
        if self.user_bits.len() < other.user_bits.len() {
            self.user_bits.resize(other.user_bits.len(), 0);
        }
        for (to, from) in self.user_bits.iter_mut().zip(&other.user_bits) {
            *to |= from;
        }
    }

    fn add_user(&mut self, user: Id) {
        let word = user as usize / 64;
        if self.user_bits.len() <= word {
            self.user_bits.resize(word + 1, 0);
        }
        self.user_bits[word] |= 1 << (user % 64);
    }
}

/// What a rule needs to judge a day.
#[derive(Clone, Debug)]
struct Needs {
    /// The rule's place in the policy, which is its bit in a mask.
    place: usize,
    /// Fields without which a record cannot be judged.
    values: Vec<Key>,
    /// Days that it looks back; 0 for kinds that do not.
    lookback: u32,
    /// Active days it needs before a day with nothing to judge, and before one with something.
    active_days: [u32; 2],
    /// Whether records without key are judged.
    takes_null: bool,
}

impl Needs {
    fn of(place: usize, rule: &Rule) -> Needs {
        let (lookback, active_days) = match rule.kind {
            Kind::Novelty {
                lookback,
                min_active_days: least,
                ..
            } => (lookback, [least, least]),
            // Without any half-hour in use there is nothing to measure from.
            Kind::Hours {
                lookback,
                min_active_days: least,
                ..
            } => (lookback, [least.max(1), least.max(1)]),
            // Without any day there is no median to hold a record against.
            Kind::Spike(of) => (of.lookback, [of.min_active_days, of.min_active_days.max(1)]),
            _ => (0, [0, 0]),
        };
        let values = match &rule.kind {
            Kind::Count { by, .. } | Kind::Sequence(Sequence { by, .. }) => by.clone(),
            Kind::Distinct { field, by, .. } => by.iter().copied().chain([*field]).collect(),
            Kind::Novelty { field, .. } => vec![*field],
            Kind::Match | Kind::Hours { .. } | Kind::Spike(_) | Kind::Gap { .. } => Vec::new(),
        };
        Needs {
            place,
            values,
            lookback,
            active_days,
            takes_null: rule.kind == Kind::Match,
        }
    }

    /// Whether any of the records `from..to` of a run could be judged.
    fn judges(&self, run: &Run<'_>, from: usize, to: usize) -> bool {
        self.values.is_empty()
            || (from..to).any(|i| {
                run.judged(i, self.place) && self.values.iter().all(|&key| run.value(i, key) != 0)
            })
    }
}

/// The days of one key: of the day that is under way, what the rules have seen of it.
pub struct KeyDays {
    /// `i32::MIN` before the first.
    day: i32,
    active: Newest,
    /// See [`Layout`].
    bits: Box<[u64]>,
    /// Users of today in scope; not kept if the key is one.
    users: HashSet<Id, foldhash::fast::RandomState>,
}

impl KeyDays {
    /// See [`RuleState::bring_near`](super::rule::RuleState::bring_near).
    #[must_use]
    pub fn bring_near(&self, depth: u8) -> u64 {
        match depth {
            0 => u64::from(self.day.cast_unsigned()),
            1 => self.bits.iter().fold(0, |sum, word| sum ^ word),
            _ => 0,
        }
    }
}

/// The last day on which a key was active, and the days before it within the lookbacks, as bits;
/// empty where no rule looks back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SavedDays {
    newest: i32,
    words: Vec<u64>,
}

/// Where things stand in the words of a key: active days, then the masks of today's records in
/// scope, put together by OR, then a bit per rule for "judged a record today", and one for "ever counted".
#[derive(Clone, Copy, Debug)]
struct Layout {
    masks: usize,
    judged: usize,
    ever: usize,
    end: usize,
}

/// Counts the days of the keys of a `per` field.
#[derive(Debug)]
pub struct Days {
    per_user: bool,
    scope: usize,
    rules: Vec<Needs>,
    layout: Layout,
    counts: Vec<Evaluated>,
}

impl Days {
    /// A counter for the rules at `places` of a policy, which share the field `per`.
    #[must_use]
    pub fn new(policy: &Policy, per: Field, places: &[usize]) -> Days {
        let rules: Vec<Needs> = places
            .iter()
            .map(|&place| Needs::of(place, &policy.rules[place]))
            .collect();
        let bits = Bits::of(policy);
        let masks = words(rules.iter().map(|r| r.lookback).max().unwrap_or(0));
        let judged = masks + bits.words();
        let ever = judged + rules.len().div_ceil(64);
        Days {
            per_user: per == Field::User,
            scope: bits.scope(),
            layout: Layout {
                masks,
                judged,
                ever,
                end: ever + rules.len().div_ceil(64),
            },
            counts: vec![Evaluated::default(); rules.len()],
            rules,
        }
    }

    /// A key before its first record.
    #[must_use]
    pub fn key(&self) -> KeyDays {
        KeyDays {
            day: i32::MIN,
            active: Newest::NONE,
            bits: vec![0; self.layout.end].into(),
            users: HashSet::default(),
        }
    }

    /// What is remembered of a key's days in a state.
    #[must_use]
    pub fn save(&self, key: &KeyDays) -> SavedDays {
        if self.rules.iter().all(|rule| rule.lookback == 0) {
            return SavedDays::default();
        }
        SavedDays {
            newest: key.active.0,
            words: key.bits[..self.layout.masks].to_vec(),
        }
    }

    /// A key of which a state remembers the days; none if they are not as many as they must be.
    #[must_use]
    pub fn load(&self, saved: &SavedDays) -> Option<KeyDays> {
        let mut key = self.key();
        if self.rules.iter().any(|rule| rule.lookback > 0) {
            if saved.words.len() != self.layout.masks {
                return None;
            }
            key.active = Newest(saved.newest);
            key.bits[..self.layout.masks].copy_from_slice(&saved.words);
        }
        Some(key)
    }

    /// Takes the next records of a key.
    pub fn take(&mut self, key: &mut KeyDays, run: &Run<'_>) {
        let mut from = 0;
        while from < run.len() {
            let day = day_of(run.time[from]);
            if day != key.day {
                self.close(run.key, key);
                key.day = day;
                let (active, today) = key.bits.split_at_mut(self.layout.masks);
                key.active.add(active, day);
                today[..self.layout.ever - self.layout.masks].fill(0);
            }
            let tomorrow = (i64::from(day) + 1) * DAY_MS;
            let to = from + run.time[from..].partition_point(|&time| time < tomorrow);
            self.take_today(key, run, from, to);
            from = to;
        }
    }

    /// Takes the records `from..to`, which are of the day that is under way.
    fn take_today(&self, key: &mut KeyDays, run: &Run<'_>, from: usize, to: usize) {
        let (masks, judged) =
            key.bits[self.layout.masks..].split_at_mut(self.layout.judged - self.layout.masks);
        if let [mask] = &mut *masks {
            *mask |= scan::hot(InScope(&run.masks[from..to], self.scope));
        } else {
            for i in (from..to).filter(|&i| run.in_scope(i)) {
                for (to, from) in masks.iter_mut().zip(&run.masks[i * run.words..]) {
                    *to |= from;
                }
            }
        }
        for (n, rule) in self.rules.iter().enumerate() {
            if has(masks, rule.place) && !has(judged, n) && rule.judges(run, from, to) {
                judged[n / 64] |= 1 << (n % 64);
            }
        }
        if !self.per_user {
            let users = run.ids(Key::Field(Field::User)).unwrap_or_default();
            let mut last = 0;
            for (i, &user) in (from..to).zip(users.get(from..to).unwrap_or_default()) {
                if user != 0 && user != last && run.in_scope(i) {
                    key.users.insert(user);
                    last = user;
                }
            }
        }
    }

    /// Decides the day that is under way.
    fn close(&mut self, value: Value, key: &mut KeyDays) {
        let (active, today) = key.bits.split_at_mut(self.layout.masks);
        let (masks, today) = today.split_at_mut(self.layout.judged - self.layout.masks);
        let (judged, ever) = today.split_at_mut(self.layout.ever - self.layout.judged);
        if has(masks, self.scope) {
            for (n, (rule, counts)) in self.rules.iter().zip(&mut self.counts).enumerate() {
                let something = has(masks, rule.place);
                let least = rule.active_days[usize::from(something)];
                if (something && !has(judged, n))
                    || (value == 0 && !rule.takes_null)
                    || (least > 0
                        && key.active.before(active, key.day, rule.lookback).count < least)
                {
                    continue;
                }
                counts.key_days += 1;
                if !has(ever, n) {
                    ever[n / 64] |= 1 << (n % 64);
                    counts.keys += 1;
                    counts.user_keys += u64::from(self.per_user && value != 0);
                }
                for &user in &key.users {
                    counts.add_user(user);
                }
            }
        }
        key.users.clear();
    }

    /// No more records of a key.
    pub fn end(&mut self, value: Value, key: &mut KeyDays) {
        self.close(value, key);
    }

    /// Hands over the figures, with the rules' places in the policy.
    pub fn figures(&mut self) -> Vec<(usize, Evaluated)> {
        let places = self.rules.iter().map(|rule| rule.place);
        places
            .zip(self.counts.iter_mut().map(std::mem::take))
            .collect()
    }
}

/// The bits of the masks, of one word, of records in scope; and the bit of the scope.
struct InScope<'a>(&'a [u64], usize);

impl scan::Hot for InScope<'_> {
    type Output = u64;

    #[inline(always)]
    fn run(self) -> u64 {
        // (0 for a record out of scope.)
        let in_scope = |mask: &u64| mask & (mask >> self.1 & 1).wrapping_neg();
        self.0.iter().map(in_scope).fold(0, |all, mask| all | mask)
    }
}
