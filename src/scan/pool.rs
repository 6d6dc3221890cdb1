//! Buffers to use again: fresh ones cost more in page faults than what is written into them.

use std::sync::{Arc, Mutex, PoisonError};

use crate::block::{Block, Columns};
use crate::detect::group::Grouped;

/// Buffers of batches that are done with.
#[derive(Default)]
pub struct Pool {
    texts: Mutex<Vec<Vec<u8>>>,
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
    /// A buffer for the text of a segment.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        take(&self.texts)
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
        clear(&self.columns);
        clear(&self.grouped);
    }

    /// Takes back what a batch was made of.
    pub fn give_back(&self, blocks: Vec<Block>, grouped: Vec<Grouped>) {
        let (columns, origins): (Vec<_>, Vec<_>) =
            blocks.into_iter().map(|b| (b.columns, b.origin)).unzip();
        // Of a block that was cut in two, the part that is done with last brings the text.
        let texts = origins.into_iter().filter_map(|o| Arc::into_inner(o.text?));
        keep(&self.texts, texts.map(|text| text.bytes));
        keep(&self.columns, columns.into_iter());
        keep(&self.grouped, grouped.into_iter());
    }
}
