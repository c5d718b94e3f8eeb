"""The rendered picture on the unit page: as it forms, and where it stands among the pictures of the set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from clipdesk.gui.checked_picture import rendered_picture
from clipdesk.gui.images import to_image, unpacked
from clipdesk.gui.offered_check import OfferedCheck
from clipdesk.gui.surveys.thorough import RenderedPicture, ThoroughChecks
from clipdesk.render.readable import Decoder
from clipdesk.render.targets import Combined, Term, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from clipdesk.gui.controller import RenderController
    from clipdesk.gui.item_models.neurons import NeuronTableModel
    from clipdesk.gui.item_models.unit_columns import UnitState
    from clipdesk.gui.panels.unit_page import UnitPage
    from clipdesk.gui.results import Results
    from clipdesk.gui.runs import Run
    from clipdesk.gui.session import Session
    from clipdesk.gui.surveys.data import PooledUnit
    from clipdesk.gui.surveys.desk import SurveyDesk
    from clipdesk.gui.tracks import Track


class RenderedUnit(QObject):
    """Shows the newest picture of the unit whose page is open.

    Args:
        session: Knows the open model.
        controller: Renders.
        results: Finds the pictures of earlier sessions.
        neurons: Knows them.
        desk: Judges pictures.
        page: Shows them.
        checks: Checks them thoroughly.
    """

    def __init__(
        self,
        session: Session,
        controller: RenderController,
        results: Results,
        neurons: NeuronTableModel,
        desk: SurveyDesk,
        page: UnitPage,
        checks: ThoroughChecks,
    ) -> None:
        super().__init__(session)
        self._session, self._controller, self._neurons = session, controller, neurons
        self._results, self._desk, self._page, self._checks = results, desk, page, checks
        self._offered = OfferedCheck(checks, page.thorough)
        self._picture: RenderedPicture | None = None
        self._unit: Unit | None = None
        # What a survey says of the picture: they come in any order, from two threads.
        self._judgement: tuple[float, str] | None = None
        self._said: str | None = None
        controller.progressed.connect(self._progressed)
        controller.track_ended.connect(self._ended)
        results.found.connect(self._found)
        desk.judged.connect(self._judged)
        desk.checked.connect(self._checked)
        checks.found.connect(self._show_judgement)

    @Slot(object)
    def show_unit(self, unit: Unit) -> None:
        """Show the picture of a unit from now on."""
        self._unit, self._picture = unit, None
        self._judgement = self._said = None
        self._offered.show(None)
        track, state = self._track(), self._neurons.state(unit.layer, unit.index)
        if track is not None and track.frames.newest is not None:
            self._page.picture.show_image(to_image(track.frames.newest))
            if track.result is not None:
                self._picture = rendered_picture(track)
                self._ask_judgement(track.path or track.result.pixels)
        elif state.path is not None:
            # Of an earlier session, or of a job that was cleared away.
            entry = self._results.entry_of(state.path)
            # The gallery's is larger than the table's.
            self._page.picture.show_image(unpacked(state.thumbnail if entry is None else entry.thumbnail))
            if entry is not None:
                self._picture = RenderedPicture(entry.recipe.key, unit, state.path, entry.recipe.settings)
            self._ask_judgement(state.path)
        else:
            self._page.picture.show_image(None)

    def _ask_judgement(self, picture: Path | NDArray[np.uint8]) -> None:
        if (pooled := self._page.pooled) is not None:
            self._desk.ask_judgement(pooled, picture)

    def targets(self) -> tuple[Unit, ...]:
        """The unit, to be rendered; nothing before the first one."""
        return () if self._unit is None else (self._unit,)

    def written(self) -> tuple[Combined, ...]:
        """What the unit, a latent, writes, to be rendered; nothing before the first unit."""
        if self._unit is None:
            return ()
        return (Combined(terms=(Term(what=Decoder(layer=self._unit.layer, index=self._unit.index)),)),)

    def _track(self) -> Track | None:
        """The newest picture of this session."""
        runs = reversed(list(self._controller.queue))
        return next((track for run in runs if (track := self._track_of(run)) is not None), None)

    def _track_of(self, run: Run) -> Track | None:
        """A run's picture of the unit; None if there is none yet, or if it is one of another model's unit."""
        track = None if self._unit is None else run.tracks.get(self._unit)
        ours = self._session.is_open(run.job.model, run.job.weights)
        return track if track is not None and track.frames.steps and ours else None

    @Slot(object)
    def _progressed(self, run: Run) -> None:
        track = self._track_of(run)
        if track is not None and track.frames.newest is not None and self._page.isVisible():
            self._page.picture.show_image(to_image(track.frames.newest))

    @Slot(object, object)
    def _ended(self, _run: Run, track: Track) -> None:
        if track.target == self._unit and self._unit is not None:
            self.show_unit(self._unit)

    @Slot(str, object)
    def _found(self, layer: str, found: Mapping[int, UnitState]) -> None:
        """The results folder has pictures of a layer."""
        unit = self._unit
        if unit is not None and unit.layer == layer and unit.index in found and self._page.isVisible():
            self.show_unit(unit)

    @Slot(object, float, str)
    def _judged(self, pooled: PooledUnit, value: float, words: str) -> None:
        if self._page.pooled == pooled:
            self._judgement = value, words
            self._show_judgement()

    @Slot(object, str)
    def _checked(self, pooled: PooledUnit, words: str) -> None:
        if self._page.pooled == pooled:
            self._said = words
            self._show_judgement()

    @Slot()
    def _show_judgement(self) -> None:
        """Say where the picture stands and, once that is known, whether it can be trusted; then it can be checked."""
        if self._judgement is None or self._page.pooled is None:
            return
        value, stands = self._judgement
        if self._said is None:
            self._page.judge(stands, value)
            return
        key = "" if self._picture is None else self._picture.key
        said = self._checks.verdict(key) or self._said
        self._page.judge(". ".join(filter(None, (stands, said, self._checks.words(key)))), value)
        self._offered.show(self._picture)
