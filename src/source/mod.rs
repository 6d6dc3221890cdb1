//! Bytes in: from paths, directories, globs and archives to streams of decompressed bytes.

pub mod ahead;
pub mod archive;
mod decode;
mod open;
mod plain;
mod results;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

pub use open::{Compression, Input, MAX_RATIO, open};
pub use plain::Plain;
pub use watch::{Change, Stamp, Watch};

use crate::error::{Error, Result};
use crate::fault::{InputFault, InputKind};
use crate::words::of_system;
use archive::{Listing, Member};

/// A file, or a member of an archive, to scan.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as it was given or expanded, `archive!member` in an archive; the record's `source`.
    pub name: String,
    /// Where it, or its archive, lies.
    pub path: PathBuf,
    /// What of that it is.
    pub part: Part,
    /// Whether the file changes while it is read; of an archive's member its checksum tells.
    pub watch: Watch,
}

/// What of a file a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// A member of the archive.
    Member(Member),
    /// It was named and cannot be read: why.
    Refused(InputFault),
}

impl Source {
    /// Bytes that reading it takes of the file, as it is now; from now on it is watched.
    #[must_use]
    pub fn size(&self) -> u64 {
        match (&self.part, fs::metadata(&self.path)) {
            (Part::Member(member), _) => member.compressed,
            (Part::Whole, Ok(metadata)) => {
                self.watch.begin(Stamp::of(&metadata));
                metadata.len()
            }
            (_, metadata) => metadata.map_or(0, |m| m.len()),
        }
    }
}

/// Files, and what was passed over on the way.
#[derive(Debug, Default)]
pub struct Expanded {
    /// The sources, by name, each once.
    pub sources: Vec<Source>,
    /// Files of a directory that do not look like logs.
    pub ignored: Vec<String>,
    /// Directories with results of earlier scans, which are no logs.
    pub results: Vec<String>,
    /// Members of archives that nobody would call a log: hidden ones, `__MACOSX`.
    pub litter: Vec<String>,
    /// Paths that were named more than once and are read once.
    pub repeated: Vec<String>,
}

/// Endings that a log in a directory has; an explicit path may have any.
const ENDINGS: [&str; 5] = ["csv", "tsv", "txt", "log", "tab"];
const COMPRESSED: [&str; 4] = ["gz", "zst", "zstd", "zip"];

/// Of a directory that was named.
const ONLY_RESULTS: (&str, &str) = (
    "no log in this directory, only results of an earlier scan",
    "このフォルダーにあるのは横目の結果で、ログがありません。ログのフォルダーかファイルを指定してください",
);

/// A path that was found, and which members are meant if it is an archive (none: all).
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    path: PathBuf,
    members: Option<String>,
}

/// Expands paths: a file is itself, a directory all logs below it, `archive!glob` the members of a zip
/// archive that the glob matches, anything else a glob; a zip archive is all of its members.
///
/// # Errors
/// [`Error::NotFound`] for a path or glob that names no file, [`Error::NoMember`] for one that names
/// no member of an archive, [`Error::Input`] for a directory or an archive that cannot be listed or
/// holds no log, [`Error::Usage`] for a malformed glob.
pub fn expand(paths: &[String]) -> Result<Expanded> {
    let mut out = Expanded::default();
    let mut archives = Archives::default();
    let mut all = Vec::new();
    for given in paths {
        let path = Path::new(given);
        let whole = |path| Found {
            path,
            members: None,
        };
        if path.is_dir() {
            let mut found = Vec::new();
            let results = out.results.len();
            list(path, given, &mut BTreeSet::new(), &mut found, &mut out)?;
            if found.is_empty() && out.results.len() > results {
                return Err(Error::input_of(given, InputKind::NoLog, ONLY_RESULTS));
            }
            if found.is_empty() {
                let (endings, compressed) = (ENDINGS.join(", "), COMPRESSED.join(", "));
                let words = (
                    format!(
                        "no log in this directory (looked for files ending in {endings}, and those compressed: {compressed})"
                    ),
                    format!(
                        "このフォルダーにはログがありません（名前が {endings} で終わるファイルと、それを圧縮した {compressed} を探しました）。フォルダーを確かめるか、ファイルをじかに指定してください"
                    ),
                );
                return Err(Error::input_of(given, InputKind::NoLog, words));
            }
            all.extend(found.into_iter().map(whole));
        } else if path.exists() {
            all.push(whole(path.to_path_buf()));
        } else if let Some(found) = archives.named(given, &mut out)? {
            all.extend(found);
        } else {
            let found = glob_files(given, &mut out)?;
            all.extend(found.into_iter().map(whole));
        }
    }
    // Of the names of one file the first counts, whatever the order in which they were given.
    all.sort();
    let mut seen = BTreeSet::new();
    for found in all {
        archives.sources(found, &mut seen, &mut out)?;
    }
    out.sources.sort_by(|a, b| a.name.cmp(&b.name));
    // What a folder passes over may be named beside it.
    let read: BTreeSet<PathBuf> = seen.into_iter().map(|(file, _)| file).collect();
    out.ignored
        .retain(|path| !read.contains(&identity(Path::new(path))));
    out.results.sort();
    out.results.dedup();
    out.litter.sort();
    out.litter.dedup();
    Ok(out)
}

