//! Reads the cells of one source by its format.

use std::borrow::Cow;

use jiff::SignedDuration;
use jiff::civil::DateTime;

use super::cell::{Cell, compact_date, fraction, time_of_day, trim, year_month_day, zone_offset};
use super::{Form, TimeFormat, Zone, days_of_date, within_years};
use crate::log::encoding::Encoding;
use crate::record::DAY_MS;

/// The minute that the last time of the common form fell in.
#[derive(Clone, Copy)]
struct Minute {
    text: u128,
    ms: i64,
}

impl Minute {
    /// No time reads so.
    const NONE: Minute = Minute { text: 0, ms: 0 };
}

/// A day that a time of the common form fell in.
#[derive(Clone, Copy)]
struct Day {
    /// The first eleven bytes of the time.
    text: u128,
    ms: i64,
}

/// Bytes of [`Day::text`].
const DAY_TEXT: u128 = (1 << 88) - 1;

/// Days that are remembered.
const DAYS: usize = 256;

impl Day {
    /// Where the day of a text is remembered.
    #[allow(clippy::cast_possible_truncation)]
    fn place(text: u128) -> usize {
        let folded = (text as u64) ^ ((text >> 64) as u64).rotate_left(8);
        (folded.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as usize % DAYS
    }
}

/// Two digits that are less than `below`.
#[inline]
fn two_digits(text: &[u8], below: u8) -> Option<i64> {
    let (tens, ones) = (text[0].wrapping_sub(b'0'), text[1].wrapping_sub(b'0'));
    let number = (tens < 10 && ones < 10).then(|| tens * 10 + ones)?;
    (number < below).then_some(i64::from(number))
}

/// Reads times of one format. Holds a memo, so each thread has its own.
#[derive(Clone)]
pub struct TimeReader {
    format: TimeFormat,
    zone: Zone,
    encoding: Encoding,
    /// Whether cells of nineteen bytes are of the common form as a rule.
    common: bool,
    minute: Minute,
    /// Records in no order are of another minute at every step, but seldom of a new day.
    days: Vec<Day>,
    /// That of the minute.
    form: Option<Form>,
    /// Whether all times since the last [`TimeReader::begin`] were of one form.
    even: bool,
}

impl TimeReader {
    /// A reader of times in `format`; instants are converted to `zone`.
    #[must_use]
    pub fn new(format: TimeFormat, zone: Zone) -> TimeReader {
        TimeReader {
            common: format == TimeFormat::YearMonthDay,
            format,
            zone,
            encoding: Encoding::Utf8,
            minute: Minute::NONE,
            days: Vec::new(),
            form: None,
            even: true,
        }
    }

    /// Begins to look at the form of times, of cells whose bytes are of this encoding.
    pub fn begin(&mut self, encoding: Encoding) {
        self.encoding = encoding;
        self.even = true;
    }

    /// The form of all times that were read since [`TimeReader::begin`], if it is the common one
    /// throughout: they are written again from it and what they say.
    #[must_use]
    pub fn form(&self) -> Option<Form> {
        self.form.filter(|_| self.even)
    }

    /// Notes the form of a time of another minute.
    fn note_form(&mut self, text: &[u8]) {
        let form = Form {
            date: text[4],
            between: text[10],
        };
        let ascii = form.date.is_ascii() && form.between.is_ascii();
        self.even &= ascii && self.form.is_none_or(|known| known == form);
        self.form = Some(form);
    }

    /// Says what the bytes of the cells to come mean (UTF-8 until it is said).
    pub fn set_encoding(&mut self, encoding: Encoding) {
        self.encoding = encoding;
    }

    /// Local civil milliseconds of the text of a cell; none if it does not read.
    #[inline]
    pub fn read(&mut self, text: &[u8]) -> Option<i64> {
        if self.common && text.len() == 19 {
            return self.read_common(text);
        }
        self.even = false;
        self.read_any(text)
    }

    /// `YYYY/MM/DD hh:mm:ss`: times of one minute share their first sixteen bytes.
    #[inline(always)]
    fn read_common(&mut self, text: &[u8]) -> Option<i64> {
        let known = self.read_again(text);
        known.or_else(|| self.read_minute(text))
    }

