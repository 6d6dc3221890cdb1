//! The records that stand in a window, in the order of their coming, and a quick search for a value.

use std::collections::VecDeque;

use crate::block::resize;
use crate::detect::values::Value;
use crate::log::scan;

/// Values and their times in the order of their coming, in blocks that leave as a whole: of the first,
/// some may have left the window.
#[derive(Default)]
pub(super) struct Queue {
    blocks: VecDeque<Block>,
    len: usize,
}

/// Records of a block. One that none followed may have room for fewer, or one whose next came much later.
const BLOCK: usize = 128;

/// Room that the first block has at least.
const FEWEST: usize = 4;

/// Blocks, the last ones, that are brought near before it is known how many records come.
const NEAR: usize = 16;

/// Records side by side. Only the first `used` count.
pub(super) struct Block {
    values: Vec<Value>,
    /// How long after `first` each is, in milliseconds.
    after: Vec<u32>,
    /// Of each value. A search reads nothing else, unless as many as it asks for are alike.
    prints: Vec<[Print; Queue::TOGETHER]>,
    used: usize,
    /// A time that none is before.
    first: i64,
    /// The time of the last; those between are in order.
    last: i64,
}

/// A hash of a value. Of fewer bits, the first are the best.
pub(super) type Print = u16;

/// Blocks that have left, to be used again. (What one thread makes room for, another gives up: the
/// allocator would have them wait for each other.)
#[derive(Default)]
pub(super) struct Spare(Vec<Block>);

/// Blocks that are kept for that, at most.
const MOST_SPARE: usize = 256;

impl Spare {
    /// A block with room for all that one can have.
    fn take(&mut self) -> Block {
        let block = self.0.pop().unwrap_or_else(|| Block::new(BLOCK));
        // (What will be written next, by the time that this one is full.)
        if let Some(next) = self.0.last() {
            scan::prefetch(&next.values);
            scan::prefetch(&next.after);
            scan::prefetch(&next.prints);
        }
        block
    }
}

impl Block {
    fn new(room: usize) -> Block {
        Block {
            values: vec![0; room],
            after: vec![0; room],
            prints: vec![[0; Queue::TOGETHER]; room.div_ceil(Queue::TOGETHER)],
            used: 0,
            first: i64::MIN,
            last: i64::MIN,
        }
    }

    fn room(&self) -> usize {
        self.values.len() - self.used
    }

    fn grow(&mut self, room: usize) {
        resize(&mut self.values, room, 0);
        resize(&mut self.after, room, 0);
        let prints = room.div_ceil(Queue::TOGETHER);
        resize(&mut self.prints, prints, [0; Queue::TOGETHER]);
    }

    #[inline]
    fn prints(&self) -> &[Print] {
        &self.prints.as_flattened()[..self.used]
    }

    #[inline]
    fn time(&self, at: usize) -> i64 {
        self.first.wrapping_add_unsigned(self.after[at].into())
    }

    /// Whether a record of this time could stand in it, if there were room: none does before its first, or
    /// more than seven weeks later.
    fn is_near(&self, time: i64) -> bool {
        let after = time.checked_sub(self.first);
        self.used == 0 || after.is_some_and(|after| u32::try_from(after).is_ok())
    }

    /// How many of records, which are in order, it can take: the first of them is [near](Block::is_near).
    fn fit(&self, times: &[i64]) -> usize {
        let times = &times[..times.len().min(self.room())];
        let first = if self.used == 0 { times[0] } else { self.first };
        let far = |time: &i64| time.abs_diff(first) > u32::MAX.into();
        match times.last() {
            Some(last) if far(last) => times.partition_point(|time| !far(time)),
            _ => times.len(),
        }
    }

    /// Adds records, all of which [`fit`](Block::fit), but for those whose value is 0.
    fn extend(&mut self, values: &[Value], times: &[i64]) {
        if self.used == 0 {
            self.first = times[0];
        }
        let used = self.used;
        self.used += scan::hot_by(Extend {
            values,
            times,
            first: self.first,
            to: &mut self.values[used..],
            after: &mut self.after[used..],
            prints: &mut self.prints.as_flattened_mut()[used..],
        });
        if self.used > used {
            self.last = self.time(self.used - 1);
        }
    }
}

/// See [`Block::extend`]; how many there were.
struct Extend<'a> {
    values: &'a [Value],
    times: &'a [i64],
    first: i64,
    to: &'a mut [Value],
    after: &'a mut [u32],
    prints: &'a mut [Print],
}

impl scan::HotBy for Extend<'_> {
    type Output = usize;

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn run<I: scan::Isa>(self, isa: I) -> usize {
        let Extend {
            values,
            times,
            first,
            to,
            after,
            prints,
        } = self;
        let after_first = |time: i64| time.wrapping_sub(first) as u32;
        let (eights, rest) = values.as_chunks::<8>();
        let (times_of_eights, times) = times.split_at(8 * eights.len());
        let mut added = 0;
        for (eight, times) in eights.iter().zip(times_of_eights.as_chunks().0) {
            let kept = scan::Kept {
                values: to[added..added + 8].as_mut_array().expect("eight"),
                with: after[added..added + 8].as_mut_array().expect("eight"),
                prints: prints[added..added + 8].as_mut_array().expect("eight"),
            };
            added += isa.keep((eight, &times.map(after_first)), FACTOR, kept);
        }
        for (&value, &time) in rest.iter().zip(times) {
            // (Without a branch: what is added and what is not come in no order.)
            (to[added], after[added], prints[added]) = (value, after_first(time), print(value));
            added += usize::from(value != 0);
        }
        added
    }
}

