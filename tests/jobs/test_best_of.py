"""Best of: several seeds of each picture are rendered, and the best is given."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from clip.model import CLIP

from clipdesk.jobs.best_of import BestOf
from clipdesk.jobs.events import Failure, Progress, Result
from clipdesk.jobs.executor import Hooks
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.network.opened import OpenModel
from clipdesk.render.presets import make_settings
from clipdesk.render.settings import MAX_SEED
from clipdesk.render.targets import Unit
from tests.conftest import VIT_LAYER

ITERATIONS = 3


def job(*indices: int, seed: int = 5) -> Job:
    settings = make_settings(iterations=ITERATIONS, views=1, seed=seed, device="cpu")
    return Job(model="demo", targets=tuple(Unit(layer=VIT_LAYER, index=each) for each in indices), settings=settings)


@pytest.fixture
def best_of(vit: CLIP) -> Callable[..., BestOf]:
    def made(judge: Callable[[Result], float], count: int = 3) -> BestOf:
        return BestOf(Here(opened=OpenModel.of(vit)), count, judge)

    return made


def test_the_best_seed_of_each_target_is_kept_and_its_picture_is_the_usual_one(
    vit: CLIP, best_of: Callable[..., BestOf]
) -> None:
    wanted = {0: 6, 3: 7}
    executor = best_of(lambda result: -abs(result.settings.seed - wanted[result.target.index]))
    asked = job(0, 3)
    results = [event for event in executor.run(asked, Hooks()) if isinstance(event, Result)]
    assert {each.target.index: each.settings.seed for each in results} == wanted
    assert executor.scores[asked.targets[0]] == {5: -1, 6: 0, 7: -1}
    for each in results:
        assert isinstance(each.target, Unit)
        again = job(each.target.index, seed=each.settings.seed)
        (alone,) = (e for e in Here(opened=OpenModel.of(vit)).run(again, Hooks()) if isinstance(e, Result))
        assert (alone.image == each.image).all()
        assert each.recipe.settings.seed == each.settings.seed


def test_progress_rises_once_to_the_end(best_of: Callable[..., BestOf]) -> None:
    events = list(best_of(lambda _: 0.0).run(job(0), Hooks()))
    steps = [event.step for event in events if isinstance(event, Progress)]
    assert steps == sorted(steps)
    assert (len(steps), steps[-1]) == (3 * ITERATIONS, ITERATIONS)
    assert isinstance(events[-1], Result)


def test_a_picture_of_which_nothing_is_known_is_kept_only_where_there_is_no_other(
    best_of: Callable[..., BestOf],
) -> None:
    scores = {5: math.nan, 6: 0.1, 7: math.nan}
    (kept,) = (e for e in best_of(lambda r: scores[r.settings.seed]).run(job(0), Hooks()) if isinstance(e, Result))
    assert kept.settings.seed == 6
    (kept,) = (e for e in best_of(lambda _: math.nan).run(job(0), Hooks()) if isinstance(e, Result))
    assert kept.settings.seed == 5


def test_a_job_that_is_stopped_gives_what_is_whole(best_of: Callable[..., BestOf]) -> None:
    judged: list[int] = []

    def judge(result: Result) -> float:
        judged.append(result.settings.seed)
        return 1.0

    asked = Hooks(stop=lambda: bool(judged))
    (kept,) = (event for event in best_of(judge).run(job(0), asked) if isinstance(event, Result))
    assert (kept.settings.seed, kept.complete, judged) == (5, True, [5])
    answers = iter([False])
    at_once = Hooks(stop=lambda: next(answers, True))
    (kept,) = (event for event in best_of(judge).run(job(0), at_once) if isinstance(event, Result))
    assert not kept.complete


def test_a_target_that_fails_fails_once(best_of: Callable[..., BestOf]) -> None:
    events = list(best_of(lambda _: 0.0).run(job(0, 10_000), Hooks()))
    assert [event.target.index for event in events if isinstance(event, Failure)] == [10_000]
    assert [event.target.index for event in events if isinstance(event, Result)] == [0]


def test_the_seeds_after_the_last_one_begin_anew(best_of: Callable[..., BestOf]) -> None:
    executor = best_of(lambda result: float(result.settings.seed == 0), count=2)
    (kept,) = (e for e in executor.run(job(0, seed=MAX_SEED), Hooks()) if isinstance(e, Result))
    assert kept.settings.seed == 0
