//! The slow, obvious automaton: what the fast scan means, and what it falls back to for a block
//! with quotes in odd places.

use super::isa::Classes;

/// Where a scan stands between two bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// At the first byte of a field.
    FieldStart,
    /// In a field, where a quote is an ordinary byte.
    Unquoted,
    /// Inside quotes.
    Quoted,
    /// After a quote inside quotes: the closing one, or the first of an escaped pair.
    QuoteInQuoted,
}

/// The masks of one block and the state after it.
pub(super) struct Walked {
    pub(super) seps: u64,
    pub(super) ends: u64,
    pub(super) inner: u64,
    pub(super) state: State,
}

/// Walks the special bytes of one block of which the bits of `live` are text.
pub(super) fn block(classes: &Classes, live: u64, mut state: State, mut after_cr: bool) -> Walked {
    let (mut seps, mut ends, mut inner) = (0, 0, 0);
    for i in 0..live.count_ones() {
        let bit = 1u64 << i;
        let lf = classes.lf & bit != 0;
        let cr = classes.cr & bit != 0;
        let second_of_crlf = lf && after_cr;
        after_cr = cr;
        state = if classes.quote & bit != 0 {
            match state {
                State::FieldStart | State::QuoteInQuoted => State::Quoted,
                State::Quoted => State::QuoteInQuoted,
                State::Unquoted => State::Unquoted,
            }
        } else if lf || cr {
            if state == State::Quoted {
                if !second_of_crlf {
                    inner |= bit;
                }
                State::Quoted
            } else {
                if !second_of_crlf {
                    seps |= bit;
                    ends |= bit;
                }
                State::FieldStart
            }
        } else if state == State::Quoted {
            State::Quoted
        } else if classes.delimiter & bit != 0 {
            seps |= bit;
            State::FieldStart
        } else {
            State::Unquoted
        };
    }
    Walked {
        seps,
        ends,
        inner,
        state,
    }
}

/// Clears the bits of delimiters that are the second byte of a CP932 character.
///
/// A byte is a trail byte exactly when an odd number of lead bytes (81–9F, E0–FC) stand directly
/// before it: whatever precedes such a run ends a character.
pub(super) fn drop_trail_bytes(text: &[u8], base: usize, mut delimiters: u64) -> u64 {
    let mut kept = delimiters;
    while delimiters != 0 {
        let i = delimiters.trailing_zeros() as usize;
        delimiters &= delimiters - 1;
        let leads = text[..base + i]
            .iter()
            .rev()
            .take_while(|&&b| is_cp932_lead(b))
            .count();
        if leads % 2 == 1 {
            kept &= !(1 << i);
        }
    }
    kept
}

/// Whether a byte opens a two-byte CP932 character.
#[must_use]
pub fn is_cp932_lead(byte: u8) -> bool {
    matches!(byte, 0x81..=0x9F | 0xE0..=0xFC)
}
