//! What goes into a bin comes out of it.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;

use super::*;
use crate::block::{Offsets, Origin, Text, check};
use crate::detect::bits::Bits;
use crate::log::encoding::Encoding;

/// Two rules; a mask is of the rules and, third, the scope.
const BITS: Bits = Bits { rules: 2, steps: 0 };

/// A block of one source: the record at place `i` has the time `times[i]` and the text `ri`.
fn source(number: u32, times: &[i64], masks: &[u64], encoding: Encoding) -> Block {
    let mut text = Text {
        encoding: Some(encoding),
        ..Text::default()
    };
    let mut columns = Columns::default();
    for (at, &time) in times.iter().enumerate() {
        let start = text.bytes.len();
        text.bytes.extend(format!("r{at}").bytes());
        columns.push_row(time, at, start, text.bytes.len());
        text.bytes.push(b'\n');
    }
    columns.masks = masks.to_vec();
    Block {
        origin: Origin {
            source: number,
            first_line: 10,
            offset: 1000,
            text: Some(Arc::new(text)),
        },
        places: None,
        columns,
    }
}

fn put(bin: &mut Bin, block: &Block, texts: &Texts, again: bool, rows: &[u32]) {
    bin.append(&Loose::of(block, texts, again), rows);
}

fn stored(bin: &Bin, words: usize) -> Block {
    block(&bin.table(words).unwrap(), words, Columns::default()).unwrap()
}

#[test]
fn records_come_back_as_they_were_put_in() {
    let texts = Texts::new(BITS);
    // Flagged maybe; not, as no rule holds; not, as it is out of scope; flagged maybe.
    let masks = [0b101, 0b100, 0b011, 0b110];
    let mut first = source(3, &[-5, 0, 7000, i64::MAX], &masks, Encoding::Cp932);
    first.columns.ids[2] = vec![1, 0, 70_000, 2];
    first.columns.subject = vec![u64::MAX, 0, 1, 2];
    let mut second = source(4, &[8, 9], &[0b101; 2], Encoding::Utf8);
    second.columns.result = vec![1, 3];
    let wide = source(5, &[1], &[0b101], Encoding::Utf16Le);
    let mut bin = Bin::default();
    put(&mut bin, &first, &texts, false, &[3, 1, 2, 0]);
    put(&mut bin, &second, &texts, true, &[1]);
    // The bytes of UTF-16 are not those of the text: it cannot be read again piece by piece.
    put(&mut bin, &wide, &texts, true, &[0]);
    assert_eq!(bin.span(), Some((-5, i64::MAX)));
    let from_file = stored(&bin, 1);
    for block in [&from_file, &bin.into_block()] {
        let columns = &block.columns;
        assert_eq!(columns.time, [i64::MAX, 0, 7000, -5, 9, 1]);
        assert_eq!(columns.masks, [0b110, 0b100, 0b011, 0b101, 0b101, 0b101]);
        assert_eq!(columns.ids[2], [2, 0, 70_000, 1, 0, 0]);
        assert_eq!(columns.subject, [2, 0, 1, u64::MAX, 0, 0]);
        assert_eq!(columns.result, [0, 0, 0, 0, 3, 0]);
        assert!(columns.references.is_empty() && columns.ids[0].is_empty());
        let rows = 0..columns.len();
        let places: Vec<_> = rows
            .clone()
            .map(|at| (block.source(at), block.line(at)))
            .collect();
        let expected = [(3, 13), (3, 11), (3, 12), (3, 10), (4, 11), (5, 10)];
        assert_eq!(places, expected);
        let mut offsets = Offsets::default();
        let offsets: Vec<_> = rows.clone().map(|at| offsets.of(block, at)).collect();
        let expected = [1009, 1003, 1006, 1000, 1003, 1000].map(Some);
        assert_eq!(offsets, expected);
        let raw: Vec<_> = rows.clone().map(|at| block.raw(at)).collect();
        let kept = |text: &'static str, encoding| Some((text.as_bytes(), encoding));
        let cp932 = Encoding::Cp932;
        let last = kept("r0", Encoding::Utf16Le);
        let expected = [kept("r3", cp932), None, None, kept("r0", cp932), None, last];
        assert_eq!(raw, expected);
        let elsewhere: Vec<_> = rows.filter_map(|at| block.elsewhere(at)).collect();
        let expected = crate::block::Elsewhere {
            source: 4,
            offset: 1003,
            length: 2,
            check: check(b"r1"),
            encoding: Encoding::Utf8,
        };
        assert_eq!(elsewhere, [expected]);
    }
    // And once more, from where they were.
    let mut again = Bin::default();
    put(&mut again, &from_file, &texts, false, &[5, 4, 3]);
    let again = stored(&again, 1);
    assert_eq!(again.columns.time, [1, 9, -5]);
    assert_eq!(again.raw(0), from_file.raw(5));
    assert_eq!(again.elsewhere(1), from_file.elsewhere(4));
    assert_eq!(again.raw(2), from_file.raw(3));
}

