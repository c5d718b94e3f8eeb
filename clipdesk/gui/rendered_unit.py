"""The rendered picture on the unit page: as it forms, and where it stands among the pictures of the set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from clipdesk.gui.images import to_image, unpacked
from clipdesk.render.targets import Unit

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from clipdesk.gui.controller import RenderController
    from clipdesk.gui.library import Entry
    from clipdesk.gui.panels.gallery import GalleryPanel
    from clipdesk.gui.panels.unit_page import UnitPage
    from clipdesk.gui.runs import Run
    from clipdesk.gui.session import Session
    from clipdesk.gui.surveys.desk import SurveyDesk
    from clipdesk.gui.tracks import Track


class RenderedUnit(QObject):
    """Shows the newest picture of the unit whose page is open.

    Args:
        session: Knows the open model.
        controller: Renders.
        gallery: Has the pictures of earlier sessions.
        desk: Judges pictures.
        page: Shows them.
    """

    def __init__(
        self,
        session: Session,
        controller: RenderController,
        gallery: GalleryPanel,
        desk: SurveyDesk,
        page: UnitPage,
    ) -> None:
        super().__init__(session)
        self._session, self._controller, self._gallery = session, controller, gallery
        self._desk, self._page = desk, page
        self._unit: Unit | None = None
        controller.progressed.connect(self._progressed)
        controller.track_ended.connect(self._ended)
        gallery.model.rowsInserted.connect(self._look_again)
        desk.judged.connect(self._judged)

    @Slot(object)
    def show_unit(self, unit: Unit) -> None:
        """Show the picture of a unit from now on."""
        self._unit = unit
        track, entry = self._track(), self._entry()
        if track is not None and track.frames.newest is not None:
            self._page.show_rendered(to_image(track.frames.newest))
            self._judge(track)
        elif entry is not None:
            self._page.show_rendered(unpacked(entry.thumbnail))
            self._desk.ask_judgement(unit.layer, unit.index, entry.path)
        else:
            self._page.show_rendered(None)

    def targets(self) -> tuple[Unit, ...]:
        """The unit, to be rendered; nothing before the first one."""
        return () if self._unit is None else (self._unit,)

    def _track(self) -> Track | None:
        """The newest picture of this session."""
        for run in reversed(list(self._controller.queue)):
            track = None if self._unit is None else run.tracks.get(self._unit)
            if track is not None and track.frames.steps and self._session.is_open(run.job.model, run.job.weights):
                return track
        return None

    def _entry(self) -> Entry | None:
        """The newest picture of earlier sessions."""
        for entry in self._gallery.model.all:
            recipe = entry.recipe
            if recipe.target == self._unit and self._session.is_open(recipe.model, recipe.weights):
                return entry
        return None

    @Slot(object)
    def _progressed(self, run: Run) -> None:
        track = None if self._unit is None else run.tracks.get(self._unit)
        if track is not None and track.frames.newest is not None and self._page.isVisible():
            self._page.show_rendered(to_image(track.frames.newest))

    @Slot(object, object)
    def _ended(self, _run: Run, track: Track) -> None:
        if track.target == self._unit and self._unit is not None:
            self.show_unit(self._unit)

    @Slot()
    def _look_again(self) -> None:
        """The gallery has more pictures."""
        if self._unit is not None and self._track() is None and self._page.isVisible():
            self.show_unit(self._unit)

    def _judge(self, track: Track) -> None:
        if track.result is not None and self._unit is not None:
            self._ask(self._unit, track.path or track.result.pixels)

    def _ask(self, unit: Unit, picture: Path | NDArray[np.uint8]) -> None:
        self._desk.ask_judgement(unit.layer, unit.index, picture)

    @Slot(str, int, float, str)
    def _judged(self, layer: str, unit: int, value: float, words: str) -> None:
        if self._page.unit == (layer, unit):
            self._page.judge(words, value)
