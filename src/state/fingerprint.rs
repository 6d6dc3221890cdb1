//! Whether two policies remember the same things of the same records.
//!
//! The fingerprint is that of the policy as TOML, values of lists included, part by part, so that a
//! difference can be named. Left out is what may change from month to month: the policy's name,
//! `[scope]` (which only says what of a scan's own records is flagged), how the columns of a log are
//! called and its times written, and titles.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::policy::{Columns, Policy, Scope};

/// The fingerprint of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The policy's name, for people.
    pub name: String,
    /// XXH3-128 of the parts', 32 hexadecimal digits.
    pub fingerprint: String,
    /// `calendar`, `lists`, `rule bulk-export`, …, and the XXH3-128 of each.
    pub parts: BTreeMap<String, String>,
}

fn digest(text: &str) -> String {
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

/// The part that a line of a policy's TOML opens; for a rule, its `id` follows.
fn part_of(line: &str) -> Option<&str> {
    let name = line.strip_prefix('[')?.trim_start_matches('[');
    Some(name.split([']', '.']).next().unwrap_or(name))
}

impl Fingerprint {
    /// The fingerprint of a policy.
    #[must_use]
    pub fn of(policy: &Policy) -> Fingerprint {
        let mut bare = policy.clone();
        bare.scope = Scope::default();
        bare.columns = Columns {
            timezone: bare.columns.timezone.take(),
            ..Columns::default()
        };
        for rule in &mut bare.rules {
            rule.title_ja = None;
            rule.title_en = None;
        }
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        let mut part = "top".to_owned();
        let mut order = String::new();
        let mut rules = bare.rules.iter();
        for line in bare.to_toml().lines().filter(|line| !line.is_empty()) {
            if let Some(name) = part_of(line) {
                name.clone_into(&mut part);
                if name == "rules"
                    && let Some(rule) = rules.next()
                {
                    part = format!("rule {}", rule.id);
                    order.push_str(&rule.id);
                    order.push('\n');
                }
            }
            let text = texts.entry(part.clone()).or_default();
            text.push_str(line);
            text.push('\n');
        }
        texts.insert("order of the rules".to_owned(), order);
        let parts: BTreeMap<String, String> = texts
            .into_iter()
            .map(|(part, text)| (part, digest(&text)))
            .collect();
        let all: Vec<String> = parts.iter().map(|(p, d)| format!("{p} {d}")).collect();
        Fingerprint {
            name: policy.name.clone(),
            fingerprint: digest(&all.join("\n")),
            parts,
        }
    }

    /// The parts in which another differs, empty if it is the same.
    #[must_use]
    pub fn differences(&self, other: &Fingerprint) -> Vec<String> {
        let names: std::collections::BTreeSet<&String> =
            self.parts.keys().chain(other.parts.keys()).collect();
        names
            .into_iter()
            .filter(|&part| self.parts.get(part) != other.parts.get(part))
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(toml: &str) -> Fingerprint {
        Fingerprint::of(&Policy::from_toml(toml, "p.toml", None).unwrap())
    }

    const RULE: &str = "[[rules]]\nid = \"a\"\nkind = \"gap\"\nidle = \"9d\"\n";

    #[test]
    fn differences_are_named_by_part() {
        let plain = of(RULE);
        let cases: [(&str, &[&str]); 5] = [
            ("", &[]),
            ("[scope]\nfrom = 2026-04-01\n", &[]),
            ("[columns]\nuser = \"担当\"\n", &[]),
            ("[normalise]\ntrim = true\n", &["normalise"]),
            (
                "[lists.vip]\non = [\"subject\"]\nvalues = [\"[x]\", \"2\"]\n[lists.pairs]\non = [\"user\", \"subject\"]\nvalues = [[\"a\", \"b\"], [\"c\", \"d\"]]\n",
                &["lists"],
            ),
        ];
        for (more, expected) in cases {
            assert_eq!(
                plain.differences(&of(&format!("{more}{RULE}"))),
                expected,
                "{more}"
            );
        }
        let cases: [(&str, &[&str]); 3] = [
            ("9d", &[]),
            ("8d", &["rule a"]),
            (
                "9d\"\n[[rules]]\nid=\"b\"\nkind=\"gap\"\nidle=\"1d",
                &["order of the rules", "rule b"],
            ),
        ];
        for (idle, expected) in cases {
            assert_eq!(plain.differences(&of(&RULE.replace("9d", idle))), expected);
        }
        let titled = of(&format!("{RULE}title = {{ en = \"A\" }}\n"));
        assert_eq!(plain.fingerprint, titled.fingerprint);
    }
}
