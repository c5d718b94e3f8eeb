"""What the window asks before it closes over its jobs."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtWidgets import QMessageBox, QWidget

from clipdesk.gui.runs import Run

_KEPT = (
    "Jobs are under way. Finished pictures stay, and what the others have reached is kept in the gallery. "
    "When ClipDesk is opened again, it offers to render what is not finished; pictures under way then begin again."
)
_LOST = "Jobs are under way, and their pictures are not kept. What was not saved is lost."


def confirm_close(parent: QWidget, runs: Iterable[Run]) -> bool:
    """Ask whether to stop what is under way."""
    answer = QMessageBox.question(
        parent,
        "Close ClipDesk?",
        what_becomes_of(runs),
        QMessageBox.StandardButton.Close | QMessageBox.StandardButton.Cancel,
        QMessageBox.StandardButton.Cancel,
    )
    return answer == QMessageBox.StandardButton.Close


def what_becomes_of(runs: Iterable[Run]) -> str:
    """What the end of the window means for the jobs that are not finished."""
    kept = any(run.folder is not None for run in runs if not run.state.finished)
    return _KEPT if kept else _LOST
