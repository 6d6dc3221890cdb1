//! A file in chunks whose beginnings are told before they are read: whoever parses a chunk reads it, while others
//! read other chunks, and it is in the cache of the processor that parses it.
//!
//! A chunk ends behind the last line end within so many bytes, and there the next begins. Whoever has read it tells
//! where; of one that is still being read, the last few bytes are looked at. That its records end there as well
//! is not known before somebody has read it: it may hold quotes. So no chunk is handed on before all those before it
//! were seen to hold none, and to end where it begins ([`Turns`]); if one does not, it and what was taken behind it
//! are taken back, and the framer reads on from there, as it does where there is no such line end, near the end
//! of the file, and whenever the file cannot be read. What it makes of all that is what it would have made of the
//! whole file.

use std::collections::BTreeMap;

use super::framing::Work;
use crate::log::encoding::Encoding;
use crate::log::framer::{Frame, Segment, behind_last_line, room_for};
use crate::log::scan::PAD;
use crate::source::Plain;

/// Bytes before the end of a chunk that is being read in which a line end is looked for; more if there is none.
const PEEK: usize = 1 << 9;

/// A file that is cut so, from a record on.
pub struct Split {
    plain: Plain,
    /// Number of the source.
    source: u32,
    /// As far as the bytes before told.
    encoding: Option<Encoding>,
    chunk: usize,
    /// Where the chunk begins that was given last.
    given: Option<u64>,
    /// Where the next begins; none as long as nobody has seen where the last ends.
    at: Option<u64>,
    over: bool,
    /// What a chunk may end in, to use again.
    peeked: Vec<u8>,
}

/// So many bytes of a file, which begin with a line: somebody is to read the lines that end in them.
pub struct Chunk {
    plain: Plain,
    source: u32,
    encoding: Option<Encoding>,
    from: u64,
    len: usize,
}

impl Split {
    /// The rest of a file, of which a record begins at `at`, in chunks of about so many bytes.
    #[must_use]
    pub fn new(
        plain: Plain,
        source: u32,
        encoding: Option<Encoding>,
        at: u64,
        chunk: usize,
    ) -> Split {
        Split {
            plain,
            source,
            encoding,
            chunk: chunk.max(1),
            given: None,
            at: Some(at),
            over: false,
            peeked: Vec::new(),
        }
    }

    /// Whether there is a chunk.
    #[must_use]
    pub fn has_any(&mut self) -> bool {
        self.at.is_some_and(|at| self.behind(at).is_some())
    }

    /// The next chunk; none if the framer is to read on, when all that were given are settled.
    pub fn next_chunk(&mut self) -> Option<Chunk> {
        if self.over {
            return None;
        }
        if self.at.is_none() {
            self.at = self.given.and_then(|last| self.behind(last));
        }
        let Some(from) = self.at.filter(|&at| self.fits(at)) else {
            self.over = true;
            return None;
        };
        (self.given, self.at) = (Some(from), None);
        Some(Chunk {
            plain: self.plain.clone(),
            source: self.source,
            encoding: self.encoding,
            from,
            len: self.chunk,
        })
    }

    /// Whether the file does not end within a chunk that begins there.
    fn fits(&self, from: u64) -> bool {
        let end = from.checked_add(self.chunk as u64);
        end.is_some_and(|end| end <= self.plain.len_at_first())
    }

    /// Where the lines of the chunk end that begins there. None if the file ends within it or no line does.
    fn behind(&mut self, from: u64) -> Option<u64> {
        if !self.fits(from) {
            return None;
        }
        let end = from + self.chunk as u64;
        let mut peek = PEEK.min(self.chunk);
        loop {
            self.peeked.resize(peek, 0);
            let start = end - peek as u64;
            self.plain.fill(&mut self.peeked, start).ok()?;
            if let Some(lines) = behind_last_line(&self.peeked, false) {
                return Some(start + lines as u64);
            }
            if peek == self.chunk {
                return None;
            }
            peek = self.chunk.min(peek * 16);
        }
    }

    /// Is told how long the lines of a chunk are, by who has read it.
    pub fn told(&mut self, chunk: &Chunk, len: usize) {
        if self.given == Some(chunk.from) {
            self.at = Some(chunk.from + len as u64);
        }
    }

    /// Takes back all chunks from an offset on: the framer is to read on there.
    pub fn take_back(&mut self, from: u64) {
        (self.given, self.at) = (None, Some(from));
        self.over = true;
    }

