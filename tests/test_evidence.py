"""``run.json`` and ``yokome verify``: whatever changed since is noticed, nothing else is."""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import json
import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
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
    size = (done / "findings.csv").stat().st_size
    assert problems(done) == [f"findings.csv: not as recorded ({size:,} bytes still)"]
    [advice] = verify(done).advice
    assert "控えから戻し" in advice[0]


def test_a_missing_result_is_noticed(done: Path) -> None:
    (done / "rejects.csv").unlink()
    assert problems(done) == ["rejects.csv: missing"]
    assert "  → Files of the result were changed or removed" in verify(done).text("en")[1]


def test_what_became_longer_is_said_with_its_sizes(done: Path) -> None:
    path = done / "findings.csv"
    before = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"x" * 1000)
    [(ja, en)] = verify(done).problems
    assert en.endswith(f"({before:,} bytes then, {before + 1000:,} bytes now)")
    assert ja.endswith(f"（書き出したときは {before:,} バイト、いまは {before + 1000:,} バイト）")


def test_a_workbook_that_was_filled_in_is_expected_to_differ(tmp_path: Path) -> None:
    out = tmp_path / "out"
    scan(log(tmp_path / "log.csv"), out, "--report", "xlsx")
    with (out / "report.xlsx").open("ab") as file:
        file.write(b"filled in")
    found = verify(out)
    assert not found.fine
    [(ja, en)] = found.advice
    assert "別の名前で保存し" in ja
    assert "expected to differ" in en


def test_a_policy_that_changed_is_no_fault_of_the_result(done: Path) -> None:
    replace(done.parent / "policy.toml", "17:15", "17:30")
    found = verify(done)
    assert [en.endswith("changed since the scan") for _, en in found.problems] == [True]
    assert "scan again for a result by the policy as it is now" in found.advice[0][1]


def test_a_changed_source_is_noticed(done: Path) -> None:
    source = done.parent / "log.csv"
    replace(source, "横目　花子", "横目　太郎")
    size = source.stat().st_size
    # Nothing that was flagged is on that line.
    flagged = flagged_of(done)
    found = verify(done)
    assert problems(done) == [f"{source}: not as recorded ({size:,} bytes still)"]
    assert (found.records, found.different, found.unreachable) == (flagged, 0, 0)
    [advice] = verify(done).advice
    assert "分析したときのログを控えから戻して" in advice[0]


def flagged_of(out: Path) -> int:
    with (out / "flagged.csv").open(encoding="utf-8-sig", newline="") as stream:
        return len(list(csv.DictReader(stream)))


