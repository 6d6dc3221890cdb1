"""The five rules by DuckDB: RANGE frames, and joins by days."""

# ruff: noqa: S608 - the statements are made of the benchmark's own constants

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
from benches.engines.common import (
    CLOSES,
    FAILED,
    FAILURES,
    FAILURES_WINDOW,
    FIELDS,
    LOOKBACK_DAYS,
    MIN_ACTIVE_DAYS,
    OPENS,
    REFERENCED,
    REPEATS,
    REPEATS_WINDOW,
    TAKEN,
    TIME_FORMAT,
    japanese_holidays,
    run,
)

if TYPE_CHECKING:
    from benches.engines.common import Counts

TYPES = dict.fromkeys(FIELDS.values(), "VARCHAR") | {"time": "TIMESTAMP"}
COLUMNS = ", ".join(f'"{name}": {kind}' for name, kind in TYPES.items())

LOAD = f"""
    CREATE TABLE records AS
    SELECT * REPLACE ("references" = '{REFERENCED}' AS "references"), time::DATE AS day
    FROM read_csv($log, header = true, delim = ',', quote = '"', escape = '"', new_line = '\\n',
                  auto_detect = false, timestampformat = '{TIME_FORMAT}', columns = {{{COLUMNS}}})
"""


def novel(value: str) -> str:
    """The user-days on which a value is new, and history is enough."""
    return f"""
        SELECT "user", {value}, day
        FROM (SELECT "user", {value}, day,
                     lag(day) OVER (PARTITION BY "user", {value} ORDER BY day) AS before
              FROM (SELECT DISTINCT "user", {value}, day FROM records))
             JOIN active USING ("user", day)
        WHERE days >= {MIN_ACTIVE_DAYS} AND (before IS NULL OR before < day - {LOOKBACK_DAYS})
    """


def crowded(where: str, key: str, seconds: int, at_least: int) -> str:
    """The records with so many of their key in the window before them.

    Few keys have any, and `lag` finds them for half the price of counting.
    """
    return f"""
        SELECT *, count(*) OVER (
            PARTITION BY {key} ORDER BY time
            RANGE BETWEEN INTERVAL '{seconds - 1} seconds' PRECEDING AND CURRENT ROW) AS observed
        FROM records SEMI JOIN (
            SELECT {key}
            FROM (SELECT {key}, time, lag(time, {at_least - 1}) OVER (
                      PARTITION BY {key} ORDER BY time) AS earlier
                  FROM records WHERE {where})
            WHERE earlier > time - INTERVAL '{seconds} seconds') USING ({key})
        WHERE {where}
        QUALIFY observed >= {at_least}
    """


ACTIVE = f"""
    CREATE TABLE active AS
    SELECT "user", day, count(*) OVER (
        PARTITION BY "user" ORDER BY day
        RANGE BETWEEN INTERVAL {LOOKBACK_DAYS} DAYS PRECEDING
                  AND INTERVAL 1 DAY PRECEDING) AS days
    FROM (SELECT DISTINCT "user", day FROM records)
"""

QUERIES = {
    "off-hours": f"""
        SELECT *, 1 AS observed FROM records
        WHERE "references" AND (
            isodow(day) >= 6 OR day IN (SELECT unnest($holidays::DATE[]))
            OR (month(day) = 12 AND day(day) >= 29) OR (month(day) = 1 AND day(day) <= 3)
            OR epoch(time::TIME) < {OPENS} OR epoch(time::TIME) >= {CLOSES})
    """,
    "new-terminal": f"""
        SELECT records.*, 0 AS observed
        FROM records SEMI JOIN ({novel("terminal")}) USING ("user", terminal, day)
    """,
    "failures": crowded(f"result = '{FAILED}'", '"user"', FAILURES_WINDOW, FAILURES),
    "new-operation": f"""
        SELECT records.*, 0 AS observed
        FROM records SEMI JOIN ({novel("operation")}) USING ("user", operation, day)
        WHERE "references" AND operation IN {TAKEN}
    """,
    "repeat-subject": crowded("subject IS NOT NULL", '"user", subject', REPEATS_WINDOW, REPEATS),
}


def scan(log: str, out: str) -> Counts:
    """Load the log, then one query over the union of the rules."""
    con = duckdb.connect()
    con.execute("SET preserve_insertion_order = false")
    con.execute(LOAD, {"log": log})
    con.execute(ACTIVE)
    parts = " UNION ALL ".join(
        f"SELECT '{rule}' AS rule, * EXCLUDE (day) FROM ({query})"
        for rule, query in QUERIES.items()
    )
    con.execute(f"CREATE TABLE flagged AS {parts}", {"holidays": japanese_holidays()})
    con.execute(f"COPY flagged TO '{out}' (FORMAT parquet)")
    return dict(con.execute("SELECT rule, count(*) FROM flagged GROUP BY rule").fetchall())


if __name__ == "__main__":
    run(scan)
