//! `[[rules]]`.

use super::conditions::{self, Names};
use super::duration::{EXPECTED, LONGEST_DAYS};
use super::error::Fault;
use super::reader::KEY;
use super::tree::{Entry, Node, Table, Value};
use super::{Key, Kind, Rule, Sequence, Spike, Step, Where};
use crate::record::Field;
use crate::words::{Phrase, Words};

/// The keys that every rule may have.
const COMMON: [&str; 7] = [
    "id",
    "kind",
    "title",
    "viewpoint",
    "per",
    "where",
    "optional",
];

/// The kinds and their own keys.
const KINDS: [(&str, &[&str]); 8] = [
    ("match", &[]),
    ("count", &["window", "at_least", "by"]),
    ("distinct", &["field", "window", "at_least", "by"]),
    (
        "novelty",
        &["field", "lookback", "min_active_days", "max_days"],
    ),
    ("hours", &["lookback", "min_active_days", "at_least"]),
    (
        "spike",
        &[
            "measure",
            "distinct",
            "lookback",
            "min_active_days",
            "at_least",
            "factor",
        ],
    ),
    ("gap", &["idle"]),
    ("sequence", &["steps", "within", "by"]),
];

/// Whose records may form one timeline.
const PER: [(&str, Field); 4] = [
    ("user", Field::User),
    ("terminal", Field::Terminal),
    ("subject", Field::Subject),
    ("department", Field::Department),
];

/// Reads the rules, in file order.
pub(super) fn read(node: &Node, names: &Names<'_>) -> Result<Vec<Rule>, Fault> {
    let mut rules: Vec<Rule> = Vec::new();
    for node in node.array((
        "rules, each under [[rules]]",
        "規則（一つずつ [[rules]] の下に書きます）",
    ))? {
        let table = node.table((
            "a rule, a table with an \"id\" and a \"kind\"",
            "規則（id と kind を持つ項目のまとまり）",
        ))?;
        let id = id(table)?;
        if let Some(first) = rules.iter().position(|rule| rule.id == id) {
            let fault = table.need("id", ("", ""))?;
            return Err(fault.fail((
                format!(
                    "the id \"{id}\" is that of rules[{first}] already; every rule needs an id of its own"
                ),
                format!(
                    "id \"{id}\" は、{} 番目の規則（rules[{first}]）がすでに使っています。規則ごとに別の id を付けてください",
                    first + 1
                ),
            )));
        }
        rules.push(rule(table, id, names)?);
    }
    Ok(rules)
}

fn id(table: &Table) -> Result<String, Fault> {
    let node = table.need(
        "id",
        (
            "every rule needs an \"id\", a short name of its own",
            "規則ごとに、ほかと重ならない短い名前（id）を書いてください",
        ),
    )?;
    let id = node.text(("the rule's id, a short name", "規則の短い名前（id）"))?;
    if id.chars().any(char::is_control) || id.trim() != id {
        return Err(node.expected((
            "an id without line breaks or outer spaces",
            "改行や前後の空白のない id",
        )));
    }
    Ok(id.to_owned())
}

fn rule(table: &Table, id: String, names: &Names<'_>) -> Result<Rule, Fault> {
    let options: Vec<(&str, usize)> = KINDS.iter().zip(0..).map(|(k, n)| (k.0, n)).collect();
    let words: Vec<&str> = KINDS.iter().map(|kind| kind.0).collect();
    let words = words.join(", ");
    let why = (
        format!("every rule needs a \"kind\": {words}"),
        format!("規則の種類（kind）を書いてください。書けるもの: {words}"),
    );
    let (word, own) = KINDS[table
        .need("kind", why)?
        .choice(("kind", "規則の種類"), &options)?];
    if let Some(entry) = table.entries.iter().find(|entry| {
        let name = entry.name.as_str();
        !COMMON.contains(&name) && !own.contains(&name)
    }) {
        return Err(misplaced(entry, word, own));
    }
    let (title_ja, title_en) = titles(table)?;
    Ok(Rule {
        id,
        viewpoint: viewpoint(table)?,
        title_ja,
        title_en,
        per: match table.get("per") {
            Some(node) => node.choice(("timeline", "まとめ方（per）"), &PER)?,
            None => Field::User,
        },
        filter: match table.get("where") {
            Some(node) => conditions::read(node, names)?,
            None => Where::default(),
        },
        optional: match table.get("optional") {
            Some(node) => node.flag()?,
            None => false,
        },
        kind: kind(table, word, names)?,
    })
}

