//! `read_paths`: a reader that is an Arrow stream.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::{PyRecordBatchReader, PyTable};

use super::policy::{Policy, raise_plain};
use super::scan::Given;
use super::stream::stream;
use crate::error::Error;
use crate::read::Reader;
use crate::record::record_schema;

/// Records as they are read, once through.
#[pyclass(frozen, module = "yokome._yokome")]
pub struct NativeReader {
    inner: Arc<Mutex<Reader>>,
    /// The exception that ended the batches, until it is asked for.
    failure: Arc<Mutex<Option<PyErr>>>,
}

/// The rest of a reader, as an Arrow stream for anybody: errors are told as texts.
struct Rest(Arc<Mutex<Reader>>);

impl Iterator for Rest {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = locked(&self.0);
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

/// The rest of a reader, as an Arrow stream whose exception is kept. It takes the GIL while it waits,
/// to look for signals: whoever asks it for a batch must have let go of it.
struct Batches {
    reader: Arc<Mutex<Reader>>,
    failure: Arc<Mutex<Option<PyErr>>>,
}

impl Batches {
    fn next_batch(&self) -> PyResult<Option<RecordBatch>> {
        loop {
            // (The lock is let go of before the GIL is taken.)
            let next = locked(&self.reader).next_within(PATIENCE);
            match next {
                Ok(Some(batch)) => return Ok(batch),
                Ok(None) => look_for_signals()?,
                Err(error) => return Err(Python::attach(|py| raise_plain(py, &error))),
            }
        }
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch()
            .map_err(|error| {
                let text = error.to_string();
                *locked(&self.failure) = Some(error);
                ArrowError::ExternalError(text.into())
            })
            .transpose()
    }
}

impl RecordBatchReader for Batches {
    fn schema(&self) -> SchemaRef {
        record_schema()
    }
}

/// How long it waits for a batch before it looks for signals.
const PATIENCE: Duration = Duration::from_millis(200);

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn one(batch: &RecordBatch) -> PyResult<PyTable> {
    PyTable::try_new(vec![batch.clone()], batch.schema())
}

#[pymethods]
impl NativeReader {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        stream(py, Rest(Arc::clone(&self.inner)), requested_schema)
    }

    /// What remains to be read, as an Arrow stream that must be read without the GIL. When it fails,
    /// `failure` is the exception.
    fn batches(&self) -> PyRecordBatchReader {
        PyRecordBatchReader::new(Box::new(Batches {
            reader: Arc::clone(&self.inner),
            failure: Arc::clone(&self.failure),
        }))
    }

    /// Takes the exception that ended ``batches``.
    fn failure(&self) -> Option<PyErr> {
        locked(&self.failure).take()
    }

    /// A row per source. Complete once everything was read.
    fn inputs(&self) -> PyResult<PyTable> {
        one(&locked(&self.inner).inputs())
    }

    /// A row per rejected record, as far as they are listed, once everything was read.
    fn rejects(&self) -> PyResult<PyTable> {
        one(&locked(&self.inner).rejects())
    }

    /// By source, in the order of ``inputs``, the columns that feed no field.
    #[getter]
    fn unused(&self) -> Vec<Vec<String>> {
        locked(&self.inner).unused()
    }

    /// Every assumption made, as (Japanese, English).
    #[getter]
    fn notes(&self) -> Vec<(String, String)> {
        locked(&self.inner)
            .notes()
            .into_iter()
            .map(|n| (n.ja, n.en))
            .collect()
    }
}

/// Runs the handlers of signals that came meanwhile; their exception, if one raises.
fn look_for_signals() -> PyResult<()> {
    // (The method itself would be of one lifetime only.)
    #[allow(clippy::redundant_closure_for_method_calls)]
    Python::attach(|py| py.check_signals())
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
        chunk_size: chunk_size.or(Some(crate::read::CHUNK)),
        ..Given::default()
    };
    let options = given.options().map_err(raise)?;
    let policy = &policy.get().inner;
    let mut kept = None;
    let mut check = || {
        look_for_signals().map_err(|error| {
            kept = Some(error);
            Error::Interrupted
        })
    };
    let opened = py.detach(|| crate::read::read_paths(&paths, policy, &options, &mut check));
    let reader = opened.map_err(|error| kept.take().unwrap_or_else(|| raise_plain(py, &error)))?;
    Ok(NativeReader {
        inner: Arc::new(Mutex::new(reader)),
        failure: Arc::default(),
    })
}
