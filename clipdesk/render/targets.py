"""What a picture is to excite, as plain data."""

from __future__ import annotations

import math
from pathlib import PurePath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from typing_extensions import Self

_MOST_TERMS = 64
_TOWER = "visual"  # as `clipdesk.network.inspector.ROOT`, whose module loads torch
_LONGEST_VECTOR = 65_536


class Unit(BaseModel):
    """One unit of a layer: a neuron of a token layer (mean over the patches), a channel, or an attention head."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["unit"] = "unit"
    layer: str
    index: int = Field(ge=0)

    @property
    def name(self) -> str:
        """The index."""
        return str(self.index)

    @property
    def label(self) -> str:
        """``visual.transformer.resblocks.5.mlp:12``."""
        return f"{self.layer}:{self.index}"


class Text(BaseModel):
    """A text; the picture's embedding is to point where the text's does (cosine similarity)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["text"] = "text"
    text: str = Field(min_length=1)

    @property
    def name(self) -> str:
        """The text itself."""
        return self.text

    @property
    def label(self) -> str:
        """The text in quotation marks."""
        return f'"{self.text}"'


class Picture(BaseModel):
    """A picture from a file; the rendered one's embedding is to point where its own does (cosine similarity).

    Attributes:
        path: The file, with its folder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["picture"] = "picture"
    path: str = Field(min_length=1, max_length=4096)

    @property
    def label(self) -> str:
        """``image:[cat.png]``."""
        return f"image:[{PurePath(self.path).name}]"


class Others(BaseModel):
    """All units of a layer but one: the mean size of their activations.

    Taken off a unit's activation, it makes the picture that unit's and not the layer's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["others"] = "others"
    layer: str
    index: int = Field(ge=0)

    @property
    def label(self) -> str:
        """``others(visual.transformer.resblocks.5.mlp:12)``."""
        return f"others({self.layer}:{self.index})"


class Direction(BaseModel):
    """A direction in a layer's activations: how far they go along it.

    Attributes:
        layer: Dotted name of the layer.
        vector: A number for each of its units, not all zero; its length does not matter.
        name: What it is called, usually its file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["direction"] = "direction"
    layer: str
    vector: Annotated[tuple[float, ...], Field(min_length=1, max_length=_LONGEST_VECTOR)]
    name: str = Field(min_length=1, max_length=200)

    @field_validator("vector")
    @classmethod
    def _points_somewhere(cls, vector: tuple[float, ...]) -> tuple[float, ...]:
        if not all(map(math.isfinite, vector)):
            raise ValueError("it has values that are no finite numbers")
        if not any(vector):
            raise ValueError("all its values are zero")
        return vector

    @property
    def label(self) -> str:
        """``visual.transformer.resblocks.5.mlp:[cats.npy]``."""
        return f"{self.layer}:[{self.name}]"


Place = Literal["patches", "class", "max"] | Annotated[int, Field(ge=0)]
"""Where a layer is read: mean over the patches, the class token, the largest of the patches, or one position."""


What = Annotated[Unit | Text | Picture | Others | Direction, Field(discriminator="kind")]
"""What a term reads."""


class Term(BaseModel):
    """A part of a `Combined` target.

    Attributes:
        what: What is read.
        weight: What it is multiplied by; below zero for what is to be small.
        at: Where in the layer; a text has no places.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: What
    weight: float = Field(1.0, allow_inf_nan=False)
    at: Place = "patches"

    @model_validator(mode="after")
    def _counts(self) -> Self:
        if self.weight == 0:
            raise ValueError("a weight of zero")
        if isinstance(self.what, Text | Picture) and self.at != "patches":
            raise ValueError("a text or picture has no places")
        return self

    @property
    def label(self) -> str:
        """As it is written, without its weight: ``visual.transformer.resblocks.5.mlp:12@max``."""
        return self.what.label if self.at == "patches" else f"{self.what.label}@{self.at}"


class Combined(BaseModel):
    """A weighted sum of units, texts, pictures and directions, or one of them at another place than the patches."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["combined"] = "combined"
    terms: Annotated[tuple[Term, ...], Field(min_length=1, max_length=_MOST_TERMS)]

    @property
    def name(self) -> str:
        """The label."""
        return self.label

    @property
    def label(self) -> str:
        """For people: ``"a star" - 0.5*"a circle"``; as `parse_target` reads it, but for the folders of directions."""
        parts = []
        for term in self.terms:
            size = abs(term.weight)
            factor = "" if size == 1 else f"{size:g}*"
            sign = "-" if term.weight < 0 else "+"
            parts.append(f"{sign} {factor}{term.label}")
        first = parts[0].removeprefix("+ ")
        return " ".join([first.replace("- ", "-", 1) if first.startswith("- ") else first, *parts[1:]])


Target = Annotated[Unit | Text | Combined, Field(discriminator="kind")]


def terms_of(target: Target) -> tuple[Term, ...]:
    """A target as the sum that it is."""
    return target.terms if isinstance(target, Combined) else (Term(what=target),)


def layers_of(target: Target) -> list[str]:
    """Names of the layers that a target reads; a text or picture is read at the tower's end."""
    return [_TOWER if isinstance(term.what, Text | Picture) else term.what.layer for term in terms_of(target)]


def files_of(target: Target) -> list[str]:
    """The files that a target depends on; directions carry their numbers along."""
    return [term.what.path for term in terms_of(target) if isinstance(term.what, Picture)]
