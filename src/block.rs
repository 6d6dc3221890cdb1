//! A block of records: what parsing yields and detection takes.
//!
//! It is a record batch with the dictionaries taken out: ids are those of the scan's
//! [`Dictionaries`](crate::dictionary::Dictionaries), so that blocks of any origin compare without
//! unification. [`crate::arrow`] turns it into Arrow and back without loss.

use std::sync::Arc;

use crate::dictionary::{Id, Subject};
use crate::log::encoding::Encoding;

/// Codes of the `references` column.
pub const REFERENCES_NULL: u8 = 0;
/// `false`.
pub const REFERENCES_NO: u8 = 1;
/// `true`.
pub const REFERENCES_YES: u8 = 2;

/// Where the records of a block stand in their source.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Number of the source in the scan.
    pub source: u32,
    /// Physical line (1-based) of line 0 of the block.
    pub first_line: u64,
    /// Offset in the source of byte 0 of `text`.
    pub offset: u64,
    /// The bytes that the records were read from; none for records that came as Arrow.
    pub text: Option<Arc<Text>>,
}

/// Bytes of records.
#[derive(Debug, Default)]
pub struct Text {
    /// The bytes and their padding.
    pub bytes: Vec<u8>,
    /// What they mean.
    pub encoding: Option<Encoding>,
}

/// Columns of records. A column that is empty is null throughout.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// Local civil milliseconds.
    pub time: Vec<i64>,
    /// Line of each record, from the block's first.
    pub line: Vec<u32>,
    /// Where each record begins in the block's text.
    pub start: Vec<u32>,
    /// Where it ends, line end not included.
    pub end: Vec<u32>,
    /// Ids, by [`crate::dictionary::ID_FIELDS`].
    pub ids: [Vec<Id>; 6],
    /// [`crate::record::Outcome`] codes, 0 for null.
    pub result: Vec<u8>,
    /// `REFERENCES_…` codes.
    pub references: Vec<u8>,
    /// Subjects.
    pub subject: Vec<Subject>,
    /// Bits of [`crate::detect::predicate`], the same number of words for each record; empty until
    /// they are evaluated.
    pub masks: Vec<u64>,
}

/// The range of times in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Earliest time.
    pub min: i64,
    /// Latest time.
    pub max: i64,
    /// How far a record lies behind the latest before it, at most; 0: in order.
    pub lateness: i64,
}

impl Columns {
    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }

    /// Takes all records out; the room stays.
    pub fn clear(&mut self) {
        self.time.clear();
        self.line.clear();
        self.start.clear();
        self.end.clear();
        self.ids.iter_mut().for_each(Vec::clear);
        self.result.clear();
        self.references.clear();
        self.subject.clear();
        self.masks.clear();
    }

    /// Makes room for rows.
    pub fn reserve_rows(&mut self, rows: usize) {
        self.time.reserve(rows);
        self.line.reserve(rows);
        self.start.reserve(rows);
        self.end.reserve(rows);
    }

    /// Adds a row of which only the time and the place in a text are known yet.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub fn push_row(&mut self, time: i64, line: usize, start: usize, end: usize) {
        self.time.push(time);
        self.line.push(line as u32);
        self.start.push(start as u32);
        self.end.push(end as u32);
    }

    /// The range of times; none without records.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        let &first = self.time.first()?;
        let start = Span {
            min: first,
            max: first,
            lateness: 0,
        };
        Some(self.time.iter().fold(start, |span, &t| Span {
            min: span.min.min(t),
            max: span.max.max(t),
            lateness: span.lateness.max(span.max - t),
        }))
    }

    /// The records of these places, in this order.
    #[must_use]
    pub fn select(&self, order: &[usize]) -> Columns {
        fn some<T: Copy>(values: &[T], order: &[usize]) -> Vec<T> {
            if values.is_empty() {
                Vec::new()
            } else {
                order.iter().map(|&i| values[i]).collect()
            }
        }
        let words = self.masks.len().checked_div(self.len()).unwrap_or(0);
        Columns {
            time: some(&self.time, order),
            line: some(&self.line, order),
            start: some(&self.start, order),
            end: some(&self.end, order),
            ids: std::array::from_fn(|c| some(&self.ids[c], order)),
            result: some(&self.result, order),
            references: some(&self.references, order),
            subject: some(&self.subject, order),
            masks: order
                .iter()
                .flat_map(|&i| &self.masks[i * words..(i + 1) * words])
                .copied()
                .collect(),
        }
    }

    /// The records for which `keep` says so.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(usize) -> bool) -> Columns {
        let order: Vec<usize> = (0..self.len()).filter(|&i| keep(i)).collect();
        self.select(&order)
    }
}

/// Records of one source.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Where they stand.
    pub origin: Origin,
    /// What they say.
    pub columns: Columns,
}

impl Block {
    /// Physical line of a record, 1-based.
    #[must_use]
    pub fn line(&self, at: usize) -> u64 {
        self.origin.first_line + u64::from(self.columns.line[at])
    }
}
