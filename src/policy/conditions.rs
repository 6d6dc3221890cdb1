//! `where`: a table of conditions, all of which must hold.

use std::collections::BTreeMap;

use super::error::{Fault, PolicyError, Span};
use super::glob::glob_regex;
use super::reader::{KEY, RESULT, WEEKDAY};
use super::tree::{self, Entry, Node, Table, Value};
use super::{Condition, List, OperationClass, Policy, TextTest, Where, dates};
use crate::record::{Field, Outcome};
use crate::words::Phrase;

/// The days of the week, Monday first, as policies write them.
pub(super) const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The words of `result`.
pub(super) const OUTCOMES: [(&str, Outcome); 3] = [
    ("success", Outcome::Success),
    ("failure", Outcome::Failure),
    ("other", Outcome::Other),
];

/// The keys of a `where`; the fields are text.
const KEYS: [&str; 14] = [
    "user",
    "user_name",
    "department",
    "terminal",
    "system",
    "operation",
    "subject",
    "operation_class",
    "references",
    "result",
    "calendar",
    "time_of_day",
    "weekday",
    "and",
];

/// The keys of a test of a text field.
const TESTS: [&str; 6] = ["in", "not_in", "glob", "regex", "list", "not_list"];

const CLOCK: Phrase = (
    "times of the day such as \"22:00-05:00\" (from inclusive, to exclusive, may cross midnight)",
    "時間帯（例: \"22:00-05:00\"。始めの時刻は含み、終わりの時刻は含みません。日をまたいでも構いません）",
);

const CONDITION: Phrase = ("condition", "条件");
const CLASS: Phrase = ("operation class", "操作の分類");
const LIST: Phrase = ("list", "リスト");

/// What a `where` may refer to.
pub(super) struct Names<'a> {
    pub operations: &'a [OperationClass],
    pub lists: &'a BTreeMap<String, List>,
}

