//! Every section, what it may say and what it keeps of the default policy.

use super::{assert_same, fails, read};
use crate::policy::{
    Assumed, ClosedDay, ColumnRef, Condition, Key, Kind, NormaliseField, Policy, Sequence, Spike,
    Step, TextTest, Where, parse_where,
};
use crate::record::{DAY_MS, Field, Outcome};

const RICH: &str = r#"
[columns]
time = ["日付", "時刻"]
user = 2
subject = "宛名番号"
time_format = ["%Y/%m/%d %H:%M:%S", "%Y%m%d%H%M%S"]
timezone = "Asia/Tokyo"
header = true

[normalise]
trim = true
[normalise.subject]
width = true
[normalise.user]
trim = false

[results]
success = ["正常終了"]
failure = []

[operations]
login = "ログイン*"
"窓口 照会" = ["*照会", "\\*{a,b}"]
none = []

[lists]
vip.values = ["0001", "a\"b\n\tc"]
[lists.leave]
on = ["user", "date"]
values = [["1", "2025/4/1"], ["2", 2025-04-02]]
["lists"."外字 list"]
on = ["hour", "weekday", "day_type", "result", "references"]
values = [[8, "SAT", "open", "Failure", true]]

[calendar]
country = "JP-47"
hours = { default = "08:30-17:15", wed = "08:30-19:00", sat = "closed" }
margin = "90s"
closed = ["sun", "holiday", "06-23", "12-29..01-03", "2025-08-13..2025-08-15", 2025-05-01]
open = ["2025-04-05..2025-04-06", "2025/3/30"]

[[calendar.override]]
department = ["市民課", "*出張所"]
hours = { sat = "09:00-12:30:30" }
closed = []

[[calendar.override]]
department = "情報政策課"
hours = "00:00-24:00"
margin = "0m"
open = []

[scope]
from = 2025-04-01
to = "2025/4/30"
where = { department = { glob = "*課", not_in = ["総務課"] }, and = { department = { glob = ["税*", "?民課"] }, result = "failure" } }

[assume]
references = false
result = "other"
department = "本庁"

[[rules]]
id = "窓口"
kind = "match"
title = "窓口の照会"
per = "terminal"
optional = true
where = { operation_class = ["login", "窓口 照会"], time_of_day = "22:00-05:00", weekday = ["sat", "sun"], calendar = "business-hours" }

[[rules]]
id = "b"
kind = "count"
title.en = "Counted"
viewpoint = 5
window = "1h30m"
at_least = 9223372036854775807
by = ["subject", "date", "hour", "weekday", "day_type"]
[rules.where]
user = { regex = ['^\d{4}$', "x"], list = "vip", not_list = "leave" }
subject = "001"
terminal = ["a", "b"]
references = false
result = ["success", "other"]

[[rules]]
id = "c"
kind = "distinct"
field = "date"
window = "7d"
at_least = 1
per = "subject"

[[rules]]
id = "d"
kind = "novelty"
field = "hour"
lookback = "1d"
min_active_days = 0
max_days = 3

[[rules]]
id = "e"
kind = "hours"
lookback = "400d"
min_active_days = 20
at_least = "45m"
per = "department"

[[rules]]
id = "f"
kind = "spike"
distinct = "subject"
lookback = "90d"
min_active_days = 10
at_least = 50
factor = 2.5

[[rules]]
id = "g"
kind = "spike"
measure = "records"
lookback = "30d"
min_active_days = 0
at_least = 1
factor = 3

[[rules]]
id = "h"
kind = "gap"
idle = "90d"

[[rules]]
id = "i"
kind = "sequence"
within = "15m"
by = "terminal"
where = { references = true }
[[rules.steps]]
result = "failure"
times = 5
[[rules.steps]]
[[rules.steps]]
operation_class = "login"
user = { glob = "a*" }
and = { user = "b" }
times = 1
"#;

fn date(text: &str) -> i32 {
    crate::policy::dates::parse_date(text).unwrap()
}

