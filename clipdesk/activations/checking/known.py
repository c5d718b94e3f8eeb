"""What a survey knows of a target: how much its pictures excite it, and which of them do so most."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from clipdesk.activations.directions import image_direction
from clipdesk.activations.questions.examples import exciting, top_of
from clipdesk.activations.questions.lookup import check_pooling
from clipdesk.activations.questions.ranking import Rank, rank
from clipdesk.activations.statistics import Key, Pooling
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError
from clipdesk.models.texts import tokenize
from clipdesk.network.frozen import frozen
from clipdesk.network.latents.source import LatentsOf
from clipdesk.network.layer_names import short_label, short_layer
from clipdesk.network.opened import OpenModel
from clipdesk.render.centre import text_centre
from clipdesk.render.readable import Decoder, Direction, ImageTarget, Others
from clipdesk.render.targets import Target, Term, Text, Unit, terms_of

if TYPE_CHECKING:
    from clip.model import CLIP

_MOST, _LEAST, _SHARE = 20, 4, 20
"""Pictures that stand for what excites a target most: one of so many of the survey's, in these bounds."""
_FEWEST = 2
"""Pictures that it takes to see what they have in common."""
_NEAR = 5
"""Pictures that stand for all others are none of so many times as many of the most exciting ones."""
_ALIKE = 0.8
"""Mean cosine of a model's texts about different things from which on a whole text names next to nothing: the pictures
that answer to it most are those that answer to any text. It is 0.59 and 0.61 of `demo` and `demo-rn`, whose checks are
worse without the whole text, and 0.96 of `photo`, whose checks are worth nothing with it (docs/understanding.md)."""
_CENTRES = WeakKeyDictionary[OpenModel, NDArray[np.float32]]()
"""Of models whose texts were checked, since it takes a large one seconds."""
_POOLINGS: Mapping[object, Pooling] = {"patches": "mean", "max": "max", "class": "class"}


@dataclass(frozen=True, eq=False)
class Outputs:
    """Some pictures as the model reads them.

    Attributes:
        values: By layer and pooling, (pictures, units).
        embeddings: Of length 1, (pictures, width).
    """

    values: Mapping[Key, NDArray[np.float32]]
    embeddings: NDArray[np.float32]


Score = Callable[[Outputs], NDArray[np.float64]]
"""How much pictures excite a target, (pictures,)."""


@dataclass(frozen=True, eq=False)
class KnownTarget:
    """A target, with what a survey knows of it.

    Attributes:
        target: The target.
        keys: What its score reads: layers, each with its pooling; none where it reads embeddings alone.
        score: Its score, as a survey reads pictures: without the views of a render.
        rank: Where a score is among those of the survey's pictures.
        mean: Mean score of the survey's pictures.
        deviation: Standard deviation of their scores; 0 where all are the same.
        tops: Pictures of the survey that excite it most, the best first.
        others: Pictures drawn by chance that are not among those.
    """

    target: Target
    keys: tuple[Key, ...]
    score: Score
    rank: Callable[[float], Rank]
    mean: float
    deviation: float
    tops: tuple[int, ...]
    others: tuple[int, ...]

    @property
    def label(self) -> str:
        """As people write it, with short names of layers."""
        return short_label(self.target.label)

    @property
    def text(self) -> str | None:
        """The text that it is; None for other targets."""
        return self.target.text if isinstance(self.target, Text) else None


def known_target(
    opened: OpenModel, survey: Survey, target: Target, *, pooling: Pooling | None = None, own_texts: bool = False
) -> KnownTarget:
    """What a survey knows of a target.

    Of a unit and of texts it knows the scores of all its pictures, of sums and directions in layers those of the up to
    512 sampled ones, in which the activations of all units are kept.

    Args:
        opened: The survey's model.
        survey: A survey.
        target: The target.
        pooling: How a unit's values at positions become one; by default as it was rendered.
        own_texts: Whether a text was rendered by what is its own, without what all texts share
            (`RenderSettings.text_direction`). A model whose texts are nearly all alike is asked so in any case.

    Raises:
        UsageError: the survey is of other weights, or does not have a layer; it does not know of a part of the target;
            an image of the target cannot be read.
    """
    if opened.sha256 is not None and survey.weights not in (opened.sha256, opened.plain):
        raise UsageError("The survey is of other weights than the model's, so their activations cannot be compared")
    terms = terms_of(target)
    if pooling is None and isinstance(target, Unit):
        pooling = check_pooling(survey, target.layer, None)
    for term in terms:
        if isinstance(term.what, Unit):
            opened.inspector.check_unit(term.what.layer, term.what.index)
    parts = [_part(opened, survey, term, pooling, own_texts) for term in terms]
    keys = tuple(dict.fromkeys(key for key, _ in parts if key is not None))

    def score(outputs: Outputs) -> NDArray[np.float64]:
        found = np.zeros(len(outputs.embeddings))
        for term, (key, of) in zip(terms, parts, strict=True):
            values = outputs.embeddings if key is None else outputs.values[key]
            found += term.weight * of(values)
        return found

    if len(terms) == 1 and isinstance(terms[0].what, Unit) and terms[0].weight > 0:
        return _of_unit(survey, target, keys[0], terms[0].what.index, score, terms[0].weight)
    pictures = survey.sample if keys else np.arange(len(survey.pictures), dtype=np.int32)
    values = {key: survey.statistics[key].sample.T.astype(np.float32) for key in keys}
    scores = score(Outputs(values, survey.embeddings.unit_rows(pictures)))
    order, count = _exciting(scores), _count(len(scores))
    return KnownTarget(
        target,
        keys,
        score,
        lambda value: _rank_among(scores, value),
        float(scores.mean()),
        float(scores.std()),
        tuple(pictures[order[:count]].tolist()),
        _others(survey, set(pictures[order[: _NEAR * count]].tolist())),
    )


