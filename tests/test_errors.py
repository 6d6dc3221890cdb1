"""What an officer reads when something goes wrong: Japanese first, English beside it, what to do.

Each kind of error that there is is provoked once, and told by the library and by the command.
"""

from __future__ import annotations

import copy
import errno
import gzip
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import yokome
from yokome import cli
from yokome.errors import InputError, StateError, os_error

pa = pytest.importorskip("pyarrow")

HEADER = "日時,職員番号,端末番号,操作内容,処理結果,個人番号参照\n"
ROW = "2026/04/01 10:00:00,00123,PC1,検索,成功,あり\n"
KANA = re.compile(r"[ぁ-ヿ]")
DO = re.compile(r"ください|ですか|書けるもの|指定できるもの|作れます|書き方")


def log(path: Path, text: str | bytes = HEADER + ROW) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def packed(path: Path, method: int = zipfile.ZIP_DEFLATED, name: str = "a.csv") -> bytes:
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr(name, HEADER + ROW)
    return path.read_bytes()


def encrypted(path: Path) -> None:
    """An archive whose only member says that it needs a password."""
    data = bytearray(packed(path))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + flags] |= 1
    path.write_bytes(data)


def workbook(path: Path) -> None:
    packed(path, name="[Content_Types].xml")


def bomb(path: Path) -> None:
    path.write_bytes(gzip.compress((HEADER + ROW).encode() + b"\n" * (65 << 20), 1))


def damaged(path: Path) -> None:
    data = bytearray(gzip.compress((HEADER + ROW * 100).encode()))
    data[-8] ^= 0xFF
    path.write_bytes(data)


def directory(path: Path) -> None:
    path.mkdir()


def text(content: str | bytes) -> Callable[[Path], Any]:
    return lambda path: log(path, content)


INPUTS: dict[str, tuple[str, Callable[[Path], Any], tuple[str, ...]]] = {
    "empty": ("a.csv", text(b""), ("空です",)),
    "binary": ("a.csv", text(b"\0\1\2" * 99), ("--encoding utf-16le",)),
    "workbook": ("a.xlsx", workbook, ("CSV で書き出したファイル",)),
    "foreign": ("a.pdf", text(b"%PDF-1.7 " + b" " * 300), ("PDF ファイルは読めません",)),
    "no_log": ("logs", directory, ("このフォルダーにはログがありません",)),
    "encrypted": ("a.zip", encrypted, ("パスワードを入れて展開してから",)),
    "member": ("a.zip", lambda path: packed(path, zipfile.ZIP_BZIP2), ("番号 12",)),
    "twice": ("a.gz", text(gzip.compress(gzip.compress(b"x"))), ("二重に圧縮",)),
    "ratio": ("a.gz", bomb, ("20 倍", "--max-ratio 200")),
    "cut_short": ("a.gz", text(gzip.compress(HEADER.encode() * 99)[:-9]), ("途中で切れて",)),
    "damaged": ("a.gz", damaged, ("壊れています",)),
    "times": ("a.csv", text(HEADER + ROW.replace("2026/04/01 10:00:00", "いつか")), ("いつか",)),
}


@pytest.mark.parametrize("kind", INPUTS)
def test_a_source_that_cannot_be_read(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, make, promises = INPUTS[kind]
    path = tmp_path / name
    make(path)
    with pytest.raises(InputError) as caught:
        yokome.scan(path, max_ratio=20)
    error = caught.value
    assert error.kind == kind
    assert str(error.source).startswith(str(path))
    assert error.message_ja is not None
    for promise in (str(error.source), *promises):
        assert promise in error.message_ja
    tells(capsys, 1, str(error), "scan", path, "--max-ratio", "20")


def tells(
    capsys: pytest.CaptureFixture[str], status: int, english: str | None, *words: object
) -> str:
    """The command's message: Japanese that says what to do, English beside it; returned whole."""
    assert cli.main([*map(str, words), "--lang", "ja"]) == status
    out, said = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in said
    japanese, _, beside = said.partition("\n  [")
    assert japanese.startswith("yokome: エラー: ")
    assert KANA.search(japanese)
    assert DO.search(japanese), japanese
    assert beside
    if english is not None:
        assert english.splitlines()[0] in beside
    assert cli.main([*map(str, words), "--lang", "en"]) == status
    assert not DO.search(capsys.readouterr().err)
    return said


def test_kinds_that_are_documented_are_those_that_there_are() -> None:
    documented = set(re.findall(r"``([a-z_]+)``", InputError.__doc__ or "")) - {"source"}
    elsewhere = {"unreadable", "not_regular", "no_record", "failed"}  # below
    elsewhere.add("changed")  # test_order.py, test_evidence.py
    assert documented == INPUTS.keys() | elsewhere


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="Linux")
def test_a_file_that_the_system_cannot_read(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError) as caught:
        yokome.scan("/proc/self/mem")
    assert caught.value.kind == "unreadable"
    assert "ファイルを読めません" in str(caught.value.message_ja)


