//! `where` → bits. A condition on a dictionary column is evaluated once per distinct value; what a
//! record costs is a table look-up and an AND per column that any rule asks for.

use std::sync::Arc;

use hashbrown::HashMap;

use super::bits::{clear, has};
use super::calendar::{Calendars, HolidayCache, ON, OPEN, weekday};
use super::conditions::{Conditions, Test};
use super::values::{Value, day_of, value};
use crate::block::{Columns, resize};
use crate::dictionary::{Dictionaries, ID_FIELDS, Values, id_column};
use crate::error::Result;
use crate::policy::Policy;
use crate::record::{DAY_MS, Field};

/// Stretches of one record each, one after another, that tell that records are in no order; and how
/// many are then looked at one by one.
const ALONE: usize = 4;
const APART: usize = 256;

/// Evaluates the conditions; one per thread, for its tables.
pub struct Evaluator {
    conditions: Arc<Conditions>,
    dictionaries: Arc<Dictionaries>,
    calendars: Calendars,
    words: usize,
    /// Per id field that is asked for: the bits that hold for each id, `words` words each.
    tables: [Vec<u64>; 6],
    result: Vec<u64>,
    references: Vec<u64>,
    subjects: HashMap<Value, Vec<u64>, foldhash::fast::RandomState>,
    needs_time: bool,
}

impl Evaluator {
    /// An evaluator of `conditions`.
    ///
    /// # Errors
    /// As [`Calendars::new`].
    pub fn new(
        conditions: Arc<Conditions>,
        dictionaries: Arc<Dictionaries>,
        policy: &Policy,
        holidays: Arc<HolidayCache>,
    ) -> Result<Evaluator> {
        let words = conditions.bits.words();
        let table = |codes: usize, holds: &dyn Fn(usize) -> Vec<usize>| -> Vec<u64> {
            (0..codes)
                .flat_map(|code| all_but(words, holds(code)))
                .collect()
        };
        let result = table(4, &|code| {
            conditions
                .result
                .iter()
                .filter(|r| !r.1[code])
                .map(|r| r.0)
                .collect()
        });
        let references = table(3, &|code| {
            conditions
                .references
                .iter()
                .filter(|r| !r.1[code])
                .map(|r| r.0)
                .collect()
        });
        Ok(Evaluator {
            calendars: Calendars::new(&policy.calendar, holidays)?,
            needs_time: conditions.scope != (None, None)
                || !conditions.time_of_day.is_empty()
                || !conditions.weekdays.is_empty(),
            words,
            tables: Default::default(),
            result,
            references,
            subjects: HashMap::default(),
            conditions,
            dictionaries,
        })
    }

    /// Fills in the masks of records, `words` words after one another for each.
    ///
    /// # Errors
    /// What the source of holidays says.
    pub fn masks(&mut self, columns: &mut Columns) -> Result<()> {
        let mut masks = std::mem::take(&mut columns.masks);
        masks.clear();
        resize(&mut masks, columns.len() * self.words, u64::MAX);
        let evaluated = self.evaluate(columns, &mut masks);
        columns.masks = masks;
        evaluated
    }

    fn evaluate(&mut self, columns: &Columns, masks: &mut [u64]) -> Result<()> {
        let (n, words) = (columns.len(), self.words);
        for (column, field) in ID_FIELDS.into_iter().enumerate() {
            let conditions = &self.conditions.ids[column];
            if conditions.is_empty() {
                continue;
            }
            learn(
                &mut self.tables[column],
                conditions,
                &self.dictionaries.of(field).read(),
                words,
            );
            and_table(
                masks,
                &self.tables[column],
                words,
                columns.ids[column].iter().map(|&id| id as usize),
                n,
            );
        }
        self.codes(columns, masks);
        self.calendar(columns, masks)?;
        if self.needs_time {
            self.times(columns, masks);
        }
        if !self.conditions.subjects.is_empty() {
            self.subject(columns, masks);
        }
        let bits = self.conditions.bits;
        for tuples in &self.conditions.tuples {
            for (row, mask) in masks.chunks_exact_mut(words).enumerate() {
                if !has(mask, tuples.bit) {
                    continue;
                }
                let closed = has(mask, bits.closed());
                let tuple: Vec<Value> = tuples
                    .on
                    .iter()
                    .map(|&key| value(key, columns, row, closed))
                    .collect();
                if tuple.contains(&0) || tuples.rows.contains(&tuple) != tuples.wanted {
                    clear(mask, tuples.bit);
                }
            }
        }
        Ok(())
    }

    /// What the results and the references satisfy.
    fn codes(&self, columns: &Columns, masks: &mut [u64]) {
        let (n, words) = (columns.len(), self.words);
        let asked = [
            !self.conditions.result.is_empty(),
            !self.conditions.references.is_empty(),
        ];
        let there = [&columns.result, &columns.references].map(|codes| codes.len() == n);
        if words == 1 && asked == [true; 2] && there == [true; 2] {
            // Both together: two bits of the one, two of the other.
            let both: [u64; 16] = std::array::from_fn(|codes| {
                let references = self.references.get(codes >> 2).copied().unwrap_or(0);
                self.result[codes & 3] & references
            });
            let codes = columns.result.iter().zip(&columns.references);
            for (mask, (&result, &references)) in masks.iter_mut().zip(codes) {
                *mask &= both[usize::from(result & 3 | references << 2) & 15];
            }
            return;
        }
        let code = |&code: &u8| usize::from(code);
        if asked[0] {
            and_table(
                masks,
                &self.result,
                words,
                columns.result.iter().map(code),
                n,
            );
        }
        if asked[1] {
            let codes = columns.references.iter().map(code);
            and_table(masks, &self.references, words, codes, n);
        }
    }

