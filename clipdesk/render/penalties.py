"""What is taken off the activation, so that pictures stay pictures."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction, FunctionCtx

from clipdesk.render.images import gaussian_blur
from clipdesk.render.settings import RenderSettings

_DETAIL_SIGMA = 2.0
"""Sigma in pixels of the blur that takes fine detail away."""
_CORNER = 1e-5
"""Rounds the corner of a square root at zero, where it has no slope."""


def penalties_of(pixels: Tensor, views: Tensor, scores: Tensor, settings: RenderSettings) -> dict[str, Tensor]:
    """Those that the settings ask for, by name, (pictures,) each.

    Args:
        pixels: The pictures, (n, 3, size, size) in [0, 1].
        views: What the network sees of them, (n * views, 3, side, side), the views of each one after the other.
        scores: Their activations, (n,).
        settings: The weights.
    """
    found = {}
    if settings.view_tv_weight > 0:
        variation = diagonal_variation(views).view(-1, settings.views).mean(dim=1)
        found["variation of views"] = settings.view_tv_weight * variation
    if settings.tv_weight > 0:
        found["total variation"] = settings.tv_weight * total_variation(pixels)
    if settings.flatness > 0:
        found["unevenness"] = settings.flatness * scores.detach().abs() * unevenness(pixels)
    if settings.l2_weight > 0:
        found["distance from grey"] = settings.l2_weight * distance_from_grey(pixels)
    if settings.detail_weight > 0:
        found["fine detail"] = settings.detail_weight * fine_detail(pixels)
    return found


def unevenness(pixels: Tensor) -> Tensor:
    """Mean length of the colour gradient at the pixels of each picture of (n, 3, h, w), (n,).

    The total variation of Rudin, Osher and Fatemi 1992 (Physica D 60), in shares of the range per pixel. It is not the
    L2 norm over the picture: one sharp edge costs no more than a soft one as high, so even areas form.
    """
    found: Tensor = _Unevenness.apply(pixels)
    return found


class _Unevenness(torch.autograd.Function):
    """With its gradient written out: torch makes a picture of zeros for each slice, half the time of a step's rest."""

    @staticmethod
    def forward(ctx: FunctionCtx, pixels: Tensor) -> Tensor:
        corner = pixels[:, :, :-1, :-1]
        down, across = pixels[:, :, 1:, :-1] - corner, pixels[:, :, :-1, 1:] - corner
        lengths = (down * down).addcmul_(across, across).sum(dim=1, keepdim=True).add_(_CORNER).sqrt_()
        ctx.save_for_backward(down, across, lengths)
        return lengths.mean(dim=(1, 2, 3))

    @staticmethod
    def backward(ctx: BackwardCFunction, gradient: Tensor) -> Tensor:
        saved: tuple[Tensor, ...] = ctx.saved_tensors
        down, across, lengths = saved
        n, channels, rows, columns = down.shape
        shares = gradient.view(-1, 1, 1, 1) / (rows * columns) / lengths
        down, across = down * shares, across * shares
        found: Tensor = down.new_zeros(n, channels, rows + 1, columns + 1)
        found[:, :, 1:, :-1] += down
        found[:, :, :-1, 1:] += across
        found[:, :, :-1, :-1] -= down.add_(across)
        return found


def distance_from_grey(pixels: Tensor) -> Tensor:
    """L2 norm of each picture of (n, 3, h, w) less middle grey, (n,)."""
    norms: Tensor = torch.linalg.vector_norm((pixels - 0.5).flatten(1), dim=1)
    return norms


def fine_detail(pixels: Tensor) -> Tensor:
    """L2 norm of what a blur of 2 px takes away from each picture of (n, 3, h, w), (n,)."""
    norms: Tensor = torch.linalg.vector_norm((pixels - gaussian_blur(pixels, _DETAIL_SIGMA)).flatten(1), dim=1)
    return norms


def total_variation(pixels: Tensor) -> Tensor:
    """Total variation of each picture of (n, 3, h, w): the L2 norms of its differences down and across, (n,).

    The unsquared norm, as in Ghiasi et al. 2022 (arXiv:2212.06727), without their diagonals.
    """
    down = (pixels[:, :, 1:] - pixels[:, :, :-1]).flatten(1)
    across = (pixels[:, :, :, 1:] - pixels[:, :, :, :-1]).flatten(1)
    norms: Tensor = torch.linalg.vector_norm(down, dim=1) + torch.linalg.vector_norm(across, dim=1)
    return norms


def diagonal_variation(pixels: Tensor) -> Tensor:
    """Total variation of each picture of (n, 3, h, w) in four directions, diagonals included, (n,).

    Of each colour the L2 norms, not squared, of the differences down, across and along both diagonals; their mean over
    the colours, as Ghiasi et al. 2022 (arXiv:2212.06727) take it.
    """
    differences = (
        pixels[:, :, 1:] - pixels[:, :, :-1],
        pixels[:, :, :, 1:] - pixels[:, :, :, :-1],
        pixels[:, :, 1:, 1:] - pixels[:, :, :-1, :-1],
        pixels[:, :, 1:, :-1] - pixels[:, :, :-1, 1:],
    )
    norms = torch.stack([torch.linalg.vector_norm(part, dim=(2, 3)) for part in differences])
    total: Tensor = norms.sum(dim=0).mean(dim=1)
    return total
