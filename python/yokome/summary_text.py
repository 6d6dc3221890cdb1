"""The summary a person reads when a scan is done, in Japanese or English.

In: a `yokome.ScanResult`. Out: lines of text for a terminal, aligned by East Asian width,
with anything a log could smuggle in (escape sequences) made visible.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from yokome.lang import Lang, clean, pad, pick, width

if TYPE_CHECKING:
    from pathlib import Path

    from yokome.overview import Overview, RuleOverview
    from yokome.result import ScanResult

__all__ = ["VIEWPOINTS", "is_judged", "location_text", "not_evaluable", "remarks", "summary_text"]

VIEWPOINTS: dict[int, tuple[str, str]] = {
    1: ("不自然な曜日・時間帯の参照", "references at an unnatural weekday or hour"),
    2: ("通常とは異なる端末からの参照", "references from a terminal other than the usual"),
    3: ("権限のない操作による取得の試み", "attempts by an operation one has no right to"),
    4: ("通常は行わない操作による取得", "an operation one does not usually do"),
    5: ("同じ人の情報の繰り返しの参照", "the same person's information again and again"),
}
"""The Commission's five viewpoints, in brief (Japanese, English)."""

_TOP = 5
_MAX_NOTES = 20
_MAX_INPUTS = 5
_MAX_LEAKS = 5


def summary_text(
    result: ScanResult,
    lang: Lang,
    *,
    ambiguous: int = 1,
    top: int = _TOP,
) -> str:
    """The summary, without a trailing newline.

    Args:
        top: how many of the findings to name.
        ambiguous: terminal columns of characters whose width depends on the terminal (①).
    """
    o = result.overview
    lines = [*_head(result, o, lang), *_leaks(result, lang), "", *_rules(o, lang, ambiguous)]
    lines += _first(result, lang, top)
    reasons = _reasons(o, lang)
    if reasons:
        lines += ["", pick(lang, "評価できなかった記録のある規則", "Not evaluable"), *reasons]
    notes = remarks(result, o, lang)
    if notes:
        lines += ["", pick(lang, "注記", "Notes")]
        lines += [f"  - {clean(note)}" for note in notes[:_MAX_NOTES]]
        if len(notes) > _MAX_NOTES:
            more = len(notes) - _MAX_NOTES
            lines.append(pick(lang, f"  - ほか {more:,} 件", f"  - and {more:,} more"))
    if o.findings:
        lines += [
            "",
            pick(
                lang,
                "所見は「確認すべき問い」であり、不正の証拠ではありません。",
                "A finding is a question to ask, not proof of wrongdoing.",
            ),
        ]
    return "\n".join(lines)


def remarks(result: ScanResult, o: Overview, lang: Lang) -> list[str]:
    """The notes of a scan; before them, that its scope holds nothing at all, if so."""
    from yokome.words import document, scope_words

    notes = result.notes_ja if lang == "ja" else result.notes
    scope = document(result.policy).get("scope")
    looked_at = any(r.evaluated or r.not_evaluable or r.unattributed for r in o.rules)
    if not scope or looked_at or not o.accepted:
        return list(notes)
    words = scope_words(scope, lang)
    return [
        pick(
            lang,
            f"対象範囲（{words}）には、規則が調べる記録が一件もありません。"
            "問題がなかったという意味ではありません。"
            "期間、所属の名前などの指定（--from、--to、--where）を確かめてください。",
            f"The scope ({words}) holds no record that any rule looks at, which does not mean that "
            "nothing was wrong: check --from, --to and --where.",
        ),
        *notes,
    ]


def location_text(paths: Sequence[Path], lang: Lang, *, flagged: int, csv: bool) -> str:
    """Where the results lie, without a trailing newline; `paths` empty: nowhere."""
    if not paths:
        return pick(
            lang,
            "結果のファイルは書き出していません（書き出すには --out フォルダー名）。",
            "No files were written (--out DIR writes them).",
        )
    names = ", ".join(path.name for path in paths)
    lines = [
        pick(lang, f"結果の場所  {clean(str(paths[0].parent))}", f"Results  {paths[0].parent}"),
        f"  {clean(names)}",
    ]
    if csv and flagged >= 1_048_576:
        lines.append(
            pick(
                lang,
                "  flagged.csv は Excel の上限（1,048,576 行）を超えています。"
                "findings.csv から見るか、--from と --to で期間を分けてください。",
                "  flagged.csv has more rows than Excel can open (1,048,576): begin with "
                "findings.csv, or narrow the period with --from and --to.",
            )
        )
    return "\n".join(lines)


