"""Python programs in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys


def printed(code: str, *arguments: object) -> list[str]:
    """The lines that a Python program prints, which says nothing else."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    # (What reading has set in this process is not for others.)
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_THREAD_TIMEOUT"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=120, env=environment
    )
    assert done.stderr == ""
    return done.stdout.splitlines()
