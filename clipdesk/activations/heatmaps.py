"""Where in a picture a unit fires: its values at all positions, computed for the pictures that are shown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from clipdesk.errors import UsageError
from clipdesk.imagesets.pixels import as_pixels, fitted
from clipdesk.network.capture import LayerCapture
from clipdesk.network.faults import explained
from clipdesk.network.layers import LayerInfo, Layout
from clipdesk.network.normalization import normalized
from clipdesk.network.opened import OpenModel

_BATCH = 16
_LEAST = 0.12
"""What is left of the picture where the unit does not fire; the rest is grey, in light and in dark pictures."""
_GREY = 128.0


@dataclass(frozen=True, eq=False)
class HeatMaps:
    """A unit's values at all positions of some pictures.

    Attributes:
        values: float32, (pictures, rows, columns); the class token is left out.
        low: The value up to which the picture is grey: the median of all of them.
        high: The value at which it has all of its colour: the largest of all of them.
    """

    values: NDArray[np.float32]
    low: float
    high: float

    def over(self, number: int, picture: Image.Image) -> Image.Image:
        """A picture, grey where the unit does not fire in it.

        Args:
            number: Which of the pictures it is.
            picture: The square that the network saw, of any size.
        """
        span = self.high - self.low
        share = np.clip((self.values[number] - self.low) / span, 0, 1) if span > 0 else np.zeros(self.values.shape[1:])
        small = Image.fromarray(share.astype(np.float32))
        light = np.asarray(small.resize(picture.size, Image.Resampling.BICUBIC)).clip(0, 1)[..., None]
        colors = np.asarray(picture.convert("RGB"), dtype=np.float32)
        return Image.fromarray((_GREY + (colors - _GREY) * (_LEAST + (1 - _LEAST) * light)).round().astype(np.uint8))


def has_places(info: LayerInfo) -> bool:
    """Whether a layer's positions are places in the picture; an embedding has one position, which is not."""
    return grid_of(info) is not None


def heat_maps(opened: OpenModel, layer: str, unit: int, pictures: Sequence[Image.Image]) -> HeatMaps:
    """The values of a unit at all positions of some pictures, on one scale for all of them.

    Args:
        opened: The model.
        layer: Name of a layer.
        unit: Index of the unit.
        pictures: The pictures.

    Raises:
        UsageError: there is no such unit, or its layer's positions are not places in the picture.
        RenderError: the device has too little memory.
    """
    info = opened.inspector.check_unit(layer, unit)
    grid = grid_of(info)
    if grid is None:
        raise UsageError(f"Layer '{info.name}' has one value for a whole picture, so it has no places to show")
    found = []
    for outputs in read_layers(opened, [info], pictures):
        patches = outputs[info.name][:, 1:] if info.class_token else outputs[info.name]
        found.append(patches[..., unit].float().reshape(-1, *grid).cpu().numpy())
    return on_one_scale(found, grid)


def on_one_scale(found: Sequence[NDArray[np.float32]], grid: tuple[int, int]) -> HeatMaps:
    """Heat maps of some values, each (pictures, rows, columns), on one scale for all of them."""
    values = np.concatenate(found) if found else np.zeros((0, *grid), np.float32)
    return HeatMaps(values, float(np.median(values)) if found else 0.0, float(values.max()) if found else 0.0)


def read_layers(
    opened: OpenModel, layers: Sequence[LayerInfo], pictures: Sequence[Image.Image]
) -> Iterator[dict[str, Tensor]]:
    """The outputs of some layers for pictures as a survey reads them, batch by batch; see `LayerCapture.outputs`.

    Raises:
        RenderError: the device has too little memory.
    """
    capture = LayerCapture(opened.network, [info.measured() for info in layers])
    for start in range(0, len(pictures), _BATCH):
        part = pictures[start : start + _BATCH]
        pixels = torch.stack([as_pixels(fitted(each.convert("RGB"), opened.side)) for each in part])
        with torch.no_grad(), explained(len(part), opened.device):
            yield capture.run(normalized(pixels.to(opened.device), opened.normalization))


def grid_of(info: LayerInfo) -> tuple[int, int] | None:
    """Rows and columns of a layer's positions; None where they are not places in the picture."""
    if info.layout is None or info.positions == 1:
        return None
    if info.layout.is_map:
        rows, columns = info.shape[:2] if info.layout is Layout.CHANNELS_LAST else info.shape[1:]
        return rows, columns
    patches = info.positions - info.class_token
    side = math.isqrt(patches)
    return (side, side) if side > 1 and side * side == patches else None
