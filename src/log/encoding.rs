//! Character encodings: detection, decoding of single values, UTF-16 as a byte stream.
//!
//! UTF-8, CP932 and EUC-JP are scanned as they stand: no byte of a multi-byte character is a comma,
//! tab, quote, CR or LF in any of them. Only distinct values are decoded. UTF-16 is rewritten as
//! (generalised) UTF-8 on the way in, so that everything behind sees one kind of bytes.

use std::borrow::Cow;
use std::io::{self, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};

use crate::fault::InputFault;

/// An encoding a log can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8, and plain ASCII.
    Utf8,
    /// Windows code page 932 (`Shift_JIS` with its extensions).
    Cp932,
    /// EUC-JP.
    EucJp,
    /// UTF-16, little end first.
    Utf16Le,
    /// UTF-16, big end first.
    Utf16Be,
}

/// Bytes looked at, from the first that is not ASCII, to tell the encoding.
pub const SAMPLE: usize = 64 * 1024;

impl Encoding {
    /// Every encoding.
    pub const ALL: [Encoding; 5] = [
        Encoding::Utf8,
        Encoding::Cp932,
        Encoding::EucJp,
        Encoding::Utf16Le,
        Encoding::Utf16Be,
    ];

    /// The encoding of a label such as `cp932`, `Shift_JIS`, `utf-8-sig`; `utf-16` alone means
    /// that a byte order mark tells which (little end first without one).
    #[must_use]
    pub fn from_label(label: &str) -> Option<Encoding> {
        match label.trim().to_ascii_lowercase().replace('_', "-").as_str() {
            "cp932" | "ms932" | "windows-932" | "mskanji" => return Some(Encoding::Cp932),
            "utf-8-sig" | "utf8-sig" | "ascii" | "us-ascii" => return Some(Encoding::Utf8),
            "utf-16" | "utf16" | "utf-16le" | "utf-16-le" | "utf16le" => {
                return Some(Encoding::Utf16Le);
            }
            "utf-16be" | "utf-16-be" | "utf16be" => return Some(Encoding::Utf16Be),
            "eucjp" | "euc-jp" | "ujis" => return Some(Encoding::EucJp),
            _ => {}
        }
        let known = encoding_rs::Encoding::for_label(label.as_bytes())?;
        [Encoding::Utf8, Encoding::Cp932, Encoding::EucJp]
            .into_iter()
            .find(|e| e.decoder() == known)
    }

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "utf-8",
            Encoding::Cp932 => "cp932",
            Encoding::EucJp => "euc-jp",
            Encoding::Utf16Le => "utf-16le",
            Encoding::Utf16Be => "utf-16be",
        }
    }

    /// Whether this is one of the two UTF-16.
    #[must_use]
    pub const fn is_utf16(self) -> bool {
        matches!(self, Encoding::Utf16Le | Encoding::Utf16Be)
    }

    /// The byte order mark at the start of a stream: the encoding it tells and its length.
    #[must_use]
    pub fn from_bom(head: &[u8]) -> Option<(Encoding, usize)> {
        if head.starts_with(b"\xEF\xBB\xBF") {
            Some((Encoding::Utf8, 3))
        } else if head.starts_with(b"\xFF\xFE") {
            Some((Encoding::Utf16Le, 2))
        } else if head.starts_with(b"\xFE\xFF") {
            Some((Encoding::Utf16Be, 2))
        } else {
            None
        }
    }

    const fn decoder(self) -> &'static encoding_rs::Encoding {
        match self {
            Encoding::Cp932 => encoding_rs::SHIFT_JIS,
            Encoding::EucJp => encoding_rs::EUC_JP,
            Encoding::Utf8 | Encoding::Utf16Le | Encoding::Utf16Be => encoding_rs::UTF_8,
        }
    }

    /// The text of a value, and whether bytes of it could not be decoded (shown as U+FFFD).
    /// Values of a UTF-16 log arrive as generalised UTF-8.
    #[must_use]
    pub fn decode(self, raw: &[u8]) -> (Cow<'_, str>, bool) {
        self.decoder().decode_without_bom_handling(raw)
    }
}

