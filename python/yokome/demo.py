"""``make demo``: what Yokome does, shown on two logs.

First the twelve records of the Commission's guidance, then a made-up log of a million records with
planted incidents, and which rules caught which of them.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import importlib.resources
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from yokome.lang import Lang, clean, default_lang, pad, pick, width

if TYPE_CHECKING:
    import pyarrow as pa

    from yokome.result import ScanResult

__all__ = ["main"]


@dataclass(frozen=True)
class Incident:
    """A row of the truth file: what was planted, on whom, when, and the rule meant to catch it."""

    user: str
    first: dt.datetime
    last: dt.datetime
    viewpoint: str
    what: str
    rule: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m yokome.demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo"))
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lang", choices=("ja", "en"), default=default_lang())
    options = parser.parse_args(arguments)
    lang: Lang = options.lang

    _heading(pick(lang, "1. 指針の例（12 件）", "1. The guidance's example (12 records)"))
    _example(lang)

    _heading(
        pick(
            lang,
            f"2. 架空のログ（{options.records:,} 件）",
            f"2. A made-up log ({options.records:,} records)",
        )
    )
    _made_up(options, lang)
    return 0


def _example(lang: Lang) -> None:
    from yokome._scan import scan
    from yokome.summary_text import summary_text

    with importlib.resources.as_file(
        importlib.resources.files("yokome") / "examples" / "ppc_example.csv"
    ) as path:
        result = scan(path)
        print(summary_text(result, lang))
        print()
        _flagged(result, lang)


def _flagged(result: ScanResult, lang: Lang) -> None:
    """Every flagged row, as a table."""
    header = pick(
        lang,
        ("行", "日時", "端末", "操作", "結果", "規則", "値"),
        ("line", "time", "terminal", "operation", "result", "rule", "observed"),
    )
    columns = ["line", "time", "terminal", "operation", "result", "rule", "observed"]
    rows = [
        tuple("" if row[name] is None else clean(str(row[name])) for name in columns)
        for row in result.flagged.select(columns).to_pylist()
    ]
    _table([header, *rows], right=(0, 6))


def _made_up(options: argparse.Namespace, lang: Lang) -> None:
    from yokome import _yokome
    from yokome._scan import scan
    from yokome.progress import file_size, progress_line
    from yokome.summary_text import location_text, summary_text

    options.out.mkdir(parents=True, exist_ok=True)
    log, truth = options.out / "log.csv", options.out / "truth.csv"
    size = _yokome.synth(
        str(log),
        str(truth),
        options.records,
        options.users,
        options.days,
        options.seed,
        "utf-8",
        None,
    )
    print(pick(lang, f"{log} を作りました（{file_size(size)}）", f"Made {log} ({file_size(size)})"))

    line = progress_line(sys.stderr, lang)
    began = time.perf_counter()
    result = scan(log, progress=line)
    seconds = time.perf_counter() - began
    if line is not None:
        line.close()
    rate = f"{result.overview.seen / seconds:,.0f}"
    speed = file_size(int(size / seconds))
    print(
        pick(
            lang,
            f"{seconds:.2f} 秒で分析しました（毎秒 {rate} 件、{speed}）",
            f"Scanned in {seconds:.2f} s ({rate} records, {speed} per second)",
        )
    )
    print()
    print(summary_text(result, lang))
    print()
    _incidents(result.flagged, _truth(truth), lang)
    print()
    paths = result.write(options.out / "result", format="csv")
    print(location_text(paths, lang, flagged=result.flagged.num_rows, csv=True))


def _incidents(flagged: pa.Table, incidents: Sequence[Incident], lang: Lang) -> None:
    """Which planted incidents were caught, and by which rules."""
    import pyarrow as pa
    import pyarrow.compute as pc

    users = pc.cast(flagged.column("user"), pa.string())
    rules = pc.cast(flagged.column("rule"), pa.string())
    times = flagged.column("time")
    header = pick(
        lang,
        ("職員", "いつから", "着眼点", "仕込んだ事案", "ねらい", "検出した規則"),
        ("user", "from", "viewpoint", "planted incident", "meant for", "caught by"),
    )
    rows, caught, as_meant = [header], 0, 0
    for incident in incidents:
        mask = pc.and_(
            pc.equal(users, incident.user),
            pc.and_(
                pc.greater_equal(times, pa.scalar(incident.first, pa.timestamp("ms"))),
                pc.less_equal(times, pa.scalar(incident.last, pa.timestamp("ms"))),
            ),
        )
        by = sorted(set(rules.filter(mask).to_pylist()))
        caught += bool(by)
        as_meant += incident.rule in by
        rows.append(
            (
                clean(incident.user),
                f"{incident.first:%Y-%m-%d %H:%M}",
                clean(incident.viewpoint),
                clean(incident.what),
                clean(incident.rule),
                ", ".join(by) if by else pick(lang, "検出なし", "nothing"),
            )
        )
    print(
        pick(
            lang,
            f"仕込んだ事案 {len(incidents):,} 件のうち {caught:,} 件を検出"
            f"（うち、ねらいどおりの規則によるもの {as_meant:,} 件）",
            f"{caught:,} of {len(incidents):,} planted incidents caught "
            f"({as_meant:,} by the rule meant for them)",
        )
    )
    _table(rows)


def _truth(path: Path) -> list[Incident]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            Incident(
                user=row["user"],
                first=_time(row["from"]),
                last=_time(row["to"], end=True),
                viewpoint=row["viewpoint"],
                what=row["what"],
                rule=row["rule"],
            )
            for row in csv.DictReader(file)
        ]


def _time(text: str, *, end: bool = False) -> dt.datetime:
    """A time of the truth file; with `end`, a bare date is that day's last moment."""
    text = text.strip().replace("/", "-")
    time = dt.datetime.fromisoformat(text)
    if end and len(text) <= 10:
        time += dt.timedelta(days=1, milliseconds=-1)
    return time


def _heading(text: str) -> None:
    print()
    print(text)
    print("=" * width(text))
    print()


def _table(rows: Sequence[tuple[str, ...]], right: Sequence[int] = ()) -> None:
    widths = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = (pad(cell, widths[i], right=i in right) for i, cell in enumerate(row))
        print("  " + "  ".join(cells).rstrip())


if __name__ == "__main__":
    sys.exit(main())
