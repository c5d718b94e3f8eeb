"""A table of rows."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.rows_table import RowsTable


def test_home_and_end_go_to_the_first_and_the_last_row(qtbot: QtBot) -> None:
    table, model = RowsTable(), QStandardItemModel()
    for row in range(5):
        model.appendRow([QStandardItem(f"{row}, {column}") for column in range(3)])
    qtbot.addWidget(table)
    table.setModel(model)
    table.setCurrentIndex(model.index(2, 1))
    for key, row in ((Qt.Key.Key_End, 4), (Qt.Key.Key_Home, 0), (Qt.Key.Key_Down, 1)):
        qtbot.keyClick(table, key)
        assert (table.currentIndex().row(), table.currentIndex().column()) == (row, 1)
