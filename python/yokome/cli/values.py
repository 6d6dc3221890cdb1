"""The values that options take: text to value, or a `BadValue`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date

from yokome.errors import OptionError

__all__ = [
    "BadValue",
    "at_least_one",
    "checked",
    "day",
    "delimiter",
    "not_negative",
    "reports",
    "size",
]


class BadValue(argparse.ArgumentTypeError):
    """A value that an option cannot have: what is wrong, and what is allowed."""

    def __init__(self, ja: str, en: str) -> None:
        super().__init__(en)
        self.ja = ja


def reports(text: str) -> list[str]:
    """Kinds of reports, with commas between them."""
    from yokome.report import REPORTS

    kinds = text.split(",")
    for kind in kinds:
        if kind not in REPORTS:
            known = ", ".join(REPORTS)
            raise BadValue(
                f"{kind!r} は指定できません。指定できるもの: {known}",
                f"unknown report {kind!r}; known: {known}",
            )
    return kinds


def checked(name: str) -> Callable[[str], str]:
    """An argument type that checks as the function `name` of `yokome._scan` does."""

    def check(text: str) -> str:
        from yokome import _scan

        try:
            checked: str = getattr(_scan, name)(text)
        except OptionError as error:
            raise BadValue(error.message_ja or str(error), str(error)) from None
        return checked

    return check


def day(text: str) -> str:
    """A day, as ``2024-04-01``."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadValue(
            f"日付を 2024-04-01 のように書いてください（{text} は指定できません）",
            f"a date as 2024-04-01, not {text!r}",
        ) from None


def delimiter(text: str) -> str:
    """A delimiter, also by the name of the tab."""
    return checked("_delimiter")("\t" if text.lower() in ("tab", "\\t") else text)


def at_least_one(text: str) -> int:
    """A whole number, 1 or more."""
    return _whole(text, 1)


def size(text: str) -> int:
    """A number of bytes, as ``512MB``."""
    from yokome import _scan

    try:
        given = _scan.size(text)
    except OptionError as error:
        raise BadValue(error.message_ja or str(error), str(error)) from None
    if given is None or given < 1:
        raise BadValue(
            f"1 バイト以上の大きさを 512MB、2GiB のように書いてください（{text} は指定できません）",
            f"a size of 1 byte or more, as 512MB or 2GiB, not {text!r}",
        )
    return given


def not_negative(text: str) -> int:
    """A whole number, 0 or more."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    try:
        number = int(text.replace(",", "").replace("_", ""))
    except ValueError:
        number = least - 1
    if number < least:
        raise BadValue(
            f"{least} 以上の整数を指定してください（{text!r} は指定できません）",
            f"a whole number, {least} or more, not {text!r}",
        )
    return number
