//! The flagged rows of a batch: sorted into output order, joined with their records.

use std::sync::Arc;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::UInt32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    UInt64Array,
};

use super::tables::{
    Names, batch, finding_names, id_dictionary, place_dictionary, threshold, times, viewpoints,
};
use super::{Flag, NO_TIME};
use crate::block::{Block, Offsets, REFERENCES_YES};
use crate::dictionary::{id_column, packed_digits};
use crate::individual::mask::Mask;
use crate::order::Batch;
use crate::policy::{Key, Rule};
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
    /// Place of the result in [`Outcome::ALL`].
    fn result(&self) -> Option<usize> {
        let code = self.block.columns.result.get(self.at)?;
        usize::from(*code).checked_sub(1)
    }

    fn references(&self) -> Option<bool> {
        let code = self.block.columns.references.get(self.at)?;
        (*code != 0).then_some(*code == REFERENCES_YES)
    }

    /// The record's own text as it stood, numbers hidden.
    fn raw(&self, mask: &Mask) -> Option<String> {
        let (bytes, encoding) = self.block.raw(self.at)?;
        let text = encoding.decode(bytes).0.into_owned();
        Some(mask.record(self.block.source(self.at), text))
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
    let mut columns = judgement_left(names, &rows);
    columns.extend(record(names, &rows));
    columns.extend(judgement_right(&rows));
    columns.extend(place(names, &rows));
    batch(columns)
}

fn judgement_left(names: Names<'_>, rows: &[Row<'_>]) -> Vec<(&'static str, ArrayRef)> {
    vec![
        (
            "rule",
            place_dictionary(rows.iter().map(|r| Some(r.flag.rule as usize)), |rule| {
                &names.policy.rules[rule].id
            }),
        ),
        ("viewpoint", viewpoints(rows.iter().map(|r| r.rule))),
    ]
}

fn record(names: Names<'_>, rows: &[Row<'_>]) -> Vec<(&'static str, ArrayRef)> {
    let ids = |field: Field| {
        let column = id_column(field).unwrap_or(0);
        let ids = rows
            .iter()
            .map(|r| r.block.columns.ids[column].get(r.at).copied().unwrap_or(0));
        id_dictionary(names, field, ids)
    };
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
        (
            "result",
            place_dictionary(rows.iter().map(Row::result), |at| Outcome::ALL[at].name()),
        ),
        (
            "references",
            Arc::new(rows.iter().map(Row::references).collect::<BooleanArray>()),
        ),
        ("subject", subjects(names, rows)),
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
        ("finding", finding_names(flags().map(|f| f.finding))),
    ]
}

fn place(names: Names<'_>, rows: &[Row<'_>]) -> Vec<(&'static str, ArrayRef)> {
    let mut offsets = Offsets::default();
    let sources = rows.iter().map(|r| Some(r.block.source(r.at) as usize));
    vec![
        ("source", place_dictionary(sources, |at| &names.sources[at])),
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
            Arc::new(
                rows.iter()
                    .map(|row| row.raw(names.mask))
                    .collect::<StringArray>(),
            ),
        ),
    ]
}

fn subjects(names: Names<'_>, rows: &[Row<'_>]) -> ArrayRef {
    let mut texts = StringDictionaryBuilder::<UInt32Type>::new();
    for row in rows {
        let subject = row.block.columns.subject.get(row.at).copied().unwrap_or(0);
        if let Some((digits, len)) = packed_digits(subject).filter(|&(_, len)| len != 12) {
            let digits = digits.to_le_bytes();
            texts.append_option(std::str::from_utf8(&digits[..len]).ok());
        } else {
            // Twelve digits may be an Individual Number.
            texts.append_option(names.text(Key::Field(Field::Subject), subject));
        }
    }
    Arc::new(texts.finish())
}
