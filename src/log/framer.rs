//! Cuts a stream of bytes into segments of whole records.
//!
//! The one sequential stage of reading: every segment begins at a record boundary, outside quotes,
//! and ends behind a line end, so segments can be parsed in parallel and nothing has to be guessed.
//! Where the records lie does not depend on how much is read at a time. A record that never ends (a
//! quote left open, a line without end) costs the line it begins on, not what follows it.

use std::io::{self, Read};

use super::encoding::{Encoding, SAMPLE, detect, utf16_len};
use super::scan::{self, Isa, PAD, Sink, Special, State};

/// The longest record, in bytes; of a longer one the first line is rejected.
pub const MAX_RECORD: usize = 1 << 20;

/// Bytes of a rejected line that are kept for its excerpt.
const EXCERPT: usize = 1024;

/// A stretch of whole records.
#[derive(Debug)]
pub struct Segment {
    /// The bytes, then [`PAD`] zeros.
    pub text: Vec<u8>,
    /// The number of bytes before the zeros.
    pub len: usize,
    /// Offset of the first byte in the decompressed source.
    pub offset: u64,
    /// Whether any byte is a quote.
    pub quotes: bool,
    /// What the bytes mean.
    pub encoding: Encoding,
}

/// What the framer hands on.
#[derive(Debug)]
pub enum Frame {
    /// Records.
    Records(Segment),
    /// A line that is no part of any record.
    Reject {
        /// `quote` or `too_long`.
        reason: &'static str,
        /// Its first bytes.
        excerpt: Vec<u8>,
        /// Offset of its first byte.
        offset: u64,
        /// What its bytes mean.
        encoding: Encoding,
    },
}

/// Cuts one source. Memory: a chunk, or the longest record if that is longer.
pub struct Framer<R> {
    input: R,
    delimiter: u8,
    quotes: bool,
    chunk: usize,
    encoding: Option<Encoding>,
    carry: Vec<u8>,
    offset: u64,
    ended: bool,
    /// Why reading ended early; told when everything before it was handed on.
    failed: Option<io::Error>,
    ascii_before: usize,
}

/// Where the records of a buffer end.
#[derive(Default)]
struct Ends {
    /// End of the line end of the last record, and of its first byte.
    last: Option<u32>,
    start: u32,
    inner: bool,
    too_long: bool,
}

impl Sink for Ends {
    #[inline(always)]
    fn block<I: Isa>(&mut self, _isa: I, base: u32, _seps: u64, ends: u64, inner: u64) {
        if self.too_long {
            return;
        }
        if inner == 0 && !self.inner {
            if ends != 0 {
                self.last = Some(base + 63 - ends.leading_zeros());
                self.start = base + 64 - ends.leading_zeros();
            }
            return;
        }
        let mut both = ends | inner;
        while both != 0 {
            let i = both.trailing_zeros();
            both &= both - 1;
            let at = base + i;
            if inner >> i & 1 == 1 {
                self.inner = true;
            } else if self.inner && (at - self.start) as usize > MAX_RECORD {
                self.too_long = true;
                return;
            } else {
                self.last = Some(at);
                self.start = at + 1;
                self.inner = false;
            }
        }
    }
}

impl<R: Read> Framer<R> {
    /// A framer of `input`, whose first byte is a record boundary at `offset`. Without an encoding,
    /// the first bytes that are not ASCII tell it.
    pub fn new(
        input: R,
        special: Special,
        encoding: Option<Encoding>,
        offset: u64,
        chunk: usize,
    ) -> Self {
        Framer {
            input,
            delimiter: special.delimiter,
            quotes: special.quotes,
            chunk: chunk.max(1),
            encoding,
            carry: Vec::new(),
            offset,
            ended: false,
            failed: None,
            ascii_before: 0,
        }
    }

    /// The encoding, once known.
    #[must_use]
    pub fn encoding(&self) -> Option<Encoding> {
        self.encoding
    }

    /// The next frame, none at the end. `spare` is a buffer to use again.
    ///
    /// # Errors
    /// What the input says, behind the whole records that it gave before.
    pub fn next(&mut self, mut spare: Vec<u8>) -> io::Result<Option<Frame>> {
        spare.clear();
        std::mem::swap(&mut spare, &mut self.carry);
        let mut text = spare;
        self.ascii_before = 0;
        self.fill(&mut text, self.chunk);
        loop {
            if text.is_empty() {
                return self.failed.take().map_or(Ok(None), Err);
            }
            let quotes = self.quotes && memchr::memchr(b'"', &text).is_some();
            let encoding = self.encoding.unwrap_or(Encoding::Utf8);
            match self.boundary(&mut text, quotes) {
                Cut::Records(end) => {
                    return Ok(Some(Frame::Records(
                        self.segment(text, end, quotes, encoding),
                    )));
                }
                Cut::Reject(reason) => return Ok(Some(self.reject(text, reason, encoding))),
                Cut::More => {
                    let more = self.chunk.max(text.len());
                    self.fill(&mut text, more);
                }
            }
        }
    }

