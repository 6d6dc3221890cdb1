"""Promises kept under damage, odd paths and odd arguments, whatever the threads and chunk sizes."""

from __future__ import annotations

import gzip
import os
import signal
import time
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import yokome

HEADER = "日時,職員番号,操作内容\n"
LINE = "2026-04-01 09:00:00,u,op\n"


@pytest.mark.parametrize("chunk_size", [100, 1000, 1 << 16, None])
def test_what_stands_before_the_damage_is_read(tmp_path: Path, chunk_size: int | None) -> None:
    lines = [
        f"2026-04-01 {s // 3600:02}:{s // 60 % 60:02}:{s % 60:02},u{s % 7},op\n"
        for s in range(40000)
    ]
    data = gzip.compress((HEADER + "".join(lines)).encode())
    cut = data[: len(data) * 3 // 4]
    text = zlib.decompressobj(31).decompress(cut)
    (tmp_path / "a.csv.gz").write_bytes(cut)
    result = yokome.scan(tmp_path / "a.csv.gz", skip_unreadable=True, chunk_size=chunk_size)
    (row,) = result.inputs.to_pylist()
    assert row["error"]
    assert row["records"] == text.count(b"\n") - 1
    assert row["rejected"] == (not text.endswith(b"\n"))
    assert set(result.rejects.column("reason").to_pylist()) <= {"cut"}


def test_strict_tells_the_first_bad_record_whatever_the_threads(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEADER + LINE * 50 + "".join(f"bad {n},u,op\n" for n in range(300)))
    for chunk_size in (20, len(LINE)):
        for _ in range(100):
            got = 0
            with pytest.raises(yokome.StrictError, match=r"a\.csv:52: .*bad 0,"):  # noqa: PT012
                for batch in yokome.read(path, strict=True, threads=8, chunk_size=chunk_size):
                    got += batch.num_rows
            assert got == 50


class Enough(Exception):
    """What a signal raises here."""


def test_a_signal_ends_the_wait_for_a_batch(tmp_path: Path) -> None:
    """In a source of blank lines no batch comes: only the wait itself can look for signals."""
    path = tmp_path / "a.csv.gz"
    blank = gzip.compress(b"\n" * (64 << 20))
    path.write_bytes(gzip.compress(HEADER.encode()) + blank * 400)
    reading = yokome.read(path, max_ratio=10**6)

    def stop(*_: object) -> None:
        raise Enough

    before = signal.signal(signal.SIGALRM, stop)
    try:
        began = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Enough):
            list(reading)
        # (To its end it is 25 GB.)
        assert time.monotonic() - began < 5
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_who_breaks_off_may_go_on(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEADER + LINE * 500)
    reading = yokome.read(path, chunk_size=200)
    lines: list[int] = []
    for _ in range(3):
        for batch in reading:
            lines += batch.column("line").to_pylist()
            break
    for batch in reading:
        lines += batch.column("line").to_pylist()
    assert lines == list(range(2, 502))
    assert list(reading) == []


def text_stream(*batches: list[str]) -> pa.RecordBatchReader:
    schema = pa.schema([("time", pa.string()), ("user", pa.string())])
    made = [
        pa.record_batch([pa.array(b), pa.array(["u"] * len(b))], schema=schema) for b in batches
    ]
    return pa.RecordBatchReader.from_batches(schema, made)


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize(
    ("batches", "wanted"),
    [
        ([["13/02/2019 10:00:00"], *[["02/03/2019 10:00:00"]] * 20], (21, 0)),
        ([["02/03/2019 10:00:00"], ["13/02/2019 10:00:00"]], (2, 0)),
        ([["13/02/2019 10:00:00"], *[["n/a"]] * 20], (1, 20)),
        ([[""], [], ["2019/02/03 10:00:00"]], (1, 1)),
    ],
)
def test_the_batches_of_a_stream_do_not_tell_its_time_format(
    batches: list[list[str]], wanted: tuple[int, int], threads: int
) -> None:
    for _ in range(20):
        (row,) = yokome.scan(text_stream(*batches), threads=threads).inputs.to_pylist()
        assert (row["records"], row["rejected"]) == wanted
        assert row["lines"] == sum(map(len, batches))


@pytest.mark.parametrize(
    "ms", [253402300800000, -62135596800001, 2**62, -(2**62), (2**31 - 1) * 86400000]
)
def test_a_time_that_no_calendar_has_is_a_rejected_record(ms: int) -> None:
    table = pa.table({"time": pa.array([0, ms, None], pa.timestamp("ms")), "user": ["a"] * 3})
    result = yokome.scan(table)
    assert result.rejects.column("line").to_pylist() == [2, 3]
    assert result.overview.seen == 3


