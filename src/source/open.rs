//! One source as a stream of decompressed bytes. What a file is, is told by its first bytes.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use flate2::Crc;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder};

use super::archive::{Member, Method};
use super::{Part, Source};
use crate::error::{Error, Result};

/// Times its size that a source may decompress to, unless the caller says otherwise: far above what
/// logs come to, and what bombs are made of comes to more.
pub const MAX_RATIO: u64 = 1000;

/// Decompressed bytes up to which no ratio is too high.
const HARMLESS: u64 = 64 << 20;

/// Bytes that a decoder gives at a time.
const PIECE: usize = 1 << 16;

/// Bytes of a file that are read at a time for a decoder.
const READ: usize = 1 << 17;

/// Bytes looked at to tell what a stream is; the mark of a tar archive stands at 257.
const MAGIC: usize = 262;

/// How a source is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, one member or several.
    Gzip,
    /// Zstandard, one frame or several.
    Zstd,
    /// As a member of a zip archive.
    Deflate,
}

/// A source being read.
pub struct Input {
    stream: Box<dyn Read + Send>,
    /// How it is compressed.
    pub compression: Compression,
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

/// What a file was when its scan was planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Its length.
    pub len: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    /// What a file is now.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            len: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

/// How a file changed while it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It became longer: so many bytes of it were read.
    Longer(u64),
    /// It was written to.
    Written,
}

/// What is seen of a file when it was read to its end: shared by all who read it.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<Mutex<(Option<Stamp>, Option<Change>)>>);

impl Watch {
    fn lock(&self) -> MutexGuard<'_, (Option<Stamp>, Option<Change>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to watch: the file was so when the scan was planned.
    pub fn begin(&self, stamp: Stamp) {
        *self.lock() = (Some(stamp), None);
    }

    /// How the file had changed when it was last read to its end.
    #[must_use]
    pub fn change(&self) -> Option<Change> {
        self.lock().1
    }
}

/// A file, held against what it was when the scan was planned. That it is shorter is an error: its
/// records would be fewer than it had, and where it was cut nobody knows. That it is longer is told.
struct Watched {
    file: File,
    read: u64,
    watch: Watch,
}

impl Watched {
    fn at_end(&self) -> io::Result<()> {
        let mut state = self.watch.lock();
        let Some(planned) = state.0 else {
            return Ok(());
        };
        if self.read < planned.len {
            return Err(io::Error::other(format!(
                "the file became shorter while it was read: it had {} bytes, and ends after {} now",
                planned.len, self.read
            )));
        }
        state.1 = if self.read > planned.len {
            Some(Change::Longer(self.read))
        } else if Stamp::of(&self.file.metadata()?) == planned {
            None
        } else {
            Some(Change::Written)
        };
        Ok(())
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.read += n as u64;
        if n == 0 && !buffer.is_empty() {
            self.at_end()?;
        }
        Ok(n)
    }
}

/// Counts the bytes that are taken from a file, for progress and for the ratio.
struct Counted<R> {
    input: R,
    taken: Arc<AtomicU64>,
    own: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    fn count(&self, bytes: usize) {
        self.taken.fetch_add(bytes as u64, Ordering::Relaxed);
        self.own.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.count(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.count(bytes);
        self.input.consume(bytes);
    }
}

/// What a decoder gives, in pieces of one size, whatever the size asked for: how much comes before
/// damage must not depend on that. Refuses to give too many times what was taken.
struct Decoded<R> {
    input: R,
    buffer: Vec<u8>,
    at: usize,
    /// What ended it, told behind the bytes before it and then always.
    failed: Option<(io::ErrorKind, String)>,
    own: Arc<AtomicU64>,
    given: u64,
    max_ratio: u64,
}

impl<R: Read> Decoded<R> {
    fn new(input: R, own: Arc<AtomicU64>, max_ratio: u64) -> Decoded<R> {
        Decoded {
            input,
            buffer: Vec::with_capacity(PIECE),
            at: 0,
            failed: None,
            own,
            given: 0,
            max_ratio,
        }
    }

