//! The default policy: eleven rules, the Commission's five viewpoints.

use super::{assert_same, read};
use crate::policy::{Assumed, ClosedDay, Condition, DEFAULT_TOML, Key, Kind, Policy, glob_regex};
use crate::record::{Field, Outcome};

const HOUR: i64 = 3_600_000;

#[test]
fn the_eleven_rules() {
    let policy = Policy::default_policy();
    assert!(policy.rules_are_default);
    let ids: Vec<(&str, Option<u8>, &str)> = policy
        .rules
        .iter()
        .map(|rule| (rule.id.as_str(), rule.viewpoint, rule.kind.name()))
        .collect();
    assert_eq!(
        ids,
        [
            ("off-hours-access", Some(1), "match"),
            ("off-hours-login", Some(1), "match"),
            ("unusual-hours", Some(1), "hours"),
            ("new-terminal", Some(2), "novelty"),
            ("terminal-hopping", Some(2), "distinct"),
            ("denied-burst", Some(3), "count"),
            ("denied-sensitive", Some(3), "match"),
            ("screen-capture", Some(4), "match"),
            ("unusual-operation", Some(4), "novelty"),
            ("bulk-export", Some(4), "count"),
            ("repeat-subject", Some(5), "count"),
        ]
    );
    for rule in &policy.rules {
        assert_eq!(rule.per, Field::User);
        assert!(rule.title_ja.is_some() && rule.title_en.is_some());
    }
}

/// The conditions of a rule, its kind and parameters.
fn rule(id: &str) -> (Vec<Condition>, Kind) {
    let policy = Policy::default_policy();
    let rule = policy.rules.iter().find(|rule| rule.id == id).unwrap();
    (rule.filter.conditions.clone(), rule.kind.clone())
}

#[test]
fn which_records_they_look_at() {
    let classes =
        |names: &[&str]| Condition::OperationClass(names.iter().map(|&n| n.to_owned()).collect());
    let (references, off_hours) = (Condition::References(true), Condition::OffHours(true));
    let failure = Condition::Result(vec![Outcome::Failure]);
    let taken_out = classes(&["print", "export", "screen_capture", "media"]);
    let bulk = classes(&["print", "export", "media"]);
    let capture = classes(&["screen_capture"]);
    for (id, conditions) in [
        (
            "off-hours-access",
            vec![references.clone(), off_hours.clone()],
        ),
        ("off-hours-login", vec![classes(&["login"]), off_hours]),
        ("unusual-hours", vec![]),
        ("new-terminal", vec![]),
        ("terminal-hopping", vec![]),
        ("denied-burst", vec![failure.clone()]),
        (
            "denied-sensitive",
            vec![failure, references.clone(), taken_out],
        ),
        ("screen-capture", vec![references.clone(), capture]),
        ("unusual-operation", vec![references.clone()]),
        ("bulk-export", vec![references.clone(), bulk]),
        ("repeat-subject", vec![references]),
    ] {
        assert_eq!(rule(id).0, conditions, "{id}");
    }
}

#[test]
fn their_parameters() {
    let novelty = |field| Kind::Novelty {
        field: Key::Field(field),
        lookback: 90,
        min_active_days: 10,
        max_days: 0,
    };
    let count = |window, at_least, by| Kind::Count {
        window,
        at_least,
        by,
    };
    let hours = Kind::Hours {
        lookback: 90,
        min_active_days: 10,
        at_least: 3 * HOUR,
    };
    let hopping = Kind::Distinct {
        field: Key::Field(Field::Terminal),
        window: HOUR,
        at_least: 3,
        by: vec![],
    };
    let subject = vec![Key::Field(Field::Subject)];
    for (id, kind) in [
        ("unusual-hours", hours),
        ("new-terminal", novelty(Field::Terminal)),
        ("terminal-hopping", hopping),
        ("denied-burst", count(24 * HOUR, 3, vec![])),
        ("unusual-operation", novelty(Field::Operation)),
        ("bulk-export", count(24 * HOUR, 20, vec![])),
        ("repeat-subject", count(7 * 24 * HOUR, 5, subject)),
    ] {
        assert_eq!(rule(id).1, kind, "{id}");
    }
}

