//! Individual Numbers that a log holds: by source and column, and a remark on them. Never a number.

use super::Context;
use super::notes::Note;
use super::pipeline::Outcome;

/// A column of a source in which numbers were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The source.
    pub source: String,
    /// The column's header, or its position from 1.
    pub column: String,
    /// The field that it feeds, if any.
    pub field: Option<&'static str>,
    /// Cells with numbers.
    pub values: u64,
    /// Records looked at: all of them, or those at the start of the source for a column that feeds
    /// no field.
    pub looked_at: u64,
    /// Physical line of the first.
    pub line: Option<u64>,
}

/// What a scan found, by source, then columns that feed fields, then others.
#[must_use]
pub fn of_scan(context: &Context, outcome: &Outcome) -> Vec<Leak> {
    let inputs = &outcome.collector.inputs;
    let mut leaks = Vec::new();
    for (number, (name, natures)) in context
        .source_names
        .iter()
        .zip(context.natures.iter())
        .enumerate()
    {
        let of_source = outcome
            .leaks
            .iter()
            .filter(|((source, _), _)| *source as usize == number);
        leaks.extend(of_source.map(|((_, field), &(values, line))| {
            Leak {
                source: name.clone(),
                column: natures
                    .header(*field)
                    .unwrap_or_else(|| field.name().to_owned()),
                field: Some(field.name()),
                values,
                looked_at: inputs[number].records,
                line: Some(line),
            }
        }));
        leaks.extend(natures.suspects.iter().map(|suspect| Leak {
            source: name.clone(),
            column: suspect.column.clone(),
            field: None,
            values: suspect.values,
            looked_at: suspect.looked_at,
            line: suspect.line,
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
                if ja {
                    format!(
                        "{}の「{}」欄に {} 件（最初は {line} 行目）",
                        l.source, l.column, l.values
                    )
                } else {
                    format!(
                        "{}, column {}: {} (the first on line {line})",
                        l.source, l.column, l.values
                    )
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
            "ログそのものに個人番号とみられる値があります: {}。一覧は leaks にあります。指定（unmask）のないかぎり、結果では各桁を * で示します。ログの取扱いと、記録のしかたを確かめてください。",
            of(true)
        ),
        en: format!(
            "The log itself holds what look like Individual Numbers: {}. They are listed in leaks. The results show their digits as * unless asked not to (unmask). Check how the log is kept, and why it records them.",
            of(false)
        ),
    })
}
