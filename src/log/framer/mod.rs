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
//!
//! `held` is what was read and not handed on; `ends` sees where records end; `open` spares a look at
//! every one of many open quotes; what is here decides where to cut.

mod ends;
mod held;
mod open;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use super::encoding::Encoding;
use super::scan::{PAD, Special, State};
use ends::{Seen, look};
use held::Held;
use open::{Open, Told};

/// The longest record, in bytes; of a longer one the first line is rejected.
pub const MAX_RECORD: usize = 1 << 20;

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

impl Segment {
    /// The first `len` bytes of a text, which begin with a record, as a segment, if they end behind a line end and
    /// no byte of them is a quote, or not ASCII while nothing tells the encoding. Otherwise the text: where
    /// records end in it, or what it means, is for the framer to see.
    ///
    /// # Errors
    /// The text.
    ///
    /// # Panics
    /// If it is shorter.
    pub fn of_lines(
        text: Vec<u8>,
        len: usize,
        offset: u64,
        encoding: Option<Encoding>,
    ) -> Result<Segment, Vec<u8>> {
        let lines = &text[..len];
        let whole = matches!(lines.last(), Some(b'\n' | b'\r'));
        let told = encoding.is_some() || lines.is_ascii();
        if !whole || !told || memchr::memchr(b'"', lines).is_some() {
            return Err(text);
        }
        let encoding = encoding.unwrap_or(Encoding::Utf8);
        Ok(Segment::padded(text, len, offset, false, encoding))
    }

    /// The first `len` bytes of a text, and zeros behind them.
    fn padded(
        mut text: Vec<u8>,
        len: usize,
        offset: u64,
        quotes: bool,
        encoding: Encoding,
    ) -> Segment {
        room_for(len, &mut text);
        text[len..len + PAD].fill(0);
        Segment {
            text,
            len,
            offset,
            quotes,
            encoding,
        }
    }
}

/// Makes a text long enough for a segment of so many bytes.
pub fn room_for(len: usize, text: &mut Vec<u8>) {
    held::make_room(text, len + PAD);
}

/// The place behind the last line end of a text, which does not end with the source unless it is `whole`.
#[must_use]
pub fn behind_last_line(text: &[u8], whole: bool) -> Option<usize> {
    memchr::memrchr2(b'\n', b'\r', &text[..known(text, whole)]).map(|at| at + 1)
}

/// Bytes of such a text of which it is known what they are: a CR as the last one may be the first half of a CRLF.
fn known(text: &[u8], whole: bool) -> usize {
    let undecided = !whole && text.last() == Some(&b'\r');
    text.len() - usize::from(undecided)
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
    held: Held<R>,
    delimiter: u8,
    quotes: bool,
    chunk: usize,
    /// [`MAX_RECORD`], but for tests.
    longest: usize,
    open: Option<Open>,
}

