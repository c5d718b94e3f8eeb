"""open_clip's models, small and with random weights, from the file to the picture."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from clip.model import CLIP
from safetensors.torch import save_file
from torch import nn

from clipdesk.checksums import read_sha256
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.models import trust
from clipdesk.models.loading import load_model
from clipdesk.models.names import Checkpoint, OpenClip
from clipdesk.models.texts import tokenize
from clipdesk.network.capture import LayerCapture
from clipdesk.network.inspector import LayerInspector, input_side
from clipdesk.network.layers import Layout
from clipdesk.network.normalization import OPENAI, normalization_of, normalized
from clipdesk.render.expressions import parse_target
from clipdesk.render.loop import render
from clipdesk.render.objectives import Objective
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text
from tests.archives import make_archive
from tests.open_clips import register_small, small_open_clip

pytest.importorskip("open_clip", reason="the extra clipdesk[open-clip] is not installed")

from clipdesk.models import architectures

BLOCK = "visual.transformer.resblocks.1"


@pytest.fixture(autouse=True, scope="module")
def _registered(tmp_path_factory: pytest.TempPathFactory) -> None:
    register_small(tmp_path_factory.mktemp("configs"))


def saved(model: nn.Module, place: Path) -> str:
    """A checkpoint as open_clip's training writes it, and the name that opens it."""
    state = {f"module.{name}": value for name, value in model.state_dict().items()}
    torch.save({"epoch": 3, "name": "run", "state_dict": state}, place)
    return str(place)


@pytest.mark.parametrize("architecture", ["clipdesk-vit", "clipdesk-rn", "clipdesk-coca", "clipdesk-siglip"])
def test_a_checkpoint_opens_as_open_clip_opens_it(architecture: str, tmp_path: Path) -> None:
    theirs = small_open_clip(architecture)
    name = f"open_clip:{architecture}/[{saved(theirs, tmp_path / 'mine.pt')}]"
    model = load_model(name, "cpu")
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    side = input_side(model)
    pixels, tokens = torch.rand(2, 3, side, side), torch.randint(1, 400, (2, 77))
    encode: Any = theirs
    assert torch.equal(model.encode_image(pixels), encode.encode_image(pixels))
    assert torch.allclose(model.encode_text(tokens), encode.encode_text(tokens), atol=1e-5)


def test_safetensors_open_too_and_half_weights_become_float32(tmp_path: Path) -> None:
    theirs = small_open_clip("clipdesk-vit").half()
    save_file({name: value.clone() for name, value in theirs.state_dict().items()}, tmp_path / "mine.safetensors")
    model = load_model(f"open_clip:clipdesk-vit/[{tmp_path / 'mine.safetensors'}]", "cpu")
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


