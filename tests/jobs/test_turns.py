"""Whose turn it is: urgent jobs before others, several services at one queue, and one that is held."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from clipdesk.jobs.events import Paused, Progress, Result, Saved, Skipped
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.status import Status
from clipdesk.jobs.store import JobStore
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.conftest import VIT_LAYER


@pytest.fixture
def groups_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipdesk.jobs.here.usual_group", lambda _opened, job, _sources: min(2, len(job.targets)))


@pytest.mark.usefixtures("groups_of_two")
def test_an_urgent_job_begins_at_the_next_group_and_the_batch_goes_on_by_itself(
    store: JobStore, checkpoint: Path, add: Callable[..., int], tmp_path: Path
) -> None:
    batch = add(*range(6))
    settings = make_settings(iterations=2, device="cpu")
    picture = Job(model=checkpoint, targets=(Unit(layer=VIT_LAYER, index=99),), settings=settings)
    order: list[int] = []
    asked: list[int] = []
    with closing(QueueService(store.path, Here())) as service:
        for step in service.steps():
            if isinstance(step.event, Progress) and not asked:
                asked.append(service.add(picture, tmp_path / "out", urgent=True))
            if isinstance(step.event, Saved):
                order.append(step.stored.number)
    assert order == [batch] * 2 + asked + [batch] * 4
    assert [stored.status for stored in store.jobs()] == [Status.DONE] * 2


@pytest.mark.usefixtures("groups_of_two")
def test_two_services_share_a_batch_and_nothing_is_done_twice(
    store: JobStore, add: Callable[..., int], tmp_path: Path
) -> None:
    number = add(*range(10))
    with closing(QueueService(store.path, Here())) as one, closing(QueueService(store.path, Here())) as two:
        turns = [one.steps(), two.steps()]
        saved: list[list[str]] = [[], []]
        while turns:
            for who, turn in enumerate(list(turns)):
                step = next(turn, None)
                if step is None:
                    turns.remove(turn)
                elif isinstance(step.event, Saved):
                    saved[who].append(step.event.target.name)
                else:
                    assert not isinstance(step.event, Skipped)
    assert sorted(map(len, saved)) == [4, 6], "they take turns, two at a time"
    assert len({*saved[0], *saved[1]}) == 10
    assert store.get(number).status is Status.DONE
    assert len(list((tmp_path / "out").glob("*.png"))) == 10
    data = json.loads((tmp_path / "out" / f"{VIT_LAYER}_metadata.json").read_text())
    assert len(data["units"]) == 10


def test_a_service_that_holds_begins_nothing_and_goes_on_where_it_was(
    store: JobStore, add: Callable[..., int], tmp_path: Path
) -> None:
    number = add(1, iterations=30)
    steps: list[int] = []
    with closing(QueueService(store.path, Here())) as service:
        for step in service.steps(wait=True):
            if isinstance(step.event, Progress):
                steps.append(step.event.step)
                if step.event.step == 3:
                    service.hold.set()
            elif isinstance(step.event, Paused):
                assert steps == [1, 2, 3]
                assert store.get(number).counts == {"running": 1}
                threading.Timer(0.3, service.hold.clear).start()
    assert steps == list(range(1, 31))
    assert store.get(number).status is Status.DONE


def test_a_job_without_a_folder_is_private_and_gone_with_its_service(
    store: JobStore, add: Callable[..., int], checkpoint: Path
) -> None:
    settings = make_settings(iterations=2, device="cpu")
    job = Job(model=checkpoint, targets=(Unit(layer=VIT_LAYER, index=1),), settings=settings)
    with closing(QueueService(store.path, Here())) as service, closing(QueueService(store.path, Here())) as other:
        number = service.add(job, None)
        assert list(other.steps()) == [], "another service leaves it alone"
        assert [step.event.target for step in service.steps() if isinstance(step.event, Result)] == list(job.targets)
        assert store.get(number).status is Status.DONE
        service.add(job, None)
    store.free_the_dead()
    assert [stored.number for stored in store.jobs()] == []
