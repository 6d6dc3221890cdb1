"""Which Individual Numbers a column holds, said once more and as slowly as possible.

Written from the documents (``docs/en/individual-numbers.md``) and from the ministry's ordinance,
not from the engine, with which it shares nothing. In: the cells of a column as Python reads them.
Out: how they are told, how many there are, and which is the first.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

DIGITS = {c: n for row in ("0123456789", "０１２３４５６７８９") for n, c in enumerate(row)}
SIGNS = "-‐‑–−－ー \u3000"
NAMES = ("個人番号", "マイナンバー", "mynumber", "individualnumber", "individualno")
MOST_OTHERS = 256


@dataclass(frozen=True)
class Told:
    """What is reported of a column."""

    kind: str
    values: int
    first: int
    """Position of the first among the cells."""


def checks(digits: Sequence[int]) -> bool:
    """Whether twelve digits end in the check digit of the other eleven."""
    total = 0
    for n in range(1, 12):
        p = digits[11 - n]  # P1 is the last of the eleven
        total += p * (n + 1 if n <= 6 else n - 5)
    rest = total % 11
    return digits[11] == (0 if rest <= 1 else 11 - rest)


def numbers(text: str) -> list[tuple[int, int, int]]:
    """Begin, end and value of the numbers that check and stand by themselves."""
    runs: list[tuple[int, int]] = []
    at = 0
    while at < len(text):
        end = at
        while end < len(text) and text[end] in DIGITS:
            end += 1
        if end > at:
            runs.append((at, end))
        at = max(end, at + 1)

    def sign(n: int) -> str | None:
        """The sign that joins run n and the next, if both are of four digits."""
        if not 0 <= n < len(runs) - 1:
            return None
        (a, b), (c, d) = runs[n], runs[n + 1]
        between = text[b:c]
        joins = b - a == d - c == 4 and len(between) == 1 and between in SIGNS
        return between if joins else None

    found = []
    for n, (a, b) in enumerate(runs):
        spans = [(a, b)] if b - a == 12 else []
        s = sign(n)
        if s and sign(n + 1) == s and s not in (sign(n - 1), sign(n + 2)):
            spans = [(a, runs[n + 2][1])]
        for begin, end in spans:
            digits = [DIGITS[c] for c in text[begin:end] if c in DIGITS]
            if checks(digits):
                found.append((begin, end, int("".join(map(str, digits)))))
    return found


def named(text: str) -> bool:
    """Whether a text speaks of Individual Numbers."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", text) if not c.isspace())
    plain = plain.lower().replace("_", "").replace("-", "")
    return any(name in plain for name in NAMES)


def told(header: str, cells: Sequence[str]) -> Told | None:
    """What is to be reported of a column, of all its cells."""
    values = [(at, cell.strip()) for at, cell in enumerate(cells) if cell.strip()]
    whole: dict[int, int] = {}
    texts: list[int] = []
    others: set[str] = set()
    for at, text in values:
        found = numbers(text)
        if [(a, b) for a, b, _ in found] == [(0, len(text))]:
            whole[at] = found[0][2]
            continue
        others.add(text)
        if any(named(text[max(0, a - 24) : a]) or named(text[b : b + 12]) for a, b, _ in found):
            texts.append(at)
    distinct = len(set(whole.values()))
    one, all_ = distinct, distinct + len(others)
    if len(others) > MOST_OTHERS:
        one, all_ = len(whole), len(values)
    nearly_all = distinct >= 5 and 10 * one >= 9 * all_
    half = distinct > 0 and 2 * one >= all_ and named(header)
    if nearly_all or half:
        return Told("column", len(whole), min(whole))
    return Told("text", len(texts), texts[0]) if texts else None
