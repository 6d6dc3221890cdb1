//! Segment → block: rows from the structural index, times read, values interned.
//!
//! Rows are found first (one pass over the index), then each column is filled by a tight loop.
//! Everything that is not a record is counted: `records seen = accepted + rejected`, blank lines apart.

use std::sync::Arc;

use super::encoding::{Encoding, utf16_len};
use super::fields::unquote;
use super::framer::{MAX_RECORD, Segment};
use super::intern::Cache;
use super::plan::Plan;
use super::scan::{self, Index, PAD, Special};
use super::time::{TimeFormat, TimeReader, Zone};
use crate::block::{Block, Columns, Origin, REFERENCES_NO, REFERENCES_YES, Text};
use crate::dictionary::{Dictionaries, ID_FIELDS, normalisation, normalise, pack_digits};
use crate::log::header::fold;
use crate::policy::{Assumed, Policy};
use crate::record::{Field, Outcome};

/// Characters of a rejected record that are kept.
const EXCERPT_CHARS: usize = 200;

/// A record that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Line from the first of its block.
    pub line: u64,
    /// Byte offset in the source.
    pub offset: u64,
    /// `time`, `columns`, `quote`, `too_long`.
    pub reason: &'static str,
    /// Its first characters.
    pub excerpt: String,
}

/// What parsing a segment gave.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The accepted records.
    pub block: Block,
    /// The others, in order.
    pub rejects: Vec<Reject>,
    /// Physical lines.
    pub lines: u64,
    /// Blank lines among them.
    pub blank: u64,
    /// Undecodable bytes of mapped columns, as U+FFFD in the accepted records.
    pub replaced: u64,
    /// `references` cells with an unknown word.
    pub unknown_references: u64,
    /// Records whose user cell is empty.
    pub no_user: u64,
}

/// What values mean, for all sources of a scan.
pub struct Meaning {
    success: Vec<String>,
    failure: Vec<String>,
    normalise: crate::policy::Normalise,
    assume: std::collections::BTreeMap<Field, Assumed>,
}

impl Meaning {
    /// What a policy says; `assume` as well where records are scanned, not where they are only read.
    #[must_use]
    pub fn of(policy: &Policy, assume: bool) -> Meaning {
        let folded = |words: &[String]| words.iter().map(|w| fold(w)).collect();
        Meaning {
            success: folded(&policy.results.success),
            failure: folded(&policy.results.failure),
            normalise: policy.normalise.clone(),
            assume: if assume {
                policy.assume.clone()
            } else {
                std::collections::BTreeMap::new()
            },
        }
    }

    /// Code of a result word.
    #[must_use]
    pub fn result(&self, word: &str) -> u8 {
        let word = fold(word);
        if word.is_empty() {
            0
        } else if self.success.contains(&word) {
            Outcome::Success as u8
        } else if self.failure.contains(&word) {
            Outcome::Failure as u8
        } else {
            Outcome::Other as u8
        }
    }

    /// Code of a `references` word; none for an unknown one.
    #[must_use]
    pub fn references(word: &str) -> Option<u8> {
        match fold(word).as_str() {
            "" => Some(0),
            "あり" | "有" | "有り" | "○" | "〇" | "◯" | "1" | "true" | "y" | "yes" | "はい" => {
                Some(REFERENCES_YES)
            }
            "なし" | "無" | "無し" | "×" | "✕" | "0" | "false" | "n" | "no" | "-" | "いいえ" => {
                Some(REFERENCES_NO)
            }
            _ => None,
        }
    }

    /// The value of a text field by `[normalise]`.
    #[must_use]
    pub fn text(&self, field: Field, text: &str) -> String {
        normalise(text, normalisation(&self.normalise, field))
    }

    /// The value that `[assume]` gives a field.
    #[must_use]
    pub fn assumed(&self, field: Field) -> Option<&Assumed> {
        self.assume.get(&field)
    }

    /// Number (id, subject or code) of a raw value of a field.
    pub fn number(
        &self,
        field: Field,
        raw: &[u8],
        encoding: Encoding,
        dictionaries: &Dictionaries,
    ) -> u64 {
        let (text, replaced) = encoding.decode(raw);
        match field {
            Field::Result => self.result(&text).into(),
            Field::References => Self::references(&text).map_or(UNKNOWN_REFERENCES, Into::into),
            Field::Subject => {
                dictionaries.subject(&self.text(field, &text), replaced.then_some(raw))
            }
            _ => dictionaries
                .of(field)
                .intern(&self.text(field, &text), replaced.then_some(raw))
                .into(),
        }
    }
}

