"""A window while there is no survey yet: what waits for one says so, and comes when it is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from clipdesk.gui.center import FIND
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.surveys import making
from clipdesk.gui.surveys.data import PooledUnit
from clipdesk.gui.surveys.state import Making
from clipdesk.jobs.owners import Owner
from clipdesk.jobs.set_work import SurveyWork
from clipdesk.jobs.store import JobStore, default_store, owners_of
from clipdesk.models.names import parse_name
from clipdesk.paths import surveys_folder
from tests.cli.surveys import LAYER
from tests.gui.conftest import until
from tests.gui.surveys.conftest import OTHER, images, scenes_words, survey_folder

__all__ = ["images", "scenes_words", "survey_folder"]


def test_a_search_waits_for_the_survey_and_is_answered_by_it(
    images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    find = window.surveys.find
    until(qtbot, lambda: window.surveys.desk.looked)
    window.commands.find.trigger()
    find.box.setText("a heart")
    qtbot.keyClick(find.box, Qt.Key.Key_Return)
    assert "begin one with the button above" in find.said
    window.surveys.pages.survey(str(images))
    assert find.said == 'Units for "a heart" are listed as soon as the survey is done'
    until(qtbot, lambda: bool(find.found.units))
    assert '"a heart"' in find.title.text()


def test_a_search_does_not_wait_for_a_survey_that_is_given_up(images: Path, window: MainWindow, qtbot: QtBot) -> None:
    surveyor, find, model = window.surveys.surveyor, window.surveys.find, window.session.model
    until(qtbot, lambda: window.surveys.desk.looked)
    assert model is not None
    job = SurveyWork(model=model.name, weights=str(model.weights), images=str(images), layers=(LAYER,))
    find.search_text("a heart")
    surveyor.making = Making(job, "running")
    surveyor.changed.emit()
    assert "as soon as the survey is done" in find.said
    surveyor.making = Making(job.model_copy(update={"model": parse_name("ViT-B/32"), "weights": "others"}), "running")
    surveyor.changed.emit()
    assert "when that of the other model is done" in find.said
    window.center.show_mode(FIND)
    assert "with ViT-B/32" in window.surveys.bar.message
    surveyor.making = None
    surveyor.changed.emit()
    assert "begin one" in find.said


def test_a_survey_of_this_window_is_not_listed_as_of_another_program(
    images: Path, window: MainWindow, qtbot: QtBot
) -> None:
    listed: list[int] = []
    window.controller.desk.others.connect(lambda jobs: listed.append(len(jobs)))
    model = window.session.model
    assert model is not None
    job = SurveyWork(model=model.name, weights=str(model.weights), images=str(images), layers=(LAYER,))
    store = JobStore(default_store())
    number = store.add(job, surveys_folder())
    store.close()
    until(qtbot, lambda: listed[-1:] == [1])
    window.surveys.surveyor.numbered.emit(number)
    until(qtbot, lambda: listed[-1:] == [0])


def test_a_survey_says_its_number_in_the_queue(
    images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    numbers: list[int] = []
    window.surveys.surveyor.numbered.connect(numbers.append)
    window.surveys.pages.survey(str(images))
    until(qtbot, lambda: window.surveys.desk.current is not None)
    store = JobStore(default_store())
    assert numbers == [stored.number for stored in store.jobs()]
    store.close()


@pytest.fixture
def claimed(images: Path, window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[JobStore, int, Owner]]:
    """A survey that another program makes, and that the window was asked for, too."""
    monkeypatch.setattr(making, "_LOOK_SECONDS", 0.01)
    model = window.session.model
    assert model is not None
    store = JobStore(default_store())
    job = SurveyWork(model=model.name, weights=str(model.weights), images=str(images), layers=(LAYER,))
    number = store.add(job, surveys_folder())
    assert store.path is not None
    with Owner(owners_of(store.path)) as owner:
        store.claim(owner, 1, store.get(number))
        window.surveys.pages.survey(str(images), (LAYER,))
        yield store, number, owner
    store.close()


def test_a_survey_that_another_program_makes_is_waited_for(
    claimed: tuple[JobStore, int, Owner], scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    store, number, owner = claimed
    until(qtbot, lambda: "another window or a command is making it" in window.surveys.bar.message)
    store.release(owner)
    until(qtbot, lambda: window.surveys.desk.current is not None)
    assert [stored.number for stored in store.jobs()] == [number], "and is not made twice"
    assert window.surveys.surveyor.making is None


def test_a_survey_that_another_program_could_not_make_has_failed(
    claimed: tuple[JobStore, int, Owner], window: MainWindow, qtbot: QtBot
) -> None:
    store, number, _ = claimed
    until(qtbot, lambda: "another window" in window.surveys.bar.message)
    store.finish(number, 0, reason="the disk is full")
    until(qtbot, lambda: "failed: the disk is full" in window.surveys.bar.message)
    assert not window.surveys.surveyor.busy


def test_a_tour_shows_a_unit_of_the_survey_where_that_lacks_the_selected_layer(
    survey_folder: Path, window: MainWindow, qtbot: QtBot
) -> None:
    until(qtbot, lambda: window.surveys.desk.current is not None)
    window.architecture.choose("visual.transformer.resblocks.0.ln_1")
    window.neurons.select(3, quietly=True)
    window.canvas.welcome.tour_asked.emit()
    until(qtbot, lambda: window.surveys.unit.pooled is not None and window.surveys.unit.pooled.layer in (LAYER, OTHER))


def test_a_tour_that_waits_for_a_survey_ends_at_a_unit_of_it(
    images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    until(qtbot, lambda: window.surveys.desk.looked)
    lacking = "visual.transformer.resblocks.0.ln_1"
    window.architecture.choose(lacking)
    window.neurons.select(3, quietly=True)
    window.canvas.welcome.tour_asked.emit()
    assert window.surveys.unit.pooled == PooledUnit(lacking, 3)
    window.surveys.pages.survey(str(images), (LAYER,))
    until(qtbot, lambda: window.surveys.unit.pooled != PooledUnit(lacking, 3))
    assert window.surveys.unit.pooled is not None
    assert window.surveys.unit.pooled.layer == LAYER


def test_a_survey_that_was_left_is_not_offered_to_be_rendered(images: Path, window: MainWindow, qtbot: QtBot) -> None:
    others, model = window.queue.others, window.session.model
    assert model is not None
    store = JobStore(default_store())
    store.add(SurveyWork(model=model.name, weights=str(model.weights), images=str(images)), surveys_folder())
    store.close()
    until(qtbot, lambda: others.model.rowCount() == 1)
    others.list.setCurrentIndex(others.model.index(0))
    assert others.cancel_action.isEnabled()
    assert not others.take_action.isEnabled()
