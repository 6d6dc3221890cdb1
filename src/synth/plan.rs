//! Who is given an incident, and on which day.
//!
//! Every kind is planted equally often, in people of their own as long as there are enough of them.
//! An incident whose rule needs history is planted only where there is enough: twelve working days
//! before it (the rules ask for ten), and a log dense enough that a working day has records.

use super::config::SynthConfig;
use super::incident::{Incident, Kind, Script};
use super::random::{Purpose, Random};
use super::roster::Roster;
use super::staff::Population;

/// Working days before an incident that needs history.
const HISTORY: usize = 12;
/// Fewer records per person and day than this, and a working day may have none.
const DENSE: u64 = 6;

/// The people who are given incidents: `users[i]` has the incident `i`, of the kind `i % 12`.
pub(super) struct Cast {
    users: Vec<u32>,
}

impl Cast {
    /// Draws the people.
    pub(super) fn choose(config: &SynthConfig) -> Self {
        let kinds = u32::try_from(Kind::ALL.len()).unwrap_or(1);
        // The square root: 1 of each kind among 20 people, 3 among 200, 11 among 2,000.
        let wanted = config
            .incidents
            .unwrap_or((config.users.isqrt() / 4).max(1));
        // Nobody has the same kind twice; the second would have become usual by then.
        let rounds = wanted.min((config.users / kinds).max(1));
        let mut all: Vec<u32> = (0..config.users).collect();
        let mut random = Random::new(config.seed, Purpose::Cast, 0, 0);
        let chosen = (rounds * kinds).min(config.users);
        for i in 0..chosen {
            let j = i + random.below(config.users - i);
            all.swap(i as usize, j as usize);
        }
        all.truncate(chosen as usize);
        let users = all
            .iter()
            .copied()
            .cycle()
            .take((rounds * kinds) as usize)
            .collect();
        Cast { users }
    }

    /// Everyone who has an incident (in a tiny office some more than once).
    pub(super) fn users(&self) -> &[u32] {
        &self.users
    }
}

/// Plans every incident that the period allows, at most a tenth of the log.
pub(super) fn plan(
    config: &SynthConfig,
    cast: &Cast,
    roster: &Roster<'_>,
    user_days: u64,
) -> Vec<Incident> {
    let records_per_day = config.records / user_days.max(1);
    let population = Population::new(config, records_per_day);
    let closed: Vec<u32> = (0..config.days)
        .filter(|&day| roster.calendar.closed(day))
        .collect();
    let mut budget = config.records / 10;
    let mut incidents = Vec::new();
    for (nth, (&user, &kind)) in (0..).zip(cast.users().iter().zip(Kind::ALL.iter().cycle())) {
        if kind.needs_history() && records_per_day < DENSE {
            continue;
        }
        let mut random = Random::new(config.seed, Purpose::Incident, nth, 0);
        let days = candidates(kind, roster.working_days(user), &closed);
        if days.is_empty() {
            continue;
        }
        let day = *random.pick(&days);
        let incident = Script::new(roster, &population, user, day, random).play(kind);
        let records = incident.events.len() as u64;
        if records <= budget {
            budget -= records;
            incidents.push(incident);
        }
    }
    incidents
}

/// The days on which a kind can begin.
fn candidates(kind: Kind, working: Vec<u32>, closed: &[u32]) -> Vec<u32> {
    match kind {
        Kind::Holiday => closed.to_vec(),
        _ if kind.needs_history() => working
            .windows(HISTORY + 1)
            .filter(|days| days[HISTORY] - days[0] < 90)
            .map(|days| days[HISTORY])
            .collect(),
        _ => working,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_given_one_incident_each_if_there_are_enough() {
        for users in [12, 20, 200, 2_000] {
            let mut chosen = Cast::choose(&SynthConfig {
                users,
                ..SynthConfig::default()
            })
            .users;
            let incidents = chosen.len();
            chosen.sort_unstable();
            chosen.dedup();
            assert_eq!(chosen.len(), incidents, "{users} users");
        }
    }

    #[test]
    fn nobody_is_given_the_same_kind_twice() {
        let config = SynthConfig {
            users: 5,
            incidents: Some(9),
            ..SynthConfig::default()
        };
        assert_eq!(Cast::choose(&config).users.len(), Kind::ALL.len());
        let config = SynthConfig {
            incidents: Some(0),
            ..config
        };
        assert!(Cast::choose(&config).users.is_empty());
    }

    #[test]
    fn history_must_be_recent() {
        let sparse: Vec<u32> = (0..20).map(|n| n * 10).collect();
        assert!(candidates(Kind::NewTerminal, sparse, &[]).is_empty());
        let dense: Vec<u32> = (0..20).collect();
        assert_eq!(
            candidates(Kind::NewTerminal, dense, &[]),
            [12, 13, 14, 15, 16, 17, 18, 19]
        );
    }
}