@pytest.mark.parametrize("format", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_changed_digit_is_told_by_its_line(tmp_path: Path, format: str, packed: bool) -> None:
    def write(data: bytes) -> None:
        source.write_bytes(gzip.compress(data, mtime=0) if packed else data)

    source = tmp_path / ("log.csv.gz" if packed else "log.csv")
    data = (HEADER + ROWS).encode()
    write(data)
    scan(source, tmp_path / "out", "--format", format)
    write(data.replace(b"22:00:01", b"22:00:07"))
    found = verify(tmp_path / "out")
    assert [en for _, en in found.problems][1:] == [
        f"{source}: 1 of 3 flagged records are not what the log has (the first is that of line 4)"
    ]
    assert found.problems[1][0] == (
        f"{source}：該当行 3 件のうち 1 件の記録が元のログと違います（最初は 4 行目）"
    )
    assert found.problems[0][1].startswith(f"{source}: not as recorded (")
    assert (found.sources, found.records, found.different, found.unreachable) == (0, 2, 1, 0)
    [advice] = found.advice
    assert "A log was changed" in advice[1]
    # A line that was put in moves all that is behind it; what was cut off is nowhere.
    write(data.replace(b"2026/04/06 22:00:01", b"x\r\n2026/04/06 22:00:01"))
    assert verify(tmp_path / "out").problems[1][1].endswith("(the first is that of line 4)")
    assert verify(tmp_path / "out").different == 2
    write(data[:-30])
    assert verify(tmp_path / "out").different == 1
    write(b"")
    found = verify(tmp_path / "out")
    assert (found.records, found.different, found.unreachable) == (0, 3, 0)
    if packed:  # what cannot be read is not compared
        source.write_bytes(gzip.compress(data)[:30])
        found = verify(tmp_path / "out")
        assert found.unreachable > 0
        assert "cannot be read again" in found.problems[1][1]


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


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("outputs", "bytes", None),
        ("outputs", "bytes", "12"),
        ("outputs", "name", 3),
        ("sources", "bytes", []),
        ("sources", "path", 1),
    ],
)
def test_a_run_json_of_other_values_is_one_message(
    done: Path, table: str, key: str, value: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run: Any = json.loads((done / RUN).read_text(encoding="utf-8"))
    run[table][0][key] = value
    (done / RUN).write_text(json.dumps(run), encoding="utf-8")
    assert cli.main(["verify", str(done)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("yokome: error: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"policy": {"toml": 1}}', b"\xff\xfe"])
def test_a_summary_that_is_none_any_more_is_noticed(done: Path, text: bytes) -> None:
    (done / "summary.json").write_bytes(text)
    assert problems(done)[1:] == ["the policy in summary.json: not as recorded"]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.decode("utf-8-sig").encode("cp932", "replace"),  # as Excel saves it
        lambda text: text.replace(b",36,", b",x,"),
        lambda text: text.split(b"\n")[0].replace(b"offset", b"place") + b"\na,b\n",
        lambda text: text.split(b"\n")[0] + b"\na,b\n",
    ],
)
def test_flagged_rows_that_are_none_any_more_are_noticed(
    done: Path, change: Callable[[bytes], bytes]
) -> None:
    flagged = done / "flagged.csv"
    before = flagged.read_bytes()
    flagged.write_bytes(change(before))
    assert flagged.read_bytes() != before
    recorded, compared = problems(done)
    assert recorded.startswith("flagged.csv: not as recorded")
    assert compared == "flagged.csv: not what was written, so the flagged rows cannot be compared"


def test_without_run_json_the_command_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["verify", str(tmp_path), "--lang", "ja"]) == 1
    assert "--evidence を付けて書き出した" in capsys.readouterr().err


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


# --- archives and other compressed sources --------------------------------------------------------


def archive(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def run_of(out: Path) -> Any:
    return json.loads((out / RUN).read_text(encoding="utf-8"))


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """An archive of two logs, and of what nobody would call one."""
    data = log(tmp_path / "log.csv", extra=50).read_bytes()
    members = {"4月/税務.csv": data, "b!c.csv": (HEADER + ROWS).encode("cp932"), ".hidden": b"x"}
    return archive(tmp_path / "logs!.zip", members)


@pytest.mark.parametrize("format", ["csv", "parquet", "arrow"])
def test_records_of_members_are_found_again(two: Path, tmp_path: Path, format: str) -> None:
    out = tmp_path / "out"
    scan(two, out, "--format", format)
    [row] = run_of(out)["sources"]
    assert row == {
        "source": str(two),
        "path": str(two),
        "bytes": two.stat().st_size,
        "sha256": hashlib.sha256(two.read_bytes()).hexdigest(),
        "members": ["4月/税務.csv", "b!c.csv"],
    }
    found = verify(out)
    flagged = json.loads((out / "summary.json").read_text(encoding="utf-8"))["totals"]["flagged"]
    assert flagged > 50
    assert found.problems == []
    assert (found.sources, found.records) == (1, flagged)
    assert (found.unchecked, found.unreachable, found.unread) == (0, 0, [])


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_one_member_by_name_is_recorded_alone(two: Path, tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(two) as file:
        members = {name: file.read(name) for name in file.namelist()}
    archive(two, members, method)
    scan(Path(f"{two}!b*"), tmp_path / "out")
    [row] = run_of(tmp_path / "out")["sources"]
    assert (row["source"], row["members"]) == (str(two), ["b!c.csv"])
    assert verify(tmp_path / "out").problems == []
    assert verify(tmp_path / "out").records == 3


def test_names_of_members_in_cp932_are_found_again(tmp_path: Path) -> None:
    name = "操作表.csv"
    path = archive(
        tmp_path / "a.zip", {"x" * len(name.encode("cp932")): log(tmp_path / "l").read_bytes()}
    )
    raw = name.encode("cp932")
    path.write_bytes(path.read_bytes().replace(b"x" * len(raw), raw))
    scan(path, tmp_path / "out")
    assert run_of(tmp_path / "out")["sources"][0]["members"] == [name]
    found = verify(tmp_path / "out")
    assert found.problems == []
    assert found.records > 0


def test_a_changed_archive_is_noticed(two: Path, tmp_path: Path) -> None:
    scan(two, tmp_path / "out")
    flagged = verify(tmp_path / "out").records
    with zipfile.ZipFile(two) as file:
        members = {name: file.read(name) for name in file.namelist()}
    archive(two, members | {"b!c.csv": members["b!c.csv"].replace(b"PC", b"pc")})
    found = verify(tmp_path / "out")
    [(ja, en), (_, differ)] = found.problems
    assert ja.startswith(f"{two}：記録した内容と違います（")
    assert en.startswith(f"{two}: not as recorded (")
    assert differ == (
        f"{two}!b!c.csv: 1 of 3 flagged records are not what the log has "
        "(the first is that of line 5)"
    )
    assert (found.records, found.different, found.unreachable) == (flagged - 1, 1, 0)
    two.unlink()
    found = verify(tmp_path / "out")
    assert (found.records, found.different, found.unreachable) == (0, 0, flagged)
    assert f"{flagged:,} flagged rows (see above" in found.text("en")[-1]
    assert [en for _, en in verify(tmp_path / "out").problems] == [f"{two}: missing"]


def forge_archive(out: Path, path: Path) -> None:
    run = run_of(out)
    data = path.read_bytes()
    run["sources"][0] |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (out / RUN).write_text(json.dumps(run), encoding="utf-8")


def test_a_record_that_is_not_in_the_member_is_noticed(two: Path, tmp_path: Path) -> None:
    scan(two, tmp_path / "out")
    with zipfile.ZipFile(two) as file:
        members = {name: file.read(name) for name in file.namelist()}
    other = members["b!c.csv"].replace(b"22:00:02", b"22:00:03")
    archive(two, members | {"b!c.csv": other})
    forge_archive(tmp_path / "out", two)
    found = verify(tmp_path / "out")
    assert [en for _, en in found.problems] == [
        f"{two}!b!c.csv, line 5: the flagged record is not what the log has"
    ]


def test_a_member_that_cannot_be_read_again_is_said(two: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    scan(two, out)
    flagged = verify(out).records
    with zipfile.ZipFile(two) as file:
        members = {name: file.read(name) for name in file.namelist()}
    archive(two, {name: data for name, data in members.items() if name != "b!c.csv"})
    forge_archive(out, two)
    found = verify(out)
    [(ja, en)] = found.problems
    assert en.startswith(f"{two}!b!c.csv: the flagged records cannot be read again")
    assert ja.startswith(f"{two}!b!c.csv：該当行の記録を読み直せません")
    assert (found.records, found.unreachable) == (flagged - 3, 3)
    # One that the run does not record is no source to believe.
    archive(two, members)
    forge_archive(out, two)
    run = run_of(out)
    run["sources"][0]["members"].remove("b!c.csv")
    (out / RUN).write_text(json.dumps(run), encoding="utf-8")
    found = verify(out)
    assert [en for _, en in found.problems] == [
        f"{two}!b!c.csv: there are flagged rows of it, but it is not recorded as a source"
    ]
    assert (found.records, found.unreachable) == (flagged - 3, 3)


@pytest.mark.parametrize("packing", ["gzip", "zstd", "zip"])
def test_long_compressed_sources_are_read_once_through(tmp_path: Path, packing: str) -> None:
    rng = random.Random(2)  # noqa: S311
    lines = [
        f"2026/04/{1 + n // 1000:02} 12:{n % 60:02}:00,u{n % 7},PC{rng.random()},検索,"
        f"{'失敗' if rng.random() < 0.05 else '成功'},あり\r\n"
        for n in range(28_000)
    ]
    data = (HEADER + "".join(lines)).encode()
    assert len(data) > 1 << 20
    source = tmp_path / f"log.csv.{ {'gzip': 'gz', 'zstd': 'zst', 'zip': 'zip'}[packing] }"
    if packing == "zip":
        archive(source, {"a.csv": data})
    else:
        pack = gzip.compress if packing == "gzip" else zstandard.ZstdCompressor().compress
        source.write_bytes(pack(data))
    scan(source, tmp_path / "out")
    found = verify(tmp_path / "out")
    assert found.problems == []
    assert found.records > 1000


def test_records_before_damage_are_found_again_and_unreadable_sources_are_named(
    tmp_path: Path,
) -> None:
    data = log(tmp_path / "log.csv", extra=3000).read_bytes()
    (tmp_path / "log.csv").unlink()
    logs = tmp_path / "logs"
    logs.mkdir()
    packed = gzip.compress(data)
    (logs / "cut.csv.gz").write_bytes(packed[: len(packed) // 2])
    (logs / "whole.csv").write_bytes(data)
    damaged = archive(logs / "damaged.zip", {"a.csv": data}).read_bytes()
    (logs / "damaged.zip").write_bytes(damaged[:-100])
    (logs / "gone.csv").symlink_to("nowhere")
    scan(logs, tmp_path / "out", "--skip-unreadable")
    run = run_of(tmp_path / "out")
    names = [Path(row["source"]).name for row in run["sources"]]
    assert names == ["cut.csv.gz", "damaged.zip", "whole.csv"]
    assert [row["source"] for row in run["unread"]] == [str(logs / "gone.csv")]
    found = verify(tmp_path / "out")
    assert found.problems == []
    flagged = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert found.records == flagged["totals"]["flagged"]
    assert found.unread == [str(logs / "gone.csv")]
    assert str(logs / "gone.csv") in found.text("ja")[-1]


@pytest.mark.parametrize("change", ["gone", "member", "other"])
def test_an_archive_that_changes_during_the_scan_stops_it(
    two: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: str,
) -> None:
    from yokome import output

    real = output.write_result

    def slow(*arguments: Any, **options: Any) -> None:
        real(*arguments, **options)
        if change == "gone":
            two.unlink()
        else:
            data = log(tmp_path / "l", extra=60).read_bytes()
            archive(two, {"4月/税務.csv" if change == "member" else "other.csv": data})

    monkeypatch.setattr(output, "write_result", slow)
    out = tmp_path / "out"
    assert cli.main(["scan", str(two), "--out", str(out), "--evidence"]) == 1
    error = capsys.readouterr().err
    assert str(two) in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_a_table_that_is_not_of_the_result_is_not_looked_at(done: Path) -> None:
    (done / "flagged.parquet").write_bytes(b"no table")
    assert verify(done).problems == []


@pytest.mark.parametrize(
    "sources",
    [[{"sha256": "x", "members": [3]}], [{"sha256": "x", "members": 3}]],
)
def test_members_that_are_no_names_are_one_message(done: Path, sources: list[Any]) -> None:
    run = run_of(done)
    run["sources"] = sources
    (done / RUN).write_text(json.dumps(run), encoding="utf-8")
    with pytest.raises(yokome.YokomeError, match=RUN):
        verify(done)
