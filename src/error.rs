//! What can go wrong, once. A message never carries more than a bounded excerpt of a record.
//!
//! An error that an officer can meet has both languages from where it is made ([`Words`]), and names
//! what a program may ask for as fields. English is what it displays; [`Error::ja`] is the Japanese.

use crate::fault::{ColumnFault, InputFault, InputKind};
use crate::policy::PolicyError;
use crate::words::{Words, count};

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
    #[error("{source_name}: {fault}")]
    Input {
        /// The source as it was given or expanded.
        source_name: String,
        /// What is wrong with it, and what to do.
        fault: Box<InputFault>,
    },
    /// The columns of a source could not be mapped to the fields of a record.
    #[error("{source_name}: {}", fault.words().en)]
    Columns {
        /// The source as it was given or expanded.
        source_name: String,
        /// What was looked for, what was seen, how to map it.
        fault: Box<ColumnFault>,
    },
    /// A bad record under `strict`.
    #[error("{source_name}:{line}: record rejected ({reason}): {excerpt}")]
    Strict {
        /// The source as it was given or expanded.
        source_name: String,
        /// Physical line, 1-based.
        line: u64,
        /// `time`, `columns`, `quote`, `too_long`, `cut`.
        reason: &'static str,
        /// At most 200 characters of the record.
        excerpt: String,
    },
    /// A state cannot be gone on from, or be left.
    #[error("{path}: {}", words.en)]
    State {
        /// The state file.
        path: String,
        /// What is wrong, for programs.
        kind: StateKind,
        /// What is wrong, and what to do.
        words: Words,
    },
    /// Temporary files could not be written or read.
    #[error("temporary files in {folder}: {}", words.en)]
    Temporary {
        /// Where they lie.
        folder: String,
        /// Bytes that are still needed there, about; none where nobody knows.
        needed: Option<u64>,
        /// What is wrong, and what to do.
        words: Words,
    },
    /// An option has a value that is not allowed.
    #[error("{}", words.en)]
    Usage {
        /// The option, by its name in Python.
        option: &'static str,
        /// What is wrong, and what is allowed.
        words: Words,
    },
    /// The caller asked to stop (Ctrl-C).
    #[error("interrupted")]
    Interrupted,
    /// A callback of the caller failed; it keeps its own error.
    #[error("{0}")]
    Callback(String),
}

/// What is wrong with a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateKind {
    /// Not a state file, or the path is a folder.
    NotAState,
    /// Cut short, or it contradicts itself.
    Damaged,
    /// Written in a format that this version does not know.
    Format,
    /// Of another policy.
    Policy,
    /// The records are of a period that it covers.
    Covered,
    /// It became another while the scan ran.
    Changed,
    /// The system cannot read or write it.
    System,
}

impl StateKind {
    /// All kinds.
    pub const ALL: [StateKind; 7] = [
        StateKind::NotAState,
        StateKind::Damaged,
        StateKind::Format,
        StateKind::Policy,
        StateKind::Covered,
        StateKind::Changed,
        StateKind::System,
    ];

    /// As programs read it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            StateKind::NotAState => "not_a_state",
            StateKind::Damaged => "damaged",
            StateKind::Format => "format",
            StateKind::Policy => "policy",
            StateKind::Covered => "covered",
            StateKind::Changed => "changed",
            StateKind::System => "system",
        }
    }
}

impl Error {
    /// An [`Error::Input`].
    #[must_use]
    pub fn input(source_name: &str, fault: InputFault) -> Error {
        Error::Input {
            source_name: source_name.to_owned(),
            fault: Box::new(fault),
        }
    }

    /// An [`Error::Input`] of a kind.
    pub fn input_of(source_name: &str, kind: InputKind, words: impl Into<Words>) -> Error {
        Error::input(source_name, InputFault::new(kind, words))
    }

    /// An [`Error::Columns`].
    #[must_use]
    pub fn columns(source_name: &str, fault: ColumnFault) -> Error {
        Error::Columns {
            source_name: source_name.to_owned(),
            fault: Box::new(fault),
        }
    }

    /// An [`Error::Usage`].
    pub fn usage(option: &'static str, words: impl Into<Words>) -> Error {
        let words = words.into();
        Error::Usage { option, words }
    }

