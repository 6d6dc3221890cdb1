"""What people call the fields, keys and weekdays that a policy names, and amounts of them.

In: names and numbers. Out: Japanese or English words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yokome.lang import Lang, pick

__all__ = [
    "FIELDS",
    "KEYS",
    "WEEKDAYS",
    "amount",
    "counted_name",
    "field_name",
    "new_words",
    "number_words",
    "title",
    "use_words",
    "value_words",
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
    "hour": ("時間帯", "hour"),
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
    "subject": ("人分", "subject", "subjects"),
    "department": ("か所", "department", "departments"),
    "date": ("日", "day", "days"),
}

_VALUES: dict[str, dict[str, tuple[str, str]]] = {
    "result": {
        "success": ("成功", "success"),
        "failure": ("失敗", "failure"),
        "other": ("その他", "other"),
    },
    "references": {"true": ("あり", "yes"), "false": ("なし", "no")},
    "weekday": {name: (f"{ja}曜日", en) for name, (ja, en) in WEEKDAYS.items()},
    "day_type": {"open": ("開庁日", "open"), "closed": ("閉庁日", "closed")},
}

# Not to use it, and having used it.
_USES: dict[str, tuple[str, str]] = {
    "terminal": ("使わない", "使った"),
    "system": ("使わない", "使った"),
    "operation": ("行わない", "行った"),
    "subject": ("参照しない", "参照した"),
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


def number_words(number: float) -> str:
    """A number with its thousands set off, to three decimals at most: "12,345.5"."""
    return f"{number:,.3f}".rstrip("0").rstrip(".")


def value_words(field: str, value: object, lang: Lang) -> str:
    """A value of a field as people read it: 「失敗」 of ``result``, 「22 時台」 of ``hour``."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if field == "hour":
        return pick(lang, f"{text} 時台", f"{text}:00–{text}:59")
    return pick(lang, *_VALUES.get(field, {}).get(text, (text, text)))


def use_words(field: str) -> tuple[str, str]:
    """Japanese for using a value of a field: 「使わない」 and 「使った」 of a terminal."""
    return _USES.get(field, ("見られない", "記録された"))


def new_words(field: str) -> str:
    """Japanese for a record's having a value, before a noun: 「を使った」 of a terminal."""
    return f"を{_USES[field][1]}" if field in _USES else "の"


def counted_name(field: str) -> str:
    """Japanese for what is counted when values of a field are: 「職員」, not 「職員番号」."""
    return KEYS["user"][0] if field == "user" else field_name(field, "ja")


def amount(number: float, field: str, lang: Lang) -> str:
    """So many different values of a field: 「3 台」, "3 terminals"."""
    shown = number_words(number)
    ja, one, many = _COUNTERS.get(field, ("種類", "value", "values"))
    return pick(lang, f"{shown} {ja}", f"{shown} {one if number == 1 else f'different {many}'}")
