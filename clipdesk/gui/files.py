"""File commands: saving, exporting, and choosing folders, checkpoints and pictures."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from clipdesk.export.files import picture_name
from clipdesk.gui.exporter import Exporter, Source
from clipdesk.gui.panels.export_dialog import Choices, ExportDialog
from clipdesk.gui.save_question import answers, answers_of_gallery, ask_which
from clipdesk.marks.keys import PictureKey
from clipdesk.models.places import SUFFIXES

if TYPE_CHECKING:
    from clipdesk.gui.commands import Commands
    from clipdesk.gui.library import Entry
    from clipdesk.gui.panels.canvas import Canvas
    from clipdesk.gui.panels.curves import CurvesPanel
    from clipdesk.gui.panels.gallery import GalleryPanel
    from clipdesk.gui.saver import Saver
    from clipdesk.gui.session import Session

_PNG = "PNG pictures (*.png)"
_CHECKPOINTS = f"CLIP checkpoints ({' '.join(f'*{suffix}' for suffix in SUFFIXES)});;All files (*)"
_SELECTED = "Selected in the gallery"


def ask_checkpoint(parent: QWidget) -> str:
    """Ask for the file of a checkpoint; its path, or nothing.

    Args:
        parent: The window over which the dialog opens.
    """
    name, _ = QFileDialog.getOpenFileName(parent, "Open checkpoint", str(Path.home()), _CHECKPOINTS)
    return name


class FileCommands(QObject):
    """Asks where, and has files written in the background.

    Args:
        session: Knows the folders.
        commands: Those of the File and Model menus that ask for files.
        saver: Writes pictures and curves.
        canvas: Its pictures can be saved and exported.
        gallery: Its pictures can be exported.
        curves: They can be exported as a table and as a picture.
        parent: The window over which dialogs open.

    Attributes:
        exporter: Writes many pictures at once.

    Signals:
        checkpoint_chosen: Path of a checkpoint to open.
        recipe_chosen: Path of a picture to render again.
    """

    checkpoint_chosen = Signal(str)
    recipe_chosen = Signal(object)

    def __init__(
        self,
        session: Session,
        commands: Commands,
        saver: Saver,
        canvas: Canvas,
        gallery: GalleryPanel,
        curves: CurvesPanel,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._saver = saver
        self._canvas = canvas
        self._gallery = gallery
        self._curves = curves
        self._parent = parent
        self.exporter = Exporter(self)
        commands.save.triggered.connect(self.ask_save)
        commands.export.triggered.connect(self.open_export)
        commands.again.triggered.connect(self._ask_pictures)
        commands.folder.triggered.connect(self._ask_folder)
        commands.checkpoint.triggered.connect(self._ask_checkpoint)
        gallery.export_action.triggered.connect(self.open_export)
        curves.csv_action.triggered.connect(self._ask_csv)
        curves.png_action.triggered.connect(self._ask_curves_png)
        saver.saved.connect(session.say)

    def sources(self) -> list[Source]:
        """The finished pictures on the canvas."""
        found = (Source.of_track(track) for track in self._canvas.visible())
        return [self._marked(source) for source in found if source is not None]

    def _marked(self, source: Source) -> Source:
        """A picture with what the user says of it."""
        return replace(source, mark=self._gallery.model.mark_of(PictureKey(source.recipe.key)))

    def can_save(self) -> bool:
        """Whether there is a picture to save: on the canvas, or selected in the gallery where that is in front."""
        return self._gallery.has_selection() if self._gallery.isVisible() else bool(self.sources())

    def can_export(self) -> bool:
        """Whether there is a picture to export, on the canvas or in the gallery."""
        return bool(self.sources()) or self._gallery.model.total > 0

    def save(self, source: Source, place: Path) -> None:
        """Save a picture to a file; in the background."""
        self._session.preferences.export_folder = place.parent
        self._saver.save(self._marked(source), place)

    @Slot()
    def ask_save(self) -> None:
        """Ask for a file, and before that for a picture if it is open which; all of them are exported."""
        selected = self._gallery.selected()
        choices = answers_of_gallery(selected) if self._gallery.isVisible() else answers(self._canvas)
        answer = choices[0] if len(choices) == 1 else ask_which(self._parent, choices) if choices else None
        if answer is None:
            return
        if answer.source is None:
            self.open_export()
            return
        suggestion = Path(picture_name(answer.source.recipe.target, datetime.now()))
        if not answer.source.recipe.complete:
            suggestion = suggestion.with_stem(f"{suggestion.stem}_step{answer.source.recipe.steps}")
        place = self._ask_place(f"Save picture: {answer.text}", suggestion.name, _PNG)
        if place is not None:
            self.save(answer.source, place)

    def _ask_place(self, title: str, suggestion: str, kinds: str) -> Path | None:
        """Ask for a file to write, in the folder of the last export; None if the user cancels."""
        place = str(self._session.preferences.export_folder / suggestion)
        name, _ = QFileDialog.getSaveFileName(self._parent, title, place, kinds)
        return Path(name) if name else None

    @Slot()
    def open_export(self) -> ExportDialog:
        """Ask which pictures to export, and where to."""
        gallery, preferences = self._gallery, self._session.preferences
        choices: Choices = {
            "Finished pictures on the canvas": self.sources,
            _SELECTED: lambda: [self._of_entry(entry) for entry in gallery.selected()],
            "All that the gallery shows": lambda: [self._of_entry(entry) for entry in gallery.model.shown],
        }
        dialog = ExportDialog(self.exporter, choices, preferences.export_folder, self._parent)
        dialog.finished.connect(lambda: setattr(preferences, "export_folder", dialog.place))
        if gallery.isVisible() and gallery.selected():
            dialog.choice.setCurrentIndex(dialog.choice.findData(_SELECTED))
        dialog.open()
        return dialog

    def _of_entry(self, entry: Entry) -> Source:
        return replace(Source.of_entry(entry), mark=self._gallery.model.mark_of(entry.picture_key))

    @Slot()
    def _ask_pictures(self) -> None:
        folder = str(self._session.preferences.folder)
        names, _ = QFileDialog.getOpenFileNames(self._parent, "Render again", folder, "ClipDesk pictures (*.png)")
        for name in names:
            self.recipe_chosen.emit(Path(name))

    @Slot()
    def _ask_folder(self) -> None:
        folder = str(self._session.preferences.folder)
        name = QFileDialog.getExistingDirectory(self._parent, "Results folder", folder)
        if name:
            self._session.use_folder(Path(name))

    @Slot()
    def _ask_checkpoint(self) -> None:
        name = ask_checkpoint(self._parent)
        if name:
            self.checkpoint_chosen.emit(name)

    @Slot()
    def _ask_csv(self) -> None:
        place = self._ask_place("Export curves", "curves.csv", "Tables (*.csv)")
        if place is not None:
            self._saver.write(self._curves.csv().encode(), place)

    @Slot()
    def _ask_curves_png(self) -> None:
        place = self._ask_place("Export curves", "curves.png", _PNG)
        if place is not None:
            self._saver.write(self._curves.png(), place)
