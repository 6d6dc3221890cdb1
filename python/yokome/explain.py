"""A finding in sentences: what happened, when, against which threshold and which baseline.

In: a row of ``findings``, its rule as the policy says it, and, where at hand, the flagged records.
Out: Japanese or English for someone who knows the office and not the program. Only what the scan
observed is said; nothing is guessed about reasons. Texts from the log stand between quotes as they
are: whoever shows an explanation escapes it for the place where it is shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yokome.lang import Lang, pick
from yokome.summary_text import VIEWPOINTS
from yokome.words import (
    amount,
    date_words,
    duration_words,
    field_name,
    period_words,
    records_words,
    span_words,
    step_words,
    time_words,
)

__all__ = ["Explanation", "explain", "rank_words", "who_words"]

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Explanation:
    """The parts of an explanation, each a sentence or more, or empty."""

    what: str
    """Who did what, and when, with the observed figure."""
    against: str
    """The threshold, and the baseline the record was held against."""
    viewpoint: str
    """The rule's viewpoint of the Commission's five."""
    rank: str = ""
    """How rare it is, where that was counted."""

    @property
    def without_viewpoint(self) -> str:
        """All but the viewpoint."""
        space = "" if self.what.endswith("。") else " "
        return space.join(part for part in (self.what, self.against, self.rank) if part)

    def __str__(self) -> str:
        space = "" if self.what.endswith("。") else " "
        return self.without_viewpoint + space + self.viewpoint


def explain(
    finding: Row,
    lang: Lang,
    *,
    rule: Mapping[str, Any],
    records: Sequence[Row] = (),
    rank: str = "",
) -> Explanation:
    """Explain a finding.

    Args:
        finding: a row of ``findings``.
        lang: ``"ja"`` or ``"en"``.
        rule: the finding's rule, as the policy's TOML says it.
        records: flagged rows of the finding, some or all: they tell the name and department of
            the user, the active days of the baseline, the earlier use. What they would tell is
            left out if there are none.
        rank: how rare it is, in words (see `rank_words`).

    Raises:
        ValueError: the rule's kind is unknown.
    """
    case = _Case(finding, rule, records, lang)
    say = _KINDS.get(rule["kind"])
    if say is None:
        raise ValueError(f"unknown kind of rule: {rule['kind']!r}")
    what, against = say(case)
    return Explanation(what, against, _viewpoint(finding.get("viewpoint"), lang), rank)


def rank_words(share: tuple[int, int] | None, per: str, lang: Lang) -> str:
    """How rare a finding is: 「同様以上の事象は延べ48,213人日のうち3人日です。」

    Args:
        share: key-days with something at least as strong, key-days evaluated; None: not counted.
        per: whose days they are.
    """
    if share is None:
        return ""
    days, of = share
    ja, one, many = {
        "user": ("人日", "user-day", "user-days"),
        "terminal": ("台日", "terminal-day", "terminal-days"),
        "subject": ("人日（参照された人）", "subject-day", "subject-days"),
        "department": ("所属日", "department-day", "department-days"),
    }.get(per, ("日", "key-day", "key-days"))
    return pick(
        lang,
        f"同様以上の事象は延べ {of:,} {ja}のうち {days:,} {ja}です。",
        f"Something at least as strong happened on {days:,} of {of:,} {one if of == 1 else many}.",
    )


def who_words(
    per: str, key: str | None, lang: Lang, *, name: str | None = None, department: str | None = None
) -> str:
    """Whose timeline a finding is of, with what else is known of them."""
    if key is None:
        field = field_name(per, lang)
        return pick(lang, f"{field}が空の記録の利用者", f"someone in records without a {field}")
    names = {
        "user": ("職員", "User"),
        "terminal": ("端末", "Terminal"),
        "subject": ("宛名番号", "Subject"),
        "department": ("所属", "Department"),
    }.get(per, (per, per))
    more = [x for x in (name, department) if x and x != key]
    text = f"{pick(lang, *names)} {key}"
    if not more:
        return text
    return text + pick(lang, f"（{'、'.join(more)}）", f" ({', '.join(more)})")


@dataclass(frozen=True)
class _Case:
    """What the sentences of one finding are made from."""

    finding: Row
    rule: Mapping[str, Any]
    records: Sequence[Row]
    lang: Lang

    @property
    def per(self) -> str:
        return str(self.finding["per"])

    @property
    def who(self) -> str:
        name = self._only("user_name") if self.per == "user" else None
        department = self._only("department") if self.per in ("user", "terminal") else None
        return who_words(self.per, self.finding["key"], self.lang, name=name, department=department)

    @property
    def when(self) -> str:
        return span_words(self.finding["first"], self.finding["last"], self.lang)

    @property
    def moment(self) -> bool:
        """Whether it was over within the second."""
        first, last = self.finding["first"], self.finding["last"]
        return bool(first.replace(microsecond=0) == last.replace(microsecond=0))

    @property
    def when_ja(self) -> str:
        return self.when + ("に" if self.moment else "の間に")

    @property
    def when_en(self) -> str:
        return f"on {self.when}" if self.moment else f"from {self.when}"

    @property
    def n(self) -> int:
        return int(self.finding["records"])

    @property
    def peak(self) -> int:
        return int(self.finding["peak"])

    @property
    def kept(self) -> str:
        """The rule's records, English: "records that failed"."""
        return records_words(self.rule.get("where"), self.lang)

    def counted(self, number: int) -> str:
        """So many of the rule's records, in English."""
        words = self.kept.removeprefix("records")
        return f"{number:,} {'record' if number == 1 else 'records'}{words}"

    @property
    def by(self) -> str:
        """The values that the records agree on."""
        text = str(self.finding["by"] or "")
        fields = list(self.rule.get("by", []))
        if not text or not fields:
            return ""
        parts = []
        for at, field in enumerate(fields):
            # A value may hold the separator; the next field's name says where it ends.
            text = text.removeprefix(f"{field}=")
            if at + 1 < len(fields):
                value, _, rest = text.partition(f", {fields[at + 1]}=")
                text = f"{fields[at + 1]}={rest}"
            else:
                value = text
            parts.append(f"{field_name(field, self.lang)} {value}")
        return pick(self.lang, "、", ", ").join(parts)

    @property
    def lookback(self) -> str:
        return period_words(self.rule["lookback"], self.lang)

    @property
    def baseline(self) -> str:
        """The active days the record was held against."""
        days = sorted({r["active_days"] for r in self.records if r.get("active_days") is not None})
        if not days:
            least = int(self.rule["min_active_days"])
            return pick(
                self.lang,
                f"過去{self.lookback}に記録のある日（{least:,} 日以上）",
                f"the active days (at least {least:,}) of the {self.lookback} before",
            )
        span = f"{days[0]:,}" if days[0] == days[-1] else f"{days[0]:,}～{days[-1]:,}"
        if self.lang == "ja":
            return f"過去{self.lookback}に記録のある {span} 日"
        return f"the {span.replace('～', '–')} active days of the {self.lookback} before"

    def earliest(self, column: str) -> dt.datetime | None:
        """The earliest time in a column of the records at hand."""
        return min((r[column] for r in self.records if r.get(column) is not None), default=None)

    def _only(self, column: str) -> str | None:
        """The one value of a column in the records at hand, if it is one."""
        values = {r.get(column) for r in self.records} - {None}
        return str(values.pop()) if len(values) == 1 else None


