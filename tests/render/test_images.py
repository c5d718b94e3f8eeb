import numpy as np
import pytest
import torch

from clipdesk.render.images import (
    FourierImage,
    Parameterization,
    PixelImage,
    gaussian_blur,
    make_image,
    total_variation,
)
from clipdesk.render.settings import make_settings
from clipdesk.render.streams import RandomStreams

CPU = torch.device("cpu")


@pytest.fixture(params=["pixel", "fourier"])
def image(request: pytest.FixtureRequest) -> Parameterization:
    return make_image(make_settings(parameterization=request.param), 33, RandomStreams([1, 2], CPU))


def test_pixels_are_in_range_and_of_the_size_asked_for(image: Parameterization) -> None:
    with torch.no_grad():
        image.values.mul_(50)
        image.project()
    pixels = image.pixels()
    assert pixels.shape == (2, 3, 33, 33)
    assert 0 <= pixels.min() < pixels.max() <= 1


def test_the_pictures_are_differentiable_and_independent(image: Parameterization) -> None:
    image.pixels()[0].sum().backward()
    assert image.values.grad is not None
    assert image.values.grad[0].abs().sum() > 0
    assert image.values.grad[1].abs().sum() == 0


def test_a_picture_starts_from_its_own_seed_only() -> None:
    together = FourierImage(32, RandomStreams([1, 2, 3], CPU)).pixels()
    alone = FourierImage(32, RandomStreams([2], CPU)).pixels()
    assert torch.equal(together[1], alone[0])
    assert not torch.equal(together[0], together[1])


def test_blurring_a_dot_gives_a_gaussian() -> None:
    dot = torch.zeros(1, 3, 41, 41)
    dot[..., 20, 20] = 1
    blurred = gaussian_blur(dot, 2.0)[0, 0].numpy()
    y, x = np.mgrid[-20:21, -20:21]
    wanted = np.exp(-(x**2 + y**2) / 8) / (8 * np.pi)
    assert np.abs(blurred - wanted).max() < 5e-4
    assert blurred.sum() == pytest.approx(1, abs=1e-5)


def test_blurring_leaves_a_flat_picture_alone() -> None:
    flat = torch.full((1, 3, 20, 20), 0.3)
    assert torch.allclose(gaussian_blur(flat, 1.5), flat)


def test_blurring_an_image_smooths_it(image: Parameterization) -> None:
    before = total_variation(image.pixels())
    image.blur(1.0)
    assert (total_variation(image.pixels()) < 0.9 * before).all()


def test_a_fourier_blur_equals_a_blur_of_the_planes() -> None:
    image = FourierImage(32, RandomStreams([0], CPU))
    planes = torch.logit(image.pixels()).detach()
    image.blur(1.5)
    padded = torch.nn.functional.pad(planes, (16,) * 4, mode="circular")
    wanted = gaussian_blur(padded, 1.5)[..., 16:-16, 16:-16]
    assert torch.allclose(torch.logit(image.pixels()), wanted, atol=1e-3)


def test_total_variation_is_the_formula() -> None:
    pixels = torch.rand(2, 3, 6, 7, generator=torch.Generator().manual_seed(0))
    for value, picture in zip(total_variation(pixels), pixels.numpy(), strict=True):
        wanted = np.sqrt((np.diff(picture, axis=1) ** 2).sum()) + np.sqrt((np.diff(picture, axis=2) ** 2).sum())
        assert float(value) == pytest.approx(float(wanted), rel=1e-5)


def test_pixel_values_are_clipped() -> None:
    image = PixelImage(8, RandomStreams([0], CPU))
    with torch.no_grad():
        image.values.add_(5)
    image.project()
    assert image.values.max() == 1
