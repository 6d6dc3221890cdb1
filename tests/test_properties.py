"""The promises of a scan, held against small odd logs.

A scan's result is a function of the *set* of records: it equals the brute-force oracle's, and
nothing about how the records were written, split, ordered or read may change it.
"""

# ruff: noqa: S311 - chance, not secrets

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import oracle
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from csv_reference import Blank, parse, physical_lines
from hypothesis import given, settings
from hypothesis import strategies as st
from observe import (
    content,
    everything,
    in_output_order,
    japanese_holiday,
    names,
    outcome_of,
    read_records,
    record_of,
    rows,
)
from oracle import FIELDS, Record
from rendering import (
    ENCODINGS,
    HEADER,
    PACKINGS,
    Log,
    Style,
    cells,
    encodable,
    folder,
    milliseconds,
    render_records,
    write_log,
)
from strategies import Case, cases, examples, logs, policies, scopes, steps, styles

import yokome

CHUNK_SIZES = st.one_of(st.integers(1, 64), st.sampled_from((None, 100, 1000)))
THREADS = st.sampled_from((1, 2, 8, None))
MEMORY_LIMITS = st.sampled_from((1, 1000, 4000, 20_000, 100_000))


def scan(log: Log, policy: dict[str, Any], style: Style, **how: Any) -> yokome.ScanResult:
    """Scan a written log, saying only what cannot be found out from so few records."""
    return yokome.scan(
        names(log.paths),
        yokome.Policy.from_dict(policy),
        encoding=style.label,
        delimiter=style.delimiter,
        **how,
        # A random number may look like an Individual Number, which results mask.
        unmask=True,
    )


@st.composite
def written_cases(draw: st.DrawFn, *, millis: bool = False) -> tuple[Case, Style]:
    """A log, a policy, and a manner of writing that can carry the log."""
    style = draw(styles(millis=millis))
    return draw(cases(encoding=style.encoding, millis=millis)), style


# --- the oracle ----------------------------------------------------------------------------------


def check_against_oracle(
    case: Case,
    style: Style,
    files: int,
    chunk_size: int | None,
    threads: int | None,
    *,
    batch_size: int | None = None,
    memory_limit: int | None = None,
    in_order: bool = False,
) -> None:
    """Everything the engine says about the log is what the oracle says."""
    records, policy = case
    if in_order:
        records = tuple(sorted(records, key=lambda r: r.time))
    with folder() as place:
        log = write_log(records, style, place, files=files, shuffle=not in_order)
        result = scan(
            log,
            policy,
            style,
            chunk_size=chunk_size,
            threads=threads,
            batch_size=batch_size,
            memory_limit=memory_limit,
        )
        got = outcome_of(result)
        want = oracle.scan(log.records, policy, holidays=japanese_holiday)
        assert got.summary == want.summary
        assert got.flagged == want.flagged
        assert got.findings == want.findings
        assert got.by_user == want.by_user
        assert got.by_day == want.by_day
        assert got.activity == want.activity
        assert in_output_order(result.flagged, result.policy)
        check_rows(result, log)
        check_inputs(result, log)


def check_rows(result: yokome.ScanResult, log: Log) -> None:
    """Flagged rows carry their records: fields, place and text; and their finding."""
    by_place = {(r.source, r.line): r for r in log.records}
    kinds = {rule["id"]: rule["kind"] for rule in result.policy.rules}
    findings = {row["finding"]: row for row in rows(result.findings)}
    assert len(findings) == result.findings.num_rows
    members: Counter[str] = Counter()
    for row in rows(result.flagged):
        place = row["source"], row["line"]
        assert record_of(row) == by_place[place]
        assert row["offset"] == log.places[place].offset
        assert row["raw"] == log.places[place].raw
        finding = findings[row["finding"]]
        members[row["finding"]] += 1
        assert finding["rule"] == row["rule"]
        assert finding["key"] == row[finding["per"]]
        assert finding["first"] <= row["time"] <= finding["last"]
        assert row["observed"] <= finding["peak"]
        assert (finding["value"] is not None) == (kinds[row["rule"]] == "novelty")
    assert members == {name: row["records"] for name, row in findings.items()}


