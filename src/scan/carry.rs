//! A scan that goes on from a state, and leaves one.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::Xxh3;

use super::collect::Collector;
use super::inputs::Planned;
use super::notes::Note;
use crate::block::Span;
use crate::dictionary::Dictionaries;
use crate::error::{Error, Result, StateKind};
use crate::log::time::format_ms;
use crate::order::Waiting;
use crate::policy::{Key, Policy};
use crate::record::Field;
use crate::source::open;
use crate::state::SavedKey;
use crate::state::file::{self, NewState, error};
use crate::state::fingerprint::Fingerprint;
use crate::state::header::{Covered, Header, Period};
use crate::state::texts::{Loader, Saver};
use crate::state::{Memory, SavedPer, State};
use crate::words::count;

/// Parts of a policy that an error names.
const MOST_PARTS: usize = 5;

/// The state of a scan: what an earlier one left, and where to leave one's own.
pub struct Carry {
    path: PathBuf,
    policy: Fingerprint,
    before: Option<State>,
    /// Digest of the file that it was read from.
    file: Option<u128>,
    digests: Arc<Digests>,
}

/// Digests of the sources, by number, as far as they have been read.
pub type Digests = Mutex<Vec<Option<u128>>>;

/// What passes through is digested.
pub struct Digesting<R> {
    input: R,
    number: usize,
    hasher: Box<Xxh3>,
    digests: Arc<Digests>,
}

impl<R: Read> Digesting<R> {
    /// The bytes of source `number`.
    pub fn new(input: R, number: usize, digests: Arc<Digests>) -> Digesting<R> {
        Digesting {
            input,
            number,
            hasher: Box::default(),
            digests,
        }
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}

impl<R> Drop for Digesting<R> {
    fn drop(&mut self) {
        let mut digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        if digests.len() <= self.number {
            digests.resize(self.number + 1, None);
        }
        digests[self.number] = Some(self.hasher.digest128());
    }
}

impl Carry {
    /// Reads the state that a scan by `policy` goes on from, if there is one.
    ///
    /// # Errors
    /// [`Error::State`] if it cannot be read, is damaged, of another version or by another policy, or
    /// could not be written later.
    pub fn open(path: &Path, policy: &Policy) -> Result<Carry> {
        file::probe(path)?;
        let (before, file) = file::read(path)?.unzip();
        let policy = Fingerprint::of(policy);
        if let Some(state) = &before {
            check_policy(path, &state.header, &policy)?;
        }
        Ok(Carry {
            path: path.to_path_buf(),
            policy,
            before,
            file,
            digests: Arc::default(),
        })
    }

    /// Where sources put their digests.
    #[must_use]
    pub fn digests(&self) -> Arc<Digests> {
        Arc::clone(&self.digests)
    }

    fn until(&self) -> Option<i64> {
        self.before.as_ref()?.header.last_ms
    }

    /// Refuses sources that the state knows by their digest. Only those that are as long as one it
    /// knows are read for this; the others are digested while they are scanned.
    ///
    /// # Errors
    /// [`Error::State`] for such a source; what `check`, called now and then, says.
    pub fn refuse_known(
        &self,
        planned: &Planned,
        max_ratio: u64,
        check: &mut dyn FnMut() -> Result<()>,
    ) -> Result<()> {
        let Some(state) = &self.before else {
            return Ok(());
        };
        for source in &planned.sources {
            let alike = |c: &&Covered| c.bytes == Some(source.size) && c.records > 0;
            if source.plan.is_none() || !state.header.sources().any(|c| alike(&c)) {
                continue;
            }
            // What cannot be read is for the scan to tell.
            let Ok(mut input) = open(&source.source, Arc::new(AtomicU64::new(0)), max_ratio) else {
                continue;
            };
            let mut hasher = Box::<Xxh3>::default();
            let mut buffer = vec![0; 1 << 17];
            while let Ok(n @ 1..) = input.read(&mut buffer) {
                hasher.update(&buffer[..n]);
                check()?;
            }
            let digest = hex(hasher.digest128());
            self.refuse(&source.source.name, &digest, state.header.sources())?;
        }
        Ok(())
    }

