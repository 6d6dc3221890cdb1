//! `scan_paths`, `scan_stream`: one call each, the GIL released but for callbacks.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::SchemaRef;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};
use pyo3_arrow::input::AnyRecordBatch;
use pyo3_arrow::{PySchema, PyTable};

use super::errors::raise;
use super::policy::Policy;
use super::stream::stream;
use crate::detect::calendar::Holidays;
use crate::error::{Error, Result};
use crate::fault::InputKind;
use crate::findings::ranked::Tables;
use crate::individual::mask::masked;
use crate::log::encoding::Encoding;
use crate::scan::{self, Listener, Progress, ScanOptions, ScanResult, Sink};
use crate::state::file;

/// The exception of a callback that failed, until it is raised again.
type Kept = Arc<Mutex<Option<PyErr>>>;

/// Keeps the first; an interruption before all others, which may fail at the same time.
fn keep(py: Python<'_>, kept: &Kept, error: PyErr) -> Error {
    let message = error.to_string();
    let interrupts = error.is_instance_of::<PyKeyboardInterrupt>(py);
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if interrupts || kept.is_none() {
        *kept = Some(error);
    }
    Error::Callback(message)
}

fn take(kept: &Kept) -> Option<PyErr> {
    kept.lock().unwrap_or_else(PoisonError::into_inner).take()
}

struct PythonHolidays {
    callback: Py<PyAny>,
    kept: Kept,
}

impl Holidays for PythonHolidays {
    fn year(&self, country: &str, year: i32) -> Result<Vec<i32>> {
        Python::attach(|py| {
            let days = self
                .callback
                .call1(py, (country, year))
                .and_then(|days| days.extract(py));
            days.map_err(|e| keep(py, &self.kept, e))
        })
    }
}

struct PythonListener {
    progress: Option<Py<PyAny>>,
    kept: Kept,
    /// When something was told last, and of how many bytes.
    told: Option<(Instant, u64)>,
}

impl PythonListener {
    fn tell(&self, py: Python<'_>, progress: Progress) -> PyResult<()> {
        if let Some(callback) = &self.progress {
            let state = PyDict::new(py);
            state.set_item("bytes", progress.bytes)?;
            state.set_item("total_bytes", Some(progress.total).filter(|&t| t > 0))?;
            state.set_item("records", progress.records)?;
            state.set_item("stage", "scan")?;
            callback.call1(py, (state,))?;
        }
        Ok(())
    }
}

impl Listener for PythonListener {
    fn progress(&mut self, progress: Progress) -> Result<()> {
        // (While files are read, something is told even of a short scan.)
        let lately = |at: Instant| at.elapsed() < Duration::from_millis(200);
        if self
            .told
            .is_some_and(|(at, total)| total == progress.total && lately(at))
        {
            return Ok(());
        }
        self.told = Some((Instant::now(), progress.total));
        Python::attach(|py| {
            py.check_signals()
                .and_then(|()| self.tell(py, progress))
                .map_err(|e| keep(py, &self.kept, e))
        })
    }
}

struct PythonSink {
    callback: Py<PyAny>,
    /// Called when all rows have come.
    end: Option<Py<PyAny>>,
    kept: Kept,
}

impl PythonSink {
    fn call(&self, py: Python<'_>, rows: Option<PyTable>) -> Result<()> {
        let called = self.callback.call1(py, (rows,));
        called.map(|_| ()).map_err(|e| keep(py, &self.kept, e))
    }
}

impl Sink for PythonSink {
    fn flagged(&self, rows: RecordBatch) -> Result<()> {
        Python::attach(|py| {
            let schema = rows.schema();
            let table = table(vec![rows], schema).map_err(|e| keep(py, &self.kept, e))?;
            self.call(py, Some(table))
        })
    }

    fn restart(&self) -> Result<()> {
        Python::attach(|py| self.call(py, None))
    }

