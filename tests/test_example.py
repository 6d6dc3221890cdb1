"""The guidance's example: twelve records, and exactly the table of the specification."""

from __future__ import annotations

import codecs
import gzip
from datetime import datetime
from pathlib import Path

import oracle
import pytest
from default_policy import DEFAULT_POLICY, DEFAULT_RULES, EXAMPLE_TABLE, NOT_EVALUABLE
from observe import japanese_holiday, outcome_of, read_records, record_of, rows
from rendering import PACKINGS

import yokome

COLUMNS = {"time", "user", "terminal", "operation", "result", "references"}


def variants(text: str) -> dict[str, bytes]:
    """The example's text, written in every manner."""
    return {
        "utf-8": text.encode(),
        "utf-8 with mark": codecs.BOM_UTF8 + text.encode(),
        "utf-8, CRLF": text.replace("\n", "\r\n").encode(),
        "utf-8, no final newline": text.rstrip("\n").encode(),
        "cp932": text.encode("cp932"),
        "cp932, CRLF, tabs": text.replace("\n", "\r\n").replace(",", "\t").encode("cp932"),
        "cp932, all quoted": "".join(
            '"' + line.replace(",", '","') + '"\r\n' for line in text.splitlines()
        ).encode("cp932"),
        "utf-16 little end first": codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
        "utf-16 big end first": codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
        "euc-jp": text.encode("euc_jp"),
        "gzip": gzip.compress(text.encode()),
        "gzip of cp932": gzip.compress(text.encode("cp932")),
        "gzip of utf-16": gzip.compress(codecs.BOM_UTF16_LE + text.encode("utf-16-le")),
        **{
            f"{packing} of cp932": pack(text.encode("cp932"))
            for packing, (_, pack, _) in PACKINGS.items()
        },
    }


def table_of(result: yokome.ScanResult) -> dict[int, dict[str, int]]:
    """Line -> rule -> observed."""
    table: dict[int, dict[str, int]] = {}
    for row in rows(result.flagged):
        table.setdefault(row["line"], {})[row["rule"]] = row["observed"]
    return table


def check(result: yokome.ScanResult) -> None:
    """Exactly the specification's table, and nothing else."""
    assert table_of(result) == EXAMPLE_TABLE
    assert result.flagged.num_rows == sum(map(len, EXAMPLE_TABLE.values()))
    summary = {row["rule"]: row for row in rows(result.summary)}
    assert list(summary) == [rule["id"] for rule in DEFAULT_RULES]
    assert [row["viewpoint"] for row in summary.values()] == [
        rule["viewpoint"] for rule in DEFAULT_RULES
    ]
    assert [row["kind"] for row in summary.values()] == [rule["kind"] for rule in DEFAULT_RULES]
    for rule in NOT_EVALUABLE:
        assert summary[rule]["evaluated"] == 0
        assert summary[rule]["not_evaluable"] > 0
    assert summary["repeat-subject"]["reason"]
    for rule, row in summary.items():
        assert (row["reason"] is None) or rule in NOT_EVALUABLE
        assert row["title_ja"]
        assert row["title_en"]
    (counts,) = rows(result.inputs)
    assert (counts["records"], counts["rejected"], counts["blank"], counts["lines"]) == (
        12,
        0,
        0,
        13,
    )


@pytest.mark.parametrize("name", ["ppc_example.csv", "ppc_example.cp932.csv"])
def test_the_example_as_committed(data: Path, name: str) -> None:
    check(yokome.scan(data / name))


def test_every_manner_of_writing_it_gives_the_same(data: Path, tmp_path: Path) -> None:
    text = (data / "ppc_example.csv").read_text(encoding="utf-8")
    for number, (manner, content) in enumerate(variants(text).items()):
        suffix = ".csv.gz" if manner.startswith("gzip") else ".csv"
        path = tmp_path / f"example{number}{suffix}"
        path.write_bytes(content)
        for chunk_size in (None, 1, 50):
            check(yokome.scan(path, chunk_size=chunk_size))


def test_the_example_from_a_frame(data: Path) -> None:
    import pandas as pd
    import polars as pl

    frame = pd.read_csv(data / "ppc_example.csv", dtype=str)
    assert [row["rule"] for row in rows(yokome.scan(frame).flagged)] == [
        row["rule"] for row in rows(yokome.scan(data / "ppc_example.csv").flagged)
    ]
    polars_frame = pl.read_csv(data / "ppc_example.csv", infer_schema=False)
    assert yokome.scan(polars_frame).flagged.num_rows == sum(map(len, EXAMPLE_TABLE.values()))


def test_the_oracle_agrees_with_every_figure(data: Path) -> None:
    path = data / "ppc_example.csv"
    records = [record_of(row) for row in read_records(yokome.read(path))]
    wanted = oracle.scan(records, DEFAULT_POLICY, holidays=japanese_holiday, columns=COLUMNS)
    got = outcome_of(yokome.scan(path))
    # Without a `references` column the default policy would assume it; this log has one.
    assert got == wanted


def test_flagged_rows_explain_themselves(data: Path) -> None:
    path = data / "ppc_example.csv"
    listed = rows(yokome.scan(path).flagged)
    (row,) = [r for r in listed if r["line"] == 6 and r["rule"] == "terminal-hopping"]
    text = path.read_text(encoding="utf-8").splitlines()[5]
    assert row["raw"] == text
    assert row["offset"] == path.read_bytes().index(text.encode())
    assert row["source"] == str(path)
    assert row["time"] == datetime(2019, 2, 4, 8, 30, 18)
    assert row["since"] == datetime(2019, 2, 4, 8, 20, 18)
    assert (row["observed"], row["threshold"], row["active_days"]) == (3, 3.0, None)
    assert (row["viewpoint"], row["user"], row["result"]) == (2, "オサム", "failure")
    assert (row["references"], row["subject"], row["user_name"]) == (True, None, None)
    (burst,) = [r for r in listed if r["line"] == 11]
    assert burst["since"] == datetime(2019, 2, 4, 8, 30, 18)


def test_the_default_policy_is_the_policy_when_none_is_given(data: Path) -> None:
    path = data / "ppc_example.csv"
    default = yokome.Policy.default()
    assert [rule["id"] for rule in default.rules] == [rule["id"] for rule in DEFAULT_RULES]
    for policy in (
        default,
        yokome.Policy.from_toml(default.to_toml()),
        yokome.Policy.from_dict({}),
    ):
        check(yokome.scan(path, policy))
