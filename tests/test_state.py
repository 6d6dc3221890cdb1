"""Month after month with a state is one scan; and what is wrong with a state is said.

The oracle knows nothing of states: it sees all records at once.
"""

# ruff: noqa: S311 - chance, not secrets

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import oracle
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from observe import japanese_holiday, names, outcome_of, record_of, rows
from oracle import Outcome, Record
from rendering import Log, Style, folder, write_log
from strategies import Case, cases, examples, styles

import yokome
from yokome import cli
from yokome.summary_text import summary_text

THREADS = st.sampled_from((1, 2, 8, None))
CHUNKS = st.one_of(st.integers(1, 64), st.sampled_from((None, 300)))
BATCHES = st.sampled_from((None, 1, 2, 5, 20))


@st.composite
def ways(draw: st.DrawFn) -> dict[str, Any]:
    """How a scan runs."""
    return {
        "threads": draw(THREADS),
        "chunk_size": draw(CHUNKS),
        "batch_size": draw(BATCHES),
    }


def months_of(records: Sequence[Record], cuts: Sequence[int]) -> list[list[Record]]:
    """The records, cut between instants: each cut is a place in the list of all instants."""
    instants = sorted({record.time for record in records})
    bounds = sorted({instants[cut % len(instants)] for cut in cuts}) if instants else []
    months: list[list[Record]] = [[] for _ in range(len(bounds) + 1)]
    for record in records:
        months[sum(record.time >= bound for bound in bounds)].append(record)
    return months


def together(results: Sequence[yokome.ScanResult]) -> Outcome:
    """The outcome of scans one after another, in the oracle's shape.

    Every flag and count once; of a finding that goes on, the last word.
    """
    out = Outcome()
    last: dict[str, dict[str, Any]] = {}
    for result in results:
        for row in rows(result.findings):
            before = last.get(row["finding"])
            assert row["continued"] == (before is not None)
            if before is not None:
                fixed = ("rule", "key", "by", "value", "first")
                assert [row[name] for name in fixed] == [before[name] for name in fixed]
                assert row["records"] > before["records"]
                assert row["last"] > before["last"]
            last[row["finding"]] = row
        one = outcome_of(result)
        assert not one.flagged.keys() & out.flagged.keys()
        out.flagged.update(one.flagged)
        for rule, counts in one.summary.items():
            known = out.summary.get(rule)
            if known is not None:
                sums = map(sum, zip(astuple(known), astuple(counts), strict=True))
                counts = type(counts)(*sums)
            out.summary[rule] = counts
        add_pairs(out.by_user, one.by_user)
        add_pairs(out.by_day, one.by_day)
        out.activity += one.activity
    for row in last.values():
        fields = oracle.Finding.__dataclass_fields__
        out.findings[oracle.Finding(**{name: row[name] for name in fields})] += 1
    return out


def add_pairs(to: dict[Any, tuple[int, int]], more: dict[Any, tuple[int, int]]) -> None:
    """Adds counts to counts."""
    for key, pair in more.items():
        so_far = to.get(key, (0, 0))
        to[key] = (so_far[0] + pair[0], so_far[1] + pair[1])


def check_months(
    case: Case,
    style: Style,
    cuts: Sequence[int],
    ways: Sequence[dict[str, Any]],
    *,
    files: int = 1,
    in_order: bool = False,
) -> None:
    """Month after month gives what the oracle says of all records together."""
    records, policy = case
    if in_order:
        records = tuple(sorted(records, key=lambda r: r.time))
    results: list[yokome.ScanResult] = []
    placed: list[Record] = []
    with folder() as place:
        state = place / "state"
        for number, month in enumerate(months_of(records, cuts)):
            (place / str(number)).mkdir()
            log = write_log(month, style, place / str(number), files=files, shuffle=not in_order)
            contents = [r.data for r in log.rendered.values() if r.places]
            assume(len(contents) == len(set(contents)))
            results.append(scan(log, policy, style, state, **ways[number % len(ways)]))
            placed += log.records
            check_flags(results, log)
        covered = yokome.read_state(state)
        want = oracle.scan(placed, policy, holidays=japanese_holiday)
        got = together(results)
        users = {rule: counts.users for rule, counts in want.summary.items()}
        # How many users there are in all is not the sum of how many there are each month.
        for rule, counts in got.summary.items():
            got.summary[rule] = replace(counts, users=users[rule])
        assert got.flagged == want.flagged
        assert got.findings == want.findings
        assert got.summary == want.summary
        assert got.by_user == want.by_user
        assert got.by_day == want.by_day
        assert got.activity == want.activity
        assert len(covered.periods) == len(results)
        assert covered.last == max((r.time for r in placed), default=None)
        assert sum(period.records for period in covered.periods) == len(placed)
        assert {s.source for p in covered.periods for s in p.sources} >= {r.source for r in placed}


