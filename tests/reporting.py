"""A scan to report on, small and hostile."""

from __future__ import annotations

from pathlib import Path

HEADER = "日時,職員番号,職員名,所属,端末番号,業務名,操作内容,処理結果,個人番号参照,宛名番号"

# Cells that a spreadsheet, an XML or an HTML reader might take for more than text.
HOSTILE = (
    '=HYPERLINK("http://x","y")',
    "+1+1",
    "@SUM(A1)",
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "\x1b[31m赤\x07",
    "_x0041_",
    "\ufffe\uffff",
    "﻿=1",
    'it\'s "quoted" & <b>bold</b>',
)


def log(path: Path, *, extra: int = 0) -> Path:
    """A log with findings under several rules, hostile texts in every column, and a bad record."""
    lines = [HEADER]

    def add(time: str, user: str, name: str, operation: str, result: str, subject: str) -> None:
        cells = [time, user, name, "税務課", "PC-1", "住民記録", operation, result, "あり", subject]
        lines.append(",".join('"' + cell.replace('"', '""') + '"' for cell in cells))

    for n, text in enumerate(HOSTILE):
        for minute in range(3):
            add(f"2026/04/06 22:{n:02}:{minute:02}", text, text, "検索", "失敗", text)
    for minute in range(5):
        add(f"2026/04/07 10:{minute:02}:00", "00123", "横目　花子", "検索", "成功", "0049500216")
    for n in range(extra):
        add(f"2026/04/08 20:{n // 60:02}:{n % 60:02}", f"u{n:04}", "甲", "印刷", "成功", f"{n:07}")
    lines.append("いつか,00123,横目　花子,税務課,PC-1,住民記録,検索,成功,あり,1")
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")
    return path
