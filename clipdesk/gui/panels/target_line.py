"""The line in which a target is typed: it completes names of layers, and brings back earlier lines with Up."""

from __future__ import annotations

import re
from collections.abc import Iterable

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QStringListModel, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QLineEdit
from typing_extensions import override

MOST_REMEMBERED = 50
_FEWEST_LETTERS = 2
_NAME = re.compile(r"(?:^|[-+*(])\s*([\w.]+)$")
_NOTHING = "\0"
"""No layer contains it, so nothing is offered."""


class _LayerCompleter(QCompleter):
    """Completes the name that the cursor stands behind, and leaves what is around it."""

    def __init__(self, line: QLineEdit) -> None:
        super().__init__(line)
        self._line = line
        self.names = QStringListModel(self)
        self.setModel(self.names)
        self.setFilterMode(Qt.MatchFlag.MatchContains)
        self.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)

    @override
    def splitPath(self, path: str) -> list[str]:
        before = path[: self._line.cursorPosition()]
        return [_name_at_the_end(before) or _NOTHING]

    @override
    def pathFromIndex(self, index: QModelIndex | QPersistentModelIndex) -> str:
        text, cursor = self._line.text(), self._line.cursorPosition()
        before, after = text[:cursor], text[cursor:]
        kept = before.removesuffix(_name_at_the_end(before))
        return f"{kept}{super().pathFromIndex(index)}:{after.removeprefix(':')}"


class TargetLine(QLineEdit):
    """A line with a memory.

    Signals:
        remembered: The lines that Up brings back from now on, the newest first.
    """

    remembered = Signal(list)

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholderText=placeholder)
        self._history: list[str] = []
        self._place = -1
        self._draft = ""
        self._completer = _LayerCompleter(self)
        self.setCompleter(self._completer)
        self.textEdited.connect(self._begin_anew)

    def offer_layers(self, names: Iterable[str]) -> None:
        """Complete these names from now on."""
        self._completer.names.setStringList(list(names))

    def set_history(self, lines: Iterable[str]) -> None:
        """The lines of earlier sessions, the newest first."""
        self._history = list(lines)[:MOST_REMEMBERED]
        self._place = -1

    def remember(self) -> None:
        """Keep the line that is there for Up."""
        line = self.text().strip()
        self.set_history([line, *(each for each in self._history if each != line)])
        self.remembered.emit(list(self._history))

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        # While names are offered, the arrows go through those.
        if event.key() == Qt.Key.Key_Up:
            self._go(1)
        elif event.key() == Qt.Key.Key_Down:
            self._go(-1)
        else:
            super().keyPressEvent(event)

    def _go(self, by: int) -> None:
        """Go to an earlier or a later line; after the latest comes what was being typed."""
        place = max(-1, min(self._place + by, len(self._history) - 1))
        if place == self._place:
            return
        if self._place < 0:
            self._draft = self.text()
        self._place = place
        self.setText(self._draft if place < 0 else self._history[place])

    def _begin_anew(self) -> None:
        self._place = -1


def _name_at_the_end(before: str) -> str:
    """The beginning of a layer's name that ends a text; empty if there is none, or it is within quotes."""
    found = _NAME.search(before)
    if found is None or before.count('"') % 2 or len(found[1]) < _FEWEST_LETTERS:
        return ""
    return found[1]
