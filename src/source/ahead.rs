//! Decompression ahead of the parsers: threads of their own decompress the sources, in the order in
//! which they are read, into queues of blocks.
//!
//! So many sources are decompressed at once as there are threads, each at most its share of the
//! budget ahead: the source that is read next always has room, and memory stays flat. What a
//! source gives, and the error that ends it, come in the order in which a plain read gives them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, Read};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use super::{Source, open};
use crate::error::Error;
use crate::fault::{InputFault, InputKind};

/// Decompressed bytes that may wait, of all sources together.
const BUDGET: usize = 64 << 20;

/// Bytes handed over at a time.
const BLOCK: usize = 1 << 17;

/// Sources that are decompressed at once, at most: each has a megabyte of the budget then.
const MOST: usize = 64;

/// Sources being decompressed ahead.
pub struct Ahead {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    opened: usize,
}

struct Shared {
    /// In the order in which they are read.
    sources: Vec<Source>,
    taken: Arc<AtomicU64>,
    max_ratio: u64,
    /// Sources from `reading` on that may be under way.
    window: usize,
    /// Blocks of a source that may wait.
    room: usize,
    state: Mutex<State>,
    /// The reader waits here for blocks.
    filled: Condvar,
    /// The threads wait here for room.
    freed: Condvar,
}

#[derive(Default)]
struct State {
    /// The next source to begin.
    next: usize,
    /// The first source behind all that were read to their ends.
    reading: usize,
    /// Sources that are being read: several where their times overlap.
    reading_now: usize,
    /// Sources that nobody shall begin.
    unwanted: BTreeSet<usize>,
    queues: BTreeMap<usize, Queue>,
    /// Blocks to use again.
    spare: Vec<Box<[u8]>>,
    stopped: bool,
}

#[derive(Default)]
struct Queue {
    /// Each, and how many of its bytes there are.
    blocks: VecDeque<(Box<[u8]>, usize)>,
    /// How the source ended, told behind its blocks.
    end: Option<io::Result<()>>,
}

impl Ahead {
    /// Begins to decompress `sources`, at most `threads` at once; `taken` counts the bytes read of
    /// the files. None if there is nothing to do, or no thread to be had.
    #[must_use]
    pub fn new(
        sources: Vec<Source>,
        threads: usize,
        max_ratio: u64,
        taken: Arc<AtomicU64>,
    ) -> Option<Ahead> {
        let window = threads.min(sources.len()).min(MOST);
        if window == 0 {
            return None;
        }
        let shared = Arc::new(Shared {
            sources,
            taken,
            max_ratio,
            window,
            // One more is being filled, and one being read.
            room: BUDGET / window / BLOCK - 2,
            state: Mutex::default(),
            filled: Condvar::new(),
            freed: Condvar::new(),
        });
        let threads: Vec<JoinHandle<()>> = (0..window)
            .map_while(|_| {
                let shared = Arc::clone(&shared);
                Builder::new().spawn(move || shared.work()).ok()
            })
            .collect();
        (!threads.is_empty()).then_some(Ahead {
            shared,
            threads,
            opened: 0,
        })
    }

