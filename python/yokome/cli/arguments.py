"""The arguments of the command: the parser, what several commands take, and what it says of wrong
arguments. What one command takes is in its own module.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from yokome.cli.common import MISUSED, Stop
from yokome.cli.values import BadValue, at_least_one, checked, delimiter, not_negative
from yokome.lang import Lang, default_lang, pick

__all__ = ["COMMANDS", "Arguments", "parser", "wished_lang"]

COMMANDS: Final = ("scan", "init", "read", "verify", "policy", "state", "key", "synth")
"""The commands, in the order of the help; each is a module of this package."""


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


class _Japanese(argparse.HelpFormatter):
    """Help whose own words are Japanese."""

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, "使い方: " if prefix is None else prefix)


class _Parser(argparse.ArgumentParser):
    """Complains as the rest of the command does."""

    lang: Lang = "en"

    def __init__(self, *, add_help: bool = True, **options: Any) -> None:
        options.setdefault(
            "formatter_class", _Japanese if self.lang == "ja" else argparse.HelpFormatter
        )
        super().__init__(add_help=False, **options)
        if self.lang == "ja":
            self._positionals.title, self._optionals.title = "引数", "オプション"
        if add_help:
            said = pick(self.lang, "使い方を表示して終わる", "show this help and exit")
            self.add_argument("-h", "--help", action="help", help=said)

    def error(self, message: str) -> NoReturn:
        raise Stop(
            f"使い方に誤りがあります: {_in_japanese(message)}\n"
            f"（{self.prog} --help で使い方を表示します）",
            f"{message}\n({self.prog} --help says more)",
            MISUSED,
        )


def _in_japanese(message: str) -> str:
    """What argparse says of the arguments; what is wrong with a value, its type has said."""
    wrong = sys.exception()
    if isinstance(wrong, argparse.ArgumentError) and isinstance(wrong.__context__, BadValue):
        return f"{wrong.argument_name}: {wrong.__context__.ja}"
    for pattern, japanese in _IN_JAPANESE:
        said = re.fullmatch(pattern, message, re.DOTALL)
        if said is not None:
            return said.expand(japanese)
    return message


# What argparse says of its own accord (it has no structure to ask), and the same in Japanese.
_IN_JAPANESE = (
    (r"the following arguments are required: (.*)", r"\1 を指定してください"),
    (r"unrecognized arguments: (.*)", r"このような指定はありません: \1"),
    (r"argument (.*?): expected .*", r"\1 の値を指定してください"),
    (
        r"argument (.*?): invalid choice: (.*) \(choose from (.*)\)",
        r"\1 に \2 は指定できません（\3 のどれかにしてください）",
    ),
)


def parser(lang: Lang, words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser of the whole command, in a language.

    Args:
        words: what it is to parse. If they begin with a command, the parser knows only that one:
            the others would take longer to load and build than a small log takes to scan.
    """
    one = [word for word in words[:1] if word in COMMANDS]
    return Arguments(lang, one or COMMANDS).parser


class Arguments:
    """Builds the parser; what a command can be told, its own module says.

    Attributes:
        commands: what commands are added to.
        shared: options of every command.
        logs: those of the commands that read logs.
    """

    def __init__(self, lang: Lang, commands: Sequence[str] = COMMANDS) -> None:
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
        self.parser.add_argument(
            "--version",
            action="version",
            version=f"yokome {__version__}",
            help=self.t("版を表示して終わる", "show the version and exit"),
        )
        self.commands: Any = self.parser.add_subparsers(metavar="COMMAND", required=True)
        self.shared = self._shared()
        self.logs = self._logs()
        for name in commands:
            importlib.import_module(f"yokome.cli.{name}").arguments(self)

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
                "ログのファイル、フォルダー、*.csv のようなパターン、"
                "または logs.zip!*.csv（zip の中のファイル）",
                "log file, directory, glob such as *.csv, or members of an archive: logs.zip!*.csv",
            ),
        )
        self._manner(logs)
        logs.add_argument(
            "--threads",
            type=at_least_one,
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
            type=at_least_one,
            metavar="N",
            help=t(
                "圧縮ファイルの展開後の大きさの上限（元の大きさの何倍か。既定: 1000）",
                "times its size that a compressed file may decompress to (default: 1000)",
            ),
        )
        logs.add_argument(
            "--max-rejects",
            type=not_negative,
            metavar="N",
            help=t(
                "一覧にする、読み取れなかった記録の数の上限（超えた分は件数だけ。既定: 100,000）",
                "rejected records to list; those beyond are counted (default: 100,000)",
            ),
        )
        return logs

    def by_policy(self, command: argparse.ArgumentParser) -> None:
        """The option that names a policy."""
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
            type=checked("_encoding"),
            metavar="NAME",
            help=t(
                "文字コード: utf-8、cp932（Shift_JIS）、utf-16、euc-jp（既定: 自動判別）",
                "utf-8, cp932 (Shift_JIS), utf-16, utf-16le, utf-16be, euc-jp (default: found out)",
            ),
        )
        logs.add_argument(
            "--delimiter",
            type=delimiter,
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
