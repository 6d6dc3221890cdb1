//! Every assumption a scan made, in words: Japanese, and English beside it.

use std::collections::BTreeMap;

use super::collect::{Collector, Unlisted};
use super::inputs::{InputCounts, Planned};
use super::outcome::Outcome;
use super::{Context, copies};
use crate::arrow::STREAM_NAME;
use crate::individual::mask::masked_excerpt;
use crate::individual::tally::Places;
use crate::log::header::Mapping;
use crate::log::meaning::{MOST_CHARS, Meaning};
use crate::policy::{Assumed, Condition, Rule};
use crate::record::Field;
use crate::source::Change;
use crate::words::count;

/// A remark in Japanese and in English.
pub use crate::words::Words as Note;

fn note(ja: String, en: String) -> Note {
    Note { ja, en }
}

/// Notes on a scan of files.
#[must_use]
pub fn of_scan(
    context: &Context,
    outcome: &Outcome,
    reasons: &[Option<String>],
    sorted: bool,
) -> Vec<Note> {
    let plans = &context.planned.sources;
    let has = |source: usize, field| {
        let plan = plans.get(source).and_then(|s| s.plan.as_ref());
        plan.is_some_and(|p| p.mapping.column(field).is_some())
    };
    let (collector, names) = (&outcome.collector, &context.source_names);
    let mut notes = of_default(context, collector, has);
    notes.extend(of_reading(
        &context.planned,
        collector,
        names,
        &context.meaning,
    ));
    notes.extend(of_assumptions(context, |field| {
        let lacking = |p: &crate::log::plan::Plan| p.mapping.column(field).is_none();
        let sources = context.planned.sources.iter().zip(&context.source_names);
        sources
            .filter(|(s, _)| s.plan.as_ref().is_some_and(lacking))
            .map(|(_, n)| n.clone())
            .collect()
    }));
    notes.extend(of_rules(context, reasons));
    notes.extend(of_order(outcome, sorted));
    notes
}

/// What whoever skipped `init` may not know: by the words and the rules that nobody has looked at, an
/// empty result says less than it seems to. `has` is whether a source has a column.
fn of_default<T>(
    context: &Context,
    collector: &Collector<T>,
    has: impl Fn(usize, Field) -> bool,
) -> Vec<Note> {
    let policy = &context.policy;
    let sum = |field: Field, of: fn(&InputCounts) -> u64| -> u64 {
        // What is assumed of a result has been thought about.
        let assumed = field == Field::References && policy.assume.contains_key(&field);
        let known = |source| assumed || has(source, field);
        let counts = collector.inputs.iter().enumerate();
        counts.filter(|(n, _)| known(*n)).map(|(_, c)| of(c)).sum()
    };
    let mut notes = Vec::new();
    let words = context.meaning.other_results();
    let unread = sum(Field::Result, |c| c.other_results);
    let usual = crate::policy::Policy::default_policy().results;
    if unread > 0 && !words.is_empty() && policy.results == usual {
        let of = count(sum(Field::Result, |c| c.records));
        let unread = count(unread);
        let few = |separator: &str, more: &str| few_of(&words, separator, more);
        notes.push(note(
            format!(
                "処理結果の欄が、成功とも失敗とも読めない記録: {of} 件のうち {unread} 件（{}）。失敗を数える規則は、これらを失敗として数えません。ポリシーの [results] に、成功の語と失敗の語を書き足してください（yokome init が、語の一覧の入ったポリシーを作ります）。符号の意味が分からないときは、業者に確かめてください。",
                few("、", " ほか")
            ),
            format!(
                "Records whose result reads neither as success nor as failure: {unread} of {of} ({}). Rules that count failures do not count these. Add the words to [results] of a policy (yokome init makes one that lists them); what codes mean, the vendor can say.",
                few(", ", " and more")
            ),
        ));
    }
    let records = sum(Field::References, |c| c.records);
    let touching = sum(Field::References, |c| c.touching);
    let narrow = |rule: &&Rule| {
        let filters = rule.kind.steps().iter().map(|step| &step.filter);
        let mut all = filters.chain([&rule.filter]).flat_map(|f| &f.conditions);
        all.any(|condition| matches!(condition, Condition::References(true)))
    };
    let only = policy.rules.iter().filter(narrow).count() as u64;
    if policy.rules_are_default && touching < records && only > 0 {
        #[allow(clippy::cast_precision_loss)]
        let percent = touching as f64 * 100.0 / records as f64;
        let (touching, records) = (count(touching), count(records));
        let (only, rules) = (count(only), count(policy.rules.len() as u64));
        notes.push(note(
            format!(
                "個人番号参照が「あり」の記録は、{records} 件のうち {touching} 件（{percent:.1}%）です。既定の規則 {rules} 件のうち {only} 件は、この記録だけを調べます。ほかの記録も調べるには、yokome init でポリシーを作り、規則の where から references = true を消してください。"
            ),
            format!(
                "{touching} of {records} records ({percent:.1}%) refer to Individual Numbers: {only} of the {rules} default rules look at these alone. To look at the others too, make a policy (yokome init) and take references = true out of a rule's where."
            ),
        ));
    }
    notes
}

