"""``yokome init``: a first policy from a look at the logs."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from yokome.cli.common import (
    DONE,
    columns_of,
    maybe,
    policy_of,
    reading,
    reconfigure,
    write_policy,
)
from yokome.cli.values import at_least_one
from yokome.lang import Lang, clean, pick

if TYPE_CHECKING:
    from yokome.cli.arguments import Arguments
    from yokome.starter import Starter

__all__ = ["arguments", "init"]


def arguments(make: Arguments) -> None:
    """What `init` can be told."""
    t = make.t
    command = make.command(
        "init",
        t("ログを見て、はじめのポリシーを作る", "make a first policy from a look at the logs"),
        init,
        [make.logs, make.shared],
    )
    command.add_argument(
        "--budget",
        type=at_least_one,
        default=50,
        metavar="N",
        help=t(
            "月に確かめられる所見の数（既定: 50）",
            "findings a month that can be checked (default: 50)",
        ),
    )
    command.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help=t("書き出すファイル（既定: 画面）", "file to write (default: standard output)"),
    )
    command.add_argument(
        "--force",
        action="store_true",
        help=t(
            "書き出すファイルがすでにあれば、上書きする",
            "overwrite the file if it is there already",
        ),
    )


def init(options: argparse.Namespace) -> int:
    """Write a policy fit for logs, with what was decided and why in its comments."""
    from yokome.progress import progress_line
    from yokome.starter import starter

    lang: Lang = options.lang
    policy_of(options)  # what is wrong with the options is said as everywhere
    with contextlib.ExitStack() as stack:
        line = stack.enter_context(maybe(progress_line(sys.stderr, lang, quiet=options.quiet)))
        with reading():
            made = starter(
                options.path,
                budget=options.budget,
                progress=line,
                columns=columns_of(options.column),
                encoding=options.encoding,
                delimiter=options.delimiter,
                time_format=options.time_format,
                timezone=options.timezone,
                header=False if options.no_header else None,
                threads=options.threads,
                strict=options.strict,
                skip_unreadable=options.skip_unreadable,
                max_ratio=options.max_ratio,
                max_rejects=options.max_rejects,
            )
    if options.out is None:
        if not sys.stdout.isatty():
            # A policy is UTF-8, whatever the console's code page: it is on its way to a file.
            reconfigure(sys.stdout, encoding="utf-8")
        sys.stdout.write(made.text)
        return DONE
    write_policy(options.out, made.text, force=options.force)
    if not options.quiet:
        reconfigure(sys.stdout)
        for words in _words(options, made, lang):
            print(clean(words))
    return DONE


def _words(options: argparse.Namespace, made: Starter, lang: Lang) -> list[str]:
    """Where the policy is, what to look at in it, what to do next."""
    logs = " ".join(map(_quoted, options.path))
    policy = _quoted(str(options.out))
    command = f"yokome scan {logs} --policy {policy} --out DIR --report xlsx,html --evidence"
    return [
        pick(lang, f"{options.out} を書き出しました。", f"{options.out} was written."),
        *(f"  - {line}" for line in made.remarks(lang)),
        pick(
            lang,
            "中の説明を読んで直してから、次のように分析します（DIR は結果のフォルダー）。",
            "Read what it says, mend what needs it, and scan (DIR is the folder of the results):",
        ),
        f"  {command}",
    ]


def _quoted(path: str) -> str:
    """A path as one word of a command."""
    return f'"{path}"' if " " in path or "\u3000" in path else path