def check_flags(results: Sequence[yokome.ScanResult], log: Log) -> None:
    """The flags of the last scan belong to findings of that scan."""
    by_place = {(r.source, r.line): r for r in log.records}
    findings = {row["finding"]: row for row in rows(results[-1].findings)}
    flagged = Counter[str]()
    for row in rows(results[-1].flagged):
        assert record_of(row) == by_place[row["source"], row["line"]]
        flagged[row["finding"]] += 1
    assert flagged.keys() == findings.keys()
    for finding, row in findings.items():
        assert flagged[finding] == row["records"] or row["continued"]


def scan(
    log: Log, policy: dict[str, Any], style: Style, state: Path, **how: Any
) -> yokome.ScanResult:
    return yokome.scan(
        names(log.paths),
        yokome.Policy.from_dict(policy),
        encoding=style.label,
        delimiter=style.delimiter,
        state=state,
        **how,
        # A random number may look like an Individual Number, which results mask.
        unmask=True,
    )


CUTS = st.lists(st.integers(0, 200), min_size=1, max_size=3)


@settings(max_examples=examples(300))
@given(
    data=st.data(),
    style=styles(),
    cuts=CUTS,
    how=st.lists(ways(), min_size=1, max_size=4),
    files=st.integers(1, 2),
    in_order=st.booleans(),
)
def test_month_after_month_is_one_scan(
    data: st.DataObject,
    style: Style,
    cuts: list[int],
    how: list[dict[str, Any]],
    files: int,
    in_order: bool,
) -> None:
    case = data.draw(cases(encoding=style.encoding))
    check_months(case, style, cuts, how, files=files, in_order=in_order)


@settings(max_examples=examples(100))
@given(
    case=cases(max_size=120),
    cuts=CUTS,
    how=st.lists(ways(), min_size=1, max_size=4),
    in_order=st.booleans(),
)
def test_longer_months_are_one_scan(
    case: Case, cuts: list[int], how: list[dict[str, Any]], in_order: bool
) -> None:
    check_months(case, Style(), cuts, how, in_order=in_order)


@settings(max_examples=examples(60))
@given(data=st.data(), cuts=CUTS, how=st.lists(ways(), min_size=1, max_size=2))
def test_milliseconds_count(
    data: st.DataObject, cuts: list[int], how: list[dict[str, Any]]
) -> None:
    style = data.draw(styles(millis=True))
    case = data.draw(cases(encoding=style.encoding, millis=True))
    check_months(case, style, cuts, how)


