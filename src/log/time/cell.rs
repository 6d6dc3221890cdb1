//! The parts of a time as they are written: dates, times of day, offsets, read from a cell's bytes.

use super::days_of_date;

/// A cursor over the bytes of one cell.
pub(super) struct Cell<'a>(pub(super) &'a [u8]);

impl<'a> Cell<'a> {
    /// A number of `least..=most` digits.
    pub(super) fn number(&mut self, least: usize, most: usize) -> Option<i64> {
        let n = self
            .0
            .iter()
            .take(most)
            .take_while(|b| b.is_ascii_digit())
            .count();
        if n < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(n);
        self.0 = rest;
        Some(digits.iter().fold(0, |v, b| v * 10 + i64::from(b - b'0')))
    }

    pub(super) fn eat(&mut self, wanted: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(wanted)?;
        Some(())
    }

    pub(super) fn eat_any(&mut self, wanted: &[&'a str]) -> Option<&'a str> {
        let found = wanted.iter().find(|w| self.0.starts_with(w.as_bytes()))?;
        self.0 = &self.0[found.len()..];
        Some(found)
    }

    pub(super) fn spaces(&mut self) -> usize {
        let before = self.0.len();
        while self.eat_any(&[" ", "\t", "\u{3000}"]).is_some() {}
        before - self.0.len()
    }

    pub(super) fn done(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// Outer spaces removed: ASCII and full-width ones, and tabs.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    const SPACES: [&[u8]; 3] = [b" ", b"\t", "\u{3000}".as_bytes()];
    while let Some(rest) = SPACES.iter().find_map(|s| text.strip_prefix(*s)) {
        text = rest;
    }
    while let Some(rest) = SPACES.iter().find_map(|s| text.strip_suffix(*s)) {
        text = rest;
    }
    text
}

/// `YYYYMMDD`: days since 1970-01-01.
pub(super) fn compact_date(cell: &mut Cell<'_>) -> Option<i32> {
    let date = cell.number(8, 8)?;
    days_of_date(
        i32::try_from(date / 10_000).ok()?,
        u32::try_from(date / 100 % 100).ok()?,
        u32::try_from(date % 100).ok()?,
    )
}

/// `2019/2/2`, `2019-02-02`, `2019.2.2`, `2019年2月2日`, `令和元年5月1日`, `R01.05.01`.
pub(super) fn year_month_day(cell: &mut Cell<'_>) -> Option<(i64, i64, i64)> {
    const ERAS: [(&[&str], i64); 5] = [
        (&["令和", "R", "r"], 2018),
        (&["平成", "H", "h"], 1988),
        (&["昭和", "S", "s"], 1925),
        (&["大正"], 1911),
        (&["明治"], 1867),
    ];
    let era = ERAS.iter().find(|(names, _)| cell.eat_any(names).is_some());
    let year = match era {
        None => cell.number(4, 4)?,
        Some((_, base)) => {
            cell.spaces();
            base + if cell.eat("元".as_bytes()).is_some() {
                1
            } else {
                cell.number(1, 2)?
            }
        }
    };
    let sep = cell.eat_any(&["/", "-", ".", "年"])?;
    if sep == "年" {
        cell.spaces();
        let month = cell.number(1, 2)?;
        cell.eat("月".as_bytes())?;
        cell.spaces();
        let day = cell.number(1, 2)?;
        cell.eat("日".as_bytes())?;
        return Some((year, month, day));
    }
    let month = cell.number(1, 2)?;
    cell.eat(sep.as_bytes())?;
    Some((year, month, cell.number(1, 2)?))
}

/// `H:MM`, `HH:MM:SS`, `HHMM`, `HHMMSS`, `19時48分52秒`, each with an optional fraction of seconds
/// (read to the millisecond); milliseconds of the day.
pub(super) fn time_of_day(cell: &mut Cell<'_>) -> Option<i64> {
    let digits = cell.0.iter().take_while(|b| b.is_ascii_digit()).count();
    let (h, m, s) = match digits {
        4 => (cell.number(2, 2)?, cell.number(2, 2)?, 0),
        6 | 9 => (cell.number(2, 2)?, cell.number(2, 2)?, cell.number(2, 2)?),
        1 | 2 => {
            let h = cell.number(1, 2)?;
            if cell.eat("時".as_bytes()).is_some() {
                let m = cell.number(1, 2)?;
                cell.eat("分".as_bytes())?;
                let s = match cell.number(1, 2) {
                    Some(s) => cell.eat("秒".as_bytes()).map(|()| s)?,
                    None => 0,
                };
                (h, m, s)
            } else {
                cell.eat(b":")?;
                let m = cell.number(2, 2)?;
                let s = if cell.eat(b":").is_some() {
                    cell.number(2, 2)?
                } else {
                    0
                };
                (h, m, s)
            }
        }
        _ => return None,
    };
    let millis = if digits == 9 {
        cell.number(3, 3)?
    } else {
        fraction(cell)?
    };
    (h < 24 && m < 60 && s < 60).then_some(((h * 60 + m) * 60 + s) * 1000 + millis)
}

/// An optional fraction of a second, in whole milliseconds; further digits are dropped.
pub(super) fn fraction(cell: &mut Cell<'_>) -> Option<i64> {
    if cell.eat(b".").is_none() && cell.eat(b",").is_none() {
        return Some(0);
    }
    let before = cell.0;
    cell.number(1, 9)?;
    let digits = &before[..before.len() - cell.0.len()];
    Some((0..3).fold(0, |v, i| {
        v * 10 + digits.get(i).map_or(0, |b| i64::from(b - b'0'))
    }))
}

/// `Z`, `+09:00`, `+0900`, `+09`: seconds east of UTC.
pub(super) fn zone_offset(cell: &mut Cell<'_>) -> Option<i64> {
    if cell.eat_any(&["Z", "z", "UTC"]).is_some() {
        return Some(0);
    }
    if cell.eat(b"JST").is_some() {
        return Some(9 * 3600);
    }
    let sign = if cell.eat(b"+").is_some() {
        1
    } else {
        cell.eat(b"-")?;
        -1
    };
    let hours = cell.number(2, 2)?;
    let minutes = if cell.eat(b":").is_some() {
        cell.number(2, 2)?
    } else {
        cell.number(2, 2).unwrap_or(0)
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}
