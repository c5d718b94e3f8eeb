"""Import a library without those of its parts that nobody here uses."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def read_when_used(package: str, *parts: str) -> Iterator[None]:
    """Parts of a package that import themselves with it are not read now, but when somebody first asks for them.

    Meanwhile they are empty modules; afterwards they are as if they had not been imported, and ``package.part`` imports
    them. Nothing is done where the package has been imported already.

    Args:
        package: Name of the package, which is imported inside the context.
        parts: Names of modules in it.
    """
    names = [] if package in sys.modules else [f"{package}.{part}" for part in parts]
    sys.modules.update({name: ModuleType(name) for name in names})
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        whole = sys.modules.get(package)
        if names and whole is not None:
            _import_later(whole, parts)


def _import_later(package: ModuleType, parts: tuple[str, ...]) -> None:
    def find(name: str) -> ModuleType:
        if name in parts:
            return importlib.import_module(f"{package.__name__}.{name}")
        raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}")

    for part in parts:
        vars(package).pop(part, None)
    vars(package)["__getattr__"] = find  # PEP 562