/// Words that were not understood of which a note shows some.
const MOST_WORDS: usize = 5;

/// The first few of some words of a log, Individual Numbers in them masked.
fn few_of(words: &[String], separator: &str, more: &str) -> String {
    let shown: Vec<String> = words
        .iter()
        .take(MOST_WORDS)
        .map(|word| masked_excerpt(word, MOST_CHARS))
        .collect();
    let more = if words.len() > MOST_WORDS { more } else { "" };
    format!("{}{more}", shown.join(separator))
}

/// Marks of `references` that were not understood: rules that look at references pass their records
/// over, so that this stands before all else about reading.
fn of_references<T>(collector: &Collector<T>, names: &[String], meaning: &Meaning) -> Option<Note> {
    let counts = &collector.inputs;
    let unknown: u64 = counts.iter().map(|c| c.unknown_references).sum();
    if unknown == 0 {
        return None;
    }
    let of = counts.iter().zip(names);
    let of: Vec<(&InputCounts, &String)> = of.filter(|(c, _)| c.unknown_references > 0).collect();
    let sources: Vec<String> = of.iter().map(|(_, name)| (*name).clone()).collect();
    let records = count(of.iter().map(|(c, _)| c.records).sum());
    let (unknown, words) = (count(unknown), meaning.unknown_references());
    Some(note(
        format!(
            "個人番号参照（references）の欄の値があり・なしのどちらとも読めず、空欄として扱った記録: {records} 件のうち {unknown} 件（{}）。個人番号に触れた記録だけを調べる規則は、これらを調べません。読める語は、あり・有・○・1・yes など（あり）と、なし・無・×・0・no など（なし）です。値の意味を業者に確かめ、ログの値を読める語に置き換えるか、列が違うなら --column references=見出し で正しい列を指定してください: {}",
            few_of(&words, "、", " ほか"),
            some_of(&sources, "、", " ほか")
        ),
        format!(
            "Records whose references cell is neither a yes nor a no; it was taken as empty: {unknown} of {records} ({}). Rules that look at references to Individual Numbers pass these over. Understood are あり, 有, ○, 1, yes and the like, and なし, 無, ×, 0, no. Ask the vendor what the values mean and put words that are understood in their place, or name the right column (--column references=HEADER): {}",
            few_of(&words, ", ", " and more"),
            some_of(&sources, ", ", " and more")
        ),
    ))
}