KINDS: dict[str, dict[str, Any]] = {
    "match": {"where": {"result": "failure"}},
    "count": {"window": "40s", "at_least": 4},
    "count by": {"kind": "count", "window": "60s", "at_least": 4, "by": ["subject"]},
    "count by, low": {"kind": "count", "window": "60s", "at_least": 2, "by": ["subject"]},
    "count by two": {
        "kind": "count",
        "window": "90s",
        "at_least": 3,
        "by": ["subject", "terminal"],
    },
    "distinct": {"field": "subject", "window": "50s", "at_least": 5},
    "distinct per": {
        "kind": "distinct",
        "per": "terminal",
        "field": "user",
        "by": ["operation"],
        "window": "100s",
        "at_least": 2,
    },
    "novelty": {"field": "subject", "lookback": "3d", "min_active_days": 1},
    "novelty per": {
        "kind": "novelty",
        "per": "subject",
        "field": "user",
        "lookback": "70d",
        "min_active_days": 1,
        "max_days": 1,
    },
    "hours": {"lookback": "5d", "min_active_days": 1, "at_least": "30m"},
    "spike": {"lookback": "4d", "min_active_days": 1, "at_least": 2, "factor": 1.5},
    "spike distinct": {
        "kind": "spike",
        "distinct": "subject",
        "lookback": "4d",
        "min_active_days": 1,
        "at_least": 2,
        "factor": 1.5,
    },
    "gap": {"idle": "45s"},
    "sequence": {
        "within": "60s",
        "by": ["subject"],
        "steps": [{"result": "failure", "times": 2}, {"result": "success"}],
    },
}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=examples(12))
@given(
    seed=st.integers(0, 2**32 - 1),
    # Cuts at every moment of a window, of a day, and of none.
    cuts=st.lists(st.integers(0, 10_000), min_size=1, max_size=3),
    step=st.sampled_from((1, 1, 30, 4_000, 30_000)),
    how=st.lists(ways(), min_size=1, max_size=2),
)
def test_every_kind_goes_on(
    kind: str, seed: int, cuts: list[int], step: int, how: list[dict[str, Any]]
) -> None:
    """Many records of few values: windows, findings and days that span every cut."""
    rng = random.Random(seed)
    at = datetime(2026, 3, 30, 23, 58)
    records = []
    for _ in range(250):
        at += timedelta(seconds=rng.choice((0, 0, 1, 2, 5, 9)) * step)
        records.append(
            Record(
                time=at,
                user=rng.choice(("u", "v")),
                terminal=rng.choice(("T1", "T2", None)),
                operation=rng.choice(("検索", "印刷")),
                subject=rng.choice(("7", "007", "A-1", "A-2", "1234567890123456", None)),
                result=rng.choice(("success", "failure")),
            )
        )
    rule = {"kind": kind, **KINDS[kind], "id": "r"}
    policy = {"calendar": {"country": "JP", "hours": "08:30-17:15"}, oracle.RULES: [rule]}
    check_months((tuple(records), policy), Style(), cuts, how, in_order=bool(seed % 2))


# --- what is wrong is said -----------------------------------------------------------------------

RULE = {"id": "r", "kind": "count", "window": "7d", "at_least": 2, "by": ["subject"]}
POLICY = {"calendar": {"country": "JP", "hours": "08:30-17:15"}, oracle.RULES: [RULE]}
APRIL = ("2026-04-29 09:00:00,u,1", "2026-04-30 23:59:59,u,1")
MAY = ("2026-05-01 00:00:00,u,1", "2026-05-20 09:00:00,v,2")


