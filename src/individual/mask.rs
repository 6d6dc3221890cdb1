//! Hiding numbers: each of their digits becomes `*`, and nothing else changes, so that a masked text
//! has as many characters as the text.
//!
//! Ids that read the same once they are masked stay apart: behind each stands `#` and which of the
//! field's masked values it is, counted in the order in which the flagged rows show them first.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use hashbrown::HashMap;

use super::column::{Nature, Natures};
use super::{Number, find, whole};
use crate::policy::Key;
use crate::record::Field;

/// What stands in place of a digit.
const MASK: char = '*';

/// Fields whose values are bare ids: a column of them may be known to hold other numbers.
pub const IDS: [Field; 3] = [Field::User, Field::Terminal, Field::Subject];

/// The masked values of a field, and which each is, from 1.
type Places = HashMap<String, usize, foldhash::fast::RandomState>;

/// A text without its numbers, wherever it comes from.
#[must_use]
pub fn masked(text: &str) -> Cow<'_, str> {
    masked_but(text, &[])
}

/// A text without its numbers but those that are known to be others.
#[must_use]
pub fn masked_but<'a>(text: &'a str, known: &[Number]) -> Cow<'a, str> {
    let mut found = find(text);
    found.retain(|f| !known.contains(&f.number));
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for f in found {
        out.push_str(&text[from..f.start]);
        out.extend(text[f.start..f.end].chars().map(hide));
        from = f.end;
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

/// As [`masked`], of a text that was cut at `most` characters: digits at the cut, which may be the
/// beginning of a number, are hidden too.
#[must_use]
pub fn masked_excerpt(text: &str, most: usize) -> String {
    let cut = text.chars().count() >= most;
    let text = masked(text);
    if !cut {
        return text.into_owned();
    }
    let kept = text
        .trim_end_matches(|c: char| super::digit(c).is_some() || super::SEPARATORS.contains(&c));
    let end = kept.len();
    text[..end]
        .chars()
        .chain(text[end..].chars().map(hide))
        .collect()
}

/// The place of a field in [`IDS`].
fn id_place(field: Field) -> Option<usize> {
    IDS.into_iter().position(|f| f == field)
}

fn hide(c: char) -> char {
    if super::digit(c).is_some() { MASK } else { c }
}

/// How the outputs of a scan hide numbers. Everything that leaves the core as text passes here.
#[derive(Debug)]
pub struct Mask {
    on: bool,
    /// By field: whether its columns are known to hold other numbers.
    others: [bool; 10],
    /// By source.
    natures: Vec<Natures>,
    /// Of each of [`IDS`].
    places: [Mutex<Places>; 3],
}

impl Mask {
    /// The mask of a scan of sources whose columns are of these natures; off, it hides nothing.
    #[must_use]
    pub fn new(on: bool, natures: Vec<Natures>) -> Mask {
        let others = Field::ALL.map(|field| {
            let mut of = natures.iter().filter_map(|n| n.of_field(field)).peekable();
            IDS.contains(&field) && of.peek().is_some() && of.all(|n| n == Nature::Others)
        });
        Mask {
            on,
            others,
            natures,
            places: Default::default(),
        }
    }

    /// A value of a key.
    #[must_use]
    pub fn value<'a>(&self, key: Key, text: &'a str) -> Cow<'a, str> {
        match key {
            Key::Field(field) if self.hides(field, text) => match id_place(field) {
                Some(id) => Cow::Owned(self.numbered(id, text)),
                None => masked(text),
            },
            _ => Cow::Borrowed(text),
        }
    }

    /// Whether a value of a field does not come out as it stands.
    #[must_use]
    pub fn hides(&self, field: Field, text: &str) -> bool {
        self.on && !find(text).is_empty() && !(self.others[field as usize] && whole(text).is_some())
    }

    fn numbered(&self, id: usize, text: &str) -> String {
        let mut places = self.places[id]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let next = places.len() + 1;
        let place = *places.entry_ref(text).or_insert(next);
        format!("{}#{place}", masked(text))
    }

    /// Whether anything is hidden at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// The text of a record of a source: numbers that are the whole of a cell in a column of other
    /// numbers stay.
    #[must_use]
    pub fn record<'a>(&self, source: u32, text: Cow<'a, str>) -> Cow<'a, str> {
        if !self.on || find(&text).is_empty() {
            return text;
        }
        let known = self
            .natures
            .get(source as usize)
            .map_or_else(Vec::new, |natures| natures.other_numbers(&text));
        Cow::Owned(masked_but(&text, &known).into_owned())
    }
}
