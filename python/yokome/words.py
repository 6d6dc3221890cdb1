"""A policy in words: conditions, durations, rules, the calendar; in Japanese or English.

In: parts of a policy as its TOML says them (see :func:`document`). Out: phrases and sentences that
an officer can read. Nothing here looks at a log.

A condition is a modifier of the word *record*: before it in Japanese (「執務時間外の記録」), after
it in English ("records outside working hours").
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yokome.lang import Lang, pick

if TYPE_CHECKING:
    from yokome.policy import Policy

__all__ = [
    "FIELDS",
    "amount",
    "calendar_words",
    "date_words",
    "document",
    "duration_words",
    "field_name",
    "list_words",
    "period_words",
    "records_words",
    "rule_words",
    "scope_words",
    "span_words",
    "time_words",
    "title",
]

FIELDS: dict[str, tuple[str, str]] = {
    "time": ("日時", "time"),
    "user": ("職員番号", "user"),
    "user_name": ("職員名", "user name"),
    "department": ("所属", "department"),
    "terminal": ("端末", "terminal"),
    "system": ("業務", "system"),
    "operation": ("操作", "operation"),
    "result": ("処理結果", "result"),
    "references": ("個人番号参照", "references"),
    "subject": ("宛名番号", "subject"),
    "date": ("日付", "date"),
    "hour": ("時", "hour"),
    "weekday": ("曜日", "weekday"),
    "day_type": ("開庁・閉庁の別", "day type"),
}
"""Fields and derived fields by name: (Japanese, English)."""

# Whose records form one timeline.
_KEYS: dict[str, tuple[str, str]] = {
    "user": ("職員", "user"),
    "terminal": ("端末", "terminal"),
    "subject": ("人（宛名番号）", "subject"),
    "department": ("所属", "department"),
}
_CLASSES: dict[str, tuple[str, str]] = {
    "login": ("ログイン", "login"),
    "view": ("照会", "view"),
    "update": ("更新", "update"),
    "print": ("印刷", "print"),
    "export": ("書き出し", "export"),
    "screen_capture": ("画面の取得", "screen capture"),
    "media": ("媒体の利用", "removable media"),
}
_RESULTS: dict[str, tuple[str, str]] = {
    "success": ("成功した", "that succeeded"),
    "failure": ("失敗した", "that failed"),
    "other": ("成功でも失敗でもない", "that neither succeeded nor failed"),
}
_WEEKDAYS: dict[str, tuple[str, str]] = {
    "mon": ("月", "Monday"),
    "tue": ("火", "Tuesday"),
    "wed": ("水", "Wednesday"),
    "thu": ("木", "Thursday"),
    "fri": ("金", "Friday"),
    "sat": ("土", "Saturday"),
    "sun": ("日", "Sunday"),
}
_COUNTERS: dict[str, tuple[str, str, str]] = {
    "terminal": ("台", "terminal", "terminals"),
    "user": ("人", "user", "users"),
    "subject": ("人", "subject", "subjects"),
    "department": ("か所", "department", "departments"),
    "date": ("日", "day", "days"),
}
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_UNIT_WORDS = {
    "d": ("日", "day"),
    "h": ("時間", "hour"),
    "m": ("分", "minute"),
    "s": ("秒", "second"),
}
_SHOWN = 8


def document(policy: Policy) -> dict[str, Any]:
    """The whole policy as a dict of the shape of its TOML, what it leaves out written out."""
    return tomllib.loads(policy.to_toml())


# --- names, numbers, times ------------------------------------------------------------------------


def title(rule: Mapping[str, Any], lang: Lang) -> str:
    """The rule's title in that language, or in the other, or its id."""
    titles = rule.get("title") or {}
    if isinstance(titles, str):
        return titles
    ja, en = titles.get("ja"), titles.get("en")
    return str(pick(lang, ja, en) or ja or en or rule["id"])


def field_name(field: str, lang: Lang) -> str:
    """A field as people call it."""
    return pick(lang, *FIELDS.get(field, (field, field)))


