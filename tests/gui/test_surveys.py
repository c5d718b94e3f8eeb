"""Surveys in a real window: made, asked, searched, and said to be out of date."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from clipdesk.activations.surveying import survey_images
from clipdesk.gui import survey_pages
from clipdesk.gui.center import FIND, UNIT
from clipdesk.gui.item_models.unit_columns import column_of
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.surveys.data import PooledUnit, Question
from clipdesk.imagesets.opening import open_image_set
from clipdesk.jobs.set_work import SurveyWork
from clipdesk.jobs.status import Status
from clipdesk.jobs.store import JobStore, default_store
from clipdesk.models import names
from clipdesk.network.pool import open_model
from tests.cli.surveys import LAYER, photos
from tests.conftest import small_vit
from tests.gui.conftest import until
from tests.gui.shown import shown_in
from tests.gui.surveys.conftest import images, scenes_words, survey_folder

__all__ = ["images", "scenes_words", "survey_folder"]


@pytest.fixture
def surveyed(survey_folder: Path, window: MainWindow, qtbot: QtBot) -> MainWindow:
    """A window that asks the survey."""
    until(qtbot, lambda: window.surveys.desk.current is not None)
    return window


@pytest.fixture
def surveyed_elsewhere(images: Path, scenes_words: None, tmp_path: Path) -> None:
    """A survey of the images by another model than the window's."""
    other = tmp_path / "other.pt"
    torch.save(small_vit(seed=1).state_dict(), other)
    for _ in survey_images(open_model(other, "cpu"), open_image_set(images), [LAYER]):
        pass


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, left, none))


def show_unit(window: MainWindow, qtbot: QtBot, unit: int, layer: str = LAYER) -> None:
    window.surveys.pages.go(PooledUnit(layer, unit))
    until(qtbot, lambda: f"{unit}" in window.surveys.unit.title.text() and window.surveys.unit.numbers.isVisible())