impl Queue {
    /// Records that a search looks at together.
    pub(super) const TOGETHER: usize = 32;

    /// Values and times of all that have not left.
    pub(super) fn standing(&self) -> impl Iterator<Item = (Value, i64)> + '_ {
        self.blocks.iter().flat_map(|block| {
            let values = block.values[..block.used].iter().enumerate();
            values.map(|(at, &value)| (value, block.time(at)))
        })
    }

    /// How many have not left.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Prints and values of the last ones, in pieces.
    #[inline]
    pub(super) fn last(&self, mut count: usize) -> impl Iterator<Item = (&[Print], &[Value])> {
        let blocks = self.blocks.iter().rev();
        blocks.map_while(move |block| {
            // (A block may be empty.)
            let from = block.used - block.used.min(count);
            let last =
                (count > 0).then(|| (&block.prints()[from..], &block.values[from..block.used]));
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
            let block = self.back(values.len(), times[0], spare);
            let (used, some) = (block.used, block.fit(times));
            block.extend(&values[..some], &times[..some]);
            let added = block.used - used;
            self.len += added;
            (values, times) = (&values[some..], &times[some..]);
        }
        self.len - before
    }

    /// The last block, with room for a record of this time at least; for `wanted`, if there can be.
    fn back(&mut self, wanted: usize, time: i64, spare: &mut Spare) -> &mut Block {
        let last = self.blocks.back_mut();
        let was_full = last.as_ref().is_some_and(|last| last.used == BLOCK);
        match last {
            Some(last) if last.is_near(time) && !was_full => {
                if last.room() == 0 {
                    last.grow((last.used + wanted).max(last.used * 2).min(BLOCK));
                }
            }
            _ if was_full => self.blocks.push_back(spare.take()),
            // The next may be as far away as this one.
            Some(_) => self.blocks.push_back(Block::new(FEWEST)),
            None => {
                self.blocks.reserve_exact(1);
                let room = wanted.clamp(FEWEST, BLOCK);
                self.blocks.push_back(Block::new(room));
            }
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

    /// Looks for a value that stands so often at least; what is as its print is, or nothing, is put behind
    /// `found`, and asked for.
    pub(super) fn search(&self, value: Value, at_least: u64, found: &mut Vec<Alike>) {
        let before = found.len();
        let count = scan::hot_by(Search {
            queue: self,
            print: print(value),
            found,
        });
        if count < at_least {
            found.truncate(before);
        }
        for some in &found[before..] {
            for at in some.places() {
                let block = &self.blocks[some.block];
                scan::prefetch(&block.values[at..=at]);
                scan::prefetch(&block.after[at..=at]);
            }
        }
    }

    /// The times of a value, ascending, of what was found of its print; what was in `times` is gone.
    pub(super) fn times(&self, value: Value, found: &[Alike], times: &mut Vec<i64>) {
        times.clear();
        for some in found {
            let block = &self.blocks[some.block];
            let places = some.places().filter(|&at| block.values[at] == value);
            times.extend(places.map(|at| block.time(at)));
        }
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
            scan::prefetch(&block.values[block.used..]);
        }
        0
    }
}

/// Records whose values have a print: some of [`Queue::TOGETHER`].
#[derive(Clone, Copy)]
pub(super) struct Alike {
    /// The block, and which of its records is the first that was looked at.
    block: usize,
    from: usize,
    /// A bit for each.
    which: u32,
}

impl Alike {
    /// Their places in the block.
    #[inline]
    fn places(self) -> impl Iterator<Item = usize> {
        let mut which = self.which;
        std::iter::from_fn(move || {
            let at = (which != 0).then(|| self.from + which.trailing_zeros() as usize);
            which &= which.wrapping_sub(1);
            at
        })
    }
}

/// The search for a print; how many have it.
struct Search<'a> {
    queue: &'a Queue,
    print: Print,
    found: &'a mut Vec<Alike>,
}

impl scan::HotBy for Search<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<I: scan::Isa>(self, isa: I) -> u64 {
        let mut count = 0;
        for (number, block) in self.queue.blocks.iter().enumerate() {
            let places = (0..block.used).step_by(Queue::TOGETHER);
            for (from, prints) in places.zip(&block.prints) {
                let some = (block.used - from).min(Queue::TOGETHER);
                #[allow(clippy::cast_possible_truncation)]
                let others = u32::MAX.checked_shl(some as u32).unwrap_or(0);
                let which = isa.alike(prints, self.print) & !others;
                if which != 0 {
                    count += u64::from(which.count_ones());
                    self.found.push(Alike {
                        block: number,
                        from,
                        which,
                    });
                }
            }
        }
        count
    }
}

/// Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4): numbers that follow one another are far
/// apart.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// The hash of a value.
#[inline]
pub(super) fn print(value: Value) -> Print {
    scan::first_bits(value.wrapping_mul(FACTOR))
}
