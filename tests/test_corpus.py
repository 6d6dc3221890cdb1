"""Every odd log of ``data/corpus`` reads as the file beside it says, whatever the chunks."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import make_corpus
import pytest
from observe import read_records, rows
from oracle import RULES
from rendering import PACKINGS

import yokome

CORPUS = make_corpus.CORPUS
EXPECTATIONS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(CORPUS.glob("*.json"))
}
READABLE = [name for name, wanted in EXPECTATIONS.items() if "error" not in wanted]
UNREADABLE = [name for name, wanted in EXPECTATIONS.items() if "error" in wanted]
WELL_FORMED = [name for name in READABLE if EXPECTATIONS[name]["csv"] is not None]
CHUNK_SIZES = (1, 2, 3, 5, 7, 64, None)

FIELDS = (
    "user",
    "user_name",
    "department",
    "terminal",
    "system",
    "operation",
    "result",
    "references",
    "subject",
)

# Flags every record, twice. A log of nothing has no columns: the rules are optional.
EVERYTHING: dict[str, Any] = {
    "assume": {},
    RULES: [
        {"id": "all", "kind": "match", "optional": True},
        {"id": "twin", "kind": "match", "optional": True},
    ],
}


def path_of(name: str) -> Path:
    """The log of that name."""
    return CORPUS / str(EXPECTATIONS[name]["file"])


def expected_records(name: str) -> list[tuple[Any, ...]]:
    """Line, time and fields, as the file beside the log says."""
    return [
        (r["line"], datetime.fromisoformat(r["time"]), *(r.get(field) for field in FIELDS))
        for r in EXPECTATIONS[name]["records"]
    ]


def found_records(listed: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The same of what was read."""
    return sorted(
        ((row["line"], row["time"], *(row[field] for field in FIELDS)) for row in listed),
        key=lambda row: int(row[0]),
    )


def check_counts(name: str, inputs: Any, rejects: Any, path: Path) -> None:
    """Records, rejects and blank lines are accounted for."""
    wanted = EXPECTATIONS[name]
    (counts,) = rows(inputs)
    assert counts["source"] == str(path)
    assert counts["error"] is None
    assert counts["records"] == len(wanted["records"])
    assert counts["rejected"] == len(wanted["rejects"])
    assert counts["blank"] == wanted["blank"]
    assert (counts["replaced"] > 0) == wanted["replaced"]
    refused = rows(rejects)
    assert sorted([row["line"], row["reason"]] for row in refused) == wanted["rejects"]
    for row in refused:
        assert row["source"] == str(path)
        assert len(row["excerpt"]) <= 200


def test_the_corpus_is_as_its_script_makes_it() -> None:
    committed = {path.name: path.read_bytes() for path in CORPUS.iterdir()}
    assert committed == make_corpus.files()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("chunk_size", CHUNK_SIZES)
@pytest.mark.parametrize("name", READABLE)
def test_reads_as_expected(name: str, chunk_size: int | None, threads: int) -> None:
    reading = yokome.read(
        path_of(name), chunk_size=chunk_size, threads=threads, **EXPECTATIONS[name]["how"]
    )
    assert found_records(read_records(reading)) == expected_records(name)
    check_counts(name, reading.inputs, reading.rejects, path_of(name))


@pytest.mark.parametrize("chunk_size", [1, 7, None])
@pytest.mark.parametrize("name", READABLE)
def test_scans_as_expected(name: str, chunk_size: int | None) -> None:
    policy = yokome.Policy.from_dict(EVERYTHING)
    result = yokome.scan(path_of(name), policy, chunk_size=chunk_size, **EXPECTATIONS[name]["how"])
    for rule in ("all", "twin"):
        flagged = [row for row in rows(result.flagged) if row["rule"] == rule]
        assert found_records(flagged) == expected_records(name)
    check_counts(name, result.inputs, result.rejects, path_of(name))


@pytest.mark.parametrize("chunk_size", [1, 64, None])
@pytest.mark.parametrize("name", UNREADABLE)
def test_says_why_it_cannot_be_read(name: str, chunk_size: int | None) -> None:
    wanted = EXPECTATIONS[name]
    error = getattr(yokome, wanted["error"])
    with pytest.raises(error) as raised:
        read_records(yokome.read(path_of(name), chunk_size=chunk_size, **wanted["how"]))
    assert raised.value.source == str(path_of(name))
    with pytest.raises(error):
        yokome.scan(path_of(name), chunk_size=chunk_size, **wanted["how"])


