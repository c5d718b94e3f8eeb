"""Whether a rendered picture can be trusted: what its unit, its layer and the network make of it, beside others."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from clipdesk.activations.measuring import Picture, activations_in, check_comparable, square_of
from clipdesk.activations.questions.ranking import Rank, rank
from clipdesk.activations.reading import PooledReader
from clipdesk.activations.statistics import NONE, Pooling, UnitStatistics
from clipdesk.activations.survey import Survey
from clipdesk.network.opened import OpenModel

Verdict = Literal["trust", "doubt", "no"]
ReadPicture = Callable[[int], Image.Image | None]
"""Reads a picture of the survey by its index; None where it is not there any more."""

_SHIFT, _BLUR, _JPEG = 3, 0.7, 75
"""Pixels that a picture is moved by, standard deviation of the blur in pixels, and quality of the JPEG."""
_COMPARED = 8
"""Top pictures, and as many others, whose way through the layers is compared with the picture's."""
_APART = 4
"""The others are none of so many times as many top pictures."""
_LEAST_APART = 0.05
"""Layers that do not tell the top pictures from others by so much say nothing of the way."""
_STRONG, _WEAK = 0.99, 0.9
_FEW, _KEPT, _NEAR = 0.01, 0.5, 0.3


@dataclass(frozen=True)
class Check:
    """What speaks for a picture of a unit, and against it.

    Attributes:
        rank: Where its activation is among those of the survey's pictures, from the picture as it is saved.
        higher: How many units of the layer stand higher in it, each measured in its own standard deviations.
        units: Units of the layer.
        kept: The share of the activation that is left after a shift, a blur and a JPEG, their mean; NaN where the
            activation is not above zero.
        path: How near the picture's way through the layers is to that of the unit's top pictures, from 0, as other
            pictures', to 1, as theirs (after Geirhos et al. 2024, arXiv:2306.04719), the mean of the layers; NaN where
            none can be compared.
    """

    rank: Rank
    higher: int
    units: int
    kept: float
    path: float

    @property
    def score(self) -> float:
        """All of it in one number, from 0 to 1: the mean of what is known."""
        strength = (self.rank.share - _WEAK) / (1 - _WEAK)
        among = 1 - math.log1p(self.higher) / math.log1p(max(1, self.units - 1))
        parts = [strength, among, self.kept, self.path]
        known = [min(1.0, max(0.0, part)) for part in parts if math.isfinite(part)]
        return sum(known) / len(known)

    @property
    def against(self) -> tuple[str, ...]:
        """What speaks against it, in words; empty if nothing does."""
        rank = (f"it excites the unit {self.rank.in_words}",) if self.rank.share < _STRONG else ()
        return *rank, *self._against_the_rest()

    def _against_the_rest(self) -> tuple[str, ...]:
        found = []
        if self.higher > max(1, _FEW * self.units):
            found.append(f"{self.higher:,} of {self.units:,} units of the layer stand higher in it")
        if self.kept < _KEPT:
            found.append(f"a shift, a blur and a JPEG leave {100 * max(0.0, self.kept):.0f} % of the activation")
        if self.path < _NEAR:
            found.append("it goes another way through the layers than the pictures that excite the unit most")
        return tuple(found)

    @property
    def verdict(self) -> Verdict:
        """``no`` for a picture that does not even excite its unit, ``doubt`` if anything else speaks against it."""
        if self.rank.share < _WEAK or self.kept < 0:
            return "no"
        return "doubt" if self.against else "trust"

    @property
    def beside_rank(self) -> str:
        """The verdict with its reasons, for who knows already where the activation is."""
        reasons = "; ".join(self._against_the_rest())
        return f"{self.verdict.capitalize()}: {reasons}" if reasons else self.verdict.capitalize()

    @property
    def in_words(self) -> str:
        """The verdict with its reasons, in a sentence."""
        if self.against:
            return f"{self.verdict.capitalize()}: {'; '.join(self.against)}"
        best = "a superstimulus, since nothing in the set excites the unit as much; " if self.rank.ratio > 1 else ""
        return f"Trust: {best}it excites the unit {self.rank.in_words}"


