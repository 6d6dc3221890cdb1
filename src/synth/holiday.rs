//! The national holidays of Japan (国民の祝日に関する法律 as it stands since 2022).
//!
//! In: a date. Out: whether it is a holiday, a substitute holiday or a day between two holidays. Years
//! before 2022 are judged by the same law, which is near enough for an invented log; the equinoxes are
//! those of the usual formula, good for 1980–2099.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// Whether the day is a holiday of any sort.
pub(super) fn is_holiday(date: Date) -> bool {
    named(date) || substitute(date) || between(date)
}

/// The holidays that have a name.
fn named(date: Date) -> bool {
    let monday = date.weekday() == Weekday::Monday;
    // Whether this is the n-th Monday of its month.
    let nth = |n: i8| monday && (date.day() + 6) / 7 == n;
    match date.month() {
        1 => date.day() == 1 || nth(2),
        2 => matches!(date.day(), 11 | 23),
        3 => date.day() == equinox(date.year(), 208_431),
        4 => date.day() == 29,
        5 => matches!(date.day(), 3..=5),
        7 => nth(3),
        8 => date.day() == 11,
        9 => nth(3) || date.day() == equinox(date.year(), 232_488),
        10 => nth(2),
        11 => matches!(date.day(), 3 | 23),
        _ => false,
    }
}

/// A holiday on a Sunday moves to the next day that is none.
fn substitute(date: Date) -> bool {
    let before = (1..=3)
        .map_while(|n| date.checked_sub(n.days()).ok())
        .take_while(|&d| named(d));
    !named(date) && before.into_iter().any(|d| d.weekday() == Weekday::Sunday)
}

/// A day between two holidays is one too.
fn between(date: Date) -> bool {
    date.yesterday().is_ok_and(named) && date.tomorrow().is_ok_and(named)
}

/// The day of an equinox: `base` is the day of 1980 in ten-thousandths.
fn equinox(year: i16, base: i32) -> i8 {
    let years = i32::from(year) - 1980;
    let day = (base * 100 + years * 242_194) / 1_000_000 - years.div_euclid(4);
    i8::try_from(day).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_holidays_of_some_years_are_known() {
        #[rustfmt::skip]
        let years: [(i16, &[(i8, i8)]); 2] = [
            (2024, &[(1, 1), (1, 8), (2, 11), (2, 12), (2, 23), (3, 20), (4, 29), (5, 3), (5, 4), (5, 5), (5, 6), (7, 15),
                     (8, 11), (8, 12), (9, 16), (9, 22), (9, 23), (10, 14), (11, 3), (11, 4), (11, 23)]),
            (2026, &[(1, 1), (1, 12), (2, 11), (2, 23), (3, 20), (4, 29), (5, 3), (5, 4), (5, 5), (5, 6), (7, 20), (8, 11),
                     (9, 21), (9, 22), (9, 23), (10, 12), (11, 3), (11, 23)]),
        ];
        for (year, expected) in years {
            let found: Vec<(i8, i8)> = date(year, 1, 1)
                .series(1.day())
                .take_while(|d| d.year() == year)
                .filter(|&d| is_holiday(d))
                .map(|d| (d.month(), d.day()))
                .collect();
            assert_eq!(found, expected, "{year}");
        }
    }

    #[test]
    fn equinoxes_fall_where_they_should() {
        for (year, spring, autumn) in [
            (1980, 20, 23),
            (2000, 20, 23),
            (2023, 21, 23),
            (2025, 20, 23),
            (2028, 20, 22),
            (2099, 20, 23),
        ] {
            assert_eq!(
                (equinox(year, 208_431), equinox(year, 232_488)),
                (spring, autumn),
                "{year}"
            );
        }
    }

    #[test]
    fn the_ends_of_the_calendar_are_no_trouble() {
        assert!(is_holiday(date(1, 1, 1)));
        assert!(!is_holiday(date(9999, 12, 31)));
        assert!(is_holiday(Date::MIN));
    }
}
