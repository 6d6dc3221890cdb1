"""A ``where`` in words: which records it means.

A condition is a modifier of the word *record*: before it in Japanese (「執務時間外の記録」), after
it in English ("records outside working hours").

Japanese puts what a value must be first, then when, then what was done
(「所属が「税務課」で、執務時間外に、特定個人情報に触れた記録」). A phrase before another has the
form that goes on (…で、…に、), the last the form that stands before a noun (…の).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from yokome.lang import Lang, pick
from yokome.words.names import WEEKDAYS, field_name, value_words

__all__ = ["class_name", "either", "quoted", "records_words", "several"]

_CLASSES: dict[str, tuple[str, str]] = {
    "login": ("ログイン", "login"),
    "view": ("照会", "view"),
    "update": ("更新", "update"),
    "print": ("印刷", "print"),
    "export": ("書き出し", "export"),
    "screen_capture": ("画面取得", "screen capture"),
    "media": ("媒体利用", "removable media"),
}
_RESULTS: dict[str, str] = {
    "success": "that succeeded",
    "failure": "that failed",
    "other": "that neither succeeded nor failed",
}
_WHEN = ("calendar", "weekday", "time_of_day")
_WHAT = ("references", "operation_class", "result")
_SHOWN = 8


def records_words(
    where: Mapping[str, Any] | None, lang: Lang, *, more: tuple[str, str] = ("", "")
) -> str:
    """The records that satisfy a ``where``: 「操作に失敗した記録」, "records that failed".

    Args:
        more: a Japanese phrase that says more of the records: before others, and before a noun
            (「普段は使わない端末で」, 「普段は使わない端末の」).
    """
    if lang == "ja":
        return _japanese(where or {}, more)
    return " ".join(["records", *_conditions(where or {})])


def class_name(name: str, lang: Lang) -> str:
    """A class of operations as people call it, and as policies do: 「印刷（print）」."""
    if name not in _CLASSES:
        return name
    ja, en = _CLASSES[name]
    return pick(lang, f"{ja}（{name}）", name if en == name else f"{en} ({name})")


def _japanese(where: Mapping[str, Any], more: tuple[str, str]) -> str:
    main, *rest = _conjuncts(where)
    phrases = [phrase for one in (main, *rest) for phrase in _values(one)]
    phrases += [phrase for one in rest for phrase in _others(one)]
    done, is_act = _act(main)
    if when := _when(main):
        phrases.append((f"{when}{'に' if is_act else 'で'}", f"{when}の"))
    if more[0]:
        phrases.insert(0, more)
    if not phrases:
        return done
    if is_act:
        return "".join(f"{before}、" for before, _ in phrases) + done
    return "".join(f"{before}、" for before, _ in phrases[:-1]) + phrases[-1][1] + done


def _conjuncts(where: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The ``where`` and what its ``and`` adds, one after the other."""
    return [where, *(_conjuncts(where["and"]) if "and" in where else [])]


def _act(where: Mapping[str, Any]) -> tuple[str, bool]:
    """What was done, with the noun; and whether it has a verb."""
    touched, result = where.get("references"), where.get("result")
    classes = several(where.get("operation_class", []))
    names = "・".join(_CLASSES.get(c, (f"「{c}」", ""))[0] for c in classes)
    if names and classes[-1] not in _CLASSES:
        names += "の操作"
    ended = {"failure": "に失敗した記録", "success": "に成功した記録"}.get(_only(result) or "")
    if ended:
        if touched is None:
            return (names or "操作") + ended, True
        listed = f"（{names}）" if names else ""
        return f"特定個人情報に{'触れる' if touched else '触れない'}操作{listed}{ended}", True
    if touched is None:
        return f"{names}の記録" if names else "記録", False
    listed = f"操作（{names}）の" if names else ""
    return f"特定個人情報に{'触れた' if touched else '触れていない'}{listed}記録", True


def _only(result: Any) -> str | None:
    """The one result that a condition asks for, if it is one."""
    words = [] if result is None else several(result)
    return words[0] if len(words) == 1 else None