#[test]
fn a_rich_policy_goes_round() {
    let policy = read(RICH);
    assert!(!policy.rules_are_default);
    let written = policy.to_toml();
    let again = read(&written);
    assert_same(&policy, &again);
    assert_eq!(again.to_toml(), written);
}

#[test]
fn how_the_log_is_read() {
    let policy = read(RICH);
    let name = |text: &str| ColumnRef::Name(text.to_owned());
    assert_eq!(
        policy.columns.map[&Field::Time],
        [name("日付"), name("時刻")]
    );
    assert_eq!(policy.columns.map[&Field::User], [ColumnRef::Position(2)]);
    assert_eq!(policy.columns.time_format.len(), 2);
    assert_eq!(policy.columns.header, Some(true));
    let field = |trim, width| NormaliseField { trim, width };
    assert_eq!(policy.normalise.all, field(true, false));
    assert_eq!(
        policy.normalise.per_field[&Field::Subject],
        field(true, true)
    );
    assert_eq!(
        policy.normalise.per_field[&Field::User],
        field(false, false)
    );
    assert_eq!(policy.results.success, ["正常終了"]);
    assert!(policy.results.failure.is_empty());
    let classes: Vec<&str> = policy.operations.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(classes, ["login", "窓口 照会", "none"]);
    assert_eq!(
        policy.assume[&Field::Department],
        Assumed::Text("本庁".into())
    );
    assert_eq!(
        policy.assume[&Field::Result],
        Assumed::Outcome(Outcome::Other)
    );
}

#[test]
fn calendars() {
    let policy = read(RICH);
    let base = &policy.calendar.base;
    let at = |hour: i64, minute: i64| (hour * 60 + minute) * 60_000;
    assert_eq!(base.hours[0], Some((at(8, 30), at(17, 15))));
    assert_eq!(base.hours[2], Some((at(8, 30), at(19, 0))));
    assert_eq!(base.hours[5], None);
    assert_eq!(base.margin, 90_000);
    assert_eq!(
        base.closed,
        [
            ClosedDay::Weekday(6),
            ClosedDay::Holiday,
            ClosedDay::Yearly((6, 23), (6, 23)),
            ClosedDay::Yearly((12, 29), (1, 3)),
            ClosedDay::Dates(date("2025-08-13"), date("2025-08-15")),
            ClosedDay::Dates(date("2025-05-01"), date("2025-05-01")),
        ]
    );
    assert_eq!(
        base.open,
        [date("2025-03-30"), date("2025-04-05"), date("2025-04-06")]
    );
    let branch = &policy.calendar.overrides[0];
    assert_eq!(branch.departments, ["市民課", "*出張所"]);
    assert_eq!(
        branch.calendar.hours[5],
        Some((at(9, 0), at(12, 30) + 30_000))
    );
    assert_eq!(
        branch.calendar.hours[0], None,
        "a weekday not named is closed"
    );
    assert!(branch.calendar.closed.is_empty());
    assert_eq!(branch.calendar.margin, base.margin);
    assert_eq!(branch.calendar.open, base.open);
    assert_eq!(
        policy.calendar.overrides[1].calendar.hours,
        [Some((0, DAY_MS)); 7]
    );
}

#[test]
fn keys_left_out_of_the_calendar_are_the_defaults() {
    let default = Policy::default_policy().calendar;
    let calendar = read("[calendar]\nhours = \"09:00-17:00\"").calendar;
    assert_eq!(calendar.base.closed, default.base.closed);
    assert_eq!(calendar.base.margin, default.base.margin);
    assert_eq!(calendar.country, default.country);
    assert_eq!(calendar.base.hours, [Some((32_400_000, 61_200_000)); 7]);
    let none = read("[calendar]\ncountry = \"none\"\nhours = \"closed\"");
    assert_eq!(none.calendar.country, None);
    assert_eq!(none.calendar.base.hours, [None; 7]);
    assert_same(&read(&none.to_toml()), &none);
}

