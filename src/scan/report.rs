//! Tables about the input: a row per source, a row per rejected record.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMillisecondArray, UInt64Array,
};

use super::inputs::{InputCounts, Planned, RejectedRecord};
use super::leaks::Leak;
use crate::log::encoding::Encoding;
use crate::log::header::Mapping;
use crate::record::Field;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .expect("columns of one length")
}

/// What is told of a source beside its counts.
#[derive(Default)]
struct Told {
    source: String,
    bytes: Option<u64>,
    encoding: Option<String>,
    delimiter: Option<String>,
    quoted: Option<bool>,
    time_format: Option<String>,
    columns: Option<String>,
}

/// A row per source, by name.
#[must_use]
pub fn inputs(planned: &Planned, counts: &[InputCounts]) -> RecordBatch {
    let told: Vec<Told> = planned
        .sources
        .iter()
        .zip(counts)
        .map(|(source, counts)| {
            let plan = source.plan.as_ref();
            Told {
                source: source.source.name.clone(),
                bytes: Some(source.bytes()),
                encoding: plan.map(|_| counts.encoding.unwrap_or(Encoding::Utf8).name().to_owned()),
                delimiter: plan.map(|p| char::from(p.special.delimiter).to_string()),
                quoted: plan.map(|p| p.quoted),
                time_format: plan
                    .and_then(|p| p.time_format.as_ref())
                    .map(crate::log::time::TimeFormat::name),
                columns: plan.map(|p| mapping_json(&p.mapping)),
            }
        })
        .collect();
    table(&told, counts)
}

/// The row of a stream of record batches.
#[must_use]
pub fn stream_input(name: &str, mapping: &Mapping, counts: &InputCounts) -> RecordBatch {
    let told = Told {
        source: name.to_owned(),
        columns: Some(mapping_json(mapping)),
        ..Told::default()
    };
    table(&[told], std::slice::from_ref(counts))
}

/// A JSON object from field to the header (or position) that feeds it.
#[must_use]
pub fn mapping_json(mapping: &Mapping) -> String {
    let object: serde_json::Map<String, serde_json::Value> = Field::ALL
        .into_iter()
        .filter_map(|f| {
            Some((
                f.name().to_owned(),
                serde_json::Value::String(mapping.describe(f)?),
            ))
        })
        .collect();
    serde_json::Value::Object(object).to_string()
}

fn table(told: &[Told], counts: &[InputCounts]) -> RecordBatch {
    let numbers = |of: fn(&InputCounts) -> u64| -> ArrayRef {
        Arc::new(counts.iter().map(of).collect::<UInt64Array>())
    };
    let texts = |of: fn(&Told) -> Option<&str>| -> ArrayRef {
        Arc::new(told.iter().map(of).collect::<StringArray>())
    };
    let times = |of: fn(&InputCounts) -> Option<i64>| -> ArrayRef {
        Arc::new(counts.iter().map(of).collect::<TimestampMillisecondArray>())
    };
    batch(vec![
        ("source", texts(|t| Some(&t.source))),
        (
            "bytes",
            Arc::new(told.iter().map(|t| t.bytes).collect::<UInt64Array>()),
        ),
        ("lines", numbers(|c| c.lines)),
        ("records", numbers(|c| c.records)),
        ("rejected", numbers(|c| c.rejected)),
        ("blank", numbers(|c| c.blank)),
        ("replaced", numbers(|c| c.replaced)),
        ("encoding", texts(|t| t.encoding.as_deref())),
        ("delimiter", texts(|t| t.delimiter.as_deref())),
        (
            "quoted",
            Arc::new(told.iter().map(|t| t.quoted).collect::<BooleanArray>()),
        ),
        ("time_format", texts(|t| t.time_format.as_deref())),
        ("columns", texts(|t| t.columns.as_deref())),
        ("first", times(|c| c.first)),
        ("last", times(|c| c.last)),
        (
            "error",
            Arc::new(
                counts
                    .iter()
                    .map(|c| c.error.as_ref().map(|e| e.en.as_str()))
                    .collect::<StringArray>(),
            ),
        ),
        (
            "error_ja",
            Arc::new(
                counts
                    .iter()
                    .map(|c| c.error.as_ref().map(|e| e.ja.as_str()))
                    .collect::<StringArray>(),
            ),
        ),
    ])
}

/// A row per source and column in which Individual Numbers were found.
#[must_use]
pub fn leaks(leaks: &[Leak]) -> RecordBatch {
    let texts = |of: fn(&Leak) -> Option<&str>| -> ArrayRef {
        Arc::new(leaks.iter().map(of).collect::<StringArray>())
    };
    let numbers = |of: fn(&Leak) -> Option<u64>| -> ArrayRef {
        Arc::new(leaks.iter().map(of).collect::<UInt64Array>())
    };
    batch(vec![
        ("source", texts(|l| Some(&l.source))),
        ("column", texts(|l| l.column.as_deref())),
        ("field", texts(|l| l.field)),
        ("kind", texts(|l| Some(l.kind))),
        ("values", numbers(|l| Some(l.values))),
        ("looked_at", numbers(|l| Some(l.looked_at))),
        ("line", numbers(|l| l.line)),
        (
            "masked",
            Arc::new(
                leaks
                    .iter()
                    .map(|l| Some(l.masked))
                    .collect::<BooleanArray>(),
            ),
        ),
    ])
}

/// A row per rejected record, by source, then line.
#[must_use]
pub fn rejects(
    sources: &[String],
    rejects: impl IntoIterator<Item = RejectedRecord>,
) -> RecordBatch {
    let mut rejects: Vec<RejectedRecord> = rejects.into_iter().collect();
    rejects.sort_by_key(|r| (r.source, r.line));
    batch(vec![
        (
            "source",
            Arc::new(
                rejects
                    .iter()
                    .map(|r| Some(sources[r.source as usize].as_str()))
                    .collect::<StringArray>(),
            ),
        ),
        (
            "line",
            Arc::new(rejects.iter().map(|r| r.line).collect::<UInt64Array>()),
        ),
        (
            "offset",
            Arc::new(rejects.iter().map(|r| r.offset).collect::<UInt64Array>()),
        ),
        (
            "reason",
            Arc::new(
                rejects
                    .iter()
                    .map(|r| Some(r.reason))
                    .collect::<StringArray>(),
            ),
        ),
        (
            "excerpt",
            Arc::new(
                rejects
                    .iter()
                    .map(|r| Some(r.excerpt.as_str()))
                    .collect::<StringArray>(),
            ),
        ),
    ])
}
