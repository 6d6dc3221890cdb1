"""Durations, days and moments in words.

In: seconds, durations as policies write them, dates and times. Out: Japanese or English words.
"""

from __future__ import annotations

import datetime as dt
import re

from yokome.lang import Lang, pick
from yokome.words.names import WEEKDAYS

__all__ = [
    "date_words",
    "duration_words",
    "period_words",
    "span_words",
    "time_words",
]

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_UNIT_WORDS = {
    "d": ("日", "day"),
    "h": ("時間", "hour"),
    "m": ("分", "minute"),
    "s": ("秒", "second"),
}


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
    ja, en = list(WEEKDAYS.values())[day.weekday()]
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
