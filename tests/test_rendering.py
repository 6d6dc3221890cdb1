"""The tests' own tools against Python's csv module. Runs without the engine."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import make_corpus
import pytest
import zstandard
from csv_reference import Blank, Row, parse
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import Record, instant, scan
from rendering import ENCODINGS, HEADER, MEMBER, Style, folder, render, write_log
from strategies import cases, examples, logs, policies, styles, values

JUNK = st.lists(
    st.sampled_from(("a", "b", ",", '"', '""', "\n", "\r", "\r\n", ";", '","', 'x"y')), max_size=30
).map("".join)


def csv_rows(text: str, delimiter: str = ",") -> list[list[str]]:
    """The rows that Python's csv module reads, blank ones included as empty lists."""
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def is_closed(text: str) -> bool:
    """Whether no quote is left open at the end."""
    return all(isinstance(item, Blank) or item.fields is not None for item in parse(text))


@settings(max_examples=examples(300))
@given(text=JUNK)
def test_the_reference_reads_as_the_csv_module_does(text: str) -> None:
    if not is_closed(text):
        return
    mine = [list(item.fields or ()) if isinstance(item, Row) else [] for item in parse(text)]
    assert mine == csv_rows(text)


def test_the_reference_recovers_from_a_quote_that_never_closes() -> None:
    assert list(parse('a,b\nc,"d\ne,f\n\n""g')) == [
        Row(1, 0, "a,b", ("a", "b")),
        Row(2, 4, 'c,"d', None),
        Row(3, 9, "e,f", ("e", "f")),
        Blank(4),
        Row(5, 14, '""g', ("g",)),
    ]


@st.composite
def tables(draw: st.DrawFn) -> tuple[Style, list[list[str]]]:
    """A manner of writing, and rows of values that it can carry."""
    style = draw(styles(packed=False))
    cell = st.one_of(st.just(""), values(style.encoding))
    first = st.just("2026")  # the first cell is never empty, so that no row is a blank line
    rows = draw(st.lists(st.tuples(first, cell, cell).map(list), max_size=8))
    return style, rows


@settings(max_examples=examples(200))
@given(table=tables())
def test_what_is_rendered_reads_back(table: tuple[Style, list[list[str]]]) -> None:
    style, rows = table
    written = render(rows, ["h1", "h2", "h3"], style)
    codec, mark = ENCODINGS[style.encoding][1:]
    assert written.data.startswith(mark)
    assert written.data[len(mark) :].decode(codec) == written.text

    found = csv_rows(written.text, style.delimiter)
    skip = len(style.preamble) + 1
    assert [row for row in found[skip:] if row] == rows
    assert sum(not row for row in found) == written.blank

    items = [item for item in parse(written.text, style.delimiter) if isinstance(item, Row)]
    for item, place in zip(items[skip:], written.places, strict=True):
        assert (item.line, item.raw) == (place.line, place.raw)
        assert written.data[place.offset :].decode(codec).startswith(place.raw)


def unpacked(path: Path) -> bytes:
    """What is in the file, by what its name says it is."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(content)
    if path.suffix == ".zst":
        frames = zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True)
        return b"".join(iter(lambda: frames.read(1 << 16), b""))
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return archive.read(MEMBER)
    return content


@settings(max_examples=examples(50))
@given(data=st.data(), files=st.integers(1, 3))
def test_a_written_log_keeps_every_record(data: st.DataObject, files: int) -> None:
    style = data.draw(styles())
    records = data.draw(logs(encoding=style.encoding, max_size=10))
    with folder() as place:
        log = write_log(records, style, place, files=files, shuffle=True)
        rows = 0
        for path in log.paths:
            content = unpacked(path)
            mark = ENCODINGS[style.encoding][2]
            text = content[len(mark) :].decode(ENCODINGS[style.encoding][1])
            found = [row for row in csv_rows(text, style.delimiter) if row]
            assert found[len(style.preamble)] == list(HEADER.values())
            rows += len(found) - len(style.preamble) - 1
        assert rows == len(records) == len(log.places)
        bare = [replace(r, source="", line=0) for r in log.records]
        assert sorted(map(repr, bare)) == sorted(map(repr, records))


@settings(max_examples=examples(40))
@given(case=cases(max_size=12))
def test_the_oracle_answers_every_case(case: tuple[tuple[Record, ...], dict[str, object]]) -> None:
    records, policy = case
    numbered = [replace(r, source="log", line=n) for n, r in enumerate(records, start=2)]
    outcome = scan(numbered, policy)
    assert sum(f.records * n for f, n in outcome.findings.items()) == len(outcome.flagged)
    assert sum(rows for _, rows in outcome.by_day.values()) == len(outcome.flagged)
    assert sum(rows for rows, _ in outcome.by_user.values()) == len(outcome.flagged)
    for summary in outcome.summary.values():
        assert summary.flagged <= summary.evaluated


@settings(max_examples=examples(30))
@given(data=st.data())
def test_policies_keep_their_scope_open(data: st.DataObject) -> None:
    policy = data.draw(policies(data.draw(logs(max_size=6))))
    scope = policy.get("scope", {})
    if "from" in scope and "to" in scope:
        assert instant(scope["from"]) < instant(scope["to"], whole_day=True)


@pytest.mark.parametrize(
    "entry", [entry for entry in make_corpus.entries() if entry.csv], ids=lambda entry: entry.name
)
def test_the_corpus_expects_what_the_csv_module_reads(entry: make_corpus.Entry) -> None:
    how = entry.csv
    assert how is not None
    text = entry.data.decode(how["encoding"])
    delimiter = how["delimiter"]
    header, *table = [row for row in csv_rows(text, delimiter) if row][how["skip"] :]
    items = list(parse(text, delimiter))
    lines = [item.line for item in items if isinstance(item, Row)][how["skip"] + 1 :]
    assert sum(isinstance(item, Blank) for item in items) == entry.blank
    assert [record["line"] for record in entry.records] == lines
    for record, row in zip(entry.records, table, strict=True):
        for field, column in how["columns"].items():
            assert record.get(field) == (row[header.index(column)] or None), (record, field)


@pytest.mark.parametrize(
    "entry",
    [e for e in make_corpus.entries() if any(why != "time" for _, why in e.rejects)],
    ids=lambda entry: entry.name,
)
def test_the_corpus_rejects_what_the_reference_does(entry: make_corpus.Entry) -> None:
    items = list(parse(entry.data.decode("cp932" if "encoding" in entry.how else "utf-8")))
    rows = [item for item in items if isinstance(item, Row)]
    assert rows[0].fields is not None
    width = len(rows[0].fields)
    records = rows if entry.how.get("header") is False else rows[1:]
    assert entry.rejects == tuple(
        (row.line, "quote" if row.fields is None else "columns")
        for row in records
        if row.fields is None or len(row.fields) != width
    )


def test_gaiji_are_where_windows_has_them() -> None:
    assert "\ue000\ue757".encode("cp932") == b"\xf0\x40\xf9\xfc"
    assert "ポソ表能".encode("cp932")[1::2] == b"\x7c\x5c\x5c\x5c"
