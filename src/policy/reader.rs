//! Typed access to the tree: every reading either gives the value or says what was expected.

use super::error::{Fault, Span, excerpt};
use super::tree::{Entry, Node, Table, Value};
use super::{Key, dates, duration};
use crate::record::Field;

/// Longest list of allowed words that a message shows.
const SHOWN: usize = 40;

impl Node {
    /// A fault at this value.
    pub fn fail(&self, message: impl Into<String>) -> Fault {
        Fault::new(self.span.clone(), self.path.clone(), message)
    }

    /// What the value is, for messages.
    pub fn found(&self) -> String {
        match &self.value {
            Value::Null => "null".to_owned(),
            Value::Text(text) => format!("the string \"{}\"", excerpt(text)),
            Value::Integer(number) => format!("the number {number}"),
            Value::Float(number) => format!("the number {number:?}"),
            Value::Bool(flag) => format!("{flag}"),
            Value::Datetime(time) => format!("the date or time {time}"),
            Value::Array(_) => "an array".to_owned(),
            Value::Table(_) => "a table".to_owned(),
        }
    }

    /// A fault that says what was expected and what was found.
    pub fn expected(&self, what: &str) -> Fault {
        self.fail(format!("expected {what}, found {}", self.found()))
    }

    /// A string that is not empty.
    pub fn text(&self, what: &str) -> Result<&str, Fault> {
        match &self.value {
            Value::Text(text) if text.is_empty() => {
                Err(self.fail(format!("expected {what}, found an empty string")))
            }
            Value::Text(text) => Ok(text),
            _ => Err(self.expected(what)),
        }
    }

