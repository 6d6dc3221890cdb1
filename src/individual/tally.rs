//! What the cells of a column hold that no field is made of: counted over all records of a source,
//! judged when the last has been seen.
//!
//! Blocks are counted by different threads and brought together in any order: the totals, and so the
//! verdict, are those of the column as a whole. What is kept of a column is bounded however many
//! values it has.

use hashbrown::HashSet;
use xxhash_rust::xxh3::xxh3_64;

use super::column::{Nature, fill};
use super::{Found, Number, find, is_named};

/// Distinct values other than numbers beyond which cells are compared, not distinct values.
const MOST_OTHERS: usize = 256;
/// Distinct numbers beyond which there are more than nine times as many as others can be.
const MOST_NUMBERS: usize = 9 * MOST_OTHERS;

type Set = HashSet<u64, foldhash::fast::FixedState>;

/// How many there are, and where the first stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Option<u64>,
}

impl Places {
    /// One more, at a place.
    pub fn add(&mut self, at: u64) {
        self.merge(Places {
            count: 1,
            first: Some(at),
        });
    }

    /// More of them.
    pub fn merge(&mut self, more: Places) {
        self.count += more.count;
        self.first = match (self.first, more.first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// The same, by other places.
    #[must_use]
    pub fn at(self, line: impl Fn(u64) -> u64) -> Places {
        Places {
            first: self.first.map(line),
            ..self
        }
    }
}

/// What a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing but white space.
    Blank,
    /// A value without a number that counts.
    Other,
    /// A number, or a text with one that is named.
    Number,
}

/// What was counted of the column at a place.
pub type Counted = (usize, Tally);

/// The cells of a column: of a block by their records, of a source by their lines.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Cells that are not blank.
    cells: u64,
    /// Cells that are a number that passes.
    whole: Places,
    /// Cells with a number that is named beside it.
    named: Places,
    /// Distinct numbers, as far as they are kept.
    numbers: Set,
    /// Distinct other values, by their hashes.
    others: Set,
    /// Whether there are more of those than are kept.
    many: bool,
}

/// The number that `found` says a text is.
fn the_whole(text: &str, found: &[Found]) -> Option<Number> {
    match found {
        [one] if (one.start, one.end) == (0, text.len()) => Some(one.number),
        _ => None,
    }
}

impl Tally {
    /// No cells of a column that is known to have more other values than are kept.
    #[must_use]
    pub fn of_many() -> Tally {
        Tally {
            many: true,
            ..Tally::default()
        }
    }

    /// Adds the cell of a record.
    pub fn add(&mut self, text: &str, at: u64) -> Cell {
        let text = text.trim();
        if text.is_empty() {
            return Cell::Blank;
        }
        self.cells += 1;
        let found = find(text);
        if let Some(number) = the_whole(text, &found) {
            self.whole.add(at);
            let digits = number.iter().fold(0, |n, &d| 10 * n + u64::from(d));
            self.keep_number(digits);
            return Cell::Number;
        }
        self.keep_other(xxh3_64(text.as_bytes()));
        if found.iter().any(|f| is_named(text, f)) {
            self.named.add(at);
            return Cell::Number;
        }
        Cell::Other
    }

    /// Adds a cell that is not blank, and is known to hold no number and to be of a value that is kept,
    /// or of a column with more values than are kept.
    pub fn add_other(&mut self) {
        self.cells += 1;
    }

    /// Whether all cells are blank.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells == 0
    }

    /// Whether the column has more other values than are kept.
    #[must_use]
    pub fn has_many(&self) -> bool {
        self.many
    }

    fn keep_number(&mut self, digits: u64) {
        if self.numbers.len() < MOST_NUMBERS {
            self.numbers.insert(digits);
        }
    }

    fn keep_other(&mut self, hash: u64) {
        if self.many {
            return;
        }
        self.others.insert(hash);
        if self.others.len() > MOST_OTHERS {
            self.many = true;
            self.others = Set::default();
        }
    }

    /// Adds the cells of a block; `line` tells the line of a record.
    pub fn absorb(&mut self, block: &Tally, line: impl Fn(u64) -> u64) {
        self.cells += block.cells;
        self.whole.merge(block.whole.at(&line));
        self.named.merge(block.named.at(&line));
        for &number in &block.numbers {
            self.keep_number(number);
        }
        for &other in &block.others {
            self.keep_other(other);
        }
        if block.many {
            self.many = true;
            self.others = Set::default();
        }
    }

    /// What the column under `header` holds: numbers, or what cannot be told.
    #[must_use]
    pub fn nature(&self, header: &str) -> Nature {
        let distinct = self.numbers.len();
        let (numbers, all) = if self.many {
            (self.whole.count, self.cells)
        } else {
            (distinct as u64, (distinct + self.others.len()) as u64)
        };
        if fill(numbers, all, distinct, header) {
            Nature::Numbers
        } else {
            Nature::Unknown
        }
    }

    /// Cells with numbers, under this nature of the column; none without.
    #[must_use]
    pub fn numbers(&self, nature: Nature) -> Option<Places> {
        let places = match nature {
            Nature::Numbers => self.whole,
            _ => self.named,
        };
        (places.count > 0).then_some(places)
    }

    /// Everything that is counted, for comparison.
    #[cfg(test)]
    pub(crate) fn told(&self) -> (u64, Places, Places, Vec<u64>, usize, bool) {
        let mut numbers: Vec<u64> = self.numbers.iter().copied().collect();
        numbers.sort_unstable();
        let others = self.others.len();
        (
            self.cells, self.whole, self.named, numbers, others, self.many,
        )
    }
}
