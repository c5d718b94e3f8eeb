"""The line below the canvas: whether the picture that is looked at can be trusted, as the survey of its model says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

if TYPE_CHECKING:
    from clipdesk.gui.controller import RenderController
    from clipdesk.gui.panels.canvas import Canvas
    from clipdesk.gui.session import Session
    from clipdesk.gui.surveys.desk import SurveyDesk
    from clipdesk.gui.tracks import Track


class CheckedPicture(QObject):
    """Has the finished picture checked that is shown alone, or is the only one.

    Args:
        session: Knows the open model.
        controller: Renders.
        canvas: Shows pictures, and the line.
        desk: Checks them.
    """

    def __init__(self, session: Session, controller: RenderController, canvas: Canvas, desk: SurveyDesk) -> None:
        super().__init__(session)
        self._session, self._canvas, self._desk = session, canvas, desk
        self._known: dict[tuple[str, str], str] = {}
        controller.track_ended.connect(self._look)
        canvas.selection_changed.connect(self._look)
        desk.changed.connect(self._look)
        desk.told.connect(self._take)

    @Slot()
    def _look(self) -> None:
        """Say what is known of the picture that is looked at, or ask."""
        track = self._track()
        key = None if track is None else self._key(track)
        self._canvas.judge("" if key is None else self._known.get(key, ""))
        if track is not None and key is not None and key not in self._known:
            picture = track.path or track.frames.newest
            if picture is not None:
                self._desk.ask_check(key, track.target, picture)

    def _track(self) -> Track | None:
        selected = self._canvas.selected()
        return selected[0] if len(selected) == 1 and selected[0].recipe is not None else None

    def _key(self, track: Track) -> tuple[str, str] | None:
        """What its check is kept by: its recipe and the survey; None where it cannot be checked."""
        recipe, survey = track.recipe, self._desk.current
        if recipe is None or survey is None or not self._session.is_open(recipe.model, recipe.weights):
            return None
        return recipe.key, survey.folder.name

    @Slot(object, str)
    def _take(self, key: tuple[str, str], words: str) -> None:
        self._known[key] = words
        track = self._track()
        if track is not None and self._key(track) == key:
            self._canvas.judge(words)
