"""Regularisers: terms that are subtracted from the activation, so that pictures stay smooth and free of noise."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction, FunctionCtx

from clipdesk.render.images import gaussian_blur
from clipdesk.render.settings import RenderSettings

_DETAIL_SIGMA = 2.0
"""Sigma in pixels of the blur that removes fine detail."""
_CORNER = 1e-5
"""Added under the square root, whose slope at zero is infinite."""


def penalties_of(pixels: Tensor, views: Tensor, scores: Tensor, settings: RenderSettings) -> dict[str, Tensor]:
    """The terms of the regularisers that the settings turn on, by name, (pictures,) each.

    Args:
        pixels: The pictures, (n, 3, size, size) in [0, 1].
        views: The views that the network is shown, (n * views, 3, side, side), all views of a picture together.
        scores: The pictures' activations, (n,).
        settings: The weight of each regulariser.
    """
    found = {}
    if settings.view_tv_weight > 0:
        variation = diagonal_total_variation(views).view(-1, settings.views).mean(dim=1)
        found["total variation of views"] = settings.view_tv_weight * variation
    if settings.tv_weight > 0:
        found["total variation"] = settings.tv_weight * total_variation(pixels)
    if settings.flatness > 0:
        found["isotropic total variation"] = (
            settings.flatness * scores.detach().abs() * isotropic_total_variation(pixels)
        )
    if settings.l2_weight > 0:
        found["distance from grey"] = settings.l2_weight * distance_from_grey(pixels)
    if settings.detail_weight > 0:
        found["fine detail"] = settings.detail_weight * fine_detail(pixels)
    return found


def isotropic_total_variation(pixels: Tensor) -> Tensor:
    """Mean length of the colour gradient over the pixels of each picture of (n, 3, h, w), (n,).

    The isotropic total variation of Rudin, Osher and Fatemi 1992 (Physica D 60), as a share of the value range per
    pixel. Unlike an L2 norm over the picture, it charges a sharp edge no more than a soft one of the same height, so
    flat areas form.
    """
    found: Tensor = _IsotropicTotalVariation.apply(pixels)
    return found


class _IsotropicTotalVariation(torch.autograd.Function):
    """Computes its gradient itself: torch would fill a picture with zeros for each slice, which takes longer."""

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
    """L2 norm of each picture's distance from middle grey; (n, 3, h, w) gives (n,)."""
    norms: Tensor = torch.linalg.vector_norm((pixels - 0.5).flatten(1), dim=1)
    return norms


def fine_detail(pixels: Tensor) -> Tensor:
    """L2 norm of the detail that a blur of 2 px removes from each picture; (n, 3, h, w) gives (n,)."""
    norms: Tensor = torch.linalg.vector_norm((pixels - gaussian_blur(pixels, _DETAIL_SIGMA)).flatten(1), dim=1)
    return norms


def total_variation(pixels: Tensor) -> Tensor:
    """Total variation of each picture of (n, 3, h, w): L2 norms of the differences down and across, added up, (n,).

    The unsquared norm, as in Ghiasi et al. 2022 (arXiv:2212.06727), without their diagonals.
    """
    down = (pixels[:, :, 1:] - pixels[:, :, :-1]).flatten(1)
    across = (pixels[:, :, :, 1:] - pixels[:, :, :, :-1]).flatten(1)
    norms: Tensor = torch.linalg.vector_norm(down, dim=1) + torch.linalg.vector_norm(across, dim=1)
    return norms


def diagonal_total_variation(pixels: Tensor) -> Tensor:
    """Total variation of each picture of (n, 3, h, w) in four directions, diagonals included, (n,).

    For each colour, the sum of the unsquared L2 norms of the differences down, across and along both diagonals;
    averaged over the colours, as in Ghiasi et al. 2022 (arXiv:2212.06727).
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
