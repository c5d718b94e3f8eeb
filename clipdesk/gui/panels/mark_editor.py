"""The star, the tags and the note of pictures or of a unit, to read and to write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QFocusEvent, QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget
from typing_extensions import override

from clipdesk.gui.actions import action_button
from clipdesk.marks.mark import MOST_TAGS, TAG_CHARACTERS, Mark, tags_of

Change = Callable[[Mark], Mark]
"""Makes a new mark from the old one."""

_LINES = 3
_TAGS = "Tags, separated by commas"


class _Note(QPlainTextEdit):
    """A text of a few lines that says when the user is done with it."""

    left = Signal()

    @override
    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


class MarkEditor(QWidget):
    """Of one thing, tags and note are edited; several get tags in addition to those that they have.

    What was typed is kept when the keyboard goes elsewhere, something else is shown or the window closes.

    Args:
        star: Gives a star, or takes it away.

    Signals:
        written: The list of what is marked, and the function that makes the new `Mark` of each from its old one.
    """

    written = Signal(list, object)

    def __init__(self, star: QAction) -> None:
        super().__init__()
        self._things: list[object] = []
        button = action_button(star, "Star")
        self.tags = QLineEdit(maxLength=MOST_TAGS * (TAG_CHARACTERS + 2))
        self.tags.setAccessibleName("Tags")
        self.note = _Note(tabChangesFocus=True)
        self.note.setAccessibleName("Note")
        self.note.setPlaceholderText("Note")
        margins = 2 * (round(self.note.document().documentMargin()) + self.note.frameWidth())
        self.note.setFixedHeight(_LINES * self.fontMetrics().lineSpacing() + margins)
        self.tags.editingFinished.connect(self.keep)
        self.note.left.connect(self.keep)
        row = QHBoxLayout()
        row.addWidget(button)
        row.addWidget(self.tags, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.note)
        self.show_marks([], [])

    def show_marks(self, things: Sequence[object], marks: Sequence[Mark]) -> None:
        """Show the marks of things; what is being typed for the same ones stays."""
        if list(things) != self._things:
            self.keep()
        elif self.tags.isModified() or self.note.document().isModified():
            return
        self._things = list(things)
        one = marks[0] if len(marks) == 1 else Mark()
        self.setEnabled(bool(things))
        self.note.setEnabled(len(things) == 1)
        self.tags.setPlaceholderText(f"Add tags to {len(things)} pictures" if len(things) > 1 else _TAGS)
        self.tags.setText(", ".join(one.tags))
        self.tags.setModified(False)
        if self.note.toPlainText() != one.note:
            self.note.setPlainText(one.note)
        self.note.document().setModified(False)

    def keep(self) -> None:
        """Keep what was typed."""
        things, single = self._things, len(self._things) == 1
        if self.tags.isModified():
            tags = tags_of(self.tags.text())
            self.tags.setModified(False)
            if not single:
                self.tags.clear()
            self.written.emit(things, _tagged(tags) if single else _tagged_too(tags))
        if self.note.document().isModified():
            self.note.document().setModified(False)
            self.written.emit(things, _noted(self.note.toPlainText()))

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.keep()


def starred(on: bool) -> Change:
    """What gives a star, or takes it away."""
    return lambda old: old.star(on)


def _tagged(tags: tuple[str, ...]) -> Change:
    return lambda old: replace(old, tags=tags)


def _tagged_too(tags: tuple[str, ...]) -> Change:
    return lambda old: replace(old, tags=(*old.tags, *tags))


def _noted(note: str) -> Change:
    return lambda old: replace(old, note=note)
