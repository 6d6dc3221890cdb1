"""Processes measured from outside: wall time, CPU time and peak memory."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
BLOCK = 1 << 24

# How often a process is measured. Whoever is fast runs more often, so that all see about as much of
# the machine's better and worse moments: until so many seconds are filled.
LEAST_ROUNDS, MOST_ROUNDS = 5, 12
SECONDS = 10


@dataclass(frozen=True)
class Run:
    """What a process said and took."""

    said: Any
    seconds: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class Measured:
    """The best of several runs (of memory the worst): what others do meanwhile only adds.

    Attributes:
        in_turn: how many times as long as what ran before each of them, the median; None: nothing
            did.
    """

    said: Any
    seconds: float
    cpu: float
    peak: int
    in_turn: float | None = None


def python(*arguments: str) -> Run:
    """Run this interpreter; the last line it prints, if any, is JSON."""
    launch = [sys.executable, "-I", "-S", str(ROOT / "benches" / "launch.py")]
    done = subprocess.run(
        [*launch, sys.executable, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        check=True,
    )
    *said, took = done.stdout.splitlines()
    figures = json.loads(took)
    if figures["status"] != 0:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr}")
    seen = (figures[name] for name in ("seconds", "cpu", "peak"))
    return Run(json.loads(said[-1]) if said else None, *seen)


def read(log: Path, *, anew: bool = False) -> None:
    """Read a file, so that it is in the page cache; `anew`: all of it from the disk.

    Where a file was written, mapped or partly given back, Linux may hold it in single pages, which
    take any engine up to three times as long to read as those that one reading leaves.
    """
    with log.open("rb", buffering=0) as file:
        if anew and sys.platform == "linux":
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while file.read(BLOCK):
            pass


def measure(
    benchmark: Any,
    *arguments: str,
    log: Path | None = None,
    out: Path | None = None,
    before: Sequence[str] = (),
) -> Measured:
    """Run this interpreter several times, after one run that does not count.

    Before each run the log is read once, so that all of it is in the page cache: a system may give
    pages of it back at any time, and more so while an engine takes gigabytes. Before all of them it
    is read anew. Each run makes `out` anew: none has to wait until that of another is given up.

    The machine may be shared with others, and be slower for minutes: what is to be compared with
    something else has that run `before` each of its own runs (which makes `out` as well).
    """
    others: list[Run] = []

    def ready() -> None:
        if log is not None:
            read(log)
        if out is not None:
            out.unlink(missing_ok=True)

    def prepare() -> None:
        if before:
            ready()
            others.append(python(*before))
        ready()

    if log is not None:
        read(log, anew=True)
    ready()
    fill = math.ceil(SECONDS / python(*arguments).seconds)
    counted: list[Run] = []
    benchmark.pedantic(
        lambda: counted.append(python(*arguments)),
        setup=prepare,
        rounds=min(max(fill, LEAST_ROUNDS), MOST_ROUNDS),
        iterations=1,
    )
    pairs = zip(counted, others, strict=True) if others else ()
    ratios = [own.seconds / other.seconds for own, other in pairs]
    measured = Measured(
        said=counted[-1].said,
        # (As `launch.py` sees them: without its own start, as long for every engine.)
        seconds=min(run.seconds for run in counted),
        cpu=min(run.cpu for run in counted),
        peak=max(run.peak for run in counted),
        in_turn=median(ratios) if ratios else None,
    )
    benchmark.extra_info.update(asdict(measured))
    return measured


def measure_here(benchmark: Any, work: Callable[[], int]) -> tuple[int, tuple[float, float]]:
    """Call something several times in this process: what it gives, its wall and its CPU time."""
    used: list[float] = []

    def once() -> int:
        began = time.process_time()
        result = work()
        used.append(time.process_time() - began)
        return result

    result = benchmark.pedantic(once, rounds=7, iterations=1, warmup_rounds=1)
    return result, (benchmark.stats.stats.min, min(used))
