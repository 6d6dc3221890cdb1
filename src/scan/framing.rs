//! Sources, frame after frame: the sequential supply of work.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow_array::RecordBatch;

use super::ScanOptions;
use super::carry::{Digesting, Digests};
use super::inputs::Planned;
use super::split::{Chunk, Split};
use crate::error::{Error, Result};
use crate::fault::InputFault;
use crate::log::encoding::Encoding;
use crate::log::framer::{Frame, Framer, Segment};
use crate::log::plan::ReadOptions;
use crate::log::time::Zone;
use crate::order::ranges::{Ordered, Piece};
use crate::source::ahead::Ahead;
use crate::source::{Plain, open};
use crate::words::Words;

/// What a source holds, decompressed.
type Bytes = Box<dyn std::io::Read + Send>;

/// Record batches that come from outside.
pub type Stream = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// A piece of work, in the order of the input.
pub enum Work {
    /// Part of a file.
    Frame {
        /// Number of the source.
        source: u32,
        /// What it is.
        frame: Frame,
        /// The time before which no record should come behind it, if that is known.
        promise: Option<i64>,
    },
    /// A file ends.
    End {
        /// Number of the source.
        source: u32,
        /// Its encoding, if any byte told it.
        encoding: Option<Encoding>,
        /// Why it ends early.
        error: Option<Words>,
    },
    /// Records that came as Arrow.
    Batch(RecordBatch),
    /// Records that were put in order, and the time before which none comes behind them.
    Sorted(Piece, i64),
}

impl Work {
    /// The records of a file, if that is what it is.
    #[must_use]
    pub fn segment(&self) -> Option<&Segment> {
        match self {
            Work::Frame {
                frame: Frame::Records(segment),
                ..
            } => Some(segment),
            _ => None,
        }
    }
}

/// Where work comes from.
pub enum Supply {
    /// Files.
    Files(Box<Files>),
    /// A stream of record batches.
    Stream(Stream),
    /// What was put in order.
    Sorted(Box<Ordered>),
    /// Nothing any more.
    Ended,
}

/// Files, side by side where their times overlap.
///
/// A file is opened when its first time is the next; of those that are open the one whose next segment
/// begins first gives it. Files that are each in time order so come in time order all together, and
/// their number does not matter as long as few overlap.
pub struct Files {
    planned: Arc<Planned>,
    zone: Zone,
    /// In the order of their first times.
    waiting: VecDeque<usize>,
    open: Vec<Open>,
    /// The file that is read in chunks by whoever parses them.
    split: Option<Split>,
    /// What comes before anything else: ends of files.
    due: VecDeque<Result<Work>>,
    /// Files that may be open at once; with one, they are read one after another.
    most: usize,
    /// Whether the next times are told.
    promises: bool,
    /// The compressed ones among them; none if there is none, or if who reads decompresses.
    ahead: Option<Ahead>,
    /// Whether who reads decompresses.
    heavy: bool,
    taken: Arc<AtomicU64>,
    chunk: usize,
    own_chunk: usize,
    skip_unreadable: bool,
    max_ratio: u64,
    /// Where the digests of the sources go, if anyone asks for them.
    digests: Option<Arc<Digests>>,
}

/// A file being read.
struct Open {
    number: usize,
    framer: Framer<Bytes>,
    /// The file itself, if it may be read in chunks behind what it gives first.
    plain: Option<Plain>,
    /// What it gives next.
    next: Frame,
    /// The time at which that begins.
    time: i64,
}

/// How files are read.
#[derive(Clone, Copy)]
pub struct Reading {
    /// Files that may be open at once.
    pub most: usize,
    /// Bytes at a time.
    pub chunk: usize,
    /// Bytes at a time of a file that is read by whoever parses it.
    pub own_chunk: usize,
    /// Whether a compressed file is decompressed by who reads, if there is no other file. Otherwise
    /// compressed files are decompressed ahead, by as many threads as the scan has.
    pub by_reader: bool,
}

