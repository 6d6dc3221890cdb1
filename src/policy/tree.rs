//! A policy's text as a tree of values that know their path and position, whether it was
//! written as TOML or as JSON.

use toml_edit::{Datetime, Document, Item, TableLike, Value as TomlValue};

use super::error::{Fault, Span};
use crate::words::Words;

/// A value with its dotted path and its place in the text.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub path: String,
    pub span: Span,
    pub value: Value,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// JSON's, in an array.
    Null,
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Datetime(Datetime),
    Array(Vec<Node>),
    Table(Table),
}

/// The entries of a table, in the order of the text.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub path: String,
    pub span: Span,
    pub entries: Vec<Entry>,
}

/// A key, its place, and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: String,
    pub key_span: Span,
    pub node: Node,
}

/// Reads TOML.
pub(super) fn from_toml(text: &str) -> Result<Table, Fault> {
    let document = Document::parse(text).map_err(|error| {
        let mut message = error.message().trim().replace('\n', "; ");
        let ja = in_japanese(&message);
        if message.contains("unquoted key") {
            message.push_str(" (in quotes a key may be any text)");
        }
        let ja = format!("TOML の書き方に誤りがあります。{ja}");
        Fault::new(error.span(), "", (format!("not TOML: {message}"), ja))
    })?;
    Ok(toml_table(document.as_table(), String::new(), None))
}

/// What the parser of TOML complains of most, and what to do.
fn in_japanese(message: &str) -> &'static str {
    const SAID: [(&str, &str); 6] = [
        (
            "string values must be quoted",
            "文字の値は \" か ' で囲んでください（例: from = \"2025-04-01\"）",
        ),
        (
            "duplicate key",
            "同じ名前の項目が二度書かれています。どちらか一つにしてください",
        ),
        (
            "unquoted key",
            "項目名に日本語や記号を使うときは、\" で囲んでください（例: \"名簿\" = …）",
        ),
        (
            "unclosed array",
            "[ が閉じていません。] の書き忘れや、値を囲む \" の閉じ忘れがないか確かめてください",
        ),
        (
            "unclosed table",
            "[ または { が閉じていません。閉じるかっこの書き忘れがないか確かめてください",
        ),
        (
            "invalid basic string",
            "文字列を囲む \" が閉じていないか、使えない文字があります。\\ を含むときは、\" の代わりに ' で囲んでください",
        ),
    ];
    let known = SAID.iter().find(|(part, _)| message.contains(part));
    known.map_or(
        "この行とその前の行に、\" や [ ] や { } の閉じ忘れ、= や , の書き忘れ、全角の記号がないか確かめてください",
        |(_, ja)| ja,
    )
}

fn toml_table(table: &dyn TableLike, path: String, span: Span) -> Table {
    let mut entries = Vec::new();
    for (name, _) in table.iter() {
        let Some((key, item)) = table.get_key_value(name) else {
            continue;
        };
        let key_span = key.span();
        if let Some(mut node) = toml_item(item, join(&path, name)) {
            if node.span.is_none() {
                node.span.clone_from(&key_span);
            }
            entries.push(Entry {
                name: name.to_owned(),
                key_span,
                node,
            });
        }
    }
    Table {
        path,
        span,
        entries,
    }
}

fn toml_item(item: &Item, path: String) -> Option<Node> {
    let span = item.span();
    let value = match item {
        Item::None => return None,
        Item::Value(value) => return Some(toml_value(value, path)),
        Item::Table(table) => Value::Table(toml_table(table, path.clone(), span.clone())),
        Item::ArrayOfTables(tables) => Value::Array(
            tables
                .iter()
                .enumerate()
                .map(|(index, table)| {
                    let path = format!("{path}[{index}]");
                    let span = table.span();
                    Node {
                        path: path.clone(),
                        span: span.clone(),
                        value: Value::Table(toml_table(table, path, span)),
                    }
                })
                .collect(),
        ),
    };
    Some(Node { path, span, value })
}

fn toml_value(value: &TomlValue, path: String) -> Node {
    let span = value.span();
    let value = match value {
        TomlValue::String(text) => Value::Text(text.value().clone()),
        TomlValue::Integer(number) => Value::Integer(*number.value()),
        TomlValue::Float(number) => Value::Float(*number.value()),
        TomlValue::Boolean(flag) => Value::Bool(*flag.value()),
        TomlValue::Datetime(time) => Value::Datetime(*time.value()),
        TomlValue::Array(values) => Value::Array(
            values
                .iter()
                .enumerate()
                .map(|(index, value)| toml_value(value, format!("{path}[{index}]")))
                .collect(),
        ),
        TomlValue::InlineTable(table) => {
            Value::Table(toml_table(table, path.clone(), span.clone()))
        }
    };
    Node { path, span, value }
}

