"""``report.xlsx``: the working paper for the audit file.

In: :class:`~yokome.report.facts.Facts`. Out: the bytes of a workbook. A sheet is a title, a note,
one table with a filter, set up for A4 landscape. Whatever comes from the log is written as text and
marked as such, so that it stays text even when the cell is edited; control characters show as
pictures, as in the CSV files. The same facts give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import io
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from yokome.lang import pick, width
from yokome.report.texts import WEEKDAYS, caveats, headline, order_words, policy_name, policy_rows
from yokome.words import FIELDS, field_name

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

    from yokome.report.facts import Facts, Finding

__all__ = ["CELL", "OUTCOMES", "ROWS", "cell_text", "workbook"]

ROWS: Final = 1_048_576
"""Rows that a sheet holds."""

CELL: Final = 32_767
"""Characters that a cell holds."""

OUTCOMES: Final = (
    ("業務上の必要を確認（問題なし）", "needed for work, no problem"),
    ("確認中", "being checked"),
    ("要調査", "to be investigated"),
    ("不適正な利用", "improper use"),
    ("対象外", "out of scope"),
)
"""What a check may come to: (Japanese, English)."""

_MANY: Final = 50_000

# Points that a line of text takes.
_LINE: Final = 13.5

# Rows above a table's first row: title, note, header.
_HEAD = 3


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
    writer = _Writer(book, facts, rows)
    writer.overview(title)
    writer.findings()
    writer.records()
    writer.users()
    writer.hours()
    writer.inputs()
    writer.policy()
    book.close()
    return stream.getvalue()


def cell_text(text: str) -> str:
    """`text` as a cell can hold it: no control characters, not too long, nothing XML forbids."""
    text = _CONTROL.sub(lambda c: _picture(ord(c.group())), text)
    return text if len(text) <= CELL else text[: CELL - 1] + "…"


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def _picture(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


@dataclass(frozen=True)
class _Column:
    """A column of a sheet's table."""

    title: str
    width: float
    kind: str = "text"
    """``text``, ``wrap``, ``number``, ``time``, ``date``, ``entry`` (to be filled in)."""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lines(text: str, columns: float) -> int:
    """About how many lines `text` takes in a cell so many characters wide."""
    return sum(max(1, math.ceil(width(line) / (columns - 1))) for line in text.split("\n"))


