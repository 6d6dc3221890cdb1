"""``run.json`` and ``yokome verify``: whatever changed since is noticed, nothing else is."""

from __future__ import annotations

import codecs
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from reporting import log

import yokome
from yokome import cli
from yokome.evidence import RUN, verify

HEADER = "日時,職員番号,端末番号,操作内容,処理結果,個人番号参照\r\n"
ROWS = (
    '2026/04/06 22:00:00,あ1,"P\r\n①C",検索,失敗,あり\r\n'
    '2026/04/06 22:00:01,=2,"say ""x""",検索,失敗,あり\r\n'
    "2026/04/06 22:00:02,～－∥,PC,検索,失敗,あり"
)


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")


def scan(source: Path, out: Path, *options: str) -> None:
    assert (
        cli.main(["scan", str(source), "--out", str(out), "--evidence", "--quiet", *options]) == 0
    )


@pytest.mark.parametrize("format", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16", "euc_jisx0213"])
def test_every_flagged_record_is_found_again(
    tmp_path: Path, format: str, packed: bool, encoding: str
) -> None:
    data = (HEADER + ROWS).encode(encoding)
    source = tmp_path / ("log.csv.gz" if packed else "log.csv")
    source.write_bytes(gzip.compress(data) if packed else data)
    scan(source, tmp_path / "out", "--format", format)
    found = verify(tmp_path / "out")
    assert found.problems == []
    assert (found.sources, found.records, found.unchecked) == (1, 3, 0)


def test_undecodable_bytes_are_found_again(tmp_path: Path) -> None:
    source = tmp_path / "log.csv"
    row = "2026/04/06 22:00:00,あ1,PC,検索,失敗,あり\r\n".encode("cp932")
    broken = row.replace(b"PC", b"P\xfd\x81\x20C")
    source.write_bytes(HEADER.encode("cp932") + row * 3 + broken)
    scan(source, tmp_path / "out", "--encoding", "cp932")
    found = verify(tmp_path / "out")
    assert found.problems == []
    assert found.records > 0


def test_run_json_says_what_was_done(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[[rules]]\nid = "all"\nkind = "match"\nwhere = { result = "failure" }\n', encoding="utf-8"
    )
    source = log(tmp_path / "log.csv")
    scan(source, tmp_path / "out", "--policy", str(policy), "--to", "2026-04-06")
    run = json.loads((tmp_path / "out" / RUN).read_text(encoding="utf-8"))
    assert run["yokome"] == {"run": 1}
    assert run["versions"]["yokome"] == yokome.__version__
    assert run["options"]["to"] == "2026-04-06"
    assert run["policy"]["file"] == str(policy)
    assert run["pseudonyms"] is None
    [one] = run["sources"]
    assert (one["source"], one["bytes"]) == (str(source), source.stat().st_size)
    names = {row["name"] for row in run["outputs"]}
    assert names == {path.name for path in (tmp_path / "out").iterdir()} - {RUN}
    assert verify(tmp_path / "out").fine


def replace(path: Path, old: str, new: str) -> None:
    data = path.read_bytes()
    assert old.encode() in data
    path.write_bytes(data.replace(old.encode(), new.encode(), 1))


@pytest.fixture
def done(tmp_path: Path) -> Path:
    policy = tmp_path / "policy.toml"
    policy.write_text('[calendar]\nhours = "08:30-17:15"\n', encoding="utf-8")
    scan(log(tmp_path / "log.csv"), tmp_path / "out", "--policy", str(policy))
    return tmp_path / "out"


def problems(directory: Path) -> list[str]:
    return [en for _, en in verify(directory).problems]


def test_a_changed_result_is_noticed(done: Path) -> None:
    replace(done / "findings.csv", "denied-burst", "denied-Burst")
    assert problems(done) == ["findings.csv: not as recorded"]


def test_a_missing_result_is_noticed(done: Path) -> None:
    (done / "rejects.csv").unlink()
    assert problems(done) == ["rejects.csv: missing"]


def test_a_changed_source_is_noticed(done: Path) -> None:
    source = done.parent / "log.csv"
    replace(source, "横目　花子", "横目　太郎")
    assert problems(done) == [f"{source}: not as recorded"]


def test_a_missing_source_is_noticed(done: Path) -> None:
    (done.parent / "log.csv").unlink()
    assert problems(done) == [f"{done.parent / 'log.csv'}: missing"]


def test_a_changed_policy_is_noticed(done: Path) -> None:
    replace(done.parent / "policy.toml", "17:15", "18:15")
    assert problems(done) == [f"{done.parent / 'policy.toml'}: changed since the scan"]


def forge(directory: Path, name: str, old: str, new: str) -> None:
    """Change a result and its digest in run.json, as someone with a purpose would."""
    from yokome.evidence import _digest

    replace(directory / name, old, new)
    run: Any = json.loads((directory / RUN).read_text(encoding="utf-8"))
    row = next(row for row in run["outputs"] if row["name"] == name)
    row["bytes"], row["sha256"] = _digest(directory / name)
    (directory / RUN).write_text(json.dumps(run), encoding="utf-8")


def test_a_record_that_is_not_in_the_log_is_noticed(done: Path) -> None:
    forge(done, "flagged.csv", "2026/04/07 10:04:00", "2026/04/07 10:05:00")
    [problem] = problems(done)
    assert "line 36: the flagged record is not what the log has" in problem


def test_a_policy_in_the_summary_that_was_not_applied_is_noticed(done: Path) -> None:
    forge(done, "summary.json", "at_least = 5", "at_least = 6")
    assert problems(done) == ["the policy in summary.json: not as recorded"]


def test_a_source_that_changes_during_the_scan_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = log(tmp_path / "log.csv")
    from yokome import output

    real = output.write_result

    def slow(*arguments: Any, **options: Any) -> None:
        real(*arguments, **options)
        with source.open("ab") as file:
            file.write(b"\r\n")

    monkeypatch.setattr(output, "write_result", slow)
    out = tmp_path / "out"
    assert cli.main(["scan", str(source), "--out", str(out), "--evidence"]) == 1
    assert "it changed while it was scanned" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"yokome": {"run": 2}, "outputs": [], "sources": []}']
)
def test_what_is_no_run_json_is_one_message(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / RUN).write_text(text, encoding="utf-8")
    assert cli.main(["verify", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("yokome: error: ")
    assert error.count("\n") == 1


def test_without_run_json_the_command_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["verify", str(tmp_path), "--lang", "ja"]) == 1
    assert "--evidence で書き出します" in capsys.readouterr().err


def test_the_command_says_what_it_checked(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", str(done), "--lang", "ja"]) == 0
    assert "一致: 結果のファイル 10 個、入力 1 個、該当行" in capsys.readouterr().out
    replace(done / "findings.csv", "denied-burst", "denied-Burst")
    assert cli.main(["verify", str(done), "--quiet"]) == 1
    assert "findings.csv: not as recorded" in capsys.readouterr().out


def test_names_in_run_json_do_not_lead_out_of_the_directory(done: Path, tmp_path: Path) -> None:
    run: Any = json.loads((done / RUN).read_text(encoding="utf-8"))
    run["outputs"][0]["name"] = os.path.join("..", "log.csv")
    (done / RUN).write_text(json.dumps(run), encoding="utf-8")
    assert any("missing" in problem for problem in problems(done))


def test_a_byte_order_mark_is_not_part_of_a_record(tmp_path: Path) -> None:
    # No header: the first record stands behind the mark.
    source = tmp_path / "log.csv"
    row = "2026/04/06 22:00:00,a,PC,検索,失敗,あり\r\n"
    source.write_bytes(codecs.BOM_UTF8 + (row * 3).encode())
    columns = ("time", "user", "terminal", "operation", "result", "references")
    options = [o for n, c in enumerate(columns, 1) for o in ("--column", f"{c}={n}")]
    scan(source, tmp_path / "out", "--no-header", *options)
    assert verify(tmp_path / "out").problems == []
