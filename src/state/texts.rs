//! Values in a saved state: numbers of a scan's dictionaries mean nothing to the next scan, so the
//! state has a table of the texts that occur in it, and numbers of its own.
//!
//! The numbers are ranks of the texts among all that the scan knows: the same records give the same
//! file. Values without a dictionary (decimal subjects, dates, hours, …) are saved as they are.

use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};

use crate::detect::values::Value;
use crate::dictionary::{Dictionaries, Dictionary, ID_FIELDS, Id, id_column, is_packed};
use crate::policy::Key;
use crate::record::Field;

/// Fields with a dictionary: those of [`ID_FIELDS`], and subjects.
const TABLES: usize = ID_FIELDS.len() + 1;

/// A text that occurs in a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedText {
    number: u32,
    text: String,
    /// Its raw bytes, if some of them could not be decoded.
    raw: Option<Vec<u8>>,
}

/// The texts of a state, by table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedTexts(Vec<Vec<SavedText>>);

impl SavedTexts {
    /// The number of texts of a field.
    #[must_use]
    pub fn count(&self, field: Field) -> usize {
        table_of(Key::Field(field))
            .and_then(|table| self.0.get(table))
            .map_or(0, Vec::len)
    }
}

/// The table of a key's values; none if they need none.
fn table_of(key: Key) -> Option<usize> {
    match key {
        Key::Field(Field::Subject) => Some(ID_FIELDS.len()),
        Key::Field(field) => id_column(field),
        Key::Date | Key::Hour | Key::Weekday | Key::DayType => None,
    }
}

/// The table of a value, and its id there; none if it is saved as it is.
fn place_of(key: Key, value: Value) -> Option<(usize, Id)> {
    let table = table_of(key).filter(|_| value != 0)?;
    if key == Key::Field(Field::Subject) && is_packed(value) {
        return None;
    }
    Some((table, Id::try_from(value).ok()?))
}

fn dictionaries_of(dictionaries: &Dictionaries) -> [&Dictionary; TABLES] {
    std::array::from_fn(|table| match ID_FIELDS.get(table) {
        Some(&field) => dictionaries.of(field),
        None => dictionaries.of(Field::Subject),
    })
}

/// Gives values the numbers of a state that is being saved.
pub struct Saver {
    /// The earliest time that a record may still have: what cannot matter from there on is left out.
    pub next: i64,
    /// By table and id: the text's rank.
    ranks: [Vec<u32>; TABLES],
    used: [HashSet<Id>; TABLES],
}

impl Saver {
    /// A saver for a state of which the next record comes at `next` or later.
    #[must_use]
    pub fn new(dictionaries: &Dictionaries, next: i64) -> Saver {
        let ranks = dictionaries_of(dictionaries).map(|dictionary| {
            let values = dictionary.read();
            let mut order: Vec<Id> = (1..).take(values.len()).collect();
            order.sort_unstable_by_key(|&id| (values.text(id), values.raw(id)));
            let mut ranks = vec![0; order.len() + 1];
            for (rank, id) in (1..).zip(order) {
                ranks[id as usize] = rank;
            }
            ranks
        });
        Saver {
            next,
            ranks,
            used: Default::default(),
        }
    }

    /// The number of a value of a key in the state.
    pub fn value(&mut self, key: Key, value: Value) -> Value {
        let Some((table, id)) = place_of(key, value) else {
            return value;
        };
        self.used[table].insert(id);
        self.ranks[table][id as usize].into()
    }

    /// As [`Saver::value`], of several.
    pub fn values(&mut self, keys: &[Key], values: &[Value]) -> Vec<Value> {
        let pairs = keys.iter().zip(values);
        pairs.map(|(&key, &value)| self.value(key, value)).collect()
    }

    /// The texts of the values that were numbered.
    #[must_use]
    pub fn texts(&self, dictionaries: &Dictionaries) -> SavedTexts {
        let tables = dictionaries_of(dictionaries).into_iter().enumerate();
        SavedTexts(
            tables
                .map(|(table, dictionary)| {
                    let values = dictionary.read();
                    let text = |&id: &Id| SavedText {
                        number: self.ranks[table][id as usize],
                        text: values.text(id).unwrap_or_default().to_owned(),
                        raw: values.raw(id).map(<[u8]>::to_vec),
                    };
                    let mut texts: Vec<SavedText> = self.used[table].iter().map(text).collect();
                    texts.sort_unstable_by_key(|text| text.number);
                    texts
                })
                .collect(),
        )
    }
}

/// Gives the numbers of a saved state the values of a scan.
pub struct Loader {
    ids: [HashMap<u32, Id>; TABLES],
    /// Whether a number was met that the state's texts do not have.
    pub broken: bool,
}

impl Loader {
    /// A loader that makes the state's texts values of the scan.
    #[must_use]
    pub fn new(texts: &SavedTexts, dictionaries: &Dictionaries) -> Loader {
        let mut ids: [HashMap<u32, Id>; TABLES] = Default::default();
        for ((ids, dictionary), texts) in ids
            .iter_mut()
            .zip(dictionaries_of(dictionaries))
            .zip(&texts.0)
        {
            for text in texts {
                let id = dictionary.intern(&text.text, text.raw.as_deref());
                ids.insert(text.number, id);
            }
        }
        Loader { ids, broken: false }
    }

    /// The value of a key that has a number in the state.
    pub fn value(&mut self, key: Key, number: Value) -> Value {
        let Some((table, number)) = place_of(key, number) else {
            return number;
        };
        if let Some(&id) = self.ids[table].get(&number) {
            return id.into();
        }
        self.broken = true;
        0
    }

    /// As [`Loader::value`], of several.
    pub fn values<T: FromIterator<Value>>(&mut self, keys: &[Key], numbers: &[Value]) -> T {
        self.broken |= keys.len() != numbers.len();
        let pairs = keys.iter().zip(numbers);
        pairs
            .map(|(&key, &number)| self.value(key, number))
            .collect()
    }
}
