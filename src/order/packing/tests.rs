//! What is packed is what is unpacked.

use std::sync::Arc;

use super::*;
use crate::block::Block;
use crate::dictionary::{Dictionaries, ID_FIELDS};
use crate::order::{Batch, Waiting};

/// Records of a block: more than are packed at a time.
const ROWS: usize = AT_A_TIME + 70;

const BUCKETS: usize = 8;

/// Times are multiples of `unit`, on either side of 1970.
fn block(from: u64, (unit, span): (i64, i64), with: &[Field], mask: usize) -> Block {
    let n = ROWS as u64;
    let odd = move |i: u64| (from + i).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let all = || (0..n).map(odd);
    let mut columns = Columns {
        time: all()
            .map(|x| ((x >> 20).cast_signed() % span - span / 2) / unit * unit)
            .collect(),
        start: (0..).step_by(9).take(ROWS).collect(),
        masks: (0..n * mask as u64).map(odd).collect(),
        ..Columns::default()
    };
    for field in with {
        match field {
            // Digits stand at the top, ids of texts at the bottom.
            Field::Subject => {
                columns.subject = match from % 3 {
                    0 => all().map(|x| x % 99).collect(),
                    1 => all()
                        .map(|x| x >> (20 + from % 7) << (20 + from % 7))
                        .collect(),
                    _ => all().collect(),
                };
            }
            Field::Result => {
                columns.result = all().map(|x| (x % 4) as u8).collect();
                columns.words[0] = all().map(|x| (x % 7) as u8).collect();
            }
            Field::References => {
                columns.references = all().map(|x| (x % 3) as u8).collect();
                columns.words[1] = all().map(|x| (x % 200) as u8).collect();
            }
            field => {
                let column = id_column(*field).expect("a column");
                columns.ids[column] = all().map(|x| (x % 100) as u32).collect();
            }
        }
    }
    Block {
        columns,
        ..Block::default()
    }
}

/// Values that ids of a block stand for.
fn dictionaries() -> Arc<Dictionaries> {
    let dictionaries = Dictionaries::default();
    let values = |f: Field| (0..99).map(move |n| (f, n));
    for (field, n) in ID_FIELDS.into_iter().flat_map(values) {
        dictionaries.of(field).intern(&format!("{n}"), None);
    }
    Arc::new(dictionaries)
}

fn wanted(key: Field, fields: &[Field], mask: usize) -> Wanted {
    Wanted {
        key,
        fields: fields.to_vec(),
        mask,
        mask_bits: 40,
    }
}

fn packer(wanted: &[Wanted]) -> Packer {
    Packer::new(Arc::new(wanted.to_vec()), BUCKETS, dictionaries())
}

/// The bits of masks that mean something.
fn known(masks: &[u64], mask: usize) -> Vec<u64> {
    let known = if mask == 1 { (1 << 40) - 1 } else { u64::MAX };
    masks.iter().map(|word| word & known).collect()
}

/// A column of a block that it has not is null throughout.
fn same<T: Copy + Default + PartialEq + std::fmt::Debug>(found: &[T], expected: &[T]) {
    let null = |column: &[T]| column.iter().all(|value| *value == T::default());
    if found.is_empty() || expected.is_empty() {
        assert!(null(found) && null(expected));
    } else {
        assert_eq!(found, expected);
    }
}

fn same_columns(found: &Columns, expected: &Columns, mask: usize) {
    assert_eq!(found.time, expected.time);
    assert_eq!(known(&found.masks, mask), known(&expected.masks, mask));
    same(&found.subject, &expected.subject);
    same(&found.result, &expected.result);
    same(&found.references, &expected.references);
    for (found, expected) in found.ids.iter().zip(&expected.ids) {
        same(found, expected);
    }
    for (found, expected) in found.words.iter().zip(&expected.words) {
        same(found, expected);
    }
}

/// All but the time.
const ALL: &[Field] = Field::ALL.split_at(1).1;
const FEW: &[Field] = &[Field::Operation, Field::Result];
const TIMES: [(i64, i64); 4] = [(1, 1 << 43), (1000, 1 << 43), (1000, 1 << 31), (1, 1)];

