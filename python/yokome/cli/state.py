"""``yokome state``: what a state file covers."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from yokome.cli.common import DONE, reading

if TYPE_CHECKING:
    from yokome.cli.arguments import Arguments

__all__ = ["arguments", "show"]


def arguments(make: Arguments) -> None:
    """What `state` can be told."""
    t = make.t
    summary = t("状態ファイルの内容を表示する", "show what a state file covers")
    command = make.commands.add_parser(
        "state", help=summary, description=summary, allow_abbrev=False
    )
    actions = command.add_subparsers(metavar="ACTION", required=True)
    showing = make.command(
        "show",
        t(
            "分析済みの期間、ログ、ポリシーを表示する",
            "print the periods, sources and policy covered",
        ),
        show,
        [make.shared],
        actions,
    )
    showing.add_argument("state", type=Path, metavar="FILE", help=t("状態ファイル", "state file"))
    showing.add_argument("--json", action="store_true", help=t("JSON で表示する", "print JSON"))


def show(options: argparse.Namespace) -> int:
    """Print what a state file covers."""
    from yokome.state import read_state
    from yokome.state_text import state_text

    with reading():
        state = read_state(options.state)
    if options.json:
        print(json.dumps(state.to_dict(), ensure_ascii=False, indent=2))
    else:
        print(state_text(state, options.lang))
    return DONE