def check_inputs(result: yokome.ScanResult, log: Log) -> None:
    """Nothing is lost in silence."""
    assert result.rejects.num_rows == 0
    inputs = {row["source"]: row for row in rows(result.inputs)}
    assert set(inputs) == set(log.rendered)
    for source, row in inputs.items():
        written = log.rendered[source]
        times = [r.time for r in log.records if r.source == source]
        assert row["records"] == len(written.places)
        assert row["rejected"] == 0
        assert row["blank"] == written.blank
        assert row["lines"] == written.lines
        assert row["replaced"] == 0
        assert row["error"] is None
        assert row["first"] == min(times, default=None)
        assert row["last"] == max(times, default=None)
        assert json.loads(row["columns"]) == dict(HEADER)


@settings(max_examples=examples(400))
@given(
    written=written_cases(),
    files=st.integers(1, 3),
    chunk_size=CHUNK_SIZES,
    threads=THREADS,
)
def test_the_engine_says_what_the_oracle_says(
    written: tuple[Case, Style], files: int, chunk_size: int | None, threads: int | None
) -> None:
    case, style = written
    check_against_oracle(case, style, files, chunk_size, threads)


@settings(max_examples=examples(400))
@given(
    written=written_cases(),
    files=st.integers(1, 3),
    chunk_size=CHUNK_SIZES,
    threads=THREADS,
    batch_size=st.sampled_from([1, 2, 3, 5, 8]),
    in_order=st.booleans(),
)
def test_batches_and_order_change_nothing(
    written: tuple[Case, Style],
    files: int,
    chunk_size: int | None,
    threads: int | None,
    batch_size: int,
    in_order: bool,
) -> None:
    case, style = written
    check_against_oracle(
        case, style, files, chunk_size, threads, batch_size=batch_size, in_order=in_order
    )


@settings(max_examples=examples(400))
@given(
    written=written_cases(),
    files=st.integers(1, 3),
    chunk_size=CHUNK_SIZES,
    threads=THREADS,
    batch_size=st.sampled_from([1, 3, None]),
    memory_limit=MEMORY_LIMITS,
    in_order=st.booleans(),
)
def test_memory_limits_change_nothing(
    written: tuple[Case, Style],
    files: int,
    chunk_size: int | None,
    threads: int | None,
    batch_size: int | None,
    memory_limit: int,
    in_order: bool,
) -> None:
    """From a run for every block, merged two by two in many passes, to one run of all."""
    case, style = written
    check_against_oracle(
        case,
        style,
        files,
        chunk_size,
        threads,
        batch_size=batch_size,
        memory_limit=memory_limit,
        in_order=in_order,
    )


@settings(max_examples=examples(60))
@given(
    case=cases(max_size=120),
    files=st.integers(1, 4),
    threads=THREADS,
    batch_size=st.integers(1, 40),
    memory_limit=MEMORY_LIMITS,
)
def test_longer_logs_in_little_memory_say_what_the_oracle_says(
    case: Case, files: int, threads: int | None, batch_size: int, memory_limit: int
) -> None:
    check_against_oracle(
        case, Style(), files, 100, threads, batch_size=batch_size, memory_limit=memory_limit
    )


@settings(max_examples=examples(40))
@given(
    written=written_cases(),
    ways=st.lists(st.tuples(CHUNK_SIZES, THREADS, MEMORY_LIMITS), min_size=2, max_size=4),
)
def test_every_table_is_the_same_row_for_row_under_any_memory_limit(
    written: tuple[Case, Style], ways: list[tuple[int | None, int | None, int]]
) -> None:
    (records, policy), style = written
    with folder() as place:
        log = write_log(records, style, place, files=2, shuffle=True)
        usual = everything(scan(log, policy, style))
        for chunk_size, threads, memory_limit in ways:
            how = {"chunk_size": chunk_size, "threads": threads, "memory_limit": memory_limit}
            assert everything(scan(log, policy, style, batch_size=2, **how)) == usual


