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
use crate::block::{Block, Origin, REFERENCES_YES};
use crate::dictionary::id_column;
use crate::individual::mask::Mask;
use crate::log::encoding::{Encoding, utf16_len};
use crate::order::Batch;
use crate::policy::{Key, Rule};
use crate::record::{Field, Outcome};

/// Sorts flags into output order: time, source, line, the rule's place.
pub fn sort(of: &Batch, flags: &mut [Flag]) {
    flags.sort_by_cached_key(|f| {
        let (block, at) = of.locate(f.row);
        (
            block.columns.time[at],
            block.origin.source,
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

    /// The record's own text as it stood, numbers hidden.
    fn raw(&self, mask: &Mask) -> Option<String> {
        let text = self.block.origin.text.as_ref()?;
        let columns = &self.block.columns;
        let bytes = &text.bytes[columns.start[self.at] as usize..columns.end[self.at] as usize];
        let text = text.encoding?.decode(bytes).0.into_owned();
        Some(mask.record(self.block.origin.source, text))
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
        let ids = rows
            .iter()
            .map(|r| r.block.columns.ids[column].get(r.at).copied().unwrap_or(0));
        id_dictionary(names, field, ids)
    };
    let subject = |r: &Row<'_>| {
        r.block
            .columns
            .subject
            .get(r.at)
            .and_then(|&s| names.text(Key::Field(Field::Subject), s))
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
        .map(|r| Some(names.sources[r.block.origin.source as usize].as_str()));
    let mut offset = |r: &Row<'_>| {
        let start = r.block.columns.start.get(r.at).copied().unwrap_or(0) as usize;
        offsets.of(&r.block.origin, start)
    };
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
            Arc::new(rows.iter().map(&mut offset).collect::<UInt64Array>()),
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
