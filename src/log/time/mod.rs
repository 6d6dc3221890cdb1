//! Reading times: text of a cell (or of a date cell and a time cell) → local civil milliseconds.
//!
//! The *format* of a source is detected once from a sample ([`detect`]) or given; then every cell is
//! read by it ([`TimeReader`]). A cell that does not read is a rejected record, never a guess.

mod cell;
mod civil;
mod detect;
mod reader;
mod zone;

pub use civil::{Form, date_of_days, days_of_date, format_ms, push_civil, within_years};
pub use detect::{Detection, detect};
pub use reader::TimeReader;
pub use zone::Zone;

/// How the times of one source read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// Year, month, day with separators (also 年月日 and 令和), then the time of day.
    YearMonthDay,
    /// Day, month, year with separators, then the time of day.
    DayMonthYear,
    /// Month, day, year with separators, then the time of day.
    MonthDayYear,
    /// Digits only: `YYYYMMDD` and `HHMMSS`, milliseconds if there are three more.
    Compact,
    /// Seconds since 1970-01-01 UTC, with an optional fraction.
    EpochSeconds,
    /// Milliseconds since 1970-01-01 UTC.
    EpochMillis,
    /// strftime formats, tried in order.
    Explicit(Vec<String>),
}

impl TimeFormat {
    /// The formats that detection tries, likeliest first.
    pub const DETECTED: [TimeFormat; 6] = [
        TimeFormat::YearMonthDay,
        TimeFormat::Compact,
        TimeFormat::EpochSeconds,
        TimeFormat::EpochMillis,
        TimeFormat::DayMonthYear,
        TimeFormat::MonthDayYear,
    ];

    /// The name in reports: a pattern a person can read.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            TimeFormat::YearMonthDay => "year/month/day time".into(),
            TimeFormat::DayMonthYear => "day/month/year time".into(),
            TimeFormat::MonthDayYear => "month/day/year time".into(),
            TimeFormat::Compact => "YYYYMMDDhhmmss".into(),
            TimeFormat::EpochSeconds => "epoch seconds".into(),
            TimeFormat::EpochMillis => "epoch milliseconds".into(),
            TimeFormat::Explicit(formats) => formats.join(" | "),
        }
    }
}
