from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from clipdesk.gui.images import packed, to_image
from clipdesk.gui.item_models.unit_columns import COLUMNS, UnitState, column_of
from clipdesk.gui.panels.neurons import NeuronsPanel
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.layer_sources import ModuleOutput
from clipdesk.network.layers import LayerInfo, Layout
from clipdesk.render.targets import Target, Text, Unit

LEFT = Qt.MouseButton.LeftButton
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
HIDDEN = "visual.transformer.resblocks.1.mlp.gelu"
LAYER = LayerInfo("layer", "Linear", (768,), Layout.VECTOR, 768, source=ModuleOutput("layer"))


@pytest.fixture
def panel(qtbot: QtBot) -> NeuronsPanel:
    panel = NeuronsPanel()
    panel.resize(500, 800)
    qtbot.addWidget(panel)
    panel.show_layer(LAYER)
    panel.offer(True)
    panel.show()
    return panel


def units(panel: NeuronsPanel) -> list[int]:
    return [target.index for target in panel.selected() if isinstance(target, Unit)]


def at(panel: NeuronsPanel, row: int) -> QPoint:
    return panel.table.visualRect(panel.model.index(row, 2)).center()


def click(qtbot: QtBot, panel: NeuronsPanel, row: int, modifier: Qt.KeyboardModifier | None = None) -> None:
    qtbot.mouseClick(panel.table.viewport(), LEFT, modifier or Qt.KeyboardModifier.NoModifier, pos=at(panel, row))


def drag(qtbot: QtBot, panel: NeuronsPanel, first: int, last: int) -> None:
    viewport = panel.table.viewport()
    qtbot.mousePress(viewport, LEFT, pos=at(panel, first))
    for row in range(first, last + 1):
        qtbot.mouseMove(viewport, at(panel, row))
    qtbot.mouseRelease(viewport, LEFT, pos=at(panel, last))


def test_a_click_a_shift_and_a_ctrl_select(panel: NeuronsPanel, qtbot: QtBot) -> None:
    click(qtbot, panel, 2)
    assert units(panel) == [2]
    click(qtbot, panel, 5, SHIFT)
    assert units(panel) == [2, 3, 4, 5]
    click(qtbot, panel, 8, CTRL)
    click(qtbot, panel, 3, CTRL)
    assert units(panel) == [2, 4, 5, 8]
    assert panel.batch_button.text() == "Add 4 to batch"


def test_a_drag_over_rows_selects_them(panel: NeuronsPanel, qtbot: QtBot) -> None:
    drag(qtbot, panel, 1, 6)
    assert units(panel) == [1, 2, 3, 4, 5, 6]


def test_only_a_drag_from_selected_rows_carries_them_away(panel: NeuronsPanel, qtbot: QtBot) -> None:
    panel.range.setText("1-3")
    for row, carries in ((2, True), (6, False)):
        qtbot.mousePress(panel.table.viewport(), LEFT, pos=at(panel, row))
        assert panel.table.dragEnabled() is carries
        qtbot.mouseRelease(panel.table.viewport(), LEFT, pos=at(panel, row))


@pytest.mark.parametrize(
    ("text", "feedback", "count"),
    [
        ("0:768:8", "96 neurons: 0, 8, 16 … 760", 96),
        ("0 64 8", "8 neurons: 0, 8, 16 … 56", 8),
        ("3,5,9-12", "6 neurons: 3, 5, 9 … 12", 6),
        ("7", "1 neuron: 7", 1),
    ],
)
def test_a_range_selects_as_it_is_typed(
    panel: NeuronsPanel, qtbot: QtBot, text: str, feedback: str, count: int
) -> None:
    qtbot.keyClicks(panel.range, text)
    assert panel.feedback == feedback
    assert len(panel.selected()) == panel.selected_count() == count


def test_a_wrong_range_is_explained_under_the_box(panel: NeuronsPanel, qtbot: QtBot) -> None:
    qtbot.keyClicks(panel.range, "5:900")
    assert panel.feedback == "There is no unit 899: the last one is 767"
    assert panel.selected() == ()
    assert not panel.batch_button.isEnabled()
    panel.range.clear()
    assert panel.feedback == ""


