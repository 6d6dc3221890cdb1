//! Keys and their states: a batch is grouped by key, and the keys of each shard are taken one after
//! another with all their rules, so that a key's small state stays in the cache.

use hashbrown::HashMap;

use super::predicate::{Bits, has};
use super::rule::{Placed, RuleState};
use super::run::{Out, RuleCounts, Run};
use super::values::{Value, value};
use crate::block::Columns;
use crate::dictionary::Dictionaries;
use crate::findings::{Finding, Flag};
use crate::policy::{Key, Kind, Policy};
use crate::record::Field;

/// The rules that share a `per` field.
#[derive(Debug, Clone)]
pub struct PerRules {
    /// The field.
    pub per: Field,
    /// Places of its rules in the policy.
    pub places: Vec<usize>,
}

impl PerRules {
    /// The rules of a policy by `per` field; `usable` says whether a rule can be evaluated at all.
    #[must_use]
    pub fn of(policy: &Policy, usable: impl Fn(usize) -> bool) -> Vec<PerRules> {
        let mut all: Vec<PerRules> = Vec::new();
        for (place, rule) in policy
            .rules
            .iter()
            .enumerate()
            .filter(|(place, _)| usable(*place))
        {
            match all.iter_mut().find(|p| p.per == rule.per) {
                Some(found) => found.places.push(place),
                None => all.push(PerRules {
                    per: rule.per,
                    places: vec![place],
                }),
            }
        }
        all
    }
}

/// Rows of a batch, key after key; each key's in the order of the batch.
#[derive(Debug, Default)]
pub struct Grouped {
    /// Rows.
    pub rows: Vec<u32>,
    /// Keys, and where their rows end.
    pub keys: Vec<(Value, u32)>,
}

impl Grouped {
    /// Groups the records of a batch by a field.
    #[must_use]
    pub fn by(columns: &Columns, per: Field) -> Grouped {
        let n = u32::try_from(columns.len()).expect("fewer than 2^32 records in a batch");
        if per == Field::Subject {
            return Grouped::by_sorting(columns, n);
        }
        let ids = crate::dictionary::id_column(per).map_or(&[][..], |c| &columns.ids[c]);
        if ids.is_empty() {
            return Grouped {
                rows: (0..n).collect(),
                keys: if n == 0 { Vec::new() } else { vec![(0, n)] },
            };
        }
        let most = ids.iter().max().copied().unwrap_or(0) as usize;
        let mut ends = vec![0u32; most + 2];
        for &id in ids {
            ends[id as usize + 1] += 1;
        }
        for i in 1..ends.len() {
            ends[i] += ends[i - 1];
        }
        let mut rows = vec![0u32; ids.len()];
        for (row, &id) in (0..n).zip(ids) {
            let at = &mut ends[id as usize];
            rows[*at as usize] = row;
            *at += 1;
        }
        let mut keys = Vec::new();
        let mut last = 0;
        for (id, &end) in ends.iter().take(most + 1).enumerate() {
            if end > last {
                keys.push((id as Value, end));
            }
            last = end;
        }
        Grouped { rows, keys }
    }

    fn by_sorting(columns: &Columns, n: u32) -> Grouped {
        let key = Key::Field(Field::Subject);
        let mut pairs: Vec<(Value, u32)> = (0..n)
            .map(|row| (value(key, columns, row as usize, false), row))
            .collect();
        pairs.sort_unstable();
        let mut grouped = Grouped::default();
        for (at, &(key, row)) in (1u32..).zip(&pairs) {
            grouped.rows.push(row);
            match grouped.keys.last_mut() {
                Some(last) if last.0 == key => last.1 = at,
                _ => grouped.keys.push((key, at)),
            }
        }
        grouped
    }
}

/// Which of `shards` a key belongs to.
#[inline]
#[must_use]
pub fn shard_of(key: Value, shards: usize) -> usize {
    #[allow(clippy::cast_possible_truncation)]
    let spread = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize;
    spread % shards
}

/// The states of a part of the keys of one `per` field.
pub struct Shard {
    rules: PerRules,
    states: HashMap<Value, Box<[RuleState]>, foldhash::fast::RandomState>,
    scratch: Scratch,
}

#[derive(Default)]
struct Scratch {
    rows: Vec<u32>,
    time: Vec<i64>,
    masks: Vec<u64>,
}

