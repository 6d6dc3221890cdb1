"""Flagged rows handed over as they come, and callbacks that fail."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import yokome
from yokome._scan import run

EVERYTHING = {"rules": [{"id": "all", "kind": "match"}], "assume": {}}


@pytest.fixture
def policy() -> yokome.Policy:
    return yokome.Policy.from_dict(EVERYTHING)


def write(path: Path, minutes: list[int]) -> Path:
    lines = [f"2026/04/01 {m // 60:02}:{m % 60:02}:00,u{n % 7}" for n, m in enumerate(minutes)]
    path.write_text("日時,職員番号\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


class Sink:
    def __init__(self) -> None:
        self.tables: list[pa.Table] = []
        self.restarts = 0
        self.ends = 0

    def end(self) -> None:
        self.ends += 1

    def __call__(self, batch: Any) -> None:
        assert not self.ends
        if batch is None:
            self.restarts += 1
            self.tables.clear()
        else:
            self.tables.append(pa.RecordBatchReader.from_stream(batch).read_all())


@pytest.mark.parametrize("threads", [1, 2])
def test_a_log_in_order_comes_in_many_pieces(
    tmp_path: Path, policy: yokome.Policy, threads: int
) -> None:
    log = write(tmp_path / "log.csv", list(range(200)))
    sink = Sink()
    result = run(
        log, policy, threads=threads, chunk_size=64, batch_size=10, sink=sink, sink_end=sink.end
    )
    assert sink.ends == 1
    assert result.flagged.num_rows == 0
    assert sink.restarts == 0
    if threads == 1:  # with more, how the rows fall into pieces is a matter of timing
        assert len(sink.tables) > 10
    whole = yokome.scan(log, policy).flagged
    assert pa.concat_tables(sink.tables).to_pylist() == whole.to_pylist()


@pytest.mark.parametrize("threads", [1, 2])
def test_disorder_takes_back_what_was_handed_over(
    tmp_path: Path, policy: yokome.Policy, threads: int
) -> None:
    log = write(tmp_path / "log.csv", [*range(700, 1400), *range(100)])
    sink = Sink()
    result = run(
        log, policy, threads=threads, chunk_size=64, batch_size=10, sink=sink, sink_end=sink.end
    )
    assert sink.ends == 1
    assert sink.restarts == 1
    assert any("not in time order" in note for note in result.notes)
    whole = yokome.scan(log, policy).flagged
    assert pa.concat_tables(sink.tables).to_pylist() == whole.to_pylist()
    assert result.inputs.column("records").to_pylist() == [800]


class Trouble(Exception):
    pass


@pytest.mark.parametrize(("threads", "nth"), [(1, 1), (1, 3), (2, 1), (8, 1)])
def test_an_error_of_the_sink_ends_the_scan(
    tmp_path: Path, policy: yokome.Policy, threads: int, nth: int
) -> None:
    log = write(tmp_path / "log.csv", list(range(1000)))
    calls = 0

    def sink(batch: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise Trouble

    with pytest.raises(Trouble):
        run(log, policy, threads=threads, chunk_size=64, batch_size=10, sink=sink)
    assert calls == nth


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interruption_is_not_lost_to_an_error_of_the_sink(
    tmp_path: Path, policy: yokome.Policy, threads: int
) -> None:
    log = write(tmp_path / "log.csv", list(range(1000)))
    called, interrupted = threading.Event(), threading.Event()

    def progress(state: Any) -> None:
        if called.is_set():
            interrupted.set()
            raise KeyboardInterrupt

    def sink(batch: Any) -> None:
        called.set()
        assert interrupted.wait(60)
        raise Trouble

    with pytest.raises(KeyboardInterrupt):
        run(log, policy, threads=threads, progress=progress, sink=sink)


@pytest.mark.parametrize("minutes", [list(range(100)), [*range(700, 1400), *range(100)]])
def test_an_error_at_the_sinks_end_ends_the_scan(
    tmp_path: Path, policy: yokome.Policy, minutes: list[int]
) -> None:
    log = write(tmp_path / "log.csv", minutes)
    sink = Sink()

    def end() -> None:
        sink.end()
        raise Trouble

    with pytest.raises(Trouble):
        run(log, policy, chunk_size=64, batch_size=10, sink=sink, sink_end=end)
    assert sink.ends == 1


def test_arrow_data_has_an_end_as_well(policy: yokome.Policy) -> None:
    sink = Sink()
    times = ["2026/04/01 10:00:00", "2026/04/01 09:00:00"]
    source = pa.table({"time": times, "user": ["a", "b"]})
    run(source, policy, sink=sink, sink_end=sink.end)
    rows = pa.concat_tables(sink.tables).to_pylist()
    assert [row["user"] for row in rows] == ["b", "a"]
    assert sink.ends == 1


def test_an_error_of_the_progress_callback_ends_the_scan(
    tmp_path: Path, policy: yokome.Policy
) -> None:
    log = write(tmp_path / "log.csv", list(range(1000)))

    def progress(state: Any) -> None:
        raise Trouble

    with pytest.raises(Trouble):
        yokome.scan(log, policy, progress=progress)
