import numpy as np
import pytest
import torch

from clipdesk.render.images import (
    FourierImage,
    Parameterization,
    PixelImage,
    ResolutionsImage,
    color_axes,
    gaussian_blur,
    resolutions,
)
from clipdesk.render.maco import MacoImage
from clipdesk.render.penalties import total_variation
from clipdesk.render.presets import make_settings
from clipdesk.render.sources import Sources
from clipdesk.render.start import make_image
from clipdesk.render.streams import RandomStreams

CPU = torch.device("cpu")


@pytest.fixture(params=["pixel", "fourier", "maco", "resolutions"])
def image(request: pytest.FixtureRequest) -> Parameterization:
    return make_image(make_settings(parameterization=request.param), 33, RandomStreams([1, 2], CPU), Sources())


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
    if isinstance(image, MacoImage):
        assert (total_variation(image.pixels()) == before).all(), "its spectrum is fixed"
        return
    assert (total_variation(image.pixels()) < 0.9 * before).all()


def test_a_fourier_blur_equals_a_blur_of_the_planes() -> None:
    image = FourierImage(32, RandomStreams([0], CPU))
    planes = torch.logit(image.pixels()).detach()
    image.blur(1.5)
    padded = torch.nn.functional.pad(planes, (16,) * 4, mode="circular")
    wanted = gaussian_blur(padded, 1.5)[..., 16:-16, 16:-16]
    assert torch.allclose(torch.logit(image.pixels()), wanted, atol=1e-3)


def test_pixel_values_are_clipped() -> None:
    image = PixelImage(8, RandomStreams([0], CPU))
    with torch.no_grad():
        image.values.add_(5)
    image.project()
    assert image.values.max() == 1


def test_lucids_colors_and_decay() -> None:
    """The colour matrix by its longest column, and the scale by which a frequency counts."""
    wanted = np.array([[0.26, 0.09, 0.02], [0.27, 0, -0.05], [0.27, -0.09, 0.03]]) / np.sqrt(0.26**2 + 2 * 0.27**2)
    assert np.allclose(color_axes().numpy(), wanted, atol=1e-6)
    image = FourierImage(32, RandomStreams([0], CPU), decay=1.0)
    with torch.no_grad():
        image.values.zero_()
        image.values[0, 0, 0, 4, 0] = 1.0  # four periods across, on the first colour axis
    planes = torch.logit(image.pixels())[0, 0]
    amplitude = 2 / (4 / 32) * 32 / 4 / 32**2 * float(color_axes()[0, 0])
    wave = amplitude * torch.cos(2 * torch.pi * 4 * torch.arange(32) / 32)
    assert torch.allclose(planes, wave.expand(32, 32), atol=1e-4)


def test_a_sum_of_resolutions() -> None:
    assert resolutions(8) == [1, 2, 3, 4, 6, 8]
    assert resolutions(100)[-3:] == [64, 91, 100]
    assert resolutions(1) == [1]
    image = ResolutionsImage(4, RandomStreams([0], CPU))
    with torch.no_grad():
        image.values.zero_()
        image.values[0, :3] = torch.tensor([1.0, 2.0, 3.0])  # the one pixel of the coarsest
        image.values[0, -1] = 5.0  # the last pixel of the finest
    planes = torch.logit(image.pixels().detach()[0])
    assert torch.allclose(planes[:, 0, 0], torch.tensor([1.0, 2.0, 3.0]), atol=1e-4)
    assert float(planes[2, 3, 3]) == pytest.approx(8.0, abs=1e-2)


@pytest.mark.parametrize("kind", ["pixel", "fourier", "resolutions"])
@pytest.mark.parametrize("size", [32, 33])
def test_an_image_can_become_a_given_picture(kind: str, size: int) -> None:
    image = make_image(make_settings(parameterization=kind), size, RandomStreams([1, 2], CPU), Sources())
    wanted = 0.1 + 0.8 * torch.rand(2, 3, size, size)
    image.show(wanted)
    assert torch.allclose(image.pixels(), wanted, atol=2e-3)
    image.project()
    assert image.values.requires_grad


def test_black_and_white_come_near_enough() -> None:
    image = FourierImage(32, RandomStreams([1], CPU))
    wanted = torch.zeros(1, 3, 32, 32)
    wanted[:, :, :16] = 1
    image.show(wanted)
    assert (image.pixels() - wanted).abs().max() < 0.05
