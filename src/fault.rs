//! What is wrong with a source: a kind for programs, and both texts for people.

use std::fmt;
use std::io;

use crate::individual::mask::masked;
use crate::record::Field;
use crate::words::{Words, count, of_system};

/// A header or a cell of a log as a message shows it: masked, and its first characters.
#[must_use]
pub fn shown(text: &str) -> String {
    const MOST: usize = 40;
    masked(text).chars().take(MOST).collect()
}

/// What is wrong with a source as a whole; programs tell by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// The system cannot open or read it.
    Unreadable,
    /// A pipe or a device.
    NotRegular,
    /// Nothing is in it.
    Empty,
    /// Bytes that no text has.
    Binary,
    /// An Excel workbook or another Office document.
    Workbook,
    /// Another kind of file that is no log.
    Foreign,
    /// A directory or an archive without a log.
    NoLog,
    /// A member of an archive that needs a password.
    Encrypted,
    /// A member of an archive whose compression is not understood, or a link.
    Member,
    /// Compressed twice.
    Twice,
    /// Decompresses to too many times its size.
    Ratio,
    /// Ends too early.
    CutShort,
    /// Compressed data or an archive that contradicts itself.
    Damaged,
    /// Became another while it was read.
    Changed,
    /// Times that do not read, or read in two ways.
    Times,
    /// A stream of the caller failed, or a thread.
    Failed,
}

impl InputKind {
    /// All kinds.
    pub const ALL: [InputKind; 16] = [
        InputKind::Unreadable,
        InputKind::NotRegular,
        InputKind::Empty,
        InputKind::Binary,
        InputKind::Workbook,
        InputKind::Foreign,
        InputKind::NoLog,
        InputKind::Encrypted,
        InputKind::Member,
        InputKind::Twice,
        InputKind::Ratio,
        InputKind::CutShort,
        InputKind::Damaged,
        InputKind::Changed,
        InputKind::Times,
        InputKind::Failed,
    ];

    /// As programs read it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            InputKind::Unreadable => "unreadable",
            InputKind::NotRegular => "not_regular",
            InputKind::Empty => "empty",
            InputKind::Binary => "binary",
            InputKind::Workbook => "workbook",
            InputKind::Foreign => "foreign",
            InputKind::NoLog => "no_log",
            InputKind::Encrypted => "encrypted",
            InputKind::Member => "member",
            InputKind::Twice => "twice",
            InputKind::Ratio => "ratio",
            InputKind::CutShort => "cut_short",
            InputKind::Damaged => "damaged",
            InputKind::Changed => "changed",
            InputKind::Times => "times",
            InputKind::Failed => "failed",
        }
    }
}

/// What is wrong with a source, and what to do. Travels in an [`io::Error`] where bytes are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFault {
    /// For programs.
    pub kind: InputKind,
    /// For people, without the name of the source.
    pub words: Words,
}

impl InputFault {
    /// A fault.
    pub fn new(kind: InputKind, words: impl Into<Words>) -> InputFault {
        let words = words.into();
        InputFault { kind, words }
    }

    /// Compressed data that contradicts itself; `how` is the detail.
    pub fn damaged(how: impl Into<Words>) -> InputFault {
        let Words { ja, en } = how.into();
        InputFault::new(
            InputKind::Damaged,
            (
                format!("the compressed data is damaged ({en})"),
                format!(
                    "圧縮ファイルが壊れています（{ja}）。元の場所からコピーし直すか、もう一度書き出してもらってください"
                ),
            ),
        )
    }

    /// A file that ends too early; `how` is the detail.
    pub fn cut_short(how: impl Into<Words>) -> InputFault {
        let Words { ja, en } = how.into();
        InputFault::new(
            InputKind::CutShort,
            (
                format!("the file is cut short ({en})"),
                format!(
                    "ファイルが途中で切れています（{ja}）。元の場所からコピーし直すか、もう一度書き出してもらってください"
                ),
            ),
        )
    }

    /// As an error of reading.
    #[must_use]
    pub fn io(self) -> io::Error {
        let kind = match self.kind {
            InputKind::CutShort => io::ErrorKind::UnexpectedEof,
            InputKind::Damaged => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, self)
    }

