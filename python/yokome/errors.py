"""The errors Yokome raises: one small tree under `YokomeError`.

The native module raises these same classes. ``str(error)`` is English, one readable sentence or
two; ``error.message_ja`` is the same in Japanese, for an officer, with what to do. What a program
may ask for stands in attributes. No text ever holds more than a bounded excerpt of a record.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

__all__ = [
    "ColumnError",
    "InputError",
    "InputNotFoundError",
    "MissingLibraryError",
    "OptionError",
    "PolicyError",
    "StateError",
    "StrictError",
    "TemporaryFileError",
    "YokomeError",
    "os_error",
]


class YokomeError(Exception):
    """Anything Yokome itself reports.

    Attributes:
        message_ja: the same in Japanese: what is wrong where, and what to do. An error of Yokome's
            own always has it; None only where a caller made the error without.
    """

    message_ja: str | None

    def __init__(self, message: str = "", *, message_ja: str | None = None) -> None:
        super().__init__(message)
        self.message_ja = message_ja


class OptionError(YokomeError, ValueError):
    """An argument or an option has a value that is not allowed. Also a `ValueError`.

    Attributes:
        option: the argument's name (``"encoding"``), or None.
    """

    option: str | None

    def __init__(
        self, message: str = "", option: str | None = None, *, message_ja: str | None = None
    ) -> None:
        super().__init__(message, message_ja=message_ja)
        self.option = option


class PolicyError(YokomeError, ValueError):
    """A policy, or an argument that amends one, says something it cannot say.

    Attributes:
        file: the policy's file or name, the list file, or the option (``"--where"``), or None.
        line: 1-based line in it, or None.
        column: 1-based column in it, in characters, or None.
        key: the key at fault, dotted (``"calendar.country"``), or None.
        nearest: of a word that is not allowed, the allowed one that was perhaps meant, or None.
    """

    file: str | None
    line: int | None
    column: int | None
    key: str | None
    nearest: str | None

    def __init__(
        self,
        message: str = "",
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        key: str | None = None,
        *,
        nearest: str | None = None,
        message_ja: str | None = None,
    ) -> None:
        super().__init__(message, message_ja=message_ja)
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.nearest = nearest


class InputError(YokomeError):
    """A source could not be read.

    Attributes:
        source: the source at fault, as the records' ``source`` column would name it, or None.
        kind: what is wrong, for programs, or None: ``unreadable`` (the system cannot open or read
            it), ``not_regular`` (a pipe or a device), ``empty``, ``binary`` (NUL bytes),
            ``workbook`` (Excel), ``foreign`` (another kind of file), ``no_log`` (a directory or an
            archive without a log), ``encrypted``, ``member`` (of an archive, that cannot be taken
            out), ``twice`` (compressed twice), ``ratio`` (decompresses to too much), ``cut_short``,
            ``damaged``, ``changed`` (while it was read), ``times`` (that do not read),
            ``no_record``, ``failed`` (the caller's stream, or a thread).
    """

    source: str | None
    kind: str | None

    def __init__(
        self,
        message: str = "",
        source: str | None = None,
        *,
        kind: str | None = None,
        message_ja: str | None = None,
    ) -> None:
        super().__init__(message, message_ja=message_ja)
        self.source = source
        self.kind = kind


class InputNotFoundError(InputError, FileNotFoundError):
    """A path names nothing, or a glob matches nothing. Also a `FileNotFoundError`.

    Attributes:
        members: of a path into an archive, some of the members that there are; else None.
    """

    members: str | None

    def __init__(
        self,
        message: str = "",
        source: str | None = None,
        *,
        members: str | None = None,
        message_ja: str | None = None,
    ) -> None:
        super().__init__(message, source, message_ja=message_ja)
        self.members = members
        # `filename` stays unset: with it OSError would print its own text instead of ours.
        self.errno = errno.ENOENT


class ColumnError(InputError):
    """A source lacks a column that is needed, or its columns cannot be told apart.

    Attributes:
        headers: the headers of the source, bounded and masked; empty where they do not matter.
        missing: the fields for which there is no column (``["user"]``).
        column: the header that was named and is not there, or None.
        nearest: the header that was perhaps meant by `column`, or None.
    """

    headers: list[str]
    missing: list[str]
    column: str | None
    nearest: str | None

    def __init__(
        self,
        message: str = "",
        source: str | None = None,
        *,
        headers: Sequence[str] = (),
        missing: Sequence[str] = (),
        column: str | None = None,
        nearest: str | None = None,
        message_ja: str | None = None,
    ) -> None:
        super().__init__(message, source, message_ja=message_ja)
        self.headers = list(headers)
        self.missing = list(missing)
        self.column = column
        self.nearest = nearest


class StrictError(InputError):
    """``strict`` was asked for and a record was rejected.

    Attributes:
        line: the record's physical line, 1-based, or None.
        reason: ``time``, ``columns``, ``quote``, ``too_long`` or ``cut``, or None.
        excerpt: at most 200 characters of the record, masked, or None.
    """

    line: int | None
    reason: str | None
    excerpt: str | None

    def __init__(
        self,
        message: str = "",
        source: str | None = None,
        *,
        line: int | None = None,
        reason: str | None = None,
        excerpt: str | None = None,
        message_ja: str | None = None,
    ) -> None:
        super().__init__(message, source, message_ja=message_ja)
        self.line = line
        self.reason = reason
        self.excerpt = excerpt


class MissingLibraryError(YokomeError, ImportError):
    """What was asked for needs a library that is not installed (an extra of the package)."""


class StateError(YokomeError):
    """A scan cannot go on from a state file, or cannot leave one.

    It is damaged, of another version, policy or period, or cannot be read or written. Whatever
    stood there before still does.

    Attributes:
        path: the state file, or None.
        kind: what is wrong, for programs, or None: ``not_a_state``, ``damaged``, ``format`` (of
            another version), ``policy`` (of another policy), ``covered`` (it covers these records
            already), ``changed`` (while the scan ran), ``system`` (cannot be read or written).
    """

    path: str | None
    kind: str | None

    def __init__(
        self,
        message: str = "",
        path: str | None = None,
        *,
        kind: str | None = None,
        message_ja: str | None = None,
    ) -> None:
        super().__init__(message, message_ja=message_ja)
        self.path = path
        self.kind = kind


class TemporaryFileError(YokomeError, OSError):
    """Temporary files could not be written or read: the disk is full, say.

    Attributes:
        folder: the folder in which they were to lie.
        needed: bytes that are still needed there, about, or None.
    """

    folder: str
    needed: int | None

    def __init__(
        self,
        message: str = "",
        folder: str = "",
        *,
        needed: int | None = None,
        message_ja: str | None = None,
    ) -> None:
        super().__init__(message, message_ja=message_ja)
        self.folder = folder
        self.needed = needed


_MEANINGS = {
    errno.ENOENT: "ファイルまたはフォルダーがありません。場所と名前を確かめてください",
    errno.EACCES: "開く権限がありません。ほかのソフトで開いていないか、"
    "利用する権限があるかを確かめてください",
    errno.EPERM: "この操作をする権限がありません。別の場所を指定するか、管理者に相談してください",
    errno.EEXIST: "同じ名前のものがすでにあります。別の名前を指定してください",
    errno.ENOTDIR: "途中の名前がフォルダーではありません。場所を確かめてください",
    errno.EISDIR: "フォルダーです。ファイルを指定してください",
    errno.ENOSPC: "空き容量がありません",
    errno.EDQUOT: "使ってよい容量を超えました",
    errno.EFBIG: "ファイルがこの場所に置ける大きさを超えました",
    errno.EROFS: "読み取り専用の場所です。別の場所を指定してください",
    errno.EBUSY: "ほかで使われています。使い終わってからやり直してください",
    errno.EIO: "読み書きの途中で装置の誤りが起きました。別の場所で試すか、管理者に相談してください",
    errno.ENAMETOOLONG: "名前が長すぎます。短い名前を指定してください",
}


def os_error(error: OSError) -> tuple[str, str]:
    """What the system says is wrong, and with which file: Japanese and English."""
    english = error.strerror or str(error)
    japanese = _MEANINGS.get(error.errno or 0, english)
    if error.strerror and error.filename is not None:
        name = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else error.filename
        return f"{name}: {japanese}", f"{name}: {english}"
    return japanese, english
