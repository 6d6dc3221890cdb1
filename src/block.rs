//! A block of records: what parsing yields and detection takes.
//!
//! It is a record batch with the dictionaries taken out: ids are those of the scan's
//! [`Dictionaries`](crate::dictionary::Dictionaries), so that blocks of any origin compare without
//! unification. [`crate::arrow`] turns it into Arrow and back without loss.

use std::ops::Range;
use std::sync::Arc;

use crate::dictionary::{Id, Subject};
use crate::log::encoding::{Encoding, utf16_len};
use crate::log::scan;
use crate::packed::Packed;

/// Codes of the `references` column.
pub const REFERENCES_NULL: u8 = 0;
/// `false`.
pub const REFERENCES_NO: u8 = 1;
/// `true`.
pub const REFERENCES_YES: u8 = 2;

/// Where the records of a block stand in their source.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Number of the source in the scan.
    pub source: u32,
    /// Physical line (1-based) of line 0 of the block.
    pub first_line: u64,
    /// Offset in the source of byte 0 of `text`.
    pub offset: u64,
    /// What the records were read from; none for records that came as Arrow.
    pub text: Option<Arc<Text>>,
}

/// What records were read from.
#[derive(Debug, Default)]
pub struct Text {
    /// The bytes and their padding.
    pub bytes: Vec<u8>,
    /// What they mean.
    pub encoding: Option<Encoding>,
    /// Number of the wording by which the text of each record can be told, the bytes not being kept; or 0.
    pub wording: u8,
}

/// Columns of records. A column that is empty is null throughout.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// Local civil milliseconds.
    pub time: Vec<i64>,
    /// Line of each record, from the block's first; empty if every line is a record.
    pub line: Vec<u32>,
    /// Where each record begins in the block's text.
    pub start: Vec<u32>,
    /// Where it ends, line end not included; empty if the text is not kept.
    pub end: Vec<u32>,
    /// Ids, by [`crate::dictionary::ID_FIELDS`].
    pub ids: [Vec<Id>; 6],
    /// [`crate::record::Outcome`] codes, 0 for null.
    pub result: Vec<u8>,
    /// `REFERENCES_…` codes.
    pub references: Vec<u8>,
    /// Numbers of the words behind the codes of [`crate::dictionary::WORDS`], where the text is a file's.
    pub words: [Vec<u8>; 2],
    /// Subjects.
    pub subject: Vec<Subject>,
    /// Bits of [`crate::detect::predicate`], the same number of words for each record; empty until
    /// they are evaluated.
    pub masks: Vec<u64>,
}

/// What a record says besides its time.
#[derive(Clone, Copy, Debug)]
pub struct Said {
    /// Ids, by [`crate::dictionary::ID_FIELDS`]; 0 for null, as all of these.
    pub ids: [Id; 6],
    /// [`crate::record::Outcome`] code.
    pub result: u8,
    /// `REFERENCES_…` code.
    pub references: u8,
    /// Numbers of the words behind these codes.
    pub words: [u8; 2],
    /// Subject.
    pub subject: Subject,
}

/// The range of times in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Earliest time.
    pub min: i64,
    /// Latest time.
    pub max: i64,
    /// How far a record lies behind the latest before it, at most; 0: in order.
    pub lateness: i64,
}