/// Where to cut what is held.
enum Cut {
    /// So many bytes are whole records; whether there may be quotes among them.
    Records(usize, bool),
    /// The first line is part of no record: why.
    Reject(&'static str),
    /// More must be read, at least so much.
    More(usize),
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
            held: Held::new(input, encoding, offset),
            delimiter: special.delimiter,
            quotes: special.quotes,
            chunk: chunk.max(1),
            longest: MAX_RECORD,
            open: None,
        }
    }

    /// The encoding, once known.
    #[must_use]
    pub fn encoding(&self) -> Option<Encoding> {
        self.held.encoding()
    }

    /// Where what was not handed on begins, as far as it is known to begin with a record and to go on behind
    /// what was read, and how many bytes of it were.
    #[must_use]
    pub fn rest(&self) -> Option<(u64, usize)> {
        let goes_on = self.open.is_none() && !self.held.has_ended();
        goes_on.then(|| (self.held.offset(), self.held.rest().len()))
    }

    /// The next frame, none at the end. `spare` is a buffer to use again.
    ///
    /// # Errors
    /// What the input says, behind the whole records that it gave before.
    pub fn next(&mut self, spare: Vec<u8>) -> io::Result<Option<Frame>> {
        // Between rejected lines there is enough to go on with.
        self.held.refill(self.chunk, self.open.is_none());
        loop {
            if self.held.rest().is_empty() {
                return self.held.take_failure().map_or(Ok(None), Err);
            }
            match self.boundary() {
                Cut::Records(end, quotes) => {
                    let segment = self.held.segment(spare, end, quotes);
                    return Ok(Some(Frame::Records(segment)));
                }
                Cut::Reject(reason) => return Ok(Some(self.reject(reason))),
                Cut::More(least) => {
                    let more = self.chunk.max(self.held.rest().len()).max(least);
                    self.held.fill(more);
                }
            }
        }
    }

    /// Where to cut what is held.
    fn boundary(&mut self) -> Cut {
        if let Some(open) = &self.open {
            match open.tell(&self.held, self.special(), self.longest) {
                Some(Told::Records(end)) => return Cut::Records(end, true),
                Some(Told::GivenUp(known)) => return Cut::Reject(self.reason(known)),
                None => self.open = None,
            }
        }
        let text = self.held.rest();
        let (len, ended, at_end) = (text.len(), self.held.has_ended(), self.at_end());
        let known = known(text, ended);
        if self.quotes && memchr::memchr(b'"', text).is_some() {
            return self.boundary_with_quotes(known);
        }
        match behind_last_line(text, ended) {
            _ if at_end => Cut::Records(len, false),
            Some(end) => Cut::Records(end, false),
            None if known > self.longest || ended => Cut::Reject(self.reason(known)),
            None => Cut::More(0),
        }
    }

    /// [`Framer::boundary`] where there are quotes in what is held, of which the first `known` bytes are known.
    fn boundary_with_quotes(&mut self, known: usize) -> Cut {
        let (len, ended, at_end) = (self.held.rest().len(), self.held.has_ended(), self.at_end());
        let (special, longest) = (self.special(), self.longest);
        let Seen {
            last,
            too_long,
            state,
        } = look(self.held.padded(), known, special, longest, at_end);
        match last.map(|at| self.held.behind_line_end(at)) {
            _ if at_end && state != State::Quoted && too_long.is_none() => Cut::Records(len, true),
            Some(end) => Cut::Records(end, true),
            None if too_long.is_some() || known > longest || ended => {
                // Of what follows, as much is looked at once as is given up for it.
                if !ended && too_long.is_none() && known < 2 * longest {
                    return Cut::More(2 * longest - known);
                }
                self.open = Some(Open {
                    to: self.held.place() + too_long.unwrap_or(known) as u64,
                    ends: too_long.is_some(),
                    whole: ended,
                });
                Cut::Reject(self.reason(known))
            }
            None => Cut::More(0),
        }
    }

    /// Whether the last record held may end with the source.
    fn at_end(&self) -> bool {
        self.held.has_ended() && !self.held.has_failed()
    }

    fn special(&self) -> Special {
        Special {
            delimiter: self.delimiter,
            quotes: true,
            cp932_trail: self.held.encoding() == Some(Encoding::Cp932) && self.delimiter >= 0x40,
        }
    }

    /// Why the record that begins here is given up, of which `known` bytes are known.
    fn reason(&self, known: usize) -> &'static str {
        let line = &self.held.rest()[..self.held.rest().len().min(self.longest + 1)];
        if line.len() > self.longest && memchr::memchr2(b'\n', b'\r', line).is_none() {
            "too_long"
        } else if self.held.has_failed() && known <= self.longest {
            // A record that the source was cut off in is none, whatever its columns look like.
            "cut"
        } else {
            "quote"
        }
    }

    /// Gives up the first line of what is held; what follows is read as records again.
    fn reject(&mut self, reason: &'static str) -> Frame {
        let offset = self.held.offset();
        let encoding = self.held.encoding().unwrap_or(Encoding::Utf8);
        let kept = &self.held.rest()[..self.held.rest().len().min(self.longest)];
        let line = match memchr::memchr2(b'\n', b'\r', kept) {
            Some(at) => kept[..at].to_vec(),
            None => kept.to_vec(),
        };
        loop {
            let text = self.held.rest();
            let end = memchr::memchr2(b'\n', b'\r', text);
            let undecided = end.is_some_and(|at| at + 1 == text.len() && text[at] == b'\r');
            let gone = match end {
                Some(at) if self.held.has_ended() || !undecided => self.held.behind_line_end(at),
                Some(at) => at,
                None => text.len(),
            };
            self.held.skip(gone);
            if self.held.has_ended() || (end.is_some() && !undecided) {
                break;
            }
            self.held.move_down();
            self.held.fill(self.chunk);
        }
        Frame::Reject {
            reason,
            line,
            offset,
            encoding,
        }
    }
}
