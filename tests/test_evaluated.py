"""How much a rule evaluated, by definition: what rarity is a share of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from observe import japanese_holiday, names
from oracle import RULES, Oracle
from rendering import Style, folder, write_log
from strategies import Case, cases, styles

import yokome
from yokome.ranking import Evaluated, Members, evaluated_by_rule, rank


@st.composite
def written(draw: st.DrawFn) -> tuple[Case, Style]:
    """A log, a policy, and a manner of writing that can carry the log."""
    style = draw(styles(millis=False))
    return draw(cases(encoding=style.encoding, millis=False)), style


def by_definition(case: Case) -> dict[str, Evaluated]:
    records, policy = case
    oracle = Oracle(records, policy, holidays=japanese_holiday, columns=None)
    return {rule["id"]: Evaluated(*oracle.evaluated_days(rule)) for rule in policy[RULES]}


def scanned(case: Case, style: Style) -> yokome.ScanResult:
    records, policy = case
    with folder() as place:
        log = write_log(records, style, place, files=1, shuffle=False)
        result = yokome.scan(
            names(log.paths),
            yokome.Policy.from_dict(policy),
            encoding=style.label,
            delimiter=style.delimiter,
        )
        assert result.flagged.num_rows == result.overview.flagged  # fetched while the log is there
        return result


@given(written())
def test_no_finding_is_on_a_day_or_of_a_user_that_was_not_evaluated(
    drawn: tuple[Case, Style],
) -> None:
    """`rank` refuses figures smaller than the findings they are to be a share of."""
    case, style = drawn
    result = scanned(case, style)
    members = Members(result.policy.rules)
    members.add(result.flagged)
    figures = by_definition(case)
    ranking = rank(result.findings, figures, members.pairs)
    for days, of in ranking.shares.values():
        assert 1 <= days <= of
    for user in ranking.users:
        assert all(0 < standing.place <= 1 for standing in user.standings)


@given(written())
def test_the_core_counts_what_each_rule_evaluated(drawn: tuple[Case, Style]) -> None:
    case, style = drawn
    counted = evaluated_by_rule(scanned(case, style)._native)
    if counted is None:
        pytest.skip("this core does not count the key-days that a rule evaluated")
    assert counted == by_definition(case)
