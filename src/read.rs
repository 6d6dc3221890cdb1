//! Files → record batches, streaming: parsed in parallel, handed on in the order of the input.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use arrow_array::RecordBatch;

use crate::arrow::BatchWriter;
use crate::block::Columns;
use crate::dictionary::Dictionaries;
use crate::error::{Error, Result};
use crate::log::meaning::Meaning;
use crate::log::parse::Parser;
use crate::policy::Policy;
use crate::scan::collect::{Collector, Done};
use crate::scan::feed::Feed;
use crate::scan::framing::{Files, Reading, Supply};
use crate::scan::inputs::Planned;
use crate::scan::notes::{Note, of_reading};
use crate::scan::pool::Pool;
use crate::scan::work::done;
use crate::scan::{ScanOptions, counts_before, read_options, report, threads};

/// Batches that may wait to be taken.
const MOST_WAITING: usize = 16;

struct Queue {
    collector: Collector<RecordBatch>,
    ready: VecDeque<RecordBatch>,
    workers: usize,
    failure: Option<Error>,
}

struct Shared {
    planned: Arc<Planned>,
    names: Vec<String>,
    dictionaries: Arc<Dictionaries>,
    meaning: Arc<Meaning>,
    options: crate::log::plan::ReadOptions,
    feed: Feed,
    pool: Pool,
    queue: Mutex<Queue>,
    changed: Condvar,
    stopped: AtomicBool,
}

/// Record batches of files. Reading goes on in the background, a bounded way ahead.
pub struct Reader {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

/// Bytes read at a time: each piece becomes a batch, and each batch costs whoever takes it.
pub const CHUNK: usize = 1 << 21;

/// Opens files, directories and globs for reading; `check` is called before each is looked at.
///
/// # Errors
/// As [`Planned::of`].
pub fn read_paths(
    paths: &[String],
    policy: &Policy,
    options: &ScanOptions,
    check: &mut dyn FnMut() -> Result<()>,
) -> Result<Reader> {
    let read = read_options(policy, options)?;
    let planned = Arc::new(Planned::of(paths, &read, options, check)?);
    let names: Vec<String> = planned
        .sources
        .iter()
        .map(|s| s.source.name.clone())
        .collect();
    let taken = Arc::new(AtomicU64::new(0));
    // One after another: records come in the order in which they stand.
    let files = Files::new(
        Arc::clone(&planned),
        &read,
        options,
        Reading {
            most: 1,
            chunk: options.chunk,
            own_chunk: options.chunk,
            by_reader: false,
        },
        taken,
        None,
    );
    let threads = threads(options);
    let shared = Arc::new(Shared {
        names: names.clone(),
        dictionaries: Arc::default(),
        meaning: Arc::new(Meaning::of(policy, false)),
        options: read,
        feed: Feed::new(Supply::Files(Box::new(files)), threads),
        pool: Pool::default(),
        queue: Mutex::new(Queue {
            collector: Collector::new(names, planned.ranks(), counts_before(&planned), options),
            ready: VecDeque::new(),
            workers: threads,
            failure: None,
        }),
        planned,
        changed: Condvar::new(),
        stopped: AtomicBool::new(false),
    });
    let workers = (0..threads)
        .map(|_| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                let end = WorkerEnd(&shared);
                if let Err(error) = shared.work() {
                    shared.lock().failure.get_or_insert(error);
                    shared.stopped.store(true, Ordering::Relaxed);
                }
                drop(end);
            })
        })
        .collect();
    Ok(Reader { shared, workers })
}

struct WorkerEnd<'a>(&'a Shared);

