"""What is maximised, as a function of the captured layers: one number for each picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clipdesk.errors import UsageError
from clipdesk.models.texts import tokenize
from clipdesk.network.capture import pooled
from clipdesk.network.inspector import ROOT, LayerInfo, LayerInspector, check_unit, input_side, visualizable
from clipdesk.network.normalization import normalization_of, normalized
from clipdesk.render.pictures import read_picture, square
from clipdesk.render.targets import Direction, ImageTarget, Others, Position, Target, Term, Text, Unit, terms_of

if TYPE_CHECKING:
    from clip.model import CLIP

Score = Callable[[Tensor], Tensor]
"""From a layer as (pictures, positions, units), only those pictures that want it, their values, (pictures,)."""


class Objective:
    """Scores a batch of pictures, each for its own target.

    Args:
        targets: A target for each picture.
        model: A CLIP.
        inspector: The model's inspector.

    Raises:
        UsageError: no target, or one that is not there.
    """

    def __init__(self, targets: Sequence[Target], model: nn.Module, inspector: LayerInspector) -> None:
        if not targets:
            raise UsageError("There is nothing to render: name at least one unit or text")
        self._count = len(targets)
        self._device = next(model.parameters()).device
        # Terms that are read alike are read at once: one group for each kind, layer and place.
        groups: dict[tuple[type, LayerInfo, Position], list[tuple[int, Term]]] = {}
        # Each term is checked once, however many pictures and views want it: a picture is read from its file for it.
        infos = {term: check_term(term, inspector) for term in dict.fromkeys(t for x in targets for t in terms_of(x))}
        for row, target in enumerate(targets):
            for term in terms_of(target):
                key = type(term.what), infos[term], term.at
                groups.setdefault(key, []).append((row, term))
        self.layers = list(dict.fromkeys(info for _, info, _ in groups))
        """The layers that it reads."""
        self._readings: list[tuple[LayerInfo, Tensor, Tensor | None, Tensor, Score]] = []
        for (_, info, at), members in groups.items():
            rows = torch.tensor([row for row, _ in members], device=self._device)
            weights = torch.tensor([term.weight for _, term in members], device=self._device)
            # No copy where all pictures are read.
            some = None if rows.tolist() == list(range(self._count)) else rows
            reading = self._reading([term for _, term in members], info, at, model)
            self._readings.append((info, rows, some, weights, reading))

    def __call__(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """From the captured outputs, (pictures, positions, units) each, the pictures' scores, (pictures,)."""
        scores = torch.zeros(self._count, device=self._device)
        for info, rows, some, weights, reading in self._readings:
            output = outputs[info.name]
            scores = scores.index_add(0, rows, weights * reading(output if some is None else output[some]))
        return scores

    def _reading(self, terms: Sequence[Term], info: LayerInfo, at: Position, model: nn.Module) -> Score:
        whats = [term.what for term in terms]
        if isinstance(whats[0], Text):
            return _text_reading([what for what in whats if isinstance(what, Text)], model)
        if isinstance(whats[0], ImageTarget):
            return _picture_reading([what for what in whats if isinstance(what, ImageTarget)], model)
        if isinstance(whats[0], Direction):
            vectors = torch.tensor([what.vector for what in whats if isinstance(what, Direction)], device=self._device)
            directions = F.normalize(vectors, dim=-1)
            return lambda output: placed(output @ directions[:, :, None], info, at)[:, 0]
        indices = torch.tensor([what.index for what in whats if isinstance(what, Unit | Others)], device=self._device)
        columns = indices[:, None, None]
        if isinstance(whats[0], Others):
            return lambda output: placed(_mean_of_others(output, columns), info, at)[:, 0]
        return lambda output: placed(output.gather(2, columns.expand(-1, output.shape[1], 1)), info, at)[:, 0]


def placed(output: Tensor, info: LayerInfo, at: Position) -> Tensor:
    """A layer read at a place: (pictures, positions, units) gives (pictures, units)."""
    if at == "patches":
        return pooled(output, info)
    if at == "max":
        return (output[:, 1:] if info.class_token else output).amax(dim=1)
    return output[:, 0 if at == "class" else at]


def check_term(term: Term, inspector: LayerInspector) -> LayerInfo:
    """The layer that a term reads.

    Raises:
        UsageError: there is no such layer, unit or place, a direction has another length than the layer, or a text is
            too long, or a picture cannot be read.
    """
    what = term.what
    if isinstance(what, Text):
        inspector.check_text(what.text)
    elif isinstance(what, ImageTarget):
        read_picture(Path(what.path))
    return check_layer(term, inspector.layers)


def check_layer(term: Term, layers: Mapping[str, LayerInfo]) -> LayerInfo:
    """`check_term` for who knows a model's layers and has not the model: texts and pictures are not looked at.

    Args:
        term: What is read, and where.
        layers: The model's, by name.

    Raises:
        UsageError: there is no such layer, unit or place, or a direction has another length than the layer.
    """
    what = term.what
    if isinstance(what, Text | ImageTarget):
        return visualizable(layers, ROOT)
    if isinstance(what, Direction):
        info = visualizable(layers, what.layer)
        if len(what.vector) != info.units:
            raise UsageError(f"{what.label} has {len(what.vector)} values, but the layer has {info.units} units")
    else:
        info = check_unit(layers, what.layer, what.index)
    if isinstance(what, Others) and info.units == 1:
        raise UsageError(f"{what.label}: the layer has no other unit")
    if term.at == "class" and not info.class_token:
        raise UsageError(f"Layer '{info.name}' has no class token. Its places are max and 0 to {info.positions - 1}")
    if isinstance(term.at, int) and term.at >= info.positions:
        raise UsageError(f"Layer '{info.name}' has no position {term.at}: they are 0 to {info.positions - 1}")
    return info


def check_target(target: Target, inspector: LayerInspector) -> None:
    """Check that a target is there.

    Raises:
        UsageError: as `check_term`.
    """
    for term in terms_of(target):
        check_term(term, inspector)


def _text_reading(texts: Sequence[Text], model: nn.Module) -> Score:
    # Each text once, however many pictures and views ask for it.
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    tokens = tokenize([text.text for text in places], model).to(next(model.parameters()).device)
    with torch.no_grad():
        distinct = cast("CLIP", model).encode_text(tokens)
    return _cosine_reading(distinct[[places[text] for text in texts]])


def _picture_reading(pictures: Sequence[ImageTarget], model: nn.Module) -> Score:
    places = {picture: place for place, picture in enumerate(dict.fromkeys(pictures))}
    side, first = input_side(model), next(model.parameters())
    pixels = torch.stack([square(read_picture(Path(picture.path)), side) for picture in places])
    with torch.no_grad():
        distinct = cast("CLIP", model).encode_image(normalized(pixels.to(first.device), normalization_of(model)))
    return _cosine_reading(distinct[[places[picture] for picture in pictures]])


def _cosine_reading(wanted: Tensor) -> Score:
    embeddings = F.normalize(wanted.float(), dim=-1)
    return lambda output: F.cosine_similarity(output[:, 0], embeddings, dim=-1)


def _mean_of_others(output: Tensor, columns: Tensor) -> Tensor:
    """Mean size of all units but one, (pictures, positions, 1)."""
    sizes = output.abs()
    own = sizes.gather(2, columns.expand(-1, output.shape[1], 1))
    return (sizes.sum(dim=2, keepdim=True) - own) / (output.shape[2] - 1)
