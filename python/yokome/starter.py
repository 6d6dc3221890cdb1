"""A policy to begin with, from a look at the log: ``yokome init``.

In: logs, and how many findings a month a person can check. Out: the text of a policy in TOML, its
comments in Japanese and English: which columns were recognised, which operations belong to which
class, when departments really work, and for each rule what other thresholds would have given.

Nothing is estimated. The candidates of every rule are scanned together, as rules of one policy, and
what the comments say is what they found; classes are those that the engine itself puts operations
into. The same logs give the same text. Individual Numbers in them are masked.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from yokome._yokome import mask
from yokome.errors import InputError
from yokome.lang import clean
from yokome.policy import Policy, toml_value
from yokome.words import FIELDS, document, duration_words, rule_words

if TYPE_CHECKING:
    from yokome._scan import Path, Progress
    from yokome.result import ScanResult

__all__ = ["starter_policy"]

_MONTH: Final = 365.25 / 12
"""Days in a month."""

# Candidates of a threshold, as multiples of the default; of an `at_least` in hours, as hours.
_MULTIPLES: Final = (0.6, 0.8, 1, 1.2, 1.4, 1.6, 2, 2.5, 3, 4, 6, 10)
_HOURS: Final = (2, 3, 4, 5, 6, 8)
_SHOWN: Final = 40
_WIDE: Final = 90
_OPEN_SHARE: Final = 0.98
"""The share of a department's records that its working hours should hold."""


def starter_policy(
    source: Path | Sequence[Path],
    *,
    budget: int = 50,
    progress: Callable[[Progress], None] | None = None,
    **reading: Any,
) -> str:
    """The text of a policy fit for logs.

    Args:
        source: files, directories, globs.
        budget: findings that a person can check in a month, over all rules.
        progress: as `yokome.scan` has it.
        reading: arguments of `yokome.scan` that say how a log reads.

    Raises:
        ValueError: `budget` is less than 1.
        InputError: the logs have no record.
        YokomeError: as `yokome.scan` does.
    """
    from yokome._scan import prepare, run

    if budget < 1:
        raise ValueError(f"budget must be at least 1, not {budget}")
    base = document(Policy.default())
    candidates = {rule["id"]: _candidates(rule) for rule in base["rules"]}
    trial = Policy.from_dict(
        {**base, "rules": _trial(base["rules"], candidates)}, name="yokome init"
    )
    found = run(
        source,
        prepare(trial, **_of_policy(reading)),
        progress=progress,
        sink=lambda batch: None,
        **_of_run(reading),
    )
    o = found.overview
    if o.first is None or o.last is None:
        raise InputError(
            "the logs have no record to look at",
            message_ja="ログに、読み取れた記録が一件もありません",
        )
    months = max(1, (o.last.date() - o.first.date()).days + 1) / _MONTH
    survey = _survey(source, reading)
    lines = _head(found, budget, months)
    lines += _columns(found)
    lines += _operations(base["operations"], survey.operations)
    lines += _calendar(base["calendar"], survey.hours)
    lines += _rules(base["rules"], candidates, found, budget, months)
    return "\n".join(lines) + "\n"


# --- what the log is like -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Survey:
    operations: Counter[str]
    """Records by operation."""
    hours: Mapping[str, Sequence[int]]
    """By department, records from Monday to Friday by half-hour of the day."""


def _survey(source: Any, reading: Mapping[str, Any]) -> _Survey:
    import pyarrow as pa
    import pyarrow.compute as pc

    from yokome._scan import read

    operations: Counter[str] = Counter()
    hours: dict[str, list[int]] = defaultdict(lambda: [0] * 48)
    for batch in read(source, **reading):
        for entry in batch.column("operation").value_counts().to_pylist():
            if entry["values"] is not None:
                operations[entry["values"]] += entry["counts"]
        times = batch.column("time")
        table = pa.table(
            {
                "department": pc.cast(batch.column("department"), pa.string()),
                "day": pc.day_of_week(times),
                "half": pc.add(
                    pc.multiply(pc.hour(times), 2), pc.if_else(pc.less(pc.minute(times), 30), 0, 1)
                ),
            }
        )
        counted = table.group_by(["department", "day", "half"]).aggregate([([], "count_all")])
        for row in counted.to_pylist():
            if row["department"] is not None and row["day"] < 5:
                hours[row["department"]][row["half"]] += row["count_all"]
    return _Survey(operations, hours)


