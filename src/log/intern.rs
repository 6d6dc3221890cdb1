//! The spans of bytes a thread has seen: a hash table that numbers them from 1, so that what they
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

/// A table from spans of bytes to numbers 1, 2, … in the order of their coming.
pub struct Cache {
    /// Where a hash leads to. Four times as many slots as spans, so that hardly any span is not
    /// among the two that its hash leads to.
    slots: Vec<[Slot; 2]>,
    used: u32,
    /// The short spans, by number (those of long ones are unused, as is that of [`UNKNOWN`]).
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
    /// The span's number; [`UNKNOWN`]: empty.
    number: u32,
}

impl Default for Cache {
    fn default() -> Self {
        Cache {
            slots: vec![<[Slot; 2]>::default(); 64],
            used: 0,
            spans: vec![[0; LONGEST / 8]],
            lens: vec![u8::MAX],
            long: HashMap::default(),
            long_bytes: 0,
        }
    }
}

/// Eight bytes as a number, the first lowest.
#[inline(always)]
pub(super) fn word(bytes: &[u8], at: usize) -> u64 {
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
    let mut span = [0; LONGEST / 8];
    for (i, bytes) in span.iter_mut().enumerate() {
        *bytes = word(text, 8 * i) & word(select, 8 * i);
    }
    span
}

/// What the words of a span are mixed with before the hash, without pattern (digits of a splitmix64
/// sequence).
const SALTS: Padded = [
    0xE220_A839_7B1D_CDAF,
    0x6E78_9E6A_A1B9_65F5,
    0x06C4_5D18_8009_454F,
    0xF88B_B8A8_724C_81ED,
    0x1B39_896A_51A8_749B,
    0x53CB_9F0C_747E_A2EB,
    0x2C82_9ABE_1F45_32E1,
    0xC584_133A_C916_AB3D,
];

/// What [`mix`] makes of a span.
type Mixed = [u64; LONGEST / 16];

/// Products of the halves of words, which do not wait for one another, and the words themselves, for
/// those of which a half is 0; each added to that of the word half a span on. Products of 32 bits are
/// what every instruction set has.
#[inline(always)]
fn mix(span: &Padded) -> Mixed {
    let mut products = [0_u64; LONGEST / 8];
    for ((product, &bytes), salt) in products.iter_mut().zip(span).zip(SALTS) {
        let salted = bytes ^ salt;
        *product = ((salted & 0xFFFF_FFFF) * (salted >> 32)).wrapping_add(bytes);
    }
    let (low, high) = products.split_at(LONGEST / 16);
    let mut sums = Mixed::default();
    for ((sum, low), high) in sums.iter_mut().zip(low).zip(high) {
        *sum = low.wrapping_add(*high);
    }
    sums
}

