"""Tables and texts to files, for the owner's eyes only, and all or nothing.

In: Arrow tables (whole, or batch by batch). Out: Parquet, CSV or Arrow files, mode 0600, in a
directory made 0700. They are made beside their place, flushed to disk and go there as one; until
then, and whenever anything fails, what stood there before still stands. A directory of results is
that of one scan: files of an earlier one that the new one does not have are removed.

Rows are encoded and compressed by whoever hands them over (any thread of a scan, while the others
go on); the tables of a result are written side by side. An error of a thread that writes is raised
by the next call that has to wait for it, at the latest by the one that commits.

CSV is for Excel: UTF-8 with a byte order mark, CRLF, and no text cell that a spreadsheet would
take for a formula. Parquet and Arrow hold every text exactly as it was.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, Protocol, TypeVar, get_args

from yokome._yokome import NativeTableFile
from yokome.directory import StagedDirectory
from yokome.staging import StagedFile, naming

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    import pyarrow as pa

    from yokome.result import ScanResult

__all__ = [
    "FORMATS",
    "Format",
    "ResultWriter",
    "TableFile",
    "format_of",
    "needed",
    "neutralise",
    "read_table",
    "recorded",
    "write_result",
    "write_text",
]

Format = Literal["parquet", "csv", "arrow"]
T = TypeVar("T")
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

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

# Rows of CSV are gathered up to this many, or this many bytes, before they are written.
_GROUP_ROWS = 128 * 1024
_GROUP_BYTES = 64 * 1024 * 1024

# What a spreadsheet may take for the beginning of a formula, after any blanks; or a control
# character, which some readers drop and so uncover what follows.
_BLANKS = "[ \u00a0\u3000\u200b-\u200f\u2060\ufeff]*"
_SIGNS = "=+\\-@＝＋－＠\u2212\ufe62\ufe63\ufe66\ufe6b"
_FORMULA = f"^({_BLANKS}[{_SIGNS}\\x00-\\x1f\\x7f-\\x{{9f}}])"
# Control characters other than TAB, LF and CR.
_CONTROL = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x{9f}]"


def format_of(path: str | os.PathLike[str]) -> Format:
    """The format that a file's name asks for, by its extension.

    Raises:
        ValueError: the extension is none of ``.parquet``, ``.csv``, ``.arrow``.
    """
    extension = Path(path).suffix.lower().removeprefix(".")
    if extension not in FORMATS:
        known = ", ".join(f".{f}" for f in FORMATS)
        raise ValueError(f"cannot tell a format from the name {str(path)!r}; known: {known}")
    return extension


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
        return [file.path.name for file in self._files]

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
        return [(file.path.name, digest(file.staged)) for file in self._files]

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
        paths = [file.path for file in self._files]
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


class TableFile:
    """One table, written batch by batch; moved into place by `move`.

    A context manager: leaving it without a move removes every trace.
    """

    def __init__(
        self, path: str | os.PathLike[str], format: Format, staged: StagedFile | None = None
    ) -> None:
        """Begin a table at `path`, or in a file that is begun already."""
        self.path = Path(path)
        self._format: Format = format
        self._staged = StagedFile(self.path) if staged is None else staged
        self._writer: _Writer = self._open()

    def write(self, batch: Any) -> None:
        """Add rows: anything with ``__arrow_c_stream__``. All batches have one schema.

        None takes back what was written so far.
        """
        if batch is None:
            self._writer.discard()
            self._staged.again()
            self._writer = self._open()
        else:
            with naming(self.path):
                self._writer.write(batch)

    def flush(self) -> None:
        """Write what came so far; it need not be on the disk yet."""
        with naming(self.path):
            self._writer.flush()

    def close(self, schema: Any = None) -> None:
        """Finish the file; `schema` is the table's (anything with ``__arrow_c_schema__``), for the
        case that nothing came.
        """
        with naming(self.path):
            self._writer.close(schema)
            self._staged.close()

    @property
    def staged(self) -> Path:
        """Where the finished file is until it is moved."""
        return self._staged.staged

    def move(self) -> None:
        """Move the finished file into its place."""
        self._staged.move()

    def discard(self) -> None:
        """Remove every trace, unless it was moved."""
        self._writer.discard()
        self._staged.discard()

    def _open(self) -> _Writer:
        try:
            if self._format == "csv":
                return _Csv(self._staged.stream)
            with naming(self.path):
                return NativeTableFile(self._staged.staged, self._format)
        except BaseException:
            self._staged.discard()
            raise

    def __enter__(self) -> TableFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()


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


def read_table(path: Path, schema: pa.Schema) -> pa.Table:
    """A table as it was written to a Parquet or Arrow file, in the schema it had.

    Raises:
        FileNotFoundError: there is no such file.
        KeyError, ValueError: it is another table (``pyarrow.ArrowInvalid`` is a ValueError).
    """
    import pyarrow as pa

    if format_of(path) == "parquet":
        import pyarrow.parquet as pq

        # Not `read_table`, to which `month=04` in a path is a column.
        with pq.ParquetFile(path) as file:
            table = file.read()
    else:
        with pa.OSFile(os.fspath(path)) as stream, pa.ipc.open_file(stream) as reader:
            table = reader.read_all()
    columns = [_as(table.column(field.name), field.type) for field in schema]
    return pa.table(columns, schema=schema)


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
    file = StagedFile(Path(path))
    try:
        with naming(file.path):
            file.stream.write(text.encode("utf-8"))
            file.close()
        file.move()
    finally:
        file.discard()


def neutralise(text: Any) -> Any:
    """Text as a spreadsheet may safely open it, for a string array.

    A text that begins with a formula sign (half or full width, blanks before it or not) or with a
    control character gets an apostrophe in front; control characters other than TAB, LF and CR
    are shown as their pictures (␀, ␛), those without one as U+FFFD.
    """
    import pyarrow.compute as pc

    text = pc.replace_substring_regex(text, pattern=_FORMULA, replacement="'\\1")
    if pc.any(pc.match_substring_regex(text, pattern=_CONTROL)).as_py():
        for code in (*range(0x20), 0x7F):
            if chr(code) not in "\t\n\r":
                picture = chr(0x2421 if code == 0x7F else 0x2400 + code)
                text = pc.replace_substring(text, pattern=chr(code), replacement=picture)
        text = pc.replace_substring_regex(text, pattern="[\\x{80}-\\x{9f}]", replacement="\ufffd")
    return text


class _Writer(Protocol):
    """Writes a table's rows to a file."""

    def write(self, rows: Any, /) -> None: ...
    def flush(self) -> None: ...
    def close(self, schema: Any = None, /) -> None: ...
    def discard(self) -> None: ...


