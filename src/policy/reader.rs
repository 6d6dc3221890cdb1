//! Typed access to the tree: every reading either gives the value or says what was expected.

use std::fmt::Write as _;

use super::error::{Fault, Span, excerpt};
use super::tree::{Entry, Node, Table, Value};
use super::{Key, dates, duration};
use crate::record::Field;
use crate::words::{Phrase, Words, nearest};

/// Longest list of allowed words that a message shows.
const SHOWN: usize = 40;

impl Node {
    /// A fault at this value.
    pub fn fail(&self, message: impl Into<Words>) -> Fault {
        Fault::new(self.span.clone(), self.path.clone(), message)
    }

    /// What the value is, for messages.
    pub fn found(&self) -> Words {
        match &self.value {
            Value::Null => ("null", "null").into(),
            Value::Text(text) => {
                let text = excerpt(text);
                (
                    format!("the string \"{text}\""),
                    format!("文字列 \"{text}\""),
                )
                    .into()
            }
            Value::Integer(number) => {
                (format!("the number {number}"), format!("数値 {number}")).into()
            }
            Value::Float(number) => {
                (format!("the number {number:?}"), format!("数値 {number:?}")).into()
            }
            Value::Bool(flag) => (flag.to_string(), flag.to_string()).into(),
            Value::Datetime(time) => {
                (format!("the date or time {time}"), format!("日時 {time}")).into()
            }
            Value::Array(_) => ("an array", "[ ] で囲んだ値の並び").into(),
            Value::Table(_) => ("a table", "{ } または [見出し] でまとめた項目").into(),
        }
    }

    /// A fault that says what was expected and what was found.
    pub fn expected(&self, what: impl Into<Words>) -> Fault {
        let (what, found) = (what.into(), self.found());
        self.fail(expected(&what, &found))
    }

    /// A fault of a word that is not among those allowed.
    pub fn unknown(&self, noun: Phrase, text: &str, allowed: &[&str]) -> Fault {
        self.fail(("", "")).meaning(noun, text, allowed)
    }

    /// A string that is not empty.
    pub fn text(&self, what: impl Into<Words>) -> Result<&str, Fault> {
        match &self.value {
            Value::Text(text) if text.is_empty() => {
                let found = ("an empty string", "空の文字列 \"\"").into();
                Err(self.fail(expected(&what.into(), &found)))
            }
            Value::Text(text) => Ok(text),
            _ => Err(self.expected(what)),
        }
    }

