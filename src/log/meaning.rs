//! What the values of a log mean: its words for results and references, `[normalise]`, `[assume]`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::encoding::Encoding;
use super::header::fold;
use crate::block::{REFERENCES_NO, REFERENCES_YES};
use crate::dictionary::{Dictionaries, normalisation, normalise};
use crate::policy::{Assumed, Normalise, Policy};
use crate::record::{Field, Outcome};

/// The code of a `references` cell with an unknown word, until it is counted.
pub(super) const UNKNOWN_REFERENCES: u8 = 3;

/// What values mean, for all sources of a scan.
pub struct Meaning {
    success: Vec<String>,
    failure: Vec<String>,
    normalise: Normalise,
    assume: BTreeMap<Field, Assumed>,
    /// The first words, in their order, of results that are neither success nor failure.
    other: Mutex<BTreeSet<String>>,
    /// The first words, in their order, of references that are neither a yes nor a no.
    unknown: Mutex<BTreeSet<String>>,
}

/// Characters of such a word that are kept.
pub const MOST_CHARS: usize = 40;

/// Words that are kept to be shown.
const MOST_WORDS: usize = 6;

impl Meaning {
    /// What a policy says; `assume` as well where records are scanned, not where they are only read.
    #[must_use]
    pub fn of(policy: &Policy, assume: bool) -> Meaning {
        let folded = |words: &[String]| words.iter().map(|w| fold(w)).collect();
        Meaning {
            success: folded(&policy.results.success),
            failure: folded(&policy.results.failure),
            normalise: policy.normalise.clone(),
            assume: if assume {
                policy.assume.clone()
            } else {
                BTreeMap::new()
            },
            other: Mutex::default(),
            unknown: Mutex::default(),
        }
    }

    /// Code of a result word.
    #[must_use]
    pub fn result(&self, word: &str) -> u8 {
        let word = fold(word);
        if word.is_empty() {
            0
        } else if self.success.contains(&word) {
            Outcome::Success as u8
        } else if self.failure.contains(&word) {
            Outcome::Failure as u8
        } else {
            Outcome::Other as u8
        }
    }

    /// Keeps a word that was not understood, to be shown.
    ///
    /// Called once per distinct value and reader, not per record: which words come first is asked of
    /// the words, not of the threads.
    fn keep(words: &Mutex<BTreeSet<String>>, word: &str) {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        if !words.contains(word) {
            words.insert(word.chars().take(MOST_CHARS).collect());
            if words.len() > MOST_WORDS {
                words.pop_last();
            }
        }
    }

    /// The first words, in their order, of results that are neither success nor failure.
    #[must_use]
    pub fn other_results(&self) -> Vec<String> {
        Self::kept(&self.other)
    }

    /// The first words, in their order, of references that are neither a yes nor a no.
    #[must_use]
    pub fn unknown_references(&self) -> Vec<String> {
        Self::kept(&self.unknown)
    }

    fn kept(words: &Mutex<BTreeSet<String>>) -> Vec<String> {
        let words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.iter().cloned().collect()
    }

    /// Code of a `references` word; none for an unknown one.
    #[must_use]
    pub fn references(word: &str) -> Option<u8> {
        match fold(word).as_str() {
            "" => Some(0),
            "あり" | "有" | "有り" | "○" | "〇" | "◯" | "1" | "true" | "y" | "yes" | "はい" => {
                Some(REFERENCES_YES)
            }
            "なし" | "無" | "無し" | "×" | "✕" | "0" | "false" | "n" | "no" | "-" | "いいえ" => {
                Some(REFERENCES_NO)
            }
            _ => None,
        }
    }

    /// The value of a text field by `[normalise]`.
    #[must_use]
    pub fn text(&self, field: Field, text: &str) -> String {
        normalise(text, normalisation(&self.normalise, field))
    }

    /// The value that `[assume]` gives a field.
    #[must_use]
    pub fn assumed(&self, field: Field) -> Option<&Assumed> {
        self.assume.get(&field)
    }

    /// Id or code of a raw value of a field (of a subject: see [`Meaning::subject`]).
    pub fn number(
        &self,
        field: Field,
        raw: &[u8],
        encoding: Encoding,
        dictionaries: &Dictionaries,
    ) -> Told<u32> {
        let (text, replaced) = encoding.decode(raw);
        let mut word = None;
        let mut same = false;
        let value = match field {
            Field::Result => {
                let code = self.result(&text);
                if code == Outcome::Other as u8 {
                    Self::keep(&self.other, &text);
                }
                word = dictionaries.word(0, &text);
                code.into()
            }
            Field::References => {
                let code = Self::references(&text).unwrap_or_else(|| {
                    Self::keep(&self.unknown, &text);
                    UNKNOWN_REFERENCES
                });
                word = dictionaries.word(1, &text);
                code.into()
            }
            _ => {
                let meant = self.text(field, &text);
                same = meant == text;
                dictionaries
                    .of(field)
                    .intern(&meant, replaced.then_some(raw))
            }
        };
        Told {
            value,
            replaced,
            word: word.unwrap_or_default(),
            exact: !replaced && (same || word.is_some()),
        }
    }

    /// The subject of a raw value.
    pub fn subject(
        &self,
        raw: &[u8],
        encoding: Encoding,
        dictionaries: &Dictionaries,
    ) -> Told<u64> {
        let (text, replaced) = encoding.decode(raw);
        let meant = self.text(Field::Subject, &text);
        Told {
            value: dictionaries.subject(&meant, replaced.then_some(raw)),
            replaced,
            word: 0,
            exact: !replaced && meant == text,
        }
    }
}

/// What a raw value says.
#[derive(Clone, Copy, Debug)]
pub struct Told<T> {
    /// Its id or code.
    pub value: T,
    /// Whether some of its bytes could not be decoded.
    pub replaced: bool,
    /// Number of the word behind a code; 0 if it has none, or is no code.
    pub word: u8,
    /// Whether the text can be told from these, to the byte.
    pub exact: bool,
}
