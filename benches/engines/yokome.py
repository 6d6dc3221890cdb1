"""The five rules by Yokome, which writes the flagged rows while it reads. They say more: source,
line, offset, threshold, since, raw, …
"""

from __future__ import annotations

import os

from benches.engines.common import run

import yokome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from benches.engines.common import Counts

POLICY = os.path.join(os.path.dirname(os.path.dirname(__file__)), "five_rules.toml")


def scan(log: str, out: str) -> Counts:
    """Scan the log."""
    result = yokome.scan(log, POLICY, flagged_to=out)
    return {rule.rule: rule.flagged for rule in result.overview.rules}


if __name__ == "__main__":
    run(scan)
