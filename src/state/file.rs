//! A state as a file: read with every doubt, written whole or not at all.
//!
//! ```text
//! "YOKOME STATE\n"  format: u32  length of header, of memory: u64 each
//! header: JSON      memory: postcard, zstd      XXH3-128 of all before
//! ```
//!
//! Numbers are little-endian. Nothing is taken from a file of which the checksum is wrong.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_128;

use super::State;
use crate::error::{Error, Result, StateKind};
use crate::fault::InputFault;
use crate::words::of_system;

/// The layout of the file and of what is in it.
pub const FORMAT: u32 = 2;

const MAGIC: &[u8] = b"YOKOME STATE\n";

/// Bytes before the header.
const FIXED: usize = MAGIC.len() + 4 + 8 + 8;

/// Bytes of the checksum.
const SUM: usize = 16;

/// How old a file that nobody has locked must be, to be taken for abandoned.
const MOMENT: Duration = Duration::from_secs(2);

const LEVEL: i32 = 3;

/// An [`Error::State`].
pub(crate) fn error(
    path: &Path,
    kind: StateKind,
    en: impl Into<String>,
    ja: impl Into<String>,
) -> Error {
    Error::State {
        path: path.to_string_lossy().into_owned(),
        kind,
        words: (en.into(), ja.into()).into(),
    }
}

fn damaged(path: &Path, what: &str, ja: &str) -> Error {
    error(
        path,
        StateKind::Damaged,
        format!(
            "the state file is damaged ({what}): restore it from a backup, or name a file that does not exist yet and scan from the beginning again"
        ),
        format!(
            "状態ファイルが壊れています（{ja}）。控えから戻すか、まだないファイル名を指定して最初の月から分析し直してください"
        ),
    )
}

