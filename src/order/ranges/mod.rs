//! Records that are not in time order, ordered by way of ranges of time.
//!
//! In: blocks in any order. The times of the first of them tell the bounds of ranges that come to a
//! batch each; every record goes into the [`Bin`] of its range, and a bin that is full to the range's
//! temporary file. Out: range after range. The next range's first time is the promise by which
//! [`Batcher`](super::Batcher) cuts; within a range order does not matter, so nothing is sorted at all.
//!
//! The bounds are a guess, and what they are wrong by costs time, never memory: a range at either end
//! that has grown large is closed and a new one begun beyond it (a log in order but for a few records
//! so stays in order), and a range that is still too large when its turn comes is parted again. Only
//! an instant cannot be parted. Nothing is by key: whatever a rule groups by, and however many records
//! one key has, one pass will do.
//!
//! `bounds` says where ranges begin, `range` is one of them, [`Ranges`] are filled, `ordered` hands
//! them on.

mod bounds;
mod ordered;
mod range;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::bin::{Bin, Loose, PLACE};
use super::memory::Budget;
use super::spill::Spool;
use crate::block::Block;
use crate::error::Result;

pub use ordered::Ordered;
pub use range::{Piece, Range};

use bounds::{bounds, by_range, sample};

/// Ranges of an input of which nobody knows how long it is.
const UNKNOWN: usize = 64;

/// How large ranges and bins get.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Bytes of a range, at most.
    pub most: usize,
    /// Bytes of a range, better.
    pub range: usize,
    /// Bytes of all bins together.
    pub bins: usize,
    /// Ranges, at most.
    pub ranges: usize,
}

impl Room {
    /// The room that a budget leaves.
    #[must_use]
    pub fn of(budget: &Budget) -> Room {
        Room {
            most: budget.batch,
            range: budget.range,
            bins: budget.bins,
            ranges: budget.ranges,
        }
    }
}

/// Whether the text of records of a source can be read again from there.
pub type Again<'a> = &'a (dyn Fn(u32) -> bool + Sync);

/// Ranges that are being filled.
#[derive(Debug)]
pub struct Ranges {
    room: Room,
    table: RwLock<Table>,
    /// Bins to use again.
    spare: Mutex<Vec<Bin>>,
    /// The range that the next block begins with, so that threads do not queue.
    turn: AtomicUsize,
}

#[derive(Debug)]
struct Table {
    /// Where each range but the first begins.
    bounds: Vec<i64>,
    ranges: Vec<Mutex<Range>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ranges {
    fn new(room: Room, bounds: Vec<i64>) -> Ranges {
        let ranges = (0..=bounds.len()).map(|_| Mutex::default()).collect();
        Ranges {
            room,
            table: RwLock::new(Table { bounds, ranges }),
            spare: Mutex::default(),
            turn: AtomicUsize::new(0),
        }
    }

    /// Ranges for an input that begins with these blocks.
    #[must_use]
    pub fn for_blocks(room: Room, spool: &Spool, blocks: &[Block]) -> Ranges {
        let part: usize = blocks
            .iter()
            .map(|block| block.bytes() - block.text_bytes() + PLACE * block.columns.len())
            .sum();
        let ranges = spool.whole(part as u64).map_or(UNKNOWN, |whole| {
            // Where they are uneven, most still come to no more than a batch.
            let each = (room.range as u64 * 4 / 5).max(1);
            usize::try_from(whole.div_ceil(each)).unwrap_or(usize::MAX)
        });
        let bounds = bounds(
            sample(blocks.iter()),
            ranges.clamp(2, room.ranges),
            (i64::MIN, i64::MAX),
        );
        Ranges::new(room, bounds)
    }

    /// Takes records.
    ///
    /// # Errors
    /// [`Error::Temporary`](crate::error::Error::Temporary) if they cannot be written.
    pub fn add(&self, block: &Block, spool: &Spool, again: Again<'_>) -> Result<()> {
        let again = block.places.is_none() && again(block.origin.source);
        let loose = Loose::of(block, &spool.texts, again);
        let large = {
            let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
            self.part(&table, block, &loose, spool)?;
            let at_end = |at: usize| lock(&table.ranges[at]).bytes() > self.room.range;
            let last = table.ranges.len() - 1;
            table.ranges.len() < self.room.ranges && (at_end(0) || at_end(last))
        };
        if large {
            self.grow();
        }
        Ok(())
    }

    /// Puts each record of a block into its range.
    #[allow(clippy::cast_possible_truncation)]
    fn part(&self, table: &Table, block: &Block, loose: &Loose<'_>, spool: &Spool) -> Result<()> {
        let ranges = table.ranges.len();
        let full = self.room.bins / ranges;
        let (rows, ends) = by_range(&block.columns.time, &table.bounds);
        let turn = self.turn.fetch_add(ranges / 2 + 1, Ordering::Relaxed);
        for at in (0..ranges).map(|at| (at + turn) % ranges) {
            let from = if at == 0 { 0 } else { ends[at - 1] };
            let rows = &rows[from as usize..ends[at] as usize];
            if rows.is_empty() {
                continue;
            }
            let (bin, file) = {
                let mut range = lock(&table.ranges[at]);
                range.bin.append(loose, rows);
                if range.bin.bytes() < full {
                    continue;
                }
                let spare = lock(&self.spare).pop().unwrap_or_default();
                range.span = range.span();
                range.bytes += range.bin.bytes();
                let bin = std::mem::replace(&mut range.bin, spare);
                (bin, Arc::clone(&range.file))
            };
            let stored = spool.write(&file, &bin)?;
            lock(&table.ranges[at]).stored.push(stored);
            let mut bin = bin;
            bin.clear();
            lock(&self.spare).push(bin);
        }
        Ok(())
    }

    /// Closes the ranges at the ends that are large: what lies beyond what they hold goes to new ones.
    fn grow(&self) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let Table { bounds, ranges } = &mut *table;
        if ranges.len() >= self.room.ranges {
            return;
        }
        let large = |range: &mut Mutex<Range>| {
            let range = range.get_mut().unwrap_or_else(PoisonError::into_inner);
            (range.bytes() > self.room.range)
                .then(|| range.span())
                .flatten()
        };
        if let Some((_, last)) = ranges.last_mut().and_then(large)
            && last < i64::MAX
        {
            bounds.push(last + 1);
            ranges.push(Mutex::default());
        }
        // A bound is where a range begins: with only the last one there is none before the first.
        if let Some((first, _)) = ranges.first_mut().and_then(large)
            && first > i64::MIN
        {
            bounds.insert(0, first);
            ranges.insert(0, Mutex::default());
        }
    }

    /// All records, range after range, each with its earliest and latest time.
    fn done(self) -> impl DoubleEndedIterator<Item = (Range, (i64, i64))> {
        let table = self.table.into_inner();
        let ranges = table.unwrap_or_else(PoisonError::into_inner).ranges;
        ranges.into_iter().filter_map(|range| {
            let range = range.into_inner().unwrap_or_else(PoisonError::into_inner);
            let span = range.span()?;
            Some((range, span))
        })
    }
}
