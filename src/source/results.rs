//! Results of Yokome's own that lie among logs, so that none is taken for a log.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// The tables of a result, and the endings of their files.
const TABLES: [&str; 9] = [
    "flagged", "findings", "summary", "by_user", "by_day", "activity", "inputs", "rejects", "leaks",
];
const FORMATS: [&str; 3] = ["csv", "parquet", "arrow"];
const OTHERS: [&str; 4] = ["summary.json", "run.json", "report.xlsx", "report.html"];

/// Names of the files of a directory that its own `summary.json` and `run.json` tell of. What no scan
/// would write is not believed: it may be a log.
#[must_use]
pub fn told_of(dir: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (record, kind, list) in [
        ("summary.json", "summary", "files"),
        ("run.json", "run", "outputs"),
    ] {
        let Some(document) = document(&dir.join(record)) else {
            continue;
        };
        let (Some(_), Some(rows)) = (document["yokome"][kind].as_u64(), document[list].as_array())
        else {
            continue;
        };
        names.insert(record.to_owned());
        names.extend(
            rows.iter()
                .filter_map(|row| row.as_str().or_else(|| row["name"].as_str()))
                .filter(|name| is_ours(name))
                .map(str::to_owned),
        );
    }
    names
}

fn document(path: &Path) -> Option<Value> {
    // A pipe would be waited for.
    if !fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn is_ours(name: &str) -> bool {
    OTHERS.contains(&name)
        || name
            .split_once('.')
            .is_some_and(|(table, format)| TABLES.contains(&table) && FORMATS.contains(&format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_scan_writes_is_believed() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        assert_eq!(told_of(dir.path()), BTreeSet::new());
        for nonsense in ["", "{", "[]", r#"{"files": ["activity.csv"]}"#] {
            put("summary.json", nonsense);
            assert_eq!(told_of(dir.path()), BTreeSet::new(), "{nonsense}");
        }
        put(
            "summary.json",
            r#"{"yokome": {"summary": 1}, "files": ["activity.csv", "april.csv", 1, "summary.csv.gz"]}"#,
        );
        put(
            "run.json",
            r#"{"yokome": {"run": 1}, "outputs": [{"name": "findings.parquet"}, {}]}"#,
        );
        let names = [
            "activity.csv",
            "findings.parquet",
            "run.json",
            "summary.json",
        ];
        assert_eq!(
            told_of(dir.path()),
            BTreeSet::from(names.map(str::to_owned))
        );
    }
}
