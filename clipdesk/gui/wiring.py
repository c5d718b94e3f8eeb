"""Wires between parts that do not know each other. Each function connects the signals of some to the slots of others.

Bound methods and no lambdas: where another thread emits, a lambda would run on that thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from clipdesk.gui.center import CANVAS, GALLERY, WALL
from clipdesk.gui.same_selection import SameSelection
from clipdesk.gui.searching import Searching

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QAction

    from clipdesk.gui.asking import Asking
    from clipdesk.gui.center import Center
    from clipdesk.gui.choosing import Choosing
    from clipdesk.gui.commands import Commands
    from clipdesk.gui.controller import RenderController
    from clipdesk.gui.copier import Copier
    from clipdesk.gui.filling import Filling
    from clipdesk.gui.library import Entry
    from clipdesk.gui.marking import Marking
    from clipdesk.gui.opening import Opening
    from clipdesk.gui.panels.architecture import ArchitecturePanel
    from clipdesk.gui.panels.canvas import Canvas
    from clipdesk.gui.panels.curves import CurvesPanel
    from clipdesk.gui.panels.gallery import GalleryPanel
    from clipdesk.gui.panels.neurons import NeuronsPanel
    from clipdesk.gui.panels.notice import NoticeBar, OfferBar
    from clipdesk.gui.panels.parameters import ParametersPanel
    from clipdesk.gui.panels.queue import QueuePanel
    from clipdesk.gui.panels.status import StatusBar
    from clipdesk.gui.panels.wall import WallPanel
    from clipdesk.gui.preferences import Preferences
    from clipdesk.gui.results import Results
    from clipdesk.gui.session import Session
    from clipdesk.gui.tracks import Track
    from clipdesk.gui.watching import Watching
    from clipdesk.marks.mark import Mark


def connect_speech(session: Session, status: StatusBar, notice: NoticeBar, controller: RenderController) -> None:
    """Show what anybody says in the status bar, and every problem in the notice bar."""
    session.said.connect(status.say)
    session.problem.connect(notice.show_problem)
    session.model_changed.connect(notice.settle)
    for problem in (controller.problem, controller.saver.failed):
        problem.connect(session.complain)


def connect_queue(panel: QueuePanel, offer: OfferBar, controller: RenderController) -> None:
    """Let the user steer the window's jobs, those of other programs, and those that an earlier window left."""
    controller.state_changed.connect(panel.update_actions)
    panel.pause_asked.connect(controller.pause)
    panel.resume_asked.connect(controller.resume)
    panel.cancel_asked.connect(controller.cancel)
    panel.retry_asked.connect(controller.retry)
    panel.remove_asked.connect(controller.remove)
    panel.hold_asked.connect(controller.hold)
    desk = controller.desk
    desk.others.connect(panel.others.show_jobs)
    panel.others.wish_asked.connect(desk.wish)
    panel.others.take_asked.connect(desk.take)
    desk.found.connect(offer.offer)
    offer.go_on_asked.connect(desk.go_on)
    offer.drop_asked.connect(desk.drop)


def connect_runs(controller: RenderController, session: Session, status: StatusBar, results: Results) -> None:
    """Show how far the jobs are, and what they have made."""
    controller.progressed.connect(status.show_run)
    controller.state_changed.connect(status.show_state)
    controller.state_changed.connect(session.touch)
    controller.track_ended.connect(session.touch)
    controller.track_kept.connect(results.add)
    controller.made_elsewhere.connect(results.add_file)
    controller.preparing.connect(status.progress.setText)


def connect_changes(session: Session, neurons: NeuronsPanel, canvas: Canvas, parameters: ParametersPanel) -> None:
    """Let the session know of what decides which commands can be used."""
    for changed in (neurons.selection_changed, canvas.selection_changed, parameters.changed):
        changed.connect(session.touch)
    for said in (canvas.said, parameters.failed):
        said.connect(session.say)


def connect_gallery(gallery: GalleryPanel, copier: Copier, session: Session, results: Results, canvas: Canvas) -> None:
    """Copy and compare what is selected in the gallery."""
    gallery.copy_asked.connect(copier.copy)
    gallery.command_asked.connect(copier.copy_commands)
    copier.said.connect(session.say)
    results.keep_asked.connect(canvas.pin_action.setChecked)


def connect_marks(marking: Marking, gallery: GalleryPanel, session: Session) -> None:
    """Keep what the user says of pictures, and show what was said of them here or in another window."""

    def change(entries: list[Entry], change: Callable[[Mark], Mark]) -> None:
        marking.change([entry.picture_key for entry in entries], change)

    # With the pictures of a folder.
    session.folder_changed.connect(marking.open)
    gallery.mark_asked.connect(change)
    marking.changed.connect(gallery.show_marks)
    marking.failed.connect(session.complain)


