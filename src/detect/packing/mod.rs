//! Columns of the records of a batch, side by side in as few words of 64 bits as they need, and the words
//! of a record one behind the other. What is put in the order of the keys is written at random: once per
//! record then, not once per column.

use std::ops::Range;

use super::shards::{PerRules, ShardContext};
use crate::block::{Block, Columns};
use crate::dictionary::id_column;
use crate::log::scan;
use crate::order::Batch;
use crate::record::Field;

/// A column, and where it stands in the words of a record.
#[derive(Clone, Copy, Debug)]
struct Part {
    column: Column,
    word: usize,
    shift: u32,
    bits: u32,
}

#[derive(Clone, Copy, Debug)]
enum Column {
    /// From the first of the batch.
    Time,
    /// In the batch.
    Row,
    /// A word of the mask.
    Mask(usize),
    Id(usize),
    Result,
    References,
    Subject,
}

/// How the records of a batch are packed.
#[derive(Debug, Default)]
pub struct Packing {
    parts: Vec<Part>,
    /// Words of a record.
    words: usize,
    /// Words of its mask.
    mask: usize,
    /// The first time.
    from: i64,
    /// Milliseconds that every time is a whole number of from the first.
    unit: u64,
}

/// Rows that are packed at a time: they stay in the cache.
const AT_A_TIME: usize = 1024;

/// Words of such rows.
type Word = [u64; AT_A_TIME];

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
    /// For the columns that the rules of one `per` field look at.
    #[must_use]
    pub fn of(batch: &Batch, per: &PerRules, of: ShardContext<'_>) -> Packing {
        let times = batch
            .blocks()
            .iter()
            .map(|b| scan::hot(Span(&b.columns.time)));
        let (from, to) = times.fold((i64::MAX, i64::MIN), |(from, to), (first, last)| {
            (from.min(first), to.max(last))
        });
        let mut packing = Packing {
            mask: of.bits.words(),
            from,
            unit: if batch.blocks().iter().all(whole_seconds) {
                1000
            } else {
                1
            },
            ..Packing::default()
        };
        let there = |is: &dyn Fn(&Columns) -> bool| batch.blocks().iter().any(|b| is(&b.columns));
        let mut columns = Vec::new();
        for &field in &per.fields {
            let column = match field {
                Field::Subject => (
                    Column::Subject,
                    u64::BITS,
                    there(&|c| !c.subject.is_empty()),
                ),
                // A byte each: two bits would do.
                Field::Result => (Column::Result, u8::BITS, there(&|c| !c.result.is_empty())),
                Field::References => (
                    Column::References,
                    u8::BITS,
                    there(&|c| !c.references.is_empty()),
                ),
                field => {
                    let Some(column) = id_column(field) else {
                        continue;
                    };
                    let most = of.dictionaries.of(field).read().len() as u64;
                    (
                        Column::Id(column),
                        bits(most),
                        there(&|c| !c.ids[column].is_empty()),
                    )
                }
            };
            columns.extend(column.2.then_some((column.0, column.1)));
        }
        let mask_bits = match packing.mask {
            1 => bits(1 << of.bits.closed()),
            _ => u64::BITS,
        };
        columns.extend((0..packing.mask).map(|word| (Column::Mask(word), mask_bits)));
        columns.push((Column::Time, bits(to.abs_diff(from) / packing.unit)));
        columns.push((Column::Row, bits(batch.len().into())));
        // The widest first: the others fill what they leave.
        columns.sort_by_key(|&(_, bits)| std::cmp::Reverse(bits));
        for (column, bits) in columns {
            packing.add(column, bits);
        }
        packing
    }

    fn add(&mut self, column: Column, bits: u32) {
        let used = |word: usize| -> u32 {
            let parts = self.parts.iter().filter(|part| part.word == word);
            parts.map(|part| part.bits).sum()
        };
        let fits = |&word: &usize| used(word) + bits <= u64::BITS;
        let word = (0..self.words).find(fits).unwrap_or(self.words);
        let shift = used(word);
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

    /// Puts the records of a block to their places in `to`; `row` is the first one's in the batch, `room`
    /// is used again.
    pub fn scatter(
        &self,
        columns: &Columns,
        row: u32,
        places: &[u32],
        to: &mut [u64],
        room: &mut Vec<Word>,
    ) {
        room.resize(self.words, [0; AT_A_TIME]);
        let rows = (0..columns.len()).step_by(AT_A_TIME);
        for (from, places) in rows.zip(places.chunks(AT_A_TIME)) {
            for (number, word) in room.iter_mut().enumerate() {
                let rows = from..from + places.len();
                self.pack(columns, rows, row, number, &mut word[..places.len()]);
            }
            match room.as_slice() {
                [a] => put_in_place([a], places, to),
                [a, b] => put_in_place([a, b], places, to),
                [a, b, c] => put_in_place([a, b, c], places, to),
                words => {
                    for (i, &place) in places.iter().enumerate() {
                        let record = &mut to[place as usize * words.len()..][..words.len()];
                        for (to, word) in record.iter_mut().zip(words) {
                            *to = word[i];
                        }
                    }
                }
            }
        }
    }

    /// One word of some records of a block.
    #[allow(clippy::cast_possible_truncation)]
    fn pack(&self, columns: &Columns, rows: Range<usize>, row: u32, word: usize, to: &mut [u64]) {
        to.fill(0);
        for part in self.parts.iter().filter(|part| part.word == word) {
            let Part { shift, .. } = *part;
            match part.column {
                Column::Time if self.unit == 1 => put(to, &columns.time, &rows, shift, |time| {
                    time.abs_diff(self.from)
                }),
                Column::Time if part.bits <= 22 => put(to, &columns.time, &rows, shift, |time| {
                    // (Fewer than 2³² milliseconds: narrow numbers are divided side by side.)
                    u64::from(time.abs_diff(self.from) as u32 / 1000)
                }),
                Column::Time => put(to, &columns.time, &rows, shift, |time| {
                    time.abs_diff(self.from) / self.unit
                }),
                Column::Row => {
                    let first = u64::from(row) + rows.start as u64;
                    for (to, row) in to.iter_mut().zip(first..) {
                        *to |= row << shift;
                    }
                }
                Column::Mask(_) if self.mask == 1 => {
                    // Bits behind those of the rules mean nothing.
                    let used = u64::MAX >> (u64::BITS - part.bits);
                    put(to, &columns.masks, &rows, shift, |mask| mask & used);
                }
                Column::Mask(word) => {
                    let masks = &columns.masks[rows.start * self.mask..rows.end * self.mask];
                    for (to, mask) in to.iter_mut().zip(masks.chunks_exact(self.mask)) {
                        *to |= mask[word];
                    }
                }
                Column::Id(id) => put(to, &columns.ids[id], &rows, shift, u64::from),
                Column::Result => put(to, &columns.result, &rows, shift, u64::from),
                Column::References => put(to, &columns.references, &rows, shift, u64::from),
                Column::Subject => put(to, &columns.subject, &rows, shift, |subject| subject),
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
        words.resize_with(self.words.max(words.len()), Vec::new);
        take_apart(packed, &mut words[..self.words]);
        for part in &self.parts {
            let packed = &words[part.word][..count];
            match part.column {
                Column::Time => take(&mut to.time, packed, *part, |time| {
                    (time * self.unit).cast_signed().wrapping_add(self.from)
                }),
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
                Column::Subject => take(&mut to.subject, packed, *part, |subject| subject),
            }
        }
    }
}

/// Whether all times of a block are whole seconds (from 1970, and so from each other).
fn whole_seconds(block: &Block) -> bool {
    let told = block.places.is_none() && block.wording(0) > 0;
    told || block.columns.time.iter().all(|time| time % 1000 == 0)
}

/// Puts the words of records one behind the other, each record to its place.
fn put_in_place<const N: usize>(words: [&Word; N], places: &[u32], to: &mut [u64]) {
    let (to, _) = to.as_chunks_mut::<N>();
    for (i, &place) in places.iter().enumerate().take(AT_A_TIME) {
        to[place as usize] = words.map(|word| word[i]);
    }
}

/// Takes the words of records apart, each of them into the front of its vector.
fn take_apart(packed: &[u64], words: &mut [Vec<u64>]) {
    let (all, records) = (
        words.len(),
        packed.len().checked_div(words.len()).unwrap_or(0),
    );
    for word in &mut *words {
        if word.len() < records {
            word.resize(records, 0);
        }
    }
    match words {
        [a] => a[..records].copy_from_slice(packed),
        [a, b] => scan::hot(Apart2(packed.as_chunks().0, a, b)),
        [a, b, c] => scan::hot(Apart3(packed.as_chunks().0, a, b, c)),
        words => {
            for (number, word) in words.iter_mut().enumerate() {
                let packed = packed.iter().skip(number).step_by(all);
                word.iter_mut()
                    .zip(packed)
                    .for_each(|(to, &word)| *to = word);
            }
        }
    }
}

/// (Both words at once, and each at a place that is known: so the compiler takes wide registers and
/// shuffles them, and gathers nothing.)
struct Apart2<'a>(&'a [[u64; 2]], &'a mut [u64], &'a mut [u64]);

impl scan::Hot for Apart2<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for ((record, a), b) in self.0.iter().zip(self.1).zip(self.2) {
            (*a, *b) = (record[0], record[1]);
        }
    }
}

