//! Segment → block: rows from the structural index, times read, values interned.
//!
//! Rows are found first (one pass over the index), then all columns are filled, some hundred rows at a time.
//! Everything that is not a record is counted: `records seen = accepted + rejected`, blank lines apart.

use std::sync::Arc;

use super::beside::{Accepted, Memory};
use super::encoding::Encoding;
use super::fill::{Cells, Layout, layout};
use super::framer::Segment;
use super::meaning::{Meaning, UNKNOWN_REFERENCES};
use super::plan::Plan;
use super::records::{EvenRows, Judge, Judging, Taken};
use super::rows::{Offsets, Rows, Separators, close_last, end_of, rest};
use super::scan::{self, Hot, Index, Special};
use super::swallowed;
use super::time::{Form, TimeFormat, TimeReader, Zone};
use super::wording::Wording;
use crate::block::{Block, Columns, Origin, REFERENCES_NO, REFERENCES_YES, Text, make_room};
use crate::dictionary::{Dictionaries, ID_FIELDS};
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
    /// Line of each accepted row: most blocks have no need of it.
    lines: Vec<u32>,
    /// Whether the last segment turned out to have lines that are no record.
    uneven: bool,
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
            uneven: false,
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
        spare.clear_values();
        let mut parsed = Parsed::default();
        parsed.block.columns = spare;
        parsed.block.origin = Origin {
            source: of.source,
            first_line: 0,
            offset: segment.offset,
            text: None,
        };
        let found = match self.even_rows(&segment, of, special, &mut parsed) {
            Some(found) => found,
            None => self.rows(&segment, of, special, &mut parsed),
        };
        let even = found.even;
        let wording = scan::hot(Fill {
            parser: self,
            segment: &segment,
            plan,
            parsed: &mut parsed,
            found,
        });
        let width = plan.mapping.width;
        let separators = Separators::of(&self.index, width, (!even).then_some(&self.first_sep));
        if self.watches {
            let accepted = Accepted {
                segment: &segment,
                separators,
                columns: &parsed.block.columns,
                unknown_references: parsed.unknown_references > 0,
            };
            parsed.beside = accepted.count(of.source, &plan.natures, &mut self.memory);
        }
        self.keep(segment, wording, separators, &mut parsed);
        parsed
    }

    /// Keeps what is needed of lines, of where records end, and of the text.
    fn keep(&self, segment: Segment, wording: u8, rows: Separators<'_>, parsed: &mut Parsed) {
        let columns = &mut parsed.block.columns;
        let count = columns.len();
        if parsed.lines > count as u64 {
            put(&mut columns.line, self.lines.iter().copied());
        }
        let bytes = if wording > 0 {
            parsed.spare = Some(segment.text);
            Vec::new()
        } else {
            put(&mut columns.end, (0..count).map(|row| rows.end(row)));
            segment.text
        };
        parsed.block.origin.text = Some(Arc::new(Text {
            bytes,
            encoding: Some(segment.encoding),
            wording,
        }));
    }

    /// Fills the columns of the rows that are records. Number of how they were written, if that and what
    /// they say is enough to tell the text of each; or 0. Not of records that may have to be put in order:
    /// there the text is quicker at hand.
    #[inline(always)]
    fn fill(&mut self, segment: &Segment, plan: &Plan, parsed: &mut Parsed, found: &Found) -> u8 {
        let encoding = match segment.encoding {
            other @ (Encoding::Cp932 | Encoding::EucJp) => other,
            // The text of the others is UTF-8 by now.
            _ => Encoding::Utf8,
        };
        let delimiter = plan.special.delimiter;
        let layout = layout(&mut self.layouts, &plan.mapping, delimiter, encoding);
        let first_sep = (!found.even).then_some(self.first_sep.as_slice());
        let cells = Cells {
            segment,
            separators: Separators::of(&self.index, plan.mapping.width, first_sep),
            meaning: &self.meaning,
            dictionaries: &self.dictionaries,
        };
        let columns = &mut parsed.block.columns;
        layout.fill(&cells, columns);
        let (dirty, unknown) = (layout.dirty, layout.unknown_references);
        parsed.in_order = found.in_order;
        // (Offsets of UTF-16 are counted in the text.)
        let told = layout.tells(columns.len(), segment.quotes)
            && !segment.encoding.is_utf16()
            && parsed.in_order;
        let how = (delimiter, segment.quotes);
        let wording = found
            .form
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

    /// Finds the rows and reads their times, if every line is a record: as nearly all are, it is tried
    /// first, but not where it has just failed.
    fn even_rows(
        &mut self,
        segment: &Segment,
        of: &SegmentOf<'_>,
        special: Special,
        parsed: &mut Parsed,
    ) -> Option<Found> {
        let mapping = &of.plan.mapping;
        let width = mapping.width;
        if special.quotes
            || width < 2
            || mapping.time_of_day.is_some()
            || std::mem::replace(&mut self.uneven, false)
        {
            return None;
        }
        let index = &mut self.index;
        let mut lines = scan::separators(&segment.text, segment.len, special, index);
        if rest(segment, index.seps.last().copied()) {
            index.seps.push(end_of(segment));
            lines += 1;
        }
        self.uneven = true;
        if index.seps.len() != lines * width {
            return None;
        }
        let columns = &mut parsed.block.columns;
        columns.resize_rows(lines);
        let reader = reader(&mut self.readers, of, &self.zone);
        reader.begin(segment.encoding);
        let in_order = scan::hot(EvenRows {
            text: segment.text.as_slice(),
            seps: self.index.seps.as_slice(),
            delimiter: special.delimiter,
            width,
            time_column: mapping.column(Field::Time).unwrap_or(0),
            reader,
            times: &mut columns.time[..lines],
            starts: &mut columns.start[..lines],
        })?;
        self.uneven = false;
        parsed.lines = lines as u64;
        Some(Found {
            form: reader.form(),
            even: true,
            in_order,
        })
    }

    /// Finds the rows, reads their times, rejects what is no record.
    fn rows(
        &mut self,
        segment: &Segment,
        of: &SegmentOf<'_>,
        special: Special,
        parsed: &mut Parsed,
    ) -> Found {
        let mapping = &of.plan.mapping;
        scan::index(&segment.text, segment.len, special, &mut self.index);
        close_last(segment, &mut self.index);
        let lines = self.index.ends.len();
        parsed.lines = (lines + self.index.inner.len()) as u64;
        parsed.swallowed = swallowed::of(&segment.text, &self.index, special, mapping.width);
        let reader = reader(&mut self.readers, of, &self.zone);
        reader.begin(segment.encoding);
        let columns = &mut parsed.block.columns;
        columns.resize_rows(lines);
        for rows in [&mut self.first_sep, &mut self.lines] {
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
            first_sep: &mut self.first_sep[..lines],
            count: 0,
        };
        let rows = Rows::of(&segment.text, &self.index, mapping.width);
        let (count, quoted) = scan::hot(Judging(judge, rows, taken));
        columns.resize_rows(count);
        for rows in [&mut self.first_sep, &mut self.lines] {
            rows.truncate(count);
        }
        let alike = quoted == if segment.quotes { count } else { 0 };
        Found {
            form: reader.form().filter(|_| alike),
            even: false,
            in_order: columns.time.is_sorted(),
        }
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
fn put(to: &mut Vec<u32>, column: impl ExactSizeIterator<Item = u32>) {
    make_room(to, column.len());
    to.extend(column);
}

/// The reader of the times of a source.
fn reader<'a>(
    readers: &'a mut Vec<Option<TimeReader>>,
    of: &SegmentOf<'_>,
    zone: &Zone,
) -> &'a mut TimeReader {
    let source = of.source as usize;
    if readers.len() <= source {
        readers.resize_with(source + 1, || None);
    }
    readers[source].get_or_insert_with(|| {
        let format = of.plan.time_format.clone();
        let format = format.unwrap_or(TimeFormat::YearMonthDay);
        TimeReader::new(format, zone.clone())
    })
}

/// See [`Parser::fill`].
struct Fill<'a> {
    parser: &'a mut Parser,
    segment: &'a Segment,
    plan: &'a Plan,
    parsed: &'a mut Parsed,
    found: Found,
}

impl Hot for Fill<'_> {
    type Output = u8;

    #[inline(always)]
    fn run(self) -> u8 {
        self.parser
            .fill(self.segment, self.plan, self.parsed, &self.found)
    }
}

/// What was found of the rows of a segment.
struct Found {
    /// The form of their times, if they all are of one, in quotes or not as the segment has any.
    form: Option<Form>,
    /// Whether every line is a record.
    even: bool,
    /// Whether the records are in time order.
    in_order: bool,
}

/// The first characters of a rejected record.
#[must_use]
pub fn excerpt(raw: &[u8], encoding: Encoding) -> String {
    let (text, _) = encoding.decode(&raw[..raw.len().min(EXCERPT_CHARS * 4)]);
    text.chars().take(EXCERPT_CHARS).collect()
}

#[cfg(test)]
mod tests;