@settings(max_examples=examples(60))
@given(
    case=cases(max_size=120),
    chunk_size=st.sampled_from([64, 300]),
    threads=THREADS,
    batch_size=st.integers(1, 40),
)
def test_a_longer_stream_in_batches_says_what_the_oracle_says(
    case: Case, chunk_size: int, threads: int | None, batch_size: int
) -> None:
    check_against_oracle(
        case, Style(), 1, chunk_size, threads, batch_size=batch_size, in_order=True
    )


@settings(max_examples=examples(100))
@given(written=written_cases(millis=True), chunk_size=CHUNK_SIZES)
def test_milliseconds_count(written: tuple[Case, Style], chunk_size: int | None) -> None:
    case, style = written
    check_against_oracle(case, style, 1, chunk_size, 1)


@settings(max_examples=examples(40))
@given(case=cases(max_size=120), threads=THREADS)
def test_longer_logs_say_what_the_oracle_says(case: Case, threads: int | None) -> None:
    check_against_oracle(case, Style(), 2, None, threads)


@settings(max_examples=examples(12))
@given(data=st.data(), records=logs(max_size=15), threads=THREADS)
def test_many_rules_and_steps_say_what_the_oracle_says(
    data: st.DataObject, records: tuple[Record, ...], threads: int | None
) -> None:
    """More conditions than a word has bits, the scope's behind them all."""
    policy = data.draw(policies(records))
    policy["scope"] = data.draw(scopes(records))
    policy[oracle.RULES] += [
        {
            "id": f"q{n}",
            "kind": "sequence",
            "within": "100d",
            "steps": data.draw(st.lists(steps(records), min_size=2, max_size=4)),
        }
        for n in range(30)
    ]
    check_against_oracle((records, policy), Style(), 1, None, threads)


@settings(max_examples=examples(40))
@given(
    data=st.data(),
    records=logs(min_size=8, max_size=24),
    rules=st.integers(62, 70),
    threads=st.sampled_from((1, 2)),
    batch_size=st.sampled_from((1, 3, 8)),
    chunk_size=st.sampled_from((1, 64, 300, 2000)),
    memory_limit=st.sampled_from((None, None, 1, 4000)),
    in_order=st.booleans(),
)
def test_rules_beyond_a_word_of_bits_go_over_batches(
    data: st.DataObject,
    records: tuple[Record, ...],
    rules: int,
    threads: int,
    batch_size: int,
    chunk_size: int,
    memory_limit: int | None,
    in_order: bool,
) -> None:
    """The last rules and the scope have their bits in a second word of each record's mask."""
    policy = data.draw(policies(records))
    last = policy[oracle.RULES]
    policy["scope"] = data.draw(scopes(records))
    users = sorted({r.user for r in records if r.user is not None}) or ["無"]
    policy[oracle.RULES] = [
        {"id": f"m{n}", "kind": "match", "where": {"user": users[n % len(users)]}}
        for n in range(rules - len(last))
    ] + last
    check_against_oracle(
        (records, policy),
        Style(),
        1 if in_order else 2,
        chunk_size,
        threads,
        batch_size=batch_size,
        memory_limit=memory_limit,
        in_order=in_order,
    )


