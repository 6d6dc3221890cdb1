//! Cuts the stream of blocks into batches.
//!
//! A batch is everything before a cut. The cut trails the *promise*, the time before which no record
//! should come any more, by twice the lateness seen so far, so that small disorder is absorbed. The
//! promise is the latest time where nobody knows better; sources that are read side by side, and
//! ranges of time, tell it. A record before a cut already made is [`Disorder`].

use super::Waiting;
use crate::block::Span;

/// A record came that belongs to a batch already handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disorder;

/// A batch has at most so many records until four times as many have come: of a short log, a large batch
/// would be most of it, and nothing be done beside its first and its last.
const EARLY: usize = 1 << 18;

/// How large a batch gets, about.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Records.
    pub rows: usize,
    /// Bytes of memory.
    pub bytes: usize,
}

/// Gathers blocks until there is a batch of them.
#[derive(Debug)]
pub struct Batcher {
    target: Option<Target>,
    /// [`EARLY`], or less.
    early: usize,
    blocks: Vec<(Waiting, Span)>,
    rows: usize,
    bytes: usize,
    /// Of these, what the last attempt to cut left.
    held: (usize, usize),
    /// Records that have come in all.
    come: usize,
    promise: i64,
    lateness: i64,
    cut: Option<i64>,
}

impl Batcher {
    /// A batcher that cuts at about `target`; none: everything is one batch.
    #[must_use]
    pub fn new(target: Option<Target>) -> Batcher {
        Batcher {
            target,
            early: EARLY,
            blocks: Vec::new(),
            rows: 0,
            bytes: 0,
            come: 0,
            held: (0, 0),
            promise: i64::MIN,
            lateness: 0,
            cut: None,
        }
    }

    /// The same with smaller batches at first: where records come slowly, those who do not read have little to
    /// do before there is a batch.
    #[must_use]
    pub fn sooner(mut self) -> Batcher {
        self.early /= 2;
        self
    }

    /// Adds a block. No block that is still to come should hold a record before `promise`; none:
    /// nobody knows, so that the latest time has to do.
    ///
    /// # Errors
    /// [`Disorder`] if a record lies before a cut.
    pub fn push(
        &mut self,
        block: Waiting,
        span: Span,
        promise: Option<i64>,
    ) -> Result<(), Disorder> {
        if self.cut.is_some_and(|cut| span.min < cut) {
            return Err(Disorder);
        }
        self.lateness = self
            .lateness
            .max(span.lateness)
            .max(self.promise.saturating_sub(span.min));
        self.promise = self.promise.max(promise.unwrap_or(span.max));
        self.rows += block.len();
        self.come += block.len();
        self.bytes += block.bytes();
        self.blocks.push((block, span));
        Ok(())
    }

    /// Bytes of memory that the blocks take which wait.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a batch was handed on.
    #[must_use]
    pub fn has_cut(&self) -> bool {
        self.cut.is_some()
    }

    /// All blocks that wait. They are not part of any batch then.
    #[must_use]
    pub fn take(&mut self) -> Vec<Waiting> {
        (self.rows, self.bytes, self.held) = (0, 0, (0, 0));
        std::mem::take(&mut self.blocks)
            .into_iter()
            .map(|(block, _)| block)
            .collect()
    }

