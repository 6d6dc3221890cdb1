"""What a log is like, as far as a first policy asks: its operations, hours, results, columns.

In: logs. Out: counts. Which class an operation belongs to is what the engine itself says.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yokome.policy import Policy

if TYPE_CHECKING:
    import pyarrow as pa

    from yokome._scan import Path

__all__ = ["Survey", "by_count", "classes", "survey"]


@dataclass(frozen=True)
class Survey:
    """Counts of records, and what was not used."""

    records: int
    """Records read."""
    touching: int | None
    """Records whose references cell says yes; None: some log has no such column."""
    operations: Counter[str]
    """Records by operation."""
    hours: Mapping[str, Sequence[int]]
    """By department, records from Monday to Friday by half-hour of the day."""
    results: Mapping[str, Counter[str]]
    """By success, failure, other: records by the word that the log has for it."""
    unused: Sequence[Sequence[str]]
    """By source, in the order of the ``inputs``, columns that feed no field."""

    @property
    def share(self) -> float | None:
        """The part of the records that refer to Individual Numbers."""
        if self.touching is None or self.records == 0:
            return None
        return self.touching / self.records


def survey(
    source: Path | Sequence[Path], reading: Mapping[str, Any], inputs: Sequence[str | None]
) -> Survey:
    """Look at a log once.

    Args:
        source: files, directories, globs.
        reading: arguments of `yokome.read`.
        inputs: by source, which column is read as what: JSON, as the ``inputs`` of a scan have it.

    Raises:
        YokomeError: as `yokome.read` does.
    """
    import pyarrow.compute as pc

    from yokome._scan import read

    mappings = [json.loads(mapping) for mapping in inputs if mapping]
    word = _column_of("result", mappings, reading)
    if word is not None:
        # The words themselves: read as subjects, of which nothing else is asked here.
        given = reading.get("columns") or {}
        reading = {**reading, "columns": {**given, "subject": word}}
    operations: Counter[str] = Counter()
    hours: dict[str, list[int]] = defaultdict(lambda: [0] * 48)
    results: dict[str, Counter[str]] = {name: Counter() for name in ("success", "failure", "other")}
    records = touching = 0
    log = read(source, **reading)
    for batch in log:
        records += batch.num_rows
        touching += pc.sum(batch.column("references")).as_py() or 0
        for entry in batch.column("operation").value_counts().to_pylist():
            if entry["values"] is not None:
                operations[entry["values"]] += entry["counts"]
        _count_hours(batch, hours)
        if word is not None:
            _count_results(batch, results)
    known = mappings and all("references" in mapping for mapping in mappings)
    # What was read as a subject for its words only is not what the log's subjects were.
    subjects = [json.loads(mapping or "{}").get("subject") for mapping in inputs]
    unused = [
        [column for column in columns if column != subject]
        for columns, subject in zip(log.unused, subjects, strict=True)
    ]
    return Survey(records, touching if known else None, operations, hours, results, unused)


def _column_of(
    field: str, mappings: Sequence[Mapping[str, str]], reading: Mapping[str, Any]
) -> str | int | None:
    """The column that all sources have for a field; None if they do not agree on one."""
    columns = {mapping.get(field) for mapping in mappings}
    if len(columns) != 1:
        return None
    [column] = columns
    return int(column) if column is not None and reading.get("header") is False else column


def _count_hours(batch: pa.RecordBatch, hours: dict[str, list[int]]) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    times = batch.column("time")
    table = pa.table(
        {
            "department": pc.cast(batch.column("department"), pa.string()),
            "day": pc.day_of_week(times),
            "half": pc.add(
                pc.multiply(pc.hour(times), 2), pc.if_else(pc.less(pc.minute(times), 30), 0, 1)
            ),
        }
    )
    counted = table.group_by(["department", "day", "half"]).aggregate([([], "count_all")])
    for row in counted.to_pylist():
        if row["department"] is not None and row["day"] < 5:
            hours[row["department"]][row["half"]] += row["count_all"]


def _count_results(batch: pa.RecordBatch, results: Mapping[str, Counter[str]]) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    table = pa.table(
        {
            "result": pc.cast(batch.column("result"), pa.string()),
            "word": batch.column("subject"),
        }
    )
    for row in table.group_by(["result", "word"]).aggregate([([], "count_all")]).to_pylist():
        if row["result"] is not None and row["word"] is not None:
            results[row["result"]][row["word"]] += row["count_all"]


def classes(operations: Mapping[str, Any], seen: Counter[str]) -> dict[str, list[str]]:
    """The operations seen, by class, as the engine classifies them; "" are those of none."""
    import pyarrow as pa

    from yokome._scan import scan

    names = list(operations)
    rules = [{"id": n, "kind": "match", "where": {"operation_class": n}} for n in names]
    policy = Policy.from_dict({"operations": operations, "rules": rules})
    records = pa.table(
        {
            "time": pa.array([dt.datetime(2000, 1, 1)] * len(seen), pa.timestamp("ms")),
            "user": pa.array(["-"] * len(seen), pa.string()),
            "operation": pa.array(list(seen), pa.string()),
        }
    )
    of_class: dict[str, list[str]] = {name: [] for name in (*names, "")}
    classified = set()
    found = scan(records, policy, unmask=True).flagged
    for row in found.select(["rule", "operation"]).to_pylist():
        of_class[row["rule"]].append(row["operation"])
        classified.add(row["operation"])
    of_class[""] = [operation for operation in seen if operation not in classified]
    order = {operation: n for n, (operation, _) in enumerate(by_count(seen))}
    return {name: sorted(found, key=order.__getitem__) for name, found in of_class.items()}


def by_count(seen: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent first, those of one number by name."""
    return sorted(seen.items(), key=lambda item: (-item[1], item[0]))
