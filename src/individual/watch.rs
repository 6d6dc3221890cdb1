//! Individual Numbers in the columns that feed texts, counted while records pass: one look per
//! distinct value, and at the records of a block only if some value holds a number. What was counted
//! of the others comes by here as well.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::column::{Nature, Natures};
use super::tally::{Counted, Tally};
use super::{Number, find, is_named, passes, whole};
use crate::block::Columns;
use crate::dictionary::{Dictionaries, ID_FIELDS, packed_digits};
use crate::record::Field;

/// The place of the subjects among the tables.
const SUBJECTS: usize = ID_FIELDS.len();

/// What a value holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Nothing,
    /// Is a number that passes.
    Number,
    /// Has one in it that is named.
    Named,
}

/// Cells of a block with numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The field.
    pub field: Field,
    /// How many.
    pub values: u64,
    /// Record of the first.
    pub at: usize,
}

/// Looks for numbers in blocks; one per thread, for its tables.
pub struct Watch {
    natures: Arc<Vec<Natures>>,
    dictionaries: Arc<Dictionaries>,
    /// Per id field, by id; then of the subjects that are texts.
    tables: [Vec<Holds>; 7],
    /// Of each: whether any value holds something.
    any: [bool; 7],
}

impl Watch {
    /// A watch over sources whose columns are of these natures.
    #[must_use]
    pub fn new(natures: Arc<Vec<Natures>>, dictionaries: Arc<Dictionaries>) -> Watch {
        Watch {
            natures,
            dictionaries,
            tables: std::array::from_fn(|_| vec![Holds::Nothing]),
            any: [false; 7],
        }
    }

    /// What the records of a source hold.
    pub fn look(&mut self, source: u32, columns: &Columns) -> Vec<Seen> {
        let natures = self.natures.get(source as usize).cloned();
        let is_numbers =
            |field| natures.as_ref().and_then(|n| n.of_field(field)) == Some(Nature::Numbers);
        let mut seen = Vec::new();
        for (column, field) in ID_FIELDS.into_iter().enumerate() {
            self.learn(column, field);
            if !self.any[column] {
                continue;
            }
            let (table, numbers) = (&self.tables[column], is_numbers(field));
            let ids = columns.ids[column].iter();
            seen.extend(count(
                field,
                ids.map(|&id| match table[id as usize] {
                    Holds::Nothing => false,
                    Holds::Number => numbers,
                    Holds::Named => true,
                }),
            ));
        }
        self.learn(SUBJECTS, Field::Subject);
        let (table, numbers) = (&self.tables[SUBJECTS], is_numbers(Field::Subject));
        if numbers || self.any[SUBJECTS] {
            let subjects = columns.subject.iter();
            seen.extend(count(
                Field::Subject,
                subjects.map(|&subject| match packed_digits(subject) {
                    Some(digits) => numbers && is_number(digits),
                    None => match usize::try_from(subject).map(|id| table[id]) {
                        Ok(Holds::Number) => numbers,
                        Ok(Holds::Named) => true,
                        _ => false,
                    },
                }),
            ));
        }
        seen
    }

    /// Looks at the values that have come since.
    fn learn(&mut self, column: usize, field: Field) {
        let values = self.dictionaries.of(field).read();
        let table = &mut self.tables[column];
        for text in values.texts_behind(table.len() - 1) {
            let found = find(text);
            let holds = if found.iter().any(|f| is_named(text, f)) {
                Holds::Named
            } else if !found.is_empty() && whole(text).is_some() {
                Holds::Number
            } else {
                Holds::Nothing
            };
            self.any[column] |= holds != Holds::Nothing;
            table.push(holds);
        }
    }
}

/// Whether the digits of a packed subject are a number.
fn is_number((digits, len): (u128, usize)) -> bool {
    let bytes = digits.to_le_bytes();
    len == Number::default().len() && passes(&std::array::from_fn(|i| bytes[i] - b'0'))
}

fn count(field: Field, cells: impl Iterator<Item = bool>) -> Option<Seen> {
    let (mut values, mut first) = (0, None);
    for (at, holds) in cells.enumerate() {
        if holds {
            values += 1;
            first.get_or_insert(at);
        }
    }
    first.map(|at| Seen { field, values, at })
}

/// What the records of a block hold.
pub struct Looked {
    /// In columns that feed texts.
    pub seen: Vec<Seen>,
    /// In the others.
    pub beside: Vec<Counted>,
}

/// What the records of all sources hold.
#[derive(Default)]
pub struct Leaks {
    /// Cells with numbers, by source and field: how many, and the line of the first.
    pub fields: BTreeMap<(u32, Field), (u64, u64)>,
    /// The cells of columns that feed no text, by source and column.
    pub beside: BTreeMap<(u32, usize), Tally>,
}

impl Leaks {
    /// Adds what was seen in a block; `line` tells the physical line of a record.
    pub fn add(&mut self, source: u32, looked: &Looked, line: impl Fn(usize) -> u64) {
        for one in &looked.seen {
            let entry = self.fields.entry((source, one.field));
            let entry = entry.or_insert((0, u64::MAX));
            entry.0 += one.values;
            entry.1 = entry.1.min(line(one.at));
        }
        for (column, tally) in &looked.beside {
            let all = self.beside.entry((source, *column)).or_default();
            all.absorb(tally, |at| line(usize::try_from(at).unwrap_or(usize::MAX)));
        }
    }
}
