"""The rules once more, as SQL: RANGE frames and joins by days, for logs too long for the oracle.

The time of a window's open lower end is the window less a millisecond, for a RANGE frame's lower
end is closed and no time in a log is finer than that.
"""

# ruff: noqa: S608 - the statements are made of this file's own constants

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from oracle import RULES
from rendering import HEADER, REFERENCES_WORDS, RESULT_WORDS

LOOKBACK = 30

POLICY: dict[str, Any] = {
    "operations": {},
    "calendar": {
        "country": "JP",
        "hours": "08:30-17:15",
        "margin": "30m",
        "closed": ["sat", "sun", "holiday", "12-29..01-03"],
        "open": [],
    },
    RULES: [
        {
            "id": "off-hours",
            "kind": "match",
            "where": {"references": True, "calendar": "off-hours"},
        },
        {
            "id": "denied",
            "kind": "count",
            "where": {"result": "failure"},
            "window": "24h",
            "at_least": 3,
        },
        {
            "id": "repeat",
            "kind": "count",
            "by": ["subject"],
            "where": {"references": True},
            "window": "7d",
            "at_least": 3,
        },
        {
            "id": "hopping",
            "kind": "distinct",
            "field": "terminal",
            "window": "1h",
            "at_least": 2,
        },
        {
            "id": "new-terminal",
            "kind": "novelty",
            "field": "terminal",
            "where": {"references": True},
            "lookback": f"{LOOKBACK}d",
            "min_active_days": 5,
        },
        {
            "id": "hours",
            "kind": "hours",
            "lookback": f"{LOOKBACK}d",
            "min_active_days": 3,
            "at_least": "2h",
        },
    ],
}


def words(column: str, readings: Iterable[tuple[Any, Iterable[str]]], otherwise: str) -> str:
    """A CASE that reads the words of a column."""
    cases = ""
    for value, listed in readings:
        quoted = ", ".join(f"'{word}'" for word in listed if word)
        if value is not None and quoted:
            cases += f" WHEN {column} IN ({quoted}) THEN {value!r}"
    return f"CASE WHEN {column} IS NULL THEN NULL{cases} ELSE {otherwise} END"


def load(path: Path, holidays: Iterable[date]) -> duckdb.DuckDBPyConnection:
    """A database with the log as the table ``records``."""
    con = duckdb.connect()
    con.execute("SET threads = 2")
    con.execute(
        "CREATE TABLE written AS SELECT row_number() OVER () + 1 AS line, * FROM read_csv("
        f"'{path}', header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"', "
        "parallel = false)"
    )
    result = words('"処理結果"', [(k, RESULT_WORDS[k]) for k in ("success", "failure")], "'other'")
    references = words('"個人番号参照"', REFERENCES_WORDS.items(), "NULL")
    texts = ", ".join(
        f'nullif("{HEADER[name]}", \'\') AS "{name}"'
        for name in (
            "user",
            "user_name",
            "department",
            "terminal",
            "system",
            "operation",
            "subject",
        )
    )
    con.execute(
        f"""
        CREATE TABLE records AS
        SELECT *, (time::DATE - DATE '1970-01-01') AS day,
               hour(time) * 2 + minute(time) // 30 AS half_hour
        FROM (SELECT line, strptime("日時", ['%Y/%m/%d %H:%M:%S', '%Y-%m-%d %H:%M:%S']) AS time,
                     {texts}, {result} AS result, {references} AS "references"
              FROM written)
        """
    )
    con.execute("CREATE TABLE holidays (day DATE)")
    con.executemany("INSERT INTO holidays VALUES (?)", [[day] for day in holidays])
    return con