def amount(number: int, field: str, lang: Lang) -> str:
    """So many different values of a field: 「3 台」, "3 terminals"."""
    ja, one, many = _COUNTERS.get(field, ("種類", "value", "values"))
    return pick(
        lang, f"{number:,} {ja}", f"{number:,} {one if number == 1 else f'different {many}'}"
    )


def duration_words(duration: int | str, lang: Lang) -> str:
    """A duration (seconds, or as policies write it) in words: 「3時間30分」, "3 hours 30 minutes".

    Policies' own units stay: ``"24h"`` is 24 hours, not a day.
    """
    if isinstance(duration, str):
        pairs = [(int(n), u) for n, u in re.findall(r"(\d+)([dhms])", duration)]
    else:
        pairs, rest = [], duration
        for unit, size in _UNITS:
            number, rest = divmod(rest, size)
            if number:
                pairs.append((number, unit))
    if not pairs:
        pairs = [(0, "m")]
    if lang == "ja":
        return "".join(f"{n:,}{_UNIT_WORDS[u][0]}" for n, u in pairs)
    return " ".join(f"{n:,} {_UNIT_WORDS[u][1]}{'' if n == 1 else 's'}" for n, u in pairs)


def period_words(duration: str, lang: Lang) -> str:
    """A duration as the length of a window: 「7日間」, 「24時間」, "7 days"."""
    words = duration_words(duration, lang)
    return words + "間" if words.endswith("日") else words


def date_words(day: dt.date, lang: Lang) -> str:
    """「2024年4月15日（月）」, "Mon 15 April 2024"."""
    ja, en = list(_WEEKDAYS.values())[day.weekday()]
    months = "January February March April May June July August September October November December"
    return pick(
        lang,
        f"{day.year}年{day.month}月{day.day}日（{ja}）",
        f"{en[:3]} {day.day} {months.split()[day.month - 1]} {day.year}",
    )


def time_words(time: dt.datetime, lang: Lang) -> str:
    """A moment to the second, with its weekday."""
    return f"{date_words(time, lang)}{pick(lang, '', ', ')}{time:%H:%M:%S}"


def span_words(first: dt.datetime, last: dt.datetime, lang: Lang) -> str:
    """From one moment to another; one moment if they are the same to the second."""
    if first.replace(microsecond=0) == last.replace(microsecond=0):
        return time_words(first, lang)
    end = f"{last:%H:%M:%S}" if first.date() == last.date() else time_words(last, lang)
    return pick(
        lang, f"{time_words(first, lang)}から{end}まで", f"{time_words(first, lang)} to {end}"
    )


# --- conditions -----------------------------------------------------------------------------------


def records_words(where: Mapping[str, Any] | None, lang: Lang) -> str:
    """The records that satisfy a ``where``: 「失敗した記録」, "records that failed"."""
    if lang == "ja":
        return "、".join(_conditions(where or {}, lang)) + "記録"
    return " ".join(["records", *_conditions(where or {}, lang)])


def _conditions(where: Mapping[str, Any], lang: Lang) -> list[str]:
    """The modifiers that a ``where`` amounts to, when and where first, what and how last."""
    order = ("calendar", "weekday", "time_of_day")
    last = ("references", "operation_class", "result")
    keys = [
        *(k for k in order if k in where),
        *(k for k in where if k not in order and k not in last and k != "and"),
        *(k for k in last if k in where),
    ]
    failed = lang == "ja" and where.get("result") in ("failure", ["failure"])
    if failed and "operation_class" in where:
        # 「印刷に失敗した記録」 rather than 「印刷の、失敗した記録」
        keys.remove("result")
    words = [w for key in keys for w in _condition(key, where[key], lang)]
    if failed and "operation_class" in where:
        words[-1] = words[-1].removesuffix("の") + "に失敗した"
    if "and" in where:
        words += _conditions(where["and"], lang)
    return words


