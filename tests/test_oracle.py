"""The oracle against cases worked out by hand. Runs without the engine."""

from __future__ import annotations

import csv
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from default_policy import DEFAULT_POLICY, EXAMPLE_TABLE, NOT_EVALUABLE
from oracle import (
    FIELDS,
    RULES,
    Finding,
    Flag,
    Oracle,
    Outcome,
    Record,
    RuleSummary,
    circular,
    glob_matches,
    half_hour,
    instant,
    scan,
)
from rendering import REFERENCES_WORDS, RESULT_WORDS

DAY = datetime(2026, 4, 1)  # a Wednesday
OPEN_ALL_DAY = {"hours": "08:30-17:15", "margin": "30m", "closed": ["sat", "sun"], "open": []}


def at(text: str, *, day: int = 0) -> datetime:
    """A time of day, so many days after the first."""
    clock = datetime.strptime(text, "%H:%M:%S" if text.count(":") == 2 else "%H:%M")
    return DAY + timedelta(days=day, hours=clock.hour, minutes=clock.minute, seconds=clock.second)


def numbered(*records: Record) -> list[Record]:
    """The records on lines 2, 3, …"""
    return [
        Record(**{**r.__dict__, "source": "log", "line": n}) for n, r in enumerate(records, start=2)
    ]


def run(records: list[Record], *rules: dict[str, Any], **sections: Any) -> Outcome:
    """The outcome under these rules."""
    policy = {"calendar": OPEN_ALL_DAY, "operations": {}, RULES: list(rules), **sections}
    return scan(records, policy)


def observed(outcome: Outcome) -> dict[int, int]:
    """Line to observed, of a policy with a single rule."""
    return {line: flag.observed for (_, line, _), flag in outcome.flagged.items()}


# --- the example ---------------------------------------------------------------------------------


def example_records(path: Path) -> list[Record]:
    """The guidance's example, read with Python's csv module."""
    results = {word: name for name, words in RESULT_WORDS.items() for word in words}
    references = {word: yes for yes, words in REFERENCES_WORDS.items() for word in words}
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Record(
                time=datetime.strptime(row["日時"], "%Y/%m/%d %H:%M:%S"),
                user=row["職員名"],
                terminal=row["端末番号"],
                operation=row["操作内容"],
                result=results[row["処理結果"]],
                references=references[row["個人番号参照"]],
                source="log",
                line=number,
            )
            for number, row in enumerate(csv.DictReader(file), start=2)
        ]


def test_the_example_gives_the_table_of_the_specification(data: Path) -> None:
    records = example_records(data / "ppc_example.csv")
    columns = {"time", "user", "terminal", "operation", "result", "references"}
    outcome = scan(records, DEFAULT_POLICY, columns=columns)
    table: dict[int, dict[str, int]] = {}
    for (_, line, rule), flag in outcome.flagged.items():
        table.setdefault(line, {})[rule] = flag.observed
    assert table == EXAMPLE_TABLE
    for rule in NOT_EVALUABLE:
        assert outcome.summary[rule].evaluated == 0
        assert outcome.summary[rule].not_evaluable > 0
    assert outcome.summary["denied-burst"] == RuleSummary(6, 0, 0, 2, 1, 1)
    assert outcome.summary["repeat-subject"] == RuleSummary(0, 12, 0, 0, 0, 0)
    assert outcome.by_user[("オサム", "terminal-hopping")] == (4, 1)
    assert outcome.by_day[date(2019, 2, 4)] == (8, 8)
    assert outcome.activity[(None, 0, 8)] == 3


# --- count ---------------------------------------------------------------------------------------

COUNT = {"id": "c", "kind": "count", "window": "10m", "at_least": 2}


def test_count_window_is_open_below_and_includes_ties() -> None:
    records = numbered(
        Record(at("09:00"), user="a"),
        Record(at("09:10"), user="a"),  # 09:00 is just out
        Record(at("09:19:59"), user="a"),
        Record(at("09:19:59"), user="a"),  # both ties see both
        Record(at("09:10"), user="b"),
    )
    outcome = run(records, COUNT)
    assert observed(outcome) == {4: 3, 5: 3}
    assert outcome.flagged["log", 4, "c"] == Flag(3, at("09:10"), 2.0, None)
    assert outcome.findings == {
        Finding("c", "a", "", None, at("09:19:59"), at("09:19:59"), 2, 3, 3.0): 1
    }


