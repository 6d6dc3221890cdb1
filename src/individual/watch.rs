//! Individual Numbers in the columns that feed fields, counted while records pass: one look per
//! distinct value, and at the records of a block only if some value holds a number.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::column::{Nature, Natures};
use super::{find, is_named, passes, whole};
use crate::block::Columns;
use crate::dictionary::{Dictionaries, ID_FIELDS, Subject, packed_digits};
use crate::record::Field;

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
    /// Per id field, by id.
    tables: [Vec<Holds>; 6],
    /// Per id field: whether any value holds something.
    any: [bool; 6],
}

impl Watch {
    /// A watch over sources whose columns are of these natures.
    #[must_use]
    pub fn new(natures: Arc<Vec<Natures>>, dictionaries: Arc<Dictionaries>) -> Watch {
        Watch {
            natures,
            dictionaries,
            tables: std::array::from_fn(|_| vec![Holds::Nothing]),
            any: [false; 6],
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
        if is_numbers(Field::Subject) {
            let subjects = columns.subject.iter();
            seen.extend(count(
                Field::Subject,
                subjects.map(|&subject| self.is_number(subject)),
            ));
        }
        seen
    }

    /// Looks at the values that have come since.
    fn learn(&mut self, column: usize, field: Field) {
        let values = self.dictionaries.of(field).read();
        let table = &mut self.tables[column];
        for text in values.texts().skip(table.len() - 1) {
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

    fn is_number(&self, subject: Subject) -> bool {
        match packed_digits(subject) {
            Some((digits, 12)) => {
                let bytes = digits.to_le_bytes();
                passes(&std::array::from_fn(|i| bytes[i] - b'0'))
            }
            Some(_) => false,
            None => self
                .dictionaries
                .subject_text(subject)
                .is_some_and(|text| whole(&text).is_some()),
        }
    }
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

/// Cells with numbers, by source and field: how many, and the line of the first.
pub type Leaks = BTreeMap<(u32, Field), (u64, u64)>;

/// Adds what was seen in a block; `line` tells the physical line of a record.
pub fn add(leaks: &mut Leaks, source: u32, seen: &[Seen], line: impl Fn(usize) -> u64) {
    for one in seen {
        let entry = leaks.entry((source, one.field)).or_insert((0, u64::MAX));
        entry.0 += one.values;
        entry.1 = entry.1.min(line(one.at));
    }
}
