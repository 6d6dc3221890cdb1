//! `sequence`: steps one after another, all in the window of the record that completes the last.
//!
//! A step takes `times` records and is done at the last of them. All of these stand at or after the
//! moment at which the step before was done, and that moment was earlier. Seen from the end, the
//! latest records are always the best choice for a step: they leave the most room for those before.

use std::collections::VecDeque;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::rule::Placed;
use super::run::{Hit, Open, Out, Run};
use super::saved::{SavedOpen, Whose};
use super::values::Value;
use crate::findings::ByValues;
use crate::policy::{Key, Sequence, Step};
use crate::state::texts::{Loader, Saver};

const FORGET_AT: usize = 8;

/// The records that agree on the `by` values.
struct Group {
    /// By step: times of the records that satisfy it, in the window as of the last record. A last
    /// step that takes a single record has none: it is the record that is judged.
    times: Vec<VecDeque<i64>>,
    open: Option<Open>,
}

impl Group {
    /// Takes records at or before `until` out of the window.
    fn expire(&mut self, until: i64) {
        for times in &mut self.times {
            while times.pop_front_if(|t| *t <= until).is_some() {}
        }
    }
}

/// The number of steps of which times are kept.
fn kept(steps: &[Step]) -> usize {
    steps.len() - usize::from(steps.last().is_some_and(|last| last.times == 1))
}

/// State of such a rule for one key.
pub struct SequenceState {
    groups: HashMap<ByValues, Group, foldhash::fast::RandomState>,
    /// Number of groups at which those out of the window are dropped.
    forget_at: usize,
}

impl Default for SequenceState {
    fn default() -> Self {
        SequenceState {
            groups: HashMap::default(),
            forget_at: FORGET_AT,
        }
    }
}

/// The state, saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedSequence {
    /// By their values.
    pub groups: Vec<SavedGroup>,
}

/// A group of such a state, saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedGroup {
    by: Vec<Value>,
    times: Vec<Vec<i64>>,
    /// The finding that may grow.
    pub open: Option<SavedOpen>,
}

impl SequenceState {
    /// The groups with a record in a window to come.
    #[must_use]
    pub fn save(&self, within: i64, by: &[Key], to: &mut Saver) -> Option<SavedSequence> {
        let until = to.next.saturating_sub(within);
        let mut groups: Vec<SavedGroup> = Vec::new();
        for (values, group) in &self.groups {
            let left = |times: &VecDeque<i64>| -> Vec<i64> {
                times.iter().copied().filter(|&t| t > until).collect()
            };
            let times: Vec<Vec<i64>> = group.times.iter().map(left).collect();
            let open = group.open.as_ref().filter(|o| o.may_grow(to.next, within));
            if open.is_some() || times.iter().any(|times| !times.is_empty()) {
                groups.push(SavedGroup {
                    by: to.values(by, values),
                    times,
                    open: open.map(Open::save),
                });
            }
        }
        groups.sort_unstable_by(|a, b| a.by.cmp(&b.by));
        (!groups.is_empty()).then_some(SavedSequence { groups })
    }

    /// The state that was saved.
    #[must_use]
    pub fn load(
        saved: &SavedSequence,
        whose: Whose<'_>,
        what: &Sequence,
        from: &mut Loader,
    ) -> SequenceState {
        let mut state = SequenceState::default();
        for group in &saved.groups {
            let by: ByValues = from.values(&what.by, &group.by);
            from.broken |= group.times.len() != kept(&what.steps);
            let open = group.open.as_ref();
            let open = open.map(|open| Open::load(open, whose, by.clone(), 0));
            let times = group.times.iter().map(|t| t.iter().copied().collect());
            let times = times.collect();
            state.groups.insert(by, Group { times, open });
        }
        state.forget_at = (2 * state.groups.len()).max(FORGET_AT);
        state
    }

    /// Takes the next records of the key.
    pub fn advance(&mut self, of: Placed<'_>, what: &Sequence, run: &Run<'_>, out: &mut Out<'_>) {
        let last = of.steps + what.steps.len() - 1;
        let kept = of.steps..of.steps + kept(&what.steps);
        let (mut evaluated, mut not_evaluable) = (0, 0);
        let mut done: Vec<(usize, ByValues)> = Vec::new();
        let mut i = run.next(0, of.place);
        while i < run.len() {
            let end = run.instant_end(i);
            done.clear();
            for j in (i..end).filter(|&j| run.has(j, of.place)) {
                let in_scope = run.in_scope(j);
                let Some(by) = run.values(j, &what.by) else {
                    not_evaluable += u64::from(in_scope);
                    continue;
                };
                evaluated += u64::from(in_scope);
                if kept.clone().any(|step| run.has(j, step)) {
                    self.put(of, what, run, j, &by, out);
                }
                if in_scope && run.has(j, last) {
                    done.push((j, by));
                }
            }
            for (j, by) in done.drain(..) {
                self.judge(of, what, run, j, by, out);
            }
            i = run.next(end, of.place);
        }
        out.counts[of.place].evaluated += evaluated;
        out.counts[of.place].not_evaluable += not_evaluable;
    }

