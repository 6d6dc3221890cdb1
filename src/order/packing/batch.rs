//! The records of a batch, packed alike: how each block's come to that.

use smallvec::SmallVec;

use super::words::{Apart, Move, Moving, put_in_place};
use super::{Buckets, Column, Packing, Part, Wanted, make_room};
use crate::block::resize;
use crate::log::scan;

/// How the records of a batch are packed, and what brings those of its blocks to that.
#[derive(Debug)]
pub struct BatchPacking {
    packing: Packing,
    blocks: Vec<Repacking>,
    most_key: u64,
}

/// How the records of a block come to be packed as those of its batch.
#[derive(Debug)]
struct Repacking {
    /// Words of a record in the block.
    words: usize,
    /// Where its key is, and the bits of it that are left out; none if it is null throughout.
    key: Option<(Part, u32)>,
    moves: SmallVec<[Move; 8]>,
}

impl BatchPacking {
    /// The packing of the records of a batch, which are those of these blocks.
    #[must_use]
    pub fn of<'a>(
        blocks: impl Iterator<Item = &'a Buckets> + Clone,
        wanted: &Wanted,
    ) -> BatchPacking {
        let narrow = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
        let rows = blocks.clone().map(Buckets::len).sum();
        let packings = blocks.clone().map(Buckets::packing);
        let packing = Packing::of_batch(packings, wanted, narrow(rows));
        let mut row = 0;
        let blocks = blocks.map(|block| {
            let from = block.packing();
            let key = Column::of(wanted.key).and_then(|key| from.part(key));
            let key = key.map(|key| match key.column {
                Column::Subject => (key, from.zeros),
                _ => (key, 0),
            });
            let repacking = Repacking {
                words: from.words,
                key,
                moves: packing.moves(from, narrow(row)),
            };
            row += block.len();
            repacking
        });
        let blocks: Vec<Repacking> = blocks.collect();
        let keys = blocks.iter().filter_map(|block| block.key);
        BatchPacking {
            most_key: keys.map(|(key, _)| key.mask()).max().unwrap_or(0),
            blocks,
            packing,
        }
    }

    /// The number of records of a block in these words of it.
    #[inline]
    #[must_use]
    pub fn count(&self, block: usize, packed: &[u64]) -> usize {
        let words = self.blocks[block].words;
        packed.len().checked_div(words).unwrap_or(0)
    }

    /// The greatest key that there is room for, if keys are ids.
    #[must_use]
    pub fn most_key(&self) -> u64 {
        self.most_key
    }

    /// How the records of the batch are packed.
    #[must_use]
    pub fn packing(&self) -> &Packing {
        &self.packing
    }

    /// Tells the keys of records of a block.
    #[inline]
    pub fn keys(&self, block: usize, packed: &[u64], mut tell: impl FnMut(u64)) {
        let how = &self.blocks[block];
        let Some((key, zeros)) = how.key else {
            return (0..self.count(block, packed)).for_each(|_| tell(0));
        };
        let mut tell = |word: u64| tell(key.of(word) << zeros);
        if let (2, at @ 0..2) = (how.words, key.word) {
            // (As most are: a loop by itself.)
            let records = packed.as_chunks::<2>().0.iter();
            records.for_each(|record| tell(record[at]));
        } else {
            let records = packed.chunks_exact(how.words);
            records.for_each(|record| tell(record[key.word]));
        }
    }

    /// Packs records of a block as those of the batch, and puts each to where `place` says by its key; it is
    /// asked in their order. What is in `room` is used again.
    ///
    /// # Panics
    /// If `to` ends before a place.
    #[inline]
    pub fn put(
        &self,
        block: usize,
        packed: &[u64],
        room: &mut Room,
        place: impl FnMut(u64) -> u32,
        to: &mut [u64],
    ) {
        let how = &self.blocks[block];
        let Room { apart, words } = room;
        make_room(packed, how.words, apart);
        let count = self.count(block, packed);
        words.resize_with(self.packing.words.max(words.len()), Vec::new);
        let words = &mut words[..self.packing.words];
        for word in words.iter_mut().filter(|word| word.len() < count) {
            resize(word, count, 0);
        }
        let mut words: SmallVec<[&mut [u64]; 4]> =
            words.iter_mut().map(|word| &mut word[..count]).collect();
        scan::hot(Repacked {
            how,
            packed,
            apart: &mut *apart,
            to: &mut words,
        });
        let words: SmallVec<[&[u64]; 4]> = words.iter().map(|word| &**word).collect();
        match how.key {
            None => put_in_place(&words, (0..count).map(|_| 0).map(place), to),
            Some((key, zeros)) => {
                let keys = apart[key.word][..count].iter();
                let keys = keys.map(|&word| key.of(word) << zeros);
                put_in_place(&words, keys.map(place), to);
            }
        }
    }
}

