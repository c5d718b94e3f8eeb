"""Here: work is done by this process, on the thread that asks for its events."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from clipdesk.activations.autoencoders.training import TrainingProgress, train_autoencoder
from clipdesk.activations.comparing.keeping import compare_images
from clipdesk.activations.surveying import SurveyProgress, survey_images
from clipdesk.imagesets.opening import open_image_set
from clipdesk.jobs.autoencoder_work import AutoencoderWork
from clipdesk.jobs.events import Done, Event, Progress
from clipdesk.jobs.executor import Hooks, Prepared
from clipdesk.jobs.job import Job
from clipdesk.jobs.runner import Wanted, never, run_job, usual_group
from clipdesk.jobs.set_work import ComparisonWork, SetWork, SurveyWork
from clipdesk.jobs.shard_work import ShardWork
from clipdesk.jobs.sharding import ShardReader
from clipdesk.jobs.whole import WholeWork
from clipdesk.jobs.work import Work
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import ModelPool, default_pool
from clipdesk.render.sources import Sources


class Here:
    """Renders, surveys, compares and trains in this process.

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
        self._shards = ShardReader()

    def prepare(self, job: Work, hooks: Hooks) -> Prepared:
        """As `Executor.prepare`: open the model, and measure how many pictures fit."""
        opened = self._open(job, hooks)
        if isinstance(job, ShardWork):
            self._shards.prepare(opened, job, hooks)
            return Prepared(1, opened.sha256)
        if isinstance(job, WholeWork):
            return Prepared(1, opened.sha256)
        rendering = _rendering(job)
        size = usual_group(opened, rendering, self._sources_of(rendering))
        if self._most is not None:
            size = max(1, min(size, self._most(rendering, opened)))
        return Prepared(size, opened.sha256)

    def run(self, job: Work, hooks: Hooks) -> Iterator[Event]:
        """As `Executor.run`."""
        opened = self._open(job, hooks)
        if isinstance(job, SurveyWork):
            return _survey(opened, job, hooks)
        if isinstance(job, ComparisonWork):
            return self._compare(opened, job, hooks)
        if isinstance(job, AutoencoderWork):
            return _train(opened, job, hooks)
        if isinstance(job, ShardWork):
            return self._shards.events(opened, job, hooks)
        rendering = _rendering(job)
        # As many as `prepare` has said were taken at once.
        return run_job(
            opened,
            rendering,
            sources=self._sources_of(rendering),
            group_size=len(rendering.targets),
            wanted=self._wanted,
            stop=hooks.stop,
        )

    def _compare(self, first: OpenModel, job: ComparisonWork, hooks: Hooks) -> Iterator[Event]:
        """Compare two models over a set; when it is stopped, what it has found is kept for the next time."""
        second = self._pool.open(
            job.second,
            job.device,
            weights=job.second_weights,
            progress=hooks.transfer,
            stage=hooks.stage,
            cancelled=hooks.unwanted,
        )
        hooks.stage(f"Opening {job.label(0)} …")
        images = open_image_set(job.images)
        comparison = compare_images(first, second, images, job.layers, pooling=job.pooling, match=job.match)
        yield from _passed(comparison, job, hooks)

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
            job.device if isinstance(job, WholeWork | ShardWork) else _rendering(job).settings.device,
            weights=job.weights,
            progress=hooks.transfer,
            stage=hooks.stage,
            cancelled=hooks.unwanted,
        )


def _survey(opened: OpenModel, job: SurveyWork, hooks: Hooks) -> Iterator[Event]:
    """Survey a set; when it is stopped, what it has found is kept for the next time."""
    hooks.stage(f"Opening {job.label(0)} …")
    found = survey_images(opened, open_image_set(job.images), job.layers, divided=hooks.divided)
    return _passed(found, job, hooks)


def _passed(found: Generator[SurveyProgress, None, None], job: SetWork, hooks: Hooks) -> Iterator[Event]:
    """The events of a pass over a set, which is closed when it is stopped."""
    with closing(found) as passes:
        for progress in passes:
            if progress.folder is not None:
                yield Done(job.images, progress.folder.name)
                return
            if progress.remark:
                hooks.stage(progress.remark)
            step = max(1, job.steps * progress.done // progress.total)
            yield Progress((job.images,), step, job.steps, np.zeros(1, dtype=np.float32))
            if hooks.stop():
                return


def _train(opened: OpenModel, job: AutoencoderWork, hooks: Hooks) -> Iterator[Event]:
    """Train a sparse autoencoder; when it is stopped, what it has learnt is kept for the next time."""
    hooks.stage(f"Opening {job.images} …")
    images = open_image_set(job.images)
    stage = ""
    output = None if job.output is None else Path(job.output)
    with closing(train_autoencoder(opened, images, job.settings, output)) as run:
        for progress in run:
            if progress.folder is not None:
                yield Done(job.settings.layer, progress.folder.name)
                return
            if progress.stage != stage:
                stage = progress.stage
                hooks.stage("Reading activations …" if stage == "reading" else "Training …")
            yield Progress((job.settings.layer,), _hundredths(progress), job.steps, np.zeros(1, dtype=np.float32))
            if hooks.stop():
                return


def _hundredths(progress: TrainingProgress) -> int:
    """How far a training is: the reading counts for a quarter."""
    share = progress.done / progress.total
    return max(1, int(25 * share) if progress.stage == "reading" else 25 + int(75 * share))


def _rendering(job: Work) -> Job:
    if not isinstance(job, Job):
        raise TypeError(f"work of the kind {job.kind} is not done here")
    return job
