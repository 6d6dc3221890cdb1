//! `[calendar]`: days and hours of work.

use super::conditions::{WEEKDAYS, globs};
use super::error::Fault;
use super::reader::{KEY, WEEKDAY};
use super::tree::{Node, Table, Value};
use super::{Calendar, CalendarOverride, ClosedDay, DepartmentCalendar, dates};
use crate::record::DAY_MS;
use crate::words::Phrase;

/// The keys that the section and its overrides have in common.
const SHARED: [&str; 4] = ["hours", "margin", "closed", "open"];

/// At most this many days may be named by one range of `open`.
const LONGEST_OPEN: i32 = 366;

const HOURS: Phrase = (
    "hours such as \"08:30-17:15\" (within one day), \"closed\", or a table such as { default = \"08:30-17:15\", wed = \"08:30-19:00\" }",
    "開庁時間（例: \"08:30-17:15\"。日はまたげません）、\"closed\"（閉庁）、または { default = \"08:30-17:15\", wed = \"08:30-19:00\" } のような曜日ごとの時間",
);
const DAY_HOURS: Phrase = (
    "hours such as \"08:30-17:15\" (within one day), or \"closed\"",
    "開庁時間（例: \"08:30-17:15\"。日はまたげません）か \"closed\"（閉庁）",
);
const MARGIN: Phrase = (
    "a duration such as \"30m\", shorter than a day (\"0m\" for none)",
    "一日より短い時間の長さ（例: \"30m\" は 30 分。なければ \"0m\"）",
);
const CLOSED: Phrase = (
    "a closed day: mon … sun, \"holiday\", a day of every year \"12-29\" or \"12-29..01-03\", a date \"2025-08-15\" or \"2025-08-13..2025-08-15\"",
    "閉庁日（曜日 mon … sun、祝日 \"holiday\"、毎年の日 \"12-29\" や \"12-29..01-03\"、日付 \"2025-08-15\" や \"2025-08-13..2025-08-15\"）",
);
const OPEN: Phrase = (
    "a date such as \"2025-04-05\", or dates \"2025-04-05..2025-04-06\" (at most 366 days)",
    "日付（例: \"2025-04-05\"）か期間（例: \"2025-04-05..2025-04-06\"。366 日まで）",
);

/// Reads the section; a key that it omits is `default`'s, overrides apart.
pub(super) fn read(table: &Table, default: &Calendar) -> Result<Calendar, Fault> {
    let mut allowed = vec!["country", "override"];
    allowed.extend(SHARED);
    table.only(KEY, &allowed)?;
    let country = match table.get("country") {
        Some(node) => country(node)?,
        None => default.country.clone(),
    };
    let base = department(table, &default.base)?;
    let mut overrides = Vec::new();
    if let Some(node) = table.get("override") {
        for node in node.array((
            "overrides, each under [[calendar.override]]",
            "所属ごとの暦（一つずつ [[calendar.override]] の下に書きます）",
        ))? {
            overrides.push(one_override(node, &base)?);
        }
    }
    Ok(Calendar {
        country,
        base,
        overrides,
    })
}

fn one_override(node: &Node, base: &DepartmentCalendar) -> Result<CalendarOverride, Fault> {
    let table = node.table((
        "a table with a \"department\" and its hours",
        "所属（department）とその開庁時間",
    ))?;
    let mut allowed = vec!["department"];
    allowed.extend(SHARED);
    table.only(KEY, &allowed)?;
    let why = (
        "an override needs a \"department\", a glob pattern or an array of them",
        "どの所属の暦かを department = \"税務課\" のように書いてください（税務* のような型や、[ ] で囲んだ並びも書けます）",
    );
    Ok(CalendarOverride {
        departments: globs(table.need("department", why)?)?,
        calendar: department(table, base)?,
    })
}

/// `JP`, `JP-47`; `none` for no holidays at all.
fn country(node: &Node) -> Result<Option<String>, Fault> {
    const WHAT: Phrase = (
        "a country code such as \"JP\", one with a subdivision such as \"JP-47\", or \"none\"",
        "国の記号（日本は \"JP\"、都道府県まで書くなら \"JP-47\" など）か、祝日を使わない \"none\"",
    );
    let text = node.text(WHAT)?;
    if text == "none" {
        return Ok(None);
    }
    let (country, subdivision) = text.split_once('-').unwrap_or((text, "0"));
    let good = country.len() == 2
        && country.bytes().all(|b| b.is_ascii_uppercase())
        && (1..=3).contains(&subdivision.len())
        && subdivision
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if good {
        Ok(Some(text.to_owned()))
    } else {
        Err(node.expected(WHAT))
    }
}

