//! The rows of a segment, from its structural index.

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
        cell(text, seps, (self.start, self.first_sep), column)
    }
}

/// The bytes of a cell as they stand, in the row that begins at `start` and whose first separator is at
/// the place `first_sep` in `seps`.
#[inline(always)]
pub(super) fn cell<'a>(
    text: &'a [u8],
    seps: &[u32],
    (start, first_sep): (usize, usize),
    column: usize,
) -> &'a [u8] {
    let begin = if column == 0 {
        start
    } else {
        seps[first_sep + column - 1] as usize + 1
    };
    &text[begin..seps[first_sep + column] as usize]
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

/// Walks the rows of an index in which every line is a row with as many fields as the header, as
/// [`Rows`] would.
pub(super) struct EvenRows<'a> {
    text: &'a [u8],
    ends: std::iter::Enumerate<std::slice::Iter<'a, u32>>,
    width: usize,
    start: usize,
}

impl<'a> EvenRows<'a> {
    /// The walk, if the index is so.
    #[inline(always)]
    pub(super) fn of(text: &'a [u8], index: &'a Index, width: usize) -> Option<EvenRows<'a>> {
        let even = index.inner.is_empty() && index.seps.len() == index.ends.len() * width;
        let lasts = index.seps.chunks_exact(width).map(|row| row[width - 1]);
        let differ = lasts.zip(&index.ends).fold(0, |d, (a, b)| d | (a ^ b));
        (even && differ == 0).then(|| EvenRows {
            text,
            ends: index.ends.iter().enumerate(),
            width,
            start: 0,
        })
    }
}

impl Iterator for EvenRows<'_> {
    type Item = Row;

    #[inline(always)]
    fn next(&mut self) -> Option<Row> {
        let (line, &end) = self.ends.next()?;
        let mut start = self.start;
        if self.text[start] == b'\n' && start > 0 && self.text[start - 1] == b'\r' {
            start += 1;
        }
        self.start = end as usize + 1;
        Some(Row {
            start,
            end: end as usize,
            first_sep: line * self.width,
            line,
            regular: true,
        })
    }
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