/// What a shard made of a batch.
#[derive(Debug, Default)]
pub struct ShardOut {
    /// Flags, in no order.
    pub flags: Vec<Flag>,
    /// Findings that are closed.
    pub findings: Vec<Finding>,
    /// By rule.
    pub counts: Vec<RuleCounts>,
}

/// What a shard needs to know besides the batch.
#[derive(Clone, Copy)]
pub struct ShardContext<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The bits of masks.
    pub bits: Bits,
    /// The scan's values.
    pub dictionaries: &'a Dictionaries,
}

impl ShardContext<'_> {
    fn out(&self) -> Out<'_> {
        Out {
            flags: Vec::new(),
            findings: Vec::new(),
            counts: vec![RuleCounts::default(); self.policy.rules.len()],
            dictionaries: self.dictionaries,
        }
    }
}

impl From<Out<'_>> for ShardOut {
    fn from(out: Out<'_>) -> ShardOut {
        ShardOut {
            flags: out.flags,
            findings: out.findings,
            counts: out.counts,
        }
    }
}

impl Shard {
    /// A shard without any key yet.
    #[must_use]
    pub fn new(rules: PerRules) -> Shard {
        Shard {
            rules,
            states: HashMap::default(),
            scratch: Scratch::default(),
        }
    }

    /// Takes the keys of a batch that `mine` says belong here.
    pub fn advance(
        &mut self,
        of: ShardContext<'_>,
        columns: &Columns,
        grouped: &Grouped,
        mine: impl Fn(Value) -> bool,
    ) -> ShardOut {
        let mut out = of.out();
        let mut from = 0;
        for &(key, end) in &grouped.keys {
            let rows = &grouped.rows[from as usize..end as usize];
            from = end;
            if mine(key) {
                self.run(of, columns, key, rows, &mut out);
            }
        }
        out.into()
    }

    fn run(
        &mut self,
        of: ShardContext<'_>,
        columns: &Columns,
        key: Value,
        rows: &[u32],
        out: &mut Out<'_>,
    ) {
        let words = of.bits.words();
        let scratch = &mut self.scratch;
        scratch.gather(columns, rows, words);
        let run = Run {
            key,
            rows: &scratch.rows,
            time: &scratch.time,
            masks: &scratch.masks,
            words,
            bits: of.bits,
            columns,
        };
        let rules = &of.policy.rules;
        let states = self.states.entry(key).or_insert_with(|| {
            self.rules
                .places
                .iter()
                .map(|&place| RuleState::new(&rules[place]))
                .collect()
        });
        for (state, &place) in states.iter_mut().zip(&self.rules.places) {
            let rule = &rules[place];
            if key == 0 && rule.kind != Kind::Match {
                let unattributed = (0..run.len())
                    .filter(|&i| run.has(i, place) && run.in_scope(i))
                    .count();
                out.counts[place].unattributed += unattributed as u64;
                continue;
            }
            state.advance(Placed { place, rule }, &run, out);
        }
    }

    /// No more batches: closes all findings.
    pub fn finish(&mut self, of: ShardContext<'_>) -> ShardOut {
        let mut out = of.out();
        for (_, states) in self.states.drain() {
            for state in states {
                state.finish(&mut out);
            }
        }
        out.into()
    }
}

impl Scratch {
    /// Copies time and mask of the rows, in time order.
    fn gather(&mut self, columns: &Columns, rows: &[u32], words: usize) {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        self.time.clear();
        self.time
            .extend(rows.iter().map(|&row| columns.time[row as usize]));
        if !self.time.is_sorted() {
            self.rows.sort_by_key(|&row| columns.time[row as usize]);
            self.time.clear();
            self.time
                .extend(self.rows.iter().map(|&row| columns.time[row as usize]));
        }
        self.masks.clear();
        if words == 1 {
            self.masks
                .extend(self.rows.iter().map(|&row| columns.masks[row as usize]));
        } else {
            for &row in &self.rows {
                let at = row as usize * words;
                self.masks.extend_from_slice(&columns.masks[at..at + words]);
            }
        }
    }
}

/// Counts of records in scope whose mask has `bit`.
#[must_use]
pub fn count_in_scope(masks: &[u64], bits: Bits) -> u64 {
    masks
        .chunks_exact(bits.words())
        .filter(|mask| has(mask, bits.scope()))
        .count() as u64
}
