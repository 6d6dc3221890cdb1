//! The spans of bytes a thread has seen: a hash table that numbers them from 0, so that what they
//! say is worked out once, not once per record.
//!
//! Spans of up to 64 bytes (nearly all) lie in the table in blocks of sixteen bytes, filled up with
//! zeros, all spans of a table in the same number of blocks. So a look-up does the same few steps
//! whatever the span: no branch depends on its length.

use hashbrown::HashMap;

/// Bytes that must stand behind the beginning of every span in its text.
pub const BEHIND: usize = 64;

/// Bytes of a block.
const BLOCK: usize = 16;

/// The longest span that lies in blocks.
const LONGEST: usize = 4 * BLOCK;

/// A table from spans of bytes to numbers 0, 1, … in the order of their coming.
pub struct Cache {
    slots: Vec<Slot>,
    used: u32,
    /// Blocks of a short span.
    blocks: usize,
    /// Words of the short spans, by number (those of long ones are unused).
    words: Vec<u64>,
    /// The length of each span, by number.
    lens: Vec<u8>,
    long: HashMap<Box<[u8]>, u32, foldhash::fast::RandomState>,
    long_bytes: usize,
}

/// Of a short span.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// Of the hash, with the length in the low bits.
    tag: u32,
    /// The span's number plus one; 0: empty.
    number: u32,
}

impl Default for Cache {
    fn default() -> Self {
        Cache {
            slots: vec![Slot::default(); 64],
            used: 0,
            blocks: 1,
            words: Vec::new(),
            lens: Vec::new(),
            long: HashMap::default(),
            long_bytes: 0,
        }
    }
}

#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// A window of 64 bytes that begins `len` bytes before the middle selects `len` bytes.
static SELECT: [u8; 2 * LONGEST] = {
    let mut bytes = [0; 2 * LONGEST];
    let mut i = 0;
    while i < LONGEST {
        bytes[i] = 0xFF;
        i += 1;
    }
    bytes
};

/// The first `len` bytes of `text[start..]`, filled up with zeros to `W` words.
#[inline(always)]
fn load<const W: usize>(text: &[u8], start: usize, len: usize) -> [u64; W] {
    let (text, select) = (&text[start..start + 8 * W], &SELECT[LONGEST - len..]);
    std::array::from_fn(|i| word(text, 8 * i) & word(select, 8 * i))
}