def write(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("\n".join(("日時,職員番号,宛名番号", *lines, "")), encoding="utf-8")
    return path


def policy_with(**changes: Any) -> yokome.Policy:
    return yokome.Policy.from_dict({**POLICY, **changes})


@pytest.fixture
def april(tmp_path: Path) -> Path:
    """A state that covers April."""
    state = tmp_path / "state"
    yokome.scan(write(tmp_path / "april.csv", APRIL), policy_with(), state=state)
    return state


def refused(log: Path, state: Path, policy: yokome.Policy | None = None) -> yokome.StateError:
    """The error of a scan; the state is as it was before, and nothing lies beside it."""
    before = state.read_bytes() if state.is_file() else None
    beside = set(state.parent.iterdir()) if state.parent.is_dir() else set()
    with pytest.raises(yokome.StateError) as caught:
        yokome.scan(log, policy or policy_with(), state=state)
    assert (state.read_bytes() if state.is_file() else None) == before
    assert not beside or set(state.parent.iterdir()) == beside
    assert isinstance(caught.value, yokome.YokomeError)
    assert caught.value.path == str(state)
    assert caught.value.message_ja is not None
    return caught.value


@settings(max_examples=examples(30))
@given(lookback=st.sampled_from((1, 2, 5, 64, 90)), beyond=st.sampled_from((0, 0, -1, 1)))
def test_what_is_just_within_a_lookback_to_come_is_carried(lookback: int, beyond: int) -> None:
    """A user was active on one day only, and the next month begins on a day that just sees it."""
    end = datetime(2026, 8, 3)
    first = end - timedelta(days=lookback + beyond)
    used = [
        Record(time=first + timedelta(hours=9, minutes=minute), user="u", terminal="A")
        for minute in (0, 10, 20)
    ]
    # (Of another user, so that the state is of this day.)
    last = Record(time=end + timedelta(hours=9), user="v", terminal="A")
    later = [
        Record(time=end + timedelta(hours=hour), user="u", terminal=terminal)
        for hour in (10, 11)
        for terminal in "AB"
    ]
    of = {"lookback": f"{lookback}d", "min_active_days": 1}
    rules = [
        {"id": "n", "kind": "novelty", "field": "terminal", **of},
        {"id": "h", "kind": "hours", "at_least": "1h", **of},
        {"id": "s", "kind": "spike", "at_least": 1, "factor": 1, **of},
    ]
    policy = {"calendar": {"country": "JP", "hours": "08:30-17:15"}, oracle.RULES: rules}
    records = (*used, last, *later)
    instants = sorted({record.time for record in records})
    check_months((records, policy), Style(), [instants.index(later[0].time)], [{}])


def test_a_finding_goes_on_and_is_counted_once(april: Path, tmp_path: Path) -> None:
    may = yokome.scan(write(tmp_path / "may.csv", MAY), policy_with(), state=april)
    (finding,) = rows(may.findings)
    assert finding["continued"] is True
    assert (finding["records"], finding["peak"]) == (2, 3)
    assert finding["first"] == datetime(2026, 4, 30, 23, 59, 59)
    (summary,) = rows(may.summary)
    assert (summary["flagged"], summary["findings"]) == (1, 0)
    assert any("go on from earlier scans" in note for note in may.notes)
    june = yokome.scan(
        write(tmp_path / "june.csv", ["2026-06-01 09:00:00,u,1"]), policy_with(), state=april
    )
    assert june.findings.num_rows == 0


def test_a_new_state_is_said_to_be_new(tmp_path: Path) -> None:
    log, state = write(tmp_path / "april.csv", APRIL), tmp_path / "state"
    first = yokome.scan(log, policy_with(), state=state)
    assert any("starts anew" in note for note in first.notes)
    assert any("新しく始めました" in note for note in first.notes_ja)
    assert state.stat().st_mode & 0o777 == 0o600
    may = yokome.scan(write(tmp_path / "may.csv", MAY), policy_with(), state=state)
    assert any("covers up to 2026-04-30 23:59:59" in note for note in may.notes)


def test_the_same_records_leave_the_same_bytes(tmp_path: Path) -> None:
    lines = [f"2026-04-{n % 28 + 1:02} 09:00:{n % 60:02},u{n % 7},s{n % 11}" for n in range(300)]
    states = []
    for threads, chunk in ((1, None), (4, 50), (2, 7)):
        state = tmp_path / f"state{threads}"
        log = write(tmp_path / "april.csv", lines)
        yokome.scan(log, policy_with(), state=state, threads=threads, chunk_size=chunk)
        states.append(state.read_bytes())
    assert states[0] == states[1] == states[2]


def test_a_state_says_what_it_covers(april: Path, tmp_path: Path) -> None:
    yokome.scan(write(tmp_path / "may.csv", [*MAY, "bad"]), policy_with(), state=april)
    state = yokome.read_state(april)
    assert state.last == datetime(2026, 5, 20, 9)
    assert [period.records for period in state.periods] == [2, 2]
    assert state.users == 1  # u's records have left the window
    assert state.size == april.stat().st_size
    (source,) = state.periods[1].sources
    assert source.source == str(tmp_path / "may.csv")
    assert source.bytes == (tmp_path / "may.csv").stat().st_size
    assert source.digest is not None
    assert len(source.digest) == 32
    assert (source.records, source.rejected, source.error) == (2, 1, None)
    assert state.to_dict()["periods"][0]["first"] == "2026-04-29 09:00:00"


def test_records_that_are_covered_are_refused(april: Path, tmp_path: Path) -> None:
    for moment in ("2026-04-30 23:59:59", "2026-04-01 00:00:00"):
        log = write(tmp_path / "may.csv", [MAY[1], f"{moment},u,1"])
        error = refused(log, april)
        assert f"{log}:3: this record is of {moment}" in str(error)
        assert "covers everything up to 2026-04-30 23:59:59" in str(error)
        assert "scan only logs that begin after that" in str(error)


def test_the_same_source_twice_is_refused(april: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.csv"
    again.write_bytes((tmp_path / "april.csv").read_bytes())
    error = refused(again, april)
    assert "scanned into this state already" in str(error)
    assert str(tmp_path / "april.csv") in str(error)


def test_the_same_source_twice_in_one_scan_is_refused(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for name in ("a.csv", "b.csv"):
        write(tmp_path / "logs" / name, APRIL)
    error = refused(tmp_path / "logs", tmp_path / "state")
    assert "b.csv has been scanned into this state already (as " in str(error)


def test_logs_without_records_are_not_the_same(april: Path, tmp_path: Path) -> None:
    for _ in range(2):
        result = yokome.scan(write(tmp_path / "none.csv", []), policy_with(), state=april)
        assert result.inputs["records"].to_pylist() == [0]
    assert yokome.read_state(april).last == datetime(2026, 4, 30, 23, 59, 59)
    may = yokome.scan(write(tmp_path / "may.csv", MAY), policy_with(), state=april)
    assert may.findings["continued"].to_pylist() == [True]
    # It is none of this scan's findings, but it is to be looked at.
    assert may.overview.findings == 0
    assert "First things to check\n   1. " in summary_text(may, "en")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({oracle.RULES: [{**RULE, "at_least": 3}]}, "rule r"),
        ({oracle.RULES: [RULE, {"id": "q", "kind": "gap", "idle": "1d"}]}, "rule q"),
        ({"calendar": {"country": "JP", "hours": "09:00-17:15"}}, "calendar"),
        ({"normalise": {"trim": True}}, "normalise"),
        ({"lists": {"vip": {"on": ["subject"], "values": ["1"]}}}, "lists"),
        ({"columns": {"timezone": "Asia/Seoul"}}, "columns"),
    ],
)
def test_another_policy_is_refused(
    april: Path, tmp_path: Path, changes: dict[str, Any], part: str
) -> None:
    error = refused(write(tmp_path / "may.csv", MAY), april, policy_with(**changes))
    assert "the policy is not the one of the state; it differs in: " in str(error)
    assert part in str(error)


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": {"from": "2026-05-01"}},
        {"columns": {"subject": "宛名番号"}},
        {oracle.RULES: [{**RULE, "title": {"en": "Again and again"}}]},
    ],
)
def test_what_may_change_from_month_to_month(
    april: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    log = write(tmp_path / "may.csv", MAY)
    assert yokome.scan(log, policy_with(**changes), state=april).flagged.num_rows == 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b"", "cut short"),
        (lambda b: b[:9], "cut short"),
        (lambda b: b[:40], "cut short"),
        (lambda b: b[:-1], "cut short"),
        (lambda b: b + b"x", "lengths"),
        (lambda b: b[:200] + bytes([b[200] ^ 1]) + b[201:], "checksum"),
        (lambda b: b[:-30] + bytes([b[-30] ^ 1]) + b[-29:], "checksum"),
        (lambda b: b[:13] + b"\x7f" + b[14:], "has format 127"),
        (lambda b: "日時,職員番号\n".encode(), "not a state file"),
        (lambda b: b"PAR1", "not a state file"),
    ],
)
def test_a_damaged_state_is_refused(april: Path, tmp_path: Path, damage: Any, message: str) -> None:
    april.write_bytes(damage(april.read_bytes()))
    error = refused(write(tmp_path / "may.csv", MAY), april)
    assert message in str(error)
    assert "file that does not exist yet" in str(error)
    with pytest.raises(yokome.StateError, match=message):
        yokome.read_state(april)


