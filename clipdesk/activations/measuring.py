"""What units answer to a given picture, read as a survey reads its pictures: without the views of a render."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from clipdesk.activations.questions.lookup import check_pooling
from clipdesk.activations.questions.ranking import Rank, rank
from clipdesk.activations.reading import PooledReader
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError
from clipdesk.given import checked
from clipdesk.imagesets.pixels import fitted
from clipdesk.imagesets.reading import read_image
from clipdesk.network.opened import OpenModel

Picture = str | Path | Image.Image | NDArray[np.uint8]
"""A file, an image, or pixels in RGB, (height, width, 3)."""

_BATCH = 16


def activations_in(
    opened: OpenModel, layer: str, pictures: Sequence[Picture], *, pooling: Pooling
) -> NDArray[np.float32]:
    """The activations of a layer's units in some pictures, comparable with those of a survey.

    A rendered picture is taken as its file has it: the square in its middle, at the model's size, and no transforms. So
    the number differs from the curve's, which is of transformed views.

    Args:
        opened: The model.
        layer: Name of a layer.
        pictures: The pictures.
        pooling: How values at positions become one.

    Returns:
        (pictures, units).

    Raises:
        UsageError: a file is not an image that can be read; there is no such layer, or it cannot be pooled so.
    """
    reader = PooledReader(opened, [layer], "float32")
    (name,) = reader.layers
    if (name, pooling) not in (units := reader.units()):
        raise UsageError(f"Layer '{name}' has no {pooling}. Available: {', '.join(each for _, each in units)}")
    parts = [np.zeros((0, units[name, pooling]), np.float32)]
    for first in range(0, len(pictures), _BATCH):
        squares = [square_of(each, opened.side) for each in pictures[first : first + _BATCH]]
        pixels = np.stack([np.asarray(each).transpose(2, 0, 1) for each in squares])
        found, _ = reader.read(torch.from_numpy(pixels))
        parts.append(found[name, pooling].values.cpu().numpy())
    return np.concatenate(parts)


@checked
def rank_of_picture(
    opened: OpenModel, survey: Survey, layer: str, unit: int, picture: Picture, *, pooling: Pooling | None = None
) -> Rank:
    """Where a picture's activation is among those of a survey's pictures.

    Args:
        opened: The survey's model.
        survey: A survey.
        layer: Dotted name of a layer.
        unit: Index of the unit.
        picture: Such as one that was rendered for the unit.
        pooling: By default the layer's usual one.

    Raises:
        UsageError: as `activations_in`; or the survey is of other weights, or does not have the layer or the unit.
    """
    pooling = check_comparable(opened, survey, layer, unit, pooling)
    value = float(activations_in(opened, layer, [picture], pooling=pooling)[0, unit])
    return rank(survey.statistics[layer, pooling], unit, value)


def check_comparable(opened: OpenModel, survey: Survey, layer: str, unit: int, pooling: Pooling | None) -> Pooling:
    """Check that a model's activations can be compared with those of a survey; the pooling that is meant.

    Raises:
        UsageError: the survey is of other weights, or does not have the layer or the unit.
    """
    if opened.sha256 is not None and survey.weights not in (opened.sha256, opened.plain):
        raise UsageError("The survey is of other weights than the model's, so their activations cannot be compared")
    opened.inspector.check_unit(layer, unit)
    return check_pooling(survey, layer, pooling)


def square_of(picture: Picture, side: int) -> Image.Image:
    """The square in a picture's middle, at a side, as a survey sees it.

    Raises:
        UsageError: a file is not an image that can be read.
    """
    return fitted(_image(picture), side)


def _image(picture: Picture) -> Image.Image:
    if isinstance(picture, str | os.PathLike):
        return read_image(Path(picture))
    return picture.convert("RGB") if isinstance(picture, Image.Image) else Image.fromarray(picture).convert("RGB")
