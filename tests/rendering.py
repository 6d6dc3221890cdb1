"""Records to the bytes of a log, in every manner a log may be written.

The renderer knows where it put each record, so that the engine's line numbers, offsets and raw
texts can be checked against what was written instead of against another reading of it.
"""

# ruff: noqa: S311 - chance, not secrets

from __future__ import annotations

import codecs
import gzip
import io
import random
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import zstandard
from csv_reference import line_ends, physical_lines
from oracle import TEXT_FIELDS, Record

HEADER: Mapping[str, str] = {
    "time": "日時",
    "user": "職員番号",
    "user_name": "職員名",
    "department": "所属",
    "terminal": "端末番号",
    "system": "業務名",
    "operation": "操作内容",
    "result": "処理結果",
    "references": "個人番号参照",
    "subject": "宛名番号",
}

RESULT_WORDS: Mapping[str | None, Sequence[str]] = {
    "success": ("成功", "正常", "OK", "完了", "許可", "success", "0"),
    "failure": ("失敗", "異常", "エラー", "NG", "拒否", "失効", "failure", "error", "denied"),
    "other": ("保留", "中断", "-1", "?"),
    None: ("",),
}

REFERENCES_WORDS: Mapping[bool | None, Sequence[str]] = {
    True: ("あり", "有", "○", "1", "true", "Y"),
    False: ("なし", "無", "×", "0", "false", "N", "-"),
    None: ("", "不明"),
}

# Name of the encoding here -> (label for the engine, Python codec, byte order mark).
ENCODINGS: Mapping[str, tuple[str, str, bytes]] = {
    "utf-8": ("utf-8", "utf-8", b""),
    "utf-8-sig": ("utf-8", "utf-8", codecs.BOM_UTF8),
    "cp932": ("cp932", "cp932", b""),
    "utf-16-le": ("utf-16", "utf-16-le", codecs.BOM_UTF16_LE),
    "utf-16-be": ("utf-16", "utf-16-be", codecs.BOM_UTF16_BE),
    "euc-jp": ("euc-jp", "euc_jp", b""),
}

MEMBER = "記録/log.csv"


def _zipped(data: bytes, method: int) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as file:
        file.writestr(MEMBER, data)
    return archive.getvalue()


def _zstd_frames(data: bytes) -> bytes:
    """Two frames with one between them that decoders skip."""
    compress = zstandard.ZstdCompressor(write_checksum=True).compress
    middle = len(data) // 2
    skipped = b'\x51\x2a\x4d\x18\x03\x00\x00\x00,\n"'
    return compress(data[:middle]) + skipped + compress(data[middle:])


# Name -> (how the file's name ends, how its bytes are made, what stands behind its name).
PACKINGS: Mapping[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "none": (".csv", lambda data: data, ""),
    "gzip": (".csv.gz", lambda data: gzip.compress(data, mtime=0), ""),
    "zstd": (".csv.zst", lambda data: zstandard.ZstdCompressor().compress(data), ""),
    "zstd frames": (".csv.zst", _zstd_frames, ""),
    "zip": (".zip", lambda data: _zipped(data, zipfile.ZIP_DEFLATED), f"!{MEMBER}"),
    "zip, stored": (".zip", lambda data: _zipped(data, zipfile.ZIP_STORED), f"!{MEMBER}"),
}

EPOCH = datetime(1970, 1, 1)
TOKYO = timedelta(hours=9)


def milliseconds(at: datetime) -> int:
    """The milliseconds of the second."""
    return at.microsecond // 1000


def _dates(separator: str, joint: str) -> Callable[[datetime], str]:
    return lambda at: at.strftime(f"%Y{separator}%m{separator}%d{joint}%H:%M:%S")