impl<'a> Names<'a> {
    /// The names a policy defines.
    pub fn of(policy: &'a Policy) -> Names<'a> {
        Names {
            operations: &policy.operations,
            lists: &policy.lists,
        }
    }
}

/// Reads the inside of a `where` as the command line gives it: `department = "税務課"`, several
/// separated by commas. Operation classes and lists are those of `policy`. Empty text holds for
/// every record.
///
/// # Errors
/// Whatever would be wrong with the same `where` in a policy; the file is `--where`.
pub fn parse_where(text: &str, policy: &Policy) -> Result<Where, PolicyError> {
    const BEFORE: &str = "where = {";
    let whole = format!("{BEFORE}{text}\n}}");
    let read = || {
        let root = tree::from_toml(&whole)?;
        root.only(KEY, &["where"])?;
        let node = root.need("where", ("conditions", "条件を書いてください"))?;
        read(node, &Names::of(policy))
    };
    read().map_err(|mut fault| {
        fault.message.ja.push_str(HOW_TO_WRITE);
        fault.span = shift(fault.span, BEFORE.len());
        fault.locate("--where", Some(text))
    })
}

const HOW_TO_WRITE: &str = "\n書き方: --where \"department = '税務課'\"（項目は英語の名前で、値は ' で囲みます。項目の名前は README.ja.md の「列の見出しが見慣れないとき」の表にあります）";

fn shift(span: Span, by: usize) -> Span {
    span.map(|span| span.start.saturating_sub(by)..span.end.saturating_sub(by))
}

/// Reads a `where`.
pub(super) fn read(node: &Node, names: &Names<'_>) -> Result<Where, Fault> {
    read_besides(node, &[], names)
}

/// As [`read`], of a table that has keys `besides` the conditions.
pub(super) fn read_besides(
    node: &Node,
    besides: &[&str],
    names: &Names<'_>,
) -> Result<Where, Fault> {
    let table = node.table((
        "a table of conditions such as { result = \"failure\" }",
        "条件（例: { result = \"failure\" }）",
    ))?;
    read_table(table, besides, names)
}

fn read_table(table: &Table, besides: &[&str], names: &Names<'_>) -> Result<Where, Fault> {
    let mut allowed = KEYS.to_vec();
    allowed.extend(besides);
    table.only(CONDITION, &allowed)?;
    let mut conditions = Vec::new();
    for entry in &table.entries {
        if !besides.contains(&entry.name.as_str()) {
            condition(entry, names, &mut conditions)?;
        }
    }
    Ok(Where { conditions })
}

fn condition(entry: &Entry, names: &Names<'_>, out: &mut Vec<Condition>) -> Result<(), Fault> {
    let node = &entry.node;
    out.push(match entry.name.as_str() {
        "and" => {
            out.extend(read(node, names)?.conditions);
            return Ok(());
        }
        "operation_class" => Condition::OperationClass(classes(node, names)?),
        "references" => Condition::References(node.flag()?),
        "result" => Condition::Result(outcomes(node)?),
        "calendar" => Condition::OffHours(node.choice(
            ("word", "語"),
            &[("off-hours", true), ("business-hours", false)],
        )?),
        "time_of_day" => {
            let (from, to) = node.clock_span(CLOCK)?;
            Condition::TimeOfDay(from, to)
        }
        "weekday" => Condition::Weekday(weekdays(node)?),
        name => match Field::from_name(name) {
            Some(field) => return text_tests(field, node, names, out),
            // `only` has let nothing else through.
            None => return Err(entry.unknown(CONDITION, &KEYS)),
        },
    });
    Ok(())
}

fn classes(node: &Node, names: &Names<'_>) -> Result<Vec<String>, Fault> {
    let known: Vec<&str> = names.operations.iter().map(|c| c.name.as_str()).collect();
    let mut classes = Vec::new();
    for (node, name) in node.texts((
        "an operation class, or an array of them",
        "操作の分類の名前（いくつかなら [ ] で囲みます）",
    ))? {
        if !known.contains(&name) {
            return Err(node.unknown(CLASS, name, &known));
        }
        classes.push(name.to_owned());
    }
    Ok(classes)
}

fn outcomes(node: &Node) -> Result<Vec<Outcome>, Fault> {
    some(node)?
        .iter()
        .map(|node| node.choice(RESULT, &OUTCOMES))
        .collect()
}

fn weekdays(node: &Node) -> Result<[bool; 7], Fault> {
    let options: Vec<(&str, usize)> = WEEKDAYS.iter().zip(0..).map(|(&d, n)| (d, n)).collect();
    let mut days = [false; 7];
    for node in some(node)? {
        days[node.choice(WEEKDAY, &options)?] = true;
    }
    Ok(days)
}

/// The value, or the values of an array that is not empty.
fn some(node: &Node) -> Result<&[Node], Fault> {
    match node.one_or_more() {
        [] => Err(node.fail((
            "an empty array holds for no record: name at least one value",
            "並び [ ] が空なので、どの記録にも当てはまりません。値を一つ以上書いてください",
        ))),
        nodes => Ok(nodes),
    }
}

const TEXTS: Phrase = (
    "a string, or an array of strings",
    "文字列（いくつかなら [ ] で囲みます）",
);

fn text_tests(
    field: Field,
    node: &Node,
    names: &Names<'_>,
    out: &mut Vec<Condition>,
) -> Result<(), Fault> {
    let Value::Table(table) = &node.value else {
        let what = (
            "a string, an array of strings, or a table such as { glob = \"…*\" }",
            "文字列、文字列の並び、または { glob = \"…*\" } のような条件",
        );
        out.push(Condition::Text(field, TextTest::In(node.strings(what)?)));
        return Ok(());
    };
    table.only(("test", "比べ方"), &TESTS)?;
    if table.entries.is_empty() {
        return Err(node.fail((
            format!("the table is empty; allowed: {}", TESTS.join(", ")),
            format!("{{ }} の中が空です。書けるもの: {}", TESTS.join(", ")),
        )));
    }
    for entry in &table.entries {
        let node = &entry.node;
        let test = match entry.name.as_str() {
            "in" => TextTest::In(node.strings(TEXTS)?),
            "not_in" => TextTest::NotIn(node.strings(TEXTS)?),
            "glob" => TextTest::Glob(globs(node)?),
            "regex" => TextTest::Regex(regex(node)?),
            "list" => TextTest::List(list(field, node, names)?),
            _ => TextTest::NotList(list(field, node, names)?),
        };
        out.push(Condition::Text(field, test));
    }
    Ok(())
}

/// Glob patterns that have been checked.
pub(super) fn globs(node: &Node) -> Result<Vec<String>, Fault> {
    let mut globs = Vec::new();
    for (node, pattern) in node.texts((
        "a glob pattern, or an array of them",
        "* などを使ったパターン（例: \"税務*\"。いくつかなら [ ] で囲みます）",
    ))? {
        glob_regex(pattern).map_err(|error| {
            node.fail((
                format!(
                    "bad glob pattern: {error} (\"*\" any text, \"?\" one character, \"[…]\", \"{{a,b}}\"; \"\\\" before a character takes it as it stands)"
                ),
                format!(
                    "パターン（glob）の書き方に誤りがあります（{error}）。使えるのは、任意の文字列 \"*\"、任意の一文字 \"?\"、\"[…]\"、\"{{a,b}}\" です。記号をそのままの文字として書くときは、前に \"\\\" を置きます"
                ),
            ))
        })?;
        globs.push(pattern.to_owned());
    }
    Ok(globs)
}

/// A regular expression that compiles; several become one that matches where any does.
fn regex(node: &Node) -> Result<String, Fault> {
    let texts = node.texts((
        "a regular expression, or an array of them",
        "正規表現（いくつかなら [ ] で囲みます）",
    ))?;
    for (node, pattern) in &texts {
        compiles(node, pattern)?;
    }
    if let [(_, pattern)] = texts.as_slice() {
        return Ok((*pattern).to_owned());
    }
    let parts: Vec<String> = texts.iter().map(|(_, p)| format!("(?:{p})")).collect();
    let joined = parts.join("|");
    compiles(node, &joined)?;
    Ok(joined)
}

fn compiles(node: &Node, pattern: &str) -> Result<(), Fault> {
    regex::Regex::new(pattern).map(|_| ()).map_err(|error| {
        // The crate draws the pattern and points at the fault; its last line says what it is.
        let error = error.to_string();
        let last = error.lines().last().unwrap_or_default();
        let last = last.strip_prefix("error: ").unwrap_or(last);
        node.fail((
            format!(
                "bad regular expression: {last} (the syntax is that of Rust's regex crate; in single quotes, '\\d+', TOML leaves \"\\\" alone)"
            ),
            format!(
                "正規表現の書き方に誤りがあります（{last}）。書き方は Rust の regex に従います。\"\\\" を含むときは '\\d+' のように ' で囲んでください"
            ),
        ))
    })
}

fn list(field: Field, node: &Node, names: &Names<'_>) -> Result<String, Fault> {
    let name = node.text(("the name of a list", "リスト（[lists]）の名前"))?;
    let Some(list) = names.lists.get(name) else {
        let known: Vec<&str> = names.lists.keys().map(String::as_str).collect();
        return Err(node.unknown(LIST, name, &known));
    };
    if !list.on.is_empty() && !list.on.contains(&super::Key::Field(field)) {
        let on: Vec<&str> = list.on.iter().map(|key| key.name()).collect();
        let (on, field) = (on.join(", "), field.name());
        return Err(node.fail((
            format!(
                "the list \"{name}\" is tied to {on}, not to {field}; use it on one of those, or say so in its \"on\""
            ),
            format!(
                "リスト \"{name}\" は {on} のためのもので、{field} には使えません。{on} の条件に使うか、リストの on に {field} を加えてください"
            ),
        )));
    }
    Ok(name.to_owned())
}

/// `22:00-05:00`: how a span of the day is written.
pub(super) fn write_clock_span(from: i64, to: i64) -> String {
    format!("{}-{}", dates::format_clock(from), dates::format_clock(to))
}
