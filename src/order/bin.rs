//! Records of one range of time, column by column: gathered, then packed into Arrow and back.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, BinaryArray, RecordBatch, RecordBatchOptions};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, Field, Schema};

use crate::block::{
    Block, Columns, NO_OFFSET, Offsets, Origin, Places, Text, check, encoding_code,
};
use crate::detect::bits::{Bits, has};
use crate::packed::{Packed, to_time};

/// Bytes that the place of a record takes, besides its columns.
pub const PLACE: usize = size_of::<Stand>() + 4;

/// The key of the metadata that tell how columns are packed.
const SCALES: &str = "scales";

/// Where a record stands, as [`Places`] has it.
#[derive(Clone, Copy, Debug, Default)]
struct Stand {
    line: u64,
    offset: u64,
    source: u32,
    length: u32,
    check: u16,
    encoding: u8,
}

fn packed(stands: &[Stand]) -> Places {
    Places {
        source: Packed::of(stands.iter().map(|s| s.source.into())),
        line: Packed::of(stands.iter().map(|s| s.line)),
        offset: Packed::of(stands.iter().map(|s| s.offset)),
        encoding: Packed::of(stands.iter().map(|s| s.encoding.into())),
        length: Packed::of(stands.iter().map(|s| s.length.into())),
        check: Packed::of(stands.iter().map(|s| s.check.into())),
    }
}

fn gather<T: Copy>(to: &mut Vec<T>, from: &[T], rows: &[u32]) {
    to.extend(rows.iter().map(|&row| from[row as usize]));
}

/// [`gather`] of a column that may be null throughout: empty.
fn gather_some<T: Copy + Default>(to: &mut Vec<T>, from: &[T], rows: &[u32], before: usize) {
    if !from.is_empty() {
        to.resize(before, T::default());
        gather(to, from, rows);
    } else if !to.is_empty() {
        to.resize(before + rows.len(), T::default());
    }
}

/// What is asked of the text of records.
#[derive(Debug)]
pub struct Texts {
    bits: Bits,
    /// The bits of the rules, as words of a mask.
    rules: Vec<u64>,
}

impl Texts {
    /// The text of a record is asked for if a rule may flag it, by its mask.
    #[must_use]
    pub fn new(bits: Bits) -> Texts {
        let mut rules = vec![0; bits.words()];
        for rule in 0..bits.rules {
            rules[rule / 64] |= 1 << (rule % 64);
        }
        Texts { bits, rules }
    }

    /// Words of a mask.
    #[must_use]
    pub fn words(&self) -> usize {
        self.bits.words()
    }

    /// Whether a rule may flag a record.
    fn wanted(&self, block: &Block, row: usize) -> bool {
        let words = self.words();
        let mask = &block.columns.masks[row * words..(row + 1) * words];
        has(mask, self.bits.scope()) && mask.iter().zip(&self.rules).any(|(a, b)| a & b != 0)
    }
}

/// A block that is about to be put into bins.
pub struct Loose<'a> {
    block: &'a Block,
    words: usize,
    stands: Vec<Stand>,
    /// Whether the text of any is kept.
    kept: bool,
}

impl<'a> Loose<'a> {
    /// Works out where each record stands. `again`: its text can be read again from its source, so that
    /// it need not be kept.
    #[must_use]
    pub fn of(block: &'a Block, texts: &Texts, again: bool) -> Loose<'a> {
        let stands = match &block.places {
            Some(places) => stands_of(places, block.columns.len()),
            None => stands(block, texts, again),
        };
        let kept = stands.iter().any(|s| s.encoding > 0 && s.length == 0);
        Loose {
            block,
            words: texts.words(),
            stands,
            kept,
        }
    }
}

fn stands_of(places: &Places, rows: usize) -> Vec<Stand> {
    #[allow(clippy::cast_possible_truncation)]
    let stand = |row| Stand {
        line: places.line.get(row),
        offset: places.offset.get(row),
        source: places.source.get(row) as u32,
        length: places.length.get(row) as u32,
        check: places.check.get(row) as u16,
        encoding: places.encoding.get(row) as u8,
    };
    (0..rows).map(stand).collect()
}

fn stands(block: &Block, texts: &Texts, again: bool) -> Vec<Stand> {
    let text = block.origin.text.as_ref();
    let encoding = text.and_then(|text| text.encoding);
    let code = encoding.map_or(0, encoding_code);
    let again = again && encoding.is_some_and(|e| !e.is_utf16());
    // Offsets of UTF-16 are counted forwards through the block.
    let mut offsets = Offsets::default();
    let stand = |row| {
        let wanted = texts.wanted(block, row);
        let mut stand = Stand {
            line: block.line(row),
            offset: offsets.of(block, row).unwrap_or(NO_OFFSET),
            source: block.origin.source,
            encoding: if wanted { code } else { 0 },
            ..Stand::default()
        };
        if again
            && wanted
            && let Some((raw, _)) = block.raw(row)
        {
            stand.length = u32::try_from(raw.len()).unwrap_or(0);
            stand.check = check(raw);
        }
        stand
    };
    (0..block.columns.len()).map(stand).collect()
}

/// Records gathered.
#[derive(Debug, Default)]
pub struct Bin {
    /// Without `line` and `start`; `end` is where each record's text ends in `text`.
    columns: Columns,
    stands: Vec<Stand>,
    text: Vec<u8>,
}

impl Bin {
    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that the records take, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.columns.bytes() + self.text.len() + self.len() * PLACE
    }

