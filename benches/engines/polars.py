"""The five rules by Polars: lazy queries, collected by the streaming engine.

The log has to be in time order; without that, one sort would be due.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl
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

# Few values each; of subjects there are so many that strings are quicker.
CATEGORIES = dict.fromkeys(FIELDS, pl.Categorical) | {"日時": pl.String, "宛名番号": pl.String}

TIME, DAY = pl.col("time"), pl.col("day")


def read(log: str) -> pl.DataFrame:
    """The log in memory: five queries read it."""
    frame = (
        pl.scan_csv(log, schema=CATEGORIES)
        .rename(FIELDS)
        .with_columns(
            TIME.str.to_datetime(TIME_FORMAT, time_unit="ms"),
            pl.col("references") == REFERENCED,
        )
        .with_columns(day=TIME.dt.date())
        .collect(engine="streaming")
    )
    return frame if frame["time"].is_sorted() else frame.sort("time", maintain_order=True)


def off_hours(records: pl.LazyFrame) -> pl.LazyFrame:
    """References while the office is closed."""
    clock = TIME.dt.hour().cast(pl.Int32) * 3600 + TIME.dt.minute().cast(pl.Int32) * 60
    month_day = DAY.dt.month().cast(pl.Int32) * 100 + DAY.dt.day()
    closed = (
        (DAY.dt.weekday() >= 6)
        | DAY.is_in(japanese_holidays())
        | (month_day >= 1229)
        | (month_day <= 103)
    )
    off = closed | (clock < OPENS) | (clock >= CLOSES)
    return records.filter(pl.col("references") & off).with_columns(observed=1)


def novel(records: pl.LazyFrame, value: str, asked: pl.Expr) -> pl.LazyFrame:
    """Records with a value that their user did not use in the lookback."""
    lookback = timedelta(days=LOOKBACK_DAYS)
    active = (
        records.select("user", "day")
        .unique()
        .sort("day")
        .with_columns(days=pl.len().rolling("day", period=f"{LOOKBACK_DAYS + 1}d").over("user") - 1)
        .filter(pl.col("days") >= MIN_ACTIVE_DAYS)
    )
    before = DAY.shift(1).over("user", value)
    new = (
        records.select("user", value, "day")
        .unique()
        .sort("day")
        .filter(before.is_null() | (before < DAY - lookback))
        .join(active, on=["user", "day"], how="semi")
    )
    return (
        records.filter(asked)
        .join(new, on=["user", value, "day"], how="semi")
        .with_columns(observed=0)
    )


def crowded(records: pl.LazyFrame, key: list[str], seconds: int, at_least: int) -> pl.LazyFrame:
    """Records with so many of their key in the window before them.

    Few keys have any; the rolling count is for those alone.
    """
    earlier = TIME.shift(at_least - 1).over(key)
    hot = records.filter(TIME - earlier < timedelta(seconds=seconds)).select(key).unique()
    return (
        records.join(hot, on=key, how="semi", maintain_order="left")
        .with_columns(observed=pl.len().rolling("time", period=f"{seconds}s").over(key))
        .filter(pl.col("observed") >= at_least)
    )


def scan(log: str, out: str) -> Counts:
    """Read once, then the rules together."""
    records = read(log).lazy()
    asked = pl.col("references") & pl.col("operation").is_in(TAKEN)
    failed = records.filter(pl.col("result") == FAILED)
    known = records.filter(pl.col("subject").is_not_null())
    queries = {
        "off-hours": off_hours(records),
        "new-terminal": novel(records, "terminal", pl.lit(True)),
        "failures": crowded(failed, ["user"], FAILURES_WINDOW, FAILURES),
        "new-operation": novel(records, "operation", asked),
        "repeat-subject": crowded(known, ["user", "subject"], REPEATS_WINDOW, REPEATS),
    }
    columns = [pl.col(*FIELDS.values()), pl.col("observed").cast(pl.Int64)]
    flagged = pl.collect_all(
        [query.select(pl.lit(rule).alias("rule"), *columns) for rule, query in queries.items()],
        engine="streaming",
    )
    pl.concat(flagged).write_parquet(out)
    return {rule: frame.height for rule, frame in zip(queries, flagged, strict=True)}


if __name__ == "__main__":
    run(scan)
