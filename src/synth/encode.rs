//! The encodings in which municipal logs come, for writing.

/// The encoding of a synthetic log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SynthEncoding {
    /// UTF-8 without a byte order mark.
    #[default]
    Utf8,
    /// UTF-8 with a byte order mark, as Excel saves it.
    Utf8Bom,
    /// Windows-31J: `Shift_JIS` with NEC and IBM extensions and user-defined characters (外字).
    Cp932,
    /// UTF-16, little endian, with a byte order mark.
    Utf16Le,
    /// EUC-JP; it has no place for 外字, so names are written with the ordinary character.
    EucJp,
}

/// Written for what an encoding lacks: the mark Japanese typesetting uses for a missing character.
const MISSING: char = '〓';

impl SynthEncoding {
    /// Every encoding.
    pub const ALL: [SynthEncoding; 5] = [
        SynthEncoding::Utf8,
        SynthEncoding::Utf8Bom,
        SynthEncoding::Cp932,
        SynthEncoding::Utf16Le,
        SynthEncoding::EucJp,
    ];

    /// The name used on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            SynthEncoding::Utf8 => "utf-8",
            SynthEncoding::Utf8Bom => "utf-8-sig",
            SynthEncoding::Cp932 => "cp932",
            SynthEncoding::Utf16Le => "utf-16",
            SynthEncoding::EucJp => "euc-jp",
        }
    }

    /// The encoding of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<SynthEncoding> {
        SynthEncoding::ALL.into_iter().find(|e| e.name() == name)
    }

    /// The byte order mark.
    pub(super) const fn bom(self) -> &'static [u8] {
        match self {
            SynthEncoding::Utf8Bom => b"\xef\xbb\xbf",
            SynthEncoding::Utf16Le => b"\xff\xfe",
            SynthEncoding::Utf8 | SynthEncoding::Cp932 | SynthEncoding::EucJp => b"",
        }
    }

    /// Whether 外字 (the private use area) can be written.
    pub(super) const fn has_gaiji(self) -> bool {
        !matches!(self, SynthEncoding::EucJp)
    }

    /// Appends `text`.
    pub(super) fn encode(self, text: &str, out: &mut Vec<u8>) {
        match self {
            SynthEncoding::Utf8 | SynthEncoding::Utf8Bom => out.extend_from_slice(text.as_bytes()),
            SynthEncoding::Utf16Le => out.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            SynthEncoding::Cp932 => {
                for c in text.chars() {
                    match gaiji(c) {
                        Some(pair) => out.extend_from_slice(&pair),
                        None => legacy(encoding_rs::SHIFT_JIS, c, out),
                    }
                }
            }
            SynthEncoding::EucJp => {
                for c in text.chars() {
                    legacy(encoding_rs::EUC_JP, c, out);
                }
            }
        }
    }

    /// Appends ASCII text.
    pub(super) fn ascii(self, text: &[u8], out: &mut Vec<u8>) {
        if self == SynthEncoding::Utf16Le {
            out.extend(text.iter().flat_map(|&b| [b, 0]));
        } else {
            out.extend_from_slice(text);
        }
    }
}

/// The CP932 bytes of a user-defined character: U+E000–U+E757 are F040–F9FC. The encoder of the
/// Encoding Standard refuses them (its decoder does not), so they are mapped by hand.
fn gaiji(c: char) -> Option<[u8; 2]> {
    let nth = u32::from(c).checked_sub(0xE000).filter(|&n| n < 1880)?;
    let (row, cell) = (u8::try_from(nth / 188).ok()?, u8::try_from(nth % 188).ok()?);
    Some([0xF0 + row, cell + if cell < 0x3F { 0x40 } else { 0x41 }])
}

fn legacy(encoding: &'static encoding_rs::Encoding, c: char, out: &mut Vec<u8>) {
    let mut utf8 = [0; 4];
    let (bytes, _, lost) = encoding.encode(c.encode_utf8(&mut utf8));
    if lost {
        let (mark, _, _) = encoding.encode(MISSING.encode_utf8(&mut utf8));
        out.extend_from_slice(&mark);
    } else {
        out.extend_from_slice(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(encoding: SynthEncoding, text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        encoding.encode(text, &mut out);
        out
    }

    #[test]
    fn gaiji_survive_cp932() {
        for (text, bytes) in [
            ("\u{E000}", b"\xF0\x40"),
            ("\u{E03E}", b"\xF0\x7E"),
            ("\u{E03F}", b"\xF0\x80"),
            ("\u{E0BC}", b"\xF1\x40"),
            ("\u{E757}", b"\xF9\xFC"),
            ("髙", b"\xFB\xFC"),
        ] {
            assert_eq!(encoded(SynthEncoding::Cp932, text), bytes);
            assert_eq!(
                encoding_rs::SHIFT_JIS.decode_without_bom_handling(bytes).0,
                text
            );
        }
    }

    #[test]
    fn what_an_encoding_lacks_is_marked() {
        assert_eq!(
            encoded(SynthEncoding::EucJp, "\u{E000}"),
            encoded(SynthEncoding::EucJp, "〓")
        );
        assert_eq!(
            encoded(SynthEncoding::Cp932, "\u{E758}"),
            encoded(SynthEncoding::Cp932, "〓")
        );
    }

    #[test]
    fn names_round_trip() {
        for encoding in SynthEncoding::ALL {
            assert_eq!(SynthEncoding::from_name(encoding.name()), Some(encoding));
        }
        assert_eq!(SynthEncoding::from_name("latin1"), None);
    }

    #[test]
    fn utf16_is_little_endian() {
        assert_eq!(
            encoded(SynthEncoding::Utf16Le, "あ1"),
            [0x42, 0x30, 0x31, 0x00]
        );
        let mut out = Vec::new();
        SynthEncoding::Utf16Le.ascii(b"1", &mut out);
        assert_eq!(out, [0x31, 0x00]);
    }
}