def text_rows(opened: OpenModel, texts: Sequence[str]) -> NDArray[np.float32]:
    """Embeddings of texts as they are, of length 1, (texts, width).

    Raises:
        UsageError: the model cannot read texts, or not one so long.
    """
    with torch.no_grad(), frozen(opened.network):
        tokens = tokenize(list(texts), opened.network).to(opened.device)
        rows = cast("CLIP", opened.network).encode_text(tokens).float()
    return np.asarray(torch.nn.functional.normalize(rows, dim=-1).cpu().numpy(), dtype=np.float32)


def _text_row(opened: OpenModel, text: str, own: bool) -> NDArray[np.float32]:
    """The direction of a text: as it is, or what is its own if it was rendered so or the model's texts are alike."""
    if opened not in _CENTRES:
        with frozen(opened.network):
            _CENTRES[opened] = text_centre(opened.network).cpu().numpy()
    centre, row = _CENTRES[opened], text_rows(opened, [text])[0]
    if own or float(centre @ centre) > _ALIKE:
        row = row - centre
    return np.asarray(row / max(1e-12, float(np.linalg.norm(row))), dtype=np.float32)


_Part = tuple[Key | None, Callable[[NDArray[np.float32]], NDArray[np.float32]]]
"""What a term reads, None for embeddings, and its score from that."""


def _part(opened: OpenModel, survey: Survey, term: Term, pooling: Pooling | None, own_texts: bool) -> _Part:
    what = term.what
    if isinstance(what, Text):
        row = _text_row(opened, what.text, own_texts)
        return None, lambda rows: rows @ row
    if isinstance(what, ImageTarget):
        image = image_direction(opened, Path(what.path))
        return None, lambda rows: rows @ (image / np.linalg.norm(image))
    if isinstance(what, Others):
        raise UsageError(f"A survey does not know the mean size of a layer's units, which {_short(what)} is")
    if isinstance(what, Decoder):
        what = _written(opened, what)
    if term.at not in _POOLINGS:
        raise UsageError(f"A survey does not know layer {short_layer(what.layer)} at position {term.at}")
    key = what.layer, check_pooling(survey, what.layer, pooling or _POOLINGS[term.at])
    if isinstance(what, Unit):
        index = what.index
        return key, lambda values: values[:, index]
    if key[1] == "max":
        raise UsageError(f"A survey does not know the largest value along {_short(what)}")
    return key, _along(what, survey.statistics[key].units)


def _written(opened: OpenModel, what: Decoder) -> Direction:
    """What a latent writes, as a direction in the layer that it reads."""
    source = opened.inspector.check_unit(what.layer, what.index).source
    if not isinstance(source, LatentsOf):
        raise UsageError(f"{short_label(what.label)}: only latents of a sparse autoencoder have a decoder")
    vector = tuple(source.latents.decoder[what.index].tolist())
    return Direction(layer=source.base.name, vector=vector, name=short_label(what.label))


def _short(what: Direction | Others) -> str:
    return short_label(what.label)


def _along(direction: Direction, units: int) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    vector = np.array(direction.vector, dtype=np.float32)
    if len(vector) != units:
        raise UsageError(f"{_short(direction)} has {len(vector)} values, but the layer has {units} units")
    vector /= np.linalg.norm(vector)
    return lambda values: values @ vector


def _of_unit(survey: Survey, target: Target, key: Key, unit: int, score: Score, weight: float) -> KnownTarget:
    statistics = survey.statistics[key]
    own = statistics.only(np.array([unit]))
    lit = exciting(own)
    tops = [each.picture for each in (lit if len(lit) >= _FEWEST else top_of(own))]
    count = _count(statistics.count)
    return KnownTarget(
        target,
        (key,),
        score,
        lambda value: rank(statistics, unit, value / weight),
        float(statistics.means[unit]) * weight,
        float(statistics.deviations[unit]) * weight if statistics.varies[unit] else 0.0,
        tuple(tops[:count]),
        _others(survey, set(tops[: _NEAR * count])),
    )


def _exciting(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """Pictures by their score, the largest first, without those that share the smallest: no unit is active in them."""
    order = np.argsort(-scores, kind="stable")
    least = scores == scores.min()
    return order[~least[order]] if 1 < least.sum() <= len(scores) - _FEWEST else order


def _count(pictures: int) -> int:
    return max(_LEAST, min(_MOST, pictures // _SHARE))


def _others(survey: Survey, near: set[int]) -> tuple[int, ...]:
    return tuple(index for index in survey.sample.tolist() if index not in near)


def _rank_among(scores: NDArray[np.float64], value: float) -> Rank:
    best = float(scores.max())
    return Rank(value, int((scores < value).sum()), len(scores), value / best if best > 0 else math.nan)