    /// The next source; none if it is not begun and every thread has one that is being read, so
    /// that the caller has to decompress it.
    ///
    /// # Panics
    /// If there is none.
    pub fn next_source(&mut self) -> Option<Decompressed> {
        assert!(
            self.opened < self.shared.sources.len(),
            "as many sources as were given"
        );
        self.opened += 1;
        let number = self.opened - 1;
        let mut state = self.shared.lock();
        // One that is begun has a thread; of the others each takes one that is free.
        if state.next <= number && state.reading_now >= self.threads.len() {
            drop(state);
            self.shared.pass(number);
            return None;
        }
        state.reading_now += 1;
        drop(state);
        Some(Decompressed {
            shared: Arc::clone(&self.shared),
            number,
            block: Box::default(),
            bytes: 0,
            at: 0,
        })
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.freed.notify_all();
        for thread in self.threads.drain(..) {
            // One that panicked has told so on standard error.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread: source after source.
    fn work(&self) {
        while let Some(number) = self.begin() {
            let mut end = End {
                shared: self,
                number,
                result: Err(InputFault::new(
                    InputKind::Failed,
                    (
                        "a decompressing thread failed; what it was is on standard error",
                        "展開の途中で処理が失敗しました。画面に出ている英文を添えて、この道具の管理者に知らせてください",
                    ),
                )
                .io()),
            };
            end.result = self.decompress(number);
        }
    }

    /// The next source to decompress, once it is near enough to the one being read.
    fn begin(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            let next = state.next;
            if state.stopped || next == self.sources.len() {
                return None;
            }
            if state.unwanted.remove(&next) {
                state.next += 1;
                continue;
            }
            if state.next < state.reading + self.window {
                let number = state.next;
                state.next += 1;
                state.queues.insert(number, Queue::default());
                return Some(number);
            }
            state = self.wait(state);
        }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.freed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn decompress(&self, number: usize) -> io::Result<()> {
        let source = &self.sources[number];
        let mut input =
            open(source, Arc::clone(&self.taken), self.max_ratio).map_err(|e| match e {
                Error::Input { fault, .. } => fault.io(),
                other => io::Error::other(other.to_string()),
            })?;
        while let Some(mut block) = self.room(number) {
            let (bytes, read) = fill(&mut input, &mut block);
            if bytes > 0 {
                let mut state = self.lock();
                if let Some(queue) = state.queues.get_mut(&number) {
                    queue.blocks.push_back((block, bytes));
                }
                drop(state);
                self.filled.notify_all();
            }
            read?;
            if bytes < BLOCK {
                break;
            }
        }
        Ok(())
    }

    /// A block to fill, once there is room for it; none if nobody wants it any more.
    fn room(&self, number: usize) -> Option<Box<[u8]>> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if state.queues.get(&number)?.blocks.len() < self.room {
                let spare = state.spare.pop();
                return Some(spare.unwrap_or_else(|| vec![0; BLOCK].into()));
            }
            state = self.wait(state);
        }
    }

    /// The next block of a source, and how many of its bytes there are, none at its end; `spent` is used
    /// again.
    fn block(&self, number: usize, spent: Box<[u8]>) -> io::Result<Option<(Box<[u8]>, usize)>> {
        let mut state = self.lock();
        if spent.len() >= BLOCK {
            state.spare.push(spent);
        }
        loop {
            if let Some(queue) = state.queues.get_mut(&number) {
                if let Some(block) = queue.blocks.pop_front() {
                    drop(state);
                    self.freed.notify_all();
                    return Ok(Some(block));
                }
                if let Some(end) = &mut queue.end {
                    return std::mem::replace(end, Ok(())).map(|()| None);
                }
            }
            state = self
                .filled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A source is read no further.
    fn close(&self, number: usize) {
        self.lock().reading_now -= 1;
        self.pass(number);
    }

    /// A source is not wanted.
    fn pass(&self, number: usize) {
        let mut state = self.lock();
        state.reading = state.reading.max(number + 1);
        if state.next <= number {
            state.unwanted.insert(number);
        }
        state.queues.remove(&number);
        drop(state);
        self.freed.notify_all();
    }
}

/// Fills a block as far as there is something, or up to an error: how many bytes there are.
fn fill(input: &mut impl Read, block: &mut [u8]) -> (usize, io::Result<()>) {
    let mut bytes = 0;
    while bytes < block.len() {
        match input.read(&mut block[bytes..]) {
            Ok(0) => break,
            Ok(read) => bytes += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (bytes, Err(error)),
        }
    }
    (bytes, Ok(()))
}

/// Tells, however the decompression of a source ends, that it has.
struct End<'a> {
    shared: &'a Shared,
    number: usize,
    result: io::Result<()>,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(queue) = state.queues.get_mut(&self.number) {
            queue.end = Some(std::mem::replace(&mut self.result, Ok(())));
        }
        drop(state);
        self.shared.filled.notify_all();
    }
}

/// A source that is decompressed elsewhere.
pub struct Decompressed {
    shared: Arc<Shared>,
    number: usize,
    block: Box<[u8]>,
    /// Of the block, as many as there are.
    bytes: usize,
    at: usize,
}