def _condition(key: str, value: Any, lang: Lang) -> list[str]:
    match key:
        case "calendar":
            return [
                pick(lang, "執務時間外の", "outside working hours")
                if value == "off-hours"
                else pick(lang, "執務時間内の", "within working hours")
            ]
        case "weekday":
            days = [_WEEKDAYS[d] for d in _several(value)]
            return [
                pick(
                    lang,
                    "・".join(ja for ja, _ in days) + "曜日の",
                    "on " + _or([en for _, en in days], lang),
                )
            ]
        case "time_of_day":
            span = str(value).replace("-", pick(lang, "～", "–"))
            return [pick(lang, f"{span} の", f"between {span}")]
        case "references":
            if value:
                return [
                    pick(lang, "特定個人情報に触れる", "touching specific personal information")
                ]
            return [
                pick(lang, "特定個人情報に触れない", "not touching specific personal information")
            ]
        case "operation_class":
            return [_class_words(_several(value), lang)]
        case "result":
            words = [pick(lang, *_RESULTS[r]) for r in _several(value)]
            return ["、または".join(words) if lang == "ja" else " or ".join(words)]
    return _text_conditions(key, value, lang)


def _class_words(classes: Sequence[str], lang: Lang) -> str:
    names = [pick(lang, *_CLASSES.get(c, (f"「{c}」", f"“{c}”"))) for c in classes]
    if lang == "ja":
        return names[0] + "の" if len(names) == 1 else f"{'・'.join(names)}のいずれかの"
    return "of class " + _or(names, lang)


def _text_conditions(field: str, tests: Any, lang: Lang) -> list[str]:
    """Conditions on a text field: each test is a modifier of its own."""
    if not isinstance(tests, Mapping):
        tests = {"in": tests}
    name = field_name(field, lang)
    words = []
    for test, value in tests.items():
        values = _quoted(_several(value), lang)
        ja, en = {
            "in": (f"{name}が{values}の", f"with {name} {values}"),
            "not_in": (f"{name}が{values}以外の", f"with a {name} other than {values}"),
            "glob": (f"{name}が型{values}に合う", f"whose {name} matches {values}"),
            "regex": (f"{name}が正規表現{values}に合う", f"whose {name} matches /{values}/"),
            "list": (f"{name}がリスト{values}にある", f"whose {name} is in the list {values}"),
            "not_list": (
                f"{name}がリスト{values}にない",
                f"whose {name} is not in the list {values}",
            ),
        }[test]
        words.append(pick(lang, ja, en))
    return words


def _several(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(v) for v in value]


def _quoted(values: Sequence[str], lang: Lang) -> str:
    shown = [pick(lang, f"「{v}」", f"“{v}”") for v in values[:_SHOWN]]
    more = len(values) - len(shown)
    if lang == "ja":
        return "".join(shown) + (f"ほか {more:,} 件" if more else "")
    return _or([*shown, *([f"{more:,} more"] if more else [])], lang)


def _or(words: Sequence[str], lang: Lang) -> str:
    if len(words) < 2 or lang == "ja":
        return "、".join(words)
    return ", ".join(words[:-1]) + " or " + words[-1]


# --- rules, calendar, scope -----------------------------------------------------------------------


def rule_words(rule: Mapping[str, Any], lang: Lang) -> str:
    """What a rule flags, as one sentence."""
    records = records_words(rule.get("where"), lang)
    per = rule.get("per", "user")
    same = _same(per, rule.get("by", []), lang)
    match rule["kind"]:
        case "match":
            return pick(lang, f"{records}。", f"{_capital(records)}.")
        case "count":
            n, window = rule["at_least"], period_words(rule["window"], lang)
            return pick(
                lang,
                f"{same}{records}が、{_each(rule, lang)}{window}のうちに {n:,} 件以上ある。",
                f"At least {n:,} {records} {same} within {window}.",
            )
        case "distinct":
            n = amount(rule["at_least"], rule["field"], lang)
            field, window = field_name(rule["field"], lang), period_words(rule["window"], lang)
            return pick(
                lang,
                f"{same}{records}に、{_each(rule, lang)}{window}のうちに異なる{field}が "
                f"{n}以上ある。",
                f"At least {n} within {window} among {records} {same}.",
            )
    return _baseline_rule_words(rule, records, lang)