def test_count_by_leaves_out_nulls_and_separates_values() -> None:
    records = numbered(
        Record(at("09:00"), user="a", subject="1"),
        Record(at("09:01"), user="a", subject=None),
        Record(at("09:02"), user="a", subject="2"),
        Record(at("09:03"), user="a", subject="1"),
        Record(at("09:04"), user=None, subject="1"),
    )
    outcome = run(records, {**COUNT, "by": ["subject", "hour"]})
    assert observed(outcome) == {5: 2}
    assert outcome.summary["c"] == RuleSummary(3, 1, 1, 1, 1, 1)
    assert next(iter(outcome.findings)).by == "subject=1, hour=9"


def test_findings_of_count_break_where_flagged_rows_are_a_window_apart() -> None:
    times = ("09:00", "09:01", "09:10:59", "09:20:59", "09:21")
    outcome = run(numbered(*(Record(at(t), user="a") for t in times)), COUNT)
    assert observed(outcome) == {3: 2, 4: 2, 6: 2}  # 09:01, 09:10:59, 09:21
    assert {(f.first, f.last, f.records) for f in outcome.findings} == {
        (at("09:01"), at("09:10:59"), 2),
        (at("09:21"), at("09:21"), 1),
    }


# --- distinct ------------------------------------------------------------------------------------


def test_distinct_counts_values_and_skips_records_without_one() -> None:
    rule = {"id": "d", "kind": "distinct", "field": "terminal", "window": "1h", "at_least": 2}
    records = numbered(
        Record(at("08:50"), user="a", terminal=None),
        Record(at("09:00"), user="a", terminal="x"),
        Record(at("09:10"), user="a", terminal="x"),
        Record(at("09:20"), user="a", terminal="y"),
        Record(at("09:30"), user="a", terminal=None),
        Record(at("10:10"), user="a", terminal="y"),  # (09:10, 10:10]: y alone
    )
    outcome = run(records, rule)
    assert observed(outcome) == {5: 2}
    assert outcome.flagged["log", 5, "d"].since == at("08:50")
    assert outcome.summary["d"] == RuleSummary(4, 2, 0, 1, 1, 1)


# --- novelty -------------------------------------------------------------------------------------

NOVELTY = {
    "id": "n",
    "kind": "novelty",
    "field": "terminal",
    "lookback": "3d",
    "min_active_days": 2,
}


def test_novelty_compares_days_whatever_where_says() -> None:
    records = numbered(
        Record(at("09:00"), user="a", terminal="x", result="success"),
        Record(at("09:00", day=1), user="a", terminal="y", result="success"),
        Record(at("09:00", day=2), user="a", terminal="x", result="failure"),  # used on day 0
        Record(at("09:00", day=3), user="a", terminal="z", result="failure"),
        Record(at("10:00", day=3), user="a", terminal="z", result="failure"),  # today is not past
        Record(at("09:00", day=5), user="a", terminal="y", result="failure"),  # day 1 is out
    )
    outcome = run(records, {**NOVELTY, "where": {"result": "failure"}})
    # Day 3: B = days 0, 1, 2; news on day 1. Day 5: B = days 2, 3; news on day 3.
    assert outcome.flagged == {
        ("log", 5, "n"): Flag(0, None, 0.0, 3),
        ("log", 6, "n"): Flag(0, None, 0.0, 3),
        ("log", 7, "n"): Flag(0, None, 0.0, 2),
    }
    assert outcome.findings == {
        Finding("n", "a", "", "z", at("09:00", day=3), at("10:00", day=3), 2, 0, 4 / 1.5): 1,
        Finding("n", "a", "", "y", at("09:00", day=5), at("09:00", day=5), 1, 0, 3 / 1.5): 1,
    }
    assert outcome.summary["n"] == RuleSummary(4, 0, 0, 3, 2, 1)


