from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clipdesk.errors import UsageError
from clipdesk.imagesets.reading import images_in
from clipdesk.render.images import color_axes
from clipdesk.render.maco import (
    MacoImage,
    magnitudes_of,
    mean_magnitudes,
    resampled,
    scene_magnitudes,
    standardized,
)
from clipdesk.render.presets import make_settings
from clipdesk.render.sources import Sources
from clipdesk.render.start import make_image
from clipdesk.render.streams import RandomStreams

CPU = torch.device("cpu")


def test_standardised_values_have_mean_0_and_deviation_1_for_each_picture() -> None:
    values = torch.tensor([[1.0, 3.0], [10.0, 50.0]])
    assert torch.allclose(standardized(values), torch.tensor([[-1.0, 1.0], [-1.0, 1.0]]), atol=1e-5)


def test_the_spectrum_stays_whatever_the_phases_are() -> None:
    image = MacoImage(128, RandomStreams([3], CPU))
    with torch.no_grad():
        image.values.mul_(7).add_(torch.randn(image.values.shape))
    planes = torch.logit(image.pixels().double())
    axes = torch.einsum("dc,nchw->ndhw", torch.linalg.inv(color_axes().double()), planes)
    found = torch.fft.rfft2(axes)[0].abs()
    # Rows and columns whose values must be real (the zeroth and the middle one) lose what the phases turn away.
    share = found[:, 1:64, 1:64] / scene_magnitudes()[:, 1:64, 1:64]
    assert share.std() / share.mean() < 0.01


def test_the_magnitudes_of_a_wave() -> None:
    wave = 0.5 + 0.2 * np.cos(2 * np.pi * 4 * np.arange(32) / 32)
    picture = np.round(255 * np.repeat(np.tile(wave, (32, 1))[..., None], 3, axis=2)).astype(np.uint8)
    magnitudes = mean_magnitudes([picture, picture], 32)
    assert magnitudes.shape == (3, 32, 17)
    magnitudes[:, 0, 0] = 0
    assert [int(i) for i in np.unravel_index(magnitudes.argmax(), magnitudes.shape)] == [0, 0, 4]
    with pytest.raises(UsageError, match="no image"):
        mean_magnitudes([])


@pytest.mark.parametrize("size", [64, 128, 512, 1024])
@pytest.mark.parametrize("scale", [1.0, 1e-20, 1e20])
def test_the_contrast_does_not_depend_on_the_size_of_the_picture_or_of_the_spectrum(
    size: int, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipdesk.render.maco.colored", lambda planes, _axes: planes)
    planes = MacoImage(size, RandomStreams([3], CPU), scale * scene_magnitudes()).pixels().detach()
    assert float(planes.std()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("size", [64, 100, 128, 224])
def test_magnitudes_for_other_sizes_fall_in_the_same_way(size: int) -> None:
    magnitudes = resampled(scene_magnitudes(), size)
    assert magnitudes.shape == (3, size, size // 2 + 1)
    assert (magnitudes > 0).all()
    low, high = magnitudes[0, : size // 16, : size // 16].mean(), magnitudes[0, size // 4, size // 4]
    assert low > 20 * high
    # A square picture has no preferred side of the two along the rows.
    assert torch.allclose(magnitudes[0, 2, 3], magnitudes[0, -2, 3], rtol=0.3)


def test_a_spectrum_of_a_user_s_pictures(tmp_path: Path) -> None:
    rows = np.arange(64)
    wave = (127 + 100 * np.sin(2 * np.pi * rows / 8)).astype(np.uint8)
    Image.fromarray(np.repeat(np.repeat(wave[:, None, None], 64, 1), 3, 2)).save(tmp_path / "wave.png")
    np.save(tmp_path / "own.npy", magnitudes_of(images_in(tmp_path), 64))
    found = torch.from_numpy(Sources().magnitudes(str(tmp_path / "own.npy")))
    assert found.shape == (3, 64, 33)
    assert found[0].flatten().argsort(descending=True)[:2].tolist() == [8 * 33, 56 * 33] or float(found[0, 8, 0]) > 0.5
    settings = make_settings(parameterization="maco", spectrum=str(tmp_path / "own.npy"))
    own = make_image(settings, 64, RandomStreams([0], torch.device("cpu")), Sources()).pixels()
    assert not torch.allclose(own, MacoImage(64, RandomStreams([0], torch.device("cpu"))).pixels())


@pytest.mark.parametrize("array", [np.zeros((3, 8, 5)), np.ones((3, 8, 8)), np.ones(4), np.full((3, 8, 5), np.nan)])
def test_arrays_that_are_not_spectra_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(UsageError, match=r"is not a spectrum\. Make one with: clipdesk spectrum"):
        Sources().magnitudes(str(tmp_path / "a.npy"))


def test_an_archive_of_arrays_is_not_a_spectrum(tmp_path: Path) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        np.savez(file, own=np.ones((3, 8, 5)))
    with pytest.raises(UsageError, match="is not a spectrum"):
        Sources().magnitudes(str(tmp_path / "a.npy"))


def test_a_file_without_an_array_is_not_a_spectrum(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_text("no")
    with pytest.raises(UsageError, match="is not a spectrum"):
        Sources().magnitudes(str(tmp_path / "a.npy"))


@pytest.mark.parametrize("keep", [4, 9, 30, 127, 200])
def test_a_truncated_spectrum_is_refused(tmp_path: Path, keep: int) -> None:
    np.save(tmp_path / "a.npy", np.ones((3, 8, 5)))
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:keep])
    with pytest.raises(UsageError, match="is not a spectrum"):
        Sources().magnitudes(str(tmp_path / "a.npy"))


def test_a_spectrum_too_large_for_float32_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((3, 8, 5), 1e300))
    with pytest.raises(UsageError, match="is not a spectrum"):
        Sources().magnitudes(str(tmp_path / "a.npy"))
