"""How far the weights of single units have moved from one model to the other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from clipdesk.network.layers import LayerInfo
from clipdesk.network.opened import OpenModel
from clipdesk.network.rectifiers import layer_before


def weight_changes(first: OpenModel, second: OpenModel, layer: str) -> NDArray[np.float64] | None:
    """Length of the difference of each unit's incoming weights, as a share of the first's length, (units,).

    The weights are the layer's own rows, or, of a rectifier, those of the layer before it.

    Args:
        first: A model.
        second: Another that has the same layer.
        layer: Dotted name.

    Returns:
        NaN where the first's weights are all 0; None for a layer whose units have no weights of their own, as those of
        a residual stream.
    """
    rows = [_rows(each.network, each.inspector.layers, layer) for each in (first, second)]
    if rows[0] is None or rows[1] is None or rows[0].shape != rows[1].shape:
        return None
    before, after = rows[0].double(), rows[1].double()
    lengths = before.norm(dim=1)
    changes = (after - before).norm(dim=1) / lengths
    return np.asarray(torch.where(lengths > 0, changes, torch.nan).numpy(), dtype=np.float64)


def _rows(network: nn.Module, layers: Mapping[str, LayerInfo], layer: str) -> torch.Tensor | None:
    """The weights that lead into each unit, (units, numbers)."""
    own = layer_before(layer, layers) or layer
    if own not in dict(network.named_modules()):
        # A part of an attention module, such as its heads.
        return None
    weight = getattr(network.get_submodule(own), "weight", None)
    if not isinstance(weight, torch.Tensor) or weight.ndim < 2 or len(weight) != layers[layer].units:
        return None
    return weight.detach().flatten(1).cpu()
