//! What the columns of a source hold, judged by the records at its start: Individual Numbers, other
//! numbers, or what cannot be told. Judged before the first record is scanned, so that it depends on
//! neither threads nor batches.

use hashbrown::HashSet;

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

/// The cells of a column, as far as they are looked at.
#[derive(Debug, Default)]
pub struct Cells {
    distinct: HashSet<String, foldhash::fast::RandomState>,
    /// Distinct values that are digits alone, and that are a number that passes.
    digits: usize,
    passing: usize,
    /// Cells that are a number that passes, the place of the first.
    whole: (u64, Option<usize>),
    /// Cells with a number that is named beside it.
    named: (u64, Option<usize>),
}

impl Cells {
    /// Adds the cell of a record, which stands at `place` in its source.
    pub fn add(&mut self, text: &str, place: usize) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let is_number = whole(text).is_some();
        if is_number {
            self.whole.0 += 1;
            self.whole.1.get_or_insert(place);
        } else if find(text).iter().any(|f| is_named(text, f)) {
            self.named.0 += 1;
            self.named.1.get_or_insert(place);
        }
        if !self.distinct.contains(text) {
            self.distinct.insert(text.to_owned());
            self.passing += usize::from(is_number);
            self.digits += usize::from(is_number || text.bytes().all(|b| b.is_ascii_digit()));
        }
    }

    /// What the column under `header` holds.
    #[must_use]
    pub fn nature(&self, header: &str) -> Nature {
        let (all, passing) = (self.distinct.len(), self.passing);
        let named = passing > 0 && 2 * passing >= all && names(header);
        if named || (all >= ENOUGH && 10 * passing >= 9 * all) {
            Nature::Numbers
        } else if all >= ENOUGH && 2 * self.digits >= all && 2 * passing < all {
            Nature::Others
        } else {
            Nature::Unknown
        }
    }

    /// Cells with numbers, and the place of the first; none without.
    #[must_use]
    pub fn numbers(&self, nature: Nature) -> Option<(u64, usize)> {
        let (count, first) = match nature {
            Nature::Numbers => self.whole,
            _ => self.named,
        };
        first.map(|first| (count, first))
    }
}

/// A column in which numbers were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Its header, or its position from 1.
    pub column: String,
    /// What it holds.
    pub nature: Nature,
    /// Cells with numbers among the records looked at.
    pub values: u64,
    /// Physical line of the first.
    pub line: Option<u64>,
    /// Records looked at.
    pub looked_at: u64,
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
    /// Columns that feed no field and have numbers in them.
    pub suspects: Vec<Suspect>,
    /// Columns that feed nothing: only the records at the start are looked at.
    pub unused: Vec<String>,
    /// How many these are.
    pub looked_at: u64,
}

impl Natures {
    /// Judges columns by their cells. `line` tells the physical line of a place.
    #[must_use]
    pub fn of(
        mapping: &Mapping,
        special: Option<Special>,
        cells: &[Cells],
        looked_at: u64,
        line: impl Fn(usize) -> Option<u64>,
    ) -> Natures {
        let header = |column: usize| mapping.headers.get(column).filter(|h| !h.is_empty());
        let headers: Vec<String> = (0..cells.len())
            .map(|column| header(column).map_or_else(|| (column + 1).to_string(), Clone::clone))
            .collect();
        let columns: Vec<Nature> = cells
            .iter()
            .zip(&headers)
            .map(|(cells, header)| cells.nature(header))
            .collect();
        // The columns of texts that are watched throughout.
        let watched = |column| {
            Field::ALL
                .into_iter()
                .any(|f| f.is_text() && mapping.column(f) == Some(column))
        };
        let fed = |column| {
            let time_of_day = mapping.time_of_day.as_ref();
            mapping
                .columns
                .iter()
                .flatten()
                .chain(time_of_day)
                .any(|&c| c == column)
        };
        let unused = (0..cells.len()).filter(|&column| !fed(column));
        let unused = unused.map(|column| headers[column].clone()).collect();
        let suspects = cells
            .iter()
            .zip(&columns)
            .enumerate()
            .filter(|&(column, _)| !watched(column))
            .filter_map(|(column, (cells, &nature))| {
                let (values, first) = cells.numbers(nature)?;
                Some(Suspect {
                    column: headers[column].clone(),
                    nature,
                    values,
                    line: line(first),
                    looked_at,
                })
            })
            .collect();
        Natures {
            columns,
            headers,
            fields: mapping.columns,
            special,
            suspects,
            unused,
            looked_at,
        }
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
