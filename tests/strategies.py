"""Small odd logs, and policies to scan them with.

The logs are small so that everything collides: a handful of users, terminals and instants, many
ties and duplicates, and times that stand on the edges of days, half-hours and office hours.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from oracle import RULES, WEEKDAYS, Record, instant
from rendering import (
    ENCODINGS,
    MILLISECOND_FORMATS,
    PACKINGS,
    TIME_FORMATS,
    Style,
    encodable,
)

# A log and a policy for it.
Case = tuple[tuple[Record, ...], dict[str, Any]]


def examples(base: int) -> int:
    """The number of examples, scaled by the environment variable YOKOME_EXAMPLES."""
    return max(1, round(base * float(os.environ.get("YOKOME_EXAMPLES", "1"))))


# --- values --------------------------------------------------------------------------------------

# Characters on which readers trip: delimiters, quotes, line ends, trail bytes 0x5C and 0x7C in
# CP932 (ソ, 表, ポ), the full-width space, user-defined characters.
ALPHABET = "aZ09 '\"“,;|\t\r\n\\-_.*?[]{}あアソ表能ポー漢字課\u3000\ue000\ue757"

ODD_VALUES = (
    "0012",
    "12",
    " 0012",
    "0012 ",
    "オサム",
    "花子\u3000鈴木",
    "\u3000",
    " ",
    "\ue000田",
    'a"b',
    '"q"',
    '"',
    '""',
    "x,y;z|w\tv",
    "ポ|ソ\\表",
    "一行\n二行",
    "cr\rlf\r\nend\r",
    "=1+1",
    "NULL",
    "true",
    "長い値" * 120,
    "ａｂｃ",
    "ABC",
    "abc",
)

OPERATIONS = ("ログイン", "検索", "書き出し", "プリントスクリーン", "印刷", "検", "update", "")
CLASSES = {
    "login": ["ログイン", "login*"],
    "view": ["検*"],
    "export": ["書き出し", "*出力*", "印?"],
    "screen_capture": ["{プリント,print}*"],
}


def values(encoding: str) -> st.SearchStrategy[str]:
    """A value, never empty (that would be a null), that survives the encoding."""
    odd = st.sampled_from([value for value in ODD_VALUES if encodable(value, encoding)])
    letters = "".join(character for character in ALPHABET if encodable(character, encoding))
    return st.one_of(odd, st.text(letters, min_size=1, max_size=6))


# --- times ---------------------------------------------------------------------------------------

FIRST_DAYS = (
    datetime(2025, 12, 26),  # over the year end
    datetime(2026, 4, 27),  # the Golden Week
    datetime(2024, 2, 27),  # a leap day
    datetime(2026, 6, 1),
)

TIMES_OF_DAY = tuple(
    timedelta(hours=h, minutes=m, seconds=s)
    for h, m, s in (
        (0, 0, 0),
        (0, 0, 1),
        (5, 0, 0),
        (7, 59, 59),
        (8, 0, 0),
        (8, 29, 59),
        (8, 30, 0),
        (9, 0, 0),
        (9, 10, 0),
        (12, 0, 0),
        (17, 15, 0),
        (17, 44, 59),
        (17, 45, 0),
        (22, 0, 0),
        (23, 30, 0),
        (23, 59, 59),
    )
)

# Days from the first; far ones reach past lookbacks of a word's width.
DAY_OFFSETS = (0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 30, 63, 64, 65, 90, 127, 128, 129, 200)


@st.composite
def times(draw: st.DrawFn, *, millis: bool = False) -> st.SearchStrategy[datetime]:
    """Draws a strategy of instants: few enough to collide."""
    first = draw(st.sampled_from(FIRST_DAYS))
    spread = draw(st.sampled_from((3, 8, 14, len(DAY_OFFSETS))))
    offsets = draw(st.lists(st.sampled_from(DAY_OFFSETS[:spread]), min_size=1, max_size=8))
    offsets += draw(st.sampled_from(([], [0, 1, 2, 3])))
    clocks = draw(
        st.lists(
            st.one_of(
                st.sampled_from(TIMES_OF_DAY),
                st.integers(0, 86399).map(lambda seconds: timedelta(seconds=seconds)),
            ),
            min_size=1,
            max_size=6,
        )
    )
    fractions = (0, 1, 500, 999) if millis else (0,)

    def instant(offset: int, clock: timedelta, step: int, fraction: int) -> datetime:
        at = first + timedelta(days=offset) + clock + timedelta(seconds=step)
        return at + timedelta(milliseconds=fraction)

    return st.builds(
        instant,
        st.sampled_from(offsets),
        st.sampled_from(clocks),
        st.sampled_from((0, 0, 0, 1, 59, 60, 599, 600)),
        st.sampled_from(fractions),
    )


# --- records -------------------------------------------------------------------------------------


def pool(values_of: st.SearchStrategy[str], size: int) -> st.SearchStrategy[list[str]]:
    """A few values to draw from, so that they come again."""
    return st.lists(values_of, min_size=1, max_size=size, unique=True)


def nullable(choices: Sequence[str]) -> st.SearchStrategy[str | None]:
    """One of the choices, now and then null."""
    return st.sampled_from([*choices, *choices, *choices, None])


@st.composite
def logs(
    draw: st.DrawFn,
    *,
    encoding: str = "utf-8",
    millis: bool = False,
    min_size: int = 0,
    max_size: int = 30,
) -> tuple[Record, ...]:
    """A small log."""
    text = values(encoding)
    operations = [value for value in OPERATIONS if value]
    one = st.builds(
        Record,
        time=draw(times(millis=millis)),
        user=nullable(draw(pool(text, 3))),
        user_name=nullable(draw(pool(text, 2))),
        department=nullable(draw(pool(st.one_of(st.sampled_from(DEPARTMENTS), text), 3))),
        terminal=nullable(draw(pool(text, 4))),
        system=nullable(draw(pool(text, 2))),
        operation=nullable(draw(pool(st.one_of(st.sampled_from(operations), text), 4))),
        result=st.sampled_from(("success", "failure", "failure", "other", None)),
        references=st.sampled_from((True, True, False, None)),
        subject=nullable(draw(pool(text, 3))),
    )
    size = draw(st.integers(min_size, max_size))  # lists alone would mostly be short
    records = draw(st.lists(one, min_size=size, max_size=size))
    again = draw(st.lists(st.sampled_from(records), max_size=6)) if records else []
    return (*records, *again)


DEPARTMENTS = ("税務課", "市民課", "国保課", "夜間窓口")


# --- manners of writing --------------------------------------------------------------------------


@st.composite
def styles(
    draw: st.DrawFn, *, encoding: str | None = None, millis: bool = False, packed: bool = True
) -> Style:
    """A manner of writing a log."""
    usable = [name for name in TIME_FORMATS if name in MILLISECOND_FORMATS or not millis]
    chosen = encoding or draw(st.sampled_from(sorted(ENCODINGS)))
    preambles: tuple[tuple[str, ...], ...] = ((), (), ("操作ログ一覧",), ("出力 R8", "全件"))
    return Style(
        delimiter=draw(st.sampled_from(",,,\t;|")),
        quoting=draw(st.sampled_from(("minimal", "all", "odd"))),
        line_end=draw(st.sampled_from(("\n", "\r\n", "\r", "mixed"))),
        final_newline=draw(st.booleans()),
        blank_lines=draw(st.booleans()),
        preamble=draw(st.sampled_from(preambles)),
        encoding=chosen,
        packing=draw(st.sampled_from(sorted(PACKINGS))) if packed else "none",
        time_format=draw(st.sampled_from(usable)),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


# --- policies ------------------------------------------------------------------------------------

DURATIONS = ("1s", "59s", "60s", "10m", "1h", "24h", "1d", "2d", "7d", "100d")
# Short ones, and the edges of a machine word's bits.
LOOKBACKS = (
    *("1d", "2d", "3d", "7d", "30d", "90d") * 2,
    *("63d", "64d", "65d", "127d", "128d", "129d", "200d"),
)
KEYS = (
    "user",
    "user_name",
    "department",
    "terminal",
    "system",
    "operation",
    "result",
    "references",
    "subject",
    "date",
    "hour",
    "weekday",
    "day_type",
)
KINDS = ("match", "count", "distinct", "novelty", "hours", "spike", "gap", "sequence")
TEXT = ("user", "user_name", "department", "terminal", "system", "operation", "subject")


def seen(records: Sequence[Record], name: str) -> list[str]:
    """The field's values in the log, and one that is not in it."""
    values_in = {value for r in records if (value := getattr(r, name)) is not None}
    return [*sorted(values_in), "無"]


