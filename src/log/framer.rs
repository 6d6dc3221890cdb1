//! Cuts a stream of bytes into segments of whole records.
//!
//! The one sequential stage of reading: every segment begins at a record boundary, outside quotes,
//! and ends behind a line end, so segments can be parsed in parallel and nothing has to be guessed.
//! Where the records lie does not depend on how much is read at a time. A record that never ends (a
//! quote left open, a line without end) costs the line it begins on, not what follows it, and time in
//! proportion to that line, however many such lines there are.
//!
//! Why a line is given up: `too_long`, the line itself is longer than [`MAX_RECORD`]; `quote`, it
//! leaves a quote open, and its record does not end within [`MAX_RECORD`] or in the source at all;
//! `cut`, the source was cut off within the record.

use std::io::{self, Read};

use super::encoding::{Encoding, SAMPLE, detect, utf16_len};
use super::scan::{self, Isa, PAD, Sink, Special, State};

/// The longest record, in bytes; of a longer one the first line is rejected.
pub const MAX_RECORD: usize = 1 << 20;

/// Bytes that are read at a time, at most, as long as the source may be short.
const READ: usize = 1 << 16;

/// A stretch of whole records.
#[derive(Debug)]
pub struct Segment {
    /// The bytes, then [`PAD`] zeros, then anything.
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
        /// `quote`, `too_long` or `cut`.
        reason: &'static str,
        /// Its bytes, of a line that is too long the first [`MAX_RECORD`].
        line: Vec<u8>,
        /// Offset of its first byte.
        offset: u64,
        /// What its bytes mean.
        encoding: Encoding,
    },
}

/// Cuts one source. Memory: a chunk, or twice the longest record if that is more.
pub struct Framer<R> {
    input: R,
    delimiter: u8,
    quotes: bool,
    chunk: usize,
    /// [`MAX_RECORD`], but for tests.
    longest: usize,
    encoding: Option<Encoding>,
    /// What was read and not handed on: `from..to`. The bytes behind are of no meaning; they are there
    /// so that buffers are made once, not for every segment.
    held: Vec<u8>,
    from: usize,
    to: usize,
    /// Offset in the source of the first byte that was not handed on.
    offset: u64,
    /// Its place among the bytes that were read (of UTF-16, they are other bytes).
    place: u64,
    open: Option<Open>,
    ended: bool,
    /// Why reading ended early; told when everything before it was handed on.
    failed: Option<io::Error>,
}

/// What is known behind a line on which a quote was left open: the record that began there is inside
/// quotes at every line end from that line's own to the place `to`. So is, from its own first line end
/// on, every record that begins there and leaves a quote open on its first line: it is in the same
/// state at the same place. Where it ends is then known without looking.
struct Open {
    to: u64,
    /// Whether the record ends at `to`; otherwise it is open as far as was read.
    ends: bool,
}

/// Where the records of a buffer end.
struct Ends<'a> {
    text: &'a [u8],
    /// The line end of the last record, and the byte behind its first byte.
    last: Option<u32>,
    behind: u32,
    inner: bool,
    /// The line end of a record that is longer than `longest`.
    too_long: Option<u32>,
    longest: usize,
}

impl Ends<'_> {
    /// Whether the record that is open is longer than it may be if it ends at `end`.
    fn is_too_long(&self, end: usize) -> bool {
        let behind = self.behind as usize;
        // The LF of a CRLF.
        let start =
            behind + usize::from(behind > 0 && self.text[behind - 1..].starts_with(b"\r\n"));
        self.inner && end.saturating_sub(start) > self.longest
    }
}

impl Sink for Ends<'_> {
    #[inline(always)]
    fn block<I: Isa>(&mut self, _isa: I, base: u32, _seps: u64, ends: u64, inner: u64) {
        if self.too_long.is_some() {
            return;
        }
        if inner == 0 && !self.inner {
            if ends != 0 {
                self.last = Some(base + 63 - ends.leading_zeros());
                self.behind = base + 64 - ends.leading_zeros();
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
            } else if self.is_too_long(at as usize) {
                self.too_long = Some(at);
                return;
            } else {
                self.last = Some(at);
                self.behind = at + 1;
                self.inner = false;
            }
        }
    }
}

/// Only the state at the end is wanted.
struct Nothing;

impl Sink for Nothing {
    #[inline(always)]
    fn block<I: Isa>(&mut self, _isa: I, _base: u32, _seps: u64, _ends: u64, _inner: u64) {}
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
            longest: MAX_RECORD,
            encoding,
            held: Vec::new(),
            from: 0,
            to: 0,
            offset,
            place: 0,
            open: None,
            ended: false,
            failed: None,
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
    pub fn next(&mut self, spare: Vec<u8>) -> io::Result<Option<Frame>> {
        // What was handed on goes when it is half of the buffer: no byte is moved more than once
        // for each that went.
        if self.from * 2 >= self.to {
            self.move_down();
        }
        // Between rejected lines there is enough to go on with.
        if self.from == 0 && self.open.is_none() || self.rest().len() < self.chunk {
            self.fill(self.chunk);
        }
        loop {
            if self.rest().is_empty() {
                return self.failed.take().map_or(Ok(None), Err);
            }
            match self.boundary() {
                Cut::Records(end, quotes) => {
                    let segment = self.segment(spare, end, quotes);
                    return Ok(Some(Frame::Records(segment)));
                }
                Cut::Reject(reason) => return Ok(Some(self.reject(reason))),
                Cut::More(least) => {
                    let more = self.chunk.max(self.rest().len()).max(least);
                    self.fill(more);
                }
            }
        }
    }

