"""What the engine said, in the oracle's words, so that the two can be compared with ``==``."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import holidays as holidays_library
import pyarrow as pa
from oracle import FIELDS, Finding, Flag, Outcome, Record, RuleSummary
from ranking_oracle import Evaluated, Found

import yokome

Row = dict[str, Any]


@functools.cache
def _japan() -> Any:
    return holidays_library.country_holidays("JP")


def japanese_holiday(day: date) -> bool:
    """Whether the ``holidays`` library names the day a holiday of Japan."""
    return day in _japan()


def rows(table: Any) -> list[Row]:
    """The rows of a pyarrow table."""
    listed: list[Row] = table.to_pylist()
    return listed


def outcome_of(result: yokome.ScanResult) -> Outcome:
    """The scan's result in the oracle's shape."""
    out = Outcome()
    for row in rows(result.flagged):
        place = (row["source"], row["line"], row["rule"])
        assert place not in out.flagged, f"flagged twice: {place}"
        out.flagged[place] = Flag(
            row["observed"], row["since"], row["threshold"], row["active_days"]
        )
    for row in rows(result.findings):
        finding = Finding(
            rule=row["rule"],
            key=row["key"],
            by=row["by"],
            value=row["value"],
            first=row["first"],
            last=row["last"],
            records=row["records"],
            peak=row["peak"],
            magnitude=row["magnitude"],
        )
        out.findings[finding] += 1
    for row in rows(result.summary):
        out.summary[row["rule"]] = RuleSummary(
            evaluated=row["evaluated"],
            not_evaluable=row["not_evaluable"],
            unattributed=row["unattributed"],
            flagged=row["flagged"],
            findings=row["findings"],
            users=row["users"],
        )
    for row in rows(result.by_user):
        out.by_user[row["user"], row["rule"]] = (row["flagged"], row["findings"])
    for row in rows(result.by_day):
        out.by_day[row["date"]] = (row["records"], row["flagged"])
    for row in rows(result.activity):
        out.activity[row["department"], row["weekday"], row["hour"]] += row["records"]
    return out


def evaluated_of(result: yokome.ScanResult) -> dict[str, Evaluated]:
    """How much each rule evaluated, by the core's count."""
    table = pa.RecordBatchReader.from_stream(result._native.evaluated_days()).read_all()
    return {
        row["rule"]: Evaluated(row["key_days"], row["keys"], row["users"]) for row in rows(table)
    }


def found(result: yokome.ScanResult) -> list[Found]:
    """The findings of a scan, with the users of the records that it flagged; in no order."""
    users: dict[str, set[str]] = {}
    for row in rows(result.flagged):
        users.setdefault(row["finding"], set()).update({row["user"]} - {None})
    return [
        Found(
            id=row["finding"],
            rule=row["rule"],
            key=row["key"],
            day=(row["last"] if row["continued"] else row["first"]).date(),
            magnitude=row["magnitude"],
            users=frozenset(users[row["finding"]]),
        )
        # By their ids, which are hashes: which is the rarest is for the oracle to say.
        for row in sorted(rows(result.findings), key=lambda row: str(row["finding"]))
    ]


FLAG_CONTENT = (*FIELDS, "rule", "viewpoint", "observed", "threshold", "since", "active_days")


def content(result: yokome.ScanResult) -> dict[str, Any]:
    """What a result says, wherever its records stood: no sources, lines, offsets or raw text."""
    out = outcome_of(result)
    return {
        "flagged": Counter(
            tuple(row[name] for name in FLAG_CONTENT) for row in rows(result.flagged)
        ),
        "findings": out.findings,
        "summary": out.summary,
        "by_user": out.by_user,
        "by_day": out.by_day,
        "activity": out.activity,
    }


TABLES = (
    "flagged",
    "findings",
    "summary",
    "by_user",
    "by_day",
    "activity",
    "inputs",
    "rejects",
    "leaks",
)


def everything(result: yokome.ScanResult) -> dict[str, list[Row]]:
    """Every table of a result, row for row, in the order it came."""
    return {name: rows(getattr(result, name)) for name in TABLES}


def record_of(row: Row) -> Record:
    """A row of :func:`yokome.read` as a record of the oracle."""
    return Record(**{name: row[name] for name in FIELDS}, source=row["source"], line=row["line"])


def read_records(reading: yokome.Records) -> list[Row]:
    """All rows of a reading."""
    return rows(reading.reader.read_all())


def names(paths: Sequence[Path]) -> list[str]:
    """Paths as they are given to the engine."""
    return [str(path) for path in paths]


def in_output_order(table: Any, policy: yokome.Policy) -> bool:
    """Whether flagged rows stand by time, source, line and the rule's place in the policy."""
    places = {rule["id"]: number for number, rule in enumerate(policy.rules)}

    def place(row: Row) -> tuple[datetime, str, int, int]:
        return row["time"], row["source"], row["line"], places[row["rule"]]

    keys = [place(row) for row in rows(table)]
    return keys == sorted(keys)
