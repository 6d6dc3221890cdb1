"""The three figures that order a result, by hand and by brute force."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import yokome
from yokome._scan import prepare, run
from yokome.cli import main
from yokome.ranking import Evaluated, Ranking, evaluated_by_rule, rank

MONDAY = dt.datetime(2026, 4, 6, 9, 0, 0)
Row = tuple[str, str, str, str | None, int, float]


def table(rows: Sequence[Row]) -> pa.Table:
    """Findings: id, rule, per, key, day after Monday, magnitude."""
    return pa.table(
        {
            "finding": [r[0] for r in rows],
            "rule": pa.array([r[1] for r in rows]).dictionary_encode(),
            "per": pa.array([r[2] for r in rows], pa.string()).dictionary_encode(),
            "key": pa.array([r[3] for r in rows], pa.string()),
            "first": pa.array([MONDAY + dt.timedelta(days=r[4]) for r in rows], pa.timestamp("ms")),
            "magnitude": pa.array([r[5] for r in rows], pa.float64()),
        }
    )


# --- by hand --------------------------------------------------------------------------------------


def test_rarity_is_the_share_of_days_at_least_as_strong() -> None:
    ranking = rank(
        table(
            [
                ("weak", "r", "user", "a", 0, 3.0),
                ("same-day", "r", "user", "a", 0, 9.0),
                ("tie", "r", "user", "b", 0, 9.0),
                ("next-day", "r", "user", "a", 1, 4.0),
            ]
        ),
        {"r": Evaluated(key_days=1000, keys=20, users=20)},
    )
    # Three key-days: (a, Mon) at 9, (b, Mon) at 9, (a, Tue) at 4.
    assert ranking.shares == {
        "weak": (3, 1000),
        "same-day": (2, 1000),
        "tie": (2, 1000),
        "next-day": (3, 1000),
    }
    assert ranking.rarity("tie") == pytest.approx(-math.log10(2 / 1000))
    assert ranking.findings == ("same-day", "tie", "weak", "next-day")


def test_a_rule_that_flags_everybody_sinks() -> None:
    everybody = [(f"e{n}", "all", "user", f"u{n}", 0, 99.0) for n in range(10)]
    ranking = rank(
        table([*everybody, ("one", "rare", "user", "u9", 0, 1.0)]),
        {"all": Evaluated(10, 10, 10), "rare": Evaluated(10, 10, 10)},
    )
    assert ranking.findings[0] == "one"
    assert ranking.rarity("e0") == 0.0
    assert math.copysign(1, ranking.rarity("e0")) == 1
    first, *rest = ranking.users
    assert first.user == "u9"
    assert first.priority == pytest.approx(1.0)
    assert [(r.user, r.priority) for r in rest] == [(f"u{n}", 0.0) for n in range(9)]


def test_strength_is_of_the_three_rarest_days() -> None:
    rows: list[Row] = [(f"a{d}", "r", "user", "a", d, 10.0 - d) for d in range(4)]
    ranking = rank(table(rows), {"r": Evaluated(100, 10, 10)})
    (user,) = ranking.users
    expected = -math.log10(1 / 100) - math.log10(2 / 100) - math.log10(3 / 100)
    assert user.standings[0].strength == pytest.approx(expected)
    assert (user.standings[0].as_strong, user.standings[0].users) == (1, 10)


def test_two_findings_of_a_day_are_one_day() -> None:
    rows: list[Row] = [("x", "r", "user", "a", 0, 5.0), ("y", "r", "user", "a", 0, 4.0)]
    (user,) = rank(table(rows), {"r": Evaluated(100, 10, 10)}).users
    assert user.standings[0].strength == pytest.approx(2.0)


def test_priority_is_the_largest_and_ties_go_to_the_next_then_the_user() -> None:
    evaluated = {"p": Evaluated(100, 10, 10), "q": Evaluated(100, 100, 100)}
    rows: list[Row] = [
        ("1", "p", "user", "c", 0, 1.0),
        ("2", "p", "user", "b", 0, 1.0),
        ("3", "p", "user", "a", 0, 1.0),
        ("4", "q", "user", "c", 0, 1.0),
        ("5", "q", "user", "d", 0, 2.0),
        ("6", "q", "user", "e", 0, 2.0),
    ]
    ranking = rank(table(rows), evaluated)
    # d, e: 2/100. c: 3/100 in q, 3/10 in p. a, b: 3/10.
    assert [u.user for u in ranking.users] == ["d", "e", "c", "a", "b"]
    assert [s.rule for s in ranking.users[2].standings] == ["q", "p"]
    assert ranking.users[2].priority == pytest.approx(-math.log10(3 / 100))


def test_a_finding_of_another_key_counts_for_the_users_of_its_records() -> None:
    rows: list[Row] = [("t", "r", "terminal", "PC1", 0, 5.0)]
    evaluated = {"r": Evaluated(key_days=50, keys=5, users=40)}
    members = [("t", "a"), ("t", "b"), ("t", "a"), ("t", None)]
    ranking = rank(table(rows), evaluated, members)
    assert [(u.user, u.standings[0].place) for u in ranking.users] == [
        ("a", Fraction(2, 40)),
        ("b", Fraction(2, 40)),
    ]
    assert rank(table(rows), evaluated).users == ()


def test_equal_products_are_equal_strengths_whatever_the_floats_say() -> None:
    # One user has days at 1 and 6, the other at 2 and 3: the same product.
    rows: list[Row] = [
        ("1", "r", "user", "a", 0, 10.0),
        ("2", "r", "user", "b", 0, 9.0),
        ("3", "r", "user", "b", 1, 8.0),
        ("4", "r", "user", "z", 0, 7.0),
        ("5", "r", "user", "y", 0, 6.0),
        ("6", "r", "user", "a", 1, 5.0),
    ]
    ranking = rank(table(rows), {"r": Evaluated(977, 30, 30)})
    standing = {u.user: u.standings[0] for u in ranking.users}
    assert standing["a"].as_strong == standing["b"].as_strong == 2
    assert standing["a"].strength == standing["b"].strength


def test_records_without_user_rank_nobody_but_are_ranked_themselves() -> None:
    ranking = rank(table([("n", "r", "user", None, 0, 1.0)]), {"r": Evaluated(10, 3, 2)})
    assert ranking.findings == ("n",)
    assert ranking.users == ()


def test_figures_that_cannot_be_are_errors() -> None:
    rows: list[Row] = [("1", "r", "user", "a", 0, 1.0), ("2", "r", "user", "b", 0, 1.0)]
    with pytest.raises(KeyError):
        rank(table(rows), {})
    with pytest.raises(ValueError, match="2 key-days, evaluated 1"):
        rank(table(rows), {"r": Evaluated(1, 2, 2)})
    with pytest.raises(ValueError, match="2 users flagged, evaluated 1"):
        rank(table(rows), {"r": Evaluated(2, 2, 1)})


def test_no_findings_no_ranks() -> None:
    empty: Sequence[Row] = []
    assert rank(table(empty), {"r": Evaluated(0, 0, 0)}) == Ranking({}, (), ())


def test_the_figures_are_read_from_the_core_or_there_are_none() -> None:
    class Native:
        def evaluated_days(self) -> pa.Table:
            return pa.table({"rule": ["r"], "key_days": [48_213], "keys": [300], "users": [300]})

    assert evaluated_by_rule(Native()) == {"r": Evaluated(48_213, 300, 300)}
    assert evaluated_by_rule(object()) is None


# --- by brute force -------------------------------------------------------------------------------

findings_rows = st.lists(
    st.tuples(
        st.sampled_from(["p", "q", "t"]),
        st.sampled_from([None, "a", "b", "c", "d"]),
        st.integers(0, 4),
        st.sampled_from([1.0, 2.0, 2.5, 7.0]),
        st.sets(st.sampled_from(["a", "b", "c", "x"])),
    ),
    max_size=25,
)


@given(findings_rows, st.integers(0, 3))
def test_the_ranking_is_that_of_the_definition(
    drawn: list[tuple[str, str | None, int, float, set[str]]], spare: int
) -> None:
    rows: list[Row] = [
        (f"f{n}", rule, "terminal" if rule == "t" else "user", key, day, magnitude)
        for n, (rule, key, day, magnitude, _) in enumerate(drawn)
    ]
    members = [
        (f"f{n}", user)
        for n, (rule, _, _, _, users) in enumerate(drawn)
        for user in users
        if rule == "t"
    ]
    evaluated = {rule: Evaluated(25 + spare, 5, 5 + spare) for rule in ("p", "q", "t")}
    ranking = rank(table(rows), evaluated, members)

    def share(row: Row) -> Fraction:
        days = {(r[3], r[4]) for r in rows if r[1] == row[1]}
        strong = sum(
            max(r[5] for r in rows if (r[1], r[3], r[4]) == (row[1], *day)) >= row[5]
            for day in days
        )
        return Fraction(strong, 25 + spare)

    assert {i: Fraction(*s) for i, s in ranking.shares.items()} == {r[0]: share(r) for r in rows}
    assert list(ranking.findings) == [r[0] for r in sorted(rows, key=share)]

    def users_of(row: Row) -> set[str]:
        if row[2] == "user":
            return {row[3]} if row[3] is not None else set()
        return {u for i, u in members if i == row[0]}

    def chance(user: str, rule: str) -> Fraction:
        mine = [r for r in rows if r[1] == rule and user in users_of(r)]
        rarest = sorted(min(share(r) for r in mine if r[4] == day) for day in {r[4] for r in mine})
        return math.prod(rarest[:3], start=Fraction(1))

    everybody = ["a", "b", "c", "d", "x", "1", "2", "3"][: 5 + spare]

    def places(user: str) -> list[Fraction]:
        return sorted(
            Fraction(sum(chance(u, r) <= chance(user, r) for u in everybody), len(everybody))
            for r in evaluated
        )

    flagged = {u for r in rows for u in users_of(r)}
    expected: list[Any] = sorted(flagged, key=lambda u: (places(u), u))
    assert [u.user for u in ranking.users] == expected
    for user in ranking.users:
        assert user.standings[0].place == places(user.user)[0]
        for standing in user.standings:
            odds = chance(user.user, standing.rule)
            assert standing.strength == pytest.approx(-math.log10(odds))


# --- in a result ----------------------------------------------------------------------------------

LOG = """日時,職員番号,端末番号,操作内容,処理結果
2026/04/06 09:00:00,a,PC1,検索,失敗
2026/04/06 09:01:00,b,PC1,検索,失敗
2026/04/07 09:00:00,a,PC2,検索,失敗
2026/04/07 09:01:00,a,PC2,検索,失敗
2026/04/07 09:02:00,c,PC1,検索,成功
2026/04/07 09:03:00,,PC1,検索,失敗
"""
POLICY = """
[[rules]]
id = "failed"
kind = "match"
where = { result = "failure" }
[[rules]]
id = "shared-terminal"
kind = "distinct"
per = "terminal"
field = "user"
window = "1h"
at_least = 2
"""
EVALUATED = {"failed": Evaluated(5, 4, 3), "shared-terminal": Evaluated(3, 2, 3)}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yokome.ranking.evaluated_by_rule", lambda native: EVALUATED)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text(LOG, encoding="utf-8")
    return path


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize("streamed", [False, True])
def test_a_result_is_in_the_order_of_its_ranking(log: Path, streamed: bool) -> None:
    batches: list[Any] = []
    result = run(
        log, prepare(yokome.Policy.from_toml(POLICY)), sink=batches.append if streamed else None
    )
    findings = result.findings.to_pylist()
    # Two failures of a on Tuesday: 1 of 5. A terminal of two users: 1 of 3. One failure: 4 of 5.
    assert [(f["rule"], f["key"], f["days_as_strong"], f["days_evaluated"]) for f in findings] == [
        ("failed", "a", 1, 5),
        ("shared-terminal", "PC1", 1, 3),
        ("failed", "a", 4, 5),
        ("failed", "b", 4, 5),
        ("failed", None, 4, 5),
    ]
    assert findings[0]["rarity"] == pytest.approx(-math.log10(1 / 5))
    by_user = result.by_user.to_pylist()
    assert [
        (r["user"], r["rule"], r["users_as_strong"], r["users_evaluated"]) for r in by_user
    ] == [
        ("b", "shared-terminal", 1, 3),  # both are 1 of 3 at best; b's next is 2 of 3
        ("b", "failed", 2, 3),
        ("a", "failed", 1, 3),
        (None, "failed", None, None),
    ]
    assert by_user[0]["priority"] == pytest.approx(math.log10(3))
    assert by_user[-1]["priority"] is None


@pytest.mark.usefixtures("counted")
def test_the_summary_names_what_to_look_at_first(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY, encoding="utf-8")
    words = ["scan", str(log), "--policy", str(policy), "--lang", "ja", "--top", "1"]
    assert main(words) == 0
    out = capsys.readouterr().out
    first = out[out.index("まず確認するもの") :].split("\n")
    assert first[1].startswith("   1. 職員 aについて、2026年4月7日（火）09:00:00から")
    assert first[2] == "      同様以上の事象は延べ 5 人日のうち 1 人日です。"
    assert "   2. " not in out


@pytest.mark.usefixtures("counted")
def test_summary_json_names_users_by_priority(log: Path) -> None:
    from yokome.summary_json import summary_json

    result = yokome.scan(log, yokome.Policy.from_toml(POLICY))
    top = json.loads(summary_json(result))["top_users"]
    assert [row["user"] for row in top] == ["b", "a", None]


@pytest.mark.usefixtures("counted")
def test_an_explanation_says_how_rare_it_is(log: Path) -> None:
    result = yokome.scan(log, yokome.Policy.from_toml(POLICY))
    rarest = result.findings.column("finding")[0].as_py()
    text = str(result.explain(rarest, "ja"))
    assert "同様以上の事象は延べ 5 人日のうち 1 人日です。" in text
