//! Records that are not in time order, sorted by way of temporary files.
//!
//! In: blocks, a limited amount at a time. Each amount is sorted by time and written as a *run*:
//! pieces of Arrow IPC, compressed (LZ4), of which only the place and the first time stay in memory.
//! Out: the pieces of all runs in the order of their first times. The first time of the piece to
//! come is the promise by which [`Batcher`] cuts, so that the records stream through detection as if
//! the log had been in order. Nothing is by key: whatever a rule groups by, and however many records one
//! key has, one pass will do.
//!
//! A run is a file without a name (it is deleted as it is made, or marked to be): nobody else can
//! open it, and it is gone when the process is, however it ends.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt8Type, UInt32Type, UInt64Type};
use arrow_array::{
    ArrayRef, BinaryArray, Int64Array, PrimitiveArray, RecordBatch, UInt8Array, UInt32Array,
    UInt64Array,
};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_schema::ArrowError;

use super::batcher::{Batcher, Target};
use super::memory::Budget;
use crate::block::{Block, Columns, Offsets, Origin, Places, Text};
use crate::detect::bits::{Bits, has};
use crate::error::{Error, Result};
use crate::log::encoding::Encoding;

/// Bytes that a record takes besides its text, about.
const ROW: usize = 80;

/// Stands for no offset.
const NO_OFFSET: u64 = u64::MAX;

/// Where temporary files are made, and how.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    piece: usize,
    bits: Bits,
    /// The bits of the rules, as words of a mask.
    rules: Vec<u64>,
    /// Bytes written so far, of all files.
    written: AtomicU64,
    /// Bytes of the input that were read, and all there are (0: unknown).
    input: (Arc<AtomicU64>, u64),
}

/// Records of a run that are read together, in time order.
#[derive(Debug, Clone)]
pub struct Piece {
    file: Arc<Mutex<File>>,
    folder: Arc<str>,
    at: u64,
    len: usize,
    /// Time of the first record.
    first: i64,
}

/// Sorted records in a temporary file.
#[derive(Debug)]
pub struct Run {
    /// In time order.
    pieces: Vec<Piece>,
}

impl Spool {
    /// Makes temporary files in `folder`, once there is something to write. `input` is how many
    /// bytes of the input were read, and all there are (0: unknown): from them follows how much
    /// room is needed.
    #[must_use]
    pub fn new(
        folder: PathBuf,
        budget: &Budget,
        bits: Bits,
        input: (Arc<AtomicU64>, u64),
    ) -> Spool {
        let mut rules = vec![0; bits.words()];
        for rule in 0..bits.rules {
            rules[rule / 64] |= 1 << (rule % 64);
        }
        Spool {
            folder,
            piece: budget.piece,
            bits,
            rules,
            written: AtomicU64::new(0),
            input,
        }
    }

    /// The folder of the temporary files.
    #[must_use]
    pub fn folder(&self) -> String {
        self.folder.display().to_string()
    }

    /// Bytes written to temporary files so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Sorts blocks into a run.
    ///
    /// # Errors
    /// [`Error::Temporary`] if it cannot be written.
    pub fn run(&self, blocks: &[Block]) -> Result<Run> {
        let mut writer = self.writer()?;
        writer.append(blocks)?;
        Ok(writer.run)
    }

    /// Makes one run of several.
    ///
    /// # Errors
    /// [`Error::Temporary`] if they cannot be read or it cannot be written.
    pub fn merge(&self, runs: Vec<Run>) -> Result<Run> {
        let mut writer = self.writer()?;
        let mut batcher = Batcher::new(Some(Target {
            rows: usize::MAX,
            bytes: self.piece,
        }));
        for (piece, promise) in pieces(runs) {
            let block = piece.read(self.bits.words())?;
            let Some(span) = block.columns.span() else {
                continue;
            };
            if batcher.push(block, span, Some(promise)).is_err() {
                return Err(self.failed("a run is not in order: this is a mistake in Yokome"));
            }
            if let Some(ready) = batcher.cut() {
                writer.append(&ready)?;
            }
        }
        writer.append(&batcher.take())?;
        Ok(writer.run)
    }

    fn failed(&self, message: impl Into<String>) -> Error {
        Error::Temporary {
            folder: self.folder(),
            message: message.into(),
        }
    }

