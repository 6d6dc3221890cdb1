"""What the result stands on: the inputs, what could not be read, the policy."""

from __future__ import annotations

from yokome.report.texts import columns_words, policy_rows, reason_words
from yokome.report.workbook.paper import Column, Paper

__all__ = ["inputs", "policy"]


def inputs(p: Paper) -> None:
    """取込状況: inputs, then rejects."""
    t, f = p.t, p.facts
    columns = [
        Column(t("入力", "Source"), 40, "wrap"),
        Column(t("バイト", "Bytes"), 14, "number"),
        Column(t("行", "Lines"), 11, "number"),
        Column(t("読み取れた記録", "Accepted"), 11, "number"),
        Column(t("読み取れなかった記録", "Rejected"), 11, "number"),
        Column(t("空行", "Blank"), 8, "number"),
        Column(t("文字コード", "Encoding"), 10),
        Column(t("日時の書式", "Time format"), 20),
        Column(t("最初", "First"), 19, "time"),
        Column(t("最後", "Last"), 19, "time"),
        Column(t("列の対応", "Columns"), 60, "wrap"),
        Column(t("エラー", "Error"), 30, "wrap"),
    ]
    names = [
        *("source", "bytes", "lines", "records", "rejected", "blank", "encoding"),
        *("time_format", "first", "last", "columns", t("error_ja", "error")),
    ]
    sheet = p.sheet("取込状況", "Inputs", t("取込状況", "Inputs"), "", len(f.inputs))
    inputs = (row | {"columns": columns_words(row["columns"], p.lang)} for row in f.inputs)
    rows = ([row[name] for name in names] for row in inputs)
    p.table(sheet, columns, rows, len(f.inputs))
    if f.rejects.num_rows == 0:
        return
    columns = [
        Column(t("入力", "Source"), 40),
        Column(t("行", "Line"), 10, "number"),
        Column(t("理由", "Reason"), 34),
        Column(t("記録の一部", "Excerpt"), 100),
    ]
    sheet = p.sheet(
        "読み取れなかった記録",
        "Rejects",
        t("読み取れなかった記録", "Rejected records"),
        "",
        f.rejects.num_rows,
    )
    rejected = (
        [row["source"], row["line"], reason_words(row["reason"], p.lang), row["excerpt"]]
        for batch in f.rejects.to_batches(max_chunksize=4096)
        for row in batch.to_pylist()
    )
    p.table(sheet, columns, rejected, f.rejects.num_rows)


def policy(p: Paper) -> None:
    """設定: the policy, in words."""
    t = p.t
    columns = [
        Column(t("区分", "Section"), 20),
        Column(t("項目", "Item"), 40, "wrap"),
        Column(t("内容", "Content"), 110, "wrap"),
    ]
    rows = policy_rows(p.facts)
    sheet = p.sheet("設定", "Policy", t("設定（ポリシー）", "Policy"), "")
    p.table(sheet, columns, rows, len(rows))
