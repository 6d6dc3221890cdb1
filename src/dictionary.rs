//! Distinct values of the text fields, once for a whole scan.
//!
//! A value has one id whatever source, encoding or thread it came from: identity is by decoded text.
//! Ids count from 1; 0 is null everywhere. Values with undecodable bytes are told apart by those.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use hashbrown::HashMap;
use unicode_normalization::UnicodeNormalization;

use crate::log::wording::{Wording, Wordings};
use crate::policy::{Normalise, NormaliseField};
use crate::record::Field;

/// Id of a distinct value, 0 for null.
pub type Id = u32;

/// Text fields that are kept as ids of a dictionary, in column order.
pub const ID_FIELDS: [Field; 6] = [
    Field::User,
    Field::UserName,
    Field::Department,
    Field::Terminal,
    Field::System,
    Field::Operation,
];

/// The column of an id field in a block.
#[must_use]
pub fn id_column(field: Field) -> Option<usize> {
    ID_FIELDS.iter().position(|&f| f == field)
}

/// The distinct values of one field.
#[derive(Default)]
pub struct Dictionary {
    inner: RwLock<Values>,
}

/// The values behind a [`Dictionary`].
#[derive(Default)]
pub struct Values {
    texts: Vec<Box<str>>,
    replaced: Vec<u32>,
    /// Raw bytes of values with undecodable ones.
    raw: HashMap<Id, Box<[u8]>, foldhash::fast::RandomState>,
    ids: HashMap<Box<[u8]>, Id, foldhash::fast::RandomState>,
}

impl Values {
    /// The number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The text of an id; none for null.
    #[must_use]
    pub fn text(&self, id: Id) -> Option<&str> {
        self.texts
            .get((id as usize).wrapping_sub(1))
            .map(AsRef::as_ref)
    }

    /// The id of a (decodable) text, if it is known.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Id> {
        self.ids.get(text.as_bytes()).copied()
    }

    /// All texts, in id order from 1.
    pub fn texts(&self) -> impl ExactSizeIterator<Item = &str> {
        self.texts.iter().map(AsRef::as_ref)
    }

    /// The texts behind the first `known`, in id order.
    pub fn texts_behind(&self, known: usize) -> impl ExactSizeIterator<Item = &str> {
        let texts = self.texts.get(known..).unwrap_or_default();
        texts.iter().map(AsRef::as_ref)
    }

    /// The raw bytes of a value that has undecodable ones: what tells it from its like.
    #[must_use]
    pub fn raw(&self, id: Id) -> Option<&[u8]> {
        self.raw.get(&id).map(AsRef::as_ref)
    }

    /// The number of U+FFFD that stand for undecodable bytes in a value.
    #[must_use]
    pub fn replaced(&self, id: Id) -> u32 {
        self.replaced
            .get((id as usize).wrapping_sub(1))
            .copied()
            .unwrap_or(0)
    }
}

impl Dictionary {
    /// The values as they stand.
    pub fn read(&self) -> RwLockReadGuard<'_, Values> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of a text, new if need be; `undecodable` holds the raw bytes if some were replaced.
    ///
    /// # Panics
    /// With more than 2³² − 2 distinct values.
    pub fn intern(&self, text: &str, undecodable: Option<&[u8]>) -> Id {
        if text.is_empty() {
            return 0;
        }
        let key: Vec<u8> = match undecodable {
            None => text.as_bytes().to_vec(),
            // No text has a byte FF.
            Some(raw) => [text.as_bytes(), b"\xFF", raw].concat(),
        };
        // (Most are known: whoever reads values meanwhile need not be waited for.)
        let known = self.read().ids.get(key.as_slice()).copied();
        if let Some(id) = known {
            return id;
        }
        let mut values = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = values.ids.get(key.as_slice()) {
            return id;
        }
        let id = Id::try_from(values.texts.len() + 1).expect("fewer than 2^32 distinct values");
        values.texts.push(text.into());
        let count = if undecodable.is_some() {
            text.matches('\u{FFFD}').count()
        } else {
            0
        };
        values
            .replaced
            .push(u32::try_from(count).unwrap_or(u32::MAX));
        if let Some(raw) = undecodable {
            values.raw.insert(id, raw.into());
        }
        values.ids.insert(key.into_boxed_slice(), id);
        id
    }
}

