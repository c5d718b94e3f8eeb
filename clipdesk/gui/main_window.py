"""The main window: what its panels do, and the wires between them."""

from __future__ import annotations

from PySide6.QtCore import QSettings, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from typing_extensions import override

from clipdesk.gui import dropping, wiring
from clipdesk.gui.animations import Animations
from clipdesk.gui.asking import Asking
from clipdesk.gui.canvas_menu import CanvasMenu
from clipdesk.gui.checked_picture import CheckedPicture
from clipdesk.gui.choosing import Choosing
from clipdesk.gui.closing import confirm_close, stops_with_window
from clipdesk.gui.commands import enable_while, make_commands
from clipdesk.gui.copier import Copier
from clipdesk.gui.estimates import Estimates
from clipdesk.gui.files import FileCommands
from clipdesk.gui.first_steps import FirstSteps
from clipdesk.gui.full_screen import FullScreen
from clipdesk.gui.help import HelpCommands
from clipdesk.gui.last_time import LastTime
from clipdesk.gui.layout import arrange_docks, show_dock
from clipdesk.gui.library import Library
from clipdesk.gui.marking import Marking
from clipdesk.gui.menus import PanelActions, actions_by_menu, build_menus, make_tool_bar
from clipdesk.gui.model_menu import ModelMenu
from clipdesk.gui.opening import Opening
from clipdesk.gui.panel_window import PanelWindow
from clipdesk.gui.results import Results
from clipdesk.gui.run_on import RunOn
from clipdesk.gui.theme import Theme
from clipdesk.gui.training import Training
from clipdesk.gui.watching import Watching
from clipdesk.gui.worker import OpenedModel
from clipdesk.models.catalogue import EMBEDDED
from clipdesk.models.names import short_name
from clipdesk.network.layer_names import Place


