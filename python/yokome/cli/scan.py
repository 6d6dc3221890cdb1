"""``yokome scan``: logs by the rules of a policy, to tables, reports and evidence."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yokome.cli.common import (
    DONE,
    MISUSED,
    Stop,
    ambiguous_width,
    ignore,
    maybe,
    os_error,
    policy_of,
    reading,
    writing,
)
from yokome.errors import MissingLibraryError
from yokome.lang import Lang, pick

if TYPE_CHECKING:
    from yokome.output import ResultWriter, TableFile
    from yokome.result import ScanResult

__all__ = ["scan"]


def scan(options: argparse.Namespace) -> int:
    """Scan logs; print the summary, and write what was asked for."""
    from yokome._scan import run
    from yokome.output import ResultWriter
    from yokome.progress import progress_line
    from yokome.summary_text import location_text, summary_text

    lang: Lang = options.lang
    key = _checked(options, lang)
    policy = policy_of(options)
    # Reports and pseudonyms look at the flagged rows as a whole; else they pass through.
    keeps = options.report is not None or key is not None
    with contextlib.ExitStack() as stack:
        writer = flagged = None
        if options.out is not None:
            with writing(options.out, lang):
                writer = stack.enter_context(ResultWriter(options.out, options.format))
                flagged = None if keeps else writer.stream("flagged")
        line = stack.enter_context(maybe(progress_line(sys.stderr, lang, quiet=options.quiet)))
        with reading(lang):
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
                # Without --out nobody looks at the flagged rows: do not keep them.
                sink=None if keeps else ignore if flagged is None else _sink(flagged, options),
            )
        if line is not None:
            line.close()
        scanned = result
        if key is not None:
            from yokome.pseudonyms import pseudonymise

            result = pseudonymise(result, key, unmask=options.unmask)
        paths: list[Path] = []
        if writer is not None:
            with reading(lang), writing(options.out, lang):
                _write(writer, result, options, flagged, key)
                paths = writer.commit()
        # Last of all: a state that is there is one of which the results are there.
        with reading(lang):
            scanned._write_state()
    if not options.quiet:
        top = {} if options.top is None else {"top": options.top}
        print(summary_text(result, lang, ambiguous=ambiguous_width(sys.stdout), **top))
        print()
        print(
            location_text(paths, lang, flagged=result.overview.flagged, csv=options.format == "csv")
        )
    return DONE


def _checked(options: argparse.Namespace, lang: Lang) -> bytes | None:
    """Stop before a long scan for what would fail after it; returns the key of pseudonyms."""
    for name, value in (
        ("--report", options.report),
        ("--pseudonymise", options.pseudonymise),
        ("--evidence", options.evidence),
    ):
        if value and options.out is None:
            raise Stop(
                pick(
                    lang,
                    f"{name} には --out フォルダー名 が必要です",
                    f"{name} needs --out DIR",
                ),
                MISUSED,
            )
    if options.report:
        from yokome.report import check_libraries

        try:
            check_libraries(options.report)
        except MissingLibraryError as error:
            message = pick(lang, error.message_ja, None) or str(error)
            raise Stop(message, MISUSED) from error
    if options.pseudonymise is None:
        return None
    from yokome.pseudonyms import read_key

    try:
        return read_key(options.pseudonymise)
    except ValueError as error:
        raise Stop(
            pick(
                lang,
                f"{options.pseudonymise}：鍵が短すぎます（16 バイト以上。yokome key で作れます）",
                f"{error} (yokome key makes one)",
            ),
            MISUSED,
        ) from error
    except OSError as error:
        raise Stop(
            pick(
                lang,
                f"鍵を読めません: {os_error(error)}（yokome key で作れます）",
                f"cannot read the key: {os_error(error)} (yokome key makes one)",
            ),
            MISUSED,
        ) from error


def _sink(flagged: TableFile, options: argparse.Namespace) -> Callable[[Any], None]:
    """Flagged rows to their file; an error of that is none of reading."""

    def sink(batch: Any) -> None:
        with writing(options.out, options.lang):
            flagged.write(batch)

    return sink


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
