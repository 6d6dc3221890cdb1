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
    A row per file read: ``source`` as it was given, its absolute ``path``, ``bytes``, ``sha256``.
``outputs``
    A row per file written: ``name``, ``bytes``, ``sha256``.

`verify` reads them all again, and each flagged record from its source, by its offset.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import gzip
import hashlib
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from yokome._yokome import mask
from yokome.errors import InputError, YokomeError
from yokome.lang import Lang, pick

if TYPE_CHECKING:
    from yokome.output import ResultWriter
    from yokome.result import ScanResult

__all__ = ["RUN", "Verification", "verify", "write_run"]

RUN: Final = "run.json"

_CODECS: Final[Mapping[str, str]] = {
    "utf-8": "utf-8",
    "cp932": "cp932",
    "utf-16": "utf-16-le",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    # The standard's later edition: it has the vendors' row 13 (①).
    "euc-jp": "euc_jisx0213",
}
# Where codecs disagree about a character of JIS X 0208.
_SAME: Final = str.maketrans("〜‖−¢£¬—", "～∥－￠￡￢―")


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
        InputError: a source is not what it was when it was scanned.
        OSError: a file cannot be read.
    """
    from yokome.summary_json import versions

    sources = []
    for row in result.inputs.select(["source", "bytes"]).to_pylist():
        path = Path(row["source"])
        if not path.is_file():
            continue
        size, digest = _digest(path)
        if row["bytes"] is not None and size != row["bytes"]:
            raise InputError(
                f"{path}: it changed while it was scanned ({row['bytes']} bytes then, {size} now)",
                message_ja=f"{path}：分析の間に変わりました（{row['bytes']} バイト → {size} "
                f"バイト）",
            )
        sources.append(
            {
                "source": row["source"],
                "path": str(path.absolute()),
                "bytes": size,
                "sha256": digest,
            }
        )
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
        "outputs": [
            {"name": name, "bytes": size, "sha256": digest}
            for name, (size, digest) in writer.digests(_digest)
        ],
    }
    writer.text(RUN, json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n")


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
    problems: list[tuple[str, str]] = field(default_factory=list)
    """Whatever is not as it was: (Japanese, English)."""

    @property
    def fine(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    def text(self, lang: Lang) -> list[str]:
        """Lines that say what was checked and what is wrong."""
        lines = [pick(lang, *problem) for problem in self.problems]
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
        if _unchanged(directory / Path(row["name"]).name, row["name"], row, found):
            found.outputs += 1
    sources: dict[str, Path] = {}
    for row in run["sources"]:
        path = next((p for p in map(Path, (row["path"], row["source"])) if p.is_file()), None)
        if _unchanged(path or Path(row["path"]), row["source"], row, found):
            found.sources += 1
            sources[row["source"]] = path or Path(row["path"])
    _policy(directory, run["policy"], found)
    _records(directory, sources, found)
    return found


def _run(directory: Path) -> dict[str, Any]:
    try:
        run = json.loads((directory / RUN).read_text(encoding="utf-8"))
        known = run["yokome"]["run"] == 1
        rows = [*run["outputs"], *run["sources"]]
        known = known and all(isinstance(row["sha256"], str) for row in rows)
        known = known and isinstance(run["policy"], dict)
    except FileNotFoundError:
        raise YokomeError(
            f"{directory}: there is no {RUN} (yokome scan --evidence writes it)",
            message_ja=f"{directory}：{RUN} がありません（yokome scan --evidence で書き出します）",
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise YokomeError(
            f"{directory / RUN}: not what Yokome writes ({error})",
            message_ja=f"{directory / RUN}：横目が書き出した形になっていません（{error}）",
        ) from error
    if not known:
        raise YokomeError(
            f"{directory / RUN}: of a format that this version does not know",
            message_ja=f"{directory / RUN}：この版では読めない形式です",
        )
    document: dict[str, Any] = run
    return document


def _unchanged(path: Path, name: str, row: Mapping[str, Any], found: Verification) -> bool:
    if not path.is_file():
        found.problems.append((f"{name}：ありません", f"{name}: missing"))
        return False
    if _digest(path) != (row["bytes"], row["sha256"]):
        found.problems.append((f"{name}：記録した内容と違います", f"{name}: not as recorded"))
        return False
    return True


def _policy(directory: Path, policy: Mapping[str, Any], found: Verification) -> None:
    """The policy in ``summary.json`` is the one applied; its file may have changed since."""
    summary = directory / "summary.json"
    if summary.is_file():
        toml = json.loads(summary.read_text(encoding="utf-8"))["policy"]["toml"]
        if hashlib.sha256(toml.encode("utf-8")).hexdigest() != policy["sha256"]:
            found.problems.append(
                (
                    "summary.json のポリシー：記録した内容と違います",
                    "the policy in summary.json: not as recorded",
                )
            )
    file = policy.get("file")
    if (
        file is not None
        and Path(file).is_file()
        and _digest(Path(file))[1] != policy["file_sha256"]
    ):
        found.problems.append(
            (f"{file}：分析の後に変わっています", f"{file}: changed since the scan")
        )


def _digest(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return stream.tell(), digest


# --- flagged records ------------------------------------------------------------------------------


def _records(directory: Path, sources: Mapping[str, Path], found: Verification) -> None:
    """Read every flagged record again."""
    table = next(
        (p for f in ("csv", "parquet", "arrow") if (p := directory / f"flagged.{f}").is_file()),
        None,
    )
    encodings = _encodings(directory)
    if table is None or encodings is None:
        return
    of_source: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for source, line, offset, text in _flagged(table):
        if text is None:
            found.unchecked += 1
        elif offset is not None:
            of_source[source].append((offset, line, text))
    for source, records in of_source.items():
        path = sources.get(source)
        if path is None:
            # Said already: the source is missing or changed.
            continue
        records.sort()
        with _opened(path) as stream:
            for offset, line, text in records:
                if _stands(stream, offset, text, encodings[source], neutral=table.suffix == ".csv"):
                    found.records += 1
                else:
                    found.problems.append(
                        (
                            f"{source} の {line:,} 行目：該当行の記録が元のログと違います",
                            f"{source}, line {line:,}: the flagged record is not what the log has",
                        )
                    )


def _flagged(path: Path) -> Iterator[tuple[str, int, int | None, str | None]]:
    """Source, line, offset and text of each flagged row."""
    names = ("source", "line", "offset", "raw")
    if path.suffix == ".csv":
        for row in _csv_rows(path):
            offset = int(row["offset"]) if row["offset"] else None
            yield row["source"], int(row["line"]), offset, row["raw"] or None
        return
    table = _table(path).select(names)
    for batch in table.to_batches(max_chunksize=4096):
        columns = [batch.column(name).to_pylist() for name in names]
        yield from zip(*columns, strict=True)


def _encodings(directory: Path) -> dict[str, str] | None:
    for extension in ("csv", "parquet", "arrow"):
        path = directory / f"inputs.{extension}"
        if path.is_file():
            rows: Sequence[Mapping[str, Any]]
            rows = _csv_rows(path) if extension == "csv" else _table(path).to_pylist()
            return {row["source"]: row["encoding"] or "utf-8" for row in rows}
    return None


def _csv_rows(path: Path) -> list[dict[str, str]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def _table(path: Path) -> Any:
    import pyarrow as pa

    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return pq.read_table(path)
    with pa.ipc.open_file(path) as reader:
        return reader.read_all()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The source, decompressed, as offsets count it."""
    with path.open("rb") as stream:
        if stream.read(2) == b"\x1f\x8b":
            stream.seek(0)
            with gzip.GzipFile(fileobj=stream) as unpacked:
                yield cast("BinaryIO", unpacked)
        else:
            yield stream


