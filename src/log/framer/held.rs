//! The bytes of a source that were read and not handed on yet.

use std::io::{self, Read};

use super::Segment;
use crate::log::encoding::{Encoding, SAMPLE, detect, utf16_len};
use crate::log::scan::PAD;

/// Bytes that are read at a time, at most, as long as the source may be short.
const READ: usize = 1 << 16;

/// A source, and what was read of it and not handed on. Memory: what is asked for, twice if it is not
/// handed on as a whole.
pub(super) struct Held<R> {
    input: R,
    encoding: Option<Encoding>,
    /// What was read and not handed on: `from..to`. The bytes behind are of no meaning; they are there
    /// so that buffers are made once, not for every segment.
    buffer: Vec<u8>,
    from: usize,
    to: usize,
    /// Offset in the source of the first byte that was not handed on.
    offset: u64,
    /// Its place among the bytes that were read (of UTF-16, they are other bytes).
    place: u64,
    ended: bool,
    /// Why reading ended early; told when everything before it was handed on.
    failed: Option<io::Error>,
}

impl<R: Read> Held<R> {
    /// Nothing yet of `input`, whose first byte is at `offset`. Without an encoding, the first bytes that
    /// are not ASCII tell it.
    pub(super) fn new(input: R, encoding: Option<Encoding>, offset: u64) -> Self {
        Held {
            input,
            encoding,
            buffer: Vec::new(),
            from: 0,
            to: 0,
            offset,
            place: 0,
            ended: false,
            failed: None,
        }
    }

    /// The encoding, once known.
    pub(super) fn encoding(&self) -> Option<Encoding> {
        self.encoding
    }

    /// Offset in the source of the first byte that is held.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Its place among the bytes that were read (of UTF-16, they are other bytes).
    pub(super) fn place(&self) -> u64 {
        self.place
    }

    /// Whether all was read that there is.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether reading ended early.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Why reading ended early, once.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    /// What is held.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer[self.from..self.to]
    }

    /// What is held and zeros behind it, to be scanned.
    pub(super) fn padded(&mut self) -> &mut [u8] {
        make_room(&mut self.buffer, self.to + PAD);
        self.buffer[self.to..self.to + PAD].fill(0);
        &mut self.buffer[self.from..self.to + PAD]
    }

    /// Makes sure that about a chunk is held, as far as there is one; with `anew`, reads one more
    /// whenever the buffer begins with what is held.
    pub(super) fn refill(&mut self, chunk: usize, anew: bool) {
        // What was handed on goes when it is half of the buffer: no byte is moved more than once
        // for each that went.
        if self.from * 2 >= self.to {
            self.move_down();
        }
        if self.from == 0 && anew || self.rest().len() < chunk {
            self.fill(chunk);
        }
    }

    /// Moves what is held to the beginning of the buffer.
    pub(super) fn move_down(&mut self) {
        self.buffer.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.from = 0;
    }

    /// Hands on the next `end` bytes: the buffer itself where they are most of it, else a copy.
    pub(super) fn segment(&mut self, mut spare: Vec<u8>, end: usize, quotes: bool) -> Segment {
        let encoding = self.encoding.unwrap_or(Encoding::Utf8);
        let offset = self.offset;
        self.pass(end);
        let most = end * 2 >= self.to.max(self.buffer.len() - PAD);
        let text = if self.from == 0 && most {
            let left = self.to - end;
            make_room(&mut spare, left);
            spare[..left].copy_from_slice(&self.buffer[end..self.to]);
            self.to = left;
            std::mem::replace(&mut self.buffer, spare)
        } else {
            if spare.len() > 2 * (end + PAD) {
                spare = Vec::new();
            }
            make_room(&mut spare, end + PAD);
            spare[..end].copy_from_slice(&self.buffer[self.from..self.from + end]);
            self.from += end;
            spare
        };
        Segment::padded(text, end, offset, quotes, encoding)
    }

    /// Lets go of the next bytes, which no segment has.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.pass(bytes);
        self.from += bytes;
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

    /// The place behind the line end at `at`.
    pub(super) fn behind_line_end(&self, at: usize) -> usize {
        let text = self.rest();
        at + 1 + usize::from(text[at] == b'\r' && text.get(at + 1) == Some(&b'\n'))
    }

    /// Reads about `more` bytes; tells the encoding when the first byte that is not ASCII comes by.
    pub(super) fn fill(&mut self, more: usize) {
        let from = self.to;
        self.read(more);
        if self.encoding.is_some() {
            return;
        }
        let Some(at) = self.buffer[from..self.to]
            .iter()
            .position(|b| !b.is_ascii())
        else {
            return;
        };
        let sample_end = from + at + SAMPLE;
        while self.to < sample_end && !self.ended {
            self.read(sample_end - self.to);
        }
        let sample_end = sample_end.min(self.to);
        self.encoding = Some(detect(&self.buffer[from + at..sample_end]));
    }

    fn read(&mut self, more: usize) {
        let wanted = self.to + more;
        while self.to < wanted && !self.ended {
            // Not all at once: a short source shall not cost a long buffer.
            let free = self.buffer.len().saturating_sub(PAD);
            let next = wanted.min((self.to * 2).max(READ).max(free));
            make_room(&mut self.buffer, next + PAD);
            match self.input.read(&mut self.buffer[self.to..next]) {
                Ok(0) => self.ended = true,
                Ok(got) => self.to += got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // What came before the error stands in `buffer`.
                Err(error) => {
                    self.ended = true;
                    self.failed = Some(error);
                }
            }
        }
    }
}

/// Makes a buffer at least so long; one that is to grow a little longer, as it is to be used again, for
/// a segment that may be longer by part of a record. (A vector by itself would become twice as long.)
pub(super) fn make_room(buffer: &mut Vec<u8>, len: usize) {
    if buffer.len() < len {
        let long = len + len / 64;
        buffer.reserve_exact(long - buffer.len());
        buffer.resize(long, 0);
    }
}
