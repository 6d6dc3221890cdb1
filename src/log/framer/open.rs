//! What one look ahead tells of all the open quotes behind it.

use super::ends::leaves_quote_open;
use super::held::Held;
use crate::log::scan::Special;

use std::io::Read;

/// What is known behind a line on which a quote was left open: the record that began there is inside
/// quotes at every line end from that line's own to the place `to`. So is, from its own first line end
/// on, every record that begins there and leaves a quote open on its first line: it is in the same
/// state at the same place. Where it ends is then known without looking.
pub(super) struct Open {
    /// A place among the bytes that were read.
    pub(super) to: u64,
    /// Whether the record ends at `to`; otherwise it is open as far as was read.
    pub(super) ends: bool,
    /// Whether that is all there is. (If it was not known, a quote at its very end may have been the first
    /// half of two.)
    pub(super) whole: bool,
}

/// What is to be done with the bytes that are held, as far as [`Open`] tells.
pub(super) enum Told {
    /// So many of them are whole records.
    Records(usize),
    /// The first line is part of no record that ends in time; so many bytes are known of it.
    GivenUp(usize),
}

impl Open {
    /// Looks at what is held line by line, as long as this tells about records that leave a quote open.
    pub(super) fn tell<R: Read>(
        &self,
        of: &Held<R>,
        special: Special,
        longest: usize,
    ) -> Option<Told> {
        let text = of.rest();
        let mut spare = Vec::new();
        let mut at = 0;
        let (end, leaves_open) = loop {
            let end = at + memchr::memchr2(b'\n', b'\r', &text[at..]).unwrap_or(text.len() - at);
            let undecided = end + 1 == text.len() && text[end] == b'\r' && !of.has_ended();
            if end == text.len() || undecided || of.place() + end as u64 >= self.to {
                break (end, false);
            }
            if leaves_quote_open(&text[at..end], special, &mut spare) {
                break (end, true);
            }
            at = of.behind_line_end(end);
        };
        if at > 0 {
            return Some(Told::Records(at));
        }
        let left = usize::try_from(self.to.saturating_sub(of.place())).unwrap_or(usize::MAX);
        let given_up = left > longest || (self.whole && !self.ends && left == text.len());
        // Otherwise the next look, at the whole record, tells.
        (leaves_open && end <= longest && given_up).then_some(Told::GivenUp(left))
    }
}
