//! `exchange`, and `SourceBytes`: a source read again.

use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::policy::raise_plain;
use crate::error::Error;
use crate::fault::InputFault;
use crate::source::{Input, again, open};

/// Exchanges two files or directories of one file system in one step.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)]
pub fn exchange(py: Python<'_>, first: PathBuf, second: PathBuf) -> PyResult<()> {
    Ok(py.detach(|| crate::files::exchange(&first, &second))?)
}

/// The decompressed bytes of a file or of a member of an archive, once through.
#[pyclass(frozen, module = "yokome._yokome")]
pub struct SourceBytes {
    name: String,
    size: u64,
    input: Mutex<Input>,
}

#[pymethods]
impl SourceBytes {
    #[new]
    #[pyo3(signature = (path, member = None))]
    #[allow(clippy::needless_pass_by_value)]
    fn new(py: Python<'_>, path: PathBuf, member: Option<&str>) -> PyResult<SourceBytes> {
        let opened = py.detach(|| {
            let source = again(&path, member)?;
            let size = source.size();
            // It was scanned within a limit, and is read no further than somebody asks.
            let input = open(&source, Arc::new(AtomicU64::new(0)), u64::MAX)?;
            Ok(SourceBytes {
                name: source.name,
                size,
                input: Mutex::new(input),
            })
        });
        opened.map_err(|error: Error| raise_plain(py, &error))
    }

    /// Bytes that it takes of the file.
    #[getter]
    fn size(&self) -> u64 {
        self.size
    }

    /// The next bytes: as many as asked for, fewer only at the end or before damage, which the next
    /// call tells of.
    fn read<'py>(&self, py: Python<'py>, bytes: u64) -> PyResult<Bound<'py, PyBytes>> {
        let read = py.detach(|| {
            let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
            let mut out = Vec::new();
            match (&mut *input).take(bytes).read_to_end(&mut out) {
                Err(error) if out.is_empty() => Err(error),
                _ => Ok(out),
            }
        });
        match read {
            Ok(out) => Ok(PyBytes::new(py, &out)),
            Err(error) => Err(raise_plain(
                py,
                &Error::input(&self.name, InputFault::of(&error)),
            )),
        }
    }
}
