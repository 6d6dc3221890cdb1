"""Where files are made before they go to their place, and how a killed process leaves no trace.

A *room* is a private directory (0700) beside the place or in it, ``.NAME.TOKEN.tmp``. In it are
``lock``, locked as long as the process that made the room has it, and ``new``, in which files are
made. Whoever next writes to the same place clears away the rooms that nobody has locked: the system
gives a lock back however its process ends. Where a file system has no locks, nothing is cleared.

A file is made in a room beside its place, flushed to disk and moved there in one step.

Paths are plain texts here: a scan does without `pathlib`, which takes long to load with all that it
loads.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO, Final, TypeAlias

    AnyPath: TypeAlias = str | os.PathLike[str]
    Settle: TypeAlias = Callable[[str], None]

__all__ = ["Room", "StagedFile", "clear", "file_name", "names_in", "naming", "sync_directory"]

_TRIES: Final = 100
# Bytes of a room's token.
_TOKEN: Final = 4
# Longer names would not fit with what is put around them.
_LONGEST: Final = 200


class Room:
    """A room that this process has locked.

    Attributes:
        path: where it is.
        new: the directory in which files are made.
    """

    def __init__(self, folder: AnyPath, name: str) -> None:
        """Make a room in `folder` for what is called `name`.

        Raises:
            OSError: it cannot be made; the error names the folder.
        """
        try:
            self.path, lock = _make(os.fspath(folder), name)
        except OSError as error:
            error.filename = os.fspath(folder)
            raise
        self._lock: int | None = lock
        try:
            os.mkdir(self.new, 0o700)
            os.write(lock, str(os.lstat(self.new).st_ino).encode("ascii"))
        except BaseException:
            self.close()
            raise

    @property
    def new(self) -> str:
        """The directory in which files are made."""
        return os.path.join(self.path, "new")

    def move(self, folder: AnyPath) -> None:
        """Move the room to another folder.

        Raises:
            OSError: it cannot be (it is on another file system).
        """
        path = os.path.join(folder, os.path.basename(self.path))
        os.rename(self.path, path)
        self.path = path

    def close(self, settle: Settle | None = None) -> None:
        """Remove the room, and all that is in it and no one else's.

        Args:
            settle: see `clear`.
        """
        if self._lock is not None:
            number, self._lock = self._lock, None
            _vacate(self.path, number, settle)


def clear(folder: AnyPath, name: str, settle: Settle | None = None) -> None:
    """Remove the rooms in `folder` for what is called `name` that killed processes left.

    Args:
        settle: empties a directory in the room that was not made as its ``new``: what ``new`` was
            exchanged for, or one called ``old``.
    """
    label = _label(name)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        found = [entry.path for entry in entries if _is_room(entry.name, label)]
        for path in filter(_is_private, found):
            with contextlib.suppress(OSError):
                _clear(path, settle)


class StagedFile:
    """A file that is being made. Mode 0600.

    Attributes:
        path: where it is to go.
        staged: where it is.
        stream: to write it by.
    """

    def __init__(self, path: AnyPath, room: Room | None = None) -> None:
        """Begin a file, in a room of a directory that takes care of it, or in one of its own.

        Raises:
            OSError: it cannot be made.
        """
        self.path = file_name(path)
        self._own: Room | None = None
        folder, name = os.path.split(self.path)
        if room is None:
            folder = os.path.realpath(folder)
            clear(folder, name)
            room = self._own = Room(folder, name)
        self.staged = os.path.join(room.new, name)
        try:
            self.stream = self._open()
        except BaseException:
            self.discard()
            raise

    def again(self) -> None:
        """Begin the file anew."""
        self.stream.close()
        os.unlink(self.staged)
        self.stream = self._open()

    def close(self) -> None:
        """Flush to disk."""
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()

    def move(self) -> None:
        """Move the finished file to its place."""
        os.replace(self.staged, self.path)
        sync_directory(os.path.dirname(self.path) or os.curdir)
        self.discard()

    def discard(self) -> None:
        """Remove every trace, unless it was moved. Of a file in a directory's room the directory
        does that: what is called so there may be an old one by now.
        """
        if hasattr(self, "stream"):
            with contextlib.suppress(OSError):
                self.stream.close()
        if self._own is not None:
            self._own.close()
            self._own = None

    def _open(self) -> BinaryIO:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(self.staged, flags, 0o600), "wb")


@contextlib.contextmanager
def naming(path: AnyPath) -> Iterator[None]:
    """Let an error of the system that names no file (the disk is full) name `path`."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = os.fspath(path)
        raise