    fn refuse<'a>(
        &self,
        name: &str,
        digest: &str,
        mut covered: impl Iterator<Item = &'a Covered>,
    ) -> Result<()> {
        // Sources without a record are alike and say nothing.
        let same = |c: &&Covered| c.records > 0 && c.digest.as_deref() == Some(digest);
        let Some(known) = covered.find(same) else {
            return Ok(());
        };
        let known = &known.source;
        Err(error(
            &self.path,
            StateKind::Covered,
            format!(
                "{name} has been scanned into this state already (as {known}, with the same content): leave it out"
            ),
            format!(
                "{name} は、この状態にすでに含まれています（{known} と同じ内容）。このファイルを除いて分析してください"
            ),
        ))
    }

    /// Refuses a block with a record at or before the last time that the state covers.
    ///
    /// # Errors
    /// [`Error::State`] that names the record.
    pub fn refuse_early(&self, waiting: &Waiting, span: Span, names: &[String]) -> Result<()> {
        let Some(until) = self.until() else {
            return Ok(());
        };
        let mut records = (0..waiting.len()).filter(|_| span.min <= until);
        let Some(at) = records.find(|&at| waiting.time(at) <= until) else {
            return Ok(());
        };
        let block = waiting.block();
        let (name, line) = (&names[block.origin.source as usize], block.line(at));
        let shown = count(line);
        let (time, last) = (format_ms(waiting.time(at)), format_ms(until));
        Err(error(
            &self.path,
            StateKind::Covered,
            format!(
                "{name}:{line}: this record is of {time}, but the state covers everything up to {last}: scan only logs that begin after that (all records of one instant belong into one scan). To add records to a period that is covered, go back to a copy of the state from before it, or name a file that does not exist yet and scan all logs again"
            ),
            format!(
                "{name} の {shown} 行目は {time} の記録ですが、この状態は {last} までを分析済みとしています。それより後の記録だけのログを指定してください（同じ時刻の記録は一度に分析する必要があります）。分析済みの期間に記録を加えるには、その前の状態ファイルの控えに戻すか、まだないファイル名を指定して全部のログを分析し直してください"
            ),
        ))
    }

    /// What detection goes on from; `load` puts the states into their places.
    ///
    /// # Errors
    /// [`Error::State`] if the state contradicts itself.
    pub fn load(
        &self,
        dictionaries: &Dictionaries,
        load: impl FnOnce(&Memory, &mut Loader),
    ) -> Result<()> {
        let Some(state) = &self.before else {
            return Ok(());
        };
        let mut loader = Loader::new(&state.memory.texts, dictionaries);
        load(&state.memory, &mut loader);
        if loader.broken {
            return Err(error(
                &self.path,
                StateKind::Damaged,
                "the state file contradicts itself: restore it from a backup, or name a file that does not exist yet and scan from the beginning again",
                "状態ファイルの内容に矛盾があります。控えから戻すか、まだないファイル名を指定して最初の月から分析し直してください",
            ));
        }
        Ok(())
    }

    /// What numbers the values of the state that the scan leaves.
    #[must_use]
    pub fn saver<T>(&self, dictionaries: &Dictionaries, collector: &Collector<T>) -> Saver {
        let last = self.last(collector);
        Saver::new(dictionaries, last.map_or(i64::MIN, |last| last + 1))
    }

    fn last<T>(&self, collector: &Collector<T>) -> Option<i64> {
        let scanned = collector.inputs.iter().filter_map(|c| c.last).max();
        scanned.max(self.until())
    }

    /// The state that the scan leaves.
    ///
    /// # Errors
    /// [`Error::State`] if a source was scanned twice.
    pub fn encode<T>(
        &self,
        planned: &Planned,
        names: &[String],
        collector: &Collector<T>,
        memory: Memory,
    ) -> Result<NewState> {
        let digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        let mut period = Period::default();
        let before = self.before.as_ref().map(|state| &state.header);
        for (number, (name, counts)) in names.iter().zip(&collector.inputs).enumerate() {
            let digest = digests.get(number).copied().flatten().map(hex);
            if let Some(digest) = &digest
                && counts.records > 0
            {
                let known = before.into_iter().flat_map(Header::sources);
                self.refuse(name, digest, known.chain(&period.sources))?;
            }
            period.first_ms = period.first_ms.into_iter().chain(counts.first).min();
            period.last_ms = period.last_ms.max(counts.last);
            period.records += counts.records;
            period.sources.push(Covered {
                source: name.clone(),
                bytes: planned.sources.get(number).map(|source| source.size),
                digest,
                records: counts.records,
                rejected: counts.rejected,
                error: counts.error.as_ref().map(|words| words.en.clone()),
            });
        }
        let mut periods = before.map_or_else(Vec::new, |header| header.periods.clone());
        periods.push(period);
        let header = Header {
            yokome: env!("CARGO_PKG_VERSION").to_owned(),
            policy: self.policy.clone(),
            periods,
            last_ms: self.last(collector),
            users: memory.texts.count(Field::User) as u64,
        };
        Ok(NewState {
            bytes: file::encode(&State { header, memory }),
            before: self.file,
        })
    }