const UNKNOWN_REFERENCES: u64 = 3;

/// Fields that are filled from cells, besides the time.
const VALUE_FIELDS: [Field; 9] = [
    Field::User,
    Field::UserName,
    Field::Department,
    Field::Terminal,
    Field::System,
    Field::Operation,
    Field::Result,
    Field::References,
    Field::Subject,
];

/// The caches of one encoding: by field, and the values with replaced bytes among them.
#[derive(Default)]
struct Caches {
    by_field: [Cache; 9],
    /// Whether a value with undecodable bytes was ever seen.
    dirty: bool,
}

/// Parses segments; one per thread.
pub struct Parser {
    meaning: Arc<Meaning>,
    dictionaries: Arc<Dictionaries>,
    zone: Zone,
    index: Index,
    caches: [Caches; 3],
    readers: Vec<Option<TimeReader>>,
    /// First separator of each accepted row, in `index.seps`.
    first_sep: Vec<u32>,
}

/// What a parser needs to know of the source of a segment.
pub struct SegmentOf<'a> {
    /// Number of the source in the scan.
    pub source: u32,
    /// How it reads.
    pub plan: &'a Plan,
}

impl Parser {
    /// A parser into `dictionaries`.
    #[must_use]
    pub fn new(meaning: Arc<Meaning>, dictionaries: Arc<Dictionaries>, zone: Zone) -> Parser {
        Parser {
            meaning,
            dictionaries,
            zone,
            index: Index::default(),
            caches: Default::default(),
            readers: Vec::new(),
            first_sep: Vec::new(),
        }
    }

    /// The records of a segment. Lines count from 0.
    pub fn parse(&mut self, segment: Segment, of: &SegmentOf<'_>) -> Parsed {
        let plan = of.plan;
        let special = Special {
            quotes: segment.quotes,
            cp932_trail: plan.special.delimiter >= 0x40 && segment.encoding == Encoding::Cp932,
            ..plan.special
        };
        scan::index(&segment.text, segment.len, special, &mut self.index);
        close_last(&segment, &mut self.index);
        let mut parsed = Parsed {
            lines: (self.index.ends.len() + self.index.inner.len()) as u64,
            ..Parsed::default()
        };
        parsed.block.origin = Origin {
            source: of.source,
            first_line: 0,
            offset: segment.offset,
            text: None,
        };
        self.rows(&segment, of, &mut parsed);
        let cache = match segment.encoding {
            Encoding::Cp932 => 1,
            Encoding::EucJp => 2,
            _ => 0,
        };
        for (slot, field) in VALUE_FIELDS.into_iter().enumerate() {
            let columns = &mut parsed.block.columns;
            match plan.mapping.column(field) {
                None => self.fill_assumed(field, columns),
                Some(column) => {
                    let mut fill = Fill {
                        field,
                        column: u32::try_from(column).unwrap_or(u32::MAX),
                        segment: &segment,
                        seps: &self.index.seps,
                        first_sep: &self.first_sep,
                        meaning: &self.meaning,
                        dictionaries: &self.dictionaries,
                        cache: &mut self.caches[cache].by_field[slot],
                        dirty: &mut self.caches[cache].dirty,
                    };
                    fill.fill(columns);
                }
            }
        }
        self.count(&mut parsed, self.caches[cache].dirty);
        parsed.block.origin.text = Some(Arc::new(Text {
            bytes: segment.text,
            encoding: Some(segment.encoding),
        }));
        parsed
    }

