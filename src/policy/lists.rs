//! `[lists.NAME]`: values from a file or from the policy itself.

use std::collections::BTreeMap;
use std::path::Path;

use unicode_normalization::UnicodeNormalization;

use super::conditions::{OUTCOMES, WEEKDAYS};
use super::error::{Fault, excerpt};
use super::reader::KEY;
use super::sheet::{self, Row};
use super::tree::{Entry, Node, Table, Value};
use super::{Key, List, dates};
use crate::record::Field;
use crate::words::{Phrase, Words, of_system};

const COLUMNS: Phrase = (
    "a column, by its header or its position (1, 2, …), or an array of them",
    "列の見出しか番号（1, 2, …。いくつかなら [ ] で囲みます）",
);

/// Reads every list. Files are relative to `base`.
pub(super) fn read(table: &Table, base: Option<&Path>) -> Result<BTreeMap<String, List>, Fault> {
    table
        .entries
        .iter()
        .map(|entry| Ok((entry.name.clone(), list(entry, base)?)))
        .collect()
}

fn list(entry: &Entry, base: Option<&Path>) -> Result<List, Fault> {
    let table = entry.node.table((
        "a list, a table with a \"file\" or \"values\"",
        "リスト（file または values を持つ項目のまとまり）",
    ))?;
    table.only(KEY, &["file", "header", "columns", "values", "on"])?;
    let on = match table.get("on") {
        Some(node) if node.one_or_more().is_empty() => {
            return Err(node.fail((
                "an empty array ties the list to no field; leave \"on\" out to tie it to whichever field names it",
                "on が空の並び [ ] では、リストをどの項目にも使えません。どの項目にも使えるようにするなら、on の行を消してください",
            )));
        }
        Some(node) => node.keys()?,
        None => Vec::new(),
    };
    match (table.get("file"), table.get("values")) {
        (Some(_), Some(node)) => Err(node.fail((
            "a list has either a \"file\" or \"values\"",
            "リストに file と values の両方が書かれています。どちらか一つにしてください",
        ))),
        (None, None) => {
            Err(entry.fail((
                "missing: a list needs a \"file\" (CSV or TSV) or \"values\"",
                "リストに file も values もありません。file（CSV か TSV のファイル）か values（値の並び）を書いてください",
            )))
        }
        (Some(file), None) => {
            let rows = from_file(table, file, &on, base)?;
            let file = Some(file.text(("a path", "ファイルの場所"))?.to_owned());
            Ok(List { on, rows, file })
        }
        (None, Some(values)) => {
            for name in ["header", "columns"] {
                if let Some(node) = table.get(name) {
                    return Err(node.fail((
                        format!("\"{name}\" goes with \"file\", not with \"values\""),
                        format!(
                            "{name} は file（ファイルの一覧）のための項目です。values で書くときは、この行を消してください"
                        ),
                    )));
                }
            }
            let rows = inline(values, &on)?;
            let file = None;
            Ok(List { on, rows, file })
        }
    }
}

/// So many things, one for each field of `on`, and others are there.
fn wrong_number(en: &str, ja: &str, width: usize, found: &Words) -> Words {
    let (each, each_ja) = if width == 1 {
        ("", "")
    } else {
        ("s, one for each field of \"on\"", "on の項目の順に、")
    };
    (
        format!("expected {width} {en}{each}, found {}", found.en),
        format!(
            "{each_ja}{ja}を {width} 個書いてください。いまは {} です",
            found.ja
        ),
    )
        .into()
}

/// The key of a list's column; none where the list is tied to whichever field names it.
fn column_key(on: &[Key], column: usize) -> Option<Key> {
    on.get(column).copied()
}

fn width(on: &[Key]) -> usize {
    on.len().max(1)
}

fn inline(values: &Node, on: &[Key]) -> Result<Vec<Vec<String>>, Fault> {
    let width = width(on);
    let what: Words = if width == 1 {
        ("an array of strings", "[ ] で囲んだ文字列の並び").into()
    } else {
        (
            format!("an array of arrays of {width} strings, one for each field of \"on\""),
            format!("on の項目の順に {width} 個ずつの文字列を [ ] で囲み、その全体をまた [ ] で囲んだもの"),
        )
            .into()
    };
    let mut rows = Vec::new();
    for row in values.array(what)? {
        let cells = row.one_or_more();
        if cells.len() != width || (width > 1 && !matches!(row.value, Value::Array(_))) {
            let found = match &row.value {
                Value::Array(cells) => {
                    (cells.len().to_string(), format!("{} 個", cells.len())).into()
                }
                _ => row.found(),
            };
            return Err(row.fail(wrong_number("value", "値", width, &found)));
        }
        let cells: Result<Vec<String>, Fault> = cells
            .iter()
            .enumerate()
            .map(|(column, node)| inline_value(node, column_key(on, column)))
            .collect();
        rows.push(cells?);
    }
    Ok(rows)
}

