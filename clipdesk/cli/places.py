"""Where commands have their work done. Takes torch along only where this computer works itself."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from clipdesk.cli.options import PLACES, WORKER_PLACES
from clipdesk.cli.output import say
from clipdesk.errors import UsageError, printable
from clipdesk.jobs.events import Event
from clipdesk.jobs.executor import Executor, Hooks, Prepared
from clipdesk.jobs.executors.fleet import Fleet
from clipdesk.jobs.executors.local import LocalFleet, gpus
from clipdesk.jobs.executors.many import Many
from clipdesk.jobs.executors.on_ray import RayFleet
from clipdesk.jobs.executors.ray_jobs import RayJobFleet, ray_address
from clipdesk.jobs.executors.rounds import Limits
from clipdesk.jobs.executors.slurm import SlurmFleet, slurm_options
from clipdesk.jobs.executors.spool import SpoolFleet
from clipdesk.jobs.work import Work

if TYPE_CHECKING:
    from clipdesk.activations.surveying import Divided

_AFAR = Limits(credit=64, every=2.0)
"""Of workers whose messages take a while, and cost the folder's server something each."""


def executor_on(place: str | None) -> AbstractContextManager[Executor]:
    """What does the work at a place; its workers end with the block.

    Args:
        place: As ``--on`` has it; None for a worker for each GPU if there are several, and otherwise here.

    Raises:
        UsageError: it is no place, or has no workers.
    """
    kind, _, rest = (place or "").partition(":")
    if place == "here" or (place is None and _gpus() < 2):
        return nullcontext(_here())
    if kind == "slurm":
        return closing(_many(SlurmFleet(slurm_options(rest), tell=_note), _AFAR))
    if kind == "ray" and rest.startswith(("http:", "https:")):
        address = ray_address(rest)
        return closing(_many(RayJobFleet(address, tell=_note), _AFAR, address.url))
    if kind == "spool" and rest:
        spool = SpoolFleet(Path(rest).expanduser())
        _note(f"Workers: clipdesk worker --spool '{printable(spool.folder)}'")
        return closing(_many(spool, _AFAR))
    if place == "ray:auto":
        # For the job that is given to a Ray, which is in it already.
        raise UsageError("--on ray:auto: name the Ray by its address, such as ray:HOST:6379")
    fleet = workers_on(place, PLACES)()
    if isinstance(fleet, RayFleet):
        return closing(_many(fleet, Limits(credit=16, every=0.5), fleet.dashboard))
    return closing(_many(fleet))


def workers_on(place: str | None, places: str = WORKER_PLACES) -> Callable[[], Fleet]:
    """What makes the fleet of a place that has workers by itself.

    Args:
        place: Such as ``local:4`` or ``ray``; None for a worker for each GPU of this computer, or one without any.
        places: Those there are, for the message where it is none.

    Raises:
        UsageError: it is no such place, or has no workers.
    """
    place = "local" if place is None else place
    kind, _, rest = place.partition(":")
    if kind == "ray":
        return lambda: RayFleet(rest or None)
    match = re.fullmatch(r"local(?::(\d{1,3}))?", place)
    count = int(match[1]) if match and match[1] else None
    if match is None or count == 0:
        raise UsageError(f"--on {place}: name one of {places}, with at least one worker")
    found = gpus(_gpus)
    return lambda: LocalFleet(found, count)


def _many(fleet: Fleet, limits: Limits | None = None, dashboard: str = "") -> Many:
    return Many(fleet, _Itself(), tell=_note, limits=limits, dashboard=dashboard)


class _Itself:
    """This process, for work that cannot be divided. A head that has none of it does without torch's half gigabyte."""

    @cached_property
    def _here(self) -> Executor:
        return _here()

    def prepare(self, job: Work, hooks: Hooks) -> Prepared:
        """As `Executor.prepare`."""
        return self._here.prepare(job, hooks)

    def run(self, job: Work, hooks: Hooks) -> Iterator[Event]:
        """As `Executor.run`."""
        return self._here.run(job, hooks)


def _here() -> Executor:
    here: Executor = importlib.import_module("clipdesk.jobs.here").Here()
    return here


def _gpus() -> int:
    return int(importlib.import_module("torch").cuda.device_count())


def _note(line: str) -> None:
    say(f"Note: {line}", err=True)


def divided_on(executor: Executor, device: str, stop: Callable[[], bool]) -> Divided | None:
    """What reads an image set with an executor's workers; None where it has none.

    Args:
        executor: As `executor_on` gives it.
        device: Where to compute.
        stop: Asked again and again; when it says True, what was read comes, and the pass ends.
    """
    return executor.divided(Hooks(stop=stop), device) if isinstance(executor, Many) else None
