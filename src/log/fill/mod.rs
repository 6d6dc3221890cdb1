//! Cells → ids and codes. Cells that stand side by side and belong together (a user, their department
//! and terminal; an operation and its result) are looked up as one span of bytes, so that a record
//! costs two or three look-ups; what the cells of a span say is worked out when it first comes.

mod group;
mod subjects;

use self::group::Group;
use self::subjects::Subjects;
use super::encoding::Encoding;
use super::framer::Segment;
use super::header::Mapping;
use super::intern::{BEHIND, Room, TOGETHER};
use super::meaning::Meaning;
use super::rows::{Separators, span};
use crate::block::{Columns, resize};
use crate::dictionary::Dictionaries;
use crate::record::Field;

/// Spans, and bytes of them, beyond which a cache starts anew: memory stays bounded.
const MOST: usize = 1 << 20;
const MOST_BYTES: usize = 1 << 28;

/// Fields that are looked up, besides the subject, and which of them belong together.
const LOOKED_UP: [(Field, Kin); 8] = [
    (Field::User, Kin::Person),
    (Field::UserName, Kin::Person),
    (Field::Department, Kin::Person),
    (Field::Terminal, Kin::Person),
    (Field::System, Kin::Act),
    (Field::Operation, Kin::Act),
    (Field::Result, Kin::Act),
    (Field::References, Kin::Act),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kin {
    Person,
    Act,
}

/// What equal spans of bytes mean the same under.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    columns: [Option<usize>; 10],
    delimiter: u8,
    encoding: Encoding,
}

/// How the cells of some sources are looked up. One per thread, column mapping and encoding.
pub(super) struct Layout {
    key: Key,
    groups: Vec<Group>,
    subject: Option<Subjects>,
    /// Whether a value with undecodable bytes was ever seen.
    pub(super) dirty: bool,
    /// Whether an unknown `references` word was ever seen.
    pub(super) unknown_references: bool,
}

/// What is known of how the cells of all spans stand that a cache was ever asked for.
#[derive(Clone, Copy)]
struct Style {
    /// Whether each cell's text, quotes apart, can be told from what it says.
    exact: bool,
    /// Whether each cell stands in quotes, without one inside.
    quoted: bool,
}

impl Default for Style {
    fn default() -> Style {
        Style {
            exact: true,
            quoted: true,
        }
    }
}

impl Style {
    /// Takes note of a cell, as it stands.
    fn note(&mut self, cell: &[u8], exact: bool) {
        self.exact &= exact;
        self.quoted &= match cell {
            [b'"', within @ .., b'"'] => !within.contains(&b'"'),
            _ => false,
        };
    }
}

/// A segment, its rows, and what their values become.
pub(super) struct Cells<'a> {
    pub(super) segment: &'a Segment,
    pub(super) separators: Separators<'a>,
    pub(super) meaning: &'a Meaning,
    pub(super) dictionaries: &'a Dictionaries,
}

impl Cells<'_> {
    /// Where adjacent cells of a row lie, which begins at `start`.
    #[inline(always)]
    fn span(&self, start: u32, row: usize, columns: (usize, usize)) -> (usize, usize) {
        span(start as usize, self.separators.row(row), columns)
    }
}

/// The layout for a mapping, a delimiter and an encoding, among those known.
pub(super) fn layout<'a>(
    known: &'a mut Vec<Layout>,
    mapping: &Mapping,
    delimiter: u8,
    encoding: Encoding,
) -> &'a mut Layout {
    let same = |l: &Layout| {
        l.key.columns == mapping.columns
            && l.key.delimiter == delimiter
            && l.key.encoding == encoding
    };
    let at = known.iter().position(same).unwrap_or_else(|| {
        let key = Key {
            columns: mapping.columns,
            delimiter,
            encoding,
        };
        known.push(Layout::new(key));
        known.len() - 1
    });
    &mut known[at]
}

impl Layout {
    fn new(key: Key) -> Layout {
        let mut columns: Vec<(usize, Field, Kin)> = LOOKED_UP
            .into_iter()
            .filter_map(|(field, kin)| Some((key.columns[field as usize]?, field, kin)))
            .collect();
        columns.sort_by_key(|c| c.0);
        let mut groups: Vec<(Group, Kin)> = Vec::new();
        for (column, field, kin) in columns {
            match groups.last_mut() {
                Some((group, of)) if *of == kin && group.first + group.fields.len() == column => {
                    group.fields.push(field);
                }
                _ => groups.push((Group::of(vec![field], column), kin)),
            }
        }
        Layout {
            groups: groups.into_iter().map(|g| g.0).collect(),
            subject: key.columns[Field::Subject as usize].map(Subjects::new),
            key,
            dirty: false,
            unknown_references: false,
        }
    }

    /// Whether the texts of the cells that are looked up can be told from what they say, in all rows of
    /// the last segment; of one with quotes, if all of these cells stand in such.
    pub(super) fn tells(&self, rows: usize, quotes: bool) -> bool {
        let told = |style: &Style| style.exact && (!quotes || style.quoted);
        self.groups.iter().all(|group| told(&group.style))
            && self
                .subject
                .as_ref()
                .is_none_or(|subject| told(&subject.style) && (!quotes || subject.quoted == rows))
    }

    /// Fills the columns of a block whose rows are known.
    #[inline(always)]
    pub(super) fn fill(&mut self, cells: &Cells<'_>, columns: &mut Columns) {
        // (Before a segment, not behind it: a group that begins anew knows nothing of the last one's cells,
        // which `tells` is asked about.)
        self.groups = std::mem::take(&mut self.groups)
            .into_iter()
            .flat_map(Group::judged)
            .collect();
        let starts = std::mem::take(&mut columns.start);
        let mut seen = Seen::default();
        let mut room = Room::default();
        for group in &mut self.groups {
            group.make_room(columns, starts.len());
        }
        if let Some(subject) = &mut self.subject {
            subject.begin();
            resize(&mut columns.subject, starts.len(), 0);
        }
        // Some rows, all their cells, then the next: so rows are read once while they are near.
        for (number, starts) in starts.chunks(MOST_NEAR).enumerate() {
            let rows = Near {
                first: number * MOST_NEAR,
                starts,
            };
            for group in &mut self.groups {
                group.fill(cells, rows, &mut room, columns, &mut seen);
            }
            if let Some(subject) = &mut self.subject {
                subject.fill(cells, rows, &mut columns.subject, &mut seen);
            }
        }
        columns.start = starts;
        self.dirty |= seen.dirty;
        self.unknown_references |= seen.unknown_references;
    }
}

/// Rows that are filled while they are near, at most.
const MOST_NEAR: usize = 4 * TOGETHER;

/// Some rows one behind the other.
#[derive(Clone, Copy)]
struct Near<'a> {
    /// Number of the first among those of the segment.
    first: usize,
    /// Where each begins.
    starts: &'a [u32],
}

#[derive(Default)]
struct Seen {
    dirty: bool,
    unknown_references: bool,
}

const _: () = assert!(BEHIND <= super::scan::PAD);
