//! A bucket of a batch, key after key: what the rules of a `per` field look at is put into the order of the
//! keys, so that each key's records lie together when its rules read them. A bucket's records stay in the
//! cache meanwhile.

use smallvec::SmallVec;

use super::shards::PerRules;
use super::values::Value;
use crate::block::resize;
use crate::dictionary::id_column;
use crate::log::scan;
use crate::order::Batch;
use crate::order::packing::{BatchPacking, Packing, Unpacked, put_in_place};

/// Words of records that are asked for before they are read.
const NEAR: usize = 1 << 10;

/// Records of a bucket by key; each key's in the order of the batch.
#[derive(Debug, Default)]
pub struct Grouped {
    /// Keys, and where their records end.
    keys: Vec<(Value, u32)>,
    /// The records in the order of the keys, packed.
    words: Vec<u64>,
    room: Room,
}

/// What is used while records are put in order.
#[derive(Debug, Default)]
struct Room {
    /// Words of a block's records, each of them by itself.
    apart: Vec<Vec<u64>>,
    /// Words of all records, packed anew.
    words: Vec<Vec<u64>>,
    /// Key of each.
    keys: Vec<Value>,
    /// Where each goes.
    places: Vec<u32>,
    /// By key: where its next record goes.
    ends: Vec<u32>,
}

impl Grouped {
    /// Groups a bucket of a batch, of `buckets`, for the rules of one `per` field; it has the number `wanted`
    /// among those whose order is wanted.
    pub fn fill(
        &mut self,
        batch: &Batch,
        (per, wanted): (&PerRules, usize),
        (bucket, buckets): (usize, usize),
        how: &BatchPacking,
    ) {
        let packing = how.packing();
        let blocks = batch.blocks().iter().map(|block| block.packed(wanted));
        let parts: Vec<&[u64]> = blocks.map(|block| block.bucket(bucket)).collect();
        let counts = parts.iter().enumerate();
        let all: usize = counts.map(|(block, part)| how.count(block, part)).sum();
        let Room {
            apart,
            words,
            keys,
            places,
            ends,
        } = &mut self.room;
        words.resize_with(packing.words().max(words.len()), Vec::new);
        let words = &mut words[..packing.words()];
        for word in words.iter_mut().filter(|word| word.len() < all) {
            resize(word, all, 0);
        }
        keys.clear();
        let mut from = 0;
        let (mut ahead, mut near) = (parts.iter(), 0);
        for (block, part) in parts.iter().enumerate() {
            while near < NEAR
                && let Some(next) = ahead.next()
            {
                scan::prefetch(next);
                near += next.len();
            }
            near -= part.len();
            let to = from + how.count(block, part);
            let words = words.iter_mut().map(|word| &mut word[from..to]);
            let mut words: SmallVec<[&mut [u64]; 4]> = words.collect();
            how.pack(block, part, apart, &mut words, keys);
            from = to;
        }
        resize(places, all, 0);
        self.keys.clear();
        if id_column(per.per).is_some() {
            let shift = buckets.trailing_zeros();
            let most = how.most_key() >> shift;
            places_by_counting(keys, (bucket, shift, most), &mut self.keys, places, ends);
        } else {
            places_by_sorting(keys, &mut self.keys, places);
        }
        resize(&mut self.words, all * packing.words(), 0);
        let words: Vec<&[u64]> = words.iter().map(|word| &word[..all]).collect();
        put_in_place(&words, places, &mut self.words);
    }

    /// Keys, and where their records begin and end.
    pub fn keys(&self) -> impl Iterator<Item = (Value, usize, usize)> + '_ {
        let starts = std::iter::once(0).chain(self.keys.iter().map(|&(_, end)| end));
        self.keys
            .iter()
            .zip(starts)
            .map(|(&(key, end), start)| (key, start as usize, end as usize))
    }

    /// The records `start..end`, put into `to` in time order.
    pub fn unpack(&self, packing: &Packing, start: usize, end: usize, to: &mut Unpacked) {
        packing.unpack(&self.words, start..end, to);
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

/// Where each record goes, by a counting sort of its id. Those of a bucket are equal in the last bits; without
/// these they are no more than `most`.
#[allow(clippy::cast_possible_truncation)]
fn places_by_counting(
    ids: &[Value],
    (bucket, shift, most): (usize, u32, Value),
    keys: &mut Vec<(Value, u32)>,
    places: &mut [u32],
    ends: &mut Vec<u32>,
) {
    ends.clear();
    ends.resize(most as usize + 2, 0);
    for &id in ids {
        ends[(id >> shift) as usize + 1] += 1;
    }
    for i in 1..ends.len() {
        ends[i] += ends[i - 1];
    }
    for (place, &id) in places.iter_mut().zip(ids) {
        let at = &mut ends[(id >> shift) as usize];
        *place = *at;
        *at += 1;
    }
    let mut last = 0;
    for (id, &end) in (0..).zip(ends.iter().take(most as usize + 1)) {
        if end > last {
            keys.push((id << shift | bucket as Value, end));
        }
        last = end;
    }
}

/// Where each record goes, by a sort of its subject.
fn places_by_sorting(subjects: &[Value], keys: &mut Vec<(Value, u32)>, places: &mut [u32]) {
    let mut pairs: Vec<(Value, u32)> = subjects.iter().copied().zip(0u32..).collect();
    pairs.sort_unstable();
    for (at, &(key, row)) in (0u32..).zip(&pairs) {
        places[row as usize] = at;
        match keys.last_mut() {
            Some(last) if last.0 == key => last.1 = at + 1,
            _ => keys.push((key, at + 1)),
        }
    }
}