def _head(result: ScanResult, o: Overview, lang: Lang) -> list[str]:
    from yokome.words import document, scope_words

    if o.first is None or o.last is None:
        period = pick(lang, "記録なし", "no records")
    else:
        tilde = pick(lang, "～", "to")
        period = f"{o.first:%Y-%m-%d %H:%M:%S} {tilde} {o.last:%Y-%m-%d %H:%M:%S}"
    inputs = result._rows("inputs", ["source"], _MAX_INPUTS)
    sources = [clean(row["source"]) for row in inputs]
    if o.sources > _MAX_INPUTS:
        sources.append(pick(lang, "ほか", "…"))
    rows = [
        (pick(lang, "期間", "Period"), period),
        (
            pick(lang, "入力", "Sources"),
            pick(lang, f"{o.sources:,} 個（", f"{o.sources:,} (")
            + pick(lang, "、", ", ").join(sources)
            + pick(lang, "）", ")"),
        ),
        (
            pick(lang, "記録", "Records"),
            pick(
                lang,
                f"{o.seen:,} 件 = 読み取れた記録 {o.accepted:,} 件 "
                f"+ 読み取れなかった記録 {o.rejected:,} 件",
                f"{o.seen:,} seen = {o.accepted:,} accepted + {o.rejected:,} rejected",
            ),
        ),
        (pick(lang, "ポリシー", "Policy"), _policy_name(result, lang)),
        (
            pick(lang, "結果", "Found"),
            pick(
                lang,
                f"所見 {o.findings:,} 件（該当 {o.flagged:,} 行、職員 {o.users:,} 人）",
                f"{_count(o.findings, 'finding')} ({_count(o.flagged, 'flagged row')}, "
                f"{_count(o.users, 'user')})",
            ),
        ),
    ]
    scope = document(result.policy).get("scope")
    if scope:
        rows.insert(1, (pick(lang, "対象", "Scope"), clean(scope_words(scope, lang))))
    if o.unreadable:
        rows.insert(
            -3,
            (
                pick(lang, "読めず", "Skipped"),
                pick(
                    lang,
                    f"{o.unreadable:,} 個の入力は読めず、飛ばしました"
                    "（理由は inputs.csv の error_ja）",
                    f"{o.unreadable:,} sources could not be read (inputs.csv says why)",
                ),
            ),
        )
    widest = max(width(label) for label, _ in rows)
    return [f"{pad(label, widest)}  {value}" for label, value in rows]


def _leaks(result: ScanResult, lang: Lang) -> list[str]:
    """Where the log itself holds Individual Numbers: a finding of its own, if there is any."""
    from yokome.leaks import headline, leaks_of

    leaks = leaks_of(result)
    if not leaks:
        return []
    lines = ["", pick(lang, "ログに書かれた個人番号", "Individual Numbers in the log")]
    lines.append(f"  {headline(leaks, lang)}")
    for leak in leaks[:_MAX_LEAKS]:
        column = clean(leak.column_words(lang))
        first = "" if leak.line is None else f"{leak.line:,}"
        lines.append(
            pick(
                lang,
                f"    {clean(leak.source)}「{column}」：{leak.values:,} 件"
                f"（{leak.kind_words(lang)}。{leak.looked_at_words(lang)}のうち、"
                f"最初は {first} 行目）",
                f"    {clean(leak.source)}, {column}: {leak.values:,} "
                f"({leak.kind_words(lang)}; of {leak.looked_at_words(lang)}, the first on line "
                f"{first})",
            )
        )
    more = len(leaks) - _MAX_LEAKS
    if more > 0:
        lines.append(
            pick(lang, f"    ほか {more:,} 列（leaks.csv）", f"    and {more:,} more (leaks.csv)")
        )
    return lines


