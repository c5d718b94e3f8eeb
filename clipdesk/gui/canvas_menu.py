"""The canvas's context menu: what can be done with the picture under the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from clipdesk.gui.actions import make_action
from clipdesk.gui.panels.gallery import show_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QAction

    from clipdesk.gui.panels.canvas import Canvas


class CanvasMenu(QObject):
    """Opens at a click with the right button, or with the menu key for the current picture.

    Args:
        canvas: Its pictures.
        first: Commands that act on the current picture, before the canvas's own.
        last: Other commands, at the end.

    Signals:
        use_asked: The `RenderSettings` of a picture, to be used for the next one.
        render_asked: A `Recipe` to render again.
    """

    use_asked = Signal(object)
    render_asked = Signal(object)

    def __init__(self, canvas: Canvas, first: Sequence[QAction], last: Sequence[QAction]) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._view = canvas.view
        self._first = [*first, canvas.copy_action, canvas.pin_action]
        self._last = last
        self.use_action = make_action(self, "Use these settings", "tune_variant")
        self.use_action.triggered.connect(self._use)
        self.again_action = make_action(self, "Render again", "reload")
        self.again_action.triggered.connect(self._render)
        self.file_action = make_action(self, "Show file", "folder_open_outline")
        self.file_action.triggered.connect(self._show_file)
        self.target_action = make_action(self, "Copy target", "content_copy")
        self.target_action.triggered.connect(self._copy_target)
        self._view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._view.customContextMenuRequested.connect(self._open)

    def make(self, place: QPoint) -> QMenu | None:
        """The menu for a place of the canvas, whose picture becomes the current one; None where nothing is shown."""
        tile = self._view.tile_at(place)
        if tile >= 0:
            self._view.current = tile
            self._view.update()
        track = self._canvas.current
        if track is None:
            return None
        self.use_action.setEnabled(track.made_with is not None)
        self.again_action.setEnabled(track.recipe is not None)
        self.file_action.setEnabled(track.path is not None)
        menu = QMenu(self._view)
        groups = (self._first, [self.use_action, self.again_action, self.file_action, self.target_action], self._last)
        for group in groups:
            menu.addActions(list(group))
            menu.addSeparator()
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def _open(self, place: QPoint) -> None:
        menu = self.make(place)
        if menu is not None:
            menu.popup(self._view.mapToGlobal(place))

    def _use(self) -> None:
        track = self._canvas.current
        if track is not None and track.made_with is not None:
            self.use_asked.emit(track.made_with)

    def _render(self) -> None:
        track = self._canvas.current
        if track is not None and track.recipe is not None:
            self.render_asked.emit(track.recipe)

    def _show_file(self) -> None:
        track = self._canvas.current
        if track is not None and track.path is not None:
            show_file(track.path)

    def _copy_target(self) -> None:
        track = self._canvas.current
        if track is not None:
            QGuiApplication.clipboard().setText(track.target.label)
