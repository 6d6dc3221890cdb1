"""What is rare comes first: how rare a finding is, and whom to look at first.

The core ranks (``src/findings/ranking.rs``): its tables ``findings`` and ``by_user`` come in order,
with the figures. Here they are Python values, made when they are asked for.

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

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Ranking", "RuleStanding", "UserRank"]


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


class Ranking:
    """The order in which to look at things."""

    def __init__(self, findings: pa.Table, by_user: pa.Table, users: Sequence[int]) -> None:
        """Take the tables of a result, and of each row of `by_user` which user it is of."""
        self._findings = findings
        self._by_user = by_user
        self._users = users

    @cached_property
    def shares(self) -> Mapping[str, tuple[int, int]]:
        """Of a finding, by id: key-days at least as strong, key-days evaluated."""
        columns = ("days_as_strong", "days_evaluated")
        pairs = zip(*(self._findings.column(name).to_pylist() for name in columns), strict=True)
        return dict(zip(self.findings, pairs, strict=True))

    @cached_property
    def findings(self) -> tuple[str, ...]:
        """Ids of all findings, the rarest first; ties stay in the order of the table."""
        return tuple(self._findings.column("finding").to_pylist())

    @cached_property
    def users(self) -> tuple[UserRank, ...]:
        """The users flagged, the first to look at first."""
        ranks: dict[int, tuple[str, list[RuleStanding]]] = {}
        for which, row in zip(self._users, self._by_user.to_pylist(), strict=True):
            if row["strength"] is None:
                continue
            _, standings = ranks.setdefault(which, (row["user"], []))
            figures = ("rule", "strength", "users_as_strong", "users_evaluated")
            standings.append(RuleStanding(*(row[name] for name in figures)))
        return tuple(UserRank(user, tuple(standings)) for user, standings in ranks.values())

    def rarity(self, finding: str) -> float:
        """−log10 of the finding's share."""
        return _rarity(Fraction(*self.shares[finding]))


def _rarity(share: Fraction) -> float:
    """−log10, never −0.0."""
    return math.log10(share.denominator) - math.log10(share.numerator)
