"""The neuron table: pick what to render; or name it in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from clipdesk.gui.item_models.neurons import NeuronTableModel
from clipdesk.render.targets import Target, Text, Unit

if TYPE_CHECKING:
    from clipdesk.inspector import LayerInfo


class NeuronsPanel(QWidget):
    """The chosen layer's units, and a box for a text target.

    Signals:
        render_asked: A tuple of targets, on double click or Enter.
        selection_changed: How many units are selected.
    """

    render_asked = Signal(object)
    selection_changed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.model = NeuronTableModel(self)
        self.title = QLabel()
        self.title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.title.setWordWrap(True)
        self.table = self._make_table()
        self._hint = QLabel("Choose a layer above to see its neurons", alignment=Qt.AlignmentFlag.AlignCenter)
        self._hint.setWordWrap(True)
        self._hint.setMargin(16)
        self.text = QLineEdit(placeholderText="or a text, e.g. a star")
        self.text.setAccessibleName("Text target")
        self.text.setToolTip("Render a picture whose embedding points where this text's does")
        self.text_button = QPushButton("Render text")
        self.text_button.setEnabled(False)

        units = QWidget()
        column = QVBoxLayout(units)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.title)
        column.addWidget(self.table)
        area = QWidget()
        self._pages = QStackedLayout(area)
        self._pages.addWidget(self._hint)
        self._pages.addWidget(units)
        row = QHBoxLayout()
        row.addWidget(self.text)
        row.addWidget(self.text_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(area, 1)
        layout.addLayout(row)
        self._connect()

    def _make_table(self) -> QTableView:
        table = QTableView(showGrid=False, wordWrap=False)
        table.setAlternatingRowColors(True)
        table.setAccessibleName("Neurons")
        table.setModel(self.model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        return table

    def _connect(self) -> None:
        self.table.doubleClicked.connect(self._ask)
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            shortcut = QShortcut(QKeySequence(key), self.table)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(self._ask)
        self.table.selectionModel().selectionChanged.connect(self._selection_changed)
        self.text.textChanged.connect(lambda text: self.text_button.setEnabled(bool(text.strip())))
        self.text.returnPressed.connect(self._ask_text)
        self.text_button.clicked.connect(self._ask_text)

    def show_layer(self, layer: LayerInfo) -> None:
        """Show a layer's units."""
        self.model.set_layer(layer)
        self.title.setText(f"{layer.name}: {layer.units} {layer.unit_kind}s")
        self._pages.setCurrentIndex(1)
        self.selection_changed.emit(0)

    def clear(self) -> None:
        """Back to the hint, as when another model is opened."""
        self.model.set_layer(None)
        self.model.forget()
        self._pages.setCurrentIndex(0)

    def select(self, index: int) -> None:
        """Select one unit and scroll to it."""
        row = self.model.index(index, 0)
        flags = QItemSelectionModel.SelectionFlag
        self.table.selectionModel().setCurrentIndex(row, flags.ClearAndSelect | flags.Rows)
        self.table.scrollTo(row, QAbstractItemView.ScrollHint.PositionAtCenter)

    def selected(self) -> tuple[Target, ...]:
        """The selected units, in order."""
        layer = self.model.layer
        if layer is None:
            return ()
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return tuple(Unit(layer=layer.name, index=row) for row in rows)

    def _selection_changed(self) -> None:
        self.selection_changed.emit(len(self.table.selectionModel().selectedRows()))

    def _ask(self, _index: QModelIndex | None = None) -> None:
        if targets := self.selected():
            self.render_asked.emit(targets)

    def _ask_text(self) -> None:
        if text := self.text.text().strip():
            self.render_asked.emit((Text(text=text),))
