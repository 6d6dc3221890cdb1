//! Columns of records that wait, side by side in as few words of 64 bits as they need, and the words of a
//! record one behind the other. A record so takes a third of the memory, and what is put in the order of
//! the keys is written at random once per record, not once per column.
//!
//! [`Buckets`] are the records of a block by their keys; [`Packer`] makes them. [`BatchPacking`] packs those of
//! a bucket of all blocks of a batch alike.

mod batch;
mod buckets;
mod packer;
mod words;

use std::ops::Range;

use crate::block::{Columns, Said};
use crate::dictionary::id_column;
use crate::log::scan;
use crate::record::Field;

pub use batch::{BatchPacking, Room};
pub use buckets::{Buckets, bucket_of};
pub use packer::{Packer, Wanted};

use words::{AT_A_TIME, Put, Take, Word, put_in_place};

/// A column, and where it stands in the words of a record.
#[derive(Clone, Copy, Debug)]
struct Part {
    column: Column,
    word: usize,
    shift: u32,
    bits: u32,
}

impl Part {
    /// As many bits as it has.
    #[inline(always)]
    fn mask(self) -> u64 {
        u64::MAX.checked_shr(u64::BITS - self.bits).unwrap_or(0)
    }

    /// The number in a word.
    #[inline(always)]
    fn of(self, word: u64) -> u64 {
        word >> self.shift & self.mask()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    /// From the first of the records.
    Time,
    /// In the block, or in the batch.
    Row,
    /// A word of the mask.
    Mask(usize),
    Id(usize),
    Result,
    References,
    /// Numbers of the words behind the codes.
    Words(usize),
    /// Without the lowest bits, as far as they are 0 in all: packed digits stand at the top.
    Subject,
}

impl Column {
    /// The column of a field that is not the time.
    fn of(field: Field) -> Option<Column> {
        match field {
            Field::Subject => Some(Column::Subject),
            Field::Result => Some(Column::Result),
            Field::References => Some(Column::References),
            field => id_column(field).map(Column::Id),
        }
    }
}

/// How records are packed.
#[derive(Clone, Debug, Default)]
pub struct Packing {
    parts: Vec<Part>,
    /// Words of a record.
    words: usize,
    /// Words of its mask.
    mask: usize,
    /// The first time, and the last.
    times: (i64, i64),
    /// Milliseconds that every time is a whole number of from the first.
    unit: u64,
    /// The lowest bits of subjects that are left out.
    zeros: u32,
}

/// Columns of records that were packed, and what it takes to unpack them.
#[derive(Debug, Default)]
pub struct Unpacked {
    /// The columns.
    pub columns: Columns,
    /// Row of each in the batch.
    pub rows: Vec<u32>,
    /// Each word of all of them.
    words: Vec<Vec<u64>>,
}

/// Bits that hold numbers up to this one.
fn bits(most: u64) -> u32 {
    u64::BITS - most.leading_zeros()
}

impl Packing {
    /// The same with these columns, of so many bits each, and times and rows. Those in `same` stand alike in the
    /// block and in the batch, if they have as many bits there.
    fn with(
        mut self,
        mut same: Vec<(Column, u32)>,
        mut others: Vec<(Column, u32)>,
        rows: u32,
    ) -> Packing {
        let span = self.times.1.abs_diff(self.times.0);
        others.push((Column::Time, bits(span / self.unit)));
        others.push((Column::Row, bits(rows.into())));
        for columns in [&mut same, &mut others] {
            // The widest first: the others fill what they leave.
            columns.sort_by_key(|&(_, bits)| std::cmp::Reverse(bits));
            for &mut (column, bits) in columns {
                self.add(column, bits);
            }
        }
        self
    }

    /// Adds a column, if there is room for it in the words that there are.
    fn add_within(&mut self, column: Column, bits: u32) {
        if self.word_with(bits).is_some() {
            self.add(column, bits);
        }
    }