impl Drop for WorkerEnd<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        if std::thread::panicking() {
            let words = (
                "a reading thread failed; what it was is on standard error",
                "読み取りの途中で処理が失敗しました。画面に出ている英文を添えて、この道具の管理者に知らせてください",
            );
            let error = Error::usage("source", words);
            queue.failure.get_or_insert(error);
            self.0.stopped.store(true, Ordering::Relaxed);
        }
        queue.workers -= 1;
        drop(queue);
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) -> Result<()> {
        let mut parser = Parser::new(
            Arc::clone(&self.meaning),
            Arc::clone(&self.dictionaries),
            self.options.zone.clone(),
        );
        let mut columns = Columns::default();
        let mut writer = BatchWriter::new(Arc::clone(&self.dictionaries), &self.names);
        loop {
            let mut queue = self.lock();
            while queue.ready.len() >= MOST_WAITING && !self.stopped.load(Ordering::Relaxed) {
                queue = self
                    .changed
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            drop(queue);
            if self.stopped.load(Ordering::Relaxed) {
                return Ok(());
            }
            let Some((seq, work)) = self.feed.next(&self.pool) else {
                return Ok(());
            };
            let done = work.and_then(|work| {
                done(
                    work,
                    &self.planned,
                    &mut parser,
                    std::mem::take(&mut columns),
                    0,
                    |_| unreachable!("files give no batches"),
                    |parsed| {
                        let batch = writer.write(&parsed.block);
                        self.pool.take_text(parsed);
                        let block = &mut parsed.block;
                        columns = std::mem::take(&mut block.columns);
                        if let Some(text) = block.origin.text.take().and_then(Arc::into_inner) {
                            self.pool.give_text(text.bytes);
                        }
                        Ok(batch)
                    },
                )
            });
            let done = done.unwrap_or_else(Done::Failed);
            let mut queue = self.lock();
            let Queue {
                collector, ready, ..
            } = &mut *queue;
            collector.put(seq, done, |taken| -> Result<()> {
                let first_line = taken.block.origin.first_line;
                ready.extend(taken.extra.map(|batch| with_lines(batch, first_line)));
                Ok(())
            })?;
            drop(queue);
            self.changed.notify_all();
        }
    }
}

/// The batch with its line numbers counted from the block's first line, known only now.
fn with_lines(batch: RecordBatch, first_line: u64) -> RecordBatch {
    use arrow_array::UInt64Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::UInt64Type;
    let (schema, mut columns, _) = batch.into_parts();
    let at = schema
        .index_of("line")
        .expect("the record schema has lines");
    let lines = columns.swap_remove(at);
    let own: UInt64Array = lines.as_primitive::<UInt64Type>().clone();
    drop(lines);
    // In place: nobody else has them.
    let lines = own
        .unary_mut(|line| line + first_line)
        .unwrap_or_else(|shared| shared.unary(|line| line + first_line));
    columns.push(Arc::new(lines));
    let last = columns.len() - 1;
    columns.swap(at, last);
    RecordBatch::try_new(schema, columns).expect("columns of the schema")
}

impl Reader {
    /// Takes the next batch; none at the end.
    ///
    /// # Errors
    /// [`Error::Input`] if a source cannot be read on, [`Error::Strict`] under `strict`.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(next) = self.next_within(Duration::from_secs(1))? {
                return Ok(next);
            }
        }
    }

    /// As [`Reader::next_batch`], or none if neither a batch nor the end comes within about `patience`.
    ///
    /// # Errors
    /// As [`Reader::next_batch`].
    pub fn next_within(&mut self, patience: Duration) -> Result<Option<Option<RecordBatch>>> {
        let mut queue = self.shared.lock();
        if queue.ready.is_empty() && queue.workers > 0 {
            queue = self
                .shared
                .changed
                .wait_timeout(queue, patience)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        if let Some(batch) = queue.ready.pop_front() {
            drop(queue);
            self.shared.changed.notify_all();
            return Ok(Some(Some(batch)));
        }
        if queue.workers > 0 {
            return Ok(None);
        }
        queue.failure.take().map_or(Ok(Some(None)), Err)
    }

    /// A row per source; complete once everything was read.
    #[must_use]
    pub fn inputs(&self) -> RecordBatch {
        report::inputs(&self.shared.planned, &self.shared.lock().collector.inputs)
    }

    /// A row per rejected record; complete once everything was read.
    #[must_use]
    pub fn rejects(&self) -> RecordBatch {
        report::rejects(
            &self.shared.names,
            self.shared.lock().collector.rejects.values().cloned(),
        )
    }

    /// By source, in the order of [`Reader::inputs`], the columns that feed no field: their headers,
    /// or positions from 1.
    #[must_use]
    pub fn unused(&self) -> Vec<Vec<String>> {
        let sources = self.shared.planned.sources.iter();
        sources
            .map(|s| {
                let plan = s.plan.as_ref();
                plan.map_or_else(Vec::new, |p| p.natures.unused())
            })
            .collect()
    }

    /// Assumptions made.
    #[must_use]
    pub fn notes(&self) -> Vec<Note> {
        of_reading(
            &self.shared.planned,
            &self.shared.lock().collector,
            &self.shared.names,
            &self.shared.meaning,
        )
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Under the lock: between a worker's look and its wait nobody may say so.
        let queue = self.shared.lock();
        self.shared.stopped.store(true, Ordering::Relaxed);
        drop(queue);
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // A worker that panicked has told so on standard error.
            let _ = worker.join();
        }
    }
}