    fn end(&self) -> Result<()> {
        let Some(end) = &self.end else {
            return Ok(());
        };
        Python::attach(|py| {
            let called = end.call0(py);
            called.map(|_| ()).map_err(|e| keep(py, &self.kept, e))
        })
    }
}

/// The table of findings, made piece by piece while it is read, anew for whoever reads it.
#[pyclass(frozen, module = "yokome._yokome")]
pub struct NativeFindings(Arc<Tables>);

#[pymethods]
impl NativeFindings {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        stream(py, Arc::clone(&self.0).findings(), requested_schema)
    }
}

/// What a scan found, as tables.
#[pyclass(frozen, module = "yokome._yokome")]
pub struct NativeResult {
    inner: ScanResult,
}

impl NativeResult {
    /// The tables that rank: made when first asked for.
    fn ranked(&self, py: Python<'_>) -> &Arc<Tables> {
        py.detach(|| self.inner.ranked.tables())
    }
}

fn table(batches: Vec<RecordBatch>, schema: SchemaRef) -> PyResult<PyTable> {
    PyTable::try_new(batches, schema)
}

fn one(batch: &RecordBatch) -> PyResult<PyTable> {
    table(vec![batch.clone()], batch.schema())
}

#[pymethods]
impl NativeResult {
    /// A row per (record, rule that flagged it); none if a sink took them.
    fn flagged(&self) -> PyResult<PyTable> {
        table(
            self.inner.flagged.clone(),
            Arc::clone(&self.inner.flagged_schema),
        )
    }

    /// The schema of `flagged`.
    fn flagged_schema(&self) -> PySchema {
        PySchema::new(Arc::clone(&self.inner.flagged_schema))
    }

    /// A row per thing that a person checks once.
    fn findings(&self, py: Python<'_>) -> NativeFindings {
        NativeFindings(Arc::clone(self.ranked(py)))
    }

    /// A row per rule.
    fn summary(&self) -> PyResult<PyTable> {
        one(&self.inner.summary)
    }

    /// A row per rule: ``key_days``, ``keys`` and ``users`` that it could judge.
    fn evaluated_days(&self) -> PyResult<PyTable> {
        one(&self.inner.evaluated_days)
    }

    /// A row per user and rule with flagged records.
    fn by_user(&self, py: Python<'_>) -> PyResult<PyTable> {
        one(&self.ranked(py).by_user)
    }

    /// Of each row of ``by_user``, which user it is of: users that differ may read the same.
    fn by_user_users(&self, py: Python<'_>) -> Vec<u64> {
        self.ranked(py).by_user_users.clone()
    }

    /// How many users have flagged records.
    fn users(&self) -> usize {
        self.inner.users
    }

    /// A row per day with records in scope.
    fn by_day(&self) -> PyResult<PyTable> {
        one(&self.inner.by_day)
    }

    /// Records in scope by department, weekday (0 = Monday) and hour.
    fn activity(&self) -> PyResult<PyTable> {
        one(&self.inner.activity)
    }

    /// A row per source.
    fn inputs(&self) -> PyResult<PyTable> {
        one(&self.inner.inputs)
    }

    /// A row per rejected record, as far as they are listed.
    fn rejects(&self) -> PyResult<PyTable> {
        one(&self.inner.rejects)
    }

    /// Writes the state that the scan leaves, whole or not at all.
    #[allow(clippy::needless_pass_by_value)]
    fn write_state(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let Some(state) = &self.inner.state else {
            return Ok(());
        };
        py.detach(|| file::write(&path, state))
            .map_err(|e| raise(py, &e, None))
    }

    /// A row per source and column in which Individual Numbers were found.
    fn leaks(&self) -> PyResult<PyTable> {
        one(&self.inner.leaks)
    }

    /// Every assumption made, as (Japanese, English).
    #[getter]
    fn notes(&self) -> Vec<(String, String)> {
        self.inner
            .notes
            .iter()
            .map(|n| (n.ja.clone(), n.en.clone()))
            .collect()
    }
}

