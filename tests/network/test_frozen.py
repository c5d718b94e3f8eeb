"""A model is left exactly as it was, whoever else uses it meanwhile."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import NamedTuple

import numpy as np
import pytest
import torch
from clip.model import CLIP
from numpy.typing import NDArray
from torch import Tensor

from clipdesk.network.capture import LayerCapture
from clipdesk.network.frozen import frozen
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.opened import OpenModel
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Target, Text, Unit

UNIT = Unit(layer="visual.layer2", index=3)
SETTINGS = make_settings(iterations=6, views=1, device="cpu", image_size=64)


class State(NamedTuple):
    """Everything of a model that running it might change."""

    values: dict[str, Tensor]
    training: dict[str, bool]
    wanted: dict[str, bool]
    hooks: int


def state_of(model: CLIP) -> State:
    return State(
        copy.deepcopy(dict(model.state_dict())),
        {name: module.training for name, module in model.named_modules()},
        {name: parameter.requires_grad for name, parameter in model.named_parameters()},
        sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()),
    )


def check_same(before: State, after: State) -> None:
    assert before[1:] == after[1:]
    assert [name for name, value in before.values.items() if not torch.equal(value, after.values[name])] == []


@pytest.fixture
def trained(resnet: CLIP) -> CLIP:
    """A ResNet in training mode but for one part, whose weights want gradients but for one."""
    resnet.train().requires_grad_(True)
    resnet.get_submodule("visual.layer1").eval()
    resnet.get_parameter("visual.conv1.weight").requires_grad_(False)
    return resnet


class Rendered(NamedTuple):
    picture: NDArray[np.uint8]
    clean: float


def rendered(model: CLIP, target: Target, seed: int = 0) -> Rendered:
    *_, last = render(model, [target], SETTINGS, seeds=[seed])
    return Rendered(last.images()[0], float(last.clean_activations()[0]))


def check_rendered(one: Rendered, other: Rendered) -> None:
    assert np.array_equal(one.picture, other.picture)
    assert one.clean == other.clean


def test_a_model_in_training_mode_is_left_as_it_was_at_every_step(trained: CLIP) -> None:
    before = state_of(trained)
    inspector = LayerInspector(trained)
    check_same(before, state_of(trained))
    for frame in render(trained, [UNIT, Text(text="a star")], SETTINGS, seeds=[0, 1], inspector=inspector):
        check_same(before, state_of(trained))
        frame.clean_activations()
        check_same(before, state_of(trained))


def test_a_model_in_training_mode_gives_the_pictures_and_activations_of_one_in_evaluation(trained: CLIP) -> None:
    still = copy.deepcopy(trained).eval().requires_grad_(False)
    for target in (UNIT, Text(text="a star")):
        check_rendered(rendered(trained, target), rendered(still, target))


def test_renders_that_take_turns_on_one_model_do_not_disturb_each_other(trained: CLIP) -> None:
    alone = [rendered(trained, UNIT, seed) for seed in (1, 2)]
    before = state_of(trained)
    first, second = (render(trained, [UNIT], SETTINGS, seeds=[seed]) for seed in (1, 2))
    next(second)
    *_, of_first = first
    check_same(before, state_of(trained))
    *_, of_second = second
    for frame, wanted in zip((of_first, of_second), alone, strict=True):
        check_rendered(Rendered(frame.images()[0], float(frame.clean_activations()[0])), wanted)


def test_threads_render_on_one_model_as_one_alone_does(trained: CLIP) -> None:
    before = state_of(trained)
    targets: list[Target] = [
        UNIT,
        Unit(layer="visual.layer4", index=5),
        Unit(layer="visual.layer1", index=1),
        Text(text="a star"),
    ]
    alone = [rendered(trained, target) for target in targets]
    with ThreadPoolExecutor(len(targets)) as pool:
        together = list(pool.map(lambda target: rendered(trained, target), targets))
    for one, other in zip(together, alone, strict=True):
        # Torch may split its sums in another way on another thread.
        assert one.clean == pytest.approx(other.clean, rel=1e-3)
        assert np.abs(one.picture.astype(int) - other.picture).mean() < 0.5
    check_same(before, state_of(trained))


def test_frozen_restores_every_part_after_an_error(trained: CLIP) -> None:
    before = state_of(trained)
    seen = []

    def use() -> None:
        with frozen(trained):
            modes = any(module.training for module in trained.modules())
            seen.append((modes, any(parameter.requires_grad for parameter in trained.parameters())))
            raise ValueError("out")

    with pytest.raises(ValueError, match="out"):
        use()
    assert seen == [(False, False)]
    check_same(before, state_of(trained))


def test_a_model_that_is_run_in_another_number_format_meanwhile_is_neither_copied_nor_mistaken(vit: CLIP) -> None:
    inspector = LayerInspector(vit)
    layer = inspector.get_layer_info("visual.transformer.resblocks.1.mlp.gelu")
    size = OpenModel.of(vit).nbytes
    inside, looked = Event(), Event()

    def wait(*_: object) -> None:
        inside.set()
        # Not until it has looked, if it is right: that waits for this thread.
        looked.wait(0.5)

    def look() -> OpenModel:
        inside.wait(60)
        found = OpenModel.of(vit, "cpu")
        looked.set()
        return found

    capture = LayerCapture(vit, [layer], half=True)
    hook = vit.get_submodule("visual.conv1").register_forward_hook(wait)
    with ThreadPoolExecutor(1) as pool:
        seen = pool.submit(look)
        capture.run(torch.zeros(1, 3, 32, 32))
        hook.remove()
        model = seen.result()
    assert model.network is vit
    assert model.nbytes == size
