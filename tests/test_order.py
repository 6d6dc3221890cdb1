"""Logs in any order under any memory limit, and what may go wrong with temporary files."""

# ruff: noqa: S311 - chance, not secrets

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from observe import content, everything, rows

import yokome
from yokome import _yokome
from yokome._scan import run, size
from yokome.cli import main

LIMIT = 2_000_000
"""Memory in which the log below takes several runs, more than are read side by side."""


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """A made-up log of 60,000 records in time order, its header first."""
    path = tmp_path_factory.mktemp("synth") / "log.csv"
    _yokome.synth(str(path), None, 60_000, 60, 40, 7, "utf-8", crlf=False)
    return path.read_bytes().splitlines(keepends=True)


def write(path: Path, lines: list[bytes], order: Callable[[list[bytes]], None]) -> Path:
    records = lines[1:]
    order(records)
    path.write_bytes(lines[0] + b"".join(records))
    return path


def in_order(records: list[bytes]) -> None:
    pass


def shuffled(records: list[bytes]) -> None:
    random.Random(3).shuffle(records)


def reverse(records: list[bytes]) -> None:
    records.reverse()


def late_start(records: list[bytes]) -> None:
    """In order, but for a first part that comes last."""
    records[:] = records[20_000:] + records[:20_000]


def sorted_on_disk(result: yokome.ScanResult) -> bool:
    return any("temporary files" in note for note in result.notes)


@pytest.mark.parametrize("order", [shuffled, reverse, late_start])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_log_in_any_order_gives_what_the_log_in_order_gives(
    tmp_path: Path, lines: list[bytes], order: Callable[[list[bytes]], None], threads: int
) -> None:
    straight = yokome.scan(write(tmp_path / "a.csv", lines, in_order))
    assert not sorted_on_disk(straight)
    mixed = write(tmp_path / "b.csv", lines, order)
    how: dict[str, Any] = {"threads": threads, "chunk_size": 50_000, "batch_size": 5000}
    spilled = yokome.scan(mixed, memory_limit=LIMIT, temp_dir=tmp_path, **how)
    assert sorted_on_disk(spilled)
    assert content(spilled) == content(straight)
    assert everything(spilled) == everything(yokome.scan(mixed))
    assert [row["records"] for row in rows(spilled.inputs)] == [60_000]
    places = {(row["line"], row["raw"]) for row in rows(spilled.flagged)}
    text = mixed.read_text(encoding="utf-8").split("\n")
    assert all(text[line - 1] == raw for line, raw in places)


@pytest.mark.parametrize("form", ["csv", "gz", "utf-16", "cp932"])
def test_flagged_records_have_their_own_text_wherever_it_comes_from(
    tmp_path: Path, lines: list[bytes], form: str
) -> None:
    """Text is read again from plain files, and kept where that cannot be."""
    straight = rows(yokome.scan(write(tmp_path / "a.csv", lines, in_order)).flagged)
    records = [line.rstrip(b"\n").decode() for line in lines]
    # A comment that is quoted, and one of two lines.
    records = [
        f'{line},"備考 ""{number}""{chr(10) if number % 7 == 0 else ""}、"'
        for number, line in enumerate(records)
    ]
    records[1:] = random.Random(5).sample(records[1:], len(records) - 1)
    text = "\r\n".join(records) + "\r\n"
    data = text.encode({"utf-16": "utf-16", "cp932": "cp932"}.get(form, "utf-8-sig"))
    path = tmp_path / "b.csv"
    if form == "gz":
        import gzip

        data = gzip.compress(data)
    path.write_bytes(data)
    result = yokome.scan(path, memory_limit=LIMIT, temp_dir=tmp_path)
    assert sorted_on_disk(result)
    whole = yokome.scan(path)
    assert everything(result) == everything(whole)
    flagged = rows(result.flagged)
    assert len(flagged) == len(straight)
    assert {row["raw"] for row in flagged} <= set(records)
    assert all("備考" in row["raw"] for row in flagged)


