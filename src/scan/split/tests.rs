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
        for (chunk, told) in (1..150).flat_map(|chunk| [(chunk, false), (chunk, true)]) {
            let (_file, file, taken) = plain(&text);
            let mut split = Split::new(file, 7, Some(Encoding::Utf8), 2, chunk);
            let (mut met, mut spare) = (text[..2].to_vec(), Vec::new());
            while let Some(chunk) = split.next_chunk() {
                assert_eq!(chunk.from, met.len() as u64);
                let Ok(segment) = chunk.read(std::mem::take(&mut spare)) else {
                    // (Whether any line ends in a chunk is seen when it is read.)
                    let text = &text[met.len()..met.len() + chunk.len];
                    assert_eq!(behind_last_line(text, false), None);
                    split.take_back(chunk.from);
                    break;
                };
                assert_eq!((segment.offset, segment.quotes), (chunk.from, false));
                met.extend_from_slice(&segment.text[..segment.len]);
                assert!(met.ends_with(b"\n") || met.ends_with(b"\r"));
                assert!(!met.ends_with(b"\r") || text[met.len()] != b'\n');
                if told {
                    split.told(&chunk, segment.len);
                }
                spare = segment.text;
            }
            assert!(split.next_chunk().is_none());
            assert!(!(30..=100).contains(&chunk) || met.len() > text.len() / 2);
            // (Chunks count when they are known.)
            assert_eq!(taken.load(Ordering::Relaxed), 0);
            if !told && split.at.is_none() {
                // (Nobody told of the last.)
                split.take_back(met.len() as u64);
            }
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
    // (The line end is farther from the end of the chunk than is looked at first.)
    for told in [false, true] {
        let mut split = Split::new(file.clone(), 7, None, 0, 4 * PEEK);
        let first = split.next_chunk().unwrap();
        let lines = first.read(Vec::new()).unwrap().len;
        assert_eq!((first.from, lines), (0, 3 * PEEK + 5));
        if told {
            split.told(&first, lines);
        }
        let second = split.next_chunk().unwrap();
        assert_eq!(second.from, lines as u64);
        assert!(second.read(Vec::new()).is_err());
        // Neither is there a third while it is not known, nor when it is taken back.
        assert!(split.next_chunk().is_none());
        split.take_back(second.from);
        assert!(split.next_chunk().is_none());
        assert_eq!(rest(split), (lines as u64, text[lines..].to_vec()));
    }
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
    let (cut, file, _) = plain(&lines);
    let mut split = Split::new(file, 7, Some(Encoding::Utf8), 0, 20);
    let chunk = split.next_chunk().unwrap();
    cut.as_file().set_len(10).unwrap();
    assert!(chunk.read(Vec::new()).is_err());
    assert!(split.next_chunk().is_none());
    split.take_back(chunk.from);
    assert_eq!(rest(split).0, chunk.from);
}

