//! Record batches → blocks: columns by name, times and values as in a CSV.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::{DataType, SchemaRef, TimeUnit};

use crate::block::{Columns, Origin, REFERENCES_NO, REFERENCES_YES};
use crate::dictionary::{Dictionaries, id_column};
use crate::error::{Error, Result};
use crate::fault::{ColumnFault, shown};
use crate::individual::column::{Beside, Cells, Natures};
use crate::log::encoding::Encoding;
use crate::log::header::{Mapping, map};
use crate::log::meaning::Meaning;
use crate::log::parse::{Parsed, Reject};
use crate::log::plan::ReadOptions;
use crate::log::time::{Detection, TimeFormat, TimeReader, detect, within_years};
use crate::record::Field;
use crate::words::Words;

use super::{STREAM_NAME, beside};

/// Record batches → blocks. Columns are found as in a CSV header; line `n` is row `n`, from 1.
pub struct BlockReader {
    meaning: Arc<Meaning>,
    dictionaries: Arc<Dictionaries>,
    options: ReadOptions,
    mapping: Option<(SchemaRef, Mapping)>,
    time: Option<TimeReader>,
    beside: Vec<Beside>,
}

/// Maps the columns of a schema to the fields of a record.
///
/// # Errors
/// [`Error::Columns`] if no time or user column is found, or a column that was named is not there.
pub fn map_schema(schema: &SchemaRef, options: &ReadOptions) -> Result<Mapping> {
    let headers: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    let (mapping, missing) = map(&headers, &options.columns);
    let headers: Vec<String> = headers.iter().map(|h| shown(h)).collect();
    if let Some((field, column)) = missing.into_iter().next() {
        let fault = ColumnFault::Unknown {
            field,
            column,
            headers,
        };
        return Err(Error::columns(STREAM_NAME, fault));
    }
    let fields = [Field::Time, Field::User].into_iter();
    let fields: Vec<Field> = fields.filter(|&f| mapping.column(f).is_none()).collect();
    if !fields.is_empty() {
        let fault = ColumnFault::Missing { fields, headers };
        return Err(Error::columns(STREAM_NAME, fault));
    }
    Ok(mapping)
}

/// How the times of a stream read, told once by its first cells that are not empty, whatever batches
/// they come in and whichever thread takes those; and the batches taken from it to tell. None where
/// times need no format, or there is no cell.
///
/// # Errors
/// [`Error::Columns`] if the cells do not read as times; what the stream says.
pub fn time_format(
    stream: &mut dyn Iterator<Item = Result<RecordBatch>>,
    schema: &SchemaRef,
    mapping: &Mapping,
    options: &ReadOptions,
) -> Result<(Option<TimeFormat>, Vec<RecordBatch>)> {
    let column = mapping.column(Field::Time).unwrap_or(0);
    let mut taken = Vec::new();
    if let DataType::Timestamp(..) = schema.field(column).data_type() {
        return Ok((None, taken));
    }
    if !options.time_format.is_empty() {
        let format = TimeFormat::Explicit(options.time_format.clone());
        return Ok((Some(format), taken));
    }
    let mut cells: Vec<(String, Option<String>)> = Vec::new();
    while cells.len() < SAMPLE_CELLS {
        let Some(batch) = stream.next().transpose()? else {
            break;
        };
        let date = texts(batch.column(column))?;
        let second = mapping.time_of_day;
        let second = second.map(|c| texts(batch.column(c))).transpose()?;
        for row in 0..batch.num_rows() {
            if date.is_valid(row) && !date.value(row).trim().is_empty() {
                let time = second.as_ref().map(|s| s.value(row).to_owned());
                cells.push((date.value(row).to_owned(), time));
            }
            if cells.len() == SAMPLE_CELLS {
                break;
            }
        }
        taken.push(batch);
    }
    if cells.is_empty() {
        return Ok((None, taken));
    }
    let sample = cells
        .iter()
        .map(|(date, time)| (date.as_bytes(), time.as_deref().map(str::as_bytes)));
    match detect(sample, &options.zone, Encoding::Utf8) {
        Detection::Format(format) => Ok((Some(format), taken)),
        Detection::DayOrMonth => Err(values((
            "the times could be day/month or month/day: give time_format",
            "日時が、日/月とも月/日とも読めます。time_format で書式を指定してください",
        ))),
        Detection::Unknown => Err(values((
            "the values of the time column do not read as times: give time_format or another column for time",
            "日時の列の値を日時として読めません。time_format で書式を指定するか、columns で別の列を指定してください",
        ))),
    }
}

/// Cells that tell the format of times.
const SAMPLE_CELLS: usize = 1000;

