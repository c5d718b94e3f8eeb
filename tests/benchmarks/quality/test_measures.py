import numpy as np
import pytest
import torch
from clip.model import CLIP

from benchmarks.quality.measures import (
    activations,
    fitted,
    perturbed,
    radial_spectrum,
    recovered,
    scene_activations,
    transferred,
)
from benchmarks.quality.questions import Question
from clipdesk.render.targets import Target, Text, Unit
from clipdesk.scenes.captions import FACTORS, prompt
from clipdesk.scenes.dataset import Kind, Scenes, draw_scenes


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return draw_scenes(60, 5, Kind.SEEN, processes=1)


@pytest.fixture(scope="module")
def asked(scenes: Scenes) -> list[Question]:
    """The colour of each scene's thing, so that the scenes themselves are right answers."""
    colors = [int(value) for value in scenes.factors[:, 1]]
    return [Question(Text(text=prompt("color", FACTORS["color"][c])), "color", {"color": c}) for c in colors]


def test_judges_recognise_scenes_and_not_noise(scenes: Scenes, asked: list[Question], demo: CLIP) -> None:
    noise = np.random.default_rng(0).integers(0, 256, scenes.images.shape, np.uint8)
    for judge, right in recovered(asked, scenes.images).items():
        assert right.mean() > 0.9, judge
        assert recovered(asked, noise)[judge].mean() < 0.4
    assert transferred(asked, scenes.images, demo).mean() > 0.9


def test_activations_of_pictures_are_those_of_the_same_scenes(scenes: Scenes, demo: CLIP) -> None:
    targets: list[Target] = [Text(text="a star"), Unit(layer="visual.transformer.resblocks.4.mlp.gelu", index=214)]
    of_scenes = scene_activations(demo, targets, scenes.images)
    assert of_scenes.shape == (60, 2)
    for column, target in enumerate(targets):
        own = activations(demo, [target] * 60, scenes.images)
        assert np.allclose(own, of_scenes[:, column], atol=1e-3)


def test_the_mild_perturbation_is_mild(scenes: Scenes) -> None:
    change = np.abs(perturbed(scenes.images[:8]).astype(int) - scenes.images[:8]).mean()
    assert 0 < change < 20


def test_the_spectrum_of_a_wave_peaks_at_its_frequency() -> None:
    rows = torch.arange(64.0)
    wave = (127.5 + 100 * torch.sin(2 * torch.pi * rows * 16 / 64)).to(torch.uint8).numpy()
    picture = np.repeat(np.repeat(wave[None, :, None, None], 64, 2), 3, 3)
    assert radial_spectrum(picture).argmax() == 16


def test_pictures_are_brought_to_another_size() -> None:
    picture = np.full((1, 64, 64, 3), 9, np.uint8)
    assert fitted(picture, 64) is picture
    assert fitted(picture, 16).tolist() == np.full((1, 16, 16, 3), 9).tolist()
