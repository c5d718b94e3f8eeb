"""The thorough check in a real window: offered, made beside it, cancelled, kept, and why there is none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from clip.model import CLIP
from pytestqt.qtbot import QtBot

from clipdesk.errors import Cancelled
from clipdesk.export.png import read_png
from clipdesk.gui import checked_picture, offered_check
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.problems import Problem
from clipdesk.gui.surveys import open_survey, readers, thorough
from clipdesk.gui.surveys.asked import AskedSurvey
from clipdesk.models import trust
from clipdesk.models.catalogue import file_of
from clipdesk.models.names import ModelName, parse_name
from clipdesk.models.transfer import Transfer
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text, Unit
from tests.archives import make_archive
from tests.cli.surveys import LAYER, save_twin
from tests.conftest import serve_model
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
    monkeypatch.setattr(readers, "thorough_reader", usual)


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
    assert "other.pt compares the pictures" in bar.button.toolTip()
    assert "other.pt compares the pictures" in bar.second.toolTip()
    assert bar.second.text() == ""
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
    problems: list[object] = []
    surveyed.session.problem.connect(problems.append)
    canvas.thorough.button.click()
    until(qtbot, lambda: bool(problems) and checks.running is None)
    assert canvas.thorough.button.isEnabled()


def test_a_check_that_was_cancelled_says_nothing_of_the_next_one_of_the_same_picture(
    reader: None, surveyed: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar, checks = surveyed.canvas.thorough, surveyed.surveys.checks
    render(surveyed, qtbot, UNIT)
    until(qtbot, lambda: bar.isVisible() and bar.button.isEnabled())
    steps: list[threading.Event] = [threading.Event(), threading.Event()]
    begun: list[threading.Event] = []

    def check(*args: Callable[..., object]) -> None:
        *_, tell, _, cancelled = args
        step = steps[len(begun)]
        begun.append(step)
        step.wait(60)
        tell(3, 6)
        assert cancelled()
        raise Cancelled

    monkeypatch.setattr(AskedSurvey, "check_again", check)
    bar.button.click()
    until(qtbot, lambda: len(begun) == 1)
    bar.cancel_button.click()
    bar.button.click()
    # The first one hears only now that it was cancelled, and the second begins.
    steps[0].set()
    until(qtbot, lambda: len(begun) == 2)
    qtbot.wait(50)
    assert checks.running is not None
    assert checks.share is None
    assert bar.cancel_button.isVisible()
    bar.cancel_button.click()
    assert bar.button.isVisible()
    steps[1].set()
    assert checks.close()


def test_a_model_that_is_chosen_reads_the_picture_in_a_thorough_check_only(
    surveyed: MainWindow, qtbot: QtBot, resnet: CLIP, tmp_path: Path
) -> None:
    canvas, bar, checks = surveyed.canvas, surveyed.canvas.thorough, surveyed.surveys.checks
    render(surveyed, qtbot, UNIT)
    until(qtbot, lambda: bar.second.isVisible())
    assert not bar.button.isEnabled()
    problems: list[Problem] = []
    surveyed.session.problem.connect(problems.append)
    bar.second.chosen.emit(str(tmp_path / "gone.pt"))
    assert "gone.pt" in problems[0].message
    assert not bar.button.isEnabled()
    file = tmp_path / "second.pt"
    save_twin(resnet, file)
    bar.second.chosen.emit(str(file))
    assert bar.button.isEnabled()
    assert bar.button.isVisible()
    assert bar.second.accessibleDescription() == "second.pt"
    before = canvas.judgement.whole
    assert surveyed.surveys.desk.current is not None
    assert surveyed.surveys.desk.current.second_reader is None, "the cheap check does not open it"
    bar.button.click()
    until(qtbot, lambda: "second.pt has compared the pictures" in canvas.judgement.toolTip())
    assert canvas.judgement.whole != before
    until(qtbot, lambda: checks.running is None and canvas.tracks[0].path is not None)
    path = canvas.tracks[0].path
    assert path is not None
    until(qtbot, lambda: read_png(path).check is not None)
    record = read_png(path).check
    assert record is not None
    assert record.reader == str(file)
    assert canvas.judgement.whole.startswith(f"{record.verdict.capitalize()}. Checked thoroughly: ")
    assert "no other model has read it" not in canvas.judgement.toolTip()
    show_unit(surveyed, qtbot, UNIT.index)
    until(qtbot, lambda: f"{record.verdict.capitalize()}: {record.why}. Checked" in surveyed.surveys.unit.judged)
    # Remembered for this model, and for this one only.
    preferences, model = surveyed.session.preferences, surveyed.session.model_name
    assert preferences.reader(str(model)) == str(file)
    assert preferences.reader("photo") == ""


def test_what_a_model_that_has_seen_other_things_reads_changes_no_verdict(surveyed: MainWindow, qtbot: QtBot) -> None:
    canvas, bar = surveyed.canvas, surveyed.canvas.thorough
    render(surveyed, qtbot, UNIT)
    until(qtbot, lambda: bar.second.isVisible())
    before = canvas.judgement.whole
    bar.second.chosen.emit("demo")
    note = "demo has seen other things than the model, so what it reads means little"
    assert note in bar.button.toolTip()
    bar.button.click()
    until(qtbot, lambda: "Checked thoroughly: " in canvas.judgement.whole)
    assert canvas.judgement.whole.startswith(f"{before.partition(':')[0]}. {note}. Checked thoroughly: ")


def test_an_archive_of_anybody_is_not_run_and_it_is_said_where_trust_is_asked(
    surveyed: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "_allowed", set())
    bar = surveyed.canvas.thorough
    render(surveyed, qtbot, UNIT)
    until(qtbot, lambda: bar.second.isVisible())
    bar.second.chosen.emit(str(make_archive(tmp_path / "archive.pt")))
    problems: list[Problem] = []
    surveyed.session.problem.connect(problems.append)
    bar.button.click()
    until(qtbot, lambda: bool(problems))
    assert problems[0].message.startswith("archive.pt holds code. Open it once with Model > Open checkpoint")
    until(qtbot, lambda: bar.button.isEnabled())


def test_the_menu_offers_what_can_read_and_a_file(
    surveyed: MainWindow, qtbot: QtBot, resnet: CLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = surveyed.canvas.thorough
    render(surveyed, qtbot, UNIT)
    until(qtbot, lambda: bar.second.isVisible())
    bar.second.wanted.emit()
    texts = [action.text() for action in bar.second.menu().actions() if not action.isSeparator()]
    assert texts[0] == "demo: has seen other things"
    assert "ViT-B/32: downloads 353 MB" in texts
    assert texts[-1] == "Open checkpoint …"
    assert not any(text.startswith("small") for text in texts), "the open model"
    save_twin(resnet, tmp_path / "second.pt")
    monkeypatch.setattr(offered_check, "ask_checkpoint", lambda _: str(tmp_path / "second.pt"))
    bar.second.menu().actions()[-1].trigger()
    assert bar.button.isEnabled()
    bar.second.wanted.emit()
    assert [each.text() for each in bar.second.menu().actions() if each.isChecked()] == ["second.pt"]


def test_a_download_shows_how_far_it_is(surveyed: MainWindow, qtbot: QtBot) -> None:
    bar, checks = surveyed.canvas.thorough, surveyed.surveys.checks
    render(surveyed, qtbot, UNIT)
    until(qtbot, lambda: bar.second.isVisible())
    bar.second.chosen.emit("ViT-B/32")
    assert "ViT-B/32 compares the pictures, and is downloaded first, 353 MB" in bar.button.toolTip()
    picture = checked_picture.rendered_picture(surveyed.canvas.tracks[0])
    assert picture is not None
    checks.running = picture
    checks._loading.emit(checks._cancelled, Transfer("ViT-B/32", 120_000_000, 353_000_000))
    assert bar.progress.isVisible()
    assert bar.progress.text() == "120 of 353 MB"
    assert bar.progress.value() == 34
    checks._told.emit(checks._cancelled, 1, 6)
    assert bar.progress.text() == "17 %"
    checks.running = None


def test_a_model_is_downloaded_only_when_the_check_begins_and_until_it_is_cancelled(
    surveyed: MainWindow, qtbot: QtBot, resnet: CLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar, checks = surveyed.canvas.thorough, surveyed.surveys.checks
    render(surveyed, qtbot, UNIT)
    until(qtbot, lambda: bar.second.isVisible())
    save_twin(resnet, tmp_path / "other.pt")
    with serve_model("ViT-B/32", (tmp_path / "other.pt").read_bytes(), monkeypatch, tmp_path) as server:
        server.answers.append("slow")
        bar.second.chosen.emit("ViT-B/32")
        assert bar.button.isEnabled()
        assert not server.requests
        bar.button.click()
        until(qtbot, lambda: checks.transfer is not None and " of " in bar.progress.text())
        bar.cancel_button.click()
        assert bar.button.isVisible()
        assert not file_of("ViT-B/32").exists()
        bar.button.click()
        until(qtbot, lambda: "ViT-B/32 has compared the pictures" in surveyed.canvas.judgement.toolTip())
        assert file_of("ViT-B/32").exists()
        assert len(server.requests) == 2


def test_without_a_survey_the_line_says_where_one_is_made(own_queue: None, window: MainWindow, qtbot: QtBot) -> None:
    until(qtbot, lambda: window.surveys.desk.looked)
    render(window, qtbot, UNIT)
    until(qtbot, lambda: "there is no survey of small" in window.canvas.judgement.whole)
    assert window.canvas.thorough.isHidden()
