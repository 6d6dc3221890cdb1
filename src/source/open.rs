//! One file as a stream of decompressed bytes. What it is, is told by its first bytes.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use super::Source;
use crate::error::{Error, Result};

/// How a source is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, one member or several.
    Gzip,
}

/// A source being read.
pub struct Input {
    stream: Box<dyn Read + Send>,
    /// How it is compressed.
    pub compression: Compression,
    /// Bytes of the file.
    pub size: u64,
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

/// Counts the bytes that are taken from a file.
struct Counted<R> {
    input: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.taken.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Reads in pieces of one size, whatever the size asked for: how much a decoder gives before it
/// finds damage must not depend on that.
struct Pieces<R> {
    input: R,
    buffer: Box<[u8]>,
    taken: usize,
    filled: usize,
}

impl<R> Pieces<R> {
    fn new(input: R) -> Pieces<R> {
        Pieces {
            input,
            buffer: vec![0; 1 << 16].into_boxed_slice(),
            taken: 0,
            filled: 0,
        }
    }
}

impl<R: Read> Read for Pieces<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.filled {
            self.filled = 0;
            self.taken = 0;
            self.filled = self.input.read(&mut self.buffer)?;
        }
        let n = out.len().min(self.filled - self.taken);
        out[..n].copy_from_slice(&self.buffer[self.taken..self.taken + n]);
        self.taken += n;
        Ok(n)
    }
}

/// Opens a source; `taken` counts the bytes read of the file, for progress.
///
/// # Errors
/// [`Error::Input`] if it cannot be opened or is a kind of file that is no log.
pub fn open(source: &Source, taken: Arc<AtomicU64>) -> Result<Input> {
    let failed = |e: io::Error| Error::input(&source.name, describe(&e));
    // A pipe gives its bytes once, and a source is opened twice; opening one may wait for ever.
    if !std::fs::metadata(&source.path).map_err(failed)?.is_file() {
        return Err(Error::input(
            &source.name,
            "this is not a regular file (a pipe or a device): write its content to a file first",
        ));
    }
    let mut file = File::open(&source.path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let mut magic = Vec::new();
    (&mut file)
        .take(8)
        .read_to_end(&mut magic)
        .map_err(failed)?;
    let compression = if magic.starts_with(b"\x1F\x8B") {
        Compression::Gzip
    } else {
        Compression::None
    };
    for (start, what) in [
        (&b"PK\x03\x04"[..], "a zip archive or an Excel workbook"),
        (b"%PDF", "a PDF"),
        (b"\xD0\xCF\x11\xE0", "an old Office file"),
        (b"\x28\xB5\x2F\xFD", "zstd data"),
        (b"PAR1", "a Parquet file"),
    ] {
        if magic.starts_with(start) {
            return Err(Error::input(
                &source.name,
                format!("this is {what}, not a log: export it as CSV (gzip is understood)"),
            ));
        }
    }
    let whole: Counted<Chain<Cursor<Vec<u8>>, File>> = Counted {
        input: Cursor::new(magic).chain(file),
        taken,
    };
    let stream: Box<dyn Read + Send> = match compression {
        Compression::None => Box::new(whole),
        Compression::Gzip => Box::new(Pieces::new(MultiGzDecoder::new(BufReader::with_capacity(
            1 << 18,
            whole,
        )))),
    };
    Ok(Input {
        stream,
        compression,
        size,
    })
}

/// What an error of reading means to a person.
#[must_use]
pub fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::UnexpectedEof => format!("the file is cut short ({error})"),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            format!("the compressed data is damaged ({error})")
        }
        _ => error.to_string(),
    }
}