/// Every way to pack: fields that there are, fields that are looked at, times, words of a mask.
fn every_way(with: impl Fn(Block, &Wanted, usize)) {
    for there in [ALL, FEW, &[Field::User, Field::Subject], &[]] {
        for looked_at in [ALL, FEW, &[]] {
            for (times, mask) in TIMES.into_iter().zip([1, 2, 1, 3]) {
                for key in [Field::User, Field::Terminal, Field::Subject] {
                    let wanted = wanted(key, looked_at, mask);
                    for from in [6, 7, 8] {
                        with(block(from, times, there, mask), &wanted, mask);
                    }
                }
            }
        }
    }
}

fn key_of(columns: &Columns, key: Field, row: usize) -> u64 {
    let said = columns.said(row);
    id_column(key).map_or(said.subject, |id| said.ids[id].into())
}

#[test]
fn what_was_packed_is_told() {
    every_way(|block, wanted, mask| {
        let mut waiting = Waiting::from(block.clone());
        waiting.pack(&mut packer(std::slice::from_ref(wanted)));
        // What is packed is gone from the columns.
        assert!(waiting.block().columns.time.is_empty());
        assert!(waiting.block().columns.masks.is_empty());
        for at in [0, 1, 500, ROWS - 1] {
            let (time, said) = waiting.said(at);
            assert_eq!((time, waiting.time(at)), (block.columns.time[at], time));
            let expected = block.columns.said(at);
            assert_eq!(format!("{said:?}"), format!("{expected:?}"));
        }
        let order = [ROWS - 1, 3, 700];
        let some = waiting.select(&order);
        same_columns(&some.columns, &block.select(&order).columns, mask);
        same_columns(&waiting.into_block().columns, &block.columns, mask);
    });
}

#[test]
fn a_bucket_has_the_records_of_its_keys_in_their_order() {
    every_way(|block, wanted, _| {
        let columns = &block.columns;
        let packed = packer(std::slice::from_ref(wanted)).pack(&block, Buckets::default);
        let packed = &packed[0];
        let row = packed.packing().part(Column::Row).expect("rows");
        let rows = |bucket: usize| -> Vec<usize> {
            let records = packed.bucket(bucket).chunks(packed.packing().words());
            let rows = records.map(|record| row.of(record[row.word]));
            rows.map(|row| usize::try_from(row).unwrap()).collect()
        };
        for bucket in 0..BUCKETS {
            let of = |&row: &usize| {
                bucket_of(wanted.key, key_of(columns, wanted.key, row), BUCKETS) == bucket
            };
            let expected: Vec<usize> = (0..ROWS).filter(of).collect();
            assert_eq!(packed.len_of(bucket), expected.len());
            assert_eq!(rows(bucket), expected);
        }
    });
}

#[test]
fn records_that_are_late_are_split_off() {
    let fields = [Field::User, Field::Operation];
    let wanted = wanted(Field::User, &[Field::Operation], 1);
    for in_order in [true, false] {
        let mut block = block(3, (1000, 1 << 31), &fields, 1);
        if in_order {
            block.columns.time.sort_unstable();
        }
        let mut sorted = block.columns.time.clone();
        sorted.sort_unstable();
        for cut in [sorted[ROWS - 1], sorted[ROWS / 2], sorted[1]] {
            for packed in [true, false] {
                let mut early = Waiting::from(block.clone());
                if packed {
                    early.pack(&mut packer(std::slice::from_ref(&wanted)));
                }
                let late = early.split_off(cut);
                let places = |late: bool| -> Vec<usize> {
                    let times = &block.columns.time;
                    (0..ROWS).filter(|&at| (times[at] >= cut) == late).collect()
                };
                assert_eq!(
                    (early.len(), late.len()),
                    (places(false).len(), places(true).len())
                );
                // Each bucket of what is left has its own only, whether it was packed before or not.
                early.pack(&mut packer(std::slice::from_ref(&wanted)));
                let buckets = 0..BUCKETS;
                let left: usize = buckets.map(|b| early.packed(0).len_of(b)).sum();
                assert_eq!(left, early.len());
                for (part, late) in [(early, false), (late, true)] {
                    let expected = block.select(&places(late)).columns;
                    same_columns(&part.into_block().columns, &expected, 1);
                }
            }
        }
    }
}

