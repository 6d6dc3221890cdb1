//! Where records end, seen from the quotes before: one look at many bytes.

use crate::log::scan::{self, Isa, Sink, Special, State};

/// What a look at some bytes tells.
pub(super) struct Seen {
    /// The line end of the last whole record before one that is too long.
    pub(super) last: Option<usize>,
    /// The end of that one.
    pub(super) too_long: Option<usize>,
    /// The state at the end.
    pub(super) state: State,
}

/// Scans the first `known` bytes of a text with padding, of which no record may be longer than `longest`;
/// `at_end`: the source ends behind them.
pub(super) fn look(
    text: &mut [u8],
    known: usize,
    special: Special,
    longest: usize,
    at_end: bool,
) -> Seen {
    // The byte behind `known`, if there is one, must not be scanned as text: it is no padding.
    let held = std::mem::replace(&mut text[known], 0);
    let mut ends = Ends {
        text,
        last: None,
        behind: 0,
        inner: false,
        too_long: None,
        longest,
    };
    let state = scan::scan(ends.text, known, special, &mut ends);
    let mut too_long = ends.too_long.map(|at| at as usize);
    // The last record may end with the source.
    if too_long.is_none() && at_end && state != State::Quoted && ends.is_too_long(known) {
        too_long = Some(known);
    }
    let last = ends.last.map(|at| at as usize);
    text[known] = held;
    Seen {
        last,
        too_long,
        state,
    }
}

/// Whether a line leaves a quote open. `spare` is a buffer to use again.
pub(super) fn leaves_quote_open(line: &[u8], special: Special, spare: &mut Vec<u8>) -> bool {
    if memchr::memchr(b'"', line).is_none() {
        return false;
    }
    spare.clear();
    spare.extend_from_slice(line);
    spare.resize(line.len() + scan::PAD, 0);
    scan::scan(spare, line.len(), special, &mut Nothing) == State::Quoted
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
