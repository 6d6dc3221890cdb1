"""Rejected records: listed up to a limit, counted beyond it, the same however the log is read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from observe import rows

import yokome

HEADER = "日時,職員番号,操作内容\n"
GOOD = "2026-04-01 09:00:00,u,op\n"
POLICY = yokome.Policy.from_dict({"rules": [{"id": "all", "kind": "match"}]})
HOWS = [
    {"threads": threads, "chunk_size": size} for threads in (1, 2, 8) for size in (20, 1000, None)
]


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """Two logs of 300 and 500 bad records; the second is earlier in time, so it is read first."""
    bad = ["no time,u,op\n", "2026-04-01 09:00:00,u\n"]
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text(HEADER + GOOD + "".join(bad[n % 2] for n in range(300)))
    second.write_text(HEADER + GOOD.replace("2026", "2025") + "".join(bad) * 250)
    return [first, second]


# --- why a line is rejected ----------------------------------------------------------------------


@pytest.mark.parametrize("chunk_size", [5000, 1 << 20, None])
@pytest.mark.parametrize("behind", [0, 1 << 18, 1 << 20, 3 << 20])
def test_a_quote_left_open_is_so_however_far_the_end_is(
    tmp_path: Path, behind: int, chunk_size: int | None
) -> None:
    path = tmp_path / "a.csv"
    rest = GOOD * (behind // len(GOOD))
    path.write_text(HEADER + GOOD + '2026-04-01 09:00:00,u,"op\n' + rest, encoding="utf-8")
    result = yokome.scan(path, POLICY, chunk_size=chunk_size)
    assert [(row["line"], row["reason"]) for row in rows(result.rejects)] == [(3, "quote")]
    assert result.overview.seen == 2 + rest.count("\n")


@pytest.mark.parametrize("chunk_size", [50_000, 1 << 20, None])
def test_any_number_of_open_quotes_is_read_through(tmp_path: Path, chunk_size: int | None) -> None:
    # Each such line leaves a quote open, whether it is read as a record or from inside another.
    path = tmp_path / "a.csv"
    bad = 'x","y\n'
    path.write_text(HEADER + (bad * 9 + GOOD) * 40_000, encoding="utf-8")
    result = yokome.scan(path, chunk_size=chunk_size, max_rejects=20)
    (row,) = rows(result.inputs)
    assert (row["records"], row["rejected"], row["lines"]) == (40_000, 360_000, 400_001)
    assert [(row["line"], row["reason"]) for row in rows(result.rejects)] == [
        (line, "quote") for line in range(2, 24) if line not in (11, 21)
    ]


@pytest.mark.parametrize("chunk_size", [5000, 1 << 20, 1 << 23])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("too_long", [0, 1])
@pytest.mark.parametrize("last", [False, True])
def test_a_record_over_several_lines_may_be_as_long_as_any(
    tmp_path: Path, last: bool, too_long: int, line_end: str, chunk_size: int
) -> None:
    path = tmp_path / "a.csv"
    start = '2026-04-01 09:00:00,u,"a\n'
    record = start + "b" * ((1 << 20) - len(start) - 1 + too_long) + '"'
    end = "" if last else line_end + GOOD.strip() + line_end
    text = HEADER.strip() + line_end + GOOD.strip() + line_end + record + end
    path.write_text(text, encoding="utf-8", newline="")
    result = yokome.scan(path, POLICY, chunk_size=chunk_size)
    assert result.overview.accepted == 3 - last - too_long
    # Given up, its first line is one rejected record, and its second another.
    reasons = [(row["line"], row["reason"]) for row in rows(result.rejects)]
    assert reasons == [(3, "quote"), (4, "columns")] * too_long


# --- how many are listed -------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, 1, 499, 500, 501, 799])
def test_beyond_the_limit_rejects_are_counted(logs: list[Path], limit: int) -> None:
    whole = yokome.scan(logs, POLICY)
    in_order = sorted(
        rows(whole.rejects), key=lambda row: (row["source"] != str(logs[1]), row["line"])
    )
    wanted = sorted(in_order[:limit], key=lambda row: (row["source"], row["line"]))
    stop = in_order[limit]
    for how in HOWS:
        result = yokome.scan(logs, POLICY, max_rejects=limit, **how)  # type: ignore[arg-type]
        reading = yokome.read(logs, max_rejects=limit, **how)  # type: ignore[arg-type]
        assert sum(batch.num_rows for batch in reading) == 2
        for found in (result, reading):
            assert rows(found.rejects) == wanted
            assert [row["rejected"] for row in rows(found.inputs)] == [300, 500]
            (note,) = (note for note in found.notes if "max_rejects" in note)
            assert f"from {stop['source']}, line {stop['line']} on" in note
            assert f"{800 - limit} more are counted" in note
            (ja,) = (note for note in found.notes_ja if "max_rejects" in note)
            assert f"{stop['source']} の {stop['line']} 行目から" in ja
            assert f"{800 - limit} 件は、件数だけを" in ja
        assert result.overview.seen == 802


@pytest.mark.parametrize("limit", [800, 801, None, 2**70])
def test_within_the_limit_all_are_listed(logs: list[Path], limit: int | None) -> None:
    result = yokome.scan(logs, POLICY, max_rejects=limit)
    assert result.rejects.num_rows == 800
    assert not any("max_rejects" in note for note in result.notes)


def test_the_note_counts_by_reason(logs: list[Path]) -> None:
    notes = yokome.scan(logs, POLICY, max_rejects=100).notes
    assert any("columns 350, time 350" in note for note in notes)


def test_arrow_data_has_the_same_limit() -> None:
    table = pa.table({"time": pa.array([None] * 9, pa.timestamp("ms")), "user": ["u"] * 9})
    result = yokome.scan(table, POLICY, max_rejects=4)
    assert result.rejects.column("line").to_pylist() == [1, 2, 3, 4]
    assert result.overview.seen == 9
    assert any("line 5 on" in note for note in result.notes)


def test_a_limit_is_no_negative_number(logs: list[Path]) -> None:
    with pytest.raises(ValueError, match="max_rejects"):
        yokome.scan(logs, POLICY, max_rejects=-1)


def test_the_command_takes_a_limit(logs: list[Path], tmp_path: Path) -> None:
    from yokome.cli import main

    out = tmp_path / "result"
    words = ["scan", *map(str, logs), "--max-rejects", "3", "--out", str(out), "--quiet"]
    assert main(words) == 0
    assert (out / "rejects.csv").read_text(encoding="utf-8-sig").count("\n") == 4
    assert "max_rejects" in (out / "summary.json").read_text(encoding="utf-8")