def test_sources_that_can_and_cannot_be_read_again_mix(tmp_path: Path, lines: list[bytes]) -> None:
    import gzip

    records = random.Random(9).sample(lines[1:], len(lines) - 1)
    for number in range(3):
        data = lines[0] + b"".join(records[number::3])
        name = f"{number}.csv" + (".gz" if number == 1 else "")
        (tmp_path / name).write_bytes(gzip.compress(data) if number == 1 else data)
    result = yokome.scan(tmp_path, memory_limit=LIMIT, temp_dir=tmp_path)
    assert sorted_on_disk(result)
    assert everything(result) == everything(yokome.scan(tmp_path))


@pytest.mark.parametrize("change", ["overwritten", "gone", "cut"])
@pytest.mark.parametrize("skip_unreadable", [False, True])
def test_a_flagged_record_that_is_not_what_it_was_is_an_error(
    tmp_path: Path, lines: list[bytes], change: str, skip_unreadable: bool
) -> None:
    log = write(tmp_path / "b.csv", lines, shuffled)
    size_of = log.stat().st_size
    seen: list[Any] = []

    def sink(batch: Any) -> None:
        if batch is not None and not seen:
            seen.append(batch)
            with log.open("r+b") as file:
                file.write(b"x" * size_of)
                if change == "cut":
                    file.truncate(10)
            if change == "gone":
                log.unlink()

    how: dict[str, Any] = {"memory_limit": LIMIT, "temp_dir": tmp_path, "batch_size": 500}
    with pytest.raises(yokome.InputError, match=r"b\.csv.*(again|no longer)") as raised:
        run(
            log,
            yokome.Policy.default(),
            sink=sink,
            threads=1,
            skip_unreadable=skip_unreadable,
            **how,
        )
    assert raised.value.source == str(log)


@pytest.mark.parametrize("files", [2, 7])
@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
@pytest.mark.parametrize("threads", [1, 2])
def test_systems_side_by_side_stream_through(
    tmp_path: Path, lines: list[bytes], files: int, ending: str, threads: int
) -> None:
    import gzip

    rng = random.Random(files)
    parts: list[list[bytes]] = [[] for _ in range(files)]
    # One system is busy, the others are not.
    for record in lines[1:]:
        parts[0 if rng.random() < 0.8 else rng.randrange(files)].append(record)
    for number, part in enumerate(parts):
        data = lines[0] + b"".join(part)
        path = tmp_path / f"{number}.{ending}"
        path.write_bytes(gzip.compress(data) if ending.endswith("gz") else data)
    restarts = []
    tables: list[pa.Table] = []

    def sink(batch: Any) -> None:
        if batch is None:
            restarts.append(len(tables))
        else:
            tables.append(pa.RecordBatchReader.from_stream(batch).read_all())

    paths = [str(path) for path in sorted(tmp_path.glob(f"*.{ending}"))]
    result = run(
        paths,
        yokome.Policy.default(),
        sink=sink,
        threads=threads,
        chunk_size=5000,
        batch_size=3000,
        memory_limit=20_000_000,
    )
    assert not restarts
    assert not any("time order" in note for note in result.notes)
    if threads == 1:
        assert len(tables) > 3
    whole = yokome.scan(paths)
    assert pa.concat_tables(tables).to_pylist() == whole.flagged.to_pylist()
    assert rows(result.inputs) == rows(whole.inputs)
    assert sum(row["records"] for row in rows(result.inputs)) == 60_000


def test_rejects_are_the_first_of_the_reading_order_however_sources_mix(tmp_path: Path) -> None:
    for name, day in (("a", 1), ("b", 1)):
        body = "".join(
            f"2026-04-{day:02} {n // 60:02}:{n % 60:02}:00,u\nbad {n}\n" for n in range(300)
        )
        (tmp_path / f"{name}.csv").write_text("日時,職員番号\n" + body, encoding="utf-8")
    seen = set()
    for chunk_size in (64, 1000, None):
        for threads in (1, 2, 8):
            for memory_limit in (1, 10_000_000):
                result = yokome.scan(
                    tmp_path,
                    chunk_size=chunk_size,
                    threads=threads,
                    max_rejects=350,
                    memory_limit=memory_limit,
                )
                note = next(note for note in result.notes if "max_rejects" in note)
                seen.add((str(result.rejects.to_pylist()), note))
    assert len(seen) == 1
    assert result.rejects.num_rows == 350
    assert [row["rejected"] for row in rows(result.inputs)] == [300, 300]


