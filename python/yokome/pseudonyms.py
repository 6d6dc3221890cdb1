"""Results that can leave the office: users, user names and subjects as keyed hashes.

In: a scan that kept its flagged rows, and a key. Out: the same scan under pseudonyms. A pseudonym
is HMAC-SHA-256 of the text under the key, shortened to 80 bits and told apart by field (``u-``,
``n-``, ``s-``): the same under the same key in every run, and nothing without it.

What else would tell who it was goes as well:

- the records' own texts (``raw``) and the excerpts of rejected records are left out;
- ids that stand inside other texts (a terminal named after its user, an operation that ends in
  the subject's number) are replaced there too, wherever an id of the results has four characters
  or more (a name: two);
- ids of findings, which are hashes of the key without any secret, are hashed under the key;
- rows in the order of ids are put in the order of pseudonyms;
- the policy's lists and conditions on these fields are shown under pseudonyms, patterns withheld.

Individual Numbers in the remaining texts are masked, as in every result; terminals that hold one
are told apart by a number behind them.

The line and the offset stay: with the log at hand, the office finds the record again. Names of
sources and of departments stay as they are.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from yokome._yokome import mask
from yokome.errors import OptionError
from yokome.policy import Policy
from yokome.result import ScanResult
from yokome.words import document

if TYPE_CHECKING:
    import os

    import pyarrow as pa

    from yokome._yokome import NativeResult

__all__ = ["FIELDS", "Pseudonyms", "pseudonymise", "read_key"]

FIELDS: Final[dict[str, str]] = {"user": "u", "user_name": "n", "subject": "s"}
"""The fields that get pseudonyms, and the letter that these begin with."""

_KEY_BYTES: Final = 16
_OTHERS: Final = ("department", "terminal", "system", "operation")
_WITHHELD: Final = "(withheld)"


def read_key(path: str | os.PathLike[str]) -> bytes:
    """The key in a file: its bytes, without the white space around them.

    Raises:
        OSError: it cannot be read.
        OptionError: it is shorter than 16 bytes, and so could be guessed.
    """
    key = Path(path).read_bytes().strip()
    if len(key) < _KEY_BYTES:
        raise OptionError(
            f"{path}: a key has at least {_KEY_BYTES} bytes, this one {len(key)} "
            "(yokome key makes one)",
            "key",
            message_ja=f"{path}：鍵が短すぎます（{_KEY_BYTES} バイト以上が必要ですが、"
            f"{len(key)} バイトです）。鍵は yokome key で作れます",
        )
    return key


class Pseudonyms:
    """Gives pseudonyms under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @property
    def key_id(self) -> str:
        """Which key it is, without telling the key."""
        return self._digest("key", "")[:4].hex()

    def of(self, field: str, value: str) -> str:
        """The pseudonym of a value of one of `FIELDS`."""
        short = base64.b32encode(self._digest(field, value)[:10]).decode("ascii").lower()
        return f"{FIELDS[field]}-{short}"

    def finding(self, finding: str) -> str:
        """The id of a finding under the key."""
        return self._digest("finding", finding)[:8].hex()

    def _digest(self, field: str, value: str) -> bytes:
        message = f"{field}\0".encode() + value.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, hashlib.sha256)


def pseudonymise(result: ScanResult, key: bytes, *, unmask: bool = False) -> ScanResult:
    """The same result under pseudonyms.

    Args:
        result: a scan that kept its flagged rows, with `unmask`: a pseudonym is of
            the value itself.
        key: see `read_key`.
        unmask: leave Individual Numbers in other texts as they stand.
    """
    tables = _Tables(result, Pseudonyms(key), unmask=unmask)
    return ScanResult(cast("NativeResult", tables), tables.policy)


