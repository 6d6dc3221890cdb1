//! Individual Numbers that a log holds: by source and column, and a remark on them. Never a number.

use super::Context;
use super::notes::Note;
use super::outcome::Outcome;
use crate::individual::column::Nature;
use crate::individual::tally::Places;
use crate::record::Field;
use crate::words::count as number;

/// A column of a source in which numbers were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The source.
    pub source: String,
    /// The column's header, or its position from 1; none: rejected records, whatever their columns.
    pub column: Option<String>,
    /// The field that it feeds, if any.
    pub field: Option<&'static str>,
    /// How it was told, see `kind` below.
    pub kind: &'static str,
    /// Cells with numbers; rejected records with one.
    pub values: u64,
    /// Records looked at: all that were accepted, or all that were rejected.
    pub looked_at: u64,
    /// Physical line of the first.
    pub line: Option<u64>,
    /// Whether the results hide them.
    pub masked: bool,
}

/// `column`: the cells of the column are numbers; `text`: numbers stand in texts, beside a word that
/// names them.
fn kind(nature: Option<Nature>) -> &'static str {
    if nature == Some(Nature::Numbers) {
        "column"
    } else {
        "text"
    }
}

/// What a scan found, by source: columns that feed texts, then those that were counted cell by cell, then
/// rejected records.
#[must_use]
pub fn of_scan(context: &Context, outcome: &Outcome) -> Vec<Leak> {
    let masked = context.mask.is_on();
    let mut leaks = Vec::new();
    let sources = context.source_names.iter().zip(context.natures.iter());
    for ((number, (name, natures)), counts) in (0u32..).zip(sources).zip(&outcome.collector.inputs)
    {
        let leak = |column, field: Option<Field>, nature, values, line| Leak {
            source: name.clone(),
            column,
            field: field.map(Field::name),
            kind: kind(nature),
            values,
            looked_at: counts.records,
            line,
            masked,
        };
        let counted = |field| natures.beside.iter().any(|b| b.field == Some(field));
        let fields = outcome.leaks.fields.iter();
        let fields = fields.filter(|&(&(source, field), _)| source == number && !counted(field));
        leaks.extend(fields.map(|(&(_, field), &(values, line))| {
            let column = natures.header(field);
            let column = column.unwrap_or_else(|| field.name().to_owned());
            let nature = natures.of_field(field);
            leak(Some(column), Some(field), nature, values, Some(line))
        }));
        leaks.extend(natures.beside.iter().filter_map(|beside| {
            let title = natures.title(beside.column);
            let tally = outcome.leaks.beside.get(&(number, beside.column))?;
            let nature = tally.nature(title);
            let numbers = tally.numbers(nature)?;
            Some(leak(
                Some(title.to_owned()),
                beside.field,
                Some(nature),
                numbers.count,
                numbers.first,
            ))
        }));
        let Places { count, first } = counts.leaking;
        leaks.extend((count > 0).then(|| Leak {
            looked_at: counts.rejected,
            ..leak(None, None, None, count, first)
        }));
    }
    leaks
}

/// The remark on them; none without any.
#[must_use]
pub fn note(leaks: &[Leak]) -> Option<Note> {
    const MOST: usize = 3;
    if leaks.is_empty() {
        return None;
    }
    let of = |ja: bool| {
        let places: Vec<String> = leaks
            .iter()
            .take(MOST)
            .map(|l| {
                let line = l.line.map(|n| n.to_string()).unwrap_or_default();
                let (ja_place, en_place) = match &l.column {
                    Some(column) => (format!("「{column}」欄"), format!("column {column}")),
                    None => ("除いた記録".to_owned(), "rejected records".to_owned()),
                };
                let (source, values) = (&l.source, number(l.values));
                if ja {
                    format!("{source}の{ja_place}に {values} 件（最初は {line} 行目）")
                } else {
                    format!("{source}, {en_place}: {values} (the first on line {line})")
                }
            })
            .collect();
        let more = leaks.len().saturating_sub(MOST);
        match (ja, more) {
            (_, 0) => places.join(if ja { "、" } else { "; " }),
            (true, _) => format!("{}、ほか {more} 欄", places.join("、")),
            (false, _) => format!("{}; and {more} more columns", places.join("; ")),
        }
    };
    Some(Note {
        ja: format!(
            "ログそのものに個人番号とみられる値があります: {}。一覧は表 leaks（leaks.csv）にあります。--unmask を付けないかぎり、結果では各桁を * で示します。ログの取扱いと、記録のしかたを確かめてください。",
            of(true)
        ),
        en: format!(
            "The log itself holds what look like Individual Numbers: {}. They are listed in the table leaks (leaks.csv). The results show their digits as * without --unmask. Check how the log is kept, and why it records them.",
            of(false)
        ),
    })
}
