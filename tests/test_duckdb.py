"""A log of a million records against DuckDB: same counts, same flagged rows."""

# ruff: noqa: S608 - the statements are made of this file's own constants

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import oracle
import pytest
import sql_oracle
from holidays import country_holidays
from hypothesis import given, settings
from observe import content, japanese_holiday, rows
from oracle import RULES
from rendering import HEADER, Style, folder, write_log
from strategies import examples, logs

import yokome
from yokome import _yokome

RECORDS = 1_000_000
DAYS = 120
USERS = 500


def japanese_holidays() -> list[date]:
    """Every holiday that can matter."""
    return sorted(country_holidays("JP", years=range(2015, 2036)))


# --- the SQL itself, against the oracle ----------------------------------------------------------


@settings(max_examples=examples(15))
@given(records=logs(max_size=60))
def test_the_sql_says_what_the_oracle_says(records: tuple[oracle.Record, ...]) -> None:
    # DuckDB reads lines; only logs without line ends inside values can be told by line.
    plain = tuple(r for r in records if not set("\r\n") & set("".join(map(str, vars(r).values()))))
    if not plain:
        return
    with folder() as place:
        log = write_log(plain, Style(quoting="all"), place)
        con = sql_oracle.load(log.paths[0], japanese_holidays())
    start = min(r.day for r in plain) + timedelta(days=2)
    sql_oracle.build(con, start.isoformat())
    policy = {**sql_oracle.POLICY, "scope": {"from": start.isoformat()}}
    wanted = oracle.scan(log.records, policy, holidays=japanese_holiday)
    listed = con.execute("SELECT rule, line, observed, since, threshold, active_days FROM flagged")
    assert {
        (rule, line): oracle.Flag(observed, since, threshold, active)
        for rule, line, observed, since, threshold, active in listed.fetchall()
    } == {(rule, line): flag for (_, line, rule), flag in wanted.flagged.items()}
    counts = sql_oracle.summary(con)
    found = sql_oracle.findings(con)
    for rule, row in wanted.summary.items():
        assert counts.get(rule, (0,) * 5) == (
            row.evaluated,
            row.not_evaluable,
            row.unattributed,
            row.flagged,
            row.users,
        )
        assert found.get(rule, 0) == row.findings


# --- a million records ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up log of a million records."""
    path = tmp_path_factory.mktemp("synth") / "log.csv"
    written = _yokome.synth(str(path), None, RECORDS, USERS, DAYS, 20260401, "utf-8")
    assert written == path.stat().st_size
    return path


@pytest.fixture(scope="module")
def database(synthetic: Path) -> duckdb.DuckDBPyConnection:
    """The log in DuckDB, and what DuckDB flags in the later part of its period."""
    con = sql_oracle.load(synthetic, japanese_holidays())
    row = con.execute("SELECT min(time), count(*), count(time) FROM records").fetchone()
    assert row is not None
    first, count, timed = row
    assert isinstance(first, datetime)
    assert (count, timed) == (RECORDS, RECORDS)
    sql_oracle.build(con, scope_from(first))
    return con


def scope_from(first: datetime) -> str:
    """The first day on which records may be flagged; those before are history."""
    return (first.date() + timedelta(days=20)).isoformat()


def first_time(con: duckdb.DuckDBPyConnection) -> datetime:
    """The time of the first record."""
    row = con.execute("SELECT min(time) FROM records").fetchone()
    assert row is not None
    assert isinstance(row[0], datetime)
    return row[0]


@pytest.fixture(scope="module")
def policy(database: duckdb.DuckDBPyConnection) -> yokome.Policy:
    """The SQL's rules as a policy."""
    scope = {"from": scope_from(first_time(database))}
    return yokome.Policy.from_dict({**sql_oracle.POLICY, "scope": scope})


@pytest.fixture(scope="module")
def scanned(synthetic: Path, policy: yokome.Policy) -> yokome.ScanResult:
    """The engine's result."""
    return yokome.scan(synthetic, policy)


def test_every_record_was_read(scanned: yokome.ScanResult, synthetic: Path) -> None:
    (counts,) = rows(scanned.inputs)
    assert counts["records"] == RECORDS
    assert counts["rejected"] == 0
    assert counts["lines"] == RECORDS + 1
    assert counts["bytes"] == synthetic.stat().st_size


