//! The supply as many workers share it. A plain file is read in chunks by whoever parses them ([`super::split`]).
//! Anything else is read one piece after another; so that nobody waits for whoever reads, some are read ahead.
//!
//! A supply that is *light* (the system copies a file from its memory) is read by whoever wants a piece. A
//! *heavy* one is decompressed by whoever reads: that is work of its own, which somebody should be at until
//! it is done, while others parse and detect ([`Feed::turn`]).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::framing::{Supply, Work};
use super::pool::Pool;
use super::split::{Given, Turns};
use crate::error::Result;
use crate::log::framer::Segment;

/// Pieces of files that are read ahead, at most.
const AHEAD: usize = 2;

/// Pieces of a heavy supply that are read ahead, at most: enough that reading goes on while a batch is
/// detected.
const HEAVY_AHEAD: usize = 32;

/// Bytes of a heavy supply that are read ahead, beyond which no more is.
const HEAVY_BYTES: usize = 8 << 20;

/// A piece of work, or why there is none, and its number in the order of the input.
pub type Piece = (u64, Result<Work>);

/// What there is to do for a heavy supply.
pub enum Turn {
    /// To read a piece: [`Feed::read`].
    Read,
    /// To parse one that was read; none: no more come.
    Parse(Option<Piece>),
}

/// A supply that workers share.
pub struct Feed {
    supply: Mutex<Numbered>,
    heavy: AtomicBool,
    /// Pieces of a heavy supply that are read ahead: one where nobody else could parse them.
    most_ahead: usize,
    /// Chunks that may be read and wait for one before them.
    most_waiting: usize,
    ready: Mutex<Ready>,
    /// Who needs what is behind chunks waits here until these are known.
    settled: Condvar,
}

struct Numbered {
    supply: Supply,
    /// Number of the next piece.
    next: u64,
    /// Chunks that were given out.
    turns: Turns,
    /// Workers that wait for others to read theirs.
    waiting: usize,
}

/// What whoever asks for a piece of a light supply gets.
enum Asked {
    /// The piece; none at the end.
    Piece(Option<Piece>),
    /// A chunk to read, and a buffer to use again.
    Chunk(Given, Vec<u8>),
    /// Others have read chunks by now.
    Again,
}

impl Numbered {
    /// The next chunk that is to be read, if there is one.
    fn chunk(&mut self) -> Option<Given> {
        let chunk = self.supply.chunk()?;
        self.next += 1;
        Some(self.turns.give(chunk, self.next - 1))
    }

    /// Takes what was read of a chunk; what is known now, in the order of the input.
    fn settle(&mut self, given: &Given, segment: Option<Segment>) -> Vec<(u64, Work)> {
        let lines = segment.as_ref().map(|segment| segment.len);
        let Some(settled) = self.turns.settle(given, segment) else {
            return Vec::new();
        };
        if let Some(lines) = lines {
            self.supply.told(&given.chunk, lines);
        }
        if let Some((number, from)) = settled.taken_back {
            self.next = number;
            self.supply.take_back(from);
        }
        settled.known
    }

    fn read(&mut self, spare: Vec<u8>) -> Option<Piece> {
        // An end has no number: what is put in its place goes on behind it.
        let work = self.supply.next(spare).transpose()?;
        self.next += 1;
        Some((self.next - 1, work))
    }
}

/// What was read ahead.
#[derive(Default)]
struct Ready {
    pieces: VecDeque<Piece>,
    /// Of a heavy supply: bytes in them, whether somebody reads, and whether all is read.
    bytes: usize,
    reading: bool,
    ended: bool,
}

