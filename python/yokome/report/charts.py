"""Charts as SVG, drawn by matplotlib: they need no script and no network, and print sharp.

In: numbers. Out: ``data:`` addresses of SVG images, which nothing on the page can reach into.
Labels stay text. The same numbers give the same bytes.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import io
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from yokome.lang import Lang, clean, pick, width

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from yokome.report.facts import Department

__all__ = ["days_chart", "departments_chart"]

_RECORDS: Final = "#2F6DB5"
_FLAGGED: Final = "#C0392B"
_SETTINGS: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "yokome",
    # A department may be called "$100".
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 10,
}
_NAME: Final = 30
_FEW_DAYS: Final = 8


def days_chart(days: Sequence[tuple[dt.date, int, int]], lang: Lang) -> str:
    """Records and flagged rows by day, one above the other. `days` is not empty."""
    with _drawing():
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, DayLocator
        from matplotlib.figure import Figure

        figure = Figure(figsize=(11, 3.6))
        upper, lower = figure.subplots(2, 1, sharex=True)
        figure.subplots_adjust(left=0.09, right=0.97, top=0.97, bottom=0.12, hspace=0.18)
        dates = [day for day, _, _ in days]
        records, flagged = [n for _, n, _ in days], [n for _, _, n in days]
        for axes, numbers, color, label in (
            (upper, records, _RECORDS, pick(lang, "記録", "Records")),
            (lower, flagged, _FLAGGED, pick(lang, "該当行", "Flagged rows")),
        ):
            axes.bar(dates, numbers, width=0.9, color=color)
            axes.set_ylim(0, 1.05 * max(numbers) or 1)
            axes.set_ylabel(label)
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
            axes.yaxis.get_major_locator().set_params(integer=True, nbins=4)
            axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
            axes.set_axisbelow(True)
        margin = dt.timedelta(days=1)
        lower.set_xlim(dates[0] - margin, dates[-1] + margin)
        # Of a few days none is cut into hours.
        few = (dates[-1] - dates[0]).days < _FEW_DAYS
        locator = DayLocator() if few else AutoDateLocator(minticks=3, maxticks=12)
        lower.xaxis.set_major_locator(locator)
        formats = ["%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%S"]
        lower.xaxis.set_major_formatter(
            ConciseDateFormatter(
                locator,
                formats=formats,
                zero_formats=["", *formats[:-1]],
                offset_formats=[""] * 6,
            )
        )
        return _address(figure)


def departments_chart(departments: Sequence[Department], lang: Lang) -> str:
    """Flagged rows per thousand records by department. `departments` is not empty."""
    with _drawing():
        from matplotlib.figure import Figure

        height = 0.9 + 0.3 * len(departments)
        figure = Figure(figsize=(11, height))
        axes = figure.subplots()
        figure.subplots_adjust(left=0.24, right=0.93, top=1 - 0.1 / height, bottom=0.6 / height)
        rates = [1000 * d.flagged / max(1, d.records) for d in departments]
        bars = axes.barh(range(len(rates)), rates, color=_FLAGGED, height=0.65)
        axes.set_xlim(0, 1.1 * max(rates) or 1)
        axes.bar_label(bars, [f"{rate:,.1f}" for rate in rates], padding=4)
        axes.set_yticks(range(len(rates)), [_short(d.name) for d in departments])
        axes.invert_yaxis()
        axes.set_xlabel(pick(lang, "記録 1,000 件あたりの該当行", "Flagged rows per 1,000 records"))
        axes.grid(axis="x", color="#DDDDDD", linewidth=0.6)
        axes.set_axisbelow(True)
        return _address(figure)


@contextlib.contextmanager
def _drawing() -> Iterator[None]:
    """Matplotlib with its own defaults and ours, whatever this machine's settings say; silent."""
    # Where it keeps its list of fonts is nobody's concern here.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def _short(name: str) -> str:
    name = clean(name)
    while width(name) > _NAME:
        name = name[:-2] + "…"
    return name


def _address(figure: Figure) -> str:
    stream = io.StringIO()
    with warnings.catch_warnings():
        # Its own fonts lack Japanese; the labels stay text, and the reader's fonts have it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font: \1 sans-serif", stream.getvalue())
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii")