/// The bytes of a state.
///
/// # Panics
/// Never: all of it can be serialised, in memory.
#[must_use]
pub fn encode(state: &State) -> Vec<u8> {
    let header = serde_json::to_vec(&state.header).expect("a header is JSON");
    let memory = postcard::to_allocvec(&state.memory).expect("a memory can be serialised");
    let memory = zstd::encode_all(memory.as_slice(), LEVEL).expect("memory to memory");
    let mut bytes = Vec::with_capacity(FIXED + header.len() + memory.len() + SUM);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&(memory.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(&memory);
    let sum = xxh3_128(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

/// The state that bytes are; `path` for messages.
///
/// # Errors
/// [`Error::State`] if they are no state, of another format, cut short or damaged.
pub fn decode(bytes: &[u8], path: &Path) -> Result<State> {
    if !bytes.starts_with(MAGIC) {
        if bytes.is_empty() || MAGIC.starts_with(bytes) {
            return Err(damaged(path, "it is cut short", "途中で切れています"));
        }
        return Err(error(
            path,
            StateKind::NotAState,
            "this is not a state file of Yokome: name the one that an earlier scan wrote, or a file that does not exist yet to start anew",
            "横目の状態ファイルではありません。前回の分析が書いたファイルか、まだないファイル名（新しく始める場合）を指定してください",
        ));
    }
    let short = || damaged(path, "it is cut short", "途中で切れています");
    let behind = &bytes[MAGIC.len()..];
    let (format, behind) = behind.split_first_chunk().ok_or_else(short)?;
    let format = u32::from_le_bytes(*format);
    if format != FORMAT {
        return Err(error(
            path,
            StateKind::Format,
            format!(
                "the state file has format {format}; this version of Yokome ({}) knows format {FORMAT}: use the version that wrote it, or name a file that does not exist yet and scan from the beginning again",
                env!("CARGO_PKG_VERSION")
            ),
            format!(
                "状態ファイルの形式（{format}）は、この版の横目（{}、形式 {FORMAT}）では扱えません。書いたときの版を使うか、まだないファイル名を指定して最初の月から分析し直してください",
                env!("CARGO_PKG_VERSION")
            ),
        ));
    }
    let (header, behind) = behind.split_first_chunk().ok_or_else(short)?;
    let (memory, _) = behind.split_first_chunk().ok_or_else(short)?;
    let (header, memory) = (u64::from_le_bytes(*header), u64::from_le_bytes(*memory));
    let whole = (FIXED as u64)
        .checked_add(header)
        .and_then(|n| n.checked_add(memory))
        .and_then(|n| n.checked_add(SUM as u64));
    match whole {
        Some(whole) if (bytes.len() as u64) < whole => return Err(short()),
        Some(whole) if bytes.len() as u64 == whole => {}
        _ => return Err(damaged(path, "its lengths are wrong", "長さが合いません")),
    }
    let (content, sum) = bytes.split_at(bytes.len() - SUM);
    if xxh3_128(content).to_le_bytes() != sum {
        return Err(damaged(
            path,
            "its checksum is wrong",
            "チェックサムが合いません",
        ));
    }
    let unreadable = || damaged(path, "its content makes no sense", "内容を読み取れません");
    let header = usize::try_from(header).map_err(|_| short())?;
    let (header, memory) = content[FIXED..].split_at(header);
    let header = serde_json::from_slice(header).map_err(|_| unreadable())?;
    let memory = zstd::decode_all(memory).map_err(|_| unreadable())?;
    let memory = postcard::from_bytes(&memory).map_err(|_| unreadable())?;
    Ok(State { header, memory })
}

/// The state in a file, and the digest of the file; none if there is no such file.
///
/// # Errors
/// As [`decode`]; [`Error::State`] if the file cannot be read.
pub fn read(path: &Path) -> Result<Option<(State, u128)>> {
    let bytes = bytes_of(path)?;
    bytes
        .map(|bytes| Ok((decode(&bytes, path)?, xxh3_128(&bytes))))
        .transpose()
}

fn bytes_of(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// A state to be written in place of the one that the scan went on from.
pub struct NewState {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// Digest of the file as the scan read it; none if there was none.
    pub before: Option<u128>,
}

/// What the system says, in English and in Japanese.
fn system(failed: &io::Error) -> (String, String) {
    (InputFault::of(failed).words.en, of_system(failed).ja)
}

fn unreadable(path: &Path, failed: &io::Error) -> Error {
    let (en, ja) = system(failed);
    error(
        path,
        StateKind::System,
        format!("the state file cannot be read: {en}"),
        format!("状態ファイルを読めません（{ja}）"),
    )
}

fn unwritable(path: &Path, failed: &io::Error) -> Error {
    let (en, ja) = system(failed);
    error(
        path,
        StateKind::System,
        format!(
            "the state file cannot be written: {en}. What stood there before still does; see that its folder exists and may be written to, and scan again"
        ),
        format!(
            "状態ファイルを書き込めません（{ja}）。元の状態ファイルはそのまま残っています。フォルダーがあり、書き込めることを確かめて、分析をやり直してください"
        ),
    )
}

/// A file beside its place, which goes there only when it is complete. It is locked as long as it is
/// there: one that is not is what a killed process left.
struct Staged {
    temporary: PathBuf,
    file: Option<File>,
}

impl Staged {
    fn new(path: &Path) -> io::Result<Staged> {
        clear(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (mut tries, process) = (0, std::process::id());
        loop {
            let temporary = path.with_file_name(format!(".{name}.{process}.{tries}.tmp"));
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            match options.open(&temporary) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < 1000 => {
                    tries += 1;
                }
                Err(error) => return Err(error),
                Ok(file) => {
                    // Where there are no locks, nothing is ever cleared away.
                    let _ = file.try_lock();
                    let file = Some(file);
                    return Ok(Staged { temporary, file });
                }
            }
        }
    }

    fn put(mut self, bytes: &[u8], path: &Path) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.write_all(bytes)?;
            file.sync_all()?;
        }
        if cfg!(windows) {
            // An open file cannot be moved there.
            self.file = None;
        }
        fs::rename(&self.temporary, path)?;
        // The move lasts through a power cut, where the system can say so of a folder.
        #[cfg(unix)]
        if let Ok(folder) = File::open(folder_of(path)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.file = None;
        // After the move there is none.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Removes what killed processes left beside a state: `.NAME.PROCESS.NUMBER.tmp`, if it is older than
/// a moment (its maker may be about to lock it) and can be locked. What cannot be looked at stays.
fn clear(path: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_ours = |entry: &str| {
        let number = |part: Option<&str>| {
            part.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
        };
        let middle = entry
            .strip_prefix('.')
            .and_then(|e| e.strip_prefix(name.as_ref()))
            .and_then(|e| e.strip_prefix('.'))
            .and_then(|e| e.strip_suffix(".tmp"));
        middle.is_some_and(|middle| {
            let mut parts = middle.split('.');
            number(parts.next()) && number(parts.next()) && parts.next().is_none()
        })
    };
    let entries = fs::read_dir(folder_of(path)).into_iter().flatten();
    for entry in entries.flatten() {
        if !entry.file_name().to_str().is_some_and(is_ours) {
            continue;
        }
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let age = entry.metadata().ok().and_then(|m| m.modified().ok());
        let age = age.and_then(|modified| modified.elapsed().ok());
        if is_file
            && age.is_some_and(|age| age >= MOMENT)
            && let Ok(file) = OpenOptions::new().write(true).open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes sure that a state can be written there, before a long scan.
///
/// # Errors
/// [`Error::State`] if it cannot.
pub fn probe(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Err(error(
            path,
            StateKind::NotAState,
            "this is a folder: name a file to keep the state in",
            "これはフォルダーです。状態を保存するファイルの名前を指定してください",
        ));
    }
    Staged::new(path)
        .map(drop)
        .map_err(|e| unwritable(path, &e))
}

/// Writes a state: beside its place, to the disk, then moved there in one step. The owner alone can
/// read it.
///
/// # Errors
/// [`Error::State`] if it cannot be written, or if the file is not what the scan read any more; what
/// stood there before still does.
pub fn write(path: &Path, new: &NewState) -> Result<()> {
    let now = bytes_of(path)?.map(|bytes| xxh3_128(&bytes));
    if now != new.before {
        return Err(error(
            path,
            StateKind::Changed,
            "the state file has changed since this scan read it (another scan with the same state?): it is left as it is. Let scans with one state follow each other; scan again if this log is not in it (yokome state show)",
            "この分析が読んだ後に、状態ファイルが変わりました（同じ状態ファイルを使う別の分析があったようです）。状態ファイルはそのままにしてあります。同じ状態ファイルを使う分析は一つずつ行い、このログがまだ含まれていなければ（yokome state show で確かめられます）分析し直してください",
        ));
    }
    Staged::new(path)
        .and_then(|staged| staged.put(&new.bytes, path))
        .map_err(|e| unwritable(path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::state::Memory;
    use crate::state::fingerprint::Fingerprint;
    use crate::state::header::Header;

    fn state() -> State {
        let policy = Policy::default_policy();
        State {
            header: Header {
                yokome: "0".into(),
                policy: Fingerprint::of(&policy),
                periods: Vec::new(),
                last_ms: Some(5),
                users: 0,
            },
            memory: Memory {
                seen: vec![(1, 2), (3, 4)],
                ..Memory::default()
            },
        }
    }

    #[test]
    fn what_a_killed_process_left_is_cleared_away_and_nothing_else() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("a.state");
        let old = std::time::SystemTime::now() - Duration::from_mins(1);
        let put = |name: &str, modified| {
            let file = File::create(room.path().join(name)).unwrap();
            file.set_modified(modified).unwrap();
            file
        };
        let others = [
            "a.state",
            ".a.state.1.x.tmp",
            ".b.state.1.2.tmp",
            ".a.state.tmp",
        ];
        for name in [".a.state.1.0.tmp", ".a.state.23.4.tmp"]
            .iter()
            .chain(&others)
        {
            drop(put(name, old));
        }
        let busy = put(".a.state.5.0.tmp", old);
        busy.try_lock().unwrap();
        drop(put(".a.state.6.0.tmp", std::time::SystemTime::now()));
        probe(&path).unwrap();
        let mut left: Vec<String> = fs::read_dir(room.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut wanted = [&others[..], &[".a.state.5.0.tmp", ".a.state.6.0.tmp"]].concat();
        wanted.sort_unstable();
        assert_eq!(left, wanted);
    }

    #[test]
    fn every_damaged_byte_and_every_cut_is_noticed() {
        let whole = encode(&state());
        let path = Path::new("s");
        assert_eq!(decode(&whole, path).unwrap(), state());
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            assert!(decode(&bytes, path).is_err(), "byte {at}");
            let error = decode(&whole[..at], path).unwrap_err().to_string();
            assert!(error.contains("cut short"), "{at}: {error}");
        }
        let longer = [whole.as_slice(), b"x"].concat();
        assert!(decode(&longer, path).is_err());
    }
}