@st.composite
def text_conditions(draw: st.DrawFn, records: Sequence[Record], name: str) -> Any:
    """A condition on a text field."""
    choices = st.sampled_from(seen(records, name))
    several = st.lists(choices, min_size=1, max_size=3)
    tests: dict[str, st.SearchStrategy[Any]] = {
        "in": several,
        "not_in": several,
        "glob": st.sampled_from(
            ("*", "?*", "検*", "*課", "?", "???", "[a-z0あ-ん]*", "[!0]*", "{0*,検索,*課}", "0012*")
        ),
        "regex": st.sampled_from(("^0", "[0-9]+", "課|検索", "^.{2}ー", "イン", "(?i)ABC")),
        "list": st.just(f"one_{name}"),
        "not_list": st.just(f"one_{name}"),
    }
    kind = draw(st.sampled_from(("one", "any", "table", "table", "table")))
    if kind == "one":
        return draw(choices)
    if kind == "any":
        return draw(several)
    names = draw(st.lists(st.sampled_from(sorted(tests)), min_size=1, max_size=2, unique=True))
    return {test: draw(tests[test]) for test in names}


@st.composite
def wheres(draw: st.DrawFn, records: Sequence[Record], *, most: int = 2) -> dict[str, Any]:
    """A conjunction of at most so many conditions."""
    keys = draw(
        st.lists(
            st.sampled_from(
                (
                    *TEXT,
                    "operation_class",
                    "references",
                    "references",
                    "result",
                    "result",
                    "calendar",
                    "calendar",
                    "time_of_day",
                    "weekday",
                    "lists",
                )
            ),
            max_size=most,
            unique=True,
        )
    )
    outcomes = st.sampled_from(("success", "failure", "other"))
    where: dict[str, Any] = {}
    for key in keys:
        if key == "operation_class":
            names = st.sampled_from(sorted(CLASSES))
            where[key] = draw(st.one_of(names, st.lists(names, min_size=1, max_size=2)))
        elif key == "references":
            where[key] = draw(st.booleans())
        elif key == "result":
            where[key] = draw(st.one_of(outcomes, st.lists(outcomes, min_size=1, max_size=2)))
        elif key == "calendar":
            where[key] = draw(st.sampled_from(("off-hours", "business-hours")))
        elif key == "time_of_day":
            where[key] = draw(st.sampled_from(("22:00-05:00", "08:30-09:10", "00:00-12:00")))
        elif key == "weekday":
            where[key] = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=4))
        elif key == "lists":
            test = draw(st.sampled_from(("list", "not_list")))
            field, name = draw(
                st.sampled_from((("operation", "permits"), ("user", "leave"), ("user", "permits")))
            )
            where[field] = {test: name}
        else:
            where[key] = draw(text_conditions(records, key))
    return where


