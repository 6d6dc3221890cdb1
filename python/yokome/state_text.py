"""What a state file covers, for people."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from yokome.lang import Lang, clean, pick
from yokome.progress import file_size

if TYPE_CHECKING:
    from yokome.state import Period, State

__all__ = ["state_text"]


def state_text(state: State, lang: Lang) -> str:
    """The state in a few lines, then a line per scan and source, the latest last."""
    until = pick(lang, "まだ記録がありません", "no records yet")
    if state.last is not None:
        last = _time(state.last)
        until = pick(lang, f"{last} まで分析済み", f"everything up to {last}")
    pairs = [
        (pick(lang, "状態", "state"), f"{clean(state.path)} ({file_size(state.size)})"),
        (pick(lang, "範囲", "covers"), until),
        (pick(lang, "ポリシー", "policy"), f"{clean(state.policy)} ({state.fingerprint})"),
        (
            pick(lang, "職員", "users"),
            pick(lang, f"{state.users:,} 人分を記憶", f"{state.users:,} remembered"),
        ),
        (pick(lang, "作成", "written by"), f"yokome {clean(state.yokome)}"),
    ]
    lines = [f"{label}: {text}" for label, text in pairs]
    for number, period in enumerate(state.periods, 1):
        lines += ["", _period(number, period, lang)]
        for source in period.sources:
            counts = pick(lang, f"{source.records:,} 件", f"{source.records:,} records")
            if source.rejected:
                counts += pick(
                    lang,
                    f"（ほかに読み取れなかった {source.rejected:,} 件）",
                    f" ({source.rejected:,} more rejected)",
                )
            lines.append(clean(f"   {source.digest or '-' * 32}  {source.source}  {counts}"))
            if source.error is not None:
                told = pick(lang, "最後までは読めていません", "not read to its end")
                lines.append(clean(f"     {told}: {source.error}"))
    return "\n".join(lines)


def _period(number: int, period: Period, lang: Lang) -> str:
    if period.first is None or period.last is None:
        return pick(lang, f"{number}. 記録なし", f"{number}. no records")
    first, last = _time(period.first), _time(period.last)
    return pick(
        lang,
        f"{number}. {first} ～ {last}  {period.records:,} 件",
        f"{number}. {first} to {last}  {period.records:,} records",
    )


def _time(time: dt.datetime) -> str:
    return time.isoformat(sep=" ")
