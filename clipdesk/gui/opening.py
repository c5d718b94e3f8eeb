"""Opening: has a model opened in the background, and hands it to the session when it is ready."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QMessageBox, QWidget

from clipdesk.gui.problems import Problem
from clipdesk.models.trust import allow

if TYPE_CHECKING:
    from clipdesk.gui.controller import RenderController
    from clipdesk.gui.session import Session


class Opening(QObject):
    """Opens one model at a time.

    Args:
        session: Takes the model that was opened.
        controller: Opens it in the background.
        name: Name or file of the model that `open` opens if it is given none.
        parent: The window over which questions are asked.

    Signals:
        stage: What opening the model does now, and how much of that is done, 0 to 1, or None if it is not known.
        stayed: Nothing was opened; the `OpenedModel` that was open before stays open.
        failed: Nothing was opened and no model is open; why, for the user.
    """

    stage = Signal(str, object)
    stayed = Signal(object)
    failed = Signal(str)

    def __init__(self, session: Session, controller: RenderController, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._controller = controller
        self._name = name
        self._parent = parent
        opener = controller.opener
        opener.stage.connect(self.stage)
        opener.opened.connect(session.open)
        opener.open_failed.connect(self._failed)
        opener.open_cancelled.connect(self._cancelled)
        opener.archive_refused.connect(self._ask_for_trust)

    def open(self, name: str | None = None) -> None:
        """Open a model; by default the one that was asked for last."""
        self._name = name or self._name
        self.stage.emit(f"Opening {self._name} …", None)
        self._controller.open_model(self._name)

    @Slot()
    def cancel(self) -> None:
        """Stop opening; `stayed` or `failed` follows."""
        self._controller.cancel_opening()
        self.stage.emit("Cancelling …", None)

    @Slot(str, object)
    def _failed(self, name: str, problem: Problem) -> None:
        self._session.complain(replace(problem, opening=True))
        self._go_back(name, f"{name} could not be opened.\n\n{problem.message}")

    @Slot(str)
    def _cancelled(self, name: str) -> None:
        self._go_back(name, f"{name} was not opened.\n\nChoose a model in the Model menu.")

    def _go_back(self, name: str, message: str) -> None:
        if name != self._name:
            # Another one, which was asked for since then, is being opened.
            return
        if self._session.model is not None:
            self.stayed.emit(self._session.model)
        else:
            self.failed.emit(message)

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
        """The question; Cancel is its default."""
        question = QMessageBox(
            QMessageBox.Icon.Warning,
            "Run the code in this checkpoint?",
            f"{Path(name).name} is a TorchScript archive that OpenAI did not publish. Such a file contains code, which "
            "runs with your rights when the file is opened. A state dict or a .safetensors file contains only "
            "weights.\n\nOpen it only if you trust its author. You are asked once, until you close ClipDesk.",
            QMessageBox.StandardButton.Open | QMessageBox.StandardButton.Cancel,
            self._parent,
        )
        # A file's name may look like HTML.
        question.setTextFormat(Qt.TextFormat.PlainText)
        question.setDefaultButton(QMessageBox.StandardButton.Cancel)
        return question
