//! Sources that say the same, byte for byte, under names of their own.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use super::inputs::{InputCounts, PlannedSource};
use super::notes::Note;
use crate::error::Result;
use crate::source::Part;
use crate::words::count;

/// Bytes compared first. Few logs of one length agree on more.
const FIRST: u64 = 1 << 16;

/// How much more is compared each time that files still agree.
const GROWTH: u64 = 4;

/// Groups that notes name.
const MOST_GROUPS: usize = 3;

/// Names of a group that a note gives.
const MOST_NAMES: usize = 5;

/// The groups of readable sources with the same content: their numbers, ascending, by the first of each.
///
/// A file is compared as it lies, compressed or not, and only with files of its length, from its start
/// for as long as another agrees with it. Of a member of an archive its archive tells the length and the
/// CRC-32; it is compared with members alone, by these. What is empty is no copy of anything, and of what
/// cannot be read nothing is said here.
///
/// # Errors
/// What `check`, called now and then, says.
pub fn of(
    sources: &[PlannedSource],
    check: &mut dyn FnMut() -> Result<()>,
) -> Result<Vec<Vec<usize>>> {
    let mut files: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let mut members: BTreeMap<(u64, u32), Vec<usize>> = BTreeMap::new();
    let readable = sources.iter().enumerate().filter(|(_, s)| s.plan.is_some());
    for (number, planned) in readable {
        match &planned.source.part {
            Part::Whole if planned.size > 0 => {
                files.entry(planned.size).or_default().push(number);
            }
            Part::Member(member) if member.size > 0 => members
                .entry((member.size, member.crc))
                .or_default()
                .push(number),
            _ => {}
        }
    }
    let mut groups: Vec<Vec<usize>> = members.into_values().filter(|g| g.len() > 1).collect();
    for (size, group) in files {
        groups.extend(alike(sources, group, size, check)?);
    }
    groups.sort();
    Ok(groups)
}

/// Those of a group of files of one length that say the same. Each is read once at most, a stretch of
/// all of them at a time, and no further than it agrees with another.
fn alike(
    sources: &[PlannedSource],
    group: Vec<usize>,
    size: u64,
    check: &mut dyn FnMut() -> Result<()>,
) -> Result<Vec<Vec<usize>>> {
    let mut groups = vec![group];
    let (mut from, mut length) = (0, FIRST);
    while from < size {
        let length_now = length.min(size - from);
        let mut finer = Vec::new();
        for group in groups.into_iter().filter(|group| group.len() > 1) {
            let mut parts: BTreeMap<u128, Vec<usize>> = BTreeMap::new();
            for number in group {
                // What has gone meanwhile is for the scan to tell.
                let path = &sources[number].source.path;
                if let Some(digest) = stretch(path, from, length_now, check)? {
                    parts.entry(digest).or_default().push(number);
                }
            }
            finer.extend(parts.into_values());
        }
        groups = finer;
        from += length_now;
        length = length.saturating_mul(GROWTH);
    }
    groups.retain(|group| group.len() > 1);
    Ok(groups)
}

/// The XXH3-128 of a stretch of a file; none if that cannot be read.
fn stretch(
    path: &Path,
    from: u64,
    length: u64,
    check: &mut dyn FnMut() -> Result<()>,
) -> Result<Option<u128>> {
    let begin = || -> io::Result<File> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        Ok(file)
    };
    let Ok(mut file) = begin() else {
        return Ok(None);
    };
    let mut hasher = Box::<Xxh3>::default();
    let mut buffer = vec![0; usize::try_from(length.min(1 << 20)).unwrap_or(1 << 20)];
    let mut left = length;
    while left > 0 {
        check()?;
        let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        match file.read(&mut buffer[..most]) {
            Ok(n) if n > 0 => {
                hasher.update(&buffer[..n]);
                left -= n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => return Ok(None),
        }
    }
    Ok(Some(hasher.digest128()))
}

/// The remarks on them. Sources without any record count nothing, so nothing twice.
#[must_use]
pub fn notes(groups: &[Vec<usize>], counts: &[InputCounts], names: &[String]) -> Vec<Note> {
    let counted = |group: &&Vec<usize>| {
        let counts = counts.get(group[0]);
        counts.is_some_and(|c| c.records + c.rejected > 0)
    };
    let groups: Vec<&Vec<usize>> = groups.iter().filter(counted).collect();
    let mut notes: Vec<Note> = groups
        .iter()
        .take(MOST_GROUPS)
        .map(|group| of_group(group, names))
        .collect();
    let more = groups.len().saturating_sub(MOST_GROUPS);
    if more > 0 {
        let more = count(more as u64);
        notes.push(Note {
            ja: format!("内容が同じファイルの組は、ほかに {more} 組あります。"),
            en: format!("There are {more} more groups of files with the same content."),
        });
    }
    notes
}

fn of_group(group: &[usize], names: &[String]) -> Note {
    let all: Vec<&str> = group.iter().map(|&n| names[n].as_str()).collect();
    if let [one, other] = all[..] {
        return Note {
            ja: format!(
                "{one} と {other} は内容が同じです。記録を二重に数えています。片方を除いてやり直してください。"
            ),
            en: format!(
                "{one} and {other} have the same content: their records are counted twice. Leave one out and scan again."
            ),
        };
    }
    let number = count(all.len() as u64);
    let few = |separator: &str, more: &str| {
        let more = if all.len() > MOST_NAMES { more } else { "" };
        all[..all.len().min(MOST_NAMES)].join(separator) + more
    };
    Note {
        ja: format!(
            "内容が同じファイルが {number} 個あります（{}）。同じ記録を {number} 回ずつ数えています。一つだけを残してやり直してください。",
            few("、", " ほか")
        ),
        en: format!(
            "{number} files have the same content ({}): their records are counted {number} times. Keep one and scan again.",
            few(", ", " and more")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::scan::inputs::Planned;
    use crate::scan::{ScanOptions, read_options};

    fn planned(folder: &Path) -> Planned {
        let options = ScanOptions::default();
        let read = read_options(&Policy::default_policy(), &options).unwrap();
        let paths = [folder.to_string_lossy().into_owned()];
        Planned::of(&paths, &read, &options, &mut || Ok(())).unwrap()
    }

    fn log(records: usize) -> Vec<u8> {
        let line = "2026-04-01 09:00:00,u,op\n".repeat(records);
        format!("日時,職員番号,操作内容\n{line}").into_bytes()
    }

    #[test]
    fn files_that_agree_for_long_are_told_apart_and_one_that_vanishes_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let same = log(100_000);
        let mut other = same.clone();
        let last = other.len() - 2;
        other[last] = b'q';
        for name in ["a.csv", "c.csv", "e.csv"] {
            std::fs::write(path(name), &same).unwrap();
        }
        for name in ["b.csv", "d.csv"] {
            std::fs::write(path(name), &other).unwrap();
        }
        let planned = planned(folder.path());
        let of = || super::of(&planned.sources, &mut || Ok(())).unwrap();
        assert_eq!(of(), [vec![0, 2, 4], vec![1, 3]]);
        std::fs::remove_file(path("a.csv")).unwrap();
        std::fs::write(path("d.csv"), b"short").unwrap();
        assert_eq!(of(), [[2, 4]]);
    }

    #[test]
    fn a_call_to_stop_is_heard() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.csv", "b.csv"] {
            std::fs::write(folder.path().join(name), log(3)).unwrap();
        }
        let planned = planned(folder.path());
        let stopped = super::of(&planned.sources, &mut || {
            Err(crate::error::Error::usage("x", ("stop", "中止")))
        });
        assert!(stopped.is_err());
    }
}
