"""A pass over pictures gives what hooks of one's own give, whatever the batches, and lists what cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from clip.model import CLIP
from numpy.typing import NDArray
from torch import Tensor, nn

from clipdesk.activations.layers import usual_layers
from clipdesk.activations.scan import ScanState, scan
from clipdesk.activations.statistics import UnitStatistics
from clipdesk.activations.sums import SAMPLED
from clipdesk.errors import UsageError
from clipdesk.network.opened import OpenModel
from tests.activations.sets import Drawn, random_set

BLOCK = "visual.transformer.resblocks.1"


def last(
    opened: OpenModel,
    images: Drawn,
    layers: list[str] | None = None,
    *,
    batch: int | None = None,
    block: int = 128,
    part: range | None = None,
) -> ScanState:
    *_, scanned = scan(opened, images, layers, batch=batch, block=block, part=part)
    return scanned.state


def outputs_of(model: CLIP, images: Drawn, module: str, read: Callable[[Any], Tensor]) -> NDArray[np.float64]:
    """What a module gives for each picture, in the order of the places, (pictures, positions, units)."""
    wanted: list[Tensor] = []
    hook = model.get_submodule(module).register_forward_hook(lambda _m, _a, output: wanted.append(read(output)))
    mean, std = torch.tensor([[0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]])
    pixels = torch.from_numpy(images.pixels[images.order]).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        model.visual((pixels - mean[:, None, None]) / std[:, None, None])
    hook.remove()
    return wanted[0].double().numpy()


def check(found: UnitStatistics, values: NDArray[np.float64]) -> None:
    scale = np.abs(values).max() + 1e-9
    assert found.count == len(values)
    assert np.allclose(found.means, values.mean(axis=0), rtol=1e-5, atol=1e-6 * scale)
    assert np.allclose(found.deviations, values.std(axis=0), rtol=1e-4, atol=1e-6 * scale)
    assert np.allclose(found.most, values.max(axis=0), rtol=1e-5, atol=1e-6 * scale)
    assert np.allclose(found.least, values.min(axis=0), rtol=1e-5, atol=1e-6 * scale)
    assert np.array_equal(found.top.pictures[:, 0], values.argmax(axis=0))
    assert np.array_equal(found.bottom.pictures[:, 0], values.argmin(axis=0))
    assert np.array_equal(found.histogram.counts.sum(axis=1), np.full(found.units, len(values)))


def test_a_transformers_layers_are_read_as_hooks_read_them(vit: CLIP) -> None:
    images = random_set(40, 32)
    state = last(OpenModel.of(vit), images, [BLOCK, f"{BLOCK}.mlp.gelu", "visual"], batch=7, block=16)
    for name in (BLOCK, f"{BLOCK}.mlp.gelu"):
        values = outputs_of(vit, images, name, lambda out: out.transpose(0, 1))
        check(state.statistics((name, "mean")), values[:, 1:].mean(axis=1))
        check(state.statistics((name, "class")), values[:, 0])
        largest = state.statistics((name, "max"))
        check(largest, values[:, 1:].max(axis=1))
        best = largest.top.pictures[:, 0]
        assert np.array_equal(largest.top.positions[:, 0], values[best, 1:, np.arange(largest.units)].argmax(axis=1))
    embeddings = outputs_of(vit, images, "visual", lambda out: out)
    check(state.statistics(("visual", "mean")), embeddings)
    wanted = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    assert np.abs(state.all_embeddings().rows - wanted).max() < 1e-3


def test_the_heads_of_a_pass_are_those_that_a_render_reads(vit: CLIP) -> None:
    images = random_set(9, 32)
    opened = OpenModel.of(vit)
    found = last(opened, images, [f"{BLOCK}.attn.heads"]).statistics((f"{BLOCK}.attn.heads", "mean"))
    attention = vit.get_submodule(f"{BLOCK}.attn")
    assert isinstance(attention, nn.MultiheadAttention)
    mixed: list[Tensor] = []

    def inside(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
        tokens = args[0].transpose(0, 1)
        packed = torch.nn.functional.linear(tokens, attention.in_proj_weight, attention.in_proj_bias)
        q, k, v = (each.unflatten(-1, (attention.num_heads, -1)).transpose(1, 2) for each in packed.chunk(3, dim=-1))
        weights = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(dim=-1)
        mixed.append((weights @ v).norm(dim=-1).transpose(1, 2))

    hook = attention.register_forward_pre_hook(inside)
    outputs_of(vit, images, "visual", lambda out: out)
    hook.remove()
    check(found, mixed[0].double().numpy()[:, 1:].mean(axis=1))


def test_a_resnets_stages_are_read_as_hooks_read_them(resnet: CLIP) -> None:
    images = random_set(20, 64)
    opened = OpenModel.of(resnet)
    assert usual_layers(opened.inspector) == ["visual", *(f"visual.layer{stage}" for stage in range(1, 5))]
    state = last(opened, images, batch=8, block=8)
    for name in ("visual.layer1", "visual.layer4"):
        values = outputs_of(resnet, images, name, lambda out: out.flatten(2).transpose(1, 2))
        check(state.statistics((name, "mean")), values.mean(axis=1))
        check(state.statistics((name, "max")), values.max(axis=1))


def test_batches_blocks_and_parts_do_not_matter(vit: CLIP) -> None:
    images = random_set(50, 32)
    opened = OpenModel.of(vit)
    layers = [f"{BLOCK}.mlp.gelu"]
    whole = last(opened, images, layers)
    others = [last(opened, images, layers, batch=3, block=7)]
    first = last(opened, images, layers, part=range(20))
    first.merge(last(opened, images, layers, part=range(20, 50)))
    others.append(first)
    for other in others:
        assert [each.id for each in other.surveyed] == [each.id for each in whole.surveyed]
        assert np.array_equal(other.sampled(), whole.sampled())
        for pooling in ("mean", "max", "class"):
            one, two = (state.statistics((layers[0], pooling)) for state in (whole, other))
            assert np.allclose(one.means, two.means, rtol=1e-5, atol=1e-7)
            assert np.allclose(one.squares, two.squares, rtol=1e-4, atol=1e-9)
            assert np.allclose(one.cross, two.cross, rtol=1e-3, atol=1e-6)
            assert np.allclose(one.sample, two.sample, rtol=2e-3, atol=1e-5)
            assert (one.top.pictures == two.top.pictures).mean() > 0.99


def test_pictures_that_cannot_be_read_are_listed_and_left_out(vit: CLIP) -> None:
    images = random_set(12, 32, broken=(4, 7))
    state = last(OpenModel.of(vit), images, [BLOCK])
    assert [(each.place, each.reason) for each in state.left_out] == [
        ("1/00004.png", "1/00004.png is not an image that can be read"),
        ("1/00007.png", "1/00007.png is not an image that can be read"),
    ]
    assert len(state.surveyed) == 10
    found = state.statistics((BLOCK, "mean"))
    assert set(found.top.pictures[0, :10]) == set(range(10))
    good = [row for row in range(12) if images.order[row] not in (4, 7)]
    values = outputs_of(vit, images, BLOCK, lambda out: out.transpose(0, 1))[good, 1:].mean(axis=1)
    check(found, values)


def test_a_set_of_which_nothing_can_be_read_is_refused(vit: CLIP) -> None:
    with pytest.raises(UsageError, match=r"Not one picture of drawn can be read: 0/00000\.png is not an image"):
        last(OpenModel.of(vit), random_set(2, 32, broken=(0, 1)), [BLOCK]).check_read("drawn")


def test_a_picture_alone_is_surveyed(vit: CLIP) -> None:
    found = last(OpenModel.of(vit), random_set(1, 32), [BLOCK]).statistics((BLOCK, "max"))
    assert np.array_equal(found.deviations, np.zeros(found.units))
    assert (found.top.pictures[:, 0] == 0).all()
    assert (found.top.pictures[:, 1:] == -1).all()


def test_the_sample_is_the_same_whatever_comes_first(vit: CLIP) -> None:
    images = random_set(SAMPLED + 40, 8)
    opened = OpenModel.of(vit)
    whole = last(opened, images, ["visual"])
    second = last(opened, images, ["visual"], part=range(300, SAMPLED + 40))
    second.merge(last(opened, images, ["visual"], part=range(300)))
    assert len(whole.sampled()) == SAMPLED
    assert np.array_equal(whole.sampled(), second.sampled())
    one, two = (state.statistics(("visual", "mean")).sample for state in (whole, second))
    assert np.allclose(one, two, atol=2e-3)


def test_a_model_whose_numbers_are_none_for_a_picture_leaves_it_out(vit: CLIP) -> None:
    images = random_set(6, 32)

    def spoil(_module: nn.Module, _args: object, output: Tensor) -> Tensor:
        return torch.where(torch.arange(len(output))[:, None, None, None] == 2, torch.nan, output)

    hook = vit.get_submodule("visual.conv1").register_forward_hook(spoil)
    state = last(OpenModel.of(vit), images, [BLOCK])
    hook.remove()
    assert [each.reason for each in state.left_out] == ["the model's activations for it are not numbers"]
    assert state.left_out[0].place == images.pictures[2].place
    assert len(state.surveyed) == 5
