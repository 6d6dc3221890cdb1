//! Segments in which every line is a record are read by loops of their own: they must read as others do.

use std::sync::Arc;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::*;
use crate::log::framer::{Frame, MAX_RECORD};
use crate::log::head::Head;
use crate::log::plan::ReadOptions;
use crate::log::scan::PAD;
use crate::policy::Policy;

const HEADER: &str = "日時,職員番号,所属,端末番号,操作内容,処理結果,個人番号参照,宛名番号";
const RECORD: &str = "2024/04/01 08:10:10,0837730,市民課,PC-1,照会,成功,あり,1234567890";

/// A parser, and how the log reads.
fn prepared(log: &[u8]) -> (Parser, Plan) {
    let policy = Policy::default_policy();
    let options = ReadOptions::of(&policy).expect("options");
    let head = Head::read(&mut &log[..]).expect("bytes");
    let plan = Plan::of("log.csv", &head, &options).expect("a log");
    let meaning = Arc::new(Meaning::of(&policy, true));
    let parser = Parser::new(meaning, Arc::default(), options.zone.clone()).watching();
    (parser, plan)
}

/// All that parsing a log in segments of `chunk` bytes gives, and how many segments were read by the loops
/// for even ones; these may be left alone.
fn parsed(log: &[u8], chunk: usize, general: bool) -> (Vec<String>, usize) {
    let (mut parser, plan) = prepared(log);
    let source = Box::new(std::io::Cursor::new(log.to_vec()));
    let mut framer = plan.framer(source, chunk).expect("bytes");
    let (mut all, mut even) = (Vec::new(), 0);
    while let Some(frame) = framer.next(Vec::new()).expect("bytes") {
        if let Frame::Records(segment) = frame {
            parser.uneven = general;
            let (source, plan) = (0, &plan);
            let parsed = parser.parse(segment, &SegmentOf { source, plan }, Columns::default());
            even += usize::from(!parser.uneven && !general);
            all.push(told(&parsed));
        }
    }
    (all, even)
}

/// All of a block, as a text: where there is no column of lines or ends, those that are meant.
fn told(parsed: &Parsed) -> String {
    let block = &parsed.block;
    let columns = Columns {
        line: Vec::new(),
        ..block.columns.clone()
    };
    let lines: Vec<u64> = (0..columns.len()).map(|at| block.line(at)).collect();
    let counts = (parsed.lines, parsed.blank, parsed.no_user, parsed.in_order);
    let words = (parsed.replaced, parsed.unknown_references);
    let (beside, swallowed) = (&parsed.beside, &parsed.swallowed);
    let text = block
        .origin
        .text
        .as_ref()
        .map(|text| (text.wording, text.bytes.len()));
    format!(
        "{columns:?} {lines:?} {:?} {counts:?} {words:?} {text:?} {beside:?} {swallowed:?}",
        parsed.rejects
    )
}

/// A log of commas in another form: with tabs; in CP932 with a delimiter that is a part of characters (ポ ends
/// in it); with the time last.
fn in_form(log: &str, form: usize) -> Vec<u8> {
    match form {
        0 => log.as_bytes().to_vec(),
        1 => log.replace(',', "\t").into_bytes(),
        2 => encoding_rs::SHIFT_JIS
            .encode(&log.replace(',', "|"))
            .0
            .into_owned(),
        _ => {
            let lines = log.split_inclusive(['\r', '\n']).map(|line| {
                let text = line.trim_end_matches(['\r', '\n']);
                let end = &line[text.len()..];
                match text.split_once(',') {
                    Some((time, others)) => format!("{others},{time}{end}"),
                    None => line.to_owned(),
                }
            });
            lines.collect::<String>().into_bytes()
        }
    }
}

/// One of so many.
fn one_of(random: &mut Xoshiro256PlusPlus, many: usize) -> usize {
    usize::try_from(random.next_u64() % many as u64).unwrap()
}