    /// Adds a piece to the buffer; whether there was one.
    fn fill(&mut self) -> bool {
        if self.failed.is_some() {
            return false;
        }
        let old = self.buffer.len();
        self.buffer.resize(old + PIECE, 0);
        let got = loop {
            match self.input.read(&mut self.buffer[old..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(old + got.as_ref().map_or(0, |n| *n));
        match got {
            Ok(got) => {
                self.given += got as u64;
                let most = self
                    .own
                    .load(Ordering::Relaxed)
                    .saturating_mul(self.max_ratio);
                if self.given > HARMLESS.max(most) {
                    self.failed = Some((io::ErrorKind::Other, bomb(self.max_ratio)));
                }
                got > 0
            }
            Err(error) => {
                self.failed = Some((error.kind(), error.to_string()));
                false
            }
        }
    }

    /// The first bytes, which are not taken thereby.
    fn peek(&mut self, bytes: usize) -> &[u8] {
        while self.buffer.len() < bytes && self.fill() {}
        &self.buffer[..self.buffer.len().min(bytes)]
    }
}

fn bomb(max_ratio: u64) -> String {
    format!(
        "it decompresses to more than {max_ratio} times its size and is given up there; if it is a log all the same, set a higher max_ratio (--max-ratio)"
    )
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.buffer.len() {
            self.buffer.clear();
            self.at = 0;
            if !self.fill()
                && let Some((kind, message)) = &self.failed
            {
                return Err(io::Error::new(*kind, message.clone()));
            }
        }
        let n = out.len().min(self.buffer.len() - self.at);
        out[..n].copy_from_slice(&self.buffer[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// A member of an archive as it is decompressed, held to the size and checksum that the archive
/// tells.
struct Checked<R> {
    input: R,
    crc: Crc,
    wanted: u32,
    left: u64,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        if n == 0 && !buffer.is_empty() {
            if self.left > 0 {
                let message = format!("{} bytes are missing", self.left);
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
            }
            if self.crc.sum() != self.wanted {
                return Err(damaged("its checksum (CRC-32) is not the archive's"));
            }
        }
        if n as u64 > self.left {
            return Err(damaged("it is longer than the archive says"));
        }
        self.left -= n as u64;
        self.crc.update(&buffer[..n]);
        Ok(n)
    }
}

fn damaged(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.to_owned())
}

/// The decoder of Zstandard; its errors say what they are.
struct Zstd<R: BufRead>(zstd::Decoder<'static, R>);

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Other => damaged(&error.to_string()),
            _ => error,
        })
    }
}

/// Opens a source; `taken` counts the bytes read of the file, for progress. What decompresses to
/// `max_ratio` times its size is an error when it comes to that.
///
/// # Errors
/// [`Error::Input`] if it cannot be opened or is a kind of file that is no log.
pub fn open(source: &Source, taken: Arc<AtomicU64>, max_ratio: u64) -> Result<Input> {
    let own = Arc::new(AtomicU64::new(0));
    let opening = Opening {
        name: &source.name,
        taken,
        own,
        max_ratio,
    };
    match &source.part {
        Part::Refused(why) => Err(Error::input(&source.name, why)),
        Part::Whole => opening.file(source),
        Part::Member(member) => opening.member(source, member),
    }
}

struct Opening<'a> {
    name: &'a str,
    taken: Arc<AtomicU64>,
    own: Arc<AtomicU64>,
    max_ratio: u64,
}

impl Opening<'_> {
    fn failed(&self, error: &io::Error) -> Error {
        Error::input(self.name, describe(error))
    }

    fn counted<R>(&self, input: R) -> Counted<R> {
        Counted {
            input,
            taken: Arc::clone(&self.taken),
            own: Arc::clone(&self.own),
        }
    }

    fn file(&self, source: &Source) -> Result<Input> {
        let failed = |e: io::Error| self.failed(&e);
        // A pipe gives its bytes once, and a source is opened twice; opening one may wait for ever.
        if !std::fs::metadata(&source.path).map_err(failed)?.is_file() {
            return Err(Error::input(
                self.name,
                "this is not a regular file (a pipe or a device): write its content to a file first",
            ));
        }
        let mut file = File::open(&source.path).map_err(failed)?;
        let mut magic = Vec::new();
        (&mut file)
            .take(MAGIC as u64)
            .read_to_end(&mut magic)
            .map_err(failed)?;
        let compression = if magic.starts_with(GZIP) {
            Compression::Gzip
        } else if is_zstd(&magic) {
            Compression::Zstd
        } else {
            self.refuse_foreign(&magic)?;
            Compression::None
        };
        let file = Watched {
            read: magic.len() as u64,
            file,
            watch: source.watch.clone(),
        };
        let whole = Cursor::new(magic).chain(file);
        if compression == Compression::None {
            let stream = Box::new(self.counted(whole));
            return Ok(Input {
                stream,
                compression,
            });
        }
        let whole = self.counted(BufReader::with_capacity(READ, whole));
        if compression == Compression::Gzip {
            self.decoded(MultiGzDecoder::new(whole), compression)
        } else {
            let decoder = Zstd(zstd::Decoder::with_buffer(whole).map_err(failed)?);
            self.decoded(decoder, compression)
        }
    }

