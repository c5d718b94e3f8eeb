"""compare(): two models over the same pictures, in one call."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from clipdesk.activations.comparing.comparison import Comparison, LayerComparison
from clipdesk.activations.comparing.kernels import LEAST, cka
from clipdesk.activations.comparing.pairs import CrossSums, PairSums
from clipdesk.activations.comparing.partners import partners
from clipdesk.activations.comparing.passing import Half, Pass
from clipdesk.activations.comparing.planning import LayerPair, plan
from clipdesk.activations.comparing.weights import weight_changes
from clipdesk.activations.questions.lookup import statistics_of
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.survey import Survey
from clipdesk.activations.surveying import SurveyProgress
from clipdesk.errors import UsageError
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.sets import ImageSet
from clipdesk.network.opened import OpenModel, open_model

_STRANGERS = 0.1
"""Median correlation of units of the same number up to which two models do not seem to come from one another."""


def compare(
    first: str | Path | OpenModel,
    second: str | Path | OpenModel,
    images: str | Path | ImageSet = "scenes:5000",
    *,
    layers: Sequence[str] | None = None,
    pooling: Pooling = "mean",
    match: bool = False,
    device: str | None = None,
    progress: Callable[[SurveyProgress], object] = lambda _: None,
) -> Comparison:
    """Find out what differs between two models, such as one and what a fine-tuning has made of it.

    Both read every image of a set once. Nothing is kept on the disk.

    Example::

        found = clipdesk.compare("ViT-B/32", "fine-tuned.pt", "photos")
        for unit in found.drifted(20):
            print(unit.layer.short, unit.unit, unit.drift, unit.weights, unit.top)

    Args:
        first: Name of a model, path of a checkpoint, or an open model.
        second: Another; of the same architecture, its units are compared with those of the same number.
        images: A folder, a list or table of images, a ``.tar`` or ``.parquet`` file that holds images, ``scenes:5000``,
            or an open set.
        layers: Names of layers that both models have, or pairs as ``3.mlp.gelu=5.mlp.gelu``; by default those that a
            person would look at.
        pooling: How values at positions become one, where a layer has that; else their mean.
        match: Whether units are compared with those that they correlate with most, whatever their number. In models of
            different architecture they always are.
        device: Where to compute; by default a GPU if there is one.
        progress: Told after every block of pictures how far it is.

    Raises:
        UsageError: there are no such images, models or layers, or not one of the images can be read.
        RenderError: the device has too little memory.
    """
    opened_set = images if isinstance(images, ImageSet) else open_image_set(images)
    left, right = (each if isinstance(each, OpenModel) else open_model(each, device) for each in (first, second))
    if left.device != right.device:
        raise UsageError(f"One model is on {left.device} and the other on {right.device}. Open both on one device")
    pairs = plan(left, right, layers, match=match)
    passing, started = Pass(left, right, pairs, pooling), time.monotonic()
    total = len(opened_set.pictures)
    for done in passing.over(opened_set):
        rate = done / max(time.monotonic() - started, 1e-6)
        progress(SurveyProgress(done, total, rate, passing.left_out))
    return _comparison(passing, opened_set, _notes(left, right))


def _comparison(passing: Pass, images: ImageSet, notes: Sequence[str]) -> Comparison:
    first, second = (_survey(half, images) for half in passing.halves)
    pairs = list(passing.sums)
    rows, columns = (tuple(dict.fromkeys(names)) for names in zip(*((p.first, p.second) for p in pairs), strict=True))
    layers = tuple(_layer(passing, pair, first, second) for pair in pairs)
    samples = [
        [statistics_of(survey, each).sample for each in names] for survey, names in ((first, rows), (second, columns))
    ]
    said = [*notes, *_remarks(layers, len(first.pictures))]
    away = [*images.left_out, *passing.left_out]
    return Comparison(first, second, layers, cka(*samples), rows, columns, tuple(said), away)


def _layer(passing: Pass, pair: LayerPair, first: Survey, second: Survey) -> LayerComparison:
    left, right = statistics_of(first, pair.first), statistics_of(second, pair.second)
    # Taken out, so that the memory of large ones is free again.
    sums = passing.sums.pop(pair)
    if isinstance(sums, CrossSums):
        found = partners(sums.correlations(), left.varies, right.varies)
        return LayerComparison(pair, left, right, None, None, found)
    assert isinstance(sums, PairSums)
    models = [half.opened for half in passing.halves]
    return LayerComparison(
        pair, left, right, sums.correlations(), weight_changes(models[0], models[1], pair.first), None
    )


def _survey(half: Half, images: ImageSet) -> Survey:
    state, opened = half.state, half.opened
    statistics = {key: state.statistics(key) for key in list(state.sums)}
    name = "a network" if opened.name is None else str(opened.name)
    return Survey(
        name, opened.sha256 or "", images.source, state.surveyed, state.all_embeddings(), state.sampled(), statistics
    )


def _notes(first: OpenModel, second: OpenModel) -> list[str]:
    notes = []
    if first.side != second.side:
        notes.append(f"A reads pictures at {first.side} px and B at {second.side} px, so B sees other pixels than A.")
    if first.normalization != second.normalization:
        notes.append("A and B normalise pixels differently. Each gets what it was trained with.")
    if first.sha256 is not None and first.sha256 == second.sha256:
        notes.append("A and B have the same weights.")
    return notes


def _remarks(layers: Sequence[LayerComparison], pictures: int) -> list[str]:
    said = []
    if pictures < LEAST:
        said.append(f"There is no CKA of fewer than {LEAST} pictures.")
    correlations = [each.correlations for each in layers if each.correlations is not None]
    known = np.concatenate(correlations) if correlations else np.zeros(0)
    known = known[np.isfinite(known)]
    if len(known) and np.median(np.abs(known)) < _STRANGERS:
        said.append(
            "Units of the same number have little in common, so one model does not seem to come from the other. "
            "With --match, each unit is compared with the one that it correlates with most."
        )
    dead = [each.pair.short for each in layers if not each.first.varies.any() or not each.second.varies.any()]
    if dead:
        said.append(f"In one of the models no unit varies over the pictures in {', '.join(dead)}.")
    return said