#[test]
fn masks_of_several_words_come_back() {
    let texts = Texts::new(Bits {
        rules: 70,
        steps: 0,
    });
    let masks = [1, 0, 2, u64::MAX, 3, 1 << 6];
    let block = source(0, &[1, 2, 3], &masks, Encoding::Utf8);
    let mut bin = Bin::default();
    put(&mut bin, &block, &texts, false, &[2, 0, 1]);
    let block = stored(&bin, 2);
    assert_eq!(block.columns.masks, [3, 1 << 6, 1, 0, 2, u64::MAX]);
    // The scope is bit 70.
    let texts: Vec<bool> = (0..3).map(|at| block.raw(at).is_some()).collect();
    assert_eq!(texts, [true, false, true]);
}

#[test]
fn what_is_no_table_of_a_bin_gives_no_block() {
    let mut bin = Bin::default();
    let block_of = source(0, &[1, 2], &[5, 5], Encoding::Utf8);
    put(&mut bin, &block_of, &Texts::new(BITS), false, &[0, 1]);
    let table = bin.table(1).unwrap();
    assert!(block(&table, 1, Columns::default()).is_some());
    assert!(block(&table, 2, Columns::default()).is_none());
    let fewer = table.project(&[]).unwrap();
    assert!(block(&fewer, 1, Columns::default()).is_none());
    let schema = Arc::new(Schema::new(table.schema().fields().clone()));
    let bare = RecordBatch::try_new(schema, table.columns().to_vec()).unwrap();
    assert!(block(&bare, 1, Columns::default()).is_none());
}

#[test]
fn records_whose_text_is_told_keep_what_tells_it() {
    let texts = Texts::new(BITS);
    let mut told = source(1, &[10, 20, 30], &[0b101, 0b101, 0b011], Encoding::Cp932);
    told.columns.words = [vec![7, 8, 9], vec![0, 255, 1]];
    let text = Text {
        encoding: Some(Encoding::Cp932),
        wording: 2,
        ..Text::default()
    };
    told.origin.text = Some(Arc::new(text));
    told.columns.end.clear();
    told.columns.line.clear();
    let kept = source(2, &[15], &[0b101], Encoding::Utf8);
    let mut bin = Bin::default();
    // Whether sources can be read again or not.
    put(&mut bin, &told, &texts, true, &[2, 0]);
    put(&mut bin, &kept, &texts, true, &[0]);
    put(&mut bin, &told, &texts, false, &[1]);
    for block in [stored(&bin, 1), bin.into_block()] {
        let rows = 0..block.columns.len();
        let words: Vec<_> = rows
            .clone()
            .map(|at| block.columns.said(at).words)
            .collect();
        assert_eq!(words, [[9, 1], [7, 0], [0, 0], [8, 255]]);
        // (The third is out of scope: nobody will ask for its text.)
        let wordings: Vec<u8> = rows.clone().map(|at| block.wording(at)).collect();
        assert_eq!(wordings, [0, 2, 0, 2]);
        let lines: Vec<u64> = rows.clone().map(|at| block.line(at)).collect();
        assert_eq!(lines, [12, 10, 10, 11]);
        assert!(rows.clone().all(|at| block.raw(at).is_none()));
        let elsewhere: Vec<bool> = rows.map(|at| block.elsewhere(at).is_some()).collect();
        assert_eq!(elsewhere, [false, false, true, false]);
    }
}
