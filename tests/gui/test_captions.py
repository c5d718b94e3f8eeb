"""What stands under pictures on the canvas."""

import numpy as np
import pytest

from clipdesk.export.recipe import Activations
from clipdesk.gui.captions import caption, note
from clipdesk.gui.tracks import Track
from clipdesk.render.targets import Unit
from tests.recipes import REACHED, SILENT, WORSE, make_recipe


def track(*curve: float) -> Track:
    made = Track(Unit(layer="a", index=5), "3.mlp.gelu:5")
    for value in np.array(curve, dtype=np.float32):
        made.curve.append(float(value))
    return made


def test_the_activation_is_that_of_the_step_that_is_shown() -> None:
    forming = track(0.125, 0.5, 2.0)
    assert caption("3.mlp.gelu:5", track(), None) == "3.mlp.gelu:5"
    assert [caption("3.mlp.gelu:5", forming, step) for step in (None, 1, 2)] == [
        "3.mlp.gelu:5   2",
        "3.mlp.gelu:5   0.125",
        "3.mlp.gelu:5   0.5",
    ]


def test_the_activation_of_a_finished_picture_is_its_own() -> None:
    done = track(0.125, 2.0)
    done.recipe = make_recipe()
    assert caption("3.mlp.gelu:5", done, None) == "3.mlp.gelu:5   2.25"
    assert caption("3.mlp.gelu:5", done, 1) == "3.mlp.gelu:5   0.125"


@pytest.mark.parametrize(
    ("activation", "steps", "words"),
    [
        (REACHED, None, ""),
        (REACHED, 39, "stopped at 39"),
        (SILENT, None, "nothing excited it"),
        (WORSE, None, "found nothing better than noise"),
    ],
)
def test_what_became_of_a_picture_is_noted(activation: Activations, steps: int | None, words: str) -> None:
    ended = track(0.1)
    assert note(ended) == ""
    ended.recipe = make_recipe(steps=steps, activation=activation)
    assert note(ended) == words