/// Bytes that a piece keeps.
fn bytes(piece: &Piece) -> usize {
    let segment = piece.1.as_ref().ok().and_then(Work::segment);
    segment.map_or(0, |segment| segment.len)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Feed {
    /// A feed of a supply, for so many workers.
    #[must_use]
    pub fn new(supply: Supply, workers: usize) -> Feed {
        Feed {
            heavy: AtomicBool::new(supply.is_heavy()),
            most_ahead: if workers > 1 { HEAVY_AHEAD } else { 1 },
            most_waiting: workers.max(1),
            supply: Mutex::new(Numbered {
                supply,
                next: 0,
                turns: Turns::default(),
                waiting: 0,
            }),
            ready: Mutex::default(),
            settled: Condvar::new(),
        }
    }

    /// Goes on with another supply, the one before having ended.
    pub fn replace(&self, supply: Supply) {
        self.heavy.store(supply.is_heavy(), Ordering::Relaxed);
        lock(&self.supply).supply = supply;
        *lock(&self.ready) = Ready::default();
    }

    /// Whether the supply is heavy: then [`Feed::turn`] is asked, and otherwise [`Feed::next`].
    pub fn is_heavy(&self) -> bool {
        self.heavy.load(Ordering::Relaxed)
    }

    /// What there is to do for a heavy supply, of which somebody is to read whenever there is room; with
    /// `may_parse`, a piece that was read is work as well. None: nothing until somebody has read, or a piece
    /// may be parsed.
    pub fn turn(&self, may_parse: bool) -> Option<Turn> {
        let mut ready = lock(&self.ready);
        let room = ready.pieces.len() < self.most_ahead && ready.bytes < HEAVY_BYTES;
        if room && !ready.reading && !ready.ended {
            ready.reading = true;
            return Some(Turn::Read);
        }
        if !may_parse {
            return None;
        }
        let piece = ready.pieces.pop_front();
        ready.bytes -= piece.as_ref().map_or(0, bytes);
        (piece.is_some() || ready.ended).then_some(Turn::Parse(piece))
    }

    /// Reads the next piece of a heavy supply, as [`Turn::Read`] says.
    pub fn read(&self, pool: &Pool) {
        let piece = lock(&self.supply).read(pool.text());
        let mut ready = lock(&self.ready);
        ready.reading = false;
        match piece {
            Some(piece) => {
                ready.bytes += bytes(&piece);
                ready.pieces.push_back(piece);
            }
            None => ready.ended = true,
        }
    }

    /// The next piece; none at the end, when every piece was given to somebody. Texts are read into
    /// buffers of `pool`.
    pub fn next(&self, pool: &Pool) -> Option<Piece> {
        loop {
            let asked = match self.take() {
                Some(piece) => Asked::Piece(Some(piece)),
                None => self.ask(pool),
            };
            match asked {
                Asked::Piece(piece) => {
                    self.read_ahead(pool);
                    return piece;
                }
                Asked::Chunk(given, spare) => {
                    let piece = self.read_chunk(&given, spare, pool);
                    if piece.is_some() {
                        return piece;
                    }
                }
                Asked::Again => {}
            }
        }
    }

    fn take(&self) -> Option<Piece> {
        lock(&self.ready).pieces.pop_front()
    }

    /// Asks the supply, when nobody else does any more.
    fn ask(&self, pool: &Pool) -> Asked {
        let spare = pool.text();
        let mut supply = lock(&self.supply);
        // Whoever read meanwhile may have read ahead.
        if let Some(piece) = self.take() {
            pool.give_text(spare);
            return Asked::Piece(Some(piece));
        }
        // (While one reads slowly, others do not read on without end.)
        if supply.turns.waiting() < self.most_waiting
            && let Some(given) = supply.chunk()
        {
            return Asked::Chunk(given, spare);
        }
        if supply.turns.are_open() {
            pool.give_text(spare);
            supply.waiting += 1;
            let settled = self.settled.wait(supply);
            settled.unwrap_or_else(PoisonError::into_inner).waiting -= 1;
            return Asked::Again;
        }
        Asked::Piece(supply.read(spare))
    }

    /// Reads a chunk. The piece that it is; none if one before it is not known yet, so that somebody else will
    /// find it, or if the framer is to read it.
    fn read_chunk(&self, given: &Given, spare: Vec<u8>, pool: &Pool) -> Option<Piece> {
        let read = given.chunk.read(spare).map_err(|text| pool.give_text(text));
        let mut supply = lock(&self.supply);
        let known = supply.settle(given, read.ok());
        let mut known = known.into_iter().map(|(number, work)| (number, Ok(work)));
        let own = known.next();
        if known.len() > 0 {
            lock(&self.ready).pieces.extend(known);
        }
        let wake = supply.waiting > 0;
        drop(supply);
        if wake {
            self.settled.notify_all();
        }
        own
    }

    /// Reads ahead, unless enough was or somebody else does.
    fn read_ahead(&self, pool: &Pool) {
        while lock(&self.ready).pieces.len() < AHEAD {
            let spare = pool.text();
            let Ok(mut supply) = self.supply.try_lock() else {
                pool.give_text(spare);
                return;
            };
            // What is no file is not asked before it is needed: a stream may be somebody's generator,
            // and what was put in order is to be read by whoever takes it, as chunks are.
            if !matches!(supply.supply, Supply::Files(_)) || supply.supply.is_split() {
                pool.give_text(spare);
                return;
            }
            let Some(piece) = supply.read(spare) else {
                return;
            };
            lock(&self.ready).pieces.push_back(piece);
        }
    }
}

#[cfg(test)]
mod tests;
