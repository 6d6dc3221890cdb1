"""A policy's calendar, lists and scope in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from yokome.lang import Lang, pick
from yokome.words.conditions import quoted, records_words, several
from yokome.words.names import WEEKDAYS, field_name
from yokome.words.times import duration_words

__all__ = ["calendar_words", "list_words", "scope_words"]


def calendar_words(calendar: Mapping[str, Any], lang: Lang) -> list[tuple[str, str]]:
    """The calendar as (label, words), the departments with their own hours after the general."""
    rows = [(pick(lang, "執務時間", "Working hours"), _hours_words(calendar, lang))]
    for one in calendar.get("override", []):
        names = quoted(several(one["department"]), lang)
        label = pick(lang, f"執務時間（所属 {names}）", f"Working hours (department {names})")
        rows.append((label, _hours_words({**calendar, **one}, lang)))
    return rows


def _hours_words(calendar: Mapping[str, Any], lang: Lang) -> str:
    hours = calendar["hours"]
    if isinstance(hours, Mapping):
        days = "、".join(
            f"{pick(lang, *WEEKDAYS[d])} {h}" for d, h in hours.items() if d in WEEKDAYS
        )
        words = days if lang == "ja" else days.replace("、", ", ")
    else:
        words = str(hours)
    words = words.replace("-", pick(lang, "～", "–"))
    margin = duration_words(calendar.get("margin", "0m"), lang)
    closed = _closed_words(several(calendar.get("closed", [])), calendar.get("country"), lang)
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
        if day in WEEKDAYS:
            ja, en = WEEKDAYS[day]
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
        on = [field_name(f, lang) for f in several(one.get("on", []))]
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
    comma = "、" if scope.get("where") else ""
    return pick(lang, f"{period}の{comma}{records}", f"{records} {period}")


def _until(end: Any, lang: Lang) -> str:
    if end is None:
        return pick(lang, "最後まで", "to the last")
    if len(str(end)) > len("2025-04-01"):
        # A time of day is exclusive, a bare day includes all of it.
        return pick(lang, f"{end} の直前まで", f"until before {end}")
    return pick(lang, f"{end}まで", f"to {end}")
