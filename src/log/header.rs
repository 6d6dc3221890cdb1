//! Header mapping: which column of a log feeds which field of the record.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

use crate::policy::ColumnRef;
use crate::record::Field;

/// Headers that name a field, likeliest first; these and those below as [`fold`] leaves them.
const ALIASES: [(Field, &[&str]); 9] = [
    (
        Field::Time,
        &[
            "日時",
            "操作日時",
            "処理日時",
            "発生日時",
            "アクセス日時",
            "記録日時",
            "time",
            "timestamp",
            "datetime",
            "date",
        ],
    ),
    (
        Field::User,
        &[
            "職員番号",
            "職員コード",
            "職員id",
            "操作者id",
            "利用者id",
            "ユーザid",
            "ユーザーid",
            "オペレータ番号",
            "user",
            "user_id",
            "userid",
        ],
    ),
    (
        Field::Department,
        &[
            "所属",
            "所属名",
            "部署",
            "部署名",
            "課名",
            "所属コード",
            "department",
        ],
    ),
    (
        Field::Terminal,
        &[
            "端末番号",
            "端末id",
            "端末名",
            "操作端末",
            "コンピュータ名",
            "コンピューター名",
            "ホスト名",
            "ipアドレス",
            "接続元",
            "terminal",
            "pc",
            "host",
        ],
    ),
    (Field::System, &["業務名", "システム名", "事務名", "system"]),
    (
        Field::Operation,
        &[
            "操作内容",
            "操作種別",
            "操作区分",
            "操作",
            "処理内容",
            "処理名",
            "activity",
            "operation",
            "action",
        ],
    ),
    (
        Field::Result,
        &[
            "処理結果",
            "操作結果",
            "結果",
            "成否",
            "ステータス",
            "result",
            "status",
        ],
    ),
    (
        Field::References,
        &[
            "個人番号参照",
            "個人番号利用",
            "特定個人情報参照",
            "特定個人情報",
            "個人番号表示",
            "references",
        ],
    ),
    (
        Field::Subject,
        &[
            "宛名番号",
            "宛名コード",
            "住民コード",
            "個人コード",
            "対象者番号",
            "対象者id",
            "整理番号",
            "subject",
        ],
    ),
];

/// Headers of a date that has its time of day in a column of its own.
const DATE: &[&str] = &["日付", "年月日", "操作日", "記録年月日", "date"];
const TIME_OF_DAY: &[&str] = &["時刻", "時分秒", "操作時刻", "記録時刻", "time"];

/// Headers of a staff name, which is the user where no id is logged.
const USER_BY_NAME: &[&str] = &[
    "職員名",
    "操作者",
    "操作者氏名",
    "利用者",
    "ユーザー名",
    "ユーザ名",
];
const USER_NAME: &[&str] = &[
    "職員名",
    "操作者名",
    "操作者氏名",
    "利用者名",
    "表示名",
    "user_name",
];

/// A header as it is compared: NFKC, white space removed, case folded.
#[must_use]
pub fn fold(header: &str) -> String {
    header
        .nfkc()
        .filter(|c| !c.is_whitespace() && *c != '\u{FEFF}')
        .flat_map(char::to_lowercase)
        .collect()
}

/// Columns of a log by field (0-based).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Column of each field, in the order of [`Field::ALL`].
    pub columns: [Option<usize>; 10],
    /// Column of the time of day, where `time` is the date alone.
    pub time_of_day: Option<usize>,
    /// The header's texts; empty when there is no header.
    pub headers: Vec<String>,
    /// Number of columns that every record must have.
    pub width: usize,
}

impl Mapping {
    /// Column of a field.
    #[must_use]
    pub fn column(&self, field: Field) -> Option<usize> {
        self.columns[field as usize]
    }

    /// What the mapping says of a field, in words: the header's text or the position.
    #[must_use]
    pub fn describe(&self, field: Field) -> Option<String> {
        let name = |c: usize| {
            self.headers
                .get(c)
                .cloned()
                .unwrap_or_else(|| (c + 1).to_string())
        };
        let column = self.column(field)?;
        match self.time_of_day {
            Some(second) if field == Field::Time => {
                Some(format!("{} + {}", name(column), name(second)))
            }
            _ => Some(name(column)),
        }
    }

    /// Whether the columns without which there is no record are there.
    #[must_use]
    pub fn has_required(&self) -> bool {
        self.column(Field::Time).is_some() && self.column(Field::User).is_some()
    }

    /// The number of columns mapped.
    #[must_use]
    pub fn mapped(&self) -> usize {
        self.columns.iter().flatten().count() + usize::from(self.time_of_day.is_some())
    }
}

