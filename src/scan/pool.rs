//! Buffers to use again: fresh ones cost more in page faults than what is written into them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::block::Columns;
use crate::log::parse::Parsed;
use crate::order::Waiting;
use crate::order::packing::Buckets;

/// Buffers of batches that are done with.
#[derive(Default)]
pub struct Pool {
    texts: Mutex<Vec<Vec<u8>>>,
    /// How long texts are.
    text_len: AtomicUsize,
    columns: Mutex<Vec<Columns>>,
    packed: Mutex<Vec<Buckets>>,
}

fn take<T: Default>(of: &Mutex<Vec<T>>) -> T {
    let mut kept = of.lock().unwrap_or_else(PoisonError::into_inner);
    kept.pop().unwrap_or_default()
}

fn keep<T>(of: &Mutex<Vec<T>>, buffers: impl Iterator<Item = T>) {
    of.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .extend(buffers);
}

impl Pool {
    /// A buffer for the text of a segment. A new one is as long as the last text, and its memory there:
    /// who reads into it holds up all who want to read, and would wait for the system at every page.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let mut text = take(&self.texts);
        if text.is_empty() {
            text.resize(self.text_len.load(Ordering::Relaxed), 0);
        }
        text
    }

    /// Takes back a text that was not used, or is done with.
    pub fn give_text(&self, text: Vec<u8>) {
        if !text.is_empty() {
            keep(&self.texts, std::iter::once(text));
        }
    }

    /// Takes the text of a segment, if its records can do without, and notes how long it is.
    pub fn take_text(&self, of: &mut Parsed) {
        let spare = of.spare.take();
        let kept = of.block.text_bytes();
        self.met(spare.as_ref().map_or(kept, Vec::len));
        if let Some(text) = spare {
            self.give_text(text);
        }
    }

    fn met(&self, text: usize) {
        self.text_len.store(text, Ordering::Relaxed);
    }

    /// Columns for a block. What stands in them is to be cleared.
    #[must_use]
    pub fn columns(&self) -> Columns {
        take(&self.columns)
    }

    /// Room for the packed records of a block.
    #[must_use]
    pub fn packed(&self) -> Buckets {
        take(&self.packed)
    }

    /// Lets go of all buffers: those needed from now on are of another size.
    pub fn clear(&self) {
        fn clear<T>(of: &Mutex<Vec<T>>) {
            *of.lock().unwrap_or_else(PoisonError::into_inner) = Vec::new();
        }
        clear(&self.texts);
        self.met(0);
        clear(&self.columns);
        clear(&self.packed);
    }

    /// Takes back what a batch was made of.
    pub fn give_back(&self, blocks: Vec<Waiting>) {
        // Of a block that was cut in two, the part that is done with last brings the text. What was made for
        // the other goes, and so do columns of what came as Arrow: there would be more with every batch.
        let (mut texts, mut columns, mut packed) = (Vec::new(), Vec::new(), Vec::new());
        for (block, buckets) in blocks.into_iter().map(Waiting::into_parts) {
            let whole = buckets.is_some();
            packed.extend(buckets.into_iter().flatten());
            if let Some(text) = block.origin.text {
                columns.extend(whole.then_some(block.columns));
                texts.extend(Arc::into_inner(text).map(|text| text.bytes));
            }
        }
        texts.retain(|text| !text.is_empty());
        keep(&self.texts, texts.into_iter());
        keep(&self.columns, columns.into_iter());
        keep(&self.packed, packed.into_iter());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{Block, Origin, Text};

    #[test]
    fn a_block_that_was_cut_in_two_comes_back_as_one() {
        let text = Arc::new(Text {
            bytes: vec![1; 10],
            ..Text::default()
        });
        let block = Block {
            origin: Origin {
                text: Some(text),
                ..Origin::default()
            },
            columns: Columns {
                time: vec![7, 7, 7, 8, 9],
                ..Columns::default()
            },
            ..Block::default()
        };
        for late_first in [false, true] {
            let mut early = Waiting::from(block.clone());
            let late = early.split_off(8);
            assert_eq!((early.len(), late.len()), (3, 2));
            let pool = Pool::default();
            let mut parts = vec![early, late];
            if late_first {
                parts.reverse();
            }
            let mut back = |pool: &Pool| {
                pool.give_back(parts.drain(..1).collect());
                (pool.text().len(), pool.columns().time.len())
            };
            // (The test has the text as well.)
            let found = [back(&pool), back(&pool)];
            let columns: usize = found.iter().map(|found| found.1).sum();
            // Those of the earlier part.
            assert_eq!(columns, 3);
            assert_eq!((pool.text().len(), pool.columns().len()), (0, 0));
        }
        let mut early = Waiting::from(block);
        let late = early.split_off(8);
        let pool = Pool::default();
        pool.give_back(vec![early]);
        assert_eq!(pool.text().len(), 0);
        pool.give_back(vec![late]);
        assert_eq!(pool.text().len(), 10);
    }

    #[test]
    fn a_new_text_is_as_long_as_the_last_one() {
        let pool = Pool::default();
        assert_eq!(pool.text().len(), 0);
        pool.met(100);
        assert_eq!(pool.text(), vec![0; 100]);
        pool.clear();
        assert_eq!(pool.text().len(), 0);
    }
}