class MainWindow(PanelWindow):
    """Browse, pick, watch, compare, save.

    Args:
        model: Name or file of the model to open; None for the last one.
        start: Whether to render one neuron as soon as the model is ready.
        settings: Where the layout, the presets and the last folder are kept.
        theme: Light or dark; None where the user cannot choose.

    Attributes:
        render_targets: Renders a tuple of targets at once, for scripts that drive the window.
        ended: Whether all threads have ended; False after a close that could not wait for one of them.
    """

    def __init__(
        self,
        model: str | None = None,
        *,
        start: bool = False,
        settings: QSettings | None = None,
        theme: Theme | None = None,
    ) -> None:
        super().__init__(settings)
        preferences = self.session.preferences
        self.ended = True
        self._interrupted = False
        self.setAcceptDrops(True)
        self.estimates = Estimates(self.controller)
        self.library = Library(self)
        self.marking = Marking(self)
        self._make_menus(theme)
        self._make_helpers(model or (EMBEDDED if start else preferences.model), start)
        self._connect_jobs()
        self._connect_panels()
        self._connect_commands()
        self._connect_model()
        parts = self.center, self.architecture, self.neurons, self.results
        self.surveys.join(*parts, self.controller, self.asking, self.commands, self.marking, self.estimates)
        judges = self.surveys.desk, self.surveys.checks
        self.checked_picture = CheckedPicture(self.session, self.controller, self.canvas, *judges)
        self.comparisons.join(self.center, self.controller, self.parameters, self.surveys.desk)
        self.first_steps.unit_asked.connect(self.surveys.pages.go)
        self.surveys.unit.counterpart_chosen.connect(lambda unit: self.go_to(unit.model, unit.pooled[:2]))
        self.canvas.welcome.tour_asked.connect(self.surveys.pages.tour)
        arrange_docks(self, self.docks)
        # The window is painted before this, which takes long.
        self.appeared.connect(self.curves.prepare)
        preferences.keep_default(self)
        preferences.restore_layout(self)
        self.session.use_folder(preferences.folder)
        self.first_steps.greet()
        self.session.touch()

    @property
    def model_name(self) -> str | None:
        """Name or file of the model that is open; None if there is none."""
        return None if self.session.model is None else str(self.session.model.name)

    def go_to(self, model: str, place: Place) -> None:
        """Open a model, and show one of its layers or units."""
        self.first_steps.go_to(place, model)
        self.opening.open(model)

    # Building

    def _make_menus(self, theme: Theme | None) -> None:
        self.commands = make_commands(self)
        self.commands.keep.setChecked(self.session.preferences.keep)
        self.model_menu = ModelMenu(self.commands, self.session.preferences, self)
        sources = (
            self.queue,
            self.parameters,
            self.canvas,
            self.curves,
            self.gallery,
            self.surveys.unit,
            self.surveys.wall,
        )
        panels = PanelActions.of(*sources)
        build_menus(self.menuBar(), self.commands, self.model_menu, panels, self.docks, self.places(), theme)
        self.addToolBar(make_tool_bar(self.commands, self))

    def _make_helpers(self, model: str, start: bool) -> None:
        session, commands, saver = self.session, self.commands, self.controller.saver
        self.watching = Watching(session, self.controller, self.canvas, self.curves, self.queue, self.neurons.model)
        self.asking = Asking(session, self.controller, self.watching, self.neurons, self.parameters, self.estimates)
        self.render_targets = self.asking.render
        self.files = FileCommands(session, commands, saver, self.canvas, self.gallery, self.curves, self)
        self.animations = Animations(session, self.canvas, saver, commands.animation, self)
        self.training = Training(session, self.neurons.model, self)
        self.model_menu.train.triggered.connect(self.training.ask)
        self.training.trained.connect(self.model_menu.show_trained)
        self.help = HelpCommands(commands, lambda: actions_by_menu(self.menuBar()), self)
        commands.full_screen.toggled.connect(self.center.show_canvas_alone)
        self.full_screen = FullScreen(self, self.canvas.view, commands.full_screen)
        wiring.connect_search(commands.search, self.gallery, self.neurons, self.architecture)
        self.canvas_menu = CanvasMenu(self.canvas, (commands.save,), (commands.full_screen,))
        self.results = Results(session, self.library, self.gallery)
        self.copier = Copier(self.library)
        self.opening = Opening(session, self.controller, model, self)
        self.choosing = Choosing(session, self)
        self.last_time = LastTime(session.preferences.store, self.architecture, self.neurons, self.parameters)
        last, panels = None if start else self.last_time, (self.architecture, self.neurons, self.canvas)
        self.first_steps = FirstSteps(session, self.controller.desk, *panels, last_time=last)

    # Wiring

    def _connect_jobs(self) -> None:
        wiring.connect_queue(self.queue, self.offer, self.controller)
        self.run_on = RunOn(self.controller, self.queue, self.session.preferences, self.surveys.surveyor)
        self.run_on.problem.connect(self.session.complain)
        self.appeared.connect(self.run_on.desk.begin)
        wiring.connect_speech(self.session, self.status, self.notice, self.controller)
        wiring.connect_runs(self.controller, self.session, self.status, self.results)

    def _connect_panels(self) -> None:
        session, neurons = self.session, self.neurons
        self.architecture.layer_chosen.connect(neurons.show_layer)
        neurons.current_changed.connect(self.watching.show_unit)
        wiring.connect_changes(session, neurons, self.canvas, self.parameters)
        wiring.Looks(self.canvas, self.curves, neurons)
        self.notice.log_asked.connect(lambda: show_dock(self.docks["Log"]))
        wiring.connect_typing(session.preferences, self.architecture, neurons, self.notice, self.offer)
        wiring.connect_center(self.center, session, self.canvas, self.gallery)
        wiring.connect_gallery(self.gallery, self.copier, session, self.results, self.canvas)
        wiring.connect_marks(self.marking, self.gallery, session)
        wiring.connect_results(self.results, neurons, self.parameters, self.watching, self.asking)
        self.canvas_menu.use_asked.connect(self.parameters.reuse_settings)
        self.canvas_menu.render_asked.connect(self.asking.render_again)
        self.files.recipe_chosen.connect(self.library.ask_again)
        self.library.photo_found.connect(self.surveys.find_image)
        self.first_steps.render_asked.connect(self.asking.render)

    def _connect_commands(self) -> None:
        session, commands = self.session, self.commands
        session.folder_changed.connect(self._use_folder)
        commands.keep.toggled.connect(self._keep)
        commands.batch.triggered.connect(self.asking.add_selected)
        commands.stop.triggered.connect(self.queue.stop)
        commands.welcome.triggered.connect(self.center.show_canvas)
        commands.welcome.triggered.connect(self.first_steps.welcome)
        commands.quit.triggered.connect(self.close)
        commands.reset.triggered.connect(lambda: session.preferences.reset_layout(self))
        enable_while(
            session,
            {
                commands.render: self.asking.can_render,
                commands.batch: self.asking.can_render,
                commands.stop: self.queue.can_stop,
                commands.save: self.files.can_save,
                commands.export: self.files.can_export,
            },
        )

    def _connect_model(self) -> None:
        wiring.connect_opening(self.opening, self.choosing, self.commands, self.architecture, self.status)
        self.model_menu.chosen.connect(self.opening.open)
        self.files.checkpoint_chosen.connect(self.opening.open)
        self.opening.failed.connect(self.canvas.show_reason)
        # In this order: the table knows the layers before it is told what the folder has of them, and the first
        # render comes last.
        units = (self.neurons.show_model, self.surveys.filling.show_model, self.results.show_model)
        others = (self.parameters.show_model, self.estimates.show_model, self.status.show_model)
        first, last = (self.architecture.show_model,), (self.model_menu.show_model, self._show_title)
        for show in (*first, *units, *others, *last, self.first_steps.take):
            self.session.model_changed.connect(show)
        self.session.model_changed.connect(self.controller.worker.opened)
        self.session.model_changed.connect(self.queue.place.show_model)

    # The window itself

    @Slot(bool)
    def _keep(self, keep: bool) -> None:
        self.session.preferences.keep = keep
        self._use_folder()

    @Slot()
    def _use_folder(self) -> None:
        """Keep the pictures of new jobs in the results folder, or nowhere."""
        preferences = self.session.preferences
        self.controller.folder = preferences.folder if preferences.keep else None

    @Slot(object)
    def _show_title(self, opened: OpenedModel) -> None:
        self.setWindowTitle(f"{short_name(opened.name)} - ClipDesk")

    def interrupt(self) -> None:
        """Close without a question, as after Ctrl-C in the terminal or SIGTERM."""
        self._interrupted = True
        self.close()

    def confirm_close(self) -> bool:
        """Ask whether to stop the jobs that are not finished."""
        return confirm_close(self, self.controller.queue)

    @override
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        dropping.offer_to_take(event)

    @override
    def dropEvent(self, event: QDropEvent) -> None:
        dropping.take(event, self.opening, self.library, self.surveys.pages)

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        open_jobs = any(stops_with_window(run) for run in self.controller.queue)
        if open_jobs and self.isVisible() and not self._interrupted and not self.confirm_close():
            event.ignore()
            return
        self.full_screen.leave()
        self.session.preferences.save_layout(self)
        self.last_time.keep(self.model_name)
        # Gone from the screen at once; the running step may take a moment.
        self.hide()
        self.log.stop()
        self.ended = self.neurons.text_box.stop() and self.ended
        parts = (
            self.surveys,
            self.comparisons,
            self.run_on,
            self.training,
            self.controller,
            self.results,
            self.marking,
            self.choosing,
            self.files.exporter,
        )
        for part in parts:
            # Each is closed, whether or not the one before could be.
            self.ended = part.close() and self.ended
        event.accept()
