"""What is maximised, as a function of the captured layers: one number for each picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import override

from clipdesk.errors import UsageError
from clipdesk.inspector import ROOT, LayerInfo, LayerInspector
from clipdesk.models.loading import tokenize
from clipdesk.render.capture import pooled
from clipdesk.render.targets import Target, Text, Unit

if TYPE_CHECKING:
    from clip.model import CLIP


class Objective(ABC):
    """Scores a batch of pictures, each for its own target."""

    layers: list[LayerInfo]
    """The layers that it reads."""

    @abstractmethod
    def __call__(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """From the captured outputs, (pictures, positions, units) each, the pictures' scores, (pictures,)."""


class UnitObjective(Objective):
    """Activation of one unit for each picture, mean over the patches; the units may be of several layers."""

    def __init__(self, units: Sequence[Unit], inspector: LayerInspector) -> None:
        infos = [inspector.check_unit(unit.layer, unit.index) for unit in units]
        self.layers = list(dict.fromkeys(infos))
        self._groups: list[tuple[LayerInfo, Tensor, Tensor]] = []
        for info in self.layers:
            rows = [row for row, own in enumerate(infos) if own == info]
            self._groups.append((info, torch.tensor(rows), torch.tensor([units[row].index for row in rows])))
        # Undoes the sorting by layer.
        self._order = torch.cat([rows for _, rows, _ in self._groups]).argsort()

    @override
    def __call__(self, outputs: Mapping[str, Tensor]) -> Tensor:
        scores = torch.cat([pooled(outputs[info.name], info)[rows, indices] for info, rows, indices in self._groups])
        return scores[self._order.to(scores.device)]


class TextObjective(Objective):
    """Cosine similarity between each picture's embedding and its text's."""

    def __init__(self, texts: Sequence[Text], model: nn.Module, inspector: LayerInspector) -> None:
        self.layers = [inspector.visualizable(ROOT)]
        device = next(model.parameters()).device
        tokens = tokenize([text.text for text in texts])
        with torch.no_grad():
            self._embeddings = F.normalize(cast("CLIP", model).encode_text(tokens.to(device)).float(), dim=-1)

    @override
    def __call__(self, outputs: Mapping[str, Tensor]) -> Tensor:
        return F.cosine_similarity(outputs[ROOT][:, 0].float(), self._embeddings, dim=-1)


def make_objective(targets: Sequence[Target], model: nn.Module, inspector: LayerInspector) -> Objective:
    """The objective of a batch of targets, all units or all texts.

    Raises:
        UsageError: no target, units and texts mixed, or a unit or layer that is not there.
    """
    units = [t for t in targets if isinstance(t, Unit)]
    texts = [t for t in targets if isinstance(t, Text)]
    if units and texts:
        raise UsageError("Units and texts cannot be rendered in one batch")
    if units:
        return UnitObjective(units, inspector)
    if texts:
        return TextObjective(texts, model, inspector)
    raise UsageError("There is nothing to render: name at least one unit or text")
