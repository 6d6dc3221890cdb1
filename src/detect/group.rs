//! A bucket of a batch, key after key: what the rules of a `per` field look at is put into the order of the
//! keys, so that each key's records lie together when its rules read them. A bucket's records stay in the
//! cache meanwhile.

use super::shards::PerRules;
use super::values::Value;
use crate::block::resize;
use crate::dictionary::id_column;
use crate::log::scan;
use crate::order::Batch;
use crate::order::packing::{self, BatchPacking, Packing, Unpacked};

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
    /// By key: where its next record goes.
    ends: Vec<u32>,
    packing: packing::Room,
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
        let blocks = batch.blocks().iter().map(|block| block.packed(wanted));
        let parts: Vec<&[u64]> = blocks.map(|block| block.bucket(bucket)).collect();
        let counts = parts.iter().enumerate();
        let all: usize = counts.map(|(block, part)| how.count(block, part)).sum();
        resize(&mut self.words, all * how.packing().words(), 0);
        self.keys.clear();
        if id_column(per.per).is_some() {
            self.count(&parts, (bucket, buckets), how);
        } else {
            self.sort(&parts, how);
        }
    }

    /// Puts records in the order of their ids, by counting them. Those of a bucket are equal in the last bits.
    #[allow(clippy::cast_possible_truncation)]
    fn count(&mut self, parts: &[&[u64]], (bucket, buckets): (usize, usize), how: &BatchPacking) {
        let Room { ends, packing } = &mut self.room;
        let shift = buckets.trailing_zeros();
        let most = (how.most_key() >> shift) as usize;
        ends.clear();
        ends.resize(most + 2, 0);
        let mut ahead = Ahead::of(parts);
        for (block, part) in parts.iter().enumerate() {
            ahead.come(part);
            how.keys(block, part, |id| ends[(id >> shift) as usize + 1] += 1);
        }
        for i in 1..ends.len() {
            ends[i] += ends[i - 1];
        }
        for (block, part) in parts.iter().enumerate() {
            let place = |id: Value| {
                let end = &mut ends[(id >> shift) as usize];
                *end += 1;
                *end - 1
            };
            how.put(block, part, packing, place, &mut self.words);
        }
        let mut last = 0;
        for (id, &end) in (0..).zip(&ends[..=most]) {
            if end > last {
                self.keys.push((id << shift | bucket as Value, end));
            }
            last = end;
        }
    }

    /// Puts records in the order of their subjects, by sorting these.
    fn sort(&mut self, parts: &[&[u64]], how: &BatchPacking) {
        let mut pairs: Vec<(Value, u32)> = Vec::new();
        for (block, part) in parts.iter().enumerate() {
            how.keys(block, part, |subject| {
                let row = u32::try_from(pairs.len()).unwrap_or(u32::MAX);
                pairs.push((subject, row));
            });
        }
        pairs.sort_unstable();
        let mut places = vec![0; pairs.len()];
        for (at, &(key, row)) in (0u32..).zip(&pairs) {
            places[row as usize] = at;
            match self.keys.last_mut() {
                Some(last) if last.0 == key => last.1 = at + 1,
                _ => self.keys.push((key, at + 1)),
            }
        }
        let mut places = places.into_iter();
        for (block, part) in parts.iter().enumerate() {
            let place = |_| places.next().unwrap_or_default();
            how.put(block, part, &mut self.room.packing, place, &mut self.words);
        }
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

/// The parts of a bucket, some of which are asked for before they are read.
struct Ahead<'a> {
    parts: std::slice::Iter<'a, &'a [u64]>,
    /// Words that were asked for and have not come.
    near: usize,
}

impl<'a> Ahead<'a> {
    fn of(parts: &'a [&'a [u64]]) -> Ahead<'a> {
        Ahead {
            parts: parts.iter(),
            near: 0,
        }
    }

    /// A part is read: others are asked for.
    fn come(&mut self, part: &[u64]) {
        while self.near < NEAR
            && let Some(next) = self.parts.next()
        {
            scan::prefetch(next);
            self.near += next.len();
        }
        self.near -= part.len();
    }
}