# --- temporary files -----------------------------------------------------------------------------


def open_in(folder: Path) -> list[str]:
    """What this process has open in a folder."""
    links = []
    for number in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue
    return [link for link in links if link.startswith(f"{folder}{os.sep}")]


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc")


@needs_proc
def test_temporary_files_have_no_name_and_are_gone_afterwards(
    tmp_path: Path, lines: list[bytes]
) -> None:
    log = write(tmp_path / "b.csv", lines, shuffled)
    folder = tmp_path / "temporary"
    folder.mkdir()
    seen: list[tuple[int, list[str]]] = []

    def sink(batch: Any) -> None:
        seen.append((len(open_in(folder)), os.listdir(folder)))

    how: dict[str, Any] = {"memory_limit": LIMIT, "temp_dir": folder, "batch_size": 2000}
    run(log, yokome.Policy.default(), sink=sink, **how)
    assert max(number for number, _ in seen) > 1
    assert all(names == [] for _, names in seen)
    assert open_in(folder) == []

    for error in (RuntimeError("enough"), KeyboardInterrupt()):

        def fail(batch: Any, error: BaseException = error) -> None:
            raise error

        with pytest.raises(type(error)):
            run(log, yokome.Policy.default(), sink=fail, **how)
        assert open_in(folder) == []
        assert os.listdir(folder) == []


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "yokome", *map(str, words)]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_however_the_command_ends(
    tmp_path: Path, lines: list[bytes], how: signal.Signals
) -> None:
    log = write(tmp_path / "b.csv", lines, shuffled)
    folder = tmp_path / "temporary"
    folder.mkdir()
    words = command("scan", log, "--memory-limit", "100KB", "--temp-dir", folder, "--quiet")
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:
        time.sleep(random.Random(how).uniform(0.5, 1.5))
        process.send_signal(how)
        process.wait(60)
    assert os.listdir(folder) == []


def test_a_full_disk_is_an_error_that_names_folder_and_bytes(
    tmp_path: Path, lines: list[bytes]
) -> None:
    """A file may have 100 kB here, which fails as a full disk does."""
    log = write(tmp_path / "b.csv", lines, shuffled)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    words = command("scan", log, "--memory-limit", "2MB", "--temp-dir", tmp_path, "--lang", "en")
    done = subprocess.run(words, capture_output=True, text=True, preexec_fn=limited, check=False)
    assert done.returncode == 1
    assert f"temporary files in {tmp_path}" in done.stderr
    assert "more are needed" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["b.csv"]


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no unshare")
def test_a_small_tmpfs_fills(tmp_path: Path, lines: list[bytes]) -> None:
    log = write(tmp_path / "b.csv", lines, shuffled)
    small = tmp_path / "small"
    small.mkdir()
    scan = command("scan", log, "--memory-limit", "2MB", "--temp-dir", small, "--lang", "ja")
    script = 'mount -t tmpfs -o size=200k none "$1" || exit 77; shift; exec "$@"'
    words = ["unshare", "-rm", "sh", "-c", script, "sh", str(small), *scan]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no file system can be mounted here")
    assert done.returncode == 1
    assert str(small) in done.stderr
    assert "空き容量" in done.stderr
    assert "more are needed" in done.stderr


def test_a_folder_that_is_none_is_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text("日時,職員番号\n2026-04-01 09:00:00,u\n", encoding="utf-8")
    with pytest.raises(ValueError, match="temp_dir"):
        yokome.scan(tmp_path / "a.csv", temp_dir=tmp_path / "none")
    for words in (["--memory-limit", "much"], ["--memory-limit", "0"], ["--memory-limit", "5iB"]):
        assert main(["scan", str(tmp_path / "a.csv"), *words]) == 2
    capsys.readouterr()
    with pytest.raises(ValueError, match="memory_limit"):
        yokome.scan(tmp_path / "a.csv", memory_limit=0)


