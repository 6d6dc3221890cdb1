"""What the commands share: statuses, one message for every error, the policy they act by."""

from __future__ import annotations

import argparse
import contextlib
import errno
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from yokome.cli.hints import column_words, input_hint, option_hint
from yokome.errors import (
    ColumnError,
    InputNotFoundError,
    PolicyError,
    StrictError,
    YokomeError,
)
from yokome.lang import Lang, clean, pick

if TYPE_CHECKING:
    from yokome.policy import Policy
    from yokome.progress import ProgressLine

__all__ = [
    "DONE",
    "FAILED",
    "INTERRUPTED",
    "MISUSED",
    "Stop",
    "ambiguous_width",
    "columns_of",
    "complain",
    "ignore",
    "maybe",
    "os_error",
    "policy_of",
    "reading",
    "reconfigure",
    "remark",
    "writing",
]

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130


class Stop(Exception):
    """The command ends here, with this message and status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def policy_of(options: argparse.Namespace) -> Policy:
    """The policy that the options ask for; whatever is wrong with it is wrong use."""
    from yokome._scan import prepare

    lang: Lang = options.lang
    path = getattr(options, "policy", None)
    try:
        return prepare(
            path,
            columns=columns_of(getattr(options, "column", None), lang),
            time_format=getattr(options, "time_format", None),
            timezone=getattr(options, "timezone", None),
            header=False if getattr(options, "no_header", False) else None,
            from_=getattr(options, "from_", None),
            to=getattr(options, "to", None),
            where=",\n".join(options.where) if getattr(options, "where", None) else None,
        )
    except PolicyError as error:
        raise Stop(_policy_message(error, lang), MISUSED) from error
    except (YokomeError, OSError) as error:
        detail = str(error) if isinstance(error, YokomeError) else os_error(error)
        raise Stop(
            pick(
                lang,
                f"ポリシーを読めません: {detail}",
                f"cannot read the policy: {detail}",
            ),
            MISUSED,
        ) from error


def columns_of(
    options: Sequence[str] | None, lang: Lang
) -> dict[str, str | int | list[str | int]] | None:
    """``field=header`` options as the columns of a policy; a field twice has two columns."""
    if not options:
        return None
    given: dict[str, list[str | int]] = {}
    for option in options:
        field, equals, column = option.partition("=")
        if not (field.strip() and equals and column):
            raise Stop(
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
def reading(lang: Lang) -> Iterator[None]:
    """Turn errors of reading and scanning into one message and a status."""
    try:
        yield
    except PolicyError as error:
        raise Stop(_policy_message(error, lang), MISUSED) from error
    except YokomeError as error:
        raise Stop(_input_message(error, lang), FAILED) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Stop(os_error(error), FAILED) from error


@contextlib.contextmanager
def writing(out: Path, lang: Lang) -> Iterator[None]:
    """Turn errors of writing results into one message and a status."""
    try:
        yield
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise Stop(
            pick(
                lang,
                f"--out: {out} には書き出せません（フォルダーとファイルが逆になっています）",
                f"--out: cannot write to {out}: {os_error(error)}",
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
        elif error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            hint = pick(
                lang,
                "。空き容量を増やしてからやり直してください。前に書き出したものは、そのまま残っています",
                "; make room and try again. What was written before still stands",
            )
        raise Stop(
            pick(
                lang,
                f"結果を書き出せません: {os_error(error)}{hint}",
                f"cannot write the result: {os_error(error)}{hint}",
            ),
            FAILED,
        ) from error


def _policy_message(error: PolicyError, lang: Lang) -> str:
    if lang == "en":
        return str(error)
    if error.message_ja:
        return error.message_ja
    return f"ポリシーまたは指定に誤りがあります: {error}{option_hint(str(error))}"


def _input_message(error: YokomeError, lang: Lang) -> str:
    if lang == "en":
        return str(error)
    if error.message_ja:
        return error.message_ja
    if isinstance(error, InputNotFoundError) and error.source:
        return f"ファイルが見つかりません: {error.source}"
    if isinstance(error, ColumnError):
        return column_words(str(error))
    if isinstance(error, StrictError):
        return f"読み取れない記録がありました（--strict）: {error}"
    return f"入力を読み取れません: {error}{input_hint(str(error))}"


def os_error(error: OSError) -> str:
    """What the system says is wrong, and with which file."""
    if error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return error.strerror or str(error)


def complain(message: str, lang: Lang) -> None:
    """One message on standard error; if even that is gone, silence."""
    with contextlib.suppress(OSError, ValueError):
        label = pick(lang, "エラー", "error")
        lines = "\n".join(clean(line) for line in message.splitlines())
        print(f"yokome: {label}: {lines}", file=sys.stderr, flush=True)


def remark(message: str) -> None:
    """One line on standard error that is no error."""
    with contextlib.suppress(OSError, ValueError):
        print(f"yokome: {clean(message)}", file=sys.stderr, flush=True)


def ignore(batch: Any) -> None:
    """A sink for flagged rows that nobody asked for."""


def maybe(line: ProgressLine | None) -> contextlib.AbstractContextManager[ProgressLine | None]:
    """A context for a progress line that may not be there."""
    return contextlib.nullcontext() if line is None else line


def reconfigure(stream: TextIO, encoding: str | None = None) -> None:
    """A character that the terminal lacks is no reason to fail."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding=encoding, errors="replace")


def ambiguous_width(stream: TextIO) -> int:
    """Columns of an ambiguous character: 2 on consoles with a legacy Japanese code page."""
    encoding = (getattr(stream, "encoding", None) or "").lower().replace("_", "-")
    return 2 if encoding in ("cp932", "shift-jis", "euc-jp") else 1