def build(con: duckdb.DuckDBPyConnection, scope_from: str) -> None:
    """The tables ``evaluated`` (rule, line, state) and ``flagged``, for records in scope."""
    con.execute(
        """
        CREATE TABLE days AS
        SELECT "user", day, half_hours,
               count(*) OVER before AS active,
               bit_or(half_hours) OVER before AS used
        FROM (SELECT "user", day, bit_or(1::BIGINT << half_hour) AS half_hours
              FROM records WHERE "user" IS NOT NULL GROUP BY ALL)
        WINDOW before AS (PARTITION BY "user" ORDER BY day
                          RANGE BETWEEN $lookback PRECEDING AND 1 PRECEDING)
        """.replace("$lookback", str(LOOKBACK))
    )
    con.execute(
        f"""
        CREATE TABLE terminals AS
        SELECT "user", terminal, day, count(*) OVER before AS days_used
        FROM (SELECT DISTINCT "user", terminal, day FROM records
              WHERE "user" IS NOT NULL AND terminal IS NOT NULL)
        WINDOW before AS (PARTITION BY "user", terminal ORDER BY day
                          RANGE BETWEEN {LOOKBACK} PRECEDING AND 1 PRECEDING)
        """
    )
    # How far each half-hour of a day stands from those used before: 0 to 24, in half-hours.
    con.execute(
        """
        CREATE TABLE distances AS
        SELECT "user", day, half_hour,
               min(least(abs(half_hour - other), 48 - abs(half_hour - other))) AS distance
        FROM (SELECT DISTINCT "user", day, half_hour FROM records WHERE "user" IS NOT NULL)
             JOIN days USING ("user", day), range(48) AS half_hours(other)
        WHERE (used >> other) & 1 = 1
        GROUP BY ALL
        """
    )

    def frame(seconds: int, partition: str) -> str:
        return (
            f"(PARTITION BY {partition} ORDER BY time RANGE BETWEEN "
            f"INTERVAL '{seconds * 1000 - 1} milliseconds' PRECEDING AND CURRENT ROW)"
        )

    nothing = "NULL::TIMESTAMP AS since, NULL::DOUBLE AS threshold, NULL::INT AS active_days"
    rules = {
        "off-hours": f"""
            SELECT line, "user", time, 'evaluated' AS state, 1 AS observed, true AS flag, {nothing}
            FROM records
            WHERE "references" AND (
                isodow(time) >= 6 OR time::DATE IN (SELECT day FROM holidays)
                OR strftime(time, '%m-%d') >= '12-29' OR strftime(time, '%m-%d') <= '01-03'
                OR time::TIME < TIME '08:00:00' OR time::TIME >= TIME '17:45:00')
            """,
        "denied": f"""
            SELECT line, "user", time,
                   CASE WHEN "user" IS NULL THEN 'unattributed' ELSE 'evaluated' END AS state,
                   count(*) OVER w AS observed, observed >= 3 AS flag,
                   min(time) OVER w AS since, 3 AS threshold, NULL AS active_days
            FROM records WHERE result = 'failure'
            WINDOW w AS {frame(86400, '"user"')}
            """,
        "repeat": f"""
            SELECT line, "user", time,
                   CASE WHEN "user" IS NULL THEN 'unattributed'
                        WHEN subject IS NULL THEN 'not_evaluable' ELSE 'evaluated' END AS state,
                   count(*) OVER w AS observed, observed >= 3 AS flag,
                   min(time) OVER w AS since, 3 AS threshold, NULL AS active_days
            FROM records WHERE "references"
            WINDOW w AS {frame(7 * 86400, '"user", subject')}
            """,
        "hopping": f"""
            SELECT line, "user", time,
                   CASE WHEN "user" IS NULL THEN 'unattributed'
                        WHEN terminal IS NULL THEN 'not_evaluable' ELSE 'evaluated' END AS state,
                   count(DISTINCT terminal) OVER w AS observed, observed >= 2 AS flag,
                   min(time) OVER w AS since, 2 AS threshold, NULL AS active_days
            FROM records
            WINDOW w AS {frame(3600, '"user"')}
            """,
        "new-terminal": """
            SELECT line, "user", time,
                   CASE WHEN "user" IS NULL THEN 'unattributed'
                        WHEN terminal IS NULL OR active < 5 THEN 'not_evaluable'
                        ELSE 'evaluated' END AS state,
                   days_used AS observed, days_used = 0 AS flag,
                   NULL AS since, 0 AS threshold, active AS active_days
            FROM records LEFT JOIN days USING ("user", day)
                 LEFT JOIN terminals USING ("user", terminal, day)
            WHERE "references"
            """,
        "hours": """
            SELECT line, "user", time,
                   CASE WHEN "user" IS NULL THEN 'unattributed'
                        WHEN active < 3 OR distance IS NULL THEN 'not_evaluable'
                        ELSE 'evaluated' END AS state,
                   distance * 30 AS observed, distance * 30 >= 120 AS flag,
                   NULL AS since, 120 AS threshold, active AS active_days
            FROM records LEFT JOIN days USING ("user", day)
                 LEFT JOIN distances USING ("user", day, half_hour)
            """,
    }
    con.execute(
        'CREATE TABLE evaluated (rule VARCHAR, line BIGINT, "user" VARCHAR, time TIMESTAMP, '
        "state VARCHAR, observed BIGINT, flag BOOLEAN, since TIMESTAMP, threshold DOUBLE, "
        "active_days INT)"
    )
    for rule, query in rules.items():
        con.execute(f"INSERT INTO evaluated SELECT '{rule}', * FROM ({query})")
    con.execute(f"DELETE FROM evaluated WHERE time < TIMESTAMP '{scope_from}'")
    con.execute("CREATE TABLE flagged AS FROM evaluated WHERE state = 'evaluated' AND flag")


def summary(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, int, int, int, int]]:
    """Rule -> evaluated, not evaluable, unattributed, flagged, users."""
    listed = con.execute(
        """
        SELECT rule, count(*) FILTER (state = 'evaluated'),
               count(*) FILTER (state = 'not_evaluable'),
               count(*) FILTER (state = 'unattributed'),
               count(*) FILTER (state = 'evaluated' AND flag),
               count(DISTINCT "user") FILTER (state = 'evaluated' AND flag)
        FROM evaluated GROUP BY rule
        """
    ).fetchall()
    return {rule: (a, b, c, d, e) for rule, a, b, c, d, e in listed}


def findings(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rule -> number of findings."""
    listed = con.execute(
        """
        WITH marked AS (
            SELECT f.*, r.day, r.terminal, r.subject,
                   f.time - lag(f.time) OVER (
                       PARTITION BY f.rule, f."user", CASE WHEN f.rule = 'repeat' THEN r.subject END
                       ORDER BY f.time) AS pause,
                   CASE f.rule WHEN 'denied' THEN INTERVAL '24 hours'
                               WHEN 'repeat' THEN INTERVAL '7 days'
                               WHEN 'hopping' THEN INTERVAL '1 hour' END AS "window"
            FROM flagged AS f JOIN records AS r USING (line))
        SELECT rule, count(*) FILTER (pause IS NULL OR pause >= "window")
        FROM marked WHERE "window" IS NOT NULL GROUP BY rule
        UNION ALL
        SELECT rule, count(DISTINCT ("user", day)) FROM marked
        WHERE rule IN ('off-hours', 'hours') GROUP BY rule
        UNION ALL
        SELECT rule, count(DISTINCT ("user", day, terminal)) FROM marked
        WHERE rule = 'new-terminal' GROUP BY rule
        """
    ).fetchall()
    return dict(listed)
