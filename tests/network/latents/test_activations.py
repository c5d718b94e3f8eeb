"""What is done to pre-activations."""

from __future__ import annotations

import pytest
import torch

from clipdesk.network.latents.activations import Activation, Capped, Gated, Relu, Threshold, TopK, largest

PRE = torch.tensor([[3.0, -1.0, 0.5, 2.0], [-4.0, -1.0, -3.0, -2.0]])


def test_latents_may_be_capped() -> None:
    assert Relu()(PRE)[0].tolist() == [3, 0, 0.5, 2]
    assert torch.equal(Capped(Relu(), 1)(PRE), torch.tanh(torch.relu(PRE)))
    assert Capped(TopK(2), 2)(PRE)[0].tolist() == pytest.approx([1.8103, 0, 0, 1.5232], abs=1e-4)
    assert Capped(TopK(2), 2).name == "top-k (k = 2), capped at 2"


def test_top_k_without_relu_keeps_values_below_zero() -> None:
    assert TopK(2)(PRE).tolist() == [[3, 0, 0, 2], [0, 0, 0, 0]]
    assert TopK(2, rectified=False)(PRE).tolist() == [[3, 0, 0, 2], [0, -1, 0, -2]]
    assert torch.equal(TopK(9, rectified=False)(PRE), PRE)


def test_a_threshold_cuts_without_lowering_what_is_above_it() -> None:
    assert Threshold(torch.tensor([1.0]))(PRE)[0].tolist() == [3, 0, 0, 2]
    assert Threshold(torch.tensor([3.0, -9.0, 0.0, 0.0]))(PRE)[0].tolist() == [0, 0, 0.5, 2]


def test_a_gate_opens_by_the_pre_activation_alone() -> None:
    gated = Gated(torch.full((4,), 2.0), torch.tensor([1.0, 9.0, -1.5, 0.0]))
    assert gated(PRE)[0].tolist() == [7, 0, 0, 4]


def test_names_say_what_is_done() -> None:
    assert [each.name for each in (Relu(), TopK(32), Threshold(torch.tensor([0.25])), Threshold(torch.ones(4)))] == [
        "ReLU",
        "top-k (k = 32)",
        "threshold 0.25",
        "JumpReLU",
    ]


@pytest.mark.parametrize("count", [40, 1_000, 3_011])
@pytest.mark.parametrize(
    "activation",
    [Relu(), TopK(3), TopK(3, rectified=False), Threshold(torch.tensor([1.5])), TopK(900), Capped(TopK(3), 2)],
)
def test_entries_are_all_latents_that_are_not_zero(count: int, activation: Activation) -> None:
    pre = torch.randn(7, count, generator=torch.Generator().manual_seed(1)) - 1
    places, values = activation.entries(pre)
    dense = torch.zeros(7 * count)
    dense[places] = values
    assert torch.equal(dense.view(7, count), activation(pre))
    assert len(places.unique()) == len(places)


@pytest.mark.parametrize("count", [5, 1_000, 3_011])
def test_the_largest_are_those_of_all(count: int) -> None:
    values = torch.randn(4, 6, count, generator=torch.Generator().manual_seed(2))
    found, places = largest(values, 5)
    assert torch.equal(values.gather(-1, places), found)
    assert torch.equal(found.sort(dim=-1).values, values.topk(5).values.flip(-1))
