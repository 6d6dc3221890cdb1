//! List files: small CSV or TSV sheets as a spreadsheet saves them.

use crate::words::Words;

/// A row and the physical line (1-based) on which it begins.
pub(super) type Row = (usize, Vec<String>);

/// The text of a file: by its byte order mark, else UTF-8, else CP932.
pub(super) fn decode(bytes: &[u8]) -> Result<String, Words> {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        return match encoding.decode_without_bom_handling(&bytes[mark..]) {
            (text, false) => Ok(text.into_owned()),
            (_, true) => Err((
                format!("the file is not good {}", encoding.name()),
                format!(
                    "{} として読めない文字があります。Excel などで開き、CSV（UTF-8）として保存し直してください",
                    encoding.name()
                ),
            )
                .into()),
        };
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.to_owned());
    }
    match encoding_rs::SHIFT_JIS.decode_without_bom_handling(bytes) {
        (text, false) => Ok(text.into_owned()),
        (_, true) => Err((
            "the file is neither UTF-8 nor Shift_JIS (CP932) nor UTF-16 with a byte order mark",
            "文字コードが UTF-8 でも Shift_JIS（CP932）でもありません。Excel などで開き、CSV（UTF-8）として保存し直してください",
        )
            .into()),
    }
}

/// The separator: TAB for `.tsv`, and where the first line has a TAB and no comma.
pub(super) fn separator(path: &str, text: &str) -> char {
    let first = text.lines().next().unwrap_or_default();
    let tsv = path.to_ascii_lowercase().ends_with(".tsv");
    if tsv || (first.contains('\t') && !first.contains(',')) {
        '\t'
    } else {
        ','
    }
}

/// Splits the text into rows. Quotes as in logs: special only as the first character of a cell,
/// doubled inside. Lines without a character are left out.
///
/// # Errors
/// The line of a quote that is never closed.
pub(super) fn rows(text: &str, separator: char) -> Result<Vec<Row>, usize> {
    let mut rows = Vec::new();
    let mut cells: Vec<String> = Vec::new();
    let mut cell = String::new();
    let mut line = 1;
    let mut first_line = 1;
    // Whether the next character is the first of its cell, and whether any has been seen at all.
    let mut fresh = true;
    let mut blank = true;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if fresh => {
                let lines = quoted(&mut chars, &mut cell).ok_or(line)?;
                line += lines;
                fresh = false;
                blank = false;
            }
            '\r' | '\n' => {
                if c == '\r' {
                    chars.next_if_eq(&'\n');
                }
                line += 1;
                if !blank {
                    cells.push(std::mem::take(&mut cell));
                    rows.push((first_line, std::mem::take(&mut cells)));
                }
                first_line = line;
                fresh = true;
                blank = true;
            }
            c if c == separator => {
                cells.push(std::mem::take(&mut cell));
                fresh = true;
                blank = false;
            }
            c => {
                cell.push(c);
                fresh = false;
                blank = false;
            }
        }
    }
    if !blank {
        cells.push(cell);
        rows.push((first_line, cells));
    }
    Ok(rows)
}

/// Reads up to and including the closing quote; the number of line ends passed, or none where
/// the quote stays open.
fn quoted(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    cell: &mut String,
) -> Option<usize> {
    let mut lines = 0;
    loop {
        match chars.next()? {
            '"' => {
                if chars.next_if_eq(&'"').is_none() {
                    return Some(lines);
                }
                cell.push('"');
            }
            c => {
                lines += usize::from(c == '\n' || (c == '\r' && chars.peek() != Some(&'\n')));
                cell.push(c);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<(usize, Vec<String>)> {
        rows(text, ',').unwrap()
    }

    #[test]
    fn rows_and_lines() {
        let got = cells("a,b\r\n\r\n\"x\r\ny\",\"q\"\"q\"z\n1,\n\"\"\rlast");
        let expected: Vec<(usize, Vec<&str>)> = vec![
            (1, vec!["a", "b"]),
            (3, vec!["x\r\ny", "q\"qz"]),
            (5, vec!["1", ""]),
            (6, vec![""]),
            (7, vec!["last"]),
        ];
        let got: Vec<(usize, Vec<&str>)> = got
            .iter()
            .map(|(line, row)| (*line, row.iter().map(String::as_str).collect()))
            .collect();
        assert_eq!(got, expected);
        assert_eq!(rows("a\n\"b\nc", ','), Err(2));
        assert!(cells("").is_empty());
        assert_eq!(cells("a\"b\"")[0].1, ["a\"b\""]);
    }

    #[test]
    fn encodings() {
        assert_eq!(decode("職員".as_bytes()).unwrap(), "職員");
        assert_eq!(decode(b"\xEF\xBB\xBFa").unwrap(), "a");
        assert_eq!(decode(b"\xFF\xFEa\0").unwrap(), "a");
        assert_eq!(decode(b"\xFE\xFF\0a").unwrap(), "a");
        assert_eq!(decode(b"\x90\x45\x88\xF5").unwrap(), "職員");
        assert_eq!(
            decode(b"\xF0\x40").unwrap(),
            "\u{E000}",
            "a user-defined character"
        );
        assert!(decode(b"\xFF\xFF\xFF").is_err());
        assert!(decode(b"\xFF\xFEa").is_err());
    }

    #[test]
    fn any_bytes_are_text_or_an_error() {
        let mut state = 1_u32;
        for length in 0..500 {
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                b"a,\"\r\n\t\x90\x45\xFF\xFE\0\x81"[(state >> 24) as usize % 12]
            };
            let bytes: Vec<u8> = (0..length % 40).map(|_| next()).collect();
            if let Ok(text) = decode(&bytes) {
                let _ = rows(&text, separator("x", &text));
            }
        }
    }

    #[test]
    fn separators() {
        assert_eq!(separator("x.csv", "a,b"), ',');
        assert_eq!(separator("x.TSV", "a,b"), '\t');
        assert_eq!(separator("x.txt", "a\tb"), '\t');
        assert_eq!(separator("x.csv", ""), ',');
    }
}
