"""Makes ``python/yokome/japan.py``: what the ``holidays`` library says of Japan, written down.

Run ``python tests/make_japan.py`` with the newest library, and commit what it writes. Nothing is
wrong if nobody does: if the library's file for Japan is another, the library itself is asked.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import holidays

TABLE = Path(__file__).parents[1] / "python" / "yokome" / "japan.py"
YEARS = range(2000, 2050)

WIDTH = 100
HEAD = '''"""The public holidays of Japan, as the ``holidays`` library says them: to ask the library
itself takes longer than to scan half a million records.

Written by ``tests/make_japan.py``; not to be changed by hand. `yokome.calendar` looks here only if
the installed library's file for Japan is the one that these days are from.
"""

SOURCE = {source}
"""Length and CRC-32 of the library's ``countries/japan.py``."""

DAYS = {{
{days}
}}
"""Month and day of each public holiday, by year."""
'''


def source() -> tuple[int, int]:
    """Length and CRC-32 of the library's file for Japan."""
    content = (Path(holidays.__file__).parent / "countries" / "japan.py").read_bytes()
    return len(content), zlib.crc32(content)


def table() -> str:
    """The module's text."""
    lines = []
    for year in YEARS:
        days = sorted(holidays.country_holidays("JP", years=year))
        texts = [day.strftime("%m%d") for day in days]
        line = f'    {year}: "{" ".join(texts)}",'
        if len(line) > WIDTH:
            half = (len(texts) + 1) // 2
            line = f'    {year}: "{" ".join(texts[:half])} "\n    "{" ".join(texts[half:])}",'
        lines.append(line)
    return HEAD.format(source=source(), days="\n".join(lines))


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8", newline="\n")
