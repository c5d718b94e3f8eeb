"""The bar over the pages that show surveys."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from clipdesk.activations.storing import all_surveys
from clipdesk.gui.panels.survey_bar import DRAWN, Offer, SurveyBar
from tests.gui.surveys.conftest import images, scenes_words, survey_folder

__all__ = ["images", "scenes_words", "survey_folder"]


def test_a_long_name_of_an_image_set_takes_no_room_from_the_panels(qtbot: QtBot, survey_folder: Path) -> None:
    bar = SurveyBar()
    qtbot.addWidget(bar)
    ((folder, manifest),) = all_surveys()
    bar.show_surveys([(folder, manifest)], folder, ())
    usual = bar.minimumSizeHint().width()
    bar.show_surveys([(folder, manifest.model_copy(update={"images": "x" * 4_000}))], folder, ())
    assert bar.minimumSizeHint().width() == usual


@pytest.mark.parametrize(
    ("offer", "text", "asked"),
    [
        (DRAWN, "Survey 5,000 drawn scenes", ["scenes:5000"]),
        (Offer("/a/cats & dogs", "cats & dogs", 7), "Survey cats && dogs", ["/a/cats & dogs"]),
        (Offer(), "Survey a folder …", ["/chosen"]),
    ],
)
def test_the_button_surveys_what_it_offers(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, offer: Offer, text: str, asked: list[str]
) -> None:
    bar = SurveyBar()
    qtbot.addWidget(bar)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/chosen")
    begun: list[str] = []
    bar.survey_asked.connect(begun.append)
    bar.show_none("small", offer)
    assert bar.message == "There is no survey of small yet."
    assert bar.begin_button.text() == text
    assert bar.begin_button.toolTip().startswith(offer.source or "Find out what each unit answers to")
    bar.begin_button.click()
    assert begun == asked


def test_a_folder_that_is_not_chosen_is_not_surveyed(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    bar = SurveyBar()
    qtbot.addWidget(bar)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    bar.show_none("small", Offer())
    with qtbot.assertNotEmitted(bar.survey_asked):
        bar.begin_button.click()


def test_the_time_is_that_of_the_images_that_are_offered(qtbot: QtBot) -> None:
    bar = SurveyBar()
    qtbot.addWidget(bar)
    bar.show_none("small", Offer(), 0.02)
    assert bar.message == "There is no survey of small yet. 5,000 images take about 1 min 40 s."
    bar.show_none("small", Offer("/holiday", "holiday", 24), 0.02)
    assert bar.message == "There is no survey of small yet. 24 images take about 1 s."