impl Columns {
    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }

    /// Takes all records out; the room stays.
    pub fn clear(&mut self) {
        self.resize_rows(0);
        self.clear_values();
    }

    /// Takes out what the records say. Their times and starts stay, for [`Columns::resize_rows`] and to
    /// be written over: clearing them would cost as much as writing them.
    pub fn clear_values(&mut self) {
        self.line.clear();
        self.end.clear();
        self.ids.iter_mut().for_each(Vec::clear);
        self.result.clear();
        self.references.clear();
        self.words.iter_mut().for_each(Vec::clear);
        self.subject.clear();
        self.masks.clear();
    }

    /// Makes it so many rows, of which only the times and where they start in a text are known yet; of
    /// those that were none before, both are 0.
    pub fn resize_rows(&mut self, rows: usize) {
        resize(&mut self.time, rows, 0);
        resize(&mut self.start, rows, 0);
    }

    /// Adds a row of which only the time and the place in a text are known yet.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub fn push_row(&mut self, time: i64, line: usize, start: usize, end: usize) {
        self.time.push(time);
        self.line.push(line as u32);
        self.start.push(start as u32);
        self.end.push(end as u32);
    }

    /// The range of times of records that are in time order; none without records.
    #[must_use]
    pub fn ends(&self) -> Option<Span> {
        let (&min, &max) = (self.time.first()?, self.time.last()?);
        Some(Span {
            min,
            max,
            lateness: 0,
        })
    }

    /// The range of times; none without records.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        let &first = self.time.first()?;
        let start = Span {
            min: first,
            max: first,
            lateness: 0,
        };
        Some(self.time.iter().fold(start, |span, &t| Span {
            min: span.min.min(t),
            max: span.max.max(t),
            lateness: span.lateness.max(span.max - t),
        }))
    }

    /// How many records from a place on, one behind the other, have times in a range.
    #[must_use]
    pub fn within(&self, from: usize, times: Range<i64>) -> usize {
        let width = times.end.wrapping_sub(times.start).cast_unsigned();
        let outside = |time: i64| time.wrapping_sub(times.start).cast_unsigned() >= width;
        scan::before(&self.time[from..], outside)
    }

    /// What the record at a place says.
    #[must_use]
    pub fn said(&self, at: usize) -> Said {
        fn of<T: Copy + Default>(column: &[T], at: usize) -> T {
            column.get(at).copied().unwrap_or_default()
        }
        Said {
            ids: self.ids.each_ref().map(|ids| of(ids, at)),
            result: of(&self.result, at),
            references: of(&self.references, at),
            words: self.words.each_ref().map(|words| of(words, at)),
            subject: of(&self.subject, at),
        }
    }

    /// The records of these places, in this order.
    #[must_use]
    pub fn select(&self, order: &[usize]) -> Columns {
        let words = self.masks.len().checked_div(self.len()).unwrap_or(0);
        Columns {
            time: some(&self.time, order),
            line: if self.line.is_empty() && !self.start.is_empty() {
                order.iter().map(|&at| narrow(at as u64)).collect()
            } else {
                some(&self.line, order)
            },
            start: some(&self.start, order),
            end: some(&self.end, order),
            ids: std::array::from_fn(|c| some(&self.ids[c], order)),
            result: some(&self.result, order),
            references: some(&self.references, order),
            words: std::array::from_fn(|w| some(&self.words[w], order)),
            subject: some(&self.subject, order),
            masks: order
                .iter()
                .flat_map(|&i| &self.masks[i * words..(i + 1) * words])
                .copied()
                .collect(),
        }
    }

    /// Takes the columns that another has and these have no room for, with all that stands in them.
    pub fn take_from(&mut self, other: &mut Columns) {
        fn take<T>(from: &mut Vec<T>, to: &mut Vec<T>) {
            if to.capacity() == 0 {
                *to = std::mem::take(from);
            }
        }
        take(&mut other.time, &mut self.time);
        take(&mut other.line, &mut self.line);
        take(&mut other.start, &mut self.start);
        take(&mut other.end, &mut self.end);
        for (from, to) in other.ids.iter_mut().zip(&mut self.ids) {
            take(from, to);
        }
        take(&mut other.result, &mut self.result);
        take(&mut other.references, &mut self.references);
        for (from, to) in other.words.iter_mut().zip(&mut self.words) {
            take(from, to);
        }
        take(&mut other.subject, &mut self.subject);
        take(&mut other.masks, &mut self.masks);
    }

    /// Bytes of memory that the values take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let ids: usize = self.ids.iter().map(Vec::len).sum();
        8 * (self.time.len() + self.subject.len() + self.masks.len())
            + 4 * (self.line.len() + self.start.len() + self.end.len() + ids)
            + self.result.len()
            + self.references.len()
            + self.words.iter().map(Vec::len).sum::<usize>()
    }
}

/// Stands for no offset.
pub const NO_OFFSET: u64 = u64::MAX;

/// Where records of several sources stand: what [`Origin`] says of one source, for each record.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Number of the source.
    pub source: Packed,
    /// Physical line, 1-based.
    pub line: Packed,
    /// Offset in the source; [`NO_OFFSET`] for records that came as Arrow.
    pub offset: Packed,
    /// [`encoding_code`] of what the record's bytes mean; 0 if nobody will ask for them.
    pub encoding: Packed,
    /// Number of the record's bytes, if they are not kept but can be read again from the source; or 0.
    pub length: Packed,
    /// [`check`] of these.
    pub check: Packed,
    /// Number of the wording by which the record's text can be told; or 0.
    pub wording: Packed,
}

impl Places {
    /// Bytes of memory that the places take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        [
            &self.source,
            &self.line,
            &self.offset,
            &self.encoding,
            &self.length,
            &self.check,
            &self.wording,
        ]
        .map(Packed::bytes)
        .iter()
        .sum()
    }
}

