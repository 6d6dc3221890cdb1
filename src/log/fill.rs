//! Cells → ids and codes. Cells that stand side by side and belong together (a user, their department
//! and terminal; an operation and its result) are looked up as one span of bytes, so that a record
//! costs two or three look-ups; what the cells of a span say is worked out when it first comes.

use super::encoding::Encoding;
use super::fields::unquote;
use super::framer::Segment;
use super::header::Mapping;
use super::intern::{BEHIND, Cache, Room, TOGETHER, UNKNOWN, word};
use super::meaning::{Meaning, UNKNOWN_REFERENCES};
use crate::block::{Columns, make_room, resize};
use crate::dictionary::{Dictionaries, Subject, id_column, pack_sixteen};
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

/// Bits of a code; behind it stands the number of its word.
const BEHIND_CODE: u32 = 8;

/// The most fields that belong together.
const MOST_FIELDS: usize = 4;

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

/// Ids and codes of the cells of a span, behind a code the number of its word; behind those, zeros.
type Values = [u32; MOST_FIELDS];

/// Adjacent columns that are looked up together.
struct Group {
    fields: Vec<Field>,
    first: usize,
    cache: Cache,
    /// Ids and codes of each span's cells, by the span's number.
    values: Vec<Values>,
    style: Style,
    lookups: u64,
    misses: u64,
}

