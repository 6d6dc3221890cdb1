"""``yokome read``: logs into one table of known columns."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from yokome.cli.common import DONE, MISUSED, Stop, maybe, policy_of, reading, writing
from yokome.lang import Lang, clean, pick

if TYPE_CHECKING:
    from yokome.cli.arguments import Arguments

__all__ = ["arguments", "read"]


def arguments(make: Arguments) -> None:
    """What `read` can be told."""
    t = make.t
    command = make.command(
        "read",
        t(
            "ログを読み取り、列の名前をそろえた表にする",
            "read logs into one table of known columns",
        ),
        read,
        [make.logs, make.shared],
    )
    make.by_policy(command)
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help=t(
            "書き出すファイル（.parquet、.csv、.arrow）",
            "file to write: .parquet, .csv or .arrow",
        ),
    )


def read(options: argparse.Namespace) -> int:
    """Read logs and write them as one table."""
    from yokome._scan import read as read_records
    from yokome.overview import records_and_period
    from yokome.progress import progress_line
    from yokome.records import record_schema
    from yokome.table_file import TableFile, format_of

    lang: Lang = options.lang
    try:
        kind = format_of(options.out)
    except ValueError:
        raise Stop(
            f"--out: ファイル名は .parquet、.csv、.arrow のどれかで終わるものにしてください: "
            f"{options.out}",
            f"--out: the file's name must end in .parquet, .csv or .arrow: {options.out}",
            MISUSED,
        ) from None
    policy = policy_of(options)
    with contextlib.ExitStack() as stack:
        with writing(options.out):
            file = stack.enter_context(TableFile(options.out, kind))
        line = stack.enter_context(maybe(progress_line(sys.stderr, lang, quiet=options.quiet)))
        done = 0
        with reading():
            records = read_records(
                options.path,
                policy=policy,
                encoding=options.encoding,
                delimiter=options.delimiter,
                threads=options.threads,
                strict=options.strict,
                skip_unreadable=options.skip_unreadable,
                max_ratio=options.max_ratio,
                max_rejects=options.max_rejects,
            )
            batches = iter(records)
        while True:
            with reading():
                batch = next(batches, None)
            if batch is None:
                break
            with writing(options.out):
                file.write(batch)
            done += batch.num_rows
            if line is not None:
                line({"bytes": 0, "total_bytes": None, "records": done, "stage": "read"})
        if line is not None:
            line.close()
        with writing(options.out):
            file.close(record_schema())
            file.move()
    if not options.quiet:
        figures = records_and_period(records.inputs.to_pylist())
        accepted, rejected = figures["accepted"], figures["rejected"]
        print(
            pick(
                lang,
                f"{accepted + rejected:,} 件 = 読み取れた記録 {accepted:,} 件 "
                f"+ 読み取れなかった記録 {rejected:,} 件",
                f"{accepted + rejected:,} records seen = {accepted:,} accepted "
                f"+ {rejected:,} rejected",
            )
        )
        shown = records.rejects.slice(0, 10).to_pylist()
        for row in shown:
            where = f"{row['source']}:{row['line']}"
            print(clean(f"  {where}  {row['reason']}  {row['excerpt']}"))
        if rejected > len(shown):
            print("  …")
        print(clean(str(options.out)))
    return DONE
