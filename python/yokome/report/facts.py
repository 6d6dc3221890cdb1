"""What a report says, before it is laid out: plain Python values in the report's language.

In: a `yokome.ScanResult` that kept its flagged rows. Out: `Facts`. Every figure of
every report is here, so that the workbook and the page cannot disagree, and what is counted is
always everything: ``top`` only limits how many findings and users are listed.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from yokome.explain import Explanation, explain, rank_words
from yokome.lang import Lang, pick
from yokome.leaks import Leak, leaks_of
from yokome.overview import Overview
from yokome.summary_text import VIEWPOINTS, is_judged, not_evaluable, remarks
from yokome.words import amount, document, duration_words, number_words, title

if TYPE_CHECKING:
    import pyarrow as pa

    from yokome.result import ScanResult

__all__ = ["Department", "Facts", "Finding", "RuleFacts", "User", "Viewpoint", "gather"]

# Rows of a finding that its explanation looks at, and what it wants to know of them.
_LOOKED_AT: Final = 200
_WANTED: Final = ("user_name", "department", "since", "active_days", "threshold")
# Findings that a report may show with their evidence, and how many rows of it.
_SHOWN: Final = 20
_EVIDENCE: Final = 20


@dataclass(frozen=True)
class Finding:
    """A finding, as a report lists it."""

    number: int
    """Its place in the order of the report, from 1."""
    id: str
    rule: str
    kind: str
    """The rule's kind."""
    title: str
    viewpoint: int | None
    per: str
    key: str | None
    name: str | None
    """The user's display name, where all records agree on one."""
    department: str | None
    first: dt.datetime
    last: dt.datetime
    records: int
    observed: str
    threshold: str
    rank: str
    """How rare it is, in words; empty if that was not counted."""
    rarity: float | None
    explanation: Explanation
    evidence: tuple[Mapping[str, Any], ...]
    """The earliest flagged rows of the finding; none beyond the first findings of the list."""


@dataclass(frozen=True)
class User:
    """A user with flagged records."""

    number: int
    user: str | None
    name: str | None
    department: str | None
    findings: int
    flagged: int
    place: str
    """In what the user is most remarkable, in words; empty if that was not counted."""
    rules: tuple[tuple[str, int, int], ...]
    """Titles of the rules, findings and flagged rows, in the order of the table."""


@dataclass(frozen=True)
class RuleFacts:
    """A rule and what came of it."""

    id: str
    title: str
    viewpoint: int | None
    evaluated: int
    not_evaluable: int
    flagged: int
    findings: int
    users: int
    judged: bool
    """Whether the rule could judge anything."""


@dataclass(frozen=True)
class Viewpoint:
    """One of the five viewpoints, or the rules without one (number None)."""

    number: int | None
    words: str
    rules: tuple[RuleFacts, ...]

    @property
    def mark(self) -> str:
        """①…⑤, or a dash."""
        return "－" if self.number is None else chr(0x2460 + self.number - 1)

    @property
    def flagged(self) -> int:
        """Flagged rows under its rules."""
        return sum(rule.flagged for rule in self.rules)

    @property
    def findings(self) -> int:
        """Findings under its rules."""
        return sum(rule.findings for rule in self.rules)


@dataclass(frozen=True)
class Department:
    """A department's records in scope, and what was flagged of them."""

    name: str
    records: int
    flagged: int
    findings: int
    users: int


