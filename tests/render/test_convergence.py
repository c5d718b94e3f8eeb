from collections.abc import Sequence

import numpy as np
import pytest

from clipdesk.render.convergence import Convergence
from clipdesk.render.presets import make_settings


def ends(curves: Sequence[Sequence[float]], patience: int, stages: int = 1) -> list[int | None]:
    """The step at which each picture ends; None for one that goes on to its last step."""
    settings = make_settings(patience=patience, iterations=len(curves[0]), stages=stages)
    convergence = Convergence(settings, len(curves))
    found: list[int | None] = [None] * len(curves)
    for step, activations in enumerate(np.array(curves, dtype=np.float32).T, start=1):
        for row in convergence.ended(activations):
            assert found[row] is None, "each ends once"
            found[row] = step
    assert convergence.over is (None not in found)
    return found


RISING = [1.02**step for step in range(40)]
STEADY = [1.0] * 40


@pytest.mark.parametrize(
    ("curve", "step"),
    [
        (RISING, None),
        (STEADY, 10),
        ([*RISING[:20], *[RISING[19]] * 20], 28),
        ([-2.0] * 40, 10),
        ([-1 / (1 + step) for step in range(40)], None),
        ([0.0] * 40, None),
        ([1.0, 3.0] * 20, 11),
    ],
)
def test_a_picture_ends_where_its_activation_does_not_rise(curve: list[float], step: int | None) -> None:
    assert ends([curve], 5) == [step]


def test_each_picture_is_judged_by_itself() -> None:
    assert ends([RISING, STEADY, [0.0] * 40], 5) == [None, 10, None]


def test_by_default_every_step_is_done() -> None:
    assert ends([STEADY], 0) == [None]


def test_a_picture_reaches_its_last_stage() -> None:
    assert ends([STEADY], 5, stages=2) == [30]
    assert ends([STEADY], 5, stages=4) == [40]