/// Products of two words each, which do not wait for one another.
#[inline(always)]
fn hash<const W: usize>(words: &[u64; W], len: usize) -> u64 {
    let mut sum = len as u64;
    for (i, pair) in words.chunks_exact(2).enumerate() {
        let with = (i as u64).wrapping_mul(0xA24B_AED4_963E_E407);
        let product = u128::from(pair[0] ^ 0x9E37_79B9_7F4A_7C15 ^ with)
            * u128::from(pair[1] ^ 0xD1B5_4A32_D192_ED03 ^ with);
        #[allow(clippy::cast_possible_truncation)]
        let folded = product as u64 ^ (product >> 64) as u64;
        sum = sum.wrapping_add(folded);
    }
    (sum ^ sum >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
fn tag(hash: u64, len: usize) -> u32 {
    hash as u32 & !0x7F | len as u32
}

/// The tag of no span.
const TOO_LONG: u32 = u32::MAX;

#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
fn home(hash: u64) -> usize {
    (hash >> 32) as usize
}

/// Runs `$body` with `W`, the words of a short span, as a constant.
macro_rules! by_words {
    ($blocks:expr, $w:ident => $body:expr) => {
        match $blocks {
            1 => {
                const $w: usize = 2;
                $body
            }
            2 => {
                const $w: usize = 4;
                $body
            }
            3 => {
                const $w: usize = 6;
                $body
            }
            _ => {
                const $w: usize = 8;
                $body
            }
        }
    };
}

/// Spans that are looked up together.
pub const TOGETHER: usize = 64;

/// What [`Finder::find_all`] gives for a span that is not known.
pub const UNKNOWN: u32 = u32::MAX;

/// Looks spans up in a table of one width.
pub struct Finder<'a, const W: usize>(&'a Cache);

impl<const W: usize> Finder<'_, W> {
    /// The numbers of the spans `from[i]..to[i]` of `text`, or [`UNKNOWN`]. Step by step for all of
    /// them, without branches, so that the waits for memory overlap.
    #[inline(always)]
    pub fn find_all(
        &self,
        text: &[u8],
        from: &[u32; TOGETHER],
        to: &[u32; TOGETHER],
        numbers: &mut [u32; TOGETHER],
    ) {
        let cache = self.0;
        if cache.words.is_empty() {
            numbers.fill(UNKNOWN);
            return;
        }
        let (mut homes, mut tags) = ([0u32; TOGETHER], [0u32; TOGETHER]);
        let mut spans = [[0u64; W]; TOGETHER];
        for i in 0..TOGETHER {
            let len = (to[i] - from[i]) as usize;
            spans[i] = load(text, from[i] as usize, len.min(W * 8));
            let hash = hash(&spans[i], len);
            #[allow(clippy::cast_possible_truncation)]
            let home = home(hash) as u32;
            homes[i] = home;
            tags[i] = if len > W * 8 {
                TOO_LONG
            } else {
                tag(hash, len)
            };
        }
        let mask = cache.slots.len() - 1;
        for i in 0..TOGETHER {
            let home = homes[i] as usize & mask;
            let (first, second) = (cache.slots[home], cache.slots[(home + 1) & mask]);
            let number = if second.tag == tags[i] {
                second.number
            } else {
                0
            };
            numbers[i] = if first.tag == tags[i] {
                first.number
            } else {
                number
            };
        }
        for i in 0..TOGETHER {
            let number = numbers[i];
            let at = number.saturating_sub(1) as usize * W;
            let known: &[u64; W] = cache.words[at..at + W].try_into().expect("W words");
            let differ = known.iter().zip(&spans[i]).fold(0, |d, (a, b)| d | (a ^ b));
            // All ones if they differ, without a branch: no number but UNKNOWN is left then.
            let differ = (differ | differ.wrapping_neg()).cast_signed() >> 63;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let differ = differ as u32;
            numbers[i] = number.wrapping_sub(1) | differ;
        }
        for i in 0..TOGETHER {
            if numbers[i] == UNKNOWN {
                let found = cache.find(text, from[i] as usize, to[i] as usize);
                numbers[i] = found.unwrap_or(UNKNOWN);
            }
        }
    }

    /// The number of `text[start..end]`, if it is known.
    #[inline(always)]
    pub fn find(&self, text: &[u8], start: usize, end: usize) -> Option<u32> {
        let (cache, len) = (self.0, end - start);
        if len > W * 8 {
            return cache.find_long(&text[start..end]);
        }
        let words: [u64; W] = load(text, start, len);
        let hash = hash(&words, len);
        let (mask, tag) = (cache.slots.len() - 1, tag(hash, len));
        let mut i = home(hash) & mask;
        loop {
            let slot = cache.slots[i];
            if slot.tag == tag && slot.number != 0 {
                let at = (slot.number as usize - 1) * W;
                let known: &[u64; W] = cache.words[at..at + W].try_into().expect("W words");
                if known.iter().zip(&words).fold(0, |d, (a, b)| d | (a ^ b)) == 0 {
                    return Some(slot.number - 1);
                }
            } else if slot.number == 0 {
                return None;
            }
            i = (i + 1) & mask;
        }
    }
}

/// What [`Cache::each`] does with spans.
pub trait Spans {
    /// Goes on with the look-ups through a finder, until it meets a span that is not known; whether
    /// it met one.
    fn look_up<const W: usize>(&mut self, finder: &Finder<'_, W>) -> bool;
    /// Adds the span it met.
    fn learn(&mut self, cache: &mut Cache);
}

impl Cache {
    /// The number of spans.
    #[must_use]
    pub fn len(&self) -> usize {
        self.used as usize
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Bytes that the spans take, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.words.len() * 8 + self.long_bytes
    }

    /// Looks many spans up.
    #[inline(always)]
    pub fn each(&mut self, spans: &mut impl Spans) {
        while by_words!(self.blocks, W => spans.look_up(&Finder::<W>(self))) {
            spans.learn(self);
        }
    }

