//! What is rare comes first: how rare a finding is, and whom to look at first.
//!
//! In: the findings, who was flagged in each, and how much each rule evaluated. Out: three figures,
//! each a share that can be said in words.
//!
//! *Rarity* of a finding: −log10 of the share of evaluated key-days on which the rule's strongest
//! finding was at least as strong in `magnitude`, this one included. A finding is of the day on which it
//! began, or, if that was in an earlier scan, of its last day: shares are over the period scanned now. A
//! key-day is a key of the rule (a user, as a rule) and a civil day.
//!
//! *Strength* of a user under a rule: the sum of the rarities of the user's three rarest days under it.
//! Their *place*: the share of the users evaluated by the rule whose strength is at least theirs.
//!
//! *Priority* of a user: the largest −log10(place) over the rules; ties are broken by the next largest,
//! and so on, then by the user id. It is no sum: whoever is remarkable in one thing is not less so for
//! being ordinary in ten others, and ten weak suspicions are not a strong one.
//!
//! The shares are over what was scanned; with a scope, over the scope.

use std::cmp::Ordering;

use super::Finding;
use super::packed::Findings;
use super::share::{Product, Share, rarity};
use super::totals::FlagTotals;
use crate::detect::evaluated::Evaluated;
use crate::detect::values::{Value, day_of};
use crate::dictionary::Id;

/// Days of a user that count for the strength.
const RAREST_DAYS: usize = 3;

/// How a user stands under a rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// The user.
    pub user: Id,
    /// The rule's place in the policy.
    pub rule: u32,
    /// The sum of the rarities of the user's three rarest days.
    pub strength: f64,
    /// Users evaluated by the rule with at least this strength, this one included.
    pub place: Share,
}

/// How rare findings are, and how users stand.
#[derive(Debug, Default)]
pub struct Ranking {
    /// Of each finding, in the order in which they were given: of the key-days that its rule
    /// evaluated, those at least as strong.
    pub as_strong: Vec<u64>,
    /// By user; of each by place, the most remarkable first, then the rule's place in the policy.
    standings: Vec<Standing>,
}

impl Ranking {
    /// Ranks the findings of a scan and the users of their records.
    #[must_use]
    pub fn of(findings: &Findings, totals: &FlagTotals) -> Ranking {
        // (How many a rule has is known, but for those that were carried over.)
        let room = |rule: usize| {
            let begun = totals.findings.get(rule).copied().unwrap_or(0);
            usize::try_from(begun).map_or(0, |begun| begun.min(findings.len()))
        };
        let rules = 0..totals.evaluated.len();
        let mut by_rule: Vec<Vec<OfRule>> =
            rules.map(|rule| Vec::with_capacity(room(rule))).collect();
        for (at, (_, finding)) in (0..).zip(findings.iter()) {
            by_rule[finding.rule as usize].push(OfRule {
                key: finding.key,
                day: day(&finding),
                magnitude: finding.magnitude,
                at,
            });
        }
        let members = totals.members();
        let mut places = Vec::new();
        if !members.is_empty() {
            places.extend(findings.iter().map(|(place, _)| place));
        }
        let mut ranking = Ranking {
            as_strong: vec![0; findings.len()],
            standings: Vec::new(),
        };
        for (rule, mut of_rule) in by_rule.into_iter().enumerate() {
            let evaluated = &totals.evaluated[rule];
            let counts = days_as_strong(&mut of_rule, evaluated.key_days);
            let mut days = Vec::new();
            for (one, count) in of_rule.iter().zip(counts) {
                ranking.as_strong[one.at as usize] = count;
                let of_day = |user| UserDay {
                    user,
                    day: one.day,
                    count,
                };
                if totals.is_per_user(rule) {
                    let user = Id::try_from(one.key).unwrap_or(0);
                    days.extend((user != 0).then(|| of_day(user)));
                } else {
                    let place = places.get(one.at as usize);
                    let users = place.map(|&place| users_of(&members, findings.at(place).id));
                    days.extend(users.unwrap_or_default().iter().map(|one| of_day(one.1)));
                }
            }
            let rule = u32::try_from(rule).unwrap_or(u32::MAX);
            ranking.standings.extend(standings(rule, days, evaluated));
        }
        ranking.standings.sort_unstable_by(|a, b| {
            let place = || a.place.compare(b.place);
            a.user
                .cmp(&b.user)
                .then_with(place)
                .then(a.rule.cmp(&b.rule))
        });
        ranking
    }