struct Subjects {
    column: usize,
    cache: Cache,
    /// By the span's number.
    values: Vec<Subject>,
    style: Style,
    /// How many of the last segment stood in quotes.
    quoted: usize,
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
        let starts = std::mem::take(&mut columns.start);
        let mut seen = Seen::default();
        let mut room = Room::default();
        for group in &mut self.groups {
            group.fill(cells, &starts, &mut room, columns, &mut seen);
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
            values: vec![Values::default()],
            style: Style::default(),
            lookups: 0,
            misses: 0,
        }
    }

    /// Looks up each row's span and writes what it says into the columns.
    #[inline(always)]
    fn fill(
        &mut self,
        cells: &Cells<'_>,
        starts: &[u32],
        room: &mut Room,
        columns: &mut Columns,
        seen: &mut Seen,
    ) {
        if self.cache.len() > MOST || self.cache.bytes() > MOST_BYTES {
            *self = Group::new(std::mem::take(&mut self.fields), self.first);
        }
        for &field in &self.fields {
            make_room_for(columns, field, starts.len());
        }
        let before = self.cache.len();
        let (first, last) = (self.first, self.first + self.fields.len() - 1);
        let mut values = [[0; TOGETHER]; MOST_FIELDS];
        let rows = starts.chunks(TOGETHER);
        for (starts, first_sep) in rows.zip(cells.first_sep.chunks(TOGETHER)) {
            let count = starts.len().min(first_sep.len());
            let (starts, first_sep) = (&starts[..count], &first_sep[..count]);
            let text = cells.segment.text.as_slice();
            let span = |i: usize| cells.span(starts[i], first_sep[i], first, last);
            let numbers = self.cache.find_all(text, count, span, room);
            if numbers.contains(&UNKNOWN) {
                self.learn(cells, (starts, first_sep), numbers, seen);
            }
            for (i, &number) in numbers.iter().enumerate() {
                let of_span = self.values[number as usize];
                for (values, value) in values.iter_mut().zip(of_span) {
                    values[i] = value;
                }
            }
            for (&field, values) in self.fields.iter().zip(&values) {
                write(columns, field, &values[..count]);
            }
        }
        self.lookups += starts.len() as u64;
        self.misses += (self.cache.len() - before) as u64;
    }

    /// Finds the rows' numbers that were not found at once; works out what spans say that are new.
    #[inline(never)]
    fn learn(
        &mut self,
        cells: &Cells<'_>,
        (starts, first_sep): (&[u32], &[u32]),
        numbers: &mut [u32],
        seen: &mut Seen,
    ) {
        let text = cells.segment.text.as_slice();
        let last = self.first + self.fields.len() - 1;
        for (i, number) in numbers.iter_mut().enumerate() {
            if *number == UNKNOWN {
                let (from, to) = cells.span(starts[i], first_sep[i], self.first, last);
                *number = self.cache.find(text, from, to).unwrap_or_else(|| {
                    let values = self.read(cells, starts[i], first_sep[i], seen);
                    self.values.push(values);
                    self.cache.insert(&text[from..to])
                });
            }
        }
    }

    /// Works out what the cells of a row say.
    #[cold]
    fn read(&mut self, cells: &Cells<'_>, start: u32, first_sep: u32, seen: &mut Seen) -> Values {
        let text = cells.segment.text.as_slice();
        let mut values = Values::default();
        let columns = self.first..;
        for ((column, &field), value) in columns.zip(&self.fields).zip(&mut values) {
            let (from, to) = cells.span(start, first_sep, column, column);
            let raw = unquote(&text[from..to]);
            if raw.is_empty() {
                self.style.note(&text[from..to], true);
                continue;
            }
            let encoding = cells.segment.encoding;
            let told = cells
                .meaning
                .number(field, &raw, encoding, cells.dictionaries);
            self.style.note(&text[from..to], told.exact);
            seen.dirty |= told.replaced;
            seen.unknown_references |=
                field == Field::References && told.value == u32::from(UNKNOWN_REFERENCES);
            *value = told.value | u32::from(told.word) << BEHIND_CODE;
        }
        values
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

/// Makes room for the values of a field.
fn make_room_for(columns: &mut Columns, field: Field, rows: usize) {
    match field {
        Field::Result => {
            make_room(&mut columns.result, rows);
            make_room(&mut columns.words[0], rows);
        }
        Field::References => {
            make_room(&mut columns.references, rows);
            make_room(&mut columns.words[1], rows);
        }
        field => {
            let column = id_column(field).expect("an id field");
            make_room(&mut columns.ids[column], rows);
        }
    }
}

/// Writes values of a field behind those that its column has.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
fn write(columns: &mut Columns, field: Field, values: &[u32]) {
    let codes = values.iter().map(|&v| v as u8);
    let words = values.iter().map(|&v| (v >> BEHIND_CODE) as u8);
    match field {
        Field::Result => {
            columns.result.extend(codes);
            columns.words[0].extend(words);
        }
        Field::References => {
            columns.references.extend(codes);
            columns.words[1].extend(words);
        }
        field => {
            let column = id_column(field).expect("an id field");
            columns.ids[column].extend_from_slice(values);
        }
    }
}

impl Subjects {
    fn new(column: usize) -> Subjects {
        Subjects {
            column,
            cache: Cache::default(),
            values: vec![0],
            style: Style::default(),
            quoted: 0,
        }
    }

    #[inline(always)]
    fn fill(
        &mut self,
        cells: &Cells<'_>,
        starts: &[u32],
        subjects: &mut Vec<Subject>,
        seen: &mut Seen,
    ) {
        if self.cache.len() > MOST || self.cache.bytes() > MOST_BYTES {
            *self = Subjects::new(self.column);
        }
        let text = cells.segment.text.as_slice();
        let (mut low, mut high, mut lens) = ([0; TOGETHER], [0; TOGETHER], [0; TOGETHER]);
        self.quoted = 0;
        resize(subjects, starts.len(), 0);
        let rows = starts
            .chunks(TOGETHER)
            .zip(cells.first_sep.chunks(TOGETHER));
        for ((starts, first_sep), subjects) in rows.zip(subjects.chunks_mut(TOGETHER)) {
            for (i, (&start, &first_sep)) in starts.iter().zip(first_sep).enumerate().take(TOGETHER)
            {
                let (mut from, mut to) = cells.span(start, first_sep, self.column, self.column);
                if cells.segment.quotes {
                    let all = to - from;
                    (from, to) = within_quotes(text, from, to);
                    self.quoted += usize::from(to - from < all);
                }
                let sixteen = &text[from..from + 16];
                (low[i], high[i]) = (word(sixteen, 0), word(sixteen, 8));
                lens[i] = (to - from) as u64;
            }
            let mut others = false;
            let sixteens = low.iter().zip(&high).zip(&lens);
            for (subject, ((&low, &high), &len)) in subjects.iter_mut().zip(sixteens) {
                *subject = pack_sixteen(low, high, len);
                others |= *subject == 0 && len != 0;
            }
            if others {
                self.look_up_others(cells, (starts, first_sep), &lens, subjects, seen);
            }
        }
    }

    /// The subjects of rows that have one which is no short decimal.
    #[inline(never)]
    fn look_up_others(
        &mut self,
        cells: &Cells<'_>,
        (starts, first_sep): (&[u32], &[u32]),
        lens: &[u64],
        subjects: &mut [Subject],
        seen: &mut Seen,
    ) {
        for (i, subject) in subjects.iter_mut().enumerate() {
            if *subject == 0 && lens[i] != 0 {
                let (from, to) = cells.span(starts[i], first_sep[i], self.column, self.column);
                *subject = self.look_up(cells, from, to, seen);
            }
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
        let told = cells.meaning.subject(&raw, encoding, cells.dictionaries);
        self.style.note(&text[from..to], told.exact);
        seen.dirty |= told.replaced;
        self.values.push(told.value);
        self.cache.insert(&text[from..to]);
        told.value
    }
}

/// Where the text of a cell lies, of a quoted one what is within its quotes.
#[inline(always)]
fn within_quotes(text: &[u8], from: usize, to: usize) -> (usize, usize) {
    if text[from] == b'"' && to - from >= 2 && text[to - 1] == b'"' {
        (from + 1, to - 1)
    } else {
        (from, to)
    }
}

const _: () = assert!(BEHIND <= super::scan::PAD);
