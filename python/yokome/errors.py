"""The errors Yokome raises: one small tree under `YokomeError`.

The native module raises these same classes. A message is one readable sentence or two; it never
holds more than a bounded excerpt of a record.
"""

from __future__ import annotations

import errno

__all__ = [
    "ColumnError",
    "InputError",
    "InputNotFoundError",
    "MissingLibraryError",
    "PolicyError",
    "StateError",
    "StrictError",
    "TemporaryFileError",
    "YokomeError",
]


class YokomeError(Exception):
    """Anything Yokome itself reports.

    Attributes:
        message_ja: the same message in Japanese, where there is one.
    """

    message_ja: str | None

    def __init__(self, message: str = "", *, message_ja: str | None = None) -> None:
        super().__init__(message)
        self.message_ja = message_ja


class PolicyError(YokomeError, ValueError):
    """A policy says something it cannot say.

    Attributes:
        file: the policy's file or name, or None.
        line: 1-based line in it, or None.
        column: 1-based column in it, or None.
        key: the key at fault, dotted (``"calendar.country"``), or None.
    """

    file: str | None
    line: int | None
    column: int | None
    key: str | None

    def __init__(
        self,
        message: str = "",
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        key: str | None = None,
        *,
        message_ja: str | None = None,
    ) -> None:
        super().__init__(message, message_ja=message_ja)
        self.file = file
        self.line = line
        self.column = column
        self.key = key


class InputError(YokomeError):
    """A source could not be read.

    Attributes:
        source: the source at fault, as the records' ``source`` column would name it, or None.
    """

    source: str | None

    def __init__(
        self,
        message: str = "",
        source: str | None = None,
        *,
        message_ja: str | None = None,
    ) -> None:
        super().__init__(message, message_ja=message_ja)
        self.source = source


class InputNotFoundError(InputError, FileNotFoundError):
    """A path names nothing, or a glob matches nothing. Also a `FileNotFoundError`."""

    def __init__(
        self,
        message: str = "",
        source: str | None = None,
        *,
        message_ja: str | None = None,
    ) -> None:
        super().__init__(message, source, message_ja=message_ja)
        # `filename` stays unset: with it OSError would print its own text instead of ours.
        self.errno = errno.ENOENT


class ColumnError(InputError):
    """A source lacks a column that is needed, or its columns cannot be told apart."""


class StrictError(InputError):
    """``strict`` was asked for and a record was rejected."""


class MissingLibraryError(YokomeError, ImportError):
    """What was asked for needs a library that is not installed (an extra of the package)."""


class StateError(YokomeError):
    """A scan cannot go on from a state file, or cannot leave one.

    It is damaged, of another version, policy or period, or cannot be read or written. Whatever
    stood there before still does.

    Attributes:
        path: the state file, or None.
    """

    path: str | None

    def __init__(
        self, message: str = "", path: str | None = None, *, message_ja: str | None = None
    ) -> None:
        super().__init__(message, message_ja=message_ja)
        self.path = path


class TemporaryFileError(YokomeError, OSError):
    """Temporary files could not be written or read: the disk is full, say.

    Attributes:
        folder: the folder in which they were to lie.
    """

    folder: str

    def __init__(self, message: str, folder: str, *, message_ja: str | None = None) -> None:
        super().__init__(message, message_ja=message_ja)
        self.folder = folder
