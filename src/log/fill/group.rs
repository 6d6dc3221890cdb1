//! Cells that stand side by side and belong together, looked up as one span of bytes.

use super::super::fields::unquote;
use super::super::intern::{Cache, NARROW, Room, TOGETHER, WIDE};
use super::super::meaning::UNKNOWN_REFERENCES;
use super::{Cells, MOST, MOST_BYTES, Near, Seen, Style};
use crate::block::{Columns, make_room};
use crate::dictionary::id_column;
use crate::record::Field;

/// Look-ups after which a group of cells is judged, and again and again.
const TRIAL: u64 = 1 << 15;

/// Bits of a code; behind it stands the number of its word.
const BEHIND_CODE: u32 = 8;

/// The most fields that belong together.
const MOST_FIELDS: usize = 4;

/// Ids and codes of the cells of a span, behind a code the number of its word; behind those, zeros.
pub(super) type Values = [u32; MOST_FIELDS];

/// Adjacent columns that are looked up together.
pub(super) struct Group {
    pub(super) fields: Vec<Field>,
    pub(super) first: usize,
    spans: Spans,
    pub(super) style: Style,
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

impl Group {
    /// A group of these fields, of which the first is in this column.
    pub(super) fn of(fields: Vec<Field>, first: usize) -> Group {
        Group::new(fields, first, Spans::Narrow(Cache::default()))
    }

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

    /// Makes room for so many rows in the columns that it fills.
    pub(super) fn make_room(&self, columns: &mut Columns, rows: usize) {
        for &field in &self.fields {
            make_room_for(columns, field, rows);
        }
    }

    /// Looks up each row's span and writes what it says into the columns.
    #[inline(always)]
    pub(super) fn fill(
        &mut self,
        cells: &Cells<'_>,
        rows: Near<'_>,
        room: &mut Room<Values>,
        columns: &mut Columns,
        seen: &mut Seen,
    ) {
        let look = Look {
            cells,
            fields: &self.fields,
            first: self.first,
            style: &mut self.style,
            counts: &mut self.counts,
            seen,
        };
        match &mut self.spans {
            Spans::Narrow(cache) => look.fill(cache, rows, room, columns),
            Spans::Wide(cache) => look.fill(cache, rows, room, columns),
        }
    }

    /// The group as it goes on: without what it knows, if that is too much; in single columns, if its
    /// cells are too rarely the same together; in wider entries, if its spans are long; by hashes of
    /// whole spans, if their ends are too much alike.
    pub(super) fn judged(mut self) -> Vec<Group> {
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
            let single = |(i, field)| Group::of(vec![field], first + i);
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
        rows: Near<'_>,
        room: &mut Room<Values>,
        columns: &mut Columns,
    ) {
        let cells = self.cells;
        let text = cells.segment.text.as_slice();
        let columns_of = (self.first, self.first + self.fields.len() - 1);
        let mut values = [[0; TOGETHER]; MOST_FIELDS];
        for (number, starts) in rows.starts.chunks(TOGETHER).enumerate() {
            let count = starts.len().min(TOGETHER);
            let first = rows.first + number * TOGETHER;
            let rows = first..first + count;
            let separators = &cells.separators;
            separators.spans(rows, starts, columns_of, &mut room.spans);
            let found = cache.find_all(text, count, room);
            if !found.all {
                self.learn(cache, (starts, first), found.known, found.values);
            }
            let [a, b, c, d] = &mut values;
            let places = a.iter_mut().zip(b).zip(c).zip(d);
            for (&[of_a, of_b, of_c, of_d], (((a, b), c), d)) in found.values.iter().zip(places) {
                (*a, *b, *c, *d) = (of_a, of_b, of_c, of_d);
            }
            for (&field, values) in self.fields.iter().zip(&values) {
                write(columns, field, &values[..count]);
            }
        }
        self.counts.all += rows.starts.len() as u64;
    }

    /// Finds what the spans say that were not found at once; works it out for those that are new.
    #[inline(never)]
    fn learn<const WORDS: usize>(
        &mut self,
        cache: &mut Cache<WORDS, Values>,
        (starts, first_row): (&[u32], usize),
        known: &[bool],
        values: &mut [Values],
    ) {
        let text = self.cells.segment.text.as_slice();
        let columns = (self.first, self.first + self.fields.len() - 1);
        for i in (0..values.len()).filter(|&i| !known[i]) {
            let row = first_row + i;
            let (from, to) = self.cells.span(starts[i], row, columns);
            let long = to - from > Cache::<WORDS, Values>::LONGEST;
            self.counts.long += u64::from(long);
            values[i] = if let Some(values) = cache.find(text, from, to) {
                self.counts.strayed += u64::from(!long);
                values
            } else {
                self.counts.new += 1;
                let values = self.read(starts[i], row);
                cache.insert(&text[from..to], values);
                values
            };
        }
    }

    /// Works out what the cells of a row say.
    #[cold]
    fn read(&mut self, start: u32, row: usize) -> Values {
        let cells = self.cells;
        let text = cells.segment.text.as_slice();
        let mut values = Values::default();
        let columns = self.first..;
        for ((column, &field), value) in columns.zip(self.fields).zip(&mut values) {
            let (from, to) = cells.span(start, row, (column, column));
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
            // (So many as nearly always, without asking how many.)
            match <&[u32; TOGETHER]>::try_from(values) {
                Ok(values) => columns.ids[column].extend(values),
                Err(_) => columns.ids[column].extend_from_slice(values),
            }
        }
    }
}
