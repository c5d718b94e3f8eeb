"""The desk beside a survey and its threads, without a window: whose answers come, and whose do not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication

from clipdesk.gui.surveys.asked import AskedSurvey
from clipdesk.gui.surveys.data import PooledUnit, Question
from clipdesk.gui.surveys.desk import SurveyDesk
from clipdesk.gui.worker import OpenedModel
from clipdesk.models.names import parse_name
from tests.cli.surveys import LAYER

KINDS = {
    "answered",
    "related",
    "pictures",
    "heated",
    "found",
    "mapped",
    "judged",
    "checked",
    "surprised",
    "tabled",
    "reading",
    "worded",
    "timed",
}
"""The signals that answer what `ask_all` asks."""


@pytest.fixture
def desk(qapp: QApplication) -> Iterator[SurveyDesk]:
    desk = SurveyDesk()
    yield desk
    assert desk.close()
    desk.deleteLater()


@pytest.fixture
def opened(asked: AskedSurvey, monkeypatch: pytest.MonkeyPatch) -> OpenedModel:
    """The model of the survey; its weights are not said, so that nothing looks for surveys of it."""
    monkeypatch.setattr(AskedSurvey, "seconds_for", staticmethod(lambda _name, pictures: pictures / 100))
    return OpenedModel(asked.model, None, asked.opened().inspector.tree, 64, "cpu", ("cpu",))


def ask_all(desk: SurveyDesk, image: Path) -> None:
    unit = PooledUnit(LAYER, 3)
    desk.ask_unit(unit)
    desk.ask_more(unit)
    desk.ask_pictures([0, 1])
    desk.ask_heat(LAYER, 3, [0])
    desk.ask_judgement(unit, np.zeros((64, 64, 3), np.uint8))
    desk.ask_find(Question(image=image))
    desk.ask_surprise()
    desk.ask_layer(LAYER)
    desk.ask_time(100)


def wait(desk: SurveyDesk) -> None:
    """Until all threads have answered, and their answers have come: some go from one thread to another."""
    for thread in (desk._quick, desk._slow, desk._words):
        assert thread.wait(60_000)
    QCoreApplication.processEvents()


def test_answers_come_unless_another_model_is_open_by_then(
    desk: SurveyDesk, asked: AskedSurvey, opened: OpenedModel, images: Path
) -> None:
    came: set[str] = set()
    for kind in KINDS:
        getattr(desk, kind).connect(lambda *_, kind=kind: came.add(kind))
    for another in (replace(opened, name=parse_name("demo")), None):
        desk.show_model(opened)
        desk.current = asked
        go = threading.Event()
        for thread in (desk._quick, desk._slow, desk._words):
            thread.start(partial(go.wait, 30))
        ask_all(desk, next(images.rglob("*.png")))
        if another is not None:
            desk.show_model(another)
        go.set()
        wait(desk)
        assert came == (KINDS if another is None else set())


def test_words_do_not_come_of_a_survey_that_is_left_before_they_are_read(
    desk: SurveyDesk, asked: AskedSurvey, opened: OpenedModel
) -> None:
    told: list[bool] = []
    desk.tabled.connect(lambda _, facts: told.append(bool(facts.words)))
    desk.show_model(opened)
    desk.current = asked
    go, numbers = threading.Event(), threading.Event()
    desk._words.start(partial(go.wait, 30))
    desk.ask_layer(LAYER)
    desk._slow.start(numbers.set)
    assert numbers.wait(60)
    QCoreApplication.processEvents()
    assert told == [False]
    desk.current = AskedSurvey.open(asked.folder, asked.manifest, asked.model)
    go.set()
    wait(desk)
    assert told == [False]
    assert asked.lexicon is not None, "they were read"