def test_novelty_may_allow_some_days_and_says_the_last() -> None:
    records = numbered(
        Record(at("09:00"), user="a", terminal="x"),
        Record(at("09:00", day=1), user="a", terminal="x"),
        Record(at("09:00", day=2), user="a", terminal="x"),
        Record(at("09:00", day=2), user="a", terminal=None),
    )
    outcome = run(records, {**NOVELTY, "max_days": 2})
    assert outcome.flagged == {("log", 4, "n"): Flag(2, at("00:00", day=1), 2.0, 2)}
    assert outcome.summary["n"] == RuleSummary(1, 3, 0, 1, 1, 1)
    assert next(iter(outcome.findings)).magnitude == 3 / 0.5


def test_novelty_with_no_history_required() -> None:
    outcome = run(
        numbered(Record(at("09:00"), user="a", terminal="x")), {**NOVELTY, "min_active_days": 0}
    )
    assert outcome.flagged == {("log", 2, "n"): Flag(0, None, 0.0, 0)}
    assert next(iter(outcome.findings)).magnitude == 2.0


# --- hours ---------------------------------------------------------------------------------------


def test_hours_measures_round_the_clock() -> None:
    rule = {"id": "h", "kind": "hours", "lookback": "7d", "min_active_days": 1, "at_least": "2h"}
    records = numbered(
        Record(at("23:45"), user="a"),
        Record(at("00:10", day=1), user="a"),  # half-hour 0, from 47: 30 minutes
        Record(at("03:00", day=2), user="a"),  # 6 from 0: 180
        Record(at("01:59", day=2), user="a"),  # 3 from 0: 90
        Record(at("12:00", day=20), user="a"),  # no history
    )
    outcome = run(records, rule)
    assert outcome.flagged == {("log", 4, "h"): Flag(180, None, 120.0, 2)}
    assert outcome.summary["h"] == RuleSummary(3, 2, 0, 1, 1, 1)
    nothing = run(records[:1], {**rule, "min_active_days": 0})
    assert nothing.summary["h"] == RuleSummary(0, 1, 0, 0, 0, 0)


def test_half_hours() -> None:
    assert [half_hour(at(t)) for t in ("00:00", "00:29:59", "00:30", "23:59:59")] == [0, 0, 1, 47]
    assert (circular(0, 47), circular(47, 0), circular(0, 24), circular(10, 4)) == (1, 1, 24, 6)


# --- spike ---------------------------------------------------------------------------------------

SPIKE = {
    "id": "s",
    "kind": "spike",
    "lookback": "5d",
    "min_active_days": 2,
    "at_least": 2,
    "factor": 1.5,
}


def test_spike_compares_the_day_so_far_with_the_median_of_the_days() -> None:
    records = numbered(
        *[Record(at("09:00"), user="a")] * 9,  # day 0, which day 6 no longer sees
        *[Record(at("09:00", day=1), user="a")] * 2,
        *[Record(at("09:00", day=2), user="a")] * 3,  # lines 13 to 15
        Record(at("09:00", day=6), user="a"),
        Record(at("10:00", day=6), user="a"),
        Record(at("11:00", day=6), user="a"),
        Record(at("12:00", day=6), user="a"),  # lines 19 and 20, both the fifth
        Record(at("12:00", day=6), user="a"),
    )
    outcome = run(records, SPIKE)
    # Day 2: B = days 0, 1; M = 5.5, of which half as much again is 8.25. Day 6: B = days 1, 2;
    # M = 2.5, and 3.75 the threshold: the third record is below it, the two fourths are above.
    flag = Flag(5, at("09:00", day=6), 3.75, 2)
    assert outcome.flagged == {("log", 19, "s"): flag, ("log", 20, "s"): flag}
    assert outcome.summary["s"] == RuleSummary(8, 11, 0, 2, 1, 1)
    (finding,) = outcome.findings
    assert (finding.records, finding.peak, finding.magnitude) == (2, 5, 5.0)
    high = run(records, {**SPIKE, "at_least": 5})
    assert {flag.threshold for flag in high.flagged.values()} == {5.0}
    assert not run(records, {**SPIKE, "at_least": 6}).flagged