@st.composite
def calendars(draw: st.DrawFn, records: Sequence[Record]) -> dict[str, Any]:
    """A calendar; every key is written out, so that no default takes part."""
    days = sorted({r.day.isoformat() for r in records}) or ["2026-04-01"]
    hours: st.SearchStrategy[Any] = st.sampled_from(
        (
            "08:30-17:15",
            "00:00-12:00",
            "09:00-23:59",
            {"default": "08:30-17:15", "wed": "08:30-19:00", "sat": "09:00-12:00"},
        )
    )
    entries = st.sampled_from(
        ("sat", "sun", "mon", "holiday", "12-29..01-03", "04-29..05-05", *days[:4])
    )
    closed = st.lists(entries, max_size=4, unique=True)
    opened = st.lists(st.sampled_from(days), max_size=2, unique=True)
    margins = st.sampled_from(("0s", "1s", "30m", "2h"))
    calendar: dict[str, Any] = {
        "country": "JP",
        "hours": draw(hours),
        "margin": draw(margins),
        "closed": draw(closed),
        "open": draw(opened),
    }
    overrides = []
    for _ in range(draw(st.integers(0, 2))):
        override: dict[str, Any] = {
            "department": draw(
                st.lists(
                    st.sampled_from(("税務課", "市*", "*課", "夜間窓口", "?????")),
                    min_size=1,
                    max_size=2,
                )
            )
        }
        parts = {"hours": hours, "margin": margins, "closed": closed, "open": opened}
        for key in draw(st.lists(st.sampled_from(sorted(parts)), max_size=3, unique=True)):
            override[key] = draw(parts[key])
        overrides.append(override)
    if overrides:
        calendar["override"] = overrides
    return calendar


