//! Keys and their states: the keys of each shard are taken one after another with all their rules,
//! so that a key's small state stays in the cache.

use hashbrown::HashMap;

use super::bits::Bits;
use super::evaluated::{Days, Evaluated, KeyDays};
use super::group::Grouped;
use super::keyed::Room;
use super::rule::{Placed, RuleState};
use super::run::{Out, RuleCounts, Run};
use super::saved::{SavedRule, Whose};
use super::values::Value;
use crate::dictionary::Dictionaries;
use crate::findings::Flag;
use crate::findings::packed::Findings;
use crate::findings::totals::Found;
use crate::order::Batch;
use crate::order::packing::{BatchPacking, Packing, Unpacked, Wanted};
use crate::policy::{Key, Kind, Policy};
use crate::record::Field;
use crate::state::SavedKey;
use crate::state::texts::{Loader, Saver};

/// The rules that share a `per` field.
#[derive(Debug, Clone)]
pub struct PerRules {
    /// The field.
    pub per: Field,
    /// Places of its rules in the policy.
    pub places: Vec<usize>,
    /// For each: the bit of its first step.
    pub steps: Vec<usize>,
    /// Fields that the rules look at, besides time and mask.
    pub fields: Vec<Field>,
}

impl PerRules {
    /// The rules of a policy by `per` field; `usable` says whether a rule can be evaluated at all.
    #[must_use]
    pub fn of(policy: &Policy, usable: impl Fn(usize) -> bool) -> Vec<PerRules> {
        let mut all: Vec<PerRules> = Vec::new();
        for ((place, rule), steps) in policy
            .rules
            .iter()
            .enumerate()
            .zip(Bits::first_steps(policy))
            .filter(|((place, _), _)| usable(*place))
        {
            let at = all
                .iter()
                .position(|p| p.per == rule.per)
                .unwrap_or_else(|| {
                    all.push(PerRules {
                        per: rule.per,
                        places: Vec::new(),
                        steps: Vec::new(),
                        // Whose records they are, where the key does not say: see `evaluated`.
                        fields: [Field::User]
                            .into_iter()
                            .filter(|&user| user != rule.per)
                            .collect(),
                    });
                    all.len() - 1
                });
            all[at].places.push(place);
            all[at].steps.push(steps);
            for key in rule.kind.keys() {
                if let Key::Field(field) = key
                    && !all[at].fields.contains(&field)
                {
                    all[at].fields.push(field);
                }
            }
        }
        all
    }

    /// What they ask of packed records.
    #[must_use]
    pub fn wanted(&self, bits: Bits) -> Wanted {
        Wanted {
            key: self.per,
            fields: self.fields.clone(),
            mask: bits.words(),
            mask_bits: u32::try_from(bits.closed() + 1).unwrap_or(u32::MAX),
        }
    }
}

/// The states of a part of the keys of one `per` field.
pub struct Shard {
    rules: PerRules,
    days: Days,
    places: HashMap<Value, u32, foldhash::fast::RandomState>,
    states: Vec<KeyState>,
    /// Of the key that is under way.
    records: Unpacked,
    /// Used again from batch to batch.
    room: Room,
}

struct KeyState {
    key: Value,
    days: KeyDays,
    rules: Box<[RuleState]>,
}

impl KeyState {
    /// See [`RuleState::bring_near`].
    fn bring_near(&self, depth: u8) -> u64 {
        let Some(depth) = depth.checked_sub(1) else {
            return self.key;
        };
        let rules = self.rules.iter().map(|rule| rule.bring_near(depth));
        rules.fold(self.days.bring_near(depth), |sum, word| sum ^ word)
    }
}

/// Keys whose states are brought near together.
const TOGETHER: usize = 8;

/// A key of a batch: where its state is, and its records from … to.
type Mine = (usize, usize, usize);

/// What a shard made of a batch.
#[derive(Debug, Default)]
pub struct ShardOut {
    /// Flags, in no order.
    pub flags: Vec<Flag>,
    /// Findings that are closed.
    pub findings: Findings,
    /// What is counted of them.
    pub found: Vec<Found>,
    /// By rule.
    pub counts: Vec<RuleCounts>,
    /// How much the rules evaluated, by their places in the policy; empty but at the end.
    pub evaluated: Vec<(usize, Evaluated)>,
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
            room: Room::default(),
        }
    }
}

impl From<Out<'_>> for ShardOut {
    fn from(out: Out<'_>) -> ShardOut {
        ShardOut {
            flags: out.flags,
            findings: out.findings.iter().collect(),
            found: Found::of(&out.findings),
            counts: out.counts,
            evaluated: Vec::new(),
        }
    }
}

impl Shard {
    /// A shard without any key yet.
    #[must_use]
    pub fn new(policy: &Policy, rules: PerRules) -> Shard {
        Shard {
            days: Days::new(policy, rules.per, &rules.places),
            rules,
            places: HashMap::default(),
            states: Vec::new(),
            records: Unpacked::default(),
            room: Room::default(),
        }
    }

