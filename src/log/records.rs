//! Which rows of a segment are records: those with as many fields as the header and a time that reads.

use super::beside;
use super::fields::unquote;
use super::framer::{MAX_RECORD, Segment};
use super::header::Mapping;
use super::parse::{Reject, excerpt};
use super::rows::{Offsets, Row, Rows, cell_of};
use super::scan::Hot;
use super::time::TimeReader;
use crate::individual::column::Natures;

/// The rows of a text without quotes, in which there are as many separators as if each had as many as the
/// header has fields, two at least.
pub(super) struct EvenRows<'a> {
    pub(super) text: &'a [u8],
    pub(super) seps: &'a [u32],
    pub(super) delimiter: u8,
    /// Fields of a row.
    pub(super) width: usize,
    pub(super) time_column: usize,
    pub(super) reader: &'a mut TimeReader,
    /// Where the rows start and their times, in columns that are as long.
    pub(super) times: &'a mut [i64],
    pub(super) starts: &'a mut [u32],
}

impl Hot for EvenRows<'_> {
    /// Whether the rows are in time order; none if one of them is no record.
    type Output = Option<bool>;

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn run(self) -> Option<bool> {
        let (text, width) = (self.text, self.width);
        let (mut start, mut last) = (0, i64::MIN);
        let (mut in_order, mut even, mut after_cr) = (true, true, false);
        let rows = self.seps.chunks_exact(width);
        for ((row, to_time), to_start) in rows.zip(self.times).zip(self.starts) {
            // (Of a CRLF the line end is the CR.)
            start += usize::from(after_cr && text[start] == b'\n');
            let cell = cell_of(text, row, start, self.time_column);
            let time = match self.reader.read_again(cell) {
                Some(time) => time,
                None => self.reader.read(cell)?,
            };
            in_order &= last <= time;
            last = time;
            (*to_time, *to_start) = (time, start as u32);
            let end = row[width - 1] as usize;
            even &= text[end] != self.delimiter && end - start <= MAX_RECORD;
            after_cr = text[end] == b'\r';
            start = end + 1;
        }
        even.then_some(in_order)
    }
}

/// The rows that are records, so far, in columns that have room for every line.
pub(super) struct Taken<'a> {
    pub(super) time: &'a mut [i64],
    pub(super) line: &'a mut [u32],
    pub(super) start: &'a mut [u32],
    /// First separator of each.
    pub(super) first_sep: &'a mut [u32],
    pub(super) count: usize,
}

impl Taken<'_> {
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn take(&mut self, row: &Row, time: i64) {
        let at = self.count;
        self.time[at] = time;
        self.line[at] = row.line as u32;
        self.start[at] = row.start as u32;
        self.first_sep[at] = row.first_sep as u32;
        self.count = at + 1;
    }
}

/// Tells records from what is none.
pub(super) struct Judge<'a> {
    pub(super) segment: &'a Segment,
    pub(super) text: &'a [u8],
    pub(super) seps: &'a [u32],
    pub(super) mapping: &'a Mapping,
    pub(super) time_column: usize,
    pub(super) reader: &'a mut TimeReader,
    pub(super) offsets: Offsets<'a>,
    /// Where numbers are looked for.
    pub(super) natures: Option<&'a Natures>,
    /// Times in quotes.
    pub(super) quoted: usize,
    pub(super) blank: &'a mut u64,
    pub(super) rejects: &'a mut Vec<Reject>,
}

impl Judge<'_> {
    /// How many rows are records, and how many times stood in quotes.
    #[inline(always)]
    fn judge(mut self, rows: Rows<'_>, mut taken: Taken<'_>) -> (usize, usize) {
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

/// Judges rows.
pub(super) struct Judging<'a>(
    pub(super) Judge<'a>,
    pub(super) Rows<'a>,
    pub(super) Taken<'a>,
);

impl Hot for Judging<'_> {
    /// See [`Judge::judge`].
    type Output = (usize, usize);

    #[inline(always)]
    fn run(self) -> (usize, usize) {
        self.0.judge(self.1, self.2)
    }
}
