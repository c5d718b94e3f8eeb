import numpy as np
import pytest
import torch

from clipdesk.render.penalties import (
    diagonal_total_variation,
    distance_from_grey,
    fine_detail,
    isotropic_total_variation,
    penalties_of,
    total_variation,
)
from clipdesk.render.presets import make_settings


def test_total_variation_is_the_formula() -> None:
    pixels = torch.rand(2, 3, 6, 7, generator=torch.Generator().manual_seed(0))
    for value, picture in zip(total_variation(pixels), pixels.numpy(), strict=True):
        wanted = np.sqrt((np.diff(picture, axis=1) ** 2).sum()) + np.sqrt((np.diff(picture, axis=2) ** 2).sum())
        assert float(value) == pytest.approx(float(wanted), rel=1e-5)


def test_the_variation_of_views_is_the_formula_of_ghiasi() -> None:
    pixels = torch.rand(2, 3, 6, 7, generator=torch.Generator().manual_seed(0))
    for value, picture in zip(diagonal_total_variation(pixels), pixels.numpy(), strict=True):
        wanted = []
        for plane in picture:
            parts = (
                np.diff(plane, axis=0),
                np.diff(plane, axis=1),
                plane[1:, 1:] - plane[:-1, :-1],
                plane[1:, :-1] - plane[:-1, 1:],
            )
            wanted.append(sum(float(np.sqrt((part**2).sum())) for part in parts))
        assert float(value) == pytest.approx(np.mean(wanted), rel=1e-5)


def test_the_gradient_of_isotropic_total_variation_matches_its_formula() -> None:
    pixels = torch.rand(2, 3, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(isotropic_total_variation, pixels.requires_grad_())


def test_isotropic_total_variation_is_the_mean_length_of_the_gradient() -> None:
    pixels = torch.zeros(1, 3, 9, 9)
    pixels[..., 5:] = 1  # one of the eight columns that count has a step of 1 in each colour
    assert torch.allclose(isotropic_total_variation(pixels), torch.tensor([3**0.5 / 8]), atol=4e-3)


def test_one_sharp_edge_is_as_uneven_as_a_soft_one_but_has_more_total_variation() -> None:
    sharp, soft = torch.zeros(1, 3, 17, 17), torch.zeros(1, 3, 17, 17)
    sharp[..., 8:] = 1
    soft[:] = torch.linspace(0, 1, 17)
    assert torch.allclose(isotropic_total_variation(sharp), isotropic_total_variation(soft), atol=4e-3)
    assert total_variation(sharp) > 2 * total_variation(soft)


def test_distance_from_grey() -> None:
    pixels = torch.stack([torch.full((3, 4, 4), 0.5), torch.full((3, 4, 4), 1.0)])
    assert torch.allclose(distance_from_grey(pixels), torch.tensor([0.0, 0.5 * 48**0.5]))


def test_fine_detail_is_the_part_that_a_blur_removes() -> None:
    rows = torch.arange(32.0)
    coarse, fine = (0.5 + 0.5 * torch.sin(2 * torch.pi * rows / period) for period in (32, 4))
    coarse, fine = (wave.view(1, 1, 32, 1).expand(1, 3, 32, 32) for wave in (coarse, fine))
    assert fine_detail(coarse) < 0.2 * fine_detail(fine)


def test_each_regulariser_has_a_name_and_a_weight_and_isotropic_total_variation_scales_with_the_activation() -> None:
    pixels = torch.rand(2, 3, 16, 16)
    settings = make_settings(
        "classic", view_tv_weight=0.1, tv_weight=0.2, flatness=3, l2_weight=0.3, detail_weight=0.4, views=2
    )
    views, scores = pixels.repeat_interleave(2, dim=0), torch.tensor([1.0, -10.0], requires_grad=True)
    found = penalties_of(pixels, views, scores, settings)
    assert torch.allclose(found["total variation"], 0.2 * total_variation(pixels))
    assert torch.allclose(found["total variation of views"], 0.1 * diagonal_total_variation(pixels))
    assert torch.allclose(found["distance from grey"], 0.3 * distance_from_grey(pixels))
    assert torch.allclose(found["fine detail"], 0.4 * fine_detail(pixels))
    assert torch.allclose(
        found["isotropic total variation"], 3 * torch.tensor([1.0, 10.0]) * isotropic_total_variation(pixels)
    )
    assert not found["isotropic total variation"].requires_grad
    assert not penalties_of(pixels, views, scores, make_settings("lucid"))