#[test]
fn its_other_sections() {
    let policy = Policy::default_policy();
    assert_eq!(policy.calendar.country.as_deref(), Some("JP"));
    assert_eq!(
        policy.calendar.base.hours,
        [Some((8 * HOUR + HOUR / 2, 17 * HOUR + HOUR / 4)); 7]
    );
    assert_eq!(policy.calendar.base.margin, HOUR / 2);
    assert_eq!(
        policy.calendar.base.closed,
        [
            ClosedDay::Weekday(5),
            ClosedDay::Weekday(6),
            ClosedDay::Holiday,
            ClosedDay::Yearly((12, 29), (1, 3)),
        ]
    );
    assert_eq!(policy.assume[&Field::References], Assumed::Bool(true));
    assert_eq!(policy.assume.len(), 1);
    assert!(policy.lists.is_empty() && policy.columns.map.is_empty());
    assert!(!policy.normalise.all.trim && !policy.normalise.all.width);
    assert!(policy.scope.from.is_none() && policy.scope.filter.conditions.is_empty());
}

#[test]
fn a_copy_of_it_is_the_same() {
    let default = Policy::default_policy();
    assert_same(&read(DEFAULT_TOML), &default);
    assert_same(&read(""), &default);
    assert_same(&read("rules = []"), &default);
    assert_same(&read(&default.to_toml()), &default);
    let edited = DEFAULT_TOML.replace("at_least = 20", "at_least = 30");
    assert!(!read(&edited).rules_are_default);
}

/// The classes of an operation, by the default policy.
fn classes(operation: &str) -> Vec<String> {
    let policy = Policy::default_policy();
    let matches = |glob: &String| {
        let pattern = regex::Regex::new(&glob_regex(glob).unwrap()).unwrap();
        pattern.is_match(operation)
    };
    policy
        .operations
        .iter()
        .filter(|class| class.globs.iter().any(matches))
        .map(|class| class.name.clone())
        .collect()
}

/// Operations and the classes that they all have.
const CLASSES: &[(&[&str], &[&str])] = &[
    // The Commission's example, whole.
    (&["ログイン"], &["login"]),
    (&["検索"], &["view"]),
    (&["書き出し"], &["export"]),
    (&["プリントスクリーン"], &["screen_capture"]),
    (
        &[
            "システムログイン",
            "ログインエラー",
            "ログイン失敗",
            "ログオン",
            "ログイン（職員カード）",
            "Login",
            "LOGON",
            "login failed",
            "Log-in",
            "sign in",
            "ﾛｸﾞｲﾝ",
        ],
        &["login"],
    ),
    (
        &[
            "宛名検索",
            "世帯照会",
            "個人番号表示",
            "検索実行",
            "照会（他課）",
            "印刷プレビュー",
            "ログイン履歴照会",
            "エクスポート履歴照会",
            "印刷履歴表示",
            "Search",
            "view",
        ],
        &["view"],
    ),
    (
        &["更新", "宛名登録", "異動入力", "削除処理", "UPDATE"],
        &["update"],
    ),
    (
        &[
            "印刷",
            "帳票出力",
            "証明書発行",
            "一括印刷（10件）",
            "印刷失敗",
            "プリント",
            "Print",
            "PRINTOUT",
        ],
        &["print"],
    ),
    (
        &[
            "書出し",
            "エクスポート",
            "CSV出力",
            "検索結果CSV出力",
            "ＣＳＶファイル出力",
            "ファイル出力",
            "データ抽出",
            "ダウンロード",
            "Excel出力",
            "Export",
            "download",
        ],
        &["export"],
    ),
    (
        &[
            "画面コピー",
            "画面キャプチャ",
            "スクリーンショット",
            "画面ハードコピー",
            "Print Screen",
            "PrintScreen",
            "PRINT-SCREEN",
            "PrtSc",
            "screenshot",
            "ﾌﾟﾘﾝﾄｽｸﾘｰﾝ",
        ],
        &["screen_capture"],
    ),
    (&["画面印刷"], &["print", "screen_capture"]),
    (
        &[
            "USB接続",
            "ＵＳＢメモリ使用",
            "外部媒体書込",
            "リムーバブルディスク",
            "媒体",
            "媒体持出し",
            "電子媒体へのコピー",
        ],
        &["media"],
    ),
    (
        &[
            "ログアウト",
            "ログオフ",
            "logout",
            "sign out",
            "パスワード忘れ",
            "起動",
            "業務終了",
            "",
        ],
        &[],
    ),
];

#[test]
fn operations_find_their_class() {
    for (operations, expected) in CLASSES {
        for operation in *operations {
            assert_eq!(&classes(operation), expected, "{operation}");
        }
    }
}