    /// The users flagged, the first to look at first; `names` decides where nothing else does. Of each
    /// the standings, the most remarkable first.
    #[must_use]
    pub fn users(&self, names: impl Fn(Id, Id) -> Ordering) -> Vec<&[Standing]> {
        let mut users: Vec<&[Standing]> =
            self.standings.chunk_by(|a, b| a.user == b.user).collect();
        users.sort_by(|a, b| by_places(a, b).then_with(|| names(a[0].user, b[0].user)));
        users
    }
}

/// The order of two users: by their places, one after the other.
fn by_places(a: &[Standing], b: &[Standing]) -> Ordering {
    // A rule that did not flag the user is a place of all: last, and the same for everybody.
    let place = |of: &[Standing], n| of.get(n).map_or(Share::WHOLE, |s: &Standing| s.place);
    (0..a.len().max(b.len()))
        .map(|n| place(a, n).compare(place(b, n)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// What there is to know of a finding within its rule.
#[derive(Clone)]
struct OfRule {
    key: Value,
    day: i32,
    magnitude: f64,
    /// Its number among all findings.
    at: u32,
}

/// The day that a finding is of.
fn day(finding: &Finding) -> i32 {
    day_of(if finding.carried > 0 {
        finding.last
    } else {
        finding.first
    })
}

/// Of each finding of a rule, in the order in which they then are, the key-days whose strongest
/// finding is at least as strong.
fn days_as_strong(findings: &mut [OfRule], key_days: u64) -> Vec<u64> {
    findings.sort_unstable_by_key(|f| (f.key, f.day, f.at));
    let mut strongest: Vec<f64> = findings
        .chunk_by(|a, b| (a.key, a.day) == (b.key, b.day))
        .map(|of_day| {
            let magnitudes = of_day.iter().map(|f| f.magnitude);
            magnitudes.fold(f64::NEG_INFINITY, f64::max)
        })
        .collect();
    debug_assert!(
        strongest.len() as u64 <= key_days,
        "findings on more key-days than were evaluated"
    );
    strongest.sort_unstable_by(f64::total_cmp);
    let as_strong = |f: &OfRule| {
        let weaker = strongest.partition_point(|m| m.total_cmp(&f.magnitude).is_lt());
        (strongest.len() - weaker) as u64
    };
    findings.iter().map(as_strong).collect()
}

/// The users of a finding among pairs of finding and user, which are in order.
fn users_of(members: &[(u64, Id)], finding: u64) -> &[(u64, Id)] {
    let from = members.partition_point(|m| m.0 < finding);
    let to = from + members[from..].partition_point(|m| m.0 == finding);
    &members[from..to]
}

/// A day on which a rule flagged a user.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct UserDay {
    user: Id,
    day: i32,
    /// Key-days that are at least as strong as one of the day's findings.
    count: u64,
}

/// How the users flagged by a rule stand.
fn standings(rule: u32, mut days: Vec<UserDay>, evaluated: &Evaluated) -> Vec<Standing> {
    let users = evaluated.users();
    let whole = evaluated.key_days;
    days.sort_unstable();
    // Of a day's findings the rarest counts, which is the first.
    days.dedup_by_key(|d| (d.user, d.day));
    let odds: Vec<(Id, [u64; RAREST_DAYS])> = days
        .chunk_by_mut(|a, b| a.user == b.user)
        .map(|of_user| {
            of_user.sort_unstable_by_key(|d| d.count);
            // A day that is missing counts as one that everybody has.
            let rarest = |n: usize| of_user.get(n).map_or(whole, |d| d.count);
            (of_user[0].user, std::array::from_fn(rarest))
        })
        .collect();
    debug_assert!(odds.len() as u64 <= users, "more users than were evaluated");
    // The strength is −log10 of odds / whole³: smaller odds, greater strength.
    let mut ordered: Vec<Product> = odds.iter().map(|o| Product::of(o.1)).collect();
    ordered.sort_unstable();
    let nothing = Product::of([whole; RAREST_DAYS]);
    let standing = |(user, odds): (Id, [u64; RAREST_DAYS])| {
        let product = Product::of(odds);
        // Whoever was not flagged has strength 0, which a strength of 0 does not exceed.
        let as_strong = if product == nothing {
            users
        } else {
            ordered.partition_point(|&o| o <= product) as u64
        };
        Standing {
            user,
            rule,
            strength: rarity(odds, [whole; RAREST_DAYS]),
            place: Share {
                as_strong,
                of: users,
            },
        }
    };
    odds.into_iter().map(standing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::DAY_MS;

    /// Findings, and what was evaluated.
    struct Case {
        findings: Vec<Finding>,
        totals: FlagTotals,
    }

    impl Case {
        /// Rules by what they evaluated: key-days and users.
        fn new(rules: &[(u64, u64)]) -> Case {
            let evaluated = rules
                .iter()
                .map(|&(days, users)| Evaluated::of(days, users));
            Case {
                findings: Vec::new(),
                totals: FlagTotals {
                    evaluated: evaluated.collect(),
                    per_user: vec![true; rules.len()],
                    ..FlagTotals::default()
                },
            }
        }

        /// Adds a finding; returns its place.
        fn add(&mut self, rule: u32, key: Value, day: i64, magnitude: f64) -> usize {
            let at = self.findings.len();
            self.findings.push(Finding {
                id: at as u64,
                rule,
                key,
                by: crate::findings::ByValues::new(),
                value: 0,
                first: day * DAY_MS + 9 * 3_600_000,
                last: (day + 1) * DAY_MS,
                records: 2,
                carried: 0,
                peak: 1,
                magnitude,
            });
            at
        }

        fn rank(&self) -> Ranking {
            Ranking::of(&self.findings.iter().collect(), &self.totals)
        }
    }

    fn of(as_strong: u64, of: u64) -> Share {
        Share { as_strong, of }
    }

    /// Users in order, with their best place.
    fn users(ranking: &Ranking) -> Vec<(Id, Share)> {
        let users = ranking.users(|a, b| a.cmp(&b));
        users.iter().map(|s| (s[0].user, s[0].place)).collect()
    }

    #[test]
    fn rarity_is_the_share_of_days_at_least_as_strong() {
        let mut case = Case::new(&[(1000, 20)]);
        case.add(0, 1, 0, 3.0);
        case.add(0, 1, 0, 9.0);
        case.add(0, 2, 0, 9.0);
        case.add(0, 1, 1, 4.0);
        // Three key-days: two at 9, one at 4.
        assert_eq!(case.rank().as_strong, [3, 2, 2, 3]);
    }

    #[test]
    fn a_finding_that_goes_on_is_of_its_last_day() {
        let mut case = Case::new(&[(10, 2)]);
        case.add(0, 1, 0, 1.0);
        let on = case.add(0, 1, 0, 2.0);
        assert_eq!(case.rank().as_strong, [1, 1]);
        case.findings[on].carried = 1;
        assert_eq!(case.rank().as_strong, [2, 1]);
    }

    #[test]
    fn strength_is_of_the_three_rarest_days_and_a_day_counts_once() {
        let mut case = Case::new(&[(100, 10)]);
        for day in 0..4u8 {
            case.add(0, 1, day.into(), 10.0 - f64::from(day));
            case.add(0, 1, day.into(), 1.0);
        }
        let ranking = case.rank();
        let [standings] = ranking.users(|a, b| a.cmp(&b))[..] else {
            panic!("one user");
        };
        let expected = 1_000_000f64.log10() - 6f64.log10();
        assert!((standings[0].strength - expected).abs() < 1e-12);
        assert_eq!(standings[0].place, of(1, 10));
    }

    #[test]
    fn a_rule_that_flags_everybody_sinks() {
        let mut case = Case::new(&[(10, 10), (10, 10)]);
        for user in 1..=10 {
            case.add(0, user, 0, 99.0);
        }
        case.add(1, 9, 0, 1.0);
        let ranking = case.rank();
        let order = users(&ranking);
        assert_eq!(order[0], (9, of(1, 10)));
        let rest: Vec<Id> = order[1..].iter().map(|u| u.0).collect();
        assert_eq!(rest, [1, 2, 3, 4, 5, 6, 7, 8, 10]);
        assert!(order[1..].iter().all(|u| u.1.rarity() == 0.0));
    }

    #[test]
    fn ties_go_to_the_next_place_then_to_the_name() {
        let mut case = Case::new(&[(100, 10), (100, 100)]);
        for user in [3, 2, 1] {
            case.add(0, user, 0, 1.0);
        }
        case.add(1, 3, 0, 1.0);
        case.add(1, 5, 0, 2.0);
        case.add(1, 4, 0, 2.0);
        let ranking = case.rank();
        // 4, 5: 2 of 100. 3: 3 of 100, then 3 of 10. 1, 2: 3 of 10.
        let order: Vec<Id> = users(&ranking).iter().map(|u| u.0).collect();
        assert_eq!(order, [4, 5, 3, 1, 2]);
        let backwards = ranking.users(|a, b| b.cmp(&a));
        let order: Vec<Id> = backwards.iter().map(|s| s[0].user).collect();
        assert_eq!(order, [5, 4, 3, 2, 1]);
        let rules: Vec<u32> = backwards[2].iter().map(|s| s.rule).collect();
        assert_eq!(rules, [1, 0]);
    }

    #[test]
    fn equal_products_are_equal_strengths() {
        // One user has days at 1 and 6, the other at 2 and 3.
        let mut case = Case::new(&[(977, 30)]);
        for (n, (user, day)) in [(1, 0), (2, 0), (2, 1), (4, 0), (3, 0), (1, 1)]
            .into_iter()
            .enumerate()
        {
            let weaker = u8::try_from(n).unwrap();
            case.add(0, user, day, 10.0 - f64::from(weaker));
        }
        let ranking = case.rank();
        let standing = |user| *ranking.standings.iter().find(|s| s.user == user).unwrap();
        assert_eq!(standing(1).place, of(2, 30));
        assert_eq!(standing(2).place, of(2, 30));
        assert_eq!(
            standing(1).strength.to_bits(),
            standing(2).strength.to_bits()
        );
    }

    #[test]
    fn a_finding_of_another_key_counts_for_the_users_flagged_now() {
        let mut case = Case::new(&[(50, 40)]);
        case.totals.per_user[0] = false;
        let finding = case.add(0, 7, 0, 5.0) as u64;
        assert!(users(&case.rank()).is_empty());
        let seen = [(0, true), (1, true), (2, true), (3, false)];
        case.totals
            .seen
            .extend(seen.map(|(user, now)| ((finding, user), now)));
        assert_eq!(users(&case.rank()), [(1, of(2, 40)), (2, of(2, 40))]);
    }

    #[test]
    fn records_without_user_rank_nobody_but_are_ranked_themselves() {
        let mut case = Case::new(&[(10, 2)]);
        case.add(0, 0, 0, 1.0);
        assert_eq!(case.rank().as_strong, [1]);
        assert!(users(&case.rank()).is_empty());
        assert!(Case::new(&[(0, 0)]).rank().as_strong.is_empty());
    }

    #[test]
    fn key_days_without_number_do_not_overflow() {
        let mut case = Case::new(&[(u64::MAX, u64::MAX)]);
        case.add(0, 1, 0, 1.0);
        case.add(0, 2, 0, 1.0);
        case.add(0, 2, 1, 0.5);
        let ranking = case.rank();
        assert_eq!(
            users(&ranking),
            [(2, of(1, u64::MAX)), (1, of(2, u64::MAX))]
        );
        let strength = ranking.standings[0].strength;
        assert!((strength - (64.0 * 2f64.log10() - 2f64.log10())).abs() < 1e-9);
    }
}
