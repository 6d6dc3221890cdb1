"""The three figures that order a result: the oracle by hand, and the engine by the oracle."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from observe import evaluated_of, found, names, rows
from oracle import RULES, Record
from ranking_oracle import Evaluated, Found, RankingOracle, rarity
from rendering import Style, folder, write_log
from strategies import FIRST_NIGHT, Case, cases, crowded_cases, examples, styles

import yokome
from yokome._scan import prepare, run
from yokome._yokome import mask
from yokome.cli import main

MONDAY = dt.date(2026, 4, 6)
Row = tuple[str, str, str | None, int, float]


def ranked(
    found: Sequence[Row],
    evaluated: Mapping[str, Evaluated],
    members: Mapping[str, set[str]] | None = None,
) -> RankingOracle:
    """Findings: id, rule, key, day after Monday, magnitude; of a user, unless `members` says."""
    return RankingOracle(
        [
            Found(
                id=i,
                rule=rule,
                key=key,
                day=MONDAY + dt.timedelta(days=day),
                magnitude=magnitude,
                users=frozenset(members[i] if members else () if key is None else (key,)),
            )
            for i, rule, key, day, magnitude in found
        ],
        evaluated,
    )


def order(ranking: RankingOracle) -> list[str]:
    """Findings by rarity."""
    return [f.id for f in sorted(ranking.findings, key=ranking.share)]


# --- the oracle by hand ---------------------------------------------------------------------------


def test_rarity_is_the_share_of_days_at_least_as_strong() -> None:
    ranking = ranked(
        [
            ("weak", "r", "a", 0, 3.0),
            ("same-day", "r", "a", 0, 9.0),
            ("tie", "r", "b", 0, 9.0),
            ("next-day", "r", "a", 1, 4.0),
        ],
        {"r": Evaluated(key_days=1000, keys=20, users=20)},
    )
    # Three key-days: (a, Mon) at 9, (b, Mon) at 9, (a, Tue) at 4.
    assert {f.id: ranking.share(f) for f in ranking.findings} == {
        "weak": Fraction(3, 1000),
        "same-day": Fraction(2, 1000),
        "tie": Fraction(2, 1000),
        "next-day": Fraction(3, 1000),
    }
    assert order(ranking) == ["same-day", "tie", "weak", "next-day"]


def test_a_rule_that_flags_everybody_sinks() -> None:
    everybody: list[Row] = [(f"e{n}", "all", f"u{n}", 0, 99.0) for n in range(10)]
    ranking = ranked(
        [*everybody, ("one", "rare", "u9", 0, 1.0)],
        {"all": Evaluated(10, 10, 10), "rare": Evaluated(10, 10, 10)},
    )
    assert order(ranking)[0] == "one"
    assert ranking.users() == ["u9", *(f"u{n}" for n in range(9))]
    assert ranking.standings("u9") == [(Fraction(1, 10), "rare"), (Fraction(1), "all")]


def test_strength_is_of_the_three_rarest_days() -> None:
    found: list[Row] = [(f"a{d}", "r", "a", d, 10.0 - d) for d in range(4)]
    ranking = ranked(found, {"r": Evaluated(100, 10, 10)})
    assert ranking.odds("a", "r") == Fraction(1 * 2 * 3, 100**3)
    assert ranking.standings("a") == [(Fraction(1, 10), "r")]


def test_two_findings_of_a_day_are_one_day() -> None:
    found: list[Row] = [("x", "r", "a", 0, 5.0), ("y", "r", "a", 0, 4.0)]
    assert ranked(found, {"r": Evaluated(100, 10, 10)}).odds("a", "r") == Fraction(1, 100)


def test_priority_is_the_largest_and_ties_go_to_the_next_then_the_user() -> None:
    evaluated = {"p": Evaluated(100, 10, 10), "q": Evaluated(100, 100, 100)}
    found: list[Row] = [
        ("1", "p", "c", 0, 1.0),
        ("2", "p", "b", 0, 1.0),
        ("3", "p", "a", 0, 1.0),
        ("4", "q", "c", 0, 1.0),
        ("5", "q", "d", 0, 2.0),
        ("6", "q", "e", 0, 2.0),
    ]
    ranking = ranked(found, evaluated)
    # d, e: 2/100. c: 3/100 in q, 3/10 in p. a, b: 3/10.
    assert ranking.users() == ["d", "e", "c", "a", "b"]
    assert ranking.users({"a": "z", **{u: u for u in "bcde"}}) == ["d", "e", "c", "b", "a"]
    assert ranking.standings("c") == [(Fraction(3, 100), "q"), (Fraction(3, 10), "p")]


def test_a_finding_of_another_key_counts_for_the_users_of_its_records() -> None:
    found: list[Row] = [("t", "r", "PC1", 0, 5.0)]
    evaluated = {"r": Evaluated(key_days=50, keys=5, users=40)}
    ranking = ranked(found, evaluated, {"t": {"a", "b"}})
    assert ranking.users() == ["a", "b"]
    assert ranking.standings("b") == [(Fraction(2, 40), "r")]
    assert ranked(found, evaluated, {"t": set()}).users() == []


def test_equal_products_are_equal_strengths() -> None:
    # One user has days at 1 and 6, the other at 2 and 3: the same product.
    found: list[Row] = [
        ("1", "r", "a", 0, 10.0),
        ("2", "r", "b", 0, 9.0),
        ("3", "r", "b", 1, 8.0),
        ("4", "r", "z", 0, 7.0),
        ("5", "r", "y", 0, 6.0),
        ("6", "r", "a", 1, 5.0),
    ]
    ranking = ranked(found, {"r": Evaluated(977, 30, 30)})
    assert ranking.as_strong("a", "r") == ranking.as_strong("b", "r") == 2
    assert ranking.odds("a", "r") == ranking.odds("b", "r")


def test_records_without_user_rank_nobody_but_are_ranked_themselves() -> None:
    ranking = ranked([("n", "r", None, 0, 1.0)], {"r": Evaluated(10, 3, 2)})
    assert order(ranking) == ["n"]
    assert ranking.users() == []


def test_whoever_stands_out_in_nothing_stands_with_all() -> None:
    found: list[Row] = [("x", "r", "a", 0, 1.0)]
    assert ranked(found, {"r": Evaluated(1, 1, 1)}).standings("a") == [(Fraction(1), "r")]
    ranking = ranked(found, {"r": Evaluated(1, 1, 5)})
    assert ranking.as_strong("a", "r") == 5


def test_figures_that_cannot_be_are_errors() -> None:
    found: list[Row] = [("1", "r", "a", 0, 1.0), ("2", "r", "b", 0, 1.0)]
    with pytest.raises(KeyError):
        ranked(found, {})
    with pytest.raises(ValueError, match="2 key-days, evaluated 1"):
        ranked(found, {"r": Evaluated(1, 2, 2)})
    with pytest.raises(ValueError, match="2 users flagged, evaluated 1"):
        ranked(found, {"r": Evaluated(2, 2, 1)})


def test_no_findings_no_ranks() -> None:
    assert ranked([], {"r": Evaluated(0, 0, 0)}).users() == []


# --- the engine by the oracle ---------------------------------------------------------------------


def text_order(value: str | None) -> tuple[bool, str]:
    """Nothing before any text."""
    return value is not None, value or ""


def check(result: yokome.ScanResult, unmasked: yokome.ScanResult | None = None) -> None:
    """A result is ranked as the oracle says; `unmasked` is the same scan without a mask."""
    truth = result if unmasked is None else unmasked
    oracle = RankingOracle(found(truth), evaluated_of(result))
    reads: dict[str, str] = {
        true["user"]: shown["user"]
        for true, shown in zip(rows(truth.flagged), rows(result.flagged), strict=True)
        if true["user"] is not None
    }
    check_findings(result, oracle)
    users = oracle.users(reads)
    check_by_user(result, oracle, users, reads)

    ranking = result.ranking
    assert ranking is not None
    assert [user.user for user in ranking.users] == [reads[user] for user in users]
    for user, rank in zip(users, ranking.users, strict=True):
        standings = oracle.standings(user)
        assert [(s.place, s.rule) for s in rank.standings] == standings
        assert rank.priority == pytest.approx(rarity(standings[0][0]))


def check_findings(result: yokome.ScanResult, oracle: RankingOracle) -> None:
    rules = list(oracle.evaluated)
    by_id = {f.id: f for f in oracle.findings}
    findings = rows(result.findings)
    for row in findings:
        finding = by_id[row["finding"]]
        whole = oracle.evaluated[finding.rule].key_days
        assert (row["days_as_strong"], row["days_evaluated"]) == (
            oracle.days_as_strong(finding),
            whole,
        )
        assert row["rarity"] == pytest.approx(rarity(oracle.share(finding)))
        assert math.copysign(1, row["rarity"]) == 1

    def place(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return (
            oracle.share(by_id[row["finding"]]),
            row["first"],
            rules.index(row["rule"]),
            text_order(row["key"]),
            row["by"],
            text_order(row["value"]),
            row["finding"],
        )

    assert findings == sorted(findings, key=place)
    ranking = result.ranking
    assert ranking is not None
    assert list(ranking.findings) == [row["finding"] for row in findings]
    for row in findings:
        share = (row["days_as_strong"], row["days_evaluated"])
        assert ranking.shares[row["finding"]] == share
        assert ranking.rarity(row["finding"]) == pytest.approx(row["rarity"])


def check_by_user(
    result: yokome.ScanResult,
    oracle: RankingOracle,
    users: Sequence[str],
    reads: Mapping[str, str],
) -> None:
    expected: list[tuple[Any, ...]] = []
    for user in users:
        standings = oracle.standings(user)
        for _, rule in standings:
            expected.append(
                (
                    reads[user],
                    rule,
                    oracle.as_strong(user, rule),
                    oracle.evaluated[rule].users,
                    pytest.approx(rarity(standings[0][0])),
                    pytest.approx(rarity(oracle.odds(user, rule))),
                )
            )
    nobody = {row["rule"] for row in rows(result.flagged) if row["user"] is None}
    expected += [(None, rule, *[None] * 4) for rule in oracle.evaluated if rule in nobody]
    columns = ("user", "rule", "users_as_strong", "users_evaluated", "priority", "strength")
    assert [tuple(row[c] for c in columns) for row in rows(result.by_user)] == expected


@st.composite
def written(draw: st.DrawFn) -> tuple[Case, Style]:
    """A log, a policy, and a manner of writing that can carry the log."""
    style = draw(styles(millis=False))
    return draw(cases(encoding=style.encoding, millis=False)), style


def scanned(case: Case, style: Style, place: Path, **options: Any) -> yokome.ScanResult:
    """A scan of a log in a folder; with the flagged rows, which are fetched."""
    records, policy = case
    log = write_log(records, style, place, files=1, shuffle=True)
    result = run(
        names(log.paths),
        yokome.Policy.from_dict(policy),
        encoding=style.label,
        delimiter=style.delimiter,
        **options,
    )
    assert result.flagged.num_rows in (0, result.overview.flagged)
    return result


@settings(max_examples=examples(150))
@given(written())
def test_the_engine_ranks_as_the_oracle_does(drawn: tuple[Case, Style]) -> None:
    with folder() as place:
        check(scanned(*drawn, place, unmask=True))


@settings(max_examples=examples(30))
@given(cases(max_size=120))
def test_the_engine_ranks_longer_logs_as_the_oracle_does(case: Case) -> None:
    with folder() as place:
        check(scanned(case, Style(), place, unmask=True))


@settings(max_examples=examples(120))
@given(crowded_cases())
def test_the_engine_ranks_crowded_nights_as_the_oracle_does(case: Case) -> None:
    """Findings that go on over midnight, several of a user on a day, and many that tie."""
    with folder() as place:
        check(scanned(case, Style(), place))


@settings(max_examples=examples(60))
@given(
    st.one_of(written(), st.tuples(crowded_cases(), st.just(Style()))),
    st.integers(1, 3),
    st.integers(1, 5),
)
def test_flagged_rows_that_are_handed_on_rank_the_same(
    drawn: tuple[Case, Style], threads: int, batch_size: int
) -> None:
    """Also if the scan has to begin anew: batches are small, and the log is in no order."""
    with folder() as one, folder() as other:
        whole = scanned(*drawn, one)
        how: dict[str, Any] = {"threads": threads, "batch_size": batch_size, "chunk_size": 64}
        handed = scanned(*drawn, other, sink=lambda batch: None, **how)
        assert handed.flagged.num_rows == 0
        assert handed.findings.equals(whole.findings)
        assert handed.by_user.equals(whole.by_user)
        assert whole.ranking is not None
        assert handed.ranking is not None
        assert handed.ranking.users == whole.ranking.users


def check_months(case: Case, bounds: Sequence[dt.datetime]) -> None:
    """Each month, scanned on from the state of the one before, ranks as the oracle says."""
    records, policy = case
    months: list[list[Record]] = [[] for _ in range(len(bounds) + 1)]
    for record in records:
        months[sum(record.time >= bound for bound in bounds)].append(record)
    with folder() as place:
        for number, month in enumerate(filter(None, months)):
            where = place / str(number)
            where.mkdir()
            state = str(place / "state")
            result = scanned((tuple(month), policy), Style(), where, state=state, unmask=True)
            check(result)
            result._write_state()


@settings(max_examples=examples(60))
@given(cases(max_size=60), st.lists(st.integers(0, 60), min_size=1, max_size=3))
def test_the_engine_ranks_what_goes_on_as_the_oracle_does(case: Case, cuts: list[int]) -> None:
    """Month by month: shares and users are those of the month, and a finding is of its last day."""
    instants = sorted({record.time for record in case[0]})
    assume(instants)
    check_months(case, sorted({instants[cut % len(instants)] for cut in cuts}))


@settings(max_examples=examples(60))
@given(crowded_cases(), st.sets(st.integers(1, 3), min_size=1))
def test_what_goes_on_over_midnight_and_month_ranks_as_the_oracle_says(
    case: Case, days: set[int]
) -> None:
    midnight = dt.datetime.combine(FIRST_NIGHT.date(), dt.time())
    check_months(case, [midnight + dt.timedelta(days=day) for day in sorted(days)])


NUMBERS = [text for n in range(100) if mask(text := f"{n:012}") != text]
"""Texts that pass for Individual Numbers."""


@settings(max_examples=examples(60))
@given(cases(max_size=60), st.sets(st.sampled_from(["user", "terminal", "subject", "department"])))
def test_values_that_are_masked_rank_as_what_they_are(case: Case, fields: set[str]) -> None:
    """Keys and users that read the same are not the same."""
    records, policy = case
    for field in fields:
        values = sorted({getattr(r, field) for r in records} - {None})
        number = dict(zip(values, NUMBERS, strict=False))
        records = tuple(
            replace(r, **{field: number.get(getattr(r, field), getattr(r, field))}) for r in records
        )
    with folder() as one, folder() as other:
        masked = scanned((records, policy), Style(), one)
        check(masked, scanned((records, policy), Style(), other, unmask=True))


def test_users_that_read_the_same_stay_apart(tmp_path: Path) -> None:
    """Bytes that cannot be decoded tell them apart."""
    path = tmp_path / "log.csv"
    lines = [b"\x81\xad,PC1", b"\x81\xad,PC2", b"\x81\xae,PC1", b"\x85\xff,PC1"]
    log = b"".join(b"2026/04/06 09:%02d:00,%s\n" % line for line in enumerate(lines))
    path.write_bytes("日時,職員番号,端末番号\n".encode("cp932") + log)
    rules = [{"id": "m", "kind": "match"}, {"id": "t", "kind": "match", "per": "terminal"}]
    result = yokome.scan(path, yokome.Policy.from_dict({RULES: rules}), encoding="cp932")
    users = result.by_user.column("user").to_pylist()
    assert len(set(users)) < 3, users
    assert result.ranking is not None
    assert len(result.ranking.users) == 3
    assert [len(user.standings) for user in result.ranking.users] == [2, 2, 2]
    assert result.summary.column("users").to_pylist() == [3, 3]


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


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text(LOG, encoding="utf-8")
    return path


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


def test_the_summary_names_what_to_look_at_first(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY, encoding="utf-8")
    words = ["scan", str(log), "--policy", str(policy), "--lang", "ja", "--top", "1"]
    assert main(words) == 0
    out = capsys.readouterr().out
    first = out[out.index("まず確認するもの") :].split("\n")
    assert first[1].startswith("   1. 職員 a について、操作に失敗した記録が 2 件あります。")
    assert first[2] == "      同様以上の事象は延べ 5 人日のうち 1 人日です。"
    assert "   2. " not in out


def test_summary_json_names_users_by_priority(log: Path) -> None:
    from yokome.summary_json import summary_json

    result = yokome.scan(log, yokome.Policy.from_toml(POLICY))
    top = json.loads(summary_json(result))["top_users"]
    assert [row["user"] for row in top] == ["b", "a", None]


def test_an_explanation_says_how_rare_it_is(log: Path) -> None:
    result = yokome.scan(log, yokome.Policy.from_toml(POLICY))
    rarest = result.findings.column("finding")[0].as_py()
    text = str(result.explain(rarest, "ja"))
    assert "同様以上の事象は延べ 5 人日のうち 1 人日です。" in text
