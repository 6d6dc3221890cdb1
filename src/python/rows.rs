//! `rows`: the rows of small tables as Python values, without a library of tables.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float64Type, Int8Type, Int32Type, Int64Type, TimestampMillisecondType, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use pyo3::exceptions::{PyKeyError, PyOSError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use pyo3_arrow::input::AnyRecordBatch;

/// The first rows of a table (of all without a `limit`), each as a ``dict`` of the columns (all, or
/// those named), as ``pyarrow.Table.to_pylist`` gives them.
#[pyfunction]
#[pyo3(signature = (table, columns=None, limit=None))]
#[allow(clippy::needless_pass_by_value)]
pub fn rows(
    py: Python<'_>,
    table: AnyRecordBatch,
    columns: Option<Vec<String>>,
    limit: Option<usize>,
) -> PyResult<Bound<'_, PyList>> {
    let found = PyList::empty(py);
    let mut batches = table.into_reader()?;
    // (What nobody asks for is not made.)
    while limit.is_none_or(|limit| found.len() < limit)
        && let Some(batch) = batches.next()
    {
        let left = limit.map_or(usize::MAX, |limit| limit - found.len());
        let batch = batch.map_err(|e| PyOSError::new_err(e.to_string()))?;
        let batch = batch.slice(0, left.min(batch.num_rows()));
        let dicts: Vec<_> = (0..batch.num_rows()).map(|_| PyDict::new(py)).collect();
        for (name, values) in named(&batch, columns.as_deref())? {
            let name = name.into_pyobject(py)?;
            for (dict, value) in dicts.iter().zip(values_of(py, values)?) {
                dict.set_item(&name, value)?;
            }
        }
        for dict in dicts {
            found.append(dict)?;
        }
    }
    Ok(found)
}

/// The columns of these names, in their order.
fn named<'a>(
    batch: &'a RecordBatch,
    columns: Option<&'a [String]>,
) -> PyResult<Vec<(&'a str, &'a dyn Array)>> {
    let Some(columns) = columns else {
        let names = batch
            .schema_ref()
            .fields()
            .iter()
            .map(|f| f.name().as_str());
        return Ok(names
            .zip(batch.columns().iter().map(AsRef::as_ref))
            .collect());
    };
    let column = |name: &'a String| {
        let column = batch.column_by_name(name).map(AsRef::as_ref);
        let column = column.ok_or_else(|| PyKeyError::new_err(name.clone()))?;
        Ok((name.as_str(), column))
    };
    columns.iter().map(column).collect()
}

type Values<'py> = Vec<Option<Bound<'py, PyAny>>>;

/// A column's values.
fn values_of<'py>(py: Python<'py>, column: &dyn Array) -> PyResult<Values<'py>> {
    macro_rules! primitive {
        ($kind:ty) => {
            each(column.as_primitive::<$kind>().iter(), |value| {
                Ok(value.into_pyobject(py)?.into_any())
            })
        };
    }
    match column.data_type() {
        DataType::Boolean => each(column.as_boolean().iter(), |value| {
            Ok(value.into_pyobject(py)?.to_owned().into_any())
        }),
        DataType::Int8 => primitive!(Int8Type),
        DataType::Int32 => primitive!(Int32Type),
        DataType::Int64 => primitive!(Int64Type),
        DataType::UInt32 => primitive!(UInt32Type),
        DataType::UInt64 => primitive!(UInt64Type),
        DataType::Float64 => primitive!(Float64Type),
        DataType::Utf8 => each(column.as_string::<i32>().iter(), |text| {
            Ok(text.into_pyobject(py)?.into_any())
        }),
        DataType::Dictionary(key, _) if **key == DataType::UInt32 => {
            let column = column.as_dictionary::<UInt32Type>();
            let words = values_of(py, column.values())?;
            let codes = column.keys().iter();
            Ok(codes.map(|code| words[code? as usize].clone()).collect())
        }
        DataType::Timestamp(TimeUnit::Millisecond, None) => {
            let times = column.as_primitive::<TimestampMillisecondType>();
            let epoch = Epoch::new(py, "datetime", "milliseconds")?;
            each(times.iter(), |time| epoch.after(time))
        }
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>();
            let epoch = Epoch::new(py, "date", "days")?;
            each(days.iter(), |day| epoch.after(day.into()))
        }
        other => Err(PyTypeError::new_err(format!("no values for {other}"))),
    }
}

fn each<'py, T>(
    values: impl Iterator<Item = Option<T>>,
    made: impl Fn(T) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Values<'py>> {
    values.map(|value| value.map(&made).transpose()).collect()
}

/// The beginning of 1970, from which times are counted.
struct Epoch<'py> {
    start: Bound<'py, PyAny>,
    delta: Bound<'py, PyAny>,
    units: &'static str,
}

impl<'py> Epoch<'py> {
    /// As a `kind` of ``datetime``, and times counted in `units` of ``timedelta``.
    fn new(py: Python<'py>, kind: &str, units: &'static str) -> PyResult<Epoch<'py>> {
        let module = py.import("datetime")?;
        Ok(Epoch {
            start: module.getattr(kind)?.call1((1970, 1, 1))?,
            delta: module.getattr("timedelta")?,
            units,
        })
    }

    fn after(&self, number: i64) -> PyResult<Bound<'py, PyAny>> {
        let span = PyDict::new(self.start.py());
        span.set_item(self.units, number)?;
        self.start.add(self.delta.call((), Some(&span))?)
    }
}
