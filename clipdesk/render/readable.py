"""What only a term can read, since it is no target by itself: images, directions, decoders, a layer's other units."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from array import array
from pathlib import PurePath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from typing_extensions import override

TOWER = "visual"
"""As `clipdesk.network.inspector.ROOT`, whose module loads torch."""
_LONGEST_VECTOR = 65_536


class ReadableBase(BaseModel, ABC):
    """Common to everything that a term can read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    @abstractmethod
    def label(self) -> str:
        """The target as people write it."""

    @property
    @abstractmethod
    def reads(self) -> tuple[str, ...]:
        """Names of the layers that it reads."""

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it depends on; directions carry their numbers along."""
        return ()


class ImageTarget(ReadableBase):
    """An image from a file; the picture's embedding is to point where the image's does (cosine similarity).

    Attributes:
        path: The file, with its folder.
    """

    kind: Literal["picture"] = "picture"
    path: str = Field(min_length=1, max_length=4096)

    @property
    @override
    def label(self) -> str:
        """``image:[cat.png]``."""
        return f"image:[{PurePath(self.path).name}]"

    @property
    @override
    def reads(self) -> tuple[str, ...]:
        return (TOWER,)

    @property
    @override
    def files(self) -> tuple[str, ...]:
        return (self.path,)


class Others(ReadableBase):
    """All units of a layer but one: the mean size of their activations.

    Subtracted from a unit's activation, it makes the picture show that unit and not the whole layer.
    """

    kind: Literal["others"] = "others"
    layer: str
    index: int = Field(ge=0)

    @property
    @override
    def label(self) -> str:
        """``others(visual.transformer.resblocks.5.mlp:12)``."""
        return f"others({self.layer}:{self.index})"

    @property
    @override
    def reads(self) -> tuple[str, ...]:
        return (self.layer,)


class Decoder(ReadableBase):
    """What a latent writes: how far the activations that its sparse autoencoder reads go along its decoder's direction.

    A latent reads by its encoder and writes by its decoder; the directions of the two differ.
    """

    kind: Literal["decoder"] = "decoder"
    layer: str
    index: int = Field(ge=0)

    @property
    @override
    def label(self) -> str:
        """``decoder(visual.transformer.resblocks.4.latents:12)``."""
        return f"decoder({self.layer}:{self.index})"

    @property
    @override
    def reads(self) -> tuple[str, ...]:
        return (self.layer,)


class Direction(ReadableBase):
    """A direction in a layer's activations: how far they go along it.

    Attributes:
        layer: Dotted name of the layer.
        vector: A number for each of its units, not all zero; its length does not matter. Each is rounded to float32, in
            which directions are used, and has at most nine digits.
        name: What it is called, usually its file.
    """

    kind: Literal["direction"] = "direction"
    layer: str
    vector: Annotated[tuple[float, ...], Field(min_length=1, max_length=_LONGEST_VECTOR)]
    name: str = Field(min_length=1, max_length=200)

    @field_validator("vector")
    @classmethod
    def _points_somewhere(cls, vector: tuple[float, ...]) -> tuple[float, ...]:
        if not all(map(math.isfinite, vector)):
            raise ValueError("it has values that are not finite numbers")
        rounded = array("f", vector)
        if not all(map(math.isfinite, rounded)):
            raise ValueError("it has values that are too large for float32")
        if not any(rounded):
            raise ValueError("all its values are zero")
        # Nine digits tell every float32 from all others, so recipes are short and lose nothing.
        return tuple(float(f"{value:.9g}") for value in rounded)

    @property
    @override
    def label(self) -> str:
        """``visual.transformer.resblocks.5.mlp:[cats.npy]``."""
        return f"{self.layer}:[{self.name}]"

    @property
    @override
    def reads(self) -> tuple[str, ...]:
        return (self.layer,)
