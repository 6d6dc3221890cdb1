//! Odd texts: an error or a policy, never a panic; and what is read can be written.

use super::assert_same;
use crate::policy::{DEFAULT_TOML, Policy, parse_where};

/// A small generator, so that the texts are the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % (n.max(1) as u64)).unwrap_or(0)
    }
}

const PIECES: [&str; 44] = [
    "",
    " ",
    "\n",
    "\r\n",
    "\"",
    "'",
    "\"\"\"",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "#",
    "0",
    "-1",
    "1e400",
    "nan",
    "true",
    "9223372036854775808",
    "2025-02-30",
    "2025-04-01",
    "08:30",
    "2025-04-01T00:00:00Z",
    "\"90d\"",
    "\"0s\"",
    "\"9999999999d\"",
    "[]",
    "{}",
    "[[rules]]\n",
    "\u{0}",
    "\u{FEFF}",
    "あ",
    "𠮷",
    "\\",
    "[calendar]\n",
    "where = {}\n",
    "\"12-29..01-03\"",
    "by = [\"date\"]\n",
    "\"24:00-00:00\"",
    "\"(?i)\"",
];

/// One to three cuts, insertions, swaps or repeats.
fn mutate(text: &str, random: &mut Random) -> String {
    let mut text = text.to_owned();
    for _ in 0..=random.below(3) {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        if places.is_empty() {
            break;
        }
        let place = random.below(places.len());
        let at = places[place];
        let end = places[(place + random.below(30)).min(places.len() - 1)];
        match random.below(4) {
            0 => text.insert_str(at, PIECES[random.below(PIECES.len())]),
            1 => text.replace_range(at..end, ""),
            2 => {
                let mut lines: Vec<&str> = text.lines().collect();
                let (a, b) = (random.below(lines.len()), random.below(lines.len()));
                lines.swap(a, b);
                text = lines.join("\n");
            }
            _ => {
                // Replace the rest of a line.
                let stop = text[at..].find('\n').map_or(text.len(), |n| at + n);
                text.replace_range(at..stop, PIECES[random.below(PIECES.len())]);
            }
        }
    }
    text
}

fn check(text: &str, policies: &mut usize) {
    match Policy::from_toml(text, "p.toml", None) {
        Ok(policy) => {
            *policies += 1;
            let again = Policy::from_toml(&policy.to_toml(), "again", None);
            assert_same(
                &again.unwrap_or_else(|error| panic!("{error}\n{text}")),
                &policy,
            );
        }
        Err(error) => {
            assert!(!error.message.en.is_empty());
            assert!(error.to_string().chars().count() < 1_500, "{error}");
        }
    }
}

#[test]
fn mutated_policies() {
    // The part of the default policy without its many globs, which cost time to compile.
    let cut = |name: &str| DEFAULT_TOML.find(name).unwrap();
    let tail = &DEFAULT_TOML[cut("[calendar]\ncountry")..];
    let head = &DEFAULT_TOML[..cut("[operations]\n")];
    let mut random = Random(1);
    let mut policies = 0;
    for text in [tail, head] {
        for _ in 0..500 {
            let text = mutate(text, &mut random);
            check(&text, &mut policies);
        }
    }
    assert!(policies > 50, "{policies}");
}

#[test]
fn truncated_policies() {
    let at = DEFAULT_TOML.find("[calendar]\ncountry").unwrap();
    let text = &DEFAULT_TOML[at..];
    let mut policies = 0;
    for (end, _) in text.char_indices().step_by(23) {
        check(&text[..end], &mut policies);
    }
}

#[test]
fn nested_without_end() {
    for text in [
        "x = ".to_owned() + &"[".repeat(100_000),
        "x = ".to_owned() + &"{a=".repeat(100_000),
        "a.".repeat(100_000),
        format!("[{}a]", "a.".repeat(50_000)),
        format!("[scope]\nwhere = {}{}", "{and=".repeat(60), "}".repeat(60)),
        format!(
            "[scope]\nwhere = {{ user = {{ regex = \"{}\" }} }}",
            "(".repeat(10_000)
        ),
        format!(
            "[scope]\nwhere = {{ user = {{ glob = \"{}\" }} }}",
            "{".repeat(10_000)
        ),
        format!(
            "[scope]\nwhere = {{ user = {{ regex = \"{}\" }} }}",
            "\\\\w{1000}".repeat(100)
        ),
    ] {
        let _ = Policy::from_toml(&text, "p", None);
    }
    let json = format!("{{\"x\": {}", "[".repeat(100_000));
    assert!(Policy::from_json(&json, "p").is_err());
}

#[test]
fn mutated_json() {
    let text = r#"{"columns": {"time": [1, 2]}, "lists": {"a": {"on": ["user", "date"], "values": [["x", "2025-04-01"]]}},
        "calendar": {"hours": {"mon": "08:30-17:15"}, "closed": ["sat", "12-29..01-03"], "override": [{"department": "*", "open": []}]},
        "scope": {"from": "2025-04-01", "where": {"user": {"list": "a", "regex": ["a", "b"]}}},
        "rules": [{"id": "a", "kind": "count", "window": "1h", "at_least": 3, "by": ["subject"]}]}"#;
    assert!(Policy::from_json(text, "p").is_ok());
    let mut random = Random(3);
    for _ in 0..1_000 {
        let _ = Policy::from_json(&mutate(text, &mut random), "p");
    }
}

#[test]
fn odd_conditions() {
    let policy = Policy::default_policy();
    let mut random = Random(7);
    for _ in 0..2_000 {
        let text = mutate(
            "department = \"税務課\", result = [\"failure\"]",
            &mut random,
        );
        if let Err(error) = parse_where(&text, &policy) {
            assert_eq!(error.file, "--where");
        }
    }
}
