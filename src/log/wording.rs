//! How records were written, where that and what they say is all there is to their text.
//!
//! A log of which every column feeds a field says everything twice: in its text, and in the columns of
//! its blocks. Where both agree to the byte, the text need not be kept until it is known which records
//! are flagged: theirs is made again. Whether they agree is asked once per distinct value and minute,
//! not per record; where it is not certain (quotes, values that `[normalise]` changes, times of another
//! form, undecodable bytes, columns that feed no field) the text is kept.

use std::fmt;
use std::sync::Arc;

use super::header::Mapping;
use super::time::{Form, push_civil};
use crate::block::{Columns, Told};
use crate::dictionary::{Dictionaries, Reading, Values, id_column, packed_digits};
use crate::record::Field;

/// How the records of a block were written.
pub struct Wording {
    dictionaries: Arc<Dictionaries>,
    /// What each cell says, from the first on.
    cells: Vec<Cell>,
    delimiter: char,
    /// Whether every cell stands in quotes; none does otherwise.
    quoted: bool,
    time: Form,
}

#[derive(Clone, Copy, Debug)]
enum Cell {
    Time,
    Id(usize),
    /// By its place in [`Told::words`].
    Word(usize),
    Subject,
}

impl fmt::Debug for Wording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wording")
            .field("cells", &self.cells)
            .field("delimiter", &self.delimiter)
            .field("quoted", &self.quoted)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

impl Wording {
    /// The wording of records of a mapping and a delimiter, all of whose cells are quoted or none, and
    /// whose times are of a form; none if there is more to a record than its fields.
    #[must_use]
    pub fn of(
        mapping: &Mapping,
        (delimiter, quoted): (u8, bool),
        time: Form,
        dictionaries: &Arc<Dictionaries>,
    ) -> Option<Wording> {
        if mapping.time_of_day.is_some() {
            return None;
        }
        let cell = |column: usize| {
            let mut fields = Field::ALL.into_iter();
            let field = fields.find(|&field| mapping.column(field) == Some(column))?;
            Some(match field {
                Field::Time => Cell::Time,
                Field::Result => Cell::Word(0),
                Field::References => Cell::Word(1),
                Field::Subject => Cell::Subject,
                field => Cell::Id(id_column(field)?),
            })
        };
        Some(Wording {
            dictionaries: Arc::clone(dictionaries),
            cells: (0..mapping.width).map(cell).collect::<Option<_>>()?,
            delimiter: delimiter.is_ascii().then(|| char::from(delimiter))?,
            quoted,
            time,
        })
    }

    /// Puts the text of a record, decoded, behind what `to` holds; `values` are of the dictionaries that
    /// it means.
    pub fn push(&self, values: &Reading<'_>, (time, told): (i64, &Told), to: &mut String) {
        for (number, cell) in self.cells.iter().enumerate() {
            if number > 0 {
                to.push(self.delimiter);
            }
            if self.quoted {
                to.push('"');
            }
            let dictionary = |values: &Values, id: u32, to: &mut String| {
                to.push_str(values.text(id).unwrap_or_default());
            };
            match *cell {
                Cell::Time => push_civil(self.time, time, to),
                Cell::Id(column) => dictionary(&values.ids[column], told.ids[column], to),
                Cell::Word(which) => dictionary(&values.words[which], told.words[which].into(), to),
                Cell::Subject => {
                    let subject = told.subject;
                    if let Some((digits, len)) = packed_digits(subject) {
                        let digits = digits.to_le_bytes();
                        to.push_str(std::str::from_utf8(&digits[..len]).unwrap_or_default());
                    } else {
                        let id = u32::try_from(subject).unwrap_or_default();
                        dictionary(&values.subjects, id, to);
                    }
                }
            }
            if self.quoted {
                to.push('"');
            }
        }
    }

    /// The text of a record, decoded.
    #[must_use]
    pub fn text(&self, columns: &Columns, at: usize) -> String {
        let mut text = String::new();
        let told = (columns.time[at], &columns.told(at));
        self.push(&self.dictionaries.reading(), told, &mut text);
        text
    }
}
