"""What is to be checked and filled in: numbers that the log holds, findings, records, users."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from yokome.lang import pick
from yokome.leaks import headline, what_to_do
from yokome.report.texts import order_words
from yokome.report.workbook.paper import HEAD, Column, Paper, capital
from yokome.words import FIELDS, field_name, value_words

if TYPE_CHECKING:
    from yokome.report.facts import Finding

__all__ = ["OUTCOMES", "findings", "leaks", "records", "users"]

OUTCOMES: Final = (
    ("業務上の必要を確認（問題なし）", "needed for work, no problem"),
    ("確認中", "being checked"),
    ("要調査", "to be investigated"),
    ("不適正な利用", "improper use"),
    ("対象外", "out of scope"),
)
"""What a check may come to: (Japanese, English)."""


def leaks(p: Paper) -> None:
    """個人番号: where the log itself holds Individual Numbers."""
    t, all_leaks = p.t, p.facts.leaks
    columns = [
        Column(t("入力", "Source"), 40, "wrap"),
        Column(t("列", "Column"), 20, "wrap"),
        Column(t("項目", "Used as"), 16),
        Column(t("記載のしかた", "How"), 20),
        Column(t("件数", "Cells"), 9, "number"),
        Column(t("調べた記録", "Looked at"), 20),
        Column(t("最初の行", "First line"), 10, "number"),
        Column(t("伏せ字", "Masked"), 14),
        Column(t("対応", "What was done"), 40, "entry"),
    ]
    sheet = p.sheet(
        "個人番号",
        "Individual Numbers",
        t("ログに書かれた個人番号", "Individual Numbers in the log"),
        headline(all_leaks, p.lang) + t("", " ") + what_to_do(all_leaks, p.lang),
        len(all_leaks),
    )
    rows = (
        [
            *(leak.source, leak.column_words(p.lang)),
            *(leak.field_words(p.lang), leak.kind_words(p.lang)),
            *(leak.values, leak.looked_at_words(p.lang), leak.line),
            *(leak.masked_words(p.lang), None),
        ]
        for leak in all_leaks
    )
    p.table(sheet, columns, rows, len(all_leaks))


def findings(p: Paper) -> None:
    """確認一覧: the findings in order, with columns to be filled in."""
    t = p.t
    columns = [
        Column("No.", 6, "number"),
        Column(t("着眼点", "View-point"), 7, "mark"),
        Column(t("規則", "Rule"), 17, "wrap"),
        Column(t("対象", "Who"), 11, "wrap"),
        Column(t("職員名", "Name"), 11, "wrap"),
        Column(t("所属", "Department"), 11, "wrap"),
        Column(t("日時", "Time"), 18.5, "time"),
        Column(t("説明", "Explanation"), 56, "wrap"),
        Column(t("確認結果", "Outcome"), 15, "entry"),
        Column(t("確認者", "Checked by"), 9, "entry"),
        Column(t("確認日", "Checked on"), 11, "entry_date"),
        Column(t("所見", "Remarks"), 24, "entry"),
        # What follows is for filters and programs, and not printed.
        Column(t("最後の日時", "Last time"), 18.5, "time"),
        Column(t("該当件数", "Records"), 8, "number"),
        Column(t("観測値", "Observed"), 12),
        Column(t("基準", "Threshold"), 12),
        Column(t("まれさ", "Rarity"), 8, "decimal"),
        Column(t("識別番号", "Finding id"), 19),
    ]
    note = order_words(p.facts)
    sheet = p.sheet(
        "確認一覧",
        "Findings",
        t("確認一覧", "Findings to check"),
        note,
        len(p.facts.findings),
    )
    rows = (_finding_row(p, finding) for finding in p.facts.findings)
    count = p.table(sheet, columns, rows, len(p.facts.findings))
    sheet.print_area(0, 0, HEAD + max(count, 1) - 1, 11)
    if count:
        last = HEAD + count - 1
        outcomes = [pick(p.lang, *outcome) for outcome in OUTCOMES]
        sheet.data_validation(HEAD, 8, last, 8, {"validate": "list", "source": outcomes})
        sheet.data_validation(
            HEAD,
            10,
            last,
            10,
            {
                "validate": "date",
                "criteria": ">=",
                "value": dt.date(2000, 1, 1),
                "error_message": t("日付を入力してください", "Enter a date"),
            },
        )


def _finding_row(p: Paper, f: Finding) -> list[Any]:
    mark = "" if f.viewpoint is None else chr(0x2460 + f.viewpoint - 1)
    entries = [None] * 4
    return [
        f.number,
        mark,
        f.title,
        f.key,
        f.name,
        f.department,
        f.first,
        f.explanation.without_viewpoint,
        *entries,
        f.last,
        f.records,
        f.observed,
        f.threshold,
        f.rarity,
        f.id,
    ]


def records(p: Paper) -> None:
    """対象記録: the flagged records of the findings listed."""
    t = p.t
    fields = [f for f in FIELDS if f in p.facts.flagged.column_names and f != "time"]
    widths = {"operation": 22, "department": 14, "system": 14, "references": 8, "result": 9}
    columns = [
        Column(t("所見 No.", "Finding no."), 8, "number"),
        Column(t("規則", "Rule"), 38),
        Column(t("日時", "Time"), 19, "time"),
        *(Column(capital(field_name(f, p.lang)), widths.get(f, 13)) for f in fields),
        Column(t("観測値", "Observed"), 9, "number"),
        Column(t("基準", "Threshold"), 9, "number"),
        Column(t("行", "Line"), 9, "number"),
        # What follows is not printed.
        Column(t("入力", "Source"), 24),
        Column(t("元の記録", "The record as it stood"), 60),
    ]
    rules = {r.id: r.title for v in p.facts.viewpoints for r in v.rules}
    numbers = {f.id: f.number for f in p.facts.findings}
    sheet = p.sheet(
        "対象記録", "Records", t("対象記録", "Flagged records"), "", p.facts.flagged.num_rows
    )
    names = [
        "finding",
        "rule",
        "time",
        *fields,
        "observed",
        "threshold",
        "line",
        "source",
        "raw",
    ]
    rows = (
        [numbers[row["finding"]], rules[row["rule"]], row["time"]]
        + [_field(p, f, row[f]) for f in fields]
        + [row[n] for n in ("observed", "threshold", "line", "source", "raw")]
        for batch in p.facts.flagged.select(names).to_batches(max_chunksize=4096)
        for row in batch.to_pylist()
    )
    count = p.table(sheet, columns, rows, p.facts.flagged.num_rows)
    sheet.print_area(0, 0, HEAD + max(count, 1) - 1, len(columns) - 3)


def _field(p: Paper, field: str, value: Any) -> Any:
    return None if value is None else value_words(field, value, p.lang)


def users(p: Paper) -> None:
    """職員別: whom to look at first."""
    t, f = p.t, p.facts
    columns = [
        Column("No.", 6, "number"),
        Column(t("職員番号", "User"), 16),
        Column(t("職員名", "Name"), 16),
        Column(t("所属", "Department"), 18),
        Column(t("所見", "Findings"), 9, "number"),
        Column(t("該当行", "Flagged rows"), 9, "number"),
        Column(t("最も目立つ点", "Stands out in"), 46, "wrap"),
        Column(t("内訳（所見の数）", "By rule (findings)"), 70, "wrap"),
    ]
    note = t("目立つ人から順に並べています。", "Those who stand out most come first.")
    if len(f.users) < f.all_users:
        note += t(
            f"全 {f.all_users:,} 人のうち、はじめの {len(f.users):,} 人を載せています。",
            f" Listed are the first {len(f.users):,} of {f.all_users:,}.",
        )
    sheet = p.sheet("職員別", "Users", t("職員別", "By user"), note, len(f.users))
    colon, comma = t("：", ": "), t("、", ", ")
    rows = (
        [
            *(u.number, u.user, u.name, u.department, u.findings, u.flagged, u.place),
            comma.join(f"{name}{colon}{n:,}" for name, n, _ in u.rules),
        ]
        for u in f.users
    )
    p.table(sheet, columns, rows, len(f.users))