@settings(max_examples=examples(25))
@given(
    seed=st.integers(0, 2**32 - 1),
    within=st.sampled_from(("10s", "20s", "60s")),
    times=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    batch_size=st.sampled_from((None, 7, 40)),
)
def test_sequences_by_many_values_say_what_the_oracle_says(
    seed: int, within: str, times: tuple[int, int], batch_size: int | None
) -> None:
    """Values come and go: those out of the window are forgotten, though not a second too early."""
    rng = random.Random(seed)
    start = oracle.instant("2026-04-01T09:00:00")
    passing = [(second, f"x{second}", "failure") for second in range(200)]
    staying = [
        (rng.randrange(200), rng.choice("abcdefgh"), rng.choice(("success", "failure")))
        for _ in range(100)
    ]
    # A finding goes on although the records of its first chain have left the window.
    length = int(within[:-1])
    going_on = [
        (begin + second, f"e{n}", result)
        for n, begin in enumerate(rng.randrange(130) for _ in range(20))
        for second, result, count in (
            (0, "failure", times[0]),
            (length - 2, "success", times[1]),
            (length + 3, "failure", times[0]),
            (length + 5, "success", times[1]),
        )
        for _ in range(count)
    ]
    records = tuple(
        Record(time=start + timedelta(seconds=second), user="u", subject=subject, result=result)
        for second, subject, result in passing + staying + going_on
    )
    steps = [
        {"result": result, "times": n}
        for result, n in zip(("failure", "success"), times, strict=True)
    ]
    rule = {"id": "q", "kind": "sequence", "steps": steps, "within": within, "by": "subject"}
    policy = {"calendar": {"country": "JP", "hours": "08:30-17:15"}, oracle.RULES: [rule]}
    check_against_oracle(
        (records, policy), Style(), 1, None, 1, batch_size=batch_size, in_order=True
    )


@settings(max_examples=examples(12))
@given(
    seed=st.integers(0, 2**32 - 1),
    lookback=st.integers(2, 9),
    max_days=st.integers(0, 1),
    batch_size=st.sampled_from((None, 7, 40)),
)
def test_values_out_of_the_lookback_are_forgotten_not_a_day_too_early(
    seed: int, lookback: int, max_days: int, batch_size: int | None
) -> None:
    """Many values; some come again when they have just left the lookback, or are about to."""
    rng = random.Random(seed)
    start = oracle.instant("2026-04-01T09:00:00")
    uses = [(day, f"x{day}-{n}") for day in range(24) for n in range(9)]
    again = [
        (day + rng.choice((lookback - 1, lookback, lookback + 1)), value)
        for day, value in rng.sample(uses, 60)
    ]
    records = tuple(
        Record(time=start + timedelta(days=day, seconds=rng.randrange(9)), user="u", subject=value)
        for day, value in uses + again
    )
    rule = {
        "id": "n",
        "kind": "novelty",
        "field": "subject",
        "lookback": f"{lookback}d",
        "min_active_days": 1,
        "max_days": max_days,
    }
    policy = {"calendar": {"country": "JP", "hours": "08:30-17:15"}, oracle.RULES: [rule]}
    check_against_oracle(
        (records, policy), Style(), 1, None, 1, batch_size=batch_size, in_order=True
    )


@settings(max_examples=examples(40))
@given(
    uses=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 7)), min_size=6, max_size=20),
    lookback=st.integers(2, 5),
    batch_size=st.sampled_from((None, 1, 4)),
)
def test_half_hours_out_of_the_lookback_are_forgotten(
    uses: list[tuple[int, int]], lookback: int, batch_size: int | None
) -> None:
    """One user, hours apart, on days of which the lookback sees a few."""
    start = oracle.instant("2026-04-01T00:00:00")
    records = tuple(
        Record(time=start + timedelta(days=day, hours=3 * hour), user="u") for day, hour in uses
    )
    of = {"lookback": f"{lookback}d", "min_active_days": 1}
    rules = [{"id": "h", "kind": "hours", "at_least": "3h", **of}]
    rules.append({"id": "s", "kind": "spike", "at_least": 1, "factor": 1, **of})
    policy = {"calendar": {"country": "JP", "hours": "08:30-17:15"}, oracle.RULES: rules}
    check_against_oracle(
        (records, policy), Style(), 1, None, 1, batch_size=batch_size, in_order=True
    )


# --- ways of reading -----------------------------------------------------------------------------


