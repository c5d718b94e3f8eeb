"""Parts of a render that a user might bring."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import override

from clipdesk.render.images import Parameterization
from clipdesk.render.streams import RandomStreams


class Grey(Parameterization):
    """Pictures without colour."""

    def __init__(self, size: int, streams: RandomStreams) -> None:
        self.values = streams.normal(1, size, size).requires_grad_()

    @override
    def pixels(self) -> Tensor:
        return torch.sigmoid(self.values).expand(-1, 3, -1, -1)
