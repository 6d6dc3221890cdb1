"""Every record is looked at for Individual Numbers, in every column, whatever it is used for."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leaks_oracle import numbers, told
from strategies import examples

import yokome
from yokome._scan import prepare, run

POLICY = {"rules": [{"id": "m", "kind": "match", "where": {"user": ["nobody"]}}]}
FAR = 50_000


def number(n: int) -> str:
    """The number of eleven digits and the last digit with which it checks."""
    eleven = f"{n:011}"
    return next(eleven + c for c in "0123456789" if numbers(eleven + c))


def wrong(n: int) -> str:
    """Twelve digits whose last is not the check digit."""
    right = number(n)
    return right[:11] + str((int(right[11]) + 1) % 10)


WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
N = number(12_345_678_901)
GROUPED = f"{N[:4]}-{N[4:8]}-{N[8:]}"
CODECS = {"utf-8": "utf-8", "cp932": "cp932", "euc-jp": "euc_jp", "utf-16": "utf-16-le"}


def rendered(
    columns: dict[str, Callable[[int], str]], count: int, line_end: str = "\r\n"
) -> tuple[str, list[int]]:
    """A log with columns beside those of time, user and operation, and the lines of its records."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=line_end)
    writer.writerow(["日時", "職員番号", "操作内容", *columns])
    line, lines = 2, []
    for n in range(count):
        clock = f"2026/04/{6 + n // 86_400:02} {n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}"
        cells = [cell(n) for cell in columns.values()]
        writer.writerow([clock, f"u{n % 7}", "検索", *cells])
        lines.append(line)
        line += 1 + sum(cell.replace("\r\n", "\n").count("\n") for cell in cells)
    return out.getvalue(), lines


def leaks(path: Path, **options: Any) -> dict[str | None, tuple[Any, ...]]:
    """By column: field, kind, values, line, looked_at."""
    result = run(str(path), prepare(yokome.Policy.from_dict(POLICY)), **options)
    assert not [note for note in result.notes if "not in the other" in note]
    return {
        r["column"]: (r["field"], r["kind"], r["values"], r["line"], r["looked_at"])
        for r in result.leaks.to_pylist()
    }


def far(cell: str, other: str = "") -> Callable[[int], str]:
    return lambda n: cell if n == FAR - 1 else other


@pytest.mark.parametrize("encoding", CODECS)
def test_a_number_in_record_50_000_is_found(tmp_path: Path, encoding: str) -> None:
    """In each form that a number takes, as the only one in its column."""
    columns = {
        "ascii": far(f"個人番号 {N} を照会", "照会"),
        "wide": far(f"マイナンバー：{N.translate(WIDE)}", "ー"),
        "grouped": far(f"MY NUMBER={GROUPED}", "2026/04/06 22:00"),
        "spaced": far(f"{GROUPED.replace('-', ' ')}（個人番号）", "個人番号なし"),
        "quoted": far(f'"一行目"\n個人番号,{N}\n三行目', 'あ"い"、う'),
        "個人番号欄": far(N),
        "マイナンバー欄": far(N.translate(WIDE), "-"),
        "wrong": far(f"個人番号 {wrong(12_345_678_901)} を照会", "照会"),
        "long": far(f"個人番号 {N}1 を照会", "個人番号 1234567890123"),
        "bare": far(N, "照会"),
        "個人番号 wrong": far(wrong(12_345_678_901)),
    }
    text, lines = rendered(columns, FAR + 500)
    mark = codecs.BOM_UTF16_LE if encoding == "utf-16" else b""
    path = tmp_path / "log.csv"
    path.write_bytes(mark + text.encode(CODECS[encoding]))
    line, count = lines[FAR - 1], FAR + 500
    texts = ("ascii", "wide", "grouped", "spaced", "quoted")
    expected = dict.fromkeys(texts, (None, "text", 1, line, count)) | dict.fromkeys(
        ("個人番号欄", "マイナンバー欄"), (None, "column", 1, line, count)
    )
    assert leaks(path, encoding=encoding) == expected
    assert leaks(path, encoding=encoding, threads=3, chunk_size=4096, batch_size=1000) == expected


def test_the_verdict_on_a_column_is_that_of_all_its_records(tmp_path: Path) -> None:
    count, half = 12_000, 6_000
    columns: dict[str, Callable[[int], str]] = {
        "empty at first": lambda n: "" if n < half else number(n),
        "texts at first": lambda n: f"備考{n % 20}" if n < half else number(n),
        "numbers at first": lambda n: number(n) if n < 2_000 else f"備考{n}",
        "others": lambda n: f"{n * 48_271_006_913 % 10**12:012}",
        "four of them": lambda n: number(n % 4),
        "five of them": lambda n: number(n % 5),
        "個人番号 as a rule": lambda n: number(n) if n % 100 == 0 else "該当なし",
        "time": lambda n: f"2026040{n % 9 + 1}{n % 24:02}{n % 60:02}",
    }
    path = tmp_path / "log.csv"
    text, lines = rendered(columns, count)
    path.write_text(text, encoding="utf-8", newline="")
    found = leaks(path, threads=2)
    expected = {
        header: want for header, cell in columns.items() if (want := of_column(header, cell, lines))
    }
    assert {c: (k, v, at) for c, (_, k, v, at, _) in found.items()} == expected
    assert set(found) == {
        "empty at first",
        "texts at first",
        "five of them",
        "個人番号 as a rule",
    }