def connect_opening(
    opening: Opening, choosing: Choosing, commands: Commands, architecture: ArchitecturePanel, status: StatusBar
) -> None:
    """Let the user choose a model, and see how far opening it is."""
    commands.choose.triggered.connect(choosing.open)
    choosing.chosen.connect(opening.open)
    choosing.checkpoint_asked.connect(commands.checkpoint.trigger)
    architecture.cancel_asked.connect(opening.cancel)
    opening.stage.connect(architecture.show_opening)
    opening.stage.connect(status.show_stage)
    opening.stayed.connect(architecture.return_to_tree)
    opening.stayed.connect(status.show_model)
    opening.failed.connect(architecture.show_message)
    opening.failed.connect(status.show_no_model)


def connect_typing(
    preferences: Preferences,
    architecture: ArchitecturePanel,
    neurons: NeuronsPanel,
    notice: NoticeBar,
    offer: OfferBar,
) -> None:
    """Go to a unit that is named in the filter of layers, and keep the typed targets for the next session.

    Where a bar goes that had the keyboard, the tree gets it.
    """
    for bar in (notice, offer):
        bar.left.connect(architecture.tree.setFocus)
    architecture.unit_named.connect(neurons.select)
    line = neurons.text_box.text
    line.set_history(preferences.typed_targets)
    line.remembered.connect(preferences.remember_targets)


def connect_search(
    search: QAction, gallery: GalleryPanel, neurons: NeuronsPanel, architecture: ArchitecturePanel
) -> None:
    """Let F3 go to the search of the panel in use; with the gallery in front, to that of the gallery in doubt."""
    Searching(search, {gallery: gallery.bar.search, architecture: architecture.filter, neurons: neurons.filter})


def connect_results(
    results: Results, neurons: NeuronsPanel, parameters: ParametersPanel, watching: Watching, asking: Asking
) -> None:
    """Show what the results folder holds, and do what the user asks for in the gallery."""
    results.found.connect(neurons.show_found)
    results.show_asked.connect(watching.show_tracks)
    neurons.show_asked.connect(watching.show_newest)
    watching.missed.connect(results.show_unit)
    results.gone.connect(watching.forget)
    results.replaced.connect(neurons.model.set_state)
    results.settings_asked.connect(parameters.reuse_settings)
    results.render_asked.connect(asking.render_again)


def connect_center(center: Center, session: Session, canvas: Canvas, gallery: GalleryPanel) -> None:
    """Show the canvas when the user has chosen what it is to show; commands of a mode need it to be seen."""

    def changed() -> None:
        for action in canvas.actions_shown:
            action.setEnabled(center.mode == CANVAS)
        gallery.set_in_front(center.mode == GALLERY)
        session.touch()

    center.changed.connect(changed)
    session.chosen.connect(center.show_canvas)
    gallery.selection_changed.connect(session.touch)


def connect_wall(
    center: Center,
    session: Session,
    wall: WallPanel,
    filling: Filling,
    results: Results,
    neurons: NeuronsPanel,
    asking: Asking,
) -> None:
    """Fill the wall with the units of the chosen layer, and render what the user asks for there."""
    same = SameSelection(wall, neurons)

    def changed() -> None:
        for part in (wall, same):
            part.set_in_front(center.mode == WALL)

    def offer() -> None:
        wall.offer(asking.is_ready())

    center.changed.connect(changed)
    results.found.connect(filling.add_found)
    results.kept.connect(filling.add_made)
    neurons.model.noted.connect(filling.add_made)
    wall.render_asked.connect(asking.render)
    wall.batch_asked.connect(asking.add_batch)
    wall.targets_chosen.connect(neurons.select_target)
    session.changed.connect(offer)


class Looks(QObject):
    """Lets canvas, curves and table show the same: the step, what the user points at, and what is shown alone."""

    def __init__(self, canvas: Canvas, curves: CurvesPanel, neurons: NeuronsPanel) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._curves = curves
        self._neurons = neurons
        canvas.hovered.connect(curves.highlight)
        for hovered in (canvas.hovered, curves.hovered):
            hovered.connect(canvas.highlight)
            hovered.connect(self._point_at_row)
        canvas.step_shown.connect(curves.mark)
        canvas.compared.connect(curves.show_compared)
        canvas.selection_changed.connect(self._show_alone)

    @Slot(object)
    def _point_at_row(self, track: Track | None) -> None:
        self._neurons.highlight(None if track is None else track.target)

    @Slot()
    def _show_alone(self) -> None:
        alone = self._canvas.view.solo >= 0
        self._curves.show_alone(self._canvas.visible() if alone else [])
