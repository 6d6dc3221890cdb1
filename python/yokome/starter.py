"""A policy to begin with, from a look at the log: ``yokome init``.

In: logs, and how many findings a month a person can check. Out: the text of a policy in TOML, its
comments in Japanese and English: which columns were recognised and which are not used, what the
words of results mean, which operations belong to which class, when departments really work, and for
each rule what other thresholds would have given.

Nothing is estimated. The candidates of every rule are scanned together, as rules of one policy, and
what the comments say is what they found; classes are those that the engine itself puts operations
into. The same logs give the same text. Individual Numbers in them are masked.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from yokome._yokome import mask
from yokome.errors import InputError, OptionError
from yokome.lang import Lang, clean, pick
from yokome.policy import Policy, toml_value
from yokome.survey import Survey, by_count, classes, survey
from yokome.words import FIELDS, document, duration_words, rule_words

if TYPE_CHECKING:
    from yokome._scan import Path
    from yokome.progress import Progress
    from yokome.result import ScanResult

__all__ = ["Starter", "starter", "starter_policy"]

_MONTH: Final = 365.25 / 12
"""Days in a month."""

# Candidates of a threshold, as multiples of the default; of an `at_least` in hours, as hours.
_MULTIPLES: Final = (0.6, 0.8, 1, 1.2, 1.4, 1.6, 2, 2.5, 3, 4, 6, 10)
_HOURS: Final = (2, 3, 4, 5, 6, 8)
_SHOWN: Final = 40
_WORDS: Final = 8
_FIELDS: Final = tuple(FIELDS)[:10]
"""The fields that a column may feed."""
_WIDE: Final = 90
_OPEN_SHARE: Final = 0.98
"""The share of a department's records that its working hours should hold."""


@dataclass(frozen=True)
class Starter:
    """A policy to begin with, and what to know of it before it is used."""

    text: str
    """The policy, TOML."""
    budget: int
    """Findings a month that can be checked."""
    findings: float
    """Findings a month that the policy gives on these logs."""
    lacking: tuple[str, ...]
    """Fields for which a log has no column, as far as is known."""
    unused: tuple[str, ...]
    """Columns that feed no field."""
    unread: tuple[str, ...]
    """Words of results that are neither success nor failure."""
    touching: float | None
    """The share of records that refer to Individual Numbers; None: not known, or no record."""

    @property
    def _line_of_failure(self) -> int:
        """The line, from 1, on which the policy's ``[results]`` says what failure is."""
        lines = self.text.split("\n")
        section = lines.index("[results]")
        return next(
            n for n, line in enumerate(lines[section:], section + 1) if line[:9] == "failure ="
        )

    def remarks(self, lang: Lang) -> list[str]:
        """What a person should look at before using the policy, each in a line."""
        comma = pick(lang, "、", ", ")
        lines = [
            pick(
                lang,
                f"このログでは、月に約 {self.findings:,.0f} 件の所見になります"
                f"（目標 {self.budget:,} 件）。",
                f"On this log it gives about {self.findings:,.0f} findings a month "
                f"({self.budget:,} wished).",
            )
        ]
        if self.lacking and self.unused:
            fields = comma.join(f"{pick(lang, *FIELDS[f])} ({f})" for f in self.lacking)
            columns = comma.join(clean(mask(column)) for column in self.unused)
            lines.append(
                pick(
                    lang,
                    f"列が見付からない項目: {fields}。使っていない列（{columns}）に"
                    "当たるものがあれば、--column 項目=見出し を付けて作り直してください。",
                    f"Without a column: {fields}. If one of those not used ({columns}) is meant, "
                    f"make the policy again with --column FIELD=HEADER.",
                )
            )
        if self.unread:
            shown = [clean(mask(word)) for word in self.unread[:_WORDS]]
            words, last = comma.join(shown), toml_value([shown[-1]])
            lines.append(
                pick(
                    lang,
                    f"処理結果の欄に、成功とも失敗とも読めない語があります: {words}。"
                    "意味を業者に確かめ、失敗の語を、作ったポリシーの "
                    f"{self._line_of_failure:,} 行目（[results] の failure）に、"
                    f"failure = {last} のように書き足してください。成功の語は success に書きます。"
                    "書くまでは、失敗を調べる規則に当たりません。",
                    f"Results that read neither as success nor as failure: {words}. "
                    "Ask the vendor what they mean, and add those that mean failure on line "
                    f"{self._line_of_failure:,} of the policy (failure in [results]), as in "
                    f"failure = {last}; those that mean success go to success. Until then rules "
                    "about failures do not see them.",
                )
            )
        if self.touching is not None and self.touching < 1:
            lines.append(
                pick(
                    lang,
                    f"個人番号参照が「あり」の記録は全体の {self.touching:.1%} です。"
                    "既定の規則の多くは、この記録だけを調べます。"
                    "ほかの記録も調べるには、規則の where から references = true を"
                    "消してください。",
                    f"{self.touching:.1%} of the records refer to Individual Numbers: most default "
                    "rules look at these alone. To look at the others too, take references = true "
                    "out of a rule's where.",
                )
            )
        return lines