/// A file, or the member of exactly this name of a zip archive, to read it again.
///
/// # Errors
/// [`Error::Input`] if the archive cannot be listed, [`Error::NoMember`] if it has no such member.
pub fn again(path: &Path, member: Option<&str>) -> Result<Source> {
    let file = path.to_string_lossy();
    let (name, part) = match member {
        None => (file.into_owned(), Part::Whole),
        Some(member) => {
            let name = format!("{file}!{member}");
            let listing =
                archive::list(path).map_err(|e| Error::input(&file, InputFault::of(&e)))?;
            let Some(found) = listing.members.iter().find(|m| m.name == member) else {
                let members = archive::some_names(listing.members.iter().map(|m| m.name.as_str()));
                return Err(Error::NoMember {
                    path: name,
                    members,
                });
            };
            let part = match &found.member {
                Ok(member) => Part::Member(*member),
                Err(why) => Part::Refused(why.clone()),
            };
            (name, part)
        }
    };
    Ok(Source {
        name,
        path: path.to_path_buf(),
        part,
        watch: Watch::default(),
    })
}

/// The file or the member that a name stands for, whatever the name.
type Identity = (PathBuf, Option<String>);

/// Archives that were looked into.
#[derive(Default)]
struct Archives(BTreeMap<PathBuf, Listing>);

impl Archives {
    fn listing(&mut self, path: &Path) -> Result<&Listing> {
        use std::collections::btree_map::Entry;
        match self.0.entry(identity(path)) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let listing = archive::list(path)
                    .map_err(|e| Error::input(&path.to_string_lossy(), InputFault::of(&e)))?;
                Ok(place.insert(listing))
            }
        }
    }

    /// What `archive!members` names; none if no part before a `!` is an archive.
    fn named(&mut self, given: &str, out: &mut Expanded) -> Result<Option<Vec<Found>>> {
        for (at, _) in given.match_indices('!') {
            let (before, members) = (&given[..at], &given[at + 1..]);
            let paths = if Path::new(before).is_file() {
                vec![PathBuf::from(before)]
            } else {
                // A `!` also stands in globs: the part before it need not be one.
                glob_files(before, out).unwrap_or_default()
            };
            let paths: Vec<PathBuf> = paths.into_iter().filter(|p| archive::is_zip(p)).collect();
            if paths.is_empty() {
                continue;
            }
            let pattern = member_pattern(given, members)?;
            let mut found = Vec::new();
            let mut others = Vec::new();
            for path in paths {
                let listing = self.listing(&path)?;
                if archive::select(listing, Some(&pattern)).0.is_empty() && listing.damage.is_none()
                {
                    others.extend(listing.members.iter().map(|m| m.name.clone()));
                    continue;
                }
                found.push(Found {
                    path,
                    members: Some(members.to_owned()),
                });
            }
            if found.is_empty() {
                let members = match archive::some_names(others.iter().map(String::as_str)) {
                    none if none.is_empty() => "none".to_owned(),
                    some => some,
                };
                let path = given.to_owned();
                return Err(Error::NoMember { path, members });
            }
            return Ok(Some(found));
        }
        Ok(None)
    }

    /// The sources that a path stands for.
    fn sources(
        &mut self,
        found: Found,
        seen: &mut BTreeSet<Identity>,
        out: &mut Expanded,
    ) -> Result<()> {
        let Found { path, members } = found;
        let name = path.to_string_lossy().into_owned();
        let file = identity(&path);
        let mut add = |part: Part, name: String, identity: Identity| {
            if seen.insert(identity) {
                out.sources.push(Source {
                    name,
                    path: path.clone(),
                    part,
                    watch: Watch::default(),
                });
            } else {
                out.repeated.push(name);
            }
        };
        if !archive::is_zip(&path) {
            add(Part::Whole, name, (file, None));
            return Ok(());
        }
        let pattern = members
            .as_deref()
            .map(|members| member_pattern(&name, members))
            .transpose()?;
        let listing = self.listing(&path)?;
        let (logs, litter) = archive::select(listing, pattern.as_ref());
        for log in &logs {
            let part = match &log.member {
                Ok(member) => Part::Member(*member),
                Err(why) => Part::Refused(why.clone()),
            };
            let identity = (file.clone(), Some(log.name.clone()));
            add(part, format!("{name}!{}", log.name), identity);
        }
        if let Some(damage) = &listing.damage {
            add(Part::Refused(damage.clone()), name, (file, None));
        } else if logs.is_empty() {
            let words = (
                "there is no log in this archive",
                "このアーカイブにはログがありません。中のファイルを確かめてください",
            );
            let why = InputFault::new(InputKind::NoLog, words);
            add(Part::Refused(why), name, (file, None));
        }
        let of_archive = |member: &&str| format!("{}!{member}", path.display());
        out.litter.extend(litter.iter().map(of_archive));
        Ok(())
    }
}

