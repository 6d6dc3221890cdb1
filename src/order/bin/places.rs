//! Where each record stands, and whether its text is kept: what is worked out of a block before its
//! records go to their bins.

use crate::block::{Block, NO_OFFSET, Offsets, Places, check, encoding_code};
use crate::detect::bits::{Bits, has};
use crate::packed::Packed;

/// Bytes that the place of a record takes, besides its columns.
pub const PLACE: usize = size_of::<Stand>() + 4;

/// Where a record stands, as [`Places`] has it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stand {
    line: u64,
    offset: u64,
    source: u32,
    length: u32,
    check: u32,
    encoding: u8,
    wording: u8,
}

impl Stand {
    /// Whether the record's text is kept with it: somebody may ask for it, and it cannot be read again.
    pub(super) fn keeps_text(&self) -> bool {
        self.encoding > 0 && self.length == 0
    }
}

/// The places of records, each column in as few bytes as it needs.
pub(super) fn packed(stands: &[Stand]) -> Places {
    Places {
        source: Packed::of(stands.iter().map(|s| s.source.into())),
        line: Packed::of(stands.iter().map(|s| s.line)),
        offset: Packed::of(stands.iter().map(|s| s.offset)),
        encoding: Packed::of(stands.iter().map(|s| s.encoding.into())),
        length: Packed::of(stands.iter().map(|s| s.length.into())),
        check: Packed::of(stands.iter().map(|s| s.check.into())),
        wording: Packed::of(stands.iter().map(|s| s.wording.into())),
    }
}

/// What is asked of the text of records.
#[derive(Debug)]
pub struct Texts {
    bits: Bits,
    /// The bits of the rules, as words of a mask.
    rules: Vec<u64>,
}

impl Texts {
    /// The text of a record is asked for if a rule may flag it, by its mask.
    #[must_use]
    pub fn new(bits: Bits) -> Texts {
        let mut rules = vec![0; bits.words()];
        for rule in 0..bits.rules {
            rules[rule / 64] |= 1 << (rule % 64);
        }
        Texts { bits, rules }
    }

    /// Words of a mask.
    #[must_use]
    pub fn words(&self) -> usize {
        self.bits.words()
    }

    /// Whether a rule may flag a record.
    fn wanted(&self, block: &Block, row: usize) -> bool {
        let words = self.words();
        let mask = &block.columns.masks[row * words..(row + 1) * words];
        has(mask, self.bits.scope()) && mask.iter().zip(&self.rules).any(|(a, b)| a & b != 0)
    }
}

/// A block that is about to be put into bins.
pub struct Loose<'a> {
    pub(super) block: &'a Block,
    pub(super) words: usize,
    pub(super) stands: Vec<Stand>,
    /// Whether the text of any is kept.
    pub(super) kept: bool,
}

impl<'a> Loose<'a> {
    /// Works out where each record stands. `again`: its text can be read again from its source, so that
    /// it need not be kept.
    #[must_use]
    pub fn of(block: &'a Block, texts: &Texts, again: bool) -> Loose<'a> {
        let stands = match &block.places {
            Some(places) => stands_of(places, block.columns.len()),
            None => stands(block, texts, again),
        };
        let kept = stands.iter().any(Stand::keeps_text);
        Loose {
            block,
            words: texts.words(),
            stands,
            kept,
        }
    }
}

fn stands_of(places: &Places, rows: usize) -> Vec<Stand> {
    #[allow(clippy::cast_possible_truncation)]
    let stand = |row| Stand {
        line: places.line.get(row),
        offset: places.offset.get(row),
        source: places.source.get(row) as u32,
        length: places.length.get(row) as u32,
        check: places.check.get(row) as u32,
        wording: places.wording.get(row) as u8,
        encoding: places.encoding.get(row) as u8,
    };
    (0..rows).map(stand).collect()
}

fn stands(block: &Block, texts: &Texts, again: bool) -> Vec<Stand> {
    let text = block.origin.text.as_ref();
    // What a record's columns tell is neither kept nor read again.
    let told = text.map_or(0, |text| text.wording);
    let encoding = text.and_then(|text| text.encoding).filter(|_| told == 0);
    let code = encoding.map_or(0, encoding_code);
    let again = again && encoding.is_some_and(|e| !e.is_utf16());
    // Offsets of UTF-16 are counted forwards through the block.
    let mut offsets = Offsets::default();
    let stand = |row| {
        let wanted = texts.wanted(block, row);
        let mut stand = Stand {
            line: block.line(row),
            offset: offsets.of(block, row).unwrap_or(NO_OFFSET),
            source: block.origin.source,
            encoding: if wanted { code } else { 0 },
            wording: if wanted { told } else { 0 },
            ..Stand::default()
        };
        if again
            && wanted
            && let Some((raw, _)) = block.raw(row)
        {
            stand.length = u32::try_from(raw.len()).unwrap_or(0);
            stand.check = check(raw);
        }
        stand
    };
    (0..block.columns.len()).map(stand).collect()
}
