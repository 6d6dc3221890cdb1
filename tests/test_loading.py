"""What is loaded, and when: a scan begins and ends without what it does not need."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from programs import printed

from yokome.calendar import is_at_hand

EXAMPLE = Path(__file__).parent / "data" / "ppc_example.csv"

# Not loaded where the holidays of Japan need no library: while it is the one they are from.
HOLIDAYS = ("holidays",) if is_at_hand("JP") else ()


def told(*modules: str) -> str:
    """A statement that prints which of the modules are loaded."""
    return f"print([m for m in {modules} if m in sys.modules])"


def test_importing_yokome_imports_nothing_heavy() -> None:
    heavy = told("pandas", "numpy", "pyarrow", "holidays")
    assert printed(f"import sys, yokome; {heavy}") == ["[]"]


def test_a_scan_begins_without_what_it_does_not_need() -> None:
    later = told("dataclasses", "hashlib", "holidays", "pyarrow", "secrets")
    assert printed(f"import sys, yokome.cli.scan, yokome.output; {later}") == ["[]"]


def test_all_of_yokome_is_there() -> None:
    code = (
        "import yokome; names = dir(yokome); "
        "print([n for n in yokome.__all__ if n not in names or not hasattr(yokome, n)]); "
        "print(hasattr(yokome, 'nothing'), yokome.state.State is yokome.State)"
    )
    assert printed(code) == ["[]", "False True"]


def test_a_scan_to_a_file_and_its_figures_need_no_pyarrow(tmp_path: Path) -> None:
    code = (
        "import sys, yokome; r = yokome.scan(sys.argv[1], flagged_to=sys.argv[2]); "
        f"o = r.overview; print(repr(r)); {told('pyarrow', 'numpy', *HOLIDAYS)}; "
        "print(o.flagged, r.flagged.num_rows)"
    )
    *_, loaded, counts = printed(code, EXAMPLE, tmp_path / "flagged.parquet")
    assert loaded == "[]"
    assert counts == "10 10"


def test_a_scan_to_a_file_and_its_figures_load_little_of_python(tmp_path: Path) -> None:
    """What would take a quarter of the time of a short scan: see docs/performance.md."""
    code = (
        "import sys; before = set(sys.modules); import yokome; "
        "r = yokome.scan(sys.argv[1], flagged_to=sys.argv[2]); o = r.overview; "
        "more = {'enum', 'json', 'pathlib', 're', 'typing', 'yokome.output', 'yokome.progress'}; "
        "print(more & (set(sys.modules) - before), 'yokome.overview' in sys.modules)"
    )
    assert printed(code, EXAMPLE, tmp_path / "flagged.parquet") == ["set() True"]


def test_threads_for_linear_algebra_are_let_sleep_unless_told_otherwise(tmp_path: Path) -> None:
    variable = "os.environ.get('OPENBLAS_THREAD_TIMEOUT')"
    read = "import os, sys, yokome; n = sum(b.num_rows for b in yokome.read(sys.argv[1]))"
    assert printed(f"{read}; print({variable}, n)", EXAMPLE) == ["20 12"]
    scan = "import os, sys, yokome; yokome.scan(sys.argv[1])"
    assert printed(f"{scan}; print({variable})", EXAMPLE) == ["20"]
    # Nobody's wish is overridden; where NumPy is loaded already, or is not needed, nothing is said.
    wished = "import os; os.environ['OPENBLAS_THREAD_TIMEOUT'] = '26'"
    assert printed(f"{wished}; {read}; print({variable})", EXAMPLE) == ["26"]
    assert printed(f"import numpy; {read}; print({variable})", EXAMPLE) == ["None"]
    to_file = "import os, sys, yokome; yokome.scan(sys.argv[1], flagged_to=sys.argv[2])"
    flagged = tmp_path / "flagged.parquet"
    assert printed(f"{to_file}; print({variable})", EXAMPLE, flagged) == ["None"]


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_the_command_that_writes_these_files_needs_no_pyarrow(tmp_path: Path, kind: str) -> None:
    code = (
        "import sys; from yokome.cli import main; code = main(sys.argv[1:]); "
        f"{told('pyarrow', 'numpy')}; print(code)"
    )
    arguments = ["scan", EXAMPLE, "--out", tmp_path / "out", "--format", kind, "--evidence"]
    assert printed(code, *arguments)[-2:] == ["[]", "0"]
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["totals"]["flagged"] == 10
    assert (tmp_path / "out" / f"flagged.{kind}").stat().st_size > 1000