    /// A time of the common form, if it is of the same minute as the one before: nothing but digits
    /// and what stood between them then.
    #[inline(always)]
    #[must_use]
    pub fn read_again(&self, text: &[u8]) -> Option<i64> {
        if text.len() != 19 {
            return None;
        }
        let minute = u128::from_le_bytes(text[..16].try_into().ok()?);
        let (tens, ones) = (text[17].wrapping_sub(b'0'), text[18].wrapping_sub(b'0'));
        let same = minute == self.minute.text && minute != 0;
        let seconds = i64::from(tens) * 10 + i64::from(ones);
        (same && text[16] == b':' && tens < 6 && ones < 10)
            .then_some(self.minute.ms + seconds * 1000)
    }

    /// The same for a time of another minute, or of another form.
    #[inline(never)]
    fn read_minute(&mut self, text: &[u8]) -> Option<i64> {
        let minute = u128::from_le_bytes(text[..16].try_into().ok()?);
        if let Some(ms) = self.read_day(text, minute) {
            self.note_form(text);
            return Some(ms);
        }
        let ms = self.read_any(text)?;
        let (tens, ones) = (text[17].wrapping_sub(b'0'), text[18].wrapping_sub(b'0'));
        let plain =
            text[4] == text[7] && text[13] == b':' && text[16] == b':' && tens < 6 && ones < 10;
        let digits = text
            .iter()
            .enumerate()
            .all(|(i, b)| b.is_ascii_digit() || matches!(i, 4 | 7 | 10 | 13 | 16));
        if plain && digits {
            self.note_form(text);
            self.minute = Minute {
                text: minute,
                ms: ms - i64::from(tens * 10 + ones) * 1000,
            };
            let text = minute & DAY_TEXT;
            self.days.resize(DAYS, Day { text: 0, ms: 0 });
            self.days[Day::place(text)] = Day {
                text,
                ms: ms - ms.rem_euclid(DAY_MS),
            };
        } else {
            self.even = false;
        }
        Some(ms)
    }

    /// The same for a time of a day that is remembered.
    fn read_day(&mut self, text: &[u8], minute: u128) -> Option<i64> {
        let wanted = minute & DAY_TEXT;
        let day = *self.days.get(Day::place(wanted))?;
        if day.text != wanted || wanted == 0 || text[13] != b':' || text[16] != b':' {
            return None;
        }
        let hour = two_digits(&text[11..13], 24)?;
        let ms = day.ms + (hour * 60 + two_digits(&text[14..16], 60)?) * 60_000;
        let seconds = two_digits(&text[17..19], 60)?;
        self.minute = Minute { text: minute, ms };
        Some(ms + seconds * 1000)
    }

    fn read_any(&self, text: &[u8]) -> Option<i64> {
        let text = &*self.decoded(text);
        let text = trim(text);
        let mut cell = Cell(text);
        match &self.format {
            TimeFormat::EpochSeconds | TimeFormat::EpochMillis => self.epoch(cell),
            TimeFormat::Explicit(formats) => {
                self.explicit(formats, std::str::from_utf8(text).ok()?)
            }
            TimeFormat::Compact => {
                let days = compact_date(&mut cell)?;
                let _ = cell.eat_any(&["T", "_", "-"]).is_some() || cell.spaces() > 0;
                self.finish(days, cell)
            }
            _ => {
                let days = self.date(&mut cell)?;
                let written = &text[..text.len() - cell.0.len()];
                let apart = cell.eat(b"T").is_some()
                    || cell.spaces() > 0
                    || written.ends_with("日".as_bytes());
                if !apart {
                    return None;
                }
                self.finish(days, cell)
            }
        }
    }

    /// Local civil milliseconds of a date cell and a time-of-day cell; none if either does not read.
    #[must_use]
    pub fn read_pair(&self, date: &[u8], time: &[u8]) -> Option<i64> {
        let (date, time) = (&*self.decoded(date), &*self.decoded(time));
        let (date, time) = (trim(date), trim(time));
        if let TimeFormat::Explicit(formats) = &self.format {
            let joined = format!(
                "{} {}",
                std::str::from_utf8(date).ok()?,
                std::str::from_utf8(time).ok()?
            );
            return self.explicit(formats, &joined);
        }
        let mut cell = Cell(date);
        let days = match self.format {
            TimeFormat::Compact => compact_date(&mut cell)?,
            TimeFormat::EpochSeconds | TimeFormat::EpochMillis => return None,
            _ => self.date(&mut cell)?,
        };
        // A date cell of a spreadsheet export may carry a midnight of its own.
        if cell.spaces() > 0 && time_of_day(&mut cell)? != 0 {
            return None;
        }
        cell.done()?;
        self.finish(days, Cell(time))
    }

