//! How records were written, where that and what they say is all there is to their text.
//!
//! A log of which every column feeds a field says everything twice: in its text, and in the columns of
//! its blocks. Where both agree to the byte, the text need not be kept until it is known which records
//! are flagged: theirs is made again. Whether they agree is asked once per distinct value and minute,
//! not per record; where it is not certain (quotes, values that `[normalise]` changes, times of another
//! form, undecodable bytes, columns that feed no field) the text is kept.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::header::Mapping;
use super::time::{Form, push_civil};
use crate::block::Said;
use crate::dictionary::{Reading, Values, id_column, packed_digits};
use crate::record::Field;

/// How records were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// What each cell says, from the first on.
    cells: Vec<Cell>,
    delimiter: char,
    /// Whether every cell stands in quotes; none does otherwise.
    quoted: bool,
    time: Form,
}

/// The wordings of a scan, numbered from 1.
#[derive(Default)]
pub struct Wordings(RwLock<Vec<Wording>>);

impl Wordings {
    /// The number of a wording; none if there are more than numbers.
    pub fn number(&self, wording: &Wording) -> Option<u8> {
        let place = |known: &[Wording]| known.iter().position(|one| one == wording);
        let known = place(&self.read());
        let at = known.unwrap_or_else(|| {
            let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
            // (Another thread may have been faster.)
            place(&all).unwrap_or_else(|| {
                all.push(wording.clone());
                all.len() - 1
            })
        });
        u8::try_from(at + 1).ok()
    }

    /// All wordings as they stand.
    pub fn read(&self) -> RwLockReadGuard<'_, Vec<Wording>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Time,
    Id(usize),
    /// By its place in [`Said::words`].
    Word(usize),
    Subject,
}

impl Wording {
    /// The wording of records of a mapping and a delimiter, all of whose cells are quoted or none, and
    /// whose times are of a form; none if there is more to a record than its fields.
    #[must_use]
    pub fn of(mapping: &Mapping, (delimiter, quoted): (u8, bool), time: Form) -> Option<Wording> {
        if mapping.time_of_day.is_some() {
            return None;
        }
        let cell = |column: usize| {
            let mut fields = Field::ALL.into_iter();
            let field = fields.find(|&field| mapping.column(field) == Some(column))?;
            Some(match field {
                Field::Time => Cell::Time,
                Field::Result => Cell::Word(0),
                Field::References => Cell::Word(1),
                Field::Subject => Cell::Subject,
                field => Cell::Id(id_column(field)?),
            })
        };
        Some(Wording {
            cells: (0..mapping.width).map(cell).collect::<Option<_>>()?,
            delimiter: delimiter.is_ascii().then(|| char::from(delimiter))?,
            quoted,
            time,
        })
    }

