"""survey(): a finished survey in one call, for Python."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import torch

from clipdesk.activations.storing import open_survey
from clipdesk.activations.survey import Survey
from clipdesk.activations.surveying import SurveyProgress, survey_images
from clipdesk.given import checked
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.sets import ImageSet
from clipdesk.models.catalogue import EMBEDDED
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model


@checked
def survey(
    images: str | Path | ImageSet = "scenes:5000",
    model: str | Path | OpenModel = EMBEDDED,
    *,
    layers: Collection[str] | None = None,
    device: str | torch.device | None = None,
    progress: Callable[[SurveyProgress], object] = lambda _: None,
) -> Survey:
    """Find out what each unit of a model answers to in a set of images; at once if that was surveyed before.

    Example::

        survey = clipdesk.survey("photos", "ViT-B/32")
        for found in clipdesk.like(survey, "visual.transformer.resblocks.5.mlp.gelu", 32):
            print(found.layer, found.unit, found.correlation)

    Args:
        images: A folder, a list or table of images, a ``.tar`` or ``.parquet`` file that holds images, ``scenes:5000``,
            or an open set.
        model: Name of a model, path of a checkpoint, or an open model.
        layers: Layers to survey, full or short names; by default those that a person would look at.
        device: Where to compute; by default a GPU if there is one.
        progress: Told after every block of pictures how far it is.

    Raises:
        UsageError: there are no such images, model or layers, or not one of the images can be read.
        ClipDeskError: another process makes this survey, or there is too little memory or room on the disk.
    """
    opened_set = images if isinstance(images, ImageSet) else open_image_set(images)
    opened = model if isinstance(model, OpenModel) else open_model(model, device)
    folder: Path | None = None
    for each in survey_images(opened, opened_set, layers):
        progress(each)
        folder = each.folder
    assert folder is not None, "the last one names the folder"
    return open_survey(folder)
