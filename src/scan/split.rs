//! A file in chunks whose bounds are told before they are read: whoever parses a chunk reads it, while others
//! read other chunks, and it is in the cache of the processor that parses it.
//!
//! A chunk ends behind the last line end before so many bytes. That its records end there as well is not
//! known before somebody has read it: it may hold quotes. So no chunk is handed on before all those before it were
//! seen to hold none ([`Turns`]); if one does, it and what was taken behind it are taken back, and the framer reads
//! on from there, as it does where there is no such line end, near the end of the file, and whenever the file
//! cannot be read. What it makes of all that is what it would have made of the whole file.

use std::collections::BTreeMap;

use super::framing::Work;
use crate::log::encoding::Encoding;
use crate::log::framer::{Frame, Segment, behind_last_line, room_for};
use crate::log::scan::PAD;
use crate::source::Plain;

/// Bytes before the end of a chunk in which a line end is looked for; more if there is none.
const PEEK: usize = 1 << 12;

/// A file that is cut so, from a record on.
pub struct Split {
    plain: Plain,
    /// Number of the source.
    source: u32,
    /// As far as the bytes before told.
    encoding: Option<Encoding>,
    chunk: usize,
    /// Where the next chunk begins.
    at: u64,
    over: bool,
    /// What a chunk may end in, to use again.
    peeked: Vec<u8>,
}

/// Lines of a file that somebody is to read.
pub struct Chunk {
    plain: Plain,
    source: u32,
    encoding: Option<Encoding>,
    from: u64,
    len: usize,
}

impl Split {
    /// The rest of a file, of which a record begins at `at`, in chunks of about so many bytes.
    #[must_use]
    pub fn new(
        plain: Plain,
        source: u32,
        encoding: Option<Encoding>,
        at: u64,
        chunk: usize,
    ) -> Split {
        Split {
            plain,
            source,
            encoding,
            chunk: chunk.max(1),
            at,
            over: false,
            peeked: Vec::new(),
        }
    }

    /// Whether there is another chunk.
    #[must_use]
    pub fn has_more(&mut self) -> bool {
        self.whole_lines().is_some()
    }

    /// The next chunk; none if the framer is to read on.
    pub fn next_chunk(&mut self) -> Option<Chunk> {
        if self.over {
            return None;
        }
        let Some(len) = self.whole_lines() else {
            self.over = true;
            return None;
        };
        let from = self.at;
        self.at += len as u64;
        Some(Chunk {
            plain: self.plain.clone(),
            source: self.source,
            encoding: self.encoding,
            from,
            len,
        })
    }

    /// Bytes of the lines of the next chunk. None if the file ends within it or no line does.
    fn whole_lines(&mut self) -> Option<usize> {
        let end = self.at.checked_add(self.chunk as u64)?;
        if end > self.plain.len_at_first() {
            return None;
        }
        let mut peek = PEEK.min(self.chunk);
        loop {
            self.peeked.resize(peek, 0);
            self.plain.fill(&mut self.peeked, end - peek as u64).ok()?;
            if let Some(lines) = behind_last_line(&self.peeked, false) {
                return Some(self.chunk - peek + lines);
            }
            if peek == self.chunk {
                return None;
            }
            peek = self.chunk.min(peek * 16);
        }
    }

    /// Takes back all chunks from an offset on: the framer is to read on there.
    pub fn take_back(&mut self, from: u64) {
        self.at = from;
        self.over = true;
    }

    /// What the framer is to read on with: number of the source, all from an offset on, and what the bytes before
    /// told of the encoding.
    #[must_use]
    pub fn rest(self) -> (u32, Box<dyn std::io::Read + Send>, u64, Option<Encoding>) {
        (
            self.source,
            self.plain.from(self.at),
            self.at,
            self.encoding,
        )
    }
}

