"""The line below: what runs and how far it is, the model, the device, and for a while what was just done."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar

from clipdesk.gui.runs import Run
from clipdesk.gui.words import describe

_SAID_MS = 8_000


class StatusBar(QStatusBar):
    """Progress on the left, model and device on the right."""

    def __init__(self) -> None:
        super().__init__()
        self._bar = QProgressBar(textVisible=False, maximum=1000)
        self._bar.setMaximumWidth(220)
        self._bar.setAccessibleName("Progress")
        self._bar.hide()
        self.progress = QLabel()
        self.model, self.device = QLabel(margin=4), QLabel(margin=4)
        self.addWidget(self._bar)
        self.addWidget(self.progress)
        self.addPermanentWidget(self.model)
        self.addPermanentWidget(self.device)

    def show_run(self, run: Run) -> None:
        """Say how far a job is."""
        self._bar.setValue(round(1000 * run.share))
        self.progress.setText(f"{run.title}: {describe(run)}")

    def show_bar(self, shown: bool) -> None:
        """Show the bar, while something runs."""
        self._bar.setVisible(shown)

    @Slot(str)
    def say(self, text: str) -> None:
        """Say what was done, for some seconds."""
        self.showMessage(text, _SAID_MS)
