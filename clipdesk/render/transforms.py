"""Random changes of a picture on its way into the network: zoom, turn, shift, crop and noise."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from clipdesk.render.schedule import StepParameters, step_parameters
from clipdesk.render.settings import RenderSettings
from clipdesk.render.streams import RandomStreams


def resized(pixels: Tensor, side: int) -> Tensor:
    """Resize whole pictures, (n, 3, size, size), to (n, 3, side, side), with anti-aliasing."""
    if pixels.shape[-1] == side:
        return pixels
    return F.interpolate(pixels, size=(side, side), mode="bilinear", antialias=True, align_corners=False)


def transformed(
    pixels: Tensor, side: int, settings: RenderSettings, streams: RandomStreams, now: StepParameters | None = None
) -> Tensor:
    """The network's input in one step: views of each picture, randomly placed and with fresh noise.

    A picture that is larger than the input is cropped at random, from the whole picture down to a crop of the input's
    size, or to the size that the settings say.

    Args:
        pixels: (n, 3, size, size) in [0, 1].
        side: Side of the network's input in pixels.
        settings: The number of views, and how each is changed.
        streams: The random numbers of each picture.
        now: The parameters that change from step to step; by default those of the first step.

    Returns:
        (n * views, 3, side, side), all views of a picture together; not normalised.
    """
    count, now = settings.views, now or step_parameters(settings, pixels.shape[-1], side)
    if _still(pixels.shape[-1], side, settings):
        view = _copies(resized(pixels, side), count)
    else:
        view = resized(_random_view(pixels, side, settings, streams, now), side)
    if settings.color_shift > 0:
        # Ghiasi et al. 2022: (x - mu) / sigma for each colour, mu uniform, sigma the exponential of a uniform number.
        mu, sigma = (settings.color_shift * streams.uniform(count, 2, 3, 1, 1)).flatten(0, 1).unbind(1)
        view = (view - mu) / sigma.exp()
    if settings.offset_noise > 0:
        offset = _graded(streams.normal(count, 3, 1, 1), settings)
        view = view + settings.offset_noise * now.strength * offset.flatten(0, 1)
    if settings.noise > 0:
        view = _added(view, _graded(streams.normal(count, 3, side, side), settings), settings.noise * now.strength)
    if settings.uniform_noise > 0:
        even = _graded(streams.uniform(count, 3, side, side), settings)
        view = _added(view, even, settings.uniform_noise * now.strength)
    return view


def _graded(noise: Tensor, settings: RenderSettings) -> Tensor:
    """Weaken the noise of each picture's views, (n, views, ...), in place, as the settings say."""
    if settings.noise_views == "alike" or settings.views == 1:
        return noise
    shares = torch.linspace(0, 1, settings.views, device=noise.device)
    return noise.mul_(shares.view(-1, *[1] * (noise.ndim - 2)))


def _added(view: Tensor, noise: Tensor, strength: float | Tensor) -> Tensor:
    """The sum of views and noise, written over the noise: to allocate memory would cost more than the sum."""
    return noise.flatten(0, 1).mul_(strength).add_(view)


def _copies(pixels: Tensor, count: int) -> Tensor:
    """Repeat each picture `count` times, one after the other."""
    return pixels if count == 1 else pixels.repeat_interleave(count, dim=0)


def _still(size: int, side: int, settings: RenderSettings) -> bool:
    whole = settings.crop in (None, 1.0) and settings.crop_end in (None, 1.0)
    return size <= side and whole and settings.scale == settings.rotate == settings.shift == 0


def _random_view(
    pixels: Tensor, side: int, settings: RenderSettings, streams: RandomStreams, now: StepParameters
) -> Tensor:
    zoom, turn, across, down, crop, left, top = streams.uniform(settings.views, 7).flatten(0, 1).unbind(1)
    pixels = _copies(pixels, settings.views)
    extent = now.smallest + (now.largest - now.smallest) * (crop + 1) / 2  # share of the picture's side that is shown
    room = 1 - extent
    factor = extent * (1 + settings.scale * zoom)
    angle = math.radians(settings.rotate) * turn
    # grid_sample's coordinates run from -1 to 1, so a shift by a share of the side counts twice.
    move_x = room * left + 2 * settings.shift * across
    move_y = room * top + 2 * settings.shift * down
    grid = _grid(factor * torch.cos(angle), factor * torch.sin(angle), move_x, move_y, side * now.density)
    if settings.padding == "grey":
        view = 0.5 + F.grid_sample(pixels - 0.5, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    else:
        view = F.grid_sample(pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return F.avg_pool2d(view, now.density) if now.density > 1 else view


def _grid(cos: Tensor, sin: Tensor, move_x: Tensor, move_y: Tensor, side: int) -> Tensor:
    """The sampling grid of a turned, zoomed and moved view, (n, side, side, 2), as `affine_grid` gives it.

    It is the sum of a part for each row and a part for each column; `affine_grid` does a matrix product for each pixel.
    """
    centres = (torch.arange(side, device=cos.device) + 0.5) * (2 / side) - 1
    along, down = centres[None, None, :], centres[None, :, None]
    cos, sin, move_x, move_y = (part[:, None, None] for part in (cos, sin, move_x, move_y))
    return torch.stack([cos * along + (move_x - sin * down), sin * along + (move_y + cos * down)], dim=-1)