    /// What an error of reading means to a person.
    #[must_use]
    pub fn of(error: &io::Error) -> InputFault {
        if let Some(fault) = error.get_ref().and_then(|e| e.downcast_ref::<InputFault>()) {
            return fault.clone();
        }
        let own = || (error.to_string(), error.to_string());
        match error.kind() {
            io::ErrorKind::UnexpectedEof => InputFault::cut_short(own()),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => InputFault::damaged(own()),
            kind => {
                let Words { ja, en } = of_system(error);
                let en = match kind {
                    io::ErrorKind::NotFound => "no such file".into(),
                    io::ErrorKind::PermissionDenied => "permission denied".into(),
                    _ => en,
                };
                let ja = format!("ファイルを読めません（{ja}）");
                InputFault::new(InputKind::Unreadable, (en, ja))
            }
        }
    }
}

impl fmt::Display for InputFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.en)
    }
}

impl std::error::Error for InputFault {}

/// Why the columns of a source cannot be mapped to the fields of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnFault {
    /// No header means these fields.
    Missing {
        /// The fields that must be there.
        fields: Vec<Field>,
        /// The headers that are there.
        headers: Vec<String>,
    },
    /// A header that was named is not there.
    Unknown {
        /// The field it was named for.
        field: Field,
        /// The header that was named.
        column: String,
        /// The headers that are there.
        headers: Vec<String>,
    },
    /// There is no header, and no position was given.
    Positions {
        /// The cells of the first row.
        cells: Vec<String>,
    },
    /// The values of a column of record batches cannot be read.
    Values(Words),
}

const HOW_JA: &str = "当たる列を --column 項目=見出し で指定してください（例: --column time=発生日時。日付と時刻が別の列なら、--column time=日付の列 --column time=時刻の列 と二度書きます）。見出しが見慣れないログでは、まず yokome init ログ --column 項目=見出し --out policy.toml で、列の対応を書いたポリシーを作ると、次からは --policy policy.toml だけで済みます。見出しが読めない文字なら、--encoding の指定を確かめてください";

const GARBLED_JA: &str = "見出しが文字化けしています。--encoding の指定を外すか（自動で見分けます）、cp932 など正しい文字コードを指定してください";

impl ColumnFault {
    /// The headers that are there.
    #[must_use]
    pub fn headers(&self) -> &[String] {
        match self {
            ColumnFault::Missing { headers, .. } | ColumnFault::Unknown { headers, .. } => headers,
            ColumnFault::Positions { cells } => cells,
            ColumnFault::Values(_) => &[],
        }
    }

    /// The fields for which there is no column.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        match self {
            ColumnFault::Missing { fields, .. } => fields.iter().map(|f| f.name()).collect(),
            ColumnFault::Unknown { field, .. } => vec![field.name()],
            ColumnFault::Positions { .. } | ColumnFault::Values(_) => Vec::new(),
        }
    }

    /// The header that was named and is not there.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match self {
            ColumnFault::Unknown { column, .. } => Some(column),
            _ => None,
        }
    }

    /// The header that was perhaps meant.
    #[must_use]
    pub fn nearest(&self) -> Option<&str> {
        let headers: Vec<&str> = self.headers().iter().map(String::as_str).collect();
        crate::words::nearest(self.column()?, &headers)
    }

    /// Both texts, without the name of the source.
    #[must_use]
    pub fn words(&self) -> Words {
        let (seen, seen_ja) = listed(self.headers());
        let garbled = self.headers().iter().any(|h| h.contains('\u{FFFD}'));
        let hint = if garbled {
            format!("\n{GARBLED_JA}")
        } else {
            String::new()
        };
        match self {
            ColumnFault::Missing { fields, .. } => {
                let names: Vec<&str> = fields.iter().map(|f| f.name()).collect();
                let shown: Vec<String> = fields.iter().map(|f| in_japanese(*f)).collect();
                let field = names.first().unwrap_or(&"time");
                (
                    format!(
                        "no column found for {}; headers seen: {seen}. Map it: --column {field}=HEADER, columns={{\"{field}\": \"HEADER\"}}, or [columns] {field} = \"HEADER\" in the policy (yokome init LOG --column {field}=HEADER --out policy.toml writes one)",
                        names.join(" and ")
                    ),
                    format!(
                        "{}の列が見付かりません。ログの見出し: {seen_ja}{hint}\n{HOW_JA}",
                        shown.join("、")
                    ),
                )
                    .into()
            }
            ColumnFault::Unknown { field, column, .. } => {
                let near = self.nearest().map(|near| {
                    (
                        format!(" (did you mean {near}?)"),
                        format!("もしかして「{near}」ですか。"),
                    )
                });
                let (near, near_ja) = near.unwrap_or_default();
                (
                    format!(
                        "column {column}, named for {}, is not in the header{near}; headers seen: {seen}",
                        field.name()
                    ),
                    format!(
                        "{}に指定された見出し「{column}」がありません。{near_ja}ログの見出し: {seen_ja}{hint}\n{HOW_JA}",
                        in_japanese(*field)
                    ),
                )
                    .into()
            }
            ColumnFault::Positions { cells } => (
                format!(
                    "without a header, the columns of time and user must be given by position (1-based), within the {} columns seen: {seen}",
                    cells.len()
                ),
                format!(
                    "見出しのないログでは、日時（time）と職員番号（user）の列を番号で指定する必要があります（1 から {} まで）。最初の行: {seen_ja}\n--column time=1 --column user=2 のように、左から数えた列の番号で指定してください",
                    cells.len()
                ),
            )
                .into(),
            ColumnFault::Values(words) => words.clone(),
        }
    }
}