/// Options as Python gives them; none: the default.
#[derive(Default)]
pub struct Given<'a> {
    pub encoding: Option<&'a str>,
    pub delimiter: Option<&'a str>,
    pub threads: Option<usize>,
    pub strict: bool,
    pub unmask: bool,
    pub skip_unreadable: bool,
    pub max_ratio: Option<u64>,
    pub max_rejects: Option<usize>,
    pub chunk_size: Option<usize>,
    pub batch_size: Option<usize>,
    pub state: Option<&'a Path>,
    pub memory_limit: Option<u64>,
    pub temp_dir: Option<PathBuf>,
}

impl Given<'_> {
    /// The options of the core.
    ///
    /// # Errors
    /// [`Error::Usage`] for an unknown encoding or delimiter.
    pub fn options(self) -> Result<ScanOptions> {
        let encoding = self
            .encoding
            .map(|label| {
                let unknown = || {
                    Error::usage(
                        "encoding",
                        (
                            format!(
                                "encoding: {label} is none of utf-8, cp932, utf-16, utf-16le, utf-16be, euc-jp"
                            ),
                            format!(
                                "文字コード「{label}」は扱えません。utf-8、cp932、utf-16、utf-16le、utf-16be、euc-jp のどれかを指定してください"
                            ),
                        ),
                    )
                };
                Encoding::from_label(label).ok_or_else(unknown)
            })
            .transpose()?;
        let delimiter = self
            .delimiter
            .map(|text| match text.as_bytes() {
                [d @ (b',' | b'\t' | b';' | b'|')] => Ok(*d),
                _ => Err(Error::usage(
                    "delimiter",
                    (
                        format!("delimiter: {text:?} is none of ',' '\\t' ';' '|'"),
                        format!("区切り文字 {text:?} は扱えません。, ; | タブ のどれかを指定してください"),
                    ),
                )),
            })
            .transpose()?;
        let usual = ScanOptions::default();
        Ok(ScanOptions {
            encoding,
            delimiter,
            threads: self.threads,
            strict: self.strict,
            unmask: self.unmask,
            skip_unreadable: self.skip_unreadable,
            max_ratio: self.max_ratio.unwrap_or(usual.max_ratio),
            max_rejects: self.max_rejects.unwrap_or(usual.max_rejects),
            chunk: self.chunk_size.unwrap_or(usual.chunk),
            batch: self.batch_size.unwrap_or(usual.batch),
            state: self.state.map(Path::to_path_buf),
            memory_limit: self.memory_limit,
            temp_dir: self.temp_dir,
        })
    }
}

struct Callbacks {
    holidays: Arc<dyn Holidays>,
    listener: PythonListener,
    sink: Option<PythonSink>,
    kept: Kept,
}

impl Callbacks {
    fn new(
        holidays: Py<PyAny>,
        progress: Option<Py<PyAny>>,
        sink: Option<Py<PyAny>>,
        end: Option<Py<PyAny>>,
    ) -> Callbacks {
        let kept = Kept::default();
        Callbacks {
            holidays: Arc::new(PythonHolidays {
                callback: holidays,
                kept: Arc::clone(&kept),
            }),
            listener: PythonListener {
                progress,
                kept: Arc::clone(&kept),
                told: None,
            },
            sink: sink.map(|callback| PythonSink {
                callback,
                end,
                kept: Arc::clone(&kept),
            }),
            kept,
        }
    }

    fn result(&self, py: Python<'_>, found: Result<ScanResult>) -> PyResult<NativeResult> {
        found
            .map(|inner| NativeResult { inner })
            .map_err(|e| raise(py, &e, take(&self.kept)))
    }
}