/// Whether records had to be sorted, and how.
fn of_order(outcome: &Outcome, sorted: bool) -> Option<Note> {
    if let Some(folder) = &outcome.spilled_to {
        return Some(note(
            format!(
                "記録が時刻順に並んでいないため、一時ファイル（{folder}。すでに消去済み）で並べ替えてから分析しました。結果は時刻順の場合と同じです。"
            ),
            format!(
                "The records are not in time order: they were sorted by way of temporary files (in {folder}, gone by now). The result is the same."
            ),
        ));
    }
    sorted.then(|| note(
        "記録が時刻順に並んでいないため、メモリ上で並べ替えてから分析しました。結果は時刻順の場合と同じです。".into(),
        "The records are not in time order: they were sorted in memory. The result is the same.".into(),
    ))
}

/// Notes on a scan of record batches.
#[must_use]
pub fn of_stream(
    context: &Context,
    outcome: &Outcome,
    reasons: &[Option<String>],
    mapping: &Mapping,
) -> Vec<Note> {
    let has = |_, field| mapping.column(field).is_some();
    let mut notes = of_default(context, &outcome.collector, has);
    let (collector, names) = (&outcome.collector, &context.source_names);
    notes.extend(of_references(collector, names, &context.meaning));
    notes.extend(of_counts(collector, names));
    notes.extend(of_assumptions(context, |field| {
        if mapping.column(field).is_none() {
            vec![STREAM_NAME.to_owned()]
        } else {
            Vec::new()
        }
    }));
    notes.extend(of_rules(context, reasons));
    notes.extend(of_order(outcome, false));
    notes
}

/// Notes on what was named or found and not read, or read once.
fn of_passed_over(planned: &Planned) -> Vec<Note> {
    let kinds = [
        (
            &planned.ignored,
            "ログではないとみて読まなかったファイル",
            "Files passed over because they do not look like logs",
            "。読むには、そのファイルの名前を直接指定してください。",
            ". To read one, name the file itself.",
        ),
        (
            &planned.results,
            "横目の結果があるため、そのファイルを読まなかったフォルダー",
            "Folders with results of earlier scans, which were not read as logs",
            "",
            "",
        ),
        (
            &planned.litter,
            "アーカイブの中の、ログではないとみて読まなかったもの（隠しファイル、__MACOSX など）",
            "Members of archives passed over because nobody would call them logs (hidden files, __MACOSX and the like)",
            "",
            "",
        ),
        (
            &planned.repeated,
            "重ねて指定されたため一度だけ読んだファイル",
            "Files named more than once and read once",
            "",
            "",
        ),
    ];
    let some = kinds.into_iter().filter(|kind| !kind.0.is_empty());
    some.map(|(paths, ja, en, how_ja, how)| {
        note(
            format!("{ja}: {}{how_ja}", some_of(paths, "、", " ほか")),
            format!("{en}: {}{how}", some_of(paths, ", ", " and more")),
        )
    })
    .collect()
}

