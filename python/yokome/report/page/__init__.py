"""``report.html``: one file to read on screen or paper, that asks nothing of any network.

In: `yokome.report.facts.Facts`. Out: the text of the page. Style, script and charts are in
it; its content security policy allows this one script, by its hash, and no request at all. Every
text goes through `yokome.report.markup`. The same facts give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
from collections.abc import Iterable
from typing import TYPE_CHECKING

from yokome.lang import pick
from yokome.report.markup import Html, join, raw, tag
from yokome.report.page import check, ground, whole
from yokome.report.texts import caveats, headline, policy_name, scope_of, where_to_begin

if TYPE_CHECKING:
    from yokome.report.facts import Facts

__all__ = ["page"]

_LEAKED = "ログに書かれた個人番号"
_REJECTED = "読み取れなかった記録"
# Figures that are to stand out if they are not nothing.
_WARNED = (_LEAKED, _REJECTED)


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
            tag("p", pick(lang, "対象範囲　", "Scope  "), scope_of(facts)),
            tag("p", pick(lang, "ログの期間　", "Period of the log  "), facts.period),
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
    return (importlib.resources.files("yokome.report.page") / name).read_text(encoding="utf-8")


def _sections(f: Facts) -> Iterable[tuple[str, str, Html] | None]:
    """Anchor, heading and content of each section that has something to say."""

    def t(ja: str, en: str) -> str:
        return pick(f.lang, ja, en)

    yield "summary", t("概要", "In short"), _summary(f)
    if f.leaks:
        yield "leaks", t(_LEAKED, "Individual Numbers in the log"), check.leaks(f)
    yield "viewpoints", t("五つの着眼点", "The five viewpoints"), whole.viewpoints(f)
    if f.findings:
        yield "first", t("まず確認するもの", "First things to check"), check.first(f)
        yield "all", t("所見の一覧", "All findings"), check.findings(f)
        yield "users", t("職員別", "By user"), check.users(f)
    if f.by_day:
        yield "hours", t("曜日と時間帯", "Weekday and hour"), whole.hours(f)
        yield "days", t("日ごとの推移", "Day by day"), whole.days(f)
    if f.departments:
        yield "departments", t("所属の比較", "Departments compared"), whole.departments(f)
    yield "inputs", t("取込状況", "Inputs"), ground.inputs(f)
    yield (
        "limits",
        t("評価できなかったもの・注記", "What could not be evaluated; notes"),
        tag("ul", *(tag("li", line) for line in caveats(f))),
    )
    yield "policy", t("ポリシー（設定）", "Policy"), ground.policy(f)


def _summary(f: Facts) -> Html:
    o = f.overview
    figures = [
        (o.findings, "所見（確認すべき問い）", "findings to check"),
        (o.users, "該当のあった職員", "users with findings"),
        (o.flagged, "該当行（記録 × 規則）", "flagged rows (record × rule)"),
        (o.accepted, "読み取れた記録", "records accepted"),
        (o.rejected, _REJECTED, "records rejected"),
        (o.sources, "入力", "sources"),
    ]
    leaked = sum(leak.values for leak in f.leaks)
    if leaked:
        figures.append((leaked, _LEAKED, "Individual Numbers in the log"))
    return join(
        [
            tag("p", headline(f)),
            tag("p", where_to_begin(f)) if f.findings else raw(""),
            tag(
                "div",
                *(
                    tag(
                        "div",
                        tag("b", f"{n:,}"),
                        tag("span", pick(f.lang, ja, en)),
                        class_="figure warning" if n and ja in _WARNED else "figure",
                    )
                    for n, ja, en in figures
                ),
                class_="figures",
            ),
        ]
    )


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
