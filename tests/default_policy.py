"""The default policy as a plain dict: what the oracle is given where a scan is given none.

Written by hand from the specification's table; of the operation classes only as much as the
tests' logs use.
"""

from __future__ import annotations

from typing import Any

from oracle import RULES

CLASSES: dict[str, list[str]] = {
    "login": ["ログイン"],
    "print": ["印刷"],
    "export": ["書き出し"],
    "screen_capture": ["プリントスクリーン"],
    "media": ["媒体書込"],
}

CALENDAR: dict[str, Any] = {
    "country": "JP",
    "hours": "08:30-17:15",
    "margin": "30m",
    "closed": ["sat", "sun", "holiday", "12-29..01-03"],
    "open": [],
}

DEFAULT_RULES: list[dict[str, Any]] = [
    {
        "id": "off-hours-access",
        "kind": "match",
        "viewpoint": 1,
        "where": {"references": True, "calendar": "off-hours"},
    },
    {
        "id": "off-hours-login",
        "kind": "match",
        "viewpoint": 1,
        "where": {"operation_class": "login", "calendar": "off-hours"},
    },
    {
        "id": "unusual-hours",
        "kind": "hours",
        "viewpoint": 1,
        "lookback": "90d",
        "min_active_days": 10,
        "at_least": "3h",
    },
    {
        "id": "new-terminal",
        "kind": "novelty",
        "viewpoint": 2,
        "field": "terminal",
        "lookback": "90d",
        "min_active_days": 10,
    },
    {
        "id": "terminal-hopping",
        "kind": "distinct",
        "viewpoint": 2,
        "field": "terminal",
        "window": "1h",
        "at_least": 3,
    },
    {
        "id": "denied-burst",
        "kind": "count",
        "viewpoint": 3,
        "where": {"result": "failure"},
        "window": "24h",
        "at_least": 3,
    },
    {
        "id": "denied-sensitive",
        "kind": "match",
        "viewpoint": 3,
        "where": {
            "result": "failure",
            "references": True,
            "operation_class": ["print", "export", "screen_capture", "media"],
        },
    },
    {
        "id": "screen-capture",
        "kind": "match",
        "viewpoint": 4,
        "where": {"references": True, "operation_class": "screen_capture"},
    },
    {
        "id": "unusual-operation",
        "kind": "novelty",
        "viewpoint": 4,
        "field": "operation",
        "where": {"references": True},
        "lookback": "90d",
        "min_active_days": 10,
    },
    {
        "id": "bulk-export",
        "kind": "count",
        "viewpoint": 4,
        "where": {"references": True, "operation_class": ["print", "export", "media"]},
        "window": "24h",
        "at_least": 20,
    },
    {
        "id": "repeat-subject",
        "kind": "count",
        "viewpoint": 5,
        "by": ["subject"],
        "where": {"references": True},
        "window": "7d",
        "at_least": 5,
    },
]

DEFAULT_POLICY: dict[str, Any] = {"operations": CLASSES, "calendar": CALENDAR, RULES: DEFAULT_RULES}

# The specification's table for the guidance's example log: line -> rule -> observed.
EXAMPLE_TABLE: dict[int, dict[str, int]] = {
    2: {"off-hours-login": 1},
    3: {"off-hours-access": 1},
    6: {"terminal-hopping": 3, "denied-sensitive": 1},
    7: {"terminal-hopping": 4},
    8: {"terminal-hopping": 4, "screen-capture": 1},
    9: {"terminal-hopping": 4},
    10: {"denied-burst": 3},
    11: {"denied-burst": 4},
}

# Rules that cannot say anything about the example log.
NOT_EVALUABLE = ("unusual-hours", "new-terminal", "unusual-operation", "repeat-subject")