    /// Puts the text of a record, decoded, behind what `to` holds; `values` are of the dictionaries that
    /// it means.
    pub fn push(&self, values: &Reading<'_>, (time, said): (i64, &Said), to: &mut String) {
        for (number, cell) in self.cells.iter().enumerate() {
            if number > 0 {
                to.push(self.delimiter);
            }
            if self.quoted {
                to.push('"');
            }
            let dictionary = |values: &Values, id: u32, to: &mut String| {
                to.push_str(values.text(id).unwrap_or_default());
            };
            match *cell {
                Cell::Time => push_civil(self.time, time, to),
                Cell::Id(column) => dictionary(&values.ids[column], said.ids[column], to),
                Cell::Word(which) => dictionary(&values.words[which], said.words[which].into(), to),
                Cell::Subject => {
                    let subject = said.subject;
                    if let Some((digits, len)) = packed_digits(subject) {
                        let digits = digits.to_le_bytes();
                        to.push_str(std::str::from_utf8(&digits[..len]).unwrap_or_default());
                    } else {
                        let id = u32::try_from(subject).unwrap_or_default();
                        dictionary(&values.subjects, id, to);
                    }
                }
            }
            if self.quoted {
                to.push('"');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::block::{Block, Columns};
    use crate::dictionary::Dictionaries;
    use crate::log::framer::Frame;
    use crate::log::head::Head;
    use crate::log::meaning::Meaning;
    use crate::log::parse::{Parser, SegmentOf};
    use crate::log::plan::{Plan, ReadOptions};
    use crate::policy::Policy;

    const HEADER: &str = "日時,職員番号,所属,端末番号,操作内容,処理結果,個人番号参照,宛名番号";

    /// The blocks of a log by a policy, segments of `chunk` bytes each, and the values they mean.
    fn blocks(log: &[u8], policy: &str, chunk: usize) -> (Vec<Block>, Arc<Dictionaries>) {
        let dictionaries = Arc::new(Dictionaries::default());
        let policy = Policy::from_toml(policy, "test", None).expect("a policy");
        let options = ReadOptions::of(&policy).expect("options");
        let head = Head::read(&mut &log[..]).expect("bytes");
        let plan = Plan::of("log.csv", &head, &options).expect("a log");
        let meaning = Arc::new(Meaning::of(&policy, true));
        let zone = options.zone.clone();
        let mut parser = Parser::new(meaning, Arc::clone(&dictionaries), zone);
        let source = Box::new(std::io::Cursor::new(log.to_vec()));
        let mut framer = plan.framer(source, chunk).expect("bytes");
        let mut blocks = Vec::new();
        while let Some(frame) = framer.next(Vec::new()).expect("bytes") {
            if let Frame::Records(segment) = frame {
                let of = SegmentOf {
                    source: 0,
                    plan: &plan,
                };
                let parsed = parser.parse(segment, &of, Columns::default());
                assert_eq!(parsed.spare.is_some(), parsed.block.wording(0) > 0);
                blocks.push(parsed.block);
            }
        }
        (blocks, dictionaries)
    }

    /// The decoded texts of all records, and in how many blocks they are told.
    fn texts((blocks, dictionaries): &(Vec<Block>, Arc<Dictionaries>)) -> (Vec<String>, usize) {
        let values = dictionaries.reading();
        let text = |block: &Block, at: usize| {
            let Some(wording) = values.wording(block.wording(at)) else {
                let (bytes, encoding) = block.raw(at).expect("a text");
                return encoding.decode(bytes).0.into_owned();
            };
            assert_eq!(block.raw(at), None);
            let mut text = String::new();
            let said = (block.columns.time[at], &block.columns.said(at));
            wording.push(&values, said, &mut text);
            text
        };
        let texts = blocks
            .iter()
            .flat_map(|block| (0..block.columns.len()).map(|at| text(block, at)));
        let told = blocks.iter().filter(|block| block.wording(0) > 0);
        (texts.collect(), told.count())
    }

    fn log(records: &[&str], end: &str) -> String {
        let lines = std::iter::once(&HEADER).chain(records);
        lines.flat_map(|line| [line, end]).collect()
    }

    const RECORDS: [&str; 6] = [
        "2026/04/01 08:59:59,0012,税務課,PC-1,照会,成功,あり,0000000012",
        "2026/04/01 09:00:00,0012,税務課,PC-1,照会,OK,有,A-7",
        "2026/04/01 09:00:00,0012,税務課,PC-1,印刷,失敗,なし,",
        "2026/04/01 09:00:59,7,税務課 ,,照会,エラー,×,1234567890123456",
        "2026/04/02 00:00:00,,,,,,,",
        "2026/04/02 23:59:59,髙橋,税務課,PC-1,照会,保留, ,００１２",
    ];

    #[test]
    fn texts_are_told_to_the_byte() {
        for end in ["\n", "\r\n", "\r"] {
            for (form, quoted) in [("plain", false), ("quoted", true)] {
                let mut text = log(&RECORDS, end);
                let mut expected: Vec<String> = RECORDS.map(str::to_owned).to_vec();
                if quoted {
                    let quote = |text: &str| format!("\"{}\"", text.replace(',', "\",\""));
                    let lines = text.split_terminator(end).map(quote);
                    text = lines.flat_map(|line| [line, end.to_owned()]).collect();
                    expected = RECORDS.map(quote).to_vec();
                }
                let (cp932, ..) = encoding_rs::SHIFT_JIS.encode(&text);
                for log in [text.as_bytes(), &cp932] {
                    for chunk in [1 << 16, 100] {
                        let blocks = blocks(log, "", chunk);
                        let (texts, told) = texts(&blocks);
                        assert_eq!(texts, expected, "{form}");
                        assert_eq!(told, blocks.0.len(), "{form} {end:?} {chunk}");
                    }
                }
            }
        }
    }

    #[test]
    fn where_there_is_more_to_a_record_its_text_is_kept() {
        let trim = "[normalise]\ntrim = true\n";
        let minutes = "2026/04/01 09:01,7,課,PC,照会,成功,あり,1";
        let dashes = "2026-04-03 00:00:00,7,課,PC,照会,成功,あり,1";
        let earlier = "2026/03/01 00:00:00,7,課,PC,照会,成功,あり,1";
        let cases: [(&str, &str, &str); 8] = [
            ("a value that is normalised", trim, ""),
            (
                "a quote",
                "",
                "2026/04/03 00:00:00,\"7\",課,PC,照会,成功,あり,1",
            ),
            (
                "a quoted quote",
                "",
                "2026/04/03 00:00:00,7,課,PC,\"照\"\"会\",成功,あり,1",
            ),
            ("a time of another form", "", minutes),
            ("another separator", "", dashes),
            ("no order", "", earlier),
            (
                "a quote within",
                "",
                "2026/04/03 00:00:00,7,課,P\"C,照会,成功,あり,1",
            ),
            (
                "a zone",
                "",
                "2026/04/03 00:00:00+09:00,7,課,PC,照会,成功,あり,1",
            ),
        ];
        for (what, policy, record) in cases {
            let mut records = RECORDS.to_vec();
            records.extend(Some(record).filter(|record| !record.is_empty()));
            let (texts, told) = texts(&blocks(log(&records, "\n").as_bytes(), policy, 1 << 16));
            assert_eq!(texts, records, "{what}");
            assert_eq!(told, 0, "{what}");
        }
    }

    #[test]
    fn columns_that_feed_no_field_and_undecodable_bytes_keep_their_text() {
        let more = log(&RECORDS, ",画面\n").replacen(",画面", ",画面番号", 1);
        let (found, told) = texts(&blocks(more.as_bytes(), "", 1 << 16));
        assert_eq!(found, RECORDS.map(|record| format!("{record},画面")));
        assert_eq!(told, 0);
        let mut odd = log(&RECORDS, "\n").into_bytes();
        odd.extend_from_slice(b"2026/04/03 00:00:00,7,\xE7\xA8,PC,x,OK,1,1\n");
        let all = blocks(&odd, "", 1 << 16);
        let (found, told) = texts(&all);
        assert_eq!(found.len(), RECORDS.len() + 1);
        assert_eq!(told, 0);
        let (last, _) = all.0[0].raw(RECORDS.len()).expect("a text");
        assert!(last.ends_with(b",\xE7\xA8,PC,x,OK,1,1"));
    }

    #[test]
    fn texts_are_kept_as_well_where_cells_begin_to_be_looked_up_otherwise() {
        // Cells that are rarely the same together, spans that are long, and such whose ends are alike:
        // after many records, each is looked up in another way.
        let (long, same) = ("課".repeat(20), "0".repeat(20));
        let of: [(&str, &dyn Fn(usize) -> String); 3] = [
            ("rare", &|n| format!("{n},課 ,PC{n}")),
            ("long", &|n| format!("{},{long} ,PC-1", n % 7)),
            ("alike", &|n| format!("{same}{}{same} ,,", n % 90 + 10)),
        ];
        for (what, person) in of {
            let record = |n: usize| format!("2026/04/01 09:00:00,{},照会,成功,あり,1", person(n));
            let records: Vec<String> = (0..40_000).map(record).collect();
            let lines: Vec<&str> = records.iter().map(String::as_str).collect();
            let text = log(&lines, "\n");
            for (policy, exact) in [("[normalise]\ntrim = true\n", false), ("", true)] {
                let all = blocks(text.as_bytes(), policy, 1 << 17);
                let (found, told) = texts(&all);
                assert!(found == records, "{what} {exact}");
                assert_eq!(told, if exact { all.0.len() } else { 0 }, "{what}");
            }
        }
    }

    #[test]
    fn more_words_than_are_numbered_keep_their_text() {
        let record = |n: usize| format!("2026/04/01 09:00:00,7,課,PC,照会,結果{n},あり,1");
        let records: Vec<String> = (0..300).map(record).collect();
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let (found, told) = texts(&blocks(log(&records, "\n").as_bytes(), "", 1 << 16));
        assert_eq!(
            (found, told),
            (records.iter().map(|&r| r.to_owned()).collect(), 0)
        );
        let few = &records[..250];
        let (found, told) = texts(&blocks(log(few, "\n").as_bytes(), "", 1 << 16));
        assert_eq!(
            (found, told),
            (few.iter().map(|&r| r.to_owned()).collect(), 1)
        );
    }

    #[test]
    fn utf_16_keeps_its_text_because_offsets_are_counted_in_it() {
        let units = log(&RECORDS, "\n").encode_utf16().collect::<Vec<u16>>();
        let mut bytes = vec![0xFF, 0xFE];
        bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        let (found, told) = texts(&blocks(&bytes, "", 1 << 16));
        assert_eq!((found, told), (RECORDS.map(str::to_owned).to_vec(), 0));
    }
}
