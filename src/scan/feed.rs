//! The supply as many workers share it. Reading is one after another; so that nobody waits for whoever
//! reads, some pieces are read ahead.
//!
//! A supply that is *light* (the system copies a file from its memory) is read by whoever wants a piece. A
//! *heavy* one is decompressed by whoever reads: that is work of its own, which somebody should be at until
//! it is done, while others parse and detect ([`Feed::turn`]).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::framing::{Supply, Work};
use super::pool::Pool;
use crate::error::Result;
use crate::log::framer::Frame;

/// Pieces of files that are read ahead, at most.
const AHEAD: usize = 2;

/// Pieces of a heavy supply that are read ahead, at most: enough that reading goes on while a batch is
/// detected.
const HEAVY_AHEAD: usize = 32;

/// Bytes of a heavy supply that are read ahead, beyond which no more is.
const HEAVY_BYTES: usize = 16 << 20;

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
    ready: Mutex<Ready>,
}

struct Numbered {
    supply: Supply,
    /// Number of the next piece.
    next: u64,
}

impl Numbered {
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
    match &piece.1 {
        Ok(Work::Frame {
            frame: Frame::Records(segment),
            ..
        }) => segment.len,
        _ => 0,
    }
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
            supply: Mutex::new(Numbered { supply, next: 0 }),
            ready: Mutex::default(),
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
        let piece = self.take().or_else(|| self.wait(pool))?;
        self.read_ahead(pool);
        Some(piece)
    }

    fn take(&self) -> Option<Piece> {
        lock(&self.ready).pieces.pop_front()
    }

    /// The next piece, when nobody else reads any more.
    fn wait(&self, pool: &Pool) -> Option<Piece> {
        let spare = pool.text();
        let mut supply = lock(&self.supply);
        // Whoever read meanwhile may have read ahead.
        match self.take() {
            Some(piece) => {
                pool.give_text(spare);
                Some(piece)
            }
            None => supply.read(spare),
        }
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
            // and what was put in order is to be read by whoever takes it.
            if !matches!(supply.supply, Supply::Files(_)) {
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
mod tests {
    use std::fmt::Write as _;
    use std::io::Write as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use arrow_array::RecordBatch;
    use arrow_schema::Schema;

    use super::*;
    use crate::policy::Policy;
    use crate::scan::ScanOptions;
    use crate::scan::framing::{Files, Reading};
    use crate::scan::inputs::Planned;
    use crate::scan::read_options;

    /// A feed of a file of so many lines of 25 bytes, so many bytes a chunk.
    fn of_file(lines: usize, heavy: bool, chunk: usize) -> (tempfile::NamedTempFile, Feed) {
        let mut text = "日時,職員番号\n".to_owned();
        for line in 0..lines {
            writeln!(text, "2026/04/01 09:00:00,u{line:03}").unwrap();
        }
        let mut file = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
        let written = if heavy {
            zstd::encode_all(text.as_bytes(), 1).unwrap()
        } else {
            text.into_bytes()
        };
        file.write_all(&written).unwrap();
        let options = ScanOptions {
            chunk,
            ..ScanOptions::default()
        };
        let read = read_options(&Policy::default_policy(), &options).unwrap();
        let paths = [file.path().to_str().unwrap().to_owned()];
        let planned = Arc::new(Planned::of(&paths, &read, &options, &mut || Ok(())).unwrap());
        let reading = Reading {
            most: 1,
            chunk: options.chunk,
            by_reader: true,
        };
        let files = Files::new(planned, &read, &options, reading, Arc::default(), None);
        let feed = Feed::new(Supply::Files(Box::new(files)), 4);
        assert_eq!(feed.is_heavy(), heavy);
        (file, feed)
    }

    /// Numbers and offsets of the pieces of a heavy feed, by so many workers.
    fn turns(feed: &Feed, workers: usize) -> Vec<(u64, u64)> {
        let (pool, given) = (Pool::default(), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    loop {
                        match feed.turn(true) {
                            Some(Turn::Read) => feed.read(&pool),
                            Some(Turn::Parse(Some((number, work)))) => {
                                let offset = match work.unwrap() {
                                    Work::Frame {
                                        frame: Frame::Records(segment),
                                        ..
                                    } => segment.offset,
                                    _ => u64::MAX,
                                };
                                lock(&given).push((number, offset));
                            }
                            Some(Turn::Parse(None)) => return,
                            None => std::thread::yield_now(),
                        }
                    }
                });
            }
        });
        let mut given = given.into_inner().unwrap();
        given.sort_unstable();
        given
    }

    #[test]
    fn pieces_of_a_heavy_feed_are_those_of_a_light_one_whoever_reads() {
        let alone = {
            let (_file, feed) = of_file(500, false, 75);
            let pool = Pool::default();
            std::iter::from_fn(|| feed.next(&pool)).count()
        };
        let (_file, feed) = of_file(500, true, 75);
        let one = turns(&feed, 1);
        assert_eq!(one.len(), alone);
        let (numbers, offsets): (Vec<u64>, Vec<u64>) = one.iter().copied().unzip();
        assert_eq!(numbers, (0..alone as u64).collect::<Vec<_>>());
        assert!(offsets.is_sorted() && offsets.last() == Some(&u64::MAX));
        for _ in 0..20 {
            let (_file, feed) = of_file(500, true, 75);
            assert_eq!(turns(&feed, 4), one);
        }
    }

    #[test]
    fn a_heavy_feed_is_read_ahead_so_far_and_by_one() {
        let pool = Pool::default();
        let (_file, feed) = of_file(500, true, 75);
        for _ in 0..HEAVY_AHEAD {
            assert!(matches!(feed.turn(true), Some(Turn::Read)));
            // Of what is read nothing is there yet, or it may not be parsed.
            assert!(feed.turn(false).is_none());
            feed.read(&pool);
        }
        assert!(feed.turn(false).is_none());
        assert!(matches!(feed.turn(true), Some(Turn::Parse(Some((0, _))))));
        assert!(matches!(feed.turn(true), Some(Turn::Read)));
        assert!(matches!(feed.turn(true), Some(Turn::Parse(Some((1, _))))));
    }

    #[test]
    fn a_heavy_feed_of_long_pieces_is_read_ahead_as_far_as_its_bytes_go() {
        let (pool, chunk) = (Pool::default(), 6 << 20);
        let (_file, feed) = of_file(2_000_000, true, chunk);
        let mut read = 0;
        while let Some(Turn::Read) = feed.turn(false) {
            feed.read(&pool);
            read += 1;
        }
        assert_eq!(read, HEAVY_BYTES.div_ceil(chunk));
    }

    #[test]
    fn every_piece_is_given_once_whoever_asks() {
        let alone = {
            let (_file, feed) = of_file(500, false, 75);
            let pool = Pool::default();
            std::iter::from_fn(|| feed.next(&pool)).count() as u64
        };
        assert!(alone > 100);
        for _ in 0..20 {
            let (_file, feed) = of_file(500, false, 75);
            let (pool, given) = (Pool::default(), Mutex::new(Vec::new()));
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        while let Some((number, work)) = feed.next(&pool) {
                            assert!(work.is_ok());
                            lock(&given).push(number);
                        }
                    });
                }
            });
            let mut given = given.into_inner().unwrap();
            given.sort_unstable();
            assert_eq!(given, (0..alone).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_stream_is_not_asked_for_more_than_is_needed() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let stream = std::iter::repeat_with(move || {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(RecordBatch::new_empty(Arc::new(Schema::empty())))
        });
        let (feed, pool) = (
            Feed::new(Supply::Stream(Box::new(stream)), 4),
            Pool::default(),
        );
        let numbers = [(); 3].map(|()| feed.next(&pool).map(|piece| piece.0));
        assert_eq!(numbers, [Some(0), Some(1), Some(2)]);
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        // What comes in its place goes on counting.
        feed.replace(Supply::Ended);
        assert!(feed.next(&pool).is_none());
    }
}
