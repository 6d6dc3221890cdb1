"""The ``yokome`` command.

Exit status: 0 done; 1 the input could not be scanned, or the result not written; 2 wrong use or a
wrong policy; 130 interrupted. Results go to files and standard output, everything else to standard
error. Heavy imports wait until a command needs them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from yokome.errors import (
    ColumnError,
    InputNotFoundError,
    PolicyError,
    StrictError,
    YokomeError,
)
from yokome.lang import Lang, clean, default_lang, pick

if TYPE_CHECKING:
    from yokome.policy import Policy
    from yokome.progress import ProgressLine

__all__ = ["main"]

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (default: the process's); returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    lang = _wished_lang(words)
    try:
        with _terminating():
            _reconfigure(sys.stdout)
            _reconfigure(sys.stderr)
            status = _run(words, lang)
            sys.stdout.flush()
            return status
    except _Stop as stop:
        _complain(stop.message, lang)
        return stop.status
    except KeyboardInterrupt:
        _complain(pick(lang, "中断しました", "interrupted"), lang)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has had enough. Nothing more may be written, not even at exit.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        _complain(_os_error(error), lang)
        return FAILED


class _Stop(Exception):
    """The command ends here, with this message and status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def _run(words: Sequence[str], lang: Lang) -> int:
    options = _parser(lang).parse_args(words)
    options.lang = options.lang or lang
    command: Callable[[argparse.Namespace], int] = options.command
    return command(options)


# --- commands -----------------------------------------------------------------------------------


def _scan(options: argparse.Namespace) -> int:
    from yokome._scan import run
    from yokome.output import ResultWriter, write_result
    from yokome.progress import progress_line
    from yokome.summary_text import location_text, summary_text

    lang: Lang = options.lang
    policy = _policy(options)
    with contextlib.ExitStack() as stack:
        writer = flagged = None
        if options.out is not None:
            with _writing(options.out, lang):
                writer = stack.enter_context(ResultWriter(options.out, options.format))
                flagged = writer.stream("flagged")
        line = stack.enter_context(_maybe(progress_line(sys.stderr, lang, quiet=options.quiet)))
        with _reading(lang):
            result = run(
                options.path,
                policy,
                encoding=options.encoding,
                delimiter=options.delimiter,
                threads=options.threads,
                strict=options.strict,
                skip_unreadable=options.skip_unreadable,
                max_ratio=options.max_ratio,
                max_rejects=options.max_rejects,
                memory_limit=options.memory_limit,
                temp_dir=options.temp_dir,
                progress=line,
                # Without --out nobody looks at the flagged rows: do not keep them.
                sink=_ignore if flagged is None else flagged.write,
            )
        if line is not None:
            line.close()
        paths: list[Path] = []
        if writer is not None:
            with _writing(options.out, lang):
                write_result(writer, result, flagged=flagged)
                paths = writer.commit()
    if not options.quiet:
        print(summary_text(result, lang, ambiguous=_ambiguous(sys.stdout)))
        print()
        print(
            location_text(paths, lang, flagged=result.overview.flagged, csv=options.format == "csv")
        )
    return DONE


