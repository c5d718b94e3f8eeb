"""What callers give, checked against the types of a signature."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import clipdesk
from clipdesk.errors import UsageError
from clipdesk.given import check_given, checked
from clipdesk.models.names import Checkpoint, parse_name

PICTURE = Image.new("RGB", (4, 4))


@checked
def example(
    survey: str | Path,
    unit: int,
    *,
    share: float = 0.5,
    pooling: Literal["mean", "max"] | None = None,
    layers: Collection[str] | None = None,
    pictures: Sequence[Image.Image] = (),
    numbers: NDArray[np.floating] | None = None,
    tell: Callable[[int], None] | None = None,
    loud: bool = False,
    **more: object,
) -> str:
    """Say that it was called."""
    return f"{survey} {unit}"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"survey": 3}, "survey must be a text or a path, not 3"),
        ({"unit": "3"}, "unit must be a whole number, not '3'"),
        ({"unit": 3.0}, "unit must be a whole number, not 3.0"),
        ({"unit": torch.tensor(3.0)}, "unit must be a whole number, not of type Tensor"),
        ({"unit": None}, "unit must be a whole number, not None"),
        ({"share": "half"}, "share must be a number, not 'half'"),
        ({"pooling": "median"}, "pooling must be 'mean' or 'max', not 'median'"),
        ({"pooling": ["mean"]}, "pooling must be 'mean' or 'max', not of type list"),
        ({"layers": "layer4"}, "layers must be a list of which each is a text, not 'layer4'"),
        ({"layers": ["layer4", 3]}, "layers[1] must be a text, not 3"),
        ({"pictures": PICTURE}, "pictures must be a list of which each is a picture of Pillow's, not of type Image"),
        ({"numbers": "a star"}, "numbers must be an array of numbers, not 'a star'"),
        ({"tell": {}}, "tell must be a function, not of type dict"),
    ],
)
def test_a_wrong_type_is_said_with_the_right_one(given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        example(**{"survey": "mine", "unit": 3, **given})  # type: ignore[arg-type]
    assert str(raised.value) == message


@pytest.mark.parametrize(
    "given",
    [
        {"survey": Path("mine")},
        {"unit": np.int64(3)},
        {"unit": torch.tensor([1, 2, 4, 8]).argmax()},
        {"share": 1},
        {"share": np.float32(0.5)},
        {"pooling": "max"},
        {"layers": {"layer4"}},
        {"layers": ()},
        {"layers": np.array(["layer4"])},
        {"pictures": [PICTURE]},
        {"numbers": [0.5, 1]},
        {"numbers": np.zeros(3)},
        {"tell": print},
        {"loud": 1},
        {"else": "anything"},
    ],
)
def test_what_a_function_can_use_is_let_through(given: dict[str, object]) -> None:
    assert example(**{"survey": "mine", "unit": 3, **given}) == "mine 3"  # type: ignore[arg-type]


def test_what_a_folder_holds_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with os.scandir(tmp_path) as found:
        entry = next(found)
    check_given("path", entry, str | Path)
    assert parse_name(entry) == Checkpoint(tmp_path / "mine")  # type: ignore[arg-type]


def test_too_few_arguments_are_pythons_own_error() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'unit'"):
        example("mine")  # type: ignore[call-arg]


def test_a_pair_needs_two() -> None:
    check_given("pair", (1, "a"), tuple[int, str])
    with pytest.raises(UsageError, match="pair must be"):
        check_given("pair", (1,), tuple[int, str])


def test_what_stands_beside_a_type_changes_nothing() -> None:
    with pytest.raises(UsageError, match="unit must be a whole number, not 'x'"):
        check_given("unit", "x", Annotated[int, "from 0"])


PUBLIC = [each for name in clipdesk.__all__ if inspect.isfunction(each := getattr(clipdesk, name))]


@pytest.mark.parametrize("function", PUBLIC, ids=lambda function: function.__name__)
def test_every_public_function_says_which_argument_is_wrong(function: Callable[..., object]) -> None:
    parameters = inspect.signature(function).parameters.values()
    needed = {each.name: object() for each in parameters if each.default is inspect.Parameter.empty}
    first = next(iter(inspect.signature(function).parameters))
    with pytest.raises(UsageError, match=f"^{first} must be "):
        function(**{first: object(), **needed})
