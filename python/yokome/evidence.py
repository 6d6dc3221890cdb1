"""Evidence: what was scanned, by which policy, and what came out; and whether it still is.

``run.json`` is written beside the results. Keys, in order:

``yokome``
    Format of this file: ``{"run": 1}``.
``made``
    When, ISO 8601 with the offset of the clock's zone.
``versions``
    ``yokome``, ``python``, ``pyarrow``, ``holidays``.
``options``
    The options of the command that were given, by name.
``policy``
    ``name``; ``sha256`` of the whole policy as it was applied (the text in ``summary.json``);
    ``file`` and ``file_sha256`` if it is from a file, as that stood after the scan.
``pseudonyms``
    The id of the key, if the results are under pseudonyms, else null.
``sources``
    A row per file read: ``source`` as it was given, its absolute ``path``, ``bytes``, ``sha256``;
    of a zip archive also ``members``, the names of those that were read.
``unread``
    A row per source that could not be read at all, under ``--skip-unreadable``: ``source``,
    ``error``.
``outputs``
    A row per file written: ``name``, ``bytes``, ``sha256``.

`verify` reads them all again, and each flagged record from its source, by its offset.
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from yokome._yokome import SourceBytes
from yokome.errors import InputError, YokomeError
from yokome.lang import Lang, pick
from yokome.rereading import Where, read_again

if TYPE_CHECKING:
    from yokome.output import ResultWriter
    from yokome.result import ScanResult

__all__ = ["RUN", "Verification", "verify", "write_run"]

RUN: Final = "run.json"


def write_run(
    writer: ResultWriter,
    result: ScanResult,
    options: Mapping[str, Any],
    *,
    pseudonyms: str | None = None,
) -> None:
    """Stage ``run.json``, after everything else.

    Args:
        options: of the command, by name.
        pseudonyms: the id of the key, if the results are under pseudonyms.

    Raises:
        InputError: a source is not what it was when it was scanned, or is gone.
        OSError: a file cannot be read.
    """
    from yokome.summary_json import versions

    sources, unread = _sources(result)
    policy: dict[str, Any] = {
        "name": result.policy.name,
        "sha256": hashlib.sha256(result.policy.to_toml().encode("utf-8")).hexdigest(),
    }
    file = options.get("policy")
    if file is not None:
        policy |= {"file": str(Path(file).absolute()), "file_sha256": _digest(Path(file))[1]}
    document = {
        "yokome": {"run": 1},
        "made": dt.datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": versions(),
        "options": dict(options),
        "policy": policy,
        "pseudonyms": pseudonyms,
        "sources": sources,
        "unread": unread,
        "outputs": [
            {"name": name, "bytes": size, "sha256": digest}
            for name, (size, digest) in writer.digests(_digest)
        ],
    }
    writer.text(RUN, json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n")


def _sources(result: ScanResult) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The files that were read, each once, and what could not be read."""
    files: dict[str, dict[str, Any]] = {}
    digests: dict[str, tuple[int, str]] = {}
    unread = []
    for row in result._rows("inputs", ["source", "bytes", "error"]):
        source, wanted, error = row["source"], row["bytes"], row["error"]
        try:
            name, member = _file_and_member(source)
            path = Path(name)
            if name not in digests:
                digests[name] = _digest(path)
            size, digest = digests[name]
        except OSError as missing:
            # A name that is not Unicode cannot be found by what is shown of it.
            if error is None and "\ufffd" not in source:
                raise _changed(source, "it is gone", "なくなりました") from missing
            unread.append({"source": source, "error": error or "its name is not Unicode"})
            continue
        now = size
        if error is None and member is not None:
            now = SourceBytes(path, member).size
        if wanted is not None and error is None and now != wanted:
            raise _changed(
                source,
                f"{wanted} bytes then, {now} now",
                f"{wanted} バイト → {now} バイト",
            )
        file = files.setdefault(
            name,
            {"source": name, "path": str(path.absolute()), "bytes": size, "sha256": digest},
        )
        if member is not None:
            file.setdefault("members", []).append(member)
    return list(files.values()), unread


def _file_and_member(source: str) -> tuple[str, str | None]:
    """The file of a source, and its member if that is an archive.

    Raises:
        OSError: there is no such file.
    """
    if not Path(source).is_file():
        for mark in re.finditer("!", source):
            name = source[: mark.start()]
            if Path(name).is_file():
                with Path(name).open("rb") as stream:
                    if stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06"):
                        return name, source[mark.end() :]
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source)
    return source, None


def _changed(source: str, how: str, how_ja: str) -> InputError:
    return InputError(
        f"{source}: it changed while it was scanned ({how})",
        source,
        kind="changed",
        message_ja=f"{source}：分析の間に変わりました（{how_ja}）。"
        "書き込みが終わってから、もう一度分析してください",
    )


