"""One table to one file, for the owner's eyes only, and all or nothing.

In: Arrow tables, whole or batch by batch. Out: a Parquet, CSV or Arrow file, mode 0600, made beside
its place (`yokome.staging`). Rows are encoded and compressed by whoever hands them over (any thread
of a scan, while the others go on).

CSV is for Excel: UTF-8 with a byte order mark, CRLF, and no text cell that a spreadsheet would
take for a formula. Parquet and Arrow hold every text exactly as it was.
"""

from __future__ import annotations

import os

from yokome._yokome import NativeTableFile
from yokome.staging import StagedFile, file_name, naming

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Any, BinaryIO, Final, Literal, Protocol, TypeAlias

    import pyarrow as pa

    Format: TypeAlias = Literal["parquet", "csv", "arrow"]

    class _Writer(Protocol):
        """Writes a table's rows to a file."""

        def write(self, rows: Any, /) -> None: ...
        def flush(self) -> None: ...
        def close(self, schema: Any = None, /) -> None: ...
        def discard(self) -> None: ...


__all__ = ["FORMATS", "TableFile", "format_of", "neutralise", "read_table"]

FORMATS: Final[tuple[Format, ...]] = ("parquet", "csv", "arrow")

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


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """`Format` for those who have loaded `typing` anyway."""
        if name == "Format":
            from typing import Literal

            return Literal[FORMATS]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def format_of(path: str | os.PathLike[str]) -> Format:
    """The format that a file's name asks for, by its extension.

    Raises:
        ValueError: the extension is none of ``.parquet``, ``.csv``, ``.arrow``.
    """
    extension = os.path.splitext(file_name(path))[1].lower()
    for kind in FORMATS:
        if extension == f".{kind}":
            return kind
    known = ", ".join(f".{f}" for f in FORMATS)
    raise ValueError(f"cannot tell a format from the name {str(path)!r}; known: {known}")


class TableFile:
    """One table, written batch by batch; moved into place by `move`.

    A context manager: leaving it without a move removes every trace.
    """

    def __init__(
        self, path: str | os.PathLike[str], format: Format, staged: StagedFile | None = None
    ) -> None:
        """Begin a table at `path`, or in a file that is begun already."""
        self.path = file_name(path)
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
    def staged(self) -> str:
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


def read_table(path: str, schema: pa.Schema) -> pa.Table:
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
        with pa.OSFile(path) as stream, pa.ipc.open_file(stream) as reader:
            table = reader.read_all()
    columns = [_as(table.column(field.name), field.type) for field in schema]
    return pa.table(columns, schema=schema)


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
    from struct import pack

    import pyarrow as pa

    data = text.encode()
    buffers = [None, pa.py_buffer(pack("<qq", 0, len(data))), pa.py_buffer(data)]
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