    /// As [`Node::text`], of something that a log may write as digits.
    pub fn log_text(&self, what: &str) -> Result<&str, Fault> {
        match self.value {
            Value::Integer(number) => Err(self.fail(format!(
                "expected {what}, found the number {number}; a log's values are text: write \"{number}\""
            ))),
            _ => self.text(what),
        }
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Result<bool, Fault> {
        match self.value {
            Value::Bool(flag) => Ok(flag),
            _ => Err(self.expected("true or false")),
        }
    }

    /// A whole number within bounds.
    pub fn integer(&self, least: i64, most: i64) -> Result<i64, Fault> {
        let what = if most == i64::MAX {
            format!("a whole number, at least {least}")
        } else {
            format!("a whole number from {least} to {most}")
        };
        match self.value {
            Value::Integer(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(self.expected(&what)),
        }
    }

    /// A whole number within bounds, as `u32`.
    pub fn small(&self, least: u32, most: u32) -> Result<u32, Fault> {
        let number = self.integer(i64::from(least), i64::from(most))?;
        u32::try_from(number).map_err(|_| self.expected("a smaller number"))
    }

    /// A number above nothing with at most three decimals, in thousandths.
    pub fn thousandths(&self) -> Result<u64, Fault> {
        const WHAT: &str =
            "a number from 0.001 to 1000000 with at most three decimals, such as 3 or 2.5";
        #[allow(clippy::cast_precision_loss)]
        let number = match self.value {
            Value::Integer(number) => number as f64,
            Value::Float(number) => number,
            _ => return Err(self.expected(WHAT)),
        };
        if !(0.001..=1_000_000.0).contains(&number) {
            return Err(self.expected(WHAT));
        }
        let nearest = (number * 1000.0).round();
        // Both are the double next to the same decimal, or there were more decimals.
        #[allow(clippy::float_cmp)]
        if nearest / 1000.0 != number {
            return Err(self.expected(WHAT));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let thousandths = nearest as u64;
        Ok(thousandths)
    }

    /// A table.
    pub fn table(&self, what: &str) -> Result<&Table, Fault> {
        match &self.value {
            Value::Table(table) => Ok(table),
            _ => Err(self.expected(what)),
        }
    }

    /// An array.
    pub fn array(&self, what: &str) -> Result<&[Node], Fault> {
        match &self.value {
            Value::Array(nodes) => Ok(nodes),
            _ => Err(self.expected(what)),
        }
    }

    /// The value itself, or the values of the array that it is.
    pub fn one_or_more(&self) -> &[Node] {
        match &self.value {
            Value::Array(nodes) => nodes,
            _ => std::slice::from_ref(self),
        }
    }

    /// A string or a non-empty array of strings, each with its node.
    pub fn texts(&self, what: &str) -> Result<Vec<(&Node, &str)>, Fault> {
        let nodes = self.one_or_more();
        if nodes.is_empty() {
            return Err(self.fail(format!("expected {what}, found an empty array")));
        }
        nodes
            .iter()
            .map(|node| node.log_text(what).map(|text| (node, text)))
            .collect()
    }

    /// As [`Node::texts`], without the nodes.
    pub fn strings(&self, what: &str) -> Result<Vec<String>, Fault> {
        let texts = self.texts(what)?;
        Ok(texts.into_iter().map(|(_, text)| text.to_owned()).collect())
    }

    /// A duration longer than nothing, in milliseconds.
    pub fn duration(&self) -> Result<i64, Fault> {
        match duration::parse(self.text(duration::EXPECTED)?) {
            Some(ms) if ms > 0 => Ok(ms),
            _ => Err(self.expected(duration::EXPECTED)),
        }
    }

    /// A lookback in whole days.
    pub fn lookback(&self) -> Result<u32, Fault> {
        duration::parse_days(self.text(duration::EXPECTED_DAYS)?)
            .ok_or_else(|| self.expected(duration::EXPECTED_DAYS))
    }

    /// From and to of a span of the day.
    pub fn clock_span(&self, what: &str) -> Result<(i64, i64), Fault> {
        dates::clock_span(self.text(what)?).ok_or_else(|| self.expected(what))
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, noun: &str, options: &[(&str, T)]) -> Result<T, Fault> {
        let allowed: Vec<&str> = options.iter().map(|(word, _)| *word).collect();
        let text = self.text(&format!("a {noun} ({})", allowed.join(", ")))?;
        options
            .iter()
            .find(|(word, _)| *word == text)
            .map(|&(_, value)| value)
            .ok_or_else(|| self.fail(unknown(noun, text, &allowed)))
    }

    /// A field or derived field.
    pub fn key(&self) -> Result<Key, Fault> {
        let options: Vec<(&str, Key)> = all_keys().map(|key| (key.name(), key)).collect();
        self.choice("field", &options)
    }

    /// A field, or several different ones.
    pub fn keys(&self) -> Result<Vec<Key>, Fault> {
        let mut keys = Vec::new();
        for node in self.one_or_more() {
            let key = node.key()?;
            if keys.contains(&key) {
                return Err(node.fail(format!("the field \"{}\" is named twice", key.name())));
            }
            keys.push(key);
        }
        Ok(keys)
    }
}

impl Table {
    /// A fault at the table itself.
    pub fn fail(&self, message: impl Into<String>) -> Fault {
        Fault::new(self.span.clone(), self.path.clone(), message)
    }

    /// The value of a key, if it is there.
    pub fn get(&self, name: &str) -> Option<&Node> {
        let entry = self.entries.iter().find(|entry| entry.name == name)?;
        Some(&entry.node)
    }

    /// The value of a key that must be there.
    pub fn need(&self, name: &str, why: &str) -> Result<&Node, Fault> {
        self.get(name).ok_or_else(|| {
            let mut fault = self.fail(format!("missing: {why}"));
            fault.key = super::tree::join(&self.path, name);
            fault
        })
    }

    /// Fails at the first key that is not among those allowed.
    pub fn only(&self, noun: &str, allowed: &[&str]) -> Result<(), Fault> {
        match self
            .entries
            .iter()
            .find(|entry| !allowed.contains(&entry.name.as_str()))
        {
            Some(entry) => Err(entry.fail(unknown(noun, &entry.name, allowed))),
            None => Ok(()),
        }
    }
}

impl Entry {
    /// A fault at the key.
    pub fn fail(&self, message: impl Into<String>) -> Fault {
        let span: &Span = if self.key_span.is_some() {
            &self.key_span
        } else {
            &self.node.span
        };
        Fault::new(span.clone(), self.node.path.clone(), message)
    }
}

/// Every field and derived field that `field`, `by` and `on` may name.
pub(super) fn all_keys() -> impl Iterator<Item = Key> {
    Field::ALL
        .into_iter()
        .filter(|&field| field != Field::Time)
        .map(Key::Field)
        .chain([Key::Date, Key::Hour, Key::Weekday, Key::DayType])
}

/// `unknown key "widnow" (did you mean "window"?); allowed: …`
pub(super) fn unknown(noun: &str, text: &str, allowed: &[&str]) -> String {
    let mut message = format!("unknown {noun} \"{}\"", excerpt(text));
    if let Some(near) = nearest(text, allowed) {
        message.push_str(" (did you mean \"");
        message.push_str(near);
        message.push_str("\"?)");
    }
    message.push_str("; allowed: ");
    if allowed.is_empty() {
        message.push_str("none");
    }
    let shown: Vec<String> = allowed
        .iter()
        .take(SHOWN)
        .map(|word| excerpt(word))
        .collect();
    message.push_str(&shown.join(", "));
    if allowed.len() > SHOWN {
        message.push_str(", …");
    }
    message
}

/// The allowed word that a typo most likely meant.
fn nearest<'a>(text: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let text: Vec<char> = plain(text);
    if text.is_empty() || text.len() > 40 {
        return None;
    }
    allowed
        .iter()
        .map(|&word| (distance(&text, &plain(word)), word))
        .filter(|&(distance, word)| distance <= (word.chars().count() / 3).clamp(1, 2))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word)
}

/// Lower case, with `-` and spaces as `_`.
fn plain(text: &str) -> Vec<char> {
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|c| if c == '-' || c == ' ' { '_' } else { c })
        .collect()
}

/// Edits (insertions, deletions, replacements, swaps of neighbours) between two words.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = usize::from(a[i - 1] != b[j - 1]);
                let mut best = (rows[i - 1][j - 1] + change)
                    .min(rows[i - 1][j] + 1)
                    .min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_find_their_word() {
        let allowed = ["window", "at_least", "by", "id", "kind"];
        assert_eq!(nearest("widnow", &allowed), Some("window"));
        assert_eq!(nearest("at-least", &allowed), Some("at_least"));
        assert_eq!(nearest("Kind", &allowed), Some("kind"));
        assert_eq!(nearest("threshold", &allowed), None);
        assert_eq!(nearest("", &allowed), None);
        assert_eq!(nearest(&"x".repeat(1000), &allowed), None);
    }

    #[test]
    fn unknown_says_what_is_allowed() {
        assert_eq!(
            unknown("key", "widnow", &["window", "by"]),
            "unknown key \"widnow\" (did you mean \"window\"?); allowed: window, by"
        );
        assert_eq!(
            unknown("list", "x", &[]),
            "unknown list \"x\"; allowed: none"
        );
    }
}
