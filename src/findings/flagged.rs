//! The flagged rows of a batch: sorted into output order, joined with their records. Batches are made
//! side by side, and shown one after the other.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, UInt32Array, UInt64Array,
};
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::tables::{
    Names, batch, finding_names, id_dictionary, place_dictionary, threshold, times, viewpoints,
};
use super::totals::Counted;
use super::{Flag, NO_TIME};
use crate::block::{Block, Offsets, REFERENCES_NULL, REFERENCES_YES, Said};
use crate::detect::values::{day_of, text};
use crate::dictionary::{Reading, Subject, id_column, packed_digits};
use crate::individual::mask::{IDS, Mask};
use crate::join::join;
use crate::order::{Batch, Waiting};
use crate::policy::Key;
use crate::record::{Field, Outcome};

/// Flags whose records are brought near together.
const TOGETHER: usize = 64;

/// Rows whose values are read under one lock.
const READ_AT_ONCE: usize = 256;

/// Bytes of a record's text, about.
const TEXT: usize = 96;

/// Texts of records, by their rows in a batch, that were not kept and have been read again.
pub type Reread = HashMap<u32, Vec<u8>>;

/// A flag and what its record says, brought together from the columns of its block: each of them is
/// far from the others in memory, and is looked at once.
pub struct Row<'a> {
    flag: Flag,
    block: &'a Block,
    /// Place in the block.
    at: usize,
    time: i64,
    source: u32,
    line: u64,
    offset: Option<u64>,
    said: Said,
}

/// The rows of a batch's flags in output order: time, source, line, the rule's place.
#[must_use]
pub fn rows(of: &Batch, mut flags: Vec<Flag>) -> Vec<Row<'_>> {
    // Mostly the order of the batch is that of the output.
    flags.sort_unstable_by_key(|flag| (u64::from(flag.row) << 32) | u64::from(flag.rule));
    let mut offsets = Offsets::default();
    let mut walk = of.walk();
    let mut row = |flag: Flag| {
        let (waiting, at) = walk.to(flag.row);
        let ((time, said), block) = (waiting.said(at), waiting.block());
        Row {
            flag,
            block,
            at,
            time,
            source: block.source(at),
            line: block.line(at),
            offset: offsets.of(block, at),
            said,
        }
    };
    let mut rows: Vec<Row<'_>> = Vec::with_capacity(flags.len());
    let mut ahead = of.walk();
    for flags in flags.chunks(TOGETHER) {
        // Their records lie anywhere in memory: the waits for them overlap.
        let places: SmallVec<[(&Waiting, usize); TOGETHER]> =
            flags.iter().map(|flag| ahead.to(flag.row)).collect();
        for depth in 0..2 {
            for (waiting, at) in &places {
                waiting.prefetch(*at, depth);
            }
        }
        rows.extend(flags.iter().copied().map(&mut row));
    }
    let order = |row: &Row<'_>| (row.time, row.source, row.line, row.flag.rule);
    if !rows.is_sorted_by_key(order) {
        rows.sort_by_key(order);
    }
    rows
}

impl Row<'_> {
    /// What is counted of it.
    #[must_use]
    pub fn counted(&self) -> Counted {
        Counted {
            rule: self.flag.rule,
            finding: self.flag.finding,
            user: self.said.ids[id_column(Field::User).unwrap_or(0)],
            day: day_of(self.time),
        }
    }

    /// Puts the record's own text as it stood, numbers hidden, behind others; `values` are those of the
    /// scan, `again` has the texts that the batch has not, `room` is used for what is made.
    fn put_raw(
        &self,
        mask: &Mask,
        values: &Reading<'_>,
        again: &Reread,
        room: &mut String,
        to: &mut StringBuilder,
    ) {
        if let Some(wording) = values.wording(self.block.wording(self.at)) {
            room.clear();
            wording.push(values, (self.time, &self.said), room);
            to.append_value(mask.record(self.source, Cow::Borrowed(room)));
            return;
        }
        let kept = self.block.raw(self.at);
        let again = || {
            let text = again.get(&self.flag.row)?;
            let encoding = self.block.elsewhere(self.at)?.encoding;
            Some((text.as_slice(), encoding))
        };
        let Some((bytes, encoding)) = kept.or_else(again) else {
            to.append_null();
            return;
        };
        to.append_value(mask.record(self.source, encoding.decode(bytes).0));
    }
}

/// The flagged rows of a batch.
pub struct Flagged {
    table: RecordBatch,
    /// Of each of [`IDS`], whether a value in the table is still to be hidden.
    hidden: [bool; 3],
}

impl Flagged {
    /// One row per flag, in the order of `rows`; `again` has the texts that the batch has not. By two threads
    /// if nothing `else_runs`.
    #[must_use]
    pub fn new(names: Names<'_>, rows: &[Row<'_>], again: &Reread, else_runs: bool) -> Flagged {
        let table = table(names, rows, again, else_runs);
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

/// One row per flag, in the order of `rows`; ids as they stand.
fn table(names: Names<'_>, rows: &[Row<'_>], again: &Reread, else_runs: bool) -> RecordBatch {
    let said = || {
        let mut columns = judgement_left(names, rows);
        columns.extend(record(names, rows));
        columns.extend(judgement_right(names, rows));
        columns
    };
    // (Texts take about half of the time.)
    let place = || place(names, rows, again);
    let (mut columns, texts) = if else_runs {
        (said(), place())
    } else {
        join(said, place)
    };
    columns.extend(texts);
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
        (
            "viewpoint",
            viewpoints(rows.iter().map(|r| names.rule(r.flag.rule))),
        ),
    ]
}

