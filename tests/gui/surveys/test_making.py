"""A survey that its thread could not go on with: it has failed, and is tried again or dropped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from clipdesk.database import StoreError
from clipdesk.errors import DeviceLostError
from clipdesk.gui.problems import Problem
from clipdesk.gui.surveys.making import Surveyor
from clipdesk.gui.worker import LazyHere
from clipdesk.jobs.events import Done, Event, Progress
from clipdesk.jobs.executor import Hooks, Prepared
from clipdesk.jobs.set_work import SurveyWork
from clipdesk.jobs.status import Status
from clipdesk.jobs.store import JobStore, default_store
from clipdesk.jobs.work import Work
from clipdesk.models.names import parse_name

FULL = StoreError("The queue cannot be written: disk I/O error")


@pytest.fixture
def surveyor(own_queue: None, qtbot: QtBot) -> Iterator[Surveyor]:
    surveyor = Surveyor()
    yield surveyor
    assert surveyor.close()
    surveyor.deleteLater()


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SurveyWork:
    """Some that comes to its end at once."""

    def whole(_: LazyHere, job: Work, hooks: Hooks) -> Iterator[Event]:
        yield Done(job.units[0], "made")

    monkeypatch.setattr(LazyHere, "prepare", lambda *_: Prepared(1))
    monkeypatch.setattr(LazyHere, "run", whole)
    return SurveyWork(model=parse_name("demo"), images=str(tmp_path))


def fail(surveyor: Surveyor, work: SurveyWork, qtbot: QtBot, patch: pytest.MonkeyPatch, error: Exception) -> str:
    """Let an error come in the middle; what the window is told of it."""

    def broken(_: LazyHere, job: Work, hooks: Hooks) -> Iterator[Event]:
        yield Progress((job.units[0],), 1, 2, np.zeros(1, np.float32))
        raise error

    told: list[Problem] = []
    surveyor.failed.connect(told.append)
    with patch.context() as within:
        within.setattr(LazyHere, "run", broken)
        surveyor.begin(work)
        qtbot.waitUntil(lambda: bool(told) and not surveyor.busy)
    return told[0].message


def statuses() -> list[Status]:
    store = JobStore(default_store())
    found = [stored.status for stored in store.jobs()]
    store.close()
    return found


@pytest.mark.parametrize("error", [FULL, DeviceLostError("The device cuda has failed")])
def test_one_that_an_error_has_ended_is_tried_again(
    surveyor: Surveyor, work: SurveyWork, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    assert fail(surveyor, work, qtbot, monkeypatch, error) == str(error)
    assert surveyor.making is not None
    assert (surveyor.making.state, surveyor.making.words) == ("failed", str(error))
    made: list[str] = []
    surveyor.made.connect(lambda _, folder: made.append(folder))
    surveyor.resume()
    qtbot.waitUntil(lambda: surveyor.making is None)
    assert made == ["made"]
    assert statuses() == [Status.DONE], "it is the same job that goes on"


def test_one_that_an_error_has_ended_is_dropped_from_the_queue(
    surveyor: Surveyor, work: SurveyWork, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(surveyor, work, qtbot, monkeypatch, FULL)
    assert statuses() == [Status.RUNNING]
    surveyor.cancel()
    assert surveyor.making is None
    qtbot.waitUntil(lambda: statuses() == [Status.CANCELLED])


def test_one_that_cannot_be_put_into_the_queue_has_failed(
    surveyor: Surveyor, work: SurveyWork, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise FULL

    with monkeypatch.context() as within:
        within.setattr(JobStore, "add", full)
        surveyor.begin(work)
        qtbot.waitUntil(lambda: not surveyor.busy)
    assert surveyor.making is not None
    assert surveyor.making.state == "failed"
    surveyor.resume()
    qtbot.waitUntil(lambda: surveyor.making is None)
    assert statuses() == [Status.DONE]