@pytest.mark.skipif(os.name == "nt", reason="a device by that name")
def test_a_device_is_no_log(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError) as caught:
        yokome.scan("/dev/null")
    assert caught.value.kind == "not_regular"
    tells(capsys, 1, str(caught.value), "scan", "/dev/null")


def test_a_log_without_a_record_makes_no_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = tells(capsys, 1, None, "init", log(tmp_path / "a.csv", HEADER))
    assert "一件もありません" in said


def test_a_stream_that_fails() -> None:
    schema = pa.schema([("time", pa.timestamp("ms")), ("user", pa.string())])

    def batches() -> Any:
        yield from ()
        raise OSError("gone")

    with pytest.raises(InputError) as caught:
        yokome.scan(pa.RecordBatchReader.from_batches(schema, batches()))
    assert caught.value.kind == "failed"
    assert KANA.search(str(caught.value.message_ja))


# --- paths, columns, records ----------------------------------------------------------------------


def test_a_path_that_names_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tells(capsys, 1, "no such file", "scan", tmp_path / "none.csv")
    packed(tmp_path / "a.zip")
    with pytest.raises(yokome.InputNotFoundError) as caught:
        yokome.scan(f"{tmp_path / 'a.zip'}!b*")
    assert caught.value.members == "a.csv"
    tells(capsys, 1, str(caught.value), "scan", f"{tmp_path / 'a.zip'}!b*")
    tells(capsys, 2, "malformed glob", "scan", tmp_path / "a[.csv")


def test_a_column_that_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = log(tmp_path / "a.csv", "発生,だれか\n2026/04/01 10:00:00,1\n")
    with pytest.raises(yokome.ColumnError) as caught:
        yokome.scan(path)
    assert caught.value.headers == ["発生", "だれか"]
    assert caught.value.missing == ["time", "user"]
    assert (caught.value.column, caught.value.nearest) == (None, None)
    assert "--column time=発生日時" in tells(capsys, 1, str(caught.value), "scan", path)


def test_headers_of_record_batches_are_masked_and_bounded() -> None:
    # As of a log without a header that a data frame took for one.
    first = {"2026/04/01 10:00:00": ["x"], "123456789018": ["x"], "あ" * 99: ["x"]}
    for columns in (None, {"time": "日時"}):
        with pytest.raises(yokome.ColumnError) as caught:
            yokome.scan(pa.table(first), columns=columns)
        assert caught.value.headers == ["2026/04/01 10:00:00", "*" * 12, "あ" * 40]
        for text in (str(caught.value), str(caught.value.message_ja)):
            assert "12345678" not in text
            assert "あ" * 41 not in text
    with pytest.raises(yokome.ColumnError, match="h99 and 2,900 more") as caught:
        yokome.scan(pa.table({f"h{n}": ["x"] for n in range(3000)}))
    assert "h99 ほか 2,900 列" in str(caught.value.message_ja)


def test_errors_travel_between_processes(tmp_path: Path) -> None:
    errors: list[yokome.YokomeError] = [
        yokome.TemporaryFileError("full", "folder", needed=3, message_ja="満杯"),
        yokome.OptionError("none", "encoding", message_ja="ない"),
    ]
    for source in (log(tmp_path / "a.csv", "a,b\n"), tmp_path / "none.csv"):
        with pytest.raises(yokome.YokomeError) as caught:
            yokome.scan(source)
        errors.append(caught.value)
    for error in errors:
        other = copy.copy(error)  # as pickle does
        assert (type(other), str(other), vars(other)) == (type(error), str(error), vars(error))


def test_a_named_column_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = log(tmp_path / "a.csv")
    with pytest.raises(yokome.ColumnError) as caught:
        yokome.scan(path, columns={"terminal": "端末番"})
    assert caught.value.missing == ["terminal"]
    assert (caught.value.column, caught.value.nearest) == ("端末番", "端末番号")
    said = tells(capsys, 1, None, "scan", path, "--column", "terminal=端末番")
    assert "もしかして「端末番号」ですか" in said
    assert "did you mean 端末番号" in said


def test_a_header_that_is_garbled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = log(tmp_path / "a.csv", (HEADER + ROW).encode("cp932"))
    said = tells(capsys, 1, None, "scan", path, "--encoding", "utf-8")
    assert "文字化けしています" in said


