//! A run: the records of one key in one batch, in time order, and where detection puts its results.

use std::ops::Range;

use smallvec::SmallVec;

use super::bits::{Bits, has};
use super::keyed::Room;
use super::values::{self, Value};
use crate::block::Columns;
use crate::dictionary::{Dictionaries, Id, id_column};
use crate::findings::{ByValues, Finding, Flag};
use crate::log::scan;
use crate::policy::{Key, Rule};

/// Records of one key, in time order; records of one instant are all there.
pub struct Run<'a> {
    /// Value of the `per` field.
    pub key: Value,
    /// Row of each in the batch.
    pub rows: &'a [u32],
    /// Time of each.
    pub time: &'a [i64],
    /// Mask of each, `words` words after one another.
    pub masks: &'a [u64],
    /// Words of a mask.
    pub words: usize,
    /// The bits of a mask.
    pub bits: Bits,
    /// Time, mask and the fields that rules look at.
    pub columns: &'a Columns,
}

impl Run<'_> {
    /// The number of records.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether bit `bit` of record `i` is set.
    #[inline]
    #[must_use]
    pub fn has(&self, i: usize, bit: usize) -> bool {
        if self.words == 1 {
            return self.masks[i] >> bit & 1 == 1;
        }
        has(&self.masks[i * self.words..(i + 1) * self.words], bit)
    }

    /// The first record from `from` on whose bit `bit` is set; the number of records if there is none.
    #[must_use]
    pub fn next(&self, from: usize, bit: usize) -> usize {
        if self.words != 1 {
            return (from..self.len())
                .find(|&i| self.has(i, bit))
                .unwrap_or(self.len());
        }
        from + scan::before(&self.masks[from..], |mask| mask >> bit & 1 == 1)
    }

    /// Whether record `i` may be flagged.
    #[inline]
    #[must_use]
    pub fn in_scope(&self, i: usize) -> bool {
        self.has(i, self.bits.scope())
    }

    /// Whether record `i` satisfies the `where` whose bit is `bit`, and may be flagged.
    #[inline]
    #[must_use]
    pub fn judged(&self, i: usize, bit: usize) -> bool {
        if self.words == 1 {
            let mask = self.masks[i];
            return mask >> bit & mask >> self.bits.scope() & 1 == 1;
        }
        self.has(i, bit) && self.in_scope(i)
    }

    /// How many of these records satisfy the `where` whose bit is `bit`, and may be flagged.
    #[must_use]
    pub fn count_judged(&self, records: Range<usize>, bit: usize) -> u64 {
        if self.words == 1 {
            let scope = self.bits.scope();
            let masks = self.masks[records].iter();
            return masks.map(|mask| mask >> bit & mask >> scope & 1).sum();
        }
        records.map(|i| u64::from(self.judged(i, bit))).sum()
    }

    /// The ids of a field that has a dictionary; empty if every one is null, none for other keys.
    #[must_use]
    pub fn ids(&self, key: Key) -> Option<&[Id]> {
        let Key::Field(field) = key else { return None };
        let ids = &self.columns.ids[id_column(field)?];
        Some(ids.get(..self.len()).unwrap_or(&[]))
    }

    /// The value of a key in record `i`.
    #[inline]
    #[must_use]
    pub fn value(&self, i: usize, key: Key) -> Value {
        let closed = key == Key::DayType && self.has(i, self.bits.closed());
        values::value(key, self.columns, i, closed)
    }

    /// The values of several keys; none if any is null.
    #[inline]
    #[must_use]
    pub fn values(&self, i: usize, keys: &[Key]) -> Option<ByValues> {
        keys.iter()
            .map(|&key| Some(self.value(i, key)).filter(|&v| v != 0))
            .collect()
    }

    /// End of the records of the same instant as record `i`.
    #[inline]
    #[must_use]
    pub fn instant_end(&self, i: usize) -> usize {
        let at = self.time[i];
        let mut end = i + 1;
        while end < self.time.len() && self.time[end] == at {
            end += 1;
        }
        end
    }
}

/// Counts of one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts {
    /// Records in scope that it judged.
    pub evaluated: u64,
    /// That it could not judge.
    pub not_evaluable: u64,
    /// Without the rule's key.
    pub unattributed: u64,
}

/// Where detection puts its results.
pub struct Out<'a> {
    /// Flags of this batch, in no order.
    pub flags: Vec<Flag>,
    /// Findings that nothing can be added to any more.
    pub findings: Vec<Finding>,
    /// By rule.
    pub counts: Vec<RuleCounts>,
    /// For the texts of findings' identities.
    pub dictionaries: &'a Dictionaries,
    /// What `count` by one field uses for one key after the other.
    pub room: Room,
}

/// The bytes that a finding's identity is a hash of.
type Identity = SmallVec<[u8; 256]>;

