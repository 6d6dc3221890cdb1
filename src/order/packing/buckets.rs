//! The packed records of a block by buckets of their keys.

use super::packer::Room;
use super::{Column, Packing, Unpacked};
use crate::block::{Columns, Said, make_room, resize};
use crate::detect::values::Value;
use crate::dictionary::id_column;
use crate::log::scan;
use crate::record::Field;

/// Which of so many buckets, a power of two, a value of a field belongs to.
#[inline]
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn bucket_of(field: Field, key: Value, buckets: usize) -> usize {
    let spread = if field == Field::Subject {
        key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32
    } else {
        // (Ids are given one after another.)
        key
    };
    spread as usize & (buckets - 1)
}

/// The records of a block, packed, bucket after bucket; in a bucket, those of the block in their order.
#[derive(Debug, Default)]
pub struct Buckets {
    packing: Packing,
    words: Vec<u64>,
    /// Where the records of each bucket begin and end.
    bounds: Vec<(u32, u32)>,
    /// Where each record of the block stands.
    places: Vec<u32>,
}

impl Buckets {
    /// The records of a block by the values of `key`.
    pub(super) fn of(
        columns: &Columns,
        key: Field,
        packing: Packing,
        buckets: usize,
        room: &mut Room,
        spare: Buckets,
    ) -> Buckets {
        let Buckets {
            mut words,
            mut bounds,
            mut places,
            ..
        } = spare;
        bounds.clear();
        bounds.resize(buckets, (0, 0));
        resize(&mut places, columns.len(), 0);
        if let Some(id) = id_column(key) {
            let bucket = |&id: &u32| bucket_of(key, id.into(), buckets);
            place(columns.ids[id].iter().map(bucket), &mut bounds, &mut places);
        } else {
            let bucket = |&subject: &u64| bucket_of(key, subject, buckets);
            place(columns.subject.iter().map(bucket), &mut bounds, &mut places);
        }
        let all = columns.len() * packing.words();
        if room.records.len() < all {
            resize(&mut room.records, all, 0);
        }
        packing.scatter(columns, &places, &mut room.records[..all], &mut room.words);
        // What is written at random is written where it is near.
        words.clear();
        make_room(&mut words, all);
        words.extend_from_slice(&room.records[..all]);
        Buckets {
            packing,
            words,
            bounds,
            places,
        }
    }

    /// How they are packed.
    #[must_use]
    pub fn packing(&self) -> &Packing {
        &self.packing
    }

    /// Bytes of memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        8 * (self.words.len() + self.bounds.len()) + 4 * self.places.len()
    }

    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The number of records of a bucket.
    #[cfg(test)]
    #[must_use]
    pub fn len_of(&self, bucket: usize) -> usize {
        let (start, end) = self.bounds[bucket];
        (end - start) as usize
    }

    /// The records of a bucket.
    #[must_use]
    pub fn bucket(&self, bucket: usize) -> &[u64] {
        let (start, end) = self.bounds[bucket];
        let words = self.packing.words();
        &self.words[start as usize * words..end as usize * words]
    }

    /// Takes out the records from this one of the block on.
    pub fn truncate(&mut self, rows: usize) {
        for &place in self.places.get(rows..).unwrap_or_default() {
            // (Those of a bucket stand in the order of the block.)
            let after = self.bounds.partition_point(|&(start, _)| start <= place);
            self.bounds[after - 1].1 -= 1;
        }
        self.places.truncate(rows);
    }

    /// The time of a record of the block; what else it says is put into `said`, as far as it is packed.
    pub fn tell(&self, row: usize, said: &mut Said) -> i64 {
        self.packing.tell(self.record(row), said)
    }

    /// Asks for the memory of a record of the block: at depth 0 for where it stands, at depth 1 for itself.
    #[inline]
    pub fn prefetch(&self, row: usize, depth: u8) {
        if depth == 0 {
            scan::prefetch(&self.places[row..=row]);
        } else {
            scan::prefetch(self.record(row));
        }
    }

    /// The time of a record of the block.
    #[must_use]
    pub fn time(&self, row: usize) -> i64 {
        self.packing.time_of(self.record(row))
    }

    /// Takes the columns that were packed out of a block's.
    pub fn take_columns(&self, of: &mut Columns) -> Columns {
        fn take<T>(of: &mut Vec<T>, to: &mut Vec<T>) {
            if !of.is_empty() {
                *to = std::mem::take(of);
            }
        }
        let mut taken = Columns::default();
        for part in &self.packing.parts {
            match part.column {
                Column::Time => take(&mut of.time, &mut taken.time),
                Column::Row => {}
                Column::Mask(_) => take(&mut of.masks, &mut taken.masks),
                Column::Id(id) => take(&mut of.ids[id], &mut taken.ids[id]),
                Column::Result => take(&mut of.result, &mut taken.result),
                Column::References => take(&mut of.references, &mut taken.references),
                Column::Words(code) => take(&mut of.words[code], &mut taken.words[code]),
                Column::Subject => take(&mut of.subject, &mut taken.subject),
            }
        }
        taken
    }

    /// What was packed of some records of the block, as columns.
    #[must_use]
    pub fn columns(&self, rows: &[usize]) -> Columns {
        let records = rows.iter().flat_map(|&row| self.record(row));
        let records: Vec<u64> = records.copied().collect();
        let mut unpacked = Unpacked::default();
        self.packing.unpack(&records, 0..rows.len(), &mut unpacked);
        unpacked.columns
    }

    fn record(&self, row: usize) -> &[u64] {
        let (words, place) = (self.packing.words(), self.places[row] as usize);
        &self.words[place * words..(place + 1) * words]
    }
}

/// Where each record stands, if their buckets are these (none: all are in the first), and where each of the
/// buckets begins and ends.
fn place(
    buckets: impl ExactSizeIterator<Item = usize> + Clone,
    bounds: &mut [(u32, u32)],
    places: &mut [u32],
) {
    if buckets.len() == 0 {
        let all = narrow(places.len());
        bounds.fill((all, all));
        bounds[0].0 = 0;
        (0..).zip(places).for_each(|(at, place)| *place = at);
        return;
    }
    buckets.clone().for_each(|bucket| bounds[bucket].1 += 1);
    let mut start = 0;
    for (from, to) in bounds.iter_mut() {
        let count = *to;
        (*from, *to) = (start, start);
        start += count;
    }
    for (bucket, place) in buckets.zip(places) {
        let end = &mut bounds[bucket].1;
        *place = *end;
        *end += 1;
    }
}

fn narrow(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
