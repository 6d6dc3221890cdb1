//! What can go wrong, once. A message never carries more than a bounded excerpt of a record.

use crate::policy::PolicyError;

/// The one error of the core.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The policy is wrong.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A path names nothing.
    #[error("{path}: no such file, directory or glob match")]
    NotFound {
        /// The path as it was given.
        path: String,
    },
    /// A path names no member of an archive.
    #[error("{path}: no member of the archive matches; there are: {members}")]
    NoMember {
        /// The path as it was given.
        path: String,
        /// Some of the members that there are.
        members: String,
    },
    /// A source could not be read.
    #[error("{source_name}: {message}")]
    Input {
        /// The source as it was given or expanded.
        source_name: String,
        /// What is wrong with it, and what to do.
        message: String,
    },
    /// The columns of a source could not be mapped to the fields of a record.
    #[error("{source_name}: {message}")]
    Columns {
        /// The source as it was given or expanded.
        source_name: String,
        /// What was looked for, what was seen, how to map it.
        message: String,
    },
    /// A bad record under `strict`.
    #[error("{source_name}:{line}: record rejected ({reason}): {excerpt}")]
    Strict {
        /// The source as it was given or expanded.
        source_name: String,
        /// Physical line, 1-based.
        line: u64,
        /// `time`, `columns`, `quote`, `too_long`.
        reason: &'static str,
        /// At most 200 characters of the record.
        excerpt: String,
    },
    /// A state cannot be gone on from, or be left.
    #[error("{path}: {message}")]
    State {
        /// The state file.
        path: String,
        /// What is wrong, and what to do.
        message: String,
        /// The same in Japanese.
        message_ja: String,
    },
    /// Temporary files could not be written or read.
    #[error("temporary files in {folder}: {message}")]
    Temporary {
        /// Where they lie.
        folder: String,
        /// What is wrong, how many bytes are needed, and what to do.
        message: String,
    },
    /// An option has a value that is not allowed.
    #[error("{0}")]
    Usage(String),
    /// The caller asked to stop (Ctrl-C).
    #[error("interrupted")]
    Interrupted,
    /// A callback of the caller failed; it keeps its own error.
    #[error("{0}")]
    Callback(String),
}

impl Error {
    /// An [`Error::Input`].
    pub fn input(source_name: &str, message: impl Into<String>) -> Error {
        Error::Input {
            source_name: source_name.to_owned(),
            message: message.into(),
        }
    }

    /// An [`Error::Columns`].
    pub fn columns(source_name: &str, message: impl Into<String>) -> Error {
        Error::Columns {
            source_name: source_name.to_owned(),
            message: message.into(),
        }
    }
}

/// The result of whatever can fail with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