    fn writer(&self) -> Result<Writer<'_>> {
        let made = tempfile::tempfile_in(&self.folder);
        let file = made.map_err(|e| {
            self.failed(format!(
                "none can be made here ({e}); name another folder (--temp-dir, temp_dir)"
            ))
        })?;
        Ok(Writer {
            spool: self,
            file: Arc::new(Mutex::new(file)),
            folder: self.folder().into(),
            at: 0,
            run: Run { pieces: Vec::new() },
        })
    }

    /// What to say of a write of `bytes` that failed.
    fn full(&self, bytes: usize, error: &io::Error) -> Error {
        let written = self.written();
        let (read, all) = (self.input.0.load(Ordering::Relaxed), self.input.1);
        let least = bytes as u64;
        // All of the input will take in proportion what its part took.
        let whole = match read {
            0 => 0,
            read => u128::from(written + least) * u128::from(all) / u128::from(read),
        };
        let more = u64::try_from(whole)
            .unwrap_or(u64::MAX)
            .saturating_sub(written)
            .max(least);
        self.failed(format!(
            "writing failed ({error}). The records are not in time order and are sorted here: {written} bytes were written, about {more} more are needed. Make room, name another folder (--temp-dir, temp_dir) or allow more memory (--memory-limit, memory_limit)"
        ))
    }

    /// The text of a record and the code of its encoding; 0 and none if it is not needed, as no rule
    /// can flag the record.
    fn text<'a>(&self, block: &'a Block, row: usize) -> (u8, &'a [u8]) {
        let words = self.bits.words();
        let mask = &block.columns.masks[row * words..(row + 1) * words];
        let any = || mask.iter().zip(&self.rules).any(|(a, b)| a & b != 0);
        if !has(mask, self.bits.scope()) || !any() {
            return (0, &[]);
        }
        let code = |of| (1..).zip(Encoding::ALL).find(|&(_, e)| e == of);
        let text = block.raw(row);
        text.and_then(|(bytes, encoding)| Some((code(encoding)?.0, bytes)))
            .unwrap_or_default()
    }
}

struct Writer<'a> {
    spool: &'a Spool,
    file: Arc<Mutex<File>>,
    folder: Arc<str>,
    at: u64,
    run: Run,
}

impl Writer<'_> {
    /// Adds records, none of which lies before one that was added already.
    fn append(&mut self, blocks: &[Block]) -> Result<()> {
        let mut order: Vec<(i64, u32, u32)> = (0u32..)
            .zip(blocks)
            .flat_map(|(at, block)| {
                (0u32..)
                    .zip(&block.columns.time)
                    .map(move |(row, &time)| (time, at, row))
            })
            .collect();
        order.sort_unstable();
        // Offsets of UTF-16 are counted forwards through each block.
        let offsets: Vec<Vec<u64>> = blocks.iter().map(offsets_of).collect();
        let mut rest = order.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0;
            let rows = rest.iter().take_while(|&&(_, block, row)| {
                let before = bytes;
                let text = blocks[block as usize].raw(row as usize);
                bytes += ROW + text.map_or(0, |(text, _)| text.len());
                before < self.spool.piece
            });
            let (rows, others) = rest.split_at(rows.count());
            self.piece(blocks, &offsets, rows)?;
            rest = others;
        }
        Ok(())
    }

    fn piece(
        &mut self,
        blocks: &[Block],
        offsets: &[Vec<u64>],
        rows: &[(i64, u32, u32)],
    ) -> Result<()> {
        let spool = self.spool;
        let bytes = table(blocks, offsets, rows, spool)
            .and_then(|table| encoded(&table))
            .map_err(|e| spool.failed(e.to_string()))?;
        let wrote = {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write_all(&bytes)
        };
        wrote.map_err(|e| spool.full(bytes.len(), &e))?;
        spool
            .written
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.run.pieces.push(Piece {
            file: Arc::clone(&self.file),
            folder: Arc::clone(&self.folder),
            at: self.at,
            len: bytes.len(),
            first: rows[0].0,
        });
        self.at += bytes.len() as u64;
        Ok(())
    }
}

/// The offset of each record of a block.
fn offsets_of(block: &Block) -> Vec<u64> {
    let mut offsets = Offsets::default();
    (0..block.columns.len())
        .map(|at| offsets.of(block, at).unwrap_or(NO_OFFSET))
        .collect()
}

/// A value of a column; of one that is empty, every value is null: 0.
fn value<T: Copy + Default>(column: &[T], row: usize) -> T {
    column.get(row).copied().unwrap_or_default()
}

