//! A scan whose sink is slow, or panics, or whose listener does.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::UInt64Array;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;

use super::*;
use crate::detect::calendar::NoHolidays;

/// Records of the log.
const RECORDS: usize = 40_000;

/// Records of a batch.
const ROWS: usize = 10;

/// Bytes of a record and its line end.
const RECORD: usize = "2026-04-01 00:00:00,u0\n".len();

/// Batches that may be read and not handed over yet, by far: those that wait, those under way, and what
/// has been read of others.
const MOST_AHEAD: usize = 100;

/// Takes flagged rows slowly: whenever rows come, the workers may do all that they are let do.
struct Slow {
    /// Lines of the rows that came.
    lines: Vec<u64>,
    /// The most bytes that were read and not handed over.
    ahead: u64,
    /// How often it is still slow.
    patience: usize,
}

impl Slow {
    fn look(&mut self, taken: &AtomicU64) -> u64 {
        let handed = (self.lines.len() * RECORD) as u64;
        let ahead = taken.load(Ordering::Relaxed).saturating_sub(handed);
        self.ahead = self.ahead.max(ahead);
        ahead
    }
}

struct SlowSink {
    /// Bytes that were read.
    taken: Arc<AtomicU64>,
    /// Whether it panics as soon as rows come.
    broken: bool,
    slow: Mutex<Slow>,
}

impl Sink for SlowSink {
    fn flagged(&self, rows: RecordBatch) -> Result<()> {
        assert!(!self.broken, "the sink is broken");
        // One thread at a time.
        let mut slow = self.slow.try_lock().unwrap();
        let most = (MOST_AHEAD * ROWS * RECORD) as u64;
        slow.patience = slow.patience.saturating_sub(1);
        // How long it waits decides nothing: the limit holds at every moment.
        for _ in 0..if slow.patience > 0 { 50_000 } else { 0 } {
            if slow.look(&self.taken) > most {
                break;
            }
            std::thread::yield_now();
        }
        let lines: &UInt64Array = rows
            .column_by_name("line")
            .unwrap()
            .as_primitive::<UInt64Type>();
        slow.lines.extend(lines.values());
        Ok(())
    }

    fn restart(&self) -> Result<()> {
        panic!("the log is in time order")
    }

    fn end(&self) -> Result<()> {
        panic!("the result is not made here")
    }
}

struct Broken;

impl Listener for Broken {
    fn progress(&mut self, _progress: Progress) -> Result<()> {
        panic!("the listener is broken")
    }
}

/// Scans a log in time order, all of which is flagged.
fn scanned(threads: usize, broken: bool, listener: &mut dyn Listener) -> Slow {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let line = |n: usize| {
        let (hour, minute, second) = (n / 3600, n / 60 % 60, n % 60);
        format!("2026-04-01 {hour:02}:{minute:02}:{second:02},u{}\n", n % 7)
    };
    let lines: String = (0..RECORDS).map(line).collect();
    std::fs::write(&path, format!("time,user\n{lines}")).unwrap();
    let policy = "[[rules]]\nid = \"all\"\nkind = \"match\"\n";
    let policy = Policy::from_toml(policy, "test", None).unwrap();
    let options = ScanOptions {
        threads: Some(threads),
        chunk: 64,
        batch: ROWS,
        ..ScanOptions::default()
    };
    let read = read_options(&policy, &options).unwrap();
    let paths = [path.display().to_string()];
    let planned = Planned::of(&paths, &read, &options, &mut || Ok(())).unwrap();
    let planned = Arc::new(planned);
    let holidays: Arc<dyn Holidays> = Arc::new(NoHolidays);
    let natures = natures(&planned);
    let context = context(&policy, read, planned, natures, &holidays, &options).unwrap();
    let taken = Arc::new(AtomicU64::new(0));
    let files = Files::new(
        Arc::clone(&context.planned),
        &context.options,
        &options,
        Reading {
            most: 1,
            chunk: options.chunk,
            own_chunk: options.chunk,
            by_reader: true,
        },
        Arc::clone(&taken),
        None,
    );
    let collector = Collector::new(
        context.source_names.clone(),
        context.planned.ranks(),
        counts_before(&context.planned),
        &options,
    );
    let slow = Slow {
        lines: Vec::new(),
        ahead: 0,
        patience: 8,
    };
    let sink = SlowSink {
        taken: Arc::clone(&taken),
        broken,
        slow: Mutex::new(slow),
    };
    let control = Control {
        listener,
        sink: Some(&sink),
        taken,
        total: 0,
    };
    let outcome = pipeline::run(
        &context,
        pers(&context, &[None]),
        Supply::Files(Box::new(files)),
        collector,
        Some(context.budget.target(options.batch)),
        control,
    );
    assert!(outcome.is_ok() && outcome.ok().unwrap().flagged.is_empty());
    sink.slow.into_inner().unwrap()
}

#[test]
fn a_slow_sink_gets_every_row_in_order_and_little_waits_for_it() {
    for threads in [1, 2, 4] {
        let slow = scanned(threads, false, &mut Silent);
        let all: Vec<u64> = (2..).take(RECORDS).collect();
        assert!(slow.lines == all, "{} rows", slow.lines.len());
        assert!(
            slow.ahead <= (MOST_AHEAD * ROWS * RECORD) as u64,
            "{} bytes were read and not handed over",
            slow.ahead
        );
    }
}

#[test]
fn a_sink_that_panics_ends_the_scan() {
    for threads in [1, 2, 4] {
        let panic = std::panic::catch_unwind(|| scanned(threads, true, &mut Silent).lines);
        let panic = panic.expect_err("it panicked");
        let words = panic.downcast_ref::<&str>();
        assert_eq!(words, Some(&"the sink is broken"));
    }
}

#[test]
fn a_listener_that_panics_ends_the_scan() {
    for threads in [1, 2, 4] {
        let panic = std::panic::catch_unwind(|| scanned(threads, false, &mut Broken).lines);
        let panic = panic.expect_err("it panicked");
        let words = panic.downcast_ref::<&str>();
        assert_eq!(words, Some(&"the listener is broken"));
    }
}