    /// What the framer is to read on with: number of the source, all from an offset on, and what the bytes before
    /// told of the encoding.
    ///
    /// # Panics
    /// If a chunk that was given is not settled.
    #[must_use]
    pub fn rest(self) -> (u32, Box<dyn std::io::Read + Send>, u64, Option<Encoding>) {
        let at = self.at.expect("all chunks are settled");
        (self.source, self.plain.from(at), at, self.encoding)
    }
}

impl Chunk {
    /// Reads its lines; [`Turns::settle`] is to be told of it in any case. `text` is used again.
    ///
    /// # Errors
    /// A text to be used again, if no line ends in it, or lines have to be looked at more closely or cannot be
    /// read.
    pub fn read(&self, mut text: Vec<u8>) -> Result<Segment, Vec<u8>> {
        // (The framer's are longer, and who keeps a text keeps all of it.)
        if text.len() > self.len / 4 * 5 + PAD {
            text = Vec::new();
        }
        room_for(self.len, &mut text);
        if self.plain.fill(&mut text[..self.len], self.from).is_err() {
            return Err(text);
        }
        match behind_last_line(&text[..self.len], false) {
            Some(lines) => Segment::of_lines(text, lines, self.from, self.encoding),
            None => Err(text),
        }
    }
}

/// Chunks that were given out, in their order.
#[derive(Default)]
pub struct Turns {
    /// How many of them are not known yet to be whole records, and the number of the first.
    open: u64,
    turn: u64,
    /// Where the one before it ends, if it is of the same round.
    behind: Option<u64>,
    /// Those behind it that are read already.
    early: BTreeMap<u64, Segment>,
    /// From this number on they are taken back.
    limit: u64,
    /// Tells them from those of before, which may still be being read.
    round: u64,
}

/// A chunk that was given out as the piece of a number.
pub struct Given {
    /// The chunk.
    pub chunk: Chunk,
    number: u64,
    round: u64,
}

/// What becomes of chunks when one was read.
#[derive(Default)]
pub struct Settled {
    /// Pieces that are known now, in their order; none while a chunk before them is not.
    pub known: Vec<(u64, Work)>,
    /// From a number on they are taken back, the first of which begins at an offset. (Once more, when all before
    /// it are known.)
    pub taken_back: Option<(u64, u64)>,
}

impl Turns {
    /// Whether any chunk is not known yet to be what it was taken for: nothing else may be handed on as what
    /// is behind it.
    #[must_use]
    pub fn are_open(&self) -> bool {
        self.open > 0
    }

    /// How many are read and wait for one before them.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.early.len()
    }

    /// Gives a chunk out as the piece of a number, one more than that of the chunk before if any is open.
    pub fn give(&mut self, chunk: Chunk, number: u64) -> Given {
        if self.open == 0 {
            (self.turn, self.limit, self.behind) = (number, u64::MAX, None);
            self.round += 1;
        }
        self.open += 1;
        Given {
            chunk,
            number,
            round: self.round,
        }
    }

    /// Takes what was read of a chunk; no segment: it is to be taken back. None if it was before.
    pub fn settle(&mut self, given: &Given, segment: Option<Segment>) -> Option<Settled> {
        let Given { chunk, number, .. } = given;
        if given.round != self.round || *number >= self.limit {
            return None;
        }
        let mut settled = Settled::default();
        if let Some(segment) = segment {
            self.early.insert(*number, segment);
        } else {
            self.take_back(*number);
            settled.taken_back = Some((*number, chunk.from));
        }
        while let Some(segment) = self.early.remove(&self.turn) {
            if self.behind.is_some_and(|behind| behind != segment.offset) {
                // (The file has changed since somebody looked where the one before ends.)
                self.take_back(self.turn);
                break;
            }
            self.behind = Some(segment.offset + segment.len as u64);
            // (What is taken back will be read again.)
            chunk.plain.count(segment.len as u64);
            let work = Work::Frame {
                source: chunk.source,
                frame: Frame::Records(segment),
                promise: None,
            };
            settled.known.push((self.turn, work));
            self.turn += 1;
            self.open -= 1;
        }
        if self.turn == self.limit
            && let Some(behind) = self.behind
        {
            settled.taken_back = Some((self.limit, behind));
        }
        Some(settled)
    }

    /// From a number on they are taken back.
    fn take_back(&mut self, number: u64) {
        self.limit = number;
        self.open = number - self.turn;
        self.early.split_off(&number);
    }
}

#[cfg(test)]
mod tests;