    /// The times.
    #[must_use]
    pub fn times(&self) -> &[i64] {
        &self.columns.time
    }

    /// Earliest and latest time.
    #[must_use]
    pub fn span(&self) -> Option<(i64, i64)> {
        let times = self.columns.time.iter().copied();
        Some((times.clone().min()?, times.max()?))
    }

    /// Takes all records out; the room stays.
    pub fn clear(&mut self) {
        self.columns.clear();
        self.stands.clear();
        self.text.clear();
    }

    /// Adds records of a block.
    #[allow(clippy::cast_possible_truncation)]
    pub fn append(&mut self, from: &Loose<'_>, rows: &[u32]) {
        let before = self.len();
        let (block, words) = (from.block, from.words);
        let (to, of) = (&mut self.columns, &block.columns);
        gather(&mut to.time, &of.time, rows);
        for (to, of) in to.ids.iter_mut().zip(&of.ids) {
            gather_some(to, of, rows, before);
        }
        gather_some(&mut to.result, &of.result, rows, before);
        gather_some(&mut to.references, &of.references, rows, before);
        gather_some(&mut to.subject, &of.subject, rows, before);
        if words == 1 {
            gather(&mut to.masks, &of.masks, rows);
        } else {
            for &row in rows {
                to.masks
                    .extend_from_slice(&of.masks[row as usize * words..][..words]);
            }
        }
        gather(&mut self.stands, &from.stands, rows);
        if !from.kept {
            to.end.resize(before + rows.len(), self.text.len() as u32);
            return;
        }
        for &row in rows {
            let row = row as usize;
            let Stand {
                length, encoding, ..
            } = from.stands[row];
            let kept = length == 0 && encoding > 0;
            if kept && let Some((raw, _)) = block.raw(row) {
                self.text.extend_from_slice(raw);
            }
            to.end.push(self.text.len() as u32);
        }
    }

    /// The columns of which any value is not null, packed; by their place in a table.
    fn packed(&self, words: usize) -> Vec<Option<Packed>> {
        let Columns {
            time,
            ids,
            result,
            references,
            subject,
            masks,
            ..
        } = &self.columns;
        let Places {
            source,
            line,
            offset,
            encoding,
            length,
            check,
        } = packed(&self.stands);
        let some = |packed: Packed, rows: usize| (rows > 0).then_some(packed);
        let mut all: Vec<Option<Packed>> = [source, line, offset, encoding, length, check]
            .into_iter()
            .map(Some)
            .collect();
        all.push(Some(Packed::of_times(time)));
        all.push(some(Packed::of(subject.iter().copied()), subject.len()));
        for codes in [result, references] {
            let packed = Packed::of(codes.iter().map(|&v| v.into()));
            all.push(some(packed, codes.len()));
        }
        for ids in ids {
            all.push(some(Packed::of(ids.iter().map(|&v| v.into())), ids.len()));
        }
        for word in 0..words {
            let masks = masks.get(word..).unwrap_or_default();
            all.push(Some(Packed::of(masks.iter().copied().step_by(words))));
        }
        all
    }

