//! Who works on which day, and how much.

use super::calendar::Calendar;
use super::config::SynthConfig;
use super::random::{Purpose, hash, scale};
use super::staff::{Person, Staff};

/// How busy the weekdays are, Monday first, in hundredths.
const WEEKDAYS: [u32; 7] = [115, 102, 98, 95, 100, 100, 100];

/// Attendance, as a pure function of person and day: nothing is stored.
pub(super) struct Roster<'a> {
    pub(super) calendar: &'a Calendar,
    pub(super) staff: &'a Staff,
    seed: u64,
    /// The period has no open day at all (a weekend): then every day is worked.
    no_open_day: bool,
    /// User-days with any load, and the sum of all loads.
    pub(super) totals: (u64, u64),
}

impl<'a> Roster<'a> {
    pub(super) fn new(config: &SynthConfig, calendar: &'a Calendar, staff: &'a Staff) -> Self {
        let mut roster = Roster {
            calendar,
            staff,
            seed: config.seed,
            no_open_day: false,
            totals: (0, 0),
        };
        roster.totals = roster.count();
        if roster.totals == (0, 0) {
            // Also when the only open days find nobody at work: a log of one person and one day.
            roster.no_open_day = true;
            roster.totals = roster.count();
        }
        roster
    }

    /// A person's share of the work of a day; 0 when absent.
    pub(super) fn load(&self, user: u32, day: u32) -> u32 {
        let person = &self.staff.people[user as usize];
        let word = hash(self.seed, Purpose::Attendance, user.into(), day.into());
        let jitter = 80 + scale(word << 32, 41);
        if self.no_open_day {
            return person.pace * jitter;
        }
        if self.calendar.closed(day) {
            // Duty on a closed day: 4 in 1,000.
            let duty = !person.quiet && scale(word, 1000) < 4;
            return if duty { person.pace * jitter / 4 } else { 0 };
        }
        let weekday = self.calendar.weekday(day);
        if absent(person, weekday, word) {
            return 0;
        }
        person.pace * WEEKDAYS[weekday as usize] * jitter / 100
    }

    fn count(&self) -> (u64, u64) {
        let users = u32::try_from(self.staff.people.len()).unwrap_or(u32::MAX);
        let mut user_days = 0;
        let mut total = 0;
        for user in 0..users {
            for day in 0..self.calendar.len() {
                let load = self.load(user, day);
                user_days += u64::from(load > 0);
                total += u64::from(load);
            }
        }
        (user_days, total)
    }

    /// The open days on which a person works.
    pub(super) fn working_days(&self, user: u32) -> Vec<u32> {
        (0..self.calendar.len())
            .filter(|&day| !self.calendar.closed(day) && self.load(user, day) > 0)
            .collect()
    }
}

fn absent(person: &Person, weekday: u8, word: u64) -> bool {
    person.day_off == Some(weekday) || scale(word, 100) < 7
}

/// Hands out the background's records in proportion to the loads, and exactly all of them.
pub(super) struct Quota {
    records: u64,
    total: u64,
    load: u64,
    given: u64,
}

impl Quota {
    pub(super) fn new(records: u64, total: u64) -> Self {
        Quota {
            records,
            total,
            load: 0,
            given: 0,
        }
    }

    /// The records of the next user-day.
    pub(super) fn take(&mut self, load: u32) -> u32 {
        if load == 0 {
            return 0;
        }
        self.load += u64::from(load);
        let due = u128::from(self.records) * u128::from(self.load) / u128::from(self.total);
        let due = u64::try_from(due).unwrap_or(self.records);
        let count = due - self.given;
        self.given = due;
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_gives_out_everything() {
        for records in [0, 1, 7, 1_000_003] {
            let loads = [3, 0, 5, 90, 1, 1, 44];
            let mut quota = Quota::new(records, loads.iter().map(|&l| u64::from(l)).sum());
            let given: u64 = loads.iter().map(|&l| u64::from(quota.take(l))).sum();
            assert_eq!(given, records);
        }
    }
}
