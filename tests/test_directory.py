"""A directory of results is replaced as one: who is killed leaves the old one or the new one."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from yokome import _yokome, cli, directory
from yokome.output import ResultWriter, recorded, write_text
from yokome.staging import Room

pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes, links and signals of POSIX")

OLD = {"findings.csv": "old", "run.json": '{"yokome": {"run": 1}, "outputs": []}'}
NEW = {"findings.parquet": "new", "flagged.parquet": "new"}
FOREIGN = {"notes.txt": "an officer's", "調書 記入済み.xlsx": "filled in", "month.state": "state"}

Write = Callable[[Path, dict[str, str]], None]


def write(out: Path, files: dict[str, str]) -> None:
    """A result of these files, and a summary that tells of them."""
    with ResultWriter(out, "csv") as writer:
        for name, text in files.items():
            writer.text(name, text)
        names = [*(name for name in files if name != "run.json"), "summary.json"]
        summary: dict[str, object] = {"yokome": {"summary": 1}, "files": names}
        if "report.xlsx" in files:
            digest = hashlib.sha256(files["report.xlsx"].encode()).hexdigest()
            summary["workbook"] = {"bytes": len(files["report.xlsx"]), "sha256": digest}
        writer.text("summary.json", json.dumps(summary))
        writer.commit()


def put(out: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")


def found(out: Path) -> dict[str, str]:
    return {
        path.relative_to(out).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def all_of(out: Path) -> dict[str, str]:
    return {name: text for name, text in found(out).items() if name != "summary.json"}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An older result, and what others put beside it."""
    out = tmp_path / "out"
    write(out, OLD)
    put(out, FOREIGN)
    return out


def cannot_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("yokome.directory.exchange", fail)


WAYS = ["exchanged", "moved"]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "moved":
        cannot_exchange(monkeypatch)
    way: str = request.param
    return way


# --- what is there afterwards ---------------------------------------------------------------------


def test_a_directory_holds_one_scan_and_what_is_not_ours(
    tmp_path: Path, out: Path, way: str
) -> None:
    before = {name: (out / name).stat().st_ino for name in FOREIGN}
    inode = out.stat().st_ino
    write(out, NEW)
    assert all_of(out) == NEW | FOREIGN
    assert {name: (out / name).stat().st_ino for name in FOREIGN} == before
    assert {(out / name).stat().st_nlink for name in FOREIGN} == {1}
    assert (out.stat().st_ino == inode) == (way == "moved")
    assert os.listdir(tmp_path) == ["out"]


