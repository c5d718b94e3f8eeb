"""The line below the canvas, in a real window: checks of texts, and of what a survey does not know."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.render.expressions import parse_target
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text, Unit
from tests.cli.surveys import LAYER
from tests.gui.conftest import finished, until
from tests.gui.surveys.conftest import images, scenes_words, survey_folder
from tests.gui.test_surveys import surveyed

__all__ = ["images", "scenes_words", "survey_folder", "surveyed"]

VERDICTS = ("Trust: ", "Doubt: ", "No: ")


def test_the_picture_of_a_text_is_checked_below_it(surveyed: MainWindow, qtbot: QtBot) -> None:
    canvas = surveyed.canvas
    surveyed.parameters.show_settings(make_settings(iterations=3))
    surveyed.asking.render((Text(text="a red star"),))
    until(qtbot, lambda: surveyed.controller.queue.rowCount() == 1 and finished(surveyed))
    until(qtbot, lambda: canvas.judgement.text().startswith(VERDICTS))
    assert canvas.judgement.isVisible()
    assert "no other model has read it" in canvas.judgement.whole
    assert canvas.thorough.isVisible()
    assert canvas.thorough.button.isHidden(), "no second model is known"
    assert canvas.thorough.second.isVisible()
    assert canvas.thorough.second.text() == "Check thoroughly by …"
    assert "none is chosen for small" in canvas.thorough.second.toolTip()


def test_of_several_pictures_the_one_that_is_shown_alone_is_checked(surveyed: MainWindow, qtbot: QtBot) -> None:
    canvas = surveyed.canvas
    surveyed.parameters.show_settings(make_settings(iterations=3))
    others = parse_target(f"others({LAYER}:5)")
    surveyed.asking.render((Unit(layer=LAYER, index=5), others))
    until(qtbot, lambda: surveyed.controller.queue.rowCount() == 1 and finished(surveyed))
    assert canvas.judgement.isHidden()
    canvas.view.set_solo(0)
    until(qtbot, lambda: canvas.judgement.text().startswith(VERDICTS))
    canvas.view.set_solo(1)
    until(qtbot, lambda: canvas.judgement.text().startswith("Not checked: A survey does not know"))
    assert canvas.thorough.isHidden()
    canvas.view.set_solo(-1)
    assert canvas.judgement.isHidden()


def test_a_layer_that_the_survey_does_not_have_is_named_with_what_to_do(surveyed: MainWindow, qtbot: QtBot) -> None:
    surveyed.parameters.show_settings(make_settings(iterations=3))
    surveyed.asking.render((Unit(layer="visual.transformer.resblocks.0.ln_1", index=5),))
    until(qtbot, lambda: surveyed.controller.queue.rowCount() == 1 and finished(surveyed))
    line = "Not checked: the survey does not have 0.ln_1. It can be surveyed on the page of a unit"
    until(qtbot, lambda: surveyed.canvas.judgement.whole == line)
