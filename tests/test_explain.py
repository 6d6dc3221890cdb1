"""Explanations say what the scan observed, for every kind of rule, in both languages."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import yokome
from yokome.explain import Explanation, explain, rank_words, who_words
from yokome.lang import Lang
from yokome.words import (
    calendar_words,
    document,
    duration_words,
    list_words,
    records_words,
    rule_words,
    scope_words,
    span_words,
)

EXAMPLE = Path(__file__).parent / "data" / "ppc_example.csv"
AT = dt.datetime(2026, 4, 6, 22, 11, 3)
LATER = dt.datetime(2026, 4, 6, 22, 40, 0)


def finding(**values: Any) -> dict[str, Any]:
    return {
        "finding": "0123456789abcdef",
        "rule": "r",
        "viewpoint": 1,
        "per": "user",
        "key": "00123",
        "by": "",
        "value": None,
        "first": AT,
        "last": LATER,
        "records": 4,
        "peak": 7,
        "magnitude": 7.0,
        **values,
    }


def record(**values: Any) -> dict[str, Any]:
    return {
        "user_name": "横目 花子",
        "department": "税務課",
        "since": None,
        "active_days": None,
        "threshold": None,
        **values,
    }


BASE = {"id": "r", "per": "user"}
HISTORY = {"lookback": "90d", "min_active_days": 10}
FAILED = {"result": ["failure"]}

# Kind, rule, finding, records, what the Japanese says, what the English says.
CASES: list[tuple[str, dict[str, Any], dict[str, Any], list[dict[str, Any]], str, str]] = [
    (
        "match",
        {"where": {"references": True, "calendar": "off-hours"}},
        finding(peak=1, first=AT, last=AT, records=1),
        [record()],
        "職員 00123（横目 花子、税務課）について、執務時間外に、特定個人情報に触れた記録が 1 件"
        "あります。日時は2026年4月6日（月）22:11:03です。この条件に合う記録は、1 件でもあれば確認の"
        "対象になります。",
        "User 00123 (横目 花子, 税務課): 1 record outside working hours touching specific personal "
        "information, on Mon 6 April 2026, 22:11:03. Every record of this kind is to be checked.",
    ),
    (
        "count",
        {"where": FAILED, "window": "24h", "at_least": 3, "by": ["subject"]},
        finding(by="subject=0049500216"),
        [record()],
        "職員 00123（横目 花子、税務課）について、操作に失敗した記録（宛名番号 0049500216）が、"
        "24時間のうちに最大 7 件あります。基準以上になっていた間の記録は、"
        "2026年4月6日（月）22:11:03から"
        "22:40:00までの 4 件です。基準は、24時間のうちに 3 件以上です。",
        "User 00123 (横目 花子, 税務課): up to 7 records that failed within 24 hours, all with "
        "subject 0049500216. The count stayed at the threshold or above for 4 records, from Mon "
        "6 April 2026, 22:11:03 to "
        "22:40:00. The threshold is 3 or more within 24 hours.",
    ),
    (
        "distinct",
        {"field": "terminal", "window": "1h", "at_least": 3},
        finding(peak=4),
        [],
        "職員 00123 について、記録に現れる端末が、1時間のうちに最大 4 台あります。基準以上に"
        "なっていた間の記録は、2026年4月6日（月）22:11:03から22:40:00までの 4 件です。"
        "基準は、1時間のうちに 3 台以上です。",
        "User 00123: up to 4 different terminals within 1 hour. The count stayed "
        "at the threshold or above for 4 records, from Mon 6 April 2026, 22:11:03 to 22:40:00. "
        "The threshold is 3 different terminals or more within 1 hour.",
    ),
    (
        "novelty",
        {"field": "terminal", **HISTORY, "max_days": 0},
        finding(peak=0, value="PC-9", first=AT, last=AT, records=1),
        [record(active_days=62)],
        "職員 00123（横目 花子、税務課）について、普段は使わない端末「PC-9」を使った記録が 1 件"
        "あります。日時は2026年4月6日（月）22:11:03です。過去90日間で記録のある 62 日間のうち、この"
        "端末を使った日はありません。基準は、使った日がないことです。",
        "User 00123 (横目 花子, 税務課): 1 record with terminal “PC-9”, unusual for them, on Mon 6 "
        "April 2026, 22:11:03. On none of the 62 active days of the 90 days before was this "
        "terminal "
        "used. The threshold is: never used.",
    ),
    (
        "novelty",
        {"field": "system", **HISTORY, "max_days": 2},
        finding(peak=1, value="住民記録"),
        [
            record(active_days=20, since=dt.datetime(2026, 3, 2)),
            record(active_days=20, since=None),
        ],
        "普段は使わない業務「住民記録」を使った記録が 4 件あります。日時は2026年4月6日（月）"
        "22:11:03から22:40:00までです。過去90日間で記録のある 20 日間のうち、この業務を使った日は "
        "1 日だけで、最後は2026年3月2日（月）です。基準は、使った日が 2 日以下であることです。",
        "On only 1 of the 20 active days of the 90 days before was this system used, last on Mon 2 "
        "March 2026. The threshold is: used on at most 2 days.",
    ),
    (
        "hours",
        {**HISTORY, "at_least": "3h"},
        finding(peak=270),
        [record(active_days=11), record(active_days=12)],
        "普段の利用時間帯から最大4時間30分離れた時刻の記録が 4 件あります。日時は2026年4月6日（月）"
        "22:11:03から22:40:00までです。過去90日間で記録のある 11～12 日間の利用時間帯（30分単位）の"
        "うち、最も近いものとの差です。基準は、3時間以上です。",
        "4 records, up to 4 hours 30 minutes away from their usual hours, from Mon 6 April 2026, "
        "22:11:03 to 22:40:00. The distance is to the nearest half-hour used on the 11–12 active "
        "days of the 90 days before. The threshold is 3 hours or more.",
    ),
    (
        "spike",
        {"measure": "records", **HISTORY, "at_least": 50, "factor": 5.0},
        finding(peak=160),
        [record(active_days=30, threshold=120.0)],
        "2026年4月6日（月）に、記録が 160 件に達しました（基準に達してからの記録は 4 件）。基準は、"
        "普段の日（過去90日間で記録のある 30 日間の中央値）の 5 倍以上、かつ 50 件以上です。"
        "普段の日は "
        "24 件なので、この日の基準は 120 件でした。",
        "on Mon 6 April 2026, 160 records (4 records from reaching the threshold on). The "
        "threshold "
        "is 5 times the median of the 30 active days of the 90 days before, and at least 50: the "
        "usual median was 24, the threshold 120.",
    ),
    (
        "spike",
        {"distinct": "subject", **HISTORY, "at_least": 50, "factor": 5},
        finding(peak=60),
        [record(active_days=30, threshold=50.0)],
        "記録に現れる宛名番号が 60 人分に達しました",
        "60 different subjects (4 records from reaching the threshold on)",
    ),
    (
        "gap",
        {"idle": "180d"},
        finding(peak=200 * 86_400 + 3_700, records=1, first=AT, last=AT),
        [record(since=dt.datetime(2025, 9, 18, 21, 9, 23))],
        "およそ200日1時間ぶりの記録が 1 件あります。日時は2026年4月6日（月）22:11:03です。"
        "直前の記録は"
        "2025年9月18日（木）21:09:23です。基準は、記録のない期間が180日以上であることです。",
        "1 record after about 200 days 1 hour without any, on Mon 6 April 2026, 22:11:03. The last "
        "record before was on Thu 18 September 2025, 21:09:23. The threshold is 180 days or more "
        "without a record.",
    ),
    (
        "sequence",
        {
            "within": "1h",
            "by": ["terminal"],
            "steps": [{**FAILED, "times": 3}, {"operation_class": ["export"]}],
        },
        finding(peak=1, by="terminal=PC-1"),
        [record(since=AT)],
        "次の記録（端末 PC-1）が、1時間のうちにこの順であります："
        "（1）操作に失敗した記録（3 件以上）、（2）書き出しの記録。"
        "（1）の始まりは2026年4月6日（月）22:11:03です。（2）に当たる記録は"
        "2026年4月6日（月）22:11:03から22:40:00までの 4 件です。基準は、（1）から（2）までが1時間の"
        "うちにこの順でそろうことです。",
        "in this order within 1 hour, all with terminal PC-1: (1) records that failed (3 or more); "
        "(2) records of class export. 4 records made the last step",
    ),
]


@pytest.mark.parametrize(
    ("kind", "rule", "row", "records", "ja", "en"),
    CASES,
    ids=[f"{case[0]}-{n}" for n, case in enumerate(CASES)],
)
def test_every_kind_is_explained_in_both_languages(
    kind: str,
    rule: dict[str, Any],
    row: dict[str, Any],
    records: list[dict[str, Any]],
    ja: str,
    en: str,
) -> None:
    full = {**BASE, "kind": kind, **rule}
    assert ja in str(explain(row, "ja", rule=full, records=records))
    assert en in str(explain(row, "en", rule=full, records=records))


@pytest.mark.parametrize("case", CASES, ids=[f"{case[0]}-{n}" for n, case in enumerate(CASES)])
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_every_explanation_has_figure_threshold_viewpoint_and_no_gap(
    case: tuple[Any, ...], lang: Lang
) -> None:
    kind, rule, row, _, _, _ = case
    given: list[list[dict[str, Any]]] = [[], case[3]]
    for records in given:
        parts = explain(row, lang, rule={**BASE, "kind": kind, **rule}, records=records)
        text = str(parts)
        assert not re.search(r"None|\{|\}|  |。。|\.\.|、、", text), text
        figure = row["records"] if row["peak"] in (0, 1) else row["peak"]
        if kind not in ("hours", "gap"):
            assert f"{figure:,}" in parts.what
        assert (
            ("基準" in text or "確認の対象" in text)
            if lang == "ja"
            else ("threshold" in text or "checked" in text)
        )
        assert parts.viewpoint.startswith("着眼点①" if lang == "ja" else "Viewpoint ①")


def test_of_a_rule_without_viewpoint_the_explanation_says_so() -> None:
    rule = {**BASE, "kind": "match"}
    row = finding(viewpoint=None)
    assert "独自の規則" in explain(row, "ja", rule=rule).viewpoint
    assert "none of the five" in explain(row, "en", rule=rule).viewpoint


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        explain(finding(), "ja", rule={**BASE, "kind": "surprise"})
    with pytest.raises(ValueError, match="unknown kind"):
        rule_words({**BASE, "kind": "surprise"}, "ja")


def test_a_record_without_key_is_named_so() -> None:
    assert who_words("user", None, "ja") == "職員番号が空の記録"
    assert who_words("terminal", "PC-1", "en", department="税務課") == "Terminal PC-1 (税務課)"


def test_a_user_of_two_departments_is_shown_with_none() -> None:
    rows = [record(), record(department="市民課")]
    text = explain(finding(), "ja", rule={**BASE, "kind": "match"}, records=rows).what
    assert text.startswith("職員 00123（横目 花子）")


def test_by_values_that_hold_the_separator_are_told_apart() -> None:
    rule = {**BASE, "kind": "count", "window": "1h", "at_least": 2, "by": ["system", "subject"]}
    row = finding(by="system=a, b=c, subject=7")
    assert "（業務 a, b=c、宛名番号 7）" in explain(row, "ja", rule=rule).what


def test_values_of_derived_fields_are_said_in_words() -> None:
    rule = {**BASE, "kind": "count", "window": "1d", "at_least": 2}
    row = finding(by="weekday=mon, hour=22, day_type=closed, result=failure")
    by = ["weekday", "hour", "day_type", "result"]
    said = explain(row, "ja", rule={**rule, "by": by}).what
    assert "（月曜日、22 時台、閉庁日、処理結果 失敗）" in said
    assert "result failure" in explain(row, "en", rule={**rule, "by": by}).what
    new = {**BASE, "kind": "novelty", "field": "result", **HISTORY}
    said = explain(finding(peak=0, value="failure"), "ja", rule=new).what
    assert "普段は見られない処理結果「失敗」の記録が 4 件あります" in said


def test_users_are_counted_as_people() -> None:
    rule = {**BASE, "kind": "distinct", "field": "user", "window": "7d", "at_least": 8}
    row = finding(per="subject", key="0049500216", peak=9)
    assert (
        "記録に現れる職員が、7日間のうちに最大 9 人あります" in explain(row, "ja", rule=rule).what
    )
    words = rule_words({**rule, "per": "subject"}, "ja")
    assert words == "同じ人（宛名番号）で、記録に現れる職員が7日間のうちに 8 人以上ある。"


def test_large_figures_are_written_out() -> None:
    rule = {**BASE, "kind": "spike", "measure": "records", **HISTORY, "at_least": 50, "factor": 1.5}
    row, rows = finding(peak=20_000), [record(active_days=30, threshold=18_518.25)]
    text = explain(row, "ja", rule=rule, records=rows).against
    assert "1.5 倍以上" in text
    assert "普段の日は 12,345.5 件なので、この日の基準は 18,518.25 件でした" in text


def test_of_one_record_nothing_is_said_to_be_the_most() -> None:
    for case in CASES:
        row = {**case[2], "records": 1, "last": case[2]["first"]}
        for lang, most in (("ja", "最大"), ("en", "up to")):
            rule = {**BASE, "kind": case[0], **case[1]}
            assert most not in explain(row, lang, rule=rule, records=case[3]).what  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["count", "distinct"])
def test_more_records_than_the_largest_window_holds_are_no_contradiction(kind: str) -> None:
    """Windows follow one another: 24 records, of which no seven days hold more than 11."""
    rule = {"kind": kind, "field": "subject", "window": "7d", "at_least": 5}
    row = finding(peak=11, records=24)
    ja, en = (explain(row, "ja", rule=rule).what, explain(row, "en", rule=rule).what)
    assert re.search("最大 11 .*基準以上になっていた間の記録は、.*の 24 件です。", ja)
    assert "このうち" not in ja
    assert re.search("up to 11 .*at the threshold or above for 24 records, from ", en)


def test_the_rank_is_a_share_in_words() -> None:
    assert (
        rank_words((3, 48_213), "user", "ja")
        == "同様以上の事象は延べ 48,213 人日のうち 3 人日です。"
    )
    assert rank_words((1, 1), "terminal", "en").endswith("on 1 of 1 terminal-day.")
    assert (
        rank_words((2, 9), "terminal", "ja") == "同様以上の事象は端末の延べ 9 日のうち 2 日です。"
    )
    assert rank_words(None, "user", "ja") == ""
    parts = Explanation("甲。", "乙。", "丙。", "丁。")
    assert str(parts) == "甲。乙。丁。丙。"
    assert str(Explanation("a.", "b.", "c.", "")) == "a. b. c."


# --- a policy in words ----------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_every_rule_of_the_default_policy_reads_as_a_sentence(lang: Lang) -> None:
    for rule in document(yokome.Policy.default())["rules"]:
        words = rule_words(rule, lang)
        assert words.endswith("。" if lang == "ja" else "."), words
        assert not re.search(r"None|\{|\}|  |[A-Za-z]_", words), words


@pytest.mark.parametrize(
    ("rule", "ja", "en"),
    [
        (
            {"kind": "spike", **HISTORY, "at_least": 50, "factor": 5},
            "記録の一日の件数が、普段の日（過去90日間で記録のある日の中央値）の 5 倍以上、かつ 50 "
            "件以上",
            "the day's number of records reaches 5 times the median",
        ),
        (
            {"kind": "gap", "idle": "180d", "per": "terminal"},
            "同じ端末の記録が180日以上途絶えた後の、最初の記録。",
            "The first records after 180 days or more without any record of the same terminal.",
        ),
        (
            {"kind": "sequence", "within": "1h", "steps": [FAILED, {"references": True}]},
            "同じ職員で、1時間のうちに次の記録がこの順で残る：操作に失敗した記録 → "
            "特定個人情報に触れた記録。",
            "In this order within 1 hour, of the same user: records that failed → records touching",
        ),
        (
            {"kind": "count", "window": "7d", "at_least": 5, "by": ["subject", "date"]},
            "同じ職員・同じ宛名番号・同じ日付で、記録が7日間のうちに 5 件以上ある。",
            "At least 5 records of the same user, subject and date within 7 days.",
        ),
    ],
)
def test_rules_in_words(rule: dict[str, Any], ja: str, en: str) -> None:
    assert ja in rule_words({**BASE, **rule}, "ja")
    assert en in rule_words({**BASE, **rule}, "en")


@pytest.mark.parametrize(
    ("where", "ja", "en"),
    [
        ({}, "記録", "records"),
        (
            {"result": "failure", "operation_class": "login"},
            "ログインに失敗した記録",
            "records of class login that failed",
        ),
        (
            {"user": {"regex": "^9", "not_in": ["9001"], "list": "vip"}},
            "職員番号が正規表現「^9」に合い、職員番号が「9001」以外で、職員番号がリスト「vip」にある記録",
            "records whose user matches /“^9”/ with a user other than “9001” whose user is in the "
            "list “vip”",
        ),
        (
            {"weekday": ["sat", "sun"], "time_of_day": "22:00-05:00", "references": False},
            "土・日曜日の 22:00～05:00 に、特定個人情報に触れていない記録",
            "records on Saturday or Sunday between 22:00–05:00 not touching specific personal "
            "information",
        ),
        (
            {"department": "税務課", "and": {"department": {"glob": "*課", "not_list": "x"}}},
            "所属が「税務課」で、所属がパターン「*課」に合い、所属がリスト「x」にない記録",
            "records with department “税務課” whose department matches “*課” whose department is "
            "not in the list “x”",
        ),
        (
            {"operation_class": ["own"], "result": ["failure", "other"]},
            "処理結果が「失敗」または「その他」の「own」の操作の記録",
            "records of class “own” that failed or that neither succeeded nor failed",
        ),
        (
            {"calendar": "off-hours", "operation_class": "login"},
            "執務時間外のログインの記録",
            "records outside working hours of class login",
        ),
        (
            {"references": True, "operation_class": ["print", "media"], "result": "failure"},
            "特定個人情報に触れる操作（印刷・媒体利用）に失敗した記録",
            "records touching specific personal information of class print or removable media that "
            "failed",
        ),
        (
            {"references": True, "operation_class": "screen_capture", "weekday": "sat"},
            "土曜日に、特定個人情報に触れた操作（画面取得）の記録",
            "records on Saturday touching specific personal information of class screen capture",
        ),
        (
            {"calendar": "off-hours", "time_of_day": "22:00-05:00", "result": "other"},
            "処理結果が「その他」で、執務時間外（22:00～05:00）の記録",
            "records outside working hours between 22:00–05:00 that neither succeeded nor failed",
        ),
        (
            {
                "operation_class": "print",
                "and": {"operation_class": "own", "references": False, "weekday": ["sun"]},
            },
            "日曜日で、個人番号参照が「なし」で、操作の分類が「own」の印刷の記録",
            "records of class print on Sunday not touching specific personal information of class "
            "“own”",
        ),
        (
            {"terminal": [f"PC{n}" for n in range(10)], "calendar": "business-hours"},
            "端末が「PC0」「PC1」「PC2」「PC3」「PC4」「PC5」「PC6」「PC7」ほか 2 件で、"
            "執務時間内の記録",
            "records within working hours with terminal “PC0”, “PC1”, “PC2”, “PC3”, “PC4”, “PC5”, "
            "“PC6”, “PC7” or 2 more",
        ),
    ],
)
def test_conditions_in_words(where: Mapping[str, Any], ja: str, en: str) -> None:
    assert records_words(where, "ja") == ja
    assert records_words(where, "en") == en


def test_calendar_scope_and_lists_in_words() -> None:
    policy = yokome.Policy.from_toml(
        """
        [lists.permits]
        on = ["user", "operation"]
        values = [["00123", "印刷"], ["00124", "印刷"]]
        [lists.stars]
        values = ["0001"]
        [calendar]
        hours = { default = "08:30-17:15", wed = "08:30-19:00" }
        open = ["2026-04-05"]
        [[calendar.override]]
        department = "図書館"
        hours = "10:00-19:00"
        closed = []
        [scope]
        from = 2026-04-01
        to = 2026-04-30
        """
    )
    said = document(policy)
    general, library = calendar_words(said["calendar"], "ja")
    assert "水 08:30～19:00" in general[1]
    assert "閉庁日：土曜日、日曜日、祝日（JP）、12-29～01-03" in general[1]
    assert general[1].endswith("休日に開庁した日：2026-04-05")
    assert library[0] == "執務時間（所属 「図書館」）"
    assert "閉庁日：なし" in library[1]
    assert scope_words(said["scope"], "ja") == "2026-04-01から2026-04-30までの記録"
    assert scope_words({"to": "2026-04-30T12:00:00"}, "en") == (
        "records from the first until before 2026-04-30T12:00:00"
    )
    assert scope_words({}, "en") == "all records"
    assert list_words(said["lists"], "ja") == [
        ("permits", "職員番号・操作のリスト、2 行"),
        ("stars", "リスト、1 行"),
    ]
    assert "0001" not in str(list_words(said["lists"], "en"))


@pytest.mark.parametrize(
    ("duration", "ja", "en"),
    [
        ("24h", "24時間", "24 hours"),
        ("1h30m", "1時間30分", "1 hour 30 minutes"),
        (90, "1分30秒", "1 minute 30 seconds"),
        (86_400, "1日", "1 day"),
        (0, "0分", "0 minutes"),
    ],
)
def test_durations_in_words(duration: int | str, ja: str, en: str) -> None:
    assert duration_words(duration, "ja") == ja
    assert duration_words(duration, "en") == en


def test_spans_in_words() -> None:
    next_day = dt.datetime(2026, 4, 7, 1, 2, 3)
    assert span_words(AT, AT.replace(microsecond=5000), "ja") == "2026年4月6日（月）22:11:03"
    assert span_words(AT, next_day, "en") == (
        "Mon 6 April 2026, 22:11:03 to Tue 7 April 2026, 01:02:03"
    )


# --- through a result -----------------------------------------------------------------------------


def test_a_result_explains_its_findings() -> None:
    result = yokome.scan(EXAMPLE)
    burst = result.findings.to_pylist()[-1]
    assert burst["rule"] == "denied-burst"
    text = str(result.explain(burst["finding"], "ja"))
    assert "24時間のうちに最大 4 件あります" in text
    assert "着眼点③" in text
    assert str(result.explain(burst["finding"], "en")).startswith("User ")


def test_a_finding_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="no finding"):
        yokome.scan(EXAMPLE).explain("feedfeedfeedfeed")
