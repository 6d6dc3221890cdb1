"""What the sections of the page are made of: tables, marks, values as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from yokome.lang import Lang, pick
from yokome.report.markup import Html, tag

if TYPE_CHECKING:
    from yokome.report.facts import Finding

__all__ = ["CUT", "base_name", "mark", "more", "table"]

CUT: Final = 300
"""Characters of a record, at most."""


def table(
    header: Sequence[tuple[str, str, str]],
    rows: Sequence[Html],
    lang: Lang,
    *,
    sortable: bool = False,
    **attributes: object,
) -> Html:
    """A table; a column of the header is its Japanese and English title, and its class."""

    def title(ja: str, en: str) -> object:
        name = pick(lang, ja, en)
        # No <button>: a header that repeats on paper repeats text, and no controls.
        return tag("span", name, role="button", tabindex=0, class_="sort") if sortable else name

    head = tag("tr", *(tag("th", title(ja, en), class_=c or None) for ja, en, c in header))
    return tag("table", tag("thead", head), tag("tbody", *rows), **attributes)


def more(all_: int, shown: int, lang: Lang) -> list[Html]:
    """A remark where a table shows only its first rows."""
    if all_ <= shown:
        return []
    words = pick(
        lang,
        f"全 {all_:,} 件のうち、はじめの {shown:,} 件です。",
        f"These are the first {shown:,} of {all_:,}.",
    )
    return [tag("p", words, class_="faint")]


def mark(finding: Finding) -> str:
    """The sign of the finding's viewpoint, and a space."""
    return "" if finding.viewpoint is None else chr(0x2460 + finding.viewpoint - 1) + " "


def base_name(source: str) -> str:
    """The file's name, without the folders."""
    return source.replace("\\", "/").rsplit("/", 1)[-1]
