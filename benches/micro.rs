//! The core's parts, one by one: `cargo bench`, or `cargo bench -- scan` for a part.
//!
//! All on the same made-up log, so that branches and caches see what they see in a scan.

use std::sync::{Arc, LazyLock};

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};

use yokome::block::{Block, Columns, REFERENCES_NO, REFERENCES_YES};
use yokome::detect::calendar::{HolidayCache, NoHolidays};
use yokome::detect::conditions::Conditions;
use yokome::detect::group::Grouped;
use yokome::detect::predicate::Evaluator;
use yokome::detect::shards::{PerRules, Shard, ShardContext};
use yokome::dictionary::{Dictionaries, id_column, pack_digits};
use yokome::log::encoding::Encoding;
use yokome::log::framer::Segment;
use yokome::log::head::Head;
use yokome::log::intern::{BEHIND, Cache, NARROW, Room, TOGETHER};
use yokome::log::meaning::Meaning;
use yokome::log::parse::{Parser, SegmentOf};
use yokome::log::plan::{Plan, ReadOptions};
use yokome::log::scan::{Index, PAD, Special, index};
use yokome::log::time::{TimeFormat, TimeReader, Zone};
use yokome::order::packing::{BatchPacking, Packer};
use yokome::order::{Batch, Waiting};
use yokome::policy::Policy;
use yokome::record::{Field, Outcome};
use yokome::scan::jobs::BUCKETS;
use yokome::synth::{SynthColumns, SynthConfig, generate};

fn main() {
    divan::main();
}

const RECORDS: u64 = 200_000;

/// The log: eight columns, LF, 20 users in 60 days.
static LOG: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let config = SynthConfig {
        records: RECORDS,
        users: 20,
        columns: SynthColumns::Eight,
        crlf: false,
        ..SynthConfig::default()
    };
    let mut log = Vec::new();
    let go_on = &mut |_, _| std::ops::ControlFlow::Continue(());
    generate(&config, &mut log, None, go_on).expect("a configuration that can be met");
    log
});

/// The cells of every record.
static CELLS: LazyLock<Vec<[&str; 8]>> = LazyLock::new(|| {
    let text = std::str::from_utf8(&LOG).expect("UTF-8");
    let cells = |line: &'static str| {
        let mut cells = [""; 8];
        for (cell, text) in cells.iter_mut().zip(line.split(',')) {
            *cell = text;
        }
        cells
    };
    text.lines().skip(1).map(cells).collect()
});

/// The columns of an eight-column log.
const TIME: usize = 0;
const USER: usize = 1;
const DEPARTMENT: usize = 2;
const TERMINAL: usize = 3;
const OPERATION: usize = 4;
const RESULT: usize = 5;
const REFERENCES: usize = 6;
const SUBJECT: usize = 7;

// --- structural scan -----------------------------------------------------------------------------

/// `plain`: no quote in the text. `quotes`: none either, but they are looked for. `quoted`: every
/// field. `cp932`: as quotes, and `|` could be the second byte of a character.
#[divan::bench(args = ["plain", "quotes", "quoted", "cp932"])]
fn scan(bencher: Bencher<'_, '_>, form: &str) {
    let mut text = match form {
        "quoted" => quoted(&LOG),
        "cp932" => LOG
            .iter()
            .map(|&b| if b == b',' { b'|' } else { b })
            .collect(),
        _ => LOG.clone(),
    };
    let len = text.len();
    text.resize(len + PAD, 0);
    let special = Special {
        delimiter: if form == "cp932" { b'|' } else { b',' },
        quotes: form != "plain",
        cp932_trail: form == "cp932",
    };
    let mut out = Index::default();
    bencher
        .counter(BytesCount::new(len))
        .bench_local(|| index(black_box(&text), len, special, &mut out));
}

fn quoted(log: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(log).expect("UTF-8");
    let lines = text
        .lines()
        .map(|line| format!("\"{}\"\n", line.replace(',', "\",\"")));
    lines.collect::<String>().into_bytes()
}

// --- times ---------------------------------------------------------------------------------------

/// `common`: `YYYY/MM/DD hh:mm:ss`, in time order as logs are. `shuffled`: the same, each a new
/// minute. The others by the general readers.
#[divan::bench(args = ["common", "shuffled", "compact", "explicit"])]
fn times(bencher: Bencher<'_, '_>, form: &str) {
    let mut texts: Vec<String> = CELLS.iter().map(|cells| cells[TIME].to_owned()).collect();
    if form == "shuffled" {
        let n = texts.len();
        texts = (0..n).map(|i| texts[i * 7_919 % n].clone()).collect();
    }
    let format = match form {
        "compact" => {
            for text in &mut texts {
                text.retain(|c| c.is_ascii_digit());
            }
            TimeFormat::Compact
        }
        "explicit" => TimeFormat::Explicit(vec!["%Y/%m/%d %H:%M:%S".to_owned()]),
        _ => TimeFormat::YearMonthDay,
    };
    let zone = Zone::named("Asia/Tokyo").expect("a zone");
    let mut reader = TimeReader::new(format, zone);
    bencher
        .counter(ItemsCount::new(texts.len()))
        .bench_local(|| {
            texts
                .iter()
                .filter_map(|text| reader.read(text.as_bytes()))
                .fold(0i64, i64::wrapping_add)
        });
}

