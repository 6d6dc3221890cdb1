"""The ``yokome`` command.

Exit status: 0 done; 1 the input could not be scanned, or the result not written, or not verified;
2 wrong use or a wrong policy; 130 interrupted. Results go to files and standard output, everything
else to standard error. Heavy imports wait until a command needs them.

A command is a module of this package: `arguments` says what it can be told, and a function takes
the parsed options and returns the exit status. `yokome.cli.arguments` brings them together.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, NoReturn

from yokome.cli.arguments import parser, wished_lang
from yokome.cli.common import (
    DONE,
    FAILED,
    INTERRUPTED,
    Stop,
    complain,
    interrupted,
    reconfigure,
    stop_for,
)
from yokome.lang import Lang

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (default: the process's); returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    lang = wished_lang(words)
    # NumPy comes along with pyarrow and would start threads that nothing here uses.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        with _terminating():
            reconfigure(sys.stdout)
            reconfigure(sys.stderr)
            status = _run(words, lang)
            sys.stdout.flush()
            return status
    except Stop as stop:
        complain(stop, lang)
        return stop.status
    except KeyboardInterrupt:
        complain(interrupted(), lang)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has had enough. Nothing more may be written, not even at exit.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        complain(stop_for(error, FAILED), lang)
        return FAILED


def _run(words: Sequence[str], lang: Lang) -> int:
    options = parser(lang, words).parse_args(words)
    options.lang = options.lang or lang
    command: Callable[[argparse.Namespace], int] = options.command
    return command(options)


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