/// A key that no rule has, or only rules of other kinds.
fn misplaced(entry: &Entry, kind: &str, own: &[&str]) -> Fault {
    let others: Vec<&str> = KINDS
        .iter()
        .filter(|(_, keys)| keys.contains(&entry.name.as_str()))
        .map(|(kind, _)| *kind)
        .collect();
    let mut allowed = COMMON.to_vec();
    allowed.extend(own);
    if others.is_empty() {
        return entry.unknown(KEY, &allowed);
    }
    let (name, others, allowed) = (&entry.name, others.join(", "), allowed.join(", "));
    entry.fail((
        format!("\"{name}\" is a key of {others} rules, not of {kind}; allowed: {allowed}"),
        format!(
            "\"{name}\" は {others} の規則の項目で、{kind} の規則には書けません。この行を消すか、kind を確かめてください。書けるもの: {allowed}"
        ),
    ))
}

fn viewpoint(table: &Table) -> Result<Option<u8>, Fault> {
    let Some(node) = table.get("viewpoint") else {
        return Ok(None);
    };
    let number = node.small(1, 5)?;
    Ok(u8::try_from(number).ok())
}

/// `title = { ja = "…", en = "…" }`; a plain string serves both languages.
fn titles(table: &Table) -> Result<(Option<String>, Option<String>), Fault> {
    const WHAT: Phrase = (
        "a title, or a table { ja = \"…\", en = \"…\" }",
        "題名か、{ ja = \"…\", en = \"…\" } のような日本語と英語の題名",
    );
    let Some(node) = table.get("title") else {
        return Ok((None, None));
    };
    if let Value::Text(_) = node.value {
        let title = node.text(WHAT)?.to_owned();
        return Ok((Some(title.clone()), Some(title)));
    }
    let table = node.table(WHAT)?;
    table.only(("language", "言語"), &["ja", "en"])?;
    let one = |name| match table.get(name) {
        Some(node) => node
            .text(("a title", "題名"))
            .map(|title| Some(title.to_owned())),
        None => Ok(None),
    };
    Ok((one("ja")?, one("en")?))
}

fn kind(table: &Table, word: &str, names: &Names<'_>) -> Result<Kind, Fault> {
    Ok(match word {
        "count" => Kind::Count {
            window: window(table, word)?,
            at_least: at_least(table, word)?,
            by: by(table)?,
        },
        "distinct" => Kind::Distinct {
            field: field(table, word)?,
            window: window(table, word)?,
            at_least: at_least(table, word)?,
            by: by(table)?,
        },
        "novelty" => {
            let field = field(table, word)?;
            let (lookback, min_active_days) = history(table, word)?;
            let max_days = match table.get("max_days") {
                Some(node) => node.small(0, LONGEST_DAYS)?,
                None => 0,
            };
            Kind::Novelty {
                field,
                lookback,
                min_active_days,
                max_days,
            }
        }
        "hours" => {
            let (lookback, min_active_days) = history(table, word)?;
            Kind::Hours {
                lookback,
                min_active_days,
                at_least: {
                    let why = needs("an hours", "hours", "at_least", "\"at_least\"", EXPECTED);
                    table.need("at_least", why)?.duration()?
                },
            }
        }
        "spike" => spike(table, word)?,
        "gap" => Kind::Gap {
            idle: time(table, word, "idle")?,
        },
        "sequence" => Kind::Sequence(Sequence {
            steps: steps(table, names)?,
            within: time(table, word, "within")?,
            by: by(table)?,
        }),
        _ => Kind::Match,
    })
}

fn spike(table: &Table, word: &str) -> Result<Kind, Fault> {
    let measure = table.get("measure");
    if let Some(node) = measure {
        node.choice(("measure", "数え方（measure）"), &[("records", ())])?;
    }
    let distinct = match table.get("distinct") {
        Some(node) if measure.is_some() => {
            return Err(node.fail((
                "a spike is measured in records or in the different values of a field: give \"measure\" or \"distinct\", not both",
                "measure（件数で数える）と distinct（ある項目の種類の数で数える）の両方が書かれています。どちらか一つにしてください",
            )));
        }
        Some(node) => Some(node.key()?),
        None => None,
    };
    let (lookback, min_active_days) = history(table, word)?;
    let why = (
        format!(
            "a {word} rule needs a \"factor\", how many times the usual day is too much, such as 3 or 2.5"
        ),
        format!(
            "{word} の規則には factor（ふだんの日の何倍以上なら示すか。例: 3、2.5）を書いてください"
        ),
    );
    Ok(Kind::Spike(Spike {
        distinct,
        lookback,
        min_active_days,
        at_least: at_least(table, word)?,
        factor: table.need("factor", why)?.thousandths()?,
    }))
}