class _Tables:
    """Stands in for the core's result: each of its tables under pseudonyms."""

    def __init__(self, result: ScanResult, pseudonyms: Pseudonyms, *, unmask: bool) -> None:
        self._native = result._native
        self._unmask = unmask
        self._names = pseudonyms
        self._flagged = result.flagged
        self._rules = {rule["id"]: rule for rule in document(result.policy)["rules"]}
        self._source_policy = result.policy

    def __getattr__(self, name: str) -> Any:
        """What holds nothing personal is the core's own: inputs, counts."""
        return getattr(self._native, name)

    def flagged(self) -> pa.Table:
        import pyarrow as pa

        table = self._flagged
        for field in FIELDS:
            table = _mapped(table, field, partial(self._names.of, field))
        for field in _OTHERS:
            table = _mapped(table, field, partial(self._shown, field))
        table = _mapped(table, "finding", self._names.finding)
        nothing = pa.nulls(table.num_rows, table.schema.field("raw").type)
        return table.set_column(
            table.schema.get_field_index("raw"), table.schema.field("raw"), nothing
        )

    def findings(self) -> pa.Table:
        return self._findings

    @cached_property
    def _findings(self) -> pa.Table:
        import pyarrow as pa

        table = _read(self._native.findings())
        rows = table.to_pylist()
        for row in rows:
            rule = self._rules[row["rule"]]
            row["finding"] = self._names.finding(row["finding"])
            row["key"] = self._value(row["per"], row["key"])
            row["by"] = self._by(rule, row["by"])
            if row["value"] is not None:
                row["value"] = self._value(rule.get("field", ""), row["value"])
        places = {rule: place for place, rule in enumerate(self._rules)}

        def order(row: Mapping[str, Any]) -> tuple[Any, ...]:
            share = _share(row["days_as_strong"], row["days_evaluated"])
            return share, row["first"], places[row["rule"]], row["finding"]

        rows.sort(key=order)
        return pa.Table.from_pylist(rows, schema=table.schema)

    def by_user(self) -> pa.Table:
        return self._by_user[0]

    def by_user_users(self) -> list[int]:
        return self._by_user[1]

    @cached_property
    def _by_user(self) -> tuple[pa.Table, list[int]]:
        """Users whom nothing but the id puts in order are in that of pseudonyms."""
        import pyarrow as pa

        table = _read(self._native.by_user())
        of_user: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for which, row in zip(self._native.by_user_users(), table.to_pylist(), strict=True):
            of_user[which].append(row | {"user": self._value("user", row["user"])})

        def order(which: int) -> tuple[Any, ...]:
            user = of_user[which][0]["user"]
            if user is None:
                return True, (), ""
            # A rule that did not flag the user is a place of 1.
            places = [Fraction(1)] * len(self._rules)
            for n, row in enumerate(of_user[which]):
                places[n] = _share(row["users_as_strong"], row["users_evaluated"])
            return False, places, user

        users = sorted(of_user, key=order)
        rows = [(which, row) for which in users for row in of_user[which]]
        made = pa.Table.from_pylist([row for _, row in rows], schema=table.schema)
        return made, [which for which, _ in rows]

    def summary(self) -> pa.Table:
        table = _read(self._native.summary())
        return _mapped(_mapped(table, "title_ja", self._scrub), "title_en", self._scrub)

    def activity(self) -> pa.Table:
        return _mapped(_read(self._native.activity()), "department", self._scrub)

    def leaks(self) -> pa.Table:
        """Numbers are hidden, though the scan did not hide them: see `pseudonymise`."""
        import pyarrow as pa

        table = _read(self._native.leaks())
        at = table.schema.get_field_index("masked")
        hidden = pa.array([not self._unmask] * table.num_rows, pa.bool_())
        return table.set_column(at, table.schema.field(at), hidden)

    def rejects(self) -> pa.Table:
        import pyarrow as pa

        table = _read(self._native.rejects())
        at = table.schema.get_field_index("excerpt")
        nothing = pa.nulls(table.num_rows, table.schema.field(at).type)
        return table.set_column(at, table.schema.field(at), nothing)

    @property
    def notes(self) -> list[tuple[str, str]]:
        ja = "職員番号・職員名・宛名番号は仮名に置き換え、元の記録の文面は除いています"
        en = "Users, user names and subjects are pseudonyms; the records' own texts are left out."
        notes = [(self._scrub(a), self._scrub(b)) for a, b in self._native.notes]
        return [*notes, (f"{ja}（鍵 {self._names.key_id}）。", f"{en} (Key {self._names.key_id}.)")]

    @cached_property
    def policy(self) -> Policy:
        """The policy with nothing in it that tells who anybody is."""
        policy = document(self._source_policy)
        uses: dict[str, set[str]] = {}
        wheres = [policy["scope"].get("where", {})]
        for rule in policy["rules"]:
            wheres += [rule.get("where", {}), *rule.get("steps", [])]
            for name, words in (rule.get("title") or {}).items():
                rule["title"][name] = self._scrub(words)
        for where in wheres:
            self._conditions(where, uses)
        for name, one in policy.get("lists", {}).items():
            self._list(one, uses.get(name, set()))
        return Policy.from_dict(policy, name=self._source_policy.name)

    # --- texts --------------------------------------------------------------------------------

    def _value(self, field: str, value: str | None) -> str | None:
        if value is None:
            return None
        return self._names.of(field, value) if field in FIELDS else self._shown(field, value)

    def _shown(self, field: str, value: str) -> str:
        """`value` as `_scrub` leaves it; terminals whose numbers are masked stay apart."""
        place = self._masked_terminals.get(value) if field == "terminal" else None
        return self._scrub(value) + ("" if place is None else f"#{place}")

    @cached_property
    def _masked_terminals(self) -> dict[str, int]:
        """The terminals of the flagged rows that hold a number, counted as they come."""
        if self._unmask:
            return {}
        values = (v for v in _distinct(self._flagged.column("terminal")) if v is not None)
        return {v: n for n, v in enumerate((v for v in values if mask(v) != v), 1)}

    def _by(self, rule: Mapping[str, Any], by: str) -> str:
        """``field=value, field=value``, each value as its field asks."""
        fields = list(rule.get("by", []))
        if not by or not fields:
            return by
        # A value may hold the separator; the next field's name says where it ends.
        pattern = ", ".join(
            f"{re.escape(field)}=(.*{'?' if n + 1 < len(fields) else ''})"
            for n, field in enumerate(fields)
        )
        found = re.fullmatch(pattern, by, re.DOTALL)
        values = found.groups() if found else (by,) * len(fields)
        return ", ".join(
            f"{field}={self._value(field, value) if value else ''}"
            for field, value in zip(fields, values, strict=True)
        )

    def _conditions(self, where: dict[str, Any], uses: dict[str, set[str]]) -> None:
        """Replace what a ``where`` says of people; note which lists stand for which fields."""
        for field, tests in where.items():
            if field == "and":
                self._conditions(tests, uses)
                continue
            if field not in FIELDS and field not in _OTHERS:
                continue
            if not isinstance(tests, dict):
                where[field] = [self._value(field, value) for value in _several(tests)]
                continue
            for test, value in tests.items():
                if test in ("list", "not_list"):
                    uses.setdefault(value, set()).add(field)
                elif test in ("in", "not_in"):
                    tests[test] = [self._value(field, one) for one in _several(value)]
                elif field in FIELDS:
                    tests[test] = re.escape(_WITHHELD) if test == "regex" else _WITHHELD

    def _list(self, one: dict[str, Any], uses: set[str]) -> None:
        on = _several(one.get("on", []))
        rows = [[row] if isinstance(row, str) else list(row) for row in one.get("values", [])]
        if not on:
            # A list that is tied to no field is of whichever field names it.
            of_people = [field for field in FIELDS if field in uses]
            fields = of_people[:1] or [""]
        else:
            fields = on
        values = [
            [self._value(field, cell) or "" for field, cell in zip(fields, row, strict=True)]
            for row in rows
        ]
        one["values"] = [row[0] if len(row) == 1 else row for row in values]

    def _scrub(self, value: str) -> str:
        """`value` with the ids that occur in it replaced, the longest first; numbers masked."""
        known, sizes = self._known
        out, at = [], 0
        while at < len(value):
            for size in sizes:
                pseudonym = known.get(value[at : at + size])
                if pseudonym is not None and at + size <= len(value):
                    out.append(pseudonym)
                    at += size
                    break
            else:
                out.append(value[at])
                at += 1
        text = "".join(out)
        return text if self._unmask else mask(text)

    @cached_property
    def _known(self) -> tuple[dict[str, str], list[int]]:
        """The ids of the results and their pseudonyms; their lengths, the longest first."""
        known: dict[str, str] = {}

        def add(field: str, values: Iterable[str | None]) -> None:
            for value in values:
                if value is None:
                    continue
                for form in (value, re.sub(r"\s", "", value)):
                    if len(form) >= (2 if not form.isascii() else 4):
                        known.setdefault(form, self._names.of(field, value))

        for field in FIELDS:
            add(field, _distinct(self._flagged.column(field)))
        for row in _read(self._native.findings()).select(["per", "key"]).to_pylist():
            if row["per"] in FIELDS:
                add(row["per"], [row["key"]])
        return known, sorted({len(form) for form in known}, reverse=True)


@cache
def _share(as_strong: int, of: int) -> Fraction:
    return Fraction(as_strong, of)


def _read(stream: Any) -> pa.Table:
    import pyarrow as pa

    return pa.RecordBatchReader.from_stream(stream).read_all().unify_dictionaries()


def _several(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _distinct(column: pa.ChunkedArray) -> list[str | None]:
    values: list[str | None] = column.unique().to_pylist()
    return values


def _mapped(table: pa.Table, name: str, of: Callable[[str], str]) -> pa.Table:
    """The table with a column of texts (or of a dictionary of texts) replaced value by value."""
    import pyarrow as pa

    at = table.schema.get_field_index(name)
    field = table.schema.field(at)
    made: dict[str | None, str | None] = {
        value: None if value is None else of(value) for value in _distinct(table.column(at))
    }
    values = [made[value] for value in table.column(at).to_pylist()]
    text = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    column = pa.array(values, text)
    if pa.types.is_dictionary(field.type):
        column = column.dictionary_encode().cast(field.type)
    return table.set_column(at, field, column)
