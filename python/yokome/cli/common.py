"""What the commands share: statuses, one message for every error, the policy they act by."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from yokome.errors import OptionError, PolicyError, YokomeError, os_error
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
    "interrupted",
    "maybe",
    "policy_of",
    "reading",
    "reconfigure",
    "remark",
    "stop_for",
    "write_policy",
    "writing",
]

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130


class Stop(Exception):
    """The command ends here, with this message in both languages and this status."""

    def __init__(self, ja: str, en: str, status: int) -> None:
        super().__init__(en)
        self.ja = ja
        self.en = en
        self.status = status


def stop_for(error: YokomeError | OSError, status: int) -> Stop:
    """The end that an error means."""
    if isinstance(error, YokomeError):
        return Stop(error.message_ja or str(error), str(error), status)
    return Stop(*os_error(error), status)


def policy_of(options: argparse.Namespace) -> Policy:
    """The policy that the options ask for; whatever is wrong with it is wrong use."""
    from yokome._scan import prepare

    path = getattr(options, "policy", None)
    try:
        return prepare(
            path,
            columns=columns_of(getattr(options, "column", None)),
            time_format=getattr(options, "time_format", None),
            timezone=getattr(options, "timezone", None),
            header=False if getattr(options, "no_header", False) else None,
            from_=getattr(options, "from_", None),
            to=getattr(options, "to", None),
            where=",\n".join(options.where) if getattr(options, "where", None) else None,
        )
    except (YokomeError, OSError) as error:
        raise stop_for(error, MISUSED) from error


def columns_of(options: Sequence[str] | None) -> dict[str, str | int | list[str | int]] | None:
    """``field=header`` options as the columns of a policy; a field twice has two columns."""
    if not options:
        return None
    from yokome.words.names import FIELDS

    fields = FIELDS.keys() - {"date", "hour", "weekday", "day_type"}
    given: dict[str, list[str | int]] = {}
    for option in options:
        field, equals, column = option.partition("=")
        if not (field.strip() and equals and column):
            raise Stop(
                f"--column は「項目=見出し」または「項目=列番号」の形で書いてください"
                f"（例: --column time=発生日時）: {option}",
                f"--column is field=header or field=position: {option}",
                MISUSED,
            )
        if field.strip() not in fields and column.strip() in fields:
            raise Stop(
                f"--column の指定に誤りがあります。項目と見出しが逆です。「項目=見出し」の順に "
                f"--column {column.strip()}={field.strip()} と書いてください: {option}",
                f"--column is field=header, not header=field; write "
                f"--column {column.strip()}={field.strip()}: {option}",
                MISUSED,
            )
        is_position = column.isascii() and column.isdecimal()
        given.setdefault(field.strip(), []).append(int(column) if is_position else column)
    return {field: names[0] if len(names) == 1 else [*names] for field, names in given.items()}


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Turn errors of reading and scanning into one message and a status."""
    try:
        yield
    except (PolicyError, OptionError) as error:
        raise stop_for(error, MISUSED) from error
    except BrokenPipeError:
        raise
    except (YokomeError, OSError) as error:
        raise stop_for(error, FAILED) from error


@contextlib.contextmanager
def writing(out: Path) -> Iterator[None]:
    """Turn errors of writing results into one message and a status."""
    try:
        yield
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        said_ja, said = _in_the_way(error)
        raise Stop(
            f"--out: {out} には書き出せません。{said_ja}",
            f"--out: cannot write to {out}: {said}",
            MISUSED,
        ) from error
    except YokomeError:
        raise
    except BrokenPipeError:
        raise
    except OSError as error:
        ja, en = os_error(error)
        hint_ja = hint = ""
        if isinstance(error, PermissionError):
            place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
            ja = f"{place}書き込む権限がありません。場所と、利用する権限があるかを確かめてください"
            hint_ja = "。Excel などで開いているときは、閉じてからやり直してください"
            hint = "; if it is open in Excel, close it and try again"
        elif error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            hint_ja = (
                "。空き容量を増やしてからやり直してください。"
                "前に書き出したものは、そのまま残っています"
            )
            hint = "; make room and try again. What was written before still stands"
        raise Stop(
            f"結果を書き出せません: {ja}{hint_ja}",
            f"cannot write the result: {en}{hint}",
            FAILED,
        ) from error


def _in_the_way(error: OSError) -> tuple[str, str]:
    """What stands where a result is to go: Japanese and English."""
    _, said = os_error(error)
    if isinstance(error, IsADirectoryError):
        return "同じ名前のフォルダーがあります。ファイルの名前を指定してください", said
    name = error.filename
    which = "" if name is None else f"（{os.fsdecode(name)}）"
    return f"同じ名前のファイルがあります{which}。フォルダーの名前を指定してください", said


def write_policy(out: Path, text: str, *, force: bool) -> None:
    """Write a policy to a file, and make the folder it is in; one that says something else is
    somebody's work and stays as it is.

    Raises:
        Stop: it says something else and `force` is not set, or the file cannot be written.
    """
    from yokome.output import write_text

    with writing(out):
        if not force and out.is_file() and out.read_bytes() != text.encode("utf-8"):
            raise Stop(
                f"{out} はすでにあります。別の名前を指定するか、"
                "上書きするなら --force を付けてください",
                f"{out} is there already; give another name, or --force to overwrite it",
                MISUSED,
            )
        out.parent.mkdir(parents=True, exist_ok=True)
        write_text(out, text)


def interrupted() -> Stop:
    """The end that Ctrl-C means."""
    return Stop("中断しました", "interrupted", INTERRUPTED)


def complain(stop: Stop, lang: Lang) -> None:
    """One message on standard error; if even that is gone, silence.

    In Japanese the English stands below it, for whoever looks after the machine or searches for it.
    """
    label, text = pick(lang, ("エラー", stop.ja), ("error", stop.en))
    lines = [clean(line) for line in text.splitlines()]
    if lang == "ja" and stop.en != stop.ja:
        lines += [f"  [{line}]" for line in map(clean, stop.en.splitlines())]
    with contextlib.suppress(OSError, ValueError):
        print(f"yokome: {label}: " + "\n".join(lines), file=sys.stderr, flush=True)


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
