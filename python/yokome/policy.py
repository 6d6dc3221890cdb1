"""The policy: what to flag, when the office is open, how columns are named.

A thin wrapper around the native policy, which does all reading and checking.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence

from yokome import _yokome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
else:  # For those who look at the hints of functions; `typing` takes long to load.
    Any = object

__all__ = ["Policy", "toml_conditions", "toml_value"]


class Policy:
    """A checked policy. Immutable; make one with `load`, `default`,
    `from_dict` or `from_toml`.
    """

    __slots__ = ("_native",)

    _native: _yokome.Policy

    def __init__(self) -> None:
        self._native = _yokome.Policy.default()

    @classmethod
    def _wrap(cls, native: _yokome.Policy) -> Policy:
        policy = cls.__new__(cls)
        policy._native = native
        return policy

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Policy:
        """Read a policy file (TOML, UTF-8). Lists it names are found relative to it.

        Raises:
            PolicyError: what it says is not a policy; `file`, `line` and `column` say where.
        """
        return cls._wrap(_yokome.Policy.load(os.fspath(path)))

    @classmethod
    def default(cls) -> Policy:
        """The default policy: the Commission's five viewpoints."""
        return cls()

    @classmethod
    def from_dict(cls, policy: Mapping[str, Any], *, name: str = "<dict>") -> Policy:
        """A policy from a dict of the same shape as the TOML; dates may be ``datetime.date``.

        Raises:
            PolicyError: what it says is not a policy; `key` says where.
            TypeError: a value is of a type TOML does not have.
        """
        import json  # with `re` it takes as long to load as a policy to read

        text = json.dumps(policy, ensure_ascii=False, default=_json_value)
        return cls._wrap(_yokome.Policy.from_json(text, name))

    @classmethod
    def from_toml(cls, text: str, *, name: str = "<text>") -> Policy:
        """A policy from TOML text; `name` stands for the file in messages.

        Raises:
            PolicyError: what it says is not a policy; `line` and `column` say where.
        """
        return cls._wrap(_yokome.Policy.from_toml(text, name))

    @property
    def name(self) -> str:
        """Where it came from: a path, ``default policy``, ``<dict>``."""
        return self._native.name

    @property
    def country(self) -> str | None:
        """The country (``"JP"``, ``"JP-47"``) whose public holidays close the day, or None."""
        return self._native.country

    @property
    def rules(self) -> list[dict[str, Any]]:
        """The rules in order: ``id``, ``kind``, ``viewpoint``, titles, parameters."""
        import json

        rules: list[dict[str, Any]] = json.loads(self._native.rules_json())
        return rules

    def to_toml(self) -> str:
        """The whole policy as TOML, with what it takes from the default policy written out."""
        return self._native.to_toml()

    def __repr__(self) -> str:
        return f"<yokome.Policy {self.name!r}: {len(self.rules)} rules>"


def toml_conditions(where: str | Mapping[str, Any]) -> str:
    """`where` as the TOML of a ``where`` table: text as it stands, a mapping written out.

    Raises:
        TypeError: a value is of a type TOML does not have.
    """
    if isinstance(where, str):
        return where
    return ",\n".join(f"{_toml_string(k)} = {toml_value(v)}" for k, v in where.items())


def toml_value(value: object) -> str:
    """A value as TOML writes it, on one line.

    Raises:
        TypeError: it is of a type TOML does not have.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _toml_string(value)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Mapping):
        pairs = (f"{_toml_key(k)} = {toml_value(v)}" for k, v in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return "[" + ", ".join(toml_value(v) for v in items) + "]"
    raise TypeError(f"{type(value).__name__} has no place in a policy: {value!r}")


def _toml_key(key: str) -> str:
    import re

    bare = isinstance(key, str) and re.fullmatch(r"[A-Za-z0-9_-]+", key)
    return key if bare else _toml_string(key)


def _toml_string(text: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"a key of a policy is text, not {type(text).__name__}: {text!r}")
    import json

    # JSON's escapes are TOML's too; TOML also wants DEL escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _json_value(value: object) -> object:
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} has no place in a policy: {value!r}")
