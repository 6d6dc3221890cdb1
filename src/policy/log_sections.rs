//! How a log is read: `[columns]`, `[normalise]`, `[results]`, `[operations]`, `[assume]`.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

use super::conditions::{OUTCOMES, globs};
use super::error::Fault;
use super::reader::{FIELD, KEY, RESULT};
use super::tree::{Entry, Node, Table, Value};
use super::{Assumed, ColumnRef, Columns, Normalise, NormaliseField, OperationClass, ResultWords};
use crate::record::Field;
use crate::words::Phrase;

const COLUMN: Phrase = (
    "a column, by its header or its position (1, 2, …)",
    "列の見出しか番号（1, 2, …）",
);
const TIME_COLUMN: Phrase = (
    "a column, by its header or its position (1, 2, …), or two of them, [date, time of day]",
    "列の見出しか番号（1, 2, …）。日付と時刻が別の列なら [日付の列, 時刻の列] のように二つ",
);

/// Positions beyond this are mistakes.
const MOST_COLUMNS: i64 = 10_000;

/// Names of the fields that satisfy `wanted`.
fn field_names(wanted: impl Fn(Field) -> bool) -> Vec<&'static str> {
    let fields = Field::ALL.into_iter().filter(|&field| wanted(field));
    fields.map(Field::name).collect()
}

/// `[columns]`.
pub(super) fn columns(table: &Table) -> Result<Columns, Fault> {
    let mut allowed = field_names(|_| true);
    allowed.extend(["time_format", "timezone", "header"]);
    table.only(FIELD, &allowed)?;
    let mut columns = Columns::default();
    for entry in &table.entries {
        let node = &entry.node;
        match (entry.name.as_str(), Field::from_name(&entry.name)) {
            ("time_format", _) => columns.time_format = time_formats(node)?,
            ("timezone", _) => columns.timezone = Some(timezone(node)?),
            ("header", _) => columns.header = Some(node.flag()?),
            (_, Some(field)) => {
                columns.map.insert(field, column_refs(field, node)?);
            }
            (_, None) => return Err(entry.unknown(FIELD, &allowed)),
        }
    }
    if columns.header == Some(false) {
        positions_only(table, &columns)?;
    }
    Ok(columns)
}

fn column_refs(field: Field, node: &Node) -> Result<Vec<ColumnRef>, Fault> {
    let what = if field == Field::Time {
        TIME_COLUMN
    } else {
        COLUMN
    };
    let nodes = match &node.value {
        Value::Array(nodes) if field == Field::Time && matches!(nodes.len(), 1 | 2) => nodes,
        Value::Array(_) => return Err(node.expected(what)),
        _ => std::slice::from_ref(node),
    };
    nodes
        .iter()
        .map(|node| match &node.value {
            Value::Integer(_) => {
                let position = node.integer(1, MOST_COLUMNS)?;
                Ok(ColumnRef::Position(usize::try_from(position).unwrap_or(1)))
            }
            Value::Text(_) => Ok(ColumnRef::Name(node.text(what)?.to_owned())),
            _ => Err(node.expected(what)),
        })
        .collect()
}

fn positions_only(table: &Table, columns: &Columns) -> Result<(), Fault> {
    for (field, refs) in &columns.map {
        if refs
            .iter()
            .any(|column| matches!(column, ColumnRef::Name(_)))
            && let Some(node) = table.get(field.name())
        {
            return Err(node.fail((
                "with header = false a column is named by its position (1, 2, …), not by a header",
                "header = false（見出しのないログ）のときは、列を見出しではなく番号（1, 2, …）で書いてください",
            )));
        }
    }
    Ok(())
}

fn time_formats(node: &Node) -> Result<Vec<String>, Fault> {
    const WHAT: Phrase = (
        "a time format such as \"%Y/%m/%d %H:%M:%S\", or an array of them",
        "日時の書式（例: \"%Y/%m/%d %H:%M:%S\"。いくつかなら [ ] で囲みます）",
    );
    let formats = node.texts(WHAT)?;
    if let Some((node, _)) = formats.iter().find(|(_, format)| !format.contains('%')) {
        return Err(node.expected(WHAT));
    }
    Ok(formats.into_iter().map(|(_, f)| f.to_owned()).collect())
}

fn timezone(node: &Node) -> Result<String, Fault> {
    const WHAT: Phrase = (
        "the name of a time zone such as \"Asia/Tokyo\" or \"UTC\"",
        "タイムゾーンの名前（例: \"Asia/Tokyo\"、\"UTC\"）",
    );
    let name = node.text(WHAT)?;
    // The zones that are built in, not those of the machine: the same everywhere.
    match jiff::tz::TimeZoneDatabase::bundled().get(name) {
        Ok(_) => Ok(name.to_owned()),
        Err(_) => Err(node.expected(WHAT)),
    }
}