    /// Finds the rows, reads their times, rejects what is no record.
    fn rows(&mut self, segment: &Segment, of: &SegmentOf<'_>, parsed: &mut Parsed) {
        let mapping = &of.plan.mapping;
        let source = of.source as usize;
        if self.readers.len() <= source {
            self.readers.resize_with(source + 1, || None);
        }
        let reader = self.readers[source].get_or_insert_with(|| {
            let format = of
                .plan
                .time_format
                .clone()
                .unwrap_or(TimeFormat::YearMonthDay);
            TimeReader::new(format, self.zone.clone())
        });
        reader.set_encoding(segment.encoding);
        let time_column = mapping.column(Field::Time).unwrap_or(0);
        let text = segment.text.as_slice();
        let seps = &self.index.seps;
        let mut offsets = Offsets::of(segment);
        self.first_sep.clear();
        let columns = &mut parsed.block.columns;
        columns.reserve_rows(self.index.ends.len());
        for row in Rows::of(text, &self.index, mapping.width) {
            if row.start == row.end {
                parsed.blank += 1;
                continue;
            }
            let too_long = row.end - row.start > MAX_RECORD;
            let cell = |column: usize| {
                let begin = if column == 0 {
                    row.start
                } else {
                    seps[row.first_sep + column - 1] as usize + 1
                };
                unquote(&text[begin..seps[row.first_sep + column] as usize])
            };
            let time = match mapping.time_of_day {
                _ if !row.regular || too_long => None,
                None => reader.read(&cell(time_column)),
                Some(second) => reader.read_pair(&cell(time_column), &cell(second)),
            };
            if let Some(time) = time {
                columns.push_row(time, row.line, row.start, row.end);
                #[allow(clippy::cast_possible_truncation)]
                self.first_sep.push(row.first_sep as u32);
                continue;
            }
            parsed.rejects.push(Reject {
                line: row.line as u64,
                offset: offsets.at(row.start),
                reason: match (too_long, row.regular) {
                    (true, _) => "too_long",
                    (false, true) => "time",
                    (false, false) => "columns",
                },
                excerpt: excerpt(&text[row.start..row.end], segment.encoding),
            });
        }
    }

    /// A column that the source lacks: what the policy assumes, or nothing.
    fn fill_assumed(&self, field: Field, columns: &mut Columns) {
        let n = columns.len();
        match (field, self.meaning.assumed(field)) {
            (Field::Result, Some(Assumed::Outcome(o))) => columns.result = vec![*o as u8; n],
            (Field::References, Some(Assumed::Bool(yes))) => {
                columns.references = vec![if *yes { REFERENCES_YES } else { REFERENCES_NO }; n];
            }
            (Field::Subject, Some(Assumed::Text(text))) => {
                columns.subject = vec![self.dictionaries.subject(text, None); n];
            }
            (_, Some(Assumed::Text(text))) => {
                if let Some(column) = crate::dictionary::id_column(field) {
                    columns.ids[column] = vec![self.dictionaries.of(field).intern(text, None); n];
                }
            }
            _ => {}
        }
    }

    fn count(&self, parsed: &mut Parsed, dirty: bool) {
        let columns = &mut parsed.block.columns;
        for code in &mut columns.references {
            if u64::from(*code) == UNKNOWN_REFERENCES {
                *code = 0;
                parsed.unknown_references += 1;
            }
        }
        parsed.no_user = match columns.ids[0].as_slice() {
            [] => columns.len() as u64,
            ids => ids.iter().filter(|&&id| id == 0).count() as u64,
        };
        if dirty {
            for (field, ids) in ID_FIELDS.iter().zip(&columns.ids) {
                let values = self.dictionaries.of(*field).read();
                parsed.replaced += ids
                    .iter()
                    .map(|&id| u64::from(values.replaced(id)))
                    .sum::<u64>();
            }
            let subjects = columns.subject.iter();
            parsed.replaced += subjects
                .map(|&s| u64::from(self.dictionaries.subject_replaced(s)))
                .sum::<u64>();
        }
    }
}

/// A line of a segment that is outside quotes at both ends.
struct Row {
    start: usize,
    /// Where its line end begins.
    end: usize,
    /// Place of its first separator in the index.
    first_sep: usize,
    /// Physical line of its start, from 0.
    line: usize,
    /// Whether it has as many fields as the header.
    regular: bool,
}

/// Walks the rows of an index.
struct Rows<'a> {
    text: &'a [u8],
    index: &'a Index,
    width: usize,
    start: usize,
    next_sep: usize,
    next_end: usize,
    inner: usize,
}

impl<'a> Rows<'a> {
    fn of(text: &'a [u8], index: &'a Index, width: usize) -> Rows<'a> {
        Rows {
            text,
            index,
            width,
            start: 0,
            next_sep: 0,
            next_end: 0,
            inner: 0,
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    #[inline]
    fn next(&mut self) -> Option<Row> {
        let end = *self.index.ends.get(self.next_end)?;
        let mut start = self.start;
        if start > 0 && self.text[start] == b'\n' && self.text[start - 1] == b'\r' {
            start += 1;
        }
        while self
            .index
            .inner
            .get(self.inner)
            .is_some_and(|&at| (at as usize) < start)
        {
            self.inner += 1;
        }
        let first_sep = self.next_sep;
        let regular = self.index.seps.get(first_sep + self.width - 1) == Some(&end);
        if regular {
            self.next_sep += self.width;
        } else {
            while self.index.seps[self.next_sep] != end {
                self.next_sep += 1;
            }
            self.next_sep += 1;
        }
        let line = self.next_end + self.inner;
        self.next_end += 1;
        self.start = end as usize + 1;
        Some(Row {
            start,
            end: end as usize,
            first_sep,
            line,
            regular,
        })
    }
}

/// Offsets in the source of places in a segment, asked for in ascending order.
struct Offsets<'a> {
    segment: &'a Segment,
    at: usize,
    offset: u64,
}

