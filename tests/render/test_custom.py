"""Renders with a parameterization, transforms or an objective of the caller's own."""

import itertools
from collections.abc import Mapping

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from clip.model import CLIP
from torch import Tensor, nn
from typing_extensions import override

from clipdesk.errors import UsageError
from clipdesk.render import optimization
from clipdesk.render.custom import CustomObjective
from clipdesk.render.images import Parameterization
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings
from clipdesk.render.streams import RandomStreams
from clipdesk.render.targets import Unit
from tests.conftest import VIT_LAYER
from tests.toy_parts import Grey

UNITS = [Unit(layer=VIT_LAYER, index=3), Unit(layer=VIT_LAYER, index=7)]
QUICK = make_settings("lucid", iterations=8, image_size=64, device="cpu")


class Painter(Parameterization):
    """Pictures that a small network paints from each pixel's place, as in compositional pattern-producing networks."""

    def __init__(self, size: int, streams: RandomStreams) -> None:
        along = torch.linspace(-1, 1, size)
        self._places = torch.stack(torch.meshgrid(along, along, indexing="ij"), dim=-1).view(-1, 2)
        self._weights = [streams.normal(2, 16).requires_grad_(), streams.normal(16, 3).requires_grad_()]
        self._size = size

    @override
    def parameters(self) -> list[Tensor]:
        return self._weights

    @override
    def pixels(self) -> Tensor:
        colors = torch.sigmoid(torch.tanh(self._places @ self._weights[0]) @ self._weights[1])
        return colors.view(-1, self._size, self._size, 3).permute(0, 3, 1, 2)


@pytest.mark.parametrize("make", [Grey, Painter])
def test_a_custom_parameterization_is_optimised(vit: CLIP, make: type[Grey | Painter]) -> None:
    settings = QUICK.model_copy(update={"scale": 0.0, "rotate": 0.0, "shift": 0.0, "iterations": 30})
    frames = render(vit, UNITS, settings, parameterization=make)
    first = next(frames).clean_activations()
    *_, last = frames
    assert (last.clean_activations() > first).all()
    images = last.images()
    assert images.shape == (2, 64, 64, 3)
    if make is Grey:
        assert (images == images[..., :1]).all()