def starter_policy(
    source: Path | Sequence[Path],
    *,
    budget: int = 50,
    progress: Callable[[Progress], None] | None = None,
    **reading: Any,
) -> str:
    """The text of a policy fit for logs: that of `starter`, which see."""
    return starter(source, budget=budget, progress=progress, **reading).text


def starter(
    source: Path | Sequence[Path],
    *,
    budget: int = 50,
    progress: Callable[[Progress], None] | None = None,
    **reading: Any,
) -> Starter:
    """A policy fit for logs.

    Args:
        source: files, directories, globs.
        budget: findings that a person can check in a month, over all rules.
        progress: as `yokome.scan` has it.
        reading: arguments of `yokome.scan` that say how a log reads.

    Raises:
        OptionError: `budget` is less than 1.
        InputError: the logs have no record.
        YokomeError: as `yokome.scan` does.
    """
    from yokome._scan import prepare, run

    if budget < 1:
        raise OptionError(
            f"budget must be at least 1, not {budget}",
            "budget",
            message_ja=f"budget には 1 以上の整数を指定してください（{budget:,} は指定できません）",
        )
    base = document(Policy.default())
    candidates = {rule["id"]: _candidates(rule) for rule in base["rules"]}
    trial = Policy.from_dict(
        {**base, "rules": _trial(base["rules"], candidates)}, name="yokome init"
    )
    found = run(
        source,
        prepare(trial, **_of_policy(reading)),
        progress=progress,
        sink=lambda batch: None,
        **_of_run(reading),
    )
    o = found.overview
    if o.first is None or o.last is None:
        raise InputError(
            "the logs have no record to look at",
            kind="no_record",
            message_ja="ログに、読み取れた記録が一件もありません。指定したファイルと、"
            "読み取れなかった記録（yokome scan の rejects）を確かめてください",
        )
    months = max(1, (o.last.date() - o.first.date()).days + 1) / _MONTH
    mappings = found.inputs.column("columns").to_pylist()
    seen = survey(source, reading, mappings)
    rules = _rules(
        base["rules"], candidates, found, budget / _judged(base["rules"], found), months, seen
    )
    lines = _head(found, budget, months, rules)
    lines += _columns(found, seen, reading)
    lines += _results(base["results"], seen)
    lines += _operations(base["operations"], seen.operations)
    lines += _calendar(base["calendar"], seen.hours)
    lines += _rules_head(budget / _judged(base["rules"], found), seen)
    lines += [line for rule in rules for line in rule.lines]
    return Starter(
        "\n".join(lines) + "\n",
        budget,
        sum(rule.findings for rule in rules),
        tuple(_lacking(mappings)),
        tuple(dict.fromkeys(column for columns in seen.unused for column in columns)),
        tuple(word for word, _ in by_count(seen.results["other"])),
        seen.share,
    )


def _lacking(mappings: Sequence[str | None]) -> list[str]:
    """The fields for which some source has no column."""
    known = [json.loads(mapping) for mapping in mappings if mapping]
    return [f for f in _FIELDS if any(f not in mapping for mapping in known)]


# --- candidates -----------------------------------------------------------------------------------


def _candidates(rule: Mapping[str, Any]) -> list[Any]:
    """Thresholds to try, ascending; none for a rule that has no `at_least`."""
    match rule["kind"]:
        case "count":
            return sorted({max(2, round(rule["at_least"] * m)) for m in _MULTIPLES})
        case "distinct":
            return [rule["at_least"] + more for more in range(-1, 5) if rule["at_least"] + more > 1]
        case "hours":
            return [f"{hours}h" for hours in _HOURS]
    return []


def _trial(
    rules: Sequence[Mapping[str, Any]], candidates: Mapping[str, Sequence[Any]]
) -> list[dict[str, Any]]:
    """Every rule once for each of its candidates."""
    return [
        {**rule, "id": _name(rule["id"], n), "optional": True}
        | ({} if value is None else {"at_least": value})
        for rule in rules
        for n, value in enumerate(candidates[rule["id"]] or [None])
    ]


