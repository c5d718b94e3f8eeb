"""The question before the window closes while jobs are not finished."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtWidgets import QMessageBox, QWidget

from clipdesk.gui.runs import Run
from clipdesk.jobs.status import Status

_KEPT = (
    "Jobs are not finished. Finished pictures stay, and the others are kept in the gallery as they are now. "
    "When you open ClipDesk again, it offers to render the unfinished pictures; those begin from their start."
)
_LOST = "Jobs are not finished, and their pictures are not kept. Pictures that you have not saved are lost."


def confirm_close(parent: QWidget, runs: Iterable[Run]) -> bool:
    """Ask whether to stop the jobs that are not finished."""
    answer = QMessageBox.question(
        parent,
        "Close ClipDesk?",
        what_becomes_of(runs),
        QMessageBox.StandardButton.Close | QMessageBox.StandardButton.Cancel,
        QMessageBox.StandardButton.Cancel,
    )
    return answer == QMessageBox.StandardButton.Close


def what_becomes_of(runs: Iterable[Run]) -> str:
    """What closing the window means for the jobs that are not finished."""
    open_runs = [run for run in runs if not run.state.finished]
    kept = any(run.folder is not None for run in open_runs if stops_with_window(run))
    places = dict.fromkeys(run.place for run in open_runs if not stops_with_window(run))
    goes_on = f" What runs on {' and '.join(places)} goes on." if places else ""
    return f"{_KEPT if kept else _LOST}{goes_on}"


def stops_with_window(run: Run) -> bool:
    """Whether closing the window ends a job for now; one that a head renders goes on."""
    return not run.state.finished and (not run.place or run.state is Status.RUNNING)
