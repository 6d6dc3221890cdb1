"""Tables and texts to files, for the owner's eyes only, and all or nothing.

In: Arrow tables (whole, or batch by batch). Out: Parquet, CSV or Arrow files, mode 0600, in a
directory made 0700. A file is written beside its place under a temporary name, flushed to disk and
moved there; until then, and whenever anything fails, what stood there before still stands.

CSV is for Excel: UTF-8 with a byte order mark, CRLF, and no text cell that a spreadsheet would
take for a formula. Parquet and Arrow hold every text exactly as it was.
"""

from __future__ import annotations

import contextlib
import os
import struct
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, Protocol, TypeVar, get_args

if TYPE_CHECKING:
    import pyarrow as pa

    from yokome.result import ScanResult

__all__ = [
    "FORMATS",
    "Format",
    "ResultWriter",
    "TableFile",
    "format_of",
    "neutralise",
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

# Rows are gathered up to this many, or this many bytes, before they are written: one row group.
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


class ResultWriter:
    """A directory of results, moved into place together by `commit`.

    A context manager: leaving it without a commit removes every trace.
    """

    def __init__(self, directory: str | os.PathLike[str], format: Format) -> None:
        """Make `directory` if need be, and make sure that files can be made in it.

        Raises:
            OSError: they cannot (``NotADirectoryError`` if `directory` is a file).
        """
        self.directory = Path(directory)
        self.format = format
        self._files: list[_Staged | TableFile] = []
        self._made = _make_directory(self.directory)
        try:
            _Staged(self.directory / "probe").discard()
        except OSError:
            self._unmake()
            raise

    def names(self) -> list[str]:
        """The names of the files staged so far."""
        return [file.path.name for file in self._files]

    def stream(self, name: str) -> TableFile:
        """A table to be written batch by batch; close it before `commit`."""
        file = TableFile(self.directory / f"{name}.{self.format}", self.format)
        self._files.append(file)
        return file

    def table(self, name: str, table: pa.Table) -> None:
        """Write a whole table."""
        file = self.stream(name)
        file.write(table)
        file.close(table.schema)

    def text(self, name: str, text: str) -> None:
        """Write a text file, UTF-8."""
        self.data(name, text.encode("utf-8"))

    def data(self, name: str, data: bytes) -> None:
        """Write a file of bytes."""
        file = _Staged(self.directory / name)
        self._files.append(file)
        file.stream.write(data)
        file.close()

    def digests(self, digest: Callable[[Path], T]) -> list[tuple[str, T]]:
        """What `digest` says of each file staged so far, by its name."""
        return [(file.path.name, digest(file.staged)) for file in self._files]

    def commit(self) -> list[Path]:
        """Move every file into its place, in the order they were begun; returns their paths.

        Raises:
            OSError: a file cannot be replaced (it is open in a spreadsheet, say).
        """
        paths = []
        while self._files:
            self._files[0].move()
            paths.append(self._files.pop(0).path)
        _sync_directory(self.directory)
        self._made = []
        return paths

    def __enter__(self) -> ResultWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._files:
            self._files.pop().discard()
        self._unmake()

    def _unmake(self) -> None:
        for directory in reversed(self._made):
            with contextlib.suppress(OSError):
                directory.rmdir()
        self._made = []


class TableFile:
    """One table, written batch by batch; moved into place by `move`.

    A context manager: leaving it without a move removes every trace.
    """

    def __init__(self, path: str | os.PathLike[str], format: Format) -> None:
        self.path = Path(path)
        self._format: Format = format
        self._staged = _Staged(self.path)
        self._writer: _Writer | None = None
        self._waiting: list[pa.Table] = []
        self._rows = 0
        self._bytes = 0

    def write(self, batch: Any) -> None:
        """Add rows: anything with ``__arrow_c_stream__``. All batches have one schema.

        None takes back what was written so far.
        """
        import pyarrow as pa

        if batch is None:
            self.discard()
            self._staged = _Staged(self.path)
            self._writer, self._rows, self._bytes = None, 0, 0
            return
        table = pa.RecordBatchReader.from_stream(batch).read_all()
        if table.num_rows == 0:
            return
        self._waiting.append(table)
        self._rows += table.num_rows
        self._bytes += table.nbytes
        if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._flush()

    def close(self, schema: pa.Schema) -> None:
        """Finish the file; `schema` is the table's, for the case that no rows came."""
        self._flush()
        writer = self._writer or self._open(schema)
        writer.close()
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
        self._waiting = []
        if self._writer is not None:
            with contextlib.suppress(Exception):
                self._writer.close()
        self._staged.discard()

    def _flush(self) -> None:
        import pyarrow as pa

        if not self._waiting:
            return
        # One dictionary per column, or Parquet would give up on dictionaries.
        table = pa.concat_tables(self._waiting).unify_dictionaries()
        self._waiting, self._rows, self._bytes = [], 0, 0
        (self._writer or self._open(table.schema)).write(table)

    def _open(self, schema: pa.Schema) -> _Writer:
        kinds: dict[Format, type[_Parquet | _Csv | _Arrow]] = {
            "parquet": _Parquet,
            "csv": _Csv,
            "arrow": _Arrow,
        }
        self._writer = kinds[self._format](self._staged.stream, schema)
        return self._writer

    def __enter__(self) -> TableFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()


def write_result(
    writer: ResultWriter,
    result: ScanResult,
    *,
    flagged: TableFile | None = None,
    others: Sequence[tuple[str, bytes]] = (),
) -> None:
    """Stage every table of a scan, and ``summary.json`` last of all.

    Args:
        flagged: where the scan's sink wrote the flagged rows, if it had one.
        others: names and contents of files that belong to the result (reports).
    """
    from yokome.summary_json import summary_json

    for name in TABLES:
        if name == "flagged" and flagged is not None:
            flagged.close(result.flagged.schema)
        else:
            writer.table(name, getattr(result, name))
    for name, data in others:
        writer.data(name, data)
    writer.text("summary.json", summary_json(result, files=[*writer.names(), "summary.json"]))


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file, UTF-8, all or nothing.

    Raises:
        OSError: it cannot be written.
    """
    file = _Staged(Path(path))
    try:
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
    def write(self, table: pa.Table) -> None: ...
    def close(self) -> None: ...


class _Parquet:
    def __init__(self, stream: BinaryIO, schema: pa.Schema) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        # What repeats has a dictionary already; of other columns one is made for nothing.
        coded = [field.name for field in schema if pa.types.is_dictionary(field.type)]
        self._writer = pq.ParquetWriter(stream, schema, compression="zstd", use_dictionary=coded)

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def close(self) -> None:
        try:
            self._writer.close()
        finally:
            # A writer that failed to close would try again, and complain, when collected.
            self._writer.is_open = False


class _Arrow:
    """The Arrow file format ("Feather"), dictionaries written out as plain text: the format has
    one dictionary per column and file, and a stream of batches does not know it beforehand.
    """

    def __init__(self, stream: BinaryIO, schema: pa.Schema) -> None:
        import pyarrow as pa

        self._schema = pa.schema([field.with_type(_decoded(field.type)) for field in schema])
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        self._writer = pa.ipc.new_file(stream, self._schema, options=options)

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table.cast(self._schema))

    def close(self) -> None:
        self._writer.close()


class _Csv:
    def __init__(self, stream: BinaryIO, schema: pa.Schema) -> None:
        self._stream = stream
        header = ",".join(f'"{n}"' if "," in n or '"' in n else n for n in schema.names)
        stream.write(b"\xef\xbb\xbf" + header.encode("utf-8") + b"\r\n")

    def write(self, table: pa.Table) -> None:
        for batch in table.to_batches():
            for part in _bounded(batch):
                self._stream.write(_csv_lines(part))

    def close(self) -> None:
        pass


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


def _decoded(type: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    return type.value_type if pa.types.is_dictionary(type) else type


class _Staged:
    """A file under a temporary name beside its place. Mode 0600, by `mkstemp`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        self._temporary: Path | None = Path(name)
        self.stream: BinaryIO = os.fdopen(number, "wb")

    @property
    def staged(self) -> Path:
        """Where the file is until it is moved."""
        return self._temporary or self.path

    def close(self) -> None:
        """Flush to disk."""
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()

    def move(self) -> None:
        if self._temporary is not None:
            os.replace(self._temporary, self.path)
            self._temporary = None

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            self.stream.close()
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                self._temporary.unlink()
            self._temporary = None


def _make_directory(directory: Path) -> list[Path]:
    """Make a directory and those above it, each 0700; returns those made, outermost first."""
    missing = []
    while not directory.exists():
        missing.append(directory)
        directory = directory.parent
    if not directory.is_dir():
        raise NotADirectoryError(20, "not a directory", str(directory))
    made: list[Path] = []
    for path in reversed(missing):
        path.mkdir(mode=0o700)
        made.append(path)
    return made


def _sync_directory(directory: Path) -> None:
    """Make the moves last through a power cut, where the system can."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        number = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
