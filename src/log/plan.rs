//! How one source reads: encoding, dialect, header, time format. Made once, from its first bytes.

use std::collections::BTreeMap;
use std::io::Read;

use super::encoding::{Encoding, Utf16Reader};
use super::fields::{Row, padded, rows, rows_of};
use super::framer::{Framer, Segment};
use super::head::{Head, decode_head, line_ends};
use super::header::{Mapping, map, map_positions};
use super::scan::Special;
use super::time::{Detection, TimeFormat, TimeReader, Zone, detect as detect_time};
use crate::error::{Error, Result};
use crate::fault::{ColumnFault, InputKind, shown};
use crate::individual::column::{Cells, Natures};
use crate::policy::{ColumnRef, Policy};
use crate::record::Field;

/// Records within which the header must stand.
const HEADER_WITHIN: usize = 50;
/// Records of the head that are looked at.
const SAMPLE_RECORDS: usize = 1000;

/// Bytes of a segment in which its first time is looked for, and records among them.
const PEEK: usize = 4096;
const PEEKED: usize = 4;

const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// What the user said of how logs read; everything else is detected.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// Encoding of every source.
    pub encoding: Option<Encoding>,
    /// Delimiter of every source.
    pub delimiter: Option<u8>,
    /// `[columns]`: column(s) by field.
    pub columns: BTreeMap<Field, Vec<ColumnRef>>,
    /// `[columns] header`.
    pub header: Option<bool>,
    /// `[columns] time_format`.
    pub time_format: Vec<String>,
    /// The zone of local time.
    pub zone: Zone,
}

impl ReadOptions {
    /// What a policy says.
    ///
    /// # Errors
    /// [`Error::Usage`] for an unknown time zone.
    pub fn of(policy: &Policy) -> Result<ReadOptions> {
        let name = policy.columns.timezone.as_deref().unwrap_or("Asia/Tokyo");
        let zone = Zone::named(name).ok_or_else(|| {
            Error::usage(
                "timezone",
                (
                    format!("timezone: {name} is no IANA time zone (such as Asia/Tokyo, UTC)"),
                    format!(
                        "タイムゾーン「{name}」はありません。Asia/Tokyo や UTC のような名前で指定してください"
                    ),
                ),
            )
        })?;
        Ok(ReadOptions {
            encoding: None,
            delimiter: None,
            columns: policy.columns.map.clone(),
            header: policy.columns.header,
            time_format: policy.columns.time_format.clone(),
            zone,
        })
    }
}

/// How a source reads.
#[derive(Clone, Debug)]
pub struct Plan {
    /// None: ASCII as far as seen.
    pub encoding: Option<Encoding>,
    /// Length of the byte order mark.
    pub bom: usize,
    /// The delimiter, and whether quotes are special (they are).
    pub special: Special,
    /// Whether quotes occur in the head.
    pub quoted: bool,
    /// Bytes (of UTF-8, for UTF-16) before the first record, byte order mark not included.
    pub skip: usize,
    /// Lines before the first record.
    pub skip_lines: u64,
    /// Blank lines among them.
    pub skip_blank: u64,
    /// Lines above the header, blank ones not included.
    pub preamble: u64,
    /// Columns by field.
    pub mapping: Mapping,
    /// How times read; none if the head has no record.
    pub time_format: Option<TimeFormat>,
    /// Time of the first record in the head that has one.
    pub first_time: Option<i64>,
    /// Headers that stand more than once.
    pub repeated_headers: Vec<String>,
    /// What its columns hold, as far as the head tells.
    pub natures: Natures,
}

struct Candidate {
    delimiter: u8,
    encoding: Encoding,
    /// Row of the header; none where there is no header.
    header: Option<usize>,
    mapping: Mapping,
}