@dataclass
class Verification:
    """What came of `verify`."""

    outputs: int = 0
    """Result files that are as they were written."""
    sources: int = 0
    """Sources that are as they were scanned."""
    records: int = 0
    """Flagged records found again in their source, text for text."""
    unchecked: int = 0
    """Flagged records whose text the results do not hold (pseudonyms)."""
    unreachable: int = 0
    """Flagged records whose source is missing or cannot be read; a problem says so."""
    different: int = 0
    """Flagged records that are not what a source that changed has now; a problem says so."""
    unread: list[str] = field(default_factory=list)
    """Sources that the scan could not read, so that nothing is known of them."""
    problems: list[tuple[str, str]] = field(default_factory=list)
    """Whatever is not as it was: (Japanese, English)."""
    advice: list[tuple[str, str]] = field(default_factory=list)
    """What to do about the problems, each kind once: (Japanese, English)."""

    def problem(self, ja: str, en: str, advice: tuple[str, str] | None = None) -> None:
        """Note that something is not as it was, and what to do about it."""
        self.problems.append((ja, en))
        if advice is not None and advice not in self.advice:
            self.advice.append(advice)

    @property
    def fine(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    def text(self, lang: Lang) -> list[str]:
        """Lines that say what was checked and what is wrong."""
        lines = [pick(lang, *problem) for problem in self.problems]
        lines += [f"  → {pick(lang, *advice)}" for advice in self.advice]
        lines.append(
            pick(
                lang,
                f"一致: 結果のファイル {self.outputs:,} 個、入力 {self.sources:,} 個、該当行 "
                f"{self.records:,} 件（元の記録と照合）",
                f"As recorded: {self.outputs:,} result files, {self.sources:,} sources, "
                f"{self.records:,} flagged rows found again in their source",
            )
        )
        if self.unchecked:
            lines.append(
                pick(
                    lang,
                    f"照合していない該当行: {self.unchecked:,} "
                    f"件（仮名の結果には元の記録がありません）",
                    f"Not compared: {self.unchecked:,} flagged rows (results under pseudonyms do "
                    "not hold the records' texts)",
                )
            )
        if self.unreachable:
            lines.append(
                pick(
                    lang,
                    f"照合できなかった該当行: {self.unreachable:,} "
                    f"件（上のとおり、入力がないか、読めません）",
                    f"Could not be compared: {self.unreachable:,} flagged rows (see above: their "
                    "source is missing or unreadable)",
                )
            )
        if self.unread:
            names = pick(lang, "、", ", ").join(self.unread)
            lines.append(
                pick(
                    lang,
                    f"検証していない入力（分析のときに読めなかったもの）: {names}",
                    f"Not checked, because the scan could not read them: {names}",
                )
            )
        return lines


def verify(directory: str | os.PathLike[str]) -> Verification:
    """Check the results in a directory against their ``run.json``, and their sources.

    A source is looked for at its absolute path, then at the path as it was given.

    Raises:
        YokomeError: there is no ``run.json``, or it is none of ours.
        OSError: a file cannot be read.
    """
    directory = Path(directory)
    run = _run(directory)
    found = Verification()
    for row in run["outputs"]:
        name = Path(row["name"]).name
        advice = _WORKBOOK if name == "report.xlsx" else _OUTPUT
        found.outputs += _unchanged(directory / name, row["name"], row, found, advice)
    sources: dict[str, Where | None] = {}
    changed = set()
    for row in run["sources"]:
        path = next((p for p in map(Path, (row["path"], row["source"])) if p.is_file()), None)
        is_same = _unchanged(path or Path(row["path"]), row["source"], row, found, _SOURCE)
        found.sources += is_same
        members = row.get("members")
        for member in [None] if members is None else members:
            name = row["source"] if member is None else f"{row['source']}!{member}"
            # Where a log was changed is what whoever verifies asks next.
            sources[name] = (path, member) if path is not None else None
            if not is_same:
                changed.add(name)
    found.unread = [row["source"] for row in run.get("unread", [])]
    _policy(directory, run["policy"], found)
    read_again(directory, [row["name"] for row in run["outputs"]], sources, changed, found)
    return found


def _run(directory: Path) -> dict[str, Any]:
    try:
        run = json.loads((directory / RUN).read_text(encoding="utf-8"))
        known = run["yokome"]["run"] == 1
        rows = [*run["outputs"], *run["sources"]]
        texts = [row["sha256"] for row in rows] + [row["name"] for row in run["outputs"]]
        texts += [row[key] for row in run["sources"] for key in ("source", "path")]
        known = known and all(isinstance(row["bytes"], int) for row in rows)
        policy = run["policy"]
        texts += [policy["sha256"]]
        if policy.get("file") is not None:
            texts += [policy["file"], policy["file_sha256"]]
        members = [name for row in run["sources"] for name in row.get("members", [])]
        unread = [row["source"] for row in run.get("unread", [])]
        known = known and all(isinstance(text, str) for text in [*texts, *members, *unread])
    except FileNotFoundError:
        if not directory.exists():
            raise YokomeError(
                f"{directory}: there is no such folder",
                message_ja=f"{directory}：フォルダーがありません。"
                "yokome scan --out に指定した結果のフォルダーを指定してください",
            ) from None
        raise YokomeError(
            f"{directory}: there is no {RUN} (yokome scan --evidence writes it)",
            message_ja=f"{directory}：{RUN} がありません。検証できるのは、"
            "yokome scan に --evidence を付けて書き出した結果のフォルダーです",
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise YokomeError(
            f"{directory / RUN}: not what Yokome writes ({error})",
            message_ja=f"{directory / RUN}：横目が書き出した形になっていません（{error}）。"
            "控えから戻すか、もう一度分析してください",
        ) from error
    if not known:
        raise YokomeError(
            f"{directory / RUN}: of a format that this version does not know",
            message_ja=f"{directory / RUN}：この版では読めない形式です。"
            "書き出したときの版の横目で検証してください",
        )
    document: dict[str, Any] = run
    return document


_OUTPUT = (
    "結果のファイルが、書き出した後に変えられたか、消されています。控えがあれば控えから戻し、"
    "なければもう一度 yokome scan --evidence で分析してください。",
    "Files of the result were changed or removed after they were written: restore them from the "
    "backup, or scan again with --evidence.",
)
_WORKBOOK = (
    "report.xlsx は調書です。確認した内容を書き込んで同じ名前で保存すると、書き出したときと違うのが"
    "当然で、書き込みかどうかは検証では見分けられません。書き込んだのであれば、それを別の名前で保存し、"
    "書き込む前の report.xlsx を控えから戻すと、検証できます。"
    "ほかのファイルの検証には影響しません。",
    "report.xlsx is a working paper: once somebody has filled it in and saved it under that name, "
    "it is expected to differ, and verifying cannot tell that from any other change. If it was "
    "filled in, save it under another name and restore the report.xlsx that was written. What is "
    "said of the other files holds all the same.",
)
_SOURCE = (
    "元のログが、分析の後に変わったか、なくなっています。移したのであれば元の場所に戻し、"
    "変わったのであれば分析したときのログを控えから戻して、検証し直してください。"
    "いまのログが正しいのであれば、もう一度分析してください。",
    "A log was changed, moved or removed after the scan: put it back, from the backup if need be, "
    "and verify again; if the log as it is now is the right one, scan it again.",
)
_POLICY = (
    "ポリシーのファイルが分析の後に変わっています。結果は、分析したときのポリシー（summary.json に"
    "あります）によるものです。いまのポリシーでの結果が要るのであれば、もう一度分析してください。",
    "The policy file has changed since. The result is by the policy as it was, which is in "
    "summary.json: scan again for a result by the policy as it is now.",
)


def _unchanged(
    path: Path,
    name: str,
    row: Mapping[str, Any],
    found: Verification,
    advice: tuple[str, str],
) -> bool:
    if not path.is_file():
        found.problem(f"{name}：ありません", f"{name}: missing", advice)
        return False
    size, digest = _digest(path)
    before = row["bytes"]
    if (size, digest) == (before, row["sha256"]):
        return True
    how_ja, how = (
        (f"大きさは {size:,} バイトで同じですが、中身が違います", f"{size:,} bytes still")
        if size == before
        else (
            f"書き出したときは {before:,} バイト、いまは {size:,} バイト",
            f"{before:,} bytes then, {size:,} bytes now",
        )
    )
    found.problem(
        f"{name}：記録した内容と違います（{how_ja}）", f"{name}: not as recorded ({how})", advice
    )
    return False


def _policy(directory: Path, policy: Mapping[str, Any], found: Verification) -> None:
    """The policy in ``summary.json`` is the one applied; its file may have changed since."""
    summary = directory / "summary.json"
    if summary.is_file():
        try:
            toml = json.loads(summary.read_text(encoding="utf-8"))["policy"]["toml"]
            same = hashlib.sha256(toml.encode("utf-8")).hexdigest() == policy["sha256"]
        except (ValueError, KeyError, TypeError, AttributeError):
            same = False  # It is no summary any more.
        if not same:
            found.problem(
                "summary.json のポリシー：記録した内容と違います",
                "the policy in summary.json: not as recorded",
                _OUTPUT,
            )
    file = policy.get("file")
    if (
        file is not None
        and Path(file).is_file()
        and _digest(Path(file))[1] != policy["file_sha256"]
    ):
        found.problem(
            f"{file}：分析の後に変わっています", f"{file}: changed since the scan", _POLICY
        )


def _digest(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return stream.tell(), digest
