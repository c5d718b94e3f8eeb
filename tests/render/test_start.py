"""What a picture begins as."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clipdesk.errors import UsageError
from clipdesk.render.images import FourierImage, PixelImage, ResolutionsImage
from clipdesk.render.maco import MacoImage
from clipdesk.render.presets import make_settings
from clipdesk.render.sources import Sources
from clipdesk.render.start import check_start, make_image, sizes_of
from clipdesk.render.streams import RandomStreams

SIZE = 64


def streams(*seeds: int) -> RandomStreams:
    return RandomStreams(seeds, torch.device("cpu"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("fourier", FourierImage), ("pixel", PixelImage), ("maco", MacoImage), ("resolutions", ResolutionsImage)],
)
def test_noise_is_parameterised_as_the_settings_say(name: str, kind: type) -> None:
    image = make_image(make_settings(parameterization=name), SIZE, streams(1, 2), Sources())
    assert type(image) is kind
    pixels = image.pixels()
    assert pixels.shape == (2, 3, SIZE, SIZE)
    assert (pixels[0] - pixels[1]).abs().max() > 0.01, "each picture has a seed of its own"
    assert torch.equal(
        make_image(make_settings(parameterization=name), SIZE, streams(1), Sources()).pixels()[0], pixels[0]
    )


@pytest.mark.parametrize("name", ["fourier", "pixel", "resolutions"])
def test_a_picture_begins_grey(name: str) -> None:
    pixels = make_image(make_settings(parameterization=name, start="grey"), SIZE, streams(1, 2), Sources()).pixels()
    assert pixels.detach().numpy() == pytest.approx(np.full((2, 3, SIZE, SIZE), 0.5), abs=0.01)


@pytest.mark.parametrize("name", ["fourier", "pixel", "resolutions"])
def test_every_picture_of_a_batch_begins_as_the_image_that_is_named(tmp_path: Path, name: str) -> None:
    ramp = np.zeros((32, 32, 3), dtype=np.uint8)
    ramp[..., 0], ramp[..., 1] = np.linspace(60, 200, 32), np.linspace(60, 200, 32)[:, None]
    Image.fromarray(ramp).save(tmp_path / "start.png")
    settings = make_settings(parameterization=name, start=str(tmp_path / "start.png"))
    pixels = make_image(settings, 32, streams(1, 2), Sources()).pixels()
    wanted = torch.from_numpy(ramp).permute(2, 0, 1) / 255
    assert (pixels - wanted).abs().mean() < 0.02


def test_a_start_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.png"):
        make_image(make_settings(start=str(tmp_path / "gone.png")), SIZE, streams(1), Sources())


@pytest.mark.parametrize("changes", [{"start": "grey"}, {"stages": 2}])
def test_maco_begins_with_noise_and_has_one_stage(changes: dict[str, object]) -> None:
    check_start(make_settings(parameterization="maco"))
    check_start(make_settings("standard", **changes))
    with pytest.raises(UsageError, match="maco begins with noise and has one stage"):
        check_start(make_settings("standard", parameterization="maco", **changes))


@pytest.mark.parametrize(
    ("stages", "size", "sizes"),
    [(1, 224, [224]), (3, 224, [56, 112, 224]), (5, 64, [16, 16, 16, 32, 64])],
)
def test_stages_double_up_to_the_picture_s_side(stages: int, size: int, sizes: list[int]) -> None:
    assert sizes_of(make_settings(stages=stages), size) == sizes
