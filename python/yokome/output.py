"""The files of a result in a directory, for the owner's eyes only, and all or nothing.

In: Arrow tables (whole, or batch by batch), texts. Out: Parquet, CSV or Arrow files (as
`yokome.table_file` writes them) and others, mode 0600, in a directory made 0700. They are made
beside their place, flushed to disk and go there as one; until then, and whenever anything fails,
what stood there before still stands. A directory of results is that of one scan: files of an
earlier one that the new one does not have are removed.

The tables of a result are written side by side. An error of a thread that writes is raised by the
next call that has to wait for it, at the latest by the one that commits.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from yokome.directory import StagedDirectory
from yokome.staging import StagedFile, naming
from yokome.table_file import FORMATS, Format, TableFile

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from yokome.result import ScanResult

__all__ = ["ResultWriter", "needed", "recorded", "write_result", "write_text"]

T = TypeVar("T")

TABLES: Final = (
    "flagged",
    "findings",
    "summary",
    "by_user",
    "by_day",
    "activity",
    "inputs",
    "rejects",
    "leaks",
)
"""The tables of a scan, as the files are named."""

_RECORDS: Final = ("summary.json", "run.json")
_WORKBOOK: Final = "report.xlsx"
# Every name that a file of a result can have.
_NAMES: Final = frozenset(
    {
        *(f"{table}.{f}" for table in TABLES for f in FORMATS),
        *_RECORDS,
        _WORKBOOK,
        "report.html",
    }
)


def needed(format: Format) -> tuple[str, ...]:
    """The modules that are loaded to write a table."""
    return ("concurrent.futures.thread", *(("pyarrow.compute",) if format == "csv" else ()))


class ResultWriter:
    """A directory of results, put into place as one by `commit`.

    A context manager: leaving it without a commit removes every trace.
    """

    def __init__(self, directory: str | os.PathLike[str], format: Format) -> None:
        """Make `directory` if need be, and make sure that files can be made in it.

        Raises:
            OSError: they cannot (``NotADirectoryError`` if `directory` is a file).
        """
        self.directory = Path(directory)
        self.format = format
        self._files: list[StagedFile | TableFile] = []
        self._threads = _Threads(2)
        self._staged = StagedDirectory(self.directory, recorded, last=_RECORDS)

        self.kept: list[Path] = []
        """Where the workbook of an earlier scan is, if somebody wrote into it."""

    def names(self) -> list[str]:
        """The names of the files staged so far."""
        return [Path(file.path).name for file in self._files]

    def stream(self, name: str) -> TableFile:
        """A table to be written batch by batch; close it before `commit`."""
        staged = self._file(f"{name}.{self.format}")
        file = TableFile(staged.path, self.format, staged)
        self._files.append(file)
        return file

    def table(self, name: str, table: Callable[[], Any]) -> None:
        """Begin to write a whole table, which is made meanwhile: anything with
        ``__arrow_c_stream__``; `wait` for it.
        """
        file = self.stream(name)

        def work() -> None:
            file.write(table())
            file.close()

        self._threads.begin(work)

    def close(self, file: TableFile, schema: Any) -> None:
        """Begin to finish a `stream`, as by its own `close`; `wait` for it."""
        self._threads.begin(lambda: file.close(schema))

    def wait(self) -> None:
        """Wait for what was begun.

        Raises:
            OSError: a file could not be written; the error names it.
        """
        self._threads.wait()

    def text(self, name: str, text: str) -> None:
        """Write a text file, UTF-8."""
        self.data(name, text.encode("utf-8"))

    def data(self, name: str, data: bytes) -> None:
        """Write a file of bytes."""
        file = self._file(name)
        self._files.append(file)
        with naming(file.path):
            file.stream.write(data)
            file.close()

    def digests(self, digest: Callable[[Path], T]) -> list[tuple[str, T]]:
        """What `digest` says of each file staged so far, by its name."""
        self.wait()
        return [(Path(file.path).name, digest(Path(file.staged))) for file in self._files]

    def commit(self) -> list[Path]:
        """Put the files into place, as one where the system can, and remove those of an earlier
        scan; returns their paths, in the order they were begun. A workbook that is not what that
        scan wrote is kept under a name with the time at which it was saved (`kept`).

        Raises:
            OSError: a file cannot be replaced (it is open in a spreadsheet, say); the old ones
                still stand.
        """
        self.wait()
        with naming(self.directory):
            self.kept = _keep_what_was_filled_in(self.directory, self.names())
            self._staged.commit(self.names())
        paths = [Path(file.path) for file in self._files]
        self._files = []
        return paths

    def __enter__(self) -> ResultWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.stop()
        while self._files:
            self._files.pop().discard()
        self._staged.close()

    def _file(self, name: str) -> StagedFile:
        return StagedFile(self.directory / name, self._staged.room)


class _Threads:
    """Threads that write while something else is done; started when there is something to do."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._pool: ThreadPoolExecutor | None = None
        self._begun: list[Future[None]] = []

    def begin(self, work: Callable[[], None]) -> None:
        """Do `work` in a thread."""
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self._number, thread_name_prefix="yokome-write")
        self._begun.append(self._pool.submit(work))

    def wait(self) -> None:
        """Wait until all is done; raises what the first that failed raised."""
        begun, self._begun = self._begun, []
        for work in begun:
            work.result()

    def stop(self) -> None:
        """Drop what has not begun, wait for what has, whatever comes of it, and end the threads."""
        self._begun = []
        if self._pool is not None:
            pool, self._pool = self._pool, None
            pool.shutdown(cancel_futures=True)


