"""Under pseudonyms nothing in any output tells who it was, and everything else stays."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import yokome
from yokome import cli
from yokome.pseudonyms import Pseudonyms, pseudonymise, read_key

KEY = b"0123456789abcdef0123456789abcdef"
USERS = ("staff-00123", "佐々木")
NAMES = ("横目　花子", "監視　太郎")
SUBJECTS = ("0049500216", "0049500217", "宛名３")
SECRETS = (*USERS, *NAMES, *SUBJECTS, "横目花子", "監視太郎")

HEADER = "日時,職員番号,職員名,所属,端末番号,業務名,操作内容,処理結果,個人番号参照,宛名番号\n"
POLICY = """
[lists.permits]
on = ["user", "operation"]
values = [["staff-00123", "印刷"], ["佐々木", "印刷"]]
[lists.stars]
values = ["0049500216", "宛名３"]
[lists.colleagues]
on = "user_name"
values = ["横目　花子"]

[[rules]]
id = "denied"
kind = "count"
title = { ja = "staff-00123 の失敗", en = "failures" }
window = "7d"
at_least = 1
by = ["subject", "terminal"]
[rules.where]
result = "failure"
user = { not_in = ["佐々木"], regex = "^staff-00123$" }
user_name = { not_list = "colleagues" }

[[rules]]
id = "stars"
kind = "match"
[rules.where]
subject = { list = "stars" }
[rules.where.and]
user = ["staff-00123", "佐々木"]
terminal = { glob = "PC*", in = ["PC-staff-00123", "PC-2"] }

[[rules]]
id = "not-permitted"
kind = "match"
where = { user = { not_list = "permits" } }

[[rules]]
id = "visited"
kind = "distinct"
per = "subject"
field = "user"
window = "7d"
at_least = 2

[[rules]]
id = "shared"
kind = "count"
per = "terminal"
window = "7d"
at_least = 2

[[rules]]
id = "new-subject"
kind = "novelty"
field = "subject"
lookback = "30d"
min_active_days = 0
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    rows = []
    for day in range(1, 4):
        for n, subject in enumerate(SUBJECTS):
            user = USERS[(n + day) % 2]
            name = NAMES[n % 2]
            rows.append(
                f"2026/04/0{day} 22:0{n}:00,{user},{name},税務課,PC-{user},住民記録,"
                f"照会（{subject}）{name.replace('　', '')},失敗,あり,{subject}\n"
            )
    rows.append(f"いつか,{USERS[0]},{NAMES[0]},税務課,PC,住民記録,検索,成功,あり,{SUBJECTS[0]}\n")
    path = tmp_path / "log.csv"
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_bytes(KEY + b"\n")
    return path


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY, encoding="utf-8")
    return path


def contents(directory: Path) -> dict[str, str]:
    """The text of every file; of a workbook, of all its parts."""
    texts = {}
    for path in directory.iterdir():
        data = path.read_bytes()
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(io.BytesIO(data)) as parts:
                data = b"\n".join(parts.read(name) for name in parts.namelist())
        texts[path.name] = data.decode("utf-8")
    return texts


