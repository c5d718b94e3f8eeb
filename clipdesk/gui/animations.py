"""Save animation: how the pictures on the canvas formed, from the steps that its slider goes through."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from clipdesk.export.files import free_path, picture_name
from clipdesk.gui.saver import AnimatedPicture

if TYPE_CHECKING:
    from PySide6.QtGui import QAction

    from clipdesk.gui.panels.canvas import Canvas
    from clipdesk.gui.saver import Saver
    from clipdesk.gui.session import Session

_FILTERS = {"webp": "Animated WebP (*.webp)", "gif": "Animated GIF (*.gif)", "mp4": "Video (*.mp4)"}
_FEWEST = 3
"""A run whose frames were dropped keeps its first and its last one."""


class Animations(QObject):
    """Asks where to save animations, and has them written in the background.

    Args:
        session: Knows the folder of the last export, and shows what is being done.
        canvas: The pictures that can be animated.
        saver: Writes the files.
        action: The command; it is enabled while there is something to animate, and its tool tip says why not.
        parent: The window over which dialogs open.
    """

    def __init__(self, session: Session, canvas: Canvas, saver: Saver, action: QAction, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._canvas = canvas
        self._saver = saver
        self._action = action
        self._parent = parent
        self._tip = action.toolTip()
        action.triggered.connect(self.ask)
        session.changed.connect(self._offer)

    def pictures(self) -> list[AnimatedPicture]:
        """The pictures on the canvas that can be animated: the one that is shown alone, or all."""
        return [
            AnimatedPicture(track.result, [image[..., :3] for image in track.frames.images])
            for track in self._canvas.selected()
            if track.result is not None and len(track.frames.steps) >= _FEWEST
        ]

    @Slot()
    def _offer(self) -> None:
        self._action.setEnabled(bool(self.pictures()))
        if self._action.isEnabled():
            self._action.setToolTip(self._tip)
        elif any(track.result is not None for track in self._canvas.selected()):
            self._action.setToolTip("The steps of this picture are not in memory any more: render it again")
        else:
            self._action.setToolTip("Render a picture first: an animation shows the steps of its run")

    def save(self, pictures: list[AnimatedPicture], place: Path) -> None:
        """Save one animation to a file, or several into a folder; in the background."""
        self._session.preferences.export_folder = place.parent if len(pictures) == 1 else place
        what = "the animation" if len(pictures) == 1 else f"{len(pictures)} animations"
        self._session.say(f"Saving {what} …")
        self._saver.animate(pictures, place)

    @Slot()
    def ask(self) -> None:
        """Ask for a file, or for a folder if there are several animations."""
        from clipdesk.export.animation import has_video

        pictures = self.pictures()
        folder = self._session.preferences.export_folder
        if len(pictures) > 1:
            title = f"Folder for {len(pictures)} animations"
            name = QFileDialog.getExistingDirectory(self._parent, title, str(folder))
            if name:
                self.save(pictures, Path(name))
        elif pictures:
            filters = [words for kind, words in _FILTERS.items() if kind != "mp4" or has_video()]
            # Without a suffix: the dialog would not change it when another format is chosen.
            suggestion = str(folder / picture_name(pictures[0].result.target, datetime.now()).removesuffix(".png"))
            name, chosen = QFileDialog.getSaveFileName(self._parent, "Save animation", suggestion, ";;".join(filters))
            if name:
                self.save(pictures, _with_suffix(Path(name), chosen))


def _with_suffix(path: Path, chosen: str) -> Path:
    """A path that ends in a format's suffix: its own, or that of the chosen filter, which then replaces no file."""
    if path.suffix.lower().removeprefix(".") in _FILTERS:
        return path
    kind = next((kind for kind, words in _FILTERS.items() if words == chosen), "webp")
    return free_path(path.with_name(f"{path.name}.{kind}"))