@settings(max_examples=examples(60))
@given(
    written=written_cases(),
    ways=st.lists(st.tuples(CHUNK_SIZES, THREADS), min_size=2, max_size=4),
)
def test_chunks_and_threads_change_nothing(
    written: tuple[Case, Style], ways: list[tuple[int | None, int | None]]
) -> None:
    (records, policy), style = written
    with folder() as place:
        log = write_log(records, style, place, files=2, shuffle=True)
        usual = everything(scan(log, policy, style))
        for chunk_size, threads in ways:
            other = scan(log, policy, style, chunk_size=chunk_size, threads=threads)
            assert everything(other) == usual


@settings(max_examples=examples(40))
@given(case=cases(encoding="cp932"), other=styles(), seed=st.integers(0, 99))
def test_the_manner_of_writing_changes_nothing(case: Case, other: Style, seed: int) -> None:
    records, policy = case
    # What the other encoding cannot carry, e.g. user-defined characters, is left out.
    records = tuple(
        r for r in records if encodable("".join(map(str, r.__dict__.values())), other.encoding)
    )
    plain = Style(seed=seed)
    results = []
    for style in (plain, other):
        with folder() as place:
            log = write_log(records, style, place)
            results.append(content(scan(log, policy, style)))
    assert results[0] == results[1]


@settings(max_examples=examples(40))
@given(case=cases(), style=styles(encoding="utf-8", packed=False))
def test_compression_changes_only_the_name(case: Case, style: Style) -> None:
    records, policy = case
    results = []
    for packing in PACKINGS:
        with folder() as place:
            log = write_log(records, replace(style, packing=packing), place)
            listed = everything(scan(log, policy, style))
            kept = ("source", "bytes")
            results.append(
                {
                    name: [{k: v for k, v in row.items() if k not in kept} for row in table]
                    for name, table in listed.items()
                }
            )
    assert all(result == results[0] for result in results)


@settings(max_examples=examples(40))
@given(case=cases(), files=st.integers(1, 4), seeds=st.tuples(st.integers(0), st.integers(0)))
def test_the_order_of_lines_and_the_split_over_files_change_nothing(
    case: Case, files: int, seeds: tuple[int, int]
) -> None:
    records, policy = case
    results = []
    for seed, number in zip(seeds, (1, files), strict=True):
        with folder() as place:
            style = Style(seed=seed)
            log = write_log(records, style, place, files=number, shuffle=True)
            results.append(content(scan(log, policy, style)))
    assert results[0] == results[1]


@settings(max_examples=examples(40))
@given(case=cases(), order=st.permutations(range(3)))
def test_the_order_of_naming_files_changes_nothing(case: Case, order: Sequence[int]) -> None:
    records, policy = case
    with folder() as place:
        log = write_log(records, Style(), place, files=3)
        usual = scan(log, policy, Style())
        other = scan(replace(log, paths=tuple(log.paths[n] for n in order)), policy, Style())
        for name, table in everything(usual).items():
            if name != "inputs":
                assert rows(getattr(other, name)) == table
        in_place = sorted(rows(other.inputs), key=lambda row: str(row["source"]))
        assert in_place == sorted(rows(usual.inputs), key=lambda row: str(row["source"]))


# --- nothing is lost -----------------------------------------------------------------------------

GOOD = "2026-04-01 09:00:00,u,op"
TOKENS = (GOOD, GOOD + "\n", GOOD + "\r\n", GOOD + "\r", ",", '"', '""', "\n", "\r", "\r\n", "a")
JUNK = st.lists(st.sampled_from(TOKENS), max_size=20).map("".join)


