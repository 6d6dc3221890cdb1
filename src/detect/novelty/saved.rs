//! The state of `novelty` for one key, as the next scan takes it up.

use serde::{Deserialize, Serialize};

use super::{FORGET_AT, NoveltyState};
use crate::detect::days::Newest;
use crate::detect::run::Open;
use crate::detect::saved::{SavedOpen, Whose};
use crate::detect::values::{Value, day_of};
use crate::findings::ByValues;
use crate::policy::Key;
use crate::state::texts::{Loader, Saver};

/// The state, saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedNovelty {
    today: i32,
    active: i32,
    active_words: Vec<u64>,
    /// The values in reach.
    pub values: Vec<SavedValue>,
}

/// A value of such a state, saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedValue {
    value: Value,
    days: i32,
    words: Vec<u64>,
    /// The finding that may grow.
    pub open: Option<SavedOpen>,
}

impl NoveltyState {
    /// The days and values that a lookback to come may reach.
    #[must_use]
    pub fn save(&self, field: Key, lookback: u32, to: &mut Saver) -> Option<SavedNovelty> {
        let next = day_of(to.next);
        let oldest = i64::from(next) - i64::from(lookback);
        if i64::from(self.active.0) < oldest {
            return None;
        }
        let goes_on = self.today.0 == next;
        let mut values: Vec<SavedValue> = Vec::new();
        for ((value, slot), words) in self.values.iter().zip(self.bits.chunks(self.words)) {
            if i64::from(slot.days.0) >= oldest {
                let open = slot.open.as_ref().filter(|_| goes_on);
                values.push(SavedValue {
                    value: to.value(field, *value),
                    days: slot.days.0,
                    words: words.to_vec(),
                    open: open.map(|open| open.save()),
                });
            }
        }
        values.sort_unstable_by_key(|value| value.value);
        Some(SavedNovelty {
            today: self.today.0,
            active: self.active.0,
            active_words: self.active_words.clone(),
            values,
        })
    }

    /// The state that was saved.
    #[must_use]
    pub fn load(
        saved: &SavedNovelty,
        whose: Whose<'_>,
        field: Key,
        lookback: u32,
        from: &mut Loader,
    ) -> NoveltyState {
        let mut state = NoveltyState::new(lookback);
        from.broken |= saved.active_words.len() != state.words;
        state.active = Newest(saved.active);
        for (word, &saved) in state.active_words.iter_mut().zip(&saved.active_words) {
            *word = saved;
        }
        let active = state
            .active
            .before(&state.active_words, saved.today, lookback);
        state.today = (saved.today, active.count);
        for known in &saved.values {
            from.broken |= known.words.len() != state.words;
            let value = from.value(field, known.value);
            let slot = state.slot(value);
            let at = slot as usize;
            let bits = &mut state.bits[at * state.words..];
            for (word, &saved) in bits.iter_mut().zip(&known.words) {
                *word = saved;
            }
            let slot_of = &mut state.values[at].1;
            slot_of.days = Newest(known.days);
            if let Some(open) = &known.open {
                let open = Open::load(open, whose, ByValues::new(), value);
                slot_of.open = Some(Box::new(open));
                state.flagged.push(slot);
            }
        }
        state.forget_at = (2 * state.values.len()).max(FORGET_AT);
        state
    }
}
