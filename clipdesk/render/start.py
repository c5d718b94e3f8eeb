"""How a render begins."""

from __future__ import annotations

import torch

from clipdesk.errors import UsageError
from clipdesk.render.images import FourierImage, Parameterization, PixelImage, ResolutionsImage
from clipdesk.render.maco import MacoImage
from clipdesk.render.settings import RenderSettings
from clipdesk.render.sources import Sources
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


def make_image(settings: RenderSettings, size: int, streams: RandomStreams, sources: Sources) -> Parameterization:
    """The start of a render: noise, grey, or the image that the settings name.

    Args:
        settings: The parameterization, and what to start from.
        size: Side of the pictures in pixels.
        streams: The random numbers of each picture.
        sources: The files that the settings name.

    Raises:
        UsageError: a file that the settings name cannot be read.
    """
    image = make_noise(settings, size, streams, sources)
    if settings.start == "grey":
        image.show(torch.full((len(streams), 3, size, size), 0.5, device=image.values.device))
    elif settings.start != "noise":
        start = sources.square(settings.start, size).to(image.values.device)
        image.show(start.expand(len(streams), -1, -1, -1))
    return image


def make_noise(settings: RenderSettings, size: int, streams: RandomStreams, sources: Sources) -> Parameterization:
    """Pictures of random values, as the settings parameterise them.

    Args:
        settings: The parameterization.
        size: Side of the pictures in pixels.
        streams: The random numbers of each picture.
        sources: The files that the settings name.

    Raises:
        UsageError: the spectrum that the settings name cannot be read.
    """
    if settings.parameterization == "pixel":
        return PixelImage(size, streams)
    if settings.parameterization == "maco":
        own = None if settings.spectrum == "scenes" else torch.from_numpy(sources.magnitudes(settings.spectrum))
        return MacoImage(size, streams, own)
    if settings.parameterization == "resolutions":
        return ResolutionsImage(size, streams)
    return FourierImage(size, streams, settings.frequency_decay)


def sizes_of(settings: RenderSettings, size: int) -> list[int]:
    """The picture's side in each stage, doubling up to `size`."""
    return [max(_SMALLEST, round(size / 2**left)) for left in reversed(range(settings.stages))]