TIME_FORMATS: Mapping[str, Callable[[datetime], str]] = {
    "slash": _dates("/", " "),
    "dash": _dates("-", " "),
    "iso": _dates("-", "T"),
    "compact": lambda at: at.strftime("%Y%m%d%H%M%S"),
    "short": lambda at: f"{at.year}/{at.month}/{at.day} {at.hour}:{at.minute:02}:{at.second:02}",
    "kanji": lambda at: (
        f"{at.year}年{at.month}月{at.day}日 {at.hour}時{at.minute:02}分{at.second:02}秒"
    ),
    "tokyo": lambda at: at.strftime("%Y-%m-%dT%H:%M:%S+09:00"),
    "utc": lambda at: (at - TOKYO).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "epoch": lambda at: str((at - TOKYO - EPOCH) // timedelta(seconds=1)),
    "fraction": lambda at: f"{at:%Y-%m-%d %H:%M:%S}.{milliseconds(at):03}",
    "epoch_ms": lambda at: str((at - TOKYO - EPOCH) // timedelta(milliseconds=1)),
}

MILLISECOND_FORMATS = ("fraction", "epoch_ms")


@dataclass(frozen=True)
class Style:
    """How a log is written."""

    delimiter: str = ","
    quoting: str = "minimal"  # minimal, all, odd
    line_end: str = "\n"  # LF, CRLF, CR or "mixed"
    final_newline: bool = True
    blank_lines: bool = False
    preamble: tuple[str, ...] = ()
    encoding: str = "utf-8"
    packing: str = "none"  # a name of PACKINGS
    time_format: str = "slash"
    seed: int = 0

    @property
    def label(self) -> str:
        """The engine's name of the encoding."""
        return ENCODINGS[self.encoding][0]


@dataclass(frozen=True)
class Placed:
    """Where a record was put."""

    line: int
    offset: int
    raw: str


@dataclass(frozen=True)
class Rendered:
    """A written log, and where everything is."""

    data: bytes
    text: str
    places: tuple[Placed, ...]
    blank: int
    lines: int


def encodable(text: str, encoding: str) -> bool:
    """Whether the text survives the encoding."""
    codec = ENCODINGS[encoding][1]
    try:
        return text.encode(codec).decode(codec) == text
    except UnicodeError:
        return False


def cells(record: Record, time_text: str, rng: random.Random) -> list[str]:
    """The record's cells, in the order of :data:`HEADER`."""
    row = {name: getattr(record, name) or "" for name in TEXT_FIELDS}
    row["time"] = time_text
    row["result"] = rng.choice(RESULT_WORDS[record.result])
    row["references"] = rng.choice(REFERENCES_WORDS[record.references])
    return [row[name] for name in HEADER]


def quote(value: str, style: Style, rng: random.Random) -> str:
    """The field as written."""

    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    breaks = style.delimiter + "\r\n"
    must = value.startswith('"') or any(character in value for character in breaks)
    if style.quoting == "all" or (style.quoting == "minimal" and must):
        return quoted(value)
    if style.quoting == "odd" and (must or rng.random() < 0.3):
        # Any tail free of delimiters and line ends may stand behind the closing quote.
        tails = [
            n
            for n in range(len(value) + 1)
            if not value[n:].startswith('"')
            and not any(character in value[n:] for character in breaks)
        ]
        at = rng.choice(tails)
        return quoted(value[:at]) + value[at:]
    return value


def render(rows: Sequence[Sequence[str]], header: Sequence[str] | None, style: Style) -> Rendered:
    """The rows as the bytes of one log."""
    rng = random.Random(style.seed)
    codec, mark = ENCODINGS[style.encoding][1:]
    text = ""
    blank = 0
    starts: list[tuple[int, str]] = []

    def line_end(next_is_blank: bool = False) -> str:
        if style.line_end != "mixed":
            return style.line_end
        # After a lone CR, a LF would not be a line of its own.
        choices = ("\n", "\r\n", "\r")
        if next_is_blank and text.endswith("\r"):
            choices = ("\r", "\r\n", "\r")
        return rng.choice(choices)

    def maybe_blank() -> None:
        nonlocal text, blank
        while style.blank_lines and rng.random() < 0.2:
            text += line_end(next_is_blank=True)
            blank += 1

    for line in style.preamble:
        text += line + line_end()
    if header is not None:
        text += style.delimiter.join(quote(name, style, rng) for name in header)
        if rows or style.final_newline:
            text += line_end()
    for number, row in enumerate(rows):
        if not style.preamble or number > 0:
            maybe_blank()
        raw = style.delimiter.join(quote(cell, style, rng) for cell in row)
        starts.append((len(text), raw))
        text += raw
        if number < len(rows) - 1 or style.final_newline:
            text += line_end()
    if style.final_newline and rows:
        maybe_blank()

    places = tuple(
        Placed(1 + line_ends(text[:at]), len(mark) + len(text[:at].encode(codec)), raw)
        for at, raw in starts
    )
    data = PACKINGS[style.packing][1](mark + text.encode(codec))
    return Rendered(data, text, places, blank, physical_lines(text))


def render_records(records: Sequence[Record], style: Style) -> Rendered:
    """The records, under the header of :data:`HEADER`."""
    rng = random.Random(style.seed)
    as_text = TIME_FORMATS[style.time_format]
    rows = [cells(record, as_text(record.time), rng) for record in records]
    return render(rows, list(HEADER.values()), style)


@dataclass(frozen=True)
class Log:
    """A log on disk: its files, and its records with their places."""

    paths: tuple[Path, ...]
    records: tuple[Record, ...]
    places: Mapping[tuple[str, int], Placed]
    rendered: Mapping[str, Rendered]
    """By the name of the source, as in ``places``."""


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of one example's own."""
    with TemporaryDirectory(prefix="yokome") as name:
        yield Path(name)


def write_log(
    records: Sequence[Record], style: Style, folder: Path, *, files: int = 1, shuffle: bool = False
) -> Log:
    """Write the records into one or several files, in order or not."""
    rng = random.Random(style.seed + 1)
    order = list(records)
    if shuffle:
        rng.shuffle(order)
    shares: list[list[Record]] = [[] for _ in range(files)]
    for record in order:
        shares[rng.randrange(files)].append(record)

    paths: list[Path] = []
    placed_records: list[Record] = []
    places: dict[tuple[str, int], Placed] = {}
    rendered: dict[str, Rendered] = {}
    for number, share in enumerate(shares):
        suffix, _, behind = PACKINGS[style.packing]
        path = folder / f"log{number}{suffix}"
        source = f"{path}{behind}"
        written = render_records(share, replace(style, seed=style.seed + number))
        path.write_bytes(written.data)
        paths.append(path)
        rendered[source] = written
        for record, place in zip(share, written.places, strict=True):
            places[source, place.line] = place
            placed_records.append(replace(record, source=source, line=place.line))
    return Log(tuple(paths), tuple(placed_records), places, rendered)
