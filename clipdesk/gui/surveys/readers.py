"""Readers: which second model reads the pictures of a model in a thorough check, as the user has chosen it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject, Signal

from clipdesk.activations.checking.usual import thorough_reader
from clipdesk.errors import UsageError
from clipdesk.models.catalogue import CATALOGUE, file_of
from clipdesk.models.learnt import caution_of_reader, concepts_for
from clipdesk.models.names import ModelName, Named, is_there, parse_name, plain_name, short_name

if TYPE_CHECKING:
    from clipdesk.gui.preferences import Preferences

USED, HERE, AWAY = "Used before", "On this computer", "To be downloaded first"


class ReaderChoice(NamedTuple):
    """A model that can be chosen.

    Attributes:
        name: The model.
        text: Its name, with what there is to know.
        section: `USED`, `HERE` or `AWAY`.
        chosen: Whether it is the one that reads.
    """

    name: ModelName
    text: str
    section: str
    chosen: bool


class Readers(QObject):
    """Knows one for each model, and keeps what was chosen.

    Args:
        preferences: Keep it, and know which models were used.

    Signals:
        changed: Another one was chosen.
    """

    changed = Signal()

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences

    def reader(self, model: ModelName) -> ModelName | None:
        """The model that reads the pictures of another one: the chosen one, or else the usual one."""
        chosen = self._preferences.reader(str(plain_name(model)))
        return parse_name(chosen) if chosen else thorough_reader(model)

    def choose(self, model: ModelName, reader: ModelName) -> None:
        """Have the pictures of a model read by another one from now on.

        Raises:
            UsageError: it is the same one.
        """
        if plain_name(reader) == plain_name(model):
            raise UsageError(f"{short_name(reader)} is the model that is checked. Choose another one")
        self._preferences.remember_reader(str(plain_name(model)), str(reader))
        self.changed.emit()

    def choices(self, model: ModelName) -> list[ReaderChoice]:
        """What can be chosen for a model, but for files that were never opened: one section after the other."""
        current = self.reader(model)
        found = dict(self._found(model))
        if current is not None:
            # One that was chosen as a file is not among the models that were opened.
            found.setdefault(current, USED)
        listed = [
            ReaderChoice(name, _text(name, model), section, name == current)
            for name, section in found.items()
            if name != plain_name(model)
        ]
        sections = (USED, HERE, AWAY)
        return sorted(listed, key=lambda each: (sections.index(each.section), bool(caution_for(each.name, model))))

    def _found(self, model: ModelName) -> Iterator[tuple[ModelName, str]]:
        named = [Named(name) for name in CATALOGUE]
        for each in named:
            yield each, HERE if file_of(each.name).exists() else AWAY
        for text in self._preferences.recent_models:
            name = plain_name(parse_name(text))
            if name not in named and is_there(str(name)):
                yield name, USED


def download_of(name: ModelName) -> str:
    """The size of what has to be downloaded before a named model is opened; empty where nothing has to, or may."""
    if not isinstance(name, Named) or file_of(name.name).exists():
        return ""
    return f"{CATALOGUE[name.name].megabytes:,} MB"


def caution_for(reader: ModelName, model: ModelName) -> str:
    """What to know of a model before it reads pictures of another; empty if nothing is known against it."""
    return caution_of_reader(reader, concepts_for(model))


def _text(name: ModelName, model: ModelName) -> str:
    if caution_for(name, model):
        return f"{short_name(name)}: has seen other things"
    size = download_of(name)
    return f"{short_name(name)}: downloads {size}" if size else short_name(name)
