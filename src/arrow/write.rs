//! Blocks → record batches of the record schema.

use std::sync::Arc;

use arrow_array::builder::{StringDictionaryBuilder, make_view};
use arrow_array::types::UInt32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, RecordBatch, StringArray, StringViewArray,
    TimestampMillisecondArray, UInt32Array, UInt64Array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow_schema::SchemaRef;

use crate::block::{Block, Columns, REFERENCES_YES};
use crate::dictionary::{Dictionaries, ID_FIELDS, Subject, packed_digits};
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
        }
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
                    let keys = codes(&columns.result, n);
                    Arc::new(DictionaryArray::new(keys, Arc::clone(&self.outcomes)))
                }
                Field::References => Arc::new(references(&columns.references, n)),
                Field::Subject => self.subjects(columns, n),
                _ => self.ids(field, columns, n),
            });
        }
        let source = UInt32Array::from(vec![block.origin.source; n]);
        arrays.push(Arc::new(DictionaryArray::new(
            source,
            Arc::clone(&self.sources),
        )));
        let line = columns
            .line
            .iter()
            .map(|&l| block.origin.first_line + u64::from(l));
        arrays.push(Arc::new(UInt64Array::from_iter_values(line)));
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
        let keys = codes(&columns.ids[column], n);
        Arc::new(DictionaryArray::new(keys, Arc::clone(&self.values[column])))
    }

    /// Views: a short text lies in the view itself.
    fn subjects(&self, columns: &Columns, n: usize) -> ArrayRef {
        if columns.subject.is_empty() {
            return Arc::new(StringViewArray::new_null(n));
        }
        let mut long = Vec::new();
        let views: Vec<u128> = columns
            .subject
            .iter()
            .map(|&subject| {
                inline_view(subject).unwrap_or_else(|| {
                    let text = self.dictionaries.subject_text(subject).unwrap_or_default();
                    let view = make_view(text.as_bytes(), 0, place(long.len()));
                    if text.len() > INLINE {
                        long.extend_from_slice(text.as_bytes());
                    }
                    view
                })
            })
            .collect();
        let nulls = nulls(n, |row| columns.subject[row] != 0);
        let buffers = if long.is_empty() {
            Vec::new()
        } else {
            vec![Buffer::from_vec(long)]
        };
        Arc::new(StringViewArray::new(views.into(), buffers, nulls))
    }
}

/// Bytes of a text that lie in its view.
const INLINE: usize = 12;

fn place(at: usize) -> u32 {
    u32::try_from(at).expect("less than 2^32 bytes of subjects in a segment")
}

/// The view of a null, and of a subject that is a short decimal.
#[inline]
fn inline_view(subject: Subject) -> Option<u128> {
    if subject == 0 {
        return Some(0);
    }
    let (digits, len) = packed_digits(subject)?;
    // (The arrow format: the length, then the text.)
    (len <= INLINE).then_some(digits << 32 | len as u128)
}

/// Which of `n` values are there; none if all are.
fn nulls(n: usize, there: impl Fn(usize) -> bool) -> Option<NullBuffer> {
    let there = BooleanBuffer::collect_bool(n, there);
    (there.count_set_bits() < n).then(|| NullBuffer::new(there))
}

/// Keys of a dictionary whose code 1 is its first value and 0 null.
fn codes<T: Copy + Into<u32>>(codes: &[T], n: usize) -> UInt32Array {
    if codes.len() < n {
        return UInt32Array::new_null(n);
    }
    let keys: Vec<u32> = codes.iter().map(|&c| c.into().saturating_sub(1)).collect();
    UInt32Array::new(keys.into(), nulls(n, |row| codes[row].into() != 0))
}

fn references(codes: &[u8], n: usize) -> BooleanArray {
    if codes.len() < n {
        return BooleanArray::new_null(n);
    }
    let yes = BooleanBuffer::collect_bool(n, |row| codes[row] == REFERENCES_YES);
    BooleanArray::new(yes, nulls(n, |row| codes[row] != 0))
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