def test_a_log_without_a_header_needs_positions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = tells(capsys, 1, None, "scan", log(tmp_path / "a.csv", ROW), "--no-header")
    assert "--column time=1" in said


@pytest.mark.parametrize(
    ("bad", "reason", "words"),
    [
        (ROW.replace("2026/04/01", "いつか"), "time", "日時を読めません"),
        ("2026/04/01 10:00:00,1,PC1\n", "columns", "列の数が見出しと合いません"),
        ('2026/04/01 10:00:00,1,"PC1\n', "quote", "引用符"),
    ],
)
def test_a_record_that_is_rejected_under_strict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bad: str, reason: str, words: str
) -> None:
    path = log(tmp_path / "a.csv", HEADER + ROW + bad)
    with pytest.raises(yokome.StrictError) as caught:
        yokome.scan(path, strict=True)
    assert (caught.value.line, caught.value.reason) == (3, reason)
    assert caught.value.excerpt is not None
    said = tells(capsys, 1, None, "scan", path, "--strict")
    assert "3 行目" in said
    assert words in said


# --- policies -------------------------------------------------------------------------------------

RULE = '[[rules]]\nid = "a"\nkind = "count"\nwindow = "10m"\nat_least = 5\n'


@pytest.mark.parametrize(
    ("policy", "line", "nearest", "promises"),
    [
        (RULE.replace("window", "widnow"), 4, "window", ('もしかして "window" ですか',)),
        ("[calender]\n", 1, "calendar", ('もしかして "calendar" ですか',)),
        (RULE.replace('"count"', '"cuont"'), 3, "count", ('もしかして "count" ですか',)),
        (RULE.replace('"10m"', '"10 minutes"'), 4, None, ("10 分", '"10 minutes"')),
        (RULE.replace("5", '"5"'), 5, None, ("1 以上の整数", '文字列 "5"')),
        (RULE.replace('"10m"', "10m"), 4, None, ("TOML の書き方",)),
        (RULE.replace("at_least = 5\n", ""), 1, None, ("at_least がありません",)),
        (RULE + "[[rules\n", 6, None, ("閉じ",)),
        (RULE * 2, 7, None, ("別の id",)),
        ('[scope]\nfrom = "2026-04-31"\n', 2, None, ("2026-04-30",)),
        ('[calendar]\ncountry = "ZZ"\n', None, None, ("祝日は登録されていません",)),
    ],
)
def test_a_policy_that_is_wrong(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    policy: str,
    line: int | None,
    nearest: str | None,
    promises: tuple[str, ...],
) -> None:
    path = tmp_path / "p.toml"
    path.write_text(policy, encoding="utf-8")
    with pytest.raises(yokome.PolicyError) as caught:
        yokome.scan(log(tmp_path / "a.csv"), policy=path)
    assert (caught.value.line, caught.value.nearest) == (line, nearest)
    said = tells(capsys, 2, str(caught.value), "policy", "check", path)
    assert line is None or f"{path} の {line} 行目" in said
    for promise in promises:
        assert promise in said


def test_a_policy_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = log(tmp_path / "a.csv")
    tells(capsys, 2, None, "scan", source, "--policy", tmp_path / "none.toml")
    policy = tmp_path / "cp932.toml"
    policy.write_bytes('name = "既定"\n'.encode("cp932"))
    assert "メモ帳" in tells(capsys, 2, None, "scan", source, "--policy", policy)


@pytest.mark.parametrize(
    ("words", "promise"),
    [
        (("--where", "department = 市民課"), "--where \"department = '税務課'\""),
        (("--where", "departmant = '市民課'"), 'もしかして "department" ですか'),
        (("--where", "result = 'ok'"), "success, failure, other"),
        (("--from", "2026-04-31"), "2026-04-30"),
        (("--to", "きのう"), '"きのう"'),
        (("--from", "2026-04-02", "--to", "2026-04-01"), "--to を --from より後に"),
        (("--timezone", "Tokyo"), "Asia/Tokyo"),
        (("--column", "time"), "--column time=発生日時"),
        (("--column", "tmie=日時"), 'もしかして "time" ですか'),
        (("--encoding", "sjis2"), "cp932"),
        (("--delimiter", "x"), "tab"),
        (("--threads", "0"), "1 以上の整数"),
        (("--max-rejects", "-1"), "0 以上の整数"),
        (("--memory-limit", "much"), "512MB"),
        (("--memory-limit", "0"), "512MB"),
        (("--report", "pdf", "--out", "x"), "xlsx, html"),
        (("--report", "xlsx"), "--out フォルダー名"),
        (("--temp-dir", "nowhere"), "--temp-dir"),
        (("--format", "xls"), "parquet"),
        (("--nothing",), "このような指定はありません"),
    ],
)
def test_an_option_that_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], promise: str
) -> None:
    path = log(tmp_path / "a.csv")
    assert cli.main(["scan", str(path), *words, "--lang", "ja"]) == 2
    out, said = capsys.readouterr()
    japanese, _, beside = said.partition("\n  [")
    assert out == ""
    assert promise in japanese
    assert KANA.search(japanese)
    assert beside