def test_enter_and_double_click_render_and_b_queues(panel: NeuronsPanel, qtbot: QtBot) -> None:
    asked: list[tuple[Target, ...]] = []
    queued: list[tuple[Target, ...]] = []
    panel.render_asked.connect(asked.append)
    panel.batch_asked.connect(queued.append)
    click(qtbot, panel, 3)
    qtbot.mouseDClick(panel.table.viewport(), LEFT, pos=at(panel, 3))
    panel.table.setFocus()
    qtbot.keyClick(panel.table, Qt.Key.Key_Return)
    assert asked == [(Unit(layer="layer", index=3),)] * 2
    qtbot.keyClick(panel.table, Qt.Key.Key_B)
    qtbot.mouseClick(panel.batch_button, LEFT)
    assert queued == [(Unit(layer="layer", index=3),)] * 2


def test_a_text_is_asked_for(panel: NeuronsPanel, qtbot: QtBot) -> None:
    asked: list[tuple[Target, ...]] = []
    panel.render_asked.connect(asked.append)
    qtbot.keyClicks(panel.text_box.text, "  a star ")
    qtbot.keyClick(panel.text_box.text, Qt.Key.Key_Return)
    assert asked == [(Text(text="a star"),)]


def test_a_sum_is_asked_for_and_what_is_wrong_with_it_is_said(panel: NeuronsPanel, qtbot: QtBot) -> None:
    asked: list[tuple[Target, ...]] = []
    panel.render_asked.connect(asked.append)
    qtbot.keyClicks(panel.text_box.text, '"a star" - ')
    qtbot.keyClick(panel.text_box.text, Qt.Key.Key_Return)
    assert asked == []
    assert panel.text_box.problem.startswith('A term is missing in "a star" -')
    qtbot.keyClicks(panel.text_box.text, "2*visual.a:3@max")
    assert panel.text_box.problem == ""
    qtbot.keyClick(panel.text_box.text, Qt.Key.Key_Return)
    assert [target.label for (target,) in asked] == ['"a star" - 2*visual.a:3@max']


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('visual.layer9:3 + "a star"', "There is no layer 'visual.layer9'. "),
        ("others(visual.layer9:3)", "There is no layer 'visual.layer9'. "),
        ("visual.transformer.resblocks.1.attn.out_proj:3", "Layer 'visual.transformer.resblocks.1.attn.out_proj' c"),
        (f"-{HIDDEN}:256", f"Layer '{HIDDEN}' has no neuron 256: its 256 neurons are 0 to 255"),
        (f"0.5*others({HIDDEN}:300)", f"Layer '{HIDDEN}' has no neuron 300: its 256 neurons are 0 to 255"),
        (f"{HIDDEN}:3@999", f"Layer '{HIDDEN}' has no position 999: they are 0 to "),
    ],
)
def test_a_sum_of_what_the_open_model_lacks_is_not_asked_for(
    panel: NeuronsPanel, inspector: LayerInspector, qtbot: QtBot, text: str, complaint: str
) -> None:
    asked: list[tuple[Target, ...]] = []
    panel.render_asked.connect(asked.append)
    panel.show_tree(inspector.tree)
    panel.text_box.text.setText(text)
    qtbot.keyClick(panel.text_box.text, Qt.Key.Key_Return)
    assert panel.text_box.problem.startswith(complaint)
    assert "\n" not in panel.text_box.problem
    assert asked == []


def test_a_sum_of_what_the_open_model_has_is_asked_for(
    panel: NeuronsPanel, inspector: LayerInspector, tmp_path: Path, qtbot: QtBot
) -> None:
    asked: list[tuple[Target, ...]] = []
    panel.render_asked.connect(asked.append)
    panel.show_tree(inspector.tree)
    (tmp_path / "cats.txt").write_text(" ".join(["1", "0"] * 128))
    for text in ("a star", f'"a star" - {HIDDEN}:255@max', f"{HIDDEN}:[{tmp_path}/cats.txt]"):
        panel.text_box.text.setText(text)
        qtbot.keyClick(panel.text_box.text, Qt.Key.Key_Return)
    assert panel.text_box.problem == ""
    assert len(asked) == 3


def test_a_selection_survives_sorting_and_filtering(panel: NeuronsPanel, qtbot: QtBot) -> None:
    panel.model.set_state(Unit(layer="layer", index=700), UnitState("done", 3.0))
    panel.range.setText("3,700")
    panel.table.sortByColumn(column_of("activation"), Qt.SortOrder.DescendingOrder)
    assert panel.model.unit_at(0) == 700
    assert units(panel) == [3, 700]
    qtbot.keyClicks(panel.filter, "done")
    assert panel.model.rowCount() == 1
    assert units(panel) == [700]


