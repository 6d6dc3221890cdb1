//! The rows of a segment, from its structural index.

use std::ops::Range;

use super::encoding::utf16_len;
use super::framer::Segment;
use super::scan::Index;

/// A line of a segment that is outside quotes at both ends.
pub(super) struct Row {
    pub(super) start: usize,
    /// Where its line end begins.
    pub(super) end: usize,
    /// Place of its first separator in the index.
    pub(super) first_sep: usize,
    /// Physical line of its start, from 0.
    pub(super) line: usize,
    /// Whether it has as many fields as the header.
    pub(super) regular: bool,
}

impl Row {
    /// The bytes of a cell as they stand.
    #[inline(always)]
    pub(super) fn cell<'a>(&self, text: &'a [u8], seps: &[u32], column: usize) -> &'a [u8] {
        cell_of(text, &seps[self.first_sep..], self.start, column)
    }
}

/// The bytes of a cell as they stand, in the row that begins at `start` and has these separators.
#[inline(always)]
pub(super) fn cell_of<'a>(text: &'a [u8], seps: &[u32], start: usize, column: usize) -> &'a [u8] {
    let (from, to) = span(start, seps, (column, column));
    &text[from..to]
}

/// Walks the rows of an index.
pub(super) struct Rows<'a> {
    text: &'a [u8],
    index: &'a Index,
    width: usize,
    start: usize,
    next_sep: usize,
    next_end: usize,
    inner: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn of(text: &'a [u8], index: &'a Index, width: usize) -> Rows<'a> {
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

    #[inline(always)]
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

/// The separators of rows that are records, each with as many fields as the header.
#[derive(Clone, Copy)]
pub(super) struct Separators<'a> {
    /// Of all lines.
    seps: &'a [u32],
    /// Fields of a row.
    width: usize,
    /// Where those of each row begin; none if every line is such a row.
    first: Option<&'a [u32]>,
}

impl<'a> Separators<'a> {
    /// Those of the rows of an index that begin at these places; of all lines, if every line is such a row.
    pub(super) fn of(index: &'a Index, width: usize, first: Option<&'a [u32]>) -> Separators<'a> {
        Separators {
            seps: &index.seps,
            width,
            first,
        }
    }

    /// Those of a row.
    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &'a [u32] {
        let first = self
            .first
            .map_or(row * self.width, |first| first[row] as usize);
        &self.seps[first..first + self.width]
    }

    /// Where the line end of a row begins.
    pub(super) fn end(&self, row: usize) -> u32 {
        self.row(row)[self.width - 1]
    }

    /// Where the cells of some rows lie in adjacent columns, the `first` to the `last`; `starts` says where
    /// each of these rows begins. Not inlined, so that it is not compiled for instruction sets whose
    /// gathers are slower than single loads.
    #[inline(never)]
    pub(super) fn spans(
        &self,
        rows: Range<usize>,
        starts: &[u32],
        columns: (usize, usize),
        to: &mut [(u32, u32)],
    ) {
        match self.first {
            None => {
                let seps = &self.seps[rows.start * self.width..rows.end * self.width];
                spans(seps.chunks_exact(self.width), starts, columns, to);
            }
            Some(first) => {
                let rows = first[rows].iter();
                let rows = rows.map(|&first| &self.seps[first as usize..][..self.width]);
                spans(rows, starts, columns, to);
            }
        }
    }
}

/// Where adjacent cells of rows lie, of which the separators are given and where they begin.
#[inline(always)]
fn spans<'a>(
    rows: impl Iterator<Item = &'a [u32]>,
    starts: &[u32],
    (first, last): (usize, usize),
    to: &mut [(u32, u32)],
) {
    match first.checked_sub(1) {
        None => {
            for ((row, &start), to) in rows.zip(starts).zip(to) {
                *to = (start, row[last]);
            }
        }
        Some(before) => {
            for (row, to) in rows.zip(to) {
                *to = (row[before] + 1, row[last]);
            }
        }
    }
}

/// Where adjacent cells of a row lie that begins at `start` and has these separators.
#[inline(always)]
pub(super) fn span(start: usize, seps: &[u32], (first, last): (usize, usize)) -> (usize, usize) {
    let from = match first.checked_sub(1) {
        None => start,
        Some(before) => seps[before] as usize + 1,
    };
    (from, seps[last] as usize)
}

/// Offsets in the source of places in a segment, asked for in ascending order.
pub(super) struct Offsets<'a> {
    segment: &'a Segment,
    at: usize,
    offset: u64,
}

impl<'a> Offsets<'a> {
    pub(super) fn of(segment: &'a Segment) -> Offsets<'a> {
        Offsets {
            segment,
            at: 0,
            offset: segment.offset,
        }
    }

    pub(super) fn at(&mut self, place: usize) -> u64 {
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
pub(super) fn close_last(segment: &Segment, index: &mut Index) {
    if rest(segment, index.ends.last().copied()) {
        index.seps.push(end_of(segment));
        index.ends.push(end_of(segment));
    }
}

/// Whether anything stands behind the last line end of a segment, or behind its last separator.
pub(super) fn rest(segment: &Segment, last: Option<u32>) -> bool {
    let behind = last.map_or(0, |at| {
        let at = at as usize;
        at + 1 + usize::from(segment.text[at] == b'\r' && segment.text[at + 1] == b'\n')
    });
    behind < segment.len
}

/// Where the text of a segment ends.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn end_of(segment: &Segment) -> u32 {
    segment.len as u32
}