    /// The Japanese: what is wrong where, and what to do. An interruption and the error of a callback
    /// are their caller's to tell.
    #[must_use]
    pub fn ja(&self) -> Option<String> {
        Some(match self {
            Error::Policy(error) => error.ja(),
            Error::NotFound { path } => format!(
                "{path}: ファイルが見付かりません。場所と名前（拡張子も）を確かめてください。名前に空白があるときは、全体を \" で囲みます"
            ),
            Error::NoMember { path, members } => format!(
                "{path}: アーカイブに該当するファイルがありません。中にあるもの（{members}）から選んで指定し直してください"
            ),
            Error::Input { source_name, fault } => format!("{source_name}: {}", fault.words.ja),
            Error::Columns { source_name, fault } => {
                format!("{source_name}: {}", fault.words().ja)
            }
            Error::Strict {
                source_name,
                line,
                reason,
                excerpt,
            } => format!(
                "{source_name} の {} 行目: 読み取れない記録がありました（{}）: {excerpt}\nその行を直すか、--strict を外してください。外すと、読み取れない記録は除いて分析し、一覧（rejects）に残します",
                count(*line),
                why_rejected(reason)
            ),
            Error::State { path, words, .. } => format!("{path}: {}", words.ja),
            Error::Temporary { folder, words, .. } => format!("{folder}: {}", words.ja),
            Error::Usage { words, .. } => words.ja.clone(),
            Error::Interrupted | Error::Callback(_) => return None,
        })
    }
}

/// Why a record is rejected, in Japanese.
fn why_rejected(reason: &str) -> &str {
    match reason {
        "time" => "日時を読めません",
        "columns" => "列の数が見出しと合いません",
        "quote" => "引用符 \" が閉じていません",
        "cut" => "ファイルの終わりで途中までになっています",
        "too_long" => "一件が長すぎます",
        other => other,
    }
}

/// The result of whatever can fail with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Field;

    /// One error of every variant. A variant that is new must be added: the match below says so.
    fn all() -> Vec<Error> {
        let words = || Words::from(("wrong", "まちがい"));
        let policy = PolicyError::new("p.toml", "x", words());
        let (fields, headers) = (vec![Field::User], Vec::new());
        vec![
            Error::Policy(policy),
            Error::NotFound { path: "p".into() },
            Error::NoMember {
                path: "p".into(),
                members: "m".into(),
            },
            Error::input_of("p", InputKind::Empty, words()),
            Error::columns("p", ColumnFault::Missing { fields, headers }),
            Error::Strict {
                source_name: "p".into(),
                line: 12_345,
                reason: "time",
                excerpt: "e".into(),
            },
            Error::State {
                path: "p".into(),
                kind: StateKind::Policy,
                words: words(),
            },
            Error::Temporary {
                folder: "p".into(),
                needed: None,
                words: words(),
            },
            Error::usage("encoding", words()),
            Error::Interrupted,
            Error::Callback("theirs".into()),
        ]
    }

    /// Whether the error is the core's to tell.
    fn is_ours(error: &Error) -> bool {
        match error {
            Error::Policy(_)
            | Error::NotFound { .. }
            | Error::NoMember { .. }
            | Error::Input { .. }
            | Error::Columns { .. }
            | Error::Strict { .. }
            | Error::State { .. }
            | Error::Temporary { .. }
            | Error::Usage { .. } => true,
            Error::Interrupted | Error::Callback(_) => false,
        }
    }

    #[test]
    fn no_error_of_the_core_is_without_japanese() {
        for error in all() {
            let ja = error.ja();
            assert_eq!(ja.is_some(), is_ours(&error), "{error}");
            let is_kana = |c: char| ('\u{3041}'..='\u{30FF}').contains(&c);
            assert!(
                ja.is_none_or(|ja| ja.chars().any(is_kana)),
                "{error} has no Japanese"
            );
            assert!(!error.to_string().chars().any(is_kana) || !is_ours(&error));
        }
    }

    #[test]
    fn every_reason_of_a_rejection_is_said_in_japanese() {
        for reason in ["time", "columns", "quote", "cut", "too_long"] {
            assert_ne!(why_rejected(reason), reason);
        }
        let strict = all().swap_remove(5);
        assert!(strict.ja().unwrap().contains("12,345 行目"));
    }
}
