"""Here: work is done by this process, on the thread that asks for its events."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from clipdesk.jobs.events import Event
from clipdesk.jobs.executor import Hooks, Prepared
from clipdesk.jobs.job import Job
from clipdesk.jobs.runner import Wanted, never, run_job, usual_group
from clipdesk.jobs.work import Work
from clipdesk.network.opened import ModelPool, OpenModel, default_pool
from clipdesk.render.sources import Sources


class Here:
    """Renders in this process.

    Args:
        pool: Where models are opened; by default the process's own.
        opened: A network to use for every job instead, as a caller of the Python API has it.
        wanted: Says which steps' pictures come with `Progress`.
        most: The most pictures to render side by side; by default as many as fit.
    """

    def __init__(
        self,
        pool: ModelPool | None = None,
        *,
        opened: OpenModel | None = None,
        wanted: Wanted = never,
        most: Callable[[Job, OpenModel], int] | None = None,
    ) -> None:
        self._pool = pool or default_pool()
        self._given = opened
        self._wanted = wanted
        self._most = most
        self._files: dict[str, str] = {}
        self._sources = Sources()

    def prepare(self, job: Work, hooks: Hooks) -> Prepared:
        """As `Executor.prepare`: open the model, and measure how many pictures fit."""
        rendering = _rendering(job)
        opened = self._open(job, hooks)
        size = usual_group(opened, rendering, self._sources_of(rendering))
        if self._most is not None:
            size = max(1, min(size, self._most(rendering, opened)))
        return Prepared(size, opened.sha256)

    def run(self, job: Work, hooks: Hooks) -> Iterator[Event]:
        """As `Executor.run`."""
        rendering = _rendering(job)
        opened = self._open(job, hooks)
        # As many as `prepare` has said were taken at once.
        return run_job(
            opened,
            rendering,
            sources=self._sources_of(rendering),
            group_size=len(rendering.targets),
            wanted=self._wanted,
            stop=hooks.stop,
        )

    def _sources_of(self, job: Job) -> Sources:
        """What the last job has read of its files, if this one names the same."""
        if job.files != self._files:
            self._files = job.files
            self._sources = Sources()
        return self._sources

    def _open(self, job: Work, hooks: Hooks) -> OpenModel:
        if self._given is not None:
            return self._given
        return self._pool.open(
            job.model,
            _rendering(job).settings.device,
            weights=job.weights,
            progress=hooks.transfer,
            stage=hooks.stage,
            cancelled=hooks.unwanted,
        )


def _rendering(job: Work) -> Job:
    if not isinstance(job, Job):
        raise TypeError(f"work of the kind {job.kind} is not done here")
    return job