#[test]
fn sections_given_are_whole_and_others_the_defaults() {
    let default = Policy::default_policy();
    let policy = read("[results]\nfailure = \"NG\"\n[assume]\n");
    assert!(policy.results.success.is_empty() && policy.assume.is_empty());
    assert_eq!(policy.rules, default.rules);
    assert!(policy.rules_are_default);
    assert_eq!(policy.operations, default.operations);
}

#[test]
fn scopes() {
    let scope = read(RICH).scope;
    assert_eq!(scope.from, Some(i64::from(date("2025-04-01")) * DAY_MS));
    assert_eq!(scope.to, Some(i64::from(date("2025-05-01")) * DAY_MS));
    let globs = |globs: &[&str]| TextTest::Glob(globs.iter().map(|&g| g.to_owned()).collect());
    assert_eq!(
        scope.filter.conditions,
        [
            Condition::Text(Field::Department, globs(&["*課"])),
            Condition::Text(Field::Department, TextTest::NotIn(vec!["総務課".into()])),
            Condition::Text(Field::Department, globs(&["税*", "?民課"])),
            Condition::Result(vec![Outcome::Failure]),
        ]
    );
    let scope = read("[scope]\nto = 2025-04-01T12:00:00.5").scope;
    assert_eq!(
        scope.to,
        Some(i64::from(date("2025-04-01")) * DAY_MS + DAY_MS / 2 + 500)
    );
}

#[test]
fn rules_and_conditions() {
    let rules = read(RICH).rules;
    assert_eq!(rules[0].title_ja.as_deref(), Some("窓口の照会"));
    assert_eq!(rules[0].title_en.as_deref(), Some("窓口の照会"));
    assert_eq!(
        rules[0].filter.conditions[1..],
        [
            Condition::TimeOfDay(79_200_000, 18_000_000),
            Condition::Weekday([false, false, false, false, false, true, true]),
            Condition::OffHours(false),
        ]
    );
    assert_eq!(rules[1].title_ja, None);
    assert_eq!(
        rules[1].filter.conditions[0],
        Condition::Text(Field::User, TextTest::Regex("(?:^\\d{4}$)|(?:x)".into()))
    );
    assert_eq!(
        rules[1].kind,
        Kind::Count {
            window: 5_400_000,
            at_least: i64::MAX.unsigned_abs(),
            by: vec![
                Key::Field(Field::Subject),
                Key::Date,
                Key::Hour,
                Key::Weekday,
                Key::DayType
            ],
        }
    );
    let pers: Vec<Field> = rules.iter().map(|rule| rule.per).collect();
    assert_eq!(
        pers,
        [
            Field::Terminal,
            Field::User,
            Field::Subject,
            Field::User,
            Field::Department,
            Field::User,
            Field::User,
            Field::User,
            Field::User
        ]
    );
}

#[test]
fn spikes_gaps_and_sequences() {
    let rules = read(RICH).rules;
    let spike = |distinct, lookback, min_active_days, at_least, factor| {
        Kind::Spike(Spike {
            distinct,
            lookback,
            min_active_days,
            at_least,
            factor,
        })
    };
    let subject = Some(Key::Field(Field::Subject));
    assert_eq!(rules[5].kind, spike(subject, 90, 10, 50, 2_500));
    assert_eq!(rules[6].kind, spike(None, 30, 0, 1, 3_000));
    let idle = 90 * DAY_MS;
    assert_eq!(rules[7].kind, Kind::Gap { idle });
    let step = |conditions, times| Step {
        filter: Where { conditions },
        times,
    };
    let user = |test| Condition::Text(Field::User, test);
    assert_eq!(
        rules[8].kind,
        Kind::Sequence(Sequence {
            steps: vec![
                step(vec![Condition::Result(vec![Outcome::Failure])], 5),
                step(Vec::new(), 1),
                step(
                    vec![
                        Condition::OperationClass(vec!["login".into()]),
                        user(TextTest::Glob(vec!["a*".into()])),
                        user(TextTest::In(vec!["b".into()])),
                    ],
                    1
                ),
            ],
            within: 900_000,
            by: vec![Key::Field(Field::Terminal)],
        })
    );
    // Without a measure a spike is one of records.
    let unsaid = read(&RICH.replace("measure = \"records\"\n", ""));
    assert_eq!(unsaid.rules[6].kind, rules[6].kind);
}