    /// The cell as UTF-8.
    fn decoded<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        if text.is_ascii() {
            return Cow::Borrowed(text);
        }
        match self.encoding.decode(text).0 {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        }
    }

    fn date(&self, cell: &mut Cell<'_>) -> Option<i32> {
        let (y, m, d) = match self.format {
            TimeFormat::DayMonthYear | TimeFormat::MonthDayYear => {
                let a = cell.number(1, 2)?;
                let sep = cell.eat_any(&["/", "-", "."])?;
                let b = cell.number(1, 2)?;
                cell.eat(sep.as_bytes())?;
                let y = cell.number(4, 4)?;
                if self.format == TimeFormat::DayMonthYear {
                    (y, b, a)
                } else {
                    (y, a, b)
                }
            }
            _ => year_month_day(cell)?,
        };
        days_of_date(
            i32::try_from(y).ok()?,
            u32::try_from(m).ok()?,
            u32::try_from(d).ok()?,
        )
    }

    /// The time of day and an optional zone behind a date.
    fn finish(&self, days: i32, mut cell: Cell<'_>) -> Option<i64> {
        let civil = i64::from(days) * DAY_MS + time_of_day(&mut cell)?;
        cell.spaces();
        if cell.done().is_some() {
            return Some(civil);
        }
        let offset = zone_offset(&mut cell)?;
        cell.done()?;
        self.zone.civil(civil - offset * 1000)
    }

    fn epoch(&self, mut cell: Cell<'_>) -> Option<i64> {
        let whole = cell.number(1, 14)?;
        let ms = if self.format == TimeFormat::EpochMillis {
            if cell.eat(b".").is_some() {
                cell.number(1, 9)?;
            }
            whole
        } else {
            whole.checked_mul(1000)? + fraction(&mut cell)?
        };
        cell.done()?;
        self.zone.civil(ms)
    }

