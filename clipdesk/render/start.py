"""The pictures that a render begins with."""

from __future__ import annotations

import torch

from clipdesk.errors import UsageError
from clipdesk.render.custom import MakeParameterization, check_shape
from clipdesk.render.images import FourierImage, Parameterization, PixelImage, ResolutionsImage
from clipdesk.render.maco import MacoImage
from clipdesk.render.settings import RenderSettings
from clipdesk.render.sources import Sources
from clipdesk.render.streams import RandomStreams

_SMALLEST = 16
"""Smallest side of the pictures of a stage, in pixels."""


def check_start(settings: RenderSettings) -> None:
    """Check that a render can begin as the settings say.

    Raises:
        UsageError: the parameterization cannot begin so.
    """
    if settings.parameterization == "maco" and (settings.start != "noise" or settings.stages > 1):
        raise UsageError("maco begins with noise and has one stage: another picture's phases would not stay")


def make_image(
    settings: RenderSettings,
    size: int,
    streams: RandomStreams,
    sources: Sources,
    make: MakeParameterization | None = None,
) -> Parameterization:
    """The start of a render: noise, grey, or the image that the settings name.

    Args:
        settings: The parameterization, and what to start from.
        size: Side of the pictures in pixels.
        streams: The random numbers of each picture.
        sources: The files that the settings name.
        make: Makes the pictures in place of the parameterization of the settings.

    Raises:
        UsageError: a file that the settings name cannot be read, or `make` makes pictures of another shape.
    """
    image = make_noise(settings, size, streams, sources, make)
    if settings.start == "grey":
        image.show(torch.full((len(streams), 3, size, size), 0.5, device=streams.device))
    elif settings.start != "noise":
        start = sources.square(settings.start, size).to(streams.device)
        image.show(start.expand(len(streams), -1, -1, -1))
    return image


def make_noise(
    settings: RenderSettings,
    size: int,
    streams: RandomStreams,
    sources: Sources,
    make: MakeParameterization | None = None,
) -> Parameterization:
    """Pictures of random values.

    Args:
        settings: The parameterization.
        size: Side of the pictures in pixels.
        streams: The random numbers of each picture.
        sources: The files that the settings name.
        make: Makes the pictures in place of the parameterization of the settings.

    Raises:
        UsageError: the spectrum that the settings name cannot be read, or `make` makes pictures of another shape.
    """
    if make is not None:
        image = make(size, streams)
        with torch.no_grad():
            check_shape("The pixels of the parameterization", image.pixels(), (len(streams), 3, size, size))
        return image
    if settings.parameterization == "pixel":
        return PixelImage(size, streams)
    if settings.parameterization == "maco":
        own = None if settings.spectrum == "scenes" else torch.from_numpy(sources.magnitudes(settings.spectrum))
        return MacoImage(size, streams, own)
    if settings.parameterization == "resolutions":
        return ResolutionsImage(size, streams)
    return FourierImage(size, streams, settings.frequency_decay)


def sizes_of(settings: RenderSettings, size: int) -> list[int]:
    """The side of the pictures in each stage, in pixels; it doubles up to `size`."""
    return [max(_SMALLEST, round(size / 2**left)) for left in reversed(range(settings.stages))]
