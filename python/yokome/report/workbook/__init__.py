"""``report.xlsx``: the working paper for the audit file.

In: `yokome.report.facts.Facts`. Out: the bytes of a workbook, sheet after sheet. The same
facts give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING, Final

from yokome.lang import pick
from yokome.report.workbook import check, ground, whole
from yokome.report.workbook.check import OUTCOMES
from yokome.report.workbook.paper import CELL, Paper, cell_text

if TYPE_CHECKING:
    from yokome.report.facts import Facts

__all__ = ["CELL", "OUTCOMES", "ROWS", "cell_text", "workbook"]

ROWS: Final = 1_048_576
"""Rows that a sheet holds."""

_MANY: Final = 50_000


def workbook(facts: Facts, *, rows: int = ROWS, many: int = _MANY) -> bytes:
    """The workbook.

    Args:
        facts: what it says.
        rows: rows that a sheet may have.
        many: flagged rows from which on memory matters more than the size of the file. Rows then
            wait in temporary files, for the owner only, until the workbook is complete.
    """
    import xlsxwriter

    stream = io.BytesIO()
    lean = facts.flagged.num_rows >= many
    options = {
        "constant_memory": lean,
        "in_memory": not lean,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
        "remove_timezone": True,
    }
    book = xlsxwriter.Workbook(stream, options)
    title = pick(facts.lang, "アクセスログ分析 調書", "Access log analysis: working paper")
    made = facts.overview.last or dt.datetime(2000, 1, 1)
    book.set_properties(
        {"title": title, "author": f"yokome {facts.versions['yokome']}", "created": made}
    )
    paper = Paper(book, facts, rows)
    whole.overview(paper, title)
    if facts.leaks:
        check.leaks(paper)
    check.findings(paper)
    check.records(paper)
    check.users(paper)
    whole.hours(paper)
    ground.inputs(paper)
    ground.policy(paper)
    book.close()
    return stream.getvalue()
