"""A directory of results, replaced as one.

In: a directory, and files made in a room beside it. Out: the directory with the new files, without
those of an earlier scan, and with whatever else was in it.

The new directory is made whole in the room: what is not ours is linked into it, and it is given the
owner and the mode of the old one. Then the two are exchanged in one step. A process that is killed
leaves the old directory or the new one, never a mixture. Where that cannot be, files are moved one
by one, and back again when that fails. A process that is killed between two moves then leaves new
files beside old ones, until the next that writes there moves them back. It cannot be where

- the system (Windows) or the file system (NFS) cannot exchange, or has no hard links;
- the directory holds a directory that is not ours, which could not be in both at once;
- it is a mount point, its parent may not be written to, or its owner cannot be kept;
- it is the directory that this process works in: names relative to it would lead nowhere.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from yokome._yokome import exchange
from yokome.staging import Room, clear, names_in, sync_directory

__all__ = ["StagedDirectory"]


class StagedDirectory:
    """A directory and the room in which its next content is made."""

    def __init__(
        self,
        directory: Path,
        ours: Callable[[Path], Collection[str]],
        last: Collection[str] = (),
    ) -> None:
        """Make `directory` if need be, and a room beside it; clear away abandoned ones.

        Args:
            directory: where the files are to go.
            ours: the names of the files in a directory that are an earlier result's.
            last: those by which it knows them, the last to be moved or removed.

        Raises:
            OSError: they cannot be made (``NotADirectoryError`` if `directory` is a file).
        """
        self._ours = ours
        self._last = last
        self._made = _make_directory(directory)
        self._place = Path(os.path.realpath(directory))
        parent, name = self._place.parent, self._place.name
        for folder in (parent, self._place):
            clear(folder, name, self._settle)
        try:
            # Whoever may not write into the directory is told so now.
            self.room = Room(self._place, name)
        except OSError:
            self._unmake()
            raise
        self._is_beside = False
        with contextlib.suppress(OSError):
            # Not from a mount point, nor to where we may not write.
            if parent != self._place:
                self.room.move(parent)
                self._is_beside = True

    def commit(self, names: Sequence[str]) -> None:
        """Put the files of these names, made in the room, into the directory.

        Raises:
            OSError: one cannot be (it is open in a spreadsheet, say); the old ones stand.
        """
        if not (self._is_beside and self._swap(names)):
            self._move(names)
        sync_directory(self._place)
        sync_directory(self._place.parent)
        self._made = []
        self.close()

    def close(self) -> None:
        """Remove the room and, if there was no commit, directories made for it."""
        self.room.close(self._settle)
        self._unmake()

    # --- as one -------------------------------------------------------------------------------

    def _swap(self, names: Sequence[str]) -> bool:
        """Exchange the directory for the new one; whether that could be."""
        place, new = self._place, Path(self.room.new)
        taken: list[Path] = []
        try:
            if place.samefile(Path.cwd()):
                return False
            self._take_along(names, taken)
            _make_like(place, new)
            sync_directory(new)
            if os.name != "nt":
                with contextlib.suppress(OSError):
                    # An empty one is replaced on every file system.
                    os.rename(new, place)  # noqa: PTH104 - as `exchange`
                    return True
            exchange(new, place)
        except (OSError, NotImplementedError):
            for path in taken:
                path.unlink()
            return False
        return True

    def _take_along(self, names: Sequence[str], taken: list[Path]) -> None:
        """Link what is not ours into the new directory, and tell of it in `taken`.

        Raises:
            OSError: something of it cannot be linked, as directories cannot.
        """
        ours = {*names, *self._ours(self._place)}
        with os.scandir(self._place) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    raise IsADirectoryError(errno.EISDIR, "a directory", entry.path)
                if entry.name not in ours:
                    path = Path(self.room.new, entry.name)
                    os.link(entry.path, path, follow_symlinks=False)
                    taken.append(path)

    def _settle(self, left: str | Path) -> None:
        """Empty what is left in a room: the directory that was replaced, or what `_move` kept."""
        left = Path(left)
        if left.name == "old":
            _move_back(left.parent, self._place)
        else:
            self._give_back(left)

    def _give_back(self, old: Path) -> None:
        """Empty the directory that was replaced. What is not ours and came into it, or was saved
        anew, while it was replaced goes where it belongs; what is in doubt stays where it is.
        """
        place = self._place
        ours = {*self._ours(old), *self._ours(place)}
        for name in sorted(names_in(old), key=lambda name: name in self._last):
            was, here = old / name, place / name
            with contextlib.suppress(OSError):
                info = was.lstat()
                if stat.S_ISDIR(info.st_mode):
                    if not os.path.lexists(here):
                        os.rename(was, here)  # noqa: PTH104
                elif name in ours:
                    was.unlink()
                elif not os.path.lexists(here) or _is_later(info, here.lstat()):
                    os.replace(was, here)
                else:
                    was.unlink()

    # --- one by one ---------------------------------------------------------------------------

    def _move(self, names: Sequence[str]) -> None:
        """Move the files one by one, and back again if that fails."""
        place, room = self._place, Path(self.room.path)
        stale = [name for name in self._ours(place) if name not in names]
        tables = [name for name in names if name not in self._last]
        order = [*tables, *stale, *(name for name in names if name in self._last)]
        kept = room / "old"
        kept.mkdir(mode=0o700)
        fresh = [name for name in names if not os.path.lexists(place / name)]
        _note(room / "moves", fresh)
        try:
            for name in order:
                _keep(place / name, kept / name)
                if name in stale:
                    (place / name).unlink(missing_ok=True)
                else:
                    os.replace(room / "new" / name, place / name)
        except BaseException:
            _move_back(room, place)
            raise
        sync_directory(place)
        # From here on the new result stands.
        (room / "moves").unlink()
        from shutil import rmtree  # with its compressors it takes long to load

        rmtree(kept, ignore_errors=True)

    def _unmake(self) -> None:
        for directory in reversed(self._made):
            with contextlib.suppress(OSError):
                directory.rmdir()
        self._made = []


def _make_directory(directory: Path) -> list[Path]:
    """Make a directory and those above it, each 0700; returns those made, outermost first."""
    missing = []
    while not directory.exists():
        missing.append(directory)
        directory = directory.parent
    if not directory.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "not a directory", str(directory))
    made: list[Path] = []
    for path in reversed(missing):
        path.mkdir(mode=0o700)
        made.append(path)
    return made


def _make_like(old: Path, new: Path) -> None:
    """Give a directory the owner, group, mode and attributes of another.

    Raises:
        OSError: one of them cannot be given.
    """
    from shutil import copystat

    was, now = old.stat(), new.stat()
    if os.name != "nt" and (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
        os.chown(new, was.st_uid, was.st_gid)
    copystat(old, new)
    os.utime(new)
    if new.stat().st_mode != was.st_mode:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), os.fspath(new))


def _is_later(was: os.stat_result, now: os.stat_result) -> bool:
    """Whether a file was saved under a new inode after the other was linked."""
    return not os.path.samestat(was, now) and was.st_mtime_ns > now.st_mtime_ns


def _keep(path: Path, kept: Path) -> None:
    """Keep what stands at a place, if anything does, to put it back when the rest fails."""
    try:
        if stat.S_ISDIR(path.lstat().st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
        try:
            os.link(path, kept, follow_symlinks=False)
        except (OSError, NotImplementedError):
            os.replace(path, kept)
    except FileNotFoundError:
        pass


def _note(path: Path, fresh: Sequence[str]) -> None:
    """Note before the first move which files had none in their place, and that there are moves."""
    with path.open("w", encoding="utf-8") as file:
        json.dump(fresh, file)
        file.flush()
        os.fsync(file.fileno())
    sync_directory(path.parent)


def _move_back(room: Path, place: Path) -> None:
    """Undo moves that were not finished, also a killed process's; may be repeated."""
    kept, moves = room / "old", room / "moves"
    if moves.exists():
        for name in names_in(kept):
            with contextlib.suppress(OSError):
                os.replace(kept / name, place / name)
                # A move to another name of the same file moves nothing.
                (kept / name).unlink(missing_ok=True)
        fresh: list[str] = []
        with contextlib.suppress(ValueError):
            fresh = json.loads(moves.read_text(encoding="utf-8"))
        for name in fresh:
            if not os.path.lexists(room / "new" / name):
                with contextlib.suppress(OSError):
                    (place / name).unlink()
        if not names_in(kept):
            moves.unlink()
    else:
        from shutil import rmtree

        rmtree(kept)
