//! Buffers to use again: fresh ones cost more in page faults than what is written into them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::block::{Block, Columns};
use crate::detect::group::Grouped;
use crate::log::parse::Parsed;

/// Buffers of batches that are done with.
#[derive(Default)]
pub struct Pool {
    texts: Mutex<Vec<Vec<u8>>>,
    /// How long texts are.
    text_len: AtomicUsize,
    columns: Mutex<Vec<Columns>>,
    grouped: Mutex<Vec<Grouped>>,
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

    /// Columns for a grouped batch. What stands in them is to be cleared.
    #[must_use]
    pub fn grouped(&self) -> Grouped {
        take(&self.grouped)
    }

    /// Lets go of all buffers: those needed from now on are of another size.
    pub fn clear(&self) {
        fn clear<T>(of: &Mutex<Vec<T>>) {
            *of.lock().unwrap_or_else(PoisonError::into_inner) = Vec::new();
        }
        clear(&self.texts);
        self.met(0);
        clear(&self.columns);
        clear(&self.grouped);
    }

    /// Takes back what a batch was made of.
    pub fn give_back(&self, blocks: Vec<Block>, grouped: Vec<Grouped>) {
        // Of a block that was cut in two, the part that is done with last brings the text; the columns
        // of the other go, or there would be more of them with every batch.
        let used = blocks.into_iter().filter_map(|block| {
            let text = Arc::into_inner(block.origin.text?)?;
            Some((text.bytes, block.columns))
        });
        let (texts, columns): (Vec<_>, Vec<_>) = used.unzip();
        keep(
            &self.texts,
            texts.into_iter().filter(|text| !text.is_empty()),
        );
        keep(&self.columns, columns.into_iter());
        keep(&self.grouped, grouped.into_iter());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{Origin, Text};

    #[test]
    fn a_block_that_was_cut_in_two_comes_back_as_one() {
        let text = Arc::new(Text {
            bytes: vec![1; 10],
            ..Text::default()
        });
        let part = |text: &Arc<Text>| Block {
            origin: Origin {
                text: Some(Arc::clone(text)),
                ..Origin::default()
            },
            columns: Columns {
                time: vec![7; 5],
                ..Columns::default()
            },
            ..Block::default()
        };
        let (early, late) = (part(&text), part(&text));
        drop(text);
        let pool = Pool::default();
        pool.give_back(vec![early], Vec::new());
        assert_eq!((pool.text().len(), pool.columns().len()), (0, 0));
        pool.give_back(vec![late], Vec::new());
        assert_eq!((pool.text().len(), pool.columns().len()), (10, 5));
        assert_eq!((pool.text().len(), pool.columns().len()), (0, 0));
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
