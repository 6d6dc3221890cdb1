//! Structural scan: where fields and records end.
//!
//! In: bytes that begin at a record boundary, followed by [`PAD`] zero bytes. Out: the positions of
//! every separator outside quotes (delimiters and line ends), of the line ends among them, and of
//! line ends inside quotes. Blocks of 64 bytes are classified by SIMD chosen at run time and their
//! bit masks flattened into index arrays; rows are read from those in a second pass.
//!
//! Quoting is RFC 4180's, as Python's `csv` reads it: `"` is special only as the first byte of a
//! field, `""` inside is a quote, what follows the closing quote belongs to the field. A block whose
//! quotes all open at a field start is resolved by a prefix XOR; any other block goes through the
//! obvious automaton in [`automaton`], which is also the twin that tests hold everything against.
//!
//! Line ends: LF, CR, CRLF. The position of a line end is that of its first byte.
//!
//! The only `unsafe` of the crate is in this module: calls of functions that need a CPU feature,
//! each made after that feature was detected, and the request for memory that will be read soon.

pub mod automaton;
mod before;
mod isa;

pub use automaton::State;
pub use before::before;
use isa::Classes;
pub use isa::{
    Hot, HotBy, Isa, Kept, LONGEST_KEY, SALTS, SELECT, first_bits, fold, hot, hot_by, prefetch,
    word,
};

/// Zero bytes that follow the text in every scanned buffer.
pub const PAD: usize = 128;

/// Structural positions of a text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Index {
    /// Every delimiter and line end outside quotes.
    pub seps: Vec<u32>,
    /// The line ends among `seps`; none after [`separators`].
    pub ends: Vec<u32>,
    /// Line ends inside quotes.
    pub inner: Vec<u32>,
}

impl Index {
    fn clear(&mut self) {
        self.seps.clear();
        self.ends.clear();
        self.inner.clear();
    }
}

/// What is special in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Special {
    /// `,` TAB `;` `|`.
    pub delimiter: u8,
    /// Whether quotes may occur at all (none in the text: the faster scan is as exact).
    pub quotes: bool,
    /// Whether the delimiter can be the second byte of a CP932 character.
    pub cp932_trail: bool,
}

/// Receives the masks of a scanned text, block by block.
pub trait Sink {
    /// Bit `i` of a mask stands for byte `base + i`; `ends` is a part of `seps`.
    fn block<I: Isa>(&mut self, isa: I, base: u32, seps: u64, ends: u64, inner: u64);
}

struct Flatten<'a>(&'a mut Index);

impl Sink for Flatten<'_> {
    #[inline(always)]
    fn block<I: Isa>(&mut self, isa: I, base: u32, seps: u64, ends: u64, inner: u64) {
        isa.push_bits(&mut self.0.seps, base, seps);
        isa.push_bits(&mut self.0.ends, base, ends);
        if inner != 0 {
            isa.push_bits(&mut self.0.inner, base, inner);
        }
    }
}

/// Indexes `text[..len]` from a record boundary; returns the state after its last byte.
///
/// # Panics
/// If `text` is shorter than `len + PAD`, or `len` does not fit in 32 bits.
pub fn index(text: &[u8], len: usize, special: Special, out: &mut Index) -> State {
    out.clear();
    scan(text, len, special, &mut Flatten(out))
}

/// The number of line ends in `text[..len]`, which begins at a record boundary; quotes mean nothing in it,
/// whatever `special` says. `out` has its separators then: which of them are line ends is not told.
///
/// # Panics
/// As [`index`].
pub fn separators(text: &[u8], len: usize, special: Special, out: &mut Index) -> usize {
    out.clear();
    let mut sink = Counting { out, ends: 0 };
    let special = Special {
        quotes: false,
        ..special
    };
    scan(text, len, special, &mut sink);
    sink.ends
}

/// Flattens separators, and counts line ends.
struct Counting<'a> {
    out: &'a mut Index,
    ends: usize,
}

impl Sink for Counting<'_> {
    #[inline(always)]
    fn block<I: Isa>(&mut self, isa: I, base: u32, seps: u64, ends: u64, _: u64) {
        isa.push_bits(&mut self.out.seps, base, seps);
        self.ends += ends.count_ones() as usize;
    }
}

/// Scans `text[..len]` from a record boundary into a sink; returns the state after its last byte.
///
/// # Panics
/// As [`index`].
pub fn scan<S: Sink>(text: &[u8], len: usize, special: Special, sink: &mut S) -> State {
    assert!(text.len() >= len + PAD && u32::try_from(len).is_ok());
    isa::dispatch(Scan {
        text,
        len,
        special,
        sink,
    })
}

