"""``scan`` and ``read``: arguments checked, then handed to the core in one call."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import importlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from yokome import _yokome
from yokome.calendar import is_at_hand, is_certain, public_holidays
from yokome.errors import OptionError
from yokome.policy import Policy, toml_conditions
from yokome.records import Records
from yokome.result import ScanResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol, TypeAlias

    from yokome.progress import Progress
    from yokome.table_file import TableFile

    class ArrowStream(Protocol):
        """Anything that hands over Arrow data as a C stream capsule."""

        def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

else:  # For those who look at the hints of functions; `typing` takes long to load.
    Any, ArrowStream, Progress = object, object, dict

Path: TypeAlias = str | os.PathLike[str]
Columns: TypeAlias = Mapping[str, str | int | Sequence[str | int]]
When: TypeAlias = str | dt.date | dt.datetime

__all__ = ["DELIMITERS", "ENCODINGS", "prepare", "read", "run", "scan"]

ENCODINGS: tuple[str, ...] = ("utf-8", "cp932", "utf-16", "utf-16le", "utf-16be", "euc-jp")
"""The encodings a log may be said to have; unsaid, each file's own is found out."""

DELIMITERS: tuple[str, ...] = (",", "\t", ";", "|")
"""The delimiters a log may be said to have; unsaid, each file's own is found out."""

_ENCODING_ALIASES = {
    "utf8": "utf-8",
    "utf-8-sig": "utf-8",
    "shift-jis": "cp932",
    "shiftjis": "cp932",
    "sjis": "cp932",
    "ms932": "cp932",
    "windows-31j": "cp932",
    "utf16": "utf-16",
    "utf-16-le": "utf-16le",
    "utf-16-be": "utf-16be",
    "eucjp": "euc-jp",
}