def _baseline_rule_words(rule: Mapping[str, Any], records: str, lang: Lang) -> str:
    """What a rule flags that holds a record against the past of its key."""
    per = rule.get("per", "user")
    of_ja, of_en = _KEYS.get(per, (per, per))
    if rule["kind"] in ("novelty", "hours", "spike"):
        days, least = period_words(rule["lookback"], lang), rule["min_active_days"]
        history = pick(
            lang,
            f"（過去{days}に記録のある日が {least:,} 日以上ある{of_ja}に限る）",
            f" (for a {of_en} with records on at least {least:,} of the last {days})",
        )
    match rule["kind"]:
        case "novelty":
            field, most = field_name(rule["field"], lang), rule.get("max_days", 0)
            use = pick(
                lang,
                f"過去{days}に一度も使っていない{field}"
                if most == 0
                else f"過去{days}に {most:,} 日以下しか使っていない{field}",
                f"a {field} not used in the last {days}"
                if most == 0
                else f"a {field} used on at most {most:,} of the last {days}",
            )
            return pick(
                lang,
                f"{use}を使った{records}{history}。",
                f"{_capital(records)} with {use}{history}.",
            )
        case "hours":
            least_words = duration_words(rule["at_least"], lang)
            return pick(
                lang,
                f"過去{days}に使ったどの時間帯（30分単位）からも{least_words}以上離れた{records}{history}。",
                f"{_capital(records)} at least {least_words} from every half-hour used in the last "
                f"{days}{history}.",
            )
        case "spike":
            measure = _measure_words(rule, lang)
            factor, least_n = rule["factor"], rule["at_least"]
            return pick(
                lang,
                f"{records}について、その日の{measure}が、過去{days}の記録のある日の中央値の "
                f"{factor:g} 倍以上、"
                f"かつ {least_n:,} 以上になった{history}。",
                f"For {records}, the day's {measure} reaches {factor:g} times the median of the "
                f"active days in the last {days}, and at least {least_n:,}{history}.",
            )
        case "gap":
            idle = duration_words(rule["idle"], lang)
            return pick(
                lang,
                f"同じ{of_ja}の記録が{idle}以上途絶えた後の、最初の{records}。",
                f"The first {records} after {idle} or more without any record of the same {of_en}.",
            )
        case "sequence":
            within = period_words(rule["within"], lang)
            steps = pick(lang, " → ", " → ").join(step_words(s, lang) for s in rule["steps"])
            same = _same(per, rule.get("by", []), lang)
            return pick(
                lang,
                f"{same}次の記録が、{_each(rule, lang)}{within}のうちにこの順である：{steps}。",
                f"In this order within {within}, {same}: {steps}.",
            )
    raise ValueError(f"unknown kind of rule: {rule['kind']!r}")


def step_words(step: Mapping[str, Any], lang: Lang) -> str:
    """A step of a sequence."""
    times = step.get("times", 1)
    where = {k: v for k, v in step.items() if k != "times"}
    words = records_words(where, lang)
    if times == 1:
        return words
    return pick(lang, f"{words}（{times:,} 件以上）", f"{words} ({times:,} or more)")


def _measure_words(rule: Mapping[str, Any], lang: Lang) -> str:
    if "distinct" in rule:
        field = field_name(rule["distinct"], lang)
        return pick(lang, f"異なる{field}の数", f"number of different {field} values")
    return pick(lang, "記録の件数", "number of records")


def _same(per: str, by: Sequence[str], lang: Lang) -> str:
    if lang == "ja":
        return f"同じ{_KEYS.get(per, (per, per))[0]}の、"
    names = [_KEYS.get(per, (per, per))[1], *(field_name(f, lang) for f in by)]
    return "of the same " + (
        names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
    )


