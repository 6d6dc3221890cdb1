//! Findings of values that may still grow.

use hashbrown::HashMap;

use crate::detect::run::{Open, Out};
use crate::detect::values::Value;

/// At so many findings those are looked for that cannot grow any more, at least.
const FORGET_AT: usize = 8;

/// By value: its finding that may grow.
pub(super) struct Opens {
    open: HashMap<Value, Open, foldhash::fast::RandomState>,
    /// Number of findings at which those are looked for that cannot grow any more.
    forget_at: usize,
}

impl Default for Opens {
    fn default() -> Self {
        Opens {
            open: HashMap::default(),
            forget_at: FORGET_AT,
        }
    }
}

impl Opens {
    pub(super) fn get(&self, value: Value) -> Option<&Open> {
        self.open.get(&value)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Value, &Open)> {
        self.open.iter().map(|(&value, open)| (value, open))
    }

    pub(super) fn take(&mut self, value: Value) -> Option<Open> {
        self.open.remove(&value)
    }

    pub(super) fn put(&mut self, value: Value, open: Open) {
        self.open.insert(value, open);
    }

    /// Closes findings that cannot grow any more, now and then: a record comes, and what is not later
    /// than `until` is a window or more away.
    pub(super) fn forget(&mut self, until: i64, out: &mut Out<'_>) {
        if self.open.len() < self.forget_at {
            return;
        }
        let gone = self.open.extract_if(|_, open| open.0.last <= until);
        for (_, open) in gone {
            open.close_by_peak(out);
        }
        self.forget_at = (self.open.len() + self.open.len() / 2).max(FORGET_AT);
    }

    /// Closes all.
    pub(super) fn finish(&mut self, out: &mut Out<'_>) {
        for (_, open) in self.open.drain() {
            open.close_by_peak(out);
        }
    }
}
