"""The registry of readers: one for each kind of term."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from clip.model import CLIP
from PIL import Image
from torch import nn
from typing_extensions import override

from clipdesk.errors import UsageError
from clipdesk.network.capture import LayerCapture
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.layers import LayerInfo
from clipdesk.render.objectives import Objective, check_layer
from clipdesk.render.readable import Decoder, ImageTarget, Others, ReadableBase
from clipdesk.render.readers import READERS, Reader, Score, at_position
from clipdesk.render.sources import Sources
from clipdesk.render.targets import Combined, Position, Readable, Term, Text

BLOCK = "visual.transformer.resblocks.1"


def test_every_kind_of_term_has_a_reader() -> None:
    assert set(READERS) == set(get_args(get_args(Readable)[0]))


def test_a_term_is_checked_without_the_network(vit: CLIP) -> None:
    layers = LayerInspector(vit).layers
    assert check_layer(Term(what=Text(text="word " * 90)), layers).name == "visual", "texts are not looked at"
    with pytest.raises(UsageError, match="the layer has no other unit"):
        check_layer(Term(what=Others(layer=f"{BLOCK}.attn.heads", index=0)), layers)
    with pytest.raises(UsageError, match="only latents of a sparse autoencoder have a decoder"):
        check_layer(Term(what=Decoder(layer=BLOCK, index=0)), layers)
    with pytest.raises(UsageError, match="has no neuron 64"):
        check_layer(Term(what=Others(layer=BLOCK, index=64)), layers)


class Loudest(ReadableBase):
    """A kind of term that ClipDesk does not have: the largest unit of a layer."""

    layer: str

    @property
    @override
    def label(self) -> str:
        return f"loudest({self.layer})"

    @property
    @override
    def reads(self) -> tuple[str, ...]:
        return (self.layer,)


class LoudestReader(Reader[Loudest]):
    @override
    def check(self, what: Loudest, at: Position, layers: Mapping[str, LayerInfo]) -> LayerInfo:
        return layers[what.layer]

    @override
    def bind(
        self, whats: Sequence[Loudest], info: LayerInfo, at: Position, model: nn.Module, sources: Sources
    ) -> Score:
        return lambda output: at_position(output, info, at).amax(dim=1)


def test_a_new_kind_of_term_needs_one_reader(vit: CLIP, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READERS, Loudest, LoudestReader())
    what: Any = Loudest(layer=BLOCK)
    term = Term.model_construct(what=what, weight=2.0, at="max")
    objective = Objective.of([Combined.model_construct(terms=(term,))], vit, LayerInspector(vit))
    with torch.no_grad():
        outputs = LayerCapture(vit, objective.layers).run(torch.randn(1, 3, 32, 32))
    assert torch.allclose(objective(outputs), 2 * outputs[BLOCK][:, 1:].amax(dim=(1, 2)))


@pytest.mark.parametrize("tower", ["encode_text", "encode_image"])
def test_a_wanted_embedding_is_computed_by_itself(
    vit: CLIP, tower: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Computed beside others it is rounded differently, of which a ResNet's ascent makes another picture."""
    seen: list[int] = []
    encode = getattr(vit, tower)

    def counted(inputs: torch.Tensor) -> torch.Tensor:
        seen.append(len(inputs))
        found: torch.Tensor = encode(inputs)
        return found

    monkeypatch.setattr(vit, tower, counted)
    for name in ("a.png", "b.png"):
        Image.new("RGB", (32, 32), "red" if name == "a.png" else "blue").save(tmp_path / name)
    texts = [Text(text="a star"), Text(text="a heart"), Text(text="a star")]
    images = [ImageTarget(path=str(tmp_path / name)) for name in ("a.png", "b.png", "a.png")]
    wanted = texts if tower == "encode_text" else images
    Objective.of([Combined(terms=(Term(what=what),)) for what in wanted], vit, LayerInspector(vit))
    assert seen == [1, 1]