    fn rest(&self) -> &[u8] {
        &self.held[self.from..self.to]
    }

    /// Moves what is held to the beginning of the buffer.
    fn move_down(&mut self) {
        self.held.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.from = 0;
    }

    /// Hands on the next `end` bytes: the buffer itself where they are most of it, else a copy.
    fn segment(&mut self, mut spare: Vec<u8>, end: usize, quotes: bool) -> Segment {
        let encoding = self.encoding.unwrap_or(Encoding::Utf8);
        let offset = self.offset;
        self.pass(end);
        let most = end * 2 >= self.to.max(self.held.len() - PAD);
        let mut text = if self.from == 0 && most {
            let left = self.to - end;
            make_room(&mut spare, left);
            spare[..left].copy_from_slice(&self.held[end..self.to]);
            self.to = left;
            std::mem::replace(&mut self.held, spare)
        } else {
            if spare.len() > 2 * (end + PAD) {
                spare = Vec::new();
            }
            make_room(&mut spare, end + PAD);
            spare[..end].copy_from_slice(&self.held[self.from..self.from + end]);
            self.from += end;
            spare
        };
        make_room(&mut text, end + PAD);
        text[end..end + PAD].fill(0);
        Segment {
            text,
            len: end,
            offset,
            quotes,
            encoding,
        }
    }

    /// Counts the next bytes as handed on.
    fn pass(&mut self, bytes: usize) {
        let utf16 = self.encoding.is_some_and(Encoding::is_utf16);
        self.offset += if utf16 {
            utf16_len(&self.rest()[..bytes])
        } else {
            bytes as u64
        };
        self.place += bytes as u64;
    }

    /// Where to cut what is held.
    fn boundary(&mut self) -> Cut {
        if let Some(open) = self.open.take() {
            match self.by_line(&open) {
                Some(cut) => {
                    self.open = Some(open);
                    return cut;
                }
                None => self.open = None,
            }
        }
        let text = self.rest();
        let len = text.len();
        // A CR as the last byte read may be the first half of a CRLF.
        let known = if !self.ended && text.last() == Some(&b'\r') {
            len - 1
        } else {
            len
        };
        if !(self.quotes && memchr::memchr(b'"', text).is_some()) {
            return match memchr::memrchr2(b'\n', b'\r', &text[..known]) {
                _ if self.ended && self.failed.is_none() => Cut::Records(len, false),
                Some(at) => Cut::Records(at + 1, false),
                None if known > self.longest || self.ended => Cut::Reject(self.reason(known)),
                None => Cut::More(0),
            };
        }
        let (last, too_long, state) = self.scan(known);
        let whole = last.map(|at| self.behind_line_end(at));
        match whole {
            _ if self.ended
                && self.failed.is_none()
                && state != State::Quoted
                && too_long.is_none() =>
            {
                Cut::Records(len, true)
            }
            Some(end) => Cut::Records(end, true),
            None if too_long.is_some() || known > self.longest || self.ended => {
                // Of what follows, as much is looked at once as is given up for it.
                if !self.ended && too_long.is_none() && known < 2 * self.longest {
                    return Cut::More(2 * self.longest - known);
                }
                self.open = Some(Open {
                    to: self.place + too_long.unwrap_or(known) as u64,
                    ends: too_long.is_some(),
                });
                Cut::Reject(self.reason(known))
            }
            None => Cut::More(0),
        }
    }

    /// Scans the first `known` bytes of the rest: the line end of the last whole record before one
    /// that is too long, the end of that one, the state at the end.
    fn scan(&mut self, known: usize) -> (Option<usize>, Option<usize>, State) {
        let special = self.special();
        let at_end = self.ended && self.failed.is_none();
        make_room(&mut self.held, self.to + PAD);
        self.held[self.to..self.to + PAD].fill(0);
        let text = &mut self.held[self.from..self.to + PAD];
        // The byte behind `known`, if there is one, must not be scanned as text: it is no padding.
        let held = std::mem::replace(&mut text[known], 0);
        let mut ends = Ends {
            text,
            last: None,
            behind: 0,
            inner: false,
            too_long: None,
            longest: self.longest,
        };
        let state = scan::scan(text, known, special, &mut ends);
        let mut too_long = ends.too_long.map(|at| at as usize);
        // The last record may end with the source.
        if too_long.is_none() && at_end && state != State::Quoted && ends.is_too_long(known) {
            too_long = Some(known);
        }
        let last = ends.last.map(|at| at as usize);
        self.held[self.from + known] = held;
        (last, too_long, state)
    }

