"""A ``where`` in words: which records it means.

A condition is a modifier of the word *record*: before it in Japanese (「執務時間外の記録」), after
it in English ("records outside working hours").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from yokome.lang import Lang, pick
from yokome.words.names import WEEKDAYS, field_name

__all__ = ["class_name", "either", "quoted", "records_words", "several"]

_CLASSES: dict[str, tuple[str, str]] = {
    "login": ("ログイン", "login"),
    "view": ("照会", "view"),
    "update": ("更新", "update"),
    "print": ("印刷", "print"),
    "export": ("書き出し", "export"),
    "screen_capture": ("画面の取得", "screen capture"),
    "media": ("媒体の利用", "removable media"),
}
_RESULTS: dict[str, tuple[str, str]] = {
    "success": ("成功した", "that succeeded"),
    "failure": ("失敗した", "that failed"),
    "other": ("成功でも失敗でもない", "that neither succeeded nor failed"),
}
_SHOWN = 8


def records_words(where: Mapping[str, Any] | None, lang: Lang) -> str:
    """The records that satisfy a ``where``: 「失敗した記録」, "records that failed"."""
    if lang == "ja":
        return "、".join(_conditions(where or {}, lang)) + "記録"
    return " ".join(["records", *_conditions(where or {}, lang)])


def class_name(name: str, lang: Lang) -> str:
    """A class of operations as people call it, and as policies do: 「印刷（print）」."""
    if name not in _CLASSES:
        return name
    ja, en = _CLASSES[name]
    return pick(lang, f"{ja}（{name}）", name if en == name else f"{en} ({name})")


def _conditions(where: Mapping[str, Any], lang: Lang) -> list[str]:
    """The modifiers that a ``where`` amounts to, when and where first, what and how last."""
    order = ("calendar", "weekday", "time_of_day")
    last = ("references", "operation_class", "result")
    keys = [
        *(k for k in order if k in where),
        *(k for k in where if k not in order and k not in last and k != "and"),
        *(k for k in last if k in where),
    ]
    failed = lang == "ja" and where.get("result") in ("failure", ["failure"])
    if failed and "operation_class" in where:
        # 「印刷に失敗した記録」 rather than 「印刷の、失敗した記録」
        keys.remove("result")
    words = [w for key in keys for w in _condition(key, where[key], lang)]
    if failed and "operation_class" in where:
        words[-1] = words[-1].removesuffix("の") + "に失敗した"
    if "and" in where:
        words += _conditions(where["and"], lang)
    return words


def _condition(key: str, value: Any, lang: Lang) -> list[str]:
    match key:
        case "calendar":
            return [
                pick(lang, "執務時間外の", "outside working hours")
                if value == "off-hours"
                else pick(lang, "執務時間内の", "within working hours")
            ]
        case "weekday":
            days = [WEEKDAYS[d] for d in several(value)]
            return [
                pick(
                    lang,
                    "・".join(ja for ja, _ in days) + "曜日の",
                    "on " + either([en for _, en in days], lang),
                )
            ]
        case "time_of_day":
            span = str(value).replace("-", pick(lang, "～", "–"))
            return [pick(lang, f"{span} の", f"between {span}")]
        case "references":
            if value:
                return [
                    pick(lang, "特定個人情報に触れる", "touching specific personal information")
                ]
            return [
                pick(lang, "特定個人情報に触れない", "not touching specific personal information")
            ]
        case "operation_class":
            return [_class_words(several(value), lang)]
        case "result":
            words = [pick(lang, *_RESULTS[r]) for r in several(value)]
            return ["、または".join(words) if lang == "ja" else " or ".join(words)]
    return _text_conditions(key, value, lang)


def _class_words(classes: Sequence[str], lang: Lang) -> str:
    names = [pick(lang, *_CLASSES.get(c, (f"「{c}」", f"“{c}”"))) for c in classes]
    if lang == "ja":
        return names[0] + "の" if len(names) == 1 else f"{'・'.join(names)}のいずれかの"
    return "of class " + either(names, lang)


def _text_conditions(field: str, tests: Any, lang: Lang) -> list[str]:
    """Conditions on a text field: each test is a modifier of its own."""
    if not isinstance(tests, Mapping):
        tests = {"in": tests}
    name = field_name(field, lang)
    words = []
    for test, value in tests.items():
        values = quoted(several(value), lang)
        ja, en = {
            "in": (f"{name}が{values}の", f"with {name} {values}"),
            "not_in": (f"{name}が{values}以外の", f"with a {name} other than {values}"),
            "glob": (f"{name}が型{values}に合う", f"whose {name} matches {values}"),
            "regex": (f"{name}が正規表現{values}に合う", f"whose {name} matches /{values}/"),
            "list": (f"{name}がリスト{values}にある", f"whose {name} is in the list {values}"),
            "not_list": (
                f"{name}がリスト{values}にない",
                f"whose {name} is not in the list {values}",
            ),
        }[test]
        words.append(pick(lang, ja, en))
    return words


def several(value: Any) -> list[str]:
    """One text or several, as a list."""
    return [value] if isinstance(value, str) else [str(v) for v in value]


def quoted(values: Sequence[str], lang: Lang) -> str:
    """Values between quotes; those beyond the first few are counted."""
    shown = [pick(lang, f"「{v}」", f"“{v}”") for v in values[:_SHOWN]]
    more = len(values) - len(shown)
    if lang == "ja":
        return "".join(shown) + (f"ほか {more:,} 件" if more else "")
    return either([*shown, *([f"{more:,} more"] if more else [])], lang)


def either(words: Sequence[str], lang: Lang) -> str:
    """Words joined by commas and a last "or"."""
    if len(words) < 2 or lang == "ja":
        return "、".join(words)
    return ", ".join(words[:-1]) + " or " + words[-1]
