"""Parameterizations of pictures: the numbers that the optimiser changes, and how they become pixels."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import override

from clipdesk.errors import UsageError
from clipdesk.render.streams import RandomStreams

# Colour correlation of natural images: the square root of the covariance of ImageNet's colours (figures of lucid,
# as in Olah et al. 2017). Rows are RGB, columns the decorrelated axes.
_COLOR_AXES = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])


def color_axes() -> Tensor:
    """The decorrelated colour axes as columns, (3, 3), the longest of length 1 (Olah et al. 2017)."""
    axes: Tensor = _COLOR_AXES / _COLOR_AXES.norm(dim=0).max()
    return axes


def colored(planes: Tensor, axes: Tensor) -> Tensor:
    """Turn planes along the decorrelated axes, (n, 3, h, w), into pictures, (n, 3, h, w) in [0, 1]."""
    # A matrix product: `einsum` would first move the colours to the end, which takes as long as all the rest.
    return torch.sigmoid((axes @ planes.flatten(2)).view_as(planes))


class Parameterization(ABC):
    """A batch of pictures as numbers that an optimiser can change.

    A subclass needs `values` and `pixels`; the other methods have defaults.
    """

    values: Tensor
    """The leaf tensor to optimise; its first axis is the picture."""

    def parameters(self) -> list[Tensor]:
        """The leaf tensors to optimise: by default `values` alone."""
        return [self.values]

    @abstractmethod
    def pixels(self) -> Tensor:
        """The pictures, (pictures, 3, size, size) in [0, 1], differentiable."""

    def show(self, pixels: Tensor) -> None:
        """Become these pictures, (pictures, 3, size, size) in [0, 1], as nearly as possible.

        Raises:
            UsageError: this parameterization cannot do that.
        """
        raise UsageError(f"{type(self).__name__} cannot begin with a given picture: set start to noise and stages to 1")

    def blur(self, sigma: float) -> None:
        """Blur the pictures in place with a Gaussian of `sigma` pixels.

        Raises:
            UsageError: this parameterization cannot do that.
        """
        raise UsageError(f"{type(self).__name__} cannot be blurred: set blur_every to 0")

    def project(self) -> None:
        """Bring the values back into their valid range after a step; by default every value is valid."""
        return


class PixelImage(Parameterization):
    """The pixels themselves, from uniform noise, clipped to [0, 1] after every step."""

    def __init__(self, size: int, streams: RandomStreams) -> None:
        self.values = (0.5 + 0.5 * streams.uniform(3, size, size)).requires_grad_()

    @override
    def pixels(self) -> Tensor:
        return self.values

    @override
    @torch.no_grad()
    def show(self, pixels: Tensor) -> None:
        self.values.copy_(pixels)

    @override
    @torch.no_grad()
    def blur(self, sigma: float) -> None:
        self.values.copy_(gaussian_blur(self.values, sigma))

    @override
    @torch.no_grad()
    def project(self) -> None:
        self.values.clamp_(0, 1)


class FourierImage(Parameterization):
    """Fourier coefficients, each scaled by the inverse of its frequency, in decorrelated colours, through a sigmoid.

    Source: Olah et al. 2017, "Feature Visualization" (Distill), with lucid's figures.

    Args:
        size: Side of the pictures.
        streams: Their random numbers.
        decay: Exponent of the frequency: 1 in lucid, 1.5 in Horama; a larger one gives larger, smoother forms.
        deviation: Standard deviation of the random start.
    """

    def __init__(self, size: int, streams: RandomStreams, decay: float = 1.5, deviation: float = 0.01) -> None:
        self._size = size
        rows = torch.fft.fftfreq(size)[:, None]
        columns = torch.fft.rfftfreq(size)[None, :]
        frequency = torch.sqrt(rows**2 + columns**2)
        device = streams.uniform(1).device
        self._frequency = frequency.to(device)
        scale = (frequency.clamp(min=1 / size) ** -decay * size / 4).to(device)
        # One number for each real and imaginary part: with one for both, torch multiplies pair by pair, which is slow.
        self._scale = torch.stack([scale, scale], dim=-1)
        self._axes = color_axes().to(device)
        self.values = (deviation * streams.normal(3, size, size // 2 + 1, 2)).requires_grad_()

    @override
    def pixels(self) -> Tensor:
        spectrum = torch.view_as_complex(self.values * self._scale)
        return colored(torch.fft.irfft2(spectrum, s=(self._size, self._size)), self._axes)

    @override
    @torch.no_grad()
    def show(self, pixels: Tensor) -> None:
        planes = torch.einsum("dc,nchw->ndhw", torch.linalg.inv(self._axes), before_sigmoid(pixels))
        self.values.copy_(torch.view_as_real(torch.fft.rfft2(planes)) / self._scale)

    @override
    @torch.no_grad()
    def blur(self, sigma: float) -> None:
        # A Gaussian blur is a product in the Fourier domain (of the picture before the sigmoid).
        self.values.mul_(torch.exp(-2 * (math.pi * sigma * self._frequency) ** 2)[..., None])


class ResolutionsImage(Parameterization):
    """A sum of pictures of all resolutions, from one pixel to full size, each enlarged to full size; then a sigmoid.

    The forms on which all resolutions agree prevail, and people see those; noise has no coarse part. Source: Fort and
    Whitaker 2025, "Direct Ascent Synthesis" (arXiv:2502.07753), who sum all sides from 1 px on; here each side is
    sqrt(2) times the one before.

    Args:
        size: Side of the pictures.
        streams: Their random numbers.
        deviation: Standard deviation of the random start of the finest picture.
    """

    def __init__(self, size: int, streams: RandomStreams, deviation: float = 0.01) -> None:
        self._sides = resolutions(size)
        self._counts = [3 * side * side for side in self._sides]
        self.values = (deviation * streams.normal(sum(self._counts))).requires_grad_()

    @override
    def pixels(self) -> Tensor:
        planes = torch.zeros(1, device=self.values.device)
        for side, part in zip(self._sides, torch.split(self.values, self._counts, dim=1), strict=True):
            planes = planes + self._enlarged(part.view(-1, 3, side, side))
        return torch.sigmoid(planes)

    def _enlarged(self, plane: Tensor) -> Tensor:
        size = self._sides[-1]
        if plane.shape[-1] == size:
            return plane
        return F.interpolate(plane, size=(size, size), mode="bilinear", align_corners=False)

    @override
    @torch.no_grad()
    def show(self, pixels: Tensor) -> None:
        # Each resolution takes what the coarser ones leave; the finest takes the rest.
        left, parts = before_sigmoid(pixels), []
        for side in self._sides:
            plane = F.adaptive_avg_pool2d(left, side)
            left = left - self._enlarged(plane)
            parts.append(plane.flatten(1))
        self.values.copy_(torch.cat(parts, dim=1))

    @override
    @torch.no_grad()
    def blur(self, sigma: float) -> None:
        # The coarse pictures are smooth already.
        size = self._sides[-1]
        finest = self.values[:, -self._counts[-1] :]
        finest.copy_(gaussian_blur(finest.reshape(-1, 3, size, size), sigma).flatten(1))


def before_sigmoid(pixels: Tensor) -> Tensor:
    """Inverse of the sigmoid; black and white, for which it is infinite, are first moved a little towards grey."""
    return torch.logit(pixels, eps=0.02)


def resolutions(size: int) -> list[int]:
    """Sides of the pictures that a `ResolutionsImage` sums, smallest first: 1, 2, 3, 4, 6, 8, 11, ... and `size`."""
    sides = {round(2 ** (step / 2)) for step in range(round(2 * math.log2(size)) + 1)}
    return [*sorted(side for side in sides if side < size), size]


def gaussian_blur(pixels: Tensor, sigma: float) -> Tensor:
    """Blur (n, 3, h, w) with a Gaussian of `sigma` pixels, reflecting at the edges."""
    radius = max(1, round(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, device=pixels.device, dtype=pixels.dtype)
    kernel = torch.softmax(-(offsets**2) / (2 * sigma**2), dim=0)
    channels = pixels.shape[1]
    padded = F.pad(pixels, (radius,) * 4, mode="reflect")
    along_rows = F.conv2d(padded, kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
    return F.conv2d(along_rows, kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