    fn member(&self, source: &Source, member: &Member) -> Result<Input> {
        let failed = |e: io::Error| self.failed(&e);
        let mut file = File::open(&source.path).map_err(failed)?;
        let mut header = [0; 30];
        file.seek(SeekFrom::Start(member.start)).map_err(failed)?;
        file.read_exact(&mut header).map_err(failed)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(Error::input(
                self.name,
                "the archive is damaged: the member is not where the archive's list says",
            ));
        }
        let length = |at: usize| i64::from(u16::from_le_bytes([header[at], header[at + 1]]));
        file.seek(SeekFrom::Current(length(26) + length(28)))
            .map_err(failed)?;
        let packed = file.take(member.compressed);
        let packed = self.counted(BufReader::with_capacity(READ, packed));
        match member.method {
            Method::Stored => self.checked(packed, member, Compression::None),
            Method::Deflate => {
                self.checked(DeflateDecoder::new(packed), member, Compression::Deflate)
            }
            Method::Zstd => {
                let decoder = Zstd(zstd::Decoder::with_buffer(packed).map_err(failed)?);
                self.checked(decoder, member, Compression::Zstd)
            }
        }
    }

    fn checked(
        &self,
        input: impl Read + Send + 'static,
        member: &Member,
        compression: Compression,
    ) -> Result<Input> {
        let checked = Checked {
            input,
            crc: Crc::new(),
            wanted: member.crc,
            left: member.size,
        };
        self.decoded(checked, compression)
    }

    fn decoded(
        &self,
        input: impl Read + Send + 'static,
        compression: Compression,
    ) -> Result<Input> {
        let mut decoded = Decoded::new(input, Arc::clone(&self.own), self.max_ratio);
        let head = decoded.peek(MAGIC);
        if head.starts_with(GZIP) || is_zstd(head) {
            return Err(Error::input(
                self.name,
                "this is compressed twice (or an archive in an archive): decompress the outer layer first",
            ));
        }
        self.refuse_foreign(decoded.peek(MAGIC))?;
        Ok(Input {
            stream: Box::new(decoded),
            compression,
        })
    }

    fn refuse_foreign(&self, head: &[u8]) -> Result<()> {
        let Some(what) = foreign(head) else {
            return Ok(());
        };
        Err(Error::input(
            self.name,
            format!(
                "this is {what}, not a log: export it as CSV (gzip, zstd and zip archives of logs are understood)"
            ),
        ))
    }
}

const GZIP: &[u8] = b"\x1F\x8B";

/// Whether bytes begin a frame of Zstandard, or one that its decoders skip.
fn is_zstd(head: &[u8]) -> bool {
    head.starts_with(b"\x28\xB5\x2F\xFD")
        || (head.first().is_some_and(|b| b & 0xF0 == 0x50)
            && head[1..].starts_with(b"\x2A\x4D\x18"))
}

/// What kind of file that is no log begins so.
fn foreign(head: &[u8]) -> Option<&'static str> {
    const STARTS: [(&[u8], &str); 8] = [
        (b"PK\x03\x04", "a zip archive or an Excel workbook"),
        (b"PK\x05\x06", "an empty zip archive"),
        (b"%PDF", "a PDF"),
        (b"\xD0\xCF\x11\xE0", "an old Office file"),
        (b"PAR1", "a Parquet file"),
        (b"\xFD7zXZ\0", "xz data"),
        (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
        (b"Rar!\x1A\x07", "a RAR archive"),
    ];
    let from = |at: usize, what: &[u8]| head.get(at..).is_some_and(|h| h.starts_with(what));
    if let Some((_, what)) = STARTS.iter().find(|(start, _)| head.starts_with(start)) {
        return Some(what);
    }
    [
        (257, &b"ustar"[..], "a tar archive"),
        (4, b"1AY&SY", "bzip2 data"),
    ]
    .iter()
    .find(|(at, mark, _)| from(*at, mark))
    .map(|(_, _, what)| *what)
    .or_else(|| (from(2, b"-lh") && from(6, b"-")).then_some("an LZH archive"))
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
