"""What is left of a latent in a picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from clip.model import CLIP
from PIL import Image

from clipdesk.activations.activity import activities_of
from clipdesk.network.capture import LayerCapture
from clipdesk.network.latents.activations import Threshold, TopK
from clipdesk.network.latents.algebra import Tokens
from clipdesk.network.normalization import normalized
from clipdesk.network.opened import OpenModel
from clipdesk.render.expressions import parse_target
from tests.network.latents.perfect import perfect

BLOCK = "visual.transformer.resblocks.1"
PICTURE = Image.fromarray(np.random.default_rng(3).integers(0, 255, (32, 32, 3), dtype=np.uint8))


@pytest.mark.parametrize("activation", [TopK(9), Threshold(torch.tensor([1.6]))])
def test_the_largest_value_and_the_places_are_those_behind_the_activation(
    vit: CLIP, activation: TopK | Threshold
) -> None:
    opened = OpenModel.of(vit).with_latents(replace(perfect(64, BLOCK, Tokens.PATCHES), activation=activation))
    pixels = torch.tensor(np.array(PICTURE)).permute(2, 0, 1)[None] / 255
    base = opened.inspector.layers[BLOCK]
    with torch.no_grad():
        x = LayerCapture(vit, [base]).run(normalized(pixels, opened.normalization))[BLOCK][0, 1:]
    f = activation(torch.cat([x, -x], dim=-1))
    often, never = int((f > 0).sum(0).argmax()), int((f > 0).sum(0).argmin())
    layer = f"{BLOCK}.latents"
    targets = [parse_target(f"{layer}:{often} - 0.5*decoder({layer}:{never})"), parse_target(f"{BLOCK}:3")]
    both, none = activities_of(opened, targets, [PICTURE, PICTURE])
    assert none == {}
    found, silent = both[f"{layer}:{often}"], both[f"{layer}:{never}"]
    assert found.value == pytest.approx(float(f[:, often].max()), rel=1e-4)
    assert (found.places, found.positions) == (int((f[:, often] > 0).sum()), 16)
    assert f"at {found.places} of 16 positions" in found.in_words
    assert (silent.value, silent.places) == (0, 0)
    assert "does not survive" in silent.in_words
