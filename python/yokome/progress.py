"""What is told of a scan while it runs, and a line on the terminal that says it.

The line: bytes, records per second, time remaining. Only on a terminal; nothing at all when
standard error goes anywhere else.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import TextIO, TypedDict

from yokome.lang import Lang, pick, width

__all__ = ["Progress", "ProgressLine", "file_size", "progress_line"]


class Progress(TypedDict):
    """What a `progress` callback gets, about five times a second."""

    bytes: int
    """Bytes read so far, as they stand in the files."""
    total_bytes: int | None
    """Bytes there are to read, where that is known."""
    records: int
    """Records read so far."""
    stage: str
    """What is being done."""


def progress_line(stream: TextIO, lang: Lang, *, quiet: bool = False) -> ProgressLine | None:
    """A progress line on `stream`, or None if it is no terminal or `quiet` is wished."""
    return ProgressLine(stream, lang) if not quiet and stream.isatty() else None


class ProgressLine:
    """A `progress` callback that keeps one line of a terminal up to date, and clears it at last."""

    def __init__(self, stream: TextIO, lang: Lang) -> None:
        self._stream = stream
        self._lang: Lang = lang
        self._began = time.monotonic()
        self._shown = 0

    def __call__(self, progress: Progress) -> None:
        """Show how far it is."""
        text = progress_text(progress, time.monotonic() - self._began, self._lang)
        columns = width(text)
        self._stream.write("\r" + text + " " * (self._shown - columns))
        self._stream.flush()
        self._shown = columns

    def close(self) -> None:
        """Clear the line."""
        if self._shown:
            self._stream.write("\r" + " " * self._shown + "\r")
            self._stream.flush()
            self._shown = 0

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def progress_text(progress: Progress, seconds: float, lang: Lang) -> str:
    """The line after so many seconds."""
    done, total, records = progress["bytes"], progress["total_bytes"], progress["records"]
    rate = records / seconds if seconds > 0 else 0.0
    parts = []
    if total:
        parts.append(f"{min(100, done * 100 // total):3d}%")
        parts.append(f"{file_size(done)} / {file_size(total)}")
    elif done:
        parts.append(file_size(done))
    parts.append(pick(lang, f"{records:,} 件", f"{records:,} records"))
    parts.append(pick(lang, f"毎秒 {rate:,.0f} 件", f"{rate:,.0f} records/s"))
    if total and 0 < done < total and seconds >= 1:
        left = seconds * (total - done) / done
        clock = f"{int(left) // 60:d}:{int(left) % 60:02d}"
        parts.append(pick(lang, f"残り 約 {clock}", f"about {clock} left"))
    elif total and done >= total:
        parts.append(pick(lang, "集計中", "finishing"))
    return "  ".join(parts)


def file_size(count: int) -> str:
    """Bytes as people read them: ``812 B``, ``1.8 GB`` (powers of 1000)."""
    if count < 1000:
        return f"{count} B"
    size = float(count)
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.5:
            return f"{size:.1f} {unit}" if size < 99.95 else f"{size:.0f} {unit}"
    return f"{size / 1000:.1f} TB"