def _each(rule: Mapping[str, Any], lang: Lang) -> str:
    """「宛名番号ごとに」: what the records agree on."""
    names = [field_name(f, lang) for f in rule.get("by", [])]
    return f"{'・'.join(names)}ごとに、" if names else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def calendar_words(calendar: Mapping[str, Any], lang: Lang) -> list[tuple[str, str]]:
    """The calendar as (label, words), the departments with their own hours after the general."""
    rows = [(pick(lang, "執務時間", "Working hours"), _hours_words(calendar, lang))]
    for one in calendar.get("override", []):
        names = _quoted(_several(one["department"]), lang)
        label = pick(lang, f"執務時間（所属 {names}）", f"Working hours (department {names})")
        rows.append((label, _hours_words({**calendar, **one}, lang)))
    return rows


def _hours_words(calendar: Mapping[str, Any], lang: Lang) -> str:
    hours = calendar["hours"]
    if isinstance(hours, Mapping):
        days = "、".join(
            f"{pick(lang, *_WEEKDAYS[d])} {h}" for d, h in hours.items() if d in _WEEKDAYS
        )
        words = days if lang == "ja" else days.replace("、", ", ")
    else:
        words = str(hours)
    words = words.replace("-", pick(lang, "～", "–"))
    margin = duration_words(calendar.get("margin", "0m"), lang)
    closed = _closed_words(_several(calendar.get("closed", [])), calendar.get("country"), lang)
    opened = [str(d) for d in calendar.get("open", [])]
    text = pick(
        lang,
        f"{words}（前後に{margin}の余裕をみる）。閉庁日：{closed}",
        f"{words}, with a margin of {margin} at both ends. Closed: {closed}",
    )
    if opened:
        text += pick(
            lang,
            f"。休日に開庁した日：{_list(opened, lang)}",
            f". Worked although closed: {_list(opened, lang)}",
        )
    return text


def _closed_words(days: Sequence[str], country: str | None, lang: Lang) -> str:
    words = []
    for day in days:
        if day in _WEEKDAYS:
            ja, en = _WEEKDAYS[day]
            words.append(pick(lang, f"{ja}曜日", en))
        elif day == "holiday":
            words.append(pick(lang, f"祝日（{country}）", f"public holidays ({country})"))
        else:
            words.append(day.replace("..", pick(lang, "～", "–")))
    return _list(words, lang) if words else pick(lang, "なし", "none")


def _list(words: Sequence[str], lang: Lang) -> str:
    return pick(lang, "、", ", ").join(words)


def list_words(lists: Mapping[str, Any], lang: Lang) -> list[tuple[str, str]]:
    """The lists as (name, what they are tied to and how long), never their values."""
    rows = []
    for name, one in lists.items():
        count = len(_several_rows(one.get("values", [])))
        on = [field_name(f, lang) for f in _several(one.get("on", []))]
        tied = pick(lang, f"{'・'.join(on)}の", f"{', '.join(on)}: ") if on else ""
        rows.append((name, pick(lang, f"{tied}リスト、{count:,} 行", f"{tied}{count:,} rows")))
    return rows


def _several_rows(values: Any) -> list[Any]:
    return [values] if isinstance(values, str) else list(values)


def scope_words(scope: Mapping[str, Any], lang: Lang) -> str:
    """Which records could be flagged."""
    start, end = scope.get("from"), scope.get("to")
    records = records_words(scope.get("where"), lang)
    if start is None and end is None:
        return pick(lang, "すべての記録", "all records") if not scope.get("where") else records
    begin = pick(lang, f"{start or '最初'}から", f"from {start or 'the first'}")
    period = f"{begin}{pick(lang, '', ' ')}{_until(end, lang)}"
    return pick(lang, f"{period}の{records}", f"{records} {period}")


def _until(end: Any, lang: Lang) -> str:
    if end is None:
        return pick(lang, "最後まで", "to the last")
    if len(str(end)) > len("2025-04-01"):
        # A time of day is exclusive, a bare day includes all of it.
        return pick(lang, f"{end} の直前まで", f"until before {end}")
    return pick(lang, f"{end}まで", f"to {end}")
