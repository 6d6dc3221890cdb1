//! The civil days of the log, and which of them the office is closed on.
//!
//! Closed are Saturdays, Sundays, national holidays and 12/29–1/3, as in the default policy.

use std::io;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::config::invalid;
use super::holiday::is_holiday;

/// The days of the log, counted from 0.
pub(super) struct Calendar {
    start: Date,
    days: Vec<Day>,
}

/// What matters of a day.
#[derive(Clone, Copy)]
struct Day {
    closed: bool,
    /// 0 for Monday.
    weekday: u8,
}

impl Calendar {
    /// `days` civil days from `start`.
    pub(super) fn new(start: Date, days: u32) -> io::Result<Self> {
        let last = start.checked_add(i64::from(days - 1).days());
        if start.year() < 1 || last.is_err() {
            return Err(invalid("the period must lie within the years 1 to 9999"));
        }
        let days = start
            .series(1.day())
            .take(days as usize)
            .map(Day::new)
            .collect();
        Ok(Calendar { start, days })
    }

    /// Whether the office is closed.
    pub(super) fn closed(&self, day: u32) -> bool {
        self.days[day as usize].closed
    }

    /// 0 for Monday to 6 for Sunday.
    pub(super) fn weekday(&self, day: u32) -> u8 {
        self.days[day as usize].weekday
    }

    /// The number of days.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.days.len()).unwrap_or(u32::MAX)
    }

    /// The date as it begins a record's time: `2024/04/01 `, blank included.
    pub(super) fn prefix(&self, day: u32) -> String {
        let date = self
            .start
            .checked_add(i64::from(day).days())
            .unwrap_or(self.start);
        format!("{:04}/{:02}/{:02} ", date.year(), date.month(), date.day())
    }
}

impl Day {
    fn new(date: Date) -> Self {
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        let new_year = matches!((date.month(), date.day()), (12, 29..) | (1, ..=3));
        Day {
            closed: weekend || new_year || is_holiday(date),
            weekday: u8::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn weekends_holidays_and_the_turn_of_the_year_are_closed() {
        let calendar = Calendar::new(date(2024, 12, 26), 10).unwrap();
        let closed: Vec<bool> = (0..calendar.len()).map(|d| calendar.closed(d)).collect();
        // Thu Fri | Sat Sun, 12/30–1/3 | Sat
        assert_eq!(
            closed,
            [false, false, true, true, true, true, true, true, true, true]
        );
        assert_eq!(calendar.weekday(0), 3);
        assert_eq!(calendar.prefix(6), "2025/01/01 ");
        assert!(Calendar::new(date(2024, 4, 29), 1).unwrap().closed(0));
    }

    #[test]
    fn a_period_beyond_the_calendar_is_refused() {
        assert!(Calendar::new(date(9999, 12, 30), 3).is_err());
        assert!(Calendar::new(date(-5, 1, 1), 3).is_err());
        assert!(Calendar::new(date(9999, 12, 30), 2).is_ok());
    }
}
