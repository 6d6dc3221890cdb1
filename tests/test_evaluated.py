"""How much a rule evaluated, by definition: what rarity is a share of."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from observe import evaluated_of, found, japanese_holiday, names
from oracle import RULES, Oracle, Record
from ranking_oracle import Evaluated, RankingOracle
from rendering import Style, folder, write_log
from strategies import Case, cases, examples, styles

import yokome


@st.composite
def written(draw: st.DrawFn) -> tuple[Case, Style]:
    """A log, a policy, and a manner of writing that can carry the log."""
    style = draw(styles(millis=False))
    return draw(cases(encoding=style.encoding, millis=False)), style


def by_definition(case: Case) -> dict[str, Evaluated]:
    records, policy = case
    oracle = Oracle(records, policy, holidays=japanese_holiday, columns=None)
    return {rule["id"]: Evaluated(*oracle.evaluated_days(rule)) for rule in policy[RULES]}


def scanned(case: Case, style: Style, **options: Any) -> yokome.ScanResult:
    records, policy = case
    with folder() as place:
        log = write_log(records, style, place, files=1, shuffle=False)
        result = yokome.scan(
            names(log.paths),
            yokome.Policy.from_dict(policy),
            encoding=style.label,
            delimiter=style.delimiter,
            **options,
        )
        assert result.flagged.num_rows == result.overview.flagged  # fetched while the log is there
        return result


@given(written())
def test_no_finding_is_on_a_day_or_of_a_user_that_was_not_evaluated(
    drawn: tuple[Case, Style],
) -> None:
    """The oracle refuses figures smaller than the findings they are to be a share of."""
    case, style = drawn
    result = scanned(case, style)
    ranking = RankingOracle(found(result), by_definition(case))
    for finding in ranking.findings:
        assert 0 < ranking.share(finding) <= 1
    for user in ranking.users():
        assert all(0 < place <= 1 for place, _ in ranking.standings(user))
    for days, of in result.ranking.shares.values():
        assert 1 <= days <= of
    for rank in result.ranking.users:
        assert all(0 < standing.place <= 1 for standing in rank.standings)


@given(written())
def test_the_core_counts_what_each_rule_evaluated(drawn: tuple[Case, Style]) -> None:
    case, style = drawn
    assert evaluated_of(scanned(case, style)) == by_definition(case)


@given(written(), st.integers(1, 3), st.integers(1, 5))
def test_figures_and_order_do_not_depend_on_batches_or_threads(
    drawn: tuple[Case, Style], threads: int, batch_size: int
) -> None:
    """A day that goes on in the next batch is one day."""
    case, style = drawn
    one = scanned(case, style)
    other = scanned(case, style, threads=threads, batch_size=batch_size, chunk_size=64)
    assert evaluated_of(other) == evaluated_of(one)
    assert other.findings.equals(one.findings)
    assert other.by_user.equals(one.by_user)


FIRST = datetime(2026, 4, 6)


@st.composite
def sparse_cases(draw: st.DrawFn) -> Case:
    """Few users on few days, whose records often lack what a rule needs; rules that need it."""
    one = st.builds(
        Record,
        time=st.builds(
            lambda day, hour: FIRST + timedelta(days=day, hours=hour),
            st.integers(0, 7),
            st.sampled_from((0, 9, 10, 12)),
        ),
        user=st.sampled_from(("a", "b", None)),
        terminal=st.sampled_from((None, None, None, "A", "B")),
        result=st.sampled_from(("success", "failure")),
    )
    size = draw(st.integers(4, 24))  # lists alone would mostly be short
    records = draw(st.lists(one, min_size=size, max_size=size))
    least = st.integers(0, 3)
    rules: list[dict[str, Any]] = [
        {"id": "n", "kind": "novelty", "field": "terminal"},
        {"id": "h", "kind": "hours", "at_least": "1h"},
        {"id": "s", "kind": "spike", "at_least": 1, "factor": 1},
    ]
    for rule in rules:
        rule |= {"lookback": draw(st.sampled_from(("2d", "5d"))), "min_active_days": draw(least)}
    rules += [
        {"id": "c", "kind": "count", "window": "1h", "at_least": 2, "by": "terminal"},
        {"id": "d", "kind": "distinct", "window": "1h", "at_least": 1, "field": "terminal"},
    ]
    for rule in rules:
        if draw(st.booleans()):
            rule["where"] = {"result": "failure"}
    calendar = {"country": "JP", "hours": "08:30-17:15"}
    # The bits of the last rules may stand in a second word.
    others = [{"id": f"m{n}", "kind": "match"} for n in range(draw(st.sampled_from((0, 0, 61))))]
    return tuple(records), {"calendar": calendar, RULES: others + rules}


@settings(max_examples=examples(80))
@given(sparse_cases())
def test_a_day_without_what_a_rule_needs_is_not_evaluated(case: Case) -> None:
    assert evaluated_of(scanned(case, Style())) == by_definition(case)


@settings(max_examples=examples(60))
@given(sparse_cases(), st.integers(1, 7))
def test_the_days_of_earlier_months_are_history_and_not_counted(case: Case, days: int) -> None:
    records, policy = case
    midnight = FIRST + timedelta(days=days)
    before = tuple(r for r in records if r.time < midnight)
    after = tuple(r for r in records if r.time >= midnight)
    assume(before and after)
    with folder() as place:
        state = str(place / "state")
        scanned((before, policy), Style(), state=state)
        counted = evaluated_of(scanned((after, policy), Style(), state=state))
    scope = {"from": midnight.date().isoformat()}
    assert counted == by_definition((records, {**policy, "scope": scope}))


def test_a_key_day_is_counted_once_and_a_day_without_history_never(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    lines = ["日時,職員番号,端末番号,処理結果"]
    for day, terminal in enumerate(["t1", "t1", "t2", "t1"], 1):
        lines += [f"2026/04/{day:02} {hour}:00:00,a,{terminal},成功" for hour in (9, 10, 11)]
    lines += ["2026/04/04 12:00:00,b,t1,成功", "2026/04/04 12:30:00,,t1,成功"]
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    lookback = {"lookback": "30d", "min_active_days": 2}
    rules: list[dict[str, Any]] = [
        {"id": "fails", "kind": "match", "where": {"result": "failure"}},
        {"id": "new", "kind": "novelty", "field": "terminal", **lookback},
        {"id": "many", "kind": "count", "window": "1h", "at_least": 9, "by": "subject"},
        {"id": "hand", "kind": "count", "window": "1h", "at_least": 2, "per": "terminal"},
    ]
    policy = yokome.Policy.from_dict({"rules": [rule | {"optional": True} for rule in rules]})
    for batch_size in (1, 2, 100):
        result = yokome.scan(log, policy, batch_size=batch_size)
        assert evaluated_of(result) == {
            # Four days of a, one of b, one of nobody, who is no user; no failure on any of them.
            "fails": Evaluated(6, 3, 2),
            # The third and fourth day of a.
            "new": Evaluated(2, 1, 1),
            # No column for it.
            "many": Evaluated(0, 0, 0),
            # t1 on three days, t2 on one; a and b.
            "hand": Evaluated(4, 2, 2),
        }


def test_a_scan_that_ranks_loads_no_pandas(tmp_path: Path) -> None:
    """Half a second of a command that takes one."""
    program = (
        "import sys, yokome.cli\n"
        "yokome.cli.main(['scan', sys.argv[1], '--out', sys.argv[2]])\n"
        "assert 'pandas' not in sys.modules\n"
    )
    example = resources.files("yokome") / "examples" / "ppc_example.csv"
    done = subprocess.run(
        [sys.executable, "-c", program, str(example), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
