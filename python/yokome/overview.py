"""The handful of figures that every account of a scan begins with.

In: a `yokome.ScanResult`. Out: plain Python values, for `repr`, the printed summary and
``summary.json``, so that the three can never disagree.
"""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from yokome.result import ScanResult

__all__ = ["Overview", "RuleOverview", "overview", "records_and_period"]


class Figures(SimpleNamespace):
    """Values by name, which stay as they are."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted(vars(self).items())))


class RuleOverview(Figures):
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


class Overview(Figures):
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
        RuleOverview(**{name: row[name] for name in RuleOverview.__annotations__})
        for row in result._rows("summary")
    )
    figures = records_and_period(result._rows("inputs"))
    return Overview(
        **figures,
        flagged=sum(r.flagged for r in rules),
        findings=sum(r.findings for r in rules),
        users=result._native.users(),
        rules=rules,
    )


def records_and_period(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The totals of the rows of an ``inputs`` table: the first fields of `Overview`, by name."""
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
