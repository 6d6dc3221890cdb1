"""The extension's own allocator: large pages where they are built in, and processes that fork."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest
from programs import printed

# Where Linux gives large pages to those who ask for them, and to nobody else.
SETTING = Path("/sys/kernel/mm/transparent_hugepage/enabled")
BY_REQUEST = (
    sys.platform == "linux"
    and platform.machine() == "x86_64"
    and platform.libc_ver()[0] == "glibc"
    and SETTING.is_file()
    and "[madvise]" in SETTING.read_text()
)


@pytest.mark.skipif(not BY_REQUEST, reason="large pages are not given by request on this machine")
def test_the_extension_asks_for_large_pages(data: Path) -> None:
    code = (
        "import sys\n"
        "def asked():\n"
        "    with open('/proc/self/smaps') as maps:\n"
        "        return any('hg' in line.split() for line in maps if line.startswith('VmFlags'))\n"
        "before = asked()\n"
        "import yokome\n"
        "yokome.scan(sys.argv[1])\n"
        "print(before, asked())"
    )
    assert printed(code, data / "ppc_example.csv") == ["False True"]


@pytest.mark.skipif(sys.platform == "win32", reason="no fork on Windows")
def test_a_process_that_forks_can_scan_on_both_sides(data: Path, tmp_path: Path) -> None:
    code = (
        "import os, sys, warnings, yokome\n"
        "warnings.simplefilter('ignore')\n"
        "def flagged(name):\n"
        "    return yokome.scan(sys.argv[1], flagged_to=sys.argv[2] + name).overview.flagged\n"
        "first = flagged('first.parquet')\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(flagged('child.parquet') != first)\n"
        "print(flagged('parent.parquet') == first, os.waitpid(child, 0)[1])"
    )
    assert printed(code, data / "ppc_example.csv", f"{tmp_path}/") == ["True 0"]
