"""Public holidays by country and year, from the ``holidays`` library (imported when first needed).

In: a country as policies write it (``"JP"``, ``"JP-47"``, ``"US-CA"``) and a year.
Out: days since 1970-01-01, ascending. No network, no clock.

What the library says of Japan stands written down in `yokome.japan` as well, and is read there if
the installed library's file for Japan is the one it is from: the library need not be imported then.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
import zlib
from functools import lru_cache, partial

from yokome.errors import PolicyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["is_at_hand", "is_certain", "public_holidays"]

_JAPAN = ("JP", "JPN")
_EPOCH = dt.date(1970, 1, 1)

# Days off by ordinance that the library may not know. Okinawa: 慰霊の日.
_PREFECTURAL: dict[str, tuple[tuple[int, int], ...]] = {"47": ((6, 23),)}


def public_holidays(country: str, year: int) -> list[int]:
    """The public holidays of a country (or one of its subdivisions) in a year.

    Args:
        country: ISO 3166 code, with or without a subdivision: ``"JP"``, ``"JP-47"``.
        year: the civil year.

    Returns:
        Days since 1970-01-01, ascending; empty for years the library does not know.

    Raises:
        PolicyError: the country or the subdivision is unknown.
    """
    return list(_public_holidays(country, year))


def is_certain(country: str) -> bool:
    """Whether the country is known without asking the library: Japan or one of its prefectures."""
    code, dash, subdivision = country.partition("-")
    return code.upper() in _JAPAN and (not dash or _is_prefecture(subdivision))


def is_at_hand(country: str) -> bool:
    """Whether the holidays of a country, in the years of `yokome.japan`, are known without
    importing the library.
    """
    return is_certain(country) and bool(_written_down())


@lru_cache(maxsize=1024)
def _public_holidays(country: str, year: int) -> tuple[int, ...]:
    code, _, subdivision = country.partition("-")
    code = code.upper()
    days: set[dt.date]
    if code in _JAPAN and subdivision:
        if not _is_prefecture(subdivision):
            raise _unknown(country, "JP-01 … JP-47", None)
        try:
            days = _days(code, subdivision, year)
        except NotImplementedError:
            days = _days(code, None, year)
        days.update(dt.date(year, m, d) for m, d in _PREFECTURAL.get(subdivision, ()))
    else:
        try:
            days = _days(code, subdivision or None, year)
        except NotImplementedError as error:
            raise _unknown(country, "JP, JP-47, KR, TW, US, US-CA …", error) from None
    return tuple(sorted((day - _EPOCH).days for day in days))


def _is_prefecture(subdivision: str) -> bool:
    return len(subdivision) == 2 and subdivision.isdecimal() and 1 <= int(subdivision) <= 47


def _days(code: str, subdivision: str | None, year: int) -> set[dt.date]:
    if code in _JAPAN and (written := _written_down().get(year)):
        # The library has no holidays of prefectures.
        return {dt.date(year, int(day[:2]), int(day[2:])) for day in written.split()}
    from holidays import country_holidays

    country = _country(code) or partial(country_holidays, code)
    return set(country(subdiv=subdivision, years=year))


@lru_cache(maxsize=1)
def _written_down() -> dict[int, str]:
    """`yokome.japan.DAYS`, if the installed library is what they are from; otherwise nothing."""
    try:
        spec = importlib.util.find_spec("holidays")
        if spec is None or spec.origin is None:
            return {}
        path = os.path.join(os.path.dirname(spec.origin), "countries", "japan.py")
        with open(path, "rb") as file:
            content = file.read()
    except (ImportError, OSError, ValueError):
        return {}
    from yokome.japan import DAYS, SOURCE

    return DAYS if (len(content), zlib.crc32(content)) == SOURCE else {}


@lru_cache(maxsize=16)
def _country(code: str) -> Callable[..., Iterable[dt.date]] | None:
    """The class of a country, without the 250 others that come along with the package's own loader.

    They would take longer than all the rest of a small scan. None if the library is not laid out as
    it was: then the loader is asked.
    """
    try:
        import holidays
        from holidays.registry import COUNTRIES

        module, name = next((m, e[0]) for m, e in COUNTRIES.items() if code in e[1:])
        file = os.path.join(os.path.dirname(holidays.__file__), "countries", f"{module}.py")
        spec = importlib.util.spec_from_file_location(f"yokome._{module}", file)
        if spec is None or spec.loader is None:
            return None
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        country: Callable[..., Iterable[dt.date]] = getattr(loaded, name)
    except (AttributeError, ImportError, OSError, StopIteration, TypeError):
        return None
    return country


def _unknown(country: str, examples: str, cause: Exception | None) -> PolicyError:
    why = f" ({str(cause).rstrip('.')})" if cause is not None and str(cause) else ""
    return PolicyError(
        f"calendar.country: no holidays are known for {country!r}{why}; "
        f"write an ISO 3166 code, as in {examples}",
        key="calendar.country",
        message_ja=f"ポリシーに誤りがあります。calendar.country:「{country}」の祝日は登録されていません。"
        f"ISO 3166 の符号（例: {examples}）で書いてください",
    )