def test_spike_counts_days_without_a_match_as_nothing() -> None:
    records = numbered(
        Record(at("09:00"), user="a"),
        Record(at("09:00", day=1), user="a"),
        Record(at("09:00", day=2), user="a", result="failure"),
        Record(at("08:00", day=3), user="a"),
        Record(at("09:00", day=3), user="a", result="failure", subject="x"),
        Record(at("10:00", day=3), user="a", result="failure", subject="x"),
        Record(at("11:00", day=3), user="a", result="failure"),
        Record(at("12:00", day=3), user="a", result="failure", subject="y"),
    )
    rule = {**SPIKE, "where": {"result": "failure"}}
    since = at("09:00", day=3)
    assert run(records, rule).flagged == {
        ("log", line, "s"): Flag(count, since, 2.0, 3) for line, count in ((7, 2), (8, 3), (9, 4))
    }
    assert run(records, {**rule, "distinct": "subject"}).flagged == {
        ("log", 9, "s"): Flag(2, since, 2.0, 3)
    }


def test_spike_takes_the_factor_as_it_is_written() -> None:
    records = numbered(
        *[Record(at("09:00"), user="a")] * 10, *[Record(at("09:00", day=1), user="a")] * 11
    )
    rule = {**SPIKE, "min_active_days": 1, "factor": 1.1}
    assert set(observed(run(records, rule)).values()) == {11}


# --- gap -----------------------------------------------------------------------------------------


def test_gap_flags_the_first_instant_after_it() -> None:
    records = numbered(
        Record(at("09:00"), user="a", result="failure"),
        Record(at("09:00", day=2), user="a"),
        Record(at("09:00", day=2), user="a", result="failure"),
        Record(at("09:01", day=2), user="a"),
        Record(at("09:00:59", day=4), user="a"),  # one second less
        Record(at("09:00", day=4), user="b"),
    )
    outcome = run(records, {"id": "g", "kind": "gap", "idle": "2d"})
    flag = Flag(172_800, at("09:00"), 172_800.0, None)
    assert outcome.flagged == {("log", 3, "g"): flag, ("log", 4, "g"): flag}
    assert outcome.summary["g"] == RuleSummary(6, 0, 0, 2, 1, 1)
    # Earlier records count whatever `where` says, and so do those that fill the gap.
    succeeded = run(
        records, {"id": "g", "kind": "gap", "idle": "2d", "where": {"result": "failure"}}
    )
    assert succeeded.flagged == {("log", 4, "g"): flag}


# --- sequence ------------------------------------------------------------------------------------

BREAK_IN = {
    "id": "q",
    "kind": "sequence",
    "within": "10m",
    "steps": [{"result": "failure", "times": 2}, {"result": "success"}],
}


def test_sequence_starts_as_late_as_it_can() -> None:
    records = numbered(
        Record(at("09:00"), user="a", result="failure"),
        Record(at("09:01"), user="a", result="failure"),
        Record(at("09:02"), user="a", result="failure"),
        Record(at("09:02"), user="a", result="success"),
        Record(at("09:03"), user="a", result="other"),
        Record(at("09:10"), user="a", result="success"),
        Record(at("09:12"), user="a", result="success"),  # one failure left in the window
    )
    outcome = run(records, BREAK_IN)
    assert outcome.flagged == {
        # At 09:02 the failure of the same instant does not come before it.
        ("log", 5, "q"): Flag(1, at("09:00"), None, None),
        ("log", 7, "q"): Flag(1, at("09:01"), None, None),
    }
    assert outcome.summary["q"] == RuleSummary(7, 0, 0, 2, 1, 1)
    (finding,) = outcome.findings
    assert (finding.records, finding.magnitude) == (2, 2.0)