/// `[normalise]`: `trim` and `width` for all fields, `[normalise.FIELD]` for one of them, which
/// takes what it does not say from those for all.
pub(super) fn normalise(table: &Table) -> Result<Normalise, Fault> {
    let fields = field_names(Field::is_text);
    let mut allowed = vec!["trim", "width"];
    allowed.extend(&fields);
    table.only(KEY, &allowed)?;
    let all = normalise_field(table, NormaliseField::default())?;
    let mut per_field = BTreeMap::new();
    for entry in &table.entries {
        if let Some(field) = Field::from_name(&entry.name) {
            let table = entry.node.table((
                "a table such as { trim = true }",
                "{ trim = true } のような項目のまとまり",
            ))?;
            table.only(KEY, &["trim", "width"])?;
            per_field.insert(field, normalise_field(table, all)?);
        }
    }
    Ok(Normalise { all, per_field })
}

fn normalise_field(table: &Table, otherwise: NormaliseField) -> Result<NormaliseField, Fault> {
    let flag = |name, otherwise| table.get(name).map_or(Ok(otherwise), Node::flag);
    Ok(NormaliseField {
        trim: flag("trim", otherwise.trim)?,
        width: flag("width", otherwise.width)?,
    })
}

/// `[results]`.
pub(super) fn results(table: &Table) -> Result<ResultWords, Fault> {
    table
        .only(RESULT, &["success", "failure"])
        .map_err(|mut fault| {
            let message = &mut fault.message;
            message
                .en
                .push_str(" (every word not named reads as other)");
            message
                .ja
                .push_str("（書かれていない語は other になります）");
            fault
        })?;
    let success = words(table, "success")?;
    let failure = words(table, "failure")?;
    if let Some((node, word)) = failure.iter().find(|(_, word)| {
        success
            .iter()
            .any(|(_, other)| folded(other) == folded(word))
    }) {
        return Err(node.fail((
            format!("\"{word}\" is a word of success already"),
            format!("\"{word}\" は success にも書かれています。どちらか一方にしてください"),
        )));
    }
    let owned = |words: Vec<(&Node, &str)>| words.into_iter().map(|(_, w)| w.to_owned()).collect();
    Ok(ResultWords {
        success: owned(success),
        failure: owned(failure),
    })
}

/// The words of one result; an empty array is none.
fn words<'a>(table: &'a Table, name: &str) -> Result<Vec<(&'a Node, &'a str)>, Fault> {
    match table.get(name) {
        Some(node) if !node.one_or_more().is_empty() => node.texts((
            "a word, or an array of words",
            "語（いくつかなら [ ] で囲みます）",
        )),
        _ => Ok(Vec::new()),
    }
}

/// A word as results are compared: NFKC, outer spaces removed, case folded.
fn folded(word: &str) -> String {
    let wide: String = word.nfkc().collect();
    wide.trim().to_lowercase()
}

/// `[operations]`. An empty array is a class without operations.
pub(super) fn operations(table: &Table) -> Result<Vec<OperationClass>, Fault> {
    table.entries.iter().map(operation_class).collect()
}

fn operation_class(entry: &Entry) -> Result<OperationClass, Fault> {
    if entry.name.is_empty() {
        return Err(entry.fail((
            "a class of operations needs a name",
            "操作の分類の名前が空です。名前を付けてください",
        )));
    }
    Ok(OperationClass {
        name: entry.name.clone(),
        globs: if entry.node.one_or_more().is_empty() {
            Vec::new()
        } else {
            globs(&entry.node)?
        },
    })
}

/// `[assume]`.
pub(super) fn assume(table: &Table) -> Result<BTreeMap<Field, Assumed>, Fault> {
    let allowed = field_names(|field| field != Field::Time);
    table.only(FIELD, &allowed)?;
    let mut assumed = BTreeMap::new();
    for entry in &table.entries {
        let node = &entry.node;
        let Some(field) = Field::from_name(&entry.name) else {
            continue;
        };
        let value = match field {
            Field::References => Assumed::Bool(node.flag()?),
            Field::Result => Assumed::Outcome(node.choice(RESULT, &OUTCOMES)?),
            _ => Assumed::Text(node.log_text(("a string", "文字列"))?.to_owned()),
        };
        assumed.insert(field, value);
    }
    Ok(assumed)
}
