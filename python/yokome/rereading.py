"""Each flagged record read again from its source, by its offset.

In: the tables of a result, as files, and where its sources are. Out: how many of their records
stand in the sources text for text, and which do not. A source that is compressed, or a member of a
zip archive, is decompressed as the scan did it, once from its start to the last flagged record.
"""

from __future__ import annotations

import contextlib
import csv
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from yokome._yokome import SourceBytes, mask
from yokome.errors import InputError

if TYPE_CHECKING:
    from yokome.evidence import Verification

__all__ = ["Where", "read_again"]

_T = TypeVar("_T")

Where: TypeAlias = tuple[Path, str | None]
"""A file, and of an archive the member."""

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
_PIECE: Final = 1 << 20

DIFFERENT: Final = (
    "結果の該当行と元のログが食い違っています。結果か元のログが書き換えられたおそれがあります。"
    "両方を控えと見比べ、もう一度分析してください。",
    "The flagged rows and the log disagree: one of them may have been altered. Compare both with "
    "the backup, and scan again.",
)
"""What to do where a flagged record is not what its source has."""


def read_again(
    directory: Path,
    outputs: Collection[str],
    sources: Mapping[str, Where | None],
    changed: Collection[str],
    found: Verification,
) -> None:
    """Read every flagged record again, and tell `found` of what comes of it.

    Args:
        directory: of the results.
        outputs: the names of the result's files.
        sources: where the recorded sources are; None for one that is missing.
        changed: those that are not as they were recorded, which is said already: of such a one it
            is told how many flagged records differ, and where the first stands.
        found: takes counts and problems.
    """
    flagged, inputs = (_of(directory, outputs, name) for name in ("flagged", "inputs"))
    if flagged is None or inputs is None:
        return  # Said already: a result's file is missing.
    encodings = _taken(_encodings, inputs, found)
    flags = _taken(_flagged, flagged, found)
    if encodings is None or flags is None:
        return
    of_source: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for source, line, offset, text in flags:
        if text is None:
            found.unchecked += 1
        elif offset is not None:
            of_source[source].append((offset, line, text))
    for source, records in of_source.items():
        where = sources.get(source)
        if source not in sources or source not in encodings:
            found.problem(
                f"{source}：該当行がありますが、入力として記録されていません",
                f"{source}: there are flagged rows of it, but it is not recorded as a source",
                DIFFERENT,
            )
        if where is None or source not in encodings:
            found.unreachable += len(records)
            continue
        records.sort()
        different = _compare(
            source, where, encodings[source], records, found, flagged.suffix == ".csv"
        )
        if source not in changed:
            for line in different:
                found.problem(
                    f"{source} の {line:,} 行目：該当行の記録が元のログと違います",
                    f"{source}, line {line:,}: the flagged record is not what the log has",
                    DIFFERENT,
                )
        elif different:
            number, of, first = len(different), len(records), different[0]
            found.different += number
            found.problem(
                f"{source}：該当行 {of:,} 件のうち {number:,} 件の記録が元のログと違います"
                f"（最初は {first:,} 行目）",
                f"{source}: {number:,} of {of:,} flagged records are not what the log has (the "
                f"first is that of line {first:,})",
            )


def _compare(
    source: str,
    where: Where,
    encoding: str,
    records: Sequence[tuple[int, int, str]],
    found: Verification,
    neutral: bool,
) -> list[int]:
    """Compare the records of a source, by their offsets; the lines of those that differ."""
    done = 0
    different = []
    try:
        with _opened(*where) as read:
            for offset, line, text in records:
                # No character takes more than four bytes; an apostrophe may have been put in front.
                there = read(offset, 4 * len(text) + 16)
                done += 1
                if _stands(there, text, encoding, neutral=neutral):
                    found.records += 1
                else:
                    different.append(line)
    except InputError as error:
        found.unreachable += len(records) - done
        found.problem(
            f"{source}：該当行の記録を読み直せません（{error.message_ja or error}）",
            f"{source}: the flagged records cannot be read again ({error})",
        )
    return different


def _of(directory: Path, outputs: Collection[str], table: str) -> Path | None:
    """The file of a table that belongs to the result."""
    names = (f"{table}.{extension}" for extension in ("csv", "parquet", "arrow"))
    paths = (directory / name for name in names if name in outputs)
    return next((path for path in paths if path.is_file()), None)


def _taken(read: Callable[[Path], _T], path: Path, found: Verification) -> _T | None:
    """What a table of the result says; None if it is not what was written any more.

    Another program has saved it, say; `found` is told.
    """
    try:
        return read(path)
    except (ValueError, KeyError, TypeError, csv.Error):
        found.problem(
            f"{path.name}：書き出したときの形でないため、該当行を元のログと照合できません",
            f"{path.name}: not what was written, so the flagged rows cannot be compared",
        )
        return None


def _encodings(path: Path) -> dict[str, str]:
    """The encoding of each source."""
    rows: Sequence[Mapping[str, Any]]
    rows = _csv_rows(path) if path.suffix == ".csv" else _table(path).to_pylist()
    return {row["source"]: row["encoding"] or "utf-8" for row in rows}


def _flagged(path: Path) -> list[tuple[str, int, int | None, str | None]]:
    """Source, line, offset and text of each flagged row."""
    names = ("source", "line", "offset", "raw")
    if path.suffix == ".csv":
        return [
            (
                row["source"],
                int(row["line"]),
                int(row["offset"]) if row["offset"] else None,
                row["raw"] or None,
            )
            for row in _csv_rows(path)
        ]
    table = _table(path).select(names)
    return list(zip(*(table.column(name).to_pylist() for name in names), strict=True))


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
def _opened(path: Path, member: str | None) -> Iterator[Callable[[int, int], bytes]]:
    """A source, decompressed, as offsets count it: bytes by their offset, offsets never falling."""
    with path.open("rb") as stream:
        if member is not None or _is_compressed(stream.read(4)):
            yield _Forward(SourceBytes(path, member)).read
        else:

            def read(offset: int, size: int) -> bytes:
                stream.seek(offset)
                return stream.read(size)

            yield read


def _is_compressed(head: bytes) -> bool:
    """Whether a file begins as gzip or Zstandard do."""
    if head[:2] == b"\x1f\x8b" or head == b"\x28\xb5\x2f\xfd":
        return True
    return head[1:] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50


class _Forward:
    """Bytes that come once, by their offsets: records lie one behind the other, but what is read
    for one reaches into the next.
    """

    def __init__(self, source: SourceBytes) -> None:
        self._source = source
        self._window = b""
        self._start = 0

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset` on, which is not before the last one."""
        while offset > self._start + len(self._window):
            self._start += len(self._window)
            self._window = self._source.read(_PIECE)
            if not self._window:
                return b""
        self._window = self._window[offset - self._start :]
        self._start = offset
        while len(self._window) < size:
            try:
                more = self._source.read(max(_PIECE, size))
            except InputError:
                if not self._window:
                    raise
                break  # the record lies before the damage
            if not more:
                break
            self._window += more
        return self._window[:size]


def _stands(here: bytes, text: str, encoding: str, *, neutral: bool) -> bool:
    """Whether `text` is how these bytes begin, and ends there as a record ends."""
    there = here.decode(_CODECS.get(encoding, encoding), "replace")
    for size in (len(text), len(text) - 1) if neutral else (len(text),):
        shown = _neutral(there[:size]) if neutral else there[:size]
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

    from yokome.table_file import neutralise

    shown: str = neutralise(pa.array([text], pa.large_string()))[0].as_py()
    return shown
