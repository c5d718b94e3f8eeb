from dataclasses import replace

import numpy as np
import pytest
import torch
from clip.model import CLIP
from numpy.typing import NDArray

from clipdesk.demo import evaluate
from clipdesk.demo.evaluate import WrittenNames, count_selective_units, draw_written_names, written_accuracy
from clipdesk.models.texts import tokenize
from clipdesk.scenes.captions import prompt
from clipdesk.scenes.compositions import FACES
from clipdesk.scenes.dataset import Kind, Scenes, draw_scenes
from clipdesk.scenes.scenes import SHAPE_NAMES


@pytest.fixture(scope="module")
def names() -> WrittenNames:
    return draw_written_names(0)


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return draw_scenes(200, 12, Kind.SEEN, processes=1)


def test_every_shape_stands_written_in_every_face_equally_often(names: WrittenNames) -> None:
    counts = np.zeros((len(SHAPE_NAMES), len(FACES)), dtype=int)
    np.add.at(counts, (names.shapes, names.faces), 1)
    assert (counts == 12).all()
    assert names.images.shape == (960, 128, 128, 3)
    assert len(np.unique(names.images.reshape(960, -1), axis=0)) == 960


def test_names_are_read_for_each_face(demo: CLIP, names: WrittenNames, monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.no_grad():
        prompts = demo.encode_text(tokenize([prompt("shape", shape) for shape in SHAPE_NAMES]))

    def embed(model: CLIP, images: NDArray[np.uint8]) -> torch.Tensor:
        """Every name as what it names, but the slanted ones as the next shape."""
        return prompts[(names.shapes + (names.faces == FACES.index("slanted"))) % len(SHAPE_NAMES)]

    monkeypatch.setattr(evaluate, "embed_images", embed)
    assert written_accuracy(demo, names) == pytest.approx(
        {"all": 0.8, "regular": 1, "bold": 1, "outlined": 1, "slanted": 0, "pixels": 1}
    )


def test_without_a_threshold_every_unit_counts_for_one_factor(demo: CLIP, scenes: Scenes) -> None:
    counts = count_selective_units(demo, scenes, auc=0)
    sums = {group: (sum(count.values()) - count["of"], count["of"]) for group, count in counts.items()}
    assert sums == {"MLP hidden layers": (6 * 768, 6 * 768), "residual stream": (6 * 192, 6 * 192)}


def test_a_resnet_has_a_residual_stream_but_not_an_mlp(resnet: CLIP, scenes: Scenes) -> None:
    small = replace(scenes, images=scenes.images[:, ::2, ::2])
    counts = count_selective_units(resnet, small)
    assert list(counts) == ["residual stream"]
    assert counts["residual stream"]["of"] == 8 * 4 * (1 + 2 + 4 + 8)


def test_a_shuffled_set_has_no_selective_units(demo: CLIP, scenes: Scenes) -> None:
    things = np.random.default_rng(0).permutation(scenes.things)
    for count in count_selective_units(demo, replace(scenes, things=things)).values():
        assert [count[factor] for factor in ("shape", "color", "texture", "background")] == [0, 0, 0, 0]
