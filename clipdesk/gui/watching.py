"""Watching: shows the watched run on the canvas, in the curves and in the neuron table while it runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from clipdesk.gui.images import packed, small
from clipdesk.gui.item_models.unit_columns import THUMBNAIL, UnitState
from clipdesk.gui.panels.canvas import MOST_TILES
from clipdesk.gui.runs import Run
from clipdesk.gui.tracks import Track
from clipdesk.jobs.status import Status
from clipdesk.render.targets import Target, Unit

if TYPE_CHECKING:
    from pathlib import Path

    from clipdesk.gui.controller import RenderController
    from clipdesk.gui.item_models.neurons import NeuronTableModel
    from clipdesk.gui.panels.canvas import Canvas
    from clipdesk.gui.panels.curves import CurvesPanel
    from clipdesk.gui.panels.queue import QueuePanel
    from clipdesk.gui.session import Session

_IN_TRASH = "What was shown here is in the trash"
_STATUSES = {Status.PAUSED: "paused", Status.WAITING: "waiting", Status.FAILED: "failed"}


class Watching(QObject):
    """Follows the controller's news.

    Args:
        session: Says which run is watched.
        controller: Runs the jobs.
        canvas: Shows the pictures.
        curves: Shows their curves.
        queue_panel: Knows what to say of a run without pictures.
        neurons: The table that shows the status of each unit.

    Signals:
        missed: A `Unit` that is to be shown, and has no picture of this session.
    """

    missed = Signal(object)

    def __init__(
        self,
        session: Session,
        controller: RenderController,
        canvas: Canvas,
        curves: CurvesPanel,
        queue_panel: QueuePanel,
        neurons: NeuronTableModel,
    ) -> None:
        super().__init__(session)
        self._session = session
        self._controller = controller
        self._canvas = canvas
        self._curves = curves
        self._queue_panel = queue_panel
        self._neurons = neurons
        canvas.let_go.connect(self._show)
        session.watched_changed.connect(self._show)
        controller.progressed.connect(self._progressed)
        controller.state_changed.connect(self._state_changed)
        controller.track_ended.connect(self._track_ended)
        queue_panel.run_chosen.connect(self._look_at)
        queue_panel.pause_all_action.toggled.connect(self._show)

    def show_run(self, run: Run) -> None:
        """Watch a run, or show what is new of the one that is watched."""
        if run is self._session.watched:
            self._show()
        else:
            self._session.watch(run)

    def expect(self, run: Run) -> None:
        """Show a run that was just asked for as soon as it runs; at once if nothing else is on the canvas."""
        at_once = run is self._controller.running or (self._controller.held and not self._canvas.tracks)
        self._session.choose(run if at_once else self._session.watched, awaited=run)
        if at_once:
            self._show()

    @Slot(list, int)
    def show_tracks(self, tracks: list[Track], iterations: int = 1) -> None:
        """Show finished pictures instead of a run, and keep them there while jobs run.

        Args:
            tracks: The pictures.
            iterations: How many steps the curves have room for.
        """
        self._session.choose(None)
        self._show_tracks(tracks, iterations)

    @Slot(list)
    def forget(self, paths: list[Path]) -> None:
        """Show pictures no longer whose files are in the trash."""
        gone = set(paths)
        for run in self._controller.queue:
            run.forget(gone)
        canvas = self._canvas
        if not any(track.path in gone for track in canvas.shown()):
            return
        left = [track for track in canvas.tracks if track.path not in gone]
        if not all(track in left for track in canvas.shown()):
            canvas.pin_action.setChecked(False)
        if self._session.watched is not None:
            self._show()
        elif left:
            self._show_tracks(left, max(track.reached for track in left))
        else:
            canvas.show_message(_IN_TRASH)

    def _show_tracks(self, tracks: list[Track], iterations: int) -> None:
        self._canvas.show_tracks(tracks)
        self._curves.show_tracks(self._canvas.shown(), iterations)

    @Slot()
    def _show(self) -> None:
        """Show what is new of the watched run."""
        run = self._session.watched
        if run is None:
            return
        tracks = run.shown()[:MOST_TILES]
        if not tracks:
            self._canvas.show_message(self._queue_panel.message(run))
        elif tracks != self._canvas.tracks:
            self._show_tracks(tracks, run.job.settings.iterations)
        else:
            self._canvas.refresh()
            self._curves.refresh()

    def _follow(self) -> None:
        """Show what is new of the watched run, but leave a picture or step of it that the user has chosen.

        A batch goes on to its next pictures, and ends with all of them.
        """
        run, chosen = self._session.watched, self._canvas.chosen
        if run is None:
            return
        tracks = run.shown()[:MOST_TILES]
        stays = chosen in tracks and self._canvas.step is None
        if chosen is None or stays or tracks == self._canvas.tracks:
            self._show()
        else:
            self._canvas.refresh()

    @Slot(object)
    def _look_at(self, run: Run) -> None:
        self._session.choose(run)
        self._show()

    @Slot(object)
    def show_unit(self, unit: Unit) -> None:
        """Show the newest picture of a unit that the user moves to, unless a job runs: then its pictures stay.

        Who goes through a table while pictures form would lose sight of them with each row.
        """
        if self._controller.running is None:
            self.show_newest(unit)

    @Slot(object)
    def show_newest(self, unit: Unit) -> None:
        """Show the newest picture of a unit on demand: one of this session, or else one of the folder."""
        for run in reversed(list(self._controller.queue)):
            track = run.tracks.get(unit)
            if track is not None and track.frames.steps and self._session.is_open(run.job.model, run.job.weights):
                self.show_tracks([track], run.job.settings.iterations)
                return
        self.missed.emit(unit)

    @Slot(object)
    def _progressed(self, run: Run) -> None:
        if not self._session.is_open(run.job.model, run.job.weights):
            # The table forgets marks with the model; if it is opened again, they are due again.
            run.marked = ()
        elif run.step == 1 or run.current != run.marked:
            run.marked = run.current
            self._set_status(run, run.current, "rendering")
        if run is self._session.watched:
            self._follow()

    @Slot(object)
    def _state_changed(self, run: Run) -> None:
        if run is self._session.watched:
            self._follow()
        elif run.state is Status.RUNNING and (self._session.following or run is self._session.awaited):
            self.show_run(run)
        if run.state is not Status.RUNNING:
            self._set_status(run, run.untouched(), _STATUSES.get(run.state, ""))

    @Slot(object, object)
    def _track_ended(self, run: Run, track: Track) -> None:
        if track.target.layer is not None and self._session.is_open(run.job.model, run.job.weights):
            self._neurons.set_state(track.target, _state_of(track))
        if run is self._session.watched:
            self._follow()

    def _set_status(self, run: Run, targets: Iterable[Target], status: str) -> None:
        # Layers of another model have the same names.
        if self._session.is_open(run.job.model, run.job.weights):
            self._neurons.set_status((target for target in targets if target.layer is not None), status)


def _state_of(track: Track) -> UnitState:
    """The table's row for a picture that has ended."""
    result = track.result
    if result is None:
        return UnitState("failed", reason=track.reason)
    thumbnail = packed(small(result.pixels, 2 * THUMBNAIL))
    return UnitState.of(result.recipe, thumbnail, track.path)