impl BlockReader {
    /// A reader of record batches, whose times read as [`time_format`] said; `natures` say which
    /// columns are looked at for Individual Numbers cell by cell.
    #[must_use]
    pub fn new(
        meaning: Arc<Meaning>,
        dictionaries: Arc<Dictionaries>,
        options: &ReadOptions,
        time_format: Option<TimeFormat>,
        natures: Option<&Natures>,
    ) -> BlockReader {
        BlockReader {
            meaning,
            dictionaries,
            options: options.clone(),
            mapping: None,
            time: time_format.map(|f| TimeReader::new(f, options.zone.clone())),
            beside: natures.map_or_else(Vec::new, |n| n.beside.clone()),
        }
    }

    /// The records of a batch.
    ///
    /// # Errors
    /// [`Error::Columns`] for columns that are missing or of a type that no text can be made of.
    pub fn read(&mut self, batch: &RecordBatch) -> Result<Parsed> {
        let schema = batch.schema();
        if self
            .mapping
            .as_ref()
            .is_none_or(|(known, _)| *known != schema)
        {
            self.mapping = Some((Arc::clone(&schema), map_schema(&schema, &self.options)?));
        }
        let mapping = self
            .mapping
            .as_ref()
            .map(|(_, m)| m.clone())
            .unwrap_or_default();
        let times = self.times(batch, &mapping)?;
        let mut parsed = Parsed {
            lines: batch.num_rows() as u64,
            ..Parsed::default()
        };
        let mut rows = Vec::with_capacity(times.len());
        let columns = &mut parsed.block.columns;
        for (row, time) in times.iter().enumerate() {
            match time {
                Some(time) => {
                    columns.time.push(*time);
                    #[allow(clippy::cast_possible_truncation)]
                    columns.line.push(row as u32);
                    rows.push(row);
                }
                None => parsed.rejects.push(Reject {
                    line: row as u64,
                    offset: 0,
                    reason: "time",
                    excerpt: row_text(batch, row),
                    names_number: beside::is_named_in(batch, row),
                }),
            }
        }
        for field in Field::ALL.into_iter().skip(1) {
            if let Some(column) = mapping.column(field) {
                self.fill(field, batch.column(column), &rows, columns)?;
            } else if let Some(value) = self.assumed(field) {
                put(field, vec![value; rows.len()], columns);
            }
        }
        for code in &mut columns.references {
            if *code > REFERENCES_YES {
                *code = 0;
                parsed.unknown_references += 1;
            }
        }
        parsed.beside = beside::count(batch, &self.beside, &rows, columns);
        parsed.no_user = columns.ids[0].iter().filter(|&&id| id == 0).count() as u64;
        parsed.block.origin = Origin::default();
        Ok(parsed)
    }

    fn assumed(&self, field: Field) -> Option<u64> {
        use crate::policy::Assumed;
        Some(match self.meaning.assumed(field)? {
            Assumed::Bool(yes) => u64::from(if *yes { REFERENCES_YES } else { REFERENCES_NO }),
            Assumed::Outcome(outcome) => *outcome as u64,
            Assumed::Text(text) if field == Field::Subject => self.dictionaries.subject(text, None),
            Assumed::Text(text) => self.dictionaries.of(field).intern(text, None).into(),
        })
    }

    /// Local civil milliseconds by row.
    fn times(&mut self, batch: &RecordBatch, mapping: &Mapping) -> Result<Vec<Option<i64>>> {
        let array = batch.column(mapping.column(Field::Time).unwrap_or(0));
        if let DataType::Timestamp(_, zone) = array.data_type() {
            let ms = cast(
                array,
                &DataType::Timestamp(TimeUnit::Millisecond, zone.clone()),
            )
            .map_err(|e| failed(&e))?;
            let ms = ms.as_primitive::<arrow_array::types::TimestampMillisecondType>();
            let local = |t: i64| {
                if zone.is_some() {
                    self.options.zone.civil(t)
                } else {
                    within_years(t)
                }
            };
            return Ok(ms.iter().map(|t| t.and_then(local)).collect());
        }
        let date = texts(array)?;
        let second = mapping
            .time_of_day
            .map(|c| texts(batch.column(c)))
            .transpose()?;
        let pair = |row: usize| {
            let time = second.as_ref().map(|s| s.value(row).as_bytes());
            (date.value(row).as_bytes(), time)
        };
        let Some(reader) = &mut self.time else {
            return Ok(vec![None; batch.num_rows()]);
        };
        Ok((0..batch.num_rows())
            .map(|row| {
                if date.is_null(row) {
                    return None;
                }
                match pair(row) {
                    (date, None) => reader.read(date),
                    (date, Some(time)) => reader.read_pair(date, time),
                }
            })
            .collect())
    }

