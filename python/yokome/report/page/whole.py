"""The whole of the log: viewpoints and rules, weekdays and hours, days, departments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from yokome.lang import Lang, pick
from yokome.report.charts import days_chart, departments_chart
from yokome.report.markup import Html, join, raw, tag
from yokome.report.page.parts import more, table
from yokome.report.texts import WEEKDAYS

if TYPE_CHECKING:
    from yokome.report.facts import Facts

__all__ = ["days", "departments", "hours", "viewpoints"]

_DEPARTMENTS: Final = 25
_LISTED: Final = 200


def viewpoints(f: Facts) -> Html:
    """The rules by viewpoint, and what came of them."""
    rows = []
    for viewpoint in f.viewpoints:
        for rule in viewpoint.rules:
            counted: tuple[object, ...] = (
                (f"{rule.findings:,}", f"{rule.flagged:,}", f"{rule.users:,}")
                if rule.judged
                else ("－", "－", "－")
            )
            first = rule is viewpoint.rules[0]
            rows.append(
                tag(
                    "tr",
                    tag("th", f"{viewpoint.mark} {viewpoint.words}", rowspan=len(viewpoint.rules))
                    if first
                    else raw(""),
                    tag("td", rule.title),
                    *(tag("td", n, class_="n") for n in counted),
                    tag("td", f"{rule.not_evaluable:,}" if rule.not_evaluable else "", class_="n"),
                )
            )
    rows.append(
        tag(
            "tr",
            tag("th", pick(f.lang, "合計", "Total"), colspan=2),
            tag("th", f"{f.overview.findings:,}", class_="n"),
            tag("th", f"{f.overview.flagged:,}", class_="n"),
            tag("th", f"{f.overview.users:,}", class_="n"),
            tag("th", ""),
        )
    )
    note = pick(
        f.lang,
        "職員は規則の間で重なるため、合計は各行の和になりません。",
        "Users overlap between rules: their total is not the sum of the rows.",
    )
    if not all(rule.judged for viewpoint in f.viewpoints for rule in viewpoint.rules):
        note += pick(
            f.lang,
            "「－」は評価できなかった規則で、問題がなかったという意味ではありません。",
            " “－”: the rule could not be evaluated, which does not mean that nothing was wrong.",
        )
    header = [
        *(("着眼点", "Viewpoint", ""), ("規則", "Rule", ""), ("所見", "Findings", "n")),
        *(("該当行", "Flagged rows", "n"), ("職員", "Users", "n")),
        ("評価できなかった記録", "Not evaluable", "n"),
    ]
    return join([table(header, rows, f.lang), tag("p", note, class_="faint")])


def hours(f: Facts) -> Html:
    """Records and flagged rows by weekday and hour."""
    return join(
        [
            tag("h3", pick(f.lang, "記録", "Records")),
            _heat(f.records_by_hour, (47, 109, 181), f.lang),
            tag("h3", pick(f.lang, "該当行", "Flagged rows")),
            _heat(f.flagged_by_hour, (192, 57, 43), f.lang),
        ]
    )


def _heat(counted: Sequence[Sequence[int]], color: tuple[int, int, int], lang: Lang) -> Html:
    """Weekday × hour; the darker, the more. The numbers are there for print and for eyes."""
    most = max(max(day) for day in counted) or 1
    header = [("", "", ""), *((str(h), str(h), "n") for h in range(24))]
    rows = []
    for day, counts in enumerate(counted):
        cells = []
        for n in counts:
            share = n / most
            tint = [round(255 - (255 - c) * share) for c in color]
            ink = "#fff" if share > 0.6 else "#1b1f24"
            style = f"background:rgb({tint[0]},{tint[1]},{tint[2]});color:{ink}" if n else None
            cells.append(tag("td", f"{n:,}" if n else "", style=style))
        rows.append(tag("tr", tag("th", pick(lang, *WEEKDAYS[day])), *cells))
    return tag("div", table(header, rows, lang, class_="heat"), class_="scroll")


def days(f: Facts) -> Html:
    """Records and flagged rows day by day."""
    alt = pick(f.lang, "日ごとの記録と該当行の棒グラフ", "Bars of records and flagged rows by day")
    return tag("img", src=days_chart(f.by_day, f.lang), alt=alt, class_="chart")


def departments(f: Facts) -> Html:
    """Departments by the share of their records that was flagged."""
    shown = f.departments[:_DEPARTMENTS]
    alt = pick(f.lang, "所属ごとの該当の割合の棒グラフ", "Bars of the flagged share by department")
    header = [
        *(("所属", "Department", ""), ("記録", "Records", "n"), ("該当行", "Flagged rows", "n")),
        ("記録 1,000 件あたり", "Per 1,000 records", "n"),
        *(("所見", "Findings", "n"), ("職員", "Users", "n")),
    ]
    rows = [
        tag(
            "tr",
            tag("td", d.name),
            *(
                tag("td", n, class_="n")
                for n in (
                    f"{d.records:,}",
                    f"{d.flagged:,}",
                    f"{1000 * d.flagged / max(1, d.records):,.1f}",
                    f"{d.findings:,}",
                    f"{d.users:,}",
                )
            ),
        )
        for d in f.departments[:_LISTED]
    ]
    note = pick(
        f.lang,
        "割合の高い所属に問題があるとは限りません。仕事の内容や時間の違いにもよります。",
        "A high share need not mean a problem: work and hours differ between departments.",
    )
    chart = tag("img", src=departments_chart(shown, f.lang), alt=alt, class_="chart")
    rest = more(len(f.departments), len(rows), f.lang)
    return join([tag("p", note), chart, table(header, rows, f.lang), *rest])