    /// The number of `text[start..end]`, if it is known.
    ///
    /// # Panics
    /// If fewer than [`BEHIND`] bytes stand behind `start` in `text`.
    #[must_use]
    #[inline(never)]
    pub fn find(&self, text: &[u8], start: usize, end: usize) -> Option<u32> {
        by_words!(self.blocks, W => Finder::<W>(self).find(text, start, end))
    }

    #[inline(never)]
    fn find_long(&self, span: &[u8]) -> Option<u32> {
        self.long.get(span).copied()
    }

    /// Numbers a span that is not known yet.
    ///
    /// # Panics
    /// With 2³² spans.
    #[cold]
    pub fn insert(&mut self, span: &[u8]) -> u32 {
        let number = self.used;
        self.used = number.checked_add(1).expect("fewer than 2^32 spans");
        if span.len() > LONGEST {
            self.long.insert(span.into(), number);
            self.long_bytes += span.len();
            self.lens.push(u8::MAX);
            self.words.resize(self.used as usize * self.blocks * 2, 0);
            return number;
        }
        let blocks = span.len().div_ceil(BLOCK).max(self.blocks);
        #[allow(clippy::cast_possible_truncation)]
        self.lens.push(span.len() as u8);
        if blocks > self.blocks {
            self.widen(blocks);
        }
        let mut padded = [0; LONGEST];
        padded[..span.len()].copy_from_slice(span);
        let words = (0..self.blocks * 2).map(|i| word(&padded, i * 8));
        self.words.extend(words);
        if self.used as usize * 2 > self.slots.len() {
            self.place_all(self.slots.len() * 2);
        } else {
            self.place(number);
        }
        number
    }

    /// Makes room for spans of `blocks` blocks. The last number's words are not there yet.
    fn widen(&mut self, blocks: usize) {
        let mut wide = Vec::with_capacity(self.words.len() / self.blocks * blocks);
        for words in self.words.chunks_exact(self.blocks * 2) {
            wide.extend_from_slice(words);
            wide.resize(wide.len() + (blocks - self.blocks) * 2, 0);
        }
        self.words = wide;
        self.blocks = blocks;
        let last = self.lens.pop();
        self.place_all(self.slots.len());
        self.lens.extend(last);
    }

    fn place_all(&mut self, slots: usize) {
        self.slots = vec![Slot::default(); slots];
        for number in (0u32..).take(self.lens.len()) {
            self.place(number);
        }
    }

    fn place(&mut self, number: u32) {
        let len = self.lens[number as usize];
        if len == u8::MAX {
            return;
        }
        let len = usize::from(len);
        let at = number as usize * self.blocks * 2;
        let hash = by_words!(self.blocks, W => {
            let words: &[u64; W] = self.words[at..at + W].try_into().expect("W words");
            hash(words, len)
        });
        let mask = self.slots.len() - 1;
        let mut i = home(hash) & mask;
        while self.slots[i].number != 0 {
            i = (i + 1) & mask;
        }
        self.slots[i] = Slot {
            tag: tag(hash, len),
            number: number + 1,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(texts: &[String]) {
        let mut cache = Cache::default();
        let mut numbers = Vec::new();
        for round in 0..2 {
            for (i, text) in texts.iter().enumerate() {
                let behind = "behind".repeat(11 + round);
                let padded = format!("{i:3}{text}{behind}");
                let (bytes, end) = (padded.as_bytes(), padded.len() - behind.len());
                let start = end - text.len();
                let number = cache.find(bytes, start, end);
                numbers.push(number.unwrap_or_else(|| cache.insert(text.as_bytes())) as usize);
            }
        }
        assert_eq!(cache.len(), texts.len());
        assert_eq!(numbers[..texts.len()], (0..texts.len()).collect::<Vec<_>>());
        assert_eq!(numbers[..texts.len()], numbers[texts.len()..]);
    }

    #[test]
    fn every_span_has_one_number() {
        let any =
            |i: usize| "職員の名前と所属".repeat(i % 4) + &"x".repeat(i % 37) + &i.to_string();
        let odd = [String::new(), "a".into(), "a\0".into(), "\0".into()];
        let mut texts: Vec<String> = (0..3000).map(any).chain(odd).collect();
        numbers(&texts);
        texts.reverse();
        numbers(&texts);
        texts.sort_by_key(String::len);
        numbers(&texts);
    }
}