@st.composite
def rules(draw: st.DrawFn, records: Sequence[Record], number: int) -> dict[str, Any]:
    """A rule of any kind."""
    kind = draw(st.sampled_from(KINDS))
    rule: dict[str, Any] = {"id": f"r{number}", "kind": kind}
    if draw(st.booleans()):
        rule["per"] = draw(st.sampled_from(("user", "terminal", "subject", "department")))
    where = draw(st.one_of(st.just({}), wheres(records, most=1), wheres(records)))
    if where:
        rule["where"] = where
    by = st.lists(st.sampled_from(KEYS), max_size=2, unique=True)
    if kind in ("count", "distinct"):
        rule["window"] = draw(st.sampled_from(DURATIONS))
        rule["at_least"] = draw(st.sampled_from((1, 2, 2, 3, 3, 4)))
        fields = draw(st.one_of(st.just([]), by))
        if fields:
            rule["by"] = fields
    if kind in ("distinct", "novelty"):
        usual = st.sampled_from(("terminal", "operation", "hour", "subject"))
        rule["field"] = draw(st.one_of(usual, usual, st.sampled_from(KEYS)))
    if kind in ("novelty", "hours", "spike"):
        rule["lookback"] = draw(st.sampled_from(LOOKBACKS))
        rule["min_active_days"] = draw(st.sampled_from((0, 1, 1, 1, 2, 3)))
    if kind == "novelty" and draw(st.booleans()):
        rule["max_days"] = draw(st.integers(0, 2))
    if kind == "hours":
        rule["at_least"] = draw(st.sampled_from(("30m", "45m", "1h", "3h", "12h")))
    if kind == "spike":
        rule["at_least"] = draw(st.sampled_from((1, 1, 2, 3)))
        rule["factor"] = draw(st.sampled_from((1, 0.5, 1.1, 1.5, 2, 0.001, 3.125)))
        measure = draw(st.sampled_from(("unsaid", "records", "distinct")))
        if measure == "records":
            rule["measure"] = measure
        if measure == "distinct":
            rule["distinct"] = draw(st.sampled_from(KEYS))
    if kind == "gap":
        rule["idle"] = draw(st.sampled_from(DURATIONS))
    if kind == "sequence":
        rule["within"] = draw(st.sampled_from(DURATIONS))
        rule["steps"] = draw(st.lists(steps(records), min_size=2, max_size=4))
        fields = draw(st.one_of(st.just([]), st.just([]), by))
        if fields:
            rule["by"] = fields
    return rule


@st.composite
def steps(draw: st.DrawFn, records: Sequence[Record]) -> dict[str, Any]:
    """A step of a sequence: mostly one that many records satisfy."""
    plain: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
        ({}, {"result": "failure"}, {"result": ["success", "other"]}, {"references": True})
    )
    step = dict(draw(st.one_of(plain, plain, wheres(records, most=1))))
    if draw(st.booleans()):
        step["times"] = draw(st.sampled_from((1, 2, 2, 3)))
    return step


@st.composite
def scopes(draw: st.DrawFn, records: Sequence[Record]) -> dict[str, Any]:
    """A scope: from, to, where, each or none."""
    days = sorted({r.day.isoformat() for r in records}) or ["2026-04-01"]
    instants = sorted({r.time.isoformat(timespec="seconds") for r in records}) or days
    bounds = st.sampled_from([*days, *instants])
    scope: dict[str, Any] = {}
    start, end = draw(bounds), draw(bounds)
    which = draw(st.sampled_from(("neither", "from", "to", "both")))
    if which == "both" and instant(start) >= instant(end, whole_day=True):
        which = "from"
    if which in ("from", "both"):
        scope["from"] = start
    if which in ("to", "both"):
        scope["to"] = end
    if draw(st.booleans()):
        scope["where"] = draw(wheres(records, most=1))
    return scope


