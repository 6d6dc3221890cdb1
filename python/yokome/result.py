"""What a scan gives back: Arrow tables, fetched from the core when first asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property

from yokome import _yokome
from yokome.lang import clean, pad, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, Literal

    import pandas as pd
    import pyarrow as pa

    from yokome._yokome import NativeResult
    from yokome.explain import Explanation
    from yokome.lang import Lang
    from yokome.overview import Overview
    from yokome.policy import Policy
    from yokome.ranking import Ranking

__all__ = ["ScanResult"]


class ScanResult:
    """The result of `yokome.scan`. Every table is a ``pyarrow.Table``.

    It depends only on which records there were, never on the order of lines or files, on chunk
    size or on the number of threads; the rows' order is fixed too.

    Attributes:
        policy: the policy that was applied, overrides included.
    """

    policy: Policy
    _native: NativeResult

    def __init__(
        self,
        native: NativeResult,
        policy: Policy,
        *,
        state: str | None = None,
    ) -> None:
        self._native = native
        self._state = state
        self._flagged_file: str | None = None
        self.policy = policy

    def _write_state(self) -> None:
        """Write the state that the scan leaves, if it was asked for."""
        if self._state is not None:
            self._native.write_state(self._state)

    def _stream(self, name: str) -> Any:
        """A table, by its name, as something with ``__arrow_c_stream__``."""
        if name in self.__dict__ or (name == "flagged" and self._flagged_file is not None):
            return getattr(self, name)
        return getattr(self._native, name)()

    def _rows(
        self, name: str, columns: Sequence[str] | None = None, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """The (first) rows of a table, as `_yokome.rows` gives them: pyarrow takes time to load."""
        return _yokome.rows(self._stream(name), columns, limit)

    @cached_property
    def flagged(self) -> pa.Table:
        """One row per (record, rule that flagged it), by time, source, line, rule.

        ``rule``, ``viewpoint``, the record's fields, ``observed``, ``threshold``, ``since``,
        ``active_days``, ``finding``, ``source``, ``line``, ``offset`` and ``raw``, the record's
        own text as it stood. After a scan with ``flagged_to``, read from that file.
        """
        if self._flagged_file is None:
            return _table(self._native.flagged)
        import pyarrow as pa

        from yokome.table_file import read_table

        return read_table(self._flagged_file, pa.schema(self._native.flagged_schema()))

    @cached_property
    def findings(self) -> pa.Table:
        """Flagged rows grouped into what a person checks once.

        ``finding`` (the id ``flagged`` links to), ``rule``, ``viewpoint``, ``per``, ``key``,
        ``by``, ``value``, ``first``, ``last``, ``records``, ``peak``, ``magnitude``, ``continued``:
        whether it goes on from an earlier scan, by the state; its figures are those of all of it.
        The rarest first, with ``rarity``, ``days_as_strong`` and ``days_evaluated`` (see
        `ranking`). Findings of one rarity stand by ``first``, the rule's place in the policy,
        ``key``, ``by`` and ``value``.
        """
        # (They come in pieces, each of which has dictionaries of its own.)
        return _table(self._native.findings).unify_dictionaries()

    @cached_property
    def ranking(self) -> Ranking:
        """What is rare comes first: the order of findings and users, and the shares behind it."""
        from yokome.ranking import Ranking

        return Ranking(self.findings, self.by_user, self._native.by_user_users())

    @cached_property
    def summary(self) -> pa.Table:
        """A row per rule: how many records it evaluated, could not, and flagged."""
        return _table(self._native.summary)

    @cached_property
    def by_user(self) -> pa.Table:
        """``flagged`` and ``findings`` by ``user`` and ``rule``, where anything was flagged.

        The first to look at first, with ``priority``, ``strength``, ``users_as_strong`` and
        ``users_evaluated`` (see `ranking`).
        """
        return _table(self._native.by_user)

    @cached_property
    def by_day(self) -> pa.Table:
        """``records`` in scope and ``flagged`` rows by civil ``date``."""
        return _table(self._native.by_day)

    @cached_property
    def activity(self) -> pa.Table:
        """``records`` in scope by ``department``, ``weekday`` (0 = Monday) and ``hour``."""
        return _table(self._native.activity)

    @cached_property
    def inputs(self) -> pa.Table:
        """A row per source: what it was taken to be, and how much of it was read."""
        return _table(self._native.inputs)

    @cached_property
    def rejects(self) -> pa.Table:
        """Every record that was not accepted: ``source``, ``line``, ``offset``, ``reason``
        (``time``, ``columns``, ``quote``, ``too_long``, ``cut``) and an ``excerpt``. Beyond the
        scan's ``max_rejects`` they are counted only, in ``inputs``, and a note says so.
        """
        return _table(self._native.rejects)

    @cached_property
    def leaks(self) -> pa.Table:
        """A row per source and column in which the log itself holds Individual Numbers (個人番号).

        ``source``, ``column`` (its header, or its position), ``field`` that it feeds (null: none),
        ``kind`` (``column``: its cells are numbers; ``text``: numbers stand in texts, beside a word
        that names them), ``values``: how many cells hold one, ``looked_at``: of how many records
        (all that were accepted), ``line`` of the first, ``masked``: whether the results hide them.
        Rejected records have a row of their own, whose ``column`` is null: ``values`` of the
        ``looked_at`` that were rejected hold a number beside a word, or under a header, that names
        it. Never a number itself.
        """
        return _table(self._native.leaks)

    @property
    def notes(self) -> list[str]:
        """Every assumption the scan made, in English."""
        return [en for _, en in self._native.notes]

    @property
    def notes_ja(self) -> list[str]:
        """Every assumption the scan made, in Japanese."""
        return [ja for ja, _ in self._native.notes]

    @cached_property
    def overview(self) -> Overview:
        """Period, records and counts as plain Python values."""
        from yokome.overview import overview

        return overview(self)

    def explain(self, finding: str, lang: Lang = "ja") -> Explanation:
        """A finding in sentences: what happened, when, against which threshold and baseline.

        Args:
            finding: its id, as in the column ``finding``.
            lang: ``"ja"`` or ``"en"``.

        Raises:
            KeyError: there is no such finding.
        """
        import pyarrow.compute as pc

        from yokome.explain import explain, rank_words
        from yokome.words import document

        rows = self.findings.filter(pc.field("finding") == finding).to_pylist()
        if not rows:
            raise KeyError(f"no finding {finding!r}")
        rules = {rule["id"]: rule for rule in document(self.policy)["rules"]}
        records = self.flagged.filter(pc.field("finding") == finding).to_pylist()
        share = (rows[0]["days_as_strong"], rows[0]["days_evaluated"])
        return explain(
            rows[0],
            lang,
            rule=rules[rows[0]["rule"]],
            records=records,
            rank=rank_words(share, rows[0]["per"], lang),
        )

    def to_pandas(self) -> pd.DataFrame:
        """`flagged` as a pandas frame (needs pandas)."""
        return self.flagged.to_pandas()

    def write(
        self,
        directory: str | os.PathLike[str],
        *,
        format: Literal["parquet", "csv", "arrow"] = "parquet",
        reports: Sequence[Literal["xlsx", "html"]] = (),
        lang: Lang = "ja",
        top: int | None = None,
    ) -> list[Path]:
        """Write every table and ``summary.json`` into `directory`, as ``yokome scan --out`` does.

        Args:
            directory: where to.
            format: of the tables.
            reports: reports to make as well, ``report.xlsx`` and ``report.html``.
            lang: the language of the reports.
            top: how many findings and users the reports list; None: as many as they can bear.

        All files or none: the directory is made beside its place and exchanged for the old one at
        the end (where the system cannot, files are moved one by one). Files of an earlier result
        are removed, others stay. Only the owner can read the files (0600); a directory that has to
        be made is 0700.

        Returns:
            The files written.

        Raises:
            OSError: they could not be written; whatever stood there before still does.
            MissingLibraryError: a report needs a library of the extra ``report``.
        """
        from yokome.output import ResultWriter, write_result

        made = []
        if reports:
            from yokome.report import make_reports

            made = make_reports(self, reports, lang, top=top)
        with ResultWriter(directory, format) as writer:
            write_result(writer, self, others=made)
            return writer.commit()

    def __repr__(self) -> str:
        o = self.overview
        rows = [
            ("rule", "viewpoint", "flagged", "findings", ""),
            *(
                (
                    clean(r.rule),
                    str(r.viewpoint or "-"),
                    f"{r.flagged:,}",
                    f"{r.findings:,}",
                    _why(r.evaluated, r.not_evaluable, r.reason),
                )
                for r in o.rules
            ),
        ]
        lines = [
            "<yokome.ScanResult>",
            f"period    {_period(o)}",
            f"sources   {o.sources:,}",
            f"records   {o.seen:,} seen = {o.accepted:,} accepted + {o.rejected:,} rejected",
            f"flagged   {o.flagged:,} rows, {o.findings:,} findings, {o.users:,} users",
            "",
            *_columns(rows, right=(2, 3)),
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        import html

        o = self.overview

        def cell(value: object, align: str = "left") -> str:
            return f'<td style="text-align:{align}">{html.escape(str(value))}</td>'

        rows = "".join(
            "<tr>"
            + cell(r.rule)
            + cell(r.title_en or r.title_ja or "")
            + cell(r.viewpoint or "", "right")
            + cell(f"{r.flagged:,}", "right")
            + cell(f"{r.findings:,}", "right")
            + cell(_why(r.evaluated, r.not_evaluable, r.reason))
            + "</tr>"
            for r in o.rules
        )
        return (
            "<div><p><b>yokome.ScanResult</b><br>"
            f"{html.escape(_period(o))}<br>"
            f"{o.sources:,} {'source' if o.sources == 1 else 'sources'}; "
            f"{o.seen:,} records seen = {o.accepted:,} accepted"
            f" + {o.rejected:,} rejected</p>"
            "<table><thead><tr><th>rule</th><th>title</th><th>viewpoint</th><th>flagged</th>"
            f"<th>findings</th><th></th></tr></thead><tbody>{rows}</tbody></table></div>"
        )


def _table(fetch: Callable[[], Any]) -> pa.Table:
    import pyarrow as pa

    return pa.RecordBatchReader.from_stream(fetch()).read_all()


def _period(o: Overview) -> str:
    if o.first is None or o.last is None:
        return "no records"
    return f"{o.first:%Y-%m-%d %H:%M:%S} to {o.last:%Y-%m-%d %H:%M:%S}"


def _why(evaluated: int, not_evaluable: int, reason: str | None) -> str:
    if reason is not None:
        return f"not evaluable: {clean(reason)}"
    if evaluated == 0 and not_evaluable > 0:
        return "not evaluable: too little history or empty values"
    return f"{not_evaluable:,} not evaluable" if not_evaluable else ""


def _columns(rows: Sequence[tuple[str, ...]], right: tuple[int, ...]) -> list[str]:
    widths = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(pad(cell, widths[i], right=i in right) for i, cell in enumerate(row)).rstrip()
        for row in rows
    ]
