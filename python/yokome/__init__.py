"""Yokome (横目) scans the access logs of Japanese municipalities by the Personal Information
Protection Commission's five viewpoints: completely, exactly, and saying why.

```python
import yokome

result = yokome.scan("logs/*.csv")
result.findings.to_pandas()
```

Begin with `scan`, which gives a `ScanResult`; `read` gives the records alone, as `Records`. A
`Policy` says what is looked for; `read_state` says what a state file covers. Whatever goes wrong is
a `YokomeError`. The modules beside this one say how results are explained (`yokome.explain`),
ranked (`yokome.ranking`), written (`yokome.output`, `yokome.report`), put on record
(`yokome.evidence`) and made fit to be sent (`yokome.pseudonyms`).
"""

from yokome._scan import read, scan
from yokome._yokome import __version__
from yokome.errors import (
    ColumnError,
    InputError,
    InputNotFoundError,
    MissingLibraryError,
    OptionError,
    PolicyError,
    StateError,
    StrictError,
    TemporaryFileError,
    YokomeError,
)
from yokome.policy import Policy
from yokome.records import Records
from yokome.result import ScanResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    from yokome.progress import Progress
    from yokome.state import State, read_state

__all__ = [
    "ColumnError",
    "InputError",
    "InputNotFoundError",
    "MissingLibraryError",
    "OptionError",
    "Policy",
    "PolicyError",
    "Progress",
    "Records",
    "ScanResult",
    "State",
    "StateError",
    "StrictError",
    "TemporaryFileError",
    "YokomeError",
    "__version__",
    "read",
    "read_state",
    "scan",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """What is loaded when first asked for: it takes as long as all else."""
        from importlib import import_module

        if name in ("State", "read_state", "state"):
            module = import_module("yokome.state")
            return module if name == "state" else getattr(module, name)
        if name == "Progress":
            return import_module("yokome.progress").Progress
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
