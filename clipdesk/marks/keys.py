"""What a mark is of: a picture or a unit, known by what does not change when files are moved or renamed."""

from __future__ import annotations

from typing import NamedTuple


class PictureKey(NamedTuple):
    """A picture, wherever its file is.

    Attributes:
        sha256: `Recipe.key` of its recipe.
    """

    sha256: str

    @property
    def kind(self) -> str:
        """The kind of thing that it is, as it is stored."""
        return "picture"

    @property
    def text(self) -> str:
        """The key as it is stored."""
        return self.sha256


class UnitKey(NamedTuple):
    """A unit of a network, whatever the name of its model.

    Attributes:
        weights: SHA-256 of the weights' file.
        layer: Dotted name of the layer.
        unit: Index of the unit.
    """

    weights: str
    layer: str
    unit: int

    @property
    def kind(self) -> str:
        """The kind of thing that it is, as it is stored."""
        return "unit"

    @property
    def text(self) -> str:
        """The key as it is stored."""
        return f"{self.weights} {self.layer}:{self.unit}"


Key = PictureKey | UnitKey


def read_key(kind: str, text: str) -> Key:
    """The key that is stored so.

    Raises:
        ValueError: it is not one.
    """
    if kind == "picture":
        return PictureKey(text)
    if kind != "unit":
        raise ValueError(f"there are no marks of a {kind}")
    weights, _, unit = text.partition(" ")
    layer, _, index = unit.rpartition(":")
    return UnitKey(weights, layer, int(index))
