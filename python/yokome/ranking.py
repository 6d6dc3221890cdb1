"""What is rare comes first: how rare a finding is, and whom to look at first.

In: the ``findings`` table, who was flagged in each, and per rule how much was evaluated. Out: three
figures, each a share that can be said in words.

*Rarity* of a finding: −log10 of the share of evaluated key-days on which the rule's strongest
finding was at least as strong in ``magnitude``, this one included. A finding is of the day on which
it began, or, if that was in an earlier scan (``continued``), of its last day: shares are over the
period scanned now. A key-day is a key of the rule (a user, as a rule) and a civil day.

*Strength* of a user under a rule: the sum of the rarities of the user's three rarest days under it.
Their *place*: the share of the users evaluated by the rule whose strength is at least theirs.

*Priority* of a user: the largest −log10(place) over the rules; ties are broken by the next largest,
and so on, then by the user id. It is no sum: whoever is remarkable in one thing is not
less so for being ordinary in ten others, and ten weak suspicions are not a strong one.

All comparisons are of whole numbers, never of logarithms: two machines agree on every tie. The
shares are over what was scanned; with a scope, over the scope.
"""

from __future__ import annotations

import datetime as dt
import math
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Evaluated",
    "Members",
    "Ranking",
    "RuleStanding",
    "UserRank",
    "evaluated_by_rule",
    "rank",
    "ranked_by_user",
    "ranked_findings",
]

_RAREST_DAYS: Final = 3


@dataclass(frozen=True)
class Evaluated:
    """How much a rule evaluated."""

    key_days: int
    """Pairs of key and civil day on which the rule could judge the key's records."""
    keys: int
    """Keys with such a day."""
    users: int
    """Users with a record on such a day; `keys` if the rule is per user."""


@dataclass(frozen=True)
class RuleStanding:
    """How a user stands under a rule."""

    rule: str
    strength: float
    as_strong: int
    """Users evaluated by the rule with at least this strength, this one included."""
    users: int
    """Users evaluated by the rule."""

    @property
    def place(self) -> Fraction:
        """`as_strong` of `users`."""
        return Fraction(self.as_strong, self.users)


@dataclass(frozen=True)
class UserRank:
    """A user among those flagged, and what puts them there."""

    user: str
    standings: tuple[RuleStanding, ...]
    """By place, the most remarkable first, then in the order of the policy."""

    @property
    def priority(self) -> float:
        """The largest −log10(place)."""
        return _rarity(self.standings[0].place)


@dataclass(frozen=True)
class Ranking:
    """The order in which to look at things."""

    shares: Mapping[str, tuple[int, int]]
    """Of a finding, by id: key-days at least as strong, key-days evaluated."""
    findings: tuple[str, ...]
    """Ids of all findings, the rarest first; ties stay in the order of the table."""
    users: tuple[UserRank, ...]
    """The users flagged, the first to look at first."""

    def rarity(self, finding: str) -> float:
        """−log10 of the finding's share."""
        return _rarity(Fraction(*self.shares[finding]))


def evaluated_by_rule(native: Any) -> dict[str, Evaluated] | None:
    """The core's figures of how much each rule evaluated.

    The one place where they are read: the table ``evaluated_days`` with the columns ``rule``
    (utf8), ``key_days``, ``keys``, ``users`` (uint64), a row per rule. None from a core that does
    not count them: then nothing is ranked. What they count: docs/design.md.
    """
    fetch = getattr(native, "evaluated_days", None)
    if fetch is None:
        return None
    import pyarrow as pa

    rows = pa.RecordBatchReader.from_stream(fetch()).read_all().to_pylist()
    return {row["rule"]: Evaluated(row["key_days"], row["keys"], row["users"]) for row in rows}


def rank(
    findings: pa.Table,
    evaluated: Mapping[str, Evaluated],
    members: Iterable[tuple[str, str | None]] = (),
    *,
    keys: Sequence[int] | None = None,
) -> Ranking:
    """Rank findings and users.

    Args:
        findings: the table ``findings``: of its columns ``finding``, ``rule``, ``per``, ``key``,
            ``first`` and ``magnitude``, and of ``continued`` and ``last`` where they are there.
        evaluated: by rule, how much it evaluated.
        members: pairs of finding and user for the findings of rules whose ``per`` is not the user:
            the users of its flagged records, repeated or not. Without them these findings count
            for nobody.
        keys: of each finding, which key it is of, if keys that differ may read the same (masked).

    Raises:
        KeyError: a finding's rule is not in `evaluated`.
        ValueError: a rule has findings on more key-days, or of more users, than it evaluated.
    """
    columns = ("finding", "rule", "per", "key", "magnitude")
    rows = [
        _Finding(i, r, per == "user", key, day, magnitude)
        for i, r, per, key, magnitude, day in zip(
            *(findings.column(name).to_pylist() for name in columns), _days(findings), strict=True
        )
    ]
    if keys is not None:
        rows = [replace(row, which=which) for row, which in zip(rows, keys, strict=True)]
    by_rule: dict[str, list[_Finding]] = defaultdict(list)
    for row in rows:
        by_rule[row.rule].append(row)
    counts: dict[str, int] = {}
    for rule, of_rule in by_rule.items():
        counts.update(_days_as_strong(of_rule, evaluated[rule]))
    shares = {row.id: (counts[row.id], evaluated[row.rule].key_days) for row in rows}
    place = _places(shares.values())
    order = sorted(rows, key=lambda row: place[shares[row.id]])
    return Ranking(
        shares=shares,
        findings=tuple(row.id for row in order),
        users=_users(by_rule, counts, evaluated, members),
    )


