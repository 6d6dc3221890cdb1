//! Tells the time format of a source from a sample of its cells.

use super::{TimeFormat, TimeReader, Zone};
use crate::log::encoding::Encoding;

/// What a sample of time cells tells.
#[derive(Debug, PartialEq, Eq)]
pub enum Detection {
    /// The format that reads most of the sample.
    Format(TimeFormat),
    /// Day and month could be either way round: the user must say.
    DayOrMonth,
    /// No known format reads the sample.
    Unknown,
}

/// Tells the format of cells (`time` is empty where one cell holds both): the one that reads most.
#[must_use]
#[allow(clippy::needless_pass_by_value)]
pub fn detect<'a>(
    cells: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + Clone,
    zone: &Zone,
    encoding: Encoding,
) -> Detection {
    let read = |format: &TimeFormat| {
        let mut reader = TimeReader::new(format.clone(), zone.clone());
        reader.set_encoding(encoding);
        cells
            .clone()
            .filter(|&(date, time)| {
                plausible(format, date)
                    && match time {
                        Some(time) => reader.read_pair(date, time).is_some(),
                        None => reader.read(date).is_some(),
                    }
            })
            .count()
    };
    let counts: Vec<(TimeFormat, usize)> = TimeFormat::DETECTED
        .into_iter()
        .map(|f| {
            let n = read(&f);
            (f, n)
        })
        .collect();
    let day_first = count_of(&counts, &TimeFormat::DayMonthYear);
    let month_first = count_of(&counts, &TimeFormat::MonthDayYear);
    let best = counts.iter().map(|c| c.1).max().unwrap_or(0);
    if best == 0 {
        return Detection::Unknown;
    }
    if day_first == best && month_first == best {
        return Detection::DayOrMonth;
    }
    counts
        .into_iter()
        .find(|c| c.1 == best)
        .map_or(Detection::Unknown, |c| Detection::Format(c.0))
}

fn count_of(counts: &[(TimeFormat, usize)], format: &TimeFormat) -> usize {
    counts.iter().find(|c| c.0 == *format).map_or(0, |c| c.1)
}

/// Digits alone are an epoch only with as many of them as epochs of 2001–2286 have.
fn plausible(format: &TimeFormat, cell: &[u8]) -> bool {
    let digits = cell
        .trim_ascii()
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    match format {
        TimeFormat::EpochSeconds => digits == 10,
        TimeFormat::EpochMillis => digits == 13,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cells: &[&str]) -> Detection {
        let zone = Zone::named("Asia/Tokyo").unwrap();
        detect(
            cells.iter().map(|c| (c.as_bytes(), None)),
            &zone,
            Encoding::Utf8,
        )
    }

    #[test]
    fn a_sample_tells_its_format() {
        use Detection::{DayOrMonth, Format, Unknown};
        assert_eq!(
            of(&["2019/02/02 19:48:52", ""]),
            Format(TimeFormat::YearMonthDay)
        );
        assert_eq!(of(&["20190202194852"]), Format(TimeFormat::Compact));
        assert_eq!(of(&["1549104532"]), Format(TimeFormat::EpochSeconds));
        assert_eq!(of(&["1549104532000"]), Format(TimeFormat::EpochMillis));
        assert_eq!(
            of(&["02/03/2019 10:00", "13/03/2019 10:00"]),
            Format(TimeFormat::DayMonthYear)
        );
        assert_eq!(
            of(&["02/03/2019 10:00", "03/13/2019 10:00"]),
            Format(TimeFormat::MonthDayYear)
        );
        assert_eq!(of(&["02/03/2019 10:00", "11/03/2019 10:00"]), DayOrMonth);
        assert_eq!(of(&["yesterday"]), Unknown);
        assert_eq!(
            of(&["2019/02/02 19:48:52", "x", "y"]),
            Format(TimeFormat::YearMonthDay)
        );
        assert_eq!(of(&[]), Unknown);
    }
}
