//! `read_paths`: a reader that is an Arrow stream.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::{PyRecordBatch, PyRecordBatchReader, PyTable};

use super::policy::{Policy, raise_plain};
use super::scan::Given;
use crate::error::Error;
use crate::read::Reader;
use crate::record::record_schema;

/// Records as they are read, once through.
#[pyclass(frozen, module = "yokome._yokome")]
pub struct NativeReader {
    inner: Arc<Mutex<Reader>>,
}

/// The rest of a reader, as an Arrow stream.
struct Rest(Arc<Mutex<Reader>>);

impl Iterator for Rest {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reader
            .next_batch()
            .map_err(|e| ArrowError::ExternalError(Box::new(e)))
            .transpose()
    }
}

impl RecordBatchReader for Rest {
    fn schema(&self) -> SchemaRef {
        record_schema()
    }
}

fn one(batch: &RecordBatch) -> PyResult<PyTable> {
    PyTable::try_new(vec![batch.clone()], batch.schema())
}

impl NativeReader {
    fn lock(&self) -> std::sync::MutexGuard<'_, Reader> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl NativeReader {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let reader = PyRecordBatchReader::new(Box::new(Rest(Arc::clone(&self.inner))));
        let reader = reader.into_pyobject(py)?.into_any();
        reader.call_method1("__arrow_c_stream__", (requested_schema,))
    }

    /// The next batch (an object with ``__arrow_c_array__``), or None at the end.
    fn next(&self, py: Python<'_>) -> PyResult<Option<PyRecordBatch>> {
        loop {
            let next = py.detach(|| self.lock().next_within(Duration::from_millis(200)));
            match next {
                Ok(Some(batch)) => return Ok(batch.map(PyRecordBatch::new)),
                Ok(None) => py.check_signals()?,
                Err(error) => return Err(raise_plain(py, &error)),
            }
        }
    }

    /// A row per source. Complete once everything was read.
    fn inputs(&self) -> PyResult<PyTable> {
        one(&self.lock().inputs())
    }

    /// A row per rejected record, as far as they are listed, once everything was read.
    fn rejects(&self) -> PyResult<PyTable> {
        one(&self.lock().rejects())
    }

    /// By source, in the order of ``inputs``, the columns that feed no field.
    #[getter]
    fn unused(&self) -> Vec<Vec<String>> {
        self.lock().unused()
    }

    /// Every assumption made, as (Japanese, English).
    #[getter]
    fn notes(&self) -> Vec<(String, String)> {
        self.lock()
            .notes()
            .into_iter()
            .map(|n| (n.ja, n.en))
            .collect()
    }
}

/// Reads files, directories and globs into records.
#[pyfunction]
#[pyo3(signature = (paths, policy, *, encoding, delimiter, threads, strict, skip_unreadable, max_ratio, max_rejects, chunk_size))]
#[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
pub fn read_paths(
    py: Python<'_>,
    paths: Vec<String>,
    policy: &Bound<'_, Policy>,
    encoding: Option<&str>,
    delimiter: Option<&str>,
    threads: Option<usize>,
    strict: bool,
    skip_unreadable: bool,
    max_ratio: Option<u64>,
    max_rejects: Option<usize>,
    chunk_size: Option<usize>,
) -> PyResult<NativeReader> {
    let raise = |e: Error| raise_plain(py, &e);
    let given = Given {
        encoding,
        delimiter,
        threads,
        strict,
        skip_unreadable,
        max_ratio,
        max_rejects,
        chunk_size,
        ..Given::default()
    };
    let options = given.options().map_err(raise)?;
    let policy = &policy.get().inner;
    let mut kept = None;
    let mut check = || {
        #[allow(clippy::redundant_closure_for_method_calls)]
        Python::attach(|py| py.check_signals()).map_err(|error| {
            kept = Some(error);
            Error::Interrupted
        })
    };
    let opened = py.detach(|| crate::read::read_paths(&paths, policy, &options, &mut check));
    let reader = opened.map_err(|error| kept.take().unwrap_or_else(|| raise_plain(py, &error)))?;
    Ok(NativeReader {
        inner: Arc::new(Mutex::new(reader)),
    })
}
