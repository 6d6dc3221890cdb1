//! Blocks → record batches of the record schema.

use std::sync::Arc;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::UInt32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, RecordBatch, StringArray,
    TimestampMillisecondArray, UInt32Array, UInt64Array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer};
use arrow_schema::SchemaRef;

use crate::block::{Block, Columns, REFERENCES_YES};
use crate::dictionary::{Dictionaries, ID_FIELDS, Subject, sixteen_digits};
use crate::log::encoding::{Encoding, utf16_len};
use crate::log::scan::{self, Hot};
use crate::record::{Field, Outcome, record_schema};

/// Blocks → record batches of the record schema.
pub struct BatchWriter {
    dictionaries: Arc<Dictionaries>,
    schema: SchemaRef,
    sources: ArrayRef,
    /// Dictionary values of each id field, made anew only when some were added.
    values: [ArrayRef; 6],
    outcomes: ArrayRef,
    /// Texts while they are put together.
    texts: Vec<u8>,
    /// Keys that are the same throughout, of which batches have a slice each: null, and the source's.
    none: UInt32Array,
    source: (u32, UInt32Array),
}

impl BatchWriter {
    /// A writer for records of these sources.
    #[must_use]
    pub fn new(dictionaries: Arc<Dictionaries>, sources: &[String]) -> BatchWriter {
        BatchWriter {
            dictionaries,
            schema: record_schema(),
            sources: Arc::new(StringArray::from_iter_values(sources)),
            values: std::array::from_fn(|_| {
                Arc::new(StringArray::from(Vec::<&str>::new())) as ArrayRef
            }),
            outcomes: Arc::new(StringArray::from_iter_values(
                Outcome::ALL.iter().map(|o| o.name()),
            )),
            texts: Vec::new(),
            none: UInt32Array::new_null(0),
            source: (0, UInt32Array::new_null(0)),
        }
    }

    /// Keys of so many rows without a value.
    fn none(&mut self, n: usize) -> UInt32Array {
        if self.none.len() < n {
            self.none = UInt32Array::new_null(n + n / 8);
        }
        self.none.slice(0, n)
    }

    /// Keys of so many rows of a source.
    fn source(&mut self, source: u32, n: usize) -> UInt32Array {
        if self.source.0 != source || self.source.1.len() < n {
            self.source = (source, UInt32Array::from(vec![source; n + n / 8]));
        }
        self.source.1.slice(0, n)
    }

    /// The records of a block.
    ///
    /// # Panics
    /// Never: every column has the block's length.
    pub fn write(&mut self, block: &Block) -> RecordBatch {
        let columns = &block.columns;
        let n = columns.len();
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(TimestampMillisecondArray::from(
            columns.time.clone(),
        ))];
        for field in Field::ALL.into_iter().skip(1) {
            arrays.push(match field {
                Field::Result => {
                    let keys = self.codes(&columns.result, n);
                    Arc::new(DictionaryArray::new(keys, Arc::clone(&self.outcomes)))
                }
                Field::References => Arc::new(references(&columns.references, n)),
                Field::Subject => self.subjects(columns, n),
                _ => self.ids(field, columns, n),
            });
        }
        let source = self.source(block.origin.source, n);
        arrays.push(Arc::new(DictionaryArray::new(
            source,
            Arc::clone(&self.sources),
        )));
        arrays.push(Arc::new(lines(block, n)));
        arrays.push(Arc::new(offsets(block, n)));
        RecordBatch::try_new(Arc::clone(&self.schema), arrays).expect("columns of the schema")
    }

    fn ids(&mut self, field: Field, columns: &Columns, n: usize) -> ArrayRef {
        let column = ID_FIELDS
            .iter()
            .position(|&f| f == field)
            .expect("an id field");
        let values = self.dictionaries.of(field).read();
        if values.len() > 2 * n {
            // A dictionary of this block's own values: no copy of all values in every batch.
            let texts = columns.ids[column].iter().map(|&id| values.text(id));
            let mut own = StringDictionaryBuilder::<UInt32Type>::new();
            for text in texts.chain(std::iter::repeat(None)).take(n) {
                own.append_option(text);
            }
            return Arc::new(own.finish());
        }
        if self.values[column].len() < values.len() {
            self.values[column] = Arc::new(StringArray::from_iter_values(values.texts()));
        }
        drop(values);
        let keys = self.codes(&columns.ids[column], n);
        Arc::new(DictionaryArray::new(keys, Arc::clone(&self.values[column])))
    }

    /// Keys of a dictionary whose code 1 is its first value and 0 null.
    fn codes<T: Copy + Into<u32> + Into<u64>>(&mut self, codes: &[T], n: usize) -> UInt32Array {
        if codes.len() < n {
            return self.none(n);
        }
        let mut keys = Vec::with_capacity(n);
        let nulls = scan::hot(Keys(codes, &mut keys)).then(|| nulls(codes));
        UInt32Array::new(keys.into(), nulls)
    }

    fn subjects(&mut self, columns: &Columns, n: usize) -> ArrayRef {
        if columns.subject.is_empty() {
            return Arc::new(StringArray::new_null(n));
        }
        let Self {
            dictionaries,
            texts,
            ..
        } = self;
        let mut ends = vec![0; n + 1];
        let (mut end, mut some) = (0, [Digits::default(); TOGETHER]);
        let chunks = columns.subject.chunks(TOGETHER);
        for (subjects, ends) in chunks.zip(ends[1..].chunks_mut(TOGETHER)) {
            if texts.len() < end + SIXTEEN * TOGETHER {
                texts.resize(2 * (end + SIXTEEN * TOGETHER), 0);
            }
            let all = scan::hot(Unpack(subjects, &mut some));
            for ((&subject, digits), to) in subjects.iter().zip(&some).zip(ends) {
                // What stands behind the digits is written over by the next.
                let place = &mut texts[end..end + SIXTEEN];
                place[..8].copy_from_slice(&digits.low.to_le_bytes());
                place[8..].copy_from_slice(&digits.high.to_le_bytes());
                end += digits.len;
                if !all && digits.len == 0 && subject != 0 {
                    let text = dictionaries.subject_text(subject).unwrap_or_default();
                    let rest = text.len() + SIXTEEN * TOGETHER;
                    texts.resize(texts.len().max(end + rest), 0);
                    texts[end..end + text.len()].copy_from_slice(text.as_bytes());
                    end += text.len();
                }
                *to = i32::try_from(end).expect("less than 2^31 bytes of subjects in a segment");
            }
        }
        let texts = Buffer::from(&texts[..end]);
        let nulls = columns
            .subject
            .contains(&0)
            .then(|| nulls(&columns.subject));
        Arc::new(StringArray::new(
            OffsetBuffer::new(ends.into()),
            texts,
            nulls,
        ))
    }
}