#[test]
fn json_is_the_same_policy() {
    let json = r#"{
        "columns": {"time": ["日付", "時刻"], "user": 2, "header": null},
        "lists": {"vip": {"values": ["1"]}},
        "scope": {"from": "2025-04-01", "where": {"user": {"list": "vip"}}},
        "rules": [{"id": "a", "kind": "count", "window": "1h", "at_least": 3, "by": "subject"}]
    }"#;
    let toml = r#"
        columns = { time = ["日付", "時刻"], user = 2 }
        lists.vip.values = ["1"]
        scope = { from = 2025-04-01, where = { user = { list = "vip" } } }
        rules = [{ id = "a", kind = "count", window = "1h", at_least = 3, by = ["subject"] }]
    "#;
    let policy = Policy::from_json(json, "<dict>").unwrap();
    assert_eq!(policy.name, "<dict>");
    assert_same(&policy, &read(toml));
    for (text, expected) in [
        (
            r#"{"rules": [{"id": "a", "kind": "count", "at_least": 3}, 4]}"#,
            "<dict>: rules[0].window: missing: a count rule needs a \"window\", a duration such as \"90s\", \"10m\", \"24h\", \"7d\" or \"1h30m\"",
        ),
        (
            r#"{"scope": {"where": {"user": ["a", null]}}}"#,
            "<dict>: scope.where.user[1]: expected a string, an array of strings, or a table such as { glob = \"…*\" }, found null",
        ),
        (
            r#"{"rules": [{"id": "a", "kind": "count", "window": "1h", "at_least": 1e300}]}"#,
            "<dict>: rules[0].at_least: expected a whole number, at least 1, found the number 1e300",
        ),
        ("[]", "<dict>:1:1: a policy is a JSON object"),
        (
            "{",
            "<dict>:1:1: not JSON: EOF while parsing an object at line 1 column 1",
        ),
    ] {
        assert_eq!(
            Policy::from_json(text, "<dict>").unwrap_err().to_string(),
            expected
        );
    }
}

#[test]
fn where_of_the_command_line() {
    let policy = read(RICH);
    let conditions = |text| parse_where(text, &policy).map(|filter| filter.conditions);
    assert_eq!(conditions(""), Ok(vec![]));
    assert_eq!(
        conditions("department = \"税務課\" # 税"),
        Ok(vec![Condition::Text(
            Field::Department,
            TextTest::In(vec!["税務課".into()])
        )])
    );
    assert_eq!(
        conditions("result = \"failure\", weekday = [\"sat\"], user = { list = \"vip\" }")
            .map(|conditions| conditions.len()),
        Ok(3)
    );
    for (text, expected) in [
        ("部署 = \"x\"", "--where:1:1: not TOML: "),
        (
            "result = \"success\", user = { list = \"vop\" }",
            "--where:1:37: where.user.list: unknown list \"vop\" (did you mean \"vip\"?); allowed: leave, vip, 外字 list",
        ),
        (
            "operation_class = \"print\"",
            "--where:1:19: where.operation_class: unknown operation class \"print\"; allowed: login, 窓口 照会, none",
        ),
        ("department = 税務課", "--where:1:14: not TOML: "),
        ("department", "--where:1:11: not TOML: "),
        (
            "result = \"failure\" }\nrules = { a = 1",
            "--where:2:1: rules: unknown key \"rules\"; allowed: where",
        ),
    ] {
        let error = conditions(text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
}

#[test]
fn an_own_class_list_must_serve_the_default_rules() {
    assert!(fails("[operations]\nlogin = \"*\"").contains("the class \"print\" is missing"));
    let own = "[operations]\nlogin = \"*\"\n[[rules]]\nid = \"a\"\nkind = \"match\"\nwhere = { operation_class = \"login\" }";
    assert_eq!(read(own).rules.len(), 1);
}
