"""Individual Numbers in the log: reported, and masked in everything that comes out."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

import yokome
from yokome import _yokome, cli
from yokome.evidence import verify

HEADER = "日時,職員番号,端末番号,操作内容,宛名番号,備考,個人番号参照"


def number(n: int) -> str:
    """Twelve digits that pass, of eleven: the formula of the ministry's ordinance."""
    p = [int(c) for c in f"{n:011}"]
    q = {k: k + 1 if k <= 6 else k - 5 for k in range(1, 12)}
    rest = sum(p[11 - k] * q[k] for k in range(1, 12)) % 11
    return f"{n:011}{0 if rest <= 1 else 11 - rest}"


NUMBERS = [number(12_345_678_900 + 7_654_321 * n) for n in range(20)]
FULL_WIDTH = NUMBERS[3].translate({ord("0") + n: ord("０") + n for n in range(10)})
GROUPED = "-".join(NUMBERS[4][i : i + 4] for i in (0, 4, 8))
SECRETS = [*NUMBERS, FULL_WIDTH, GROUPED]


def write(path: Path, subjects: list[str], notes: dict[int, str]) -> Path:
    lines = [HEADER]
    for n, subject in enumerate(subjects):
        operation = notes.get(n, "検索")
        lines.append(f"2026/04/06 22:00:{n:02},u{n % 3},t1,{operation},{subject},{operation},あり")
    lines.append(f"いつか,u1,t1,検索,{NUMBERS[5]},,あり")
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")
    return path


@pytest.fixture
def leaking(tmp_path: Path) -> Path:
    notes = {3: f"個人番号 {FULL_WIDTH} 照会", 4: f"マイナンバー:{GROUPED}"}
    return write(tmp_path / "log.csv", NUMBERS, notes)


def contents(directory: Path) -> dict[str, str]:
    texts = {}
    for path in directory.iterdir():
        data = path.read_bytes()
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(io.BytesIO(data)) as parts:
                data = b"\n".join(parts.read(name) for name in parts.namelist())
        texts[path.name] = data.decode("utf-8", "replace")
    return texts


def test_what_the_log_leaks_is_told_by_place(leaking: Path) -> None:
    result = yokome.scan(leaking)
    leaks = {row["column"]: row for row in result.leaks.to_pylist()}
    assert {c: (r["field"], r["values"], r["line"]) for c, r in leaks.items()} == {
        "宛名番号": ("subject", 20, 2),
        "操作内容": ("operation", 2, 5),
        "備考": (None, 2, 5),
    }
    assert "個人番号" in result.notes_ja[0]
    assert "Individual Numbers" in result.notes[0]


@pytest.mark.parametrize("pseudonyms", [False, True])
def test_no_output_holds_a_number(
    leaking: Path, tmp_path: Path, pseudonyms: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    out, key = tmp_path / "out", tmp_path / "key"
    key.write_text("a key that is long enough")
    words = ["scan", str(leaking), "--out", str(out), "--report", "xlsx,html", "--evidence"]
    assert cli.main(words + (["--pseudonymise", str(key)] if pseudonyms else [])) == 0
    texts = contents(out) | {"screen": capsys.readouterr().out}
    assert {"leaks.csv", "flagged.csv", "report.html", "report.xlsx"} <= set(texts)
    for name, text in texts.items():
        for secret in SECRETS:
            assert secret not in text, (name, secret)
    assert json.loads(texts["summary.json"])["leaks"]
    found = verify(out)
    assert found.fine, found.problems
    assert pseudonyms or found.records > 0


@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_masked_results_of_other_formats_verify_too(
    leaking: Path, tmp_path: Path, format: str
) -> None:
    out = tmp_path / "out"
    words = ["scan", str(leaking), "--out", str(out), "--format", format, "--evidence", "--quiet"]
    assert cli.main(words) == 0
    found = verify(out)
    assert found.fine, found.problems
    assert found.records > 0


def test_unmask_shows_them(leaking: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert cli.main(["scan", str(leaking), "--out", str(out), "--unmask", "--quiet"]) == 0
    texts = contents(out)
    assert NUMBERS[0] in texts["flagged.csv"]
    assert NUMBERS[5] in texts["rejects.csv"]
    assert yokome.scan(leaking, unmask=True).leaks.num_rows == 3


def test_a_column_of_other_numbers_is_left_alone(tmp_path: Path) -> None:
    """One number of twelve digits in ten passes by chance."""
    others = [f"{n * 48_271_006_913 % 10**12:012}" for n in range(1, 30)] + [NUMBERS[0]]
    result = yokome.scan(write(tmp_path / "log.csv", others, {}))
    assert result.leaks.num_rows == 0
    assert NUMBERS[0] in result.flagged.column("subject").to_pylist()
    assert any(NUMBERS[0] in raw for raw in result.flagged.column("raw").to_pylist())


def test_a_number_without_a_name_is_masked_and_not_reported(tmp_path: Path) -> None:
    ids = [f"{n:08}" for n in range(20)]
    result = yokome.scan(write(tmp_path / "log.csv", ids, {2: f"伝票 {NUMBERS[0]}"}))
    assert result.leaks.num_rows == 0
    assert "伝票 " + "*" * 12 in result.flagged.column("operation").to_pylist()


def test_findings_of_masked_keys_stay_apart(leaking: Path) -> None:
    rule = {"id": "s", "kind": "match", "per": "subject"}
    result = yokome.scan(leaking, yokome.Policy.from_dict({"rules": [rule]}))
    assert set(result.findings.column("key").to_pylist()) == {"*" * 12}
    assert set(result.findings.column("days_as_strong").to_pylist()) == {20}


def test_the_strict_error_shows_none(leaking: Path) -> None:
    with pytest.raises(yokome.StrictError) as error:
        yokome.scan(leaking, strict=True)
    assert NUMBERS[5] not in str(error.value)


def test_arrow_data_is_masked_and_reported(leaking: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    times = [f"2026-04-06 22:00:{n:02}" for n in range(20)]
    table = pa.table({"time": times, "user": ["a"] * 20, "subject": NUMBERS})
    policy = yokome.Policy.from_dict({"rules": [{"id": "m", "kind": "match"}]})
    result = yokome.scan(table, policy)
    assert set(result.flagged.column("subject").to_pylist()) == {"*" * 12}
    (leak,) = result.leaks.to_pylist()
    assert (leak["field"], leak["values"]) == ("subject", 20)


@pytest.mark.parametrize("text", [*NUMBERS, FULL_WIDTH, GROUPED, GROUPED.replace("-", " ")])
def test_digits_become_asterisks_and_nothing_else_changes(text: str) -> None:
    masked = _yokome.mask(f"x{text}y")
    assert masked == "x" + "".join("*" if c.isdigit() else c for c in text) + "y"
    for near in (f"1{text}", f"{text}1"):
        assert near.isdigit() is False or _yokome.mask(near) == near
