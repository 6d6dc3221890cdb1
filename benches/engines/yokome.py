"""The five rules by Yokome, which writes the flagged rows while it reads. They say more: source,
line, offset, threshold, since, raw, …
"""

from __future__ import annotations

from pathlib import Path

from benches.engines.common import Counts, run

import yokome

POLICY = Path(__file__).parents[1] / "five_rules.toml"


def scan(log: Path, out: Path) -> Counts:
    """Scan the log."""
    result = yokome.scan(log, POLICY, flagged_to=out)
    return {rule.rule: rule.flagged for rule in result.overview.rules}


if __name__ == "__main__":
    run(scan)
