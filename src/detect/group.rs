//! A batch, key after key: the columns that the rules of a `per` field look at are scattered into the
//! order of the keys, so that each key's records lie together when its rules read them.

use super::shards::PerRules;
use super::values::Value;
use crate::block::Columns;
use crate::dictionary::{ID_FIELDS, id_column};
use crate::order::Batch;
use crate::record::Field;

/// Records of a batch by key; each key's in the order of the batch.
#[derive(Debug, Default)]
pub struct Grouped {
    /// Keys, and where their records end.
    pub keys: Vec<(Value, u32)>,
    /// Row of each record in the batch.
    pub rows: Vec<u32>,
    /// Time, mask and the fields that the rules look at.
    pub columns: Columns,
    /// Where each row of the batch stands in `rows`.
    places: Vec<u32>,
}

impl Grouped {
    /// Groups a batch for the rules of one `per` field; masks have `words` words. `spare` is one that
    /// is not needed any more: its buffers are used again.
    #[must_use]
    pub fn by(batch: &Batch, per: &PerRules, words: usize, spare: Grouped) -> Grouped {
        let Grouped {
            mut keys,
            mut rows,
            mut columns,
            mut places,
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
        rows.resize(places.len(), 0);
        for (row, &place) in (0u32..).zip(&places) {
            rows[place as usize] = row;
        }
        drop_others(&mut columns, per);
        scatter(batch, &places, &mut columns.time, |c| &c.time);
        scatter_masks(batch, &places, words, &mut columns.masks);
        for &field in &per.fields {
            match field {
                Field::Subject => scatter(batch, &places, &mut columns.subject, |c| &c.subject),
                Field::Result => scatter(batch, &places, &mut columns.result, |c| &c.result),
                Field::References => {
                    scatter(batch, &places, &mut columns.references, |c| &c.references);
                }
                field => {
                    if let Some(column) = id_column(field) {
                        let out = &mut columns.ids[column];
                        scatter(batch, &places, out, |c| &c.ids[column]);
                    }
                }
            }
        }
        Grouped {
            keys,
            rows,
            columns,
            places,
        }
    }

    /// Rows and columns of the records `start..end`, in time order.
    #[must_use]
    pub fn sorted(&self, start: usize, end: usize) -> (Vec<u32>, Columns) {
        let order = in_order(&self.columns.time[start..end], start);
        (
            order.iter().map(|&i| self.rows[i]).collect(),
            self.columns.select(&order),
        )
    }
}

/// The places of times, the first of which is `start`, in their order.
#[allow(clippy::cast_possible_truncation)]
fn in_order(times: &[i64], start: usize) -> Vec<usize> {
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
        let place = |both: u64| start + (both & ((1 << bits) - 1)) as usize;
        return both.into_iter().map(place).collect();
    }
    let mut order: Vec<usize> = (start..start + times.len()).collect();
    order.sort_by_key(|&i| times[i - start]);
    order
}

/// Takes out the columns that the rules do not look at: what stands in them is another batch's.
fn drop_others(columns: &mut Columns, per: &PerRules) {
    let unused = |field: Field| !per.fields.contains(&field);
    for (column, &field) in columns.ids.iter_mut().zip(&ID_FIELDS) {
        if unused(field) {
            column.clear();
        }
    }
    if unused(Field::Subject) {
        columns.subject.clear();
    }
    if unused(Field::Result) {
        columns.result.clear();
    }
    if unused(Field::References) {
        columns.references.clear();
    }
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
    places.reserve(batch.len() as usize);
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
    places.resize(pairs.len(), 0);
    for (at, &(key, row)) in (0u32..).zip(&pairs) {
        places[row as usize] = at;
        match keys.last_mut() {
            Some(last) if last.0 == key => last.1 = at + 1,
            _ => keys.push((key, at + 1)),
        }
    }
}

/// A column of all blocks, each value at its place; null where a block has no such column.
fn scatter<T: Copy + Default>(
    batch: &Batch,
    places: &[u32],
    out: &mut Vec<T>,
    column: impl Fn(&Columns) -> &Vec<T>,
) {
    out.resize(places.len(), T::default());
    let mut from = 0;
    for block in batch.blocks() {
        let to = from + block.columns.len();
        let (places, values) = (&places[from..to], column(&block.columns));
        if values.is_empty() {
            for &place in places {
                out[place as usize] = T::default();
            }
        }
        for (&value, &place) in values.iter().zip(places) {
            out[place as usize] = value;
        }
        from = to;
    }
}

fn scatter_masks(batch: &Batch, places: &[u32], words: usize, out: &mut Vec<u64>) {
    if words == 1 {
        scatter(batch, places, out, |c| &c.masks);
        return;
    }
    out.resize(places.len() * words, 0);
    let masks = batch
        .blocks()
        .iter()
        .flat_map(|b| b.columns.masks.chunks_exact(words));
    for (mask, &place) in masks.zip(places) {
        out[place as usize * words..][..words].copy_from_slice(mask);
    }
}