/// The scan of one text, generic over the instruction set.
pub(crate) struct Scan<'a, S> {
    text: &'a [u8],
    len: usize,
    special: Special,
    sink: &'a mut S,
}

/// The first bytes of line ends. `after_cr` is 1 if a CR stands before the block, and becomes the same of
/// the next.
#[inline(always)]
fn line_ends(c: &Classes, after_cr: &mut u64) -> u64 {
    let second_of_crlf = c.cr << 1 | std::mem::replace(after_cr, c.cr >> 63);
    (c.lf & !second_of_crlf) | c.cr
}

impl<S: Sink> Scan<'_, S> {
    #[inline(always)]
    pub(crate) fn run<I: Isa>(self, isa: I) -> State {
        if self.special.quotes {
            self.quoted(isa)
        } else {
            self.plain(isa)
        }
    }

    /// The special bytes of a block, and which of its bytes are text.
    #[inline(always)]
    fn classify<I: Isa>(&self, isa: I, base: usize) -> (Classes, u64) {
        let left = self.len - base;
        let live = if left < 64 {
            (1u64 << left) - 1
        } else {
            u64::MAX
        };
        let mut classes = self.classify_whole(isa, base);
        classes.delimiter &= live;
        classes.lf &= live;
        classes.cr &= live;
        classes.quote &= live;
        (classes, live)
    }

    /// The special bytes of a block that is text throughout.
    #[inline(always)]
    fn classify_whole<I: Isa>(&self, isa: I, base: usize) -> Classes {
        let block: &[u8; 64] = self.text[base..base + 64].try_into().expect("64 bytes");
        let mut classes = isa.classify(block, self.special.delimiter);
        if self.special.cp932_trail && classes.delimiter != 0 {
            classes.delimiter = automaton::drop_trail_bytes(self.text, base, classes.delimiter);
        }
        classes
    }

    #[inline(always)]
    fn plain<I: Isa>(self, isa: I) -> State {
        let mut after_cr = 0u64;
        let mut base = 0;
        while base < self.len {
            let c = if base + 64 <= self.len {
                self.classify_whole(isa, base)
            } else {
                self.classify(isa, base).0
            };
            let ends = line_ends(&c, &mut after_cr);
            #[allow(clippy::cast_possible_truncation)]
            self.sink
                .block(isa, base as u32, c.delimiter | ends, ends, 0);
            base += 64;
        }
        let Some(last) = self.len.checked_sub(1) else {
            return State::FieldStart;
        };
        let (c, _) = self.classify(isa, last - last % 64);
        if (c.delimiter | c.lf | c.cr) >> (last % 64) & 1 == 1 {
            State::FieldStart
        } else {
            State::Unquoted
        }
    }

    #[inline(always)]
    fn quoted<I: Isa>(self, isa: I) -> State {
        let mut state = State::FieldStart;
        let mut after_cr = 0u64;
        let mut base = 0;
        while base < self.len {
            let (c, live) = self.classify(isa, base);
            let was_after_cr = after_cr == 1;
            let lines = line_ends(&c, &mut after_cr);
            let inside =
                isa.prefix_xor(c.quote) ^ if state == State::Quoted { u64::MAX } else { 0 };
            let opens = c.quote & inside;
            let closes = c.quote & !inside;
            let seps = (c.delimiter | c.lf | c.cr) & !inside;
            let may_open = (seps << 1 | u64::from(state == State::FieldStart))
                | (closes << 1 | u64::from(state == State::QuoteInQuoted));
            #[allow(clippy::cast_possible_truncation)]
            let at = base as u32;
            if opens & !may_open == 0 {
                let ends = lines & !inside;
                self.sink.block(
                    isa,
                    at,
                    (c.delimiter & !inside) | ends,
                    ends,
                    lines & inside,
                );
                let top = live.count_ones() - 1;
                state = if inside >> top & 1 == 1 {
                    State::Quoted
                } else if seps >> top & 1 == 1 {
                    State::FieldStart
                } else if closes >> top & 1 == 1 {
                    State::QuoteInQuoted
                } else {
                    State::Unquoted
                };
            } else {
                let walked = automaton::block(&c, live, state, was_after_cr);
                self.sink
                    .block(isa, at, walked.seps, walked.ends, walked.inner);
                state = walked.state;
            }
            base += 64;
        }
        state
    }
}

#[cfg(test)]
mod tests;
