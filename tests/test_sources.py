"""What a source may be: gzip, zstd and zip archives; what is refused, and how damage is told."""

from __future__ import annotations

import gzip
import io
import re
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import zstandard
from observe import rows

import yokome

HEADER = "日時,職員番号,操作内容\n"
LINE = "2026-04-01 09:00:00,u,op\n"
LOG = (HEADER + LINE * 3).encode()
POLICY = yokome.Policy.from_dict({"rules": [{"id": "all", "kind": "match"}]})

zstd = zstandard.ZstdCompressor(write_checksum=True).compress


def many_lines(number: int) -> bytes:
    """A log of so many different lines."""
    return (
        HEADER
        + "".join(
            f"2026-04-01 {s // 3600 % 24:02}:{s // 60 % 60:02}:{s % 60:02},"
            f"u{s % 7},{s * s % 9973}\n"
            for s in range(number)
        )
    ).encode()


@dataclass
class Member:
    """A member of an archive, with anything that can be wrong with it."""

    name: bytes
    data: bytes
    method: int = 8
    flags: int = 0
    crc: int | None = None
    size: int | None = None

    def packed(self) -> bytes:
        """Its bytes in the archive."""
        if self.method == 8:
            made = zlib.compressobj(wbits=-15)
            return made.compress(self.data) + made.flush()
        return zstd(self.data) if self.method == 93 else self.data


def archive_of(*members: Member) -> bytes:
    """A zip archive, byte by byte."""
    body, central = b"", b""
    for member in members:
        packed = member.packed()
        crc = zlib.crc32(member.data) if member.crc is None else member.crc
        size = len(member.data) if member.size is None else member.size
        common = struct.pack(
            "<5H3I2H",
            *(20, member.flags, member.method, 0, 0x21),
            *(crc, len(packed), size, len(member.name), 0),
        )
        central += b"PK\x01\x02" + struct.pack("<H", 20) + common
        central += struct.pack("<3H2I", 0, 0, 0, 0, len(body)) + member.name
        body += b"PK\x03\x04" + common + member.name + packed
    end = struct.pack(
        "<4s4H2IH", b"PK\x05\x06", 0, 0, *[len(members)] * 2, len(central), len(body), 0
    )
    return body + central + end