def reached(panel: NeuronsPanel, index: int, activation: float) -> None:
    panel.model.set_state(Unit(layer="layer", index=index), UnitState("done", activation))


def top(panel: NeuronsPanel, count: int = 2) -> list[int]:
    return [panel.model.unit_at(row) for row in range(count)]


def test_results_go_to_their_place_as_they_come_in(panel: NeuronsPanel, qtbot: QtBot) -> None:
    panel.table.sortByColumn(column_of("activation"), Qt.SortOrder.DescendingOrder)
    reached(panel, 5, 2.0)
    qtbot.waitUntil(lambda: top(panel) == [5, 0])
    panel.select(5)
    seen: list[Unit] = []
    panel.current_changed.connect(seen.append)
    panel.table.verticalScrollBar().setValue(100)
    reached(panel, 700, 3.0)
    qtbot.waitUntil(lambda: top(panel) == [700, 5])
    assert units(panel) == [5]
    assert panel.model.unit_at(panel.table.currentIndex().row()) == 5
    assert seen == []
    assert panel.table.verticalScrollBar().value() == 100


def test_the_filter_by_state_follows_results_as_they_come_in(panel: NeuronsPanel, qtbot: QtBot) -> None:
    panel.states.setCurrentText("Done")
    assert panel.model.rowCount() == 0
    reached(panel, 5, 2.0)
    qtbot.waitUntil(lambda: panel.model.rowCount() == 1)
    panel.model.set_status([Unit(layer="layer", index=5)], "rendering")
    qtbot.waitUntil(lambda: panel.model.rowCount() == 0)


def test_no_row_moves_under_a_button_that_is_down_nor_before_a_second_click(panel: NeuronsPanel, qtbot: QtBot) -> None:
    panel.table.sortByColumn(column_of("activation"), Qt.SortOrder.DescendingOrder)
    viewport = panel.table.viewport()
    qtbot.mousePress(viewport, LEFT, pos=at(panel, 1))
    reached(panel, 700, 3.0)
    panel._sort_again()
    assert top(panel) == [0, 1]
    qtbot.mouseRelease(viewport, LEFT, pos=at(panel, 1))
    panel._sort_again()
    assert top(panel) == [0, 1]
    qtbot.waitUntil(lambda: top(panel) == [700, 0])
    assert units(panel) == [1]


def test_home_and_end_go_to_the_first_and_the_last_row(panel: NeuronsPanel, qtbot: QtBot) -> None:
    panel.select(5)
    panel.table.setFocus()
    qtbot.keyClick(panel.table, Qt.Key.Key_End)
    assert units(panel) == [767]
    qtbot.keyClick(panel.table, Qt.Key.Key_Home)
    assert units(panel) == [0]
    qtbot.keyClick(panel.table, Qt.Key.Key_End, SHIFT)
    assert panel.selected_count() == 768
    panel.filter.setText("nowhere")
    qtbot.keyClick(panel.table, Qt.Key.Key_Home)
    assert units(panel) == []


def test_a_selected_picture_keeps_its_colours(panel: NeuronsPanel) -> None:
    red = packed(to_image(np.full((32, 32, 3), [250, 20, 20], dtype=np.uint8)))
    panel.model.set_state(Unit(layer="layer", index=3), UnitState("done", 1.0, 5, thumbnail=red))
    panel.select(3)
    area = panel.table.visualRect(panel.model.index(3, column_of("picture")))
    color = panel.table.viewport().grab().toImage().pixelColor(area.center())
    assert color.red() > 200
    assert color.blue() < 60


def test_a_range_shows_what_the_filter_hides(panel: NeuronsPanel, qtbot: QtBot) -> None:
    panel.model.set_state(Unit(layer="layer", index=700), UnitState("done", 3.0))
    qtbot.keyClicks(panel.filter, "done")
    qtbot.keyClicks(panel.range, "5:8")
    assert panel.filter.text() == ""
    assert units(panel) == [5, 6, 7]
    assert panel.batch_button.text() == "Add 3 to batch"


def test_a_range_of_what_the_filter_shows_keeps_it(panel: NeuronsPanel, qtbot: QtBot) -> None:
    panel.model.set_status([Unit(layer="layer", index=index) for index in (5, 6)], "waiting")
    qtbot.keyClicks(panel.filter, "waiting")
    qtbot.keyClicks(panel.range, "5,6")
    assert panel.filter.text() == "waiting"
    assert units(panel) == [5, 6]


