//! The values a thread has seen, by their raw bytes: a small hash table in front of the scan's
//! dictionaries, so that a value is decoded and normalised once, not once per record.

/// Values, and bytes of long ones, beyond which a table starts anew: memory stays bounded.
const MOST: usize = 1 << 20;
const MOST_BYTES: usize = 1 << 28;

/// A table from raw bytes to a number. One per thread, field and encoding.
pub struct Cache {
    slots: Vec<Slot>,
    used: usize,
    long: Vec<u8>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    low: u64,
    high: u64,
    value: u64,
    /// Start of the bytes in `long`, for more than 16 of them.
    long: u32,
    /// Length plus one; 0: empty.
    len: u32,
}

impl Default for Cache {
    fn default() -> Self {
        Cache {
            slots: vec![Slot::default(); 64],
            used: 0,
            long: Vec::new(),
        }
    }
}

#[inline(always)]
fn word(text: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(text[at..at + 8].try_into().expect("eight bytes"))
}

#[inline(always)]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9E37_79B9_7F4A_7C15) * u128::from(b ^ 0xD1B5_4A32_D192_ED03);
    #[allow(clippy::cast_possible_truncation)]
    let folded = product as u64 ^ (product >> 64) as u64;
    folded
}

impl Cache {
    /// The number of `text[start..end]`; `miss` gives it the first time. At least 8 more bytes must
    /// stand behind `end` in `text`.
    #[inline]
    pub fn get(
        &mut self,
        text: &[u8],
        start: usize,
        end: usize,
        miss: impl FnOnce(&[u8]) -> u64,
    ) -> u64 {
        let len = end - start;
        let (low, high) = if len <= 8 {
            let shift = 64 - 8 * len;
            (
                if len == 0 {
                    0
                } else {
                    word(text, start) << shift >> shift
                },
                0,
            )
        } else {
            (word(text, start), word(text, end - 8))
        };
        let mut hash = mix(low ^ (len as u64) << 56, high);
        if len > 16 {
            let mut at = start + 8;
            while at + 8 < end {
                hash = mix(hash, word(text, at));
                at += 8;
            }
        }
        let mask = self.slots.len() - 1;
        #[allow(clippy::cast_possible_truncation)]
        let mut i = hash as usize & mask;
        loop {
            let slot = &self.slots[i];
            if slot.len as usize == len + 1
                && slot.low == low
                && slot.high == high
                && (len <= 16 || self.long[slot.long as usize..][..len] == text[start..end])
            {
                return slot.value;
            }
            if slot.len == 0 {
                break;
            }
            i = (i + 1) & mask;
        }
        let value = miss(&text[start..end]);
        self.insert(&text[start..end], hash, low, high, value);
        value
    }

    #[cold]
    fn insert(&mut self, raw: &[u8], hash: u64, low: u64, high: u64, value: u64) {
        if self.used >= MOST || self.long.len() >= MOST_BYTES {
            *self = Cache::default();
        }
        #[allow(clippy::cast_possible_truncation)]
        let long = self.long.len() as u32;
        if raw.len() > 16 {
            self.long.extend_from_slice(raw);
        }
        if self.used * 2 >= self.slots.len() {
            self.grow();
        }
        #[allow(clippy::cast_possible_truncation)]
        let slot = Slot {
            low,
            high,
            value,
            long,
            len: raw.len() as u32 + 1,
        };
        self.place(slot, hash);
        self.used += 1;
    }

    fn place(&mut self, slot: Slot, hash: u64) {
        let mask = self.slots.len() - 1;
        #[allow(clippy::cast_possible_truncation)]
        let mut i = hash as usize & mask;
        while self.slots[i].len != 0 {
            i = (i + 1) & mask;
        }
        self.slots[i] = slot;
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 4;
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); size]);
        for slot in old.into_iter().filter(|s| s.len != 0) {
            let len = slot.len as usize - 1;
            let mut hash = mix(slot.low ^ (len as u64) << 56, slot.high);
            if len > 16 {
                let raw = &self.long[slot.long as usize..][..len];
                let mut at = 8;
                while at + 8 < len {
                    hash = mix(hash, word(raw, at));
                    at += 8;
                }
            }
            self.place(slot, hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_one_number() {
        let mut cache = Cache::default();
        let mut next = 0;
        let texts: Vec<String> = (0..3000)
            .map(|i| "職員の名前と所属".repeat(i % 4) + &"x".repeat(i % 37) + &i.to_string())
            .chain([String::new(), "a".into(), "a\0".into(), "\0".into()])
            .collect();
        let mut numbers = Vec::new();
        for _ in 0..2 {
            for text in &texts {
                let padded = format!("  {text}12345678");
                let value = cache.get(padded.as_bytes(), 2, 2 + text.len(), |raw| {
                    assert_eq!(raw, text.as_bytes());
                    next += 1;
                    next
                });
                numbers.push(value);
            }
        }
        assert_eq!(next, texts.len() as u64);
        assert_eq!(numbers[..texts.len()], numbers[texts.len()..]);
    }
}
