//! The records of a batch, packed alike: how each block's come to that.

use smallvec::SmallVec;

use super::words::{Apart, Move, Moving, Take};
use super::{Buckets, Column, Packing, Part, TURN, Wanted, make_room};
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
    /// Where its key is; none if it is null throughout.
    key: Option<Part>,
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
            most_key: keys.map(Part::mask).max().unwrap_or(0),
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

    /// The greatest key that there is room for.
    #[must_use]
    pub fn most_key(&self) -> u64 {
        self.most_key
    }

    /// How the records of the batch are packed.
    #[must_use]
    pub fn packing(&self) -> &Packing {
        &self.packing
    }

    /// Packs records of a block as those of the batch, word by word, to `to`, which is as long; adds their
    /// keys to `keys`. `apart` is used again.
    pub fn pack(
        &self,
        block: usize,
        packed: &[u64],
        apart: &mut Vec<Vec<u64>>,
        to: &mut [&mut [u64]],
        keys: &mut Vec<u64>,
    ) {
        let how = &self.blocks[block];
        make_room(packed, how.words, apart);
        scan::hot(Repacked {
            how,
            packed,
            apart,
            to,
            keys,
        });
    }
}

/// See [`BatchPacking::pack`]: all of it compiled as one.
struct Repacked<'a, 'b> {
    how: &'a Repacking,
    packed: &'a [u64],
    apart: &'a mut [Vec<u64>],
    to: &'a mut [&'b mut [u64]],
    keys: &'a mut Vec<u64>,
}

impl scan::Hot for Repacked<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Repacking { words, key, moves } = self.how;
        let apart = &mut self.apart[..*words];
        Apart(self.packed, &mut *apart).run();
        let count = self.packed.len().checked_div(*words).unwrap_or(0);
        match *key {
            None => self.keys.resize(self.keys.len() + count, 0),
            Some(part) => {
                let turn = if part.column == Column::Subject {
                    TURN
                } else {
                    0
                };
                let (to, packed) = (self.keys, &apart[part.word][..count]);
                let value = |key: u64| key.rotate_right(turn);
                Take {
                    to,
                    packed,
                    part,
                    value,
                }
                .run();
            }
        }
        for word in &mut *self.to {
            word.fill(0);
        }
        for step in moves {
            Moving(*step, &apart[step.from], &mut *self.to[step.to]).run();
        }
    }
}

impl Packing {
    /// How records of blocks that are packed like these are packed as those of one batch, which has so
    /// many `rows`: those of the columns that are `wanted`.
    fn of_batch<'a>(
        blocks: impl Iterator<Item = &'a Packing>,
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
        for block in blocks {
            times = (times.0.min(block.times.0), times.1.max(block.times.1));
            unit = unit.min(block.unit);
            for part in block.parts.iter().filter(|part| is_wanted(part.column)) {
                match columns.iter_mut().find(|c| c.0 == part.column) {
                    Some(known) => known.1 = known.1.max(part.bits),
                    None => columns.push((part.column, part.bits)),
                }
            }
        }
        Packing::new(columns, Vec::new(), wanted.mask, (times, unit), rows)
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
