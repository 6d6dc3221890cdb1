//! Durations (`"90s"`, `"10m"`, `"1h30m"`) and lookbacks (`"90d"`).

use crate::record::DAY_MS;
use crate::words::Phrase;

/// What a duration looks like.
pub(super) const EXPECTED: Phrase = (
    "a duration such as \"90s\", \"10m\", \"24h\", \"7d\" or \"1h30m\"",
    "時間の長さ（\"90s\" は 90 秒、\"10m\" は 10 分、\"24h\" は 24 時間、\"7d\" は 7 日、\"1h30m\" は 1 時間半）",
);

/// What a lookback looks like.
pub(super) const EXPECTED_DAYS: Phrase = (
    "a number of whole days such as \"90d\"",
    "日数（\"90d\" は 90 日）",
);

/// The longest duration: a hundred years, so that sums of times cannot overflow.
pub(super) const LONGEST_DAYS: u32 = 36_500;

const UNITS: [(char, i64); 4] = [('d', DAY_MS), ('h', 3_600_000), ('m', 60_000), ('s', 1_000)];

/// Milliseconds of a duration; units from large to small, each at most once.
pub(super) fn parse(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut units = &UNITS[..];
    let mut total: i64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        let place = units.iter().position(|&(name, _)| name == unit)?;
        total = total.checked_add(number.checked_mul(units[place].1)?)?;
        units = &units[place + 1..];
        rest = &rest[digits + 1..];
    }
    (total <= i64::from(LONGEST_DAYS) * DAY_MS).then_some(total)
}

/// Days of a lookback, at least one.
pub(super) fn parse_days(text: &str) -> Option<u32> {
    let digits = text.strip_suffix('d')?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let days: u32 = digits.parse().ok()?;
    (1..=LONGEST_DAYS).contains(&days).then_some(days)
}

/// The shortest way to write a duration: a single unit. Whole seconds are kept.
pub(super) fn format(ms: i64) -> String {
    if ms == 0 {
        return "0m".to_owned();
    }
    // A day of a window is written as hours: "24h" reads as a length, "1d" as a date.
    let units = if ms < 3 * DAY_MS {
        &UNITS[1..]
    } else {
        &UNITS[..]
    };
    units
        .iter()
        .find(|&&(_, length)| ms % length == 0)
        .map_or_else(
            || format!("{}s", ms / 1_000),
            |&(unit, length)| format!("{}{unit}", ms / length),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, ms) in [
            ("90s", 90_000),
            ("10m", 600_000),
            ("24h", DAY_MS),
            ("7d", 7 * DAY_MS),
            ("1h30m", 5_400_000),
            ("1d2h3m4s", 93_784_000),
            ("0m", 0),
            ("36500d", 36_500 * DAY_MS),
        ] {
            assert_eq!(parse(text), Some(ms), "{text}");
        }
        for text in [
            "",
            "10",
            "m",
            "1.5h",
            "-5m",
            "+5m",
            "10 m",
            " 10m",
            "10M",
            "10ms",
            "1m1h",
            "1m1m",
            "36501d",
            "99999999999999999999d",
            "9223372036854775807d",
            "10分",
            "１０m",
            "1w",
            "PT1H",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn lookbacks() {
        assert_eq!(parse_days("90d"), Some(90));
        for text in ["", "d", "0d", "90", "24h", "1.5d", "+1d", "36501d", "1d1d"] {
            assert_eq!(parse_days(text), None, "{text}");
        }
    }

    #[test]
    fn written_as_read() {
        for ms in [
            0,
            1_000,
            60_000,
            90_000,
            5_400_000,
            DAY_MS,
            7 * DAY_MS,
            3_600_000,
        ] {
            assert_eq!(parse(&format(ms)), Some(ms));
        }
        assert_eq!(format(DAY_MS), "24h");
        assert_eq!(format(7 * DAY_MS), "7d");
        assert_eq!(format(5_400_000), "90m");
    }
}