/// The steps of a sequence: tables of conditions, each with `times` if wished.
fn steps(table: &Table, names: &Names<'_>) -> Result<Vec<Step>, Fault> {
    const WHAT: Phrase = (
        "two or more steps, each a table of conditions such as { result = \"failure\", times = 5 }",
        "二つ以上の段階（それぞれ { result = \"failure\", times = 5 } のような条件）",
    );
    let why = (
        format!("a sequence rule needs {}", WHAT.0),
        format!("sequence の規則には{}を書いてください", WHAT.1),
    );
    let node = table.need("steps", why)?;
    let nodes = node.array(WHAT)?;
    if nodes.len() < 2 {
        return Err(node.fail((
            format!("expected {}, found {}", WHAT.0, nodes.len()),
            format!("{}を書いてください。いまは {} 個です", WHAT.1, nodes.len()),
        )));
    }
    let step = |node: &Node| {
        let times = match node.table(WHAT)?.get("times") {
            Some(node) => node.small(1, u32::MAX)?,
            None => 1,
        };
        let filter = conditions::read_besides(node, &["times"], names)?;
        Ok(Step { filter, times })
    };
    nodes.iter().map(step).collect()
}

/// That a kind of rule needs a key, and what is written there; in English with the articles.
fn needs(a_kind: &str, kind: &str, name: &str, a_name: &str, (en, ja): Phrase) -> Words {
    (
        format!("{a_kind} rule needs {a_name}, {en}"),
        format!("{kind} の規則には {name}（{ja}）を書いてください"),
    )
        .into()
}

fn field(table: &Table, kind: &str) -> Result<Key, Fault> {
    const WHAT: Phrase = ("the field whose values it looks at", "値を見る項目の名前");
    table
        .need(
            "field",
            needs(&format!("a {kind}"), kind, "field", "a \"field\"", WHAT),
        )?
        .key()
}

fn by(table: &Table) -> Result<Vec<Key>, Fault> {
    table.get("by").map_or_else(|| Ok(Vec::new()), Node::keys)
}

fn window(table: &Table, kind: &str) -> Result<i64, Fault> {
    let why = needs(
        &format!("a {kind}"),
        kind,
        "window",
        "a \"window\"",
        EXPECTED,
    );
    table.need("window", why)?.duration()
}

/// A duration by another name than `window`.
fn time(table: &Table, kind: &str, name: &str) -> Result<i64, Fault> {
    let why = needs(
        &format!("a {kind}"),
        kind,
        name,
        &format!("\"{name}\""),
        EXPECTED,
    );
    table.need(name, why)?.duration()
}

fn at_least(table: &Table, kind: &str) -> Result<u64, Fault> {
    const WHAT: Phrase = ("a whole number", "整数");
    let why = needs(&format!("a {kind}"), kind, "at_least", "\"at_least\"", WHAT);
    let node = table.need("at_least", why)?;
    u64::try_from(node.integer(1, i64::MAX)?).map_err(|_| node.expected(WHAT))
}

/// `lookback` and `min_active_days`.
fn history(table: &Table, kind: &str) -> Result<(u32, u32), Fault> {
    const LOOKBACK: Phrase = (
        "a number of days such as \"90d\"",
        "さかのぼる日数。例: \"90d\"",
    );
    const DAYS: Phrase = (
        "the number of days with records in the lookback below which it says nothing",
        "さかのぼる期間に記録のある日が何日に満たなければ、何も示さないか",
    );
    let a = format!("a {kind}");
    let why = needs(&a, kind, "lookback", "a \"lookback\"", LOOKBACK);
    let lookback = table.need("lookback", why)?.lookback()?;
    let why = needs(&a, kind, "min_active_days", "\"min_active_days\"", DAYS);
    let days = table.need("min_active_days", why)?.small(0, LONGEST_DAYS)?;
    Ok((lookback, days))
}
