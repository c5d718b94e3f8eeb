"""Finished surveys of pictures that are all in a set as well, so that only the others have to be read."""

from __future__ import annotations

import os
from collections.abc import Collection, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from clipdesk.activations.statistics import Key, Surveyed
from clipdesk.activations.storing import all_surveys, open_survey
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError
from clipdesk.imagesets.sets import ImageSet

_AT_ONCE = 64
"""Pictures whose contents are compared between two looks at whether to stop."""


@dataclass(frozen=True, eq=False)
class Earlier:
    """A survey to go on from.

    Attributes:
        folder: Where it is.
        survey: It.
        indices: The index in the set of each of its pictures, ascending.
    """

    folder: Path
    survey: Survey
    indices: Sequence[int]


@dataclass(frozen=True)
class Search:
    """What came of a search for a survey to go on from.

    Attributes:
        found: The survey; None if there is none.
        changed: Whether there is one of this very set, of whose pictures some have changed or are gone.
    """

    found: Earlier | None
    changed: bool


def earlier_survey(
    images: ImageSet, weights: str, precision: str, keys: Collection[Key]
) -> Generator[None, None, Search]:
    """Look for the largest survey whose pictures are all in a set, unchanged. Their files are read, but not decoded.

    Args:
        images: The set.
        weights: The model's identity, `OpenModel.sha256`.
        precision: What is computed in.
        keys: The layers with their poolings.

    Yields:
        Now and then, so that a caller can stop.
    """
    places = {picture.place: index for index, picture in enumerate(images.pictures)}
    changed = False
    same = [
        (folder, manifest)
        for folder, manifest in all_surveys()
        if (manifest.weights, manifest.precision) == (weights, precision)
        and {(file.layer, file.pooling) for file in manifest.layers} == set(keys)
    ]
    for folder, manifest in sorted(same, key=lambda each: -each[1].pictures):
        try:
            survey = open_survey(folder)
        except UsageError:
            continue
        indices = [places.get(picture.place, -1) for picture in survey.pictures]
        if _ascends(indices) and (yield from _unchanged(images, indices, survey.pictures)):
            return Search(Earlier(folder, survey, indices), False)
        changed |= manifest.source == images.source
    return Search(None, changed)


def _ascends(indices: Sequence[int]) -> bool:
    """Whether all are there, in the order of the set: the order decides between equal values."""
    return all(one < next_ for one, next_ in zip([-1, *indices], indices, strict=False))


def _unchanged(images: ImageSet, indices: Sequence[int], pictures: Sequence[Surveyed]) -> Generator[None, None, bool]:
    """Whether pictures of a set are what a survey has read."""

    def same(index: int, before: Surveyed) -> bool:
        now = images.pictures[index]
        try:
            found = Surveyed.of(now.place, now.label, now.caption, images.sha256(index))
        except UsageError:
            return False
        return (found.id, found.label, found.caption) == (before.id, before.label, before.caption)

    with ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="pictures") as pool:
        waiting = iter(zip(indices, pictures, strict=True))
        while part := list(islice(waiting, _AT_ONCE)):
            if not all(pool.map(same, *zip(*part, strict=True))):
                return False
            yield
    return True
