//! Compressed bytes → bytes: counted, bounded, and held against their checksums.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Crc;

use crate::fault::{InputFault, InputKind};
use crate::words::count;

/// Decompressed bytes up to which no ratio is too high.
const HARMLESS: u64 = 64 << 20;

/// Bytes that a decoder gives at a time.
const PIECE: usize = 1 << 16;

/// Counts the bytes that are taken from a file, for progress and for the ratio.
pub(super) struct Counted<R> {
    pub(super) input: R,
    pub(super) taken: Arc<AtomicU64>,
    pub(super) own: Arc<AtomicU64>,
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
pub(super) struct Decoded<R> {
    input: R,
    buffer: Vec<u8>,
    at: usize,
    /// What ended it, told behind the bytes before it and then always.
    failed: Option<InputFault>,
    own: Arc<AtomicU64>,
    given: u64,
    max_ratio: u64,
}

impl<R: Read> Decoded<R> {
    pub(super) fn new(input: R, own: Arc<AtomicU64>, max_ratio: u64) -> Decoded<R> {
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
        let mut buffer = std::mem::take(&mut self.buffer);
        let old = buffer.len();
        buffer.resize(old + PIECE, 0);
        let got = self.piece(&mut buffer[old..]);
        buffer.truncate(old + got);
        self.buffer = buffer;
        got > 0
    }

    /// Puts a piece to the front; its length, which is 0 at the end, whatever that is.
    fn piece(&mut self, to: &mut [u8]) -> usize {
        if self.failed.is_some() {
            return 0;
        }
        let got = loop {
            match self.input.read(&mut to[..PIECE]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        match got {
            Ok(got) => {
                self.given += got as u64;
                let most = self
                    .own
                    .load(Ordering::Relaxed)
                    .saturating_mul(self.max_ratio);
                if self.given > HARMLESS.max(most) {
                    self.failed = Some(bomb(self.max_ratio));
                }
                got
            }
            Err(error) => {
                self.failed = Some(InputFault::of(&error));
                0
            }
        }
    }

    /// The first bytes, which are not taken thereby.
    pub(super) fn peek(&mut self, bytes: usize) -> &[u8] {
        while self.buffer.len() < bytes && self.fill() {}
        &self.buffer[..self.buffer.len().min(bytes)]
    }
}

fn bomb(max_ratio: u64) -> InputFault {
    InputFault::new(
        InputKind::Ratio,
        (
            format!(
                "it decompresses to more than {max_ratio} times its size and is given up there; if it is a log all the same, set a higher max_ratio (--max-ratio)"
            ),
            format!(
                "展開すると元の大きさの {} 倍を超えるため、途中でやめました。間違いなくログなら、--max-ratio に大きい数を指定してください（例: --max-ratio {}）",
                count(max_ratio),
                max_ratio.saturating_mul(10)
            ),
        ),
    )
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.buffer.len() {
            self.buffer.clear();
            self.at = 0;
            // (Into what has room for a piece it comes without a copy.)
            let direct = out.len() >= PIECE;
            let got = if direct {
                self.piece(out)
            } else {
                usize::from(self.fill())
            };
            if got == 0
                && let Some(fault) = &self.failed
            {
                return Err(fault.clone().io());
            }
            if direct {
                return Ok(got);
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
pub(super) struct Checked<R> {
    pub(super) input: R,
    pub(super) crc: Crc,
    pub(super) wanted: u32,
    pub(super) left: u64,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        if n == 0 && !buffer.is_empty() {
            if self.left > 0 {
                let words = (
                    format!("{} bytes are missing", self.left),
                    format!("{} バイト足りません", count(self.left)),
                );
                return Err(InputFault::cut_short(words).io());
            }
            if self.crc.sum() != self.wanted {
                let words = (
                    "its checksum (CRC-32) is not the archive's",
                    "検査の値 CRC-32 がアーカイブの記録と合いません",
                );
                return Err(InputFault::damaged(words).io());
            }
        }
        if n as u64 > self.left {
            let words = (
                "it is longer than the archive says",
                "アーカイブの記録より長くなっています",
            );
            return Err(InputFault::damaged(words).io());
        }
        self.left -= n as u64;
        self.crc.update(&buffer[..n]);
        Ok(n)
    }
}

/// The decoder of Zstandard; its errors say what they are.
pub(super) struct Zstd<R: BufRead>(pub(super) zstd::Decoder<'static, R>);

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Other if error.get_ref().is_none_or(|e| !e.is::<InputFault>()) => {
                InputFault::damaged((error.to_string(), error.to_string())).io()
            }
            _ => error,
        })
    }
}