    /// The bits of a word that are used.
    fn used(&self, word: usize) -> u32 {
        let parts = self.parts.iter().filter(|part| part.word == word);
        parts.map(|part| part.bits).sum()
    }

    /// A word in which so many bits are free.
    fn word_with(&self, bits: u32) -> Option<usize> {
        (0..self.words).find(|&word| self.used(word) + bits <= u64::BITS)
    }

    fn add(&mut self, column: Column, bits: u32) {
        let word = self.word_with(bits).unwrap_or(self.words);
        let shift = self.used(word);
        self.words = self.words.max(word + 1);
        self.parts.push(Part {
            column,
            word,
            // Of a column without any bit (one time throughout), behind a full word.
            shift: shift.min(u64::BITS - 1),
            bits,
        });
    }

    /// Words of a record.
    #[must_use]
    pub fn words(&self) -> usize {
        self.words
    }

    fn part(&self, column: Column) -> Option<Part> {
        self.parts.iter().find(|p| p.column == column).copied()
    }

    /// Puts the records of a block to their places in `to`; `room` is used again.
    fn scatter(&self, columns: &Columns, places: &[u32], to: &mut [u64], room: &mut Vec<Word>) {
        room.resize(self.words.max(room.len()), [0; AT_A_TIME]);
        let rows = (0..columns.len()).step_by(AT_A_TIME);
        for (from, places) in rows.zip(places.chunks(AT_A_TIME)) {
            let room = &mut room[..self.words];
            for (number, word) in room.iter_mut().enumerate() {
                let rows = from..from + places.len();
                self.pack(columns, &rows, number, &mut word[..places.len()]);
            }
            let words: Vec<&[u64]> = room.iter().map(Word::as_slice).collect();
            put_in_place(&words, places.iter().copied(), to);
        }
    }

    /// One word of some records of a block.
    #[allow(clippy::cast_possible_truncation)]
    fn pack(&self, columns: &Columns, rows: &Range<usize>, word: usize, to: &mut [u64]) {
        to.fill(0);
        for part in self.parts.iter().filter(|part| part.word == word) {
            let Part { shift, .. } = *part;
            let from = self.times.0;
            match part.column {
                Column::Time if self.unit == 1 => {
                    put(to, &columns.time, rows, shift, |time| time.abs_diff(from));
                }
                Column::Time if part.bits <= 22 => put(to, &columns.time, rows, shift, |time| {
                    // (Fewer than 2³² milliseconds: narrow numbers are divided side by side.)
                    u64::from(time.abs_diff(from) as u32 / 1000)
                }),
                Column::Time => put(to, &columns.time, rows, shift, |time| {
                    time.abs_diff(from) / self.unit
                }),
                Column::Row => {
                    for (to, row) in to.iter_mut().zip(rows.start as u64..) {
                        *to |= row << shift;
                    }
                }
                Column::Mask(_) if self.mask == 1 => {
                    // Bits behind those of the rules mean nothing.
                    let used = u64::MAX >> (u64::BITS - part.bits);
                    put(to, &columns.masks, rows, shift, |mask| mask & used);
                }
                Column::Mask(word) => {
                    let masks = &columns.masks[rows.start * self.mask..rows.end * self.mask];
                    for (to, mask) in to.iter_mut().zip(masks.chunks_exact(self.mask)) {
                        *to |= mask[word];
                    }
                }
                Column::Id(id) => put(to, &columns.ids[id], rows, shift, u64::from),
                Column::Result => put(to, &columns.result, rows, shift, u64::from),
                Column::References => put(to, &columns.references, rows, shift, u64::from),
                Column::Words(code) => put(to, &columns.words[code], rows, shift, u64::from),
                Column::Subject => put(to, &columns.subject, rows, shift, |subject| {
                    subject >> self.zeros
                }),
            }
        }
    }

