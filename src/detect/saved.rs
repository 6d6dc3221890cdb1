//! What is carried from one scan to the next: the states of the rules, by key.
//!
//! Each kind says next to its state how it is saved and loaded. A state is saved as of a moment, the
//! earliest time that a record may still have: what no such record can be affected by is left out, so
//! that the size is bounded by windows and lookbacks.

use serde::{Deserialize, Serialize};

use super::count::CountState;
use super::count::SavedCount;
use super::gap::GapState;
use super::grouped::{GroupedState, SavedGrouped};
use super::hours::{HoursState, SavedHours};
use super::keyed::{KeyedState, SavedKeyed};
use super::matching::MatchState;
use super::novelty::{NoveltyState, SavedNovelty};
use super::rule::{Placed, RuleState};
use super::run::Open;
use super::sequence::{SavedSequence, SequenceState};
use super::spike::{SavedSpike, SpikeState};
use super::values::Value;
use crate::findings::{ByValues, Finding};
use crate::policy::{Kind, Sequence};
use crate::state::texts::{Loader, Saver};

/// State of one rule for one key, saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SavedRule {
    /// Nothing that could still matter.
    Nothing,
    /// `match`.
    Match(SavedOpen),
    /// `count` without `by`.
    Count(SavedCount),
    /// `count` with one `by` field.
    Keyed(SavedKeyed),
    /// `count` with several, and `distinct`.
    Grouped(SavedGrouped),
    /// `novelty`.
    Novelty(SavedNovelty),
    /// `hours`.
    Hours(SavedHours),
    /// `spike`.
    Spike(SavedSpike),
    /// `gap`: the last time.
    Gap(i64),
    /// `sequence`.
    Sequence(SavedSequence),
}

/// A finding that may still grow, saved; whose it is, is told by where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedOpen {
    id: u64,
    first: i64,
    last: i64,
    records: u64,
    peak: i64,
    magnitude: f64,
}

/// Whose state is loaded.
#[derive(Clone, Copy)]
pub struct Whose<'a> {
    /// The rule.
    pub of: Placed<'a>,
    /// The key.
    pub key: Value,
}

impl Open {
    /// The finding as it is saved.
    #[must_use]
    pub fn save(&self) -> SavedOpen {
        let Finding {
            id,
            first,
            last,
            records,
            peak,
            magnitude,
            ..
        } = self.0;
        SavedOpen {
            id,
            first,
            last,
            records,
            peak,
            magnitude,
        }
    }

    /// A saved finding, to go on: reported again only if it grows.
    #[must_use]
    pub fn load(saved: &SavedOpen, whose: Whose<'_>, by: ByValues, value: Value) -> Open {
        Open(Finding {
            id: saved.id,
            rule: u32::try_from(whose.of.place).unwrap_or(u32::MAX),
            key: whose.key,
            by,
            value,
            first: saved.first,
            last: saved.last,
            records: saved.records,
            carried: saved.records,
            peak: saved.peak,
            magnitude: saved.magnitude,
        })
    }
}

impl SavedRule {
    /// The finding that is open in it; for several, see [`SavedRule::findings`].
    fn open_of(open: Option<&SavedOpen>, ids: &mut Vec<u64>) {
        ids.extend(open.map(|open| open.id));
    }

    /// Adds the ids of the findings that are open in it.
    pub fn findings(&self, ids: &mut Vec<u64>) {
        match self {
            SavedRule::Nothing | SavedRule::Gap(_) => {}
            SavedRule::Match(open) => ids.push(open.id),
            SavedRule::Count(saved) => Self::open_of(saved.open.as_ref(), ids),
            SavedRule::Keyed(saved) => {
                for value in &saved.values {
                    Self::open_of(value.open.as_ref(), ids);
                }
            }
            SavedRule::Grouped(saved) => {
                for group in &saved.groups {
                    Self::open_of(group.open.as_ref(), ids);
                }
            }
            SavedRule::Novelty(saved) => {
                for value in &saved.values {
                    Self::open_of(value.open.as_ref(), ids);
                }
            }
            SavedRule::Hours(saved) => Self::open_of(saved.open.as_ref(), ids),
            SavedRule::Spike(saved) => Self::open_of(saved.open.as_ref(), ids),
            SavedRule::Sequence(saved) => {
                for group in &saved.groups {
                    Self::open_of(group.open.as_ref(), ids);
                }
            }
        }
    }
}

