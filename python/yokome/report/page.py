"""``report.html``: one file to read on screen or paper, that asks nothing of any network.

In: :class:`~yokome.report.facts.Facts`. Out: the text of the page. Style, script and charts are in
it; its content security policy allows this one script, by its hash, and no request at all. Every
text goes through :mod:`~yokome.report.markup`. The same facts give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from yokome.lang import Lang, pick
from yokome.report.charts import days_chart, departments_chart
from yokome.report.markup import Html, join, raw, tag, text
from yokome.report.texts import WEEKDAYS, caveats, headline, order_words, policy_name, policy_rows
from yokome.words import field_name

if TYPE_CHECKING:
    from yokome.report.facts import Facts, Finding

__all__ = ["page"]

_LISTED: Final = 300
"""Findings in the table, if nothing else is wished."""
_FIRST: Final = 10
"""Findings with their evidence."""
_EVIDENCE: Final = 8
_USERS: Final = 30
_DEPARTMENTS: Final = 25
_REJECTS: Final = 50
_INPUTS: Final = 200
_CUT: Final = 300
"""Characters of a record, at most."""


def page(facts: Facts) -> str:
    """The page."""
    lang = facts.lang
    style, script = _asset("page.css"), _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    allowed = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src "
        f"'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    title = pick(lang, "アクセスログ分析 報告書", "Access log analysis: report")
    sections = [s for s in _sections(facts) if s is not None]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=allowed),
        tag("meta", name="viewport", content="width=device-width"),
        tag("meta", name="robots", content="noindex"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", raw(style)),
    )
    links = [tag("a", name, href=f"#{anchor}") for anchor, name, _ in sections]
    body = tag(
        "body",
        tag(
            "header",
            tag("h1", title),
            tag("p", pick(lang, "対象期間　", "Period  "), facts.period),
            tag("nav", *links),
        ),
        tag(
            "main",
            *(
                tag("section", tag("h2", name), content, id=anchor)
                for anchor, name, content in sections
            ),
        ),
        tag("footer", _footer(facts)),
        tag("script", raw(script)),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang=lang)}\n"


def _asset(name: str) -> str:
    return (importlib.resources.files("yokome.report") / name).read_text(encoding="utf-8")


def _sections(f: Facts) -> Iterable[tuple[str, str, Html] | None]:
    """Anchor, heading and content of each section that has something to say."""

    def t(ja: str, en: str) -> str:
        return pick(f.lang, ja, en)

    yield "summary", t("概要", "In short"), _summary(f)
    yield "viewpoints", t("五つの着眼点", "The five viewpoints"), _viewpoints(f)
    if f.findings:
        yield "first", t("まず確認するもの", "First things to check"), _first(f)
        yield "all", t("所見の一覧", "All findings"), _findings(f)
        yield "users", t("職員別", "By user"), _users(f)
    if f.by_day:
        yield "hours", t("曜日と時間帯", "Weekday and hour"), _hours(f)
        yield "days", t("日ごとの推移", "Day by day"), _days(f)
    if f.departments:
        yield "departments", t("所属の比較", "Departments compared"), _departments(f)
    yield "inputs", t("取込状況", "Inputs"), _inputs(f)
    yield (
        "limits",
        t("評価できなかったもの・注記", "What could not be evaluated; notes"),
        tag("ul", *(tag("li", line) for line in caveats(f))),
    )
    yield "policy", t("ポリシー（設定）", "Policy"), _policy(f)


# --- sections -------------------------------------------------------------------------------------


def _summary(f: Facts) -> Html:
    o = f.overview
    figures = [
        (o.findings, "所見（確認すべき問い）", "findings to check"),
        (o.users, "該当のあった利用者", "users with findings"),
        (o.flagged, "該当行（記録 × 規則）", "flagged rows (record × rule)"),
        (o.accepted, "読み取れた記録", "records accepted"),
        (o.rejected, "読み取れなかった記録", "records rejected"),
        (o.sources, "入力", "sources"),
    ]
    return join(
        [
            tag("p", headline(f)),
            tag(
                "div",
                *(
                    tag(
                        "div",
                        tag("b", f"{n:,}"),
                        tag("span", pick(f.lang, ja, en)),
                        class_="figure",
                    )
                    for n, ja, en in figures
                ),
                class_="figures",
            ),
        ]
    )


def _viewpoints(f: Facts) -> Html:
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
        "利用者は規則の間で重なるため、合計は各行の和になりません。",
        "Users overlap between rules: their total is not the sum of the rows.",
    )
    header = [
        *(("着眼点", "Viewpoint", ""), ("規則", "Rule", ""), ("所見", "Findings", "n")),
        *(("該当行", "Flagged rows", "n"), ("利用者", "Users", "n")),
        ("評価できなかった記録", "Not evaluable", "n"),
    ]
    return join([_table(header, rows, f.lang), tag("p", note, class_="faint")])


def _first(f: Facts) -> Html:
    return join(_card(finding, f.lang) for finding in f.findings[:_FIRST])


def _card(finding: Finding, lang: Lang) -> Html:
    e = finding.explanation
    parts = [
        tag("h3", f"{finding.number}. {_mark(finding)}{finding.title}"),
        tag("p", e.what),
        tag("p", e.against),
    ]
    if e.rank:
        parts.append(tag("p", e.rank, class_="rank"))
    parts.append(_evidence(finding, lang))
    return tag("div", *parts, class_="card")


def _evidence(finding: Finding, lang: Lang) -> Html:
    """The first flagged rows, with the columns that say anything."""
    shown = finding.evidence[:_EVIDENCE]
    wanted = ("terminal", "system", "operation", "result", "subject")
    fields = [c for c in wanted if any(r.get(c) is not None for r in shown)]
    header = [
        ("日時", "Time", ""),
        *((field_name(c, "ja"), field_name(c, "en").capitalize(), "") for c in fields),
        ("観測値", "Observed", "n"),
        ("入力：行", "Source: line", ""),
        ("元の記録", "The record as it stood", ""),
    ]
    rows = [
        tag(
            "tr",
            tag("td", f"{r['time']:%Y-%m-%d %H:%M:%S}", class_="t"),
            *(tag("td", _value(r.get(c), lang), class_="k") for c in fields),
            tag("td", "" if r["observed"] is None else f"{r['observed']:,}", class_="n"),
            tag("td", f"{_base(r['source'])}: {r['line']}", class_="k"),
            tag("td", text(r["raw"] or "", limit=_CUT), class_="raw"),
        )
        for r in shown
    ]
    parts = [tag("div", _table(header, rows, lang), class_="scroll")]
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


def _findings(f: Facts) -> Html:
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
            tag("td", _mark(x)),
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
    table = _table(header, rows, f.lang, id="findings", sortable=True)
    return join([*parts, _controls(listed, f.lang), tag("div", table, class_="scroll")])


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


def _users(f: Facts) -> Html:
    shown = f.users if f.top is not None else f.users[:_USERS]
    header = [
        *(("No.", "No.", "n"), ("職員番号", "User", ""), ("職員名", "Name", "")),
        *(("所属", "Department", ""), ("所見", "Findings", "n"), ("該当行", "Flagged rows", "n")),
    ]
    if f.ranked:
        header.append(("最も目立つ点", "Stands out in", ""))
    header.append(("内訳（所見の数）", "By rule (findings)", ""))
    colon, comma = pick(f.lang, "：", ": "), pick(f.lang, "、", ", ")
    rows = [
        tag(
            "tr",
            tag("td", u.number, class_="n"),
            *(tag("td", x, class_="k") for x in (u.user or "－", u.name or "", u.department or "")),
            tag("td", f"{u.findings:,}", class_="n"),
            tag("td", f"{u.flagged:,}", class_="n"),
            tag("td", u.place) if f.ranked else raw(""),
            tag("td", comma.join(f"{name}{colon}{n:,}" for name, n, _ in u.rules)),
        )
        for u in shown
    ]
    note = (
        pick(f.lang, "目立つ人から順に並べています。", "Those who stand out most come first.")
        if f.ranked
        else pick(f.lang, "所見の多い順に並べています。", "Those with most findings come first.")
    )
    if len(shown) < f.all_users:
        note += pick(
            f.lang,
            f"全 {f.all_users:,} 人のうち、はじめの {len(shown):,} 人です。",
            f" These are the first {len(shown):,} of {f.all_users:,}.",
        )
    return join([tag("p", note), _table(header, rows, f.lang)])


def _hours(f: Facts) -> Html:
    return join(
        [
            tag("h3", pick(f.lang, "記録", "Records")),
            _heat(f.records_by_hour, (47, 109, 181), f.lang),
            tag("h3", pick(f.lang, "該当行", "Flagged rows")),
            _heat(f.flagged_by_hour, (192, 57, 43), f.lang),
        ]
    )


def _heat(table: Sequence[Sequence[int]], color: tuple[int, int, int], lang: Lang) -> Html:
    """Weekday × hour; the darker, the more. The numbers are there for print and for eyes."""
    most = max(max(day) for day in table) or 1
    header = [("", "", ""), *((str(h), str(h), "n") for h in range(24))]
    rows = []
    for day, counts in enumerate(table):
        cells = []
        for n in counts:
            share = n / most
            tint = [round(255 - (255 - c) * share) for c in color]
            ink = "#fff" if share > 0.6 else "#1b1f24"
            style = f"background:rgb({tint[0]},{tint[1]},{tint[2]});color:{ink}" if n else None
            cells.append(tag("td", f"{n:,}" if n else "", style=style))
        rows.append(tag("tr", tag("th", pick(lang, *WEEKDAYS[day])), *cells))
    return tag("div", _table(header, rows, lang, class_="heat"), class_="scroll")


def _days(f: Facts) -> Html:
    alt = pick(f.lang, "日ごとの記録と該当行の棒グラフ", "Bars of records and flagged rows by day")
    return tag("img", src=days_chart(f.by_day, f.lang), alt=alt, class_="chart")


def _departments(f: Facts) -> Html:
    shown = f.departments[:_DEPARTMENTS]
    alt = pick(f.lang, "所属ごとの該当の割合の棒グラフ", "Bars of the flagged share by department")
    header = [
        *(("所属", "Department", ""), ("記録", "Records", "n"), ("該当行", "Flagged rows", "n")),
        ("記録 1,000 件あたり", "Per 1,000 records", "n"),
        *(("所見", "Findings", "n"), ("利用者", "Users", "n")),
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
        for d in f.departments
    ]
    note = pick(
        f.lang,
        "割合の高い所属に問題があるとは限りません。仕事の内容や時間の違いにもよります。",
        "A high share need not mean a problem: work and hours differ between departments.",
    )
    chart = tag("img", src=departments_chart(shown, f.lang), alt=alt, class_="chart")
    return join([tag("p", note), chart, _table(header, rows, f.lang)])


def _inputs(f: Facts) -> Html:
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
            tag("td", r["error"] or ""),
        )
        for r in f.inputs[:_INPUTS]
    ]
    parts = [_table(header, rows, f.lang), *_more(len(f.inputs), len(rows), f.lang)]
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
                tag("td", r["reason"]),
                tag("td", text(r["excerpt"] or "", limit=_CUT), class_="raw"),
            )
            for r in f.rejects.slice(0, _REJECTS).to_pylist()
        ]
        parts += [
            tag("h3", pick(f.lang, "読み取れなかった記録", "Rejected records")),
            _table(header, rows, f.lang),
            *_more(f.rejects.num_rows, len(rows), f.lang),
        ]
    return join(parts)


def _policy(f: Facts) -> Html:
    rows = []
    for section, group in groupby(policy_rows(f), key=lambda row: row[0]):
        items = list(group)
        for place, (_, item, words) in enumerate(items):
            first = tag("th", section, rowspan=len(items)) if place == 0 else raw("")
            rows.append(tag("tr", first, tag("td", item), tag("td", words)))
    header = [("区分", "Section", ""), ("項目", "Item", ""), ("内容", "Content", "")]
    return _table(header, rows, f.lang)


# --- parts ----------------------------------------------------------------------------------------


def _table(
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


def _more(all_: int, shown: int, lang: Lang) -> list[Html]:
    if all_ <= shown:
        return []
    words = pick(
        lang,
        f"全 {all_:,} 件のうち、はじめの {shown:,} 件です。",
        f"These are the first {shown:,} of {all_:,}.",
    )
    return [tag("p", words, class_="faint")]


def _mark(finding: Finding) -> str:
    return "" if finding.viewpoint is None else chr(0x2460 + finding.viewpoint - 1) + " "


def _value(value: Any, lang: Lang) -> str:
    if value is None:
        return ""
    words: Mapping[str, str] = {"success": "成功", "failure": "失敗", "other": "その他"}
    return words.get(value, str(value)) if lang == "ja" else str(value)


def _base(source: str) -> str:
    """The file's name, without the folders."""
    return source.replace("\\", "/").rsplit("/", 1)[-1]


def _footer(f: Facts) -> Html:
    versions = ", ".join(f"{name} {version}" for name, version in f.versions.items())
    return join(
        [
            tag(
                "p",
                pick(
                    f.lang,
                    "取扱注意：個人情報を含みます。",
                    "Confidential: holds personal information.",
                ),
            ),
            tag("p", f"{pick(f.lang, 'ポリシー', 'Policy')}: {policy_name(f)} / {versions}"),
        ]
    )
