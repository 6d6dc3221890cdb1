//! Bytes in: from paths, directories and globs to streams of decompressed bytes.

mod open;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub use open::{Compression, Input, describe, open};

use crate::error::{Error, Result};

/// A file to scan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The path as it was given or expanded; the record's `source`.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
}

/// Files, and what was passed over on the way.
#[derive(Debug, Default)]
pub struct Expanded {
    /// The files, by name, each once.
    pub sources: Vec<Source>,
    /// Files of a directory that do not look like logs.
    pub ignored: Vec<String>,
    /// Paths that were named more than once and are read once.
    pub repeated: Vec<String>,
}

/// Endings that a log in a directory has; an explicit path may have any.
const ENDINGS: [&str; 5] = ["csv", "tsv", "txt", "log", "tab"];
const COMPRESSED: [&str; 1] = ["gz"];

/// Expands paths: a file is itself, a directory all logs below it, anything else a glob.
///
/// # Errors
/// [`Error::NotFound`] for a path or glob that names no file, [`Error::Input`] for a directory
/// that cannot be listed or holds no log, [`Error::Usage`] for a malformed glob.
pub fn expand(paths: &[String]) -> Result<Expanded> {
    let mut out = Expanded::default();
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for given in paths {
        let path = Path::new(given);
        let mut found = Vec::new();
        if path.is_dir() {
            list(
                path,
                given,
                &mut BTreeSet::new(),
                &mut found,
                &mut out.ignored,
            )?;
            if found.is_empty() {
                return Err(Error::input(
                    given,
                    format!(
                        "no log in this directory (looked for files ending in {})",
                        ENDINGS.join(", ")
                    ),
                ));
            }
        } else if path.exists() {
            found.push(path.to_path_buf());
        } else {
            found = glob_files(given, &mut out.ignored)?;
        }
        all.extend(found);
    }
    // Of the names of one file the first counts, whatever the order in which they were given.
    all.sort();
    for path in all {
        let identity = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        let name = path.to_string_lossy().into_owned();
        if seen.insert(identity) {
            out.sources.push(Source { name, path });
        } else {
            out.repeated.push(name);
        }
    }
    out.sources.sort();
    Ok(out)
}

fn glob_files(given: &str, ignored: &mut Vec<String>) -> Result<Vec<PathBuf>> {
    let not_found = || Error::NotFound {
        path: given.to_owned(),
    };
    if !given.contains(['*', '?', '[']) {
        return Err(not_found());
    }
    let matches =
        glob::glob(given).map_err(|e| Error::Usage(format!("{given}: malformed glob: {e}")))?;
    let mut found = Vec::new();
    for path in matches {
        let path =
            path.map_err(|e| Error::input(&e.path().to_string_lossy(), e.error().to_string()))?;
        if path.is_dir() {
            let name = path.to_string_lossy();
            list(&path, &name, &mut BTreeSet::new(), &mut found, ignored)?;
        } else {
            found.push(path);
        }
    }
    found.extend(without_unicode_name(given)?);
    if found.is_empty() {
        Err(not_found())
    } else {
        Ok(found)
    }
}

/// Files that a pattern means and whose names are not UTF-8 (CP932 out of old archives): the crate
/// passes over them. Only the pattern's last part is looked at so.
fn without_unicode_name(given: &str) -> Result<Vec<PathBuf>> {
    let path = Path::new(given);
    let (Some(dir), Some(last)) = (path.parent(), path.file_name()) else {
        return Ok(Vec::new());
    };
    let Ok(pattern) = glob::Pattern::new(&last.to_string_lossy()) else {
        return Ok(Vec::new());
    };
    let dirs: Vec<PathBuf> = match dir.to_string_lossy() {
        here if here.is_empty() => vec![PathBuf::from(".")],
        dir => glob::glob(&dir).into_iter().flatten().flatten().collect(),
    };
    let mut found = Vec::new();
    for entry in dirs.iter().filter_map(|d| fs::read_dir(d).ok()).flatten() {
        let entry = entry.map_err(|e| Error::input(given, e.to_string()))?;
        let name = entry.file_name();
        if name.to_str().is_none() && pattern.matches(&name.to_string_lossy()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Lists the logs below a directory; a directory that links lead to again is listed once.
fn list(
    dir: &Path,
    name: &str,
    seen: &mut BTreeSet<PathBuf>,
    found: &mut Vec<PathBuf>,
    ignored: &mut Vec<String>,
) -> Result<()> {
    if !seen.insert(fs::canonicalize(dir).unwrap_or_else(|_| dir.to_path_buf())) {
        return Ok(());
    }
    let failed =
        |e: std::io::Error| Error::input(name, format!("the directory cannot be listed: {e}"));
    let mut entries: Vec<_> = fs::read_dir(dir)
        .map_err(failed)?
        .collect::<std::io::Result<_>>()
        .map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let file_name = entry.file_name().to_string_lossy().into_owned();
        if file_name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            list(&path, &path.to_string_lossy(), seen, found, ignored)?;
        } else if is_log_name(&file_name) {
            found.push(path);
        } else {
            ignored.push(path.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

fn is_log_name(name: &str) -> bool {
    let lower = name.to_lowercase();
    let stem = COMPRESSED
        .iter()
        .find_map(|c| lower.strip_suffix(&format!(".{c}")))
        .unwrap_or(&lower);
    ENDINGS.iter().any(|e| stem.ends_with(&format!(".{e}"))) || stem.len() < lower.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_logs_are_told_from_others() {
        for name in [
            "a.csv",
            "a.CSV",
            "b.tsv.gz",
            "c.log",
            "20240401.gz",
            "d.txt",
        ] {
            assert!(is_log_name(name), "{name}");
        }
        for name in ["a.xlsx", "readme.md", "csv"] {
            assert!(!is_log_name(name), "{name}");
        }
    }
}
