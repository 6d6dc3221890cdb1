//! Results as Arrow tables. Orders are fixed: they depend on the set of records alone.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::{StringBuilder, StringDictionaryBuilder};
use arrow_array::types::UInt32Type;
use arrow_array::{
    ArrayRef, Date32Array, DictionaryArray, Int8Array, Int64Array, RecordBatch, StringArray,
    TimestampMillisecondArray, UInt32Array, UInt64Array,
};

use super::totals::{FlagTotals, RecordTotals};
use crate::detect::evaluated::Evaluated;
use crate::detect::values::{Value, text};
use crate::dictionary::{Dictionaries, Id, Values};
use crate::individual::mask::Mask;
use crate::policy::{Key, Kind, Policy, Rule};
use crate::record::Field;

/// What the tables name things by.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The scan's values.
    pub dictionaries: &'a Dictionaries,
    /// The sources, by number.
    pub sources: &'a [String],
    /// What hides Individual Numbers: every text of a record passes here.
    pub mask: &'a Mask,
}

impl Names<'_> {
    /// The rule at a place in the policy.
    pub(super) fn rule(&self, place: u32) -> &Rule {
        &self.policy.rules[place as usize]
    }

    /// What people read for a value of a key; none for null.
    pub(super) fn text(&self, key: Key, value: Value) -> Option<String> {
        let text = text(key, value, self.dictionaries)?;
        Some(match self.mask.value(key, &text) {
            Cow::Owned(masked) => masked,
            Cow::Borrowed(_) => text,
        })
    }
}

pub(super) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .expect("columns of one length")
}

pub(super) fn dictionary<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut builder = StringDictionaryBuilder::<UInt32Type>::new();
    for value in values {
        builder.append_option(value);
    }
    Arc::new(builder.finish())
}

/// A dictionary column of ids, with the values that occur, as `shown`.
pub(super) fn id_dictionary<'a>(
    values: &'a Values,
    ids: impl Iterator<Item = Id>,
    shown: impl Fn(&'a str) -> Cow<'a, str>,
) -> ArrayRef {
    let mut place = vec![u32::MAX; values.len() + 1];
    let mut texts = StringBuilder::new();
    let mut count = 0;
    let keys: UInt32Array = ids
        .map(|id| {
            let text = values.text(id)?;
            let at = &mut place[id as usize];
            if *at == u32::MAX {
                texts.append_value(shown(text));
                *at = count;
                count += 1;
            }
            Some(*at)
        })
        .collect();
    Arc::new(DictionaryArray::new(keys, Arc::new(texts.finish())))
}

pub(super) fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMillisecondArray>())
}

pub(super) fn viewpoints<'a>(rules: impl Iterator<Item = &'a Rule>) -> ArrayRef {
    Arc::new(
        rules
            .map(|r| r.viewpoint.and_then(|v| i8::try_from(v).ok()))
            .collect::<Int8Array>(),
    )
}

pub(super) fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A column of counts.
pub(super) fn counts(numbers: impl Iterator<Item = Option<u64>>) -> ArrayRef {
    Arc::new(numbers.map(|n| n.map(count)).collect::<Int64Array>())
}

/// The identities of findings as people read them: sixteen hexadecimal digits.
pub(super) fn finding_names(ids: impl ExactSizeIterator<Item = u64>) -> ArrayRef {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut names = StringBuilder::with_capacity(ids.len(), ids.len() * 16);
    for id in ids {
        let digits: [u8; 16] = std::array::from_fn(|i| DIGITS[(id >> (60 - 4 * i) & 15) as usize]);
        names.append_value(std::str::from_utf8(&digits).unwrap_or_default());
    }
    Arc::new(names.finish())
}

/// A dictionary column of places in a small list of texts, with those that occur.
pub(super) fn place_dictionary<'a>(
    places: impl Iterator<Item = Option<usize>>,
    text: impl Fn(usize) -> &'a str,
) -> ArrayRef {
    let mut known: Vec<Option<u32>> = Vec::new();
    let mut texts = StringBuilder::new();
    let mut count = 0;
    let keys: UInt32Array = places
        .map(|place| {
            let place = place?;
            if known.len() <= place {
                known.resize(place + 1, None);
            }
            Some(*known[place].get_or_insert_with(|| {
                texts.append_value(text(place));
                count += 1;
                count - 1
            }))
        })
        .collect();
    Arc::new(DictionaryArray::new(keys, Arc::new(texts.finish())))
}

/// The `threshold` of a rule's flagged rows; minutes for `hours`, seconds for `gap`. That of a
/// `spike` differs from row to row, see [`super::Flag`].
#[must_use]
pub fn threshold(kind: &Kind) -> Option<f64> {
    #[allow(clippy::cast_precision_loss)]
    match kind {
        Kind::Match | Kind::Sequence(_) | Kind::Spike(_) => None,
        Kind::Count { at_least, .. } | Kind::Distinct { at_least, .. } => Some(*at_least as f64),
        Kind::Novelty { max_days, .. } => Some(f64::from(*max_days)),
        Kind::Hours { at_least, .. } => Some(*at_least as f64 / 60_000.0),
        Kind::Gap { idle } => Some(*idle as f64 / 1000.0),
    }
}

