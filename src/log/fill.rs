//! Cells → ids and codes. Cells that stand side by side and belong together (a user, their department
//! and terminal; an operation and its result) are looked up as one span of bytes, so that a record
//! costs two or three look-ups; what the cells of a span say is worked out when it first comes.

use super::encoding::Encoding;
use super::fields::unquote;
use super::framer::Segment;
use super::header::Mapping;
use super::intern::{BEHIND, Cache, TOGETHER, UNKNOWN};
use super::meaning::{Meaning, UNKNOWN_REFERENCES};
use crate::block::Columns;
use crate::dictionary::{Dictionaries, id_column, pack_padded};
use crate::record::Field;

/// Spans, and bytes of them, beyond which a cache starts anew: memory stays bounded.
const MOST: usize = 1 << 20;
const MOST_BYTES: usize = 1 << 28;

/// Look-ups after which a group of cells is judged, and again and again.
const TRIAL: u64 = 1 << 15;

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

/// Adjacent columns that are looked up together.
struct Group {
    fields: Vec<Field>,
    first: usize,
    cache: Cache,
    /// Ids and codes of each span's cells.
    values: Vec<u32>,
    lookups: u64,
    misses: u64,
}

#[derive(Default)]
struct Subjects {
    column: usize,
    cache: Cache,
    values: Vec<u64>,
}

/// A segment, its rows, and what their values become.
pub(super) struct Cells<'a> {
    pub(super) segment: &'a Segment,
    /// Delimiters and line ends.
    pub(super) seps: &'a [u32],
    /// First separator of each row.
    pub(super) first_sep: &'a [u32],
    pub(super) meaning: &'a Meaning,
    pub(super) dictionaries: &'a Dictionaries,
}

impl Cells<'_> {
    /// Where the cells `first..=last` of a row lie.
    #[inline(always)]
    fn span(&self, start: u32, first_sep: u32, first: usize, last: usize) -> (usize, usize) {
        let at = first_sep as usize;
        let from = if first == 0 {
            start as usize
        } else {
            self.seps[at + first - 1] as usize + 1
        };
        (from, self.seps[at + last] as usize)
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
                _ => groups.push((Group::new(vec![field], column), kin)),
            }
        }
        Layout {
            groups: groups.into_iter().map(|g| g.0).collect(),
            subject: key.columns[Field::Subject as usize].map(|column| Subjects {
                column,
                ..Subjects::default()
            }),
            key,
            dirty: false,
            unknown_references: false,
        }
    }

    /// Fills the columns of a block whose rows are known.
    #[inline(always)]
    pub(super) fn fill(
        &mut self,
        cells: &Cells<'_>,
        entries: &mut Vec<u32>,
        columns: &mut Columns,
    ) {
        let starts = std::mem::take(&mut columns.start);
        let mut seen = Seen::default();
        for group in &mut self.groups {
            group.look_up(cells, &starts, entries, &mut seen);
            group.write(entries, columns);
        }
        if let Some(subject) = &mut self.subject {
            subject.fill(cells, &starts, &mut columns.subject, &mut seen);
        }
        columns.start = starts;
        self.dirty |= seen.dirty;
        self.unknown_references |= seen.unknown_references;
        self.groups = std::mem::take(&mut self.groups)
            .into_iter()
            .flat_map(Group::judged)
            .collect();
    }
}

#[derive(Default)]
struct Seen {
    dirty: bool,
    unknown_references: bool,
}

impl Group {
    fn new(fields: Vec<Field>, first: usize) -> Group {
        Group {
            fields,
            first,
            cache: Cache::default(),
            values: Vec::new(),
            lookups: 0,
            misses: 0,
        }
    }

    /// The number of each row's span.
    #[inline(always)]
    fn look_up(
        &mut self,
        cells: &Cells<'_>,
        starts: &[u32],
        entries: &mut Vec<u32>,
        seen: &mut Seen,
    ) {
        if self.cache.len() > MOST || self.cache.bytes() > MOST_BYTES {
            *self = Group::new(std::mem::take(&mut self.fields), self.first);
        }
        entries.clear();
        entries.reserve(starts.len());
        let before = self.cache.len();
        let Group {
            fields,
            cache,
            values,
            ..
        } = self;
        let mut look_up = LookUp {
            cells,
            fields,
            first: self.first,
            starts,
            entries,
            values,
            seen,
        };
        while look_up.go_on(cache) {
            look_up.learn(cache);
        }
        self.lookups += starts.len() as u64;
        self.misses += (self.cache.len() - before) as u64;
    }

    /// Writes the values of the spans into the columns.
    #[inline(always)]
    fn write(&self, entries: &[u32], columns: &mut Columns) {
        let width = self.fields.len();
        for (i, &field) in self.fields.iter().enumerate() {
            let values = entries.iter().map(|&e| self.values[e as usize * width + i]);
            #[allow(clippy::cast_possible_truncation)]
            match field {
                Field::Result => columns.result.extend(values.map(|v| v as u8)),
                Field::References => columns.references.extend(values.map(|v| v as u8)),
                field => {
                    let column = id_column(field).expect("an id field");
                    columns.ids[column].extend(values);
                }
            }
        }
    }

