"""Help commands: the command palette, the list of shortcuts, and About."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMessageBox, QWidget

from clipdesk.gui.command_palette import CommandPalette
from clipdesk.gui.commands import Commands
from clipdesk.gui.shortcut_list import ShortcutList
from clipdesk.version import __version__


class HelpCommands(QObject):
    """Opens what the Help menu offers.

    Args:
        commands: Those of the Help menu.
        everything: All actions by the title of their menu, asked anew each time: the list of recent models changes.
        parent: The window over which dialogs open.
    """

    def __init__(
        self, commands: Commands, everything: Callable[[], Mapping[str, Sequence[QAction]]], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._everything = everything
        self._parent = parent
        self._recent: list[str] = []
        commands.palette.triggered.connect(self.open_palette)
        commands.shortcuts.triggered.connect(self._show_shortcuts)
        commands.about.triggered.connect(self._about)

    @Slot()
    def open_palette(self) -> CommandPalette:
        """Show the command palette."""
        palette = CommandPalette(self._everything(), self._recent, self._parent)
        palette.open_over(self._parent)
        return palette

    @Slot()
    def _show_shortcuts(self) -> None:
        shown = ShortcutList(self._everything(), self._parent)
        shown.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        shown.show()

    @Slot()
    def _about(self) -> None:
        QMessageBox.about(
            self._parent,
            "About ClipDesk",
            f"<b>ClipDesk {__version__}</b><p>Shows what single neurons of a CLIP vision model look for.</p>"
            "<p>CLIP: Radford et al. 2021. Feature visualization: Olah et al. 2017.</p>"
            "<p>Icons: Material Design Icons, Apache 2.0.</p>",
        )
