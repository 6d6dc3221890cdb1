"""The Python interface: arguments, errors, notes, tables; policies end to end."""

from __future__ import annotations

import contextlib
import os
import tomllib
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_type_hints

import pyarrow as pa
import pytest
from default_policy import DEFAULT_RULES
from observe import FLAG_CONTENT, everything, read_records, rows
from oracle import FIELDS, RULES

import yokome

EXAMPLE = "ppc_example.csv"
HEADER = "日時,職員番号,所属,端末番号,操作内容,処理結果,個人番号参照,宛名番号"
WEDNESDAY = "2026/04/01"


@pytest.fixture
def example(data: Path) -> Path:
    """The guidance's example log."""
    return data / EXAMPLE


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Six records, two users, two days."""
    path = tmp_path / "small.csv"
    write(
        path,
        "2026/04/01 09:00:00,a,税務課,t1,検索,成功,あり,001",
        "2026/04/01 09:01:00,a,税務課,t1,印刷,失敗,あり,002",
        "2026/04/01 22:00:00,b,市民課,t2,検索,成功,なし,001",
        "2026/04/02 09:00:00,a,税務課,t2,検索,成功,あり,001",
        "2026/04/02 10:00:00,b,市民課,t2,検索,成功,あり,003",
        "2026/04/02 10:30:00,,市民課,t2,検索,成功,あり,",
    )
    return path


def write(path: Path, *lines: str, header: str = HEADER) -> None:
    """A log in UTF-8."""
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8", newline="")


def policy(*rules: dict[str, Any], **sections: Any) -> yokome.Policy:
    """A policy of these rules."""
    return yokome.Policy.from_dict({RULES: list(rules), **sections})


def flags(result: yokome.ScanResult) -> set[tuple[int, str]]:
    """Line and rule of every flagged row."""
    return {(row["line"], row["rule"]) for row in rows(result.flagged)}


def lines(result: yokome.ScanResult) -> list[int]:
    """The flagged lines, in order."""
    return [row["line"] for row in rows(result.flagged)]


ALL = {"id": "all", "kind": "match"}


# --- policies ------------------------------------------------------------------------------------

RULE_TEXT = f"""
[[{RULES}]]
id = "many"
kind = "count"
window = "10m"
at_least = 3
"""


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (RULE_TEXT.replace("window", "windwo"), 5, "windwo"),
        (RULE_TEXT.replace('"10m"', '"ten"'), 5, "ten"),
        (RULE_TEXT.replace('"10m"', '"1.5h"'), 5, "1.5h"),
        (RULE_TEXT.replace('"count"', '"cuont"'), 4, "cuont"),
        (RULE_TEXT + 'by = ["sbject"]\n', 7, "sbject"),
        (RULE_TEXT + 'per = "operation"\n', 7, "operation"),
        (RULE_TEXT + "where = { oparation = 'x' }\n", 7, "oparation"),
        (RULE_TEXT + "where = { operation_class = 'bogus' }\n", 7, "bogus"),
        (RULE_TEXT + "where = { user = { regex = '(' } }\n", 7, "("),
        (RULE_TEXT + "where = { user = { list = 'nowhere' } }\n", 7, "nowhere"),
        (RULE_TEXT + "where = { result = 'sucess' }\n", 7, "sucess"),
        (RULE_TEXT + "where = { time_of_day = '25:00-26:00' }\n", 7, "25:00"),
        (RULE_TEXT + "where = { weekday = ['someday'] }\n", 7, "someday"),
        (RULE_TEXT + "viewpoint = 6\n", 7, "6"),
        (RULE_TEXT + RULE_TEXT, 9, "many"),
        ("[calender]\nmargin = '30m'\n", 1, "calender"),
        ("[calendar]\nclosed = ['sut']\n", 2, "sut"),
        ("[assume]\nreferences = 'perhaps'\n", 2, "references"),
        ("[columns]\nwho = '職員番号'\n", 2, "who"),
        ("[scope\n", 1, ""),
    ],
    ids=lambda value: "policy" if isinstance(value, str) and "\n" in value else str(value),
)
def test_what_a_policy_cannot_say(tmp_path: Path, text: str, line: int, says: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(yokome.PolicyError) as raised:
        yokome.Policy.load(path)
    error = raised.value
    assert error.file == str(path)
    assert error.line == line
    assert error.column is not None
    assert error.column >= 1
    assert says in str(error)
    assert isinstance(error, yokome.YokomeError)
    with pytest.raises(yokome.PolicyError):
        yokome.scan(tmp_path, path)


@pytest.mark.parametrize("text", [RULE_TEXT.replace("window", "windwo"), RULE_TEXT + RULE_TEXT])
def test_a_dict_is_checked_like_a_file(text: str) -> None:
    with pytest.raises(yokome.PolicyError):
        yokome.Policy.from_dict(tomllib.loads(text))


def test_a_missing_policy_file(example: Path, tmp_path: Path) -> None:
    with pytest.raises((yokome.YokomeError, FileNotFoundError)):
        yokome.scan(example, tmp_path / "none.toml")


def test_a_policy_survives_being_written_out(small: Path) -> None:
    written = policy(
        {**ALL, "where": {"user": {"in": ["a"], "regex": "^a"}, "weekday": ["wed"]}},
        {"id": "n", "kind": "count", "window": "1h", "at_least": 2, "by": ["subject", "hour"]},
        scope={"from": "2026-04-01", "to": "2026-04-02"},
        lists={"vip": {"on": ["subject"], "values": ["001"]}},
    )
    again = yokome.Policy.from_toml(written.to_toml())
    assert again.rules == written.rules
    assert everything(yokome.scan(small, again)) == everything(yokome.scan(small, written))


def test_the_default_policy_tells_its_rules() -> None:
    assert [rule["id"] for rule in yokome.Policy.default().rules] == [
        rule["id"] for rule in DEFAULT_RULES
    ]


def test_sections_left_out_are_those_of_the_default(small: Path) -> None:
    night = {**ALL, "where": {"calendar": "off-hours"}}
    assert lines(yokome.scan(small, policy(night))) == [4]
    open_all_day = {"country": "JP", "hours": "00:00-23:59", "margin": "1h", "closed": []}
    assert lines(yokome.scan(small, policy(night, calendar=open_all_day))) == []
    summary = yokome.scan(small, yokome.Policy.from_dict({"calendar": open_all_day})).summary
    assert summary.num_rows == len(DEFAULT_RULES)


def test_a_policy_file_with_a_list_beside_it(small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    folder.mkdir()
    # A byte order mark, CRLF, a header: as a spreadsheet writes it.
    (folder / "permits.csv").write_bytes("\ufeffuser,operation\r\na,検索\r\nb,検索\r\n".encode())
    (folder / "policy.toml").write_text(
        f"""
        [lists.permits]
        file = "permits.csv"
        on = ["user", "operation"]

        [[{RULES}]]
        id = "without-permit"
        kind = "match"
        where = {{ user = {{ not_list = "permits" }} }}
        """,
        encoding="utf-8",
    )
    result = yokome.scan(small, folder / "policy.toml")
    assert lines(result) == [3]  # line 7 has no user: it satisfies neither test


# --- sources -------------------------------------------------------------------------------------


def test_missing_sources(tmp_path: Path) -> None:
    for source in (tmp_path / "none.csv", str(tmp_path / "*.csv")):
        with pytest.raises(FileNotFoundError) as raised:
            yokome.scan(source)
        assert isinstance(raised.value, yokome.InputError)


def test_sources_may_be_files_directories_and_globs(small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    for name in ("b.csv", "a.csv"):
        (folder / name).write_bytes(small.read_bytes())
    for source in (
        folder,
        str(folder),
        str(folder / "*.csv"),
        [folder / "b.csv", folder / "a.csv"],
    ):
        result = yokome.scan(source, policy(ALL))
        assert result.flagged.num_rows == 12
        assert {row["source"] for row in rows(result.flagged)} == {
            str(folder / "a.csv"),
            str(folder / "b.csv"),
        }
    # Equal times stand by source, whatever the order of naming.
    first = rows(yokome.scan([folder / "b.csv", folder / "a.csv"], policy(ALL)).flagged)[:2]
    assert [Path(row["source"]).name for row in first] == ["a.csv", "b.csv"]


def test_a_directory_without_logs(tmp_path: Path) -> None:
    folder = tmp_path / "nothing"
    folder.mkdir()
    with pytest.raises(yokome.InputError):
        yokome.scan(folder)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_a_file_without_permission(small: Path) -> None:
    small.chmod(0)
    try:
        with pytest.raises(yokome.InputError) as raised:
            yokome.scan(small)
        assert raised.value.source == str(small)
        result = yokome.scan(small, skip_unreadable=True)
        assert rows(result.inputs)[0]["error"]
    finally:
        small.chmod(0o600)


def test_unreadable_files_stop_a_scan_unless_skipped(data: Path, small: Path) -> None:
    broken = data / "corpus" / "gzip_truncated.csv.gz"
    with pytest.raises(yokome.InputError) as raised:
        yokome.scan([small, broken])
    assert raised.value.source == str(broken)
    result = yokome.scan([small, broken], policy(ALL), skip_unreadable=True)
    errors = {row["source"]: row["error"] for row in rows(result.inputs)}
    assert errors[str(small)] is None
    assert errors[str(broken)]
    # What was read before the break is accounted for, and does not depend on the chunks.
    counts = {row["source"]: row["records"] for row in rows(result.inputs)}
    assert Counter(row["source"] for row in rows(result.flagged)) == +Counter(counts)
    for chunk_size in (1, 100):
        other = yokome.scan(
            [small, broken], policy(ALL), skip_unreadable=True, chunk_size=chunk_size
        )
        assert everything(other) == everything(result)
    assert any("gzip_truncated" in note for note in result.notes)


def test_things_that_are_no_source(small: Path) -> None:
    for source in (5, None, [], [5], b"log.csv", {"a": 1}):
        with pytest.raises((TypeError, ValueError)):
            yokome.scan(source)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"encoding": "klingon"},
        {"delimiter": "#"},
        {"delimiter": ",,"},
        {"threads": 0},
        {"chunk_size": 0},
        {"timezone": "Asia/Edo"},
        {"from_": "yesterday"},
        {"to": "2026-02-30"},
        {"where": "oparation = 'x'"},
        {"where": {"user": {"globb": "*"}}},
        {"columns": {"nobody": 1}},
        {"columns": {"user": 0}},
        {"policy": "no such thing.toml"},
    ],
)
def test_wrong_arguments_are_errors(small: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, yokome.YokomeError, OSError)):
        yokome.scan(small, **wrong)


def test_strict_stops_at_the_first_bad_record(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    good = "2026/04/01 09:00:00,a"
    write(path, *[good] * 5, "2026/04/01 09:00:00", *[good] * 5, header="日時,職員番号")
    assert rows(yokome.scan(path, policy(ALL)).rejects) == [
        {
            "source": str(path),
            "line": 7,
            "offset": path.read_bytes().index(b"2026/04/01 09:00:00\n"),
            "reason": "columns",
            "excerpt": "2026/04/01 09:00:00",
        }
    ]
    for threads in (1, 2):
        with pytest.raises(yokome.StrictError) as raised:
            yokome.scan(path, policy(ALL), strict=True, threads=threads, chunk_size=16)
        assert raised.value.source == str(path)
        assert "7" in str(raised.value)
        with pytest.raises(yokome.StrictError):
            read_records(yokome.read(path, strict=True, threads=threads))


def test_excerpts_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    write(path, "2026/04/01 09:00:00,a", "あ" * 5000, header="日時,職員番号")
    (reject,) = rows(yokome.scan(path, policy(ALL)).rejects)
    assert reject["reason"] == "columns"
    assert len(reject["excerpt"]) <= 200
    assert reject["excerpt"].startswith("ああ")
    with pytest.raises(yokome.StrictError) as raised:
        yokome.scan(path, policy(ALL), strict=True)
    assert len(str(raised.value)) < 1000


# --- columns -------------------------------------------------------------------------------------


def test_columns_may_be_named_or_numbered(small: Path) -> None:
    by_name = yokome.scan(small, policy(ALL), columns={"user": "端末番号"})
    by_number = yokome.scan(small, policy(ALL), columns={"user": 4})
    for result in (by_name, by_number):
        assert [row["user"] for row in rows(result.flagged)] == ["t1", "t1", "t2", "t2", "t2", "t2"]


def test_the_policy_may_map_columns_and_the_argument_wins(small: Path) -> None:
    mapped = policy(ALL, columns={"user": "端末番号", "subject": "操作内容"})
    assert rows(yokome.scan(small, mapped).flagged)[0]["user"] == "t1"
    overridden = rows(yokome.scan(small, mapped, columns={"user": "所属"}).flagged)[0]
    assert (overridden["user"], overridden["subject"]) == ("税務課", "検索")


def test_a_column_that_is_not_there(small: Path) -> None:
    with pytest.raises(yokome.ColumnError) as raised:
        yokome.scan(small, columns={"user": "社員証"})
    assert "社員証" in str(raised.value)
    assert "職員番号" in str(raised.value)  # what there is instead
    with pytest.raises(yokome.ColumnError):
        yokome.scan(small, columns={"user": 9})


def without_subject(path: Path) -> None:
    """A log with neither subjects nor references."""
    write(
        path,
        *[f"{WEDNESDAY} 09:00:{n:02},a,検索" for n in range(5)],
        header="日時,職員番号,操作内容",
    )


SPIKE = {
    "id": "s",
    "kind": "spike",
    "lookback": "9d",
    "min_active_days": 1,
    "at_least": 1,
    "factor": 2,
}
REPEAT = {"id": "repeat", "kind": "count", "by": ["subject"], "window": "1h", "at_least": 2}


@pytest.mark.parametrize(
    "rule",
    [
        REPEAT,
        {**ALL, "where": {"subject": "001"}},
        {**ALL, "where": {"subject": {"not_in": ["001"]}}},
        {"id": "d", "kind": "distinct", "field": "subject", "window": "1h", "at_least": 2},
        {
            "id": "n",
            "kind": "novelty",
            "field": "terminal",
            "lookback": "9d",
            "min_active_days": 1,
        },
        {"id": "c", "kind": "count", "per": "subject", "window": "1h", "at_least": 2},
        {**SPIKE, "distinct": "subject"},
        {"id": "g", "kind": "gap", "per": "subject", "idle": "1d"},
        {"id": "q", "kind": "sequence", "steps": [{}, {}], "within": "1h", "by": "subject"},
        {"id": "q", "kind": "sequence", "steps": [{}, {"subject": "001"}], "within": "1h"},
    ],
)
def test_a_written_rule_that_needs_a_missing_column_is_an_error(
    tmp_path: Path, rule: dict[str, Any]
) -> None:
    path = tmp_path / "log.csv"
    without_subject(path)
    missing = "terminal" if rule["kind"] == "novelty" else "subject"
    with pytest.raises(yokome.YokomeError) as raised:
        yokome.scan(path, policy(rule))
    assert rule["id"] in str(raised.value)
    assert missing in str(raised.value)

    (row,) = rows(yokome.scan(path, policy({**rule, "optional": True})).summary)
    assert missing in row["reason"]
    counts = (row["evaluated"], row["not_evaluable"], row["unattributed"], row["flagged"])
    assert counts == (0, 5, 0, 0)


def test_in_the_default_policy_a_missing_column_is_a_notice(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    without_subject(path)
    result = yokome.scan(path)
    summary = {row["rule"]: row for row in rows(result.summary)}
    for rule in ("repeat-subject", "new-terminal", "terminal-hopping", "denied-burst"):
        assert summary[rule]["reason"], rule
    assert summary["unusual-hours"]["reason"] is None


def test_a_column_of_any_source_is_a_column(small: Path, tmp_path: Path) -> None:
    path = tmp_path / "narrow.csv"
    without_subject(path)
    result = yokome.scan([small, path], policy(REPEAT))
    (row,) = rows(result.summary)
    assert row["reason"] is None
    assert (row["evaluated"], row["not_evaluable"], row["unattributed"]) == (5, 5, 1)


def test_assumed_values_stand_for_missing_columns(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    without_subject(path)
    sensitive = {**ALL, "where": {"references": True}}
    assert yokome.scan(path, policy(sensitive)).flagged.num_rows == 5  # the default assumes it
    denied = policy(sensitive, assume={"references": False})
    assert yokome.scan(path, denied).flagged.num_rows == 0
    assumed = policy(
        {**ALL, "where": {"department": "税務課", "result": "success"}},
        assume={"department": "税務課", "result": "success"},
    )
    result = yokome.scan(path, assumed)
    assert {row["department"] for row in rows(result.flagged)} == {"税務課"}
    assert result.flagged.num_rows == 5
    assert result.notes


def test_an_assumption_does_not_fill_empty_cells(small: Path) -> None:
    rule = {**ALL, "where": {"subject": "9"}}
    assert lines(yokome.scan(small, policy(rule, assume={"subject": "9"}))) == []


# --- scope ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "wanted"),
    [
        ({}, [2, 3, 4, 5, 6, 7]),
        ({"from_": "2026-04-02"}, [5, 6, 7]),
        ({"from_": date(2026, 4, 2)}, [5, 6, 7]),
        ({"to": "2026-04-01"}, [2, 3, 4]),
        ({"to": date(2026, 4, 1)}, [2, 3, 4]),
        ({"from_": "2026-04-01T09:01:00"}, [3, 4, 5, 6, 7]),
        ({"to": datetime(2026, 4, 1, 9, 1)}, [2]),
        ({"from_": "2026-04-01", "to": "2026-04-01"}, [2, 3, 4]),
        ({"from_": "2026-05-01"}, []),
        ({"where": 'department = "税務課"'}, [2, 3, 5]),
        ({"where": {"department": "税務課", "result": ["failure"]}}, [3]),
        ({"where": {"user": {"not_in": ["a"]}}, "to": "2026-04-01"}, [4]),
    ],
)
def test_scope(small: Path, scope: dict[str, Any], wanted: list[int]) -> None:
    result = yokome.scan(small, policy(ALL), **scope)
    assert lines(result) == wanted
    assert sum(row["records"] for row in rows(result.by_day)) == len(wanted)
    assert sum(row["records"] for row in rows(result.activity)) == len(wanted)
    assert rows(result.inputs)[0]["records"] == 6


def test_records_out_of_scope_are_history(small: Path) -> None:
    pair = {"id": "pair", "kind": "count", "window": "7d", "at_least": 3}
    result = yokome.scan(small, policy(pair), from_="2026-04-02")
    assert [(row["line"], row["observed"]) for row in rows(result.flagged)] == [(5, 3)]
    assert rows(result.flagged)[0]["since"] == datetime(2026, 4, 1, 9)


def test_the_scope_of_the_policy_and_of_the_argument(small: Path) -> None:
    written = policy(ALL, scope={"from": "2026-04-02"})
    assert lines(yokome.scan(small, written)) == [5, 6, 7]
    assert lines(yokome.scan(small, written, from_="2026-04-01")) == [2, 3, 4, 5, 6, 7]


# --- lists ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "where", "wanted"),
    [
        # A permission table.
        (
            {"on": ["user", "operation"], "values": [["a", "検索"], ["b", "検索"]]},
            {"operation": {"not_list": "t"}},
            [3],
        ),
        # A leave calendar.
        (
            {"on": ["user", "date"], "values": [["a", "2026-04-02"], ["b", "2026-04-03"]]},
            {"user": {"list": "t"}},
            [5],
        ),
        # The roster of those who may be here at all.
        ({"on": ["user"], "values": ["a"]}, {"user": {"not_list": "t"}}, [4, 6]),
        # Without `on`: tied to the field that names it.
        ({"values": ["001", "003"]}, {"subject": {"list": "t"}}, [2, 4, 5, 6]),
        # Values are text: 1 is not 001.
        ({"on": ["subject"], "values": ["1", "3"]}, {"subject": {"list": "t"}}, []),
    ],
)
def test_lists(
    small: Path, table: dict[str, Any], where: dict[str, Any], wanted: list[int]
) -> None:
    assert lines(yokome.scan(small, policy({**ALL, "where": where}, lists={"t": table}))) == wanted


# --- normalisation -------------------------------------------------------------------------------


def test_identity_is_by_text_unless_asked_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    write(
        path,
        *[
            f"{WEDNESDAY} 09:00:0{n},{user}"
            for n, user in enumerate(("a1", "ａ１", " a1", "a1\u3000"))
        ],
        header="日時,職員番号",
    )
    rule = {"id": "n", "kind": "count", "window": "1h", "at_least": 2}
    assert yokome.scan(path, policy(rule)).flagged.num_rows == 0
    trimmed = yokome.scan(path, policy(rule, normalise={"trim": True}))
    assert [(row["line"], row["observed"]) for row in rows(trimmed.flagged)] == [(4, 2), (5, 3)]
    both = yokome.scan(path, policy(rule, normalise={"trim": True, "width": True}))
    assert [row["observed"] for row in rows(both.flagged)] == [2, 3, 4]


def test_result_words_are_the_policys(small: Path) -> None:
    words = {"success": ["失敗"], "failure": ["成功"]}
    rule = {**ALL, "where": {"result": "failure"}}
    assert lines(yokome.scan(small, policy(rule))) == [3]
    assert lines(yokome.scan(small, policy(rule, results=words))) == [2, 4, 5, 6, 7]


# --- what comes out ------------------------------------------------------------------------------


def test_the_tables_have_their_columns_and_types(example: Path) -> None:
    result = yokome.scan(example)
    text = pa.dictionary(pa.uint32(), pa.string())
    flagged = result.flagged.schema
    assert set(flagged.names) == {*FLAG_CONTENT, "finding", "source", "line", "offset", "raw"}
    assert flagged.names[0] == "rule"
    for name in FIELDS:
        wanted = {"time": pa.timestamp("ms"), "references": pa.bool_()}.get(name, text)
        assert flagged.field(name).type == wanted, name
    assert flagged.field("observed").type == pa.int64()
    assert flagged.field("threshold").type == pa.float64()
    assert flagged.field("since").type == pa.timestamp("ms")
    assert flagged.field("line").type == pa.uint64()
    assert flagged.field("source").type == text
    assert result.findings.schema.names == [
        "finding",
        "rule",
        "viewpoint",
        "per",
        "key",
        "by",
        "value",
        "first",
        "last",
        "records",
        "peak",
        "magnitude",
        "continued",
        "rarity",
        "days_as_strong",
        "days_evaluated",
    ]
    assert result.summary.schema.names == [
        "rule",
        "kind",
        "viewpoint",
        "title_ja",
        "title_en",
        "evaluated",
        "not_evaluable",
        "unattributed",
        "flagged",
        "findings",
        "users",
        "reason",
    ]
    assert result.by_user.schema.names == [
        "user",
        "rule",
        "flagged",
        "findings",
        "priority",
        "strength",
        "users_as_strong",
        "users_evaluated",
    ]
    assert result.by_day.schema.names == ["date", "records", "flagged"]
    assert result.by_day.schema.field("date").type == pa.date32()
    assert result.activity.schema.names == ["department", "weekday", "hour", "records"]
    assert result.rejects.schema.names == ["source", "line", "offset", "reason", "excerpt"]


def test_an_empty_result_has_the_same_types(example: Path, tmp_path: Path) -> None:
    path = tmp_path / "nothing.csv"
    write(path)
    empty, full = yokome.scan(path), yokome.scan(example)
    for name in everything(full):
        assert getattr(empty, name).schema == getattr(full, name).schema, name
    assert empty.flagged.num_rows == 0
    assert empty.summary.num_rows == len(DEFAULT_RULES)
    assert "0" in repr(empty)


def test_findings_stand_in_order(small: Path) -> None:
    result = yokome.scan(small, policy(ALL, {**ALL, "id": "again", "per": "terminal"}))
    places = {"all": 0, "again": 1}
    keys = [
        (
            -row["rarity"],
            row["first"],
            places[row["rule"]],
            row["key"] is not None,
            row["key"] or "",
            row["by"],
        )
        for row in rows(result.findings)
    ]
    assert keys == sorted(keys)
    assert all(row["days_as_strong"] <= row["days_evaluated"] for row in rows(result.findings))
    priorities = [row["priority"] for row in rows(result.by_user)]
    ranked = [priority for priority in priorities if priority is not None]
    assert ranked == sorted(ranked, reverse=True)
    assert priorities[len(ranked) :] == [None] * (len(priorities) - len(ranked))
    assert {(row["per"], row["key"]) for row in rows(result.findings)} == {
        ("user", "a"),
        ("user", "b"),
        ("user", None),
        ("terminal", "t1"),
        ("terminal", "t2"),
    }


def test_a_record_that_two_rules_flag_is_two_rows(small: Path) -> None:
    result = yokome.scan(small, policy({**ALL, "id": "z"}, {**ALL, "id": "a"}))
    assert [(row["line"], row["rule"]) for row in rows(result.flagged)][:4] == [
        (2, "z"),
        (2, "a"),
        (3, "z"),
        (3, "a"),
    ]


def test_to_pandas(example: Path) -> None:
    result = yokome.scan(example)
    frame = result.to_pandas()
    assert len(frame) == result.flagged.num_rows
    assert list(frame.columns) == result.flagged.column_names
    assert frame["rule"].astype(str).tolist()[0] == "off-hours-login"


def test_repr(example: Path) -> None:
    result = yokome.scan(example)
    text = repr(result)
    for rule in DEFAULT_RULES:
        assert rule["id"] in text
    assert "12" in text
    page = result._repr_html_()
    assert "terminal-hopping" in page
    assert "<table" in page


def test_repr_html_escapes_what_logs_and_policies_say(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    write(path, f"{WEDNESDAY} 09:00:00,<script>alert(1)</script>", header="日時,職員番号")
    rule = {**ALL, "title": {"ja": "<script>", "en": "<script>"}}
    page = yokome.scan(path, policy(rule))._repr_html_()
    assert "<script>" not in page


def test_notes_say_what_was_assumed(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    without_subject(path)
    result = yokome.scan(path)
    assert result.notes
    assert len(result.notes) == len(result.notes_ja)
    assert all(isinstance(note, str) and note for note in [*result.notes, *result.notes_ja])
    assert any("references" in note for note in result.notes)


def test_unknown_words_of_references_are_counted_in_a_note(small: Path) -> None:
    quiet = yokome.scan(small, policy(ALL)).notes
    small.write_text(small.read_text(encoding="utf-8").replace("あり", "かも"), encoding="utf-8")
    result = yokome.scan(small, policy(ALL))
    assert {row["references"] for row in rows(result.flagged)} == {None, False}
    assert len(result.notes) > len(quiet)
    assert any("5" in note for note in result.notes if note not in quiet)


def test_progress_is_told(small: Path) -> None:
    told: list[yokome.Progress] = []
    yokome.scan(small, progress=told.append)
    for step in told:
        assert step["bytes"] >= 0
        assert step["records"] >= 0
        assert isinstance(step["stage"], str)


def test_an_error_in_progress_comes_through(small: Path) -> None:
    class Stop(Exception):
        pass

    def stop(_step: yokome.Progress) -> None:
        raise Stop

    # A short scan may end before the first call; no other error may come instead.
    with contextlib.suppress(Stop):
        yokome.scan(small, progress=stop)


# --- reading -------------------------------------------------------------------------------------


def test_records_are_an_arrow_stream(small: Path) -> None:
    by_capsule = pa.table(yokome.read(small))
    by_reader = yokome.read(small).reader.read_all()
    by_iteration = pa.Table.from_batches(list(yokome.read(small)))
    assert rows(by_capsule) == rows(by_reader) == rows(by_iteration)
    text = pa.dictionary(pa.uint32(), pa.string())
    assert by_capsule.schema.names == [*FIELDS, "source", "line", "offset"]
    for name in FIELDS:
        others = {"time": pa.timestamp("ms"), "references": pa.bool_()}
        wanted = {**others, "subject": pa.string()}.get(name, text)
        assert by_capsule.schema.field(name).type == wanted
    assert by_capsule.schema.field("line").type == pa.uint64()


def test_reading_tells_its_inputs_at_the_end(small: Path) -> None:
    with small.open("ab") as file:
        file.write(b"\n\nx\n")
    reading = yokome.read(small)
    assert len(read_records(reading)) == 6
    (counts,) = rows(reading.inputs)
    assert (counts["records"], counts["rejected"], counts["blank"]) == (6, 1, 2)
    assert counts["encoding"] == "utf-8"
    assert counts["delimiter"] == ","
    assert counts["time_format"]
    assert (counts["first"], counts["last"]) == (
        datetime(2026, 4, 1, 9),
        datetime(2026, 4, 2, 10, 30),
    )
    assert [row["line"] for row in rows(reading.rejects)] == [10]


def test_reading_a_frame_makes_no_sense() -> None:
    with pytest.raises(TypeError):
        yokome.read(pa.table({"time": [datetime(2026, 4, 1)]}))


@pytest.mark.parametrize(
    "name", ["a.csv", "日本語 と 空白.csv", "[brackets].csv", "percent%20.csv"]
)
def test_odd_file_names(small: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "odd"
    path.mkdir()
    path = path / name
    path.write_bytes(small.read_bytes())
    for source in (path, path.parent):
        result = yokome.scan(source, policy(ALL))
        assert {row["source"] for row in rows(result.flagged)} == {str(path)}


def test_relative_paths_stay_as_given(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = yokome.scan(small.name, policy(ALL))
    assert {row["source"] for row in rows(result.flagged)} == {small.name}


# --- holidays ------------------------------------------------------------------------------------


def test_holidays_and_overrides(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    write(
        path,
        "2026/04/29 10:00:00,a,税務課",  # a holiday
        "2026/04/29 10:00:00,a,休日窓口",
        "2026/04/30 10:00:00,a,税務課",
        "2026/06/23 10:00:00,a,税務課",  # a day off in Okinawa only
        "2026/12/30 10:00:00,a,税務課",
        header="日時,職員番号,所属",
    )
    rule = {**ALL, "where": {"calendar": "off-hours"}}
    assert lines(yokome.scan(path, policy(rule))) == [2, 3, 6]
    calendar = {
        "country": "JP-47",
        "hours": "08:30-17:15",
        "margin": "30m",
        "closed": ["sat", "sun", "holiday", "12-29..01-03"],
        "override": [{"department": ["休日*"], "closed": []}],
    }
    assert lines(yokome.scan(path, policy(rule, calendar=calendar))) == [2, 5, 6]
    with pytest.raises(yokome.PolicyError):
        yokome.scan(path, policy(rule, calendar={**calendar, "country": "XX"}))


def test_the_figures_of_a_scan_stay_as_they_are(example: Path) -> None:
    overview = yokome.scan(example).overview
    again = yokome.scan(example).overview
    assert overview == again
    assert hash(overview) == hash(again)
    assert len({*overview.rules, *again.rules}) == len(overview.rules)
    for figures, name in ((overview, "flagged"), (overview.rules[0], "flagged"), (overview, "new")):
        with pytest.raises(AttributeError, match=name):
            setattr(figures, name, 0)
    with pytest.raises(AttributeError, match="rules"):
        del overview.rules
    assert overview.flagged == sum(rule.flagged for rule in overview.rules) > 0


def test_hints_of_functions_can_be_looked_at() -> None:
    for function in (yokome.scan, yokome.read, yokome.Policy.from_dict, yokome.Policy.load):
        assert "return" in get_type_hints(function)
    assert get_type_hints(yokome.Progress)["records"] is int
