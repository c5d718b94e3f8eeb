"""Captured steps: when a step is captured on any machine, and the pictures that a GPU makes of captured steps."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

import numpy as np
import pytest
import torch
from clip.model import CLIP
from torch import Tensor
from typing_extensions import override

from clipdesk.render import graphs, optimization
from clipdesk.render.graphs import RepeatedStep
from clipdesk.render.loop import Frame, render
from clipdesk.render.presets import PRESETS, make_settings
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Target, Text, Unit
from tests.conftest import VIT_LAYER

CPU = torch.device("cpu")


class Replay:
    """Does captured work again, into the memory of its first result."""

    def __init__(self, work: Callable[[], Tensor], result: Tensor) -> None:
        self._work, self._result = work, result

    def replay(self) -> None:
        self._result.copy_(self._work())


class Capturer(RepeatedStep):
    """Captures on a CPU; as on a GPU, work that is captured is not run."""

    def __init__(self, device: torch.device, shape: tuple[int, ...] = (2, 2)) -> None:
        super().__init__(device)
        self.plain, self.captures, self.forgot, self._shape = 0, 0, False, shape

    @override
    def forget(self) -> None:
        super().forget()
        self.forgot = True

    @override
    def plainly(self, work: Callable[[], Tensor]) -> Tensor:
        self.plain += 1
        return work()

    @override
    def captured(self, work: Callable[[], Tensor]) -> tuple[Replay, Tensor]:
        self.captures += 1
        result = torch.zeros(self._shape)
        return Replay(work, result), result


def test_after_a_few_steps_one_is_captured_and_replayed() -> None:
    step, count = Capturer(CPU, (1,)), torch.zeros(1)
    found = [float(step(lambda: count.add_(1), "first")) for _ in range(10)]
    assert found == list(range(1, 11))
    assert (step.plain, step.captures) == (3, 1)


def test_other_work_is_captured_anew() -> None:
    step = Capturer(CPU, (1,))
    for kind in (torch.tensor([1]), torch.tensor([2])):
        assert [float(step(kind.clone, int(kind))) for _ in range(6)] == [float(kind)] * 6
    assert (step.plain, step.captures) == (6, 2)


def test_steps_that_cannot_be_captured_are_taken_plainly_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Unable(Capturer):
        @override
        def captured(self, work: Callable[[], Tensor]) -> tuple[Replay, Tensor]:
            raise RuntimeError("operation not permitted when stream is capturing")

    step, count = Unable(CPU), torch.zeros(1)
    with caplog.at_level(logging.WARNING):
        assert [float(step(lambda: count.add_(1), 0)) for _ in range(8)] == list(range(1, 9))
    assert [record.message for record in caplog.records] == [
        "a step cannot be captured here: steps are taken one by one, slower"
    ]


def test_too_little_memory_for_a_capture_is_reported() -> None:
    class Full(Capturer):
        @override
        def captured(self, work: Callable[[], Tensor]) -> tuple[Replay, Tensor]:
            raise torch.OutOfMemoryError

    step = Full(CPU)
    for _ in range(3):
        step(lambda: torch.zeros(1), 0)
    with pytest.raises(torch.OutOfMemoryError):
        step(lambda: torch.zeros(1), 0)


RECIPES: dict[str, dict[str, object]] = {
    "draft": {},
    "standard": {},
    "direct-ascent": {"views": 4},
    "ghiasi": {"views": 2},
    "classic": {},
    "stages": {"stages": 2, "transparency": "gradients", "blur_every": 5},
    "crops": {"crop": 0.9, "crop_end": 0.3, "image_size": 64, "noise_schedule": "linear"},
    "variants": {"grid": 2, "diversity": 1.0},
}


def recipe(name: str, **changes: object) -> RenderSettings:
    return make_settings(name if name in PRESETS else "draft", **{"iterations": 24, **RECIPES[name], **changes})


def finished(model: CLIP, settings: RenderSettings, *targets: Target, seeds: list[int] | None = None) -> Frame:
    targets = targets or (Unit(layer=VIT_LAYER, index=3), Text(text="a star"))
    return deque(render(model, targets, settings, seeds=seeds or [1, 2]), maxlen=1).pop()


@pytest.mark.parametrize("name", RECIPES)
def test_captured_steps_give_the_same_pictures_as_plain_ones(
    vit: CLIP, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = recipe(name)
    pictures = 2 * settings.grid**2
    plain = finished(vit, settings)
    monkeypatch.setattr(optimization, "repeats_steps", lambda _device: True)
    capturers: list[Capturer] = []

    def capturer(device: torch.device) -> Capturer:
        capturers.append(Capturer(device, (1 + len(plain.penalties), pictures)))
        return capturers[-1]

    monkeypatch.setattr(optimization, "RepeatedStep", capturer)
    captured = finished(vit, settings)
    monkeypatch.setattr(graphs, "_PLAINLY", 10_000)
    never = finished(vit, settings)
    assert capturers[0].captures == (2 if name in ("stages", "crops") else 1)
    assert capturers[1].captures == 0
    assert np.array_equal(captured.images(), never.images())
    assert np.array_equal(captured.activations, never.activations)
    assert captured.penalties.keys() == plain.penalties.keys()
    if name == "direct-ascent":
        # Of other random numbers, that matter little to it.
        assert np.allclose(captured.clean_activations(), plain.clean_activations(), rtol=0.1)
    assert capturers[0].forgot, "a render that has ended holds no more memory than its pictures need"
    alphas = captured.alphas(), plain.alphas()
    assert (alphas[0] is None) == (alphas[1] is None) == (name != "stages")


@pytest.mark.gpu
@pytest.mark.parametrize("name", [*RECIPES, "standard", "lucid", "maco"])
def test_replayed_steps_on_a_gpu_match_plain_ones(demo: CLIP, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = recipe(name) if name in RECIPES else make_settings(name, iterations=24, image_size=128, views=2)
    settings = settings.model_copy(update={"device": "cuda", "precision": "float32"})
    target = Unit(layer="visual.transformer.resblocks.3.mlp", index=3)
    repeated = finished(demo, settings, target, Text(text="a star"))
    monkeypatch.setattr(graphs, "_PLAINLY", 10_000)
    plain = finished(demo, settings, target, Text(text="a star"))
    # Sums of a GPU come in another order each time.
    assert float(np.abs(repeated.images().astype(int) - plain.images()).mean()) < 0.5
    assert np.allclose(repeated.clean_activations(), plain.clean_activations(), rtol=0.01)


@pytest.mark.gpu
def test_a_picture_on_a_gpu_does_not_depend_on_its_neighbours(demo: CLIP) -> None:
    settings = make_settings("draft", iterations=40, device="cuda", precision="float32")
    targets = [Unit(layer="visual.transformer.resblocks.3.mlp", index=index) for index in range(9)]
    together = finished(demo, settings, *targets, seeds=list(range(9)))
    alone = finished(demo, settings, targets[4], seeds=[4])
    assert float(np.abs(together.images()[4].astype(int) - alone.images()[0]).mean()) < 1
    assert together.clean_activations()[4] == pytest.approx(alone.clean_activations()[0], rel=0.01)


@pytest.mark.gpu
def test_bfloat16_on_a_gpu_reaches_what_float32_does(demo: CLIP) -> None:
    targets = [Unit(layer="visual.transformer.resblocks.3.mlp", index=index) for index in range(32)]
    reached = [
        finished(
            demo,
            make_settings("draft", device="cuda", precision=precision),
            *targets,
            seeds=list(range(32)),
        ).clean_activations()
        for precision in ("bfloat16", "float32")
    ]
    assert float(reached[0].mean() / reached[1].mean()) > 0.98
