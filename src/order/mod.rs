//! Blocks → batches that detection can take: no batch cuts an instant, and no later batch holds a
//! record before one of an earlier batch. Within a batch, order does not matter.
//!
//! Input in time order streams through ([`batcher`]). What is not is gathered and, beyond the
//! [`Budget`](memory::Budget), put into ranges of time ([`ranges`]) in temporary files ([`spill`]),
//! which then stream through one after another.

pub mod batcher;
pub mod bin;
pub mod memory;
pub mod packing;
pub mod ranges;
pub mod spill;
pub mod waiting;

pub use batcher::{Batcher, Disorder};
pub use waiting::Waiting;

/// Records of any sources, with complete instants. Rows count through the blocks.
#[derive(Debug, Default)]
pub struct Batch {
    blocks: Vec<Waiting>,
    /// First row of each block, and the number of rows.
    starts: Vec<u32>,
}

impl Batch {
    /// A batch of blocks.
    ///
    /// # Panics
    /// With 2³² records or more.
    #[must_use]
    pub fn of(mut blocks: Vec<Waiting>) -> Batch {
        blocks.retain(|b| !b.is_empty());
        let mut rows = 0usize;
        let mut starts = vec![0];
        for block in &blocks {
            rows += block.len();
            starts.push(u32::try_from(rows).expect("fewer than 2^32 records in a batch"));
        }
        Batch { blocks, starts }
    }

    /// The number of records.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The blocks, in row order.
    #[must_use]
    pub fn blocks(&self) -> &[Waiting] {
        &self.blocks
    }

    /// The blocks, for other use.
    #[must_use]
    pub fn into_blocks(self) -> Vec<Waiting> {
        self.blocks
    }

    /// Walks the rows.
    #[must_use]
    pub fn walk(&self) -> Walk<'_> {
        Walk { of: self, at: 0 }
    }

    /// The block of a row and the row's place in it.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn locate(&self, row: u32) -> (&Waiting, usize) {
        let at = self.starts.partition_point(|&first| first <= row) - 1;
        (&self.blocks[at], (row - self.starts[at]) as usize)
    }
}

/// A walk through the rows of a batch.
pub struct Walk<'a> {
    of: &'a Batch,
    /// The block.
    at: usize,
}

impl<'a> Walk<'a> {
    /// [`Batch::locate`] of a row that is not before the last one.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn to(&mut self, row: u32) -> (&'a Waiting, usize) {
        while self.of.starts[self.at + 1] <= row {
            self.at += 1;
        }
        (
            &self.of.blocks[self.at],
            (row - self.of.starts[self.at]) as usize,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{Block, Columns};

    fn block(times: &[i64]) -> Waiting {
        Waiting::from(Block {
            columns: Columns {
                time: times.to_vec(),
                ..Columns::default()
            },
            ..Block::default()
        })
    }

    #[test]
    fn rows_count_through_the_blocks() {
        let batch = Batch::of(vec![block(&[1, 2]), Waiting::default(), block(&[3])]);
        assert_eq!(batch.len(), 3);
        let found: Vec<i64> = (0..3)
            .map(|row| {
                let (block, at) = batch.locate(row);
                block.time(at)
            })
            .collect();
        assert_eq!(found, [1, 2, 3]);
        let mut walk = batch.walk();
        let found = [0, 0, 2, 2].map(|row| {
            let (block, at) = walk.to(row);
            block.time(at)
        });
        assert_eq!(found, [1, 1, 3, 3]);
    }
}