/// Where the bytes of a record stand that are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// Number of the source.
    pub source: u32,
    /// Offset in the source.
    pub offset: u64,
    /// How many they are.
    pub length: usize,
    /// Their [`check`].
    pub check: u32,
    /// What they mean.
    pub encoding: Encoding,
}

/// An encoding as a number; 0 is none.
#[must_use]
pub fn encoding_code(encoding: Encoding) -> u8 {
    let known = (1..).zip(Encoding::ALL).find(|&(_, e)| e == encoding);
    known.map_or(0, |(code, _)| code)
}

/// The other way round.
fn encoding_of(code: u64) -> Option<Encoding> {
    let at = usize::try_from(code).ok()?.checked_sub(1)?;
    Encoding::ALL.get(at).copied()
}

/// What tells that a record's bytes are no longer what they were, but for one change in 2³².
#[allow(clippy::cast_possible_truncation)]
#[must_use]
pub fn check(bytes: &[u8]) -> u32 {
    xxhash_rust::xxh3::xxh3_64(bytes) as u32
}

/// Records of one source, or of several if they were sorted.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Where they stand; of sorted ones, only the text.
    pub origin: Origin,
    /// Where each of them stands, if they were sorted.
    pub places: Option<Box<Places>>,
    /// What they say.
    pub columns: Columns,
}

impl Block {
    /// Number of a record's source in the scan.
    #[must_use]
    pub fn source(&self, at: usize) -> u32 {
        match &self.places {
            Some(places) => narrow(places.source.get(at)),
            None => self.origin.source,
        }
    }

    /// Physical line of a record, 1-based.
    #[must_use]
    pub fn line(&self, at: usize) -> u64 {
        if let Some(places) = &self.places {
            return places.line.get(at);
        }
        let line = self.columns.line.get(at);
        self.origin.first_line + line.map_or(at as u64, |&line| line.into())
    }

    /// A record's own bytes, and what they mean; none if they are not kept.
    #[must_use]
    pub fn raw(&self, at: usize) -> Option<(&[u8], Encoding)> {
        let text = self.origin.text.as_ref().filter(|text| text.wording == 0)?;
        let encoding = match &self.places {
            Some(places) => encoding_of(places.encoding.get(at)),
            None => text.encoding,
        }?;
        let columns = &self.columns;
        let (&start, &end) = (columns.start.get(at)?, columns.end.get(at)?);
        // What was sorted keeps no empty text.
        let kept = self.places.is_none() || start < end;
        let bytes = &text.bytes;
        kept.then(|| (&bytes[start as usize..end as usize], encoding))
    }

    /// Number of the wording that a record's text can be told by, its bytes being kept nowhere; or 0.
    #[must_use]
    pub fn wording(&self, at: usize) -> u8 {
        match &self.places {
            Some(places) => narrow(places.wording.get(at)),
            None => self.origin.text.as_ref().map_or(0, |text| text.wording),
        }
    }

    /// Where a record's own bytes stand, if they are not kept but can be read again.
    #[must_use]
    pub fn elsewhere(&self, at: usize) -> Option<Elsewhere> {
        let places = self.places.as_ref()?;
        let length = places.length.get(at);
        Some(Elsewhere {
            source: narrow(places.source.get(at)),
            offset: places.offset.get(at),
            length: usize::try_from(length).ok().filter(|&n| n > 0)?,
            check: narrow(places.check.get(at)),
            encoding: encoding_of(places.encoding.get(at))?,
        })
    }

    /// The records of these places, in this order.
    #[must_use]
    pub fn select(&self, order: &[usize]) -> Block {
        let places = self.places.as_ref().map(|places| {
            Box::new(Places {
                source: places.source.select(order),
                line: places.line.select(order),
                offset: places.offset.select(order),
                encoding: places.encoding.select(order),
                length: places.length.select(order),
                check: places.check.select(order),
                wording: places.wording.select(order),
            })
        });
        Block {
            origin: self.origin.clone(),
            places,
            columns: self.columns.select(order),
        }
    }

    /// Bytes of memory that the text takes.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.origin.text.as_ref().map_or(0, |t| t.bytes.len())
    }

    /// Bytes of memory that the records and their text take, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let text = self.text_bytes();
        let places = self.places.as_ref().map_or(0, |p| p.bytes());
        text + places + self.columns.bytes()
    }
}

