"""``python -m yokome``, and what the script ``yokome`` runs: the command as its own process."""

import gc
import sys

from yokome.cli import main

__all__ = ["command"]


def command() -> int:
    """Run the command with the process's arguments; returns the exit status.

    The process does nothing else, and ends. So it need not look for garbage among the modules that
    it loads, nor, at the end, among everything that is left: that goes with the process.
    """
    gc.set_threshold(50_000)
    try:
        return main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    sys.exit(command())
