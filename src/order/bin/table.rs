//! A bin as Arrow and back: what stands in a temporary file.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, BinaryArray, RecordBatch, RecordBatchOptions};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, Field, Schema};

use super::{Bin, origin, places, starts};
use crate::block::{Block, Columns, Places};
use crate::packed::{Packed, to_time};

/// The key of the metadata that tell how columns are packed.
const SCALES: &str = "scales";

impl Bin {
    /// The columns of which any value is not null, packed; by their place in a table.
    fn packed(&self, words: usize) -> Vec<Option<Packed>> {
        let Columns {
            time,
            ids,
            result,
            references,
            words: told,
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
            wording,
        } = places::packed(&self.stands);
        let some = |packed: Packed, rows: usize| (rows > 0).then_some(packed);
        let places = [source, line, offset, encoding, length, check, wording];
        let mut all: Vec<Option<Packed>> = places.into_iter().map(Some).collect();
        all.push(Some(Packed::of_times(time)));
        all.push(some(Packed::of(subject.iter().copied()), subject.len()));
        for codes in [result, references].into_iter().chain(told) {
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
        wording: next()??,
    };
    let mut columns = spare;
    columns.clear();
    next()??.extend(&mut columns.time, to_time);
    fill(&mut columns.subject, next()?, |v| v);
    #[allow(clippy::cast_possible_truncation)]
    {
        fill(&mut columns.result, next()?, |v| v as u8);
        fill(&mut columns.references, next()?, |v| v as u8);
        for words in &mut columns.words {
            fill(words, next()?, |v| v as u8);
        }
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
