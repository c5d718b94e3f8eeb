"""Two models in a real window: compared beside renders, listed, shown side by side, rendered, and found again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from clipdesk.activations.comparing.manifests import all_comparisons
from clipdesk.gui.center import COMPARISON
from clipdesk.gui.comparisons.data import Changed, Layers
from clipdesk.gui.item_models.changed import SIDES, ChangedModel, has_changed
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.panels.cka_map import CkaMap
from clipdesk.gui.panels.comparison_bar import ComparisonBar
from clipdesk.gui.panels.comparison_page import LAYERS, UNIT, ComparisonPage
from clipdesk.gui.surveys.data import Word
from clipdesk.jobs.set_work import ComparisonWork
from clipdesk.jobs.status import Status
from clipdesk.jobs.store import JobStore, default_store
from tests.cli.surveys import LAYER
from tests.conftest import small_vit
from tests.gui.conftest import until
from tests.gui.surveys.conftest import images, scenes_words, survey_folder

__all__ = ["images", "scenes_words", "survey_folder"]


@pytest.fixture
def changed(images: Path, tmp_path: Path) -> Path:
    """The window's model with unit 3 of a layer replaced."""
    model = small_vit()
    with torch.no_grad():
        weight = model.get_parameter(LAYER.replace("gelu", "c_fc.weight"))
        weight[3] = weight.std() * torch.randn(weight.shape[1], generator=torch.Generator().manual_seed(0))
    path = tmp_path / "<b>changed.pt"
    torch.save(model.state_dict(), path)
    return path


def compare(window: MainWindow, qtbot: QtBot, changed: Path, images: Path) -> None:
    # Where there is less room, a unit is not seen beside the others.
    window.resize(1920, 1080)
    window.center.show_mode(COMPARISON)
    window.comparisons.page.bar.add_images(str(images))
    window.comparisons.page.bar.ask(str(changed))
    until(qtbot, lambda: window.comparisons.desk.current is not None)
    until(qtbot, lambda: window.comparisons.page.unit.halves[1].title.isVisible())


