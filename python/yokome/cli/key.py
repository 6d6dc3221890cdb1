"""``yokome key``: a key for pseudonyms."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from yokome.cli.common import DONE, MISUSED, Stop, writing
from yokome.lang import Lang, clean, pick

if TYPE_CHECKING:
    from yokome.cli.arguments import Arguments

__all__ = ["arguments", "key"]


def arguments(make: Arguments) -> None:
    """What `key` can be told."""
    t = make.t
    command = make.command(
        "key",
        t("仮名のための鍵を作る", "make a key for pseudonyms"),
        key,
        [make.shared],
    )
    command.add_argument(
        "out", type=Path, metavar="FILE", help=t("書き出す鍵のファイル", "key file to write")
    )


def key(options: argparse.Namespace) -> int:
    """Write a new random key, for its owner only; a file that is there stays as it is."""
    import secrets

    lang: Lang = options.lang
    with writing(options.out):
        try:
            number = os.open(options.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise Stop(
                f"{options.out} はすでにあります（鍵を上書きすると、仮名は元に戻りません）",
                f"{options.out} is there already (a new key would give other pseudonyms)",
                MISUSED,
            ) from error
        with os.fdopen(number, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
    if not options.quiet:
        print(
            pick(
                lang,
                f"{clean(str(options.out))}: 鍵を作りました。結果とは別の場所に保管してください",
                f"{clean(str(options.out))}: a new key; keep it apart from the results",
            )
        )
    return DONE