def test_sequence_by_keeps_values_apart() -> None:
    records = numbered(
        Record(at("09:00"), user="a", result="failure", terminal="x"),
        Record(at("09:01"), user="a", result="failure", terminal="y"),
        Record(at("09:02"), user="a", result="failure", terminal="x"),
        Record(at("09:03"), user="a", result="success", terminal="y"),
        Record(at("09:03"), user="a", result="success", terminal="x"),
        Record(at("09:03"), user="a", result="success"),
    )
    outcome = run(records, {**BREAK_IN, "by": ["terminal"]})
    assert outcome.flagged == {("log", 6, "q"): Flag(1, at("09:00"), None, None)}
    assert outcome.summary["q"] == RuleSummary(5, 1, 0, 1, 1, 1)


@pytest.mark.parametrize(
    ("steps", "records", "start"),
    [
        # Each step strictly after the one before.
        ("abc", "a0 b1 c2", 0),
        ("abc", "a0 b0 c2", None),
        ("abc", "a0 b2 c2", None),
        ("abc", "a0 a1 b2 a3 c4", 1),
        # A step with times begins where the one before is done, and is done later.
        ("aBc", "a1 b1 b2 c3", 1),
        ("aBc", "a1 b1 b1 c3", None),
        ("ABc", "a0 b1 a2 b3 c4", None),
        ("ABc", "a0 a1 b1 b2 c3", 0),
        # The last step may have times as well.
        ("aB", "a0 b1 b2", 0),
        ("aB", "a1 b0 b2", None),
        ("aB", "a0 b2 b2", 0),
    ],
)
def test_sequence_steps_in_order(steps: str, records: str, start: int | None) -> None:
    """A capital letter is a step that takes two; only the last instant is asked."""
    rule = {
        **BREAK_IN,
        "steps": [{"operation": s.lower(), **({"times": 2} if s.isupper() else {})} for s in steps],
    }
    log = [Record(at(f"09:0{r[1]}"), user="a", operation=r[0]) for r in records.split()]
    outcome = run(numbered(*log), rule)
    found = {
        flag.since for (_, n, _), flag in outcome.flagged.items() if log[n - 2].time == log[-1].time
    }
    assert found == ({at(f"09:0{start}")} if start is not None else set())


# --- match, where, lists -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "lines"),
    [
        ({}, {2, 3, 4}),
        ({"user": "a"}, {2}),
        ({"user": ["a", "b"]}, {2, 3}),
        ({"user": {"in": ["b"]}}, {3}),
        ({"user": {"not_in": ["b"]}}, {2}),
        ({"user": {"glob": "?"}}, {2, 3}),
        ({"user": {"regex": "[b-z]"}}, {3}),
        ({"user": {"glob": "?", "not_in": ["a"]}}, {3}),
        ({"user": {"list": "pairs"}}, {2}),
        ({"user": {"not_list": "pairs"}}, set()),  # b has no operation: null
        ({"user": {"list": "leave"}}, {3}),
        ({"user": {"list": "plain"}}, {3}),
        ({"user": {"not_list": "plain"}}, {2}),
        ({"operation_class": "view"}, {2, 4}),
        ({"references": True}, {2}),
        ({"references": False}, {3}),
        ({"result": "success"}, {2}),
        ({"result": ["success", "failure"]}, {2, 3}),
        ({"calendar": "off-hours"}, {3, 4}),
        ({"calendar": "business-hours"}, {2}),
        ({"time_of_day": "22:00-05:00"}, {3}),
        ({"time_of_day": "08:00-09:00"}, {2}),
        ({"weekday": ["sat", "sun"]}, {4}),
        ({"weekday": ["wed", "thu"], "user": "b"}, {3}),
    ],
)
def test_where(where: dict[str, Any], lines: set[int]) -> None:
    records = numbered(
        Record(at("08:00"), "a", operation="検索", result="success", references=True),
        Record(at("22:00", day=1), "b", result="failure", references=False),
        Record(at("12:00", day=3), None, operation="検品"),
    )
    outcome = run(
        records,
        {"id": "m", "kind": "match", "where": where},
        operations={"view": ["検*"]},
        lists={
            "pairs": {"on": ["user", "operation"], "values": [["a", "検索"], ["a", "印刷"]]},
            "leave": {"on": ["user", "date"], "values": [["b", "2026-04-02"]]},
            "plain": {"values": ["b", "c"]},
        },
    )
    assert {line for _, line, _ in outcome.flagged} == lines
    assert all(flag == Flag(1, None, None, None) for flag in outcome.flagged.values())


