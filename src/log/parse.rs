//! Segment → block: rows from the structural index, times read, values interned.
//!
//! Rows are found first (one pass over the index), then each column is filled by a tight loop.
//! Everything that is not a record is counted: `records seen = accepted + rejected`, blank lines apart.

use std::sync::Arc;

use super::beside::{self, Accepted, Memory};
use super::encoding::Encoding;
use super::fields::unquote;
use super::fill::{Cells, Layout, layout};
use super::framer::{MAX_RECORD, Segment};
use super::header::Mapping;
use super::meaning::{Meaning, UNKNOWN_REFERENCES};
use super::plan::Plan;
use super::rows::{EvenRows, Offsets, Row, Rows, close_last};
use super::scan::{self, Hot, Index, Special};
use super::swallowed;
use super::time::{Form, TimeFormat, TimeReader, Zone};
use super::wording::Wording;
use crate::block::{Block, Columns, Origin, REFERENCES_NO, REFERENCES_YES, Text, make_room};
use crate::dictionary::{Dictionaries, ID_FIELDS};
use crate::individual::column::Natures;
use crate::individual::tally::{Counted, Places};
use crate::policy::Assumed;
use crate::record::Field;

/// Characters of a rejected record that are kept.
pub const EXCERPT_CHARS: usize = 200;

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
    /// Whether it was found to hold an Individual Number that is named.
    pub names_number: bool,
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
    /// Lines inside quotes that look like records, from the first of the block.
    pub swallowed: Places,
    /// Cells of columns that feed no text, if the parser watches them.
    pub beside: Vec<Counted>,
    /// The segment's text, if the records can do without.
    pub spare: Option<Vec<u8>>,
    /// Whether the records are known to be in time order.
    pub in_order: bool,
}