    /// What is to be said of it.
    #[must_use]
    pub fn notes(&self, continued: u64) -> Vec<Note> {
        let path = self.path.to_string_lossy();
        let Some(state) = &self.before else {
            return vec![Note {
                ja: format!(
                    "状態ファイル {path} はまだなかったため、新しく始めました。これより前の記録は考慮していません。"
                ),
                en: format!(
                    "The state file {path} did not exist: this scan starts anew, and knows of no records before."
                ),
            }];
        };
        let mut notes = Vec::new();
        if let Some(last) = state.header.last_ms.map(format_ms) {
            notes.push(Note {
                ja: format!("状態ファイル {path}（{last} まで）を引き継ぎました。"),
                en: format!(
                    "This scan goes on from the state file {path}, which covers up to {last}."
                ),
            });
        }
        if continued > 0 {
            let continued = count(continued);
            notes.push(Note {
                ja: format!(
                    "所見のうち {continued} 件は、前回までの分析から続いているものです（findings の continued）。始まったときの分析で数えているため、今回の所見の件数には含めていません。"
                ),
                en: format!(
                    "{continued} finding(s) go on from earlier scans (continued in findings): they are counted where they began, not here."
                ),
            });
        }
        notes
    }
}

/// Brings the parts of a memory together.
#[must_use]
pub fn memory(
    dictionaries: &Dictionaries,
    mut saver: Saver,
    pers: Vec<SavedPer>,
    seen: impl Iterator<Item = (u64, u32)>,
) -> Memory {
    let mut open = Vec::new();
    for SavedKey { rules, .. } in pers.iter().flat_map(|per| &per.keys) {
        for rule in rules {
            rule.findings(&mut open);
        }
    }
    open.sort_unstable();
    let user = Key::Field(Field::User);
    let mut seen: Vec<(u64, u64)> = seen
        .filter(|(finding, _)| open.binary_search(finding).is_ok())
        .map(|(finding, id)| (finding, saver.value(user, id.into())))
        .collect();
    seen.sort_unstable();
    Memory {
        texts: saver.texts(dictionaries),
        pers,
        seen,
    }
}

fn hex(digest: u128) -> String {
    format!("{digest:032x}")
}

fn check_policy(path: &Path, header: &Header, policy: &Fingerprint) -> Result<()> {
    let different = header.policy.differences(policy);
    if different.is_empty() {
        return Ok(());
    }
    let more = if different.len() > MOST_PARTS {
        ", …"
    } else {
        ""
    };
    let parts = different[..different.len().min(MOST_PARTS)].join(", ") + more;
    let (mut en, mut ja) = (String::new(), String::new());
    if header.yokome != env!("CARGO_PKG_VERSION") {
        en = format!(
            " (The state was written by Yokome {}, this is {}; what a policy leaves unsaid may have changed.)",
            header.yokome,
            env!("CARGO_PKG_VERSION")
        );
        ja = format!(
            "（状態は横目 {} が書いたもので、この版は {} です。ポリシーに書かれていない既定値が変わった可能性もあります）",
            header.yokome,
            env!("CARGO_PKG_VERSION")
        );
    }
    Err(error(
        path,
        StateKind::Policy,
        format!(
            "the policy is not the one of the state; it differs in: {parts}. Scan with the policy of the state ({}), or name a file that does not exist yet and scan from the beginning again{en}",
            header.policy.name
        ),
        format!(
            "ポリシーが、状態を作ったときのものと違います（違うところ: {parts}）。元のポリシー（{}）で分析するか、まだないファイル名を指定して最初の月から分析し直してください{ja}",
            header.policy.name
        ),
    ))
}

/// Reads the state in a file, to show what it covers.
///
/// # Errors
/// [`Error::NotFound`] if there is none, [`Error::State`] if it is damaged or of another version.
pub fn show(path: &Path) -> Result<State> {
    let read = file::read(path)?.ok_or_else(|| Error::NotFound {
        path: path.to_string_lossy().into_owned(),
    });
    Ok(read?.0)
}
