"""The page: everything in one file, nothing from the log alive, readable without a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import browser
import pytest
from reporting import HOSTILE, log

import yokome
from yokome.lang import Lang, clean
from yokome.report import make_reports
from yokome.report.charts import days_chart, departments_chart
from yokome.report.facts import Department, gather
from yokome.report.markup import join, raw, tag, text
from yokome.report.page import page
from yokome.summary_text import summary_text


@pytest.fixture
def result(tmp_path: Path) -> yokome.ScanResult:
    return yokome.scan(log(tmp_path / "log.csv"))


def html(result: yokome.ScanResult, lang: Lang = "ja", **options: Any) -> str:
    [(name, data)] = make_reports(result, ["html"], lang, **options)
    assert name == "report.html"
    return data.decode("utf-8")


class Parsed(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.cells: dict[str, list[str]] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)


# --- the text of the page -------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_page_is_well_formed_and_alone(result: yokome.ScanResult, lang: Lang) -> None:
    parsed = Parsed(html(result, lang))
    assert parsed.open == []
    for name, attributes in parsed.elements:
        assert name not in ("link", "iframe", "object", "embed", "base", "form"), name
        assert not [a for a in attributes if a.startswith("on")]
        for key in ("src", "href", "action", "background", "poster", "srcset"):
            value = attributes.get(key)
            assert value is None or value.startswith(("#", "data:image/svg+xml;base64,")), value
    assert [name for name, _ in parsed.elements].count("script") == 1
    policy = next(a["content"] for n, a in parsed.elements if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy.partition("script-src")[2]


def test_hostile_texts_are_text(result: yokome.ScanResult) -> None:
    made = html(result)
    words = "".join(Parsed(made).words)
    for hostile in HOSTILE:
        assert clean(hostile) in words, hostile
    assert "\x1b" not in made
    assert "<script>alert" not in made
    assert "<img src=x" not in made


def test_the_page_says_what_a_reader_needs(result: yokome.ScanResult) -> None:
    words = "".join(Parsed(html(result)).words)
    o = result.overview
    first = result.findings.slice(0, 1).to_pylist()[0]
    for needed in (
        f"{o.findings:,} 件の所見がありました",
        "不正の証拠ではありません",
        "① 不自然な曜日・時間帯の参照",
        "まず確認するもの",
        f"延べ {first['days_evaluated']:,} 人日のうち {first['days_as_strong']:,} 人日",
        "職員別",
        "曜日と時間帯",
        "日ごとの推移",
        "所属の比較",
        "読み取れなかった記録",
        "評価できませんでした（過去の利用日数が足りないか、値が空です）",
        "1 件の記録は読み取れず、調べていません。",
        "同じ職員・同じ宛名番号で、特定個人情報に触れた記録が7日間のうちに 5 件以上ある。",
        "取扱注意",
    ):
        assert needed in words, needed


def test_the_english_page_has_no_japanese_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "time,user,terminal,operation,result\n"
        + "".join(f"2026-04-06 22:00:0{n},a,PC,search,NG\n" for n in range(4)),
        encoding="utf-8",
    )
    result = yokome.scan(path)
    words = "".join(Parsed(html(result, "en")).words)
    policy = words.index("Classes of operations")
    assert not re.search("[ぁ-んァ-ヶ一-龠]", words[:policy])


def test_top_limits_the_lists_and_not_the_figures(result: yokome.ScanResult) -> None:
    made = html(result, top=2)
    words = "".join(Parsed(made).words)
    assert made.count("data-rule=") == 2
    assert f"全 {result.overview.findings:,} 件のうち、はじめの 2 件" in words
    assert f"{result.overview.findings:,} 件の所見がありました" in words


def test_a_long_list_is_cut_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = "".join(f"2026/04/06 22:00:00,u{n},PC,検索,成功,あり\n" for n in range(400))
    header = "日時,職員番号,端末番号,操作内容,処理結果,個人番号参照\n"
    path.write_text(header + rows, encoding="utf-8")
    made = html(yokome.scan(path))
    assert made.count("data-rule=") == 300
    assert "全 400 件のうち、はじめの 300 件" in made


def test_a_card_names_the_other_findings_of_the_user(result: yokome.ScanResult) -> None:
    facts = gather(result, "ja")
    by_number = {f.number: f for f in facts.findings}
    several = 0
    for finding in facts.findings:
        others = facts.others_of(finding)
        assert finding.number not in others
        assert all(by_number[n].key == finding.key for n in others)
        several += bool(others)
    assert several
    words = "".join(Parsed(html(result)).words)
    assert "この職員のほかの所見：No. " in words
    assert "時間が限られるときは、「まず確認するもの」" in words
    assert "一人の一日を 1 と数えて" in words


def test_a_rule_that_could_not_judge_is_not_called_harmless(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = "".join(f"2026/04/06 22:00:0{n},u,PC,検索\n" for n in range(3))
    path.write_text("日時,職員番号,端末番号,操作内容\n" + rows, encoding="utf-8")
    words = "".join(Parsed(html(yokome.scan(path))).words)
    assert "「－」は評価できなかった規則で、問題がなかったという意味ではありません。" in words


def test_a_result_without_findings_or_records_makes_a_page(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("日時,職員番号,端末番号,操作内容\n", encoding="utf-8")
    made = html(yokome.scan(path))
    assert "所見はありません" in made
    assert "まず確認するもの" not in made


def test_without_a_readable_record_no_rule_is_said_to_have_found_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("日時,職員番号,端末番号\nいつか,a,PC\n", encoding="utf-8")
    result = yokome.scan(path, time_format="%Y")
    assert not any(rule.judged for v in gather(result, "ja").viewpoints for rule in v.rules)
    made = html(result)
    assert "調べられる記録がなかったため、所見はありません。" in made
    assert 'class="figure warning"><b>1</b><span>読み取れなかった記録' in made
    assert "    off-hours-access   執務時間外の特定個人情報の参照               -     -" in (
        summary_text(result, "ja")
    )


def test_the_head_says_what_was_looked_at_and_what_the_log_holds(result: yokome.ScanResult) -> None:
    words = "".join(Parsed(html(result)).words)
    assert "対象範囲　すべての記録ログの期間　2026-04-06 22:00:00 ～ 2026-04-07 10:04:00" in words


def test_long_values_are_cut_beside_the_record(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    row = f"2026/04/05 22:00:00,a,PC,{'照会' * 100},あり\n"
    path.write_text("日時,職員番号,端末番号,操作内容,個人番号参照\n" + row, encoding="utf-8")
    words = Parsed(html(yokome.scan(path))).words
    assert "照会" * 39 + "照…" in words


def test_of_many_departments_the_first_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = "".join(f"2026/04/05 22:00:00,a,PC,照会,第{n}課\n" for n in range(1_000))
    path.write_text("日時,職員番号,端末番号,操作内容,所属\n" + rows, encoding="utf-8")
    assert "全 1,000 件のうち、はじめの 200 件です。" in html(yokome.scan(path))


def test_the_same_result_gives_the_same_bytes(result: yokome.ScanResult) -> None:
    assert html(result) == html(result)
    assert page(gather(result, "ja")) == html(result)


# --- parts ----------------------------------------------------------------------------------------


def test_markup_escapes_everything_but_its_own() -> None:
    assert tag("p", "<b>", raw("<i>x</i>"), title='"', hidden=True, class_=None) == (
        '<p title="&quot;" hidden>&lt;b&gt;<i>x</i></p>'
    )
    assert tag("img", alt="'") == '<img alt="&#x27;">'
    assert join(["<", tag("br")], ", ") == "&lt;, <br>"
    assert text("a\u202eb\n") == "a\\u202eb\\n"
    assert text("あ" * 10, limit=4) == "あああ…"


def test_charts_are_images_that_hold_no_link_and_no_script() -> None:
    import base64
    import datetime as dt
    from xml.etree import ElementTree

    names = ["$100$", "<b>&", "\x00\x1b", "とても長い名前の課" * 10, "課"]
    departments = [Department(name, 10, n, n, n) for n, name in enumerate(names)]
    days = [(dt.date(2026, 4, 6), 5, 1), (dt.date(2027, 4, 6), 0, 0)]
    for address in (
        departments_chart(departments, "ja"),
        days_chart(days, "en"),
        days_chart(days[:1], "ja"),
        departments_chart([Department("a", 0, 0, 0, 0)], "en"),
    ):
        head, _, data = address.partition(",")
        assert head == "data:image/svg+xml;base64"
        svg = base64.b64decode(data).decode("utf-8")
        root = ElementTree.fromstring(svg)  # noqa: S314 - our own
        assert not [e for e in root.iter() if str(e.tag).endswith(("}script", "}a", "}image"))]
    day = base64.b64decode(days_chart(days[:1], "ja").partition(",")[2]).decode("utf-8")
    assert "04-06" in day
    assert not re.search(r"[0-9]{2}:[0-9]{2}<|-0<|−0<", day)
    assert "記録" in base64.b64decode(days_chart(days, "ja").partition(",")[2]).decode("utf-8")


def test_settings_of_the_machine_change_nothing(tmp_path: Path) -> None:
    program = (
        "import datetime as dt, hashlib; from yokome.report.charts import days_chart; "
        "print(hashlib.sha256(days_chart([(dt.date(2026, 4, 6), 5, 1)], "
        "'ja').encode()).hexdigest())"
    )
    (tmp_path / "matplotlibrc").write_text("font.size: 40\naxes.facecolor: red\n", encoding="utf-8")
    said = set()
    for settings in ({}, {"MATPLOTLIBRC": str(tmp_path)}, {"MPLCONFIGDIR": "/dev/null/nowhere"}):
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **settings},
        )
        assert done.stderr == ""
        said.add(done.stdout)
    assert len(said) == 1


# --- in a browser ---------------------------------------------------------------------------------


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[browser.Browser]:
    program = browser.find()
    if program is None:
        pytest.skip("no Chromium on this machine: the page was not looked at in a browser")
    with browser.Browser(program, tmp_path / "profile") as running:
        yield running


def test_in_a_browser_it_is_quiet_and_the_table_filters_and_sorts(
    result: yokome.ScanResult, chromium: browser.Browser, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(html(result), encoding="utf-8")
    chromium.open(path.as_uri())
    visible = "Array.from(document.querySelectorAll('#findings tbody tr')).filter(r => !r.hidden)"
    everything = result.findings.num_rows
    assert chromium.evaluate(f"{visible}.length") == everything

    # Filter by word (of any width), by rule; sort by a column of numbers and one of texts.
    chromium.evaluate(
        "const s = document.getElementById('search'); s.value = '００１２３';"
        "s.dispatchEvent(new Event('input'))"
    )
    assert chromium.evaluate(f"{visible}.length") == 1
    assert chromium.evaluate("document.getElementById('shown').textContent") == f"1 / {everything}"
    chromium.evaluate("s.value = ''; s.dispatchEvent(new Event('input'))")
    chromium.evaluate(
        "const f = document.querySelector('select[data-filter=rule]'); f.selectedIndex = 1;"
        "f.dispatchEvent(new Event('change'))"
    )
    chosen = chromium.evaluate(f"new Set({visible}.map(r => r.dataset.rule)).size")
    assert chosen == 1
    assert 0 < chromium.evaluate(f"{visible}.length") < everything
    chromium.evaluate("f.selectedIndex = 0; f.dispatchEvent(new Event('change'))")
    for column, read in ((6, "Number(r.cells[6].dataset.sort)"), (2, "r.cells[2].textContent")):
        click = f"document.querySelectorAll('#findings .sort')[{column}].click()"
        values = f"{visible}.map(r => {read})"
        chromium.evaluate(click)
        up = chromium.evaluate(values)
        chromium.evaluate(click)
        down = chromium.evaluate(values)
        assert up == sorted(up)
        assert down == sorted(down, reverse=True)
        assert len(set(up)) > 1
    sorts = "document.querySelectorAll('#findings th[aria-sort]').length"
    assert chromium.evaluate(sorts) == 1

    # The charts were drawn, nothing was asked for, nothing complained, nothing came alive.
    drawn = "Array.from(document.images).every(i => i.complete && i.naturalWidth > 0)"
    assert chromium.evaluate(drawn)
    methods = [event.get("method") for event in chromium.events]
    assert "Runtime.exceptionThrown" not in methods
    assert "Log.entryAdded" not in methods
    assert "Runtime.consoleAPICalled" not in methods
    assert "Page.javascriptDialogOpening" not in methods
    asked = {
        event["params"]["request"]["url"]
        for event in chromium.events
        if event.get("method") == "Network.requestWillBeSent"
    }
    assert {url for url in asked if not url.startswith("data:")} == {path.as_uri()}