def _match(c: _Case) -> tuple[str, str]:
    if c.lang == "ja":
        return (
            f"{c.who}について、{c.when_ja}、{c.kept}が {c.n:,} 件あります。",
            "この条件に合う記録は、1 件でもあれば確認の対象になります。",
        )
    return (
        f"{c.who}: {c.counted(c.n)}, {c.when_en}.",
        "Every record of this kind is to be checked.",
    )


def _count(c: _Case) -> tuple[str, str]:
    window, least = period_words(c.rule["window"], c.lang), int(c.rule["at_least"])
    if c.lang == "ja":
        same = f"{c.by} に関する、" if c.by else ""
        return (
            f"{c.who}について、{same}{c.kept}が、{window}のうちに最大 {c.peak:,} 件あります。"
            f"基準に達した記録は {c.n:,} 件（{c.when}）です。",
            f"基準は{window}のうちに {least:,} 件以上です。",
        )
    same = f", all with {c.by}" if c.by else ""
    return (
        f"{c.who}: up to {c.counted(c.peak)} within {window}{same}. "
        f"{_records(c.n)} reached the threshold, {c.when_en}.",
        f"The threshold is {least:,} or more within {window}.",
    )


def _distinct(c: _Case) -> tuple[str, str]:
    field = c.rule["field"]
    window, least = period_words(c.rule["window"], c.lang), int(c.rule["at_least"])
    most, limit = amount(c.peak, field, c.lang), amount(least, field, c.lang)
    if c.lang == "ja":
        same = f"{c.by} に関する、" if c.by else ""
        return (
            f"{c.who}について、{same}{window}のうちの{c.kept}に、異なる{field_name(field, 'ja')}が"
            f"最大 {most}現れます。基準に達した記録は {c.n:,} 件（{c.when}）です。",
            f"基準は{window}のうちに {limit}以上です。",
        )
    same = f" with {c.by}" if c.by else ""
    return (
        f"{c.who}: up to {most} within {window} among {c.kept}{same}. "
        f"{_records(c.n)} reached the threshold, {c.when_en}.",
        f"The threshold is {limit} or more within {window}.",
    )