impl Files {
    /// The files of a plan; `taken` counts the bytes read.
    #[must_use]
    pub fn new(
        planned: Arc<Planned>,
        read: &ReadOptions,
        options: &ScanOptions,
        reading: Reading,
        taken: Arc<AtomicU64>,
        digests: Option<Arc<Digests>>,
    ) -> Files {
        let order = planned.reading_order();
        let compressed: Vec<_> = order
            .iter()
            .map(|&number| &planned.sources[number])
            .filter(|source| source.compressed)
            .map(|source| source.source.clone())
            .collect();
        let heavy = reading.by_reader && order.len() == 1 && !compressed.is_empty();
        let threads = super::threads(options);
        let ahead = if heavy {
            None
        } else {
            Ahead::new(compressed, threads, options.max_ratio, Arc::clone(&taken))
        };
        let most = reading.most.max(1);
        Files {
            planned,
            zone: read.zone.clone(),
            promises: most > 1 && order.len() > 1,
            waiting: order.into(),
            open: Vec::new(),
            split: None,
            due: VecDeque::new(),
            most,
            ahead,
            heavy,
            taken,
            chunk: reading.chunk.min(super::MOST_CHUNK),
            own_chunk: reading.own_chunk.min(super::MOST_CHUNK),
            skip_unreadable: options.skip_unreadable,
            max_ratio: options.max_ratio,
            digests,
        }
    }

    fn next(&mut self, spare: Vec<u8>) -> Result<Option<Work>> {
        let mut spare = Some(spare);
        loop {
            if let Some(split) = self.split.take() {
                self.go_on(split, spare.take().unwrap_or_default());
                continue;
            }
            if let Some(due) = self.due.pop_front() {
                return due.map(Some);
            }
            let next = (0..self.open.len()).min_by_key(|&at| self.open[at].time);
            let waiting = self.waiting.front().copied();
            let waiting = waiting.filter(|&number| {
                self.open.len() < self.most
                    && next.is_none_or(|at| self.first_time(number) <= self.open[at].time)
            });
            if let Some(number) = waiting {
                self.waiting.pop_front();
                self.begin(number, spare.take().unwrap_or_default());
                continue;
            }
            return Ok(next.map(|at| self.advance(at, spare.take().unwrap_or_default())));
        }
    }

    fn first_time(&self, number: usize) -> i64 {
        let plan = self.planned.sources[number].plan.as_ref();
        plan.and_then(|p| p.first_time).unwrap_or(i64::MIN)
    }

    /// Opens a file and reads its first segment.
    fn begin(&mut self, number: usize, spare: Vec<u8>) {
        match self.open(number) {
            Err(error) => {
                let end = self.give_up(number, None, error);
                self.due.push_back(end);
            }
            Ok((mut framer, plain)) => {
                if let Some(next) = self.frame(number, &mut framer, spare) {
                    let time = self.first_time(number);
                    self.open.push(Open {
                        number,
                        framer,
                        plain,
                        next,
                        time,
                    });
                }
            }
        }
    }

    /// Reads on behind the chunks of a file.
    fn go_on(&mut self, split: Split, spare: Vec<u8>) {
        let (source, input, offset, encoding) = split.rest();
        let number = source as usize;
        let plan = self.planned.sources[number].plan.as_ref();
        let plan = plan.expect("only readable sources are read");
        let mut framer = Framer::new(input, plan.special, encoding, offset, self.chunk);
        if let Some(next) = self.frame(number, &mut framer, spare) {
            self.open.push(Open {
                number,
                framer,
                plain: None,
                next,
                time: self.first_time(number),
            });
        }
    }

    /// The rest of a file in chunks, if it may be read so and there is one.
    fn split(&self, open: &Open) -> Option<Split> {
        let encoding = open.framer.encoding();
        // (Digests are of all bytes, one behind the other.)
        let whole = self.promises || self.digests.is_some();
        if whole || encoding.is_some_and(Encoding::is_utf16) {
            return None;
        }
        let plain = open.plain.as_ref()?;
        let (offset, held) = open.framer.rest()?;
        let source = index(open.number);
        let mut split = Split::new(plain.clone(), source, encoding, offset, self.own_chunk);
        split.has_any().then(|| {
            plain.count_back(held as u64);
            split
        })
    }

    /// Hands on the next segment of an open file.
    fn advance(&mut self, at: usize, spare: Vec<u8>) -> Work {
        let open = self.open.swap_remove(at);
        self.split = self.split(&open);
        let Open {
            number,
            mut framer,
            next,
            time,
            ..
        } = open;
        if self.split.is_some() {
            return Work::Frame {
                source: index(number),
                frame: next,
                promise: None,
            };
        }
        if let Some(after) = self.frame(number, &mut framer, spare) {
            let time = match &after {
                Frame::Records(segment) if self.promises => {
                    let plan = self.planned.sources[number].plan.as_ref();
                    plan.and_then(|p| p.time_in(segment, &self.zone))
                }
                _ => None,
            }
            .unwrap_or(time);
            self.open.push(Open {
                number,
                framer,
                plain: None,
                next: after,
                time,
            });
        }
        let waiting = self.waiting.front().map(|&number| self.first_time(number));
        let times = self.open.iter().map(|open| open.time);
        let promise = times.chain(waiting).min().unwrap_or(i64::MAX);
        Work::Frame {
            source: index(number),
            frame: next,
            promise: self.promises.then_some(promise),
        }
    }

