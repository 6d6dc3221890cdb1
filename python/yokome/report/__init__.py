"""Reports that people can act on: a workbook for the audit file, a page to read.

In: a `yokome.ScanResult` that kept its flagged rows. Out: the bytes of ``report.xlsx`` or
``report.html``. Both are written from the same `yokome.report.facts.Facts`, so that they
cannot disagree. The libraries they need (XlsxWriter, matplotlib) come with the extra ``report`` and
are imported when a report is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, get_args

from yokome.errors import MissingLibraryError
from yokome.lang import Lang

if TYPE_CHECKING:
    from yokome.result import ScanResult

__all__ = ["REPORTS", "Report", "check_libraries", "make_reports"]

Report = Literal["xlsx", "html"]
REPORTS: Final[tuple[Report, ...]] = get_args(Report)

_LIBRARIES: Final[dict[Report, tuple[str, str]]] = {
    "xlsx": ("xlsxwriter", "XlsxWriter"),
    "html": ("matplotlib", "matplotlib"),
}

_OFFLINE: Final = "pip install --no-index --find-links wheels 'yokome[report]'"


def make_reports(
    result: ScanResult, reports: Sequence[Report], lang: Lang, *, top: int | None = None
) -> list[tuple[str, bytes]]:
    """Make reports of a scan.

    Args:
        result: the scan, its flagged rows kept.
        reports: which, ``"xlsx"`` and ``"html"``.
        lang: the language they are in.
        top: how many findings and users to show; None: as many as a report of the kind can bear.
            What is counted is always everything.

    Returns:
        Pairs of file name and contents, in the order asked for.

    Raises:
        MissingLibraryError: a library of the extra ``report`` is not installed.
    """
    check_libraries(reports)
    from yokome.report.facts import gather

    facts = gather(result, lang, top=top)
    made = []
    for report in reports:
        if report == "xlsx":
            from yokome.report.workbook import workbook

            made.append(("report.xlsx", workbook(facts)))
        else:
            from yokome.report.page import page

            made.append(("report.html", page(facts).encode("utf-8")))
    return made


def check_libraries(reports: Sequence[Report]) -> None:
    """Make sure, before a long scan, that what the reports need is there.

    Raises:
        MissingLibraryError: it is not.
    """
    import importlib.util

    for report in reports:
        module, name = _LIBRARIES[report]
        if importlib.util.find_spec(module) is None:
            other = report == "html"
            only = "; for Excel alone: --report xlsx" if other else ""
            only_ja = "。Excel の報告書だけなら --report xlsx で作れます" if other else ""
            raise MissingLibraryError(
                f"a report as {report} needs {name}: pip install 'yokome[report]' "
                f"(without a network: {_OFFLINE}){only}",
                message_ja=f"{report} の報告書には {name} が必要です。"
                "pip install 'yokome[report]' で入れてください"
                "（外部につながらないときは、持ち込んだ wheels フォルダーから "
                f"{_OFFLINE}）{only_ja}",
            )