    fn segment(
        &mut self,
        mut text: Vec<u8>,
        end: usize,
        quotes: bool,
        encoding: Encoding,
    ) -> Segment {
        self.carry.clear();
        self.carry.extend_from_slice(&text[end..]);
        text.truncate(end);
        let offset = self.offset;
        self.advance(&text);
        text.resize(end + PAD, 0);
        Segment {
            text,
            len: end,
            offset,
            quotes,
            encoding,
        }
    }

    fn advance(&mut self, bytes: &[u8]) {
        let utf16 = self.encoding.is_some_and(Encoding::is_utf16);
        self.offset += if utf16 {
            utf16_len(bytes)
        } else {
            bytes.len() as u64
        };
    }

    /// Where to cut `text`.
    fn boundary(&self, text: &mut Vec<u8>, quotes: bool) -> Cut {
        let len = text.len();
        // A CR as the last byte read may be the first half of a CRLF.
        let known = if !self.ended && text.last() == Some(&b'\r') {
            len - 1
        } else {
            len
        };
        if !quotes {
            return match memchr::memrchr2(b'\n', b'\r', &text[..known]) {
                _ if self.ended && self.failed.is_none() => Cut::Records(len),
                Some(at) => Cut::Records(at + 1),
                // A record that the source was cut off in is none, whatever its columns look like.
                None if self.ended => Cut::Reject("cut"),
                None if known > MAX_RECORD => Cut::Reject("too_long"),
                None => Cut::More,
            };
        }
        text.resize(len + PAD, 0);
        let mut ends = Ends::default();
        let special = Special {
            delimiter: self.delimiter,
            quotes: true,
            cp932_trail: self.encoding == Some(Encoding::Cp932) && self.delimiter >= 0x40,
        };
        // The bytes behind `known` must not be scanned as text: they are not padding either.
        let state = if known == len {
            scan::scan(text, len, special, &mut ends)
        } else {
            let held = text[known];
            text[known] = 0;
            let state = scan::scan(text, known, special, &mut ends);
            text[known] = held;
            state
        };
        text.truncate(len);
        let whole = ends.last.map(|at| {
            let at = at as usize + 1;
            if text[at - 1] == b'\r' && text.get(at) == Some(&b'\n') {
                at + 1
            } else {
                at
            }
        });
        match whole {
            _ if self.ended
                && self.failed.is_none()
                && state != State::Quoted
                && !ends.too_long =>
            {
                Cut::Records(len)
            }
            Some(end) => Cut::Records(end),
            None if ends.too_long || known > MAX_RECORD => Cut::Reject("too_long"),
            None if self.failed.is_some() => Cut::Reject("cut"),
            None if self.ended => Cut::Reject("quote"),
            None => Cut::More,
        }
    }

    /// Gives up the first line of `text`; what follows is read as records again.
    fn reject(&mut self, mut text: Vec<u8>, reason: &'static str, encoding: Encoding) -> Frame {
        let offset = self.offset;
        let excerpt = text[..text.len().min(EXCERPT)].to_vec();
        let excerpt = match memchr::memchr2(b'\n', b'\r', &excerpt) {
            Some(at) => excerpt[..at].to_vec(),
            None => excerpt,
        };
        loop {
            let line = memchr::memchr2(b'\n', b'\r', &text);
            let undecided = line.is_some_and(|at| at + 1 == text.len() && text[at] == b'\r');
            match line {
                Some(at) if self.ended || !undecided => {
                    let crlf = text[at] == b'\r' && text.get(at + 1) == Some(&b'\n');
                    let next = at + 1 + usize::from(crlf);
                    self.advance(&text[..next]);
                    self.carry.clear();
                    self.carry.extend_from_slice(&text[next..]);
                    break;
                }
                None if self.ended => {
                    self.advance(&text);
                    self.carry.clear();
                    break;
                }
                None => {
                    self.advance(&text);
                    text.clear();
                    self.ascii_before = 0;
                }
                Some(_) => {}
            }
            self.fill(&mut text, self.chunk);
        }
        Frame::Reject {
            reason,
            excerpt,
            offset,
            encoding,
        }
    }

    /// Reads about `more` bytes behind `text`; tells the encoding when the first byte that is not
    /// ASCII comes by.
    fn fill(&mut self, text: &mut Vec<u8>, more: usize) {
        self.read(text, more);
        if self.encoding.is_some() {
            return;
        }
        let from = self.ascii_before.min(text.len());
        match text[from..].iter().position(|b| !b.is_ascii()) {
            None => self.ascii_before = text.len(),
            Some(at) => {
                let sample_end = from + at + SAMPLE;
                while text.len() < sample_end && !self.ended {
                    self.read(text, sample_end - text.len());
                }
                self.encoding = Some(detect(&text[from + at..sample_end.min(text.len())]));
            }
        }
    }