class _Writer:
    """Writes sheet after sheet."""

    def __init__(self, book: Workbook, facts: Facts, rows: int) -> None:
        self.book = book
        self.facts = facts
        self.lang = facts.lang
        self.room = rows - _HEAD
        base = {
            "font_name": pick(self.lang, "游ゴシック", "Calibri"),
            "font_size": 10,
            "valign": "top",
        }

        def style(**more: Any) -> Format:
            return book.add_format({**base, **more})

        # Text that keeps being text, also when someone edits the cell.
        text = {"num_format": "@", "quote_prefix": True, "border": 1, "border_color": "#BFBFBF"}
        cell = {"border": 1, "border_color": "#BFBFBF"}
        self.styles: dict[str, Format] = {
            "title": style(bold=True, font_size=14),
            "note": style(font_color="#595959"),
            "warning": style(bold=True, font_color="#C00000"),
            "header": style(
                bold=True, text_wrap=True, bg_color="#1F3864", font_color="#FFFFFF", border=1
            ),
            "label": style(bold=True, bg_color="#EDF1F9", **cell),
            "text": style(**text),
            "wrap": style(text_wrap=True, **text),
            "number": style(num_format="#,##0", **cell),
            "decimal": style(num_format="0.00", **cell),
            "left": style(num_format="#,##0", align="left", **cell),
            "time": style(num_format="yyyy-mm-dd hh:mm:ss", align="left", **cell),
            "date": style(num_format="yyyy-mm-dd", align="left", **cell),
            "entry": style(text_wrap=True, bg_color="#FFF9E5", **cell),
            "entry_date": style(num_format="yyyy-mm-dd", bg_color="#FFF9E5", align="left", **cell),
            "total": style(num_format="#,##0", bold=True, top=2, bottom=1),
        }

    # --- sheets -------------------------------------------------------------------------------

    def overview(self, title: str) -> None:
        """概要: period, sources, counts per viewpoint, figures that add up."""
        f, o = self.facts, self.facts.overview
        sheet = self._sheet("概要", "Overview", title, headline(f))
        sheet.set_column(0, 0, 40)
        sheet.set_column(1, 1, 52)
        sheet.set_column(2, 6, 13)
        rows: list[tuple[str, str | int]] = [
            (self._t("対象期間", "Period"), f.period),
            (self._t("入力", "Sources"), o.sources),
            (
                self._t(
                    "記録（読み取れたもの + 読み取れなかったもの）", "Records (accepted + rejected)"
                ),
                o.seen,
            ),
            (self._t("　読み取れた記録", "  accepted"), o.accepted),
            (self._t("　読み取れなかった記録", "  rejected"), o.rejected),
            (self._t("空行（記録に数えない）", "Blank lines (not records)"), o.blank),
            (self._t("ポリシー", "Policy"), policy_name(f)),
            (self._t("該当のあった利用者", "Users with findings"), o.users),
        ]
        at = _HEAD - 1
        for label, value in rows:
            sheet.write_string(at, 0, label, self.styles["label"])
            self._put(sheet, at, 1, value, "left")
            at += 1
        at = self._viewpoints(sheet, at + 1)
        at += 1
        sheet.write_string(
            at,
            0,
            self._t("評価できなかったもの・注記", "Not evaluated; notes"),
            self.styles["title"],
        )
        for line in caveats(f):
            at += 1
            sheet.set_row(at, _LINE * _lines(line, 150) + 2)
            sheet.merge_range(at, 0, at, 6, "", self.styles["wrap"])
            sheet.write_string(at, 0, cell_text(line), self.styles["wrap"])

    def _viewpoints(self, sheet: Worksheet, at: int) -> int:
        """The table of rules by viewpoint, with a total; returns the row below."""
        header = [
            self._t("着眼点", "Viewpoint"),
            self._t("規則", "Rule"),
            self._t("所見", "Findings"),
            self._t("該当行", "Flagged rows"),
            self._t("利用者", "Users"),
            self._t("評価した記録", "Evaluated"),
            self._t("評価できず", "Not evaluable"),
        ]
        for column, name in enumerate(header):
            sheet.write_string(at, column, name, self.styles["header"])
        at += 1
        for viewpoint in self.facts.viewpoints:
            for rule in viewpoint.rules:
                words = f"{viewpoint.mark} {viewpoint.words}"
                lines = max(_lines(words, 40), _lines(rule.title, 52))
                sheet.set_row(at, _LINE * lines + 2)
                self._put(sheet, at, 0, words, "wrap")
                self._put(sheet, at, 1, rule.title, "wrap")
                figures = (rule.findings, rule.flagged, rule.users) if rule.judged else ("－",) * 3
                for column, figure in enumerate((*figures, rule.evaluated, rule.not_evaluable), 2):
                    self._put(sheet, at, column, figure, "number")
                at += 1
        total = self.styles["total"]
        sheet.write_string(at, 0, self._t("合計", "Total"), total)
        # One user may be flagged by several rules: their numbers do not add up, and are not added.
        note = self._t(
            "（利用者は規則の間で重なるため合計しない）", "(users overlap, so are not added)"
        )
        sheet.write_string(at, 1, note, total)
        sheet.write_number(at, 2, self.facts.overview.findings, total)
        sheet.write_number(at, 3, self.facts.overview.flagged, total)
        for column in (4, 5, 6):
            sheet.write_blank(at, column, None, total)
        return at + 1

    def findings(self) -> None:
        """確認一覧: the findings in order, with columns to be filled in."""
        t = self._t
        columns = [
            _Column("No.", 6, "number"),
            _Column(t("着眼点", "View-point"), 6),
            _Column(t("規則", "Rule"), 17, "wrap"),
            _Column(t("対象", "Who"), 11, "wrap"),
            _Column(t("職員名", "Name"), 11, "wrap"),
            _Column(t("所属", "Department"), 11, "wrap"),
            _Column(t("日時", "Time"), 18.5, "time"),
            _Column(t("説明", "Explanation"), 56, "wrap"),
            _Column(t("確認結果", "Outcome"), 15, "entry"),
            _Column(t("確認者", "Checked by"), 9, "entry"),
            _Column(t("確認日", "Checked on"), 11, "entry_date"),
            _Column(t("所見", "Remarks"), 24, "entry"),
            # What follows is for filters and programs, and not printed.
            _Column(t("最後の日時", "Last time"), 18.5, "time"),
            _Column(t("該当件数", "Records"), 8, "number"),
            _Column(t("観測値", "Observed"), 12),
            _Column(t("基準", "Threshold"), 12),
            _Column(t("まれさ", "Rarity"), 8, "decimal"),
            _Column(t("識別番号", "Finding id"), 19),
        ]
        note = order_words(self.facts)
        sheet = self._sheet(
            "確認一覧",
            "Findings",
            t("確認一覧", "Findings to check"),
            note,
            len(self.facts.findings),
        )
        rows = (self._finding_row(finding) for finding in self.facts.findings)
        count = self._table(sheet, columns, rows, len(self.facts.findings))
        sheet.print_area(0, 0, _HEAD + max(count, 1) - 1, 11)
        if count:
            last = _HEAD + count - 1
            outcomes = [pick(self.lang, *outcome) for outcome in OUTCOMES]
            sheet.data_validation(_HEAD, 8, last, 8, {"validate": "list", "source": outcomes})
            sheet.data_validation(
                _HEAD,
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

    def _finding_row(self, f: Finding) -> list[Any]:
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

    def records(self) -> None:
        """対象記録: the flagged records of the findings listed."""
        t = self._t
        fields = [f for f in FIELDS if f in self.facts.flagged.column_names and f != "time"]
        widths = {"operation": 22, "department": 14, "system": 14, "references": 8, "result": 9}
        columns = [
            _Column(t("所見 No.", "Finding no."), 8, "number"),
            _Column(t("規則", "Rule"), 20),
            _Column(t("日時", "Time"), 19, "time"),
            *(_Column(_capital(field_name(f, self.lang)), widths.get(f, 13)) for f in fields),
            _Column(t("観測値", "Observed"), 9, "number"),
            _Column(t("基準", "Threshold"), 9, "number"),
            _Column(t("行", "Line"), 9, "number"),
            # What follows is not printed.
            _Column(t("入力", "Source"), 24),
            _Column(t("元の記録", "The record as it stood"), 60),
        ]
        rules = {r.id: r.title for v in self.facts.viewpoints for r in v.rules}
        numbers = {f.id: f.number for f in self.facts.findings}
        sheet = self._sheet(
            "対象記録", "Records", t("対象記録", "Flagged records"), "", self.facts.flagged.num_rows
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
            + [self._field(row[f]) for f in fields]
            + [row[n] for n in ("observed", "threshold", "line", "source", "raw")]
            for batch in self.facts.flagged.select(names).to_batches(max_chunksize=4096)
            for row in batch.to_pylist()
        )
        count = self._table(sheet, columns, rows, self.facts.flagged.num_rows)
        sheet.print_area(0, 0, _HEAD + max(count, 1) - 1, len(columns) - 3)

    def _field(self, value: Any) -> Any:
        if isinstance(value, bool):
            return self._t("あり", "yes") if value else self._t("なし", "no")
        results = {"success": "成功", "failure": "失敗", "other": "その他"}
        return results.get(value, value) if self.lang == "ja" else value

    def users(self) -> None:
        """職員別: whom to look at first."""
        t, f = self._t, self.facts
        columns = [
            _Column("No.", 6, "number"),
            _Column(t("職員番号", "User"), 16),
            _Column(t("職員名", "Name"), 16),
            _Column(t("所属", "Department"), 18),
            _Column(t("所見", "Findings"), 9, "number"),
            _Column(t("該当行", "Flagged rows"), 9, "number"),
            _Column(t("最も目立つ点", "Stands out in"), 46, "wrap"),
            _Column(t("内訳（所見の数）", "By rule (findings)"), 70, "wrap"),
        ]
        note = (
            t("目立つ人から順に並べています。", "Those who stand out most come first.")
            if f.ranked
            else t("所見の多い順に並べています。", "Those with most findings come first.")
        )
        if len(f.users) < f.all_users:
            note += t(
                f"全 {f.all_users:,} 人のうち、はじめの {len(f.users):,} 人を載せています。",
                f" Listed are the first {len(f.users):,} of {f.all_users:,}.",
            )
        sheet = self._sheet("職員別", "Users", t("職員別", "By user"), note, len(f.users))
        colon, comma = t("：", ": "), t("、", ", ")
        rows = (
            [
                *(u.number, u.user, u.name, u.department, u.findings, u.flagged, u.place),
                comma.join(f"{name}{colon}{n:,}" for name, n, _ in u.rules),
            ]
            for u in f.users
        )
        self._table(sheet, columns, rows, len(f.users))

    def hours(self) -> None:
        """時間帯: weekday × hour, records and flagged rows."""
        t = self._t
        sheet = self._sheet("時間帯", "Hours", t("時間帯別の件数", "By weekday and hour"), "")
        sheet.set_column(0, 0, 12)
        sheet.set_column(1, 25, 6.5)
        at = _HEAD - 1
        for title, table, color in (
            (t("記録", "Records"), self.facts.records_by_hour, "#2F6DB5"),
            (t("該当行", "Flagged rows"), self.facts.flagged_by_hour, "#C0392B"),
        ):
            sheet.write_string(at, 0, title, self.styles["header"])
            for hour in range(24):
                sheet.write_string(at, 1 + hour, t(f"{hour}時", f"{hour}h"), self.styles["header"])
            sheet.write_string(at, 25, t("計", "Total"), self.styles["header"])
            for day, counts in enumerate(table):
                row = at + 1 + day
                sheet.write_string(row, 0, pick(self.lang, *WEEKDAYS[day]), self.styles["label"])
                for hour, n in enumerate(counts):
                    sheet.write_number(row, 1 + hour, n, self.styles["number"])
                sheet.write_number(row, 25, sum(counts), self.styles["total"])
            scale = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": color}
            sheet.conditional_format(at + 1, 1, at + 7, 24, scale)
            at += 10

    def inputs(self) -> None:
        """取込状況: inputs, then rejects."""
        t, f = self._t, self.facts
        columns = [
            _Column(t("入力", "Source"), 40, "wrap"),
            _Column(t("バイト", "Bytes"), 14, "number"),
            _Column(t("行", "Lines"), 11, "number"),
            _Column(t("読み取れた記録", "Accepted"), 11, "number"),
            _Column(t("読み取れなかった記録", "Rejected"), 11, "number"),
            _Column(t("空行", "Blank"), 8, "number"),
            _Column(t("文字コード", "Encoding"), 10),
            _Column(t("日時の書式", "Time format"), 20),
            _Column(t("最初", "First"), 19, "time"),
            _Column(t("最後", "Last"), 19, "time"),
            _Column(t("列の対応", "Columns"), 60, "wrap"),
            _Column(t("エラー", "Error"), 30, "wrap"),
        ]
        names = [
            *("source", "bytes", "lines", "records", "rejected", "blank", "encoding"),
            *("time_format", "first", "last", "columns", "error"),
        ]
        sheet = self._sheet("取込状況", "Inputs", t("取込状況", "Inputs"), "", len(f.inputs))
        rows = ([row[name] for name in names] for row in f.inputs)
        self._table(sheet, columns, rows, len(f.inputs))
        if f.rejects.num_rows == 0:
            return
        columns = [
            _Column(t("入力", "Source"), 40),
            _Column(t("行", "Line"), 10, "number"),
            _Column(t("理由", "Reason"), 12),
            _Column(t("記録の一部", "Excerpt"), 100),
        ]
        sheet = self._sheet(
            "読み取れなかった記録",
            "Rejects",
            t("読み取れなかった記録", "Rejected records"),
            "",
            f.rejects.num_rows,
        )
        rejected = (
            [row[n] for n in ("source", "line", "reason", "excerpt")]
            for batch in f.rejects.to_batches(max_chunksize=4096)
            for row in batch.to_pylist()
        )
        self._table(sheet, columns, rejected, f.rejects.num_rows)

    def policy(self) -> None:
        """設定: the policy, in words."""
        t = self._t
        columns = [
            _Column(t("区分", "Section"), 20),
            _Column(t("項目", "Item"), 40, "wrap"),
            _Column(t("内容", "Content"), 110, "wrap"),
        ]
        rows = policy_rows(self.facts)
        sheet = self._sheet("設定", "Policy", t("設定（ポリシー）", "Policy"), "")
        self._table(sheet, columns, rows, len(rows))

    # --- parts --------------------------------------------------------------------------------

    def _t(self, ja: str, en: str) -> str:
        return pick(self.lang, ja, en)

    def _cut(self, count: int) -> str:
        """What a sheet says that has not room for all the rows of its table."""
        return self._t(
            f"この表は {count:,} 行のうち、はじめの {self.room:,} "
            f"行です（シートに入りきりません）。"
            "残りは結果のファイル（CSV など）にあります。",
            f"These are the first {self.room:,} of {count:,} rows: a sheet holds no more. "
            "The rest is in the result's files.",
        )

    def _sheet(self, ja: str, en: str, title: str, note: str, count: int = 0) -> Worksheet:
        """A new sheet with its title and note, set up for paper, for a table of `count` rows."""
        sheet = self.book.add_worksheet(self._t(ja, en))
        # Row by row, a row's height before its cells: so it can be written with little memory.
        sheet.set_row(0, 22)
        sheet.write_string(0, 0, title, self.styles["title"])
        sheet.set_row(1, 16)
        if count > self.room:
            sheet.write_string(1, 0, self._cut(count), self.styles["warning"])
        else:
            sheet.write_string(1, 0, note, self.styles["note"])
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        sheet.set_header("&L" + title.replace("&", "&&") + "&R&D")
        sheet.set_footer(f"&L{self._t('取扱注意', 'Confidential')}&C&A&R&P / &N")
        sheet.hide_gridlines(2)
        return sheet

    def _table(
        self,
        sheet: Worksheet,
        columns: Sequence[_Column],
        rows: Iterable[Sequence[Any]],
        count: int,
    ) -> int:
        """A table with filter and frozen header; returns how many rows found room."""
        sheet.set_row(_HEAD - 1, 30)
        for at, column in enumerate(columns):
            sheet.set_column(at, at, column.width)
            sheet.write_string(_HEAD - 1, at, column.title, self.styles["header"])
        shown = min(count, self.room)
        for at, row in zip(range(shown), rows, strict=False):
            lines = max(
                (
                    _lines(str(value), column.width)
                    for column, value in zip(columns, row, strict=True)
                    if column.kind == "wrap" and value is not None
                ),
                default=1,
            )
            if lines > 1:
                # Excel would find the height itself; other programs cut the text.
                sheet.set_row(_HEAD + at, min(409, _LINE * lines + 2))
            for place, (column, value) in enumerate(zip(columns, row, strict=True)):
                self._put(sheet, _HEAD + at, place, value, column.kind)
        sheet.autofilter(_HEAD - 1, 0, _HEAD - 1 + max(shown, 1), len(columns) - 1)
        sheet.freeze_panes(_HEAD, 0)
        sheet.repeat_rows(_HEAD - 1)
        return shown

    def _put(self, sheet: Worksheet, row: int, column: int, value: Any, kind: str) -> None:
        style = self.styles[kind]
        if value is None:
            sheet.write_blank(row, column, None, style)
        elif isinstance(value, dt.datetime):
            sheet.write_datetime(row, column, value, style)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            sheet.write_number(row, column, value, style)
        else:
            text = self.styles["wrap"] if kind == "wrap" else self.styles["text"]
            sheet.write_string(row, column, cell_text(str(value)), text)
