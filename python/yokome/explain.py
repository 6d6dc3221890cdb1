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
    counted_name,
    date_words,
    duration_words,
    field_name,
    new_words,
    number_words,
    period_words,
    records_words,
    span_words,
    step_words,
    time_words,
    use_words,
    value_words,
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
    whose, unit, key = {
        "user": ("", "人日", "user"),
        "terminal": ("端末の", "日", "terminal"),
        "subject": ("参照された人の", "人日", "subject"),
        "department": ("所属の", "日", "department"),
    }.get(per, ("", "日", "key"))
    return pick(
        lang,
        f"同様以上の事象は{whose}延べ {of:,} {unit}のうち {days:,} {unit}です。",
        f"Something at least as strong happened on {days:,} of {of:,} {key}-{_days(of)}.",
    )


def who_words(
    per: str, key: str | None, lang: Lang, *, name: str | None = None, department: str | None = None
) -> str:
    """Whose timeline a finding is of, with what else is known of them."""
    if key is None:
        field = field_name(per, lang)
        return pick(lang, f"{field}が空の記録", f"Records without a {field}")
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
    def about(self) -> str:
        """Whom it is about, Japanese: 「職員 00123 について」."""
        return f"{self.who}{' ' if self.who[-1].isascii() else ''}について"

    @property
    def theirs(self) -> tuple[str, str]:
        """English for the key: "them", "their"."""
        person = self.per in ("user", "subject") or self.finding["key"] is None
        return ("them", "their") if person else ("it", "its")

    @property
    def when(self) -> str:
        return span_words(self.finding["first"], self.finding["last"], self.lang)

    @property
    def up_to(self) -> str:
        """「最大 」 or "up to ", where there was more than one figure to take the largest of."""
        return "" if self.n == 1 else pick(self.lang, "最大 ", "up to ")

    @property
    def reached(self) -> str:
        """The records at which a window held the threshold or more: of all windows together, so
        that they may be more than the largest window holds.
        """
        if self.lang == "ja":
            while_ = "基準以上になった" if self.n == 1 else "基準以上になっていた間の"
            return f"{while_}記録は、{self.when}の {self.n:,} 件です。"
        if self.n == 1:
            return f"The threshold was reached at 1 record, {self.when_en}."
        return f"The count stayed at the threshold or above for {_records(self.n)}, {self.when_en}."

    @property
    def moment(self) -> bool:
        """Whether it was over within the second."""
        first, last = self.finding["first"], self.finding["last"]
        return bool(first.replace(microsecond=0) == last.replace(microsecond=0))

    @property
    def when_ja(self) -> str:
        return f"日時は{self.when}です。"

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
        """The rule's records: 「操作に失敗した記録」, "records that failed"."""
        return records_words(self.rule.get("where"), self.lang)

    def kept_with(self, before: str, last: str) -> str:
        """The rule's records in Japanese, with a phrase more (see `records_words`)."""
        return records_words(self.rule.get("where"), "ja", more=(before, last))

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
            words = value_words(field, value, self.lang)
            said = self.lang == "ja" and field in ("hour", "weekday", "day_type")
            parts.append(words if said else f"{field_name(field, self.lang)} {words}")
        return pick(self.lang, "、", ", ").join(parts)

    @property
    def by_ja(self) -> str:
        """The same in brackets, or nothing."""
        return f"（{self.by}）" if self.by else ""

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
                f"過去{self.lookback}で記録のある {least:,} 日間以上",
                f"the active days (at least {least:,}) of the {self.lookback} before",
            )
        span = f"{days[0]:,}" if days[0] == days[-1] else f"{days[0]:,}～{days[-1]:,}"
        if self.lang == "ja":
            return f"過去{self.lookback}で記録のある {span} 日間"
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
            f"{c.about}、{c.kept}が {c.n:,} 件あります。{c.when_ja}",
            "この条件に合う記録は、1 件でもあれば確認の対象になります。",
        )
    return (
        f"{c.who}: {c.counted(c.n)}, {c.when_en}.",
        "Every record of this kind is to be checked.",
    )


def _count(c: _Case) -> tuple[str, str]:
    window, least = period_words(c.rule["window"], c.lang), int(c.rule["at_least"])
    if c.lang == "ja":
        return (
            f"{c.about}、{c.kept}{c.by_ja}が、{window}のうちに{c.up_to or ' '}{c.peak:,} 件"
            f"あります。{c.reached}",
            f"基準は、{window}のうちに {least:,} 件以上です。",
        )
    same = f", all with {c.by}" if c.by else ""
    return (
        f"{c.who}: {c.up_to}{c.counted(c.peak)} within {window}{same}. {c.reached}",
        f"The threshold is {least:,} or more within {window}.",
    )


def _distinct(c: _Case) -> tuple[str, str]:
    field = c.rule["field"]
    window, least = period_words(c.rule["window"], c.lang), int(c.rule["at_least"])
    most, limit = amount(c.peak, field, c.lang), amount(least, field, c.lang)
    if c.lang == "ja":
        return (
            f"{c.about}、{c.kept}{c.by_ja}に現れる{counted_name(field)}が、{window}のうちに"
            f"{c.up_to or ' '}{most}あります。{c.reached}",
            f"基準は、{window}のうちに {limit}以上です。",
        )
    among = f" among {c.kept}" if c.rule.get("where") or c.by else ""
    same = f" with {c.by}" if c.by else ""
    return (
        f"{c.who}: {c.up_to}{most} within {window}{among}{same}. {c.reached}",
        f"The threshold is {limit} or more within {window}.",
    )