    fn read(&mut self, text: &mut Vec<u8>, more: usize) {
        if self.ended {
            return;
        }
        let old = text.len();
        text.reserve(more + PAD);
        match (&mut self.input).take(more as u64).read_to_end(text) {
            Ok(got) => {
                self.ended = got < more;
                debug_assert_eq!(old + got, text.len());
            }
            // What came before the error stands in `text`.
            Err(error) => {
                self.ended = true;
                self.failed = Some(error);
            }
        }
    }
}

enum Cut {
    Records(usize),
    Reject(&'static str),
    More,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(text: &[u8], chunk: usize) -> Vec<(u64, String)> {
        let special = Special {
            delimiter: b',',
            quotes: true,
            cp932_trail: false,
        };
        let mut framer = Framer::new(text, special, Some(Encoding::Utf8), 0, chunk);
        let mut out: Vec<(u64, String)> = Vec::new();
        while let Some(frame) = framer.next(Vec::new()).unwrap() {
            match frame {
                Frame::Records(s) => {
                    assert!(s.text[s.len..].iter().all(|&b| b == 0) && s.text.len() >= s.len + PAD);
                    let special = Special {
                        quotes: s.quotes,
                        ..special
                    };
                    let mut index = scan::Index::default();
                    let state = scan::index(&s.text, s.len, special, &mut index);
                    assert_ne!(state, State::Quoted);
                    for row in crate::log::fields::rows(&s.text[..s.len], special, true, usize::MAX)
                    {
                        let values: Vec<_> = row
                            .values
                            .iter()
                            .map(|v| String::from_utf8_lossy(v))
                            .collect();
                        out.push((s.offset + row.start as u64, values.join("|")));
                    }
                }
                Frame::Reject {
                    reason,
                    excerpt,
                    offset,
                    ..
                } => {
                    out.push((
                        offset,
                        format!(
                            "!{reason} {}",
                            String::from_utf8_lossy(&excerpt[..excerpt.len().min(9)])
                        ),
                    ));
                }
            }
        }
        out
    }

    #[test]
    fn records_lie_where_they_lie_at_any_chunk_size() {
        let texts = [
            "a,b\nc,d\n",
            "a,b\r\nc,d\r\n",
            "a,b\rc,d\r",
            "a,b\r\n\r\n\"x\r\ny\",\"z\"\"\"\nlast,one",
            "\"open,b\nc,d\ne,f",
            "a,\"b\nc,d\n\"e\",f\ng\"h,i\n",
            "\r\r\n\n\r",
            "\"",
            "\"\n\"",
            "a,\"b\r",
            "",
        ];
        for text in texts {
            let expected = frames(text.as_bytes(), 1 << 20);
            for chunk in 1..=text.len() + 1 {
                assert_eq!(
                    frames(text.as_bytes(), chunk),
                    expected,
                    "{text:?} by {chunk}"
                );
            }
        }
    }

    #[test]
    fn an_open_quote_costs_its_line_only() {
        let text = b"a,b\nc,\"d\ne,f\n";
        assert_eq!(
            frames(text, 3),
            [
                (0, "a|b".into()),
                (4, "!quote c,\"d".into()),
                (9, "e|f".into())
            ]
        );
    }

    #[test]
    fn a_record_without_end_costs_its_line_only() {
        let long = "x".repeat(MAX_RECORD);
        for text in [
            format!("a,b\nc,\"{long}\nd,e\n{long}\"\nf,g\n"),
            format!("a,b\nc,\"{long}yz\nf,g\n"),
        ] {
            for chunk in [700, 1 << 18, 1 << 22] {
                let found = frames(text.as_bytes(), chunk);
                assert_eq!(found[0], (0, "a|b".into()), "{chunk}");
                assert!(
                    found[1].1.starts_with("!too_long c,\"xxx"),
                    "{chunk} {:?}",
                    &found[1].1[..20]
                );
                assert!(found.last().unwrap().1.starts_with("f|g"));
            }
        }
    }

    #[test]
    fn the_encoding_is_told_by_the_first_bytes_that_are_not_ascii() {
        let text = [
            b"a,b\n".repeat(50),
            encoding_rs::SHIFT_JIS
                .encode("日時,職員名\n")
                .0
                .into_owned(),
        ]
        .concat();
        for chunk in [1, 5, 64, 4096] {
            let special = Special {
                delimiter: b',',
                quotes: true,
                cp932_trail: false,
            };
            let mut framer = Framer::new(&text[..], special, None, 0, chunk);
            while framer.next(Vec::new()).unwrap().is_some() {}
            assert_eq!(framer.encoding(), Some(Encoding::Cp932), "{chunk}");
        }
    }
}