def _novelty(c: _Case) -> tuple[str, str]:
    field = field_name(c.rule["field"], c.lang)
    value, most = c.finding["value"], int(c.rule.get("max_days", 0))
    since = max((r["since"] for r in c.records if r.get("since") is not None), default=None)
    if c.lang == "ja":
        what = (
            f"{c.who}について、{c.when_ja}、普段は使わない{field}「{value}」による{c.kept}が "
            f"{c.n:,} 件あります。"
        )
        if c.peak == 0:
            used = f"{c.baseline}のうち、この{field}を使った日はありません"
        else:
            used = f"{c.baseline}のうち、この{field}を使った日は {c.peak:,} 日だけです"
            used += f"（最後は{date_words(since, 'ja')}）" if since is not None else ""
        limit = "一度も使っていないこと" if most == 0 else f"使った日が {most:,} 日以下であること"
        return what, f"{used}。基準は、{limit}です。"
    what = f"{c.who}: {c.counted(c.n)} with {field} “{value}”, unusual for them, {c.when_en}."
    if c.peak == 0:
        used = f"On none of {c.baseline} was this {field} used"
    else:
        used = f"On only {c.peak:,} of {c.baseline} was this {field} used"
        used += f", last on {date_words(since, 'en')}" if since is not None else ""
    limit = "never used" if most == 0 else f"used on at most {most:,} {_days(most)}"
    return what, f"{used}. The threshold is: {limit}."


def _hours(c: _Case) -> tuple[str, str]:
    distance = duration_words(c.peak * 60, c.lang)
    least = duration_words(c.rule["at_least"], c.lang)
    if c.lang == "ja":
        return (
            f"{c.who}について、{c.when_ja}、普段の利用時間帯から最大{distance}離れた時刻の"
            f"{c.kept}が {c.n:,} 件あります。",
            f"{c.baseline}に使った時間帯（30分単位）のうち、最も近いものとの差です。"
            f"基準は{least}以上です。",
        )
    return (
        f"{c.who}: {c.counted(c.n)}, up to {distance} away from their usual hours, {c.when_en}.",
        f"The distance is to the nearest half-hour used on {c.baseline}. "
        f"The threshold is {least} or more.",
    )


