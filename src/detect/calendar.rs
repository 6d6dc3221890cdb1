//! Working days and hours: policy `[calendar]` → is this instant off-hours for that department?

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use regex::Regex;

use crate::dictionary::{Id, Values};
use crate::error::{Error, Result};
use crate::log::time::{date_of_days, days_of_date};
use crate::policy::{Calendar, ClosedDay, DepartmentCalendar, glob_regex};
use crate::record::DAY_MS;

/// Where public holidays come from: data from outside the core, asked for year by year.
pub trait Holidays: Send + Sync {
    /// Days since 1970-01-01 that are public holidays of `country` in `year`.
    ///
    /// # Errors
    /// If the country is not known.
    fn year(&self, country: &str, year: i32) -> Result<Vec<i32>>;
}

/// No public holidays at all.
pub struct NoHolidays;

impl Holidays for NoHolidays {
    fn year(&self, _country: &str, _year: i32) -> Result<Vec<i32>> {
        Ok(Vec::new())
    }
}

/// Holidays by year, asked for once in a scan.
pub struct HolidayCache {
    country: Option<String>,
    holidays: Arc<dyn Holidays>,
    years: Mutex<HashMap<i32, Arc<Vec<i32>>>>,
}

impl HolidayCache {
    /// A cache for the country of a calendar.
    #[must_use]
    pub fn new(calendar: &Calendar, holidays: Arc<dyn Holidays>) -> HolidayCache {
        let named = std::iter::once(&calendar.base)
            .chain(calendar.overrides.iter().map(|o| &o.calendar))
            .any(|c| c.closed.contains(&ClosedDay::Holiday));
        let country = calendar.country.clone().filter(|_| named);
        HolidayCache {
            country,
            holidays,
            years: Mutex::default(),
        }
    }

    fn is_holiday(&self, day: i32) -> Result<bool> {
        let Some(country) = &self.country else {
            return Ok(false);
        };
        let (year, ..) = date_of_days(day);
        let mut years = self.years.lock().unwrap_or_else(PoisonError::into_inner);
        let days = if let Some(days) = years.get(&year) {
            Arc::clone(days)
        } else {
            let days = Arc::new(self.holidays.year(country, year)?);
            years.insert(year, Arc::clone(&days));
            days
        };
        Ok(days.contains(&day))
    }
}

/// One day of one calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// Whether it is closed.
    pub closed: bool,
    /// Milliseconds of the day at which business hours begin, margin included.
    pub from: i64,
    /// At which they end (exclusive), margin included.
    pub to: i64,
}

/// What a calendar says of an instant, as a number: off hours, or not ([`ON`]); a closed day, or an open
/// one ([`OPEN`]).
pub type Status = usize;

/// The office is at work.
pub const ON: Status = 1;
/// The day is not closed.
pub const OPEN: Status = 2;

impl Day {
    /// What is so at these milliseconds of the day.
    fn status(&self, at: i64) -> Status {
        let on = !self.closed && self.from <= at && at < self.to;
        usize::from(on) * ON + usize::from(!self.closed) * OPEN
    }
}

/// Times (from, to) between which no calendar changes.
pub type Stretch = (i64, i64);

/// Days that are found without searching.
const RECENT: usize = 512;
const RECENT_DAYS: i32 = 512;

/// The calendars of a policy, with the days asked for so far. One per thread.
pub struct Calendars {
    policy: Arc<Calendar>,
    globs: Arc<Vec<Vec<Regex>>>,
    holidays: Arc<HolidayCache>,
    /// Calendar of each department id: 0 the base, n the n-th override.
    of_department: Vec<u16>,
    /// The days, each in all calendars, and where each begins.
    days: Vec<Day>,
    places: HashMap<i32, usize>,
    /// Days found last, by their last bits: records in no order turn to another day at every step.
    recent: Vec<(i32, usize)>,
    last: (i32, usize),
    /// What each calendar says of the stretch turned to, and whether all say the same.
    status: Vec<Status>,
    alike: bool,
}

