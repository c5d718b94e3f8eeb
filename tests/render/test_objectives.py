"""Each kind of target against values that are computed by hand from the layers' outputs."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from clip.model import CLIP
from PIL import Image

from clipdesk.errors import UsageError
from clipdesk.models.latents_names import LatentsName
from clipdesk.models.package import clip
from clipdesk.models.texts import tokenize
from clipdesk.network.capture import LayerCapture
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.latents.activations import Relu
from clipdesk.network.latents.algebra import Latents, Tokens
from clipdesk.network.normalization import normalized
from clipdesk.network.opened import OpenModel
from clipdesk.render.expressions import parse_target
from clipdesk.render.loop import render
from clipdesk.render.objectives import Objective
from clipdesk.render.presets import make_settings
from clipdesk.render.readable import Direction
from clipdesk.render.targets import Combined, Target, Term

HIDDEN, BLOCK = "visual.transformer.resblocks.0.mlp.gelu", "visual.transformer.resblocks.1"


def scores(model: CLIP, targets: list[Target]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    inspector = LayerInspector(model)
    objective = Objective.of(targets, model, inspector)
    torch.manual_seed(0)
    side = model.visual.input_resolution
    with torch.no_grad():
        outputs = LayerCapture(model, objective.layers).run(torch.randn(len(targets), 3, side, side))
        return objective(outputs), outputs


def test_places_weights_and_mixtures(vit: CLIP) -> None:
    """Pictures with targets of all kinds side by side; each is scored by its own."""
    written = [
        f"{HIDDEN}:3",
        f"-2*{HIDDEN}:3@class",
        f"{HIDDEN}:3@max - 0.5*{HIDDEN}:4@5",
        f"{BLOCK}:7 - others({BLOCK}:7)",
        f'"a star" + 0.25*{HIDDEN}:9',
        '"a star" - "a circle"',
    ]
    found, outputs = scores(vit, [parse_target(text) for text in written])
    hidden, block, end = outputs[HIDDEN], outputs[BLOCK], outputs["visual"][:, 0]
    star, circle = F.normalize(vit.encode_text(tokenize(["a star", "a circle"])), dim=-1)
    others = torch.cat([block[3, 1:, :7], block[3, 1:, 8:]], dim=1).abs().mean()
    wanted = [
        hidden[0, 1:, 3].mean(),
        -2 * hidden[1, 0, 3],
        hidden[2, 1:, 3].max() - 0.5 * hidden[2, 5, 4],
        block[3, 1:, 7].mean() - others,
        F.cosine_similarity(end[4], star, dim=0) + 0.25 * hidden[4, 1:, 9].mean(),
        F.cosine_similarity(end[5], star, dim=0) - F.cosine_similarity(end[5], circle, dim=0),
    ]
    assert torch.allclose(found, torch.stack(wanted), atol=1e-5)


def test_a_direction_is_of_length_one(vit: CLIP) -> None:
    vector = [0.0] * 64
    vector[3], vector[5] = 30.0, -40.0
    what = Direction(layer=BLOCK, vector=tuple(vector), name="v")
    found, outputs = scores(vit, [Combined(terms=(Term(what=what),)), Combined(terms=(Term(what=what, at="max"),))])
    along = 0.6 * outputs[BLOCK][..., 3] - 0.8 * outputs[BLOCK][..., 5]
    assert torch.allclose(found, torch.stack([along[0, 1:].mean(), along[1, 1:].max()]), atol=1e-5)


def test_what_a_latent_writes_is_counted_from_the_decoder_bias(vit: CLIP) -> None:
    generator = torch.Generator().manual_seed(0)
    encoder, decoder = torch.randn(2, 64, 40, generator=generator)
    bias = torch.randn(64, generator=generator)
    latents = Latents(encoder, torch.zeros(40), decoder.T, bias, Relu(), tokens=Tokens.ALL, layer=BLOCK)
    opened = OpenModel.of(vit).with_read(latents, LatentsName("drawn", anyway=True))
    layer = f"{BLOCK}.latents"
    targets = [parse_target(f"decoder({layer}:7)"), parse_target(f"decoder({layer}:9)@2 - {layer}:7")]
    objective = Objective.of(targets, vit, opened.inspector)
    # The two that are asked for alone are computed.
    assert sorted(info.units for info in objective.layers) == [1, 2]
    block = opened.inspector.visualizable(BLOCK)
    inputs = torch.randn(2, 3, 32, 32, generator=generator)
    with torch.no_grad():
        outputs = LayerCapture(vit, [*objective.layers, block]).run(inputs)
        found, values = objective(outputs), outputs[BLOCK]
    along = (values - bias) @ F.normalize(decoder, dim=0)
    wanted = [along[0, 1:, 7].mean(), along[1, 2, 9] - (values[1, 1:] @ encoder)[:, 7].mean()]
    assert torch.allclose(found, torch.stack(wanted), atol=1e-4)


def test_the_channels_of_a_resnet(resnet: CLIP) -> None:
    layer = "visual.layer3.0"
    found, outputs = scores(resnet, [parse_target(f"{layer}:2"), parse_target(f"{layer}:2@max + {layer}:2@0")])
    channel = outputs[layer][:, :, 2]
    assert torch.allclose(found, torch.stack([channel[0].mean(), channel[1].max() + channel[1, 0]]), atol=1e-5)


def test_the_layers_that_are_read() -> None:
    assert parse_target(f'"a star" + {HIDDEN}:1').reads == ("visual", HIDDEN)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"{HIDDEN}:256", "has no neuron 256: its 256 neurons are 0 to 255"),
        (f"{HIDDEN}:1 + visual.nowhere:1", "There is no layer 'visual.nowhere'"),
        (f"{HIDDEN}:1@17", "has no position 17: they are 0 to 16"),
        ("visual:1@class", "has no class token. Its positions are max and 0 to 0"),
        (f'"{"word " * 90}" - "a star"', "too long"),
    ],
)
def test_units_layers_and_positions_that_do_not_exist_are_refused(vit: CLIP, text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        scores(vit, [parse_target(text)])


def test_a_direction_of_another_length(vit: CLIP) -> None:
    direction = Direction(layer=BLOCK, vector=(1.0, 2.0), name="v.npy")
    with pytest.raises(UsageError, match=r"\[v.npy\] has 2 values, but the layer has 64 units"):
        scores(vit, [Combined(terms=(Term(what=direction),))])


def test_nothing_to_render(vit: CLIP) -> None:
    with pytest.raises(UsageError, match="There is nothing to render"):
        Objective.of([], vit, LayerInspector(vit))


def test_a_text_is_encoded_once_however_many_pictures_want_it(vit: CLIP, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []
    encode = vit.encode_text

    def counted(tokens: torch.Tensor) -> torch.Tensor:
        encoded.append(len(tokens))
        return encode(tokens)

    monkeypatch.setattr(vit, "encode_text", counted)
    texts = [parse_target(text) for text in ('"a star"', '"a heart"', '"a star"')]
    found, outputs = scores(vit, texts)
    assert encoded == [1, 1]
    star, heart = F.normalize(encode(tokenize(["a star", "a heart"])), dim=-1)
    wanted = F.cosine_similarity(outputs["visual"][:, 0], torch.stack([star, heart, star]), dim=-1)
    assert torch.allclose(found, wanted, atol=1e-5)


def work_for(vit: CLIP, target: Target, pictures: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """How often files are decoded, and texts tokenized, while some pictures of one target are rendered."""
    calls: Counter[str] = Counter()

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments, **options: (calls.update([name]), function(*arguments, **options))[1]

    with monkeypatch.context() as patch:
        patch.setattr(Image, "open", counted("decoded", Image.open))
        patch.setattr(clip, "tokenize", counted("tokenized", clip.tokenize))
        for _ in render(vit, [target] * pictures, make_settings(iterations=1, views=2, device="cpu")):
            pass
    return calls["decoded"], calls["tokenized"]


@pytest.mark.parametrize("written", ["image:[{}/a.png]", '"a star"', '"a star" - 0.5*image:[{}/a.png]'])
def test_a_target_is_checked_and_read_as_often_for_many_pictures_as_for_one(
    vit: CLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    Image.new("RGB", (32, 32), "red").save(tmp_path / "a.png")
    target = parse_target(written.format(tmp_path))
    one, many = work_for(vit, target, 1, monkeypatch), work_for(vit, target, 5, monkeypatch)
    assert sum(one) > 0
    assert many == one


def test_an_image_target_is_scored_by_the_images_embedding(vit: CLIP, tmp_path: Path) -> None:
    noise = torch.randint(0, 256, (32, 32, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    Image.fromarray(noise.numpy()).save(tmp_path / "a.png")
    target = parse_target(f"image:[{tmp_path}/a.png] - 0.5*visual.conv1:3")
    assert target.label == "image:[a.png] - 0.5*visual.conv1:3"
    assert target.reads == ("visual", "visual.conv1")
    assert target.files == (str(tmp_path / "a.png"),)
    same = normalized(noise.permute(2, 0, 1)[None].float() / 255)
    inspector = LayerInspector(vit)
    objective = Objective.of([parse_target(f"image:[{tmp_path}/a.png]")] * 2, vit, inspector)
    with torch.no_grad():
        scores = objective(LayerCapture(vit, objective.layers).run(torch.cat([same, -same])))
    assert float(scores[0]) == pytest.approx(1, abs=1e-4)
    assert scores[1] < 0.99


def test_an_image_that_cannot_be_read_is_refused(vit: CLIP, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no")
    with pytest.raises(UsageError, match="is not an image"):
        Objective.of([parse_target(f"image:[{tmp_path}/a.png]")], vit, LayerInspector(vit))