def _stands(stream: BinaryIO, offset: int, text: str, encoding: str, *, neutral: bool) -> bool:
    """Whether `text` stands at `offset`, and ends there as a record ends."""
    stream.seek(offset)
    codec = _CODECS.get(encoding, encoding)
    # No character takes more than four bytes; one apostrophe may have been put in front.
    there = stream.read(4 * len(text) + 16).decode(codec, "replace")
    for size in (len(text), len(text) - 1) if neutral else (len(text),):
        here = there[:size]
        shown = _neutral(here) if neutral else here
        ended = there[size : size + 1] in ("", "\r", "\n")
        if not ended:
            continue
        if shown.translate(_SAME) == text.translate(_SAME):
            return True
        # Individual Numbers are masked in the results: no digit of them is told by comparing.
        if "*" in text and mask(shown).translate(_SAME) == mask(text).translate(_SAME):
            return True
    if "\ufffd" not in text and "\ufffd" not in there:
        return False
    # Bytes that are no character: decoders disagree on how many signs they make.
    pattern = "".join(
        ".{0,8}?" if c == "\ufffd" else "[*0-9０-９]" if c == "*" else f"(?:{re.escape(c)}|\ufffd)"
        for c in text.translate(_SAME)
    )
    return re.match(f"{pattern}(?:[\r\n]|$|\ufffd)", there.translate(_SAME), re.DOTALL) is not None


def _neutral(text: str) -> str:
    import pyarrow as pa

    from yokome.output import neutralise

    shown: str = neutralise(pa.array([text], pa.large_string()))[0].as_py()
    return shown
