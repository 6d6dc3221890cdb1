//! The flagged rows of a batch: sorted into output order, joined with their records. Batches are made
//! side by side, and shown one after the other.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::{StringBuilder, StringDictionaryBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, UInt32Array, UInt64Array,
};
use hashbrown::HashMap;

use super::tables::{
    Names, batch, finding_names, id_dictionary, place_dictionary, threshold, times, viewpoints,
};
use super::{Flag, NO_TIME};
use crate::block::{Block, Offsets, REFERENCES_YES};
use crate::detect::values::text;
use crate::dictionary::{Reading, id_column, packed_digits};
use crate::individual::mask::{IDS, Mask};
use crate::order::Batch;
use crate::policy::{Key, Rule};
use crate::record::{Field, Outcome};

/// Bytes of a record's text, about.
const TEXT: usize = 96;

/// Texts of records, by their rows in a batch, that were not kept and have been read again.
pub type Reread = HashMap<u32, Vec<u8>>;

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
    /// Its text, if that was read again.
    again: Option<&'a [u8]>,
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

    /// Puts the record's own text as it stood, numbers hidden, behind others; `values` are those of the
    /// scan, `room` is used for what is made.
    fn put_raw(
        &self,
        mask: &Mask,
        values: &Reading<'_>,
        room: &mut String,
        to: &mut StringBuilder,
    ) {
        let source = self.block.source(self.at);
        if let Some(wording) = self.block.wording() {
            room.clear();
            wording.push(values, &self.block.columns, self.at, room);
            to.append_value(mask.record(source, Cow::Borrowed(room)));
            return;
        }
        let kept = self.block.raw(self.at);
        let again = || Some((Cow::Borrowed(self.again?), self.block.elsewhere(self.at)?.encoding));
        let Some((bytes, encoding)) = kept.or_else(again) else {
            to.append_null();
            return;
        };
        to.append_value(mask.record(source, encoding.decode(&bytes).0));
    }
}

/// The flagged rows of a batch.
pub struct Flagged {
    table: RecordBatch,
    /// Of each of [`IDS`], whether a value in the table is still to be hidden.
    hidden: [bool; 3],
}

impl Flagged {
    /// One row per flag, in the order of the flags; `again` has the texts that the batch has not.
    #[must_use]
    pub fn new(names: Names<'_>, of: &Batch, flags: &[Flag], again: &Reread) -> Flagged {
        let table = table(names, of, flags, again);
        let hides = |field: Field| {
            let values = dictionary_of(&table, field);
            let mut texts = values.iter().flat_map(|(_, texts)| texts.iter().flatten());
            texts.any(|text| names.mask.hides(field, text))
        };
        let hidden = IDS.map(hides);
        Flagged { table, hidden }
    }

    /// The rows as they come out. Of several batches, to be called in the order of the output: that
    /// is the order in which masked values are numbered.
    #[must_use]
    pub fn shown(self, mask: &Mask) -> RecordBatch {
        let schema = self.table.schema();
        let mut columns = self.table.columns().to_vec();
        for (field, _) in IDS
            .into_iter()
            .zip(self.hidden)
            .filter(|(_, hidden)| *hidden)
        {
            let Some((keys, texts)) = dictionary_of(&self.table, field) else {
                continue;
            };
            let values = texts
                .iter()
                .map(|t| Some(mask.value(Key::Field(field), t?)));
            let values: StringArray = values.collect();
            if let Ok(at) = schema.index_of(field.name()) {
                columns[at] = Arc::new(DictionaryArray::new(keys.clone(), Arc::new(values)));
            }
        }
        let names = schema.fields().iter().map(|field| field.name().as_str());
        batch(names.zip(columns).collect())
    }
}

/// The keys and values of the dictionary column of a field.
fn dictionary_of(table: &RecordBatch, field: Field) -> Option<(&UInt32Array, &StringArray)> {
    let column = table.column_by_name(field.name())?;
    let column = column.as_dictionary_opt::<UInt32Type>()?;
    Some((column.keys(), column.values().as_string_opt()?))
}

/// One row per flag, in the order of the flags; ids as they stand.
fn table(names: Names<'_>, of: &Batch, flags: &[Flag], again: &Reread) -> RecordBatch {
    let rows: Vec<Row<'_>> = flags
        .iter()
        .map(|flag| {
            let (block, at) = of.locate(flag.row);
            Row {
                flag,
                block,
                at,
                rule: &names.policy.rules[flag.rule as usize],
                again: again.get(&flag.row).map(Vec::as_slice),
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
        let values = names.dictionaries.of(field).read();
        let as_stands = IDS.contains(&field);
        id_dictionary(&values, ids, |text| {
            if as_stands {
                Cow::Borrowed(text)
            } else {
                names.mask.value(Key::Field(field), text)
            }
        })
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
    let mut texts = StringBuilder::with_capacity(rows.len(), rows.len() * TEXT);
    let (values, mut room) = (names.dictionaries.reading(), String::new());
    for row in rows {
        row.put_raw(names.mask, &values, &mut room, &mut texts);
    }
    drop(values);
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
        ("raw", Arc::new(texts.finish())),
    ]
}

fn subjects(names: Names<'_>, rows: &[Row<'_>]) -> ArrayRef {
    let mut texts = StringDictionaryBuilder::<UInt32Type>::new();
    for row in rows {
        let subject = row.block.columns.subject.get(row.at).copied().unwrap_or(0);
        if let Some((digits, len)) = packed_digits(subject) {
            let digits = digits.to_le_bytes();
            texts.append_option(std::str::from_utf8(&digits[..len]).ok());
        } else {
            texts.append_option(text(
                Key::Field(Field::Subject),
                subject,
                names.dictionaries,
            ));
        }
    }
    Arc::new(texts.finish())
}
