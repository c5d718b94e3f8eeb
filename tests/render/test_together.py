"""A difference excites the second model's unit, and leaves the first's cold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from types import SimpleNamespace
from typing import Literal

import numpy as np
import pytest
import torch
from clip.model import CLIP
from numpy.typing import NDArray
from torch import nn

from clipdesk.errors import UsageError
from clipdesk.network import frozen
from clipdesk.network.capture import LayerCapture, pooled
from clipdesk.network.normalization import normalized
from clipdesk.network.opened import OpenModel
from clipdesk.render import together
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Combined, Position, Term, Unit
from clipdesk.render.together import Measured, render_difference
from tests.clips import openais

TRAINED = "visual.transformer.resblocks.3.mlp.gelu"
HIDDEN = "visual.transformer.resblocks.1.mlp.gelu"
PLAIN = make_settings(iterations=25, views=1, noise=0.0, seed=3, device="cpu")


def activations(opened: OpenModel, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Of all units of the hidden layer of a trained model, for a picture of its size."""
    info = opened.inspector.layers[TRAINED]
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        outputs = LayerCapture(opened.network, [info]).run(normalized(pixels))
    return pooled(outputs[TRAINED], info)[0].numpy()


def test_what_is_rendered_excites_one_unit_and_not_the_other(demo: CLIP) -> None:
    model, wanted = OpenModel.of(demo), 30
    settings = make_settings(iterations=40, views=1, seed=3, device="cpu")
    *_, alone = render(model.network, [Unit(layer=TRAINED, index=wanted)], settings)
    before = activations(model, alone.images()[0])
    others = before.copy()
    others[wanted] = -np.inf
    along = int(others.argmax())
    units = Measured(TRAINED, along, 0.0, 0.1), Measured(TRAINED, wanted, 0.0, 0.1)
    *_, frame = render_difference(model, model, [units], settings)
    after = activations(model, frame.images()[0])
    assert before[along] > before[wanted]
    assert after[wanted] > after[along]
    assert after[along] < 0.3 * before[along]


def test_of_a_model_and_itself_nothing_is_left_to_excite() -> None:
    model = OpenModel.of(openais())
    # Far below the mean of both, the first's part does not count; from there on the two take each other away.
    *_, frame = render_difference(model, model, [(Measured(HIDDEN, 4, -100, 1), Measured(HIDDEN, 4, -100, 1))], PLAIN)
    assert frame.activations == pytest.approx([0], abs=1e-3)


def test_each_picture_is_of_its_own_pair() -> None:
    first, second = OpenModel.of(openais()), OpenModel.of(openais(1))
    pairs = [(Measured(HIDDEN, at, 0.0, 1.0), Measured(HIDDEN, at + 1, 0.0, 1.0)) for at in (3, 8)]
    short = make_settings(iterations=3, views=2, seed=3, device="cpu")
    *_, both = render_difference(first, second, pairs, short)
    *_, one = render_difference(first, second, pairs[1:], short)
    assert np.abs(both.images()[1].astype(int) - one.images()[0].astype(int)).max() <= 2


@pytest.mark.parametrize("at", ["patches", "max", "class"])
def test_units_are_read_at_the_position_that_is_asked_for(at: Literal["patches", "max", "class"]) -> None:
    model, begun = OpenModel.of(openais()), PLAIN.model_copy(update={"iterations": 1})
    # Far below its mean, the first's part does not count: what is left is the second's unit, as it is rendered alone.
    pair = Measured(HIDDEN, 4, 1e6, 1.0, at), Measured(HIDDEN, 4, 0.0, 1.0, at)
    *_, frame = render_difference(model, model, [pair], begun)
    alone = {}
    positions: tuple[Position, ...] = ("patches", "max", "class")
    for each in positions:
        target = Combined(terms=(Term(what=Unit(layer=HIDDEN, index=4), at=each),))
        *_, own = render(model.network, [target], begun)
        alone[each] = float(own.activations[0])
    nearest = min(alone, key=lambda name: abs(alone[name] - float(frame.activations[0])))
    assert nearest == at
    assert float(frame.activations[0]) == pytest.approx(alone[at], abs=0.1)


def test_models_of_different_input_size_are_rendered_together() -> None:
    torch.manual_seed(0)
    larger = OpenModel.of(CLIP(64, 80, 2, 128, 16, 77, 49408, 64, 1, 2).float().eval())
    pair = Measured(HIDDEN, 4, 0.0, 1.0), Measured(HIDDEN, 4, 0.0, 1.0)
    *_, frame = render_difference(OpenModel.of(openais()), larger, [pair], PLAIN)
    assert frame.images().shape == (1, 80, 80, 3)


def test_towers_are_copied_while_no_other_thread_runs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    model, free = OpenModel.of(openais()), list[bool]()

    def copied(tower: nn.Module) -> nn.Module:
        with ThreadPoolExecutor(1) as other:
            free.append(other.submit(lambda: frozen._lock_of(model.network).acquire(blocking=False)).result())
        return deepcopy(tower)

    monkeypatch.setattr(together, "copy", SimpleNamespace(deepcopy=copied))
    unit = Measured(HIDDEN, 4, 0, 1)
    next(render_difference(model, model, [(unit, unit)], PLAIN)).images()
    assert free == [False, False]


def test_what_cannot_be_rendered_is_refused() -> None:
    model = OpenModel.of(openais())
    with pytest.raises(UsageError, match="at least one pair"):
        render_difference(model, model, [], PLAIN)
    with pytest.raises(UsageError, match="9999"):
        render_difference(model, model, [(Measured(HIDDEN, 9999, 0, 1), Measured(HIDDEN, 0, 0, 1))], PLAIN)
    with pytest.raises(UsageError, match="grid"):
        render_difference(
            model, model, [(Measured(HIDDEN, 0, 0, 1),) * 2], make_settings(grid=2, iterations=2, device="cpu")
        )
