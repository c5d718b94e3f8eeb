"""What attention heads write adds up to what attention writes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from clip.model import CLIP

from clipdesk.activations.contributions import head_contributions, sampled_pictures
from clipdesk.errors import UsageError
from clipdesk.imagesets.pixels import square
from clipdesk.network.capture import LayerCapture
from clipdesk.network.normalization import normalized
from clipdesk.network.opened import OpenModel
from tests.activations.surveys import toy
from tests.activations.test_attention import BLOCK, HEADS, pictures, with_heads


def test_the_heads_of_a_block_add_up_to_what_its_attention_adds_to_the_embedding(vit: CLIP) -> None:
    vit = with_heads(vit)
    opened = OpenModel.of(vit)
    images = pictures(20, 50)
    told: list[tuple[int, int]] = []
    heads = opened.inspector.visualizable(HEADS).units
    found = [head_contributions(opened, HEADS, head, images, lambda *each: told.append(each)) for head in range(heads)]
    assert heads == 4
    assert told[-1] == (20, 20)
    tower: Any = vit.visual
    blocks = len(tower.transformer.resblocks)
    names = (f"{BLOCK}.attn", f"visual.transformer.resblocks.{blocks - 1}")
    layers = [opened.inspector.visualizable(name) for name in names]
    pixels = torch.stack([square(image, opened.side) for image in images])
    with torch.no_grad():
        outputs = LayerCapture(vit, layers).run(normalized(pixels, opened.normalization))
        embeddings = vit.encode_image(normalized(pixels, opened.normalization))
        written, token = (outputs[name][:, 0] for name in names)
        written = written - vit.get_submodule(f"{BLOCK}.attn").get_parameter("out_proj.bias")
        norm, proj = tower.ln_post, tower.proj
        # Linear once its deviation is given: what is left of the token without this part and the part add up.
        deviation = (token.var(dim=1, unbiased=False, keepdim=True) + norm.eps).sqrt()
        rest = token - written
        left = ((rest - rest.mean(dim=1, keepdim=True)) / deviation * norm.weight + norm.bias) @ proj
    np.testing.assert_allclose(np.sum(found, axis=0) + left.numpy(), embeddings.numpy(), atol=1e-4)
    assert np.abs(found[0] - found[1]).max() > 1e-3


def test_what_is_not_a_head_of_clips_own_transformer_is_refused(vit: CLIP, resnet: CLIP) -> None:
    with pytest.raises(UsageError, match="are not attention heads"):
        head_contributions(OpenModel.of(vit), f"{BLOCK}.attn", 0, pictures(1, 32))
    with pytest.raises(UsageError, match="are not attention heads"):
        head_contributions(OpenModel.of(resnet), "visual.layer2", 0, pictures(1, 32))


def test_a_tower_whose_embedding_is_not_of_the_class_token_is_refused(
    vit: CLIP, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = OpenModel.of(vit)
    norm: Any = vit.get_submodule("visual.ln_post")
    whole = norm.forward
    monkeypatch.setattr(norm, "forward", lambda token: whole(token).flip(-1))
    with pytest.raises(UsageError, match="does not read its embedding from the class token"):
        head_contributions(opened, HEADS, 0, pictures(2, 32))


def test_a_survey_without_thumbnails_cannot_be_read_again() -> None:
    with pytest.raises(UsageError, match="no thumbnails"):
        sampled_pictures(toy()[0], lambda _: None)
