"""The five rules by Python's `csv`, record by record.

One pass, with a dict of deques per rule. The log has to be in time order; the records of one
second are taken together, so that ties are inside each other's windows.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
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

HOLIDAYS = frozenset(japanese_holidays())

Flag = tuple[str, list[str], int]


def closed(day: date) -> bool:
    """Whether the office is closed."""
    new_year = (day.month, day.day) >= (12, 29) or (day.month, day.day) <= (1, 3)
    return day.weekday() >= 5 or day in HOLIDAYS or new_year


class Window:
    """How many times a key occurred in the last so many seconds."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self.times: defaultdict[object, deque[int]] = defaultdict(deque)

    def add(self, key: object, now: int) -> None:
        times = self.times[key]
        times.append(now)
        while times[0] <= now - self.seconds:
            times.popleft()

    def count(self, key: object) -> int:
        return len(self.times[key])


class Active:
    """Whether a user has been active on enough days of the lookback."""

    def __init__(self) -> None:
        self.days: defaultdict[str, deque[int]] = defaultdict(deque)
        self.enough: dict[str, bool] = {}

    def add(self, user: str, day: int) -> bool:
        days = self.days[user]
        if not days or days[-1] != day:
            while days and days[0] < day - LOOKBACK_DAYS:
                days.popleft()
            self.enough[user] = len(days) >= MIN_ACTIVE_DAYS
            days.append(day)
        return self.enough[user]


class News:
    """Whether a user did not use a value on any day of the lookback."""

    def __init__(self) -> None:
        # The last day of use, and the one before it.
        self.used: dict[tuple[str, str], tuple[int, int]] = {}

    def add(self, user: str, value: str, day: int) -> bool:
        last, before = self.used.get((user, value), (0, 0))
        if last != day:
            before = last
            self.used[user, value] = (day, before)
        return before < day - LOOKBACK_DAYS


def flags(log: str) -> Iterator[Flag]:
    """Every flagged record, with its rule and what was observed."""
    failures, repeats = Window(FAILURES_WINDOW), Window(REPEATS_WINDOW)
    active, terminals, operations = Active(), News(), News()
    today, off_day, midnight, day = "", False, 0, 0
    last = ""
    with open(log, encoding="utf-8", newline="") as text:
        reader = csv.reader(text)
        next(reader)
        for stamp, instant in groupby(reader, key=itemgetter(0)):
            if stamp < last:
                raise ValueError(f"{stamp} after {last}: the log is not in time order")
            last = stamp
            if stamp[:10] != today:
                today = stamp[:10]
                civil = datetime.strptime(today, "%Y/%m/%d").date()
                off_day, day = closed(civil), civil.toordinal()
                midnight = day * 86_400
            second = int(stamp[11:13]) * 3600 + int(stamp[14:16]) * 60 + int(stamp[17:19])
            off = off_day or not OPENS <= second < CLOSES
            now = midnight + second
            rows = list(instant)
            for _, user, _, _, _, result, _, subject in rows:
                if result == FAILED:
                    failures.add(user, now)
                if subject:
                    repeats.add((user, subject), now)
            for row in rows:
                _, user, _, terminal, operation, result, references, subject = row
                enough = active.add(user, day)
                new_terminal = terminals.add(user, terminal, day)
                new_operation = operations.add(user, operation, day)
                referenced = references == REFERENCED
                if off and referenced:
                    yield "off-hours", row, 1
                if new_terminal and enough:
                    yield "new-terminal", row, 0
                if result == FAILED and (count := failures.count(user)) >= FAILURES:
                    yield "failures", row, count
                if new_operation and enough and referenced and operation in TAKEN:
                    yield "new-operation", row, 0
                if subject and (count := repeats.count((user, subject))) >= REPEATS:
                    yield "repeat-subject", row, count


def scan(log: str, out: str) -> Counts:
    """Filter the log, row by row."""
    counts: Counter[str] = Counter()
    flagged = []
    for rule, row, observed in flags(log):
        counts[rule] += 1
        values = zip(FIELDS.values(), row, strict=True)
        flagged.append({"rule": rule, **dict(values), "observed": observed})
    for record in flagged:
        record["time"] = datetime.strptime(str(record["time"]), TIME_FORMAT)
        record["subject"] = record["subject"] or None
    pq.write_table(pa.Table.from_pylist(flagged), out)
    return counts


if __name__ == "__main__":
    run(scan)
