"""What a scan means, said once more and as slowly as possible.

Every answer here is computed from its definition by looking at every other record: no sorting
tricks, no incremental state, no libraries. It is only ever compared with the engine, never used
by it. A reader should be able to hold each function against one sentence of the specification.

In: records (fields already normalised: ``result`` is one of the three words, ``references`` a
bool, nulls are ``None``, assumed columns filled in) and a policy as a plain dict in the shape of
the TOML file. Out: an :class:`Outcome`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from itertools import pairwise
from statistics import median
from typing import Any

TEXT_FIELDS = ("user", "user_name", "department", "terminal", "system", "operation", "subject")
FIELDS = (
    "time",
    "user",
    "user_name",
    "department",
    "terminal",
    "system",
    "operation",
    "result",
    "references",
    "subject",
)
DERIVED = ("date", "hour", "weekday", "day_type")
RULES = "rules"  # the array of tables that holds the rules
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Policy = Mapping[str, Any]
Holidays = Callable[[date], bool]


def no_holidays(_day: date) -> bool:
    """A country without holidays."""
    return False


@dataclass(frozen=True)
class Record:
    """Who, when, from which terminal, did which operation, with which result, whose data."""

    time: datetime
    user: str | None = None
    user_name: str | None = None
    department: str | None = None
    terminal: str | None = None
    system: str | None = None
    operation: str | None = None
    result: str | None = None
    references: bool | None = None
    subject: str | None = None
    source: str = ""
    line: int = 0

    @property
    def day(self) -> date:
        """The civil date of the record."""
        return self.time.date()


@dataclass(frozen=True)
class Flag:
    """Why one rule flagged one record."""

    observed: int
    since: datetime | None
    threshold: float | None
    active_days: int | None


@dataclass(frozen=True)
class Finding:
    """Flagged rows that a person checks once."""

    rule: str
    key: str | None
    by: str
    value: str | None
    first: datetime
    last: datetime
    records: int
    peak: int
    magnitude: float


@dataclass(frozen=True)
class RuleSummary:
    """The counts of one rule."""

    evaluated: int
    not_evaluable: int
    unattributed: int
    flagged: int
    findings: int
    users: int


@dataclass
class Outcome:
    """Everything a scan says."""

    flagged: dict[tuple[str, int, str], Flag] = field(default_factory=dict)
    findings: Counter[Finding] = field(default_factory=Counter)
    summary: dict[str, RuleSummary] = field(default_factory=dict)
    by_user: dict[tuple[str | None, str], tuple[int, int]] = field(default_factory=dict)
    by_day: dict[date, tuple[int, int]] = field(default_factory=dict)
    activity: Counter[tuple[str | None, int, int]] = field(default_factory=Counter)


# --- durations, times of day, days ---------------------------------------------------------------


def duration(text: str) -> timedelta:
    """``"90s"``, ``"10m"``, ``"24h"``, ``"7d"``."""
    number, unit = int(text[:-1]), text[-1]
    return {
        "s": timedelta(seconds=number),
        "m": timedelta(minutes=number),
        "h": timedelta(hours=number),
        "d": timedelta(days=number),
    }[unit]


def lookback_days(text: str) -> int:
    """``"90d"``: whole civil days."""
    assert text.endswith("d"), text
    return int(text[:-1])


def since_midnight(at: datetime) -> timedelta:
    """The time of day as the time passed since 00:00."""
    return at - datetime.combine(at.date(), time())


def clock(text: str) -> timedelta:
    """``"08:30"``."""
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def clock_range(text: str) -> tuple[timedelta, timedelta]:
    """``"08:30-17:15"``."""
    start, end = text.split("-")
    return clock(start), clock(end)


def as_list(value: Any) -> list[Any]:
    """A single value stands for a list of it."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


# --- text tests ----------------------------------------------------------------------------------


