//! What is wrong with a policy, and where.

use std::fmt::{self, Write as _};
use std::ops::Range;

use crate::words::Words;

/// What is wrong with a policy, where, and what would be allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct PolicyError {
    /// The policy's name, or the list file in which the fault is.
    pub file: String,
    /// 1-based; none where there is no text to point at (JSON, a file that cannot be read).
    pub line: Option<usize>,
    /// 1-based, in characters.
    pub column: Option<usize>,
    /// The dotted path of the key (`rules[2].window`, counted from 0); empty: the whole file.
    pub key: String,
    /// What is wrong, and what is allowed.
    pub message: Box<Words>,
    /// The allowed word that was perhaps meant.
    pub nearest: Option<Box<str>>,
    /// Set when a file could not be read: why.
    pub io: Option<std::io::ErrorKind>,
}

impl PolicyError {
    /// An error without a position.
    #[must_use]
    pub fn new(file: impl Into<String>, key: impl Into<String>, message: impl Into<Words>) -> Self {
        PolicyError {
            file: file.into(),
            line: None,
            column: None,
            key: key.into(),
            message: Box::new(message.into()),
            nearest: None,
            io: None,
        }
    }

    /// The whole error in Japanese: where, what is wrong, what to write.
    #[must_use]
    pub fn ja(&self) -> String {
        let mut place = self.file.clone();
        if let Some(line) = self.line {
            let _ = write!(place, " の {line} 行目");
            if let Some(column) = self.column {
                let _ = write!(place, "、{column} 文字目");
            }
        }
        // An option of the command is no part of a policy, and its key says nothing more.
        if self.file.starts_with("--") {
            let of = if self.line.is_some() { "の" } else { " の" };
            return format!("{place}{of}指定に誤りがあります。{}", self.message.ja);
        }
        // A file that cannot be read says nothing wrong.
        if self.io.is_some() && self.key.is_empty() {
            return format!("{place}: {}", self.message.ja);
        }
        let key = if self.key.is_empty() {
            String::new()
        } else {
            format!("（{}）", self.key)
        };
        format!(
            "ポリシーに誤りがあります。{place}{key}: {}",
            self.message.ja
        )
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        f.write_str(": ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message.en)
    }
}

/// Bytes of the policy's text; none when it has no text.
pub(super) type Span = Option<Range<usize>>;

/// A fault before its span has been turned into a line and a column.
#[derive(Debug)]
pub(super) struct Fault {
    pub span: Span,
    pub key: String,
    pub message: Box<Words>,
    pub nearest: Option<Box<str>>,
    /// Set when the fault lies in a list file: its path and line.
    pub elsewhere: Option<(String, Option<usize>)>,
    pub io: Option<std::io::ErrorKind>,
}

impl Fault {
    pub fn new(span: Span, key: impl Into<String>, message: impl Into<Words>) -> Self {
        Fault {
            span,
            key: key.into(),
            message: Box::new(message.into()),
            nearest: None,
            elsewhere: None,
            io: None,
        }
    }

    /// The error to show, positions computed from the text the spans refer to.
    pub fn locate(self, name: &str, text: Option<&str>) -> PolicyError {
        let (line, column) = match (self.span, text) {
            (Some(span), Some(text)) => {
                let (line, column) = position(text, span.start);
                (Some(line), Some(column))
            }
            _ => (None, None),
        };
        let mut error = PolicyError {
            file: name.to_owned(),
            line,
            column,
            key: self.key,
            message: self.message,
            nearest: self.nearest,
            io: self.io,
        };
        if let Some((file, line)) = self.elsewhere {
            error.file = file;
            error.line = line;
            error.column = None;
        }
        error
    }
}

/// Line and column (1-based, the column in characters) of a byte offset.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// At most 60 characters of what a user wrote, control characters made visible.
pub(super) fn excerpt(text: &str) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == 60 {
            out.push('…');
            break;
        }
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let text = "一行目\n二x = 1\r\nz";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, 3), (1, 2));
        assert_eq!(position(text, 4), (1, 2), "inside a character");
        assert_eq!(position(text, text.find('x').unwrap()), (2, 2));
        assert_eq!(position(text, text.find('z').unwrap()), (3, 1));
        assert_eq!(position(text, 1000), (3, 2));
    }

    #[test]
    fn shown_with_what_is_known() {
        let mut error = PolicyError::new("p.toml", "rules[2].window", ("bad", "誤り"));
        assert_eq!(error.to_string(), "p.toml: rules[2].window: bad");
        assert_eq!(
            error.ja(),
            "ポリシーに誤りがあります。p.toml（rules[2].window）: 誤り"
        );
        error.line = Some(3);
        error.column = Some(10);
        assert_eq!(error.to_string(), "p.toml:3:10: rules[2].window: bad");
        error.key.clear();
        assert_eq!(error.to_string(), "p.toml:3:10: bad");
        assert_eq!(
            error.ja(),
            "ポリシーに誤りがあります。p.toml の 3 行目、10 文字目: 誤り"
        );
        error.file = "--where".into();
        assert_eq!(
            error.ja(),
            "--where の 3 行目、10 文字目の指定に誤りがあります。誤り"
        );
    }

    #[test]
    fn a_policy_that_cannot_be_read_is_not_called_wrong() {
        let missing = crate::policy::Policy::load("nowhere/p.toml").unwrap_err();
        assert_eq!(
            missing.ja(),
            "nowhere/p.toml: ポリシーのファイルが見付かりません。場所と名前を確かめてください"
        );
    }

    #[test]
    fn excerpts_are_bounded() {
        assert_eq!(excerpt("a\nb"), "a\\nb");
        assert_eq!(excerpt(&"あ".repeat(100)).chars().count(), 61);
    }
}
