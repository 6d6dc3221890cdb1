//! `[scope]`: which records may be flagged.

use super::conditions::{self, Names};
use super::dates;
use super::error::{Fault, PolicyError};
use super::reader::KEY;
use super::tree::{Node, Table, Value};
use super::{Scope, Where};
use crate::record::DAY_MS;
use crate::words::Phrase;

const EXPECTED: Phrase = (
    "a date such as \"2025-04-01\" or a time such as \"2025-04-01T08:30:00\" (civil time, without a zone)",
    "暦にある日付（例: 2026-04-30）か、日付と時刻（例: 2026-04-30T08:30:00。時差は付けません）",
);

/// Reads the section.
pub(super) fn read(table: &Table, names: &Names<'_>) -> Result<Scope, Fault> {
    table.only(KEY, &["from", "to", "where"])?;
    let from = table
        .get("from")
        .map(|node| time(node, false))
        .transpose()?;
    let to = table.get("to").map(|node| time(node, true)).transpose()?;
    if let (Some(from), Some(to), Some(node)) = (from, to, table.get("to"))
        && from >= to
    {
        return Err(node.fail((
            "the scope ends before it begins: \"to\" must be after \"from\"",
            "期間の終わり（to）が、始まり（from）より後になっていません。to を from より後にしてください",
        )));
    }
    let filter = match table.get("where") {
        Some(node) => conditions::read(node, names)?,
        None => Where::default(),
    };
    Ok(Scope { from, to, filter })
}

fn time(node: &Node, is_to: bool) -> Result<i64, Fault> {
    let read = match &node.value {
        Value::Datetime(time) => dates::from_toml(time),
        Value::Text(text) => dates::parse_date_time(text),
        _ => None,
    };
    read.map(|read| bound(read, is_to))
        .ok_or_else(|| node.expected(EXPECTED))
}

/// The end of a scope is exclusive; a bare date there means the end of that day.
fn bound((day, clock): (i32, Option<i64>), is_to: bool) -> i64 {
    let midnight = i64::from(day) * DAY_MS;
    match clock {
        Some(ms) => midnight + ms,
        None if is_to => midnight + DAY_MS,
        None => midnight,
    }
}

/// Reads an end of a scope as the command line gives it: a date (`2019-02-04`, `2019/2/4`) or a
/// date and time of day. Civil milliseconds since 1970-01-01; as `to` exclusive, so that a bare
/// date includes the whole of its day.
///
/// # Errors
/// When the text is no such date or time; the file is `--from` or `--to`.
pub fn parse_scope_time(text: &str, is_to: bool) -> Result<i64, PolicyError> {
    dates::parse_date_time(text)
        .map(|read| bound(read, is_to))
        .ok_or_else(|| {
            let (en, ja) = EXPECTED;
            let found = super::error::excerpt(text);
            let message = (
                format!("expected {en}, found \"{found}\""),
                format!("{ja}を書いてください。いまは \"{found}\" と書かれています"),
            );
            PolicyError::new(if is_to { "--to" } else { "--from" }, "", message)
        })
}

/// How an end of a scope is written, so that reading it gives the same time.
pub(super) fn write(ms: i64, is_to: bool) -> String {
    if ms.rem_euclid(DAY_MS) == 0 {
        let day = ms.div_euclid(DAY_MS) - i64::from(is_to);
        if let Ok(day) = i32::try_from(day) {
            return dates::format_date(day);
        }
    }
    dates::format_date_time(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_a_scope() {
        let day = 17_931 * DAY_MS;
        assert_eq!(parse_scope_time("2019-02-04", false), Ok(day));
        assert_eq!(parse_scope_time("2019/02/04", true), Ok(day + DAY_MS));
        assert_eq!(parse_scope_time("2019-02-04T00:00:00", true), Ok(day));
        assert_eq!(
            parse_scope_time("2019/2/4 12:00", true),
            Ok(day + DAY_MS / 2)
        );
        let error = parse_scope_time("2019-02-30", true).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("--to: expected {}, found \"2019-02-30\"", EXPECTED.0)
        );
        assert_eq!(parse_scope_time("", false).unwrap_err().file, "--from");
    }

    #[test]
    fn written_as_read() {
        for ms in [
            0,
            -1,
            1,
            DAY_MS,
            17_931 * DAY_MS + 5_000,
            2_932_897 * DAY_MS,
        ] {
            for is_to in [false, true] {
                if ms == 2_932_897 * DAY_MS && !is_to {
                    continue; // 10000-01-01
                }
                assert_eq!(parse_scope_time(&write(ms, is_to), is_to), Ok(ms), "{ms}");
            }
        }
    }
}
