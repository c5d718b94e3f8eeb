"""The neuron table: select what to render, or name it in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QPoint,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from clipdesk.errors import UsageError
from clipdesk.gui.actions import make_action
from clipdesk.gui.icons import icon
from clipdesk.gui.item_models.neurons import NeuronTableModel
from clipdesk.gui.item_models.unit_columns import COLUMNS, UnitState, column_of
from clipdesk.gui.panels.neuron_table import NeuronTable
from clipdesk.gui.panels.text_target import TextTargetBox
from clipdesk.gui.plain import plain_label
from clipdesk.gui.theme import error_palette
from clipdesk.network.layer_names import split_range
from clipdesk.ranges import describe_range, parse_range, runs_of
from clipdesk.render.targets import Target, Unit

if TYPE_CHECKING:
    from clipdesk.gui.surveys.data import LayerFacts
    from clipdesk.gui.worker import OpenedModel
    from clipdesk.models.names import ModelName
    from clipdesk.network.layers import LayerInfo, LayerNode

_SORT_MS = 200
_FLAGS = QItemSelectionModel.SelectionFlag
_STATES = {
    "Any state": None,
    "Done": "done",
    "Stopped": "stopped",
    "Nothing excited it": "nothing excited",
    "Nothing better than noise": "found nothing better",
    "Failed": "failed",
    "Not rendered": "",
}
"""What the table can be filtered by, with the beginning of the status."""
_WORTH = "worth"
"""In place of a status: the units whose top pictures are alike, those first in which they are most alike."""


class NeuronsPanel(QWidget):
    """The chosen layer's units, a range box, and a box for a text target.

    Signals:
        render_asked: A tuple of targets, on double click or Enter.
        batch_asked: A tuple of targets that are to be queued.
        selection_changed: How many units are selected.
        current_changed: A `Unit` that the user has moved the table's cursor to.
        show_asked: A `Unit` whose newest picture the user wants to see.
    """

    render_asked = Signal(object)
    batch_asked = Signal(object)
    selection_changed = Signal(int)
    current_changed = Signal(object)
    show_asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.model = NeuronTableModel(self)
        self.title = plain_label(wrap=True)
        self.title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.table = NeuronTable(self.model)
        self.filter = QLineEdit(placeholderText="Filter", clearButtonEnabled=True)
        self.filter.setAccessibleName("Filter neurons")
        self.filter.setToolTip(
            "Part of an index, a word or a status, such as done. With a survey also density<1%, clarity>0.6, dead, "
            "dense, clear or redundant; and starred, or a tag of yours"
        )
        self.states = QComboBox()
        self.states.setAccessibleName("Filter neurons by state")
        self.states.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.states.setMinimumContentsLength(6)
        for text, status in _STATES.items():
            self.states.addItem(text, status)
        self.states.addItem("Worth looking at", _WORTH)
        self.range = QLineEdit(placeholderText="Range: 0:768:8 or 3,5,9-12", clearButtonEnabled=True)
        self.range.setAccessibleName("Range of neurons")
        self.range.setToolTip(
            "Selects neurons as you type: 0:768:8, 0 64 8, 3,5,9-12 or all. Press Enter to go to the table"
        )
        self._feedback = plain_label(wrap=True)
        self._feedback.hide()
        self._hint = plain_label("Choose a layer above to see its neurons", centered=True)
        self._hint.setWordWrap(True)
        self._hint.setMargin(16)
        self.text_box = TextTargetBox()
        self.render_action = make_action(self, "Render", "play", "Return")
        self.render_action.setShortcuts([QKeySequence(Qt.Key.Key_Return), QKeySequence(Qt.Key.Key_Enter)])
        self.batch_action = make_action(self, "Add to batch", "playlist_plus", "B")
        tip = "Show the newest picture of the current neuron on the canvas, also while a job runs"
        self.show_action = make_action(self, "Show picture", "image_outline", "P", tip)
        self.batch_button = QPushButton(icon("playlist_plus"), "Add to batch")
        self.batch_button.setToolTip("Queue the selected neurons with these parameters (B)")
        self._kept: tuple[LayerInfo | None, list[int], int | None] = (None, [], None)
        self._outdated = False
        self._sorter = QTimer(self, singleShot=True, interval=_SORT_MS)
        self._layers: dict[str, LayerInfo] = {}
        self._ready = False
        self._quiet = False
        self._lay_out()
        self._connect()
        self._selection_changed()

    def _lay_out(self) -> None:
        units = QWidget()
        column = QVBoxLayout(units)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.title)
        boxes = QHBoxLayout()
        boxes.addWidget(self.range, 2)
        boxes.addWidget(self.filter, 3)
        boxes.addWidget(self.states)
        column.addLayout(boxes)
        column.addWidget(self._feedback)
        column.addWidget(self.table)
        column.addWidget(self.batch_button)
        area = QWidget()
        self._pages = QStackedLayout(area)
        self._pages.addWidget(self._hint)
        self._pages.addWidget(units)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(area, 1)
        layout.addWidget(self.text_box)

    def _connect(self) -> None:
        self.model.modelAboutToBeReset.connect(self._keep_selection)
        self.model.modelReset.connect(self._restore_selection)
        self.model.outdated.connect(self._note_outdated)
        self._sorter.timeout.connect(self._sort_again)
        self.table.let_go.connect(self._sort_again)
        self.table.doubleClicked.connect(self._ask)
        for action in (self.render_action, self.batch_action, self.show_action):
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            self.table.addAction(action)
        self.render_action.triggered.connect(self._ask)
        self.batch_action.triggered.connect(self._ask_batch)
        self.batch_button.clicked.connect(self._ask_batch)
        self.show_action.triggered.connect(self._ask_show)
        self.table.customContextMenuRequested.connect(self._show_menu)
        self.table.selectionModel().selectionChanged.connect(self._selection_changed)
        self.table.selectionModel().currentRowChanged.connect(self._current_changed)
        self.range.textChanged.connect(self._range_changed)
        self.range.returnPressed.connect(self.table.setFocus)
        self.filter.textChanged.connect(self.model.set_filter)
        self.states.currentIndexChanged.connect(self._choose_state)
        self.text_box.render_asked.connect(self.render_asked)

    def offer(self, ready: bool) -> None:
        """Enable or disable asking for pictures: a model must be open and the parameters valid."""
        self._ready = ready
        self.text_box.offer(ready)
        self._offer()

    def _offer(self) -> None:
        self.batch_button.setEnabled(self._ready and self.selected_count() > 0)

    def show_layer(self, layer: LayerInfo) -> None:
        """Show a layer's units."""
        self.model.set_layer(layer)
        self.text_box.show_layer(layer.name)
        self.table.scrollToTop()
        self.title.setText(f"{layer.name}: {layer.units} {layer.unit_kind}s")
        self.range.setPlaceholderText(f"Range: 0:{layer.units}:8 or 3,5,9-12")
        self.range.clear()
        self.filter.clear()
        self.states.setCurrentIndex(0)
        self._pages.setCurrentIndex(1)
        self._selection_changed()

    @Slot(object)
    def show_model(self, opened: OpenedModel) -> None:
        """Begin anew with a model that was opened."""
        self.show_tree(opened.tree, opened.name)

    def show_tree(self, tree: LayerNode, model: ModelName | None = None) -> None:
        """Go back to the hint, and check sums against these layers from now on."""
        self._layers = {node.info.name: node.info for node in tree.walk()}
        self.text_box.show_layers(self._layers, model)
        self.model.set_layer(None)
        self.model.forget()
        self._pages.setCurrentIndex(0)

    @Slot(str, object)
    def show_facts(self, layer: str, facts: LayerFacts | None) -> None:
        """Show what a survey says of a layer's units; None for nothing."""
        self.model.show_facts(layer, facts)
        self.table.show_surveyed(self.model.surveyed)

    def _choose_state(self) -> None:
        if self.states.currentData() != _WORTH:
            self.model.set_wanted(self.states.currentData())
            return
        self.states.setCurrentIndex(0)
        self.filter.setText("clear")
        self.table.sortByColumn(column_of("clarity"), Qt.SortOrder.DescendingOrder)
        self.table.scrollToTop()

    @Slot(str, object)
    def show_found(self, layer: str, found: Mapping[int, UnitState]) -> None:
        """Show a layer's units as earlier sessions left them; the model's file may be a new one with fewer units."""
        units = self._layers[layer].units if layer in self._layers else 0
        self.model.set_found(layer, {index: state for index, state in found.items() if index < units})

    def select(self, index: int, *, quietly: bool = False) -> None:
        """Select one unit and scroll to it.

        Args:
            index: The unit.
            quietly: Whether the user has not asked for it: then nothing else is shown because of it.
        """
        at = self.model.row_of(index)
        if at is None:
            return
        row = self.model.index(at, column_of("index"))
        self._quiet = quietly
        self.table.selectionModel().setCurrentIndex(row, _FLAGS.ClearAndSelect | _FLAGS.Rows)
        self._quiet = False
        self.table.scrollTo(row, QAbstractItemView.ScrollHint.PositionAtCenter)

    @Slot(object)
    def select_target(self, targets: Sequence[Target]) -> None:
        """Select the first of some units, if it is one of the layer's; its newest picture is shown then."""
        layer, target = self.model.layer, targets[0]
        if layer is not None and target.layer == layer.name and target.index is not None:
            self.select(target.index)

    def highlight(self, target: Target | None) -> None:
        """Frame a unit's row, or none, as one whose picture or curve the user points at."""
        layer = self.model.layer
        ours = target is not None and layer is not None and target.layer == layer.name
        index = target.index if target is not None and ours else None
        self.table.point_at(None if index is None else self.model.row_of(index))

    def select_units(self, units: list[int], *, quietly: bool = False) -> None:
        """Select units and scroll to the first of them; quietly as in `select`."""
        self._quiet = quietly
        last = len(COLUMNS) - 1
        rows = sorted(row for unit in units if (row := self.model.row_of(unit)) is not None)
        selection = QItemSelection()
        for start, end in runs_of(rows):
            selection.append(QItemSelectionRange(self.model.index(start, 0), self.model.index(end, last)))
        # Reset first: to compare thousands of old ranges with new ones takes Qt long.
        self.table.selectionModel().reset()
        self.table.selectionModel().select(selection, _FLAGS.Select)
        self.table.viewport().update()
        if rows:
            first = self.model.index(rows[0], 0)
            self.table.selectionModel().setCurrentIndex(first, _FLAGS.NoUpdate)
            self.table.scrollTo(first)
        else:
            # A reset alone does not tell that the selection is empty now.
            self._selection_changed()
        self._quiet = False

    @property
    def current(self) -> Unit | None:
        """The unit that the keyboard is at; None if there is none."""
        index = self.table.currentIndex()
        if self.model.layer is None or not index.isValid():
            return None
        return Unit(layer=self.model.layer.name, index=self.model.unit_at(index.row()))

    def selected(self) -> tuple[Target, ...]:
        """The selected units, in order of their index."""
        layer = self.model.layer
        return () if layer is None else tuple(Unit(layer=layer.name, index=unit) for unit in self._selected_units())

    def _selected_units(self) -> list[int]:
        rows = {row for span in self._spans() for row in range(span.top(), span.bottom() + 1)}
        return sorted(self.model.unit_at(row) for row in rows)

    def selected_runs(self) -> list[tuple[int, int]]:
        """The first and last of each run of neighbours among the selected units."""
        return runs_of(self._selected_units())

    def _keep_selection(self) -> None:
        current = self.table.currentIndex()
        unit = self.model.unit_at(current.row()) if current.isValid() and self.model.layer is not None else None
        self._kept = self.model.layer, self._selected_units(), unit

    def _restore_selection(self) -> None:
        """Select the same units after sorting and filtering; in another layer, none."""
        layer, units, current = self._kept
        if layer is self.model.layer:
            if units:
                self.select_units(units, quietly=True)
            self._quiet = True
            if current is not None and (row := self.model.row_of(current)) is not None:
                self.table.selectionModel().setCurrentIndex(self.model.index(row, 0), _FLAGS.NoUpdate)
            self._quiet = False
        self._selection_changed()

    def _note_outdated(self) -> None:
        self._outdated = True
        if not self._sorter.isActive():
            self._sorter.start()

    def _sort_again(self) -> None:
        """Put rows whose results came in where they belong, but none that is being clicked; the view stays."""
        if self._outdated and not self.table.held:
            self._outdated = False
            bar = self.table.verticalScrollBar()
            place = bar.value()
            self.model.rearrange()
            bar.setValue(place)

    def selected_count(self) -> int:
        """How many units are selected."""
        return sum(span.height() for span in self._spans())

    def _spans(self) -> list[QItemSelectionRange]:
        selection = self.table.selectionModel().selection()
        return [selection.at(i) for i in range(selection.count())]

    def _selection_changed(self) -> None:
        count = self.selected_count()
        self._offer()
        self.batch_button.setText(f"Add {count} to batch" if count > 1 else "Add to batch")
        self.selection_changed.emit(count)

    def _current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if self.model.layer is not None and current.isValid() and not self._quiet:
            unit = self.model.unit_at(current.row())
            self.current_changed.emit(Unit(layer=self.model.layer.name, index=unit))

    def _range_changed(self, text: str) -> None:
        """Select the units of the range; show how many they are, or what is wrong with the range."""
        layer = self.model.layer
        self._feedback.setVisible(bool(text.strip()))
        if layer is None or not text.strip():
            return
        palette = self.palette()
        try:
            units = parse_range(split_range(text, layer.name), layer.units)
        except UsageError as error:
            palette = error_palette(palette)
            self._feedback.setText(str(error))
            # The units of the shorter text that was there before do not stay selected.
            self.select_units([])
        else:
            plural = "" if len(units) == 1 else "s"
            self._feedback.setText(f"{len(units)} {layer.unit_kind}{plural}: {describe_range(units)}")
            # A hidden row cannot be selected, and the range is the user's latest word.
            if any(self.model.row_of(unit) is None for unit in units):
                self.filter.clear()
                self.states.setCurrentIndex(0)
            self.select_units(units)
        self._feedback.setPalette(palette)

    @property
    def feedback(self) -> str:
        """The line under the range box."""
        return self._feedback.text() if self._feedback.isVisibleTo(self) else ""

    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.addActions([self.render_action, self.batch_action, self.show_action])
        menu.addAction("Select all", self.table.selectAll)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.table.viewport().mapToGlobal(place))

    def _ask(self) -> None:
        if targets := self.selected():
            self.render_asked.emit(targets)

    def _ask_show(self) -> None:
        if self.model.layer is not None and self.table.currentIndex().isValid():
            unit = self.model.unit_at(self.table.currentIndex().row())
            self.show_asked.emit(Unit(layer=self.model.layer.name, index=unit))

    def _ask_batch(self) -> None:
        if targets := self.selected():
            self.batch_asked.emit(targets)
