"""The reference is made from docstrings: every public name has one, every argument is named."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

import yokome
from yokome import _yokome

MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(yokome.__path__, "yokome.")
    if not any(part.startswith("_") for part in module.name.split("."))
]
PUBLIC = [yokome, *MODULES]


def public(module: Any) -> Iterator[tuple[str, Any]]:
    """The classes and functions that a module offers, and what the classes offer."""
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        if not (inspect.isclass(value) or inspect.isroutine(value)):
            continue
        yield f"{module.__name__}.{name}", value
        if not inspect.isclass(value):
            continue
        for member, found in vars(value).items():
            is_member = inspect.isroutine(found) or isinstance(
                found, (property, classmethod, staticmethod)
            )
            described = is_member or hasattr(found, "func")
            if described and not member.startswith("_"):
                yield f"{module.__name__}.{name}.{member}", found


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_every_public_name_has_a_docstring(module: Any) -> None:
    assert inspect.getdoc(module)
    own = {name: getattr(found, "__doc__", None) for name, found in public(module)}
    assert not [name for name, text in own.items() if not (text or "").strip()]
    # What a dataclass makes up for a class without one is none.
    assert not [name for name, text in own.items() if (text or "").startswith(f"{name}(")]


def test_every_name_of_the_package_is_described() -> None:
    described = {name.rpartition(".")[2] for name, _ in public(yokome)}
    assert set(yokome.__all__) - described == {"__version__"}
    assert yokome.__version__


def test_what_the_native_module_offers_is_described() -> None:
    names = [name for name in dir(_yokome) if not name.startswith("_")]
    assert names
    for name in names:
        value = getattr(_yokome, name)
        assert (value.__doc__ or "").strip(), name
        if inspect.isclass(value):
            for member, found in vars(value).items():
                if not member.startswith("_"):
                    assert (found.__doc__ or "").strip(), f"{name}.{member}"


@pytest.mark.parametrize(
    "function",
    [
        *(f for f in map(yokome.__dict__.get, yokome.__all__) if inspect.isfunction(f)),
        yokome.ScanResult.write,
        yokome.ScanResult.explain,
    ],
    ids=lambda function: function.__qualname__,
)
def test_every_argument_is_typed_and_described(function: Any) -> None:
    signature = inspect.signature(function)
    described = (inspect.getdoc(function) or "").partition("Args:")[2].partition("Returns:")[0]
    assert signature.return_annotation is not inspect.Signature.empty
    for name, parameter in signature.parameters.items():
        if name == "self":
            continue
        assert parameter.annotation is not inspect.Parameter.empty, name
        assert f"{name}:" in described, name
    assert "Raises:" in (inspect.getdoc(function) or "")


@pytest.mark.parametrize("error", sorted(n for n in yokome.__all__ if n.endswith("Error")))
def test_every_error_is_named_where_it_is_raised(error: str) -> None:
    texts = [inspect.getdoc(found) or "" for module in PUBLIC for _, found in public(module)]
    if error != "InputNotFoundError":  # an InputError; said in the class
        assert any(f"{error}:" in text.partition("Raises:")[2] for text in texts)