def scan(
    source: Path | Iterable[Path] | ArrowStream,
    policy: Policy | Path | None = None,
    *,
    columns: Columns | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    time_format: str | Sequence[str] | None = None,
    timezone: str | None = None,
    header: bool | None = None,
    from_: When | None = None,
    to: When | None = None,
    where: str | Mapping[str, Any] | None = None,
    threads: int | None = None,
    strict: bool = False,
    unmask: bool = False,
    skip_unreadable: bool = False,
    max_ratio: int | None = None,
    max_rejects: int | None = None,
    chunk_size: int | None = None,
    batch_size: int | None = None,
    state: Path | None = None,
    memory_limit: int | str | None = None,
    temp_dir: Path | None = None,
    flagged_to: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> ScanResult:
    """Scan access logs by the rules of a policy.

    Args:
        source: a file, directory or glob, several of them, or any Arrow data (a pandas or Polars
            frame, a pyarrow table or reader, a DuckDB relation). Files may be gzip or zstd. A zip
            archive is all of its members; ``"logs.zip!*.csv"`` is those that the glob matches.
        policy: a policy, the path of one, or None for the default policy.
        columns: field to header name or 1-based position; ``time`` may have two (date, time).
        encoding: one of `ENCODINGS` or a usual alias; None: found out for each file.
        delimiter: one of `DELIMITERS`; None: found out for each file.
        time_format: strftime format or formats of the time column; None: found out.
        timezone: IANA zone to which times with an offset are converted.
        header: False if the logs have no header line; None: as the policy says.
        from_: first time (or day) of records that may be flagged, inclusive.
        to: last time, exclusive, or last day, inclusive, of records that may be flagged.
        where: further conditions for records to be flagged: TOML, or a dict.
        threads: number of threads; None: as many as there are processors.
        strict: stop at the first record that cannot be read.
        unmask: show Individual Numbers (個人番号) as they stand; otherwise each of their digits is
            ``*`` in everything that comes out, and masked users, terminals and subjects are told
            apart (``************#2``). ``leaks`` says where the log holds them.
        skip_unreadable: go on when a file cannot be read at all, and say so in ``inputs``.
        max_ratio: times its size that a compressed file may decompress to before it is an
            error, once that is more than 64 MiB; None: 1000.
        max_rejects: rejected records that ``rejects`` lists, the first that are read; those beyond
            are counted, and a note says where the list stops. None: 100,000.
        chunk_size: bytes per chunk of work; the result does not depend on it.
        batch_size: records detected at a time; the result does not depend on it.
        state: file to go on from, and to leave the state in for the next scan; it need not exist
            yet. It is written, whole or not at all, when the scan is done. Scanning month after
            month with it gives together what one scan over all of them gives (``docs/state.md``).
        memory_limit: memory for records that wait to be detected, in bytes or as ``"512MB"``;
            the result does not depend on it. Records that are not in time order and take more
            are sorted in temporary files. States of users, distinct values and the result itself
            come on top. None: a quarter of the machine's memory, or of its container's.
        temp_dir: folder of the temporary files, which only this process can open and which are
            gone when it ends, however it ends; None: the system's.
        flagged_to: a ``.parquet`` or ``.arrow`` file to which the flagged rows are written while
            the logs are read, so that they need no memory: whole or not at all, for its owner only,
            in place of one that is there. The result's ``flagged`` is read from it when first asked
            for, and is the same; if it is gone or another's by then, that fails
            (``FileNotFoundError``, or what pyarrow raises). Not ``.csv``, whose texts are made safe
            for spreadsheets and so are no longer those of the log.
        progress: called now and then with a `Progress`.

    Returns:
        What was found. Records outside ``from_``, ``to`` and ``where`` still count as history.

    Raises:
        PolicyError: the policy, or an argument that amends it, is wrong.
        InputNotFoundError: a path names nothing (also a ``FileNotFoundError``).
        ColumnError: a source lacks a column that is needed.
        StrictError: `strict`, and a record cannot be read.
        InputError: a source cannot be read.
        StateError: the state is of another policy, version or period, or is damaged; or it cannot
            be written.
        TemporaryFileError: a temporary file cannot be written (the disk is full); also an
            ``OSError``.
        OptionError: an argument has a value that is not allowed (also a ``ValueError``).
        OSError: `flagged_to` cannot be written; what was there before still is.
        TypeError: an argument is of the wrong type.
    """
    prepared = prepare(
        policy,
        columns=columns,
        time_format=time_format,
        timezone=timezone,
        header=header,
        from_=from_,
        to=to,
        where=where,
    )
    with contextlib.ExitStack() as stack:
        file = None if flagged_to is None else stack.enter_context(_flagged_file(flagged_to))
        result = run(
            source,
            prepared,
            encoding=encoding,
            delimiter=delimiter,
            threads=threads,
            strict=strict,
            unmask=unmask,
            skip_unreadable=skip_unreadable,
            max_ratio=max_ratio,
            max_rejects=max_rejects,
            chunk_size=chunk_size,
            batch_size=batch_size,
            state=state,
            memory_limit=memory_limit,
            temp_dir=temp_dir,
            progress=progress,
            sink=None if file is None else file.write,
            sink_end=None if file is None else file.flush,
            ahead=("yokome.overview", *(("pyarrow",) if file is None else ())),
        )
        if file is not None:
            file.close(result._native.flagged_schema())
            file.move()
            result._flagged_file = file.path
    result._write_state()
    return result


def read(
    source: Path | Iterable[Path],
    *,
    policy: Policy | Path | None = None,
    columns: Columns | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    time_format: str | Sequence[str] | None = None,
    timezone: str | None = None,
    header: bool | None = None,
    threads: int | None = None,
    strict: bool = False,
    skip_unreadable: bool = False,
    max_ratio: int | None = None,
    max_rejects: int | None = None,
    chunk_size: int | None = None,
) -> Records:
    """Read access logs into records of one schema, whatever their columns are called.

    Unless NumPy is loaded, or it is set, ``OPENBLAS_THREAD_TIMEOUT`` becomes 20 in the
    environment: pyarrow loads NumPy, whose idle threads would wait at full speed while the logs
    begin to be read.

    Args:
        source: a file, directory or glob, or several of them.
        policy: a policy or its file, of which only what says how a log reads (columns, results,
            normalisation) is used; None: the default policy.
        columns: by field, the header or 1-based position of its column; two for a time whose date
            and time of day are apart.
        encoding: one of `ENCODINGS` or a usual alias; None: found out for each file.
        delimiter: one of `DELIMITERS`; None: found out for each file.
        time_format: strftime format or formats of the time column; None: found out.
        timezone: IANA zone to which times with an offset are converted.
        header: False if the logs have no header line; None: as the policy says.
        threads: number of threads; None: as many as there are processors.
        strict: stop at the first record that cannot be read.
        skip_unreadable: go on when a file cannot be read at all, and say so in ``inputs``.
        max_ratio: times its size that a compressed file may decompress to; None: 1000.
        max_rejects: rejected records that ``rejects`` lists; None: 100,000.
        chunk_size: bytes per chunk of work; the records do not depend on it.

    Returns:
        The records, read as they are asked for. Individual Numbers stand in them as in the log.

    Raises:
        PolicyError: the policy, or an argument that amends it, is wrong.
        InputNotFoundError: a path names nothing (also a ``FileNotFoundError``).
        ColumnError: a source lacks a column that is needed.
        StrictError: `strict`, and a record cannot be read; while it is read.
        InputError: a source cannot be read.
        OptionError: an argument has a value that is not allowed (also a ``ValueError``).
        TypeError: an argument is of the wrong type.
    """
    prepared = prepare(
        policy, columns=columns, time_format=time_format, timezone=timezone, header=header
    )
    paths = _paths(source)
    if paths is None:
        raise TypeError("read() takes files, directories and globs; Arrow data needs no reading")
    _let_blas_sleep()
    native = _yokome.read_paths(
        paths,
        prepared._native,
        encoding=_encoding(encoding),
        delimiter=_delimiter(delimiter),
        threads=_at_least(1, "threads", threads),
        strict=strict,
        skip_unreadable=skip_unreadable,
        max_ratio=_at_least(1, "max_ratio", max_ratio),
        max_rejects=_at_least(0, "max_rejects", max_rejects),
        chunk_size=_at_least(1, "chunk_size", chunk_size),
    )
    return Records(native)


def prepare(
    policy: Policy | Path | None,
    *,
    columns: Columns | None = None,
    time_format: str | Sequence[str] | None = None,
    timezone: str | None = None,
    header: bool | None = None,
    from_: When | None = None,
    to: When | None = None,
    where: str | Mapping[str, Any] | None = None,
) -> Policy:
    """The policy to apply: the one named, amended by the arguments.

    Raises:
        PolicyError: it, or an argument, is wrong.
        TypeError: an argument is of the wrong type.
    """
    if policy is None:
        policy = Policy.default()
    elif isinstance(policy, str | os.PathLike):
        policy = Policy.load(policy)
    elif not isinstance(policy, Policy):
        raise TypeError(
            f"policy is a yokome.Policy or a path, not {type(policy).__name__} "
            "(for a dict: yokome.Policy.from_dict)"
        )
    if all(x is None for x in (columns, time_format, timezone, header, from_, to, where)):
        return policy
    import json

    formats = [time_format] if isinstance(time_format, str) else time_format
    return Policy._wrap(
        policy._native.with_overrides(
            None if columns is None else json.dumps(dict(columns), ensure_ascii=False),
            None if formats is None else list(formats),
            timezone,
            header,
            _when(from_),
            _when(to),
            None if where is None else toml_conditions(where),
        )
    )


def run(
    source: Path | Iterable[Path] | ArrowStream,
    policy: Policy,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    threads: int | None = None,
    strict: bool = False,
    unmask: bool = False,
    skip_unreadable: bool = False,
    max_ratio: int | None = None,
    max_rejects: int | None = None,
    chunk_size: int | None = None,
    batch_size: int | None = None,
    state: Path | None = None,
    memory_limit: int | str | None = None,
    temp_dir: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    sink: Callable[[Any], None] | None = None,
    sink_end: Callable[[], None] | None = None,
    ahead: Sequence[str] = (),
) -> ScanResult:
    """`scan` with its policy prepared.

    With a `sink`, flagged rows are handed to it batch by batch, in order, as objects with
    ``__arrow_c_stream__``, by any of the scan's threads, and the result's own ``flagged`` is empty;
    `sink_end` is called when it has all of them. The `state` that the scan
    leaves is written by the result's ``_write_state()``, once everything else is safe.

    Args:
        ahead: modules that will be needed when the logs have been read; imported meanwhile.
    """
    threads = _at_least(1, "threads", threads)
    max_ratio = _at_least(1, "max_ratio", max_ratio)
    max_rejects = _at_least(0, "max_rejects", max_rejects)
    chunk_size = _at_least(1, "chunk_size", chunk_size)
    batch_size = _at_least(1, "batch_size", batch_size)
    limit = _at_least(1, "memory_limit", size(memory_limit))
    folder = None if temp_dir is None else os.fsdecode(temp_dir)
    if policy.country is not None and not is_certain(policy.country):
        public_holidays(policy.country, 2000)  # better now than when the logs have been read
    state = None if state is None else os.fsdecode(state)
    paths = _paths(source)
    _import_ahead(policy.country, ahead)
    if paths is None:
        for name, value in (
            ("encoding", encoding),
            ("delimiter", delimiter),
            ("max_ratio", max_ratio),
            ("chunk_size", chunk_size),
        ):
            if value is not None:
                raise OptionError(
                    f"{name} is for files; the source is Arrow data",
                    name,
                    message_ja=f"{name} はファイルを読むときの指定です。"
                    "Arrow のデータを渡すときは指定しないでください",
                )
        native = _yokome.scan_stream(
            source,
            policy._native,
            threads=threads,
            strict=strict,
            unmask=unmask,
            max_rejects=max_rejects,
            state=state,
            batch_size=batch_size,
            memory_limit=limit,
            temp_dir=folder,
            holidays=public_holidays,
            progress=progress,
            sink=sink,
            sink_end=sink_end,
        )
    else:
        native = _yokome.scan_paths(
            paths,
            policy._native,
            encoding=_encoding(encoding),
            delimiter=_delimiter(delimiter),
            threads=threads,
            strict=strict,
            unmask=unmask,
            skip_unreadable=skip_unreadable,
            max_ratio=max_ratio,
            max_rejects=max_rejects,
            chunk_size=chunk_size,
            batch_size=batch_size,
            state=state,
            memory_limit=limit,
            temp_dir=folder,
            holidays=public_holidays,
            progress=progress,
            sink=sink,
            sink_end=sink_end,
        )
    return ScanResult(native, policy, state=state)


def _flagged_file(given: Path) -> TableFile:
    """The file to which flagged rows are to be written."""
    from yokome.staging import file_name
    from yokome.table_file import TableFile, format_of

    name = file_name(given)
    if not os.path.isabs(name):
        # (Not `abspath`, which takes what is above a link for what is above its target.)
        name = os.path.join(os.getcwd(), name)
    if os.path.splitext(name)[1].lower() not in (".parquet", ".arrow"):
        raise OptionError(
            f"flagged_to is a .parquet or .arrow file: {name}",
            "flagged_to",
            message_ja="flagged_to には .parquet か .arrow で終わるファイルの名前を"
            f"指定してください: {name}",
        )
    if os.path.isdir(name):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    return TableFile(name, format_of(name))


def _import_ahead(country: str | None, modules: Sequence[str]) -> None:
    """Import the holidays, and these modules, while the logs are read: not before, when nothing is
    read yet, and not afterwards, when all is read.
    """
    missing = [name for name in modules if name not in sys.modules]
    asked = country is not None and "holidays" not in sys.modules and not is_at_hand(country)
    if not missing and not asked:
        return
    if "pyarrow" in missing:
        _let_blas_sleep()

    def work() -> None:
        # (Whoever starts a thread waits until it runs, and then for the interpreter's lock: let it
        # begin to scan first.)
        time.sleep(0.001)
        # Whoever asks for what is missing or unknown is told.
        with contextlib.suppress(Exception):
            if asked and country is not None:
                public_holidays(country, 2000)
        for name in missing:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)

    threading.Thread(target=work, name="yokome-import").start()


