//! Subjects: short decimal numbers many at once, what is none one by one.

use super::super::fields::unquote;
use super::super::intern::{Cache, NARROW, TOGETHER};
use super::super::scan::word;
use super::{Cells, MOST, MOST_BYTES, Near, Seen, Style};
use crate::dictionary::{Subject, pack_sixteen};

/// How the subjects of some sources are looked up.
pub(super) struct Subjects {
    column: usize,
    cache: Cache<NARROW, Subject>,
    pub(super) style: Style,
    /// How many of the last segment stood in quotes.
    pub(super) quoted: usize,
}

impl Subjects {
    pub(super) fn new(column: usize) -> Subjects {
        Subjects {
            column,
            cache: Cache::default(),
            style: Style::default(),
            quoted: 0,
        }
    }

    /// Begins with a segment.
    pub(super) fn begin(&mut self) {
        if self.cache.len() > MOST || self.cache.bytes() > MOST_BYTES {
            *self = Subjects::new(self.column);
        }
        self.quoted = 0;
    }

    /// Writes each row's subject into the column, which is as long as the segment has rows.
    #[inline(always)]
    pub(super) fn fill(
        &mut self,
        cells: &Cells<'_>,
        rows: Near<'_>,
        subjects: &mut [Subject],
        seen: &mut Seen,
    ) {
        let text = cells.segment.text.as_slice();
        let (mut low, mut high, mut lens) = ([0; TOGETHER], [0; TOGETHER], [0; TOGETHER]);
        let mut spans = [(0, 0); TOGETHER];
        let subjects = &mut subjects[rows.first..][..rows.starts.len()];
        let chunks = rows.starts.chunks(TOGETHER);
        let chunks = chunks.zip(subjects.chunks_mut(TOGETHER));
        for (number, (starts, subjects)) in chunks.enumerate() {
            let first = rows.first + number * TOGETHER;
            let column = (self.column, self.column);
            let rows = first..first + starts.len();
            cells.separators.spans(rows, starts, column, &mut spans);
            for (i, &(from, to)) in spans[..starts.len().min(TOGETHER)].iter().enumerate() {
                let (mut from, mut to) = (from as usize, to as usize);
                if cells.segment.quotes {
                    let all = to - from;
                    (from, to) = within_quotes(text, from, to);
                    self.quoted += usize::from(to - from < all);
                }
                let sixteen = &text[from..from + 16];
                (low[i], high[i]) = (word(sixteen, 0), word(sixteen, 8));
                lens[i] = (to - from) as u64;
            }
            let mut others = false;
            let sixteens = low.iter().zip(&high).zip(&lens);
            for (subject, ((&low, &high), &len)) in subjects.iter_mut().zip(sixteens) {
                *subject = pack_sixteen(low, high, len);
                others |= *subject == 0 && len != 0;
            }
            if others {
                self.look_up_others(cells, (starts, first), &lens, subjects, seen);
            }
        }
    }

    /// The subjects of rows that have one which is no short decimal.
    #[inline(never)]
    fn look_up_others(
        &mut self,
        cells: &Cells<'_>,
        (starts, first_row): (&[u32], usize),
        lens: &[u64],
        subjects: &mut [Subject],
        seen: &mut Seen,
    ) {
        for (i, subject) in subjects.iter_mut().enumerate() {
            if *subject == 0 && lens[i] != 0 {
                let column = (self.column, self.column);
                let (from, to) = cells.span(starts[i], first_row + i, column);
                *subject = self.look_up(cells, from, to, seen);
            }
        }
    }

    /// The number of a subject that is no short decimal.
    #[inline(never)]
    fn look_up(&mut self, cells: &Cells<'_>, from: usize, to: usize, seen: &mut Seen) -> u64 {
        let text = cells.segment.text.as_slice();
        if let Some(subject) = self.cache.find(text, from, to) {
            return subject;
        }
        let raw = unquote(&text[from..to]);
        let encoding = cells.segment.encoding;
        let told = cells.meaning.subject(&raw, encoding, cells.dictionaries);
        self.style.note(&text[from..to], told.exact);
        seen.dirty |= told.replaced;
        self.cache.insert(&text[from..to], told.value);
        told.value
    }
}

/// Where the text of a cell lies, of a quoted one what is within its quotes.
#[inline(always)]
fn within_quotes(text: &[u8], from: usize, to: usize) -> (usize, usize) {
    if text[from] == b'"' && to - from >= 2 && text[to - 1] == b'"' {
        (from + 1, to - 1)
    } else {
        (from, to)
    }
}
