"""The benchmark's log and its other forms, made once per size and kept in ``target/bench``."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import zstandard
from benches.measure import BLOCK, ROOT

from yokome import _yokome

CACHE = ROOT / "target" / "bench"

DAYS = 90
RECORDS_PER_USER = 10_000
SEED = 1


@dataclass(frozen=True)
class Size:
    """How many records, as it was written and as a number."""

    name: str
    records: int

    @classmethod
    def of(cls, text: str) -> Size:
        """``200k``, ``2M``, ``1500000``."""
        unit = {"k": 1_000, "m": 1_000_000}.get(text[-1:].lower())
        digits = text[:-1] if unit else text
        if not digits.isdecimal() or int(digits) == 0:
            raise ValueError(f"{text!r} is no size: 200k, 2M or 20M, for example")
        return cls(text, int(digits) * (unit or 1))

    @property
    def users(self) -> int:
        """As many as keep a user's day at some hundred and fifty records, at every size."""
        return max(20, self.records // RECORDS_PER_USER)


def _synth(path: Path, records: int, users: int) -> None:
    _yokome.synth(str(path), None, records, users, DAYS, SEED, "utf-8", columns="eight", crlf=False)


def _fingerprint() -> str:
    """Of the generator: another one does not find the logs of this."""
    path = CACHE / "sample.csv"
    _synth(path, 5_000, 20)
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


def _made(path: Path, make: Callable[[Path], None]) -> Path:
    """The file at `path`, whole or not at all."""
    if not path.exists():
        part = path.with_suffix(".part")
        make(part)
        part.replace(path)
    return path


def log(size: Size) -> Path:
    """The log: eight columns, UTF-8, LF, nothing quoted, in time order."""
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / f"log-{size.records}-{_fingerprint()}.csv"
    return _made(path, lambda part: _synth(part, size.records, size.users))


def _blocks(path: Path) -> Iterator[bytes]:
    """The file, in whole lines."""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block + file.readline()


def _quoted(block: bytes) -> bytes:
    inside = block.removesuffix(b"\n").replace(b",", b'","').replace(b"\n", b'"\n"')
    return b'"' + inside + b'"\n'


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "utf-8": bytes,
    "crlf": lambda block: block.replace(b"\n", b"\r\n"),
    "tsv": lambda block: block.replace(b",", b"\t"),
    "quoted": _quoted,
    "cp932": lambda block: block.decode().encode("cp932"),
    "gzip": bytes,
    "zstd": bytes,
    "zip": bytes,
}

ENDINGS = {"tsv": ".tsv", "gzip": ".csv.gz", "zstd": ".csv.zst", "zip": ".zip"}


def form(path: Path, name: str) -> Path:
    """The log at `path` in another form."""
    if name == "utf-8":
        return path

    def make(part: Path) -> None:
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(_compressed(part, name, stack))
            for block in _blocks(path):
                out.write(FORMS[name](block))

    ending = ENDINGS.get(name, ".csv")
    return _made(path.with_name(f"{path.stem}-{name}{ending}"), make)


def _compressed(part: Path, name: str, stack: contextlib.ExitStack) -> IO[bytes]:
    """A file to write into, at the level that each program uses by itself."""
    if name == "gzip":
        return cast(IO[bytes], gzip.open(part, "wb", 6))
    if name == "zstd":
        return cast(IO[bytes], zstandard.open(part, "wb"))
    if name == "zip":
        archive = stack.enter_context(zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED))
        return archive.open("log.csv", "w", force_zip64=True)
    return part.open("wb")
