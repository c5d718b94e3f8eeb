"""The table of units, and what the mouse and the keys do in it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QItemSelectionModel, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractItemView, QMenu, QStyleOptionViewItem
from typing_extensions import override

from clipdesk.gui.item_models.neurons import NeuronTableModel
from clipdesk.gui.item_models.unit_columns import COLUMNS, THUMBNAIL, column_of
from clipdesk.gui.panels.columns import SharingHeader
from clipdesk.gui.panels.focus import show_focus
from clipdesk.gui.panels.rows_table import RowsTable


class NeuronTable(RowsTable):
    """A table where a drag from an unselected row selects, and a drag from a selected one carries the rows away.

    Args:
        model: Its units.

    Signals:
        columns_chosen: The user wants to see other columns.
        let_go: The mouse is done with the rows, which may move from now on.
    """

    let_go = Signal()
    columns_chosen = Signal()

    def __init__(self, model: NeuronTableModel) -> None:
        super().__init__()
        self._pointed: int | None = None
        self._pressed = False
        self._second = QTimer(self, singleShot=True, interval=QGuiApplication.styleHints().mouseDoubleClickInterval())
        self._second.timeout.connect(self.let_go)
        self._set_up(model)

    def _set_up(self, model: NeuronTableModel) -> None:
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setAlternatingRowColors(True)
        self.setAccessibleName("Neurons")
        # Tab goes to the next control: from cell to cell it would never leave a long table. Arrow keys move in it.
        self.setTabKeyNavigation(False)
        header = SharingHeader(self)
        self.setHorizontalHeader(header)
        self.setModel(model)
        self.setSortingEnabled(True)
        self.sortByColumn(column_of("index"), Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setIconSize(QSize(THUMBNAIL, THUMBNAIL))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(max(THUMBNAIL + 4, self.fontMetrics().height() + 8))
        # A selection of its own: to see whether a column is selected as a whole, a header asks for each of 50,000 rows.
        header.setSelectionModel(QItemSelectionModel(model, header))
        unit = self.fontMetrics().averageCharWidth()
        # A picture is as wide as it is, whatever the font.
        extra = [THUMBNAIL + 12 if column.icon is not None else 0 for column in COLUMNS]
        wanted = [column.width * unit + pixels for column, pixels in zip(COLUMNS, extra, strict=True)]
        least = [column.least * unit + pixels for column, pixels in zip(COLUMNS, extra, strict=True)]
        self._header = header
        self._surveyed = False
        self._chosen = {column.key: column.shown for column in COLUMNS}
        header.share([column.takes_rest for column in COLUMNS].index(True), wanted, least)
        self.show_surveyed(False)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._offer_columns)
        self.setMinimumWidth(26 * unit)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    @override
    def initViewItemOption(self, option: QStyleOptionViewItem) -> None:
        super().initViewItemOption(option)
        show_focus(self, option)

    @property
    def columns(self) -> Mapping[str, bool]:
        """Which columns the user wants to see, by their keys."""
        return self._chosen

    def choose_columns(self, chosen: Mapping[str, bool]) -> None:
        """Show columns, or hide them, by their keys; those that are not named stay as they are."""
        self._chosen.update({key: shown for key, shown in chosen.items() if key in self._chosen})
        self.show_surveyed(self._surveyed)

    def show_surveyed(self, surveyed: bool) -> None:
        """Show a survey's columns, too, or hide them."""
        self._surveyed = surveyed
        shown = ((surveyed or not column.surveyed) and self._chosen[column.key] for column in COLUMNS)
        self._header.show_columns([each or column.takes_rest for each, column in zip(shown, COLUMNS, strict=True)])

    def _offer_columns(self, place: QPoint) -> None:
        menu = QMenu(self)
        for column in COLUMNS:
            if not column.takes_rest and (self._surveyed or not column.surveyed):
                action = menu.addAction(column.title or column.tooltip.partition(";")[0])
                action.setCheckable(True)
                action.setChecked(self._chosen[column.key])
                action.toggled.connect(lambda on, key=column.key: self._choose_column(key, on))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self._header.viewport().mapToGlobal(place))

    def _choose_column(self, key: str, shown: bool) -> None:
        self.choose_columns({key: shown})
        self.columns_chosen.emit()

    @property
    def held(self) -> bool:
        """Whether rows have to stay where they are: a button is down, or a second click may follow the first."""
        return self._pressed or self._second.isActive()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._second.stop()
        self._pressed = True
        index = self.indexAt(event.position().toPoint())
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        self.setDragEnabled(plain and index.isValid() and self.selectionModel().isSelected(index))
        super().mousePressEvent(event)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        self._release()

    @override
    def startDrag(self, actions: Qt.DropAction) -> None:
        super().startDrag(actions)
        # The button came up elsewhere, and nobody has told.
        self._release()

    def _release(self) -> None:
        self._pressed = False
        self._second.start()

    def point_at(self, row: int | None) -> None:
        """Frame a row, as one whose picture the mouse is over elsewhere; None for none."""
        if row != self._pointed:
            self._pointed = row
            self.viewport().update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._pointed is not None and self._pointed < self.model().rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(QPen(self.palette().windowText().color(), 2))
            top, height = self.rowViewportPosition(self._pointed), self.rowHeight(self._pointed)
            painter.drawRect(QRect(1, top + 1, self.viewport().width() - 2, height - 2))
            painter.end()