def file_name(path: AnyPath) -> str:
    """A path as a text, without separators at its end: what they follow is taken for a file."""
    name = os.fsdecode(path)
    return name.rstrip(os.sep + (os.altsep or "")) or name


def names_in(folder: AnyPath) -> list[str]:
    """The names in a folder."""
    return os.listdir(folder)


def sync_directory(directory: AnyPath) -> None:
    """Make the moves last through a power cut, where the system can."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        number = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


# --- rooms ----------------------------------------------------------------------------------------


def _label(name: str) -> str:
    raw = os.fsencode(name)
    if len(raw) <= _LONGEST:
        return name
    import hashlib

    return hashlib.sha256(raw).hexdigest()


def _is_room(name: str, label: str) -> bool:
    """Whether that is the name of a room for what has that label."""
    token = name.removeprefix(f".{label}.").removesuffix(".tmp")
    known = len(token) == 2 * _TOKEN and set(token) <= set("0123456789abcdef")
    return known and name == f".{label}.{token}.tmp"


def _make(folder: str, name: str) -> tuple[str, int]:
    """A new room without anything but its lock, which is locked."""
    for _ in range(_TRIES):
        token = os.urandom(_TOKEN).hex()
        path = os.path.join(folder, f".{_label(name)}.{token}.tmp")
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            continue
        try:
            # Somebody who clears away may have been quicker than the lock: then once more.
            number = _locked(os.path.join(path, "lock"))
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(path, "lock"))
            with contextlib.suppress(OSError):
                os.rmdir(path)
            raise
        if number is not None:
            return path, number
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), folder)


def _locked(path: str) -> int | None:
    """A new file, locked; None if somebody else has locked or removed it meanwhile."""
    try:
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileNotFoundError:
        return None
    try:
        if _try_lock(number) is not False and os.path.samestat(os.fstat(number), os.stat(path)):
            return number
    except FileNotFoundError:
        pass
    except BaseException:
        os.close(number)
        raise
    os.close(number)
    return None


def _try_lock(number: int) -> bool | None:
    """Lock an open file. False: another has it. None: there are no locks here."""
    if sys.platform == "win32":
        import msvcrt

        try:
            # Behind all content: what is locked cannot be read there.
            os.lseek(number, 1 << 20, os.SEEK_SET)
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(number, 0, os.SEEK_SET)
        return True
    import fcntl

    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_private(path: str) -> bool:
    """Whether a room is ours to look into: a directory that nobody else can put anything in."""
    try:
        info = os.lstat(path)
    except OSError:
        return False
    if not stat.S_ISDIR(info.st_mode):
        return False
    return os.name == "nt" or (info.st_uid == os.geteuid() and not info.st_mode & 0o077)


def _clear(path: str, settle: Settle | None) -> None:
    try:
        number = os.open(os.path.join(path, "lock"), os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        os.rmdir(path)  # its process ended before, or after, everything
        return
    if _try_lock(number):
        _vacate(path, number, settle)
    else:
        os.close(number)


def _vacate(path: str, lock: int, settle: Settle | None) -> None:
    """Empty and remove a room that is locked by us. What is not known to be ours stays, and then
    the room does.
    """
    new, old = os.path.join(path, "new"), os.path.join(path, "old")
    with contextlib.suppress(OSError):
        if settle is not None and os.path.isdir(old):
            settle(old)
    with contextlib.suppress(OSError):
        os.lseek(lock, 0, os.SEEK_SET)
        made = os.read(lock, 64)
        inode = str(os.lstat(new).st_ino).encode("ascii")
        if not made or inode == made:
            _unlink_all(new)
        elif settle is not None:
            settle(new)
    for left in (new, old):
        with contextlib.suppress(OSError):
            os.rmdir(left)
    empty = False
    with contextlib.suppress(OSError):
        empty = names_in(path) == ["lock"]
    if empty and os.name != "nt":
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(path, "lock"))
    os.close(lock)
    if empty:
        with contextlib.suppress(OSError):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(path, "lock"))
            os.rmdir(path)


def _unlink_all(folder: str) -> None:
    for name in names_in(folder):
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(folder, name))
