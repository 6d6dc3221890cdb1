"""The workbook: complete, adding up, safe to open, ready to be filled in and printed."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from reporting import HOSTILE, log

import yokome
from yokome.lang import Lang
from yokome.report import make_reports
from yokome.report.facts import gather
from yokome.report.workbook import CELL, OUTCOMES, cell_text, workbook

SHEETS = {
    "ja": [
        "概要",
        "確認一覧",
        "対象記録",
        "職員別",
        "時間帯",
        "取込状況",
        "読み取れなかった記録",
        "設定",
    ],
    "en": ["Overview", "Findings", "Records", "Users", "Hours", "Inputs", "Rejects", "Policy"],
}


@pytest.fixture
def result(tmp_path: Path) -> yokome.ScanResult:
    return yokome.scan(log(tmp_path / "log.csv"))


def book(result: yokome.ScanResult, lang: Lang = "ja", **options: Any) -> Any:
    [(name, data)] = make_reports(result, ["xlsx"], lang, **options)
    assert name == "report.xlsx"
    return openpyxl.load_workbook(io.BytesIO(data))


def table(sheet: Any) -> list[dict[str, Any]]:
    """The rows of a sheet's table, under its header."""
    rows = list(sheet.iter_rows(min_row=3, values_only=True))
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_sheets_are_there_in_both_languages(result: yokome.ScanResult, lang: Lang) -> None:
    assert book(result, lang).sheetnames == SHEETS[lang]


def test_every_finding_and_every_flagged_record_is_listed(result: yokome.ScanResult) -> None:
    made = book(result)
    findings = table(made["確認一覧"])
    assert [f["No."] for f in findings] == list(range(1, result.findings.num_rows + 1))
    assert [f["識別番号"] for f in findings] == result.findings.column("finding").to_pylist()
    records = table(made["対象記録"])
    assert [r["行"] for r in records] == result.flagged.column("line").to_pylist()
    numbers = {f["識別番号"]: f["No."] for f in findings}
    assert [r["所見 No."] for r in records] == [
        numbers[f] for f in result.flagged.column("finding").to_pylist()
    ]


def test_findings_are_explained_and_ranked_in_words(result: yokome.ScanResult) -> None:
    findings = table(book(result)["確認一覧"])
    columns = ("days_evaluated", "days_as_strong")
    shares = zip(*(result.findings.column(name).to_pylist() for name in columns), strict=True)
    for finding, (of, strong) in zip(findings, shares, strict=True):
        assert f"延べ {of:,} 人日のうち {strong:,} 人日" in finding["説明"]
    assert [f["まれさ"] for f in findings] == sorted((f["まれさ"] for f in findings), reverse=True)
    assert isinstance(findings[0]["日時"], dt.datetime)


def test_the_overview_begins_with_what_to_check_first(result: yokome.ScanResult) -> None:
    facts = gather(result, "ja")
    rows = list(book(result)["概要"].iter_rows(max_col=2, values_only=True))
    first = [row for row in rows if str(row[0]).startswith("No. ")]
    assert len(first) == min(5, len(facts.findings))
    for row, finding in zip(first, facts.findings, strict=False):
        assert row[0].endswith(finding.title)
        assert finding.explanation.what in row[1]
    assert ("ログに書かれた個人番号", "見付かりませんでした") in rows


def test_the_figures_add_up(result: yokome.ScanResult) -> None:
    made = book(result)
    o = result.overview
    rows = [row for row in made["概要"].iter_rows(values_only=True) if row[0] is not None]
    labelled = {str(row[0]).strip(): row for row in rows}
    seen = labelled["記録（読み取れたもの + 読み取れなかったもの）"][1]
    accepted, rejected = labelled["読み取れた記録"][1], labelled["読み取れなかった記録"][1]
    assert (seen, accepted, rejected) == (o.seen, o.accepted, o.rejected)
    assert seen == accepted + rejected
    rules = [row for row in rows if str(row[0])[0] in "①②③④⑤"]
    findings = sum(row[2] for row in rules if isinstance(row[2], int))
    flagged = sum(row[3] for row in rules if isinstance(row[3], int))
    assert (findings, flagged) == labelled["合計"][2:4] == (o.findings, o.flagged)
    inputs = table(made["取込状況"])
    assert sum(row["読み取れた記録"] for row in inputs) == accepted
    assert len(table(made["読み取れなかった記録"])) == rejected == 1
    hours = list(made["時間帯"].iter_rows(min_row=4, max_row=10, min_col=2, values_only=True))
    assert sum(sum(row[:24]) for row in hours) == accepted
    assert all(sum(row[:24]) == row[24] for row in hours)
    users = table(made["職員別"])
    assert sum(row["該当行"] for row in users) == o.flagged


def test_nothing_from_the_log_is_a_formula_and_edited_it_stays_text(
    result: yokome.ScanResult,
) -> None:
    made = book(result)
    kinds = {cell.data_type for sheet in made for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    risky = [
        cell
        for sheet in made
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, str) and cell.value.lstrip("﻿")[:1] in ("=", "+", "@")
    ]
    assert risky
    assert all(cell.quotePrefix for cell in risky)


def test_hostile_texts_are_shown_as_they_are(result: yokome.ScanResult) -> None:
    shown = {str(row["職員番号"]) for row in table(book(result)["対象記録"])}
    assert "_x0041_" in shown
    assert '=HYPERLINK("http://x","y")' in shown
    assert {cell_text(text) for text in HOSTILE} <= shown
    assert cell_text("\x1b[31m赤\x07\x7f\x9f\ufffe") == "␛[31m赤␇␡\ufffd\ufffd"


