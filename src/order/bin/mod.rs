//! Records of one range of time, column by column: gathered, then packed into Arrow and back.
//!
//! `places` works out where each record of a block stands; a [`Bin`] gathers the records; `table`
//! packs them for a temporary file and unpacks them again.

mod places;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::block::{Block, Columns, Origin, Text};

pub use places::{Loose, PLACE, Texts};
pub use table::block;

use places::Stand;

/// Records gathered.
#[derive(Debug, Default)]
pub struct Bin {
    /// Without `line` and `start`; `end` is where each record's text ends in `text`.
    columns: Columns,
    stands: Vec<Stand>,
    text: Vec<u8>,
}

impl Bin {
    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that the records take, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.columns.bytes() + self.text.len() + self.len() * PLACE
    }

    /// The times.
    #[must_use]
    pub fn times(&self) -> &[i64] {
        &self.columns.time
    }

    /// Earliest and latest time.
    #[must_use]
    pub fn span(&self) -> Option<(i64, i64)> {
        let times = self.columns.time.iter().copied();
        Some((times.clone().min()?, times.max()?))
    }

    /// Takes all records out; the room stays.
    pub fn clear(&mut self) {
        self.columns.clear();
        self.stands.clear();
        self.text.clear();
    }

    /// Adds records of a block.
    #[allow(clippy::cast_possible_truncation)]
    pub fn append(&mut self, from: &Loose<'_>, rows: &[u32]) {
        let before = self.len();
        let (block, words) = (from.block, from.words);
        let (to, of) = (&mut self.columns, &block.columns);
        gather(&mut to.time, &of.time, rows);
        for (to, of) in to.ids.iter_mut().zip(&of.ids) {
            gather_some(to, of, rows, before);
        }
        gather_some(&mut to.result, &of.result, rows, before);
        gather_some(&mut to.references, &of.references, rows, before);
        for (to, of) in to.words.iter_mut().zip(&of.words) {
            gather_some(to, of, rows, before);
        }
        gather_some(&mut to.subject, &of.subject, rows, before);
        if words == 1 {
            gather(&mut to.masks, &of.masks, rows);
        } else {
            for &row in rows {
                to.masks
                    .extend_from_slice(&of.masks[row as usize * words..][..words]);
            }
        }
        gather(&mut self.stands, &from.stands, rows);
        if !from.kept {
            to.end.resize(before + rows.len(), self.text.len() as u32);
            return;
        }
        for &row in rows {
            let row = row as usize;
            if from.stands[row].keeps_text()
                && let Some((raw, _)) = block.raw(row)
            {
                self.text.extend_from_slice(raw);
            }
            to.end.push(self.text.len() as u32);
        }
    }

    /// The records as a block.
    #[must_use]
    pub fn into_block(self) -> Block {
        let Bin {
            mut columns,
            stands,
            text,
        } = self;
        starts(&mut columns, text.is_empty());
        Block {
            origin: origin(text),
            places: Some(Box::new(places::packed(&stands))),
            columns,
        }
    }
}

fn origin(bytes: Vec<u8>) -> Origin {
    let text = Text {
        bytes,
        ..Text::default()
    };
    Origin {
        text: Some(Arc::new(text)),
        ..Origin::default()
    }
}

/// Works out `start` from `end`; without any text there is neither.
fn starts(columns: &mut Columns, without: bool) {
    columns.start.clear();
    if without {
        columns.end.clear();
    } else {
        let before = columns.end.iter().copied();
        columns.start.extend(std::iter::once(0).chain(before));
        columns.start.pop();
    }
}

fn gather<T: Copy>(to: &mut Vec<T>, from: &[T], rows: &[u32]) {
    to.extend(rows.iter().map(|&row| from[row as usize]));
}

/// [`gather`] of a column that may be null throughout: empty.
fn gather_some<T: Copy + Default>(to: &mut Vec<T>, from: &[T], rows: &[u32], before: usize) {
    if !from.is_empty() {
        to.resize(before, T::default());
        gather(to, from, rows);
    } else if !to.is_empty() {
        to.resize(before + rows.len(), T::default());
    }
}
