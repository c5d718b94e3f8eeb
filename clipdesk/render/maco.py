"""Pictures whose spectrum is that of real images: only the phases are optimised.

Source: Fel et al. 2023, "Unlocking Feature Visualization for Deeper Networks with MAgnitude Constrained Optimization"
(arXiv:2306.06805). The phases say where things are. The magnitudes say how much of each frequency there is; they are
fixed to those of real images, so that noise cannot grow.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from typing_extensions import override

from clipdesk.errors import UsageError
from clipdesk.imagesets.pixels import square
from clipdesk.paths import resource
from clipdesk.render.arrays import decode_array
from clipdesk.render.images import Parameterization, before_sigmoid, color_axes, colored
from clipdesk.render.streams import RandomStreams

_TINY = 1e-6
_LARGEST_SPECTRUM = 4096
"""Largest side of a spectrum: twice that of the largest picture."""


class MacoImage(Parameterization):
    """The phases of a fixed spectrum in decorrelated colours.

    As in xplique and Horama, the phases are standardised before use, and the planes before their colours are mixed.

    Args:
        size: Side of the pictures.
        streams: Their random numbers.
        magnitudes: The spectrum, (3, side, side // 2 + 1); by default the one of drawn scenes.
    """

    def __init__(self, size: int, streams: RandomStreams, magnitudes: Tensor | None = None) -> None:
        self._size = size
        device = streams.uniform(1).device
        self._magnitudes = _of_unit_planes(
            resampled(scene_magnitudes() if magnitudes is None else magnitudes, size), size
        ).to(device)
        self._axes = color_axes().to(device)
        self.values = streams.normal(3, size, size // 2 + 1).requires_grad_()

    @override
    def pixels(self) -> Tensor:
        phases = standardized(self.values)
        planes = torch.fft.irfft2(torch.polar(self._magnitudes.expand_as(phases), phases), s=(self._size, self._size))
        return colored(standardized(planes), self._axes)

    @override
    def blur(self, sigma: float) -> None:
        """The spectrum is fixed: nothing is blurred."""


def _of_unit_planes(magnitudes: Tensor, size: int) -> Tensor:
    """Magnitudes of planes whose values are of the size of 1, whatever the size of the picture.

    Otherwise `_TINY` would take contrast from large pictures, whose planes are the sum of more waves divided by more
    pixels.
    """
    exact = magnitudes.double()
    exact = exact / exact.max()
    # Parseval's theorem; the spectrum of real planes holds one of each two waves.
    deviation = (2 * exact.square().sum() / len(exact)).sqrt() / size**2
    return (exact / deviation).float()


def standardized(values: Tensor) -> Tensor:
    """Standardise each picture's values, (n, ...), to mean 0 and standard deviation 1."""
    axes = tuple(range(1, values.ndim))
    centred = values - values.mean(dim=axes, keepdim=True)
    return centred / (centred.square().mean(dim=axes, keepdim=True).sqrt() + _TINY)


def mean_magnitudes(images: Iterable[NDArray[np.uint8]], size: int = 128) -> NDArray[np.float32]:
    """Mean magnitudes of images in decorrelated colours, (3, size, size // 2 + 1); the largest magnitude is 1.

    Args:
        images: At least one, RGB, (size, size, 3) each.
        size: The side of the images in pixels.

    Raises:
        UsageError: there is no image, or all are of a single grey.
    """
    to_axes = torch.linalg.inv(color_axes())
    total, count = torch.zeros(3, size, size // 2 + 1), 0
    for image in images:
        planes = before_sigmoid(torch.from_numpy(np.array(image)).float() / 255).permute(2, 0, 1)
        total += torch.fft.rfft2(torch.einsum("dc,chw->dhw", to_axes, planes)).abs()
        count += 1
    if not count:
        raise UsageError("There is no image to make a spectrum of")
    if total.max() <= 0:
        raise UsageError("All images are of a single grey: they have no spectrum")
    mean: NDArray[np.float32] = (total / total.max()).numpy()
    return mean


@lru_cache(maxsize=1)
def scene_magnitudes() -> Tensor:
    """Mean magnitudes of the scenes that `demo` and `demo-rn` were trained on, (3, 128, 65)."""
    return torch.from_numpy(np.load(resource("spectra/scenes.npy"), allow_pickle=False).astype(np.float32))


def magnitudes_of(pictures: Iterable[Image.Image], size: int) -> NDArray[np.float32]:
    """As `mean_magnitudes`, for images of any size: takes the middle square of each, resized to a side of `size`.

    Raises:
        UsageError: as `mean_magnitudes`.
    """
    squares = (square(picture, size).mul(255).round().to(torch.uint8) for picture in pictures)
    return mean_magnitudes((pixels.permute(1, 2, 0).numpy() for pixels in squares), size)


def decode_magnitudes(data: bytes, path: Path) -> NDArray[np.float32]:
    """Decode a spectrum, (3, side, side // 2 + 1), from a file in which the result of `mean_magnitudes` was saved.

    Args:
        data: The file's bytes.
        path: The file, which errors name.

    Raises:
        UsageError: the bytes hold something else.
    """
    found: NDArray[np.float32] = np.zeros(0, np.float32)
    try:
        loaded = decode_array(data)
        side = loaded.shape[1] if loaded.ndim == 3 else 0
        if loaded.shape == (3, side, side // 2 + 1) and 2 <= side <= _LARGEST_SPECTRUM:
            # A number too large for float32 becomes infinite, which is refused below.
            with np.errstate(over="ignore"):
                found = loaded.astype(np.float32)
    except ValueError:
        pass
    if not found.size or not np.isfinite(found).all() or found.max() <= 0:
        raise UsageError(f"{path} is not a spectrum. Make one with: clipdesk spectrum FOLDER {path.name}")
    return found


def resampled(magnitudes: Tensor, size: int) -> Tensor:
    """Resample magnitudes for pictures of another side, (3, size, size // 2 + 1), keeping frequencies per side."""
    if magnitudes.shape[1] == size:
        return magnitudes
    # Rows with the lowest frequency in the middle, so that neighbours are neighbours.
    centred = torch.fft.fftshift(magnitudes, dim=1)[None]
    scaled = F.interpolate(centred, size=(size, size // 2 + 1), mode="bilinear", align_corners=True)[0]
    result: Tensor = torch.fft.ifftshift(scaled, dim=1)
    return result
