//! Individual Numbers that a log holds: by source and column, and a remark on them. Never a number.

use super::Context;
use super::notes::{Note, some_of};
use super::outcome::Outcome;
use crate::individual::column::Nature;

/// A column of a source in which numbers were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The source.
    pub source: String,
    /// The column's header, or its position from 1.
    pub column: String,
    /// The field that it feeds, if any.
    pub field: Option<&'static str>,
    /// How it was told, see [`kind`].
    pub kind: &'static str,
    /// Cells with numbers.
    pub values: u64,
    /// Records looked at: all of them, or those at the start of the source for a column that feeds
    /// no field.
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

/// What a scan found, by source, then columns that feed fields, then others.
#[must_use]
pub fn of_scan(context: &Context, outcome: &Outcome) -> Vec<Leak> {
    let inputs = &outcome.collector.inputs;
    let masked = context.mask.is_on();
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
                kind: kind(natures.of_field(*field)),
                values,
                looked_at: inputs[number].records,
                line: Some(line),
                masked,
            }
        }));
        leaks.extend(natures.suspects.iter().map(|suspect| Leak {
            source: name.clone(),
            column: suspect.column.clone(),
            field: None,
            kind: kind(Some(suspect.nature)),
            values: suspect.values,
            looked_at: suspect.looked_at,
            line: suspect.line,
            masked,
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

/// What was not looked at: columns that feed no field, behind the records at the start of a source.
#[must_use]
pub fn unseen(context: &Context, outcome: &Outcome) -> Option<Note> {
    let (mut columns, mut sources) = (Vec::new(), Vec::new());
    let (mut looked_at, mut rest) = (0, 0);
    let natures = context.natures.iter().zip(&outcome.collector.inputs);
    for (name, (natures, counts)) in context.source_names.iter().zip(natures) {
        let records = counts.records + counts.rejected;
        if natures.unused.is_empty() || records <= natures.looked_at {
            continue;
        }
        looked_at += natures.looked_at;
        rest += records - natures.looked_at;
        sources.push(name.clone());
        for column in &natures.unused {
            if !columns.contains(column) {
                columns.push(column.clone());
            }
        }
    }
    let words = |separator, more| {
        let (columns, sources) = (&columns, &sources);
        (
            some_of(columns, separator, more),
            some_of(sources, separator, more),
        )
    };
    let ((ja, ja_sources), (en, en_sources)) = (words("、", " ほか"), words(", ", " and more"));
    (rest > 0).then(|| Note {
        ja: format!(
            "どの項目にも当てない列（{ja}）に個人番号があるかどうかは、各入力の初めの記録（計 {looked_at} 件）だけで調べ、残りの {rest} 件では調べていません: {ja_sources}"
        ),
        en: format!(
            "Columns that feed no field ({en}) were looked at for Individual Numbers at the start of each source only ({looked_at} records), not in the other {rest} records: {en_sources}"
        ),
    })
}