/// What is used while records are packed anew.
#[derive(Debug, Default)]
pub struct Room {
    /// Words of a block's records, each of them by itself.
    apart: Vec<Vec<u64>>,
    /// Of the same, packed anew.
    words: Vec<Vec<u64>>,
}

/// See [`BatchPacking::put`]: all of it compiled as one.
struct Repacked<'a, 'b> {
    how: &'a Repacking,
    packed: &'a [u64],
    apart: &'a mut [Vec<u64>],
    to: &'a mut [&'b mut [u64]],
}

impl scan::Hot for Repacked<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Repacking { words, moves, .. } = self.how;
        let apart = &mut self.apart[..*words];
        Apart(self.packed, &mut *apart).run();
        for (number, word) in self.to.iter_mut().enumerate() {
            let mut first = true;
            for step in moves.iter().filter(|step| step.to == number) {
                Moving(*step, &apart[step.from], word, first).run();
                first = false;
            }
            if first {
                word.fill(0);
            }
        }
    }
}

impl Packing {
    /// How records of blocks that are packed like these are packed as those of one batch, which has so
    /// many `rows`: those of the columns that are `wanted`.
    fn of_batch<'a>(
        blocks: impl Iterator<Item = &'a Packing> + Clone,
        wanted: &Wanted,
        rows: u32,
    ) -> Packing {
        let is_wanted = |column: Column| match column {
            Column::Time | Column::Row => false,
            Column::Mask(_) => true,
            column => wanted.fields.iter().any(|&f| Column::of(f) == Some(column)),
        };
        let mut columns: Vec<(Column, u32)> = Vec::new();
        let (mut times, mut unit) = ((i64::MAX, i64::MIN), 1000);
        let with_subjects = blocks
            .clone()
            .filter(|block| block.part(Column::Subject).is_some());
        let zeros = with_subjects.map(|block| block.zeros).min().unwrap_or(0);
        for block in blocks {
            times = (times.0.min(block.times.0), times.1.max(block.times.1));
            unit = unit.min(block.unit);
            for part in block.parts.iter().filter(|part| is_wanted(part.column)) {
                let bits = match part.column {
                    Column::Subject => part.bits + block.zeros - zeros,
                    _ => part.bits,
                };
                match columns.iter_mut().find(|c| c.0 == part.column) {
                    Some(known) => known.1 = known.1.max(bits),
                    None => columns.push((part.column, bits)),
                }
            }
        }
        let packing = Packing {
            mask: wanted.mask,
            times,
            unit,
            zeros,
            ..Packing::default()
        };
        packing.with(columns, Vec::new(), rows)
    }

    /// What brings the words of records that are packed as `from` says to those that this says; `row` is the
    /// one of the first of their block in the batch. Parts that move alike move together.
    fn moves(&self, from: &Packing, row: u32) -> SmallVec<[Move; 8]> {
        let mut moves: SmallVec<[Move; 8]> = SmallVec::new();
        for part in &self.parts {
            // (A column that a block has not is null throughout.)
            let Some(source) = from.part(part.column) else {
                continue;
            };
            let first = from.times.0.abs_diff(self.times.0);
            let more = match part.column {
                Column::Time => first / self.unit,
                Column::Row => row.into(),
                _ => 0,
            };
            let (times, left) = match part.column {
                Column::Time => (from.unit / self.unit, part.shift),
                Column::Subject => (1, part.shift + from.zeros - self.zeros),
                _ => (1, part.shift),
            };
            let new = Move {
                from: source.word,
                to: part.word,
                mask: source.mask() << source.shift,
                left: left.saturating_sub(source.shift),
                right: source.shift.saturating_sub(left),
                times,
                more: more << part.shift,
            };
            let alike = |known: &&mut Move| {
                let way = |m: &Move| (m.from, m.to, m.left, m.right, m.times, m.more);
                way(known) == way(&new)
            };
            match moves.iter_mut().find(alike) {
                Some(known) => known.mask |= new.mask,
                None => moves.push(new),
            }
        }
        moves
    }
}
