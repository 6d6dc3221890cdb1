//! Zip archives: what members there are, what they are called, which of them are logs.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use zip::CompressionMethod;
use zip::read::{ZipArchive, ZipReadOptions, read_zipfile_from_stream_with_options};

use crate::fault::{InputFault, InputKind};

/// How a member is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Not at all.
    Stored,
    /// Deflate.
    Deflate,
    /// Zstandard.
    Zstd,
}

/// Where a member of an archive lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Offset of its own header in the archive.
    pub start: u64,
    /// Bytes of it in the archive.
    pub compressed: u64,
    /// Bytes it decompresses to.
    pub size: u64,
    /// CRC-32 of those.
    pub crc: u32,
    /// How it is compressed.
    pub method: Method,
}

/// A member by name: where it lies, or why it cannot be read.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its path in the archive, with `/`.
    pub name: String,
    /// Where it lies, or why it cannot be read.
    pub member: Result<Member, InputFault>,
}

/// What is in an archive.
#[derive(Debug)]
pub struct Listing {
    /// All members but folders, as they stand in the archive.
    pub members: Vec<Listed>,
    /// What is wrong with the archive as a whole.
    pub damage: Option<InputFault>,
}

/// Whether a file begins as a zip archive does. What cannot be opened is none.
#[must_use]
pub fn is_zip(path: &Path) -> bool {
    // Opening a pipe may wait for ever.
    if !path.is_file() {
        return false;
    }
    let mut magic = [0; 4];
    File::open(path).is_ok_and(|mut file| {
        file.read_exact(&mut magic).is_ok() && matches!(&magic, b"PK\x03\x04" | b"PK\x05\x06")
    })
}

/// Lists an archive. Of one whose list of members (it stands at the end) is lost, the members that
/// are found from its start.
///
/// # Errors
/// What the system says.
pub fn list(path: &Path) -> io::Result<Listing> {
    let archive = match ZipArchive::new(BufReader::new(File::open(path)?)) {
        Ok(archive) => archive,
        Err(error) => return salvage(path, &error),
    };
    let mut members = Vec::with_capacity(archive.len());
    let mut damage = None;
    for number in 0..archive.len() {
        let entry = match archive.by_index_data(number) {
            Ok(entry) => entry,
            Err(error) => {
                let words = (
                    format!("the archive's list of members is damaged ({error})"),
                    format!(
                        "アーカイブの中の一覧が壊れています（{error}）。元の場所からコピーし直してください"
                    ),
                );
                damage = Some(InputFault::new(InputKind::Damaged, words));
                break;
            }
        };
        let name = decode_name(entry.name_raw(), is_marked_utf8(entry.flags().as_u16()));
        if name.ends_with('/') {
            continue;
        }
        let member = Member {
            start: entry.header_start(),
            compressed: entry.compressed_size(),
            size: entry.size(),
            crc: entry.crc32(),
            method: Method::Stored,
        };
        let member = if entry.is_symlink() {
            Err(InputFault::new(
                InputKind::Member,
                (
                    "this member of the archive is a link: take out what it leads to",
                    "アーカイブの中のこのファイルは、別のファイルへのリンクです。リンク先のファイルを取り出して指定してください",
                ),
            ))
        } else {
            readable(member, entry.encrypted(), entry.compression())
        };
        members.push(Listed { name, member });
    }
    if archive.has_duplicate_names() {
        damage = Some(InputFault::new(
            InputKind::Member,
            (
                "the archive has several members of one name: take them out and scan them as files",
                "アーカイブの中に同じ名前のファイルが二つ以上あります。取り出して、ファイルとして指定してください",
            ),
        ));
    }
    let of_office = |m: &Listed| m.name == "[Content_Types].xml" || m.name == "mimetype";
    if members.iter().any(of_office) {
        members.clear();
        damage = Some(InputFault::new(
            InputKind::Workbook,
            (
                "this is an Excel workbook or another Office document, not a log: export it as CSV",
                "Excel のブックなど Office の文書は読めません。業務システムから CSV で書き出したファイルを指定してください",
            ),
        ));
    }
    Ok(Listing { members, damage })
}

const fn is_marked_utf8(flags: u16) -> bool {
    flags & 0x0800 != 0
}

fn readable(
    member: Member,
    encrypted: bool,
    compression: CompressionMethod,
) -> Result<Member, InputFault> {
    if encrypted {
        return Err(InputFault::new(
            InputKind::Encrypted,
            (
                "this member of the archive is encrypted: decrypt it first",
                "アーカイブの中のこのファイルは、パスワードで暗号化されています。パスワードを入れて展開してから、展開したファイルを指定してください",
            ),
        ));
    }
    let method = match compression {
        CompressionMethod::STORE => Method::Stored,
        CompressionMethod::DEFLATE => Method::Deflate,
        CompressionMethod::ZSTD => Method::Zstd,
        #[allow(deprecated)]
        other => {
            let method = other.to_u16();
            return Err(InputFault::new(
                InputKind::Member,
                (
                    format!(
                        "this member of the archive is compressed by method {method}, which is not understood (stored, deflate and zstd are): take it out, or pack it again"
                    ),
                    format!(
                        "アーカイブの中のこのファイルは、扱えない方式（番号 {method}）で圧縮されています。展開したファイルを指定するか、ふつうの zip で圧縮し直してください"
                    ),
                ),
            ));
        }
    };
    Ok(Member { method, ..member })
}