@dataclass(frozen=True)
class Facts:
    """Everything that a report says."""

    lang: Lang
    overview: Overview
    policy_name: str
    policy: Mapping[str, Any]
    viewpoints: tuple[Viewpoint, ...]
    findings: tuple[Finding, ...]
    """In the order of importance, no more than wished."""
    users: tuple[User, ...]
    all_users: int
    top: int | None
    departments: tuple[Department, ...]
    records_by_hour: tuple[tuple[int, ...], ...]
    """Records in scope by weekday (Monday first) and hour."""
    flagged_by_hour: tuple[tuple[int, ...], ...]
    by_day: tuple[tuple[dt.date, int, int], ...]
    """Day, records in scope, flagged rows."""
    inputs: tuple[dict[str, Any], ...]
    rejects: pa.Table
    leaks: tuple[Leak, ...]
    """Where the log itself holds Individual Numbers."""
    flagged: pa.Table
    """The flagged rows of the findings listed."""
    not_evaluable: tuple[tuple[str, int, str], ...]
    """Rule, records, why."""
    notes: tuple[str, ...]
    versions: Mapping[str, str]

    def others_of(self, finding: Finding) -> tuple[int, ...]:
        """The numbers of the other findings listed that are of the same user, in order."""
        if finding.per != "user" or finding.key is None:
            return ()
        return tuple(n for n in self._of_user[finding.key] if n != finding.number)

    @cached_property
    def _of_user(self) -> Mapping[str, Sequence[int]]:
        numbers: dict[str, list[int]] = defaultdict(list)
        for finding in self.findings:
            if finding.per == "user" and finding.key is not None:
                numbers[finding.key].append(finding.number)
        return numbers

    @property
    def period(self) -> str:
        """First and last time of the records, in words."""
        o = self.overview
        if o.first is None or o.last is None:
            return pick(self.lang, "記録なし", "no records")
        tilde = pick(self.lang, "～", "to")
        return f"{o.first:%Y-%m-%d %H:%M:%S} {tilde} {o.last:%Y-%m-%d %H:%M:%S}"


def gather(result: ScanResult, lang: Lang, *, top: int | None = None) -> Facts:
    """The facts of a scan, in a language, listing at most `top` findings and users."""
    from yokome.summary_json import versions

    o = result.overview
    policy = document(result.policy)
    rules = {rule["id"]: rule for rule in policy["rules"]}
    listed = result.findings if top is None else result.findings.slice(0, top)
    people = _people(result.flagged)
    looked_at = _rows_of(result.flagged, listed.column("finding").to_pylist())
    findings = tuple(
        _finding(number, row, rules[row["rule"]], result, looked_at[row["finding"]], lang)
        for number, row in enumerate(listed.to_pylist(), 1)
    )
    users = _users(result, rules, people, lang)
    return Facts(
        lang=lang,
        overview=o,
        policy_name=result.policy.name,
        policy=policy,
        viewpoints=_viewpoints(o, lang),
        findings=findings,
        users=users if top is None else users[:top],
        all_users=len(users),
        top=top,
        departments=_departments(result, lang),
        records_by_hour=_by_hour(result.activity),
        flagged_by_hour=_by_hour(_hours(result.flagged)),
        by_day=tuple(
            (row["date"], row["records"], row["flagged"]) for row in result.by_day.to_pylist()
        ),
        inputs=tuple(result.inputs.to_pylist()),
        rejects=result.rejects,
        leaks=leaks_of(result),
        flagged=_of_findings(result.flagged, {f.id for f in findings}, o.findings),
        not_evaluable=tuple(not_evaluable(o, lang)),
        notes=tuple(remarks(result, o, lang)),
        versions=versions(),
    )


def _finding(
    number: int,
    row: Mapping[str, Any],
    rule: Mapping[str, Any],
    result: ScanResult,
    records: Sequence[Mapping[str, Any]],
    lang: Lang,
) -> Finding:
    rank = rank_words((row["days_as_strong"], row["days_evaluated"]), row["per"], lang)
    observed, threshold = _figures(row, rule, records, lang)
    return Finding(
        number=number,
        id=row["finding"],
        rule=row["rule"],
        kind=rule["kind"],
        title=title(rule, lang),
        viewpoint=row["viewpoint"],
        per=row["per"],
        key=row["key"],
        name=_only(records, "user_name") if row["per"] == "user" else None,
        department=_only(records, "department"),
        first=row["first"],
        last=row["last"],
        records=row["records"],
        observed=observed,
        threshold=threshold,
        rank=rank,
        rarity=row.get("rarity"),
        explanation=explain(row, lang, rule=rule, records=records, rank=rank),
        evidence=tuple(records[:_EVIDENCE]) if number <= _SHOWN else (),
    )