class _Csv:
    """Rows are gathered: to make a few lines of text takes nearly as long as to make many."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._schema: pa.Schema | None = None
        self._begun = False
        self._failed = False
        self._waiting: list[pa.Table] = []
        self._rows = 0
        self._bytes = 0

    def write(self, rows: Any) -> None:
        import pyarrow as pa

        table = pa.RecordBatchReader.from_stream(rows).read_all()
        self._schema = table.schema
        if table.num_rows == 0:
            return
        self._waiting.append(table)
        self._rows += table.num_rows
        self._bytes += table.nbytes
        if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._failed:  # rows are missing
            raise OSError("failed before")
        self._failed = True
        self._write(self._take())
        self._failed = False

    def close(self, schema: Any = None) -> None:
        import pyarrow as pa

        self.flush()
        self._begin(self._schema or pa.schema(schema))

    def discard(self) -> None:
        self._take()

    def _take(self) -> list[pa.Table]:
        """The rows that wait, which wait no more."""
        group, self._waiting, self._rows, self._bytes = self._waiting, [], 0, 0
        return group

    def _write(self, group: list[pa.Table]) -> None:
        import pyarrow as pa

        if not group:
            return
        self._begin(group[0].schema)
        for batch in pa.concat_tables(group).unify_dictionaries().to_batches():
            for part in _bounded(batch):
                self._stream.write(_csv_lines(part))

    def _begin(self, schema: pa.Schema) -> None:
        if not self._begun:
            self._begun = True
            header = ",".join(f'"{n}"' if "," in n or '"' in n else n for n in schema.names)
            self._stream.write(b"\xef\xbb\xbf" + header.encode("utf-8") + b"\r\n")


def _bounded(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """`batch` cut so that one part's text stays small in memory."""
    if batch.num_rows > 1 and (batch.num_rows > _GROUP_ROWS or batch.nbytes > _GROUP_BYTES):
        half = batch.num_rows // 2
        yield from _bounded(batch.slice(0, half))
        yield from _bounded(batch.slice(half))
    else:
        yield batch


def _csv_lines(batch: pa.RecordBatch) -> memoryview:
    import pyarrow.compute as pc

    if batch.num_rows == 0:
        return memoryview(b"")
    cells = [_csv_cells(column) for column in batch.columns]
    nothing, comma, end = (_text(s) for s in ("", ",", "\r\n"))
    rows = pc.binary_join_element_wise(*cells, comma, null_handling="replace", null_replacement="")
    lines = pc.binary_join_element_wise(rows, end, nothing)
    # A fresh string array's data buffer is its texts end to end: the very bytes of the file.
    return memoryview(lines.buffers()[2])[: pc.sum(pc.binary_length(lines)).as_py()]


def _text(text: str) -> pa.LargeStringScalar:
    """A text as a scalar, by its buffers: ``pa.scalar`` would load pandas where it is installed."""
    import pyarrow as pa

    data = text.encode()
    buffers = [None, pa.py_buffer(struct.pack("<qq", 0, len(data))), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_string(), 1, buffers)[0]


def _csv_cells(column: pa.Array) -> pa.Array:
    """A column as CSV cells, null where it is null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        return pc.take(_csv_cells(column.dictionary), column.indices)
    cells = pc.cast(column, pa.large_string())
    if pa.types.is_timestamp(column.type):
        # Excel shows minutes and tenths, and no date, for a time with a fraction.
        return pc.replace_substring_regex(cells, pattern=r"\.0+$", replacement="")
    if column.type not in (pa.string(), pa.large_string(), pa.string_view()):
        return cells
    cells = neutralise(cells)
    quoted = pc.replace_substring(cells, pattern='"', replacement='""')
    mark = _text('"')
    quoted = pc.binary_join_element_wise(mark, quoted, mark, _text(""))
    return pc.if_else(pc.match_substring_regex(cells, pattern='[",\r\n]'), quoted, cells)


def _as(column: pa.ChunkedArray, type: pa.DataType) -> pa.ChunkedArray:
    """A column as a type, of which the files keep all but how dictionaries are numbered."""
    import pyarrow as pa

    if column.type == type:
        return column
    if not pa.types.is_dictionary(type):
        return column.cast(type)
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    chunks = [
        pa.DictionaryArray.from_arrays(chunk.indices.cast(type.index_type), chunk.dictionary)
        for chunk in coded.chunks
    ]
    return pa.chunked_array(chunks, type)