/// A row per rule, in policy order. `reasons` says why a rule as a whole was not evaluable.
#[must_use]
pub fn summary(names: Names<'_>, totals: &FlagTotals, reasons: &[Option<String>]) -> RecordBatch {
    let rules = &names.policy.rules;
    let found: Int64Array = totals.findings.iter().map(|&n| Some(count(n))).collect();
    let mut users = vec![0i64; rules.len()];
    for (user, rule) in totals.by_user.keys() {
        users[*rule as usize] += i64::from(*user != 0);
    }
    let counts = |of: fn(&crate::detect::run::RuleCounts) -> u64| -> ArrayRef {
        Arc::new(
            totals
                .counts
                .iter()
                .map(|c| count(of(c)))
                .collect::<Int64Array>(),
        )
    };
    let texts = |of: fn(&Rule) -> Option<&str>| -> ArrayRef {
        Arc::new(rules.iter().map(of).collect::<StringArray>())
    };
    batch(vec![
        ("rule", texts(|r| Some(&r.id))),
        ("kind", texts(|r| Some(r.kind.name()))),
        ("viewpoint", viewpoints(rules.iter())),
        ("title_ja", texts(|r| r.title_ja.as_deref())),
        ("title_en", texts(|r| r.title_en.as_deref())),
        ("evaluated", counts(|c| c.evaluated)),
        ("not_evaluable", counts(|c| c.not_evaluable)),
        ("unattributed", counts(|c| c.unattributed)),
        (
            "flagged",
            Arc::new(
                totals
                    .flagged
                    .iter()
                    .map(|&n| count(n))
                    .collect::<Int64Array>(),
            ),
        ),
        ("findings", Arc::new(found)),
        ("users", Arc::new(Int64Array::from(users))),
        (
            "reason",
            Arc::new(reasons.iter().cloned().collect::<StringArray>()),
        ),
    ])
}

/// How much each rule evaluated, in policy order: a row per rule.
#[must_use]
pub fn evaluated_days(names: Names<'_>, totals: &FlagTotals) -> RecordBatch {
    let counts = |of: fn(&Evaluated) -> u64| -> ArrayRef {
        Arc::new(
            totals
                .evaluated
                .iter()
                .map(|e| Some(of(e)))
                .collect::<UInt64Array>(),
        )
    };
    let rules = names.policy.rules.iter();
    batch(vec![
        (
            "rule",
            Arc::new(rules.map(|r| Some(r.id.as_str())).collect::<StringArray>()),
        ),
        ("key_days", counts(|e| e.key_days)),
        ("keys", counts(|e| e.keys)),
        ("users", counts(Evaluated::users)),
    ])
}

/// A row per civil day with records in scope.
#[must_use]
pub fn by_day(totals: &FlagTotals, records: &RecordTotals) -> RecordBatch {
    let days = records.by_day();
    batch(vec![
        (
            "date",
            Arc::new(Date32Array::from_iter_values(days.keys().copied())),
        ),
        (
            "records",
            Arc::new(days.values().map(|&n| count(n)).collect::<Int64Array>()),
        ),
        (
            "flagged",
            Arc::new(
                days.keys()
                    .map(|d| count(totals.by_day.get(d).copied().unwrap_or(0)))
                    .collect::<Int64Array>(),
            ),
        ),
    ])
}

/// Records in scope by department, weekday (Monday = 0) and hour.
#[must_use]
pub fn activity(names: Names<'_>, records: &RecordTotals) -> RecordBatch {
    let values = names.dictionaries.of(Field::Department).read();
    let shown = |id| {
        let text = values.text(id)?;
        Some(names.mask.value(Key::Field(Field::Department), text))
    };
    let mut rows: Vec<_> = records
        .activity()
        .map(|(id, w, h, n)| ((shown(id), values.raw(id)), w, h, n))
        .collect();
    rows.sort_unstable();
    let small = |n: usize| i8::try_from(n).unwrap_or(0);
    batch(vec![
        (
            "department",
            dictionary(rows.iter().map(|r| r.0.0.as_deref())),
        ),
        (
            "weekday",
            Arc::new(rows.iter().map(|r| small(r.1)).collect::<Int8Array>()),
        ),
        (
            "hour",
            Arc::new(rows.iter().map(|r| small(r.2)).collect::<Int8Array>()),
        ),
        (
            "records",
            Arc::new(rows.iter().map(|r| count(r.3)).collect::<Int64Array>()),
        ),
    ])
}