fn department(table: &Table, base: &DepartmentCalendar) -> Result<DepartmentCalendar, Fault> {
    let mut calendar = base.clone();
    if let Some(node) = table.get("hours") {
        calendar.hours = hours(node)?;
    }
    if let Some(node) = table.get("margin") {
        calendar.margin = super::duration::parse(node.text(MARGIN)?)
            .filter(|&ms| ms < DAY_MS)
            .ok_or_else(|| node.expected(MARGIN))?;
    }
    if let Some(node) = table.get("closed") {
        calendar.closed = closed(node)?;
    }
    if let Some(node) = table.get("open") {
        calendar.open = open(node)?;
    }
    Ok(calendar)
}

type Hours = Option<(i64, i64)>;

fn hours(node: &Node) -> Result<[Hours; 7], Fault> {
    let Value::Table(table) = &node.value else {
        return Ok([day_hours(node, HOURS)?; 7]);
    };
    let mut allowed = WEEKDAYS.to_vec();
    allowed.push("default");
    table.only(WEEKDAY, &allowed)?;
    let rest = match table.get("default") {
        Some(node) => day_hours(node, DAY_HOURS)?,
        None => None,
    };
    let mut week = [rest; 7];
    for (day, name) in week.iter_mut().zip(WEEKDAYS) {
        if let Some(node) = table.get(name) {
            *day = day_hours(node, DAY_HOURS)?;
        }
    }
    Ok(week)
}

fn day_hours(node: &Node, what: Phrase) -> Result<Hours, Fault> {
    if node.text(what)? == "closed" {
        return Ok(None);
    }
    let (from, to) = node.clock_span(what)?;
    if from < to {
        Ok(Some((from, to)))
    } else {
        Err(node.expected(what))
    }
}

fn closed(node: &Node) -> Result<Vec<ClosedDay>, Fault> {
    let one = |node: &Node| {
        closed_day(node).map_or_else(
            || {
                Err(node
                    .text(CLOSED)
                    .err()
                    .unwrap_or_else(|| node.expected(CLOSED)))
            },
            Ok,
        )
    };
    node.one_or_more().iter().map(one).collect()
}

fn closed_day(node: &Node) -> Option<ClosedDay> {
    let text = match &node.value {
        Value::Text(text) => text,
        Value::Datetime(time) => {
            let day = whole_day(time)?;
            return Some(ClosedDay::Dates(day, day));
        }
        _ => return None,
    };
    if text == "holiday" {
        return Some(ClosedDay::Holiday);
    }
    if let Some(day) = WEEKDAYS.iter().position(|day| day == text) {
        return u8::try_from(day).ok().map(ClosedDay::Weekday);
    }
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    if let (Some(first), Some(last)) = (month_day(first), month_day(last)) {
        return Some(ClosedDay::Yearly(first, last));
    }
    date_range(text).map(|(first, last)| ClosedDay::Dates(first, last))
}

/// `12-29`: a day that at least some year has.
fn month_day(text: &str) -> Option<(u8, u8)> {
    let (month, day) = text.split_once('-')?;
    let short = |part: &str| {
        (matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<u8>().ok())
            .flatten()
    };
    let (month, day) = (short(month)?, short(day)?);
    // 2024 was a leap year.
    dates::parse_date(&format!("2024-{month:02}-{day:02}"))?;
    Some((month, day))
}

/// A date, or `first..last`.
fn date_range(text: &str) -> Option<(i32, i32)> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let (first, last) = (dates::parse_date(first)?, dates::parse_date(last)?);
    (first <= last).then_some((first, last))
}

fn whole_day(time: &toml_edit::Datetime) -> Option<i32> {
    match dates::from_toml(time)? {
        (day, None) => Some(day),
        _ => None,
    }
}

fn open(node: &Node) -> Result<Vec<i32>, Fault> {
    let mut days = Vec::new();
    for node in node.one_or_more() {
        let range = match &node.value {
            Value::Text(text) => date_range(text),
            Value::Datetime(time) => whole_day(time).map(|day| (day, day)),
            _ => None,
        };
        let (first, last) = range
            .filter(|(first, last)| last - first < LONGEST_OPEN)
            .ok_or_else(|| node.expected(OPEN))?;
        days.extend(first..=last);
    }
    days.sort_unstable();
    days.dedup();
    Ok(days)
}
