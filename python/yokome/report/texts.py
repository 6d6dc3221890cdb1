"""What both reports say in the same words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yokome.lang import Lang, pick
from yokome.words import (
    calendar_words,
    class_name,
    field_name,
    list_words,
    rule_words,
    scope_words,
    title,
    value_words,
)

if TYPE_CHECKING:
    from yokome.report.facts import Facts

__all__ = [
    "WEEKDAYS",
    "caveats",
    "columns_words",
    "headline",
    "order_words",
    "others_words",
    "policy_name",
    "policy_rows",
    "rank_note",
    "reason_words",
    "scope_of",
    "where_to_begin",
]

WEEKDAYS: tuple[tuple[str, str], ...] = (
    ("月", "Mon"),
    ("火", "Tue"),
    ("水", "Wed"),
    ("木", "Thu"),
    ("金", "Fri"),
    ("土", "Sat"),
    ("日", "Sun"),
)
"""Monday first: (Japanese, English)."""

_OTHERS = 10

_REASONS: dict[str, tuple[str, str]] = {
    "time": ("日時を読めない", "its time cannot be read"),
    "columns": ("列の数が見出しと違う", "not as many columns as the header"),
    "quote": ("引用符が閉じていない", "a quote is not closed"),
    "too_long": ("一行が長すぎる", "the line is too long"),
    "cut": ("途中で切れている", "cut off"),
}


def reason_words(reason: str, lang: Lang) -> str:
    """Why a record was rejected: 「日時を読めない（time）」."""
    if reason not in _REASONS:
        return reason
    return pick(lang, "{}（{}）", "{} ({})").format(pick(lang, *_REASONS[reason]), reason)


def columns_words(mapping: str | None, lang: Lang) -> str:
    """Which column was read as what, from the JSON of ``inputs``: 「日時＝操作日時、…」."""
    if mapping is None:
        return ""
    pairs = json.loads(mapping).items()
    return pick(lang, "、", ", ").join(
        f"{field_name(field, lang)}{pick(lang, '＝', ' = ')}{column}" for field, column in pairs
    )


def headline(facts: Facts) -> str:
    """The result in a sentence or two."""
    o, lang = facts.overview, facts.lang
    if o.accepted == 0:
        return pick(
            lang,
            "調べられる記録がなかったため、所見はありません。",
            "There was no record to examine, and so there is no finding.",
        )
    if o.findings == 0:
        return pick(
            lang,
            f"{o.accepted:,} 件の記録を調べました。確認を要する所見はありません。",
            f"{o.accepted:,} records were examined. There is no finding to check.",
        )
    whose = f"職員 {o.users:,} 人について " if o.users else ""
    return pick(
        lang,
        f"{o.accepted:,} 件の記録を調べ、{whose}{o.findings:,} 件の所見がありました。"
        "所見は「確認すべき問い」であり、不正の証拠ではありません。",
        f"{o.accepted:,} records were examined; there are {o.findings:,} findings about "
        f"{o.users:,} "
        "users. A finding is a question to ask, not proof of wrongdoing.",
    )


def scope_of(facts: Facts) -> str:
    """Which records could be flagged: the period and the conditions that were asked for."""
    return scope_words(facts.policy["scope"], facts.lang)


def where_to_begin(facts: Facts) -> str:
    """What to do with little time; empty if there is nothing to do."""
    if not facts.findings:
        return ""
    lang = facts.lang
    return pick(
        lang,
        "時間が限られるときは、「まず確認するもの」を上から順に、続いて「職員別」の上位の人を"
        "確かめてください。めったにないことほど上にあります。",
        "With little time, check the first things to check from the top, then the first users: "
        "what is rarest comes first.",
    )


def rank_note(facts: Facts) -> str:
    """How the figures of rarity read."""
    return pick(
        facts.lang,
        "「延べ 2,000 人日のうち 3 人日」は、一人の一日を 1 と数えて、その規則で調べた 2,000 日分の"
        "うち、同じかそれ以上に目立つ日が 3 日分だけということです。少ないほど、めったにない"
        "ことです。",
        "“3 of 2,000 user-days” counts each day of each user as one: of the 2,000 that the rule "
        "judged, only 3 were as remarkable or more. The fewer, the rarer.",
    )


def others_words(numbers: Sequence[int], lang: Lang) -> str:
    """The other findings of the same user; empty if there are none."""
    if not numbers:
        return ""
    shown = pick(lang, "、", ", ").join(str(number) for number in numbers[:_OTHERS])
    more = len(numbers) - _OTHERS
    if more > 0:
        shown += pick(lang, f"ほか {more:,} 件", f" and {more:,} more")
    return pick(lang, f"この職員のほかの所見：No. {shown}", f"Other findings of this user: {shown}")


def order_words(facts: Facts) -> str:
    """In what order the findings stand, and how many of them."""
    lang, shown, all_ = facts.lang, len(facts.findings), facts.overview.findings
    order = pick(lang, "まれなものから順に並べています。", "The rarest come first.")
    if shown == all_:
        return order
    return order + pick(
        lang,
        f"全 {all_:,} 件のうち、はじめの {shown:,} 件を載せています。",
        f" Listed are the first {shown:,} of {all_:,}.",
    )


def caveats(facts: Facts) -> list[str]:
    """What this result cannot say, each in a sentence."""
    o, lang = facts.overview, facts.lang
    names = {r.id: r.title for v in facts.viewpoints for r in v.rules}
    lines = [
        pick(
            lang,
            f"規則「{names[rule]}」：{number:,} 件の記録を評価できませんでした（{why}）。",
            f"Rule “{names[rule]}”: {number:,} records could not be evaluated ({why}).",
        )
        for rule, number, why in facts.not_evaluable
    ]
    lines += [
        pick(
            lang,
            f"規則「{r.title_ja or r.rule}」：{r.unattributed:,} 件の記録は、"
            f"誰の記録か分からないため"
            "評価していません。",
            f"Rule “{r.title_en or r.rule}”: {r.unattributed:,} records were not evaluated, as "
            f"they "
            "do not say whose they are.",
        )
        for r in o.rules
        if r.unattributed
    ]
    figures = (
        (o.rejected, "件の記録は読み取れず、調べていません。", "records could not be read."),
        (o.unreadable, "個の入力は読めず、調べていません。", "sources could not be read."),
        (
            o.replaced,
            "か所に、読み取れない文字がありました（結果では「\ufffd」で示しています）。",
            "places hold characters that could not be decoded (shown as \ufffd).",
        ),
    )
    lines += [pick(lang, f"{n:,} {ja}", f"{n:,} {en}") for n, ja, en in figures if n]
    lines += facts.notes
    return lines or [
        pick(
            lang,
            "すべての記録を、すべての規則で評価しました。",
            "Every record was evaluated by every rule.",
        )
    ]


def policy_name(facts: Facts) -> str:
    """The policy's name, the default one's in the report's language."""
    if facts.policy_name == "default policy":
        return pick(facts.lang, "既定のポリシー", "the default policy")
    return facts.policy_name


