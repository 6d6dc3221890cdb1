"""What a rule flags, in a sentence; and the steps of a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from yokome.lang import Lang, pick
from yokome.words.conditions import records_words
from yokome.words.names import KEYS, amount, field_name
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
                f"{_of(same, records)}が、{_each(rule, lang)}{window}のうちに {n:,} 件以上ある。",
                f"At least {n:,} {records} {same} within {window}.",
            )
        case "distinct":
            n = amount(rule["at_least"], rule["field"], lang)
            field, window = field_name(rule["field"], lang), period_words(rule["window"], lang)
            return pick(
                lang,
                f"{_of(same, records)}に、{_each(rule, lang)}{window}のうちに異なる{field}が "
                f"{n}以上ある。",
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
            f"（過去{days}に記録のある日が {least:,} 日以上ある{of_ja}に限る）",
            f" (for a {of_en} with records on at least {least:,} of the last {days})",
        )
    match rule["kind"]:
        case "novelty":
            field, most = field_name(rule["field"], lang), rule.get("max_days", 0)
            use = pick(
                lang,
                f"過去{days}に一度も使っていない{field}"
                if most == 0
                else f"過去{days}に {most:,} 日以下しか使っていない{field}",
                f"{_a(field)} not used in the last {days}"
                if most == 0
                else f"{_a(field)} used on at most {most:,} of the last {days}",
            )
            return pick(
                lang,
                f"{use}を使った{records}{history}。",
                f"{_capital(records)} with {use}{history}.",
            )
        case "hours":
            least_words = duration_words(rule["at_least"], lang)
            return pick(
                lang,
                f"過去{days}に使ったどの時間帯（30分単位）からも{least_words}以上離れた{records}{history}。",
                f"{_capital(records)} at least {least_words} from every half-hour used in the last "
                f"{days}{history}.",
            )
        case "spike":
            measure = _measure_words(rule, lang)
            factor, least_n = rule["factor"], rule["at_least"]
            return pick(
                lang,
                f"{records}について、その日の{measure}が、過去{days}の記録のある日の中央値の "
                f"{factor:g} 倍以上、"
                f"かつ {least_n:,} 以上になった{history}。",
                f"For {records}, the day's {measure} reaches {factor:g} times the median of the "
                f"active days in the last {days}, and at least {least_n:,}{history}.",
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
                f"{same}次の記録が、{_each(rule, lang)}{within}のうちにこの順である：{steps}。",
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


def _measure_words(rule: Mapping[str, Any], lang: Lang) -> str:
    if "distinct" in rule:
        field = field_name(rule["distinct"], lang)
        return pick(lang, f"異なる{field}の数", f"number of different {field} values")
    return pick(lang, "記録の件数", "number of records")


def _same(per: str, by: Sequence[str], lang: Lang) -> str:
    if lang == "ja":
        return f"同じ{KEYS.get(per, (per, per))[0]}の、"
    names = [KEYS.get(per, (per, per))[1], *(field_name(f, lang) for f in by)]
    return "of the same " + (
        names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
    )


def _of(same: str, records: str) -> str:
    """「同じ職員の、失敗した記録」, but 「同じ職員の記録」."""
    return same.removesuffix("、") + records if records == "記録" else same + records


def _each(rule: Mapping[str, Any], lang: Lang) -> str:
    """「宛名番号ごとに」: what the records agree on."""
    names = [field_name(f, lang) for f in rule.get("by", [])]
    return f"{'・'.join(names)}ごとに、" if names else ""


def _a(noun: str) -> str:
    """With its article; the names of fields that begin with a vowel are "operation" and "hour"."""
    return f"{'an' if noun in ('operation', 'hour') else 'a'} {noun}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
