//! The text of flagged records, read again from their sources.
//!
//! Most of a log is text that nobody asks for: only of flagged records is it shown. What is sorted by
//! way of temporary files so leaves it where it is, if that is a plain file, and the few that are
//! flagged are read again from there.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use hashbrown::HashMap;

use super::inputs::{Planned, PlannedSource};
use crate::block::{Elsewhere, check};
use crate::error::{Error, Result};
use crate::fault::{InputFault, InputKind};
use crate::findings::Flag;
use crate::findings::flagged::Reread;
use crate::order::Batch;
use crate::source::Part;
use crate::words::count;

/// Files that are kept open, at most.
const MOST_OPEN: usize = 64;

type Shared = Arc<Mutex<File>>;

/// Sources that can be read again.
pub struct Again {
    planned: Arc<Planned>,
    /// By source; asked for when the first record is sorted.
    can: OnceLock<Vec<bool>>,
    open: Mutex<HashMap<u32, Shared>>,
}

impl Again {
    /// The sources of a plan.
    #[must_use]
    pub fn new(planned: Arc<Planned>) -> Again {
        Again {
            planned,
            can: OnceLock::new(),
            open: Mutex::default(),
        }
    }

    /// Whether any place of a source can be read again: it is a file (no pipe), and not compressed.
    #[must_use]
    pub fn can(&self, source: u32) -> bool {
        let can = self
            .can
            .get_or_init(|| self.planned.sources.iter().map(plain).collect());
        can.get(source as usize).copied().unwrap_or(false)
    }

    /// The text of the flagged records of a batch that have left it where it was.
    ///
    /// # Errors
    /// [`Error::Input`] if it cannot be read, or is not what it was.
    pub fn texts(&self, of: &Batch, flags: &[Flag]) -> Result<Reread> {
        if of.blocks().iter().all(|b| b.block().places.is_none()) {
            return Ok(Reread::default());
        }
        let mut wanted: Vec<(u32, Elsewhere)> = flags
            .iter()
            .filter_map(|flag| {
                let (block, at) = of.locate(flag.row);
                Some((flag.row, block.block().elsewhere(at)?))
            })
            .collect();
        // In the order in which they stand: a disk likes it.
        wanted.sort_unstable_by_key(|(_, at)| (at.source, at.offset));
        wanted.dedup_by_key(|&mut (row, _)| row);
        wanted
            .into_iter()
            .map(|(row, at)| Ok((row, self.text(&at)?)))
            .collect()
    }

    fn text(&self, at: &Elsewhere) -> Result<Vec<u8>> {
        let name = || &self.planned.sources[at.source as usize].source.name;
        let mut text = vec![0; at.length];
        self.read(at, &mut text).map_err(|e| {
            let InputFault { kind, words } = InputFault::of(&e);
            let words = (
                format!("a flagged record cannot be read again ({})", words.en),
                format!("該当した記録を読み直せません（{}）", words.ja),
            );
            Error::input_of(name(), kind, words)
        })?;
        if check(&text) != at.check {
            let words = (
                format!(
                    "the record at byte {} is no longer what it was: the file was written to while it was scanned; scan it again when nobody writes to it",
                    at.offset
                ),
                format!(
                    "先頭から {} バイトの位置にある記録が、はじめに読んだときと違います。分析の間にファイルが書き換えられました。書き込みが終わってから、もう一度分析してください",
                    count(at.offset)
                ),
            );
            return Err(Error::input_of(name(), InputKind::Changed, words));
        }
        Ok(text)
    }

    fn read(&self, at: &Elsewhere, text: &mut [u8]) -> io::Result<()> {
        let file = self.file(at.source)?;
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(at.offset))?;
        file.read_exact(text)
    }

    fn file(&self, source: u32) -> io::Result<Shared> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.get(&source) {
            return Ok(Arc::clone(file));
        }
        if open.len() >= MOST_OPEN {
            open.clear();
        }
        let file = File::open(&self.planned.sources[source as usize].source.path)?;
        let file = Arc::new(Mutex::new(file));
        open.insert(source, Arc::clone(&file));
        Ok(file)
    }
}

fn plain(of: &PlannedSource) -> bool {
    let file = || std::fs::metadata(&of.source.path).is_ok_and(|m| m.is_file());
    !of.compressed && of.source.part == Part::Whole && file()
}