def _first(result: ScanResult, lang: Lang, top: int) -> list[str]:
    """What to look at first, and how rare it is."""
    first = result._rows("findings", limit=top)
    if not first:
        return []
    from yokome.explain import explain, rank_words
    from yokome.words import document

    rules = {rule["id"]: rule for rule in document(result.policy)["rules"]}
    lines = ["", pick(lang, "まず確認するもの", "First things to check")]
    for number, row in enumerate(first, 1):
        share = (row["days_as_strong"], row["days_evaluated"])
        rank = rank_words(share, row["per"], lang)
        explanation = explain(row, lang, rule=rules[row["rule"]], rank=rank)
        lines.append(f"  {number:>2}. {clean(explanation.what)}")
        lines.append(f"      {clean(rank)}")
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _policy_name(result: ScanResult, lang: Lang) -> str:
    name = result.policy.name
    return "既定のポリシー" if lang == "ja" and name == "default policy" else clean(name)


def _rules(o: Overview, lang: Lang, ambiguous: int) -> list[str]:
    """The rules by viewpoint: a heading for each, and under it rows whose columns line up."""
    header = (
        pick(lang, "規則", "Rule"),
        "",
        pick(lang, "該当", "Flagged"),
        pick(lang, "所見", "Findings"),
        pick(lang, "評価できず", "Not evaluable"),
    )
    cells = {rule: _cells(o, rule, lang) for rule in o.rules}
    widths = [
        max(width(row[i], ambiguous=ambiguous) for row in (header, *cells.values()))
        for i in range(len(header))
    ]

    def line(row: Sequence[str]) -> str:
        return (
            "    "
            + "  ".join(
                pad(cell, widths[i], right=i >= 2, ambiguous=ambiguous)
                for i, cell in enumerate(row)
            ).rstrip()
        )

    lines = [line(header)]
    order = sorted({r.viewpoint for r in o.rules}, key=lambda v: (v is None, v or 0))
    for viewpoint in order:
        if viewpoint is None:
            lines.append(pick(lang, "  着眼点によらない規則", "  Other rules"))
        else:
            ja, en = VIEWPOINTS.get(viewpoint, ("", ""))
            lines.append(f"  {chr(0x2460 + viewpoint - 1)} {pick(lang, ja, en)}")
        lines += [line(cells[r]) for r in o.rules if r.viewpoint == viewpoint]
    return lines


def _cells(o: Overview, rule: RuleOverview, lang: Lang) -> tuple[str, ...]:
    title = pick(lang, rule.title_ja or "", rule.title_en or "")
    return (
        clean(rule.rule),
        clean(title),
        f"{rule.flagged:,}" if is_judged(o, rule) else "-",
        f"{rule.findings:,}" if is_judged(o, rule) else "-",
        f"{rule.not_evaluable:,}" if rule.not_evaluable else "",
    )


def is_judged(o: Overview, rule: RuleOverview) -> bool:
    """Whether the rule looked at anything, or none of the records was one it should look at."""
    some = rule.evaluated > 0 or rule.not_evaluable == 0
    return o.accepted > 0 and rule.reason is None and some


def _reason(reason: str, lang: Lang) -> str:
    """Why a whole rule was not evaluable; the core says it in English."""
    from yokome.words import field_name

    columns = reason.removeprefix("no column: ")
    if lang == "ja" and columns != reason:
        names = [f"{field_name(c, lang)}（{c}）" for c in columns.split(", ")]
        return f"列がありません: {'、'.join(names)}"
    return reason


def not_evaluable(o: Overview, lang: Lang) -> list[tuple[str, int, str]]:
    """What could not be evaluated: rule, number of records, why."""
    rows = []
    for rule in o.rules:
        if rule.reason is not None:
            why = _reason(rule.reason, lang)
        elif rule.not_evaluable == 0:
            continue
        elif rule.kind in ("novelty", "hours", "spike"):
            why = pick(
                lang,
                "過去の利用日数が足りないか、値が空です",
                "too few days of use before, or an empty value",
            )
        else:
            why = pick(lang, "値が空です", "an empty value")
        rows.append((rule.rule, rule.not_evaluable, why))
    return rows


def _reasons(o: Overview, lang: Lang) -> list[str]:
    rows = [(clean(rule), f"{n:,}", clean(why)) for rule, n, why in not_evaluable(o, lang)]
    widths = [max((width(row[i]) for row in rows), default=0) for i in range(2)]
    return [
        f"    {pad(name, widths[0])}  "
        + pick(lang, f"{pad(n, widths[1], right=True)} 件", pad(n, widths[1], right=True))
        + f"  {why}"
        for name, n, why in rows
    ]
