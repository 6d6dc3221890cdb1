"""Reading alone: by other readers, and from other forms of the same log."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from benches import logs
from benches.logs import Size
from benches.measure import measure, measure_here
from benches.readers import READERS
from benches.report import Results

import yokome

POLICY = Path(__file__).with_name("five_rules.toml")

# The forms are of a log of at most so many records: more teach nothing new.
MOST = 2_000_000


def unzip(path: Path) -> int:
    """Decompress a gzip file, and keep nothing."""
    decompressor = zlib.decompressobj(31)
    with path.open("rb") as file:
        return sum(len(decompressor.decompress(b)) for b in iter(lambda: file.read(1 << 20), b""))


def unzstd(path: Path) -> int:
    """Decompress a zstd file, and keep nothing."""
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
        return sum(len(block) for block in iter(lambda: reader.read(1 << 20), b""))


DECOMPRESSORS: dict[str, Callable[[Path], int]] = {"gzip": unzip, "zstd": unzstd}


@pytest.mark.parametrize("reader", READERS)
def test_readers(benchmark: Any, results: Results, size: Size, log: Path, reader: str) -> None:
    """The log as typed columns; every reader sees every record."""
    module = "benches.readers"
    measured = measure(benchmark, "-m", module, reader, str(log), log=log)
    results.readers[reader] = measured
    assert measured.said == size.records


@pytest.mark.parametrize("form", logs.FORMS)
def test_forms(benchmark: Any, results: Results, size: Size, form: str) -> None:
    """The same records in another form, through the five rules, in this process."""
    records = min(size.records, MOST)
    path = logs.form(logs.log(Size(str(records), records)), form)
    scanned, results.forms[form] = measure_here(benchmark, lambda: scan(path))
    assert scanned == records


@pytest.mark.parametrize("form", DECOMPRESSORS)
def test_decompressing_alone(benchmark: Any, results: Results, size: Size, form: str) -> None:
    """What of a scan of compressed logs is decompression."""
    records = min(size.records, MOST)
    plain = logs.log(Size(str(records), records))
    path = logs.form(plain, form)
    work = DECOMPRESSORS[form]
    read, results.forms[f"{form} alone"] = measure_here(benchmark, lambda: work(path))
    assert read == plain.stat().st_size


def scan(path: Path) -> int:
    """Scan a log: how many records it has."""
    return sum(yokome.scan(path, POLICY).inputs.column("records").to_pylist())
