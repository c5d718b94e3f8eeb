"""The form of a CLIP of OpenAI's kind: found in the shapes of its weights, and built.

State dicts come from files that anybody may have written, so nothing is built that the file's own size does not bound.
What no shape says, the number of attention heads, is `evidence`'s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from typing_extensions import override

from clipdesk.errors import one_line
from clipdesk.models.checks import Damaged, NotAState, sides
from clipdesk.models.package import CLIP, ModifiedResNet, VisionTransformer

_FILLING = (nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_, Tensor.normal_, Tensor.uniform_)

# What no shape of a weight bounds: a picture's side in pixels and in patches, a text's length, the count of blocks.
# OpenAI's largest are 448 px, 24 patches, 77 tokens, 36 blocks.
_MOST = {"pictures' side": 2048, "patches along a side": 128, "length of texts": 4096, "number of blocks": 256}


class Unfilled(TorchFunctionMode):
    """New weights get no random numbers, which take most of the time: those of the file take their place."""

    @override
    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        return (args[0] if args else kwargs["tensor"]) if func in _FILLING else func(*args, **kwargs)


class Geometry(NamedTuple):
    """What makes a CLIP: the arguments of its class, in order, but for the numbers of attention heads.

    Of a vision tower alone, the last four are 0.
    """

    embedding: int
    side: int
    layers: int | tuple[int, int, int, int]
    width: int
    patch: int | None
    context: int
    vocabulary: int
    text_width: int
    text_layers: int

    @property
    def numbers(self) -> int:
        """How many numbers its matrices hold; biases and norms, which are few beside them, are left out."""
        text = self.text_width * (
            self.vocabulary + self.context + self.embedding + 12 * self.text_width * self.text_layers
        )
        wide = self.width
        if isinstance(self.layers, int):
            patch = self.patch or 1
            grid = self.side // patch
            return text + wide * (3 * patch**2 + grid**2 + self.embedding + 12 * wide * self.layers)
        blocks = sum(17 * larger * count for larger, count in zip((1, 4, 16, 64), self.layers, strict=True))
        pool = 32 * ((self.side // 32) ** 2 + 3 * 32 * wide + self.embedding)
        return text + wide * (blocks * wide + pool)


class Heads(NamedTuple):
    """Numbers of attention heads."""

    vision: int
    text: int


class Hidden(NamedTuple):
    """Widths of the MLPs' hidden layers; 0 where there is none."""

    vision: int
    text: int


class VisionTower(nn.Module):
    """The vision tower of a CLIP without a text tower.

    Args:
        visual: The tower.
    """

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.visual = visual

    def encode_image(self, image: Tensor) -> Tensor:
        """Embeddings of normalised pictures, (n, 3, side, side)."""
        embeddings: Tensor = self.visual(image)
        return embeddings


def geometry_of(state: Mapping[str, Tensor], *, whole: bool = True) -> Geometry:
    """The form of the model whose weights these are, as `clip.model.build_model` finds it.

    Args:
        state: The weights.
        whole: Whether there must be a text tower, too.

    Raises:
        NotAState: a weight that says it is missing, or what it says is out of all proportion.
    """
    text = _text_of(state) if whole else (0, 0, 0, 0)
    context, _, _, text_layers = text
    layers: int | tuple[int, int, int, int]
    patch: int | None
    if _parts(state, "visual.layer1."):
        width = _shape(state, "visual.layer1.0.conv1.weight", 4)[0]
        grid = _grid(_shape(state, "visual.attnpool.positional_embedding", 2)[0])
        one, two, three, four = (len(_parts(state, f"visual.layer{stage}.")) for stage in (1, 2, 3, 4))
        layers, patch, side = (one, two, three, four), None, 32 * grid
        last = ("visual.attnpool.c_proj.weight", 0)
    else:
        width, _, _, patch = _shape(state, "visual.conv1.weight", 4)
        grid = _grid(_shape(state, "visual.positional_embedding", 2)[0])
        layers, side = len(_parts(state, "visual.transformer.resblocks.")), patch * grid
        last = ("visual.proj", 1)
    if whole:
        embedding = _shape(state, "text_projection", 2)[1]
    else:
        embedding = _shape(state, last[0], 2)[last[1]] if last[0] in state else 0
    blocks = max(text_layers, *(layers if isinstance(layers, tuple) else (layers,)))
    found = (side, grid, context if whole else 1, blocks)
    for (what, most), value in zip(_MOST.items(), found, strict=True):
        if not 1 <= value <= most:
            raise Damaged(f"its {what} would be {value:,}, which is not from 1 to {most:,}")
    return Geometry(embedding, side, layers, width, patch, *text)


def _text_of(state: Mapping[str, Tensor]) -> tuple[int, int, int, int]:
    context, text_width = _shape(state, "positional_embedding", 2)
    vocabulary, _ = _shape(state, "token_embedding.weight", 2)
    _shape(state, "text_projection", 2)
    return context, vocabulary, text_width, len(_parts(state, "transformer.resblocks."))


def hidden_of(state: Mapping[str, Tensor]) -> Hidden:
    """Widths of the MLPs' hidden layers, which are four times the towers' in all of OpenAI's models."""
    found = (state.get(f"{tower}transformer.resblocks.0.mlp.c_fc.weight") for tower in ("visual.", ""))
    vision, text = (len(value) if value is not None and value.ndim == 2 else 0 for value in found)
    return Hidden(vision, text)


def built(geometry: Geometry, heads: Heads, hidden: Hidden) -> CLIP | VisionTower:
    """A model of a form, with any weights.

    Args:
        geometry: The form.
        heads: Its attention heads.
        hidden: Its MLPs.
    """
    g = geometry
    with Unfilled():
        visual: nn.Module
        if isinstance(g.layers, tuple):
            visual = ModifiedResNet(g.layers, g.embedding, heads.vision, g.side, g.width)
        else:
            visual = VisionTransformer(g.side, g.patch or 1, g.width, g.layers, heads.vision, g.embedding or g.width)
            _widen(visual, g.width, hidden.vision)
            if not g.embedding:
                visual.proj = None
        if not g.text_width:
            return VisionTower(visual)
        # The smallest vision tower that its class makes is replaced by the right one.
        model = CLIP(g.embedding, 32, 1, 64, 32, g.context, g.vocabulary, g.text_width, heads.text, g.text_layers)
        vars(model)["_modules"]["visual"] = visual
        _widen(model.transformer, g.text_width, hidden.text)
        return model


def _widen(tower: nn.Module, width: int, hidden: int) -> None:
    """Give a tower's MLPs another hidden width than four times its own."""
    if hidden in (0, 4 * width):
        return
    for part in tower.modules():
        if isinstance(part, nn.Sequential) and hasattr(part, "c_fc"):
            part.c_fc, part.c_proj = nn.Linear(width, hidden), nn.Linear(hidden, width)


def _shape(state: Mapping[str, Tensor], name: str, dimensions: int) -> torch.Size:
    if name not in state:
        raise NotAState(f"'{one_line(name)}' is missing, so it is of another network")
    if state[name].ndim != dimensions:
        raise NotAState(f"'{one_line(name)}' has the shape {sides(state[name])}, so it is of another network")
    return state[name].shape


def _parts(state: Mapping[str, Tensor], prefix: str) -> set[str]:
    """The names that follow a prefix up to the next dot, e.g. the blocks' numbers."""
    return {name[len(prefix) :].partition(".")[0] for name in state if name.startswith(prefix)}


def _grid(positions: int) -> int:
    """Patches along a side, where there is a position for each patch and one more."""
    return round(math.sqrt(max(0, positions - 1)))