// --- interning -----------------------------------------------------------------------------------

#[allow(clippy::cast_possible_truncation)]
fn narrow(start: usize, end: usize) -> (u32, u32) {
    (start as u32, end as u32)
}

/// Cells of which there are few, and of which there are many; and three side by side as one span.
#[divan::bench(args = [("user", USER, USER), ("department", DEPARTMENT, DEPARTMENT), ("subject", SUBJECT, SUBJECT), ("person", USER, TERMINAL)])]
fn intern(bencher: Bencher<'_, '_>, (_, first, last): (&str, usize, usize)) {
    let mut text = Vec::new();
    let mut spans = Vec::new();
    for cells in CELLS.iter() {
        let from = text.len();
        text.extend_from_slice(cells[first..=last].join(",").as_bytes());
        spans.push((from, text.len()));
        text.push(b',');
    }
    text.extend_from_slice(&[0; BEHIND]);
    bencher
        .counter(ItemsCount::new(spans.len()))
        .bench_local(|| {
            let mut cache: Cache<NARROW, u32> = Cache::default();
            let mut room = Room::default();
            let mut sum = 0u64;
            for spans in spans.chunks(TOGETHER) {
                for (to, &(start, end)) in room.spans.iter_mut().zip(spans) {
                    *to = narrow(start, end);
                }
                let found = cache.find_all(&text, spans.len(), &mut room);
                let found = found.values.iter_mut().zip(found.known).zip(spans);
                for ((value, &known), &(from, to)) in found {
                    if !known {
                        *value = cache.find(&text, from, to).unwrap_or_else(|| {
                            let number = u32::try_from(cache.len()).expect("few");
                            cache.insert(&text[from..to], number);
                            number
                        });
                    }
                    sum += u64::from(*value);
                }
            }
            sum
        });
}

// --- rules ---------------------------------------------------------------------------------------

/// A rule of every kind, and `count` with and without `by`.
#[rustfmt::skip]
const RULES: [(&str, &str); 10] = [
    ("match", "where = { references = true, calendar = \"off-hours\" }"),
    ("count", "where = { result = \"failure\" }\nwindow = \"24h\"\nat_least = 3"),
    ("count by", "by = [\"subject\"]\nwindow = \"7d\"\nat_least = 5"),
    ("distinct", "field = \"terminal\"\nwindow = \"1h\"\nat_least = 3"),
    ("novelty", "field = \"terminal\"\nlookback = \"30d\"\nmin_active_days = 5"),
    ("hours", "lookback = \"30d\"\nmin_active_days = 5\nat_least = \"3h\""),
    ("spike", "lookback = \"30d\"\nmin_active_days = 5\nat_least = 50\nfactor = 3"),
    ("spike distinct", "distinct = \"subject\"\nlookback = \"30d\"\nmin_active_days = 5\nat_least = 50\nfactor = 3"),
    ("gap", "idle = \"12h\""),
    ("sequence", "steps = [{ result = \"failure\", times = 2 }, { result = \"success\" }]\nwithin = \"15m\""),
];

/// What a rule is given.
struct Prepared {
    policy: Policy,
    dictionaries: Arc<Dictionaries>,
    conditions: Arc<Conditions>,
    columns: Columns,
}

impl Prepared {
    fn new(name: &str) -> Prepared {
        let (_, body) = RULES
            .into_iter()
            .find(|rule| rule.0 == name)
            .expect("a rule");
        let kind = name.split(' ').next().unwrap_or(name);
        let toml = format!("[[rules]]\nid = \"rule\"\nkind = \"{kind}\"\n{body}\n");
        let policy = Policy::from_toml(&toml, "micro", None).expect("a policy");
        let dictionaries = Arc::new(Dictionaries::default());
        let columns = columns(&dictionaries);
        let meaning = Meaning::of(&policy, true);
        let conditions = Conditions::new(&policy, &meaning, &dictionaries).expect("conditions");
        Prepared {
            policy,
            dictionaries,
            conditions: Arc::new(conditions),
            columns,
        }
    }

    fn evaluator(&self) -> Evaluator {
        let holidays = HolidayCache::new(&self.policy.calendar, Arc::new(NoHolidays));
        Evaluator::new(
            Arc::clone(&self.conditions),
            Arc::clone(&self.dictionaries),
            &self.policy,
            Arc::new(holidays),
        )
        .expect("an evaluator")
    }
}

