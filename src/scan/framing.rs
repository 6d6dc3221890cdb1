//! Source after source, frame after frame: the sequential supply of work.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow_array::RecordBatch;

use super::ScanOptions;
use super::carry::{Digesting, Digests};
use super::inputs::Planned;
use crate::error::{Error, Result};
use crate::log::encoding::Encoding;
use crate::log::framer::{Frame, Framer};
use crate::source::ahead::Ahead;
use crate::source::open;

/// Record batches that come from outside.
pub type Stream = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// A piece of work, in the order of the input.
pub enum Work {
    /// Part of a file.
    Frame(u32, Frame),
    /// A file ends.
    End {
        /// Number of the source.
        source: u32,
        /// Its encoding, if any byte told it.
        encoding: Option<Encoding>,
        /// Why it ends early.
        error: Option<String>,
    },
    /// Records that came as Arrow.
    Batch(RecordBatch),
}

/// Where work comes from.
pub enum Supply {
    /// Files.
    Files(Box<Files>),
    /// A stream of record batches.
    Stream(Stream),
    /// Nothing any more.
    Ended,
}

/// Files, one after another.
pub struct Files {
    planned: Arc<Planned>,
    order: std::vec::IntoIter<usize>,
    current: Option<(usize, Framer<Box<dyn std::io::Read + Send>>)>,
    /// The compressed ones among them.
    ahead: Option<Ahead>,
    taken: Arc<AtomicU64>,
    chunk: usize,
    skip_unreadable: bool,
    max_ratio: u64,
    /// Where the digests of the sources go, if anyone asks for them.
    digests: Option<Arc<Digests>>,
}

impl Files {
    /// The files of a plan; `taken` counts the bytes read. The compressed ones are decompressed
    /// ahead, by as many threads as the scan has.
    #[must_use]
    pub fn new(
        planned: Arc<Planned>,
        options: &ScanOptions,
        taken: Arc<AtomicU64>,
        digests: Option<Arc<Digests>>,
    ) -> Files {
        let order = planned.reading_order();
        let compressed = order
            .iter()
            .map(|&number| &planned.sources[number])
            .filter(|source| source.compressed)
            .map(|source| source.source.clone())
            .collect();
        let ahead = Ahead::new(
            compressed,
            super::threads(options),
            options.max_ratio,
            Arc::clone(&taken),
        );
        Files {
            planned,
            order: order.into_iter(),
            current: None,
            ahead,
            taken,
            chunk: options.chunk.min(super::MOST_CHUNK),
            skip_unreadable: options.skip_unreadable,
            max_ratio: options.max_ratio,
            digests,
        }
    }

    fn next(&mut self, spare: Vec<u8>) -> Result<Option<Work>> {
        if self.current.is_none() {
            let Some(number) = self.order.next() else {
                return Ok(None);
            };
            match self.open(number) {
                Ok(framer) => self.current = Some((number, framer)),
                Err(error) => return self.give_up(number, None, &error).map(Some),
            }
        }
        let Some((number, framer)) = &mut self.current else {
            return Ok(None);
        };
        let number = *number;
        match framer.next(spare) {
            Ok(Some(frame)) => Ok(Some(Work::Frame(index(number), frame))),
            Ok(None) => {
                let encoding = framer.encoding();
                self.current = None;
                Ok(Some(Work::End {
                    source: index(number),
                    encoding,
                    error: None,
                }))
            }
            Err(error) => {
                let encoding = framer.encoding();
                let name = &self.planned.sources[number].source.name;
                let error = Error::input(name, crate::source::describe(&error));
                self.current = None;
                self.give_up(number, encoding, &error).map(Some)
            }
        }
    }

    fn open(&mut self, number: usize) -> Result<Framer<Box<dyn std::io::Read + Send>>> {
        let source = &self.planned.sources[number];
        let plan = source
            .plan
            .as_ref()
            .expect("only readable sources are read");
        let input: Box<dyn std::io::Read + Send> = match &mut self.ahead {
            Some(ahead) if source.compressed => Box::new(ahead.next_source()),
            _ => Box::new(open(
                &source.source,
                Arc::clone(&self.taken),
                self.max_ratio,
            )?),
        };
        let input: Box<dyn std::io::Read + Send> = match &self.digests {
            Some(digests) => Box::new(Digesting::new(input, number, Arc::clone(digests))),
            None => input,
        };
        plan.framer(input, self.chunk)
            .map_err(|e| Error::input(&source.source.name, crate::source::describe(&e)))
    }

    fn give_up(&self, number: usize, encoding: Option<Encoding>, error: &Error) -> Result<Work> {
        let message = super::inputs::message_of(error);
        if self.skip_unreadable {
            return Ok(Work::End {
                source: index(number),
                encoding,
                error: Some(message),
            });
        }
        Err(Error::input(
            &self.planned.sources[number].source.name,
            message,
        ))
    }
}

fn index(number: usize) -> u32 {
    u32::try_from(number).expect("fewer than 2^32 sources")
}

impl Supply {
    /// The next piece of work; `spare` is a buffer to use again.
    ///
    /// # Errors
    /// What reading says.
    pub fn next(&mut self, spare: Vec<u8>) -> Result<Option<Work>> {
        let next = match self {
            Supply::Files(files) => files.next(spare),
            Supply::Stream(stream) => stream.next().transpose().map(|b| b.map(Work::Batch)),
            Supply::Ended => Ok(None),
        };
        if !matches!(next, Ok(Some(_))) {
            *self = Supply::Ended;
        }
        next
    }
}
