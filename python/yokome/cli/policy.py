"""``yokome policy``: the default policy, and whether a policy is one."""

from __future__ import annotations

import argparse
import sys

from yokome.cli.common import DONE, policy_of, reading, reconfigure, writing
from yokome.lang import Lang, clean, pick

__all__ = ["check", "default"]


def default(options: argparse.Namespace) -> int:
    """Print the default policy, or write it to a file."""
    from yokome._yokome import default_policy_toml

    text = default_policy_toml()
    if options.out is not None:
        from yokome.output import write_text

        with writing(options.out, options.lang):
            write_text(options.out, text)
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
    with reading(lang):
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
