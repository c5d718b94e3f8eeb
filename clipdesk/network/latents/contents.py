"""What files of sparse autoencoders hold, as named weights and plain values; nothing in them is run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from clipdesk.errors import UsageError, one_line
from clipdesk.files import read_bytes
from clipdesk.models.checks import NotAState, check_finite, check_tensors, sides

MOST_WIDTH = 2**16
MOST_LATENTS = 2**22
_MOST_CONFIG = 2_000_000
_MOST_NUMBERS = 64
"""Whole numbers that a file may hold beside its weights, such as k or the sizes of groups."""


class Values:
    """A file's configuration: values by name, checked when they are asked for.

    Args:
        values: What the JSON, or the pickled dict, holds.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def __getitem__(self, name: str) -> object:
        return self._values.get(name)

    def part(self, name: str) -> Values:
        """A dict inside it; an empty one where there is none."""
        found = self._values.get(name)
        return Values(found if isinstance(found, Mapping) else {})

    def text(self, name: str, default: str = "") -> str:
        """A text, as one line; `default` where there is none."""
        found = self._values.get(name)
        return one_line(found, 200) if isinstance(found, str) else default

    def flag(self, name: str, default: bool) -> bool:
        """A truth value; `default` where there is none.

        Raises:
            NotAState: it is something else.
        """
        found = self._values.get(name)
        if found is None:
            return default
        if not isinstance(found, bool):
            raise NotAState(f"its configuration says {name} = {one_line(found, 40)}, not true or false")
        return found

    def whole(self, name: str, most: int = MOST_LATENTS) -> int:
        """A whole number from 1 to `most`.

        Raises:
            NotAState: there is none, or it is something else.
        """
        found = self._values.get(name)
        # SAELens allows k = 32.0.
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= most:
            said = "does not say" if found is None else f"says {one_line(found, 40)} for"
            raise NotAState(f"its configuration {said} {name}, a whole number from 1 to {most:,}")
        return found


@dataclass(frozen=True)
class Content:
    """What a file of a sparse autoencoder holds.

    Attributes:
        path: The file, for messages and names.
        weights: Its tensors by name, as they are in the file.
        config: What its configuration says, inside it or beside it.
        sha256: Checksum of the file; with the configuration's, where that is another file.
    """

    path: Path
    weights: Mapping[str, Tensor]
    config: Values
    sha256: str
    header: Values = field(default_factory=lambda: Values({}))

    def has(self, *names: str) -> bool:
        """Whether all of these weights are there."""
        return all(name in self.weights for name in names)

    def matrix(self, name: str) -> Tensor:
        """Weights in two dimensions, in float32.

        Raises:
            NotAState: they are missing, or of another form.
        """
        found = self._get(name)
        if found.ndim != 2 or max(found.shape) > MOST_LATENTS or min(found.shape) > MOST_WIDTH:
            raise NotAState(f"'{one_line(name)}' has the shape {sides(found)}, and not that of a matrix of weights")
        return found

    def vector(self, name: str, count: int) -> Tensor:
        """Weights in one dimension, in float32.

        Raises:
            NotAState: they are missing, or of another length.
        """
        found = self._get(name)
        if tuple(found.shape) != (count,):
            raise NotAState(f"'{one_line(name)}' has the shape {sides(found)} instead of {count}")
        return found

    def number(self, name: str) -> float:
        """A tensor of one number.

        Raises:
            NotAState: it is missing, or holds another count.
        """
        found = self.weights.get(name)
        if found is None or found.numel() != 1:
            raise NotAState(f"'{one_line(name)}' is missing, or is not a single number")
        return float(found)

    def _get(self, name: str) -> Tensor:
        found = self.weights.get(name)
        if found is None:
            raise NotAState(f"'{one_line(name)}' is missing")
        return found.detach().float()


def checked_weights(found: object, file_bytes: int) -> dict[str, Tensor]:
    """Named weights, each of plain finite numbers, and together no larger than the file.

    Args:
        found: What the file holds.
        file_bytes: Its size.

    Raises:
        NotAState: they are not.
    """
    if not isinstance(found, Mapping):
        raise NotAState("it does not hold weights by name")
    weights = {str(name): value for name, value in found.items() if isinstance(value, Tensor)}
    if not weights:
        raise NotAState("it holds no weights")
    large = {name: value for name, value in weights.items() if not _is_count(value)}
    check_tensors(large, file_bytes)
    check_finite(large)
    return weights


def _is_count(value: Tensor) -> bool:
    whole = not value.dtype.is_floating_point and not value.dtype.is_complex
    return whole and value.layout is torch.strided and value.device.type == "cpu" and value.numel() <= _MOST_NUMBERS


def read_config(path: Path) -> dict[str, object]:
    """A configuration in JSON.

    Raises:
        UsageError: it cannot be read, or is not an object in JSON.
    """
    try:
        found = json.loads(read_bytes(path, _MOST_CONFIG))
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is not a configuration: it must be JSON") from None
    if not isinstance(found, dict):
        raise UsageError(f"{path} is not a configuration: it must be an object in JSON, with names and values")
    return found


@contextmanager
def explained() -> Iterator[None]:
    """Whatever a form's reader stumbles over becomes a `NotAState`."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        if isinstance(error, NotAState):
            raise
        raise NotAState(f"its weights do not fit together: {one_line(error)}") from error