def glob_matches(pattern: str, value: str) -> bool:
    """``*``, ``?``, ``[…]``, ``{a,b}`` against the whole value; case matters."""
    if pattern == "":
        return value == ""
    head, rest = pattern[0], pattern[1:]
    if head == "*":
        return any(glob_matches(rest, value[n:]) for n in range(len(value) + 1))
    if head == "?":
        return value != "" and glob_matches(rest, value[1:])
    if head == "[":
        end = rest.index("]", 1)
        members, negated = rest[:end], rest[0] == "!"
        if negated:
            members = members[1:]
        if value == "":
            return False
        inside, n = False, 0
        while n < len(members):
            if n + 2 < len(members) and members[n + 1] == "-":
                inside = inside or members[n] <= value[0] <= members[n + 2]
                n += 3
            else:
                inside = inside or members[n] == value[0]
                n += 1
        return inside != negated and glob_matches(rest[end + 1 :], value[1:])
    if head == "{":
        end = rest.index("}")
        return any(
            glob_matches(option + rest[end + 1 :], value) for option in rest[:end].split(",")
        )
    return value.startswith(head) and glob_matches(rest, value[1:])


def any_glob(patterns: Any, value: str) -> bool:
    """Any of the patterns matches."""
    return any(glob_matches(pattern, value) for pattern in as_list(patterns))


# --- the oracle ----------------------------------------------------------------------------------


