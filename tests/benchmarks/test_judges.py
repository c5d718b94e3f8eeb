from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmarks.judges.corruption import MAX_OCCLUSION, blurred, corrupted, occluded
from benchmarks.judges.networks import MAKES, load_judge, named, save_judge, weights_file
from benchmarks.judges.training import Lessons, accuracy, draw_lessons, reduced, train_judge
from clipdesk.scenes.captions import FACTORS
from clipdesk.scenes.dataset import Kind, draw_scenes
from clipdesk.scenes.scenes import FloatImage, Scene, object_painter

BARS = {"clean": 0.98, "corrupted": 0.94}


@pytest.fixture(scope="module")
def lessons() -> Lessons:
    return draw_lessons(128)


@pytest.mark.parametrize("name", MAKES)
def test_a_little_training_lowers_the_loss_and_the_file_opens_again(
    name: str, lessons: Lessons, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    judge = MAKES[name]()
    losses = train_judge(judge, lessons, 64 * 12, seed=0, report_every=4)
    assert losses[-1] < losses[0] - 1
    save_judge(judge, tmp_path / "judge.pt")
    monkeypatch.setattr("benchmarks.judges.networks.weights_file", lambda _: tmp_path / "judge.pt")
    images = lessons.images.transpose(0, 2, 3, 1)
    # Float16 in the file may change a name here and there.
    assert (named(load_judge(name), images) == named(judge, images)).mean() > 0.98


def test_judges_see_pictures_of_any_size() -> None:
    judge = MAKES["plain"]().eval()
    small = torch.rand(2, 3, 64, 64)
    large = small.repeat_interleave(3, dim=2).repeat_interleave(3, dim=3)
    for first, second in zip(judge(small), judge(large), strict=True):
        assert torch.allclose(first, second, atol=1e-4)
    assert [guess.shape for guess in judge(small)] == [(2, len(values)) for values in FACTORS.values()]


@pytest.mark.parametrize("name", ["plain", "separable"])
def test_the_kept_judges_name_scenes_that_they_never_saw(name: str) -> None:
    """On fewer scenes than their README's table, which ``python -m benchmarks.judges measure`` prints."""
    scenes = draw_scenes(300, 7, Kind.SEEN, processes=1)
    test = Lessons(reduced(scenes.images), scenes.factors)
    clean, rough = (accuracy(load_judge(name), test, corrupt=corrupt) for corrupt in (False, True))
    assert min(clean.values()) > BARS["clean"], clean
    assert min(rough.values()) > BARS["corrupted"], rough
    assert weights_file(name).stat().st_size < 5_000_000


def test_judges_are_asked_for_pictures_as_they_are_measured() -> None:
    scenes = draw_scenes(50, 8, Kind.SEEN, processes=1)
    judge = load_judge("plain")
    figures = accuracy(judge, Lessons(reduced(scenes.images), scenes.factors), corrupt=False)
    shares = (named(judge, scenes.images) == scenes.factors).mean(axis=0)
    assert list(figures.values()) == pytest.approx(shares, abs=0.03)


def test_lessons_are_cached_by_their_seed(tmp_path: Path) -> None:
    first = draw_lessons(5, cache=tmp_path / "lessons.npz")
    again, kept, other = draw_lessons(5), draw_lessons(0, cache=tmp_path / "lessons.npz"), draw_lessons(5, seed=102)
    for same in (again, kept):
        assert np.array_equal(first.images, same.images)
        assert np.array_equal(first.factors, same.factors)
    assert not np.array_equal(first.images, other.images)


@pytest.mark.parametrize(("share", "fewest", "most"), [(0, 1, 1), (1, 2, 3)])
def test_lessons_show_their_thing_once_or_several_times(
    share: float, fewest: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Scene] = []

    def counted(
        scene: Scene, rng: np.random.Generator, center: NDArray[np.float64], radius: float
    ) -> Callable[[FloatImage], FloatImage]:
        drawn.append(scene)
        return object_painter(scene, rng, center, radius)

    monkeypatch.setattr("benchmarks.judges.training.REPEATED_SHARE", share)
    monkeypatch.setattr("benchmarks.judges.training.object_painter", counted)
    lessons = draw_lessons(20)
    times = [len(list(same)) for _, same in groupby(drawn, key=id)]
    assert len(times) == len(lessons.factors)
    assert (min(times), max(times)) == (fewest, most)


def test_corruption_is_repeatable_and_of_every_strength() -> None:
    pixels = torch.full((64, 3, 64, 64), 0.5)
    first, again = (corrupted(pixels, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert first.min() >= 0
    assert first.max() <= 1
    noise = first.flatten(2).std(dim=2).mean(dim=1)
    assert noise.min() < 0.1
    assert noise.max() > 0.15
    assert torch.allclose(corrupted(pixels, torch.Generator(), strength=0), pixels, atol=1e-5)


def test_a_rectangle_covers_a_part_and_the_rest_stays() -> None:
    pixels = torch.full((200, 3, 64, 64), 2.0)
    changed = (occluded(pixels, torch.Generator().manual_seed(0), MAX_OCCLUSION) != 2).all(dim=1)
    shares = changed.float().mean(dim=(1, 2))
    assert shares.max() <= (MAX_OCCLUSION + 1 / 64) ** 2
    assert shares.mean() > 0.01
    for mask in changed[shares > 0]:
        rows, columns = mask.any(dim=1), mask.any(dim=0)
        assert torch.equal(mask, rows[:, None] & columns[None])


def test_blur_spreads_a_point_by_its_sigma_and_keeps_its_sum() -> None:
    pixels = torch.zeros(2, 3, 65, 65)
    pixels[:, :, 32, 32] = 1
    out = blurred(pixels, torch.tensor([0.0, 1.3]))
    assert torch.allclose(out[0], pixels[0], atol=1e-6)
    assert float(out[1, 0].sum()) == pytest.approx(1, abs=1e-4)
    offsets = torch.arange(65) - 32.0
    assert float((out[1, 0].sum(dim=0) * offsets**2).sum()) == pytest.approx(1.3**2, rel=0.05)