def test_sizes() -> None:
    for text, value in {
        "512MB": 512_000_000,
        "1.5GiB": 3 << 29,
        "800": 800,
        "10 kb": 10_000,
        "2k": 2000,
        "3Ti": 3 << 40,
        "7B": 7,
    }.items():
        assert size(text) == value
    assert size(5) == 5
    assert size(None) is None
    for wrong in ("", "MB", "-1MB", "1.2.3", "5iB", "1XB"):
        with pytest.raises(ValueError, match="not a size"):
            size(wrong)


def all_but_summary(files: dict[str, bytes]) -> dict[str, bytes]:
    # Its notes tell of how the sorting went, which hangs on threads.
    return {name: data for name, data in files.items() if name != "summary.json"}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL")
def test_results_are_whole_or_the_old_ones_at_any_moment(
    tmp_path: Path, lines: list[bytes]
) -> None:
    """Killed at random moments: all files of the old result stand, or all of the new one."""
    out = tmp_path / "out"
    logs = [tmp_path / "a.csv", tmp_path / "b.csv"]
    logs[0].write_bytes(b"".join(lines[:2000]))
    write(logs[1], lines, shuffled)
    # What is written depends on the log alone.
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rules]]\nid = "m"\nkind = "match"\nwhere.result = "failure"\n')
    words = [
        command("scan", log, "--policy", policy, "--out", out, "--memory-limit", "2MB", "--quiet")
        for log in logs
    ]
    whole: list[dict[str, bytes]] = []
    took = 0.0
    for word in words:
        begun = time.monotonic()
        subprocess.run(word, check=True)
        took = time.monotonic() - begun
        whole.append(all_but_summary({path.name: path.read_bytes() for path in out.iterdir()}))
    rng = random.Random(5)
    for number in range(8):
        with subprocess.Popen(words[number % 2]) as process:
            time.sleep(rng.uniform(0.2, 1.0) * took)
            process.kill()
            process.wait(60)
        # What a killed scan leaves can be told by its name.
        stand = [p for p in out.iterdir() if not (p.name[0] == "." and p.suffix == ".tmp")]
        assert all_but_summary({p.name: p.read_bytes() for p in stand}) in whole
        assert (out / "summary.json").exists()


# --- files that change ---------------------------------------------------------------------------

HEADER = "日時,職員番号\n"
LINE = "2026-04-01 09:00:00,u\n"


def scan_while(path: Path, change: Callable[[Path], object], **how: Any) -> yokome.ScanResult:
    """Scan ``path`` and a second file; ``path`` changes when it is planned and not yet read."""
    other = path.with_name("z.csv")
    other.write_text(HEADER + LINE, encoding="utf-8")
    path.write_text(HEADER + LINE * 100_000, encoding="utf-8")
    calls = 0

    def progress(state: yokome.Progress) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            change(path)
        time.sleep(0.25)

    result = yokome.scan([path, other], progress=progress, **how)
    assert calls >= 2
    return result


@pytest.mark.parametrize("kept", [1_000_000, 1_000_010])
def test_a_file_that_shrinks_is_an_error(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(yokome.InputError, match=r"a\.csv.*became shorter") as raised:
        scan_while(path, lambda p: os.truncate(p, kept))
    assert (raised.value.source, raised.value.kind) == (str(path), "changed")
    assert "もう一度分析してください" in str(raised.value.message_ja)
    result = scan_while(path, lambda p: os.truncate(p, kept), skip_unreadable=True)
    row = rows(result.inputs)[0]
    assert "became shorter" in row["error"]
    assert "短くなりました" in row["error_ja"]
    text = path.read_text(encoding="utf-8")
    assert row["records"] + row["rejected"] == len(text.splitlines()) - 1


def test_a_file_that_grows_is_noted_and_counted_to_where_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"

    def grow(path: Path) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(LINE * 5)

    result = scan_while(path, grow)
    row = rows(result.inputs)[0]
    assert (row["bytes"], row["records"]) == (path.stat().st_size, 100_005)
    assert any("a.csv: grew while it was read" in note for note in result.notes)


def test_a_file_that_is_written_to_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    result = scan_while(path, lambda p: os.utime(p, (1, 1)))
    assert any("a.csv: was written to while it was read" in note for note in result.notes)
