//! The spans of bytes a thread has seen: a hash table that numbers them from 0, so that what they
//! say is worked out once, not once per record.
//!
//! Spans of up to 64 bytes (nearly all) lie in the table filled up with zeros, so a look-up does the
//! same few steps whatever the span: no branch depends on its length, and wide registers are used.

use hashbrown::HashMap;

/// Bytes that must stand behind the beginning of every span in its text.
pub const BEHIND: usize = 64;

/// The longest span that lies in the table itself.
const LONGEST: usize = 64;

/// A span, filled up with zeros.
type Padded = [u64; LONGEST / 8];

/// A table from spans of bytes to numbers 0, 1, … in the order of their coming.
pub struct Cache {
    slots: Vec<Slot>,
    used: u32,
    /// The short spans, by number (those of long ones are unused).
    spans: Vec<Padded>,
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
            spans: Vec::new(),
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

/// The first `len` bytes of `text[start..]`, at most all that a short span has.
#[inline(always)]
fn load(text: &[u8], start: usize, len: usize) -> Padded {
    let (text, select) = (&text[start..start + LONGEST], &SELECT[LONGEST - len..]);
    std::array::from_fn(|i| word(text, 8 * i) & word(select, 8 * i))
}

/// Factors of the hash, odd and without pattern (digits of a splitmix64 sequence).
const FACTORS: Padded = [
    0xE220_A839_7B1D_CDAF,
    0x6E78_9E6A_A1B9_65F5,
    0x06C4_5D18_8009_454F,
    0xF88B_B8A8_724C_81ED,
    0x1B39_896A_51A8_749B,
    0x53CB_9F0C_747E_A2EB,
    0x2C82_9ABE_1F45_32E1,
    0xC584_133A_C916_AB3D,
];

/// Products that do not wait for one another, added up.
#[inline(always)]
fn hash(span: &Padded, len: usize) -> u64 {
    let products: Padded =
        std::array::from_fn(|i| (span[i] ^ span[i] >> 31).wrapping_mul(FACTORS[i]));
    let sum = products
        .iter()
        .fold(len as u64, |sum, &p| sum.wrapping_add(p));
    (sum ^ sum >> 32).wrapping_mul(0xBF58_476D_1CE4_E5B9)
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

/// Spans that are looked up together.
pub const TOGETHER: usize = 64;

/// What [`Cache::find_all`] gives for a span that is not known.
pub const UNKNOWN: u32 = u32::MAX;

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
        self.spans.len() * LONGEST + self.long_bytes
    }

    /// The numbers of the spans `from[i]..to[i]` of `text`, or [`UNKNOWN`]. Step by step for all of
    /// them, without branches, so that the waits for memory overlap.
    ///
    /// # Panics
    /// As [`Cache::find`].
    #[inline(always)]
    pub fn find_all(
        &self,
        text: &[u8],
        from: &[u32; TOGETHER],
        to: &[u32; TOGETHER],
        numbers: &mut [u32; TOGETHER],
    ) {
        if self.is_empty() {
            numbers.fill(UNKNOWN);
            return;
        }
        let (mut homes, mut tags) = ([0u32; TOGETHER], [0u32; TOGETHER]);
        let mut spans = [[0; LONGEST / 8]; TOGETHER];
        for i in 0..TOGETHER {
            let len = (to[i] - from[i]) as usize;
            spans[i] = load(text, from[i] as usize, len.min(LONGEST));
            let hash = hash(&spans[i], len);
            #[allow(clippy::cast_possible_truncation)]
            let home = home(hash) as u32;
            homes[i] = home;
            tags[i] = if len > LONGEST {
                TOO_LONG
            } else {
                tag(hash, len)
            };
        }
        self.candidates(&homes, &tags, numbers);
        for i in 0..TOGETHER {
            let known = &self.spans[numbers[i].saturating_sub(1) as usize];
            let differ = known.iter().zip(&spans[i]).fold(0, |d, (a, b)| d | (a ^ b));
            // All ones if they differ, without a branch: no number but UNKNOWN is left then.
            let differ = (differ | differ.wrapping_neg()).cast_signed() >> 63;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let differ = differ as u32;
            numbers[i] = numbers[i].wrapping_sub(1) | differ;
        }
        for i in 0..TOGETHER {
            if numbers[i] == UNKNOWN {
                let found = self.find(text, from[i] as usize, to[i] as usize);
                numbers[i] = found.unwrap_or(UNKNOWN);
            }
        }
    }

    /// The numbers (plus one) of spans that may be meant, 0 where there is none; their bytes are near
    /// afterwards. Not inlined, so that it is not compiled for instruction sets whose gathers are
    /// slower than single loads.
    #[inline(never)]
    fn candidates(
        &self,
        homes: &[u32; TOGETHER],
        tags: &[u32; TOGETHER],
        numbers: &mut [u32; TOGETHER],
    ) {
        let mask = self.slots.len() - 1;
        let mut touched = 0;
        for i in 0..TOGETHER {
            let home = homes[i] as usize & mask;
            let (first, second) = (self.slots[home], self.slots[(home + 1) & mask]);
            let number = if second.tag == tags[i] {
                second.number
            } else {
                0
            };
            let number = if first.tag == tags[i] {
                first.number
            } else {
                number
            };
            numbers[i] = number;
            touched |= self.spans[number.saturating_sub(1) as usize][0];
        }
        std::hint::black_box(touched);
    }

    /// The number of `text[start..end]`, if it is known.
    ///
    /// # Panics
    /// If fewer than [`BEHIND`] bytes stand behind `start` in `text`.
    #[must_use]
    #[inline(never)]
    pub fn find(&self, text: &[u8], start: usize, end: usize) -> Option<u32> {
        let len = end - start;
        if len > LONGEST {
            return self.find_long(&text[start..end]);
        }
        let span = load(text, start, len);
        let hash = hash(&span, len);
        let (mask, tag) = (self.slots.len() - 1, tag(hash, len));
        let mut i = home(hash) & mask;
        loop {
            let slot = self.slots[i];
            if slot.number == 0 {
                return None;
            }
            if slot.tag == tag && self.spans[slot.number as usize - 1] == span {
                return Some(slot.number - 1);
            }
            i = (i + 1) & mask;
        }
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
            self.spans.push([0; LONGEST / 8]);
            return number;
        }
        #[allow(clippy::cast_possible_truncation)]
        self.lens.push(span.len() as u8);
        let mut padded = [0; LONGEST];
        padded[..span.len()].copy_from_slice(span);
        self.spans
            .push(std::array::from_fn(|i| word(&padded, i * 8)));
        if self.used as usize * 2 > self.slots.len() {
            self.slots = vec![Slot::default(); self.slots.len() * 2];
            (0..self.used).for_each(|number| self.place(number));
        } else {
            self.place(number);
        }
        number
    }

    fn place(&mut self, number: u32) {
        let len = self.lens[number as usize];
        if len == u8::MAX {
            return;
        }
        let len = usize::from(len);
        let hash = hash(&self.spans[number as usize], len);
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
