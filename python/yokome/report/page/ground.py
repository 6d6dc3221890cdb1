"""What the result stands on: the inputs, what could not be read, the policy."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from yokome.lang import pick
from yokome.report.markup import Html, join, raw, tag, text
from yokome.report.page.parts import CUT, more, table
from yokome.report.texts import policy_rows, reason_words

if TYPE_CHECKING:
    from yokome.report.facts import Facts

__all__ = ["inputs", "policy"]

_REJECTS: Final = 50
_INPUTS: Final = 200


def inputs(f: Facts) -> Html:
    """The sources and what could not be read of them."""
    header = [
        *(("入力", "Source", ""), ("行", "Lines", "n"), ("読み取れた記録", "Accepted", "n")),
        *(("読み取れなかった記録", "Rejected", "n"), ("空行", "Blank", "n")),
        *(("文字コード", "Encoding", ""), ("最初", "First", ""), ("最後", "Last", "")),
        ("エラー", "Error", ""),
    ]

    def number(value: int | None) -> Html:
        return tag("td", "" if value is None else f"{value:,}", class_="n")

    rows = [
        tag(
            "tr",
            tag("td", r["source"]),
            *(number(r[c]) for c in ("lines", "records", "rejected", "blank")),
            tag("td", r["encoding"] or ""),
            *(tag("td", f"{r[c]:%Y-%m-%d %H:%M:%S}" if r[c] else "") for c in ("first", "last")),
            tag("td", r[pick(f.lang, "error_ja", "error")] or ""),
        )
        for r in f.inputs[:_INPUTS]
    ]
    parts = [table(header, rows, f.lang), *more(len(f.inputs), len(rows), f.lang)]
    if f.rejects.num_rows:
        header = [
            *(("入力", "Source", ""), ("行", "Line", "n"), ("理由", "Reason", "")),
            ("記録の一部", "Excerpt", ""),
        ]
        rows = [
            tag(
                "tr",
                tag("td", r["source"]),
                number(r["line"]),
                tag("td", reason_words(r["reason"], f.lang)),
                tag("td", text(r["excerpt"] or "", limit=CUT), class_="raw"),
            )
            for r in f.rejects.slice(0, _REJECTS).to_pylist()
        ]
        parts += [
            tag("h3", pick(f.lang, "読み取れなかった記録", "Rejected records")),
            table(header, rows, f.lang),
            *more(f.rejects.num_rows, len(rows), f.lang),
        ]
    return join(parts)


def policy(f: Facts) -> Html:
    """The policy in words."""
    rows = []
    for section, group in groupby(policy_rows(f), key=lambda row: row[0]):
        items = list(group)
        for place, (_, item, words) in enumerate(items):
            first = tag("th", section, rowspan=len(items)) if place == 0 else raw("")
            rows.append(tag("tr", first, tag("td", item), tag("td", words)))
    header = [("区分", "Section", ""), ("項目", "Item", ""), ("内容", "Content", "")]
    return table(header, rows, f.lang)