    /// The group as it goes on: in single columns if its cells are too rarely the same together.
    fn judged(mut self) -> Vec<Group> {
        if self.lookups < TRIAL {
            return vec![self];
        }
        if self.fields.len() > 1 && self.misses * 8 > self.lookups {
            let first = self.first;
            let single = |(i, field)| Group::new(vec![field], first + i);
            return self.fields.into_iter().enumerate().map(single).collect();
        }
        self.lookups /= 2;
        self.misses /= 2;
        vec![self]
    }
}

/// The look-up of the spans of all rows; `entries` says how far it has come.
struct LookUp<'a> {
    cells: &'a Cells<'a>,
    fields: &'a [Field],
    first: usize,
    starts: &'a [u32],
    entries: &'a mut Vec<u32>,
    values: &'a mut Vec<u32>,
    seen: &'a mut Seen,
}

impl LookUp<'_> {
    /// Looks up the rows that are left, until one's span is not known; whether there is one.
    #[inline(always)]
    fn go_on(&mut self, cache: &Cache) -> bool {
        let text = self.cells.segment.text.as_slice();
        let (first, last) = (self.first, self.first + self.fields.len() - 1);
        let (mut from, mut to) = ([0; TOGETHER], [0; TOGETHER]);
        let mut numbers = [0; TOGETHER];
        while self.entries.len() < self.starts.len() {
            let row = self.entries.len();
            let rows = self.starts[row..].iter().zip(&self.cells.first_sep[row..]);
            let mut count = 0;
            for (i, (&start, &first_sep)) in rows.take(TOGETHER).enumerate() {
                #[allow(clippy::cast_possible_truncation)]
                let place = |at: usize| at as u32;
                let span = self.cells.span(start, first_sep, first, last);
                (from[i], to[i]) = (place(span.0), place(span.1));
                count += 1;
            }
            cache.find_all(text, &from, &to, &mut numbers);
            let known = numbers[..count].iter().position(|&n| n == UNKNOWN);
            self.entries.extend(&numbers[..known.unwrap_or(count)]);
            if known.is_some() {
                return true;
            }
        }
        false
    }

    /// Works out what the cells of the row say.
    #[cold]
    fn learn(&mut self, cache: &mut Cache) {
        let (cells, row) = (self.cells, self.entries.len());
        let (start, first_sep) = (self.starts[row], cells.first_sep[row]);
        let text = cells.segment.text.as_slice();
        for (column, &field) in (self.first..).zip(self.fields) {
            let (from, to) = cells.span(start, first_sep, column, column);
            let raw = unquote(&text[from..to]);
            let mut number = 0;
            if !raw.is_empty() {
                let encoding = cells.segment.encoding;
                let dirty;
                (number, dirty) = cells
                    .meaning
                    .number(field, &raw, encoding, cells.dictionaries);
                self.seen.dirty |= dirty;
                self.seen.unknown_references |=
                    field == Field::References && number == u32::from(UNKNOWN_REFERENCES);
            }
            self.values.push(number);
        }
        let last = self.first + self.fields.len() - 1;
        let (from, to) = cells.span(start, first_sep, self.first, last);
        self.entries.push(cache.insert(&text[from..to]));
    }
}

impl Subjects {
    #[inline(always)]
    fn fill(
        &mut self,
        cells: &Cells<'_>,
        starts: &[u32],
        subjects: &mut Vec<u64>,
        seen: &mut Seen,
    ) {
        if self.cache.len() > MOST || self.cache.bytes() > MOST_BYTES {
            self.cache = Cache::default();
            self.values.clear();
        }
        let text = cells.segment.text.as_slice();
        subjects.reserve(starts.len());
        for (&start, &first_sep) in starts.iter().zip(cells.first_sep) {
            let (mut from, mut to) = cells.span(start, first_sep, self.column, self.column);
            if text[from] == b'"' && to - from >= 2 && text[to - 1] == b'"' {
                from += 1;
                to -= 1;
            }
            subjects.push(if from == to {
                0
            } else if let Some(packed) = pack_padded(text, from, to) {
                packed
            } else {
                let (from, to) = cells.span(start, first_sep, self.column, self.column);
                self.look_up(cells, from, to, seen)
            });
        }
    }

    /// The number of a subject that is no short decimal.
    #[inline(never)]
    fn look_up(&mut self, cells: &Cells<'_>, from: usize, to: usize, seen: &mut Seen) -> u64 {
        let text = cells.segment.text.as_slice();
        if let Some(number) = self.cache.find(text, from, to) {
            return self.values[number as usize];
        }
        let raw = unquote(&text[from..to]);
        let encoding = cells.segment.encoding;
        let (subject, dirty) = cells.meaning.subject(&raw, encoding, cells.dictionaries);
        seen.dirty |= dirty;
        self.values.push(subject);
        self.cache.insert(&text[from..to]);
        subject
    }
}

const _: () = assert!(BEHIND <= super::scan::PAD);
