"""The handful of figures that every account of a scan begins with.

In: a `yokome.ScanResult`. Out: plain Python values, for `repr`, the printed summary and
``summary.json``, so that the three can never disagree.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from yokome.result import ScanResult

__all__ = ["Overview", "RuleOverview", "overview", "records_and_period", "texts"]


@dataclass(frozen=True)
class RuleOverview:
    """A row of the summary table."""

    rule: str
    kind: str
    viewpoint: int | None
    title_ja: str | None
    title_en: str | None
    evaluated: int
    not_evaluable: int
    unattributed: int
    flagged: int
    findings: int
    users: int
    reason: str | None


@dataclass(frozen=True)
class Overview:
    """What was looked at and what came out. Counts are records unless the name says otherwise."""

    first: dt.datetime | None
    last: dt.datetime | None
    sources: int
    unreadable: int
    """Sources skipped because they could not be read."""
    accepted: int
    rejected: int
    blank: int
    """Blank lines: not records."""
    replaced: int
    """Values with bytes that could not be decoded."""
    flagged: int
    """Flagged rows: a record that two rules flag is two rows."""
    findings: int
    users: int
    """Distinct users with at least one flagged row."""
    rules: tuple[RuleOverview, ...]

    @property
    def seen(self) -> int:
        """Records seen: accepted and rejected."""
        return self.accepted + self.rejected


def overview(result: ScanResult) -> Overview:
    """The figures of a scan."""
    rules = tuple(
        RuleOverview(**{name: row[name] for name in RuleOverview.__dataclass_fields__})
        for row in result.summary.to_pylist()
    )
    figures = records_and_period(result.inputs)
    users = {user for user in texts(result.by_user.column("user")) if user is not None}
    return Overview(
        **figures,
        flagged=sum(r.flagged for r in rules),
        findings=sum(r.findings for r in rules),
        users=len(users),
        rules=rules,
    )


def texts(column: pa.ChunkedArray) -> list[str | None]:
    """The texts of a dictionary column, without an object of Arrow's for each, as ``to_pylist``
    makes them: of many rows that takes longer than all else that is told of a scan. (Arrow's own
    functions, for their part, take longer to load.)
    """
    found: list[str | None] = []
    for chunk in column.chunks:
        words = chunk.dictionary.to_pylist()
        found += (None if code is None else words[code] for code in chunk.indices.to_pylist())
    return found


def records_and_period(inputs: Any) -> dict[str, Any]:
    """The totals of an ``inputs`` table: the first fields of `Overview`, by name."""
    rows = inputs.to_pylist()
    firsts = [row["first"] for row in rows if row["first"] is not None]
    lasts = [row["last"] for row in rows if row["last"] is not None]
    return {
        "first": min(firsts, default=None),
        "last": max(lasts, default=None),
        "sources": len(rows),
        "unreadable": sum(row["error"] is not None for row in rows),
        "accepted": sum(row["records"] or 0 for row in rows),
        "rejected": sum(row["rejected"] or 0 for row in rows),
        "blank": sum(row["blank"] or 0 for row in rows),
        "replaced": sum(row["replaced"] or 0 for row in rows),
    }
