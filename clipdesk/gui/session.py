"""Session: the state that the window's parts share, and how they speak to the user. It holds no widget."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from clipdesk.models.names import is_same_name

if TYPE_CHECKING:
    from pathlib import Path

    from clipdesk.gui.preferences import Preferences
    from clipdesk.gui.problems import Problem
    from clipdesk.gui.runs import Run
    from clipdesk.gui.worker import OpenedModel
    from clipdesk.models.names import ModelName

log = logging.getLogger(__name__)


class Session(QObject):
    """What is open and what is watched.

    Attributes:
        preferences: What is kept between sessions.
        model: The model that is open; None if there is none.
        following: Whether any job is shown as soon as it runs, because the user has not chosen yet what to look at.
        awaited: The run that the user wants to see as soon as it runs; None if there is none, or if something else was
            chosen since.
        watched: The run on the canvas; None if the canvas shows no run, or finished pictures.

    Signals:
        model_changed: The `OpenedModel` that was opened.
        folder_changed: The results folder from now on.
        watched_changed: The `Run` that is watched from now on, or None.
        chosen: The user has chosen something else to look at.
        changed: Something that decides which commands can be used has changed. It is emitted at once, so that a
            shortcut that follows a selection in the same moment finds its command enabled; slots must be quick.
        settled: The same, once for all changes of one moment: a selection of many rows changes many times.
        said: A line for the status bar.
        problem: A `Problem` to show to the user.
    """

    model_changed = Signal(object)
    folder_changed = Signal(object)
    watched_changed = Signal(object)
    chosen = Signal()
    changed = Signal()
    settled = Signal()
    said = Signal(str)
    problem = Signal(object)

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.preferences = preferences
        self.model: OpenedModel | None = None
        self.following = True
        self.awaited: Run | None = None
        self.watched: Run | None = None
        self._timer = QTimer(self, interval=0, singleShot=True)
        self._timer.timeout.connect(self.settled)

    @property
    def model_name(self) -> ModelName | None:
        """Name or file of the open model; None if there is none."""
        return None if self.model is None else self.model.name

    def is_open(self, name: ModelName | str, weights: str | None) -> bool:
        """Whether something was made with the model that is open.

        Args:
            name: The model's name, as a recipe or a job has it.
            weights: SHA-256 of its weights; None where they are not known, and the name is all there is.
        """
        if self.model is None:
            return False
        if weights is not None and self.model.weights is not None:
            return weights == self.model.weights
        return is_same_name(self.model.name, str(name))

    @Slot(object)
    def open(self, model: OpenedModel) -> None:
        """Make a model the open one."""
        self.model = model
        self.preferences.model = str(model.name)
        self.model_changed.emit(model)
        self.touch()

    def use_folder(self, folder: Path) -> None:
        """Keep finished pictures in this folder from now on."""
        self.preferences.folder = folder
        self.folder_changed.emit(folder)

    def watch(self, run: Run | None) -> None:
        """Watch another run, or none."""
        if run is not self.watched:
            self.watched = run
            self.watched_changed.emit(run)

    def choose(self, run: Run | None, *, awaited: Run | None = None) -> None:
        """Watch what the user has chosen to look at: no other job takes its place by itself from now on.

        Args:
            run: The run to watch; None for something else than a run.
            awaited: A run that is to be watched as soon as it runs.
        """
        self.following = False
        self.awaited = awaited
        self.chosen.emit()
        self.watch(run)

    @Slot()
    def touch(self) -> None:
        """Note that something has changed that decides which commands can be used."""
        self.changed.emit()
        self._timer.start()

    @Slot(str)
    def say(self, text: str) -> None:
        """Show a line in the status bar for a while."""
        self.said.emit(text)

    @Slot(object)
    def complain(self, problem: Problem) -> None:
        """Show a problem to the user, and keep it in the log."""
        log.warning("%s", problem.message)
        self.problem.emit(problem)
