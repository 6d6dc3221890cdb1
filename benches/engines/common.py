"""What the engines share: the numbers of ``five_rules.toml``, and how they are called.

What is loaded here counts as every engine's own time, so that nothing is that one of them may do
without.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from typing import TypeAlias

    Counts: TypeAlias = dict[str, int]

RULES = ("off-hours", "new-terminal", "failures", "new-operation", "repeat-subject")

# The log's header, in the words of Yokome's schema.
FIELDS = {
    "日時": "time",
    "職員番号": "user",
    "所属": "department",
    "端末番号": "terminal",
    "操作内容": "operation",
    "処理結果": "result",
    "個人番号参照": "references",
    "宛名番号": "subject",
}
TIME_FORMAT = "%Y/%m/%d %H:%M:%S"
REFERENCED = "あり"
FAILED = "失敗"
TAKEN = ("印刷", "書き出し", "媒体書き出し", "プリントスクリーン")

# Office hours with the margin, in seconds of the day: 08:00 to 17:45.
OPENS, CLOSES = 8 * 3600, 17 * 3600 + 45 * 60
LOOKBACK_DAYS = 30
MIN_ACTIVE_DAYS = 5
FAILURES, FAILURES_WINDOW = 3, 10 * 60
REPEATS, REPEATS_WINDOW = 5, 7 * 86_400


def japanese_holidays() -> list[date]:
    """The public holidays of the years that a log of the benchmark can touch."""
    import holidays  # not every engine asks

    return sorted(holidays.country_holidays("JP", years=range(2024, 2027)))


def run(engine: Callable[[str, str], Counts]) -> None:
    """Call an engine as the command line says, and print how much each rule flagged, as JSON."""
    log, out = sys.argv[1:]
    counts = engine(log, out)
    print("{" + ", ".join(f'"{rule}": {int(counts.get(rule, 0))}' for rule in RULES) + "}")