/// Appends a part of an identity. Lengths keep the parts apart; null differs from every text.
fn put(identity: &mut Identity, part: Option<&[u8]>) {
    let length = part.map_or(u64::MAX, |p| p.len() as u64);
    identity.extend_from_slice(&length.to_le_bytes());
    identity.extend_from_slice(part.unwrap_or_default());
}

/// A finding that may still grow.
#[derive(Clone, Debug)]
pub struct Open(pub Finding);

impl Open {
    /// Whether a record at `next` or later may still be less than `window` after its last.
    #[must_use]
    pub fn may_grow(&self, next: i64, window: i64) -> bool {
        self.0.last > next.saturating_sub(window)
    }
}

/// A record that is flagged, before it belongs to a finding.
#[derive(Clone, Copy)]
pub struct Hit {
    /// Row in the batch.
    pub row: u32,
    /// Its time.
    pub time: i64,
    /// See [`Flag`].
    pub observed: i64,
    /// See [`Flag`].
    pub since: i64,
    /// See [`Flag`].
    pub active_days: i32,
}

impl Open {
    /// Opens a finding at its first flagged time.
    #[must_use]
    pub fn new(
        rule: (usize, &Rule),
        key: Value,
        by: (&[Key], ByValues),
        value: (Key, Value),
        first: i64,
        dictionaries: &Dictionaries,
    ) -> Open {
        let mut identity = Identity::new();
        put(&mut identity, Some(rule.1.id.as_bytes()));
        let values = [(Key::Field(rule.1.per), key)]
            .into_iter()
            .chain(by.0.iter().copied().zip(by.1.iter().copied()))
            .chain([value]);
        for (key, value) in values {
            values::tell(key, value, dictionaries, |text, raw| {
                put(&mut identity, text);
                put(&mut identity, raw);
            });
        }
        identity.extend_from_slice(&first.to_le_bytes());
        Open(Finding {
            id: xxhash_rust::xxh3::xxh3_64(&identity),
            rule: u32::try_from(rule.0).unwrap_or(u32::MAX),
            key,
            by: by.1,
            value: value.1,
            first,
            last: first,
            records: 0,
            carried: 0,
            peak: i64::MIN,
            magnitude: 0.0,
        })
    }

    /// Adds a flagged record.
    #[inline]
    pub fn add(&mut self, hit: Hit, out: &mut Out<'_>) {
        self.put(hit, None, out);
    }

    /// Adds a record flagged against a threshold of its own.
    pub fn add_against(&mut self, hit: Hit, threshold: f64, out: &mut Out<'_>) {
        self.put(hit, Some(threshold), out);
    }

    #[inline]
    fn put(&mut self, hit: Hit, threshold: Option<f64>, out: &mut Out<'_>) {
        let finding = &mut self.0;
        finding.last = hit.time;
        finding.records += 1;
        finding.peak = finding.peak.max(hit.observed);
        out.flags.push(Flag {
            row: hit.row,
            rule: finding.rule,
            observed: hit.observed,
            since: hit.since,
            active_days: hit.active_days,
            finding: finding.id,
            threshold,
        });
    }

    /// Closes it with the magnitude of kinds that measure it by the peak.
    pub fn close_by_peak(mut self, out: &mut Out<'_>) {
        #[allow(clippy::cast_precision_loss)]
        let peak = self.0.peak as f64;
        self.0.magnitude = peak;
        self.close(out);
    }

    /// Closes it with the magnitude of kinds that measure it by the number of records.
    pub fn close_by_records(mut self, out: &mut Out<'_>) {
        #[allow(clippy::cast_precision_loss)]
        let records = self.0.records as f64;
        self.0.magnitude = records;
        self.close(out);
    }

    /// Closes it with the magnitude it was given. One that has not grown since it was carried over
    /// from an earlier scan was reported there.
    pub fn close(self, out: &mut Out<'_>) {
        if self.0.records > self.0.carried {
            out.findings.push(self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_record_is_the_first_whose_bit_is_set() {
        for words in [1, 2] {
            for n in [0usize, 1, 8, 9, 64, 72, 73, 300] {
                for apart in [1, 5, 9, 70, 150] {
                    // Every record has all bits but this one.
                    let (bit, mut masks) = (7, vec![!(1u64 << 7); n * words]);
                    for i in (apart - 1..n).step_by(apart) {
                        masks[i * words] |= 1 << bit;
                    }
                    let columns = Columns::default();
                    let run = Run {
                        key: 1,
                        rows: &vec![0; n],
                        time: &vec![0; n],
                        masks: &masks,
                        words,
                        bits: Bits { rules: 8, steps: 0 },
                        columns: &columns,
                    };
                    for from in 0..=n {
                        let next = (from..n).find(|&i| run.has(i, bit)).unwrap_or(n);
                        assert_eq!(run.next(from, bit), next, "{words} {n} {apart} {from}");
                    }
                }
            }
        }
    }
}
