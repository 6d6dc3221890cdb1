//! Ranges that are filled, one after another; one that turns out too large is parted again.

use std::collections::VecDeque;
use std::sync::Arc;

use super::bounds::{bounds, sample};
use super::range::{Piece, Range};
use super::{Ranges, Room};
use crate::block::Columns;
use crate::error::Result;
use crate::order::spill::Spool;

/// Pieces of a range that are looked at for the bounds by which it is parted.
const LOOK: usize = 16;

/// Ranges that one is parted into, at most.
const MOST_PARTS: usize = 64;

/// What was put into ranges, in the order of time.
pub struct Ordered {
    ranges: VecDeque<(Range, (i64, i64))>,
    /// Of the range whose turn it is, and the time before which nothing comes behind its last.
    pieces: VecDeque<Piece>,
    from: i64,
    room: Room,
    spool: Arc<Spool>,
}

impl Ordered {
    /// The records of ranges that are filled.
    #[must_use]
    pub fn of(ranges: Ranges, spool: Arc<Spool>) -> Ordered {
        Ordered {
            room: ranges.room,
            ranges: ranges.done().collect(),
            pieces: VecDeque::new(),
            from: i64::MIN,
            spool,
        }
    }

    /// The next records, and the time before which none comes behind them.
    ///
    /// # Errors
    /// [`Error::Temporary`](crate::error::Error::Temporary) if a range that is too large cannot be
    /// read or written.
    pub fn next_piece(&mut self) -> Result<Option<(Piece, i64)>> {
        while self.pieces.is_empty() {
            let Some((range, span)) = self.ranges.pop_front() else {
                return Ok(None);
            };
            if range.bytes() > self.room.most && span.0 < span.1 {
                for part in self.parts(range, span)?.done().rev() {
                    self.ranges.push_front(part);
                }
                continue;
            }
            self.from = span.0;
            self.pieces = range.pieces();
        }
        let next = self.ranges.front().map_or(i64::MAX, |&(_, span)| span.0);
        Ok(self.pieces.pop_front().map(|piece| {
            let last = self.pieces.is_empty();
            (piece, if last { next } else { self.from })
        }))
    }

    /// Parts a range that is too large.
    fn parts(&self, range: Range, span: (i64, i64)) -> Result<Ranges> {
        let words = self.spool.texts.words();
        let parts = (range.bytes() * 5 / 4).div_ceil(self.room.range.max(1));
        let mut times = Vec::new();
        for at in range.stored.iter().step_by(range.stored.len() / LOOK + 1) {
            let block = at.read(words, Columns::default())?;
            times.extend(sample(std::iter::once(&block)));
        }
        if times.is_empty() {
            times.extend(range.bin.times());
        }
        let parted = Ranges::new(self.room, bounds(times, parts.min(MOST_PARTS), span));
        for piece in range.pieces() {
            let block = piece.read(words, Columns::default())?;
            parted.add(&block, &self.spool, &|_| false)?;
        }
        Ok(parted)
    }
}
