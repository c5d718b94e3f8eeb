"""The main window: docks, actions, and what happens between the panels."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QByteArray, QSettings, Qt, Slot
from PySide6.QtGui import QAction, QCloseEvent, QColor, QKeySequence
from PySide6.QtWidgets import QDockWidget, QFileDialog, QLabel, QMainWindow, QMessageBox, QProgressBar, QStyle, QWidget
from typing_extensions import override

from clipdesk import __version__
from clipdesk.gui.controller import RenderController
from clipdesk.gui.item_models.neurons import UnitState
from clipdesk.gui.panels import queue
from clipdesk.gui.panels.architecture import ArchitecturePanel
from clipdesk.gui.panels.canvas import Canvas
from clipdesk.gui.panels.curves import CurvesPanel
from clipdesk.gui.panels.neurons import NeuronsPanel
from clipdesk.gui.panels.parameters import ParametersPanel
from clipdesk.gui.panels.queue import QueuePanel
from clipdesk.jobs.job import Job
from clipdesk.models.catalogue import EMBEDDED, SHOWPIECE
from clipdesk.render.targets import Target, Unit

if TYPE_CHECKING:
    from clipdesk.gui.worker import Live, OpenedModel
    from clipdesk.inspector import LayerInfo
    from clipdesk.jobs.runner import Result

_LAYOUT_VERSION = 1
_LEFT, _RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
_BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea


class MainWindow(QMainWindow):
    """Browse, pick, watch, save.

    Args:
        model: Name or file of the model to open.
        start: Whether to render one neuron as soon as the model is ready.
        settings: Where the layout is kept.
    """

    def __init__(self, model: str = EMBEDDED, *, start: bool = False, settings: QSettings | None = None) -> None:
        super().__init__()
        self._name, self._start = model, start
        self._settings = settings or QSettings("ClipDesk", "ClipDesk")
        self._shown: tuple[Target, ...] = ()
        self._shown_job: int | None = None
        self._results: dict[Target, Result] = {}
        self._started = 0.0
        self._ready = False

        self.architecture, self.neurons, self.parameters = ArchitecturePanel(), NeuronsPanel(), ParametersPanel()
        self.canvas, self.curves, self.queue = Canvas(), CurvesPanel(), QueuePanel()
        self.controller = RenderController(self)
        self.setWindowTitle("ClipDesk")
        self.resize(1400, 900)
        self.setCentralWidget(self.canvas)
        self._make_docks()
        self._make_actions()
        self._make_status_bar()
        self._connect()
        self._default_layout = self.saveState(_LAYOUT_VERSION)
        self._restore_layout()
        self._update_actions()

    def open_model(self) -> None:
        """Open the model in the background; the panels fill when it is ready."""
        self._model_label.setText(f"Opening {self._name} …")
        self.controller.open_model(self._name)

    # Building

    def _make_docks(self) -> None:
        self.setDockNestingEnabled(True)
        self.docks = {
            "architecture": self._dock("Architecture", self.architecture, _LEFT),
            "neurons": self._dock("Neurons", self.neurons, _LEFT),
            "parameters": self._dock("Parameters", self.parameters, _RIGHT),
            "queue": self._dock("Queue", self.queue, _RIGHT),
            "curves": self._dock("Activation", self.curves, _BOTTOM),
        }
        self.setCorner(Qt.Corner.BottomLeftCorner, _LEFT)
        self.setCorner(Qt.Corner.BottomRightCorner, _RIGHT)
        docks = self.docks
        self.resizeDocks([docks["architecture"], docks["parameters"]], [400, 300], Qt.Orientation.Horizontal)
        self.resizeDocks([docks["architecture"], docks["neurons"]], [430, 400], Qt.Orientation.Vertical)
        self.resizeDocks([docks["parameters"], docks["queue"]], [600, 200], Qt.Orientation.Vertical)
        self.resizeDocks([docks["curves"]], [220], Qt.Orientation.Vertical)

    def _dock(self, title: str, panel: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(title)
        dock.setWidget(panel)
        self.addDockWidget(area, dock)
        return dock

    def _make_actions(self) -> None:
        icon, pixmap = self.style().standardIcon, QStyle.StandardPixmap
        self.render_action = QAction(icon(pixmap.SP_MediaPlay), "&Render", self, shortcut=QKeySequence("Ctrl+R"))
        self.render_action.setToolTip("Render the selected neurons (Ctrl+R)")
        self.stop_action = QAction(icon(pixmap.SP_MediaStop), "S&top", self, shortcut=QKeySequence("Ctrl+."))
        self.stop_action.setToolTip("Stop after this step and keep what was reached (Ctrl+.)")
        self.save_action = QAction(icon(pixmap.SP_DialogSaveButton), "&Save picture …", self)
        self.save_action.setShortcut(QKeySequence(QKeySequence.StandardKey.Save))
        self.save_action.setIconText("Save")
        self.save_action.setToolTip("Save the selected picture, or all shown, with the recipe inside")
        quit_action = QAction("&Quit", self, shortcut=QKeySequence(QKeySequence.StandardKey.Quit))
        quit_action.triggered.connect(self.close)
        reset_action = QAction("&Reset layout", self)
        reset_action.triggered.connect(lambda: self.restoreState(self._default_layout, _LAYOUT_VERSION))
        about_action = QAction("&About ClipDesk", self)
        about_action.triggered.connect(self._about)

        file_menu = self.menuBar().addMenu("&File")
        file_menu.addActions([self.save_action, quit_action])
        self.menuBar().addMenu("&Render").addActions([self.render_action, self.stop_action])
        view_menu = self.menuBar().addMenu("&View")
        view_menu.addActions([dock.toggleViewAction() for dock in self.docks.values()])
        view_menu.addSeparator()
        view_menu.addAction(reset_action)
        self.menuBar().addMenu("&Help").addAction(about_action)
        bar = self.addToolBar("Main")
        bar.setObjectName("Main")
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        bar.addActions([self.render_action, self.stop_action, self.save_action])
        view_menu.insertAction(reset_action, bar.toggleViewAction())

    def _make_status_bar(self) -> None:
        self._progress = QProgressBar(textVisible=False)
        self._progress.setMaximumWidth(220)
        self._progress.hide()
        self._progress_label = QLabel()
        self._model_label, self._device_label = QLabel(), QLabel()
        self.statusBar().addWidget(self._progress)
        self.statusBar().addWidget(self._progress_label)
        self.statusBar().addPermanentWidget(self._model_label)
        self.statusBar().addPermanentWidget(self._device_label)

    def _connect(self) -> None:
        worker = self.controller.worker
        worker.opened.connect(self._opened)
        worker.open_failed.connect(self._open_failed)
        worker.finished.connect(self._finished)
        worker.failed.connect(self._failed)
        worker.unit_failed.connect(self._unit_failed)
        self.controller.live.connect(self._show_live)
        self.controller.idle.connect(self._run_next)
        # Bound methods, not lambdas: a lambda would run on the thread that emits.
        self.controller.saver.saved.connect(self._saved)
        self.controller.saver.failed.connect(self._save_failed)
        self.architecture.layer_chosen.connect(self._show_layer)
        self.neurons.render_asked.connect(self.render_targets)
        self.neurons.selection_changed.connect(self._update_actions)
        self.queue.changed.connect(self._update_actions)
        self.canvas.tile_clicked.connect(self._update_actions)
        self.render_action.triggered.connect(lambda: self.render_targets(self.neurons.selected()))
        self.stop_action.triggered.connect(self.controller.stop)
        self.save_action.triggered.connect(self._ask_save)

    # The model

    @Slot(object)
    def _opened(self, opened: OpenedModel) -> None:
        self._ready = True
        self.architecture.show_tree(opened.tree)
        self.parameters.show_input_size(opened.input_size)
        self._model_label.setText(f"Model: {opened.name}")
        self._device_label.setText(f"Device: {opened.device}")
        self.canvas.show_hint()
        self.architecture.tree.setFocus()
        layer, index = SHOWPIECE
        if opened.name == EMBEDDED:
            self.architecture.choose(layer)
            self.neurons.select(index)
        if self._start and self.neurons.selected():
            self.render_targets(self.neurons.selected())
        self._run_next()
        self._update_actions()

    @Slot(str)
    def _open_failed(self, reason: str) -> None:
        self._model_label.setText("No model is open")
        self.architecture.show_message(reason)
        self.canvas.show_message(f"The model could not be opened.\n\n{reason}")

    def _show_layer(self, layer: LayerInfo) -> None:
        self.neurons.show_layer(layer)

    # Rendering

    def render_targets(self, targets: tuple[Target, ...]) -> None:
        """Queue a job for some targets with the parameters that are shown; it starts when its turn comes."""
        if not targets:
            return
        self.queue.add(Job(model=self._name, targets=targets, settings=self.parameters.settings()))
        self._set_states(targets, UnitState("waiting"))
        self._run_next()

    def _run_next(self) -> None:
        entry = self.queue.next_waiting()
        if entry is None or self.controller.running is not None or not self._ready:
            self._update_actions()
            return
        self.queue.set_state(entry.number, queue.RUNNING)
        self._started = time.monotonic()
        self.canvas.show_message("Starting …")
        self.controller.run(entry.number, entry.job)
        self._update_actions()

    @Slot(object)
    def _show_live(self, live: Live) -> None:
        if self._shown != live.targets or self._shown_job != live.number:
            self._shown, self._shown_job = live.targets, live.number
            labels = _labels(live.targets)
            colors = [_color(i, len(labels)) for i in range(len(labels))]
            self.canvas.start(labels, colors)
            self.curves.start(labels, colors, live.iterations)
            self._set_states(live.targets, UnitState("rendering"))
        self.curves.append(live.points)
        if live.images is not None:
            self.canvas.show_images(live.images)
        self._show_progress(live)

    def _show_progress(self, live: Live) -> None:
        job = self.queue.entry(live.number).job
        before = job.targets.index(live.targets[0])
        done = before * live.iterations + live.step * len(live.targets)
        total = len(job.targets) * live.iterations
        rate = done / max(1e-9, time.monotonic() - self._started)
        activation = float(live.points[-1].mean()) if live.points else 0.0
        self._progress.setVisible(True)
        self._progress.setMaximum(total)
        self._progress.setValue(done)
        self._progress_label.setText(
            f"step {live.step} of {live.iterations}   activation {activation:.3f}   "
            f"{rate / len(live.targets):.1f} steps/s   {_duration((total - done) / max(rate, 1e-9))} left"
        )
        self.queue.set_state(live.number, queue.RUNNING, f"{100 * done // total} %")

    @Slot(int, object)
    def _finished(self, number: int, results: list[Result]) -> None:
        for result in results:
            self._results[result.target] = result
            status = "done" if result.complete else f"stopped at {len(result.curve)}"
            self._set_states((result.target,), UnitState(status, result.activation))
        if results and {result.target for result in results} >= set(self._shown):
            # A stopped job's last step may have come between two frames.
            self.canvas.show_images(np.stack([self._results[target].image for target in self._shown]))
        entry = self.queue.entry(number)
        complete = len(results) == len(entry.job.targets) and all(result.complete for result in results)
        made = {result.target for result in results}
        rest = tuple(target for target in entry.job.targets if target not in made)
        if self.controller.worker.stop.is_set() and not complete:
            self.queue.set_state(number, queue.STOPPED)
            self._set_states(rest, UnitState(""))
        else:
            self.queue.set_state(
                number, queue.DONE if complete else queue.FAILED, f"{len(rest)} failed" if rest else ""
            )
        self._ended(
            "Done" if complete else "Stopped" if self.controller.worker.stop.is_set() else "Some neurons failed"
        )

    @Slot(int, str)
    def _failed(self, number: int, reason: str) -> None:
        entry = self.queue.entry(number)
        self.queue.set_state(number, queue.FAILED, reason)
        self._set_states(entry.job.targets, UnitState("failed", reason=reason))
        self.canvas.show_message(reason)
        self._ended(reason)

    @Slot(int, object, str)
    def _unit_failed(self, _number: int, target: Target, reason: str) -> None:
        self._set_states((target,), UnitState("failed", reason=reason))
        self.statusBar().showMessage(f"{target.label}: {reason}", 8000)

    def _ended(self, message: str) -> None:
        self._progress.setVisible(False)
        self._progress_label.setText(message)
        self._update_actions()

    def _set_states(self, targets: tuple[Target, ...], state: UnitState) -> None:
        for target in targets:
            if isinstance(target, Unit):
                self.neurons.model.set_state(target.layer, target.index, state)

    # Saving

    def results_to_save(self) -> list[Result]:
        """The selected picture's result, or those of all pictures shown."""
        chosen = (
            self._shown if self.canvas.selected < 0 else self._shown[self.canvas.selected : self.canvas.selected + 1]
        )
        return [self._results[target] for target in chosen if target in self._results]

    def save(self, results: list[Result], place: Path) -> None:
        """Save one result to a file, or several into a folder; in the background."""
        from clipdesk.export.files import picture_name

        if len(results) == 1:
            path = place if place.suffix.lower() == ".png" else place.with_name(f"{place.name}.png")
            self.controller.saver.save([(results[0], path)])
        else:
            now = datetime.now()
            self.controller.saver.save([(result, place / picture_name(result.target, now)) for result in results])

    def _ask_save(self) -> None:
        from clipdesk.export.files import picture_name

        results = self.results_to_save()
        if len(results) == 1:
            suggestion = picture_name(results[0].target, datetime.now())
            name, _ = QFileDialog.getSaveFileName(self, "Save picture", suggestion, "PNG pictures (*.png)")
        else:
            name = QFileDialog.getExistingDirectory(self, f"Folder for {len(results)} pictures")
        if name and results:
            self.save(results, Path(name))

    # The window itself

    def _update_actions(self) -> None:
        running = self.controller.running is not None
        self.render_action.setEnabled(self._ready and bool(self.neurons.selected()))
        self.stop_action.setEnabled(running)
        self.save_action.setEnabled(self._shown_job != self.controller.running and bool(self.results_to_save()))

    @Slot(str)
    def _saved(self, text: str) -> None:
        self.statusBar().showMessage(text, 8000)

    @Slot(str)
    def _save_failed(self, reason: str) -> None:
        QMessageBox.warning(self, "The picture was not saved", reason)

    def _about(self) -> None:
        QMessageBox.about(
            self,
            "About ClipDesk",
            f"<b>ClipDesk {__version__}</b><p>Shows what single neurons of a CLIP vision model look for.</p>"
            "<p>CLIP: Radford et al. 2021. Feature visualization: Olah et al. 2017.</p>",
        )

    def _restore_layout(self) -> None:
        geometry, state = self._settings.value("geometry"), self._settings.value("state")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        if isinstance(state, QByteArray):
            self.restoreState(state, _LAYOUT_VERSION)

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        self._settings.setValue("geometry", self.saveGeometry())
        self._settings.setValue("state", self.saveState(_LAYOUT_VERSION))
        # Gone from the screen at once; the running step may take a moment.
        self.hide()
        self.controller.close()
        event.accept()


def _labels(targets: tuple[Target, ...]) -> list[str]:
    """Short labels: of units of one layer only the number, as the layer is named in the table."""
    layers = {target.layer for target in targets if isinstance(target, Unit)}
    if len(targets) > 1 and len(layers) == 1:
        return [str(target.index) for target in targets if isinstance(target, Unit)]
    return [target.label for target in targets]


def _color(i: int, count: int) -> QColor:
    """Colours as far apart in hue as their number lets them, readable on light and dark."""
    return QColor.fromHsv((210 + i * 360 // max(count, 1)) % 360, 190, 215)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