def _figures(
    row: Mapping[str, Any],
    rule: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    lang: Lang,
) -> tuple[str, str]:
    """The observed figure and the threshold, short, each with its unit."""
    peak = row["peak"]

    def at_least(figure: str) -> str:
        return pick(lang, f"{figure}以上", f"{figure} or more")

    def times(number: float) -> str:
        shown = number_words(number)
        return pick(lang, f"{shown} 件", f"{shown} {'record' if number == 1 else 'records'}")

    match rule["kind"]:
        case "count":
            return times(peak), at_least(times(rule["at_least"]))
        case "distinct":
            field = rule["field"]
            return amount(peak, field, lang), at_least(amount(rule["at_least"], field, lang))
        case "novelty":
            most = rule.get("max_days", 0)
            return (
                pick(
                    lang,
                    f"使った日 {peak:,} 日",
                    f"used on {peak:,} {'day' if peak == 1 else 'days'}",
                ),
                pick(lang, f"{most:,} 日以下", f"{most:,} or fewer"),
            )
        case "hours":
            return (
                duration_words(peak * 60, lang),
                at_least(duration_words(rule["at_least"], lang)),
            )
        case "gap":
            return duration_words(peak, lang), at_least(duration_words(rule["idle"], lang))
        case "spike":
            limits = [r["threshold"] for r in records if r["threshold"] is not None]
            limit = min(limits) if limits else rule["at_least"]
            if "distinct" not in rule:
                return times(peak), at_least(times(limit))
            field = rule["distinct"]
            return amount(peak, field, lang), at_least(amount(limit, field, lang))
    return times(row["records"]), pick(lang, "1 件から", "any")


def _only(records: Sequence[Mapping[str, Any]], column: str) -> str | None:
    values = {r[column] for r in records} - {None}
    return str(values.pop()) if len(values) == 1 else None


def _rows_of(flagged: pa.Table, findings: Sequence[str]) -> dict[str, list[Mapping[str, Any]]]:
    """The earliest rows of each finding: whole ones of the first findings, else what is wanted."""
    import pyarrow as pa

    places: dict[str, list[int]] = {finding: [] for finding in findings}
    for place, finding in enumerate(flagged.column("finding").to_pylist()):
        of_finding = places.get(finding)
        if of_finding is not None and len(of_finding) < _LOOKED_AT:
            of_finding.append(place)
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for some, columns in (
        (findings[:_SHOWN], flagged.column_names),
        (findings[_SHOWN:], list(_WANTED)),
    ):
        # One look at the table for all: a look costs more than the rows it brings.
        order = pa.array([place for finding in some for place in places[finding]], pa.int64())
        taken = iter(flagged.select(columns).take(order).to_pylist())
        for finding in some:
            rows[finding] = [next(taken) for _ in places[finding]]
    return rows


def _of_findings(flagged: pa.Table, findings: set[str], all_findings: int) -> pa.Table:
    if len(findings) == all_findings:
        return flagged
    return flagged.filter([f in findings for f in flagged.column("finding").to_pylist()])


def _people(flagged: pa.Table) -> dict[str | None, tuple[str | None, str | None]]:
    """Of each user the name and department that the latest flagged record gives."""
    people: dict[str | None, tuple[str | None, str | None]] = {}
    columns = (flagged.column(c).to_pylist() for c in ("user", "user_name", "department"))
    for user, name, department in zip(*columns, strict=True):
        before = people.get(user, (None, None))
        people[user] = (name or before[0], department or before[1])
    return people


