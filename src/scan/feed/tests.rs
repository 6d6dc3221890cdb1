//! How workers share the supply.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arrow_array::RecordBatch;
use arrow_schema::Schema;

use super::*;
use crate::log::framer::Frame;
use crate::policy::Policy;
use crate::scan::ScanOptions;
use crate::scan::framing::{Files, Reading};
use crate::scan::inputs::Planned;
use crate::scan::read_options;

/// A feed of a file of so many lines of 25 bytes, so many bytes a chunk.
fn of_file(lines: usize, heavy: bool, chunk: usize) -> (tempfile::NamedTempFile, Feed) {
    let mut text = "日時,職員番号\n".to_owned();
    for line in 0..lines {
        writeln!(text, "2026/04/01 09:00:00,u{line:03}").unwrap();
    }
    of_text(&text, heavy, chunk, Arc::default())
}

/// A feed of a file of this text; `taken` counts the bytes that are read.
fn of_text(
    text: &str,
    heavy: bool,
    chunk: usize,
    taken: Arc<AtomicU64>,
) -> (tempfile::NamedTempFile, Feed) {
    let mut file = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
    let written = if heavy {
        zstd::encode_all(text.as_bytes(), 1).unwrap()
    } else {
        text.as_bytes().to_vec()
    };
    file.write_all(&written).unwrap();
    let options = ScanOptions {
        chunk,
        ..ScanOptions::default()
    };
    let read = read_options(&Policy::default_policy(), &options).unwrap();
    let paths = [file.path().to_str().unwrap().to_owned()];
    let planned = Arc::new(Planned::of(&paths, &read, &options, &mut || Ok(())).unwrap());
    let reading = Reading {
        most: 1,
        chunk: options.chunk,
        own_chunk: options.chunk,
        by_reader: true,
    };
    let files = Files::new(planned, &read, &options, reading, taken, None);
    let feed = Feed::new(Supply::Files(Box::new(files)), 4);
    assert_eq!(feed.is_heavy(), heavy);
    (file, feed)
}

/// Numbers and offsets of the pieces of a heavy feed, by so many workers.
fn turns(feed: &Feed, workers: usize) -> Vec<(u64, u64)> {
    let (pool, given) = (Pool::default(), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    match feed.turn(true) {
                        Some(Turn::Read) => feed.read(&pool),
                        Some(Turn::Parse(Some((number, work)))) => {
                            let offset = work.unwrap().segment().map_or(u64::MAX, |s| s.offset);
                            lock(&given).push((number, offset));
                        }
                        Some(Turn::Parse(None)) => return,
                        None => std::thread::yield_now(),
                    }
                }
            });
        }
    });
    let mut given = given.into_inner().unwrap();
    given.sort_unstable();
    given
}

#[test]
fn pieces_of_a_heavy_feed_are_those_of_a_light_one_whoever_reads() {
    let alone = {
        let (_file, feed) = of_file(500, false, 75);
        let pool = Pool::default();
        std::iter::from_fn(|| feed.next(&pool)).count()
    };
    let (_file, feed) = of_file(500, true, 75);
    let one = turns(&feed, 1);
    assert_eq!(one.len(), alone);
    let (numbers, offsets): (Vec<u64>, Vec<u64>) = one.iter().copied().unzip();
    assert_eq!(numbers, (0..alone as u64).collect::<Vec<_>>());
    assert!(offsets.is_sorted() && offsets.last() == Some(&u64::MAX));
    for _ in 0..20 {
        let (_file, feed) = of_file(500, true, 75);
        assert_eq!(turns(&feed, 4), one);
    }
}

#[test]
fn a_heavy_feed_is_read_ahead_so_far_and_by_one() {
    let pool = Pool::default();
    let (_file, feed) = of_file(500, true, 75);
    for _ in 0..HEAVY_AHEAD {
        assert!(matches!(feed.turn(true), Some(Turn::Read)));
        // Of what is read nothing is there yet, or it may not be parsed.
        assert!(feed.turn(false).is_none());
        feed.read(&pool);
    }
    assert!(feed.turn(false).is_none());
    assert!(matches!(feed.turn(true), Some(Turn::Parse(Some((0, _))))));
    assert!(matches!(feed.turn(true), Some(Turn::Read)));
    assert!(matches!(feed.turn(true), Some(Turn::Parse(Some((1, _))))));
}

#[test]
fn a_heavy_feed_of_long_pieces_is_read_ahead_as_far_as_its_bytes_go() {
    let (pool, chunk) = (Pool::default(), 6 << 20);
    let (_file, feed) = of_file(2_000_000, true, chunk);
    let mut read = 0;
    while let Some(Turn::Read) = feed.turn(false) {
        feed.read(&pool);
        read += 1;
    }
    assert_eq!(read, HEAVY_BYTES.div_ceil(chunk));
}

/// All pieces of a light feed, in their order, by four workers; `pause` is called before each is asked for.
fn pieces(feed: &Feed, pause: impl Fn() + Sync) -> Vec<Result<Work>> {
    let (pool, given) = (Pool::default(), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    pause();
                    let Some(piece) = feed.next(&pool) else {
                        return;
                    };
                    lock(&given).push(piece);
                }
            });
        }
    });
    let mut given = given.into_inner().unwrap();
    given.sort_by_key(|piece| piece.0);
    let numbers = given.iter().map(|piece| piece.0);
    assert!(numbers.eq(0..given.len() as u64));
    given.into_iter().map(|piece| piece.1).collect()
}