/// Parses segments; one per thread.
pub struct Parser {
    meaning: Arc<Meaning>,
    dictionaries: Arc<Dictionaries>,
    zone: Zone,
    index: Index,
    layouts: Vec<Layout>,
    readers: Vec<Option<TimeReader>>,
    /// First separator of each accepted row, in `index.seps`.
    first_sep: Vec<u32>,
    /// Line and end of each accepted row: most blocks have no need of them.
    lines: Vec<u32>,
    ends: Vec<u32>,
    /// Whether it looks for Individual Numbers beside the texts that it interns.
    watches: bool,
    memory: Memory,
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
            layouts: Vec::new(),
            readers: Vec::new(),
            first_sep: Vec::new(),
            lines: Vec::new(),
            ends: Vec::new(),
            watches: false,
            memory: Memory::default(),
        }
    }

    /// The parser as one that looks for Individual Numbers in what becomes no text of a record.
    #[must_use]
    pub fn watching(self) -> Parser {
        Parser {
            watches: true,
            ..self
        }
    }

    /// Whether it looks for Individual Numbers.
    #[must_use]
    pub fn watches(&self) -> bool {
        self.watches
    }

    /// The records of a segment. Lines count from 0; `spare` holds columns to use again.
    pub fn parse(&mut self, segment: Segment, of: &SegmentOf<'_>, mut spare: Columns) -> Parsed {
        let plan = of.plan;
        let special = Special {
            quotes: segment.quotes,
            cp932_trail: plan.special.delimiter >= 0x40 && segment.encoding == Encoding::Cp932,
            ..plan.special
        };
        scan::index(&segment.text, segment.len, special, &mut self.index);
        close_last(&segment, &mut self.index);
        spare.clear_values();
        let mut parsed = Parsed {
            lines: (self.index.ends.len() + self.index.inner.len()) as u64,
            swallowed: swallowed::of(&segment.text, &self.index, special, plan.mapping.width),
            ..Parsed::default()
        };
        parsed.block.columns = spare;
        parsed.block.origin = Origin {
            source: of.source,
            first_line: 0,
            offset: segment.offset,
            text: None,
        };
        let wording = scan::hot(Body {
            parser: self,
            segment: &segment,
            of,
            parsed: &mut parsed,
        });
        if self.watches {
            let accepted = Accepted {
                segment: &segment,
                seps: &self.index.seps,
                first_sep: &self.first_sep,
                columns: &parsed.block.columns,
                unknown_references: parsed.unknown_references > 0,
            };
            parsed.beside = accepted.count(of.source, &plan.natures, &mut self.memory);
        }
        let columns = &mut parsed.block.columns;
        if self.index.ends.len() > columns.len() || !self.index.inner.is_empty() {
            put(&mut columns.line, &self.lines);
        }
        let (bytes, spare) = if wording > 0 {
            (Vec::new(), Some(segment.text))
        } else {
            put(&mut columns.end, &self.ends);
            (segment.text, None)
        };
        parsed.spare = spare;
        parsed.block.origin.text = Some(Arc::new(Text {
            bytes,
            encoding: Some(segment.encoding),
            wording,
        }));
        parsed
    }

    /// Fills the columns of the rows that are records, whose times are of a form, if they all are of
    /// one. Number of how they were written, if that and what they say is enough to tell the text of
    /// each; or 0. Not of records that may have to be put in order: there the text is quicker at hand.
    #[inline(always)]
    fn fill(
        &mut self,
        segment: &Segment,
        plan: &Plan,
        parsed: &mut Parsed,
        times: Option<Form>,
    ) -> u8 {
        let encoding = match segment.encoding {
            other @ (Encoding::Cp932 | Encoding::EucJp) => other,
            // The text of the others is UTF-8 by now.
            _ => Encoding::Utf8,
        };
        let delimiter = plan.special.delimiter;
        let layout = layout(&mut self.layouts, &plan.mapping, delimiter, encoding);
        let cells = Cells {
            segment,
            seps: &self.index.seps,
            first_sep: &self.first_sep,
            meaning: &self.meaning,
            dictionaries: &self.dictionaries,
        };
        let columns = &mut parsed.block.columns;
        layout.fill(&cells, columns);
        let (dirty, unknown) = (layout.dirty, layout.unknown_references);
        parsed.in_order = columns.time.is_sorted();
        // (Offsets of UTF-16 are counted in the text.)
        let told = layout.tells(columns.len(), segment.quotes)
            && !segment.encoding.is_utf16()
            && parsed.in_order;
        let how = (delimiter, segment.quotes);
        let wording = times
            .filter(|_| told)
            .and_then(|times| Wording::of(&plan.mapping, how, times))
            .and_then(|wording| self.dictionaries.wordings.number(&wording))
            .unwrap_or(0);
        for field in Field::ALL {
            if field != Field::Time && plan.mapping.column(field).is_none() {
                self.fill_assumed(field, &mut parsed.block.columns);
            }
        }
        if unknown {
            for code in &mut parsed.block.columns.references {
                if *code == UNKNOWN_REFERENCES {
                    *code = 0;
                    parsed.unknown_references += 1;
                }
            }
        }
        self.count(parsed, dirty);
        wording
    }

    /// Finds the rows, reads their times, rejects what is no record. The form of the times, if they all
    /// are of one, in quotes or not as the segment has any.
    #[inline(always)]
    fn rows(&mut self, segment: &Segment, of: &SegmentOf<'_>, parsed: &mut Parsed) -> Option<Form> {
        let mapping = &of.plan.mapping;
        let source = of.source as usize;
        if self.readers.len() <= source {
            self.readers.resize_with(source + 1, || None);
        }
        let reader = self.readers[source].get_or_insert_with(|| {
            let format = of.plan.time_format.clone();
            let format = format.unwrap_or(TimeFormat::YearMonthDay);
            TimeReader::new(format, self.zone.clone())
        });
        reader.set_encoding(segment.encoding);
        reader.begin();
        let lines = self.index.ends.len();
        let columns = &mut parsed.block.columns;
        columns.resize_rows(lines);
        for rows in [&mut self.first_sep, &mut self.lines, &mut self.ends] {
            rows.resize(lines, 0);
        }
        let judge = Judge {
            segment,
            text: segment.text.as_slice(),
            seps: self.index.seps.as_slice(),
            mapping,
            time_column: mapping.column(Field::Time).unwrap_or(0),
            reader,
            offsets: Offsets::of(segment),
            natures: self.watches.then_some(&of.plan.natures),
            quoted: 0,
            blank: &mut parsed.blank,
            rejects: &mut parsed.rejects,
        };
        let taken = Taken {
            time: &mut columns.time[..lines],
            line: &mut self.lines[..lines],
            start: &mut columns.start[..lines],
            end: &mut self.ends[..lines],
            first_sep: &mut self.first_sep[..lines],
            count: 0,
        };
        let (count, quoted) = match EvenRows::of(&segment.text, &self.index, mapping.width) {
            Some(even) => judge.judge(even, taken),
            None => judge.judge(Rows::of(&segment.text, &self.index, mapping.width), taken),
        };
        columns.resize_rows(count);
        for rows in [&mut self.first_sep, &mut self.lines, &mut self.ends] {
            rows.truncate(count);
        }
        let alike = quoted == if segment.quotes { count } else { 0 };
        self.readers[source].as_ref()?.form().filter(|_| alike)
    }

    /// A column that the source lacks: what the policy assumes, or nothing.
    fn fill_assumed(&self, field: Field, columns: &mut Columns) {
        let n = columns.len();
        match (field, self.meaning.assumed(field)) {
            (Field::Result, Some(Assumed::Outcome(o))) => columns.result.resize(n, *o as u8),
            (Field::References, Some(Assumed::Bool(yes))) => {
                let code = if *yes { REFERENCES_YES } else { REFERENCES_NO };
                columns.references.resize(n, code);
            }
            (Field::Subject, Some(Assumed::Text(text))) => {
                let subject = self.dictionaries.subject(text, None);
                columns.subject.resize(n, subject);
            }
            (_, Some(Assumed::Text(text))) => {
                if let Some(column) = crate::dictionary::id_column(field) {
                    let id = self.dictionaries.of(field).intern(text, None);
                    columns.ids[column].resize(n, id);
                }
            }
            _ => {}
        }
    }

    fn count(&self, parsed: &mut Parsed, dirty: bool) {
        let columns = &mut parsed.block.columns;
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

/// Puts a column of all rows into an empty one.
fn put(to: &mut Vec<u32>, column: &[u32]) {
    make_room(to, column.len());
    to.extend_from_slice(column);
}

/// The parse of a segment behind its structural index.
struct Body<'a> {
    parser: &'a mut Parser,
    segment: &'a Segment,
    of: &'a SegmentOf<'a>,
    parsed: &'a mut Parsed,
}

