//! Values of fields and derived fields as numbers: equal numbers are equal values, 0 is null.

use crate::block::{Columns, REFERENCES_NO, REFERENCES_YES};
use crate::detect::calendar::{parse_date, weekday};
use crate::dictionary::{Dictionaries, id_column, packed_digits};
use crate::log::meaning::Meaning;
use crate::log::time::date_of_days;
use crate::policy::Key;
use crate::record::{DAY_MS, Field, Outcome};

/// A value, 0 for null.
pub type Value = u64;

/// Names of weekdays, Monday first, as policies write them.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const DAY_ZERO: i64 = 1 << 31;

/// The civil day of a time.
#[inline]
#[must_use]
pub fn day_of(time: i64) -> i32 {
    #[allow(clippy::cast_possible_truncation)]
    let day = time.div_euclid(DAY_MS) as i32;
    day
}

/// The value of a key in record `row`; `closed` says whether its day is closed for its department.
#[inline]
#[must_use]
pub fn value(key: Key, columns: &Columns, row: usize, closed: bool) -> Value {
    let time = columns.time[row];
    match key {
        Key::Field(Field::Subject) => columns.subject.get(row).copied().unwrap_or(0),
        Key::Field(Field::Result) => columns.result.get(row).copied().unwrap_or(0).into(),
        Key::Field(Field::References) => columns.references.get(row).copied().unwrap_or(0).into(),
        Key::Field(field) => id_column(field)
            .and_then(|c| columns.ids[c].get(row))
            .copied()
            .unwrap_or(0)
            .into(),
        Key::Date => date_value(day_of(time)),
        Key::Hour => (time.rem_euclid(DAY_MS) / 3_600_000).cast_unsigned() + 1,
        Key::Weekday => weekday(day_of(time)) as u64 + 1,
        Key::DayType => {
            if closed {
                2
            } else {
                1
            }
        }
    }
}

fn date_value(day: i32) -> Value {
    (i64::from(day) + DAY_ZERO).cast_unsigned()
}

/// What people read for a value; none for null.
#[must_use]
pub fn text(key: Key, value: Value, dictionaries: &Dictionaries) -> Option<String> {
    if value == 0 {
        return None;
    }
    let small = usize::try_from(value - 1).unwrap_or(usize::MAX);
    match key {
        Key::Field(Field::Subject) => dictionaries.subject_text(value),
        Key::Field(Field::Result) => Outcome::ALL.get(small).map(|o| o.name().to_owned()),
        Key::Field(Field::References) => Some((value == u64::from(REFERENCES_YES)).to_string()),
        Key::Field(field) => dictionaries
            .of(field)
            .read()
            .text(u32::try_from(value).ok()?)
            .map(str::to_owned),
        Key::Date => {
            let (y, m, d) = date_of_days(i32::try_from(value.cast_signed() - DAY_ZERO).ok()?);
            Some(format!("{y:04}-{m:02}-{d:02}"))
        }
        Key::Hour => Some(small.to_string()),
        Key::Weekday => WEEKDAYS.get(small).map(|&w| w.to_owned()),
        Key::DayType => Some(if value == 2 { "closed" } else { "open" }.to_owned()),
    }
}

/// Tells what people read for a value, as [`text`], and the raw bytes of one of which some could not be decoded:
/// what tells it from others that read the same.
pub fn tell(
    key: Key,
    value: Value,
    dictionaries: &Dictionaries,
    to: impl FnOnce(Option<&[u8]>, Option<&[u8]>),
) {
    match key {
        Key::Field(field) if field == Field::Subject || id_column(field).is_some() => {
            if field == Field::Subject
                && let Some((digits, len)) = packed_digits(value)
            {
                return to(Some(&digits.to_le_bytes()[..len]), None);
            }
            let values = dictionaries.of(field).read();
            // (0, which is null, has neither.)
            let id = u32::try_from(value).unwrap_or(0);
            to(values.text(id).map(str::as_bytes), values.raw(id));
        }
        _ => to(
            text(key, value, dictionaries).as_deref().map(str::as_bytes),
            None,
        ),
    }
}

/// The value that a text of a list or policy stands for; none if no record can have it.
#[must_use]
pub fn parse(
    key: Key,
    text: &str,
    meaning: &Meaning,
    dictionaries: &Dictionaries,
) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    match key {
        Key::Field(Field::Subject) => {
            Some(dictionaries.subject(&meaning.text(Field::Subject, text), None))
        }
        Key::Field(Field::Result) => Outcome::ALL
            .iter()
            .find(|o| o.name() == text)
            .map(|&o| o as u64),
        Key::Field(Field::References) => match text {
            "true" => Some(REFERENCES_YES.into()),
            "false" => Some(REFERENCES_NO.into()),
            _ => Meaning::references(text).map(Into::into),
        },
        Key::Field(field) => Some(
            dictionaries
                .of(field)
                .intern(&meaning.text(field, text), None)
                .into(),
        ),
        Key::Date => parse_date(text).map(date_value),
        Key::Hour => text.parse::<u64>().ok().filter(|&h| h < 24).map(|h| h + 1),
        Key::Weekday => WEEKDAYS
            .iter()
            .position(|w| *w == text)
            .map(|w| w as u64 + 1),
        Key::DayType => match text {
            "open" => Some(1),
            "closed" => Some(2),
            _ => None,
        },
    }
    .filter(|&v| v != 0)
}