impl Chunk {
    /// Reads it; [`Turns::settle`] is to be told of it in any case. `text` is used again.
    ///
    /// # Errors
    /// A text to be used again, if its lines have to be looked at more closely or cannot be read.
    pub fn read(&self, mut text: Vec<u8>) -> Result<Segment, Vec<u8>> {
        // (The framer's are longer, and who keeps a text keeps all of it.)
        if text.len() > self.len / 4 * 5 + PAD {
            text = Vec::new();
        }
        room_for(self.len, &mut text);
        if self.plain.fill(&mut text[..self.len], self.from).is_err() {
            return Err(text);
        }
        Segment::of_lines(text, self.len, self.from, self.encoding)
    }
}

/// Chunks that were given out, in their order.
#[derive(Default)]
pub struct Turns {
    /// How many of them are not known yet to be whole records, and the number of the first.
    open: u64,
    turn: u64,
    /// Those behind it that are read already.
    early: BTreeMap<u64, Segment>,
    /// From this number on they are taken back.
    limit: u64,
    /// Tells them from those of before, which may still be being read.
    round: u64,
}

/// A chunk that was given out as the piece of a number.
pub struct Given {
    /// The chunk.
    pub chunk: Chunk,
    number: u64,
    round: u64,
}

/// What becomes of a chunk that was read.
pub enum Settled {
    /// Pieces that are known now, in their order; none while a chunk before it is not.
    Known(Vec<(u64, Work)>),
    /// It and all behind it are taken back: its number, and where it begins.
    TakenBack(u64, u64),
    /// It was taken back before.
    Gone,
}

impl Turns {
    /// Whether any chunk is not known yet to be what it was taken for: nothing else may be handed on as what
    /// is behind it.
    #[must_use]
    pub fn are_open(&self) -> bool {
        self.open > 0
    }