/// The first headers, and how many there are besides: English and Japanese.
fn listed(headers: &[String]) -> (String, String) {
    const MOST: usize = 100;
    let seen = headers[..headers.len().min(MOST)].join(", ");
    match headers.len().saturating_sub(MOST) {
        0 => (seen.clone(), seen),
        more => {
            let more = count(more as u64);
            (
                format!("{seen} and {more} more"),
                format!("{seen} ほか {more} 列"),
            )
        }
    }
}

/// A field as officers call it, with its name.
fn in_japanese(field: Field) -> String {
    format!("{}（{}）", field.japanese(), field.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_japanese(text: &str) -> bool {
        text.chars().any(|c| ('\u{3041}'..='\u{30FF}').contains(&c))
    }

    #[test]
    fn kinds_have_names_of_their_own() {
        let mut names: Vec<&str> = InputKind::ALL.iter().map(|kind| kind.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), InputKind::ALL.len());
    }

    #[test]
    fn a_fault_survives_the_way_through_a_reader() {
        let fault = InputFault::cut_short(("3 bytes are missing", "3 バイト足りません"));
        assert_eq!(InputFault::of(&fault.clone().io()), fault);
    }

    #[test]
    fn every_error_of_reading_is_said_in_japanese() {
        for kind in [
            io::ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::InvalidData,
            io::ErrorKind::InvalidInput,
            io::ErrorKind::Other,
        ] {
            let fault = InputFault::of(&io::Error::new(kind, "detail"));
            assert!(is_japanese(&fault.words.ja), "{kind:?}");
            assert!(!is_japanese(&fault.words.en), "{kind:?}");
        }
    }

    #[test]
    fn of_very_many_headers_some_are_listed() {
        let headers: Vec<String> = (0..5_000).map(|n| format!("h{n}")).collect();
        let fields = vec![Field::User];
        let words = ColumnFault::Missing { fields, headers }.words();
        assert!(words.en.contains("h99 and 4,900 more."), "{}", words.en);
        assert!(words.ja.contains("h99 ほか 4,900 列\n"), "{}", words.ja);
        assert_eq!(shown(&"あ".repeat(99)), "あ".repeat(40));
    }

    #[test]
    fn columns_that_are_missing_name_the_headers_and_the_nearest() {
        let headers = vec!["操作日時".to_owned(), "機器名称".to_owned()];
        let fault = ColumnFault::Unknown {
            field: Field::Terminal,
            column: "機器名".into(),
            headers: headers.clone(),
        };
        assert_eq!(fault.nearest(), Some("機器名称"));
        assert_eq!(fault.missing(), ["terminal"]);
        assert!(fault.words().ja.contains("もしかして「機器名称」ですか"));
        let fields = vec![Field::Time, Field::User];
        let fault = ColumnFault::Missing { fields, headers };
        assert_eq!(fault.missing(), ["time", "user"]);
        assert!(
            fault
                .words()
                .ja
                .contains("日時（time）、職員番号（user）の列")
        );
        let cells = vec!["2026/04/01".to_owned()];
        for fault in [ColumnFault::Positions { cells }, fault] {
            assert!(is_japanese(&fault.words().ja));
            assert!(!fault.words().en.is_empty());
        }
    }
}
