//! The ordinary day of an ordinary member of staff.
//!
//! A day is a sign-in, cases one after another, and a sign-out. A case is a resident: perhaps a
//! search, a look-up, perhaps an update, a print or a second look-up. Residents come from the
//! person's own caseload, each in turn, with a few returns and a few strangers.

use super::config::SynthConfig;
use super::event::Event;
use super::hours::{CLOSING, Hours};
use super::random::{Purpose, Random};
use super::roster::Roster;
use super::shift::{Carried, Plan, Shift};
use super::staff::{Person, Population, Staff};

/// The background of the log.
pub(super) struct Background<'a> {
    seed: u64,
    hours: Hours,
    population: Population,
    staff: &'a Staff,
    carried: Vec<Carried>,
    /// Residents of a caseload, before it starts anew: three weeks' worth.
    caseload: u32,
    times: Vec<u32>,
}

impl<'a> Background<'a> {
    pub(super) fn new(config: &SynthConfig, staff: &'a Staff, records_per_day: u64) -> Self {
        let caseload = records_per_day.saturating_mul(9).clamp(60, 10_000_000);
        Background {
            seed: config.seed,
            hours: Hours::new(),
            population: Population::new(config, records_per_day),
            staff,
            carried: vec![Carried::default(); staff.people.len()],
            caseload: u32::try_from(caseload).unwrap_or(60),
            times: Vec::new(),
        }
    }

    /// Appends the `count` records of a person's day.
    pub(super) fn user_day(
        &mut self,
        roster: &Roster<'_>,
        user: u32,
        day: u32,
        count: u32,
        events: &mut Vec<Event>,
    ) {
        let person = &self.staff.people[user as usize];
        let mut random = Random::new(self.seed, Purpose::Day, user, day);
        let mut times = std::mem::take(&mut self.times);
        self.draw_times(
            &mut random,
            person,
            roster.calendar.closed(day),
            count,
            &mut times,
        );
        let plan = Plan::new(&mut random, user, self.staff, count);
        let caseload = self.caseload * person.pace / 100;
        let carried = &mut self.carried[user as usize];
        Shift::new(
            user,
            day,
            plan,
            random,
            &times,
            &self.population,
            carried,
            caseload,
        )
        .work(events);
        self.times = times;
    }

    /// The times of the day's records, sorted.
    fn draw_times(
        &self,
        random: &mut Random,
        person: &Person,
        closed: bool,
        count: u32,
        times: &mut Vec<u32>,
    ) {
        times.clear();
        if closed {
            let start = random.between(9 * 3600, 13 * 3600);
            let length = random.between(3600, 3 * 3600);
            times.extend((0..count).map(|_| start + random.below(length)));
        } else {
            // Overtime: every other day for those who stay late, one in a hundred for others.
            let stays = random.chance(if person.late { 50_000 } else { 1_000 });
            let evening = if stays && !person.quiet {
                count * random.between(6, 20) / 100
            } else {
                0
            };
            let end = random.between(20 * 60, 140 * 60);
            times.extend((0..evening).map(|_| CLOSING + random.below(end)));
            for _ in evening..count {
                times.push(self.hours.second(random, person.department));
            }
        }
        times.sort_unstable();
    }
}
