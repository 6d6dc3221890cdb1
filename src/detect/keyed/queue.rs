//! The records that stand in a window, in the order of their coming, and a quick search for a value.

use std::collections::VecDeque;

use smallvec::SmallVec;

use crate::detect::values::Value;
use crate::log::scan;

/// Values and their times in the order of their coming, in blocks that leave as a whole: of the first,
/// some may have left the window.
#[derive(Default)]
pub(super) struct Queue {
    blocks: VecDeque<Block>,
    len: usize,
}

/// Records of a block. The only one of a queue may have room for fewer.
const BLOCK: usize = 128;

/// Room that the first block has at least.
const FEWEST: usize = 4;

/// Blocks, the last ones, that are brought near before it is known how many records come.
const NEAR: usize = 16;

/// Records side by side. Only the first `used` count.
pub(super) struct Block {
    entries: Vec<Entry>,
    /// Of each value. A search reads nothing else, unless as many as it asks for are alike.
    prints: Vec<[Print; Queue::TOGETHER]>,
    used: usize,
    /// The time of the last; those before are not later.
    last: i64,
}

/// A value and its time.
pub(super) type Entry = (Value, i64);

/// A hash of a value. Of fewer bits, the first are the best.
pub(super) type Print = u16;

/// Blocks that have left, to be used again. (What one thread makes room for, another gives up: the
/// allocator would have them wait for each other.)
#[derive(Default)]
pub(super) struct Spare(Vec<Block>);

/// Blocks that are kept for that, at most.
const MOST_SPARE: usize = 256;

/// Times of a value, ascending.
pub(super) type Times = SmallVec<[i64; 32]>;

impl Block {
    fn new(room: usize) -> Block {
        Block {
            entries: vec![(0, 0); room],
            prints: vec![[0; Queue::TOGETHER]; room.div_ceil(Queue::TOGETHER)],
            used: 0,
            last: i64::MIN,
        }
    }

    fn room(&self) -> usize {
        self.entries.len() - self.used
    }

    fn grow(&mut self, room: usize) {
        self.entries.reserve_exact(room - self.entries.len());
        self.entries.resize(room, (0, 0));
        self.prints
            .resize(room.div_ceil(Queue::TOGETHER), [0; Queue::TOGETHER]);
    }

    #[inline]
    fn prints(&self) -> &[Print] {
        &self.prints.as_flattened()[..self.used]
    }

    #[inline]
    fn entries(&self) -> &[Entry] {
        &self.entries[..self.used]
    }

    /// Adds records, for each of which there is room, but for those whose value is 0.
    #[inline]
    fn extend(&mut self, values: &[Value], times: &[i64]) {
        let entries = &mut self.entries[self.used..];
        let prints = &mut self.prints.as_flattened_mut()[self.used..];
        let mut added = 0;
        for (&value, &time) in values.iter().zip(times) {
            // (Without a branch: what is added and what is not come in no order.)
            entries[added] = (value, time);
            prints[added] = print(value);
            added += usize::from(value != 0);
        }
        if added > 0 {
            self.last = entries[added - 1].1;
        }
        self.used += added;
    }
}

impl Queue {
    /// Records that a search looks at together.
    pub(super) const TOGETHER: usize = 32;

