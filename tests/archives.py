"""A TorchScript archive for tests that need one."""

from __future__ import annotations

from pathlib import Path

import torch
from clip.model import CLIP
from torch import Tensor, nn

from tests.conftest import small_vit


def make_archive(path: Path) -> Path:
    """Save the small vision transformer's weights as an archive that is not one of OpenAI's."""
    archive = torch.jit.trace(_Shell(small_vit()), torch.zeros(1), check_trace=False)
    archive.save(str(path))
    return path


class _Shell(nn.Module):
    """Holds a model's weights under their own names, and computes nothing with them, so that it is traced at once."""

    def __init__(self, model: CLIP) -> None:
        super().__init__()
        for name, child in model.named_children():
            self.add_module(name, child)
        for name, parameter in model.named_parameters(recurse=False):
            self.register_parameter(name, parameter)

    def forward(self, number: Tensor) -> Tensor:
        return number + 1
