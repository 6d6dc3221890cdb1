//! One source as a stream of decompressed bytes. What a file is, is told by its first bytes.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use flate2::Crc;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder};

use super::archive::{Member, Method};
use super::decode::{Checked, Counted, Decoded, Zstd};
use super::plain::Plain;
use super::watch::Watched;
use super::{Part, Source};
use crate::error::{Error, Result};
use crate::fault::{InputFault, InputKind};
use crate::words::Phrase;

/// Times its size that a source may decompress to, unless the caller says otherwise: far above what
/// logs come to, and what bombs are made of comes to more.
pub const MAX_RATIO: u64 = 1000;

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
    /// The file, if its bytes are those of the source.
    pub plain: Option<Plain>,
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
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
        Part::Refused(why) => Err(Error::input(&source.name, why.clone())),
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
        Error::input(self.name, InputFault::of(error))
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
            return Err(Error::input_of(
                self.name,
                InputKind::NotRegular,
                (
                    "this is not a regular file (a pipe or a device): write its content to a file first",
                    "通常のファイルではありません（パイプや装置など）。中身をファイルに書き出してから指定してください",
                ),
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
        let (file, watch) = (Arc::new(file), source.watch.clone());
        if compression == Compression::None {
            let plain = Plain::new(file, watch, Arc::clone(&self.taken)).map_err(failed)?;
            return Ok(Input {
                stream: plain.from(0),
                compression,
                plain: Some(plain),
            });
        }
        let whole = Watched {
            file,
            read: 0,
            watch,
        };
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
            return Err(Error::input_of(
                self.name,
                InputKind::Damaged,
                (
                    "the archive is damaged: the member is not where the archive's list says",
                    "アーカイブが壊れています（一覧の示す場所に、このファイルがありません）。元の場所からコピーし直してください",
                ),
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
            return Err(Error::input_of(
                self.name,
                InputKind::Twice,
                (
                    "this is compressed twice (or an archive in an archive): decompress the outer layer first",
                    "二重に圧縮されています（またはアーカイブの中のアーカイブです）。外側を展開してから指定してください",
                ),
            ));
        }
        self.refuse_foreign(decoded.peek(MAGIC))?;
        Ok(Input {
            stream: Box::new(decoded),
            compression,
            plain: None,
        })
    }

    fn refuse_foreign(&self, head: &[u8]) -> Result<()> {
        let Some(what) = foreign(head) else {
            return Ok(());
        };
        let kind = match what.0 {
            OLD_OFFICE | ZIP => InputKind::Workbook,
            _ => InputKind::Foreign,
        };
        Err(Error::input_of(
            self.name,
            kind,
            (
                format!(
                    "this is {}, not a log: export it as CSV (gzip, zstd and zip archives of logs are understood)",
                    what.0
                ),
                format!(
                    "{}は読めません。業務システムから CSV で書き出したファイルを指定してください（gzip、zstd、zip で圧縮したログも読めます）",
                    what.1
                ),
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

const ZIP: &str = "a zip archive or an Excel workbook";

const OLD_OFFICE: &str = "an old Office file";

/// What kind of file that is no log begins so.
fn foreign(head: &[u8]) -> Option<Phrase> {
    const STARTS: [(&[u8], Phrase); 8] = [
        (b"PK\x03\x04", (ZIP, "zip アーカイブまたは Excel のブック")),
        (
            b"PK\x05\x06",
            ("an empty zip archive", "空の zip アーカイブ"),
        ),
        (b"%PDF", ("a PDF", "PDF ファイル")),
        (
            b"\xD0\xCF\x11\xE0",
            (
                OLD_OFFICE,
                "古い形式の Office のファイル（Excel の .xls など）",
            ),
        ),
        (b"PAR1", ("a Parquet file", "Parquet ファイル")),
        (b"\xFD7zXZ\0", ("xz data", "xz 形式の圧縮ファイル")),
        (
            b"7z\xBC\xAF\x27\x1C",
            ("a 7z archive", "7z 形式のアーカイブ"),
        ),
        (b"Rar!\x1A\x07", ("a RAR archive", "RAR 形式のアーカイブ")),
    ];
    let from = |at: usize, what: &[u8]| head.get(at..).is_some_and(|h| h.starts_with(what));
    if let Some((_, what)) = STARTS.iter().find(|(start, _)| head.starts_with(start)) {
        return Some(*what);
    }
    [
        (
            257,
            &b"ustar"[..],
            ("a tar archive", "tar 形式のアーカイブ"),
        ),
        (4, b"1AY&SY", ("bzip2 data", "bzip2 形式の圧縮ファイル")),
    ]
    .iter()
    .find(|(at, mark, _)| from(*at, mark))
    .map(|(_, _, what)| *what)
    .or_else(|| {
        (from(2, b"-lh") && from(6, b"-")).then_some(("an LZH archive", "LZH 形式のアーカイブ"))
    })
}
