"""The promises of the ``yokome`` command."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from observe import TABLES

import yokome
from yokome import cli, demo
from yokome.cli.arguments import COMMANDS, parser
from yokome.lang import Lang

DATA = Path(__file__).parent / "data"
EXAMPLE = str(DATA / "ppc_example.csv")

HEADER = "日時,職員番号,端末番号,操作内容,処理結果,個人番号参照\n"
ROW = "2026/04/01 10:00:00,00123,PC1,検索,成功,あり\n"


class Done:
    """What a run of the command left behind."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err


class Run:
    """Runs the command in this process."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self.capture = capture

    def __call__(self, *arguments: str | Path) -> Done:
        self.capture.readouterr()
        try:
            status = cli.main([str(a) for a in arguments])
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0
        out, err = self.capture.readouterr()
        return Done(status, out, err)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    return Run(capsys)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of two good records and one whose time does not read."""
    path = tmp_path / "log.csv"
    path.write_text(HEADER + ROW + ROW.replace("2026/04/01", "いつか") + ROW, encoding="utf-8")
    return path


def shell(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own."""
    env = {k: v for k, v in os.environ.items() if k not in ("LC_ALL", "LC_MESSAGES", "LANG")}
    return subprocess.run(
        [sys.executable, "-m", "yokome", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**env, "LANG": "C.UTF-8", "PYTHONUTF8": "1", **environment},
    )


def rows(path: Path) -> list[dict[str, str]]:
    text = path.read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def one_complaint(done: Done) -> None:
    """One message on standard error, no traceback, nothing on standard output."""
    assert done.out == ""
    assert done.err.startswith(("yokome: error: ", "yokome: エラー: "))
    assert done.err.count("yokome: ") == 1
    assert "Traceback" not in done.err


# --- scan: what is written ------------------------------------------------------------------------


def test_scan_writes_every_table_and_summary_json(run: Run, tmp_path: Path) -> None:
    done = run("scan", EXAMPLE, "--out", tmp_path / "out")
    assert (done.status, done.err) == (0, "")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "summary.json",
        *(f"{name}.csv" for name in TABLES),
    }
    assert str(tmp_path / "out") in done.out


def test_scan_flags_what_the_specification_says(run: Run, tmp_path: Path) -> None:
    run("scan", EXAMPLE, "--out", tmp_path)
    flagged = [(row["line"], row["rule"]) for row in rows(tmp_path / "flagged.csv")]
    assert flagged == [
        ("2", "off-hours-login"),
        ("3", "off-hours-access"),
        ("6", "terminal-hopping"),
        ("6", "denied-sensitive"),
        ("7", "terminal-hopping"),
        ("8", "terminal-hopping"),
        ("8", "screen-capture"),
        ("9", "terminal-hopping"),
        ("10", "denied-burst"),
        ("11", "denied-burst"),
    ]


@pytest.mark.parametrize("kind", ["parquet", "csv", "arrow"])
def test_scan_writes_what_the_api_returns(run: Run, tmp_path: Path, kind: str) -> None:
    assert run("scan", EXAMPLE, "--out", tmp_path, "--format", kind).status == 0
    result = yokome.scan(EXAMPLE)
    for name in TABLES:
        path = tmp_path / f"{name}.{kind}"
        table: pa.Table = getattr(result, name)
        if kind == "csv":
            written = rows(path)
            assert len(written) == table.num_rows
            assert not written or list(written[0]) == table.column_names
        elif kind == "parquet":
            assert pq.read_table(path).to_pylist() == table.to_pylist()
        else:
            with pa.ipc.open_file(path) as reader:
                assert reader.read_all().to_pylist() == table.to_pylist()


def test_csv_opens_in_excel(run: Run, tmp_path: Path) -> None:
    run("scan", EXAMPLE, "--out", tmp_path)
    for name in TABLES:
        written = (tmp_path / f"{name}.csv").read_bytes()
        assert written.startswith(b"\xef\xbb\xbf"), name
        assert written.count(b"\n") == written.count(b"\r\n") > 0, name


def test_formulas_in_a_log_are_neutralised(run: Run, tmp_path: Path) -> None:
    bad = "=cmd|'/c calc'!A1"
    log = tmp_path / "log.csv"
    log.write_text(HEADER + f"2026/04/04 23:00:00,{bad},＠SUM,\tx,成功,あり\n", encoding="utf-8")
    assert run("scan", log, "--out", tmp_path / "out").status == 0
    (row,) = (r for r in rows(tmp_path / "out/flagged.csv") if r["rule"] == "off-hours-access")
    assert row["user"] == "'" + bad
    assert row["terminal"] == "'＠SUM"
    assert row["operation"] == "'\tx"
    (finding,) = (r for r in rows(tmp_path / "out/findings.csv") if r["rule"] == row["rule"])
    assert finding["key"] == "'" + bad
    for path in (tmp_path / "out").glob("*.csv"):
        for record in rows(path):
            assert not any(
                cell.startswith(("=", "＝", "@", "＠", "\t")) for cell in record.values()
            )


def test_leading_zeros_stay(run: Run, tmp_path: Path, log: Path) -> None:
    run("read", log, "--out", tmp_path / "x.csv")
    assert [row["user"] for row in rows(tmp_path / "x.csv")] == ["00123", "00123"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_results_are_for_the_owner_only(run: Run, tmp_path: Path) -> None:
    run("scan", EXAMPLE, "--out", tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").iterdir()}
    assert modes == {0o600}


def test_a_second_scan_writes_the_same_bytes(run: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run("scan", EXAMPLE, "--out", tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_a_failed_scan_leaves_the_old_result(run: Run, tmp_path: Path, log: Path) -> None:
    out = tmp_path / "out"
    run("scan", EXAMPLE, "--out", out)
    before = {path: path.read_bytes() for path in out.iterdir()}
    assert run("scan", log, "--strict", "--out", out).status == 1
    assert {path: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize("kind", ["parquet", "csv", "arrow"])
def test_a_full_disk_leaves_the_old_result(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    out = tmp_path / "out"
    run("scan", EXAMPLE, "--out", out, "--format", kind)
    before = {path: path.read_bytes() for path in out.iterdir()}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = run("scan", EXAMPLE, "--out", out, "--format", kind, "--from", "2019-02-05")
    assert done.status == 1
    one_complaint(done)
    assert "No space left on device" in done.err
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_a_failed_scan_leaves_no_directory(run: Run, tmp_path: Path) -> None:
    assert run("scan", tmp_path / "none.csv", "--out", tmp_path / "new" / "out").status == 1
    assert list(tmp_path.iterdir()) == []


def test_without_out_nothing_is_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("scan", EXAMPLE)
    assert done.status == 0
    assert "denied-burst" in done.out
    assert list(tmp_path.iterdir()) == []


# --- scan: what is said ---------------------------------------------------------------------------


def test_the_summary_accounts_for_every_record(run: Run, log: Path) -> None:
    assert "3 seen = 2 accepted + 1 rejected" in run("scan", log).out
    japanese = run("scan", log, "--lang", "ja").out
    assert "3 件 = 読み取れた記録 2 件 + 読み取れなかった記録 1 件" in japanese


def test_the_summary_names_every_viewpoint_rule_and_what_could_not_be_evaluated(run: Run) -> None:
    out = run("scan", EXAMPLE).out
    assert all(viewpoint in out for viewpoint in "①②③④⑤")
    assert all(rule["id"] in out for rule in yokome.Policy.default().rules)
    assert "2019-02-02 19:48:52" in out
    assert "2019-02-07 12:34:38" in out
    reasons = out.partition("Not evaluable\n")[2]
    assert "repeat-subject" in reasons.partition("no column: subject")[0]


def test_quiet_says_nothing(run: Run, tmp_path: Path) -> None:
    done = run("scan", EXAMPLE, "--out", tmp_path, "--quiet")
    assert (done.status, done.out, done.err) == (0, "", "")


def test_no_progress_when_piped() -> None:
    done = shell("scan", EXAMPLE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\r" not in done.stdout


def test_lang_is_the_locales_unless_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Not evaluable" in run("scan", EXAMPLE).out
    assert "評価できなかった記録のある規則" in run("scan", EXAMPLE, "--lang", "ja").out
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    assert "評価できなかった記録のある規則" in run("scan", EXAMPLE).out
    assert "Not evaluable" in run("scan", EXAMPLE, "--lang=en").out
    assert "ログを分析する" in run("--help").out


def test_a_terminal_without_japanese_gets_a_summary_all_the_same() -> None:
    done = shell("scan", EXAMPLE, "--lang", "ja", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "denied-burst" in done.stdout


# --- scan: options --------------------------------------------------------------------------------


def flagged_lines(run: Run, out: Path, *arguments: str | Path) -> list[int]:
    done = run("scan", *arguments, "--out", out)
    assert (done.status, done.err) == (0, "")
    return sorted({int(row["line"]) for row in rows(out / "flagged.csv")})


def test_from_and_to_narrow_what_is_flagged_not_what_is_history(run: Run, tmp_path: Path) -> None:
    every = [2, 3, 6, 7, 8, 9, 10, 11]
    assert flagged_lines(run, tmp_path, EXAMPLE) == every
    assert flagged_lines(run, tmp_path, EXAMPLE, "--from", "2019-02-04") == every[2:]
    assert flagged_lines(run, tmp_path, EXAMPLE, "--to", "2019-02-02") == [2, 3]
    # The third failure of the day is one although the first two are out of scope.
    assert flagged_lines(run, tmp_path, EXAMPLE, "--from", "2019-02-04T10:00:00") == [10, 11]


def test_where_narrows_what_is_flagged(run: Run, tmp_path: Path) -> None:
    assert flagged_lines(run, tmp_path, EXAMPLE, "--where", 'operation = "検索"') == [3, 9, 10, 11]
    both = ("--where", 'operation = "検索"', "--where", 'result = "success"')
    assert flagged_lines(run, tmp_path, EXAMPLE, *both) == [3]


def test_columns_may_be_named_or_numbered(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("いつ日,いつ時,だれ\n2026/04/01,10:00:00,00123\n", encoding="utf-8")
    named = ("--column", "time=いつ日", "--column", "time=いつ時", "--column", "user=だれ")
    numbered = ("--column", "time=1", "--column", "time=2", "--column", "user=3")
    for columns in (named, numbered):
        assert run("read", log, *columns, "--out", tmp_path / "x.csv").status == 0
        (row,) = rows(tmp_path / "x.csv")
        assert (row["time"], row["user"]) == ("2026-04-01 10:00:00", "00123")


def test_a_log_may_have_no_header(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(ROW + ROW, encoding="utf-8")
    columns = ("--column", "time=1", "--column", "user=2")
    assert run("read", log, "--no-header", *columns, "--out", tmp_path / "x.csv").status == 0
    assert [row["line"] for row in rows(tmp_path / "x.csv")] == ["1", "2"]


@pytest.mark.parametrize("name", ["cp932", "Shift_JIS", "sjis", "windows-31j"])
def test_an_encoding_may_be_named_as_people_name_it(run: Run, tmp_path: Path, name: str) -> None:
    log = DATA / "ppc_example.cp932.csv"
    assert run("read", log, "--encoding", name, "--out", tmp_path / "x.csv").status == 0
    assert {row["user"] for row in rows(tmp_path / "x.csv")} == {"オサム"}


def test_a_delimiter_may_be_named(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text((HEADER + ROW).replace(",", "\t"), encoding="utf-8")
    for name in ("tab", "\\t", "\t"):
        assert run("read", log, "--delimiter", name, "--out", tmp_path / "x.csv").status == 0
        assert len(rows(tmp_path / "x.csv")) == 1


def test_a_time_format_may_be_given(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("日時,職員番号\n01/04/2026 10.00.00,1\n", encoding="utf-8")
    done = run("read", log, "--time-format", "%d/%m/%Y %H.%M.%S", "--out", tmp_path / "x.csv")
    assert done.status == 0
    assert [row["time"] for row in rows(tmp_path / "x.csv")] == ["2026-04-01 10:00:00"]


def test_a_policy_file_decides_the_rules(run: Run, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[[rules]]\nid = "mine"\nkind = "match"\nwhere = { operation = "検索" }\n', encoding="utf-8"
    )
    lines = flagged_lines(run, tmp_path / "out", EXAMPLE, "--policy", policy)
    assert lines == [3, 9, 10, 11, 12, 13]
    assert {row["rule"] for row in rows(tmp_path / "out" / "flagged.csv")} == {"mine"}


# --- exit status and errors -----------------------------------------------------------------------


def test_rejected_records_are_no_failure_unless_strict(run: Run, tmp_path: Path, log: Path) -> None:
    assert run("scan", log, "--out", tmp_path / "out").status == 0
    (row,) = rows(tmp_path / "out" / "rejects.csv")
    assert (row["line"], row["reason"]) == ("3", "time")
    done = run("scan", log, "--strict")
    assert done.status == 1
    one_complaint(done)


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_missing_file_is_status_1(run: Run, tmp_path: Path, lang: str) -> None:
    done = run("scan", tmp_path / "none.csv", "--lang", lang)
    assert done.status == 1
    one_complaint(done)
    assert "none.csv" in done.err
    assert ("エラー" in done.err) == (lang == "ja")


def test_a_log_without_a_time_is_status_1(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("なにか,職員番号\n1,2\n", encoding="utf-8")
    for lang in ("ja", "en"):
        done = run("scan", log, "--lang", lang)
        assert done.status == 1
        one_complaint(done)
    assert "--column" in run("scan", log, "--lang", "ja").err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("scan",),
        ("frobnicate",),
        ("scan", EXAMPLE, "--format", "xlsx"),
        ("scan", EXAMPLE, "--encoding", "latin-9"),
        ("scan", EXAMPLE, "--delimiter", "ab"),
        ("scan", EXAMPLE, "--threads", "0"),
        ("scan", EXAMPLE, "--column", "time"),
        ("scan", EXAMPLE, "--column", "=日時"),
        ("scan", EXAMPLE, "--column", "nothing=日時"),
        ("scan", EXAMPLE, "--where", "this is not TOML"),
        ("scan", EXAMPLE, "--out", EXAMPLE),
        ("scan", EXAMPLE, "--policy", "no-such-policy.toml"),
        ("scan", EXAMPLE, "--lang", "fr"),
        ("scan", EXAMPLE, "--polic", "x"),
        ("read", EXAMPLE),
        ("read", EXAMPLE, "--out", "x.xlsx"),
        ("policy",),
        ("policy", "check", "no-such-policy.toml"),
        ("synth", "--records", "-1", "--out", "x"),
        ("synth", "--start", "2024-02-30", "--out", "x"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_status_2(
    run: Run, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.status == 2
    one_complaint(done)
    assert list(tmp_path.iterdir()) == []


BAD_COUNTRY = '[calendar]\ncountry = "XX"\nhours = "08:30-17:15"\nclosed = ["holiday"]\n'


@pytest.mark.parametrize("text", ["[calendar\n", "[nonsense]\nx = 1\n", BAD_COUNTRY])
def test_a_wrong_policy_is_status_2(run: Run, tmp_path: Path, text: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(text, encoding="utf-8")
    for arguments in (("policy", "check", policy), ("scan", EXAMPLE, "--policy", policy)):
        done = run(*arguments)
        assert done.status == 2
        one_complaint(done)
        if text != BAD_COUNTRY:
            assert f"{policy}:1" in done.err


def test_an_interrupt_is_status_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("yokome._scan.run", interrupted)
    done = run("scan", EXAMPLE)
    assert done.status == 130
    one_complaint(done)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to catch")
def test_being_terminated_leaves_no_trace(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def terminated(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("yokome._scan.run", terminated)
    assert run("scan", EXAMPLE, "--out", tmp_path / "out").status == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="pipes break otherwise on Windows")
def test_a_broken_pipe_is_silent() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "yokome", "policy", "default"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_what_a_log_says_cannot_command_the_terminal(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(HEADER + "\x1b[2J,1,2,3,4,5\n", encoding="utf-8")
    for done in (run("scan", log), run("read", log, "--out", tmp_path / "x.csv")):
        assert "\x1b" not in done.out + done.err


# --- the other commands ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["parquet", "csv", "arrow"])
def test_read_writes_one_table_of_known_columns(run: Run, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"x.{kind}"
    done = run("read", EXAMPLE, "--out", path)
    assert (done.status, done.err) == (0, "")
    expected = yokome.read(EXAMPLE).reader.read_all()
    if kind == "parquet":
        assert pq.read_table(path).to_pylist() == expected.to_pylist()
    elif kind == "arrow":
        with pa.ipc.open_file(path) as reader:
            assert reader.read_all().to_pylist() == expected.to_pylist()
    else:
        assert [int(row["line"]) for row in rows(path)] == expected.column("line").to_pylist()


def test_read_says_what_was_rejected(run: Run, tmp_path: Path, log: Path) -> None:
    done = run("read", log, "--out", tmp_path / "x.parquet")
    assert "3 records seen = 2 accepted + 1 rejected" in done.out
    assert f"{log}:3  time" in done.out


def test_read_strictly_leaves_the_old_file(run: Run, tmp_path: Path, log: Path) -> None:
    (tmp_path / "x.parquet").write_text("old")
    done = run("read", log, "--strict", "--out", tmp_path / "x.parquet")
    assert done.status == 1
    assert (tmp_path / "x.parquet").read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"log.csv", "x.parquet"}


def test_the_default_policy_is_shown_and_passes_its_own_check(run: Run, tmp_path: Path) -> None:
    done = run("policy", "default")
    assert done.status == 0
    policy = tmp_path / "policy.toml"
    policy.write_text(done.out, encoding="utf-8")
    assert run("policy", "check", policy).status == 0
    assert yokome.Policy.load(policy).rules == yokome.Policy.default().rules


def test_the_default_policy_is_utf_8_whatever_the_console(run: Run, tmp_path: Path) -> None:
    expected = run("policy", "default").out.encode()
    assert run("policy", "default", "--out", tmp_path / "p.toml").status == 0
    assert (tmp_path / "p.toml").read_bytes() == expected
    piped = subprocess.run(
        [sys.executable, "-m", "yokome", "policy", "default"],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp932"},
    )
    assert piped.stdout == expected


def test_synth_with_the_same_seed_makes_the_same_bytes(run: Run, tmp_path: Path) -> None:
    size = ("--records", "2000", "--users", "20", "--days", "30")
    made = {}
    for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        out, truth = tmp_path / f"{name}.csv", tmp_path / f"{name}.truth.csv"
        done = run("synth", *size, "--seed", seed, "--out", out, "--truth", truth)
        assert (done.status, done.err) == (0, "")
        made[name] = (out.read_bytes(), truth.read_bytes())
    assert made["a"] == made["b"]
    assert made["a"] != made["c"]


def test_synth_makes_logs_that_scan(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "log.csv"
    run("synth", "--records", "500", "--users", "5", "--days", "20", "--out", out)
    done = run("scan", out, "--out", tmp_path / "out")
    assert done.status == 0
    document: dict[str, Any] = json.loads((tmp_path / "out/summary.json").read_text("utf-8"))
    assert document["records"]["seen"] >= 500
    assert document["records"]["rejected"] == 0


def test_synth_writes_shift_jis(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "log.csv"
    arguments = ("--records", "100", "--users", "5", "--days", "20", "--out", out)
    assert run("synth", *arguments, "--encoding", "Shift_JIS").status == 0
    assert "," in out.read_bytes().decode("cp932")
    with contextlib.suppress(UnicodeDecodeError):
        out.read_bytes().decode("utf-8")
        pytest.fail("not Shift_JIS")


def test_version(run: Run) -> None:
    assert run("--version").out.strip() == f"yokome {yokome.__version__}"


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_alone_says_what_it_says_among_all(
    capsys: pytest.CaptureFixture[str], lang: Lang, name: str
) -> None:
    said = []
    for words in ([], [name]):
        with pytest.raises(SystemExit):
            parser(lang, words).parse_args([name, "--help"])
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert said[0].count(f"yokome {name}") == 1


def test_the_module_is_the_command_and_its_status_the_process_s() -> None:
    for words, status in ((["--version"], 0), (["scan"], 2), (["policy", "default"], 0)):
        command = [sys.executable, "-m", "yokome", *words]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == status
        assert bool(done.stderr) == (status != 0)


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_demonstration_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    size = ["--records", "300", "--users", "10", "--days", "30"]
    assert demo.main(["--out", str(tmp_path / "demo"), "--lang", lang, *size]) == 0
    out = capsys.readouterr().out
    assert "denied-burst" in out
    assert str(tmp_path / "demo" / "result") in out
    assert (tmp_path / "demo" / "result" / "findings.csv").exists()


def test_a_scan_does_not_load_pandas(tmp_path: Path) -> None:
    program = (
        "import sys; from yokome.cli import main; "
        f"status = main(['scan', {EXAMPLE!r}, '--out', {str(tmp_path)!r}]); "
        "sys.exit(status or ('pandas' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0


# --- reports --------------------------------------------------------------------------------------


def test_scan_writes_reports_beside_the_tables(run: Run, tmp_path: Path) -> None:
    done = run("scan", EXAMPLE, "--out", tmp_path, "--report", "xlsx,html", "--report", "html")
    assert (done.status, done.err) == (0, "")
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {"report.xlsx", "report.html", "flagged.csv", "summary.json"}
    assert stat.S_IMODE((tmp_path / "report.xlsx").stat().st_mode) == 0o600
    files = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["files"]
    assert {"report.xlsx", "report.html"} <= set(files)


def test_reports_do_not_change_the_tables(run: Run, tmp_path: Path) -> None:
    run("scan", EXAMPLE, "--out", tmp_path / "a")
    run("scan", EXAMPLE, "--out", tmp_path / "b", "--report", "html", "--top", "1")
    for name in TABLES:
        ours, theirs = (tmp_path / d / f"{name}.csv" for d in ("a", "b"))
        assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("option", [["--report", "html"], ["--evidence"], ["--pseudonymise", "k"]])
def test_what_is_written_needs_a_place(run: Run, option: list[str]) -> None:
    done = run("scan", EXAMPLE, *option)
    assert done.status == 2
    one_complaint(done)
    assert f"{option[0]} needs --out" in done.err


def test_an_unknown_report_is_wrong_use(run: Run, tmp_path: Path) -> None:
    done = run("scan", EXAMPLE, "--out", tmp_path / "out", "--report", "xlsx,pdf", "--lang", "ja")
    assert done.status == 2
    one_complaint(done)
    assert "'pdf' は指定できません" in done.err


def test_a_missing_library_is_said_before_the_scan(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = run("scan", EXAMPLE, "--out", tmp_path / "out", "--report", "html")
    assert done.status == 2
    one_complaint(done)
    assert "pip install 'yokome[report]'" in done.err
    assert "pip install --no-index --find-links wheels 'yokome[report]'" in done.err
    assert "--report xlsx" in done.err
    assert not (tmp_path / "out").exists()


def test_a_scan_without_reports_does_not_load_their_libraries(tmp_path: Path) -> None:
    heavy = ("pandas", "xlsxwriter", "matplotlib", "yokome.report", "yokome.evidence")
    program = (
        "import sys; from yokome.cli import main; "
        f"status = main(['scan', {EXAMPLE!r}, '--out', {str(tmp_path)!r}]); "
        f"sys.exit(status or str([m for m in {heavy!r} if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.stderr.strip() == b"[]"


def test_a_made_up_log_begins_where_it_is_told(run: Run, tmp_path: Path) -> None:
    for start, first in (((), "2024/04/0"), (("--start", "2025-06-01"), "2025/06/0")):
        out = tmp_path / "log.csv"
        size = ("--records", "500", "--users", "5", "--days", "5")
        assert run("synth", *size, *start, "--out", out).status == 0
        lines = out.read_text(encoding="utf-8-sig").splitlines()[1:]
        assert all(line.startswith(first) for line in lines)


def test_a_missing_column_names_init(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(UNFAMILIAR, encoding="utf-8")
    said = run("scan", path, "--lang", "ja").err
    assert "まず yokome init ログ --column 項目=見出し --out policy.toml で" in said
    assert "yokome init LOG --column time=HEADER --out policy.toml" in said


def test_help_in_japanese_has_no_english_of_argparse(run: Run) -> None:
    for command in ([], ["scan"], ["policy"], ["policy", "check"]):
        ja, en = (run(*command, "--help", "--lang", lang).out for lang in ("ja", "en"))
        for words in ("usage:", "positional arguments", "options:", "show this help", "show the"):
            assert words not in ja
        for words in ("使い方: yokome", "オプション:", "使い方を表示して終わる"):
            assert words in ja
        assert "usage: yokome" in en
        assert "show this help" in en


# --- what an officer can do about it --------------------------------------------------------------

UNFAMILIAR = "処理年月日,処理時刻,利用者ＩＤ,機器名称\r\n20260401,10:00:00,a,t\r\n"
TIMES = ("--column", "time=処理年月日", "--column", "time=処理時刻")


@pytest.mark.parametrize(
    ("arguments", "promises"),
    [
        ((), ("日時（time）の列が見付かりません", "処理年月日, 処理時刻", "二度書きます")),
        (("--column", "user=誰"), ("職員番号（user）に指定された見出し「誰」がありません",)),
        ((*TIMES, "--column", "terminal=機器名"), ("もしかして「機器名称」ですか",)),
        ((*TIMES, "--encoding", "utf-8"), ("文字化けしています", "--encoding")),
        ((*TIMES, "--encoding", "utf-16"), ("--encoding の指定を確かめてください",)),
        ((*TIMES, "--where", "department = 市民課"), ("--where \"department = '税務課'\"",)),
        ((*TIMES, "--from", "2026-04-31"), ("2026-04-30",)),
    ],
    ids=lambda value: " ".join(value),
)
def test_messages_in_japanese_say_what_to_do(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], promises: tuple[str, ...]
) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(UNFAMILIAR.encode("cp932"))
    done = run("scan", path, *arguments, "--lang", "ja")
    one_complaint(done)
    assert done.status in (1, 2)
    for promise in promises:
        assert promise in done.err
    japanese, beside = done.err.split("\n  [", 1)
    assert "Map it" not in japanese
    assert not re.search(r"してください|書き方|ですか", beside)
    english = run("scan", path, *arguments, "--lang", "en").err
    assert english.startswith("yokome: error: ")
    assert not re.search(r"してください|書き方|ですか", english)


def test_an_empty_file_may_be_one_read_as_what_it_is_not(run: Run, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(b"\r\n\r\n")
    done = run("scan", tmp_path / "log.csv", "--lang", "ja")
    one_complaint(done)
    assert "--encoding の指定が違うかもしれません" in done.err
    (tmp_path / "log.csv").write_bytes(b"")
    done = run("scan", tmp_path / "log.csv", "--lang", "ja")
    one_complaint(done)
    assert "書き出し直してください" in done.err


def test_a_workbook_is_no_log_and_the_message_says_what_is(run: Run, tmp_path: Path) -> None:
    run("scan", EXAMPLE, "--out", tmp_path / "out", "--report", "xlsx", "--quiet")
    done = run("scan", tmp_path / "out" / "report.xlsx", "--lang", "ja")
    one_complaint(done)
    assert "CSV で書き出したファイル" in done.err


def test_a_scope_that_holds_nothing_is_not_a_clean_bill(run: Run, tmp_path: Path) -> None:
    nobody = ("scan", EXAMPLE, "--where", "user = 'いない人'")
    out = ("--out", tmp_path / "out", "--report", "xlsx,html")
    japanese = run(*nobody, *out, "--lang", "ja").out
    assert "には、規則が調べる記録が一件もありません" in japanese
    assert "一件もありません" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "holds no record that any rule looks at" in run(*nobody, "--lang", "en").out
    later = run("scan", EXAMPLE, "--from", "2030-01-01", "--lang", "ja").out
    assert "一件もありません" in later
    assert "一件もありません" not in run("scan", EXAMPLE, "--lang", "ja").out


def test_a_folder_that_is_not_there_is_not_one_without_evidence(run: Run, tmp_path: Path) -> None:
    done = run("verify", tmp_path / "ない", "--lang", "ja")
    one_complaint(done)
    assert (done.status, "フォルダーがありません" in done.err) == (1, True)
    assert "no such folder" in run("verify", tmp_path / "ない", "--lang", "en").err