    fn explicit(&self, formats: &[String], text: &str) -> Option<i64> {
        // A format's white space would match line ends too.
        if text.contains(['\n', '\r']) {
            return None;
        }
        formats.iter().find_map(|format| {
            let parsed = jiff::fmt::strtime::parse(format, text).ok()?;
            if let Ok(instant) = parsed.to_timestamp() {
                return self.zone.civil(instant.as_millisecond());
            }
            let civil: DateTime = match parsed.to_datetime() {
                Ok(civil) => civil,
                Err(_) => parsed.to_date().ok()?.at(0, 0, 0, 0),
            };
            let zero: SignedDuration =
                civil.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
            within_years(i64::try_from(zero.as_millis()).ok()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::time::format_ms;

    fn reader(format: TimeFormat) -> TimeReader {
        TimeReader::new(format, Zone::named("Asia/Tokyo").unwrap())
    }

    #[test]
    fn times_that_logs_write_are_read() {
        use TimeFormat::{
            Compact, DayMonthYear, EpochMillis, EpochSeconds, Explicit, MonthDayYear, YearMonthDay,
        };
        let us = Explicit(vec!["%m/%d/%Y %I:%M:%S %p".into()]);
        let zoned = Explicit(vec!["%Y-%m-%d %H:%M:%S %z".into()]);
        let cases = [
            (YearMonthDay, "2019/02/02 19:48:52", "2019-02-02 19:48:52"),
            (YearMonthDay, "2019-02-02 19:48:52", "2019-02-02 19:48:52"),
            (YearMonthDay, "2019.2.2 9:48:52", "2019-02-02 09:48:52"),
            (YearMonthDay, "2019/2/2 19:48", "2019-02-02 19:48:00"),
            (
                YearMonthDay,
                "2019-02-02T19:48:52.1239",
                "2019-02-02 19:48:52.123",
            ),
            (YearMonthDay, "2019-02-02T19:48:52Z", "2019-02-03 04:48:52"),
            (
                YearMonthDay,
                "2019-02-02T19:48:52+09:00",
                "2019-02-02 19:48:52",
            ),
            (
                YearMonthDay,
                "2019-02-02 19:48:52 -0330",
                "2019-02-03 08:18:52",
            ),
            (
                YearMonthDay,
                "2019年2月2日 19時48分52秒",
                "2019-02-02 19:48:52",
            ),
            (
                YearMonthDay,
                "2019年2月2日19時48分52秒",
                "2019-02-02 19:48:52",
            ),
            (YearMonthDay, "令和7年4月1日 8:30", "2025-04-01 08:30:00"),
            (
                YearMonthDay,
                "令和元年5月1日 8時30分",
                "2019-05-01 08:30:00",
            ),
            (YearMonthDay, "R07.04.01 08:30:00", "2025-04-01 08:30:00"),
            (DayMonthYear, "02/03/2019 19:48:52", "2019-03-02 19:48:52"),
            (MonthDayYear, "02/03/2019 19:48:52", "2019-02-03 19:48:52"),
            (Compact, "20190202194852", "2019-02-02 19:48:52"),
            (Compact, "20190202194852123", "2019-02-02 19:48:52.123"),
            (EpochSeconds, "1549104532", "2019-02-02 19:48:52"),
            (EpochSeconds, "1549104532.5", "2019-02-02 19:48:52.500"),
            (EpochMillis, "1549104532007", "2019-02-02 19:48:52.007"),
            (us, "02/03/2019 07:48:52 PM", "2019-02-03 19:48:52"),
            (zoned, "2019-02-02 19:48:52 +0000", "2019-02-03 04:48:52"),
        ];
        for (format, text, expected) in cases {
            let ms = reader(format.clone()).read(text.as_bytes());
            assert_eq!(
                ms.map(format_ms).as_deref(),
                Some(expected),
                "{format:?} {text}"
            );
        }
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "",
            " ",
            "2019/02/30 00:00:00",
            "2019/02/02",
            "2019/02/02 24:00:00",
            "2019/02/02 19:60:00",
            "2019/02/02 19:48:60",
            "2019/02/02 19:48:5",
            "2019/02-02 19:48:52",
            "19/02/02 19:48:52",
            "2019/02/02 19:48:52x",
            "2019/02/02 19:48:52+9",
            "x019/02/02 19:48:52",
            "2019/02/02 1a:48:52",
            "2019/02/0219:48:52",
        ] {
            assert_eq!(
                reader(TimeFormat::YearMonthDay).read(text.as_bytes()),
                None,
                "{text}"
            );
        }
    }

    #[test]
    fn the_memo_of_a_minute_changes_nothing() {
        let mut one = reader(TimeFormat::YearMonthDay);
        for text in [
            "2019/02/02 19:48:52",
            "2019/02/02 19:48:07",
            "2019/02/02 19:48:6x",
            "2019/02/02 19:48:60",
            "2019/02/02 19:48-07",
            "2019/02/02 19:49:07",
            "2019/02/02T19:49:08",
            "2019/02/31 19:49:08",
            "2019/2/12 19:49:080",
            "2019/2/2  19:49:080",
            "2019/2/2 19:49:08.12",
            "2019/2/2 19:49:08.13",
        ] {
            let fresh = reader(TimeFormat::YearMonthDay).read(text.as_bytes());
            assert_eq!(one.read(text.as_bytes()), fresh, "{text}");
        }
    }

    #[test]
    fn two_cells_make_one_time() {
        let ymd = reader(TimeFormat::YearMonthDay);
        let read = |d: &str, t: &str| ymd.read_pair(d.as_bytes(), t.as_bytes()).map(format_ms);
        assert_eq!(
            read("2019/2/2", "19:48:52").as_deref(),
            Some("2019-02-02 19:48:52")
        );
        assert_eq!(
            read("2019/2/2", "194852").as_deref(),
            Some("2019-02-02 19:48:52")
        );
        assert_eq!(
            read("2019/2/2 0:00:00", "19:48").as_deref(),
            Some("2019-02-02 19:48:00")
        );
        assert_eq!(read("2019/2/2", ""), None);
        assert_eq!(read("2019/2/2x", "19:48"), None);
        let compact = reader(TimeFormat::Compact);
        assert_eq!(
            compact
                .read_pair(b"20190202", b"194852")
                .map(format_ms)
                .as_deref(),
            Some("2019-02-02 19:48:52")
        );
    }
}