class Members:
    """The users of the findings of rules whose ``per`` is not the user, from flagged rows.

    Takes the batches of a scan's sink, None for a new start, as the sink does.
    """

    def __init__(self, rules: Sequence[Mapping[str, Any]]) -> None:
        self._rules = {rule["id"] for rule in rules if rule.get("per", "user") != "user"}
        self.pairs: set[tuple[str, str | None]] = set()

    @property
    def needed(self) -> bool:
        """Whether there is any such rule."""
        return bool(self._rules)

    def add(self, batch: Any) -> None:
        """Take the flagged rows of a batch (anything with ``__arrow_c_stream__``)."""
        import pyarrow as pa

        if batch is None:
            self.pairs.clear()
            return
        if not self._rules:
            return
        table = pa.RecordBatchReader.from_stream(batch).read_all()
        columns = (table.column(name).to_pylist() for name in ("rule", "finding", "user"))
        self.pairs.update(
            (finding, user)
            for rule, finding, user in zip(*columns, strict=True)
            if rule in self._rules
        )


def ranked_findings(table: pa.Table, ranking: Ranking) -> pa.Table:
    """The findings, the rarest first, with ``rarity``, ``days_as_strong``, ``days_evaluated``."""
    place = {finding: n for n, finding in enumerate(ranking.findings)}
    ids = table.column("finding").to_pylist()
    order = sorted(range(len(ids)), key=lambda n: place[ids[n]])
    shares = [ranking.shares[ids[n]] for n in order]
    rarities = {share: _rarity(Fraction(*share)) for share in set(shares)}
    return _with_columns(
        table.take(_integers(order)),
        rarity=_reals([rarities[share] for share in shares]),
        days_as_strong=_integers([share[0] for share in shares]),
        days_evaluated=_integers([share[1] for share in shares]),
    )


def ranked_by_user(table: pa.Table, ranking: Ranking) -> pa.Table:
    """Users and rules by the users' priority, then the user's place under the rule.

    With ``priority`` of the user, and of the user under the rule ``strength``, ``users_as_strong``,
    ``users_evaluated``. Users without priority (the empty one) come last.
    """
    keys = list(zip(*(table.column(name).to_pylist() for name in ("user", "rule")), strict=True))
    standings: dict[tuple[str | None, str], tuple[int, int, UserRank, RuleStanding]] = {
        (user.user, standing.rule): (at, within, user, standing)
        for at, user in enumerate(ranking.users)
        for within, standing in enumerate(user.standings)
    }
    nowhere = len(ranking.users)
    places = [standings[key][:2] if key in standings else (nowhere, 0) for key in keys]
    order = sorted(range(len(keys)), key=lambda n: places[n])
    found = [standings.get(keys[n]) for n in order]
    return _with_columns(
        table.take(_integers(order)),
        priority=_reals([f and f[2].priority for f in found]),
        strength=_reals([f and f[3].strength for f in found]),
        users_as_strong=_integers([f and f[3].as_strong for f in found]),
        users_evaluated=_integers([f and f[3].users for f in found]),
    )


def _integers(values: Sequence[int | None]) -> pa.Array:
    import pyarrow as pa

    return _numbers("q", pa.int64(), values)


def _reals(values: Sequence[float | None]) -> pa.Array:
    import pyarrow as pa

    return _numbers("d", pa.float64(), values)