    /// The records as Arrow. The metadata tell, for each column, `-` if it is null throughout, or its
    /// base and step, with `+` if an array holds what is stored of it.
    ///
    /// # Errors
    /// None that is known of.
    pub fn table(&self, words: usize) -> Result<RecordBatch, ArrowError> {
        let mut scales = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for packed in self.packed(words) {
            let Some(packed) = packed else {
                scales.push("-".to_owned());
                continue;
            };
            let (base, step) = packed.scale();
            let array = packed.array();
            let stored = if array.is_some() { "+" } else { "" };
            scales.push(format!("{base},{step}{stored}"));
            arrays.extend(array);
        }
        if !self.text.is_empty() {
            let lengths = std::iter::once(0).chain(self.columns.end.iter().copied());
            let ends: ScalarBuffer<i32> = lengths
                .map(|end| i32::try_from(end).unwrap_or(i32::MAX))
                .collect();
            let text = Buffer::from_slice_ref(&self.text);
            let texts = BinaryArray::try_new(OffsetBuffer::new(ends), text, None)?;
            arrays.push(Arc::new(texts));
        }
        let fields: Vec<Field> = (0..)
            .zip(&arrays)
            .map(|(at, array)| Field::new(at.to_string(), array.data_type().clone(), false))
            .collect();
        let told = [(SCALES.to_owned(), scales.join(";"))];
        let schema = Schema::new(fields).with_metadata(told.into());
        let options = RecordBatchOptions::new().with_row_count(Some(self.len()));
        RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options)
    }

    /// The records as a block.
    #[must_use]
    pub fn into_block(self) -> Block {
        let Bin {
            mut columns,
            stands,
            text,
        } = self;
        starts(&mut columns, text.is_empty());
        Block {
            origin: origin(text),
            places: Some(Box::new(packed(&stands))),
            columns,
        }
    }
}

fn origin(bytes: Vec<u8>) -> Origin {
    let text = Text {
        bytes,
        encoding: None,
    };
    Origin {
        text: Some(Arc::new(text)),
        ..Origin::default()
    }
}

/// Works out `start` from `end`; without any text there is neither.
fn starts(columns: &mut Columns, without: bool) {
    columns.start.clear();
    if without {
        columns.end.clear();
    } else {
        let before = columns.end.iter().copied();
        columns.start.extend(std::iter::once(0).chain(before));
        columns.start.pop();
    }
}

/// The block of a [`Bin::table`]; none if that is no such table. `spare` holds columns to use again.
#[must_use]
pub fn block(table: &RecordBatch, words: usize, spare: Columns) -> Option<Block> {
    let scales = table.schema_ref().metadata().get(SCALES)?;
    let mut arrays = table.columns().iter();
    let mut all = scales.split(';').map(|scale| -> Option<Option<Packed>> {
        if scale == "-" {
            return Some(None);
        }
        let (base, step) = scale.split_once(',')?;
        let base = base.parse().ok()?;
        Some(Some(match step.strip_suffix('+') {
            Some(step) => Packed::from_array((base, step.parse().ok()?), arrays.next()?)?,
            None => Packed::same(base, table.num_rows()),
        }))
    });
    let mut next = || all.next().flatten();
    let places = Places {
        source: next()??,
        line: next()??,
        offset: next()??,
        encoding: next()??,
        length: next()??,
        check: next()??,
    };
    let mut columns = spare;
    columns.clear();
    next()??.extend(&mut columns.time, to_time);
    fill(&mut columns.subject, next()?, |v| v);
    #[allow(clippy::cast_possible_truncation)]
    {
        fill(&mut columns.result, next()?, |v| v as u8);
        fill(&mut columns.references, next()?, |v| v as u8);
        for ids in &mut columns.ids {
            fill(ids, next()?, |v| v as u32);
        }
    }
    if words == 1 {
        fill(&mut columns.masks, next()?, |v| v);
    } else {
        let all: Option<Vec<Packed>> = (0..words).map(|_| next().flatten()).collect();
        let all = all?;
        let rows = 0..table.num_rows();
        let masks = rows.flat_map(|row| all.iter().map(move |word| word.get(row)));
        columns.masks.extend(masks);
    }
    let mut text = Vec::new();
    if let Some(texts) = arrays.next() {
        let texts = texts.as_binary_opt::<i32>()?;
        let ends = texts.value_offsets().iter().skip(1);
        columns.end.extend(ends.map(|&end| end.cast_unsigned()));
        text.extend_from_slice(texts.value_data());
    }
    let without = text.is_empty();
    starts(&mut columns, without);
    Some(Block {
        origin: origin(text),
        places: Some(Box::new(places)),
        columns,
    })
}

fn fill<T: Copy>(column: &mut Vec<T>, packed: Option<Packed>, value: impl Fn(u64) -> T) {
    if let Some(packed) = packed {
        packed.extend(column, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
