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

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::bin::{Bin, Loose};
use super::memory::Budget;
use super::spill::{Spool, Stored, Temporary};
use crate::block::{Block, Columns};
use crate::error::Result;

/// Times that bounds are told from, at most, about.
const SAMPLE: usize = 1 << 14;

/// Pieces of a range that are looked at for the bounds by which it is parted.
const LOOK: usize = 16;

/// Ranges of an input of which nobody knows how long it is.
const UNKNOWN: usize = 64;

/// Ranges that one is parted into, at most.
const MOST_PARTS: usize = 64;

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

/// Records of a range of time.
#[derive(Debug, Default)]
pub struct Range {
    /// What is not stored yet.
    bin: Bin,
    file: Arc<Temporary>,
    stored: Vec<Stored>,
    /// Bytes of what is stored, in memory.
    bytes: usize,
    /// Earliest and latest time of what is stored.
    span: Option<(i64, i64)>,
}

/// Records of a range that are read together.
#[derive(Debug)]
pub enum Piece {
    /// They are in a temporary file.
    Stored(Stored),
    /// They never left.
    Held(Box<Bin>),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Range {
    /// Bytes that the records take in memory.
    fn bytes(&self) -> usize {
        self.bytes + self.bin.bytes()
    }

    /// Earliest and latest time.
    fn span(&self) -> Option<(i64, i64)> {
        let both = |a: (i64, i64), b: (i64, i64)| (a.0.min(b.0), a.1.max(b.1));
        match (self.span, self.bin.span()) {
            (Some(stored), Some(held)) => Some(both(stored, held)),
            (stored, held) => stored.or(held),
        }
    }

    fn pieces(self) -> VecDeque<Piece> {
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

/// Bounds that part the records between `first` and `last`, of which these times are some, into about
/// `parts` of the same size. There is at least one unless all are of one instant.
fn bounds(mut times: Vec<i64>, parts: usize, (first, last): (i64, i64)) -> Vec<i64> {
    times.sort_unstable();
    let inside = |&time: &i64| first < time && time <= last;
    let parts = parts.max(2);
    let quantiles = (1..parts).filter_map(|part| times.get(part * times.len() / parts).copied());
    let mut bounds: Vec<i64> = quantiles.filter(inside).collect();
    bounds.dedup();
    if bounds.is_empty() {
        // Most are of one instant: that, apart from the rest.
        let most = times.get(times.len() / 2).copied().unwrap_or(first);
        bounds.extend([most, most.saturating_add(1)].into_iter().filter(inside));
    }
    if bounds.is_empty() && first < last {
        bounds.push(last);
    }
    bounds
}

/// A sample of times, as many of each block as it has a share in all.
fn sample<'a>(blocks: impl Iterator<Item = &'a Block> + Clone) -> Vec<i64> {
    let rows: usize = blocks.clone().map(|block| block.columns.len()).sum();
    let times = blocks.flat_map(|block| &block.columns.time);
    times.step_by(rows / SAMPLE + 1).copied().collect()
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
            .map(|block| {
                block.bytes() - block.text_bytes() + super::bin::PLACE * block.columns.len()
            })
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

/// The rows of a block by range, and where those of each range end.
#[allow(clippy::cast_possible_truncation)]
fn by_range(times: &[i64], bounds: &[i64]) -> (Vec<u32>, Vec<u32>) {
    let ranges: Vec<u32> = times
        .iter()
        .map(|&time| bounds.partition_point(|&bound| bound <= time) as u32)
        .collect();
    let mut ends = vec![0u32; bounds.len() + 2];
    for &range in &ranges {
        ends[range as usize + 1] += 1;
    }
    for at in 1..ends.len() {
        ends[at] += ends[at - 1];
    }
    // Where a range begins becomes where it ends.
    let mut rows = vec![0u32; times.len()];
    for (row, &range) in (0u32..).zip(&ranges) {
        let end = &mut ends[range as usize];
        rows[*end as usize] = row;
        *end += 1;
    }
    (rows, ends)
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    use crate::detect::bits::Bits;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::{Rng, SeedableRng};

    const BITS: Bits = Bits { rules: 1, steps: 0 };

    fn block(times: &[i64], first_line: usize) -> Block {
        let mut columns = Columns::default();
        for (at, &time) in times.iter().enumerate() {
            columns.push_row(time, at, 0, 0);
        }
        columns.masks = vec![0; times.len()];
        let mut block = Block {
            columns,
            ..Block::default()
        };
        block.origin.first_line = first_line as u64;
        block
    }

    /// Puts records into ranges, block by block, and takes them out: times and lines, range by range as
    /// the promises part them.
    fn through(times: &[i64], rows: usize, room: Room) -> Vec<Vec<(i64, u64)>> {
        let input = Arc::new(AtomicU64::new(rows as u64));
        let folder = std::env::temp_dir();
        let spool = Arc::new(Spool::new(folder, BITS, (input, times.len() as u64)));
        let mut blocks = (0..)
            .step_by(rows)
            .zip(times.chunks(rows))
            .map(|(line, times)| block(times, line));
        let first = blocks.next().unwrap();
        let ranges = Ranges::for_blocks(room, &spool, std::slice::from_ref(&first));
        for block in std::iter::once(first).chain(blocks) {
            ranges.add(&block, &spool, &|_| false).unwrap();
        }
        let mut ordered = Ordered::of(ranges, spool);
        let mut out = vec![Vec::new()];
        let mut promised = i64::MIN;
        while let Some((piece, promise)) = ordered.next_piece().unwrap() {
            let block = piece.read(1, Columns::default()).unwrap();
            assert!(block.columns.time.iter().all(|&time| time >= promised));
            let last = out.last_mut().unwrap();
            last.extend(
                (0..block.columns.len()).map(|at| (block.columns.time[at], block.line(at))),
            );
            if promise > promised && last.iter().all(|&(time, _)| time < promise) {
                out.push(Vec::new());
            }
            promised = promise;
        }
        out.retain(|range| !range.is_empty());
        out
    }

    fn room(most: usize, bins: usize, ranges: usize) -> Room {
        Room {
            most,
            range: most / 5 * 4,
            bins,
            ranges,
        }
    }

    #[test]
    fn whatever_the_order_records_come_range_after_range_and_all_of_them() {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut below = |n: i64| i64::try_from(chance.next_u64() % n.unsigned_abs()).unwrap();
        let n = 600;
        let inputs: Vec<Vec<i64>> = vec![
            (0..n).map(|_| below(1_000_000)).collect(),
            (0..n).collect(),
            (0..n).rev().collect(),
            (n / 3..n).chain(0..n / 3).collect(),
            (0..n).map(|at| at / 100 * 10_000 + below(10_000)).collect(),
            // Most at one instant.
            (0..n)
                .map(|at| if at % 9 == 0 { below(50) } else { 7 })
                .collect(),
            vec![i64::MAX; 200],
            vec![i64::MIN; 200],
            [i64::MIN, i64::MAX, 0, -1].repeat(50),
        ];
        for times in inputs {
            let mut expected: Vec<(i64, u64)> = times.iter().copied().zip(0..).collect();
            expected.sort_unstable();
            for room in [
                room(0, 0, 16),
                room(2000, 1000, 2),
                room(10_000, 5000, 16),
                room(1 << 30, 1 << 20, 256),
            ] {
                for rows in [7, 100, times.len()] {
                    let ranges = through(&times, rows, room);
                    let instant = |range: &[(i64, u64)]| range[0].0 == range[range.len() - 1].0;
                    let mut all = Vec::new();
                    for mut range in ranges {
                        range.sort_unstable();
                        // A record takes more than forty bytes.
                        let fits = range.len() * 40 <= room.most + 40;
                        assert!(fits || instant(&range), "{room:?} {rows} {}", range.len());
                        all.extend(range);
                    }
                    assert_eq!(all, expected);
                }
            }
        }
    }

    #[test]
    fn bounds_part_what_is_not_one_instant() {
        assert_eq!(bounds((0..100).collect(), 4, (0, 99)), [25, 50, 75]);
        assert!(bounds(vec![5; 9], 4, (5, 5)).is_empty());
        assert_eq!(bounds(vec![5; 9], 4, (5, 8)), [6]);
        assert_eq!(bounds(vec![5; 9], 4, (2, 5)), [5]);
        assert_eq!(bounds(vec![], 4, (2, 5)), [3]);
        assert_eq!(bounds(vec![], 4, (i64::MIN, i64::MAX)), [i64::MIN + 1]);
    }

    #[test]
    fn rows_go_to_the_range_that_they_lie_in() {
        let (rows, ends) = by_range(&[5, 1, 9, 2, 10], &[2, 10]);
        assert_eq!(rows, [1, 0, 2, 3, 4]);
        assert_eq!(ends[..3], [1, 4, 5]);
    }
}
