"""What people call the fields, keys and weekdays that a policy names, and amounts of them.

In: names and numbers. Out: Japanese or English words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yokome.lang import Lang, pick

__all__ = ["FIELDS", "KEYS", "WEEKDAYS", "amount", "field_name", "title"]

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
KEYS: dict[str, tuple[str, str]] = {
    "user": ("職員", "user"),
    "terminal": ("端末", "terminal"),
    "subject": ("人（宛名番号）", "subject"),
    "department": ("所属", "department"),
}
"""Whose records form one timeline: (Japanese, English)."""

WEEKDAYS: dict[str, tuple[str, str]] = {
    "mon": ("月", "Monday"),
    "tue": ("火", "Tuesday"),
    "wed": ("水", "Wednesday"),
    "thu": ("木", "Thursday"),
    "fri": ("金", "Friday"),
    "sat": ("土", "Saturday"),
    "sun": ("日", "Sunday"),
}
"""Weekdays by the names that policies have for them, Monday first: (Japanese, English)."""

_COUNTERS: dict[str, tuple[str, str, str]] = {
    "terminal": ("台", "terminal", "terminals"),
    "user": ("人", "user", "users"),
    "subject": ("人", "subject", "subjects"),
    "department": ("か所", "department", "departments"),
    "date": ("日", "day", "days"),
}


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
