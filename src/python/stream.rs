//! Record batches as an Arrow stream, for any library that reads one.

use arrow_array::RecordBatchReader;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::PyRecordBatchReader;

/// What a reader gives, as the capsule that ``__arrow_c_stream__`` returns.
///
/// # Errors
/// The schema that was asked for is another.
pub fn stream<'py>(
    py: Python<'py>,
    reader: impl RecordBatchReader + Send + 'static,
    requested_schema: Option<Bound<'py, PyCapsule>>,
) -> PyResult<Bound<'py, PyAny>> {
    let reader = PyRecordBatchReader::new(Box::new(reader)).into_pyobject(py)?;
    let reader = reader.into_any();
    reader.call_method1("__arrow_c_stream__", (requested_schema,))
}
