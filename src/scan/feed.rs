//! The supply as many workers share it. Reading is one after another; so that nobody waits for whoever
//! reads, some pieces are read ahead.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::framing::{Supply, Work};
use super::pool::Pool;
use crate::error::Result;

/// Pieces of files that are read ahead, at most.
const AHEAD: usize = 2;

/// A piece of work, or why there is none, and its number in the order of the input.
pub type Piece = (u64, Result<Work>);

/// A supply that workers share.
pub struct Feed {
    supply: Mutex<Numbered>,
    /// What was read ahead.
    ready: Mutex<VecDeque<Piece>>,
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Feed {
    /// A feed of a supply.
    #[must_use]
    pub fn new(supply: Supply) -> Feed {
        Feed {
            supply: Mutex::new(Numbered { supply, next: 0 }),
            ready: Mutex::default(),
        }
    }

    /// Goes on with another supply, the one before having ended.
    pub fn replace(&self, supply: Supply) {
        lock(&self.supply).supply = supply;
    }

    /// The next piece; none at the end, when every piece was given to somebody. Texts are read into
    /// buffers of `pool`.
    pub fn next(&self, pool: &Pool) -> Option<Piece> {
        let piece = self.take().or_else(|| self.wait(pool))?;
        self.read_ahead(pool);
        Some(piece)
    }

    fn take(&self) -> Option<Piece> {
        lock(&self.ready).pop_front()
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
        while lock(&self.ready).len() < AHEAD {
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
            lock(&self.ready).push_back(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use arrow_array::RecordBatch;
    use arrow_schema::Schema;

    use super::*;
    use crate::policy::Policy;
    use crate::scan::ScanOptions;
    use crate::scan::framing::Files;
    use crate::scan::inputs::Planned;
    use crate::scan::read_options;

    /// A feed of a file of so many lines, three records a chunk.
    fn of_file(lines: usize) -> (tempfile::NamedTempFile, Feed) {
        let mut file = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
        writeln!(file, "日時,職員番号").unwrap();
        for line in 0..lines {
            writeln!(file, "2026/04/01 09:00:00,u{line:03}").unwrap();
        }
        let options = ScanOptions {
            chunk: 75,
            ..ScanOptions::default()
        };
        let read = read_options(&Policy::default_policy(), &options).unwrap();
        let paths = [file.path().to_str().unwrap().to_owned()];
        let planned = Arc::new(Planned::of(&paths, &read, &options, &mut || Ok(())).unwrap());
        let files = Files::new(
            planned,
            &read,
            &options,
            (1, options.chunk),
            Arc::default(),
            None,
        );
        (file, Feed::new(Supply::Files(Box::new(files))))
    }

    #[test]
    fn every_piece_is_given_once_whoever_asks() {
        let alone = {
            let (_file, feed) = of_file(500);
            let pool = Pool::default();
            std::iter::from_fn(|| feed.next(&pool)).count() as u64
        };
        assert!(alone > 100);
        for _ in 0..20 {
            let (_file, feed) = of_file(500);
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
        let (feed, pool) = (Feed::new(Supply::Stream(Box::new(stream))), Pool::default());
        let numbers = [(); 3].map(|()| feed.next(&pool).map(|piece| piece.0));
        assert_eq!(numbers, [Some(0), Some(1), Some(2)]);
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        // What comes in its place goes on counting.
        feed.replace(Supply::Ended);
        assert!(feed.next(&pool).is_none());
    }
}