def check_picture(
    opened: OpenModel,
    survey: Survey,
    layer: str,
    unit: int,
    picture: Picture,
    *,
    read: ReadPicture,
    pooling: Pooling | None = None,
) -> Check:
    """Check a picture of a unit; a second or less for the embedded models on a CPU.

    Args:
        opened: The survey's model.
        survey: A survey.
        layer: Dotted name of a layer.
        unit: Index of the unit.
        picture: The picture, as it is saved.
        read: Reads pictures of the survey, with which its way through the layers is compared.
        pooling: By default the layer's usual one.

    Raises:
        UsageError: the survey is of other weights, or does not have the layer or the unit; the picture cannot be read.
    """
    pooling = check_comparable(opened, survey, layer, unit, pooling)
    image = square_of(picture, opened.side)
    values = activations_in(opened, layer, [image, *_changed(image)], pooling=pooling)
    statistics, value = survey.statistics[layer, pooling], float(values[0, unit])
    with np.errstate(divide="ignore", invalid="ignore"):
        heights = (values[0] - statistics.means) / statistics.deviations
    heights[~statistics.varies] = -math.inf
    return Check(
        rank=rank(statistics, unit, value),
        higher=int((heights > heights[unit]).sum()),
        units=statistics.units,
        kept=float(values[1:, unit].mean()) / value if value > 0 else math.nan,
        path=_path(opened, survey, statistics, unit, image, read),
    )


def _changed(image: Image.Image) -> list[Image.Image]:
    """The picture moved, blurred, and through a JPEG."""
    padded = np.pad(np.asarray(image), ((_SHIFT, 0), (_SHIFT, 0), (0, 0)), mode="reflect")
    moved = Image.fromarray(padded[: image.height, : image.width])
    file = io.BytesIO()
    image.save(file, format="JPEG", quality=_JPEG)
    return [moved, image.filter(ImageFilter.GaussianBlur(_BLUR)), Image.open(file).convert("RGB")]


def _path(
    opened: OpenModel, survey: Survey, statistics: UnitStatistics, unit: int, image: Image.Image, read: ReadPicture
) -> float:
    tops = [int(index) for index in statistics.top.pictures[unit, :_COMPARED] if index != NONE]
    near = set(statistics.top.pictures[unit, : _APART * _COMPARED].tolist())
    others = [index for index in survey.sample.tolist() if index not in near]
    shown = [
        (index in tops, found)
        for index in [*tops, *others[:: max(1, len(others) // _COMPARED)][:_COMPARED]]
        if (found := read(index)) is not None
    ]
    of_unit = np.array([is_top for is_top, _ in shown], dtype=bool)
    layers = _layers_to(survey, statistics.layer)
    if of_unit.sum() < 2 or (~of_unit).sum() < 1 or not layers:
        return math.nan
    squares = [image, *(square_of(each, opened.side) for _, each in shown)]
    pixels = np.stack([np.asarray(each).transpose(2, 0, 1) for each in squares])
    outputs, _ = PooledReader(opened, layers, "float32").read(torch.from_numpy(pixels))
    ways = []
    for layer in layers:
        known = survey.statistics[layer, "mean"]
        values = outputs[layer, "mean"].values.cpu().numpy()[:, known.varies]
        rows = (values - known.means[known.varies]) / known.deviations[known.varies]
        ways.append(_nearness(rows[0], rows[1:][of_unit], rows[1:][~of_unit]))
    told = [each for each in ways if math.isfinite(each)]
    return float(np.mean(np.clip(told, -1, 1.5))) if told else math.nan


def _layers_to(survey: Survey, layer: str) -> list[str]:
    """The surveyed layers up to this one, in the network's order."""
    names = [name for name, pooling in survey.statistics if pooling == "mean"]
    return names[: names.index(layer) + 1] if layer in names else names


def _nearness(row: NDArray[np.float64], tops: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """From 0, as other pictures, to 1, as the top pictures; NaN for a layer that does not tell these apart."""
    mean = tops.mean(axis=0)
    # Each top picture beside the mean of the rest, as the picture is beside the mean of all.
    rest = (tops.sum(axis=0) - tops) / (len(tops) - 1)
    same = float(np.mean([_cosine(own, left) for own, left in zip(tops, rest, strict=True)]))
    other = float(np.mean([_cosine(each, mean) for each in others]))
    return (_cosine(row, mean) - other) / (same - other) if same - other > _LEAST_APART else math.nan


def _cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(a @ b / max(1e-12, float(np.linalg.norm(a) * np.linalg.norm(b))))