#[test]
fn of_a_file_that_was_written_to_since_it_was_looked_into_nothing_is_handed_on_twice_or_left_out() {
    let lines = "a,あ\n".repeat(10).into_bytes();
    let (written, file, _) = plain(&lines);
    let mut split = Split::new(file, 7, Some(Encoding::Utf8), 0, 20);
    let mut turns = Turns::default();
    let first = turns.give(split.next_chunk().unwrap(), 5);
    let second = turns.give(split.next_chunk().unwrap(), 6);
    assert_eq!(second.chunk.from, 18);
    std::fs::write(written.path(), &lines[1..]).unwrap();
    let mut settle = |given: &Given| {
        let segment = given.chunk.read(Vec::new()).unwrap();
        turns.settle(given, Some(segment)).unwrap()
    };
    let settled = settle(&first);
    assert_eq!((settled.known.len(), settled.taken_back), (1, None));
    // (What was read ends one byte before.)
    let settled = settle(&second);
    assert_eq!(
        (settled.known.len(), settled.taken_back),
        (0, Some((6, 17)))
    );
    split.take_back(17);
    assert_eq!(rest(split), (17, lines[18..].to_vec()));
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

/// So many bytes of lines, read where the chunk of a number begins.
fn segment(number: u64, len: usize) -> Segment {
    Segment::of_lines(vec![b'\n'; 200], len, number * 10, None).unwrap()
}

#[test]
fn chunks_are_known_in_their_order_whoever_reads_first_up_to_the_first_taken_back() {
    let (_file, plain, taken) = plain(b"a\n");
    let orders = (0..24).map(|order| {
        let mut left = vec![5, 6, 7, 8];
        [order / 6, order % 6 / 2, order % 2, 0].map(|at| left.remove(at))
    });
    // What is read of each: its lines, none, or lines that end before the next chunk begins, because the
    // file has changed.
    let read = |case: u64, number: u64| match (5..number).fold(case, |of, _| of / 3) % 3 {
        0 => Some(10),
        1 => None,
        _ => Some(7),
    };
    for (order, case) in orders.flat_map(|order| (0..81).map(move |case| (order, case))) {
        let mut turns = Turns::default();
        let before = taken.load(Ordering::Relaxed);
        let all = given(&mut turns, &plain, 4);
        let (mut known, mut back) = (Vec::new(), None);
        for number in order {
            let limit = back.map_or(9, |(limit, _)| limit);
            assert!(turns.are_open() || limit <= number);
            let given = all.iter().find(|given| given.number == number).unwrap();
            let read = read(case, number).map(|len| segment(number, len));
            let settled = turns.settle(given, read);
            assert_eq!(settled.is_none(), number >= limit, "{order:?} {case}");
            let settled = settled.unwrap_or_default();
            known.extend(settled.known.iter().map(|piece| piece.0));
            back = settled.taken_back.or(back);
        }
        let mut expected = (5, 50);
        while let Some(len) = (5..9).contains(&expected.0).then(|| read(case, expected.0)) {
            let Some(len) = len.filter(|_| expected.1 == expected.0 * 10) else {
                break;
            };
            expected = (expected.0 + 1, expected.1 + len as u64);
        }
        assert_eq!(
            known,
            (5..expected.0).collect::<Vec<_>>(),
            "{order:?} {case}"
        );
        let expected = Some(expected).filter(|&(first, _)| first < 9);
        assert!(!turns.are_open() && back == expected, "{order:?} {case}");
        let bytes = known.iter().map(|&number| read(case, number).unwrap_or(0));
        let counted = taken.load(Ordering::Relaxed) - before;
        assert_eq!(counted, bytes.sum::<usize>() as u64);
    }
}

#[test]
fn where_a_chunk_ends_is_told_by_its_own_reader_even_if_somebody_has_looked_before() {
    let text = b"a,b\n".repeat(9);
    let (_file, plain, _) = plain(&text);
    let mut split = Split::new(plain, 7, Some(Encoding::Utf8), 0, 10);
    let first = split.next_chunk().unwrap();
    let second = split.next_chunk().unwrap();
    assert_eq!((first.from, second.from), (0, 8));
    // (Of one that is not the last any more, nobody asks.)
    split.told(&first, 4);
    let third = split.next_chunk().unwrap();
    assert_eq!(third.from, 16);
    split.told(&third, 4);
    assert_eq!(split.next_chunk().unwrap().from, 20);
    assert!(split.next_chunk().is_none());
}

#[test]
fn a_chunk_that_was_taken_back_is_none_of_the_next_file() {
    let (_file, plain, _) = plain(b"a\n");
    let mut turns = Turns::default();
    let before = given(&mut turns, &plain, 3);
    let settled = turns.settle(&before[0], None).unwrap();
    assert_eq!(
        (settled.known.len(), settled.taken_back),
        (0, Some((5, 50)))
    );
    assert!(!turns.are_open());
    let after = given(&mut turns, &plain, 3);
    assert!(turns.settle(&before[1], Some(segment(6, 10))).is_none());
    assert!(turns.settle(&before[2], None).is_none());
    let mut known = |at: usize, number: u64| {
        let settled = turns.settle(&after[at], Some(segment(number, 10)));
        settled.map(|settled| settled.known.len())
    };
    assert_eq!(known(1, 6), Some(0));
    assert_eq!(known(0, 5), Some(2));
    assert_eq!(known(2, 7), Some(1));
    assert!(!turns.are_open());
}
