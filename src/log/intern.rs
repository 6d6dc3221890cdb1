//! The spans of bytes a thread has seen: a hash table that says of each what was worked out when it
//! first came, so that it is worked out once, not once per record.
//!
//! What a span is told by, and what it says, lie side by side in one entry, mostly a line of the cache: a
//! look-up waits for memory once. Spans are looked up many at a time, step by step for all of them and
//! without branches, so that these waits overlap; the text is compared where it stands.

use hashbrown::HashMap;

use super::scan::{self, SALTS, SELECT, fold, word};

/// Bytes that must stand behind the beginning of every span in its text.
pub const BEHIND: usize = scan::LONGEST_KEY;

/// Words of an entry for spans that are short, as most are.
pub const NARROW: usize = 6;

/// Words of an entry for longer ones.
pub const WIDE: usize = BEHIND / 8;

/// Entries of a table that may be three quarters empty; a larger one is half empty at most.
const SPARSE: usize = 1 << 14;

/// A table from spans of bytes to what they say, whose entries have so many words for a span.
pub struct Cache<const WORDS: usize, V> {
    /// Where a hash leads to, or behind that, with free ones between. Their number is a power of two.
    entries: Vec<Entry<WORDS, V>>,
    used: usize,
    /// Spans that no entry has place for.
    long: HashMap<Box<[u8]>, V, foldhash::fast::RandomState>,
    long_bytes: usize,
    /// Whether hashes are of whole spans, not of their ends alone.
    whole: bool,
}

/// A span and what it says; without any bit, a free entry.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Entry<const WORDS: usize, V> {
    key: [u64; WORDS],
    value: V,
}

impl<const WORDS: usize, V: Default> Default for Entry<WORDS, V> {
    fn default() -> Self {
        Entry {
            key: [0; WORDS],
            value: V::default(),
        }
    }
}

impl<const WORDS: usize, V> Entry<WORDS, V> {
    /// The bits behind the span: see [`marked`].
    #[inline(always)]
    fn mark(&self) -> u64 {
        self.key[WORDS - 1] >> MARK
    }

    /// The span, with zeros behind it, and its length.
    fn span(&self) -> ([u8; 2 * BEHIND], usize) {
        let len = (self.mark() & 0xFF) as usize - 1;
        let mut padded = [0; 2 * BEHIND];
        for (bytes, word) in padded.chunks_exact_mut(8).zip(self.key) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        padded[len..].fill(0);
        (padded, len)
    }
}

/// Where the mark of a span begins in the last word of a key.
const MARK: u32 = 48;

/// A hash with a mark in its highest bits, which tells spans apart at a look: some bits of the hash, and
/// the length, which is never 0 here.
#[inline(always)]
fn marked(hash: u64, len: usize) -> u64 {
    hash & !(0xFF << MARK) | ((len as u64 + 1) & 0xFF) << MARK
}

/// The key of the span of `len` bytes at `text[from..]`, which an entry has place for.
#[inline(always)]
fn key<const WORDS: usize>(text: &[u8], from: usize, len: usize, marked: u64) -> [u64; WORDS] {
    let text = &text[from..from + 8 * WORDS];
    let select = &SELECT[BEHIND - len..][..8 * WORDS];
    let mut key = [0; WORDS];
    for (i, bytes) in key.iter_mut().enumerate() {
        *bytes = word(text, 8 * i) & word(select, 8 * i);
    }
    key[WORDS - 1] |= marked >> MARK << MARK;
    key
}

/// The hash of the span of `len` bytes at `text[from..]`: of sixteen bytes at either end, which tell
/// nearly all spans apart.
#[inline(always)]
fn hash_of_ends(isa: impl scan::Isa, text: &[u8], from: usize, len: usize) -> u64 {
    if len >= 16 {
        let span = &text[from..from + len];
        let (head, tail) = (span.first_chunk(), span.last_chunk());
        return isa.hash(head.expect("16 bytes"), tail.expect("16 bytes"), len as u64);
    }
    let (span, select) = (&text[from..from + 16], &SELECT[BEHIND - len..][..16]);
    let mut head = [0; 16];
    for (to, (byte, select)) in head.iter_mut().zip(span.iter().zip(select)) {
        *to = byte & select;
    }
    isa.hash(&head, &[0; 16], len as u64)
}

/// The same of all its bytes.
#[inline(always)]
fn hash_of_all(isa: impl scan::Isa, text: &[u8], from: usize, len: usize) -> u64 {
    let span = &text[from..from + len];
    let mut hash = hash_of_ends(isa, text, from, len);
    let middle = span.get(16..len.max(32) - 16).unwrap_or_default();
    for bytes in middle.chunks(8) {
        let mut padded = [0; 8];
        padded[..bytes.len()].copy_from_slice(bytes);
        hash = fold(hash ^ SALTS[2], u64::from_le_bytes(padded) ^ SALTS[1]);
    }
    hash
}