def test_only_what_an_earlier_scan_tells_of_is_removed(tmp_path: Path, way: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    # Names that a result may have, but of no result.
    others = {"report.html": "theirs", "inputs.csv": "theirs", "run.json": '{"mine": 1}'}
    put(out, others)
    write(out, NEW)
    assert all_of(out) == NEW | others
    # A summary that tells of what no scan writes is not believed.
    put(
        out,
        {"notes.txt": "x"} | {"summary.json": '{"yokome": {"summary": 1}, "files": ["notes.txt"]}'},
    )
    write(out, NEW)
    assert all_of(out) == NEW | others | {"notes.txt": "x"}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", '{"yokome": 1}', '{"yokome": {"summary": 1}, "files": 3}', "[" * 9999],
)
def test_a_summary_that_is_none_tells_of_nothing(tmp_path: Path, text: str) -> None:
    put(tmp_path, {"summary.json": text, "run.json": text})
    assert recorded(tmp_path) == set()


def test_owner_and_mode_of_the_directory_stay(out: Path, way: str) -> None:
    out.chmod(0o2750)
    if os.geteuid() == 0:
        os.chown(out, 1234, 2345)
        out.chmod(0o2750)
    os.utime(out, (0, 0))
    before = out.stat()
    write(out, NEW)
    after = out.stat()
    assert after.st_mtime > before.st_mtime == 0
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )
    assert stat.S_IMODE((out / "flagged.parquet").stat().st_mode) == 0o600


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_where_the_owner_cannot_be_given_the_directory_stays_the_same(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chown(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    os.chown(out, 1234, 2345)
    monkeypatch.setattr(os, "chown", chown)
    before = out.stat()
    write(out, NEW)
    after = out.stat()
    assert (after.st_ino, after.st_uid, after.st_gid) == (before.st_ino, 1234, 2345)
    assert all_of(out) == NEW | FOREIGN


@pytest.mark.parametrize("after", [False, True])
def test_an_interrupt_at_the_exchange_leaves_one_whole_result(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    def exchange(first: Path, second: Path) -> None:
        if after:
            _yokome.exchange(first, second)
        raise KeyboardInterrupt

    monkeypatch.setattr(directory, "exchange", exchange)
    with pytest.raises(KeyboardInterrupt):
        write(out, NEW)
    assert all_of(out) == (NEW if after else OLD) | FOREIGN
    assert os.listdir(tmp_path) == ["out"]


def test_links_survive(tmp_path: Path, out: Path) -> None:
    put(tmp_path, {"elsewhere": "x"})
    (out / "relative").symlink_to("../elsewhere")
    (out / "dangling").symlink_to("nowhere")
    write(out, NEW)
    assert (out / "relative").readlink() == Path("../elsewhere")
    assert (out / "relative").read_text(encoding="utf-8") == "x"
    assert (out / "dangling").is_symlink()
    assert {*NEW, *FOREIGN} <= {path.name for path in out.iterdir()}


def test_a_link_to_a_directory_stays_a_link(tmp_path: Path, out: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("out")
    write(link, NEW)
    assert link.is_symlink()
    assert all_of(out) == NEW | FOREIGN
    assert sorted(os.listdir(tmp_path)) == ["link", "out"]


def test_directories_inside_stay_the_same(out: Path) -> None:
    inside = out / "april"
    write(inside, OLD)
    inode = inside.stat().st_ino
    write(out, NEW)
    assert inside.stat().st_ino == inode
    assert all_of(inside) == OLD
    assert {name: text for name, text in all_of(out).items() if "/" not in name} == NEW | FOREIGN


def test_where_a_directory_stands_in_the_place_of_a_file_the_old_result_stays(out: Path) -> None:
    (out / "flagged.parquet").mkdir()
    before = found(out)
    with pytest.raises(IsADirectoryError):
        write(out, NEW)
    assert found(out) == before
    assert (out / "flagged.parquet").is_dir()


def test_the_directory_that_one_works_in_stays_the_same(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(out)
    inode = out.stat().st_ino
    for name in (Path(), Path("../out")):
        write(name, NEW)
        assert out.stat().st_ino == inode
        assert all_of(out) == NEW | FOREIGN == all_of(Path())
    assert os.listdir(tmp_path) == ["out"]


def test_where_the_parent_may_not_be_written_to_files_are_moved(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def move(self: Room, folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(Room, "move", move)
    inode = out.stat().st_ino
    write(out, NEW)
    assert out.stat().st_ino == inode
    assert all_of(out) == NEW | FOREIGN
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no unshare")
@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_a_mount_point_is_written_to(tmp_path: Path, kind: str) -> None:
    place, other = tmp_path / "place", tmp_path / "other"
    place.mkdir()
    other.mkdir()
    mount = 'mount -t tmpfs none "$1"' if kind == "tmpfs" else 'mount --bind "$2" "$1"'
    script = f'{mount} || exit 77; shift 2; "$@" && "$@" && ls -A "{place}" && ls -A "{tmp_path}"'
    log = tmp_path / "log.csv"
    log.write_text("日時,職員番号\n2026-04-01 09:00:00,u\n", encoding="utf-8")
    scan = [sys.executable, "-m", "yokome", "scan", str(log), "--out", str(place), "--quiet"]
    words = ["unshare", "-rm", "sh", "-c", script, "sh", str(place), str(other), *scan]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no file system can be mounted here")
    assert (done.returncode, done.stderr) == (0, "")
    assert "summary.json" in done.stdout
    assert ".tmp" not in done.stdout


def test_a_name_as_long_as_can_be(tmp_path: Path) -> None:
    out = tmp_path / ("長" * 85)
    write(out, OLD)
    write(out, NEW)
    assert all_of(out) == NEW
    write_text(tmp_path / ("t" * 255), "x")
    assert sorted(os.listdir(tmp_path)) == ["t" * 255, "長" * 85]


def test_without_a_commit_all_is_as_before(tmp_path: Path, out: Path, way: str) -> None:
    before = found(out)
    with ResultWriter(out, "csv") as writer:
        writer.text("findings.csv", "new")
    assert found(out) == before
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_moves_that_fail_are_taken_back(
    tmp_path: Path,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    error: BaseException,
) -> None:
    cannot_exchange(monkeypatch)
    before = found(out)
    real, calls = os.replace, 0

    def replace(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == number + 1:
            raise error
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    new = NEW | {"findings.csv": "new", "summary.csv": "new", "by_day.csv": "new"}
    with pytest.raises(type(error)):
        write(out, new)
    assert found(out) == before
    assert os.listdir(tmp_path) == ["out"]


def test_without_hard_links_moves_that_fail_are_taken_back(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = found(out)

    def link(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        if Path(target).name == "summary.json" and Path(source).parent.name == "new":
            raise OSError(5, "Input/output error")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError, match="Input/output"):
        write(out, NEW)
    assert found(out) == before
    monkeypatch.setattr(os, "replace", real)
    write(out, NEW)
    assert all_of(out) == NEW | FOREIGN
    assert os.listdir(tmp_path) == ["out"]


# --- while others write ---------------------------------------------------------------------------


def test_what_comes_while_the_directory_is_replaced_is_not_lost(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exchange(first: Path, second: Path) -> None:
        later = out / "saved"
        later.write_text("saved anew", encoding="utf-8")
        os.utime(later, ns=(time.time_ns() + 10**9,) * 2)
        os.replace(later, out / "notes.txt")
        put(out, {"another.txt": "new"})
        (out / "folder").mkdir()
        put(out / "folder", {"x": "y"})
        _yokome.exchange(first, second)

    monkeypatch.setattr(directory, "exchange", exchange)
    write(out, NEW)
    came = {"notes.txt": "saved anew", "another.txt": "new", "folder/x": "y"}
    assert all_of(out) == NEW | FOREIGN | came
    assert os.listdir(tmp_path) == ["out"]


def test_two_at_once_do_not_disturb_each_other(tmp_path: Path, out: Path, way: str) -> None:
    with ResultWriter(out, "csv") as first, ResultWriter(out, "csv") as second:
        for writer, text in ((first, "first"), (second, "second")):
            writer.text("findings.csv", text)
            names = ["findings.csv", "summary.json"]
            writer.text("summary.json", json.dumps({"yokome": {"summary": 1}, "files": names}))
        first.commit()
        assert all_of(out) == FOREIGN | {"findings.csv": "first"} if way == "exchanged" else True
        second.commit()
    assert all_of(out) == FOREIGN | {"findings.csv": "second"}
    assert os.listdir(tmp_path) == ["out"]


# --- killed ---------------------------------------------------------------------------------------

# Commits in a process of its own, which is killed at its n-th step: once for every step there is.
STEPS = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_directory as t
from yokome import directory
room = Path(sys.argv[2])
if sys.argv[3] == "moved":
    def fail(*_):
        raise OSError(95, "Operation not supported")
    directory.exchange = fail
steps = {"open", *(f"os.{name}" for name in "mkdir link rename remove rmdir chmod chown".split())}
n = 0
while True:
    n += 1
    out = room / str(n) / "out"
    out.parent.mkdir()
    t.write(out, t.OLD)
    t.put(out, t.FOREIGN)
    child = os.fork()
    if not child:
        left = n
        def hook(event, arguments):
            global left
            if event in steps:
                left -= 1
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        t.write(out, t.NEW)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
print(n)
"""


@pytest.mark.parametrize("how", WAYS)
def test_killed_at_every_step_the_result_is_whole(tmp_path: Path, how: str) -> None:
    """And whatever was left is cleared away by the next who writes there."""
    arguments = [sys.executable, "-c", STEPS, str(Path(__file__).parent), str(tmp_path), how]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    steps = int(done.stdout)
    assert steps > 30
    kinds = set()
    for n in range(1, steps):
        folder = tmp_path / str(n)
        there = {name: text for name, text in all_of(folder / "out").items() if "/" not in name}
        if how == "exchanged":
            assert there in (OLD | FOREIGN, NEW | FOREIGN), n
            kinds.add("findings.csv" in there)
        else:
            # Moved one by one: each file is the old or the new one.
            assert FOREIGN.items() <= there.items() <= (OLD | NEW | FOREIGN).items(), n
        write(folder / "out", OLD)
        assert all_of(folder / "out") == OLD | FOREIGN, n
        assert os.listdir(folder) == ["out"], n
    if how == "exchanged":
        assert kinds == {False, True}


LOOP = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_directory as t
out = Path(sys.argv[2])
print("ready", flush=True)
while True:
    t.write(out, t.OLD)
    t.write(out, t.NEW)
"""


def test_killed_at_any_moment_the_result_is_whole(tmp_path: Path, out: Path) -> None:
    rng = random.Random(3)  # noqa: S311
    for _ in range(8):
        arguments = [sys.executable, "-c", LOOP, str(Path(__file__).parent), str(out)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(rng.random() / 50)
            child.kill()
        # Only there is it mixed with a room in which nothing was begun yet.
        there = {name: text for name, text in all_of(out).items() if ".tmp/" not in name}
        assert there in (OLD | FOREIGN, NEW | FOREIGN)
    write(out, NEW)
    assert all_of(out) == NEW | FOREIGN
    assert os.listdir(tmp_path) == ["out"]


# --- what killed processes leave ------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from yokome.output import ResultWriter
from yokome.table_file import TableFile
with ResultWriter(Path(sys.argv[1]), "csv") as writer, TableFile(sys.argv[2], "csv"):
    writer.text("flagged.csv", "half")
    print("ready", flush=True)
    time.sleep(60)
"""


def rooms(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name[0] == "." and p.suffix == ".tmp")


def test_what_a_running_process_makes_is_left_alone_until_it_is_killed(
    tmp_path: Path, out: Path
) -> None:
    file = tmp_path / "read.csv"
    arguments = [sys.executable, "-c", HOLD, str(out), str(file)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        busy = rooms(tmp_path)
        assert len(busy) == 2
        assert all(stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700 for name in busy)
        write(out, NEW)
        write_text(file, "x")
        assert rooms(tmp_path) == busy
        child.kill()
    write_text(file, "y")
    write(out, NEW)
    assert rooms(tmp_path) == []
    assert all_of(out) == NEW | FOREIGN


def test_what_only_looks_like_a_room_stays(tmp_path: Path) -> None:
    names = [".out.tmp", ".out.xyz.tmp", ".out.0123456z.tmp", ".other.01234567.tmp"]
    for name in names:
        (tmp_path / name).mkdir()
    put(tmp_path, {".out.01234567.tmp": "a file"})
    theirs = tmp_path / ".out.89abcdef.tmp"
    theirs.mkdir(mode=0o700)
    put(theirs, {"lock": "", "thesis.txt": "of somebody else"})
    shared = tmp_path / ".out.aaaaaaaa.tmp"
    shared.mkdir()
    shared.chmod(0o777)
    put(shared, {"lock": ""})
    (tmp_path / ".out.bbbbbbbb.tmp").symlink_to(theirs)
    before = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*"))
    write(tmp_path / "out", NEW)
    shutil.rmtree(tmp_path / "out")
    after = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*"))
    assert after == before


def test_a_room_without_a_lock_is_cleared_when_it_is_empty(tmp_path: Path) -> None:
    (tmp_path / ".out.01234567.tmp").mkdir(mode=0o700)
    write(tmp_path / "out", NEW)
    assert os.listdir(tmp_path) == ["out"]


def test_where_there_are_no_locks_nothing_is_cleared(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    left = Room(tmp_path, "out")
    os.close(left._lock or -1)

    def flock(*_: object) -> None:
        raise OSError(37, "No locks available")

    with monkeypatch.context() as without:
        without.setattr(fcntl, "flock", flock)
        write(out, NEW)
    assert rooms(tmp_path) == [Path(left.path).name]
    assert all_of(out) == NEW | FOREIGN
    write(out, OLD)
    assert rooms(tmp_path) == []


# --- the command ----------------------------------------------------------------------------------


def test_the_command_killed_at_random_moments_leaves_one_whole_result(tmp_path: Path) -> None:
    """An older result is written over again and again; every kill leaves all of one of the two."""
    out = tmp_path / "out"
    lines = [f"2026-04-{d:02} {h:02}:00:00,u{h}\n" for d in range(1, 29) for h in range(24)]
    logs = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for log, rows in zip(logs, (lines[:100], lines), strict=True):
        log.write_text("日時,職員番号\n" + "".join(rows), encoding="utf-8")
    commands = [
        [sys.executable, "-m", "yokome", "scan", str(logs[0]), "--out", str(out), "--quiet"],
        [
            *(sys.executable, "-m", "yokome", "scan", str(logs[1]), "--out", str(out), "--quiet"),
            *("--format", "arrow", "--state", str(out / "month.state")),
        ],
    ]
    whole: list[dict[str, bytes]] = []
    took = 0.0
    for command in commands:
        start = time.monotonic()
        subprocess.run(command, check=True)
        took = max(took, time.monotonic() - start)
        whole.append({p.name: p.read_bytes() for p in out.iterdir() if p.name != "month.state"})
    put(out, FOREIGN)
    (out / "month.state").unlink()
    rng = random.Random(8)  # noqa: S311
    for number in range(8):
        with subprocess.Popen(commands[number % 2], stderr=subprocess.DEVNULL) as process:
            # Results are written towards the end.
            time.sleep(took * rng.uniform(0.5, 1.05))
            process.send_signal(signal.SIGKILL)
        there = {p.name: p.read_bytes() for p in out.glob("[!.]*")}
        state = there.pop("month.state", None)
        others = {
            name: there.pop(name).decode("utf-8") for name in ("notes.txt", "調書 記入済み.xlsx")
        }
        assert others.items() <= FOREIGN.items()
        assert there in whole
        if state is not None:
            # The state is written last, and carried along from then on.
            (out / "month.state").unlink()
    subprocess.run(commands[0], check=True)
    assert {p.name for p in out.iterdir()} == {*whole[0], "notes.txt", "調書 記入済み.xlsx"}
    assert rooms(tmp_path) == []


@pytest.mark.parametrize("limit", [100, 20_000])
@pytest.mark.parametrize("options", [[], ["--format", "parquet"], ["--evidence"]])
def test_a_full_disk_is_one_message_that_names_the_folder(
    tmp_path: Path, options: list[str], limit: int
) -> None:
    """A file may have so many bytes here, which fails as a full disk does."""
    import resource

    log, out = tmp_path / "log.csv", tmp_path / "out"
    lines = [
        f"2026-04-{d:02} {h:02}:{m:02}:00,u{d * h * m}"
        for d in range(1, 29)
        for h in range(24)
        for m in range(60)
    ]
    log.write_text("\n".join(("日時,職員番号", *lines, "")), encoding="utf-8")
    write(out, OLD)
    before = found(out)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "yokome", "scan", str(log), "--out", str(out), *options]
    done = subprocess.run(
        [*command, "--lang", "ja"], capture_output=True, text=True, preexec_fn=limited, check=False
    )
    assert done.returncode == 1
    in_japanese, in_english = done.stderr.splitlines()
    assert f"結果を書き出せません: {out}" in in_japanese
    assert "空き容量" in in_japanese
    assert f"{out}" in in_english
    assert "make room" in in_english
    assert found(out) == before
    assert sorted(os.listdir(tmp_path)) == ["log.csv", "out"]


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no unshare")
def test_a_disk_that_is_full_keeps_the_old_result(tmp_path: Path) -> None:
    small, log = tmp_path / "small", tmp_path / "log.csv"
    small.mkdir()
    lines = [
        f"2026-04-{d:02} {h:02}:{m:02}:00,u{d * h * m}"
        for d in range(1, 29)
        for h in range(24)
        for m in range(60)
    ]
    log.write_text("\n".join(("日時,職員番号", *lines, "")), encoding="utf-8")
    scan = [sys.executable, "-m", "yokome", "scan", str(log), "--out", str(small / "out")]
    script = """
        mount -t tmpfs -o size=300k none "$1" || exit 77
        cd "$1"; shift; mkdir out; echo old > out/findings.csv
        "$@"; status=$?; cat out/findings.csv; ls -A; exit $status
    """
    words = ["unshare", "-rm", "sh", "-c", script, "sh", str(small), *scan, "--lang", "en"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no file system can be mounted here")
    assert done.returncode == 1
    assert str(small / "out") in done.stderr
    assert "What was written before still stands" in done.stderr
    assert done.stdout == "old\nout\n"


# --- a workbook that was written into -------------------------------------------------------------


@pytest.mark.parametrize("later", [3600, 0, -86400], ids=["later", "at once", "put back, older"])
@pytest.mark.parametrize("both", [True, False], ids=["swapped", "moved"])
@pytest.mark.parametrize("again", [True, False], ids=["a new workbook", "none"])
def test_a_workbook_that_was_filled_in_is_kept(
    out: Path, monkeypatch: pytest.MonkeyPatch, both: bool, again: bool, later: int
) -> None:
    if not both:
        monkeypatch.setattr(directory.StagedDirectory, "_swap", lambda *_: False)
    write(out, {"report.xlsx": "as written", **OLD})
    saved = (out / "summary.json").stat().st_mtime + later
    put(out, {"report.xlsx": "filled in"})
    os.utime(out / "report.xlsx", (saved, saved))
    name = time.strftime("report-%Y%m%d-%H%M%S.xlsx", time.localtime(saved))
    new = {"report.xlsx": "new"} if again else NEW
    write(out, new)
    assert all_of(out) == {**FOREIGN, **new, name: "filled in"}
    # What nobody wrote into is replaced.
    write(out, NEW)
    assert all_of(out) == {**FOREIGN, **NEW, name: "filled in"}


def test_a_workbook_of_which_nobody_can_tell_is_kept(out: Path) -> None:
    run = '{"yokome": {"run": 1}, "outputs": [{"name": "report.xlsx"}]}'
    write(out, {"report.xlsx": "perhaps filled in", "run.json": run})
    (out / "summary.json").unlink()
    write(out, NEW)
    (kept,) = out.glob("report-*.xlsx")
    assert all_of(out) == {**FOREIGN, **NEW, kept.name: "perhaps filled in"}


def test_a_workbook_kept_earlier_is_not_lost_to_one_of_the_same_time(out: Path) -> None:
    """A folder that was copied, all of it with one time."""
    second = 1_700_000_000
    for text in ("first", "second", "second"):
        write(out, {"report.xlsx": "as written"})
        put(out, {"report.xlsx": text})
        for path in out.iterdir():
            os.utime(path, (second, second))
    write(out, NEW)
    name = time.strftime("report-%Y%m%d-%H%M%S", time.localtime(second))
    kept = {f"{name}.xlsx": "first", f"{name}-2.xlsx": "second"}
    assert all_of(out) == {**FOREIGN, **NEW, **kept}


@pytest.mark.parametrize(
    "summary",
    [
        None,
        "{",
        '{"yokome": {"summary": 1}, "files": ["report.xlsx", "summary.json"]}',
        '{"yokome": {"summary": 1}, "files": ["report.xlsx"], "workbook": null}',
        '{"yokome": {"summary": 1}, "files": ["report.xlsx"], "workbook": {"sha256": [1]}}',
        '{"yokome": {"summary": 1}, "files": ["findings.csv", "summary.json"], "workbook": null}',
    ],
    ids=["none", "torn", "of no workbook", "null", "nonsense", "not told of"],
)
def test_a_workbook_about_to_be_replaced_that_nothing_tells_of_is_kept(
    out: Path, summary: str | None
) -> None:
    put(out, {"report.xlsx": "theirs"})
    if summary is None:
        (out / "summary.json").unlink()
    else:
        put(out, {"summary.json": summary})
    write(out, {"report.xlsx": "new"})
    (kept,) = out.glob("report-*.xlsx")
    assert kept.read_text(encoding="utf-8") == "theirs"
    assert (out / "report.xlsx").read_text(encoding="utf-8") == "new"


def test_a_workbook_that_evidence_alone_tells_of_is_replaced_if_nobody_wrote_into_it(
    out: Path,
) -> None:
    digest = hashlib.sha256(b"as written").hexdigest()
    rows = [{"name": "report.xlsx", "sha256": digest}]
    run = json.dumps({"yokome": {"run": 1}, "outputs": rows})
    write(out, {"report.xlsx": "as written", "run.json": run})
    (out / "summary.json").unlink()
    write(out, NEW)
    assert all_of(out) == {**FOREIGN, **NEW}


def test_the_command_tells_of_a_workbook_that_it_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, out = tmp_path / "log.csv", tmp_path / "out"
    log.write_text("日時,職員番号\n2026/04/07 10:00:00,a\n", encoding="utf-8")
    words = ["scan", str(log), "--out", str(out), "--report", "xlsx", "--quiet", "--lang", "ja"]
    assert cli.main(words) == 0
    # As it was written, whenever that seems to have been: replaced.
    saved = (out / "summary.json").stat().st_mtime + 60
    os.utime(out / "report.xlsx", (saved, saved))
    capsys.readouterr()
    assert cli.main(words) == 0
    assert capsys.readouterr().err == ""
    # Written into, and put back with an older time: kept.
    before = (out / "report.xlsx").read_bytes() + b"filled in"
    (out / "report.xlsx").write_bytes(before)
    os.utime(out / "report.xlsx", (1_700_000_000, 1_700_000_000))
    capsys.readouterr()
    assert cli.main(words) == 0
    (kept,) = out.glob("report-*.xlsx")
    assert str(kept) in capsys.readouterr().err
    assert kept.read_bytes() == before
    assert cli.main(words) == 0
    assert capsys.readouterr().err == ""