def test_a_picture_of_a_custom_parameterization_does_not_depend_on_its_neighbours(vit: CLIP) -> None:
    *_, together = render(vit, UNITS, QUICK, seeds=[4, 5], parameterization=Grey)
    *_, alone = render(vit, UNITS[1:], QUICK, seeds=[5], parameterization=Grey)
    assert np.abs(together.images()[1].astype(int) - alone.images()[0]).max() <= 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"start": "grey"}, "Grey cannot begin with a given picture: set start to noise and stages to 1"),
        ({"stages": 2}, "Grey cannot begin with a given picture"),
        ({"blur_every": 1}, "Grey cannot be blurred: set blur_every to 0"),
    ],
)
def test_a_parameterization_says_what_it_cannot_do(vit: CLIP, change: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        list(render(vit, UNITS, QUICK.model_copy(update=change), parameterization=Grey))


def test_custom_transforms_make_the_networks_input(vit: CLIP) -> None:
    steps: list[int] = []

    def mirrored(pixels: Tensor, streams: RandomStreams, step: int) -> Tensor:
        """A view as it is, and its mirror image, each a little moved."""
        steps.append(step)
        whole = F.interpolate(pixels, size=(32, 32), mode="bilinear")
        moved = whole + 0.1 * streams.uniform(3, 1, 1)
        return torch.stack([moved, moved.flip(-1)], dim=1).flatten(0, 1)

    settings = QUICK.model_copy(update={"views": 2, "noise": 9.0})
    *_, last = render(vit, UNITS, settings, transforms=mirrored)
    assert steps == list(range(1, 9))
    assert last.activations.shape == (2,)
    *_, alone = render(vit, UNITS[:1], settings, transforms=mirrored)
    assert last.activations[0] == pytest.approx(alone.activations[0], abs=1e-4)


def test_a_custom_objective_is_maximised(vit: CLIP) -> None:
    """The smaller of two units' activations, which no sum of targets can say."""

    def score(outputs: Mapping[str, Tensor]) -> Tensor:
        assert list(outputs) == [VIT_LAYER]
        return outputs[VIT_LAYER][:, 1:, [3, 7]].mean(dim=1).amin(dim=1)

    settings = QUICK.model_copy(update={"iterations": 30, "views": 2, "grid": 2, "diversity": 0.5})
    frames = render(vit, (), settings, seeds=[1, 2], objective=CustomObjective([VIT_LAYER], score))
    first = next(frames).clean_activations()
    *_, last = frames
    assert first.shape == (2,)
    assert (last.clean_activations() > first).all()
    assert last.penalties["likeness"].shape == (2,)


def test_a_custom_objective_for_a_unit_gives_the_units_picture(vit: CLIP) -> None:
    of_unit = CustomObjective([VIT_LAYER], lambda outputs: outputs[VIT_LAYER][:, 1:, 3].mean(dim=1))
    *_, custom = render(vit, (), QUICK, objective=of_unit)
    *_, plain = render(vit, UNITS[:1], QUICK)
    assert np.array_equal(custom.images(), plain.images())


def test_a_custom_part_that_returns_a_wrong_shape_is_refused(vit: CLIP) -> None:
    def wrong(pixels: Tensor, streams: RandomStreams, step: int) -> Tensor:
        return pixels

    with pytest.raises(
        UsageError, match=r"The transforms returned .* \(2, 3, 64, 64\), but \(2, 3, 32, 32\) is needed"
    ):
        list(render(vit, UNITS, QUICK, transforms=wrong))
    with pytest.raises(UsageError, match=r"The pixels of the parameterization .* but \(2, 3, 64, 64\) is"):
        list(render(vit, UNITS, QUICK, parameterization=lambda size, streams: Grey(size // 2, streams)))
    whole = CustomObjective([VIT_LAYER], lambda outputs: outputs[VIT_LAYER].mean())
    with pytest.raises(UsageError, match=r"The objective returned a tensor of shape \(\), but \(1,\) is needed"):
        list(render(vit, (), QUICK, objective=whole))


def test_a_custom_objective_is_checked_at_once(vit: CLIP) -> None:
    whole = CustomObjective([VIT_LAYER], lambda outputs: outputs[VIT_LAYER].mean(dim=(1, 2)))
    with pytest.raises(UsageError, match="but not both"):
        render(vit, UNITS, QUICK, objective=whole)
    with pytest.raises(UsageError, match="nothing to render"):
        render(vit, (), QUICK, seeds=[], objective=whole)
    with pytest.raises(UsageError, match="reads no layer"):
        render(vit, (), QUICK, objective=CustomObjective([], lambda _: torch.zeros(1)))
    with pytest.raises(UsageError, match=r"no layer 'visual\.nowhere'"):
        render(vit, (), QUICK, objective=CustomObjective(["visual.nowhere"], lambda _: torch.zeros(1)))


def test_steps_with_a_custom_part_are_not_captured(vit: CLIP, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU repeats a captured step, in which a part would see the numbers of the step that was captured."""
    monkeypatch.setattr(optimization, "repeats_steps", lambda _device: True)
    monkeypatch.setattr(optimization, "RepeatedStep", lambda _device: pytest.fail("a step is captured"))
    whole = CustomObjective([VIT_LAYER], lambda outputs: outputs[VIT_LAYER].mean(dim=(1, 2)))
    counter = itertools.count(1)

    def still(pixels: Tensor, streams: RandomStreams, step: int) -> Tensor:
        assert step == next(counter)
        return F.interpolate(pixels, size=(32, 32))

    list(render(vit, UNITS, QUICK, parameterization=Grey))
    list(render(vit, UNITS, QUICK, transforms=still))
    list(render(vit, (), QUICK, objective=whole))


@pytest.mark.gpu
def test_all_three_custom_parts_work_on_a_gpu(demo: nn.Module) -> None:
    layer = "visual.transformer.resblocks.3.mlp"

    def still(pixels: Tensor, streams: RandomStreams, step: int) -> Tensor:
        return F.interpolate(pixels + 0.01 * streams.normal(3, 1, 1), size=(128, 128), mode="bilinear")

    settings = make_settings("lucid", iterations=24, image_size=128, device="cuda")
    objective = CustomObjective([layer], lambda outputs: outputs[layer][:, 1:, 3].mean(dim=1))
    frames = render(demo, (), settings, seeds=[1, 2], parameterization=Grey, transforms=still, objective=objective)
    first = next(frames).clean_activations()
    *_, last = frames
    assert (last.clean_activations() > first).all()
