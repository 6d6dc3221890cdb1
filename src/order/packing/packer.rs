//! Packs blocks.

use std::sync::Arc;

use super::words::Word;
use super::{Buckets, Column, Packing, bits};
use crate::block::{Block, Columns};
use crate::dictionary::{Dictionaries, ID_FIELDS, Subject};
use crate::log::scan;
use crate::record::Field;

/// What is asked of records that are put in the order of the values of a field.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The field.
    pub key: Field,
    /// The fields that are looked at besides.
    pub fields: Vec<Field>,
    /// Words of a mask.
    pub mask: usize,
    /// Bits of a mask of one word that mean something.
    pub mask_bits: u32,
}

/// Packs the blocks of a scan. One per thread.
pub struct Packer {
    wanted: Arc<Vec<Wanted>>,
    /// Buckets for each field that records are put in the order of.
    buckets: usize,
    dictionaries: Arc<Dictionaries>,
    room: Room,
}

/// What is used while records are packed.
#[derive(Default)]
pub(super) struct Room {
    /// Words of some records, each of them by itself.
    pub(super) words: Vec<Word>,
    /// Records, packed.
    pub(super) records: Vec<u64>,
}

impl Packer {
    /// A packer into so many buckets, a power of two.
    #[must_use]
    pub fn new(
        wanted: Arc<Vec<Wanted>>,
        buckets: usize,
        dictionaries: Arc<Dictionaries>,
    ) -> Packer {
        Packer {
            wanted,
            buckets,
            dictionaries,
            room: Room::default(),
        }
    }

    /// Packs the records of a block, once for each field whose order is wanted. Columns that were packed
    /// are to be taken out by [`Buckets::take_columns`]. What is in `spare` is used again.
    pub fn pack(&mut self, block: &Block, mut spare: impl FnMut() -> Buckets) -> Vec<Buckets> {
        let columns = &block.columns;
        if columns.is_empty() {
            return Vec::new();
        }
        let times = scan::hot(Ends(&columns.time));
        let unit = if whole_seconds(block) { 1000 } else { 1 };
        let subjects = scan::hot(All(&columns.subject));
        let bare = Packing {
            times,
            unit,
            // (Of no subject at all, there is nothing to leave out.)
            zeros: subjects.trailing_zeros() % u64::BITS,
            ..Packing::default()
        };
        let wanted = Arc::clone(&self.wanted);
        let packed = wanted.iter().enumerate().map(|(number, wanted)| {
            let mut packing = self.packing(columns, wanted, subjects, bare.clone());
            if number == 0 {
                self.add_others(columns, &mut packing);
            }
            Buckets::of(
                columns,
                wanted.key,
                packing,
                self.buckets,
                &mut self.room,
                spare(),
            )
        });
        packed.collect()
    }

    /// The columns that are wanted, added to a packing without any; `subjects` has the bits of all subjects.
    fn packing(
        &self,
        columns: &Columns,
        wanted: &Wanted,
        subjects: Subject,
        mut bare: Packing,
    ) -> Packing {
        let key = Column::of(wanted.key);
        let (mut same, mut others) = (Vec::new(), Vec::new());
        let fields = wanted.fields.iter().filter_map(|&field| Column::of(field));
        for column in fields.chain(key) {
            let bits = match column {
                Column::Subject => bits(subjects >> bare.zeros),
                column => self.bits_of(columns, column),
            };
            let is_there = |c: &(Column, u32)| c.0 == column;
            if bits > 0 && !same.iter().any(is_there) {
                if wanted
                    .fields
                    .iter()
                    .any(|&field| Column::of(field) == Some(column))
                {
                    same.push((column, bits));
                } else {
                    others.push((column, bits));
                }
            }
        }
        let mask_bits = match wanted.mask {
            1 => wanted.mask_bits,
            _ => u64::BITS,
        };
        same.extend((0..wanted.mask).map(|word| (Column::Mask(word), mask_bits)));
        let rows = u32::try_from(columns.len()).unwrap_or(u32::MAX);
        bare.mask = wanted.mask;
        bare.with(same, others, rows)
    }

    /// Adds the columns that only flagged records are asked for, where there is room.
    fn add_others(&self, columns: &Columns, to: &mut Packing) {
        let ids = (0..columns.ids.len()).map(Column::Id);
        let codes = [Column::Result, Column::References];
        let words = (0..columns.words.len()).map(Column::Words);
        for column in ids.chain(codes).chain(words) {
            let bits = self.bits_of(columns, column);
            if bits > 0 && to.part(column).is_none() {
                to.add_within(column, bits);
            }
        }
    }

    /// Bits that the values of a column of ids, codes or words need; 0 if all are null.
    fn bits_of(&self, columns: &Columns, column: Column) -> u32 {
        let codes = |codes: &[u8]| codes.iter().copied().max().unwrap_or(0).into();
        bits(match column {
            Column::Id(id) if !columns.ids[id].is_empty() => {
                self.dictionaries.of(ID_FIELDS[id]).read().len() as u64
            }
            Column::Result => codes(&columns.result),
            Column::References => codes(&columns.references),
            Column::Words(code) => codes(&columns.words[code]),
            _ => 0,
        })
    }
}

/// Whether all times of a block are whole seconds (from 1970, and so from each other).
fn whole_seconds(block: &Block) -> bool {
    let told = block.places.is_none() && block.wording(0) > 0;
    told || block.columns.time.iter().all(|time| time % 1000 == 0)
}

/// The first and the last time.
struct Ends<'a>(&'a [i64]);

impl scan::Hot for Ends<'_> {
    type Output = (i64, i64);

    #[inline(always)]
    fn run(self) -> (i64, i64) {
        let start = (i64::MAX, i64::MIN);
        let times = self.0.iter();
        times.fold(start, |(from, to), &time| (from.min(time), to.max(time)))
    }
}

/// All bits of numbers.
struct All<'a>(&'a [u64]);

impl scan::Hot for All<'_> {
    type Output = u64;

    #[inline(always)]
    fn run(self) -> u64 {
        self.0.iter().fold(0, |all, number| all | number)
    }
}
