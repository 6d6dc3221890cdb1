//! Errors of the core as the exceptions of `yokome.errors`.

use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::error::Error;
use crate::policy::PolicyError;

/// The exception of an error. `kept` is the exception of a callback that failed, if one did.
pub fn raise(py: Python<'_>, error: &Error, kept: Option<PyErr>) -> PyErr {
    let message = error.to_string();
    let made = match error {
        Error::Policy(error) => return raise_policy(py, error),
        Error::NotFound { path } => of_input(py, "InputNotFoundError", &message, path),
        Error::NoMember { path, members } => no_member(py, &message, path, members),
        Error::Input { source_name, .. } => of_input(py, "InputError", &message, source_name),
        Error::Columns { source_name, .. } => of_input(py, "ColumnError", &message, source_name),
        Error::Strict { source_name, .. } => of_input(py, "StrictError", &message, source_name),
        Error::State {
            path, message_ja, ..
        } => of_state(py, &message, path, message_ja),
        Error::Temporary { folder, .. } => temporary(py, &message, folder),
        Error::Usage(_) => return PyValueError::new_err(message),
        Error::Interrupted => return kept.unwrap_or_else(|| PyKeyboardInterrupt::new_err(())),
        Error::Callback(_) => return kept.unwrap_or_else(|| PyRuntimeError::new_err(message)),
    };
    made.unwrap_or_else(|error| error)
}

/// The exception of a wrong policy.
pub fn raise_policy(py: Python<'_>, error: &PolicyError) -> PyErr {
    let arguments = (
        error.to_string(),
        &error.file,
        error.line,
        error.column,
        &error.key,
    );
    arguments
        .into_pyobject(py)
        .and_then(|arguments| of_class(py, "PolicyError", arguments))
        .unwrap_or_else(|error| error)
}

fn of_input(py: Python<'_>, class: &str, message: &str, source: &str) -> PyResult<PyErr> {
    of_class(py, class, (message, source).into_pyobject(py)?)
}

fn of_state(py: Python<'_>, message: &str, path: &str, message_ja: &str) -> PyResult<PyErr> {
    let error = of_class(py, "StateError", (message, path).into_pyobject(py)?)?;
    let ja = format!("{path}: {message_ja}");
    error.value(py).setattr("message_ja", ja)?;
    Ok(error)
}

fn no_member(py: Python<'_>, message: &str, path: &str, members: &str) -> PyResult<PyErr> {
    let error = of_input(py, "InputNotFoundError", message, path)?;
    let ja = format!("アーカイブに該当するファイルがありません: {path}（中にあるもの: {members}）");
    error.value(py).setattr("message_ja", ja)?;
    Ok(error)
}

fn temporary(py: Python<'_>, message: &str, folder: &str) -> PyResult<PyErr> {
    let arguments = (message, folder).into_pyobject(py)?;
    let error = of_class(py, "TemporaryFileError", arguments)?;
    let ja = format!(
        "一時ファイルを {folder} に書き込めないか、読み取れません。空き容量を増やすか、別の場所（--temp-dir）またはより多くのメモリ（--memory-limit）を指定してください（{message}）"
    );
    error.value(py).setattr("message_ja", ja)?;
    Ok(error)
}

fn of_class(py: Python<'_>, class: &str, arguments: Bound<'_, PyTuple>) -> PyResult<PyErr> {
    let class = py.import("yokome.errors")?.getattr(class)?;
    Ok(PyErr::from_value(class.call1(arguments)?))
}
