"""Lines inside quotes that look like records: a note says so, and where the first is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import yokome

HEADER = "日時,職員番号,操作内容,備考"
POLICY = yokome.Policy.from_dict({"rules": [{"id": "all", "kind": "match"}]})
CHUNKS = (1, 7, 64, 1000, 1 << 20)


def record(number: int, remark: str = "なし") -> str:
    return f"2026-04-01 09:{number // 60 % 60:02}:{number % 60:02},u{number % 7},参照,{remark}"


def stray(records: int, at: int, until: int) -> list[str]:
    """Lines of a log in which the remark of a record opens a quote that a later one closes."""
    lines = [HEADER, *(record(n) for n in range(records))]
    lines[at] = record(at - 1, '"見込')
    lines[until] = record(until - 1, '済"')
    return lines


def written(path: Path, lines: list[str], encoding: str = "utf-8", end: str = "\n") -> Path:
    path.write_bytes(end.join([*lines, ""]).encode(encoding))
    return path


def scan(sources: object, **options: object) -> yokome.ScanResult:
    return yokome.scan(sources, POLICY, **options)  # type: ignore[arg-type]


def said(result: yokome.ScanResult | yokome.Records, folder: Path) -> list[str]:
    """The Japanese note without the folder; there is one in English if there is one."""
    ja = [note for note in result.notes_ja if "引用符" in note]
    assert len(ja) == sum("inside quotes" in note for note in result.notes)
    return [note.replace(f"{folder}{os.sep}", "") for note in ja]


def note(places: str) -> str:
    return (
        f'引用符（"）で囲まれた中に、記録のように見える行があります: {places}。'
        "引用符の閉じ忘れなら、その行は記録として数えられていません。"
        "ログの書き出し方を確かめてください。"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16", "euc-jp"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_stray_quote_is_said_with_its_lines(tmp_path: Path, encoding: str, end: str) -> None:
    log = written(tmp_path / "q.csv", stray(40, 20, 26), encoding, end)
    for chunk in CHUNKS:
        for threads in (1, 2):
            result = scan(log, chunk_size=chunk, threads=threads)
            # Lines 21 (where it opens) and 27 (where it closes) are no whole lines inside.
            assert said(result, tmp_path) == [note("q.csv に 5 行（最初は 22 行目）")]
            (counts,) = result.inputs.to_pylist()
            assert counts["records"] + counts["rejected"] == 40 - 6
    [english] = [note for note in scan(log).notes if "inside quotes" in note]
    assert "q.csv: 5 (the first is line 22). If a quote was left open" in english


def test_lines_of_a_rejected_record_count_too(tmp_path: Path) -> None:
    lines = stray(9, 3, 6)
    lines[6] = 'not a time,"'  # two quotes, too few columns: the whole is no record
    lines[3] = '"' + lines[3].replace('"', "")
    log = written(tmp_path / "q.csv", lines)
    for chunk in CHUNKS:
        result = scan(log, chunk_size=chunk)
        assert result.inputs["rejected"].to_pylist() == [1]
        assert said(result, tmp_path) == [note("q.csv に 2 行（最初は 5 行目）")]
    with pytest.raises(yokome.StrictError):
        scan(log, strict=True)


def test_strict_reads_what_is_right_by_the_rules_and_says_it(tmp_path: Path) -> None:
    log = written(tmp_path / "q.csv", [*stray(9, 3, 3)[:3], record(3, '"a\n' + record(4) + '\nb"')])
    assert said(scan(log, strict=True), tmp_path) == [note("q.csv に 1 行（最初は 5 行目）")]


def test_several_files_are_each_named(tmp_path: Path) -> None:
    for n, name in enumerate("abcde"):
        written(tmp_path / f"{name}.csv", stray(20 + n, 5, 9 + n) if name != "c" else [HEADER])
    places = (
        "a.csv に 3 行（最初は 7 行目）、b.csv に 4 行（最初は 7 行目）、"
        "d.csv に 6 行（最初は 7 行目） ほか (4)"
    )
    for threads in (1, 2):
        assert said(scan(tmp_path, threads=threads, chunk_size=50), tmp_path) == [note(places)]
    reader = yokome.read(tmp_path)
    list(reader)
    assert said(reader, tmp_path) == [note(places)]


def test_records_out_of_order_are_counted_once(tmp_path: Path) -> None:
    lines = stray(40, 20, 26)
    lines[1:] = lines[30:] + lines[1:30]
    log = written(tmp_path / "q.csv", lines)
    first = lines.index(record(20)) + 1
    assert said(scan(log, chunk_size=50), tmp_path) == [
        note(f"q.csv に 5 行（最初は {first} 行目）")
    ]


def test_a_delimiter_that_is_half_a_character_is_none(tmp_path: Path) -> None:
    # 「ポ」 ends in the byte of `|` in CP932.
    lines = [line.replace(",", "|") for line in (HEADER, record(0), record(1))]
    lines.append(record(2).replace(",", "|").replace("なし", '"ポ|ポ\nポ|a|b\nポ|a|b|c\nポ"'))
    log = written(tmp_path / "q.csv", lines, "cp932")
    for chunk in CHUNKS:
        result = scan(log, chunk_size=chunk)
        assert said(result, tmp_path) == [note("q.csv に 1 行（最初は 6 行目）")]


@pytest.mark.parametrize(
    "remark",
    [
        '"一行目\n二行目\n三行目"',
        '"住所、氏名\n確認した, 済\n以上"',
        '"a\n1,2,3,4,5\nb"',
        '"a,b,c,d"',
        '"閉じた行, は, 数え, ない\n最後"',
    ],
)
def test_text_of_several_lines_gives_no_note(tmp_path: Path, remark: str) -> None:
    lines = [HEADER, *(record(n, remark) for n in range(30))]
    log = written(tmp_path / "q.csv", lines)
    for chunk in CHUNKS:
        result = scan(log, chunk_size=chunk)
        assert result.inputs["records"].to_pylist() == [30]
        assert not said(result, tmp_path)


def test_an_open_quote_that_nothing_closes_is_a_reject_and_no_note(tmp_path: Path) -> None:
    lines = stray(9, 3, 3)
    lines[3] = record(2, '"見込')
    result = scan(written(tmp_path / "q.csv", lines))
    assert result.rejects["reason"].to_pylist() == ["quote"]
    assert result.inputs["records"].to_pylist() == [8]
    assert not said(result, tmp_path)