/// What segments of such pieces hold, of a file with a header of so many bytes, and how many there are.
fn held(pieces: &[Result<Work>], header: usize) -> (Vec<u8>, usize) {
    let mut all = Vec::new();
    let segments = pieces.iter().filter_map(|piece| match piece {
        Ok(Work::Frame {
            frame: Frame::Records(segment),
            source: 0,
            promise: None,
        }) => Some(segment),
        _ => None,
    });
    let mut count = 0;
    for segment in segments {
        let text = &segment.text[..segment.len];
        assert_eq!(segment.offset, (header + all.len()) as u64);
        assert!(segment.quotes || !text.contains(&b'"'));
        assert!(memchr::memchr_iter(b'"', text).count().is_multiple_of(2));
        all.extend_from_slice(text);
        count += 1;
    }
    (all, count)
}

#[test]
fn every_byte_is_given_once_whoever_asks_wherever_quotes_are() {
    let header = "日時,職員番号,対象\n";
    let line = |n: usize| format!("2026/04/01 09:00:00,u{n:03},{n}\n");
    let quoted = "2026/04/01 09:00:00,\"u\n\n1\",2\n";
    for at in [0, 1, 2, 7, 100, 199, 200] {
        let lines = (0..200).map(line).collect::<Vec<_>>();
        let (before, behind) = lines.split_at(at);
        let text = [before.concat(), quoted.to_owned(), behind.concat()].concat();
        for chunk in [40, 75, 400, 1 << 12] {
            let whole = format!("{header}{text}");
            let taken = Arc::new(AtomicU64::new(0));
            let (_file, feed) = of_text(&whole, false, chunk, Arc::clone(&taken));
            let pieces = pieces(&feed, || ());
            assert_eq!(taken.load(Ordering::Relaxed), whole.len() as u64);
            let (all, count) = held(&pieces, header.len());
            assert!(all == text.as_bytes(), "{at} {chunk}");
            assert!(matches!(
                pieces.last(),
                Some(Ok(Work::End { error: None, .. }))
            ));
            assert!(pieces.len() == count + 1 && count >= text.len() / chunk / 2);
        }
    }
}

#[test]
fn a_file_that_becomes_shorter_while_it_is_read_is_an_error_behind_what_it_still_has() {
    let line = "2026/04/01 09:00:00,u\n";
    let header = "日時,職員番号\n";
    for kept in [0, 10, 500] {
        for when in [5, 50, 200] {
            let text = line.repeat(1000);
            let (file, feed) = of_text(&format!("{header}{text}"), false, 75, Arc::default());
            let asked = AtomicUsize::new(0);
            let pieces = pieces(&feed, || {
                if asked.fetch_add(1, Ordering::Relaxed) == when {
                    let len = header.len() + when * 44 + kept;
                    file.as_file().set_len(len as u64).unwrap();
                }
            });
            let (all, _) = held(&pieces, header.len());
            assert!(all.len() % line.len() == 0 && text.as_bytes().starts_with(&all));
            assert!(all.len() / line.len() < 1000);
            let error = pieces.last().unwrap().as_ref().map(|_| ()).unwrap_err();
            assert!(error.to_string().contains("became shorter"), "{error}");
        }
    }
}

#[test]
fn every_piece_is_given_once_whoever_asks() {
    let alone = {
        let (_file, feed) = of_file(500, false, 75);
        let pool = Pool::default();
        std::iter::from_fn(|| feed.next(&pool)).count()
    };
    assert!(alone > 100);
    for _ in 0..20 {
        let (_file, feed) = of_file(500, false, 75);
        let pieces = pieces(&feed, || ());
        assert!(pieces.len() == alone && pieces.iter().all(Result::is_ok));
    }
}

#[test]
fn a_stream_is_not_asked_for_more_than_is_needed() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let stream = std::iter::repeat_with(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(RecordBatch::new_empty(Arc::new(Schema::empty())))
    });
    let (feed, pool) = (
        Feed::new(Supply::Stream(Box::new(stream)), 4),
        Pool::default(),
    );
    let numbers = [(); 3].map(|()| feed.next(&pool).map(|piece| piece.0));
    assert_eq!(numbers, [Some(0), Some(1), Some(2)]);
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    // What comes in its place goes on counting.
    feed.replace(Supply::Ended);
    assert!(feed.next(&pool).is_none());
}

#[test]
fn while_one_reads_a_chunk_slowly_others_read_on_so_far_and_then_wait() {
    let (_file, feed) = of_file(500, false, 75);
    let pool = Pool::default();
    let chunk = || match feed.ask(&pool) {
        Asked::Chunk(given, spare) => (given, spare),
        _ => panic!("there are chunks"),
    };
    assert_eq!(feed.next(&pool).map(|piece| piece.0), Some(0));
    let (slow, spare) = chunk();
    for _ in 0..feed.most_waiting {
        let (given, spare) = chunk();
        assert!(feed.read_chunk(&given, spare, &pool).is_none());
    }
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| tell.send(feed.next(&pool).unwrap().0).unwrap());
        while lock(&feed.supply).waiting == 0 {
            std::thread::yield_now();
        }
        assert!(told.try_recv().is_err());
        let own = feed.read_chunk(&slow, spare, &pool).unwrap();
        assert_eq!((own.0, told.recv()), (1, Ok(2)));
    });
    let rest = std::iter::from_fn(|| feed.next(&pool));
    let numbers: Vec<u64> = rest.map(|piece| piece.0).collect();
    assert_eq!(numbers, (3..numbers.len() as u64 + 3).collect::<Vec<_>>());
}
