//! `distinct`, and `count` with several `by` fields: the records in the window that agree on the `by`
//! values, and how often each value of the counted field stands among them.

use std::collections::VecDeque;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::count::add;
use super::rule::{Grouping, Placed};
use super::run::{Hit, Open, Out, Run};
use super::saved::{SavedOpen, Whose};
use super::values::Value;
use crate::findings::ByValues;
use crate::policy::Key;
use crate::state::texts::{Loader, Saver};

/// A record in the window.
struct Entry {
    time: i64,
    group: u32,
    /// Sequence number of the next entry of the group; meaningless for its last.
    next: u64,
    /// `distinct`: the value of the field, 0 for null.
    value: Value,
}

/// The records in the window that agree on the `by` values.
#[derive(Default)]
struct Group {
    by: ByValues,
    count: u64,
    distinct: u64,
    oldest: u64,
    newest: u64,
    open: Option<Box<Open>>,
}

/// State of such a rule for one key.
#[derive(Default)]
pub struct GroupedState {
    entries: VecDeque<Entry>,
    /// Sequence number of the first entry.
    first: u64,
    ids: HashMap<ByValues, u32, foldhash::fast::RandomState>,
    groups: Vec<Group>,
    free: Vec<u32>,
    /// How often each value of a group stands in the window.
    values: HashMap<(u32, Value), u32, foldhash::fast::RandomState>,
}

/// The state, saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedGrouped {
    /// By their values.
    pub groups: Vec<SavedGroup>,
    /// Time, group and value of the records.
    entries: Vec<(i64, u32, Value)>,
}

/// A group of such a state, saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedGroup {
    by: Vec<Value>,
    /// The finding that may grow.
    pub open: Option<SavedOpen>,
}

impl GroupedState {
    /// The records in a window to come, and their groups. (A finding that may grow has one of them.)
    #[must_use]
    pub fn save(
        &self,
        window: i64,
        by: &[Key],
        field: Option<Key>,
        to: &mut Saver,
    ) -> Option<SavedGrouped> {
        let until = to.next.saturating_sub(window);
        let live = || self.entries.iter().filter(|entry| entry.time > until);
        let mut groups: Vec<(u32, SavedGroup)> = Vec::new();
        let mut places: HashMap<u32, u32> = HashMap::new();
        for entry in live() {
            places.entry(entry.group).or_insert_with(|| {
                let group = &self.groups[entry.group as usize];
                let open = group.open.as_ref();
                let saved = SavedGroup {
                    by: to.values(by, &group.by),
                    open: open
                        .filter(|o| o.may_grow(to.next, window))
                        .map(|o| o.save()),
                };
                groups.push((entry.group, saved));
                0
            });
        }
        groups.sort_unstable_by(|a, b| a.1.by.cmp(&b.1.by));
        for (place, (group, _)) in (0..).zip(&groups) {
            places.insert(*group, place);
        }
        let mut entries = Vec::new();
        for entry in live() {
            let value = field.map_or(0, |field| to.value(field, entry.value));
            entries.push((entry.time, places[&entry.group], value));
        }
        // Records of one instant have no order.
        entries.sort_unstable();
        let groups = groups.into_iter().map(|(_, group)| group).collect();
        (!entries.is_empty()).then_some(SavedGrouped { groups, entries })
    }

    /// The state that was saved.
    #[must_use]
    pub fn load(
        saved: &SavedGrouped,
        whose: Whose<'_>,
        by: &[Key],
        field: Option<Key>,
        from: &mut Loader,
    ) -> GroupedState {
        let mut state = GroupedState::default();
        let values: Vec<ByValues> = saved
            .groups
            .iter()
            .map(|group| from.values(by, &group.by))
            .collect();
        for &(time, group, value) in &saved.entries {
            let Some(by) = values.get(group as usize) else {
                from.broken = true;
                continue;
            };
            let open = saved.groups[group as usize].open.as_ref();
            let value = field.map_or(0, |field| from.value(field, value));
            let id = state.push(time, by.clone(), value);
            let group = &mut state.groups[id as usize];
            group.open = group.open.take().or_else(|| {
                let open = open?;
                Some(Box::new(Open::load(open, whose, by.clone(), 0)))
            });
        }
        state
    }

