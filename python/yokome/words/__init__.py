"""A policy in words: conditions, durations, rules, the calendar; in Japanese or English.

In: parts of a policy as its TOML says them (see `document`). Out: phrases and sentences that
an officer can read. Nothing here looks at a log.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from yokome.words.conditions import class_name, records_words
from yokome.words.names import (
    FIELDS,
    amount,
    counted_name,
    field_name,
    new_words,
    number_words,
    title,
    use_words,
    value_words,
)
from yokome.words.rules import rule_words, step_words
from yokome.words.settings import calendar_words, list_words, scope_words
from yokome.words.times import (
    date_words,
    duration_words,
    period_words,
    span_words,
    time_words,
)

if TYPE_CHECKING:
    from yokome.policy import Policy

__all__ = [
    "FIELDS",
    "amount",
    "calendar_words",
    "class_name",
    "counted_name",
    "date_words",
    "document",
    "duration_words",
    "field_name",
    "list_words",
    "new_words",
    "number_words",
    "period_words",
    "records_words",
    "rule_words",
    "scope_words",
    "span_words",
    "step_words",
    "time_words",
    "title",
    "use_words",
    "value_words",
]


def document(policy: Policy) -> dict[str, Any]:
    """The whole policy as a dict of the shape of its TOML, what it leaves out written out."""
    return tomllib.loads(policy.to_toml())