@pytest.mark.parametrize("name", WELL_FORMED)
def test_reads_as_the_csv_module_does(name: str) -> None:
    how = EXPECTATIONS[name]["csv"]
    text = path_of(name).read_bytes().decode(how["encoding"])
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=how["delimiter"])
    header, *table = [line for line in lines if line][how["skip"] :]
    expected = [
        tuple(line[header.index(column)] or None for column in how["columns"].values())
        for line in table
    ]
    reading = yokome.read(path_of(name), **EXPECTATIONS[name]["how"])
    listed = sorted(read_records(reading), key=lambda row: int(row["line"]))
    assert [tuple(row[field] for field in how["columns"]) for row in listed] == expected


@pytest.mark.parametrize("packing", [name for name in PACKINGS if name != "none"])
@pytest.mark.parametrize("name", WELL_FORMED)
def test_compression_changes_nothing(name: str, packing: str, tmp_path: Path) -> None:
    suffix, pack, behind = PACKINGS[packing]
    path = tmp_path / f"log{suffix}"
    path.write_bytes(pack(path_of(name).read_bytes()))
    reading = yokome.read(path, **EXPECTATIONS[name]["how"])
    assert found_records(read_records(reading)) == expected_records(name)
    check_counts(name, reading.inputs, reading.rejects, Path(f"{path}{behind}"))


@pytest.mark.parametrize("name", ["invalid_utf8", "invalid_cp932"])
def test_values_that_differ_in_undecodable_bytes_stay_apart(name: str) -> None:
    policy = yokome.Policy.from_dict(
        {RULES: [{"id": "twice", "kind": "count", "window": "30d", "at_least": 2}]}
    )
    result = yokome.scan(path_of(name), policy, **EXPECTATIONS[name]["how"])
    assert result.flagged.num_rows == 0
    every = yokome.scan(
        path_of(name), yokome.Policy.from_dict(EVERYTHING), **EXPECTATIONS[name]["how"]
    )
    assert {row["users"] for row in rows(every.summary)} == {3}
    assert sorted(row["user"] for row in rows(every.by_user) if row["rule"] == "all") == [
        "A",
        "A\ufffd",
        "A\ufffd",
    ]


def test_all_of_it_at_once() -> None:
    """One scan over everything that needs no telling how to read; the rest is skipped by name."""
    told = [name for name in READABLE if not EXPECTATIONS[name]["how"]]
    result = yokome.scan(
        [path_of(name) for name in [*told, *UNREADABLE]],
        yokome.Policy.from_dict(EVERYTHING),
        skip_unreadable=True,
        threads=2,
    )
    inputs = {row["source"]: row for row in rows(result.inputs)}
    assert set(inputs) == {str(path_of(name)) for name in [*told, *UNREADABLE]}
    for name in told:
        counts = inputs[str(path_of(name))]
        assert counts["error"] is None
        assert counts["records"] == len(EXPECTATIONS[name]["records"])
        assert counts["rejected"] == len(EXPECTATIONS[name]["rejects"])
    for name in UNREADABLE:
        if "columns" not in EXPECTATIONS[name]["how"]:
            assert inputs[str(path_of(name))]["error"]
    order = [(row["time"], row["source"], row["line"]) for row in rows(result.flagged)]
    assert order == sorted(order)


# --- long records --------------------------------------------------------------------------------

MIB = 1 << 20


@pytest.mark.parametrize("chunk_size", [1000, 65536, None])
def test_long_records(tmp_path: Path, chunk_size: int | None) -> None:
    """A record may be long, but not longer than a mebibyte; then reading goes on."""
    lines = (
        make_corpus.HEADER,
        "2019/02/02 19:48:52,0012," + "あ" * 300_000,
        "2019/02/02 19:48:53,0012," + "い" * 400_000,
        '2019/02/02 19:48:54,0012,"検索',
        *(f"2019/02/02 19:48:55,0013,{'う' * 100_000}" for _ in range(5)),
        "2019/02/02 19:48:56,0014,書き出し",
    )
    assert len(lines[1].encode()) < MIB < len(lines[2].encode())
    path = tmp_path / "long.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    reading = yokome.read(path, encoding="utf-8", delimiter=",", chunk_size=chunk_size)
    found = sorted(read_records(reading), key=lambda row: int(row["line"]))
    assert [(row["line"], row["user"], len(row["operation"])) for row in found] == [
        (2, "0012", 300_000),
        *((line, "0013", 100_000) for line in range(5, 10)),
        (10, "0014", 4),
    ]
    refused = sorted((row["line"], row["reason"]) for row in rows(reading.rejects))
    # Line 4 is short itself; its quote is what does not close.
    assert refused == [(3, "too_long"), (4, "quote")]
    assert all(len(row["excerpt"]) <= 200 for row in rows(reading.rejects))