fn record(names: Names<'_>, rows: &[Row<'_>]) -> Vec<(&'static str, ArrayRef)> {
    let ids = |field: Field| {
        let column = id_column(field).unwrap_or(0);
        let ids = rows.iter().map(|r| r.said.ids[column]);
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
        ("time", times(rows.iter().map(|r| Some(r.time)))),
        ("user", ids(Field::User)),
        ("user_name", ids(Field::UserName)),
        ("department", ids(Field::Department)),
        ("terminal", ids(Field::Terminal)),
        ("system", ids(Field::System)),
        ("operation", ids(Field::Operation)),
        (
            "result",
            place_dictionary(rows.iter().map(result), |at| Outcome::ALL[at].name()),
        ),
        (
            "references",
            Arc::new(references(rows.iter().map(|r| r.said.references))),
        ),
        ("subject", subjects(names, rows)),
    ]
}

fn judgement_right(names: Names<'_>, rows: &[Row<'_>]) -> Vec<(&'static str, ArrayRef)> {
    let flags = || rows.iter().map(|r| &r.flag);
    let active_days = flags().map(|f| Some(f.active_days).filter(|&d| d >= 0));
    let threshold = |f: &Flag| f.threshold.or_else(|| threshold(&names.rule(f.rule).kind));
    vec![
        (
            "observed",
            Arc::new(Int64Array::from_iter_values(flags().map(|f| f.observed))),
        ),
        (
            "threshold",
            Arc::new(flags().map(threshold).collect::<Float64Array>()),
        ),
        (
            "since",
            times(flags().map(|f| Some(f.since).filter(|&t| t != NO_TIME))),
        ),
        ("active_days", Arc::new(active_days.collect::<Int32Array>())),
        ("finding", finding_names(flags().map(|f| f.finding))),
    ]
}

fn place(names: Names<'_>, rows: &[Row<'_>], again: &Reread) -> Vec<(&'static str, ArrayRef)> {
    let mut texts = StringBuilder::with_capacity(rows.len(), rows.len() * TEXT);
    let mut room = String::new();
    // (Whoever has a new value waits until nobody reads the others.)
    for rows in rows.chunks(READ_AT_ONCE) {
        let values = names.dictionaries.reading();
        for row in rows {
            row.put_raw(names.mask, &values, again, &mut room, &mut texts);
        }
    }
    let sources = rows.iter().map(|r| Some(r.source as usize));
    let lines = rows.iter().map(|r| r.line);
    let offsets = rows.iter().map(|r| r.offset);
    vec![
        ("source", place_dictionary(sources, |at| &names.sources[at])),
        ("line", Arc::new(UInt64Array::from_iter_values(lines))),
        ("offset", Arc::new(offsets.collect::<UInt64Array>())),
        ("raw", Arc::new(texts.finish())),
    ]
}

/// Place of a row's result in [`Outcome::ALL`].
fn result(row: &Row<'_>) -> Option<usize> {
    usize::from(row.said.result).checked_sub(1)
}

/// A column of `REFERENCES_…` codes.
fn references(codes: impl ExactSizeIterator<Item = u8>) -> BooleanArray {
    let mut column = BooleanBuilder::with_capacity(codes.len());
    for code in codes {
        if code == REFERENCES_NULL {
            column.append_null();
        } else {
            column.append_value(code == REFERENCES_YES);
        }
    }
    column.finish()
}

fn subjects(names: Names<'_>, rows: &[Row<'_>]) -> ArrayRef {
    let mut known: HashMap<Subject, u32, foldhash::fast::RandomState> = HashMap::default();
    // (Subjects that differ in undecodable bytes read the same; a dictionary has each text once.)
    let mut known_texts: HashMap<String, u32> = HashMap::new();
    let mut texts = StringBuilder::new();
    let mut next = 0;
    let key = |row: &Row<'_>| {
        let subject = row.said.subject;
        if subject == 0 {
            return None;
        }
        let mut add = |text: &str| {
            texts.append_value(text);
            next += 1;
            next - 1
        };
        Some(*known.entry(subject).or_insert_with(|| {
            if let Some((digits, len)) = packed_digits(subject) {
                let digits = digits.to_le_bytes();
                return add(std::str::from_utf8(&digits[..len]).unwrap_or_default());
            }
            let text = text(Key::Field(Field::Subject), subject, names.dictionaries);
            let text = text.unwrap_or_default();
            let at = known_texts.get(&text).copied();
            at.unwrap_or_else(|| {
                let at = add(&text);
                known_texts.insert(text, at);
                at
            })
        }))
    };
    let keys: UInt32Array = rows.iter().map(key).collect();
    Arc::new(DictionaryArray::new(keys, Arc::new(texts.finish())))
}
