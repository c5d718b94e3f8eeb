"""The form of a CLIP, found in its weights; among them OpenAI's nine models, without the memory that weights take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from clip.model import CLIP, ModifiedResNet

from clipdesk.models.catalogue import CATALOGUE
from clipdesk.models.geometry import geometry_of
from clipdesk.network.inspector import LayerInspector, input_side
from clipdesk.network.layer_sources import ModuleOutput
from clipdesk.network.layers import Layout
from tests.clips import State, is_same, openais, opened, refusal


class Figures(NamedTuple):
    """Of the vision tower, but for the embedding, the text tower's width and heads, and millions of weights."""

    px: int
    layers: int | tuple[int, int, int, int]
    width: int
    heads: int
    patch: int | None
    embedding: int
    text_width: int
    vision_millions: float
    total_millions: float


# Radford et al. 2021, tables 19 and 20; the weights as open_clip counts them (docs/model_profile.csv).
PUBLISHED = {
    "RN50": Figures(224, (3, 4, 6, 3), 64, 32, None, 1024, 512, 38.3, 102.0),
    "RN101": Figures(224, (3, 4, 23, 3), 64, 32, None, 512, 512, 56.3, 119.7),
    "RN50x4": Figures(288, (4, 6, 10, 6), 80, 40, None, 640, 640, 87.1, 178.3),
    "RN50x16": Figures(384, (6, 8, 18, 8), 96, 48, None, 768, 768, 167.3, 291.0),
    "RN50x64": Figures(448, (3, 15, 36, 10), 128, 64, None, 1024, 1024, 420.4, 623.3),
    "ViT-B/32": Figures(224, 12, 768, 12, 32, 512, 512, 87.9, 151.3),
    "ViT-B/16": Figures(224, 12, 768, 12, 16, 512, 512, 86.2, 149.6),
    "ViT-L/14": Figures(224, 24, 1024, 16, 14, 768, 768, 304.0, 427.6),
    "ViT-L/14@336px": Figures(336, 24, 1024, 16, 14, 768, 768, 304.3, 427.9),
}


def on_meta(figures: Figures) -> CLIP:
    f = figures
    with torch.device("meta"):
        text = 77, 49408, f.text_width, f.text_width // 64, 12
        return CLIP(f.embedding, f.px, f.layers, f.width, f.patch, *text).eval().requires_grad_(False)


def millions(module: torch.nn.Module) -> float:
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_model_has_the_layers_and_units_that_were_published(name: str) -> None:
    figures = PUBLISHED[name]
    model = on_meta(figures)
    # Published with one digit behind the point; of ViT-B/32's 87.849 with two first, then one.
    assert millions(model.visual) == pytest.approx(figures.vision_millions, abs=0.051)
    assert millions(model) == pytest.approx(figures.total_millions, abs=0.051)
    assert input_side(model) == CATALOGUE[name].input_size == figures.px
    assert CATALOGUE[name].embedding == figures.embedding
    inspector = LayerInspector(model)
    assert inspector.visualizable("visual").units == figures.embedding
    if isinstance(figures.layers, int):
        check_transformer(inspector, figures, figures.layers)
    else:
        check_resnet(inspector, model, figures, figures.layers)


def check_transformer(inspector: LayerInspector, figures: Figures, layers: int) -> None:
    assert figures.patch is not None
    grid = figures.px // figures.patch
    tokens, width = grid**2 + 1, figures.width
    assert inspector.visualizable("visual.conv1").shape == (width, grid, grid)
    assert inspector.visualizable("visual.ln_pre").layout is Layout.BATCH_FIRST
    for block in (f"visual.transformer.resblocks.{i}" for i in range(layers)):
        info = inspector.visualizable(block)
        assert (info.layout, info.shape, info.class_token) == (Layout.TOKENS_FIRST, (tokens, width), True)
        assert inspector.visualizable(f"{block}.attn").units == width
        assert inspector.visualizable(f"{block}.attn.heads").units == figures.heads
        assert inspector.visualizable(f"{block}.mlp.c_fc").units == 4 * width
        assert inspector.visualizable(f"{block}.mlp.gelu").units == 4 * width
    infos = [node.info for node in inspector.tree.walk() if isinstance(node.info.source, ModuleOutput)]
    # Nine modules in a block, five around them, and the tower itself.
    assert len(infos) == 9 * layers + 6
    dead = [info.name for info in infos if info.reason is not None]
    assert dead == [f"visual.transformer.resblocks.{i}.attn.out_proj" for i in range(layers)]


def check_resnet(inspector: LayerInspector, model: CLIP, figures: Figures, layers: tuple[int, int, int, int]) -> None:
    for stage, blocks in enumerate(layers):
        wide, side = 4 * figures.width * 2**stage, figures.px // (4 * 2**stage)
        for block in range(blocks):
            info = inspector.visualizable(f"visual.layer{stage + 1}.{block}")
            assert (info.layout, info.shape) == (Layout.CHANNELS_FIRST, (wide, side, side))
            assert inspector.visualizable(f"{info.name}.conv2").units == wide // 4
        assert f"visual.layer{stage + 1}.{blocks}" not in inspector.get_layer_names()
    assert inspector.visualizable("visual.attnpool").units == figures.embedding
    assert isinstance(model.visual, ModifiedResNet)
    assert model.visual.attnpool.num_heads == figures.heads
    dead = [node.info.name for node in inspector.tree.walk() if node.info.reason is not None]
    assert sorted(dead) == [f"visual.attnpool.{part}_proj" for part in "ckqv"]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_form_of_a_model_is_found_in_its_weights(name: str) -> None:
    figures = PUBLISHED[name]
    model = on_meta(figures)
    state = model.state_dict()
    geometry = geometry_of(state)
    assert geometry == (
        *(figures.embedding, figures.px, figures.layers, figures.width, figures.patch),
        *(77, 49408, figures.text_width, 12),
    )
    count = sum(value.numel() for value in state.values())
    assert 0.97 * count < geometry.numbers <= count


@pytest.mark.parametrize(
    "cut",
    [
        lambda state: {n: v for n, v in state.items() if n.startswith("visual.")},
        lambda state: {n[7:]: v for n, v in state.items() if n.startswith("visual.")},
        lambda state: {
            ("image_encoder." + n[7:] if n.startswith("visual.") else "text_encoder." + n): v for n, v in state.items()
        },
    ],
)
def test_a_vision_tower_alone_opens_without_texts(file: Path, cut: Callable[[State], State]) -> None:
    from clipdesk.errors import UsageError
    from clipdesk.models.texts import tokenize
    from clipdesk.network.opened import OpenModel

    true = openais()
    torch.save(cut(true.state_dict()), file)
    model = opened(file)
    assert is_same(model, true)
    assert OpenModel.of(model).side == 64
    with pytest.raises(UsageError, match="a vision tower alone"):
        tokenize(["a star"], model)


def test_a_text_tower_alone_is_named(file: Path) -> None:
    torch.save({n: v for n, v in openais().state_dict().items() if not n.startswith("visual.")}, file)
    assert "only the text tower" in refusal(file)


@pytest.mark.parametrize("scale", [torch.ones(1), 4.6, torch.tensor(torch.nan), torch.tensor(torch.inf), None])
def test_the_scale_of_the_logits_may_be_anything(file: Path, scale: object) -> None:
    true = openais()
    state: dict[str, object] = {**true.state_dict(), "logit_scale": scale}
    torch.save({n: v for n, v in state.items() if v is not None}, file)
    model = opened(file)
    assert is_same(model, true)
    assert model.logit_scale.isfinite()