    fn special(&self) -> Special {
        Special {
            delimiter: self.delimiter,
            quotes: true,
            cp932_trail: self.encoding == Some(Encoding::Cp932) && self.delimiter >= 0x40,
        }
    }

    /// The place behind the line end at `at`.
    fn behind_line_end(&self, at: usize) -> usize {
        let text = self.rest();
        at + 1 + usize::from(text[at] == b'\r' && text.get(at + 1) == Some(&b'\n'))
    }

    /// Where to cut, line by line, as long as `open` tells about records that leave a quote open.
    fn by_line(&self, open: &Open) -> Option<Cut> {
        let text = self.rest();
        let special = self.special();
        let mut line = Vec::new();
        let mut at = 0;
        let (end, leaves_open) = loop {
            let end = at + memchr::memchr2(b'\n', b'\r', &text[at..]).unwrap_or(text.len() - at);
            let undecided = end + 1 == text.len() && text[end] == b'\r' && !self.ended;
            if end == text.len() || undecided || self.place + end as u64 >= open.to {
                break (end, false);
            }
            let bytes = &text[at..end];
            if memchr::memchr(b'"', bytes).is_some() {
                line.clear();
                line.extend_from_slice(bytes);
                line.resize(bytes.len() + PAD, 0);
                if scan::scan(&line, bytes.len(), special, &mut Nothing) == State::Quoted {
                    break (end, true);
                }
            }
            at = self.behind_line_end(end);
        };
        if at > 0 {
            return Some(Cut::Records(at, true));
        }
        let left = usize::try_from(open.to.saturating_sub(self.place)).unwrap_or(usize::MAX);
        let given_up = left > self.longest || (self.ended && !open.ends && left == text.len());
        // Otherwise the next look, at the whole record, tells.
        (leaves_open && end <= self.longest && given_up).then(|| Cut::Reject(self.reason(left)))
    }

    /// Why the record that begins here is given up, of which `known` bytes are known.
    fn reason(&self, known: usize) -> &'static str {
        let line = &self.rest()[..self.rest().len().min(self.longest + 1)];
        if line.len() > self.longest && memchr::memchr2(b'\n', b'\r', line).is_none() {
            "too_long"
        } else if self.failed.is_some() && known <= self.longest {
            // A record that the source was cut off in is none, whatever its columns look like.
            "cut"
        } else {
            "quote"
        }
    }

    /// Gives up the first line of what is held; what follows is read as records again.
    fn reject(&mut self, reason: &'static str) -> Frame {
        let offset = self.offset;
        let encoding = self.encoding.unwrap_or(Encoding::Utf8);
        let kept = &self.rest()[..self.rest().len().min(self.longest)];
        let line = match memchr::memchr2(b'\n', b'\r', kept) {
            Some(at) => kept[..at].to_vec(),
            None => kept.to_vec(),
        };
        loop {
            let text = self.rest();
            let end = memchr::memchr2(b'\n', b'\r', text);
            let undecided = end.is_some_and(|at| at + 1 == text.len() && text[at] == b'\r');
            let gone = match end {
                Some(at) if self.ended || !undecided => self.behind_line_end(at),
                Some(at) => at,
                None => text.len(),
            };
            self.pass(gone);
            self.from += gone;
            if self.ended || (end.is_some() && !undecided) {
                break;
            }
            self.move_down();
            self.fill(self.chunk);
        }
        Frame::Reject {
            reason,
            line,
            offset,
            encoding,
        }
    }

    /// Reads about `more` bytes; tells the encoding when the first byte that is not ASCII comes by.
    fn fill(&mut self, more: usize) {
        let from = self.to;
        self.read(more);
        if self.encoding.is_some() {
            return;
        }
        let Some(at) = self.held[from..self.to].iter().position(|b| !b.is_ascii()) else {
            return;
        };
        let sample_end = from + at + SAMPLE;
        while self.to < sample_end && !self.ended {
            self.read(sample_end - self.to);
        }
        let sample_end = sample_end.min(self.to);
        self.encoding = Some(detect(&self.held[from + at..sample_end]));
    }

    fn read(&mut self, more: usize) {
        let wanted = self.to + more;
        while self.to < wanted && !self.ended {
            // Not all at once: a short source shall not cost a long buffer.
            let free = self.held.len().saturating_sub(PAD);
            let next = wanted.min((self.to * 2).max(READ).max(free));
            make_room(&mut self.held, next + PAD);
            match self.input.read(&mut self.held[self.to..next]) {
                Ok(0) => self.ended = true,
                Ok(got) => self.to += got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // What came before the error stands in `held`.
                Err(error) => {
                    self.ended = true;
                    self.failed = Some(error);
                }
            }
        }
    }
}

/// Makes a buffer at least so long.
fn make_room(buffer: &mut Vec<u8>, len: usize) {
    if buffer.len() < len {
        buffer.resize(len, 0);
    }
}

enum Cut {
    /// So many bytes are whole records; whether there may be quotes among them.
    Records(usize, bool),
    /// The first line is part of no record: why.
    Reject(&'static str),
    /// More must be read, at least so much.
    More(usize),
}

#[cfg(test)]
mod tests;
