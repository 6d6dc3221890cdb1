//! Errors of the core as the exceptions of `yokome.errors`: the English is their text, the Japanese
//! and the facts are attributes.

use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::Error;
use crate::policy::PolicyError;

/// The exception of an error. `kept` is the exception of a callback that failed, if one did.
pub fn raise(py: Python<'_>, error: &Error, kept: Option<PyErr>) -> PyErr {
    match error {
        Error::Policy(error) => raise_policy(py, error),
        Error::Interrupted => kept.unwrap_or_else(|| PyKeyboardInterrupt::new_err(())),
        Error::Callback(message) => {
            kept.unwrap_or_else(|| PyRuntimeError::new_err(message.clone()))
        }
        _ => exception(py, error).unwrap_or_else(|error| error),
    }
}

fn exception(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let facts = PyDict::new(py);
    let class = match error {
        Error::NotFound { path } => {
            facts.set_item("source", path)?;
            "InputNotFoundError"
        }
        Error::NoMember { path, members } => {
            facts.set_item("source", path)?;
            facts.set_item("members", members)?;
            "InputNotFoundError"
        }
        Error::Input { source_name, fault } => {
            facts.set_item("source", source_name)?;
            facts.set_item("kind", fault.kind.name())?;
            "InputError"
        }
        Error::Columns { source_name, fault } => {
            facts.set_item("source", source_name)?;
            facts.set_item("headers", fault.headers())?;
            facts.set_item("missing", fault.missing())?;
            facts.set_item("column", fault.column())?;
            facts.set_item("nearest", fault.nearest())?;
            "ColumnError"
        }
        Error::Strict {
            source_name,
            line,
            reason,
            excerpt,
        } => {
            facts.set_item("source", source_name)?;
            facts.set_item("line", line)?;
            facts.set_item("reason", reason)?;
            facts.set_item("excerpt", excerpt)?;
            "StrictError"
        }
        Error::State { path, kind, .. } => {
            facts.set_item("path", path)?;
            facts.set_item("kind", kind.name())?;
            "StateError"
        }
        Error::Temporary { folder, needed, .. } => {
            facts.set_item("folder", folder)?;
            facts.set_item("needed", needed)?;
            "TemporaryFileError"
        }
        Error::Usage { option, .. } => {
            facts.set_item("option", option)?;
            "OptionError"
        }
        Error::Policy(_) | Error::Interrupted | Error::Callback(_) => "YokomeError",
    };
    facts.set_item("message_ja", error.ja())?;
    of_class(py, class, &error.to_string(), &facts)
}

/// The exception of a wrong policy.
pub fn raise_policy(py: Python<'_>, error: &PolicyError) -> PyErr {
    let made = || {
        let facts = PyDict::new(py);
        facts.set_item("file", &error.file)?;
        facts.set_item("line", error.line)?;
        facts.set_item("column", error.column)?;
        facts.set_item("key", &error.key)?;
        facts.set_item("nearest", error.nearest.as_deref())?;
        facts.set_item("message_ja", error.ja())?;
        of_class(py, "PolicyError", &error.to_string(), &facts)
    };
    made().unwrap_or_else(|error| error)
}

fn of_class(
    py: Python<'_>,
    class: &str,
    message: &str,
    facts: &Bound<'_, PyDict>,
) -> PyResult<PyErr> {
    let class = py.import("yokome.errors")?.getattr(class)?;
    Ok(PyErr::from_value(class.call((message,), Some(facts))?))
}