/// The log as the parser would hand it on.
fn columns(dictionaries: &Dictionaries) -> Columns {
    let zone = Zone::named("Asia/Tokyo").expect("a zone");
    let mut reader = TimeReader::new(TimeFormat::YearMonthDay, zone);
    let mut columns = Columns::default();
    for (line, cells) in CELLS.iter().enumerate() {
        let time = reader.read(cells[TIME].as_bytes()).expect("a time");
        columns.push_row(time, line, 0, 0);
        for (field, column) in [
            (Field::User, USER),
            (Field::Department, DEPARTMENT),
            (Field::Terminal, TERMINAL),
            (Field::Operation, OPERATION),
        ] {
            let id = dictionaries.of(field).intern(cells[column], None);
            columns.ids[id_column(field).expect("an id field")].push(id);
        }
        columns.result.push(match cells[RESULT] {
            "失敗" => Outcome::Failure as u8,
            _ => Outcome::Success as u8,
        });
        columns.references.push(match cells[REFERENCES] {
            "あり" => REFERENCES_YES,
            _ => REFERENCES_NO,
        });
        let subject = pack_digits(cells[SUBJECT].as_bytes()).unwrap_or(0);
        columns.subject.push(subject);
    }
    columns
}

/// The `where` of a rule for every record.
#[divan::bench(args = ["match", "count"])]
fn conditions(bencher: Bencher<'_, '_>, rule: &str) {
    let mut prepared = Prepared::new(rule);
    let mut evaluator = prepared.evaluator();
    let columns = &mut prepared.columns;
    bencher
        .counter(ItemsCount::new(columns.len()))
        .bench_local(|| evaluator.masks(black_box(columns)).expect("masks"));
}

/// A rule over a packed batch, from no state to the last finding.
#[divan::bench(args = RULES.map(|rule| rule.0))]
fn rule(bencher: Bencher<'_, '_>, rule: &str) {
    let mut prepared = Prepared::new(rule);
    let mut evaluator = prepared.evaluator();
    evaluator.masks(&mut prepared.columns).expect("masks");
    let bits = prepared.conditions.bits();
    let block = Block {
        columns: std::mem::take(&mut prepared.columns),
        ..Block::default()
    };
    let per = PerRules::of(&prepared.policy, |_| true).remove(0);
    let wanted = per.wanted(bits);
    let dictionaries = Arc::clone(&prepared.dictionaries);
    let mut packer = Packer::new(Arc::new(vec![wanted.clone()]), BUCKETS, dictionaries);
    let mut block = Waiting::from(block);
    block.pack(&mut packer);
    let packing = BatchPacking::of(std::iter::once(block.packed(0)), &wanted);
    let batch = Batch::of(vec![block]);
    let context = ShardContext {
        policy: &prepared.policy,
        bits,
        dictionaries: &prepared.dictionaries,
    };
    let mut grouped = Grouped::default();
    bencher
        .counter(ItemsCount::new(batch.len()))
        .with_inputs(|| Shard::new(&prepared.policy, per.clone()))
        .bench_local_values(|mut shard| {
            let batch = (black_box(&batch), &packing, 0);
            let out = shard.advance(context, batch, (0..BUCKETS, BUCKETS), &mut grouped);
            (out, shard.finish(context))
        });
}

// --- parsing -------------------------------------------------------------------------------------

/// Segments → blocks, over and over: the columns are used again, and stay near.
#[divan::bench(args = ["plain", "quoted"])]
fn parse(bencher: Bencher<'_, '_>, form: &str) {
    const SEGMENT: usize = 1 << 19;
    let mut log = match form {
        "quoted" => quoted(&LOG),
        _ => LOG.clone(),
    };
    let policy = Policy::default_policy();
    let options = ReadOptions::of(&policy).expect("the default policy");
    let head = Head::read(&mut log.as_slice()).expect("bytes in memory");
    let plan = Plan::of("log.csv", &head, &options).expect("a log");
    let header = log.iter().position(|&b| b == b'\n').expect("lines") + 1;
    let end = header
        + log[header..header + SEGMENT]
            .iter()
            .rposition(|&b| b == b'\n')
            .expect("lines")
        + 1;
    let records = memchr::memchr_iter(b'\n', &log[header..end]).count();
    log.truncate(end);
    log.drain(..header);
    let meaning = Arc::new(Meaning::of(&policy, true));
    let mut parser = Parser::new(meaning, Arc::default(), options.zone.clone()).watching();
    let (mut text, mut columns) = (Vec::new(), Columns::default());
    bencher.counter(ItemsCount::new(records)).bench_local(|| {
        text.clear();
        text.extend_from_slice(&log);
        text.resize(log.len() + PAD, 0);
        let segment = Segment {
            text: std::mem::take(&mut text),
            len: log.len(),
            offset: 0,
            quotes: form == "quoted",
            encoding: Encoding::Utf8,
        };
        let of = SegmentOf {
            source: 0,
            plan: &plan,
        };
        let mut parsed = parser.parse(segment, &of, std::mem::take(&mut columns));
        text = parsed
            .spare
            .take()
            .expect("a log of which every column is known");
        columns = parsed.block.columns;
    });
}