    /// How many are read and wait for one before them.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.early.len()
    }

    /// Gives a chunk out as the piece of a number, one more than that of the chunk before if any is open.
    pub fn give(&mut self, chunk: Chunk, number: u64) -> Given {
        if self.open == 0 {
            (self.turn, self.limit) = (number, u64::MAX);
            self.round += 1;
        }
        self.open += 1;
        Given {
            chunk,
            number,
            round: self.round,
        }
    }

    /// Takes what was read of a chunk; none: it is to be taken back.
    pub fn settle(&mut self, given: &Given, segment: Option<Segment>) -> Settled {
        let Given { chunk, number, .. } = given;
        if given.round != self.round || *number >= self.limit {
            return Settled::Gone;
        }
        let Some(segment) = segment else {
            self.limit = *number;
            self.open = number - self.turn;
            drop(self.early.split_off(number));
            return Settled::TakenBack(*number, chunk.from);
        };
        self.early.insert(*number, segment);
        let known = std::iter::from_fn(|| {
            let segment = self.early.remove(&self.turn)?;
            // (What is taken back will be read again.)
            chunk.plain.count(segment.len as u64);
            self.turn += 1;
            self.open -= 1;
            let work = Work::Frame {
                source: chunk.source,
                frame: Frame::Records(segment),
                promise: None,
            };
            Some((self.turn - 1, work))
        });
        Settled::Known(known.collect())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::source::{again, open};

    /// A file of these bytes, and what counts the bytes that are read of it.
    fn plain(bytes: &[u8]) -> (tempfile::NamedTempFile, Plain, Arc<AtomicU64>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let taken = Arc::new(AtomicU64::new(0));
        let source = again(file.path(), None).unwrap();
        let input = open(&source, Arc::clone(&taken), 1000).unwrap();
        (file, input.plain.unwrap(), taken)
    }

    fn rest(split: Split) -> (u64, Vec<u8>) {
        let (source, mut input, offset, _) = split.rest();
        assert_eq!(source, 7);
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes).unwrap();
        (offset, bytes)
    }

    #[test]
    fn chunks_are_whole_lines_one_behind_the_other_and_the_framer_gets_the_rest() {
        let texts = [
            "a,b\nc\n\nd,eeeeeeeeeeeeeeee\nf".repeat(9),
            "a,b\r\nc\r\n\r\nd,eeeeee\r\nf,\r\n".repeat(9),
            "a\rbb\r\rcc\n\r\rd\r\n".repeat(20),
        ];
        for text in texts {
            let text = text.into_bytes();
            for chunk in 1..150 {
                let (_file, file, taken) = plain(&text);
                let mut split = Split::new(file, 7, Some(Encoding::Utf8), 2, chunk);
                let (mut met, mut spare) = (text[..2].to_vec(), Vec::new());
                while let Some(chunk) = split.next_chunk() {
                    assert_eq!(chunk.from, met.len() as u64);
                    let segment = chunk.read(spare).unwrap();
                    assert_eq!(
                        (segment.offset, segment.len, segment.quotes),
                        (chunk.from, chunk.len, false)
                    );
                    met.extend_from_slice(&segment.text[..segment.len]);
                    assert!(met.ends_with(b"\n") || met.ends_with(b"\r"));
                    assert!(!met.ends_with(b"\r") || text[met.len()] != b'\n');
                    spare = segment.text;
                }
                assert!(split.next_chunk().is_none());
                assert!(!(30..=100).contains(&chunk) || met.len() > text.len() / 2);
                // (Chunks count when they are known.)
                assert_eq!(taken.load(Ordering::Relaxed), 0);
                let (offset, bytes) = rest(split);
                assert_eq!(offset, met.len() as u64);
                assert_eq!(taken.load(Ordering::Relaxed), bytes.len() as u64);
                assert_eq!([met, bytes].concat(), text);
            }
        }
    }

    #[test]
    fn a_line_that_is_longer_than_a_chunk_is_left_to_the_framer() {
        let long = "x".repeat(3 * PEEK);
        let text = format!("a\n{long}\nb\n{long}{long}\nc\n").into_bytes();
        let (_file, file, _) = plain(&text);
        let mut split = Split::new(file, 7, None, 0, 4 * PEEK);
        // (The line end is farther from the end of the chunk than is looked at first.)
        let first = split.next_chunk().unwrap();
        assert_eq!((first.from, first.len), (0, 3 * PEEK + 5));
        assert!(split.next_chunk().is_none());
        assert_eq!(rest(split), (first.len as u64, text[first.len..].to_vec()));
    }

    #[test]
    fn what_must_be_looked_at_closely_or_cannot_be_read_is_not_taken_for_lines() {
        let lines = "a,あ\n".repeat(10).into_bytes();
        let quoted = "a,\"\n".repeat(10).into_bytes();
        for (text, encoding, is_lines) in [
            (&lines, Some(Encoding::Utf8), true),
            (&lines, None, false),
            (&quoted, Some(Encoding::Utf8), false),
            (&quoted, None, false),
            (&b"a,b\n".repeat(10), None, true),
        ] {
            let (_file, file, _) = plain(text);
            let chunk = Split::new(file, 7, encoding, 0, 20).next_chunk().unwrap();
            let spare = vec![1; 140];
            match chunk.read(spare) {
                Ok(segment) => {
                    assert!(is_lines);
                    assert_eq!(segment.encoding, Encoding::Utf8);
                    assert_eq!(segment.text[..segment.len], text[..segment.len]);
                    assert!(segment.text[segment.len..].starts_with(&[0; PAD]));
                }
                Err(spare) => assert!(!is_lines && spare.len() > 140),
            }
        }
        // A text that is far longer is not kept.
        let (_file, file, _) = plain(&lines);
        let chunk = Split::new(file, 7, Some(Encoding::Utf8), 0, 20).next_chunk();
        let segment = chunk.unwrap().read(vec![1; 1000]).unwrap();
        assert_eq!(segment.text[..segment.len], lines[..segment.len]);
        assert!(segment.text.len() < 200);
        // (Of a file that was written to since its line ends were looked at.)
        let (written, file, _) = plain(&lines);
        let chunk = Split::new(file, 7, Some(Encoding::Utf8), 0, 20).next_chunk();
        std::fs::write(written.path(), &lines[1..]).unwrap();
        assert!(chunk.unwrap().read(Vec::new()).is_err());
        let (cut, file, _) = plain(&lines);
        let mut split = Split::new(file, 7, Some(Encoding::Utf8), 0, 20);
        let chunk = split.next_chunk().unwrap();
        cut.as_file().set_len(10).unwrap();
        assert!(chunk.read(Vec::new()).is_err());
        assert!(split.next_chunk().is_none());
        assert_eq!(rest(split).0, chunk.len as u64);
    }

    /// What there is to settle: so many chunks, given out as pieces 5, 6, …
    fn given(turns: &mut Turns, plain: &Plain, count: u64) -> Vec<Given> {
        let chunk = |number: u64| Chunk {
            plain: plain.clone(),
            source: 7,
            encoding: None,
            from: number * 10,
            len: 10,
        };
        (5..5 + count)
            .map(|number| turns.give(chunk(number), number))
            .collect()
    }

    fn segment(number: u64) -> Segment {
        Segment::of_lines(vec![b'\n'; 200], 10, number * 10, None).unwrap()
    }

    #[test]
    fn chunks_are_known_in_their_order_whoever_reads_first_up_to_the_first_taken_back() {
        let (_file, plain, taken) = plain(b"a\n");
        let orders = (0..24).map(|order| {
            let mut left = vec![5, 6, 7, 8];
            [order / 6, order % 6 / 2, order % 2, 0].map(|at| left.remove(at))
        });
        for order in orders {
            for broken in 0u64..16 {
                let is_broken = |number: u64| broken >> (number - 5) & 1 == 1;
                let mut turns = Turns::default();
                let before = taken.load(Ordering::Relaxed);
                let all = given(&mut turns, &plain, 4);
                let (mut known, mut back) = (Vec::new(), u64::MAX);
                for number in order {
                    assert!(turns.are_open() || back < number);
                    let read = (!is_broken(number)).then(|| segment(number));
                    let given = all.iter().find(|given| given.number == number).unwrap();
                    let settled = turns.settle(given, read);
                    assert_eq!(number > back, matches!(settled, Settled::Gone));
                    match settled {
                        Settled::Known(pieces) => {
                            assert!(pieces.first().is_none_or(|piece| piece.0 == number));
                            known.extend(pieces.iter().map(|piece| piece.0));
                        }
                        Settled::TakenBack(from, offset) => {
                            assert_eq!((from, offset), (number, number * 10));
                            back = number;
                        }
                        Settled::Gone => {}
                    }
                }
                let first = (5..9).find(|&number| is_broken(number)).unwrap_or(9);
                assert_eq!(known, (5..first).collect::<Vec<_>>(), "{order:?} {broken}");
                assert!(!turns.are_open() && (back == first || first == 9));
                let read = taken.load(Ordering::Relaxed) - before;
                assert_eq!(read, 10 * (first - 5));
            }
        }
    }

    #[test]
    fn a_chunk_that_was_taken_back_is_none_of_the_next_file() {
        let (_file, plain, _) = plain(b"a\n");
        let mut turns = Turns::default();
        let before = given(&mut turns, &plain, 3);
        assert!(matches!(
            turns.settle(&before[0], None),
            Settled::TakenBack(5, 50)
        ));
        assert!(!turns.are_open());
        let after = given(&mut turns, &plain, 3);
        assert!(matches!(
            turns.settle(&before[1], Some(segment(6))),
            Settled::Gone
        ));
        assert!(matches!(turns.settle(&before[2], None), Settled::Gone));
        let known = |settled| match settled {
            Settled::Known(pieces) => pieces.len(),
            _ => usize::MAX,
        };
        assert_eq!(known(turns.settle(&after[1], Some(segment(6)))), 0);
        assert_eq!(known(turns.settle(&after[0], Some(segment(5)))), 2);
        assert_eq!(known(turns.settle(&after[2], Some(segment(7)))), 1);
        assert!(!turns.are_open());
    }
}
