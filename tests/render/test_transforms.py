import numpy as np
import pytest
import torch
from PIL import Image

from clipdesk.network.normalization import normalized
from clipdesk.render.presets import make_settings
from clipdesk.render.schedule import step_parameters
from clipdesk.render.settings import RenderSettings
from clipdesk.render.streams import RandomStreams
from clipdesk.render.transforms import resized, transformed

CPU = torch.device("cpu")
STILL = make_settings(views=1, noise=0, noise_views="alike", scale=0, rotate=0, shift=0)


def streams(*seeds: int) -> RandomStreams:
    return RandomStreams(seeds, CPU)


def picture(size: int = 32, count: int = 1) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(4))


def test_without_transforms_the_picture_passes_unchanged() -> None:
    assert torch.equal(transformed(picture(), 32, STILL, streams(0)), picture())


def test_normalisation_is_that_of_clip() -> None:
    from clip.clip import _transform

    bytes_ = (picture(32)[0] * 255).byte()
    image = Image.fromarray(bytes_.permute(1, 2, 0).numpy())
    pixels = bytes_.float() / 255
    assert torch.allclose(normalized(pixels[None])[0], _transform(32)(image), atol=1e-5)


def test_noise_has_the_deviation_asked_for_and_is_fresh_each_time() -> None:
    source = streams(0)
    settings = STILL.model_copy(update={"noise": 0.3})
    flat = torch.full((1, 3, 64, 64), 0.5)
    first, second = (transformed(flat, 64, settings, source) - flat for _ in range(2))
    assert float(first.std()) == pytest.approx(0.3, rel=0.05)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("size", [16, 32, 100])
def test_a_picture_sees_the_same_transforms_alone_and_among_others(size: int) -> None:
    settings = RenderSettings()
    together = transformed(picture(size, 3), 32, settings, streams(7, 8, 9))
    alone = transformed(picture(size, 3)[1:2], 32, settings, streams(8))
    assert together.shape == (3, 3, 32, 32)
    assert torch.allclose(together[1], alone[0], atol=1e-6)


def test_a_turn_by_no_angle_and_a_shift_by_nothing_change_nothing() -> None:
    settings = STILL.model_copy(update={"rotate": 1e-6})
    assert torch.allclose(transformed(picture(), 32, settings, streams(0)), picture(), atol=1e-4)


def test_a_shift_stays_within_its_share_of_the_side() -> None:
    ramp = torch.linspace(0, 1, 100).expand(1, 3, 100, 100)
    settings = STILL.model_copy(update={"shift": 0.1})
    source = streams(0)
    middles = [float(transformed(ramp, 100, settings, source)[0, 0, 50, 50]) for _ in range(60)]
    assert 0.38 < min(middles) < 0.43
    assert 0.57 < max(middles) < 0.62


def test_large_pictures_are_seen_through_crops_of_many_sizes() -> None:
    ramp = torch.linspace(0, 1, 256).expand(1, 3, 256, 256)
    source = streams(0)
    widths = []
    for _ in range(60):
        view = transformed(ramp, 32, STILL, source)[0, 0, 16]
        assert view.min() >= 0
        widths.append(float(view[-1] - view[0]) * 32 / 31)
    assert min(widths) < 0.2
    assert max(widths) > 0.9


def test_large_pictures_are_not_aliased() -> None:
    stripes = (torch.arange(256) % 2).float().expand(1, 3, 256, 256)
    source = streams(1)
    widest = max((transformed(stripes, 32, STILL, source) for _ in range(20)), key=lambda view: -float(view.std()))
    assert float(widest.std()) < 0.05


def test_resizing_matches_pillow() -> None:
    bytes_ = (picture(64)[0] * 255).byte()
    image = Image.fromarray(bytes_.permute(1, 2, 0).numpy()).resize((32, 32), Image.Resampling.BILINEAR)
    ours = resized(bytes_[None].float(), 32)[0].permute(1, 2, 0).numpy()
    assert np.abs(ours - np.asarray(image, dtype=np.float32)).max() <= 1


def test_views_of_a_picture_differ_and_stand_one_after_the_other() -> None:
    settings = RenderSettings(views=3, color_shift=0.5, offset_noise=0.2)
    together = transformed(picture(32, 2), 32, settings, streams(7, 8))
    assert together.shape == (6, 3, 32, 32)
    alone = transformed(picture(32, 2)[1:], 32, settings, streams(8))
    assert torch.allclose(together[3:], alone, atol=1e-6)
    assert not torch.allclose(together[3], together[4], atol=0.1)


def test_unchanged_views_are_copies() -> None:
    settings = STILL.model_copy(update={"views": 2})
    views = transformed(picture(32, 2), 32, settings, streams(0, 1))
    assert torch.equal(views, picture(32, 2)[[0, 0, 1, 1]])


