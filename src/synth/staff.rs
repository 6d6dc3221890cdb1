//! The people, their terminals and their caseloads.

use super::config::SynthConfig;
use super::encode::SynthEncoding;
use super::plan::Cast;
use super::random::{Purpose, Random, hash, scale};
use super::vocabulary::{DEPARTMENTS, FAMILY, FAMILY_GAIJI, GIVEN};

/// Terminals that belong to nobody: meeting rooms, spares.
pub(super) const SPARES: u32 = 24;

/// A member of staff.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent traits, not states"
)]
pub(super) struct Person {
    /// Place in [`DEPARTMENTS`].
    pub(super) department: u8,
    /// How much they do: 100 is usual.
    pub(super) pace: u32,
    /// The shared terminal of the counter that they also use, as a matter of course.
    pub(super) shared: Option<u32>,
    /// Whether 書き出し is part of their work.
    pub(super) exporter: bool,
    /// Whether they often stay late.
    pub(super) late: bool,
    /// Whether they fail more often than others.
    pub(super) error_prone: bool,
    /// The weekday on which a part-timer does not come.
    pub(super) day_off: Option<u8>,
    /// Chosen for an incident: does nothing odd apart from it, so that the truth is clean.
    pub(super) quiet: bool,
}

/// The people of the log.
pub(super) struct Staff {
    pub(super) people: Vec<Person>,
    seed: u64,
    /// Shared terminals of each department.
    shared: u32,
}

impl Staff {
    /// Everyone, from the seed.
    pub(super) fn hire(config: &SynthConfig, cast: &Cast) -> Self {
        let departments = u32::try_from(DEPARTMENTS.len()).unwrap_or(1);
        let shared = config.users / (departments * 12) + 1;
        let mut people: Vec<Person> = (0..config.users)
            .map(|user| Person::new(config, user, shared))
            .collect();
        for &user in cast.users() {
            people[user as usize].quiet = true;
        }
        Staff {
            people,
            seed: config.seed,
            shared,
        }
    }

    /// 職員番号: six to eight digits, the first of them 0. Different people never share one.
    pub(super) fn id(&self, user: u32) -> String {
        id(self.seed, user, self.people.len() > 60_000)
    }

    /// 職員名.
    pub(super) fn name(&self, user: u32, encoding: SynthEncoding) -> String {
        let word = hash(self.seed, Purpose::Staff, user.into(), 1);
        let given = GIVEN[(word >> 8) as usize % GIVEN.len()];
        // One name in twenty-five has a 外字; small offices have one for certain.
        let family = if user == 1 || scale(word, 25) == 0 {
            let (gaiji, plain) = FAMILY_GAIJI[(word >> 16) as usize % FAMILY_GAIJI.len()];
            if encoding.has_gaiji() { gaiji } else { plain }
        } else {
            FAMILY[(word >> 16) as usize % FAMILY.len()]
        };
        format!("{family}　{given}")
    }

    /// How many terminals there are: one each, then the shared ones, then the spares.
    pub(super) fn terminals(&self) -> u32 {
        self.spare(0) + SPARES
    }

    /// The `nth` terminal that belongs to nobody.
    pub(super) fn spare(&self, nth: u32) -> u32 {
        let users = u32::try_from(self.people.len()).unwrap_or(u32::MAX);
        users + self.shared * u32::try_from(DEPARTMENTS.len()).unwrap_or(1) + nth
    }

    /// 端末番号.
    pub(super) fn terminal(&self, terminal: u32) -> String {
        let users = u32::try_from(self.people.len()).unwrap_or(u32::MAX);
        if terminal < users {
            let person = &self.people[terminal as usize];
            let code = DEPARTMENTS[person.department as usize].code;
            return format!("{code}-PC{:06}", terminal + 1);
        }
        let nth = terminal - users;
        match DEPARTMENTS.get((nth / self.shared) as usize) {
            Some(department) => format!("{}-MD{:06}", department.code, nth % self.shared + 1),
            None => format!("KYO-1F-YB{:06}", terminal - self.spare(0) + 1),
        }
    }
}

impl Person {
    fn new(config: &SynthConfig, user: u32, shared: u32) -> Self {
        let mut random = Random::new(config.seed, Purpose::Staff, user, 0);
        let department = department(&mut random);
        // The sum of three draws: most near 100, a few at half or double.
        let pace = 40 + random.below(41) + random.below(41) + random.below(41);
        let counter = DEPARTMENTS[department as usize].counter;
        let uses_shared = random.chance(if counter { 60_000 } else { 15_000 });
        let desk = config.users + u32::from(department) * shared + random.below(shared);
        Person {
            department,
            pace,
            shared: uses_shared.then_some(desk),
            exporter: random.chance(20_000),
            late: random.chance(16_000),
            error_prone: random.chance(6_000),
            day_off: if random.chance(12_000) {
                u8::try_from(random.below(5)).ok()
            } else {
                None
            },
            quiet: false,
        }
    }
}