class Harmful:
    """Unpickled by somebody careless, it would make a file."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.place),)


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    torch.save({"state_dict": Harmful(tmp_path / "harm")}, tmp_path / "mine.pt")
    with pytest.raises(ClipDeskError, match="more than weights"):
        load_model(f"open_clip:clipdesk-vit/[{tmp_path / 'mine.pt'}]", "cpu")
    assert not (tmp_path / "harm").exists()


def test_an_archive_is_opened_only_if_that_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_allowed", set())
    with pytest.raises(trust.UntrustedArchive, match="--trust-archive"):
        load_model(f"open_clip:clipdesk-vit/[{make_archive(tmp_path / 'archive.pt')}]", "cpu")


def test_a_file_of_another_architecture_is_refused_in_one_line(tmp_path: Path) -> None:
    place = saved(small_open_clip("clipdesk-rn"), tmp_path / "mine.pt")
    with pytest.raises(ClipDeskError, match="is not a CLIP checkpoint") as caught:
        load_model(f"open_clip:clipdesk-vit/[{place}]", "cpu")
    assert "\n" not in str(caught.value)


def test_what_open_clip_does_not_have_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="open_clip:ViT-B-32/openai"):
        load_model("open_clip:ViT-B-32/opena1", "cpu")
    place = saved(nn.Linear(1, 1), tmp_path / "mine.pt")
    with pytest.raises(UsageError, match="clipdesk-vit"):
        load_model(f"open_clip:clipdesk-vitt/[{place}]", "cpu")


def test_a_text_tower_of_a_package_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipdesk.models.open_clips._has_transformers", lambda: False)
    place = saved(nn.Linear(1, 1), tmp_path / "mine.pt")
    with pytest.raises(ClipDeskError, match="pip install transformers"):
        load_model(f"open_clip:clipdesk-hf/[{place}]", "cpu")


def test_texts_go_through_the_models_own_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import open_clip

    model = load_model(f"open_clip:clipdesk-vit/[{saved(small_open_clip('clipdesk-vit'), tmp_path / 'a.pt')}]", "cpu")
    texts = ["a star", "a red circle"]
    assert torch.equal(tokenize(texts, model), open_clip.get_tokenizer("clipdesk-vit")(texts))
    with pytest.raises(UsageError, match="at most 75 tokens"):
        tokenize(["star " * 100], model)
    monkeypatch.setattr("clipdesk.models.open_clips._has_transformers", lambda: False)
    place = saved(small_open_clip("clipdesk-siglip"), tmp_path / "b.pt")
    with pytest.raises(UsageError, match="Units and pictures can do without"):
        tokenize(texts, load_model(f"open_clip:clipdesk-siglip/[{place}]", "cpu"))


@pytest.mark.parametrize("name", ["clipdesk-vit", "clipdesk-rn", "clipdesk-timm"])
@pytest.mark.parametrize("bare", [True, False])
def test_a_vision_tower_alone_opens_without_texts(tmp_path: Path, name: str, bare: bool) -> None:
    if bare and name == "clipdesk-timm":
        pytest.skip("a bare tower of timm's has no name of a CLIP's")
    true = small_open_clip(name)
    state = {part: value for part, value in true.state_dict().items() if part.startswith("visual.")}
    if bare:
        state = {f"backbone.{part.removeprefix('visual.')}": value for part, value in state.items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "tower.pt")
    model = load_model(f"open_clip:{name}/[{tmp_path / 'tower.pt'}]", "cpu")
    pixels = torch.rand(1, 3, *[input_side(model)] * 2)
    assert torch.equal(model.encode_image(pixels), cast("CLIP", true).encode_image(pixels))
    assert input_side(model) == input_side(true)
    assert normalization_of(model) == normalization_of(true)
    with pytest.raises(UsageError, match="a vision tower alone"):
        tokenize(["a star"], model)


def test_a_vision_tower_of_coca_alone_is_refused(tmp_path: Path) -> None:
    state = {n: v for n, v in small_open_clip("clipdesk-coca").state_dict().items() if n.startswith("visual.")}
    torch.save(state, tmp_path / "tower.pt")
    with pytest.raises(ClipDeskError, match=r"'text\.positional_embedding' is missing"):
        load_model(f"open_clip:clipdesk-coca/[{tmp_path / 'tower.pt'}]", "cpu")
    assert architectures.fitting(state) == []


@pytest.mark.parametrize("length", [20, 248])
def test_texts_are_as_long_as_the_positions_of_the_file(tmp_path: Path, length: int) -> None:
    state = small_open_clip("clipdesk-vit").state_dict()
    state["positional_embedding"] = torch.randn(length, 64)
    torch.save(state, tmp_path / "long.pt")
    model = load_model(f"open_clip:clipdesk-vit/[{tmp_path / 'long.pt'}]", "cpu")
    tokens = tokenize(["a star"], model)
    assert tokens.shape == (1, length)
    assert model.encode_text(tokens).shape == (1, 32)
    with pytest.raises(UsageError, match=f"at most {length - 2} tokens"):
        tokenize(["star " * 300], model)


def test_a_tokenizer_that_cannot_be_downloaded_is_said_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr("clipdesk.models.open_clips._has_transformers", lambda: True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/{revision}/{filename}")
    place = saved(small_open_clip("clipdesk-siglip"), tmp_path / "a.pt")
    with pytest.raises(ClipDeskError) as caught:
        tokenize(["a star"], load_model(f"open_clip:clipdesk-siglip/[{place}]", "cpu"))
    assert f"copy the folder that this makes to {tmp_path / 'models--nobody--tokenizer'}. Units" in str(caught.value)


def test_the_layers_of_a_transformer() -> None:
    inspector = LayerInspector(small_open_clip("clipdesk-vit"))
    for layer, units in ((BLOCK, 64), (f"{BLOCK}.attn", 64), (f"{BLOCK}.attn.heads", 2), (f"{BLOCK}.mlp.gelu", 256)):
        info = inspector.visualizable(layer)
        assert (info.layout, info.shape, info.class_token) == (Layout.BATCH_FIRST, (17, units), True)
    assert inspector.visualizable("visual").units == 32


def test_the_layers_of_timms_transformer() -> None:
    model = small_open_clip("clipdesk-timm")
    inspector = LayerInspector(model)
    heads = inspector.visualizable("visual.trunk.blocks.3.attn.heads")
    assert (heads.shape, heads.class_token, heads.unit_kind) == ((101, 2), True, "head")
    channels = inspector.visualizable("visual.trunk.blocks.3.attn.head_channels")
    mixed = inspector.visualizable("visual.trunk.blocks.3.attn")
    outputs = LayerCapture(model, [heads, channels, mixed]).run(torch.rand(1, 3, 160, 160))
    norms = outputs[channels.name].view(1, 101, 2, 32).norm(dim=-1)
    assert torch.allclose(outputs[heads.name], norms)
    projection = model.get_submodule("visual.trunk.blocks.3.attn.proj")
    assert torch.allclose(projection(outputs[channels.name]), outputs[mixed.name], atol=1e-5)


def test_the_layers_of_a_resnet() -> None:
    model = small_open_clip("clipdesk-rn")
    info = LayerInspector(model).visualizable("visual.layer2.0")
    assert (info.layout, info.shape) == (Layout.CHANNELS_FIRST, (64, 8, 8))
    # Where the rectifier is off, a gradient gets past it.
    pixels = torch.rand(1, 3, 64, 64, requires_grad=True)
    output = LayerCapture(model, [info], leak=0.1).run(pixels)[info.name]
    off = (output == 0).nonzero()[0].tolist()
    output[tuple(off)].backward()
    assert pixels.grad is not None
    assert pixels.grad.abs().sum() > 0


def test_maps_whose_channels_come_last() -> None:
    class Tower(nn.Module):
        image_size = (8, 8)

        def __init__(self) -> None:
            super().__init__()
            self.stem, self.norm, self.head = nn.Conv2d(3, 5, 2, 2), nn.LayerNorm(5), nn.Linear(5, 7)

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            maps: torch.Tensor = self.norm(self.stem(pixels).permute(0, 2, 3, 1))
            embedding: torch.Tensor = self.head(maps.mean(dim=(1, 2)))
            return embedding

    model = nn.Module()
    model.visual = Tower()
    info = LayerInspector(model).visualizable("visual.norm")
    assert (info.layout, info.units, info.positions, info.unit_kind) == (Layout.CHANNELS_LAST, 5, 16, "channel")
    assert LayerCapture(model, [info]).run(torch.rand(2, 3, 8, 8))[info.name].shape == (2, 16, 5)


def test_attention_to_something_else_has_no_heads_to_show() -> None:
    inspector = LayerInspector(small_open_clip("clipdesk-coca"))
    assert "visual.transformer.resblocks.0.attn.heads" in inspector.get_layer_names()
    assert not any("attn_pool.attn.heads" in name for name in inspector.get_layer_names())


@pytest.mark.parametrize(
    ("architecture", "target"),
    [
        ("clipdesk-vit", f"{BLOCK}.mlp.gelu:3"),
        ("clipdesk-vit", f"{BLOCK}.attn.heads:1"),
        ("clipdesk-vit", f"{BLOCK}.attn.queries:5@class"),
        ("clipdesk-vit", '"a star" - "a circle"'),
        ("clipdesk-rn", "visual.layer2.0.conv1:3"),
        ("clipdesk-timm", "visual.trunk.blocks.0.attn.heads:1"),
    ],
)
def test_a_picture_excites_what_it_is_for(architecture: str, target: str) -> None:
    settings = make_settings("classic", iterations=4, tv_weight=0, device="cpu")
    frames = render(small_open_clip(architecture), [parse_target(target)], settings)
    curve = [float(frame.activations[0]) for frame in frames]
    assert max(curve[1:]) > curve[0]


def test_a_text_is_compared_as_open_clip_compares_it() -> None:
    model: Any = small_open_clip("clipdesk-vit")
    inspector = LayerInspector(model)
    objective = Objective.of([Text(text="a star")], model, inspector)
    pixels = torch.rand(1, 3, 32, 32)
    inputs = normalized(pixels, normalization_of(model))
    image = model.encode_image(inputs, normalize=True)
    text = model.encode_text(tokenize(["a star"], model), normalize=True)
    score = objective(LayerCapture(model, objective.layers).run(inputs))
    assert torch.allclose(score, (image * text).sum(dim=1), atol=1e-5)


def test_pictures_are_normalised_and_activated_as_the_weights_were_trained() -> None:
    from clipdesk.models.open_clips import _trained_with

    assert _trained_with(OpenClip("ViT-B-32", "openai")) == (*OPENAI, True)
    assert _trained_with(OpenClip("ViT-B-32", "laion2b_s34b_b79k")) == (*OPENAI, False)
    half = (0.5, 0.5, 0.5)
    assert _trained_with(OpenClip("ViT-B-16-SigLIP", "webli")) == (half, half, False)
    assert _trained_with(Checkpoint(Path("/mine.pt"), "ViT-B-16-SigLIP")) == (half, half, False)


def test_weights_trained_with_quick_gelu_are_run_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from clipdesk.models import open_clips

    theirs = small_open_clip("clipdesk-vit", quick_gelu=True)
    place = saved(theirs, tmp_path / "mine.pt")
    name = OpenClip("clipdesk-vit", "trained")
    weights = open_clips.Weights("nobody/model", ("a.pt",), *OPENAI, quick_gelu=True)
    monkeypatch.setattr(open_clips, "known_names", lambda: [name])
    monkeypatch.setattr(open_clips, "weights_of_tag", lambda _: weights)
    loaded = open_clips.read_open_clip(name, Path(place))
    assert loaded.sha256 == read_sha256(Path(place))
    model = loaded.network
    assert type(model.get_submodule(f"{BLOCK}.mlp.gelu")).__name__ == "QuickGELU"
    pixels = torch.rand(1, 3, 32, 32)
    embedding = theirs.get_submodule("visual")(pixels)
    assert torch.allclose(model.get_submodule("visual")(pixels), embedding, atol=1e-5)


def test_the_list_says_what_one_wants_to_know() -> None:
    import open_clip

    from clipdesk.models.listing import open_clip_models

    listed = {model.name: model for model in open_clip_models()}
    assert list(listed) == [f"open_clip:{architecture}/{tag}" for architecture, tag in open_clip.list_pretrained()]
    model = listed["open_clip:ViT-B-32/laion2b_s34b_b79k"]
    assert (model.input_size, model.megabytes, model.exact) == (224, 605, False)
    assert model.page == "https://huggingface.co/laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
    unknown = {model.name for model in listed.values() if model.megabytes is None}
    assert all("nllb" in name or "roberta" in name for name in unknown), "run packaging/open_clip_sizes.py"
    assert json.dumps([model.input_size for model in listed.values()]).count("null") == 0
