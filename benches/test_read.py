"""Reading alone: by other readers, and from other forms of the same log."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pytest
from benches import logs
from benches.logs import Size
from benches.measure import measure, measure_here
from benches.readers import READERS
from benches.report import Results

import yokome

# The forms are of a log of at most so many records: more teach nothing new.
MOST = 2_000_000


@pytest.mark.parametrize("reader", READERS)
def test_readers(benchmark: Any, results: Results, size: Size, log: Path, reader: str) -> None:
    """The log as typed columns; every reader sees every record."""
    module = "benches.readers"
    measured = measure(benchmark, "-m", module, reader, str(log), rounds=size.rounds)
    results.readers[reader] = measured
    assert measured.said == size.records


@pytest.mark.parametrize("form", logs.FORMS)
def test_forms(benchmark: Any, results: Results, size: Size, form: str) -> None:
    """The same records in another form, batch by batch, in this process."""
    records = min(size.records, MOST)
    path = logs.form(logs.log(Size(str(records), records)), form)
    read, results.forms[form] = measure_here(benchmark, lambda: drain(path))
    assert read == records


def test_decompressing_alone(benchmark: Any, results: Results, size: Size) -> None:
    """What of reading gzip is zlib's part."""
    records = min(size.records, MOST)
    plain = logs.log(Size(str(records), records))
    path = logs.form(plain, "gzip")
    read, results.forms["gunzip"] = measure_here(benchmark, lambda: decompress(path))
    assert read == plain.stat().st_size


def drain(path: Path) -> int:
    """Read everything, and keep nothing."""
    return sum(batch.num_rows for batch in yokome.read(path))


def decompress(path: Path) -> int:
    """Python's zlib over the file."""
    size = 0
    inflate = zlib.decompressobj(wbits=31)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            size += len(inflate.decompress(block))
    return size