def _when(where: Mapping[str, Any]) -> str:
    """When the records are: 「執務時間外（土・日曜日の 22:00～05:00）」."""
    parts = []
    if "weekday" in where:
        parts.append("・".join(WEEKDAYS[d][0] for d in several(where["weekday"])) + "曜日")
    if "time_of_day" in where:
        parts.append(str(where["time_of_day"]).replace("-", "～"))
    clock = "の ".join(parts) + (" " if "time_of_day" in where else "")
    if "calendar" not in where:
        return clock
    office = "執務時間外" if where["calendar"] == "off-hours" else "執務時間内"
    return f"{office}（{clock.strip()}）" if clock else office


def _values(where: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the values of text fields, or a result that is no plain one, must be."""
    phrases = []
    for key, tests in where.items():
        if key in (*_WHEN, *_WHAT, "and"):
            continue
        tests = tests if isinstance(tests, Mapping) else {"in": tests}
        for test, value in tests.items():
            subject = f"{field_name(key, 'ja')}が"
            values = quoted(several(value), "ja")
            before, last = {
                "in": (f"{values}で", f"{values}の"),
                "not_in": (f"{values}以外で", f"{values}以外の"),
                "glob": (f"パターン{values}に合い", f"パターン{values}に合う"),
                "regex": (f"正規表現{values}に合い", f"正規表現{values}に合う"),
                "list": (f"リスト{values}にあり", f"リスト{values}にある"),
                "not_list": (f"リスト{values}になく", f"リスト{values}にない"),
            }[test]
            phrases.append((subject + before, subject + last))
    if "result" in where and _only(where["result"]) not in ("failure", "success"):
        phrases.append(_result_phrase(where["result"]))
    return phrases


def _result_phrase(result: Any) -> tuple[str, str]:
    words = "または".join(f"「{value_words('result', r, 'ja')}」" for r in several(result))
    return f"処理結果が{words}で", f"処理結果が{words}の"


def _others(where: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a further ``where`` says of the time and the act, as phrases of their own."""
    phrases = []
    if when := _when(where):
        phrases.append((f"{when}で", f"{when}の"))
    if "references" in where:
        touched = value_words("references", where["references"], "ja")
        phrases.append((f"個人番号参照が「{touched}」で", f"個人番号参照が「{touched}」の"))
    if "operation_class" in where:
        classes = several(where["operation_class"])
        names = "・".join(_CLASSES.get(c, (f"「{c}」", ""))[0] for c in classes)
        phrases.append((f"操作の分類が{names}で", f"操作の分類が{names}の"))
    if "result" in where and _only(where["result"]) in ("failure", "success"):
        phrases.append(_result_phrase(where["result"]))
    return phrases


def _conditions(where: Mapping[str, Any]) -> list[str]:
    """The English modifiers that a ``where`` amounts to: when first, what last."""
    keys = [
        *(k for k in _WHEN if k in where),
        *(k for k in where if k not in _WHEN and k not in _WHAT and k != "and"),
        *(k for k in _WHAT if k in where),
    ]
    words = [w for key in keys for w in _condition(key, where[key])]
    return words + _conditions(where["and"]) if "and" in where else words


def _condition(key: str, value: Any) -> list[str]:
    match key:
        case "calendar":
            return ["outside working hours" if value == "off-hours" else "within working hours"]
        case "weekday":
            return ["on " + either([WEEKDAYS[d][1] for d in several(value)], "en")]
        case "time_of_day":
            return ["between " + str(value).replace("-", "–")]
        case "references":
            touching = "touching specific personal information"
            return [touching if value else f"not {touching}"]
        case "operation_class":
            names = [_CLASSES.get(c, ("", f"“{c}”"))[1] for c in several(value)]
            return ["of class " + either(names, "en")]
        case "result":
            return [" or ".join(_RESULTS[r] for r in several(value))]
    return _text_conditions(key, value)


def _text_conditions(field: str, tests: Any) -> list[str]:
    """Conditions on a text field: each test is a modifier of its own."""
    tests = tests if isinstance(tests, Mapping) else {"in": tests}
    name = field_name(field, "en")
    words = []
    for test, value in tests.items():
        values = quoted(several(value), "en")
        words.append(
            {
                "in": f"with {name} {values}",
                "not_in": f"with a {name} other than {values}",
                "glob": f"whose {name} matches {values}",
                "regex": f"whose {name} matches /{values}/",
                "list": f"whose {name} is in the list {values}",
                "not_list": f"whose {name} is not in the list {values}",
            }[test]
        )
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
