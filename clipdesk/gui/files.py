"""The commands of the File and Help menus: saving, choosing folders and checkpoints, palette, help."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QMessageBox

from clipdesk.gui.animations import Animations
from clipdesk.gui.command_palette import CommandPalette
from clipdesk.gui.exporter import Exporter, Source
from clipdesk.gui.menus import ShortcutList
from clipdesk.gui.panels.export_dialog import Choices, ExportDialog
from clipdesk.version import __version__

if TYPE_CHECKING:
    from clipdesk.gui.main_window import MainWindow


class FileCommands(QObject):
    """Asks where, and has it done in the background.

    Attributes:
        animations: The same for animations.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.exporter = Exporter(self)
        self.animations = Animations(window)
        menus, curves = window.menus, window.curves
        menus.keep.setChecked(window.preferences.keep)
        menus.save.triggered.connect(self.ask_save)
        menus.export.triggered.connect(self.open_export)
        menus.again.triggered.connect(self._ask_pictures)
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

    def sources(self) -> list[Source]:
        """What is shown and can be saved: the picture that is shown alone, or all."""
        return [source for track in self._window.canvas.selected() if (source := Source.of_track(track))]

    def save(self, source: Source, place: Path) -> None:
        """Save a picture to a file; in the background."""
        self._window.preferences.export_folder = place.parent
        self._window.controller.saver.save(source, place)

    def ask_save(self) -> None:
        """Ask for a file; for several pictures, open the export dialog."""
        from clipdesk.export.files import picture_name

        sources = self.sources()
        if len(sources) > 1:
            self.open_export()
        elif sources:
            name = picture_name(sources[0].recipe.target, datetime.now())
            suggestion = str(self._window.preferences.export_folder / name)
            name, _ = QFileDialog.getSaveFileName(self._window, "Save picture", suggestion, "PNG pictures (*.png)")
            if name:
                self.save(sources[0], Path(name))

    def can_export(self) -> bool:
        """Whether there is anything to export."""
        return bool(self.sources()) or self._window.gallery.model.total > 0

    def open_export(self) -> ExportDialog:
        """Ask which pictures to export, and where to."""
        window, gallery = self._window, self._window.gallery
        choices: Choices = {
            "Shown on the canvas": self.sources,
            "Selected in the gallery": lambda: [Source.of_entry(entry) for entry in gallery.selected()],
            "All that the gallery shows": lambda: [Source.of_entry(entry) for entry in gallery.model.shown],
        }
        dialog = ExportDialog(self.exporter, choices, window.preferences.export_folder, window)
        dialog.finished.connect(lambda: setattr(window.preferences, "export_folder", dialog.place))
        if gallery.list.hasFocus() and gallery.selected():
            dialog.choice.setCurrentIndex(dialog.choice.findData("Selected in the gallery"))
        dialog.open()
        return dialog

    def _ask_pictures(self) -> None:
        folder = str(self._window.preferences.folder)
        names, _ = QFileDialog.getOpenFileNames(self._window, "Render again", folder, "Pictures of ClipDesk's (*.png)")
        for name in names:
            self._window.results.library.read(Path(name))

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
        kinds = "CLIP checkpoints (*.pt *.pth *.bin *.safetensors);;All files (*)"
        name, _ = QFileDialog.getOpenFileName(self._window, "Open checkpoint", str(Path.home()), kinds)
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
        self._window.status.say(text)

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
