//! The first bytes of a source: as much as its plan is made from, decoded.

use std::io::Read;

use super::encoding::{Encoding, SAMPLE, Utf16Reader, detect};
use crate::error::{Error, Result};
use crate::fault::{InputFault, InputKind};
use crate::words::Phrase;

/// Bytes at the start of a source that its plan is made from.
pub const HEAD: usize = 256 * 1024;

/// The first bytes of a source and the rest of it.
pub struct Head {
    /// At most [`HEAD`] bytes.
    pub bytes: Vec<u8>,
    /// What follows them, as far as telling the encoding needs it.
    pub more: Vec<u8>,
    /// Whether the source ends there.
    pub whole: bool,
    /// What kept the source from being read further; what stands before it may do.
    pub damage: Option<std::io::Error>,
}

impl Head {
    /// Reads the head of a stream.
    ///
    /// # Errors
    /// What the stream says before it gave any byte.
    pub fn read(input: &mut impl Read) -> std::io::Result<Head> {
        let (mut bytes, mut more) = (Vec::new(), Vec::new());
        let mut damage = input.take(HEAD as u64).read_to_end(&mut bytes).err();
        if let Some(error) = damage.take_if(|_| bytes.is_empty()) {
            return Err(error);
        }
        let whole = damage.is_none() && bytes.len() < HEAD;
        if damage.is_none() && !whole {
            damage = input.take(SAMPLE as u64).read_to_end(&mut more).err();
        }
        Ok(Head {
            bytes,
            more,
            whole,
            damage,
        })
    }
}

const EMPTY: Phrase = (
    "the file is empty",
    "ファイルが空です（0 バイト）。業務システムから書き出し直してください",
);

/// Encoding, length of the byte order mark, and the head without it, as bytes that are scanned.
pub(super) fn decode_head(
    name: &str,
    head: &Head,
    given: Option<Encoding>,
) -> Result<(Option<Encoding>, usize, Vec<u8>)> {
    if head.bytes.is_empty() {
        return Err(Error::input_of(name, InputKind::Empty, EMPTY));
    }
    let mark = Encoding::from_bom(&head.bytes);
    let (mut encoding, bom) = match (given, mark) {
        (Some(given), Some((marked, len)))
            if given == marked || (given.is_utf16() && marked.is_utf16()) =>
        {
            (Some(marked), len)
        }
        (Some(given), _) => (Some(given), 0),
        (None, Some((marked, len))) => (Some(marked), len),
        (None, None) => (None, 0),
    };
    let body = &head.bytes[bom..];
    if let Some(utf16) = encoding.filter(|e| e.is_utf16()) {
        let even = if head.whole {
            body
        } else {
            &body[..body.len() & !1]
        };
        let mut text = Vec::new();
        Utf16Reader::new(even, utf16)
            .read_to_end(&mut text)
            .map_err(|e| Error::input(name, InputFault::of(&e)))?;
        return Ok((encoding, bom, text));
    }
    if memchr::memchr(0, body).is_some() {
        return Err(Error::input_of(
            name,
            InputKind::Binary,
            (
                "the file has NUL bytes: it is binary, or UTF-16 without a byte order mark (then say encoding utf-16le or utf-16be)",
                "文字でないデータ（NUL）が含まれています。ログの CSV ファイルか確かめてください。UTF-16 のログなら、--encoding utf-16le（または utf-16be）を指定してください",
            ),
        ));
    }
    if encoding.is_none() {
        encoding = body
            .iter()
            .position(|b| !b.is_ascii())
            .map(|at| detect(&[&body[at..], &head.more].concat()));
    }
    Ok((encoding, bom, body.to_vec()))
}

/// Line ends in a text, and blank lines among its lines.
pub(super) fn line_ends(text: &[u8]) -> (u64, u64) {
    let (mut lines, mut blank, mut from) = (0, 0, 0);
    while let Some(at) = memchr::memchr2(b'\n', b'\r', &text[from..]) {
        lines += 1;
        blank += u64::from(at == 0);
        let at = from + at;
        from = at
            + if text[at] == b'\r' && text.get(at + 1) == Some(&b'\n') {
                2
            } else {
                1
            };
    }
    if from < text.len() {
        lines += 1;
    }
    (lines, blank)
}
