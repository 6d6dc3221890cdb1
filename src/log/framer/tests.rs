//! The framer against its rules, said once and slowly.

use super::*;
use crate::log::scan::{self, PAD};

fn frames(text: &[u8], chunk: usize) -> Vec<(u64, String)> {
    let special = Special {
        delimiter: b',',
        quotes: true,
        cp932_trail: false,
    };
    let mut framer = Framer::new(text, special, Some(Encoding::Utf8), 0, chunk);
    let mut out: Vec<(u64, String)> = Vec::new();
    while let Some(frame) = framer.next(Vec::new()).unwrap() {
        match frame {
            Frame::Records(s) => {
                assert!(
                    s.text[s.len..s.len + PAD].iter().all(|&b| b == 0)
                        && s.text.len() >= s.len + PAD
                );
                let special = Special {
                    quotes: s.quotes,
                    ..special
                };
                let mut index = scan::Index::default();
                let state = scan::index(&s.text, s.len, special, &mut index);
                assert_ne!(state, State::Quoted);
                for row in crate::log::fields::rows(&s.text[..s.len], special, true, usize::MAX) {
                    let values: Vec<_> = row
                        .values
                        .iter()
                        .map(|v| String::from_utf8_lossy(v))
                        .collect();
                    out.push((s.offset + row.start as u64, values.join("|")));
                }
            }
            Frame::Reject {
                reason,
                line,
                offset,
                ..
            } => {
                out.push((
                    offset,
                    format!(
                        "!{reason} {}",
                        String::from_utf8_lossy(&line[..line.len().min(9)])
                    ),
                ));
            }
        }
    }
    out
}

#[test]
fn records_lie_where_they_lie_at_any_chunk_size() {
    let texts = [
        "a,b\nc,d\n",
        "a,b\r\nc,d\r\n",
        "a,b\rc,d\r",
        "a,b\r\n\r\n\"x\r\ny\",\"z\"\"\"\nlast,one",
        "\"open,b\nc,d\ne,f",
        "a,\"b\nc,d\n\"e\",f\ng\"h,i\n",
        "\r\r\n\n\r",
        "\"",
        "\"\n\"",
        "a,\"b\r",
        "",
    ];
    for text in texts {
        let expected = frames(text.as_bytes(), 1 << 20);
        for chunk in 1..=text.len() + 1 {
            assert_eq!(
                frames(text.as_bytes(), chunk),
                expected,
                "{text:?} by {chunk}"
            );
        }
    }
}

#[test]
fn an_open_quote_costs_its_line_only() {
    let text = b"a,b\nc,\"d\ne,f\n";
    assert_eq!(
        frames(text, 3),
        [
            (0, "a|b".into()),
            (4, "!quote c,\"d".into()),
            (9, "e|f".into())
        ]
    );
}

#[test]
fn a_record_without_end_costs_its_line_only() {
    let long = "x".repeat(MAX_RECORD);
    for text in [
        format!("a,b\nc,\"{long}\nd,e\n{long}\"\nf,g\n"),
        format!("a,b\nc,\"{long}yz\nf,g\n"),
    ] {
        for chunk in [700, 1 << 18, 1 << 22] {
            let found = frames(text.as_bytes(), chunk);
            assert_eq!(found[0], (0, "a|b".into()), "{chunk}");
            assert!(
                found[1].1.starts_with("!too_long c,\"xxx"),
                "{chunk} {:?}",
                &found[1].1[..20]
            );
            assert!(found.last().unwrap().1.starts_with("f|g"));
        }
    }
}

/// What stands where: stretches of whole records, and rejected lines.
#[derive(Debug, PartialEq)]
enum Piece {
    Records(usize, Vec<u8>),
    Reject(usize, &'static str),
}

fn add_record(pieces: &mut Vec<Piece>, at: usize, text: &[u8]) {
    match pieces.last_mut() {
        Some(Piece::Records(start, all)) if *start + all.len() == at => all.extend(text),
        _ => pieces.push(Piece::Records(at, text.to_vec())),
    }
}

/// The first line end at or behind `at`, and the place behind it.
fn line_end(text: &[u8], at: usize) -> (usize, usize) {
    let end = at
        + text[at..]
            .iter()
            .take_while(|b| !b"\r\n".contains(b))
            .count();
    let crlf = text[end..].starts_with(b"\r\n");
    (end, (end + 1 + usize::from(crlf)).min(text.len()))
}

/// The line end of the record that begins at `at`; none if a quote stays open.
fn record_end(text: &[u8], at: usize) -> Option<usize> {
    let mut state = State::FieldStart;
    for (i, &byte) in text.iter().enumerate().skip(at) {
        state = match (byte, state) {
            (b'"', State::Quoted) => State::QuoteInQuoted,
            (b'"', State::FieldStart | State::QuoteInQuoted) | (_, State::Quoted) => State::Quoted,
            (b'\r' | b'\n', _) => return Some(i),
            (b',', _) => State::FieldStart,
            _ => State::Unquoted,
        };
    }
    (state != State::Quoted).then_some(text.len())
}

/// The rules, said once and slowly.
fn slow(text: &[u8], longest: usize, cut: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let (line, next) = line_end(text, at);
        let whole = record_end(text, at).filter(|&end| !cut || end < text.len());
        match whole {
            Some(end) if end - at <= longest => {
                let next = line_end(text, end).1;
                add_record(&mut pieces, at, &text[at..next]);
                at = next;
            }
            _ => {
                let reason = if line - at > longest {
                    "too_long"
                } else if cut && text.len() - at <= longest {
                    "cut"
                } else {
                    "quote"
                };
                pieces.push(Piece::Reject(at, reason));
                at = next;
            }
        }
    }
    pieces
}

