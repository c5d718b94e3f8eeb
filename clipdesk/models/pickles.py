"""Read pickled checkpoints without running anything in them.

`torch.load` with ``weights_only`` reads tensors and plain values. Training scripts keep other objects beside the
weights: numbers of numpy, argparse's Namespace, paths, settings of their own. In their place come stand-ins, which do
nothing and keep no more than the values of an object's fields; the real classes are not even imported.
"""

from __future__ import annotations

import re
import struct
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pickle import UnpicklingError
from types import MappingProxyType
from typing import BinaryIO

import torch
from torch.serialization import safe_globals

_UNKNOWN = re.compile(r"GLOBAL ([\w.<>]+) was not an allowed global")
_NO_DICT = re.compile(r"Can only SETITEMS? for dict.* but got <class '([^']+)'>")
_NO_LIST = re.compile(r"Can only (?:append|extend).* but got <class '([^']+)'>")
_MOST_KINDS = 200

_KNOWN = {
    "argparse.Namespace",
    "collections.defaultdict",
    "collections.deque",
    "copyreg._reconstructor",
    "copy_reg._reconstructor",
    "datetime.date",
    "datetime.datetime",
    "datetime.timedelta",
    "datetime.timezone",
    "decimal.Decimal",
    "fractions.Fraction",
    "types.SimpleNamespace",
    "uuid.UUID",
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
    *(f"numpy.{core}.numeric._frombuffer" for core in ("core", "_core")),
    *("numpy.dtype", "numpy.ndarray"),
    *(
        f"pathlib{module}.{kind}"
        for module in ("", "._local")
        for kind in ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath")
    ),
}
"""Of the standard library and of numpy: what training scripts keep, and harmless as a stand-in."""

_BUILT_IN = {
    *("Ellipsis", "NotImplemented", "bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int"),
    *("list", "object", "range", "set", "slice", "str", "tuple"),
}
_PYTHON_2 = {"__builtin__", "commands", "copy_reg", "exceptions"}
_lock = threading.Lock()


class Inert:
    """Stands for an object; takes what would make it up, and does nothing with it.

    Attributes:
        fields: The values of its fields by name, where it had such, as a dataclass of settings has.
        given: What it would be made from.
    """

    fields: Mapping[str, object] = MappingProxyType({})

    def __init__(self, *given: object) -> None:
        self.given = given

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            self.fields = {name: value for name, value in state.items() if isinstance(name, str)}


def number_in(found: object) -> float | None:
    """The number that a number of numpy's stands for, or that is one itself; None for anything else."""
    if isinstance(found, int | float) and not isinstance(found, bool):
        return float(found)
    # Written by numpy as its scalar(dtype(code, ...), bytes).
    match found:
        case Inert(given=(Inert(given=("f4" | "f8" as code, *_)), bytes(data))) if type(found).__name__ == "scalar":
            form = "<f" if code == "f4" else "<d"
            return float(struct.unpack(form, data)[0]) if len(data) == struct.calcsize(form) else None
    return None


# torch sets items only in a plain dict or list, so a class of its own kind stands in for these by making one.
_CONTAINERS: dict[str, Callable[..., object]] = {
    "dict": lambda *_: OrderedDict(),
    "list": lambda *_: [],
}


def read_pickle(handle: BinaryIO) -> object:
    """What `torch.save` wrote, with stand-ins for objects that are neither weights nor plain values.

    Args:
        handle: The open file, which is read from its beginning.

    Raises:
        pickle.UnpicklingError: it asks for a function, or for something of the standard library that is not known to be
            harmless; the message names it after ``GLOBAL``.
        Exception: of any kind, where it is damaged.
    """
    stand_ins: dict[str, type[Inert]] = {}
    # torch keeps the allowed names for the whole process.
    with _lock:
        for _ in range(_MOST_KINDS):
            handle.seek(0)
            try:
                with safe_globals([(made, name) for name, made in stand_ins.items()]):
                    return torch.load(handle, map_location="cpu", weights_only=True)
            except UnpicklingError as error:
                if not _learn(stand_ins, str(error)):
                    raise
    raise UnpicklingError("it holds too many kinds of objects")


def _learn(stand_ins: dict[str, type[Inert]], message: str) -> bool:
    """Add the stand-in that torch asks for; False where there must not be one."""
    asked = _UNKNOWN.search(message)
    if asked is not None:
        name = f"builtins.{asked[1]}" if asked[1] in _BUILT_IN else asked[1]
        if name in stand_ins or not _may_stand_in(name):
            return False
        stand_ins[name] = _made(name)
        return True
    for form, kind in ((_NO_DICT, "dict"), (_NO_LIST, "list")):
        asked = form.search(message)
        name = asked[1] if asked is not None else ""
        if name in stand_ins and "__new__" not in vars(stand_ins[name]):
            stand_ins[name] = _made(name, kind)
            return True
    return False


def _may_stand_in(name: str) -> bool:
    """Whether an object of this name may be left out: a class of a package, or what is known to be harmless.

    A function is never one: whoever put it there wanted it to be called.
    """
    module, _, kind = name.rpartition(".")
    if name in _KNOWN or (module in ("builtins", "__builtin__") and kind in _BUILT_IN):
        return True
    package = module.partition(".")[0]
    standard = package in sys.stdlib_module_names and package != "__main__"
    return bool(module) and not standard and package not in _PYTHON_2 and kind.lstrip("_")[:1].isupper()


def _made(name: str, container: str = "") -> type[Inert]:
    module, _, own = name.rpartition(".")
    making = {"__new__": _CONTAINERS[container]} if container else {}
    return type(own, (Inert,), {"__module__": module, **making})
