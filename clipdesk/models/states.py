"""State dicts in OpenAI's format: whether one is a CLIP's, and the model that it makes.

They come from files that anybody may have written, so nothing is built that the file's own size does not bound.
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
from clipdesk.models.package import CLIP

_NOTES = ("input_resolution", "context_length", "vocab_size")
"""Numbers that OpenAI's archives carry beside the weights; the weights' shapes say the same."""

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_FILLING = (nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_, Tensor.normal_, Tensor.uniform_)
_COUNTER = "num_batches_tracked"

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


class NotAState(ValueError):
    """What was read is no CLIP's state dict; the message goes on from "but"."""


class Geometry(NamedTuple):
    """What makes a CLIP: the arguments of its class, in order, but for the heads' number, which the width says."""

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

    def unfilled(self) -> CLIP:
        """A model of this form, with any weights."""
        with Unfilled():
            return CLIP(
                self.embedding,
                self.side,
                self.layers,
                self.width,
                self.patch,
                self.context,
                self.vocabulary,
                self.text_width,
                self.text_width // 64,
                self.text_layers,
            )


def model_of(found: object, file_bytes: int) -> CLIP:
    """The model of a state dict as a file holds it, with float32 weights, in evaluation mode.

    As `clip.model.build_model`, which first fills a whole model with random numbers and rounds all to float16.

    Args:
        found: What was in the file: the state dict, maybe inside ``{"state_dict": ...}``, its names maybe after
            ``module.``, as training scripts write it.
        file_bytes: Size of the file; weights that claim more are refused.

    Raises:
        NotAState: it is none of a CLIP.
    """
    state = weights_of(found)
    check_tensors(state, file_bytes)
    geometry, given = geometry_of(state), sum(value.numel() for value in state.values())
    # A few may be missing, which is said below; but nothing is built that the file could not hold a good part of.
    if geometry.numbers > 4 * given:
        raise NotAState(f"its shapes are those of a network of {geometry.numbers:,} numbers, and it holds {given:,}")
    model = geometry.unfilled()
    check_fit(state, model.state_dict())
    model.load_state_dict(state, assign=True)
    model = model.float().eval()
    check_finite(model.state_dict())
    return model


def geometry_of(state: Mapping[str, Tensor]) -> Geometry:
    """The form of the model whose weights these are, as `clip.model.build_model` finds it.

    Raises:
        NotAState: a weight that says it is missing, or what it says is out of all proportion.
    """
    context, text_width = _shape(state, "positional_embedding", 2)
    (vocabulary, _), (_, embedding) = _shape(state, "token_embedding.weight", 2), _shape(state, "text_projection", 2)
    text_layers = len(_parts(state, "transformer.resblocks."))
    layers: int | tuple[int, int, int, int]
    if _parts(state, "visual.layer1."):
        width = _shape(state, "visual.layer1.0.conv1.weight", 4)[0]
        grid = _grid(_shape(state, "visual.attnpool.positional_embedding", 2)[0])
        one, two, three, four = (len(_parts(state, f"visual.layer{stage}.")) for stage in (1, 2, 3, 4))
        layers = one, two, three, four
        geometry = Geometry(embedding, 32 * grid, layers, width, None, context, vocabulary, text_width, text_layers)
        attention = 32 * width, width // 2
    else:
        width, _, _, patch = _shape(state, "visual.conv1.weight", 4)
        grid = _grid(_shape(state, "visual.positional_embedding", 2)[0])
        layers = len(_parts(state, "visual.transformer.resblocks."))
        geometry = Geometry(embedding, patch * grid, layers, width, patch, context, vocabulary, text_width, text_layers)
        attention = width, width // 64
    for wide, heads in (attention, (text_width, text_width // 64)):
        if heads == 0 or wide % heads:
            raise NotAState(f"a width of {wide} cannot be shared among attention heads of 64")
    blocks = max(text_layers, *(layers if isinstance(layers, tuple) else (layers,)))
    for (what, most), value in zip(_MOST.items(), (geometry.side, grid, context, blocks), strict=True):
        if not 1 <= value <= most:
            raise NotAState(f"its {what} would be {value:,}, which is not from 1 to {most:,}")
    return geometry


def weights_of(found: object) -> dict[str, Tensor]:
    """The named weights, without what they may be wrapped in: ``{"state_dict": ...}``, names after ``module.``.

    Raises:
        NotAState: there is something else.
    """
    if isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    if not isinstance(found, Mapping):
        raise NotAState(f"it holds something else, of the type {type(found).__name__}")
    if not found:
        raise NotAState("it holds nothing")
    state: dict[str, Tensor] = {}
    for name, value in found.items():
        if isinstance(name, str) and name.removeprefix("module.") in _NOTES:
            continue
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise NotAState(f"'{one_line(name)}' in it is no weight but of the type {type(value).__name__}")
        state[name] = value.detach()
    if all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): value for name, value in state.items()}
    return state