def test_no_output_holds_a_replaced_value(
    log: Path,
    key: Path,
    policy: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    words = ["scan", str(log), "--out", str(out), "--policy", str(policy), "--lang", "ja"]
    words += ["--where", f"user = {list(USERS)}"]
    words += ["--report", "xlsx,html", "--pseudonymise", str(key), "--evidence"]
    assert cli.main(words) == 0
    texts = contents(out)
    texts["screen"] = capsys.readouterr().out
    assert set(texts) >= {"flagged.csv", "report.xlsx", "report.html", "summary.json", "run.json"}
    for name, text in texts.items():
        for secret in SECRETS:
            assert secret not in text, (name, secret)
    plain = yokome.scan(log, policy)
    for finding in plain.findings.column("finding").to_pylist():
        assert not any(finding in text for text in texts.values())
    assert json.loads(texts["run.json"])["pseudonyms"] == Pseudonyms(KEY).key_id
    assert KEY.decode() not in "".join(texts.values())


def strings(value: Any) -> Iterator[str]:
    """Every text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from (*strings(key), *strings(one))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from strings(one)


@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_no_binary_table_holds_a_replaced_value(
    log: Path, key: Path, policy: Path, tmp_path: Path, format: str
) -> None:
    out = tmp_path / "out"
    words = ["scan", str(log), "--out", str(out), "--policy", str(policy), "--format", format]
    assert cli.main([*words, "--pseudonymise", str(key), "--quiet"]) == 0
    tables = sorted(out.glob(f"*.{format}"))
    assert len(tables) == 9
    for path in tables:
        data = path.read_bytes()
        made = pq.read_table(path) if format == "parquet" else pa.ipc.open_file(path).read_all()
        # The dictionaries too: they may hold values that no row has.
        dictionaries = [
            chunk.dictionary.to_pylist()
            for column in made.columns
            for chunk in column.chunks
            if isinstance(chunk, pa.DictionaryArray)
        ]
        texts = [*strings(made.to_pylist()), *strings(dictionaries), str(made.schema.metadata)]
        for secret in SECRETS:
            assert not [text for text in texts if secret in text], (path.name, secret)
            assert secret.encode() not in data, (path.name, secret)


def test_no_picture_and_no_explanation_holds_a_replaced_value(
    log: Path, key: Path, policy: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["scan", str(log), "--out", str(out), "--policy", str(policy), "--report", "html"]
    assert cli.main([*words, "--pseudonymise", str(key), "--quiet"]) == 0
    page = (out / "report.html").read_text(encoding="utf-8")
    pictures = re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", page)
    texts = [base64.b64decode(picture).decode("utf-8") for picture in pictures]
    assert len(texts) == 2
    hidden = under(log, policy)
    for finding in hidden.findings.column("finding").to_pylist():
        texts += [str(hidden.explain(finding, "ja")), str(hidden.explain(finding, "en"))]
    texts += [repr(hidden), hidden._repr_html_(), *hidden.notes, *hidden.notes_ja]
    for secret in SECRETS:
        assert not [text for text in texts if secret in text], secret


def test_a_state_remembers_who_it_is_and_what_is_said_of_it_does_not(
    log: Path, key: Path, policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The state is the office's: its memory holds ids; what is printed and recorded does not."""
    out, state = tmp_path / "out", tmp_path / "log.state"
    words = ["scan", str(log), "--out", str(out), "--policy", str(policy), "--state", str(state)]
    assert cli.main([*words, "--pseudonymise", str(key), "--evidence", "--quiet"]) == 0
    assert state.stat().st_mode & 0o777 == 0o600
    assert cli.main(["state", "show", str(state), "--json"]) == 0
    said = capsys.readouterr().out + "".join(contents(out).values())
    for secret in SECRETS:
        assert secret not in said, secret
    assert yokome.read_state(state).users == 2


def test_terminals_whose_numbers_are_masked_stay_apart(tmp_path: Path) -> None:
    """One number of twelve digits in ten passes by chance."""
    path = tmp_path / "log.csv"
    passing = ("123456789018", "000000000019")
    rows = "".join(
        f"2026/04/04 22:0{n}:00,staff-1,,,{terminal},,検索,成功,あり,\n"
        for n, terminal in enumerate((*passing, "000000000012", passing[0]))
    )
    path.write_text(HEADER + rows, encoding="utf-8")
    rule = {"id": "t", "kind": "match", "per": "terminal"}
    policy = yokome.Policy.from_dict({"rules": [rule]})
    hidden = pseudonymise(yokome.scan(path, policy, unmask=True), KEY)
    stars = "*" * 12
    expected = [f"{stars}#1", f"{stars}#2", "000000000012", f"{stars}#1"]
    assert hidden.flagged.column("terminal").to_pylist() == expected
    assert set(hidden.findings.column("key").to_pylist()) == set(expected)
    assert hidden.findings.num_rows == 3


def under(log: Path, policy: Path, key: bytes = KEY) -> yokome.ScanResult:
    return pseudonymise(yokome.scan(log, policy), key)


def test_everything_else_stays(log: Path, policy: Path) -> None:
    plain, hidden = yokome.scan(log, policy), under(log, policy)
    names = Pseudonyms(KEY)
    assert hidden.flagged.schema == plain.flagged.schema
    assert hidden.findings.schema == plain.findings.schema
    for column in ("rule", "time", "result", "observed", "line", "offset", "source"):
        assert hidden.flagged.column(column).to_pylist() == plain.flagged.column(column).to_pylist()
    for field in ("user", "user_name", "subject"):
        assert hidden.flagged.column(field).to_pylist() == [
            names.of(field, value) for value in plain.flagged.column(field).to_pylist()
        ]
    figures = ("rule", "per", "first", "last", "records", "peak", "magnitude")

    def rows(result: yokome.ScanResult) -> list[Any]:
        return sorted(tuple(f[c] for c in figures) for f in result.findings.to_pylist())

    assert rows(hidden) == rows(plain)
    titles = ["title_ja", "title_en"]
    assert hidden.summary.drop_columns(titles).equals(plain.summary.drop_columns(titles))
    assert (hidden.overview.users, hidden.overview.seen) == (2, 10)
    # Flagged rows still find their finding.
    assert set(hidden.flagged.column("finding").to_pylist()) == set(
        hidden.findings.column("finding").to_pylist()
    )


def test_keys_by_values_and_new_values_are_replaced_field_by_field(log: Path, policy: Path) -> None:
    names = Pseudonyms(KEY)
    findings = under(log, policy).findings.to_pylist()
    by_rule = {f["rule"]: f for f in findings}
    subject, user = names.of("subject", SUBJECTS[0]), names.of("user", USERS[0])
    assert {f["key"] for f in findings if f["rule"] == "visited"} >= {subject}
    assert by_rule["denied"]["by"].startswith("subject=s-")
    assert f"terminal=PC-{user}" in by_rule["denied"]["by"]
    assert {f["key"] for f in findings if f["rule"] == "shared"} == {
        f"PC-{names.of('user', u)}" for u in USERS
    }
    assert {f["value"] for f in findings if f["rule"] == "new-subject"} <= {
        names.of("subject", s) for s in SUBJECTS
    }


def test_one_key_gives_the_same_pseudonyms_and_another_gives_others(
    log: Path, policy: Path
) -> None:
    assert under(log, policy).findings.equals(under(log, policy).findings)
    other = under(log, policy, b"another key, as long as it takes")
    ours = set(under(log, policy).flagged.column("user").to_pylist())
    assert not ours & set(other.flagged.column("user").to_pylist())
    names = Pseudonyms(KEY)
    assert names.of("user", "1") != names.of("subject", "1")[0:1]
    assert names.of("user", "1").partition("-")[2] != names.of("subject", "1").partition("-")[2]


def test_order_does_not_tell_the_ids(log: Path, policy: Path) -> None:
    users = under(log, policy).by_user.column("user").to_pylist()
    assert users == sorted(users)


def test_a_ranking_stays_and_its_ties_are_in_the_order_of_pseudonyms(tmp_path: Path) -> None:
    """Ids put nothing in order that nothing else does."""
    lines = [f"2026/04/01 22:00:00,u{n:02},,,,,検索,失敗,あり," for n in range(9)]
    lines += ["2026/04/09 22:00:00,u00,,,,,検索,成功,あり,"]
    lines += [f"2026/04/0{day} 22:00:00,u05,,,,,検索,失敗,あり," for day in (2, 3)]
    lines += [f"2026/04/03 22:00:{n:02},u07,,,,,検索,失敗,あり," for n in (1, 2)]
    path = tmp_path / "log.csv"
    path.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    policy = yokome.Policy.from_dict(
        {"rules": [{"id": "m", "kind": "match", "where": {"result": "failure"}}]}
    )
    plain = yokome.scan(path, policy)
    hidden = pseudonymise(plain, KEY)
    of = Pseudonyms(KEY).of
    tied = [f"u{n:02}" for n in (0, 1, 2, 3, 4, 6, 8)]
    users = plain.by_user.column("user").to_pylist()
    assert users[2:] == tied
    first = [of("user", user) for user in users[:2]]
    order = [*first, *sorted(of("user", user) for user in tied)]
    assert hidden.by_user.column("user").to_pylist() == order
    assert [user.user for user in hidden.ranking.users] == order
    figures = ["priority", "strength", "users_as_strong", "users_evaluated", "flagged", "findings"]
    assert hidden.by_user.select(figures).equals(plain.by_user.select(figures))
    shares = ["rarity", "days_as_strong", "days_evaluated"]
    assert hidden.findings.select(shares).equals(plain.findings.select(shares))
    rows = hidden.findings.to_pylist()
    assert rows == sorted(rows, key=lambda r: (-r["rarity"], r["first"], r["finding"]))


def test_the_policy_is_shown_without_people_in_it(log: Path, policy: Path) -> None:
    hidden = under(log, policy).policy
    toml = hidden.to_toml()
    names = Pseudonyms(KEY)
    assert names.of("user", "staff-00123") in toml
    assert names.of("subject", "宛名３") in toml
    assert names.of("user_name", "横目　花子") in toml
    assert "withheld" in toml
    assert "印刷" in toml
    assert not any(secret in toml for secret in SECRETS)
    assert hidden.name == str(policy)


def test_records_without_user_or_subject_stay_without(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(HEADER + "2026/04/04 22:00:00,,,,,,検索,成功,あり,\n", encoding="utf-8")
    hidden = pseudonymise(yokome.scan(path), KEY)
    [row] = hidden.flagged.to_pylist()
    assert (row["user"], row["user_name"], row["subject"], row["raw"]) == (None,) * 4
    assert hidden.findings.column("key").to_pylist() == [None]


def test_a_result_under_pseudonyms_explains_itself(log: Path, policy: Path) -> None:
    hidden = pseudonymise(yokome.scan(log), KEY)
    text = str(hidden.explain(hidden.findings.column("finding")[0].as_py(), "ja"))
    assert "職員 u-" in text
    assert any("仮名に置き換え" in note for note in hidden.notes_ja)


# --- keys -----------------------------------------------------------------------------------------


def test_a_key_is_made_once_for_its_owner(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "key"
    assert cli.main(["key", str(path), "--lang", "ja"]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    made = read_key(path)
    assert len(made) == 64
    assert cli.main(["key", str(path), "--lang", "en"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert read_key(path) == made


@pytest.mark.parametrize("text", [b"", b"short", b"  0123456789abcde \n"])
def test_a_short_key_is_refused_before_the_scan(
    tmp_path: Path, log: Path, text: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "key"
    path.write_bytes(text)
    words = ["scan", str(log), "--out", str(tmp_path / "out"), "--pseudonymise", str(path)]
    assert cli.main([*words, "--lang", "en"]) == 2
    assert "at least 16 bytes" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_missing_key_is_refused(
    tmp_path: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["scan", str(log), "--out", str(tmp_path / "out"), "--pseudonymise", "nowhere"]
    assert cli.main([*words, "--lang", "ja"]) == 2
    assert "鍵を読めません" in capsys.readouterr().err
