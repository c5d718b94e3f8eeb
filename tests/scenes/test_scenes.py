from pathlib import Path

import numpy as np
import pytest

from clipdesk.scenes import dataset
from clipdesk.scenes.captions import FACTORS, UNSAID, caption, prompt
from clipdesk.scenes.dataset import CAPTIONS_PER_SCENE, Kind, draw_scenes
from clipdesk.scenes.scenes import (
    COLOR_NAMES,
    COLORS,
    SHAPE_NAMES,
    TEXTURES,
    Scene,
    draw_scene,
    is_held_out,
    sample_scene,
)
from clipdesk.scenes.shapes import SHAPES

SHAPE_LIST = """
circle square triangle star heart ring cross hexagon crescent arrow house tree fish face flower car
"""
COLOR_LIST = "red green blue yellow orange purple pink brown black white gray cyan"


def test_the_concept_lists() -> None:
    assert list(SHAPE_NAMES) == SHAPE_LIST.split()
    assert list(COLOR_NAMES) == COLOR_LIST.split()
    assert TEXTURES == ("plain", "striped", "dotted", "checkered")


@pytest.mark.parametrize("shape", SHAPE_NAMES)
def test_every_shape_is_drawn_in_its_color_and_no_two_look_alike(shape: str) -> None:
    picture = draw_scene(Scene(shape, "red", "plain", "white"), np.random.default_rng(0)).astype(int)
    assert picture.shape == (128, 128, 3)
    reddish = (picture[..., 0] - picture[..., 1] > 100).mean()
    assert 0.03 < reddish < 0.6
    assert np.abs(SHAPES[shape].parts[0].points).max() < 1.3


def test_edges_are_anti_aliased() -> None:
    picture = draw_scene(Scene("circle", "black", "plain", "white"), np.random.default_rng(1)).astype(int)
    assert ((picture[..., 0] > 60) & (picture[..., 0] < 200)).sum() > 50


@pytest.mark.parametrize("texture", TEXTURES[1:])
def test_textures_show(texture: str) -> None:
    plain = draw_scene(Scene("square", "blue", "plain", "white"), np.random.default_rng(3)).astype(int)
    textured = draw_scene(Scene("square", "blue", texture, "white"), np.random.default_rng(3)).astype(int)
    inside = plain[..., 0] < 60
    assert (plain[inside][:, 0] > 120).mean() == 0
    assert 0.1 < (textured[inside][:, 0] > 120).mean() < 0.6


def test_the_object_never_has_the_color_of_its_background_and_pairs_are_kept_apart() -> None:
    rng = np.random.default_rng(0)
    for held_out in (True, False):
        scenes = [sample_scene(rng, held_out=held_out) for _ in range(500)]
        assert all(is_held_out(s.shape, s.color) == held_out for s in scenes)
        assert all(s.color != s.background for s in scenes)
        assert {s.shape for s in scenes} == set(SHAPE_NAMES)


def test_the_colors_are_apart() -> None:
    values = np.array(list(COLORS.values()), dtype=float)
    distance = np.linalg.norm(values[:, None] - values[None], axis=-1) + 1e3 * np.eye(len(values))
    assert distance.min() > 60


def test_captions_say_what_they_mention_and_only_what_is_true() -> None:
    rng = np.random.default_rng(0)
    scene = Scene("star", "orange", "striped", "blue")
    values = dict(zip(FACTORS, ("star", "orange", "striped", "blue"), strict=True))
    seen = set()
    for _ in range(1_000):
        said = caption(scene, rng)
        mentions = tuple(value != UNSAID for value in said.specs[0])
        seen.add(mentions)
        for mentioned, value in zip(mentions, values.values(), strict=True):
            assert (value in said.text) == mentioned, said.text
        assert " a orange" not in f" {said.text}"
    assert len(seen) == 15


def test_prompts() -> None:
    assert prompt("shape", "arrow") == "an arrow"
    assert prompt("color", "orange") == "an orange object"
    assert prompt("texture", "dotted") == "a dotted object"
    assert prompt("background", "red") == "an object on a red background"


def test_a_seed_identifies_a_set() -> None:
    first, again, other = (draw_scenes(5, seed, Kind.HELD_OUT) for seed in (1, 1, 2))
    assert np.array_equal(first.images, again.images)
    assert first.captions == again.captions
    assert not np.array_equal(first.images, other.images)
    assert all(len(captions) == CAPTIONS_PER_SCENE for captions in first.captions)


def test_a_cached_set_is_not_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = draw_scenes(5, 1, Kind.COMPOSED, cache=tmp_path)
    monkeypatch.setattr(dataset, "_draw_chunk", None)
    kept = draw_scenes(5, 1, Kind.COMPOSED, cache=tmp_path)
    assert np.array_equal(kept.images, drawn.images)
    assert np.array_equal(kept.things, drawn.things)
    assert np.array_equal(kept.words, drawn.words)
    assert kept.captions == drawn.captions