def test_a_state_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    log = write(tmp_path / "april.csv", APRIL)
    assert "cannot be written" in str(refused(log, tmp_path / "nowhere" / "state"))
    (tmp_path / "folder").mkdir()
    assert "this is a folder" in str(refused(log, tmp_path / "folder"))
    with pytest.raises(yokome.InputNotFoundError):
        yokome.read_state(tmp_path / "none")


def test_two_scans_at_once_do_not_forget_each_other(april: Path, tmp_path: Path) -> None:
    may = write(tmp_path / "may.csv", MAY)
    june = write(tmp_path / "june.csv", ["2026-06-01 09:00:00,u,1"])
    told: list[bool] = []

    def meanwhile(_: object) -> None:
        if not told:
            told.append(True)
            yokome.scan(may, policy_with(), state=april)

    with pytest.raises(yokome.StateError, match="has changed since this scan read it"):
        yokome.scan(june, policy_with(), state=april, progress=meanwhile)
    assert yokome.read_state(april).last == datetime(2026, 5, 20, 9)
    yokome.scan(june, policy_with(), state=april)
    assert len(yokome.read_state(april).periods) == 3


def test_a_failed_scan_leaves_the_state_alone(april: Path, tmp_path: Path) -> None:
    before = april.read_bytes()
    with pytest.raises(yokome.StrictError):
        yokome.scan(
            write(tmp_path / "may.csv", [*MAY, "bad"]), policy_with(), state=april, strict=True
        )
    assert april.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"april.csv", "may.csv", "state"}


