"""How a render begins."""

from __future__ import annotations

from pathlib import Path

import torch

from clipdesk.errors import UsageError
from clipdesk.render.images import FourierImage, Parameterization, PixelImage, ResolutionsImage
from clipdesk.render.maco import MacoImage, read_magnitudes
from clipdesk.render.pictures import read_picture, square
from clipdesk.render.settings import RenderSettings
from clipdesk.render.streams import RandomStreams

_SMALLEST = 16
"""No stage's pictures have a smaller side in pixels."""


def check_start(settings: RenderSettings) -> None:
    """Check that a render can begin as the settings say.

    Raises:
        UsageError: it cannot.
    """
    if settings.parameterization == "maco" and (settings.start != "noise" or settings.stages > 1):
        raise UsageError("maco begins with noise and has one stage: another picture's phases would not stay")


def make_image(settings: RenderSettings, size: int, streams: RandomStreams) -> Parameterization:
    """The start of a render: pictures of random values, as the settings parameterise them, or what they begin with.

    Raises:
        UsageError: a file that they name cannot be read.
    """
    image = _noise(settings, size, streams)
    if settings.start == "grey":
        image.show(torch.full((len(streams), 3, size, size), 0.5, device=image.values.device))
    elif settings.start != "noise":
        picture = square(read_picture(Path(settings.start)), size).to(image.values.device)
        image.show(picture.expand(len(streams), -1, -1, -1))
    return image


def _noise(settings: RenderSettings, size: int, streams: RandomStreams) -> Parameterization:
    if settings.parameterization == "pixel":
        return PixelImage(size, streams)
    if settings.parameterization == "maco":
        own = None if settings.spectrum == "scenes" else read_magnitudes(Path(settings.spectrum))
        return MacoImage(size, streams, own)
    if settings.parameterization == "resolutions":
        return ResolutionsImage(size, streams)
    return FourierImage(size, streams, settings.frequency_decay)


def sizes_of(settings: RenderSettings, size: int) -> list[int]:
    """The picture's side in each stage, doubling up to `size`."""
    return [max(_SMALLEST, round(size / 2**left)) for left in reversed(range(settings.stages))]
