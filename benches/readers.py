"""A log into memory, typed: ``python -m benches.readers NAME LOG``.

Time parsed, names as categories (subjects as texts), references as truth values.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from benches.engines.common import FIELDS, REFERENCED, TIME_FORMAT

if TYPE_CHECKING:
    import polars as pl

TEXTS = ("宛名番号",)
NAMES = tuple(name for name in FIELDS if name not in ("日時", "個人番号参照", *TEXTS))


def yokome_batches(log: str) -> int:
    """By Yokome, batch after batch, each let go: memory stays bounded."""
    import yokome

    return sum(batch.num_rows for batch in yokome.read(log))


def yokome_table(log: str) -> int:
    """By Yokome, as one Arrow table (with source, line and offset)."""
    import yokome

    return int(yokome.read(log).reader.read_all().num_rows)


def polars_frame(log: str) -> int:
    """By Polars' read_csv."""
    import polars as pl

    frame = pl.read_csv(log, schema_overrides=_polars_types())
    return frame.with_columns(_polars_values()).height


def polars_streaming(log: str) -> int:
    """By Polars' scan_csv and its streaming engine, which reads the values in parallel, too."""
    import polars as pl

    frame = pl.scan_csv(log, schema_overrides=_polars_types())
    return frame.with_columns(_polars_values()).collect(engine="streaming").height


def _polars_types() -> dict[str, type[pl.DataType]]:
    import polars as pl

    return {name: pl.Categorical if name in NAMES else pl.String for name in FIELDS}


def _polars_values() -> list[pl.Expr]:
    import polars as pl

    return [
        pl.col("日時").str.to_datetime(TIME_FORMAT, time_unit="ms"),
        pl.col("個人番号参照") == REFERENCED,
    ]


def pyarrow_table(log: str) -> int:
    """By pyarrow.csv."""
    import pyarrow as pa
    from pyarrow import csv

    types = {name: pa.dictionary(pa.int32(), pa.string()) for name in NAMES}
    types |= {name: pa.string() for name in TEXTS}
    types |= {"日時": pa.timestamp("ms"), "個人番号参照": pa.bool_()}
    convert = csv.ConvertOptions(
        column_types=types,
        timestamp_parsers=[TIME_FORMAT],
        true_values=[REFERENCED],
        false_values=["なし"],
        strings_can_be_null=True,
    )
    return int(csv.read_csv(log, convert_options=convert).num_rows)


READERS: dict[str, Callable[[str], int]] = {
    "yokome.read, one table": yokome_table,
    "yokome.read, batch by batch": yokome_batches,
    "polars.read_csv": polars_frame,
    "polars.scan_csv, streaming": polars_streaming,
    "pyarrow.csv": pyarrow_table,
}


if __name__ == "__main__":
    name, path = sys.argv[1:]
    print(json.dumps(READERS[name](path)))
