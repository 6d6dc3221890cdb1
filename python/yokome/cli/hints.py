"""What an officer can do about an error, in Japanese.

In: an error of the engine, whose text is English. Out: what is wrong with the columns of a log, and
hints for the mistakes that are made most. An error that is none of these keeps its own text.
"""

from __future__ import annotations

import difflib
import re
from typing import Final

from yokome.words import FIELDS

__all__ = ["column_words", "input_hint", "option_hint"]

_MISSING: Final = re.compile(
    r"(?P<source>.*): no column found for (?P<fields>[a-z_ ]+); "
    r"headers seen: (?P<headers>.*?)(?:\. Map it: .*)?",
    re.DOTALL,
)
_UNKNOWN: Final = re.compile(
    r"(?P<source>.*): column (?P<column>.*), named for (?P<field>[a-z_]+), is not in the header; "
    r"headers seen: (?P<headers>.*)",
    re.DOTALL,
)
_HOW: Final = (
    "当たる列を --column 項目=見出し で指定してください（例: --column time=発生日時。"
    "日付と時刻が別の列なら、--column time=日付の列 --column time=時刻の列 と二度書きます）。"
    "見出しが読めない文字なら、--encoding の指定を確かめてください"
)
_UNDECODABLE: Final = "\ufffd"
_GARBLED: Final = (
    "文字化けしています。--encoding の指定を外すか（自動で見分けます）、"
    "cp932 など正しい文字コードを指定してください"
)
_INPUT: Final = (
    (
        "this is an Excel workbook",
        "Excel のブックは読めません。業務システムから CSV で書き出したファイルを指定してください",
    ),
    (
        "the file is empty",
        "中身のあるファイルなら、--encoding の指定が違うかもしれません。外すと自動で見分けます",
    ),
)


def column_words(text: str) -> str:
    """What is wrong with the columns of a log, and what to do."""
    missing, unknown = _MISSING.fullmatch(text), _UNKNOWN.fullmatch(text)
    if missing is not None:
        fields = "、".join(map(_field, missing["fields"].split(" and ")))
        what = f"{missing['source']}: {fields} の列が見付かりません。見出し: {missing['headers']}"
    elif unknown is not None:
        what = (
            f"{unknown['source']}: {_field(unknown['field'])} に指定された見出し"
            f"「{unknown['column']}」がありません。見出し: {unknown['headers']}"
        )
        near = difflib.get_close_matches(unknown["column"], unknown["headers"].split(", "), 1)
        if near:
            what += f"。もしかして「{near[0]}」ですか"
    else:
        what = text
    hints = [_GARBLED] if _UNDECODABLE in text else []
    return "\n".join([f"必要な列を見分けられません: {what}", *hints, _HOW])


def _field(name: str) -> str:
    return f"{FIELDS[name][0]}（{name}）" if name in FIELDS else name


def input_hint(text: str) -> str:
    """What to do about a file that cannot be read, on a line of its own; empty if nobody knows."""
    return next((f"\n{hint}" for part, hint in _INPUT if part in text), "")


def option_hint(text: str) -> str:
    """What to do about an option that is wrong, on a line of its own; empty if nobody knows."""
    if text.startswith("--where:") and "not TOML" in text:
        return (
            "\n書き方: --where \"department = '税務課'\"（項目は英語の名前で、値は ' で囲みます。"
            "項目の名前は README.ja.md の「列の見出しが見慣れないとき」の表にあります）"
        )
    if re.match(r"--(?:from|to): expected a date", text):
        return "\n書き方: 2026-04-30（暦にある日付）または 2026-04-30T08:30:00"
    return ""
