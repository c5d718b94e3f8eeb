"""Marking: keeps what the user says of pictures and units, and hears what other windows say, on a thread of its own."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from clipdesk.database import StoreError
from clipdesk.gui.background import Background
from clipdesk.gui.problems import Problem
from clipdesk.marks.mark import Mark
from clipdesk.marks.store import Marks, default_marks, open_marks

if TYPE_CHECKING:
    from clipdesk.marks.keys import Key

log = logging.getLogger(__name__)

_LOOK_MS = 2_000


class Marking(Background):
    """The window's side of the marks.

    Signals:
        changed: A dictionary of new marks by their keys; an empty mark is one that was removed. All of them come when
            the file is opened.
    """

    changed = Signal(object)
    _stuck = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self.look_again)
        self._stuck.connect(self._timer.stop)
        # From here on: on the pool's thread only.
        self._marks: Marks | None = None
        self._version: tuple[int, int] | None = None
        self._told: dict[Key, Mark] = {}

    @Slot()
    def open(self) -> None:
        """Read the user's marks, and go on looking; `changed` follows."""
        self.look_again()
        self._timer.start()

    @Slot()
    def look_again(self) -> None:
        """Look what other windows have said."""
        self.start(self._look, urgent=False)

    def change(self, keys: Iterable[Key], change: Callable[[Mark], Mark]) -> None:
        """Change marks; `changed` follows.

        Args:
            keys: What is marked.
            change: Makes the new mark from the old one; called on another thread.
        """
        wanted = list(keys)

        def write() -> None:
            self._tell(self._opened().change(wanted, change))

        self.start(write)
        self._timer.start()

    def _opened(self) -> Marks:
        if self._marks is None:
            self._marks, notice = open_marks(default_marks())
            if notice is not None:
                self.failed.emit(Problem(notice))
        return self._marks

    def _look(self) -> None:
        try:
            marks = self._opened()
            version = marks.version()
            if version == self._version:
                return
            found = marks.all()
        except Exception as error:
            # To say it once is enough. What the user says next is tried all the same.
            self._stuck.emit()
            if isinstance(error, StoreError) and not os.path.lexists(default_marks()):
                # There are no marks to miss.
                log.info("%s", error)
                return
            raise
        self._version = version
        self._tell(dict.fromkeys(self._told.keys() - found.keys(), Mark()) | found)

    def _tell(self, marks: dict[Key, Mark]) -> None:
        new = {key: mark for key, mark in marks.items() if self._told.get(key, Mark()) != mark}
        self._told.update(new)
        if new:
            self.changed.emit(new)

    def close(self, timeout_ms: int = 5_000) -> bool:
        """Wait until all that was said is kept; False if it is not by then, as where another program holds the file."""
        self._timer.stop()
        return self.wait(timeout_ms)
