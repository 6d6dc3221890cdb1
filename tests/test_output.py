"""What is written: safe to open, for the owner only, all or nothing."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import unicodedata
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import yokome
from yokome.lang import clean, default_lang, pad, width
from yokome.output import ResultWriter
from yokome.progress import ProgressLine, file_size, progress_line, progress_text
from yokome.summary_text import summary_text
from yokome.table_file import FORMATS, Format, TableFile, format_of, neutralise

DICTIONARY = pa.dictionary(pa.uint32(), pa.string())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def write(path: Path, *tables: pa.Table) -> None:
    """Write tables of one schema as one file."""
    with TableFile(path, format_of(path)) as file:
        for table in tables:
            file.write(table)
        file.close(tables[0].schema)
        file.move()


def cells(path: Path) -> list[list[str]]:
    """The cells of a CSV file, as a spreadsheet reads them."""
    text = path.read_bytes().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def load(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return pq.read_table(path)
    with pa.ipc.open_file(path) as reader:
        return reader.read_all()


# --- text that a spreadsheet would take for a formula ---------------------------------------------

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "＝1",
    "＋1",
    "－1",
    "＠a",
    "\t=1",
    "\r=1",
    "\n=1",
    "\x00=1",
    "\x1b[31m",
    "\x7f=1",
    "\x85=1",
    " =1",
    "\u3000＝1",
    "\ufeff=1",
    "\u200b=1",
    "−1",
]


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_a_text_like_a_formula_gets_an_apostrophe(text: str) -> None:
    (out,) = neutralise(pa.array([text], pa.large_string())).to_pylist()
    assert out.startswith("'")


@pytest.mark.parametrize(
    "text", ["", "a=1", "オサム", "0012345", "172.16.0.1", "'=1", "'", " a", "1-2", "\ue000外字"]
)
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert neutralise(pa.array([text, None], pa.large_string())).to_pylist() == [text, None]


def test_no_control_character_but_tab_and_line_ends_reaches_a_cell() -> None:
    every = "a" + "".join(map(chr, range(0xA0))) + "b"
    (out,) = neutralise(pa.array([every], pa.large_string())).to_pylist()
    left = {c for c in out if unicodedata.category(c) == "Cc"}
    assert left == {"\t", "\n", "\r"}
    assert len(out) == len(every)
    assert "␀" in out
    assert "␛" in out
    assert "␡" in out


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    table = pa.table({"n": pa.array([-5, None], pa.int64()), "x": [-0.5, 2.0]})
    write(tmp_path / "t.csv", table)
    assert cells(tmp_path / "t.csv") == [["n", "x"], ["-5", "-0.5"], ["", "2"]]


@pytest.mark.parametrize("type_", [pa.string(), pa.large_string(), DICTIONARY], ids=str)
def test_every_kind_of_text_column_is_neutralised(tmp_path: Path, type_: pa.DataType) -> None:
    texts = pa.array(["=1", None, "b"], pa.string()).cast(type_)
    write(tmp_path / "t.csv", pa.table({"t": texts, "n": [1, 2, 3]}))
    assert cells(tmp_path / "t.csv")[1:] == [["'=1", "1"], ["", "2"], ["b", "3"]]


# --- CSV for Excel --------------------------------------------------------------------------------


def test_csv_has_a_byte_order_mark_and_crlf(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", pa.table({"a": ["é", "b"]}))
    assert (tmp_path / "t.csv").read_bytes() == "\ufeffa\r\né\r\nb\r\n".encode()


def test_csv_quotes_what_must_be_quoted_and_reads_back(tmp_path: Path) -> None:
    texts = ["a,b", 'say "x"', "two\r\nlines", "one\rline", '"quoted"', "plain"]
    table = pa.table({"a": pa.array(texts, pa.string()).dictionary_encode(), "b": texts})
    write(tmp_path / "t.csv", table)
    assert cells(tmp_path / "t.csv")[1:] == [[text, text] for text in texts]


def test_csv_times_read_as_times_in_excel(tmp_path: Path) -> None:
    times = pa.array([0, 1_500, None], pa.timestamp("ms"))
    write(tmp_path / "t.csv", pa.table({"t": times}))
    assert [row[0] if row else "" for row in cells(tmp_path / "t.csv")] == [
        "t",
        "1970-01-01 00:00:00",
        "1970-01-01 00:00:01.500",
        "",
    ]


def test_csv_of_very_long_texts_is_cut_into_parts_that_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yokome.table_file._GROUP_BYTES", 1000)
    texts = [f"{i}" * 400 for i in range(9)]
    write(tmp_path / "t.csv", pa.table({"a": texts}), pa.table({"a": texts}))
    assert cells(tmp_path / "t.csv")[1:] == [[text] for text in texts * 2]


# --- Parquet and Arrow ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow"])
def test_parquet_and_arrow_hold_the_text_exactly(tmp_path: Path, name: str) -> None:
    first = pa.table({"a": pa.array(["=1", None, "\x00"], pa.string()).cast(DICTIONARY)})
    second = pa.table({"a": pa.array(["new", "=1"], pa.string()).cast(DICTIONARY)})
    write(tmp_path / name, first, second)
    assert load(tmp_path / name).to_pylist() == [*first.to_pylist(), *second.to_pylist()]


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow"])
def test_batches_with_other_dictionaries_make_one_column(tmp_path: Path, name: str) -> None:
    parts = [pa.table({"a": pa.array([f"{i}", f"{i + 1}"]).cast(DICTIONARY)}) for i in range(5)]
    write(tmp_path / name, *parts)
    assert load(tmp_path / name).column("a").to_pylist() == [
        text for i in range(5) for text in (f"{i}", f"{i + 1}")
    ]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_table_without_rows_still_has_its_columns(tmp_path: Path, kind: Format) -> None:
    path = tmp_path / f"t.{kind}"
    write(path, pa.table({"a": pa.array([], DICTIONARY), "b": pa.array([], pa.int64())}))
    if kind == "csv":
        assert cells(path) == [["a", "b"]]
    else:
        assert load(path).column_names == ["a", "b"]


def test_the_name_says_the_format() -> None:
    assert [format_of(f"x/y.{kind.upper()}") for kind in FORMATS] == list(FORMATS)
    with pytest.raises(ValueError, match="xlsx"):
        format_of("x.xlsx")


# --- for the owner only, all or nothing -----------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_files_are_0600_and_new_directories_0700(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with ResultWriter(tmp_path / "a" / "b", "csv") as writer:
            writer.table("t", lambda: pa.table({"a": [1]}))
            writer.text("t.json", "{}")
            paths = writer.commit()
    finally:
        os.umask(before)
    assert [mode(path) for path in paths] == [0o600, 0o600]
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_a_file_that_others_could_read_is_replaced_by_one_they_cannot(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("old")
    path.chmod(0o644)
    write(path, pa.table({"a": [1]}))
    assert mode(path) == 0o600


def test_without_a_commit_nothing_is_left(tmp_path: Path) -> None:
    with ResultWriter(tmp_path / "new" / "out", "parquet") as writer:
        writer.table("t", lambda: pa.table({"a": [1]}))
        writer.stream("u").write(pa.table({"a": [1]}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_when_writing_fails_the_old_result_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Format, call: str
) -> None:
    old = tmp_path / f"t.{kind}"
    old.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    if call == "replace":
        # Only where directories cannot be exchanged are files moved.
        monkeypatch.setattr("yokome.directory.exchange", fail)

    def attempt() -> None:
        with ResultWriter(tmp_path, kind) as writer:
            writer.table("t", lambda: pa.table({"a": [1]}))
            writer.commit()

    with pytest.raises(OSError, match="No space"):
        attempt()
    assert [path.name for path in tmp_path.iterdir()] == [old.name]
    assert old.read_text() == "old"


@pytest.mark.parametrize("kind", FORMATS)
def test_tables_are_written_side_by_side_in_the_order_they_were_begun(
    tmp_path: Path, kind: Format
) -> None:
    names = [f"t{n}" for n in range(12)]
    with ResultWriter(tmp_path, kind) as writer:
        for number, name in enumerate(names):
            rows = range(20_000 * (len(names) - number))
            writer.table(name, partial(pa.table, {"a": rows}))
        assert writer.names() == [f"{name}.{kind}" for name in names]
        sizes = writer.digests(lambda path: path.stat().st_size)
        paths = writer.commit()
    assert [path.stem for path in paths] == names
    assert sizes == [(path.name, path.stat().st_size) for path in paths]


def test_the_first_table_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with ResultWriter(tmp_path, "parquet") as writer:
        for name in ("first", "second", "third"):
            writer.table(name, lambda: pa.table({"a": [1]}))
        with pytest.raises(OSError, match="No space") as caught:
            writer.wait()
    assert caught.value.filename == str(tmp_path / "first.parquet")
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_a_group_of_rows_is_raised_where_it_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yokome.table_file._GROUP_ROWS", 2)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("yokome.table_file._csv_lines", fail)
    table = pa.table({"a": [1]})
    with TableFile(tmp_path / "t.csv", "csv") as file:
        file.write(table)
        with pytest.raises(OSError, match="No space") as caught:
            file.write(table)
        assert caught.value.filename == str(tmp_path / "t.csv")
        file.write(None)  # begun anew: what was wrong with the old rows is forgotten
        file.write(table)
        with pytest.raises(OSError, match="No space") as caught:
            file.flush()
        assert caught.value.filename == str(tmp_path / "t.csv")
        file.write(table)
        with pytest.raises(OSError, match="failed before"):
            file.close(table.schema)
        file.write(None)
        file.write(table)
        with pytest.raises(OSError, match="No space"):
            file.close(table.schema)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_where_a_file_stands(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError):
        ResultWriter(tmp_path / "file", "csv")


# --- a whole result -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def result() -> yokome.ScanResult:
    return yokome.scan(Path(__file__).parent / "data" / "ppc_example.csv")


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_result_gives_the_same_bytes(
    tmp_path: Path, result: yokome.ScanResult, kind: Format
) -> None:
    first = result.write(tmp_path / "a", format=kind)
    second = result.write(tmp_path / "b", format=kind)
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_tables_read_back_as_they_were(
    tmp_path: Path, result: yokome.ScanResult, kind: Format
) -> None:
    for path in result.write(tmp_path, format=kind):
        if path.suffix != ".json":
            table: pa.Table = getattr(result, path.stem)
            assert load(path).to_pylist() == table.to_pylist(), path.name


def test_summary_json_says_everything_but_the_records(
    tmp_path: Path, result: yokome.ScanResult
) -> None:
    paths = result.write(tmp_path, format="csv")
    document: dict[str, Any] = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert document["versions"]["yokome"] == yokome.__version__
    assert document["policy"]["name"] == result.policy.name
    assert document["policy"]["toml"] == result.policy.to_toml()
    assert document["period"] == {"first": "2019-02-02T19:48:52", "last": "2019-02-07T12:34:38"}
    assert document["records"] == {
        "seen": 12,
        "accepted": 12,
        "rejected": 0,
        "blank": 0,
        "replaced": 0,
    }
    assert document["totals"]["flagged"] == result.flagged.num_rows == 10
    assert document["totals"]["findings"] == result.findings.num_rows
    assert document["rules"] == result.summary.to_pylist()
    assert document["top_users"][0]["user"] == "オサム"
    assert document["top_users"][0]["flagged"] == 10
    assert document["inputs"][0]["columns"]["user"] == "職員名"
    assert document["notes"] == {"ja": result.notes_ja, "en": result.notes}
    assert document["files"] == [path.name for path in paths]
    assert paths[-1].name == "summary.json"


def test_repr_shows_the_period_the_records_and_every_rule(result: yokome.ScanResult) -> None:
    text = repr(result)
    assert "2019-02-02 19:48:52" in text
    assert "12 seen = 12 accepted + 0 rejected" in text
    assert all(rule["id"] in text for rule in result.policy.rules)


def test_html_is_escaped(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("日時,職員番号,操作内容\n2026/04/01 10:00:00,1,a\n", encoding="utf-8")
    policy = yokome.Policy.from_dict(
        {
            "rules": [
                {
                    "id": "r",
                    "kind": "match",
                    "where": {"operation": "a"},
                    "title": {"ja": "<b>", "en": "<script>alert(1)</script>"},
                }
            ]
        }
    )
    html = yokome.scan(log, policy)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_the_summary_lines_up_by_east_asian_width(result: yokome.ScanResult) -> None:
    for lang in ("ja", "en"):
        lines = summary_text(result, "ja" if lang == "ja" else "en").splitlines()
        rules = [line for line in lines if "denied-" in line or "hopping" in line]
        assert len(rules) == 3
        assert len({width(line) for line in rules}) == 1, lang


def test_width_follows_east_asian_width() -> None:
    assert [width(t) for t in ("a", "あ", "ｱ", "Ａ", "が", "か\u3099", "①")] == [
        1,
        2,
        1,
        2,
        2,
        2,
        1,
    ]
    assert width("①", ambiguous=2) == 2
    assert pad("あ", 4) + "|" == "あ  |"
    assert pad("あ", 4, right=True) == "  あ"


def test_what_a_log_holds_cannot_command_the_terminal() -> None:
    assert clean("a\x1b[2J\u202eb\ue000　c") == "a\\x1b[2J\\u202eb\ue000　c"


@pytest.mark.parametrize(
    ("environment", "lang"),
    [
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LC_ALL": "C", "LANG": "ja_JP.UTF-8"}, "en"),
        ({"LC_ALL": "", "LC_MESSAGES": "ja", "LANG": "C"}, "ja"),
        ({"LC_MESSAGES": "en_GB.UTF-8", "LANG": "ja_JP"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
    ],
)
def test_the_language_is_the_locales(environment: dict[str, str], lang: str) -> None:
    assert default_lang(environment) == lang


# --- progress -------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals_only() -> None:
    assert progress_line(io.StringIO(), "en") is None
    assert progress_line(Terminal(), "en", quiet=True) is None
    assert isinstance(progress_line(Terminal(), "en"), ProgressLine)


def test_progress_says_bytes_rate_and_remaining_and_clears_its_line() -> None:
    update: yokome.Progress = {
        "bytes": 500_000_000,
        "total_bytes": 2_000_000_000,
        "records": 6_000_000,
        "stage": "read",
    }
    text = progress_text(update, 2.0, "en")
    assert text == " 25%  500 MB / 2.0 GB  6,000,000 records  3,000,000 records/s  about 0:06 left"
    assert "残り 約 0:06" in progress_text(update, 2.0, "ja")
    terminal = Terminal()
    with ProgressLine(terminal, "en") as line:
        line(update)
    assert terminal.getvalue().endswith("\r")
    assert terminal.getvalue().split("\r")[-2].strip() == ""


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (123_456, "123 kB"), (1_780_000_000, "1.8 GB")],
)
def test_sizes_read_easily(count: int, text: str) -> None:
    assert file_size(count) == text


def test_a_missing_file_is_also_a_file_not_found_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        yokome.scan(tmp_path / "none.csv")
    assert isinstance(caught.value, yokome.InputError)
    assert caught.value.source is not None
    assert "none.csv" in caught.value.source


def test_a_result_writes_reports_if_wished(tmp_path: Path) -> None:
    result = yokome.scan(Path(__file__).parent / "data" / "ppc_example.csv")
    paths = result.write(tmp_path, format="csv", reports=["html", "xlsx"], lang="en", top=3)
    assert {"report.html", "report.xlsx"} <= {path.name for path in paths}
    assert 'lang="en"' in (tmp_path / "report.html").read_text(encoding="utf-8")
