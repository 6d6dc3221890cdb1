"""``summary.json``: everything about a scan but the flagged records, for programs and archives.

Keys, in order:

``yokome``
    Format of this file: ``{"summary": 1}``.
``versions``
    ``yokome``, ``python``, ``pyarrow``, ``holidays``.
``policy``
    ``name``, and ``toml``: the whole policy as it was applied.
``period``
    ``first`` and ``last`` time of any accepted record, or null.
``records``
    ``seen`` = ``accepted`` + ``rejected``; ``blank`` lines; ``replaced`` places (with bytes that
    could not be decoded).
``totals``
    ``sources``, ``unreadable`` (skipped sources), ``flagged`` rows, ``findings``, ``users``.
``rules``
    The rows of the summary table.
``top_users``
    The twenty users to look at first, by priority: ``user``, ``findings``, ``flagged``.
``by_day``
    Rows of ``date``, ``records``, ``flagged``.
``inputs``
    A row per source; its ``columns`` are an object here.
``leaks``
    Rows of the table ``leaks``: where the log itself holds Individual Numbers.
``notes``
    ``ja`` and ``en``: every assumption made, in words.
``files``
    The files written together with this one.
``workbook``
    ``bytes`` and ``sha256`` of ``report.xlsx`` as it was written, or null without one: the next
    scan into the directory tells by it whether somebody has filled it in.

Times are ISO 8601, local civil time. The file holds no clock time and no random part: the same
logs and policy give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import platform
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yokome.result import ScanResult

__all__ = ["summary_json", "versions"]

_TOP = 20


def summary_json(
    result: ScanResult, *, files: Sequence[str] = (), workbook: bytes | None = None
) -> str:
    """The text of ``summary.json`` for a scan whose tables are in `files`.

    Args:
        workbook: the content of ``report.xlsx``, if there is one among them.
    """
    o = result.overview
    document = {
        "yokome": {"summary": 1},
        "versions": versions(),
        "policy": {"name": result.policy.name, "toml": result.policy.to_toml()},
        "period": {"first": o.first, "last": o.last},
        "records": {
            "seen": o.seen,
            "accepted": o.accepted,
            "rejected": o.rejected,
            "blank": o.blank,
            "replaced": o.replaced,
        },
        "totals": {
            "sources": o.sources,
            "unreadable": o.unreadable,
            "flagged": o.flagged,
            "findings": o.findings,
            "users": o.users,
        },
        "rules": result._rows("summary"),
        "top_users": _top_users(result),
        "by_day": result._rows("by_day"),
        "inputs": [row | {"columns": _object(row["columns"])} for row in result._rows("inputs")],
        "leaks": result._rows("leaks"),
        "notes": {"ja": result.notes_ja, "en": result.notes},
        "files": list(files),
        "workbook": None if workbook is None else _of_workbook(workbook),
    }
    return json.dumps(document, ensure_ascii=False, indent=2, default=_value) + "\n"


def versions() -> dict[str, str]:
    """The versions of yokome and of what it stands on."""
    from yokome import __version__

    return {
        "yokome": __version__,
        "python": platform.python_version(),
        "pyarrow": importlib.metadata.version("pyarrow"),
        "holidays": importlib.metadata.version("holidays"),
    }


def _of_workbook(content: bytes) -> dict[str, Any]:
    import hashlib

    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _top_users(result: ScanResult) -> list[dict[str, Any]]:
    totals: dict[str | None, list[int]] = {}
    for row in result._rows("by_user", ["user", "findings", "flagged"]):
        total = totals.setdefault(row["user"], [0, 0])
        total[0] += row["findings"]
        total[1] += row["flagged"]
    return [
        {"user": user, "findings": findings, "flagged": flagged}
        for user, (findings, flagged) in islice(totals.items(), _TOP)
    ]


def _object(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _value(value: object) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")