def _name(rule: str, number: int) -> str:
    return f"{rule}.{number}"


# --- the text -------------------------------------------------------------------------------------


def _comment(*lines: str) -> list[str]:
    """Comment lines; nothing that comes from a log can end one, or shows an Individual Number."""
    return [f"# {clean(mask(line))}".rstrip() for line in lines]


def _section(ja: str, en: str) -> list[str]:
    return ["", "# " + "-" * 93, f"# {ja}  /  {en}"]


def _entry(key: str, value: Any) -> list[str]:
    """A key and its value; a list that is too long for one line has a line for each element."""
    line = f"{key} = {toml_value(value)}"
    if len(line) <= _WIDE or not isinstance(value, list):
        return [line]
    return [f"{key} = [", *(f"  {toml_value(one)}," for one in value), "]"]


def _head(found: ScanResult, budget: int, months: float, rules: Sequence[_ChosenRule]) -> list[str]:
    o = found.overview
    from yokome import __version__

    period = f"{o.first:%Y-%m-%d} – {o.last:%Y-%m-%d}"
    total = sum(rule.findings for rule in rules)
    lines = [
        f"yokome init ({__version__})",
        f"ログを見て作ったポリシーです。期間 {period}（{months:.1f} か月）、"
        f"入力 {o.sources:,} 個、記録 {o.accepted:,} 件。",
        f"月に確かめられる所見を {budget:,} 件として、規則ごとの基準を選んでいます。"
        f"このログでは、月に約 {total:,.1f} 件になります。",
        "決めた理由は、それぞれの節に書いてあります。直してから使ってください。",
        f"A policy made from a look at the log: {period} ({months:.1f} months), "
        f"sources: {o.sources:,}, records: {o.accepted:,}.",
        f"Thresholds are chosen for {budget:,} findings a month in all; on this log they give "
        f"{total:,.1f}. The reasons are beside them.",
    ]
    most = max(rules, key=lambda rule: rule.findings)
    if total > budget and most.findings > 0:
        lines += [
            f"多すぎるときは、まず最も多い規則 {most.id}（月 {most.findings:,.1f} 件）を"
            "見直します。",
            f"If that is too many, look first at the rule with most: {most.id} "
            f"({most.findings:,.1f} a month).",
        ]
        if most.off_hours:
            lines += [
                "執務時間外を調べる規則です。[calendar] の hours を実際の執務時間に合わせると"
                "減ります。",
                "It is about work outside hours: fit the hours in [calendar] to those really kept.",
            ]
    return _comment(*lines)


def _columns(found: ScanResult, seen: Survey, reading: Mapping[str, Any]) -> list[str]:
    given = _given(reading)
    words = (
        (
            "指定されたとおりに [columns] に書きました。ほかの項目は見出しから見分けました。",
            "As was said, in [columns]; other fields are recognised by their headers.",
        )
        if given
        else (
            "見出しから次のように見分けました。見分け方が違うときは、[columns] に書いて直します。",
            "Recognised by their headers. Write a section [columns] where this is wrong.",
        )
    )
    lines = [*_section("列の対応", "Columns"), *_comment(*words)]
    mappings: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    rows = found.inputs.select(["source", "columns"]).to_pylist()
    for row, unused in zip(rows, seen.unused, strict=True):
        mappings.setdefault((row["columns"] or "{}", tuple(unused)), []).append(row["source"])
    for (mapping, unused), sources in mappings.items():
        shown = ", ".join(sources[:3]) + (f" … ({len(sources):,})" if len(sources) > 3 else "")
        fields = json.loads(mapping)
        lines += _comment("", f"{shown}:")
        lines += _comment(
            *(f"  {field} = {toml_value(_apart(field, c))}" for field, c in fields.items())
        )
        missing = [f"{FIELDS[f][0]} ({f})" for f in _FIELDS if f not in fields]
        if missing:
            lines += _comment(f"  列なし / no column: {', '.join(missing)}")
        if unused:
            lines += _comment(f"  使っていない列 / not used: {', '.join(unused)}")
        if missing and unused:
            lines += _comment(
                "  使っていない列に「列なし」の項目に当たるものがあれば、"
                "--column 項目=見出し を付けて作り直します。",
                "  If one that is not used is meant for a field without a column, make the policy "
                "again",
                "  with --column FIELD=HEADER.",
            )
    if given:
        lines.append("[columns]")
        lines += [line for key, value in given.items() for line in _entry(key, value)]
    return lines


