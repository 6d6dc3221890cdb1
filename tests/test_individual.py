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


def numbered(count: int) -> list[str]:
    return [f"{'*' * 12}#{n}" for n in range(1, count + 1)]


def by_number(path: Path, *, users: int = 5, times: int = 3) -> Path:
    """A log whose users are Individual Numbers, with different counts of records."""
    lines = ["日時,職員番号,端末番号,操作内容,個人番号参照"]
    second = 0
    for turn in range(times):
        for n in range(users):
            for _ in range(1 + n % 3 if turn else 1):
                second += 1
                clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
                lines.append(
                    f"2026/04/06 {clock},{number(99_000_000_000 - 977 * n)},t{n},検索,あり"
                )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
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
    assert result.findings.column("key").to_pylist() == numbered(20)
    assert result.flagged.column("subject").to_pylist() == numbered(20)
    assert set(result.findings.column("days_as_strong").to_pylist()) == {20}


def test_users_whose_ids_are_numbers_stay_apart_in_every_table(tmp_path: Path) -> None:
    """Each keeps its own counts, under one label in all tables; labels follow the flagged rows."""
    path = by_number(tmp_path / "log.csv")
    rule = {"id": "s", "kind": "count", "window": "1h", "at_least": 2}
    policy = yokome.Policy.from_dict({"rules": [rule, {"id": "m", "kind": "match"}]})
    masked, plain = yokome.scan(path, policy), yokome.scan(path, policy, unmask=True)
    pairs = zip(
        *(r.flagged.column("user").to_pylist() for r in (plain, masked)),
        strict=True,
    )
    label = dict(pairs)
    assert list(label.values()) == numbered(5)
    for table, column in (("by_user", "user"), ("findings", "key")):
        ours, theirs = (getattr(r, table).to_pylist() for r in (plain, masked))
        for row in ours:
            row[column] = label[row[column]]
        key = str
        assert sorted(map(key, ours)) == sorted(map(key, theirs)), table
    assert masked.overview.users == plain.overview.users == 5
    # Ties are broken by the user's id, and so differ.
    assert masked.ranking is not None
    assert plain.ranking is not None
    assert {rank.user: rank.standings for rank in masked.ranking.users} == {
        label[rank.user]: rank.standings for rank in plain.ranking.users
    }


@pytest.mark.parametrize("threads", [1, 4])
def test_labels_depend_on_neither_threads_nor_batches(tmp_path: Path, threads: int) -> None:
    from yokome._scan import prepare, run

    path = by_number(tmp_path / "log.csv", users=40, times=50)
    policy = yokome.Policy.from_dict({"rules": [{"id": "m", "kind": "match"}]})
    usual = yokome.scan(path, policy)
    assert len(set(usual.flagged.column("user").to_pylist())) == 40
    small = run(str(path), prepare(policy), threads=threads, batch_size=64, chunk_size=256)
    assert small.flagged.to_pylist() == usual.flagged.to_pylist()
    assert small.by_user.to_pylist() == usual.by_user.to_pylist()
    # Out of order, records are sorted and numbered anew.
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text(lines[0] + "".join(reversed(lines[1:])), encoding="utf-8")
    turned = yokome.scan(path, policy)
    assert turned.by_user.to_pylist() == usual.by_user.to_pylist()


def test_columns_that_are_not_used_are_looked_at_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    lines = [
        f"2026/04/06 {9 + n // 3600:02}:{n // 60 % 60:02}:{n % 60:02},u1,," for n in range(3000)
    ]
    lines[2500] += f"個人番号 {NUMBERS[0]}"
    path.write_text("日時,職員番号,備考,メモ\n" + "\n".join(lines) + "\n", encoding="utf-8")
    result = yokome.scan(path)
    (leak,) = result.leaks.to_pylist()
    assert (leak["column"], leak["values"], leak["line"]) == ("メモ", 1, 2502)
    assert leak["looked_at"] == 3000
    assert not [note for note in result.notes if "looked at" in note]


def test_leaks_are_a_finding_of_their_own(
    leaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    out = tmp_path / "out"
    words = ["scan", str(leaking), "--out", str(out), "--report", "xlsx,html"]
    for lang, heading, sheet, how in (
        ("ja", "ログに書かれた個人番号", "個人番号", "文中に記載"),
        ("en", "Individual Numbers in the log", "Individual Numbers", "within texts"),
    ):
        assert cli.main([*words, "--lang", lang]) == 0
        screen = capsys.readouterr().out
        assert screen.index(heading) < screen.index("off-hours-access")
        page = (out / "report.html").read_text(encoding="utf-8")
        assert page.index('id="leaks"') < page.index('id="viewpoints"')
        assert how in page
        book = openpyxl.load_workbook(out / "report.xlsx")
        assert book.sheetnames[1] == sheet
        rows = list(book[sheet].iter_rows(min_row=4, values_only=True))
        expected = yokome.scan(leaking).leaks.to_pylist()
        assert [(r[0], r[1], r[4], r[6]) for r in rows] == [
            (x["source"], x["column"], x["values"], x["line"]) for x in expected
        ]
        overview = {r[0]: r[1] for r in book.worksheets[0].iter_rows(max_col=2, values_only=True)}
        assert "24" in str(overview[heading])


def test_kinds_and_masks_of_leaks(leaking: Path, tmp_path: Path) -> None:
    kinds = {"宛名番号": "column", "操作内容": "text", "備考": "text"}
    for unmask in (False, True):
        leaks = yokome.scan(leaking, unmask=unmask).leaks.to_pylist()
        assert {r["column"]: r["kind"] for r in leaks} == kinds
        assert {r["masked"] for r in leaks} == {not unmask}
    key, out = tmp_path / "key", tmp_path / "out"
    key.write_text("a key that is long enough")
    words = ["scan", str(leaking), "--out", str(out), "--pseudonymise", str(key), "--quiet"]
    assert cli.main(words) == 0
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert {r["masked"] for r in summary["leaks"]} == {True}


def test_a_log_without_numbers_has_no_such_finding(tmp_path: Path) -> None:
    from yokome.report.facts import gather
    from yokome.report.page import page
    from yokome.summary_text import summary_text

    result = yokome.scan(write(tmp_path / "log.csv", [f"{n:08}" for n in range(9)], {}))
    assert 'id="leaks"' not in page(gather(result, "ja"))
    assert "個人番号とみられる" not in summary_text(result, "ja")


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
    assert result.flagged.column("subject").to_pylist() == numbered(20)
    (leak,) = result.leaks.to_pylist()
    assert (leak["field"], leak["values"]) == ("subject", 20)


@pytest.mark.parametrize("text", [*NUMBERS, FULL_WIDTH, GROUPED, GROUPED.replace("-", " ")])
def test_digits_become_asterisks_and_nothing_else_changes(text: str) -> None:
    masked = _yokome.mask(f"x{text}y")
    assert masked == "x" + "".join("*" if c.isdigit() else c for c in text) + "y"
    for near in (f"1{text}", f"{text}1"):
        assert near.isdigit() is False or _yokome.mask(near) == near
