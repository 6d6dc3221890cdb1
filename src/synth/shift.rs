//! One person's day, record by record.

use super::event::{Event, NOBODY};
use super::hours::CLOSING;
use super::random::Random;
use super::staff::{Population, Staff};
use super::vocabulary::{IT_DEPARTMENT, Operation};

/// Prints with references in a day, at most: two days of them stay under the twenty of `bulk-export`.
const MAX_PRINTS: u32 = 6;
const DAY: u64 = 86_400;

/// What a person carries from day to day.
#[derive(Clone, Copy, Default)]
pub(super) struct Carried {
    /// Cases taken from the caseload so far.
    cases: u32,
    /// When the last two failures were, in seconds from the day before the first; later first.
    failures: [u64; 2],
}

/// What is out of the common run in a day, decided beforehand.
pub(super) struct Plan {
    home: u32,
    /// Another terminal, and from when to when.
    away: Option<(u32, u32, u32)>,
    /// 書き出し still to be done.
    exports: u32,
    /// Prints with references still allowed.
    prints: u32,
    /// Something this person does not usually do.
    oddity: Option<Operation>,
    /// Look-ups in bulk are this person's work.
    bulk: bool,
    /// Fails twice as often, and does not stop at two.
    error_prone: bool,
    /// One case in so many takes an export or an oddity.
    pace: u32,
}

impl Plan {
    pub(super) fn new(random: &mut Random, home: u32, staff: &Staff, count: u32) -> Self {
        let person = &staff.people[home as usize];
        let from = random.between(9 * 3600, 15 * 3600);
        let to = from + random.between(3600, 2 * 3600);
        let at_counter = person.shared.filter(|_| random.chance(50_000));
        // Somebody else's desk, or the meeting room: 4 days in 1,000.
        let stray = (!person.quiet && random.chance(400)).then(|| random.below(staff.terminals()));
        let oddity = match random.below(1000) {
            0..10 => Some(Operation::ScreenCapture),
            10..13 => Some(Operation::Export),
            13 => Some(Operation::BulkView),
            _ => None,
        };
        Plan {
            home,
            away: stray.or(at_counter).map(|terminal| (terminal, from, to)),
            exports: if person.exporter { random.below(3) } else { 0 },
            prints: MAX_PRINTS,
            oddity: oddity.filter(|_| !person.quiet),
            bulk: person.department == IT_DEPARTMENT,
            error_prone: person.error_prone && !person.quiet,
            pace: (count / 5).max(1),
        }
    }
}

/// A day in the making.
pub(super) struct Shift<'a> {
    user: u32,
    /// The day's midnight, in the reckoning of [`Carried::failures`].
    midnight: u64,
    plan: Plan,
    random: Random,
    /// The drawn times, sorted; every record uses up one.
    times: &'a [u32],
    next: usize,
    /// Second of the last record.
    clock: u32,
    population: &'a Population,
    carried: &'a mut Carried,
    caseload: u32,
}

