import numpy as np
import pytest
import torch

from clipdesk.demo.pictures import PUSHES, augment, learn_pushed, pushed, shifted


@pytest.mark.parametrize("max_noise", [0.0, 0.5])
def test_noise_is_drawn_for_each_picture(max_noise: float) -> None:
    pixels = augment(torch.full((64, 3, 32, 32), 0.5), max_noise, np.random.default_rng(0))
    deviations = pixels.flatten(2).std(dim=2).mean(dim=1)
    assert deviations.max() <= max_noise * 1.1 + 1e-6
    assert float(deviations.std()) > (0.05 if max_noise else -1)


def test_pictures_are_pushed_along_the_gradient_within_the_radius() -> None:
    pixels, gradient = torch.zeros(32, 3, 4, 4), torch.randn(32, 3, 4, 4)
    gradient[0] = 0
    moved = pushed(pixels, gradient, 2.0, np.random.default_rng(0)).flatten(1)
    lengths = moved.norm(dim=1)
    assert lengths[0] == 0
    assert lengths.max() <= 2.0
    assert lengths[1:].std() > 0.3
    assert torch.cosine_similarity(moved, gradient.flatten(1))[1:].min() > 0.999


def test_a_batch_is_shown_again_further_along_its_gradient_each_time() -> None:
    shown: list[torch.Tensor] = []

    def update(pixels: torch.Tensor) -> float:
        shown.append(pixels.detach().clone())
        loss = (pixels * torch.arange(1.0, 5)).sum()
        if pixels.requires_grad:
            loss.backward()
        return float(loss.detach())

    start = torch.zeros(8, 1, 2, 4)
    assert learn_pushed(update, start, 2.0, np.random.default_rng(0)) == 0
    assert len(shown) == 1 + PUSHES
    sums = [float(pixels.sum()) for pixels in shown]
    assert sums == sorted(sums)
    assert sums[-1] > sums[0]
    assert (shown[-1] - shown[0]).flatten(1).norm(dim=1).max() <= 2.0
    shown.clear()
    learn_pushed(update, start, 0.0, np.random.default_rng(0))
    assert len(shown) == 1


def test_each_picture_is_moved_by_its_own_offset_within_the_limit() -> None:
    images = np.zeros((64, 32, 32, 3), np.uint8)
    images[:, 16, 16] = 200
    places = np.argwhere(shifted(images, 3, np.random.default_rng(0))[..., 0] == 200)[:, 1:] - 16
    assert len(places) == 64
    assert sorted(set(places.flatten().tolist())) == [-3, -2, -1, 0, 1, 2, 3]
