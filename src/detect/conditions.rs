//! The `where` of a policy, compiled: its conditions, by what they look at.

use std::sync::Arc;

use hashbrown::HashSet;

use super::bits::Bits;
use super::calendar::glob;
use super::values::{Value, parse};
use crate::block::{REFERENCES_NO, REFERENCES_YES};
use crate::dictionary::{Dictionaries, id_column};
use crate::error::{Error, Result};
use crate::log::meaning::Meaning;
use crate::policy::{Condition, Key, Policy, TextTest, Where};
use crate::record::Field;

/// A test of one text.
pub(super) enum Test {
    In(HashSet<String>, bool),
    Glob(Vec<regex::Regex>),
    Regex(regex::Regex),
}

impl Test {
    pub(super) fn holds(&self, text: &str) -> bool {
        match self {
            Test::In(values, wanted) => values.contains(text) == *wanted,
            Test::Glob(globs) => globs.iter().any(|g| g.is_match(text)),
            Test::Regex(regex) => regex.is_match(text),
        }
    }
}

/// A list over several fields: the tuples it has.
pub(super) struct Tuples {
    pub(super) bit: usize,
    pub(super) on: Vec<Key>,
    pub(super) rows: Arc<HashSet<Vec<Value>>>,
    pub(super) wanted: bool,
}

/// The conditions of a policy, by what they look at. Shared by all threads.
pub struct Conditions {
    pub(super) bits: Bits,
    /// Per id field: bit and test.
    pub(super) ids: [Vec<(usize, Test)>; 6],
    pub(super) subjects: Vec<(usize, Test)>,
    /// Per outcome code: words of bits that it spoils.
    pub(super) result: Vec<(usize, [bool; 4])>,
    pub(super) references: Vec<(usize, [bool; 3])>,
    /// Bit, and whether off-hours are wanted.
    pub(super) off_hours: Vec<(usize, bool)>,
    pub(super) time_of_day: Vec<(usize, i64, i64)>,
    pub(super) weekdays: Vec<(usize, [bool; 7])>,
    pub(super) tuples: Vec<Tuples>,
    pub(super) scope: (Option<i64>, Option<i64>),
}

impl Conditions {
    /// Compiles the `where` of every rule, step and of the scope. Values of lists over several fields
    /// enter the dictionaries.
    ///
    /// # Errors
    /// [`Error::Usage`] for a malformed glob or regex (the policy reader has checked them).
    pub fn new(
        policy: &Policy,
        meaning: &Meaning,
        dictionaries: &Dictionaries,
    ) -> Result<Conditions> {
        let mut all = Conditions {
            bits: Bits::of(policy),
            ids: Default::default(),
            subjects: Vec::new(),
            result: Vec::new(),
            references: Vec::new(),
            off_hours: Vec::new(),
            time_of_day: Vec::new(),
            weekdays: Vec::new(),
            tuples: Vec::new(),
            scope: (policy.scope.from, policy.scope.to),
        };
        for (bit, rule) in policy.rules.iter().enumerate() {
            all.add(bit, &rule.filter, policy, meaning, dictionaries)?;
        }
        for (rule, first) in policy.rules.iter().zip(Bits::first_steps(policy)) {
            for (bit, step) in (first..).zip(rule.kind.steps()) {
                all.add(bit, &step.filter, policy, meaning, dictionaries)?;
            }
        }
        all.add(
            all.bits.scope(),
            &policy.scope.filter,
            policy,
            meaning,
            dictionaries,
        )?;
        Ok(all)
    }

    /// The bits of the masks.
    #[must_use]
    pub fn bits(&self) -> Bits {
        self.bits
    }

    fn add(
        &mut self,
        bit: usize,
        filter: &Where,
        policy: &Policy,
        meaning: &Meaning,
        dictionaries: &Dictionaries,
    ) -> Result<()> {
        for condition in &filter.conditions {
            match condition {
                Condition::OffHours(wanted) => self.off_hours.push((bit, *wanted)),
                Condition::TimeOfDay(from, to) => self.time_of_day.push((bit, *from, *to)),
                Condition::Weekday(days) => self.weekdays.push((bit, *days)),
                Condition::References(yes) => {
                    let code = if *yes { REFERENCES_YES } else { REFERENCES_NO };
                    self.references
                        .push((bit, std::array::from_fn(|c| c == usize::from(code))));
                }
                Condition::Result(outcomes) => {
                    self.result.push((
                        bit,
                        std::array::from_fn(|c| outcomes.iter().any(|&o| o as usize == c)),
                    ));
                }
                Condition::OperationClass(classes) => {
                    let named = policy
                        .operations
                        .iter()
                        .filter(|o| classes.contains(&o.name));
                    let globs = named
                        .flat_map(|o| &o.globs)
                        .map(|g| glob(g))
                        .collect::<Result<_>>()?;
                    self.text(bit, Field::Operation, Test::Glob(globs));
                }
                Condition::Text(field, test) => {
                    self.add_text(bit, *field, test, policy, meaning, dictionaries)?;
                }
            }
        }
        Ok(())
    }

    fn add_text(
        &mut self,
        bit: usize,
        field: Field,
        test: &TextTest,
        policy: &Policy,
        meaning: &Meaning,
        dictionaries: &Dictionaries,
    ) -> Result<()> {
        let set = |values: &[String]| values.iter().map(|v| meaning.text(field, v)).collect();
        let compiled = match test {
            TextTest::In(values) => Test::In(set(values), true),
            TextTest::NotIn(values) => Test::In(set(values), false),
            TextTest::Glob(globs) => {
                Test::Glob(globs.iter().map(|g| glob(g)).collect::<Result<_>>()?)
            }
            TextTest::Regex(pattern) => Test::Regex(regex::Regex::new(pattern).map_err(|e| {
                Error::usage(
                    "policy",
                    (
                        format!("malformed regular expression: {e}"),
                        format!(
                            "正規表現の書き方に誤りがあります（{e}）。ポリシーを直してください"
                        ),
                    ),
                )
            })?),
            TextTest::List(name) | TextTest::NotList(name) => {
                let wanted = matches!(test, TextTest::List(_));
                let list = policy
                    .lists
                    .get(name)
                    .ok_or_else(|| {
                        Error::usage(
                            "policy",
                            (
                                format!("no list is named {name}"),
                                format!("「{name}」というリストはありません。ポリシーの [lists] を確かめてください"),
                            ),
                        )
                    })?;
                let on = if list.on.is_empty() {
                    vec![Key::Field(field)]
                } else {
                    list.on.clone()
                };
                if on.len() > 1 {
                    let rows = list
                        .rows
                        .iter()
                        .filter_map(|row| {
                            on.iter()
                                .zip(row)
                                .map(|(&k, v)| parse(k, v, meaning, dictionaries))
                                .collect()
                        })
                        .collect();
                    self.tuples.push(Tuples {
                        bit,
                        on,
                        rows: Arc::new(rows),
                        wanted,
                    });
                    return Ok(());
                }
                let values: Vec<String> = list
                    .rows
                    .iter()
                    .filter_map(|row| row.first().cloned())
                    .collect();
                Test::In(set(&values), wanted)
            }
        };
        self.text(bit, field, compiled);
        Ok(())
    }

    fn text(&mut self, bit: usize, field: Field, test: Test) {
        match id_column(field) {
            Some(column) => self.ids[column].push((bit, test)),
            None => self.subjects.push((bit, test)),
        }
    }
}
