"""The thorough check in a real window: offered, made beside it, cancelled, kept, and why there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from clip.model import CLIP
from pytestqt.qtbot import QtBot

from clipdesk.export.png import read_png
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.surveys import open_survey, thorough
from clipdesk.models.names import ModelName, parse_name
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text, Unit
from tests.cli.surveys import LAYER, save_twin
from tests.gui.conftest import finished, until
from tests.gui.surveys.conftest import images, scenes_words, survey_folder
from tests.gui.test_surveys import show_unit, surveyed

__all__ = ["images", "scenes_words", "survey_folder", "surveyed"]

UNIT = Unit(layer=LAYER, index=5)


@pytest.fixture
def reader(resnet: CLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another small model reads the pictures of any."""
    save_twin(resnet, tmp_path / "other.pt")
    other = parse_name(str(tmp_path / "other.pt"))

    def usual(_: ModelName | None) -> ModelName:
        return other

    for module in (open_survey, thorough):
        monkeypatch.setattr(module, "usual_reader", usual)


def render(window: MainWindow, qtbot: QtBot, target: Unit | Text, iterations: int = 3) -> None:
    window.parameters.show_settings(make_settings("draft", iterations=iterations, views=1, image_size=64))
    window.asking.render((target,))
    until(qtbot, lambda: window.controller.queue.rowCount() == 1 and finished(window))


def test_a_picture_is_checked_thoroughly_by_a_button_and_the_answer_is_kept(
    reader: None, surveyed: MainWindow, qtbot: QtBot
) -> None:
    canvas, bar = surveyed.canvas, surveyed.canvas.thorough
    render(surveyed, qtbot, UNIT)
    until(qtbot, lambda: bar.isVisible() and bar.button.isEnabled())
    until(qtbot, lambda: bar.button.text().endswith("s)"))
    assert "3 times with other seeds" in bar.button.toolTip()
    shown: list[float | None] = []
    surveyed.surveys.checks.changed.connect(lambda: shown.append(surveyed.surveys.checks.share))
    said: list[str] = []
    surveyed.surveys.checks.said.connect(said.append)
    bar.button.click()
    assert bar.progress.isVisible()
    assert bar.button.isHidden()
    until(qtbot, lambda: "Checked thoroughly: other seeds show" in canvas.judgement.whole)
    assert "the written word" in canvas.judgement.whole
    assert [share for share in shown if share] == [1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1.0, 1.0]
    until(qtbot, lambda: bool(said))
    path = surveyed.canvas.tracks[0].path
    assert path is not None
    record = read_png(path).check
    assert record is not None
    assert record.thorough in canvas.judgement.whole
    assert bar.button.isVisible()
    show_unit(surveyed, qtbot, UNIT.index)
    until(qtbot, lambda: record.thorough in surveyed.surveys.unit.judged)
    assert surveyed.surveys.unit.thorough.button.isVisible()
    # As in a later session.
    surveyed.surveys.checks._found.clear()
    surveyed.surveys.checks._looked.clear()
    canvas.selection_changed.emit()
    until(qtbot, lambda: record.thorough in canvas.judgement.whole)


def test_a_check_can_be_cancelled_and_one_that_fails_is_reported(
    reader: None, surveyed: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    canvas, checks = surveyed.canvas, surveyed.surveys.checks
    render(surveyed, qtbot, UNIT)
    until(qtbot, lambda: canvas.thorough.button.isVisible())
    # Only a cancelled check of so many steps ends in time.
    picture = thorough.RenderedPicture(
        "long", UNIT, canvas.tracks[0].frames.images[-1], make_settings("draft", iterations=5000, image_size=64)
    )
    checks.start(picture)
    until(qtbot, lambda: checks.share is not None)
    assert not canvas.thorough.button.isEnabled()
    assert "Another picture is being checked" in canvas.thorough.button.toolTip()
    assert checks.seconds_left is None or checks.seconds_left > 0
    canvas.thorough.cancel_asked.emit()
    assert checks.running is None
    assert canvas.thorough.button.isEnabled()
    assert checks.close()
    assert not checks.words("long")
    (tmp_path / "other.pt").write_bytes(b"damaged")
    assert surveyed.surveys.desk.current is not None
    surveyed.surveys.desk.current.__dict__.pop("second_reader", None)
    problems: list[object] = []
    surveyed.session.problem.connect(problems.append)
    canvas.thorough.button.click()
    until(qtbot, lambda: bool(problems) and checks.running is None)
    assert canvas.thorough.button.isEnabled()


def test_without_a_survey_the_line_says_where_one_is_made(own_queue: None, window: MainWindow, qtbot: QtBot) -> None:
    until(qtbot, lambda: window.surveys.desk.looked)
    render(window, qtbot, UNIT)
    until(qtbot, lambda: "there is no survey of small" in window.canvas.judgement.whole)
    assert window.canvas.thorough.isHidden()
