//! The cells of columns that no text of a record is made of (and of few others), looked at for Individual
//! Numbers where they stand.
//!
//! Every cell is looked at, and nearly none for long: it is too short, or has too few digits, or is
//! the same as one before it. All of that is asked of its bytes; only what may hold a number is
//! decoded, and values that are new as long as distinct values are counted.

use std::ops::RangeInclusive;

use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use super::encoding::Encoding;
use super::fields::unquote;
use super::framer::Segment;
use super::rows::{Row, Separators, cell_of};
use crate::block::Columns;
use crate::individual::column::{Beside, Natures};
use crate::individual::tally::{Cell, Counted, Tally};
use crate::individual::{find, has_runs, is_named};
use crate::record::{Field, Outcome};

/// Digits of a number, and so the fewest bytes of a cell with one.
const DIGITS: usize = 12;

/// Values of a column that are remembered, raw forms of one value and blank ones included.
const MOST_KNOWN: usize = 4096;

/// What is remembered from segment to segment, by source and column: a value is looked at once.
#[derive(Default)]
pub(super) struct Memory(HashMap<(u32, usize), OfColumn, foldhash::fast::FixedState>);

#[derive(Default)]
struct OfColumn {
    /// Of cells without a number, by their hashes: whether they are not blank.
    known: HashMap<u64, bool, foldhash::fast::FixedState>,
    /// Whether there are more values than a tally keeps: then nothing is remembered.
    many: bool,
}

/// Where the accepted records of a segment lie.
pub(super) struct Accepted<'a> {
    pub(super) segment: &'a Segment,
    /// Delimiters and line ends of each record.
    pub(super) separators: Separators<'a>,
    /// What was made of the records.
    pub(super) columns: &'a Columns,
    /// Whether there are `references` with an unknown word.
    pub(super) unknown_references: bool,
}

impl Accepted<'_> {
    /// Counts the cells of columns of a source, one by one.
    pub(super) fn count(
        &self,
        source: u32,
        natures: &Natures,
        memory: &mut Memory,
    ) -> Vec<Counted> {
        natures
            .beside
            .iter()
            .filter_map(|beside| {
                let cells = self.of(beside)?;
                let of = memory.0.entry((source, beside.column)).or_default();
                let mut look = Look::new(self.segment.encoding, of);
                for (record, cell) in cells {
                    look.at(cell, record);
                }
                let tally = look.end();
                (!tally.is_empty()).then_some((beside.column, tally))
            })
            .collect()
    }

    /// The cells of a column that are to be looked at, by record; none if all of them are known words.
    fn of(&self, beside: &Beside) -> Option<impl Iterator<Item = (u64, &[u8])>> {
        let (codes, wanted): (&[u8], u8) = match beside.field {
            Some(Field::Result) => (&self.columns.result, Outcome::Other as u8),
            // What is not known counts as empty by now.
            Some(Field::References) if self.unknown_references => (&self.columns.references, 0),
            Some(Field::References) => return None,
            _ => (&[], 0),
        };
        let all = !matches!(beside.field, Some(Field::Result | Field::References));
        if !all && memchr::memchr(wanted, codes).is_none() {
            return None;
        }
        let rows = self.columns.start.iter().enumerate();
        let column = beside.column;
        let wanted = move |row: usize| all || codes[row] == wanted;
        Some(
            rows.filter(move |&(row, _)| wanted(row))
                .map(move |(row, &start)| {
                    let seps = self.separators.row(row);
                    let cell = cell_of(&self.segment.text, seps, start as usize, column);
                    (row as u64, cell)
                }),
        )
    }
}

/// A look along a column.
struct Look<'a> {
    encoding: Encoding,
    of: &'a mut OfColumn,
    tally: Tally,
}

