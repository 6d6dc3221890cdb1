"""What the guides show is run: commands in order, policies, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import yokome
from yokome import cli

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(path for lang in ("ja", "en") for path in (DOCS / lang).glob("*.md"))
NAMES = [f"{path.parent.name}/{path.name}" for path in PAGES]


def blocks(path: Path, language: str) -> Iterator[str]:
    """The fenced blocks of a language, without their indentation."""
    text = path.read_text(encoding="utf-8")
    pattern = rf"^( *)```{language}\n(.*?)^\1```$"
    for indent, block in re.findall(pattern, text, re.MULTILINE | re.DOTALL):
        yield re.sub(f"^{indent}", "", block, flags=re.MULTILINE)


def test_both_languages_have_the_same_pages_and_commands() -> None:
    ja, en = ({p.name: p for p in PAGES if p.parent.name == lang} for lang in ("ja", "en"))
    assert ja.keys() == en.keys()
    for name in ja:
        ours, theirs = (
            [line for block in blocks(page, "console") for line in block.strip().split("\n")]
            for page in (ja[name], en[name])
        )
        ours = [line.replace("--lang ja", "--lang en") for line in ours]
        assert ours == theirs, name


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_the_commands_of_a_page_work_one_after_the_other(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks(path, "console"):
        for line in block.strip().split("\n"):
            prompt, name, *words = shlex.split(line)
            assert (prompt, name) == ("$", "yokome"), line
            try:
                status = cli.main(words)
            except SystemExit as end:
                status = int(end.code or 0)
            said = capsys.readouterr()
            assert (status, said.err) == (0, ""), line


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_the_policies_of_a_page_are_policies(path: Path) -> None:
    for block in blocks(path, "toml"):
        assert yokome.Policy.from_toml(block).rules


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_the_links_of_a_page_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).is_file(), target
