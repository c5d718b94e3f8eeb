"""What callers of the Python API give, checked against the types that a function's signature names.

Python does not check them: a wrong one ends as an `AttributeError` somewhere deep inside, or in a wrong answer.
"""

from __future__ import annotations

import functools
import inspect
import operator
import os
from collections.abc import Callable, Iterator
from collections.abc import Collection as AnyCollection
from numbers import Real
from pathlib import Path
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    ParamSpec,
    SupportsIndex,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from clipdesk.errors import UsageError, one_line

P = ParamSpec("P")
R = TypeVar("R")
_WIDER: dict[type, type] = {float: Real, Path: os.PathLike}
"""What passes for a type: numbers of numpy, and what `os.scandir` gives."""
_WORDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "Path": "a path",
    "Callable": "a function",
    "Image": "a picture of Pillow's",
    "ndarray": "an array of numbers",
    "device": "a device of torch's",
    "Module": "what clipdesk.load_model gives",
    "OpenModel": "what clipdesk.open_model gives",
    "Survey": "what clipdesk.survey gives",
    "ImageSet": "what clipdesk.open_image_set gives",
    "Recipe": "what clipdesk.read_recipe gives",
    **dict.fromkeys(("Unit", "Text", "Combined"), "what clipdesk.parse_target gives"),
}
"""What types are called, by their names: the types themselves would have to be imported."""


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function raise a `UsageError` where an argument is not of the type that its signature names.

    Texts, numbers, functions, classes, unions of them and lists of them are told apart. Ranges of numbers, shapes of
    arrays and what a text says are for the function itself.
    """

    @functools.wraps(function)
    def check(*args: P.args, **kwargs: P.kwargs) -> R:
        signature, hints = _signature(function)
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError:
            # Too many or too few: Python itself says it best.
            return function(*args, **kwargs)
        for name, value in given.items():
            if name in hints:
                check_given(name, value, hints[name])
        return function(*args, **kwargs)

    return check


def check_given(name: str, value: object, hint: object) -> None:
    """Check that an argument is of a type.

    Args:
        name: What the argument is called.
        value: The argument.
        hint: The type, as `typing.get_type_hints` gives it.

    Raises:
        UsageError: it is not; says what would be right.
    """
    if not _fits(value, hint):
        raise UsageError(_complaint(name, value, hint))


@functools.cache
def _signature(function: Callable[..., object]) -> tuple[inspect.Signature, dict[str, Any]]:
    """A function's signature, and the types of those of its parameters that are one argument each."""
    signature = inspect.signature(function)
    gathers = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    single = {name for name, parameter in signature.parameters.items() if parameter.kind not in gathers}
    return signature, {name: hint for name, hint in get_type_hints(function).items() if name in single}


def _fits(value: object, hint: object) -> bool:
    """Whether a value is of a type, as far as that can be told at once."""
    if type(value) is hint:
        # The usual case, at once: layers and indices of a hundred thousand units are checked.
        return True
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Annotated:
        return _fits(value, parts[0])
    if origin is Literal:
        return isinstance(value, str | int) and value in parts
    kind = hint if origin is None else origin
    if not isinstance(kind, type) or kind in (bool, object):
        # Everything is true or false.
        return True
    if _is_function(kind):
        return callable(value)
    if _is_array(kind):
        return hasattr(value, "__array__") or isinstance(value, list | tuple)
    if kind is int:
        return _is_whole(value)
    if not issubclass(kind, AnyCollection) or not parts:
        return isinstance(value, _WIDER.get(kind, kind))
    if isinstance(value, str | bytes) or not isinstance(value, kind):
        return False
    members = list(value) if isinstance(value, AnyCollection) else []
    wanted = parts if kind is tuple and Ellipsis not in parts else parts[:1] * len(members)
    return len(members) == len(wanted) and all(map(_fits, members, wanted))


def _is_whole(value: object) -> bool:
    """Whether a value is a whole number; those of numpy and tensors of one number, as `argmax` gives them, are, too."""
    try:
        operator.index(cast(SupportsIndex, value))
    except TypeError:
        return False
    return True


def _is_function(kind: type) -> bool:
    """Whether a type is that of something to be called: those of our own with named arguments are protocols."""
    return kind.__name__ == "Callable" or (getattr(kind, "_is_protocol", False) and "__call__" in vars(kind))


def _is_array(kind: type) -> bool:
    return kind.__name__ == "ndarray"


def _complaint(name: str, value: object, hint: object) -> str:
    """What is wrong with an argument, or with the first wrong one of a list, and what would be right."""
    if isinstance(value, list | tuple) and (member := _member(hint)) is not None:
        wrong = next((place for place, each in enumerate(value) if not _fits(each, member)), None)
        if wrong is not None:
            return _complaint(f"{name}[{wrong}]", value[wrong], member)
    plain = isinstance(value, str | Real | None)
    shown = one_line(repr(value), 60) if plain else f"of type {type(value).__name__}"
    return f"{name} must be {_joined(list(dict.fromkeys(_in_words(hint))))}, not {shown}"


def _member(hint: object) -> object | None:
    """What each member of a list is to be; None for what is no list."""
    for each in get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,):
        origin, parts = get_origin(each), get_args(each)
        if isinstance(origin, type) and issubclass(origin, AnyCollection) and parts and not _is_array(origin):
            return cast(object, parts[0])
    return None


def _in_words(hint: object) -> Iterator[str]:
    """What a type is for people, each of a union; that something may be left out, nobody asks here."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType, Annotated):
        for part in parts[:1] if origin is Annotated else parts:
            yield from _in_words(part)
    elif origin is Literal:
        yield from map(repr, parts)
    elif (member := _member(hint)) is not None:
        yield f"a list of which each is {_joined(list(_in_words(member)))}"
    elif isinstance(kind := origin or hint, type) and kind is not type(None):
        name = "Callable" if _is_function(kind) else kind.__name__
        yield _WORDS.get(name, f"a {name}")


def _joined(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