impl Look<'_> {
    fn new(encoding: Encoding, of: &mut OfColumn) -> Look<'_> {
        let tally = if of.many {
            Tally::of_many()
        } else {
            Tally::default()
        };
        Look {
            encoding,
            of,
            tally,
        }
    }

    fn end(self) -> Tally {
        self.of.many = self.tally.has_many();
        if self.of.many || self.of.known.len() > MOST_KNOWN {
            self.of.known = HashMap::default();
        }
        self.tally
    }

    fn at(&mut self, cell: &[u8], record: u64) {
        if cell.is_empty() {
            return;
        }
        if self.tally.has_many() {
            if may_hold(cell, self.encoding) {
                self.read(cell, record);
            } else if !is_blank(cell, self.encoding) {
                self.tally.add_other();
            }
            return;
        }
        let hash = xxh3_64(cell);
        if let Some(&filled) = self.of.known.get(&hash) {
            if filled {
                self.tally.add_other();
            }
            return;
        }
        let holds = self.read(cell, record);
        if holds != Cell::Number {
            self.of.known.insert(hash, holds == Cell::Other);
        }
    }

    fn read(&mut self, cell: &[u8], record: u64) -> Cell {
        let value = unquote(cell);
        self.tally.add(&self.encoding.decode(&value).0, record)
    }
}

/// Whether bytes may hold a number: whether there are such runs of digits among them, or digits enough
/// if some are full-width.
fn may_hold(bytes: &[u8], encoding: Encoding) -> bool {
    if bytes.len() < DIGITS {
        return false;
    }
    if has_runs(bytes) {
        return true;
    }
    // The last two bytes of a full-width digit; other characters may have them side by side as well.
    let (lead, trails): (u8, RangeInclusive<u8>) = match encoding {
        Encoding::Cp932 => (0x82, 0x4F..=0x58),
        Encoding::EucJp => (0xA3, 0xB0..=0xB9),
        Encoding::Utf8 | Encoding::Utf16Le | Encoding::Utf16Be => (0xBC, 0x90..=0x99),
    };
    let leads = memchr::memchr_iter(lead, bytes);
    let wide = leads
        .filter_map(|at| bytes.get(at + 1))
        .filter(|&trail| trails.contains(trail))
        .count();
    // (ASCII digits are nothing else in any of the encodings.)
    wide > 0 && wide + bytes.iter().filter(|b| b.is_ascii_digit()).count() >= DIGITS
}

/// Whether nothing but white space stands in a cell.
fn is_blank(cell: &[u8], encoding: Encoding) -> bool {
    let inside = cell.strip_prefix(b"\"").unwrap_or(cell);
    // The first byte mostly tells.
    let visible = match (inside, encoding) {
        ([b'!' | b'#'..=b'~', ..], _) => true,
        // White space may begin so; what it is, the text tells.
        ([..=0x7F, ..] | [], _)
        | ([0x81, 0x40, ..], Encoding::Cp932)
        | ([0xA1, 0xA1, ..], Encoding::EucJp) => false,
        (_, Encoding::Cp932 | Encoding::EucJp) => true,
        ([0xE3, second, ..], _) => *second != 0x80,
        ([first, ..], _) => !matches!(first, 0xC2 | 0xE1 | 0xE2 | 0xE3),
    };
    !visible && encoding.decode(&unquote(cell)).0.trim().is_empty()
}

/// Whether a record that was rejected holds a number that is named: in a cell where it has as many
/// cells as the header, else anywhere in its text.
pub(super) fn is_named_in(
    text: &[u8],
    seps: &[u32],
    row: &Row,
    encoding: Encoding,
    natures: &Natures,
) -> bool {
    let raw = &text[row.start..row.end];
    if !may_hold(raw, encoding) {
        return false;
    }
    if !row.regular {
        return is_named_in_text(raw, encoding);
    }
    let mut from = row.start;
    let ends = seps[row.first_sep..].iter().map(|&sep| sep as usize);
    ends.take_while(|&end| end <= row.end)
        .enumerate()
        .any(|(column, end)| {
            let cell = &text[std::mem::replace(&mut from, end + 1)..end];
            may_hold(cell, encoding) && natures.is_named(column, &encoding.decode(&unquote(cell)).0)
        })
}

/// Whether a text holds a number that is named.
#[must_use]
pub fn is_named_in_text(raw: &[u8], encoding: Encoding) -> bool {
    if !may_hold(raw, encoding) {
        return false;
    }
    let (text, _) = encoding.decode(raw);
    find(&text).iter().any(|found| is_named(&text, found))
}

#[cfg(test)]
mod tests;
