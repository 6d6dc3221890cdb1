"""Yokome (横目) scans the access logs of Japanese municipalities by the Personal Information
Protection Commission's five viewpoints: completely, exactly, and saying why.

>>> import yokome
>>> result = yokome.scan("logs/*.csv")          # doctest: +SKIP
>>> result.findings.to_pandas()                 # doctest: +SKIP
"""

from yokome._scan import Progress, read, scan
from yokome._yokome import __version__
from yokome.errors import (
    ColumnError,
    InputError,
    InputNotFoundError,
    MissingLibraryError,
    PolicyError,
    StateError,
    StrictError,
    TemporaryFileError,
    YokomeError,
)
from yokome.policy import Policy
from yokome.records import Records
from yokome.result import ScanResult
from yokome.state import State, read_state

__all__ = [
    "ColumnError",
    "InputError",
    "InputNotFoundError",
    "MissingLibraryError",
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
