"""``yokome state``: what a state file covers."""

from __future__ import annotations

import argparse
import json

from yokome.cli.common import DONE, reading

__all__ = ["show"]


def show(options: argparse.Namespace) -> int:
    """Print what a state file covers."""
    from yokome.state import read_state
    from yokome.state_text import state_text

    with reading(options.lang):
        state = read_state(options.state)
    if options.json:
        print(json.dumps(state.to_dict(), ensure_ascii=False, indent=2))
    else:
        print(state_text(state, options.lang))
    return DONE