    /// Fills a field; dictionary columns are interned by value, not by row.
    fn fill(
        &self,
        field: Field,
        array: &ArrayRef,
        rows: &[usize],
        columns: &mut Columns,
    ) -> Result<()> {
        let number = |text: &str| -> u64 {
            if text.is_empty() {
                0
            } else {
                let (meaning, raw, utf8) = (&self.meaning, text.as_bytes(), Encoding::Utf8);
                match field {
                    Field::Subject => meaning.subject(raw, utf8, &self.dictionaries).value,
                    field => meaning
                        .number(field, raw, utf8, &self.dictionaries)
                        .value
                        .into(),
                }
            }
        };
        let values: Vec<u64> = if let Some(dictionary) = array.as_any_dictionary_opt() {
            let values = texts(dictionary.values())?;
            let numbers: Vec<u64> = values.iter().map(|t| t.map_or(0, number)).collect();
            // (It panics without values; then every key is null.)
            let keys = if values.is_empty() {
                Vec::new()
            } else {
                dictionary.normalized_keys()
            };
            rows.iter()
                .map(|&row| {
                    if dictionary.keys().is_null(row) {
                        0
                    } else {
                        numbers[keys[row]]
                    }
                })
                .collect()
        } else {
            let texts = texts(array)?;
            rows.iter()
                .map(|&row| {
                    if texts.is_null(row) {
                        0
                    } else {
                        number(texts.value(row))
                    }
                })
                .collect()
        };
        put(field, values, columns);
        Ok(())
    }
}

fn put(field: Field, values: Vec<u64>, columns: &mut Columns) {
    #[allow(clippy::cast_possible_truncation)]
    match field {
        Field::Subject => columns.subject = values,
        Field::Result => columns.result = values.into_iter().map(|v| v as u8).collect(),
        Field::References => columns.references = values.into_iter().map(|v| v as u8).collect(),
        _ => {
            if let Some(column) = id_column(field) {
                columns.ids[column] = values.into_iter().map(|v| v as u32).collect();
            }
        }
    }
}

fn values(words: impl Into<Words>) -> Error {
    Error::columns(STREAM_NAME, ColumnFault::Values(words.into()))
}

fn failed(error: &arrow_schema::ArrowError) -> Error {
    values((
        error.to_string(),
        format!("列の値を読めません（{error}）。列の型を確かめてください"),
    ))
}

/// What the columns of a stream hold, by its first record batches.
///
/// # Errors
/// [`Error::Columns`] if cells cannot be shown as texts.
pub fn natures_of(first: &[RecordBatch], mapping: &Mapping) -> Result<Natures> {
    let mut cells: Vec<Cells> = Vec::new();
    let mut looked_at = 0;
    for batch in first {
        let batch = batch.slice(0, batch.num_rows().min(SAMPLE_CELLS - looked_at));
        cells.resize_with(batch.num_columns(), Cells::default);
        for (cells, column) in cells.iter_mut().zip(batch.columns()) {
            // What is no text (a list, say) feeds no field and is not shown either.
            let Ok(texts) = texts(column) else { continue };
            for text in texts.iter().flatten() {
                cells.add(text);
            }
        }
        looked_at += batch.num_rows();
    }
    Ok(Natures::of(mapping, None, &cells))
}

/// A column as text: whole floats without a fraction (ids that a data frame widened).
pub(super) fn texts(array: &ArrayRef) -> Result<StringArray> {
    let float = matches!(
        array.data_type(),
        DataType::Float16 | DataType::Float32 | DataType::Float64
    );
    let text: ArrayRef = if float {
        let wide = cast(array, &DataType::Float64).map_err(|e| failed(&e))?;
        let wide: &Float64Array = wide.as_primitive();
        #[allow(clippy::cast_possible_truncation, clippy::float_cmp)]
        let whole = |v: f64| {
            if v == v.trunc() && v.abs() < 9e15 {
                (v as i64).to_string()
            } else {
                v.to_string()
            }
        };
        Arc::new(
            wide.iter()
                .map(|v| v.filter(|v| !v.is_nan()).map(whole))
                .collect::<StringArray>(),
        )
    } else {
        cast(array, &DataType::Utf8).map_err(|e| failed(&e))?
    };
    Ok(text.as_string::<i32>().clone())
}

fn row_text(batch: &RecordBatch, row: usize) -> String {
    let cells: Vec<String> = batch
        .columns()
        .iter()
        .map(|c| {
            texts(&c.slice(row, 1))
                .ok()
                .filter(|t| t.is_valid(0))
                .map(|t| t.value(0).to_owned())
                .unwrap_or_default()
        })
        .collect();
    cells.join(",").chars().take(200).collect()
}
