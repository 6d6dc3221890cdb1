"""``yokome synth``: a made-up log with planted incidents."""

from __future__ import annotations

import argparse
import contextlib
import sys

from yokome.cli.common import DONE, MISUSED, Stop, maybe, reading, writing
from yokome.lang import Lang, clean, pick

__all__ = ["synth"]


def synth(options: argparse.Namespace) -> int:
    """Make up a log."""
    from yokome import _yokome
    from yokome.progress import file_size, progress_line

    lang: Lang = options.lang
    with contextlib.ExitStack() as stack:
        line = stack.enter_context(maybe(progress_line(sys.stderr, lang, quiet=options.quiet)))
        with writing(options.out, lang), reading(lang):
            try:
                size = _yokome.synth(
                    str(options.out),
                    None if options.truth is None else str(options.truth),
                    options.records,
                    options.users,
                    options.days,
                    options.seed,
                    options.encoding,
                    line,
                    columns=options.columns,
                    crlf=options.line_end == "crlf",
                )
            except (ValueError, OverflowError) as error:
                raise Stop(str(error), MISUSED) from error
    if not options.quiet:
        print(
            pick(
                lang,
                f"{clean(str(options.out))}: {options.records:,} 件、{file_size(size)}",
                f"{clean(str(options.out))}: {options.records:,} records, {file_size(size)}",
            )
        )
    return DONE