    /// As [`Node::text`], of something that a log may write as digits.
    pub fn log_text(&self, what: impl Into<Words>) -> Result<&str, Fault> {
        match self.value {
            Value::Integer(number) => {
                let Words { ja, en } = expected(&what.into(), &self.found());
                Err(self.fail((
                    format!("{en}; a log's values are text: write \"{number}\""),
                    format!(
                        "{ja}。ログの値は文字として扱うので、\"{number}\" のように \" で囲みます"
                    ),
                )))
            }
            _ => self.text(what),
        }
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Result<bool, Fault> {
        match self.value {
            Value::Bool(flag) => Ok(flag),
            _ => Err(self.expected(("true or false", "true（はい）か false（いいえ）"))),
        }
    }

    /// A whole number within bounds.
    pub fn integer(&self, least: i64, most: i64) -> Result<i64, Fault> {
        let what = if most == i64::MAX {
            (
                format!("a whole number, at least {least}"),
                format!("{least} 以上の整数"),
            )
        } else {
            (
                format!("a whole number from {least} to {most}"),
                format!("{least} から {most} までの整数"),
            )
        };
        match self.value {
            Value::Integer(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(self.expected(what)),
        }
    }

    /// A whole number within bounds, as `u32`.
    pub fn small(&self, least: u32, most: u32) -> Result<u32, Fault> {
        let number = self.integer(i64::from(least), i64::from(most))?;
        u32::try_from(number).map_err(|_| self.expected(("a smaller number", "もっと小さい数")))
    }

    /// A number above nothing with at most three decimals, in thousandths.
    pub fn thousandths(&self) -> Result<u64, Fault> {
        const WHAT: Phrase = (
            "a number from 0.001 to 1000000 with at most three decimals, such as 3 or 2.5",
            "0.001 から 1000000 までの数（小数は三桁まで。例: 3、2.5）",
        );
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
    pub fn table(&self, what: impl Into<Words>) -> Result<&Table, Fault> {
        match &self.value {
            Value::Table(table) => Ok(table),
            _ => Err(self.expected(what)),
        }
    }

    /// An array.
    pub fn array(&self, what: impl Into<Words>) -> Result<&[Node], Fault> {
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
    pub fn texts(&self, what: Phrase) -> Result<Vec<(&Node, &str)>, Fault> {
        let nodes = self.one_or_more();
        if nodes.is_empty() {
            let found = ("an empty array", "空の並び [ ]").into();
            return Err(self.fail(expected(&what.into(), &found)));
        }
        nodes
            .iter()
            .map(|node| node.log_text(what).map(|text| (node, text)))
            .collect()
    }

    /// As [`Node::texts`], without the nodes.
    pub fn strings(&self, what: Phrase) -> Result<Vec<String>, Fault> {
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
    pub fn clock_span(&self, what: Phrase) -> Result<(i64, i64), Fault> {
        dates::clock_span(self.text(what)?).ok_or_else(|| self.expected(what))
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, noun: Phrase, options: &[(&str, T)]) -> Result<T, Fault> {
        let allowed: Vec<&str> = options.iter().map(|(word, _)| *word).collect();
        let text = self.text((
            format!("a {} ({})", noun.0, allowed.join(", ")),
            format!("{}（{} のどれか）", noun.1, allowed.join("、")),
        ))?;
        options
            .iter()
            .find(|(word, _)| *word == text)
            .map(|&(_, value)| value)
            .ok_or_else(|| self.unknown(noun, text, &allowed))
    }

    /// A field or derived field.
    pub fn key(&self) -> Result<Key, Fault> {
        let options: Vec<(&str, Key)> = all_keys().map(|key| (key.name(), key)).collect();
        self.choice(FIELD, &options)
    }

    /// A field, or several different ones.
    pub fn keys(&self) -> Result<Vec<Key>, Fault> {
        let mut keys = Vec::new();
        for node in self.one_or_more() {
            let key = node.key()?;
            if keys.contains(&key) {
                return Err(node.fail((
                    format!("the field \"{}\" is named twice", key.name()),
                    format!(
                        "項目 \"{}\" が二度書かれています。一つにしてください",
                        key.name()
                    ),
                )));
            }
            keys.push(key);
        }
        Ok(keys)
    }
}

impl Table {
    /// A fault at the table itself.
    pub fn fail(&self, message: impl Into<Words>) -> Fault {
        Fault::new(self.span.clone(), self.path.clone(), message)
    }

    /// The value of a key, if it is there.
    pub fn get(&self, name: &str) -> Option<&Node> {
        let entry = self.entries.iter().find(|entry| entry.name == name)?;
        Some(&entry.node)
    }

    /// The value of a key that must be there.
    pub fn need(&self, name: &str, why: impl Into<Words>) -> Result<&Node, Fault> {
        self.get(name).ok_or_else(|| {
            let Words { ja, en } = why.into();
            let mut fault = self.fail((
                format!("missing: {en}"),
                format!("{name} がありません。{ja}"),
            ));
            fault.key = super::tree::join(&self.path, name);
            fault
        })
    }

    /// Fails at the first key that is not among those allowed.
    pub fn only(&self, noun: Phrase, allowed: &[&str]) -> Result<(), Fault> {
        match self
            .entries
            .iter()
            .find(|entry| !allowed.contains(&entry.name.as_str()))
        {
            Some(entry) => Err(entry.unknown(noun, allowed)),
            None => Ok(()),
        }
    }
}

impl Entry {
    /// A fault at the key.
    pub fn fail(&self, message: impl Into<Words>) -> Fault {
        let span: &Span = if self.key_span.is_some() {
            &self.key_span
        } else {
            &self.node.span
        };
        Fault::new(span.clone(), self.node.path.clone(), message)
    }

    /// A fault of a key that is not among those allowed.
    pub fn unknown(&self, noun: Phrase, allowed: &[&str]) -> Fault {
        self.fail(("", "")).meaning(noun, &self.name, allowed)
    }
}

impl Fault {
    /// The same fault, of a word that is not among those allowed.
    pub fn meaning(mut self, noun: Phrase, text: &str, allowed: &[&str]) -> Fault {
        self.nearest = nearest(text, allowed).map(Box::from);
        *self.message = unknown(noun, text, allowed);
        self
    }
}

/// What keys are called.
pub(super) const KEY: Phrase = ("key", "項目名");
/// What fields are called.
pub(super) const FIELD: Phrase = ("field", "項目");
/// What results are called.
pub(super) const RESULT: Phrase = ("result", "処理結果");
/// What weekdays are called.
pub(super) const WEEKDAY: Phrase = ("weekday", "曜日");

fn expected(what: &Words, found: &Words) -> Words {
    (
        format!("expected {}, found {}", what.en, found.en),
        format!(
            "ここには{}を書いてください。いまは{}が書かれています",
            spaced(&what.ja),
            spaced(&found.ja)
        ),
    )
        .into()
}

/// With a space where Japanese meets a letter, a digit or a quote.
fn spaced(text: &str) -> String {
    let tight = |c: Option<char>| c.is_some_and(|c| c.is_ascii());
    let before = if tight(text.chars().next()) { " " } else { "" };
    let behind = if tight(text.chars().next_back()) {
        " "
    } else {
        ""
    };
    format!("{before}{text}{behind}")
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
fn unknown(noun: Phrase, text: &str, allowed: &[&str]) -> Words {
    let text_shown = excerpt(text);
    let mut en = format!("unknown {} \"{text_shown}\"", noun.0);
    let mut ja = format!("\"{text_shown}\" という{}はありません。", noun.1);
    if let Some(near) = nearest(text, allowed) {
        let _ = write!(en, " (did you mean \"{near}\"?)");
        let _ = write!(ja, "もしかして \"{near}\" ですか。");
    }
    let shown: Vec<String> = allowed
        .iter()
        .take(SHOWN)
        .map(|word| excerpt(word))
        .collect();
    let more = if allowed.len() > SHOWN { ", …" } else { "" };
    if allowed.is_empty() {
        en.push_str("; allowed: none");
        ja.push_str("書けるものは、まだ一つも決められていません");
    } else {
        let shown = shown.join(", ");
        let _ = write!(en, "; allowed: {shown}{more}");
        let _ = write!(ja, "書けるもの: {shown}{more}");
    }
    (en, ja).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_says_what_is_allowed() {
        let words = unknown(KEY, "widnow", &["window", "by"]);
        assert_eq!(
            words.en,
            "unknown key \"widnow\" (did you mean \"window\"?); allowed: window, by"
        );
        assert_eq!(
            words.ja,
            "\"widnow\" という項目名はありません。もしかして \"window\" ですか。書けるもの: window, by"
        );
        let words = unknown(("list", "一覧"), "x", &[]);
        assert_eq!(words.en, "unknown list \"x\"; allowed: none");
        assert_eq!(
            words.ja,
            "\"x\" という一覧はありません。書けるものは、まだ一つも決められていません"
        );
    }
}
