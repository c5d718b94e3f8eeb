"""What a picture is to excite, as plain data."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from typing_extensions import Self, override

from clipdesk.errors import UsageError
from clipdesk.filenames import safe_name, safe_words
from clipdesk.render.readable import TOWER, Decoder, Direction, ImageTarget, Others, ReadableBase

_MOST_TERMS = 64
_LONGEST_TEXT = 2_000
"""A text tower reads some 75 tokens, of which few have more than ten characters."""
LONGEST_TARGET = 1_900_000
"""Characters of a target as JSON, as recipes contain it; the largest direction of all takes about half of them."""


class TargetBase(ReadableBase):
    """Common to all targets: each says by itself what the rest of ClipDesk wants to know of it."""

    if TYPE_CHECKING:
        # A unit has these two as fields, which pydantic does not allow to hide a base's properties.
        @property
        def layer(self) -> str | None:
            """Dotted name of a unit's layer; None for other targets."""

        @property
        def index(self) -> int | None:
            """A unit's index in its layer; None for other targets."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The label without the layer."""

    @property
    @abstractmethod
    def stem(self) -> str:
        """The beginning of the name of its picture's file, e.g. ``text_a-star``."""

    @property
    @abstractmethod
    def sort_key(self) -> tuple[str, int]:
        """Pictures are sorted by it: layer and index; other targets stand for a layer of their own."""

    @abstractmethod
    def short(self, one_layer: bool) -> str:
        """The label as short as it can be.

        Args:
            one_layer: Whether all targets that are shown are of one layer, so that a unit's index is enough.
        """

    @property
    @abstractmethod
    def seed_offset(self) -> int:
        """What is added to a job's first seed: a unit's index; 0 for other targets."""


class Unit(TargetBase):
    """One unit of a layer: a neuron of a token layer (mean over the patches), a channel, or an attention head."""

    kind: Literal["unit"] = "unit"
    layer: str
    index: int = Field(ge=0)

    @property
    @override
    def name(self) -> str:
        """The index."""
        return str(self.index)

    @property
    @override
    def label(self) -> str:
        """``visual.transformer.resblocks.5.mlp:12``."""
        return f"{self.layer}:{self.index}"

    @property
    @override
    def reads(self) -> tuple[str, ...]:
        return (self.layer,)

    @property
    @override
    def stem(self) -> str:
        """``neuron_12_visual.transformer.resblocks.5.mlp``."""
        return f"neuron_{self.index}_{safe_name(self.layer)}"

    @property
    @override
    def sort_key(self) -> tuple[str, int]:
        return self.layer, self.index

    @override
    def short(self, one_layer: bool) -> str:
        return str(self.index) if one_layer else self.label

    @property
    @override
    def seed_offset(self) -> int:
        return self.index


class _NotAUnit(TargetBase):
    """A target that is not one unit: it has no layer and no index of its own."""

    if TYPE_CHECKING:

        @property
        def kind(self) -> str:
            """``text`` or ``combined``."""

    @property
    def layer(self) -> None:
        """None: it is not a unit."""
        return None

    @property
    def index(self) -> None:
        """None: it is not a unit."""
        return None

    @property
    @override
    def stem(self) -> str:
        return f"{self.kind}_{safe_words(self.name) or 'target'}"

    @property
    @override
    def sort_key(self) -> tuple[str, int]:
        return self.label, 0

    @override
    def short(self, one_layer: bool) -> str:
        return self.label

    @property
    @override
    def seed_offset(self) -> int:
        return 0


class Text(_NotAUnit):
    """A text; the picture's embedding is to point where the text's does (cosine similarity)."""

    kind: Literal["text"] = "text"
    text: str = Field(min_length=1, max_length=_LONGEST_TEXT)

    @property
    @override
    def name(self) -> str:
        """The text itself."""
        return self.text

    @property
    @override
    def label(self) -> str:
        """The text in quotation marks."""
        return f'"{self.text}"'

    @property
    @override
    def reads(self) -> tuple[str, ...]:
        return (TOWER,)


Position = Literal["patches", "class", "max"] | Annotated[int, Field(ge=0)]
"""Where a layer is read: mean over the patches, the class token, the largest of the patches, or one position."""


Readable = Annotated[Unit | Text | ImageTarget | Others | Decoder | Direction, Field(discriminator="kind")]
"""Everything that a term can read."""


class Term(BaseModel):
    """A part of a `Combined` target.

    Attributes:
        what: What is read.
        weight: What it is multiplied by; negative for what is to be small.
        at: The position in the layer; a text or an image has only one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: Readable
    weight: float = Field(1.0, allow_inf_nan=False)
    at: Position = "patches"

    @model_validator(mode="after")
    def _counts(self) -> Self:
        if self.weight == 0:
            raise ValueError("its weight is zero")
        if isinstance(self.what, Text | ImageTarget) and self.at != "patches":
            raise ValueError("a text or an image has only one position")
        return self

    @property
    def label(self) -> str:
        """As it is written, without its weight: ``visual.transformer.resblocks.5.mlp:12@max``."""
        return self.what.label if self.at == "patches" else f"{self.what.label}@{self.at}"


class Combined(_NotAUnit):
    """A weighted sum of units, texts, images and directions, or one of them at another position than the patches."""

    kind: Literal["combined"] = "combined"
    terms: Annotated[tuple[Term, ...], Field(min_length=1, max_length=_MOST_TERMS)]

    @property
    @override
    def name(self) -> str:
        """The label."""
        return self.label

    @property
    @override
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

    @property
    @override
    def stem(self) -> str:
        # The words alone would give a target and its negative one name.
        minus = "minus-" if self.terms[0].weight < 0 else ""
        return f"{self.kind}_{safe_words(f'{minus}{self.name}') or 'target'}"

    @property
    @override
    def reads(self) -> tuple[str, ...]:
        return tuple(layer for term in self.terms for layer in term.what.reads)

    @property
    @override
    def files(self) -> tuple[str, ...]:
        return tuple(path for term in self.terms for path in term.what.files)


Target = Annotated[Unit | Text | Combined, Field(discriminator="kind")]


def check_length(target: Target) -> None:
    """Check that a recipe can contain a target, so that its picture can be read again.

    Raises:
        UsageError: the target is too long.
    """
    if isinstance(target, Combined) and sum(map(_length, target.terms)) > LONGEST_TARGET:
        raise UsageError(
            f"A target of {len(target.terms)} terms with so many numbers is too long for the recipe in a picture. "
            "Name fewer directions, or add up those of one layer into one file"
        )


def _length(term: Term) -> int:
    """An upper bound of a term's characters as JSON."""
    return len(term.what.model_dump_json()) + 100


def terms_of(target: Target) -> tuple[Term, ...]:
    """A target as the sum that it is."""
    return target.terms if isinstance(target, Combined) else (Term(what=target),)