def recorded(directory: Path) -> set[str]:
    """The names of the files in a directory that an earlier scan wrote: those that its
    ``summary.json`` and its ``run.json`` tell of. Whatever else is there is not ours.
    """
    names: set[str] = set()
    for name, kind, list_ in (("summary.json", "summary", "files"), ("run.json", "run", "outputs")):
        with contextlib.suppress(*_NOT_OURS):
            document = _document(directory, name, kind)
            rows = document[list_]
            names |= {name, *(row if isinstance(row, str) else row["name"] for row in rows)}
    return names & _NAMES


# What is raised by a file that is not there, is no JSON, or is another's.
_NOT_OURS = (OSError, ValueError, LookupError, TypeError, RecursionError)


def _document(directory: Path, name: str, kind: str) -> Any:
    """``summary.json`` or ``run.json`` of a directory.

    Raises:
        OSError, ValueError, LookupError, TypeError, RecursionError: there is none of ours.
    """
    document = json.loads((directory / name).read_text(encoding="utf-8"))
    if not isinstance(document["yokome"][kind], int):
        raise TypeError(kind)
    return document


def _keep_what_was_filled_in(directory: Path, names: Sequence[str]) -> list[Path]:
    """A workbook that is about to be replaced or removed and is not, to the byte, what the earlier
    scan wrote, under a name that nothing replaces.

    Only its content tells. Times do not: a workbook put back from a copy, or a folder that was
    restored, has what time it has. Where nothing tells of the content, it is kept.

    Args:
        names: of the files that the new scan puts there.
    """
    workbook = directory / _WORKBOOK
    if not workbook.is_file() or _WORKBOOK not in {*names, *recorded(directory)}:
        return []
    digest = _sha256(workbook)
    if digest in _written(directory):
        return []
    when = dt.datetime.fromtimestamp(workbook.stat().st_mtime).strftime("%Y%m%d-%H%M%S")
    for number in itertools.count(1):
        kept = directory / f"report-{when}{'' if number == 1 else f'-{number}'}.xlsx"
        if not os.path.lexists(kept):
            try:
                os.link(workbook, kept)
            except (OSError, NotImplementedError):
                from shutil import copy2

                copy2(workbook, kept)
            break
        if kept.is_file() and _sha256(kept) == digest:
            break
    return [kept]


def _written(directory: Path) -> set[str]:
    """The SHA-256 of the workbook as it was written, as ``summary.json`` and ``run.json`` say."""
    digests: set[str] = set()
    with contextlib.suppress(*_NOT_OURS):
        digests.add(_document(directory, "summary.json", "summary")["workbook"]["sha256"])
    with contextlib.suppress(*_NOT_OURS):
        rows = _document(directory, "run.json", "run")["outputs"]
        digests |= {row["sha256"] for row in rows if row["name"] == _WORKBOOK}
    return digests


def _sha256(path: Path) -> str:
    import hashlib

    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_result(
    writer: ResultWriter,
    result: ScanResult,
    *,
    flagged: TableFile | None = None,
    others: Sequence[tuple[str, bytes]] = (),
) -> None:
    """Stage every table of a scan, and ``summary.json`` last of all. When it returns, they are
    written.

    Args:
        flagged: where the scan's sink wrote the flagged rows, if it had one.
        others: names and contents of files that belong to the result (reports).
    """
    from yokome.summary_json import summary_json

    for name in TABLES:
        if name != "flagged" or flagged is None:
            writer.table(name, partial(result._stream, name))
    # (Last: the thread that ranks the findings has the memory that the scan has left.)
    if flagged is not None:
        writer.close(flagged, result._native.flagged_schema())
    for name, data in others:
        writer.data(name, data)
    names = [*writer.names(), "summary.json"]
    workbook = dict(others).get(_WORKBOOK)
    writer.text("summary.json", summary_json(result, files=names, workbook=workbook))
    writer.wait()


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file, UTF-8, all or nothing.

    Raises:
        OSError: it cannot be written.
    """
    file = StagedFile(path)
    try:
        with naming(file.path):
            file.stream.write(text.encode("utf-8"))
            file.close()
        file.move()
    finally:
        file.discard()
