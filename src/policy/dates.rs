//! Civil dates, times and times of day, as people write them. No zones.

use std::fmt::Write as _;

use jiff::ToSpan;
use jiff::civil::Date;

use crate::record::DAY_MS;
use crate::words::Phrase;

const EPOCH: Date = Date::constant(1970, 1, 1);

/// What a date looks like.
pub(super) const EXPECTED_DATE: Phrase = (
    "a date such as \"2025-04-01\" or \"2025/4/1\"",
    "暦にある日付（例: \"2025-04-01\"、\"2025/4/1\"）",
);

/// Days since 1970-01-01 of `2019-02-04`, `2019/2/4`, `2019.2.4` or `20190204`.
pub(super) fn parse_date(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    if bytes.len() == 8 && bytes.iter().all(u8::is_ascii_digit) {
        return date(&text[..4], &text[4..6], &text[6..]);
    }
    let separator = ['-', '/', '.'].into_iter().find(|&c| text.contains(c))?;
    let mut parts = text.split(separator);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 || month.len() > 2 || day.len() > 2 {
        return None;
    }
    date(year, month, day)
}

fn date(year: &str, month: &str, day: &str) -> Option<i32> {
    let date = Date::new(
        i16::try_from(number(year)?).ok()?,
        i8::try_from(number(month)?).ok()?,
        i8::try_from(number(day)?).ok()?,
    );
    date.ok().filter(|date| date.year() >= 1).map(days)
}

/// Days since 1970-01-01.
pub(super) fn days(date: Date) -> i32 {
    (date - EPOCH).get_days()
}

/// `YYYY-MM-DD`.
pub(super) fn format_date(days: i32) -> String {
    EPOCH
        .checked_add(days.days())
        .map_or_else(|_| days.to_string(), |date| date.to_string())
}

fn number(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Days and milliseconds of a TOML date or date-time without a zone; a date alone has no
/// milliseconds. None: a time alone, a zone, an impossible date, parts of a millisecond.
pub(super) fn from_toml(time: &toml_edit::Datetime) -> Option<(i32, Option<i64>)> {
    let date = time.date?;
    if time.offset.is_some() {
        return None;
    }
    let day = Date::new(
        i16::try_from(date.year).ok()?,
        i8::try_from(date.month).ok()?,
        i8::try_from(date.day).ok()?,
    );
    let day = day.ok().filter(|date| date.year() >= 1).map(days)?;
    let Some(clock) = time.time else {
        return Some((day, None));
    };
    let (second, nanosecond) = (clock.second.unwrap_or(0), clock.nanosecond.unwrap_or(0));
    if second > 59 || nanosecond % 1_000_000 != 0 {
        return None;
    }
    let seconds = i64::from(clock.hour) * 3_600 + i64::from(clock.minute) * 60 + i64::from(second);
    Some((
        day,
        Some(seconds * 1_000 + i64::from(nanosecond / 1_000_000)),
    ))
}

/// Days and, unless it is a date alone, milliseconds of the day.
pub(super) fn parse_date_time(text: &str) -> Option<(i32, Option<i64>)> {
    let Some(at) = text.find(['T', ' ']) else {
        return Some((parse_date(text)?, None));
    };
    let (date, clock) = (parse_date(&text[..at])?, &text[at + 1..]);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    if fraction.len() > 3 {
        return None;
    }
    let scale = [100, 10, 1][fraction.len().checked_sub(1)?];
    let ms = parse_clock(clock)? + i64::from(number(fraction)?) * scale;
    (ms < DAY_MS).then_some((date, Some(ms)))
}

/// Milliseconds of the day of `8:30`, `08:30` or `08:30:15`; `24:00` is the end of the day.
fn parse_clock(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next().unwrap_or("00"));
    if parts.next().is_some() || hour.len() > 2 || minute.len() != 2 || second.len() != 2 {
        return None;
    }
    let (hour, minute, second) = (number(hour)?, number(minute)?, number(second)?);
    if minute > 59 || second > 59 {
        return None;
    }
    let ms = i64::from(hour * 3_600 + minute * 60 + second) * 1_000;
    (ms <= DAY_MS).then_some(ms)
}