def of_column(
    header: str, cell: Callable[[int], str], lines: Sequence[int]
) -> tuple[str, int, int] | None:
    want = told(header, [cell(n) for n in range(len(lines))])
    return None if want is None else (want.kind, want.values, lines[want.first])


POOLS: Sequence[tuple[str, ...]] = (
    tuple(number(7_919 * n) for n in range(9)),
    tuple(wrong(7_919 * n) for n in range(9)),
    ("", " ", "\u3000", "なし", "-", "0012", "個人番号", '"', "a\nb", "1234-5678"),
    (
        f"個人番号 {N}",
        f"{N.translate(WIDE)}番マイナンバー",
        f"個人番号の件は別紙のとおり。なお伝票の番号としては次のものを使うこと {N}",
        f"12 {N},個人番号",
        f"個人番号{GROUPED}-1234",
        f"個人番号{GROUPED.replace('-', 'ー')}",
        f"1111 {GROUPED} 個人 番号",
        f"{N}{N}個人番号",
        f"個人番号\n{N}",
        f"伝票 {N}",
        N.translate(WIDE),
        GROUPED,
        f" {N}\u3000",
        f'"{N}"',
    ),
)


@st.composite
def columns_of_cells(draw: st.DrawFn) -> dict[str, list[str]]:
    """Columns that hold nothing, numbers, other numbers, texts, or some of each."""
    headers = draw(
        st.lists(
            st.sampled_from(["備考", "メモ", "My-Number", "個人番号欄", "照会", "other"]),
            min_size=1,
            max_size=3,
            unique=True,
        )
    )
    count = draw(st.integers(1, 30))
    made = {}
    for header in headers:
        pools = draw(st.lists(st.sampled_from(POOLS), min_size=1, max_size=5))
        cell = st.sampled_from([value for pool in pools for value in pool])
        made[header] = draw(st.lists(cell, min_size=count, max_size=count))
    return made


@settings(max_examples=examples(120), deadline=None)
@given(
    columns_of_cells(),
    st.sampled_from(sorted(CODECS)),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 3),
    st.sampled_from([1, 64, 700, 1 << 19]),
)
def test_columns_are_told_as_they_are_by_hand(
    tmp_path_factory: pytest.TempPathFactory,
    columns: dict[str, list[str]],
    encoding: str,
    line_end: str,
    threads: int,
    chunk: int,
) -> None:
    count = len(next(iter(columns.values())))
    text, lines = rendered({h: c.__getitem__ for h, c in columns.items()}, count, line_end)
    mark = codecs.BOM_UTF16_LE if encoding == "utf-16" else b""
    path = tmp_path_factory.getbasetemp() / "column.csv"
    path.write_bytes(mark + text.encode(CODECS[encoding]))
    found = leaks(path, encoding=encoding, threads=threads, chunk_size=chunk)
    expected = {
        header: want
        for header, cells in columns.items()
        if (want := of_column(header, cells.__getitem__, lines))
    }
    assert {c: (k, v, at) for c, (_, k, v, at, _) in found.items()} == expected


def test_results_and_references_with_a_number_are_told(tmp_path: Path) -> None:
    """Their known words are no values; what else stands in them is looked at."""
    path = tmp_path / "log.csv"
    rows = ["日時,職員番号,処理結果,個人番号参照"]
    for n in range(5_000):
        result, references = "正常", "あり" if n % 2 else "なし"
        if n == 4_000:
            result, references = f"個人番号 {N} は不明", N
        rows.append(
            f"2026/04/06 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02},u1,{result},{references}"
        )
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    expected = {
        "処理結果": ("result", "text", 1, 4_002, 5_000),
        "個人番号参照": ("references", "column", 1, 4_002, 5_000),
    }
    assert leaks(path) == expected
    assert leaks(path, threads=3, chunk_size=500) == expected


def test_a_mapped_column_that_begins_empty_is_judged_by_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = ["日時,職員番号,宛名番号,端末番号"]
    for n in range(9_000):
        subject = "" if n < 4_000 else number(n)
        text = "t1" if n != 8_000 else f"個人番号:{N}"
        rows.append(f"2026/04/06 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02},u1,{subject},{text}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    expected = {
        "宛名番号": ("subject", "column", 5_000, 4_002, 9_000),
        "端末番号": ("terminal", "text", 1, 8_002, 9_000),
    }
    assert leaks(path) == expected
    assert leaks(path, threads=3, chunk_size=700) == expected