/// A line of a log, mostly a record.
fn line(random: &mut Xoshiro256PlusPlus) -> String {
    let (minute, second) = (one_of(random, 2), one_of(random, 64));
    let user = ["", "0837730", "ソポ表"][one_of(random, 3)];
    let subject = ["", "1234567890", "A-1"][one_of(random, 3)];
    match one_of(random, 24) {
        0 => String::new(),
        1 => RECORD.replace(",PC-1", ""),
        2 => format!("{RECORD},"),
        3 => RECORD.replace("10:10", "10:1"),
        4 => RECORD.replace("08:10", "25:10"),
        5 => ",".to_owned(),
        6 => RECORD.replace("2024/04/01 08:10:10", "R6.4.1 8:10"),
        _ => format!(
            "2024/04/01 08:1{minute}:{second:02},{user},市民課,PC-1,照会,成功,なし,{subject}"
        ),
    }
}

#[test]
fn even_segments_read_as_others_do() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(9);
    let (mut taken, mut left) = (0, 0);
    for round in 0..600usize {
        let ends = ["\n", "\r\n", "\r"];
        let mut log = format!("{HEADER}\n{RECORD}\n");
        for _ in 0..one_of(&mut random, 9) {
            let end = if round % 4 == 3 {
                one_of(&mut random, 3)
            } else {
                round % 4
            };
            log.push_str(&line(&mut random));
            log.push_str(ends[end]);
        }
        if round % 5 == 0 {
            log.push_str(&line(&mut random));
        }
        let log = in_form(&log, round / 4 % 4);
        for chunk in [40, 300, 1 << 16] {
            let (expected, _) = parsed(&log, chunk, true);
            let (all, even) = parsed(&log, chunk, false);
            assert_eq!(all, expected, "{} in {chunk}", log.escape_ascii());
            taken += even;
            left += all.len() - even;
        }
    }
    assert!(taken > 1000 && left > 300, "{taken} and {left}");
}

#[test]
fn rows_that_make_up_for_each_other_are_not_even() {
    // As many separators as three records have, and no more lines.
    for lines in [
        format!("{RECORD},\n{RECORD}\n{}\n", RECORD.replace(",PC-1", "")),
        format!("{}\n{RECORD},\n{RECORD}\n", RECORD.replace(",PC-1", "")),
        format!("{RECORD}\n\n{RECORD},,,,,,,\n"),
        format!("\n{RECORD},,,,,,,\n{RECORD}\n"),
    ] {
        let log = format!("{HEADER}\n{lines}");
        let (expected, _) = parsed(log.as_bytes(), 1 << 16, true);
        assert_eq!(parsed(log.as_bytes(), 1 << 16, false), (expected, 0));
    }
}

/// What a segment gives that reads as a small log does.
fn of_segment(mut text: Vec<u8>, general: bool) -> Parsed {
    let (mut parser, plan) = prepared(format!("{HEADER}\n{RECORD}\n").as_bytes());
    let len = text.len();
    text.resize(len + PAD, 0);
    let segment = Segment {
        text,
        len,
        offset: 0,
        quotes: false,
        encoding: Encoding::Utf8,
    };
    parser.uneven = general;
    let of = SegmentOf {
        source: 0,
        plan: &plan,
    };
    parser.parse(segment, &of, Columns::default())
}

#[test]
fn what_even_rows_said_counts_if_a_later_one_is_none() {
    let mut text = RECORD.replace("あり", "たぶん").into_bytes();
    text.extend_from_slice(b"\n2024/04/01 08:10:11,\xFF,,PC-1,,,,\n");
    // Many more than are read at a time.
    text.extend_from_slice(format!("{RECORD}\n").repeat(5000).as_bytes());
    text.extend_from_slice(RECORD.replace("2024", "20X4").as_bytes());
    let (general, even) = (of_segment(text.clone(), true), of_segment(text, false));
    assert_eq!((even.replaced, even.unknown_references), (1, 1));
    assert_eq!(told(&even), told(&general));
}

#[test]
fn a_line_that_is_too_long_is_rejected_among_even_ones() {
    let long = RECORD.replace("PC-1", &"x".repeat(MAX_RECORD));
    for general in [false, true] {
        let text = format!("{RECORD}\n{long}\n{RECORD}\n").into_bytes();
        let parsed = of_segment(text, general);
        let reasons: Vec<&str> = parsed.rejects.iter().map(|reject| reject.reason).collect();
        assert_eq!((parsed.block.columns.len(), reasons), (2, vec!["too_long"]));
    }
}
