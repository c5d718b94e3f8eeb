import pytest

from clipdesk.demo.evaluate import HELD_OUT_SEED, zero_shot_accuracy
from clipdesk.models.catalogue import OF_SCENES
from clipdesk.models.loading import load_model
from clipdesk.scenes.dataset import Kind, draw_scenes

BARS = {
    "demo": {"shape": 0.90, "color": 0.95, "texture": 0.95, "background": 0.98},
    "demo-rn": {"shape": 0.97, "color": 0.97, "texture": 0.97, "background": 0.97},
}


@pytest.mark.parametrize("name", OF_SCENES)
def test_an_embedded_model_names_what_it_sees_in_pairs_it_never_trained_on(name: str) -> None:
    """The bars of the model cards, on fewer scenes; `python -m clipdesk.demo.evaluate` measures 4,000."""
    figures = zero_shot_accuracy(load_model(name, "cpu"), draw_scenes(400, HELD_OUT_SEED, Kind.HELD_OUT))
    for factor, bar in BARS[name].items():
        assert figures[factor] >= bar, figures