/// As [`Apart2`].
struct Apart3<'a>(&'a [[u64; 3]], &'a mut [u64], &'a mut [u64], &'a mut [u64]);

impl scan::Hot for Apart3<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (((record, a), b), c) in self.0.iter().zip(self.1).zip(self.2).zip(self.3) {
            (*a, *b, *c) = (record[0], record[1], record[2]);
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

/// The first and the last time.
struct Span<'a>(&'a [i64]);

impl scan::Hot for Span<'_> {
    type Output = (i64, i64);

    #[inline(always)]
    fn run(self) -> (i64, i64) {
        let start = (i64::MAX, i64::MIN);
        let times = self.0.iter();
        times.fold(start, |(from, to), &time| (from.min(time), to.max(time)))
    }
}

struct Put<'a, T, F> {
    to: &'a mut [u64],
    values: &'a [T],
    shift: u32,
    number: F,
}

impl<T: Copy, F: Fn(T) -> u64> scan::Hot for Put<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let numbers = self
            .values
            .iter()
            .map(|&value| (self.number)(value) << self.shift);
        for (to, number) in self.to.iter_mut().zip(numbers) {
            *to |= number;
        }
    }
}

struct Take<'a, T, F> {
    to: &'a mut Vec<T>,
    packed: &'a [u64],
    part: Part,
    value: F,
}

impl<T, F: Fn(u64) -> T> scan::Hot for Take<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Part { shift, bits, .. } = self.part;
        let mask = u64::MAX.checked_shr(u64::BITS - bits).unwrap_or(0);
        let values = self
            .packed
            .iter()
            .map(|&word| (self.value)(word >> shift & mask));
        self.to.extend(values);
    }
}

#[cfg(test)]
mod tests;
