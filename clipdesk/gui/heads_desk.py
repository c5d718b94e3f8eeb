"""HeadsDesk: looks at the processes that work through the queue with workers, and starts and stops them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import psutil
from PySide6.QtCore import QObject, QProcess, QTimer, Signal, Slot

from clipdesk.errors import ClipDeskError
from clipdesk.gui.background import Background
from clipdesk.jobs.heads import ask_to_stop, forget, head_command, heads_of, look_at_heads
from clipdesk.jobs.store import default_store

if TYPE_CHECKING:
    from clipdesk.jobs.heads import Head

_LOOK_MS = 1_000


class HeadsDesk(Background):
    """Every method returns at once; files and processes are seen to on the pool's thread.

    A head that is started goes on when the window closes, and another window finds it.

    Signals:
        changed: The list of `Head` that live, and whether one that was started here has not said a word yet.
        ended: The place of a head that has ended, and why.
    """

    changed = Signal(list, bool)
    ended = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._looking = threading.Event()
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self.look)
        # On the pool's thread only.
        self._process = 0
        self._said: tuple[list[Head], bool] | None = None

    @Slot()
    def begin(self) -> None:
        """Look once a second from now on."""
        self._timer.start()
        self.look()

    @Slot()
    def look(self) -> None:
        """Look soon; once, however often it is asked for."""
        if not self._looking.is_set():
            self._looking.set()
            self.start(self._look)

    def _look(self) -> None:
        self._looking.clear()
        alive = []
        for head in look_at_heads(default_store()):
            if head.alive:
                alive.append(head)
            else:
                forget(heads_of(default_store()), head.name)
                self.ended.emit(head.row.place, head.row.problem)
        if any(head.row.process == self._process for head in alive) or not _lives(self._process):
            self._process = 0
        said = (alive, bool(self._process))
        if said != self._said:
            self._said = said
            self.changed.emit(*said)

    def start_head(self, place: str) -> None:
        """Start a head whose work is done at a place; `ended` says what is wrong with the place, if anything is."""

        def start() -> None:
            # Whoever asks is told what has become of it, also where that is nothing new.
            self._said = None
            program, *arguments = head_command(place)
            started, number = QProcess.startDetached(program, arguments)
            if not started:
                raise ClipDeskError(f"The workers could not be started: {program} does not run")
            self._process = int(number)

        self.start(start)
        self.look()

    def stop_head(self, name: str) -> None:
        """Ask a head to stop; it does within a second."""
        self.start(lambda: ask_to_stop(default_store(), name))

    def close(self, timeout_ms: int = 5_000) -> bool:
        """Look no more.

        Returns:
            False if something that was asked for is stuck.
        """
        self._timer.stop()
        return self.wait(timeout_ms)


def _lives(process: int) -> bool:
    """Whether a process has not ended."""
    try:
        return process > 0 and psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
