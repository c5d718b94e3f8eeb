"""Two models over the same pictures: what is the same is found to be."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from clip.model import CLIP

from clipdesk.activations.comparing.results import STRANGERS
from tests.activations.comparing.models import HIDDEN, MLP, compared, deeper, other
from tests.activations.sets import random_set
from tests.clips import openais


@pytest.fixture(scope="module")
def clip() -> CLIP:
    return openais()


def test_a_model_has_not_drifted_from_itself(clip: CLIP) -> None:
    found = compared(clip, copy.deepcopy(clip))
    assert [each.pair.first for each in found.layers] == list(found.rows)
    for layer in found.layers:
        drift = layer.drift[layer.first.varies]
        assert np.abs(drift).max() < 1e-9
        assert layer.weights is None or np.abs(layer.weights).max() == 0
        assert not layer.tops.any()
        assert not layer.densities.any()
    assert np.diag(found.cka) == pytest.approx(np.ones(len(found.rows)), abs=1e-9)


def test_drift_is_what_all_values_at_once_say(clip: CLIP) -> None:
    moved, images = other(clip), random_set(60, 64)
    found = compared(clip, moved, [HIDDEN]).layers[0]
    values = []
    for network in (clip, moved):
        outputs: list[torch.Tensor] = []
        hook = network.get_submodule(HIDDEN).register_forward_hook(lambda _m, _a, out, to=outputs: to.append(out))
        mean, std = torch.tensor([[0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]])
        pixels = torch.from_numpy(images.pixels[images.order]).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            network.get_submodule("visual")((pixels - mean[:, None, None]) / std[:, None, None])
        hook.remove()
        values.append(outputs[0].transpose(0, 1)[:, 1:].mean(dim=1).double().numpy())
    wanted = [np.corrcoef(a, b)[0, 1] for a, b in zip(*(each.T for each in values), strict=True)]
    assert found.drift == pytest.approx(1 - np.array(wanted), abs=1e-4)
    weights = [each.get_parameter(f"{MLP}.c_fc.weight").detach().double().numpy() for each in (clip, moved)]
    share = np.linalg.norm(weights[1] - weights[0], axis=1) / np.linalg.norm(weights[0], axis=1)
    assert found.weights == pytest.approx(share)


def test_a_model_that_wants_other_pictures_is_said_to() -> None:
    larger = deeper(80, 2)
    found = compared(openais(), larger, [HIDDEN])
    assert any("64 px" in note and "80 px" in note for note in found.notes)
    assert np.isfinite(found.layers[0].drift).any()


def test_strangers_are_said_to_be() -> None:
    found = compared(openais(0), openais(1), [HIDDEN])
    assert (np.nanmedian(np.abs(1 - found.layers[0].drift)) < 0.1) == (STRANGERS in found.notes)