/// A subject: a decimal string of up to 15 digits packed in place (their number in the highest four
/// bits, then the digits, four bits each, the last one highest), any other text an id of the subject
/// dictionary. 0 is null. Equal subjects are equal numbers and the other way round.
pub type Subject = u64;

/// Whether a subject is packed in place: its number means the same in every scan.
#[inline(always)]
#[must_use]
pub fn is_packed(subject: Subject) -> bool {
    subject >> 60 != 0
}

/// Packs a subject that is 1–15 ASCII digits; the number of digits is a part of it.
#[must_use]
pub fn pack_digits(text: &[u8]) -> Option<Subject> {
    let mut padded = [0; 16];
    padded.get_mut(..text.len())?.copy_from_slice(text);
    let both = u128::from_le_bytes(padded);
    #[allow(clippy::cast_possible_truncation)]
    let (low, high) = (both as u64, (both >> 64) as u64);
    match pack_sixteen(low, high, text.len() as u64) {
        0 => None,
        packed => Some(packed),
    }
}

/// As [`pack_digits`], of the first `len` of sixteen bytes, of which the first eight are `low`, each
/// half in little-endian order; 0 for what is empty or no such subject. Works on all digits at once
/// and has no branch: a loop of it is compiled to one that packs several subjects at a time.
#[inline(always)]
#[must_use]
pub fn pack_sixteen(low: u64, high: u64, len: u64) -> Subject {
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    const TO_SIGN: u64 = 0x7676_7676_7676_7676;
    const SIGN: u64 = 0x8080_8080_8080_8080;
    let (low, high) = (low ^ ZEROS, high ^ ZEROS);
    // The digits move to the top, zeros come in below: the lowest byte is free.
    let up = 128_u64.wrapping_sub(8 * len);
    let top = left(high, up) | right(low, 64_u64.wrapping_sub(up)) | left(low, up.wrapping_sub(64));
    let bottom = left(low, up);
    let carried = top.wrapping_add(TO_SIGN) | bottom.wrapping_add(TO_SIGN);
    let packed = nibbles(bottom) | nibbles(top) << 32 | len;
    if (carried | top | bottom) & SIGN == 0 && len <= 15 {
        packed.rotate_right(4)
    } else {
        0
    }
}

/// A shift to higher bits; by 64 and more, nothing is left.
#[inline(always)]
fn left(bits: u64, by: u64) -> u64 {
    if by < 64 { bits << by } else { 0 }
}

/// A shift to lower bits; by 64 and more, nothing is left.
#[inline(always)]
fn right(bits: u64, by: u64) -> u64 {
    if by < 64 { bits >> by } else { 0 }
}

/// The low halves of eight bytes whose high halves are 0, side by side.
#[inline(always)]
fn nibbles(bytes: u64) -> u64 {
    let pairs = (bytes | bytes >> 4) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs | pairs >> 8) & 0x0000_FFFF_0000_FFFF;
    (fours | fours >> 16) & 0xFFFF_FFFF
}

/// The digits of a packed subject, the first in the lowest byte, and how many they are; none for a
/// subject that is not packed. What stands above them is 0.
#[inline]
#[must_use]
pub fn packed_digits(subject: Subject) -> Option<(u128, usize)> {
    let (low, high, len) = sixteen_digits(subject);
    let sixteen = u128::from(high) << 64 | u128::from(low);
    is_packed(subject).then_some((sixteen, len))
}