/// Notes on how files were read.
#[must_use]
pub fn of_reading<T>(
    planned: &Planned,
    collector: &Collector<T>,
    names: &[String],
    meaning: &Meaning,
) -> Vec<Note> {
    let mut notes = Vec::from_iter(of_references(collector, names, meaning));
    notes.extend(of_passed_over(planned));
    notes.extend(copies::notes(&planned.copies, &collector.inputs, names));
    let mut above: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let mut repeated: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (source, name) in planned.sources.iter().zip(names) {
        let Some(plan) = &source.plan else { continue };
        if plan.preamble > 0 {
            above.entry(plan.preamble).or_default().push(name.clone());
        }
        if !plan.repeated_headers.is_empty() {
            repeated
                .entry(plan.repeated_headers.join(", "))
                .or_default()
                .push(name.clone());
        }
    }
    for (lines, sources) in above {
        let lines = count(lines);
        notes.push(note(
            format!(
                "見出し行より上の {lines} 行を読み飛ばしました: {}",
                some_of(&sources, "、", " ほか")
            ),
            format!(
                "{lines} line(s) above the header were skipped: {}",
                some_of(&sources, ", ", " and more")
            ),
        ));
    }
    for (headers, sources) in repeated {
        notes.push(note(
            format!(
                "同じ見出しの列が複数あり、最初の列を使いました（{headers}）: {}",
                some_of(&sources, "、", " ほか")
            ),
            format!(
                "Columns share a header ({headers}); the first was used: {}",
                some_of(&sources, ", ", " and more")
            ),
        ));
    }
    for source in &planned.sources {
        let name = &source.source.name;
        let planned = count(source.size);
        notes.extend(source.source.watch.change().map(|change| match change {
            Change::Longer(bytes) => {
                let bytes = count(bytes);
                note(
                    format!(
                        "{name}: 読み取り中に書き足されました（{planned} → {bytes} バイト）。{bytes} バイト目までを数えています。"
                    ),
                    format!(
                        "{name}: grew while it was read ({planned} → {bytes} bytes); the first {bytes} bytes are counted."
                    ),
                )
            }
            Change::Written => note(
                format!("{name}: 読み取り中に書き換えられました。書き込みが終わってから、もう一度分析してください。"),
                format!("{name}: was written to while it was read; scan it again when nobody writes to it."),
            ),
        }));
    }
    notes.extend(of_counts(collector, names));
    notes
}

type Count = fn(&InputCounts) -> u64;

fn of_counts<T>(collector: &Collector<T>, names: &[String]) -> Vec<Note> {
    let counts = &collector.inputs;
    let mut notes = Vec::new();
    let kinds: [(Count, &str, &str); 3] = [
        (
            |c| c.no_user,
            "職員番号の欄が空の記録",
            "Records whose user cell is empty",
        ),
        (
            |c| c.replaced,
            "文字として読めない箇所（結果では「\u{FFFD}」で示しています）",
            "Undecodable places in the text, shown as \u{FFFD}",
        ),
        (
            |c| c.rejected,
            "読み取れず除いた記録（一覧は rejects.csv）",
            "Records rejected (listed in rejects.csv)",
        ),
    ];
    for (of, ja, en) in kinds {
        let total: u64 = counts.iter().map(of).sum();
        if total > 0 {
            let total = count(total);
            let sources: Vec<String> = counts
                .iter()
                .zip(names)
                .filter(|(c, _)| of(c) > 0)
                .map(|(_, n)| n.clone())
                .collect();
            notes.push(note(
                format!("{ja}: {total} 件（{}）", some_of(&sources, "、", " ほか")),
                format!("{en}: {total} ({})", some_of(&sources, ", ", " and more")),
            ));
        }
    }
    notes.extend(of_swallowed(counts, names));
    notes.extend(of_unlisted(collector, names));
    for (counts, name) in counts.iter().zip(names) {
        if let Some(error) = &counts.error {
            let read = count(counts.records + counts.rejected);
            let Note { ja, en } = error;
            notes.push(note(
                format!("{name}: 読めない箇所がありました（{ja}）。それより前の {read} 件は含めています。"),
                format!("{name}: could not be read to its end ({en}); the {read} records before that are included."),
            ));
        }
    }
    notes
}

/// Lines inside quotes that look like records.
fn of_swallowed(counts: &[InputCounts], names: &[String]) -> Option<Note> {
    let (mut ja, mut en) = (Vec::new(), Vec::new());
    for (
        Places {
            count: lines,
            first,
        },
        name,
    ) in counts.iter().map(|c| c.swallowed).zip(names)
    {
        let Some(first) = first else { continue };
        let (lines, first) = (count(lines), count(first));
        ja.push(format!("{name} に {lines} 行（最初は {first} 行目）"));
        en.push(format!("{name}: {lines} (the first is line {first})"));
    }
    if ja.is_empty() {
        return None;
    }
    Some(note(
        format!(
            "引用符（\"）で囲まれた中に、記録のように見える行があります: {}。引用符の閉じ忘れなら、その行は記録として数えられていません。ログの書き出し方を確かめてください。",
            some_of(&ja, "、", " ほか")
        ),
        format!(
            "Lines inside quotes (\") look like records: {}. If a quote was left open, these lines are not counted as records: check how the log is written out.",
            some_of(&en, ", ", " and more")
        ),
    ))
}