@settings(max_examples=examples(400))
@given(
    junk=JUNK,
    encoding=st.sampled_from(("utf-8", "cp932", "utf-16-le", "utf-16-be")),
    chunk_size=CHUNK_SIZES,
    threads=st.sampled_from((1, 2)),
)
def test_every_record_seen_is_accepted_or_rejected(
    junk: str, encoding: str, chunk_size: int | None, threads: int
) -> None:
    label, codec, mark = ENCODINGS[encoding]
    text = "日時,職員番号,操作内容\n" + junk
    accepted: list[tuple[Any, ...]] = []
    rejected: list[tuple[Any, ...]] = []
    blank = 0
    for number, item in enumerate(parse(text)):
        if number == 0:
            continue
        if isinstance(item, Blank):
            blank += 1
            continue
        offset = len(mark) + len(text[: item.start].encode(codec))
        if item.fields is None:
            rejected.append((item.line, offset, "quote"))
        elif len(item.fields) != 3:
            rejected.append((item.line, offset, "columns"))
        elif item.fields[0] != "2026-04-01 09:00:00":
            rejected.append((item.line, offset, "time"))
        else:
            _, user, operation = item.fields
            accepted.append((item.line, offset, user or None, operation or None))

    with folder() as place:
        path = place / "log.csv"
        path.write_bytes(mark + text.encode(codec))
        reading = yokome.read(
            path,
            encoding=label,
            delimiter=",",
            time_format="%Y-%m-%d %H:%M:%S",
            chunk_size=chunk_size,
            threads=threads,
        )
        found = [
            (row["line"], row["offset"], row["user"], row["operation"])
            for row in read_records(reading)
        ]
        refused = [(row["line"], row["offset"], row["reason"]) for row in rows(reading.rejects)]
        (counts,) = rows(reading.inputs)
    assert sorted(found) == sorted(accepted)
    assert sorted(refused) == sorted(rejected)
    assert counts["records"] == len(accepted)
    assert counts["rejected"] == len(rejected)
    assert counts["blank"] == blank
    assert counts["lines"] == physical_lines(text)
    assert counts["bytes"] == len(mark + text.encode(codec))


@settings(max_examples=examples(80))
@given(data=st.data(), files=st.integers(1, 3), chunk_size=CHUNK_SIZES, threads=THREADS)
def test_read_gives_exactly_the_records(
    data: st.DataObject, files: int, chunk_size: int | None, threads: int | None
) -> None:
    millis = data.draw(st.booleans())
    style = data.draw(styles(millis=millis))
    records = data.draw(logs(encoding=style.encoding, millis=millis))
    with folder() as place:
        log = write_log(records, style, place, files=files, shuffle=True)
        reading = yokome.read(
            names(log.paths),
            encoding=style.label,
            delimiter=style.delimiter,
            chunk_size=chunk_size,
            threads=threads,
        )
        found = read_records(reading)
        counts = rows(reading.inputs)
    expected = {(r.source, r.line): r for r in log.records}
    assert {(row["source"], row["line"]): record_of(row) for row in found} == expected
    assert len(found) == len(expected)
    assert {(row["source"], row["line"]): row["offset"] for row in found} == {
        place: placed.offset for place, placed in log.places.items()
    }
    assert sum(row["records"] for row in counts) == len(records)


# --- Arrow streams -------------------------------------------------------------------------------


def columns_as_written(records: Sequence[Record]) -> dict[str, list[Any]]:
    """The log as a table of texts, under its own header."""
    rng = random.Random(0)
    lines = [
        cells(r, f"{r.time:%Y-%m-%d %H:%M:%S}.{milliseconds(r.time):03}", rng) for r in records
    ]
    return {header: [line[n] for line in lines] for n, header in enumerate(HEADER.values())}


def typed_table(records: Sequence[Record]) -> pa.Table:
    """The log as a table of the record schema's names and types."""
    types = {"time": pa.timestamp("ms"), "references": pa.bool_()}
    return pa.table(
        {
            name: pa.array([getattr(r, name) for r in records], types.get(name, pa.string()))
            for name in FIELDS
        }
    )


def batches(table: pa.Table, size: int) -> pa.RecordBatchReader:
    """The table as a stream of small batches."""
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=size))