def _classes(operations: Mapping[str, Any], seen: Counter[str]) -> dict[str, list[str]]:
    """The operations seen, by class, as the engine classifies them; "" are those of none."""
    import pyarrow as pa

    from yokome._scan import scan

    names = list(operations)
    rules = [{"id": n, "kind": "match", "where": {"operation_class": n}} for n in names]
    policy = Policy.from_dict({"operations": operations, "rules": rules})
    records = pa.table(
        {
            "time": pa.array([dt.datetime(2000, 1, 1)] * len(seen), pa.timestamp("ms")),
            "user": pa.array(["-"] * len(seen), pa.string()),
            "operation": pa.array(list(seen), pa.string()),
        }
    )
    of_class: dict[str, list[str]] = {name: [] for name in (*names, "")}
    classified = set()
    found = scan(records, policy, unmask=True).flagged
    for row in found.select(["rule", "operation"]).to_pylist():
        of_class[row["rule"]].append(row["operation"])
        classified.add(row["operation"])
    of_class[""] = [operation for operation in seen if operation not in classified]
    order = {operation: n for n, (operation, _) in enumerate(_by_count(seen))}
    return {name: sorted(found, key=order.__getitem__) for name, found in of_class.items()}


def _by_count(seen: Counter[str]) -> list[tuple[str, int]]:
    return sorted(seen.items(), key=lambda item: (-item[1], item[0]))


# --- candidates -----------------------------------------------------------------------------------


def _candidates(rule: Mapping[str, Any]) -> list[Any]:
    """Thresholds to try, ascending; none for a rule that has no `at_least`."""
    match rule["kind"]:
        case "count":
            return sorted({max(2, round(rule["at_least"] * m)) for m in _MULTIPLES})
        case "distinct":
            return [rule["at_least"] + more for more in range(-1, 5) if rule["at_least"] + more > 1]
        case "hours":
            return [f"{hours}h" for hours in _HOURS]
    return []


def _trial(
    rules: Sequence[Mapping[str, Any]], candidates: Mapping[str, Sequence[Any]]
) -> list[dict[str, Any]]:
    """Every rule once for each of its candidates."""
    return [
        {**rule, "id": _name(rule["id"], n), "optional": True}
        | ({} if value is None else {"at_least": value})
        for rule in rules
        for n, value in enumerate(candidates[rule["id"]] or [None])
    ]


def _name(rule: str, number: int) -> str:
    return f"{rule}.{number}"


# --- the text -------------------------------------------------------------------------------------


def _comment(*lines: str) -> list[str]:
    """Comment lines; nothing that comes from a log can end one, or shows an Individual Number."""
    return [f"# {clean(mask(line))}".rstrip() for line in lines]


def _section(ja: str, en: str) -> list[str]:
    return ["", "# " + "-" * 93, f"# {ja}  /  {en}"]


def _entry(key: str, value: Any) -> list[str]:
    """A key and its value; a list that is too long for one line has a line for each element."""
    line = f"{key} = {toml_value(value)}"
    if len(line) <= _WIDE or not isinstance(value, list):
        return [line]
    return [f"{key} = [", *(f"  {toml_value(one)}," for one in value), "]"]


def _head(found: ScanResult, budget: int, months: float) -> list[str]:
    o = found.overview
    from yokome import __version__

    period = f"{o.first:%Y-%m-%d} – {o.last:%Y-%m-%d}"
    return _comment(
        f"yokome init ({__version__})",
        f"ログを見て作ったポリシーです。期間 {period}（{months:.1f} か月）、"
        f"入力 {o.sources:,} 個、記録 {o.accepted:,} 件。",
        f"月に確かめられる所見を {budget:,} 件として、規則ごとの基準を選んでいます。",
        "決めた理由は、それぞれの節に書いてあります。直してから使ってください。",
        f"A policy made from a look at the log: {period} ({months:.1f} months), "
        f"sources: {o.sources:,}, records: {o.accepted:,}.",
        f"Thresholds are chosen for {budget:,} findings a month in all. The reasons are beside "
        f"them.",
    )


def _columns(found: ScanResult) -> list[str]:
    lines = [
        *_section("列の対応", "Columns"),
        *_comment(
            "見出しから次のように見分けました。見分け方が違うときは、[columns] に書いて直します。",
            "Recognised by their headers. Write a section [columns] where this is wrong.",
        ),
    ]
    mappings: dict[str, list[str]] = defaultdict(list)
    for row in found.inputs.select(["source", "columns"]).to_pylist():
        mappings[row["columns"] or "{}"].append(row["source"])
    for mapping, sources in mappings.items():
        shown = ", ".join(sources[:3]) + (f" … ({len(sources):,})" if len(sources) > 3 else "")
        fields = json.loads(mapping)
        lines += _comment("", f"{shown}:")
        lines += _comment(
            *(f"  {field} = {toml_value(column)}" for field, column in fields.items())
        )
        missing = [f"{FIELDS[f][0]} ({f})" for f in list(FIELDS)[:10] if f not in fields]
        if missing:
            lines += _comment(f"  列なし / no column: {', '.join(missing)}")
    return lines