def test_arrow_data_goes_on_too(april: Path) -> None:
    table = pa.table(
        {
            "time": pa.array([datetime(2026, 5, 1), datetime(2026, 5, 2)], pa.timestamp("ms")),
            "user": ["u", "v"],
            "subject": ["1", "1"],
        }
    )
    result = yokome.scan(table, policy_with(), state=april)
    assert result.findings["continued"].to_pylist() == [True]
    (source,) = yokome.read_state(april).periods[1].sources
    assert (source.bytes, source.digest, source.records) == (None, None, 2)
    with pytest.raises(yokome.StateError, match="this record is of 2026-05-01 00:00:00"):
        yokome.scan(table, policy_with(), state=april)


def test_compressed_is_the_same_source(april: Path, tmp_path: Path) -> None:
    packed = tmp_path / "april.csv.gz"
    packed.write_bytes(gzip.compress((tmp_path / "april.csv").read_bytes()))
    refused(packed, april)
    fresh = tmp_path / "fresh"
    yokome.scan(packed, policy_with(), state=fresh)
    digests = [yokome.read_state(path).periods[0].sources[0].digest for path in (april, fresh)]
    assert digests[0] == digests[1]


def test_values_that_cannot_be_decoded_stay_apart(tmp_path: Path) -> None:
    """They read the same (U+FFFD); their bytes tell them apart, next month too."""
    one, other = b"x\xff", b"x\xa0"
    rules = [
        {"id": "per", "kind": "count", "window": "7d", "at_least": 2},
        {"id": "by", "kind": "count", "window": "7d", "at_least": 2, "by": ["subject"]},
    ]
    policy, state = policy_with(**{oracle.RULES: rules}), tmp_path / "state"
    months = (
        [(b"2026-04-30 09:00:00", one, other), (b"2026-04-30 10:00:00", other, one)],
        [(b"2026-05-01 09:00:00", one, other), (b"2026-05-02 09:00:00", one, one)],
    )
    results = []
    for number, month in enumerate(months):
        path = tmp_path / f"{number}.csv"
        lines = ["日時,職員番号,宛名番号".encode("cp932"), *map(b",".join, month), b""]
        path.write_bytes(b"\n".join(lines))
        results.append(yokome.scan(path, policy, state=state, encoding="cp932"))
    assert results[0].inputs["replaced"].to_pylist() == [4]
    assert results[0].flagged.num_rows == 0
    flagged = [(row["rule"], row["line"], row["observed"]) for row in rows(results[1].flagged)]
    assert flagged == [("per", 2, 2), ("by", 2, 2), ("per", 3, 3)]


def test_a_month_without_a_column_is_remembered(tmp_path: Path) -> None:
    rule = {"kind": "novelty", "field": "terminal", "lookback": "30d", "min_active_days": 2}
    policy = policy_with(**{oracle.RULES: [{**rule, "id": "r", "optional": True}]})
    april, may = tmp_path / "april.csv", tmp_path / "may.csv"
    write(april, APRIL)
    may.write_text("日時,職員番号,端末番号\n2026-05-01 09:00:00,u,T1\n", encoding="utf-8")
    state = tmp_path / "state"
    first, second = (yokome.scan(path, policy, state=state) for path in (april, may))
    assert first.summary["reason"].to_pylist() == ["no column: terminal"]
    one = yokome.scan([april, may], policy)
    assert one.flagged.num_rows == 1
    assert rows(second.flagged) == rows(one.flagged)
    assert [{**row, "continued": False} for row in rows(second.findings)] == rows(one.findings)


