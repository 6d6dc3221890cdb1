"""HTML that cannot be broken out of: every text is escaped unless it was made here.

In: tag names, attributes, children. Out: `Html`, the only kind of child that is not
escaped. Control and format characters of a text are made visible first, so that nothing in a log
can hide or reorder what stands beside it.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

from yokome.lang import clean

__all__ = ["Html", "join", "raw", "tag", "text"]

_VOID = frozenset({"br", "hr", "img", "input", "meta"})


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def raw(markup: str) -> Html:
    """Markup of our own (a style sheet, a script): never anything from a log."""
    return Html(markup)


def text(value: object, *, limit: int = 0) -> Html:
    """A value as HTML text; beyond `limit` characters it is cut with an ellipsis."""
    if isinstance(value, Html):
        return value
    shown = str(value)
    if limit and len(shown) > limit:
        shown = shown[: limit - 1] + "…"
    return Html(html.escape(clean(shown)))


def join(parts: Iterable[object], separator: object = "") -> Html:
    """Parts one after the other, each escaped."""
    return Html(text(separator).join(text(part) for part in parts))


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """An element. A trailing underscore of an attribute is dropped, others become hyphens.

    An attribute that is None or False is left out; True stands without a value.
    """
    words = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        words.append(attribute if value is True else f'{attribute}="{text(value)}"')
    opened = f"<{' '.join(words)}>"
    if name in _VOID:
        return Html(opened)
    return Html(f"{opened}{join(children)}</{name}>")
