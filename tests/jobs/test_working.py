"""Working: one job in hand, against executors that fail in every way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from clip.model import CLIP

from clipdesk.errors import Cancelled, ClipDeskError, DeviceLostError
from clipdesk.export.png import read_recipe
from clipdesk.jobs.events import Ended, Event, Failure, Result, Saved
from clipdesk.jobs.executor import Hooks, Prepared
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import JobStore
from clipdesk.jobs.work import Work
from clipdesk.jobs.working import Wishes, Working
from clipdesk.models.names import Named
from clipdesk.network.opened import OpenModel
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.conftest import VIT_LAYER
from tests.toy_work import WEIGHTS, Counter, Counting


class Faulty(Counter):
    """Raises an error while it prepares or runs, as often as it is told to."""

    def __init__(self, *, preparing: Exception | None = None, running: Exception | None = None, times: int = 1) -> None:
        super().__init__()
        self.prepared = 0
        self._preparing = preparing
        self._running = running
        self._times = times

    def prepare(self, job: Work, hooks: Hooks) -> Prepared:
        self.prepared += 1
        if self._preparing is not None and self.prepared <= self._times:
            raise self._preparing
        return super().prepare(job, hooks)

    def run(self, job: Work, hooks: Hooks) -> Iterator[Event]:
        yield from super().run(job.part([0]), hooks)
        if self._running is not None and self._times:
            self._times -= 1
            raise self._running
        yield from super().run(job.part(range(1, len(job.units))), hooks)


pytestmark = pytest.mark.usefixtures("counting")


MakeWorking = Callable[..., Working]


@pytest.fixture
def working(store: JobStore, tmp_path: Path) -> MakeWorking:
    def working(executor: Counter, *pages: str) -> Working:
        number = store.add(Counting(model=Named("demo"), pages=pages), tmp_path / "out")
        return Working(store.get(number), store, executor, Hooks())

    return working


def states(store: JobStore, work: Working) -> list[str]:
    return [unit.state for unit in store.units(work.stored.number)]


def test_it_is_prepared_once_and_keeps_the_weights(working: MakeWorking, store: JobStore) -> None:
    executor = Faulty()
    work = working(executor, "a", "b", "c")
    assert [work.prepare(), work.prepare()] == [2, 2]
    assert executor.prepared == 1
    assert work.stored.job.weights == store.get(work.stored.number).job.weights == WEIGHTS


@pytest.mark.parametrize("error", [ClipDeskError("mine.pt is gone"), ZeroDivisionError("oh"), MemoryError()])
def test_a_preparation_that_fails_fails_all_units_and_can_be_tried_again(
    working: MakeWorking, store: JobStore, error: Exception
) -> None:
    work = working(Faulty(preparing=error), "a", "b", "c")
    assert work.claim(None, work.prepare())
    failures = list(work.events())
    assert [type(event) for event in failures] == [Failure] * 3
    assert states(store, work) == ["failed"] * 3
    assert str(error) in store.units(work.stored.number)[2].reason
    assert store.retry(work.stored.number) == 3
    assert work.claim(None, work.prepare())
    list(work.events())
    assert work.claim(None, work.prepare())
    list(work.events())
    assert states(store, work) == ["done"] * 3


@pytest.mark.parametrize(
    "error", [RuntimeError("an operator is missing"), RecursionError(), KeyError("x"), OSError(28, "")]
)
def test_any_exception_fails_the_units_of_its_job_and_the_next_job_runs(
    store: JobStore, tmp_path: Path, error: Exception
) -> None:
    """RELIABILITY.md 06."""
    numbers = [
        store.add(Counting(model=Named("demo"), pages=pages), tmp_path / "out") for pages in (("a", "b"), ("c",))
    ]
    with closing(QueueService(store.path, Faulty(running=error))) as service:
        seen = [(step.stored.number, step.event) for step in service.steps()]
    assert [(number, event.status) for number, event in seen if isinstance(event, Ended)] == [
        (numbers[0], Status.FAILED),
        (numbers[1], Status.DONE),
    ]
    (failure,) = (event for _, event in seen if isinstance(event, Failure))
    assert failure.target == "b", "what was done before it is done"
    assert failure.reason.startswith(f"{type(error).__name__}: ")
    assert "\n" not in failure.reason
    assert "Traceback" in failure.details


def test_an_error_for_the_user_has_no_details(working: MakeWorking) -> None:
    work = working(Faulty(running=ClipDeskError("The folder is gone")), "a", "b")
    work.claim(None, work.prepare())
    (failure,) = (event for event in work.events() if isinstance(event, Failure))
    assert (failure.target, failure.reason, failure.details) == ("b", "The folder is gone", "")


def test_a_lost_device_fails_nothing_that_was_not_on_it(working: MakeWorking, store: JobStore) -> None:
    work = working(Faulty(running=DeviceLostError("unspecified launch failure")), "a", "b")
    work.claim(None, work.prepare())
    with pytest.raises(DeviceLostError):
        list(work.events())
    work.give_back()
    assert states(store, work) == ["done", "waiting"]


def test_units_wait_again_after_a_cancelled_download(working: MakeWorking, store: JobStore) -> None:
    work = working(Faulty(running=Cancelled()), "a", "b")
    work.claim(None, work.prepare())
    list(work.events())
    assert list(work.left) == ["b"]
    work.give_back()
    assert (work.left, states(store, work)) == ({}, ["done", "waiting"])


def test_a_finished_picture_replaces_the_incomplete_one(vit: CLIP, store: JobStore, tmp_path: Path) -> None:
    settings = make_settings(iterations=5, views=1, device="cpu")
    targets = (Unit(layer=VIT_LAYER, index=1),)
    number = store.add(Job(model=Named("demo"), targets=targets, settings=settings), tmp_path / "out")
    opened = OpenModel.of(vit, name=Named("demo"), sha256="d" * 64)
    polls: list[int] = []

    def stop() -> bool:
        polls.append(1)
        return len(polls) > 3

    first = Working(store.get(number), store, Here(opened=opened), Hooks(stop=stop))
    first.claim(None, first.prepare())
    (half,) = (event for event in first.events() if isinstance(event, Saved))
    assert not half.result.complete
    first.give_back()
    assert store.units(number)[0] == replace(store.units(number)[0], state="waiting", file=half.path.name)

    second = Working(store.get(number), store, Here(opened=opened), Hooks())
    second.claim(None, second.prepare())
    (whole,) = (event for event in second.events() if isinstance(event, Saved))
    assert whole.path == half.path
    assert [path.name for path in (tmp_path / "out").glob("*.png")] == [half.path.name]
    assert read_recipe(whole.path).complete
    assert states(store, second) == ["done"]


def test_a_result_without_a_folder_ends_its_unit(vit: CLIP, store: JobStore) -> None:
    settings = make_settings(iterations=1, views=1, device="cpu")
    number = store.add(Job(model=Named("demo"), targets=(Unit(layer=VIT_LAYER, index=1),), settings=settings), None)
    work = Working(store.get(number), store, Here(opened=OpenModel.of(vit)), Hooks())
    work.claim(None, work.prepare())
    assert sum(isinstance(event, Result) for event in work.events()) == 1
    assert work.status() is Status.DONE
    store.remove(number)
    assert work.status() is None


def test_wishes_are_looked_up_rarely_and_at_once_when_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, looked, asked = [100.0], list[int](), [False]
    monkeypatch.setattr("clipdesk.jobs.working.time.monotonic", lambda: clock[0])

    def look(number: int) -> Wish:
        looked.append(number)
        return Wish.PAUSE

    wishes = Wishes(look, lambda: asked[0])
    wishes.turn_to(7)
    assert [wishes() for _ in range(50)] == [Wish.PAUSE] * 50
    assert looked == [7]
    asked[0] = True
    wishes()
    assert looked == [7, 7]
    asked[0] = False
    clock[0] += 0.2
    wishes()
    wishes.turn_to(8)
    wishes()
    assert looked == [7, 7, 7, 8]
