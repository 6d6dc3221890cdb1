"""``yokome verify``: are results and sources still what they were?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from yokome.cli.common import DONE, FAILED, reading
from yokome.lang import Lang, clean

if TYPE_CHECKING:
    from yokome.cli.arguments import Arguments

__all__ = ["arguments", "verify"]


def arguments(make: Arguments) -> None:
    """What `verify` can be told."""
    t = make.t
    command = make.command(
        "verify",
        t(
            "--evidence で書き出した結果を、入力と突き合わせて検証する",
            "check results written with --evidence against their sources",
        ),
        verify,
        [make.shared],
    )
    command.add_argument(
        "directory",
        type=Path,
        metavar="DIR",
        help=t("結果のフォルダー", "directory of the results"),
    )


def verify(options: argparse.Namespace) -> int:
    """Check results written with ``--evidence``; exit status 1 if anything is not as recorded."""
    from yokome.evidence import verify as check

    lang: Lang = options.lang
    with reading():
        found = check(options.directory)
    if not options.quiet or not found.fine:
        for line in found.text(lang):
            print(clean(line))
    return DONE if found.fine else FAILED
