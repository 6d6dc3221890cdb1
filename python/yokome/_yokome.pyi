"""The Rust core. Use it through `yokome`; its own interface may change without notice."""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, final

__all__ = [
    "NativeReader",
    "NativeResult",
    "NativeTableFile",
    "Policy",
    "SourceBytes",
    "__version__",
    "default_policy_toml",
    "exchange",
    "mask",
    "read_paths",
    "rows",
    "scan_paths",
    "scan_stream",
    "state_header",
    "synth",
]

__version__: str

@final
class Policy:
    """A checked policy. Immutable."""

    @staticmethod
    def load(path: str) -> Policy:
        """Read a TOML file; lists it names are taken relative to it. Raises ``PolicyError``."""

    @staticmethod
    def default() -> Policy:
        """The default policy: the Commission's five viewpoints."""

    @staticmethod
    def from_toml(text: str, name: str) -> Policy:
        """Read TOML text; `name` stands for the file in messages. Raises ``PolicyError``."""

    @staticmethod
    def from_json(text: str, name: str) -> Policy:
        """Read a JSON object of the same shape as the TOML. Raises ``PolicyError``."""

    def to_toml(self) -> str:
        """The whole policy, with everything it takes from the default policy written out."""

    @property
    def name(self) -> str:
        """Where it came from: a path, ``default policy``, ``<dict>``."""

    @property
    def country(self) -> str | None:
        """The country whose public holidays close the day, or None."""

    def rules_json(self) -> str:
        """The rules in order, as a JSON list of objects."""

    def with_overrides(
        self,
        columns_json: str | None,
        time_format: list[str] | None,
        timezone: str | None,
        header: bool | None,
        from_: str | None,
        to: str | None,
        where_toml: str | None,
    ) -> Policy:
        """A copy with some of it replaced. Raises ``PolicyError``."""

@final
class NativeResult:
    """What a scan found. Each table is an object with ``__arrow_c_stream__``."""

    def flagged(self) -> Any:
        """One row per (record, rule that flagged it). Empty if the scan had a sink."""

    def flagged_schema(self) -> Any:
        """The schema of `flagged`: an object with ``__arrow_c_schema__``."""

    def findings(self) -> Any:
        """Flagged rows grouped into what a person checks once, the rarest first."""

    def summary(self) -> Any:
        """A row per rule."""

    def evaluated_days(self) -> Any:
        """How much each rule evaluated: ``rule``, ``key_days``, ``keys``, ``users``."""

    def by_user(self) -> Any:
        """Flagged rows and findings by user and rule, the users to look at first first."""

    def by_user_users(self) -> list[int]:
        """Of each row of `by_user`, which user it is of: users that differ may read the same."""

    def users(self) -> int:
        """How many users have flagged records; those who read the same are one."""

    def by_day(self) -> Any:
        """Records and flagged rows by civil date."""

    def activity(self) -> Any:
        """Records by department, weekday and hour."""

    def inputs(self) -> Any:
        """A row per source."""

    def rejects(self) -> Any:
        """A row per rejected record, as far as they are listed."""

    def write_state(self, path: str) -> None:
        """Write the state that the scan leaves, whole or not at all."""

    def leaks(self) -> Any:
        """A row per source and column in which Individual Numbers were found: how, how many, the
        first line, whether they are masked; one without a column for rejected records.
        """

    @property
    def notes(self) -> list[tuple[str, str]]:
        """Every assumption made, as (Japanese, English)."""

@final
class NativeTableFile:
    """A Parquet or Arrow file."""

    def __new__(cls, path: str | PathLike[str], format: str) -> NativeTableFile:
        """Begin a table in a file that is there already; what is in it is dropped.

        Raises ``OSError``; ``ValueError`` if `format` is neither ``parquet`` nor ``arrow``.
        """

    def write(self, rows: Any) -> None:
        """Add rows: anything with ``__arrow_c_stream__``. All of them have one schema. Raises
        ``OSError``; the file takes no more then.
        """

    def flush(self) -> None:
        """Write what came so far, and do not wait until it is on the disk. Raises ``OSError``."""

    def close(self, schema: Any | None = None) -> None:
        """Finish the file; `schema` (an object with ``__arrow_c_schema__``) is the table's, for the
        case that nothing came. Raises ``OSError``.
        """

    def discard(self) -> None:
        """Let the file be, as it is by now; it need not be open any more."""