/// The digits of a packed subject as two words, the first eight digits and the others, the first in the
/// lowest byte, zeros behind the last; and how many they are. All are 0 of a subject that is not packed. Has
/// no branch: a loop of it is compiled to one that takes several subjects at a time.
#[inline(always)]
#[must_use]
pub fn sixteen_digits(subject: Subject) -> (u64, u64, usize) {
    let packed = subject.rotate_left(4);
    let len = (packed & 15) as usize;
    let (low, high) = (ascii(packed & 0xFFFF_FFF0), ascii(packed >> 32));
    // The digits move down, zeros come in above.
    let down = 128 - 8 * len as u64;
    let bottom = right(low, down)
        | left(high, 64_u64.wrapping_sub(down))
        | right(high, down.wrapping_sub(64));
    (bottom, right(high, down), len)
}

/// The digits of [`nibbles`] in ASCII, a byte each.
#[inline(always)]
fn ascii(nibbles: u64) -> u64 {
    let fours = (nibbles | nibbles << 16) & 0x0000_FFFF_0000_FFFF;
    let pairs = (fours | fours << 8) & 0x00FF_00FF_00FF_00FF;
    (pairs | pairs << 4) & 0x0F0F_0F0F_0F0F_0F0F | 0x3030_3030_3030_3030
}

/// The distinct values of a scan, by field.
#[derive(Default)]
pub struct Dictionaries {
    ids: [Dictionary; 6],
    subjects: Dictionary,
    /// The words of [`WORDS`] as they stand.
    words: [Dictionary; 2],
    /// How records were written.
    pub wordings: Wordings,
}

/// Fields of which words are numbered: what they mean is a code, and does not tell the word.
pub const WORDS: [Field; 2] = [Field::Result, Field::References];

/// All values of a scan, to be looked at many times. Whoever has it must not ask its dictionaries for
/// anything else.
pub struct Reading<'a> {
    /// By column of [`ID_FIELDS`].
    pub ids: [RwLockReadGuard<'a, Values>; 6],
    /// Subjects that are not packed.
    pub subjects: RwLockReadGuard<'a, Values>,
    /// The words of [`WORDS`].
    pub words: [RwLockReadGuard<'a, Values>; 2],
    wordings: RwLockReadGuard<'a, Vec<Wording>>,
}

impl Reading<'_> {
    /// A wording by its number; none for 0.
    #[must_use]
    pub fn wording(&self, number: u8) -> Option<&Wording> {
        self.wordings.get(usize::from(number).checked_sub(1)?)
    }
}

impl Dictionaries {
    /// The dictionary of an id field.
    ///
    /// # Panics
    /// For a field that is none.
    #[must_use]
    pub fn of(&self, field: Field) -> &Dictionary {
        match id_column(field) {
            Some(column) => &self.ids[column],
            None if field == Field::Subject => &self.subjects,
            None => panic!("{} has no dictionary", field.name()),
        }
    }

    /// The dictionaries of [`ID_FIELDS`].
    #[must_use]
    pub fn id_fields(&self) -> &[Dictionary; 6] {
        &self.ids
    }

    /// All values as they stand.
    #[must_use]
    pub fn reading(&self) -> Reading<'_> {
        Reading {
            ids: self.ids.each_ref().map(Dictionary::read),
            subjects: self.subjects.read(),
            words: self.words.each_ref().map(Dictionary::read),
            wordings: self.wordings.read(),
        }
    }

    /// The number of a word of a field of [`WORDS`], 0 for an empty one; none if there are more words
    /// than numbers.
    pub fn word(&self, which: usize, word: &str) -> Option<u8> {
        let words = &self.words[which];
        let known = words.read();
        let number = match known.find(word) {
            Some(number) => number,
            None if known.len() >= usize::from(u8::MAX) => return None,
            None => {
                drop(known);
                words.intern(word, None)
            }
        };
        u8::try_from(number).ok()
    }

    /// The subject of a text.
    pub fn subject(&self, text: &str, undecodable: Option<&[u8]>) -> Subject {
        match pack_digits(text.as_bytes()) {
            Some(packed) => packed,
            None => self.subjects.intern(text, undecodable).into(),
        }
    }

    /// The subject of a text, if it has occurred or needs no dictionary.
    #[must_use]
    pub fn find_subject(&self, text: &str) -> Option<Subject> {
        pack_digits(text.as_bytes()).or_else(|| self.subjects.read().find(text).map(Into::into))
    }

    /// The text of a subject; none for null.
    #[must_use]
    pub fn subject_text(&self, subject: Subject) -> Option<String> {
        if let Some((digits, len)) = packed_digits(subject) {
            let ascii = digits.to_le_bytes()[..len].to_vec();
            return String::from_utf8(ascii).ok();
        }
        let id = Id::try_from(subject).ok()?;
        self.subjects.read().text(id).map(str::to_owned)
    }

    /// The number of U+FFFD that stand for undecodable bytes in a subject.
    #[must_use]
    pub fn subject_replaced(&self, subject: Subject) -> u32 {
        if is_packed(subject) {
            0
        } else {
            Id::try_from(subject).map_or(0, |id| self.subjects.read().replaced(id))
        }
    }
}

