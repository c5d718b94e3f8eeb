"""How a render begins."""

from __future__ import annotations

from clipdesk.render.images import FourierImage, Parameterization, PixelImage, ResolutionsImage
from clipdesk.render.maco import MacoImage
from clipdesk.render.settings import RenderSettings
from clipdesk.render.streams import RandomStreams


def make_image(settings: RenderSettings, size: int, streams: RandomStreams) -> Parameterization:
    """The start of a render: pictures of random values, as the settings parameterise them."""
    if settings.parameterization == "pixel":
        return PixelImage(size, streams)
    if settings.parameterization == "maco":
        return MacoImage(size, streams)
    if settings.parameterization == "resolutions":
        return ResolutionsImage(size, streams)
    return FourierImage(size, streams, settings.frequency_decay)