    /// Takes the next records of the key.
    pub fn advance(
        &mut self,
        of: Placed<'_>,
        what: &Grouping<'_>,
        run: &Run<'_>,
        out: &mut Out<'_>,
    ) {
        let mut i = run.next(0, of.place);
        let mut instant: Vec<(usize, u32, Value)> = Vec::new();
        while i < run.len() {
            let end = run.instant_end(i);
            self.expire(run.time[i].saturating_sub(what.window), out);
            instant.clear();
            for j in (i..end).filter(|&j| run.has(j, of.place)) {
                let value = what.field.map_or(0, |field| run.value(j, field));
                let by = run.values(j, what.by);
                let judged = by.is_some() && (what.field.is_none() || value != 0);
                if let Some(by) = by {
                    let group = self.push(run.time[i], by, value);
                    if judged && run.in_scope(j) {
                        instant.push((j, group, value));
                    }
                }
                if run.in_scope(j) {
                    let counts = &mut out.counts[of.place];
                    *(if judged {
                        &mut counts.evaluated
                    } else {
                        &mut counts.not_evaluable
                    }) += 1;
                }
            }
            for &(j, group, _) in &instant {
                self.judge(of, what, run, j, group, out);
            }
            i = run.next(end, of.place);
        }
    }

    fn judge(
        &mut self,
        of: Placed<'_>,
        what: &Grouping<'_>,
        run: &Run<'_>,
        j: usize,
        group: u32,
        out: &mut Out<'_>,
    ) {
        let group = &mut self.groups[group as usize];
        let observed = if what.field.is_some() {
            group.distinct
        } else {
            group.count
        };
        if observed < what.at_least {
            return;
        }
        #[allow(clippy::cast_possible_truncation)]
        let since = self.entries[(group.oldest - self.first) as usize].time;
        let hit = Hit {
            row: run.rows[j],
            time: run.time[j],
            observed: observed.cast_signed(),
            since,
            active_days: -1,
        };
        let mut open = group.open.take().map(|open| *open);
        add(&mut open, hit, what.window, out, |d| {
            let by = (what.by, group.by.clone());
            Open::new(
                (of.place, of.rule),
                run.key,
                by,
                (Key::Date, 0),
                hit.time,
                d,
            )
        });
        group.open = open.map(Box::new);
    }

    /// Puts a record into the window; its group.
    fn push(&mut self, time: i64, by: ByValues, value: Value) -> u32 {
        let seq = self.first + self.entries.len() as u64;
        let id = match self.ids.get(&by) {
            Some(&id) => id,
            None => self.new_group(by),
        };
        let group = &mut self.groups[id as usize];
        if group.count == 0 {
            group.oldest = seq;
        } else {
            #[allow(clippy::cast_possible_truncation)]
            let newest = (group.newest - self.first) as usize;
            self.entries[newest].next = seq;
        }
        group.newest = seq;
        group.count += 1;
        if value != 0 {
            let times = self.values.entry((id, value)).or_insert(0);
            *times += 1;
            group.distinct += u64::from(*times == 1);
        }
        self.entries.push_back(Entry {
            time,
            group: id,
            next: 0,
            value,
        });
        id
    }

    fn new_group(&mut self, by: ByValues) -> u32 {
        let id = self.free.pop().unwrap_or_else(|| {
            self.groups.push(Group::default());
            u32::try_from(self.groups.len() - 1).expect("fewer than 2^32 groups in a window")
        });
        self.groups[id as usize] = Group {
            by: by.clone(),
            ..Group::default()
        };
        self.ids.insert(by, id);
        id
    }

    /// Takes records at or before `until` out of the window.
    fn expire(&mut self, until: i64, out: &mut Out<'_>) {
        while let Some(entry) = self.entries.pop_front_if(|e| e.time <= until) {
            self.first += 1;
            let group = &mut self.groups[entry.group as usize];
            group.count -= 1;
            group.oldest = entry.next;
            if entry.value != 0
                && let hashbrown::hash_map::Entry::Occupied(mut times) =
                    self.values.entry((entry.group, entry.value))
            {
                *times.get_mut() -= 1;
                if *times.get() == 0 {
                    times.remove();
                    group.distinct -= 1;
                }
            }
            if group.count == 0 {
                // Its last flagged record is a window or more away from anything to come.
                let group = std::mem::take(group);
                self.ids.remove(&group.by);
                self.free.push(entry.group);
                if let Some(open) = group.open {
                    open.close_by_peak(out);
                }
            }
        }
    }

    /// Closes what is open.
    pub fn finish(&mut self, out: &mut Out<'_>) {
        for open in self.groups.iter_mut().filter_map(|g| g.open.take()) {
            open.close_by_peak(out);
        }
    }
}
