//! One range of time: its records, some in memory and the others in a temporary file.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::block::{Block, Columns};
use crate::error::Result;
use crate::order::bin::Bin;
use crate::order::spill::{Stored, Temporary};

/// Records of a range of time.
#[derive(Debug, Default)]
pub struct Range {
    /// What is not stored yet.
    pub(super) bin: Bin,
    pub(super) file: Arc<Temporary>,
    pub(super) stored: Vec<Stored>,
    /// Bytes of what is stored, in memory.
    pub(super) bytes: usize,
    /// Earliest and latest time of what is stored.
    pub(super) span: Option<(i64, i64)>,
}

/// Records of a range that are read together.
#[derive(Debug)]
pub enum Piece {
    /// They are in a temporary file.
    Stored(Stored),
    /// They never left.
    Held(Box<Bin>),
}

impl Range {
    /// Bytes that the records take in memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.bin.bytes()
    }

    /// Earliest and latest time.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        let both = |a: (i64, i64), b: (i64, i64)| (a.0.min(b.0), a.1.max(b.1));
        match (self.span, self.bin.span()) {
            (Some(stored), Some(held)) => Some(both(stored, held)),
            (stored, held) => stored.or(held),
        }
    }

    pub(super) fn pieces(self) -> VecDeque<Piece> {
        let stored = self.stored.into_iter().map(Piece::Stored);
        let held = (!self.bin.is_empty()).then(|| Piece::Held(Box::new(self.bin)));
        stored.chain(held).collect()
    }
}

impl Piece {
    /// The records; masks have `words` words. `spare` holds columns to use again.
    ///
    /// # Errors
    /// [`Error::Temporary`](crate::error::Error::Temporary) if they cannot be read.
    pub fn read(self, words: usize, spare: Columns) -> Result<Block> {
        match self {
            Piece::Stored(stored) => stored.read(words, spare),
            Piece::Held(bin) => Ok(bin.into_block()),
        }
    }
}
