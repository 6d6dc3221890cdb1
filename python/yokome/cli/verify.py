"""``yokome verify``: are results and sources still what they were?"""

from __future__ import annotations

import argparse

from yokome.cli.common import DONE, FAILED, reading
from yokome.lang import Lang, clean

__all__ = ["verify"]


def verify(options: argparse.Namespace) -> int:
    """Check results written with ``--evidence``; exit status 1 if anything is not as recorded."""
    from yokome.evidence import verify as check

    lang: Lang = options.lang
    with reading(lang):
        found = check(options.directory)
    if not options.quiet or not found.fine:
        for line in found.text(lang):
            print(clean(line))
    return DONE if found.fine else FAILED
