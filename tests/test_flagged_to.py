"""Flagged rows written to a file while the logs are read: the same rows, whole or not at all."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import yokome
from yokome import _yokome
from yokome.staging import StagedFile

EVERYTHING = {"rules": [{"id": "all", "kind": "match"}], "assume": {}}
FORMATS = (".parquet", ".arrow")
FULL = Path("/dev/full")
SMALL: dict[str, Any] = {"chunk_size": 256, "batch_size": 16}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "log.csv"
    _yokome.synth(str(path), None, 20_000, 40, 60, 1, "utf-8")
    return path


def write(path: Path, minutes: list[int], subject: str = "0001") -> Path:
    lines = [
        f"2026/04/01 {m // 60:02}:{m % 60:02}:00,u{n % 7},{subject}" for n, m in enumerate(minutes)
    ]
    path.write_text("日時,職員番号,宛名番号\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def same(one: pa.Table, other: pa.Table) -> None:
    assert one.schema.equals(other.schema)
    assert one.to_pylist() == other.to_pylist()


def left(folder: Path) -> list[str]:
    """What is in a folder but logs."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".csv")


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("threads", [1, 2])
def test_the_result_is_the_same(log: Path, tmp_path: Path, suffix: str, threads: int) -> None:
    out = tmp_path / f"flagged{suffix}"
    whole = yokome.scan(log)
    result = yokome.scan(log, threads=threads, flagged_to=out, **SMALL)
    assert whole.flagged.num_rows > 100
    same(result.flagged, whole.flagged)
    assert result.findings.equals(whole.findings)
    assert result.overview == whole.overview
    for finding in whole.findings.column("finding").to_pylist()[:3]:
        assert str(result.explain(finding)) == str(whole.explain(finding))
    assert result.to_pandas().equals(whole.to_pandas())
    result.write(tmp_path / "of_file")
    whole.write(tmp_path / "of_memory")
    tables = (pq.read_table(tmp_path / d / "flagged.parquet") for d in ("of_file", "of_memory"))
    assert len({table.to_pydict().__repr__() for table in tables}) == 1


