import numpy as np
import pytest
from clip.model import CLIP

from clipdesk.errors import UsageError
from clipdesk.jobs.visualizer import FeatureVisualizer

LAYER = "visual.transformer.resblocks.1.attn"


def test_progress_is_reported_after_every_step(vit: CLIP) -> None:
    calls: list[tuple[int, int, float]] = []
    FeatureVisualizer(vit).generate_image(
        LAYER,
        3,
        num_iterations=3,
        progress_callback=lambda step, total, activation: calls.append((step, total, activation)),
    )
    assert [call[:2] for call in calls] == [(1, 3), (2, 3), (3, 3)]
    assert all(np.isfinite(call[2]) for call in calls)


def test_all_parameters_arrive(vit: CLIP) -> None:
    visualizer = FeatureVisualizer(vit, device="cpu")
    plain = visualizer.generate_image(LAYER, 3, num_iterations=6, image_size=64)
    assert plain.size == (64, 64)
    assert plain.mode == "RGB"
    changes: list[dict[str, float]] = [{"learning_rate": 0.5}, {"blur_every": 2}, {"tv_weight": 5.0}, {"seed": 1}]
    for change in changes:
        changed = visualizer.generate_image(LAYER, 3, num_iterations=6, image_size=64, **change)  # type: ignore[arg-type]
        assert not np.array_equal(np.asarray(plain), np.asarray(changed)), change
    again = visualizer.generate_image(LAYER, 3, num_iterations=6, image_size=64)
    assert np.array_equal(np.asarray(plain), np.asarray(again))


@pytest.mark.parametrize(
    ("layer", "neuron", "parameters", "message"),
    [
        (LAYER, -1, {}, "0 to 63"),
        (LAYER, 64, {}, "0 to 63"),
        ("visual.nothing", 0, {}, "no layer"),
        (LAYER, 0, {"image_size": 5000}, "image_size must be from 64 to 2048"),
        (LAYER, 0, {"num_iterations": 0}, "iterations must be from 1 to 5000"),
    ],
)
def test_wrong_arguments_are_refused(
    vit: CLIP, layer: str, neuron: int, parameters: dict[str, int], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        FeatureVisualizer(vit).generate_image(layer, neuron, **parameters)  # type: ignore[arg-type]
