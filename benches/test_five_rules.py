"""CSV in, flagged records to Parquet out: the same five rules by five engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from benches.engines.common import RULES
from benches.logs import Size
from benches.measure import measure
from benches.report import Results

ENGINES = ("yokome", "polars", "duckdb", "pandas", "rows")
# More records than this take the engine too long.
MOST = {"rows": 2_000_000, "pandas": 5_000_000}


@pytest.mark.parametrize("engine", ENGINES)
def test_start(benchmark: Any, results: Results, engine: str) -> None:
    """An interpreter that only imports what the engine imports."""
    results.starts[engine] = measure(benchmark, "-c", f"import benches.engines.{engine}")


@pytest.mark.parametrize("engine", ENGINES)
def test_rules(
    benchmark: Any, results: Results, size: Size, log: Path, tmp_path: Path, engine: str
) -> None:
    """Every engine flags the same records."""
    if size.records > (most := MOST.get(engine, size.records)):
        results.skipped[engine] = f"not run on more than {most:,} records"
        pytest.skip(f"{engine}: {results.skipped[engine]}")
    out = tmp_path / "flagged.parquet"

    def call(engine: str) -> tuple[str, ...]:
        return ("-m", f"benches.engines.{engine}", str(log), str(out))

    before = () if engine == "yokome" else call("yokome")
    measured = measure(benchmark, *call(engine), log=log, out=out, before=before)
    results.engines[engine] = measured
    flagged = digest(out)
    assert measured.said == {rule: flagged[rule][0] for rule in RULES}
    assert flagged == results.flagged.setdefault("records", flagged)


def digest(flagged: Path) -> dict[str, tuple[int, int]]:
    """Rule -> how many records it flagged, and the sum of their hashes."""
    columns = ['"user"', "department", "terminal", "operation", "subject"]
    texts = ", ".join(f"coalesce({column}::VARCHAR, '')" for column in columns)
    rows = duckdb.execute(
        f"""
        SELECT rule::VARCHAR, count(*),
               sum(hash(observed::BIGINT, epoch_ms(time::TIMESTAMP), {texts})::HUGEINT)
        FROM read_parquet(?) GROUP BY ALL
        """,  # noqa: S608 - of the columns above
        [str(flagged)],
    ).fetchall()
    return {rule: (count, int(total)) for rule, count, total in rows}
