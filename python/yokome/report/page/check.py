"""What to check, and whom to look at first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from yokome.lang import Lang, pick
from yokome.leaks import headline, what_to_do
from yokome.report.markup import Html, join, raw, tag, text
from yokome.report.page.parts import CUT, base_name, mark, more, table
from yokome.report.texts import order_words, others_words, rank_note
from yokome.words import duration_words, field_name, value_words

if TYPE_CHECKING:
    from yokome.report.facts import Facts, Finding

__all__ = ["findings", "first", "leaks", "users"]

_LISTED: Final = 300
"""Findings in the table, if nothing else is wished."""
_FIRST: Final = 10
"""Findings with their evidence."""
_EVIDENCE: Final = 8
_USERS: Final = 30
_LEAKS: Final = 100
_SHORT: Final = 20
_LONG: Final = 80
"""Characters of a value that stays in one line."""


def leaks(f: Facts) -> Html:
    """Where the log itself holds Individual Numbers: a finding of its own."""
    header = [
        *(("入力", "Source", ""), ("列", "Column", ""), ("項目", "Used as", "")),
        *(("記載のしかた", "How", ""), ("件数", "Cells", "n"), ("調べた記録", "Looked at", "")),
        *(("最初の行", "First line", "n"), ("伏せ字", "Masked", "")),
    ]
    shown = f.leaks[:_LEAKS]
    rows = [
        tag(
            "tr",
            tag("td", leak.source),
            tag("td", leak.column_words(f.lang)),
            tag("td", leak.field_words(f.lang)),
            tag("td", leak.kind_words(f.lang)),
            tag("td", f"{leak.values:,}", class_="n"),
            tag("td", leak.looked_at_words(f.lang)),
            tag("td", "" if leak.line is None else f"{leak.line:,}", class_="n"),
            tag("td", leak.masked_words(f.lang)),
        )
        for leak in shown
    ]
    return tag(
        "div",
        tag("p", headline(f.leaks, f.lang), class_="rank"),
        tag("p", what_to_do(f.leaks, f.lang)),
        tag("div", table(header, rows, f.lang), class_="scroll"),
        *more(len(f.leaks), len(shown), f.lang),
        class_="card",
    )


def first(f: Facts) -> Html:
    """The first findings, each with its explanation and its records."""
    note = rank_note(f)
    cards = [_card(finding, f) for finding in f.findings[:_FIRST]]
    return join([tag("p", note, class_="faint") if note else raw(""), *cards])


def _card(finding: Finding, f: Facts) -> Html:
    e = finding.explanation
    parts = [
        tag("h3", f"{finding.number}. {mark(finding)}{finding.title}"),
        tag("p", e.what),
        tag("p", e.against),
    ]
    if e.rank:
        parts.append(tag("p", e.rank, class_="rank"))
    others = others_words(f.others_of(finding), f.lang)
    if others:
        parts.append(tag("p", others))
    parts.append(_evidence(finding, f.lang))
    return tag("div", *parts, class_="card")


def _evidence(finding: Finding, lang: Lang) -> Html:
    """The first flagged rows, with the columns that say anything."""
    shown = finding.evidence[:_EVIDENCE]
    wanted = ("terminal", "system", "operation", "result", "subject")
    fields = [c for c in wanted if any(r.get(c) is not None for r in shown)]
    # Of the other kinds it is 1, or the days that the explanation names.
    says = finding.kind in ("count", "distinct", "hours", "spike", "gap")
    header = [
        ("日時", "Time", ""),
        *((field_name(c, "ja"), field_name(c, "en").capitalize(), "") for c in fields),
        *([("観測値", "Observed", "n")] if says else []),
        ("入力：行", "Source: line", ""),
        ("元の記録", "The record as it stood", ""),
    ]
    rows = [
        tag(
            "tr",
            tag("td", f"{r['time']:%Y-%m-%d %H:%M:%S}", class_="t"),
            *(_cell("" if r.get(c) is None else value_words(c, r[c], lang)) for c in fields),
            *([tag("td", _observed(finding, r["observed"], lang), class_="n")] if says else []),
            _cell(f"{base_name(r['source'])}: {r['line']}"),
            tag("td", text(r["raw"] or "", limit=CUT), class_="raw"),
        )
        for r in shown
    ]
    parts = [tag("div", table(header, rows, lang), class_="scroll")]
    more = finding.records - len(shown)
    if more:
        parts.append(
            tag(
                "p",
                pick(lang, f"ほか {more:,} 件の該当行があります。", f"{more:,} more flagged rows."),
                class_="faint",
            )
        )
    return join(parts)


def _cell(value: str) -> Html:
    """A short value stays in one line; a very long one is cut."""
    return tag("td", text(value, limit=_LONG), class_="t" if len(value) <= _SHORT else "k")


def _observed(finding: Finding, value: int | None, lang: Lang) -> str:
    """What was observed, with its unit."""
    if value is None:
        return ""
    if finding.kind in ("hours", "gap"):
        return duration_words(value * 60 if finding.kind == "hours" else value, lang)
    return f"{value:,}"


def findings(f: Facts) -> Html:
    """The table of findings, with its filters."""
    listed = f.findings if f.top is not None else f.findings[:_LISTED]
    header = [
        ("No.", "No.", "n"),
        ("着眼点", "Viewpoint", ""),
        ("規則", "Rule", ""),
        ("対象", "Who", ""),
        ("所属", "Department", ""),
        ("日時", "Time", ""),
        ("件数", "Records", "n"),
        ("観測値", "Observed", ""),
        ("基準", "Threshold", ""),
        ("説明", "Explanation", ""),
    ]
    rows = [
        tag(
            "tr",
            tag("td", x.number, class_="n", data_sort=x.number),
            tag("td", mark(x)),
            tag("td", x.title),
            tag("td", join(filter(None, (x.key or "－", x.name)), tag("br")), class_="k"),
            tag("td", x.department or "", class_="k"),
            tag("td", f"{x.first:%Y-%m-%d %H:%M:%S}", class_="t"),
            tag("td", f"{x.records:,}", class_="n", data_sort=x.records),
            tag("td", x.observed),
            tag("td", x.threshold),
            tag("td", x.explanation.without_viewpoint),
            data_rule=x.title,
            data_department=x.department or "",
        )
        for x in listed
    ]
    parts = [tag("p", order_words(f))]
    if len(listed) < len(f.findings):
        parts.append(
            tag(
                "p",
                pick(
                    f.lang,
                    f"この表は全 {len(f.findings):,} 件のうち、はじめの {len(listed):,} 件です。"
                    "残りは結果のファイル（findings）にあります。",
                    f"The table has the first {len(listed):,} of {len(f.findings):,} findings; the "
                    "rest is in the result's files (findings).",
                ),
                class_="rank",
            )
        )
    listing = table(header, rows, f.lang, id="findings", sortable=True)
    return join([*parts, _controls(listed, f.lang), tag("div", listing, class_="scroll")])


def _controls(findings: Sequence[Finding], lang: Lang) -> Html:
    """The filters of the table."""

    def choice(name: str, label: str, values: Iterable[str]) -> Html:
        every = tag("option", pick(lang, f"すべての{label}", f"every {label}"), value="")
        options = [tag("option", value, value=value) for value in sorted(set(values))]
        return tag("select", every, *options, data_filter=name, aria_label=label)

    return tag(
        "div",
        tag(
            "input",
            id="search",
            type="search",
            placeholder=pick(lang, "語で絞り込む", "filter by words"),
            aria_label=pick(lang, "語で絞り込む", "filter by words"),
        ),
        choice("rule", pick(lang, "規則", "rule"), (x.title for x in findings)),
        choice(
            "department",
            pick(lang, "所属", "department"),
            (x.department or "" for x in findings if x.department),
        ),
        tag("span", tag("span", "", id="shown"), pick(lang, " 件", " findings"), class_="faint"),
        class_="controls",
    )


def users(f: Facts) -> Html:
    """Users, those to look at first first."""
    shown = f.users if f.top is not None else f.users[:_USERS]
    header = [
        *(("No.", "No.", "n"), ("職員番号", "User", ""), ("職員名", "Name", "")),
        *(("所属", "Department", ""), ("所見", "Findings", "n"), ("該当行", "Flagged rows", "n")),
        *(("最も目立つ点", "Stands out in", ""), ("内訳（所見の数）", "By rule (findings)", "")),
    ]
    colon, comma = pick(f.lang, "：", ": "), pick(f.lang, "、", ", ")
    rows = [
        tag(
            "tr",
            tag("td", u.number, class_="n"),
            *(tag("td", x, class_="k") for x in (u.user or "－", u.name or "", u.department or "")),
            tag("td", f"{u.findings:,}", class_="n"),
            tag("td", f"{u.flagged:,}", class_="n"),
            tag("td", u.place),
            tag("td", comma.join(f"{name}{colon}{n:,}" for name, n, _ in u.rules)),
        )
        for u in shown
    ]
    note = pick(f.lang, "目立つ人から順に並べています。", "Those who stand out most come first.")
    if len(shown) < f.all_users:
        note += pick(
            f.lang,
            f"全 {f.all_users:,} 人のうち、はじめの {len(shown):,} 人です。",
            f" These are the first {len(shown):,} of {f.all_users:,}.",
        )
    return join([tag("p", note), table(header, rows, f.lang)])
