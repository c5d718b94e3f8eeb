"""compare(): two models over the same pictures, in one call."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path

import torch

from clipdesk.activations.comparing.comparison import Comparison
from clipdesk.activations.comparing.keeping import compare_images
from clipdesk.activations.comparing.passing import Pass
from clipdesk.activations.comparing.planning import plan
from clipdesk.activations.comparing.results import comparison_of, notes_of, survey_of
from clipdesk.activations.comparing.storing import open_comparison
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.surveying import SurveyProgress
from clipdesk.errors import UsageError
from clipdesk.given import checked
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.sets import ImageSet
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model


@checked
def compare(
    first: str | Path | OpenModel,
    second: str | Path | OpenModel,
    images: str | Path | ImageSet = "scenes:5000",
    *,
    layers: Collection[str] | None = None,
    pooling: Pooling = "mean",
    match: bool = False,
    device: str | torch.device | None = None,
    progress: Callable[[SurveyProgress], object] = lambda _: None,
) -> Comparison:
    """Find out what differs between two models, such as one and what a fine-tuning has made of it.

    Both read every image of a set once. The comparison is kept, and there at once when it is asked for again; one that
    was interrupted goes on. Networks that were not opened from a file are compared in memory.

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
        ClipDeskError: another process makes this comparison, or there is no room on the disk.
    """
    opened_set = images if isinstance(images, ImageSet) else open_image_set(images)
    left, right = (each if isinstance(each, OpenModel) else open_model(each, device) for each in (first, second))
    if left.device != right.device:
        raise UsageError(f"One model is on {left.device} and the other on {right.device}. Open both on one device")
    if left.sha256 is None or right.sha256 is None:
        return _in_memory(Pass(left, right, plan(left, right, layers, match=match), pooling), opened_set, progress)
    folder: Path | None = None
    # Closed at once when `progress` raises, so that what was found is kept before anything else is done.
    with closing(compare_images(left, right, opened_set, layers, pooling=pooling, match=match)) as passes:
        for each in passes:
            progress(each)
            folder = each.folder
    assert folder is not None, "the last one names the folder"
    return open_comparison(folder)


def _in_memory(passing: Pass, images: ImageSet, progress: Callable[[SurveyProgress], object]) -> Comparison:
    """The comparison of networks that no file's checksum names, which is not kept."""
    total, started = len(images.pictures), time.monotonic()
    for done in passing.over(images):
        progress(SurveyProgress(done, total, done / max(time.monotonic() - started, 1e-6), passing.left_out))
    first, second = passing.halves
    surveys = survey_of(first, images), survey_of(second, images)
    away = [*images.left_out, *passing.left_out]
    return comparison_of(passing, surveys, notes_of(first.opened, second.opened), away)
