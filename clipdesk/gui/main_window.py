"""The main window: docks, and what happens between the panels."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSettings, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QPaintEvent
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabBar, QVBoxLayout, QWidget
from typing_extensions import override

from clipdesk.errors import ClipDeskError
from clipdesk.gui.closing import confirm_close
from clipdesk.gui.controller import RenderController
from clipdesk.gui.estimates import Estimates
from clipdesk.gui.files import FileCommands
from clipdesk.gui.images import packed, small
from clipdesk.gui.item_models.neurons import THUMBNAIL, UnitState
from clipdesk.gui.keeper import QueueKeeper
from clipdesk.gui.menus import Menus
from clipdesk.gui.opening import Opening
from clipdesk.gui.panels.architecture import ArchitecturePanel
from clipdesk.gui.panels.canvas import Canvas
from clipdesk.gui.panels.curves import CurvesPanel
from clipdesk.gui.panels.gallery import GalleryPanel
from clipdesk.gui.panels.log import LogPanel
from clipdesk.gui.panels.neurons import NeuronsPanel
from clipdesk.gui.panels.notice import NoticeBar, OfferBar
from clipdesk.gui.panels.parameters import ParametersPanel
from clipdesk.gui.panels.queue import QueuePanel
from clipdesk.gui.panels.status import StatusBar
from clipdesk.gui.preferences import Preferences
from clipdesk.gui.presets import PresetStore
from clipdesk.gui.problems import Problem
from clipdesk.gui.results import Results, dropped_pictures
from clipdesk.gui.runs import Run, State, Track
from clipdesk.gui.theme import Theme
from clipdesk.jobs.job import Job
from clipdesk.models.catalogue import EMBEDDED
from clipdesk.render.targets import Target, Unit

_LEFT, _RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
_BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea


class MainWindow(QMainWindow):
    """Browse, pick, watch, compare, save.

    Args:
        model: Name or file of the model to open; None for the last one.
        start: Whether to render one neuron as soon as the model is ready.
        settings: Where the layout, the presets and the last folder are kept.
        theme: Light or dark; None where nobody chooses.

    Signals:
        appeared: The window has been painted for the first time.
    """

    appeared = Signal()

    def __init__(
        self,
        model: str | None = None,
        *,
        start: bool = False,
        settings: QSettings | None = None,
        theme: Theme | None = None,
    ) -> None:
        super().__init__()
        self.preferences = Preferences(settings or QSettings("ClipDesk", "ClipDesk"))
        self.shown_run: Run | None = None
        self.following = True
        self.ended, self._interrupted, self._painted = True, False, False

        self.controller = RenderController(self)
        self.estimates = Estimates(self.controller)
        self.architecture, self.neurons = ArchitecturePanel(), NeuronsPanel()
        self.parameters = ParametersPanel(PresetStore(self.preferences.store))
        self.canvas, self.curves, self.queue = Canvas(), CurvesPanel(), QueuePanel(self.controller)
        self.gallery, self.log, self.notice = GalleryPanel(), LogPanel(), NoticeBar()
        self.status = StatusBar()
        self.setStatusBar(self.status)
        self.keeper = QueueKeeper(self.controller)
        self.offer = OfferBar(self.keeper)
        self.setWindowTitle("ClipDesk")
        self.setAcceptDrops(True)
        self.resize(1480, 940)
        self._make_center()
        self._make_docks()
        self.menus = Menus(self, theme)
        self.files = FileCommands(self)
        self.results = Results(self)
        self.opening = Opening(self, model or (EMBEDDED if start else self.preferences.model), start)
        self._connect()
        self._arrange()
        # What takes long comes when there is something to see.
        self.appeared.connect(self.curves.prepare)
        self.preferences.keep_default(self)
        self.preferences.restore_layout(self)
        self.results.show_folder(self.preferences.folder)
        self.canvas.greet(ready=False)
        self.update_actions()

    # Building

    def _make_center(self) -> None:
        center = QWidget()
        column = QVBoxLayout(center)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.notice)
        column.addWidget(self.offer)
        column.addWidget(self.canvas, 1)
        self.setCentralWidget(center)

    def _make_docks(self) -> None:
        self.setDockNestingEnabled(True)
        self.docks: dict[str, QDockWidget] = {}
        for title, panel, area in (
            ("Architecture", self.architecture, _LEFT),
            ("Neurons", self.neurons, _LEFT),
            ("Parameters", self.parameters, _RIGHT),
            ("Queue", self.queue, _RIGHT),
            ("Curves", self.curves, _BOTTOM),
            ("Gallery", self.gallery, _BOTTOM),
            ("Log", self.log, _BOTTOM),
        ):
            dock = QDockWidget(title, self)
            dock.setObjectName(title)
            dock.setWidget(panel)
            self.addDockWidget(area, dock)
            self.docks[title] = dock
        for corner, area in ((Qt.Corner.BottomLeftCorner, _LEFT), (Qt.Corner.BottomRightCorner, _RIGHT)):
            self.setCorner(corner, area)

    def _arrange(self) -> None:
        """The layout that a first start and Reset layout give."""
        docks = self.docks
        self.tabifyDockWidget(docks["Curves"], docks["Gallery"])
        self.tabifyDockWidget(docks["Gallery"], docks["Log"])
        docks["Curves"].raise_()
        for tabs in self.findChildren(QTabBar):
            tabs.setAccessibleName("Panels below the canvas")
        unit = self.fontMetrics().averageCharWidth()
        self.resizeDocks(
            [docks["Architecture"], docks["Parameters"]], [76 * unit, 56 * unit], Qt.Orientation.Horizontal
        )
        self.resizeDocks([docks["Architecture"], docks["Neurons"]], [400, 440], Qt.Orientation.Vertical)
        self.resizeDocks([docks["Parameters"], docks["Queue"]], [600, 240], Qt.Orientation.Vertical)
        self.resizeDocks([docks["Curves"]], [250], Qt.Orientation.Vertical)

    def places(self) -> dict[str, QWidget]:
        """Where the keyboard can go, by the name of the dock or place."""
        return {
            "Architecture": self.architecture.tree,
            "Neurons": self.neurons.table,
            "Parameters": self.parameters.preset,
            "Queue": self.queue.list,
            "Curves": self.curves,
            "Gallery": self.gallery.list,
            "Log": self.log.text,
            "Canvas": self.canvas.view,
        }

    def _connect(self) -> None:
        controller = self.controller
        controller.progressed.connect(self._progressed)
        controller.state_changed.connect(self._state_changed)
        controller.track_ended.connect(self._track_ended)
        controller.problem.connect(self.notice.show_problem)
        # Bound methods, not lambdas: a lambda would run on the thread that emits.
        controller.saver.failed.connect(self.notice.show_problem)
        self.keeper.failed.connect(self.notice.show_problem)
        self.queue.follow(self.keeper)
        self.architecture.layer_chosen.connect(self.neurons.show_layer)
        self.neurons.render_asked.connect(self.render_targets)
        self.neurons.batch_asked.connect(self.add_batch)
        self.neurons.selection_changed.connect(self.update_actions)
        self.neurons.current_changed.connect(self._show_unit)
        controller.queue.targets_dropped.connect(self.add_batch)
        self.queue.run_chosen.connect(self._look_at)
        self.queue.pause_all_action.toggled.connect(self._show_again)
        self.canvas.selection_changed.connect(self.update_actions)
        self.canvas.compared.connect(self.curves.show_compared)
        self.parameters.changed.connect(self.update_actions)
        self.parameters.failed.connect(self.status.say)
        self.estimates.changed.connect(self._estimate)
        self.notice.log_asked.connect(self._show_log)
        menus = self.menus
        menus.render.triggered.connect(lambda: self.render_targets(self.neurons.selected()))
        menus.batch.triggered.connect(lambda: self.add_batch(self.neurons.selected()))
        menus.stop.triggered.connect(self.stop)
        menus.quit.triggered.connect(self.close)
        menus.reset.triggered.connect(lambda: self.preferences.reset_layout(self))

    @property
    def model_name(self) -> str | None:
        """Name or file of the model that is open."""
        return None if self.opening.model is None else self.opening.model.name

    # Asking for pictures

    def render_targets(self, targets: tuple[Target, ...]) -> None:
        """Queue a job with the parameters that are shown, and watch it as soon as it runs."""
        run = self._submit(targets)
        if run is not None:
            self.following = True
            if run is self.controller.running or (self.controller.held and not self.canvas.tracks):
                self.show_run(run)

    def add_batch(self, targets: tuple[Target, ...]) -> None:
        """Queue a job; when it begins it is shown only where what runs is followed anyway."""
        if self._submit(targets) is not None:
            count = len(targets)
            self.status.say(f"Added {count} picture{'s' if count > 1 else ''} to the queue")

    def _submit(self, targets: Sequence[Target]) -> Run | None:
        if not targets or self.model_name is None:
            return None
        try:
            settings = self.parameters.settings()
        except ClipDeskError as error:
            self.notice.show_problem(Problem(str(error)))
            return None
        # Of parts that were validated when they were made: to look at 100,000 targets again stalls the window.
        job = Job.model_construct(model=self.model_name, targets=tuple(targets), settings=settings)
        return self.controller.submit(job)

    def stop(self) -> None:
        """Stop what runs, or else what is paused; what was reached is kept."""
        self.queue.stop()

    # Watching

    def show_run(self, run: Run) -> None:
        """Show a run on canvas and curves."""
        self.shown_run = run
        tracks = run.shown()
        if not tracks:
            self.canvas.show_message(self.queue.message(run))
        elif tracks != self.canvas.tracks:
            self._show_tracks(tracks, run.job.settings.iterations)
        else:
            self.canvas.refresh()
            self.curves.refresh()

    @Slot()
    def _show_again(self) -> None:
        if self.shown_run is not None:
            self.show_run(self.shown_run)

    def show_tracks(self, tracks: list[Track], iterations: int = 1) -> None:
        """Show finished pictures, whatever runs meanwhile."""
        self.shown_run, self.following = None, False
        self._show_tracks(tracks, iterations)

    def _show_tracks(self, tracks: list[Track], iterations: int) -> None:
        self.canvas.show_tracks(tracks)
        self.curves.show_tracks(self.canvas.shown(), iterations)

    @Slot(object)
    def _look_at(self, run: Run) -> None:
        self.following = run is self.controller.running
        self.show_run(run)

    @Slot(object)
    def _show_unit(self, unit: Unit) -> None:
        """The table's cursor is on a unit: show what was made of it, unless something forms."""
        if self.controller.running is not None:
            return
        for run in reversed(list(self.controller.queue)):
            track = run.tracks.get(unit)
            if track is not None and track.frames.steps and run.job.model == self.model_name:
                self.show_tracks([track], run.job.settings.iterations)
                return

    @Slot(object)
    def _progressed(self, run: Run) -> None:
        if run.step == 1 or run.current != run.marked:
            run.marked = run.current
            self._set_status(run.current, "rendering")
        if run is self.shown_run:
            self.show_run(run)
        self.status.show_run(run)

    @Slot(object)
    def _state_changed(self, run: Run) -> None:
        if (run.state is State.RUNNING and self.following) or run is self.shown_run:
            self.show_run(run)
        if run.state is not State.RUNNING:
            words = {State.PAUSED: "paused", State.WAITING: "waiting"}
            self._set_status(run.untouched(), words.get(run.state, "failed" if run.state is State.FAILED else ""))
        self.status.show_bar(self.controller.running is not None)
        self.status.show_run(run)
        self.update_actions()

    @Slot(object, object)
    def _track_ended(self, run: Run, track: Track) -> None:
        target, result = track.target, track.result
        if target.layer is not None and run.job.model == self.model_name:
            if result is None:
                state = UnitState("failed", reason=track.reason)
            else:
                status = "done" if result.complete else "stopped"
                thumbnail = packed(small(result.image, 2 * THUMBNAIL))
                state = UnitState(status, result.activation, len(result.curve), thumbnail=thumbnail)
            self.neurons.model.set_state(target, state)
        if run is self.shown_run:
            self.show_run(run)
        self.update_actions()

    def _set_status(self, targets: Sequence[Target], status: str) -> None:
        self.neurons.model.set_status((target for target in targets if target.layer is not None), status)

    # The window itself

    def update_actions(self) -> None:
        """Offer what can be done now."""
        ready = self.model_name is not None and not self.parameters.problem
        some = self.neurons.selected_count() > 0
        self.menus.render.setEnabled(ready and some)
        self.menus.batch.setEnabled(ready and some)
        self.neurons.offer(ready)
        self.menus.stop.setEnabled(bool(self.queue.begun()))
        self.menus.save.setEnabled(bool(self.files.sources()))
        self.menus.export.setEnabled(self.files.can_export())
        self.files.animations.offer()
        # Later, all at once: a selection of many rows changes many times.
        QTimer.singleShot(0, self._estimate)

    @Slot()
    def _estimate(self) -> None:
        layer = self.neurons.model.layer
        text = self.parameters.problem
        if not text and self.model_name is not None:
            count = self.neurons.selected_count()
            text = self.estimates.text(count, layer.name if layer else None, self.parameters.settings())
        self.parameters.estimate.setText(text)

    @Slot()
    def _show_log(self) -> None:
        self.docks["Log"].show()
        self.docks["Log"].raise_()

    def interrupt(self) -> None:
        """Close without a question, as after Ctrl-C in the terminal or SIGTERM."""
        self._interrupted = True
        self.close()

    def confirm_close(self) -> bool:
        """Ask whether to stop what is under way."""
        return confirm_close(self, self.controller.queue)

    @override
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_pictures(event.mimeData()) and event.source() is None:
            event.acceptProposedAction()

    @override
    def dropEvent(self, event: QDropEvent) -> None:
        """Pictures from anywhere are rendered again, from the recipes inside."""
        for path in dropped_pictures(event.mimeData()):
            self.results.library.read(path)
        event.acceptProposedAction()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            # Later: the paint is on its way to the screen only when this event is over.
            QTimer.singleShot(0, self.appeared.emit)

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        open_jobs = any(not run.state.finished for run in self.controller.queue)
        if open_jobs and self.isVisible() and not self._interrupted and not self.confirm_close():
            event.ignore()
            return
        self.preferences.save_layout(self)
        # Gone from the screen at once; the running step may take a moment.
        self.hide()
        self.log.stop()
        self.ended = self.controller.close()
        self.keeper.close()
        self.results.library.close()
        self.opening.choosing.close()
        self.files.exporter.close()
        event.accept()
