"""Help commands: the command palette, the list of shortcuts, and About."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QHeaderView, QMessageBox, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from clipdesk.gui.command_palette import CommandPalette
from clipdesk.gui.commands import Commands
from clipdesk.version import __version__

_MORE_KEYS = [
    ("In the neuron table: render the selection", "Return"),
    ("In the neuron table: add the selection to the batch", "B"),
    ("In the neuron table: show the newest picture of the current neuron", "P"),
    ("In the architecture tree: copy the layer's name", "Ctrl+C"),
    ("On the canvas: go to another picture", "Arrow keys"),
    ("On the canvas: show one picture alone, or all", "Return"),
    ("On the canvas: show all pictures, fitted", "Esc"),
    ("In the gallery: move to trash", "Del"),
    ("In the gallery: bring back what was moved to the trash last", "Ctrl+Z"),
]


class HelpCommands(QObject):
    """Opens what the Help menu offers.

    Args:
        commands: Those of the Help menu.
        everything: All actions of the menus, asked anew each time: the list of recent models changes.
        parent: The window over which dialogs open.
    """

    def __init__(self, commands: Commands, everything: Callable[[], Sequence[QAction]], parent: QWidget) -> None:
        super().__init__(parent)
        self._everything = everything
        self._parent = parent
        commands.palette.triggered.connect(self.open_palette)
        commands.shortcuts.triggered.connect(self._show_shortcuts)
        commands.about.triggered.connect(self._about)

    @Slot()
    def open_palette(self) -> CommandPalette:
        """Show the command palette."""
        palette = CommandPalette(self._everything(), self._parent)
        palette.open_over(self._parent)
        return palette

    @Slot()
    def _show_shortcuts(self) -> None:
        ShortcutList(self._everything(), self._parent).show()

    @Slot()
    def _about(self) -> None:
        QMessageBox.about(
            self._parent,
            "About ClipDesk",
            f"<b>ClipDesk {__version__}</b><p>Shows what single neurons of a CLIP vision model look for.</p>"
            "<p>CLIP: Radford et al. 2021. Feature visualization: Olah et al. 2017.</p>"
            "<p>Icons: Material Design Icons, Apache 2.0.</p>",
        )


class ShortcutList(QDialog):
    """Every command with its keys.

    Args:
        actions: The commands; those without keys are left out.
        parent: The window.
    """

    def __init__(self, actions: Sequence[QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        rows = [
            (action.text().replace("&", "").removesuffix(" …"), keys)
            for action in actions
            if (keys := ", ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in action.shortcuts()))
        ]
        rows += _MORE_KEYS
        self.table = QTableWidget(len(rows), 2)
        self.table.setAccessibleName("Keyboard shortcuts")
        self.table.setHorizontalHeaderLabels(["Command", "Keys"])
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                self.table.setItem(row, column, QTableWidgetItem(text))
        layout = QVBoxLayout(self)
        layout.addWidget(self.table)
        width = self.fontMetrics().averageCharWidth()
        self.resize(80 * width, 36 * self.fontMetrics().height())