impl<'a> Shift<'a> {
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a day, gathered in one place"
    )]
    pub(super) fn new(
        user: u32,
        day: u32,
        plan: Plan,
        random: Random,
        times: &'a [u32],
        population: &'a Population,
        carried: &'a mut Carried,
        caseload: u32,
    ) -> Self {
        let midnight = (u64::from(day) + 1) * DAY;
        Shift {
            user,
            midnight,
            plan,
            random,
            times,
            next: 0,
            clock: 0,
            population,
            carried,
            caseload,
        }
    }

    /// Appends a record for every time.
    pub(super) fn work(mut self, events: &mut Vec<Event>) {
        // The last time is kept for signing out.
        let signs_out = self.times.len() >= 4;
        let end = self.times.len() - usize::from(signs_out);
        let all = std::mem::take(&mut self.times);
        self.times = &all[..end];
        self.sign_in(events);
        let mut overtime = false;
        while let Some(&time) = self.times.get(self.next) {
            if time >= CLOSING && !overtime {
                overtime = true;
                if self.random.chance(25_000) {
                    self.sign_in(events);
                }
            }
            self.case(events);
        }
        if signs_out {
            self.times = all;
            self.record(Operation::Logout, NOBODY, false, true, events);
        }
    }

    fn sign_in(&mut self, events: &mut Vec<Event>) {
        let mut fresh = true;
        // A mistyped password is typed again at once.
        while self.record(Operation::Login, NOBODY, false, fresh, events) {
            fresh = false;
        }
    }

    /// A resident's matter, from the search to whatever comes of it.
    fn case(&mut self, events: &mut Vec<Event>) {
        let subject = self.resident();
        let mut fresh = true;
        if self.random.chance(50_000) {
            // By name mostly, which shows a list and nobody's number; sometimes by 宛名番号.
            let by_number = self.random.chance(40_000);
            self.record(
                Operation::Search,
                if by_number { subject } else { NOBODY },
                false,
                fresh,
                events,
            );
            fresh = false;
        }
        let references = self.random.chance(97_000);
        self.record(Operation::View, subject, references, fresh, events);
        match self.random.below(100) {
            0..16 => self.record(Operation::Update, subject, true, false, events),
            16..24 => self.print(subject, events),
            24..32 => self.record(Operation::View, subject, true, false, events),
            _ => false,
        };
        if self.random.below(self.plan.pace) == 0 {
            self.extra(events);
        }
    }

    /// Most prints are certificates without the Individual Number.
    fn print(&mut self, subject: u32, events: &mut Vec<Event>) -> bool {
        let references = self.plan.prints > 0 && self.random.chance(20_000);
        self.plan.prints -= u32::from(references);
        self.record(Operation::Print, subject, references, false, events)
    }

    /// What comes up a few times a day.
    fn extra(&mut self, events: &mut Vec<Event>) {
        if self.plan.exports > 0 {
            self.plan.exports -= 1;
            self.record(Operation::Export, NOBODY, true, false, events);
        } else if let Some(oddity) = self.plan.oddity.take() {
            let subject = self.resident();
            self.record(oddity, subject, true, false, events);
        } else if self.plan.bulk {
            self.record(Operation::BulkView, NOBODY, true, false, events);
        }
    }

    /// Whose file comes next.
    fn resident(&mut self) -> u32 {
        let word = self.random.word();
        match self.random.below(100) {
            // A stranger to the caseload.
            0..6 => self.population.resident(word),
            // Somebody who was here not long ago.
            6..16 if self.carried.cases > 0 => {
                let back = 1 + self.random.below(self.carried.cases.min(40));
                self.case_file(self.carried.cases - back)
            }
            _ => {
                self.carried.cases = self.carried.cases.wrapping_add(1);
                self.case_file(self.carried.cases - 1)
            }
        }
    }

    fn case_file(&self, nth: u32) -> u32 {
        self.population.case(self.user, nth % self.caseload)
    }

    /// Appends a record, if there is a time left for it; says whether it failed.
    ///
    /// The first record of a case (`fresh`) keeps its drawn time, the others follow it within seconds.
    fn record(
        &mut self,
        operation: Operation,
        subject: u32,
        references: bool,
        fresh: bool,
        events: &mut Vec<Event>,
    ) -> bool {
        let Some(&drawn) = self.times.get(self.next) else {
            return false;
        };
        self.next += 1;
        let soon = self.clock + 3 + self.random.below(45);
        // Never later than drawn, so that the times stay in order.
        let second = if fresh { drawn } else { drawn.min(soon) };
        self.clock = second;
        let failed = self.fails(operation);
        let terminal = match self.plan.away {
            Some((terminal, from, to)) if (from..to).contains(&second) => terminal,
            _ => self.plan.home,
        };
        events.push(Event {
            second,
            user: self.user,
            terminal,
            subject,
            operation,
            failed,
            references,
        });
        failed
    }

    /// Whether a record fails. Two failures within 24 hours happen to everybody; a third is rare
    /// except for the few who are prone to it, because people ask a colleague first. (Independent
    /// failures would make every other day of every member of staff a `denied-burst`.)
    fn fails(&mut self, operation: Operation) -> bool {
        let chance = operation.failure_chance() * if self.plan.error_prone { 2 } else { 1 };
        if !self.random.chance(chance) {
            return false;
        }
        let now = self.midnight + u64::from(self.clock);
        let third = self.carried.failures[1] + DAY > now;
        if third && !self.plan.error_prone && !self.random.chance(6_000) {
            return false;
        }
        self.carried.failures = [now, self.carried.failures[0]];
        true
    }
}