/// The rejected records that are counted and not listed.
fn of_unlisted<T>(collector: &Collector<T>, names: &[String]) -> Option<Note> {
    let Unlisted { first, reasons } = &collector.unlisted;
    let (source, line) = (*first)?;
    let name = &names[source as usize];
    let (line, listed) = (count(line), count(collector.rejects.len() as u64));
    let total = count(reasons.values().sum());
    let reasons: Vec<String> = reasons
        .iter()
        .map(|(reason, number)| format!("{reason} {}", count(*number)))
        .collect();
    Some(note(
        format!(
            "除いた記録の一覧（rejects）は、上限の {listed} 件で止めました（max_rejects）。{name} の {line} 行目から後（読み取った順）の {total} 件は、件数だけを数えています（{}）。",
            reasons.join("、")
        ),
        format!(
            "The list of rejected records (rejects) stops at its limit of {listed} (max_rejects): from {name}, line {line} on, in the order of reading, {total} more are counted and not listed ({}).",
            reasons.join(", ")
        ),
    ))
}

fn of_assumptions(context: &Context, lacking: impl Fn(Field) -> Vec<String>) -> Vec<Note> {
    let mut notes = Vec::new();
    for (field, assumed) in &context.policy.assume {
        let sources = lacking(*field);
        if sources.is_empty() {
            continue;
        }
        let (value_ja, value) = match assumed {
            Assumed::Text(text) => (text.clone(), text.clone()),
            Assumed::Bool(yes) => ((if *yes { "あり" } else { "なし" }).into(), yes.to_string()),
            Assumed::Outcome(outcome) => (outcome.japanese().into(), outcome.name().into()),
        };
        let (field_ja, field) = (in_japanese(field.name()), field.name());
        notes.push(note(
            format!(
                "{field_ja}の列がないため、すべて「{value_ja}」とみなしました（[assume]）: {}",
                some_of(&sources, "、", " ほか")
            ),
            format!(
                "No column for {field}: taken as {value} throughout ([assume]): {}",
                some_of(&sources, ", ", " and more")
            ),
        ));
    }
    notes
}

/// Names of fields as an officer reads them: 「宛名番号（subject）、業務（system）」.
fn in_japanese(names: &str) -> String {
    let called = |name| match Field::from_name(name) {
        Some(field) => format!("{}（{name}）", field.japanese()),
        None => name.to_owned(),
    };
    names.split(", ").map(called).collect::<Vec<_>>().join("、")
}

fn of_rules(context: &Context, reasons: &[Option<String>]) -> Vec<Note> {
    context
        .policy
        .rules
        .iter()
        .zip(reasons)
        .filter_map(|(rule, reason)| {
            let columns = reason.as_deref()?.strip_prefix("no column: ")?;
            Some(note(
                format!(
                    "規則 {} は、{}の列がログにないため評価できません。",
                    rule.id,
                    in_japanese(columns)
                ),
                format!(
                    "Rule {} is not evaluable: the log has no column for {columns}.",
                    rule.id
                ),
            ))
        })
        .collect()
}

/// The first few of some names, and how many there are.
pub(super) fn some_of(names: &[String], separator: &str, more: &str) -> String {
    const MOST: usize = 3;
    let shown = names
        .iter()
        .take(MOST)
        .cloned()
        .collect::<Vec<_>>()
        .join(separator);
    if names.len() > MOST {
        format!("{shown}{more} ({})", count(names.len() as u64))
    } else {
        shown
    }
}
