"""The values that options take: text to value, or ``ArgumentTypeError``."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable

__all__ = ["at_least_one", "checked", "delimiter", "not_negative", "reports", "size"]


def reports(text: str) -> list[str]:
    """Kinds of reports, with commas between them."""
    from yokome.report import REPORTS

    kinds = text.split(",")
    for kind in kinds:
        if kind not in REPORTS:
            raise argparse.ArgumentTypeError(
                f"unknown report {kind!r}; known: {', '.join(REPORTS)}"
            )
    return kinds


def checked(name: str) -> Callable[[str], str]:
    """An argument type that checks as the function `name` of `yokome._scan` does."""

    def check(text: str) -> str:
        from yokome import _scan

        try:
            checked: str = getattr(_scan, name)(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return checked

    return check


def delimiter(text: str) -> str:
    """A delimiter, also by the name of the tab."""
    return checked("_delimiter")("\t" if text.lower() in ("tab", "\\t") else text)


def at_least_one(text: str) -> int:
    """A whole number, 1 or more."""
    return _whole(text, 1)


def size(text: str) -> int:
    """A number of bytes, as ``512MB``."""
    from yokome import _scan

    with contextlib.suppress(ValueError):
        given = _scan.size(text)
        if given is not None and given >= 1:
            return given
    raise argparse.ArgumentTypeError(text)


def not_negative(text: str) -> int:
    """A whole number, 0 or more."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    try:
        number = int(text.replace(",", "").replace("_", ""))
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"a whole number, {least} or more, not {text!r}")
    return number