/// From and to of `22:00-05:00`. `24:00` only as the end.
pub(super) fn clock_span(text: &str) -> Option<(i64, i64)> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (parse_clock(from.trim())?, parse_clock(to.trim())?);
    (from < DAY_MS).then_some((from, to))
}

/// `HH:MM`, with seconds where there are any.
pub(super) fn format_clock(ms: i64) -> String {
    let seconds = ms / 1_000;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if second == 0 {
        format!("{hour:02}:{minute:02}")
    } else {
        format!("{hour:02}:{minute:02}:{second:02}")
    }
}

/// `YYYY-MM-DDTHH:MM:SS`, with milliseconds where there are any.
pub(super) fn format_date_time(ms: i64) -> String {
    let day = i32::try_from(ms.div_euclid(DAY_MS)).unwrap_or(i32::MAX);
    let rest = ms.rem_euclid(DAY_MS);
    let (seconds, fraction) = (rest / 1_000, rest % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let mut out = format!("{}T{hour:02}:{minute:02}:{second:02}", format_date(day));
    if fraction != 0 {
        let _ = write!(out, ".{fraction:03}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_people_write_them() {
        for text in [
            "2019-02-04",
            "2019/02/04",
            "2019/2/4",
            "2019.2.4",
            "20190204",
        ] {
            assert_eq!(parse_date(text), Some(17_931), "{text}");
        }
        assert_eq!(format_date(17_931), "2019-02-04");
        assert_eq!(parse_date("1970-01-01"), Some(0));
        assert_eq!(parse_date("1969-12-31"), Some(-1));
        assert_eq!(format_date(parse_date("9999-12-31").unwrap()), "9999-12-31");
        for text in [
            "",
            "2019",
            "2019-02",
            "2019-02-30",
            "2019-13-01",
            "19-02-04",
            "2019-02-04-01",
            "2019-2/4",
            "２０１９-02-04",
            "0000-01-01",
            "2019-002-4",
            "20190230",
            "2019年2月4日",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn date_times() {
        assert_eq!(parse_date_time("2019-02-04"), Some((17_931, None)));
        assert_eq!(
            parse_date_time("2019-02-04T19:48:52"),
            Some((17_931, Some(71_332_000)))
        );
        assert_eq!(
            parse_date_time("2019/2/4 9:05"),
            Some((17_931, Some(32_700_000)))
        );
        assert_eq!(
            parse_date_time("2019/2/4 00:00:00.25"),
            Some((17_931, Some(250)))
        );
        for text in [
            "2019-02-04T",
            "2019-02-04T24:00",
            "2019-02-04T12",
            "2019-02-04T12:60",
            "2019-02-04T12:00:00Z",
            "2019-02-04T12:00:00+09:00",
            "2019-02-04T12:00:00.",
            "2019-02-04T12:00:00.0001",
            "2019-02-04  12:00",
        ] {
            assert_eq!(parse_date_time(text), None, "{text}");
        }
        assert_eq!(
            format_date_time(17_931 * DAY_MS + 71_332_000),
            "2019-02-04T19:48:52"
        );
        assert_eq!(format_date_time(-1), "1969-12-31T23:59:59.999");
    }

    #[test]
    fn spans_of_the_day() {
        assert_eq!(clock_span("08:30-17:15"), Some((30_600_000, 62_100_000)));
        assert_eq!(clock_span("22:00 - 5:00"), Some((79_200_000, 18_000_000)));
        assert_eq!(clock_span("0:00-24:00"), Some((0, DAY_MS)));
        for text in [
            "",
            "-",
            "8-17",
            "24:00-05:00",
            "08:30",
            "08:30-25:00",
            "08:30〜17:15",
            "8:3-9:00",
        ] {
            assert_eq!(clock_span(text), None, "{text}");
        }
        assert_eq!(format_clock(30_600_000), "08:30");
        assert_eq!(format_clock(DAY_MS), "24:00");
        assert_eq!(format_clock(1_000), "00:00:01");
    }
}