def test_two_models_are_compared_and_the_changed_unit_comes_first(
    changed: Path, images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    page = window.comparisons.page
    window.center.show_mode(COMPARISON)
    assert page.hint.isVisible()
    until(qtbot, lambda: "is A" in page.bar.message)
    compare(window, qtbot, changed, images)
    # What comes after the changed unit has moved with it, in later layers.
    first = next(row for row in page.model.rows if row.name.startswith("1.mlp.gelu:"))
    assert first.name == "1.mlp.gelu:3"
    place = page.model.rows.index(first)
    page.table.selectRow(place)
    until(qtbot, lambda: "1.mlp.gelu:3" in page.unit.halves[1].title.text())
    left, right = page.unit.halves
    assert left.title.text().startswith("A: small.pt")
    assert len(left.photos.photos.pictures()) == len(right.photos.photos.pictures()) == 12
    until(qtbot, lambda: not left.photos.photos.missing() and not right.photos.photos.missing())
    until(qtbot, lambda: "being read" not in left.words.label.text())
    store = JobStore(default_store())
    (stored,) = store.jobs()
    store.close()
    assert isinstance(stored.job, ComparisonWork), "a comparison is a job of the queue"
    assert stored.status is Status.DONE


def test_the_table_has_words_of_all_units_and_photos_of_those_that_are_seen(
    changed: Path, images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    compare(window, qtbot, changed, images)
    page = window.comparisons.page
    model, table = page.model, page.table
    until(qtbot, lambda: not model.without_words(1))
    assert any(model.words_of(row.place) != (None, None) for row in model.rows)

    def lacking() -> list[int]:
        seen = range(max(table.rowAt(0), 0), table.rowAt(table.viewport().height() - 1) + 1)
        return model.without_photos([model.rows[row].place for row in seen])

    until(qtbot, lambda: not lacking())
    places = [row.place for row in model.rows]
    assert model.without_photos(places), "the others wait until they are seen"
    table.scrollToBottom()
    assert lacking()
    until(qtbot, lambda: not lacking())
    photo = model.data(model.index(len(places) - 1, SIDES[1]), Qt.ItemDataRole.DecorationRole)
    assert isinstance(photo, QImage)
    in_b = SIDES[1]
    table.sortByColumn(in_b, Qt.SortOrder.AscendingOrder)
    words = [str(model.data(model.index(row, in_b))) for row in range(10)]
    assert words == sorted(words)
    assert page.wall.sort.currentText() == "By word in B"


def test_a_unit_is_rendered_in_both_and_as_the_difference(
    changed: Path, images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    compare(window, qtbot, changed, images)
    unit = window.comparisons.page.unit
    assert not unit.images[0].isVisible()
    unit.button.click()
    assert unit.stop_button.isVisible()
    until(qtbot, lambda: unit.images[2].isVisible())
    assert all(not label.pixmap().isNull() for label in unit.images)
    assert unit.button.isVisible()


def test_a_comparison_is_found_again(
    changed: Path,
    images: Path,
    scenes_words: None,
    window: MainWindow,
    qtbot: QtBot,
    new_window: Callable[..., MainWindow],
    checkpoint: Path,
) -> None:
    compare(window, qtbot, changed, images)
    ((folder, _),) = all_comparisons()
    again = new_window(str(checkpoint))
    again.opening.open()
    until(qtbot, lambda: again.session.model_name is not None)
    again.center.show_mode(COMPARISON)
    until(qtbot, lambda: again.comparisons.desk.current is not None)
    assert again.comparisons.page.bar.listed.currentData() == folder
    again.comparisons.page.tabs.setCurrentIndex(LAYERS)
    assert again.comparisons.page.map.isVisible()


def test_another_model_has_other_comparisons(
    changed: Path, images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    compare(window, qtbot, changed, images)
    window.opening.open(str(changed))
    until(qtbot, lambda: window.comparisons.desk.current is None)
    page = window.comparisons.page
    until(qtbot, lambda: "changed.pt is A" in page.bar.message)
    assert page.hint.isVisible()
    assert page.model.rows == []


def test_one_that_fails_says_why_and_can_be_dropped(
    changed: Path, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    window.center.show_mode(COMPARISON)
    bar = window.comparisons.page.bar
    bar.add_images(str(tmp_path / "empty"))
    bar.ask(str(changed))
    until(qtbot, lambda: "failed" in bar.message)
    assert "empty" in bar.message
    bar.steering.cancel_button.click()
    assert window.comparisons.maker.making is None
    assert bar.with_button.isVisible()


def test_the_table_is_sorted_and_what_is_not_known_comes_last(qtbot: QtBot) -> None:
    nan = float("nan")
    model = ChangedModel()
    rows = [Changed(at, f"0.mlp:{at}", 1.0 - at / 10, at, (nan, 2.0, 3.0)[at], 0.0, 0.0, "") for at in range(3)]
    model.show(rows)
    weights = 5
    model.sort(weights, Qt.SortOrder.DescendingOrder)
    assert [row.place for row in model.rows] == [2, 1, 0]
    model.sort(weights, Qt.SortOrder.AscendingOrder)
    assert [row.place for row in model.rows] == [1, 2, 0]
    assert model.data(model.index(2, weights)) == ""
    model.sort(-1)
    assert [row.place for row in model.rows] == [0, 1, 2]
    assert [model.empty(column) for column in range(model.columnCount())] == [False] * 8 + [True]


def test_words_are_shown_as_weak_or_as_changed_and_sorted_by(qtbot: QtBot) -> None:
    model = ChangedModel()
    model.show([Changed(at, f"0.mlp:{at}", 1.0 - at / 10, at, 1.0, 0.0, 0.0, "") for at in range(4)])
    red, star, chance = Word("red", 0.8, False), Word("star", 0.7, False), Word("dotted", 0.1, True)
    model.add_words({0: (star, red), 1: (red, red), 2: (chance, None)})
    assert [has_changed(words) for words in ((star, red), (red, red), (chance, None), (chance, star))] == [
        *(True, False, False, True)
    ]
    in_a, in_b = SIDES
    shown = [[model.data(model.index(row, column)) for column in SIDES] for row in range(4)]
    assert shown == [["star", "red"], ["red", "red"], ["dotted", None], [None, None]]
    font = Qt.ItemDataRole.FontRole
    assert [model.data(model.index(row, in_b), font) is not None for row in range(4)] == [True, False, False, False]
    assert model.data(model.index(0, in_b), Qt.ItemDataRole.AccessibleTextRole) == "red 0.80, another"
    assert model.data(model.index(2, in_a), Qt.ItemDataRole.ToolTipRole) == "dotted 0.10, weak"
    assert model.data(model.index(2, in_a), Qt.ItemDataRole.ForegroundRole) is not None
    assert model.without_words(5) == [3]
    model.sort(in_a, Qt.SortOrder.AscendingOrder)
    assert [row.place for row in model.rows] == [2, 1, 0, 3]


def test_columns_that_say_nothing_are_hidden(qtbot: QtBot) -> None:
    page = ComparisonPage()
    qtbot.addWidget(page)
    nan = float("nan")
    page.show_comparison([Changed(0, "0.mlp:1 = layer1:2", 0.5, 1.0, nan, 0.1, 0.2, "")], Layers((), (), ()), ())
    shown = [not page.table.isColumnHidden(column) for column in range(page.model.columnCount())]
    assert shown == [True, True, True, True, True, False, True, True, False]
    page.show_comparison([Changed(0, "0.mlp:1", 0.5, 1.0, 0.1, 0.1, 0.2, "constant in B")], Layers((), (), ()), ())
    assert not any(page.table.isColumnHidden(column) for column in range(page.model.columnCount()))


def test_another_comparison_is_shown_in_the_order_that_the_header_says(qtbot: QtBot) -> None:
    page = ComparisonPage()
    qtbot.addWidget(page)
    names = [page.model.headerData(each, Qt.Orientation.Horizontal) for each in range(page.model.columnCount())]
    rows = [Changed(at, f"0.mlp:{at}", 0.9 - at / 10, (0.1, 0.3, 0.2)[at], 0.1, 0.1, 0.2, "") for at in range(3)]
    chosen: list[int] = []
    page.unit_chosen.connect(lambda changed: chosen.append(changed.place))
    page.show_comparison(rows, Layers((), (), ()), ())
    page.table.sortByColumn(names.index("Moved"), Qt.SortOrder.DescendingOrder)
    page.show_comparison(rows, Layers((), (), ()), ())
    assert [row.place for row in page.model.rows] == [1, 2, 0]
    assert page.wall.sort.currentText() == "By moved"
    assert chosen == [0, 1]


def test_where_there_is_no_room_the_unit_has_a_page_of_its_own(qtbot: QtBot) -> None:
    page = ComparisonPage()
    qtbot.addWidget(page)
    page.bar.say("small.pt is A")
    page.resize(440, 340)
    page.show()
    page.show_comparison([Changed(0, "0.mlp:1", 0.5, 1.0, 0.1, 0.1, 0.2, "")], Layers((), (), ()), ())
    assert page.tabs.isTabVisible(UNIT)
    assert (page.table.isVisible(), page.unit.isVisible()) == (True, False)
    page.table.activated.emit(page.model.index(0, 0))
    assert page.tabs.currentIndex() == UNIT
    assert (page.table.isVisible(), page.unit.isVisible()) == (False, True)
    page.resize(900, 700)
    assert not page.tabs.isTabVisible(UNIT)
    assert (page.table.isVisible(), page.unit.isVisible()) == (True, True)


def test_two_models_are_compared_as_was_chosen(
    changed: Path, images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    compare(window, qtbot, changed, images)
    page = window.comparisons.page
    choices = page.bar.choices
    assert not choices.isChecked()
    choices.layers.setText("1.mlp.gelu, 0.mlp")
    choices.pooling.setCurrentIndex(choices.pooling.findData("max"))
    choices.match.setChecked(True)
    choices.menu().aboutToHide.emit()
    assert choices.isChecked()
    assert "layers 1.mlp.gelu, 0.mlp; largest patch; partners" in choices.toolTip()
    page.bar.ask(str(changed))
    until(qtbot, lambda: page.bar.listed.count() == 2)
    assert page.bar.listed.currentText().endswith("24 pictures, 1.mlp.gelu, 0.mlp, largest patch, partners")
    current = window.comparisons.desk.current
    assert current is not None
    assert (current.manifest.pooling, [pair.same for pair in current.manifest.pairs]) == ("max", [False, False])
    choices.layers.setText("")
    choices.pooling.setCurrentIndex(0)
    choices.match.setChecked(False)
    page.bar.ask(str(changed))
    until(qtbot, lambda: page.bar.listed.currentText().endswith("24 pictures"))


def test_images_are_offered_once_and_a_choice_that_is_given_up_changes_nothing(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = ComparisonBar()
    qtbot.addWidget(bar)
    for folder in ("/photos", "/others", "/photos"):
        bar.add_images(folder)
    offered = [bar.images.itemText(place) for place in range(bar.images.count())]
    assert sorted(offered) == ["5,000 drawn scenes", "A folder …", "others", "photos"]
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    place = bar.images.findData("")
    bar.images.setCurrentIndex(place)
    bar.images.activated.emit(place)
    assert bar.images.currentData() == "/photos"


@pytest.mark.parametrize(
    ("own", "scenes", "offered"),
    [
        ("", True, ["5,000 drawn scenes", "A folder …"]),
        ("/holiday", True, ["5,000 drawn scenes", "holiday", "A folder …"]),
        ("", False, ["A folder …", "5,000 drawn scenes"]),
        ("/holiday", False, ["holiday", "A folder …", "5,000 drawn scenes"]),
    ],
)
def test_the_likeliest_images_are_offered_first_and_chosen(
    qtbot: QtBot, own: str, scenes: bool, offered: list[str]
) -> None:
    bar = ComparisonBar()
    qtbot.addWidget(bar)
    bar.offer_images(own, scenes=scenes)
    assert [bar.images.itemText(place) for place in range(bar.images.count())] == offered
    assert bar.images.currentIndex() == 0


def test_images_that_the_user_has_chosen_stay_chosen(qtbot: QtBot) -> None:
    bar = ComparisonBar()
    qtbot.addWidget(bar)
    bar.images.activated.emit(0)
    bar.offer_images("/holiday", scenes=False)
    assert bar.images.currentText() == "5,000 drawn scenes"


def test_a_comparison_without_images_asks_for_a_folder_first(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    bar = ComparisonBar()
    qtbot.addWidget(bar)
    asked: list[tuple[str, str]] = []
    bar.asked.connect(lambda model, images, _: asked.append((model, images)))
    bar.offer_images("", scenes=False)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    bar.ask("photo")
    assert asked == []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/chosen")
    bar.ask("photo")
    assert asked == [("photo", "/chosen")]
    assert bar.images.currentText() == "chosen"


def test_the_images_of_the_open_survey_are_offered_first(
    survey_folder: Path, images: Path, window: MainWindow, qtbot: QtBot
) -> None:
    until(qtbot, lambda: window.comparisons.page.bar.images.currentData() == str(images))


def test_a_model_that_may_have_seen_no_scenes_is_compared_over_a_folder(
    own_queue: None, window: MainWindow, qtbot: QtBot
) -> None:
    until(qtbot, lambda: window.comparisons.page.bar.images.currentText() == "A folder …")


def test_the_map_says_what_a_cell_is(qtbot: QtBot) -> None:
    shown = CkaMap()
    qtbot.addWidget(shown)
    shown.show_layers(Layers(("0.mlp", "1.mlp"), ("0.mlp", "1.mlp"), ((1.0, 0.25), (0.5, 0.75))))
    cell = max(12, shown.fontMetrics().height())
    corner = shown.sizeHint().width() - 2 * cell - 4
    assert shown.said_at(QPointF(corner + 1.5 * cell, corner + 0.5 * cell)) == "A 0.mlp, B 1.mlp: 0.250"
    assert shown.said_at(QPointF(1, 1)) == ""
    assert not shown.grab().isNull()
    assert shown.accessibleDescription() == "lowest of the same layers 0.75"
    shown.show_layers(Layers(("0.mlp", "1.mlp"), ("layer1", "layer2"), ((0.5, 0.25), (0.5, 0.75))))
    assert shown.accessibleDescription() == "", "no layer is in both"