def _numbers(code: str, type: pa.DataType, values: Sequence[float | None]) -> pa.Array:
    """A column by its buffers: ``pa.array`` would load pandas where it is installed."""
    import pyarrow as pa

    valid = bytearray((len(values) + 7) // 8)
    for n, value in enumerate(values):
        if value is not None:
            valid[n // 8] |= 1 << n % 8
    data = array(code, [0 if value is None else value for value in values])
    buffers = [pa.py_buffer(bytes(valid)), pa.py_buffer(data)]
    return pa.Array.from_buffers(type, len(values), buffers)


def _with_columns(table: pa.Table, **columns: pa.Array) -> pa.Table:
    for name, values in columns.items():
        table = table.append_column(name, values)
    return table


@dataclass(frozen=True)
class _Finding:
    id: str
    rule: str
    of_user: bool
    key: str | None
    day: dt.date
    magnitude: float
    which: int | None = None
    """Tells keys apart that read the same."""


def _days(findings: pa.Table) -> list[dt.date]:
    """The day that each finding is of."""
    first = [time.date() for time in findings.column("first").to_pylist()]
    if "continued" not in findings.column_names:
        return first
    last = [time.date() for time in findings.column("last").to_pylist()]
    continued = findings.column("continued").to_pylist()
    return [
        ends if goes_on else begins
        for begins, ends, goes_on in zip(first, last, continued, strict=True)
    ]


def _days_as_strong(findings: Sequence[_Finding], evaluated: Evaluated) -> dict[str, int]:
    """Of each finding of a rule, the key-days whose strongest finding is at least as strong."""
    strongest: dict[tuple[int | str | None, dt.date], float] = {}
    for f in findings:
        at = (f.key if f.which is None else f.which, f.day)
        strongest[at] = max(f.magnitude, strongest.get(at, -math.inf))
    if len(strongest) > evaluated.key_days:
        raise ValueError(
            f"rule {findings[0].rule}: findings on {len(strongest)} key-days, "
            f"evaluated {evaluated.key_days}"
        )
    magnitudes = sorted(strongest.values())
    return {f.id: len(magnitudes) - bisect_left(magnitudes, f.magnitude) for f in findings}


def _users(
    by_rule: Mapping[str, Sequence[_Finding]],
    counts: Mapping[str, int],
    evaluated: Mapping[str, Evaluated],
    members: Iterable[tuple[str, str | None]],
) -> tuple[UserRank, ...]:
    users_of: dict[str, set[str]] = defaultdict(set)
    for finding, user in members:
        if user is not None:
            users_of[finding].add(user)
    standings: dict[str, list[RuleStanding]] = defaultdict(list)
    for rule, findings in by_rule.items():
        days: dict[str, dict[dt.date, int]] = defaultdict(dict)
        for f in findings:
            whose = ({f.key} if f.key is not None else set()) if f.of_user else users_of[f.id]
            for user in whose:
                days[user][f.day] = min(counts[f.id], days[user].get(f.day, counts[f.id]))
        for user, standing in _standings(rule, days, evaluated[rule]):
            standings[user].append(standing)
    order = {rule: place for place, rule in enumerate(evaluated)}
    ranks = [
        UserRank(user, tuple(sorted(of_user, key=lambda s: (s.place, order[s.rule]))))
        for user, of_user in standings.items()
    ]
    # A rule that did not flag the user is a place of 1: last, and the same for everybody.
    rules = len(evaluated)
    return tuple(
        sorted(
            ranks,
            key=lambda r: (
                [s.place for s in r.standings] + [Fraction(1)] * (rules - len(r.standings)),
                r.user,
            ),
        )
    )


def _standings(
    rule: str, days: Mapping[str, Mapping[dt.date, int]], evaluated: Evaluated
) -> list[tuple[str, RuleStanding]]:
    """How the users flagged by a rule stand; `days` has the key-days as strong of their days."""
    if len(days) > evaluated.users:
        raise ValueError(f"rule {rule}: {len(days)} users flagged, evaluated {evaluated.users}")
    whole = evaluated.key_days
    odds: dict[str, int] = {}
    for user, of_user in days.items():
        rarest = sorted(of_user.values())[:_RAREST_DAYS]
        # The strength is −log10 of odds / whole³: smaller odds, greater strength. A day that is
        # missing counts as one that everybody has.
        odds[user] = math.prod(rarest) * whole ** (_RAREST_DAYS - len(rarest))
    ordered = sorted(odds.values())
    last = {value: place for place, value in enumerate(ordered, 1)}
    nothing = whole**_RAREST_DAYS
    return [
        (
            user,
            RuleStanding(
                rule=rule,
                strength=_rarity(Fraction(value, nothing)),
                # Whoever was not flagged has strength 0, which a strength of 0 does not exceed.
                as_strong=evaluated.users if value == nothing else last[value],
                users=evaluated.users,
            ),
        )
        for user, value in odds.items()
    ]


def _places(shares: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """By share, its place among those there are; equal shares have one place.

    Findings are many and their shares few: fractions are compared once for each of these.
    """
    of_value: dict[Fraction, list[tuple[int, int]]] = defaultdict(list)
    for share in set(shares):
        of_value[Fraction(*share)].append(share)
    return {share: n for n, value in enumerate(sorted(of_value)) for share in of_value[value]}


def _rarity(share: Fraction) -> float:
    """−log10, never −0.0."""
    return math.log10(share.denominator) - math.log10(share.numerator)