/// The hash of one span: of all its bytes or of its ends.
struct HashOne<'a>(&'a [u8], usize, usize, bool);

impl scan::HotBy for HashOne<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<I: scan::Isa>(self, isa: I) -> u64 {
        let HashOne(text, from, len, whole) = self;
        if whole {
            hash_of_all(isa, text, from, len)
        } else {
            hash_of_ends(isa, text, from, len)
        }
    }
}

/// Spans that are looked up together, at most.
pub const TOGETHER: usize = 64;

/// Room for the spans that are looked up together: made once for many look-ups, because to clear it
/// each time costs as much as they do.
pub struct Room<V> {
    /// Where the spans begin, and where they end, which is not before; of those that are looked up.
    pub spans: [(u32, u32); TOGETHER],
    /// [`marked`].
    hashes: [u64; TOGETHER],
    places: [u32; TOGETHER],
    values: [V; TOGETHER],
    known: [bool; TOGETHER],
}

impl<V: Copy + Default> Default for Room<V> {
    fn default() -> Self {
        Room {
            spans: [(0, 0); TOGETHER],
            hashes: [0; TOGETHER],
            places: [0; TOGETHER],
            values: [V::default(); TOGETHER],
            known: [false; TOGETHER],
        }
    }
}

/// Hashes of spans, [`marked`]: of all their bytes or of their ends.
struct Hash<'a, V, const WHOLE: bool>(&'a [u8], &'a mut Room<V>, usize);

impl<V, const WHOLE: bool> scan::HotBy for Hash<'_, V, WHOLE> {
    type Output = ();

    #[inline(always)]
    fn run<I: scan::Isa>(self, isa: I) {
        let Hash(text, room, count) = self;
        for (&(from, to), hashed) in room.spans[..count].iter().zip(&mut room.hashes) {
            let len = (to - from) as usize;
            let hash = HashOne(text, from as usize, len, WHOLE).run(isa);
            *hashed = marked(hash, len);
        }
    }
}

/// Whether spans are those of the entries that were chosen, and what these say; whether all are.
struct Compare<'a, const WORDS: usize, V>(&'a Cache<WORDS, V>, &'a [u8], &'a mut Room<V>, usize);

impl<const WORDS: usize, V: Copy + Default> scan::HotBy for Compare<'_, WORDS, V> {
    type Output = bool;

    #[inline(always)]
    fn run<I: scan::Isa>(self, isa: I) -> bool {
        let Compare(cache, text, room, count) = self;
        let longest = Cache::<WORDS, V>::LONGEST;
        let last = cache.entries.len() - 1;
        let mut all = true;
        for i in 0..count.min(TOGETHER) {
            let (from, to) = room.spans[i];
            let (from, len) = (from as usize, (to - from) as usize);
            let entry = &cache.entries[room.places[i] as usize & last];
            #[allow(clippy::cast_possible_truncation)]
            let mark = (room.hashes[i] >> MARK) as u16;
            let same = isa.same(&text[from..], len.min(longest), mark, &entry.key);
            room.known[i] = same && len <= longest;
            room.values[i] = entry.value;
            all &= room.known[i];
        }
        all
    }
}

/// What [`Cache::find_all`] found.
pub struct Found<'a, V> {
    /// By span; of those that were not found, any.
    pub values: &'a mut [V],
    /// Whether a span was found at once. ([`Cache::find`] has the last word.)
    pub known: &'a [bool],
    /// Whether all were.
    pub all: bool,
}

impl<const WORDS: usize, V: Copy + Default> Default for Cache<WORDS, V> {
    fn default() -> Self {
        Cache {
            entries: vec![Entry::default(); 64],
            used: 0,
            long: HashMap::default(),
            long_bytes: 0,
            whole: false,
        }
    }
}

impl<const WORDS: usize, V: Copy + Default> Cache<WORDS, V> {
    /// The longest span that an entry has place for.
    pub const LONGEST: usize = 8 * WORDS - 2;

    /// The number of spans.
    #[must_use]
    pub fn len(&self) -> usize {
        self.used + self.long.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the spans take, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.entries.len() * size_of::<Entry<WORDS, V>>() + self.long_bytes
    }

