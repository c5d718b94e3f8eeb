"""The commands of the File and Help menus: saving, choosing folders and checkpoints, palette, help."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QMessageBox

from clipdesk import __version__
from clipdesk.gui.animations import Animations
from clipdesk.gui.command_palette import CommandPalette
from clipdesk.gui.menus import ShortcutList

if TYPE_CHECKING:
    from clipdesk.gui.main_window import MainWindow
    from clipdesk.jobs.runner import Result


class FileCommands(QObject):
    """Asks where, and has it done in the background.

    Attributes:
        animations: The same for animations.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.animations = Animations(window)
        menus, curves = window.menus, window.curves
        menus.keep.setChecked(window.preferences.keep)
        menus.save.triggered.connect(self.ask_save)
        menus.folder.triggered.connect(self._ask_folder)
        menus.keep.toggled.connect(self._set_keep)
        menus.checkpoint.triggered.connect(self._ask_checkpoint)
        menus.palette.triggered.connect(self.open_palette)
        menus.shortcuts.triggered.connect(self._show_shortcuts)
        menus.welcome.triggered.connect(lambda: window.canvas.greet(ready=window.model_name is not None))
        menus.about.triggered.connect(self._about)
        curves.csv_action.triggered.connect(self._ask_csv)
        curves.png_action.triggered.connect(self._ask_curves_png)
        window.controller.saver.saved.connect(self._saved)

    def results(self) -> list[Result]:
        """What is shown and can be saved: the picture that is shown alone, or all."""
        return [track.result for track in self._window.canvas.selected() if track.result is not None]

    def save(self, results: list[Result], place: Path) -> None:
        """Save one result to a file, or several into a folder; in the background."""
        self._window.preferences.export_folder = place.parent if len(results) == 1 else place
        self._window.controller.saver.save(results, place)

    def ask_save(self) -> None:
        """Ask for a file, or a folder for several pictures."""
        from clipdesk.export.files import picture_name

        results = self.results()
        folder = self._window.preferences.export_folder
        if len(results) == 1:
            suggestion = str(folder / picture_name(results[0].target, datetime.now()))
            name, _ = QFileDialog.getSaveFileName(self._window, "Save picture", suggestion, "PNG pictures (*.png)")
        else:
            title = f"Folder for {len(results)} pictures"
            name = QFileDialog.getExistingDirectory(self._window, title, str(folder))
        if name and results:
            self.save(results, Path(name))

    def _ask_folder(self) -> None:
        window = self._window
        name = QFileDialog.getExistingDirectory(window, "Results folder", str(window.preferences.folder))
        if name:
            window.results.show_folder(Path(name))

    def _set_keep(self, keep: bool) -> None:
        window = self._window
        window.preferences.keep = keep
        window.controller.folder = window.preferences.folder if keep else None

    def _ask_checkpoint(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open checkpoint", str(Path.home()), "CLIP checkpoints (*.pt *.pth *.bin);;All files (*)"
        )
        if name:
            self._window.opening.open(name)

    def _ask_csv(self) -> None:
        place = self._window.preferences.export_folder / "curves.csv"
        name, _ = QFileDialog.getSaveFileName(self._window, "Export curves", str(place), "Tables (*.csv)")
        if name:
            self._window.controller.saver.write(self._window.curves.csv().encode(), Path(name))

    def _ask_curves_png(self) -> None:
        place = self._window.preferences.export_folder / "curves.png"
        name, _ = QFileDialog.getSaveFileName(self._window, "Export curves", str(place), "PNG pictures (*.png)")
        if name:
            self._window.controller.saver.write(self._window.curves.png(), Path(name))

    @Slot(str)
    def _saved(self, text: str) -> None:
        self._window.statusBar().showMessage(text, 8000)

    def open_palette(self) -> CommandPalette:
        """Show the command palette."""
        palette = CommandPalette(self._window.menus.everything(), self._window)
        palette.open_over(self._window)
        return palette

    def _show_shortcuts(self) -> None:
        ShortcutList(self._window.menus.everything(), self._window).show()

    def _about(self) -> None:
        QMessageBox.about(
            self._window,
            "About ClipDesk",
            f"<b>ClipDesk {__version__}</b><p>Shows what single neurons of a CLIP vision model look for.</p>"
            "<p>CLIP: Radford et al. 2021. Feature visualization: Olah et al. 2017.</p>"
            "<p>Icons: Material Design Icons, Apache 2.0.</p>",
        )
