//! Blocks → batches that detection can take: no batch cuts an instant, and no later batch holds a
//! record before one of an earlier batch.
//!
//! Input in time order streams through: a batch is everything before a cut, and the cut trails the
//! latest time by twice the lateness seen so far, so that small disorder (servers side by side) is
//! absorbed. A record before a cut already made is [`Disorder`]: the scan starts again in memory,
//! where a single batch holds everything. Within a batch, order does not matter.

use crate::block::{Block, Span};

/// A record came that belongs to a batch already handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disorder;

/// Records of any sources, with complete instants. Rows count through the blocks.
#[derive(Debug, Default)]
pub struct Batch {
    blocks: Vec<Block>,
    /// First row of each block, and the number of rows.
    starts: Vec<u32>,
}

impl Batch {
    /// A batch of blocks.
    ///
    /// # Panics
    /// With 2³² records or more.
    #[must_use]
    pub fn of(mut blocks: Vec<Block>) -> Batch {
        blocks.retain(|b| !b.columns.is_empty());
        let mut rows = 0usize;
        let mut starts = vec![0];
        for block in &blocks {
            rows += block.columns.len();
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
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The blocks, for other use.
    #[must_use]
    pub fn into_blocks(self) -> Vec<Block> {
        self.blocks
    }

    /// The block of a row and the row's place in it.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn locate(&self, row: u32) -> (&Block, usize) {
        let at = self.starts.partition_point(|&first| first <= row) - 1;
        (&self.blocks[at], (row - self.starts[at]) as usize)
    }
}

/// Gathers blocks until there is a batch of them.
#[derive(Debug)]
pub struct Batcher {
    target: Option<usize>,
    blocks: Vec<(Block, Span)>,
    rows: usize,
    held: usize,
    max: i64,
    lateness: i64,
    cut: i64,
}

impl Batcher {
    /// A batcher that cuts at about `target` records; none: everything is one batch.
    #[must_use]
    pub fn new(target: Option<usize>) -> Batcher {
        Batcher {
            target,
            blocks: Vec::new(),
            rows: 0,
            held: 0,
            max: i64::MIN,
            lateness: 0,
            cut: i64::MIN,
        }
    }

    /// Adds a block.
    ///
    /// # Errors
    /// [`Disorder`] if a record lies before a cut.
    pub fn push(&mut self, block: Block, span: Span) -> Result<(), Disorder> {
        if span.min < self.cut {
            return Err(Disorder);
        }
        self.lateness = self
            .lateness
            .max(span.lateness)
            .max(self.max.saturating_sub(span.min));
        if self.max == i64::MIN {
            self.lateness = span.lateness;
        }
        self.max = self.max.max(span.max);
        self.rows += block.columns.len();
        self.blocks.push((block, span));
        Ok(())
    }

    /// The blocks of a batch, if there are enough.
    pub fn cut(&mut self) -> Option<Vec<Block>> {
        if self.rows < self.held.saturating_add(self.target?) {
            return None;
        }
        let cut = self.max.saturating_sub(self.lateness.saturating_mul(2));
        let mut ready = Vec::new();
        let mut held = Vec::new();
        for (block, span) in std::mem::take(&mut self.blocks) {
            if span.max < cut {
                ready.push(block);
            } else if span.min >= cut {
                held.push((block, span));
            } else {
                let columns = &block.columns;
                let early = columns.filter(|i| columns.time[i] < cut);
                let late = columns.filter(|i| columns.time[i] >= cut);
                let origin = block.origin;
                if let Some(span) = late.span() {
                    held.push((
                        Block {
                            origin: origin.clone(),
                            columns: late,
                        },
                        span,
                    ));
                }
                ready.push(Block {
                    origin,
                    columns: early,
                });
            }
        }
        self.blocks = held;
        self.rows = self.blocks.iter().map(|(b, _)| b.columns.len()).sum();
        self.held = self.rows;
        if ready.is_empty() {
            return None;
        }
        self.cut = cut;
        Some(ready)
    }

    /// The blocks that are left.
    #[must_use]
    pub fn rest(self) -> Vec<Block> {
        self.blocks.into_iter().map(|(block, _)| block).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{Columns, Origin};

    fn block(times: &[i64]) -> (Block, Span) {
        let columns = Columns {
            time: times.to_vec(),
            line: (0..u32::try_from(times.len()).unwrap()).collect(),
            ..Columns::default()
        };
        let span = columns.span().unwrap();
        (
            Block {
                origin: Origin::default(),
                columns,
            },
            span,
        )
    }

    fn push(batcher: &mut Batcher, times: &[i64]) -> Result<Option<Vec<i64>>, Disorder> {
        let (block, span) = block(times);
        batcher.push(block, span)?;
        Ok(batcher.cut().map(|blocks| times_of(&blocks)))
    }

    fn times_of(blocks: &[Block]) -> Vec<i64> {
        blocks.iter().flat_map(|b| b.columns.time.clone()).collect()
    }

    #[test]
    fn no_batch_cuts_an_instant() {
        let mut batcher = Batcher::new(Some(2));
        assert_eq!(push(&mut batcher, &[1, 1]), Ok(None));
        assert_eq!(push(&mut batcher, &[1, 2]), Ok(Some(vec![1, 1, 1])));
        assert_eq!(push(&mut batcher, &[2, 2, 3]), Ok(Some(vec![2, 2, 2])));
        assert_eq!(push(&mut batcher, &[2]), Err(Disorder));
        assert_eq!(times_of(&batcher.rest()), [3]);
    }

    #[test]
    fn small_disorder_is_absorbed() {
        let mut batcher = Batcher::new(Some(3));
        assert_eq!(push(&mut batcher, &[10, 9, 11, 12]), Ok(Some(vec![9])));
        assert_eq!(
            push(&mut batcher, &[11, 13, 14, 15]),
            Ok(Some(vec![10, 11, 12, 11]))
        );
        assert_eq!(times_of(&batcher.rest()), [13, 14, 15]);
    }

    #[test]
    fn rows_count_through_the_blocks() {
        let batch = Batch::of(vec![block(&[1, 2]).0, Block::default(), block(&[3]).0]);
        assert_eq!(batch.len(), 3);
        let found: Vec<i64> = (0..3)
            .map(|row| {
                let (block, at) = batch.locate(row);
                block.columns.time[at]
            })
            .collect();
        assert_eq!(found, [1, 2, 3]);
    }

    #[test]
    fn without_a_target_everything_is_one_batch() {
        let mut batcher = Batcher::new(None);
        assert_eq!(push(&mut batcher, &[5, 1]), Ok(None));
        assert_eq!(push(&mut batcher, &[3]), Ok(None));
        assert_eq!(times_of(&batcher.rest()), [5, 1, 3]);
    }
}