/// Bytes that digits are written in.
const SIXTEEN: usize = 16;

/// Subjects that are unpacked together.
const TOGETHER: usize = 64;

/// What [`sixteen_digits`] gives.
#[derive(Clone, Copy, Default)]
struct Digits {
    low: u64,
    high: u64,
    len: usize,
}

/// Unpacks the digits of subjects; whether all of them are packed or null.
struct Unpack<'a>(&'a [Subject], &'a mut [Digits; TOGETHER]);

impl Hot for Unpack<'_> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let mut all = true;
        for (&subject, to) in self.0.iter().zip(self.1) {
            let (low, high, len) = sixteen_digits(subject);
            all &= len != 0 || subject == 0;
            *to = Digits { low, high, len };
        }
        all
    }
}

/// Codes → keys of a dictionary whose first value has code 1; whether any is 0, which is null.
struct Keys<'a, T>(&'a [T], &'a mut Vec<u32>);

impl<T: Copy + Into<u32>> Hot for Keys<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let keys = self.0.iter().map(|&code| code.into().saturating_sub(1));
        self.1.extend(keys);
        let null = |any, &code: &T| any | (code.into() == 0);
        self.0.iter().fold(false, null)
    }
}

/// Which of a column's values are there (0 is null).
fn nulls<T: Copy + Into<u64>>(values: &[T]) -> NullBuffer {
    let there = |row: usize| values[row].into() != 0;
    NullBuffer::new(BooleanBuffer::collect_bool(values.len(), there))
}

fn lines(block: &Block, n: usize) -> UInt64Array {
    let lines: Vec<u64> = if block.columns.line.is_empty() && block.places.is_none() {
        let first = block.origin.first_line;
        (first..first + n as u64).collect()
    } else {
        (0..n).map(|at| block.line(at)).collect()
    };
    lines.into()
}

fn references(codes: &[u8], n: usize) -> BooleanArray {
    if codes.len() < n {
        return BooleanArray::new_null(n);
    }
    let yes = BooleanBuffer::collect_bool(n, |row| codes[row] == REFERENCES_YES);
    BooleanArray::new(yes, codes.contains(&0).then(|| nulls(codes)))
}

fn offsets(block: &Block, n: usize) -> UInt64Array {
    let Some(text) = &block.origin.text else {
        return UInt64Array::new_null(n);
    };
    let starts = &block.columns.start;
    if !text.encoding.is_some_and(Encoding::is_utf16) {
        let offsets = starts.iter().map(|&s| block.origin.offset + u64::from(s));
        return offsets.collect::<Vec<_>>().into();
    }
    let (mut at, mut offset) = (0, block.origin.offset);
    UInt64Array::from_iter_values(starts.iter().map(|&s| {
        offset += utf16_len(&text.bytes[at..s as usize]);
        at = s as usize;
        offset
    }))
}