def _given(reading: Mapping[str, Any]) -> dict[str, Any]:
    """What was said about columns, times and header, as keys of ``[columns]``."""
    others = {name: reading.get(name) for name in ("time_format", "timezone", "header")}
    return {
        **(reading.get("columns") or {}),
        **{name: value for name, value in others.items() if value is not None},
    }


def _apart(field: str, column: str) -> str | list[str]:
    """A time in two columns as a policy has it: date, time of day."""
    date, both, time_of_day = column.partition(" + ")
    return [date, time_of_day] if field == "time" and both else column


def _results(results: Mapping[str, Any], seen: Survey) -> list[str]:
    """What the words of the log mean; nothing if it has none, or if its files differ in this."""
    if not any(seen.results.values()):
        return []
    lines = [
        *_section("処理結果の語", "Words of results"),
        *_comment(
            "ログにあった語が、成功・失敗のどちらと読まれたかです。"
            "違うときや、どちらでもない語があるときは、直します。",
            "How the words of the log read. Mend it where it is wrong, or where a word is neither.",
        ),
    ]
    for name, ja in (
        ("success", "成功"),
        ("failure", "失敗"),
        ("other", "どちらでもない（失敗を調べる規則に当たりません）"),
    ):
        words = _shown(seen.results[name]) or ["  （なし / none）"]
        if name != "other" or seen.results[name]:
            lines += _comment(f"{ja} / {name}:", *words)
    lines.append("[results]")
    return lines + [line for key, value in results.items() for line in _entry(key, value)]


def _shown(seen: Counter[str]) -> list[str]:
    """Words and how many records have them; words that read the same once masked are one line."""
    counts: Counter[str] = Counter()
    for word, number in seen.items():
        counts[mask(word)] += number
    listed = [f"  {word} ({n:,})" for word, n in by_count(counts)[:_SHOWN]]
    more = len(counts) - len(listed)
    return [*listed, *([f"  … ほか {more:,} 種類 / and {more:,} more"] if more else [])]


def _operations(operations: Mapping[str, Any], seen: Counter[str]) -> list[str]:
    of_class = classes(operations, seen)
    lines = [
        *_section("操作の分類", "Classes of operations"),
        *_comment(
            "ログにあった操作を、件数の多い順に示します。",
            "The operations that the log has, the most frequent first.",
        ),
    ]

    def shown(names: Sequence[str]) -> list[str]:
        return _shown(Counter({name: seen[name] for name in names}))

    lines += _comment("", "どの分類にも入らない操作 / in no class:", *shown(of_class[""]))
    lines += ["[operations]"]
    for name, globs in operations.items():
        found = shown(of_class[name]) or ["  （なし / none）"]
        lines += _comment(f"{name}:", *found)
        lines += _entry(name, globs)
    return lines


def _calendar(calendar: Mapping[str, Any], hours: Mapping[str, Sequence[int]]) -> list[str]:
    lines = [
        *_section("執務日と執務時間", "Days and hours of work"),
        *_comment(
            "月曜から金曜の記録の 98% が入る時間帯を、所属ごとに示します。",
            "執務時間と違う所属は、# を外すと、その時間で判断します（残業なのか時差勤務なのかを"
            "確かめてから）。",
            "For each department the hours that hold 98 % of its records from Monday to Friday.",
            "Where they differ, take away the # to judge by them, once it is known why they do.",
        ),
        "[calendar]",
        *(
            f"{key} = {toml_value(calendar[key])}"
            for key in ("country", "hours", "margin", "closed")
        ),
    ]
    for department in sorted(hours, key=lambda d: (-sum(hours[d]), d)):
        counts = hours[department]
        if not sum(counts):
            continue
        span = _span(counts)
        lines += _comment(
            "",
            f"{department}: {span} ({sum(counts):,})",
            "[[calendar.override]]",
            f"department = {toml_value(department)}",
            f"hours = {toml_value(span)}",
        )
    return lines


def _span(counts: Sequence[int]) -> str:
    """The shortest span of half-hours that holds the share of records; the earliest of several."""
    whole = sum(counts)
    best = (0, 48)
    for start in range(48):
        held = 0
        for end in range(start + 1, 49):
            held += counts[end - 1]
            if held >= _OPEN_SHARE * whole:
                if end - start < best[1] - best[0]:
                    best = (start, end)
                break

    def clock(half: int) -> str:
        return f"{half // 2:02}:{half % 2 * 30:02}"

    return f"{clock(best[0])}-{clock(best[1])}"