def _operations(operations: Mapping[str, Any], seen: Counter[str]) -> list[str]:
    classes = _classes(operations, seen)
    lines = [
        *_section("操作の分類", "Classes of operations"),
        *_comment(
            "ログにあった操作を、件数の多い順に示します。",
            "The operations that the log has, the most frequent first.",
        ),
    ]

    def shown(names: Sequence[str]) -> list[str]:
        # Operations that read the same once their numbers are masked are one line.
        counts: Counter[str] = Counter()
        for name in names:
            counts[mask(name)] += seen[name]
        listed = [f"  {name} ({n:,})" for name, n in _by_count(counts)[:_SHOWN]]
        more = len(counts) - len(listed)
        return [*listed, *([f"  … ほか {more:,} 種類 / and {more:,} more"] if more else [])]

    lines += _comment("", "どの分類にも入らない操作 / in no class:", *shown(classes[""]))
    lines += ["[operations]"]
    for name, globs in operations.items():
        found = shown(classes[name]) or ["  （なし / none）"]
        lines += _comment(f"{name}:", *found)
        lines += _entry(name, globs)
    return lines


def _calendar(calendar: Mapping[str, Any], hours: Mapping[str, Sequence[int]]) -> list[str]:
    lines = [
        *_section("執務日と執務時間", "Days and hours of work"),
        *_comment(
            "月曜から金曜の記録の 98% が入る時間帯を、所属ごとに示します。",
            "執務時間と違う所属は、# を外すと、その時間で判断します（残業なのか時差勤務なのかを"
            "確かめてから）。",
            "For each department the hours that hold 98 % of its records from Monday to Friday.",
            "Where they differ, take away the # to judge by them, once it is known why they do.",
        ),
        "[calendar]",
        *(
            f"{key} = {toml_value(calendar[key])}"
            for key in ("country", "hours", "margin", "closed")
        ),
    ]
    for department in sorted(hours, key=lambda d: (-sum(hours[d]), d)):
        counts = hours[department]
        if not sum(counts):
            continue
        span = _span(counts)
        lines += _comment(
            "",
            f"{department}: {span} ({sum(counts):,})",
            "[[calendar.override]]",
            f"department = {toml_value(department)}",
            f"hours = {toml_value(span)}",
        )
    return lines


def _span(counts: Sequence[int]) -> str:
    """The shortest span of half-hours that holds the share of records; the earliest of several."""
    whole = sum(counts)
    best = (0, 48)
    for start in range(48):
        held = 0
        for end in range(start + 1, 49):
            held += counts[end - 1]
            if held >= _OPEN_SHARE * whole:
                if end - start < best[1] - best[0]:
                    best = (start, end)
                break

    def clock(half: int) -> str:
        return f"{half // 2:02}:{half % 2 * 30:02}"

    return f"{clock(best[0])}-{clock(best[1])}"


def _rules(
    rules: Sequence[Mapping[str, Any]],
    candidates: Mapping[str, Sequence[Any]],
    found: ScanResult,
    budget: int,
    months: float,
) -> list[str]:
    tried = {rule.rule: rule for rule in found.overview.rules}
    reasons = {rule["id"]: tried[_name(rule["id"], 0)].reason for rule in rules}
    share = budget / max(1, sum(reason is None for reason in reasons.values()))
    lines = [
        *_section("規則", "Rules"),
        *_comment(
            f"評価できる規則で等分すると、一つの規則につき月 {share:.1f} 件です。"
            f"これに最も近い基準を選びました。",
            "表は、基準と、その基準なら月に何件の所見になったかです（<- が選んだもの）。",
            f"Shared equally among the rules that can be evaluated: {share:.1f} findings a "
            f"month each.",
            "The tables say what each threshold would have given a month; <- is the one chosen.",
        ),
    ]
    for rule in rules:
        options = candidates[rule["id"]]
        counts = [tried[_name(rule["id"], n)].findings for n in range(max(1, len(options)))]
        chosen = dict(rule)
        table: list[str] = []
        reason = reasons[rule["id"]]
        if reason is not None:
            chosen["optional"] = True
            table.append(f"このログでは評価できません / cannot be evaluated on this log: {reason}")
        elif options:
            best = _closest(counts, share * months, options.index(rule["at_least"]))
            chosen["at_least"] = options[best]
            for n, (option, count) in enumerate(zip(options, counts, strict=True)):
                value = duration_words(option, "en") if isinstance(option, str) else f"{option:,}"
                mark = "  <-" if n == best else ""
                table.append(f"  at_least {value:>10}  {count / months:>10,.1f}{mark}")
        else:
            table.append(f"  月 {counts[0] / months:,.1f} 件 / {counts[0] / months:,.1f} a month")
        lines += ["", *_comment(rule_words(chosen, "ja"), rule_words(chosen, "en"), *table)]
        lines.append("[[rules]]")
        lines += [line for key, value in chosen.items() for line in _entry(key, value)]
    return lines


def _closest(counts: Sequence[int], wished: float, default: int) -> int:
    """The candidate closest to what is wished; of several the one closest to the default."""
    return min(range(len(counts)), key=lambda n: (abs(counts[n] - wished), abs(n - default)))


# --- arguments ------------------------------------------------------------------------------------

_PREPARED: Final = ("columns", "time_format", "timezone", "header")


def _of_policy(reading: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reading.items() if name in _PREPARED}


def _of_run(reading: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reading.items() if name not in _PREPARED}
