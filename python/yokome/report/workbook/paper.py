"""The paper that the workbook is written on: sheets, tables, cells, and how they look.

A sheet is a title, a note, one table with a filter, set up for A4 landscape. Whatever comes from
the log is written as text and marked as such, so that it stays text even when the cell is edited;
control characters show as pictures, as in the CSV files.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from yokome.lang import pick, width

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

    from yokome.report.facts import Facts

__all__ = ["CELL", "HEAD", "LINE", "Column", "Paper", "capital", "cell_text", "lines_of"]

CELL: Final = 32_767
"""Characters that a cell holds."""

HEAD: Final = 3
"""Rows above a table's first row: title, note, header."""

LINE: Final = 13.5
"""Points that a line of text takes."""


def cell_text(text: str) -> str:
    """`text` as a cell can hold it: no control characters, not too long, nothing XML forbids."""
    text = _CONTROL.sub(lambda c: _picture(ord(c.group())), text)
    return text if len(text) <= CELL else text[: CELL - 1] + "…"


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def _picture(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


@dataclass(frozen=True)
class Column:
    """A column of a sheet's table."""

    title: str
    width: float
    kind: str = "text"
    """``text``, ``wrap``, ``mark``, ``number``, ``time``, ``date``, ``entry`` (to be filled in)."""


def capital(text: str) -> str:
    """`text` with a capital letter at its beginning."""
    return text[:1].upper() + text[1:]


def lines_of(text: str, columns: float) -> int:
    """About how many lines `text` takes in a cell so many characters wide."""
    return sum(max(1, math.ceil(width(line) / (columns - 1))) for line in text.split("\n"))


class Paper:
    """A workbook in the making, and the facts that go into it."""

    def __init__(self, book: Workbook, facts: Facts, rows: int) -> None:
        self.book = book
        self.facts = facts
        self.lang = facts.lang
        self.room = rows - HEAD
        base = {
            "font_name": pick(self.lang, "游ゴシック", "Calibri"),
            "font_size": 10,
            "valign": "top",
        }

        def style(**more: Any) -> Format:
            return book.add_format({**base, **more})

        # Text that keeps being text, also when someone edits the cell.
        text = {"num_format": "@", "quote_prefix": True, "border": 1, "border_color": "#BFBFBF"}
        cell = {"border": 1, "border_color": "#BFBFBF"}
        self.styles: dict[str, Format] = {
            "title": style(bold=True, font_size=14),
            "note": style(font_color="#595959"),
            "warning": style(bold=True, font_color="#C00000"),
            "header": style(
                bold=True, text_wrap=True, bg_color="#1F3864", font_color="#FFFFFF", border=1
            ),
            "label": style(bold=True, bg_color="#EDF1F9", **cell),
            "text": style(**text),
            "wrap": style(text_wrap=True, **text),
            "mark": style(align="center", **text),
            "number": style(num_format="#,##0", **cell),
            "decimal": style(num_format="0.00", **cell),
            "left": style(num_format="#,##0", align="left", **cell),
            "time": style(num_format="yyyy-mm-dd hh:mm:ss", align="left", **cell),
            "date": style(num_format="yyyy-mm-dd", align="left", **cell),
            "entry": style(text_wrap=True, bg_color="#FFF9E5", **cell),
            "entry_date": style(num_format="yyyy-mm-dd", bg_color="#FFF9E5", align="left", **cell),
            "total": style(num_format="#,##0", bold=True, top=2, bottom=1),
        }

    def t(self, ja: str, en: str) -> str:
        """The words of the workbook's language."""
        return pick(self.lang, ja, en)

    def _cut(self, count: int) -> str:
        """What a sheet says that has not room for all the rows of its table."""
        return self.t(
            f"この表は {count:,} 行のうち、はじめの {self.room:,} "
            f"行です（シートに入りきりません）。"
            "残りは結果のファイル（CSV など）にあります。",
            f"These are the first {self.room:,} of {count:,} rows: a sheet holds no more. "
            "The rest is in the result's files.",
        )

    def sheet(self, ja: str, en: str, title: str, note: str, count: int = 0) -> Worksheet:
        """A new sheet with its title and note, set up for paper, for a table of `count` rows."""
        sheet = self.book.add_worksheet(self.t(ja, en))
        # Row by row, a row's height before its cells: so it can be written with little memory.
        sheet.set_row(0, 22)
        sheet.write_string(0, 0, title, self.styles["title"])
        sheet.set_row(1, 16)
        if count > self.room:
            sheet.write_string(1, 0, self._cut(count), self.styles["warning"])
        else:
            sheet.write_string(1, 0, note, self.styles["note"])
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        sheet.set_header("&L" + title.replace("&", "&&") + "&R&D")
        sheet.set_footer(f"&L{self.t('取扱注意', 'Confidential')}&C&A&R&P / &N")
        sheet.hide_gridlines(2)
        return sheet

    def table(
        self,
        sheet: Worksheet,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Any]],
        count: int,
    ) -> int:
        """A table with filter and frozen header; returns how many rows found room."""
        sheet.set_row(HEAD - 1, 30)
        for at, column in enumerate(columns):
            sheet.set_column(at, at, column.width)
            sheet.write_string(HEAD - 1, at, column.title, self.styles["header"])
        shown = min(count, self.room)
        for at, row in zip(range(shown), rows, strict=False):
            lines = max(
                (
                    lines_of(str(value), column.width)
                    for column, value in zip(columns, row, strict=True)
                    if column.kind == "wrap" and value is not None
                ),
                default=1,
            )
            if lines > 1:
                # Excel would find the height itself; other programs cut the text.
                sheet.set_row(HEAD + at, min(409, LINE * lines + 2))
            for place, (column, value) in enumerate(zip(columns, row, strict=True)):
                self.put(sheet, HEAD + at, place, value, column.kind)
        sheet.autofilter(HEAD - 1, 0, HEAD - 1 + max(shown, 1), len(columns) - 1)
        sheet.freeze_panes(HEAD, 0)
        sheet.repeat_rows(HEAD - 1)
        return shown

    def put(self, sheet: Worksheet, row: int, column: int, value: Any, kind: str) -> None:
        """Write a value into a cell: what it is decides how."""
        style = self.styles[kind]
        if value is None:
            sheet.write_blank(row, column, None, style)
        elif isinstance(value, dt.datetime):
            sheet.write_datetime(row, column, value, style)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            sheet.write_number(row, column, value, style)
        else:
            text = self.styles[kind if kind in ("wrap", "mark") else "text"]
            sheet.write_string(row, column, cell_text(str(value)), text)
