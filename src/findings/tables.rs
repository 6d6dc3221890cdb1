//! Results as Arrow tables. Orders are fixed: they depend on the set of records alone.

use std::borrow::Cow;
use std::sync::Arc;

use hashbrown::HashMap;

use arrow_array::builder::{StringBuilder, StringDictionaryBuilder};
use arrow_array::types::UInt32Type;
use arrow_array::{
    ArrayRef, Date32Array, DictionaryArray, Float64Array, Int8Array, Int64Array, RecordBatch,
    StringArray, TimestampMillisecondArray, UInt32Array, UInt64Array,
};

use super::Finding;
use super::totals::{FlagTotals, RecordTotals};
use crate::detect::evaluated::Evaluated;
use crate::detect::values::{Value, text};
use crate::dictionary::{Dictionaries, Id, Values};
use crate::individual::mask::Mask;
use crate::policy::{Key, Kind, Policy, Rule, Sequence};
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

/// A dictionary column of ids, with the values that occur.
pub(super) fn id_dictionary(
    names: Names<'_>,
    field: Field,
    ids: impl Iterator<Item = Id>,
) -> ArrayRef {
    let values: &Values = &names.dictionaries.of(field).read();
    let mut place = vec![u32::MAX; values.len() + 1];
    let mut texts = StringBuilder::new();
    let mut count = 0;
    let keys: UInt32Array = ids
        .map(|id| {
            let text = values.text(id)?;
            let at = &mut place[id as usize];
            if *at == u32::MAX {
                texts.append_value(names.mask.value(Key::Field(field), text));
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

fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The identity of a finding as people read it.
pub(super) fn finding_name(id: u64) -> String {
    format!("{id:016x}")
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

/// A row per finding: by first, the rule's place, key, by, value; and of each row, which key it is of,
/// in the order in which keys come: those that differ may read the same.
#[must_use]
pub fn findings(names: Names<'_>, findings: &[Finding]) -> (RecordBatch, Vec<u64>) {
    let rule = |f: &Finding| &names.policy.rules[f.rule as usize];
    let mut rows: Vec<(&Finding, Option<String>, String, Option<String>)> = findings
        .iter()
        .map(|f| {
            let key = names.text(Key::Field(rule(f).per), f.key);
            let (by, field) = match &rule(f).kind {
                Kind::Count { by, .. }
                | Kind::Distinct { by, .. }
                | Kind::Sequence(Sequence { by, .. }) => (by.as_slice(), None),
                Kind::Novelty { field, .. } => (&[][..], Some(*field)),
                Kind::Match | Kind::Hours { .. } | Kind::Spike(_) | Kind::Gap { .. } => {
                    (&[][..], None)
                }
            };
            let by: Vec<String> = by
                .iter()
                .zip(&f.by)
                .map(|(&k, &v)| format!("{}={}", k.name(), names.text(k, v).unwrap_or_default()))
                .collect();
            (
                f,
                key,
                by.join(", "),
                field.and_then(|k| names.text(k, f.value)),
            )
        })
        .collect();
    rows.sort_by(|a, b| {
        // The id decides between keys that read the same but for undecodable bytes.
        (a.0.first, a.0.rule, &a.1, &a.2, &a.3, a.0.id)
            .cmp(&(b.0.first, b.0.rule, &b.1, &b.2, &b.3, b.0.id))
    });
    let all = || rows.iter().map(|r| r.0);
    let mut keys: HashMap<(Field, Value), u64> = HashMap::new();
    let keys = all()
        .map(|f| {
            let next = keys.len() as u64;
            *keys.entry((rule(f).per, f.key)).or_insert(next)
        })
        .collect();
    let table = batch(vec![
        (
            "finding",
            Arc::new(
                all()
                    .map(|f| Some(finding_name(f.id)))
                    .collect::<StringArray>(),
            ),
        ),
        ("rule", dictionary(all().map(|f| Some(rule(f).id.as_str())))),
        ("viewpoint", viewpoints(all().map(rule))),
        ("per", dictionary(all().map(|f| Some(rule(f).per.name())))),
        (
            "key",
            Arc::new(rows.iter().map(|r| r.1.clone()).collect::<StringArray>()),
        ),
        (
            "by",
            Arc::new(
                rows.iter()
                    .map(|r| Some(r.2.clone()))
                    .collect::<StringArray>(),
            ),
        ),
        (
            "value",
            Arc::new(rows.iter().map(|r| r.3.clone()).collect::<StringArray>()),
        ),
        ("first", times(all().map(|f| Some(f.first)))),
        ("last", times(all().map(|f| Some(f.last)))),
        (
            "records",
            Arc::new(all().map(|f| count(f.records)).collect::<Int64Array>()),
        ),
        (
            "peak",
            Arc::new(all().map(|f| f.peak).collect::<Int64Array>()),
        ),
        (
            "magnitude",
            Arc::new(all().map(|f| f.magnitude).collect::<Float64Array>()),
        ),
    ]);
    (table, keys)
}

/// A row per rule, in policy order. `reasons` says why a rule as a whole was not evaluable.
#[must_use]
pub fn summary(
    names: Names<'_>,
    totals: &FlagTotals,
    findings: &[Finding],
    reasons: &[Option<String>],
) -> RecordBatch {
    let rules = &names.policy.rules;
    let mut found = vec![0i64; rules.len()];
    for finding in findings {
        found[finding.rule as usize] += 1;
    }
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
        ("findings", Arc::new(Int64Array::from(found))),
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

/// A row per user and rule with flagged records, by user, then the rule's place.
#[must_use]
pub fn by_user(names: Names<'_>, totals: &FlagTotals) -> RecordBatch {
    let values = names.dictionaries.of(Field::User).read();
    // Users whose undecodable bytes differ read the same: the bytes decide between them.
    let mut rows: Vec<_> = totals
        .by_user
        .iter()
        .map(|(&(user, rule), &n)| ((values.text(user), values.raw(user), rule), n))
        .collect();
    rows.sort_unstable();
    batch(vec![
        (
            "user",
            masked(names, Field::User, rows.iter().map(|r| r.0.0)),
        ),
        (
            "rule",
            dictionary(
                rows.iter()
                    .map(|r| Some(names.policy.rules[r.0.2 as usize].id.as_str())),
            ),
        ),
        (
            "flagged",
            Arc::new(rows.iter().map(|r| count(r.1.0)).collect::<Int64Array>()),
        ),
        (
            "findings",
            Arc::new(rows.iter().map(|r| count(r.1.1)).collect::<Int64Array>()),
        ),
    ])
}

/// A dictionary column of values of a field.
fn masked<'a>(
    names: Names<'_>,
    field: Field,
    values: impl Iterator<Item = Option<&'a str>>,
) -> ArrayRef {
    let values: Vec<_> = values
        .map(|text| text.map(|text| names.mask.value(Key::Field(field), text)))
        .collect();
    dictionary(values.iter().map(Option::as_deref))
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
    let mut rows: Vec<_> = records
        .activity()
        .map(|(id, w, h, n)| ((values.text(id), values.raw(id)), w, h, n))
        .collect();
    rows.sort_unstable();
    let small = |n: usize| i8::try_from(n).unwrap_or(0);
    batch(vec![
        (
            "department",
            masked(names, Field::Department, rows.iter().map(|r| r.0.0)),
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
