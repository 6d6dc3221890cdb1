"""Which days are public holidays."""

from __future__ import annotations

import datetime as dt
import importlib.util

import holidays
import make_japan
import pytest

import yokome
from yokome import calendar, japan
from yokome.calendar import is_at_hand, public_holidays

EPOCH = dt.date(1970, 1, 1)


def days(country: str, year: int) -> set[str]:
    return {(EPOCH + dt.timedelta(days=day)).isoformat() for day in public_holidays(country, year)}


def test_okinawa_closes_on_the_day_of_remembrance() -> None:
    assert days("JP-47", 2025) - days("JP", 2025) == {"2025-06-23"}
    assert days("JP-13", 2025) == days("JP", 2025)
    assert {"2025-01-01", "2025-11-24"} <= days("JP", 2025)


@pytest.mark.parametrize("country", ["XX", "JP-48", "JP-0", "US-ZZ", ""])
def test_an_unknown_country_is_an_error_of_the_policy(country: str) -> None:
    with pytest.raises(yokome.PolicyError) as caught:
        public_holidays(country, 2025)
    assert caught.value.key == "calendar.country"


def test_the_holidays_of_japan_that_are_written_down_are_the_librarys() -> None:
    for year in range(1947, 2102):
        known = holidays.country_holidays("JP", years=year)
        assert public_holidays("JP", year) == [(day - EPOCH).days for day in sorted(known)], year
    if make_japan.source() == japan.SOURCE:
        assert make_japan.TABLE.read_text(encoding="utf-8") == make_japan.table()


@pytest.mark.parametrize("lost", ["another file", "no such file", "no library"])
def test_another_library_is_asked_itself(lost: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(japan, "SOURCE", (japan.SOURCE[0], japan.SOURCE[1] ^ (lost[0] == "a")))
    monkeypatch.setattr(japan, "DAYS", dict.fromkeys(japan.DAYS, "0102"))
    for memory in (calendar._written_down, calendar._public_holidays):
        memory.cache_clear()
        monkeypatch.setattr(calendar, memory.__name__, memory.__wrapped__)
    if lost == "no such file":
        elsewhere = importlib.machinery.ModuleSpec("holidays", None, origin="nowhere/nothing.py")
        monkeypatch.setattr(importlib.util, "find_spec", lambda _: elsewhere)
    if lost == "no library":
        monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert not is_at_hand("JP-13")
    assert days("JP", 2025) >= {"2025-01-01", "2025-11-24"}


@pytest.mark.parametrize("country", ["JP", "KR", "TW"])
def test_holidays_are_the_librarys(country: str) -> None:
    for year in (1999, 2019, 2026):
        known = holidays.country_holidays(country, years=year)
        assert public_holidays(country, year) == sorted((day - EPOCH).days for day in known)
