//! One interface over the kinds: the state of one rule for one key.

use super::count::CountState;
use super::gap::GapState;
use super::grouped::GroupedState;
use super::hours::{Hours, HoursState};
use super::keyed::{Keyed, KeyedState};
use super::matching::MatchState;
use super::novelty::{Novelty, NoveltyState};
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
        let kind = &of.rule.kind;
        match self {
            RuleState::Match(state) => state.advance(of, run, out),
            RuleState::Count(state) => {
                if let Some(what) = Grouping::of(kind) {
                    state.advance(of, what.window, what.at_least, run, out);
                }
            }
            RuleState::Keyed(state) => {
                if let Some(what) = Grouping::of(kind) {
                    let what = Keyed {
                        window: what.window,
                        at_least: what.at_least,
                        by: what.by[0],
                    };
                    state.advance(of, what, run, out);
                }
            }
            RuleState::Grouped(state) => {
                if let Some(what) = Grouping::of(kind) {
                    state.advance(of, &what, run, out);
                }
            }
            RuleState::Novelty(state) => {
                if let Some(what) = Novelty::of(kind) {
                    state.advance(of, what, run, out);
                }
            }
            RuleState::Hours(state) => {
                if let Some(what) = Hours::of(kind) {
                    state.advance(of, what, run, out);
                }
            }
            RuleState::Spike(state) => {
                if let Kind::Spike(what) = kind {
                    state.advance(of, *what, run, out);
                }
            }
            RuleState::Gap(state) => {
                if let Kind::Gap { idle } = kind {
                    state.advance(of, *idle, run, out);
                }
            }
            RuleState::Sequence(state) => {
                if let Kind::Sequence(what) = kind {
                    state.advance(of, what, run, out);
                }
            }
        }
    }

    /// How deep [`RuleState::bring_near`] goes.
    pub const DEPTH: u8 = 3;

    /// Reads a little of what [`RuleState::advance`] will look at: at depth 0 the state itself, at
    /// each further depth what was pointed to. What comes of it means nothing; but reads of several
    /// states, one depth after another, wait for memory together, not one after another.
    #[must_use]
    pub fn bring_near(&self, depth: u8) -> u64 {
        match (self, depth.checked_sub(1)) {
            (RuleState::Keyed(state), Some(depth)) => state.bring_near(depth),
            (RuleState::Novelty(state), Some(depth)) => state.bring_near(depth),
            // The others are small, or seldom.
            _ => u64::from(matches!(self, RuleState::Keyed(_) | RuleState::Novelty(_))),
        }
    }

    /// No more records: what is open is closed.
    pub fn finish(&mut self, out: &mut Out<'_>) {
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

impl<'a> Grouping<'a> {
    /// The parameters of a rule of such a kind.
    #[must_use]
    pub fn of(kind: &'a Kind) -> Option<Grouping<'a>> {
        let (window, at_least, by, field) = match kind {
            Kind::Count {
                window,
                at_least,
                by,
            } => (*window, *at_least, by, None),
            Kind::Distinct {
                field,
                window,
                at_least,
                by,
            } => (*window, *at_least, by, Some(*field)),
            _ => return None,
        };
        Some(Grouping {
            window,
            at_least,
            by,
            field,
        })
    }
}
