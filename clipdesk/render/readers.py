"""One reader for each kind of term: it checks the term, and turns the layer that the term reads into a score.

A new kind of term needs a class in `targets` and a reader in `READERS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import override

from clipdesk.errors import UsageError
from clipdesk.models.texts import tokenize
from clipdesk.network.capture import pooled
from clipdesk.network.inspector import ROOT, LayerInspector, input_side
from clipdesk.network.latents.source import written
from clipdesk.network.layers import LayerInfo, check_unit, visualizable
from clipdesk.network.normalization import normalization_of, normalized
from clipdesk.render.centre import text_centre
from clipdesk.render.readable import Decoder, Direction, ImageTarget, Others, ReadableBase
from clipdesk.render.sources import Sources
from clipdesk.render.targets import Position, Text, Unit

if TYPE_CHECKING:
    from clip.model import CLIP

Score = Callable[[Tensor], Tensor]
"""From a layer's output for the pictures that read it, (pictures, positions, units), their scores, (pictures,)."""

R = TypeVar("R", bound=ReadableBase)


class Reader(ABC, Generic[R]):
    """Checks and reads one kind of term."""

    @abstractmethod
    def check(self, what: R, at: Position, layers: Mapping[str, LayerInfo]) -> LayerInfo:
        """The layer that a term reads; needs the table of layers, but not the network.

        Raises:
            UsageError: the model has no such layer, unit or position, or the term does not fit the layer.
        """

    def check_contents(self, what: R, inspector: LayerInspector, sources: Sources) -> None:
        """Check what cannot be known without the network or the term's files; by default there is nothing to check.

        Raises:
            UsageError: the network cannot read the term, or a file cannot be read.
        """

    @abstractmethod
    def bind(self, whats: Sequence[R], info: LayerInfo, at: Position, model: nn.Module, sources: Sources) -> Score:
        """The function that scores a batch of pictures.

        Args:
            whats: What each picture is scored by; all have passed the checks.
            info: The layer that all of them read.
            at: The position at which all of them read it.
            model: The network, a CLIP.
            sources: The files that the terms name.
        """


class UnitReader(Reader[Unit]):
    """The activation of a unit."""

    @override
    def check(self, what: Unit, at: Position, layers: Mapping[str, LayerInfo]) -> LayerInfo:
        return _with_position(check_unit(layers, what.layer, what.index), at)

    @override
    def bind(self, whats: Sequence[Unit], info: LayerInfo, at: Position, model: nn.Module, sources: Sources) -> Score:
        columns = _columns(whats, info, model)
        return lambda output: at_position(output.gather(2, columns.expand(-1, output.shape[1], 1)), info, at)[:, 0]


class OthersReader(Reader[Others]):
    """The mean size of the activations of all units of a layer but one."""

    @override
    def check(self, what: Others, at: Position, layers: Mapping[str, LayerInfo]) -> LayerInfo:
        info = check_unit(layers, what.layer, what.index)
        if info.units == 1:
            raise UsageError(f"{what.label}: the layer has no other unit")
        return _with_position(info, at)

    @override
    def bind(self, whats: Sequence[Others], info: LayerInfo, at: Position, model: nn.Module, sources: Sources) -> Score:
        columns = _columns(whats, info, model)
        return lambda output: at_position(_mean_of_others(output, columns), info, at)[:, 0]


class DecoderReader(Reader[Decoder]):
    """How far the activations that a sparse autoencoder reads go along what one of its latents writes."""

    @override
    def check(self, what: Decoder, at: Position, layers: Mapping[str, LayerInfo]) -> LayerInfo:
        info = written(check_unit(layers, what.layer, what.index))
        if info is None:
            raise UsageError(f"{what.label}: only latents of a sparse autoencoder have a decoder")
        return _with_position(info, at)

    @override
    def bind(
        self, whats: Sequence[Decoder], info: LayerInfo, at: Position, model: nn.Module, sources: Sources
    ) -> Score:
        columns = _columns(whats, info, model)
        return lambda output: at_position(output.gather(2, columns.expand(-1, output.shape[1], 1)), info, at)[:, 0]


class DirectionReader(Reader[Direction]):
    """How far a layer's activations go along a direction of length 1."""

    @override
    def check(self, what: Direction, at: Position, layers: Mapping[str, LayerInfo]) -> LayerInfo:
        info = visualizable(layers, what.layer)
        if len(what.vector) != info.units:
            raise UsageError(f"{what.label} has {len(what.vector)} values, but the layer has {info.units} units")
        return _with_position(info, at)

    @override
    def bind(
        self, whats: Sequence[Direction], info: LayerInfo, at: Position, model: nn.Module, sources: Sources
    ) -> Score:
        vectors = torch.tensor([what.vector for what in whats], device=_device(model))
        directions = F.normalize(vectors, dim=-1)
        return lambda output: at_position(output @ directions[:, :, None], info, at)[:, 0]


