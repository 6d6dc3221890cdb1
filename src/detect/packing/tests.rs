//! What is packed is what is unpacked.

use super::*;
use crate::detect::bits::Bits;
use crate::dictionary::{Dictionaries, ID_FIELDS};
use crate::policy::Policy;

/// Records of a block: more than are packed at a time.
const ROWS: usize = AT_A_TIME + 70;

/// Times are multiples of `unit`, on either side of 1970.
fn block(from: u64, (unit, span): (i64, i64), with: &[Field], words: usize) -> Block {
    let n = ROWS as u64;
    let odd = move |i: u64| (from + i).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let all = || (0..n).map(odd);
    let mut columns = Columns {
        time: all()
            .map(|x| ((x >> 20).cast_signed() % span - span / 2) / unit * unit)
            .collect(),
        masks: (0..n * words as u64).map(odd).collect(),
        ..Columns::default()
    };
    for field in with {
        match field {
            Field::Subject => columns.subject = all().collect(),
            Field::Result => columns.result = all().map(|x| (x % 4) as u8).collect(),
            Field::References => columns.references = all().map(|x| (x % 3) as u8).collect(),
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

/// Packs a batch and holds what is unpacked against the columns.
fn round(rules: usize, times: (i64, i64), with: &[&[Field]]) {
    let rule = "viewpoint = 5\nkind = \"match\"\nwhere = { result = \"failure\" }\n";
    let rules = (0..rules).map(|n| format!("[[rules]]\nid = \"r{n}\"\n{rule}"));
    let policy = Policy::from_toml(&rules.collect::<String>(), "test", None).expect("rules");
    let dictionaries = Dictionaries::default();
    for (field, n) in ID_FIELDS
        .into_iter()
        .flat_map(|f| (0..99).map(move |n| (f, n)))
    {
        dictionaries.of(field).intern(&format!("{n}"), None);
    }
    let of = ShardContext {
        policy: &policy,
        bits: Bits::of(&policy),
        dictionaries: &dictionaries,
    };
    let words = of.bits.words();
    let blocks = with.iter().zip([0u64, 10_000, 20_000]);
    let blocks: Vec<Block> = blocks
        .map(|(w, from)| block(from, times, w, words))
        .collect();
    let batch = Batch::of(blocks);
    let per = PerRules {
        per: Field::User,
        places: Vec::new(),
        steps: Vec::new(),
        fields: Field::ALL
            .into_iter()
            .filter(|&f| f != Field::Time)
            .collect(),
    };
    let packing = Packing::of(&batch, &per, of);
    // The last record first.
    let all = batch.len();
    let mut packed = vec![0; all as usize * packing.words()];
    let mut row = 0;
    for block in batch.blocks() {
        let n = u32::try_from(block.columns.len()).expect("few");
        let places: Vec<u32> = (row..row + n).map(|row| all - 1 - row).collect();
        let room = &mut Vec::new();
        packing.scatter(&block.columns, row, &places, &mut packed, room);
        row += n;
    }
    let mut unpacked = Unpacked::default();
    for (at, block) in batch.blocks().iter().rev().enumerate() {
        let range = at * ROWS + 3..at * ROWS + ROWS - 2;
        packing.unpack(&packed, range.clone(), &mut unpacked);
        let rows = (0..all).rev().skip(range.start).take(range.len());
        assert_eq!(unpacked.rows, rows.collect::<Vec<u32>>());
        let order: Vec<usize> = (2..ROWS - 3).rev().collect();
        let (expected, columns) = (block.columns.select(&order), &unpacked.columns);
        assert_eq!(columns.time, expected.time);
        for (mask, expected) in columns.masks.iter().zip(&expected.masks) {
            let used = u64::MAX >> (63 - of.bits.closed() % 64);
            let told = if words == 1 { used } else { u64::MAX };
            assert_eq!(mask & told, expected & told);
        }
        assert_eq!(columns.masks.len(), expected.masks.len());
        same(&columns.subject, &expected.subject);
        same(&columns.result, &expected.result);
        same(&columns.references, &expected.references);
        for (ids, expected) in columns.ids.iter().zip(&expected.ids) {
            same(ids, expected);
        }
    }
}

/// A column that a block has not is null, if another block has it, or empty.
fn same<T: Copy + Default + PartialEq + std::fmt::Debug>(found: &[T], expected: &[T]) {
    if expected.is_empty() {
        assert!(found.iter().all(|value| *value == T::default()));
    } else {
        assert_eq!(found, expected);
    }
}

#[test]
fn what_is_packed_is_what_is_unpacked() {
    let all: &[Field] = &Field::ALL[1..];
    let few: &[Field] = &[Field::Operation, Field::Result];
    for rules in [1, 6, 62, 63, 70] {
        // Any milliseconds, seconds, and seconds within some weeks.
        for (unit, span) in [(1, 1 << 43), (1000, 1 << 43), (1000, 1 << 31)] {
            round(rules, (unit, span), &[all]);
            round(rules, (unit, span), &[few, all, &[]]);
            round(rules, (unit, span), &[&[], &[]]);
            round(rules, (unit, span), &[&[Field::Subject], few]);
        }
    }
}
