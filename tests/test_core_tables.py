"""What the core makes of tables by itself: Parquet and Arrow files, rows as Python values."""

from __future__ import annotations

import datetime as dt
import errno
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import yokome
from yokome._yokome import NativeTableFile, rows
from yokome.output import TABLES
from yokome.table_file import TableFile

EXAMPLE = Path(__file__).parent / "data" / "ppc_example.csv"
KINDS = ["parquet", "arrow"]
DICTIONARY = pa.dictionary(pa.uint32(), pa.string())
GROUP = 256 * 1024


def table(numbers: range) -> pa.Table:
    texts = pa.array([None if n % 7 == 0 else f"名{n % 11}" for n in numbers], pa.string())
    return pa.table(
        {
            "text": texts.cast(DICTIONARY),
            "plain": texts,
            "number": pa.array(numbers, pa.int64()),
            "time": pa.array(numbers, pa.timestamp("ms")),
        }
    )


def begun(path: Path, kind: str) -> NativeTableFile:
    path.touch()
    return NativeTableFile(path, kind)


def load(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return pq.ParquetFile(path).read()
    with pa.ipc.open_file(path) as reader:
        return reader.read_all()


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_batches_are_one_table_wherever_they_are_cut(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"t.{kind}"
    file = begun(path, kind)
    ends = [0, 0, 1, 1000, GROUP + 5, 2 * GROUP + 9, 600_000]
    for begin, end in pairwise(ends):
        file.write(table(range(begin, end)))
    file.close()
    found, expected = load(path), table(range(600_000))
    for name in expected.column_names:
        assert found.column(name).to_pylist() == expected.column(name).to_pylist(), name
    assert found.schema.field("time").type == pa.timestamp("ms")


def test_a_parquet_file_has_groups_of_one_size_and_bounds_of_numbers_only(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    file = begun(path, "parquet")
    for begin in range(0, 600_000, 50_000):
        file.write(table(range(begin, begin + 50_000)))
    file.close()
    data = pq.ParquetFile(path).metadata
    groups = [data.row_group(at) for at in range(data.num_row_groups)]
    assert [group.num_rows for group in groups] == [GROUP, GROUP, 600_000 - 2 * GROUP]
    columns = {c.path_in_schema: c for c in map(groups[1].column, range(4))}
    assert {name: c.is_stats_set for name, c in columns.items()} == {
        "text": False,
        "plain": False,
        "number": True,
        "time": True,
    }
    assert columns["number"].statistics.min == GROUP
    coded = {name for name, c in columns.items() if c.has_dictionary_page}
    assert coded == {"text"}
    assert {c.compression for c in columns.values()} == {"ZSTD"}


def test_long_texts_make_groups_of_fewer_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    file = begun(path, "parquet")
    long = os.urandom(2_000_000).hex()
    for n in range(40):
        file.write(pa.table({"a": [f"{n}{long}"]}))
    file.close()
    data = pq.ParquetFile(path).metadata
    assert data.num_rows == 40
    assert data.num_row_groups > 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_without_rows_has_its_schema_from_either_side(tmp_path: Path, kind: str) -> None:
    for name, write, schema in (
        ("written", True, None),
        ("said", False, table(range(0)).schema),
    ):
        path = tmp_path / f"{name}.{kind}"
        file = begun(path, kind)
        if write:
            file.write(table(range(0)))
        file.close(schema)
        assert load(path).column_names == ["text", "plain", "number", "time"]
        assert load(path).num_rows == 0
    with pytest.raises(OSError, match="without a schema"):
        begun(tmp_path / f"neither.{kind}", kind).close()


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_in_the_file_is_gone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"t.{kind}"
    path.write_bytes(b"x" * 100_000)
    file = NativeTableFile(path, kind)
    file.write(table(range(3)))
    file.close()
    assert load(path).num_rows == 3
    assert path.stat().st_size < 100_000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_is_told_with_its_number(kind: str) -> None:
    file = NativeTableFile("/dev/full", kind)
    long = pa.table({"a": [f"{n:0100d}" for n in range(GROUP)]})

    def fill() -> None:
        for _ in range(100):
            file.write(long)

    with pytest.raises(OSError, match="No space left") as caught:
        fill()
    assert caught.value.errno == errno.ENOSPC
    # The file takes no more, and says so instead of dropping rows.
    with pytest.raises(OSError, match="failed before"):
        file.write(long)
    with pytest.raises(OSError, match="failed before"):
        file.flush()
    with pytest.raises(OSError, match="failed before"):
        file.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_is_full_at_the_end_is_told_as_well(kind: str) -> None:
    file = NativeTableFile("/dev/full", kind)
    file.write(table(range(3)))
    with pytest.raises(OSError, match="No space left") as caught:
        file.close()
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match="closed"):
        file.write(table(range(3)))
    with pytest.raises(OSError, match="closed"):
        file.close()


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_come_after_a_flush_are_in_the_table(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"t.{kind}"
    file = begun(path, kind)
    file.flush()  # nothing came yet
    file.write(table(range(3)))
    file.flush()
    file.flush()
    file.write(table(range(3, 5)))
    file.close()
    if kind == "parquet":
        data = pq.ParquetFile(path).metadata
        assert [data.row_group(at).num_rows for at in range(data.num_row_groups)] == [3, 2]
    assert load(path).column("number").to_pylist() == table(range(5)).column("number").to_pylist()
    with pytest.raises(OSError, match="closed"):
        file.flush()


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_of_another_schema_is_refused(tmp_path: Path, kind: str) -> None:
    some = table(range(3))
    swapped = some.rename_columns(["plain", "text", "number", "time"])
    more, fewer = some.append_column("more", some.column("number")), some.select(["text"])
    for other in (pa.table({"other": [1]}), swapped, more, fewer):
        file = begun(tmp_path / "t", kind)
        file.write(some)
        with pytest.raises(OSError, match="another schema"):
            file.write(other)
        with pytest.raises(OSError, match="failed before"):
            file.close()


def test_a_file_that_is_not_there_and_a_format_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        NativeTableFile(tmp_path / "none", "parquet")
    with pytest.raises(ValueError, match="csv"):
        begun(tmp_path / "t", "csv")
    with pytest.raises(ValueError, match="__arrow_c_stream__"):
        begun(tmp_path / "t", "arrow").write([1])


@pytest.mark.parametrize("kind", [*KINDS, "csv"])
def test_rows_that_are_taken_back_are_not_in_the_file(tmp_path: Path, kind: Any) -> None:
    path = tmp_path / f"t.{kind}"
    with TableFile(path, kind) as file:
        file.write(table(range(5)))
        file.write(None)
        file.write(pa.table({"other": [1]}))
        file.close()
        file.move()
    if kind == "csv":
        assert path.read_text(encoding="utf-8-sig").split() == ["other", "1"]
    else:
        assert load(path).to_pylist() == [{"other": 1}]


# --- rows -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def result() -> yokome.ScanResult:
    return yokome.scan(EXAMPLE)


@pytest.mark.parametrize("name", [*TABLES, "evaluated_days"])
def test_rows_are_those_that_pyarrow_gives(result: yokome.ScanResult, name: str) -> None:
    stream = getattr(result._native, name)()
    expected = pa.RecordBatchReader.from_stream(stream).read_all().to_pylist()
    found = rows(stream)
    assert found == expected
    assert [list(row) for row in found] == [list(row) for row in expected]
    assert rows(stream, limit=2) == expected[:2]
    assert rows(stream, limit=0) == []


def test_rows_of_several_batches_of_every_type_and_of_nothing() -> None:
    day = dt.date(1969, 12, 31)
    values: dict[str, list[Any]] = {
        "bool": [True, None, False],
        "int8": [-1, None, 127],
        "int32": [-(2**31), None, 5],
        "uint32": [2**32 - 1, None, 5],
        "uint64": [2**64 - 1, None, 5],
        "float64": [0.1, None, float("inf")],
        "string": ["あ", None, ""],
        "date32": [day, None, dt.date(9999, 12, 31)],
    }
    types = {name: getattr(pa, name if name != "bool" else "bool_")() for name in values}
    one = pa.table({name: pa.array(values[name], types[name]) for name in values})
    time = dt.datetime(1969, 12, 31, 23, 59, 59, 999_000)
    one = one.append_column("time", pa.array([time, None, time], pa.timestamp("ms")))
    one = one.append_column("coded", pa.array(["b", None, "b"], pa.string()).cast(DICTIONARY))
    several = pa.concat_tables([one, one.slice(1), one.slice(0, 0)])
    assert rows(several) == several.to_pylist()
    assert rows(several, limit=4) == several.to_pylist()[:4]
    assert rows(several, ["time", "int8"], 1) == [{"time": time, "int8": -1}]
    assert rows(one.slice(0, 0)) == []
    with pytest.raises(KeyError, match="none"):
        rows(one, ["none"])
    with pytest.raises(TypeError, match="List"):
        rows(pa.table({"a": [[1]]}))


def test_it_is_ranked_once_whoever_asks_first() -> None:
    expected = yokome.scan(EXAMPLE)
    one, other = expected.findings.to_pylist(), expected.by_user.to_pylist()
    asked = yokome.scan(EXAMPLE)
    with ThreadPoolExecutor(4) as pool:
        ask = [asked._native.by_user, asked._native.findings] * 4
        tables = [work.result() for work in [pool.submit(which) for which in ask]]
    assert all(rows(table) == other for table in tables[::2])
    assert all(rows(table) == one for table in tables[1::2])


def test_many_findings_come_in_pieces_and_are_one_table(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[[rules]]\nid = "all"\nkind = "match"\nwhere = { result = "success" }\n'
        '[[rules]]\nid = "failed"\nkind = "match"\nwhere = { result = "failure" }\n',
        encoding="utf-8",
    )
    # A day of every user; one in a hundred fails twice in the morning, all but those once.
    lines, expected = ["日時,職員番号,処理結果"], []
    for user in range(20_000):
        key, second = f"u{user * 7919 % 20_000:05}", f"{user // 60 % 60:02}:{user % 60:02}"
        failures = 2 if user % 100 == 5 else 1
        lines += [f"2026/04/01 09:{second},{key},失敗"] * failures
        lines += [f"2026/04/01 1{user // 3600}:{second},{key},成功"]
        begins = dt.datetime(2026, 4, 1, 9, user // 60 % 60, user % 60)
        expected.append((-failures, begins, "failed", key))
        expected.append((-1, begins.replace(hour=10 + user // 3600), "all", key))
    log = tmp_path / "log.csv"
    log.write_text("\n".join(sorted(lines[1:], key=lambda line: line[:19])), encoding="utf-8")
    log.write_text(lines[0] + "\n" + log.read_text(encoding="utf-8"), encoding="utf-8")
    result = yokome.scan(log, policy)
    findings = result.findings
    assert findings.num_rows == len(expected) == 40_000
    assert findings.column("finding").num_chunks > 2
    # Two failures are the rarest; of all others everybody has one. The rules' order decides last.
    names = ("records", "first", "rule", "key")
    found = list(zip(*(findings.column(name).to_pylist() for name in names), strict=True))
    expected.sort(key=lambda one: (one[0], one[1], one[2] == "failed", one[3]))
    assert [(-records, *others) for records, *others in found] == expected
    counts = findings.group_by("rule").aggregate([("records", "sum")]).to_pylist()
    sums = {row["rule"]: row["records_sum"] for row in counts}
    assert sums == {"all": 20_000, "failed": 20_200}
    few = result._native.findings()
    assert rows(few, limit=3) == findings.slice(0, 3).to_pylist()
    assert rows(few, limit=20_000) == findings.slice(0, 20_000).to_pylist()


def test_users_are_counted_as_the_table_has_them() -> None:
    for scan in (yokome.scan(EXAMPLE), yokome.scan(EXAMPLE, to="2019-01-01")):
        named = set(scan.by_user.column("user").to_pylist()) - {None}
        assert scan.overview.users == len(named)


# --- flagged rows ---------------------------------------------------------------------------------


def test_subjects_that_read_the_same_stand_once_in_the_dictionary(tmp_path: Path) -> None:
    policy = (
        '[[rules]]\nid = "all"\nviewpoint = 1\nkind = "match"\nwhere = { result = "success" }\n'
    )
    subjects = [b"A\xff", b"7", b"A\xfe", b"B", b"A\xff", b"7"]
    lines = [b"2026/04/01 09:00:0%d,u,%s,OK\n" % one for one in enumerate(subjects)]
    log = tmp_path / "log.csv"
    log.write_bytes("日時,職員番号,宛名番号,処理結果\n".encode() + b"".join(lines))
    path = tmp_path / "policy.toml"
    path.write_text(policy, encoding="utf-8")
    result = yokome.scan(log, path, encoding="utf-8")
    column = result.flagged.column("subject").combine_chunks()
    assert column.to_pylist() == ["A\ufffd", "7", "A\ufffd", "B", "A\ufffd", "7"]
    assert column.dictionary.to_pylist() == ["A\ufffd", "7", "B"]
    # (Which of them it is matters where they are counted, not where they are shown.)
    assert result.flagged.column("raw")[0].as_py().endswith(",u,A\ufffd,OK")