fn inline_value(node: &Node, key: Option<Key>) -> Result<String, Fault> {
    let text = match (&node.value, key) {
        (Value::Datetime(time), Some(Key::Date)) => time.to_string(),
        (Value::Integer(number), Some(Key::Hour)) => number.to_string(),
        (Value::Bool(flag), Some(Key::Field(Field::References))) => flag.to_string(),
        _ => node.log_text(("a string", "文字列"))?.to_owned(),
    };
    value(key, &text).map_err(|what| node.expected(what))
}

/// A value as the field it is tied to writes it, or what it should look like.
fn value(key: Option<Key>, text: &str) -> Result<String, Phrase> {
    match key {
        Some(Key::Date) => dates::parse_date(text.trim())
            .map(dates::format_date)
            .ok_or(dates::EXPECTED_DATE),
        Some(Key::Hour) => text
            .trim()
            .parse::<u8>()
            .ok()
            .filter(|&hour| hour < 24)
            .map(|hour| hour.to_string())
            .ok_or(("an hour from 0 to 23", "0 から 23 までの時")),
        Some(Key::Weekday) => word(
            text,
            &WEEKDAYS,
            (
                "a weekday (mon, tue, wed, thu, fri, sat, sun)",
                "曜日（mon, tue, wed, thu, fri, sat, sun のどれか）",
            ),
        ),
        Some(Key::DayType) => word(
            text,
            &["open", "closed"],
            (
                "\"open\" or \"closed\"",
                "\"open\"（開庁日）か \"closed\"（閉庁日）",
            ),
        ),
        Some(Key::Field(Field::Result)) => word(
            text,
            &OUTCOMES.map(|(word, _)| word),
            (
                "a result (success, failure, other)",
                "処理結果（success, failure, other のどれか）",
            ),
        ),
        Some(Key::Field(Field::References)) => word(
            text,
            &["true", "false"],
            ("\"true\" or \"false\"", "\"true\" か \"false\""),
        ),
        _ => Ok(text.to_owned()),
    }
}

fn word(text: &str, words: &[&str], what: Phrase) -> Result<String, Phrase> {
    words
        .iter()
        .find(|word| word.eq_ignore_ascii_case(text.trim()))
        .map(|&word| word.to_owned())
        .ok_or(what)
}

fn from_file(
    table: &Table,
    file: &Node,
    on: &[Key],
    base: Option<&Path>,
) -> Result<Vec<Vec<String>>, Fault> {
    let columns = Columns::read(table, width(on))?;
    let name = file.text((
        "the path of a CSV or TSV file",
        "CSV か TSV のファイルの場所",
    ))?;
    let path = base.map_or_else(|| Path::new(name).to_owned(), |base| base.join(name));
    let shown = path.display().to_string();
    let unreadable = |error: std::io::Error| {
        let mut fault = file.fail((
            format!("cannot read {shown}: {error}"),
            format!(
                "リストのファイル {shown} を読めません（{}）",
                of_system(&error).ja
            ),
        ));
        fault.io = Some(error.kind());
        fault
    };
    let bytes = std::fs::read(&path).map_err(unreadable)?;
    let inside = |line: Option<usize>, message: Words| {
        let mut fault = Fault::new(None, file.path.clone(), message);
        fault.elsewhere = Some((shown.clone(), line));
        fault
    };
    let text = sheet::decode(&bytes).map_err(|message| inside(None, message))?;
    let rows = sheet::rows(&text, sheet::separator(name, &text)).map_err(|line| {
        inside(
            Some(line),
            (
                "a quote that is opened here is never closed",
                "この行で始まる引用符 \" が閉じていません。\" を補うか消してください",
            )
                .into(),
        )
    })?;
    let (header, rows) = match rows.split_first() {
        Some((header, rows)) if columns.header => (Some(header), rows),
        _ => (None, &rows[..]),
    };
    let places = columns.places(header, &inside)?;
    pick(rows, &places, on).map_err(|(line, message)| inside(Some(line), message))
}

