"""A comparison of two small models, one unit of which was changed."""

from __future__ import annotations

import copy

import torch

from clipdesk.activations.comparing.comparison import Comparison
from tests.activations.comparing.models import HIDDEN, MLP, compared
from tests.clips import openais


def changed_unit(unit: int = 41, *, match: bool = False) -> Comparison:
    """Of a model and the same with a unit that answers to something else."""
    first = openais()
    second = copy.deepcopy(first)
    with torch.no_grad():
        second.get_parameter(f"{MLP}.c_fc.weight")[unit] = torch.randn(128, generator=torch.Generator().manual_seed(0))
    return compared(first, second, [HIDDEN], match=match)
