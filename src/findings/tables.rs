//! Results as Arrow tables. Orders are fixed: they depend on the set of records alone.

use std::sync::Arc;

use arrow_array::builder::{StringBuilder, StringDictionaryBuilder};
use arrow_array::types::UInt32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, DictionaryArray, Float64Array, Int8Array, Int32Array,
    Int64Array, RecordBatch, StringArray, TimestampMillisecondArray, UInt32Array, UInt64Array,
};

use super::totals::{FlagTotals, RecordTotals};
use super::{Finding, Flag, NO_TIME};
use crate::block::{Origin, REFERENCES_YES};
use crate::detect::values::text;
use crate::dictionary::{Dictionaries, Id, Values, id_column};
use crate::log::encoding::{Encoding, utf16_len};
use crate::order::Batch;
use crate::policy::{Key, Kind, Policy, Rule};
use crate::record::{Field, Outcome};

/// What the tables name things by.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The scan's values.
    pub dictionaries: &'a Dictionaries,
    /// The sources, by number.
    pub sources: &'a [String],
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .expect("columns of one length")
}

fn dictionary<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut builder = StringDictionaryBuilder::<UInt32Type>::new();
    for value in values {
        builder.append_option(value);
    }
    Arc::new(builder.finish())
}

/// A dictionary column of ids, with the values that occur.
fn id_dictionary(ids: impl Iterator<Item = Id>, values: &Values) -> ArrayRef {
    let mut place = vec![u32::MAX; values.len() + 1];
    let mut texts = StringBuilder::new();
    let mut count = 0;
    let keys: UInt32Array = ids
        .map(|id| {
            let text = values.text(id)?;
            let at = &mut place[id as usize];
            if *at == u32::MAX {
                texts.append_value(text);
                *at = count;
                count += 1;
            }
            Some(*at)
        })
        .collect();
    Arc::new(DictionaryArray::new(keys, Arc::new(texts.finish())))
}

fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMillisecondArray>())
}

