"""What a state file covers: the file that one month's scan leaves and the next one's takes up."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yokome import _yokome

__all__ = ["Period", "Source", "State", "read_state"]


@dataclass(frozen=True)
class Source:
    """A source that was scanned into a state."""

    source: str
    """Its name, as it was given or expanded."""
    bytes: int | None
    """Bytes of the file; None for Arrow data."""
    digest: str | None
    """XXH3-128 of its bytes, decompressed (as ``xxhsum -H2`` prints it); None for Arrow data."""
    records: int
    """Records accepted."""
    rejected: int
    """Records rejected."""
    error: str | None
    """Why it could not be read to its end, or None."""


@dataclass(frozen=True)
class Period:
    """One scan into a state."""

    first: dt.datetime | None
    """Earliest time of a record, or None without any."""
    last: dt.datetime | None
    """Latest time of a record."""
    records: int
    """Records accepted."""
    sources: tuple[Source, ...]
    """The sources, by name."""


@dataclass(frozen=True)
class State:
    """What a state file covers."""

    path: str
    """The file."""
    size: int
    """Bytes of the file."""
    yokome: str
    """Version of Yokome that wrote it."""
    policy: str
    """Name of the policy."""
    fingerprint: str
    """Fingerprint of the policy, without what may change from month to month."""
    parts: Mapping[str, str]
    """Fingerprints of the policy's parts."""
    last: dt.datetime | None
    """Last time that is covered: a later scan takes only records after it."""
    users: int
    """The number of users of whom the state remembers something."""
    periods: tuple[Period, ...]
    """The scans, in their order."""

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values for JSON; times in ISO 8601."""
        return {
            "path": self.path,
            "size": self.size,
            "yokome": self.yokome,
            "policy": {
                "name": self.policy,
                "fingerprint": self.fingerprint,
                "parts": dict(self.parts),
            },
            "last": _iso(self.last),
            "users": self.users,
            "periods": [
                {
                    "first": _iso(period.first),
                    "last": _iso(period.last),
                    "records": period.records,
                    "sources": [vars(source) for source in period.sources],
                }
                for period in self.periods
            ],
        }


def read_state(path: str | os.PathLike[str]) -> State:
    """What a state file covers. The whole file is checked, too.

    Args:
        path: the file.

    Raises:
        InputNotFoundError: there is no such file (also a ``FileNotFoundError``).
        StateError: it is no state, damaged, cut short or of an unknown version.
    """
    name = os.fsdecode(path)
    header = json.loads(_yokome.state_header(name))
    policy = header["policy"]
    return State(
        path=name,
        size=os.path.getsize(name),  # noqa: PTH202 - a path may be bytes
        yokome=header["yokome"],
        policy=policy["name"],
        fingerprint=policy["fingerprint"],
        parts=policy["parts"],
        last=_time(header["last_ms"]),
        users=header["users"],
        periods=tuple(
            Period(
                first=_time(period["first_ms"]),
                last=_time(period["last_ms"]),
                records=period["records"],
                sources=tuple(Source(**source) for source in period["sources"]),
            )
            for period in header["periods"]
        ),
    )


def _time(milliseconds: int | None) -> dt.datetime | None:
    if milliseconds is None:
        return None
    return dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=milliseconds)


def _iso(time: dt.datetime | None) -> str | None:
    return None if time is None else time.isoformat(sep=" ")
