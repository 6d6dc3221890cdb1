"""The whole of the log: what was looked at, counts by rule, by weekday and hour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yokome.lang import pick
from yokome.leaks import places
from yokome.report.texts import WEEKDAYS, caveats, headline, policy_name, scope_of
from yokome.report.workbook.paper import HEAD, LINE, Paper, cell_text, lines_of

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

__all__ = ["hours", "overview"]

_FIRST: Final = 5


def overview(p: Paper, title: str) -> None:
    """概要: period, sources, counts per viewpoint, figures that add up."""
    f, o = p.facts, p.facts.overview
    sheet = p.sheet("概要", "Overview", title, headline(f))
    sheet.set_column(0, 0, 42)
    sheet.set_column(1, 1, 52)
    sheet.set_column(2, 6, 13)
    rows: list[tuple[str, str | int]] = [
        (p.t("対象範囲", "Scope"), scope_of(f)),
        (p.t("ログの期間", "Period of the log"), f.period),
        (p.t("入力", "Sources"), o.sources),
        (
            p.t("記録（読み取れたもの + 読み取れなかったもの）", "Records (accepted + rejected)"),
            o.seen,
        ),
        (p.t("　読み取れた記録", "  accepted"), o.accepted),
        (p.t("　読み取れなかった記録", "  rejected"), o.rejected),
        (p.t("空行（記録に数えない）", "Blank lines (not records)"), o.blank),
        (p.t("ポリシー", "Policy"), policy_name(f)),
        (p.t("該当のあった職員", "Users with findings"), o.users),
        (
            p.t("ログに書かれた個人番号", "Individual Numbers in the log"),
            _leaks(p),
        ),
    ]
    at = HEAD - 1
    for label, value in rows:
        sheet.write_string(at, 0, label, p.styles["label"])
        p.put(sheet, at, 1, value, "left")
        at += 1
    at = _first(p, sheet, at + 1)
    at = _viewpoints(p, sheet, at + 1)
    at += 1
    sheet.set_row(at, 22)
    sheet.write_string(
        at,
        0,
        p.t("評価できなかったもの・注記", "Not evaluated; notes"),
        p.styles["title"],
    )
    for line in caveats(f):
        at += 1
        sheet.set_row(at, LINE * lines_of(line, 150) + 2)
        sheet.merge_range(at, 0, at, 6, "", p.styles["wrap"])
        sheet.write_string(at, 0, cell_text(line), p.styles["wrap"])


def _leaks(p: Paper) -> str:
    leaks = p.facts.leaks
    if not leaks:
        return p.t("見付かりませんでした", "none found")
    values = sum(leak.values for leak in leaks)
    return p.t(
        f"{values:,} 件（{places(leaks, 'ja')}）→ シート「個人番号」",
        f"{values:,} ({places(leaks, 'en')}): see the sheet",
    )


def _where_to_go_on(p: Paper) -> str:
    return p.t(
        "めったにないことから順に並べています。続きはシート「確認一覧」に、次に見る人はシート"
        "「職員別」にあります。",
        "The rarest first. They go on in the sheet Findings; whom to look at next is in Users.",
    )


def _first(p: Paper, sheet: Worksheet, at: int) -> int:
    """The first findings in a sentence each; returns the row below."""
    f = p.facts
    if not f.findings:
        return at - 1
    sheet.set_row(at, 22)
    sheet.write_string(at, 0, p.t("まず確認するもの", "First things to check"), p.styles["title"])
    at += 1
    sheet.write_string(at, 0, _where_to_go_on(p), p.styles["note"])
    for finding in f.findings[:_FIRST]:
        at += 1
        mark = "" if finding.viewpoint is None else chr(0x2460 + finding.viewpoint - 1) + " "
        what = p.t("", " ").join(filter(None, (finding.explanation.what, finding.explanation.rank)))
        lines = max(
            lines_of(f"No. {finding.number} {mark}{finding.title}", 42), lines_of(what, 110)
        )
        sheet.set_row(at, LINE * lines + 2)
        p.put(sheet, at, 0, f"No. {finding.number} {mark}{finding.title}", "wrap")
        sheet.merge_range(at, 1, at, 6, "", p.styles["wrap"])
        p.put(sheet, at, 1, what, "wrap")
    return at + 1


def _viewpoints(p: Paper, sheet: Worksheet, at: int) -> int:
    """The table of rules by viewpoint, with a total; returns the row below."""
    header = [
        p.t("着眼点", "Viewpoint"),
        p.t("規則", "Rule"),
        p.t("所見", "Findings"),
        p.t("該当行", "Flagged rows"),
        p.t("職員", "Users"),
        p.t("評価した記録", "Evaluated"),
        p.t("評価できず", "Not evaluable"),
    ]
    for column, name in enumerate(header):
        sheet.write_string(at, column, name, p.styles["header"])
    at += 1
    for viewpoint in p.facts.viewpoints:
        for rule in viewpoint.rules:
            words = f"{viewpoint.mark} {viewpoint.words}"
            lines = max(lines_of(words, 40), lines_of(rule.title, 52))
            sheet.set_row(at, LINE * lines + 2)
            p.put(sheet, at, 0, words, "wrap")
            p.put(sheet, at, 1, rule.title, "wrap")
            figures = (rule.findings, rule.flagged, rule.users) if rule.judged else ("－",) * 3
            for column, figure in enumerate((*figures, rule.evaluated, rule.not_evaluable), 2):
                p.put(sheet, at, column, figure, "mark" if figure == "－" else "number")
            at += 1
    total = p.styles["total"]
    sheet.write_string(at, 0, p.t("合計", "Total"), total)
    # One user may be flagged by several rules: their numbers do not add up, and are not added.
    note = p.t("（職員は規則の間で重なるため合計しない）", "(users overlap, so are not added)")
    sheet.write_string(at, 1, note, total)
    sheet.write_number(at, 2, p.facts.overview.findings, total)
    sheet.write_number(at, 3, p.facts.overview.flagged, total)
    for column in (4, 5, 6):
        sheet.write_blank(at, column, None, total)
    at += 1
    sheet.write_string(
        at,
        0,
        p.t(
            "評価した記録：規則の条件（ログイン、失敗など）に合い、基準に照らした記録の件数です。"
            "0 は、条件に合う記録がログになかったことを表します。",
            "Evaluated: the records that meet the rule's conditions (logins, failures) and were "
            "judged. 0: the log has none.",
        ),
        p.styles["note"],
    )
    return at + 1


def hours(p: Paper) -> None:
    """時間帯: weekday × hour, records and flagged rows."""
    t = p.t
    sheet = p.sheet("時間帯", "Hours", t("時間帯別の件数", "By weekday and hour"), "")
    sheet.set_column(0, 0, 12)
    sheet.set_column(1, 25, 6.5)
    at = HEAD - 1
    for title, table, color in (
        (t("記録", "Records"), p.facts.records_by_hour, "#2F6DB5"),
        (t("該当行", "Flagged rows"), p.facts.flagged_by_hour, "#C0392B"),
    ):
        sheet.write_string(at, 0, title, p.styles["header"])
        for hour in range(24):
            sheet.write_string(at, 1 + hour, t(f"{hour}時", f"{hour}h"), p.styles["header"])
        sheet.write_string(at, 25, t("計", "Total"), p.styles["header"])
        for day, counts in enumerate(table):
            row = at + 1 + day
            sheet.write_string(row, 0, pick(p.lang, *WEEKDAYS[day]), p.styles["label"])
            for hour, n in enumerate(counts):
                sheet.write_number(row, 1 + hour, n, p.styles["number"])
            sheet.write_number(row, 25, sum(counts), p.styles["total"])
        scale = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": color}
        sheet.conditional_format(at + 1, 1, at + 7, 24, scale)
        at += 10
