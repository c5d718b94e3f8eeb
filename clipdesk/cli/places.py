"""Where ``queue run``, ``batch`` and ``survey`` have their work done. Takes torch along."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext

import torch

from clipdesk.activations.surveying import Divided
from clipdesk.cli.options import PLACES
from clipdesk.cli.output import say
from clipdesk.errors import UsageError
from clipdesk.jobs.executor import Executor, Hooks
from clipdesk.jobs.executors.fleet import Fleet
from clipdesk.jobs.executors.local import LocalFleet, gpus
from clipdesk.jobs.executors.many import Many
from clipdesk.jobs.executors.on_ray import RayFleet
from clipdesk.jobs.executors.rounds import Limits
from clipdesk.jobs.here import Here


def executor_on(place: str | None) -> AbstractContextManager[Executor]:
    """What does the work at a place; its workers end with the block.

    Args:
        place: As ``--on`` has it; None for a worker for each GPU if there are several, and otherwise here.

    Raises:
        UsageError: it is no place, or has no workers.
    """
    found = gpus(torch.cuda.device_count)
    if place == "here" or (place is None and len(found) < 2):
        return nullcontext(Here())
    if place is not None and place.partition(":")[0] == "ray":
        fleet = RayFleet(place.partition(":")[2] or None)
        return closing(_many(fleet, Limits(credit=16, every=0.5), fleet.dashboard))
    match = re.fullmatch(r"local(?::(\d{1,3}))?", "local" if place is None else place)
    count = int(match[1]) if match and match[1] else None
    if match is None or count == 0:
        raise UsageError(f"--on {place}: name one of {PLACES}, with at least one worker")
    return closing(_many(LocalFleet(found, count)))


def _many(fleet: Fleet, limits: Limits | None = None, dashboard: str = "") -> Many:
    return Many(fleet, Here(), tell=lambda line: say(f"Note: {line}", err=True), limits=limits, dashboard=dashboard)


def divided_on(executor: Executor, device: str, stop: Callable[[], bool]) -> Divided | None:
    """What reads an image set with an executor's workers; None where it has none.

    Args:
        executor: As `executor_on` gives it.
        device: Where to compute.
        stop: Asked again and again; when it says True, what was read comes, and the pass ends.
    """
    return executor.divided(Hooks(stop=stop), device) if isinstance(executor, Many) else None