def test_a_subject_that_names_a_number_is_told(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = ["日時,職員番号,宛名番号"]
    rows += [f"2026/04/06 01:{n // 60:02}:{n % 60:02},u1,{n:08}" for n in range(3_000)]
    rows[2_500] += f" 個人番号 {N}"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert leaks(path) == {"宛名番号": ("subject", "text", 1, 2_501, 3_000)}


def test_rejected_records_are_looked_at_too(tmp_path: Path) -> None:
    path, out = tmp_path / "log.csv", tmp_path / "out"
    rows = ["日時,職員番号,備考,個人番号欄"]
    rows += [f"2026/04/06 01:{n // 60:02}:{n % 60:02},u1,," for n in range(3_000)]
    rows[1_500] = f"いつか,u1,個人番号 {N} を照会,"
    rows[1_600] = f"いつか,u1,,{N}"
    rows[1_700] = f"いつか,u1,伝票 {N},"
    rows[1_800] = f"2026/04/06 02:00:00,u1,列が,多い,個人番号 {N}"
    rows[1_900] = f"いつか,個人番号,{N},"
    rows[2_000] = f"2026/04/06 02:00:00,u1,{'長' * 3_000}個人番号 {N},,"
    rows.append(f'2026/04/06 02:00:00,u1,"閉じない {"長" * 3_000}個人番号 {N}')
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    expected = {None: (None, "text", 5, 1_501, 7)}
    assert leaks(path) == expected
    assert leaks(path, threads=3, chunk_size=300) == expected
    # The tables, the page and the workbook say so, and none holds a number.
    from yokome import cli

    words = ["scan", str(path), "--out", str(out), "--report", "html,xlsx"]
    assert cli.main([*words, "--lang", "ja", "--quiet"]) == 0
    assert "（読み取れなかった記録）" in (out / "report.html").read_text(encoding="utf-8")
    for made in out.rglob("*.*"):
        if made.is_file():
            assert N.encode() not in made.read_bytes(), made


ARROW: dict[str, tuple[Callable[[int], Any], tuple[str, int, int] | None]] = {
    "text": (lambda n: f"個人番号 {N}" if n == 3_999 else None, ("text", 1, 4_000)),
    "whole": (lambda n: int(number(n + 30_000_000_000)), ("column", 4_000, 1)),
    "float": (lambda n: float(number(n + 30_000_000_000)) if n % 2 else None, ("column", 2_000, 2)),
    "others": (lambda n: 10**11 + n * 48_271_006_913 % 10**11, None),
    "small": (lambda n: n, None),
    "yes": (lambda n: n % 2 == 0, None),
    "list": (lambda n: [N], None),
}


@pytest.mark.parametrize("kind", ["table", "dictionary", "view", "batches", "pandas"])
def test_columns_of_arrow_data_that_feed_no_field_are_looked_at(kind: str) -> None:
    pa = pytest.importorskip("pyarrow")
    times = [f"2026-04-06 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}" for n in range(4_000)]
    columns: dict[str, Any] = {"time": times, "user": ["u"] * 4_000}
    columns |= {name: [cell(n) for n in range(4_000)] for name, (cell, _) in ARROW.items()}
    table: Any = pa.table(columns)
    at = table.schema.get_field_index("text")
    if kind in ("dictionary", "view"):
        texts = table["text"].dictionary_encode() if kind == "dictionary" else None
        texts = table["text"].cast(pa.string_view()) if texts is None else texts
        table = table.set_column(at, "text", texts)
    if kind == "batches":
        table = pa.Table.from_batches(table.to_batches(max_chunksize=300))
    if kind == "pandas":
        pytest.importorskip("pandas")
        table = table.drop_columns(["list"]).to_pandas()
    result = yokome.scan(table, yokome.Policy.from_dict({"rules": POLICY["rules"]}))
    found = {r["column"]: (r["kind"], r["values"], r["line"]) for r in result.leaks.to_pylist()}
    found.pop("list", None)
    assert found == {name: want for name, (_, want) in ARROW.items() if want}
    assert {r["looked_at"] for r in result.leaks.to_pylist()} == {4_000}


def test_rejected_rows_of_arrow_data_are_looked_at() -> None:
    pa = pytest.importorskip("pyarrow")
    times = ["2026-04-06 01:00:00", "いつか", None, "いつか"]
    notes = ["", f"個人番号 {N}", f"伝票 {N}", ""]
    table = pa.table(
        {"time": times, "user": ["u"] * 4, "備考": notes, "マイナンバー": ["", "", "", N]}
    )
    result = yokome.scan(table, yokome.Policy.from_dict({"rules": POLICY["rules"]}))
    (leak,) = result.leaks.to_pylist()
    assert (leak["column"], leak["values"], leak["looked_at"], leak["line"]) == (None, 2, 3, 2)
