//! Fields of a record: from a stretch of raw bytes to the bytes of the value.

use std::borrow::Cow;

use super::scan::{self, Index, PAD, Special};

/// The value of a raw field: quotes removed, `""` inside them one quote, text behind the closing
/// quote kept. Only a quote as the first byte is special.
#[inline]
#[must_use]
pub fn unquote(raw: &[u8]) -> Cow<'_, [u8]> {
    match raw {
        [b'"', inside @ .., b'"'] if memchr::memchr(b'"', inside).is_none() => {
            Cow::Borrowed(inside)
        }
        [b'"', rest @ ..] => Cow::Owned(unquote_slowly(rest)),
        _ => Cow::Borrowed(raw),
    }
}

fn unquote_slowly(rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rest.len());
    let mut bytes = rest.iter();
    while let Some(&b) = bytes.next() {
        if b != b'"' {
            out.push(b);
        } else if bytes.as_slice().first() == Some(&b'"') {
            bytes.next();
            out.push(b'"');
        } else {
            out.extend_from_slice(bytes.as_slice());
            break;
        }
    }
    out
}

/// A record of a small text, read apart at leisure (samples, headers, lists).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// Byte offset of its first byte.
    pub start: usize,
    /// Byte offset behind its line end.
    pub next: usize,
    /// Its values.
    pub values: Vec<Cow<'a, [u8]>>,
}

impl Row<'_> {
    /// Whether nothing stands in it.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.values.len() == 1 && self.values[0].is_empty()
    }

    /// The same record, apart from its text.
    fn into_owned(self) -> Row<'static> {
        let values = self.values.into_iter();
        Row {
            start: self.start,
            next: self.next,
            values: values.map(|v| Cow::Owned(v.into_owned())).collect(),
        }
    }
}

/// Reads a small text apart into at most `most` records; `whole` says that it ends where the
/// source ends (otherwise an unfinished last record is left out). Blank lines are left out.
#[must_use]
pub fn rows(text: &[u8], special: Special, whole: bool, most: usize) -> Vec<Row<'static>> {
    let padded = padded(text);
    let rows = rows_of(&padded, special, whole, most).into_iter();
    rows.map(Row::into_owned).collect()
}

/// A text with the zeros behind it that [`rows_of`] asks for.
#[must_use]
pub fn padded(text: &[u8]) -> Vec<u8> {
    let mut padded = Vec::with_capacity(text.len() + PAD);
    padded.extend_from_slice(text);
    padded.resize(text.len() + PAD, 0);
    padded
}

/// [`rows`] of a text that is [`padded`].
#[must_use]
pub fn rows_of(padded: &[u8], special: Special, whole: bool, most: usize) -> Vec<Row<'_>> {
    let text = &padded[..padded.len() - PAD];
    let mut index = Index::default();
    scan::index(padded, text.len(), special, &mut index);
    let mut ends: Vec<usize> = index.ends.iter().map(|&e| e as usize).collect();
    if whole {
        ends.push(text.len());
    }
    let mut out = Vec::new();
    let (mut start, mut seps) = (0, index.seps.iter().map(|&s| s as usize).peekable());
    for end in ends {
        if start > 0 && text[start - 1] == b'\r' && text.get(start) == Some(&b'\n') {
            start += 1;
        }
        let crlf = text.get(end) == Some(&b'\r') && text.get(end + 1) == Some(&b'\n');
        let next = (end + 1 + usize::from(crlf)).min(text.len());
        let mut row = Row {
            start,
            next,
            values: Vec::new(),
        };
        let mut from = start;
        while let Some(sep) = seps.next_if(|&s| s <= end) {
            row.values.push(unquote(&text[from.min(sep)..sep]));
            from = sep + 1;
            if sep == end {
                break;
            }
        }
        if end == text.len() && from <= end && start < end {
            row.values.push(unquote(&text[from..end]));
        }
        start = end + 1;
        if !row.values.is_empty() && !row.is_blank() {
            out.push(row);
            if out.len() == most {
                break;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_removed_as_pythons_csv_does() {
        for (raw, value) in [
            ("", ""),
            ("a", "a"),
            ("\"a\"", "a"),
            ("\"\"", ""),
            ("\"a\"\"b\"", "a\"b"),
            ("\"\"\"\"", "\""),
            ("a\"b\"", "a\"b\""),
            ("\"a\"b", "ab"),
            ("\"a\"b\"c\"", "ab\"c\""),
            ("\"a", "a"),
            ("\"", ""),
        ] {
            assert_eq!(unquote(raw.as_bytes()), value.as_bytes(), "{raw}");
        }
    }

    #[test]
    fn a_text_is_read_apart() {
        let special = Special {
            delimiter: b',',
            quotes: true,
            cp932_trail: false,
        };
        let read = |text: &str, whole| -> Vec<Vec<String>> {
            rows(text.as_bytes(), special, whole, 9)
                .into_iter()
                .map(|r| {
                    r.values
                        .into_iter()
                        .map(|v| String::from_utf8(v.into_owned()).unwrap())
                        .collect()
                })
                .collect()
        };
        assert_eq!(
            read("a,b\r\n\r\n\"c\nd\",\n,e", true),
            [vec!["a", "b"], vec!["c\nd", ""], vec!["", "e"]]
        );
        assert_eq!(
            read("a,b\r\n\r\n\"c\nd\",\n,e", false),
            [vec!["a", "b"], vec!["c\nd", ""]]
        );
        assert_eq!(read("a,b\n", true), [vec!["a", "b"]]);
        assert_eq!(read("a\rb,", true), [vec!["a"], vec!["b", ""]]);
        assert_eq!(read("", true), Vec::<Vec<String>>::new());
    }
}