def test_options_of_the_library_are_told_in_both_languages(tmp_path: Path) -> None:
    path = log(tmp_path / "a.csv")
    wrong: list[dict[str, Any]] = [
        {"encoding": "sjis2"},
        {"delimiter": "x"},
        {"threads": 0},
        {"memory_limit": "much"},
        {"temp_dir": tmp_path / "none"},
        {"flagged_to": tmp_path / "flagged.csv"},
    ]
    for options in wrong:
        with pytest.raises(yokome.OptionError) as caught:
            yokome.scan(path, **options)
        assert caught.value.option == next(iter(options))
        assert KANA.search(str(caught.value.message_ja))
        assert not KANA.search(str(caught.value))


# --- states, temporary files, results -------------------------------------------------------------


def test_a_state_that_does_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    april, state = log(tmp_path / "a.csv"), tmp_path / "state"
    assert cli.main(["scan", str(april), "--state", str(state), "--quiet"]) == 0
    whole = state.read_bytes()
    policy = tmp_path / "p.toml"
    policy.write_text(RULE, encoding="utf-8")
    found = {}

    def state_error(kind: str, *words: object) -> None:
        found[kind] = tells(capsys, 1, None, "scan", april, "--state", state, *words)
        with pytest.raises(StateError) as caught:
            yokome.scan(april, state=state, policy=policy if words else None)
        assert (caught.value.kind, caught.value.path) == (kind, str(state))

    state_error("policy", "--policy", policy)
    state_error("covered")
    state.write_bytes(whole[:-3])
    state_error("damaged")
    state.write_bytes(b"YOKOME STATE\n" + b"\xff" * 99)
    state_error("format")
    state.write_bytes(b"something else")
    state_error("not_a_state")
    state.unlink()
    state.mkdir()
    state_error("not_a_state")
    assert "元のポリシー" in found["policy"]
    documented = set(re.findall(r"``([a-z_]+)``", StateError.__doc__ or ""))
    assert documented == {*found, "changed", "system"}  # those two: test_state.py