    /// Takes the keys of some of the `buckets` of a batch, which is packed as the one with the number
    /// `wanted` among those whose order is wanted. `grouped` is used again.
    pub fn advance(
        &mut self,
        of: ShardContext<'_>,
        (batch, how, wanted): (&Batch, &BatchPacking, usize),
        (mine, buckets): (impl Iterator<Item = usize>, usize),
        grouped: &mut Grouped,
    ) -> ShardOut {
        let mut out = of.out();
        out.room = std::mem::take(&mut self.room);
        let mut some: Vec<Mine> = Vec::with_capacity(TOGETHER);
        for bucket in mine {
            grouped.fill(batch, (&self.rules, wanted), (bucket, buckets), how);
            for (key, start, end) in grouped.keys() {
                some.push((self.place(of.policy, key), start, end));
                if some.len() == TOGETHER {
                    self.take(of, (how.packing(), grouped), &some, &mut out);
                    some.clear();
                }
            }
            self.take(of, (how.packing(), grouped), &some, &mut out);
            some.clear();
        }
        self.room = std::mem::take(&mut out.room);
        out.into()
    }

    /// Where the state of a key is.
    fn place(&mut self, policy: &Policy, key: Value) -> usize {
        let (states, days, rules) = (&mut self.states, &self.days, &self.rules);
        let place = self.places.entry(key).or_insert_with(|| {
            let rules = rules.places.iter();
            states.push(KeyState {
                key,
                days: days.key(),
                rules: rules
                    .map(|&place| RuleState::new(&policy.rules[place]))
                    .collect(),
            });
            u32::try_from(states.len() - 1).expect("fewer than 2^32 keys")
        });
        *place as usize
    }

    /// Takes the records of some keys. Their states lie anywhere in memory: a little of each is read
    /// first, so that the waits for them overlap.
    fn take(
        &mut self,
        of: ShardContext<'_>,
        (packing, grouped): (&Packing, &Grouped),
        some: &[Mine],
        out: &mut Out<'_>,
    ) {
        for depth in 0..=RuleState::DEPTH + 1 {
            let states = some.iter().map(|&(place, ..)| &self.states[place]);
            let words = states.map(|state| state.bring_near(depth));
            std::hint::black_box(words.fold(0, |sum, word| sum ^ word));
        }
        for &(place, start, end) in some {
            let mut records = std::mem::take(&mut self.records);
            grouped.unpack(packing, start, end, &mut records);
            self.run(of, place, &records, out);
            self.records = records;
        }
    }

    /// Takes the records of one key.
    fn run(&mut self, of: ShardContext<'_>, place: usize, records: &Unpacked, out: &mut Out<'_>) {
        let Unpacked { columns, rows, .. } = records;
        let words = of.bits.words();
        let state = &mut self.states[place];
        let key = state.key;
        let run = Run {
            key,
            rows,
            time: &columns.time,
            masks: &columns.masks,
            words,
            bits: of.bits,
            columns,
        };
        let rules = &of.policy.rules;
        self.days.take(&mut state.days, &run);
        let places = self.rules.places.iter().zip(&self.rules.steps);
        for (state, (&place, &steps)) in state.rules.iter_mut().zip(places) {
            let rule = &rules[place];
            if key == 0 && rule.kind != Kind::Match {
                let unattributed = (0..run.len())
                    .filter(|&i| run.has(i, place) && run.in_scope(i))
                    .count();
                out.counts[place].unattributed += unattributed as u64;
                continue;
            }
            state.advance(Placed { place, rule, steps }, &run, out);
        }
    }

    fn placed<'a>(&self, policy: &'a Policy) -> Vec<Placed<'a>> {
        let places = self.rules.places.iter().zip(&self.rules.steps);
        places
            .map(|(&place, &steps)| Placed {
                place,
                rule: &policy.rules[place],
                steps,
            })
            .collect()
    }

    /// The states of the keys of which something may still matter.
    pub fn save(&self, of: ShardContext<'_>, to: &mut Saver) -> Vec<SavedKey> {
        let placed = self.placed(of.policy);
        let mut keys = Vec::new();
        for state in &self.states {
            let rules = state.rules.iter().zip(&placed);
            let rules: Vec<SavedRule> = rules.map(|(rule, &of)| rule.save(of, to)).collect();
            if rules.iter().any(|rule| *rule != SavedRule::Nothing) {
                keys.push(SavedKey {
                    key: to.value(Key::Field(self.rules.per), state.key),
                    days: self.days.save(&state.days),
                    rules,
                });
            }
        }
        keys
    }

    /// Takes up the saved states of a key.
    pub fn load(&mut self, of: ShardContext<'_>, key: Value, saved: &SavedKey, from: &mut Loader) {
        let placed = self.placed(of.policy);
        from.broken |= placed.len() != saved.rules.len();
        let rules = saved.rules.iter().zip(placed);
        let rules = rules
            .map(|(saved, of)| RuleState::load(saved, Whose { of, key }, from))
            .collect();
        let days = self.days.load(&saved.days);
        from.broken |= days.is_none();
        let days = days.unwrap_or_else(|| self.days.key());
        let place = self.place(of.policy, key);
        self.states[place] = KeyState { key, days, rules };
    }

    /// No more batches: closes all findings.
    pub fn finish(&mut self, of: ShardContext<'_>) -> ShardOut {
        let mut out = of.out();
        for state in &mut self.states {
            self.days.end(state.key, &mut state.days);
            for rule in &mut state.rules {
                rule.finish(&mut out);
            }
        }
        ShardOut {
            evaluated: self.days.figures(),
            ..out.into()
        }
    }
}
