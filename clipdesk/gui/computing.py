"""What the threads beside the window do with torch. The only module of theirs that loads it, once there is work."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch

from clipdesk.jobs.groups import fitting
from clipdesk.jobs.here import Here
from clipdesk.models.loading import available_devices, resolve_device
from clipdesk.models.names import ModelName
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import default_pool
from clipdesk.render.cost import Cost, measure_cost
from clipdesk.render.settings import RenderSettings


def leave_a_core() -> None:
    """One core stays free for the window."""
    torch.set_num_threads(max(1, min(torch.get_num_threads(), (os.cpu_count() or 2) - 1)))


def here(wanted: Callable[[int, int], bool]) -> Here:
    """What does the work of the queue in this process."""
    leave_a_core()
    return Here(wanted=wanted)


def measured(name: ModelName, settings: RenderSettings, stop: Callable[[], bool]) -> tuple[Cost, int] | None:
    """What a render takes, and how many pictures fit side by side; None if it was stopped or no such model is open.

    Raises:
        ClipDeskError: the device has too little memory, or is not there.
    """
    model = default_pool().kept(name)
    cost = None if model is None else measure_cost(model.network, settings, model.inspector, stop=stop)
    return None if cost is None else (cost, fitting(cost.picture_bytes, resolve_device(settings.device)))


def devices() -> tuple[str, ...]:
    """All devices of this machine."""
    return tuple(available_devices())


def open_model(
    name: ModelName,
    progress: Callable[..., object],
    stage: Callable[[str], object],
    cancelled: Callable[[], bool],
) -> OpenModel:
    """As `ModelPool.open`, with a core left free."""
    leave_a_core()
    return default_pool().open(name, progress=progress, stage=stage, cancelled=cancelled)