    /// All that have not left.
    pub(super) fn standing(&self) -> impl Iterator<Item = Entry> + '_ {
        let entries = self.blocks.iter().flat_map(Block::entries);
        entries.copied()
    }

    /// How many have not left.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The last ones, in pieces.
    #[inline]
    pub(super) fn last(&self, mut count: usize) -> impl Iterator<Item = (&[Print], &[Entry])> {
        let blocks = self.blocks.iter().rev();
        blocks.map_while(move |block| {
            // (A block may be empty.)
            let from = block.used - block.used.min(count);
            let last = (count > 0).then(|| (&block.prints()[from..], &block.entries()[from..]));
            count -= block.used - from;
            last
        })
    }

    /// Adds records, none of them before any other, but for those whose value is 0; how many.
    pub(super) fn extend(
        &mut self,
        mut values: &[Value],
        mut times: &[i64],
        spare: &mut Spare,
    ) -> usize {
        let before = self.len;
        while !values.is_empty() {
            let block = self.back(values.len(), spare);
            let (used, some) = (block.used, values.len().min(block.room()));
            block.extend(&values[..some], &times[..some]);
            let added = block.used - used;
            self.len += added;
            (values, times) = (&values[some..], &times[some..]);
        }
        self.len - before
    }

    /// The last block, with room for one record at least; for `wanted`, if there can be.
    fn back(&mut self, wanted: usize, spare: &mut Spare) -> &mut Block {
        let only = self.blocks.len() == 1;
        let full = match self.blocks.back_mut() {
            Some(last) if last.room() > 0 => false,
            Some(last) if only && last.used < BLOCK => {
                last.grow((last.used + wanted).max(last.used * 2).min(BLOCK));
                false
            }
            _ => true,
        };
        if full {
            let block = if self.blocks.is_empty() {
                self.blocks.reserve_exact(1);
                Block::new(wanted.clamp(FEWEST, BLOCK))
            } else {
                spare.0.pop().unwrap_or_else(|| Block::new(BLOCK))
            };
            self.blocks.push_back(block);
        }
        self.blocks.back_mut().expect("a block")
    }

    /// Lets the blocks leave of which no record is later; tells their prints.
    #[inline]
    pub(super) fn leave(&mut self, until: i64, spare: &mut Spare, mut left: impl FnMut(&[Print])) {
        while let Some(first) = self.blocks.front_mut().filter(|block| block.last <= until) {
            left(first.prints());
            self.len -= std::mem::take(&mut first.used);
            if self.blocks.len() == 1 {
                // (It will be the first again.)
                return;
            }
            let gone = self.blocks.pop_front();
            let room = MOST_SPARE - spare.0.len();
            spare
                .0
                .extend(gone.filter(|block| block.room() == BLOCK && room > 0));
        }
    }

    /// The times of a value, if it stands so often at least; or fewer.
    pub(super) fn times(&self, value: Value, at_least: u64) -> Times {
        scan::hot_by(Search {
            queue: self,
            value,
            at_least,
        })
    }

    /// See [`RuleState::bring_near`](crate::detect::rule::RuleState::bring_near): at depth 0 where the
    /// blocks are, at depth 1 what a search reads of them.
    pub(super) fn bring_near(&self, depth: u8) -> u64 {
        if depth == 0 {
            let used = self.blocks.iter().map(|block| block.used as u64);
            return used.fold(0, |sum, used| sum ^ used);
        }
        for block in self.blocks.iter().rev().take(NEAR) {
            scan::prefetch(block.prints());
        }
        if let Some(block) = self.blocks.back() {
            scan::prefetch(&block.entries[block.used..]);
        }
        0
    }
}

/// The search for a value.
struct Search<'a> {
    queue: &'a Queue,
    value: Value,
    at_least: u64,
}

impl scan::HotBy for Search<'_> {
    type Output = Times;

    #[inline(always)]
    fn run<I: scan::Isa>(self, isa: I) -> Times {
        let print = print(self.value);
        let mut found: SmallVec<[(&[Entry], u32); 16]> = SmallVec::new();
        let mut count = 0;
        for block in &self.queue.blocks {
            let mut entries = block.entries();
            for prints in &block.prints {
                let some = entries.split_off(..entries.len().min(Queue::TOGETHER));
                let some = some.unwrap_or_default();
                #[allow(clippy::cast_possible_truncation)]
                let others = u32::MAX.checked_shl(some.len() as u32).unwrap_or(0);
                let alike = isa.alike(prints, print) & !others;
                if alike != 0 {
                    count += u64::from(alike.count_ones());
                    found.push((some, alike));
                }
            }
        }
        let mut times = Times::new();
        if count < self.at_least {
            return times;
        }
        for (some, mut alike) in found {
            while alike != 0 {
                let (value, time) = some[alike.trailing_zeros() as usize];
                if value == self.value {
                    times.push(time);
                }
                alike &= alike - 1;
            }
        }
        times
    }
}

/// The hash of a value: Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4), so that numbers
/// that follow one another are far apart.
#[inline]
#[allow(clippy::cast_possible_truncation)]
pub(super) fn print(value: Value) -> Print {
    (value.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - Print::BITS)) as Print
}
