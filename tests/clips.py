"""Small CLIPs with random weights that tell heads and pooling apart, in OpenAI's form and in open_clip's."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
import torch
from clip.model import CLIP
from safetensors.torch import save_file
from torch import Tensor, nn

from clipdesk.errors import ClipDeskError
from clipdesk.models.loading import load_model

State = dict[str, Tensor]


def amplified(model: CLIP) -> CLIP:
    """Trained networks attend unevenly and have large hidden activations; fresh random ones do not."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("in_proj_weight", "c_fc.weight")):
                parameter.mul_(6)
    return model.float().eval().requires_grad_(False)


def openais(seed: int = 0, width: int = 128) -> CLIP:
    """One that OpenAI's class makes: 64 px, 16 patches, 2 blocks, heads of 64."""
    torch.manual_seed(seed)
    return amplified(CLIP(64, 64, 2, width, 16, 77, 49408, 64, 1, 2))


def open_clips(*, quick: object = False, **vision: object) -> CLIP:
    """The same as open_clip's class makes it."""
    from open_clip import model

    torch.manual_seed(0)
    form: dict[str, object] = {
        "layers": 2,
        "width": 128,
        "head_width": 64,
        "patch_size": 16,
        "image_size": 64,
        **vision,
    }
    text = model.CLIPTextCfg(77, 49408, width=64, heads=1, layers=2)
    # Of another class, with the same methods.
    made = model.CLIP(embed_dim=64, vision_cfg=model.CLIPVisionCfg(**form), text_cfg=text, quick_gelu=bool(quick))
    return amplified(cast("CLIP", made))


def embedding(model: nn.Module, side: int = 64) -> Tensor:
    """Embeddings of two pictures of noise."""
    pixels = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        # Also one of open_clip's, or a tower alone.
        found = cast("CLIP", model).encode_image(pixels)
    return found.float()


def is_same(model: nn.Module, true: nn.Module, side: int = 64) -> bool:
    """Whether two networks embed pictures alike."""
    return bool((torch.cosine_similarity(embedding(model, side), embedding(true, side)) > 0.9999).all())


def opened(name: str | Path) -> CLIP:
    """A model, opened by its name."""
    return load_model(name, "cpu")


def refusal(name: str | Path) -> str:
    """Why a model is not opened, in one line."""
    with pytest.raises(ClipDeskError) as caught:
        load_model(name, "cpu")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def part(model: CLIP, name: str) -> nn.Module:
    """A module of a model's first block, such as ``attn`` or ``mlp.gelu``."""
    return model.get_submodule(f"visual.transformer.resblocks.0.{name}")


def prefixed(state: State, prefix: str) -> State:
    """The same weights, with a prefix before each name."""
    return {prefix + name: value for name, value in state.items()}


def saved(state: State, file: Path) -> Path:
    """Write weights to a file, in the form that its suffix says."""
    file.parent.mkdir(exist_ok=True)
    if file.suffix == ".bin":
        torch.save(state, file)
    else:
        save_file({n: v.contiguous().clone() for n, v in state.items()}, file, metadata={"format": "pt"})
    return file