struct CutOff<'a>(&'a [u8], bool);

impl Read for CutOff<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.0.read(out)? {
            0 if self.1 => Err(io::ErrorKind::UnexpectedEof.into()),
            n => Ok(n),
        }
    }
}

fn framed(text: &[u8], longest: usize, cut: bool, chunk: usize) -> Vec<Piece> {
    let special = Special {
        delimiter: b',',
        quotes: true,
        cp932_trail: false,
    };
    let input = CutOff(text, cut);
    let mut framer = Framer::new(input, special, Some(Encoding::Utf8), 0, chunk);
    framer.longest = longest;
    let mut pieces = Vec::new();
    loop {
        match framer.next(Vec::new()) {
            Ok(Some(Frame::Records(s))) => {
                // A line that is too long may be left to the parser, which rejects it.
                let offset = usize::try_from(s.offset).unwrap();
                assert_eq!(s.text[..s.len], text[offset..offset + s.len]);
                let mut at = offset;
                while at < offset + s.len {
                    let end = record_end(text, at).unwrap();
                    let next = line_end(text, end).1;
                    if end - at > longest {
                        pieces.push(Piece::Reject(at, "too_long"));
                    } else {
                        add_record(&mut pieces, at, &text[at..next]);
                    }
                    at = next;
                }
                assert_eq!(at, offset + s.len);
            }
            Ok(Some(Frame::Reject { reason, offset, .. })) => {
                pieces.push(Piece::Reject(usize::try_from(offset).unwrap(), reason));
            }
            Ok(None) => return pieces,
            Err(_) => {
                assert!(cut);
                return pieces;
            }
        }
    }
}

#[test]
fn a_quote_at_the_very_end_closes_however_much_is_read_at_a_time() {
    // Twice the longest record is held and known before it is known that there is no more.
    for text in [
        "bcx\",\"y\nx\",\"y\n\"a",
        "\"\rax\",\"y\nx\",\"y\n\"",
        "\"\"\"x\",\"y\nx\",\"y\n\"",
    ] {
        for chunk in 1..20 {
            let expected = slow(text.as_bytes(), 8, false);
            let found = framed(text.as_bytes(), 8, false, chunk);
            assert_eq!(found, expected, "{text:?} by {chunk}");
        }
    }
}

#[test]
fn any_mixture_of_open_quotes_is_cut_by_the_rules() {
    const PARTS: [&str; 12] = [
        "a",
        "bc",
        ",",
        "\"",
        "\"\"",
        "\n",
        "\r\n",
        "\r",
        "x\",\"y\n",
        "u,\"v\n",
        "a,b\n",
        "xxxxxxx",
    ];
    let mut seed = 1u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for _ in 0..20_000 {
        let parts = random(60);
        // All parts, or a few of them only: long runs of one kind of line.
        let kinds: Vec<usize> = (0..=random(4)).map(|_| random(PARTS.len())).collect();
        let text: String = (0..parts)
            .map(|_| match random(5) {
                0 => PARTS[random(PARTS.len())],
                _ => PARTS[kinds[random(kinds.len())]],
            })
            .collect();
        let text = text.as_bytes();
        let longest = [3, 8, 20, 64, 1000][random(5)];
        let cut = random(4) == 0;
        let expected = slow(text, longest, cut);
        for chunk in [1, 2, 3, 7, 16, 50, 10_000] {
            assert_eq!(
                framed(text, longest, cut, chunk),
                expected,
                "{:?}, at most {longest}, cut {cut}, by {chunk}",
                String::from_utf8_lossy(text)
            );
        }
    }
}

#[test]
fn the_encoding_is_told_by_the_first_bytes_that_are_not_ascii() {
    let text = [
        b"a,b\n".repeat(50),
        encoding_rs::SHIFT_JIS
            .encode("日時,職員名\n")
            .0
            .into_owned(),
    ]
    .concat();
    for chunk in [1, 5, 64, 4096] {
        let special = Special {
            delimiter: b',',
            quotes: true,
            cp932_trail: false,
        };
        let mut framer = Framer::new(&text[..], special, None, 0, chunk);
        while framer.next(Vec::new()).unwrap().is_some() {}
        assert_eq!(framer.encoding(), Some(Encoding::Cp932), "{chunk}");
    }
}