    /// Puts a record to the steps that it satisfies.
    fn put(
        &mut self,
        of: Placed<'_>,
        what: &Sequence,
        run: &Run<'_>,
        j: usize,
        by: &ByValues,
        out: &mut Out<'_>,
    ) {
        let time = run.time[j];
        let until = time.saturating_sub(what.within);
        if self.groups.len() >= self.forget_at && !self.groups.contains_key(by) {
            self.forget(until, out);
        }
        let group = self.groups.entry_ref(by).or_insert_with(|| Group {
            times: vec![VecDeque::new(); kept(&what.steps)],
            open: None,
        });
        group.expire(until);
        for (n, (times, step)) in group.times.iter_mut().zip(&what.steps).enumerate() {
            let enough = times.len().checked_sub(step.times as usize);
            // More records of this very instant than the step takes change nothing.
            if run.has(j, of.steps + n) && enough.is_none_or(|at| times[at] != time) {
                times.push_back(time);
            }
        }
    }

    fn judge(
        &mut self,
        of: Placed<'_>,
        what: &Sequence,
        run: &Run<'_>,
        j: usize,
        by: ByValues,
        out: &mut Out<'_>,
    ) {
        let time = run.time[j];
        let Some(group) = self.groups.get_mut(&by) else {
            return;
        };
        group.expire(time.saturating_sub(what.within));
        let Some(since) = start(&group.times, &what.steps, time) else {
            return;
        };
        if let Some(open) = group.open.take_if(|open| time - open.0.last >= what.within) {
            open.close_by_records(out);
        }
        let dictionaries = out.dictionaries;
        let open = group.open.get_or_insert_with(|| {
            Open::new(
                (of.place, of.rule),
                run.key,
                (&what.by, by),
                (Key::Date, 0),
                time,
                dictionaries,
            )
        });
        let hit = Hit {
            row: run.rows[j],
            time,
            observed: 1,
            since,
            active_days: -1,
        };
        open.add(hit, out);
    }

    /// Drops the groups without a record, counted or flagged, after `until`.
    #[cold]
    fn forget(&mut self, until: i64, out: &mut Out<'_>) {
        let gone = |group: &Group| {
            let old = |times: &VecDeque<i64>| times.back().is_none_or(|&t| t <= until);
            let open = group.open.as_ref();
            group.times.iter().all(old) && open.is_none_or(|open| open.0.last <= until)
        };
        for (_, group) in self.groups.extract_if(|_, group| gone(group)) {
            if let Some(open) = group.open {
                open.close_by_records(out);
            }
        }
        self.forget_at = (2 * self.groups.len()).max(FORGET_AT);
    }

    /// Closes what is open.
    pub fn finish(&mut self, out: &mut Out<'_>) {
        let groups = self.groups.values_mut();
        for open in groups.filter_map(|group| group.open.take()) {
            open.close_by_records(out);
        }
    }
}

/// Where the latest-starting chain begins of which the last step is done at `time`, if there is one.
fn start(times: &[VecDeque<i64>], steps: &[Step], time: i64) -> Option<i64> {
    let before = i64::from(times.len() < steps.len());
    let (mut start, mut latest) = (time, time - before);
    for (times, step) in times.iter().zip(steps).rev() {
        let so_far = times.partition_point(|&t| t <= latest);
        start = times[so_far.checked_sub(step.times as usize)?];
        latest = start.min(times[so_far - 1] - 1);
    }
    Some(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Where;

    /// `times` of each step and the times of its records, and the start of the chain at 100.
    type Case = (&'static [(u32, &'static [i64])], Option<i64>);

    #[test]
    fn chains_start_as_late_as_they_can() {
        let cases: &[Case] = &[
            (&[(1, &[1, 5]), (1, &[100])], Some(5)),
            (&[(1, &[100]), (1, &[100])], None),
            (&[(3, &[1, 2, 3, 4]), (1, &[100])], Some(2)),
            (&[(3, &[1, 2]), (1, &[100])], None),
            (&[(2, &[7, 7]), (1, &[100])], Some(7)),
            (&[(1, &[1, 9]), (1, &[5]), (1, &[100])], Some(1)),
            (&[(1, &[5]), (1, &[5]), (1, &[100])], None),
            // The second step begins at the moment the first is done, and is done later.
            (&[(1, &[5]), (2, &[5, 6]), (1, &[100])], Some(5)),
            (&[(1, &[5]), (2, &[5, 5]), (1, &[100])], None),
            (&[(2, &[1, 5]), (2, &[2, 6]), (1, &[100])], None),
            (&[(1, &[50]), (2, &[60, 100])], Some(50)),
            (&[(1, &[60]), (3, &[50, 60, 100])], None),
        ];
        for (given, expected) in cases {
            let steps: Vec<Step> = given
                .iter()
                .map(|&(times, _)| Step {
                    filter: Where::default(),
                    times,
                })
                .collect();
            let times: Vec<VecDeque<i64>> = given[..kept(&steps)]
                .iter()
                .map(|(_, times)| times.iter().copied().collect())
                .collect();
            assert_eq!(start(&times, &steps, 100), *expected, "{given:?}");
        }
    }
}
