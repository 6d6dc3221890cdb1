"""What a rule flags, in a sentence; and the steps of a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from yokome.lang import Lang, pick
from yokome.words.conditions import records_words
from yokome.words.names import (
    KEYS,
    amount,
    counted_name,
    field_name,
    new_words,
    number_words,
    use_words,
)
from yokome.words.times import duration_words, period_words

__all__ = ["rule_words", "step_words"]


def rule_words(rule: Mapping[str, Any], lang: Lang) -> str:
    """What a rule flags, as one sentence."""
    records = records_words(rule.get("where"), lang)
    per = rule.get("per", "user")
    same = _same(per, rule.get("by", []), lang)
    match rule["kind"]:
        case "match":
            return pick(lang, f"{records}。", f"{_capital(records)}.")
        case "count":
            n, window = rule["at_least"], period_words(rule["window"], lang)
            return pick(
                lang,
                f"{same}、{records}が{window}のうちに {n:,} 件以上ある。",
                f"At least {n:,} {records} {same} within {window}.",
            )
        case "distinct":
            n = amount(rule["at_least"], rule["field"], lang)
            field, window = counted_name(rule["field"]), period_words(rule["window"], lang)
            return pick(
                lang,
                f"{same}、{records}に現れる{field}が{window}のうちに {n}以上ある。",
                f"At least {n} within {window} among {records} {same}.",
            )
    return _baseline_rule_words(rule, records, lang)


def _baseline_rule_words(rule: Mapping[str, Any], records: str, lang: Lang) -> str:
    """What a rule flags that holds a record against the past of its key."""
    per = rule.get("per", "user")
    of_ja, of_en = KEYS.get(per, (per, per))
    if rule["kind"] in ("novelty", "hours", "spike"):
        days, least = period_words(rule["lookback"], lang), rule["min_active_days"]
        history = pick(
            lang,
            f"（過去{days}で記録のある日が {least:,} 日以上の{of_ja}に限る）",
            f" (for a {of_en} with records on at least {least:,} of the last {days})",
        )
    match rule["kind"]:
        case "novelty":
            field, most = field_name(rule["field"], lang), rule.get("max_days", 0)
            if lang == "ja":
                used = use_words(rule["field"])[1]
                seldom = f"一度も{used}ことのない" if most == 0 else f"{used}日が {most:,} 日以下の"
                use = f"過去{days}に{seldom}{field}"
                records = records_words(
                    rule.get("where"), lang, more=(f"{use}で", use + new_words(rule["field"]))
                )
                return f"{records}{history}。"
            use = f"used on at most {most:,} of" if most else "not used in"
            return f"{_capital(records)} with {_a(field)} {use} the last {days}{history}."
        case "hours":
            least_words = duration_words(rule["at_least"], lang)
            if lang == "ja":
                far = f"過去{days}に使ったどの時間帯（30分単位）からも{least_words}以上離れた時刻"
                records = records_words(rule.get("where"), lang, more=(f"{far}に", f"{far}の"))
                return f"{records}{history}。"
            return (
                f"{_capital(records)} at least {least_words} from every half-hour used in the last "
                f"{days}{history}."
            )
        case "spike":
            measure, least_words = _measure_words(rule, records, lang)
            factor = number_words(rule["factor"])
            return pick(
                lang,
                f"{measure}が、普段の日（過去{days}で記録のある日の中央値）の {factor} 倍以上、"
                f"かつ {least_words}以上になった{history}。",
                f"For {records}, the day's {measure} reaches {factor} times the median of the "
                f"active days in the last {days}, and at least {least_words}{history}.",
            )
        case "gap":
            idle = duration_words(rule["idle"], lang)
            return pick(
                lang,
                f"同じ{of_ja}の記録が{idle}以上途絶えた後の、最初の{records}。",
                f"The first {records} after {idle} or more without any record of the same {of_en}.",
            )
        case "sequence":
            within = period_words(rule["within"], lang)
            steps = pick(lang, " → ", " → ").join(step_words(s, lang) for s in rule["steps"])
            same = _same(per, rule.get("by", []), lang)
            return pick(
                lang,
                f"{same}、{within}のうちに次の記録がこの順で残る：{steps}。",
                f"In this order within {within}, {same}: {steps}.",
            )
    raise ValueError(f"unknown kind of rule: {rule['kind']!r}")


def step_words(step: Mapping[str, Any], lang: Lang) -> str:
    """A step of a sequence."""
    times = step.get("times", 1)
    where = {k: v for k, v in step.items() if k != "times"}
    words = records_words(where, lang)
    if times == 1:
        return words
    return pick(lang, f"{words}（{times:,} 件以上）", f"{words} ({times:,} or more)")


def _measure_words(rule: Mapping[str, Any], records: str, lang: Lang) -> tuple[str, str]:
    """What a spike measures of a day, and how much of it is needed."""
    least = int(rule["at_least"])
    if "distinct" in rule:
        field, noun = field_name(rule["distinct"], lang), counted_name(rule["distinct"])
        measure = pick(
            lang, f"{records}に一日で現れる{noun}", f"number of different {field} values"
        )
        return measure, pick(lang, amount(least, rule["distinct"], lang), f"{least:,}")
    measure = pick(lang, f"{records}の一日の件数", "number of records")
    return measure, pick(lang, f"{least:,} 件", f"{least:,}")


def _same(per: str, by: Sequence[str], lang: Lang) -> str:
    if lang == "ja":
        names = [KEYS.get(per, (per, per))[0], *(field_name(f, lang) for f in by)]
        return "・".join(f"同じ{name}" for name in names) + "で"
    names = [KEYS.get(per, (per, per))[1], *(field_name(f, lang) for f in by)]
    return "of the same " + (
        names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
    )


def _a(noun: str) -> str:
    """With its article; the names of fields that begin with a vowel are "operation" and "hour"."""
    return f"{'an' if noun in ('operation', 'hour') else 'a'} {noun}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