impl RuleState {
    /// The state as it is saved.
    pub fn save(&self, of: Placed<'_>, to: &mut Saver) -> SavedRule {
        let saved = match (self, &of.rule.kind) {
            (RuleState::Match(state), _) => state.save(to).map(SavedRule::Match),
            (RuleState::Count(state), Kind::Count { window, .. }) => {
                state.save(*window, to).map(SavedRule::Count)
            }
            (RuleState::Keyed(state), Kind::Count { window, by, .. }) => {
                state.save(*window, by[0], to).map(SavedRule::Keyed)
            }
            (RuleState::Grouped(state), Kind::Count { window, by, .. }) => {
                state.save(*window, by, None, to).map(SavedRule::Grouped)
            }
            (
                RuleState::Grouped(state),
                Kind::Distinct {
                    field, window, by, ..
                },
            ) => state
                .save(*window, by, Some(*field), to)
                .map(SavedRule::Grouped),
            (
                RuleState::Novelty(state),
                Kind::Novelty {
                    field, lookback, ..
                },
            ) => state.save(*field, *lookback, to).map(SavedRule::Novelty),
            (RuleState::Hours(state), Kind::Hours { lookback, .. }) => {
                state.save(*lookback, to).map(SavedRule::Hours)
            }
            (RuleState::Spike(state), Kind::Spike(what)) => {
                state.save(*what, to).map(SavedRule::Spike)
            }
            (RuleState::Gap(state), _) => state.save().map(SavedRule::Gap),
            (RuleState::Sequence(state), Kind::Sequence(Sequence { within, by, .. })) => {
                state.save(*within, by, to).map(SavedRule::Sequence)
            }
            _ => unreachable!("a state is made for its rule"),
        };
        saved.unwrap_or(SavedRule::Nothing)
    }

    /// A saved state, to go on; that of no record if it is of another kind, which makes the loader
    /// `broken`.
    #[must_use]
    pub fn load(saved: &SavedRule, whose: Whose<'_>, from: &mut Loader) -> RuleState {
        match (saved, &whose.of.rule.kind) {
            (SavedRule::Nothing, _) => RuleState::new(whose.of.rule),
            (SavedRule::Match(open), Kind::Match) => {
                RuleState::Match(MatchState::load(open, whose))
            }
            (SavedRule::Count(saved), Kind::Count { by, .. }) if by.is_empty() => {
                RuleState::Count(CountState::load(saved, whose))
            }
            (
                SavedRule::Keyed(saved),
                Kind::Count {
                    window,
                    at_least,
                    by,
                },
            ) if by.len() == 1 => {
                let what = super::keyed::Keyed {
                    window: *window,
                    at_least: *at_least,
                    by: by[0],
                };
                RuleState::Keyed(Box::new(KeyedState::load(saved, whose, what, from)))
            }
            (SavedRule::Grouped(saved), Kind::Count { by, .. }) if by.len() > 1 => {
                let state = GroupedState::load(saved, whose, by, None, from);
                RuleState::Grouped(Box::new(state))
            }
            (SavedRule::Grouped(saved), Kind::Distinct { field, by, .. }) => {
                let state = GroupedState::load(saved, whose, by, Some(*field), from);
                RuleState::Grouped(Box::new(state))
            }
            (
                SavedRule::Novelty(saved),
                Kind::Novelty {
                    field, lookback, ..
                },
            ) => {
                let state = NoveltyState::load(saved, whose, *field, *lookback, from);
                RuleState::Novelty(Box::new(state))
            }
            (SavedRule::Hours(saved), Kind::Hours { lookback, .. }) => {
                RuleState::Hours(Box::new(HoursState::load(saved, whose, *lookback)))
            }
            (SavedRule::Spike(saved), Kind::Spike(what)) => {
                RuleState::Spike(Box::new(SpikeState::load(saved, whose, *what, from)))
            }
            (SavedRule::Gap(last), Kind::Gap { .. }) => RuleState::Gap(GapState::load(*last)),
            (SavedRule::Sequence(saved), Kind::Sequence(what)) => {
                RuleState::Sequence(Box::new(SequenceState::load(saved, whose, what, from)))
            }
            _ => {
                from.broken = true;
                RuleState::new(whose.of.rule)
            }
        }
    }
}