def test_the_size_does_not_grow_with_history(tmp_path: Path) -> None:
    state = tmp_path / "state"
    rng = random.Random(7)
    rules = [
        {"id": kind.replace(" ", "-").replace(",", ""), "kind": kind, **of}
        for kind, of in KINDS.items()
    ]
    sizes = []
    for month in range(24):
        first = datetime(2024 + month // 12, month % 12 + 1, 1)
        moments = sorted(rng.randrange(28 * 86400) for _ in range(2000))
        lines = [
            f"{first + timedelta(seconds=s):%Y-%m-%d %H:%M:%S},u{rng.randrange(20)},"
            f"{month}-{rng.randrange(300)},T{rng.randrange(9)},op,成功"
            for s in moments
        ]
        path = tmp_path / f"{month}.csv"
        header = "日時,職員番号,宛名番号,端末番号,操作内容,処理結果"
        path.write_text("\n".join((header, *lines, "")), encoding="utf-8")
        yokome.scan(path, policy_with(**{oracle.RULES: rules}), state=state)
        sizes.append(state.stat().st_size)
    # From month to month a line about its source; months differ by chance.
    assert max(sizes[12:]) < 1.1 * max(sizes[4:12]) + 12 * 400


# --- whole or not at all -------------------------------------------------------------------------

LOOP = """
import os, shutil, sys
from pathlib import Path
import yokome
folder = Path(sys.argv[1])
policy = yokome.Policy.load(folder / "policy.toml")
print("ready", flush=True)
while True:
    shutil.copy(folder / "april.state", folder / "copy")
    os.replace(folder / "copy", folder / "state")
    yokome.scan(folder / "may.csv", policy, state=folder / "state")
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_at_any_moment_a_state_is_whole(april: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(policy_with().to_toml(), encoding="utf-8")
    (tmp_path / "april.state").write_bytes(april.read_bytes())
    policy = yokome.Policy.load(tmp_path / "policy.toml")
    may = write(tmp_path / "may.csv", MAY)
    start = time.monotonic()
    yokome.scan(may, policy, state=april)
    took = time.monotonic() - start
    whole = {(tmp_path / "april.state").read_bytes(), april.read_bytes()}
    assert len(whole) == 2
    rng = random.Random(11)
    for _ in range(8):
        arguments = [sys.executable, "-c", LOOP, str(tmp_path)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as child:
            try:
                assert child.stdout is not None
                assert child.stdout.readline() == b"ready\n"
                for _ in range(5):
                    time.sleep(rng.random() * took)
                    assert april.read_bytes() in whole
            finally:
                child.kill()
        assert april.read_bytes() in whole
        assert yokome.read_state(april).users == 1
    # What a killed scan left beside the state is in nobody's way.
    (tmp_path / "copy").unlink(missing_ok=True)
    april.write_bytes((tmp_path / "april.state").read_bytes())
    yokome.scan(may, policy, state=april)
    assert april.read_bytes() in whole


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_at_any_moment_a_month_can_be_scanned_again(april: Path, tmp_path: Path) -> None:
    """The state is written last: as long as it is April's, May is scanned again."""
    (tmp_path / "policy.toml").write_text(policy_with().to_toml(), encoding="utf-8")
    old = april.read_bytes()
    may, out = write(tmp_path / "may.csv", MAY), tmp_path / "out"
    words = ["scan", may, "--policy", tmp_path / "policy.toml", "--state", april, "--out", out]
    command = [sys.executable, "-m", "yokome", *map(str, words)]
    start = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    took = time.monotonic() - start
    new = april.read_bytes()
    results = {path.name: path.read_bytes() for path in out.iterdir()}
    rng = random.Random(5)
    for _ in range(6):
        april.write_bytes(old)
        shutil.rmtree(out)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
            time.sleep(rng.random() * took)
            child.kill()
        found = {p.name: p.read_bytes() for p in out.glob("[!.]*")} if out.exists() else {}
        assert found in ({}, results)
        assert april.read_bytes() in (old, new)
        if april.read_bytes() == new:
            assert found == results
        else:
            subprocess.run(command, check=True, capture_output=True)
            found = {path.name: path.read_bytes() for path in out.glob("[!.]*")}
            assert (found, april.read_bytes()) == (results, new)


KILLED = """
import os, signal, sys
from yokome import cli
from yokome.result import ScanResult
ScanResult._write_state = lambda self: os.kill(os.getpid(), signal.SIGKILL)
cli.main(sys.argv[1:])
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("inside", [False, True])
def test_killed_between_the_results_and_the_state_the_month_is_scanned_again(
    april: Path, tmp_path: Path, inside: bool
) -> None:
    (tmp_path / "policy.toml").write_text(policy_with().to_toml(), encoding="utf-8")
    may, out = write(tmp_path / "may.csv", MAY), tmp_path / "out"
    state = april
    if inside:
        out.mkdir()
        state = april.rename(out / "a.state")
    old = state.read_bytes()
    words = ["scan", may, "--policy", tmp_path / "policy.toml", "--state", state, "--out", out]
    done = subprocess.run([sys.executable, "-c", KILLED, *map(str, words)], check=False)
    assert done.returncode == -9
    assert state.read_bytes() == old
    killed = {path.name: path.read_bytes() for path in out.iterdir() if path != state}
    assert "summary.json" in killed
    subprocess.run([sys.executable, "-m", "yokome", *map(str, words)], check=True)
    assert {path.name: path.read_bytes() for path in out.iterdir() if path != state} == killed
    assert len(yokome.read_state(state).periods) == 2
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


# --- the command ---------------------------------------------------------------------------------


def command(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    capsys.readouterr()
    status = cli.main([*map(str, words)])
    return status, *capsys.readouterr()


def test_the_command_goes_on_and_shows(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(policy_with().to_toml(), encoding="utf-8")
    state, out = tmp_path / "state", tmp_path / "out"
    april, may = write(tmp_path / "april.csv", APRIL), write(tmp_path / "may.csv", MAY)
    shared = ("--policy", policy, "--state", state, "--lang", "en")
    assert command(capsys, "scan", april, *shared)[0] == 0
    status, said, _ = command(capsys, "scan", may, *shared, "--out", out)
    assert status == 0
    assert "goes on from the state file" in said
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert summary["totals"]["findings"] == 0
    assert "continued" in (out / "findings.csv").read_text(encoding="utf-8-sig").splitlines()[0]

    status, said, _ = command(capsys, "state", "show", state, "--lang", "en")
    assert status == 0
    for text in ("everything up to 2026-05-20 09:00:00", str(may), "2. 2026-05-01 00:00:00 to "):
        assert text in said
    status, said, _ = command(capsys, "state", "show", state, "--lang", "ja")
    assert "2026-05-20 09:00:00 まで分析済み" in said
    status, said, _ = command(capsys, "state", "show", state, "--json")
    assert json.loads(said) == yokome.read_state(state).to_dict()

    before = state.read_bytes()
    for lang, text in (("en", "already"), ("ja", "すでに含まれています")):
        status, _, said = command(capsys, "scan", may, *shared[:-1], lang)
        assert status == 1
        assert text in said
        assert said.count("\n") == (2 if lang == "ja" else 1)  # the English below it
    assert command(capsys, "scan", may, "--state", state, "--lang", "en")[0] == 1
    assert command(capsys, "state", "show", tmp_path / "none")[0] == 1
    assert state.read_bytes() == before


def test_results_that_cannot_be_written_leave_the_state_alone(
    capsys: pytest.CaptureFixture[str], april: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(policy_with().to_toml(), encoding="utf-8")
    before = april.read_bytes()
    may = write(tmp_path / "may.csv", MAY)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("yokome.output.ResultWriter.commit", full)
    words = ("scan", may, "--policy", policy, "--state", april, "--out", tmp_path / "out")
    assert command(capsys, *words)[0] == 1
    assert april.read_bytes() == before
