"""Check a rendered picture: what its target, its layer, its network and another model make of it, beside others."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from clipdesk.activations.checking.beside import beside
from clipdesk.activations.checking.check import Check
from clipdesk.activations.checking.known import KnownTarget, Outputs, known_target
from clipdesk.activations.checking.nearness import Space, nearness
from clipdesk.activations.checking.second import ReadPicture, SecondReader
from clipdesk.activations.measuring import Picture, square_of
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.reading import PooledReader
from clipdesk.activations.statistics import Pooling, UnitStatistics
from clipdesk.activations.survey import Survey
from clipdesk.given import checked
from clipdesk.network.opened import OpenModel
from clipdesk.render.targets import Target

_SHIFT, _BLUR, _JPEG = 3, 0.7, 75
"""Pixels that a picture is moved by, standard deviation of the blur in pixels, and quality of the JPEG."""
_COMPARED = 8
"""Top pictures, and as many others, whose way through the layers is compared with the picture's."""


@checked
def check_picture(
    opened: OpenModel,
    survey: Survey,
    target: Target,
    picture: Picture,
    *,
    read: ReadPicture,
    reader: SecondReader | None = None,
    vocabulary: Vocabulary | None = None,
    pooling: Pooling | None = None,
    own_texts: bool = False,
) -> Check:
    """Check a picture of a target; a second or less for the embedded models on a CPU.

    Args:
        opened: The survey's model.
        survey: A survey.
        target: What it is to show.
        picture: The picture, as it is saved.
        read: Reads pictures of the survey, with which its way through the layers is compared.
        reader: A second model that reads the picture; without one the verdict is never better than doubt.
        vocabulary: Concepts that a text is compared with, read by the survey's model.
        pooling: How a unit's values at positions become one; by default the layer's usual way.
        own_texts: As for `known_target`.

    Raises:
        UsageError: the survey is of other weights, or does not have a layer or a unit; it does not know of a part of
            the target; the picture cannot be read.
    """
    known = known_target(opened, survey, target, pooling=pooling, own_texts=own_texts)
    image = square_of(picture, opened.side)
    layers = _layers_to(survey, known)
    needed = list(dict.fromkeys([*layers, *(layer for layer, _ in known.keys)]))
    found = outputs_of(opened, needed, [image, *_changed(image)])
    scores = known.score(found)
    height = (scores[0] - known.mean) / known.deviation if known.deviation else -math.inf
    compared = beside(survey, known, vocabulary)
    above = scores[0] - known.mean
    return Check(
        rank=known.rank(float(scores[0])),
        higher=0 if compared is None else compared.higher(found, height),
        beside="" if compared is None else compared.what,
        among=0 if compared is None else compared.count,
        kept=float((scores[1:] - known.mean).mean() / above) if above > 0 else math.nan,
        near=_near(survey, known, found),
        path=_path(opened, survey, known, layers, found, read),
        seen=None if reader is None else reader.see(picture, known),
    )


def _near(survey: Survey, known: KnownTarget, found: Outputs) -> float:
    """How near the picture is to the target's top pictures in the model's own embedding."""
    embeddings = survey.embeddings
    space = Space.of(embeddings.mean, embeddings.scatter / max(1, len(survey.pictures)))
    tops, others = (space(embeddings.unit_rows(np.array(some, dtype=np.intp))) for some in (known.tops, known.others))
    return nearness(space(found.embeddings[0]), tops, others)


def outputs_of(opened: OpenModel, layers: Sequence[str], images: Sequence[Image.Image]) -> Outputs:
    """Pictures as a model reads them, pooled in all ways.

    Raises:
        UsageError: there is no such layer.
    """
    pixels = np.stack([np.asarray(square_of(each, opened.side)).transpose(2, 0, 1) for each in images])
    pooled, embeddings = PooledReader(opened, layers, "float32").read(torch.from_numpy(pixels))
    values = {key: each.values.cpu().numpy() for key, each in pooled.items()}
    return Outputs(values, embeddings.cpu().numpy())


def _changed(image: Image.Image) -> list[Image.Image]:
    """The picture moved, blurred, and through a JPEG."""
    padded = np.pad(np.asarray(image), ((_SHIFT, 0), (_SHIFT, 0), (0, 0)), mode="reflect")
    moved = Image.fromarray(padded[: image.height, : image.width])
    file = io.BytesIO()
    image.save(file, format="JPEG", quality=_JPEG)
    return [moved, image.filter(ImageFilter.GaussianBlur(_BLUR)), Image.open(file).convert("RGB")]


def _path(
    opened: OpenModel, survey: Survey, known: KnownTarget, layers: Sequence[str], found: Outputs, read: ReadPicture
) -> float:
    others = known.others[:: max(1, len(known.others) // _COMPARED)][:_COMPARED]
    tops, rest = _readable(known.tops[:_COMPARED], read), _readable(others, read)
    if len(tops) < 2 or not rest or not layers:
        return math.nan
    beside_it = outputs_of(opened, layers, [*tops, *rest])
    ways = []
    for layer in layers:
        statistics = survey.statistics[layer, "mean"]
        row = _heights(found.values[layer, "mean"][:1], statistics)[0]
        rows = _heights(beside_it.values[layer, "mean"], statistics)
        ways.append(nearness(row, rows[: len(tops)], rows[len(tops) :]))
    told = [each for each in ways if math.isfinite(each)]
    return float(np.mean(np.clip(told, -1, 1.5))) if told else math.nan


def _readable(pictures: Sequence[int], read: ReadPicture) -> list[Image.Image]:
    return [image for each in pictures if (image := read(each)) is not None]


def _heights(values: NDArray[np.float32], statistics: UnitStatistics) -> NDArray[np.float64]:
    """How far each unit that varies stands above its mean, in its standard deviations, (pictures, units)."""
    varies = statistics.varies
    return np.asarray((values[:, varies] - statistics.means[varies]) / statistics.deviations[varies], dtype=np.float64)


def _layers_to(survey: Survey, known: KnownTarget) -> list[str]:
    """The surveyed layers up to the last one that the target reads, in the network's order."""
    names = [name for name, pooling in survey.statistics if pooling == "mean"]
    read = [names.index(layer) for layer, _ in known.keys if layer in names]
    return names[: max(read) + 1] if read and known.keys else names
