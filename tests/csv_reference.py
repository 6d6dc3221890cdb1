"""How a log's text falls into records: a slow automaton that says each rule once.

* A line ends with LF, CRLF or a lone CR; outside quotes that ends a record too.
* ``"`` is special only as the first character of a field; ``""`` inside is a quote; text after
  the closing quote is appended literally, up to the next delimiter or line end.
* A line with nothing on it is blank, not a record.
* A quoted field still open at the end of the text: the physical line on which its record began is
  rejected, and reading goes on with the next physical line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Row:
    """A record as it stands: ``fields`` is ``None`` when its quote never closes."""

    line: int
    start: int
    raw: str
    fields: tuple[str, ...] | None


@dataclass(frozen=True)
class Blank:
    """A line with nothing on it."""

    line: int


def line_ends(text: str) -> int:
    """How many physical lines end in the text."""
    return len(LINE_END.findall(text))


def physical_lines(text: str) -> int:
    """How many physical lines the text has; the last one need not end."""
    unfinished = text != "" and text[-1] not in "\r\n"
    return line_ends(text) + unfinished


def parse(text: str, delimiter: str = ",") -> Iterator[Row | Blank]:
    """Every row and blank line of the text, in order."""
    at = 0
    while at < len(text):
        line = 1 + line_ends(text[:at])
        ending = LINE_END.match(text, at)
        if ending:
            yield Blank(line)
            at = ending.end()
            continue
        fields, stop = one_record(text, at, delimiter)
        if fields is None:
            ending = LINE_END.search(text, at)
            stop = ending.start() if ending else len(text)
        yield Row(line, at, text[at:stop], fields)
        ending = LINE_END.match(text, stop)
        at = ending.end() if ending else stop


def one_record(text: str, at: int, delimiter: str) -> tuple[tuple[str, ...] | None, int]:
    """The fields of the record that starts at ``at``, and where it stops."""
    fields: list[str] = []
    while True:
        value, at = one_field(text, at, delimiter)
        if value is None:
            return None, at
        fields.append(value)
        if at == len(text) or text[at] in "\r\n":
            return tuple(fields), at
        at += 1  # the delimiter


def one_field(text: str, at: int, delimiter: str) -> tuple[str | None, int]:
    """One field's value, and where it stops; no value when its quote never closes."""
    value = ""
    if text[at : at + 1] == '"':
        at += 1
        while True:
            if at == len(text):
                return None, at
            if text[at : at + 2] == '""':
                value += '"'
                at += 2
            elif text[at] == '"':
                at += 1
                break
            else:
                value += text[at]
                at += 1
    while at < len(text) and text[at] != delimiter and text[at] not in "\r\n":
        value += text[at]
        at += 1
    return value, at
