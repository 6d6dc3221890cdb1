"""``yokome policy``: the default policy, and whether a policy is one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from yokome.cli.common import DONE, policy_of, reading, reconfigure, write_policy
from yokome.lang import Lang, clean, pick

if TYPE_CHECKING:
    from yokome.cli.arguments import Arguments

__all__ = ["arguments", "check", "default"]


def arguments(make: Arguments) -> None:
    """What `policy` can be told."""
    t = make.t
    summary = t("ポリシーを表示・検査する", "show or check a policy")
    command = make.commands.add_parser(
        "policy", help=summary, description=summary, allow_abbrev=False
    )
    actions = command.add_subparsers(metavar="ACTION", required=True)
    showing = make.command(
        "default",
        t("既定のポリシーを表示する", "print the default policy"),
        default,
        [make.shared],
        actions,
    )
    showing.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help=t("書き出すファイル（既定: 画面）", "file to write (default: standard output)"),
    )
    showing.add_argument(
        "--force",
        action="store_true",
        help=t(
            "書き出すファイルがすでにあれば、上書きする",
            "overwrite the file if it is there already",
        ),
    )
    checking = make.command(
        "check",
        t("ポリシーに誤りがないか調べる", "check a policy"),
        check,
        [make.shared],
        actions,
    )
    checking.add_argument(
        "policy", type=Path, metavar="FILE", help=t("ポリシー（TOML）", "policy, TOML")
    )


def default(options: argparse.Namespace) -> int:
    """Print the default policy, or write it to a file."""
    from yokome._yokome import default_policy_toml

    text = default_policy_toml()
    if options.out is not None:
        write_policy(options.out, text, force=options.force)
        if not options.quiet:
            out, lang = options.out, options.lang
            reconfigure(sys.stdout)
            print(clean(pick(lang, f"{out} を書き出しました", f"{out} was written")))
        return DONE
    if not sys.stdout.isatty():
        # A policy is UTF-8, whatever the console's code page: it is on its way to a file.
        reconfigure(sys.stdout, encoding="utf-8")
    sys.stdout.write(text)
    return DONE


def check(options: argparse.Namespace) -> int:
    """Say whether a file is a policy."""
    from yokome.calendar import public_holidays

    lang: Lang = options.lang
    policy = policy_of(options)
    with reading():
        if policy.country is not None:
            public_holidays(policy.country, 2000)
    rules = len(policy.rules)
    print(
        pick(
            lang,
            f"{clean(str(options.policy))}: 正しいポリシーです（規則 {rules} 件）",
            f"{clean(str(options.policy))}: a correct policy ({rules} rules)",
        )
    )
    return DONE
