"""The number format that a network computes in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import nn

from clipdesk.network.inspector import ROOT

_FAST_ON_CPU = ("avx512_bf16", "amx_bf16", "amx_tile")


Precision = Literal["float32", "bfloat16"]
"""A number format."""


def precision_of(wanted: Precision | Literal["auto"], model: nn.Module, device: torch.device) -> Precision:
    """The format to compute in; ``auto`` is bfloat16 for transformers if the device is fast at it.

    With bfloat16, pictures of a transformer reach the same activation and look the same for the same seed. Pictures of
    a ResNet reach the same activation but look different, since small errors flip its rectifiers: docs/performance.md.
    """
    if wanted != "auto":
        return wanted
    # OpenAI's class, and open_clip's of the same name; others have not been measured.
    transformer = type(model.get_submodule(ROOT)).__name__ == "VisionTransformer"
    return "bfloat16" if transformer and fast_in_bfloat16(device) else "float32"


def fast_in_bfloat16(device: torch.device) -> bool:
    """Whether a device supports bfloat16 in hardware; emulation is far slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # Older torch cannot tell.
    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name) for name in _FAST_ON_CPU)