fn department(random: &mut Random) -> u8 {
    let mut left = random.below(100);
    for (nth, department) in (0_u8..).zip(&DEPARTMENTS) {
        if left < department.share {
            return nth;
        }
        left -= department.share;
    }
    0
}

fn id(seed: u64, user: u32, many: bool) -> String {
    // A permutation of the numbers below a power of ten: the factor has no divisor in common with it.
    let place = u64::from(user) + 1;
    let scatter = |factor: u64, modulus: u64| (place * factor + seed % 7919) % modulus;
    match scale(hash(seed, Purpose::Staff, user.into(), 2), 10) {
        0..=1 if !many => format!("{:06}", scatter(61_803, 100_000)),
        2..=3 if !many => format!("{:07}", scatter(618_033, 1_000_000)),
        _ => format!("{:08}", scatter(6_180_339, 10_000_000)),
    }
}

/// The residents: how many there are, and whose files a person handles.
///
/// Residents are drawn roughly as in a Zipf law: every octave of the population (the first 512, the next
/// 512, the next 1,024, …) is as likely as any other, so the first are looked up the most.
pub(super) struct Population {
    seed: u64,
    octaves: u32,
}

/// The first octave is 2⁹ residents wide, so that nobody is looked up by everyone.
const FIRST_OCTAVE: u32 = 9;

impl Population {
    /// A population for the staff: 150 residents each, more when each handles more than that.
    pub(super) fn new(config: &SynthConfig, records_per_day: u64) -> Self {
        let each = records_per_day.saturating_mul(15).max(150);
        let size = each
            .saturating_mul(config.users.into())
            .clamp(1 << 14, 1 << 26);
        Population {
            seed: config.seed,
            octaves: size.ilog2() - FIRST_OCTAVE + 1,
        }
    }

    /// A resident (from 1) for a uniform word.
    pub(super) fn resident(&self, word: u64) -> u32 {
        let octave = scale(word, self.octaves);
        let (base, width) = match octave {
            0 => (0, 1 << FIRST_OCTAVE),
            n => (1 << (FIRST_OCTAVE + n - 1), 1 << (FIRST_OCTAVE + n - 1)),
        };
        base + scale(word << 32, width) + 1
    }

    /// The `nth` resident of a person's caseload.
    pub(super) fn case(&self, user: u32, nth: u32) -> u32 {
        self.resident(hash(self.seed, Purpose::Caseload, user.into(), nth.into()))
    }
}

/// 宛名番号: ten digits, the first of them 0, scattered so that neighbours do not look alike.
pub(super) fn subject_digits(resident: u32) -> [u8; 10] {
    let mut number = u64::from(resident) * 61_803_399 % 100_000_000;
    let mut digits = [b'0'; 10];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn staff_ids_differ_and_begin_with_zero_or_keep_their_width() {
        for (users, many) in [(60_000, false), (200_000, true)] {
            let ids: HashSet<String> = (0..users).map(|user| id(7, user, many)).collect();
            assert_eq!(ids.len(), users as usize);
            assert!(
                ids.iter()
                    .all(|id| (6..=8).contains(&id.len()) && id.starts_with('0'))
            );
        }
    }

    #[test]
    fn subjects_differ_and_begin_with_zero() {
        let ids: HashSet<[u8; 10]> = (1..=50_000).map(subject_digits).collect();
        assert_eq!(ids.len(), 50_000);
        assert!(ids.iter().all(|id| id.starts_with(b"00")));
    }

    #[test]
    fn terminals_have_names_of_their_own() {
        let config = SynthConfig {
            users: 30,
            ..SynthConfig::default()
        };
        let staff = Staff::hire(&config, &Cast::choose(&config));
        let names: HashSet<String> = (0..staff.terminals()).map(|t| staff.terminal(t)).collect();
        assert_eq!(names.len(), staff.terminals() as usize);
        assert!(names.contains("KYO-1F-YB000024"));
    }

    #[test]
    fn the_first_residents_are_looked_up_the_most() {
        let config = SynthConfig::default();
        let population = Population::new(&config, 100);
        let mut head = 0;
        for nth in 0..10_000 {
            let resident = population.case(3, nth);
            assert!((1..=1 << 19).contains(&resident));
            head += u32::from(resident <= 512);
        }
        assert!((500..2_500).contains(&head), "{head}");
    }
}