def _let_blas_sleep() -> None:
    """Have the threads for linear algebra sleep when they have nothing to do.

    pyarrow loads NumPy, and NumPy's OpenBLAS makes a thread for each processor, which by default
    looks for work for 2**26 ticks of the clock before it sleeps: on two processors a tenth of a
    second of processor time, just when logs begin to be read. 2**20 ticks are less than a
    millisecond. It is said before any thread of ours is at work (the environment belongs to all of
    them), only if NumPy is not loaded yet, and only if nobody has said anything else. Results of
    NumPy are the same.
    """
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")


_UNITS = {"": 0, "k": 3, "m": 6, "g": 9, "t": 12}


def size(given: int | str | None) -> int | None:
    """A number of bytes: as it is, or of a text: ``"512MB"`` (decimal), ``"1.5GiB"`` (binary).

    Raises:
        OptionError: it is none.
    """
    if not isinstance(given, str):
        return given
    import re
    from decimal import Decimal

    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:([kmgt]?)(i?)b?)\s*", given.lower())
    if found is None or (found[3] and not found[2]):
        raise OptionError(
            f"not a size: {given!r} (512MB, 1.5GiB, 800000000)",
            "memory_limit",
            message_ja=f"大きさとして読めません: {given}"
            "（512MB、1.5GiB、800000000 のように書きます）",
        )
    power = _UNITS[found[2]]
    unit = 1 << power // 3 * 10 if found[3] else 10**power
    return int(Decimal(found[1]) * unit)