def _novelty(c: _Case) -> tuple[str, str]:
    field, most = field_name(c.rule["field"], c.lang), int(c.rule.get("max_days", 0))
    value = value_words(c.rule["field"], c.finding["value"], c.lang)
    since = max((r["since"] for r in c.records if r.get("since") is not None), default=None)
    if c.lang == "ja":
        use, used = use_words(c.rule["field"])
        new = f"普段は{use}{field}「{value}」"
        kept = c.kept_with(f"{new}で", new + new_words(c.rule["field"]))
        what = f"{c.about}、{kept}が {c.n:,} 件あります。{c.when_ja}"
        particle = "が" if used == "記録された" else "を"
        days = f"{c.baseline}のうち、この{field}{particle}{used}日は"
        if c.peak == 0:
            days += "ありません"
        elif since is None:
            days += f" {c.peak:,} 日だけです"
        else:
            days += f" {c.peak:,} 日だけで、最後は{date_words(since, 'ja')}です"
        limit = f"{used}日がないこと" if most == 0 else f"{used}日が {most:,} 日以下であること"
        return what, f"{days}。基準は、{limit}です。"
    them = c.theirs[0]
    what = f"{c.who}: {c.counted(c.n)} with {field} “{value}”, unusual for {them}, {c.when_en}."
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
        far = f"普段の利用時間帯から{c.up_to.strip()}{distance}離れた時刻"
        return (
            f"{c.about}、{c.kept_with(f'{far}に', f'{far}の')}が {c.n:,} 件あります。{c.when_ja}",
            f"{c.baseline}の利用時間帯（30分単位）のうち、最も近いものとの差です。"
            f"基準は、{least}以上です。",
        )
    away = f"{c.up_to}{distance} away from {c.theirs[1]} usual hours"
    return (
        f"{c.who}: {c.counted(c.n)}, {away}, {c.when_en}.",
        f"The distance is to the nearest half-hour used on {c.baseline}. "
        f"The threshold is {least} or more.",
    )


def _spike(c: _Case) -> tuple[str, str]:
    day = date_words(c.finding["first"].date(), c.lang)
    least, factor = int(c.rule["at_least"]), float(c.rule["factor"])
    times = number_words(factor)
    if "distinct" in c.rule:
        figure, field = amount(c.peak, c.rule["distinct"], c.lang), c.rule["distinct"]
        reached_ja = f"{c.kept}に現れる{counted_name(field)}が {figure}"
        among = f" among {c.kept}" if c.rule.get("where") else ""
        reached_en, unit = f"{figure}{among}", amount(0, field, "ja").removeprefix("0 ")
    else:
        reached_ja, reached_en, unit = f"{c.kept}が {c.peak:,} 件", c.counted(c.peak), "件"
    thresholds = [r["threshold"] for r in c.records if r.get("threshold") is not None]
    threshold = min(thresholds, default=None)
    if c.lang == "ja":
        what = (
            f"{c.about}、{day}に、{reached_ja}に達しました（基準に達してからの記録は {c.n:,} 件）。"
        )
        rule = (
            f"基準は、普段の日（{c.baseline}の中央値）の {times} 倍以上、かつ {least:,} {unit}以上"
        )
        if threshold is None:
            return what, rule + "です。"
        value = f"この日の基準は {number_words(threshold)} {unit}でした"
        if threshold > least:
            usual = f"普段の日は {number_words(threshold / factor)} {unit}なので、"
            return what, f"{rule}です。{usual}{value}。"
        return what, f"{rule}で、{value}。"
    what = f"{c.who}: on {day}, {reached_en} ({_records(c.n)} from reaching the threshold on)."
    rule = f"The threshold is {times} times the median of {c.baseline}, and at least {least:,}"
    if threshold is None:
        return what, rule + "."
    if threshold > least:
        usual, value = number_words(threshold / factor), number_words(threshold)
        return what, f"{rule}: the usual median was {usual}, the threshold {value}."
    return what, f"{rule}: it was {number_words(threshold)}."


def _gap(c: _Case) -> tuple[str, str]:
    # Seconds say nothing after weeks.
    idle = duration_words(c.peak - c.peak % (60 if c.peak < 86_400 else 3_600) or c.peak, c.lang)
    least = duration_words(c.rule["idle"], c.lang)
    since = c.earliest("since")
    if c.lang == "ja":
        before = f"直前の記録は{time_words(since, 'ja')}です。" if since is not None else ""
        again = f"およそ{idle}ぶり"
        kept = c.kept_with(f"{again}に", f"{again}の")
        return (
            f"{c.about}、{kept}が {c.n:,} 件あります。{c.when_ja}",
            f"{before}基準は、記録のない期間が{least}以上であることです。",
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
        start = f"（1）の始まりは{time_words(since, 'ja')}です。" if since is not None else ""
        return (
            f"{c.about}、次の記録{c.by_ja}が、{within}のうちにこの順であります：{listed}。"
            f"{start}（{len(steps)}）に当たる記録は{c.when}の {c.n:,} 件です。",
            f"基準は、（1）から（{len(steps)}）までが{within}のうちにこの順でそろうことです。",
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