class TextReader(Reader[Text]):
    """The cosine similarity of a picture's embedding to a text's.

    Args:
        own: To what is the text's own in it, without what all texts share.
    """

    def __init__(self, *, own: bool = False) -> None:
        self._own = own

    @override
    def check(self, what: Text, at: Position, layers: Mapping[str, LayerInfo]) -> LayerInfo:
        return visualizable(layers, ROOT)

    @override
    def check_contents(self, what: Text, inspector: LayerInspector, sources: Sources) -> None:
        inspector.check_text(what.text)

    @override
    def bind(self, whats: Sequence[Text], info: LayerInfo, at: Position, model: nn.Module, sources: Sources) -> Score:
        # Each text is encoded once, however many pictures and views are scored by it.
        distinct = list(dict.fromkeys(what.text for what in whats))
        tokens = tokenize(distinct, model).to(_device(model))
        with torch.no_grad():
            # One by one: an embedding's rounding depends on how many are computed at once.
            embeddings = torch.cat([cast("CLIP", model).encode_text(tokens[i : i + 1]) for i in range(len(tokens))])
        if self._own:
            embeddings = F.normalize(embeddings.float(), dim=-1) - text_centre(model)
        return _cosine(embeddings[[distinct.index(what.text) for what in whats]])


class ImageReader(Reader[ImageTarget]):
    """The cosine similarity of a picture's embedding to an image's."""

    @override
    def check(self, what: ImageTarget, at: Position, layers: Mapping[str, LayerInfo]) -> LayerInfo:
        return visualizable(layers, ROOT)

    @override
    def check_contents(self, what: ImageTarget, inspector: LayerInspector, sources: Sources) -> None:
        sources.square(what.path, inspector.input_side)

    @override
    def bind(
        self, whats: Sequence[ImageTarget], info: LayerInfo, at: Position, model: nn.Module, sources: Sources
    ) -> Score:
        distinct = list(dict.fromkeys(what.path for what in whats))
        side = input_side(model)
        pixels = torch.stack([sources.square(path, side) for path in distinct])
        with torch.no_grad():
            inputs = normalized(pixels.to(_device(model)), normalization_of(model))
            embeddings = torch.cat([cast("CLIP", model).encode_image(inputs[i : i + 1]) for i in range(len(inputs))])
        return _cosine(embeddings[[distinct.index(what.path) for what in whats]])


READERS: dict[type, Reader[Any]] = {
    Unit: UnitReader(),
    Others: OthersReader(),
    Decoder: DecoderReader(),
    Direction: DirectionReader(),
    Text: TextReader(),
    ImageTarget: ImageReader(),
}
"""The reader of each kind of term, by the class of `Term.what`."""

OWN_TEXTS: dict[type, Reader[Any]] = {Text: TextReader(own=True)}
"""Readers that stand for those of `READERS` where a text is what is its own; `RenderSettings.text_direction`."""


def at_position(output: Tensor, info: LayerInfo, at: Position) -> Tensor:
    """A layer read at a position: (pictures, positions, units) gives (pictures, units)."""
    if at == "patches":
        return pooled(output, info)
    if at == "max":
        return (output[:, 1:] if info.class_token else output).amax(dim=1)
    return output[:, 0 if at == "class" else at]


def _with_position(info: LayerInfo, at: Position) -> LayerInfo:
    if at == "class" and not info.class_token:
        raise UsageError(f"Layer '{info.name}' has no class token. Its positions are max and 0 to {info.positions - 1}")
    if isinstance(at, int) and at >= info.positions:
        raise UsageError(f"Layer '{info.name}' has no position {at}: they are 0 to {info.positions - 1}")
    return info


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device


def _columns(whats: Sequence[Unit | Others | Decoder], info: LayerInfo, model: nn.Module) -> Tensor:
    """Where the values of each picture's unit are, (pictures, 1, 1)."""
    return torch.tensor([info.column(what.index) for what in whats], device=_device(model))[:, None, None]


def _cosine(wanted: Tensor) -> Score:
    embeddings = F.normalize(wanted.float(), dim=-1)
    return lambda output: F.cosine_similarity(output[:, 0], embeddings, dim=-1)


def _mean_of_others(output: Tensor, columns: Tensor) -> Tensor:
    """Mean size of the activations of all units but one, (pictures, positions, 1)."""
    sizes = output.abs()
    own = sizes.gather(2, columns.expand(-1, output.shape[1], 1))
    return (sizes.sum(dim=2, keepdim=True) - own) / (output.shape[2] - 1)
