"""What the window asks of surveys and what they answer, as plain data. Loads neither torch nor NumPy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clipdesk.models.names import parse_name, short_name
from clipdesk.network.layer_names import short_layer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtGui import QImage

    from clipdesk.activations.questions.layer import UnitTable
    from clipdesk.activations.questions.overview import Overview
    from clipdesk.activations.statistics import Pooling

_LONGEST = 400


class PooledUnit(NamedTuple):
    """A unit, and how its values at positions become one.

    Attributes:
        layer: Dotted name of its layer.
        unit: Its index.
        pooling: The pooling; None for the usual one of the layer.
    """

    layer: str
    unit: int
    pooling: Pooling | None = None


@dataclass(frozen=True)
class Question:
    """What units are looked for by: a text, an image, or another unit.

    Attributes:
        text: A word or a sentence.
        image: An image of the user's.
        unit: Another unit.
        layer: Only units of this layer; of all layers by default.
    """

    text: str = ""
    image: Path | None = None
    unit: PooledUnit | None = None
    layer: str | None = None

    @property
    def words(self) -> str:
        """What is looked for, for people."""
        if self.unit is not None:
            return f"units like {short_layer(self.unit.layer)}:{self.unit.unit}"
        return f'"{self.text}"' if self.image is None else self.image.name


class FoundUnit(NamedTuple):
    """A unit that was found.

    Attributes:
        pooled: The unit, with the pooling in which it was found.
        correlation: Pearson correlation with what was looked for.
        pictures: Indices of its top pictures.
        model: The model that has it; empty for the one that is open.
    """

    pooled: PooledUnit
    correlation: float
    pictures: tuple[int, ...]
    model: str = ""

    @property
    def name(self) -> str:
        """Its layer and index, for people, after the name of another model."""
        model = f"{short_name(parse_name(self.model))} " if self.model else ""
        return f"{model}{short_layer(self.pooled.layer)}:{self.pooled.unit}"

    @property
    def whole_name(self) -> str:
        """The same with the layer's dotted name."""
        return f"{self.pooled.layer}:{self.pooled.unit}"


class Word(NamedTuple):
    """A unit's first word.

    Attributes:
        concept: The word.
        pearson: Correlation of the unit with it, in pictures that were held out; NaN for too few.
        weak: Whether chance reaches as much.
    """

    concept: str
    pearson: float
    weak: bool

    @property
    def score(self) -> str:
        """The correlation as text; empty where it is not known."""
        return f"{self.pearson:.2f}" if math.isfinite(self.pearson) else ""


class Written(NamedTuple):
    """What a unit writes, in words.

    Attributes:
        words: The words, with their shares or cosines, the largest first.
        reason: Why there are none; empty where there are.
    """

    words: tuple[Word, ...]
    reason: str = ""


@dataclass(frozen=True)
class Photo:
    """A picture of a set, as a tile.

    Attributes:
        picture: Its index in the survey.
        value: The unit's activation in it.
        place: Where it is in its set.
        label: Its class; may be empty.
        caption: May be empty.
        alike: How many near-duplicates stand behind it.
    """

    picture: int
    value: float
    place: str
    label: str = ""
    caption: str = ""
    alike: int = 0

    @property
    def words(self) -> str:
        """All that is known of it, a line each, of bounded length."""
        more = f"and {self.alike} much like it" if self.alike else ""
        lines = (self.place, self.label, self.caption, f"activation {self.value:.4g}", more)
        return "\n".join(line[:_LONGEST] for line in lines if line)


@dataclass(frozen=True)
class Heading:
    """A tile of words, which begins a row; without words, one that fills it."""

    words: str = ""


@dataclass(frozen=True, eq=False)
class Heat:
    """Where a unit fires in a picture.

    Attributes:
        over: The picture, grey where it does not.
        crop: The part of the picture around the place where it fires most.
    """

    over: QImage
    crop: QImage


@dataclass(frozen=True, eq=False)
class LayerFacts:
    """What the table of neurons and the wall show of a layer's units.

    Attributes:
        table: The numbers.
        overview: Which of them are dead, dense, clear and redundant.
        counts: The histogram of each unit, (units, bins).
        tops: Index of each unit's top picture, (units,); -1 where there is none.
        words: The first word of each unit, None for one that has none; empty as long as they are not known.
    """

    table: UnitTable
    overview: Overview
    counts: NDArray[np.uint32]
    tops: NDArray[np.int32]
    words: tuple[Word | None, ...] = ()


@dataclass(frozen=True, eq=False)
class UnitFacts:
    """All of it, ready to be shown.

    Attributes:
        pooling: How the unit's values at positions became one.
        poolings: The ways that the survey has for the layer.
        numbers: Names and values, in words.
        edges: Ends of the histogram's bins, one more than there are bins.
        counts: Pictures in each bin.
        top: The pictures that excite it most, or words that there are none.
        range: Some of each part of its range, the largest first, each part after its heading.
        bottom: The pictures that excite it least.
        groups: Its top pictures, in groups of what is alike.
        against: Pictures in which it and its first word disagree, each part after its heading.
        words: What it answers to; None until the words are read.
        opposite: What it answers to least.
        within: The units of its layer that are most like it.
        across: Those of other layers.
    """

    pooling: Pooling
    poolings: tuple[Pooling, ...]
    numbers: tuple[tuple[str, str], ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    top: tuple[Photo | Heading, ...]
    range: tuple[Photo | Heading, ...]
    bottom: tuple[Photo, ...]
    groups: tuple[Photo | Heading, ...]
    against: tuple[Photo | Heading, ...]
    words: tuple[Word, ...] | None
    opposite: tuple[Word, ...]
    within: tuple[FoundUnit, ...]
    across: tuple[FoundUnit, ...]
