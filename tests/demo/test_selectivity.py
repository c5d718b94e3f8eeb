import numpy as np
import pytest
from clip.model import CLIP

from clipdesk.demo.selectivity import CONCEPTS, areas_under_curves, concepts_shown, selective_units, unit_activations
from clipdesk.jobs.events import Result
from clipdesk.jobs.job import Job
from clipdesk.jobs.runner import run_job
from clipdesk.network.opened import OpenModel
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from clipdesk.scenes.dataset import Kind, draw_scenes
from clipdesk.scenes.scenes import Scene

LAYERS = ["visual.transformer.resblocks.4.mlp.gelu", "visual.transformer.resblocks.5.mlp.gelu"]


def test_area_under_curve_is_the_share_of_pairs_in_the_right_order() -> None:
    values = np.array([[1.0, 9.0], [2.0, 1.0], [3.0, 2.0], [4.0, 3.0]], dtype=np.float32)
    shown = np.array([[False, True], [True, False], [False, False], [True, True]])
    assert areas_under_curves(values, shown) == pytest.approx(np.array([[0.75, 0.25], [0.5, 1.0]]))


def test_equal_activations_count_a_half_in_whatever_order_the_images_stand() -> None:
    """Of a unit that is 0 for most images, which stand in the order of their concepts."""
    shown = np.repeat(np.eye(5, dtype=np.bool_), 40, axis=0)
    silent = np.zeros((200, 1), np.float32)
    assert areas_under_curves(silent, shown) == pytest.approx(np.full((5, 1), 0.5))
    sparse = silent.copy()
    sparse[80:90] = 1  # a quarter of the third concept's
    expected = np.array([[0.46875], [0.46875], [0.625], [0.46875], [0.46875]])
    assert areas_under_curves(sparse, shown) == pytest.approx(expected)


def test_concepts_are_those_of_the_factors() -> None:
    scene = Scene("star", "red", "striped", "white")
    shown = concepts_shown(np.array([scene.factors]))[0]
    names = [("shape", "star"), ("color", "red"), ("texture", "striped"), ("background", "white")]
    assert [concept for concept, shows in zip(CONCEPTS, shown, strict=True) if shows] == names


def test_activations_are_those_that_a_render_reports(demo: CLIP) -> None:
    job = Job(model="demo", targets=(Unit(layer=LAYERS[0], index=7),), settings=make_settings(iterations=1))
    result = next(event for event in run_job(OpenModel.of(demo), job) if isinstance(event, Result))
    measured = unit_activations(demo, LAYERS, result.image[None])[LAYERS[0]][0, 7]
    assert measured == pytest.approx(result.activation, abs=1e-3)


def test_pictures_excite_their_units_above_99_percent_of_scenes(demo: CLIP) -> None:
    """The picture is right: for the units that tell one concept from the rest, it beats the 99th percentile."""
    scenes = draw_scenes(1_000, 11, Kind.SEEN, processes=1)
    chosen = selective_units(demo, LAYERS, scenes, 2)
    assert all(unit.auc > 0.9 for unit in chosen)
    # The default's noise and flatness cost activation: with them some stay below. How many of a hundred do,
    # benchmarks.quality measures.
    job = Job(model="demo", targets=tuple(unit.unit for unit in chosen), settings=make_settings("lucid"))
    results = [event for event in run_job(OpenModel.of(demo), job) if isinstance(event, Result)]
    for unit, result in zip(chosen, results, strict=True):
        assert result.activation > unit.percentile99, unit