def check_tensors(state: Mapping[str, Tensor], file_bytes: int) -> None:
    """Check that each is of plain numbers, in memory, and all together are no larger than the file.

    Raises:
        NotAState: they are not.
    """
    claimed = 0
    for name, value in state.items():
        if value.layout is not torch.strided or value.device.type != "cpu":
            raise NotAState(f"'{one_line(name)}' is a tensor without plain numbers")
        if value.dtype not in _FLOATS and not (name.endswith(_COUNTER) and value.dtype is torch.int64):
            kind = str(value.dtype).removeprefix("torch.")
            raise NotAState(f"'{one_line(name)}' holds {kind} instead of float numbers")
        if value.numel() == 0:
            raise NotAState(f"'{one_line(name)}' is empty")
        claimed += value.numel() * value.element_size()
    if claimed > file_bytes:
        raise NotAState(f"its weights claim {claimed / 1e6:,.0f} MB in a file of {file_bytes / 1e6:,.0f} MB")


def check_fit(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Check that the names and shapes are those of the model, and no others.

    Raises:
        NotAState: they are not.
    """
    missing = [name for name in wanted if name not in state]
    if missing:
        raise NotAState(f"'{one_line(missing[0])}' is missing{_more(missing)}")
    extra = [name for name in state if name not in wanted]
    if extra:
        raise NotAState(f"'{one_line(extra[0])}' is no part of a CLIP{_more(extra)}")
    for name, value in wanted.items():
        if state[name].shape != value.shape:
            raise NotAState(f"'{one_line(name)}' has the shape {_sides(state[name])} instead of {_sides(value)}")


def check_finite(state: Mapping[str, Tensor]) -> None:
    """Check that all numbers are finite.

    Raises:
        NotAState: they are not.
    """
    for name, value in state.items():
        if not all(bound.isfinite() for bound in torch.aminmax(value)):
            raise NotAState(f"'{one_line(name)}' holds values that are infinite or not a number")


def _shape(state: Mapping[str, Tensor], name: str, dimensions: int) -> torch.Size:
    if name not in state:
        raise NotAState(f"'{one_line(name)}' is missing, so it is of another network")
    if state[name].ndim != dimensions:
        raise NotAState(f"'{one_line(name)}' has the shape {_sides(state[name])}, so it is of another network")
    return state[name].shape


def _parts(state: Mapping[str, Tensor], prefix: str) -> set[str]:
    """The names that follow a prefix up to the next dot, e.g. the blocks' numbers."""
    return {name[len(prefix) :].partition(".")[0] for name in state if name.startswith(prefix)}


def _grid(positions: int) -> int:
    """Patches along a side, where there is a position for each patch and one more."""
    return round(math.sqrt(max(0, positions - 1)))


def _sides(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "()"


def _more(names: list[str]) -> str:
    return "" if len(names) == 1 else f", and {len(names) - 1:,} more"
