//! `synth`: a made-up log into a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::synth::{SynthColumns, SynthConfig, SynthEncoding, generate};

/// Writes a made-up log, and what was planted in it; returns the bytes written.
#[pyfunction]
#[pyo3(signature = (
    out, truth, records, users, days, seed, encoding, progress = None,
    *, columns = "ten", crlf = true, start = None,
))]
#[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
pub fn synth(
    py: Python<'_>,
    out: &str,
    truth: Option<&str>,
    records: u64,
    users: u32,
    days: u32,
    seed: u64,
    encoding: &str,
    progress: Option<Py<PyAny>>,
    columns: &str,
    crlf: bool,
    start: Option<&str>,
) -> PyResult<u64> {
    let columns = match columns {
        "ten" => SynthColumns::Ten,
        "eight" => SynthColumns::Eight,
        _ => {
            return Err(PyValueError::new_err(format!(
                "columns: {columns} is neither ten nor eight"
            )));
        }
    };
    let encoding = SynthEncoding::from_name(encoding).ok_or_else(|| {
        PyValueError::new_err(format!("encoding: {encoding} cannot be generated"))
    })?;
    let usual = SynthConfig::default();
    let start = match start {
        Some(day) => day
            .parse()
            .map_err(|_| PyValueError::new_err(format!("start: {day} is no date as YYYY-MM-DD")))?,
        None => usual.start,
    };
    let config = SynthConfig {
        records,
        users,
        days,
        seed,
        encoding,
        columns,
        start,
        crlf,
        ..usual
    };
    let mut kept: Option<PyErr> = None;
    let mut told = Instant::now();
    let written = py.detach(|| -> std::io::Result<u64> {
        let mut log = BufWriter::with_capacity(1 << 20, File::create(out)?);
        let mut answers = truth.map(File::create).transpose()?.map(BufWriter::new);
        let mut hear = |bytes: u64, records: u64| {
            if told.elapsed() < Duration::from_millis(200) {
                return ControlFlow::Continue(());
            }
            told = Instant::now();
            match Python::attach(|py| tell(py, progress.as_ref(), bytes, records)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    kept = Some(error);
                    ControlFlow::Break(())
                }
            }
        };
        let truth = answers.as_mut().map(|w| w as &mut dyn Write);
        let summary = generate(&config, &mut log, truth, &mut hear)?;
        log.flush()?;
        answers.iter_mut().try_for_each(Write::flush)?;
        Ok(summary.bytes)
    });
    written.map_err(|error| match kept {
        Some(kept) => kept,
        None if error.kind() == std::io::ErrorKind::InvalidInput => {
            PyValueError::new_err(error.to_string())
        }
        None => PyOSError::new_err(error.to_string()),
    })
}

fn tell(py: Python<'_>, progress: Option<&Py<PyAny>>, bytes: u64, records: u64) -> PyResult<()> {
    py.check_signals()?;
    if let Some(callback) = progress {
        let state = PyDict::new(py);
        state.set_item("bytes", bytes)?;
        state.set_item("total_bytes", None::<u64>)?;
        state.set_item("records", records)?;
        state.set_item("stage", "synth")?;
        callback.call1(py, (state,))?;
    }
    Ok(())
}