impl Calendars {
    /// The calendars of a policy.
    ///
    /// # Errors
    /// [`Error::Usage`] for a malformed glob (the policy reader has checked them).
    pub fn new(calendar: &Calendar, holidays: Arc<HolidayCache>) -> Result<Calendars> {
        let globs = calendar
            .overrides
            .iter()
            .map(|o| {
                o.departments
                    .iter()
                    .map(|g| glob(g))
                    .collect::<Result<Vec<_>>>()
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Calendars {
            policy: Arc::new(calendar.clone()),
            globs: Arc::new(globs),
            holidays,
            of_department: vec![0],
            days: Vec::new(),
            places: HashMap::new(),
            recent: vec![(i32::MIN, 0); RECENT],
            last: (i32::MIN, 0),
            status: Vec::new(),
            alike: true,
        })
    }

    /// Learns the departments that have come since.
    pub fn learn(&mut self, departments: &Values) {
        for text in departments.texts().skip(self.of_department.len() - 1) {
            let found = self
                .globs
                .iter()
                .position(|globs| globs.iter().any(|g| g.is_match(text)));
            self.of_department
                .push(found.map_or(0, |i| u16::try_from(i + 1).unwrap_or(0)));
        }
    }

    /// What is so in the stretch turned to, if it is so for all departments.
    ///
    /// # Panics
    /// Before [`Calendars::turn_to`].
    #[must_use]
    pub fn of_all(&self) -> Option<Status> {
        self.alike.then(|| self.status[0])
    }

    /// What is so in the stretch turned to, for a department (null: by the base calendar).
    ///
    /// # Panics
    /// Before [`Calendars::turn_to`].
    #[inline]
    #[must_use]
    pub fn of(&self, department: Id) -> Status {
        self.status[self.calendar_of(department)]
    }

    /// The number of a department's calendar.
    #[inline]
    fn calendar_of(&self, department: Id) -> usize {
        let calendar = self.of_department.get(department as usize);
        usize::from(calendar.copied().unwrap_or(0))
    }

    /// Turns to a time: the stretch that it lies in.
    ///
    /// # Errors
    /// What the source of holidays says.
    pub fn turn_to(&mut self, time: i64) -> Result<Stretch> {
        let day = super::values::day_of(time);
        self.turn_to_day(day)?;
        let midnight = i64::from(day) * DAY_MS;
        let (at, mut from, mut to) = (time - midnight, 0, DAY_MS);
        let calendars = 1 + self.policy.overrides.len();
        self.status.clear();
        for day in &self.days[self.last.1..][..calendars] {
            self.status.push(day.status(at));
            if !day.closed {
                for change in [day.from, day.to] {
                    if change <= at {
                        from = from.max(change);
                    } else {
                        to = to.min(change);
                    }
                }
            }
        }
        self.alike = self.status.iter().all(|&status| status == self.status[0]);
        Ok((midnight + from, midnight + to))
    }

    /// What is so at a time, for a department (null: by the base calendar). No stretch is turned to.
    ///
    /// # Errors
    /// What the source of holidays says.
    pub fn at(&mut self, time: i64, department: Id) -> Result<Status> {
        let day = super::values::day_of(time);
        self.turn_to_day(day)?;
        let place = self.last.1 + self.calendar_of(department);
        Ok(self.days[place].status(time - i64::from(day) * DAY_MS))
    }

    fn turn_to_day(&mut self, day: i32) -> Result<()> {
        if self.last.0 == day {
            return Ok(());
        }
        let recent = day.rem_euclid(RECENT_DAYS).unsigned_abs() as usize;
        if self.recent[recent].0 != day {
            self.recent[recent] = (day, self.find(day)?);
        }
        self.last = self.recent[recent];
        Ok(())
    }

    /// Where a day begins.
    fn find(&mut self, day: i32) -> Result<usize> {
        if let Some(&place) = self.places.get(&day) {
            return Ok(place);
        }
        let holiday = self.holidays.is_holiday(day)?;
        let all = std::iter::once(&self.policy.base)
            .chain(self.policy.overrides.iter().map(|o| &o.calendar));
        let place = self.days.len();
        self.days.extend(all.map(|c| day_of(c, day, holiday)));
        self.places.insert(day, place);
        Ok(place)
    }
}

/// Monday = 0.
#[must_use]
pub fn weekday(day: i32) -> usize {
    (day + 3).rem_euclid(7) as usize
}

fn day_of(calendar: &DepartmentCalendar, day: i32, holiday: bool) -> Day {
    let hours = calendar.hours[weekday(day)];
    let named = calendar.closed.iter().any(|closed| match *closed {
        ClosedDay::Weekday(w) => usize::from(w) == weekday(day),
        ClosedDay::Holiday => holiday,
        ClosedDay::Dates(from, to) => (from..=to).contains(&day),
        ClosedDay::Yearly(from, to) => {
            let (_, month, date) = date_of_days(day);
            let at = (
                u8::try_from(month).unwrap_or(0),
                u8::try_from(date).unwrap_or(0),
            );
            if from <= to {
                from <= at && at <= to
            } else {
                at >= from || at <= to
            }
        }
    });
    let closed = hours.is_none() || named && !calendar.open.contains(&day);
    let (from, to) = hours.unwrap_or((0, DAY_MS));
    Day {
        closed,
        from: from - calendar.margin,
        to: to + calendar.margin,
    }
}

/// A glob over a whole value, compiled.
///
/// # Errors
/// [`Error::Usage`] if it is malformed.
pub fn glob(pattern: &str) -> Result<Regex> {
    let malformed = |why: String| {
        Error::usage(
            "policy",
            (
                format!("{pattern}: malformed glob: {why}"),
                format!(
                    "{pattern}: パターン（glob）の書き方に誤りがあります（{why}）。ポリシーを直してください"
                ),
            ),
        )
    };
    Regex::new(&glob_regex(pattern).map_err(malformed)?).map_err(|e| malformed(e.to_string()))
}

/// Days since 1970-01-01 of `YYYY-MM-DD`.
#[must_use]
pub fn parse_date(text: &str) -> Option<i32> {
    let mut parts = text.split('-');
    let (y, m, d) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    days_of_date(y.parse().ok()?, m.parse().ok()?, d.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const H: i64 = 3_600_000;

    #[test]
    fn closed_open_and_yearly_days() {
        let day = |text| parse_date(text).unwrap();
        let calendar = DepartmentCalendar {
            hours: [
                Some((9 * H, 17 * H)),
                Some((9 * H, 17 * H)),
                None,
                Some((9 * H, 17 * H)),
                Some((9 * H, 17 * H)),
                Some((9 * H, 17 * H)),
                None,
            ],
            margin: H,
            closed: vec![
                ClosedDay::Weekday(5),
                ClosedDay::Holiday,
                ClosedDay::Yearly((12, 29), (1, 3)),
                ClosedDay::Dates(day("2024-08-15"), day("2024-08-16")),
            ],
            open: vec![day("2024-04-06")],
        };
        let closed = |text, holiday| day_of(&calendar, day(text), holiday).closed;
        assert_eq!(weekday(day("2024-04-01")), 0);
        for (text, holiday, expected) in [
            ("2024-04-01", false, false),
            ("2024-04-03", false, true),
            ("2024-04-06", false, false),
            ("2024-04-13", false, true),
            ("2024-04-29", true, true),
            ("2024-04-29", false, false),
            ("2024-12-28", false, true),
            ("2024-12-30", false, true),
            ("2025-01-03", false, true),
            ("2025-01-06", false, false),
            ("2024-08-15", false, true),
            ("2024-08-16", false, true),
        ] {
            assert_eq!(closed(text, holiday), expected, "{text}");
        }
        let open = day_of(&calendar, day("2024-04-01"), false);
        assert_eq!((open.from, open.to), (8 * H, 18 * H));
    }

    #[test]
    fn a_stretch_says_what_is_so_at_each_of_its_times() {
        let policy = "[calendar]\nhours = \"09:00-17:00\"\nmargin = \"30m\"\n";
        let others = ["08:30-12:00", "13:00-23:50"].map(|hours| {
            format!("[[calendar.override]]\ndepartment = [\"{hours}\"]\nhours = \"{hours}\"\n")
        });
        let policy = format!("{policy}{}", others.concat());
        let policy = crate::policy::Policy::from_toml(&policy, "test", None).expect("a policy");
        let holidays = HolidayCache::new(&policy.calendar, Arc::new(NoHolidays));
        let mut calendars = Calendars::new(&policy.calendar, Arc::new(holidays)).expect("globs");
        let departments = crate::dictionary::Dictionary::default();
        for text in ["other", "08:30-12:00", "13:00-23:50"] {
            departments.intern(text, None);
        }
        calendars.learn(&departments.read());
        let mut time = i64::from(parse_date("1969-12-01").unwrap()) * DAY_MS;
        let end = time + 9 * DAY_MS;
        let mut stretches = 0;
        while time < end {
            let (from, to) = calendars.turn_to(time).unwrap();
            assert!(from == time && to > time);
            let told: Vec<Status> = (0..4).map(|id| calendars.of(id)).collect();
            assert_eq!(
                calendars.of_all().is_some(),
                told.iter().all(|&s| s == told[0])
            );
            for at in [from, from.midpoint(to), to - 1] {
                for (id, &told) in (0..).zip(&told) {
                    assert_eq!(calendars.at(at, id).unwrap(), told);
                }
            }
            (time, stretches) = (to, stretches + 1);
        }
        assert!(stretches > 9 * 2);
    }
}
