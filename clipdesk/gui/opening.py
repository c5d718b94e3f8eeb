"""Opening a model: what the panels show before, while and after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtWidgets import QMessageBox

from clipdesk.gui.choosing import Choosing
from clipdesk.gui.problems import Problem
from clipdesk.gui.worker import OpenedModel
from clipdesk.models.catalogue import SHOWPIECES
from clipdesk.models.listing import short_name
from clipdesk.models.trust import allow

if TYPE_CHECKING:
    from clipdesk.gui.main_window import MainWindow


class Opening(QObject):
    """Has a model opened in the background, and fills the panels when it is ready.

    Args:
        window: The window.
        name: Name or file of the model to open first.
        start: Whether to render one neuron then.

    Attributes:
        model: The model that is open; None if there is none.
        choosing: The dialog in which another is chosen.
    """

    def __init__(self, window: MainWindow, name: str, start: bool) -> None:
        super().__init__(window)
        self._window, self._name, self._start = window, name, start
        self.model: OpenedModel | None = None
        self.choosing = Choosing(window)
        self._looked = False
        worker = window.controller.worker
        worker.stage.connect(self._show_stage)
        worker.preparing.connect(window.status.progress.setText)
        worker.opened.connect(self._opened)
        worker.open_failed.connect(self._failed)
        worker.open_cancelled.connect(self._cancelled)
        worker.archive_refused.connect(self._ask_for_trust)
        window.architecture.cancel_asked.connect(self._cancel)
        window.canvas.welcome.first_asked.connect(self.render_first)
        window.menus.models.triggered.connect(lambda action: self.open(action.data()))

    def open(self, name: str | None = None) -> None:
        """Open a model; the panels fill when it is ready."""
        self._name = name or self._name
        self._show_stage(f"Opening {self._name} …")
        self._window.controller.open_model(self._name)

    @Slot(str, object)
    def _show_stage(self, stage: str, share: float | None = None) -> None:
        self._window.architecture.show_opening(stage, share)
        self._window.status.model.setText(stage)

    @Slot()
    def _cancel(self) -> None:
        self._window.controller.cancel_opening()
        self._show_stage("Cancelling …")

    @Slot(object)
    def _opened(self, opened: OpenedModel) -> None:
        window = self._window
        self.model = opened
        window.preferences.model = opened.name
        window.architecture.show_tree(opened.tree)
        window.neurons.show_model(opened.tree)
        window.results.show_found()
        window.parameters.show_default(opened.name)
        window.parameters.show_input_size(opened.input_size)
        window.parameters.show_devices(opened.devices)
        window.estimates.show_model(opened)
        self._name_model(opened)
        window.architecture.tree.setFocus()
        if opened.name in SHOWPIECES:
            layer, index = SHOWPIECES[opened.name]
            window.architecture.choose(layer)
            window.neurons.select(index)
        if not window.canvas.tracks:
            window.canvas.greet(ready=True)
        if self._start:
            self._start = False
            self.render_first()
        if not self._looked:
            self._looked = True
            if window.preferences.problem:
                window.notice.show_problem(Problem(window.preferences.problem))
            window.keeper.look(window.preferences.folder)
        window.update_actions()

    def _name_model(self, opened: OpenedModel) -> None:
        window, name = self._window, short_name(opened.name)
        window.setWindowTitle(f"{name} - ClipDesk")
        window.status.model.setText(f"Model: {name}")
        window.status.device.setText(f"Device: {opened.device}")
        window.menus.show_model(opened.name)

    @Slot(str, object)
    def _failed(self, name: str, problem: Problem) -> None:
        self._window.notice.show_problem(problem)
        self._go_back(f"{name} could not be opened.\n\n{problem.message}")

    @Slot(str)
    def _cancelled(self, name: str) -> None:
        self._go_back(f"{name} was not opened.\n\nChoose a model in the Model menu.")

    @Slot(str, str)
    def _ask_for_trust(self, name: str, sha256: str) -> None:
        if self.confirm_trust(name):
            allow(sha256)
            self.open(name)
        else:
            self._cancelled(name)

    def confirm_trust(self, name: str) -> bool:
        """Ask whether the code in a TorchScript archive may run."""
        question = self.trust_question(name)
        answer = question.exec()
        question.deleteLater()
        return answer == QMessageBox.StandardButton.Open

    def trust_question(self, name: str) -> QMessageBox:
        """The question; no is its default."""
        question = QMessageBox(
            QMessageBox.Icon.Warning,
            "Run the code in this checkpoint?",
            f"{Path(name).name} is a TorchScript archive, and none of OpenAI's. Such a file holds code, which runs "
            "with your rights when it is opened. A state dict or a .safetensors file holds weights only.\n\n"
            "Open it if you trust who made it. You are asked once until ClipDesk is closed.",
            QMessageBox.StandardButton.Open | QMessageBox.StandardButton.Cancel,
            self._window,
        )
        # A file's name may look like HTML.
        question.setTextFormat(Qt.TextFormat.PlainText)
        question.setDefaultButton(QMessageBox.StandardButton.Cancel)
        return question

    def _go_back(self, message: str) -> None:
        """Keep the model that is open, if there is one."""
        window = self._window
        if self.model is not None:
            window.architecture.show_model()
            self._name_model(self.model)
            return
        window.architecture.show_message(message)
        window.status.model.setText("No model is open")
        if not window.canvas.tracks:
            window.canvas.show_message(message)

    @Slot()
    def render_first(self) -> None:
        """Render what is selected, or something from the middle of the model."""
        window = self._window
        if not window.neurons.selected() and self.model is not None:
            layers = [node.info for node in self.model.tree.walk() if node.info.reason is None]
            window.architecture.choose(layers[len(layers) // 2].name)
            window.neurons.select(0)
        window.render_targets(window.neurons.selected())