@dataclass(frozen=True)
class _ChosenRule:
    """A rule with the threshold chosen for it."""

    id: str
    findings: float
    """Findings a month."""
    off_hours: bool
    """Whether it is about work outside hours."""
    lines: list[str]
    """Its text."""


def _judged(rules: Sequence[Mapping[str, Any]], found: ScanResult) -> int:
    """How many rules can be evaluated; 1 if none can."""
    reasons = {rule.rule: rule.reason for rule in found.overview.rules}
    return max(1, sum(reasons[_name(rule["id"], 0)] is None for rule in rules))


def _rules_head(share: float, seen: Survey) -> list[str]:
    lines = [
        f"評価できる規則で等分すると、一つの規則につき月 {share:.1f} 件です。"
        f"これに最も近い基準を選びました。",
        "表は、基準と、その基準なら月に何件の所見になったかです（<- が選んだもの）。",
        f"Shared equally among the rules that can be evaluated: {share:.1f} findings a month each.",
        "The tables say what each threshold would have given a month; <- is the one chosen.",
    ]
    if seen.share is not None:
        part = f"{seen.touching:,} / {seen.records:,} ({seen.share:.1%})"
        lines += [
            f"個人番号参照が「あり」の記録: {part}。「特定個人情報に触れる」記録を見る規則は、"
            "これだけを調べます。",
            "ほかの記録も調べるには、その規則の where から references = true を消します。",
            f"Records that refer to Individual Numbers: {part}. Rules about records touching "
            "specific personal",
            "information look at these alone; to look at the others too, take references = true "
            "out of their where.",
        ]
    return [*_section("規則", "Rules"), *_comment(*lines)]


def _rules(
    rules: Sequence[Mapping[str, Any]],
    candidates: Mapping[str, Sequence[Any]],
    found: ScanResult,
    share: float,
    months: float,
    seen: Survey,
) -> list[_ChosenRule]:
    unread = seen.results["other"] and not seen.results["failure"]
    tried = {rule.rule: rule for rule in found.overview.rules}
    chosen_rules = []
    for rule in rules:
        options = candidates[rule["id"]]
        counts = [tried[_name(rule["id"], n)].findings for n in range(max(1, len(options)))]
        chosen = dict(rule)
        table: list[str] = []
        best = 0
        reason = tried[_name(rule["id"], 0)].reason
        if reason is not None:
            chosen["optional"] = True
            table.append(f"このログでは評価できません / cannot be evaluated on this log: {reason}")
        elif unread and rule.get("where", {}).get("result") == ["failure"]:
            best = options.index(rule["at_least"]) if options else 0
            table += [
                "失敗を表す語がログに見当たらないため、件数は分かりません（[results] を直して"
                "作り直すか、",
                "既定の基準のまま使います）。",
                "No word of the log means failure, as far as [results] says: how many findings "
                "there are",
                "is not known, and the threshold is the default one.",
            ]
        elif options:
            best = _closest(counts, share * months, options.index(rule["at_least"]))
            chosen["at_least"] = options[best]
            for n, (option, count) in enumerate(zip(options, counts, strict=True)):
                value = duration_words(option, "en") if isinstance(option, str) else f"{option:,}"
                mark = "  <-" if n == best else ""
                table.append(f"  at_least {value:>10}  {count / months:>10,.1f}{mark}")
        else:
            table.append(f"  月 {counts[0] / months:,.1f} 件 / {counts[0] / months:,.1f} a month")
        lines = ["", *_comment(rule_words(chosen, "ja"), rule_words(chosen, "en"), *table)]
        lines.append("[[rules]]")
        lines += [line for key, value in chosen.items() for line in _entry(key, value)]
        off_hours = chosen.get("where", {}).get("calendar") == "off-hours"
        chosen_rules.append(_ChosenRule(rule["id"], counts[best] / months, off_hours, lines))
    return chosen_rules


def _closest(counts: Sequence[int], wished: float, default: int) -> int:
    """The candidate closest to what is wished; of several the one closest to the default."""
    return min(range(len(counts)), key=lambda n: (abs(counts[n] - wished), abs(n - default)))


# --- arguments ------------------------------------------------------------------------------------

_PREPARED: Final = ("columns", "time_format", "timezone", "header")


def _of_policy(reading: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reading.items() if name in _PREPARED}


def _of_run(reading: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reading.items() if name not in _PREPARED}
