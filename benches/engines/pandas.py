"""The five rules by pandas: vectorised throughout, no rolling and no apply.

A key and a time make one integer, far enough apart that windows do not reach another key; sorted,
a window is then a binary search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
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
from pyarrow import csv

if TYPE_CHECKING:
    from benches.engines.common import Counts

Array = Any
DAY = 86_400


def read(log: str) -> pd.DataFrame:
    """The log, by way of pyarrow.csv, which is told the types.

    `pandas.read_csv` would be the way, but it loses the leading zeros of ids with any quick
    setting (`engine="pyarrow"`, categories): it infers numbers and turns those into texts. With
    `engine="c"` and texts it keeps them, at four times the price.
    """
    types = dict.fromkeys(FIELDS, pa.string()) | {"日時": pa.timestamp("s")}
    convert = csv.ConvertOptions(
        column_types=types, timestamp_parsers=[TIME_FORMAT], strings_can_be_null=True
    )
    table = csv.read_csv(log, convert_options=convert).rename_columns(list(FIELDS.values()))
    return table.to_pandas(split_blocks=True, self_destruct=True)


def closed(days: Array) -> Array:
    """Whether the office is closed, by day since 1970-01-01."""
    calendar = pd.Series(pd.to_datetime(np.arange(days.min(), days.max() + 1), unit="D"))
    new_year = calendar.dt.strftime("%m-%d")
    is_closed = (
        (calendar.dt.day_of_week >= 5)
        | calendar.isin(pd.to_datetime(japanese_holidays()))
        | (new_year >= "12-29")
        | (new_year <= "01-03")
    )
    return is_closed.to_numpy()[days - days.min()]


def crowded(keys: Array, seconds: Array, window: int, at_least: int) -> tuple[Array, Array]:
    """Which records have so many of their key in the window before them, and how many."""
    moments = keys * (int(seconds.max()) + window + 1) + seconds
    order = np.argsort(moments, kind="stable")
    moments = moments[order]
    # The last of so many; those at the same instant have them all in their windows, too.
    last = moments[at_least - 1 :]
    hot = np.unique(last[last - moments[: len(last)] < window])
    flagged = np.isin(moments, hot)
    hits = moments[flagged]
    counts = np.searchsorted(moments, hits, "right") - np.searchsorted(
        moments, hits - window, "right"
    )
    return order[flagged], counts


def enough(users: Array, days: Array) -> Array:
    """The user-days (as one integer each) with enough active days before them."""
    active = np.sort(pd.unique(users * DAYS + days))
    before = np.arange(len(active)) - np.searchsorted(active, active - LOOKBACK_DAYS, "left")
    return active[before >= MIN_ACTIVE_DAYS]


# Days from one key to the next: more than a log is long, and a lookback.
DAYS = 1 << 16


def novel(users: Array, values: Array, days: Array, active: Array) -> Array:
    """Which records have a value that their user did not use in the lookback."""
    uses = (users * (int(values.max()) + 1) + values) * DAYS + days
    distinct = np.sort(pd.unique(uses))
    new = distinct[np.diff(distinct, prepend=-DAYS) > LOOKBACK_DAYS]
    records = np.flatnonzero(pd.Series(uses).isin(new))
    user_days = users[records] * DAYS + days[records]
    return records[np.isin(user_days, active)]


def scan(log: str, out: str) -> Counts:
    """Apply the rules one by one."""
    frame = read(log)
    seconds = frame["time"].to_numpy().astype("datetime64[s]").astype(np.int64)
    days, clock = seconds // DAY, seconds % DAY
    first = int(days.min())
    seconds, ordinal = seconds - first * DAY, days - first
    code = {name: pd.factorize(frame[name])[0] for name in ("user", "terminal", "operation")}
    users = code["user"].astype(np.int64)
    referenced = (frame["references"] == REFERENCED).to_numpy()
    active = enough(users, ordinal)

    off = closed(days) | (clock < OPENS) | (clock >= CLOSES)
    flagged: dict[str, tuple[Array, Array | int]] = {
        "off-hours": (np.flatnonzero(referenced & off), 1),
        "new-terminal": (novel(users, code["terminal"], ordinal, active), 0),
    }
    failed = np.flatnonzero(frame["result"] == FAILED)
    rows, counts = crowded(users[failed], seconds[failed], FAILURES_WINDOW, FAILURES)
    flagged["failures"] = failed[rows], counts

    rows = novel(users, code["operation"], ordinal, active)
    asked = referenced[rows] & frame["operation"].iloc[rows].isin(TAKEN).to_numpy()
    flagged["new-operation"] = rows[asked], 0

    subjects, names = pd.factorize(frame["subject"])
    known = np.flatnonzero(subjects >= 0)
    pairs = users[known] * len(names) + subjects[known]
    rows, counts = crowded(pairs, seconds[known], REPEATS_WINDOW, REPEATS)
    flagged["repeat-subject"] = known[rows], counts

    pd.concat(
        [
            frame.iloc[rows].assign(rule=rule, observed=observed)
            for rule, (rows, observed) in flagged.items()
        ]
    ).to_parquet(out, index=False)
    return {rule: len(rows) for rule, (rows, _) in flagged.items()}


if __name__ == "__main__":
    run(scan)
