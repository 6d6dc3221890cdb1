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
use crate::dictionary::{Dictionaries, ID_FIELDS, packed_digits};
use crate::log::encoding::{Encoding, utf16_len};
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
        let lines = (0..n).map(|at| block.line(at));
        arrays.push(Arc::new(UInt64Array::from_iter_values(lines)));
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
        let keys: Vec<u32> = codes
            .iter()
            .map(|&code| Into::<u32>::into(code).saturating_sub(1))
            .collect();
        UInt32Array::new(keys.into(), nulls(codes))
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
        let mut ends = Vec::with_capacity(n + 1);
        ends.push(0);
        let mut end = 0;
        for &subject in &columns.subject {
            if texts.len() < end + SIXTEEN {
                texts.resize(2 * (end + SIXTEEN), 0);
            }
            if let Some((digits, len)) = packed_digits(subject) {
                // What stands behind the digits is written over by the next.
                texts[end..end + SIXTEEN].copy_from_slice(&digits.to_le_bytes());
                end += len;
            } else if let Some(text) = dictionaries.subject_text(subject) {
                texts.splice(end.., text.bytes());
                end = texts.len();
            }
            ends.push(i32::try_from(end).expect("less than 2^31 bytes of subjects in a segment"));
        }
        let texts = Buffer::from(&texts[..end]);
        let nulls = nulls(&columns.subject);
        Arc::new(StringArray::new(
            OffsetBuffer::new(ends.into()),
            texts,
            nulls,
        ))
    }
}

/// Bytes that digits are written in.
const SIXTEEN: usize = 16;

/// Which of a column's values are there (0 is null); none if all are.
fn nulls<T: Copy + Into<u64>>(values: &[T]) -> Option<NullBuffer> {
    let some = values
        .iter()
        .fold(false, |some, &value| some | (value.into() == 0));
    some.then(|| {
        let there = |row: usize| values[row].into() != 0;
        NullBuffer::new(BooleanBuffer::collect_bool(values.len(), there))
    })
}

fn references(codes: &[u8], n: usize) -> BooleanArray {
    if codes.len() < n {
        return BooleanArray::new_null(n);
    }
    let yes = BooleanBuffer::collect_bool(n, |row| codes[row] == REFERENCES_YES);
    BooleanArray::new(yes, nulls(codes))
}

fn offsets(block: &Block, n: usize) -> UInt64Array {
    let Some(text) = &block.origin.text else {
        return UInt64Array::new_null(n);
    };
    let starts = &block.columns.start;
    if !text.encoding.is_some_and(Encoding::is_utf16) {
        return UInt64Array::from_iter_values(
            starts.iter().map(|&s| block.origin.offset + u64::from(s)),
        );
    }
    let (mut at, mut offset) = (0, block.origin.offset);
    UInt64Array::from_iter_values(starts.iter().map(|&s| {
        offset += utf16_len(&text.bytes[at..s as usize]);
        at = s as usize;
        offset
    }))
}