def _users(
    result: ScanResult,
    rules: Mapping[str, Mapping[str, Any]],
    people: Mapping[str | None, tuple[str | None, str | None]],
    lang: Lang,
) -> tuple[User, ...]:
    """Users in the order of the table."""
    of_user: dict[str | None, list[Mapping[str, Any]]] = defaultdict(list)
    for row in result.by_user.to_pylist():
        of_user[row["user"]].append(row)
    entries = []
    for user, rows in of_user.items():
        name, department = people.get(user, (None, None))
        entries.append(
            (
                user,
                name,
                department if user is not None else None,
                sum(r["findings"] for r in rows),
                sum(r["flagged"] for r in rows),
                _place(rows[0], rules, lang),
                tuple((title(rules[r["rule"]], lang), r["findings"], r["flagged"]) for r in rows),
            )
        )
    return tuple(User(n, *entry) for n, entry in enumerate(entries, 1))


def _place(row: Mapping[str, Any], rules: Mapping[str, Any], lang: Lang) -> str:
    if row["users_as_strong"] is None:
        return ""
    name = title(rules[row["rule"]], lang)
    strong, of = row["users_as_strong"], row["users_evaluated"]
    return pick(
        lang,
        f"「{name}」で、同様以上の人は {of:,} 人中 {strong:,} 人",
        f"{name}: {strong:,} of {of:,} users stand out at least as much",
    )


def _viewpoints(o: Overview, lang: Lang) -> tuple[Viewpoint, ...]:
    """The viewpoints that have rules, in order, those without one last."""
    by_number: dict[int | None, list[RuleFacts]] = defaultdict(list)
    for r in o.rules:
        ja, en = r.title_ja or r.title_en, r.title_en or r.title_ja
        by_number[r.viewpoint].append(
            RuleFacts(
                id=r.rule,
                title=pick(lang, ja, en) or r.rule,
                viewpoint=r.viewpoint,
                evaluated=r.evaluated,
                not_evaluable=r.not_evaluable,
                flagged=r.flagged,
                findings=r.findings,
                users=r.users,
                judged=is_judged(o, r),
            )
        )
    order = sorted(by_number, key=lambda v: (v is None, v or 0))
    own = pick(lang, "着眼点によらない規則", "rules of no viewpoint")
    return tuple(
        Viewpoint(
            number,
            own if number is None else pick(lang, *VIEWPOINTS[number]),
            tuple(by_number[number]),
        )
        for number in order
    )


def _departments(result: ScanResult, lang: Lang) -> tuple[Department, ...]:
    """Departments by the share of their records that were flagged, largest first."""
    records: dict[str | None, int] = defaultdict(int)
    for name, number in zip(
        result.activity.column("department").to_pylist(),
        result.activity.column("records").to_pylist(),
        strict=True,
    ):
        records[name] += number
    flagged: dict[str | None, int] = defaultdict(int)
    findings: dict[str | None, set[str]] = defaultdict(set)
    users: dict[str | None, set[str | None]] = defaultdict(set)
    columns = (result.flagged.column(c).to_pylist() for c in ("department", "finding", "user"))
    for name, finding, user in zip(*columns, strict=True):
        flagged[name] += 1
        findings[name].add(finding)
        users[name].add(user)
    nowhere = pick(lang, "（所属なし）", "(no department)")
    rows = [
        Department(
            nowhere if name is None else name,
            records[name],
            flagged[name],
            len(findings[name]),
            len(users[name] - {None}),
        )
        for name in records
    ]
    return tuple(sorted(rows, key=lambda d: (-d.flagged / max(1, d.records), d.name)))


def _hours(flagged: pa.Table) -> pa.Table:
    """Flagged rows by weekday and hour, as ``activity`` has records."""
    import pyarrow as pa
    import pyarrow.compute as pc

    times = flagged.column("time")
    return pa.table(
        {
            "weekday": pc.day_of_week(times),
            "hour": pc.hour(times),
            "records": pa.array([1] * flagged.num_rows, pa.int64()),
        }
    )


def _by_hour(activity: pa.Table) -> tuple[tuple[int, ...], ...]:
    week = [[0] * 24 for _ in range(7)]
    columns = (activity.column(c).to_pylist() for c in ("weekday", "hour", "records"))
    for weekday, hour, records in zip(*columns, strict=True):
        week[weekday][hour] += records
    return tuple(tuple(day) for day in week)
