//! `where` → bits. A condition on a dictionary column is evaluated once per distinct value; what a
//! record costs is a table look-up and an AND per column that any rule asks for.

use std::sync::Arc;

use hashbrown::HashMap;

use super::bits::{clear, has};
use super::calendar::{Calendars, HolidayCache, weekday};
use super::conditions::{Conditions, Test};
use super::values::{Value, day_of, value};
use crate::block::Columns;
use crate::dictionary::{Dictionaries, ID_FIELDS, Values, id_column};
use crate::error::Result;
use crate::policy::Policy;
use crate::record::{DAY_MS, Field};

/// Bits of what the calendar says of a record: off hours or on, its day closed or open.
const OFF: usize = 0;
const ON: usize = 1;
const OPEN: usize = 2;

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
        masks.resize(columns.len() * self.words, u64::MAX);
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
        if !self.conditions.result.is_empty() {
            and_table(
                masks,
                &self.result,
                words,
                columns.result.iter().map(|&c| c.into()),
                n,
            );
        }
        if !self.conditions.references.is_empty() {
            and_table(
                masks,
                &self.references,
                words,
                columns.references.iter().map(|&c| c.into()),
                n,
            );
        }
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
        let mut keep = [spoiled(true), spoiled(false), spoiled(true), spoiled(false)];
        clear(&mut keep[OPEN | OFF], closed_bit);
        clear(&mut keep[OPEN | ON], closed_bit);
        let (mut from, mut to) = (i64::MAX, i64::MIN);
        for (row, mask) in masks.chunks_exact_mut(self.words).enumerate() {
            let time = columns.time[row];
            if time < from || time >= to {
                from = i64::from(day_of(time)) * DAY_MS;
                to = from + DAY_MS;
                self.calendars.turn_to(day_of(time))?;
            }
            let department = departments.get(row).copied().unwrap_or(0);
            let day = self.calendars.day(department);
            let at = time - from;
            let on = usize::from(!day.closed && day.from <= at && at < day.to) * ON;
            let open = usize::from(!day.closed) * OPEN;
            for (word, keep) in mask.iter_mut().zip(&keep[on | open]) {
                *word &= keep;
            }
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
        for mask in masks.chunks_exact_mut(words) {
            for (word, keep) in mask.iter_mut().zip(&table[..words]) {
                *word &= keep;
            }
        }
    } else if words == 1 {
        for (mask, code) in masks.iter_mut().zip(codes) {
            *mask &= table[code];
        }
    } else {
        for (mask, code) in masks.chunks_exact_mut(words).zip(codes) {
            for (word, keep) in mask.iter_mut().zip(&table[code * words..]) {
                *word &= keep;
            }
        }
    }
}

fn all_but(words: usize, bits: Vec<usize>) -> Vec<u64> {
    let mut mask = vec![u64::MAX; words];
    for bit in bits {
        clear(&mut mask, bit);
    }
    mask
}
