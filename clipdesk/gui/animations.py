"""Save animation: how the pictures that are shown have formed, from the steps that the canvas's slider goes through."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from clipdesk.gui.saver import AnimatedPicture

if TYPE_CHECKING:
    from clipdesk.gui.main_window import MainWindow

_FILTERS = {"webp": "Animated WebP (*.webp)", "gif": "Animated GIF (*.gif)", "mp4": "Video (*.mp4)"}
_FEWEST = 3
"""A run whose frames were given up keeps its first and its last."""


class Animations(QObject):
    """Asks where, and has it done in the background."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._tip = window.menus.animation.toolTip()
        window.menus.animation.triggered.connect(self.ask)

    def pictures(self) -> list[AnimatedPicture]:
        """What is shown and can be animated: the picture that is shown alone, or all."""
        return [
            AnimatedPicture(track.result, track.frames.images)
            for track in self._window.canvas.selected()
            if track.result is not None and len(track.frames.steps) >= _FEWEST
        ]

    def offer(self) -> None:
        """Offer it, or say why not."""
        action = self._window.menus.animation
        action.setEnabled(bool(self.pictures()))
        if action.isEnabled():
            action.setToolTip(self._tip)
        elif any(track.result is not None for track in self._window.canvas.selected()):
            action.setToolTip("The steps of what is shown are not in memory any more: render it again")
        else:
            action.setToolTip("Render a picture first: an animation is made of the steps of its run")

    def save(self, pictures: list[AnimatedPicture], place: Path) -> None:
        """Save one animation to a file, or several into a folder; in the background."""
        window = self._window
        window.preferences.export_folder = place.parent if len(pictures) == 1 else place
        what = "the animation" if len(pictures) == 1 else f"{len(pictures)} animations"
        window.status.say(f"Saving {what} …")
        window.controller.saver.animate(pictures, place)

    def ask(self) -> None:
        """Ask for a file, or a folder for several animations."""
        from clipdesk.export.animation import has_video
        from clipdesk.export.files import picture_name

        window, pictures = self._window, self.pictures()
        folder = window.preferences.export_folder
        if len(pictures) > 1:
            title = f"Folder for {len(pictures)} animations"
            name = QFileDialog.getExistingDirectory(window, title, str(folder))
            if name:
                self.save(pictures, Path(name))
        elif pictures:
            filters = [words for kind, words in _FILTERS.items() if kind != "mp4" or has_video()]
            # Without a suffix: the dialog would not change it when another format is chosen.
            suggestion = str(folder / picture_name(pictures[0].result.target, datetime.now()).removesuffix(".png"))
            name, chosen = QFileDialog.getSaveFileName(window, "Save animation", suggestion, ";;".join(filters))
            if name:
                self.save(pictures, _with_suffix(Path(name), chosen))


def _with_suffix(path: Path, chosen: str) -> Path:
    """A name without a format's suffix gets that of the chosen filter, and does not take an older file's place."""
    from clipdesk.export.files import free_path

    if path.suffix.lower().removeprefix(".") in _FILTERS:
        return path
    kind = next((kind for kind, words in _FILTERS.items() if words == chosen), "webp")
    return free_path(path.with_name(f"{path.name}.{kind}"))