    /// Some records as columns again, of all that were put into `packed`.
    #[allow(clippy::cast_possible_truncation)]
    pub fn unpack(&self, packed: &[u64], records: Range<usize>, to: &mut Unpacked) {
        let Unpacked {
            columns: to,
            rows,
            words,
        } = to;
        to.clear();
        rows.clear();
        let count = records.len();
        let packed = &packed[records.start * self.words..records.end * self.words];
        take_apart(packed, self.words, words);
        for part in &self.parts {
            let packed = &words[part.word][..count];
            match part.column {
                Column::Time => take(&mut to.time, packed, *part, |time| self.time(time)),
                Column::Row => take(rows, packed, *part, |row| row as u32),
                Column::Mask(_) if self.mask == 1 => {
                    take(&mut to.masks, packed, *part, |mask| mask);
                }
                Column::Mask(word) => {
                    to.masks.resize(packed.len() * self.mask, 0);
                    let masks = to.masks.chunks_exact_mut(self.mask);
                    for (mask, &packed) in masks.zip(packed) {
                        mask[word] = packed;
                    }
                }
                Column::Id(id) => take(&mut to.ids[id], packed, *part, |id| id as u32),
                Column::Result => take(&mut to.result, packed, *part, |code| code as u8),
                Column::References => take(&mut to.references, packed, *part, |code| code as u8),
                Column::Words(code) => take(&mut to.words[code], packed, *part, |word| word as u8),
                Column::Subject => take(&mut to.subject, packed, *part, |subject| {
                    subject << self.zeros
                }),
            }
        }
    }

    /// The time of a packed record.
    fn time_of(&self, record: &[u64]) -> i64 {
        let part = self.part(Column::Time);
        part.map_or(self.times.0, |part| self.time(part.of(record[part.word])))
    }

    #[inline(always)]
    fn time(&self, packed: u64) -> i64 {
        (packed * self.unit)
            .cast_signed()
            .wrapping_add(self.times.0)
    }

    /// The time of a packed record; what else it says is put into `said`.
    #[allow(clippy::cast_possible_truncation)]
    fn tell(&self, record: &[u64], said: &mut Said) -> i64 {
        let mut time = self.times.0;
        for part in &self.parts {
            let value = part.of(record[part.word]);
            match part.column {
                Column::Time => time = self.time(value),
                Column::Row | Column::Mask(_) => {}
                Column::Id(id) => said.ids[id] = value as u32,
                Column::Result => said.result = value as u8,
                Column::References => said.references = value as u8,
                Column::Words(code) => said.words[code] = value as u8,
                Column::Subject => said.subject = value << self.zeros,
            }
        }
        time
    }
}

/// Takes the words of records apart, each of them into the front of a vector.
fn take_apart(packed: &[u64], words: usize, to: &mut Vec<Vec<u64>>) {
    make_room(packed, words, to);
    scan::hot(words::Apart(packed, &mut to[..words]));
}

/// Makes vectors long enough for the words of records, each of them by itself.
fn make_room(packed: &[u64], words: usize, to: &mut Vec<Vec<u64>>) {
    let records = packed.len().checked_div(words).unwrap_or(0);
    to.resize_with(words.max(to.len()), Vec::new);
    for word in &mut to[..words] {
        if word.len() < records {
            crate::block::resize(word, records, 0);
        }
    }
}

/// Puts a column of some rows to what the words have already; one that a block has not is null
/// throughout.
fn put<T: Copy>(
    to: &mut [u64],
    column: &[T],
    rows: &Range<usize>,
    shift: u32,
    number: impl Fn(T) -> u64,
) {
    if let Some(values) = column.get(rows.clone()) {
        scan::hot(Put {
            to,
            values,
            shift,
            number,
        });
    }
}

fn take<T>(to: &mut Vec<T>, packed: &[u64], part: Part, value: impl Fn(u64) -> T) {
    scan::hot(Take {
        to,
        packed,
        part,
        value,
    });
}

#[cfg(test)]
mod tests;
