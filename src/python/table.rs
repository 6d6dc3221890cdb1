//! `TableFile`: tables to Parquet and Arrow files, the GIL released.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3_arrow::PySchema;
use pyo3_arrow::input::AnyRecordBatch;

use crate::arrow::file::{self, Format};

/// A table that is being written to a file.
#[pyclass(frozen, module = "yokome._yokome")]
pub struct NativeTableFile {
    /// None once it is finished or given up.
    inner: Mutex<Option<file::TableFile>>,
}

impl NativeTableFile {
    fn take(&self) -> Option<file::TableFile> {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

#[pymethods]
impl NativeTableFile {
    /// Begins a table in a file that is there already; what is in it is dropped.
    #[new]
    #[allow(clippy::needless_pass_by_value)]
    fn new(py: Python<'_>, path: PathBuf, format: &str) -> PyResult<NativeTableFile> {
        let format = match format {
            "parquet" => Format::Parquet,
            "arrow" => Format::Arrow,
            _ => return Err(PyValueError::new_err(format!("no such format: {format:?}"))),
        };
        let inner = file::TableFile::open(&path, format).map_err(|e| os_error(py, &e))?;
        Ok(NativeTableFile {
            inner: Mutex::new(Some(inner)),
        })
    }

    /// Adds rows: anything with ``__arrow_c_stream__``. All of them have one schema.
    fn write(&self, py: Python<'_>, rows: AnyRecordBatch) -> PyResult<()> {
        let rows = rows.into_reader()?;
        let done = py.detach(|| {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            let file = inner.as_mut().ok_or_else(closed)?;
            file.begin(rows.schema());
            for batch in rows {
                file.write(&batch.map_err(io::Error::other)?)?;
            }
            Ok(())
        });
        done.map_err(|e: io::Error| os_error(py, &e))
    }

    /// Writes what came so far, and does not wait until it is on the disk.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        let done = py.detach(|| {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            inner.as_mut().ok_or_else(closed)?.flush()
        });
        done.map_err(|e| os_error(py, &e))
    }

    /// Finishes the file; `schema` is the table's, for the case that nothing came.
    #[pyo3(signature = (schema=None))]
    fn close(&self, py: Python<'_>, schema: Option<PySchema>) -> PyResult<()> {
        let done = py.detach(|| {
            let mut file = self.take().ok_or_else(closed)?;
            if let Some(schema) = schema {
                file.begin(schema.into_inner());
            }
            file.close()
        });
        done.map_err(|e| os_error(py, &e))
    }

    /// Lets the file be, as it is by now; it need not be open any more.
    fn discard(&self, py: Python<'_>) {
        py.detach(|| drop(self.take()));
    }
}

fn closed() -> io::Error {
    io::Error::other("the file is closed")
}

/// The ``OSError`` of an error, with its number and the system's words if it has one.
fn os_error(py: Python<'_>, error: &io::Error) -> PyErr {
    let Some(number) = error.raw_os_error() else {
        return PyOSError::new_err(error.to_string());
    };
    if cfg!(windows) {
        // The system's own number: Python finds the one of POSIX, and the class, by the fourth argument.
        return PyOSError::new_err((0, error.to_string(), None::<String>, number));
    }
    let words = py.import("os").and_then(|os| {
        os.getattr("strerror")?
            .call1((number,))?
            .extract::<String>()
    });
    PyOSError::new_err((number, words.unwrap_or_else(|_| error.to_string())))
}