def test_no_room_for_temporary_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    resource = pytest.importorskip("resource")
    import signal

    rows = [f"2026/04/{day:02} 10:{n % 60:02}:00,{n},PC1,検索,成功,あり\n" for n in range(5000)
            for day in (3, 1, 2)]  # fmt: skip
    path = log(tmp_path / "a.csv", HEADER + "".join(rows))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 10, before[1]))
    try:
        with pytest.raises(yokome.TemporaryFileError) as caught:
            yokome.scan(path, memory_limit=1, temp_dir=tmp_path)
        said = tells(capsys, 1, None, "scan", path, "--memory-limit", "1", "--temp-dir", tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert caught.value.folder == str(tmp_path)
    assert caught.value.needed is not None
    assert f"{caught.value.needed:,} more" in str(caught.value)
    assert "--memory-limit" in said
    assert "バイト必要です" in said


def test_an_out_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log(tmp_path / "a.csv")
    file = log(tmp_path / "out")
    said = tells(capsys, 2, None, "scan", path, "--out", file)
    assert f"同じ名前のファイルがあります（{file}）。フォルダーの名前を指定してください" in said
    folder = tmp_path / "folder"
    folder.mkdir()
    for words in (["init", path], ["policy", "default"]):
        said = tells(capsys, 2, None, *words, "--out", folder)
        assert "同じ名前のフォルダーがあります。ファイルの名前を指定してください" in said

    def refused(*arguments: object, **options: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "there")

    monkeypatch.setattr("yokome.output.write_result", refused)
    said = tells(capsys, 1, "Permission denied", "scan", path, "--out", tmp_path / "new")
    assert "there: 書き込む権限がありません" in said
    assert "開く権限" not in said
    assert "Excel" in said


def test_what_the_system_says_is_said_in_japanese() -> None:
    for number in (errno.ENOENT, errno.EACCES, errno.ENOSPC, errno.EROFS, errno.EISDIR):
        ja, en = os_error(OSError(number, os.strerror(number), "x"))
        assert KANA.search(ja)
        assert ja.startswith("x: ")
        assert en == f"x: {os.strerror(number)}"
    assert os_error(OSError("only this")) == ("only this", "only this")


def test_a_key_that_is_too_short(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"short")
    shared = ("scan", log(tmp_path / "a.csv"), "--out", tmp_path / "out", "--pseudonymise")
    assert "yokome key" in tells(capsys, 2, "has at least 16 bytes", *shared, key)
    tells(capsys, 2, "No such file", *shared, tmp_path / "none")


def test_an_option_is_not_called_a_wrong_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = log(tmp_path / "a.csv")
    for words, promise in (
        (["--column", "termnal=端末"], "--column の指定に誤りがあります。"),
        (["--column", "termnal=端末"], 'もしかして "terminal" ですか'),
        (
            ["--column", "端末ＩＰ=terminal"],
            "--column の指定に誤りがあります。項目と見出しが逆です",
        ),
        (["--column", "端末ＩＰ=terminal"], "--column terminal=端末ＩＰ"),
        (["--timezone", "Tokyo"], "--timezone の指定に誤りがあります。"),
        (["--from", "2026-05-02", "--to", "2026-05-01"], "--to の指定に誤りがあります。"),
        (["--policy", tmp_path / "none.toml"], "ポリシーのファイルが見付かりません"),
    ):
        said = tells(capsys, 2, None, "scan", path, *words)
        assert promise in said
        assert "ポリシーに誤りがあります" not in said
    # A header that is called as a field is, and a field said to be of it, are no mistake.
    odd = tmp_path / "odd.csv"
    odd.write_text("time,terminal\n2026/04/07 10:00:00,a\n", encoding="utf-8")
    assert cli.main(["scan", str(odd), "--column", "user=terminal", "--quiet"]) == 0


# --- what whoever skips `init` must know ----------------------------------------------------------


def notes(path: Path, **options: Any) -> tuple[str, str]:
    found = yokome.scan(path, **options)
    # That the log has no subjects is said too.
    ja, en = (
        [n for n in said if "repeat-subject" not in n] for said in (found.notes_ja, found.notes)
    )
    return "\n".join(ja), "\n".join(en)


def test_result_words_that_nobody_knows_are_counted(tmp_path: Path) -> None:
    other = ROW.replace("成功", "済み")
    path = log(tmp_path / "a.csv", HEADER + ROW * 1000 + other * 1234 + ROW.replace("成功", "？"))
    ja, en = notes(path)
    assert "2,235 件のうち 1,235 件（済み、？）" in ja
    assert "1,235 of 2,235 (済み, ？)" in en
    policy = yokome.Policy.from_dict({"results": {"success": ["成功", "済み"]}})
    assert "yokome init" not in notes(path, policy=policy)[0].replace("references", "")
    plain = log(tmp_path / "b.csv", HEADER + ROW + ROW.replace("成功", ""))
    assert notes(plain) == ("", "")
    assert notes(path, threads=1) == notes(path, threads=4)


def test_numbers_in_result_words_are_masked(tmp_path: Path) -> None:
    path = log(tmp_path / "a.csv", HEADER + ROW.replace("成功", "済 123456789018"))
    assert "123456789018" not in notes(path)[0]


def test_the_share_of_records_that_most_default_rules_look_at(tmp_path: Path) -> None:
    path = log(tmp_path / "a.csv", HEADER + ROW * 120 + ROW.replace("あり", "なし") * 1880)
    ja, en = notes(path)
    assert "2,000 件のうち 120 件（6.0%）" in ja
    assert "120 of 2,000 records (6.0%)" in en
    assert f"既定の規則 {len(yokome.Policy.default().rules)} 件のうち" in ja
    own = yokome.Policy.from_dict({"rules": [{"id": "a", "kind": "match"}]})
    assert notes(path, policy=own) == ("", "")
    assert "個人番号参照" not in notes(log(tmp_path / "all.csv"))[0]


def test_what_init_would_have_said_is_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd, plain = ROW.replace("成功", "済み"), ROW.replace("あり", "なし")
    path = log(tmp_path / "a.csv", HEADER + odd + plain)
    out = tmp_path / "out"
    words = ["scan", str(path), "--out", str(out), "--report", "html", "--lang", "ja"]
    assert cli.main(words) == 0
    screen = capsys.readouterr().out
    page = (out / "report.html").read_text(encoding="utf-8")
    summary = (out / "summary.json").read_text(encoding="utf-8")
    for place in (screen, page, summary):
        assert "2 件のうち 1 件（済み）" in place
        assert "2 件のうち 1 件（50.0%）" in place