/// The text of a value after the policy's `[normalise]`.
#[must_use]
pub fn normalise(text: &str, how: NormaliseField) -> String {
    let text: String = if how.width {
        text.nfkc().collect()
    } else {
        text.to_owned()
    };
    if how.trim {
        text.trim_matches(|c: char| c.is_whitespace() || c == '\u{3000}')
            .to_owned()
    } else {
        text
    }
}

/// How a field is normalised by a policy.
#[must_use]
pub fn normalisation(policy: &Normalise, field: Field) -> NormaliseField {
    policy.per_field.get(&field).copied().unwrap_or(policy.all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_its_text() {
        let d = Dictionaries::default();
        let texts = [
            "0",
            "00",
            "007",
            "7",
            "123456789012345",
            "1234567890123456",
            "A1",
            "12x",
            "１２",
        ];
        let packed: Vec<Subject> = texts.iter().map(|t| d.subject(t, None)).collect();
        for (i, text) in texts.iter().enumerate() {
            assert_eq!(d.subject_text(packed[i]).as_deref(), Some(*text));
            assert_eq!(d.find_subject(text), Some(packed[i]));
            assert_eq!(packed.iter().filter(|&&p| p == packed[i]).count(), 1);
        }
        assert_eq!((d.subject("", None), d.subject_text(0)), (0, None));
    }

    #[test]
    fn digits_are_packed_all_at_once_or_one_by_one() {
        let mut texts: Vec<String> = (1..=17)
            .map(|n| "9081726354".repeat(2)[..n].to_owned())
            .collect();
        texts.extend((1..=15).map(|n| "9".repeat(n)));
        texts.extend((1..=15).map(|n| "0".repeat(n)));
        for bad in ["/", ":", "a", "é", "\0", " ", "\u{3000}"] {
            texts.extend((0..9).map(|n| format!("{}{bad}{}", &"12345678"[..n], &"87654321"[n..])));
        }
        for text in texts {
            for behind in [
                "1234567890123456",
                "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                "ÿÿÿÿÿÿÿÿ",
            ] {
                let padded = format!("7{text}{behind}");
                let eight = |at: usize| {
                    let bytes = padded.as_bytes()[at..at + 8].try_into();
                    u64::from_le_bytes(bytes.expect("eight bytes"))
                };
                let packed = pack_sixteen(eight(1), eight(9), text.len() as u64);
                let packed = Some(packed).filter(|&packed| packed != 0);
                assert_eq!(packed, pack_digits(text.as_bytes()), "{text:?}");
                if let Some((digits, len)) = packed.and_then(packed_digits) {
                    assert_eq!(&digits.to_le_bytes()[..len], text.as_bytes());
                }
            }
        }
    }

    #[test]
    fn values_that_differ_in_undecodable_bytes_stay_apart() {
        let d = Dictionary::default();
        let a = d.intern("\u{FFFD}x", Some(b"\x80x"));
        let b = d.intern("\u{FFFD}x", Some(b"\x81x"));
        let real = d.intern("\u{FFFD}x", None);
        assert!(a != b && b != real && a != real);
        assert_eq!(d.intern("\u{FFFD}x", Some(b"\x80x")), a);
        assert_eq!((d.read().replaced(a), d.read().replaced(real)), (1, 0));
        assert_eq!(d.intern("", None), 0);
    }
}
