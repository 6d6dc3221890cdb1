"""Which language to speak, and how wide a text is on a terminal."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal, TypeAlias, TypeVar

    Lang: TypeAlias = Literal["ja", "en"]
    T = TypeVar("T")

__all__ = ["clean", "default_lang", "pad", "pick", "width"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """`Lang` for those who have loaded `typing` anyway."""
        if name == "Lang":
            from typing import Literal

            return Literal["ja", "en"]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def default_lang(environment: Mapping[str, str] | None = None) -> Lang:
    """The language of the locale: the first of LC_ALL, LC_MESSAGES, LANG that is set decides.

    On Windows, where none of them usually is, the user's language setting does.
    """
    env = os.environ if environment is None else environment
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = env.get(name)
        if value:
            return "ja" if value.lower().startswith("ja") else "en"
    if os.name == "nt":
        import locale

        if (locale.getlocale()[0] or "").lower().startswith("ja"):
            return "ja"
    return "en"


def pick(lang: Lang, ja: T, en: T) -> T:
    """Of two texts, the one in that language."""
    return ja if lang == "ja" else en


def clean(text: str) -> str:
    """`text` fit for a terminal: control and format characters as visible escapes.

    A log may hold anything, escape sequences too. Private-use characters (外字) stay.
    """
    from unicodedata import category  # not loaded by what shows no text

    return "".join(
        c.encode("unicode_escape").decode("ascii")
        if category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else c
        for c in text
    )


def width(text: str, *, ambiguous: int = 1) -> int:
    """Terminal columns that `text` takes, by its East Asian width; combining marks take none.

    `ambiguous` is the width of characters such as ① (1 nearly everywhere, 2 on old consoles).
    """
    from unicodedata import category, east_asian_width

    columns = 0
    for c in text:
        if category(c) in ("Mn", "Me", "Cf"):
            continue
        kind = east_asian_width(c)
        columns += 2 if kind in "WF" else ambiguous if kind == "A" else 1
    return columns


def pad(text: str, columns: int, *, right: bool = False, ambiguous: int = 1) -> str:
    """`text` filled with spaces to that many terminal columns (`right`: set flush right)."""
    fill = " " * max(0, columns - width(text, ambiguous=ambiguous))
    return fill + text if right else text + fill
