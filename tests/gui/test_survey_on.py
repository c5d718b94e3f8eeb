"""Where surveys run: a head gets them, the window follows, closing leaves them alone, and opening finds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from clipdesk.gui.center import UNIT
from clipdesk.gui.item_models.jobs import DETAIL_ROLE, SHARE_ROLE
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.surveys import making
from clipdesk.jobs.heads import HeadFile, Reached
from clipdesk.jobs.here import Here
from clipdesk.jobs.owners import Owner
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import JobStore, default_store, owners_of
from clipdesk.models import names
from tests.cli.surveys import LAYER
from tests.gui.conftest import open_queue, until
from tests.gui.heads import PLACE, head, looking_often, seen, started
from tests.gui.jobs import statuses
from tests.gui.surveys.conftest import images, scenes_words

__all__ = ["images", "looking_often", "scenes_words", "started"]
pytestmark = pytest.mark.usefixtures("images", "looking_often", "started")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "_LOOK_SECONDS", 0.01)


def ask(window: MainWindow, qtbot: QtBot, images: Path) -> None:
    """Ask for a survey, and wait until it is in the queue."""
    window.surveys.pages.survey(str(images), (LAYER,))
    until(qtbot, lambda: window.surveys.surveyor.making is not None and window.surveys.surveyor.making.number == 1)


@contextmanager
def asked_with_head(window: MainWindow, qtbot: QtBot, images: Path) -> Iterator[tuple[HeadFile, Owner, JobStore]]:
    """Ask for a survey at a place that has a head, this process; it can claim it as the owner."""
    open_queue(window, qtbot)
    window.run_on.choose(PLACE)
    with head() as file, Owner(owners_of(default_store())) as owner, closing(JobStore(default_store())) as store:
        seen(window, qtbot)
        ask(window, qtbot, images)
        yield file, owner, store


def said(window: MainWindow) -> str:
    return window.surveys.bar.message


def work() -> None:
    """Do what a head does."""
    with closing(QueueService(default_store(), Here())) as service:
        for _ in service.steps():
            pass


def test_a_head_makes_a_survey_and_the_window_says_where_and_how_far(
    images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot, started: list[str]
) -> None:
    with asked_with_head(window, qtbot, images) as (file, owner, store):
        assert said(window) == f"Survey of photos: waiting for {PLACE}"
        file.show(reached={1: Reached(stage="Loading PyTorch …")})
        until(qtbot, lambda: said(window) == f"Survey of photos: on {PLACE}: Loading PyTorch …")
        store.claim(owner, 1, store.get(1))
        file.show(jobs=(1,), reached={1: Reached(share=0.25)})
        until(qtbot, lambda: said(window) == f"Survey of photos: 25%, on {PLACE}")
        others = window.queue.others.model
        # The queue says where it runs as well.
        until(qtbot, lambda: others.index(0).data(DETAIL_ROLE) == f"running, 0 of 1 done, on {PLACE}")
        assert others.index(0).data(SHARE_ROLE) == 0.25
        file.show(jobs=(1,), reached={1: Reached(share=0.5)})
        until(qtbot, lambda: "50%" in said(window) and "left" in said(window))
        store.release(owner)
        work()
        until(qtbot, lambda: window.surveys.desk.current is not None)
    assert statuses() == [Status.DONE]
    assert started == [PLACE]


def test_a_survey_starts_a_head_where_there_is_none(
    images: Path, window: MainWindow, qtbot: QtBot, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipdesk.gui.run_on._AGAIN_SECONDS", 0.0)
    open_queue(window, qtbot)
    with head():
        seen(window, qtbot)
        window.run_on.choose(PLACE)
    until(qtbot, lambda: not window.run_on._heads)
    assert started == []
    ask(window, qtbot, images)
    assert len(started) >= 1


def test_a_survey_that_waits_for_a_head_can_be_taken_back(
    images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    open_queue(window, qtbot)
    window.run_on.choose(PLACE)
    ask(window, qtbot, images)
    assert statuses() == [Status.WAITING]
    window.run_on.choose("")
    until(qtbot, lambda: window.surveys.desk.current is not None)
    assert statuses() == [Status.DONE]


def test_a_survey_waits_with_the_reason_where_a_place_will_not_do(
    images: Path, window: MainWindow, qtbot: QtBot, started: list[str]
) -> None:
    open_queue(window, qtbot)
    window.run_on.choose("moon")
    ask(window, qtbot, images)
    HeadFile(default_store(), "moon").close("--on moon: name one of here, ray")
    until(qtbot, lambda: said(window) == "Survey of photos: waiting for moon: moon: name one of here, ray")
    window.surveys.bar.steering.cancel_button.click()
    until(qtbot, lambda: window.surveys.surveyor.making is None)
    assert statuses() == [Status.CANCELLED]
    assert started == ["moon"]


def test_a_survey_is_paused_at_a_head_goes_on_and_says_why_it_has_paused_by_itself(
    images: Path, window: MainWindow, qtbot: QtBot
) -> None:
    with asked_with_head(window, qtbot, images) as (file, owner, store):
        store.claim(owner, 1, store.get(1))
        file.show(jobs=(1,), reached={1: Reached(share=0.25)})
        until(qtbot, lambda: "25%" in said(window))
        window.surveys.bar.steering.pause_button.click()
        until(qtbot, lambda: said(window) == "Survey of photos: paused at 25%")
        assert statuses() == [Status.PAUSED]
        window.surveys.bar.steering.resume_button.click()
        until(qtbot, lambda: said(window) == f"Survey of photos: 25%, on {PLACE}")
        store.halt(1, "There is no worker")
        until(qtbot, lambda: said(window) == "Survey of photos: paused at 25%: There is no worker")


def test_stopping_the_workers_pauses_their_survey(images: Path, window: MainWindow, qtbot: QtBot) -> None:
    with asked_with_head(window, qtbot, images) as (file, *_):
        window.run_on.stop(window.run_on._heads[0])
        until(qtbot, lambda: file.asked_to_stop and statuses() == [Status.PAUSED])
        until(qtbot, lambda: "paused" in said(window))


def test_closing_leaves_a_heads_survey_alone_and_opening_finds_it(
    images: Path,
    scenes_words: None,
    window: MainWindow,
    qtbot: QtBot,
    new_window: Callable[..., MainWindow],
    checkpoint: Path,
    started: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with asked_with_head(window, qtbot, images) as (file, owner, store):
        store.claim(owner, 1, store.get(1))
        window.close()
        assert window.ended
        assert statuses() == [Status.RUNNING]
        file.show(jobs=(1,), reached={1: Reached(share=0.75)})
        monkeypatch.setattr(names, "OF_SCENES", (str(window.model_name),))
        again = new_window(str(checkpoint))
        again.opening.open()
        again.center.show_mode(UNIT)
        until(qtbot, lambda: said(again) == f"Survey of photos: 75%, on {PLACE}")
        store.release(owner)
        work()
        until(qtbot, lambda: again.surveys.desk.current is not None)
        assert again.surveys.surveyor.making is None, "an embedded model's is not begun again"
    assert started == [PLACE], "there is one, which the second window has seen first"


def test_a_survey_that_was_left_is_followed_when_a_head_takes_it_up(
    images: Path, window: MainWindow, qtbot: QtBot
) -> None:
    open_queue(window, qtbot)
    window.run_on.choose(PLACE)
    ask(window, qtbot, images)
    with closing(JobStore(default_store())) as store, Owner(owners_of(default_store())) as owner:
        store.wish(1, Wish.PAUSE)
        until(qtbot, lambda: "paused" in said(window))
        surveyor = window.surveys.surveyor
        assert surveyor.making is not None
        surveyor._show(replace(surveyor.making, state="left"))
        assert said(window) == "The survey of photos is not finished"
        with head() as file:
            store.wish(1, Wish.RUN)
            store.claim(owner, 1, store.get(1))
            file.show(jobs=(1,), reached={1: Reached(share=0.5)})
            until(qtbot, lambda: said(window) == f"Survey of photos: 50%, on {PLACE}")


def test_a_survey_whose_head_was_killed_comes_back_to_this_window(
    images: Path,
    scenes_words: None,
    window: MainWindow,
    qtbot: QtBot,
    new_window: Callable[..., MainWindow],
    checkpoint: Path,
) -> None:
    with asked_with_head(window, qtbot, images) as (file, *_):
        window.close()
        window.session.preferences.run_on = ""
        file.show(jobs=(1,))
        again = new_window(str(checkpoint))
        again.opening.open()
        until(qtbot, lambda: again.surveys.surveyor.busy and len(again.run_on._heads) == 1)
        assert statuses() == [Status.WAITING]
    until(qtbot, lambda: again.surveys.desk.current is not None)


def test_what_this_window_has_begun_stays_where_it_runs(
    images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    open_queue(window, qtbot)
    surveyor = window.surveys.surveyor
    ask(window, qtbot, images)
    window.run_on.choose(PLACE)
    assert surveyor.making is not None
    assert surveyor.making.where == "in this window"
    until(qtbot, lambda: window.surveys.desk.current is not None)


def test_a_comparison_says_that_it_is_made_in_this_window(
    images: Path, window: MainWindow, qtbot: QtBot, checkpoint: Path
) -> None:
    open_queue(window, qtbot)
    window.run_on.choose(PLACE)
    window.comparisons.page.bar.asked.emit(str(checkpoint), str(images), window.comparisons.page.bar.choices.chosen)
    assert "in this window: workers cannot share it" in window.status.currentMessage()
    making = window.comparisons.maker.making
    assert making is not None
    assert making.where == "in this window"
    with closing(JobStore(default_store())) as store:
        until(qtbot, lambda: len(store.jobs()) == 1)
        store.wish(1, Wish.CANCEL)
    until(qtbot, lambda: not window.comparisons.maker.busy)