def test_another_layer_begins_at_its_top_with_no_selection(panel: NeuronsPanel) -> None:
    panel.range.setText("700-703")
    panel.show_layer(LayerInfo("other", "Linear", (600,), Layout.VECTOR, 600, source=ModuleOutput("other")))
    assert panel.selected() == ()
    assert panel.table.rowAt(5) == 0
    assert panel.range.text() == ""


def test_50000_rows_can_be_selected_and_sorted(panel: NeuronsPanel) -> None:
    panel.show_layer(LayerInfo("large", "Linear", (50_000,), Layout.VECTOR, 50_000, source=ModuleOutput("large")))
    panel.range.setText("all")
    assert panel.selected_count() == 50_000
    panel.table.sortByColumn(column_of("activation"), Qt.SortOrder.DescendingOrder)
    assert panel.selected_count() == 50_000


def test_the_cursor_says_where_it_is(panel: NeuronsPanel, qtbot: QtBot) -> None:
    seen: list[Unit] = []
    panel.current_changed.connect(seen.append)
    click(qtbot, panel, 4)
    qtbot.keyClick(panel.table, Qt.Key.Key_Down)
    assert [unit.index for unit in seen] == [4, 5]


def test_nothing_can_be_asked_for_before_all_is_ready(panel: NeuronsPanel, qtbot: QtBot) -> None:
    panel.offer(False)
    click(qtbot, panel, 4)
    panel.text_box.text.setText("a star")
    assert not panel.batch_button.isEnabled()
    assert not panel.text_box.button.isEnabled()
    panel.offer(True)
    assert panel.batch_button.isEnabled()
    assert panel.text_box.button.isEnabled()
    panel.text_box.text.setText(" ")
    assert not panel.text_box.button.isEnabled()


def test_tab_leaves_the_table_and_keeps_the_selection(panel: NeuronsPanel, qtbot: QtBot) -> None:
    click(qtbot, panel, 4)
    panel.table.setFocus()
    qtbot.keyClick(panel.table, Qt.Key.Key_Tab)
    assert panel.focusWidget() is panel.batch_button
    panel.table.setFocus()
    qtbot.keyClick(panel.table, Qt.Key.Key_Backtab)
    assert panel.focusWidget() is not panel.table
    assert units(panel) == [4]


def test_a_status_can_be_read_in_a_small_window_and_after_it(panel: NeuronsPanel) -> None:
    table = panel.table
    before = [table.columnWidth(column) for column in range(len(COLUMNS))]
    panel.resize(panel.minimumSizeHint().width(), 400)
    margins = 10
    assert table.columnWidth(column_of("status")) >= table.fontMetrics().horizontalAdvance("rendering") + margins
    panel.resize(500, 800)
    assert [table.columnWidth(column) for column in range(len(COLUMNS))] == before


def test_the_row_of_a_picture_under_the_mouse_is_framed(panel: NeuronsPanel) -> None:
    def seen() -> QImage:
        return panel.table.viewport().grab().toImage()

    before = seen()
    panel.highlight(Unit(layer=LAYER.name, index=3))
    row = panel.table.rowViewportPosition(3)
    framed = seen()
    assert framed.pixel(5, row + 1) != before.pixel(5, row + 1)
    assert framed.copy(0, 0, 200, row - 1) == before.copy(0, 0, 200, row - 1)
    for nothing in (None, Unit(layer="another", index=3), Text(text="a star")):
        panel.highlight(nothing)
        assert seen() == before


def test_the_table_is_filtered_by_state(panel: NeuronsPanel) -> None:
    panel.model.set_state(Unit(layer="layer", index=3), UnitState("nothing excited it", 0.0))
    panel.model.set_state(Unit(layer="layer", index=5), UnitState("stopped at 39", 1.0))
    texts = [panel.states.itemText(i) for i in range(panel.states.count())]
    assert texts[:4] == ["Any state", "Done", "Stopped", "Nothing excited it"]

    def shown(text: str) -> list[int]:
        panel.states.setCurrentText(text)
        return [panel.model.unit_at(row) for row in range(panel.model.rowCount())]

    assert (shown("Stopped"), shown("Nothing excited it"), shown("Done")) == ([5], [3], [])
    panel.range.setText("7")
    assert (panel.states.currentText(), panel.selected()) == ("Any state", (Unit(layer="layer", index=7),))