def test_a_color_shift_moves_and_stretches_each_color() -> None:
    settings = STILL.model_copy(update={"color_shift": 1.0, "views": 500})
    views = transformed(picture(8), 8, settings, streams(0))
    slope = (views[:, :, 0, 0] - views[:, :, 3, 3]) / (picture(8)[:, :, 0, 0] - picture(8)[:, :, 3, 3])
    assert float(slope.log().abs().max()) <= 1 + 1e-3
    assert float(slope.log().std()) == pytest.approx(1 / 3**0.5, rel=0.1)
    mu = picture(8)[:, :, 0, 0] - views[:, :, 0, 0] / slope
    assert float(mu.abs().max()) <= 1 + 1e-3
    assert float(mu.mean()) == pytest.approx(0, abs=0.1)


def test_offset_noise_is_the_same_for_all_pixels_of_a_color_and_noises_fall() -> None:
    settings = STILL.model_copy(
        update={"offset_noise": 0.5, "views": 400, "noise_schedule": "linear", "iterations": 100}
    )
    parameters = [step_parameters(settings, 8, 8, step) for step in (1, 76)]
    offsets = [transformed(picture(8), 8, settings, streams(0), now) - picture(8) for now in parameters]
    assert float(offsets[0].flatten(2).std(dim=2).max()) < 1e-6
    assert float(offsets[0][..., 0, 0].std()) == pytest.approx(0.5, rel=0.1)
    assert torch.allclose(offsets[1], 0.25 * offsets[0], atol=1e-6)


@pytest.mark.parametrize("kind", ["noise", "uniform_noise", "offset_noise"])
def test_graded_noise_rises_from_a_clean_view_to_one_with_all_of_it(kind: str) -> None:
    settings = STILL.model_copy(update={kind: 0.3, "views": 3})
    alike = transformed(picture(8, 2), 8, settings, streams(0, 1)).unflatten(0, (2, 3))
    graded = transformed(picture(8, 2), 8, settings.model_copy(update={"noise_views": "graded"}), streams(0, 1))
    clean, half, full = graded.unflatten(0, (2, 3)).unbind(1)
    assert torch.equal(clean, picture(8, 2))
    assert torch.allclose(half - clean, 0.5 * (alike[:, 1] - clean), atol=1e-6)
    assert torch.allclose(full, alike[:, 2], atol=1e-6)


def test_a_single_view_has_all_of_the_graded_noise() -> None:
    settings = STILL.model_copy(update={"noise": 0.3})
    graded = settings.model_copy(update={"noise_views": "graded"})
    assert torch.equal(*(transformed(picture(8), 8, each, streams(0)) for each in (settings, graded)))


def test_padding_fills_the_area_beyond_the_edge() -> None:
    white = torch.ones(1, 3, 32, 32)
    settings = STILL.model_copy(update={"shift": 0.4})
    assert float(transformed(white, 32, settings, streams(0)).min()) == pytest.approx(1)
    grey = transformed(white, 32, settings.model_copy(update={"padding": "grey"}), streams(0))
    assert float(grey.min()) == pytest.approx(0.5)
    assert float(grey.max()) == pytest.approx(1)


def test_crops_shrink_over_the_render() -> None:
    ramp = torch.linspace(0, 1, 256).expand(1, 3, 256, 256)
    source = streams(0)
    settings = STILL.model_copy(update={"crop": 0.5, "crop_end": 0.1, "iterations": 1000})
    for step, wanted in ((1, 0.5), (501, 0.3), (1000, 0.1)):
        now = step_parameters(settings, 256, 32, step)
        views = [transformed(ramp, 32, settings, source, now)[0, 0, 16] for _ in range(40)]
        widths = [float(view[-1] - view[0]) * 32 / 31 for view in views]
        assert min(widths) == pytest.approx(wanted - 0.05, abs=0.02)
        assert max(widths) == pytest.approx(wanted + 0.05, abs=0.02)


def test_a_small_picture_may_be_cropped_too() -> None:
    view = transformed(picture(), 32, STILL.model_copy(update={"crop": 0.5}), streams(0))
    assert view.shape == (1, 3, 32, 32)
    assert not torch.allclose(view, picture())


def test_uniform_noise_stays_within_its_limit() -> None:
    flat = torch.full((1, 3, 64, 64), 0.5)
    view = transformed(flat, 64, STILL.model_copy(update={"uniform_noise": 0.2}), streams(0)) - 0.5
    assert 0.19 < view.abs().max() <= 0.2
    assert abs(float(view.std()) - 0.2 / 3**0.5) < 0.01