@pytest.mark.parametrize("suffix", FORMATS)
def test_more_than_one_group_of_rows(tmp_path: Path, suffix: str) -> None:
    log = write(tmp_path / "log.csv", [n // 200 for n in range(280_000)])
    policy = yokome.Policy.from_dict(EVERYTHING)
    out = tmp_path / f"flagged{suffix}"
    result = yokome.scan(log, policy, flagged_to=out, batch_size=30_000)
    same(result.flagged, yokome.scan(log, policy).flagged)
    assert result.flagged.num_rows == 280_000
    if suffix == ".parquet":
        assert pq.ParquetFile(out).num_row_groups == 2


@pytest.mark.parametrize("suffix", FORMATS)
def test_nothing_flagged_is_an_empty_table(tmp_path: Path, suffix: str) -> None:
    log = write(tmp_path / "log.csv", [600, 601])
    out = tmp_path / f"flagged{suffix}"
    result = yokome.scan(log, flagged_to=out)
    assert result.flagged.num_rows == 0
    same(result.flagged, yokome.scan(log).flagged)


@pytest.mark.parametrize("suffix", FORMATS)
def test_numbers_are_masked_in_the_file(tmp_path: Path, suffix: str) -> None:
    log = write(tmp_path / "log.csv", [600, 601, 602], subject="123456789018")
    policy = yokome.Policy.from_dict(EVERYTHING)
    out = tmp_path / f"flagged{suffix}"
    result = yokome.scan(log, policy, flagged_to=out)
    same(result.flagged, yokome.scan(log, policy).flagged)
    assert result.flagged.column("subject").to_pylist() == ["************#1"] * 3
    assert "123456789018" not in str(pa.table(result.flagged).to_pydict())
    shown = yokome.scan(log, policy, flagged_to=out, unmask=True)
    assert shown.flagged.column("subject").to_pylist() == ["123456789018"] * 3


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_log_out_of_time_order(tmp_path: Path, suffix: str, threads: int) -> None:
    log = write(tmp_path / "log.csv", [*range(700, 1400), *range(100)])
    policy = yokome.Policy.from_dict(EVERYTHING)
    options: Any = {"threads": threads, "chunk_size": 64, "batch_size": 10}
    result = yokome.scan(log, policy, flagged_to=tmp_path / f"flagged{suffix}", **options)
    assert any("not in time order" in note for note in result.notes)
    assert result.flagged.num_rows == 800
    same(result.flagged, yokome.scan(log, policy).flagged)


def test_month_after_month(log: Path, tmp_path: Path) -> None:
    for month, source in (("april", log), ("may", write(tmp_path / "may.csv", [600]))):
        options: Any = {"to": "2099-12-31"}
        ours = yokome.scan(
            source, state=tmp_path / "a", flagged_to=tmp_path / f"{month}.arrow", **options
        )
        theirs = yokome.scan(source, state=tmp_path / "b", **options)
        same(ours.flagged, theirs.flagged)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_arrow_data_is_a_source_too(tmp_path: Path) -> None:
    log = write(tmp_path / "log.csv", list(range(100)))
    policy = yokome.Policy.from_dict(EVERYTHING)
    table = pa.table(yokome.read(log))
    result = yokome.scan(table, policy, flagged_to=tmp_path / "flagged.parquet")
    same(result.flagged, yokome.scan(table, policy).flagged)


def test_the_file_is_for_its_owner_alone_and_replaces_an_old_one(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "flagged.parquet"
    out.write_text("old", encoding="utf-8")
    out.chmod(0o644)
    yokome.scan(log, flagged_to=str(out))
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert left(tmp_path) == ["flagged.parquet"]


def test_a_relative_name_is_found_from_elsewhere(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "month=04"  # which a data set would take for a column
    folder.mkdir()
    monkeypatch.chdir(folder)
    result = yokome.scan(log, flagged_to="flagged.parquet")
    monkeypatch.chdir(tmp_path)
    same(result.flagged, yokome.scan(log).flagged)


@pytest.mark.parametrize("name", ["flagged.csv", "flagged", "flagged.parquet.gz"])
def test_other_files_are_no_option(log: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(yokome.OptionError) as caught:
        yokome.scan(log, flagged_to=tmp_path / name)
    assert caught.value.option == "flagged_to"
    assert name in str(caught.value)
    assert name in (caught.value.message_ja or "")
    assert left(tmp_path) == []


def test_what_is_no_path_is_a_type_error(log: Path) -> None:
    with pytest.raises(TypeError):
        yokome.scan(log, flagged_to=3)  # type: ignore[arg-type]


def test_a_place_that_cannot_be_written_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        yokome.scan("none.csv", flagged_to=tmp_path / "none" / "flagged.parquet")
    assert not isinstance(caught.value, yokome.YokomeError)
    (tmp_path / "flagged.parquet").mkdir()
    with pytest.raises(IsADirectoryError):
        yokome.scan("none.csv", flagged_to=tmp_path / "flagged.parquet")


class Trouble(Exception):
    pass


def stop(state: Any) -> None:
    raise Trouble


def interrupt(state: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("error", "options"),
    [
        (Trouble, {"progress": stop}),
        (KeyboardInterrupt, {"progress": interrupt}),
        (yokome.StrictError, {"strict": True}),
    ],
)
def test_nothing_is_left_of_a_scan_that_failed(
    tmp_path: Path, error: type[BaseException], options: Any
) -> None:
    log = write(tmp_path / "log.csv", list(range(1000)))
    with log.open("a", encoding="utf-8") as file:
        file.write("no time,u1,0001\n")
    (tmp_path / "flagged.parquet").write_text("old", encoding="utf-8")
    policy = yokome.Policy.from_dict(EVERYTHING)
    out, state = tmp_path / "flagged.parquet", tmp_path / "state"
    with pytest.raises(error):
        yokome.scan(log, policy, flagged_to=out, state=state, **SMALL, **options)
    assert out.read_text(encoding="utf-8") == "old"
    assert left(tmp_path) == ["flagged.parquet"]


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_full_disk_is_an_error_that_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:

    def full(file: StagedFile) -> BinaryIO:
        Path(file.staged).symlink_to(FULL)
        return Path(file.staged).open("wb")

    monkeypatch.setattr("yokome.staging.StagedFile._open", full)
    log = write(tmp_path / "log.csv", list(range(1000)))
    out = tmp_path / f"flagged{suffix}"
    with pytest.raises(OSError, match="No space left") as caught:
        yokome.scan(
            log,
            yokome.Policy.from_dict(EVERYTHING),
            flagged_to=out,
            **SMALL,
        )
    assert caught.value.filename == str(out)
    assert left(tmp_path) == []


def test_a_file_that_is_gone_or_another(log: Path, tmp_path: Path) -> None:
    gone = yokome.scan(log, flagged_to=tmp_path / "a.parquet")
    other = yokome.scan(log, flagged_to=tmp_path / "b.parquet")
    broken = yokome.scan(log, flagged_to=tmp_path / "c.arrow")
    (tmp_path / "a.parquet").unlink()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "b.parquet")
    (tmp_path / "c.arrow").write_bytes(b"")
    with pytest.raises(FileNotFoundError):
        assert gone.flagged
    with pytest.raises(KeyError):
        assert other.flagged
    with pytest.raises(pa.ArrowInvalid):
        assert broken.flagged
    assert gone.findings.num_rows > 0


def test_a_path_may_end_in_a_separator_and_need_no_working_directory(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = yokome.Policy.from_dict(EVERYTHING)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    yokome.scan(log, policy, flagged_to="a.parquet/")
    assert left(gone) == ["a.parquet"]
    (gone / "a.parquet").unlink()
    gone.rmdir()
    yokome.scan(log, policy, flagged_to=f"{tmp_path}/b.parquet")
    assert (tmp_path / "b.parquet").is_file()
