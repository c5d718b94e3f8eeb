"""Stars, tags and notes of units: on the unit page and in the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from clipdesk.gui.panels.mark_editor import Change, starred
from clipdesk.marks.keys import UnitKey
from clipdesk.marks.mark import Mark

if TYPE_CHECKING:
    from clipdesk.gui.marking import Marking
    from clipdesk.gui.panels.unit_page import UnitPage
    from clipdesk.gui.session import Session
    from clipdesk.marks.keys import Key
    from clipdesk.render.targets import Unit


class UnitMarks(QObject):
    """What the user says of units.

    Args:
        session: Knows the open model.
        marking: Keeps it.
        page: Where it is said.

    Signals:
        changed: The marks of units are others.
    """

    changed = Signal()

    def __init__(self, session: Session, marking: Marking, page: UnitPage) -> None:
        super().__init__(session)
        self._session, self._marking, self._page = session, marking, page
        self._marks: dict[UnitKey, Mark] = {}
        self._key: UnitKey | None = None
        marking.changed.connect(self._take)
        page.marks.written.connect(self._write)
        page.star_action.triggered.connect(self._star)
        page.marks.setEnabled(False)

    @Slot(object)
    def show_unit(self, unit: Unit) -> None:
        """Show what was said of a unit."""
        model = self._session.model
        weights = None if model is None else model.weights
        self._key = None if weights is None else UnitKey(weights, unit.layer, unit.index)
        self._show()

    def of_layer(self, layer: str) -> dict[int, Mark]:
        """The marks of a layer's units in the open model."""
        weights = None if self._session.model is None else self._session.model.weights
        return {
            key.unit: mark
            for key, mark in self._marks.items()
            if key.layer == layer and key.weights == weights and mark
        }

    @Slot(object)
    def _take(self, marks: Mapping[Key, Mark]) -> None:
        own = {key: mark for key, mark in marks.items() if isinstance(key, UnitKey)}
        self._marks.update(own)
        if own:
            self._show()
            self.changed.emit()

    def _show(self) -> None:
        mark = Mark() if self._key is None else self._marks.get(self._key, Mark())
        self._page.star_action.setChecked(mark.starred)
        self._page.star_action.setEnabled(self._key is not None)
        self._page.marks.show_marks([] if self._key is None else [self._key], [mark])

    @Slot(list, object)
    def _write(self, keys: list[UnitKey], change: Change) -> None:
        self._marking.change(keys, change)

    @Slot(bool)
    def _star(self, on: bool) -> None:
        if self._key is not None:
            self._marking.change([self._key], starred(on))
