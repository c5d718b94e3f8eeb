"""The status bar: how far the running job is, the model, the device, and for a while what was just done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QProgressBar, QStatusBar

from clipdesk.gui.plain import plain_label, plain_tip
from clipdesk.gui.runs import Run
from clipdesk.gui.words import time_left
from clipdesk.jobs.status import Status
from clipdesk.models.names import short_name

if TYPE_CHECKING:
    from clipdesk.gui.worker import OpenedModel

_SAID_MS = 8_000


class StatusBar(QStatusBar):
    """Progress on the left, model and device on the right."""

    def __init__(self) -> None:
        super().__init__()
        self._bar = QProgressBar(textVisible=False, maximum=1000)
        self._bar.setMaximumWidth(220)
        self._bar.setAccessibleName("Progress")
        self._bar.hide()
        self._running: Run | None = None
        self.progress = plain_label()
        self.model, self.device = plain_label(margin=4), plain_label(margin=4)
        self.addWidget(self._bar)
        self.addWidget(self.progress)
        self.addPermanentWidget(self.model)
        self.addPermanentWidget(self.device)

    @Slot(object)
    def show_model(self, opened: OpenedModel) -> None:
        """Name the open model and its device."""
        self.model.setText(f"Model: {short_name(opened.name)}")
        self.model.setToolTip(plain_tip("\n\n".join(opened.remarks), wrap=True))
        self.device.setText(f"Device: {opened.device}")

    @Slot(str)
    def show_stage(self, text: str) -> None:
        """Show what opening a model does now."""
        self.model.setText(text)

    @Slot()
    def show_no_model(self) -> None:
        """Say that no model is open."""
        self.model.setText("No model is open")

    @Slot(object)
    def show_run(self, run: Run) -> None:
        """Say how long a job still takes; the step that it is at stands in the queue."""
        self._bar.setValue(round(1000 * run.share))
        self.progress.setText(f"{run.title}: {time_left(run)}")

    @Slot(object)
    def show_state(self, run: Run) -> None:
        """Say what state a job is in now; the bar is shown while a job runs."""
        if run.state is Status.RUNNING:
            self._running = run
        elif run is self._running:
            self._running = None
        self._bar.setVisible(self._running is not None)
        if self._running in (None, run) or not run.place:
            self.show_run(run)

    @Slot(str)
    def say(self, text: str) -> None:
        """Say what was done, for some seconds."""
        self.showMessage(text, _SAID_MS)