impl<'a> Offsets<'a> {
    fn of(segment: &'a Segment) -> Offsets<'a> {
        Offsets {
            segment,
            at: 0,
            offset: segment.offset,
        }
    }

    fn at(&mut self, place: usize) -> u64 {
        let between = &self.segment.text[self.at..place];
        let utf16 = self.segment.encoding.is_utf16();
        self.offset += if utf16 {
            utf16_len(between)
        } else {
            between.len() as u64
        };
        self.at = place;
        self.offset
    }
}

/// A last record without a line end ends where the text ends.
fn close_last(segment: &Segment, index: &mut Index) {
    let behind = index.ends.last().map_or(0, |&e| {
        let e = e as usize;
        e + 1 + usize::from(segment.text[e] == b'\r' && segment.text[e + 1] == b'\n')
    });
    if behind < segment.len {
        #[allow(clippy::cast_possible_truncation)]
        let len = segment.len as u32;
        index.seps.push(len);
        index.ends.push(len);
    }
}

/// The first characters of a rejected record.
#[must_use]
pub fn excerpt(raw: &[u8], encoding: Encoding) -> String {
    let (text, _) = encoding.decode(&raw[..raw.len().min(EXCERPT_CHARS * 4)]);
    text.chars().take(EXCERPT_CHARS).collect()
}

/// Fills the column of one field.
struct Fill<'a> {
    field: Field,
    column: u32,
    segment: &'a Segment,
    seps: &'a [u32],
    first_sep: &'a [u32],
    meaning: &'a Meaning,
    dictionaries: &'a Dictionaries,
    cache: &'a mut Cache,
    dirty: &'a mut bool,
}

impl Fill<'_> {
    fn fill(&mut self, columns: &mut Columns) {
        let starts = std::mem::take(&mut columns.start);
        #[allow(clippy::cast_possible_truncation)]
        match self.field {
            Field::Result => columns.result = self.values(&starts, |v| v as u8),
            Field::References => columns.references = self.values(&starts, |v| v as u8),
            Field::Subject => columns.subject = self.values(&starts, |v| v),
            field => {
                let column = crate::dictionary::id_column(field).expect("an id field");
                columns.ids[column] = self.values(&starts, |v| v as u32);
            }
        }
        columns.start = starts;
    }

    #[inline(always)]
    fn values<T>(&mut self, starts: &[u32], narrow: impl Fn(u64) -> T) -> Vec<T> {
        let column = self.column as usize;
        let text = self.segment.text.as_slice();
        let mut out = Vec::with_capacity(starts.len());
        for (&start, &first) in starts.iter().zip(self.first_sep) {
            let first = first as usize;
            let from = if column == 0 {
                start as usize
            } else {
                self.seps[first + column - 1] as usize + 1
            };
            let to = self.seps[first + column] as usize;
            let value = if text[from] == b'"' && from < to {
                self.quoted(text, from, to)
            } else {
                self.value(text, from, to)
            };
            out.push(narrow(value));
        }
        out
    }

    /// The number of the value `text[from..to]`, which `PAD` bytes follow in its buffer.
    #[inline]
    fn value(&mut self, text: &[u8], from: usize, to: usize) -> u64 {
        if from == to {
            return 0;
        }
        if self.field == Field::Subject
            && let Some(packed) = pack_digits(&text[from..to])
        {
            return packed;
        }
        let (meaning, dictionaries, field) = (self.meaning, self.dictionaries, self.field);
        let (encoding, dirty) = (self.segment.encoding, &mut *self.dirty);
        self.cache.get(text, from, to, |raw| {
            *dirty |= encoding.decode(raw).1;
            meaning.number(field, raw, encoding, dictionaries)
        })
    }

    fn quoted(&mut self, text: &[u8], from: usize, to: usize) -> u64 {
        if to - from >= 2
            && text[to - 1] == b'"'
            && memchr::memchr(b'"', &text[from + 1..to - 1]).is_none()
        {
            return self.value(text, from + 1, to - 1);
        }
        let mut padded = unquote(&text[from..to]).into_owned();
        let len = padded.len();
        padded.resize(len + PAD, 0);
        self.value(&padded, 0, len)
    }
}