impl Plan {
    /// The plan of a source.
    ///
    /// # Errors
    /// [`Error::Input`] if it is empty, binary or its times do not read, [`Error::Columns`] if
    /// no time or user column is found.
    pub fn of(name: &str, head: &Head, options: &ReadOptions) -> Result<Plan> {
        let (encoding, bom, text) = decode_head(name, head, options.encoding)?;
        let decode = encoding.unwrap_or(Encoding::Utf8);
        let delimiters = options.delimiter.map_or(DELIMITERS.to_vec(), |d| vec![d]);
        let padded = padded(&text);
        let rows = |d: u8, most| rows_of(&padded, special(d, encoding), head.whole, most);
        // (The header tells the delimiter, or the first row.)
        let candidates: Vec<(u8, Vec<Row<'_>>)> = delimiters
            .into_iter()
            .map(|d| (d, rows(d, HEADER_WITHIN)))
            .collect();
        if candidates.iter().all(|c| c.1.is_empty()) {
            return Err(Error::input_of(
                name,
                InputKind::Empty,
                (
                    "the file is empty: it has no header and no record",
                    "見出しも記録もありません。中身のあるファイルなら、--encoding の指定が違うかもしれません。外すと自動で見分けます",
                ),
            ));
        }
        let best = candidates
            .iter()
            .filter_map(|(d, rows)| candidate(*d, rows, decode, options))
            .max_by_key(|c| (c.mapping.mapped(), c.delimiter == b','));
        let Some(found) = best else {
            return Err(no_columns(name, &candidates, decode, options));
        };
        let special = special(found.delimiter, encoding);
        let rows = rows(found.delimiter, SAMPLE_RECORDS);
        let data = found.header.map_or(0, |h| h + 1);
        let skip = found.header.map_or(0, |h| rows[h].next);
        let lines = line_ends(&text[..skip]);
        let above = found
            .header
            .map_or((0, 0), |h| line_ends(&text[..rows[h].start]));
        let time_format = time_format(name, &found, &rows[data..], options)?;
        let first_time = time_format
            .as_ref()
            .and_then(|f| first_time(f, &found, &rows[data..], options));
        let mut repeated_headers: Vec<String> = found.mapping.headers.clone();
        repeated_headers.sort();
        repeated_headers = repeated_headers
            .windows(2)
            .filter(|w| w[0] == w[1] && !w[0].is_empty())
            .map(|w| w[0].clone())
            .collect();
        repeated_headers.dedup();
        let natures = natures(&found, &rows[data..], special);
        Ok(Plan {
            encoding,
            bom,
            special,
            quoted: memchr::memchr(b'"', &text).is_some(),
            skip,
            skip_lines: lines.0,
            skip_blank: lines.1,
            preamble: above.0 - above.1,
            mapping: found.mapping,
            time_format,
            first_time,
            repeated_headers,
            natures,
        })
    }

    /// The time of the first record of a segment that has one; none if none is found soon.
    #[must_use]
    pub fn time_in(&self, segment: &Segment, zone: &Zone) -> Option<i64> {
        let mut reader = TimeReader::new(self.time_format.clone()?, zone.clone());
        reader.set_encoding(segment.encoding);
        let special = special(self.special.delimiter, Some(segment.encoding));
        // Most records are short, and the first is one; the longest may take all of the segment.
        let lengths = [PEEK, segment.len];
        lengths.iter().find_map(|&most| {
            let len = most.min(segment.len);
            let rows = rows(&segment.text[..len], special, len == segment.len, PEEKED);
            time_cells(&self.mapping, &rows).find_map(|cells| read(&mut reader, cells))
        })
    }

    /// A framer of the source's records; `input` stands at the source's first byte.
    ///
    /// # Errors
    /// What the input says; that it ends before the records that the plan saw.
    pub fn framer(
        &self,
        mut input: Box<dyn Read + Send>,
        chunk: usize,
    ) -> std::io::Result<Framer<Box<dyn Read + Send>>> {
        skip(&mut input, self.bom)?;
        let utf16 = self.encoding.filter(|e| e.is_utf16());
        let mut text: Box<dyn Read + Send> = match utf16 {
            Some(e) => Box::new(Utf16Reader::new(input, e)),
            None => input,
        };
        let head = skip(&mut text, self.skip)?;
        let skipped = if utf16.is_some() {
            super::encoding::utf16_len(&head)
        } else {
            head.len() as u64
        };
        Ok(Framer::new(
            text,
            self.special,
            self.encoding,
            self.bom as u64 + skipped,
            chunk,
        ))
    }
}

fn skip(input: &mut impl Read, bytes: usize) -> std::io::Result<Vec<u8>> {
    let mut gone = vec![0; bytes];
    input.read_exact(&mut gone)?;
    Ok(gone)
}

/// The special bytes of a dialect.
fn special(delimiter: u8, encoding: Option<Encoding>) -> Special {
    Special {
        delimiter,
        quotes: true,
        cp932_trail: delimiter >= 0x40 && encoding == Some(Encoding::Cp932),
    }
}

/// The header (or the lack of one) under a delimiter; none if the required columns are not found.
fn candidate(
    delimiter: u8,
    rows: &[Row<'_>],
    encoding: Encoding,
    options: &ReadOptions,
) -> Option<Candidate> {
    let made = |header, mapping| Candidate {
        delimiter,
        encoding,
        header,
        mapping,
    };
    let wishes = &options.columns;
    let positions_only = !wishes.is_empty()
        && wishes
            .values()
            .flatten()
            .all(|w| matches!(w, ColumnRef::Position(_)))
        && [Field::Time, Field::User]
            .iter()
            .all(|f| wishes.contains_key(f));
    if positions_only && options.header != Some(true) {
        let first = rows.first()?;
        let mapping = map_positions(wishes, first.values.len());
        if !mapping.has_required() {
            return None;
        }
        let made_of = made(None, mapping);
        if options.header == Some(false)
            || time_format("", &made_of, &rows[..1], options).is_ok_and(|f| f.is_some())
        {
            return Some(made_of);
        }
    }
    if options.header == Some(false) {
        return None;
    }
    // (In one column there are not both that are required, unless it is said to be both.)
    let wide = |row: &&Row<'_>| row.values.len() > 1 || !wishes.is_empty();
    let rows = rows.iter().enumerate();
    rows.filter(|(_, row)| wide(row)).find_map(|(i, row)| {
        let headers: Vec<String> = row
            .values
            .iter()
            .map(|v| encoding.decode(v).0.into_owned())
            .collect();
        let (mapping, missing) = map(&headers, wishes);
        if mapping.has_required() && missing.is_empty() {
            Some(made(Some(i), mapping))
        } else {
            None
        }
    })
}

/// What the columns hold, by the rows of the head.
fn natures(found: &Candidate, rows: &[Row<'_>], special: Special) -> Natures {
    let mut cells: Vec<Cells> = Vec::new();
    cells.resize_with(found.mapping.width, Cells::default);
    let width = cells.len();
    for row in rows.iter().filter(|r| r.values.len() == width) {
        for (cells, value) in cells.iter_mut().zip(&row.values) {
            cells.add(&found.encoding.decode(value).0);
        }
    }
    Natures::of(&found.mapping, Some(special), &cells)
}

/// How times read: as given, or as the rows tell; none without rows.
fn time_format(
    name: &str,
    found: &Candidate,
    rows: &[Row<'_>],
    options: &ReadOptions,
) -> Result<Option<TimeFormat>> {
    if !options.time_format.is_empty() {
        return Ok(Some(TimeFormat::Explicit(options.time_format.clone())));
    }
    let cells = time_cells(&found.mapping, rows);
    if cells.clone().next().is_none() {
        return Ok(None);
    }
    let header = found.mapping.describe(Field::Time).unwrap_or_default();
    match detect_time(cells.clone(), &options.zone, found.encoding) {
        Detection::Format(format) => Ok(Some(format)),
        Detection::DayOrMonth => {
            let examples = examples(cells, found.encoding);
            let words = (
                format!(
                    "the times of column {header} ({examples}) could be day/month or month/day: give the time format, such as %d/%m/%Y %H:%M:%S"
                ),
                format!(
                    "日時の列「{header}」の値（{examples}）は、日/月とも月/日とも読めます。--time-format で書式を指定してください（日/月なら \"%d/%m/%Y %H:%M:%S\"、月/日なら \"%m/%d/%Y %H:%M:%S\"）"
                ),
            );
            Err(Error::input_of(name, InputKind::Times, words))
        }
        Detection::Unknown => {
            let examples = examples(cells, found.encoding);
            let words = (
                format!(
                    "the values of the time column {header} ({examples}) do not read as times: give the time format (strftime, such as %Y/%m/%d %H:%M:%S) or another column for time"
                ),
                format!(
                    "日時の列「{header}」の値（{examples}）を日時として読めません。日時が別の列なら --column time=見出し で、書き方が違うなら --time-format \"%Y/%m/%d %H:%M:%S\" のように書式で指定してください"
                ),
            );
            Err(Error::input_of(name, InputKind::Times, words))
        }
    }
}

fn time_cells<'a>(
    mapping: &Mapping,
    rows: &'a [Row<'_>],
) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + Clone {
    let time = mapping.column(Field::Time).unwrap_or(0);
    let second = mapping.time_of_day;
    let width = mapping.width;
    rows.iter()
        .filter(move |r| r.values.len() == width && !r.values[time].trim_ascii().is_empty())
        .map(move |r| {
            (
                r.values[time].as_ref(),
                second.map(|s| r.values[s].as_ref()),
            )
        })
}

fn examples<'a>(
    cells: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    encoding: Encoding,
) -> String {
    cells
        .take(3)
        .map(|(a, b)| {
            [Some(a), b]
                .into_iter()
                .flatten()
                .map(|c| shown(&encoding.decode(c).0))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn first_time(
    format: &TimeFormat,
    found: &Candidate,
    rows: &[Row<'_>],
    options: &ReadOptions,
) -> Option<i64> {
    let mut reader = TimeReader::new(format.clone(), options.zone.clone());
    reader.set_encoding(found.encoding);
    time_cells(&found.mapping, rows).find_map(|cells| read(&mut reader, cells))
}

fn read(reader: &mut TimeReader, (date, time): (&[u8], Option<&[u8]>)) -> Option<i64> {
    match time {
        Some(time) => reader.read_pair(date, time),
        None => reader.read(date),
    }
}

/// The error that says which headers were seen and how to map them.
fn no_columns(
    name: &str,
    candidates: &[(u8, Vec<Row<'_>>)],
    encoding: Encoding,
    options: &ReadOptions,
) -> Error {
    // The first of the widest rows.
    let mut rows: Vec<&Row<'_>> = candidates.iter().flat_map(|(_, rows)| rows).collect();
    rows.reverse();
    let widest = rows
        .into_iter()
        .max_by_key(|r| r.values.len())
        .map(|r| {
            r.values
                .iter()
                .map(|v| shown(&encoding.decode(v).0))
                .collect::<Vec<_>>()
        })
        .unwrap_or_default();
    if options.header == Some(false) {
        return Error::columns(name, ColumnFault::Positions { cells: widest });
    }
    let (mapping, missing) = map(&widest, &options.columns);
    let headers = widest;
    if let Some((field, column)) = missing.into_iter().next() {
        let fault = ColumnFault::Unknown {
            field,
            column,
            headers,
        };
        return Error::columns(name, fault);
    }
    let fields = [Field::Time, Field::User];
    let fields = fields.into_iter();
    let fields = fields.filter(|&f| mapping.column(f).is_none()).collect();
    Error::columns(name, ColumnFault::Missing { fields, headers })
}
