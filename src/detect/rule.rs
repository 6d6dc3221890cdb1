//! One interface over the kinds: the state of one rule for one key.

use super::count::CountState;
use super::gap::GapState;
use super::grouped::GroupedState;
use super::hours::HoursState;
use super::keyed::{Keyed, KeyedState};
use super::matching::MatchState;
use super::novelty::NoveltyState;
use super::run::{Out, Run};
use super::sequence::SequenceState;
use super::spike::SpikeState;
use crate::policy::{Key, Kind, Rule};

/// A rule and its place in the policy, which is also its bit in a mask.
#[derive(Clone, Copy)]
pub struct Placed<'a> {
    /// The place.
    pub place: usize,
    /// The rule.
    pub rule: &'a Rule,
    /// `sequence`: the bit of its first step; those of the others follow.
    pub steps: usize,
}

/// State of one rule for one key. Incremental: runs of one key come in time order, and each
/// instant's records come in one run.
pub enum RuleState {
    /// `match`.
    Match(MatchState),
    /// `count` without `by`.
    Count(CountState),
    /// `count` with one `by` field.
    Keyed(Box<KeyedState>),
    /// `count` with several, and `distinct`.
    Grouped(Box<GroupedState>),
    /// `novelty`.
    Novelty(Box<NoveltyState>),
    /// `hours`.
    Hours(Box<HoursState>),
    /// `spike`.
    Spike(Box<SpikeState>),
    /// `gap`.
    Gap(GapState),
    /// `sequence`.
    Sequence(Box<SequenceState>),
}

impl RuleState {
    /// The state before any record.
    #[must_use]
    pub fn new(rule: &Rule) -> RuleState {
        match &rule.kind {
            Kind::Match => RuleState::Match(MatchState::default()),
            Kind::Count { by, .. } if by.is_empty() => RuleState::Count(CountState::default()),
            Kind::Count { at_least, by, .. } if by.len() == 1 => {
                RuleState::Keyed(Box::new(KeyedState::new(*at_least)))
            }
            Kind::Count { .. } | Kind::Distinct { .. } => RuleState::Grouped(Box::default()),
            Kind::Novelty { lookback, .. } => {
                RuleState::Novelty(Box::new(NoveltyState::new(*lookback)))
            }
            Kind::Hours { lookback, .. } => RuleState::Hours(Box::new(HoursState::new(*lookback))),
            Kind::Spike(_) => RuleState::Spike(Box::default()),
            Kind::Gap { .. } => RuleState::Gap(GapState::default()),
            Kind::Sequence(_) => RuleState::Sequence(Box::default()),
        }
    }

    /// Takes the next records of the key.
    pub fn advance(&mut self, of: Placed<'_>, run: &Run<'_>, out: &mut Out<'_>) {
        match (self, &of.rule.kind) {
            (RuleState::Match(state), Kind::Match) => state.advance(of, run, out),
            (
                RuleState::Count(state),
                Kind::Count {
                    window, at_least, ..
                },
            ) => {
                state.advance(of, *window, *at_least, run, out);
            }
            (
                RuleState::Keyed(state),
                Kind::Count {
                    window,
                    at_least,
                    by,
                },
            ) => {
                let what = Keyed {
                    window: *window,
                    at_least: *at_least,
                    by: by[0],
                };
                state.advance(of, what, run, out);
            }
            (
                RuleState::Grouped(state),
                Kind::Count {
                    window,
                    at_least,
                    by,
                },
            ) => {
                state.advance(
                    of,
                    &Grouping {
                        window: *window,
                        at_least: *at_least,
                        by,
                        field: None,
                    },
                    run,
                    out,
                );
            }
            (
                RuleState::Grouped(state),
                Kind::Distinct {
                    field,
                    window,
                    at_least,
                    by,
                },
            ) => {
                state.advance(
                    of,
                    &Grouping {
                        window: *window,
                        at_least: *at_least,
                        by,
                        field: Some(*field),
                    },
                    run,
                    out,
                );
            }
            (
                RuleState::Novelty(state),
                Kind::Novelty {
                    field,
                    lookback,
                    min_active_days,
                    max_days,
                },
            ) => {
                let what = super::novelty::Novelty {
                    field: *field,
                    lookback: *lookback,
                    min_active_days: *min_active_days,
                    max_days: *max_days,
                };
                state.advance(of, what, run, out);
            }
            (
                RuleState::Hours(state),
                Kind::Hours {
                    lookback,
                    min_active_days,
                    at_least,
                },
            ) => {
                let what = super::hours::Hours {
                    lookback: *lookback,
                    min_active_days: *min_active_days,
                    at_least: *at_least / 60_000,
                    exact: *at_least % 60_000 == 0,
                };
                state.advance(of, what, run, out);
            }
            (RuleState::Spike(state), Kind::Spike(what)) => state.advance(of, *what, run, out),
            (RuleState::Gap(state), Kind::Gap { idle }) => state.advance(of, *idle, run, out),
            (RuleState::Sequence(state), Kind::Sequence(what)) => {
                state.advance(of, what, run, out);
            }
            _ => unreachable!("a state is made for its rule"),
        }
    }

    /// No more records: what is open is closed.
    pub fn finish(self, out: &mut Out<'_>) {
        match self {
            RuleState::Match(state) => state.finish(out),
            RuleState::Count(state) => state.finish(out),
            RuleState::Keyed(state) => state.finish(out),
            RuleState::Grouped(state) => state.finish(out),
            RuleState::Novelty(state) => state.finish(out),
            RuleState::Hours(state) => state.finish(out),
            RuleState::Spike(state) => state.finish(out),
            RuleState::Gap(_) => {}
            RuleState::Sequence(state) => state.finish(out),
        }
    }
}

/// Parameters of `count` and `distinct`.
pub struct Grouping<'a> {
    /// Milliseconds.
    pub window: i64,
    /// Inclusive.
    pub at_least: u64,
    /// Fields whose values must agree.
    pub by: &'a [Key],
    /// `distinct`: the field counted.
    pub field: Option<Key>,
}
