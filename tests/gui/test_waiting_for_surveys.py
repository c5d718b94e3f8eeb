"""A window while there is no survey yet: what waits for one says so, and comes when it is there."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.surveys.making import Making
from clipdesk.jobs.survey_work import SurveyWork
from tests.cli.surveys import LAYER
from tests.gui.conftest import until
from tests.gui.surveys.conftest import images, scenes_words

__all__ = ["images", "scenes_words"]


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
    surveyor.making = None
    surveyor.changed.emit()
    assert "begin one" in find.said
