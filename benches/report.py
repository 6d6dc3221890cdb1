"""What was measured, as ``docs/benchmarks.md``."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from benches.logs import CACHE, DAYS, Size
from benches.measure import ROOT, Measured

# Below this size starting up is most of it; the report then stays beside the logs.
PUBLISHED = 2_000_000

TITLES = {
    "yokome": "Yokome",
    "polars": "Polars",
    "duckdb": "DuckDB",
    "pandas": "pandas",
    "rows": "Python `csv`",
}
FORM_TITLES = {
    "utf-8": "UTF-8, LF, comma, nothing quoted",
    "crlf": "CRLF",
    "tsv": "tabs",
    "quoted": "every field quoted",
    "cp932": "CP932",
    "gzip": "gzip",
    "gzip alone": "(gzip, decompressing alone, by Python's zlib)",
    "zstd": "zstd",
    "zstd alone": "(zstd, decompressing alone, by the C library)",
    "zip": "zip",
}


@dataclass
class Results:
    """Figures, as the session gathers them."""

    size: Size
    began: dt.datetime = field(default_factory=dt.datetime.now)
    load: float = field(default_factory=lambda: os.getloadavg()[0])
    starts: dict[str, Measured] = field(default_factory=dict)
    engines: dict[str, Measured] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    flagged: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)
    readers: dict[str, Measured] = field(default_factory=dict)
    forms: dict[str, tuple[float, float]] = field(default_factory=dict)

    def complete(self) -> bool:
        """Whether the whole benchmark was run."""
        ran = self.engines.keys() | self.skipped.keys()
        forms = self.forms.keys() == FORM_TITLES.keys()
        return ran == TITLES.keys() and bool(self.readers) and forms


def write(results: Results) -> Path:
    """Write the report; where."""
    published = ROOT / "docs" / "benchmarks.md"
    beside = CACHE / f"benchmarks-{results.size.name}.md"
    path = published if results.size.records >= PUBLISHED else beside
    path.write_text("\n".join(_report(results)) + "\n", encoding="utf-8")
    return path.relative_to(ROOT)


def _report(results: Results) -> Iterable[str]:
    size = results.size
    yield "# Benchmarks (性能測定)"
    yield ""
    yield f"Written by `make bench SIZE={size.name}` on {results.began:%Y-%m-%d}; `benches/` has"
    yield "the engines' programs and says what is measured."
    yield ""
    yield from _table(("", ""), _machine(results))
    yield ""
    yield "## Five rules: CSV in, flagged records to Parquet out"
    yield ""
    yield from _engines(results)
    yield ""
    flagged = results.flagged["records"]
    total = sum(count for count, _ in flagged.values())
    yield f"All engines flagged the same {total:,} rows, {total / size.records:.2%} of the records:"
    yield ", ".join(f"{count:,} `{rule}`" for rule, (count, _) in flagged.items()) + "."
    yield "Yokome's rows also say where each record stands, its own text, the threshold and since"
    yield "when; it finds out encoding, delimiter, columns and the form of times by itself."
    yield ""
    yield "## Reading: CSV in, typed columns in memory"
    yield ""
    yield from _readers(results)
    yield ""
    yield "Yokome's columns include source, line and offset of every record."
    yield ""
    yield "## Reading other forms of the same log"
    yield ""
    yield from _forms(results)


def _machine(results: Results) -> list[tuple[str, str]]:
    size = results.size
    packages = ("yokome", "polars", "duckdb", "pandas", "pyarrow")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return [
        ("Log", f"{size.records:,} records of {size.users:,} users in {DAYS} days, eight columns"),
        ("Processor", f"{_processor()}, {cores} logical cores"),
        ("Load average before", f"{results.load:.1f}"),
        ("System", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("Python", platform.python_version()),
        ("Versions", versions),
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _engines(results: Results) -> Iterable[str]:
    head = ("", "in turn, ×", "seconds", "×", "start-up", "CPU seconds", "×", "peak MiB", "×")
    own = results.engines["yokome"]
    rows = []
    for engine, title in TITLES.items():
        if engine in results.skipped:
            rows.append((title, results.skipped[engine], *[""] * (len(head) - 2)))
            continue
        figures = results.engines[engine]
        start = f"{results.starts[engine].seconds:.2f}" if engine in results.starts else ""
        seconds, cpu, peak = _figures(figures, own)
        in_turn = f"{figures.in_turn:.2f}" if figures.in_turn else ""
        rows.append((title, in_turn, *seconds, start, *cpu, *peak))
    yield from _table(head, rows)
    yield ""
    yield "*In turn*: each run of an engine beside a run of Yokome right before it, so that both"
    yield "see the same moments of the machine; the median of the ratios. Other figures are of runs"
    yield "apart: the best of several (of memory, the highest), at least five, and up to twelve to"
    yield "fill ten seconds. Each run is a process of its own; *start-up*, an interpreter that only"
    yield "imports, is a part of *seconds*. *×*: as a multiple of Yokome's."


def _readers(results: Results) -> Iterable[str]:
    head = ("", "seconds", "×", "CPU seconds", "×", "peak MiB", "×")
    own = next(iter(results.readers.values()))
    rows = []
    for reader, figures in results.readers.items():
        seconds, cpu, peak = _figures(figures, own)
        rows.append((f"`{reader}`", *seconds, *cpu, *peak))
    yield from _table(head, rows)


def _figures(figures: Measured, own: Measured) -> Sequence[tuple[str, str]]:
    return (
        (f"{figures.seconds:.2f}", f"{figures.seconds / own.seconds:.2f}"),
        (f"{figures.cpu:.2f}", f"{figures.cpu / own.cpu:.2f}"),
        (f"{figures.peak / (1 << 20):,.0f}", f"{figures.peak / own.peak:.2f}"),
    )


def _forms(results: Results) -> Iterable[str]:
    own = results.forms["utf-8"]
    rows = []
    for form, title in FORM_TITLES.items():
        pairs = zip(results.forms[form], own, strict=True)
        cells = [text for value, base in pairs for text in (f"{value:.2f}", f"{value / base:.2f}")]
        rows.append((title, *cells))
    yield from _table(("", "seconds", "×", "CPU seconds", "×"), rows)
    yield ""
    yield "By `yokome.scan` with the five rules, start-up not counted; of a log of at most"
    yield "2,000,000 records."


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|---|" + "---:|" * (len(head) - 1) if len(head) > 2 else "|---|---|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"