fn member_pattern(given: &str, members: &str) -> Result<glob::Pattern> {
    let members = if members.is_empty() { "*" } else { members };
    glob::Pattern::new(members).map_err(|e| malformed(given, &e))
}

fn malformed(given: &str, error: &glob::PatternError) -> Error {
    Error::usage(
        "source",
        (
            format!("{given}: malformed glob: {error}"),
            format!(
                "{given}: ファイルを選ぶ型の書き方に誤りがあります（{error}）。使えるのは、任意の文字列 *、任意の一文字 ?、[ ] で囲んだ文字のどれか、です"
            ),
        ),
    )
}

fn unreadable(name: &str, error: &std::io::Error) -> Error {
    let words = (
        error.to_string(),
        format!("読めません（{}）", of_system(error).ja),
    );
    Error::input_of(name, InputKind::Unreadable, words)
}

fn identity(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

fn glob_files(given: &str, out: &mut Expanded) -> Result<Vec<PathBuf>> {
    let not_found = || Error::NotFound {
        path: given.to_owned(),
    };
    if !given.contains(['*', '?', '[']) {
        return Err(not_found());
    }
    let matches = glob::glob(given).map_err(|e| malformed(given, &e))?;
    let mut found = Vec::new();
    for path in matches {
        let path = path.map_err(|e| unreadable(&e.path().to_string_lossy(), e.error()))?;
        if path.is_dir() {
            let name = path.to_string_lossy();
            list(&path, &name, &mut BTreeSet::new(), &mut found, out)?;
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
        let entry = entry.map_err(|e| unreadable(given, &e))?;
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
    out: &mut Expanded,
) -> Result<()> {
    if !seen.insert(fs::canonicalize(dir).unwrap_or_else(|_| dir.to_path_buf())) {
        return Ok(());
    }
    let failed = |e: std::io::Error| {
        let words = (
            format!("the directory cannot be listed: {e}"),
            format!("フォルダーの中を見られません（{}）", of_system(&e).ja),
        );
        Error::input_of(name, InputKind::Unreadable, words)
    };
    let mut entries: Vec<_> = fs::read_dir(dir)
        .map_err(failed)?
        .collect::<std::io::Result<_>>()
        .map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    // Logs that lie beside a result are read all the same.
    let ours = results::told_of(dir);
    if !ours.is_empty() {
        out.results.push(name.to_owned());
    }
    for entry in entries {
        let path = entry.path();
        let file_name = entry.file_name().to_string_lossy().into_owned();
        if file_name.starts_with('.') || ours.contains(&file_name) {
            continue;
        }
        if path.is_dir() {
            list(&path, &path.to_string_lossy(), seen, found, out)?;
        } else if is_log_name(&file_name) {
            found.push(path);
        } else {
            out.ignored.push(path.to_string_lossy().into_owned());
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
            "e.csv.zst",
            "logs.ZIP",
        ] {
            assert!(is_log_name(name), "{name}");
        }
        for name in ["a.xlsx", "readme.md", "csv"] {
            assert!(!is_log_name(name), "{name}");
        }
    }
}
