//! The flagged rows of a batch: sorted into output order, joined with their records.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    UInt64Array,
};

use super::tables::{
    Names, batch, dictionary, finding_name, id_dictionary, threshold, times, viewpoints,
};
use super::{Flag, NO_TIME};
use crate::block::{Block, Offsets, REFERENCES_YES};
use crate::dictionary::id_column;
use crate::order::Batch;
use crate::policy::Rule;
use crate::record::{Field, Outcome};

/// Sorts flags into output order: time, source, line, the rule's place.
pub fn sort(of: &Batch, flags: &mut [Flag]) {
    flags.sort_by_cached_key(|f| {
        let (block, at) = of.locate(f.row);
        (
            block.columns.time[at],
            block.source(at),
            block.line(at),
            f.rule,
        )
    });
}

/// A flag, its record and its rule.
struct Row<'a> {
    flag: &'a Flag,
    block: &'a Block,
    at: usize,
    rule: &'a Rule,
}

impl Row<'_> {
    fn result(&self) -> Option<&'static str> {
        let code = self.block.columns.result.get(self.at)?;
        Outcome::ALL
            .get(usize::from(*code).wrapping_sub(1))
            .map(|o| o.name())
    }

    fn references(&self) -> Option<bool> {
        let code = self.block.columns.references.get(self.at)?;
        (*code != 0).then_some(*code == REFERENCES_YES)
    }

    /// The record's own text as it stood.
    fn raw(&self) -> Option<String> {
        let (bytes, encoding) = self.block.raw(self.at)?;
        Some(encoding.decode(bytes).0.into_owned())
    }
}

/// One row per flag, in the order of the flags.
#[must_use]
pub fn table(names: Names<'_>, of: &Batch, flags: &[Flag]) -> RecordBatch {
    let rows: Vec<Row<'_>> = flags
        .iter()
        .map(|flag| {
            let (block, at) = of.locate(flag.row);
            Row {
                flag,
                block,
                at,
                rule: &names.policy.rules[flag.rule as usize],
            }
        })
        .collect();
    let mut columns = judgement_left(&rows);
    columns.extend(record(names, &rows));
    columns.extend(judgement_right(&rows));
    columns.extend(place(names, &rows));
    batch(columns)
}

fn judgement_left(rows: &[Row<'_>]) -> Vec<(&'static str, ArrayRef)> {
    vec![
        (
            "rule",
            dictionary(rows.iter().map(|r| Some(r.rule.id.as_str()))),
        ),
        ("viewpoint", viewpoints(rows.iter().map(|r| r.rule))),
    ]
}

fn record(names: Names<'_>, rows: &[Row<'_>]) -> Vec<(&'static str, ArrayRef)> {
    let ids = |field: Field| {
        let column = id_column(field).unwrap_or(0);
        let values = names.dictionaries.of(field).read();
        let ids = rows
            .iter()
            .map(|r| r.block.columns.ids[column].get(r.at).copied().unwrap_or(0));
        id_dictionary(ids, &values)
    };
    let subject = |r: &Row<'_>| {
        r.block
            .columns
            .subject
            .get(r.at)
            .and_then(|&s| names.dictionaries.subject_text(s))
    };
    let subjects: Vec<Option<String>> = rows.iter().map(subject).collect();
    vec![
        (
            "time",
            times(rows.iter().map(|r| Some(r.block.columns.time[r.at]))),
        ),
        ("user", ids(Field::User)),
        ("user_name", ids(Field::UserName)),
        ("department", ids(Field::Department)),
        ("terminal", ids(Field::Terminal)),
        ("system", ids(Field::System)),
        ("operation", ids(Field::Operation)),
        ("result", dictionary(rows.iter().map(Row::result))),
        (
            "references",
            Arc::new(rows.iter().map(Row::references).collect::<BooleanArray>()),
        ),
        ("subject", dictionary(subjects.iter().map(Option::as_deref))),
    ]
}

fn judgement_right(rows: &[Row<'_>]) -> Vec<(&'static str, ArrayRef)> {
    let flags = || rows.iter().map(|r| r.flag);
    let active_days = flags().map(|f| Some(f.active_days).filter(|&d| d >= 0));
    vec![
        (
            "observed",
            Arc::new(flags().map(|f| f.observed).collect::<Int64Array>()),
        ),
        (
            "threshold",
            Arc::new(
                rows.iter()
                    .map(|r| r.flag.threshold.or_else(|| threshold(&r.rule.kind)))
                    .collect::<Float64Array>(),
            ),
        ),
        (
            "since",
            times(flags().map(|f| Some(f.since).filter(|&t| t != NO_TIME))),
        ),
        ("active_days", Arc::new(active_days.collect::<Int32Array>())),
        (
            "finding",
            Arc::new(
                flags()
                    .map(|f| Some(finding_name(f.finding)))
                    .collect::<StringArray>(),
            ),
        ),
    ]
}

fn place(names: Names<'_>, rows: &[Row<'_>]) -> Vec<(&'static str, ArrayRef)> {
    let mut offsets = Offsets::default();
    let sources = rows
        .iter()
        .map(|r| Some(names.sources[r.block.source(r.at) as usize].as_str()));
    vec![
        ("source", dictionary(sources)),
        (
            "line",
            Arc::new(
                rows.iter()
                    .map(|r| r.block.line(r.at))
                    .collect::<UInt64Array>(),
            ),
        ),
        (
            "offset",
            Arc::new(
                rows.iter()
                    .map(|r| offsets.of(r.block, r.at))
                    .collect::<UInt64Array>(),
            ),
        ),
        (
            "raw",
            Arc::new(rows.iter().map(Row::raw).collect::<StringArray>()),
        ),
    ]
}