/// The encoding of text of which `sample` is a part, by how well it reads; `sample` may end
/// within a character.
#[must_use]
pub fn detect(sample: &[u8]) -> Encoding {
    let sample = &sample[..sample.len().min(SAMPLE)];
    match std::str::from_utf8(sample) {
        Ok(_) => return Encoding::Utf8,
        Err(e) if e.error_len().is_none() && e.valid_up_to() > 0 => return Encoding::Utf8,
        Err(_) => {}
    }
    let errors = |e: Encoding| {
        let (text, _) = e.decode(sample);
        text.trim_end_matches('\u{FFFD}')
            .matches('\u{FFFD}')
            .count()
    };
    let (cp932, euc, utf8) = (
        errors(Encoding::Cp932),
        errors(Encoding::EucJp),
        errors(Encoding::Utf8),
    );
    let least = cp932.min(euc).min(utf8);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    // Not the last of it: a character that the sample's end cuts is no fault.
    detector.feed(sample, false);
    let guess = detector.guess(Some(b"jp"), Utf8Detection::Allow);
    let fits = [
        (Encoding::Cp932, cp932),
        (Encoding::EucJp, euc),
        (Encoding::Utf8, utf8),
    ];
    fits.into_iter()
        .filter(|&(_, n)| n == least)
        .map(|(e, _)| e)
        .min_by_key(|e| e.decoder() != guess)
        .unwrap_or(Encoding::Cp932)
}

/// Reads UTF-16 as generalised UTF-8: a lone surrogate becomes its own three bytes, so that
/// values that differ in one stay different and every three bytes stand for two of the source.
pub struct Utf16Reader<R> {
    input: R,
    big: bool,
    half: Option<u8>,
    high: Option<u16>,
    ready: Vec<u8>,
    taken: usize,
    raw: Vec<u8>,
    ended: bool,
}

impl<R: Read> Utf16Reader<R> {
    /// A reader of `input`, from behind its byte order mark.
    pub fn new(input: R, encoding: Encoding) -> Self {
        Utf16Reader {
            input,
            big: encoding == Encoding::Utf16Be,
            half: None,
            high: None,
            ready: Vec::new(),
            taken: 0,
            raw: vec![0; 64 * 1024],
            ended: false,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.taken = 0;
        let n = self.input.read(&mut self.raw)?;
        for i in 0..n {
            let byte = self.raw[i];
            let Some(first) = self.half.take() else {
                self.half = Some(byte);
                continue;
            };
            let unit = if self.big {
                u16::from_be_bytes([first, byte])
            } else {
                u16::from_le_bytes([first, byte])
            };
            self.push(unit);
        }
        if n == 0 {
            self.ended = true;
            if let Some(high) = self.high.take() {
                push_unit(&mut self.ready, high);
            }
            if self.half.take().is_some() {
                return Err(InputFault::cut_short((
                    "UTF-16 text with an odd number of bytes: the file is cut short",
                    "UTF-16 の文字が半分で終わっています",
                ))
                .io());
            }
        }
        Ok(())
    }

    fn push(&mut self, unit: u16) {
        if let Some(high) = self.high.take() {
            if (0xDC00..0xE000).contains(&unit) {
                let code = 0x10000 + (u32::from(high - 0xD800) << 10 | u32::from(unit - 0xDC00));
                let c = char::from_u32(code).unwrap_or('\u{FFFD}');
                self.ready
                    .extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return;
            }
            push_unit(&mut self.ready, high);
        }
        if (0xD800..0xDC00).contains(&unit) {
            self.high = Some(unit);
        } else {
            push_unit(&mut self.ready, unit);
        }
    }
}

/// One unit as generalised UTF-8.
#[allow(clippy::cast_possible_truncation)]
fn push_unit(out: &mut Vec<u8>, unit: u16) {
    match unit {
        0..0x80 => out.push(unit as u8),
        0x80..0x800 => {
            out.extend_from_slice(&[0xC0 | (unit >> 6) as u8, 0x80 | (unit & 0x3F) as u8]);
        }
        _ => out.extend_from_slice(&[
            0xE0 | (unit >> 12) as u8,
            0x80 | (unit >> 6 & 0x3F) as u8,
            0x80 | (unit & 0x3F) as u8,
        ]),
    }
}

impl<R: Read> Read for Utf16Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.ready.len() && !self.ended {
            self.refill()?;
        }
        let n = out.len().min(self.ready.len() - self.taken);
        out[..n].copy_from_slice(&self.ready[self.taken..self.taken + n]);
        self.taken += n;
        Ok(n)
    }
}