def _read(options: argparse.Namespace) -> int:
    from yokome._scan import read
    from yokome.output import TableFile, format_of
    from yokome.overview import records_and_period
    from yokome.progress import progress_line
    from yokome.records import record_schema

    lang: Lang = options.lang
    try:
        kind = format_of(options.out)
    except ValueError:
        raise _Stop(
            pick(
                lang,
                f"--out: ファイル名は .parquet、.csv、.arrow のどれかで終わるものにしてください: "
                f"{options.out}",
                f"--out: the file's name must end in .parquet, .csv or .arrow: {options.out}",
            ),
            MISUSED,
        ) from None
    policy = _policy(options)
    with contextlib.ExitStack() as stack:
        with _writing(options.out, lang):
            file = stack.enter_context(TableFile(options.out, kind))
        line = stack.enter_context(_maybe(progress_line(sys.stderr, lang, quiet=options.quiet)))
        done = 0
        with _reading(lang):
            records = read(
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
            with _reading(lang):
                batch = next(batches, None)
            if batch is None:
                break
            with _writing(options.out, lang):
                file.write(batch)
            done += batch.num_rows
            if line is not None:
                line({"bytes": 0, "total_bytes": None, "records": done, "stage": "read"})
        if line is not None:
            line.close()
        with _writing(options.out, lang):
            file.close(record_schema())
            file.move()
    if not options.quiet:
        figures = records_and_period(records.inputs)
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


def _policy_default(options: argparse.Namespace) -> int:
    from yokome._yokome import default_policy_toml

    text = default_policy_toml()
    if options.out is not None:
        from yokome.output import write_text

        with _writing(options.out, options.lang):
            write_text(options.out, text)
        return DONE
    if not sys.stdout.isatty():
        # A policy is UTF-8, whatever the console's code page: it is on its way to a file.
        _reconfigure(sys.stdout, encoding="utf-8")
    sys.stdout.write(text)
    return DONE


def _policy_check(options: argparse.Namespace) -> int:
    from yokome.calendar import public_holidays

    lang: Lang = options.lang
    policy = _policy(options)
    with _reading(lang):
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


def _synth(options: argparse.Namespace) -> int:
    from yokome import _yokome
    from yokome.progress import file_size, progress_line

    lang: Lang = options.lang
    with contextlib.ExitStack() as stack:
        line = stack.enter_context(_maybe(progress_line(sys.stderr, lang, quiet=options.quiet)))
        with _writing(options.out, lang), _reading(lang):
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
                raise _Stop(str(error), MISUSED) from error
    if not options.quiet:
        print(
            pick(
                lang,
                f"{clean(str(options.out))}: {options.records:,} 件、{file_size(size)}",
                f"{clean(str(options.out))}: {options.records:,} records, {file_size(size)}",
            )
        )
    return DONE


# --- what commands share ------------------------------------------------------------------------


def _policy(options: argparse.Namespace) -> Policy:
    """The policy that the options ask for; whatever is wrong with it is wrong use."""
    from yokome._scan import prepare

    lang: Lang = options.lang
    path = getattr(options, "policy", None)
    try:
        return prepare(
            path,
            columns=_columns(getattr(options, "column", None), lang),
            time_format=getattr(options, "time_format", None),
            timezone=getattr(options, "timezone", None),
            header=False if getattr(options, "no_header", False) else None,
            from_=getattr(options, "from_", None),
            to=getattr(options, "to", None),
            where=",\n".join(options.where) if getattr(options, "where", None) else None,
        )
    except PolicyError as error:
        raise _Stop(_policy_message(error, lang), MISUSED) from error
    except (YokomeError, OSError) as error:
        detail = str(error) if isinstance(error, YokomeError) else _os_error(error)
        raise _Stop(
            pick(
                lang,
                f"ポリシーを読めません: {detail}",
                f"cannot read the policy: {detail}",
            ),
            MISUSED,
        ) from error


def _columns(
    options: Sequence[str] | None, lang: Lang
) -> dict[str, str | int | list[str | int]] | None:
    """``field=header`` options as the columns of a policy; a field twice has two columns."""
    if not options:
        return None
    given: dict[str, list[str | int]] = {}
    for option in options:
        field, equals, column = option.partition("=")
        if not (field.strip() and equals and column):
            raise _Stop(
                pick(
                    lang,
                    f"--column は「項目=列名」または「項目=列番号」の形で書いてください: {option}",
                    f"--column is field=header or field=position: {option}",
                ),
                MISUSED,
            )
        is_position = column.isascii() and column.isdecimal()
        given.setdefault(field.strip(), []).append(int(column) if is_position else column)
    return {field: names[0] if len(names) == 1 else [*names] for field, names in given.items()}


@contextlib.contextmanager
def _reading(lang: Lang) -> Iterator[None]:
    """Turn errors of reading and scanning into one message and a status."""
    try:
        yield
    except PolicyError as error:
        raise _Stop(_policy_message(error, lang), MISUSED) from error
    except YokomeError as error:
        raise _Stop(_input_message(error, lang), FAILED) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _Stop(_os_error(error), FAILED) from error


@contextlib.contextmanager
def _writing(out: Path, lang: Lang) -> Iterator[None]:
    """Turn errors of writing results into one message and a status."""
    try:
        yield
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise _Stop(
            pick(
                lang,
                f"--out: {out} には書き出せません（フォルダーとファイルが逆になっています）",
                f"--out: cannot write to {out}: {_os_error(error)}",
            ),
            MISUSED,
        ) from error
    except YokomeError:
        raise
    except BrokenPipeError:
        raise
    except OSError as error:
        hint = ""
        if isinstance(error, PermissionError):
            hint = pick(
                lang,
                "。Excel などで開いているときは、閉じてからやり直してください",
                "; if it is open in Excel, close it and try again",
            )
        raise _Stop(
            pick(
                lang,
                f"結果を書き出せません: {_os_error(error)}{hint}",
                f"cannot write the result: {_os_error(error)}{hint}",
            ),
            FAILED,
        ) from error


def _policy_message(error: PolicyError, lang: Lang) -> str:
    if lang == "en":
        return str(error)
    return error.message_ja or f"ポリシーまたは指定に誤りがあります: {error}"


def _input_message(error: YokomeError, lang: Lang) -> str:
    if lang == "en":
        return str(error)
    if error.message_ja:
        return error.message_ja
    if isinstance(error, InputNotFoundError) and error.source:
        return f"ファイルが見つかりません: {error.source}"
    if isinstance(error, ColumnError):
        return (
            f"必要な列を見分けられません: {error}"
            "（--column 項目=列名 で指定できます。例: --column time=発生日時）"
        )
    if isinstance(error, StrictError):
        return f"読み取れない記録がありました（--strict）: {error}"
    return f"入力を読み取れません: {error}"


def _os_error(error: OSError) -> str:
    if error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return error.strerror or str(error)


def _complain(message: str, lang: Lang) -> None:
    """One message on standard error; if even that is gone, silence."""
    with contextlib.suppress(OSError, ValueError):
        label = pick(lang, "エラー", "error")
        lines = "\n".join(clean(line) for line in message.splitlines())
        print(f"yokome: {label}: {lines}", file=sys.stderr, flush=True)


def _ignore(batch: Any) -> None:
    """A sink for flagged rows that nobody asked for."""


def _maybe(line: ProgressLine | None) -> contextlib.AbstractContextManager[ProgressLine | None]:
    return contextlib.nullcontext() if line is None else line


def _reconfigure(stream: TextIO, encoding: str | None = None) -> None:
    """A character that the terminal lacks is no reason to fail."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding=encoding, errors="replace")


def _ambiguous(stream: TextIO) -> int:
    """Columns of an ambiguous character: 2 on consoles with a legacy Japanese code page."""
    encoding = (getattr(stream, "encoding", None) or "").lower().replace("_", "-")
    return 2 if encoding in ("cp932", "shift-jis", "euc-jp") else 1


@contextlib.contextmanager
def _terminating() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the stack, so that no temporary file stays behind."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    previous: list[tuple[int, Any]] = []
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Only the main thread may set handlers; what is ignored (nohup) stays ignored.
        with contextlib.suppress(ValueError):
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                previous.append((number, signal.signal(number, stop)))
    try:
        yield
    finally:
        for number, handler in previous:
            signal.signal(number, handler)


# --- arguments ----------------------------------------------------------------------------------


def _wished_lang(words: Sequence[str]) -> Lang:
    """The language asked for by ``--lang``, before the real parsing, or the locale's."""
    for i, word in enumerate(words):
        value = word.partition("=")[2] if word.startswith("--lang=") else ""
        if word == "--lang" and i + 1 < len(words):
            value = words[i + 1]
        if value == "ja":
            return "ja"
        if value == "en":
            return "en"
    return default_lang()


class _Parser(argparse.ArgumentParser):
    """Complains as the rest of the command does."""

    lang: Lang = "en"

    def error(self, message: str) -> NoReturn:
        ja = message
        for pattern, japanese in _IN_JAPANESE:
            ja = re.sub(pattern, japanese, ja)
        raise _Stop(
            pick(
                self.lang,
                f"使い方に誤りがあります: {ja}\n（{self.prog} --help で使い方を表示します）",
                f"{message}\n({self.prog} --help says more)",
            ),
            MISUSED,
        )


# What argparse says, and the same in Japanese.
_IN_JAPANESE = (
    (r"^the following arguments are required: (.*)$", r"\1 を指定してください"),
    (r"^unrecognized arguments: (.*)$", r"このような指定はありません: \1"),
    (r"^argument (.*?): expected .*$", r"\1 の値を指定してください"),
    (
        r"^argument (.*?): invalid choice: (.*) \(choose from (.*)\)$",
        r"\1 に \2 は指定できません（\3 のどれかにしてください）",
    ),
    (r"^argument (.*?): unknown \w+ (.*); known: (.*)$", r"\1 に \2 は指定できません（\3）"),
    (
        r"^argument (.*?): a whole number, (\d+) or more, not (.*)$",
        r"\1 には \2 以上の整数を指定してください（\3 は指定できません）",
    ),
)


def _parser(lang: Lang) -> argparse.ArgumentParser:
    from yokome._yokome import __version__

    class Parser(_Parser):
        pass

    Parser.lang = lang

    def t(ja: str, en: str) -> str:
        return pick(lang, ja, en)

    parser = Parser(
        prog="yokome",
        allow_abbrev=False,
        description=t(
            "特定個人情報へのアクセスログを、個人情報保護委員会の五つの着眼点で分析します。",
            "Scan access logs by the Personal Information Protection Commission's five viewpoints.",
        ),
    )
    parser.add_argument("--version", action="version", version=f"yokome {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    shared = Parser(add_help=False, allow_abbrev=False)
    shared.add_argument(
        "--lang",
        choices=("ja", "en"),
        help=t(
            "表示の言語（既定: ロケールによる）", "language of messages (default: the locale's)"
        ),
    )
    shared.add_argument(
        "--quiet", action="store_true", help=t("エラーのほかは何も表示しない", "only say errors")
    )

    logs = Parser(add_help=False, allow_abbrev=False)
    logs.add_argument(
        "path",
        nargs="+",
        metavar="PATH",
        help=t(
            "ログのファイル、フォルダー、*.csv のような型、"
            "または logs.zip!*.csv（zip の中のファイル）",
            "log file, directory, glob such as *.csv, or members of an archive: logs.zip!*.csv",
        ),
    )
    logs.add_argument(
        "--policy",
        type=Path,
        metavar="FILE",
        help=t(
            "ポリシー（TOML）（既定: 既定のポリシー）", "policy, TOML (default: the default policy)"
        ),
    )
    logs.add_argument(
        "--column",
        action="append",
        metavar="FIELD=COLUMN",
        help=t(
            "項目に当たる列の見出し、または 1 から数えた列番号。例: time=発生日時。"
            "日付と時刻が別の列なら time を二度書く",
            "header or 1-based position of a field's column, as in time=発生日時; "
            "time twice if date and time are two columns",
        ),
    )
    logs.add_argument(
        "--encoding",
        type=_checked("_encoding"),
        metavar="NAME",
        help=t(
            "文字コード: utf-8、cp932（Shift_JIS）、utf-16、euc-jp（既定: 自動判別）",
            "utf-8, cp932 (Shift_JIS), utf-16, utf-16le, utf-16be, euc-jp (default: found out)",
        ),
    )
    logs.add_argument(
        "--delimiter",
        type=_delimiter,
        metavar="CHAR",
        help=t(
            "区切り文字: , ; | または tab（既定: 自動判別）", ", ; | or tab (default: found out)"
        ),
    )
    logs.add_argument(
        "--time-format",
        action="append",
        metavar="FORMAT",
        help=t(
            "日時の書式（strftime 形式）。例: %%Y/%%m/%%d %%H:%%M:%%S（既定: 自動判別）",
            "strftime format of times, as in %%Y/%%m/%%d %%H:%%M:%%S (default: found out)",
        ),
    )
    logs.add_argument(
        "--timezone",
        metavar="ZONE",
        help=t(
            "時差付きの日時を直す先の時間帯（既定: Asia/Tokyo）",
            "IANA zone that times with an offset are converted to (default: Asia/Tokyo)",
        ),
    )
    logs.add_argument(
        "--no-header",
        action="store_true",
        help=t(
            "見出しの行がない（列は番号で指定する）",
            "the logs have no header (columns by position)",
        ),
    )
    logs.add_argument(
        "--threads",
        type=_at_least_one,
        metavar="N",
        help=t("スレッド数（既定: CPU の数）", "threads (default: one per processor)"),
    )
    logs.add_argument(
        "--strict",
        action="store_true",
        help=t("読み取れない記録があれば中止する", "stop at a record that cannot be read"),
    )
    logs.add_argument(
        "--skip-unreadable",
        action="store_true",
        help=t("読めないファイルは飛ばして続ける", "go on when a file cannot be read"),
    )
    logs.add_argument(
        "--max-ratio",
        type=_at_least_one,
        metavar="N",
        help=t(
            "圧縮ファイルの展開後の大きさの上限（元の大きさの何倍か。既定: 1000）",
            "times its size that a compressed file may decompress to (default: 1000)",
        ),
    )
    logs.add_argument(
        "--max-rejects",
        type=_not_negative,
        metavar="N",
        help=t(
            "一覧にする、読み取れなかった記録の数の上限（超えた分は件数だけ。既定: 100,000）",
            "rejected records to list; those beyond are counted (default: 100,000)",
        ),
    )

    summary = t("ログを分析する", "scan logs")
    scan = commands.add_parser(
        "scan", parents=[logs, shared], help=summary, description=summary, allow_abbrev=False
    )
    scan.add_argument(
        "--memory-limit",
        type=_size,
        metavar="SIZE",
        help=t(
            "分析を待つ記録に使うメモリの上限。512MB、2GiB のように書く（既定: メモリの 4 分の 1）",
            "memory for records that wait, as 512MB or 2GiB (default: a quarter of the memory)",
        ),
    )
    scan.add_argument(
        "--temp-dir",
        type=Path,
        metavar="DIR",
        help=t(
            "時刻順でないログを並べ替える一時ファイルを置くフォルダー（既定: システムの一時フォルダー）",
            "folder of temporary files, by which logs that are not in time order are sorted "
            "(default: the system's)",
        ),
    )
    scan.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=t("結果を書き出すフォルダー", "directory to write the results into"),
    )
    scan.add_argument(
        "--format",
        choices=("parquet", "csv", "arrow"),
        default="csv",
        help=t("結果の表の形式（既定: csv）", "format of the result's tables (default: csv)"),
    )
    scan.add_argument(
        "--from",
        dest="from_",
        metavar="WHEN",
        help=t("この日時（日）以降の記録を調べる", "flag records from this day or time on"),
    )
    scan.add_argument(
        "--to",
        metavar="WHEN",
        help=t(
            "この日まで（その日を含む）、またはこの日時より前の記録を調べる",
            "flag records up to this day, inclusive, or before this time",
        ),
    )
    scan.add_argument(
        "--where",
        action="append",
        metavar="CONDITION",
        help=t(
            "調べる記録の条件（TOML）。例: 'department = \"税務課\"'",
            "condition on records to flag, TOML, as in 'department = \"税務課\"'",
        ),
    )
    scan.set_defaults(command=_scan)

    summary = t(
        "ログを読み取り、列の名前をそろえた表にする", "read logs into one table of known columns"
    )
    read = commands.add_parser(
        "read", parents=[logs, shared], help=summary, description=summary, allow_abbrev=False
    )
    read.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help=t(
            "書き出すファイル（.parquet、.csv、.arrow）", "file to write: .parquet, .csv or .arrow"
        ),
    )
    read.set_defaults(command=_read)

    summary = t("ポリシーを表示・検査する", "show or check a policy")
    policy = commands.add_parser("policy", help=summary, description=summary, allow_abbrev=False)
    actions = policy.add_subparsers(metavar="ACTION", required=True)
    summary = t("既定のポリシーを表示する", "print the default policy")
    default = actions.add_parser(
        "default", parents=[shared], help=summary, description=summary, allow_abbrev=False
    )
    default.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help=t("書き出すファイル（既定: 画面）", "file to write (default: standard output)"),
    )
    default.set_defaults(command=_policy_default)
    summary = t("ポリシーに誤りがないか調べる", "check a policy")
    check = actions.add_parser(
        "check", parents=[shared], help=summary, description=summary, allow_abbrev=False
    )
    check.add_argument(
        "policy", type=Path, metavar="FILE", help=t("ポリシー（TOML）", "policy, TOML")
    )
    check.set_defaults(command=_policy_check)

    summary = t(
        "架空のログを作る（試用・性能測定用）", "make up a log, for trials and measurements"
    )
    synth = commands.add_parser(
        "synth", parents=[shared], help=summary, description=summary, allow_abbrev=False
    )
    for name, value, ja, en in (
        ("records", 1_000_000, "記録の件数", "number of records"),
        ("users", 300, "職員の人数", "number of users"),
        ("days", 120, "日数", "number of days"),
    ):
        synth.add_argument(
            f"--{name}",
            type=_at_least_one,
            default=value,
            metavar="N",
            help=t(f"{ja}（既定: {value:,}）", f"{en} (default: {value:,})"),
        )
    synth.add_argument(
        "--seed",
        type=_not_negative,
        default=1,
        metavar="N",
        help=t(
            "乱数の種。同じ種なら同じログになる（既定: 1）",
            "random seed; the same seed gives the same log (default: 1)",
        ),
    )
    synth.add_argument(
        "--encoding",
        type=_checked("_encoding"),
        default="utf-8",
        metavar="NAME",
        help=t("文字コード（既定: utf-8）", "encoding (default: utf-8)"),
    )
    synth.add_argument(
        "--columns",
        choices=("ten", "eight"),
        default="ten",
        help=t(
            "列の数。eight は職員名と業務名を除く（既定: ten）",
            "number of columns; eight leaves out staff names and systems (default: ten)",
        ),
    )
    synth.add_argument(
        "--line-end",
        choices=("crlf", "lf"),
        default="crlf",
        help=t("改行（既定: crlf）", "line ends (default: crlf)"),
    )
    synth.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help=t("書き出すログ", "log to write")
    )
    synth.add_argument(
        "--truth",
        type=Path,
        metavar="FILE",
        help=t("仕込んだ事案の一覧（CSV）", "CSV to write the planted incidents to"),
    )
    synth.set_defaults(command=_synth)
    return parser


def _checked(name: str) -> Callable[[str], str]:
    """An argument type that checks as the function `name` of :mod:`yokome._scan` does."""

    def check(text: str) -> str:
        from yokome import _scan

        try:
            checked: str = getattr(_scan, name)(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return checked

    return check


def _delimiter(text: str) -> str:
    return _checked("_delimiter")("\t" if text.lower() in ("tab", "\\t") else text)


def _at_least_one(text: str) -> int:
    return _whole(text, 1)


def _size(text: str) -> int:
    from yokome._scan import size

    with contextlib.suppress(ValueError):
        bytes = size(text)
        if bytes is not None and bytes >= 1:
            return bytes
    raise argparse.ArgumentTypeError(text)


def _not_negative(text: str) -> int:
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    try:
        number = int(text.replace(",", "").replace("_", ""))
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"a whole number, {least} or more, not {text!r}")
    return number


if __name__ == "__main__":
    sys.exit(main())
