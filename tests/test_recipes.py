"""The recipes of ``docs/recipes`` do what they say, to the engine, the oracle and the command."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import oracle
import pytest
from default_policy import CALENDAR
from observe import japanese_holiday, outcome_of, read_records, record_of, rows

import yokome
from yokome import cli

RECIPES = Path(__file__).parents[1] / "docs" / "recipes"
FOLDERS = sorted(path for path in RECIPES.iterdir() if path.is_dir())

Expected = list[tuple[str, int, int, float | None, datetime | None]]


def each_recipe() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("recipe", FOLDERS, ids=lambda path: str(path.name))


def expected(recipe: Path) -> Expected:
    """What ``expected.csv`` says."""
    with (recipe / "expected.csv").open(encoding="utf-8", newline="") as file:
        return [
            (
                row["rule"],
                int(row["line"]),
                int(row["observed"]),
                float(row["threshold"]) if row["threshold"] else None,
                datetime.fromisoformat(row["since"]) if row["since"] else None,
            )
            for row in csv.DictReader(file)
        ]


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a list or a log, in UTF-8 or CP932."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp932")
    return list(csv.DictReader(text.splitlines()))


@each_recipe()
def test_a_recipe_flags_what_it_says(recipe: Path) -> None:
    result = yokome.scan(recipe / "log.csv", policy=recipe / "policy.toml")
    found = [
        (row["rule"], row["line"], row["observed"], row["threshold"], row["since"])
        for row in rows(result.flagged)
    ]
    assert found == expected(recipe)
    assert {row["rule"] for row in rows(result.flagged)} == {r["id"] for r in result.policy.rules}
    assert result.rejects.num_rows == 0
    assert all(row["reason"] is None for row in rows(result.summary))
    assert 5 <= sum(row["records"] for row in rows(result.inputs)) <= 40


@each_recipe()
def test_the_oracle_says_the_same_of_a_recipe(recipe: Path) -> None:
    written = tomllib.loads((recipe / "policy.toml").read_text(encoding="utf-8"))
    result = yokome.scan(recipe / "log.csv", policy=recipe / "policy.toml")
    whole = tomllib.loads(result.policy.to_toml())
    policy: dict[str, Any] = {
        **written,
        "operations": whole["operations"],
        "calendar": {**CALENDAR, **written.get("calendar", {})},
        "scope": {k: iso(v) for k, v in written.get("scope", {}).items()},
        "lists": {name: listed(recipe, given) for name, given in written.get("lists", {}).items()},
    }
    reading = yokome.read(recipe / "log.csv", policy=recipe / "policy.toml")
    records = [record_of(row) for row in read_records(reading)]
    if "個人番号参照" not in table(recipe / "log.csv")[0]:  # the default policy's assumption
        records = [replace(r, references=True) for r in records]
    want = oracle.scan(records, policy, holidays=japanese_holiday)
    got = outcome_of(result)
    assert got.flagged == want.flagged
    assert got.findings == want.findings
    assert got.summary == want.summary


def iso(value: Any) -> Any:
    """A TOML date as the oracle takes it."""
    return value.isoformat() if isinstance(value, date) else value


def listed(recipe: Path, given: dict[str, Any]) -> dict[str, Any]:
    """A list of a policy with its values in place of the file."""
    on = oracle.as_list(given["on"])

    def cell(field: str, text: str) -> str:
        if field != "date":
            return text
        numbers = re.match(r"(\d{4})[/-]?(\d{1,2})[/-]?(\d{1,2})$", text)
        assert numbers is not None
        return date(*map(int, numbers.groups())).isoformat()

    values = [
        [cell(field, row[column]) for field, column in zip(on, given["columns"], strict=True)]
        for row in table(recipe / given["file"])
    ]
    return {"on": on, "values": values}


@each_recipe()
def test_a_recipe_explains_itself_in_both_languages(recipe: Path) -> None:
    text = (recipe / "policy.toml").read_text(encoding="utf-8")
    comments = "\n".join(re.findall(r"^#.*$", text, re.MULTILINE))
    assert re.search("[ぁ-ん]", comments)
    assert re.search("[A-Za-z]{3,} [a-z]{2,} [a-z]+", comments)
    for rule in yokome.Policy.load(recipe / "policy.toml").rules:
        assert re.search("[ぁ-ん一-龠]", rule["title_ja"])
        assert rule["title_en"].isascii()
    assert f"]({recipe.name}/policy.toml)" in (RECIPES / "README.md").read_text(encoding="utf-8")


def test_the_recipes_show_the_kinds_that_the_default_policy_does_not_use() -> None:
    policies = [yokome.Policy.load(recipe / "policy.toml") for recipe in FOLDERS]
    shown = {rule["kind"] for policy in policies for rule in policy.rules}
    assert {"spike", "gap", "sequence"} <= shown
    default = {rule["kind"] for rule in yokome.Policy.default().rules}
    assert default == {"match", "count", "distinct", "novelty", "hours"}


def test_contractors_are_compared_with_what_they_delivered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = RECIPES / "data-entry-contractors"
    arguments = [recipe / "log.csv", "--policy", recipe / "policy.toml", "--out", tmp_path]
    assert cli.main(["scan", *map(str, arguments)]) == 0
    assert "operator-day" in capsys.readouterr().out
    out = tmp_path / "comparison.csv"
    subprocess.run(
        [
            sys.executable,
            recipe / "compare.py",
            tmp_path / "findings.csv",
            recipe / "delivered.csv",
            out,
        ],
        check=True,
    )
    comparison = table(out)
    assert comparison == table(recipe / "comparison.csv")
    shown = re.sub(r" *\| *", "|", (RECIPES / "README.md").read_text(encoding="utf-8"))
    for row in comparison:
        assert f"|{'|'.join(row.values())}|" in shown
