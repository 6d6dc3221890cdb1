"""The same log under two names is counted twice, and a note says so."""

from __future__ import annotations

import gzip
import os
import shutil
import zipfile
from pathlib import Path

import pytest

import yokome

HEADER = "日時,職員番号,操作内容\n"
POLICY = yokome.Policy.from_dict({"rules": [{"id": "all", "kind": "match"}]})


def log(number: int, last: str = "op") -> bytes:
    """A log of so many records."""
    lines = [f"2026-04-01 09:{n // 60 % 60:02}:{n % 60:02},u{n % 7},op\n" for n in range(number)]
    return (HEADER + "".join(lines) + f"2026-04-01 10:00:00,u,{last}\n").encode()


def scan(sources: object, **options: object) -> yokome.ScanResult:
    return yokome.scan(sources, POLICY, **options)  # type: ignore[arg-type]


def said(result: yokome.ScanResult | yokome.Records, folder: Path) -> list[str]:
    """The Japanese notes on copies, without the folder; there are as many in English."""
    ja = [note for note in result.notes_ja if "内容が同じ" in note]
    assert len(ja) == sum("same content" in note for note in result.notes)
    return [note.replace(f"{folder}{os.sep}", "") for note in ja]


def written(folder: Path, names: str, content: bytes) -> Path:
    for name in names.split():
        (folder / name).write_bytes(content)
    return folder


TWO = "a.csv と b.csv は内容が同じです。記録を二重に数えています。片方を除いてやり直してください。"


def test_two_of_the_same_content_are_said_and_counted(tmp_path: Path) -> None:
    written(tmp_path, "a.csv b.csv", log(50))
    written(tmp_path, "c.csv", log(51))
    a, b, c = (tmp_path / f"{name}.csv" for name in "abc")
    for sources in ([a, b, c], [c, b, a], tmp_path, f"{tmp_path}/*.csv", [b, a], [a, b, a]):
        for threads in (1, 2):
            result = scan(sources, threads=threads)
            assert said(result, tmp_path) == [TWO], sources
            assert result.inputs["records"].to_pylist()[:2] == [51, 51]
    assert not said(scan([a, c]), tmp_path)
    assert not said(scan([a, a]), tmp_path)
    english = [note for note in scan([a, b]).notes if "same content" in note]
    assert english == [
        f"{a} and {b} have the same content: their records are counted twice. "
        "Leave one out and scan again."
    ]


def test_reading_says_it_too(tmp_path: Path) -> None:
    reader = yokome.read(written(tmp_path, "a.csv b.csv", log(5)))
    assert sum(batch.num_rows for batch in reader) == 12
    assert said(reader, tmp_path) == [TWO]


def test_more_than_two_are_one_group(tmp_path: Path) -> None:
    written(tmp_path, "a.csv b.csv d.csv", log(5))
    assert said(scan(tmp_path), tmp_path) == [
        "内容が同じファイルが 3 個あります（a.csv、b.csv、d.csv）。"
        "同じ記録を 3 回ずつ数えています。一つだけを残してやり直してください。"
    ]
    written(tmp_path, "e.csv f.csv g.csv", log(5))
    (note,) = said(scan(tmp_path), tmp_path)
    assert note.startswith(
        "内容が同じファイルが 6 個あります（a.csv、b.csv、d.csv、e.csv、f.csv ほか）。"
    )


def test_many_groups_are_not_all_named(tmp_path: Path) -> None:
    for n in range(6):
        written(tmp_path, f"{n}a.csv {n}b.csv", log(5 + n))
    notes = said(scan(tmp_path), tmp_path)
    named = [note.split(" は")[0] for note in notes[:3]]
    assert named == [f"{n}a.csv と {n}b.csv" for n in range(3)]
    assert notes[3:] == ["内容が同じファイルの組は、ほかに 3 組あります。"]


def test_the_same_length_alone_is_no_copy(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", log(9000, "op"))
    written(tmp_path, "b.csv", log(9000, "po"))
    assert not said(scan(tmp_path), tmp_path)
    written(tmp_path, "c.csv", log(9000, "po"))
    assert said(scan(tmp_path), tmp_path) == [TWO.replace("b.csv", "c.csv").replace("a.", "b.")]


def test_logs_without_records_are_no_copies(tmp_path: Path) -> None:
    written(tmp_path, "a.csv b.csv", HEADER.encode())
    written(tmp_path, "c.csv", log(1))
    assert not said(scan(tmp_path), tmp_path)


def test_compressed_files_are_compared_as_they_lie(tmp_path: Path) -> None:
    written(tmp_path, "a.csv.gz", gzip.compress(log(50), mtime=1))
    shutil.copy(tmp_path / "a.csv.gz", tmp_path / "b.csv.gz")
    assert said(scan(tmp_path), tmp_path) == [TWO.replace(".csv", ".csv.gz")]
    # Compressed at another time: another file, and so not noticed.
    written(tmp_path, "b.csv.gz", gzip.compress(log(50), mtime=2))
    assert not said(scan(tmp_path), tmp_path)


def test_members_are_compared_by_length_and_checksum(tmp_path: Path) -> None:
    for archive, names in (("x.zip", "a.csv c.csv"), ("y.zip", "b.csv")):
        with zipfile.ZipFile(tmp_path / archive, "w", zipfile.ZIP_DEFLATED) as out:
            for name in names.split():
                out.writestr(name, log(9, "po" if name == "c.csv" else "op"))
    both = TWO.replace("a.csv", "x.zip!a.csv").replace("b.csv", "y.zip!b.csv")
    assert said(scan(tmp_path), tmp_path) == [both]
    # A file beside its archive is not compared with the members.
    written(tmp_path, "c.csv", log(9, "po"))
    assert said(scan(tmp_path), tmp_path) == [both]


def test_copies_of_what_cannot_be_read_are_not_named(tmp_path: Path) -> None:
    written(tmp_path, "a.csv b.csv", b"no,columns\n1,2\n")
    written(tmp_path, "c.csv", log(1))
    assert not said(scan(tmp_path, skip_unreadable=True), tmp_path)


def test_a_state_still_refuses_them(tmp_path: Path) -> None:
    written(tmp_path, "a.csv b.csv", log(5))
    with pytest.raises(yokome.StateError, match=r"b.csv has been scanned into this state already"):
        scan(tmp_path, state=tmp_path / "state")
    (tmp_path / "b.csv").unlink()
    assert not said(scan(tmp_path, state=tmp_path / "state"), tmp_path)
