"""What a pass of two models has found, as a comparison."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clipdesk.activations.comparing.comparison import Comparison, LayerComparison
from clipdesk.activations.comparing.kernels import LEAST, cka
from clipdesk.activations.comparing.pairs import CrossSums, PairSums
from clipdesk.activations.comparing.partners import partners
from clipdesk.activations.comparing.passing import Half, Pass
from clipdesk.activations.comparing.planning import LayerPair
from clipdesk.activations.comparing.weights import weight_changes
from clipdesk.activations.questions.lookup import statistics_of
from clipdesk.activations.survey import Survey
from clipdesk.imagesets.sets import ImageSet, LeftOut
from clipdesk.network.opened import OpenModel

_STRANGERS = 0.1
_SAME = 1e-6
STRANGERS = "Units of the same number have little in common, so one model does not seem to come from the other."
"""What is said where partners by correlation would tell more."""
"""Median correlation of units of the same number up to which two models do not seem to come from one another."""


def comparison_of(
    passing: Pass, surveys: tuple[Survey, Survey], notes: Sequence[str], left_out: Sequence[LeftOut]
) -> Comparison:
    """The comparison that follows from a pass, which is used up.

    Args:
        passing: It, at its end.
        surveys: What each of the models has found.
        notes: As `notes_of` gives.
        left_out: Pictures that could not be read.
    """
    first, second = surveys
    pairs = list(passing.sums)
    rows, columns = (tuple(dict.fromkeys(names)) for names in zip(*((p.first, p.second) for p in pairs), strict=True))
    layers = tuple(_layer(passing, pair, first, second) for pair in pairs)
    samples = [
        [statistics_of(survey, each).sample for each in names] for survey, names in ((first, rows), (second, columns))
    ]
    said = [*notes, *_remarks(layers, len(first.pictures))]
    return Comparison(first, second, layers, cka(*samples), rows, columns, tuple(said), left_out)


def survey_of(half: Half, images: ImageSet) -> Survey:
    """What one of the models has found, in memory."""
    state, opened = half.state, half.opened
    statistics = {key: state.statistics(key) for key in list(state.sums)}
    name = "a network" if opened.name is None else str(opened.name)
    return Survey(
        name, opened.sha256 or "", images.source, state.surveyed, state.all_embeddings(), state.sampled(), statistics
    )


def notes_of(first: OpenModel, second: OpenModel) -> list[str]:
    """What the user should know of two models before they are compared, a sentence each."""
    notes = []
    if first.side != second.side:
        notes.append(f"A reads pictures at {first.side} px and B at {second.side} px, so B sees other pixels than A.")
    if first.normalization != second.normalization:
        notes.append("A and B normalise pixels differently. Each gets what it was trained with.")
    if first.sha256 is not None and first.sha256 == second.sha256:
        notes.append("A and B have the same weights.")
    return notes


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


def _remarks(layers: Sequence[LayerComparison], pictures: int) -> list[str]:
    said = []
    if pictures < LEAST:
        said.append(f"There is no CKA of fewer than {LEAST} pictures.")
    correlations = [each.correlations for each in layers if each.correlations is not None]
    known = np.concatenate(correlations) if correlations else np.zeros(0)
    known = known[np.isfinite(known)]
    if len(known) and np.median(np.abs(known)) < _STRANGERS:
        said.append(STRANGERS)
    if len(known) and np.all(known > 1 - _SAME):
        said.append("No unit has changed.")
    dead = [each.pair.short for each in layers if not each.first.varies.any() or not each.second.varies.any()]
    if dead:
        said.append(f"In one of the models no unit varies over the pictures in {', '.join(dead)}.")
    return said
