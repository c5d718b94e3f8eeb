"""The bar over the pages that show surveys."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from clipdesk.activations.storing import all_surveys
from clipdesk.gui.panels.survey_bar import SurveyBar
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
