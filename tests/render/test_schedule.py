"""What changes from step to step: learning rate, noise and crops."""

import math

import pytest

from clipdesk.render.presets import make_settings
from clipdesk.render.schedule import step_parameters

SIZE, SIDE = 224, 224


def test_a_constant_schedule_changes_nothing() -> None:
    settings = make_settings(iterations=10, schedule="constant", noise_schedule="constant", learning_rate=0.05)
    first, last = (step_parameters(settings, SIZE, SIDE, step) for step in (1, 10))
    assert first == last
    assert (first.rate, first.strength) == (0.05, 1.0)


def test_a_cosine_falls_from_the_full_rate_towards_zero() -> None:
    settings = make_settings(iterations=8, schedule="cosine", learning_rate=0.2)
    rates = [float(step_parameters(settings, SIZE, SIDE, step).rate) for step in range(1, 9)]
    assert rates == pytest.approx([0.1 * (1 + math.cos(math.pi * step / 8)) for step in range(8)])
    assert rates[0] == 0.2
    assert rates[4] == pytest.approx(0.1), "half of it in the middle"


def test_linear_noise_falls_evenly_from_its_full_strength() -> None:
    settings = make_settings(iterations=4, noise_schedule="linear")
    assert [step_parameters(settings, SIZE, SIDE, step).strength for step in range(1, 5)] == [1.0, 0.75, 0.5, 0.25]


def test_without_a_crop_views_see_all_down_to_the_network_s_input_size() -> None:
    settings = make_settings(iterations=4)
    large, small = step_parameters(settings, 512, 128), step_parameters(settings, 64, 128)
    assert (large.smallest, large.largest) == (0.25, 1.0)
    assert (small.smallest, small.largest) == (1.0, 1.0), "a view cannot see more than the picture"


def test_a_crop_stays_unless_another_is_asked_for_at_the_end() -> None:
    stays, shrinks = make_settings(iterations=4, crop=0.5), make_settings(iterations=4, crop=0.5, crop_end=0.1)
    middles = [
        [
            (float(now.smallest) + float(now.largest)) / 2
            for now in (step_parameters(s, SIZE, SIDE, step) for step in range(1, 5))
        ]
        for s in (stays, shrinks)
    ]
    assert middles[0] == pytest.approx([0.5] * 4)
    assert middles[1] == pytest.approx([0.5, 0.4, 0.3, 0.2])


@pytest.mark.parametrize("crop", [0.05, 1.0])
def test_a_crop_is_never_smaller_than_a_twentieth_nor_larger_than_the_picture(crop: float) -> None:
    now = step_parameters(make_settings(crop=crop), SIZE, SIDE)
    assert 0.05 <= float(now.smallest) < float(now.largest) <= 1.0


@pytest.mark.parametrize(("size", "side", "density"), [(64, 224, 1), (224, 224, 1), (225, 224, 2), (512, 224, 3)])
def test_large_pictures_are_sampled_more_than_once_for_each_pixel_of_a_view(size: int, side: int, density: int) -> None:
    assert step_parameters(make_settings(), size, side).density == density