def test_match_keeps_records_without_a_key() -> None:
    records = numbered(Record(at("09:00")), Record(at("10:00")), Record(at("10:00", day=1)))
    outcome = run(records, {"id": "m", "kind": "match"})
    assert outcome.summary["m"] == RuleSummary(3, 0, 0, 3, 2, 0)
    assert outcome.by_user == {(None, "m"): (3, 2)}


@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [
        ("*", "", True),
        ("?", "検", True),
        ("検?", "検索", True),
        ("検?", "検", False),
        ("[あ-ん]*", "ある", True),
        ("[!あ-ん]*", "ある", False),
        ("{印刷,書き*}", "書き出し", True),
        ("{印刷,書き*}済", "書き出し", False),
        ("a*b*c", "aXXbYYc", True),
        ("A", "a", False),
    ],
)
def test_globs(pattern: str, value: str, matches: bool) -> None:
    assert glob_matches(pattern, value) == matches


# --- calendar, scope, columns --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "department", "off"),
    [
        ("2026-04-01T07:59:59", None, True),
        ("2026-04-01T08:00:00", None, False),
        ("2026-04-01T17:44:59", None, False),
        ("2026-04-01T17:45:00", None, True),
        ("2026-04-02T18:30:00", None, False),  # Thursdays are long
        ("2026-04-04T12:00:00", None, True),  # Saturday
        ("2026-04-11T12:00:00", None, False),  # a Saturday that is worked
        ("2026-04-04T12:00:00", "窓口課", False),  # open on Saturdays
        ("2026-04-29T12:00:00", None, True),  # holiday
        ("2026-04-29T12:00:00", "窓口課", False),
        ("2026-12-29T12:00:00", None, True),
        ("2027-01-03T12:00:00", "窓口課", False),
        ("2026-01-02T12:00:00", None, True),
        ("2026-04-15T12:00:00", None, True),  # a closed date
    ],
)
def test_calendar(time: str, department: str | None, off: bool) -> None:
    policy = {
        "calendar": {
            "hours": {"default": "08:30-17:15", "thu": "08:30-19:00"},
            "margin": "30m",
            "closed": ["sat", "sun", "holiday", "12-29..01-03", "2026-04-15"],
            "open": ["2026-04-11"],
            "override": [{"department": ["窓口*"], "closed": []}],
        },
        RULES: [],
    }
    oracle = Oracle([], policy, holidays=lambda day: (day.month, day.day) == (4, 29))
    assert oracle.is_off_hours(Record(instant(time), department=department)) == off


def test_scope_limits_what_is_flagged_but_not_what_is_seen() -> None:
    records = numbered(
        Record(at("23:55"), user="a"),
        Record(at("00:01", day=1), user="a"),
        Record(at("23:59", day=1), user="b"),
        Record(at("00:01", day=2), user="a"),
    )
    scope = {"from": "2026-04-02", "to": "2026-04-02", "where": {"user": "a"}}
    outcome = run(records, COUNT, scope=scope)
    assert observed(outcome) == {3: 2}
    assert outcome.by_day == {date(2026, 4, 2): (1, 1)}
    assert sum(outcome.activity.values()) == 1


def test_a_missing_column_makes_a_rule_not_evaluable() -> None:
    records = numbered(Record(at("09:00"), user="a"), Record(at("09:01"), user="a"))
    rule = {**COUNT, "where": {"user": {"not_list": "permits"}}}
    policy = {RULES: [rule], "lists": {"permits": {"on": ["user", "operation"], "values": []}}}
    columns = set(FIELDS) - {"operation"}
    assert scan(records, policy, columns=columns).summary["c"] == RuleSummary(0, 2, 0, 0, 0, 0)
