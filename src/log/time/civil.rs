//! Civil dates and days since 1970-01-01, proleptic Gregorian.

use crate::record::DAY_MS;

/// Days since 1970-01-01 of a date; none if there is no such date between years 1 and 9999.
///
/// Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
#[must_use]
pub fn days_of_date(year: i32, month: u32, day: u32) -> Option<i32> {
    if !(1..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || day < 1
        || day > month_length(year, month)
    {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let m = month.cast_signed();
    let doy = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + day.cast_signed() - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    Some(era * 146_097 + doe - 719_468)
}

fn month_length(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The time, if it lies in the years 1 to 9999: beyond them, calendars have no days.
#[must_use]
pub fn within_years(ms: i64) -> Option<i64> {
    const FIRST: i64 = -719_162 * DAY_MS;
    const END: i64 = 2_932_897 * DAY_MS;
    (FIRST..END).contains(&ms).then_some(ms)
}

/// Year, month, day of days since 1970-01-01. Source: as [`days_of_date`], `civil_from_days`.
#[must_use]
pub fn date_of_days(days: i32) -> (i32, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = (doy - (153 * mp + 2) / 5 + 1).cast_unsigned();
    let month = (if mp < 10 { mp + 3 } else { mp - 9 }).cast_unsigned();
    let year = yoe + era * 400 + i32::from(month <= 2);
    (year, month, day)
}

/// `YYYY-MM-DD hh:mm:ss` (with `.fff` where there are milliseconds) of local civil milliseconds.
#[must_use]
pub fn format_ms(ms: i64) -> String {
    let (days, rest) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    let (y, m, d) = date_of_days(i32::try_from(days).unwrap_or(0));
    let (h, min, s, f) = (
        rest / 3_600_000,
        rest / 60_000 % 60,
        rest / 1000 % 60,
        rest % 1000,
    );
    let fraction = if f == 0 {
        String::new()
    } else {
        format!(".{f:03}")
    };
    format!("{y:04}-{m:02}-{d:02} {h:02}:{min:02}:{s:02}{fraction}")
}

/// What stands between the numbers of a time of the common form, `YYYY/MM/DD hh:mm:ss`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Between year, month and day.
    pub date: u8,
    /// Between date and time of day.
    pub between: u8,
}

/// Puts local civil milliseconds of whole seconds in the years 0 to 9999 behind what `to` holds, in a
/// form whose bytes are ASCII.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn push_civil(form: Form, ms: i64, to: &mut String) {
    let (days, rest) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    let (y, m, d) = date_of_days(i32::try_from(days).unwrap_or(0));
    let (y, seconds) = (y.unsigned_abs(), rest as u32 / 1000);
    let Form { date, between } = form;
    let mut text = [
        0, 0, 0, 0, date, 0, 0, date, 0, 0, between, 0, 0, b':', 0, 0, b':', 0, 0,
    ];
    let numbers = [
        (0, y / 100),
        (2, y % 100),
        (5, m),
        (8, d),
        (11, seconds / 3600),
        (14, seconds / 60 % 60),
        (17, seconds % 60),
    ];
    for (at, number) in numbers {
        text[at] = b'0' + (number / 10) as u8;
        text[at + 1] = b'0' + (number % 10) as u8;
    }
    to.push_str(std::str::from_utf8(&text).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_inverse() {
        assert_eq!(days_of_date(1970, 1, 1), Some(0));
        assert_eq!(days_of_date(2000, 2, 29), Some(11_016));
        assert_eq!(days_of_date(2019, 2, 29), None);
        assert_eq!(days_of_date(2019, 13, 1), None);
        for days in -719_162..=2_932_896 {
            let (y, m, d) = date_of_days(days);
            assert_eq!(days_of_date(y, m, d), Some(days));
        }
        assert_eq!(format_ms(1_549_136_932_005), "2019-02-02 19:48:52.005");
    }

    #[test]
    fn a_time_is_written_in_its_form() {
        let form = |date, between| Form { date, between };
        for (form, ms, text) in [
            (form(b'/', b' '), 1_549_136_932_000, "2019/02/02 19:48:52"),
            (form(b'-', b'T'), -62_135_596_800_000, "0001-01-01T00:00:00"),
            (form(b'.', b' '), 253_402_300_799_000, "9999.12.31 23:59:59"),
        ] {
            let mut written = String::from("|");
            push_civil(form, ms, &mut written);
            assert_eq!(written, format!("|{text}"));
        }
    }
}
