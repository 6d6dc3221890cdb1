"""``yokome scan``: logs by the rules of a policy, to tables, reports and evidence."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from yokome.cli.common import (
    DONE,
    MISUSED,
    Stop,
    ambiguous_width,
    ignore,
    maybe,
    policy_of,
    reading,
    remark,
    stop_for,
    writing,
)
from yokome.cli.values import at_least_one, reports, size
from yokome.errors import MissingLibraryError, OptionError, os_error
from yokome.lang import Lang, pick

if TYPE_CHECKING:
    from yokome.cli.arguments import Arguments
    from yokome.output import ResultWriter
    from yokome.result import ScanResult

__all__ = ["arguments", "scan"]

P = ParamSpec("P")


def arguments(make: Arguments) -> None:
    """What `scan` can be told."""
    t = make.t
    command = make.command(
        "scan",
        t("ログを分析する", "scan logs"),
        scan,
        [make.logs, make.shared],
    )
    make.by_policy(command)
    command.add_argument(
        "--from",
        dest="from_",
        metavar="WHEN",
        help=t("この日時（日）以降の記録を調べる", "flag records from this day or time on"),
    )
    command.add_argument(
        "--to",
        metavar="WHEN",
        help=t(
            "この日まで（その日を含む）、またはこの日時より前の記録を調べる",
            "flag records up to this day, inclusive, or before this time",
        ),
    )
    command.add_argument(
        "--where",
        action="append",
        metavar="CONDITION",
        help=t(
            "調べる記録の条件（TOML）。例: 'department = \"税務課\"'",
            "condition on records to flag, TOML, as in 'department = \"税務課\"'",
        ),
    )
    command.add_argument(
        "--memory-limit",
        type=size,
        metavar="SIZE",
        help=t(
            "分析を待つ記録に使うメモリの上限。512MB、2GiB のように書く（既定: メモリの 4 分の 1）",
            "memory for records that wait, as 512MB or 2GiB (default: a quarter of the memory)",
        ),
    )
    command.add_argument(
        "--temp-dir",
        type=Path,
        metavar="DIR",
        help=t(
            "時刻順でないログを並べ替える一時ファイルを置くフォルダー"
            "（既定: システムの一時フォルダー）",
            "folder of temporary files, by which logs that are not in time order are sorted "
            "(default: the system's)",
        ),
    )
    command.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help=t(
            "前回までの分析を引き継ぎ、次回に引き継ぐ状態を書くファイル（初回はまだなくてよい）",
            "file to go on from, and to leave the state in for the next scan (new at first)",
        ),
    )
    _results(make, command)


def _results(make: Arguments, command: argparse.ArgumentParser) -> None:
    """What a scan writes."""
    t = make.t
    command.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=t("結果を書き出すフォルダー", "directory to write the results into"),
    )
    command.add_argument(
        "--format",
        choices=("parquet", "csv", "arrow"),
        default="csv",
        help=t("結果の表の形式（既定: csv）", "format of the result's tables (default: csv)"),
    )
    command.add_argument(
        "--report",
        type=reports,
        action="extend",
        metavar="KIND",
        help=t(
            "報告書も作る: xlsx（調書）、html（読む報告書）、または xlsx,html",
            "also make a report: xlsx (working paper), html (to read), or xlsx,html",
        ),
    )
    command.add_argument(
        "--top",
        type=at_least_one,
        metavar="N",
        help=t(
            "報告書と要約には、はじめの N 件だけを載せる（数えるのは常に全件）",
            "list only the first N, in reports and summary (all are counted)",
        ),
    )
    command.add_argument(
        "--unmask",
        action="store_true",
        help=t(
            "個人番号とみられる値を * で伏せずに示す",
            "show Individual Numbers as they stand instead of *",
        ),
    )
    command.add_argument(
        "--pseudonymise",
        type=Path,
        metavar="KEYFILE",
        help=t(
            "職員番号・職員名・宛名番号を、この鍵による仮名に置き換えて書き出す（鍵は "
            "yokome key で作る）",
            "write users, user names and subjects as pseudonyms by this key (made by yokome key)",
        ),
    )
    command.add_argument(
        "--evidence",
        action="store_true",
        help=t(
            "入力・ポリシー・結果の SHA-256 を run.json に残す（yokome verify で検証できる）",
            "record the SHA-256 of inputs, policy and outputs in run.json, for yokome verify",
        ),
    )


def scan(options: argparse.Namespace) -> int:
    """Scan logs; print the summary, and write what was asked for."""
    from yokome._scan import run
    from yokome.output import ResultWriter
    from yokome.progress import progress_line

    lang: Lang = options.lang
    key = _checked(options)
    policy = policy_of(options)
    # Reports and pseudonyms look at the flagged rows as a whole; else they pass through.
    keeps = options.report is not None or key is not None
    with contextlib.ExitStack() as stack:
        writer = flagged = None
        if options.out is not None:
            with writing(options.out):
                writer = stack.enter_context(ResultWriter(options.out, options.format))
                flagged = None if keeps else writer.stream("flagged")
        # Without --out nobody looks at the flagged rows: do not keep them.
        sink = ignore if flagged is None else _writing(options, flagged.write)
        line = stack.enter_context(maybe(progress_line(sys.stderr, lang, quiet=options.quiet)))
        with reading():
            result = run(
                options.path,
                policy,
                encoding=options.encoding,
                delimiter=options.delimiter,
                threads=options.threads,
                strict=options.strict,
                # A pseudonym is of the number itself, so that one person keeps one pseudonym.
                unmask=options.unmask or key is not None,
                skip_unreadable=options.skip_unreadable,
                max_ratio=options.max_ratio,
                max_rejects=options.max_rejects,
                state=options.state,
                memory_limit=options.memory_limit,
                temp_dir=options.temp_dir,
                progress=line,
                sink=None if keeps else sink,
                sink_end=None if flagged is None else _writing(options, flagged.flush),
                ahead=_ahead(options),
            )
        if line is not None:
            line.close()
        scanned = result
        if key is not None:
            from yokome.pseudonyms import pseudonymise

            result = pseudonymise(result, key, unmask=options.unmask)
        paths: list[Path] = []
        if writer is not None:
            with reading(), writing(options.out):
                _write(writer, result, options, flagged, key)
                paths = writer.commit()
                _tell_what_was_kept(writer.kept, lang)
        # Last of all: a state that is there is one of which the results are there.
        with reading():
            scanned._write_state()
    if not options.quiet:
        from yokome.summary_text import location_text, summary_text

        top = {} if options.top is None else {"top": options.top}
        print(summary_text(result, lang, ambiguous=ambiguous_width(sys.stdout), **top))
        print()
        print(
            location_text(paths, lang, flagged=result.overview.flagged, csv=options.format == "csv")
        )
    return DONE


def _checked(options: argparse.Namespace) -> bytes | None:
    """Stop before a long scan for what would fail after it; returns the key of pseudonyms."""
    for name, value in (
        ("--report", options.report),
        ("--pseudonymise", options.pseudonymise),
        ("--evidence", options.evidence),
    ):
        if value and options.out is None:
            raise Stop(
                f"{name} には --out フォルダー名 が必要です",
                f"{name} needs --out DIR",
                MISUSED,
            )
    if options.report:
        from yokome.report import check_libraries

        try:
            check_libraries(options.report)
        except MissingLibraryError as error:
            raise stop_for(error, MISUSED) from error
    if options.pseudonymise is None:
        return None
    from yokome.pseudonyms import read_key

    try:
        return read_key(options.pseudonymise)
    except OptionError as error:
        raise stop_for(error, MISUSED) from error
    except OSError as error:
        ja, en = os_error(error)
        raise Stop(
            f"鍵を読めません: {ja}（鍵は yokome key で作れます）",
            f"cannot read the key: {en} (yokome key makes one)",
            MISUSED,
        ) from error


def _ahead(options: argparse.Namespace) -> list[str]:
    """What is needed to tell and to write the result when the logs have been read."""
    from yokome.output import needed

    modules = ["yokome.overview", "yokome.summary_text", "yokome.explain", "yokome.words"]
    if options.report is not None or options.pseudonymise is not None:
        modules.append("pyarrow")
    if options.out is not None:
        modules += ["yokome.summary_json", "shutil", *needed(options.format)]
    return modules


def _writing(options: argparse.Namespace, write: Callable[P, None]) -> Callable[P, None]:
    """A callback that writes to ``--out``; an error of that is none of reading."""

    def written(*given: P.args, **named: P.kwargs) -> None:
        with writing(options.out):
            write(*given, **named)

    return written


def _tell_what_was_kept(kept: list[Path], lang: Lang) -> None:
    for path in kept:
        remark(
            pick(
                lang,
                f"前回の report.xlsx は、書き込まれていたので {path} として残しました",
                f"the earlier report.xlsx had been written into; it is kept as {path}",
            )
        )


def _write(
    writer: ResultWriter,
    result: ScanResult,
    options: argparse.Namespace,
    flagged: Any,
    key: bytes | None,
) -> None:
    """Stage everything that was asked for."""
    from yokome.output import write_result

    reports: list[tuple[str, bytes]] = []
    if options.report:
        from yokome.report import make_reports

        kinds = list(dict.fromkeys(options.report))
        reports = make_reports(result, kinds, options.lang, top=options.top)
    write_result(writer, result, flagged=flagged, others=reports)
    if options.evidence:
        from yokome.evidence import write_run
        from yokome.pseudonyms import Pseudonyms

        given = {name: value for name, value in vars(options).items() if name != "command"}
        if key is not None and options.where:
            # A condition may name whom it is about.
            given["where"] = ["(withheld)"]
        write_run(writer, result, given, pseudonyms=None if key is None else Pseudonyms(key).key_id)