    fn calendar(&mut self, columns: &Columns, masks: &mut [u64]) -> Result<()> {
        let departments = &columns.ids[id_column(Field::Department).unwrap_or(0)];
        self.calendars
            .learn(&self.dictionaries.of(Field::Department).read());
        let closed_bit = self.conditions.bits.closed();
        let spoiled = |wanted: bool| -> Vec<u64> {
            let wrong = self
                .conditions
                .off_hours
                .iter()
                .filter(|o| o.1 != wanted)
                .map(|o| o.0);
            all_but(self.words, wrong.collect())
        };
        // By what the calendar says: off hours or on, the day closed or open.
        let mut keep: [Vec<u64>; 4] = std::array::from_fn(|status| spoiled(status & ON == 0));
        for keep in &mut keep[OPEN..] {
            clear(keep, closed_bit);
        }
        let department = |row: usize| departments.get(row).copied().unwrap_or(0);
        let (times, words) = (&columns.time, self.words);
        let (mut row, mut alone) = (0, 0);
        while row < times.len() {
            if alone == ALONE {
                // In no order: a stretch, in which every calendar is looked at, is not worth it.
                let end = times.len().min(row + APART);
                let masks = masks[row * words..end * words].chunks_exact_mut(words);
                for (row, mask) in (row..).zip(masks) {
                    let status = self.calendars.at(times[row], department(row))?;
                    and(mask, &keep[status]);
                }
                (row, alone) = (end, 0);
                continue;
            }
            let (from, to) = self.calendars.turn_to(times[row])?;
            let end = row + columns.within(row, from..to);
            let stretch = &mut masks[row * words..end * words];
            if let Some(status) = self.calendars.of_all() {
                and_all(stretch, &keep[status]);
            } else {
                for (row, mask) in (row..).zip(stretch.chunks_exact_mut(words)) {
                    and(mask, &keep[self.calendars.of(department(row))]);
                }
            }
            alone = if end == row + 1 { alone + 1 } else { 0 };
            row = end;
        }
        Ok(())
    }

    fn times(&self, columns: &Columns, masks: &mut [u64]) {
        let (from, to) = self.conditions.scope;
        let scope = self.conditions.bits.scope();
        for (row, mask) in masks.chunks_exact_mut(self.words).enumerate() {
            let time = columns.time[row];
            if from.is_some_and(|f| time < f) || to.is_some_and(|t| time >= t) {
                clear(mask, scope);
            }
            let at = time.rem_euclid(DAY_MS);
            for &(bit, from, to) in &self.conditions.time_of_day {
                let within = if from < to {
                    from <= at && at < to
                } else {
                    from == to || at >= from || at < to
                };
                if !within {
                    clear(mask, bit);
                }
            }
            for (bit, days) in &self.conditions.weekdays {
                if !days[weekday(day_of(time))] {
                    clear(mask, *bit);
                }
            }
        }
    }

    fn subject(&mut self, columns: &Columns, masks: &mut [u64]) {
        const MOST: usize = 1 << 16;
        let conditions = &self.conditions.subjects;
        for (row, mask) in masks.chunks_exact_mut(self.words).enumerate() {
            let subject = columns.subject.get(row).copied().unwrap_or(0);
            if self.subjects.len() >= MOST {
                self.subjects.clear();
            }
            let keep = self.subjects.entry(subject).or_insert_with(|| {
                let text = self.dictionaries.subject_text(subject);
                let fails = conditions
                    .iter()
                    .filter(|(_, test)| !text.as_deref().is_some_and(|t| test.holds(t)));
                all_but(self.words, fails.map(|f| f.0).collect())
            });
            for (word, keep) in mask.iter_mut().zip(keep.iter()) {
                *word &= keep;
            }
        }
    }
}

/// Evaluates the conditions on the values that have come since; id 0, null, satisfies none.
fn learn(table: &mut Vec<u64>, conditions: &[(usize, Test)], values: &Values, words: usize) {
    if table.is_empty() {
        table.extend(all_but(words, conditions.iter().map(|c| c.0).collect()));
    }
    for text in values.texts().skip(table.len() / words - 1) {
        let fails = conditions
            .iter()
            .filter(|(_, test)| !test.holds(text))
            .map(|c| c.0);
        table.extend(all_but(words, fails.collect()));
    }
}

/// ANDs each record's mask with its code's words; a missing column is code 0 throughout.
fn and_table(
    masks: &mut [u64],
    table: &[u64],
    words: usize,
    codes: impl ExactSizeIterator<Item = usize>,
    n: usize,
) {
    if codes.len() < n {
        and_all(masks, &table[..words]);
    } else if words == 1 {
        for (mask, code) in masks.iter_mut().zip(codes) {
            *mask &= table[code];
        }
    } else {
        for (mask, code) in masks.chunks_exact_mut(words).zip(codes) {
            and(mask, &table[code * words..]);
        }
    }
}

/// ANDs the masks of records with the same words.
fn and_all(masks: &mut [u64], keep: &[u64]) {
    if let [keep] = *keep {
        for mask in masks {
            *mask &= keep;
        }
    } else {
        let masks = masks.chunks_exact_mut(keep.len());
        masks.for_each(|mask| and(mask, keep));
    }
}

fn and(mask: &mut [u64], keep: &[u64]) {
    for (word, keep) in mask.iter_mut().zip(keep) {
        *word &= keep;
    }
}

fn all_but(words: usize, bits: Vec<usize>) -> Vec<u64> {
    let mut mask = vec![u64::MAX; words];
    for bit in bits {
        clear(&mut mask, bit);
    }
    mask
}