/// The hash of a span of which [`mix`] made this.
#[inline(always)]
fn hash(mixed: &Mixed, len: u32) -> u64 {
    let sum = mixed
        .iter()
        .fold(u64::from(len), |sum, &m| sum.wrapping_add(m));
    (sum ^ sum >> 32).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

/// The tag of a short span.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
fn tag(hash: u64, len: u32) -> u32 {
    hash as u32 & !0x7F | len
}

/// The tag of no span.
const TOO_LONG: u32 = u32::MAX;

#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
fn home(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Spans that are looked up together, at most.
pub const TOGETHER: usize = 64;

/// What [`Cache::find_all`] gives for a span that is not known, or not where it was looked for.
pub const UNKNOWN: u32 = 0;

/// Room for the spans that are looked up together: made once for many look-ups, because to clear it
/// each time costs as much as they do.
pub struct Room {
    spans: [Padded; TOGETHER],
    lens: [u32; TOGETHER],
    mixed: [Mixed; TOGETHER],
    homes: [u32; TOGETHER],
    tags: [u32; TOGETHER],
    numbers: [u32; TOGETHER],
}

impl Default for Room {
    fn default() -> Self {
        Room {
            spans: [[0; LONGEST / 8]; TOGETHER],
            lens: [0; TOGETHER],
            mixed: [Mixed::default(); TOGETHER],
            homes: [0; TOGETHER],
            tags: [0; TOGETHER],
            numbers: [0; TOGETHER],
        }
    }
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
        self.spans.len() * LONGEST + self.long_bytes
    }

    /// The numbers of `count` spans of `text`, at most [`TOGETHER`], of which `span` says where they
    /// begin and end; [`UNKNOWN`] for a few that are known as well: [`Cache::find`] has the last word.
    /// Step by step for all of them, without branches, so that the waits for memory overlap.
    ///
    /// # Panics
    /// As [`Cache::find`].
    #[inline(always)]
    pub fn find_all<'r>(
        &self,
        text: &[u8],
        count: usize,
        span: impl Fn(usize) -> (usize, usize),
        room: &'r mut Room,
    ) -> &'r mut [u32] {
        let count = count.min(TOGETHER);
        for i in 0..count {
            let (from, to) = span(i);
            let len = to - from;
            let span = load(text, from, len.min(LONGEST));
            (room.spans[i], room.mixed[i]) = (span, mix(&span));
            #[allow(clippy::cast_possible_truncation)]
            let len = len as u32;
            room.lens[i] = len;
        }
        for i in 0..count {
            let len = room.lens[i];
            let hash = hash(&room.mixed[i], len);
            room.homes[i] = home(hash);
            room.tags[i] = if len as usize > LONGEST {
                TOO_LONG
            } else {
                tag(hash, len)
            };
        }
        self.candidates(&room.homes[..count], &room.tags[..count], &mut room.numbers);
        for i in 0..count {
            let number = room.numbers[i];
            let same = self.spans[number as usize] == room.spans[i];
            room.numbers[i] = if same { number } else { UNKNOWN };
        }
        &mut room.numbers[..count]
    }

    /// The numbers of spans that may be meant, or [`UNKNOWN`]; their bytes are near afterwards. Not
    /// inlined, so that it is not compiled for instruction sets whose gathers are slower than single
    /// loads.
    #[inline(never)]
    fn candidates(&self, homes: &[u32], tags: &[u32], numbers: &mut [u32; TOGETHER]) {
        let mask = self.slots.len() - 1;
        let mut touched = 0;
        for ((&home, &tag), number) in homes.iter().zip(tags).zip(numbers) {
            let [first, second] = self.slots[home as usize & mask];
            let other = if second.tag == tag {
                second.number
            } else {
                UNKNOWN
            };
            *number = if first.tag == tag {
                first.number
            } else {
                other
            };
            touched |= self.spans[*number as usize][0];
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
        #[allow(clippy::cast_possible_truncation)]
        let len = len as u32;
        let hash = hash(&mix(&span), len);
        let (mask, tag) = (self.slots.len() - 1, tag(hash, len));
        let mut at = home(hash) as usize & mask;
        loop {
            for slot in self.slots[at] {
                if slot.number == UNKNOWN {
                    return None;
                }
                if slot.tag == tag && self.spans[slot.number as usize] == span {
                    return Some(slot.number);
                }
            }
            at = (at + 1) & mask;
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
        let number = self.used.checked_add(1).expect("fewer than 2^32 spans");
        self.used = number;
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
            self.slots = vec![<[Slot; 2]>::default(); self.slots.len() * 2];
            (1..=self.used).for_each(|number| self.place(number));
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
        let len = u32::from(len);
        let hash = hash(&mix(&self.spans[number as usize]), len);
        let mask = self.slots.len() - 1;
        let mut at = home(hash) as usize & mask;
        loop {
            for slot in &mut self.slots[at] {
                if slot.number == UNKNOWN {
                    let tag = tag(hash, len);
                    *slot = Slot { tag, number };
                    return;
                }
            }
            at = (at + 1) & mask;
        }
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
        assert_eq!(
            numbers[..texts.len()],
            (1..=texts.len()).collect::<Vec<_>>()
        );
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

    #[test]
    fn spans_are_looked_up_together_or_one_by_one() {
        let text = |i: usize| format!("{}{i}", "職員".repeat(i % 13));
        let texts: Vec<String> = (0..2000).map(text).chain([String::new()]).collect();
        let (mut bytes, mut spans) = (Vec::new(), Vec::new());
        for text in &texts {
            let from = bytes.len();
            bytes.extend_from_slice(text.as_bytes());
            spans.push((from, bytes.len()));
        }
        bytes.extend_from_slice(&[0; BEHIND]);
        let (mut cache, mut room) = (Cache::default(), Room::default());
        let none = cache.find_all(&bytes, 7, |i| spans[i], &mut room);
        assert_eq!(none, [UNKNOWN; 7]);
        for text in texts.iter().step_by(2) {
            cache.insert(text.as_bytes());
        }
        let mut left = 0;
        for spans in spans.chunks(TOGETHER) {
            let numbers = cache.find_all(&bytes, spans.len(), |i| spans[i], &mut room);
            for (&number, &(from, to)) in numbers.iter().zip(spans) {
                let found = cache.find(&bytes, from, to).unwrap_or(UNKNOWN);
                assert!(number == found || number == UNKNOWN);
                left += usize::from(number != found && to - from <= LONGEST);
            }
        }
        // Short spans that were not where their hash leads to: some, but few.
        assert!(left > 0 && left < texts.len() / 20, "{left}");
    }
}
