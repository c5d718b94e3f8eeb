"""The page of a comparison: the units that have changed, one of them in both models, and the layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QModelIndex, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from clipdesk.gui.comparisons.data import Changed, Layers
from clipdesk.gui.item_models.changed import SIDES, ChangedModel, Words
from clipdesk.gui.panels.cka_map import CkaMap
from clipdesk.gui.panels.compared_unit import ComparedUnit
from clipdesk.gui.panels.compared_wall import ComparedWall
from clipdesk.gui.panels.comparison_bar import ComparisonBar
from clipdesk.gui.panels.rows_table import RowsTable
from clipdesk.gui.plain import plain_label
from clipdesk.gui.words import breakable

_HINT = (
    "What did a fine-tuning change? Choose a second model under “Compare with”: both read the same images, and the "
    "units that have changed most are listed, with pictures of both."
)
_CKA = (
    "Linear CKA of A's layers, from top to bottom, and B's, from left to right: the stronger the colour, the "
    "more alike. Point at a cell for its number."
)
UNITS, WALL, UNIT, LAYERS = range(4)
PHOTO = 30
"""Side of a photo in the table."""
_LOOK_MS = 60
_WIDE = 780
"""With less room than this, table and unit stand one above the other."""
_UNIT = 350
"""The least width of a unit in both models."""
_HIGH = 520
"""With less than this as well, the unit is a page of its own."""


class ComparisonPage(QWidget):
    """The page.

    Signals:
        unit_chosen: The `Changed` unit that is to be shown.
        ordered: The units of the table are others, or in another order.
        rows_seen: The places of the units in the rows that are seen.
    """

    unit_chosen = Signal(object)
    ordered = Signal()
    rows_seen = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self.bar = ComparisonBar()
        self.model = ChangedModel(self)
        self.table = self._make_table()
        self.wall = ComparedWall()
        self.unit = ComparedUnit()
        self.map = CkaMap()
        self.notes = plain_label(wrap=True, margin=4)
        self.hint = plain_label(_HINT, centered=True, wrap=True, margin=16)
        self.tabs = QTabBar(documentMode=True, drawBase=False, expanding=False)
        self.tabs.setAccessibleName("What is shown of the comparison")
        for name in ("Units", "Wall", "Unit", "Layers"):
            self.tabs.addTab(name)
        self._lay_out()
        self.tabs.currentChanged.connect(self._turn)
        self.table.selectionModel().currentRowChanged.connect(self._choose)
        self.wall.unit_chosen.connect(self._choose_place)
        self.wall.view.chosen.connect(self._look_into)
        self.table.activated.connect(lambda index: self._look_into(index.row()))
        self.wall.sort_asked.connect(self._sort)
        self.model.layoutChanged.connect(self._order)
        self._look = QTimer(self, singleShot=True, interval=_LOOK_MS)
        self._look.timeout.connect(self._see)
        self.table.verticalScrollBar().valueChanged.connect(self._look.start)
        self.show_none()

    def _make_table(self) -> RowsTable:
        table = RowsTable()
        table.setAccessibleName("Units that have changed most")
        table.setModel(self.model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.setWordWrap(False)
        table.verticalHeader().hide()
        table.setIconSize(QSize(PHOTO, PHOTO))
        table.verticalHeader().setDefaultSectionSize(max(PHOTO + 4, round(1.5 * table.fontMetrics().height())))
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setResizeContentsPrecision(100)
        for column in SIDES:
            # Words come later, and must not move the columns that are being read.
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            header.resizeSection(column, PHOTO + round(9.5 * table.fontMetrics().averageCharWidth()) + 14)
        header.setHighlightSections(False)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.DescendingOrder)
        table.setSortingEnabled(True)
        return table

    def _lay_out(self) -> None:
        # Until it is shown, side by side they would keep a small window from its size.
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setChildrenCollapsible(False)
        self._lists = QStackedWidget()
        for each in (self.table, self.wall):
            self._lists.addWidget(each)
        self.splitter.addWidget(self._lists)
        self.splitter.addWidget(self.unit)
        # It scrolls downwards only.
        self.unit.setMinimumWidth(_UNIT)
        self.splitter.setSizes([300, 400])
        area = QScrollArea()
        area.setAccessibleName("CKA of the layers")
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(self.map)
        layers = QWidget()
        column = QVBoxLayout(layers)
        # Outside of what scrolls: the map may be wider than the window, and a text must not be.
        column.addWidget(plain_label(_CKA, wrap=True))
        column.addWidget(area, 1)
        self._pages = QStackedWidget()
        for page in (self.splitter, layers, self.hint):
            self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for widget in (self.bar, self.notes, self.tabs):
            layout.addWidget(widget)
        layout.addWidget(self._pages, 1)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._look.start()
        wide = self.width() >= _WIDE
        self.splitter.setOrientation(Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical)
        self._divide()

    @property
    def is_small(self) -> bool:
        """Whether there is no room for list and unit at once."""
        return self.width() < _WIDE and self.height() < _HIGH

    def _divide(self) -> None:
        """Show list and unit together, or each on a page of its own."""
        small = self.is_small
        if not small and self.tabs.currentIndex() == UNIT:
            self.tabs.setCurrentIndex(UNITS)
        self.tabs.setTabVisible(UNIT, small)
        self._lists.setVisible(not small or self.tabs.currentIndex() != UNIT)
        self.unit.setVisible(not small or self.tabs.currentIndex() == UNIT)

    def _look_into(self, at: int) -> None:
        """Show a unit alone, where there is no room for it beside the list; on the wall, from near."""
        if self.is_small:
            self.tabs.setCurrentIndex(UNIT)
        elif self.tabs.currentIndex() == WALL:
            self.wall.view.show_alone(at)

    def show_none(self) -> None:
        """Show no comparison."""
        self.model.show(())
        self.unit.show_none()
        self.map.show_layers(None)
        self.wall.show_units((), None)
        self.tabs.hide()
        self.notes.hide()
        self._pages.setCurrentWidget(self.hint)

    def show_comparison(self, rows: Sequence[Changed], layers: Layers, notes: Sequence[str]) -> None:
        """Show a comparison in the order that the header says, and the first of its units."""
        self.unit.show_none()
        self.map.show_layers(layers)
        self.model.show(rows)
        for column in range(self.model.columnCount()):
            self.table.setColumnHidden(column, self.model.empty(column))
        header = self.table.horizontalHeader()
        # `layoutChanged` tells the others.
        self.model.sort(header.sortIndicatorSection(), header.sortIndicatorOrder())
        self.tabs.show()
        self.notes.setText(breakable(" ".join(notes)))
        self.notes.setVisible(bool(notes))
        self._turn(self.tabs.currentIndex())
        self.table.selectRow(0)

    def show_row_words(self, words: Mapping[int, Words]) -> None:
        """Take first words, by the places of their units; sort by them where they are what the table is sorted by."""
        self.model.add_words(words)
        header = self.table.horizontalHeader()
        if header.sortIndicatorSection() in SIDES and not self.model.without_words(1):
            self.model.sort(header.sortIndicatorSection(), header.sortIndicatorOrder())
        else:
            self.wall.show_words(self.model.words_of)

    def _choose(self, index: QModelIndex) -> None:
        if index.isValid():
            changed = self.model.rows[index.row()]
            self.unit.show_unit(changed)
            self.wall.show_current(changed.place)
            self.unit_chosen.emit(changed)

    def _choose_place(self, place: int) -> None:
        row = next((at for at, each in enumerate(self.model.rows) if each.place == place), None)
        if row is not None and row != self.table.currentIndex().row():
            self.table.selectRow(row)

    def _sort(self, column: int) -> None:
        words = column in SIDES
        order = Qt.SortOrder.AscendingOrder if words else Qt.SortOrder.DescendingOrder
        self.table.sortByColumn(column, order)

    def _turn(self, tab: int) -> None:
        """Show what a tab is for: units as a table or as a wall, beside the chosen one; or the layers."""
        if not self.tabs.isHidden():
            self._pages.setCurrentIndex(1 if tab == LAYERS else 0)
            if tab != UNIT:
                self._lists.setCurrentIndex(1 if tab == WALL else 0)
            self._divide()
            self._look.start()

    @Slot()
    def _order(self) -> None:
        """Hear that the units are in another order."""
        header = self.table.horizontalHeader()
        by = header.sortIndicatorSection()
        columns = self.model.orders()
        self.wall.offer(columns, by if by in columns else next(iter(columns), -1))
        self.ordered.emit()
        self.wall.show_words(self.model.words_of)
        self._look.start()

    def _see(self) -> None:
        """Say which rows are seen, once they stay."""
        if not self.table.isVisible() or not self.model.rows:
            return
        first, last = self.table.rowAt(0), self.table.rowAt(self.table.viewport().height() - 1)
        rows = self.model.rows[max(first, 0) : (last + 1) or len(self.model.rows)]
        self.rows_seen.emit([row.place for row in rows])