/// Maps a header by the wishes of the policy first, by the aliases then. Wishes that name a header
/// that is not there are returned beside the mapping.
#[must_use]
pub fn map(
    headers: &[String],
    wishes: &BTreeMap<Field, Vec<ColumnRef>>,
) -> (Mapping, Vec<(Field, String)>) {
    let folded: Vec<String> = headers.iter().map(|h| fold(h)).collect();
    let position = |name: &str| folded.iter().position(|f| f == name);
    let first = |names: &[&str]| names.iter().find_map(|n| position(n));
    let mut mapping = Mapping {
        headers: headers.to_vec(),
        width: headers.len(),
        ..Mapping::default()
    };
    let mut missing = Vec::new();
    for (&field, refs) in wishes {
        for (i, wish) in refs.iter().enumerate() {
            let column = match wish {
                ColumnRef::Name(name) => position(&fold(name)),
                ColumnRef::Position(p) => Some(p - 1).filter(|&c| c < headers.len()),
            };
            let Some(column) = column else {
                missing.push((
                    field,
                    match wish {
                        ColumnRef::Name(name) => name.clone(),
                        ColumnRef::Position(p) => p.to_string(),
                    },
                ));
                continue;
            };
            if i == 0 {
                mapping.columns[field as usize] = Some(column);
            } else {
                mapping.time_of_day = Some(column);
            }
        }
    }
    for (field, names) in ALIASES {
        if !wishes.contains_key(&field) {
            mapping.columns[field as usize] = first(names);
        }
    }
    if !wishes.contains_key(&Field::Time) {
        let names_both = mapping
            .column(Field::Time)
            .is_some_and(|c| !["date", "time"].contains(&folded[c].as_str()));
        if let (false, Some(date), Some(time)) = (names_both, first(DATE), first(TIME_OF_DAY)) {
            mapping.columns[Field::Time as usize] = Some(date);
            mapping.time_of_day = Some(time);
        }
    }
    if !wishes.contains_key(&Field::User) && mapping.column(Field::User).is_none() {
        mapping.columns[Field::User as usize] = first(USER_BY_NAME);
    }
    if !wishes.contains_key(&Field::UserName) {
        mapping.columns[Field::UserName as usize] =
            first(USER_NAME).filter(|&c| mapping.column(Field::User) != Some(c));
    }
    (mapping, missing)
}

/// The mapping of a log without a header: every wish is a position.
#[must_use]
pub fn map_positions(wishes: &BTreeMap<Field, Vec<ColumnRef>>, width: usize) -> Mapping {
    let mut mapping = Mapping {
        width,
        ..Mapping::default()
    };
    for (&field, refs) in wishes {
        for (i, wish) in refs.iter().enumerate() {
            let ColumnRef::Position(p) = wish else {
                continue;
            };
            let column = Some(p - 1).filter(|&c| c < width);
            if i == 0 {
                mapping.columns[field as usize] = column;
            } else {
                mapping.time_of_day = column;
            }
        }
    }
    mapping
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(headers: &[&str]) -> Mapping {
        let headers: Vec<String> = headers.iter().map(|&h| h.to_owned()).collect();
        map(&headers, &BTreeMap::new()).0
    }

    #[test]
    fn aliases_are_written_as_they_are_compared() {
        let of_fields = ALIASES.iter().flat_map(|(_, names)| *names);
        for lists in [DATE, TIME_OF_DAY, USER_BY_NAME, USER_NAME] {
            assert!(lists.iter().all(|name| fold(name) == **name));
        }
        for name in of_fields {
            assert_eq!(fold(name), **name);
        }
    }

    #[test]
    fn aliases_are_found_whatever_their_width_case_and_spaces() {
        let m = columns(&["操作 日時", "ﾕｰｻﾞID", "ＩＰアドレス", "Operation", "職員名"]);
        assert_eq!(m.describe(Field::Time).as_deref(), Some("操作 日時"));
        assert_eq!(m.column(Field::User), Some(1));
        assert_eq!(m.column(Field::Terminal), Some(2));
        assert_eq!(m.column(Field::Operation), Some(3));
        assert_eq!(m.column(Field::UserName), Some(4));
    }

    #[test]
    fn a_name_is_the_user_only_without_an_id() {
        let m = columns(&["日時", "職員名"]);
        assert_eq!(
            (m.column(Field::User), m.column(Field::UserName)),
            (Some(1), None)
        );
    }

    #[test]
    fn date_and_time_of_day_may_stand_apart() {
        let m = columns(&["日付", "時刻", "職員番号"]);
        assert_eq!((m.column(Field::Time), m.time_of_day), (Some(0), Some(1)));
        let m = columns(&["date", "time", "user"]);
        assert_eq!((m.column(Field::Time), m.time_of_day), (Some(0), Some(1)));
        let m = columns(&["日時", "操作日", "時刻", "職員番号"]);
        assert_eq!((m.column(Field::Time), m.time_of_day), (Some(0), None));
    }

    #[test]
    fn wishes_come_before_aliases() {
        let headers = ["日時".to_owned(), "発生".to_owned(), "職員番号".to_owned()];
        let wishes = BTreeMap::from([
            (Field::Time, vec![ColumnRef::Name("発生".into())]),
            (Field::System, vec![ColumnRef::Name("無".into())]),
            (Field::Subject, vec![ColumnRef::Position(3)]),
        ]);
        let (m, missing) = map(&headers, &wishes);
        assert_eq!(
            (m.column(Field::Time), m.column(Field::Subject)),
            (Some(1), Some(2))
        );
        assert_eq!(missing, [(Field::System, "無".to_owned())]);
    }
}