def policy_rows(facts: Facts) -> list[tuple[str, str, str]]:
    """The policy as (section, item, words)."""
    policy, lang = facts.policy, facts.lang
    classes, results = policy["operations"], policy["results"]

    def section(ja: str, en: str, rows: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
        name = pick(lang, ja, en)
        return [(name, item, words) for item, words in rows]

    rules = [
        (
            _mark(rule.get("viewpoint")) + title(rule, lang),
            f"{rule_words(rule, lang)}{pick(lang, '（', ' (')}{rule['id']}{pick(lang, '）', ')')}",
        )
        for rule in policy["rules"]
    ]
    return [
        *section("ポリシー", "Policy", [(pick(lang, "名称", "Name"), policy_name(facts))]),
        *section(
            "対象範囲",
            "Scope",
            [(pick(lang, "対象", "Records"), scope_of(facts))],
        ),
        *section("規則", "Rules", rules),
        *section("執務日と執務時間", "Calendar", calendar_words(policy["calendar"], lang)),
        *section(
            "操作の分類",
            "Classes of operations",
            [(class_name(name, lang), _listed(globs, lang)) for name, globs in classes.items()],
        ),
        *section(
            "処理結果の語",
            "Words of results",
            [
                (value_words("result", name, lang), _listed(words, lang))
                for name, words in results.items()
            ],
        ),
        *section("リスト", "Lists", list_words(policy.get("lists", {}), lang)),
        *section("列がないときの仮定", "Assumed", _assumed(policy.get("assume", {}), lang)),
    ]


def _mark(viewpoint: int | None) -> str:
    return "" if viewpoint is None else chr(0x2460 + viewpoint - 1) + " "


def _listed(words: Sequence[str], lang: Lang) -> str:
    return pick(lang, "、", ", ").join(words)


def _assumed(table: Mapping[str, Any], lang: Lang) -> list[tuple[str, str]]:
    return [
        (
            field_name(field, lang),
            pick(lang, "あり", "yes")
            if value is True
            else pick(lang, "なし", "no")
            if value is False
            else str(value),
        )
        for field, value in table.items()
    ]
