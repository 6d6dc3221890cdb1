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

    /// Appends the records of `other`.
    pub fn append(&mut self, other: &Columns) {
        fn put<T: Copy + Default>(to: &mut Vec<T>, before: usize, from: &[T], n: usize) {
            if to.is_empty() && from.is_empty() {
                return;
            }
            to.resize(before, T::default());
            to.extend_from_slice(from);
            to.resize(before + n, T::default());
        }
        let (before, n) = (self.len(), other.len());
        self.time.extend_from_slice(&other.time);
        self.line.extend_from_slice(&other.line);
        put(&mut self.start, before, &other.start, n);
        put(&mut self.end, before, &other.end, n);
        for (to, from) in self.ids.iter_mut().zip(&other.ids) {
            put(to, before, from, n);
        }
        put(&mut self.result, before, &other.result, n);
        put(&mut self.references, before, &other.references, n);
        put(&mut self.subject, before, &other.subject, n);
        self.masks.extend_from_slice(&other.masks);
    }

    /// The records for which `keep` says so.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(usize) -> bool) -> Columns {
        fn some<T: Copy>(values: &[T], keep: impl Fn(usize) -> bool) -> Vec<T> {
            values
                .iter()
                .enumerate()
                .filter(|(i, _)| keep(*i))
                .map(|(_, &v)| v)
                .collect()
        }
        Columns {
            time: some(&self.time, &keep),
            line: some(&self.line, &keep),
            start: some(&self.start, &keep),
            end: some(&self.end, &keep),
            ids: std::array::from_fn(|c| some(&self.ids[c], &keep)),
            result: some(&self.result, &keep),
            references: some(&self.references, &keep),
            subject: some(&self.subject, &keep),
            masks: {
                let words = self.masks.len().checked_div(self.len()).unwrap_or(0).max(1);
                self.masks
                    .chunks_exact(words)
                    .enumerate()
                    .filter(|(i, _)| keep(*i))
                    .flat_map(|(_, m)| m)
                    .copied()
                    .collect()
            },
        }
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
