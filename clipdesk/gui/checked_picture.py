"""The line below the canvas: whether the picture that is looked at can be trusted, as the survey of its model says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from clipdesk.gui.offered_check import OfferedCheck
from clipdesk.gui.surveys.thorough import RenderedPicture, ThoroughChecks
from clipdesk.models.names import short_name

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
        checks: Checks them thoroughly.
    """

    def __init__(
        self,
        session: Session,
        controller: RenderController,
        canvas: Canvas,
        desk: SurveyDesk,
        checks: ThoroughChecks,
    ) -> None:
        super().__init__(session)
        self._session, self._canvas, self._desk, self._checks = session, canvas, desk, checks
        self._offered = OfferedCheck(checks, canvas.thorough)
        self._known: dict[tuple[str, str], tuple[str, bool]] = {}
        controller.track_ended.connect(self._look)
        canvas.selection_changed.connect(self._look)
        desk.changed.connect(self._look)
        desk.told.connect(self._take)
        checks.found.connect(self._look)

    @Slot()
    def _look(self) -> None:
        """Say what is known of the picture that is looked at, or ask."""
        track = self._track()
        key = None if track is None else self._key(track)
        self._show(track, key)
        if track is not None and key is not None and key not in self._known:
            picture = track.path or track.frames.newest
            if picture is not None and track.recipe is not None:
                self._desk.ask_check(key, track.target, picture, track.recipe.settings)

    def _show(self, track: Track | None, key: tuple[str, str] | None) -> None:
        words, checked = self._known.get(key, ("", False)) if key is not None else (self._missing(track), False)
        more = self._checks.words(key[0]) if key is not None and checked else ""
        if key is not None and more:
            words = self._checks.verdict(key[0]) or words
        # The reasons of the first stay in the tool tip, so that what the second found is in sight.
        line = f"{words.partition(':')[0]}. {more}" if more else words
        self._canvas.judge(line, ". ".join(filter(None, (words, more))))
        self._offered.show(rendered_picture(track) if track is not None and checked else None)

    def _missing(self, track: Track | None) -> str:
        """Why a picture is not checked, where the user can do something about it."""
        model, recipe = self._session.model, None if track is None else track.recipe
        if recipe is None or model is None or model.weights is None or not self._desk.looked:
            return ""
        if self._desk.current is not None or not self._session.is_open(recipe.model, recipe.weights):
            return ""
        return f"Not checked: there is no survey of {short_name(model.name)}. One can be made on the page of a unit"

    def _track(self) -> Track | None:
        selected = self._canvas.selected()
        return selected[0] if len(selected) == 1 and selected[0].recipe is not None else None

    def _key(self, track: Track) -> tuple[str, str] | None:
        """What its check is kept by: its recipe and the survey; None where it cannot be checked."""
        recipe, survey = track.recipe, self._desk.current
        if recipe is None or survey is None or not self._session.is_open(recipe.model, recipe.weights):
            return None
        return recipe.key, survey.folder.name

    @Slot(object, str, bool)
    def _take(self, key: tuple[str, str], words: str, checked: bool) -> None:
        self._known[key] = words, checked
        track = self._track()
        if track is not None and self._key(track) == key:
            self._show(track, key)


def rendered_picture(track: Track) -> RenderedPicture | None:
    """The finished picture of a track; None where there is none."""
    recipe, pixels = track.recipe, track.path or track.frames.newest
    if recipe is None or pixels is None:
        return None
    return RenderedPicture(recipe.key, track.target, pixels, recipe.settings)