def test_a_zoned_time_before_the_first_year_does_not_stop_a_scan(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEADER + LINE + "0001-01-01 00:00:00+14:00,u,op\n")
    assert yokome.scan(path).rejects.column("line").to_pylist() == [3]


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "euc-jp"])
@pytest.mark.parametrize("before", [1, 2, 3, 5])
def test_a_character_cut_by_the_heads_end_tells_nothing(
    tmp_path: Path, encoding: str, before: int
) -> None:
    head = b"time,user,operation\n"
    row = b"2026-04-01 09:00:00,u,op\n"
    data = head + row * ((256 * 1024 - len(head)) // len(row) - 2) + b"2026-04-01 09:00:00,u,"
    data += b"x" * (256 * 1024 - before - len(data)) + ("あいう検索" * 30 + "\n").encode(encoding)
    data += "2026-04-01 09:00:01,職員,検索閲覧印刷\n".encode(encoding) * 3000
    (tmp_path / "a.csv").write_bytes(data)
    (told,) = yokome.scan(tmp_path / "a.csv").inputs.to_pylist()
    assert (told["encoding"], told["replaced"]) == (encoding, 0)


def test_links_in_circles_end(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + LINE)
    for name in "xyz":
        (tmp_path / name).symlink_to(".")
    assert yokome.scan(tmp_path).inputs.num_rows == 1


def test_a_link_counts_by_the_first_name_however_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(HEADER + LINE)
    (tmp_path / "a.csv").symlink_to("b.csv")
    given = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    found = [
        yokome.scan(paths).inputs.column("source").to_pylist() for paths in (given, given[::-1])
    ]
    assert found[0] == found[1]


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(yokome.InputError, match="not a regular file"):
        yokome.scan(tmp_path / "a.csv")


def test_a_glob_finds_names_that_are_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + LINE)
    with open(os.path.join(os.fsencode(tmp_path), b"\x83\x8d\x83O.csv"), "w") as file:
        file.write(HEADER + LINE)
    assert yokome.scan(str(tmp_path / "*.csv")).inputs.num_rows == 2


def test_categories_of_numbers_are_the_numbers() -> None:
    table = pa.table(
        {
            "time": pa.array([0, 1], pa.timestamp("ms")),
            "user": pa.array([101.0, 102.0]).dictionary_encode(),
            "terminal": pa.array([None, None], pa.string()).dictionary_encode(),
        }
    )
    rules = {"rules": [{"id": "m", "kind": "match"}]}
    found = yokome.scan(table, yokome.Policy.from_dict(rules)).by_user.column("user").to_pylist()
    assert found == ["101", "102"]


@pytest.mark.parametrize("how", [{"chunk_size": 2**62}, {"batch_size": 2**63}, {"threads": 2**62}])
def test_large_arguments_are_no_crash(tmp_path: Path, how: dict[str, Any]) -> None:
    (tmp_path / "a.csv").write_text(HEADER + LINE)
    assert yokome.scan(tmp_path / "a.csv", **how).inputs.num_rows == 1


def test_values_that_read_the_same_have_findings_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    users = [b"\xfd", b"\xfe", b"\xff", b"\xa0"]
    lines = [
        b"2026-04-01 09:00:00,%s\n" % u for n, u in enumerate(users) for _ in range(30 * (4 - n))
    ]
    path.write_bytes("日時,職員番号\n".encode("cp932") + b"".join(lines))
    policy = yokome.Policy.from_dict({"rules": [{"id": "m", "kind": "match"}]})
    seen = set()
    for _ in range(50):
        result = yokome.scan(path, policy, encoding="cp932", threads=8, chunk_size=700)
        assert len(set(result.findings.column("finding").to_pylist())) == 4
        records = str(result.findings.column("records").to_pylist())
        seen.add((records, str(result.by_user.column("flagged").to_pylist())))
    assert len(seen) == 1


def test_cells_that_hardly_come_again_together_stay_what_they_are(tmp_path: Path) -> None:
    """Cells side by side are looked up together until that is no gain: nothing may change then."""
    lines = ["日時,職員番号,端末番号,操作内容,処理結果"]
    lines += [
        f"2026/04/01 09:00:00,{n % 997:04},T{n}{'長い端末の名前' * (n % 5)},操作{n % 7},成功"
        for n in range(90_000)
    ]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    table = pa.table(yokome.read(path, threads=1))
    for name, at in (("user", 1), ("terminal", 2), ("operation", 3)):
        assert table.column(name).to_pylist() == [line.split(",")[at] for line in lines[1:]]
    assert set(table.column("result").to_pylist()) == {"success"}