class Oracle:
    """The records and the policy of one scan."""

    def __init__(
        self,
        records: Iterable[Record],
        policy: Policy,
        *,
        holidays: Holidays = no_holidays,
        columns: Collection[str] | None = None,
    ) -> None:
        """``columns``: the fields that any source has or that are assumed; ``None``: all."""
        self.records = list(records)
        self.policy = policy
        self.holidays = holidays
        self.columns = set(FIELDS if columns is None else columns)

    # --- calendar ---

    def calendar_of(self, department: str | None) -> Mapping[str, Any]:
        """The calendar of a department: the first override that names it, over the base."""
        base: dict[str, Any] = dict(self.policy.get("calendar", {}))
        overrides = base.pop("override", [])
        for override in overrides:
            if department is not None and any_glob(override["department"], department):
                return {**base, **override}
        return base

    def is_closed(self, day: date, department: str | None) -> bool:
        """Whether the day is closed for the department."""
        calendar = self.calendar_of(department)
        if day.isoformat() in calendar.get("open", []):
            return False
        for entry in calendar.get("closed", []):
            if entry in WEEKDAYS:
                if WEEKDAYS[day.weekday()] == entry:
                    return True
            elif entry == "holiday":
                if self.holidays(day):
                    return True
            elif ".." in entry:
                start, end = entry.split("..")
                this = day.strftime("%m-%d")
                if start <= end and start <= this <= end:
                    return True
                if start > end and (this >= start or this <= end):  # over the new year
                    return True
            elif entry == day.isoformat():
                return True
        return False

    def is_off_hours(self, r: Record) -> bool:
        """The day is closed, or the time is outside the day's hours widened by the margin."""
        if self.is_closed(r.day, r.department):
            return True
        calendar = self.calendar_of(r.department)
        hours = calendar["hours"]
        if isinstance(hours, Mapping):
            hours = hours.get(WEEKDAYS[r.day.weekday()], hours.get("default"))
        if hours is None:
            return True
        start, end = clock_range(hours)
        margin = duration(calendar.get("margin", "0s"))
        return not (start - margin <= since_midnight(r.time) < end + margin)

    # --- fields ---

    def value(self, r: Record, name: str) -> str | None:
        """The text of a field, derived ones too."""
        if name == "date":
            return r.day.isoformat()
        if name == "hour":
            return str(r.time.hour)
        if name == "weekday":
            return WEEKDAYS[r.day.weekday()]
        if name == "day_type":
            return "closed" if self.is_closed(r.day, r.department) else "open"
        value = getattr(r, name)
        if name == "references" and value is not None:
            return "true" if value else "false"
        assert value is None or isinstance(value, str)
        return value

    # --- where ---

    def in_list(self, r: Record, name: str, naming_field: str) -> bool | None:
        """Whether the list has the record's values; ``None`` if one of them is null."""
        table = self.policy["lists"][name]
        on = as_list(table.get("on", naming_field))
        values = [self.value(r, column) for column in on]
        if None in values:
            return None
        return any([str(cell) for cell in as_list(row)] == values for row in table["values"])

    def text_holds(self, r: Record, name: str, condition: Any) -> bool:
        """One condition on one text field. A null never satisfies any."""
        value = self.value(r, name)
        if value is None:
            return False
        if not isinstance(condition, Mapping):
            return value in as_list(condition)
        for test, operand in condition.items():
            if test == "in":
                holds = value in as_list(operand)
            elif test == "not_in":
                holds = value not in as_list(operand)
            elif test == "glob":
                holds = any_glob(operand, value)
            elif test == "regex":
                holds = re.search(operand, value) is not None
            elif test == "list":
                holds = self.in_list(r, operand, name) is True
            elif test == "not_list":
                holds = self.in_list(r, operand, name) is False
            else:
                raise ValueError(test)
            if not holds:
                return False
        return True

    def holds(self, r: Record, key: str, condition: Any) -> bool:
        """One key of a ``where``."""
        if key == "operation_class":
            classes = self.policy["operations"]
            return r.operation is not None and any(
                any_glob(classes[name], r.operation) for name in as_list(condition)
            )
        if key == "references":
            return r.references is not None and r.references is condition
        if key == "result":
            return r.result is not None and r.result in as_list(condition)
        if key == "calendar":
            return self.is_off_hours(r) is (condition == "off-hours")
        if key == "time_of_day":
            start, end = clock_range(condition)
            now = since_midnight(r.time)
            if start < end:
                return start <= now < end
            return now >= start or now < end
        if key == "weekday":
            return WEEKDAYS[r.day.weekday()] in as_list(condition)
        return self.text_holds(r, key, condition)

    def satisfies(self, r: Record, where: Mapping[str, Any]) -> bool:
        """A conjunction; empty: every record."""
        return all(self.holds(r, key, condition) for key, condition in where.items())

    def in_scope(self, r: Record) -> bool:
        """Whether the record may be flagged."""
        scope = self.policy.get("scope", {})
        if "from" in scope and r.time < instant(scope["from"]):
            return False
        if "to" in scope and r.time >= instant(scope["to"], whole_day=True):
            return False
        return self.satisfies(r, scope.get("where", {}))

    # --- which columns a rule needs ---

    def needs(self, rule: Mapping[str, Any]) -> set[str]:
        """The fields without whose column the rule cannot be evaluated."""
        fields: set[str] = {rule.get("per", "user"), *as_list(rule.get("by", []))}
        fields.update(rule[name] for name in ("field", "distinct") if name in rule)
        for where in (rule.get("where", {}), *map(conditions_of, rule.get("steps", []))):
            for key, condition in where.items():
                if key == "operation_class":
                    fields.add("operation")
                elif key in FIELDS:
                    fields.add(key)
                    if isinstance(condition, Mapping):
                        for test in ("list", "not_list"):
                            if test in condition:
                                table = self.policy["lists"][condition[test]]
                                fields.update(as_list(table.get("on", key)))
        return fields - set(DERIVED)

    # --- rules ---

    def evaluate(self, r: Record, rule: Mapping[str, Any]) -> Evaluation:
        """One rule on one record that satisfies the rule's ``where``."""
        kind = rule["kind"]
        per = rule.get("per", "user")
        key = self.value(r, per)
        if kind == "match":
            return Evaluation("evaluated", Flag(1, None, None, None))
        if key is None:
            return Evaluation("unattributed")
        same_key = [s for s in self.records if self.value(s, per) == key]

        if kind in ("count", "distinct"):
            by = as_list(rule.get("by", []))
            mine = [self.value(r, name) for name in by]
            if None in mine:
                return Evaluation("not_evaluable")
            if kind == "distinct" and self.value(r, rule["field"]) is None:
                return Evaluation("not_evaluable")
            opens = r.time - duration(rule["window"])
            seen = [
                s
                for s in same_key
                if self.satisfies(s, rule.get("where", {}))
                and opens < s.time <= r.time
                and [self.value(s, name) for name in by] == mine
            ]
            if kind == "count":
                observed = len(seen)
            else:
                observed = len({self.value(s, rule["field"]) for s in seen} - {None})
            since = min(s.time for s in seen)
            if observed >= rule["at_least"]:
                return Evaluation("evaluated", Flag(observed, since, float(rule["at_least"]), None))
            return Evaluation("evaluated")

        if kind == "gap":
            idle = duration(rule["idle"])
            earlier = [s for s in same_key if s.time < r.time]
            if not earlier or any(s.time > r.time - idle for s in earlier):
                return Evaluation("evaluated")
            last = max(s.time for s in earlier)
            seconds = (r.time - last) // timedelta(seconds=1)
            return Evaluation("evaluated", Flag(seconds, last, idle.total_seconds(), None))

        if kind == "sequence":
            by = as_list(rule.get("by", []))
            mine = [self.value(r, name) for name in by]
            if None in mine:
                return Evaluation("not_evaluable")
            if not self.satisfies(r, conditions_of(rule["steps"][-1])):
                return Evaluation("evaluated")
            opens = r.time - duration(rule["within"])
            start = self.latest_start(
                [
                    s
                    for s in same_key
                    if self.satisfies(s, rule.get("where", {}))
                    and opens < s.time <= r.time
                    and [self.value(s, name) for name in by] == mine
                ],
                rule["steps"],
                r.time,
            )
            flag = None if start is None else Flag(1, start, None, None)
            return Evaluation("evaluated", flag)

        # The others look at B: the active days of the lookback, today apart.
        lookback = timedelta(days=lookback_days(rule["lookback"]))
        before = [s for s in same_key if r.day - lookback <= s.day <= r.day - timedelta(days=1)]
        active = sorted({s.day for s in before})
        enough = len(active) >= rule["min_active_days"]

        if kind == "novelty":
            value = self.value(r, rule["field"])
            if value is None or not enough:
                return Evaluation("not_evaluable")
            days_used = {s.day for s in before if self.value(s, rule["field"]) == value}
            if len(days_used) > rule.get("max_days", 0):
                return Evaluation("evaluated")
            since_day = datetime.combine(max(days_used), time()) if days_used else None
            flag = Flag(len(days_used), since_day, float(rule.get("max_days", 0)), len(active))
            return Evaluation("evaluated", flag, self.novelty_magnitude(before, active, rule))

        if kind == "hours":
            used = {half_hour(s.time) for s in before}
            if not enough or not used:
                return Evaluation("not_evaluable")
            distance = min(circular(half_hour(r.time), other) for other in used)
            minutes = 30 * distance
            limit = duration(rule["at_least"]) / timedelta(minutes=1)
            if timedelta(minutes=minutes) >= duration(rule["at_least"]):
                return Evaluation("evaluated", Flag(minutes, None, limit, len(active)))
            return Evaluation("evaluated")

        if kind == "spike":
            if not enough or not active:
                return Evaluation("not_evaluable")
            where = rule.get("where", {})
            usual = [
                self.measure([s for s in before if s.day == day and self.satisfies(s, where)], rule)
                for day in active
            ]
            so_far = [
                s
                for s in same_key
                if s.day == r.day and s.time <= r.time and self.satisfies(s, where)
            ]
            # As written in decimals: 1.1 × 10 is 11.
            limit = max(rule["at_least"], Fraction(str(rule["factor"])) * Fraction(median(usual)))
            observed = self.measure(so_far, rule)
            since = min(s.time for s in so_far)
            if observed >= limit:
                flag = Flag(observed, since, float(limit), len(active))
                return Evaluation("evaluated", flag)
            return Evaluation("evaluated")

        raise ValueError(kind)

    def measure(self, records: Sequence[Record], rule: Mapping[str, Any]) -> int:
        """What a spike is measured by: the records, or the different values of a field."""
        if "distinct" not in rule:
            return len(records)
        return len({self.value(s, rule["distinct"]) for s in records} - {None})

    def latest_start(
        self, window: Sequence[Record], steps: Sequence[Mapping[str, Any]], end: datetime
    ) -> datetime | None:
        """The start of the latest-starting chain whose last step is done at ``end``, if any.

        A step is done at the last of its ``times`` records; all of these stand at or after the
        moment at which the step before was done, and that moment was earlier.
        """
        times = [
            sorted(s.time for s in window if self.satisfies(s, conditions_of(step)))
            for step in steps
        ]
        needed = [step.get("times", 1) for step in steps]

        @cache
        def start(step: int, done: datetime) -> datetime | None:
            """Over every chain of the steps up to this one, which is done at ``done``."""
            if done not in times[step]:
                return None
            if step == 0:
                so_far = [at for at in times[0] if at <= done]
                return so_far[-needed[0]] if len(so_far) >= needed[0] else None
            starts = [
                start(step - 1, before)
                for before in times[step - 1]
                if before < done and sum(before <= at <= done for at in times[step]) >= needed[step]
            ]
            return max((at for at in starts if at is not None), default=None)

        return start(len(steps) - 1, end)

    def novelty_magnitude(
        self, before: Sequence[Record], active: Sequence[date], rule: Mapping[str, Any]
    ) -> float:
        """``(|B| + 1) / (h + 0.5)``; ``h``: the days of B but the first with something new."""
        news = 0
        for day in active[1:]:
            today = {self.value(s, rule["field"]) for s in before if s.day == day}
            earlier = {self.value(s, rule["field"]) for s in before if s.day < day}
            if today - earlier - {None}:
                news += 1
        return (len(active) + 1) / (news + 0.5)

    def by_text(self, r: Record, rule: Mapping[str, Any]) -> str:
        """``"subject=123, hour=9"``."""
        return ", ".join(f"{name}={self.value(r, name)}" for name in as_list(rule.get("by", [])))

    # --- how much a rule evaluated ---

    def evaluated_days(self, rule: Mapping[str, Any]) -> tuple[int, int, int]:
        """Key-days on which the rule could judge, keys with such a day, users on such a day.

        A key-day is a key and a civil day with a record in scope. The rule could judge it if it
        evaluated a record of it; or if none of its records satisfied ``where``, so that there was
        nothing to judge, and it would have had the history to judge by.
        """
        if not self.needs(rule) <= self.columns:
            return 0, 0, 0
        per = rule.get("per", "user")
        by_day: dict[tuple[str | None, date], list[Record]] = {}
        for r in self.records:
            key = self.value(r, per)
            if self.in_scope(r) and (key is not None or rule["kind"] == "match"):
                by_day.setdefault((key, r.day), []).append(r)
        days = set()
        users = set()
        for (key, day), records in by_day.items():
            judged = [r for r in records if self.satisfies(r, rule.get("where", {}))]
            if judged:
                could = any(self.evaluate(r, rule).state == "evaluated" for r in judged)
            else:
                could = self.has_history(key, day, rule)
            if could:
                days.add((key, day))
                users.update({r.user for r in records} - {None})
        return len(days), len({key for key, _ in days}), len(users)

    def has_history(self, key: str | None, day: date, rule: Mapping[str, Any]) -> bool:
        """Whether a rule with a lookback has enough days to hold that day against."""
        if "lookback" not in rule:
            return True
        lookback = timedelta(days=lookback_days(rule["lookback"]))
        active = {
            s.day
            for s in self.records
            if self.value(s, rule.get("per", "user")) == key
            and day - lookback <= s.day <= day - timedelta(days=1)
        }
        least = int(rule["min_active_days"])
        # `hours` needs a half-hour in use to measure from, whatever the policy asks.
        return len(active) >= (max(1, least) if rule["kind"] == "hours" else least)

    # --- everything ---

    def run(self) -> Outcome:
        """The whole scan."""
        out = Outcome()
        scope = [r for r in self.records if self.in_scope(r)]
        flagged_by_day: Counter[date] = Counter()
        flagged_by_user: Counter[tuple[str | None, str]] = Counter()
        findings_by_user: Counter[tuple[str | None, str]] = Counter()

        for rule in self.policy[RULES]:
            name = rule["id"]
            if not self.needs(rule) <= self.columns:
                out.summary[name] = RuleSummary(0, len(scope), 0, 0, 0, 0)
                continue
            tally: Counter[str] = Counter()
            rows: list[tuple[Record, Flag, float]] = []
            for r in scope:
                if not self.satisfies(r, rule.get("where", {})):
                    continue
                verdict = self.evaluate(r, rule)
                tally[verdict.state] += 1
                if verdict.flag is not None:
                    out.flagged[r.source, r.line, name] = verdict.flag
                    rows.append((r, verdict.flag, verdict.magnitude))
            groups = self.group(rows, rule)
            for group in groups:
                out.findings[self.finding(group, rule)] += 1
                for user in {r.user for r, _, _ in group}:
                    findings_by_user[user, name] += 1
            for r, _, _ in rows:
                flagged_by_day[r.day] += 1
                flagged_by_user[r.user, name] += 1
            out.summary[name] = RuleSummary(
                evaluated=tally["evaluated"],
                not_evaluable=tally["not_evaluable"],
                unattributed=tally["unattributed"],
                flagged=len(rows),
                findings=len(groups),
                users=len({r.user for r, _, _ in rows} - {None}),
            )

        for who, count in flagged_by_user.items():
            out.by_user[who] = (count, findings_by_user[who])
        for day in {r.day for r in scope}:
            out.by_day[day] = (sum(r.day == day for r in scope), flagged_by_day[day])
        for r in scope:
            out.activity[r.department, r.day.weekday(), r.time.hour] += 1
        return out

    def group(
        self, rows: Sequence[tuple[Record, Flag, float]], rule: Mapping[str, Any]
    ) -> list[list[tuple[Record, Flag, float]]]:
        """Flagged rows of one rule, grouped into findings."""
        kind = rule["kind"]
        per = rule.get("per", "user")
        groups: dict[tuple[Any, ...], list[tuple[Record, Flag, float]]] = {}
        for row in rows:
            r = row[0]
            identity: tuple[Any, ...] = (self.value(r, per), self.by_text(r, rule))
            if kind in ("match", "hours", "spike"):
                identity += (r.day,)
            elif kind == "novelty":
                identity += (r.day, self.value(r, rule["field"]))
            groups.setdefault(identity, []).append(row)
        if kind in ("match", "hours", "spike", "novelty"):
            return list(groups.values())

        window = duration(rule[{"gap": "idle", "sequence": "within"}.get(kind, "window")])
        split: list[list[tuple[Record, Flag, float]]] = []
        for members in groups.values():
            members = sorted(members, key=lambda row: row[0].time)
            current = [members[0]]
            for previous, row in pairwise(members):
                if row[0].time - previous[0].time < window:
                    current.append(row)
                else:
                    split.append(current)
                    current = [row]
            split.append(current)
        return split

    def finding(
        self, group: Sequence[tuple[Record, Flag, float]], rule: Mapping[str, Any]
    ) -> Finding:
        """What the group says in one line."""
        kind = rule["kind"]
        r, _, magnitude = group[0]
        peak = max(flag.observed for _, flag, _ in group)
        if kind in ("match", "sequence"):
            magnitude = float(len(group))
        elif kind != "novelty":
            magnitude = float(peak)
        return Finding(
            rule=rule["id"],
            key=self.value(r, rule.get("per", "user")),
            by=self.by_text(r, rule),
            value=self.value(r, rule["field"]) if kind == "novelty" else None,
            first=min(row[0].time for row in group),
            last=max(row[0].time for row in group),
            records=len(group),
            peak=peak,
            magnitude=magnitude,
        )


@dataclass(frozen=True)
class Evaluation:
    """What became of one record under one rule."""

    state: str
    flag: Flag | None = None
    magnitude: float = 0.0


def instant(text: str, *, whole_day: bool = False) -> datetime:
    """A date or a date and time; as an end, a date stands for the whole of that day."""
    if len(text) == len("2026-04-01"):
        midnight = datetime.combine(date.fromisoformat(text), time())
        return midnight + timedelta(days=1) if whole_day else midnight
    return datetime.fromisoformat(text)


def conditions_of(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step's ``where``: all of it but ``times``."""
    return {key: condition for key, condition in step.items() if key != "times"}


def half_hour(at: datetime) -> int:
    """Which of the 48 half-hours of the day."""
    return since_midnight(at) // timedelta(minutes=30)


def circular(a: int, b: int) -> int:
    """The distance between two half-hours round the clock."""
    return min((a - b) % 48, (b - a) % 48)


def scan(
    records: Iterable[Record],
    policy: Policy,
    *,
    holidays: Holidays = no_holidays,
    columns: Collection[str] | None = None,
) -> Outcome:
    """The outcome of one scan, by definition."""
    return Oracle(records, policy, holidays=holidays, columns=columns).run()