    /// The blocks of a batch, if there are enough.
    pub fn cut(&mut self) -> Option<Vec<Waiting>> {
        let Target { rows, bytes } = self.target?;
        let rows = rows.min((self.come / 4).max(self.early));
        if self.rows < self.held.0.saturating_add(rows)
            && self.bytes < self.held.1.saturating_add(bytes)
        {
            return None;
        }
        let cut = self.promise.saturating_sub(self.lateness.saturating_mul(2));
        let mut ready = Vec::new();
        let mut held = Vec::new();
        for (mut block, span) in std::mem::take(&mut self.blocks) {
            if span.max < cut {
                ready.push(block);
            } else if span.min >= cut {
                held.push((block, span));
            } else {
                let late = block.split_off(cut);
                if let Some(span) = late.block().columns.span() {
                    held.push((late, span));
                }
                ready.push(block);
            }
        }
        self.rows = held.iter().map(|(b, _)| b.len()).sum();
        self.bytes = held.iter().map(|(b, _)| b.bytes()).sum();
        self.held = (self.rows, self.bytes);
        self.blocks = held;
        if ready.is_empty() {
            return None;
        }
        self.cut = Some(cut);
        Some(ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{Block, Columns};

    fn rows(rows: usize) -> Batcher {
        let bytes = usize::MAX;
        Batcher::new(Some(Target { rows, bytes }))
    }

    fn block(times: &[i64]) -> (Waiting, Span) {
        let columns = Columns {
            time: times.to_vec(),
            line: (0..u32::try_from(times.len()).unwrap()).collect(),
            ..Columns::default()
        };
        let span = columns.span().unwrap();
        let block = Block {
            columns,
            ..Block::default()
        };
        (Waiting::from(block), span)
    }

    type Pushed = Result<Option<Vec<i64>>, Disorder>;

    fn push(batcher: &mut Batcher, times: &[i64]) -> Pushed {
        push_promised(batcher, times, None)
    }

    fn push_promised(batcher: &mut Batcher, times: &[i64], promise: Option<i64>) -> Pushed {
        let (block, span) = block(times);
        batcher.push(block, span, promise)?;
        Ok(batcher.cut().map(|blocks| times_of(&blocks)))
    }

    fn times_of(blocks: &[Waiting]) -> Vec<i64> {
        let times = |b: &Waiting| (0..b.len()).map(|at| b.time(at)).collect::<Vec<i64>>();
        blocks.iter().flat_map(times).collect()
    }

    #[test]
    fn batches_grow_with_what_has_come() {
        for (mut batcher, first) in [(rows(1 << 20), EARLY), (rows(1 << 20).sooner(), EARLY / 2)] {
            let mut sizes = Vec::new();
            for from in (0..12 << 20).step_by(1 << 15) {
                let times: Vec<i64> = (from..from + (1 << 15)).collect();
                if let Some(batch) = push(&mut batcher, &times).unwrap() {
                    sizes.push(batch.len());
                }
            }
            assert!(sizes.is_sorted(), "{sizes:?}");
            assert!((first - (1 << 15)..=first).contains(&sizes[0]));
            let largest = sizes[sizes.len() - 1];
            assert!((1 << 20..(1 << 20) + (1 << 17)).contains(&largest));
        }
    }

    #[test]
    fn no_batch_cuts_an_instant() {
        let mut batcher = rows(2);
        assert_eq!(push(&mut batcher, &[1, 1]), Ok(None));
        assert_eq!(push(&mut batcher, &[1, 2]), Ok(Some(vec![1, 1, 1])));
        assert_eq!(push(&mut batcher, &[2, 2, 3]), Ok(Some(vec![2, 2, 2])));
        assert_eq!(push(&mut batcher, &[2]), Err(Disorder));
        assert_eq!(times_of(&batcher.take()), [3]);
    }

    #[test]
    fn small_disorder_is_absorbed() {
        let mut batcher = rows(3);
        assert_eq!(push(&mut batcher, &[10, 9, 11, 12]), Ok(Some(vec![9])));
        assert_eq!(
            push(&mut batcher, &[11, 13, 14, 15]),
            Ok(Some(vec![10, 11, 12, 11]))
        );
        assert_eq!(times_of(&batcher.take()), [13, 14, 15]);
    }

    #[test]
    fn a_promise_lets_sources_side_by_side_through() {
        let mut batcher = rows(2);
        // A block of a month beside blocks of a day: what comes next is told.
        assert_eq!(
            push_promised(&mut batcher, &[0, 30], Some(1)),
            Ok(Some(vec![0]))
        );
        assert_eq!(
            push_promised(&mut batcher, &[1, 2], Some(3)),
            Ok(Some(vec![1, 2]))
        );
        assert_eq!(
            push_promised(&mut batcher, &[3, 4], Some(5)),
            Ok(Some(vec![3, 4]))
        );
        assert_eq!(push_promised(&mut batcher, &[5], Some(i64::MAX)), Ok(None));
        assert_eq!(times_of(&batcher.take()), [30, 5]);
    }

    #[test]
    fn a_batch_has_its_bytes() {
        let rows = usize::MAX;
        let mut batcher = Batcher::new(Some(Target { rows, bytes: 100 }));
        assert_eq!(push(&mut batcher, &[1, 2, 3, 4]), Ok(None));
        assert_eq!(
            push(&mut batcher, &[5, 6, 7, 8, 9]),
            Ok(Some((1..9).collect()))
        );
        assert_eq!(batcher.bytes(), 12);
    }

    #[test]
    fn without_a_target_everything_is_one_batch() {
        let mut batcher = Batcher::new(None);
        assert_eq!(push(&mut batcher, &[5, 1]), Ok(None));
        assert_eq!(push(&mut batcher, &[3]), Ok(None));
        assert_eq!(times_of(&batcher.take()), [5, 1, 3]);
    }
}
