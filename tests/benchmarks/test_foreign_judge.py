import ast
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from benchmarks.judges import foreign, outlines
from benchmarks.judges.foreign import FOREIGN_TEST_SEED, draw_foreign
from benchmarks.judges.networks import load_judge, weights_file
from benchmarks.judges.outlines import OUTLINES, Field
from benchmarks.judges.training import Lessons, accuracy, reduced
from clipdesk.scenes.captions import FACTORS
from clipdesk.scenes.dataset import Kind, draw_scenes
from clipdesk.scenes.scenes import SHAPE_NAMES


def plane(side: int = 64) -> tuple[Field, Field]:
    """Points from -1.2 to 1.2 in both directions."""
    axis = np.linspace(-1.2, 1.2, side, dtype=np.float32)
    rows, columns = np.meshgrid(axis, axis, indexing="ij")
    return columns, rows


def test_every_shape_has_an_outline_of_its_own() -> None:
    assert tuple(OUTLINES) == SHAPE_NAMES


@pytest.mark.parametrize("shape", OUTLINES)
def test_a_shape_is_in_the_picture_and_its_details_are_on_it(shape: str) -> None:
    x, y = plane()
    for seed in range(20):
        outline = OUTLINES[shape](x, y, np.random.default_rng(seed))
        inside = outline.body < 0
        assert 0.1 < inside.mean() < 0.75
        # Nothing of a shape leaves the frame but a tail's or a roof's tip.
        assert inside[[0, -1]].mean() < 0.1
        for detail in outline.dark:
            assert (detail < 0).any()


def test_a_ring_has_a_hole_and_a_circle_does_not() -> None:
    x, y = plane(65)
    rng = np.random.default_rng(0)
    assert OUTLINES["ring"](x, y, rng).body[32, 32] > 0
    assert OUTLINES["circle"](x, y, rng).body[32, 32] < 0


def test_scenes_are_repeatable_and_their_ground_has_another_colour() -> None:
    first, again, other = draw_foreign(300, 1), draw_foreign(300, 1), draw_foreign(300, 2)
    assert np.array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)
    assert first.images.shape == (300, 3, 64, 64)
    assert (first.factors[:, 1] != first.factors[:, 3]).all()
    for column, values in enumerate(FACTORS.values()):
        assert set(first.factors[:, column]) == set(range(len(values)))


def test_the_ground_has_the_colour_that_is_named() -> None:
    """The corners are mostly ground, so of each two grounds the one named white is lighter than the one named black."""
    scenes = draw_foreign(400, 5)
    corners = scenes.images[:, :, [0, 0, -1, -1], [0, -1, 0, -1]].astype(float)
    middle = np.median(corners, axis=2)
    names = FACTORS["background"]
    by_name = {name: np.median(middle[scenes.factors[:, 3] == i], axis=0) for i, name in enumerate(names)}
    assert by_name["white"].min() > 200
    assert by_name["black"].max() < 60
    for name, channel in (("red", 0), ("green", 1), ("blue", 2)):
        assert int(by_name[name].argmax()) == channel


@pytest.mark.parametrize("module", [foreign, outlines])
def test_the_other_hand_draws_with_nothing_of_the_models_scenes(module: ModuleType) -> None:
    """Names may be shared, drawing may not."""
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in imported if name and name.startswith("clipdesk")} <= {"clipdesk.scenes.captions"}


def test_the_kept_foreign_judge_names_its_own_scenes_and_the_models() -> None:
    """On fewer scenes than the README's table. Patterns of a few marks on small things are hard to tell apart."""
    judge = load_judge("foreign")
    own = accuracy(judge, draw_foreign(300, FOREIGN_TEST_SEED), corrupt=False)
    for factor, bar in {"shape": 0.97, "color": 0.96, "texture": 0.85, "background": 0.98}.items():
        assert own[factor] > bar, own
    scenes = draw_scenes(300, 7, Kind.SEEN, processes=1)
    models = accuracy(judge, Lessons(reduced(scenes.images), scenes.factors), corrupt=False)
    assert min(models.values()) > 0.8, models
    assert weights_file("foreign").stat().st_size < 5_000_000