def test_the_same_rows_are_flagged(
    scanned: yokome.ScanResult, database: duckdb.DuckDBPyConnection
) -> None:
    engine = scanned.flagged  # noqa: F841 - DuckDB finds it by name
    con = database.cursor()
    columns = (
        "rule::VARCHAR AS rule, line::BIGINT AS line, observed::BIGINT AS observed, "
        "since::TIMESTAMP AS since, threshold::DOUBLE AS threshold, active_days::INT AS active_days"
    )
    con.execute(f"CREATE TEMP TABLE ours AS SELECT {columns} FROM engine")
    con.execute(f"CREATE TEMP TABLE theirs AS SELECT {columns} FROM flagged")
    for left, right in (("ours", "theirs"), ("theirs", "ours")):
        rest = con.execute(f"FROM {left} EXCEPT ALL FROM {right} ORDER BY ALL LIMIT 5").fetchall()
        assert rest == [], f"in {left}, not in {right}"
    flagged_rules = con.execute("SELECT count(DISTINCT rule) FROM ours").fetchone()
    assert flagged_rules == (len(sql_oracle.POLICY[RULES]),), "a rule that flags nothing"


def test_the_same_counts(scanned: yokome.ScanResult, database: duckdb.DuckDBPyConnection) -> None:
    con = database.cursor()
    keys = ("evaluated", "not_evaluable", "unattributed", "flagged", "users")
    summary = {row["rule"]: row for row in rows(scanned.summary)}
    assert {
        rule: tuple(row[key] for key in keys) for rule, row in summary.items()
    } == sql_oracle.summary(con)
    assert {
        rule: row["findings"] for rule, row in summary.items() if row["findings"]
    } == sql_oracle.findings(con)
    assert Counter(row["rule"] for row in rows(scanned.findings)) == sql_oracle.findings(con)


def test_the_same_days_and_activity(
    scanned: yokome.ScanResult, database: duckdb.DuckDBPyConnection
) -> None:
    con = database.cursor()
    start = scope_from(first_time(con))
    days = con.execute(
        f"""
        SELECT time::DATE, count(*), ifnull(any_value(flags), 0)
        FROM records
             LEFT JOIN (SELECT time::DATE AS date, count(*) AS flags FROM flagged GROUP BY 1)
             ON date = time::DATE
        WHERE time >= TIMESTAMP '{start}' GROUP BY 1
        """
    ).fetchall()
    assert {row["date"]: (row["records"], row["flagged"]) for row in rows(scanned.by_day)} == {
        day: (records, flagged) for day, records, flagged in days
    }
    activity = con.execute(
        f"""
        SELECT department, isodow(time) - 1, hour(time), count(*)
        FROM records WHERE time >= TIMESTAMP '{start}' GROUP BY ALL
        """
    ).fetchall()
    assert sorted(map(repr, activity)) == sorted(
        repr((row["department"], row["weekday"], row["hour"], row["records"]))
        for row in rows(scanned.activity)
    )


@pytest.mark.parametrize(("threads", "chunk_size"), [(1, None), (2, 65536), (8, 1 << 20)])
def test_threads_and_chunks_change_nothing(
    scanned: yokome.ScanResult,
    synthetic: Path,
    policy: yokome.Policy,
    threads: int,
    chunk_size: int | None,
) -> None:
    other = yokome.scan(synthetic, policy, threads=threads, chunk_size=chunk_size)
    for name in ("summary", "findings", "by_user", "by_day", "activity", "inputs"):
        assert rows(getattr(other, name)) == rows(getattr(scanned, name)), name
    for column in ("rule", "line", "observed", "finding"):
        assert other.flagged[column].to_pylist() == scanned.flagged[column].to_pylist(), column


def test_pieces_in_the_wrong_order_change_nothing(
    scanned: yokome.ScanResult, synthetic: Path, policy: yokome.Policy, tmp_path: Path
) -> None:
    """The log dealt out over seven files, named in the wrong order."""
    lines = synthetic.read_bytes().splitlines(keepends=True)
    header, records = lines[0], lines[1:]
    paths = []
    for number in range(7):
        path = tmp_path / f"part{number}.csv"
        path.write_bytes(header + b"".join(records[number::7]))
        paths.append(path)
    other = yokome.scan(paths[::-1], policy)
    keys = ("evaluated", "not_evaluable", "unattributed", "flagged", "findings", "users")
    assert [[row[key] for key in keys] for row in rows(other.summary)] == [
        [row[key] for key in keys] for row in rows(scanned.summary)
    ]
    assert rows(other.by_user) == rows(scanned.by_user)
    assert rows(other.activity) == rows(scanned.activity)


def test_duckdb_feeds_a_scan(
    synthetic: Path, database: duckdb.DuckDBPyConnection, policy: yokome.Policy, tmp_path: Path
) -> None:
    """A relation is a stream of records like any other."""
    con = database.cursor()
    fields = ", ".join(f'"{name}"' for name in HEADER)
    relation: Any = con.sql(f"SELECT {fields} FROM records WHERE line <= 50000")
    path = tmp_path / "head.csv"
    with synthetic.open("rb") as whole:
        path.write_bytes(b"".join(next(whole) for _ in range(50_000)))
    assert content(yokome.scan(relation, policy)) == content(yokome.scan(path, policy))
