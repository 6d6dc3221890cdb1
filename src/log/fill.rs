//! Cells → ids and codes. Cells that stand side by side and belong together (a user, their department
//! and terminal; an operation and its result) are looked up as one span of bytes, so that a record
//! costs two or three look-ups; what the cells of a span say is worked out when it first comes.

use super::encoding::Encoding;
use super::fields::unquote;
use super::framer::Segment;
use super::header::Mapping;
use super::intern::{BEHIND, Cache, NARROW, Room, TOGETHER, WIDE, word};
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
    spans: Spans,
    style: Style,
    counts: Counts,
}

/// What spans say, in entries as wide as most of them need.
enum Spans {
    Narrow(Cache<NARROW, Values>),
    Wide(Cache<WIDE, Values>),
}

/// Look-ups, and how they ended.
#[derive(Clone, Copy, Default)]
struct Counts {
    all: u64,
    /// The span was new.
    new: u64,
    /// No entry has place for it.
    long: u64,
    /// It was not where its hash leads to.
    strayed: u64,
}

struct Subjects {
    column: usize,
    cache: Cache<NARROW, Subject>,
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
                _ => {
                    let spans = Spans::Narrow(Cache::default());
                    groups.push((Group::new(vec![field], column, spans), kin));
                }
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
    fn new(fields: Vec<Field>, first: usize, spans: Spans) -> Group {
        Group {
            fields,
            first,
            spans,
            style: Style::default(),
            counts: Counts::default(),
        }
    }

    /// The same without any span.
    fn anew(self, spans: Spans) -> Group {
        Group::new(self.fields, self.first, spans)
    }

    /// Looks up each row's span and writes what it says into the columns.
    #[inline(always)]
    fn fill(
        &mut self,
        cells: &Cells<'_>,
        starts: &[u32],
        room: &mut Room<Values>,
        columns: &mut Columns,
        seen: &mut Seen,
    ) {
        for &field in &self.fields {
            make_room_for(columns, field, starts.len());
        }
        let look = Look {
            cells,
            fields: &self.fields,
            first: self.first,
            style: &mut self.style,
            counts: &mut self.counts,
            seen,
        };
        match &mut self.spans {
            Spans::Narrow(cache) => look.fill(cache, starts, room, columns),
            Spans::Wide(cache) => look.fill(cache, starts, room, columns),
        }
    }

    /// The group as it goes on: without what it knows, if that is too much; in single columns, if its
    /// cells are too rarely the same together; in wider entries, if its spans are long; by hashes of
    /// whole spans, if their ends are too much alike.
    fn judged(mut self) -> Vec<Group> {
        let (spans, bytes) = match &self.spans {
            Spans::Narrow(cache) => (cache.len(), cache.bytes()),
            Spans::Wide(cache) => (cache.len(), cache.bytes()),
        };
        if spans > MOST || bytes > MOST_BYTES {
            let spans = match self.spans {
                Spans::Narrow(_) => Spans::Narrow(Cache::default()),
                Spans::Wide(_) => Spans::Wide(Cache::default()),
            };
            return vec![self.anew(spans)];
        }
        let Counts {
            all,
            new,
            long,
            strayed,
        } = self.counts;
        if all < TRIAL {
            return vec![self];
        }
        if self.fields.len() > 1 && new * 8 > all {
            let first = self.first;
            let single = |(i, field)| {
                let spans = Spans::Narrow(Cache::default());
                Group::new(vec![field], first + i, spans)
            };
            return self.fields.into_iter().enumerate().map(single).collect();
        }
        if long * 8 > all && matches!(self.spans, Spans::Narrow(_)) {
            return vec![self.anew(Spans::Wide(Cache::default()))];
        }
        if strayed * 8 > all {
            match &mut self.spans {
                Spans::Narrow(cache) if !cache.is_whole() => cache.look_at_all(),
                Spans::Wide(cache) if !cache.is_whole() => cache.look_at_all(),
                _ => {}
            }
        }
        for count in [
            &mut self.counts.all,
            &mut self.counts.new,
            &mut self.counts.long,
            &mut self.counts.strayed,
        ] {
            *count /= 2;
        }
        vec![self]
    }
}

