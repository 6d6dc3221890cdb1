"""``yokome init``: a policy fit for a log, whose comments say what is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import yokome
from yokome import _yokome, cli
from yokome.starter import starter, starter_policy

HEADER = "日時,職員番号,所属,端末番号,操作内容,処理結果\n"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "log.csv"
    _yokome.synth(str(path), None, 30_000, 40, 100, 7, "cp932", None)
    return path


@pytest.fixture(scope="module")
def text(log: Path) -> str:
    return starter_policy(log, budget=30)


def tables(text: str) -> dict[str, list[tuple[str, float, bool]]]:
    """By rule: candidate, findings a month, whether chosen."""
    found: dict[str, list[tuple[str, float, bool]]] = {}
    rows: list[tuple[str, float, bool]] = []
    for line in text.split("\n"):
        row = re.fullmatch(r"#   at_least +(\S.*?) +([\d,.]+)(  <-)?", line)
        if row:
            rows.append((row[1], float(row[2].replace(",", "")), row[3] is not None))
        elif line.startswith("id = ") and rows:
            found[line.split('"')[1]], rows = rows, []
    return found


def test_it_is_a_policy_with_every_rule_of_the_default_one(text: str) -> None:
    rules = yokome.Policy.from_toml(text).rules
    assert [r["id"] for r in rules] == [r["id"] for r in yokome.Policy.default().rules]


def test_the_figures_are_those_of_a_scan_and_the_choice_the_closest(log: Path, text: str) -> None:
    result = yokome.scan(log, yokome.Policy.from_toml(text))
    o = result.overview
    assert o.first is not None
    assert o.last is not None
    months = ((o.last.date() - o.first.date()).days + 1) / (365.25 / 12)
    found = {rule.rule: rule.findings / months for rule in o.rules}
    wished = 30 / len(o.rules)
    seen = tables(text)
    assert set(seen) == {
        "unusual-hours",
        "terminal-hopping",
        "denied-burst",
        "bulk-export",
        "repeat-subject",
    }
    for rule, rows in seen.items():
        [chosen] = [figure for _, figure, mark in rows if mark]
        assert chosen == pytest.approx(found[rule], abs=0.051)
        assert abs(chosen - wished) <= min(abs(figure - wished) for _, figure, _ in rows) + 0.051
    # A higher threshold never finds records that a lower one does not.
    burst = [figure for _, figure, _ in seen["denied-burst"]]
    assert burst[-1] <= burst[0]


def test_another_budget_chooses_otherwise(log: Path, text: str) -> None:
    strict, loose = (tomllib.loads(starter_policy(log, budget=n)) for n in (1, 100_000))
    for ours, theirs in zip(strict["rules"], loose["rules"], strict=True):
        if ours["kind"] == "count":
            assert ours["at_least"] > theirs["at_least"]


def test_the_comments_say_columns_operations_and_hours(text: str) -> None:
    assert '#   user = "職員番号"' in text
    assert re.search(r"# login:\n#   ログイン \([\d,]+\)\nlogin = ", text)
    assert re.search(r"in no class:\n#   ログアウト", text)
    assert re.search(
        r"# 市民課: 0[78]:[03]0-1\d:[03]0 \([\d,]+\)\n# "
        r"\[\[calendar.override\]\]",
        text,
    )
    assert "同じ職員で、操作に失敗した記録が24時間のうちに" in text


def test_the_suggested_hours_are_a_policy_too(text: str) -> None:
    start = text.index("# [[calendar.override]]")
    block = "\n".join(line.removeprefix("# ") for line in text[start:].split("\n")[:3])
    assert yokome.Policy.from_toml(block)


def test_the_same_log_gives_the_same_text(log: Path, text: str) -> None:
    assert starter_policy(log, budget=30, threads=1, chunk_size=4096) == text


def test_what_a_log_lacks_is_said_and_the_rule_optional(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(HEADER + "2026/04/06 10:00:00,a,甲課,PC,検索,成功\n", encoding="utf-8")
    text = starter_policy(path)
    assert "列なし / no column: 職員名 (user_name), 業務 (system)" in text
    assert "cannot be evaluated on this log: no column: subject" in text
    assert yokome.scan(path, yokome.Policy.from_toml(text)).overview.accepted == 1


def test_nothing_in_a_log_gets_out_of_a_comment(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    hostile = '"x\n[[rules]]\nid = ""evil""\r\n\u2028\x1b[31m"'
    path.write_text(
        HEADER + f"2026/04/06 10:00:00,a,{hostile},PC,{hostile},成功\n",
        encoding="utf-8",
        newline="",
    )
    policy = yokome.Policy.from_toml(starter_policy(path))
    assert "evil" not in [rule["id"] for rule in policy.rules]
    assert len(policy.rules) == len(yokome.Policy.default().rules)


def test_a_log_without_records_and_a_budget_of_nothing_are_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "log.csv"
    path.write_text(HEADER, encoding="utf-8")
    with pytest.raises(yokome.InputError, match="no record"):
        starter_policy(path)
    with pytest.raises(ValueError, match="budget"):
        starter_policy(path, budget=0)
    assert cli.main(["init", str(path), "--lang", "ja"]) == 1
    assert "読み取れた記録が一件もありません" in capsys.readouterr().err
    assert cli.main(["init", str(path), "--budget", "0", "--lang", "en"]) == 2


def test_the_command_writes_it(
    log: Path, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["init", str(log), "--budget", "30"]) == 0
    assert capsys.readouterr().out == text
    assert cli.main(["init", str(log), "--budget", "30", "--out", str(tmp_path / "p.toml")]) == 0
    assert (tmp_path / "p.toml").read_text(encoding="utf-8") == text
    assert cli.main(["policy", "check", str(tmp_path / "p.toml")]) == 0


@pytest.mark.parametrize("command", ["init", "policy default"])
def test_a_policy_that_was_edited_is_not_overwritten(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    out = tmp_path / "new" / "p.toml"
    words = [*command.split(), *([str(log)] if command == "init" else [])]
    words += ["--out", str(out), "--lang", "ja"]
    assert cli.main(words) == 0
    said = capsys.readouterr()
    assert f"{out} を書き出しました" in said.out + said.err
    written = out.read_bytes()
    assert cli.main(words) == 0  # the same again: nobody's work is lost
    edited = written + "# 直した\n".encode()
    out.write_bytes(edited)
    capsys.readouterr()
    assert cli.main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{out} はすでにあります。別の名前を指定するか、" in said.err
    assert "--force" in said.err
    assert f"{out} is there already" in said.err
    assert out.read_bytes() == edited
    assert cli.main([*words, "--force", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert out.read_bytes() == written


def test_columns_may_be_said(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("いつ,誰\n2026/04/06 10:00:00,a\n", encoding="utf-8")
    words = ["init", str(path), "--column", "time=いつ", "--column", "user=誰"]
    assert cli.main([*words, "--out", str(tmp_path / "p.toml")]) == 0
    # The policy knows them: the scan need not be told again.
    assert cli.main(["scan", str(path), "--policy", str(tmp_path / "p.toml"), "--quiet"]) == 0


UNFAMILIAR = (
    "処理年月日,処理時刻,利用者ＩＤ,業務内訳,結果区分,番号利用,備考\r\n"
    + "20260406,10:00:00,a,照会,0,1,\r\n" * 3
    + "20260406,10:00:01,a,照会,9,0,\r\n" * 2
)
TOLD = {
    "time": ["処理年月日", "処理時刻"],
    "user": "利用者ＩＤ",
    "operation": "業務内訳",
    "result": "結果区分",
    "references": "番号利用",
}


@pytest.fixture
def unfamiliar(tmp_path: Path) -> Path:
    path = tmp_path / "見慣れない ログ.csv"
    path.write_bytes(UNFAMILIAR.encode("cp932"))
    return path


def test_what_was_said_of_columns_is_in_the_policy(unfamiliar: Path) -> None:
    text = starter_policy(unfamiliar, columns=TOLD, timezone="Asia/Tokyo")
    assert tomllib.loads(text)["columns"] == {**TOLD, "timezone": "Asia/Tokyo"}
    assert '#   time = ["処理年月日", "処理時刻"]' in text
    assert yokome.scan(unfamiliar, yokome.Policy.from_toml(text)).overview.accepted == 5
    assert "columns" not in tomllib.loads(starter_policy(_plain(unfamiliar)))


def test_a_log_without_a_header_keeps_its_positions(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("2026-04-06 10:00:00,a,成功,x\n2026-04-06 10:00:00,a,1,x\n", encoding="utf-8")
    text = starter_policy(path, columns={"time": 1, "user": 2, "result": 3}, header=False)
    assert tomllib.loads(text)["columns"] == {"time": 1, "user": 2, "result": 3, "header": False}
    assert "使っていない列 / not used: 4\n" in text
    assert "/ other:\n#   1 (1)\n" in text
    assert yokome.scan(path, yokome.Policy.from_toml(text)).overview.accepted == 2


def test_columns_that_feed_no_field_are_named(unfamiliar: Path) -> None:
    made = starter(unfamiliar, columns={"time": TOLD["time"], "user": "利用者ＩＤ"})
    assert "使っていない列 / not used: 業務内訳, 結果区分, 番号利用, 備考\n" in made.text
    assert {"terminal", "result", "references", "subject"} <= set(made.lacking)
    assert made.unused == ("業務内訳", "結果区分", "番号利用", "備考")
    assert any("処理結果 (result)" in line and "結果区分" in line for line in made.remarks("ja"))
    assert any("result" in line and "結果区分" in line for line in made.remarks("en"))
    assert starter(unfamiliar, columns=TOLD).unused == ("備考",)


def test_a_column_of_subjects_counts_as_used(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "日時,職員番号,処理結果,宛名番号\n2026-04-06 10:00:00,a,成功,7\n", encoding="utf-8"
    )
    made = starter(path)
    assert made.unused == ()
    assert "使っていない列" not in made.text


def test_words_of_results_are_listed_as_they_read(unfamiliar: Path) -> None:
    made = starter(unfamiliar, columns=TOLD)
    assert "# 成功 / success:\n#   0 (3)\n# 失敗 / failure:\n#   （なし / none）\n" in made.text
    assert "/ other:\n#   9 (2)\n[results]\n" in made.text
    assert made.unread == ("9",)
    line = made.text.split("\n").index("[results]") + 1
    at = next(n for n, text in enumerate(made.text.split("\n"), 1) if text.startswith("failure ="))
    assert at > line
    (said,) = (line for line in made.remarks("ja") if "[results]" in line)
    assert f"{at} 行目" in said
    assert 'failure = ["9"]' in said
    assert "業者に確かめ" in said
    assert "失敗を表す語がログに見当たらないため" in made.text
    of_rule = made.text.split('id = "denied-burst"')[0].rsplit("\n\n", 1)[1]
    assert "<-" not in of_rule
    mended = yokome.Policy.from_toml(made.text.replace('"denied"]', '"denied", "9"]'))
    failures = {r.rule: r.evaluated for r in yokome.scan(unfamiliar, mended).overview.rules}
    assert failures["denied-burst"] == 2


def test_files_that_differ_in_their_results_are_not_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "2026/04/06 10:00:00,a,甲,PC,検索,成功\n", "utf-8")
    (tmp_path / "b.csv").write_text("日時,職員番号,成否\n2026/04/06 10:00:00,a,成功\n", "utf-8")
    text = starter_policy(tmp_path)
    assert "[results]" not in text
    assert yokome.scan(tmp_path, yokome.Policy.from_toml(text)).overview.accepted == 2


def test_it_says_how_many_findings_that_makes_in_all(log: Path, text: str) -> None:
    made = starter(log, budget=30)
    assert made.text == text
    found = yokome.scan(log, yokome.Policy.from_toml(text)).overview
    assert found.first is not None
    assert found.last is not None
    months = ((found.last.date() - found.first.date()).days + 1) / (365.25 / 12)
    assert made.findings == pytest.approx(found.findings / months)
    assert f"月に約 {made.findings:,.1f} 件になります" in text
    tight = starter(log, budget=1)
    assert tight.findings > 1
    assert "If that is too many, look first at the rule with most: " in tight.text
    assert "too many" not in starter_policy(log, budget=100_000)


def test_it_says_to_how_many_records_the_default_rules_look(unfamiliar: Path) -> None:
    made = starter(unfamiliar, columns=TOLD)
    assert "個人番号参照が「あり」の記録: 3 / 5 (60.0%)" in made.text
    assert any("60.0%" in line and "references = true" in line for line in made.remarks("ja"))
    assert any("60.0%" in line and "references = true" in line for line in made.remarks("en"))
    without = {field: column for field, column in TOLD.items() if field != "references"}
    unknown = starter(unfamiliar, columns=without)
    assert "個人番号参照が「あり」の記録" not in unknown.text
    assert unknown.touching is None


def test_the_command_says_what_to_look_at_and_what_to_do_next(
    unfamiliar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "folder" / "p.toml"  # made, as scan makes its folder
    words = ["init", str(unfamiliar), "--column", "time=処理年月日", "--column", "time=処理時刻"]
    assert cli.main([*words, "--out", str(out), "--lang", "ja"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    for promise in (
        f"{out} を書き出しました",
        "月に約",
        "使っていない列（業務内訳、結果区分、番号利用、備考）",
        f'yokome scan "{unfamiliar}" --policy {out} --out ',
    ):
        assert promise in said.out
    assert cli.main([*words, "--out", str(out), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def _plain(path: Path) -> Path:
    """The same log under headers that are known."""
    known = {"処理年月日": "日付", "処理時刻": "時刻", "利用者ＩＤ": "職員番号"}
    text = UNFAMILIAR
    for header, name in known.items():
        text = text.replace(header, name)
    plain = path.with_name("plain.csv")
    plain.write_bytes(text.encode("cp932"))
    return plain


def test_individual_numbers_do_not_get_into_the_policy(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    numbers = ("123456789018", "222222222225")
    rows = "".join(
        f"2026/04/06 10:00:0{n},u,PC,検索（個人番号 {number}）,成功,あり\n"
        for n, number in enumerate(numbers)
    )
    path.write_text(
        "日時,職員番号,端末番号,操作内容,処理結果,個人番号参照\n" + rows, encoding="utf-8"
    )
    text = starter_policy(path)
    assert not [number for number in numbers if number in text]
    assert "検索（個人番号 ************） (2)" in text
    assert yokome.Policy.from_toml(text).rules
