"""What attention heads look at."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from clip.model import CLIP
from PIL import Image
from torch import Tensor, nn

from clipdesk.activations.attention import attention_maps, is_of_heads, part_beside
from clipdesk.errors import UsageError
from clipdesk.imagesets.pixels import square
from clipdesk.network.layer_sources import Part
from clipdesk.network.normalization import normalized
from clipdesk.network.opened import OpenModel
from tests.activations.sets import random_set

BLOCK = "visual.transformer.resblocks.1"
HEADS = f"{BLOCK}.attn.heads"


def pictures(count: int, side: int) -> list[Image.Image]:
    return [Image.fromarray(pixels) for pixels in random_set(count, side).pixels]


def with_heads(network: CLIP, heads: int = 4) -> CLIP:
    """The same network, with more heads in each of its attentions."""
    network = copy.deepcopy(network)
    for module in network.visual.modules():
        if isinstance(module, nn.MultiheadAttention):
            module.num_heads, module.head_dim = heads, module.embed_dim // heads
    return network


def test_maps_are_the_weights_of_the_class_tokens_query(vit: CLIP) -> None:
    vit = with_heads(vit)
    opened = OpenModel.of(vit)
    images = pictures(20, 50)
    attention = vit.get_submodule(f"{BLOCK}.attn")
    assert isinstance(attention, nn.MultiheadAttention)
    seen: list[Tensor] = []
    hook = vit.get_submodule(f"{BLOCK}.ln_1").register_forward_hook(lambda _m, _i, output: seen.append(output))
    pixels = torch.stack([square(image, opened.side) for image in images])
    with torch.no_grad():
        vit.encode_image(normalized(pixels, opened.normalization))
        hook.remove()
        _, weights = attention(seen[0], seen[0], seen[0], need_weights=True, average_attn_weights=False)
    assert weights.shape[1] == 4
    for head in range(4):
        found = attention_maps(opened, HEADS, head, images)
        wanted = weights[:, head, 0, 1:].reshape(20, 4, 4).numpy()
        np.testing.assert_allclose(found.values, wanted, atol=1e-5)
        assert found.high == found.values.max()


def test_what_is_not_a_head_has_no_map(vit: CLIP, resnet: CLIP) -> None:
    opened = OpenModel.of(vit)
    assert is_of_heads(opened.inspector.visualizable(HEADS))
    assert not is_of_heads(opened.inspector.visualizable(f"{BLOCK}.attn"))
    assert part_beside(opened, opened.inspector.visualizable(HEADS), Part.KEYS).name == f"{BLOCK}.attn.keys"
    with pytest.raises(UsageError, match="are not attention heads"):
        attention_maps(opened, f"{BLOCK}.mlp.gelu", 0, pictures(1, 32))
    with pytest.raises(UsageError, match="has no head 99"):
        attention_maps(opened, HEADS, 99, pictures(1, 32))
    with pytest.raises(UsageError, match="are not attention heads"):
        attention_maps(OpenModel.of(resnet), "visual.layer2", 0, pictures(1, 32))
    assert attention_maps(opened, HEADS, 0, []).values.shape == (0, 4, 4)