/// The members of an archive that was cut, by their own headers.
fn salvage(path: &Path, error: &zip::result::ZipError) -> io::Result<Listing> {
    let mut file = BufReader::new(File::open(path)?);
    let size = file.get_ref().metadata()?.len();
    let mut members = Vec::new();
    let mut start = 0;
    loop {
        file.seek(SeekFrom::Start(start))?;
        let options = ZipReadOptions::new().ignore_encryption_flag(true);
        let Ok(Some(entry)) = read_zipfile_from_stream_with_options(&mut file, options) else {
            break;
        };
        let flags = entry.flags().as_u16();
        let name = decode_name(entry.name_raw(), is_marked_utf8(flags));
        let member = Member {
            start,
            compressed: entry.compressed_size(),
            size: entry.size(),
            crc: entry.crc32(),
            method: Method::Stored,
        };
        let header = 30 + entry.name_raw().len() as u64;
        let (compressed, encrypted, compression) = (
            entry.compressed_size(),
            entry.encrypted(),
            entry.compression(),
        );
        // Leaves the reader behind the member.
        drop(entry);
        let next = file.stream_position()?;
        if !name.ends_with('/') {
            let member = readable(member, encrypted, compression);
            members.push(Listed { name, member });
        }
        if next >= size || next < start + header + compressed {
            break;
        }
        start = next;
    }
    let (found, found_ja) = if members.is_empty() {
        (
            "no member is found from its start".to_owned(),
            "先頭からたどっても、ファイルは見付かりません".to_owned(),
        )
    } else {
        let names = some_names(members.iter().map(|m| m.name.as_str()));
        (
            format!("found from its start, the last perhaps not whole: {names}"),
            format!("先頭からたどって見付かったもの（最後は途中までかもしれません）: {names}"),
        )
    };
    let words = (
        format!(
            "the archive is cut short or damaged: the list of members at its end cannot be read ({error}); {found}"
        ),
        format!(
            "アーカイブが途中で切れているか、壊れています（{error}。{found_ja}）。元の場所からコピーし直してください"
        ),
    );
    Ok(Listing {
        members,
        damage: Some(InputFault::new(InputKind::CutShort, words)),
    })
}

/// A member's name as a person wrote it. Without the mark of UTF-8 it is in whatever encoding the
/// writer used: UTF-8 all the same (three bytes at least for each Japanese character), or CP932.
fn decode_name(raw: &[u8], marked: bool) -> String {
    let utf8 = std::str::from_utf8(raw)
        .ok()
        .filter(|text| marked || text.is_ascii() || text.chars().any(|c| c.len_utf8() > 2));
    let text = match utf8 {
        Some(text) => text.to_owned(),
        None if marked => String::from_utf8_lossy(raw).into_owned(),
        None => encoding_rs::SHIFT_JIS
            .decode_without_bom_handling(raw)
            .0
            .into_owned(),
    };
    // Only now: the second byte of a CP932 character can be a backslash.
    text.replace('\\', "/")
}

/// The members that are meant: by name, by a glob over names, or all; and what of the rest nobody
/// would call a log.
#[must_use]
pub fn select<'a>(
    listing: &'a Listing,
    pattern: Option<&glob::Pattern>,
) -> (Vec<&'a Listed>, Vec<&'a str>) {
    if let Some(pattern) = pattern {
        let named: Vec<&Listed> = listing
            .members
            .iter()
            .filter(|m| m.name == pattern.as_str())
            .collect();
        if !named.is_empty() {
            return (named, Vec::new());
        }
    }
    let meant = listing
        .members
        .iter()
        .filter(|m| pattern.is_none_or(|p| p.matches(&m.name)));
    let (litter, logs): (Vec<_>, Vec<_>) = meant.partition(|m| is_litter(&m.name));
    (logs, litter.iter().map(|m| m.name.as_str()).collect())
}

/// What macOS and Windows put into archives, and hidden files.
fn is_litter(name: &str) -> bool {
    const LITTER: [&str; 3] = ["__macosx", "thumbs.db", "desktop.ini"];
    name.split('/')
        .any(|part| part.starts_with('.') || LITTER.contains(&part.to_lowercase().as_str()))
}

/// A few of many names.
pub fn some_names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 5;
    let all: BTreeSet<&str> = names.collect();
    let shown: Vec<&str> = all.iter().take(MOST).copied().collect();
    let more = if all.len() > MOST {
        format!(" and {} more", all.len() - MOST)
    } else {
        String::new()
    };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_the_encoding_they_were_written_in() {
        let sjis = |text| encoding_rs::SHIFT_JIS.encode(text).0.into_owned();
        for (raw, marked, wanted) in [
            (b"a/b.csv".to_vec(), false, "a/b.csv"),
            (b"a\\b.csv".to_vec(), false, "a/b.csv"),
            ("操作ログ.csv".as_bytes().to_vec(), true, "操作ログ.csv"),
            ("操作ログ.csv".as_bytes().to_vec(), false, "操作ログ.csv"),
            (sjis("操作ログ.csv"), false, "操作ログ.csv"),
            (sjis("能力表.csv"), false, "能力表.csv"),
            (sjis("ﾃｱ.csv"), false, "ﾃｱ.csv"),
            (sjis("表\\ソ.csv"), false, "表/ソ.csv"),
        ] {
            assert_eq!(decode_name(&raw, marked), wanted, "{raw:?}");
        }
    }

    #[test]
    fn litter_is_told_from_logs() {
        for name in [
            "__MACOSX/._a.csv",
            "x/.DS_Store",
            "Thumbs.db",
            ".hidden/a.csv",
        ] {
            assert!(is_litter(name), "{name}");
        }
        for name in ["a.csv", "x/y.z/a.csv", "MACOSX.csv"] {
            assert!(!is_litter(name), "{name}");
        }
    }
}
