"""Reading without scanning: a log as a stream of Arrow record batches, in bounded memory."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from yokome._yokome import NativeReader

__all__ = ["Records", "record_schema"]


def record_schema() -> pa.Schema:
    """The schema of a record: who, when, from where, did what, with which result, to whose data."""
    import pyarrow as pa

    text = pa.dictionary(pa.uint32(), pa.string())
    return pa.schema(
        [
            pa.field("time", pa.timestamp("ms"), nullable=False),
            pa.field("user", text),
            pa.field("user_name", text),
            pa.field("department", text),
            pa.field("terminal", text),
            pa.field("system", text),
            pa.field("operation", text),
            pa.field("result", text),
            pa.field("references", pa.bool_()),
            pa.field("subject", pa.string()),
            pa.field("source", text, nullable=False),
            pa.field("line", pa.uint64(), nullable=False),
            pa.field("offset", pa.uint64()),
        ]
    )


class Records:
    """The result of `yokome.read`: record batches, once through.

    Iterate over it, take `reader`, or hand it to anything that takes an Arrow stream
    (``pyarrow.table(records)``, ``polars.from_arrow``, ``duckdb``). Errors keep their class when
    it is iterated or read through `reader`; a foreign consumer of the stream gets their text.
    """

    _native: NativeReader

    def __init__(self, native: NativeReader) -> None:
        self._native = native

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._native.__arrow_c_stream__(requested_schema)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        # A stream has its schema once, not with every batch.
        reader = pa.RecordBatchReader.from_stream(self._native.batches())
        while True:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
            except (pa.ArrowException, OSError) as error:
                raise self._native.failure() or error from None
            yield batch

    @property
    def reader(self) -> pa.RecordBatchReader:
        """What remains to be read, as a ``pyarrow.RecordBatchReader``."""
        import pyarrow as pa

        return pa.RecordBatchReader.from_batches(record_schema(), iter(self))

    @property
    def inputs(self) -> pa.Table:
        """A row per source. Complete once everything was read."""
        import pyarrow as pa

        return pa.RecordBatchReader.from_stream(self._native.inputs()).read_all()

    @property
    def rejects(self) -> pa.Table:
        """Every record that was not accepted, up to ``max_rejects``, once everything was read."""
        import pyarrow as pa

        return pa.RecordBatchReader.from_stream(self._native.rejects()).read_all()

    @property
    def unused(self) -> list[list[str]]:
        """By source, in the order of ``inputs``, the columns that feed no field.

        Headers as the log has them, or positions from 1 where it has none. Known from the start.
        """
        return self._native.unused

    @property
    def notes(self) -> list[str]:
        """Every assumption made, in English. Complete once everything was read."""
        return [en for _, en in self._native.notes]

    @property
    def notes_ja(self) -> list[str]:
        """Every assumption made, in Japanese. Complete once everything was read."""
        return [ja for ja, _ in self._native.notes]