def _spike(c: _Case) -> tuple[str, str]:
    day = date_words(c.finding["first"].date(), c.lang)
    least, factor = int(c.rule["at_least"]), float(c.rule["factor"])
    if "distinct" in c.rule:
        figure = amount(c.peak, c.rule["distinct"], c.lang)
        measure_ja = f"異なる{field_name(c.rule['distinct'], 'ja')}の数"
        reached_ja, reached_en = f"{c.kept}の{measure_ja}が {figure}", f"{figure} among {c.kept}"
    else:
        reached_ja, reached_en = f"{c.kept}が {c.peak:,} 件", c.counted(c.peak)
    thresholds = [r["threshold"] for r in c.records if r.get("threshold") is not None]
    threshold = min(thresholds, default=None)
    if c.lang == "ja":
        what = (
            f"{c.who}について、{day}に、{reached_ja}に達しました（基準に達した後の記録は "
            f"{c.n:,} 件）。"
        )
        rule = f"基準は、{c.baseline}の中央値の {factor:g} 倍以上、かつ {least:,} 以上です"
        if threshold is None:
            return what, rule + "。"
        if threshold > least:
            return (
                what,
                f"{rule}。普段の中央値は {threshold / factor:,.4g}、基準の値は {threshold:,.4g} "
                f"でした。",
            )
        return what, f"{rule}。基準の値は {threshold:,.4g} でした。"
    what = f"{c.who}: on {day}, {reached_en} ({_records(c.n)} from reaching the threshold on)."
    rule = f"The threshold is {factor:g} times the median of {c.baseline}, and at least {least:,}"
    if threshold is None:
        return what, rule + "."
    if threshold > least:
        usual = f"{threshold / factor:,.4g}"
        return what, f"{rule}: the usual median was {usual}, the threshold {threshold:,.4g}."
    return what, f"{rule}: it was {threshold:,.4g}."


def _gap(c: _Case) -> tuple[str, str]:
    # Seconds say nothing after weeks.
    idle = duration_words(c.peak - c.peak % (60 if c.peak < 86_400 else 3_600) or c.peak, c.lang)
    least = duration_words(c.rule["idle"], c.lang)
    since = c.earliest("since")
    if c.lang == "ja":
        before = f"直前の記録は{time_words(since, 'ja')}です。" if since is not None else ""
        return (
            f"{c.who}について、{c.when_ja}、およそ{idle}ぶりの{c.kept}が {c.n:,} 件あります。",
            f"{before}基準は、記録のない期間が{least}以上です。",
        )
    before = (
        f"The last record before was on {time_words(since, 'en')}. " if since is not None else ""
    )
    return (
        f"{c.who}: {c.counted(c.n)} after about {idle} without any, {c.when_en}.",
        f"{before}The threshold is {least} or more without a record.",
    )


def _sequence(c: _Case) -> tuple[str, str]:
    within = period_words(c.rule["within"], c.lang)
    steps = [step_words(step, c.lang) for step in c.rule["steps"]]
    listed = pick(c.lang, "、", "; ").join(
        f"{pick(c.lang, f'（{n}）', f'({n}) ')}{step}" for n, step in enumerate(steps, 1)
    )
    since = c.earliest("since")
    if c.lang == "ja":
        same = f"{c.by} に関する、" if c.by else ""
        start = f"始まりは{time_words(since, 'ja')}です。" if since is not None else ""
        return (
            f"{c.who}について、{same}次の記録が、この順に{within}のうちにあります：{listed}。"
            f"最後の段階に当たる記録は {c.n:,} 件（{c.when}）です。{start}",
            f"基準は、すべての段階が{within}のうちにこの順で起きることです。",
        )
    same = f", all with {c.by}" if c.by else ""
    start = f" It began on {time_words(since, 'en')}." if since is not None else ""
    return (
        f"{c.who}: in this order within {within}{same}: {listed}. "
        f"{_records(c.n)} made the last step, {c.when_en}.{start}",
        f"The threshold is every step, in this order, within {within}.",
    )


_KINDS = {
    "match": _match,
    "count": _count,
    "distinct": _distinct,
    "novelty": _novelty,
    "hours": _hours,
    "spike": _spike,
    "gap": _gap,
    "sequence": _sequence,
}


def _viewpoint(viewpoint: int | None, lang: Lang) -> str:
    if viewpoint is None:
        return pick(
            lang,
            "五つの着眼点によらない、独自の規則です。",
            "The rule is the policy's own, of none of the five viewpoints.",
        )
    mark = chr(0x2460 + viewpoint - 1)
    words = pick(lang, *VIEWPOINTS[viewpoint])
    return pick(lang, f"着眼点{mark}「{words}」に当たります。", f"Viewpoint {mark}: {words}.")


def _records(number: int) -> str:
    return f"{number:,} {'record' if number == 1 else 'records'}"


def _days(number: int) -> str:
    return "day" if number == 1 else "days"
