//! A batch, key after key: what the rules of a `per` field look at is put into the order of the keys, so
//! that each key's records lie together when its rules read them.

use super::packing::{Packing, Unpacked};
use super::shards::{PerRules, ShardContext};
use super::values::Value;
use crate::block::{make_room, resize};
use crate::dictionary::id_column;
use crate::order::Batch;
use crate::record::Field;

/// Records of a batch by key; each key's in the order of the batch.
#[derive(Debug, Default)]
pub struct Grouped {
    /// Keys, and where their records end.
    pub keys: Vec<(Value, u32)>,
    /// Row, time, mask and the fields that the rules look at, packed.
    packing: Packing,
    words: Vec<u64>,
    /// Where each row of the batch stands.
    places: Vec<u32>,
}

impl Grouped {
    /// Groups a batch for the rules of one `per` field. `spare` is one that is not needed any more: its
    /// buffers are used again.
    #[must_use]
    pub fn by(batch: &Batch, per: &PerRules, of: ShardContext<'_>, spare: Grouped) -> Grouped {
        let Grouped {
            mut keys,
            mut words,
            mut places,
            ..
        } = spare;
        keys.clear();
        places.clear();
        match per.per {
            Field::Subject => places_by_sorting(batch, &mut keys, &mut places),
            field => {
                let column = id_column(field).unwrap_or(0);
                places_by_counting(batch, column, &mut keys, &mut places);
            }
        }
        let packing = Packing::of(batch, per, of);
        resize(&mut words, places.len() * packing.words(), 0);
        let (mut row, mut room) = (0, Vec::new());
        for block in batch.blocks() {
            let columns = &block.columns;
            let here = &places[row as usize..][..columns.len()];
            packing.scatter(columns, row, here, &mut words, &mut room);
            row += u32::try_from(columns.len()).unwrap_or(u32::MAX);
        }
        Grouped {
            keys,
            packing,
            words,
            places,
        }
    }

    /// The records `start..end`, put into `to` in time order.
    pub fn unpack(&self, start: usize, end: usize, to: &mut Unpacked) {
        self.packing.unpack(&self.words, start..end, to);
        if !to.columns.time.is_sorted() {
            let order = in_order(&to.columns.time);
            to.columns = to.columns.select(&order);
            to.rows = order.iter().map(|&i| to.rows[i]).collect();
        }
    }
}

/// The places of times in their order.
#[allow(clippy::cast_possible_truncation)]
fn in_order(times: &[i64]) -> Vec<usize> {
    let first = times.iter().min().copied().unwrap_or(0);
    let last = times.iter().max().copied().unwrap_or(0);
    let bits = usize::BITS - times.len().leading_zeros();
    // Time and place in one word, where they fit, are sorted faster.
    if last.abs_diff(first).leading_zeros() >= bits {
        let mut both: Vec<u64> = (0u64..)
            .zip(times)
            .map(|(place, &time)| time.abs_diff(first) << bits | place)
            .collect();
        both.sort_unstable();
        let place = |both: u64| (both & ((1 << bits) - 1)) as usize;
        return both.into_iter().map(place).collect();
    }
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by_key(|&i| times[i]);
    order
}

type Keys = Vec<(Value, u32)>;

/// Where each row goes, by a counting sort of its id.
fn places_by_counting(batch: &Batch, column: usize, keys: &mut Keys, places: &mut Vec<u32>) {
    let ids = || {
        batch
            .blocks()
            .iter()
            .map(|b| (&b.columns.ids[column], b.columns.len()))
    };
    let most = ids()
        .filter_map(|(ids, _)| ids.iter().max())
        .max()
        .copied()
        .unwrap_or(0) as usize;
    let mut ends = vec![0u32; most + 2];
    for (ids, n) in ids() {
        if ids.is_empty() {
            ends[1] += u32::try_from(n).unwrap_or(u32::MAX);
        }
        for &id in ids {
            ends[id as usize + 1] += 1;
        }
    }
    for i in 1..ends.len() {
        ends[i] += ends[i - 1];
    }
    make_room(places, batch.len() as usize);
    for (ids, n) in ids() {
        let mut place = |id: u32| {
            let at = &mut ends[id as usize];
            *at += 1;
            *at - 1
        };
        if ids.is_empty() {
            places.extend((0..n).map(|_| place(0)));
        } else {
            places.extend(ids.iter().map(|&id| place(id)));
        }
    }
    let mut last = 0;
    for (id, &end) in ends.iter().take(most + 1).enumerate() {
        if end > last {
            keys.push((id as Value, end));
        }
        last = end;
    }
}

/// Where each row goes, by a sort of its subject.
fn places_by_sorting(batch: &Batch, keys: &mut Keys, places: &mut Vec<u32>) {
    let subjects = batch
        .blocks()
        .iter()
        .flat_map(|b| (0..b.columns.len()).map(|i| b.columns.subject.get(i).copied().unwrap_or(0)));
    let mut pairs: Vec<(Value, u32)> = subjects.zip(0u32..).collect();
    pairs.sort_unstable();
    resize(places, pairs.len(), 0);
    for (at, &(key, row)) in (0u32..).zip(&pairs) {
        places[row as usize] = at;
        match keys.last_mut() {
            Some(last) if last.0 == key => last.1 = at + 1,
            _ => keys.push((key, at + 1)),
        }
    }
}