/// Scans files, directories and globs.
#[pyfunction]
#[pyo3(signature = (paths, policy, *, encoding, delimiter, threads, strict, unmask, skip_unreadable, max_ratio, max_rejects, chunk_size, batch_size, state, memory_limit, temp_dir, holidays, progress, sink, sink_end))]
#[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
pub fn scan_paths(
    py: Python<'_>,
    paths: Vec<String>,
    policy: &Bound<'_, Policy>,
    encoding: Option<&str>,
    delimiter: Option<&str>,
    threads: Option<usize>,
    strict: bool,
    unmask: bool,
    skip_unreadable: bool,
    max_ratio: Option<u64>,
    max_rejects: Option<usize>,
    chunk_size: Option<usize>,
    batch_size: Option<usize>,
    state: Option<PathBuf>,
    memory_limit: Option<u64>,
    temp_dir: Option<PathBuf>,
    holidays: Py<PyAny>,
    progress: Option<Py<PyAny>>,
    sink: Option<Py<PyAny>>,
    sink_end: Option<Py<PyAny>>,
) -> PyResult<NativeResult> {
    let given = Given {
        encoding,
        delimiter,
        threads,
        strict,
        unmask,
        skip_unreadable,
        max_ratio,
        max_rejects,
        chunk_size,
        batch_size,
        state: state.as_deref(),
        memory_limit,
        temp_dir,
    };
    let options = given.options().map_err(|e| raise(py, &e, None))?;
    let policy = &policy.get().inner;
    let mut callbacks = Callbacks::new(holidays, progress, sink, sink_end);
    let found = py.detach(|| {
        scan::scan_paths(
            &paths,
            policy,
            &options,
            &callbacks.holidays,
            &mut callbacks.listener,
            callbacks.sink.as_ref().map(|sink| sink as &dyn Sink),
        )
    });
    callbacks.result(py, found)
}

/// Scans any object with `__arrow_c_stream__`.
#[pyfunction]
#[pyo3(signature = (stream, policy, *, threads, strict, unmask, max_rejects, state, batch_size, memory_limit, temp_dir, holidays, progress, sink, sink_end))]
#[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
pub fn scan_stream(
    py: Python<'_>,
    stream: AnyRecordBatch,
    policy: &Bound<'_, Policy>,
    threads: Option<usize>,
    strict: bool,
    unmask: bool,
    max_rejects: Option<usize>,
    state: Option<PathBuf>,
    batch_size: Option<usize>,
    memory_limit: Option<u64>,
    temp_dir: Option<PathBuf>,
    holidays: Py<PyAny>,
    progress: Option<Py<PyAny>>,
    sink: Option<Py<PyAny>>,
    sink_end: Option<Py<PyAny>>,
) -> PyResult<NativeResult> {
    let given = Given {
        threads,
        strict,
        unmask,
        max_rejects,
        state: state.as_deref(),
        batch_size,
        memory_limit,
        temp_dir,
        ..Given::default()
    };
    let options = given.options().map_err(|e| raise(py, &e, None))?;
    let policy = &policy.get().inner;
    let reader: Box<dyn RecordBatchReader + Send> = stream.into_reader()?;
    let schema = reader.schema();
    let mut callbacks = Callbacks::new(holidays, progress, sink, sink_end);
    let batches = reader.map(|batch| {
        batch.map_err(|e| {
            let words = (
                e.to_string(),
                format!("データの受け渡しの途中で失敗しました（{e}）。渡す側を確かめてください"),
            );
            Error::input_of(crate::arrow::STREAM_NAME, InputKind::Failed, words)
        })
    });
    let found = py.detach(|| {
        scan::scan_stream(
            Box::new(batches.fuse()),
            &schema,
            policy,
            &options,
            &callbacks.holidays,
            &mut callbacks.listener,
            callbacks.sink.as_ref().map(|sink| sink as &dyn Sink),
        )
    });
    callbacks.result(py, found)
}

/// What a state file covers, as JSON; times in milliseconds.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)]
pub fn state_header(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    py.detach(|| scan::carry::show(&path))
        .map(|state| serde_json::to_string(&state.header).expect("a header is JSON"))
        .map_err(|e| raise(py, &e, None))
}

/// A text without Individual Numbers: each of their digits becomes `*`.
#[pyfunction]
pub fn mask(text: &str) -> String {
    masked(text).into_owned()
}