impl Hot for Body<'_> {
    type Output = u8;

    #[inline(always)]
    fn run(self) -> u8 {
        let times = self.parser.rows(self.segment, self.of, self.parsed);
        let (segment, plan) = (self.segment, self.of.plan);
        self.parser.fill(segment, plan, self.parsed, times)
    }
}

/// The rows that are records, so far, in columns that have room for every line.
struct Taken<'a> {
    time: &'a mut [i64],
    line: &'a mut [u32],
    start: &'a mut [u32],
    end: &'a mut [u32],
    /// First separator of each.
    first_sep: &'a mut [u32],
    count: usize,
}

impl Taken<'_> {
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn take(&mut self, row: &Row, time: i64) {
        let at = self.count;
        self.time[at] = time;
        self.line[at] = row.line as u32;
        self.start[at] = row.start as u32;
        self.end[at] = row.end as u32;
        self.first_sep[at] = row.first_sep as u32;
        self.count = at + 1;
    }
}

/// Tells records from what is none.
struct Judge<'a> {
    segment: &'a Segment,
    text: &'a [u8],
    seps: &'a [u32],
    mapping: &'a Mapping,
    time_column: usize,
    reader: &'a mut TimeReader,
    offsets: Offsets<'a>,
    /// Where numbers are looked for.
    natures: Option<&'a Natures>,
    /// Times in quotes.
    quoted: usize,
    blank: &'a mut u64,
    rejects: &'a mut Vec<Reject>,
}

impl Judge<'_> {
    /// How many rows are records, and how many times stood in quotes.
    #[inline(always)]
    fn judge(mut self, rows: impl Iterator<Item = Row>, mut taken: Taken<'_>) -> (usize, usize) {
        let long = self.segment.len > MAX_RECORD;
        for row in rows {
            if row.start == row.end {
                *self.blank += 1;
                continue;
            }
            let too_long = long && row.end - row.start > MAX_RECORD;
            let time = if row.regular && !too_long {
                self.time(&row)
            } else {
                None
            };
            if let Some(time) = time {
                taken.take(&row, time);
            } else {
                self.reject(&row, too_long);
            }
        }
        (taken.count, self.quoted)
    }

    #[inline(always)]
    fn time(&mut self, row: &Row) -> Option<i64> {
        if let Some(second) = self.mapping.time_of_day {
            let date = unquote(row.cell(self.text, self.seps, self.time_column));
            let time = unquote(row.cell(self.text, self.seps, second));
            return self.reader.read_pair(&date, &time);
        }
        let cell = row.cell(self.text, self.seps, self.time_column);
        if !self.segment.quotes {
            let known = self.reader.read_again(cell);
            return known.or_else(|| self.reader.read(cell));
        }
        match cell {
            quoted @ [b'"', within @ .., b'"'] => {
                self.quoted += 1;
                let known = self.reader.read_again(within);
                known.or_else(|| self.reader.read(&unquote(quoted)))
            }
            quoted @ [b'"', ..] => self.reader.read(&unquote(quoted)),
            plain => self.reader.read(plain),
        }
    }

    #[cold]
    fn reject(&mut self, row: &Row, too_long: bool) {
        self.rejects.push(Reject {
            line: row.line as u64,
            offset: self.offsets.at(row.start),
            reason: match (too_long, row.regular) {
                (true, _) => "too_long",
                (false, true) => "time",
                (false, false) => "columns",
            },
            excerpt: excerpt(&self.text[row.start..row.end], self.segment.encoding),
            names_number: self.natures.is_some_and(|natures| {
                beside::is_named_in(self.text, self.seps, row, self.segment.encoding, natures)
            }),
        });
    }
}

/// The first characters of a rejected record.
#[must_use]
pub fn excerpt(raw: &[u8], encoding: Encoding) -> String {
    let (text, _) = encoding.decode(&raw[..raw.len().min(EXCERPT_CHARS * 4)]);
    text.chars().take(EXCERPT_CHARS).collect()
}