/// Packs the buckets of a batch anew, and holds what is unpacked against the columns.
fn round(blocks: &[Block], wanted: &Wanted, mask: usize) {
    let mut packs = packer(std::slice::from_ref(wanted));
    let waiting = blocks.iter().map(|block| {
        let mut waiting = Waiting::from(block.clone());
        waiting.pack(&mut packs);
        waiting
    });
    let batch = Batch::of(waiting.collect());
    let how = BatchPacking::of(batch.blocks().iter().map(|block| block.packed(0)), wanted);
    let packing = how.packing();
    let (mut unpacked, mut room) = (Unpacked::default(), Room::default());
    for bucket in 0..BUCKETS {
        let mut first = 0;
        for (number, (block, waiting)) in blocks.iter().zip(batch.blocks()).enumerate() {
            let packed = waiting.packed(0);
            let count = packed.len_of(bucket);
            let (mut keys, mut keys_of_places) = (Vec::new(), Vec::new());
            how.keys(number, packed.bucket(bucket), |key| keys.push(key));
            // The last record first.
            let mut places = (0..u32::try_from(count).unwrap()).rev();
            let mut records = vec![1; count * packing.words()];
            how.put(
                number,
                packed.bucket(bucket),
                &mut room,
                |key| {
                    keys_of_places.push(key);
                    places.next().unwrap()
                },
                &mut records,
            );
            assert_eq!(keys, keys_of_places);
            packing.unpack(&records, 0..count, &mut unpacked);
            let rows: Vec<usize> = (0..ROWS)
                .filter(|&row| {
                    let key = key_of(&block.columns, wanted.key, row);
                    bucket_of(wanted.key, key, BUCKETS) == bucket
                })
                .collect();
            let key = |&row: &usize| key_of(&block.columns, wanted.key, row);
            assert_eq!(keys, rows.iter().map(key).collect::<Vec<u64>>());
            let most = how.most_key();
            assert!(keys.iter().all(|&key| key <= most) || wanted.key == Field::Subject);
            let rows: Vec<usize> = rows.into_iter().rev().collect();
            let in_batch = rows.iter().map(|&row| first + u32::try_from(row).unwrap());
            assert_eq!(unpacked.rows, in_batch.collect::<Vec<u32>>());
            let mut expected = block.columns.select(&rows);
            expected.words = Default::default();
            for field in ALL.iter().filter(|field| !wanted.fields.contains(field)) {
                match field {
                    Field::Subject => expected.subject.clear(),
                    Field::Result => expected.result.clear(),
                    Field::References => expected.references.clear(),
                    field => expected.ids[id_column(*field).expect("a column")].clear(),
                }
            }
            same_columns(&unpacked.columns, &expected, mask);
            first += u32::try_from(ROWS).unwrap();
        }
    }
}

#[test]
fn blocks_that_are_packed_in_their_own_ways_make_one_batch() {
    for mask in [1, 2] {
        for times in TIMES {
            for looked_at in [ALL, FEW, &[]] {
                for key in [Field::User, Field::Subject] {
                    let wanted = wanted(key, looked_at, mask);
                    let one = |from, times, there| block(from, times, there, mask);
                    round(&[one(0, times, ALL)], &wanted, mask);
                    round(&[one(0, times, FEW), one(9999, times, ALL)], &wanted, mask);
                    // Seconds and milliseconds; short times and long ones.
                    let blocks = TIMES.map(|times| one(5, times, ALL));
                    round(&blocks, &wanted, mask);
                    // Subjects at the top, and anywhere.
                    round(&[one(1, times, ALL), one(4, times, ALL)], &wanted, mask);
                    let blocks = [4, 5, 6].map(|from| one(from, times, ALL));
                    round(&blocks, &wanted, mask);
                    round(&[one(1, times, &[]), one(2, times, &[])], &wanted, mask);
                }
            }
        }
    }
}
