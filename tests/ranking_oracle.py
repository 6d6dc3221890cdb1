"""Who and what comes first, by definition: the oracle of ranking.

Every figure is computed from its definition by looking at every other finding; no code is shared
with the engine. It is quadratic and worse: for a few findings.

In: findings (what they are of, how strong, whose), and how much each rule evaluated. Out: shares,
places and the order of users, as fractions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

RAREST_DAYS = 3


@dataclass(frozen=True)
class Evaluated:
    """How much a rule evaluated."""

    key_days: int
    keys: int
    users: int


@dataclass(frozen=True)
class Found:
    """A finding."""

    id: str
    rule: str
    key: str | None
    day: date
    magnitude: float
    users: frozenset[str]
    """The users of its records."""


class RankingOracle:
    """Ranks findings and the users of their records.

    Raises:
        KeyError: a finding's rule is not among those evaluated.
        ValueError: a rule has findings on more key-days, or of more users, than it evaluated.
    """

    def __init__(self, findings: Sequence[Found], evaluated: Mapping[str, Evaluated]) -> None:
        self.findings = findings
        self.evaluated = evaluated
        for rule in {f.rule for f in findings}:
            days = {(f.key, f.day) for f in self.of(rule)}
            if len(days) > evaluated[rule].key_days:
                raise ValueError(f"{len(days)} key-days, evaluated {evaluated[rule].key_days}")
            users = self.flagged(rule)
            if len(users) > evaluated[rule].users:
                raise ValueError(f"{len(users)} users flagged, evaluated {evaluated[rule].users}")

    def of(self, rule: str) -> list[Found]:
        """The findings of a rule."""
        return [f for f in self.findings if f.rule == rule]

    def flagged(self, rule: str) -> set[str]:
        """The users of the findings of a rule."""
        return {user for f in self.of(rule) for user in f.users}

    # --- findings ---

    def days_as_strong(self, finding: Found) -> int:
        """Key-days with a finding of the rule that is at least as strong."""
        return len(
            {(f.key, f.day) for f in self.of(finding.rule) if f.magnitude >= finding.magnitude}
        )

    def share(self, finding: Found) -> Fraction:
        """Of the key-days evaluated."""
        return Fraction(self.days_as_strong(finding), self.evaluated[finding.rule].key_days)

    # --- users ---

    def odds(self, user: str, rule: str) -> Fraction:
        """The product of the shares of the user's three rarest days: 10 to the minus strength."""
        mine = [f for f in self.of(rule) if user in f.users]
        days = [min(self.share(f) for f in mine if f.day == day) for day in {f.day for f in mine}]
        return math.prod(sorted(days)[:RAREST_DAYS], start=Fraction(1))

    def as_strong(self, user: str, rule: str) -> int:
        """Users evaluated by the rule with at least the user's strength, this one included."""
        odds = self.odds(user, rule)
        flagged = self.flagged(rule)
        # Whoever is not flagged has a strength of 0.
        others = self.evaluated[rule].users - len(flagged) if odds == 1 else 0
        return sum(self.odds(other, rule) <= odds for other in flagged) + others

    def standings(self, user: str) -> list[tuple[Fraction, str]]:
        """Places and rules that flagged the user, the most remarkable first."""
        rules = [rule for rule in self.evaluated if user in self.flagged(rule)]
        places = [
            Fraction(self.as_strong(user, rule), self.evaluated[rule].users) for rule in rules
        ]
        # Stable: rules of one place stay in the order of the policy.
        return sorted(zip(places, rules, strict=True), key=lambda standing: standing[0])

    def users(self, names: Mapping[str, str] | None = None) -> list[str]:
        """The users flagged, the first to look at first; `names`: what they read, if other."""
        rules = len(self.evaluated)

        def order(user: str) -> tuple[list[Fraction], str, str]:
            places = [place for place, _ in self.standings(user)]
            places += [Fraction(1)] * (rules - len(places))
            return places, user if names is None else names[user], user

        return sorted({user for f in self.findings for user in f.users}, key=order)


def rarity(share: Fraction) -> float:
    """−log10."""
    return math.log10(share.denominator) - math.log10(share.numerator)