@final
class NativeReader:
    """Records as they are read, once through."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """What remains to be read, as an Arrow C stream capsule."""

    def batches(self) -> Any:
        """What remains to be read, as an object with ``__arrow_c_stream__``.

        The stream must be read without the GIL. It fails with a text; `failure` is the exception.
        """

    def failure(self) -> BaseException | None:
        """Take the exception that ended `batches`."""

    def inputs(self) -> Any:
        """A row per source. Complete once everything was read."""

    def rejects(self) -> Any:
        """A row per rejected record, as far as they are listed, once everything was read."""

    @property
    def unused(self) -> list[list[str]]:
        """By source, in the order of ``inputs``, the columns that feed no field."""

    @property
    def notes(self) -> list[tuple[str, str]]:
        """Every assumption made, as (Japanese, English)."""

def default_policy_toml() -> str:
    """The default policy as the commented TOML it is written in."""

@final
class SourceBytes:
    """The decompressed bytes of a file or of a member of a zip archive, once through."""

    def __new__(cls, path: str | PathLike[str], member: str | None = None) -> SourceBytes:
        """Open it. Raises ``InputError``, ``InputNotFoundError``."""

    @property
    def size(self) -> int:
        """Bytes that it takes of the file: of a member, compressed."""

    def read(self, bytes: int) -> bytes:
        """The next bytes: as many as asked for, fewer only at the end or before damage.

        Raises ``InputError`` at damage.
        """

def exchange(first: str | PathLike[str], second: str | PathLike[str]) -> None:
    """Exchange two files or directories of one file system in one step. Raises ``OSError`` where
    the system or the file system cannot.
    """

def mask(text: str) -> str:
    """A text without Individual Numbers: each of their digits becomes ``*``."""

def scan_paths(
    paths: list[str],
    policy: Policy,
    *,
    encoding: str | None,
    delimiter: str | None,
    threads: int | None,
    strict: bool,
    unmask: bool,
    skip_unreadable: bool,
    max_ratio: int | None,
    max_rejects: int | None,
    chunk_size: int | None,
    batch_size: int | None,
    state: str | None,
    memory_limit: int | None,
    temp_dir: str | None,
    holidays: Callable[[str, int], list[int]],
    progress: Callable[[Any], None] | None,
    sink: Callable[[Any], None] | None,
    sink_end: Callable[[], None] | None,
) -> NativeResult:
    """Scan files, directories, globs and members of archives (``archive!glob``).

    `holidays(country, year)` gives the public holidays as days since 1970-01-01. `progress` is
    called about five times a second. `sink` takes the flagged rows in output order, batch by batch,
    in any thread; None means that the rows so far are void and all come again (the input was not in
    time order). `sink_end` is called when all have come, while the rest of the result is made.
    `state` is the file of the state to go on from, which need not exist; the one that the scan
    leaves is written by `NativeResult.write_state`.
    Beyond `memory_limit` bytes of records that are not in time order, they are sorted in nameless
    files in `temp_dir`.
    """

def scan_stream(
    stream: object,
    policy: Policy,
    *,
    threads: int | None,
    strict: bool,
    unmask: bool,
    max_rejects: int | None,
    state: str | None,
    batch_size: int | None,
    memory_limit: int | None,
    temp_dir: str | None,
    holidays: Callable[[str, int], list[int]],
    progress: Callable[[Any], None] | None,
    sink: Callable[[Any], None] | None,
    sink_end: Callable[[], None] | None,
) -> NativeResult:
    """Scan any object with ``__arrow_c_stream__``."""

def state_header(path: str) -> str:
    """What a state file covers, as JSON; times in civil milliseconds since 1970-01-01."""

def read_paths(
    paths: list[str],
    policy: Policy,
    *,
    encoding: str | None,
    delimiter: str | None,
    threads: int | None,
    strict: bool,
    skip_unreadable: bool,
    max_ratio: int | None,
    max_rejects: int | None,
    chunk_size: int | None,
) -> NativeReader:
    """Read files, directories and globs into records, without looking at the rules."""

def rows(
    table: Any, columns: Sequence[str] | None = None, limit: int | None = None
) -> list[dict[str, Any]]:
    """The first rows of a table (anything with ``__arrow_c_stream__``), of all or some columns, as
    ``pyarrow.Table.to_pylist`` gives them.

    Raises ``KeyError`` for a column that there is not, ``TypeError`` for values of a type that no
    table of a scan has, ``OSError`` where a stream fails.
    """

def synth(
    out: str,
    truth: str | None,
    records: int,
    users: int,
    days: int,
    seed: int,
    encoding: str,
    progress: Callable[[Any], None] | None = None,
    *,
    columns: str = "ten",
    crlf: bool = True,
    start: str | None = None,
) -> int:
    """Write a made-up log, and what was planted in it; returns the bytes written.

    `columns`: ``ten``, or ``eight`` without the staff's names and the systems. `crlf`: lines end
    as on Windows. `start`: the first day, ISO; None: 2024-04-01.
    """
