//! What the columns of a source hold, judged by the records at its start: Individual Numbers, other
//! numbers, or what cannot be told. Judged before the first record is scanned, so that it depends on
//! neither threads nor batches. Columns of which no text is kept are judged when all records have
//! passed, see [`tally`](super::tally).

use hashbrown::HashSet;

use super::mask::IDS;
use super::{Number, find, is_named, names, whole};
use crate::log::fields::rows;
use crate::log::header::Mapping;
use crate::log::scan::Special;
use crate::record::Field;

/// Distinct values from which a column without a telling header is judged.
const ENOUGH: usize = 5;

/// What a column holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nature {
    /// Individual Numbers: the header says so and half of the values pass, or nearly all pass.
    Numbers,
    /// Bare numbers most of which do not pass.
    Others,
    /// Texts, or too little to tell.
    #[default]
    Unknown,
}

/// Whether `numbers` of `all` values of a column, among them so many distinct numbers, make it a column
/// of numbers.
pub(super) fn fill(numbers: u64, all: u64, distinct: usize, header: &str) -> bool {
    let nearly_all = distinct >= ENOUGH && 10 * numbers >= 9 * all;
    nearly_all || (numbers > 0 && 2 * numbers >= all && names(header))
}

/// The cells of a column at the start of its source.
#[derive(Debug, Default)]
pub struct Cells {
    distinct: HashSet<String, foldhash::fast::RandomState>,
    /// Distinct values that are digits alone, and that are a number that passes.
    digits: usize,
    passing: usize,
}

impl Cells {
    /// Adds the cell of a record.
    pub fn add(&mut self, text: &str) {
        let text = text.trim();
        if text.is_empty() || self.distinct.contains(text) {
            return;
        }
        self.distinct.insert(text.to_owned());
        let is_number = whole(text).is_some();
        self.passing += usize::from(is_number);
        self.digits += usize::from(is_number || text.bytes().all(|b| b.is_ascii_digit()));
    }

    /// What the column under `header` holds.
    #[must_use]
    pub fn nature(&self, header: &str) -> Nature {
        let (all, passing) = (self.distinct.len(), self.passing);
        if fill(passing as u64, all as u64, passing, header) {
            Nature::Numbers
        } else if all >= ENOUGH && 2 * self.digits >= all && 2 * passing < all {
            Nature::Others
        } else {
            Nature::Unknown
        }
    }
}

/// Whether a cell holds a number that is named, by its text or by its header.
#[must_use]
pub fn names_number(header: &str, cell: &str) -> bool {
    let found = find(cell);
    found.iter().any(|f| is_named(cell, f))
        || (!found.is_empty() && whole(cell).is_some() && names(header))
}

/// A column whose cells are counted one by one over all records, see [`tally`](super::tally).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beside {
    /// Its place.
    pub column: usize,
    /// The field that it feeds; of `result` and `references` only the words that are not known are
    /// looked at. None: it feeds no field.
    pub field: Option<Field>,
}

/// The columns of which no text is kept, and those that feed a text and of which the start of the source
/// tells too little: nothing stands there, or too few ids.
fn beside(mapping: &Mapping, cells: &[Cells]) -> Vec<Beside> {
    let field_of = |column| {
        let mut fields = Field::ALL.into_iter();
        fields.find(|&f| mapping.column(f) == Some(column))
    };
    (0..cells.len())
        // What reads as a time is no number.
        .filter(|&column| mapping.time_of_day != Some(column))
        .map(|column| Beside {
            column,
            field: field_of(column),
        })
        .filter(|beside| match beside.field {
            Some(Field::Time) => false,
            Some(field) if field.is_text() => {
                let distinct = cells[beside.column].distinct.len();
                distinct == 0 || (IDS.contains(&field) && distinct < ENOUGH)
            }
            _ => true,
        })
        .collect()
}

/// What the columns of a source hold.
#[derive(Clone, Debug, Default)]
pub struct Natures {
    /// By column.
    columns: Vec<Nature>,
    /// Their headers, or their positions from 1.
    headers: Vec<String>,
    /// Column of each field.
    fields: [Option<usize>; 10],
    /// How a record reads; none for record batches.
    special: Option<Special>,
    /// Columns whose cells are counted one by one.
    pub beside: Vec<Beside>,
}

impl Natures {
    /// Judges columns by their cells.
    #[must_use]
    pub fn of(mapping: &Mapping, special: Option<Special>, cells: &[Cells]) -> Natures {
        let header = |column: usize| mapping.headers.get(column).filter(|h| !h.is_empty());
        let headers: Vec<String> = (0..cells.len())
            .map(|column| header(column).map_or_else(|| (column + 1).to_string(), Clone::clone))
            .collect();
        let columns: Vec<Nature> = cells
            .iter()
            .zip(&headers)
            .map(|(cells, header)| cells.nature(header))
            .collect();
        Natures {
            beside: beside(mapping, cells),
            columns,
            headers,
            fields: mapping.columns,
            special,
        }
    }

    /// Headers, or positions from 1, of the columns that feed no field.
    #[must_use]
    pub fn unused(&self) -> Vec<String> {
        let unused = self.beside.iter().filter(|b| b.field.is_none());
        unused.map(|b| self.title(b.column).to_owned()).collect()
    }

    /// The header of a column, or its position from 1.
    #[must_use]
    pub fn title(&self, column: usize) -> &str {
        self.headers.get(column).map_or("", String::as_str)
    }

    /// Whether a cell of a column holds a number that is named, by its text or by the header.
    #[must_use]
    pub fn is_named(&self, column: usize, cell: &str) -> bool {
        names_number(self.title(column), cell)
    }

    /// What the column of a field holds; none without such a column.
    #[must_use]
    pub fn of_field(&self, field: Field) -> Option<Nature> {
        let column = self.fields[field as usize]?;
        self.columns.get(column).copied()
    }

    /// The header of a field's column, or its position from 1; none without such a column.
    #[must_use]
    pub fn header(&self, field: Field) -> Option<String> {
        let column = self.fields[field as usize]?;
        self.headers.get(column).cloned()
    }

    /// Of the text of a record: the numbers that are cells of columns of other numbers.
    pub(super) fn other_numbers(&self, text: &str) -> Vec<Number> {
        let Some(special) = self.special else {
            return Vec::new();
        };
        let special = Special {
            cp932_trail: false,
            ..special
        };
        let rows = rows(text.as_bytes(), special, true, 1);
        let cells = rows.first().map_or(&[][..], |row| &row.values);
        cells
            .iter()
            .zip(&self.columns)
            .filter(|&(_, &nature)| nature == Nature::Others)
            .filter_map(|(cell, _)| whole(std::str::from_utf8(cell).ok()?))
            .collect()
    }
}