@st.composite
def policies(draw: st.DrawFn, records: Sequence[Record], *, most: int = 4) -> dict[str, Any]:
    """A policy that says everything it uses, so that no default takes part."""
    users, operations = seen(records, "user"), seen(records, "operation")
    days = sorted({r.day.isoformat() for r in records}) or ["2026-04-01"]
    lists: dict[str, Any] = {
        "permits": {
            "on": ["user", "operation"],
            "values": [
                list(pair)
                for pair in draw(
                    st.lists(
                        st.tuples(st.sampled_from(users), st.sampled_from(operations)),
                        min_size=1,
                        max_size=4,
                    )
                )
            ],
        },
        "leave": {
            "on": ["user", "date"],
            "values": [
                list(pair)
                for pair in draw(
                    st.lists(
                        st.tuples(st.sampled_from(users), st.sampled_from(days)),
                        min_size=1,
                        max_size=4,
                    )
                )
            ],
        },
    }
    for name in TEXT:
        chosen = draw(st.lists(st.sampled_from(seen(records, name)), min_size=1, max_size=2))
        lists[f"one_{name}"] = {"on": [name], "values": chosen}
    policy: dict[str, Any] = {
        "operations": CLASSES,
        "calendar": draw(calendars(records)),
        "lists": lists,
        RULES: [draw(rules(records, n)) for n in range(draw(st.integers(1, most)))],
    }
    scope = draw(st.one_of(st.just({}), scopes(records)))
    if scope:
        policy["scope"] = scope
    return policy


@st.composite
def cases(
    draw: st.DrawFn, *, encoding: str = "utf-8", millis: bool = False, max_size: int = 30
) -> Case:
    """A log and a policy to scan it with."""
    records = draw(logs(encoding=encoding, millis=millis, max_size=max_size))
    return records, draw(policies(records))


# --- crowded nights ------------------------------------------------------------------------------

FIRST_NIGHT = datetime(2026, 4, 6, 22)


@st.composite
def bursts(draw: st.DrawFn, *, most: int = 14) -> tuple[Record, ...]:
    """A log of bursts, late in the evening: of few users, on few days, some of them the same."""
    size = draw(st.integers(2, most))  # lists alone would mostly be short
    records: list[Record] = []
    for _ in range(size):
        # Many go on over midnight; some begin behind it.
        begins = FIRST_NIGHT + timedelta(days=draw(st.integers(0, 2)))
        begins += draw(st.integers(0, 6)) * timedelta(minutes=30)
        step = timedelta(minutes=draw(st.sampled_from((0, 10, 25, 25))))
        who: dict[str, Any] = {
            "user": draw(st.sampled_from(("a", "a", "a", "b", "b", "c", None))),
            "terminal": draw(st.sampled_from(("PC1", "PC2"))),
            "subject": draw(st.sampled_from(("001", "002", "003"))),
            "result": draw(st.sampled_from(("failure", "success"))),
        }
        number = draw(st.integers(1, 6))
        records += [Record(time=begins + n * step, **who) for n in range(number)]
    return tuple(records)


@st.composite
def crowded_rules(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """A rule that gives a user several findings a day, of several strengths, some over midnight."""
    kind = draw(st.sampled_from(("count", "count", "distinct", "sequence", "gap", "match")))
    rule: dict[str, Any] = {"id": f"r{number}", "kind": kind}
    if draw(st.booleans()):
        rule["per"] = draw(st.sampled_from(("user", "terminal", "subject")))
    window = draw(st.sampled_from(("30m", "1h", "6h")))
    by = draw(st.sampled_from(([], ["subject"], ["subject"], ["terminal", "subject"])))
    if kind in ("count", "distinct"):
        rule |= {"window": window, "at_least": draw(st.sampled_from((1, 1, 2, 3)))}
    if kind == "distinct":
        rule["field"] = draw(st.sampled_from(("terminal", "subject", "hour")))
    if kind == "sequence":
        steps = [{"result": "failure"}, {}]
        rule |= {"within": window, "steps": steps[draw(st.sampled_from((0, 1))) :] + steps[1:]}
    if kind in ("count", "distinct", "sequence") and by:
        rule["by"] = by
    if kind == "gap":
        rule["idle"] = window
    if kind == "match":
        rule["where"] = {"result": "failure"}
    return rule


@st.composite
def crowded_cases(draw: st.DrawFn, *, most: int = 14) -> Case:
    """A log in which findings go on over midnight, share a user's day, and tie; and its policy."""
    records = draw(bursts(most=most))
    calendar = {"country": "JP", "hours": "08:30-17:15", "margin": "0s", "closed": []}
    size = draw(st.integers(1, 3))
    return records, {
        "calendar": calendar,
        RULES: [draw(crowded_rules(number)) for number in range(size)],
    }