/// Offsets of records in their sources, asked for in any order; UTF-16 is counted on from the record
/// asked for before.
#[derive(Default)]
pub struct Offsets {
    at: Option<(*const u8, usize, u64)>,
}

impl Offsets {
    /// The offset of a record; none for one that came as Arrow.
    pub fn of(&mut self, block: &Block, at: usize) -> Option<u64> {
        if let Some(places) = &block.places {
            return Some(places.offset.get(at)).filter(|&offset| offset != NO_OFFSET);
        }
        let origin = &block.origin;
        let text = origin.text.as_ref()?;
        let start = block.columns.start[at] as usize;
        if !text.encoding.is_some_and(Encoding::is_utf16) {
            return Some(origin.offset + start as u64);
        }
        let bytes = text.bytes.as_slice();
        let (from, offset) = match self.at {
            Some((block, from, offset)) if block == bytes.as_ptr() && from <= start => {
                (from, offset)
            }
            _ => (0, origin.offset),
        };
        let offset = offset + utf16_len(&bytes[from..start]);
        self.at = Some((bytes.as_ptr(), start, offset));
        Some(offset)
    }
}

/// Makes room for so many values in a column that is used again and again, for blocks of about one
/// size: some more than asked for, as the next may be a little longer. (A vector by itself would make
/// twice as much, and leave the old behind, for each column that ever meets a longer block.)
pub fn make_room<T>(column: &mut Vec<T>, rows: usize) {
    if column.capacity() < rows {
        column.reserve_exact(rows + rows / 8 - column.len());
    }
}

/// Makes a column so long, with room as by [`make_room`].
pub fn resize<T: Clone>(column: &mut Vec<T>, rows: usize, value: T) {
    make_room(column, rows);
    column.resize(rows, value);
}

fn some<T: Copy>(values: &[T], order: &[usize]) -> Vec<T> {
    if values.is_empty() {
        Vec::new()
    } else {
        order.iter().map(|&i| values[i]).collect()
    }
}

/// A number that was packed from one of this type.
fn narrow<T: TryFrom<u64> + Default>(value: u64) -> T {
    T::try_from(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn times_within_a_range_are_those_before_the_first_outside() {
        for n in [0, 1, 7, 8, 9, 63, 64, 65, 71, 72, 73, 200, 1000] {
            for outside in 0..=n {
                let mut time: Vec<i64> = (100..110).cycle().take(n).collect();
                let ranges = [(100, 110), (i64::MIN, 110), (100, i64::MAX)];
                let late = [110, 99, i64::MAX, i64::MIN][outside % 4];
                if let Some(time) = time.get_mut(outside) {
                    *time = late;
                }
                let columns = Columns {
                    time,
                    ..Columns::default()
                };
                for (from, to) in ranges {
                    let inside = |time: &&i64| (from..to).contains(*time);
                    for start in [0, n / 3, n] {
                        let expected = columns.time[start..].iter().take_while(inside).count();
                        assert_eq!(columns.within(start, from..to), expected, "{n} {outside}");
                    }
                }
            }
        }
    }

    #[test]
    fn lines_are_told_where_every_line_is_a_record() {
        let block = |line: &[u32]| Block {
            origin: Origin {
                first_line: 2,
                ..Origin::default()
            },
            columns: Columns {
                time: vec![5; 4],
                line: line.to_vec(),
                start: vec![0, 3, 6, 9],
                ..Columns::default()
            },
            ..Block::default()
        };
        let lines = |block: &Block| -> Vec<u64> {
            (0..block.columns.len()).map(|at| block.line(at)).collect()
        };
        let (all, some) = (block(&[]), block(&[0, 1, 3, 7]));
        assert_eq!(lines(&all), [2, 3, 4, 5]);
        assert_eq!(lines(&some), [2, 3, 5, 9]);
        // Of a block that is cut in two as well.
        assert_eq!(lines(&all.select(&[1, 3])), [3, 5]);
        assert_eq!(lines(&some.select(&[1, 3])), [3, 9]);
    }

    #[test]
    fn texts_that_agree_in_sixteen_bits_of_their_hash_are_told_apart() {
        let texts = (0..3000).map(|n| format!("2026/04/01 09:00:00,u{n}"));
        let checks: Vec<u32> = texts.map(|text| check(text.as_bytes())).collect();
        let of_sixteen: HashSet<u32> = checks.iter().map(|check| check & 0xFFFF).collect();
        let all: HashSet<u32> = checks.iter().copied().collect();
        assert!(of_sixteen.len() < checks.len());
        assert_eq!(all.len(), checks.len());
    }
}