    /// Whether hashes are of whole spans.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// What the first `count` spans of a room say, at most [`TOGETHER`], which lie in `text`; for a few that
    /// are known as well, nothing.
    ///
    /// # Panics
    /// As [`Cache::find`], or if a span ends before it begins.
    #[inline(always)]
    pub fn find_all<'r>(&self, text: &[u8], count: usize, room: &'r mut Room<V>) -> Found<'r, V> {
        let count = count.min(TOGETHER);
        if self.whole {
            scan::hot_by(Hash::<V, true>(text, &mut *room, count));
        } else {
            scan::hot_by(Hash::<V, false>(text, &mut *room, count));
        }
        self.choose(&room.hashes[..count], &mut room.places);
        let all = scan::hot_by(Compare(self, text, &mut *room, count));
        Found {
            all,
            values: &mut room.values[..count],
            known: &room.known[..count],
        }
    }

    /// Of the two entries that a span is mostly in, the second if the first has another mark. They are
    /// near afterwards. Not inlined, so that it is not compiled for instruction sets whose gathers are
    /// slower than single loads.
    #[inline(never)]
    #[allow(clippy::cast_possible_truncation)]
    fn choose(&self, hashes: &[u64], places: &mut [u32; TOGETHER]) {
        let mask = self.entries.len() - 1;
        for (&marked, place) in hashes.iter().zip(places) {
            let first = marked as usize & mask;
            let other = self.entries[first].mark() != marked >> MARK;
            *place = first as u32 + u32::from(other);
        }
    }

    #[inline(always)]
    fn hash(&self, text: &[u8], from: usize, len: usize) -> u64 {
        scan::hot_by(HashOne(text, from, len, self.whole))
    }

    /// What `text[start..end]` says, if it is known.
    ///
    /// # Panics
    /// If fewer than [`BEHIND`] bytes stand behind `start` in `text`.
    #[must_use]
    #[inline(never)]
    pub fn find(&self, text: &[u8], start: usize, end: usize) -> Option<V> {
        let len = end - start;
        if len > Self::LONGEST {
            return self.long.get(&text[start..end]).copied();
        }
        let hash = self.hash(text, start, len);
        let key = key(text, start, len, marked(hash, len));
        let at = self.place(hash, &key);
        (self.entries[at].key == key).then(|| self.entries[at].value)
    }

    /// Where the entry of a key is, or would be.
    #[allow(clippy::cast_possible_truncation)]
    fn place(&self, hash: u64, key: &[u64; WORDS]) -> usize {
        let mask = self.entries.len() - 1;
        let mut at = hash as usize & mask;
        while self.entries[at].mark() != 0 && self.entries[at].key != *key {
            at = (at + 1) & mask;
        }
        at
    }

    /// Notes what a span says that is not known yet.
    #[cold]
    pub fn insert(&mut self, span: &[u8], value: V) {
        if span.len() > Self::LONGEST {
            self.long.insert(span.into(), value);
            self.long_bytes += span.len();
            return;
        }
        let full = self.used * if self.entries.len() < SPARSE { 4 } else { 2 };
        if full >= self.entries.len() {
            self.place_anew(self.entries.len() * 2);
        }
        let mut padded = [0; 2 * BEHIND];
        padded[..span.len()].copy_from_slice(span);
        if !self.put(&padded, span.len(), value) && self.entries.len() < SPARSE {
            self.place_anew(self.entries.len() * 2);
        }
    }

    /// Puts a span that is not known yet into the table; whether it will be found at once.
    #[allow(clippy::cast_possible_truncation)]
    fn put(&mut self, padded: &[u8], len: usize, value: V) -> bool {
        let hash = self.hash(padded, 0, len);
        let key = key(padded, 0, len, marked(hash, len));
        let mask = self.entries.len() - 1;
        let (home, mut at) = (hash as usize & mask, self.place(hash, &key));
        // Only where its hash leads to and behind that is it found at once. What is where its own hash
        // leads to may stand one further as well.
        while (at.wrapping_sub(home) & mask) > 1 {
            let before = at.wrapping_sub(1) & mask;
            let (padded, len) = self.entries[before].span();
            if self.hash(&padded, 0, len) as usize & mask != before {
                break;
            }
            self.entries[at] = self.entries[before];
            at = before;
        }
        self.entries[at] = Entry { key, value };
        self.used += 1;
        (at.wrapping_sub(home) & mask) <= 1
    }

    /// Places the entries in as many as these.
    fn place_anew(&mut self, entries: usize) {
        let old = std::mem::replace(&mut self.entries, vec![Entry::default(); entries]);
        self.used = 0;
        for entry in old.iter().filter(|entry| entry.mark() != 0) {
            let (padded, len) = entry.span();
            self.put(&padded, len, entry.value);
        }
    }

    /// Goes over to hashes of whole spans: the ends of too many are alike.
    pub fn look_at_all(&mut self) {
        self.whole = true;
        self.place_anew(self.entries.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text of spans, and where they stand.
    fn text_of(texts: &[String]) -> (Vec<u8>, Vec<(usize, usize)>) {
        let (mut bytes, mut spans) = (b"before".to_vec(), Vec::new());
        for text in texts {
            let from = bytes.len();
            bytes.extend_from_slice(text.as_bytes());
            spans.push((from, bytes.len()));
        }
        bytes.extend_from_slice("behind".repeat(BEHIND).as_bytes());
        (bytes, spans)
    }

    fn values<const WORDS: usize>(texts: &[String], whole: bool) {
        let mut cache = Cache::<WORDS, u32>::default();
        for _ in 0..2 {
            let (bytes, spans) = text_of(texts);
            for (number, &(start, end)) in (1..).zip(&spans) {
                match cache.find(&bytes, start, end) {
                    Some(found) => assert_eq!(found, number),
                    None => cache.insert(&bytes[start..end], number),
                }
            }
            assert_eq!(cache.len(), texts.len());
            if whole {
                cache.look_at_all();
                assert!(cache.is_whole());
            }
        }
        let (bytes, spans) = text_of(texts);
        for (number, &(start, end)) in (1..).zip(&spans) {
            assert_eq!(cache.find(&bytes, start, end), Some(number));
        }
    }

    /// Texts of many lengths, some of whose ends are alike.
    fn many(n: usize) -> Vec<String> {
        let any = |i: usize| {
            let ends = "職員の名前と所属".repeat(i % 5);
            format!("{ends}{}{i}{}", "x".repeat(i % 37), "y".repeat(i % 20))
        };
        let odd = [String::new(), "a".into(), "a\0".into(), "\0".into()];
        (0..n).map(any).chain(odd).collect()
    }

    #[test]
    fn every_span_has_one_value() {
        let mut texts = many(3000);
        for whole in [false, true] {
            values::<NARROW>(&texts, whole);
            values::<WIDE>(&texts, whole);
            texts.reverse();
            values::<NARROW>(&texts, whole);
            texts.sort_by_key(String::len);
            values::<WIDE>(&texts, whole);
        }
        let lens = [45, 46, 47, 109, 110, 111, 112, 300];
        let texts: Vec<String> = lens.map(|len| "z".repeat(len)).to_vec();
        values::<NARROW>(&texts, false);
        values::<WIDE>(&texts, false);
    }

    fn find_all<'r, const WORDS: usize>(
        cache: &Cache<WORDS, u32>,
        bytes: &[u8],
        spans: &[(usize, usize)],
        room: &'r mut Room<u32>,
    ) -> Found<'r, u32> {
        for (to, &(start, end)) in room.spans.iter_mut().zip(spans) {
            *to = (u32::try_from(start).unwrap(), u32::try_from(end).unwrap());
        }
        cache.find_all(bytes, spans.len(), room)
    }

    fn together<const WORDS: usize>(whole: bool) {
        let texts = many(2000);
        let (bytes, spans) = text_of(&texts);
        let (mut cache, mut room) = (Cache::<WORDS, u32>::default(), Room::default());
        let none = find_all(&cache, &bytes, &spans[..7], &mut room);
        assert_eq!(none.known, [false; 7]);
        for (number, text) in (0..).zip(&texts).step_by(2) {
            cache.insert(text.as_bytes(), number);
        }
        if whole {
            cache.look_at_all();
        }
        let (mut left, mut short) = (0, 0);
        for spans in spans.chunks(TOGETHER) {
            let found = find_all(&cache, &bytes, spans, &mut room);
            assert_eq!(found.all, !found.known.contains(&false));
            for ((&value, &known), &(from, to)) in found.values.iter().zip(found.known).zip(spans) {
                let expected = cache.find(&bytes, from, to);
                assert!(!known || expected == Some(value));
                if to - from <= Cache::<WORDS, u32>::LONGEST && expected.is_some() {
                    left += usize::from(!known);
                    short += 1;
                }
            }
        }
        // Short spans that were not where their hash leads to: hardly any.
        assert!(left < short / 100, "{left} of {short}");
    }

    #[test]
    fn spans_are_looked_up_together_or_one_by_one() {
        together::<NARROW>(true);
        together::<WIDE>(true);
    }

    #[test]
    fn spans_whose_ends_are_alike_are_told_apart() {
        let text = |i: usize| format!("{}{i:06}{}", "a".repeat(16), "b".repeat(16));
        let texts: Vec<String> = (0..500).map(text).collect();
        let (bytes, spans) = text_of(&texts);
        let (mut cache, mut room) = (Cache::<NARROW, u32>::default(), Room::default());
        for (number, text) in (0..).zip(&texts) {
            cache.insert(text.as_bytes(), number);
        }
        let mut known = |cache: &Cache<NARROW, u32>| {
            let all = spans.chunks(TOGETHER).map(|spans| {
                let found = find_all(cache, &bytes, spans, &mut room);
                found.known.iter().filter(|known| **known).count()
            });
            all.sum::<usize>()
        };
        assert!(known(&cache) < 5);
        cache.look_at_all();
        assert!(known(&cache) > 450);
    }
}