def test_every_part_is_well_formed_xml_without_links(result: yokome.ScanResult) -> None:
    [(_, data)] = make_reports(result, ["xlsx"], "ja")
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        assert parts.testzip() is None
        for name in parts.namelist():
            text = parts.read(name)
            ElementTree.fromstring(text)  # noqa: S314 - our own file
            assert b"TargetMode" not in text, name
        assert not [n for n in parts.namelist() if "externalLink" in n or n.endswith(".bin")]


def test_a_long_text_is_cut_with_a_mark() -> None:
    assert len(cell_text("あ" * 40_000)) == CELL
    assert cell_text("あ" * 40_000).endswith("…")
    assert cell_text("あ" * CELL) == "あ" * CELL


def test_the_check_columns_are_empty_with_choices(result: yokome.ScanResult) -> None:
    sheet = book(result)["確認一覧"]
    for row in table(sheet):
        assert [row[c] for c in ("確認結果", "確認者", "確認日", "所見")] == [None] * 4
    choices, dates = sheet.data_validations.dataValidation
    assert choices.formula1 == '"' + ",".join(ja for ja, _ in OUTCOMES) + '"'
    last = 3 + result.findings.num_rows
    assert str(choices.sqref) == f"I4:I{last}"
    assert (dates.type, str(dates.sqref)) == ("date", f"K4:K{last}")
    titles = [cell.value for cell in sheet[3]]
    assert (titles[8], titles[10]) == ("確認結果", "確認日")


def test_tables_have_filters_frozen_headers_and_paper(result: yokome.ScanResult) -> None:
    made = book(result)
    for sheet in made:
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        assert sheet.page_setup.fitToWidth in (None, 1)  # one, unsaid
        assert sheet.page_setup.fitToHeight == 0
        if sheet.title in ("概要", "時間帯"):
            continue
        assert sheet.freeze_panes == "A4", sheet.title
        assert sheet.auto_filter.ref.startswith("A3:"), sheet.title
        assert sheet.print_title_rows == "$3:$3", sheet.title


def test_top_limits_what_is_listed_never_what_is_counted(result: yokome.ScanResult) -> None:
    made = book(result, top=2)
    findings = table(made["確認一覧"])
    assert len(findings) == 2
    assert (
        f"全 {result.overview.findings:,} 件のうち、はじめの 2 件" in made["確認一覧"]["A2"].value
    )
    assert {r["所見 No."] for r in table(made["対象記録"])} == {1, 2}
    assert len(table(made["職員別"])) == 2
    text = "".join(str(c.value) for row in made["概要"].iter_rows() for c in row)
    assert f"{result.overview.findings:,} 件の所見" in text


def test_more_rows_than_a_sheet_holds_are_cut_with_a_note(tmp_path: Path) -> None:
    facts = gather(yokome.scan(log(tmp_path / "log.csv", extra=50)), "ja")
    made = openpyxl.load_workbook(io.BytesIO(workbook(facts, rows=23)))
    for name, count in (
        ("確認一覧", facts.overview.findings),
        ("対象記録", facts.overview.flagged),
    ):
        assert len(table(made[name])) == 20
        assert made[name].max_row == 23
        assert f"この表は {count:,} 行のうち、はじめの 20 行です" in made[name]["A2"].value


def test_a_large_workbook_says_the_same_in_little_memory(result: yokome.ScanResult) -> None:
    facts = gather(result, "ja")
    rich, lean = (
        openpyxl.load_workbook(io.BytesIO(workbook(facts, many=many))) for many in (10**9, 0)
    )
    for sheet in rich:
        other = lean[sheet.title]
        ours, theirs = ([c.value for row in s.iter_rows() for c in row] for s in (sheet, other))
        # This reader does not undo the escape of "_x0041_" in the texts that stand in the cells.
        assert ours == [v.replace("_x005F_", "_") if isinstance(v, str) else v for v in theirs]
        heights = [{n: d.height for n, d in s.row_dimensions.items()} for s in (sheet, other)]
        assert heights[0] == heights[1]


def test_a_result_without_findings_makes_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "日時,職員番号,端末番号,操作内容\n2026/04/07 10:00:00,a,PC,検索\n", encoding="utf-8"
    )
    made = book(yokome.scan(path))
    assert table(made["確認一覧"]) == []
    assert "所見はありません" in made["概要"]["A2"].value


def test_the_same_result_gives_the_same_bytes(result: yokome.ScanResult) -> None:
    assert make_reports(result, ["xlsx"], "ja") == make_reports(result, ["xlsx"], "ja")


def test_a_missing_library_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    from yokome.report import check_libraries

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(yokome.MissingLibraryError, match="XlsxWriter"):
        check_libraries(["xlsx"])


def test_words_of_the_program_are_translated_and_those_of_the_log_are_not(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "日時,職員番号,端末番号,操作内容,処理結果,個人番号参照\n"
        "2026/04/05 10:00:00,a,failure,success,NG,あり\n"
        "いつか,a,PC,検索,OK,あり\n",
        encoding="utf-8",
    )
    made = book(yokome.scan(path))
    row = table(made["対象記録"])[0]
    assert (row["端末"], row["操作"], row["処理結果"]) == ("failure", "success", "失敗")
    assert row["個人番号参照"] == "あり"
    assert table(made["読み取れなかった記録"])[0]["理由"] == "日時を読めない（time）"
    assert "日時＝日時、職員番号＝職員番号" in table(made["取込状況"])[0]["列の対応"]
    items = {row["項目"] for row in table(made["設定"])}
    assert {"印刷（print）", "成功"} <= items