    /// What a file gives next; if that is nothing, its end is due.
    fn frame(
        &mut self,
        number: usize,
        framer: &mut Framer<Bytes>,
        spare: Vec<u8>,
    ) -> Option<Frame> {
        let end = match framer.next(spare) {
            Ok(Some(frame)) => return Some(frame),
            Ok(None) => Ok(Work::End {
                source: index(number),
                encoding: framer.encoding(),
                error: None,
            }),
            Err(error) => {
                let name = &self.planned.sources[number].source.name;
                let error = Error::input(name, InputFault::of(&error));
                self.give_up(number, framer.encoding(), error)
            }
        };
        self.due.push_back(end);
        None
    }

    fn open(&mut self, number: usize) -> Result<(Framer<Bytes>, Option<Plain>)> {
        let source = &self.planned.sources[number];
        let how = source
            .plan
            .as_ref()
            .expect("only readable sources are read");
        let ahead = self.ahead.as_mut().filter(|_| source.compressed);
        let (input, plain): (Bytes, _) = if let Some(input) = ahead.and_then(Ahead::next_source) {
            (Box::new(input), None)
        } else {
            let taken = Arc::clone(&self.taken);
            let mut input = open(&source.source, taken, self.max_ratio)?;
            let plain = input.plain.take();
            (Box::new(input), plain)
        };
        let input: Bytes = match &self.digests {
            Some(digests) => Box::new(Digesting::new(input, number, Arc::clone(digests))),
            None => input,
        };
        let framer = how
            .framer(input, self.chunk)
            .map_err(|e| Error::input(&source.source.name, InputFault::of(&e)))?;
        Ok((framer, plain))
    }

    fn give_up(&self, number: usize, encoding: Option<Encoding>, error: Error) -> Result<Work> {
        if self.skip_unreadable {
            return Ok(Work::End {
                source: index(number),
                encoding,
                error: Some(super::inputs::message_of(&error)),
            });
        }
        Err(error)
    }
}

fn index(number: usize) -> u32 {
    u32::try_from(number).expect("fewer than 2^32 sources")
}

impl Supply {
    /// Whether it takes long to read, because it is decompressed by who reads.
    #[must_use]
    pub fn is_heavy(&self) -> bool {
        matches!(self, Supply::Files(files) if files.heavy)
    }

    /// The next chunk for whoever asks to read, if there is one: what comes behind it is not asked for by
    /// [`Supply::next`] before all chunks are known to be whole records.
    pub fn chunk(&mut self) -> Option<Chunk> {
        match self {
            Supply::Files(files) => files.split.as_mut()?.next_chunk(),
            _ => None,
        }
    }

    /// Whether a file is read in chunks, or was up to here.
    #[must_use]
    pub fn is_split(&self) -> bool {
        matches!(self, Supply::Files(files) if files.split.is_some())
    }

    /// Is told how long the lines of a chunk are, by who has read it.
    pub fn told(&mut self, chunk: &Chunk, len: usize) {
        if let Supply::Files(files) = self
            && let Some(split) = &mut files.split
        {
            split.told(chunk, len);
        }
    }

    /// Takes back all chunks that were given, from an offset on.
    pub fn take_back(&mut self, from: u64) {
        if let Supply::Files(files) = self
            && let Some(split) = &mut files.split
        {
            split.take_back(from);
        }
    }

    /// The next piece of work; `spare` is a buffer to use again.
    ///
    /// # Errors
    /// What reading says.
    pub fn next(&mut self, spare: Vec<u8>) -> Result<Option<Work>> {
        let next = match self {
            Supply::Files(files) => files.next(spare),
            Supply::Stream(stream) => stream.next().transpose().map(|b| b.map(Work::Batch)),
            Supply::Sorted(ordered) => {
                let next = ordered.next_piece();
                next.map(|next| next.map(|(piece, promise)| Work::Sorted(piece, promise)))
            }
            Supply::Ended => Ok(None),
        };
        if !matches!(next, Ok(Some(_))) {
            *self = Supply::Ended;
        }
        next
    }
}