/// Reads a JSON object of the same shape. A key whose value is null counts as absent.
pub(super) fn from_json(text: &str) -> Result<Table, (usize, usize, Words)> {
    let value: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| {
            let words = (
                format!("not JSON: {error}"),
                format!("JSON の書き方に誤りがあります（{error}）。かっこや引用符の閉じ忘れ、, の過不足を確かめてください"),
            );
            (error.line(), error.column(), words.into())
        })?;
    match json_node(value, String::new()).value {
        Value::Table(table) => Ok(table),
        _ => Err((
            1,
            1,
            (
                "a policy is a JSON object",
                "ポリシーは、JSON のオブジェクト { } で書いてください",
            )
                .into(),
        )),
    }
}

fn json_node(value: serde_json::Value, path: String) -> Node {
    let value = match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(flag),
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Number(number) => number.as_i64().map_or_else(
            || Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            Value::Integer,
        ),
        serde_json::Value::Array(values) => Value::Array(
            values
                .into_iter()
                .enumerate()
                .map(|(index, value)| json_node(value, format!("{path}[{index}]")))
                .collect(),
        ),
        serde_json::Value::Object(map) => Value::Table(Table {
            span: None,
            entries: map
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| Entry {
                    key_span: None,
                    node: json_node(value, join(&path, &name)),
                    name,
                })
                .collect(),
            path: path.clone(),
        }),
    };
    Node {
        path,
        span: None,
        value,
    }
}

/// `path.name`, the name quoted where TOML would quote it.
pub(super) fn join(path: &str, name: &str) -> String {
    let bare = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let name = if bare {
        name.to_owned()
    } else {
        format!("\"{}\"", super::error::excerpt(name))
    };
    if path.is_empty() {
        name
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_spans() {
        let text = "a = 1\n[[rules]]\nwhere = { \"所属\" = [\"x\", 2] }\n[b.\"c d\"]\ne.f = 1.5\n";
        let root = from_toml(text).unwrap();
        let mut seen = Vec::new();
        walk(&root, &mut seen);
        let shown: Vec<(&str, &str)> = seen
            .iter()
            .map(|(path, span)| (path.as_str(), &text[span.clone().unwrap()]))
            .collect();
        assert_eq!(
            shown,
            [
                ("a", "1"),
                ("rules", "[[rules]]"),
                ("rules[0]", "[[rules]]"),
                ("rules[0].where", "{ \"所属\" = [\"x\", 2] }"),
                ("rules[0].where.\"所属\"", "[\"x\", 2]"),
                ("rules[0].where.\"所属\"[0]", "\"x\""),
                ("rules[0].where.\"所属\"[1]", "2"),
                ("b", "b"),
                ("b.\"c d\"", "[b.\"c d\"]"),
                ("b.\"c d\".e", "e"),
                ("b.\"c d\".e.f", "1.5"),
            ]
        );
    }

    fn walk(table: &Table, seen: &mut Vec<(String, Span)>) {
        for entry in &table.entries {
            walk_node(&entry.node, seen);
        }
    }

    fn walk_node(node: &Node, seen: &mut Vec<(String, Span)>) {
        seen.push((node.path.clone(), node.span.clone()));
        match &node.value {
            Value::Table(table) => walk(table, seen),
            Value::Array(nodes) => nodes.iter().for_each(|node| walk_node(node, seen)),
            _ => {}
        }
    }

    #[test]
    fn json_has_the_same_shape() {
        let root = from_json(r#"{"a": 1, "n": null, "r": [{"x": true}, "s", 1.5]}"#).unwrap();
        assert_eq!(root.entries.len(), 2);
        assert_eq!(root.entries[1].node.path, "r");
        assert!(matches!(&root.entries[1].node.value, Value::Array(nodes) if nodes.len() == 3));
        assert_eq!(
            from_json("[]").unwrap_err().2.en,
            "a policy is a JSON object"
        );
        assert_eq!(from_json("{\n\"a\" 1}").unwrap_err().0, 2);
    }
}