/// A look at the spans of a group in a segment.
struct Look<'a> {
    cells: &'a Cells<'a>,
    fields: &'a [Field],
    first: usize,
    style: &'a mut Style,
    counts: &'a mut Counts,
    seen: &'a mut Seen,
}

impl Look<'_> {
    #[inline(always)]
    fn fill<const WORDS: usize>(
        mut self,
        cache: &mut Cache<WORDS, Values>,
        starts: &[u32],
        room: &mut Room<Values>,
        columns: &mut Columns,
    ) {
        let cells = self.cells;
        let text = cells.segment.text.as_slice();
        let (first, last) = (self.first, self.first + self.fields.len() - 1);
        let mut values = [[0; TOGETHER]; MOST_FIELDS];
        let rows = starts.chunks(TOGETHER);
        for (starts, first_sep) in rows.zip(cells.first_sep.chunks(TOGETHER)) {
            let count = starts.len().min(first_sep.len());
            let (starts, first_sep) = (&starts[..count], &first_sep[..count]);
            let span = |i: usize| cells.span(starts[i], first_sep[i], first, last);
            let found = cache.find_all(text, count, span, room);
            if found.known.contains(&false) {
                let rows = (starts, first_sep);
                self.learn(cache, rows, found.known, found.values);
            }
            for (i, of_span) in found.values.iter().enumerate() {
                for (values, &value) in values.iter_mut().zip(of_span) {
                    values[i] = value;
                }
            }
            for (&field, values) in self.fields.iter().zip(&values) {
                write(columns, field, &values[..count]);
            }
        }
        self.counts.all += starts.len() as u64;
    }

    /// Finds what the spans say that were not found at once; works it out for those that are new.
    #[inline(never)]
    fn learn<const WORDS: usize>(
        &mut self,
        cache: &mut Cache<WORDS, Values>,
        (starts, first_sep): (&[u32], &[u32]),
        known: &[bool],
        values: &mut [Values],
    ) {
        let text = self.cells.segment.text.as_slice();
        let last = self.first + self.fields.len() - 1;
        for i in (0..values.len()).filter(|&i| !known[i]) {
            let (from, to) = self.cells.span(starts[i], first_sep[i], self.first, last);
            let long = to - from > Cache::<WORDS, Values>::LONGEST;
            self.counts.long += u64::from(long);
            values[i] = if let Some(values) = cache.find(text, from, to) {
                self.counts.strayed += u64::from(!long);
                values
            } else {
                self.counts.new += 1;
                let values = self.read(starts[i], first_sep[i]);
                cache.insert(&text[from..to], values);
                values
            };
        }
    }

    /// Works out what the cells of a row say.
    #[cold]
    fn read(&mut self, start: u32, first_sep: u32) -> Values {
        let cells = self.cells;
        let text = cells.segment.text.as_slice();
        let mut values = Values::default();
        let columns = self.first..;
        for ((column, &field), value) in columns.zip(self.fields).zip(&mut values) {
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
            self.seen.dirty |= told.replaced;
            self.seen.unknown_references |=
                field == Field::References && told.value == u32::from(UNKNOWN_REFERENCES);
            *value = told.value | u32::from(told.word) << BEHIND_CODE;
        }
        values
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
        if let Some(subject) = self.cache.find(text, from, to) {
            return subject;
        }
        let raw = unquote(&text[from..to]);
        let encoding = cells.segment.encoding;
        let told = cells.meaning.subject(&raw, encoding, cells.dictionaries);
        self.style.note(&text[from..to], told.exact);
        seen.dirty |= told.replaced;
        self.cache.insert(&text[from..to], told.value);
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