def written(path: Path, members: dict[str, bytes], **how: Any) -> Path:
    """An archive as Python writes it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **how) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def sources(result: yokome.ScanResult, archive: Path) -> dict[str, int]:
    """Records by member."""
    return {
        str(row["source"]).removeprefix(f"{archive}!"): row["records"]
        for row in rows(result.inputs)
    }


def errors(result: yokome.ScanResult) -> dict[str, str]:
    """What is wrong, by the file's or member's last name."""
    return {re.split("[!/]", row["source"])[-1]: row["error"] for row in rows(result.inputs)}


def scan(source: Any, **how: Any) -> yokome.ScanResult:
    return yokome.scan(source, POLICY, **how)


# --- zstd ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        zstd(LOG),
        b"".join(map(zstd, (LOG[:30], b"", LOG[30:]))),
        b"\x50\x2a\x4d\x18\x02\x00\x00\x00hi" + zstd(LOG) + b"\x5f\x2a\x4d\x18\x00\x00\x00\x00",
    ],
    ids=["one frame", "frames", "frames to skip"],
)
@pytest.mark.parametrize("name", ["a.csv.zst", "a.zst", "a.csv"])
def test_zstd_is_read_whatever_its_name(tmp_path: Path, data: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(data)
    result = scan(tmp_path)
    assert rows(result.inputs)[0]["records"] == 3
    assert rows(result.inputs)[0]["bytes"] == len(data)
    assert rows(result.flagged)[2]["offset"] == len((HEADER + LINE * 2).encode())


@pytest.mark.parametrize("chunk_size", [100, 1 << 16, None])
def test_of_zstd_cut_short_what_stands_before_is_read(
    tmp_path: Path, chunk_size: int | None
) -> None:
    path = tmp_path / "a.csv.zst"
    data = zstandard.ZstdCompressor().compress(many_lines(200_000))
    path.write_bytes(data[: len(data) * 3 // 4])
    with pytest.raises(yokome.InputError, match=r"a\.csv\.zst: the file is cut short"):
        scan(path)
    with path.open("rb") as file:
        reader = zstandard.ZstdDecompressor().stream_reader(file)
        text = b"".join(iter(lambda: reader.read(1 << 16), b""))
    result = scan(path, skip_unreadable=True, chunk_size=chunk_size)
    (row,) = rows(result.inputs)
    assert "cut short" in row["error"]
    assert row["records"] == text.count(b"\n") - 1
    assert rows(result.rejects)[0]["reason"] == "cut"


@pytest.mark.parametrize("damage", ["checksum", "block", "tail"])
def test_damaged_zstd_is_told(tmp_path: Path, damage: str) -> None:
    data = bytearray(zstd(many_lines(200_000)))
    if damage == "tail":
        data += b"what is this"
    elif damage == "checksum":
        data[-1] ^= 1
    else:
        middle = len(data) // 2
        data[middle : middle + 300] = bytes(300)
    path = tmp_path / "a.csv.zst"
    path.write_bytes(data)
    with pytest.raises(yokome.InputError, match=r"a\.csv\.zst: the compressed data is damaged"):
        scan(path)
    result = scan(path, skip_unreadable=True)
    assert 50_000 < rows(result.inputs)[0]["records"] <= 200_000
    assert any("a.csv.zst" in note for note in result.notes)


# --- zip: which members --------------------------------------------------------------------------


def test_an_archive_is_all_of_its_logs(tmp_path: Path) -> None:
    members = {
        "b.csv": LOG,
        "月次/a.txt": LOG,
        "月次/": b"",
        "readme": LOG,
        "__MACOSX/._b.csv": b"\0\1",
        ".hidden.csv": b"\0",
        "月次/.x/a.csv": b"\0",
        "Thumbs.db": b"\0",
    }
    path = written(tmp_path / "logs.zip", members)
    result = scan(path)
    assert sources(result, path) == {"b.csv": 3, "readme": 3, "月次/a.txt": 3}
    assert {row["source"] for row in rows(result.flagged)} == {
        f"{path}!{name}" for name in ("b.csv", "readme", "月次/a.txt")
    }
    (note,) = (note for note in result.notes if "__MACOSX" in note)
    assert f"{path}!.hidden.csv" in note
    assert sources(scan(tmp_path), path) == sources(result, path)  # in a folder too
    with zipfile.ZipFile(path) as archive:
        packed = {name: archive.getinfo(name).compress_size for name in members}
    assert {row["source"]: row["bytes"] for row in rows(result.inputs)} == {
        f"{path}!{name}": packed[name] for name in sources(result, path)
    }


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("*.csv", ["a.csv", "sub/b.csv"]),
        ("sub/*", ["sub/b.csv", "sub/c.txt"]),
        ("a.csv", ["a.csv"]),
        ("[x].txt", ["[x].txt"]),
        ("?[!b].csv", []),
        ("[!s]*", ["[x].txt", "a.csv"]),
        ("", ["[x].txt", "a.csv", "sub/b.csv", "sub/c.txt"]),
        (".hidden.csv", [".hidden.csv"]),
    ],
)
def test_members_are_chosen_by_name_or_glob(
    tmp_path: Path, pattern: str, wanted: list[str]
) -> None:
    members = dict.fromkeys(["a.csv", "sub/b.csv", "sub/c.txt", "[x].txt", ".hidden.csv"], LOG)
    path = written(tmp_path / "logs.zip", members)
    given = f"{path}!{pattern}"
    if wanted:
        assert sorted(sources(scan(given), path)) == wanted
        assert sorted(sources(scan(str(tmp_path / "l*.zip!") + pattern), path)) == wanted
    else:
        with pytest.raises(yokome.InputNotFoundError):
            scan(given)


def test_a_glob_that_matches_no_member_tells_what_there_is(tmp_path: Path) -> None:
    names = [f"log{n}.txt" for n in range(9)]
    path = written(tmp_path / "logs.zip", dict.fromkeys(names, LOG))
    with pytest.raises(FileNotFoundError, match=r"log0\.txt, .* and 4 more") as raised:
        scan(f"{path}!*.csv")
    assert isinstance(raised.value, yokome.InputNotFoundError)
    assert raised.value.source == f"{path}!*.csv"
    assert raised.value.message_ja is not None
    assert "log0.txt" in raised.value.message_ja
    with pytest.raises(yokome.InputNotFoundError, match="no such file"):
        scan(f"{tmp_path}/other.zip!*.csv")
    with pytest.raises(ValueError, match="malformed glob"):
        scan(f"{path}!a[")


def test_some_archives_of_a_glob_may_have_no_match(tmp_path: Path) -> None:
    written(tmp_path / "a.zip", {"x.csv": LOG})
    written(tmp_path / "b.zip", {"x.txt": b"\0"})
    assert scan(f"{tmp_path}/*.zip!*.csv").inputs.num_rows == 1


def test_a_file_whose_name_has_an_exclamation_mark_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a!b.csv").write_bytes(LOG)
    (tmp_path / "log2.csv").write_bytes(LOG)
    assert scan(tmp_path / "a!b.csv").inputs.num_rows == 1
    assert scan(f"{tmp_path}/log[!1].csv").inputs.num_rows == 1


def test_a_member_named_twice_is_read_once(tmp_path: Path) -> None:
    path = written(tmp_path / "logs.zip", {"a.csv": LOG, "b.csv": LOG})
    for given in ([path, f"{path}!a.csv"], [f"{path}!a.csv", path], [f"{path}!*", f"{path}!?.csv"]):
        result = scan(given)
        assert sources(result, path) == {"a.csv": 3, "b.csv": 3}
        assert any("once" in note or "一度だけ" in note for note in result.notes)


@pytest.mark.parametrize(
    ("raw", "flags", "name"),
    [
        ("操作ログ.csv".encode("cp932"), 0, "操作ログ.csv"),
        ("能力表/ソ.csv".encode("cp932"), 0, "能力表/ソ.csv"),  # bytes that are backslashes
        ("出力\\操作.csv".encode("cp932"), 0, "出力/操作.csv"),
        ("ﾛｸﾞ.csv".encode("cp932"), 0, "ﾛｸﾞ.csv"),
        ("操作ログ.csv".encode(), 0x800, "操作ログ.csv"),
        ("操作ログ.csv".encode(), 0, "操作ログ.csv"),
        ("\ue000外字.csv".encode("cp932"), 0, "\ue000外字.csv"),
    ],
)
def test_names_of_members_are_read_as_they_were_written(
    tmp_path: Path, raw: bytes, flags: int, name: str
) -> None:
    path = tmp_path / "logs.zip"
    path.write_bytes(archive_of(Member(raw, LOG, flags=flags)))
    assert sources(scan(path), path) == {name: 3}
    assert sources(scan(f"{path}!{name}"), path) == {name: 3}


def test_archives_in_every_make_are_read(tmp_path: Path) -> None:
    path = tmp_path / "logs.zip"
    log = many_lines(1000)

    class Pipe(io.RawIOBase):
        """Cannot seek: sizes come behind the members."""

        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", log)
    large = io.BytesIO()
    with (
        zipfile.ZipFile(large, "w") as archive,
        archive.open("a.csv", "w", force_zip64=True) as member,
    ):
        member.write(log)
    commented = written(tmp_path / "c.zip", {"a.csv": log})
    with zipfile.ZipFile(commented, "a") as archive:
        archive.comment = b"PK\x05\x06 is no end"
    methods = [archive_of(Member(b"a.csv", log, method)) for method in (0, 8, 93)]
    for data in (pipe.data, large.getvalue(), commented.read_bytes(), *methods):
        path.write_bytes(data)
        assert sources(scan(path), path) == {"a.csv": 1000}


# --- zip: what is refused ------------------------------------------------------------------------


def tar_of(data: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        info = tarfile.TarInfo("a.csv")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return made.getvalue()


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (Member(b"x", LOG, flags=1), "encrypted"),
        (Member(b"x", LOG, method=12), "method 12"),
        (Member(b"x", LOG, method=9), "method 9"),
        (Member(b"x", gzip.compress(LOG)), "archive in an archive"),
        (Member(b"x", zstd(LOG)), "archive in an archive"),
        (Member(b"x", archive_of(Member(b"y", LOG)), method=0), "zip archive"),
        (Member(b"x", tar_of(LOG)), "tar archive"),
        (Member(b"x", b"%PDF-1.7"), "a PDF"),
        (Member(b"x", b""), "empty"),
        (Member(b"x", b"\0\1\2"), "binary"),
    ],
)
def test_members_that_are_no_logs_are_refused(tmp_path: Path, member: Member, message: str) -> None:
    path = tmp_path / "logs.zip"
    path.write_bytes(archive_of(Member(b"a.csv", LOG), member))
    for given in (path, f"{path}!x"):
        with pytest.raises(yokome.InputError, match=message) as raised:
            scan(given)
        assert raised.value.source == f"{path}!x"
    result = scan(path, skip_unreadable=True)
    assert sources(result, path) == {"a.csv": 3, "x": 0}
    assert message in errors(result)["x"]
    assert scan(f"{path}!*.csv").inputs.num_rows == 1


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.zip", archive_of(), "no log in this archive"),
        ("a.zip", archive_of(Member(b"__MACOSX/a", b"")), "no log in this archive"),
        ("a.xlsx", archive_of(Member(b"[Content_Types].xml", b"<x/>")), "Excel"),
        ("a.zip", archive_of(Member(b"a", LOG), Member(b"a", LOG)), "several members of one name"),
        ("a.csv.gz", gzip.compress(gzip.compress(LOG)), "compressed twice"),
        ("a.tgz", gzip.compress(tar_of(LOG)), "tar archive"),
        ("a.csv.gz", gzip.compress(archive_of(Member(b"a", LOG))), "zip archive"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(99), "7z"),
        ("a.lzh", b"\x24\xf2-lh5-" + bytes(99), "LZH"),
        ("a.bz2", b"BZh91AY&SY" + bytes(99), "bzip2"),
        ("a.xz", b"\xfd7zXZ\0" + bytes(99), "xz"),
    ],
)
def test_files_that_are_no_logs_are_refused(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(yokome.InputError, match=message) as raised:
        scan(path)
    assert raised.value.source == str(path)
    result = yokome.scan(path, skip_unreadable=True)
    assert any(message in (error or "") for error in errors(result).values())


# --- zip: damage ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [0, 8, 93])
@pytest.mark.parametrize("chunk_size", [1000, None])
def test_a_wrong_checksum_is_told_behind_the_records(
    tmp_path: Path, method: int, chunk_size: int | None
) -> None:
    path = tmp_path / "logs.zip"
    member = Member(b"b.csv", many_lines(40_000), method, crc=5)
    path.write_bytes(archive_of(Member(b"a.csv", LOG), member))
    with pytest.raises(yokome.InputError, match="CRC-32") as raised:
        scan(path)
    assert raised.value.source == f"{path}!b.csv"
    result = scan(path, skip_unreadable=True, chunk_size=chunk_size)
    assert sources(result, path) == {"a.csv": 3, "b.csv": 40_000}
    assert "CRC-32" in errors(result)["b.csv"]


@pytest.mark.parametrize("wrong", [-1000, 1000])
@pytest.mark.parametrize("method", [0, 8, 93])
def test_a_wrong_size_is_told(tmp_path: Path, method: int, wrong: int) -> None:
    path = tmp_path / "logs.zip"
    log = many_lines(40_000)
    path.write_bytes(archive_of(Member(b"b.csv", log, method, size=len(log) + wrong)))
    with pytest.raises(yokome.InputError, match=r"longer than the archive says|are missing"):
        scan(path)


@pytest.mark.parametrize("method", [0, 8, 93])
def test_an_archive_cut_short_gives_what_is_left(tmp_path: Path, method: int) -> None:
    path = tmp_path / "logs.zip"
    log = many_lines(200_000)
    members = [Member(b"a.csv", LOG), Member(b"b.csv", log, method), Member(b"c.csv", LOG)]
    whole = archive_of(*members)
    path.write_bytes(whole[: len(archive_of(*members[:2])) * 2 // 3])
    with pytest.raises(yokome.InputError, match=r"cut short.*a\.csv, b\.csv") as raised:
        scan(path)
    assert raised.value.source == str(path)
    result = scan(path, skip_unreadable=True)
    assert errors(result)["a.csv"] is None
    assert "cut short" in errors(result)["b.csv"]
    assert "list of members" in errors(result)["logs.zip"]
    found = sources(result, path)
    assert found["a.csv"] == 3
    assert 100_000 < found["b.csv"] < 200_000
    assert set(result.rejects.column("reason").to_pylist()) == {"cut"}
    with pytest.raises(yokome.InputError, match="cut short"):
        scan(f"{path}!b.csv")
    path.write_bytes(whole[:20])
    with pytest.raises(yokome.InputError, match="cut short"):
        scan(path)


def test_a_list_that_points_nowhere_is_told(tmp_path: Path) -> None:
    path = tmp_path / "logs.zip"
    data = bytearray(archive_of(Member(b"a.csv", LOG)))
    data[:4] = b"PK\x03\x05"
    path.write_bytes(b"PK\x03\x04" + data[4:])
    at = data.index(b"PK\x01\x02") + 42
    data[:4] = b"PK\x03\x04"
    data[at : at + 4] = struct.pack("<I", 7)
    path.write_bytes(data)
    with pytest.raises(yokome.InputError, match="damaged") as raised:
        scan(path)
    assert str(path) in str(raised.value.source)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip"])
def test_of_a_small_damaged_file_the_records_are_kept_too(tmp_path: Path, name: str) -> None:
    data = bytearray(PACKED[name](LOG))
    if name == "a.zip":
        data[data.index(b"PK\x01\x02") + 16] ^= 1  # the checksum in the list of members
    else:
        data[-5] ^= 1
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(yokome.InputError, match="damaged"):
        scan(path)
    (row,) = rows(scan(path, skip_unreadable=True).inputs)
    assert "damaged" in row["error"]
    assert row["records"] == 3


# --- bombs ---------------------------------------------------------------------------------------


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "a.csv.gz": gzip.compress,
    "a.csv.zst": zstd,
    "a.zip": lambda data: archive_of(Member(b"a.csv", data)),
}


@pytest.fixture(scope="module")
def repetitive() -> bytes:
    """80 MiB of a log whose lines are all the same."""
    line = ("2026-04-01 09:00:00,u," + "x" * 10_000 + "\n").encode()
    return HEADER.encode() + line * ((80 << 20) // len(line))


@pytest.mark.parametrize("name", list(PACKED))
def test_what_decompresses_to_too_much_is_given_up(
    tmp_path: Path, repetitive: bytes, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(PACKED[name](repetitive))
    with pytest.raises(yokome.InputError, match=r"a\.csv.*more than 20 times.*--max-ratio"):
        scan(path, max_ratio=20)
    # What came before is kept, whatever the chunks and threads.
    found = [
        everything
        for how in ({}, {"chunk_size": 50_000, "threads": 1})
        if (everything := rows(scan(path, max_ratio=20, skip_unreadable=True, **how).inputs))
    ]
    assert found[0] == found[1]
    (row,) = found[0]
    assert 6000 < row["records"] < 8000
    assert row["rejected"] == 1
    (whole,) = rows(scan(path, max_ratio=10**6).inputs)
    assert whole["error"] is None
    assert whole["records"] == repetitive.count(b"\n") - 1
    with pytest.raises(yokome.InputError, match="more than 20 times"):
        for _ in yokome.read(path, max_ratio=20):
            pass


def test_the_usual_ratio_lets_logs_through_and_stops_bombs(
    tmp_path: Path, repetitive: bytes
) -> None:
    path = tmp_path / "a.csv.zst"
    path.write_bytes(zstd(repetitive))
    with pytest.raises(yokome.InputError, match="more than 1000 times"):
        scan(path)
    path.write_bytes(zstd(repetitive[: 50 << 20]))  # not enough to do harm
    assert rows(scan(path).inputs)[0]["error"] is None
    path.write_bytes(gzip.compress(many_lines(300_000)))
    assert rows(scan(path, max_ratio=1).inputs)[0]["error"] is None


def test_a_ratio_is_a_positive_number(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="max_ratio"):
        scan(tmp_path, max_ratio=0)


# --- decompression ahead -------------------------------------------------------------------------


def packed_files(folder: Path, numbers: Iterable[int]) -> list[Path]:
    """Files in every packing, and plain ones among them."""
    makers: list[tuple[str, Callable[[bytes], bytes]]] = [*PACKED.items(), ("a.csv", lambda d: d)]
    paths = []
    for number, lines in enumerate(numbers):
        name, pack = makers[number % len(makers)]
        paths.append(folder / f"{number:02}{name}")
        paths[-1].write_bytes(pack(many_lines(lines)))
    return paths


SIZES = (3000, 1, 20_000, 7, 60_000, 0, 5000, 30_000, 2, 40_000, 30, 1000)


def test_many_files_read_the_same_on_any_number_of_threads(tmp_path: Path) -> None:
    paths = packed_files(tmp_path, (n for n in SIZES if n))
    found = []
    for threads, chunk_size in ((1, None), (2, 5000), (16, 70_000)):
        result = scan(paths, threads=threads, chunk_size=chunk_size)
        found.append((rows(result.inputs), result.flagged.column("raw").to_pylist()))
        batches = list(yokome.read(paths, threads=threads, chunk_size=chunk_size))
        assert sum(batch.num_rows for batch in batches) == sum(SIZES)
    assert all(f == found[0] for f in found)
    assert [row["records"] for row in found[0][0]] == [n for n in SIZES if n]


@pytest.mark.parametrize("form", PACKED)
def test_one_compressed_file_is_scanned_as_the_plain_one(tmp_path: Path, form: str) -> None:
    """On any number of threads, who decompress it themselves, in chunks and batches of any size."""
    log = many_lines(20_000)
    plain, packed, damaged = (tmp_path / name for name in ("plain.csv", form, f"bad{form}"))
    whole = PACKED[form](log)
    half = len(whole) // 2
    for path, data in (
        (plain, log),
        (packed, whole),
        (damaged, whole[:half] + bytes([whole[half] ^ 0x55]) + whole[half + 1 :]),
    ):
        path.write_bytes(data)

    def found(path: Path, **how: Any) -> list[Any]:
        result = scan(path, **how)
        tables = (result.flagged, result.findings, result.by_day)
        return [[{**row, "source": None} for row in rows(table)] for table in tables]

    wanted = found(plain)
    assert len(wanted[0]) == 20_000
    for threads, chunk_size, batch_size in (
        (1, None, None),
        (2, 3000, 1000),
        (3, 50_000, 7000),
        (8, 200_000, None),
    ):
        how: dict[str, Any] = {"threads": threads, "chunk_size": chunk_size}
        how["batch_size"] = batch_size
        for _ in range(2):
            assert found(packed, **how) == wanted
            with pytest.raises(yokome.InputError):
                scan(damaged, **how)


def test_damage_in_one_of_many_is_told_behind_the_others(tmp_path: Path) -> None:
    paths = packed_files(tmp_path, (n for n in SIZES if n))
    broken = paths[8]
    broken.write_bytes(broken.read_bytes()[:-9])
    for threads in (1, 8):
        for _ in range(5):
            with pytest.raises(yokome.InputError) as raised:
                scan(paths, threads=threads)
            assert str(raised.value.source).startswith(str(broken))
            result = scan(paths, threads=threads, skip_unreadable=True)
            assert sum(row["error"] is not None for row in rows(result.inputs)) == 1


def test_who_stops_early_is_not_held_up(tmp_path: Path) -> None:
    paths = packed_files(tmp_path, [60_000] * 8)
    for threads in (1, 8):
        reading = iter(yokome.read(paths, threads=threads))
        assert next(reading).num_rows
        del reading

        def stop(_: object) -> None:
            raise RuntimeError("enough")

        # (One by itself is decompressed by who scans it, several by threads of their own.)
        for source in (paths, *paths[: len(PACKED)]):
            with pytest.raises(RuntimeError, match="enough"):
                scan(source, threads=threads, progress=stop)
    bad = tmp_path / "00bad.csv.gz"
    bad.write_bytes(gzip.compress(LOG + b"no time,u,op\n" + many_lines(200_000)))
    with pytest.raises(yokome.StrictError, match=r"00bad\.csv\.gz:5"):
        scan([bad, *paths], strict=True)


def test_progress_counts_the_bytes_of_the_files(tmp_path: Path) -> None:
    paths = packed_files(tmp_path, [60_000] * 8)
    seen: list[yokome.Progress] = []

    def see(state: yokome.Progress) -> None:
        seen.append(state)
        time.sleep(0.01)

    result = scan(paths, progress=see)
    total = sum(row["bytes"] for row in rows(result.inputs))
    scanning = [state for state in seen if state["total_bytes"]]
    assert all(state["total_bytes"] == total for state in scanning)
    read = [state["bytes"] for state in scanning]
    assert read == sorted(read)
    assert 0 < read[-1] <= total


def test_the_command_takes_archives_and_a_ratio(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from yokome.cli import main

    path = written(tmp_path / "logs.zip", {"a.csv": LOG, "b.txt": LOG})
    assert main(["scan", f"{path}!*.csv", "--max-ratio", "5", "--quiet"]) == 0
    out = tmp_path / "out.csv"
    assert main(["read", str(path), "--out", str(out), "--max-ratio", "5", "--quiet"]) == 0
    assert out.read_text(encoding="utf-8-sig").count(f"{path}!a.csv") == 3
    capsys.readouterr()
    assert main(["scan", f"{path}!*.tsv", "--lang", "ja"]) == 1
    assert "a.csv" in capsys.readouterr().err
    assert main(["scan", str(path), "--max-ratio", "0"]) == 2


def test_what_a_folder_passes_over_can_be_named(tmp_path: Path) -> None:
    for name in ("a.csv", "b.dat", "c.TXT", "d.gz.bak", "e.log", "f.tab", "g.tsv"):
        (tmp_path / name).write_bytes(LOG)
    result = scan(tmp_path)
    assert result.inputs.num_rows == 5
    [ja] = [note for note in result.notes_ja if "読まなかったファイル" in note]
    assert ja.endswith("。読むには、そのファイルの名前を直接指定してください。")
    assert "b.dat" in ja
    assert "d.gz.bak" in ja
    [en] = [note for note in result.notes if "passed over" in note]
    assert en.endswith("d.gz.bak. To read one, name the file itself.")
    result = scan([tmp_path, tmp_path / "b.dat"])
    assert result.inputs.num_rows == 6
    assert any("d.gz.bak" in note and "b.dat" not in note for note in result.notes)


def test_results_among_the_logs_are_not_read_as_logs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from yokome import cli

    logs = tmp_path / "logs"
    result = logs / "result"
    logs.mkdir()
    (logs / "april.csv").write_text("日時,職員番号\n2026/04/07 10:00:00,a\n", encoding="utf-8")
    for kind in ("csv", "parquet"):
        words = ["scan", str(logs), "--out", str(result), "--evidence", "--format", kind, "--quiet"]
        assert cli.main(words) == 0
        found = yokome.scan(logs)
        assert found.inputs.column("source").to_pylist() == [str(logs / "april.csv")]
        assert any("結果があるため" in note and str(result) in note for note in found.notes_ja)
        assert any("results of earlier scans" in n and str(result) in n for n in found.notes)
        # Not as files that do not look like logs, one by one.
        assert not any("activity" in note for note in found.notes)
    # A log beside a result is read; a folder of nothing but results is told of as such.
    (result / "may.csv").write_text("日時,職員番号\n2026/05/07 10:00:00,a\n", encoding="utf-8")
    assert yokome.scan(logs).overview.accepted == 2
    (result / "may.csv").unlink()
    capsys.readouterr()
    assert cli.main(["scan", str(result), "--lang", "ja"]) == 1
    said = capsys.readouterr().err
    assert "横目の結果で、ログがありません" in said
    assert "only results of an earlier scan" in said
    # A record of somebody else's is none of ours.
    (result / "summary.json").write_text('{"files": ["activity.csv"]}', encoding="utf-8")
    (result / "run.json").write_text("[]", encoding="utf-8")
    (result / "activity.csv").write_text("日時,職員番号\n2026/05/07 10:00:00,a\n", encoding="utf-8")
    assert yokome.scan(logs).overview.accepted == 2
