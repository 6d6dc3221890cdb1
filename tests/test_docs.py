"""What the guides show is run: commands in order, those that fail with their messages, policies,
links.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import yokome
from yokome import cli

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(path for lang in ("ja", "en") for path in (DOCS / lang).glob("*.md"))
NAMES = [f"{path.parent.name}/{path.name}" for path in PAGES]


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a reader has at hand: a log for each of three months, a policy of the office's own."""
    folder = tmp_path_factory.mktemp("logs")
    log = folder / "log.csv"
    words = ["synth", "--out", str(log), "--records", "12000", "--users", "30", "--days", "91"]
    assert cli.main([*words, "--quiet"]) == 0
    header, *lines = log.read_text(encoding="utf-8-sig").splitlines()
    log.unlink()
    for name, month in (("april", "2024/04"), ("may", "2024/05"), ("june", "2024/06")):
        of_month = [line for line in lines if line.startswith(month)]
        text = "\n".join([header, *of_month]) + "\n"
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    policy = '[calendar]\nhours = "09:00-17:00"\n'
    (folder / "stricter.toml").write_text(policy, encoding="utf-8")
    return folder


def console(path: Path) -> Iterator[tuple[bool, str]]:
    """The blocks of commands of a page in order, and whether they are meant to fail."""
    text = path.read_text(encoding="utf-8")
    pattern = r"^( *)```console( fails)?\n(.*?)^\1```$"
    for indent, fails, block in re.findall(pattern, text, re.MULTILINE | re.DOTALL):
        yield bool(fails), re.sub(f"^{indent}", "", block, flags=re.MULTILINE)


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
            [line for _, block in console(page) for line in block.split("\n") if line[:2] == "$ "]
            for page in (ja[name], en[name])
        )
        ours = [line.replace("--lang ja", "--lang en") for line in ours]
        assert ours == theirs, name


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_the_commands_of_a_page_work_one_after_the_other(
    path: Path,
    logs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in logs.iterdir():
        shutil.copy(file, tmp_path)
    for fails, block in console(path):
        commands, messages = block.strip().split("\n"), []
        if fails:
            commands, messages = commands[:1], commands[1:]
            assert messages, block
        for line in commands:
            prompt, name, *words = shlex.split(line)
            assert (prompt, name) == ("$", "yokome"), line
            try:
                status = cli.main(words)
            except SystemExit as end:
                status = int(end.code or 0)
            said = capsys.readouterr()
            if fails:
                assert status == 1, line
                assert all(message in said.err for message in messages), said.err
            else:
                assert (status, said.err) == (0, ""), line


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_the_policies_of_a_page_are_policies(path: Path) -> None:
    for block in blocks(path, "toml"):
        assert yokome.Policy.from_toml(block).rules


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_the_links_of_a_page_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).is_file(), target
