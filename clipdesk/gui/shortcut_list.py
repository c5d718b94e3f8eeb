"""The list of keys, menu by menu, with a filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QHeaderView, QLineEdit, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

_MORE_KEYS = {
    "In the architecture tree": [("Copy the layer's name", "Ctrl+C")],
    "In the neuron table": [
        ("Render the selection", "Return"),
        ("Add the selection to the batch", "B"),
        ("Show the newest picture of the current neuron", "P"),
    ],
    "On the canvas": [
        ("Go to another picture", "Arrow keys"),
        ("Show one picture alone, or all", "Return"),
        ("Show all pictures, fitted", "Esc"),
    ],
    "In the gallery": [("Bring back what was moved to the trash last", "Ctrl+Z")],
}
"""Keys of no command of the menus."""


class ShortcutList(QDialog):
    """Every command with its keys.

    Args:
        menus: The commands by the title of their menu; those without keys are left out.
        parent: The window.
    """

    def __init__(self, menus: Mapping[str, Sequence[QAction]], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.box = QLineEdit(placeholderText="Filter: part of a command or of its keys", clearButtonEnabled=True)
        self.box.setAccessibleName("Filter shortcuts")
        self.box.textChanged.connect(self._look_for)
        groups = {title: _rows(actions) for title, actions in menus.items()} | _MORE_KEYS
        self._groups = {title: rows for title, rows in groups.items() if rows}
        self.table = self._make_table()
        layout = QVBoxLayout(self)
        layout.addWidget(self.box)
        layout.addWidget(self.table)
        self.resize(80 * self.fontMetrics().averageCharWidth(), 36 * self.fontMetrics().height())

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, 2)
        table.setAccessibleName("Keyboard shortcuts")
        table.setHorizontalHeaderLabels(["Command", "Keys"])
        table.verticalHeader().hide()
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        table.setShowGrid(False)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        bold = table.font()
        bold.setBold(True)
        for title, rows in self._groups.items():
            heading = QTableWidgetItem(title)
            heading.setFont(bold)
            heading.setBackground(self.palette().alternateBase())
            _add(table, heading)
            table.setSpan(table.rowCount() - 1, 0, 1, 2)
            for command, keys in rows:
                _add(table, QTableWidgetItem(command), QTableWidgetItem(keys))
        return table

    def _look_for(self, text: str) -> None:
        """Show the rows that have all words of a text, and the titles of their menus."""
        words, at = text.casefold().split(), 0
        for title, rows in self._groups.items():
            found = [_has(words, title, *row) for row in rows]
            for row, shown in enumerate((any(found), *found), start=at):
                self.table.setRowHidden(row, not shown)
            at += 1 + len(rows)


def _rows(actions: Sequence[QAction]) -> list[tuple[str, str]]:
    native = QKeySequence.SequenceFormat.NativeText
    return [
        (action.text().replace("&", "").removesuffix(" …"), keys)
        for action in actions
        if (keys := ", ".join(key.toString(native) for key in action.shortcuts()))
    ]


def _add(table: QTableWidget, *cells: QTableWidgetItem) -> None:
    row = table.rowCount()
    table.setRowCount(row + 1)
    for column, cell in enumerate(cells):
        table.setItem(row, column, cell)


def _has(words: Sequence[str], *texts: str) -> bool:
    line = " ".join(texts).casefold()
    return all(word in line for word in words)
