//! A block that waits for detection, packed.

use super::packing::{Buckets, Packer};
use crate::block::{Block, Said};
use crate::log::scan;

/// Records that wait. What rules look at is packed; it is not in the block's columns then.
#[derive(Debug, Default)]
pub struct Waiting {
    block: Block,
    /// By the field whose order is wanted; empty: not packed.
    packed: Vec<Buckets>,
    /// Whether it is only what another one was rid of.
    part: bool,
}

impl From<Block> for Waiting {
    fn from(block: Block) -> Waiting {
        Waiting {
            block,
            ..Waiting::default()
        }
    }
}

impl Waiting {
    /// A block whose columns `packed` has; if that is empty, it has them itself.
    #[must_use]
    pub fn of(block: Block, packed: Vec<Buckets>) -> Waiting {
        Waiting {
            block,
            packed,
            part: false,
        }
    }

    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        let packed = self.packed.first();
        packed.map_or(self.block.columns.len(), Buckets::len)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where the records stand; of its columns, some may be empty.
    #[must_use]
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// The records in the order of the values of a field: of the one with this number among those that
    /// are wanted.
    ///
    /// # Panics
    /// If they are not packed.
    #[must_use]
    pub fn packed(&self, wanted: usize) -> &Buckets {
        &self.packed[wanted]
    }

    /// Packs the records, if they are not.
    pub fn pack(&mut self, packer: &mut Packer) {
        if self.packed.is_empty() {
            self.packed = packer.pack(&self.block, Buckets::default);
            if let Some(packed) = self.packed.first() {
                drop(packed.take_columns(&mut self.block.columns));
            }
        }
    }

    /// The time of a record, and what else it says.
    #[must_use]
    pub fn said(&self, at: usize) -> (i64, Said) {
        let columns = &self.block.columns;
        let mut said = columns.said(at);
        let time = match self.packed.first() {
            Some(packed) => packed.tell(at, &mut said),
            None => columns.time[at],
        };
        (time, said)
    }

    /// Asks for the memory that [`Waiting::said`] will read: at depth 0 what says where it is, at depth 1 the
    /// record.
    #[inline]
    pub fn prefetch(&self, at: usize, depth: u8) {
        if let Some(packed) = self.packed.first() {
            packed.prefetch(at, depth);
        }
        if depth == 0
            && let Some(start) = self.block.columns.start.get(at..=at)
        {
            scan::prefetch(start);
        }
    }

    /// The time of a record.
    #[must_use]
    pub fn time(&self, at: usize) -> i64 {
        match self.packed.first() {
            Some(packed) => packed.time(at),
            None => self.block.columns.time[at],
        }
    }

    /// The records of these places, in this order.
    #[must_use]
    pub fn select(&self, order: &[usize]) -> Block {
        let mut block = self.block.select(order);
        if let Some(packed) = self.packed.first() {
            block.columns.take_from(&mut packed.columns(order));
        }
        block
    }

    /// The records as a block with all columns.
    #[must_use]
    pub fn into_block(self) -> Block {
        if self.packed.is_empty() {
            return self.block;
        }
        self.select(&(0..self.len()).collect::<Vec<usize>>())
    }

    /// Takes out the records whose time is not before `cut`, of which there are some.
    #[must_use]
    pub fn split_off(&mut self, cut: i64) -> Waiting {
        let (early, late): (Vec<usize>, Vec<usize>) =
            (0..self.len()).partition(|&at| self.time(at) < cut);
        let rest = Waiting {
            part: true,
            ..Waiting::from(self.select(&late))
        };
        // (Columns that are not packed are cut themselves: they would be packed whole.)
        if !self.packed.is_empty() && early.last().is_none_or(|&last| last < late[0]) {
            self.packed.iter_mut().for_each(|p| p.truncate(early.len()));
        } else {
            *self = Waiting::from(self.select(&early));
        }
        rest
    }

    /// Bytes of memory that the records and their text take, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let packed: usize = self.packed.iter().map(Buckets::bytes).sum();
        self.block.bytes() + packed
    }

    /// The block, whose columns and packed records may be used again; none of a part, which has little room.
    #[must_use]
    pub fn into_parts(self) -> (Block, Option<Vec<Buckets>>) {
        (self.block, (!self.part).then_some(self.packed))
    }
}
