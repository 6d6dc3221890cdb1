//! The table of users and rules, the users to look at first before the others.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use hashbrown::HashMap;

use super::ranking::{Ranking, Standing};
use super::share::Share;
use super::tables::{Names, batch, counts, dictionary};
use super::totals::FlagTotals;
use crate::dictionary::Id;
use crate::policy::Key;
use crate::record::Field;

/// A user and a rule with flagged records.
struct Row<'a> {
    user: Id,
    rule: u32,
    flagged: u64,
    findings: u64,
    /// The user's priority, and how they stand under the rule.
    rank: Option<(f64, &'a Standing)>,
}

/// A row per user and rule with flagged records: by the users' priority, then the user's place under
/// the rule; those without priority (the empty user) last. And of each row which user it is of, from
/// 0: users that differ may read the same.
#[must_use]
pub fn by_user(
    names: Names<'_>,
    totals: &FlagTotals,
    ranking: &Ranking,
) -> (RecordBatch, Vec<u64>) {
    let values = names.dictionaries.of(Field::User).read();
    let shown = |user| {
        let text = values.text(user)?;
        Some(names.mask.value(Key::Field(Field::User), text))
    };
    // Users whose undecodable bytes differ read the same: the bytes decide between them.
    let name = |user| (shown(user), values.text(user), values.raw(user));
    let names_order = |a, b| name(a).cmp(&name(b));
    let users = ranking.users(names_order);
    let rows = rows(totals, &users, names_order);
    let texts: Vec<_> = rows.iter().map(|row| shown(row.user)).collect();
    let mut numbers: HashMap<Id, u64> = HashMap::new();
    let number = |row: &Row<'_>| {
        let next = numbers.len() as u64;
        *numbers.entry(row.user).or_insert(next)
    };
    let numbers = rows.iter().map(number).collect();
    let user = dictionary(texts.iter().map(Option::as_deref));
    (table(names, user, &rows), numbers)
}

/// The table of rows whose users read so.
fn table(names: Names<'_>, user: ArrayRef, rows: &[Row<'_>]) -> RecordBatch {
    let rule = |row: &Row<'_>| &names.policy.rules[row.rule as usize];
    let ranks = || rows.iter().map(|row| row.rank);
    let places = || ranks().map(|rank| rank.map(|(_, standing)| standing.place));
    let reals = |of: fn((f64, &Standing)) -> f64| -> ArrayRef {
        Arc::new(ranks().map(|rank| rank.map(of)).collect::<Float64Array>())
    };
    batch(vec![
        ("user", user),
        (
            "rule",
            dictionary(rows.iter().map(|row| Some(rule(row).id.as_str()))),
        ),
        ("flagged", counts(rows.iter().map(|row| Some(row.flagged)))),
        (
            "findings",
            counts(rows.iter().map(|row| Some(row.findings))),
        ),
        ("priority", reals(|(priority, _)| priority)),
        ("strength", reals(|(_, standing)| standing.strength)),
        (
            "users_as_strong",
            counts(places().map(|place| place.map(|p| p.as_strong))),
        ),
        (
            "users_evaluated",
            counts(places().map(|place| place.map(|p| p.of))),
        ),
    ])
}

/// The rows in order.
fn rows<'a>(
    totals: &FlagTotals,
    users: &[&'a [Standing]],
    names: impl Fn(Id, Id) -> Ordering,
) -> Vec<Row<'a>> {
    let mut ranked: HashMap<(Id, u32), (usize, f64, &'a Standing)> = HashMap::new();
    let standings = users
        .iter()
        .flat_map(|of_user| of_user.iter().map(move |s| (of_user, s)));
    for (at, (of_user, standing)) in standings.enumerate() {
        let priority = of_user.first().map_or(Share::WHOLE, |s| s.place).rarity();
        ranked.insert((standing.user, standing.rule), (at, priority, standing));
    }
    let mut rows: Vec<(usize, Row<'a>)> = totals
        .by_user
        .iter()
        .map(|(&(user, rule), &(flagged, findings))| {
            let rank = ranked.get(&(user, rule));
            let row = Row {
                user,
                rule,
                flagged,
                findings,
                rank: rank.map(|&(_, priority, standing)| (priority, standing)),
            };
            (rank.map_or(usize::MAX, |&(at, ..)| at), row)
        })
        .collect();
    rows.sort_unstable_by(|(a, x), (b, y)| {
        let name = || names(x.user, y.user);
        a.cmp(b).then_with(name).then(x.rule.cmp(&y.rule))
    });
    rows.into_iter().map(|(_, row)| row).collect()
}