def test_without_a_survey_one_button_makes_one(
    images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    bar = window.surveys.bar
    assert bar.isHidden(), "the canvas has nothing to do with surveys"
    window.center.show_mode(UNIT)
    until(qtbot, lambda: window.surveys.desk.looked)
    assert "There is no survey of small" in bar.message
    assert bar.begin_button.isVisible()
    assert bar.begin_button.text() == "Survey a folder …", "nobody knows whether it has seen scenes"
    bar.survey_asked.emit(str(images))
    until(qtbot, lambda: window.surveys.desk.current is not None)
    assert bar.surveys.currentText().startswith("photos: 24 pictures")
    assert "1 could not be read" in bar.message
    store = JobStore(default_store())
    (stored,) = store.jobs()
    store.close()
    assert isinstance(stored.job, SurveyWork), "a survey is a job of the queue"
    assert stored.status is Status.DONE


def test_a_model_without_a_survey_says_how_long_one_takes(own_queue: None, window: MainWindow, qtbot: QtBot) -> None:
    window.center.show_mode(UNIT)
    until(qtbot, lambda: "5,000 images take about" in window.surveys.bar.message)


def test_an_embedded_model_is_surveyed_when_that_is_missed(
    own_queue: None, scenes_words: None, window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "OF_SCENES", (str(window.model_name),))
    monkeypatch.setattr(survey_pages, "SCENES", "scenes:40")
    assert window.surveys.surveyor.making is None, "not before anybody has missed it"
    window.architecture.choose(LAYER)
    window.neurons.select(5, quietly=True)
    window.canvas.welcome.tour_asked.emit()
    assert window.surveys.unit.pooled == PooledUnit(LAYER, 5)
    until(qtbot, lambda: window.surveys.desk.current is not None)
    until(qtbot, lambda: window.surveys.unit.numbers.isVisible())


def test_an_embedded_model_without_a_survey_is_offered_scenes(
    own_queue: None, window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "OF_SCENES", (str(window.model_name),))
    monkeypatch.setattr(survey_pages, "SCENES", "scenes:none")
    window.center.show_mode(UNIT)
    bar = window.surveys.bar
    until(qtbot, lambda: "failed" in bar.message)
    bar.steering.cancel_button.click()
    assert bar.begin_button.text() == "Survey 5,000 drawn scenes"


def test_images_that_another_model_was_surveyed_over_are_offered(
    surveyed_elsewhere: None, images: Path, window: MainWindow, qtbot: QtBot
) -> None:
    window.center.show_mode(UNIT)
    bar = window.surveys.bar
    until(qtbot, lambda: bar.begin_button.text() == "Survey photos")
    assert bar.begin_button.toolTip() == str(images)
    until(qtbot, lambda: "24 images take about" in bar.message)
    bar.begin_button.click()
    until(qtbot, lambda: window.surveys.desk.current is not None)
    assert bar.surveys.currentText().startswith("photos: 24 pictures")


def test_a_survey_that_fails_says_why_and_can_be_dropped(
    images: Path, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    window.surveys.pages.survey(str(tmp_path / "empty"))
    bar = window.surveys.bar
    until(qtbot, lambda: "failed" in bar.message)
    assert window.center.mode == UNIT
    assert "empty" in bar.message
    bar.steering.cancel_button.click()
    assert window.surveys.surveyor.making is None
    assert "There is no survey" in bar.message


def test_a_survey_is_paused_goes_on_and_is_cancelled(
    scenes_words: None, own_queue: None, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.surveys.pages.survey(str(photos(tmp_path / "many", count=1500)))
    surveyor, bar = window.surveys.surveyor, window.surveys.bar
    until(qtbot, lambda: surveyor.making is not None and surveyor.making.state == "running")
    bar.steering.pause_button.click()
    until(qtbot, lambda: surveyor.making is None or surveyor.making.state == "paused")
    assert surveyor.making is not None
    share = surveyor.making.share
    assert f"paused at {share:.0%}" in bar.message
    bar.steering.resume_button.click()
    until(qtbot, lambda: surveyor.making is None or surveyor.making.share > share)
    if surveyor.making is not None:
        bar.steering.cancel_button.click()
    until(qtbot, lambda: surveyor.making is None)


def test_a_survey_that_the_window_left_is_offered(
    images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    assert window.session.model is not None
    model = window.session.model
    job = SurveyWork(model=model.name, weights=model.weights, images=str(images), layers=(LAYER,))
    store = JobStore(default_store())
    store.add(job, default_store().parent / "surveys", skip=True)
    store.close()
    window.center.show_mode(UNIT)
    window.session.open(model)
    bar = window.surveys.bar
    until(qtbot, lambda: bar.message == "The survey of photos is not finished")
    bar.steering.resume_button.click()
    until(qtbot, lambda: window.surveys.desk.current is not None)


def test_the_page_of_a_unit_shows_what_it_answers_to(surveyed: MainWindow, qtbot: QtBot) -> None:
    page = surveyed.surveys.unit
    show_unit(surveyed, qtbot, 5)
    assert surveyed.center.mode == UNIT
    assert page.title.text() == "1.mlp.gelu:5"
    assert surveyed.neurons.current is not None
    assert surveyed.neurons.current.index == 5
    until(qtbot, lambda: not page.photos.photos.missing())
    until(qtbot, lambda: "%" not in page.words.label.text() and "Words" in page.words.label.text())
    page.warm.setChecked(True)
    first = page.photos.photos.pictures()[0]
    until(qtbot, lambda: page.photos.photos.heat_of(first) is not None)
    page.tabs.setCurrentIndex(1)
    until(qtbot, lambda: not page.photos.photos.missing())


def test_one_goes_to_a_similar_unit_and_back(surveyed: MainWindow, qtbot: QtBot) -> None:
    page = surveyed.surveys.unit
    show_unit(surveyed, qtbot, 5)
    until(qtbot, lambda: page.within.list.count() > 0)
    page.within.list.itemActivated.emit(page.within.list.item(0))
    until(qtbot, lambda: page.pooled != PooledUnit(LAYER, 5))
    page.back_action.trigger()
    assert page.pooled == PooledUnit(LAYER, 5)
    page.forward_action.trigger()
    assert page.pooled != PooledUnit(LAYER, 5)


def test_a_layer_that_was_not_surveyed_can_be(surveyed: MainWindow, qtbot: QtBot) -> None:
    page = surveyed.surveys.unit
    surveyed.surveys.pages.go(PooledUnit("visual.transformer.resblocks.0.attn", 1))
    assert page.layer_button.isVisible()
    page.layer_button.click()
    until(qtbot, lambda: surveyed.surveys.desk.has("visual.transformer.resblocks.0.attn"))
    assert not surveyed.surveys.desk.has(LAYER)
    show_unit(surveyed, qtbot, 5)
    assert surveyed.surveys.desk.has(LAYER), "the survey before has this layer"


def test_a_word_leads_to_units_and_a_unit_to_its_page(surveyed: MainWindow, qtbot: QtBot) -> None:
    find = surveyed.surveys.find
    surveyed.commands.find.trigger()
    assert surveyed.center.mode == FIND
    find.box.setText("a heart")
    qtbot.keyClick(find.box, Qt.Key.Key_Return)
    until(qtbot, lambda: bool(find.found.units))
    assert '"a heart"' in find.title.text()
    first = find.found.units[0]
    qtbot.keyClick(find.list, Qt.Key.Key_Return)
    until(qtbot, lambda: surveyed.surveys.unit.pooled == first.pooled)
    page = surveyed.surveys.unit
    until(qtbot, lambda: page.pooling.currentData() == first.pooled.pooling)
    assert QApplication.focusWidget() in (page.area, page.photos), "not a button that a second Enter would press"


def test_an_answer_that_comes_too_late_is_not_shown(surveyed: MainWindow) -> None:
    find = surveyed.surveys.find
    find.search_text("a star")
    find.show_found(Question(text="a heart"), [])
    assert "a star" in find.said


def test_a_photo_that_is_dropped_is_searched_by(surveyed: MainWindow, qtbot: QtBot, images: Path) -> None:
    drop(surveyed, images / "cats" / "00.png")
    find = surveyed.surveys.find
    until(qtbot, lambda: bool(find.found.units))
    assert surveyed.center.mode == FIND
    assert "00.png" in find.title.text()


def test_a_folder_that_is_dropped_is_surveyed(
    images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    drop(window, images)
    until(qtbot, lambda: window.surveys.desk.current is not None)
    assert window.surveys.desk.current is not None
    assert window.surveys.desk.current.manifest.source == str(images)


def test_the_table_shows_words_and_numbers_and_is_filtered_by_them(surveyed: MainWindow, qtbot: QtBot) -> None:
    neurons = surveyed.neurons
    surveyed.architecture.choose(LAYER)
    until(qtbot, lambda: neurons.model.surveyed)
    until(qtbot, lambda: bool(neurons.model.index(0, column_of("word")).data()))
    density = neurons.model.index(0, column_of("density")).data()
    assert density.endswith("%")
    assert not neurons.table.isColumnHidden(column_of("density"))
    whole = neurons.model.rowCount()
    neurons.filter.setText("density<0%")
    assert neurons.model.rowCount() == 0
    neurons.filter.setText("density>=0%")
    assert neurons.model.rowCount() == whole
    surveyed.architecture.choose("visual.conv1")
    assert neurons.table.isColumnHidden(column_of("density")), "the survey does not have this layer"


def test_columns_that_were_chosen_come_back(surveyed: MainWindow) -> None:
    table = surveyed.neurons.table
    table._choose_column("steps", False)
    kept = surveyed.session.preferences.store.value("neurons/columns")
    assert "-steps" in str(kept)
    assert table.isColumnHidden(column_of("steps"))


def test_a_star_and_a_note_of_a_unit_stay_and_are_in_the_table(surveyed: MainWindow, qtbot: QtBot) -> None:
    page = surveyed.surveys.unit
    show_unit(surveyed, qtbot, 5)
    page.star_action.trigger()
    page.marks.tags.setText("mine, seen")
    page.marks.tags.setModified(True)
    page.marks.tags.editingFinished.emit()
    until(qtbot, lambda: surveyed.surveys.marks.of_layer(LAYER).get(5) is not None)
    until(qtbot, lambda: surveyed.surveys.marks.of_layer(LAYER)[5].tags == ("mine", "seen"))
    assert surveyed.surveys.marks.of_layer(LAYER)[5].starred
    for words in ("starred", "seen"):
        surveyed.neurons.filter.setText(words)
        assert surveyed.neurons.model.rowCount() == 1
    surveyed.neurons.filter.clear()
    show_unit(surveyed, qtbot, 6)
    assert not page.star_action.isChecked()
    show_unit(surveyed, qtbot, 5)
    assert page.star_action.isChecked()


def test_images_that_have_changed_are_said_and_surveyed_anew(
    survey_folder: Path, images: Path, window: MainWindow, qtbot: QtBot
) -> None:
    until(qtbot, lambda: window.surveys.desk.current is not None)
    Image.fromarray(np.zeros((20, 20, 3), dtype=np.uint8)).save(images / "cats" / "new.png")
    window.center.show_mode(UNIT)
    window.surveys.desk.look()
    bar = window.surveys.bar
    until(qtbot, lambda: "Out of date: the images have changed since" in bar.message)
    bar.begin_button.click()
    until(qtbot, lambda: "25 pictures" in bar.surveys.currentText())


def test_images_that_vanish_while_they_are_shown_are_shown_from_thumbnails(
    surveyed: MainWindow, images: Path, qtbot: QtBot
) -> None:
    page = surveyed.surveys.unit
    show_unit(surveyed, qtbot, 5)
    shutil.rmtree(images)
    page.warm.setChecked(True)
    first = page.photos.photos.pictures()[0]
    until(qtbot, lambda: page.photos.photos.heat_of(first) is not None)


def test_hostile_names_are_harmless_on_every_page(
    scenes_words: None, own_queue: None, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    folder = photos(tmp_path / "set" / "<img src=x onerror=alert(1)>", count=6, broken=0)
    for number in range(3):
        shutil.copy(folder / "cats" / "00.png", folder / f"{number}{'n' * 200}\x07<b>.png")
    window.surveys.pages.survey(str(tmp_path / "set"))
    until(qtbot, lambda: window.surveys.desk.current is not None)
    show_unit(window, qtbot, 5)
    page = window.surveys.unit
    until(qtbot, lambda: not page.photos.photos.missing())
    photo = page.photos.photos.items[0]
    assert photo.words.startswith("<img src=x onerror=alert(1)>/")
    page.photos._look_at(page.photos.photos.index(0))
    shown = [text for text in shown_in(window) if "onerror" in text.words]
    assert shown
    assert not [text for text in shown if text.html and "<img" not in text.words]
    page.photos._leave()
