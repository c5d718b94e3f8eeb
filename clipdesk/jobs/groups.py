"""How many pictures are rendered side by side: as many as fit the memory that is free, and as pay."""

from __future__ import annotations

import psutil
import torch
from torch import nn

from clipdesk.errors import RenderError
from clipdesk.models.loading import resolve_device
from clipdesk.network.inspector import LayerInspector
from clipdesk.render.cost import picture_bytes
from clipdesk.render.objectives import ResolvedTarget
from clipdesk.render.settings import RenderSettings
from clipdesk.render.sources import Sources
from clipdesk.render.targets import Target

_MOST_ON_CPU, _MOST_ON_GPU = 8, 128
"""More at once is no faster: a CPU's caches, and the cores of a large GPU, are full."""
_PEAK = 2.5
"""What a step takes at its peak, in multiples of what it keeps for the gradient."""
_SHARE = 0.6
"""Share of the free memory that is used; other programs want some too."""


def find_group_size(
    model: nn.Module,
    settings: RenderSettings,
    inspector: LayerInspector,
    target: Target | ResolvedTarget,
    sources: Sources | None = None,
) -> int:
    """How many pictures like that of `target` to render side by side, from one step of it and the free memory.

    Raises:
        UsageError: the target is not there.
        ClipDeskError: the device is not there.
    """
    device = resolve_device(settings.device)
    try:
        return fitting(picture_bytes(model, settings, inspector, target, sources), device)
    except RenderError:
        # Of this picture, or of the memory: groups that fail are halved until it is clear.
        return _most(device)


def fitting(bytes_each: int, device: torch.device) -> int:
    """How many pictures that keep so many bytes each to render side by side on a device, at least 1."""
    return max(1, min(_most(device), int(_SHARE * free_bytes(device) / max(1.0, _PEAK * bytes_each))))


def _most(device: torch.device) -> int:
    return _MOST_ON_CPU if device.type == "cpu" else _MOST_ON_GPU


def free_bytes(device: torch.device) -> int:
    """Memory of a device that is free for tensors, in bytes."""
    if device.type == "cuda":
        # What torch has taken from the driver and does not use is free for us.
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    if device.type == "mps":
        return max(0, torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return int(psutil.virtual_memory().available)
