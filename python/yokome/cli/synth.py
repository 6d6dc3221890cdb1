"""``yokome synth``: a made-up log with planted incidents."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from yokome.cli.common import DONE, MISUSED, Stop, maybe, reading, writing
from yokome.cli.values import at_least_one, checked, day, not_negative
from yokome.lang import Lang, clean, pick

if TYPE_CHECKING:
    from yokome.cli.arguments import Arguments

__all__ = ["arguments", "synth"]


def arguments(make: Arguments) -> None:
    """What `synth` can be told."""
    t = make.t
    command = make.command(
        "synth",
        t("架空のログを作る（試用・性能測定用）", "make up a log, for trials and measurements"),
        synth,
        [make.shared],
    )
    for name, value, ja, en in (
        ("records", 1_000_000, "記録の件数", "number of records"),
        ("users", 300, "職員の人数", "number of users"),
        ("days", 120, "日数", "number of days"),
    ):
        command.add_argument(
            f"--{name}",
            type=at_least_one,
            default=value,
            metavar="N",
            help=t(f"{ja}（既定: {value:,}）", f"{en} (default: {value:,})"),
        )
    command.add_argument(
        "--start",
        type=day,
        metavar="DATE",
        help=t("最初の日（既定: 2024-04-01）", "first day (default: 2024-04-01)"),
    )
    command.add_argument(
        "--seed",
        type=not_negative,
        default=1,
        metavar="N",
        help=t(
            "乱数の種。同じ種なら同じログになる（既定: 1）",
            "random seed; the same seed gives the same log (default: 1)",
        ),
    )
    command.add_argument(
        "--encoding",
        type=checked("_encoding"),
        default="utf-8",
        metavar="NAME",
        help=t("文字コード（既定: utf-8）", "encoding (default: utf-8)"),
    )
    command.add_argument(
        "--columns",
        choices=("ten", "eight"),
        default="ten",
        help=t(
            "列の数。eight は職員名と業務名を除く（既定: ten）",
            "number of columns; eight leaves out staff names and systems (default: ten)",
        ),
    )
    command.add_argument(
        "--line-end",
        choices=("crlf", "lf"),
        default="crlf",
        help=t("改行（既定: crlf）", "line ends (default: crlf)"),
    )
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help=t("書き出すログ", "log to write"),
    )
    command.add_argument(
        "--truth",
        type=Path,
        metavar="FILE",
        help=t("仕込んだ事案の一覧（CSV）", "CSV to write the planted incidents to"),
    )


def synth(options: argparse.Namespace) -> int:
    """Make up a log."""
    from yokome import _yokome
    from yokome.progress import file_size, progress_line

    lang: Lang = options.lang
    with contextlib.ExitStack() as stack:
        line = stack.enter_context(maybe(progress_line(sys.stderr, lang, quiet=options.quiet)))
        with writing(options.out), reading():
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
                    start=options.start,
                )
            except (ValueError, OverflowError) as error:
                raise Stop(
                    f"このとおりのログは作れません（{error}）。--users は 1 から 1,000,000 まで、"
                    "--days は 1 から 36,525 までの数を指定してください",
                    str(error),
                    MISUSED,
                ) from error
    if not options.quiet:
        print(
            pick(
                lang,
                f"{clean(str(options.out))}: {options.records:,} 件、{file_size(size)}",
                f"{clean(str(options.out))}: {options.records:,} records, {file_size(size)}",
            )
        )
    return DONE