/// The cells wanted of every row; rows in which all of them are empty are left out.
fn pick(rows: &[Row], places: &[usize], on: &[Key]) -> Result<Vec<Vec<String>>, (usize, Words)> {
    let mut out = Vec::new();
    for (line, row) in rows {
        let cells: Vec<&str> = places
            .iter()
            .map(|&place| row.get(place).map_or("", String::as_str))
            .collect();
        if cells.iter().all(|cell| cell.is_empty()) {
            continue;
        }
        let mut picked = Vec::with_capacity(cells.len());
        for (column, (cell, place)) in cells.iter().zip(places).enumerate() {
            let key = column_key(on, column);
            let name = key.map_or_else(String::new, |key| format!(" (\"{}\")", key.name()));
            if cell.is_empty() {
                let words = (
                    format!("column {}{name} is empty", place + 1),
                    format!(
                        "{} 列目{name}が空です。値を書くか、その行を消してください",
                        place + 1
                    ),
                );
                return Err((*line, words.into()));
            }
            picked.push(value(key, cell).map_err(|(en, ja)| {
                let (place, found) = (place + 1, excerpt(cell));
                let words = (
                    format!(
                        "column {place}{name}: expected {en}, found \"{found}\"; if this line is a header, say header = true"
                    ),
                    format!(
                        "{place} 列目{name}には{ja}を書いてください。いまは \"{found}\" です。この行が見出しなら、header = true と書いてください"
                    ),
                );
                (*line, words.into())
            })?);
        }
        out.push(picked);
    }
    Ok(out)
}

/// Which columns of a list file are wanted.
struct Columns<'a> {
    header: bool,
    wanted: Vec<(&'a Node, Result<usize, &'a str>)>,
    width: usize,
}

impl<'a> Columns<'a> {
    /// `header` and `columns`. There is a header if `header` says so, or if `columns` names one.
    fn read(table: &'a Table, width: usize) -> Result<Columns<'a>, Fault> {
        let mut wanted = Vec::new();
        if let Some(node) = table.get("columns") {
            for node in node.one_or_more() {
                wanted.push((
                    node,
                    match &node.value {
                        Value::Integer(_) => {
                            Ok(usize::try_from(node.integer(1, 10_000)? - 1).unwrap_or(0))
                        }
                        Value::Text(_) => Err(node.text(COLUMNS)?),
                        _ => return Err(node.expected(COLUMNS)),
                    },
                ));
            }
            if wanted.len() != width {
                let found = (wanted.len().to_string(), format!("{} 個", wanted.len())).into();
                return Err(node.fail(wrong_number("column", "列", width, &found)));
            }
        }
        let named = wanted.iter().any(|(_, column)| column.is_err());
        let header = match table.get("header") {
            Some(node) => {
                let header = node.flag()?;
                if named && !header {
                    return Err(node.fail((
                        "\"columns\" names headers: the file must have one (or give positions)",
                        "columns に見出しが書かれているのに、header が false です。header = true にするか、列を番号で書いてください",
                    )));
                }
                header
            }
            None => named,
        };
        Ok(Columns {
            header,
            wanted,
            width,
        })
    }

    /// The positions (0-based) of the wanted columns, in the order of `on`.
    fn places(
        &self,
        header: Option<&Row>,
        inside: &dyn Fn(Option<usize>, Words) -> Fault,
    ) -> Result<Vec<usize>, Fault> {
        if self.wanted.is_empty() {
            return Ok((0..self.width).collect());
        }
        let titles = header.map_or(&[][..], |(_, cells)| cells);
        self.wanted
            .iter()
            .map(|(_, column)| match column {
                Ok(place) => Ok(*place),
                Err(name) => titles
                    .iter()
                    .position(|title| folded(title) == folded(name))
                    .ok_or_else(|| {
                        let known: Vec<&str> = titles.iter().map(String::as_str).collect();
                        inside(header.map(|(line, _)| *line), Words::default()).meaning(
                            ("column", "列"),
                            name,
                            &known,
                        )
                    }),
            })
            .collect()
    }
}

/// A header as it is compared: NFKC, spaces removed, case folded.
fn folded(text: &str) -> String {
    text.nfkc()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}
