"""The arguments of the command, and what it says of wrong ones."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from yokome.cli.common import MISUSED, Stop
from yokome.lang import Lang, default_lang, pick

__all__ = ["parser", "wished_lang"]


def wished_lang(words: Sequence[str]) -> Lang:
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
        raise Stop(
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


def parser(lang: Lang) -> argparse.ArgumentParser:
    """The parser of the whole command, in a language."""
    return _Arguments(lang).parser


def _command(module: str, function: str) -> Callable[[argparse.Namespace], int]:
    """A command, imported when it is run."""

    def run(options: argparse.Namespace) -> int:
        command: Callable[[argparse.Namespace], int] = getattr(
            importlib.import_module(f"yokome.cli.{module}"), function
        )
        return command(options)

    return run


class _Arguments:
    """Builds the parser, a method per command."""

    def __init__(self, lang: Lang) -> None:
        from yokome._yokome import __version__

        class Parser(_Parser):
            pass

        Parser.lang = lang
        self.lang = lang
        self.make = Parser
        self.parser = Parser(
            prog="yokome",
            allow_abbrev=False,
            description=self.t(
                "特定個人情報へのアクセスログを、個人情報保護委員会の五つの着眼点で分析します。",
                "Scan access logs by the Personal Information Protection Commission's five "
                "viewpoints.",
            ),
        )
        self.parser.add_argument("--version", action="version", version=f"yokome {__version__}")
        self.commands: Any = self.parser.add_subparsers(metavar="COMMAND", required=True)
        self.shared = self._shared()
        self.logs = self._logs()
        for add in (
            *(self._scan, self._init, self._read, self._verify),
            *(self._policy, self._state, self._key, self._synth),
        ):
            add()

    def t(self, ja: str, en: str) -> str:
        """The text in the parser's language."""
        return pick(self.lang, ja, en)

    def command(
        self,
        name: str,
        summary: str,
        run: Callable[[argparse.Namespace], int],
        parents: Sequence[_Parser],
        under: Any = None,
    ) -> argparse.ArgumentParser:
        """A new command."""
        added: argparse.ArgumentParser = (under or self.commands).add_parser(
            name, parents=parents, help=summary, description=summary, allow_abbrev=False
        )
        added.set_defaults(command=run)
        return added

    def _shared(self) -> _Parser:
        t = self.t
        shared = self.make(add_help=False, allow_abbrev=False)
        shared.add_argument(
            "--lang",
            choices=("ja", "en"),
            help=t(
                "表示の言語（既定: ロケールによる）", "language of messages (default: the locale's)"
            ),
        )
        shared.add_argument(
            "--quiet",
            action="store_true",
            help=t("エラーのほかは何も表示しない", "only say errors"),
        )
        return shared

    def _logs(self) -> _Parser:
        """What `scan`, `read` and `init` have in common."""
        t = self.t
        logs = self.make(add_help=False, allow_abbrev=False)
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
        self._manner(logs)
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
        return logs

    def _by_policy(self, command: argparse.ArgumentParser) -> None:
        t = self.t
        command.add_argument(
            "--policy",
            type=Path,
            metavar="FILE",
            help=t(
                "ポリシー（TOML）（既定: 既定のポリシー）",
                "policy, TOML (default: the default policy)",
            ),
        )

    def _manner(self, logs: argparse.ArgumentParser) -> None:
        """How a log is written."""
        t = self.t
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
                "区切り文字: , ; | または tab（既定: 自動判別）",
                ", ; | or tab (default: found out)",
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

    def _scan(self) -> None:
        t = self.t
        scan = self.command(
            "scan",
            t("ログを分析する", "scan logs"),
            _command("scan", "scan"),
            [self.logs, self.shared],
        )
        self._by_policy(scan)
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
        scan.add_argument(
            "--memory-limit",
            type=_size,
            metavar="SIZE",
            help=t(
                "分析を待つ記録に使うメモリの上限。512MB、2GiB のように書く"
                "（既定: メモリの 4 分の 1）",
                "memory for records that wait, as 512MB or 2GiB (default: a quarter of the memory)",
            ),
        )
        scan.add_argument(
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
        scan.add_argument(
            "--state",
            type=Path,
            metavar="FILE",
            help=t(
                "前回までの走査を引き継ぎ、次回に引き継ぐ状態を書くファイル（初回はまだなくてよい）",
                "file to go on from, and to leave the state in for the next scan (new at first)",
            ),
        )
        self._results(scan)

    def _results(self, scan: argparse.ArgumentParser) -> None:
        """What a scan writes."""
        t = self.t
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
            "--report",
            type=_reports,
            action="extend",
            metavar="KIND",
            help=t(
                "報告書も作る: xlsx（調書）、html（読む報告書）、または xlsx,html",
                "also make a report: xlsx (working paper), html (to read), or xlsx,html",
            ),
        )
        scan.add_argument(
            "--top",
            type=_at_least_one,
            metavar="N",
            help=t(
                "報告書と要約には、はじめの N 件だけを載せる（数えるのは常に全件）",
                "list only the first N, in reports and summary (all are counted)",
            ),
        )
        scan.add_argument(
            "--unmask",
            action="store_true",
            help=t(
                "個人番号とみられる値を * で伏せずに示す",
                "show Individual Numbers as they stand instead of *",
            ),
        )
        scan.add_argument(
            "--pseudonymise",
            type=Path,
            metavar="KEYFILE",
            help=t(
                "職員番号・職員名・宛名番号を、この鍵による仮名に置き換えて書き出す（鍵は "
                "yokome key で作る）",
                "write users, user names and subjects as pseudonyms by this key (made by "
                "yokome key)",
            ),
        )
        scan.add_argument(
            "--evidence",
            action="store_true",
            help=t(
                "入力・ポリシー・結果の SHA-256 を run.json に残す（yokome verify で検証できる）",
                "record the SHA-256 of inputs, policy and outputs in run.json, for yokome verify",
            ),
        )

    def _init(self) -> None:
        t = self.t
        init = self.command(
            "init",
            t("ログを見て、はじめのポリシーを作る", "make a first policy from a look at the logs"),
            _command("init", "init"),
            [self.logs, self.shared],
        )
        init.add_argument(
            "--budget",
            type=_at_least_one,
            default=50,
            metavar="N",
            help=t(
                "月に確かめられる所見の数（既定: 50）",
                "findings a month that can be checked (default: 50)",
            ),
        )
        init.add_argument(
            "--out",
            type=Path,
            metavar="FILE",
            help=t("書き出すファイル（既定: 画面）", "file to write (default: standard output)"),
        )

    def _read(self) -> None:
        t = self.t
        read = self.command(
            "read",
            t(
                "ログを読み取り、列の名前をそろえた表にする",
                "read logs into one table of known columns",
            ),
            _command("read", "read"),
            [self.logs, self.shared],
        )
        self._by_policy(read)
        read.add_argument(
            "--out",
            type=Path,
            required=True,
            metavar="FILE",
            help=t(
                "書き出すファイル（.parquet、.csv、.arrow）",
                "file to write: .parquet, .csv or .arrow",
            ),
        )

    def _verify(self) -> None:
        t = self.t
        verify = self.command(
            "verify",
            t(
                "--evidence で書き出した結果を、入力と突き合わせて検証する",
                "check results written with --evidence against their sources",
            ),
            _command("verify", "verify"),
            [self.shared],
        )
        verify.add_argument(
            "directory",
            type=Path,
            metavar="DIR",
            help=t("結果のフォルダー", "directory of the results"),
        )

    def _policy(self) -> None:
        t = self.t
        summary = t("ポリシーを表示・検査する", "show or check a policy")
        policy = self.commands.add_parser(
            "policy", help=summary, description=summary, allow_abbrev=False
        )
        actions = policy.add_subparsers(metavar="ACTION", required=True)
        default = self.command(
            "default",
            t("既定のポリシーを表示する", "print the default policy"),
            _command("policy", "default"),
            [self.shared],
            actions,
        )
        default.add_argument(
            "--out",
            type=Path,
            metavar="FILE",
            help=t("書き出すファイル（既定: 画面）", "file to write (default: standard output)"),
        )
        check = self.command(
            "check",
            t("ポリシーに誤りがないか調べる", "check a policy"),
            _command("policy", "check"),
            [self.shared],
            actions,
        )
        check.add_argument(
            "policy", type=Path, metavar="FILE", help=t("ポリシー（TOML）", "policy, TOML")
        )

    def _state(self) -> None:
        t = self.t
        summary = t("状態ファイルの内容を表示する", "show what a state file covers")
        state = self.commands.add_parser(
            "state", help=summary, description=summary, allow_abbrev=False
        )
        actions = state.add_subparsers(metavar="ACTION", required=True)
        show = self.command(
            "show",
            t(
                "走査済みの期間、ログ、ポリシーを表示する",
                "print the periods, sources and policy covered",
            ),
            _command("state", "show"),
            [self.shared],
            actions,
        )
        show.add_argument("state", type=Path, metavar="FILE", help=t("状態ファイル", "state file"))
        show.add_argument("--json", action="store_true", help=t("JSON で表示する", "print JSON"))

    def _key(self) -> None:
        t = self.t
        key = self.command(
            "key",
            t("仮名のための鍵を作る", "make a key for pseudonyms"),
            _command("key", "key"),
            [self.shared],
        )
        key.add_argument(
            "out", type=Path, metavar="FILE", help=t("書き出す鍵のファイル", "key file to write")
        )

    def _synth(self) -> None:
        t = self.t
        synth = self.command(
            "synth",
            t("架空のログを作る（試用・性能測定用）", "make up a log, for trials and measurements"),
            _command("synth", "synth"),
            [self.shared],
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
            "--out",
            type=Path,
            required=True,
            metavar="FILE",
            help=t("書き出すログ", "log to write"),
        )
        synth.add_argument(
            "--truth",
            type=Path,
            metavar="FILE",
            help=t("仕込んだ事案の一覧（CSV）", "CSV to write the planted incidents to"),
        )


def _reports(text: str) -> list[str]:
    from yokome.report import REPORTS

    kinds = text.split(",")
    for kind in kinds:
        if kind not in REPORTS:
            raise argparse.ArgumentTypeError(
                f"unknown report {kind!r}; known: {', '.join(REPORTS)}"
            )
    return kinds


def _checked(name: str) -> Callable[[str], str]:
    """An argument type that checks as the function `name` of `yokome._scan` does."""

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
        given = size(text)
        if given is not None and given >= 1:
            return given
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