def _paths(source: object) -> list[str] | None:
    """The paths that `source` names; None if it is Arrow data."""
    if isinstance(source, str | os.PathLike):
        return [os.fsdecode(source)]
    if hasattr(source, "__arrow_c_stream__"):
        return None
    if isinstance(source, Iterable) and not isinstance(source, bytes | Mapping):
        paths = list(source)
        if not paths:
            raise OptionError(
                "no source was given", "source", message_ja="ログが一つも指定されていません"
            )
        if all(isinstance(p, str | os.PathLike) for p in paths):
            return [os.fsdecode(p) for p in paths]
    raise TypeError(
        "a source is a path, several paths, or Arrow data (with __arrow_c_stream__), "
        f"not {type(source).__name__}"
    )


def _encoding(name: str | None) -> str | None:
    if name is None:
        return None
    folded = name.strip().lower().replace("_", "-")
    canonical = _ENCODING_ALIASES.get(folded, folded)
    if canonical not in ENCODINGS:
        known = ", ".join(ENCODINGS)
        raise OptionError(
            f"unknown encoding {name!r}; known: {known}",
            "encoding",
            message_ja=f"文字コード {name} は扱えません。指定できるもの: {known}"
            "（指定しなければ自動で見分けます）",
        )
    return canonical


def _delimiter(delimiter: str | None) -> str | None:
    if delimiter is not None and delimiter not in DELIMITERS:
        known = ", ".join(map(repr, DELIMITERS))
        raise OptionError(
            f"unknown delimiter {delimiter!r}; known: {known}",
            "delimiter",
            message_ja=f"区切り文字 {delimiter!r} は扱えません。指定できるもの: , ; | と tab"
            "（タブ）（指定しなければ自動で見分けます）",
        )
    return delimiter


def _at_least(least: int, name: str, value: int | None) -> int | None:
    if value is not None and value < least:
        raise OptionError(
            f"{name} must be at least {least}, not {value}",
            name,
            message_ja=f"{name} には {least:,} 以上の整数を指定してください"
            f"（{value:,} は指定できません）",
        )
    # Beyond what 64 bits hold, more is not larger.
    return None if value is None else min(value, 2**63 - 1)


def _when(value: When | None) -> str | None:
    return value.isoformat() if isinstance(value, dt.date) else value