/// Records of blocks as Arrow: times, places, ids, codes, subjects, masks, raw text.
fn table(
    blocks: &[Block],
    offsets: &[Vec<u64>],
    rows: &[(i64, u32, u32)],
    spool: &Spool,
) -> std::result::Result<RecordBatch, ArrowError> {
    let words = spool.bits.words();
    let at = || {
        rows.iter()
            .map(|&(_, block, row)| (&blocks[block as usize], row as usize))
    };
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.0))),
        Arc::new(UInt32Array::from_iter_values(
            at().map(|(b, row)| b.source(row)),
        )),
        Arc::new(UInt64Array::from_iter_values(
            at().map(|(b, row)| b.line(row)),
        )),
        Arc::new(UInt64Array::from_iter_values(
            rows.iter()
                .map(|&(_, block, row)| offsets[block as usize][row as usize]),
        )),
        Arc::new(UInt64Array::from_iter_values(
            at().map(|(b, row)| value(&b.columns.subject, row)),
        )),
        Arc::new(UInt8Array::from_iter_values(
            at().map(|(b, row)| value(&b.columns.result, row)),
        )),
        Arc::new(UInt8Array::from_iter_values(
            at().map(|(b, row)| value(&b.columns.references, row)),
        )),
    ];
    for column in 0..6 {
        columns.push(Arc::new(UInt32Array::from_iter_values(
            at().map(|(b, row)| value(&b.columns.ids[column], row)),
        )));
    }
    for word in 0..words {
        columns.push(Arc::new(UInt64Array::from_iter_values(
            at().map(|(b, row)| b.columns.masks[row * words + word]),
        )));
    }
    let texts: Vec<(u8, &[u8])> = at().map(|(b, row)| spool.text(b, row)).collect();
    columns.push(Arc::new(UInt8Array::from_iter_values(
        texts.iter().map(|t| t.0),
    )));
    columns.push(Arc::new(BinaryArray::from_iter_values(
        texts.iter().map(|t| t.1),
    )));
    let names = (0..columns.len()).map(|at| at.to_string());
    RecordBatch::try_from_iter(names.zip(columns))
}

fn encoded(table: &RecordBatch) -> std::result::Result<Vec<u8>, ArrowError> {
    let options =
        IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new_with_options(&mut bytes, &table.schema(), options)?;
    writer.write(table)?;
    writer.finish()?;
    drop(writer);
    Ok(bytes)
}

impl Piece {
    /// The records; masks have `words` words.
    ///
    /// # Errors
    /// [`Error::Temporary`] if they cannot be read.
    pub fn read(&self, words: usize) -> Result<Block> {
        let failed = |message: String| Error::Temporary {
            folder: self.folder.to_string(),
            message: format!("reading failed ({message})"),
        };
        let bytes = self.bytes().map_err(|e| failed(e.to_string()))?;
        let table = StreamReader::try_new(bytes.as_slice(), None)
            .and_then(|mut reader| reader.next().transpose());
        match table.map_err(|e| failed(e.to_string()))? {
            Some(table) => Ok(block(&table, words)),
            None => Err(failed("a piece is empty".into())),
        }
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        use std::io::{Read, Seek, SeekFrom};
        let mut bytes = vec![0; self.len];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// The block of a piece: the other way round than [`table`].
fn block(table: &RecordBatch, words: usize) -> Block {
    fn all<T: arrow_array::types::ArrowPrimitiveType>(array: &ArrayRef) -> &PrimitiveArray<T> {
        array.as_primitive::<T>()
    }
    let column = |at: usize| table.column(at);
    let rows = table.num_rows();
    let numbers = |at: usize| all::<UInt64Type>(column(at)).values();
    let codes = |at: usize| all::<UInt8Type>(column(at)).values();
    let ids = |at: usize| all::<UInt32Type>(column(at)).values();
    let masks = if words == 1 {
        numbers(13).to_vec()
    } else {
        let all: Vec<_> = (0..words).map(|word| numbers(13 + word)).collect();
        (0..rows)
            .flat_map(|row| all.iter().map(move |word| word[row]))
            .collect()
    };
    let raw = column(14 + words).as_binary::<i32>();
    let ends = raw
        .value_offsets()
        .iter()
        .map(|&at| u32::try_from(at).unwrap_or(0));
    let ends: Vec<u32> = ends.collect();
    let encoding = |&code: &u8| {
        Encoding::ALL
            .get(usize::from(code).wrapping_sub(1))
            .copied()
    };
    Block {
        origin: Origin {
            text: Some(Arc::new(Text {
                bytes: raw.value_data().to_vec(),
                encoding: None,
            })),
            ..Origin::default()
        },
        places: Some(Box::new(Places {
            source: ids(1).to_vec(),
            line: numbers(2).to_vec(),
            offset: numbers(3)
                .iter()
                .map(|&o| Some(o).filter(|&o| o != NO_OFFSET))
                .collect(),
            encoding: codes(13 + words).iter().map(encoding).collect(),
        })),
        columns: Columns {
            time: all::<Int64Type>(column(0)).values().to_vec(),
            line: Vec::new(),
            start: ends[..rows].to_vec(),
            end: ends[1..].to_vec(),
            ids: std::array::from_fn(|c| ids(7 + c).to_vec()),
            result: codes(5).to_vec(),
            references: codes(6).to_vec(),
            subject: numbers(4).to_vec(),
            masks,
        },
    }
}

/// The pieces of all runs in the order of their first times, each with the first time of the next:
/// nothing that comes later lies before it.
pub fn pieces(runs: Vec<Run>) -> impl Iterator<Item = (Piece, i64)> + Send {
    let mut all: Vec<Piece> = runs.into_iter().flat_map(|run| run.pieces).collect();
    all.sort_by_key(|piece| piece.first);
    let firsts: Vec<i64> = all.iter().skip(1).map(|piece| piece.first).collect();
    all.into_iter().zip(firsts.into_iter().chain([i64::MAX]))
}