/// The number of UTF-16 bytes that a stretch of generalised UTF-8 stands for.
#[must_use]
pub fn utf16_len(text: &[u8]) -> u64 {
    let units: usize = text
        .iter()
        .map(|&b| usize::from(b & 0xC0 != 0x80) + usize::from(b >= 0xF0))
        .sum();
    2 * units as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_people_write_are_known() {
        for label in [
            "cp932",
            "CP932",
            "Shift_JIS",
            "sjis",
            "ms932",
            "windows-31j",
            "x-sjis",
        ] {
            assert_eq!(
                Encoding::from_label(label),
                Some(Encoding::Cp932),
                "{label}"
            );
        }
        assert_eq!(Encoding::from_label("utf-8"), Some(Encoding::Utf8));
        assert_eq!(Encoding::from_label("EUC-JP"), Some(Encoding::EucJp));
        assert_eq!(Encoding::from_label("utf-16"), Some(Encoding::Utf16Le));
        assert_eq!(Encoding::from_label("latin-1"), None);
        assert_eq!(Encoding::from_label("windows-1252"), None);
    }

    #[test]
    fn japanese_text_is_detected_in_each_encoding() {
        let text = "日時,職員名,端末番号\n2019/02/02 19:48:52,オサム,すし\n";
        assert_eq!(detect(text.as_bytes()), Encoding::Utf8);
        assert_eq!(
            detect(&encoding_rs::SHIFT_JIS.encode(text).0),
            Encoding::Cp932
        );
        assert_eq!(detect(&encoding_rs::EUC_JP.encode(text).0), Encoding::EucJp);
        let mut gaiji = encoding_rs::SHIFT_JIS.encode(text).0.into_owned();
        gaiji.extend_from_slice(b"\xF0\x40\xF9\xFC");
        assert_eq!(detect(&gaiji), Encoding::Cp932);
    }

    #[test]
    fn user_defined_characters_survive() {
        let (text, replaced) = Encoding::Cp932.decode(b"\xF0\x40\xF9\xFC");
        assert_eq!((text.as_ref(), replaced), ("\u{E000}\u{E757}", false));
    }

    #[test]
    fn utf16_keeps_lone_surrogates_apart_and_offsets_exact() {
        let units = [
            0x0041u16, 0x3042, 0xD83D, 0xDE00, 0xD800, 0x0042, 0xDC00, 0xD801,
        ];
        for encoding in [Encoding::Utf16Le, Encoding::Utf16Be] {
            let raw: Vec<u8> = units
                .iter()
                .flat_map(|u| {
                    if encoding == Encoding::Utf16Le {
                        u.to_le_bytes()
                    } else {
                        u.to_be_bytes()
                    }
                })
                .collect();
            let mut out = Vec::new();
            Utf16Reader::new(&raw[..], encoding)
                .read_to_end(&mut out)
                .unwrap();
            assert_eq!(utf16_len(&out), raw.len() as u64);
            assert!(out.starts_with("Aあ😀".as_bytes()));
            assert!(Encoding::Utf16Le.decode(&out).1);
            assert!(
                Utf16Reader::new(&raw[..3], encoding)
                    .read_to_end(&mut out)
                    .is_err()
            );
        }
    }
}
