"""Marks in the references column that are not understood are named, first and with the remedy."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

import yokome

HEADER = "日時,職員番号,操作内容,処理結果,個人番号参照,宛名番号\n"
MARKS = ("◎", "◎", "済", "", "○", "123456789018")


def log(tmp_path: Path) -> Path:
    rows = [f"2026/04/01 10:00:{at:02},a,検索,成功,{mark},1\n" for at, mark in enumerate(MARKS)]
    path = tmp_path / "log.csv"
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return path


def test_unknown_marks_are_named_with_what_to_do(tmp_path: Path) -> None:
    result = yokome.scan(log(tmp_path))
    places = [n for n, note in enumerate(result.notes_ja) if "空欄として扱った記録" in note]
    assert len(places) == 1
    assert places[0] <= 1  # only a note on the share of references may stand before it
    ja, en = result.notes_ja[places[0]], result.notes[places[0]]
    assert "6 件のうち 4 件（************、◎、済）" in ja
    assert "業者に確かめ" in ja
    assert "4 of 6 (************, ◎, 済)" in en
    assert "123456789018" not in " ".join([*result.notes, *result.notes_ja])


def test_reading_and_batches_name_them_too(tmp_path: Path) -> None:
    reader = yokome.read(log(tmp_path))
    list(reader)
    assert any("6 件のうち 4 件（************、◎、済）" in note for note in reader.notes_ja)
    table = pa.table(
        {
            "time": pa.array([1_775_000_000_000_000] * len(MARKS), pa.timestamp("us")),
            "user": ["a"] * len(MARKS),
            "references": list(MARKS),
        }
    )
    result = yokome.scan(table)
    assert any("4 of 6 (************, ◎, 済)" in note for note in result.notes)


def test_many_marks_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = [f"2026/04/01 10:00:{at:02},a,検索,成功,印{at},1\n" for at in range(9)]
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    (note,) = (n for n in yokome.scan(path).notes_ja if "空欄として" in n)
    assert "印0、印1、印2、印3、印4 ほか" in note
    assert "印5" not in note


def test_places_that_do_not_decode_are_counted_as_what_they_are(tmp_path: Path) -> None:
    """One value with two bytes that are no UTF-8: two places."""
    from yokome.report.facts import gather
    from yokome.report.texts import caveats

    path = tmp_path / "log.csv"
    data = (HEADER + "2026/04/01 10:00:00,aXbX,検索,成功,○,1\n").encode()
    path.write_bytes(data.replace(b"aXbX", b"a\xffb\xff"))
    result = yokome.scan(path, encoding="utf-8")
    assert any(
        "文字として読めない箇所（結果では「\ufffd」で示しています）: 2 件" in note
        for note in result.notes_ja
    )
    lines = caveats(gather(result, "ja"))
    assert "2 か所に、読み取れない文字がありました（結果では「\ufffd」で示しています）。" in lines