fn viewpoints<'a>(rules: impl Iterator<Item = &'a Rule>) -> ArrayRef {
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
fn finding_name(id: u64) -> String {
    format!("{id:016x}")
}

/// The `threshold` of a rule's flagged rows; minutes for `hours`.
#[must_use]
pub fn threshold(kind: &Kind) -> Option<f64> {
    #[allow(clippy::cast_precision_loss)]
    match kind {
        Kind::Match => None,
        Kind::Count { at_least, .. } | Kind::Distinct { at_least, .. } => Some(*at_least as f64),
        Kind::Novelty { max_days, .. } => Some(f64::from(*max_days)),
        Kind::Hours { at_least, .. } => Some(*at_least as f64 / 60_000.0),
    }
}

/// Offsets of rows in their sources; UTF-16 is counted on from the row asked for before.
#[derive(Default)]
struct Offsets {
    at: Option<(*const u8, usize, u64)>,
}

impl Offsets {
    fn of(&mut self, origin: &Origin, start: usize) -> Option<u64> {
        let text = origin.text.as_ref()?;
        if !text.encoding.is_some_and(Encoding::is_utf16) {
            return Some(origin.offset + start as u64);
        }
        let bytes = text.bytes.as_slice();
        let (from, offset) = match self.at {
            Some((block, from, offset)) if block == bytes.as_ptr() && from <= start => {
                (from, offset)
            }
            _ => (0, origin.offset),
        };
        let offset = offset + utf16_len(&bytes[from..start]);
        self.at = Some((bytes.as_ptr(), start, offset));
        Some(offset)
    }
}

/// One row per flag, in the order of the flags.
#[must_use]
pub fn flagged(names: Names<'_>, of: &Batch, flags: &[Flag]) -> RecordBatch {
    let columns = &of.columns;
    let rows = || flags.iter().map(|f| f.row as usize);
    let rules = || flags.iter().map(|f| &names.policy.rules[f.rule as usize]);
    let ids = |field: Field| {
        let column = &columns.ids[id_column(field).expect("an id field")];
        let values = names.dictionaries.of(field).read();
        id_dictionary(
            rows().map(|row| column.get(row).copied().unwrap_or(0)),
            &values,
        )
    };
    let subjects: Vec<Option<String>> = rows()
        .map(|row| {
            columns
                .subject
                .get(row)
                .and_then(|&s| names.dictionaries.subject_text(s))
        })
        .collect();
    let result = |row: usize| {
        let code = columns.result.get(row).copied().unwrap_or(0);
        Outcome::ALL
            .get(usize::from(code).wrapping_sub(1))
            .map(|o| o.name())
    };
    let references = |row: usize| {
        columns
            .references
            .get(row)
            .filter(|&&c| c != 0)
            .map(|&c| c == REFERENCES_YES)
    };
    let mut offsets = Offsets::default();
    let offset = |row: usize| {
        offsets.of(
            of.origin(row),
            columns.start.get(row).copied().unwrap_or(0) as usize,
        )
    };
    let raw = |row: usize| {
        let text = of.origin(row).text.as_ref()?;
        let bytes = &text.bytes[columns.start[row] as usize..columns.end[row] as usize];
        Some(text.encoding?.decode(bytes).0.into_owned())
    };
    batch(vec![
        ("rule", dictionary(rules().map(|r| Some(r.id.as_str())))),
        ("viewpoint", viewpoints(rules())),
        ("time", times(rows().map(|row| Some(columns.time[row])))),
        ("user", ids(Field::User)),
        ("user_name", ids(Field::UserName)),
        ("department", ids(Field::Department)),
        ("terminal", ids(Field::Terminal)),
        ("system", ids(Field::System)),
        ("operation", ids(Field::Operation)),
        ("result", dictionary(rows().map(result))),
        (
            "references",
            Arc::new(rows().map(references).collect::<BooleanArray>()),
        ),
        ("subject", dictionary(subjects.iter().map(Option::as_deref))),
        (
            "observed",
            Arc::new(flags.iter().map(|f| f.observed).collect::<Int64Array>()),
        ),
        (
            "threshold",
            Arc::new(
                rules()
                    .map(|r| threshold(&r.kind))
                    .collect::<Float64Array>(),
            ),
        ),
        (
            "since",
            times(
                flags
                    .iter()
                    .map(|f| Some(f.since).filter(|&t| t != NO_TIME)),
            ),
        ),
        (
            "active_days",
            Arc::new(
                flags
                    .iter()
                    .map(|f| Some(f.active_days).filter(|&d| d >= 0))
                    .collect::<Int32Array>(),
            ),
        ),
        (
            "finding",
            Arc::new(
                flags
                    .iter()
                    .map(|f| Some(finding_name(f.finding)))
                    .collect::<StringArray>(),
            ),
        ),
        (
            "source",
            dictionary(rows().map(|row| Some(names.sources[of.place(row).0 as usize].as_str()))),
        ),
        (
            "line",
            Arc::new(rows().map(|row| of.place(row).1).collect::<UInt64Array>()),
        ),
        (
            "offset",
            Arc::new(rows().map(offset).collect::<UInt64Array>()),
        ),
        ("raw", Arc::new(rows().map(raw).collect::<StringArray>())),
    ])
}

/// Sorts flags into output order: time, source, line, the rule's place.
pub fn sort_flags(of: &Batch, flags: &mut [Flag]) {
    flags.sort_by_cached_key(|f| {
        let (source, line) = of.place(f.row as usize);
        (of.columns.time[f.row as usize], source, line, f.rule)
    });
}

/// A row per finding: by first, the rule's place, key, by, value.
#[must_use]
pub fn findings(names: Names<'_>, findings: &[Finding]) -> RecordBatch {
    let rule = |f: &Finding| &names.policy.rules[f.rule as usize];
    let mut rows: Vec<(&Finding, Option<String>, String, Option<String>)> = findings
        .iter()
        .map(|f| {
            let key = text(Key::Field(rule(f).per), f.key, names.dictionaries);
            let (by, field) = match &rule(f).kind {
                Kind::Count { by, .. } | Kind::Distinct { by, .. } => (by.as_slice(), None),
                Kind::Novelty { field, .. } => (&[][..], Some(*field)),
                Kind::Match | Kind::Hours { .. } => (&[][..], None),
            };
            let by: Vec<String> = by
                .iter()
                .zip(&f.by)
                .map(|(&k, &v)| {
                    format!(
                        "{}={}",
                        k.name(),
                        text(k, v, names.dictionaries).unwrap_or_default()
                    )
                })
                .collect();
            (
                f,
                key,
                by.join(", "),
                field.and_then(|k| text(k, f.value, names.dictionaries)),
            )
        })
        .collect();
    rows.sort_by(|a, b| {
        (a.0.first, a.0.rule, &a.1, &a.2, &a.3).cmp(&(b.0.first, b.0.rule, &b.1, &b.2, &b.3))
    });
    let all = || rows.iter().map(|r| r.0);
    batch(vec![
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
    ])
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

/// A row per user and rule with flagged records, by user, then the rule's place.
#[must_use]
pub fn by_user(names: Names<'_>, totals: &FlagTotals) -> RecordBatch {
    let values = names.dictionaries.of(Field::User).read();
    // Users whose undecodable bytes differ have one text: the id decides between them.
    let mut rows: Vec<(Option<&str>, Id, u32, (u64, u64))> = totals
        .by_user
        .iter()
        .map(|(&(user, rule), &n)| (values.text(user), user, rule, n))
        .collect();
    rows.sort_unstable();
    batch(vec![
        ("user", dictionary(rows.iter().map(|r| r.0))),
        (
            "rule",
            dictionary(
                rows.iter()
                    .map(|r| Some(names.policy.rules[r.2 as usize].id.as_str())),
            ),
        ),
        (
            "flagged",
            Arc::new(rows.iter().map(|r| count(r.3.0)).collect::<Int64Array>()),
        ),
        (
            "findings",
            Arc::new(rows.iter().map(|r| count(r.3.1)).collect::<Int64Array>()),
        ),
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
    let mut rows: Vec<_> = records
        .activity()
        .map(|(id, w, h, n)| (values.text(id), id, w, h, n))
        .collect();
    rows.sort_unstable();
    let small = |n: usize| i8::try_from(n).unwrap_or(0);
    batch(vec![
        ("department", dictionary(rows.iter().map(|r| r.0))),
        (
            "weekday",
            Arc::new(rows.iter().map(|r| small(r.2)).collect::<Int8Array>()),
        ),
        (
            "hour",
            Arc::new(rows.iter().map(|r| small(r.3)).collect::<Int8Array>()),
        ),
        (
            "records",
            Arc::new(rows.iter().map(|r| count(r.4)).collect::<Int64Array>()),
        ),
    ])
}
