"""What the guides show is run: commands in order, those that fail with their messages, policies,
links.
"""

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
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if path.name == "monthly.md":  # the reader saves it, as the page says
        (block,) = blocks(path, "toml")
        (tmp_path / "stricter.toml").write_text(block, encoding="utf-8")
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
def test_the_policies_of_a_page_are_policies(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leave.csv").write_text("職員番号,氏名,休暇日\n10234,甲,2025/8/13\n", "utf-8")
    for block in blocks(path, "toml"):
        assert yokome.Policy.from_toml(block).rules


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_the_links_of_a_page_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).is_file(), target


def anchor(heading: str) -> str:
    """What a heading is linked by where the pages are shown."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_the_links_within_a_page_lead_to_headings(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = {anchor(h) for h in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


# --- the references of the policy -----------------------------------------------------------------

REFERENCES = [DOCS / lang / "policy-reference.md" for lang in ("ja", "en")]
RULE = '[[rules]]\nid = "r"\n'
# Where something unknown stands, and the engine says what it knows in its place.
UNKNOWN = {
    "sections": "zz = 1",
    "columns": "[columns]\nzz = 1",
    "normalise": "[normalise]\nzz = 1",
    "normalise of a field": "[normalise.user]\nzz = true",
    "results": '[results]\nzz = ["a"]',
    "lists": "[lists.a]\nzz = 1",
    "calendar": "[calendar]\nzz = 1",
    "hours": '[calendar]\nhours = { zz = "08:00-09:00" }',
    "override": "[[calendar.override]]\nzz = 1",
    "scope": "[scope]\nzz = 1",
    "assume": "[assume]\nzz = 1",
    "kinds": f'{RULE}kind = "zz"',
    "titles": f'{RULE}kind = "match"\ntitle = {{ zz = "a" }}',
    "timelines": f'{RULE}kind = "match"\nper = "zz"',
    "conditions": f'{RULE}kind = "match"\nwhere = {{ zz = 1 }}',
    "tests": f'{RULE}kind = "match"\nwhere = {{ user = {{ zz = 1 }} }}',
    "fields": f'{RULE}kind = "distinct"\nwindow = "1h"\nat_least = 2\nfield = "zz"',
    "steps": f'{RULE}kind = "sequence"\nwithin = "1h"\nsteps = [{{ zz = 1 }}, {{}}]',
}


def known(policy: str) -> list[str]:
    """What the engine says is allowed where `policy` has something unknown."""
    with pytest.raises(yokome.PolicyError, match="; allowed: ") as caught:
        yokome.Policy.from_toml(policy)
    allowed = str(caught.value).split("; allowed: ")[1]
    return re.sub(r" \(.*", "", allowed).split(", ")


KINDS = known(UNKNOWN["kinds"])
KEYS = {
    **{name: known(policy) for name, policy in UNKNOWN.items()},
    **{kind: known(f'{RULE}kind = "{kind}"\nzz = 1') for kind in KINDS},
}


def section(text: str, heading: str) -> str:
    """What stands under a heading, down to the next of its level or above."""
    level = heading.split(" ")[0]
    rest = text.split(f"\n{heading}", 1)[1]
    return re.split(rf"\n#{{2,{len(level)}}} ", rest, maxsplit=1)[0]


@pytest.mark.parametrize("path", REFERENCES, ids=["ja", "en"])
@pytest.mark.parametrize("place", sorted(KEYS))
def test_the_reference_names_every_key(path: Path, place: str) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    named = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]+)`", text))))
    assert set(KEYS[place]) <= named


@pytest.mark.parametrize("path", REFERENCES, ids=["ja", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_has_every_kind_with_its_keys(path: Path, kind: str) -> None:
    under = section(path.read_text(encoding="utf-8"), f"### `{kind}`")
    of_all = set(known(f'{RULE}kind = "match"\nzz = 1'))
    own = set(KEYS[kind]) - of_all
    said = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`\n]+)`", under))))
    assert own <= said
    assert f'kind = "{kind}"' in under


@pytest.mark.parametrize("path", REFERENCES, ids=["ja", "en"])
def test_the_reference_has_an_example_of_every_key(path: Path) -> None:
    used = " ".join(blocks(path, "toml"))
    fields = {*KEYS["fields"], "user_name"}  # each of these is as good as another
    for place, keys in KEYS.items():
        lacking = {key for key in keys if not re.search(rf"\b{key}\b", used)} - fields
        assert not lacking, place
