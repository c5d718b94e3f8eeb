"""Best of: each picture is made with several seeds, and the one that is judged best is kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from clipdesk.jobs.events import Event, Failure, Progress, Result
from clipdesk.jobs.executor import Executor, Hooks, Prepared
from clipdesk.jobs.job import Job
from clipdesk.jobs.work import Work
from clipdesk.render.settings import MAX_SEED
from clipdesk.render.targets import Target


@dataclass
class _Made:
    """The pictures of a target so far.

    Attributes:
        best: The best one.
        score: Its score.
        scores: Those of all, by seed.
    """

    best: Result
    score: float
    scores: dict[int, float] = field(default_factory=dict)


class BestOf:
    """An executor that has another one do a job of pictures with several seeds, and gives the best of each target.

    Args:
        executor: Renders.
        count: How many seeds: the job's own and those after it.
        judge: How good a complete picture is; NaN where that is not known, which is worse than any number.

    Attributes:
        scores: The scores of each target's pictures, by seed.
    """

    def __init__(self, executor: Executor, count: int, judge: Callable[[Result], float]) -> None:
        self._executor, self._count, self._judge = executor, count, judge
        self.scores: dict[Target, dict[int, float]] = {}

    def prepare(self, job: Work, hooks: Hooks) -> Prepared:
        """As `Executor.prepare`."""
        return self._executor.prepare(job, hooks)

    def run(self, job: Work, hooks: Hooks) -> Iterator[Event]:
        """As `Executor.run`; results come at the end, and those of a job that was stopped are the best so far."""
        assert isinstance(job, Job)
        made: dict[Target, _Made] = {}
        failed: dict[Target, Failure] = {}
        for number in range(self._count):
            if number and hooks.stop():
                break
            for event in self._executor.run(_with_seed(job, number), hooks):
                if isinstance(event, Progress):
                    step = (number * event.iterations + event.step) // self._count
                    yield replace(event, step=max(1, step))
                elif isinstance(event, Result):
                    self._take(event, made)
                elif isinstance(event, Failure):
                    failed[event.target] = event
                else:
                    yield event
        for each in made.values():
            self.scores[each.best.target] = each.scores
            yield each.best
        yield from (failure for target, failure in failed.items() if target not in made)

    def _take(self, result: Result, made: dict[Target, _Made]) -> None:
        known = made.get(result.target)
        if not result.complete:
            # Whatever is whole is better than what was stopped.
            made.setdefault(result.target, _Made(result, -math.inf))
            return
        found = self._judge(result)
        score = -math.inf if math.isnan(found) else found
        if known is None:
            known = made[result.target] = _Made(result, score)
        elif score > known.score or not known.best.complete:
            known.best, known.score = result, score
        known.scores[result.settings.seed] = found


def _with_seed(job: Job, number: int) -> Job:
    """The job with the seed that comes so many after its own."""
    seed = (job.settings.seed + number) % (MAX_SEED + 1)
    base = None if job.seed_base is None else (job.seed_base + number) % (MAX_SEED + 1)
    return job.model_copy(update={"settings": job.settings.model_copy(update={"seed": seed}), "seed_base": base})
