"""Individual Numbers (個人番号) that the log itself holds: a finding of its own, in words.

In: the table ``leaks`` of a scan. Out: plain values and sentences, the same for the screen, the
page and the workbook. Never a number: what is said is where they stand and how many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yokome.lang import Lang, pick
from yokome.words import field_name

if TYPE_CHECKING:
    from yokome.result import ScanResult

__all__ = ["Leak", "headline", "leaks_of", "places", "what_to_do"]


@dataclass(frozen=True)
class Leak:
    """A column of a source in which numbers were found, or its rejected records."""

    source: str
    """The source, as ``inputs`` names it."""
    column: str | None
    """The column's header, or its position from 1; None: rejected records as a whole."""
    field: str | None
    """The field that the column feeds, if any."""
    kind: str
    """``column``: its cells are numbers. ``text``: numbers stand in texts, beside their name."""
    values: int
    """Cells with a number; rejected records with one."""
    looked_at: int
    """Records looked at: all that were accepted, or all that were rejected."""
    line: int | None
    """Physical line of the first, from 1."""
    masked: bool
    """Whether the results hide them."""

    def column_words(self, lang: Lang) -> str:
        """Where the numbers stand: the column's header, or that it is no column."""
        if self.column is None:
            return pick(lang, "（読み取れなかった記録）", "(rejected records)")
        return self.column

    def kind_words(self, lang: Lang) -> str:
        """How the numbers stand there."""
        if self.kind == "column":
            return pick(lang, "個人番号の欄", "a column of numbers")
        return pick(lang, "文中に記載", "within texts")

    def field_words(self, lang: Lang) -> str:
        """What the column is used as."""
        if self.column is None:
            return ""
        if self.field is None:
            return pick(lang, "（使わない列）", "(not used)")
        return field_name(self.field, lang)

    def looked_at_words(self, lang: Lang) -> str:
        """How many records were looked at: all of them."""
        if self.column is None:
            return pick(
                lang,
                f"読み取れなかった全 {self.looked_at:,} 件",
                f"all {self.looked_at:,} rejected records",
            )
        return pick(lang, f"全 {self.looked_at:,} 件", f"all {self.looked_at:,} records")

    def masked_words(self, lang: Lang) -> str:
        """Whether the results hide them."""
        return pick(lang, "伏せています", "yes") if self.masked else pick(lang, "いいえ", "no")


def leaks_of(result: ScanResult) -> tuple[Leak, ...]:
    """The rows of a scan's ``leaks``."""
    return tuple(Leak(**row) for row in result._rows("leaks"))


def headline(leaks: Sequence[Leak], lang: Lang) -> str:
    """What was found, in a sentence."""
    if not leaks:
        return pick(lang, "見付かりませんでした。", "None was found.")
    values = sum(leak.values for leak in leaks)
    where = places(leaks, lang)
    return pick(
        lang,
        f"ログそのものに、個人番号とみられる値が {values:,} 件（{where}）あります。",
        f"The log itself holds what look like Individual Numbers: {values:,} in {where}.",
    )


def places(leaks: Sequence[Leak], lang: Lang) -> str:
    """In how many columns they stand, and whether in rejected records."""
    columns = sum(leak.column is not None for leak in leaks)
    parts = [
        pick(lang, f"{columns:,} 列", f"{columns:,} {'column' if columns == 1 else 'columns'}")
    ]
    if columns < len(leaks):
        rejected = pick(lang, "読み取れなかった記録", "rejected records")
        parts = [*(parts if columns else []), rejected]
    return pick(lang, "と", " and ").join(parts)


def what_to_do(leaks: Sequence[Leak], lang: Lang) -> str:
    """What an officer does about them, and whether the results show them."""
    ask = pick(
        lang,
        "業務に要らない記載であれば、業者に記録のしかたの変更を求め、すでにあるログの保管と廃棄のしかたを"
        "確かめてください。",
        "If the work does not need them there, have the way it is recorded changed, and check how "
        "the logs that there are already are kept and disposed of.",
    )
    if all(leak.masked for leak in leaks):
        return ask + pick(
            lang,
            "この結果では各桁を * で伏せています。",
            " The results show their digits as *.",
        )
    return ask + pick(
        lang,
        "この結果には個人番号がそのまま載っています（--unmask）。取扱いに注意してください。",
        " The results hold the numbers as they stand (--unmask): handle them accordingly.",
    )