impl Read for Decompressed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.bytes {
            (self.at, self.bytes) = (0, 0);
            let spent = std::mem::take(&mut self.block);
            match self.shared.block(self.number, spent)? {
                Some((block, bytes)) => (self.block, self.bytes) = (block, bytes),
                None => return Ok(0),
            }
        }
        let n = out.len().min(self.bytes - self.at);
        out[..n].copy_from_slice(&self.block[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

impl Drop for Decompressed {
    fn drop(&mut self) {
        self.shared.close(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{MAX_RATIO, Part, Watch};
    use std::io::Write;
    use std::sync::atomic::Ordering;

    /// Files of so many bytes each, gzipped, and what is in them.
    fn files(name: &str, sizes: &[usize]) -> (std::path::PathBuf, Vec<Source>, Vec<Vec<u8>>) {
        let folder = std::env::temp_dir().join(format!("yokome-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut sources = Vec::new();
        let mut contents = Vec::new();
        for (number, &size) in sizes.iter().enumerate() {
            let content: Vec<u8> = (0..size)
                .map(|i| ((i * (number + 7)) >> 3).to_le_bytes()[0])
                .collect();
            let path = folder.join(format!("{number}.gz"));
            let file = std::fs::File::create(&path).unwrap();
            let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
            gzip.write_all(&content).unwrap();
            gzip.finish().unwrap();
            sources.push(Source {
                name: path.to_string_lossy().into_owned(),
                path,
                part: Part::Whole,
                watch: Watch::default(),
            });
            contents.push(content);
        }
        (folder, sources, contents)
    }

    #[test]
    fn sources_come_whole_and_in_order_on_any_number_of_threads() {
        let sizes = [3_000_000, 0, 1, 131_072, 400_000, 131_073, 5];
        let (folder, sources, contents) = files("order", &sizes);
        for threads in [1, 2, 3, 100] {
            let taken = Arc::new(AtomicU64::new(0));
            let mut ahead =
                Ahead::new(sources.clone(), threads, MAX_RATIO, Arc::clone(&taken)).unwrap();
            for content in &contents {
                let mut read = Vec::new();
                ahead.next_source().unwrap().read_to_end(&mut read).unwrap();
                assert!(read == *content, "{threads}");
            }
            drop(ahead);
            let sizes: u64 = sources.iter().map(Source::size).sum();
            assert_eq!(taken.load(Ordering::Relaxed), sizes);
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_dropped_before_its_end_holds_nothing_up() {
        let (folder, sources, contents) = files("drop", &[40_000_000, 40_000_000, 3]);
        let taken = || Arc::new(AtomicU64::new(0));
        for threads in [1, 2, 3] {
            let mut ahead = Ahead::new(sources.clone(), threads, MAX_RATIO, taken()).unwrap();
            drop(ahead.next_source().unwrap());
            let mut some = [0; 10];
            ahead.next_source().unwrap().read_exact(&mut some).unwrap();
            let mut last = Vec::new();
            ahead.next_source().unwrap().read_to_end(&mut last).unwrap();
            assert_eq!(last, contents[2]);
            drop(Ahead::new(sources.clone(), threads, MAX_RATIO, taken()));
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn sources_are_read_side_by_side_by_those_who_have_a_thread() {
        let sizes = [3_000_000, 5, 3_000_000, 400_000, 3_000_000, 7];
        let (folder, sources, contents) = files("beside", &sizes);
        for threads in [1, 2, 3, 6] {
            let mut ahead =
                Ahead::new(sources.clone(), threads, MAX_RATIO, Arc::default()).unwrap();
            let mut open: Vec<Decompressed> = Vec::new();
            let mut passed = 0;
            for (number, content) in contents.iter().enumerate() {
                match ahead.next_source() {
                    Some(input) => open.push(input),
                    None => passed += 1,
                }
                // The second is over before the third begins.
                if number == 1 && open.len() == 2 {
                    let mut read = Vec::new();
                    open.pop().unwrap().read_to_end(&mut read).unwrap();
                    assert!(read == *content);
                }
            }
            assert_eq!(
                open.len() + passed + usize::from(threads > 1),
                contents.len()
            );
            let mut some = [0; 5];
            for input in &mut open {
                input.read_exact(&mut some).unwrap();
                assert_eq!(some, contents[input.number][..5]);
            }
            for mut input in open.into_iter().rev() {
                let mut read = Vec::new();
                input.read_to_end(&mut read).unwrap();
                assert!(read == contents[input.number][5..]);
            }
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn an_error_comes_behind_the_bytes_before_it() {
        let (folder, sources, contents) = files("error", &[1_000_000, 10]);
        let whole = std::fs::read(&sources[0].path).unwrap();
        std::fs::write(&sources[0].path, &whole[..whole.len() - 3]).unwrap();
        let mut ahead = Ahead::new(sources, 2, MAX_RATIO, Arc::default()).unwrap();
        let mut read = Vec::new();
        let error = ahead
            .next_source()
            .unwrap()
            .read_to_end(&mut read)
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(read == contents[0]);
        read.clear();
        ahead.next_source().unwrap().read_to_end(&mut read).unwrap();
        assert_eq!(read, contents[1]);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