def stream_sources(records: Sequence[Record], size: int) -> dict[str, Any]:
    """The same log as every kind of stream."""
    typed = typed_table(records)
    under_header = typed.rename_columns([HEADER[name] for name in typed.column_names])
    texts = columns_as_written(records)
    schema = pa.schema([(name, pa.string()) for name in texts])
    text_table = pa.table(texts, schema=schema)
    dictionaries = pa.table(
        {
            name: typed[name].dictionary_encode()
            if pa.types.is_string(typed.schema.field(name).type)
            else typed[name]
            for name in FIELDS
        }
    )
    return {
        "pyarrow, record schema": typed,
        "pyarrow, header names": under_header,
        "pyarrow, texts": text_table,
        "pyarrow, dictionaries": dictionaries,
        "pyarrow, stream of batches": batches(typed, size),
        "polars": pl.from_arrow(typed),
        "polars, header names": pl.from_arrow(under_header),
        "pandas": pd.DataFrame({name: typed[name].to_pylist() for name in FIELDS}).astype(
            {"time": "datetime64[ms]", "references": "boolean"}
        ),
    }


@settings(max_examples=examples(30))
@given(
    case=cases(millis=True, max_size=15),
    size=st.integers(1, 5),
    threads=THREADS,
    memory_limit=st.one_of(st.none(), MEMORY_LIMITS),
)
def test_a_stream_gives_what_the_file_gives(
    case: Case, size: int, threads: int | None, memory_limit: int | None
) -> None:
    records, policy = case
    if not records:  # a pandas frame of nothing has no types
        return
    compiled = yokome.Policy.from_dict(policy)
    style = Style(time_format="fraction")
    with folder() as place:
        log = write_log(records, style, place)
        expected = content(scan(log, policy, style))
        sources = stream_sources(records, size)
        sources["yokome.read"] = yokome.read(names(log.paths), encoding="utf-8", delimiter=",")
        for name, source in sources.items():
            result = yokome.scan(
                source, compiled, threads=threads, memory_limit=memory_limit, unmask=True
            )
            assert content(result) == expected, name


def test_an_empty_stream_is_a_log_without_records() -> None:
    result = yokome.scan(typed_table([]))
    assert result.flagged.num_rows == 0
    assert sum(row["records"] for row in rows(result.inputs)) == 0


# --- files in bulk -------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_many_files_are_one_log(tmp_path: Path, threads: int) -> None:
    records = [
        Record(time=oracle.instant(f"2026-04-{1 + n % 28:02}T{n % 24:02}:00:00"), user=f"u{n % 7}")
        for n in range(400)
    ]
    log = write_log(records, Style(), tmp_path, files=60, shuffle=True)
    policy = {
        "calendar": {"country": "JP", "hours": "08:30-17:15", "margin": "0s", "closed": []},
        oracle.RULES: [
            {"id": "r", "kind": "count", "window": "24h", "at_least": 2},
            {"id": "o", "kind": "match", "where": {"calendar": "off-hours"}},
        ],
    }
    expected = oracle.scan(log.records, policy, holidays=japanese_holiday)
    result = yokome.scan(tmp_path, yokome.Policy.from_dict(policy), threads=threads)
    assert outcome_of(result) == expected


def test_rendered_logs_need_not_be_announced(tmp_path: Path) -> None:
    """Encoding, delimiter and time format are found out when there is enough to tell by."""
    records = [
        Record(
            time=oracle.instant(f"2026-04-{n + 1:02}T09:00:00"),
            user=f"職員{n}",
            department="税務課",
            operation="検索",
            result="success",
            subject="000123",
        )
        for n in range(20)
    ]
    for number, encoding in enumerate(sorted(ENCODINGS)):
        for delimiter in ",\t;|":
            style = Style(encoding=encoding, delimiter=delimiter, quoting="all")
            path = tmp_path / f"log{number}.csv"
            path.write_bytes(render_records(records, style).data)
            reading = yokome.read(path)
            found = [record_of(row) for row in read_records(reading)]
            assert [replace(r, source="", line=0) for r in found] == records, style
